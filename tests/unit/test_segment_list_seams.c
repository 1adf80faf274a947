/* SPDX-License-Identifier: MIT */
/* test_segment_list_seams.c - the unbounded queue with parties stopped between
 * their steps, and with things that happen while a segment is allocated. */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "counting.h"
#include "leaks.h"
#include "reader.h"
#include "segment_list.h"
#include "stall.h"
#include "threads.h"

#define SEAM_TEST(name) Test(segment_list_seams, name, .timeout = 60)
#define BIG ((size_t)20 * 1024)  /* two elements a segment */
#define HUGE ((size_t)70 * 1024) /* one */

static struct counting counting;
static struct segment_list list;
static unsigned char element[HUGE], others_element[HUGE];

static struct allocator counted(void)
{
	weir_options options = WEIR_OPTIONS_INIT;

	counting_init(&counting, &options);
	return (struct allocator){
		options.alloc, options.free, options.allocator_context};
}

static void open_list(size_t element_size)
{
	struct allocator allocator = counted();

	cr_assert(wi_segment_list_init(&list, element_size, &allocator) == 0);
}

static void close_list(void)
{
	list.queue.ops->destroy(&list.queue);
	counting_settled(&counting);
}

static int push_held(uint64_t value, uint64_t held)
{
	memcpy(element, &value, sizeof value);
	return list.queue.ops->push(&list.queue, element, held);
}

static int push(uint64_t value)
{
	return push_held(value, 0);
}

static int pop_held(uint64_t *value, uint64_t held)
{
	int status = list.queue.ops->pop(&list.queue, element, held);

	memcpy(value, element, sizeof *value);
	return status;
}

static int pop(void)
{
	uint64_t value;

	return pop_held(&value, 0);
}

static void assert_pops(uint64_t want)
{
	uint64_t value = ~want;

	cr_assert(pop_held(&value, 0) == 0);
	cr_assert(value == want);
}

/* A sender claims the next ticket, of a segment that is linked, and stops. */
static struct slot *claim(struct segment **segment)
{
	uint64_t tail = load_relaxed(&list.queue.tail);
	uint64_t ticket = tail >> FLAG_BITS;
	uint64_t number = (ticket >> list.slots_shift) + 1;
	uint64_t index = ticket & (((uint64_t)1 << list.slots_shift) - 1);

	*segment = load_acquire(&list.oldest);
	while (*segment != NULL && (*segment)->number < number)
		*segment = load_acquire(&(*segment)->next);
	cr_assert(*segment != NULL && (*segment)->number == number);
	cr_assert(cas_relaxed(
		&list.queue.tail, &tail, tail + ((uint64_t)1 << FLAG_BITS)));
	return (struct slot *)(void *)((unsigned char *)*segment + CACHE_LINE +
				       index * list.layout.stride);
}

/* It goes on; returns what its exchange finds. */
static uint32_t publish(
	struct slot *slot, const struct segment *segment, uint64_t value)
{
	memcpy(wi_slot_element(slot, &list.layout), &value, sizeof value);
	return exchange_seq_cst(
		&slot->turn, (uint32_t)(TURNS * segment->number) + FULL);
}

static unsigned drops;
static uint64_t dropped_sum;

static void note_drop(void *from, void *context)
{
	uint64_t value;

	(void)context;
	memcpy(&value, from, sizeof value);
	drops++;
	dropped_sum += value;
}

static const struct dropper noting = {note_drop, NULL};

static void break_and_drain(void)
{
	wi_queue_finish(&list.queue, BROKEN);
	list.queue.ops->drain(&list.queue, &noting);
}

/* -- Stopped senders and receivers ------------------------------------------ */

SEAM_TEST(a_stopped_sender_holds_up_receivers_and_not_senders)
{
	struct segment *segment;
	struct slot *slot;

	open_list(BIG);
	cr_assert(push(0) == 0);
	slot = claim(&segment);
	for (uint64_t i = 2; i < 12; i++)
		cr_assert(push(i) == 0);
	assert_pops(0);
	for (int i = 0; i < 3; i++)
		cr_assert(pop() == -EAGAIN);
	cr_assert(wi_queue_length(&list.queue) == 11);
	publish(slot, segment, 1);
	for (uint64_t i = 1; i < 12; i++)
		assert_pops(i);
	cr_assert(pop() == -EAGAIN);
	close_list();
}

SEAM_TEST(a_slot_that_is_being_filled_is_not_the_end)
{
	struct segment *segment;
	struct slot *slot;

	open_list(BIG);
	cr_assert(push(0) == 0);
	slot = claim(&segment);
	wi_queue_finish(&list.queue, ENDED);
	cr_assert(push(9) == -EBADF);
	assert_pops(0);
	cr_assert(pop() == -EAGAIN);
	publish(slot, segment, 1);
	assert_pops(1);
	cr_assert(pop() == -ENODATA);
	close_list();
}

static int pop_into(void *to)
{
	return list.queue.ops->pop(&list.queue, to, 0);
}

/* Its segment is retired, but neither freed nor filled anew under its hands. */
SEAM_TEST(a_stopped_receiver_keeps_its_segment)
{
	struct stall stall;
	struct task receiver;
	uint64_t n, value;

	open_list(sizeof value);
	n = (uint64_t)1 << list.slots_shift;
	for (uint64_t i = 0; i < n; i++)
		cr_assert(push(i + 7) == 0);
	stall_open(&stall);
	stall_arm(&stall);
	task_start(&receiver, pop_into, stall.element);
	stall_wait(&stall);
	for (uint64_t i = 1; i < 12 * n; i++) {
		cr_assert(push(1000000 + i) == 0);
		cr_assert(pop() == 0);
	}
	stall_release(&stall);
	cr_assert(task_join(&receiver) == 0);
	memcpy(&value, stall.element, sizeof value);
	cr_assert(value == 7);
	stall_free(&stall);
	close_list();
}

static int push_from(void *from)
{
	return list.queue.ops->push(&list.queue, from, 0);
}

SEAM_TEST(push_into_an_abandoned_slot_returns_epipe)
{
	struct stall stall;
	struct task sender;

	open_list(sizeof(uint64_t));
	cr_assert(push(1) == 0);
	stall_open(&stall);
	stall_arm(&stall);
	task_start(&sender, push_from, stall.element);
	stall_wait(&stall);
	cr_assert(push(2) == 0);
	break_and_drain();
	stall_release(&stall);
	cr_assert(task_join(&sender) == -EPIPE);
	cr_assert(drops == 2 && dropped_sum == 3);
	cr_assert(wi_queue_sent(&list.queue) == 2);
	stall_free(&stall);
	close_list();
}

SEAM_TEST(flags_rule_the_words_over_borders_of_segments)
{
	const struct segment *oldest;
	uint64_t value;

	open_list(BIG);
	wi_queue_hold(&list.queue.tail, true);
	wi_queue_hold(&list.queue.head, true);
	for (uint64_t i = 0; i < 7; i++) {
		cr_assert(push(9) == -EAGAIN);
		cr_assert(push_held(i, HELD) == 0);
		cr_assert(pop() == -EAGAIN);
		cr_assert(pop_held(&value, HELD) == 0);
		cr_assert(value == i);
		oldest = load_relaxed(&list.oldest);
		cr_assert(oldest->number == i / 2 + 1);
	}
	wi_queue_finish(&list.queue, ENDED);
	cr_assert(pop() == -ENODATA);
	close_list();
}

/* -- Draining ---------------------------------------------------------------- */

/* Tail's segment is not linked yet, and need not be. */
SEAM_TEST(drain_ends_where_a_segment_does)
{
	open_list(BIG);
	for (uint64_t i = 0; i < 4; i++)
		cr_assert(push(i) == 0);
	break_and_drain();
	cr_assert(drops == 4);
	close_list();
}

SEAM_TEST(drain_of_what_was_never_used_does_nothing)
{
	open_list(BIG);
	break_and_drain();
	cr_assert(drops == 0);
	cr_assert(atomic_load(&counting.calls) == 0);
	close_list();
}

SEAM_TEST(drain_begins_in_the_middle_of_a_segment)
{
	open_list(BIG);
	for (uint64_t i = 0; i < 9; i++)
		cr_assert(push(i) == 0);
	for (uint64_t i = 0; i < 5; i++)
		assert_pops(i);
	break_and_drain();
	cr_assert(drops == 4 && dropped_sum == 5 + 6 + 7 + 8);
	cr_assert(wi_queue_received(&list.queue) == 5);
	close_list();
}

SEAM_TEST(each_stopped_sender_learns_that_it_was_abandoned)
{
	struct segment *segments[3];
	struct slot *slots[3];

	open_list(BIG);
	for (int i = 0; i < 3; i++) {
		cr_assert(push(1) == 0);
		slots[i] = claim(&segments[i]);
	}
	wi_read_lock(); /* as if the senders in the middle held them */
	break_and_drain();
	for (int i = 0; i < 3; i++) {
		uint32_t turn = (uint32_t)(TURNS * segments[i]->number);

		cr_assert(
			publish(slots[i], segments[i], 5) == turn + ABANDONED);
	}
	wi_read_unlock();
	cr_assert(drops == 3);
	cr_assert(load_relaxed(&list.queue.abandoned) == 3);
	cr_assert(wi_queue_sent(&list.queue) == 3);
	close_list();
}

static void receive_and_note(void *from, void *context)
{
	note_drop(from, context);
	cr_assert(list.queue.ops->pop(&list.queue, others_element, 0) ==
		  -ENODATA);
}

/* Its look moves the receivers' hint to the end, past what is to be dropped. */
SEAM_TEST(drain_goes_on_after_a_receiver_that_comes_too_late)
{
	static const struct dropper dropper = {receive_and_note, NULL};

	open_list(BIG);
	for (uint64_t i = 0; i < 9; i++)
		cr_assert(push(i) == 0);
	wi_queue_finish(&list.queue, BROKEN);
	list.queue.ops->drain(&list.queue, &dropper);
	cr_assert(drops == 9);
	close_list();
}

/* Through nothing but the turn: a race detector sees if that orders nothing. */
SEAM_TEST(what_drain_drops_is_readable)
{
	struct segment *segment;
	struct task sender;
	struct slot *slot;
	uint64_t value = 5;

	open_list(sizeof value);
	cr_assert(push(1) == 0);
	segment = load_acquire(&list.tail_hint);
	slot = (struct slot *)(void *)((unsigned char *)segment + CACHE_LINE +
				       list.layout.stride);
	task_start(&sender, push_from, &value);
	wait_until(load_relaxed(&slot->turn) != 0);
	break_and_drain();
	cr_assert(drops == 2 && dropped_sum == 6);
	cr_assert(task_join(&sender) == 0);
	close_list();
}

/* -- Segments used again, and those of one slot -------------------------------- */

SEAM_TEST(a_segment_used_again_has_no_old_elements)
{
	struct segment *segment;
	struct slot *slot;
	uint64_t sent = 0;

	open_list(BIG);
	for (; sent < 20; sent++)
		cr_assert(push(sent) == 0);
	for (uint64_t i = 0; i < 20; i++)
		assert_pops(i);
	wait_until(load_relaxed(&list.spares) != NULL);
	cr_assert(push(sent) == 0);
	slot = claim(&segment);
	assert_pops(sent);
	cr_assert(pop() == -EAGAIN);
	publish(slot, segment, sent + 1);
	assert_pops(sent + 1);
	close_list();
}

SEAM_TEST(a_spare_is_used_before_memory_is_asked_for)
{
	int64_t calls;

	open_list(BIG);
	for (uint64_t i = 0; i < 6; i++) {
		cr_assert(push(i) == 0);
		assert_pops(i);
	}
	/* All that came back but one has been freed. */
	wait_until(load_relaxed(&list.spares) != NULL &&
		   atomic_load(&counting.live_blocks) == 2);
	calls = atomic_load(&counting.calls);
	cr_assert(push(6) == 0);
	cr_assert(atomic_load(&counting.calls) == calls);
	assert_pops(6);
	close_list();
}

/* As long as this thread reads no grace period ends: what comes back has been
 * looked for. */
static uint64_t segments_received_until_one_is_back(size_t element_size)
{
	uint64_t segments;

	if (!wi_hazards_are_told())
		cr_skip_test("no membarrier here");
	wi_read_lock();
	open_list(element_size);
	while (load_relaxed(&list.spares) == NULL) {
		cr_assert(push(0) == 0);
		assert_pops(0);
	}
	segments = ((struct segment *)load_relaxed(&list.oldest))->number - 1;
	close_list();
	wi_read_unlock();
	return segments;
}

SEAM_TEST(each_16th_segment_is_a_look_at_who_holds_them)
{
	cr_assert(segments_received_until_one_is_back(BIG) == 16);
}

SEAM_TEST(each_4th_segment_of_one_element_is_a_look_too)
{
	cr_assert(segments_received_until_one_is_back(HUGE) == 4);
}

SEAM_TEST(elements_of_one_to_a_segment_come_in_order_and_go)
{
	open_list(HUGE);
	cr_assert(list.slots_shift == 0);
	for (uint64_t round = 0; round < 5; round++) {
		for (uint64_t i = 0; i < 10; i++)
			cr_assert(push(i) == 0);
		cr_assert(wi_queue_length(&list.queue) == 10);
		for (uint64_t i = 0; i < 10; i++)
			assert_pops(i);
	}
	wait_until(atomic_load(&counting.live_blocks) <= 2);
	cr_assert(push(1) == 0 && push(2) == 0);
	break_and_drain();
	cr_assert(drops == 2);
	close_list();
}

SEAM_TEST(too_large_an_element_is_no_memory)
{
	struct allocator allocator = counted();

	cr_assert(wi_segment_list_init(&list, SIZE_MAX - 1, &allocator) ==
		  -ENOMEM);
	cr_assert(wi_segment_list_init(&list, SIZE_MAX / 2, &allocator) ==
		  -ENOMEM);
	check_leaks();
}

/* -- While a segment is being allocated ------------------------------------------ */

static void (*meanwhile)(void);

static void *alloc_while_others_act(
	size_t size, size_t alignment, void *context)
{
	void (*act)(void) = meanwhile;
	weir_options options = WEIR_OPTIONS_INIT;
	struct counting discarded;
	void *block;

	counting_init(&discarded, &options);
	block = options.alloc(size, alignment, context);
	meanwhile = NULL;
	if (act != NULL)
		act();
	return block;
}

/* What another thread does meanwhile is done by the allocator itself. */
static void open_with_interruptions(void)
{
	struct allocator allocator = counted();

	allocator.alloc = alloc_while_others_act;
	cr_assert(wi_segment_list_init(&list, BIG, &allocator) == 0);
}

static void send_as_others(void)
{
	uint64_t value = 100;

	memcpy(others_element, &value, sizeof value);
	cr_assert(list.queue.ops->push(&list.queue, others_element, 0) == 0);
}

SEAM_TEST(who_loses_the_race_to_append_uses_the_winners_segment)
{
	open_with_interruptions();
	meanwhile = send_as_others;
	cr_assert(push(1) == 0);
	assert_pops(100);
	assert_pops(1);
	cr_assert(atomic_load(&counting.calls) == 2);
	/* The loser's became a spare. */
	wait_until(load_relaxed(&list.spares) != NULL);
	cr_assert(push(2) == 0);
	cr_assert(atomic_load(&counting.calls) == 2);
	assert_pops(2);
	close_list();
}

SEAM_TEST(who_loses_the_race_finds_a_segment_that_is_full_already)
{
	open_with_interruptions();
	cr_assert(push(0) == 0 && push(1) == 0); /* the first segment is full */
	meanwhile = send_as_others;
	cr_assert(push(2) == 0);
	cr_assert(push(3) == 0);
	assert_pops(0);
	assert_pops(1);
	assert_pops(100);
	assert_pops(2);
	assert_pops(3);
	cr_assert(pop() == -EAGAIN);
	close_list();
}

/* The last receiver leaves at that moment: others have leaked the segment that
 * was installed then, or walked from a first segment that was not there. */
SEAM_TEST(a_close_while_the_first_segment_is_allocated_breaks_the_send)
{
	open_with_interruptions();
	meanwhile = break_and_drain;
	cr_assert(push(1) == -EPIPE);
	cr_assert(drops == 0);
	cr_assert(pop() == -ENODATA);
	cr_assert(wi_queue_sent(&list.queue) == 0);
	close_list();
}

SEAM_TEST(a_close_while_a_later_segment_is_allocated_breaks_the_send)
{
	open_with_interruptions();
	cr_assert(push(1) == 0 && push(2) == 0);
	meanwhile = break_and_drain;
	cr_assert(push(3) == -EPIPE);
	cr_assert(drops == 2);
	close_list();
}

static void receive_all_as_others(void)
{
	while (list.queue.ops->pop(&list.queue, others_element, 0) == 0)
		;
}

SEAM_TEST(others_may_empty_the_list_while_a_segment_is_allocated)
{
	open_with_interruptions();
	for (uint64_t i = 0; i < 4; i++)
		cr_assert(push(i) == 0);
	meanwhile = receive_all_as_others;
	cr_assert(push(4) == 0);
	assert_pops(4);
	cr_assert(pop() == -EAGAIN);
	close_list();
}

SEAM_TEST(no_memory_for_the_first_segment_leaves_all_as_it_was)
{
	open_list(BIG);
	atomic_store(&counting.fail_at, 1);
	cr_assert(push(1) == -ENOMEM);
	cr_assert(load_relaxed(&list.queue.tail) == 0);
	cr_assert(pop() == -EAGAIN);
	cr_assert(push(2) == 0);
	assert_pops(2);
	close_list();
}

/* -- Destroyed while segments are on their way back ------------------------------- */

static _Atomic bool reading, stop_reading;

static int read_for_long(void *argument)
{
	(void)argument;
	wi_read_lock();
	atomic_store(&reading, true);
	while (!atomic_load(&stop_reading))
		sched_yield();
	wi_read_unlock();
	return 0;
}

/* Some reader of another channel keeps the grace period from ending. */
SEAM_TEST(is_destroyed_before_the_grace_period_ends)
{
	struct task reader;

	open_list(BIG);
	for (uint64_t i = 0; i < 10; i++)
		cr_assert(push(i) == 0);
	task_start(&reader, read_for_long, NULL);
	wait_until(atomic_load(&reading));
	for (uint64_t i = 0; i < 9; i++)
		assert_pops(i);
	cr_assert(atomic_load(&counting.live_blocks) == 5);
	close_list();
	atomic_store(&stop_reading, true);
	cr_assert(task_join(&reader) == 0);
}
