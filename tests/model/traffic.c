/* SPDX-License-Identifier: MIT */
/* traffic.c - see traffic.h. */
#include "traffic.h"

static uint64_t dropped_elements;

static void drop(void *element, void *context)
{
	uint64_t number = *(uint64_t *)element;

	(void)context;
	shared_read(element, sizeof number);
	check((dropped_elements & number) == 0);
	dropped_elements |= number;
}

uint64_t dropped(void)
{
	return dropped_elements;
}

struct ends open_channel(size_t capacity)
{
	weir_options options = WEIR_OPTIONS_INIT;
	struct ends ends;
	bool wide = capacity != WEIR_UNBOUNDED && (capacity & WIDE);

	dropped_elements = 0;
	options.capacity = wide ? capacity & ~WIDE : capacity;
	options.element_size = (wide ? 3 : 1) * sizeof(uint64_t);
	options.drop = drop;
	/* model_spin has looks before the sleep; here they would only cost. */
	options.spin_limit = WEIR_NO_SPIN;
	check(weir_open_with(&options, &ends.tx, &ends.rx) == WEIR_OK);
	return ends;
}

struct ends open_spinning(size_t capacity)
{
	weir_options options = WEIR_OPTIONS_INIT;
	struct ends ends;

	model_cpus(2);
	options.capacity = capacity;
	options.element_size = sizeof(uint64_t);
	options.spin_limit = 100; /* ns: a few pauses */
	check(weir_open_with(&options, &ends.tx, &ends.rx) == WEIR_OK);
	return ends;
}

void free_channel(struct ends ends)
{
	weir_sender_free(ends.tx);
	weir_receiver_free(ends.rx);
}

void do_send(void *argument)
{
	struct act *act = argument;

	act->status = weir_send(act->tx, &act->element);
}

void do_recv(void *argument)
{
	struct act *act = argument;

	act->status = weir_recv(act->rx, &act->element);
}

void do_try_send(void *argument)
{
	struct act *act = argument;

	act->status = weir_try_send(act->tx, &act->element);
}

void do_try_recv(void *argument)
{
	struct act *act = argument;

	act->status = weir_try_recv(act->rx, &act->element);
}

void do_send_two(void *argument)
{
	struct act *acts = argument;

	do_send(&acts[0]);
	do_send(&acts[1]);
}

void do_recv_two(void *argument)
{
	struct act *acts = argument;

	do_recv(&acts[0]);
	do_recv(&acts[1]);
}

void do_try_recv_two(void *argument)
{
	struct act *acts = argument;

	do_try_recv(&acts[0]);
	do_try_recv(&acts[1]);
}

void do_send_until(void *argument)
{
	struct act *act = argument;

	act->status = weir_send_until(act->tx, &act->element, act->deadline);
}

void do_recv_until(void *argument)
{
	struct act *act = argument;

	act->status = weir_recv_until(act->rx, &act->element, act->deadline);
}

void do_force_send(void *argument)
{
	struct act *act = argument;
	bool any = false;
	uint64_t out = 0;

	act->status = weir_force_send(act->tx, &act->element, &out, &any);
	act->displaced = any ? out : 0;
}

void do_close_sender(void *argument)
{
	weir_sender_close(((struct act *)argument)->tx);
}

void do_close_receiver(void *argument)
{
	weir_receiver_close(((struct act *)argument)->rx);
}

void do_free_sender(void *argument)
{
	weir_sender_free(((struct act *)argument)->tx);
}

void do_free_receiver(void *argument)
{
	weir_receiver_free(((struct act *)argument)->rx);
}

void check_once(const struct act *acts, size_t count, weir_receiver *rx)
{
	uint64_t accepted = 0, found = dropped_elements, element;
	uint64_t left[3] = {0};

	for (size_t i = 0; i < count; i++) {
		if (acts[i].status != WEIR_OK)
			continue;
		if (acts[i].tx != NULL) {
			accepted |= acts[i].element;
			element = acts[i].displaced;
		} else {
			element = acts[i].element;
		}
		check((found & element) == 0);
		found |= element;
	}
	while (rx != NULL && weir_try_recv(rx, left) == WEIR_OK) {
		check((found & left[0]) == 0);
		found |= left[0];
	}
	check(found == accepted);
}

/* -- Selects --------------------------------------------------------------- */

struct choice choose(void)
{
	return (struct choice){.index = SIZE_MAX};
}

void or_recv(struct choice *choice, weir_receiver *rx)
{
	size_t i = choice->count++;

	choice->cases[i] = (weir_case)WEIR_RECV_CASE(rx, &choice->in[i]);
}

void or_send(struct choice *choice, weir_sender *tx, uint64_t element)
{
	size_t i = choice->count++;

	choice->out[i] = element;
	choice->cases[i] = (weir_case)WEIR_SEND_CASE(tx, &choice->out[i]);
}

void do_select(void *argument)
{
	struct choice *choice = argument;

	choice->status =
		weir_select(choice->cases, choice->count, 0, &choice->index);
	check(choice->status == WEIR_OK);
}

void do_select_until(void *argument)
{
	struct choice *choice = argument;

	choice->status = weir_select_until(choice->cases, choice->count, 0,
		&choice->index, choice->deadline);
	check(choice->status == WEIR_OK || choice->status == WEIR_TIMED_OUT);
}

bool did(const struct choice *choice, size_t i)
{
	return choice->status == WEIR_OK && choice->index == i &&
	       choice->cases[i].status == WEIR_OK;
}

struct act act_of(const struct choice *choice, size_t i)
{
	struct act act = {.status = did(choice, i) ? WEIR_OK : WEIR_TIMED_OUT};

	if (choice->cases[i].kind == WEIR_CASE_SEND) {
		act.tx = choice->cases[i].tx;
		act.element = choice->out[i];
	} else {
		act.rx = choice->cases[i].rx;
		act.element = choice->in[i];
	}
	return act;
}

void cross_selects(struct ends a, struct ends b, bool with_deadline)
{
	struct choice s = choose(), t = choose();

	or_send(&s, a.tx, 1);
	or_recv(&s, b.rx);
	or_send(&t, b.tx, 2);
	or_recv(&t, a.rx);
	if (with_deadline)
		s.deadline = deadline_ahead();
	spawn("S", with_deadline ? do_select_until : do_select, &s);
	if (with_deadline)
		t.deadline = deadline_ahead();
	spawn("T", with_deadline ? do_select_until : do_select, &t);
	join();
	check(s.status == t.status);
	if (s.status == WEIR_OK) {
		check(did(&s, 0) == did(&t, 1));
		check(did(&s, 1) == did(&t, 0));
		check(did(&s, 0) != did(&s, 1));
		check(!did(&s, 0) || t.in[1] == 1);
		check(!did(&s, 1) || s.in[1] == 2);
	}
	free_channel(a);
	if (b.tx != a.tx)
		free_channel(b);
}
