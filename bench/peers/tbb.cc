// SPDX-License-Identifier: MIT
// tbb.cc - oneTBB's concurrent_bounded_queue, which can be without a limit.
#include "element.hh"

#include <tbb/concurrent_queue.h>

template <size_t Bytes> struct tbb_peer {
	using item = element<Bytes>;
	using queue = tbb::concurrent_bounded_queue<item>;

	static queue &of(void *channel)
	{
		return *static_cast<queue *>(channel);
	}

	static void *open(size_t capacity, size_t)
	{
		queue *q = new queue;

		if (capacity != BENCH_UNBOUNDED)
			q->set_capacity(static_cast<std::ptrdiff_t>(capacity));
		return q;
	}

	static void release(void *channel)
	{
		delete &of(channel);
	}

	static enum bench_status send(void *channel, const void *bytes)
	{
		of(channel).push(item::from(bytes));
		return BENCH_OK;
	}

	static enum bench_status try_send(void *channel, const void *bytes)
	{
		return of(channel).try_push(item::from(bytes))
			       ? BENCH_OK
			       : BENCH_WOULD_BLOCK;
	}

	static enum bench_status take(
		void *channel, const item &got, void *bytes)
	{
		if (got.is_end()) {
			of(channel).push(got);
			return BENCH_END;
		}
		got.copy_to(bytes);
		return BENCH_OK;
	}

	static enum bench_status recv(void *channel, void *bytes)
	{
		item got;

		of(channel).pop(got);
		return take(channel, got, bytes);
	}

	static enum bench_status try_recv(void *channel, void *bytes)
	{
		item got;

		return of(channel).try_pop(got) ? take(channel, got, bytes)
						: BENCH_WOULD_BLOCK;
	}

	static void close_senders(void *channel)
	{
		of(channel).push(item::end());
	}

	static constexpr bench_calls calls = {open, release, send, recv,
		try_send, try_recv, close_senders, nullptr, nullptr, nullptr,
		nullptr, nullptr, nullptr, nullptr, nullptr};
	static constexpr bench_peer peer = make_peer("tbb", BENCH_SLEEPS,
		BENCH_CAN_BOUND | BENCH_CAN_GROW, Bytes, &calls);
};

extern "C" {
extern const bench_peer bench_tbb_8 = tbb_peer<8>::peer;
extern const bench_peer bench_tbb_32 = tbb_peer<32>::peer;
extern const bench_peer bench_tbb_256 = tbb_peer<256>::peer;
}
