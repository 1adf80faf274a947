/* SPDX-License-Identifier: MIT */
/* A chat room: anybody may come in, say something and leave at any time, and one
 * thread listens to all of them through a selector.  What it costs depends on
 * who speaks, not on how many are there. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

enum { GUESTS = 200, LINES = 5 };

struct guest {
	weir_sender *says;
	pthread_t thread;
	int number;
};

static void *talk(void *argument)
{
	struct guest *self = argument;
	WEIR_SENDER_SCOPED weir_sender *says = self->says;
	char line[32];

	for (int i = 0; i < LINES; i++) {
		snprintf(line, sizeof line, "guest %d: %d", self->number, i);
		if (weir_send(says, line) != WEIR_OK)
			break;
	}
	return NULL; /* and leaves: the end of its channel */
}

/* One event: a line, or that this guest has left. */
static int listen_to(weir_selector *room, weir_event *event, int *lines)
{
	weir_receiver *ear = event->operation.rx;
	char line[32];
	int status;

	while ((status = weir_try_recv(ear, line)) == WEIR_OK)
		++*lines;
	if (status != WEIR_END_OF_CHANNEL)
		return 0;
	if (weir_selector_remove(room, &event->operation) != WEIR_OK)
		exit(1);
	weir_receiver_free(ear);
	return 1;
}

int main(void)
{
	static struct guest guests[GUESTS];
	weir_selector *room;
	int left = 0, lines = 0;

	if (weir_selector_open(&room))
		return 1;
	for (int i = 0; i < GUESTS; i++) {
		weir_receiver *ear;

		if (weir_open(2, 32, &guests[i].says, &ear))
			return 1;
		weir_case hearing = WEIR_RECV_CASE(ear, NULL);
		guests[i].number = i;
		if (weir_selector_add(room, &hearing, &guests[i]) ||
			pthread_create(
				&guests[i].thread, NULL, talk, &guests[i]))
			return 1;
	}
	while (left < GUESTS) {
		weir_event events[8];
		size_t n;

		if (weir_selector_wait(room, events, 8, &n) != WEIR_OK)
			return 1;
		for (size_t i = 0; i < n; i++)
			left += listen_to(room, &events[i], &lines);
	}
	for (int i = 0; i < GUESTS; i++)
		pthread_join(guests[i].thread, NULL);
	weir_selector_free(room);
	printf("%d guests said %d lines and left\n", left, lines);
	return 0;
}
