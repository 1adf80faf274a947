/* SPDX-License-Identifier: MIT */
/* reclaim.c - see reclaim.h.
 *
 * The "bulletproof" flavor of liburcu, because channels are used by threads
 * that we did not make and that register nowhere.  call_rcu, because the one
 * who retires may be in a try_ call and cannot wait for a grace period.
 *
 * liburcu wants its rcu_head to live until the callback, which may be after
 * the owner is gone: so it lives in an object of ours, which the callback
 * frees if it finds no owner any more.
 *
 * Ordering edges
 *	[retired]  put_retired's cas -> take_all's exchange: the node's
 *		   contents are visible to who gives it back
 *	[busy]	   the worker's exchange to IDLE -> the next retire's exchange
 *		   to BUSY: the callback is through with `head` and `batch`
 */
#include "reclaim.h"

#include <pthread.h>
#include <stdlib.h>

#include "compiler.h"
#include "hazard.h"
#include "reader.h"

#ifdef WI_TSAN
char wi_grace_period;
#endif

enum { IDLE, BUSY };

struct reclaim {
	struct rcu_head head;
	pthread_mutex_t mutex; /* the callback against destroy */
	const struct reclaim_ops *ops;
	void *owner; /* NULL once destroyed */
	uint32_t retirements_a_look;
	struct reclaim_node *batch; /* on its way through call_rcu */
	struct atomic_ptr retired;  /* the next batch; any thread pushes */
	struct atomic_u32 busy;     /* is `head` with liburcu? */
	struct atomic_u32 unlooked; /* retired since the last look */
};

static struct reclaim_node *take_all(struct reclaim *reclaim)
{
	/* acquire [retired]: pairs with put_retired. */
	return exchange_acq_rel(&reclaim->retired, NULL);
}

static void give_back_all(struct reclaim *reclaim, struct reclaim_node *batch)
{
	while (batch != NULL) {
		struct reclaim_node *node = batch;

		batch = node->next;
		reclaim->ops->give_back(reclaim->owner, node);
	}
}

static void put_retired(struct reclaim *reclaim, struct reclaim_node *node)
{
	/* relaxed: the cas decides. */
	void *next = load_relaxed(&reclaim->retired);

	do {
		node->next = next;
		/* release [retired]: pairs with take_all; seq_cst against the
		 * callback's last look. */
	} while (!cas_seq_cst(&reclaim->retired, &next, node));
}

/* Of what no reader looks at any more: what nobody holds either.  The rest is
 * retired still. */
static void give_back_unheld(
	struct reclaim *reclaim, struct reclaim_node *batch)
{
	struct reclaim_node *unheld = NULL;

	while (batch != NULL) {
		struct reclaim_node *node = batch;

		batch = node->next;
		if (wi_hazard_is_held(node)) {
			put_retired(reclaim, node);
		} else {
			node->next = unheld;
			unheld = node;
		}
	}
	give_back_all(reclaim, unheld);
}

static void callback(struct rcu_head *head);

/* By who has made it BUSY: everything retired so far starts its way. */
static void start(struct reclaim *reclaim)
{
	reclaim->batch = take_all(reclaim);
	wi_before_grace_period();
	urcu_bp_call_rcu(&reclaim->head, callback);
}

static void start_if_idle(struct reclaim *reclaim)
{
	/* [busy]: acquires what the callback did last. */
	if (exchange_acq_rel(&reclaim->busy, BUSY) == IDLE)
		start(reclaim);
}

static void callback(struct rcu_head *head)
{
	struct reclaim *reclaim = caa_container_of(head, struct reclaim, head);
	struct reclaim_node *batch;
	bool again;

	wi_after_grace_period();
	pthread_mutex_lock(&reclaim->mutex);
	if (reclaim->owner == NULL) {
		pthread_mutex_unlock(&reclaim->mutex);
		pthread_mutex_destroy(&reclaim->mutex);
		free(reclaim);
		return;
	}
	batch = reclaim->batch;
	reclaim->batch = NULL;
	/* Between U1 and U2.  Without it all are readers, and were waited for.
	 */
	if (wi_fence_is_there())
		wi_fence_others();
	give_back_unheld(reclaim, batch);
	again = reclaim->ops->tidy(reclaim->owner);
	/* Still BUSY.  Either there is more to do, or let go, and look once
	 * more for what was retired before that was visible:
	 *
	 *	here                         wi_reclaim_retire
	 *	exchange(busy, IDLE)         cas(retired, node)
	 *	load(retired)                exchange(busy, BUSY)
	 *
	 * all seq_cst or on one word: one of the two sees the other's. */
	/* seq_cst [retired]: as drawn. */
	if (!again && load_seq_cst(&reclaim->retired) == NULL) {
		/* release [busy]: pairs with start_if_idle. */
		exchange_seq_cst(&reclaim->busy, IDLE);
		/* seq_cst [retired]: as drawn. */
		if (load_seq_cst(&reclaim->retired) != NULL)
			start_if_idle(reclaim);
	} else {
		start(reclaim);
	}
	pthread_mutex_unlock(&reclaim->mutex);
}

struct reclaim *wi_reclaim_create(
	const struct reclaim_ops *ops, void *owner, uint32_t retirements_a_look)
{
	struct reclaim *reclaim = calloc(1, sizeof *reclaim);

	if (reclaim == NULL)
		return NULL;
	pthread_mutex_init(&reclaim->mutex, NULL);
	reclaim->ops = ops;
	reclaim->owner = owner;
	reclaim->retirements_a_look = retirements_a_look;
	init_atomic(&reclaim->retired, NULL);
	init_atomic(&reclaim->busy, IDLE);
	init_atomic(&reclaim->unlooked, 0);
	return reclaim;
}

/* Give back what nobody holds, if all holds say something. */
static void look(struct reclaim *reclaim)
{
	struct reclaim_node *batch = take_all(reclaim);

	wi_fence_others(); /* between U1, of all of them, and U2 */
	if (wi_hazards_are_told()) {
		give_back_unheld(reclaim, batch);
		return;
	}
	while (batch != NULL) {
		struct reclaim_node *node = batch;

		batch = node->next;
		put_retired(reclaim, node);
	}
}

void wi_reclaim_retire(struct reclaim *reclaim, struct reclaim_node *node)
{
	put_retired(reclaim, node);
	/* relaxed, both: how often to look; no more than a hint. */
	if (fetch_add_relaxed(&reclaim->unlooked, 1) + 1 >=
			reclaim->retirements_a_look &&
		wi_hazards_are_told()) {
		store_relaxed(&reclaim->unlooked, 0); /* relaxed: as above */
		look(reclaim);
	}
	start_if_idle(reclaim);
}

void wi_reclaim_destroy(struct reclaim *reclaim)
{
	bool in_flight;

	pthread_mutex_lock(&reclaim->mutex);
	/* From here on nobody starts another batch.  acquire [busy]: as in
	 * start_if_idle; while it is BUSY the callback is still to come, for
	 * this mutex. */
	in_flight = exchange_acq_rel(&reclaim->busy, BUSY) == BUSY;
	give_back_all(reclaim, reclaim->batch);
	give_back_all(reclaim, take_all(reclaim));
	reclaim->owner = NULL;
	wi_before_grace_period(); /* if in flight, the callback frees */
	pthread_mutex_unlock(&reclaim->mutex);
	if (!in_flight) {
		pthread_mutex_destroy(&reclaim->mutex);
		free(reclaim);
	}
}
