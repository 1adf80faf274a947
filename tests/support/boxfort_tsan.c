/* SPDX-License-Identifier: MIT */
/* boxfort_tsan.c - lets Criterion run under ThreadSanitizer.
 *
 * Criterion runs each test in a process of its own through BoxFort, which puts
 * the arena that they share at an address chosen by rand_r().  ThreadSanitizer
 * refuses to map anything outside of what it takes for a program's memory, and
 * Criterion gives up ("Could not initialize inheritable arena").  This rand_r
 * gives numbers that lead into a region that is allowed: BoxFort computes
 * 0x200000000000 + r * 2^24, which makes 0x551000000000 and up, below where
 * position-independent programs are loaded.  Linked into TSan builds only.
 *
 * A data race is printed but fails no test, because the test's process says
 * "passed" before it exits; so the first report ends it.
 */
#include <stdlib.h>

#define FIRST 0x351000u /* (0x551000000000 - 0x200000000000) / 2^24 */
#define STEP 0x100u     /* 4 GiB: more than an arena takes */

const char *__tsan_default_options(void);

int rand_r(unsigned int *seed)
{
	static unsigned int calls;

	(void)seed;
	return (int)(FIRST + STEP * (calls++ % 64));
}

const char *__tsan_default_options(void)
{
	return "halt_on_error=1:second_deadlock_stack=1";
}
