/* SPDX-License-Identifier: MIT */
/* hooks.c - what the compiler calls at each access of the library, which is
 * compiled for ThreadSanitizer but linked to the checker in place of its
 * run-time library.  Variables that no other thread can see are left out by the
 * compiler.
 */
#include "checker.h"
#include "engine.h"

#include <stdatomic.h>

const void *current_pc;

#define CALLER __builtin_return_address(0)

/* -- Plain accesses ------------------------------------------------------ */

#define PLAIN(size)                                                            \
	void __tsan_read##size(void *address);                                 \
	void __tsan_read##size(void *address)                                  \
	{                                                                      \
		races_access((uintptr_t)address, size, READS, CALLER);         \
	}                                                                      \
	void __tsan_write##size(void *address);                                \
	void __tsan_write##size(void *address)                                 \
	{                                                                      \
		races_access((uintptr_t)address, size, WRITES, CALLER);        \
	}                                                                      \
	void __tsan_unaligned_read##size(void *address);                       \
	void __tsan_unaligned_read##size(void *address)                        \
	{                                                                      \
		races_access((uintptr_t)address, size, READS, CALLER);         \
	}                                                                      \
	void __tsan_unaligned_write##size(void *address);                      \
	void __tsan_unaligned_write##size(void *address)                       \
	{                                                                      \
		races_access((uintptr_t)address, size, WRITES, CALLER);        \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, unsigned long size);
void __tsan_read_range(void *address, unsigned long size)
{
	races_access((uintptr_t)address, size, READS, CALLER);
}

void __tsan_write_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size)
{
	races_access((uintptr_t)address, size, WRITES, CALLER);
}

/* -- Functions ----------------------------------------------------------- */

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
}

/* Its caller keeps frame pointers: from our frame up to where it will return,
 * that is what it leaves. */
void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
	uintptr_t low = (uintptr_t)__builtin_frame_address(0) + 16;
	uintptr_t high = *(uintptr_t *)__builtin_frame_address(0);

	races_leave_frame(low, high, CALLER);
}

/* -- Atomics ------------------------------------------------------------- */

static bool put(uint64_t *value, const void *argument)
{
	*value = *(const uint64_t *)argument;
	return true;
}

static bool add(uint64_t *value, const void *argument)
{
	*value += *(const uint64_t *)argument;
	return true;
}

static bool subtract(uint64_t *value, const void *argument)
{
	*value -= *(const uint64_t *)argument;
	return true;
}

static bool set_bits(uint64_t *value, const void *argument)
{
	*value |= *(const uint64_t *)argument;
	return true;
}

static bool keep_bits(uint64_t *value, const void *argument)
{
	*value &= *(const uint64_t *)argument;
	return true;
}

struct swap {
	uint64_t expected;
	uint64_t wanted;
};

static bool swap_if_equal(uint64_t *value, const void *argument)
{
	const struct swap *swap = argument;
	bool equal = *value == swap->expected;

	if (equal)
		*value = swap->wanted;
	return equal;
}

#define MODIFY(bits, name, change, verb)                                       \
	uint##bits##_t __tsan_atomic##bits##_##name(                           \
		volatile uint##bits##_t *address, uint##bits##_t operand,      \
		int order);                                                    \
	uint##bits##_t __tsan_atomic##bits##_##name(                           \
		volatile uint##bits##_t *address, uint##bits##_t operand,      \
		int order)                                                     \
	{                                                                      \
		uint64_t wide = operand;                                       \
		bool changed;                                                  \
                                                                               \
		current_pc = CALLER;                                           \
		return (uint##bits##_t)memory_modify(address, bits / 8, order, \
			order, change, &wide, &changed, verb);                 \
	}

#define COMPARE(bits, name)                                                    \
	int __tsan_atomic##bits##_##name(volatile uint##bits##_t *address,     \
		uint##bits##_t *expected, uint##bits##_t wanted, int order,    \
		int failure_order);                                            \
	int __tsan_atomic##bits##_##name(volatile uint##bits##_t *address,     \
		uint##bits##_t *expected, uint##bits##_t wanted, int order,    \
		int failure_order)                                             \
	{                                                                      \
		struct swap swap = {*expected, wanted};                        \
		bool changed;                                                  \
                                                                               \
		current_pc = CALLER;                                           \
		*expected = (uint##bits##_t)memory_modify(address, bits / 8,   \
			order, failure_order, swap_if_equal, &swap, &changed,  \
			"cas");                                                \
		return changed;                                                \
	}

#define ATOMICS(bits)                                                          \
	uint##bits##_t __tsan_atomic##bits##_load(                             \
		const volatile uint##bits##_t *address, int order);            \
	uint##bits##_t __tsan_atomic##bits##_load(                             \
		const volatile uint##bits##_t *address, int order)             \
	{                                                                      \
		current_pc = CALLER;                                           \
		return (uint##bits##_t)memory_load(address, bits / 8, order);  \
	}                                                                      \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address,     \
		uint##bits##_t value, int order);                              \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *address,     \
		uint##bits##_t value, int order)                               \
	{                                                                      \
		current_pc = CALLER;                                           \
		memory_store(address, bits / 8, value, order);                 \
	}                                                                      \
	MODIFY(bits, exchange, put, "exchange")                                \
	MODIFY(bits, fetch_add, add, "add")                                    \
	MODIFY(bits, fetch_sub, subtract, "sub")                               \
	MODIFY(bits, fetch_or, set_bits, "or")                                 \
	MODIFY(bits, fetch_and, keep_bits, "and")                              \
	COMPARE(bits, compare_exchange_strong)                                 \
	COMPARE(bits, compare_exchange_weak)

ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	current_pc = CALLER;
	memory_fence(order);
}

/* What reader.h and reclaim.c tell of grace periods; locks.c knows. */
void __tsan_acquire(void *address);
void __tsan_acquire(void *address)
{
	(void)address;
}

void __tsan_release(void *address);
void __tsan_release(void *address)
{
	(void)address;
}

/* For the compiler alone. */
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

uint32_t shared_get(const uint32_t *word)
{
	current_pc = CALLER;
	return (uint32_t)memory_load(word, sizeof *word, memory_order_relaxed);
}

void shared_set(uint32_t *word, uint32_t value)
{
	current_pc = CALLER;
	memory_store(word, sizeof *word, value, memory_order_relaxed);
}

uint32_t shared_get_seq_cst(const uint32_t *word)
{
	current_pc = CALLER;
	return (uint32_t)memory_load(word, sizeof *word, memory_order_seq_cst);
}

void shared_set_seq_cst(uint32_t *word, uint32_t value)
{
	current_pc = CALLER;
	memory_store(word, sizeof *word, value, memory_order_seq_cst);
}
