/* SPDX-License-Identifier: MIT */
/* Two threads swap numbers for letters, in turns: each exchange gives one and
 * returns with the other's next. */
#include <pthread.h>
#include <stdio.h>
#include <weir.h>

/* The first end: its first exchange waits for a letter. */
static void *numbers(void *end)
{
	WEIR_DUPLEX_SCOPED weir_duplex *d = end;
	char letter;

	if (weir_duplex_exchange(d, NULL, &letter) != WEIR_OK)
		return NULL;
	printf("%c\n", letter);
	for (int i = 0; weir_duplex_exchange(d, &i, &letter) == WEIR_OK; i++)
		printf("%c\n", letter);
	return NULL;
}

int main(void)
{
	weir_duplex *first;
	WEIR_DUPLEX_SCOPED weir_duplex *second = NULL;
	pthread_t thread;

	if (weir_duplex_open(sizeof(int), sizeof(char), &first, &second) !=
			WEIR_OK ||
		pthread_create(&thread, NULL, numbers, first) != 0 ||
		weir_duplex_exchange(second, NULL, NULL) != WEIR_OK)
		return 1;
	for (const char *letter = "AB"; *letter != '\0'; letter++) {
		int number;

		if (weir_duplex_exchange(second, letter, &number) != WEIR_OK)
			return 1;
		printf("%d\n", number);
	}
	weir_duplex_close(second); /* the other one's loop ends */
	pthread_join(thread, NULL);
	return 0;
}
