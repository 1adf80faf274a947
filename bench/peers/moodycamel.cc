// SPDX-License-Identifier: MIT
// moodycamel.cc - BlockingConcurrentQueue, without a limit, with a token for
// each thread, which is its fastest use.
//
// It keeps the order of each producer, and none between them: the end, which
// comes when all else is in the queue, may overtake elements of others.  Who
// meets it leaves it for the next one, and takes what is still there.
#include "element.hh"

#include <concurrentqueue/blockingconcurrentqueue.h>

template <size_t Bytes> struct moodycamel_peer {
	using item = element<Bytes>;
	using queue = moodycamel::BlockingConcurrentQueue<item>;

	struct sender {
		queue &q;
		moodycamel::ProducerToken token;

		explicit sender(queue &to) : q(to), token(to)
		{
		}
	};

	struct receiver {
		queue &q;
		moodycamel::ConsumerToken token;
		bool ended = false;

		explicit receiver(queue &from) : q(from), token(from)
		{
		}
	};

	static queue &of(void *channel)
	{
		return *static_cast<queue *>(channel);
	}

	static void *open(size_t, size_t)
	{
		return new queue;
	}

	static void release(void *channel)
	{
		delete &of(channel);
	}

	static void *join_sender(void *channel)
	{
		return new sender(of(channel));
	}

	static void leave_sender(void *self)
	{
		delete static_cast<sender *>(self);
	}

	static void *join_receiver(void *channel)
	{
		return new receiver(of(channel));
	}

	static void leave_receiver(void *self)
	{
		delete static_cast<receiver *>(self);
	}

	static enum bench_status send(void *self, const void *bytes)
	{
		sender *s = static_cast<sender *>(self);

		if (!s->q.enqueue(s->token, item::from(bytes)))
			bench_die("no memory");
		return BENCH_OK;
	}

	static enum bench_status drain(receiver *r, void *bytes)
	{
		item got;

		while (r->q.try_dequeue(r->token, got)) {
			if (!got.is_end()) {
				got.copy_to(bytes);
				return BENCH_OK;
			}
			/* Left by one who has been here; a second is there. */
		}
		r->q.enqueue(item::end());
		return BENCH_END;
	}

	static enum bench_status recv(void *self, void *bytes)
	{
		receiver *r = static_cast<receiver *>(self);
		item got;

		if (r->ended)
			return drain(r, bytes);
		r->q.wait_dequeue(r->token, got);
		if (!got.is_end()) {
			got.copy_to(bytes);
			return BENCH_OK;
		}
		r->ended = true;
		return drain(r, bytes);
	}

	static enum bench_status try_recv(void *self, void *bytes)
	{
		receiver *r = static_cast<receiver *>(self);
		item got;

		if (!r->q.try_dequeue(r->token, got))
			return BENCH_WOULD_BLOCK;
		got.copy_to(bytes);
		return BENCH_OK;
	}

	static void close_senders(void *channel)
	{
		of(channel).enqueue(item::end());
	}

	static constexpr bench_calls calls = {open, release, send, recv, send,
		try_recv, close_senders, join_sender, leave_sender,
		join_receiver, leave_receiver, nullptr, nullptr, nullptr,
		nullptr};
	static constexpr bench_peer peer = make_peer(
		"moodycamel", BENCH_SLEEPS, BENCH_CAN_GROW, Bytes, &calls);
};

extern "C" {
extern const bench_peer bench_moodycamel_8 = moodycamel_peer<8>::peer;
extern const bench_peer bench_moodycamel_32 = moodycamel_peer<32>::peer;
extern const bench_peer bench_moodycamel_256 = moodycamel_peer<256>::peer;
}
