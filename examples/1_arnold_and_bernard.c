/* SPDX-License-Identifier: MIT */
/* Two threads, Arnold and Bernard, each read a channel of their own, and yet
 * the lines always come out in the order of the messages.  Both channels are
 * rendezvous: a send returns when the receiver has the element, which it may
 * not have printed by then.  So `tell` sends twice, the message and then NULL:
 * who takes the NULL has come round to its next recv, done with the message.
 */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

struct reader {
	const char *name;
	weir_sender *tx;
	weir_receiver *rx;
	pthread_t thread;
};

static void *read_messages(void *argument)
{
	struct reader *self = argument;

	WEIR_FOR_EACH (self->rx, const char *, text) {
		if (text != NULL)
			printf("Message for %s: %s\n", self->name, text);
	}
	weir_receiver_free(self->rx);
	return NULL;
}

static void tell(struct reader *to, const char *text)
{
	const char *done = NULL;

	if (weir_send(to->tx, &text) || weir_send(to->tx, &done))
		fprintf(stderr, "%s does not listen\n", to->name);
}

int main(void)
{
	struct reader readers[] = {{.name = "Arnold"}, {.name = "Bernard"}};
	struct reader *arnold = &readers[0], *bernard = &readers[1];

	for (struct reader *r = readers; r < readers + 2; r++) {
		if (weir_open(0, sizeof(char *), &r->tx, &r->rx) != WEIR_OK ||
			pthread_create(&r->thread, NULL, read_messages, r) != 0)
			return 1;
	}
	tell(arnold, "Hello Arnold.");
	tell(bernard, "Hello Bernard.");
	tell(arnold, "Goodbye Arnold.");
	tell(bernard, "Goodbye Bernard.");
	for (struct reader *r = readers; r < readers + 2; r++) {
		weir_sender_free(r->tx); /* ends the loop in read_messages */
		pthread_join(r->thread, NULL);
	}
	return 0;
}
