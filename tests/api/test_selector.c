/* SPDX-License-Identifier: MIT */
/* test_selector.c - sets of operations that live on. */
#include "counting.h"
#include "fixture.h"
#include "stall.h"

static weir_selector *open_selector(void)
{
	weir_selector *selector = NULL;

	assert_status(weir_selector_open(&selector), WEIR_OK);
	return selector;
}

static int add_receiver(weir_selector *selector, weir_receiver *rx, void *user)
{
	weir_case operation = WEIR_RECV_CASE(rx, NULL);

	return weir_selector_add(selector, &operation, user);
}

static int remove_receiver(weir_selector *selector, weir_receiver *rx)
{
	weir_case operation = WEIR_RECV_CASE(rx, NULL);

	return weir_selector_remove(selector, &operation);
}

/* Nothing, or one event.  Who has just queued itself may still be about to tell:
 * an event may take a moment. */
#define assert_nothing(selector)                                               \
	do {                                                                   \
		weir_event none_;                                              \
		size_t found_ = 9;                                             \
		assert_status(                                                 \
			weir_selector_try_wait(selector, &none_, 1, &found_),  \
			WEIR_WOULD_BLOCK);                                     \
		cr_assert(found_ == 0);                                        \
		assert_status(weir_selector_wait_for(                          \
				      selector, &none_, 1, &found_, MS),       \
			WEIR_TIMED_OUT);                                       \
	} while (0)

#define assert_event(selector, who, how)                                       \
	do {                                                                   \
		weir_event event_;                                             \
		size_t found_ = 0;                                             \
		assert_status(weir_selector_wait_for(selector, &event_, 1,     \
				      &found_, patience_ns()),                 \
			WEIR_OK);                                              \
		cr_assert(found_ == 1 && event_.user == (who));                \
		assert_status(event_.operation.status, how);                   \
	} while (0)

EVERY_FLAVOR(selector, says_what_can_be_received)
{
	weir_selector *selector = open_selector();
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	struct op op;

	open_flavor(flavor, &tx, &rx);
	open_flavor(flavor, &other_tx, &other_rx);
	assert_status(add_receiver(selector, rx, tx), WEIR_OK);
	assert_status(add_receiver(selector, other_rx, other_tx), WEIR_OK);
	assert_nothing(selector);
	op_send(&op, tx, 3);
	if (flavor->capacity == 0)
		wait_until_senders_waiting(tx, 1);
	else
		assert_op(&op, WEIR_OK);
	/* Level-triggered. */
	assert_event(selector, tx, WEIR_OK);
	assert_event(selector, tx, WEIR_OK);
	assert_receives(rx, 3);
	if (flavor->capacity == 0)
		assert_op(&op, WEIR_OK);
	assert_nothing(selector);
	weir_sender_close(other_tx);
	assert_event(selector, other_tx, WEIR_END_OF_CHANNEL);
	assert_status(remove_receiver(selector, other_rx), WEIR_OK);
	assert_nothing(selector);
	weir_receiver_close(rx);
	assert_event(selector, tx, WEIR_CLOSED_RESOURCE);
	weir_receiver_free(rx);
	assert_nothing(selector);
	weir_selector_free(selector);
	weir_sender_free(tx);
	free_both(other_tx, other_rx);
}

CAN_BE_FULL(selector, says_where_there_is_room_and_what_is_broken)
{
	weir_selector *selector = open_selector();
	weir_sender *tx;
	weir_receiver *rx;
	struct op op;

	open_flavor(flavor, &tx, &rx);
	weir_case room = WEIR_SEND_CASE(tx, NULL);
	weir_case broken = WEIR_BROKEN_CASE(tx);
	fill(tx);
	assert_status(weir_selector_add(selector, &room, rx), WEIR_OK);
	assert_status(weir_selector_add(selector, &broken, tx), WEIR_OK);
	assert_nothing(selector);
	if (flavor->capacity == 0) {
		op_recv(&op, rx);
		wait_until_receivers_waiting(rx, 1);
		assert_event(selector, rx, WEIR_OK);
		assert_sends(tx, 1);
		assert_op_received(&op, 1);
	} else {
		assert_receives_now(rx, 0);
		assert_event(selector, rx, WEIR_OK);
		assert_sends_now(tx, 1);
	}
	assert_nothing(selector);
	assert_status(weir_selector_remove(selector, &room), WEIR_OK);
	weir_receiver_shut(rx);
	assert_event(selector, tx, WEIR_BROKEN_RESOURCE);
	weir_selector_free(selector);
	free_both(tx, rx);
}

ONE_CASE(selector, bad_input)
{
	weir_selector *selector = open_selector(), *other = open_selector();
	weir_case unknown = {7, 0, NULL, NULL, NULL, NULL};
	weir_case nobody = WEIR_RECV_CASE(NULL, NULL);
	weir_sender *tx;
	weir_receiver *rx;
	weir_event event = {NULL, WEIR_RECV_CASE(NULL, NULL)};
	size_t found;

	assert_status(weir_open(1, 8, &tx, &rx), WEIR_OK);
	weir_case room = WEIR_SEND_CASE(tx, NULL);
	weir_case broken = WEIR_BROKEN_CASE(tx);
	assert_status(weir_selector_open(NULL), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_selector_add(NULL, &room, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_selector_add(selector, NULL, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_add(selector, &unknown, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_add(selector, &nobody, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_selector_remove(selector, &room), WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_add(selector, &room, NULL), WEIR_OK);
	assert_status(weir_selector_add(selector, &room, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_add(selector, &broken, NULL), WEIR_OK);
	assert_status(weir_selector_add(other, &room, NULL), WEIR_OK);
	assert_status(weir_selector_remove(selector, &room), WEIR_OK);
	assert_status(
		weir_selector_remove(selector, &room), WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_try_wait(NULL, &event, 1, &found),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_wait(selector, NULL, 1, &found),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_wait(selector, &event, 0, &found),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_selector_wait(selector, &event, 1, NULL),
		WEIR_INVALID_ARGUMENT);
	weir_selector_free(NULL);
	weir_selector_free(selector);
	free_both(tx, rx);
	weir_selector_free(other);
}

/* Not before the deadline, and what is ready comes whatever the deadline. */
ONE_CASE(selector, waits_until_a_time)
{
	weir_selector *selector = open_selector();
	int64_t deadline = weir_now() + MS;
	weir_sender *tx;
	weir_receiver *rx;
	weir_event event;
	size_t found = 9;

	assert_status(weir_open(1, 8, &tx, &rx), WEIR_OK);
	assert_status(add_receiver(selector, rx, tx), WEIR_OK);
	assert_status(
		weir_selector_wait_until(selector, &event, 1, &found, deadline),
		WEIR_TIMED_OUT);
	cr_assert(found == 0 && weir_now() >= deadline);
	assert_sends(tx, 7);
	assert_status(weir_selector_wait_until(
			      selector, &event, 1, &found, INT64_MIN),
		WEIR_OK);
	cr_assert(found == 1 && event.user == tx);
	assert_status(
		weir_selector_wait_until(NULL, &event, 1, &found, deadline),
		WEIR_INVALID_ARGUMENT);
	weir_selector_free(selector);
	free_both(tx, rx);
}

ONE_CASE(selector, gives_up_to_count_and_the_others_next)
{
	enum { CHANNELS = 10 };
	weir_selector *selector = open_selector();
	weir_sender *tx[CHANNELS];
	weir_receiver *rx[CHANNELS];
	unsigned seen[CHANNELS] = {0};
	weir_event events[4];
	size_t found = 0;

	element_size = 8;
	for (uintptr_t i = 0; i < CHANNELS; i++) {
		assert_status(weir_open(1, 8, &tx[i], &rx[i]), WEIR_OK);
		assert_status(
			add_receiver(selector, rx[i], (void *)i), WEIR_OK);
		assert_sends_now(tx[i], i);
	}
	for (int round = 0; round < 50; round++) {
		assert_status(weir_selector_wait(selector, events, 4, &found),
			WEIR_OK);
		cr_assert(found == 4);
		for (size_t i = 0; i < found; i++)
			seen[(uintptr_t)events[i].user]++;
	}
	for (int i = 0; i < CHANNELS; i++) {
		cr_assert(seen[i] == 20, "%d was seen %u times", i, seen[i]);
		free_both(tx[i], rx[i]);
	}
	assert_nothing(selector);
	weir_selector_free(selector);
}

/* What was removed and is still listed makes no other come twice in one wait. */
ONE_CASE(selector, names_each_operation_once_a_wait)
{
	enum { CHANNELS = 4 };
	weir_selector *selector = open_selector();
	weir_sender *tx[CHANNELS];
	weir_receiver *rx[CHANNELS];
	weir_event events[8];
	size_t found = 0;

	for (uintptr_t i = 0; i < CHANNELS; i++) {
		assert_status(weir_open(1, 8, &tx[i], &rx[i]), WEIR_OK);
		assert_status(
			add_receiver(selector, rx[i], (void *)i), WEIR_OK);
		weir_sender_close(tx[i]);
	}
	assert_status(weir_selector_wait(selector, events, 8, &found), WEIR_OK);
	cr_assert(found == CHANNELS);
	assert_status(remove_receiver(selector, rx[0]), WEIR_OK);
	weir_receiver_free(rx[1]);
	assert_status(weir_selector_wait(selector, events, 8, &found), WEIR_OK);
	cr_assert(found == 2 && events[0].user != events[1].user);
	weir_selector_free(selector);
	for (int i = 0; i < CHANNELS; i++) {
		weir_sender_free(tx[i]);
		weir_receiver_free(i == 1 ? NULL : rx[i]);
	}
}

ONE_CASE(selector, hears_of_timers)
{
	weir_selector *selector = open_selector();
	weir_receiver *far = NULL, *soon = NULL, *ticking = NULL;
	int64_t due;

	assert_status(weir_after(WEIR_FOREVER / 2, &far), WEIR_OK);
	assert_status(weir_after(5 * MS, &soon), WEIR_OK);
	assert_status(add_receiver(selector, far, far), WEIR_OK);
	assert_status(add_receiver(selector, soon, soon), WEIR_OK);
	assert_event(selector, soon, WEIR_OK);
	assert_status(weir_try_recv(soon, &due), WEIR_OK);
	assert_status(weir_tick(5 * MS, &ticking), WEIR_OK);
	assert_status(add_receiver(selector, ticking, ticking), WEIR_OK);
	for (int i = 0; i < 3; i++) {
		assert_event(selector, ticking, WEIR_OK);
		assert_status(weir_try_recv(ticking, &due), WEIR_OK);
	}
	weir_selector_free(selector);
	weir_receiver_free(far);
	weir_receiver_free(soon);
	weir_receiver_free(ticking);
}

/* -- With others ------------------------------------------------------------ */

struct waiting {
	weir_selector *selector;
	atomic_uint begun;
};

static int wait_for_good(void *argument)
{
	struct waiting *it = argument;
	weir_event event = {NULL, WEIR_RECV_CASE(NULL, NULL)};
	size_t found;

	it->begun++;
	return weir_selector_wait(it->selector, &event, 1, &found);
}

ONE_CASE(selector, free_ends_the_waits)
{
	weir_selector *selector = open_selector();
	struct waiting it = {selector, 0};
	struct task waits[3];

	for (int i = 0; i < 3; i++)
		task_start(&waits[i], wait_for_good, &it);
	wait_until(it.begun == 3 && threads_sleeping() >= 3);
	weir_selector_free(selector);
	for (int i = 0; i < 3; i++)
		assert_status(task_join(&waits[i]), WEIR_CLOSED_RESOURCE);
}

/* Nobody looks at the clock for the selector but who waits on it. */
static void add_while_one_waits(weir_selector *selector)
{
	struct waiting it = {selector, 0};
	weir_receiver *soon = NULL;
	struct task waiting;

	task_start(&waiting, wait_for_good, &it);
	wait_until(it.begun == 1 && threads_sleeping() >= 1);
	assert_status(weir_after(5 * MS, &soon), WEIR_OK);
	assert_status(add_receiver(selector, soon, NULL), WEIR_OK);
	assert_status(task_join(&waiting), WEIR_OK);
	weir_selector_free(selector);
	weir_receiver_free(soon);
}

ONE_CASE(selector, a_timer_added_while_one_waits_is_heard_when_it_is_due)
{
	weir_selector *selector = open_selector();
	weir_receiver *far = NULL;

	add_while_one_waits(open_selector());
	assert_status(weir_after(WEIR_FOREVER / 2, &far), WEIR_OK);
	assert_status(add_receiver(selector, far, NULL), WEIR_OK);
	add_while_one_waits(selector);
	weir_receiver_free(far);
}

/* The selector may not have been waited on since, and may never be again. */
EVERY_FLAVOR(selector, keeps_no_memory_of_a_channel_whose_endpoints_are_freed)
{
	weir_options options = options_of(flavor);
	weir_selector *selector = open_selector();
	struct counting counting;
	weir_sender *tx;
	weir_receiver *rx;

	counting_init(&counting, &options);
	open_options(&options, &tx, &rx);
	weir_case room = WEIR_SEND_CASE(tx, NULL);
	weir_case broken = WEIR_BROKEN_CASE(tx);
	assert_status(add_receiver(selector, rx, NULL), WEIR_OK);
	assert_status(weir_selector_add(selector, &room, NULL), WEIR_OK);
	assert_status(weir_selector_add(selector, &broken, NULL), WEIR_OK);
	if (flavor->capacity > 0)
		assert_sends_now(tx, 1);
	free_both(tx, rx);
	counting_settled(&counting);
	assert_nothing(selector);
	weir_selector_free(selector);
	counting_settled(&counting);
}

/* -- A stopped thread -------------------------------------------------------- */

struct trying {
	struct task task;
	weir_selector *selector;
	weir_event events[2];
	size_t found;
};

static int try_wait_for_two(void *argument)
{
	struct trying *it = argument;

	return weir_selector_try_wait(it->selector, it->events, 2, &it->found);
}

static int start_trying(struct trying *it, weir_selector *selector)
{
	it->selector = selector;
	it->found = 0;
	task_start(&it->task, try_wait_for_two, it);
	return task_join(&it->task);
}

#define FEW(suite, name)                                                       \
	FLAVOR_CASE(suite, name, rendezvous, 0, 24)                            \
	FLAVOR_CASE(suite, name, three, 3, 24)                                 \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 24)

/* It stands inside a channel's gate, copying for a receiver that waits; a small
 * element would not go into that one's memory there. */
FOR_FLAVORS(selector, try_wait_does_not_wait_for_a_stopped_thread,
	FEW(selector, try_wait_does_not_wait_for_a_stopped_thread))
{
	weir_selector *selector = open_selector();
	weir_sender *tx, *other_tx;
	weir_receiver *rx, *other_rx;
	struct op receiver, sender;
	struct trying it;
	struct stall stall;
	bool found = false;
	int status;

	open_flavor(flavor, &tx, &rx);
	assert_status(
		weir_open(1, element_size, &other_tx, &other_rx), WEIR_OK);
	weir_case room = WEIR_SEND_CASE(tx, NULL);
	assert_status(weir_selector_add(selector, &room, tx), WEIR_OK);
	assert_status(add_receiver(selector, other_rx, other_rx), WEIR_OK);
	stall_open(&stall);
	op_recv_into(&receiver, rx, stall.element);
	wait_until_receivers_waiting(rx, 1);
	let_them_decide(rx);
	stall_arm(&stall);
	op_send(&sender, tx, 1);
	stall_wait(&stall);
	status = start_trying(&it, selector);
	if (status != WEIR_WOULD_BLOCK)
		assert_status(status, WEIR_OK);
	/* And it goes past it. */
	assert_sends_now(other_tx, 2);
	assert_status(start_trying(&it, selector), WEIR_OK);
	for (size_t i = 0; i < it.found; i++)
		found |= it.events[i].user == other_rx;
	cr_assert(found);
	stall_release(&stall);
	assert_op(&sender, WEIR_OK);
	assert_op(&receiver, WEIR_OK);
	assert_receives_now(other_rx, 2);
	if (flavor->capacity > 0)
		assert_event(selector, tx, WEIR_OK);
	else
		assert_nothing(selector);
	weir_selector_free(selector);
	stall_free(&stall);
	free_both(tx, rx);
	free_both(other_tx, other_rx);
}

/* -- In traffic -------------------------------------------------------------- */

struct crowd {
	weir_selector *selector;
	weir_sender **tx;
	weir_receiver *stop;
	unsigned channels;
	uint64_t each;
	_Atomic uint64_t sum, received;
};

static int take_what_is_ready(void *argument)
{
	struct crowd *crowd = argument;
	weir_event events[4];
	size_t found;

	for (;;) {
		if (weir_selector_wait_for(crowd->selector, events, 4, &found,
			    patience_ns()) != WEIR_OK)
			return 1;
		for (size_t i = 0; i < found; i++) {
			uint64_t value = 0;

			if (events[i].operation.rx == crowd->stop)
				return 0;
			if (weir_try_recv(events[i].operation.rx, &value) !=
				WEIR_OK)
				continue;
			crowd->sum += value;
			crowd->received++;
		}
	}
}

static int send_to_all(void *argument)
{
	struct crowd *crowd = argument;

	for (uint64_t i = 1; i <= crowd->each; i++)
		if (weir_send_for(crowd->tx[i % crowd->channels], &i,
			    patience_ns()) != WEIR_OK)
			return 1;
	return 0;
}

/* Registers and removes an operation, again and again, while others wait. */
static int come_and_go(void *argument)
{
	struct crowd *crowd = argument;
	weir_receiver *rx;
	weir_sender *tx;
	int bad = 0;

	for (int i = 0; i < 2000; i++) {
		if (weir_open(1, 8, &tx, &rx) != WEIR_OK)
			return 1;
		weir_case broken = WEIR_BROKEN_CASE(tx);
		bad |= weir_selector_add(crowd->selector, &broken, NULL);
		if (i % 2 == 0)
			bad |= weir_selector_remove(crowd->selector, &broken);
		weir_sender_free(tx);
		weir_receiver_free(rx);
	}
	return bad;
}

ONE_CASE(selector, several_threads_wait_while_others_send_add_and_remove)
{
	enum { CHANNELS = 100, THREADS = 2 };
	weir_sender *tx[CHANNELS], *stop_tx;
	weir_receiver *rx[CHANNELS], *stop_rx;
	struct crowd crowd = {open_selector(), tx, NULL, CHANNELS, 20000, 0, 0};
	struct task takers[THREADS], senders[THREADS], changing;

	assert_status(weir_open(0, 0, &stop_tx, &stop_rx), WEIR_OK);
	assert_status(add_receiver(crowd.selector, stop_rx, NULL), WEIR_OK);
	crowd.stop = stop_rx;
	for (int i = 0; i < CHANNELS; i++) {
		size_t capacities[] = {0, 1, 7, WEIR_UNBOUNDED};

		assert_status(weir_open(capacities[i % 4], 8, &tx[i], &rx[i]),
			WEIR_OK);
		assert_status(
			add_receiver(crowd.selector, rx[i], NULL), WEIR_OK);
	}
	for (int i = 0; i < THREADS; i++) {
		task_start(&takers[i], take_what_is_ready, &crowd);
		task_start(&senders[i], send_to_all, &crowd);
	}
	task_start(&changing, come_and_go, &crowd);
	for (int i = 0; i < THREADS; i++)
		cr_assert(task_join(&senders[i]) == 0);
	cr_assert(task_join(&changing) == 0);
	wait_until(crowd.received == THREADS * crowd.each);
	cr_assert(crowd.sum == crowd.each * (crowd.each + 1) / 2 * THREADS);
	weir_sender_close(stop_tx);
	for (int i = 0; i < THREADS; i++)
		cr_assert(task_join(&takers[i]) == 0);
	for (int i = 0; i < CHANNELS; i++)
		free_both(tx[i], rx[i]);
	weir_selector_free(crowd.selector);
	free_both(stop_tx, stop_rx);
}
