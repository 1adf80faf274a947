/* SPDX-License-Identifier: MIT */
/* fixture.h - open a channel of some flavor, send and receive plain numbers.
 *
 * A number travels in an element of any size: its low bytes come first, the
 * rest of the element is a pattern made from it, so that a torn element shows.
 * In elements of 0 bytes all numbers are alike, in elements of 1 byte those
 * that are equal modulo 256; the assertions here know that.
 *
 * Criterion gives each test a process of its own, so the size of the current
 * test's elements is a variable.
 */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include <criterion/criterion.h>

#include <sched.h>
#include <stdalign.h>
#include <stddef.h>

#include <weir.h>

#include "flavors.h"
#include "threads.h"

#define MAX_ELEMENT 4096
#define ELEMENT(name) alignas(max_align_t) unsigned char name[MAX_ELEMENT]
#define TORN UINT64_MAX
#define PAST INT64_C(1) /* a deadline long gone */
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

extern size_t element_size;

/* Open or fail the test; sets element_size. */
void open_flavor(
	const struct flavor *flavor, weir_sender **tx, weir_receiver **rx);
void open_options(
	const weir_options *options, weir_sender **tx, weir_receiver **rx);
weir_options options_of(const struct flavor *flavor);
weir_sender *clone_sender(weir_sender *tx);
weir_receiver *clone_receiver(weir_receiver *rx);
void free_both(weir_sender *tx, weir_receiver *rx);

/* Send 0, 1, 2, ... until a bounded buffer is full; returns how many.  On an
 * unbounded channel it sends ten. */
size_t fill(weir_sender *tx);

/* -- Numbers as elements ------------------------------------------------- */

void fill_element(void *element, uint64_t value);
uint64_t value_of(const void *element); /* TORN if it is none */
uint64_t cut(uint64_t value);           /* what element_size leaves of it */

int send_value(weir_sender *tx, uint64_t value);
int try_send_value(weir_sender *tx, uint64_t value);
int send_value_until(weir_sender *tx, uint64_t value, int64_t deadline_ns);
int recv_value(weir_receiver *rx, uint64_t *value);
int try_recv_value(weir_receiver *rx, uint64_t *value);
int recv_value_until(weir_receiver *rx, uint64_t *value, int64_t deadline_ns);

/* -- Assertions ---------------------------------------------------------- */

#define assert_status(call, want)                                              \
	do {                                                                   \
		int got_ = (call);                                             \
		int want_ = (want);                                            \
		cr_assert(got_ == want_, "%s is %s, not %s", #call,            \
			weir_status_name(got_), weir_status_name(want_));      \
	} while (0)

#define assert_value(call, want)                                               \
	do {                                                                   \
		uint64_t got_ = (call);                                        \
		uint64_t want_ = cut(want);                                    \
		cr_assert(got_ != TORN && cut(got_) == want_,                  \
			"the element is %llu, not %llu",                       \
			(unsigned long long)got_, (unsigned long long)want_);  \
	} while (0)

/* The next element is `want`, and comes in time. */
#define assert_receives(rx, want)                                              \
	do {                                                                   \
		uint64_t value_ = TORN;                                        \
		assert_status(                                                 \
			recv_value_until(rx, &value_, patience_from_now()),    \
			WEIR_OK);                                              \
		assert_value(value_, want);                                    \
	} while (0)

#define assert_sends(tx, value)                                                \
	assert_status(send_value_until(tx, value, patience_from_now()), WEIR_OK)

/* The next element is there already.  A passed deadline is stricter than a
 * try_ call, which may give up while another thread is in the middle. */
#define assert_receives_now(rx, want)                                          \
	do {                                                                   \
		uint64_t value_ = TORN;                                        \
		assert_status(recv_value_until(rx, &value_, PAST), WEIR_OK);   \
		assert_value(value_, want);                                    \
	} while (0)

#define assert_sends_now(tx, value)                                            \
	assert_status(send_value_until(tx, value, PAST), WEIR_OK)

/* One field of the statistics, seen through the sender. */
#define assert_statistic(tx, field, want)                                      \
	do {                                                                   \
		weir_statistics now_;                                          \
		weir_sender_statistics(tx, &now_);                             \
		cr_assert(now_.field == (want), "%s is %llu, not %llu",        \
			#field, (unsigned long long)now_.field,                \
			(unsigned long long)(want));                           \
	} while (0)

/* The channel ended, for every kind of recv, and it stays so. */
#define assert_ended(rx) assert_recv_always(rx, WEIR_END_OF_CHANNEL)
void assert_recv_always(weir_receiver *rx, int want);
void assert_send_always(weir_sender *tx, int want);

#endif
