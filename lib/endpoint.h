/* SPDX-License-Identifier: MIT */
/* endpoint.h - endpoints that the public headers do not open. */
#ifndef WI_ENDPOINT_H
#define WI_ENDPOINT_H

#include "channel.h"

/* The first receiver of a channel whose only sender is the library.  0, or
 * WEIR_NO_MEMORY, with the channel destroyed. */
int wi_open_receiver(struct channel *channel, weir_receiver **rx);

#endif
