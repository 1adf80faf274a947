/* SPDX-License-Identifier: MIT */
/* ledger.c - elements that can be recognised, and what became of each. */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

/* The first eight bytes of an element:
 *
 *	63      56 55                         24 23                0
 *	 producer          sequence                    checksum
 */
#define CHECKSUM_MASK UINT64_C(0xffffff)

enum { ACCEPTED = 1, RECEIVED = 2, DROPPED = 4 };

/* FNV-1a over words, then over what is left; 24 bits of it. */
static uint64_t checksum(uint64_t head, const unsigned char *rest, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325) ^ head;

	sum *= UINT64_C(0x100000001b3);
	for (; size >= 8; size -= 8, rest += 8) {
		uint64_t word;

		memcpy(&word, rest, 8);
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
		sum ^= sum >> 29;
	}
	for (; size > 0; size--, rest++)
		sum = (sum ^ *rest) * UINT64_C(0x100000001b3);
	sum ^= sum >> 32;
	return (sum ^ sum >> 24) & CHECKSUM_MASK;
}

static uint8_t one_byte(unsigned producer, uint32_t sequence)
{
	return (uint8_t)(producer * 37 + sequence);
}

void stress_make(
	void *element, size_t size, unsigned producer, uint32_t sequence)
{
	uint64_t head = (uint64_t)producer << 56 | (uint64_t)sequence << 24;
	unsigned char *bytes = element;
	struct stress_random filler;

	if (size == 1)
		bytes[0] = one_byte(producer, sequence);
	if (size < 8)
		return;
	stress_seed(&filler, head);
	for (size_t at = 8; at < size; at += 8) {
		uint64_t word = stress_draw(&filler);

		memcpy(bytes + at, &word, size - at < 8 ? size - at : 8);
	}
	head |= checksum(head, bytes + 8, size - 8);
	memcpy(bytes, &head, 8);
}

void stress_ledger_open(struct stress_ledger *ledger, size_t element_size,
	unsigned producers, uint32_t per_producer)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->element_size = element_size;
	ledger->producers = producers;
	ledger->per_producer = per_producer;
	ledger->marks = calloc((size_t)producers * per_producer + 1, 1);
	stress_check(ledger->marks != NULL, "no memory for the ledger");
	stress_check(producers <= STRESS_MAX_PRODUCERS, "too many producers");
}

/* Set `mark`, which must not be set, on an element of 8 bytes or more. */
static void mark_element(struct stress_ledger *ledger, unsigned producer,
	uint32_t sequence, uint8_t mark)
{
	/* Relaxed: threads are joined before the marks are read. */
	uint8_t before = atomic_fetch_or_explicit(
		&ledger->marks[(size_t)producer * ledger->per_producer +
			       sequence],
		mark, memory_order_relaxed);

	stress_check((before & mark) == 0,
		"element %u/%" PRIu32 " was %s twice", producer, sequence,
		mark == ACCEPTED   ? "accepted"
		: mark == RECEIVED ? "received"
				   : "dropped");
	stress_check((before | mark) < (RECEIVED | DROPPED),
		"element %u/%" PRIu32 " was received and dropped", producer,
		sequence);
}

/* Take an arrived element apart; fails if it is not as it was made. */
static void read_element(const struct stress_ledger *ledger,
	const void *element, unsigned *producer, uint32_t *sequence)
{
	uint64_t head;

	memcpy(&head, element, 8);
	*producer = (unsigned)(head >> 56);
	*sequence = (uint32_t)(head >> 24);
	stress_check(
		checksum(head & ~CHECKSUM_MASK,
			(const unsigned char *)element + 8,
			ledger->element_size - 8) == (head & CHECKSUM_MASK),
		"an element arrived damaged (head %016" PRIx64 ")", head);
	stress_check(*producer < ledger->producers &&
			     *sequence < ledger->per_producer,
		"element %u/%" PRIu32 " was never made", *producer, *sequence);
}

static void count_small(struct stress_ledger *ledger, const void *element,
	_Atomic uint64_t *total, int sign)
{
	atomic_fetch_add_explicit(total, 1, memory_order_relaxed);
	if (ledger->element_size == 1)
		atomic_fetch_add_explicit(
			&ledger->balance[*(const uint8_t *)element], sign,
			memory_order_relaxed);
}

void stress_ledger_accept(
	struct stress_ledger *ledger, unsigned producer, uint32_t sequence)
{
	uint8_t byte = one_byte(producer, sequence);

	if (ledger->element_size >= 8)
		mark_element(ledger, producer, sequence, ACCEPTED);
	else
		count_small(ledger, &byte, &ledger->accepted, 1);
}

void stress_ledger_receive(
	struct stress_ledger *ledger, const void *element, uint32_t *next)
{
	unsigned producer;
	uint32_t sequence;

	if (ledger->element_size < 8) {
		count_small(ledger, element, &ledger->received, -1);
		return;
	}
	read_element(ledger, element, &producer, &sequence);
	mark_element(ledger, producer, sequence, RECEIVED);
	stress_check(sequence >= next[producer],
		"element %u/%" PRIu32 " came after %u/%" PRIu32, producer,
		sequence, producer, next[producer] - 1);
	next[producer] = sequence + 1;
}

void stress_ledger_drop(void *element, void *context)
{
	struct stress_ledger *ledger = context;
	size_t size = ledger->element_size;
	unsigned producer;
	uint32_t sequence;

	/* The alignment that channel.h promises. */
	size_t aligned = size & (~size + 1);
	if (aligned > _Alignof(max_align_t))
		aligned = _Alignof(max_align_t);
	stress_check(size == 0 || (uintptr_t)element % aligned == 0,
		"drop got an element at %p, not aligned to %zu", element,
		aligned);
	if (size < 8) {
		count_small(ledger, element, &ledger->dropped, -1);
		return;
	}
	read_element(ledger, element, &producer, &sequence);
	mark_element(ledger, producer, sequence, DROPPED);
}

static void settle_marks(struct stress_ledger *ledger, bool has_drop,
	struct stress_totals *totals)
{
	for (unsigned p = 0; p < ledger->producers; p++) {
		for (uint32_t s = 0; s < ledger->per_producer; s++) {
			uint8_t mark =
				ledger->marks[(size_t)p * ledger->per_producer +
					      s];

			stress_check(mark == 0 || (mark & ACCEPTED) != 0,
				"element %u/%" PRIu32 " was refused, and %s", p,
				s, mark == RECEIVED ? "received" : "dropped");
			stress_check(mark != ACCEPTED || !has_drop,
				"element %u/%" PRIu32 " was accepted and lost",
				p, s);
			totals->accepted += (mark & ACCEPTED) != 0;
			totals->received += (mark & RECEIVED) != 0;
			totals->dropped += (mark & DROPPED) != 0;
		}
	}
}

void stress_ledger_settle(struct stress_ledger *ledger, bool has_drop,
	struct stress_totals *totals)
{
	int64_t left = 0;

	totals->accepted = ledger->accepted;
	totals->received = ledger->received;
	totals->dropped = ledger->dropped;
	settle_marks(ledger, has_drop, totals);
	if (!has_drop)
		totals->dropped = totals->accepted - totals->received;
	for (size_t i = 0; i < 256; i++) {
		stress_check(ledger->balance[i] >= 0,
			"byte %zu came out more often than it went in", i);
		left += ledger->balance[i];
	}
	stress_check(
		!has_drop || left == 0, "%" PRId64 " bytes were lost", left);
	stress_check(totals->accepted == totals->received + totals->dropped,
		"%" PRIu64 " accepted, but %" PRIu64 " received and %" PRIu64
		" dropped",
		totals->accepted, totals->received, totals->dropped);
	free(ledger->marks);
	ledger->marks = NULL;
}

void stress_agree(const weir_statistics *s, size_t capacity,
	const struct stress_totals *totals)
{
	stress_check(s->sent == totals->accepted &&
			     s->received == totals->received &&
			     s->dropped == totals->dropped,
		"the statistics say %" PRIu64 " sent, %" PRIu64
		" received, %" PRIu64 " dropped, but it was %" PRIu64
		", %" PRIu64 ", %" PRIu64,
		s->sent, s->received, s->dropped, totals->accepted,
		totals->received, totals->dropped);
	stress_check(s->displaced == 0, "%" PRIu64 " displaced", s->displaced);
	stress_check(s->senders_waiting == 0 && s->receivers_waiting == 0,
		"%zu senders and %zu receivers wait on a dead channel",
		s->senders_waiting, s->receivers_waiting);
	stress_check(s->open_senders == 0 && s->open_receivers == 0,
		"%zu senders and %zu receivers are open on a dead channel",
		s->open_senders, s->open_receivers);
	stress_check(s->current_buffer_used == 0,
		"%zu elements are in a dead channel", s->current_buffer_used);
	stress_check(s->max_buffer_size == capacity,
		"capacity %zu instead of %zu", s->max_buffer_size, capacity);
}
