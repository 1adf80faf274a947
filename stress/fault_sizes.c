/* SPDX-License-Identifier: MIT */
/* fault_sizes.c - elements of up to 16 MiB.
 *
 * A copy of one takes milliseconds, so a thread is in the middle of an
 * operation for as long as others need for a thousand, and most deadlines pass
 * in the middle.  Sizes beside the powers of two are of no alignment.
 */
#include "traffic.h"

#define MIB ((size_t)1 << 20)

int main(int argc, char **argv)
{
	static const size_t capacities[] = {0, 1, 2, 3, WEIR_UNBOUNDED};
	static const size_t sizes[] = {
		MIB / 16, MIB - 1, MIB, 4 * MIB + 8, 16 * MIB};
	static const struct traffic large = {
		.capacities = capacities,
		.n_capacities = 5,
		.sizes = sizes,
		.n_sizes = 5,
		.batch = 2,
		.quota = 6,
	};
	struct stress_random random;

	stress_start(argc, argv, false);
	if (stress.threads > 2)
		stress.threads = 2;
	while (stress_next_round(&random))
		traffic_round(&large, &random);
	stress_finish("%" PRIu64 " elements of up to 16 MiB, 0 lost, 0 doubled",
		traffic_elements());
	return 0;
}
