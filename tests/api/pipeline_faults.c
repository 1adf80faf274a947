/* SPDX-License-Identifier: MIT */
/* pipeline_faults.c - pthread_create and the allocator, failing when told to.
 *
 * The definitions here come before those of libc (and of a sanitizer), which
 * they call.  Only calls of the thread that has asked for it fail, so that the
 * rest of the process, Criterion for one, goes on undisturbed.
 *
 * ThreadSanitizer's allocator is needed before it can be looked up, so there
 * the allocator is left alone.
 */
#include "pipeline_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

_Thread_local long fail_thread_at;
_Thread_local int fail_thread_with = EAGAIN;
_Thread_local long fail_memory_at;

static bool is_due(long *countdown)
{
	return *countdown > 0 && --*countdown == 0;
}

/* The next definition after ours. */
#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*start)(void *), void *argument)
{
	if (is_due(&fail_thread_at))
		return fail_thread_with;
	return NEXT(pthread_create)(thread, attributes, start, argument);
}

#ifdef __SANITIZE_THREAD__
const bool can_fail_memory = false;
#else
const bool can_fail_memory = true;

void *malloc(size_t size)
{
	static void *(*_Atomic next)(size_t);

	if (next == NULL)
		next = NEXT(malloc);
	if (is_due(&fail_memory_at)) {
		errno = ENOMEM;
		return NULL;
	}
	return next(size);
}

void *calloc(size_t count, size_t size)
{
	static void *(*_Atomic next)(size_t, size_t);

	if (next == NULL)
		next = NEXT(calloc);
	if (is_due(&fail_memory_at)) {
		errno = ENOMEM;
		return NULL;
	}
	return next(count, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	static int (*_Atomic next)(void **, size_t, size_t);

	if (next == NULL)
		next = NEXT(posix_memalign);
	if (is_due(&fail_memory_at))
		return ENOMEM;
	return next(block, alignment, size);
}
#endif
