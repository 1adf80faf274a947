/* SPDX-License-Identifier: MIT */
/* leaks.c - ask LeakSanitizer, where the build has one. */
#include "leaks.h"

#include <criterion/criterion.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_LSAN 1
#endif
#endif

#ifdef WITH_LSAN
#include <sanitizer/lsan_interface.h>

const char *__asan_default_options(void);

/* Parked waiters live on their threads' stacks, so a waker that comes too late
 * is only seen with this option.  An allocation that is refused is a result
 * here, not an error. */
const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=1:allocator_may_return_null=1";
}
#endif

void check_leaks(void)
{
#ifdef WITH_LSAN
	cr_assert(__lsan_do_recoverable_leak_check() == 0,
		"memory was leaked, see the report of LeakSanitizer above");
#endif
}
