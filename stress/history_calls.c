/* SPDX-License-Identifier: MIT */
/* history_calls.c - each call of the library that moves elements, at random,
 * with its record.  See history_calls.h; history_plant.h has the bugs. */
#include "history_actor.h"
#include "history_plant.h"

#include <sched.h>
#include <string.h>

/* -- One element ---------------------------------------------------------- */

static int send_one(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {
		"weir_send", "weir_try_send", "weir_send_until"};
	weir_sender *tx = target->tx[endpoint];
	uint64_t value = actor_fresh(actor),
		 way = stress_below(&actor->random, 4);
	int64_t until = actor_deadline(actor), start = history_now();
	int status;

	if (way > 2)
		way = 1;
	if (way == 0 && plant(PLANT_EARLY_BREAK, &actor->random)) {
		status = WEIR_BROKEN_RESOURCE;
	} else if (way == 0 &&
		   (plant(PLANT_TOO_MANY, &actor->random) ||
			   plant(PLANT_NO_PARTNER, &actor->random))) {
		actor_sent(actor, target, endpoint, names[way], WEIR_OK, value);
		history_end(&actor->log, start);
		return weir_send(tx, &value);
	} else if (way == 0) {
		status = weir_send(tx, &value);
	} else if (way == 1 && plant(PLANT_FULL, &actor->random)) {
		status = WEIR_WOULD_BLOCK;
	} else if (way == 1) {
		status = weir_try_send(tx, &value);
	} else if (plant(PLANT_FULL_LATE, &actor->random)) {
		status = WEIR_TIMED_OUT;
	} else {
		status = weir_send_until(tx, &value, until);
	}
	actor_sent(actor, target, endpoint, names[way], status, value);
	history_end(&actor->log, start);
	return status;
}

static int receive_one(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {
		"weir_recv", "weir_try_recv", "weir_recv_until"};
	weir_receiver *rx = target->rx[endpoint];
	uint64_t value = 0, way = stress_below(&actor->random, 4);
	int64_t until = actor_deadline(actor), start = history_now();
	int status;

	if (way > 2)
		way = 1;
	if (way == 0 && plant(PLANT_EARLY_END, &actor->random))
		status = WEIR_END_OF_CHANNEL;
	else if (way == 0)
		status = weir_recv(rx, &value);
	else if (way == 1 && plant(PLANT_EMPTY, &actor->random))
		status = WEIR_WOULD_BLOCK;
	else if (way == 1)
		status = weir_try_recv(rx, &value);
	else if (plant(PLANT_EMPTY_LATE, &actor->random))
		status = WEIR_TIMED_OUT;
	else
		status = weir_recv_until(rx, &value, until);
	actor_received(actor, target, endpoint, names[way], status, value);
	history_end(&actor->log, start);
	return status;
}

/* -- Batches -------------------------------------------------------------- */

static int send_batch(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {
		"weir_send_many", "weir_try_send_many", "weir_send_many_until"};
	weir_sender *tx = target->tx[endpoint];
	uint64_t values[MAX_BATCH], way = stress_below(&actor->random, 3);
	size_t count = 1 + stress_below(&actor->random, MAX_BATCH), sent = 0;
	int64_t until = actor_deadline(actor), start;
	int status;

	for (size_t i = 0; i < count; i++)
		values[i] = actor_fresh(actor);
	start = history_now();
	if (way == 0)
		status = weir_send_many(tx, values, count, &sent);
	else if (way == 1)
		status = weir_try_send_many(tx, values, count, &sent);
	else
		status = weir_send_many_until(tx, values, count, &sent, until);
	for (size_t i = 0; i < count && i <= sent; i++) {
		actor_sent(actor, target, endpoint, names[way],
			i < sent ? WEIR_OK : status, values[i]);
		if (i > 0)
			actor->log.records[actor->log.count - 1].flags =
				HISTORY_MORE;
	}
	if (sent < count)
		actor->log.records[actor->log.count - 1].rest =
			(uint16_t)(count - sent);
	history_end(&actor->log, start);
	return status;
}

static int receive_batch(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {
		"weir_recv_many", "weir_try_recv_many", "weir_recv_many_until"};
	weir_receiver *rx = target->rx[endpoint];
	uint64_t values[MAX_BATCH] = {0}, way = stress_below(&actor->random, 3);
	size_t count = 1 + stress_below(&actor->random, MAX_BATCH);
	size_t received = 0;
	int64_t until = actor_deadline(actor), start = history_now();
	int status;

	if (way == 0)
		status = weir_recv_many(rx, values, count, &received);
	else if (way == 1)
		status = weir_try_recv_many(rx, values, count, &received);
	else
		status = weir_recv_many_until(
			rx, values, count, &received, until);
	stress_check((status == WEIR_OK) == (received > 0),
		"%s returned %s with %zu of %zu received", names[way],
		weir_status_name(status), received, count);
	if (received > 1 && plant(PLANT_REORDERED_BATCH, &actor->random)) {
		uint64_t first = values[0];

		values[0] = values[received - 1];
		values[received - 1] = first;
	}
	for (size_t i = 0; i < received || i == 0; i++) {
		actor_received(
			actor, target, endpoint, names[way], status, values[i]);
		if (i > 0)
			actor->log.records[actor->log.count - 1].flags =
				HISTORY_MORE;
	}
	actor->log.records[actor->log.count - 1].rest =
		(uint16_t)(count - received);
	history_end(&actor->log, start);
	return status;
}

/* -- Places in hand ------------------------------------------------------- */

static void linger(struct actor *actor)
{
	if (stress_one_in(&actor->random, 16))
		sched_yield();
}

static int send_in_place(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {"weir_send_reserve",
		"weir_try_send_reserve", "weir_send_reserve_until"};
	weir_sender *tx = target->tx[endpoint];
	uint64_t value = actor_fresh(actor),
		 way = stress_below(&actor->random, 3);
	int64_t until = actor_deadline(actor), start = history_now();
	int64_t end, commit;
	void *slot;
	int status = way == 0   ? weir_send_reserve(tx, &slot)
		     : way == 1 ? weir_try_send_reserve(tx, &slot)
				: weir_send_reserve_until(tx, &slot, until);

	end = history_now();
	if (status != WEIR_OK) {
		actor_sent(actor, target, endpoint, names[way], status, value);
		history_stamp(&actor->log, start, end, start, end);
		return status;
	}
	linger(actor);
	commit = history_now();
	if (stress_one_in(&actor->random, 4)) {
		weir_send_abort(tx, slot);
		actor_add(actor, HISTORY_ABORT, target, endpoint,
			"weir_send_abort", WEIR_OK);
	} else {
		memcpy(slot, &value, sizeof(value));
		weir_send_commit(tx, slot);
		/* It may have been dropped by that. */
		history_end(&actor->log, commit);
		actor_add(actor, HISTORY_SEND, target, endpoint, names[way],
			WEIR_OK)
			->value = value;
	}
	history_stamp(&actor->log, start, end, commit, history_now());
	return WEIR_OK;
}

static int receive_in_place(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	static const char *const names[] = {"weir_recv_acquire",
		"weir_try_recv_acquire", "weir_recv_acquire_until"};
	weir_receiver *rx = target->rx[endpoint];
	uint64_t value = 0, way = stress_below(&actor->random, 3);
	int64_t until = actor_deadline(actor), start = history_now();
	int64_t end, release;
	void *slot;
	int status = way == 0   ? weir_recv_acquire(rx, &slot)
		     : way == 1 ? weir_try_recv_acquire(rx, &slot)
				: weir_recv_acquire_until(rx, &slot, until);

	end = release = history_now();
	if (status == WEIR_OK) {
		linger(actor);
		memcpy(&value, slot, sizeof(value));
		release = history_now();
		weir_recv_release(rx, slot);
	}
	actor_received(actor, target, endpoint, names[way], status, value);
	if (status == WEIR_OK)
		history_stamp(&actor->log, start, end, release, history_now());
	else
		history_stamp(&actor->log, start, end, start, end);
	return status;
}

/* -- force_send ----------------------------------------------------------- */

static int force(
	struct actor *actor, const struct target *target, unsigned endpoint)
{
	uint64_t value = actor_fresh(actor), old = 0;
	bool displaced = false, keep = target->shape.displaces_at_once;
	int64_t start = history_now();
	int status;

	actor->forcing = true;
	status = plant(PLANT_REFUSED_FORCE, &actor->random)
			 ? WEIR_WOULD_BLOCK
			 : weir_force_send(target->tx[endpoint], &value,
				   keep ? &old : NULL, &displaced);
	actor->forcing = false;
	if (displaced && keep) {
		actor_add(actor, HISTORY_DISPLACED, target, endpoint,
			"weir_force_send", WEIR_OK)
			->value = old;
		if (plant(PLANT_DISPLACED_TWICE, &actor->random))
			actor_add(actor, HISTORY_DISPLACED, target, endpoint,
				"weir_force_send", WEIR_OK)
				->value = old;
	}
	if (plant(PLANT_DISPLACED_EARLY, &actor->random))
		displaced = true;
	actor_sent(actor, target, endpoint, "weir_force_send", status, value);
	actor->log.records[actor->log.count - 1].flags =
		(uint8_t)(HISTORY_FORCED | (displaced ? HISTORY_DISPLACES : 0));
	history_end(&actor->log, start);
	return status;
}

/* -- Closes --------------------------------------------------------------- */

void actor_close_sender(
	struct actor *actor, struct target *target, unsigned endpoint)
{
	int64_t start = history_now();

	weir_sender_close(target->tx[endpoint]);
	actor_add(actor, HISTORY_CLOSE_SENDER, target, endpoint,
		"weir_sender_close", WEIR_OK);
	history_end(&actor->log, start);
}

void actor_close_receiver(
	struct actor *actor, struct target *target, unsigned endpoint)
{
	int64_t start = history_now();

	weir_receiver_close(target->rx[endpoint]);
	actor_add(actor, HISTORY_CLOSE_RECEIVER, target, endpoint,
		"weir_receiver_close", WEIR_OK);
	history_end(&actor->log, start);
}

static void shut(struct actor *actor, struct target *target, unsigned endpoint)
{
	int64_t start = history_now();

	weir_receiver_shut(target->rx[endpoint]);
	actor_add(actor, HISTORY_SHUT, target, endpoint, "weir_receiver_shut",
		WEIR_OK);
	history_end(&actor->log, start);
}

static void close_one(struct actor *actor)
{
	struct target *target =
		&actor->targets[stress_below(&actor->random, actor->n_targets)];
	unsigned tx =
		(unsigned)stress_below(&actor->random, target->shape.senders);
	unsigned rx =
		(unsigned)stress_below(&actor->random, target->shape.receivers);

	switch (stress_below(&actor->random, 8)) {
	case 0:
		shut(actor, target, rx);
		break;
	case 1:
	case 2:
	case 3:
		actor_close_receiver(actor, target, rx);
		break;
	default:
		actor_close_sender(actor, target, tx);
	}
}

/* -- Any call ------------------------------------------------------------- */

static int send_somehow(struct actor *actor, const struct target *target)
{
	const struct mixture *mixture = &actor->mixture;
	unsigned endpoint =
		(unsigned)stress_below(&actor->random, target->shape.senders);
	uint64_t way = stress_below(&actor->random, 8);

	if (way == 0 && mixture->many)
		return send_batch(actor, target, endpoint);
	if (way == 1 && mixture->in_place && target->shape.capacity > 0)
		return send_in_place(actor, target, endpoint);
	if (way == 2 && mixture->force)
		return force(actor, target, endpoint);
	return send_one(actor, target, endpoint);
}

static int receive_somehow(struct actor *actor, const struct target *target)
{
	const struct mixture *mixture = &actor->mixture;
	unsigned endpoint =
		(unsigned)stress_below(&actor->random, target->shape.receivers);
	uint64_t way = stress_below(&actor->random, 8);

	if (way == 0 && mixture->many)
		return receive_batch(actor, target, endpoint);
	if (way == 1 && mixture->in_place && target->shape.capacity > 0)
		return receive_in_place(actor, target, endpoint);
	return receive_one(actor, target, endpoint);
}

int actor_call(struct actor *actor)
{
	struct target *target =
		&actor->targets[stress_below(&actor->random, actor->n_targets)];

	if (actor->mixture.close && stress_one_in(&actor->random, 1000))
		close_one(actor);
	if (actor->mixture.select && stress_one_in(&actor->random, 4))
		return actor_select(actor);
	return stress_below(&actor->random, 8) < actor->sends_in_8
		       ? send_somehow(actor, target)
		       : receive_somehow(actor, target);
}
