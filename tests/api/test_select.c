/* SPDX-License-Identifier: MIT */
/* test_select.c - one of several operations is carried out, and no other. */
#include "drops.h"
#include "fixture.h"

/* -- A select in a thread ------------------------------------------------- */

#define MOST_CASES 4

struct selecting {
	struct task task;
	weir_case cases[MOST_CASES];
	size_t count;
	unsigned flags;
	int64_t deadline;
	int (*call)(weir_case *, size_t, unsigned, size_t *, int64_t);
	size_t index;
};

static int run_select(void *argument)
{
	struct selecting *it = argument;

	return it->call(
		it->cases, it->count, it->flags, &it->index, it->deadline);
}

static void start_call(struct selecting *it, const weir_case *cases,
	size_t count, int64_t deadline,
	int (*call)(weir_case *, size_t, unsigned, size_t *, int64_t))
{
	memcpy(it->cases, cases, count * sizeof *cases);
	it->count = count;
	it->flags = 0;
	it->deadline = deadline;
	it->call = call;
	it->index = SIZE_MAX;
	task_start(&it->task, run_select, it);
}

static void start(struct selecting *it, const weir_case *cases, size_t count)
{
	start_call(it, cases, count, WEIR_FOREVER, weir_select_until);
}

static void start_ready(
	struct selecting *it, const weir_case *cases, size_t count)
{
	start_call(it, cases, count, WEIR_FOREVER, weir_ready_until);
}

#define assert_selects(it, at, how)                                            \
	do {                                                                   \
		assert_status(task_join(&(it)->task), WEIR_OK);                \
		cr_assert((it)->index == (at), "case %zu", (it)->index);       \
		assert_status((it)->cases[at].status, how);                    \
	} while (0)

static size_t receivers_waiting(const weir_receiver *rx)
{
	weir_statistics now;

	weir_receiver_statistics(rx, &now);
	return now.receivers_waiting;
}

/* A channel whose elements are numbers of 8 bytes. */
struct channel_of_numbers {
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value;
};

static void open_numbers(struct channel_of_numbers *it, size_t capacity)
{
	element_size = sizeof(uint64_t);
	it->value = TORN;
	assert_status(weir_open(capacity, sizeof(uint64_t), &it->tx, &it->rx),
		WEIR_OK);
}

static void close_numbers(struct channel_of_numbers *it)
{
	free_both(it->tx, it->rx);
}

/* -- At once --------------------------------------------------------------- */

HAS_BUFFER(select, takes_the_element_that_is_there)
{
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	ELEMENT(into);
	size_t index = SIZE_MAX;

	open_flavor(flavor, &tx, &rx);
	open_flavor(flavor, &other_tx, &other_rx);
	assert_sends_now(tx, 7);
	weir_case cases[] = {
		WEIR_RECV_CASE(other_rx, into), WEIR_RECV_CASE(rx, into)};
	assert_status(weir_try_select(cases, 2, 0, &index), WEIR_OK);
	cr_assert(index == 1);
	assert_status(cases[1].status, WEIR_OK);
	assert_value(value_of(into), 7);
	index = SIZE_MAX;
	assert_status(weir_try_select(cases, 2, 0, &index), WEIR_WOULD_BLOCK);
	assert_status(
		weir_select_until(cases, 2, 0, &index, PAST), WEIR_TIMED_OUT);
	assert_status(weir_select_for(cases, 2, 0, &index, MS), WEIR_TIMED_OUT);
	cr_assert(index == SIZE_MAX);
	assert_statistic(tx, receivers_waiting, 0);
	free_both(tx, rx);
	free_both(other_tx, other_rx);
}

CAN_BE_FULL(select, sends_where_there_is_room)
{
	weir_sender *tx, *full_tx;
	weir_receiver *rx, *full_rx;
	ELEMENT(from);
	size_t index = SIZE_MAX, length;
	struct op op;

	open_flavor(flavor, &full_tx, &full_rx);
	open_flavor(flavor, &tx, &rx);
	length = fill(full_tx);
	fill_element(from, 3);
	weir_case cases[] = {
		WEIR_SEND_CASE(full_tx, from), WEIR_SEND_CASE(tx, from)};
	if (flavor->capacity == 0) {
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
	}
	assert_status(weir_select_until(cases, 2, 0, &index, PAST), WEIR_OK);
	cr_assert(index == 1 && weir_sender_length(full_tx) == length);
	if (flavor->capacity == 0)
		assert_op_received(&op, 3);
	else
		assert_receives_now(rx, 3);
	free_both(tx, rx);
	free_both(full_tx, full_rx);
}

EVERY_FLAVOR(select, ends_breaks_and_closes_are_ready)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(element);
	size_t index = SIZE_MAX;

	open_flavor(flavor, &tx, &rx);
	fill_element(element, 1);
	weir_case cases[] = {WEIR_RECV_CASE(rx, element),
		WEIR_SEND_CASE(tx, element), WEIR_BROKEN_CASE(tx)};
	weir_sender_close(tx);
	for (size_t i = 0; i < 3; i++) {
		assert_status(
			weir_try_select(&cases[i], 1, 0, &index), WEIR_OK);
		cr_assert(index == 0);
	}
	assert_status(cases[0].status, WEIR_END_OF_CHANNEL);
	assert_status(cases[1].status, WEIR_CLOSED_RESOURCE);
	assert_status(cases[2].status, WEIR_CLOSED_RESOURCE);
	weir_receiver_close(rx);
	assert_status(weir_try_select(cases, 1, 0, &index), WEIR_OK);
	assert_status(cases[0].status, WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
	open_flavor(flavor, &tx, &rx);
	cases[1] = cases[2] = (weir_case)WEIR_BROKEN_CASE(tx);
	assert_status(
		weir_try_select(&cases[2], 1, 0, &index), WEIR_WOULD_BLOCK);
	weir_receiver_shut(rx);
	assert_status(weir_try_select(&cases[2], 1, 0, &index), WEIR_OK);
	assert_status(cases[2].status, WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
}

ONE_CASE(select, without_cases_waits_for_its_deadline)
{
	weir_case never[] = {WEIR_RECV_CASE(NULL, NULL),
		WEIR_SEND_CASE(NULL, NULL), WEIR_BROKEN_CASE(NULL)};
	size_t index = SIZE_MAX;
	int64_t before = weir_now();

	assert_status(
		weir_select_for(NULL, 0, 0, &index, 10 * MS), WEIR_TIMED_OUT);
	assert_status(
		weir_select_for(never, 3, 0, &index, 10 * MS), WEIR_TIMED_OUT);
	cr_assert(weir_now() - before >= 20 * MS);
	assert_status(weir_try_select(NULL, 0, 0, &index), WEIR_WOULD_BLOCK);
	assert_status(weir_try_ready(never, 3, 0, &index), WEIR_WOULD_BLOCK);
	assert_status(weir_ready_for(never, 3, 0, &index, MS), WEIR_TIMED_OUT);
	cr_assert(index == SIZE_MAX);
}

ONE_CASE(select, bad_arguments_are_found_before_anything_is_done)
{
	struct channel_of_numbers a;
	size_t index = SIZE_MAX;

	open_numbers(&a, 1);
	assert_sends_now(a.tx, 1);
	weir_case good = WEIR_RECV_CASE(a.rx, &a.value);
	weir_case bad[] = {
		WEIR_RECV_CASE(a.rx, &a.value), WEIR_RECV_CASE(a.rx, NULL)};
	weir_case unknown[] = {
		WEIR_RECV_CASE(a.rx, &a.value), {9, 0, NULL, NULL, NULL, NULL}};

	assert_status(weir_select(&good, 1, 0, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_select(NULL, 1, 0, &index), WEIR_INVALID_ARGUMENT);
	assert_status(weir_select(&good, 1, 8, &index), WEIR_INVALID_ARGUMENT);
	assert_status(weir_select(bad, 2, 0, &index), WEIR_INVALID_ARGUMENT);
	bad[1] = (weir_case)WEIR_SEND_CASE(a.tx, NULL);
	assert_status(
		weir_try_select(bad, 2, 0, &index), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_select(unknown, 2, 0, &index), WEIR_INVALID_ARGUMENT);
	assert_status(weir_ready(unknown, 2, 0, &index), WEIR_INVALID_ARGUMENT);
	assert_status(weir_ready(bad, 1, 0, &index), WEIR_OK);
	cr_assert(weir_receiver_length(a.rx) == 1);
	close_numbers(&a);
}

/* -- Whom it chooses ------------------------------------------------------- */

#define TEN 10
#define ROUNDS 100000

static void count_choices(unsigned flags, bool ready, unsigned counts[TEN])
{
	struct channel_of_numbers channels[TEN];
	weir_case cases[TEN];
	size_t index = 0;

	for (int i = 0; i < TEN; i++) {
		open_numbers(&channels[i], 1);
		assert_sends_now(channels[i].tx, 1);
		cases[i] = (weir_case)WEIR_RECV_CASE(
			channels[i].rx, &channels[i].value);
		counts[i] = 0;
	}
	for (int i = 0; i < ROUNDS; i++) {
		if (ready) {
			cr_assert(weir_ready(cases, TEN, flags, &index) == 0);
		} else {
			cr_assert(weir_select(cases, TEN, flags, &index) == 0);
			cr_assert(weir_try_send(channels[index].tx,
					  &channels[index].value) == 0);
		}
		counts[index]++;
	}
	for (int i = 0; i < TEN; i++)
		close_numbers(&channels[i]);
}

ONE_CASE(select, is_fair_to_ten_cases)
{
	unsigned counts[TEN];

	for (int ready = 0; ready < 2; ready++) {
		count_choices(WEIR_SELECT_FAIR, ready, counts);
		for (int i = 0; i < TEN; i++)
			cr_assert(counts[i] > ROUNDS / TEN * 9 / 10 &&
					  counts[i] < ROUNDS / TEN * 11 / 10,
				"case %d was chosen %u times", i, counts[i]);
	}
}

ONE_CASE(select, biased_takes_the_first)
{
	unsigned counts[TEN];

	for (int ready = 0; ready < 2; ready++) {
		count_choices(WEIR_SELECT_BIASED, ready, counts);
		cr_assert(counts[0] == ROUNDS);
	}
}

ONE_CASE(select, of_many_cases_finds_the_one)
{
	enum { MANY = 100 };
	struct channel_of_numbers channels[MANY];
	weir_case cases[MANY];
	size_t index = 0;

	for (int i = 0; i < MANY; i++) {
		open_numbers(&channels[i], (size_t)i % 3);
		cases[i] = (weir_case)WEIR_RECV_CASE(
			channels[i].rx, &channels[i].value);
	}
	assert_status(
		weir_select_for(cases, MANY, 0, &index, MS), WEIR_TIMED_OUT);
	for (int i = 0; i < MANY; i += 7) {
		struct op op;

		op_send(&op, channels[i].tx, (uint64_t)i);
		assert_status(
			weir_select_for(cases, MANY, 0, &index, patience_ns()),
			WEIR_OK);
		assert_op(&op, WEIR_OK);
		cr_assert(index == (size_t)i);
		cr_assert(channels[i].value == (uint64_t)i);
	}
	for (int i = 0; i < MANY; i++)
		close_numbers(&channels[i]);
}

/* -- Waiting ---------------------------------------------------------------- */

EVERY_FLAVOR(select, that_waits_is_handed_the_element)
{
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	ELEMENT(into);
	struct selecting it;

	open_flavor(flavor, &tx, &rx);
	open_flavor(flavor, &other_tx, &other_rx);
	weir_case cases[] = {
		WEIR_RECV_CASE(other_rx, into), WEIR_RECV_CASE(rx, into)};
	start(&it, cases, 2);
	wait_until_receivers_waiting(rx, 1);
	wait_until_receivers_waiting(other_rx, 1);
	assert_sends(tx, 9);
	assert_selects(&it, 1, WEIR_OK);
	assert_value(value_of(into), 9);
	/* The case that lost has left no trace. */
	cr_assert(receivers_waiting(rx) == 0);
	cr_assert(receivers_waiting(other_rx) == 0);
	if (flavor->capacity > 0) {
		assert_status(try_send_value(other_tx, 4), WEIR_OK);
		assert_receives_now(other_rx, 4);
	} else {
		assert_status(try_send_value(other_tx, 4), WEIR_WOULD_BLOCK);
	}
	free_both(tx, rx);
	free_both(other_tx, other_rx);
}

CAN_BE_FULL(select, that_waits_to_send_gets_the_place)
{
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	ELEMENT(from);
	struct selecting it;
	size_t filled;

	open_flavor(flavor, &tx, &rx);
	open_flavor(flavor, &other_tx, &other_rx);
	filled = fill(tx);
	fill(other_tx);
	fill_element(from, 77);
	weir_case cases[] = {
		WEIR_SEND_CASE(other_tx, from), WEIR_SEND_CASE(tx, from)};
	start(&it, cases, 2);
	wait_until_senders_waiting(tx, 1);
	wait_until_senders_waiting(other_tx, 1);
	for (size_t i = 0; i < filled; i++)
		assert_receives_now(rx, i);
	assert_receives(rx, 77);
	assert_selects(&it, 1, WEIR_OK);
	assert_statistic(other_tx, senders_waiting, 0);
	free_both(tx, rx);
	free_both(other_tx, other_rx);
}

EVERY_FLAVOR(select, hears_of_every_close)
{
	for (int way = 0; way < 3; way++) {
		weir_sender *tx, *other_tx;
		weir_receiver *rx, *other_rx;
		ELEMENT(into);
		struct selecting it;

		open_flavor(flavor, &tx, &rx);
		open_flavor(flavor, &other_tx, &other_rx);
		weir_case cases[] = {WEIR_RECV_CASE(other_rx, into),
			WEIR_RECV_CASE(rx, into), WEIR_BROKEN_CASE(other_tx)};
		start(&it, cases, 3);
		wait_until_receivers_waiting(rx, 1);
		if (way == 0)
			weir_sender_close(tx);
		else if (way == 1)
			weir_receiver_close(rx);
		else
			weir_sender_close(other_tx);
		if (way == 0)
			assert_selects(&it, 1, WEIR_END_OF_CHANNEL);
		else if (way == 1)
			assert_selects(&it, 1, WEIR_CLOSED_RESOURCE);
		else
			assert_status(task_join(&it.task), WEIR_OK);
		cr_assert(receivers_waiting(other_rx) == 0);
		free_both(tx, rx);
		free_both(other_tx, other_rx);
	}
}

EVERY_FLAVOR(select, broken_case_hears_of_the_last_receiver)
{
	weir_sender *tx;
	weir_receiver *rx, *copy;
	struct selecting it;

	open_flavor(flavor, &tx, &rx);
	copy = clone_receiver(rx);
	weir_case broken[] = {WEIR_BROKEN_CASE(tx)};
	start(&it, broken, 1);
	weir_receiver_free(rx);
	weir_receiver_free(copy);
	assert_selects(&it, 0, WEIR_BROKEN_RESOURCE);
	weir_sender_free(tx);
}

EVERY_FLAVOR(select, counts_once_for_each_of_its_cases)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(into);
	struct selecting it;

	open_flavor(flavor, &tx, &rx);
	weir_case cases[] = {
		WEIR_RECV_CASE(rx, into), WEIR_RECV_CASE(rx, into)};
	start(&it, cases, 2);
	wait_until_receivers_waiting(rx, 2);
	assert_sends(tx, 1);
	assert_status(task_join(&it.task), WEIR_OK);
	cr_assert(receivers_waiting(rx) == 0);
	free_both(tx, rx);
}

EVERY_FLAVOR(select, is_served_in_order_of_arrival)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(into);
	struct selecting it;
	struct op first, last;

	open_flavor(flavor, &tx, &rx);
	weir_case cases[] = {WEIR_RECV_CASE(rx, into)};
	op_recv(&first, rx);
	wait_until_receivers_waiting(rx, 1);
	start(&it, cases, 1);
	wait_until_receivers_waiting(rx, 2);
	op_recv(&last, rx);
	wait_until_receivers_waiting(rx, 3);
	for (uint64_t i = 1; i <= 3; i++)
		assert_sends(tx, i);
	assert_op_received(&first, 1);
	assert_selects(&it, 0, WEIR_OK);
	assert_value(value_of(into), 2);
	assert_op_received(&last, 3);
	free_both(tx, rx);
}

/* -- Both ends --------------------------------------------------------------- */

RENDEZVOUS(select, never_pairs_with_itself)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(from);
	ELEMENT(into);
	struct selecting it;
	size_t index = SIZE_MAX;

	open_flavor(flavor, &tx, &rx);
	fill_element(from, 1);
	weir_case cases[] = {
		WEIR_SEND_CASE(tx, from), WEIR_RECV_CASE(rx, into)};
	assert_status(weir_try_select(cases, 2, 0, &index), WEIR_WOULD_BLOCK);
	assert_status(
		weir_select_for(cases, 2, 0, &index, 5 * MS), WEIR_TIMED_OUT);
	start(&it, cases, 2);
	wait_until_receivers_waiting(rx, 1);
	assert_receives(rx, 1);
	assert_selects(&it, 0, WEIR_OK);
	free_both(tx, rx);
}

/* The select's other case stands in line before the recv_many, dead. */
RENDEZVOUS(select, gives_a_recv_many_its_element)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(from);
	ELEMENT(into);
	unsigned char got[2 * MAX_ELEMENT];
	struct selecting it;
	size_t received = 9;

	open_flavor(flavor, &tx, &rx);
	fill_element(from, 1);
	weir_case cases[] = {
		WEIR_RECV_CASE(rx, into), WEIR_SEND_CASE(tx, from)};
	start(&it, cases, 2);
	wait_until_receivers_waiting(rx, 1);
	let_them_decide(rx);
	assert_status(weir_try_recv_many(rx, got, 2, &received), WEIR_OK);
	cr_assert(received == 1);
	assert_selects(&it, 1, WEIR_OK);
	free_both(tx, rx);
}

/* To others it is a partner, whichever end they want. */
RENDEZVOUS(select, that_waits_with_both_ends_makes_both_ready)
{
	for (size_t end = 0; end < 2; end++) {
		weir_sender *tx;
		weir_receiver *rx;
		ELEMENT(from);
		ELEMENT(into);
		struct selecting both, asking;
		size_t index = SIZE_MAX;
		uint64_t value = TORN;

		open_flavor(flavor, &tx, &rx);
		fill_element(from, 1);
		weir_case mine[] = {
			WEIR_SEND_CASE(tx, NULL), WEIR_RECV_CASE(rx, NULL)};
		weir_case theirs[] = {
			WEIR_RECV_CASE(rx, into), WEIR_SEND_CASE(tx, from)};
		start_ready(&asking, &mine[end], 1);
		start(&both, theirs, 2);
		assert_selects(&asking, 0, WEIR_OK);
		assert_status(
			weir_try_ready(&mine[end], 1, 0, &index), WEIR_OK);
		if (end == 0)
			assert_status(try_send_value(tx, 2), WEIR_OK);
		else
			assert_status(try_recv_value(rx, &value), WEIR_OK);
		assert_selects(&both, end, WEIR_OK);
		assert_value(end == 0 ? value_of(into) : value, 2 - end);
		assert_status(weir_try_ready(&mine[end], 1, 0, &index),
			WEIR_WOULD_BLOCK);
		free_both(tx, rx);
	}
}

RENDEZVOUS(select, pairs_with_another_select)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(from);
	ELEMENT(into[2]);
	struct selecting one, two;

	open_flavor(flavor, &tx, &rx);
	fill_element(from, 6);
	weir_case first[] = {
		WEIR_SEND_CASE(tx, from), WEIR_RECV_CASE(rx, into[0])};
	weir_case second[] = {
		WEIR_RECV_CASE(rx, into[1]), WEIR_SEND_CASE(tx, from)};
	start(&one, first, 2);
	start(&two, second, 2);
	assert_status(task_join(&one.task), WEIR_OK);
	assert_status(task_join(&two.task), WEIR_OK);
	cr_assert(one.index == two.index, "one sent, the other received");
	assert_value(value_of(into[one.index == 0 ? 1 : 0]), 6);
	assert_statistic(tx, sent, 1);
	assert_statistic(tx, senders_waiting, 0);
	assert_statistic(tx, receivers_waiting, 0);
	free_both(tx, rx);
}

HAS_BUFFER(select, of_both_ends_of_a_buffer_does_one_of_the_two)
{
	weir_sender *tx;
	weir_receiver *rx;
	ELEMENT(from);
	ELEMENT(into);
	size_t index = SIZE_MAX, length = 0;

	open_flavor(flavor, &tx, &rx);
	fill_element(from, 2);
	for (int i = 0; i < 1000; i++) {
		weir_case cases[] = {
			WEIR_RECV_CASE(rx, into), WEIR_SEND_CASE(tx, from)};

		assert_status(weir_select(cases, 2, 0, &index), WEIR_OK);
		length += index == 1 ? 1 : (size_t)-1;
		cr_assert(weir_sender_length(tx) == length);
	}
	free_both(tx, rx);
}

/* -- Races ------------------------------------------------------------------- */

struct pass {
	struct channel_of_numbers *channels;
	size_t count;
	uint64_t rounds;
	_Atomic uint64_t sum, received;
};

/* Sends or receives through whichever channel is ready, both ways. */
static int cross(void *argument)
{
	struct pass *pass = argument;
	uint64_t sent = 0;

	while (sent < pass->rounds) {
		weir_case cases[8];
		uint64_t in = 0, out = sent + 1;
		size_t index = 0;

		for (size_t i = 0; i < pass->count; i++) {
			cases[2 * i] = (weir_case)WEIR_RECV_CASE(
				pass->channels[i].rx, &in);
			cases[2 * i + 1] = (weir_case)WEIR_SEND_CASE(
				pass->channels[i].tx, &out);
		}
		if (weir_select_for(cases, 2 * pass->count, 0, &index,
			    patience_ns()) != WEIR_OK)
			return 1;
		if (index % 2 == 1) {
			sent++;
		} else {
			pass->sum += in;
			pass->received++;
		}
	}
	return 0;
}

static int drain_until_ended(void *argument)
{
	struct pass *pass = argument;

	for (;;) {
		weir_case cases[8];
		uint64_t in = 0;
		size_t index = 0;

		for (size_t i = 0; i < pass->count; i++)
			cases[i] = (weir_case)WEIR_RECV_CASE(
				pass->channels[i].rx, &in);
		if (weir_select_for(cases, pass->count, WEIR_SELECT_BIASED,
			    &index, patience_ns()) != WEIR_OK)
			return 1;
		if (cases[index].status != WEIR_OK)
			return 0;
		pass->sum += in;
		pass->received++;
	}
}

static void cross_over(size_t capacity)
{
	enum { THREADS = 3, CHANNELS = 3, EACH = 3000 };
	struct channel_of_numbers channels[CHANNELS];
	struct pass pass = {channels, CHANNELS, EACH, 0, 0};
	struct task crossing[THREADS], draining;
	uint64_t want = (uint64_t)THREADS * EACH * (EACH + 1) / 2;

	for (int i = 0; i < CHANNELS; i++)
		open_numbers(&channels[i], capacity);
	for (int i = 0; i < THREADS; i++)
		task_start(&crossing[i], cross, &pass);
	task_start(&draining, drain_until_ended, &pass);
	for (int i = 0; i < THREADS; i++)
		cr_assert(task_join(&crossing[i]) == 0);
	/* The first channel is closed last: what is in the others first. */
	for (int i = CHANNELS - 1; i >= 0; i--) {
		wait_until(weir_receiver_length(channels[i].rx) == 0);
		if (i == 0)
			weir_sender_close(channels[i].tx);
	}
	cr_assert(task_join(&draining) == 0);
	cr_assert(pass.received == (uint64_t)THREADS * EACH);
	cr_assert(pass.sum == want);
	for (int i = 0; i < CHANNELS; i++)
		close_numbers(&channels[i]);
}

ONE_CASE(select, selects_that_cross_lose_and_double_nothing)
{
	cross_over(0);
	cross_over(1);
	cross_over(3);
	cross_over(WEIR_UNBOUNDED);
}

/* A delivery and the deadline at one instant: who adopts what was decided. */
EVERY_FLAVOR(select, an_element_given_at_the_deadline_is_not_lost)
{
	uint64_t sent = 0, received = 0;
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	ELEMENT(into);

	open_flavor(flavor, &tx, &rx);
	open_flavor(flavor, &other_tx, &other_rx);
	for (int i = 0; i < 500; i++) {
		weir_case cases[] = {WEIR_RECV_CASE(rx, into),
			WEIR_RECV_CASE(other_rx, into)};
		struct selecting it;
		int64_t instant = weir_now() + 100000;

		start_call(&it, cases, 2, instant, weir_select_until);
		while (weir_now() < instant - (i % 10) * 4000)
			;
		if (try_send_value(tx, 1) == WEIR_OK)
			sent++;
		if (task_join(&it.task) == WEIR_OK)
			received++;
		while (weir_receiver_length(rx) > 0) {
			assert_receives_now(rx, 1);
			received++;
		}
		cr_assert(sent == received);
		cr_assert(receivers_waiting(rx) == 0);
	}
	free_both(tx, rx);
	free_both(other_tx, other_rx);
}

struct persistent {
	weir_sender *tx;
	_Atomic bool stop;
};

static int try_until_sent(void *argument)
{
	struct persistent *it = argument;
	uint64_t value = 7;
	int status = WEIR_WOULD_BLOCK;

	while (status == WEIR_WOULD_BLOCK && !atomic_load(&it->stop))
		status = weir_try_send(it->tx, &value);
	return status;
}

/* Selects of so many ns, one after the other, while somebody tries all the time
 * to send.  Until one of them receives that, or so much time has passed. */
static int select_in_a_row(unsigned flags, int64_t span, int64_t give_up_after)
{
	struct channel_of_numbers channels[2];
	struct persistent it = {.stop = false};
	int64_t give_up = weir_now() + give_up_after;
	int status = WEIR_TIMED_OUT;
	struct task partner;
	uint64_t value = 0;

	open_numbers(&channels[0], 0);
	open_numbers(&channels[1], 0);
	it.tx = channels[0].tx;
	task_start(&partner, try_until_sent, &it);
	while (status == WEIR_TIMED_OUT && weir_now() < give_up) {
		weir_case cases[] = {WEIR_RECV_CASE(channels[0].rx, &value),
			WEIR_RECV_CASE(channels[1].rx, &value)};
		size_t index;

		status = weir_select_for(cases, 2, flags, &index, span);
	}
	atomic_store(&it.stop, true);
	assert_status(task_join(&partner),
		status == WEIR_OK ? WEIR_OK : WEIR_WOULD_BLOCK);
	close_numbers(&channels[0]);
	close_numbers(&channels[1]);
	return status;
}

/* However soon its time is up, a select is seen by who tries: a fair one if a
 * biased one, which does not look around first, has been. */
ONE_CASE(select, short_selects_in_a_row_are_seen_by_try_calls)
{
	int seen = 0;

	for (int64_t span = 500; span < 100000; span *= 2)
		if (select_in_a_row(WEIR_SELECT_BIASED, span, 100 * MS) ==
			WEIR_OK) {
			assert_status(select_in_a_row(WEIR_SELECT_FAIR, span,
					      patience_ns()),
				WEIR_OK);
			seen++;
		}
	cr_assert(seen > 0);
}

/* Go's double select: two producers select over the same two channels, and each
 * element of each arrives once. */
static int produce_over_two(void *argument)
{
	struct pass *pass = argument;

	for (uint64_t i = 1; i <= pass->rounds; i++) {
		weir_case cases[] = {WEIR_SEND_CASE(pass->channels[0].tx, &i),
			WEIR_SEND_CASE(pass->channels[1].tx, &i)};
		size_t index;

		if (weir_select_for(cases, 2, 0, &index, patience_ns()) != 0)
			return 1;
	}
	return 0;
}

/* In turns: it cannot be known into which of the two the last ones go. */
static int recv_from_either(
	struct channel_of_numbers channels[2], uint64_t turn, uint64_t *value)
{
	int64_t give_up = patience_from_now();
	int status = WEIR_TIMED_OUT;

	while (status == WEIR_TIMED_OUT && weir_now() < give_up)
		status = weir_recv_for(channels[turn++ % 2].rx, value, 100000);
	return status;
}

ONE_CASE(select, two_selects_over_the_same_two_channels)
{
	for (size_t capacity = 0; capacity < 3; capacity++) {
		struct channel_of_numbers channels[2];
		struct pass pass = {channels, 2, 5000, 0, 0};
		struct task producers[2];
		uint64_t left = 2 * pass.rounds, value = 0;

		open_numbers(&channels[0], capacity);
		open_numbers(&channels[1], capacity);
		for (int i = 0; i < 2; i++)
			task_start(&producers[i], produce_over_two, &pass);
		for (; left > 0; left--) {
			assert_status(recv_from_either(channels, left, &value),
				WEIR_OK);
			pass.sum += value;
		}
		cr_assert(pass.sum == pass.rounds * (pass.rounds + 1));
		for (int i = 0; i < 2; i++)
			cr_assert(task_join(&producers[i]) == 0);
		close_numbers(&channels[0]);
		close_numbers(&channels[1]);
	}
}

/* Who stands in one line twice takes one partner, and leaves the next alone. */
static int produce_or_hear(void *argument)
{
	struct pass *pass = argument;

	for (uint64_t i = 1; i <= pass->rounds; i++) {
		uint64_t value;
		weir_case cases[] = {WEIR_SEND_CASE(pass->channels[0].tx, &i),
			WEIR_RECV_CASE(pass->channels[1].rx, &value)};
		size_t index;

		if (weir_select_for(cases, 2, 0, &index, patience_ns()) != 0)
			return 1;
	}
	return 0;
}

ONE_CASE(select, that_names_a_channel_twice_meets_selects)
{
	struct channel_of_numbers channels[2];
	struct pass pass = {channels, 2, 10000, 0, 0};
	struct task producers[2];
	uint64_t sum = 0;

	open_numbers(&channels[0], 0);
	open_numbers(&channels[1], 0);
	for (int i = 0; i < 2; i++)
		task_start(&producers[i], produce_or_hear, &pass);
	for (uint64_t left = 2 * pass.rounds; left > 0; left--) {
		uint64_t into[2] = {0, 0};
		weir_case cases[] = {WEIR_RECV_CASE(channels[0].rx, &into[0]),
			WEIR_RECV_CASE(channels[0].rx, &into[1])};
		size_t index;

		assert_status(
			weir_select_for(cases, 2, 0, &index, patience_ns()),
			WEIR_OK);
		cr_assert(into[1 - index] == 0, "one of the two");
		sum += into[index];
	}
	for (int i = 0; i < 2; i++)
		cr_assert(task_join(&producers[i]) == 0);
	cr_assert(sum == pass.rounds * (pass.rounds + 1));
	close_numbers(&channels[0]);
	close_numbers(&channels[1]);
}

/* -- Ready -------------------------------------------------------------------- */

HAS_BUFFER(select, ready_names_a_case_and_carries_nothing_out)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct selecting it;
	size_t index = SIZE_MAX;

	open_flavor(flavor, &tx, &rx);
	weir_case cases[] = {WEIR_BROKEN_CASE(tx), WEIR_RECV_CASE(rx, NULL)};
	assert_status(weir_try_ready(cases, 2, 0, &index), WEIR_WOULD_BLOCK);
	start_ready(&it, cases, 2);
	assert_sends(tx, 5);
	assert_selects(&it, 1, WEIR_OK);
	cr_assert(receivers_waiting(rx) == 0);
	assert_status(weir_try_ready(cases, 2, 0, &index), WEIR_OK);
	cr_assert(index == 1);
	assert_receives_now(rx, 5);
	weir_sender_close(tx);
	assert_status(
		weir_ready(cases, 2, WEIR_SELECT_BIASED, &index), WEIR_OK);
	cr_assert(index == 0);
	assert_status(cases[0].status, WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
}

RENDEZVOUS(select, ready_sees_a_partner_that_waits)
{
	weir_sender *tx;
	weir_receiver *rx;
	struct selecting it;
	struct op op;
	size_t index = SIZE_MAX;

	open_flavor(flavor, &tx, &rx);
	weir_case cases[] = {
		WEIR_RECV_CASE(rx, NULL), WEIR_SEND_CASE(tx, NULL)};
	assert_status(weir_try_ready(cases, 2, 0, &index), WEIR_WOULD_BLOCK);
	start_ready(&it, cases, 2);
	op_send(&op, tx, 8);
	assert_selects(&it, 0, WEIR_OK);
	assert_status(weir_try_ready(cases, 2, 0, &index), WEIR_OK);
	cr_assert(index == 0);
	assert_receives(rx, 8);
	assert_op(&op, WEIR_OK);
	op_recv(&op, rx);
	assert_status(weir_ready(cases, 2, 0, &index), WEIR_OK);
	cr_assert(index == 1);
	assert_sends(tx, 9);
	assert_op_received(&op, 9);
	free_both(tx, rx);
}
