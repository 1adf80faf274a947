/* SPDX-License-Identifier: MIT */
/* backoff.c - see backoff.h.  All loads and stores here are relaxed: they are
 * hints on how long to spin, and order nothing. */
#include "backoff.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <weir/channel.h>

#include "clock.h"

#define DEFAULT_LIMIT 50000 /* ns: about when who is woken starts to run */
#define LEAST 40            /* ns, of spins: a look or two */
#define PROBE_EVERY 64      /* waits */
#define PROBE_SELDOM 512    /* waits: after one in vain */
#define SLEEP_EVERY 32      /* waits: instead of yielding */
#define LOOK_EVERY 256      /* waits: to look at CPUs is a system call */
#define LOOK_ALONE 16       /* waits, as long as there seems to be one CPU */
#define PAUSE 20            /* ns; 10 to 60 in truth */
#define YIELD_AFTER 2560    /* ns */
#define YIELD 1000          /* ns, at most */
#define SLICE 500000     /* ns: less than the system gives to who wants more */
#define CROWDED_FOR 64   /* waits */
#define LONG_SLEEP 4     /* limits, ours at least, being woken included */
#define SHORT_SLEEP 2    /* likewise */
#define YIELDS_ALONE 2   /* before a sleep where there is one CPU */
#define FIRST_STEP 1     /* pauses; and each one for SHORT_STEPS */
#define SHORT_STEPS 160  /* ns */
#define STEP_AT_WORD 2   /* pauses: each one at a word of one's own */
#define SMALL 64         /* elements: fewer come in less than a microsecond */
#define STEP_IN_SMALL 16 /* pauses: half of what a line takes at the worst */
#define STEP_IN_LARGE 64
#define PAUSES_TO_MAKE_WAY 16 /* for where a yield takes next to no time */

/* relaxed: CPUs that threads of this process may use, by their number modulo
 * 64: those of every thread that has looked so far, since each may be pinned to
 * a CPU of its own.  0 is not known yet. */
static struct atomic_u64 cpus;

static uint64_t look_at_cpus(void)
{
	cpu_set_t allowed;
	int saved = errno;
	uint64_t mine = 0;

	/* More CPUs than the set holds: more than one, in any case. */
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		mine = UINT64_MAX;
	else
		for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &allowed))
				mine |= (uint64_t)1 << cpu % 64;
	errno = saved;
	return fetch_or_relaxed(&cpus, mine) | mine; /* relaxed: a hint */
}

static bool are_several(uint64_t set)
{
	return (set & (set - 1)) != 0;
}

bool wi_backoff_may_spin(void)
{
	uint64_t set = load_relaxed(&cpus); /* relaxed: a hint */

	if (unlikely(set == 0))
		set = look_at_cpus();
	return are_several(set);
}

static uint32_t least(const struct backoff *backoff)
{
	return LEAST < backoff->limit ? LEAST : backoff->limit;
}

/* Enough for a partner who is on his way, of whom nothing is known yet. */
static uint32_t budget_at_start(const struct backoff *backoff)
{
	return backoff->limit / 4 > LEAST ? backoff->limit / 4 : least(backoff);
}

void wi_backoff_init(struct backoff *backoff, uint32_t limit)
{
	if (limit == WEIR_NO_SPIN)
		limit = 0;
	else if (limit == 0)
		limit = DEFAULT_LIMIT;
	backoff->limit = limit;
	init_atomic(&backoff->budget, budget_at_start(backoff));
	init_atomic(&backoff->waits, 0);
	init_atomic(&backoff->vain, false);
	init_atomic(&backoff->rare, true); /* so that the first one counts */
	init_atomic(&backoff->crowded, 0);
	wi_crowd_init(&backoff->crowd);
	look_at_cpus();
}

uint32_t wi_backoff_budget(struct backoff *backoff)
{
	/* relaxed, both: a lost count delays a probe. */
	uint32_t waits = load_relaxed(&backoff->waits) + 1;
	uint32_t budget, probe_every;

	store_relaxed(&backoff->waits, waits); /* relaxed: as above */
	if (waits % (wi_backoff_may_spin() ? LOOK_EVERY : LOOK_ALONE) == 0)
		look_at_cpus();
	if (!wi_backoff_may_spin())
		return 0;
	budget = load_relaxed(&backoff->budget); /* relaxed: a hint */
	/* relaxed: a hint. */
	if (budget > 0 && !load_relaxed(&backoff->vain))
		probe_every = PROBE_EVERY;
	else
		probe_every = PROBE_SELDOM;
	return waits % probe_every == 0 ? backoff->limit : budget;
}

/* Most waits change nothing, and leave the line to others. */
static void set_hint(struct atomic_u32 *hint, uint32_t value)
{
	/* relaxed, both: a hint. */
	if (load_relaxed(hint) != value)
		store_relaxed(hint, value); /* relaxed: as above */
}

void wi_backoff_learn(struct backoff *backoff, uint32_t spun, bool success)
{
	uint32_t budget = load_relaxed(&backoff->budget); /* relaxed: a hint */
	uint32_t most = backoff->limit / 2;
	uint32_t wanted;

	if (success) {
		set_hint(&backoff->rare, false);
		set_hint(&backoff->vain, false);
		wanted = spun < most / 2 ? 2 * spun : most;
		if (wanted < budget)
			return;
	} else {
		if (spun >= backoff->limit)
			set_hint(&backoff->vain, true);
		if (budget == 0)
			return; /* it stays so until a sleep is shorter */
		wanted = budget - budget / 4;
	}
	if (wanted < LEAST)
		wanted = least(backoff);
	set_hint(&backoff->budget, wanted);
}

/* Yields have been stopped, in one of the last waits. */
static bool is_crowded_lately(const struct backoff *backoff)
{
	/* relaxed, both: hints. */
	uint32_t waits = load_relaxed(&backoff->waits);
	uint32_t left = load_relaxed(&backoff->crowded) - waits; /* relaxed */

	return left < CROWDED_FOR;
}

void wi_backoff_learn_of_sleep(struct backoff *backoff, int64_t slept)
{
	/* What being woken takes does not depend on a small limit. */
	int64_t limit =
		backoff->limit > DEFAULT_LIMIT ? backoff->limit : DEFAULT_LIMIT;
	/* In a crowd who is woken has to wait for a CPU as well. */
	bool is_rare =
		slept > limit * LONG_SLEEP && !is_crowded_lately(backoff);

	/* relaxed, both: hints. */
	if (is_rare && load_relaxed(&backoff->rare))
		set_hint(&backoff->budget, 0);
	else if (!is_rare && load_relaxed(&backoff->budget) == 0) /* relaxed */
		set_hint(&backoff->budget, slept > limit * SHORT_SLEEP
						   ? least(backoff)
						   : budget_at_start(backoff));
	set_hint(&backoff->rare, is_rare);
}

static void stop_yields(struct backoff *backoff)
{
	/* relaxed, both: hints. */
	store_relaxed(
		&backoff->crowded, load_relaxed(&backoff->waits) + CROWDED_FOR);
}

void wi_backoff_learn_of_others(struct backoff *backoff)
{
	if (!wi_backoff_may_spin())
		stop_yields(backoff);
}

/* In this wait? */
static bool may_yield(const struct backoff *backoff)
{
	uint32_t waits = load_relaxed(&backoff->waits); /* relaxed: a hint */

	/* Not in the wait that tries the whole limit. */
	return !is_crowded_lately(backoff) &&
	       waits % SLEEP_EVERY != SLEEP_EVERY / 2;
}

static uint32_t longest_step(size_t capacity)
{
	if (capacity == 0)
		return STEP_AT_WORD;
	return capacity < SMALL ? STEP_IN_SMALL : STEP_IN_LARGE;
}

void wi_spin_start(struct spin *spin, struct backoff *backoff, size_t capacity,
	int64_t deadline)
{
	spin->backoff = backoff;
	spin->budget = wi_backoff_budget(backoff);
	spin->spun = 0;
	spin->step = capacity == 0 ? STEP_AT_WORD : FIRST_STEP;
	spin->longest = longest_step(capacity);
	spin->yields = UINT_MAX;
	spin->now = 0;
	spin->over = 0;
	spin->deadline = deadline;
	if (!wi_backoff_may_spin() && backoff->limit > 0) {
		spin->budget = UINT32_MAX;
		spin->spun = YIELD_AFTER;
		spin->yields = YIELDS_ALONE;
	}
	if (!may_yield(backoff))
		spin->yields = 0;
}

void wi_spin_for_many(struct spin *spin)
{
	/* A step as long as the budget would never pay. */
	if (spin->longest == STEP_IN_LARGE &&
		spin->budget > STEP_IN_LARGE * PAUSE)
		spin->step = STEP_IN_LARGE;
}

static void pause_for_a_step(struct spin *spin)
{
	for (uint32_t i = 0; i < spin->step; i++)
		cpu_pause();
	spin->spun += spin->step * PAUSE;
	if (spin->step < spin->longest && spin->spun >= SHORT_STEPS)
		spin->step *= 2;
}

static bool is_crowded(struct backoff *backoff, int64_t now)
{
	uint64_t set = load_relaxed(&cpus); /* relaxed: a hint */

	return wi_crowd_is_foreign(&backoff->crowd, now, wi_cpu_time(),
		(unsigned)__builtin_popcountll(set));
}

static void yield(struct spin *spin)
{
	struct backoff *backoff = spin->backoff;
	int64_t before = spin->now != 0 ? spin->now : weir_now();
	int64_t took;

	sched_yield();
	spin->now = weir_now();
	took = spin->now - before;
	/* While others have the CPU, waiting costs nothing. */
	spin->spun += took < YIELD ? (uint32_t)took : YIELD;
	spin->yields--;
	if (spin->now >= spin->deadline)
		spin->budget = 0;
	if (took > SLICE && is_crowded(backoff, spin->now)) {
		spin->yields = 0;
		stop_yields(backoff);
	}
}

bool wi_spin_can_pause(const struct spin *spin)
{
	return spin->spun < spin->budget && spin->spun < YIELD_AFTER;
}

static bool go_a_step(struct spin *spin)
{
	if (spin->spun >= spin->budget)
		return false;
	if (wi_spin_can_pause(spin))
		pause_for_a_step(spin);
	else if (spin->yields > 0)
		yield(spin);
	else
		spin->budget = 0;
	return spin->budget > 0;
}

bool wi_spin(struct spin *spin)
{
	if (go_a_step(spin))
		return true;
	if (spin->over == 0 && spin->backoff != NULL)
		spin->over = weir_now();
	return false;
}

void wi_spin_end(struct spin *spin)
{
	if (spin->budget > 0)
		wi_backoff_learn(spin->backoff, spin->spun, spin->over == 0);
	if (spin->over != 0)
		wi_backoff_learn_of_sleep(
			spin->backoff, weir_now() - spin->over);
}

void wi_make_way(void)
{
	sched_yield();
	for (int i = 0; i < PAUSES_TO_MAKE_WAY; i++)
		cpu_pause();
}
