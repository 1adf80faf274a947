/* SPDX-License-Identifier: MIT */
/* criterion.h - the part of Criterion that our tests use, in a hundred lines.
 *
 * For machines that have no Criterion: where Debian does not build it, and under
 * an emulator, where Criterion cannot start its own program once more.  Here a
 * test is a fork of the runner, so a failed assertion simply leaves the process.
 * What is printed last is Criterion's closing line, for scripts that count.
 *
 * The configure arguments CRITERION_CFLAGS="-isystem <the directory above>" and
 * CRITERION_LIBS=<an archive of plain.c> choose it; see script/cross.
 */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plain_options {
	double timeout; /* seconds; 0: a minute */
	int exit_code;  /* that the test must leave with */
};

struct plain_test {
	const char *suite;
	const char *name;
	void (*run)(void);
	struct plain_options options;
	struct plain_test *next;
};

void plain_register(struct plain_test *test);
_Noreturn void plain_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void plain_fail(const char *file, int line, const char *condition,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* clang-format off */
#define Test(suite_, name_, ...)                                               \
	static void plain_run_##suite_##_##name_(void);                        \
	static struct plain_test plain_##suite_##_##name_ = {                  \
		#suite_, #name_, plain_run_##suite_##_##name_,                 \
		{__VA_ARGS__}, NULL};                                          \
	__attribute__((constructor)) static void                               \
		plain_register_##suite_##_##name_(void)                        \
	{                                                                      \
		plain_register(&plain_##suite_##_##name_);                     \
	}                                                                      \
	static void plain_run_##suite_##_##name_(void)
/* clang-format on */

/* The message may be left out, which is no warning in a system header: include
 * this one by -isystem. */
#define cr_assert(condition, ...)                                              \
	do {                                                                   \
		if (!(condition))                                              \
			plain_fail(__FILE__, __LINE__, #condition,             \
				"" __VA_ARGS__);                               \
	} while (0)
#define cr_assert_fail(...) plain_fail(__FILE__, __LINE__, "", "" __VA_ARGS__)
#define cr_assert_str_eq(a, b) cr_assert(strcmp((a), (b)) == 0)
#define cr_assert_str_neq(a, b) cr_assert(strcmp((a), (b)) != 0)
#define cr_skip_test(...) plain_skip("" __VA_ARGS__)

#endif
