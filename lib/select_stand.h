/* SPDX-License-Identifier: MIT */
/* select_stand.h - a select among rendezvous only, for the first moment of its
 * wait: it looks for somebody who waits, and stands in one queue meanwhile.
 *
 * To register with each of n channels takes n gates, and to withdraw from the
 * others n - 1 more; a partner comes a microsecond later, mostly.  But two that
 * only look never meet.  So a select that may send stands at one of the
 * channels to which it would, as a plain sender does, and looks for who waits
 * at the others; one that can only receive just looks.  If it sees somebody it
 * goes there.  Of two selects that stand at different channels each may see the
 * other and leave its place: they can miss each other like that.
 *
 * Who waits elsewhere does not see a select that stands, nor does a try_ call
 * there.  So this lasts for the first pauses of the spin only, a few
 * microseconds, and for no yield.  Statistics do not count it, and whoever
 * waits in earnest goes before it, since it may be gone again.  Then the select
 * registers (select_wait.h), and nothing depends on what has been before.
 */
#ifndef WI_SELECT_STAND_H
#define WI_SELECT_STAND_H

#include "select_wait.h"

enum stand {
	IN_VAIN,        /* that moment is over, or there is none */
	SERVED,         /* *index is set, and the status of that case */
	SOMEBODY_WAITS, /* at one of the channels, perhaps: look at all */
};

/* All channels are rendezvous, and several; the cases are few, and are to be
 * carried out. */
enum stand wi_select_stand(
	struct select_call *call, struct spin *spin, size_t *index);

#endif
