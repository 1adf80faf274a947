/* SPDX-License-Identifier: MIT */
/* case.h - what one case of a select, or of a selector, names. */
#ifndef WI_CASE_H
#define WI_CASE_H

#include <weir/select.h>

#include "channel.h"

/* NULL: the case is never ready. */
struct endpoint *wi_case_end(const weir_case *choice);

enum side wi_case_side(const weir_case *choice);

/* A known kind; and, if it is to be carried out, an element where one is
 * needed.
 */
bool wi_case_is_valid(const weir_case *choice, bool carry_out);

/* What it would answer now; WEIR_WOULD_BLOCK: not ready. */
int wi_case_look(const weir_case *choice);

/* The same, inside the gate, where it is exact. */
int wi_case_look_inside(const weir_case *choice);

/* A watcher for it. */
void wi_case_init_watcher(
	const weir_case *choice, struct watcher *watcher, tell_watcher *tell);

#endif
