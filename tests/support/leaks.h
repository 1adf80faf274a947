/* SPDX-License-Identifier: MIT */
/* leaks.h - let a leak fail the test that made it.
 *
 * Criterion has already called a test passed when LeakSanitizer looks, at the
 * exit of the test's process; so each test asks before its body ends.
 */
#ifndef TESTS_SUPPORT_LEAKS_H
#define TESTS_SUPPORT_LEAKS_H

/* Fails the test if LeakSanitizer is there and finds something. */
void check_leaks(void);

#endif
