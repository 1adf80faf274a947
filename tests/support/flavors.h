/* SPDX-License-Identifier: MIT */
/* flavors.h - one test body, run over every flavor for which it makes sense.
 *
 *	EVERY_FLAVOR(close, closing_twice_does_nothing)
 *	{
 *		weir_sender *tx;
 *		weir_receiver *rx;
 *
 *		open_flavor(flavor, &tx, &rx);
 *		...
 *	}
 *
 * Each flavor gets a Criterion test of its own, so that a failure names it:
 * close::closing_twice_does_nothing__rendezvous.  Which set to choose:
 *
 *	EVERY_FLAVOR	all of them
 *	CAN_BE_FULL	all that make a sender wait: rendezvous and bounded
 *	HAS_BUFFER	all that hold an element: bounded and unbounded
 *	BOUNDED		capacities 1 and up
 *	RENDEZVOUS	capacity 0
 *	UNBOUNDED	no limit
 *	ONE_CASE	no flavor: a single test, without `flavor`
 *
 * The element sizes are spread over the capacities; test_elements.c runs the
 * full product of both.
 */
#ifndef TESTS_SUPPORT_FLAVORS_H
#define TESTS_SUPPORT_FLAVORS_H

#include <criterion/criterion.h>

#include <weir.h>

#include "leaks.h"

/* Criterion kills a test after so many seconds; what waits inside a test gives
 * up earlier (see threads.h) and says on what. */
#define TEST_SECONDS 120

struct flavor {
	const char *label;
	size_t capacity;
	size_t element_size;
};

/* clang-format off */
#ifdef TESTS_TOGETHER
/* One process for all flavors of a test: where a process is dear, as under a
 * sanitizer.  `--verbose` says which flavor runs. */
#define FLAVOR_CASE(suite, name, named, capacity, element_size)               \
	{                                                                      \
		static const struct flavor it = {                              \
			#named, (capacity), (element_size)};                   \
		cr_log_info("%s\n", it.label);                                 \
		suite##_##name(&it);                                           \
		check_leaks();                                                 \
	}

#define FLAVOR_TESTS(suite, name, ...)                                        \
	Test(suite, name, .timeout = TEST_SECONDS) { __VA_ARGS__ }
#else
#define FLAVOR_CASE(suite, name, named, capacity, element_size)               \
	Test(suite, name##__##named, .timeout = TEST_SECONDS)                  \
	{                                                                      \
		static const struct flavor it = {                              \
			#named, (capacity), (element_size)};                   \
		suite##_##name(&it);                                           \
		check_leaks();                                                 \
	}

#define FLAVOR_TESTS(suite, name, ...) __VA_ARGS__
#endif

/* A test for each of the FLAVOR_CASEs; what follows is its body. */
#define FOR_FLAVORS(suite, name, ...)                                         \
	static void suite##_##name(const struct flavor *flavor);               \
	FLAVOR_TESTS(suite, name, __VA_ARGS__)                                 \
	static void suite##_##name(const struct flavor *flavor)

#define FLAVORS_RENDEZVOUS(suite, name)                                        \
	FLAVOR_CASE(suite, name, rendezvous, 0, 8)                             \
	FLAVOR_CASE(suite, name, rendezvous_of_4096, 0, 4096)

#define FLAVORS_BOUNDED(suite, name)                                           \
	FLAVOR_CASE(suite, name, one, 1, 24)                                   \
	FLAVOR_CASE(suite, name, two, 2, 8)                                    \
	FLAVOR_CASE(suite, name, two_of_nothing, 2, 0)                         \
	FLAVOR_CASE(suite, name, three_of_one, 3, 1)                           \
	FLAVOR_CASE(suite, name, sixty_four, 64, 8)                            \
	FLAVOR_CASE(suite, name, thousand, 1000, 24)

#define FLAVORS_UNBOUNDED(suite, name)                                         \
	FLAVOR_CASE(suite, name, unbounded, WEIR_UNBOUNDED, 8)                 \
	FLAVOR_CASE(suite, name, unbounded_of_4096, WEIR_UNBOUNDED, 4096)

#define EVERY_FLAVOR(suite, name)                                              \
	FOR_FLAVORS(suite, name, FLAVORS_RENDEZVOUS(suite, name)               \
		FLAVORS_BOUNDED(suite, name)                                   \
		FLAVORS_UNBOUNDED(suite, name))

#define CAN_BE_FULL(suite, name)                                               \
	FOR_FLAVORS(suite, name, FLAVORS_RENDEZVOUS(suite, name)               \
		FLAVORS_BOUNDED(suite, name))

#define HAS_BUFFER(suite, name)                                                \
	FOR_FLAVORS(suite, name, FLAVORS_BOUNDED(suite, name)                  \
		FLAVORS_UNBOUNDED(suite, name))

#define BOUNDED(suite, name)                                                   \
	FOR_FLAVORS(suite, name, FLAVORS_BOUNDED(suite, name))

#define RENDEZVOUS(suite, name)                                                \
	FOR_FLAVORS(suite, name, FLAVORS_RENDEZVOUS(suite, name))

#define UNBOUNDED(suite, name)                                                 \
	FOR_FLAVORS(suite, name, FLAVORS_UNBOUNDED(suite, name))

#define ONE_CASE(suite, name)                                                  \
	static void suite##_##name(void);                                      \
	Test(suite, name, .timeout = TEST_SECONDS)                             \
	{                                                                      \
		suite##_##name();                                              \
		check_leaks();                                                 \
	}                                                                      \
	static void suite##_##name(void)
/* clang-format on */

#endif
