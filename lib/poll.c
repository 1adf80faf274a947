/* SPDX-License-Identifier: MIT */
/* poll.c - an endpoint's descriptor: an eventfd whose level a watcher keeps.
 *
 * Inside the gate the watcher is told of every change between ready and not
 * ready, and counts it.  The system call comes outside: whoever is woken by it
 * may take the CPU from the thread that makes it, find the gate taken, hence
 * nothing, and the descriptor still readable, and so use up its time in vain.
 *
 * `changes` is odd while the descriptor should be readable.  Who has counted a
 * change makes the level that of the count, and looks again:
 *
 *	tell, inside the gate          level, outside
 *	---------------------          --------------
 *	T1 changes += 1                L1 listed = 0
 *	T2 exchange(listed, 1):        L2 load(changes): odd? write : read
 *	   0: it is ours to level      L3 load(changes): another? again L2
 *	   1: somebody will
 *
 * Nothing is left to a thread that might be stopped after it has made the
 * descriptor readable: it is off its list by then (L1), so who takes the last
 * element levels it itself, before its call returns.
 *
 * Why the level is right once all calls have returned.  Each T1 is followed by
 * an L2 that sees it: that of the same thread, or of the thread whose L1 took
 * the 1 away which T2 found.  Of all system calls let K be the last, made for
 * count s.  If s was not the last count, another thread has made a system call
 * for a later one, before K; the kernel's lock orders the two, so the L3 after
 * K sees that count, and one more system call follows, which contradicts.
 *
 * Ordering edges
 *	[listed] tell's exchange -> L1's: the change is counted
 *	[level]	 T1 -> an L3 after it, in the order of the system calls
 *	[last]	 the decrement of `references` -> the one that finds 1
 */
#include <weir/poll.h>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"

struct descriptor {
	struct watcher watcher;
	struct news news;
	struct atomic_u32 listed; /* in somebody's list of news */
	struct atomic_u32 changes;
	struct atomic_u32 references; /* the endpoint's, and who levels it */
	int fd;
	struct allocator allocator;
};

static struct descriptor *descriptor_of(struct watcher *watcher)
{
	return container_of(watcher, struct descriptor, watcher);
}

static void tell(struct watcher *watcher, bool ready, struct list *decided)
{
	struct descriptor *descriptor = descriptor_of(watcher);

	(void)ready; /* each time another: the count tells */
	/* seq_cst [level]: T1. */
	fetch_add_seq_cst(&descriptor->changes, 1);
	/* release [listed]: T2; pairs with L1. */
	if (exchange_acq_rel(&descriptor->listed, 1) == 1)
		return;
	/* relaxed: the endpoint's own is there, as it is not freed. */
	fetch_add_relaxed(&descriptor->references, 1);
	list_append(decided, &descriptor->news.node);
}

static void let_go(struct descriptor *descriptor)
{
	struct allocator allocator = descriptor->allocator;
	int cancelable;

	/* acq_rel [last]: with the same line in other threads. */
	if (fetch_sub_acq_rel(&descriptor->references, 1) > 1)
		return;
	/* close(), which is a cancellation point, and not its bare system
	 * call: a race detector is to hear that the number is free. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
	close(descriptor->fd);
	pthread_setcancelstate(cancelable, &cancelable);
	wi_free(&allocator, descriptor, sizeof *descriptor);
}

/* Neither call can fail but by EAGAIN, where the level is right already.  Not
 * write() and read(), which are cancellation points. */
static void make_level(int fd, bool readable)
{
	uint64_t one = 1;
	long done =
		syscall(readable ? SYS_write : SYS_read, fd, &one, sizeof one);

	(void)done;
}

static void level(struct news *news)
{
	struct descriptor *descriptor =
		container_of(news, struct descriptor, news);
	uint32_t count;
	int saved = errno;

	/* acquire [listed]: L1; pairs with T2. */
	exchange_acq_rel(&descriptor->listed, 0);
	do {
		/* relaxed: L2; if it is old, L3 sees another. */
		count = load_relaxed(&descriptor->changes);
		make_level(descriptor->fd, count % 2 == 1);
		/* seq_cst [level]: L3. */
	} while (load_seq_cst(&descriptor->changes) != count);
	let_go(descriptor);
	errno = saved;
}

static void gone(struct watcher *watcher)
{
	int saved = errno;

	let_go(descriptor_of(watcher));
	errno = saved;
}

/* NULL if there is no memory, or no descriptor. */
static struct descriptor *make(const struct endpoint *end)
{
	const struct allocator *allocator = &end->channel->queue.allocator;
	struct descriptor *descriptor = wi_alloc(
		allocator, sizeof *descriptor, _Alignof(struct descriptor));
	int saved = errno;

	if (descriptor == NULL)
		return NULL;
	descriptor->allocator = *allocator;
	descriptor->watcher.both_ways = true;
	descriptor->watcher.only_broken = false;
	descriptor->watcher.through = end;
	descriptor->watcher.tell = tell;
	descriptor->watcher.gone = gone;
	descriptor->news.tell = level;
	init_atomic(&descriptor->listed, 0);
	init_atomic(&descriptor->changes, 0);
	init_atomic(&descriptor->references, 1);
	descriptor->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errno = saved;
	if (descriptor->fd >= 0)
		return descriptor;
	wi_free(allocator, descriptor, sizeof *descriptor);
	return NULL;
}

/* Inside the gate: the endpoint's, or NULL. */
static struct descriptor *find(const struct endpoint *end, enum side side)
{
	struct list *watchers = &end->channel->sides[side].watchers;
	struct list *node, *following;

	list_for_each_safe (node, following, watchers) {
		struct watcher *watcher =
			container_of(node, struct watcher, node);

		if (watcher->through == end && watcher->tell == tell)
			return descriptor_of(watcher);
	}
	return NULL;
}

/* Inside the gate: the descriptor, or a status. */
static int find_or_add(
	struct endpoint *end, enum side side, struct descriptor **made)
{
	struct descriptor *found = find(end, side);

	/* relaxed: written inside the gate. */
	if (load_relaxed(&end->closed))
		return WEIR_CLOSED_RESOURCE;
	if (found == NULL && *made != NULL) {
		wi_channel_watch(end->channel, side, &(*made)->watcher);
		found = *made;
		*made = NULL;
	}
	return found != NULL ? found->fd : WEIR_NO_MEMORY;
}

static int descriptor(struct endpoint *end, enum side side)
{
	struct descriptor *made = NULL;
	struct list decided;
	int result;

	if (end == NULL || end->channel->queue.ops->clock != NULL)
		return WEIR_INVALID_ARGUMENT;
	wi_channel_enter(end->channel, &decided);
	result = find_or_add(end, side, &made);
	wi_channel_leave(end->channel, &decided);
	if (result != WEIR_NO_MEMORY)
		return result;
	made = make(end);
	if (made == NULL)
		return WEIR_NO_MEMORY;
	wi_channel_enter(end->channel, &decided);
	result = find_or_add(end, side, &made);
	wi_channel_leave(end->channel, &decided);
	if (made != NULL) /* another thread was faster, or has closed */
		gone(&made->watcher);
	return result;
}

int weir_receiver_fd(weir_receiver *rx)
{
	return descriptor(wi_receiver_end(rx), RECEIVING);
}

int weir_sender_fd(weir_sender *tx)
{
	return descriptor(wi_sender_end(tx), SENDING);
}
