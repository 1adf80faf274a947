/* SPDX-License-Identifier: MIT */
/* drops.h - a drop callback that writes down what it is given. */
#ifndef TESTS_SUPPORT_DROPS_H
#define TESTS_SUPPORT_DROPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <weir.h>

#define DROPS_KEPT 4096

struct drops {
	_Atomic uint64_t n;
	_Atomic uint64_t misaligned;      /* less than was promised */
	_Atomic uint64_t torn;            /* not an element that was sent */
	uint64_t values[DROPS_KEPT];      /* the first ones, in order */
	pthread_t threads[DROPS_KEPT];    /* that dropped them */
	_Atomic uint8_t seen[DROPS_KEPT]; /* times that a value came */
};

/* Zero `drops` and put it into `options`. */
void drops_init(struct drops *drops, weir_options *options);

/* Assert that there were n drops, of whole and aligned elements. */
void drops_settled(struct drops *drops, uint64_t n);

#endif
