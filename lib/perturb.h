/* SPDX-License-Identifier: MIT */
/* perturb.h - schedule points: where another thread may come in between.
 *
 * Every atomic operation and futex call passes one.  With --enable-perturb a
 * point yields or naps at random, so that windows of a few instructions, which
 * plain stress runs never hit, are hit within seconds.  Otherwise it is
 * nothing.
 */
#ifndef WI_PERTURB_H
#define WI_PERTURB_H

#include "compiler.h"

#ifdef WEIR_PERTURB
void wi_perturb(void);
#define schedule_point() wi_perturb()
#else
#define schedule_point() ((void)0)
#endif

#endif
