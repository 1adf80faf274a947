/* SPDX-License-Identifier: MIT */
/* stall.h - stop a thread in the middle of copying an element.
 *
 * The element lies on a page of its own that may not be touched.  A thread that
 * copies from it or to it, inside the library, faults; the handler keeps it
 * there until the test lets it go.  So a test can hold a sender between taking
 * a place and publishing the element, without any hook in the library:
 *
 *	struct stall stall;
 *
 *	stall_open(&stall);
 *	fill_element(stall.element, 7);
 *	stall_arm(&stall);
 *	op_send_from(&op, tx, stall.element);
 *	stall_wait(&stall);             // it is in the middle now
 *	...
 *	stall_release(&stall);
 *	assert_op(&op, WEIR_OK);
 *	stall_free(&stall);
 */
#ifndef TESTS_SUPPORT_STALL_H
#define TESTS_SUPPORT_STALL_H

#include <stdatomic.h>
#include <stdint.h>

struct stall {
	void *element;             /* a page */
	_Atomic int32_t n;         /* threads that came to the page */
	_Atomic uint32_t released; /* the futex on which they sleep */
};

void stall_open(struct stall *stall);
void stall_arm(struct stall *stall);  /* the page's content stays */
void stall_wait(struct stall *stall); /* until a thread is held */
void stall_release(struct stall *stall);
void stall_free(struct stall *stall);

#endif
