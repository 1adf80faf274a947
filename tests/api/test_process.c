/* SPDX-License-Identifier: MIT */
/* test_process.c - signals, fork, cancellation, the exit of threads. */
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int signals;

static void count_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&signals, 1);
}

/* Promise 10: EINTR is invisible. */
EVERY_FLAVOR(process, signals_interrupt_no_wait)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	struct op forever, timed;
	int64_t deadline = weir_now() + 100 * MS;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	cr_assert(sigaction(SIGALRM, &action, NULL) == 0);
	op_recv(&forever, rx);
	wait_until_receivers_waiting(rx, 1);
	op_recv_until(&timed, rx, deadline);
	cr_assert(setitimer(ITIMER_REAL, &often, NULL) == 0);
	wait_until(atomic_load(&signals) > 50);
	for (int i = 0; i < 50; i++) {
		pthread_kill(forever.task.thread, SIGALRM);
		sched_yield();
	}
	assert_op(&timed, WEIR_TIMED_OUT);
	cr_assert(weir_now() >= deadline);
	cr_assert(!task_done(&forever.task));
	assert_sends(tx, 3);
	assert_op_received(&forever, 3);
	setitimer(ITIMER_REAL, &never, NULL);
	free_both(tx, rx);
}

/* Promise 10: the child execs or exits, the parent is unharmed. */
EVERY_FLAVOR(process, a_fork_in_the_middle_leaves_the_parent_unharmed)
{
	enum { N = 2000 };
	struct op op;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < N; i++) {
		op_recv(&op, rx);
		if (i % 100 == 0) {
			int status;
			pid_t child = fork();

			if (child == 0)
				_exit(0);
			cr_assert(child > 0);
			cr_assert(waitpid(child, &status, 0) == child);
			cr_assert(WIFEXITED(status));
		}
		assert_sends(tx, i);
		assert_op_received(&op, i);
	}
	free_both(tx, rx);
}

/* No call is a cancellation point: 0 if the pending cancellation waited until
 * the element was there and received. */
static int recv_then_die(void *argument)
{
	uint64_t value = TORN;
	int type, status;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	status = recv_value(argument, &value);
	return status != WEIR_OK ? status : (int)value;
}

EVERY_FLAVOR(process, a_pending_cancellation_waits_until_after_the_call)
{
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	task_start(&task, recv_then_die, rx);
	wait_until_receivers_waiting(rx, 1);
	pthread_cancel(task.thread);
	assert_statistic(tx, receivers_waiting, 1);
	assert_sends(tx, 5);
	assert_value((uint64_t)task_join(&task), 5);
	free_both(tx, rx);
}

/* Channels are used and freed by destructors of thread-specific data, when much
 * of the thread is gone. */
static void use_it(void *argument)
{
	weir_sender *tx = argument;

	if (send_value(tx, 11) == WEIR_OK)
		weir_sender_free(tx);
}

static int leave_it_to_the_destructor(void *argument)
{
	static pthread_key_t key;

	if (pthread_key_create(&key, use_it) != 0 ||
		pthread_setspecific(key, argument) != 0)
		return 1;
	return 0;
}

EVERY_FLAVOR(process, a_threads_last_act_may_be_a_send_and_a_free)
{
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	task_start(&task, leave_it_to_the_destructor, tx);
	assert_receives(rx, 11);
	cr_assert(task_join(&task) == 0);
	assert_ended(rx);
	weir_receiver_free(rx);
}

/* Where one CPU is allowed nobody spins: who is waited for could not run. */
EVERY_FLAVOR(process, two_threads_on_one_cpu_take_turns)
{
	enum { N = 3000 };
	struct op op;
	cpu_set_t one;
	weir_sender *tx;
	weir_receiver *rx;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		cr_skip_test("no first CPU");
	open_flavor(flavor, &tx, &rx);
	for (uint64_t i = 0; i < N / 10; i++) {
		op_recv(&op, rx);
		assert_sends(tx, i);
		assert_op_received(&op, i);
	}
	free_both(tx, rx);
}

/* The same for a send: the pending cancellation does not undo it. */
static int send_then_die(void *argument)
{
	int type;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	return send_value(argument, 5);
}

CAN_BE_FULL(process, a_pending_cancellation_does_not_undo_a_send)
{
	struct task task;
	weir_sender *tx;
	weir_receiver *rx;
	size_t n;

	open_flavor(flavor, &tx, &rx);
	n = fill(tx);
	task_start(&task, send_then_die, tx);
	wait_until_senders_waiting(tx, 1);
	pthread_cancel(task.thread);
	for (uint64_t i = 0; i < n; i++)
		assert_receives(rx, i);
	assert_receives(rx, 5);
	assert_status(task_join(&task), WEIR_OK);
	free_both(tx, rx);
}

/* -- Forks in traffic -------------------------------------------------------- */

static atomic_bool stop_traffic;

static int send_until_stopped(void *argument)
{
	uint64_t n = 0;
	int status = WEIR_OK;

	while (status == WEIR_OK && !atomic_load(&stop_traffic)) {
		status = send_value(argument, n++);
		while (weir_sender_length(argument) > 2000)
			sched_yield();
	}
	weir_sender_close(argument);
	return status;
}

static int recv_in_order(void *argument)
{
	uint64_t value = 0;
	int status;

	for (uint64_t n = 0; (status = recv_value(argument, &value)) == WEIR_OK;
		n++)
		if (value != cut(n))
			return 1;
	return status;
}

/* The child execs, or exits, in the middle of what the threads of its parent
 * do; its copy of the channel is in any state and is left alone. */
EVERY_FLAVOR(process, forks_in_traffic_leave_the_parent_unharmed)
{
	struct task sender, receiver;
	weir_sender *tx;
	weir_receiver *rx;

	open_flavor(flavor, &tx, &rx);
	task_start(&receiver, recv_in_order, rx);
	task_start(&sender, send_until_stopped, tx);
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			if (i % 2 == 0)
				execl("/bin/true", "true", (char *)NULL);
			_exit(0);
		}
		cr_assert(child > 0);
		cr_assert(waitpid(child, &status, 0) == child);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	atomic_store(&stop_traffic, true);
	assert_status(task_join(&sender), WEIR_OK);
	assert_status(task_join(&receiver), WEIR_END_OF_CHANNEL);
	free_both(tx, rx);
}

/* -- After main ---------------------------------------------------------------- */

static weir_sender *late_tx;
static weir_receiver *late_rx;

static void use_it_late(void)
{
	uint64_t value = 0;

	for (uint64_t i = 0; i < 3000; i++)
		if (send_value_until(late_tx, i, PAST) != WEIR_OK ||
			recv_value_until(late_rx, &value, PAST) != WEIR_OK)
			_exit(1);
	free_both(late_tx, late_rx);
	_exit(42);
}

Test(process, a_channel_works_in_an_exit_handler, .exit_code = 42,
	.timeout = TEST_SECONDS)
{
	static const struct flavor flavor = {"", WEIR_UNBOUNDED, 8};

	open_flavor(&flavor, &late_tx, &late_rx);
	cr_assert(atexit(use_it_late) == 0);
	exit(0);
}
