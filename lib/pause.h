/* SPDX-License-Identifier: MIT */
/* pause.h - to leave a line alone for a moment. */
#ifndef WI_PAUSE_H
#define WI_PAUSE_H

#include "compiler.h"

static inline void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
	__asm__ __volatile__("yield");
#else
	__asm__ __volatile__("");
#endif
}

/* Another thread was faster, for the `losses`th time in a call, with a word
 * that both would change: leave it alone, for a time that doubles with each
 * loss, up to a microsecond or so.  Who has won then finds the word in its own
 * cache for the next element, and the one after that; two that try at once pass
 * the line to and fro for each [Anderson, "The Performance of Spin Lock
 * Alternatives for Shared-Memory Multiprocessors", 1990].  Apart, since it is
 * rarely called. */
void wi_pause_after_loss(unsigned losses) COLD;

#endif
