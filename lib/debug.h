/* SPDX-License-Identifier: MIT */
/* debug.h - invariants, checked where configured with --enable-debug. */
#ifndef WI_DEBUG_H
#define WI_DEBUG_H

#include "compiler.h"

#ifdef WEIR_DEBUG
#include <stdio.h>
#include <stdlib.h>

/* A broken invariant: say where, and stop before it does harm. */
#define invariant(condition)                                                   \
	((condition) ? (void)0                                                 \
		     : (fprintf(stderr, "weir: %s:%d: broken invariant: %s\n", \
				__FILE__, __LINE__, #condition),               \
			       abort()))
#else
/* Not evaluated, yet compiled, so that it does not rot. */
#define invariant(condition) ((void)sizeof(condition))
#endif

#endif
