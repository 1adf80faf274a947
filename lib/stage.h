/* SPDX-License-Identifier: MIT */
/* stage.h - one stage of a pipeline: its workers, their ends, and the loop that
 * each of them runs. */
#ifndef WI_STAGE_H
#define WI_STAGE_H

#include <pthread.h>
#include <weir/pipeline.h>

#include "atomic.h"

struct reorder;
struct stage;

/* One thread of a stage. */
struct worker {
	struct stage *stage;
	/* Clones of its own, closed when the thread is through or its stage is,
	 * freed with the pipeline, so that anybody may close them at any time;
	 * or the program's ends, see struct stage_ends. */
	weir_receiver *in; /* NULL in a source */
	weir_sender *out;  /* NULL in a sink */
	/* map: what it reads, and what it writes unless that goes into the
	 * window of `reorder`. */
	void *in_element;
	void *out_element;
	pthread_t thread;
};

/* Where a stage is connected; NULL where it is not.  What is lent belongs to
 * the program: all threads work on that very end, so that the program (a stage
 * of another pipeline, often) reaches them all by closing it, and it is closed
 * when the last one is through. */
struct stage_ends {
	weir_receiver *in;
	weir_sender *out;
	bool in_is_lent;
	bool out_is_lent;
};

struct stage {
	weir_stage is; /* as it was described; its name is our copy */
	weir_pipeline *pipeline;
	struct stage_ends lent; /* NULL but for what is lent */
	struct worker *workers;
	struct reorder *reorder;   /* WEIR_ORDERED, else NULL */
	struct atomic_u32 running; /* workers that have not left */
};

/* With everything that its threads will need, so that no stage runs out of
 * memory on its way.  0, NO_MEMORY, or CLOSED_RESOURCE as for clones; free it
 * in any case. */
int wi_stage_init(struct stage *stage, const weir_stage *description,
	const struct stage_ends *ends, weir_pipeline *pipeline);

/* Close all ends of all of its workers, and let none wait for another. */
void wi_stage_close(struct stage *stage);

/* What a worker's thread does; returns the stage's status. */
int wi_stage_work(struct worker *worker);

/* The worker is through: close its ends.  The last one also drops what is left
 * of the stage's results. */
void wi_stage_leave(struct worker *worker);

/* Does this status of a stage mean that it is through, and has not failed? */
static inline bool wi_stage_is_through(int status)
{
	return status == WEIR_OK || status == WEIR_END_OF_CHANNEL ||
	       status == WEIR_BROKEN_RESOURCE || status == WEIR_CLOSED_RESOURCE;
}

/* All threads are gone. */
void wi_stage_free(struct stage *stage);

#endif
