/* SPDX-License-Identifier: MIT */
/* in_place.h - a place in hand becomes an element. */
#ifndef WI_IN_PLACE_H
#define WI_IN_PLACE_H

#include "channel.h"

/* Publish it; if the last receiver has closed meanwhile, drop it. */
void wi_place_commit(struct channel *channel, void *place);

#endif
