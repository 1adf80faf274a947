/* SPDX-License-Identifier: MIT */
/* stress_history.c - are channels what they say they are: one FIFO queue, whose
 * answers are all true?
 *
 * In a round threads do everything at random to a few channels of random
 * flavors, and write down what they did and when (history.h).  Then it is
 * decided whether a channel can have answered so (fifo_check.h).
 *
 * `-b KIND`, in front of the other options, plants a bug into what is written
 * down, and fails if it is not found; `-b` alone lists the kinds.
 */
#include "history_calls.h"
#include "history_plant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLS 2000 /* of a thread in a round, at most */
/* Lines that a violation prints of what else was under way. */
#define MEANWHILE 12

#define MAX_ACTORS (2 * STRESS_MAX_SIDE)

/* After so many answers that a channel is over, or closed, a thread leaves. */
#define PATIENCE 16

struct round {
	struct target targets[MAX_CHANNELS];
	unsigned n_targets;
	struct actor actors[MAX_ACTORS + 1]; /* the last one closes all */
	unsigned n_actors;
	weir_sender *done;
	weir_receiver *one_is_done;
	_Atomic bool over;
};

/* Static: much, and of one at a time. */
static struct round the_round;

static uint64_t operations;

/* -- Threads -------------------------------------------------------------- */

static void act(void *argument)
{
	struct actor *actor = argument;
	unsigned in_vain = 0;

	actor_is_me(actor);
	for (unsigned i = 0; i < CALLS && in_vain < PATIENCE; i++) {
		int status;

		stress_doing("call", i);
		status = actor_call(actor);
		if (status == WEIR_OK)
			stress_progress();
		else if (status == WEIR_END_OF_CHANNEL ||
			 status == WEIR_BROKEN_RESOURCE ||
			 status == WEIR_CLOSED_RESOURCE)
			in_vain++;
		/* Let channels be quiet at times, so that try_ calls have no
		 * excuse. */
		if (stress_one_in(&actor->random, 256))
			nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
		if (the_round.over)
			break;
	}
	stress_check(weir_send(the_round.done, NULL) == WEIR_OK,
		"cannot say that it is done");
}

/* -- Rounds --------------------------------------------------------------- */

static void open_target(
	struct target *target, unsigned index, struct stress_random *random)
{
	static const size_t capacities[] = {
		0, 1, 2, 3, 64, 1000, WEIR_UNBOUNDED};
	weir_options options = WEIR_OPTIONS_INIT;

	target->index = index;
	target->shape.capacity = capacities[stress_below(random, 7)];
	target->shape.senders = 1 + (unsigned)stress_below(random, 3);
	target->shape.receivers = 1 + (unsigned)stress_below(random, 3);
	/* Those that want the displaced element back; drops may take long. */
	target->shape.displaces_at_once = stress_one_in(random, 2);
	options.capacity = target->shape.capacity;
	options.element_size = sizeof(uint64_t);
	options.drop = actor_drop;
	options.drop_context = target;
	stress_check(weir_open_with(&options, &target->tx[0], &target->rx[0]) ==
			     WEIR_OK,
		"open failed");
	for (unsigned i = 1; i < target->shape.senders; i++)
		stress_check(weir_sender_clone(target->tx[0], &target->tx[i]) ==
				     WEIR_OK,
			"clone failed");
	for (unsigned i = 1; i < target->shape.receivers; i++)
		stress_check(weir_receiver_clone(
				     target->rx[0], &target->rx[i]) == WEIR_OK,
			"clone failed");
}

static void hire(struct round *round, unsigned i, unsigned sends_in_8,
	const struct mixture *mixture, struct stress_random *random)
{
	struct actor *actor = &round->actors[i];
	struct history_log log = actor->log;

	*actor = (struct actor){.log = log,
		.targets = round->targets,
		.n_targets = round->n_targets,
		.mixture = *mixture,
		.sends_in_8 = sends_in_8};
	/* Logs are kept from round to round. */
	if (log.records == NULL)
		stress_check(history_open(&actor->log, (uint16_t)i,
				     (size_t)4 * CALLS),
			"no memory");
	actor->log.count = actor->log.stamped = 0;
	stress_seed(&actor->random, stress_draw(random));
}

static void hire_all(struct round *round, struct stress_random *random)
{
	unsigned senders = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned receivers = 1 + (unsigned)stress_below(random, stress.threads);
	unsigned mixed = stress_one_in(random, 4) ? 4 : 0;
	const struct mixture mixture = {
		.many = stress_one_in(random, 2),
		.in_place = stress_one_in(random, 3),
		.force = stress_one_in(random, 3),
		.select = stress_one_in(random, 2),
		.close = stress_one_in(random, 2),
	};

	round->n_actors = 0;
	while (round->n_actors < senders)
		hire(round, round->n_actors++, 8 - mixed, &mixture, random);
	while (round->n_actors < senders + receivers)
		hire(round, round->n_actors++, mixed, &mixture, random);
	hire(round, MAX_ACTORS, 0, &mixture, random);
	stress_describe("%s%u channels, the first of capacity %td, "
			"%u senders, %u receivers%s%s%s%s%s%s",
		plant_name() != NULL ? "bug planted, " : "", round->n_targets,
		(ptrdiff_t)round->targets[0].shape.capacity, senders, receivers,
		mixed != 0 ? ", mixed" : "", mixture.many ? ", many" : "",
		mixture.in_place ? ", in place" : "",
		mixture.force ? ", force" : "",
		mixture.select ? ", select" : "",
		mixture.close ? ", close" : "");
}

/* Some time, or until a first one is through: then it gets quiet. */
static void let_them(struct round *round, struct stress_random *random)
{
	int64_t time = 1000000 + (int64_t)stress_below(random, 30000000);

	stress_doing("waiting for the first to be done", 0);
	if (weir_recv_for(round->one_is_done, NULL, time) == WEIR_OK) {
		struct timespec grace = {.tv_nsec = 500000};

		nanosleep(&grace, NULL);
	}
}

/* In a random order of the sides, so that ends and breaks are both met. */
static void close_all(struct round *round, struct stress_random *random)
{
	struct actor *closer = &round->actors[MAX_ACTORS];

	actor_is_me(closer);
	for (unsigned i = 0; i < round->n_targets; i++) {
		struct target *target = &round->targets[i];
		bool senders_first = stress_one_in(random, 2);

		for (int side = 0; side < 2; side++) {
			bool sending = (side == 0) == senders_first;
			unsigned count = sending ? target->shape.senders
						 : target->shape.receivers;

			for (unsigned e = 0; e < count; e++)
				if (sending)
					actor_close_sender(closer, target, e);
				else
					actor_close_receiver(closer, target, e);
			if (stress_one_in(random, 2))
				nanosleep(&(struct timespec){.tv_nsec = 50000},
					NULL);
		}
	}
}

static void run_actors(struct round *round, struct stress_random *random)
{
	struct stress_crew crew = {.count = 0};

	round->over = false;
	for (unsigned i = 0; i < round->n_actors; i++)
		stress_crew_add(&crew, "actor", act, &round->actors[i]);
	let_them(round, random);
	close_all(round, random);
	round->over = true;
	stress_crew_join(&crew);
}

/* -- Deciding ------------------------------------------------------------- */

/* This channel's records, thread by thread. */
static size_t collect(const struct round *round, unsigned channel,
	struct history_record *records)
{
	size_t n = 0;

	for (unsigned i = 0; i <= MAX_ACTORS; i++) {
		const struct history_log *log = &round->actors[i].log;

		if (i >= round->n_actors && i < MAX_ACTORS)
			continue;
		for (size_t r = 0; r < log->count; r++)
			if (log->records[r].channel == channel)
				records[n++] = log->records[r];
	}
	return n;
}

/* What else was under way during the first operation that is wrong. */
static void print_meanwhile(const struct fifo_result *result,
	const struct history_record *records, size_t count)
{
	const struct history_record *wrong = NULL;
	unsigned printed = 0;

	for (int i = 0; i < FIFO_CONDITIONS && wrong == NULL; i++)
		wrong = result->one[i];
	fprintf(stderr, "meanwhile:\n");
	for (size_t i = 0; i < count && printed < MEANWHILE; i++) {
		if (&records[i] == wrong || records[i].start > wrong->end ||
			records[i].until < wrong->start)
			continue;
		history_print(stderr, &records[i], wrong->start);
		printed++;
	}
}

static void decide(const struct round *round, unsigned channel,
	const struct history_record *records, size_t count)
{
	struct fifo_result result;

	if (fifo_check(&round->targets[channel].shape, records, count, &result))
		return;
	if (plant_name() != NULL) {
		plant_settle(&result);
		return;
	}
	fifo_print(stderr, &result);
	print_meanwhile(&result, records, count);
	stress_fail("channel %u, of capacity %td: no right channel has this "
		    "history",
		channel, (ptrdiff_t)round->targets[channel].shape.capacity);
}

static void decide_all(const struct round *round)
{
	struct history_record *records;
	size_t total = round->actors[MAX_ACTORS].log.count;

	for (unsigned i = 0; i < round->n_actors; i++)
		total += round->actors[i].log.count;
	records = malloc((total + 1) * sizeof(*records));
	stress_check(records != NULL, "no memory");
	for (unsigned i = 0; i < round->n_targets; i++)
		decide(round, i, records, collect(round, i, records));
	free(records);
	operations += total;
}

static void one_round(struct stress_random *random)
{
	struct round *round = &the_round;

	round->n_targets =
		stress_one_in(random, 2)
			? 1
			: 1 + (unsigned)stress_below(random, MAX_CHANNELS);
	for (unsigned i = 0; i < round->n_targets; i++)
		open_target(&round->targets[i], i, random);
	stress_check(weir_open(WEIR_UNBOUNDED, 0, &round->done,
			     &round->one_is_done) == WEIR_OK,
		"open failed");
	stress_show(round->targets[0].tx[0]);
	hire_all(round, random);
	run_actors(round, random);
	stress_show(NULL);
	weir_sender_free(round->done);
	weir_receiver_free(round->one_is_done);
	for (unsigned i = 0; i < round->n_targets; i++) {
		for (unsigned e = 0; e < round->targets[i].shape.senders; e++)
			weir_sender_free(round->targets[i].tx[e]);
		for (unsigned e = 0; e < round->targets[i].shape.receivers; e++)
			weir_receiver_free(round->targets[i].rx[e]);
	}
	stress_doing("deciding", 0);
	decide_all(round);
}

int main(int argc, char **argv)
{
	struct stress_random random;

	plant_option(&argc, &argv);
	stress_start(argc, argv, false);
	while (plant_goes_on() && stress_next_round(&random))
		one_round(&random);
	if (plant_name() != NULL && plant_goes_on())
		stress_fail("planted %s, and did not find it", plant_name());
	for (unsigned i = 0; i <= MAX_ACTORS; i++)
		history_free(&the_round.actors[i].log);
	stress_finish("%" PRIu64 " operations, %.1f million a minute",
		operations, (double)operations / stress_elapsed() * 60e-6);
	return 0;
}
