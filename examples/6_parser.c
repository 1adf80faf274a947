/* SPDX-License-Identifier: MIT */
/* A parser written as if it could read its input, while in truth its input
 * comes to it, byte by byte: it runs as a coroutine at the other end of a
 * duplex.  It reads netstrings ("5:hello,") from standard input and prints
 * their contents, a line each.  next() is all that it knows of the outside.
 *
 * Exit status: 0, or 1 if the input is not a sequence of netstrings.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <weir.h>

enum { MAX_LENGTH = 1000 };

/* The next byte; EOF when there are no more. */
static int next(weir_duplex *d)
{
	unsigned char byte;

	/* Hand the turn back, and wait for the next byte. */
	return weir_duplex_exchange(d, NULL, &byte) == WEIR_OK ? byte : EOF;
}

/* The number up to the colon; -1 if it is none. */
static int parse_length(weir_duplex *d, int c)
{
	int length = -1;

	for (; c >= '0' && c <= '9'; c = next(d)) {
		length = (length < 0 ? 0 : 10 * length) + (c - '0');
		if (length > MAX_LENGTH)
			return -1;
	}
	return c == ':' ? length : -1;
}

/* False if the input is wrong. */
static bool parse(weir_duplex *d)
{
	for (;;) {
		char text[MAX_LENGTH + 1];
		int c = next(d), length;

		if (c == '\n')
			continue;
		if (c == EOF)
			return true;
		length = parse_length(d, c);
		if (length < 0)
			return false;
		for (int i = 0; i < length; i++) {
			if ((c = next(d)) == EOF)
				return false;
			text[i] = (char)c;
		}
		text[length] = '\0';
		if (next(d) != ',')
			return false;
		puts(text);
	}
}

static void *run(void *end)
{
	WEIR_DUPLEX_SCOPED weir_duplex *d = end;
	static bool good;

	good = parse(d);
	return good ? &good : NULL;
}

int main(void)
{
	weir_duplex *parser, *feeder;
	pthread_t thread;
	void *good;
	int c;

	if (weir_duplex_open(0, 1, &parser, &feeder) != WEIR_OK ||
		pthread_create(&thread, NULL, run, parser) != 0 ||
		weir_duplex_exchange(feeder, NULL, NULL) != WEIR_OK)
		return 1;
	while ((c = getchar()) != EOF) {
		unsigned char byte = (unsigned char)c;

		/* Returns when the parser asks for more, or has given up. */
		if (weir_duplex_exchange(feeder, &byte, NULL) != WEIR_OK)
			break;
	}
	weir_duplex_free(feeder); /* no more bytes */
	pthread_join(thread, &good);
	if (good == NULL)
		fprintf(stderr, "6_parser: that is no netstring\n");
	return good == NULL;
}
