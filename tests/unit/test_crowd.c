/* SPDX-License-Identifier: MIT */
/* test_crowd.c - whether other programs want the same CPUs. */
#include <criterion/criterion.h>

#include <weir/common.h>

#include "clock.h"
#include "crowd.h"

#define CROWD_TEST(name) Test(crowd, name, .timeout = 60)
#define MS INT64_C(1000000)
#define CPUS 2

/* Two samples: the process had `used` of `elapsed` ns on each of two CPUs. */
static bool judge(int64_t start, int64_t elapsed, int64_t used)
{
	struct crowd crowd;

	wi_crowd_init(&crowd);
	cr_assert(!wi_crowd_is_foreign(&crowd, start, start / 3, CPUS));
	return wi_crowd_is_foreign(
		&crowd, start + elapsed, start / 3 + CPUS * used, CPUS);
}

CROWD_TEST(who_has_all_cpus_is_alone)
{
	cr_assert(!judge(1000 * MS, 10 * MS, 10 * MS));
	cr_assert(!judge(1000 * MS, 99 * MS, 99 * MS));
	cr_assert(!judge(1000 * MS, 10 * MS, 8 * MS));
}

CROWD_TEST(who_has_less_is_not)
{
	cr_assert(judge(1000 * MS, 10 * MS, 7 * MS));
	cr_assert(judge(1000 * MS, 10 * MS, 5 * MS));
	cr_assert(judge(1000 * MS, 10 * MS, 0));
}

CROWD_TEST(what_was_long_ago_does_not_count)
{
	cr_assert(!judge(1000 * MS, 101 * MS, 0));
	cr_assert(!judge(1000 * MS, 10000 * MS, 0));
}

CROWD_TEST(both_clocks_may_wrap)
{
	int64_t wrap = INT64_C(1) << 48;

	cr_assert(judge(wrap - 5 * MS, 10 * MS, 5 * MS));
	cr_assert(!judge(wrap - 5 * MS, 10 * MS, 10 * MS));
	cr_assert(judge(3 * wrap - 6 * MS, 10 * MS, 5 * MS));
	cr_assert(!judge(3 * wrap - 6 * MS, 10 * MS, 10 * MS));
}

CROWD_TEST(too_soon_the_last_answer_holds)
{
	struct crowd crowd;

	wi_crowd_init(&crowd);
	wi_crowd_is_foreign(&crowd, 1000 * MS, 0, CPUS);
	/* Not by a sample of its own, which would tell little. */
	cr_assert(!wi_crowd_is_foreign(&crowd, 1001 * MS, 0, CPUS));
	cr_assert(wi_crowd_is_foreign(&crowd, 1010 * MS, 0, CPUS));
	cr_assert(wi_crowd_is_foreign(&crowd, 1011 * MS, 2 * MS, CPUS));
	/* From 1010 on. */
	cr_assert(!wi_crowd_is_foreign(&crowd, 1020 * MS, 20 * MS, CPUS));
	cr_assert(!wi_crowd_is_foreign(&crowd, 1021 * MS, 20 * MS, CPUS));
}

CROWD_TEST(on_one_cpu_all_of_it_is_enough)
{
	struct crowd crowd;

	wi_crowd_init(&crowd);
	wi_crowd_is_foreign(&crowd, 1000 * MS, 0, 1);
	cr_assert(!wi_crowd_is_foreign(&crowd, 1010 * MS, 10 * MS, 1));
	cr_assert(wi_crowd_is_foreign(&crowd, 1020 * MS, 15 * MS, 1));
}

CROWD_TEST(cpu_time_is_what_all_threads_have_used)
{
	int64_t before = wi_cpu_time(), start = weir_now();

	while (wi_cpu_time() - before < MS)
		cr_assert(weir_now() - start < 50000 * MS);
}
