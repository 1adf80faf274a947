/* SPDX-License-Identifier: MIT */
/* history_actor.c - what a thread writes down; see history_actor.h. */
#include "history_actor.h"
#include "history_plant.h"

#include <string.h>

static _Thread_local struct actor *me;

void actor_is_me(struct actor *actor)
{
	me = actor;
}

uint64_t actor_fresh(struct actor *actor)
{
	return (uint64_t)actor->log.thread << 40 | ++actor->next;
}

/* One time in two it has passed; else it races with deliveries. */
int64_t actor_deadline(struct actor *actor)
{
	if (stress_one_in(&actor->random, 2))
		return 0;
	return weir_now() + (int64_t)stress_below(&actor->random, 20000);
}

struct history_record *actor_add(struct actor *actor, enum history_kind kind,
	const struct target *target, unsigned endpoint, const char *call,
	int status)
{
	return history_add(
		&actor->log, kind, target->index, endpoint, call, status);
}

void actor_sent(struct actor *actor, const struct target *target,
	unsigned endpoint, const char *call, int status, uint64_t value)
{
	struct history_record *record;

	if (status == WEIR_BROKEN_RESOURCE &&
		plant(PLANT_LATE_SEND, &actor->random))
		status = WEIR_OK;
	else if (status == WEIR_OK && plant(PLANT_TAKEN_BACK, &actor->random))
		status = WEIR_TIMED_OUT;
	else if (status == WEIR_CLOSED_RESOURCE &&
		 plant(PLANT_UNCLOSED, &actor->random))
		status = WEIR_TIMED_OUT;
	record = actor_add(actor, HISTORY_SEND, target, endpoint, call, status);
	record->value = value;
	record->rest = status != WEIR_OK;
}

/* The bug of a receiver that overtakes: what it receives now and what it has
 * received before come in the other order. */
static void swap_with_earlier(struct history_log *log)
{
	struct history_record *now = &log->records[log->count - 1];

	for (struct history_record *earlier = now - 1;
		earlier >= log->records && now - earlier < 32; earlier--) {
		uint64_t value = now->value;

		if (earlier->kind != HISTORY_RECV ||
			earlier->status != WEIR_OK ||
			earlier->channel != now->channel)
			continue;
		now->value = earlier->value;
		earlier->value = value;
		return;
	}
}

void actor_received(struct actor *actor, const struct target *target,
	unsigned endpoint, const char *call, int status, uint64_t value)
{
	struct history_record *record;

	if (status == WEIR_CLOSED_RESOURCE &&
		plant(PLANT_UNCLOSED, &actor->random))
		status = WEIR_TIMED_OUT;
	record = actor_add(actor, HISTORY_RECV, target, endpoint, call, status);
	record->rest = status != WEIR_OK;
	if (status != WEIR_OK)
		return;
	record->value = value;
	if (plant(PLANT_LOST, &actor->random))
		record->kind = HISTORY_LEFT_RECV;
	else if (plant(PLANT_DROPPED_EARLY, &actor->random))
		record->kind = HISTORY_DROPPED;
	else if (plant(PLANT_REORDERED, &actor->random))
		swap_with_earlier(&actor->log);
	else if (plant(PLANT_DOUBLED, &actor->random))
		actor_add(actor, HISTORY_RECV, target, endpoint, call, WEIR_OK)
			->value = value;
}

void actor_drop(void *element, void *context)
{
	const struct target *target = context;
	struct history_record *record;

	if (plant(PLANT_NOT_DROPPED, &me->random))
		return;
	record =
		actor_add(me, me->forcing ? HISTORY_DISPLACED : HISTORY_DROPPED,
			target, 0, "drop", WEIR_OK);
	memcpy(&record->value, element, sizeof(record->value));
}
