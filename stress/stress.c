/* SPDX-License-Identifier: MIT */
/* stress.c - options, rounds, threads and the watchdog. */
#include "stress.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_SECONDS 20

struct stress_settings stress = {
	.threads = 4,
	.seconds = 1,
};

/* What a thread is doing; written by it alone, read by the watchdog. */
struct slot {
	_Atomic(const char *) role; /* NULL: free */
	_Atomic(const char *) what;
	_Atomic uint64_t number;
	_Atomic uint64_t progress;
};

static struct slot slots[STRESS_MAX_THREADS];
static _Thread_local struct slot *my_slot;

static _Atomic(weir_sender *) shown;

static const char *program = "stress";
static int64_t started;
static uint64_t rounds;
static uint64_t round_seed;
static char description[256];

/* -- Random numbers ------------------------------------------------------- */

/* splitmix64's finaliser: turns seeds that are near into states that are
 * not. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void stress_seed(struct stress_random *random, uint64_t seed)
{
	random->state = mix(seed);
	if (random->state == 0)
		random->state = 1;
}

uint64_t stress_draw(struct stress_random *random)
{
	uint64_t x = random->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t stress_below(struct stress_random *random, uint64_t limit)
{
	return (stress_draw(random) >> 11) % limit;
}

bool stress_one_in(struct stress_random *random, uint64_t times)
{
	return stress_below(random, times) == 0;
}

/* -- Messages ------------------------------------------------------------- */

void stress_describe(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(description, sizeof(description), format, arguments);
	va_end(arguments);
}

static void say_where(void)
{
	fprintf(stderr,
		"%s: in round %" PRIu64 " (%s); replay: -S %" PRIu64 " -t %u",
		program, rounds, description, round_seed, stress.threads);
	if (stress.storm_us > 0)
		fprintf(stderr, " -i %ld", stress.storm_us);
	fprintf(stderr, "\n");
}

void stress_fail(const char *format, ...)
{
	va_list arguments;

	flockfile(stderr);
	fprintf(stderr, "%s: violation: ", program);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	say_where();
	funlockfile(stderr);
	/* Other threads are still running: no destructors, no atexit. */
	_exit(1);
}

void stress_finish(const char *format, ...)
{
	va_list arguments;

	printf("%s: ok, %" PRIu64 " rounds, ", program, rounds);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf(", %.1f s, seed %" PRIu64 "\n", stress_elapsed(), stress.seed);
	fflush(stdout);
}

/* -- The watchdog --------------------------------------------------------- */

static uint64_t all_progress(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < STRESS_MAX_THREADS; i++)
		sum += atomic_load_explicit(
			&slots[i].progress, memory_order_relaxed);
	return sum;
}

static void dump_threads(void)
{
	for (size_t i = 0; i < STRESS_MAX_THREADS; i++) {
		const char *role = atomic_load(&slots[i].role);
		const char *what = atomic_load(&slots[i].what);

		if (role == NULL)
			continue;
		fprintf(stderr, "  %-10s %s %" PRIu64 "\n", role,
			what != NULL ? what : "nothing yet",
			atomic_load(&slots[i].number));
	}
}

static void dump_channel(void)
{
	weir_sender *tx = atomic_load(&shown);
	weir_statistics s;

	if (tx == NULL)
		return;
	weir_sender_statistics(tx, &s);
	fprintf(stderr,
		"  channel: %zu of %zu used, %zu+%zu open, %zu+%zu waiting, "
		"%" PRIu64 " sent, %" PRIu64 " received, %" PRIu64 " dropped\n",
		s.current_buffer_used, s.max_buffer_size, s.open_senders,
		s.open_receivers, s.senders_waiting, s.receivers_waiting,
		s.sent, s.received, s.dropped);
}

void stress_show(weir_sender *tx)
{
	atomic_store(&shown, tx);
}

static void *watch(void *unused)
{
	uint64_t before = all_progress();
	int64_t since = weir_now();

	(void)unused;
	for (;;) {
		struct timespec nap = {.tv_nsec = 100000000};
		uint64_t now;

		nanosleep(&nap, NULL);
		now = all_progress();
		if (now != before) {
			before = now;
			since = weir_now();
		}
		if (weir_now() - since < WATCHDOG_SECONDS * INT64_C(1000000000))
			continue;
		fprintf(stderr, "%s: no progress for %d s\n", program,
			WATCHDOG_SECONDS);
		say_where();
		dump_threads();
		dump_channel();
		abort();
	}
	return NULL;
}

static struct slot *take_slot(const char *role)
{
	for (size_t i = 0; i < STRESS_MAX_THREADS; i++) {
		const char *nobody = NULL;

		if (atomic_compare_exchange_strong(
			    &slots[i].role, &nobody, role)) {
			atomic_store(&slots[i].what, NULL);
			return &slots[i];
		}
	}
	stress_fail("more than %d threads at once", STRESS_MAX_THREADS);
}

void stress_doing(const char *what, uint64_t number)
{
	/* Relaxed: a dump is a snapshot at best. */
	atomic_store_explicit(&my_slot->what, what, memory_order_relaxed);
	atomic_store_explicit(&my_slot->number, number, memory_order_relaxed);
}

void stress_progress(void)
{
	uint64_t n =
		atomic_load_explicit(&my_slot->progress, memory_order_relaxed);

	atomic_store_explicit(&my_slot->progress, n + 1, memory_order_relaxed);
}

/* -- Threads -------------------------------------------------------------- */

struct start {
	const char *role;
	void (*run)(void *argument);
	void *argument;
};

static void *run_thread(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	my_slot = take_slot(start.role);
	start.run(start.argument);
	stress_progress();
	atomic_store(&my_slot->role, NULL);
	return NULL;
}

void stress_crew_add(struct stress_crew *crew, const char *role,
	void (*run)(void *argument), void *argument)
{
	struct start *start = malloc(sizeof(*start));

	if (start == NULL || crew->count == STRESS_MAX_THREADS)
		stress_fail("cannot start a thread");
	*start = (struct start){role, run, argument};
	int error = pthread_create(
		&crew->ids[crew->count], NULL, run_thread, start);
	if (error != 0)
		stress_fail("pthread_create: %s", strerror(error));
	crew->count++;
}

void stress_crew_join(struct stress_crew *crew)
{
	stress_doing("joining threads", crew->count);
	for (unsigned i = 0; i < crew->count; i++)
		pthread_join(crew->ids[i], NULL);
	crew->count = 0;
}

/* -- Running -------------------------------------------------------------- */

static void usage(bool has_bursts)
{
	fprintf(stderr,
		"usage: %s [-t threads] [-s seconds] [-S seed] "
		"[-i microseconds] [-n count]%s\n",
		program, has_bursts ? " [-b]" : "");
	exit(2);
}

static void on_signal(int unused)
{
	(void)unused;
}

/* Any thread may be hit, those of the library included; all that matters is
 * which system call it was in. */
static void start_storm(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct itimerval timer = {
		.it_interval = {.tv_sec = stress.storm_us / 1000000,
			.tv_usec = stress.storm_us % 1000000},
	};

	timer.it_value = timer.it_interval;
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
		setitimer(ITIMER_REAL, &timer, NULL) != 0)
		stress_fail("no signals: %s", strerror(errno));
}

static uint64_t fresh_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return mix((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^
		       (uint64_t)getpid() << 48) >>
	       24;
}

void stress_start(int argc, char **argv, bool has_bursts)
{
	const char *slash = strrchr(argv[0], '/');
	pthread_t watchdog;
	int option;

	program = slash != NULL ? slash + 1 : argv[0];
	if (strncmp(program, "lt-", 3) == 0)
		program += 3;
	stress.seed = fresh_seed();
	while ((option = getopt(argc, argv, "t:s:S:i:n:b")) != -1) {
		switch (option) {
		case 't':
			stress.threads = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			stress.seconds = strtod(optarg, NULL);
			break;
		case 'S':
			stress.seed = strtoull(optarg, NULL, 10);
			break;
		case 'i':
			stress.storm_us = strtol(optarg, NULL, 10);
			break;
		case 'n':
			stress.count = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			if (!has_bursts)
				usage(has_bursts);
			stress.bursts = true;
			break;
		default:
			usage(has_bursts);
		}
	}
	if (optind != argc || stress.threads < 1 ||
		stress.threads > STRESS_MAX_SIDE || stress.storm_us < 0)
		usage(has_bursts);
	printf("%s: seed %" PRIu64 ", %u threads, %.1f s\n", program,
		stress.seed, stress.threads, stress.seconds);
	fflush(stdout);
	started = weir_now();
	my_slot = take_slot("main");
	int error = pthread_create(&watchdog, NULL, watch, NULL);
	if (error != 0)
		stress_fail("pthread_create: %s", strerror(error));
	pthread_detach(watchdog);
	if (stress.storm_us > 0)
		start_storm();
}

double stress_elapsed(void)
{
	return (double)(weir_now() - started) / 1e9;
}

bool stress_next_round(struct stress_random *random)
{
	stress_progress();
	if (rounds > 0 && stress_elapsed() >= stress.seconds)
		return false;
	round_seed = rounds == 0 ? stress.seed : mix(round_seed) >> 24;
	rounds++;
	stress_seed(random, round_seed);
	return true;
}
