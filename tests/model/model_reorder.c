/* SPDX-License-Identifier: MIT */
/* model_reorder.c - the window by which a stage of several threads gives its
 * results in order. */
#include "reorder.h"
#include "traffic.h"

static struct reorder *window;
static struct ends in, out;

/* What a worker of an ordered map does (stage.c). */
static void work(void *unused)
{
	uint64_t ticket, element;

	(void)unused;
	while (wi_reorder_take(window, in.rx, &element, &ticket) == WEIR_OK) {
		uint64_t *result = wi_reorder_place(window, ticket);

		*result = element * 16;
		if (wi_reorder_put(window, ticket,
			    element == 2 ? SKIPPED : FINISHED,
			    out.tx) != WEIR_OK)
			break;
	}
}

static void give_up(void *unused)
{
	(void)unused;
	wi_reorder_break(window);
}

static void open_all(size_t places)
{
	const uint64_t elements[] = {1, 2, 4};
	size_t sent;

	in = open_channel(3);
	out = open_channel(3);
	window = wi_reorder_create(places, sizeof(uint64_t));
	check(window != NULL);
	check(weir_send_many(in.tx, elements, 3, &sent) == WEIR_OK);
	weir_sender_close(in.tx);
}

static void close_all(void)
{
	const struct dropper nobody = {NULL, NULL};

	wi_reorder_drain(window, &nobody);
	wi_reorder_destroy(window);
	free_channel(in);
	free_channel(out);
}

static void in_order(size_t places)
{
	uint64_t element;

	open_all(places);
	spawn("worker 1", work, NULL);
	spawn("worker 2", work, NULL);
	join();
	check(weir_try_recv(out.rx, &element) == WEIR_OK && element == 16);
	check(weir_try_recv(out.rx, &element) == WEIR_OK && element == 64);
	check(weir_try_recv(out.rx, &element) == WEIR_WOULD_BLOCK);
	close_all();
}

MODEL(reorder, window_1, "two workers, a window of one: in order, one skipped")
{
	in_order(1);
}

MODEL(reorder, window_2, "two workers, a window of two: in order, one skipped")
{
	in_order(2);
}

MODEL(reorder, broken, "the stage is given up at any moment: both workers end")
{
	uint64_t last = 0, element;

	open_all(2);
	spawn("worker 1", work, NULL);
	spawn("worker 2", work, NULL);
	spawn("breaker", give_up, NULL);
	join();
	while (weir_try_recv(out.rx, &element) == WEIR_OK) {
		check(element > last);
		last = element;
	}
	close_all();
}
