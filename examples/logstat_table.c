/* SPDX-License-Identifier: MIT */
/* logstat_table.c - a hash table of counts, with open addressing; keys are
 * copied into chunks, which are freed all at once. */
#include <stdlib.h>
#include <string.h>

#include "logstat.h"

enum { FIRST_CAPACITY = 1024, CHUNK_SIZE = 64 * 1024 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct table {
	struct entry *entries;
	size_t count, capacity; /* a power of two, at most half full */
	struct chunk *chunks;
};

struct table *table_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->capacity = FIRST_CAPACITY;
	table->entries = calloc(table->capacity, sizeof(*table->entries));
	if (table->entries == NULL) {
		free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	while (table->chunks != NULL) {
		struct chunk *chunk = table->chunks;

		table->chunks = chunk->next;
		free(chunk);
	}
	free(table->entries);
	free(table);
}

/* FNV-1a, with the high bits folded in, as only the low ones choose a place. */
static uint64_t hash_of(const char *key, size_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)key[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

/* Where the key is, or where it would go. */
static struct entry *find(
	const struct table *table, uint64_t hash, const char *key, size_t size)
{
	for (size_t i = (size_t)hash;; i++) {
		struct entry *entry =
			&table->entries[i & (table->capacity - 1)];

		if (entry->count == 0 ||
			(entry->hash == hash && entry->size == size &&
				memcmp(entry->key, key, size) == 0))
			return entry;
	}
}

static bool grow(struct table *table)
{
	struct table larger = *table;

	larger.capacity *= 2;
	larger.entries = calloc(larger.capacity, sizeof(*larger.entries));
	if (larger.entries == NULL)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		const struct entry *entry = &table->entries[i];

		if (entry->count > 0)
			*find(&larger, entry->hash, entry->key, entry->size) =
				*entry;
	}
	free(table->entries);
	*table = larger;
	return true;
}

/* NULL: no memory. */
static char *copy_key(struct table *table, const char *key, size_t size)
{
	struct chunk *chunk = table->chunks;
	char *copy;

	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = malloc(sizeof(*chunk) + room);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct chunk){.next = table->chunks, .size = room};
		table->chunks = chunk;
	}
	copy = chunk->bytes + chunk->used;
	memcpy(copy, key, size);
	chunk->used += size;
	return copy;
}

static bool add(struct table *table, uint64_t hash, const char *key,
	size_t size, uint64_t times)
{
	struct entry *entry = find(table, hash, key, size);

	if (entry->count == 0) {
		if (2 * (table->count + 1) > table->capacity) {
			if (!grow(table))
				return false;
			entry = find(table, hash, key, size);
		}
		entry->key = copy_key(table, key, size);
		if (entry->key == NULL)
			return false;
		entry->hash = hash;
		entry->size = size;
		table->count++;
	}
	entry->count += times;
	return true;
}

bool table_add(struct table *table, const char *key, size_t size)
{
	return add(table, hash_of(key, size), key, size, 1);
}

bool table_merge(struct table *into, const struct table *from)
{
	for (size_t i = 0; i < from->capacity; i++) {
		const struct entry *entry = &from->entries[i];

		if (entry->count > 0 && !add(into, entry->hash, entry->key,
						entry->size, entry->count))
			return false;
	}
	return true;
}

static int by_count_and_key_downwards(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	size_t common = left->size < right->size ? left->size : right->size;
	int order;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	order = memcmp(right->key, left->key, common);
	if (order != 0)
		return order;
	return (left->size < right->size) - (left->size > right->size);
}

const struct entry *table_sort(struct table *table, size_t *count)
{
	size_t filled = 0;

	for (size_t i = 0; i < table->capacity; i++)
		if (table->entries[i].count > 0)
			table->entries[filled++] = table->entries[i];
	qsort(table->entries, filled, sizeof(*table->entries),
		by_count_and_key_downwards);
	*count = filled;
	return table->entries;
}
