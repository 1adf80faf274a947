/* SPDX-License-Identifier: MIT */
/* typed.h - channels of one C type, checked by the compiler.
 *
 *	WEIR_TYPED(jobs, struct job)
 *
 *	jobs_sender *tx;
 *	jobs_receiver *rx;
 *	jobs_open(64, &tx, &rx);
 *	jobs_send(tx, &job);            // a pointer to anything else: no
 *	WEIR_TYPED_FOR_EACH(jobs, rx, job) { ... }
 *
 * Each function is the call of the same name in channel.h, inlined to nothing
 * else.  For the calls that are not repeated here, `jobs_tx(tx)` and
 * `jobs_rx(rx)` give the plain endpoints.
 */
#ifndef WEIR_TYPED_H
#define WEIR_TYPED_H

#include <weir/channel.h>

/* clang-format off */
#define WEIR_TYPED(prefix, type)                                               \
typedef type prefix##_element;                                                 \
typedef struct prefix##_sender prefix##_sender;                                \
typedef struct prefix##_receiver prefix##_receiver;                            \
WEIR_TYPED_INLINE weir_sender *prefix##_tx(const prefix##_sender *tx)          \
{                                                                              \
	return (weir_sender *)(uintptr_t)tx;                                   \
}                                                                              \
WEIR_TYPED_INLINE weir_receiver *prefix##_rx(const prefix##_receiver *rx)      \
{                                                                              \
	return (weir_receiver *)(uintptr_t)rx;                                 \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_open_with(                       \
	const weir_options *options, prefix##_sender **tx,                     \
	prefix##_receiver **rx)                                                \
{                                                                              \
	weir_sender *plain_tx = NULL;                                          \
	weir_receiver *plain_rx = NULL;                                        \
	if (options == NULL || tx == NULL || rx == NULL)                       \
		return WEIR_INVALID_ARGUMENT;                                  \
	weir_options typed = *options;                                         \
	typed.element_size = sizeof(type);                                     \
	int status = weir_open_with(&typed, &plain_tx, &plain_rx);             \
	if (status == WEIR_OK) {                                               \
		*tx = (prefix##_sender *)(void *)plain_tx;                     \
		*rx = (prefix##_receiver *)(void *)plain_rx;                   \
	}                                                                      \
	return status;                                                         \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_open(                            \
	size_t capacity, prefix##_sender **tx, prefix##_receiver **rx)         \
{                                                                              \
	weir_options options = WEIR_OPTIONS_INIT;                              \
	options.capacity = capacity;                                           \
	return prefix##_open_with(&options, tx, rx);                           \
}                                                                              \
WEIR_TYPED_SIDE_(prefix, sender, tx)                                           \
WEIR_TYPED_SIDE_(prefix, receiver, rx)                                         \
WEIR_TYPED_CALLS_(prefix, sender, tx, send, type const, sent)                  \
WEIR_TYPED_CALLS_(prefix, receiver, rx, recv, type, received)                  \
typedef type prefix##_element

/* clone, close, free, scope_end: the same for both sides. */
#define WEIR_TYPED_SIDE_(prefix, side, end)                                    \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##side##_clone(                  \
	prefix##_##side *end, prefix##_##side **clone)                         \
{                                                                              \
	weir_##side *plain = NULL;                                             \
	if (clone == NULL)                                                     \
		return WEIR_INVALID_ARGUMENT;                                  \
	int status = weir_##side##_clone(prefix##_##end(end), &plain);         \
	if (status == WEIR_OK)                                                 \
		*clone = (prefix##_##side *)(void *)plain;                     \
	return status;                                                         \
}                                                                              \
WEIR_TYPED_INLINE void prefix##_##side##_close(prefix##_##side *end)           \
{                                                                              \
	weir_##side##_close(prefix##_##end(end));                              \
}                                                                              \
WEIR_TYPED_INLINE void prefix##_##side##_free(prefix##_##side *end)            \
{                                                                              \
	weir_##side##_free(prefix##_##end(end));                               \
}                                                                              \
WEIR_TYPED_INLINE void prefix##_##side##_scope_end(prefix##_##side **end)      \
{                                                                              \
	weir_##side##_free(prefix##_##end(*end));                              \
}

/* The eight calls of one direction. */
#define WEIR_TYPED_CALLS_(prefix, side, end, verb, type, count_out)            \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb(                          \
	prefix##_##side *end, type *element)                                   \
{                                                                              \
	return weir_##verb(prefix##_##end(end), element);                      \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_try_##verb(                      \
	prefix##_##side *end, type *element)                                   \
{                                                                              \
	return weir_try_##verb(prefix##_##end(end), element);                  \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb##_until(                  \
	prefix##_##side *end, type *element, int64_t deadline_ns)              \
{                                                                              \
	return weir_##verb##_until(                                            \
		prefix##_##end(end), element, deadline_ns);                    \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb##_for(                    \
	prefix##_##side *end, type *element, int64_t timeout_ns)               \
{                                                                              \
	return weir_##verb##_for(prefix##_##end(end), element, timeout_ns);    \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb##_many(                   \
	prefix##_##side *end, type *elements, size_t count,                    \
	size_t *count_out)                                                     \
{                                                                              \
	return weir_##verb##_many(                                             \
		prefix##_##end(end), elements, count, count_out);              \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_try_##verb##_many(               \
	prefix##_##side *end, type *elements, size_t count,                    \
	size_t *count_out)                                                     \
{                                                                              \
	return weir_try_##verb##_many(                                         \
		prefix##_##end(end), elements, count, count_out);              \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb##_many_until(             \
	prefix##_##side *end, type *elements, size_t count,                    \
	size_t *count_out, int64_t deadline_ns)                                \
{                                                                              \
	return weir_##verb##_many_until(prefix##_##end(end), elements,         \
		count, count_out, deadline_ns);                                \
}                                                                              \
WEIR_TYPED_INLINE WEIR_NODISCARD int prefix##_##verb##_many_for(               \
	prefix##_##side *end, type *elements, size_t count,                    \
	size_t *count_out, int64_t timeout_ns)                                 \
{                                                                              \
	return weir_##verb##_many_for(prefix##_##end(end), elements,           \
		count, count_out, timeout_ns);                                 \
}

#define WEIR_TYPED_INLINE __attribute__((unused)) static inline

/* As WEIR_FOR_EACH, over a channel made by WEIR_TYPED(prefix, ...). */
#define WEIR_TYPED_FOR_EACH(prefix, rx, item)                                  \
	for (prefix##_receiver *weir_rx_of_##item = (rx);                      \
		weir_rx_of_##item != NULL; weir_rx_of_##item = NULL)           \
		for (prefix##_element item;                                    \
			prefix##_recv(weir_rx_of_##item, &(item)) == WEIR_OK;)
/* clang-format on */

#endif
