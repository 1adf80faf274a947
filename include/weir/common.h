/* SPDX-License-Identifier: MIT */
/* common.h - results, and what every Weir header needs.
 *
 * A function that can fail returns an int: WEIR_OK (0) or one of the negative
 * values below, each of which has one meaning everywhere.  errno is left as it
 * was found.  On failure outputs are untouched, except the counts of the
 * `_many` calls, which always say how far the call got.
 */
#ifndef WEIR_COMMON_H
#define WEIR_COMMON_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEIR_BEGIN_DECLS extern "C" {
#define WEIR_END_DECLS }
#else
#define WEIR_BEGIN_DECLS
#define WEIR_END_DECLS
#endif

#define WEIR_API __attribute__((visibility("default")))
#define WEIR_NODISCARD __attribute__((warn_unused_result))

/* A capacity: sending never waits, memory grows with what is queued. */
#define WEIR_UNBOUNDED SIZE_MAX

/* A deadline or a time-out that never comes. */
#define WEIR_FOREVER INT64_MAX

enum weir_status {
	/* Done. */
	WEIR_OK = 0,
	/* A try_ call could not be done at once. */
	WEIR_WOULD_BLOCK = -EAGAIN,
	/* The deadline passed; nothing was sent or taken. */
	WEIR_TIMED_OUT = -ETIMEDOUT,
	/* recv: every sender is closed and the buffer is drained.  For good. */
	WEIR_END_OF_CHANNEL = -ENODATA,
	/* send: every receiver is closed; the element was not accepted. */
	WEIR_BROKEN_RESOURCE = -EPIPE,
	/* This endpoint itself is closed. */
	WEIR_CLOSED_RESOURCE = -EBADF,
	/* An allocation failed; all is as it was. */
	WEIR_NO_MEMORY = -ENOMEM,
	/* A bad argument, found before anything was done. */
	WEIR_INVALID_ARGUMENT = -EINVAL
};

WEIR_BEGIN_DECLS

/* The name of a status, "WEIR_END_OF_CHANNEL"; "WEIR_UNKNOWN_STATUS" for an
 * int that is none.  The string is static. */
WEIR_API const char *weir_status_name(int status);

/* A sentence on a status, for people; static. */
WEIR_API const char *weir_strerror(int status);

/* Now, in nanoseconds of CLOCK_MONOTONIC: the clock of every deadline. */
WEIR_API int64_t weir_now(void);

WEIR_END_DECLS

#endif
