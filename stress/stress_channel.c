/* SPDX-License-Identifier: MIT */
/* stress_channel.c - every way to send against every way to receive, and
 * nothing else (traffic.h). */
#include "traffic.h"

int main(int argc, char **argv)
{
	static const struct traffic usual;
	struct stress_random random;

	stress_start(argc, argv, false);
	while (stress_next_round(&random))
		traffic_round(&usual, &random);
	stress_finish("%" PRIu64 " elements", traffic_elements());
	return 0;
}
