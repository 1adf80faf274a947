/* SPDX-License-Identifier: MIT */
/* explore.c - which runs of a model are tried.
 *
 * A run is decided by its choices: who goes on, which store a load sees, what
 * fails.  They are kept in a trail, and the searches differ in how they choose:
 *
 *	systematic  depth first through all trails with at most so many
 *		    preemptions and old values; first 0, then 1, then 2 ...  A
 *		    state that has been left behind with the same budget is not
 *		    entered again.
 *	random      each choice by a coin
 *	PCT         threads have random priorities, which change at a few random
 *		    steps [Burckhardt, Kothari, Musuvathi and Nagarakatte, "A
 *		    Randomized Scheduler with Probabilistic Guarantees of Finding
 *		    Bugs", 2010]
 *	replay      a trail from a file
 *
 * A thread can be interrupted before each operation on something that several
 * threads use.  What is such a thing is learned: a systematic search begins anew
 * when it has learned more.
 */
#include "checker.h"
#include "engine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRAIL_MOST 20000
#define STATES_MOST ((size_t)1 << 22) /* a power of two */
#define ADDRESSES_MOST 4096           /* a power of two */
#define NO_PROGRESS_SECONDS 120

enum search { SYSTEMATIC, RANDOM, PCT, REPLAY };

struct decision {
	uint16_t of;
	uint16_t taken;
};

static struct options {
	unsigned preemptions; /* the most that are searched systematically */
	unsigned stale;       /* old values in one run, likewise */
	double seconds;       /* a model */
	uint64_t seed;
	unsigned depth;     /* of PCT */
	bool stop_at_bound; /* no random runs */
	bool no_fence;      /* the kernel has no membarrier */
	const char *replay;
} options = {.preemptions = 8, .stale = 1, .seconds = 0.5, .depth = 3};

static struct model *models, **models_end = &models;
static const struct model *current;
static enum search search;

static struct decision trail[TRAIL_MOST];
static size_t trail_length, trail_at;
static unsigned preemptions_used, stale_used;
static unsigned preemption_bound, stale_bound;
static uint64_t runs;
static uint64_t random_state;

static uint64_t *states;
static size_t state_count;
static uint64_t search_number; /* states of other searches do not count */

static struct {
	uintptr_t address;
	uint8_t by; /* a bit a thread */
	bool is_shared;
} addresses[ADDRESSES_MOST];
static bool has_learned;

static unsigned priorities[MAX_THREADS];
static uint64_t change_points[16];
static unsigned lowest_priority;
static uint64_t usual_steps = 100;

void model_register(struct model *model)
{
	*models_end = model;
	models_end = &model->next;
}

/* -- Chance -------------------------------------------------------------- */

/* splitmix64 [Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014]. */
static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
	return (unsigned)(next_random() % n);
}

static void draw_priorities(void)
{
	lowest_priority = 1000;
	for (unsigned i = 0; i < MAX_THREADS; i++)
		priorities[i] = 1001 + below(1000000);
	for (unsigned i = 0; i + 1 < options.depth && i < 16; i++)
		change_points[i] = next_random() % (usual_steps + 1);
}

static unsigned by_priority(const unsigned *list, unsigned n)
{
	unsigned best = 0;

	for (unsigned i = 0; i + 1 < options.depth && i < 16; i++)
		if (change_points[i] != 0 && steps >= change_points[i]) {
			change_points[i] = 0;
			priorities[self] = lowest_priority--;
		}
	for (unsigned i = 1; i < n; i++)
		if (priorities[list[i]] > priorities[list[best]])
			best = i;
	return best;
}

/* -- Choices ------------------------------------------------------------- */

static unsigned take(unsigned n, unsigned wanted)
{
	struct decision *decision = &trail[trail_at];

	if (trail_at == TRAIL_MOST)
		model_fail("a run has too many choices");
	if (trail_at == trail_length) {
		*decision = (struct decision){(uint16_t)n, (uint16_t)wanted};
		trail_length++;
	} else if (decision->of != n) {
		model_fail("the model is not a function of its choices: "
			   "of %u, now of %u",
			decision->of, n);
	}
	trail_at++;
	return decision->taken;
}

unsigned explore_choose(enum choice kind, unsigned n)
{
	unsigned wanted = 0;
	unsigned odds = kind == ANY ? 1 : kind == STALE ? 4 : 8;

	if (n < 2)
		return 0;
	if ((search == RANDOM || search == PCT) && below(odds) == 0)
		wanted = below(n);
	wanted = take(n, wanted);
	if (kind == STALE && wanted > 0)
		stale_used++;
	threads[self].hash = threads[self].hash * 31 + wanted;
	return wanted;
}

unsigned explore_choose_thread(const unsigned *list, unsigned n)
{
	unsigned wanted = 0;

	if (search == PCT)
		wanted = by_priority(list, n);
	else if (search == RANDOM && (list[0] != self || below(4) == 0))
		wanted = below(n);
	wanted = take(n, wanted);
	if (list[0] == self && wanted > 0)
		preemptions_used++;
	return wanted;
}

void explore_yield(void)
{
	if (search == PCT)
		priorities[self] = lowest_priority--;
}

bool explore_may_preempt(void)
{
	return preemptions_used < preemption_bound;
}

bool explore_may_be_stale(void)
{
	return stale_used < stale_bound;
}

unsigned any_of(unsigned n)
{
	return explore_choose(ANY, n);
}

/* The library's, which is replaced: see seam.h. */
uint64_t wi_random_below(uint64_t n);
uint64_t wi_random_below(uint64_t n)
{
	if (search == RANDOM || search == PCT || search == REPLAY)
		return explore_choose(ANY, (unsigned)n);
	return 0;
}

bool explore_was_here(uint64_t state)
{
	size_t at;

	if (search != SYSTEMATIC || trail_at < trail_length ||
		state_count > STATES_MOST / 4 * 3)
		return false;
	state ^= (uint64_t)preemptions_used << 32 ^ stale_used ^
		 search_number << 48;
	state *= 0x9E3779B97F4A7C15u;
	state += state == 0;
	for (at = state >> 32; states[at % STATES_MOST] != 0; at++)
		if (states[at % STATES_MOST] == state)
			return true;
	states[at % STATES_MOST] = state;
	state_count++;
	return false;
}

bool explore_is_shared(uintptr_t address, unsigned thread)
{
	size_t at = address / 4 * 2654435761u;

	while (addresses[at % ADDRESSES_MOST].address != address &&
		addresses[at % ADDRESSES_MOST].address != 0)
		at++;
	at %= ADDRESSES_MOST;
	addresses[at].address = address;
	addresses[at].by |= (uint8_t)(1u << thread);
	if (!addresses[at].is_shared &&
		(addresses[at].by & (addresses[at].by - 1)) != 0)
		has_learned = true;
	return addresses[at].is_shared;
}

static void use_what_was_learned(void)
{
	has_learned = false;
	for (size_t i = 0; i < ADDRESSES_MOST; i++)
		addresses[i].is_shared =
			(addresses[i].by & (addresses[i].by - 1)) != 0;
}

/* -- Searches ------------------------------------------------------------ */

static const char *name_of_run(void)
{
	static char name[128];

	snprintf(name, sizeof name, "%s%s", current->name,
		options.no_fence ? " -m" : "");
	return name;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static bool run_once(void)
{
	trail_at = 0;
	preemptions_used = 0;
	stale_used = 0;
	runs++;
	if (runs % 1024 == 1)
		alarm(NO_PROGRESS_SECONDS);
	return fibers_run(current->body);
}

/* The next trail in depth-first order; false: there is none. */
static bool next_trail(void)
{
	while (trail_length > 0) {
		struct decision *last = &trail[trail_length - 1];

		if (last->taken + 1 < last->of) {
			last->taken++;
			return true;
		}
		trail_length--;
	}
	return false;
}

static void forget_states(void)
{
	search_number++;
	if (state_count < STATES_MOST / 4)
		return;
	memset(states, 0, STATES_MOST * sizeof *states);
	state_count = 0;
}

/* All trails within the bounds; false: time is up. */
static bool search_all(const struct timespec *start)
{
	trail_length = 0;
	forget_states();
	for (;;) {
		run_once();
		if (has_learned) {
			use_what_was_learned();
			trail_length = 0;
			forget_states();
			runs = 0;
			continue;
		}
		if (!next_trail())
			return true;
		if (runs % 64 == 0 && seconds_since(start) > options.seconds)
			return false;
	}
}

/* How many preemptions have been searched completely, without old values and
 * with one of them; -1: not even none. */
struct reached {
	int plain;
	int with_old;
	bool all; /* more preemptions make no difference */
};

/* First without old values, then with fewer preemptions and one. */
static struct reached search_systematically(const struct timespec *start)
{
	struct reached reached = {-1, -1, false};
	uint64_t before = 0, before_old = 0, total = 0;

	search = SYSTEMATIC;
	for (unsigned bound = 0; bound <= options.preemptions; bound++) {
		bool was_all;

		runs = 0;
		preemption_bound = bound;
		stale_bound = 0;
		if (!search_all(start))
			break;
		reached.plain = (int)bound;
		was_all = bound > 0 && runs == before;
		before = runs;
		total += runs;
		if (bound == 0 || options.stale == 0)
			continue;
		runs = 0;
		preemption_bound = bound - 1;
		stale_bound = options.stale;
		if (!search_all(start))
			break;
		reached.with_old = (int)bound - 1;
		reached.all = was_all && runs == before_old;
		before_old = runs;
		total += runs;
		if (reached.all)
			break;
	}
	runs += total;
	return reached;
}

static void search_at_random(const struct timespec *start)
{
	search = RANDOM;
	preemption_bound = stale_bound = UINT32_MAX;
	random_state = options.seed;
	for (runs = 0;
		runs % 64 != 0 || seconds_since(start) < options.seconds;) {
		search = runs % 2 == 0 ? RANDOM : PCT;
		trail_length = 0;
		draw_priorities();
		run_once();
		usual_steps = (usual_steps * 7 + steps) / 8;
		use_what_was_learned();
	}
}

/* Systematically for up to half of the time (all of it with -b), then at
 * random. */
static void explore_for(double seconds)
{
	struct timespec start;
	struct reached reached;
	uint64_t systematic;

	clock_gettime(CLOCK_MONOTONIC, &start);
	memset(addresses, 0, sizeof addresses);
	options.seconds = options.stop_at_bound ? seconds : seconds / 2;
	reached = search_systematically(&start);
	systematic = runs;
	options.seconds = seconds;
	runs = 0;
	if (!options.stop_at_bound)
		search_at_random(&start);
	printf("%-40s %8" PRIu64 " runs, ", name_of_run(), systematic);
	if (reached.all)
		printf("complete");
	else
		printf("up to %d preemptions (%d)", reached.plain,
			reached.with_old);
	printf("; %" PRIu64 " at random; %.1f s\n", runs,
		seconds_since(&start));
	fflush(stdout);
}

/* Under a kernel that has membarrier; and then, if the model cares, under one
 * that has not. */
static void explore(void)
{
	double seconds = options.seconds;

	kernel_refuse_fence(options.no_fence);
	explore_for(seconds);
	if (!options.no_fence && kernel_was_asked_for_fence()) {
		options.no_fence = true;
		kernel_refuse_fence(true);
		explore_for(seconds / 4);
		options.no_fence = false;
	}
	options.seconds = seconds;
}

/* -- Replay -------------------------------------------------------------- */

static void write_trail(void)
{
	char name[128];
	FILE *file;

	snprintf(name, sizeof name, "%s.trail", current->name);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '/')
			*c = '.';
	file = fopen(name, "w");
	if (file == NULL)
		return;
	fprintf(file, "%s\n", current->name);
	if (options.no_fence)
		fprintf(file, "no membarrier\n");
	for (size_t i = 0; i < ADDRESSES_MOST; i++)
		if (addresses[i].is_shared)
			fprintf(file, "shared %" PRIxPTR "\n",
				addresses[i].address);
	for (size_t i = 0; i < trail_at; i++)
		fprintf(file, "%u/%u\n", trail[i].taken, trail[i].of);
	fclose(file);
	printf("  its choices are in %s: run again with -r %s\n", name, name);
}

static void read_trail(void)
{
	FILE *file = fopen(options.replay, "r");
	char line[256];
	unsigned taken, of;
	uintptr_t address;

	if (file == NULL || fgets(line, sizeof line, file) == NULL) {
		fprintf(stderr, "cannot read %s\n", options.replay);
		exit(2);
	}
	line[strcspn(line, "\n")] = '\0';
	for (const struct model *model = models; model != NULL;
		model = model->next)
		if (strcmp(model->name, line) == 0)
			current = model;
	if (current == NULL) {
		fprintf(stderr, "no model %s\n", line);
		exit(2);
	}
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "shared %" SCNxPTR, &address) == 1) {
			explore_is_shared(address, 0);
			explore_is_shared(address, 1);
		} else if (strcmp(line, "no membarrier\n") == 0) {
			kernel_refuse_fence(true);
		} else if (sscanf(line, "%u/%u", &taken, &of) == 2) {
			trail[trail_length++] = (struct decision){
				(uint16_t)of, (uint16_t)taken};
		}
	}
	fclose(file);
	use_what_was_learned();
	search = REPLAY;
	preemption_bound = stale_bound = UINT32_MAX;
}

/* -- Ending -------------------------------------------------------------- */

static const char *name_of_search(void)
{
	static const char *const names[] = {
		"systematic", "random", "PCT", "replay"};

	return names[search];
}

void model_fail(const char *format, ...)
{
	va_list list;

	printf("%s: FAILED (%s, run %" PRIu64 ", seed %" PRIu64
	       ", %u preemptions, %u old values)\n  ",
		name_of_run(), name_of_search(), runs, options.seed,
		preemptions_used, stale_used);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	if (search != REPLAY)
		write_trail();
	trace_print();
	fflush(stdout);
	_exit(1);
}

static void on_signal(int number)
{
	if (number == SIGALRM)
		model_fail("no progress for %d s", NO_PROGRESS_SECONDS);
	model_fail("crashed: %s", strsignal(number));
}

static void catch_crashes(void)
{
	static unsigned char stack[64 * 1024];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {
		.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: [-t SECONDS] [-p PREEMPTIONS] [-o OLD-VALUES] [-b] "
		"[-m] [-s SEED] [-d PCT-DEPTH] [-l] [-r FILE] [MODEL...]\n"
		"  -t  for each model (0.5); -b  stop at the bound, no random "
		"runs; -m  only\n"
		"  without membarrier (else a fifth of the time is for that); "
		"-l  list\n");
	return 2;
}

static bool is_wanted(const char *name, char **wanted, int count)
{
	for (int i = 0; i < count; i++)
		if (strstr(name, wanted[i]) != NULL)
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	int option;

	options.seed = (uint64_t)time(NULL);
	while ((option = getopt(argc, argv, "t:p:o:s:d:r:bml")) != -1) {
		switch (option) {
		case 't':
			options.seconds = atof(optarg);
			break;
		case 'p':
			options.preemptions = (unsigned)atoi(optarg);
			break;
		case 'o':
			options.stale = (unsigned)atoi(optarg);
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'd':
			options.depth = (unsigned)atoi(optarg);
			break;
		case 'r':
			options.replay = optarg;
			break;
		case 'm':
			options.no_fence = true;
			break;
		case 'b':
			options.stop_at_bound = true;
			break;
		case 'l':
			for (current = models; current != NULL;
				current = current->next)
				printf("%-44s %s\n", current->name,
					current->what);
			return 0;
		default:
			return usage();
		}
	}
	catch_crashes();
	states = calloc(STATES_MOST, sizeof *states);
	if (states == NULL)
		return 2;
	if (options.replay != NULL) {
		read_trail();
		run_once();
		printf("%s: the run ends well\n", current->name);
		return 0;
	}
	for (current = models; current != NULL; current = current->next)
		if (is_wanted(current->name, argv + optind, argc - optind))
			explore();
	return 0;
}
