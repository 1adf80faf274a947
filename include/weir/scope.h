/* SPDX-License-Identifier: MIT */
/* scope.h - endpoints that free themselves, and a loop over a channel.
 *
 *	void worker(weir_receiver *shared)
 *	{
 *		WEIR_RECEIVER_SCOPED weir_receiver *rx = NULL;
 *		if (weir_receiver_clone(shared, &rx) != WEIR_OK)
 *			return;
 *		WEIR_FOR_EACH(rx, struct job, job) {
 *			if (job.last)
 *				break;
 *		}
 *	}               // rx is freed here, however the block is left
 */
#ifndef WEIR_SCOPE_H
#define WEIR_SCOPE_H

#include <weir/channel.h>

/* Before a declaration of an endpoint, which must be initialised (NULL will
 * do): frees it on any way out of the block but longjmp and exit. */
#define WEIR_SENDER_SCOPED __attribute__((cleanup(weir_sender_scope_end)))
#define WEIR_RECEIVER_SCOPED __attribute__((cleanup(weir_receiver_scope_end)))

/* Run the block that follows for each element of type `type`, received into
 * the variable `item`, until the channel ends (or rx is closed).  `break` and
 * `continue` work; rx is evaluated once.  If sizeof(type) is not the channel's
 * element size the block never runs. */
#define WEIR_FOR_EACH(rx, type, item)                                          \
	for (weir_receiver *weir_rx_of_##item = (rx);                          \
		weir_rx_of_##item != NULL; weir_rx_of_##item = NULL)           \
		for (type item; weir_recv_sized(weir_rx_of_##item, &(item),    \
					sizeof(item)) == WEIR_OK;)

WEIR_BEGIN_DECLS

/* What the macros call; for other languages' bindings as well. */
WEIR_API void weir_sender_scope_end(weir_sender **tx);
WEIR_API void weir_receiver_scope_end(weir_receiver **rx);

/* weir_recv that first makes sure that elements are `size` bytes, and is
 * INVALID_ARGUMENT if not. */
WEIR_API WEIR_NODISCARD int weir_recv_sized(
	weir_receiver *rx, void *element, size_t size);

WEIR_END_DECLS

#endif
