/* SPDX-License-Identifier: MIT */
/* select.c - weir_select and weir_ready: look at one case, drawn at random; at
 * the others, in a random order; again for a moment; then wait (select_wait.c).
 */
#include <weir/select.h>

#include "case.h"
#include "clock.h"
#include "random.h"
#include "select_stand.h"
#include "select_wait.h"
#include "transfer.h"

/* Up to so many cases lie on the stack. */
#define ON_STACK 32

/* Cases that are looked at, all of them, after each pause of a spin. */
#define FEW 16

/* So often does a select leave its place for somebody whom it does not meet. */
#define MOVES 4

/* ns: some times what a select may look before it registers.  If its time is up
 * sooner, a try_ call elsewhere might never see it. */
#define SOON 20000

/* WEIR_OK: done, and the case says how; or WEIR_WOULD_BLOCK or WEIR_NO_MEMORY.
 * May miss what has just been published. */
static inline int try_case(weir_case *choice, bool carry_out)
{
	struct endpoint *end = wi_case_end(choice);
	int status;

	if (end == NULL)
		return WEIR_WOULD_BLOCK;
	if (carry_out && choice->kind != WEIR_CASE_BROKEN)
		status = wi_transfer_one(end, wi_case_side(choice),
			wi_case_element(choice), &wi_in_passing);
	else
		status = wi_case_look(choice);
	if (status == WEIR_WOULD_BLOCK || status == WEIR_NO_MEMORY)
		return status;
	choice->status = status;
	return WEIR_OK;
}

/* Of so many: the one to be looked at next. */
static inline size_t pick(size_t count, unsigned flags)
{
	return flags & WEIR_SELECT_BIASED ? 0 : (size_t)wi_random_below(count);
}

static void swap(size_t *order, size_t i, size_t j)
{
	size_t before = order[i];

	order[i] = order[j];
	order[j] = before;
}

/* Those that come in `order` from the i-th on, which are put into a new order
 * by the way.  As try_case. */
static int try_from(
	struct select_call *call, size_t i, unsigned flags, size_t *index)
{
	for (; i < call->count; i++) {
		int status;

		swap(call->order, i, i + pick(call->count - i, flags));
		status =
			try_case(&call->cases[call->order[i]], call->carry_out);
		if (status == WEIR_WOULD_BLOCK)
			continue;
		if (status == WEIR_OK)
			*index = call->order[i];
		return status;
	}
	return WEIR_WOULD_BLOCK;
}

static int try_all(struct select_call *call, unsigned flags, size_t *index)
{
	return try_from(call, 0, flags, index);
}

/* How long to spin is learned where the first case waits that is not for the
 * clock. */
static void start_spin(const struct select_call *call, struct spin *spin)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		struct endpoint *end = wi_case_end(choice);

		if (end == NULL || end->channel->queue.ops->clock != NULL)
			continue;
		wi_spin_start(spin,
			&end->channel->sides[wi_case_side(choice)].backoff,
			end->channel->queue.capacity, call->deadline);
		return;
	}
}

static bool has_buffer(const struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const struct endpoint *end = wi_case_end(&call->cases[i]);

		if (end != NULL && end->channel->queue.capacity > 0)
			return true;
	}
	return false;
}

/* Look again and again, as long as the spin lasts. */
static int look_again(struct select_call *call, unsigned flags,
	struct spin *spin, size_t *index)
{
	int status = WEIR_WOULD_BLOCK;

	while (status == WEIR_WOULD_BLOCK && wi_spin(spin))
		status = try_all(call, flags, index);
	return status;
}

/* Is there a channel to look at while one stands at another? */
static bool has_several_channels(const struct select_call *call)
{
	const struct channel *one = NULL;

	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		const struct endpoint *end = wi_case_end(choice);

		if (end == NULL || choice->kind == WEIR_CASE_BROKEN)
			continue;
		if (one != NULL && end->channel != one)
			return true;
		one = end->channel;
	}
	return false;
}

/* Not if the order of the cases counts: it would stand at one, and leave the
 * others alone. */
static bool may_look_for_partner(const struct select_call *call, unsigned flags)
{
	return call->carry_out && call->count <= FEW &&
	       !(flags & WEIR_SELECT_BIASED) && has_several_channels(call) &&
	       !wi_deadline_is_near(call->deadline, SOON);
}

/* As look_again, among rendezvous only: where somebody waits. */
static int look_for_partner(struct select_call *call, unsigned flags,
	struct spin *spin, size_t *index)
{
	int status = WEIR_WOULD_BLOCK;

	for (int i = 0; i < MOVES && wi_spin_can_pause(spin); i++) {
		enum stand found = wi_select_stand(call, spin, index);

		if (found == SERVED)
			return WEIR_OK;
		if (found == IN_VAIN)
			break;
		status = try_all(call, flags, index);
		if (status != WEIR_WOULD_BLOCK)
			break;
	}
	return status;
}

static int wait(struct select_call *call, unsigned flags, size_t *index)
{
	struct spin spin = {.budget = 0};
	int status = WEIR_WOULD_BLOCK;

	if (!wi_deadline_passed(call->deadline))
		start_spin(call, &spin);
	if (has_buffer(call))
		status = look_again(call, flags, &spin, index);
	else if (may_look_for_partner(call, flags))
		status = look_for_partner(call, flags, &spin, index);
	if (status == WEIR_WOULD_BLOCK)
		status = wi_select_wait(call, &spin, index);
	wi_spin_end(&spin);
	return status;
}

/* Nothing was ready: must we look again?  That no receiver is left changes
 * inside a gate, and has been seen. */
static bool may_have_missed_any(const struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		const struct endpoint *end = wi_case_end(choice);

		if (end != NULL && choice->kind != WEIR_CASE_BROKEN &&
			wi_channel_may_have_missed(
				end->channel, wi_case_side(choice)))
			return true;
	}
	return false;
}

/* As transfer.c's. */
static int look_once_more(
	struct select_call *call, unsigned flags, size_t *index)
{
	wi_fence_others(); /* R3 of [sleep] */
	return try_all(call, flags, index);
}

/* `first` has been looked at. */
static int go_on(struct select_call *call, unsigned flags, size_t first,
	enum patience patience, size_t *index)
{
	int status;

	for (size_t i = 0; i < call->count; i++)
		call->order[i] = i;
	if (call->count > 1)
		swap(call->order, 0, first);
	status = try_from(call, 1, flags, index);
	if (status == WEIR_WOULD_BLOCK && patience == MAY_WAIT)
		status = wait(call, flags, index);
	else if (status == WEIR_WOULD_BLOCK && may_have_missed_any(call))
		status = look_once_more(call, flags, index);
	return status;
}

static int go_on_with_stack(const struct select_call *wanted, unsigned flags,
	size_t first, enum patience patience, size_t *index)
{
	struct registration registrations[ON_STACK];
	struct channel *channels[ON_STACK];
	size_t order[ON_STACK];
	struct select_call call = *wanted;

	call.registrations = registrations;
	call.channels = channels;
	call.order = order;
	return go_on(&call, flags, first, patience, index);
}

static void give_back(
	const struct allocator *allocator, void *memory, size_t size)
{
	if (memory != NULL)
		wi_free(allocator, memory, size);
}

static int go_on_with_heap(const struct select_call *wanted, unsigned flags,
	size_t first, enum patience patience, size_t *index)
{
	static const struct allocator ours = {NULL, NULL, NULL};
	struct select_call call = *wanted;
	size_t size;
	int status = WEIR_NO_MEMORY;

	/* The largest of the three. */
	if (__builtin_mul_overflow(
		    call.count, sizeof *call.registrations, &size))
		return WEIR_NO_MEMORY;
	call.registrations = wi_alloc(&ours, size, CACHE_LINE);
	call.channels =
		wi_alloc(&ours, call.count * sizeof(void *), _Alignof(void *));
	call.order = wi_alloc(
		&ours, call.count * sizeof *call.order, _Alignof(size_t));
	if (call.registrations != NULL && call.channels != NULL &&
		call.order != NULL)
		status = go_on(&call, flags, first, patience, index);
	give_back(&ours, call.registrations, size);
	give_back(&ours, (void *)call.channels, call.count * sizeof(void *));
	give_back(&ours, call.order, call.count * sizeof *call.order);
	return status;
}

static bool are_valid(const weir_case *cases, size_t count, bool carry_out)
{
	for (size_t i = 0; i < count; i++)
		if (!wi_case_is_valid(&cases[i], carry_out))
			return false;
	return true;
}

/* One case first, for which nothing needs to be set up: often it is ready. */
static int run(weir_case *cases, size_t count, unsigned flags, size_t *index,
	bool carry_out, enum patience patience, int64_t deadline)
{
	struct select_call call;
	size_t first = 0;
	int status = WEIR_WOULD_BLOCK;

	if (index == NULL || (cases == NULL && count > 0) ||
		(flags & ~WEIR_SELECT_BIASED) != 0 ||
		!are_valid(cases, count, carry_out))
		return WEIR_INVALID_ARGUMENT;
	if (count > 0) {
		first = pick(count, flags);
		status = try_case(&cases[first], carry_out);
	}
	if (status == WEIR_OK)
		*index = first;
	if (status != WEIR_WOULD_BLOCK)
		return status;
	call = (struct select_call){.cases = cases,
		.count = count,
		.carry_out = carry_out,
		.deadline = deadline};
	return count <= ON_STACK
		       ? go_on_with_stack(&call, flags, first, patience, index)
		       : go_on_with_heap(&call, flags, first, patience, index);
}

int weir_select(weir_case *cases, size_t count, unsigned flags, size_t *index)
{
	return run(cases, count, flags, index, true, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_select(
	weir_case *cases, size_t count, unsigned flags, size_t *index)
{
	return run(cases, count, flags, index, true, NEVER_WAIT, 0);
}

int weir_select_until(weir_case *cases, size_t count, unsigned flags,
	size_t *index, int64_t deadline)
{
	return run(cases, count, flags, index, true, MAY_WAIT, deadline);
}

int weir_select_for(weir_case *cases, size_t count, unsigned flags,
	size_t *index, int64_t timeout)
{
	return run(cases, count, flags, index, true, MAY_WAIT,
		wi_deadline_after(timeout));
}

int weir_ready(weir_case *cases, size_t count, unsigned flags, size_t *index)
{
	return run(cases, count, flags, index, false, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_ready(
	weir_case *cases, size_t count, unsigned flags, size_t *index)
{
	return run(cases, count, flags, index, false, NEVER_WAIT, 0);
}

int weir_ready_until(weir_case *cases, size_t count, unsigned flags,
	size_t *index, int64_t deadline)
{
	return run(cases, count, flags, index, false, MAY_WAIT, deadline);
}

int weir_ready_for(weir_case *cases, size_t count, unsigned flags,
	size_t *index, int64_t timeout)
{
	return run(cases, count, flags, index, false, MAY_WAIT,
		wi_deadline_after(timeout));
}
