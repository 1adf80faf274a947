/* SPDX-License-Identifier: MIT */
/* clock.h - deadlines on CLOCK_MONOTONIC, in nanoseconds, without overflow. */
#ifndef WI_CLOCK_H
#define WI_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The deadline `timeout` nanoseconds from now; WEIR_FOREVER stays so, zero and
 * less is a deadline that has passed. */
int64_t wi_deadline_after(int64_t timeout);

bool wi_deadline_passed(int64_t deadline);

/* Will it have passed `span` nanoseconds, of at least 0, from now? */
bool wi_deadline_is_near(int64_t deadline, int64_t span);

/* CPU time that all threads of the process have used, in ns.  A system call. */
int64_t wi_cpu_time(void);

#endif
