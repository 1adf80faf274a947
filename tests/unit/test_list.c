/* SPDX-License-Identifier: MIT */
/* test_list.c - the list whose nodes live in their owners. */
#include <criterion/criterion.h>

#include "compiler.h"
#include "list.h"

#define LIST_TEST(name) Test(list, name, .timeout = 60)

struct item {
	int before;
	struct list node;
};

static struct list head;
static struct item items[4];

static void fill(void)
{
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].before = i;
		list_append(&head, &items[i].node);
	}
}

static int number_of(struct list *node)
{
	return container_of(node, struct item, node)->before;
}

LIST_TEST(is_empty_until_something_is_appended)
{
	list_init(&head);
	cr_assert(list_is_empty(&head));
	list_append(&head, &items[0].node);
	cr_assert(!list_is_empty(&head));
	list_remove(&items[0].node);
	cr_assert(list_is_empty(&head));
}

LIST_TEST(is_walked_in_the_order_of_appending)
{
	struct list *node, *following;
	int n = 0;

	fill();
	list_for_each_safe (node, following, &head)
		cr_assert(number_of(node) == n++);
	cr_assert(n == 4);
}

LIST_TEST(a_node_may_be_removed_from_any_place)
{
	struct list *node, *following;
	int sum = 0;

	fill();
	list_remove(&items[0].node);
	list_remove(&items[3].node);
	list_remove(&items[1].node);
	list_for_each_safe (node, following, &head)
		sum += number_of(node);
	cr_assert(sum == 2);
	cr_assert(head.next == &items[2].node && head.prev == &items[2].node);
}

/* As wi_waiters_release does, whose waiters are gone after the visit. */
LIST_TEST(each_node_may_be_destroyed_as_it_is_visited)
{
	struct list *node, *following;
	int n = 0;

	fill();
	list_for_each_safe (node, following, &head) {
		n += number_of(node);
		*node = (struct list){NULL, NULL};
	}
	cr_assert(n == 0 + 1 + 2 + 3);
}

LIST_TEST(a_node_may_move_to_another_list)
{
	struct list other;

	fill();
	list_init(&other);
	for (int i = 3; i >= 0; i--) {
		list_remove(&items[i].node);
		list_append(&other, &items[i].node);
	}
	cr_assert(list_is_empty(&head));
	cr_assert(number_of(other.next) == 3 && number_of(other.prev) == 0);
}
