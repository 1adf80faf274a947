/* SPDX-License-Identifier: MIT */
/* history_plant.h - bugs that are planted, to see that they are found.
 *
 * The library has none of them: what is written down is made wrong, as a
 * channel with such a bug would have it.
 */
#ifndef STRESS_HISTORY_PLANT_H
#define STRESS_HISTORY_PLANT_H

#include "fifo_check.h"
#include "stress.h"

enum plant {
	PLANT_NOTHING,
	PLANT_LOST,            /* an element is received by nobody */
	PLANT_DOUBLED,         /* ... twice */
	PLANT_REORDERED,       /* ... before one that is older */
	PLANT_REORDERED_BATCH, /* ... likewise, in one recv_many */
	PLANT_LATE_SEND,       /* a send is accepted when it was broken */
	PLANT_EARLY_END,       /* END_OF_CHANNEL before the end */
	PLANT_EARLY_BREAK,     /* BROKEN_RESOURCE before the break */
	PLANT_EMPTY,           /* a try_recv WOULD_BLOCK */
	PLANT_EMPTY_LATE,      /* a recv TIMED_OUT */
	PLANT_FULL,            /* a try_send WOULD_BLOCK */
	PLANT_FULL_LATE,       /* a send TIMED_OUT */
	PLANT_TOO_MANY,        /* a send returns before there is room */
	PLANT_NO_PARTNER,      /* a send returns before there is a receiver */
	PLANT_TAKEN_BACK,      /* a send TIMED_OUT, and it was accepted */
	PLANT_DISPLACED_TWICE,
	PLANT_DISPLACED_EARLY, /* though the buffer was not full */
	PLANT_REFUSED_FORCE,
	PLANT_NOT_DROPPED,
	PLANT_DROPPED_EARLY, /* while a receiver is open */
	PLANT_UNCLOSED,      /* another answer than CLOSED_RESOURCE */
	PLANTS
};

/* Take `-b KIND` out of the arguments, if it comes first; exits if there is no
 * such kind. */
void plant_option(int *argc, char ***argv);

/* Is it this one that is to be planted, here and now? */
bool plant(enum plant kind, struct stress_random *random);

/* Found: say so, or else fail.  Without a plant: nothing. */
void plant_settle(const struct fifo_result *result);

/* The name of what is planted; NULL: nothing. */
const char *plant_name(void);

/* False once it has been found. */
bool plant_goes_on(void);

#endif
