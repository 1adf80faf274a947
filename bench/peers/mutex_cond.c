/* SPDX-License-Identifier: MIT */
/* mutex_cond.c - the queue that C programs have today: a ring under a mutex.
 *
 * One mutex, two condition variables, written with care: a side is signalled
 * only when it waits, once for each element or place, and after the mutex is
 * free again.  Without a limit the ring doubles when it is full.  A rendezvous
 * has no ring: whoever comes second copies straight from or to the stack of the
 * one who has waited longest, and wakes that one alone.
 */
#include "../bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A thread that waits on a rendezvous; on its stack. */
struct partner {
	struct partner *next;
	pthread_cond_t met;
	const void *from; /* a sender's element, or */
	void *to;         /* where a receiver wants it */
	enum bench_status status;
	bool done;
};

struct partners {
	struct partner *first;
	struct partner **last;
};

struct channel {
	pthread_mutex_t lock;
	pthread_cond_t not_empty;
	pthread_cond_t not_full;
	size_t receivers_waiting; /* on not_empty, and not yet signalled */
	size_t senders_waiting;   /* on not_full, and not yet signalled */
	bool senders_closed;
	bool receivers_closed;
	size_t capacity;
	size_t element_size;
	/* The ring: `used` elements from `head`, of `places`. */
	unsigned char *ring;
	size_t places;
	size_t head;
	size_t used;
	/* Capacity 0. */
	struct partners senders;
	struct partners receivers;
};

static void *open_channel(size_t capacity, size_t element_size)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL)
		bench_die("no memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->not_empty, NULL);
	pthread_cond_init(&c->not_full, NULL);
	c->capacity = capacity;
	c->element_size = element_size;
	c->places = capacity == BENCH_UNBOUNDED ? 64 : capacity;
	c->ring = malloc(c->places * element_size + 1);
	if (c->ring == NULL)
		bench_die("no memory");
	c->senders.last = &c->senders.first;
	c->receivers.last = &c->receivers.first;
	return c;
}

static void free_channel(void *channel)
{
	struct channel *c = channel;

	pthread_cond_destroy(&c->not_full);
	pthread_cond_destroy(&c->not_empty);
	pthread_mutex_destroy(&c->lock);
	free(c->ring);
	free(c);
}

/* -- The ring ------------------------------------------------------------- */

static void grow(struct channel *c)
{
	size_t size = c->element_size;
	unsigned char *ring = malloc(2 * c->places * size);
	size_t to_end = c->places - c->head;

	if (ring == NULL)
		bench_die("no memory");
	memcpy(ring, c->ring + c->head * size, to_end * size);
	memcpy(ring + to_end * size, c->ring, c->head * size);
	free(c->ring);
	c->ring = ring;
	c->places *= 2;
	c->head = 0;
}

static bool has_room(const struct channel *c)
{
	return c->used < c->capacity;
}

static void push(struct channel *c, const void *element)
{
	if (c->used == c->places)
		grow(c);
	size_t tail = c->head + c->used;
	if (tail >= c->places)
		tail -= c->places;
	memcpy(c->ring + tail * c->element_size, element, c->element_size);
	c->used++;
}

static void pop(struct channel *c, void *element)
{
	memcpy(element, c->ring + c->head * c->element_size, c->element_size);
	if (++c->head == c->places)
		c->head = 0;
	c->used--;
}

/* Is there a waiter to signal?  It is counted off at once, so that no second
 * signal goes out for the same one. */
static bool take_waiter(size_t *waiting)
{
	if (*waiting == 0)
		return false;
	--*waiting;
	return true;
}

static enum bench_status ring_send(
	struct channel *c, const void *element, bool wait)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	while (!c->receivers_closed && !has_room(c)) {
		if (!wait) {
			pthread_mutex_unlock(&c->lock);
			return BENCH_WOULD_BLOCK;
		}
		c->senders_waiting++;
		pthread_cond_wait(&c->not_full, &c->lock);
	}
	if (c->receivers_closed) {
		pthread_mutex_unlock(&c->lock);
		return BENCH_END;
	}
	push(c, element);
	wake = take_waiter(&c->receivers_waiting);
	pthread_mutex_unlock(&c->lock);
	if (wake)
		pthread_cond_signal(&c->not_empty);
	return BENCH_OK;
}

static enum bench_status ring_recv(struct channel *c, void *element, bool wait)
{
	bool wake;

	pthread_mutex_lock(&c->lock);
	while (c->used == 0) {
		if (c->senders_closed || !wait) {
			bool end = c->senders_closed;

			pthread_mutex_unlock(&c->lock);
			return end ? BENCH_END : BENCH_WOULD_BLOCK;
		}
		c->receivers_waiting++;
		pthread_cond_wait(&c->not_empty, &c->lock);
	}
	pop(c, element);
	wake = take_waiter(&c->senders_waiting);
	pthread_mutex_unlock(&c->lock);
	if (wake)
		pthread_cond_signal(&c->not_full);
	return BENCH_OK;
}

/* -- The rendezvous ------------------------------------------------------- */

static struct partner *take_first(struct partners *line)
{
	struct partner *p = line->first;

	if (p != NULL) {
		line->first = p->next;
		if (line->first == NULL)
			line->last = &line->first;
	}
	return p;
}

/* Signalled under the lock: the partner's stack is gone soon after. */
static void dismiss(struct partner *p, enum bench_status status)
{
	p->status = status;
	p->done = true;
	pthread_cond_signal(&p->met);
}

static void dismiss_all(struct partners *line)
{
	struct partner *p;

	while ((p = take_first(line)) != NULL)
		dismiss(p, BENCH_END);
}

static enum bench_status wait_in(
	struct partners *line, struct partner *self, pthread_mutex_t *lock)
{
	pthread_cond_init(&self->met, NULL);
	*line->last = self;
	line->last = &self->next;
	while (!self->done)
		pthread_cond_wait(&self->met, lock);
	pthread_cond_destroy(&self->met);
	return self->status;
}

static enum bench_status meet_send(
	struct channel *c, const void *element, bool wait)
{
	struct partner self = {.from = element};
	enum bench_status status = BENCH_WOULD_BLOCK;
	struct partner *p;

	pthread_mutex_lock(&c->lock);
	if (c->receivers_closed) {
		status = BENCH_END;
	} else if ((p = take_first(&c->receivers)) != NULL) {
		memcpy(p->to, element, c->element_size);
		dismiss(p, BENCH_OK);
		status = BENCH_OK;
	} else if (wait) {
		status = wait_in(&c->senders, &self, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return status;
}

static enum bench_status meet_recv(struct channel *c, void *element, bool wait)
{
	struct partner self = {.to = element};
	enum bench_status status = BENCH_WOULD_BLOCK;
	struct partner *p;

	pthread_mutex_lock(&c->lock);
	if ((p = take_first(&c->senders)) != NULL) {
		memcpy(element, p->from, c->element_size);
		dismiss(p, BENCH_OK);
		status = BENCH_OK;
	} else if (c->senders_closed) {
		status = BENCH_END;
	} else if (wait) {
		status = wait_in(&c->receivers, &self, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return status;
}

/* -- The peer ------------------------------------------------------------- */

static enum bench_status any_send(
	struct channel *c, const void *element, bool wait)
{
	return c->capacity == 0 ? meet_send(c, element, wait)
				: ring_send(c, element, wait);
}

static enum bench_status any_recv(struct channel *c, void *element, bool wait)
{
	return c->capacity == 0 ? meet_recv(c, element, wait)
				: ring_recv(c, element, wait);
}

static enum bench_status do_send(void *channel, const void *element)
{
	return any_send(channel, element, true);
}

static enum bench_status do_recv(void *channel, void *element)
{
	return any_recv(channel, element, true);
}

static enum bench_status do_try_send(void *channel, const void *element)
{
	return any_send(channel, element, false);
}

static enum bench_status do_try_recv(void *channel, void *element)
{
	return any_recv(channel, element, false);
}

static void close_senders(void *channel)
{
	struct channel *c = channel;

	pthread_mutex_lock(&c->lock);
	c->senders_closed = true;
	c->receivers_waiting = 0;
	dismiss_all(&c->receivers);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_broadcast(&c->not_empty);
}

static const struct bench_calls calls = {
	.open = open_channel,
	.free = free_channel,
	.send = do_send,
	.recv = do_recv,
	.try_send = do_try_send,
	.try_recv = do_try_recv,
	.close_senders = close_senders,
};

const struct bench_peer bench_mutex_cond = {
	.name = "mutex_cond",
	.kind = BENCH_SLEEPS,
	.capacities = BENCH_CAN_MEET | BENCH_CAN_BOUND | BENCH_CAN_GROW,
	.calls = &calls,
};
