/* SPDX-License-Identifier: MIT */
/* gates.h - inside the gates of several channels at once.
 *
 * They are entered in the order of their addresses, by everybody who is ever
 * inside more than one: so nobody waits in a circle [Havender, "Avoiding
 * Deadlock in Multitasking Systems", 1968].
 */
#ifndef WI_GATES_H
#define WI_GATES_H

#include "channel.h"

struct gates {
	struct channel **channels; /* sorted, each once */
	size_t count;
};

/* Sort, and forget duplicates. */
void wi_gates_sort(struct gates *gates);

/* What is decided inside is collected in one list; leaving tells the decided,
 * when all gates have been left. */
void wi_gates_enter(const struct gates *gates, struct list *decided);
void wi_gates_leave(const struct gates *gates, struct list *decided);

#endif
