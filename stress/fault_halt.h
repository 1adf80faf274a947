/* SPDX-License-Identifier: MIT */
/* fault_halt.h - what the two processes of fault_halt share. */
#ifndef STRESS_FAULT_HALT_H
#define STRESS_FAULT_HALT_H

#include "stress.h"

#include <sys/types.h>

#define HALT_OTHERS 4

struct halt_page {
	/* A round that may be disturbed, and the last one that was. */
	_Atomic uint64_t ready, done;
	/* The thread to stop: inside a call while `calls` is odd. */
	_Atomic pid_t thread;
	_Atomic uint64_t calls;
	/* The try_ calls that each of the others has had an answer to. */
	_Atomic uint64_t answers[HALT_OTHERS];
	/* The parent steps: who only tries is to leave it some CPU. */
	_Atomic bool stepping;
	/* Written by the parent.  The first other thread that has no answers,
	 * plus 1; where the stopped one is then. */
	_Atomic unsigned stuck;
	_Atomic uint64_t stops, in_library, asleep;
	_Atomic uint64_t answered, fewest;
};

extern struct halt_page *halt;

/* Of the child: rounds with one thread in waiting calls, and others that only
 * try. */
int halt_rounds(int argc, char **argv);

/* Of the parent: can a process be traced here? */
bool halt_is_possible(void);

/* Of the parent: stop that thread, look at the others, let it go. */
void halt_one(pid_t child, struct stress_random *random);

#endif
