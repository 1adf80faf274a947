/* SPDX-License-Identifier: MIT */
/* threads.h - threads that a test starts, waits for, and never hangs on.
 *
 * Criterion's assertions leave the test by longjmp, so only the test's own
 * thread may assert; other threads return a status, which the test looks at
 * after the join.  Whatever is waited for here is given PATIENCE seconds, times
 * the number in the environment variable WEIR_TEST_PATIENCE (for valgrind and
 * other slow ways to run); then the test fails and says what did not come.
 */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir.h>

#define PATIENCE 10
#define MS INT64_C(1000000)

/* PATIENCE as a span, and as a deadline that is that far away. */
int64_t patience_ns(void);
int64_t patience_from_now(void);

/* -- Any function in a thread -------------------------------------------- */

struct task {
	pthread_t thread;
	int (*run)(void *argument);
	void *argument;
	int status; /* what run returned; read after task_join */
	atomic_bool done;
};

void task_start(struct task *task, int (*run)(void *), void *argument);
bool task_done(struct task *task);
int task_join(struct task *task); /* fails the test after PATIENCE */

/* -- One send or recv in a thread ---------------------------------------- */

struct op {
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	void *element; /* NULL: an element made from, or read into, `value` */
	uint64_t value;
	int64_t deadline;
	bool timed;
};

void op_send(struct op *op, weir_sender *tx, uint64_t value);
void op_send_until(struct op *op, weir_sender *tx, uint64_t value, int64_t ns);
void op_send_from(struct op *op, weir_sender *tx, void *element);
void op_recv(struct op *op, weir_receiver *rx);
void op_recv_until(struct op *op, weir_receiver *rx, int64_t deadline_ns);
void op_recv_into(struct op *op, weir_receiver *rx, void *element);
/* The two with an element, or by a select of this one case. */
void op_send_by(struct op *op, weir_sender *tx, void *element, bool by_select);
void op_recv_by(
	struct op *op, weir_receiver *rx, void *element, bool by_select);
int op_join(struct op *op); /* the call's status */

/* Join an op and assert how it ended. */
#define assert_op(op, want) assert_status(op_join(op), want)
#define assert_op_received(op, want)                                           \
	do {                                                                   \
		assert_status(op_join(op), WEIR_OK);                           \
		assert_value((op)->value, want);                               \
	} while (0)

/* -- Waiting for others -------------------------------------------------- */

/* Until so many threads wait in recv (send) on the channel, exactly. */
void wait_until_receivers_waiting(const weir_receiver *rx, size_t n);
void wait_until_senders_waiting(const weir_sender *tx, size_t n);

/* Who is counted as waiting may be about to look at its deadline.  After this it
 * has: a clone is made and freed between the steps of others. */
void let_them_decide(weir_receiver *rx);

/* How many threads of this process sleep.  For waits that no statistics count;
 * it may count a thread that is not there yet, so it makes a test sharp, and not
 * right. */
size_t threads_sleeping(void);

/* From now on, for this thread and those that it starts; or skip the test. */
void allow_one_cpu(void);

/* Until `condition` holds. */
#define wait_until(condition)                                                  \
	do {                                                                   \
		int64_t give_up_ = patience_from_now();                        \
		while (!(condition)) {                                         \
			cr_assert(weir_now() < give_up_,                       \
				"%s did not come true", #condition);           \
			sched_yield();                                         \
		}                                                              \
	} while (0)

#endif
