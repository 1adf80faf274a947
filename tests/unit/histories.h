/* SPDX-License-Identifier: MIT */
/* histories.h - histories that are written by hand. */
#ifndef TESTS_HISTORIES_H
#define TESTS_HISTORIES_H

#include "fifo_check.h"

#define MAX_RECORDS 64

struct written {
	struct history_record records[MAX_RECORDS];
	size_t count;
};

/* By a thread of its own; good until the next one is added. */
static inline struct history_record *write_down(struct written *written,
	enum history_kind kind, uint64_t value, int status, int64_t start,
	int64_t end)
{
	struct history_record *record = &written->records[written->count];

	*record = (struct history_record){
		.call = "by hand",
		.kind = (uint8_t)kind,
		.value = value,
		.status = status,
		.start = start,
		.end = end,
		.from = start,
		.until = end,
		.thread = (uint16_t)written->count,
		.rest = status != WEIR_OK,
	};
	written->count++;
	return record;
}

#endif
