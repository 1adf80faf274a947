/* SPDX-License-Identifier: MIT */
/* header_cxx.cc - the headers as strict C++17, and
 * the same program. */
#include <weir.h>

struct job {
	int number;
};

WEIR_TYPED(jobs, struct job);

int main(void)
{
	WEIR_SENDER_SCOPED weir_sender *tx = NULL;
	WEIR_RECEIVER_SCOPED weir_receiver *rx = NULL;
	jobs_receiver *typed_rx = NULL;
	jobs_sender *typed_tx = NULL;
	weir_options options = WEIR_OPTIONS_INIT;
	struct job job = {1};
	int sum = 0;

	options.capacity = 1;
	options.element_size = sizeof job;
	if (weir_open_with(&options, &tx, &rx) != WEIR_OK ||
		weir_send(tx, &job) != WEIR_OK)
		return 1;
	weir_sender_close(tx);
	WEIR_FOR_EACH (rx, struct job, item)
		sum += item.number;
	if (jobs_open(1, &typed_tx, &typed_rx) != WEIR_OK ||
		jobs_send(typed_tx, &job) != WEIR_OK)
		return 1;
	jobs_sender_free(typed_tx);
	WEIR_TYPED_FOR_EACH (jobs, typed_rx, item)
		sum += item.number;
	jobs_receiver_free(typed_rx);
	return sum == 2 ? 0 : 1;
}
