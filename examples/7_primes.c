/* SPDX-License-Identifier: MIT */
/* The prime sieve of Hoare's "Communicating Sequential Processes" (1978): a
 * chain of threads over unbuffered channels, each of which passes on what its
 * prime does not divide.  It is wound down from its end: main frees the last
 * receiver, so each filter's send is BROKEN, in turn. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

enum { PRIMES = 25 };

struct filter {
	weir_receiver *in; /* NULL: the source of all numbers */
	weir_sender *out;
	unsigned prime;
	pthread_t thread;
};

static void *run(void *argument)
{
	struct filter *self = argument;
	WEIR_RECEIVER_SCOPED weir_receiver *in = self->in;
	WEIR_SENDER_SCOPED weir_sender *out = self->out;
	unsigned n = 1;

	for (;;) {
		if (in == NULL)
			n++;
		else if (weir_recv(in, &n) != WEIR_OK)
			break;
		if ((in == NULL || n % self->prime != 0) &&
			weir_send(out, &n) != WEIR_OK)
			break;
	}
	return NULL;
}

/* Starts a filter behind `in`; returns what it lets through. */
static weir_receiver *start(
	struct filter *filter, weir_receiver *in, unsigned prime)
{
	weir_receiver *passed;

	filter->in = in;
	filter->prime = prime;
	if (weir_open(0, sizeof(unsigned), &filter->out, &passed) ||
		pthread_create(&filter->thread, NULL, run, filter))
		exit(1);
	return passed;
}

int main(void)
{
	struct filter chain[PRIMES + 1];
	weir_receiver *numbers = start(&chain[0], NULL, 0);

	for (int i = 1; i <= PRIMES; i++) {
		unsigned prime;

		if (weir_recv(numbers, &prime) != WEIR_OK)
			return 1;
		printf("%u%c", prime, i < PRIMES ? ' ' : '\n');
		numbers = start(&chain[i], numbers, prime);
	}
	weir_receiver_free(numbers);
	for (int i = 0; i <= PRIMES; i++)
		pthread_join(chain[i].thread, NULL);
	return 0;
}
