/* SPDX-License-Identifier: MIT */
/* atomic.h - C11 atomics with the ordering in the name; there is no other way
 * to an atomic in this library, and no fence but those of fence.h.
 *
 * An atomic lives in a struct, so that it cannot be touched by accident with
 * an operator.  A checker that explores interleavings replaces this file.
 *
 * How to say why: each ordered operation names its edge in brackets, as in
 * `[filled]`, and the same name stands at its partner; each relaxed one says
 * why that is enough.
 */
#ifndef WI_ATOMIC_H
#define WI_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "perturb.h"

struct atomic_u32 {
	_Atomic(uint32_t) value;
};

struct atomic_u64 {
	_Atomic(uint64_t) value;
};

struct atomic_ptr {
	_Atomic(void *) value;
};

/* Before anybody else can see it. */
#define init_atomic(a, v) atomic_init(&(a)->value, (v))

#define WI_LOAD(a, order)                                                      \
	(schedule_point(), atomic_load_explicit(&(a)->value, order))
#define WI_STORE(a, v, order)                                                  \
	(schedule_point(), atomic_store_explicit(&(a)->value, (v), order))
#define WI_RMW(operation, a, v, order)                                         \
	(schedule_point(), operation(&(a)->value, (v), order))
/* On failure *expected becomes what is there, with the failure ordering. */
#define WI_CAS(a, expected, v, success, failure)                               \
	(schedule_point(),                                                     \
		atomic_compare_exchange_strong_explicit(                       \
			&(a)->value, (expected), (v), success, failure))

#define load_relaxed(a) WI_LOAD(a, memory_order_relaxed)
#define load_acquire(a) WI_LOAD(a, memory_order_acquire)
#define load_seq_cst(a) WI_LOAD(a, memory_order_seq_cst)

#define store_relaxed(a, v) WI_STORE(a, v, memory_order_relaxed)
#define store_release(a, v) WI_STORE(a, v, memory_order_release)

#define exchange_acq_rel(a, v)                                                 \
	WI_RMW(atomic_exchange_explicit, a, v, memory_order_acq_rel)
#define exchange_seq_cst(a, v)                                                 \
	WI_RMW(atomic_exchange_explicit, a, v, memory_order_seq_cst)

#define fetch_add_relaxed(a, v)                                                \
	WI_RMW(atomic_fetch_add_explicit, a, v, memory_order_relaxed)
#define fetch_add_seq_cst(a, v)                                                \
	WI_RMW(atomic_fetch_add_explicit, a, v, memory_order_seq_cst)
#define fetch_sub_acq_rel(a, v)                                                \
	WI_RMW(atomic_fetch_sub_explicit, a, v, memory_order_acq_rel)
#define fetch_or_relaxed(a, v)                                                 \
	WI_RMW(atomic_fetch_or_explicit, a, v, memory_order_relaxed)
#define fetch_or_acq_rel(a, v)                                                 \
	WI_RMW(atomic_fetch_or_explicit, a, v, memory_order_acq_rel)
#define fetch_or_seq_cst(a, v)                                                 \
	WI_RMW(atomic_fetch_or_explicit, a, v, memory_order_seq_cst)
#define fetch_and_acq_rel(a, v)                                                \
	WI_RMW(atomic_fetch_and_explicit, a, v, memory_order_acq_rel)

/* Failure acquires too: whoever fails goes on with what it found. */
#define cas_relaxed(a, expected, v)                                            \
	WI_CAS(a, expected, v, memory_order_relaxed, memory_order_relaxed)
#define cas_acq_rel(a, expected, v)                                            \
	WI_CAS(a, expected, v, memory_order_acq_rel, memory_order_acquire)
#define cas_seq_cst(a, expected, v)                                            \
	WI_CAS(a, expected, v, memory_order_seq_cst, memory_order_acquire)

#endif
