/* SPDX-License-Identifier: MIT */
/* Two threads, Arnold and Bernard, each read a duplex of their own, and yet the
 * lines always come out in the order of the messages: giving a message returns
 * when its reader asks for the next one, and so is done with this.
 */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

struct reader {
	const char *name;
	weir_duplex *end;
};

static void *read_messages(void *argument)
{
	struct reader *self = argument;

	WEIR_DUPLEX_FOR_EACH(self->end, const char *, text)
	printf("Message for %s: %s\n", self->name, text);
	weir_duplex_free(self->end);
	return NULL;
}

static void tell(weir_duplex *to, const char *text)
{
	if (weir_duplex_exchange(to, &text, NULL) != WEIR_OK)
		fprintf(stderr, "nobody listens\n");
}

int main(void)
{
	struct reader readers[] = {{"Arnold", NULL}, {"Bernard", NULL}};
	weir_duplex *arnold, *bernard, **tellers[] = {&arnold, &bernard};
	pthread_t threads[2];

	for (int i = 0; i < 2; i++) {
		if (weir_duplex_open(0, sizeof(char *), &readers[i].end,
			    tellers[i]) != WEIR_OK ||
			pthread_create(&threads[i], NULL, read_messages,
				&readers[i]) != 0 ||
			weir_duplex_exchange(*tellers[i], NULL, NULL) !=
				WEIR_OK) /* start: waits for the reader */
			return 1;
	}
	tell(arnold, "Hello Arnold.");
	tell(bernard, "Hello Bernard.");
	tell(arnold, "Goodbye Arnold.");
	tell(bernard, "Goodbye Bernard.");
	for (int i = 0; i < 2; i++) {
		weir_duplex_free(*tellers[i]); /* ends the reader's loop */
		pthread_join(threads[i], NULL);
	}
	return 0;
}
