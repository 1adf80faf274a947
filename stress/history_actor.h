/* SPDX-License-Identifier: MIT */
/* history_actor.h - what the calls of stress_history share. */
#ifndef STRESS_HISTORY_ACTOR_H
#define STRESS_HISTORY_ACTOR_H

#include "history_calls.h"

/* An element that there has not been before. */
uint64_t actor_fresh(struct actor *actor);

int64_t actor_deadline(struct actor *actor);

/* Write down what a call did; the last two with planted bugs. */
struct history_record *actor_add(struct actor *actor, enum history_kind kind,
	const struct target *target, unsigned endpoint, const char *call,
	int status);
void actor_sent(struct actor *actor, const struct target *target,
	unsigned endpoint, const char *call, int status, uint64_t value);
void actor_received(struct actor *actor, const struct target *target,
	unsigned endpoint, const char *call, int status, uint64_t value);

/* history_select.c */
int actor_select(struct actor *actor);

#endif
