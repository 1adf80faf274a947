/* SPDX-License-Identifier: MIT */
/* timer.c - channels whose sender is the clock. */
#include <weir/timer.h>

#include "endpoint.h"

/* In nanoseconds from now; WEIR_FOREVER if that is beyond the clock. */
static int64_t from_now(int64_t ns)
{
	int64_t now = weir_now();
	int64_t when;

	if (ns == WEIR_FOREVER)
		return WEIR_FOREVER;
	return __builtin_add_overflow(now, ns > 0 ? ns : 0, &when)
		       ? WEIR_FOREVER
		       : when;
}

static int open_timer(const struct schedule *schedule, weir_receiver **rx)
{
	weir_options options = WEIR_OPTIONS_INIT;
	struct channel *channel;

	if (rx == NULL)
		return WEIR_INVALID_ARGUMENT;
	options.element_size = sizeof(int64_t);
	if (wi_channel_create(&options, schedule, &channel) != 0)
		return WEIR_NO_MEMORY;
	return wi_open_receiver(channel, rx);
}

int weir_at(int64_t deadline, weir_receiver **rx)
{
	return open_timer(&(struct schedule){deadline, 0}, rx);
}

int weir_after(int64_t ns, weir_receiver **rx)
{
	return weir_at(from_now(ns), rx);
}

int weir_tick(int64_t ns, weir_receiver **rx)
{
	if (ns <= 0)
		return WEIR_INVALID_ARGUMENT;
	return open_timer(&(struct schedule){from_now(ns), ns}, rx);
}

int weir_never(weir_receiver **rx)
{
	return open_timer(NULL, rx);
}
