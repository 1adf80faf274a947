/* SPDX-License-Identifier: MIT */
/* hazard.c - see hazard.h. */
#include "hazard.h"

#include <pthread.h>

struct hazard_table wi_hazard_table;
__thread struct hazards *wi_hazards_of_thread;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor: a thread has ended */
static bool has_key;

static struct hazards *take_place(struct hazard_table *table)
{
	for (uint32_t i = 0; i < HAZARD_TABLE; i++) {
		uint32_t free = 0;
		/* relaxed: the next cas decides. */
		uint32_t used = load_relaxed(&table->used);

		/* acquire [place]: pairs with leave. */
		if (!cas_acq_rel(&table->of[i].taken, &free, 1))
			continue;
		/* relaxed: before H1 of this thread, and so seen by U2 like
		 * H1. */
		while (used <= i && !cas_relaxed(&table->used, &used, i + 1))
			;
		return &table->of[i];
	}
	/* relaxed: as above. */
	fetch_add_relaxed(&table->strangers, 1);
	return &table->of_strangers;
}

/* Nothing is held. */
static void leave(void *place)
{
	struct hazards *own = place;

	wi_hazards_of_thread = NULL;
	if (own == &wi_hazard_table.of_strangers)
		/* release [stranger]: pairs with wi_hazards_are_told. */
		fetch_sub_acq_rel(&wi_hazard_table.strangers, 1);
	else
		/* release [place]: pairs with take_place. */
		store_release(&own->taken, 0);
}

/* The library is unloaded. */
__attribute__((destructor)) static void delete_key(void)
{
	if (has_key)
		pthread_key_delete(key);
	has_key = false;
}

static void make_key(void)
{
	has_key = pthread_key_create(&key, leave) == 0;
}

COLD struct hazards *wi_hazards_register(void)
{
	struct hazards *own = take_place(&wi_hazard_table);

	wi_hazards_of_thread = own;
	/* Without a key the place is never free again, that is all. */
	pthread_once(&once, make_key);
	if (has_key)
		pthread_setspecific(key, own);
	return own;
}

bool wi_hazards_are_told(void)
{
	/* acquire [stranger]: pairs with leave. */
	return load_acquire(&wi_hazard_table.strangers) == 0;
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
