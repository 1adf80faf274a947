/* SPDX-License-Identifier: MIT */
/* news.c - see news.h. */
#include "news.h"

#include "compiler.h"

void wi_news_tell(struct list *decided)
{
	struct list *node, *following;

	list_for_each_safe (node, following, decided) {
		struct news *news = container_of(node, struct news, node);

		news->tell(news);
	}
	list_init(decided);
}
