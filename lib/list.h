/* SPDX-License-Identifier: MIT */
/* list.h - a circular doubly linked list whose nodes live in their owners.
 *
 * An empty list is a head that points at itself.  A node is in one list at a
 * time; nothing here is atomic.
 */
#ifndef WI_LIST_H
#define WI_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
}

/* `node` may be removed in the body. */
#define list_for_each_safe(node, following, head)                              \
	for (node = (head)->next, following = node->next; node != (head);      \
		node = following, following = node->next)

#endif
