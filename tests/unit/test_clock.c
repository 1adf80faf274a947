/* SPDX-License-Identifier: MIT */
/* test_clock.c - deadlines at the ends of what an int64_t holds; what they are
 * otherwise is in test_backoff.c. */
#include <criterion/criterion.h>

#include <errno.h>
#include <weir/common.h>

#include "clock.h"

#define CLOCK_TEST(name) Test(deadline, name, .timeout = 60)
#define SECOND INT64_C(1000000000)

CLOCK_TEST(saturates_one_short_of_for_ever)
{
	int64_t now = weir_now();

	/* The first of these reach beyond the end, however late it is. */
	for (int64_t less = 1; less < 100; less++)
		cr_assert(wi_deadline_after(INT64_MAX - less) ==
			  WEIR_FOREVER - 1);
	cr_assert(wi_deadline_after(INT64_MAX - now) == WEIR_FOREVER - 1);
}

CLOCK_TEST(is_exact_where_the_sum_still_fits)
{
	int64_t before = weir_now();
	int64_t span = INT64_MAX - before - 1000 * SECOND;
	int64_t deadline = wi_deadline_after(span);

	cr_assert(deadline >= before + span);
	cr_assert(deadline <= weir_now() + span);
	cr_assert(deadline < WEIR_FOREVER - 1);
}

CLOCK_TEST(of_the_smallest_span_is_not_in_the_past)
{
	int64_t before = weir_now();

	cr_assert(wi_deadline_after(1) > before);
}

CLOCK_TEST(of_zero_or_less_has_passed_and_asks_no_clock)
{
	cr_assert(wi_deadline_after(0) == 0);
	cr_assert(wi_deadline_after(-1) == 0);
	cr_assert(wi_deadline_after(INT64_MIN) == 0);
}

CLOCK_TEST(one_short_of_for_ever_has_not_passed)
{
	cr_assert(!wi_deadline_passed(WEIR_FOREVER - 1));
	cr_assert(!wi_deadline_passed(WEIR_FOREVER));
}

CLOCK_TEST(passes_when_the_clock_gets_there)
{
	int64_t deadline = weir_now() + 2000000;

	while (!wi_deadline_passed(deadline))
		cr_assert(weir_now() < deadline + 50 * SECOND);
	cr_assert(weir_now() >= deadline);
}

CLOCK_TEST(the_clock_never_goes_back)
{
	int64_t last = weir_now();

	for (int i = 0; i < 10000; i++) {
		int64_t now = weir_now();

		cr_assert(now >= last);
		last = now;
	}
}
