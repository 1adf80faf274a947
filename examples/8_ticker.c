/* SPDX-License-Identifier: MIT */
/* A ticker with a deadline: two timers in one select.  Neither has a thread
 * behind it; the select sleeps until the first of the two is due. */
#include <stdio.h>
#include <weir.h>

#define MS 1000000

int main(void)
{
	WEIR_RECEIVER_SCOPED weir_receiver *tick = NULL, *end = NULL;
	int64_t due, first = 0;
	size_t i;

	if (weir_tick(20 * MS, &tick) || weir_after(110 * MS, &end))
		return 1;
	weir_case cases[] = {
		WEIR_RECV_CASE(tick, &due),
		WEIR_RECV_CASE(end, &due),
	};
	for (int n = 0; weir_select(cases, 2, 0, &i) == WEIR_OK; n++) {
		if (i == 1)
			break;
		if (n == 0)
			first = due;
		/* Late or not, the time it was due is on the grid. */
		printf("tick at %d ms\n", (int)((due - first) / MS) + 20);
	}
	puts("time is up");
	return 0;
}
