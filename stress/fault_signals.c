/* SPDX-License-Identifier: MIT */
/* fault_signals.c - signals at 10 kHz into each thread, without SA_RESTART.
 *
 * The storm of the other programs (-i) is the process's, and the kernel gives
 * such signals to the main thread as long as that takes them.  These go to
 * every thread there is, those in the middle of a call and those that sleep in
 * one: EINTR must stay invisible.
 */
#include "fault.h"
#include "traffic.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define EVERY_NS 100000 /* 10 kHz */

/* Threads come and go with the rounds, every few milliseconds; to look for them
 * each time would take longer than the signals. */
#define LOOK_EVERY 8

static _Atomic uint64_t arrived;

static void on_signal(int unused)
{
	(void)unused;
	atomic_fetch_add_explicit(&arrived, 1, memory_order_relaxed);
}

static uint64_t inject(struct stress_random *random)
{
	static pid_t threads[FAULT_MAX_THREADS];
	static unsigned count, turn;

	(void)random;
	if (turn++ % LOOK_EVERY == 0)
		count = fault_list_threads(threads);
	for (unsigned i = 0; i < count; i++)
		tgkill(getpid(), threads[i], SIGUSR1);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct sigaction action = {.sa_handler = on_signal};
	struct stress_random random;
	uint64_t bursts;

	stress_start(argc, argv, false);
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		stress_fail("sigaction: %s", strerror(errno));
	fault_begin(inject, EVERY_NS);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	bursts = fault_end();
	stress_finish("%" PRIu64 " signals (%.1f kHz to each thread), %" PRIu64
		      " elements, 0 lost, 0 doubled",
		arrived, (double)bursts / stress_elapsed() / 1e3,
		traffic_elements());
	return 0;
}
