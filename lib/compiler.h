/* SPDX-License-Identifier: MIT */
/* compiler.h - what we ask of the compiler beyond C11, in one place. */
#ifndef WI_COMPILER_H
#define WI_COMPILER_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <stddef.h>
#include <stdint.h>

/* What two cores pass between them at once; the unit of false sharing. */
#define CACHE_LINE 64
#define cache_aligned _Alignas(CACHE_LINE)

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* Rarely called: out of the way of what calls it. */
#define COLD __attribute__((cold, noinline))

/* Not rare, but not to be part of the path that calls it either. */
#define OUT_OF_LINE __attribute__((noinline))

/* Part of a path on which each instruction counts, whatever the compiler thinks
 * of its size. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The same address, of which the compiler does not know what lies there. */
static inline void *hide_origin(const void *address)
{
	__asm__("" : "+r"(address));
	return (void *)(uintptr_t)address;
}

/* This thread will write there soon: fetch the line as one's own.  (Of its
 * builtin gcc makes a fetch for reading, unless told that the CPU knows this
 * instruction.  To an x86-64 that does not, but for the first ones of Intel's,
 * it is a no-op.) */
static inline void prefetch_to_write(const void *address)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)address));
#else
	__builtin_prefetch(address, 1);
#endif
}

#ifdef __has_builtin /* gcc knows that word since version 10 */
#if __has_builtin(__builtin_thread_pointer)
#define HAS_THREAD_POINTER
#endif
#endif

/* This thread, among those that run. */
static inline uint64_t this_thread(void)
{
#ifdef HAS_THREAD_POINTER
	return (uintptr_t)__builtin_thread_pointer();
#else
	static __thread char of_this_thread;

	return (uintptr_t)&of_this_thread;
#endif
}

/* The struct that holds `member`, whose address is `pointer`. */
#define container_of(pointer, type, member)                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
