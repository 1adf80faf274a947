/* SPDX-License-Identifier: MIT */
/* waiting.c - what waiting for many costs: selectors, timers, descriptors; and
 * what elements in place, and many in one call, save.  What others have too is in bench.c's workloads.
 *
 *	bench/waiting [MILLISECONDS [NAME [REPETITIONS]]]
 *
 * Each line is the median of REPETITIONS (7) repetitions of about MILLISECONDS
 * (20), in turns over all lines; only those lines that begin with NAME.
 * Every element is counted and summed up.
 */
#include "bench.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir.h>

#define REPETITIONS 7 /* and no more than these */

struct line {
	const char *name;
	size_t parameter; /* a capacity, a size or a number */
	/* Returns ns per operation, of `count` of them. */
	double (*run)(size_t parameter, uint64_t count);
	double ns[REPETITIONS];
	uint64_t count;
};

static void check(int status)
{
	if (status != WEIR_OK)
		bench_die("%s", weir_status_name(status));
}

static double since(int64_t began, uint64_t count)
{
	return (double)(bench_now() - began) / (double)count;
}

/* -- Selector ----------------------------------------------------------------- */

static weir_sender **many_tx;
static weir_receiver **many_rx;
static size_t many;

static void open_many(size_t count)
{
	many_tx = calloc(count, sizeof(void *));
	many_rx = calloc(count, sizeof(void *));
	if (many_tx == NULL || many_rx == NULL)
		bench_die("no memory");
	for (many = 0; many < count; many++)
		check(weir_open(1, 8, &many_tx[many], &many_rx[many]));
}

static void close_many(void)
{
	while (many-- > 0) {
		weir_sender_free(many_tx[many]);
		weir_receiver_free(many_rx[many]);
	}
	free((void *)many_tx);
	free((void *)many_rx);
}

/* One of `registered` channels is ready: send, wait, receive. */
static double selector(size_t registered, uint64_t count)
{
	uint64_t value = 1;
	weir_selector *set;
	weir_event event = {NULL, WEIR_RECV_CASE(NULL, NULL)};
	size_t found;
	int64_t began;
	double ns;

	open_many(registered);
	check(weir_selector_open(&set));
	for (size_t i = 0; i < registered; i++) {
		weir_case operation = WEIR_RECV_CASE(many_rx[i], NULL);

		check(weir_selector_add(set, &operation, NULL));
	}
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		/* Few of them, so that caches are not what is measured. */
		check(weir_try_send(many_tx[i % 8], &value));
		check(weir_selector_wait(set, &event, 1, &found));
		check(weir_try_recv(event.operation.rx, &value));
	}
	ns = since(began, count);
	weir_selector_free(set);
	close_many();
	return ns;
}

/* -- Timers -------------------------------------------------------------------- */

static double timer_after(size_t unused, uint64_t count)
{
	int64_t began = bench_now();
	weir_receiver *rx;

	(void)unused;
	for (uint64_t i = 0; i < count; i++) {
		check(weir_after(1000000000, &rx));
		weir_receiver_free(rx);
	}
	return since(began, count);
}

static double timer_tick_try(size_t unused, uint64_t count)
{
	int64_t began, due;
	weir_receiver *rx;
	double ns;

	(void)unused;
	check(weir_tick(1000000, &rx));
	began = bench_now();
	for (uint64_t i = 0; i < count; i++)
		if (weir_try_recv(rx, &due) == WEIR_END_OF_CHANNEL)
			bench_die("a tick ended");
	ns = since(began, count);
	weir_receiver_free(rx);
	return ns;
}

/* A receive that is ready, with a time-out beside it. */
static double timer_in_select(size_t unused, uint64_t count)
{
	weir_receiver *rx, *timer;
	uint64_t value = 1;
	weir_sender *tx;
	int64_t began;
	size_t at;
	double ns;

	(void)unused;
	check(weir_open(1, 8, &tx, &rx));
	check(weir_after(3600 * INT64_C(1000000000), &timer));
	weir_case cases[] = {
		WEIR_RECV_CASE(rx, &value), WEIR_RECV_CASE(timer, &value)};
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		check(weir_try_send(tx, &value));
		check(weir_select(cases, 2, 0, &at));
	}
	ns = since(began, count);
	weir_receiver_free(timer);
	weir_receiver_free(rx);
	weir_sender_free(tx);
	return ns;
}

/* -- Descriptors ------------------------------------------------------------------ */

struct wake {
	weir_sender *there, *back;
	weir_receiver *here, *there_rx;
	int fd, back_fd;
	uint64_t count;
};

static int epoll_on(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0)
		bench_die("epoll");
	return set;
}

static void wait_epoll(int set)
{
	struct epoll_event event;

	while (epoll_wait(set, &event, 1, -1) != 1)
		;
}

static void *answer(void *argument)
{
	struct wake *wake = argument;
	int set = epoll_on(weir_receiver_fd(wake->there_rx));
	uint64_t value;

	for (uint64_t i = 0; i < wake->count;) {
		wait_epoll(set);
		while (weir_try_recv(wake->there_rx, &value) == WEIR_OK) {
			check(weir_send(wake->back, &value));
			i++;
		}
	}
	close(set);
	return NULL;
}

/* There and back, each side asleep in epoll; half of it is one wake-up. */
static double fd_wake(size_t unused, uint64_t count)
{
	struct wake wake = {.count = count};
	weir_receiver *back_rx;
	pthread_t thread;
	uint64_t value = 1;
	int64_t began;
	int set;

	(void)unused;
	check(weir_open(1, 8, &wake.there, &wake.there_rx));
	check(weir_open(1, 8, &wake.back, &back_rx));
	set = epoll_on(weir_receiver_fd(back_rx));
	pthread_create(&thread, NULL, answer, &wake);
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		check(weir_send(wake.there, &value));
		do
			wait_epoll(set);
		while (weir_try_recv(back_rx, &value) != WEIR_OK);
	}
	pthread_join(thread, NULL);
	close(set);
	weir_sender_free(wake.there);
	weir_sender_free(wake.back);
	weir_receiver_free(wake.there_rx);
	weir_receiver_free(back_rx);
	return since(began, 2 * count);
}

static void *answer_eventfd(void *argument)
{
	struct wake *wake = argument;
	int set = epoll_on(wake->fd);
	uint64_t value;

	for (uint64_t i = 0; i < wake->count; i++) {
		wait_epoll(set);
		if (read(wake->fd, &value, 8) != 8 ||
			write(wake->back_fd, &value, 8) != 8)
			bench_die("eventfd");
	}
	close(set);
	return NULL;
}

/* The same with bare eventfds: the floor. */
static double fd_wake_bare(size_t unused, uint64_t count)
{
	struct wake wake = {.count = count,
		.fd = eventfd(0, EFD_CLOEXEC),
		.back_fd = eventfd(0, EFD_CLOEXEC)};
	int set = epoll_on(wake.back_fd);
	uint64_t value = 1;
	pthread_t thread;
	int64_t began;

	(void)unused;
	pthread_create(&thread, NULL, answer_eventfd, &wake);
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		if (write(wake.fd, &value, 8) != 8)
			bench_die("eventfd");
		wait_epoll(set);
		if (read(wake.back_fd, &value, 8) != 8)
			bench_die("eventfd");
	}
	pthread_join(thread, NULL);
	close(set);
	close(wake.fd);
	close(wake.back_fd);
	return since(began, 2 * count);
}

/* Send and receive while the descriptor stays readable (1), or without one. */
static double fd_fast_path(size_t with, uint64_t count)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t value = 1;
	int64_t began;
	double ns;

	check(weir_open(64, 8, &tx, &rx));
	if (with && weir_receiver_fd(rx) < 0)
		bench_die("no descriptor");
	check(weir_try_send(tx, &value));
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		check(weir_try_send(tx, &value));
		check(weir_try_recv(rx, &value));
	}
	ns = since(began, count);
	weir_sender_free(tx);
	weir_receiver_free(rx);
	return ns;
}

/* -- Latest value, and in place ------------------------------------------------------ */

static double force_full(size_t capacity, uint64_t count)
{
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t old[BENCH_MAX_ELEMENT / 8];
	int64_t began;
	double ns;

	check(weir_open(capacity, 8, &tx, &rx));
	began = bench_now();
	for (uint64_t i = 0; i < count; i++)
		check(weir_force_send(tx, &i, old, NULL));
	ns = since(began, count);
	weir_sender_free(tx);
	weir_receiver_free(rx);
	return ns;
}

/* One byte of each element is written and read, so that what differs is the
 * copying. */
static double by_copy(size_t size, uint64_t count)
{
	unsigned char *from = calloc(1, size), *into = calloc(1, size);
	uint64_t sum = 0;
	weir_sender *tx;
	weir_receiver *rx;
	int64_t began;
	double ns;

	if (from == NULL || into == NULL)
		bench_die("no memory");
	check(weir_open(4, size, &tx, &rx));
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		from[size / 2] = (unsigned char)i;
		check(weir_send(tx, from));
		check(weir_recv(rx, into));
		sum += into[size / 2] == (unsigned char)i;
	}
	ns = since(began, count);
	if (sum != count)
		bench_die("elements differ");
	weir_sender_free(tx);
	weir_receiver_free(rx);
	free(from);
	free(into);
	return ns;
}

static double in_place(size_t size, uint64_t count)
{
	uint64_t sum = 0;
	weir_sender *tx;
	weir_receiver *rx;
	int64_t began;
	double ns;

	check(weir_open(4, size, &tx, &rx));
	began = bench_now();
	for (uint64_t i = 0; i < count; i++) {
		void *slot;

		check(weir_send_reserve(tx, &slot));
		((unsigned char *)slot)[size / 2] = (unsigned char)i;
		weir_send_commit(tx, slot);
		check(weir_recv_acquire(rx, &slot));
		sum += ((unsigned char *)slot)[size / 2] == (unsigned char)i;
		weir_recv_release(rx, slot);
	}
	ns = since(began, count);
	if (sum != count)
		bench_die("elements differ");
	weir_sender_free(tx);
	weir_receiver_free(rx);
	return ns;
}

/* -- Many in one call ---------------------------------------------------------------- */

#define BATCH 64 /* elements, at most; also the capacity */

struct batches {
	weir_sender *tx;
	weir_receiver *rx;
	size_t size; /* elements a call */
	uint64_t count;
};

static void open_batches(struct batches *batches, size_t size, uint64_t count)
{
	batches->size = size;
	batches->count = (count + size - 1) / size * size;
	check(weir_open(BATCH, 8, &batches->tx, &batches->rx));
}

static double close_batches(const struct batches *batches, int64_t began)
{
	double ns = since(began, batches->count);

	weir_sender_free(batches->tx);
	weir_receiver_free(batches->rx);
	return ns;
}

static void send_batch(const struct batches *batches, uint64_t first)
{
	uint64_t values[BATCH];
	size_t sent;

	for (size_t i = 0; i < batches->size; i++)
		values[i] = first + i;
	check(weir_send_many(batches->tx, values, batches->size, &sent));
}

/* How many came; they are looked at. */
static size_t recv_batch(const struct batches *batches, uint64_t first)
{
	uint64_t values[BATCH];
	size_t received;

	check(weir_recv_many(batches->rx, values, batches->size, &received));
	for (size_t i = 0; i < received; i++)
		if (values[i] != first + i)
			bench_die("elements differ");
	return received;
}

/* One thread: ns an element. */
static double batch(size_t size, uint64_t count)
{
	struct batches batches;
	int64_t began;

	open_batches(&batches, size, count);
	began = bench_now();
	for (uint64_t i = 0; i < batches.count;) {
		send_batch(&batches, i);
		i += recv_batch(&batches, i);
	}
	return close_batches(&batches, began);
}

static void *send_batches(void *argument)
{
	const struct batches *batches = argument;

	for (uint64_t i = 0; i < batches->count; i += batches->size)
		send_batch(batches, i);
	return NULL;
}

/* One thread sends and one receives. */
static double batch_spsc(size_t size, uint64_t count)
{
	struct batches batches;
	pthread_t sender;
	int64_t began;

	open_batches(&batches, size, count);
	began = bench_now();
	pthread_create(&sender, NULL, send_batches, &batches);
	for (uint64_t i = 0; i < batches.count;)
		i += recv_batch(&batches, i);
	pthread_join(sender, NULL);
	return close_batches(&batches, began);
}

/* -- Lines ---------------------------------------------------------------------- */

#define LINE(name, parameter, run)                                             \
	{                                                                      \
		name, parameter, run, {0}, 0                                   \
	}
#define FOUR_SIZES(name, run)                                                  \
	LINE(name, 64, run), LINE(name, 1024, run), LINE(name, 65536, run),    \
		LINE(name, 1 << 20, run)

static struct line lines[] = {
	LINE("selector", 10, selector),
	LINE("selector", 1000, selector),
	LINE("selector", 100000, selector),
	LINE("timer_after", 0, timer_after),
	LINE("timer_tick_try", 0, timer_tick_try),
	LINE("timer_in_select", 0, timer_in_select),
	LINE("fd_wake", 0, fd_wake),
	LINE("fd_wake_bare", 0, fd_wake_bare),
	LINE("fd_fast_path", 0, fd_fast_path),
	LINE("fd_fast_path", 1, fd_fast_path),
	LINE("force_full", 1, force_full),
	LINE("force_full", 64, force_full),
	LINE("batch", 1, batch),
	LINE("batch", 16, batch),
	LINE("batch", 64, batch),
	LINE("batch_spsc", 1, batch_spsc),
	LINE("batch_spsc", 16, batch_spsc),
	LINE("batch_spsc", 64, batch_spsc),
	FOUR_SIZES("by_copy", by_copy),
	FOUR_SIZES("in_place", in_place),
};

#define LINES (sizeof lines / sizeof *lines)

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* As many as take about `ns`, judged by a first run of a few. */
static uint64_t calibrate(const struct line *line, double ns)
{
	uint64_t count = 100;
	double each = line->run(line->parameter, count);

	if (each * (double)count < ns / 10) {
		count = 2000;
		each = line->run(line->parameter, count);
	}
	return ns / each < 100 ? 100 : (uint64_t)(ns / each);
}

static const char *parameter_name(size_t parameter)
{
	static char name[24];

	snprintf(name, sizeof name, "%zu", parameter);
	return parameter == BENCH_UNBOUNDED ? "unbounded" : name;
}

int main(int argc, char **argv)
{
	double ns = (argc > 1 ? strtod(argv[1], NULL) : 20) * 1e6;
	const char *prefix = argc > 2 ? argv[2] : "";
	long repetitions = argc > 3 ? atol(argv[3]) : REPETITIONS;

	if (ns <= 0 || repetitions < 1 || repetitions > REPETITIONS)
		bench_die("usage: bench/waiting "
			  "[MILLISECONDS [NAME [REPETITIONS]]]");
	printf("%s, %d CPUs, a line crossed in %.0f ns\n", bench_cpu_model(),
		bench_cpus(), bench_line_ns());
	for (long r = -1; r < repetitions; r++) {
		for (size_t i = 0; i < LINES; i++) {
			struct line *line = &lines[i];

			if (strncmp(line->name, prefix, strlen(prefix)) != 0)
				continue;
			if (r < 0)
				line->count = calibrate(line, ns);
			else
				line->ns[r] =
					line->run(line->parameter, line->count);
		}
	}
	for (size_t i = 0; i < LINES; i++) {
		struct line *line = &lines[i];

		if (line->count == 0)
			continue;
		qsort(line->ns, (size_t)repetitions, sizeof *line->ns, compare);
		printf("%-16s %9s %10.1f ns  (%.1f to %.1f)\n", line->name,
			parameter_name(line->parameter),
			line->ns[repetitions / 2], line->ns[0],
			line->ns[repetitions - 1]);
	}
	return 0;
}
