/* SPDX-License-Identifier: MIT */
/* backoff.c - see backoff.h.  All loads and stores here are relaxed: they are
 * hints on how long to spin, and order nothing. */
#include "backoff.h"

#include <errno.h>
#include <sched.h>
#include <weir/channel.h>

#define DEFAULT_LIMIT 512 /* pauses: some 10 us, about what a wake-up costs */
#define SHORTEST 16       /* pauses: some 0.3 us, less than a system call */
#define PROBE_EVERY 32    /* waits */
#define LOOK_EVERY 256    /* waits: to look at CPUs is a system call */
#define LOOK_ALONE 16     /* waits, as long as there seems to be one CPU */
#define YIELD_AFTER 128   /* pauses */
#define YIELD 64          /* pauses: a microsecond, too */
#define YIELDS_ALONE 2    /* before a sleep where there is one CPU */
#define FIRST_STEP 2      /* pauses */
#define SMALL 64          /* elements: fewer come in less than a microsecond */
#define STEP_IN_SMALL 16  /* pauses: half of what a line takes at the worst */
#define STEP_IN_LARGE 64

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

void wi_backoff_init(struct backoff *backoff, uint32_t limit)
{
	if (limit == WEIR_NO_SPIN)
		limit = 0;
	else if (limit == 0)
		limit = DEFAULT_LIMIT;
	backoff->limit = limit;
	init_atomic(&backoff->budget, limit);
	init_atomic(&backoff->waits, 0);
	look_at_cpus();
}

uint32_t wi_backoff_budget(struct backoff *backoff)
{
	/* relaxed, both: a lost count delays a probe. */
	uint32_t waits = load_relaxed(&backoff->waits) + 1;

	store_relaxed(&backoff->waits, waits); /* relaxed: as above */
	if (waits % (wi_backoff_may_spin() ? LOOK_EVERY : LOOK_ALONE) == 0)
		look_at_cpus();
	if (!wi_backoff_may_spin())
		return 0;
	if (waits % PROBE_EVERY == 0)
		return backoff->limit;
	return load_relaxed(&backoff->budget); /* relaxed: a hint */
}

void wi_backoff_learn(struct backoff *backoff, uint32_t spun, bool success)
{
	uint32_t budget = load_relaxed(&backoff->budget); /* relaxed: a hint */
	uint32_t wanted;

	if (success)
		wanted = spun < backoff->limit / 2 ? 2 * spun : backoff->limit;
	else
		wanted = budget - budget / 4;
	if (success && wanted < budget)
		return;
	if (wanted < SHORTEST)
		wanted = SHORTEST < backoff->limit ? SHORTEST : backoff->limit;
	if (wanted != budget)
		store_relaxed(&backoff->budget, wanted); /* relaxed: a hint */
}

void wi_spin_start(struct spin *spin, struct backoff *backoff, size_t capacity)
{
	spin->backoff = backoff;
	spin->budget = wi_backoff_budget(backoff);
	spin->spun = 0;
	spin->step = FIRST_STEP;
	spin->longest = capacity < SMALL ? STEP_IN_SMALL : STEP_IN_LARGE;
	if (!wi_backoff_may_spin() && backoff->limit > 0) {
		spin->spun = YIELD_AFTER;
		spin->budget = YIELD_AFTER + YIELDS_ALONE * YIELD;
	}
	/* relaxed: a hint.  Not the wait that tries the whole limit. */
	spin->may_yield =
		load_relaxed(&backoff->waits) % PROBE_EVERY != PROBE_EVERY / 2;
}

bool wi_spin(struct spin *spin)
{
	if (spin->spun >= spin->budget)
		return false;
	if (spin->spun < YIELD_AFTER) {
		uint32_t left = spin->budget - spin->spun;
		uint32_t step = spin->step < left ? spin->step : left;

		for (uint32_t i = 0; i < step; i++)
			cpu_pause();
		spin->spun += step;
		if (spin->step < spin->longest)
			spin->step *= 2;
	} else if (spin->may_yield) {
		sched_yield();
		spin->spun += YIELD;
	} else {
		spin->budget = 0;
		return false;
	}
	return true;
}

void wi_spin_end(struct spin *spin)
{
	/* Yields on one CPU teach nothing. */
	if (spin->budget > 0 && wi_backoff_may_spin())
		wi_backoff_learn(
			spin->backoff, spin->spun, spin->spun < spin->budget);
}
