/* SPDX-License-Identifier: MIT */
/* model_publish.c - publication by plain stores (lib/fence.h): against who is
 * about to answer that nothing is there, against the last receiver's close, and
 * the fence itself. */
#include "traffic.h"

#define EACH_BUFFER(title, text)                                               \
	static void title(size_t capacity);                                    \
	MODEL(publish, title##_1, text ", capacity 1")                         \
	{                                                                      \
		title(1);                                                      \
	}                                                                      \
	MODEL(publish, title##_2, text ", capacity 2")                         \
	{                                                                      \
		title(2);                                                      \
	}                                                                      \
	MODEL(publish, title##_unbounded, text ", unbounded")                  \
	{                                                                      \
		title(WEIR_UNBOUNDED);                                         \
	}                                                                      \
	static void title(size_t capacity)

/* -- The fence ----------------------------------------------------------- */

bool wi_fence_is_there(void);
void wi_fence_others(void);

static uint32_t x, y, seen_x, seen_y, seen_y_first;

static void store_x_load_y(void *unused)
{
	(void)unused;
	shared_set(&x, 1);
	seen_y = shared_get(&y);
}

static void store_y_fence_load_x(void *unused)
{
	(void)unused;
	shared_set(&y, 1);
	wi_fence_others();
	seen_x = shared_get(&x);
}

MODEL(publish, fence, "of two who store and then load, one sees the other")
{
	if (!wi_fence_is_there())
		return;
	x = y = 0;
	spawn("plain", store_x_load_y, NULL);
	spawn("fenced", store_y_fence_load_x, NULL);
	join();
	check(seen_x == 1 || seen_y == 1);
}

static void load_y_then_x(void *unused)
{
	(void)unused;
	seen_y_first = shared_get(&y);
	seen_x = shared_get(&x);
}

static void store_x_fence_store_y(void *unused)
{
	(void)unused;
	shared_set(&x, 1);
	wi_fence_others();
	shared_set(&y, 1);
}

MODEL(publish, fence_for_readers, "what was stored before it is seen after it")
{
	if (!wi_fence_is_there())
		return;
	x = y = 0;
	spawn("reader", load_y_then_x, NULL);
	spawn("fenced", store_x_fence_store_y, NULL);
	join();
	check(seen_y_first == 0 || seen_x == 1);
}

/* -- WOULD_BLOCK is true ------------------------------------------------- */

/* A program's own way to sleep: who comes raises a flag, then looks; who has
 * done its part looks at the flag. */
static uint32_t flag;
static bool saw_flag;

static void raise_flag(void)
{
	shared_set_seq_cst(&flag, 1);
}

static void look_at_flag(void)
{
	saw_flag = shared_get_seq_cst(&flag) != 0;
}

static void send_then_look(void *act)
{
	do_try_send(act);
	look_at_flag();
}

static void recv_then_look(void *act)
{
	do_try_recv(act);
	look_at_flag();
}

static void raise_then_try_recv(void *act)
{
	raise_flag();
	do_try_recv(act);
}

static void raise_then_try_recv_many(void *argument)
{
	struct act *act = argument;
	size_t received;

	raise_flag();
	act->status = weir_try_recv_many(act->rx, &act->element, 1, &received);
}

static void raise_then_try_acquire(void *argument)
{
	struct act *act = argument;
	void *place;

	raise_flag();
	act->status = weir_try_recv_acquire(act->rx, &place);
	if (act->status != WEIR_OK)
		return;
	act->element = *(uint64_t *)place;
	weir_recv_release(act->rx, place);
}

static void raise_then_try_select(void *argument)
{
	struct act *act = argument;
	weir_case one = WEIR_RECV_CASE(act->rx, &act->element);
	size_t index;

	raise_flag();
	act->status = weir_try_select(&one, 1, 0, &index);
	if (act->status == WEIR_OK)
		act->status = one.status;
}

static void raise_then_try_ready(void *argument)
{
	struct act *act = argument;
	weir_case one = WEIR_RECV_CASE(act->rx, &act->element);
	size_t index;

	raise_flag();
	act->status = weir_try_ready(&one, 1, 0, &index);
	if (act->status == WEIR_OK)
		do_try_recv(act);
}

static void one_of_them_hears(size_t capacity, void (*raise_then_recv)(void *))
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	flag = 0;
	spawn("sender", send_then_look, &acts[0]);
	spawn("receiver", raise_then_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK);
	check(acts[1].status == WEIR_OK || saw_flag);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

EACH_BUFFER(try_recv, "a try_recv that finds nothing, and a sender's own look")
{
	one_of_them_hears(capacity, raise_then_try_recv);
}

MODEL(publish, try_recv_many, "the same of a try_recv_many")
{
	one_of_them_hears(2, raise_then_try_recv_many);
}

MODEL(publish, try_acquire, "the same of a try_recv_acquire")
{
	one_of_them_hears(2, raise_then_try_acquire);
}

MODEL(publish, try_select, "the same of a try_select")
{
	one_of_them_hears(1, raise_then_try_select);
}

MODEL(publish, try_ready, "the same of a try_ready")
{
	one_of_them_hears(1, raise_then_try_ready);
}

static void raise_then_try_send(void *act)
{
	raise_flag();
	do_try_send(act);
}

static void raise_then_force_send(void *act)
{
	raise_flag();
	do_force_send(act);
}

static void one_finds_room(void (*raise_then_send)(void *))
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2)};

	do_send(&acts[0]);
	flag = 0;
	spawn("receiver", recv_then_look, &acts[1]);
	spawn("sender", raise_then_send, &acts[2]);
	join();
	check(acts[2].status == WEIR_OK || saw_flag);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(publish, try_send, "a try_send that finds no room, and a receiver's look")
{
	one_finds_room(raise_then_try_send);
}

MODEL(publish, force_send, "the same of a force_send")
{
	one_finds_room(raise_then_force_send);
}

/* -- The last receiver's close ------------------------------------------- */

static void try_recv_and_free(void *act)
{
	do_try_recv(act);
	do_free_receiver(act);
}

EACH_BUFFER(received_beside_a_drain,
	"one element is received, one dropped or refused: two senders")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	spawn("sender 1", do_try_send, &acts[0]);
	spawn("sender 2", do_try_send, &acts[1]);
	spawn("receiver", try_recv_and_free, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	weir_sender_free(ends.tx);
}

EACH_BUFFER(drained, "two elements are dropped, or refused: two senders")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	acts[2].status = WEIR_CLOSED_RESOURCE;
	spawn("sender 1", do_try_send, &acts[0]);
	spawn("sender 2", do_try_send, &acts[1]);
	spawn("closer", do_free_receiver, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	weir_sender_free(ends.tx);
}

EACH_BUFFER(both_leave_a_send,
	"the last receiver closes, and the sender under a send")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[1].status = WEIR_CLOSED_RESOURCE;
	spawn("sender", do_try_send, &acts[0]);
	spawn("its closer", do_close_sender, &acts[0]);
	spawn("closer", do_free_receiver, &acts[1]);
	join();
	check_once(acts, 2, NULL);
	weir_sender_free(ends.tx);
}
