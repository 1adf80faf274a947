/* SPDX-License-Identifier: MIT */
/* dlopen.c - the shared library loaded late, by a program with threads: its
 * thread-local access must still find a place.  Argument: the library. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <weir.h>

static void *sleep_on(void *argument)
{
	pause();
	return argument;
}

static void *look_up(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL) {
		fprintf(stderr, "dlopen: no %s\n", name);
		_exit(1);
	}
	return symbol;
}

int main(int argc, char **argv)
{
	int (*open)(size_t, size_t, weir_sender **, weir_receiver **);
	int (*try_send)(weir_sender *, const void *);
	int (*try_recv)(weir_receiver *, void *);
	void (*free_tx)(weir_sender *);
	void (*free_rx)(weir_receiver *);
	int in = 1, out = 0, sum = 0;
	weir_sender *tx;
	weir_receiver *rx;
	pthread_t other;
	void *library;

	if (argc != 2 || pthread_create(&other, NULL, sleep_on, NULL) != 0)
		return 2;
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&open = look_up(library, "weir_open");
	*(void **)&try_send = look_up(library, "weir_try_send");
	*(void **)&try_recv = look_up(library, "weir_try_recv");
	*(void **)&free_tx = look_up(library, "weir_sender_free");
	*(void **)&free_rx = look_up(library, "weir_receiver_free");
	if (open(WEIR_UNBOUNDED, sizeof in, &tx, &rx) != WEIR_OK)
		return 1;
	for (int i = 0; i < 1000; i++) {
		if (try_send(tx, &in) != WEIR_OK ||
			try_recv(rx, &out) != WEIR_OK)
			return 1;
		sum += out;
	}
	free_tx(tx);
	free_rx(rx);
	return sum == 1000 ? 0 : 1;
}
