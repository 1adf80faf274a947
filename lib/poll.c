/* SPDX-License-Identifier: MIT */
/* poll.c - an endpoint's descriptor: an eventfd whose level a watcher keeps.
 *
 * Inside the gate the watcher is told of every change between ready and not
 * ready, and makes the eventfd readable, or empties it.  So the system calls
 * are in the order of the changes, and there is none while nothing changes.
 */
#include <weir/poll.h>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"

struct descriptor {
	struct watcher watcher;
	int fd;
	struct allocator allocator;
};

static struct descriptor *descriptor_of(struct watcher *watcher)
{
	return container_of(watcher, struct descriptor, watcher);
}

static void tell(struct watcher *watcher, bool ready, struct list *decided)
{
	int saved = errno, fd = descriptor_of(watcher)->fd;
	uint64_t one = 1;
	long done;

	(void)decided;
	/* Neither can fail: the counter is 0 when we write, and 1 when we
	 * read.  Not write() and read(), which are cancellation points. */
	done = syscall(ready ? SYS_write : SYS_read, fd, &one, sizeof one);
	(void)done;
	errno = saved;
}

static void gone(struct watcher *watcher)
{
	struct descriptor *descriptor = descriptor_of(watcher);
	struct allocator allocator = descriptor->allocator;
	int saved = errno, cancelable;

	/* close(), which is a cancellation point, and not its bare system
	 * call: a race detector is to hear that the number is free. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
	close(descriptor->fd);
	pthread_setcancelstate(cancelable, &cancelable);
	wi_free(&allocator, descriptor, sizeof *descriptor);
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
