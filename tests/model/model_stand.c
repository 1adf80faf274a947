/* SPDX-License-Identifier: MIT */
/* model_stand.c - selects among rendezvous only, with two CPUs: at first they
 * stand in one queue, or in none, and look for a partner. */
#include "traffic.h"

MODEL(stand, two_selects, "one offers on two channels, one takes from either")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose(), t = choose();

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	or_recv(&t, a.rx);
	or_recv(&t, b.rx);
	spawn("S", do_select, &s);
	spawn("T", do_select, &t);
	join();
	check(did(&s, 0) != did(&s, 1));
	check(did(&s, 0) == did(&t, 0) && did(&s, 1) == did(&t, 1));
	check(t.in[t.index] == s.out[s.index]);
	free_channel(a);
	free_channel(b);
}

MODEL(stand, plain_partner, "a receiver waits at one of the two")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose();
	struct act recv = RECEIVES(b);

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	spawn("S", do_select, &s);
	spawn("receiver", do_recv, &recv);
	join();
	check(did(&s, 1) && recv.status == WEIR_OK && recv.element == 2);
	free_channel(a);
	free_channel(b);
}

MODEL(stand, two_plain_partners, "a receiver at each: one is served")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose();
	struct act from_a[2] = {RECEIVES(a)}, from_b[2] = {RECEIVES(b)};

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	from_a[0].deadline = from_b[0].deadline = deadline_ahead();
	s.deadline = deadline_ahead();
	spawn("S", do_select_until, &s);
	spawn("receiver a", do_recv_until, &from_a[0]);
	spawn("receiver b", do_recv_until, &from_b[0]);
	join();
	check(did(&s, 0) == (from_a[0].status == WEIR_OK));
	check(did(&s, 1) == (from_b[0].status == WEIR_OK));
	from_a[1] = act_of(&s, 0);
	from_b[1] = act_of(&s, 1);
	check_once(from_a, 2, a.rx);
	check_once(from_b, 2, b.rx);
	free_channel(a);
	free_channel(b);
}

MODEL(stand, crossing, "each offers where the other takes")
{
	cross_selects(open_spinning(0), open_spinning(0), false);
}

MODEL(stand, twins, "two selects on both ends of one channel")
{
	struct ends a = open_spinning(0);

	cross_selects(a, a, false);
}

MODEL(stand, break, "the last receiver of one goes away")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose();
	struct act close = RECEIVES(a);

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	spawn("S", do_select, &s);
	spawn("closer", do_close_receiver, &close);
	join();
	check(s.index == 0 && s.cases[0].status == WEIR_BROKEN_RESOURCE);
	free_channel(a);
	free_channel(b);
}

MODEL(stand, own_close, "an endpoint of a select that stands is closed")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose();
	struct act close = SENDS(a, 0);

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	spawn("S", do_select, &s);
	spawn("closer", do_close_sender, &close);
	join();
	check(s.index == 0 && s.cases[0].status == WEIR_CLOSED_RESOURCE);
	free_channel(a);
	free_channel(b);
}

struct closing {
	struct ends a;
	uint64_t got;
};

static void close_and_look(void *argument)
{
	struct closing *closing = argument;

	weir_sender_close(closing->a.tx);
	check(weir_recv_for(closing->a.rx, &closing->got, 0) == WEIR_TIMED_OUT);
}

MODEL(stand, own_close_is_final, "nothing comes through it afterwards")
{
	struct closing closing = {open_spinning(0), 0};
	struct ends b = open_spinning(0);
	weir_sender *other;
	struct choice s = choose();

	check(weir_sender_clone(closing.a.tx, &other) == WEIR_OK);
	or_send(&s, closing.a.tx, 1);
	or_send(&s, b.tx, 2);
	spawn("S", do_select, &s);
	spawn("closer", close_and_look, &closing);
	join();
	check(s.index == 0 && s.cases[0].status == WEIR_CLOSED_RESOURCE);
	weir_sender_free(other);
	free_channel(closing.a);
	free_channel(b);
}

MODEL(stand, deadline, "nobody comes, or too late: both or neither")
{
	struct ends a = open_spinning(0), b = open_spinning(0);
	struct choice s = choose();
	struct act recv = RECEIVES(b);

	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 2);
	s.deadline = deadline_ahead();
	recv.deadline = deadline_ahead();
	spawn("S", do_select_until, &s);
	spawn("receiver", do_recv_until, &recv);
	join();
	check(did(&s, 1) == (recv.status == WEIR_OK));
	free_channel(a);
	free_channel(b);
}

struct pair {
	struct ends a, b;
	uint64_t got;
};

/* S offers on a and b; `take` takes 2 on b, somehow. */
static void offer_to(void (*take)(void *pair))
{
	struct pair pair = {open_spinning(0), open_spinning(0), 0};
	struct choice s = choose();

	or_send(&s, pair.a.tx, 1);
	or_send(&s, pair.b.tx, 2);
	spawn("S", do_select, &s);
	spawn("receiver", take, &pair);
	join();
	check(did(&s, 1) && pair.got == 2);
	free_channel(pair.a);
	free_channel(pair.b);
}

static void take_if_counted(void *argument)
{
	struct pair *pair = argument;
	weir_statistics at_a;

	weir_receiver_statistics(pair->a.rx, &at_a);
	if (at_a.senders_waiting > 0)
		check(weir_recv_for(pair->b.rx, &pair->got, 0) == WEIR_OK);
	else
		check(weir_recv(pair->b.rx, &pair->got) == WEIR_OK);
}

MODEL(stand, counted, "a select that is counted at one channel waits at both")
{
	offer_to(take_if_counted);
}

static void take_if_ready(void *argument)
{
	struct pair *pair = argument;
	weir_case choice = WEIR_RECV_CASE(pair->b.rx, NULL);
	size_t index;

	check(weir_ready(&choice, 1, 0, &index) == WEIR_OK);
	check(weir_recv(pair->b.rx, &pair->got) == WEIR_OK);
}

MODEL(stand, ready, "who wants to know hears of a select that comes")
{
	offer_to(take_if_ready);
}

/* P sends 4 on a, beside S, which offers 1 there and 2 on b. */
static void take_in_turn(void *argument)
{
	struct pair *pair = argument;
	weir_receiver *a = pair->a.rx, *b = pair->b.rx;
	weir_statistics at_a;
	uint64_t got;

	until_asleep(1);
	weir_receiver_statistics(a, &at_a);
	if (at_a.senders_waiting == 1 &&
		weir_recv_for(b, &got, 0) == WEIR_TIMED_OUT) {
		/* It was P, as S would have waited at both. */
		check(weir_recv_for(a, &got, 0) == WEIR_OK && got == 4);
		check(weir_recv(b, &got) == WEIR_OK && got == 2);
	} else if (at_a.senders_waiting == 1) {
		check(weir_recv(a, &got) == WEIR_OK && got == 4);
	} else {
		check(weir_recv(a, &got) == WEIR_OK);
		if (got == 1)
			check(weir_recv(a, &got) == WEIR_OK && got == 4);
		else
			check(weir_recv(b, &got) == WEIR_OK && got == 2);
	}
}

/* Where a select stands that comes first depends on the order that it draws. */
static void sender_goes_first(unsigned offered_second)
{
	struct pair pair = {open_spinning(0), open_spinning(0), 0};
	struct choice s = choose();
	struct act send = SENDS(pair.a, 4);

	if (offered_second == 0)
		or_send(&s, pair.a.tx, 1);
	or_send(&s, pair.b.tx, 2);
	if (offered_second == 1)
		or_send(&s, pair.a.tx, 1);
	spawn("S", do_select, &s);
	spawn("P", do_send, &send);
	spawn("receiver", take_in_turn, &pair);
	join();
	check(send.status == WEIR_OK && s.status == WEIR_OK);
	free_channel(pair.a);
	free_channel(pair.b);
}

MODEL(stand, sender_goes_first_a, "a sender that is counted, before who stands")
{
	sender_goes_first(0);
}

MODEL(stand, sender_goes_first_b, "the same, with its channel offered second")
{
	sender_goes_first(1);
}

struct shutting {
	struct ends a;
	uint64_t sent; /* when it was shut */
};

static uint64_t sent_on(struct ends ends)
{
	weir_statistics statistics;

	weir_receiver_statistics(ends.rx, &statistics);
	return statistics.sent;
}

static void shut(void *argument)
{
	struct shutting *shutting = argument;

	weir_receiver_shut(shutting->a.rx);
	shutting->sent = sent_on(shutting->a);
}

MODEL(stand, shut, "nobody sends where it is shut")
{
	struct shutting shutting = {open_spinning(0), 0};
	struct ends b = open_spinning(0);
	struct choice s = choose();
	struct act recv = RECEIVES(shutting.a);

	or_send(&s, shutting.a.tx, 1);
	or_send(&s, b.tx, 2);
	spawn("receiver", do_recv, &recv);
	spawn("S", do_select, &s);
	spawn("C", shut, &shutting);
	join();
	check(s.index == 0 && (recv.status == WEIR_OK) == did(&s, 0));
	check(sent_on(shutting.a) == shutting.sent);
	free_channel(shutting.a);
	free_channel(b);
}
