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
 * wait that has taken it from there.  Who removes it takes the first two away;
 * who finds a dead one on the list takes away the third.  It holds references
 * to its selector and to its channel.  Its endpoint is looked at only inside
 * the channel's gate, and only while the channel has it in its list: it may be
 * freed.
 *
 * Order of locks: a channel's gate, then the selector's.
 *
 * Ordering edges
 *	[listed]  list_member's cas of incoming -> take_incoming's exchange:
 *		  `following` is readable.  And check's store of `listed` -> the
 *		  exchange in list_member: it is off the list.
 *	[idle]	  nobody sleeps beside a registration that is ready:
 *
 *		who tells                  who waits
 *		---------                  ---------
 *		cas(incoming)              fetch_add(sleepers, 1)
 *		load(sleepers)             load(incoming)
 *
 *		All four seq_cst: one of the two sees the other.  Who sees a
 *		sleeper counts `wake_ups`, so that one who has looked before
 *		does not fall asleep, and wakes one.  For what goes back to the
 *		ready list the selector's gate orders the two.  Who leaves with
 *		something ready wakes the next, since it may be ready still.
 *	[gone]	  the decrement of `references` -> the one that finds 1
 */
#include <weir/select.h>

#include <stdlib.h>

#include "case.h"
#include "clock.h"
#include "debug.h"
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
	struct atomic_u32 listed;     /* on the stack, or on the ready list */
	struct atomic_u32 references;
	bool dead; /* inside the selector's gate */
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

static void leave(weir_selector *selector)
{
	while (!wi_gate_leave(&selector->gate))
		;
}

static bool is_timer(const struct membership *member)
{
	return member->channel->queue.ops->clock != NULL;
}

/* Take it out of the set; false if somebody was faster. */
static bool kill(struct membership *member)
{
	weir_selector *selector = member->selector;
	bool was_alive;

	enter(selector);
	was_alive = !member->dead;
	if (was_alive) {
		member->dead = true;
		list_remove(&member->in_all);
		if (is_timer(member))
			list_remove(&member->in_timers);
	}
	leave(selector);
	return was_alive;
}

/* -- Told ---------------------------------------------------------------- */

static void wake_one(weir_selector *selector)
{
	/* seq_cst [idle]: after the stack, or the list, has got something. */
	if (load_seq_cst(&selector->sleepers) == 0)
		return;
	/* relaxed: the futex word only has to change. */
	fetch_add_relaxed(&selector->wake_ups, 1);
	wi_futex_wake(&selector->wake_ups);
}

/* Onto the stack, unless it is there, or on the list.  Does not wait. */
static void list_member(struct membership *member)
{
	weir_selector *selector = member->selector;
	void *top;

	/* acquire [listed]: after the one who took it off the list. */
	if (exchange_acq_rel(&member->listed, 1))
		return;
	/* relaxed: whoever calls has a reference. */
	fetch_add_relaxed(&member->references, 1);
	top = load_relaxed(&selector->incoming); /* relaxed: the cas decides */
	do
		member->following = top;
	/* release [listed]; seq_cst [idle]. */
	while (!cas_seq_cst(&selector->incoming, &top, member));
	wake_one(selector);
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

/* Its endpoint is freed. */
static void gone(struct watcher *watcher)
{
	struct membership *member = membership_of(watcher);

	/* The channel's, and the set's. */
	release(member, kill(member) ? 2 : 1);
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

/* Inside the gate: what has come, oldest first. */
static void take_incoming(weir_selector *selector)
{
	/* acquire [listed], seq_cst [idle]: pairs with list_member. */
	struct membership *member = exchange_seq_cst(&selector->incoming, NULL);
	struct list *before = selector->ready.prev;

	/* The youngest is on top: each goes in front of those that came after
	 * it. */
	for (; member != NULL; member = member->following)
		list_append(before->next, &member->in_ready);
}

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

		if (due < first)
			first = due;
	}
	return first;
}

/* The oldest of the ready list, taken off it, with the list's reference; NULL:
 * there is none.  Dead ones are let go of. */
static struct membership *take_first(weir_selector *selector)
{
	struct membership *member = NULL, *dead;

	do {
		dead = NULL;
		enter(selector);
		if (!list_is_empty(&selector->ready)) {
			member = container_of(selector->ready.next,
				struct membership, in_ready);
			list_remove(&member->in_ready);
			if (member->dead)
				dead = member;
		} else {
			member = NULL;
		}
		leave(selector);
		if (dead != NULL)
			release(dead, 1);
	} while (dead != NULL);
	return member;
}

/* What the operation would answer now.  If it would block, let the channel tell
 * when that changes. */
static int look_or_arm(struct membership *member)
{
	int status = WEIR_WOULD_BLOCK;
	struct list decided;

	wi_channel_enter(member->channel, &decided);
	if (member->watcher.through != NULL) /* not unwatched meanwhile */
		status = wi_case_look_inside(&member->operation);
	if (status == WEIR_WOULD_BLOCK) {
		/* release [listed]: pairs with the exchange in list_member. */
		store_release(&member->listed, 0);
		member->watcher.told = false;
	}
	wi_channel_leave(member->channel, &decided);
	return status;
}

/* Look at one that was taken off the list.  If it is ready it goes into the
 * event, and stays with us; else it is let go of. */
static bool check(struct membership *member, weir_event *event)
{
	weir_selector *selector = member->selector;
	int status = look_or_arm(member);
	bool is_ready = status != WEIR_WOULD_BLOCK;

	if (is_ready) {
		enter(selector);
		is_ready = !member->dead;
		leave(selector);
	}
	if (!is_ready) {
		release(member, 1); /* the list's */
		return false;
	}
	event->user = member->user;
	event->operation = member->operation;
	event->operation.status = status;
	return true;
}

/* What was reported goes behind the last of the ready list, unless it was
 * removed meanwhile. */
static void put_back(weir_selector *selector, struct list *reported)
{
	struct list *node, *following, dead;

	list_init(&dead);
	enter(selector);
	list_for_each_safe (node, following, reported) {
		struct membership *member =
			container_of(node, struct membership, in_ready);

		list_append(member->dead ? &dead : &selector->ready, node);
	}
	leave(selector);
	list_for_each_safe (node, following, &dead)
		release(container_of(node, struct membership, in_ready), 1);
}

/* WEIR_OK with *found > 0, WEIR_WOULD_BLOCK or WEIR_CLOSED_RESOURCE. */
static int look(weir_selector *selector, weir_event *events, size_t count,
	size_t *found)
{
	struct membership *member;
	struct list reported;
	bool freed;

	list_init(&reported);
	enter(selector);
	list_due_timers(selector);
	take_incoming(selector);
	freed = selector->freed;
	leave(selector);
	if (freed)
		return WEIR_CLOSED_RESOURCE;
	/* Ours until the end, so that none comes twice. */
	while (*found < count && (member = take_first(selector)) != NULL) {
		if (check(member, &events[*found])) {
			list_append(&reported, &member->in_ready);
			++*found;
		}
	}
	put_back(selector, &reported);
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
	if (idle && next_due(selector) < deadline)
		deadline = next_due(selector);
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
		status = look(selector, events, count, found);
		if (status != WEIR_WOULD_BLOCK || late)
			break;
		late = wi_deadline_passed(deadline);
		if (!late)
			sleep_until_told(selector, deadline);
	}
	if (status != WEIR_WOULD_BLOCK)
		wake_one(selector);
	else if (patience == MAY_WAIT)
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
	if (kill(member))
		references++;
	release(member, references);
}

void weir_selector_free(weir_selector *selector)
{
	struct membership *member;

	if (selector == NULL)
		return;
	while ((member = any_member(selector)) != NULL)
		expel(member);
	/* What is still listed is dead. */
	enter(selector);
	take_incoming(selector);
	leave(selector);
	if (take_first(selector) != NULL)
		invariant(false);
	wake_one(selector);
	release_selector(selector);
}
