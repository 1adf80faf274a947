/* SPDX-License-Identifier: MIT */
/* recv.c - the calls that receive.  What they do is in transfer.h and
 * transfer.c; here is which of them waits, and until when. */
#include <weir/scope.h>

#include "clock.h"
#include "transfer.h"

int weir_recv(weir_receiver *rx, void *element)
{
	return wi_transfer_one(
		wi_receiver_end(rx), RECEIVING, element, &wi_wait_forever);
}

int weir_try_recv(weir_receiver *rx, void *element)
{
	return wi_transfer_one(
		wi_receiver_end(rx), RECEIVING, element, &wi_never_wait);
}

int weir_recv_until(weir_receiver *rx, void *element, int64_t deadline)
{
	return wi_transfer_one(wi_receiver_end(rx), RECEIVING, element,
		&(struct terms){MAY_WAIT, deadline});
}

int weir_recv_for(weir_receiver *rx, void *element, int64_t timeout)
{
	return wi_transfer_one(wi_receiver_end(rx), RECEIVING, element,
		&(struct terms){MAY_WAIT, wi_deadline_after(timeout)});
}

int weir_recv_many(
	weir_receiver *rx, void *elements, size_t count, size_t *received)
{
	return wi_transfer_many(wi_receiver_end(rx), RECEIVING, elements, count,
		received, MAY_WAIT, WEIR_FOREVER);
}

int weir_try_recv_many(
	weir_receiver *rx, void *elements, size_t count, size_t *received)
{
	return wi_transfer_many(wi_receiver_end(rx), RECEIVING, elements, count,
		received, NEVER_WAIT, 0);
}

int weir_recv_many_until(weir_receiver *rx, void *elements, size_t count,
	size_t *received, int64_t deadline)
{
	return wi_transfer_many(wi_receiver_end(rx), RECEIVING, elements, count,
		received, MAY_WAIT, deadline);
}

int weir_recv_many_for(weir_receiver *rx, void *elements, size_t count,
	size_t *received, int64_t timeout)
{
	return wi_transfer_many(wi_receiver_end(rx), RECEIVING, elements, count,
		received, MAY_WAIT, wi_deadline_after(timeout));
}

int weir_recv_sized(weir_receiver *rx, void *element, size_t size)
{
	if (rx != NULL && rx->end.channel->queue.element_size != size)
		return WEIR_INVALID_ARGUMENT;
	return weir_recv(rx, element);
}
