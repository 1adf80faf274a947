/* SPDX-License-Identifier: MIT */
/* model_spin.c - the same with two CPUs: who waits looks again, unregistered,
 * and spins on its own word before it sleeps. */
#include "traffic.h"

static void pass_two(size_t capacity)
{
	struct ends ends = open_spinning(capacity);
	struct act acts[] = {
		SENDS(ends, 1), RECEIVES(ends), SENDS(ends, 2), RECEIVES(ends)};

	spawn("receiver 1", do_recv, &acts[1]);
	spawn("sender 1", do_send, &acts[0]);
	spawn("receiver 2", do_recv, &acts[3]);
	spawn("sender 2", do_send, &acts[2]);
	join();
	check(acts[1].status == WEIR_OK && acts[3].status == WEIR_OK);
	check_once(acts, 4, ends.rx);
	free_channel(ends);
}

MODEL(spin, pass_0, "two pairs, rendezvous")
{
	pass_two(0);
}

MODEL(spin, pass_1, "two pairs, capacity 1")
{
	pass_two(1);
}

MODEL(spin, pass_unbounded, "two pairs, unbounded")
{
	pass_two(WEIR_UNBOUNDED);
}

MODEL(spin, end, "the end comes while a receiver spins")
{
	struct ends ends = open_spinning(1);
	struct act recv = RECEIVES(ends), close = SENDS(ends, 1);

	spawn("receiver", do_recv, &recv);
	spawn("closer", do_close_sender, &close);
	join();
	check(recv.status == WEIR_END_OF_CHANNEL);
	free_channel(ends);
}
