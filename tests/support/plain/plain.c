/* SPDX-License-Identifier: MIT */
/* plain.c - a runner for tests, see criterion/criterion.h.
 *
 *	--filter=PATTERN   only the tests whose suite/name matches
 *
 * Other arguments are for Criterion and mean nothing here.  A test has its time,
 * times the environment variable WEIR_TEST_PATIENCE.
 */
#include "criterion/criterion.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 121 /* no test leaves with this one */
#define FAILED 122

static struct plain_test *first;
static struct plain_test **end = &first;

void plain_register(struct plain_test *test)
{
	*end = test;
	end = &test->next;
}

void plain_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("skipped: ");
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(NULL);
	_exit(SKIPPED);
}

void plain_fail(const char *file, int line, const char *condition,
	const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("%s:%d: %s: ", file, line, condition);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(NULL);
	_exit(FAILED);
}

static pid_t child;

static void on_alarm(int signal)
{
	(void)signal;
	kill(child, SIGKILL);
}

/* What waitpid says of a test in a process of its own. */
static int run_alone(const struct plain_test *test, unsigned seconds)
{
	int status = 0;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		signal(SIGALRM, SIG_DFL);
		test->run();
		exit(0);
	}
	if (child < 0)
		return -1;
	alarm(seconds);
	while (waitpid(child, &status, 0) != child)
		;
	alarm(0);
	return status;
}

int main(int argc, char **argv)
{
	const char *pattern = "*";
	const char *patience = getenv("WEIR_TEST_PATIENCE");
	int times = patience != NULL ? atoi(patience) : 1;
	unsigned tested = 0, failed = 0, skipped = 0, crashed = 0;
	struct sigaction action = {.sa_handler = on_alarm};

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--filter=", 9) == 0)
			pattern = argv[i] + 9;
	sigaction(SIGALRM, &action, NULL);
	for (struct plain_test *test = first; test != NULL; test = test->next) {
		double limit = test->options.timeout;
		char name[256];
		int status;

		snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
		if (fnmatch(pattern, name, 0) != 0)
			continue;
		if (limit <= 0)
			limit = 60;
		status = run_alone(test,
			(unsigned)limit * (unsigned)(times > 0 ? times : 1));
		if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
			printf("[SKIP] %s\n", name);
			skipped++;
			continue;
		}
		tested++;
		if (WIFEXITED(status) &&
			WEXITSTATUS(status) == test->options.exit_code)
			continue;
		if (WIFEXITED(status)) {
			printf("[FAIL] %s: status %d\n", name,
				WEXITSTATUS(status));
			failed++;
		} else {
			printf("[FAIL] %s: %s\n", name,
				WTERMSIG(status) == SIGKILL
					? "killed, or out of time"
					: strsignal(WTERMSIG(status)));
			crashed++;
		}
	}
	printf("[====] Synthesis: Tested: %u | Passing: %u | Failing: %u | "
	       "Crashing: %u\n",
		tested, tested - failed - crashed, failed, crashed);
	if (skipped > 0)
		printf("%u skipped\n", skipped);
	return failed + crashed > 0;
}
