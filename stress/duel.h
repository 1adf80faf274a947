/* SPDX-License-Identifier: MIT */
/* duel.h - two threads, one channel, one close. */
#ifndef STRESS_DUEL_H
#define STRESS_DUEL_H

#include "stress.h"

/* Fight some duels of one random kind; returns how many. */
uint64_t stress_duel_round(struct stress_random *random);

#endif
