/* SPDX-License-Identifier: MIT */
/* watcher.h - who wants to be told that an operation would not block, without
 * a place in the line of those who wait: a case of weir_ready, a registration
 * of a selector, a descriptor.
 *
 * A channel has a list of watchers a side.  Whoever is inside the gate compares
 * what each was told last with what is true now, and tells it the difference
 * (watch.c).  All of it inside the gate.
 */
#ifndef WI_WATCHER_H
#define WI_WATCHER_H

#include <stdbool.h>

#include "list.h"

struct endpoint;
struct watcher;

/* Inside the gate: `ready` is news.  Must not wait, nor enter a gate.  What is
 * to be told outside is put into `decided` (news.h). */
typedef void tell_watcher(
	struct watcher *watcher, bool ready, struct list *decided);

struct watcher {
	struct list node;
	bool told;        /* what it knows */
	bool both_ways;   /* wants to hear of the end of readiness as well */
	bool only_broken; /* ready is: no receiver left, or shut */
	const struct endpoint *through; /* its close is readiness, too */
	tell_watcher *tell;
	/* Outside the gate: the endpoint is freed, and the channel has
	 * forgotten the watcher. */
	void (*gone)(struct watcher *watcher);
};

#endif
