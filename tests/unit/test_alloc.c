/* SPDX-License-Identifier: MIT */
/* test_alloc.c - memory from the program's allocator, from malloc, and mapped. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "counting.h"
#include "leaks.h"

#define ALLOC_TEST(name) Test(alloc, name, .timeout = 60)
#define MAPPED ((size_t)32 * 1024) /* from here on a block is mapped */

static const struct allocator ours = {NULL, NULL, NULL};

static void assert_zeroed(const unsigned char *block, size_t size)
{
	for (size_t i = 0; i < size; i++)
		cr_assert(
			block[i] == 0, "byte %zu of %zu is not zero", i, size);
}

ALLOC_TEST(ours_is_zeroed_and_aligned_at_every_size)
{
	static const size_t sizes[] = {
		1, 7, 8, 64, 4096, MAPPED - 1, MAPPED, MAPPED + 1, 1000000};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
			unsigned char *block =
				wi_alloc(&ours, sizes[i], alignment);

			cr_assert(block != NULL);
			cr_assert((uintptr_t)block % alignment == 0);
			assert_zeroed(block, sizes[i]);
			memset(block, 0xff, sizes[i]);
			wi_free(&ours, block, sizes[i]);
		}
	check_leaks();
}

ALLOC_TEST(ours_that_was_used_before_is_zeroed_again)
{
	for (int i = 0; i < 100; i++) {
		unsigned char *block = wi_alloc(&ours, 200, 64);

		assert_zeroed(block, 200);
		memset(block, 0xff, 200);
		wi_free(&ours, block, 200);
	}
}

ALLOC_TEST(the_programs_own_is_zeroed_and_gets_its_sizes_back)
{
	struct counting counting;
	weir_options options = WEIR_OPTIONS_INIT;
	struct allocator allocator;
	unsigned char *small, *large;

	counting_init(&counting, &options);
	allocator = (struct allocator){
		options.alloc, options.free, options.allocator_context};
	small = wi_alloc(&allocator, 100, 64);
	large = wi_alloc(&allocator, 2 * MAPPED, 64);
	assert_zeroed(small, 100);
	assert_zeroed(large, 2 * MAPPED);
	cr_assert(atomic_load(&counting.live_blocks) == 2);
	wi_free(&allocator, small, 100);
	wi_free(&allocator, large, 2 * MAPPED);
	counting_settled(&counting);
}

static void *refuse(size_t size, size_t alignment, void *context)
{
	(void)size;
	(void)alignment;
	(void)context;
	errno = ENOMEM;
	return NULL;
}

static void forget(void *pointer, size_t size, void *context)
{
	(void)pointer;
	(void)size;
	(void)context;
	errno = EINVAL;
}

ALLOC_TEST(leaves_errno_whatever_the_allocator_does)
{
	static const struct allocator refusing = {refuse, forget, NULL};

	errno = 77;
	cr_assert(wi_alloc(&refusing, 8, 8) == NULL);
	cr_assert(errno == 77);
	wi_free(&refusing, NULL, 8);
	cr_assert(errno == 77);
}

ALLOC_TEST(more_than_there_is_returns_null)
{
	errno = 77;
	cr_assert(wi_alloc(&ours, SIZE_MAX - 4095, 64) == NULL);
	cr_assert(errno == 77);
}
