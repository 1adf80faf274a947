/* SPDX-License-Identifier: MIT */
/* threads.c - tasks, operations in threads, and bounded waiting. */
#include "threads.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"

int64_t patience_ns(void)
{
	const char *factor = getenv("WEIR_TEST_PATIENCE");
	long times = factor != NULL ? strtol(factor, NULL, 10) : 1;

	return (times > 0 ? times : 1) * PATIENCE * 1000 * MS;
}

int64_t patience_from_now(void)
{
	return weir_now() + patience_ns();
}

static void *task_main(void *argument)
{
	struct task *task = argument;

	task->status = task->run(task->argument);
	atomic_store(&task->done, true);
	return NULL;
}

void task_start(struct task *task, int (*run)(void *), void *argument)
{
	task->run = run;
	task->argument = argument;
	task->status = 1;
	atomic_init(&task->done, false);
	cr_assert(pthread_create(&task->thread, NULL, task_main, task) == 0);
}

bool task_done(struct task *task)
{
	return atomic_load(&task->done);
}

int task_join(struct task *task)
{
	struct timespec until;
	int64_t span = patience_ns();

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(span / (1000 * MS));
	cr_assert(pthread_timedjoin_np(task->thread, NULL, &until) == 0,
		"a thread that should have ended is still waiting");
	return task->status;
}

static int run_send(void *argument)
{
	struct op *op = argument;
	ELEMENT(own);
	void *element = op->element;

	if (element == NULL) {
		fill_element(own, op->value);
		element = own;
	}
	if (op->timed)
		return weir_send_until(op->tx, element, op->deadline);
	return weir_send(op->tx, element);
}

static int run_recv(void *argument)
{
	struct op *op = argument;
	ELEMENT(own);
	void *element = op->element != NULL ? op->element : own;
	int status;

	if (op->timed)
		status = weir_recv_until(op->rx, element, op->deadline);
	else
		status = weir_recv(op->rx, element);
	if (status == WEIR_OK)
		op->value = value_of(element);
	return status;
}

static int run_select(void *argument)
{
	struct op *op = argument;
	weir_case send = WEIR_SEND_CASE(op->tx, op->element);
	weir_case recv = WEIR_RECV_CASE(op->rx, op->element);
	weir_case *choice = op->tx != NULL ? &send : &recv;
	size_t index;
	int status = weir_select(choice, 1, 0, &index);

	return status == WEIR_OK ? choice->status : status;
}

static void op_start(struct op *op, int (*run)(void *), struct op how)
{
	*op = how;
	task_start(&op->task, run, op);
}

void op_send(struct op *op, weir_sender *tx, uint64_t value)
{
	op_start(op, run_send, (struct op){.tx = tx, .value = value});
}

void op_send_until(
	struct op *op, weir_sender *tx, uint64_t value, int64_t deadline)
{
	op_start(op, run_send,
		(struct op){.tx = tx,
			.value = value,
			.deadline = deadline,
			.timed = true});
}

void op_send_from(struct op *op, weir_sender *tx, void *element)
{
	op_start(op, run_send, (struct op){.tx = tx, .element = element});
}

void op_recv(struct op *op, weir_receiver *rx)
{
	op_start(op, run_recv, (struct op){.rx = rx});
}

void op_recv_until(struct op *op, weir_receiver *rx, int64_t deadline)
{
	op_start(op, run_recv,
		(struct op){.rx = rx, .deadline = deadline, .timed = true});
}

void op_recv_into(struct op *op, weir_receiver *rx, void *element)
{
	op_start(op, run_recv, (struct op){.rx = rx, .element = element});
}

void op_send_by(struct op *op, weir_sender *tx, void *element, bool by_select)
{
	op_start(op, by_select ? run_select : run_send,
		(struct op){.tx = tx, .element = element});
}

void op_recv_by(struct op *op, weir_receiver *rx, void *element, bool by_select)
{
	op_start(op, by_select ? run_select : run_recv,
		(struct op){.rx = rx, .element = element});
}

int op_join(struct op *op)
{
	return task_join(&op->task);
}

void wait_until_receivers_waiting(const weir_receiver *rx, size_t n)
{
	int64_t give_up = patience_from_now();
	weir_statistics now;

	for (;;) {
		weir_receiver_statistics(rx, &now);
		if (now.receivers_waiting == n)
			return;
		cr_assert(weir_now() < give_up, "%zu receivers wait, not %zu",
			now.receivers_waiting, n);
		sched_yield();
	}
}

void wait_until_senders_waiting(const weir_sender *tx, size_t n)
{
	int64_t give_up = patience_from_now();
	weir_statistics now;

	for (;;) {
		weir_sender_statistics(tx, &now);
		if (now.senders_waiting == n)
			return;
		cr_assert(weir_now() < give_up, "%zu senders wait, not %zu",
			now.senders_waiting, n);
		sched_yield();
	}
}

void let_them_decide(weir_receiver *rx)
{
	weir_receiver_free(clone_receiver(rx));
}

size_t threads_sleeping(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	size_t count = 0;

	cr_assert(tasks != NULL);
	while ((entry = readdir(tasks)) != NULL) {
		char path[300], state = 'R';
		FILE *file;

		snprintf(path, sizeof path, "/proc/self/task/%s/stat",
			entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%*d %*s %c", &state) == 1 && state == 'S')
			count++;
		fclose(file);
	}
	closedir(tasks);
	return count;
}

void allow_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		cr_skip_test("there is no first CPU");
}
