/* SPDX-License-Identifier: MIT */
/* failing.c - see failing.h. */
#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Thread_local uint64_t countdown, then_every, failed;
static _Atomic int64_t live;

void failing_set(uint64_t at, uint64_t every)
{
	countdown = at;
	then_every = every;
	failed = 0;
}

uint64_t failing_count(void)
{
	return failed;
}

int64_t failing_live(void)
{
	return atomic_load(&live);
}

#if defined(__SANITIZE_THREAD__)
#define LEAVE_ALONE
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LEAVE_ALONE
#endif
#endif

#ifdef LEAVE_ALONE
const bool can_fail = false;
#else
const bool can_fail = true;

static bool is_due(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	countdown = then_every;
	failed++;
	return true;
}

static void *count_in(void *block)
{
	if (block != NULL)
		atomic_fetch_add(&live, 1);
	return block;
}

static void count_out(void)
{
	atomic_fetch_add(&live, -1);
}

/* The next definition after ours. */
#define NEXT(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

void *malloc(size_t size)
{
	static void *(*_Atomic next)(size_t);

	if (next == NULL)
		next = NEXT(malloc);
	if (is_due()) {
		errno = ENOMEM;
		return NULL;
	}
	return count_in(next(size));
}

void *calloc(size_t count, size_t size)
{
	static void *(*_Atomic next)(size_t, size_t);

	if (next == NULL)
		next = NEXT(calloc);
	if (is_due()) {
		errno = ENOMEM;
		return NULL;
	}
	return count_in(next(count, size));
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	static int (*_Atomic next)(void **, size_t, size_t);
	int status;

	if (next == NULL)
		next = NEXT(posix_memalign);
	if (is_due())
		return ENOMEM;
	status = next(block, alignment, size);
	if (status == 0)
		count_in(*block);
	return status;
}

/* dlsym may itself free the message of a failure before: that waits until it has
 * told us where free is. */
void free(void *block)
{
	static void (*_Atomic next)(void *);
	static _Thread_local bool looking;
	static _Thread_local void *late;

	if (looking) {
		late = block;
		return;
	}
	if (next == NULL) {
		looking = true;
		next = NEXT(free);
		looking = false;
		next(late);
	}
	if (block != NULL)
		count_out();
	next(block);
}

void *mmap(void *where, size_t size, int protection, int flags, int file,
	off_t offset)
{
	static void *(*_Atomic next)(void *, size_t, int, int, int, off_t);
	void *block;

	if (next == NULL)
		next = NEXT(mmap);
	if (is_due()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	block = next(where, size, protection, flags, file, offset);
	if (block != MAP_FAILED)
		count_in(block);
	return block;
}

int munmap(void *block, size_t size)
{
	static int (*_Atomic next)(void *, size_t);

	if (next == NULL)
		next = NEXT(munmap);
	count_out();
	return next(block, size);
}
#endif
