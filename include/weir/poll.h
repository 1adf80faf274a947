/* SPDX-License-Identifier: MIT */
/* poll.h - channels in an event loop.
 *
 * A descriptor that poll, epoll, libuv and io_uring see readable while the
 * operation would not block.  Wait for it there, then use the try_ calls until
 * one answers WEIR_WOULD_BLOCK.  Never read, write or close it: it belongs to
 * its endpoint, and goes with it.
 */
#ifndef WEIR_POLL_H
#define WEIR_POLL_H

#include <weir/channel.h>

WEIR_BEGIN_DECLS

/* The descriptor of this endpoint, an eventfd made at the first call.  It is
 * readable while a try_recv (a try_send) would not answer WOULD_BLOCK: an end,
 * a break and the closing of the endpoint by weir_receiver_close count too.
 * It may be readable for a moment in which the operation would block, while
 * other threads are at work; it is never left unreadable when it would not.
 * Closed by weir_receiver_free (weir_sender_free), not by close; where another
 * thread is just changing its level, by that one before its call returns.
 *
 * Returns the descriptor, 0 and up, or:
 *   INVALID_ARGUMENT  a NULL endpoint, or a timer's (give its deadline to poll)
 *   CLOSED_RESOURCE   the endpoint is closed
 *   NO_MEMORY         out of memory, or of descriptors (EMFILE, ENFILE)
 * A channel that never asks for one pays nothing.  One that has one makes a
 * system call when the answer changes, and none while it stays.
 */
WEIR_API WEIR_NODISCARD int weir_receiver_fd(weir_receiver *rx);
WEIR_API WEIR_NODISCARD int weir_sender_fd(weir_sender *tx);

WEIR_END_DECLS

#endif
