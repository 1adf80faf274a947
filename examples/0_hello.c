/* SPDX-License-Identifier: MIT */
/* A thread says four words, the main thread hears them. */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

static void *speak(void *tx)
{
	const char *words[] = {"Hello", "from", "another", "thread"};

	for (int i = 0; i < 4 && weir_send(tx, &words[i]) == WEIR_OK; i++)
		;
	weir_sender_free(tx); /* it was the last sender: the channel ends */
	return NULL;
}

int main(void)
{
	weir_sender *tx;
	weir_receiver *rx;
	pthread_t speaker;

	if (weir_open(2, sizeof(char *), &tx, &rx) != WEIR_OK ||
		pthread_create(&speaker, NULL, speak, tx) != 0)
		return 1;
	WEIR_FOR_EACH (rx, const char *, word) /* until the channel ends */
		puts(word);
	pthread_join(speaker, NULL);
	weir_receiver_free(rx);
	return 0;
}
