/* SPDX-License-Identifier: MIT */
/* model_rendezvous.c - capacity 0: sender and receiver meet. */
#include "traffic.h"

MODEL(rendezvous, pair, "one sender, one receiver")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_send, &acts[0]);
	spawn("receiver", do_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_OK && acts[1].status == WEIR_OK);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(rendezvous, two_pairs, "two senders, two receivers")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {
		SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends), RECEIVES(ends)};

	spawn("sender 1", do_send, &acts[0]);
	spawn("sender 2", do_send, &acts[1]);
	spawn("receiver 1", do_recv, &acts[2]);
	spawn("receiver 2", do_recv, &acts[3]);
	join();
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(rendezvous, try_send, "a try_send meets a receiver, or finds nobody")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_recv_until, &acts[1]);
	acts[1].deadline = deadline_ahead();
	join();
	check((acts[0].status == WEIR_OK && acts[1].status == WEIR_OK) ||
		(acts[0].status == WEIR_WOULD_BLOCK &&
			acts[1].status == WEIR_TIMED_OUT));
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(rendezvous, try_against_try,
	"who does not wait does not meet who does not wait")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	spawn("sender", do_try_send, &acts[0]);
	spawn("receiver", do_try_recv, &acts[1]);
	join();
	check(acts[0].status == WEIR_WOULD_BLOCK);
	check(acts[1].status == WEIR_WOULD_BLOCK);
	free_channel(ends);
}

MODEL(rendezvous, both_deadlines,
	"both times are up as they meet: both or neither")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {SENDS(ends, 1), RECEIVES(ends)};

	acts[0].deadline = deadline_ahead();
	acts[1].deadline = deadline_ahead();
	spawn("sender", do_send_until, &acts[0]);
	spawn("receiver", do_recv_until, &acts[1]);
	join();
	check(acts[0].status == acts[1].status);
	check(acts[0].status == WEIR_OK || acts[0].status == WEIR_TIMED_OUT);
	check_once(acts, 2, ends.rx);
	free_channel(ends);
}

MODEL(rendezvous, three_and_deadline,
	"an impatient sender, a patient one, one receiver")
{
	struct ends ends = open_channel(0);
	struct act acts[] = {SENDS(ends, 1), SENDS(ends, 2), RECEIVES(ends)};

	acts[0].deadline = deadline_ahead();
	spawn("impatient", do_send_until, &acts[0]);
	spawn("sender", do_send_until, &acts[1]);
	acts[1].deadline = deadline_ahead();
	spawn("receiver", do_recv_until, &acts[2]);
	acts[2].deadline = deadline_ahead();
	join();
	check((acts[2].status == WEIR_OK) ==
		(acts[0].status == WEIR_OK || acts[1].status == WEIR_OK));
	check_once(acts, 3, ends.rx);
	free_channel(ends);
}
