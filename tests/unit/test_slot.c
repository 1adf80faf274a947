/* SPDX-License-Identifier: MIT */
/* test_slot.c - where an element lies beside its turn, and how it is copied. */
#include <criterion/criterion.h>

#include <stddef.h>
#include <string.h>

#include "element.h"
#include "slot.h"

#define SLOT_TEST(name) Test(slot, name, .timeout = 60)

static void assert_layout(size_t size, size_t offset, size_t stride)
{
	struct slot_layout layout = wi_slot_layout(size);

	cr_assert(layout.offset == offset && layout.stride == stride,
		"an element of %zu bytes lies at %zu in slots of %zu", size,
		layout.offset, layout.stride);
}

SLOT_TEST(of_nothing_is_a_turn)
{
	assert_layout(0, 8, 8);
}

SLOT_TEST(wastes_no_more_than_alignment_asks_for)
{
	size_t most = _Alignof(max_align_t); /* 8 on some machines */

	assert_layout(1, 8, 12);
	assert_layout(4, 8, 12);
	assert_layout(6, 8, 16);
	assert_layout(8, 8, 16);
	assert_layout(12, 8, 20);
	assert_layout(24, 8, 32);
	assert_layout(4096, most, 4096 + most);
}

SLOT_TEST(whose_size_overflows_has_no_stride)
{
	for (size_t less = 0; less < 16; less++)
		cr_assert(wi_slot_layout(SIZE_MAX - less).stride == 0 ||
			  wi_slot_layout(SIZE_MAX - less).stride >
				  SIZE_MAX - less);
	cr_assert(wi_slot_layout(SIZE_MAX).stride == 0);
	cr_assert(wi_slot_layout(SIZE_MAX / 2).stride > SIZE_MAX / 2);
}

SLOT_TEST(keeps_element_and_turn_apart)
{
	static _Alignas(max_align_t) unsigned char place[64];
	struct slot_layout layout = wi_slot_layout(24);
	struct slot *slot = (struct slot *)(void *)place;

	init_atomic(&slot->turn, 0x12345678);
	memset(wi_slot_element(slot, &layout), 0xff, 24);
	cr_assert(load_relaxed(&slot->turn) == 0x12345678);
	cr_assert((unsigned char *)wi_slot_element(slot, &layout) ==
		  place + layout.offset);
}

SLOT_TEST(elements_of_every_size_are_copied_whole_and_no_further)
{
	unsigned char from[70], to[70];

	for (size_t size = 0; size < 68; size++) {
		for (size_t i = 0; i < sizeof from; i++)
			from[i] = (unsigned char)(i + 1);
		memset(to, 0, sizeof to);
		/* Odd addresses: what the program passes is aligned to
		 * nothing. */
		wi_copy_element(to + 1, from + 1, size);
		cr_assert(memcmp(to + 1, from + 1, size) == 0);
		cr_assert(to[0] == 0 && to[size + 1] == 0);
	}
}
