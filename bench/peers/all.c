/* SPDX-License-Identifier: MIT */
/* all.c - Weir, what it is compared with, and the floors. */
#include "../bench.h"

#define EACH_SIZE(what, name) what(name##_8) what(name##_32) what(name##_256)
#define DECLARE(name) extern const struct bench_peer bench_##name;
#define NAME(name) &bench_##name,

#define ALL(what)                                                              \
	what(weir) what(mutex_cond) EACH_SIZE(what, crossbeam) EACH_SIZE(what, \
		flume) EACH_SIZE(what, std) EACH_SIZE(what, std_unbounded)     \
		what(go_thread) EACH_SIZE(what, tbb)                           \
			EACH_SIZE(what, moodycamel) what(glib) what(apr)       \
				what(go) EACH_SIZE(what, ck_ring)              \
					EACH_SIZE(what, ck_ring_sp)            \
						what(vyukov) what(spsc_ring)

ALL(DECLARE)

const struct bench_peer *const bench_peers[] = {ALL(NAME) NULL};
