/* SPDX-License-Identifier: MIT */
/* history_select.c - selects, with their records. */
#include "history_actor.h"

struct choice {
	weir_case cases[MAX_CASES];
	const struct target *targets[MAX_CASES];
	unsigned endpoints[MAX_CASES];
	size_t count;
	uint64_t in, out;
};

static void add_case(struct actor *actor, struct choice *choice)
{
	size_t i = choice->count++;
	struct target *target =
		&actor->targets[stress_below(&actor->random, actor->n_targets)];
	bool sends = stress_below(&actor->random, 8) < actor->sends_in_8;
	unsigned endpoint = (unsigned)stress_below(&actor->random,
		sends ? target->shape.senders : target->shape.receivers);

	choice->targets[i] = target;
	choice->endpoints[i] = endpoint;
	if (sends)
		choice->cases[i] = (weir_case)WEIR_SEND_CASE(
			target->tx[endpoint], &choice->out);
	else
		choice->cases[i] = (weir_case)WEIR_RECV_CASE(
			target->rx[endpoint], &choice->in);
}

/* Does a case before this one have the same channel? */
static bool is_seen(const struct choice *choice, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (choice->targets[k] == choice->targets[i])
			return true;
	return false;
}

/* Each case is a record: of what it did, or of its having come to nothing. */
static void add_cases(struct actor *actor, const struct choice *choice,
	const char *name, int status, size_t chosen)
{
	for (size_t i = 0; i < choice->count; i++) {
		const struct target *target = choice->targets[i];
		unsigned endpoint = choice->endpoints[i];
		bool sends = choice->cases[i].kind == WEIR_CASE_SEND;
		int result = i == chosen ? choice->cases[i].status : status;
		size_t before = actor->log.count;

		if (status == WEIR_OK && i != chosen)
			actor_add(actor,
				sends ? HISTORY_LEFT_SEND : HISTORY_LEFT_RECV,
				target, endpoint, name, WEIR_OK)
				->rest = 1;
		else if (sends)
			actor_sent(actor, target, endpoint, name, result,
				choice->out);
		else
			actor_received(actor, target, endpoint, name, result,
				choice->in);
		if (is_seen(choice, i) && actor->log.count > before)
			actor->log.records[before].flags |= HISTORY_MORE;
	}
}

int actor_select(struct actor *actor)
{
	static const char *const names[] = {
		"weir_select", "weir_try_select", "weir_select_until"};
	struct choice choice = {.count = 0, .out = actor_fresh(actor)};
	uint64_t way = stress_below(&actor->random, 3);
	size_t cases = 1 + stress_below(&actor->random, MAX_CASES);
	size_t chosen = SIZE_MAX;
	int64_t until = actor_deadline(actor), start;
	int status;

	while (choice.count < cases)
		add_case(actor, &choice);
	start = history_now();
	status = way == 0   ? weir_select(choice.cases, cases, 0, &chosen)
		 : way == 1 ? weir_try_select(choice.cases, cases, 0, &chosen)
			    : weir_select_until(
				      choice.cases, cases, 0, &chosen, until);
	stress_check(chosen < cases || status != WEIR_OK, "case %zu of %zu",
		chosen, cases);
	add_cases(actor, &choice, names[way], status, chosen);
	history_end(&actor->log, start);
	return status == WEIR_OK ? choice.cases[chosen].status : status;
}
