/* SPDX-License-Identifier: MIT */
/* element.hh - elements for queues that are C++ templates, and their end.
 *
 * These queues cannot be closed: the end is a last element that no producer
 * makes, and each receiver leaves it for the next one.
 */
#ifndef BENCH_PEERS_ELEMENT_HH
#define BENCH_PEERS_ELEMENT_HH

#include "../bench.h"

#include <cstring>

template <size_t Bytes> struct element {
	uint64_t words[Bytes / 8];

	static element from(const void *bytes)
	{
		element e;

		std::memcpy(&e, bytes, sizeof(e));
		return e;
	}

	static element end()
	{
		element e = {};

		e.words[0] = UINT64_MAX;
		return e;
	}

	bool is_end() const
	{
		return words[0] == UINT64_MAX;
	}

	void copy_to(void *bytes) const
	{
		std::memcpy(bytes, this, sizeof(*this));
	}
};

/* C++17 has no designated initializers. */
constexpr bench_peer make_peer(const char *name, enum bench_kind kind,
	unsigned capacities, size_t element_size, const bench_calls *calls)
{
	bench_peer peer = {};

	peer.name = name;
	peer.kind = kind;
	peer.capacities = capacities;
	peer.element_size = element_size;
	peer.calls = calls;
	return peer;
}

#endif
