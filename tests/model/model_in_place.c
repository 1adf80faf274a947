/* SPDX-License-Identifier: MIT */
/* model_in_place.c - places in hand: committed, aborted, released, and closed
 * under; and force_send, which takes the oldest place. */
#include "traffic.h"

static void fill_and_commit(weir_sender *tx, void *slot, uint64_t element)
{
	shared_write(slot, sizeof element);
	*(uint64_t *)slot = element;
	weir_send_commit(tx, slot);
}

/* Reserve, then fill and commit, or abort. */
static void build(void *argument)
{
	struct act *act = argument;
	void *slot;

	act->status = weir_send_reserve(act->tx, &slot);
	if (act->status == WEIR_OK)
		fill_and_commit(act->tx, slot, act->element);
}

static void build_in_vain(void *argument)
{
	struct act *act = argument;
	void *slot;

	act->status = weir_send_reserve(act->tx, &slot);
	if (act->status == WEIR_OK)
		weir_send_abort(act->tx, slot);
	act->status = WEIR_TIMED_OUT; /* nothing was sent, for check_once */
}

static void try_to_build_in_vain(void *argument)
{
	struct act *act = argument;
	void *slot;

	if (weir_try_send_reserve(act->tx, &slot) == WEIR_OK)
		weir_send_abort(act->tx, slot);
	act->status = WEIR_TIMED_OUT; /* nothing was sent, for check_once */
}

static void use(void *argument)
{
	struct act *act = argument;
	void *slot;

	act->status = weir_recv_acquire_until(act->rx, &slot, act->deadline);
	if (act->status != WEIR_OK)
		return;
	shared_read(slot, sizeof act->element);
	act->element = *(uint64_t *)slot;
	weir_recv_release(act->rx, slot);
}

static void commit(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2), RECEIVES(ends)};

	acts[1].deadline = INT64_MAX;
	spawn("builder", build, &acts[0]);
	spawn("user", use, &acts[1]);
	spawn("sender", do_send, &acts[2]);
	spawn("receiver", do_recv, &acts[3]);
	join();
	check(acts[1].status == WEIR_OK && acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(in_place, commit_1, "built and used in place, among others: capacity 1")
{
	commit(1);
}

MODEL(in_place, commit_unbounded,
	"built and used in place, among others: unbounded")
{
	commit(WEIR_UNBOUNDED);
}

static void abort_one(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	spawn("aborter", build_in_vain, &acts[0]);
	spawn("sender", do_send, &acts[1]);
	spawn("receiver", do_recv, &acts[2]);
	join();
	check(acts[2].status == WEIR_OK && acts[2].element == 2);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(in_place, abort_1, "nobody waits for an aborted place: capacity 1")
{
	abort_one(1);
}

MODEL(in_place, abort_2, "nobody waits for an aborted place: capacity 2")
{
	abort_one(2);
}

MODEL(in_place, abort_unbounded, "nobody waits for an aborted place: unbounded")
{
	abort_one(WEIR_UNBOUNDED);
}

static void two_gaps(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4), RECEIVES(ends)};

	spawn("aborter 1", build_in_vain, &acts[0]);
	spawn("aborter 2", build_in_vain, &acts[1]);
	spawn("sender", do_send, &acts[2]);
	spawn("receiver", do_recv, &acts[3]);
	join();
	check(acts[3].status == WEIR_OK && acts[3].element == 4);
	check(weir_receiver_length(ends.rx) == 0);
	free_channel(ends);
}

MODEL(in_place, two_gaps_2, "two gaps in a row: capacity 2")
{
	two_gaps(2);
}

MODEL(in_place, two_gaps_unbounded, "two gaps in a row: unbounded")
{
	two_gaps(WEIR_UNBOUNDED);
}

MODEL(in_place, gap_behind_an_element,
	"a place is aborted as the element before it is taken")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		RECEIVES(ends), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("aborter", build_in_vain, &acts[1]);
	spawn("receiver", do_recv, &acts[3]);
	spawn("receiver 2", do_recv, &acts[4]);
	spawn("sender", do_send, &acts[2]);
	join();
	check(acts[3].status == WEIR_OK && acts[4].status == WEIR_OK);
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

/* Places that the body has reserved. */
struct place {
	weir_sender *tx;
	void *slot;
	uint64_t element;
};

static struct place reserve(struct ends ends, uint64_t element)
{
	struct place place = {.tx = ends.tx, .element = element};

	check(weir_send_reserve(ends.tx, &place.slot) == WEIR_OK);
	return place;
}

static void abort_place(void *argument)
{
	struct place *place = argument;

	weir_send_abort(place->tx, place->slot);
}

static void commit_place(struct place *place)
{
	fill_and_commit(place->tx, place->slot, place->element);
}

/* Whoever has aborted, and whoever has taken what was before the gap, one of
 * the two has moved head past it: nobody is in the middle, so what comes next
 * is there at once. */
static void gap_is_passed(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2), RECEIVES(ends)};
	struct place gap;

	do_send(&acts[0]);
	gap = reserve(ends, 0);
	spawn("aborter", abort_place, &gap);
	spawn("receiver", do_try_recv, &acts[1]);
	join();
	do_try_send(&acts[2]);
	do_try_recv(&acts[3]);
	check(acts[1].status == WEIR_OK && acts[2].status == WEIR_OK);
	check(acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(in_place, gap_is_passed_2,
	"a gap, and the element before it goes: capacity 2")
{
	gap_is_passed(2);
}

MODEL(in_place, gap_is_passed_unbounded,
	"a gap, and the element before it goes: unbounded")
{
	gap_is_passed(WEIR_UNBOUNDED);
}

MODEL(in_place, gaps_around_an_element,
	"two places are aborted at once, an element between them")
{
	struct ends ends = open_channel(4);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), RECEIVES(ends)};
	struct place gaps[2];

	gaps[0] = reserve(ends, 0);
	do_send(&acts[0]);
	gaps[1] = reserve(ends, 0);
	do_send(&acts[1]);
	spawn("aborter 1", abort_place, &gaps[0]);
	spawn("aborter 2", abort_place, &gaps[1]);
	join();
	do_try_recv_two(&acts[2]);
	check(acts[2].status == WEIR_OK && acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(in_place, gap_is_no_place,
	"a gap behind an element: who sends with a deadline is told")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2)};
	struct place gap;

	do_send(&acts[0]);
	gap = reserve(ends, 0);
	abort_place(&gap);
	acts[1].deadline = deadline_ahead();
	spawn("sender", do_send_until, &acts[1]);
	join();
	check(acts[1].status == WEIR_TIMED_OUT);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

struct batch {
	weir_receiver *rx;
	uint64_t elements[3];
	size_t count;
	struct place places[3];
};

static void recv_all(void *argument)
{
	struct batch *batch = argument;

	check(weir_recv_many(batch->rx, batch->elements, 3, &batch->count) ==
		WEIR_OK);
}

static void abort_the_second(void *argument)
{
	struct batch *batch = argument;

	until_asleep(1);
	abort_place(&batch->places[1]);
	commit_place(&batch->places[2]);
	commit_place(&batch->places[0]);
}

MODEL(in_place, batch_over_a_gap,
	"a recv_many that waits is given what is behind a gap as well")
{
	struct ends ends = open_channel(4);
	struct batch batch = {.rx = ends.rx};

	for (unsigned i = 0; i < 3; i++)
		batch.places[i] = reserve(ends, 1u << i);
	spawn("receiver", recv_all, &batch);
	spawn("builder", abort_the_second, &batch);
	join();
	check(batch.count == 2);
	check(batch.elements[0] == 1 && batch.elements[1] == 4);
	free_channel(ends);
}

static void close_under_a_hand(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[1].status = WEIR_CLOSED_RESOURCE;
	spawn("builder", build, &acts[0]);
	spawn("closer", do_close_receiver, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK ||
		acts[0].status == WEIR_BROKEN_RESOURCE);
	check_once(acts, 2, NULL);
	free_channel(ends);
}

MODEL(in_place, close_1,
	"the last receiver leaves under a reservation: capacity 1")
{
	close_under_a_hand(1);
}

MODEL(in_place, close_unbounded,
	"the last receiver leaves under a reservation: unbounded")
{
	close_under_a_hand(WEIR_UNBOUNDED);
}

static void acquired_then_closed(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2)};

	acts[1].deadline = deadline_ahead();
	do_send(&acts[0]);
	spawn("user", use, &acts[1]);
	spawn("closer", do_close_receiver, &acts[1]);
	spawn("sender", do_send, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	free_channel(ends);
}

MODEL(in_place, acquired_1,
	"the last receiver leaves while its element is in hand: capacity 1")
{
	acquired_then_closed(1);
}

MODEL(in_place, acquired_unbounded,
	"the last receiver leaves while its element is in hand: unbounded")
{
	acquired_then_closed(WEIR_UNBOUNDED);
}

static void hold_for_long(void *argument)
{
	struct act *acts = argument;
	void *slot;

	check(weir_send_reserve(acts[0].tx, &slot) == WEIR_OK);
	/* Whatever is in hand, a deadline that has passed is answered. */
	do_recv_until(&acts[1]);
	fill_and_commit(acts[0].tx, slot, acts[0].element);
}

MODEL(in_place, held,
	"a place is in hand: nobody waits for it beyond a deadline")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), RECEIVES(ends), SENDS(ends, 2)};

	acts[1].deadline = deadline_ahead();
	acts[2].deadline = deadline_ahead();
	spawn("holder", hold_for_long, acts);
	spawn("receiver", do_recv_until, &acts[2]);
	spawn("sender", do_send, &acts[3]);
	join();
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

/* Two receivers with deadlines, one element, and a place that is aborted: who
 * was to wait for that is told. */
static void overdue(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), RECEIVES(ends)};

	acts[2].deadline = acts[3].deadline = deadline_ahead();
	spawn("sender", do_send, &acts[0]);
	spawn("aborter", build_in_vain, &acts[1]);
	spawn("receiver 1", do_recv_until, &acts[2]);
	spawn("receiver 2", do_recv_until, &acts[3]);
	join();
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(in_place, overdue_2,
	"who stays beyond its deadline for a place that is aborted: capacity 2")
{
	overdue(2);
}

MODEL(in_place, overdue_unbounded,
	"who stays beyond its deadline for a place that is aborted: unbounded")
{
	overdue(WEIR_UNBOUNDED);
}

/* -- force_send ---------------------------------------------------------- */

static void force_against_recv(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), SENDS(ends, 4)};

	for (size_t i = 0; i < capacity; i++)
		do_send(&acts[i == 0 ? 0 : 3]);
	if (capacity == 1)
		acts[3].status = WEIR_TIMED_OUT;
	spawn("forcer", do_force_send, &acts[1]);
	spawn("receiver", do_recv, &acts[2]);
	join();
	check(acts[1].status == WEIR_OK || acts[1].status == WEIR_WOULD_BLOCK);
	check(acts[2].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(force_send, against_recv_1,
	"the oldest is received or displaced: capacity 1")
{
	force_against_recv(1);
}

MODEL(force_send, against_recv_2,
	"the oldest is received or displaced: capacity 2")
{
	force_against_recv(2);
}

MODEL(force_send, gap, "the displaced element was before an aborted place")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("aborter", try_to_build_in_vain, &acts[1]);
	spawn("forcer", do_force_send, &acts[2]);
	join();
	/* Nobody is in the middle: it is there at once. */
	do_try_recv(&acts[3]);
	check(acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(force_send, never_empty,
	"a full channel into which elements are forced is never empty")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("forcer", do_force_send, &acts[1]);
	spawn("receiver", do_recv_until, &acts[2]); /* at 0: has passed */
	join();
	check(acts[2].status == WEIR_OK);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(force_send, two, "two at once, into a full channel")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4)};

	do_send(&acts[0]);
	spawn("forcer 1", do_force_send, &acts[1]);
	spawn("forcer 2", do_force_send, &acts[2]);
	join();
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(force_send, waiting_sender,
	"ahead of a sender that waits, which is not forgotten")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		RECEIVES(ends), RECEIVES(ends)};

	do_send(&acts[0]);
	spawn("sender", do_send, &acts[1]);
	spawn("forcer", do_force_send, &acts[2]);
	spawn("receiver", do_recv_two, &acts[3]);
	join();
	check(acts[1].status == WEIR_OK && acts[3].status == WEIR_OK);
	/* The forcer may find the others in the middle. */
	check(acts[4].status == WEIR_OK);
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

MODEL(force_send, last_close, "into a channel whose last receiver leaves")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	acts[2].status = WEIR_CLOSED_RESOURCE;
	do_send(&acts[0]);
	spawn("forcer", do_force_send, &acts[1]);
	spawn("closer", do_close_receiver, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	free_channel(ends);
}
