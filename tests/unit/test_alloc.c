/* SPDX-License-Identifier: MIT */
/* test_alloc.c - memory from the program's allocator, from malloc, and mapped. */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"
#include "counting.h"
#include "leaks.h"

#define ALLOC_TEST(name) Test(alloc, name, .timeout = 60)
#define MAPPED ((size_t)32 * 1024) /* from here on a block is mapped */
#define HUGE ((size_t)1024 * 1024) /* from here on in huge pages, if we may */
#define PAGE ((size_t)4096)

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

/* Is this in the flags that the kernel keeps of the block's mapping? */
static bool has_flag(const void *block, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool inside = false, found = false;
	char line[512];

	cr_assert(file != NULL);
	while (!found && fgets(line, sizeof line, file) != NULL) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx", &start, &end) == 2)
			inside = start <= (unsigned long)block &&
				 (unsigned long)block < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(file);
	return found;
}

ALLOC_TEST(ours_asks_for_huge_pages_where_they_pay)
{
	unsigned char *small = wi_alloc(&ours, HUGE - 1, 64);
	unsigned char *large = wi_alloc(&ours, HUGE, 64);
	/* What the kernel makes of such a wish here. */
	void *wish = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(wish != MAP_FAILED);
	madvise(wish, HUGE, MADV_HUGEPAGE);
	cr_assert(has_flag(large, " rd "));
	cr_assert(has_flag(large, " hg ") == has_flag(wish, " hg "));
	cr_assert(!has_flag(small, " hg "));
	munmap(wish, HUGE);
	wi_free(&ours, small, HUGE - 1);
	wi_free(&ours, large, HUGE);
}

static size_t pages_of_mappings(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages;

	cr_assert(file != NULL && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	return pages;
}

ALLOC_TEST(ours_unmaps_all_that_it_has_mapped)
{
	static const size_t sizes[] = {
		MAPPED, HUGE - 1, HUGE, HUGE + 1, 3 * HUGE, 1000 * HUGE + 8};
	size_t before = pages_of_mappings();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int n = 0; n < 100; n++)
			wi_free(&ours, wi_alloc(&ours, sizes[i], 64), sizes[i]);
	/* One that is left is of 8 pages at least. */
	cr_assert(pages_of_mappings() < before + 100);
}

static size_t pages_in_memory(unsigned char *block, size_t size)
{
	static unsigned char present[64];
	size_t pages = size / PAGE, count = 0;

	cr_assert(pages <= sizeof present);
	cr_assert(mincore(block, size, present) == 0);
	for (size_t i = 0; i < pages; i++)
		count += present[i] & 1;
	return count;
}

ALLOC_TEST(touching_brings_all_pages_and_changes_nothing)
{
	size_t size = 16 * PAGE;
	unsigned char *block = wi_alloc(&ours, size, 64);

	cr_assert(pages_in_memory(block, size) == 0);
	errno = 77;
	wi_touch(&ours, block, size);
	cr_assert(errno == 77);
	/* Or this kernel cannot. */
	cr_assert(pages_in_memory(block, size) == 16 ||
		  madvise(block, size, MADV_POPULATE_WRITE) != 0);
	assert_zeroed(block, size);
	wi_free(&ours, block, size);
}

ALLOC_TEST(touching_small_blocks_and_others_memory_does_nothing)
{
	static const struct allocator theirs = {refuse, forget, NULL};
	unsigned char *block = wi_alloc(&ours, 2 * MAPPED, 64);

	wi_touch(&theirs, block, 2 * MAPPED);
	wi_touch(&ours, block, MAPPED - 1);
	cr_assert(pages_in_memory(block, 2 * MAPPED) == 0);
	wi_free(&ours, block, 2 * MAPPED);
}

ALLOC_TEST(more_than_there_is_returns_null)
{
	errno = 77;
	cr_assert(wi_alloc(&ours, SIZE_MAX - 4095, 64) == NULL);
	cr_assert(errno == 77);
}
