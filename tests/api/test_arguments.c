/* SPDX-License-Identifier: MIT */
/* test_arguments.c - NULL, the order of checks, errno, untouched outputs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

/* Everything below must leave errno as it is. */
#define MARK 4711
#define assert_errno_kept() cr_assert(errno == MARK, "errno is %d", errno)

ONE_CASE(arguments, a_null_sender_is_invalid)
{
	char element[8] = "element";
	weir_sender *clone = NULL;
	size_t n = 77;

	assert_status(weir_send(NULL, element), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_send(NULL, element), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_until(NULL, element, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_for(NULL, element, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_send_many(NULL, element, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_send_many(NULL, element, 1, &n),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many_until(NULL, element, 1, &n, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many_for(NULL, element, 1, &n, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send(NULL, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_sender_clone(NULL, &clone), WEIR_INVALID_ARGUMENT);
	cr_assert(n == 77 && clone == NULL);
}

ONE_CASE(arguments, a_null_receiver_is_invalid)
{
	char element[8] = "element";
	weir_receiver *clone = NULL;
	size_t n = 77;

	assert_status(weir_recv(NULL, element), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_recv(NULL, element), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_until(NULL, element, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_for(NULL, element, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_recv_many(NULL, element, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_recv_many(NULL, element, 1, &n),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many_until(NULL, element, 1, &n, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many_for(NULL, element, 1, &n, WEIR_FOREVER),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv(NULL, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_sized(NULL, element, 8), WEIR_INVALID_ARGUMENT);
	assert_status(weir_receiver_clone(NULL, &clone), WEIR_INVALID_ARGUMENT);
	cr_assert(n == 77 && clone == NULL);
	cr_assert_str_eq(element, "element");
}

ONE_CASE(arguments, a_null_endpoint_answers_as_a_closed_and_empty_one)
{
	weir_statistics now, zeros;
	weir_sender *no_sender = NULL;
	weir_receiver *no_receiver = NULL;
	weir_sender *tx;
	weir_receiver *rx;

	weir_sender_close(NULL);
	weir_receiver_close(NULL);
	weir_sender_free(NULL);
	weir_receiver_free(NULL);
	weir_receiver_shut(NULL);
	weir_sender_scope_end(&no_sender);
	weir_receiver_scope_end(&no_receiver);
	cr_assert(weir_sender_is_closed(NULL));
	cr_assert(weir_receiver_is_closed(NULL));
	cr_assert(weir_sender_length(NULL) == 0);
	cr_assert(weir_receiver_length(NULL) == 0);
	cr_assert(weir_sender_capacity(NULL) == 0);
	cr_assert(weir_receiver_capacity(NULL) == 0);

	memset(&zeros, 0, sizeof(zeros));
	memset(&now, 0xff, sizeof(now));
	weir_sender_statistics(NULL, &now);
	cr_assert(memcmp(&now, &zeros, sizeof(now)) == 0);
	memset(&now, 0xff, sizeof(now));
	weir_receiver_statistics(NULL, &now);
	cr_assert(memcmp(&now, &zeros, sizeof(now)) == 0);

	assert_status(weir_open(1, 1, &tx, &rx), WEIR_OK);
	weir_sender_statistics(tx, NULL);
	weir_receiver_statistics(rx, NULL);
	weir_sender_statistics(NULL, NULL);
	weir_receiver_statistics(NULL, NULL);
	cr_assert(!weir_same_channel(NULL, rx));
	cr_assert(!weir_same_channel(tx, NULL));
	cr_assert(!weir_same_channel(NULL, NULL));
	cr_assert(!weir_sender_same(tx, NULL));
	cr_assert(!weir_sender_same(NULL, tx));
	cr_assert(!weir_sender_same(NULL, NULL));
	cr_assert(!weir_receiver_same(rx, NULL));
	cr_assert(!weir_receiver_same(NULL, rx));
	cr_assert(!weir_receiver_same(NULL, NULL));
	free_both(tx, rx);
}

ONE_CASE(arguments, a_null_scope_pointer_is_no_crash)
{
	weir_sender_scope_end(NULL);
	weir_receiver_scope_end(NULL);
}

/* Also: INVALID_ARGUMENT comes before CLOSED_RESOURCE and before anything is
 * done, so the channel is as it was. */
static void null_elements(weir_sender *tx, weir_receiver *rx)
{
	size_t n = 77;

	assert_status(weir_send(tx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_send(tx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_until(tx, NULL, PAST), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_for(tx, NULL, 0), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many(tx, NULL, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_try_send_many(tx, NULL, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many_until(tx, NULL, 1, &n, PAST),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_send_many_for(tx, NULL, 1, &n, 0), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv(rx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_recv(rx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_until(rx, NULL, PAST), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_for(rx, NULL, 0), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many(rx, NULL, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_try_recv_many(rx, NULL, 1, &n), WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many_until(rx, NULL, 1, &n, PAST),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_recv_many_for(rx, NULL, 1, &n, 0), WEIR_INVALID_ARGUMENT);
	assert_status(weir_sender_clone(tx, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_receiver_clone(rx, NULL), WEIR_INVALID_ARGUMENT);
	cr_assert(n == 77);
}

EVERY_FLAVOR(arguments, a_null_element_is_invalid_where_elements_have_bytes)
{
	weir_sender *tx;
	weir_receiver *rx;

	if (flavor->element_size == 0)
		return;
	open_flavor(flavor, &tx, &rx);
	null_elements(tx, rx);
	assert_statistic(tx, sent, 0);
	assert_statistic(tx, received, 0);
	assert_statistic(tx, open_senders, 1);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	null_elements(tx, rx);
	free_both(tx, rx);
}

EVERY_FLAVOR(arguments, a_null_count_is_invalid)
{
	ELEMENT(element);
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill_element(element, 1);
	assert_status(
		weir_send_many(tx, element, 1, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_send_many(tx, element, 1, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many_until(tx, element, 1, NULL, PAST),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_send_many_for(tx, element, 1, NULL, 0),
		WEIR_INVALID_ARGUMENT);
	assert_status(
		weir_recv_many(rx, element, 1, NULL), WEIR_INVALID_ARGUMENT);
	assert_status(weir_try_recv_many(rx, element, 1, NULL),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many_until(rx, element, 1, NULL, PAST),
		WEIR_INVALID_ARGUMENT);
	assert_status(weir_recv_many_for(rx, element, 1, NULL, 0),
		WEIR_INVALID_ARGUMENT);
	assert_statistic(tx, sent, 0);
	free_both(tx, rx);
}

ONE_CASE(arguments, null_is_an_element_of_no_bytes)
{
	size_t n = 0;
	weir_sender *tx;
	weir_receiver *rx;

	assert_status(weir_open(3, 0, &tx, &rx), WEIR_OK);
	assert_status(weir_send(tx, NULL), WEIR_OK);
	assert_status(weir_try_send(tx, NULL), WEIR_OK);
	assert_status(weir_try_send_many(tx, NULL, 2, &n), WEIR_WOULD_BLOCK);
	cr_assert(n == 1);
	assert_status(weir_recv(rx, NULL), WEIR_OK);
	assert_status(weir_recv_many(rx, NULL, 5, &n), WEIR_OK);
	cr_assert(n == 2);
	free_both(tx, rx);
}

/* send: CLOSED before BROKEN before room. */
EVERY_FLAVOR(arguments, a_closed_sender_says_closed_even_when_broken)
{
	weir_sender *tx, *other;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	other = clone_sender(tx);
	weir_receiver_close(rx);
	weir_sender_close(tx);
	assert_send_always(tx, WEIR_CLOSED_RESOURCE);
	assert_send_always(other, WEIR_BROKEN_RESOURCE);
	weir_sender_free(other);
	free_both(tx, rx);
}

/* recv: CLOSED before an element. */
HAS_BUFFER(
	arguments, a_closed_receiver_says_closed_even_when_there_are_elements)
{
	weir_sender *tx;
	weir_receiver *rx, *other;

	open_flavor(flavor, &tx, &rx);
	other = clone_receiver(rx);
	assert_sends_now(tx, 5);
	weir_receiver_close(rx);
	assert_recv_always(rx, WEIR_CLOSED_RESOURCE);
	assert_receives_now(other, 5);
	weir_receiver_free(other);
	free_both(tx, rx);
}

EVERY_FLAVOR(arguments, a_closed_receiver_says_closed_even_after_the_end)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	assert_ended(rx);
	weir_receiver_close(rx);
	assert_recv_always(rx, WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
}

/* recv: an element before END_OF_CHANNEL. */
HAS_BUFFER(arguments, a_receiver_gives_what_is_there_before_the_end)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	assert_sends_now(tx, 5);
	weir_sender_close(tx);
	assert_receives_now(rx, 5);
	assert_ended(rx);
	free_both(tx, rx);
}

/* recv: END_OF_CHANNEL before WOULD_BLOCK and TIMED_OUT; send: BROKEN before
 * them. */
CAN_BE_FULL(arguments, end_and_break_come_before_would_block)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	assert_ended(rx);
	free_both(tx, rx);

	open_flavor(flavor, &tx, &rx);
	fill(tx);
	weir_receiver_close(rx);
	assert_send_always(tx, WEIR_BROKEN_RESOURCE);
	free_both(tx, rx);
}

/* A recv that must fail with `want`, and leave the element alone. */
static void untouched(weir_receiver *rx, int try, int until)
{
	ELEMENT(element);
	ELEMENT(before);
	size_t n = 77;

	memset(element, 0x5a, sizeof(element));
	memcpy(before, element, sizeof(element));
	assert_status(weir_try_recv(rx, element), try);
	assert_status(weir_recv_until(rx, element, PAST), until);
	assert_status(weir_recv_for(rx, element, 0), until);
	assert_status(weir_try_recv_many(rx, element, 1, &n), try);
	cr_assert(n == 0);
	n = 77;
	assert_status(weir_recv_many_until(rx, element, 1, &n, PAST), until);
	cr_assert(n == 0);
	cr_assert(memcmp(element, before, sizeof(element)) == 0);
}

EVERY_FLAVOR(arguments, a_recv_that_fails_leaves_the_element_untouched)
{
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	untouched(rx, WEIR_WOULD_BLOCK, WEIR_TIMED_OUT);
	weir_sender_close(tx);
	untouched(rx, WEIR_END_OF_CHANNEL, WEIR_END_OF_CHANNEL);
	weir_receiver_close(rx);
	untouched(rx, WEIR_CLOSED_RESOURCE, WEIR_CLOSED_RESOURCE);
	free_both(tx, rx);
}

static bool are_all(const unsigned char *bytes, size_t n, unsigned char value)
{
	while (n > 0 && bytes[n - 1] == value)
		n--;
	return n == 0;
}

static void start_recv(
	struct op *op, weir_receiver *rx, unsigned char *out, bool by_select)
{
	memset(out, 0x5a, MAX_ELEMENT + 16);
	op_recv_by(op, rx, out, by_select);
	wait_until_receivers_waiting(rx, 1);
}

/* Who is in the queue is given its element by another thread. */
EVERY_FLAVOR(arguments, a_recv_that_waits_writes_its_element_and_no_more)
{
	static unsigned char out[MAX_ELEMENT + 16];

	for (int by_select = 0; by_select < 2; by_select++) {
		struct op op;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		start_recv(&op, rx, out, by_select);
		assert_sends(tx, 9);
		assert_op(&op, WEIR_OK);
		assert_value(value_of(out), 9);
		cr_assert(are_all(
			out + element_size, sizeof(out) - element_size, 0x5a));
		start_recv(&op, rx, out, by_select);
		weir_sender_close(tx);
		assert_op(&op, WEIR_END_OF_CHANNEL);
		cr_assert(are_all(out, sizeof(out), 0x5a));
		free_both(tx, rx);
	}
}

CAN_BE_FULL(arguments, a_send_that_waits_leaves_its_element_alone)
{
	for (int by_select = 0; by_select < 2; by_select++) {
		ELEMENT(element);
		ELEMENT(before);
		struct op op;
		size_t n;
		weir_sender *tx;
		weir_receiver *rx;

		open_flavor(flavor, &tx, &rx);
		n = fill(tx);
		memset(element, 0x5a, sizeof(element));
		fill_element(element, n);
		memcpy(before, element, sizeof(element));
		op_send_by(&op, tx, element, by_select);
		wait_until_senders_waiting(tx, 1);
		for (size_t i = 0; i <= n; i++)
			assert_receives(rx, i);
		assert_op(&op, WEIR_OK);
		cr_assert(memcmp(element, before, sizeof(element)) == 0);
		free_both(tx, rx);
	}
}

EVERY_FLAVOR(arguments, a_clone_that_fails_leaves_the_pointer_untouched)
{
	weir_sender *tx, *tx_clone = (weir_sender *)(uintptr_t)16;
	weir_receiver *rx, *rx_clone = (weir_receiver *)(uintptr_t)32;

	open_flavor(flavor, &tx, &rx);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	assert_status(weir_sender_clone(tx, &tx_clone), WEIR_CLOSED_RESOURCE);
	assert_status(weir_receiver_clone(rx, &rx_clone), WEIR_CLOSED_RESOURCE);
	cr_assert(tx_clone == (weir_sender *)(uintptr_t)16);
	cr_assert(rx_clone == (weir_receiver *)(uintptr_t)32);
	free_both(tx, rx);
}

/* Nothing more than element_size bytes is written. */
HAS_BUFFER(arguments, a_recv_writes_no_byte_behind_the_element)
{
	unsigned char out[MAX_ELEMENT + 16];
	size_t n;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	memset(out, 0x5a, sizeof(out));
	assert_sends_now(tx, 9);
	assert_status(weir_recv(rx, out), WEIR_OK);
	for (size_t i = element_size; i < sizeof(out); i++)
		cr_assert(out[i] == 0x5a);
	memset(out, 0x5a, sizeof(out));
	assert_sends_now(tx, 9);
	assert_status(weir_recv_many(rx, out, 1, &n), WEIR_OK);
	for (size_t i = element_size; i < sizeof(out); i++)
		cr_assert(out[i] == 0x5a);
	free_both(tx, rx);
}

/* Elements need no alignment of the caller's. */
HAS_BUFFER(arguments, elements_may_lie_at_odd_addresses)
{
	unsigned char in[MAX_ELEMENT + 1], out[MAX_ELEMENT + 1];
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	fill_element(in + 1, 77);
	assert_status(weir_send(tx, in + 1), WEIR_OK);
	assert_status(weir_recv(rx, out + 1), WEIR_OK);
	assert_value(value_of(out + 1), 77);
	free_both(tx, rx);
}

EVERY_FLAVOR(arguments, errno_is_left_as_found)
{
	struct op op;
	uint64_t value;
	weir_sender *tx, *tx_clone;
	weir_receiver *rx, *rx_clone;
	weir_statistics now;

	errno = MARK;
	open_flavor(flavor, &tx, &rx);
	cr_assert(weir_sender_clone(tx, &tx_clone) == WEIR_OK);
	cr_assert(weir_receiver_clone(rx, &rx_clone) == WEIR_OK);
	assert_errno_kept();
	cr_assert(try_recv_value(rx, &value) == WEIR_WOULD_BLOCK);
	assert_errno_kept();
	/* Long enough to have slept and to have been timed out by the kernel. */
	cr_assert(recv_value_until(rx, &value, weir_now() + 5 * MS) ==
		  WEIR_TIMED_OUT);
	assert_errno_kept();
	if (flavor->capacity != WEIR_UNBOUNDED) {
		fill(tx);
		errno = MARK;
		cr_assert(send_value_until(tx, 1, weir_now() + 5 * MS) ==
			  WEIR_TIMED_OUT);
		assert_errno_kept();
		cr_assert(try_send_value(tx, 1) == WEIR_WOULD_BLOCK);
		assert_errno_kept();
	}
	while (recv_value_until(rx, &value, PAST) == WEIR_OK)
		continue;
	assert_errno_kept();

	/* A wait that another thread ends. */
	op_send(&op, tx_clone, 3);
	errno = MARK;
	cr_assert(recv_value(rx, &value) == WEIR_OK);
	assert_errno_kept();
	assert_op(&op, WEIR_OK);

	errno = MARK;
	weir_sender_statistics(tx, &now);
	(void)weir_now();
	(void)weir_strerror(WEIR_TIMED_OUT);
	(void)weir_status_name(WEIR_TIMED_OUT);
	weir_receiver_shut(rx);
	weir_sender_close(tx);
	weir_receiver_close(rx);
	assert_errno_kept();
	free_both(tx_clone, rx_clone);
	free_both(tx, rx);
	assert_errno_kept();
}

ONE_CASE(arguments, errno_is_left_as_found_when_memory_is_short)
{
	weir_sender *tx;
	weir_receiver *rx;

	errno = MARK;
	cr_assert(weir_open(SIZE_MAX / 8 * 7, 1, &tx, &rx) == WEIR_NO_MEMORY);
	assert_errno_kept();
	cr_assert(weir_open(1, SIZE_MAX / 8 * 7, &tx, &rx) == WEIR_NO_MEMORY);
	assert_errno_kept();
}

ONE_CASE(arguments, every_status_has_its_value_name_and_sentence)
{
	static const struct {
		int status;
		int value;
		const char *name;
	} all[] = {
		{WEIR_OK, 0, "WEIR_OK"},
		{WEIR_WOULD_BLOCK, -EAGAIN, "WEIR_WOULD_BLOCK"},
		{WEIR_TIMED_OUT, -ETIMEDOUT, "WEIR_TIMED_OUT"},
		{WEIR_END_OF_CHANNEL, -ENODATA, "WEIR_END_OF_CHANNEL"},
		{WEIR_BROKEN_RESOURCE, -EPIPE, "WEIR_BROKEN_RESOURCE"},
		{WEIR_CLOSED_RESOURCE, -EBADF, "WEIR_CLOSED_RESOURCE"},
		{WEIR_NO_MEMORY, -ENOMEM, "WEIR_NO_MEMORY"},
		{WEIR_INVALID_ARGUMENT, -EINVAL, "WEIR_INVALID_ARGUMENT"},
	};

	for (size_t i = 0; i < LENGTH(all); i++) {
		cr_assert(all[i].status == all[i].value);
		cr_assert_str_eq(weir_status_name(all[i].status), all[i].name);
		cr_assert(strlen(weir_strerror(all[i].status)) > 3);
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(weir_strerror(all[i].status),
				weir_strerror(all[j].status));
	}
	cr_assert_str_eq(weir_status_name(1), "WEIR_UNKNOWN_STATUS");
	cr_assert_str_eq(weir_status_name(-9999), "WEIR_UNKNOWN_STATUS");
	cr_assert(strlen(weir_strerror(-9999)) > 0);
}

ONE_CASE(arguments, the_version_is_the_one_compiled_against)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "%d.%d.%d", WEIR_VERSION_MAJOR,
		WEIR_VERSION_MINOR, WEIR_VERSION_PATCH);
	cr_assert_str_eq(weir_version(), expected);
	cr_assert(WEIR_VERSION_HEX ==
		  (WEIR_VERSION_MAJOR << 16 | WEIR_VERSION_MINOR << 8 |
			  WEIR_VERSION_PATCH));
}
