/* SPDX-License-Identifier: MIT */
/* logstat.h - how the stages of logstat fit together.
 *
 *	read --- blocks ---> count (N threads) --- tables ---> merge
 *
 * A block is a piece of a file that ends where a line does, so that its lines
 * can be counted without knowing any other block.  Each counting thread has a
 * table of its own, and passes it on when there are no more blocks: the threads
 * share nothing, and `merge` has only N elements to work on.
 */
#ifndef LOGSTAT_H
#define LOGSTAT_H

#include <stdint.h>

#include "program.h"

/* -- Stages: logstat_stages.c --------------------------------------------- */

enum mode { LINES, FIELDS, WORDS };

struct logstat {
	char *const *files; /* NULL at the end; "-" is standard input */
	enum mode mode;
	size_t field; /* FIELDS: which one, from 1 */
	struct interrupt interrupt;
	struct table *total; /* what has been merged */
	bool failed;         /* a file could not be read: written by `read` */
};

struct block {
	char *data;
	size_t size;
};

void drop_block(void *block, void *context);
void drop_table(void *table, void *context);
weir_stage_function read_files, count_blocks, merge_tables;

/* -- Tables: logstat_table.c ----------------------------------------------- */

/* How often each key came.  Keys are bytes, of any number and value. */
struct entry {
	uint64_t count; /* 0: nothing here */
	uint64_t hash;
	const char *key; /* belongs to the table */
	size_t size;
};

struct table *table_new(void); /* NULL: no memory; so is false below */
void table_free(struct table *table);
bool table_add(struct table *table, const char *key, size_t size);
bool table_merge(struct table *into, const struct table *from);

/* The entries as `sort -rn` puts the lines of `uniq -c` in the C locale: those
 * with the greatest counts first, and among equal counts those with the
 * greatest key (compared as unsigned bytes) first.  The table is of no other
 * use then. */
const struct entry *table_sort(struct table *table, size_t *count);

#endif
