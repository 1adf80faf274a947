/* SPDX-License-Identifier: MIT */
/* trace.c - what happened in a run, in a column a thread, with the library's own
 * lines beside it. */
#include "checker.h"
#include "engine.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVENTS_MOST 4096
#define PLACES_MOST 1024
#define COLUMN 56

static struct event events[EVENTS_MOST];
static size_t event_count; /* of all; the last EVENTS_MOST are kept */

static struct {
	const void *pc;
	char text[192];
} places[PLACES_MOST];
static size_t place_count;

void trace_reset(void)
{
	event_count = 0;
}

void trace_add(const void *pc, const char *verb, uintptr_t address,
	uint64_t before, uint64_t after, uint32_t older)
{
	events[event_count++ % EVENTS_MOST] = (struct event){
		pc, verb, address, before, after, older, (uint8_t)self};
}

/* -- Where --------------------------------------------------------------- */

/* The operation in a line of source: from its name to its last bracket. */
static void find_operation(const char *line, char *into, size_t size)
{
	static const char *const starts[] = {"load_", "store_", "exchange_",
		"fetch_", "cas_", "init_atomic", "wi_", "weir_"};
	const char *from = NULL;
	size_t length = 0;
	int depth = 0;

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		const char *at = strstr(line, starts[i]);

		if (at != NULL && (from == NULL || at < from))
			from = at;
	}
	if (from == NULL)
		for (from = line; isspace((unsigned char)*from); from++)
			;
	for (const char *at = from; *at != '\0' && *at != '\n'; at++) {
		depth += *at == '(';
		depth -= *at == ')';
		length++;
		if (depth == 0 && *at == ')')
			break;
		if (depth < 0) {
			length--;
			break;
		}
	}
	snprintf(into, size, " %.*s", (int)length, from);
}

static void add_source_line(
	const char *file, unsigned wanted, char *into, size_t size)
{
	FILE *source = fopen(file, "r");
	char line[512];

	if (source == NULL)
		return;
	for (unsigned i = 0; i < wanted; i++)
		if (fgets(line, sizeof line, source) == NULL)
			line[0] = '\0';
	find_operation(line, into, size);
	fclose(source);
}

/* "ring.c:151 cas_seq_cst(...)" */
static void look_up(const void *pc, char *into, size_t size)
{
	char command[256], line[512], *colon;
	const char *base;
	FILE *output;

	snprintf(into, size, "%p", pc);
	snprintf(command, sizeof command, "addr2line -e /proc/%d/exe %p",
		(int)getpid(), (void *)((uintptr_t)pc - 1));
	output = popen(command, "r");
	if (output == NULL)
		return;
	if (fgets(line, sizeof line, output) != NULL && line[0] != '?' &&
		(colon = strrchr(line, ':')) != NULL) {
		unsigned number = (unsigned)atoi(colon + 1);
		int used;

		*colon = '\0';
		base = strrchr(line, '/') != NULL ? strrchr(line, '/') + 1
						  : line;
		used = snprintf(into, size, "%s:%u", base, number);
		if (used > 0 && (size_t)used < size)
			add_source_line(
				line, number, into + used, size - (size_t)used);
	}
	pclose(output);
}

static const char *full_place(const void *pc)
{
	for (size_t i = 0; i < place_count; i++)
		if (places[i].pc == pc)
			return places[i].text;
	if (place_count == PLACES_MOST)
		return "?";
	places[place_count].pc = pc;
	look_up(pc, places[place_count].text, sizeof places[0].text);
	return places[place_count++].text;
}

const char *trace_place(const void *pc)
{
	static char places_given[4][192];
	static unsigned next;
	char *text = places_given[next++ % 4];

	snprintf(text, sizeof places_given[0], "%s", full_place(pc));
	text[strcspn(text, " ")] = '\0';
	return text;
}

/* -- Printing ------------------------------------------------------------ */

static void describe(const struct event *event, char *into, size_t size)
{
	const char *place = event->pc != NULL ? full_place(event->pc) : "";
	char value[80] = "";

	if (event->before != event->after)
		snprintf(value, sizeof value, "  %" PRIx64 " -> %" PRIx64,
			event->before, event->after);
	else
		snprintf(value, sizeof value, "  %" PRIx64, event->after);
	if (event->older > 0)
		snprintf(value + strlen(value), sizeof value - strlen(value),
			" OLD (%u ago)", event->older);
	if (strcmp(event->verb, "load") == 0 ||
		strcmp(event->verb, "store") == 0 ||
		strcmp(event->verb, "cas") == 0 ||
		strcmp(event->verb, "add") == 0 ||
		strcmp(event->verb, "sub") == 0 ||
		strcmp(event->verb, "or") == 0 ||
		strcmp(event->verb, "and") == 0 ||
		strcmp(event->verb, "exchange") == 0)
		snprintf(into, size, "%s%s", place, value);
	else
		snprintf(into, size, "%s: %s%s", event->verb, place, value);
}

/* One event, in its thread's column, on as many lines as it takes. */
static void print_event(const struct event *event, unsigned column)
{
	char text[320];
	size_t length, at = 0;

	describe(event, text, sizeof text);
	length = strlen(text);
	while (at < length) {
		size_t width = COLUMN - 2;
		size_t here = length - at < width ? length - at : width;

		printf("  ");
		for (unsigned i = 0; i < column; i++)
			printf("%-*s|", COLUMN, "");
		printf(" %s%.*s\n", at > 0 ? "  " : "", (int)here, text + at);
		at += here;
	}
}

void trace_print(void)
{
	unsigned columns[MAX_THREADS], used = 0;
	size_t first =
		event_count > EVENTS_MOST ? event_count - EVENTS_MOST : 0;

	printf("\n  ");
	for (unsigned i = 0; i < thread_count; i++) {
		columns[i] = used;
		/* The body by itself is left out. */
		if (i > 0 || thread_count == 1) {
			printf(" %-*s|", COLUMN - 1, threads[i].name);
			used++;
		}
	}
	printf("\n");
	for (size_t i = first; i < event_count; i++) {
		const struct event *event = &events[i % EVENTS_MOST];

		if (event->thread > 0 || thread_count == 1)
			print_event(event, columns[event->thread]);
	}
	if (event_count > 0 &&
		events[(event_count - 1) % EVENTS_MOST].thread == 0)
		print_event(&events[(event_count - 1) % EVENTS_MOST], 0);
}
