/* SPDX-License-Identifier: MIT */
/* fault_halt.c - one thread stopped for good at any instruction of a call.
 *
 * A try_ call waits for nobody.  So a parent stops one thread of its child
 * inside a send or recv, single steps it to a random instruction, and leaves it
 * there until every other thread has had thousands of answers from its own try_
 * calls.  Only then may it go on, and everything must add up.
 *
 * The others hold against what the manual excepts: they have used the channel
 * before the stop, so that liburcu's thread runs, and the segments of
 * unbounded channels are mapped, so that no lock of malloc's is needed.
 */
#include "fault.h"
#include "fault_halt.h"

struct halt_page *halt;

int main(int argc, char **argv)
{
	if (FAULT_SANITIZED)
		fault_skip("a sanitizer's own locks may be held by who is "
			   "stopped");
	if (!halt_is_possible())
		fault_skip("ptrace does not work here");
	halt = fault_share(sizeof *halt);
	return fault_beside(halt_rounds, argc, argv, halt_one);
}
