/* SPDX-License-Identifier: MIT */
/* Many threads send, one receives, and nobody counts who is done: each
 * producer owns a clone of the sender and frees it when it has no more to say.
 * The original is freed as soon as all are on their way, so that the channel
 * ends with the last producer, and the receiver's loop with it.
 */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

enum { PRODUCERS = 10, NUMBERS = 1000 };

static void *produce(void *argument)
{
	WEIR_SENDER_SCOPED weir_sender *tx = argument;

	for (long n = 1; n <= NUMBERS; n++) {
		if (weir_send(tx, &n) != WEIR_OK)
			break; /* nobody listens any more */
	}
	return NULL;
}

int main(void)
{
	pthread_t producers[PRODUCERS];
	weir_sender *tx;
	weir_receiver *rx;
	long count = 0, sum = 0;

	if (weir_open(16, sizeof(long), &tx, &rx) != WEIR_OK)
		return 1;
	for (int i = 0; i < PRODUCERS; i++) {
		weir_sender *clone;

		if (weir_sender_clone(tx, &clone) != WEIR_OK ||
			pthread_create(&producers[i], NULL, produce, clone) !=
				0)
			return 1;
	}
	weir_sender_free(tx);

	WEIR_FOR_EACH (rx, long, n) {
		count++;
		sum += n;
	}
	weir_receiver_free(rx);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i], NULL);

	printf("%d producers, %ld numbers, sum %ld\n", PRODUCERS, count, sum);
	return sum != PRODUCERS * (NUMBERS * (NUMBERS + 1L) / 2);
}
