/* SPDX-License-Identifier: MIT */
/* model_select.c - selects, against plain partners, against each other, against
 * deadlines and ends. */
#include "traffic.h"

static void do_ready_until(void *argument)
{
	struct choice *choice = argument;

	choice->status = weir_ready_until(choice->cases, choice->count, 0,
		&choice->index, choice->deadline);
	check(choice->status == WEIR_OK || choice->status == WEIR_TIMED_OUT);
}

static void one_of_two(size_t capacity)
{
	struct ends a = open_channel(capacity), b = open_channel(capacity);
	struct choice choice = choose();
	struct act to_a[2] = {SENDS(a, 1)}, to_b[2] = {SENDS(b, 2)};

	to_a[0].deadline = to_b[0].deadline = deadline_ahead();
	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	choice.deadline = capacity == 0 ? deadline_ahead() : INT64_MAX;
	spawn("select", do_select_until, &choice);
	spawn("sender a", do_send_until, &to_a[0]);
	spawn("sender b", do_send_until, &to_b[0]);
	join();
	to_a[1] = act_of(&choice, 0);
	to_b[1] = act_of(&choice, 1);
	check(capacity == 0 || did(&choice, 0) != did(&choice, 1));
	check_once(to_a, 2, a.rx);
	check_once(to_b, 2, b.rx);
	free_channel(a);
	free_channel(b);
}

MODEL(select, one_of_two_0, "two senders, one select: one is taken, rendezvous")
{
	one_of_two(0);
}

MODEL(select, one_of_two_1, "two senders, one select: one is taken, capacity 1")
{
	one_of_two(1);
}

MODEL(select, one_of_two_unbounded,
	"two senders, one select: one is taken, unbounded")
{
	one_of_two(WEIR_UNBOUNDED);
}

MODEL(select, crossing, "two selects meet on two rendezvous channels")
{
	cross_selects(open_channel(0), open_channel(0), false);
}

MODEL(select, crossing_deadlines, "the same, with deadlines: both or neither")
{
	cross_selects(open_channel(0), open_channel(0), true);
}

MODEL(select, three_in_a_ring,
	"three selects over three channels: one pair, the third alone")
{
	struct ends ends[3] = {
		open_channel(0), open_channel(0), open_channel(0)};
	struct choice choices[3];
	unsigned sent = 0, received = 0;

	for (unsigned i = 0; i < 3; i++) {
		choices[i] = choose();
		or_send(&choices[i], ends[i].tx, (uint64_t)1 << i);
		or_recv(&choices[i], ends[(i + 1) % 3].rx);
	}
	for (unsigned i = 0; i < 3; i++)
		choices[i].deadline = deadline_ahead();
	spawn("R", do_select_until, &choices[0]);
	spawn("S", do_select_until, &choices[1]);
	spawn("T", do_select_until, &choices[2]);
	join();
	for (unsigned i = 0; i < 3; i++) {
		sent += did(&choices[i], 0);
		received += did(&choices[i], 1);
		if (did(&choices[i], 1)) {
			check(did(&choices[(i + 1) % 3], 0));
			check(choices[i].in[1] == (uint64_t)1 << (i + 1) % 3);
		}
	}
	check(sent == received && sent <= 1);
	for (unsigned i = 0; i < 3; i++)
		free_channel(ends[i]);
}

MODEL(select, not_with_itself,
	"both ends of one channel in a select, and a partner")
{
	struct ends a = open_channel(0);
	struct choice s = choose();
	struct act recv = RECEIVES(a);

	or_send(&s, a.tx, 1);
	or_recv(&s, a.rx);
	spawn("S", do_select, &s);
	spawn("receiver", do_recv, &recv);
	join();
	check(did(&s, 0) && recv.status == WEIR_OK && recv.element == 1);
	free_channel(a);
}

MODEL(select, twins, "two selects on both ends of one channel")
{
	struct ends a = open_channel(0);

	cross_selects(a, a, false);
}

static void deadline_of_one(size_t capacity)
{
	struct ends a = open_channel(capacity), b = open_channel(capacity);
	struct choice choice = choose();
	struct act to_a[2] = {SENDS(a, 1)};

	choice.deadline = deadline_ahead();
	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	to_a[0].deadline = deadline_ahead();
	spawn("select", do_select_until, &choice);
	spawn("sender", do_send_until, &to_a[0]);
	join();
	to_a[1] = act_of(&choice, 0);
	check(!did(&choice, 1));
	check_once(to_a, 2, a.rx);
	free_channel(a);
	free_channel(b);
}

MODEL(select, deadline_0,
	"a select's time is up as its partner comes, rendezvous")
{
	deadline_of_one(0);
}

MODEL(select, deadline_1,
	"a select's time is up as its partner comes, capacity 1")
{
	deadline_of_one(1);
}

struct both {
	struct act act;
	struct choice choice;
};

/* Sends, then selects with a deadline that has passed: there is an element. */
static void send_then_select(void *argument)
{
	struct both *both = argument;

	do_send(&both->act);
	do_select_until(&both->choice);
	check(did(&both->choice, 0));
}

MODEL(select, timed_out_is_true,
	"an element sent before is there, though another is on its way")
{
	struct ends a = open_channel(2), b = open_channel(1);
	struct both both = {.act = SENDS(a, 1), .choice = choose()};
	struct act acts[3] = {[1] = SENDS(a, 2)};

	or_recv(&both.choice, a.rx);
	or_recv(&both.choice, b.rx);
	spawn("both", send_then_select, &both);
	spawn("sender", do_send, &acts[1]);
	join();
	acts[0] = both.act;
	acts[2] = act_of(&both.choice, 0);
	check_once(acts, 3, a.rx);
	free_channel(a);
	free_channel(b);
}

static void ready_once_one_waits(void *argument)
{
	struct both *both = argument;

	until_asleep(1);
	do_ready_until(&both->choice); /* at 0: has passed */
	do_try_recv(&both->act);
}

MODEL(select, ready_of_a_partner,
	"a sender that waits on a rendezvous is readiness")
{
	struct ends a = open_channel(0), b = open_channel(0);
	struct both both = {.act = RECEIVES(a), .choice = choose()};
	struct act send = SENDS(a, 1);

	or_recv(&both.choice, a.rx);
	or_recv(&both.choice, b.rx);
	spawn("sender", do_send, &send);
	spawn("ready", ready_once_one_waits, &both);
	join();
	check(both.choice.status == WEIR_OK && both.choice.index == 0);
	check(both.act.status == WEIR_OK && both.act.element == 1);
	free_channel(a);
	free_channel(b);
}

MODEL(select, behind_a_select,
	"a plain receiver behind a select that may be decided elsewhere")
{
	struct ends a = open_channel(1), b = open_channel(1);
	struct choice choice = choose();
	struct act acts[3] = {SENDS(a, 1), RECEIVES(a)},
		   to_b[2] = {SENDS(b, 2)};

	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	acts[1].deadline = deadline_ahead();
	spawn("select", do_select, &choice);
	spawn("receiver", do_recv_until, &acts[1]);
	spawn("sender a", do_send, &acts[0]);
	spawn("sender b", do_send, &to_b[0]);
	join();
	acts[2] = act_of(&choice, 0);
	to_b[1] = act_of(&choice, 1);
	check_once(acts, 3, a.rx);
	check_once(to_b, 2, b.rx);
	free_channel(a);
	free_channel(b);
}

MODEL(select, past_a_select,
	"an element is there, but for a select that is served elsewhere")
{
	struct ends a = open_channel(1), b = open_channel(1);
	struct choice choice = choose();
	struct act acts[4] = {SENDS(a, 1), SENDS(a, 2), RECEIVES(a)},
		   to_b[2] = {SENDS(b, 4)};

	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	do_send(&acts[0]);
	spawn("forcer", do_force_send, &acts[1]);
	spawn("select", do_select, &choice);
	spawn("receiver", do_recv_until, &acts[2]); /* at 0: has passed */
	spawn("sender b", do_send, &to_b[0]);
	join();
	acts[3] = act_of(&choice, 0);
	to_b[1] = act_of(&choice, 1);
	/* In a there has been an element all the time. */
	check(acts[2].status == WEIR_OK || choice.index == 0);
	check_once(acts, 4, a.rx);
	check_once(to_b, 2, b.rx);
	free_channel(a);
	free_channel(b);
}

MODEL(select, end_of_a_case,
	"a case's channel ends while another's partner comes")
{
	struct ends a = open_channel(1), b = open_channel(0);
	struct choice choice = choose();
	struct act close = SENDS(a, 1), send = SENDS(b, 2);

	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	send.deadline = deadline_ahead();
	spawn("select", do_select, &choice);
	spawn("closer", do_close_sender, &close);
	spawn("sender", do_send_until, &send);
	join();
	check((choice.index == 0 &&
		      choice.cases[0].status == WEIR_END_OF_CHANNEL) !=
		did(&choice, 1));
	check(did(&choice, 1) == (send.status == WEIR_OK));
	free_channel(a);
	free_channel(b);
}

MODEL(select, own_close, "an endpoint of a waiting select is closed")
{
	struct ends a = open_channel(0), b = open_channel(0);
	struct choice choice = choose();
	struct act close = RECEIVES(a);

	or_recv(&choice, a.rx);
	or_send(&choice, b.tx, 2);
	spawn("select", do_select, &choice);
	spawn("closer", do_close_receiver, &close);
	join();
	check(choice.index == 0);
	check(choice.cases[0].status == WEIR_CLOSED_RESOURCE);
	free_channel(a);
	free_channel(b);
}

MODEL(select, places, "selects that send into one place")
{
	struct ends a = open_channel(1), b = open_channel(1);
	struct choice s = choose(), t = choose();
	struct act acts[4] = {SENDS(a, 4), RECEIVES(a)}, to_b[2];

	do_send(&acts[0]);
	or_send(&s, a.tx, 1);
	or_send(&s, b.tx, 1);
	or_send(&t, a.tx, 2);
	or_send(&t, b.tx, 2);
	spawn("S", do_select, &s);
	spawn("T", do_select, &t);
	spawn("receiver", do_recv, &acts[1]);
	join();
	acts[2] = act_of(&s, 0);
	acts[3] = act_of(&t, 0);
	to_b[0] = act_of(&s, 1);
	to_b[1] = act_of(&t, 1);
	check_once(acts, 4, a.rx);
	check_once(to_b, 2, b.rx);
	free_channel(a);
	free_channel(b);
}

static void ready_or_late(size_t capacity)
{
	struct ends a = open_channel(capacity), b = open_channel(capacity);
	struct choice choice = choose();
	struct act send = SENDS(a, 1);

	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	choice.deadline = INT64_MAX;
	send.deadline = deadline_ahead();
	if (capacity == 0)
		choice.deadline = deadline_ahead();
	spawn("ready", do_ready_until, &choice);
	spawn("sender", do_send_until, &send);
	join();
	check(capacity == 0 || choice.status == WEIR_OK);
	check(choice.status != WEIR_OK || choice.index == 0);
	free_channel(a);
	free_channel(b);
}

MODEL(select, ready_0, "who only wants to know is told, rendezvous")
{
	ready_or_late(0);
}

MODEL(select, ready_1, "who only wants to know is told, capacity 1")
{
	ready_or_late(1);
}

MODEL(select, ready_unbounded, "who only wants to know is told, unbounded")
{
	ready_or_late(WEIR_UNBOUNDED);
}

MODEL(select, try_against_select,
	"a try_send finds a select waiting, or nobody")
{
	struct ends a = open_channel(0), b = open_channel(0);
	struct choice choice = choose();
	struct act send = SENDS(a, 1), try = SENDS(b, 2);

	or_recv(&choice, a.rx);
	or_recv(&choice, b.rx);
	send.deadline = deadline_ahead();
	choice.deadline = deadline_ahead();
	spawn("select", do_select_until, &choice);
	spawn("trier", do_try_send, &try);
	spawn("sender", do_send_until, &send);
	join();
	check(did(&choice, 0) == (send.status == WEIR_OK));
	check(did(&choice, 1) == (try.status == WEIR_OK));
	free_channel(a);
	free_channel(b);
}

MODEL(select, one_channel_twice,
	"two cases on one channel, two selects that send there")
{
	struct ends a = open_channel(0);
	struct choice s = choose(), t[2] = {choose(), choose()};

	or_recv(&s, a.rx);
	or_recv(&s, a.rx);
	s.deadline = INT64_MAX;
	for (unsigned i = 0; i < 2; i++) {
		or_send(&t[i], a.tx, (uint64_t)1 << i);
		t[i].deadline = deadline_ahead();
	}
	spawn("T1", do_select_until, &t[0]);
	spawn("T2", do_select_until, &t[1]);
	spawn("S", do_select_until, &s);
	s.deadline = deadline_ahead();
	join();
	check(did(&t[0], 0) + did(&t[1], 0) == did(&s, 0) + did(&s, 1));
	free_channel(a);
}

struct batch {
	weir_receiver *rx;
	uint64_t elements[2];
	size_t received;
	int64_t deadline;
	int status;
};

static void recv_batch(void *argument)
{
	struct batch *batch = argument;

	batch->status = weir_recv_many_until(batch->rx, batch->elements, 2,
		&batch->received, batch->deadline);
}

MODEL(select, batch,
	"a recv_many meets a select of both ends: it has got something")
{
	struct ends a = open_channel(0);
	struct choice s = choose();
	struct batch batch = {.rx = a.rx};

	or_recv(&s, a.rx);
	or_send(&s, a.tx, 1);
	batch.deadline = s.deadline = deadline_ahead();
	spawn("S", do_select_until, &s);
	spawn("batch", recv_batch, &batch);
	join();
	check((batch.status == WEIR_OK) == (batch.received == 1));
	check(did(&s, 1) == (batch.received == 1));
	free_channel(a);
}
