/* SPDX-License-Identifier: MIT */
/* status.c - results as names and as sentences. */
#include <weir/common.h>

static const struct {
	int status;
	const char *name;
	const char *sentence;
} statuses[] = {
	{WEIR_OK, "WEIR_OK", "Done"},
	{WEIR_WOULD_BLOCK, "WEIR_WOULD_BLOCK", "It could not be done at once"},
	{WEIR_TIMED_OUT, "WEIR_TIMED_OUT", "The deadline passed"},
	{WEIR_END_OF_CHANNEL, "WEIR_END_OF_CHANNEL",
		"Every sender is closed and the channel is drained"},
	{WEIR_BROKEN_RESOURCE, "WEIR_BROKEN_RESOURCE",
		"Every receiver is closed"},
	{WEIR_CLOSED_RESOURCE, "WEIR_CLOSED_RESOURCE",
		"This endpoint is closed"},
	{WEIR_NO_MEMORY, "WEIR_NO_MEMORY", "Out of memory"},
	{WEIR_INVALID_ARGUMENT, "WEIR_INVALID_ARGUMENT", "Bad argument"},
};

#define STATUSES (sizeof statuses / sizeof *statuses)

const char *weir_status_name(int status)
{
	for (size_t i = 0; i < STATUSES; i++)
		if (statuses[i].status == status)
			return statuses[i].name;
	return "WEIR_UNKNOWN_STATUS";
}

const char *weir_strerror(int status)
{
	for (size_t i = 0; i < STATUSES; i++)
		if (statuses[i].status == status)
			return statuses[i].sentence;
	return "Not a status of Weir";
}
