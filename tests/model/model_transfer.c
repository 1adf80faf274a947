/* SPDX-License-Identifier: MIT */
/* model_transfer.c - sending and receiving through a buffer, and waiting for
 * it: the ring at capacity 1 and 2, with wrap. */
#include "traffic.h"

MODEL(transfer, try_pair, "a try_send meets a try_recv at capacity 1")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

/* At a capacity, with so many elements in it already, which then wrap. */
static struct ends open_with(size_t capacity, unsigned inside)
{
	struct ends ends = open_channel(capacity);
	uint64_t element;

	for (uint64_t i = 0; i < capacity; i++) {
		check(weir_try_send(ends.tx, &i) == WEIR_OK);
		check(weir_try_recv(ends.rx, &element) == WEIR_OK);
	}
	for (unsigned i = 0; i < inside; i++) {
		element = (uint64_t)0x100 << i;
		check(weir_try_send(ends.tx, &element) == WEIR_OK);
	}
	return ends;
}

static struct act inside(unsigned i, weir_sender *tx)
{
	return (struct act){.tx = tx, .element = (uint64_t)0x100 << i};
}

MODEL(transfer, try_wrap, "two try_sends and two try_recvs at capacity 2")
{
	struct ends ends = open_with(2, 1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends),
		RECEIVES(ends), inside(0, ends.tx)};

	spawn("sender 1", do_try_send, &acts[0]);
	spawn("sender 2", do_try_send, &acts[1]);
	spawn("receiver 1", do_try_recv, &acts[2]);
	spawn("receiver 2", do_try_recv, &acts[3]);
	join();
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

MODEL(transfer, senders_contend, "each knows that the other claims, too")
{
	struct ends ends;
	struct act acts[2];

	tell_threads_apart();
	ends = open_with(2, 0);
	acts[0] = (struct act)SENDS(ends, 1);
	acts[1] = (struct act)SENDS(ends, 2);
	spawn("sender 1", do_try_send, &acts[0]);
	spawn("sender 2", do_try_send, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(transfer, receivers_contend, "likewise")
{
	struct ends ends;
	struct act acts[4];

	tell_threads_apart();
	ends = open_with(2, 2);
	acts[0] = (struct act)RECEIVES(ends);
	acts[1] = (struct act)RECEIVES(ends);
	acts[2] = inside(0, ends.tx);
	acts[3] = inside(1, ends.tx);
	spawn("receiver 1", do_try_recv, &acts[0]);
	spawn("receiver 2", do_try_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(transfer, wait_for_element, "a receiver waits, a sender comes")
{
	struct ends ends = open_with(1, 0);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("receiver", do_recv, &acts[1]);
	spawn("sender", do_send, &acts[0]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(transfer, wait_for_place, "a sender waits for a place, a receiver comes")
{
	struct ends ends = open_with(1, 1);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), inside(0, ends.tx)};

	spawn("sender", do_send, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check(acts[1].element == 0x100);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(transfer, head_of_line,
	"two waiting receivers, two senders, none forgotten")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), RECEIVES(ends)};

	spawn("receiver 1", do_recv, &acts[2]);
	spawn("receiver 2", do_recv, &acts[3]);
	spawn("sender 1", do_try_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	/* Either may find the other in the middle. */
	acts[0].status = WEIR_WOULD_BLOCK;
	join();
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(transfer, two_partners,
	"two receivers make places for two waiting senders")
{
	struct ends ends = open_with(2, 2);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends),
		RECEIVES(ends), inside(0, ends.tx), inside(1, ends.tx)};

	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("receiver 1", do_recv, &acts[2]);
	spawn("receiver 2", do_recv, &acts[3]);
	join();
	check_once(acts, 6, ends.rx);
	free_channel(ends);
}

struct stream {
	struct ends ends;
	uint64_t got[3];
	size_t count;
	int status;
};

static void send_three(void *argument)
{
	struct stream *stream = argument;
	const uint64_t elements[3] = {1, 2, 4};
	size_t sent;

	stream->status = weir_send_many(stream->ends.tx, elements, 3, &sent);
	check(sent == 3);
}

static void recv_three(void *argument)
{
	struct stream *stream = argument;

	for (size_t more; stream->count < 3; stream->count += more)
		check(weir_recv_many(stream->ends.rx,
			      stream->got + stream->count, 3 - stream->count,
			      &more) == WEIR_OK);
}

static void stream_through(size_t capacity)
{
	struct stream stream = {.ends = open_channel(capacity)};

	spawn("sender", send_three, &stream);
	spawn("receiver", recv_three, &stream);
	join();
	check(stream.status == WEIR_OK);
	for (unsigned i = 0; i < 3; i++)
		check(stream.got[i] == (uint64_t)1 << i);
	free_channel(stream.ends);
}

MODEL(transfer, many_1, "three elements in one call each, capacity 1: in order")
{
	stream_through(1);
}

MODEL(transfer, many_2, "the same at capacity 2")
{
	stream_through(2);
}

MODEL(transfer, timeout_of_recv, "a deadline passes as the element comes")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[1].deadline = deadline_ahead();
	spawn("receiver", do_recv_until, &acts[1]);
	spawn("sender", do_send, &acts[0]);
	join();
	check(acts[0].status == WEIR_OK);
	check(acts[1].status == WEIR_OK || acts[1].status == WEIR_TIMED_OUT);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(transfer, timeout_of_send, "a deadline passes as the place comes free")
{
	struct ends ends = open_with(1, 1);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), inside(0, ends.tx)};

	acts[0].deadline = deadline_ahead();
	spawn("sender", do_send_until, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	join();
	check(acts[1].status == WEIR_OK && acts[1].element == 0x100);
	check(acts[0].status == WEIR_OK || acts[0].status == WEIR_TIMED_OUT);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(transfer, timeout_passes_on,
	"who gives up does not take the next one's turn")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), RECEIVES(ends)};

	acts[1].deadline = deadline_ahead();
	spawn("impatient", do_recv_until, &acts[1]);
	spawn("receiver", do_recv, &acts[2]);
	spawn("sender", do_send, &acts[0]);
	spawn("closer", do_close_sender, &acts[0]);
	join();
	/* One of them has it, or the close was first. */
	check_once(acts, 3, ends.rx);
	check(acts[2].status == WEIR_OK ||
		acts[2].status == WEIR_END_OF_CHANNEL);
	free_channel(ends);
}

MODEL(transfer, passed_deadline,
	"who may not wait says TIMED_OUT only if it is true")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("receiver", do_recv_until, &acts[2]); /* at 0: has passed */
	join();
	check(acts[2].status == WEIR_OK || acts[2].status == WEIR_TIMED_OUT);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

/* Sends, and once that has returned looks with a deadline that has passed:
 * there is an element for it, whoever else is in the middle. */
static void send_then_recv(void *argument)
{
	struct act *acts = argument;

	do_send(&acts[0]);
	do_recv_until(&acts[1]);
	check(acts[1].status == WEIR_OK);
}

MODEL(transfer, timed_out_is_true,
	"an element sent before is there, though another is on its way")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2)};

	spawn("both", send_then_recv, acts);
	spawn("sender", do_send, &acts[2]);
	join();
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(transfer, early_wakes, "sleeps end for no reason")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2), RECEIVES(ends)};

	sleeps_may_end_early(2);
	spawn("receiver 1", do_recv, &acts[1]);
	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[2]);
	spawn("receiver 2", do_recv, &acts[3]);
	join();
	check(acts[1].status == WEIR_OK && acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

/* -- Who waits is served first --------------------------------------------- */

/* Once a receiver is said to wait, the one element is that one's. */
static void do_not_overtake_a_receiver(void *argument)
{
	struct act *act = argument;
	weir_statistics now;

	weir_receiver_statistics(act->rx, &now);
	if (now.receivers_waiting == 0)
		return;
	do_try_recv(act);
	check(act->status == WEIR_WOULD_BLOCK);
}

static void one_for_who_waits(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), RECEIVES(ends)};

	acts[2].status = WEIR_WOULD_BLOCK;
	spawn("receiver", do_recv, &acts[1]);
	spawn("other", do_not_overtake_a_receiver, &acts[2]);
	spawn("sender", do_send, &acts[0]);
	join();
	check(acts[1].status == WEIR_OK);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(transfer, receiver_is_not_overtaken_1,
	"an element is for who waits: capacity 1")
{
	one_for_who_waits(1);
}

MODEL(transfer, receiver_is_not_overtaken_unbounded,
	"an element is for who waits: unbounded")
{
	one_for_who_waits(WEIR_UNBOUNDED);
}

static void do_not_overtake_a_sender(void *argument)
{
	struct act *act = argument;
	weir_statistics now;

	weir_sender_statistics(act->tx, &now);
	if (now.senders_waiting == 0)
		return;
	do_try_send(act);
	check(act->status == WEIR_WOULD_BLOCK);
}

MODEL(transfer, sender_is_not_overtaken, "a place is for who waits")
{
	struct ends ends = open_with(1, 1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends),
		inside(0, ends.tx)};

	acts[1].status = WEIR_WOULD_BLOCK;
	spawn("sender", do_send, &acts[0]);
	spawn("other", do_not_overtake_a_sender, &acts[1]);
	spawn("receiver", do_recv, &acts[2]);
	join();
	check(acts[0].status == WEIR_OK && acts[2].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

static void length_is_at_most_one(void *argument)
{
	struct act *act = argument;

	check(weir_receiver_length(act->rx) <= 1);
}

MODEL(transfer, length, "one element comes and goes: there are never two")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	spawn("reader", length_is_at_most_one, &acts[1]);
	join();
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}
