/* SPDX-License-Identifier: MIT */
/* counting.h - an allocator that counts, and fails when it is told to.
 *
 * What it returns is aligned to what was asked and not to twice that, and is
 * full of junk.  It keeps each block's size, so that a free with another size
 * is seen.  Any thread may call it.
 */
#ifndef TESTS_SUPPORT_COUNTING_H
#define TESTS_SUPPORT_COUNTING_H

#include <stdatomic.h>
#include <stdint.h>

#include <weir.h>

struct counting {
	_Atomic int64_t live_bytes;
	_Atomic int64_t live_blocks;
	_Atomic int64_t calls;      /* of alloc, failed ones too */
	_Atomic int64_t fail_at;    /* the call that fails, from 1; 0: none */
	_Atomic int64_t fail_after; /* all calls after this one fail; 0: none */
	_Atomic int64_t wrong; /* frees with a size that is not the block's */
};

/* Zero `counting` and put it into `options`. */
void counting_init(struct counting *counting, weir_options *options);

/* Assert that all memory came back, with the right sizes. */
void counting_settled(struct counting *counting);

#endif
