/* SPDX-License-Identifier: MIT */
/* pause.c - see pause.h. */
#include "pause.h"

#define MOST_DOUBLINGS 5

void wi_pause_after_loss(unsigned losses)
{
	unsigned doublings = losses < MOST_DOUBLINGS ? losses : MOST_DOUBLINGS;

	for (unsigned i = 0; i < 1u << doublings; i++)
		cpu_pause();
}
