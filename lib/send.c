/* SPDX-License-Identifier: MIT */
/* send.c - the eight calls that send.  What they do is in transfer.h and
 * transfer.c; here is which of them waits, and until when. */
#include <weir/channel.h>

#include "clock.h"
#include "element.h"
#include "transfer.h"

int weir_send(weir_sender *tx, const void *element)
{
	return wi_transfer_one(wi_sender_end(tx), SENDING, wi_readable(element),
		&wi_wait_forever);
}

int weir_try_send(weir_sender *tx, const void *element)
{
	return wi_transfer_one(wi_sender_end(tx), SENDING, wi_readable(element),
		&wi_never_wait);
}

int weir_send_until(weir_sender *tx, const void *element, int64_t deadline)
{
	return wi_transfer_one(wi_sender_end(tx), SENDING, wi_readable(element),
		&(struct terms){MAY_WAIT, deadline});
}

int weir_send_for(weir_sender *tx, const void *element, int64_t timeout)
{
	return wi_transfer_one(wi_sender_end(tx), SENDING, wi_readable(element),
		&(struct terms){MAY_WAIT, wi_deadline_after(timeout)});
}

int weir_send_many(
	weir_sender *tx, const void *elements, size_t count, size_t *sent)
{
	return wi_transfer_many(wi_sender_end(tx), SENDING,
		wi_readable(elements), count, sent, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_send_many(
	weir_sender *tx, const void *elements, size_t count, size_t *sent)
{
	return wi_transfer_many(wi_sender_end(tx), SENDING,
		wi_readable(elements), count, sent, NEVER_WAIT, 0);
}

int weir_send_many_until(weir_sender *tx, const void *elements, size_t count,
	size_t *sent, int64_t deadline)
{
	return wi_transfer_many(wi_sender_end(tx), SENDING,
		wi_readable(elements), count, sent, MAY_WAIT, deadline);
}

int weir_send_many_for(weir_sender *tx, const void *elements, size_t count,
	size_t *sent, int64_t timeout)
{
	return wi_transfer_many(wi_sender_end(tx), SENDING,
		wi_readable(elements), count, sent, MAY_WAIT,
		wi_deadline_after(timeout));
}
