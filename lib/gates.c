/* SPDX-License-Identifier: MIT */
/* gates.c - see gates.h. */
#include "gates.h"

static bool is_before(const struct channel *a, const struct channel *b)
{
	return (uintptr_t)a < (uintptr_t)b;
}

/* Heapsort [Williams, "Algorithm 232", 1964]: in place, and never slow. */
static void sift_down(struct channel **heap, size_t at, size_t count)
{
	struct channel *moving = heap[at];
	size_t child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count &&
			is_before(heap[child], heap[child + 1]))
			child++;
		if (!is_before(moving, heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moving;
}

void wi_gates_sort(struct gates *gates)
{
	struct channel **all = gates->channels;
	size_t kept = 0;

	for (size_t i = gates->count / 2; i-- > 0;)
		sift_down(all, i, gates->count);
	for (size_t last = gates->count; last-- > 1;) {
		struct channel *greatest = all[0];

		all[0] = all[last];
		all[last] = greatest;
		sift_down(all, 0, last);
	}
	for (size_t i = 0; i < gates->count; i++)
		if (kept == 0 || all[kept - 1] != all[i])
			all[kept++] = all[i];
	gates->count = kept;
}

void wi_gates_enter(const struct gates *gates, struct list *decided)
{
	list_init(decided);
	for (size_t i = 0; i < gates->count; i++)
		wi_channel_enter_too(gates->channels[i]);
}

void wi_gates_leave(const struct gates *gates, struct list *decided)
{
	for (size_t i = 0; i < gates->count; i++)
		wi_channel_leave_silently(gates->channels[i], decided);
	wi_news_tell(decided);
}
