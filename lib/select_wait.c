/* SPDX-License-Identifier: MIT */
/* select_wait.c - see select_wait.h; selection.h has the states.
 *
 *	1  enter all gates; look for endpoints that are closed, and at capacity
 *	   0 for somebody who waits on the other side: then it is done
 *	2  queue a waiter, or a watcher, for each case; settle each channel
 *	   until one case has been decided
 *	3  leave all gates; park
 *	4  DONE: withdraw the other cases, one gate at a time
 *	   time is up: enter all gates again, so that there is an instant at
 *	   which no case could be done, and give up; unless a case is on its way
 *	   (wi_channel_must_stay)
 *
 * Who decides touches nothing of ours after it has released the parker; a
 * waiter that has lost is touched only inside its gate, until step 4 takes it
 * out there.
 */
#include "select_wait.h"

#include "case.h"
#include "clock.h"

/* Between two looks of a select whose time is up, and that must stay because
 * somebody is in the middle of an operation on the place that it needs. */
#define NAP_NS 1000000

static bool is_waiter(const struct select_call *call, size_t i)
{
	return call->carry_out && call->cases[i].kind != WEIR_CASE_BROKEN;
}

/* -- Inside the gates ---------------------------------------------------- */

static void told(struct watcher *watcher, bool ready, struct list *decided)
{
	struct registration *registration =
		container_of(watcher, struct registration, watcher);
	struct selection *selection = registration->selection;

	(void)ready; /* watchers of this kind hear of nothing else */
	if (wi_selection_claim(selection, registration->index))
		list_append(decided, &selection->parker.news.node);
}

/* Before the gates are entered, so that nobody waits for that there. */
static void fill_in_waiters(
	struct select_call *call, struct selection *selection)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		struct endpoint *end = wi_case_end(choice);
		struct waiter *waiter = &call->registrations[i].waiter;

		if (end == NULL || !is_waiter(call, i))
			continue;
		wi_waiter_init_case(
			waiter, end, wi_case_element(choice), selection, i);
		(void)wi_waiter_keep_small(waiter,
			wi_case_side(choice) == SENDING,
			end->channel->queue.element_size);
	}
}

/* Capacity 0: this case will be decided by the end, once it is queued. */
static bool has_ended(const weir_case *choice, struct channel *channel)
{
	return wi_channel_ask_queue(channel, wi_case_side(choice), 0) !=
	       WEIR_WOULD_BLOCK;
}

/* Capacity 0: meet somebody who waits.  The case, or count; also where a case
 * before that has ended.  (One before that which has a buffer comes second.) */
static size_t meet_any(struct select_call *call, struct list *decided)
{
	for (size_t i = 0; i < call->count; i++) {
		size_t at = call->order[i];
		const weir_case *choice = &call->cases[at];
		struct endpoint *end = wi_case_end(choice);

		if (end == NULL || end->channel->queue.capacity > 0)
			continue;
		if (has_ended(choice, end->channel))
			break;
		if (is_waiter(call, at) &&
			wi_channel_meet(end->channel, wi_case_side(choice),
				&call->registrations[at].waiter, decided))
			return at;
	}
	return call->count;
}

static void queue_case(
	struct select_call *call, struct selection *selection, size_t i)
{
	const weir_case *choice = &call->cases[i];
	struct registration *registration = &call->registrations[i];
	struct endpoint *end = wi_case_end(choice);
	enum side side = wi_case_side(choice);

	if (is_waiter(call, i)) {
		wi_channel_queue(end->channel, side, &registration->waiter);
		return;
	}
	registration->selection = selection;
	registration->index = i;
	wi_case_init_watcher(choice, &registration->watcher, told);
	wi_channel_watch(end->channel, side, &registration->watcher);
}

static void unqueue_case(struct select_call *call, size_t i)
{
	const weir_case *choice = &call->cases[i];
	struct registration *registration = &call->registrations[i];
	struct channel *channel = wi_case_end(choice)->channel;

	if (!is_waiter(call, i))
		wi_channel_unwatch(&registration->watcher);
	else if (registration->waiter.queued)
		wi_wait_queue_remove(&channel->waiting[wi_case_side(choice)],
			&registration->waiter);
}

static void unqueue_all(struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++)
		if (wi_case_end(&call->cases[i]) != NULL)
			unqueue_case(call, i);
}

/* Serve whoever can be, first of all ourselves. */
static void settle_all(struct select_call *call, struct selection *selection,
	struct list *decided)
{
	for (size_t i = 0; i < call->count; i++) {
		struct endpoint *end =
			wi_case_end(&call->cases[call->order[i]]);

		if (wi_selection_chosen(selection) != UNDECIDED)
			return;
		if (end == NULL)
			continue;
		wi_channel_settle(end->channel, decided);
		wi_channel_tell_watchers(end->channel, decided);
	}
}

/* A case whose endpoint is closed, or count. */
static size_t find_closed(const struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const struct endpoint *end =
			wi_case_end(&call->cases[call->order[i]]);

		/* relaxed: written inside the gate. */
		if (end != NULL && load_relaxed(&end->closed))
			return call->order[i];
	}
	return call->count;
}

static bool must_stay(const struct select_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		const weir_case *choice = &call->cases[i];
		struct endpoint *end = wi_case_end(choice);
		struct waiter *waiter = NULL;

		if (end == NULL || choice->kind == WEIR_CASE_BROKEN)
			continue;
		if (call->carry_out) {
			waiter = &call->registrations[i].waiter;
			if (!waiter->queued)
				continue;
		}
		if (wi_channel_must_stay(
			    end->channel, wi_case_side(choice), waiter))
			return true;
	}
	return false;
}

/* If the time is up: nothing can be done at this instant, or nothing that is
 * not on its way. */
static bool give_up_if_late(
	struct select_call *call, struct selection *selection)
{
	if (!wi_deadline_passed(call->deadline) || must_stay(call) ||
		!wi_selection_claim(selection, GIVEN_UP))
		return false;
	unqueue_all(call);
	return true;
}

/* -- Outside ------------------------------------------------------------- */

static int64_t next_look(
	const struct select_call *call, struct selection *selection)
{
	int64_t look = call->deadline;

	/* Decided: who did that is about to tell. */
	if (wi_selection_chosen(selection) != UNDECIDED)
		return WEIR_FOREVER;
	for (size_t i = 0; i < call->count; i++) {
		const struct endpoint *end = wi_case_end(&call->cases[i]);
		int64_t due = end == NULL ? WEIR_FOREVER
					  : wi_queue_due(&end->channel->queue);

		if (due < look)
			look = due;
	}
	/* Late, but on its way. */
	return wi_deadline_passed(call->deadline) ? weir_now() + NAP_NS : look;
}

/* Case `chosen` was decided, the others are to be forgotten. */
static void withdraw_others(struct select_call *call, size_t chosen)
{
	for (size_t i = 0; i < call->count; i++) {
		struct endpoint *end = wi_case_end(&call->cases[i]);
		struct list decided;

		if (end == NULL || (i == chosen && is_waiter(call, i)))
			continue;
		wi_channel_enter(end->channel, &decided);
		unqueue_case(call, i);
		wi_channel_leave(end->channel, &decided);
	}
}

/* The waiter of the case has been served. */
static int take_over(const weir_case *choice, const struct parker *parker)
{
	size_t size = wi_case_end(choice)->channel->queue.element_size;

	/* As wi_waiter_keep_small has said: the waiter is not looked at. */
	if (wi_is_small(size) && wi_case_side(choice) == RECEIVING &&
		parker->status == WEIR_OK)
		wi_copy_element(wi_case_element(choice), parker->element, size);
	return parker->status;
}

static int result(struct select_call *call, const struct parker *parker,
	size_t chosen, size_t *index)
{
	weir_case *choice = &call->cases[chosen];
	int status;

	if (is_waiter(call, chosen)) {
		status = take_over(choice, parker);
		if (status == WEIR_NO_MEMORY)
			return status;
	} else {
		status = wi_case_look(choice);
		if (status == WEIR_WOULD_BLOCK)
			status =
				WEIR_OK; /* it was ready; somebody was faster */
	}
	choice->status = status;
	*index = chosen;
	return WEIR_OK;
}

static void collect_gates(struct select_call *call, struct gates *gates)
{
	gates->channels = call->channels;
	gates->count = 0;
	for (size_t i = 0; i < call->count; i++) {
		struct endpoint *end = wi_case_end(&call->cases[i]);

		if (end != NULL)
			gates->channels[gates->count++] = end->channel;
	}
	wi_gates_sort(gates);
}

/* Returns the chosen case, GIVEN_UP, or UNDECIDED: registered. */
static uint64_t register_all(struct select_call *call,
	struct selection *selection, const struct gates *gates)
{
	uint64_t chosen;
	struct list decided;
	size_t at;
	int status = WEIR_CLOSED_RESOURCE;

	fill_in_waiters(call, selection);
	wi_gates_enter(gates, &decided);
	at = find_closed(call);
	if (at == call->count) {
		status = WEIR_OK;
		at = meet_any(call, &decided);
	}
	if (at < call->count) {
		wi_gates_leave(gates, &decided);
		selection->parker.status = status;
		return at;
	}
	for (size_t i = 0; i < call->count; i++)
		if (wi_case_end(&call->cases[i]) != NULL)
			queue_case(call, selection, i);
	settle_all(call, selection, &decided);
	give_up_if_late(call, selection);
	chosen = wi_selection_chosen(selection);
	if (chosen < call->count)
		unqueue_all(call);
	wi_gates_leave(gates, &decided);
	return chosen;
}

int wi_select_wait(struct select_call *call, struct spin *spin, size_t *index)
{
	struct selection selection;
	struct gates gates;
	struct list decided;
	uint64_t chosen;
	bool given_up = false;

	wi_selection_init(&selection);
	collect_gates(call, &gates);
	chosen = register_all(call, &selection, &gates);
	if (chosen == GIVEN_UP)
		return WEIR_TIMED_OUT;
	if (chosen != UNDECIDED)
		return result(call, &selection.parker, (size_t)chosen, index);
	while (!given_up && !wi_parker_park(&selection.parker, spin,
				    next_look(call, &selection))) {
		wi_gates_enter(&gates, &decided);
		settle_all(call, &selection, &decided);
		given_up = give_up_if_late(call, &selection);
		wi_gates_leave(&gates, &decided);
	}
	if (given_up)
		return WEIR_TIMED_OUT;
	chosen = wi_selection_chosen(&selection);
	withdraw_others(call, (size_t)chosen);
	return result(call, &selection.parker, (size_t)chosen, index);
}
