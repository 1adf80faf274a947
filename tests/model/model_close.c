/* SPDX-License-Identifier: MIT */
/* model_close.c - ends of channels, against everything: over each flavor. */
#include "traffic.h"

#define UNBOUNDED WEIR_UNBOUNDED

/* The same model at capacity 0, 1, 1 with elements that are no words, and
 * without bound. */
#define EACH_FLAVOR(title, text)                                               \
	static void title(size_t capacity);                                    \
	MODEL(close, title##_0, text ", rendezvous")                           \
	{                                                                      \
		title(0);                                                      \
	}                                                                      \
	MODEL(close, title##_1, text ", capacity 1")                           \
	{                                                                      \
		title(1);                                                      \
	}                                                                      \
	MODEL(close, title##_1_wide, text ", capacity 1, 24 bytes")            \
	{                                                                      \
		title(WIDE | 1);                                               \
	}                                                                      \
	MODEL(close, title##_unbounded, text ", unbounded")                    \
	{                                                                      \
		title(UNBOUNDED);                                              \
	}                                                                      \
	static void title(size_t capacity)

EACH_FLAVOR(last_sender, "the last sender leaves, a receiver waits or comes")
{
	struct ends ends = open_channel(capacity);
	struct act recv = RECEIVES(ends), close = SENDS(ends, 1);

	spawn("receiver", do_recv, &recv);
	spawn("closer", do_close_sender, &close);
	join();
	check(recv.status == WEIR_END_OF_CHANNEL);
	free_channel(ends);
}

static void send_and_free(void *argument)
{
	do_send(argument);
	do_free_sender(argument);
}

static void recv_until_end(void *argument)
{
	struct act *acts = argument;

	do_recv(&acts[0]);
	do_recv(&acts[1]);
	check(acts[0].status == WEIR_OK);
	check(acts[1].status == WEIR_END_OF_CHANNEL);
	do_free_receiver(&acts[0]);
}

EACH_FLAVOR(element_then_end, "what was sent before the end arrives before it")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends), RECEIVES(ends)};

	spawn("sender", send_and_free, &acts[0]);
	spawn("receiver", recv_until_end, &acts[1]);
	join();
	check_once(acts, 3, NULL);
}

EACH_FLAVOR(
	last_receiver, "the last receiver leaves, a sender is in the middle")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[1].status = WEIR_CLOSED_RESOURCE;
	spawn("sender", do_send, &acts[0]);
	spawn("closer", do_free_receiver, &acts[1]);
	join();
	check(acts[0].status == WEIR_BROKEN_RESOURCE ||
		(capacity > 0 && acts[0].status == WEIR_OK));
	check_once(acts, 2, NULL);
	weir_sender_free(ends.tx);
}

EACH_FLAVOR(last_receiver_two_senders, "the same with two senders")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	acts[2].status = WEIR_CLOSED_RESOURCE;
	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("closer", do_free_receiver, &acts[2]);
	join();
	check_once(acts, 3, NULL);
	weir_sender_free(ends.tx);
}

EACH_FLAVOR(both_leave, "the last sender and the last receiver leave at once")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	if (capacity > 0)
		do_send(&acts[0]);
	else
		acts[0].status = WEIR_BROKEN_RESOURCE;
	acts[1].status = WEIR_CLOSED_RESOURCE;
	spawn("sender", do_free_sender, &acts[0]);
	spawn("receiver", do_free_receiver, &acts[1]);
	join();
	check_once(acts, 2, NULL);
}

EACH_FLAVOR(
	own_endpoint, "an endpoint is closed while a receive waits through it")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};
	weir_receiver *other;

	check(weir_receiver_clone(ends.rx, &other) == WEIR_OK);
	acts[0].deadline = deadline_ahead();
	spawn("receiver", do_recv, &acts[1]);
	spawn("closer", do_close_receiver, &acts[1]);
	spawn("sender", do_send_until, &acts[0]);
	join();
	check(acts[1].status == WEIR_OK ||
		acts[1].status == WEIR_CLOSED_RESOURCE);
	check(capacity == 0 || acts[0].status == WEIR_OK);
	check_once(acts, 2, other);
	weir_receiver_free(other);
	free_channel(ends);
}

EACH_FLAVOR(deadline_and_end, "a deadline, a delivery and the end at once")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[0].deadline = acts[1].deadline = deadline_ahead();
	spawn("receiver", do_recv_until, &acts[1]);
	spawn("sender", do_send_until, &acts[0]);
	spawn("closer", do_close_sender, &acts[0]);
	join();
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

/* Once somebody has heard of the end, nothing is accepted any more. */
static void hear_of_the_end(void *argument)
{
	struct act *acts = argument;

	do_recv(&acts[0]);
	if (acts[0].status != WEIR_END_OF_CHANNEL)
		return;
	do_try_send(&acts[1]);
	check(acts[1].status == WEIR_CLOSED_RESOURCE);
}

EACH_FLAVOR(nothing_after_the_end,
	"no send succeeds after a receiver was told of the end")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {RECEIVES(ends), SENDS(ends, 1), SENDS(ends, 2)};

	acts[1].status = WEIR_CLOSED_RESOURCE;
	acts[2].deadline = deadline_ahead();
	spawn("receiver", hear_of_the_end, acts);
	spawn("sender", do_send_until, &acts[2]);
	spawn("closer", do_close_sender, &acts[2]);
	join();
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

static void shut(void *argument)
{
	weir_receiver_shut(((struct act *)argument)->rx);
}

EACH_FLAVOR(shut_down, "shut: senders hear BROKEN, the receiver drains")
{
	struct ends ends = open_channel(capacity);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_send, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	spawn("shutter", shut, &acts[1]);
	join();
	check((acts[0].status == WEIR_OK && acts[1].status == WEIR_OK) ||
		(acts[0].status == WEIR_BROKEN_RESOURCE &&
			acts[1].status == WEIR_END_OF_CHANNEL));
	free_channel(ends);
}

static void clone_and_free(void *argument)
{
	struct act *act = argument;
	weir_sender *copy;

	act->status = weir_sender_clone(act->tx, &copy);
	if (act->status == WEIR_OK)
		weir_sender_free(copy);
}

MODEL(close, clone, "a sender is cloned while it is closed")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("cloner", clone_and_free, &acts[0]);
	spawn("closer", do_close_sender, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK ||
		acts[0].status == WEIR_CLOSED_RESOURCE);
	check(acts[1].status == WEIR_END_OF_CHANNEL);
	free_channel(ends);
}

MODEL(close, place_for_the_next,
	"a waiting sender is closed, the next one gets the place")
{
	struct ends ends = open_channel(1);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends),
		RECEIVES(ends), SENDS(ends, 4)};
	weir_sender *other;

	check(weir_sender_clone(ends.tx, &other) == WEIR_OK);
	acts[1].tx = other;
	do_send(&acts[4]);
	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("closer", do_close_sender, &acts[0]);
	spawn("receiver", do_recv_two, &acts[2]);
	join();
	check(acts[1].status == WEIR_OK);
	check_once(acts, 5, ends.rx);
	weir_sender_free(other);
	free_channel(ends);
}

/* -- What came before a close is visible to who hears of it ---------------- */

static uint64_t news;

static void hear(int status, int of)
{
	if (status == of)
		shared_read(&news, sizeof news);
}

static void close_with_news(void *argument)
{
	struct act *act = argument;

	shared_write(&news, sizeof news);
	if (act->tx != NULL)
		weir_sender_close(act->tx);
	else
		weir_receiver_close(act->rx);
}

static void shut_with_news(void *argument)
{
	shared_write(&news, sizeof news);
	shut(argument);
}

static void hear_in_send(void *argument)
{
	struct act *act = argument;

	do_try_send(act);
	hear(act->status, WEIR_BROKEN_RESOURCE);
	hear(act->status, WEIR_CLOSED_RESOURCE);
	act->element *= 2;  /* another one */
	do_send_until(act); /* at 0: has passed */
	hear(act->status, WEIR_BROKEN_RESOURCE);
	hear(act->status, WEIR_CLOSED_RESOURCE);
	if (weir_sender_is_closed(act->tx))
		shared_read(&news, sizeof news);
}

static void hear_in_recv(void *argument)
{
	struct act *act = argument;

	do_try_recv(act);
	hear(act->status, WEIR_END_OF_CHANNEL);
	hear(act->status, WEIR_CLOSED_RESOURCE);
	do_recv_until(act); /* at 0: has passed */
	hear(act->status, WEIR_END_OF_CHANNEL);
	hear(act->status, WEIR_CLOSED_RESOURCE);
	if (weir_receiver_is_closed(act->rx))
		shared_read(&news, sizeof news);
}

EACH_FLAVOR(news_of_the_break,
	"what the last receiver did is visible to who hears BROKEN")
{
	struct ends ends = open_channel(capacity);
	struct act send = SENDS(ends, 1), close = RECEIVES(ends);

	spawn("sender", hear_in_send, &send);
	spawn("closer", close_with_news, &close);
	join();
	free_channel(ends);
}

EACH_FLAVOR(
	news_of_the_end, "what the last sender did is visible to who hears END")
{
	struct ends ends = open_channel(capacity);
	struct act recv = RECEIVES(ends), close = SENDS(ends, 1);

	spawn("receiver", hear_in_recv, &recv);
	spawn("closer", close_with_news, &close);
	join();
	free_channel(ends);
}

EACH_FLAVOR(news_of_the_shut, "what came before shut is visible to both sides")
{
	struct ends ends = open_channel(capacity);
	struct act send = SENDS(ends, 1), recv = RECEIVES(ends);

	spawn("sender", hear_in_send, &send);
	spawn("receiver", hear_in_recv, &recv);
	spawn("shutter", shut_with_news, &recv);
	join();
	free_channel(ends);
}

EACH_FLAVOR(news_of_ones_own,
	"what came before the close of one's own endpoint is visible")
{
	struct ends ends = open_channel(capacity);
	struct act send = SENDS(ends, 1), recv = RECEIVES(ends);
	weir_receiver *other;

	check(weir_receiver_clone(ends.rx, &other) == WEIR_OK);
	spawn("receiver", hear_in_recv, &recv);
	spawn("closer", close_with_news, &recv);
	join();
	spawn("sender", hear_in_send, &send);
	spawn("closer of senders", close_with_news, &send);
	join();
	weir_receiver_free(other);
	free_channel(ends);
}
