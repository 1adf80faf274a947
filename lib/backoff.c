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
#define RECOUNT_EVERY 256 /* waits: a count of CPUs is a system call */

/* relaxed: CPUs this process may use; 0 is not known yet. */
static struct atomic_u32 cpus;

static uint32_t count_cpus(void)
{
	cpu_set_t allowed;
	int saved = errno;
	uint32_t count;

	/* More CPUs than the set holds: more than one, in any case. */
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		count = 2;
	else
		count = (uint32_t)CPU_COUNT(&allowed);
	errno = saved;
	store_relaxed(&cpus, count); /* relaxed: a hint */
	return count;
}

bool wi_backoff_may_spin(void)
{
	uint32_t count = load_relaxed(&cpus); /* relaxed: a hint */

	if (unlikely(count == 0))
		count = count_cpus();
	return count > 1;
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
	count_cpus();
}

uint32_t wi_backoff_budget(struct backoff *backoff)
{
	/* relaxed, both: a lost count delays a probe. */
	uint32_t waits = load_relaxed(&backoff->waits) + 1;

	store_relaxed(&backoff->waits, waits); /* relaxed: as above */
	if (waits % RECOUNT_EVERY == 0)
		count_cpus();
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
