/* SPDX-License-Identifier: MIT */
/* selector.c - sets of operations that live on.
 *
 *	channel --tell--> incoming (a stack, lock-free)
 *	                     |  taken whole, inside the selector's gate
 *	                     v
 *	                   ready (a list, oldest first) --> events
 *
 * Each registration is a watcher of its channel.  Told that it is ready, it
 * puts itself on the stack and wakes a thread that waits: a compare-and-swap,
 * no wait, since it is called inside the channel's gate.  A wait looks at what
 * is on the ready list, and at nothing else.  What is ready is reported, and
 * goes to the end of the list: it is looked at again next time.  What is not
 * any more leaves the list, and its watcher is armed again, so that the channel
 * tells.
 *
 * Life of a registration: it is referred to by the selector's set, by its
 * channel's list of watchers, and by the stack or the list (`listed`), or the
 * wait that has taken it from there.  Who removes it takes all of these away,
 * but for the last; who meets a dead one on its way back takes away that.  It
 * holds references to its selector and to its channel.  Its endpoint is looked
 * at only inside the channel's gate, and only while the channel has it in its
 * list: it may be freed.
 *
 * Order of locks: a channel's gate, then the selector's.
 *
 * Ordering edges
 *	[listed]  push's cas of incoming -> take_incoming's exchange:
 *		  `following` is readable.  And look_or_arm's exchange of
 *		  `listed` -> the one in list_member: it is off the list.
 *	[idle]	  nobody sleeps beside a registration that is ready:
 *
 *		who tells                  who waits
 *		---------                  ---------
 *		cas(incoming)              fetch_add(sleepers, 1)
 *		load(sleepers)             load(incoming)
 *
 *		All four seq_cst: one of the two sees the other.  (The same
 *		with `listed` in place of incoming for a timer that is armed
 *		again, of whose time a sleeper must know.)  Who sees a
 *		sleeper counts `wake_ups`, so that one who has looked before
 *		does not fall asleep, and wakes one.  Who puts something back
 *		wakes one as well, since it may be ready still.
 *	[gone]	  the decrement of `references` -> the one that finds 1
 */
#include <weir/select.h>

#include <stdlib.h>

#include "case.h"
#include "clock.h"
#include "futex.h"
#include "transfer.h"

struct weir_selector {
	struct gate gate;
	/* Inside the gate. */
	struct list all;
	struct list timers; /* those that the clock fills */
	struct list ready;
	bool freed;
	/* Outside. */
	struct atomic_ptr incoming;
	struct atomic_u32 sleepers;
	struct atomic_u32 wake_ups;   /* futex word */
	struct atomic_u64 references; /* its user's, waits and registrations */
};

struct membership {
	struct watcher watcher;
	struct weir_selector *selector;
	struct channel *channel;
	weir_case operation;
	void *user;
	struct list in_all;
	struct list in_timers; /* if it is one */
	struct list in_ready;
	struct membership *following; /* on the stack */
	/* On the stack, on the ready list, or taken from there by a wait. */
	struct atomic_u32 listed;
	struct atomic_u32 references;
	/* Inside the selector's gate. */
	bool on_ready_list;
	bool dead;
};

/* -- Lives --------------------------------------------------------------- */

static void release_selector(weir_selector *selector)
{
	/* acq_rel [gone]: with the same line in other threads. */
	if (fetch_sub_acq_rel(&selector->references, 1) == 1)
		free(selector);
}

/* Let go of so many references at once. */
static void release(struct membership *member, uint32_t count)
{
	/* acq_rel [gone]: with the same line in other threads. */
	if (fetch_sub_acq_rel(&member->references, count) != count)
		return;
	wi_channel_release(member->channel);
	release_selector(member->selector);
	free(member);
}

static void enter(weir_selector *selector)
{
	wi_gate_enter(&selector->gate);
}

static bool is_timer(const struct membership *member)
{
	return member->channel->queue.ops->clock != NULL;
}

/* Inside: what has come, oldest first; what is dead goes to `dead`. */
static void take_incoming(weir_selector *selector, struct list *dead)
{
	/* acquire [listed], seq_cst [idle]: pairs with push. */
	struct membership *member = exchange_seq_cst(&selector->incoming, NULL);
	struct list *before = selector->ready.prev;

	/* The youngest is on top: each goes in front of those that came after
	 * it. */
	for (; member != NULL; member = member->following) {
		member->on_ready_list = !member->dead;
		list_append(
			member->dead ? dead : before->next, &member->in_ready);
	}
}

/* Who has pushed something and must not wait leaves a mark: then look at it.
 * What is dead is let go of. */
static void leave_with(weir_selector *selector, struct list *dead)
{
	struct list *node, *following;

	while (!wi_gate_leave(&selector->gate))
		take_incoming(selector, dead);
	list_for_each_safe (node, following, dead)
		release(container_of(node, struct membership, in_ready), 1);
}

static void leave(weir_selector *selector)
{
	struct list dead;

	list_init(&dead);
	leave_with(selector, &dead);
}

/* -- Told ---------------------------------------------------------------- */

/* Before a wake-up; false: nobody sleeps. */
static bool count_wake_up(weir_selector *selector)
{
	/* seq_cst [idle]: after the stack, or a timer, has changed. */
	if (load_seq_cst(&selector->sleepers) == 0)
		return false;
	/* relaxed: the futex word only has to change. */
	fetch_add_relaxed(&selector->wake_ups, 1);
	return true;
}

static void wake_one(weir_selector *selector)
{
	if (count_wake_up(selector))
		wi_futex_wake(&selector->wake_ups);
}

/* When to look at the clock is for all of them to know: one might leave. */
static void wake_all(weir_selector *selector)
{
	if (count_wake_up(selector))
		wi_futex_wake_all(&selector->wake_ups);
}

/* Onto the stack, which is then as good as the end of the ready list.  The
 * list's reference goes along.  Does not wait. */
static void push(weir_selector *selector, struct membership *member)
{
	void *top = load_relaxed(&selector->incoming); /* relaxed: a hint */

	do
		member->following = top;
	/* release [listed]; seq_cst [idle]. */
	while (!cas_seq_cst(&selector->incoming, &top, member));
}

/* Unless it is listed already. */
static void list_member(struct membership *member)
{
	/* acquire [listed]: after the one who took it off the list. */
	if (exchange_acq_rel(&member->listed, 1))
		return;
	/* relaxed: whoever calls has a reference. */
	fetch_add_relaxed(&member->references, 1);
	push(member->selector, member);
	wake_one(member->selector);
}

static struct membership *membership_of(struct watcher *watcher)
{
	return container_of(watcher, struct membership, watcher);
}

static void tell(struct watcher *watcher, bool ready, struct list *decided)
{
	(void)ready; /* it hears of nothing else */
	(void)decided;
	list_member(membership_of(watcher));
}

/* Inside the gate. */
static void take_off(struct membership *member)
{
	list_remove(&member->in_ready);
	member->on_ready_list = false;
}

/* Take it out of the set, and off the ready list.  How many references that
 * leaves to the caller to let go of: none, if somebody was faster. */
static uint32_t kill(struct membership *member)
{
	weir_selector *selector = member->selector;
	uint32_t references = 0;
	struct list dead;

	list_init(&dead);
	enter(selector);
	if (!member->dead) {
		take_incoming(selector, &dead);
		member->dead = true;
		list_remove(&member->in_all);
		if (is_timer(member))
			list_remove(&member->in_timers);
		references++;
		if (member->on_ready_list) {
			take_off(member);
			references++;
		}
	}
	leave_with(selector, &dead);
	return references;
}

/* Its endpoint is freed. */
static void gone(struct watcher *watcher)
{
	struct membership *member = membership_of(watcher);

	/* And the channel's. */
	release(member, kill(member) + 1);
}

/* -- Adding and removing ------------------------------------------------- */

/* Inside the channel's gate: the registration of this operation, or NULL. */
static struct membership *find(
	weir_selector *selector, const weir_case *operation)
{
	struct endpoint *end = wi_case_end(operation);
	enum side side = wi_case_side(operation);
	struct list *watchers = &end->channel->sides[side].watchers;
	struct list *node, *following;

	list_for_each_safe (node, following, watchers) {
		struct watcher *watcher =
			container_of(node, struct watcher, node);

		if (watcher->tell == tell && watcher->through == end &&
			membership_of(watcher)->selector == selector &&
			membership_of(watcher)->operation.kind ==
				operation->kind)
			return membership_of(watcher);
	}
	return NULL;
}

static struct membership *make(
	weir_selector *selector, const weir_case *operation, void *user)
{
	int saved = errno;
	struct membership *member = calloc(1, sizeof *member);

	errno = saved;
	if (member == NULL)
		return NULL;
	wi_case_init_watcher(operation, &member->watcher, tell);
	member->watcher.gone = gone;
	member->selector = selector;
	member->channel = wi_case_end(operation)->channel;
	member->operation = *operation;
	member->user = user;
	init_atomic(&member->listed, 0);
	init_atomic(&member->references, 2); /* the set's, the channel's */
	/* relaxed, both: the caller has an endpoint, and the selector. */
	fetch_add_relaxed(&member->channel->references, 1);
	fetch_add_relaxed(&selector->references, 1); /* relaxed: as above */
	return member;
}

/* Inside the channel's gate. */
static void join(struct membership *member)
{
	weir_selector *selector = member->selector;

	enter(selector);
	list_append(&selector->all, &member->in_all);
	if (is_timer(member))
		list_append(&selector->timers, &member->in_timers);
	leave(selector);
	if (is_timer(member))
		wake_all(selector);
	wi_channel_watch(member->channel, wi_case_side(&member->operation),
		&member->watcher);
}

static bool is_registrable(
	const weir_selector *selector, const weir_case *operation)
{
	return selector != NULL && operation != NULL &&
	       wi_case_is_valid(operation, false) &&
	       wi_case_end(operation) != NULL;
}

int weir_selector_add(
	weir_selector *selector, const weir_case *operation, void *user)
{
	struct membership *member;
	struct list decided;
	bool is_new;

	if (!is_registrable(selector, operation))
		return WEIR_INVALID_ARGUMENT;
	member = make(selector, operation, user);
	if (member == NULL)
		return WEIR_NO_MEMORY;
	wi_channel_enter(member->channel, &decided);
	is_new = find(selector, operation) == NULL;
	if (is_new)
		join(member);
	wi_channel_leave(member->channel, &decided);
	if (is_new)
		return WEIR_OK;
	release(member, 2);
	return WEIR_INVALID_ARGUMENT;
}

int weir_selector_remove(weir_selector *selector, const weir_case *operation)
{
	struct membership *member;
	struct channel *channel;
	struct list decided;

	if (!is_registrable(selector, operation))
		return WEIR_INVALID_ARGUMENT;
	channel = wi_case_end(operation)->channel;
	wi_channel_enter(channel, &decided);
	member = find(selector, operation);
	if (member != NULL)
		wi_channel_unwatch(&member->watcher);
	wi_channel_leave(channel, &decided);
	if (member == NULL)
		return WEIR_INVALID_ARGUMENT;
	gone(&member->watcher);
	return WEIR_OK;
}

/* -- Looking ------------------------------------------------------------- */

/* Inside: the clock tells nobody. */
static void list_due_timers(weir_selector *selector)
{
	struct list *node, *following;

	list_for_each_safe (node, following, &selector->timers) {
		struct membership *member =
			container_of(node, struct membership, in_timers);

		if (wi_deadline_passed(wi_queue_due(&member->channel->queue)))
			list_member(member);
	}
}

/* Inside: when the first timer is due that is not listed already. */
static int64_t next_due(weir_selector *selector)
{
	struct list *node, *following;
	int64_t first = WEIR_FOREVER;

	list_for_each_safe (node, following, &selector->timers) {
		struct membership *member =
			container_of(node, struct membership, in_timers);
		int64_t due = wi_queue_due(&member->channel->queue);

		/* seq_cst [idle]: who arms it sees us asleep, or we see that
		 * it is armed. */
		if (due < first && !load_seq_cst(&member->listed))
			first = due;
	}
	return first;
}

/* A wait enters gates; a try_ call only those that are free. */
static bool may_enter(weir_selector *selector, enum patience patience)
{
	if (patience == NEVER_WAIT)
		return wi_gate_try_enter(&selector->gate);
	enter(selector);
	return true;
}

/* The oldest of the ready list, taken off it, with the list's reference; NULL:
 * there is none, or the gate is taken. */
static struct membership *take_first(
	weir_selector *selector, enum patience patience)
{
	struct membership *member = NULL;

	if (!may_enter(selector, patience))
		return NULL;
	if (!list_is_empty(&selector->ready)) {
		member = container_of(
			selector->ready.next, struct membership, in_ready);
		take_off(member);
	}
	leave(selector);
	return member;
}

enum look { READY, ARMED, BUSY };

/* Inside the channel's gate: what the operation would answer now.  If it would
 * block, let the channel tell when that changes. */
static enum look look_or_arm(struct membership *member, int *status)
{
	*status = WEIR_WOULD_BLOCK;
	if (member->watcher.through != NULL) /* not unwatched meanwhile */
		*status = wi_case_look_inside(&member->operation);
	if (*status != WEIR_WOULD_BLOCK)
		return READY;
	/* release [listed]: pairs with the exchange in list_member; seq_cst
	 * [idle]: for a timer, against next_due. */
	exchange_seq_cst(&member->listed, 0);
	member->watcher.told = false;
	return ARMED;
}

/* Look at one that was taken off the list. */
static enum look check(
	struct membership *member, weir_event *event, enum patience patience)
{
	struct list decided;
	enum look result;
	int status;

	if (patience == MAY_WAIT)
		wi_channel_enter(member->channel, &decided);
	else if (!wi_channel_try_enter(member->channel, &decided))
		return BUSY;
	result = look_or_arm(member, &status);
	if (result == READY) {
		event->user = member->user;
		event->operation = member->operation;
		event->operation.status = status;
	}
	wi_channel_leave(member->channel, &decided);
	return result;
}

/* What a wait has kept until its end, so that none comes twice, goes behind the
 * last of the ready list. */
static void put_back(weir_selector *selector, struct list *kept)
{
	struct list *node, *following;

	if (list_is_empty(kept))
		return;
	list_for_each_safe (node, following, kept)
		push(selector, container_of(node, struct membership, in_ready));
	/* One of them may be dead by now. */
	if (wi_gate_enter_or_mark(&selector->gate))
		leave(selector);
	wake_one(selector);
}

static void report_ready(weir_selector *selector, weir_event *events,
	size_t count, size_t *found, enum patience patience)
{
	struct membership *member;
	struct list kept;

	list_init(&kept);
	while (*found < count &&
		(member = take_first(selector, patience)) != NULL) {
		enum look result = check(member, &events[*found], patience);

		if (result == ARMED) {
			/* Who sleeps has not counted on this one. */
			if (is_timer(member))
				wake_all(selector);
			release(member, 1); /* the list's */
			continue;
		}
		*found += result == READY;
		list_append(&kept, &member->in_ready);
	}
	put_back(selector, &kept);
}

/* WEIR_OK with *found > 0, WEIR_WOULD_BLOCK or WEIR_CLOSED_RESOURCE. */
static int look(weir_selector *selector, weir_event *events, size_t count,
	size_t *found, enum patience patience)
{
	struct list dead;
	bool freed;

	if (!may_enter(selector, patience))
		return WEIR_WOULD_BLOCK;
	list_init(&dead);
	list_due_timers(selector);
	take_incoming(selector, &dead);
	freed = selector->freed;
	leave_with(selector, &dead);
	if (freed)
		return WEIR_CLOSED_RESOURCE;
	report_ready(selector, events, count, found, patience);
	return *found > 0 ? WEIR_OK : WEIR_WOULD_BLOCK;
}

/* Sleep until somebody tells, or the clock does, or the deadline. */
static void sleep_until_told(weir_selector *selector, int64_t deadline)
{
	/* relaxed: compared again by the kernel, after [idle]. */
	uint32_t seen = load_relaxed(&selector->wake_ups);
	bool idle;

	/* seq_cst [idle]: then look again. */
	fetch_add_seq_cst(&selector->sleepers, 1);
	enter(selector);
	/* seq_cst [idle]: against list_member's cas. */
	idle = load_seq_cst(&selector->incoming) == NULL &&
	       list_is_empty(&selector->ready) && !selector->freed;
	if (idle) {
		int64_t due = next_due(selector);

		if (due < deadline)
			deadline = due;
	}
	leave(selector);
	if (idle)
		wi_futex_wait(&selector->wake_ups, seen, deadline);
	/* relaxed: one too many only wakes in vain. */
	fetch_add_relaxed(&selector->sleepers, (uint32_t)-1);
}

static int wait(weir_selector *selector, weir_event *events, size_t count,
	size_t *found, enum patience patience, int64_t deadline)
{
	bool late = patience == NEVER_WAIT;
	int status;

	if (selector == NULL || events == NULL || count == 0 || found == NULL)
		return WEIR_INVALID_ARGUMENT;
	*found = 0;
	/* relaxed: the caller says that it lives. */
	fetch_add_relaxed(&selector->references, 1);
	for (;;) {
		status = look(selector, events, count, found, patience);
		if (status != WEIR_WOULD_BLOCK || late)
			break;
		late = wi_deadline_passed(deadline);
		if (!late)
			sleep_until_told(selector, deadline);
	}
	if (status == WEIR_CLOSED_RESOURCE)
		wake_one(selector); /* one after the other hears of it */
	if (status == WEIR_WOULD_BLOCK && patience == MAY_WAIT)
		status = WEIR_TIMED_OUT;
	release_selector(selector);
	return status;
}

int weir_selector_wait(weir_selector *selector, weir_event *events,
	size_t count, size_t *found)
{
	return wait(selector, events, count, found, MAY_WAIT, WEIR_FOREVER);
}

int weir_selector_try_wait(weir_selector *selector, weir_event *events,
	size_t count, size_t *found)
{
	return wait(selector, events, count, found, NEVER_WAIT, 0);
}

int weir_selector_wait_until(weir_selector *selector, weir_event *events,
	size_t count, size_t *found, int64_t deadline)
{
	return wait(selector, events, count, found, MAY_WAIT, deadline);
}

int weir_selector_wait_for(weir_selector *selector, weir_event *events,
	size_t count, size_t *found, int64_t timeout)
{
	return wait(selector, events, count, found, MAY_WAIT,
		wi_deadline_after(timeout));
}

/* -- Opening and freeing ------------------------------------------------- */

int weir_selector_open(weir_selector **result)
{
	int saved = errno;
	weir_selector *selector;

	if (result == NULL)
		return WEIR_INVALID_ARGUMENT;
	selector = calloc(1, sizeof *selector);
	errno = saved;
	if (selector == NULL)
		return WEIR_NO_MEMORY;
	wi_gate_init(&selector->gate);
	list_init(&selector->all);
	list_init(&selector->timers);
	list_init(&selector->ready);
	init_atomic(&selector->incoming, NULL);
	init_atomic(&selector->sleepers, 0);
	init_atomic(&selector->wake_ups, 0);
	init_atomic(&selector->references, 1);
	*result = selector;
	return WEIR_OK;
}

/* One registration, with a reference; NULL: there is none. */
static struct membership *any_member(weir_selector *selector)
{
	struct membership *member = NULL;

	enter(selector);
	selector->freed = true;
	if (!list_is_empty(&selector->all)) {
		member = container_of(
			selector->all.next, struct membership, in_all);
		/* relaxed: the set has one, as long as it is in there. */
		fetch_add_relaxed(&member->references, 1);
	}
	leave(selector);
	return member;
}

/* Out of its channel's list, if it is still there; with the reference that
 * any_member has taken. */
static void expel(struct membership *member)
{
	uint32_t references = 1;
	struct list decided;

	wi_channel_enter(member->channel, &decided);
	if (member->watcher.through != NULL) {
		wi_channel_unwatch(&member->watcher);
		references++;
	}
	wi_channel_leave(member->channel, &decided);
	release(member, references + kill(member));
}

void weir_selector_free(weir_selector *selector)
{
	struct membership *member;

	if (selector == NULL)
		return;
	while ((member = any_member(selector)) != NULL)
		expel(member);
	wake_one(selector);
	release_selector(selector);
}
