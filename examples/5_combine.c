/* SPDX-License-Identifier: MIT */
/* A pipeline of generators: produce gives items, transform makes pairs of them,
 * main consumes the pairs.  Each stage runs only when the next one asks for
 * more, and closing the first end lets the whole chain end. */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

struct text {
	char bytes[64];
};

static void *produce(void *end)
{
	WEIR_DUPLEX_SCOPED weir_duplex *out = end;
	int status = weir_duplex_exchange(out, NULL, NULL); /* start */

	for (int i = 1; i <= 4 && status == WEIR_OK; i++) {
		struct text item;

		snprintf(item.bytes, sizeof item.bytes, "Item %d", i);
		status = weir_duplex_exchange(out, &item, NULL);
	}
	return NULL;
}

struct ends {
	weir_duplex *in, *out;
};

static void *transform(void *argument)
{
	struct ends *ends = argument;
	WEIR_DUPLEX_SCOPED weir_duplex *in = ends->in;
	WEIR_DUPLEX_SCOPED weir_duplex *out = ends->out;
	struct text pair = {""};

	if (weir_duplex_exchange(out, NULL, NULL) != WEIR_OK)
		return NULL;
	WEIR_DUPLEX_FOR_EACH(in, struct text, item)
	{
		if (pair.bytes[0] == '\0') {
			pair = item;
			continue;
		}
		struct text both;

		snprintf(both.bytes, sizeof both.bytes,
			"Combining: %.20s %.20s", pair.bytes, item.bytes);
		pair.bytes[0] = '\0';
		if (weir_duplex_exchange(out, &both, NULL) != WEIR_OK)
			break;
	}
	return NULL;
}

int main(void)
{
	weir_duplex *items, *pairs;
	struct ends ends;
	pthread_t threads[2];

	if (weir_duplex_open(0, sizeof(struct text), &ends.in, &items) ||
		weir_duplex_open(0, sizeof(struct text), &pairs, &ends.out) ||
		pthread_create(&threads[0], NULL, produce, items) ||
		pthread_create(&threads[1], NULL, transform, &ends))
		return 1;
	WEIR_DUPLEX_FOR_EACH(pairs, struct text, text)
	puts(text.bytes);
	weir_duplex_free(pairs);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
