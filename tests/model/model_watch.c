/* SPDX-License-Identifier: MIT */
/* model_watch.c - who is only told of readiness: selectors and descriptors. */
#include "traffic.h"

struct watch {
	weir_selector *selector;
	weir_case operation;
	weir_event event;
	size_t found;
	int64_t deadline;
	int status;
};

static void do_wait(void *argument)
{
	struct watch *watch = argument;

	watch->status = weir_selector_wait(
		watch->selector, &watch->event, 1, &watch->found);
}

static void do_wait_until(void *argument)
{
	struct watch *watch = argument;

	watch->status = weir_selector_wait_until(watch->selector, &watch->event,
		1, &watch->found, watch->deadline);
}

static void do_add(void *argument)
{
	struct watch *watch = argument;

	check(weir_selector_add(watch->selector, &watch->operation, watch) ==
		WEIR_OK);
}

static void do_remove(void *argument)
{
	struct watch *watch = argument;

	check(weir_selector_remove(watch->selector, &watch->operation) ==
		WEIR_OK);
}

static struct watch open_watch_of(weir_receiver *rx)
{
	struct watch watch = {.operation = WEIR_RECV_CASE(rx, NULL)};

	check(weir_selector_open(&watch.selector) == WEIR_OK);
	return watch;
}

static struct watch open_watch(struct ends ends)
{
	return open_watch_of(ends.rx);
}

static struct watch open_watch_of_timer(void)
{
	weir_receiver *timer;

	check(weir_at(deadline_ahead(), &timer) == WEIR_OK);
	return open_watch_of(timer);
}

static struct watch open_watch_of_ticks(void)
{
	weir_receiver *ticks;

	deadline_ahead();
	check(weir_tick(deadline_ahead() - model_now(), &ticks) == WEIR_OK);
	return open_watch_of(ticks);
}

static void close_watch_of_timer(struct watch *watch)
{
	weir_receiver_free(watch->operation.rx);
	weir_selector_free(watch->selector);
}

static void told(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct watch watch = open_watch(ends);
	struct act send = SENDS(ends, 1);

	do_add(&watch);
	spawn("selector", capacity > 0 ? do_wait : do_wait_until, &watch);
	spawn("sender", do_send_until, &send);
	if (capacity == 0) {
		watch.deadline = deadline_ahead();
		send.deadline = deadline_ahead();
	} else {
		send.deadline = INT64_MAX;
	}
	join();
	check(capacity == 0 || watch.status == WEIR_OK);
	check(watch.status != WEIR_OK ||
		(watch.found == 1 && watch.event.user == &watch));
	weir_selector_free(watch.selector);
	free_channel(ends);
}

MODEL(selector, told_0, "a wait, and a sender comes: rendezvous")
{
	told(0);
}

MODEL(selector, told_1, "a wait, and a sender comes: capacity 1")
{
	told(1);
}

MODEL(selector, told_unbounded, "a wait, and a sender comes: unbounded")
{
	told(WEIR_UNBOUNDED);
}

MODEL(selector, add,
	"an operation is added as it becomes ready, and waited for")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act send = SENDS(ends, 1);

	spawn("selector", do_wait, &watch);
	spawn("adder", do_add, &watch);
	spawn("sender", do_send, &send);
	join();
	check(watch.status == WEIR_OK && watch.found == 1);
	weir_selector_free(watch.selector);
	free_channel(ends);
}

MODEL(selector, remove, "an operation is removed as it becomes ready")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act send = SENDS(ends, 1);

	do_add(&watch);
	watch.deadline = deadline_ahead();
	spawn("selector", do_wait_until, &watch);
	spawn("remover", do_remove, &watch);
	spawn("sender", do_send, &send);
	join();
	check(watch.status == WEIR_OK || watch.status == WEIR_TIMED_OUT);
	check(weir_selector_try_wait(watch.selector, &watch.event, 1,
		      &watch.found) == WEIR_WOULD_BLOCK);
	weir_selector_free(watch.selector);
	free_channel(ends);
}

static void wait_and_recv(void *argument)
{
	struct watch *watch = argument;
	uint64_t element;

	do {
		do_wait(watch);
		check(watch->status == WEIR_OK);
		watch->status =
			weir_try_recv(watch->event.operation.rx, &element);
	} while (watch->status == WEIR_WOULD_BLOCK);
}

MODEL(selector, two_waits, "two threads wait, two elements come: each gets one")
{
	struct ends ends = open_channel(2);
	struct watch one = open_watch(ends), other = one;
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2)};

	do_add(&one);
	spawn("wait 1", wait_and_recv, &one);
	spawn("wait 2", wait_and_recv, &other);
	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	join();
	check(one.status == WEIR_OK && other.status == WEIR_OK);
	check(weir_receiver_length(ends.rx) == 0);
	weir_selector_free(one.selector);
	free_channel(ends);
}

MODEL(selector, rearmed, "ready, taken by somebody else, ready again")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2)};

	do_add(&watch);
	do_send(&acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	spawn("sender", do_send, &acts[2]);
	spawn("selector", do_wait, &watch);
	join();
	check(watch.status == WEIR_OK);
	check_once(acts, 3, ends.rx);
	weir_selector_free(watch.selector);
	free_channel(ends);
}

static void do_free_selector(void *argument)
{
	weir_selector_free(((struct watch *)argument)->selector);
}

MODEL(selector, timer_added, "a timer is added while a thread waits")
{
	struct watch watch = open_watch_of_timer();

	spawn("selector", do_wait, &watch);
	spawn("adder", do_add, &watch);
	join();
	check(watch.status == WEIR_OK && watch.found == 1);
	close_watch_of_timer(&watch);
}

static void take_timer(void *argument)
{
	struct watch *watch = argument;
	int64_t when;

	(void)!weir_try_recv(watch->operation.rx, &when);
}

MODEL(selector, timer_taken,
	"somebody takes the timer's element as a wait counts on it")
{
	struct watch watch = open_watch_of_timer();

	watch.deadline = deadline_ahead();
	do_add(&watch);
	spawn("selector", do_wait_until, &watch);
	spawn("taker", take_timer, &watch);
	join();
	check(watch.status == WEIR_OK || watch.status == WEIR_TIMED_OUT);
	close_watch_of_timer(&watch);
}

static void do_try_wait(void *argument)
{
	struct watch *watch = argument;

	watch->status = weir_selector_try_wait(
		watch->selector, &watch->event, 1, &watch->found);
}

MODEL(selector, try_and_wait,
	"one who must not wait takes it from the list, and one who waits")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends), trier = watch;
	struct act send = SENDS(ends, 1);

	do_add(&watch);
	spawn("waiter", do_wait, &watch);
	spawn("trier", do_try_wait, &trier);
	spawn("sender", do_send, &send);
	join();
	check(watch.status == WEIR_OK);
	weir_selector_free(watch.selector);
	free_channel(ends);
}

MODEL(selector, ticks_for_two,
	"two threads wait for one timer, which is armed again")
{
	struct watch one = open_watch_of_ticks(), other;

	do_add(&one);
	other = one;
	spawn("wait 1", do_wait, &one);
	spawn("wait 2", do_wait, &other);
	spawn("taker", take_timer, &one);
	join();
	check(one.status == WEIR_OK && other.status == WEIR_OK);
	close_watch_of_timer(&one);
}

MODEL(selector, armed_again,
	"a timer, reported and taken, is armed again beside who falls asleep")
{
	struct watch watch = open_watch_of_ticks(), trier;

	do_add(&watch);
	do_wait(&watch);
	take_timer(&watch);
	/* It is on the ready list, and is not ready. */
	trier = watch;
	spawn("waiter", do_wait, &watch);
	spawn("trier", do_try_wait, &trier);
	join();
	check(watch.status == WEIR_OK && watch.found == 1);
	close_watch_of_timer(&watch);
}

MODEL(selector, two_tries,
	"two who must not wait look at once, then it is freed")
{
	struct ends ends = open_channel(1);
	struct watch one = open_watch(ends), other = one;
	struct act send = SENDS(ends, 1);

	do_add(&one);
	do_send(&send);
	spawn("trier", do_try_wait, &one);
	spawn("trier 2", do_try_wait, &other);
	join();
	check(one.status != WEIR_TIMED_OUT);
	weir_selector_free(one.selector);
	free_channel(ends);
}

MODEL(selector, freed, "freed as an element comes")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act send = SENDS(ends, 1);

	do_add(&watch);
	spawn("freer", do_free_selector, &watch);
	spawn("sender", do_send, &send);
	join();
	free_channel(ends);
}

static void free_once_one_waits(void *argument)
{
	until_asleep(1);
	do_free_selector(argument);
}

static void send_once_one_waits(void *argument)
{
	until_asleep(1);
	do_send(argument);
}

MODEL(selector, freed_under_a_wait,
	"freed while a thread waits, which an element wakes up at that moment")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act send = SENDS(ends, 1);

	do_add(&watch);
	spawn("selector", do_wait, &watch);
	spawn("freer", free_once_one_waits, &watch);
	spawn("sender", send_once_one_waits, &send);
	join();
	check(watch.status == WEIR_OK || watch.status == WEIR_CLOSED_RESOURCE);
	free_channel(ends);
}

static void free_once_two_wait(void *argument)
{
	until_asleep(2);
	do_free_selector(argument);
}

MODEL(selector, freed_under_two, "freed while two threads wait: both are told")
{
	struct ends ends = open_channel(1);
	struct watch one = open_watch(ends), other;

	do_add(&one);
	other = one;
	spawn("wait 1", do_wait, &one);
	spawn("wait 2", do_wait, &other);
	spawn("freer", free_once_two_wait, &one);
	join();
	check(one.status == WEIR_CLOSED_RESOURCE);
	check(other.status == WEIR_CLOSED_RESOURCE);
	free_channel(ends);
}

MODEL(selector, endpoint_freed, "the endpoint goes while a thread waits for it")
{
	struct ends ends = open_channel(1);
	struct watch watch = open_watch(ends);
	struct act free = RECEIVES(ends), send = SENDS(ends, 1);

	do_add(&watch);
	watch.deadline = deadline_ahead();
	spawn("selector", do_wait_until, &watch);
	spawn("freer", do_free_receiver, &free);
	spawn("sender", do_send, &send);
	join();
	check(watch.status == WEIR_OK || watch.status == WEIR_TIMED_OUT);
	weir_selector_free(watch.selector);
	weir_sender_free(ends.tx);
}

/* Whenever all is quiet the level is the truth. */
static void check_levels(struct ends ends, int rx_fd, int tx_fd)
{
	uint64_t element = 64;
	size_t length = weir_receiver_length(ends.rx);
	size_t capacity = weir_receiver_capacity(ends.rx);

	check(descriptor_is_readable(rx_fd) == (length > 0));
	check(descriptor_is_readable(tx_fd) == (length < capacity));
	if (length > 0)
		check(weir_try_recv(ends.rx, &element) == WEIR_OK);
}

static void level(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	int rx_fd = weir_receiver_fd(ends.rx), tx_fd = weir_sender_fd(ends.tx);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	spawn("sender 2", do_try_send, &acts[2]);
	join();
	check_levels(ends, rx_fd, tx_fd);
	check_levels(ends, rx_fd, tx_fd);
	check_levels(ends, rx_fd, tx_fd);
	free_channel(ends);
}

MODEL(descriptor, level_1,
	"two senders and a receiver, then the level is true: capacity 1")
{
	level(1);
}

MODEL(descriptor, level_2, "the same at capacity 2")
{
	level(2);
}

MODEL(descriptor, level_unbounded, "the same without a bound")
{
	level(WEIR_UNBOUNDED);
}

static void ask_for_fd(void *argument)
{
	struct act *act = argument;

	act->status = weir_receiver_fd(act->rx);
	check(act->status >= 0);
}

/* Two elements, two receivers, nobody else: then it is empty, and not
 * readable. */
static void emptied(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), RECEIVES(ends)};
	int fd;

	do_send(&acts[0]);
	do_send(&acts[1]);
	fd = weir_receiver_fd(ends.rx);
	spawn("receiver 1", do_try_recv, &acts[2]);
	spawn("receiver 2", do_try_recv, &acts[3]);
	join();
	check(descriptor_is_readable(fd) ==
		(weir_receiver_length(ends.rx) > 0));
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(descriptor, emptied_2, "two receivers take all there is: capacity 2")
{
	emptied(2);
}

MODEL(descriptor, emptied_unbounded,
	"two receivers take all there is: unbounded")
{
	emptied(WEIR_UNBOUNDED);
}

static void ask_for_sender_fd(void *argument)
{
	struct act *act = argument;

	act->status = weir_sender_fd(act->tx);
	check(act->status >= 0);
}

static void asked_as_it_empties(size_t capacity)
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};
	struct act ask = RECEIVES(ends);

	do_send(&acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	spawn("asker", ask_for_fd, &ask);
	join();
	check(!descriptor_is_readable(ask.status));
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(descriptor, asked_as_it_empties_2,
	"a descriptor is asked for as the last element goes: capacity 2")
{
	asked_as_it_empties(2);
}

MODEL(descriptor, asked_as_it_empties_unbounded,
	"a descriptor is asked for as the last element goes: unbounded")
{
	asked_as_it_empties(WEIR_UNBOUNDED);
}

MODEL(descriptor, freed_as_it_is_told,
	"an endpoint is freed as its descriptor becomes readable")
{
	struct ends ends = open_channel(2);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2)};
	struct act other = RECEIVES(ends);

	check(weir_receiver_clone(ends.rx, &other.rx) == WEIR_OK);
	check(weir_receiver_fd(other.rx) >= 0);
	spawn("sender", do_send, &acts[0]);
	spawn("its owner", do_free_receiver, &other);
	join();
	check_once(acts, 1, ends.rx);
	free_channel(ends);
}

MODEL(descriptor, asked_as_it_fills,
	"a sender's descriptor is asked for as the last place goes")
{
	struct ends ends = open_channel(1);
	struct act send = SENDS(ends, 1), ask = SENDS(ends, 0);

	spawn("sender", do_send, &send);
	spawn("asker", ask_for_sender_fd, &ask);
	join();
	check(!descriptor_is_readable(ask.status));
	free_channel(ends);
}

MODEL(descriptor, asked_as_a_place_comes,
	"a sender's descriptor is asked for as a place comes free")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};
	struct act ask = SENDS(ends, 0);

	do_send(&acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	spawn("asker", ask_for_sender_fd, &ask);
	join();
	check(descriptor_is_readable(ask.status));
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(descriptor, made_late, "a descriptor is asked for as an element comes")
{
	struct ends ends = open_channel(1);
	struct act send = SENDS(ends, 1),
		   asks[] = {RECEIVES(ends), RECEIVES(ends)};

	spawn("asker 1", ask_for_fd, &asks[0]);
	spawn("asker 2", ask_for_fd, &asks[1]);
	spawn("sender", do_send, &send);
	join();
	check(asks[0].status == asks[1].status);
	check(descriptor_is_readable(asks[0].status));
	free_channel(ends);
}

MODEL(descriptor, rendezvous,
	"readable while a sender waits, not any more after it gave up")
{
	struct ends ends = open_channel(0);
	int fd = weir_receiver_fd(ends.rx);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[0].deadline = deadline_ahead();
	spawn("sender", do_send_until, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	join();
	check(!descriptor_is_readable(fd));
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(descriptor, end, "an end is readable, whatever else happens")
{
	struct ends ends = open_channel(1);
	int fd = weir_receiver_fd(ends.rx);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	spawn("closer", do_close_sender, &acts[0]);
	join();
	check(descriptor_is_readable(fd));
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}
