/* SPDX-License-Identifier: MIT */
/* hazard.c - see hazard.h. */
#include "hazard.h"

#include <pthread.h>

struct hazard_table wi_hazard_table = {.of_strangers = {.unseen = true}};
__thread struct hazards *wi_hazards_of_thread;
__thread bool wi_is_stranger;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;         /* its destructor: a thread has ended */
static struct atomic_u32 has_key; /* and has not been deleted */

/* NULL: there is none. */
static struct hazards *take_place(struct hazard_table *table)
{
	for (uint32_t i = 0; i < HAZARD_TABLE; i++) {
		uint32_t nobody = 0, used;

		/* relaxed: the cas decides; a failing one would take the line
		 * of the thread whose place it is. */
		if (load_relaxed(&table->of[i].taken) != 0 ||
			/* acquire [place]: pairs with leave. */
			!cas_acq_rel(&table->of[i].taken, &nobody, 1))
			continue;
		used = load_relaxed(&table->used); /* relaxed: see below */
		/* relaxed: before H1 of this thread, and so seen by U2 like
		 * H1. */
		while (used <= i && !cas_relaxed(&table->used, &used, i + 1))
			;
		table->of[i].unseen = !wi_fence_is_there();
		return &table->of[i];
	}
	return NULL;
}

/* Nothing is held. */
static void leave(void *place)
{
	struct hazards *own = place;

	wi_hazards_of_thread = NULL;
	if (own == &wi_hazard_table.of_strangers) {
		wi_is_stranger = false;
		/* release [stranger]: pairs with wi_hazards_are_told. */
		fetch_sub_acq_rel(&wi_hazard_table.strangers, 1);
	} else {
		/* release [place]: pairs with take_place. */
		store_release(&own->taken, 0);
	}
}

static void make_key(void)
{
	/* relaxed: pthread_once orders it. */
	store_relaxed(&has_key, pthread_key_create(&key, leave) == 0);
}

/* The library is unloaded, or the process exits: leave may be gone.  The key is
 * made first if nobody has, so that another thread does not make it now. */
__attribute__((destructor)) static void delete_key(void)
{
	pthread_once(&once, make_key);
	/* relaxed, both: a thread that comes at this very moment may use the
	 * key once more, which then fails; a later one should not. */
	if (load_relaxed(&has_key)) {
		store_relaxed(&has_key, false); /* relaxed: as above */
		pthread_key_delete(key);
	}
}

COLD struct hazards *wi_hazards_register(void)
{
	struct hazards *own;

	if (wi_is_stranger)
		return &wi_hazard_table.of_strangers;
	own = take_place(&wi_hazard_table);
	wi_hazards_of_thread = own;
	if (own == NULL) {
		own = &wi_hazard_table.of_strangers;
		wi_is_stranger = true;
		/* relaxed: before this thread looks at anything, as with
		 * `used`.  It stays a stranger until it ends. */
		fetch_add_relaxed(&wi_hazard_table.strangers, 1);
	}
	/* Where there is no key, or it is too late for its destructor, the
	 * place is never free again, or the stranger never forgotten. */
	pthread_once(&once, make_key);
	/* relaxed: pthread_once orders it after make_key. */
	if (load_relaxed(&has_key))
		pthread_setspecific(key, own);
	return own;
}

bool wi_hazards_are_told(void)
{
	return wi_fence_is_there() &&
	       /* acquire [stranger]: pairs with leave. */
	       load_acquire(&wi_hazard_table.strangers) == 0;
}

bool wi_hazard_is_held(const void *node)
{
	/* relaxed: the fence before U2; a thread that comes later sees U1. */
	uint32_t used = load_relaxed(&wi_hazard_table.used);

	for (uint32_t i = 0; i < used; i++)
		for (unsigned place = 0; place < HOLDS; place++)
			/* acquire [held]: pairs with wi_hold and
			 * wi_drop_hold. */
			if (load_acquire(&wi_hazard_table.of[i].held[place]) ==
				node)
				return true;
	return false;
}
