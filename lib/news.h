/* SPDX-License-Identifier: MIT */
/* news.h - what is decided inside a gate, and told once outside of all gates,
 * so that whoever is woken by it can come straight back to them.
 */
#ifndef WI_NEWS_H
#define WI_NEWS_H

#include "list.h"

struct news {
	struct list node; /* in a list of the decided; its decider's alone */
	/* Outside.  May be the last access to it. */
	void (*tell)(struct news *news);
};

/* Tell all that is in the list.  It is empty afterwards. */
void wi_news_tell(struct list *decided);

#endif
