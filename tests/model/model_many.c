/* SPDX-License-Identifier: MIT */
/* model_many.c - several elements by one claim (lib/ring.c): beside others, past
 * the end of the ring, for those who wait, and against each close. */
#include "traffic.h"

/* Two elements lie one after the other, and go through one endpoint. */
struct run {
	weir_sender *tx;
	weir_receiver *rx;
	uint64_t elements[2];
	size_t moved;
	int status;
};

static void try_send_run(void *argument)
{
	struct run *run = argument;

	run->status =
		weir_try_send_many(run->tx, run->elements, 2, &run->moved);
}

static void send_run(void *argument)
{
	struct run *run = argument;

	run->status = weir_send_many(run->tx, run->elements, 2, &run->moved);
}

static void try_recv_run(void *argument)
{
	struct run *run = argument;

	run->status =
		weir_try_recv_many(run->rx, run->elements, 2, &run->moved);
}

static void recv_run(void *argument)
{
	struct run *run = argument;

	run->status = weir_recv_many(run->rx, run->elements, 2, &run->moved);
}

static void try_recv_run_and_free(void *argument)
{
	struct run *run = argument;

	try_recv_run(run);
	weir_receiver_free(run->rx);
}

/* The acts that a run stands for. */
static void as_acts(const struct run *run, struct act acts[2])
{
	for (size_t i = 0; i < 2; i++)
		acts[i] = (struct act){.tx = run->tx,
			.rx = run->rx,
			.element = run->elements[i],
			.status = i < run->moved ? WEIR_OK : WEIR_WOULD_BLOCK};
}

/* A ring through which so many elements have gone: a run ends where the ring
 * does. */
static struct ends open_after(size_t passed, size_t capacity)
{
	struct ends ends = open_channel(capacity);
	uint64_t element = 0;

	for (size_t i = 0; i < passed; i++) {
		check(weir_try_send(ends.tx, &element) == WEIR_OK);
		check(weir_try_recv(ends.rx, &element) == WEIR_OK);
	}
	return ends;
}

static void send_both(weir_sender *tx, const struct act acts[2])
{
	check(weir_try_send(tx, &acts[0].element) == WEIR_OK);
	check(weir_try_send(tx, &acts[1].element) == WEIR_OK);
}

/* -- Beside others ------------------------------------------------------- */

static void runs_beside_a_send(struct ends ends)
{
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct run out = {.rx = ends.rx};
	struct act acts[5] = {[4] = SENDS(ends, 4)};

	spawn("run in", try_send_run, &in);
	spawn("sender", do_try_send, &acts[4]);
	spawn("run out", try_recv_run, &out);
	join();
	/* The run stays together but for the other's, and in order. */
	check(out.moved == 0 || out.elements[0] != 2);
	check(out.moved < 2 || out.elements[1] != 1 || out.elements[0] == 4);
	as_acts(&in, &acts[0]);
	as_acts(&out, &acts[2]);
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

MODEL(many, beside_a_send_2,
	"a run goes in and a run comes out, beside a sender; capacity 2")
{
	runs_beside_a_send(open_after(0, 2));
}

MODEL(many, beside_a_send_3, "the same at capacity 3")
{
	runs_beside_a_send(open_after(1, 3));
}

MODEL(many, beside_a_send_wrapped, "the same past the end of the ring")
{
	runs_beside_a_send(open_after(2, 3));
}

MODEL(many, beside_a_recv, "a run and a receiver share what is there")
{
	struct ends ends = open_channel(2);
	struct run out = {.rx = ends.rx};
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends),
		RECEIVES(ends), RECEIVES(ends)};

	send_both(ends.tx, acts);
	spawn("run", try_recv_run, &out);
	spawn("receiver", do_try_recv, &acts[4]);
	join();
	check(out.moved == 2 || acts[4].status == WEIR_OK);
	check(acts[4].status != WEIR_OK || out.moved == 0 ||
		acts[4].element != out.elements[0]);
	as_acts(&out, &acts[2]);
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

/* -- For those who wait -------------------------------------------------- */

MODEL(many, for_a_receiver, "a receiver waits, and a run comes")
{
	struct ends ends = open_channel(2);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act acts[3] = {[2] = RECEIVES(ends)};

	spawn("receiver", do_recv, &acts[2]);
	spawn("run", try_send_run, &in);
	join();
	check(in.moved == 2 && acts[2].element == 1);
	as_acts(&in, &acts[0]);
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}

MODEL(many, for_receivers,
	"two receivers wait, and a run comes: both are served")
{
	struct ends ends = open_channel(2);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act acts[4] = {[2] = RECEIVES(ends), RECEIVES(ends)};

	spawn("receiver 1", do_recv, &acts[2]);
	spawn("receiver 2", do_recv, &acts[3]);
	spawn("run", send_run, &in);
	join();
	check(in.status == WEIR_OK && in.moved == 2);
	check(acts[2].status == WEIR_OK && acts[3].status == WEIR_OK);
	as_acts(&in, &acts[0]);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(many, for_senders,
	"two senders wait, and a run is taken: both are served")
{
	struct ends ends = open_channel(2);
	struct run out = {.rx = ends.rx};
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4),
		SENDS(ends, 8), RECEIVES(ends), RECEIVES(ends)};

	send_both(ends.tx, acts);
	spawn("sender 1", do_send, &acts[2]);
	spawn("sender 2", do_send, &acts[3]);
	spawn("run", try_recv_run, &out);
	join();
	check(out.moved == 2 && out.elements[0] == 1 && out.elements[1] == 2);
	check(acts[2].status == WEIR_OK && acts[3].status == WEIR_OK);
	as_acts(&out, &acts[4]);
	check_once(acts, 6, ends.rx);
	free_channel(ends);
}

static void run_not_past_receivers(void *argument)
{
	struct run *run = argument;
	weir_statistics now;

	weir_receiver_statistics(run->rx, &now);
	if (now.receivers_waiting == 0)
		return;
	try_recv_run(run);
	check(run->status == WEIR_WOULD_BLOCK && run->moved == 0);
}

MODEL(many, not_past_receivers,
	"an element is for who waits, and not for a run")
{
	struct ends ends = open_channel(2);
	struct run out = {.rx = ends.rx};
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("receiver", do_recv, &acts[1]);
	spawn("run", run_not_past_receivers, &out);
	spawn("sender", do_send, &acts[0]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

static void run_not_past_senders(void *argument)
{
	struct run *run = argument;
	weir_statistics now;

	weir_sender_statistics(run->tx, &now);
	if (now.senders_waiting == 0)
		return;
	try_send_run(run);
	check(run->status == WEIR_WOULD_BLOCK && run->moved == 0);
}

MODEL(many, not_past_senders, "a place is for who waits, and not for a run")
{
	struct ends ends = open_channel(2);
	struct run in = {.tx = ends.tx, .elements = {8, 16}};
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), SENDS(ends, 4), RECEIVES(ends)};

	send_both(ends.tx, acts);
	spawn("sender", do_send, &acts[2]);
	spawn("run", run_not_past_senders, &in);
	spawn("receiver", do_recv, &acts[3]);
	join();
	check(acts[2].status == WEIR_OK && acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

/* -- Closes -------------------------------------------------------------- */

static void drained(struct ends ends)
{
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act acts[4] = {[2] = SENDS(ends, 4), RECEIVES(ends)};

	acts[3].status = WEIR_CLOSED_RESOURCE;
	spawn("run", try_send_run, &in);
	spawn("sender", do_try_send, &acts[2]);
	spawn("closer", do_free_receiver, &acts[3]);
	join();
	as_acts(&in, &acts[0]);
	check_once(acts, 4, NULL);
	weir_sender_free(ends.tx);
}

MODEL(many, drained_2, "a run is dropped, or refused; capacity 2")
{
	drained(open_after(0, 2));
}

MODEL(many, drained_3, "the same at capacity 3")
{
	drained(open_after(1, 3));
}

MODEL(many, received_beside_a_drain,
	"a run is received, in part, before the last receiver leaves")
{
	struct ends ends = open_channel(2);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct run out = {.rx = ends.rx};
	struct act acts[4];

	spawn("run in", try_send_run, &in);
	spawn("run out", try_recv_run_and_free, &out);
	join();
	as_acts(&in, &acts[0]);
	as_acts(&out, &acts[2]);
	check_once(acts, 4, NULL);
	weir_sender_free(ends.tx);
}

MODEL(many, statistics_of_a_drain,
	"what a run sends, and what is dropped, count")
{
	struct ends ends = open_after(1, 2);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act act = RECEIVES(ends);
	weir_statistics now;

	spawn("run", try_send_run, &in);
	spawn("closer", do_free_receiver, &act);
	join();
	weir_sender_statistics(ends.tx, &now);
	check(now.sent == 1 + in.moved && now.received == 1);
	check(now.dropped == in.moved && weir_sender_length(ends.tx) == 0);
	weir_sender_free(ends.tx);
}

MODEL(many, meet,
	"send_many meets recv_many: both elements at once, rendezvous")
{
	struct ends ends = open_channel(0);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct run out = {.rx = ends.rx};

	spawn("run in", send_run, &in);
	spawn("run out", recv_run, &out);
	join();
	check(in.status == WEIR_OK && in.moved == 2);
	check(out.status == WEIR_OK && out.moved == 2);
	check(out.elements[0] == 1 && out.elements[1] == 2);
	free_channel(ends);
}

/* A select that stands in line twice. */
static void select_recv(void *argument)
{
	struct act *act = argument;
	uint64_t into[2];
	weir_case cases[] = {WEIR_RECV_CASE(act->rx, &into[0]),
		WEIR_RECV_CASE(act->rx, &into[1])};
	size_t index = 0;

	act->status = weir_select(cases, 2, 0, &index);
	check(cases[index].status == WEIR_OK);
	act->element = into[index];
}

MODEL(many, meet_select, "send_many meets a select and a receiver, rendezvous")
{
	struct ends ends = open_channel(0);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act acts[4] = {RECEIVES(ends), RECEIVES(ends)};

	spawn("run in", send_run, &in);
	spawn("select", select_recv, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	join();
	check(in.status == WEIR_OK && in.moved == 2);
	as_acts(&in, &acts[2]);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(many, meet_two, "send_many meets recv_many and a try_recv, rendezvous")
{
	struct ends ends = open_channel(0);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct run out = {.rx = ends.rx};
	struct act acts[5] = {RECEIVES(ends)};

	spawn("run in", send_run, &in);
	spawn("run out", recv_run, &out);
	spawn("receiver", do_try_recv, &acts[0]);
	join();
	check(in.status == WEIR_OK && in.moved == 2);
	check(out.moved == (acts[0].status == WEIR_OK ? 1 : 2));
	as_acts(&in, &acts[1]);
	as_acts(&out, &acts[3]);
	check_once(acts, 5, ends.rx);
	free_channel(ends);
}

MODEL(many, meet_one, "recv_many meets a send: it goes with less, rendezvous")
{
	struct ends ends = open_channel(0);
	struct run out = {.rx = ends.rx};
	struct act act = SENDS(ends, 1);

	spawn("sender", do_send, &act);
	spawn("run out", recv_run, &out);
	join();
	check(act.status == WEIR_OK);
	check(out.moved == 1 && out.elements[0] == 1);
	free_channel(ends);
}

MODEL(many, meet_one_by_one, "send_many meets two that receive, rendezvous")
{
	struct ends ends = open_channel(0);
	struct run in = {.tx = ends.tx, .elements = {1, 2}};
	struct act acts[4] = {RECEIVES(ends), RECEIVES(ends)};

	spawn("run in", send_run, &in);
	spawn("receiver 1", do_recv, &acts[0]);
	spawn("receiver 2", do_recv, &acts[1]);
	join();
	check(in.status == WEIR_OK && in.moved == 2);
	as_acts(&in, &acts[2]);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}
