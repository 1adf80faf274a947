/* SPDX-License-Identifier: MIT */
/* fixture.c - channels by flavor, and numbers as elements. */
#include "fixture.h"

#include <string.h>

size_t element_size;

weir_options options_of(const struct flavor *flavor)
{
	weir_options options = WEIR_OPTIONS_INIT;

	options.capacity = flavor->capacity;
	options.element_size = flavor->element_size;
	return options;
}

void open_options(
	const weir_options *options, weir_sender **tx, weir_receiver **rx)
{
	element_size = options->element_size;
	cr_assert(element_size <= MAX_ELEMENT);
	assert_status(weir_open_with(options, tx, rx), WEIR_OK);
}

void open_flavor(
	const struct flavor *flavor, weir_sender **tx, weir_receiver **rx)
{
	element_size = flavor->element_size;
	assert_status(weir_open(flavor->capacity, flavor->element_size, tx, rx),
		WEIR_OK);
}

weir_sender *clone_sender(weir_sender *tx)
{
	weir_sender *clone = NULL;

	assert_status(weir_sender_clone(tx, &clone), WEIR_OK);
	return clone;
}

weir_receiver *clone_receiver(weir_receiver *rx)
{
	weir_receiver *clone = NULL;

	assert_status(weir_receiver_clone(rx, &clone), WEIR_OK);
	return clone;
}

void free_both(weir_sender *tx, weir_receiver *rx)
{
	weir_sender_free(tx);
	weir_receiver_free(rx);
}

size_t fill(weir_sender *tx)
{
	size_t capacity = weir_sender_capacity(tx);
	size_t n = capacity == WEIR_UNBOUNDED ? 10 : capacity;

	for (size_t i = 0; i < n; i++)
		assert_sends_now(tx, i);
	return n;
}

/* Not inlined: the optimizer would think of all element sizes at once, and warn
 * of those that the caller's object is too small for. */
__attribute__((noinline)) void fill_element(void *element, uint64_t value)
{
	unsigned char *bytes = element;

	for (size_t i = 0; i < element_size; i++)
		bytes[i] = (unsigned char)((value >> (8 * (i % 8))) + i / 8);
}

uint64_t value_of(const void *element)
{
	const unsigned char *bytes = element;
	uint64_t value = 0;

	for (size_t i = 0; i < element_size && i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	for (size_t i = 8; i < element_size; i++)
		if (bytes[i] != (unsigned char)(bytes[i % 8] + i / 8))
			return TORN;
	return value;
}

uint64_t cut(uint64_t value)
{
	if (element_size >= 8)
		return value;
	return value & ((UINT64_C(1) << (8 * element_size)) - 1);
}

int send_value(weir_sender *tx, uint64_t value)
{
	ELEMENT(element);

	fill_element(element, value);
	return weir_send(tx, element);
}

int try_send_value(weir_sender *tx, uint64_t value)
{
	ELEMENT(element);

	fill_element(element, value);
	return weir_try_send(tx, element);
}

int send_value_until(weir_sender *tx, uint64_t value, int64_t deadline_ns)
{
	ELEMENT(element);

	fill_element(element, value);
	return weir_send_until(tx, element, deadline_ns);
}

static int received(int status, const void *element, uint64_t *value)
{
	if (status == WEIR_OK)
		*value = value_of(element);
	return status;
}

int recv_value(weir_receiver *rx, uint64_t *value)
{
	ELEMENT(element);

	return received(weir_recv(rx, element), element, value);
}

int try_recv_value(weir_receiver *rx, uint64_t *value)
{
	ELEMENT(element);

	return received(weir_try_recv(rx, element), element, value);
}

int recv_value_until(weir_receiver *rx, uint64_t *value, int64_t deadline_ns)
{
	ELEMENT(element);

	return received(
		weir_recv_until(rx, element, deadline_ns), element, value);
}

void assert_recv_always(weir_receiver *rx, int want)
{
	ELEMENT(element);
	size_t n;

	for (int again = 0; again < 2; again++) {
		assert_status(weir_try_recv(rx, element), want);
		assert_status(weir_recv(rx, element), want);
		assert_status(weir_recv_until(rx, element, PAST), want);
		assert_status(weir_recv_for(rx, element, WEIR_FOREVER), want);
		assert_status(weir_recv_many(rx, element, 1, &n), want);
		assert_status(weir_try_recv_many(rx, element, 1, &n), want);
	}
}

void assert_send_always(weir_sender *tx, int want)
{
	ELEMENT(element);
	size_t n;

	fill_element(element, 1);
	for (int again = 0; again < 2; again++) {
		assert_status(weir_try_send(tx, element), want);
		assert_status(weir_send(tx, element), want);
		assert_status(weir_send_until(tx, element, PAST), want);
		assert_status(weir_send_for(tx, element, WEIR_FOREVER), want);
		assert_status(weir_send_many(tx, element, 1, &n), want);
		assert_status(weir_try_send_many(tx, element, 1, &n), want);
	}
}
