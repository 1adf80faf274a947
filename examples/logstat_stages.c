/* SPDX-License-Identifier: MIT */
/* logstat_stages.c - read, count, merge: see logstat.h. */
#define _GNU_SOURCE /* memrchr */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logstat.h"

/* Some hundred microseconds of counting: much more than a channel costs, and
 * little enough to keep all threads busy with a single file. */
enum { BLOCK_SIZE = 256 * 1024 };

void drop_block(void *block, void *context)
{
	(void)context;
	free(((struct block *)block)->data);
}

void drop_table(void *table, void *context)
{
	(void)context;
	table_free(*(struct table **)table);
}

/* -- Read ------------------------------------------------------------------ */

/* Where the last whole line ends; 0 if there is none. */
static size_t last_line_end(const struct block *block)
{
	const char *end = memrchr(block->data, '\n', block->size);

	return end != NULL ? (size_t)(end - block->data) + 1 : 0;
}

/* Send the lines of the block; what is behind the last one begins the next
 * block, which has room for `room` bytes more. */
static int send_lines(
	weir_sender *out, struct block *block, size_t lines, size_t room)
{
	struct block next = {.size = block->size - lines};
	int status;

	next.data = malloc(next.size + room);
	if (next.data == NULL)
		return WEIR_NO_MEMORY;
	memcpy(next.data, block->data + lines, next.size);
	block->size = lines;
	status = weir_send(out, block);
	if (status != WEIR_OK) {
		free(next.data);
		return status;
	}
	*block = next;
	return WEIR_OK;
}

/* A weir status; what is wrong with the file is in *error, an errno. */
static int read_blocks(
	struct logstat *logstat, int fd, weir_sender *out, int *error)
{
	size_t room = BLOCK_SIZE;
	struct block block = {.data = malloc(room)};
	int status = block.data != NULL ? WEIR_OK : WEIR_NO_MEMORY;

	while (status == WEIR_OK) {
		ssize_t n = interruptible_read(
			&logstat->interrupt, fd, block.data + block.size, room);
		size_t lines;

		if (n <= 0) {
			*error = n < 0 ? errno : 0;
			break;
		}
		block.size += (size_t)n;
		room -= (size_t)n;
		if (room > 0)
			continue;
		lines = last_line_end(&block);
		room = BLOCK_SIZE;
		if (lines > 0) {
			status = send_lines(out, &block, lines, room);
		} else { /* the line is longer: a larger block */
			char *data = realloc(block.data, block.size + room);

			if (data == NULL)
				status = WEIR_NO_MEMORY;
			else
				block.data = data;
		}
	}
	/* The last line of a file may lack its end, as in sort(1). */
	if (status == WEIR_OK && block.size > 0) {
		status = weir_send(out, &block);
		if (status == WEIR_OK)
			return status;
	}
	free(block.data);
	return status;
}

int read_files(void *context, weir_receiver *in, weir_sender *out)
{
	struct logstat *logstat = context;
	int status = WEIR_OK;

	(void)in;
	for (char *const *file = logstat->files;
		*file != NULL && status == WEIR_OK; file++) {
		bool is_stdin = strcmp(*file, "-") == 0;
		int fd = is_stdin ? STDIN_FILENO
				  : open(*file, O_RDONLY | O_CLOEXEC);
		int error = fd < 0 ? errno : 0;

		if (fd >= 0)
			status = read_blocks(logstat, fd, out, &error);
		if (interrupted(&logstat->interrupt))
			status = WEIR_CLOSED_RESOURCE;
		else if (error != 0) {
			fprintf(stderr, "logstat: %s: %s\n", *file,
				strerror(error));
			logstat->failed = true;
		}
		if (fd >= 0 && !is_stdin)
			close(fd);
	}
	return status;
}

/* -- Count ----------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_of_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* The n-th run of bytes that are not blank, as in awk; empty if there are
 * fewer. */
static bool count_field(
	struct table *table, const char *line, const char *end, size_t n)
{
	const char *field = line;

	for (;;) {
		const char *start;

		while (field < end && is_blank(*field))
			field++;
		start = field;
		while (field < end && !is_blank(*field))
			field++;
		if (start == end || --n == 0)
			return table_add(table, start, (size_t)(field - start));
	}
}

static bool count_words(struct table *table, const char *line, const char *end)
{
	while (line < end) {
		const char *start = line;

		while (line < end && is_of_word(*line))
			line++;
		if (line > start &&
			!table_add(table, start, (size_t)(line - start)))
			return false;
		while (line < end && !is_of_word(*line))
			line++;
	}
	return true;
}

static bool count_block(const struct logstat *logstat, struct table *table,
	const struct block *block)
{
	const char *line = block->data, *end = line + block->size;
	bool counted = true;

	while (counted && line < end) {
		const char *line_end = memchr(line, '\n', (size_t)(end - line));

		if (line_end == NULL)
			line_end = end;
		if (logstat->mode == LINES)
			counted = table_add(
				table, line, (size_t)(line_end - line));
		else if (logstat->mode == FIELDS)
			counted = count_field(
				table, line, line_end, logstat->field);
		else
			counted = count_words(table, line, line_end);
		line = line_end + 1;
	}
	return counted;
}

int count_blocks(void *context, weir_receiver *in, weir_sender *out)
{
	struct table *table = table_new();
	int status = table != NULL ? WEIR_OK : WEIR_NO_MEMORY;
	struct block block;

	while (status == WEIR_OK &&
		(status = weir_recv(in, &block)) == WEIR_OK) {
		if (!count_block(context, table, &block))
			status = WEIR_NO_MEMORY;
		free(block.data);
	}
	if (status == WEIR_END_OF_CHANNEL) {
		status = weir_send(out, &table);
		if (status == WEIR_OK)
			return status;
	}
	table_free(table);
	return status;
}

/* -- Merge ----------------------------------------------------------------- */

int merge_tables(void *context, weir_receiver *in, weir_sender *out)
{
	struct logstat *logstat = context;
	struct table *table;
	int status;

	(void)out;
	while ((status = weir_recv(in, &table)) == WEIR_OK) {
		bool merged = true;

		if (logstat->total == NULL) {
			logstat->total = table; /* the first one as it is */
			continue;
		}
		merged = table_merge(logstat->total, table);
		table_free(table);
		if (!merged)
			return WEIR_NO_MEMORY;
	}
	return status;
}
