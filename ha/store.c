// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record store.  One block per record (links, key, body), an open
 * addressing table of pointers to them, and a list in insertion order.
 * Called by log.c and commit.c on the active, follow.c on the standby.
 * The hash stands beside the pointer: a probe that is not a hit does not
 * touch the record, which in a large store is never in the cache.
 *
 * A snapshot walks the list with a cursor while live commits change the
 * store: deleting or moving a record repairs the cursors that point at it.
 * The digest is the sum over all records of a 64-bit hash of key and body, so
 * it is kept up to date by one addition or subtraction per change and is
 * equal on two nodes that hold the same records, in whatever order they came.
 */
#include "ha/store.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MIN 64

struct slot {
	struct ha_record *record;	/* NULL: free */
	uint32_t hash;			/* of its key */
};
struct ha_store {
	struct slot *slots;		/* power of two, at most half full */
	uint32_t mask, count;
	struct ha_record *first, *last;
	uint64_t digest;
	struct ha_cursor *cursors;
};

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9fb21c651e98df25u;
	return h ^ h >> 29;
}

static uint64_t key_word(struct ha_key key)
{
	return (uint64_t)key.type << 48 | (uint64_t)key.a << 32 | (uint64_t)key.b << 16 | key.c;
}

static uint64_t record_hash(const struct ha_record *record)
{
	uint64_t h = mix(mix(0x6c327470, key_word(record->key)), record->len), word;
	size_t i;

	for (i = 0; i + 8 <= record->len; i += 8) {
		memcpy(&word, record->body + i, 8);
		h = mix(h, le64toh(word));
	}
	word = 0;
	memcpy(&word, record->body + i, record->len - i);
	return mix(h, le64toh(word));
}

/*
 * Eight successive numbers stand side by side: the messages of a tunnel come
 * and go in order, and would else each begin with two lines of memory that are
 * in no cache.  Session IDs are as good as random in all their bits.
 */
static uint32_t key_hash(struct ha_key key)
{
	struct ha_key block = key;

	block.b &= (uint16_t)~7u;
	return ((uint32_t)(mix(0, key_word(block)) >> 20) & ~7u) | (key.b & 7u);
}

struct ha_store *ha_store_new(void)
{
	struct ha_store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->slots = calloc(TABLE_MIN, sizeof(*store->slots));
	if (!store->slots) {
		free(store);
		return NULL;
	}
	store->mask = TABLE_MIN - 1;
	return store;
}

void ha_store_free(struct ha_store *store)
{
	struct ha_record *record, *next;
	struct ha_cursor *cursor;

	if (!store)
		return;
	for (cursor = store->cursors; cursor; cursor = cursor->link) {
		cursor->store = NULL;
		cursor->at = NULL;
	}
	for (record = store->first; record; record = next) {
		next = record->next;
		free(record);
	}
	free(store->slots);
	free(store);
}

/* The slot that holds key, or the free one where it would go. */
static uint32_t slot_find(const struct ha_store *store, struct ha_key key, uint32_t hash)
{
	const struct slot *slots = store->slots;
	uint32_t i = hash & store->mask;

	while (slots[i].record && (slots[i].hash != hash || key_word(slots[i].record->key) != key_word(key)))
		i = (i + 1) & store->mask;
	return i;
}

struct ha_record *ha_store_find(const struct ha_store *store, struct ha_key key)
{
	return store->slots[slot_find(store, key, key_hash(key))].record;
}

static int store_grow(struct ha_store *store)
{
	struct slot *old = store->slots, *slots;
	uint32_t size = store->mask + 1, mask = size * 2 - 1, from, to;

	if (store->count < size / 2)
		return 0;
	slots = calloc((size_t)size * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (from = 0; from < size; from++) {
		if (!old[from].record)
			continue;
		for (to = old[from].hash & mask; slots[to].record; to = (to + 1) & mask)
			;
		slots[to] = old[from];
	}
	store->slots = slots;
	store->mask = mask;
	free(old);
	return 0;
}

static void cursors_move(struct ha_store *store, const struct ha_record *from, struct ha_record *to)
{
	struct ha_cursor *cursor;

	for (cursor = store->cursors; cursor; cursor = cursor->link)
		if (cursor->at == from)
			cursor->at = to;
}

/* Neighbours (or the ends) point at record. */
static void list_attach(struct ha_store *store, struct ha_record *record)
{
	*(record->prev ? &record->prev->next : &store->first) = record;
	*(record->next ? &record->next->prev : &store->last) = record;
}

int ha_store_put(struct ha_store *store, struct ha_key key, const void *body, size_t len,
		 struct ha_record **out)
{
	struct ha_record *record, *old;
	uint32_t i, hash = key_hash(key);
	struct ha_cursor *cursor;

	if (store_grow(store))
		return -ENOMEM;
	i = slot_find(store, key, hash);
	old = store->slots[i].record;
	if (out)
		*out = old;
	if (old && old->len == len && (!len || !memcmp(old->body, body, len)))
		return 0;
	record = old && old->len == len ? old : malloc(sizeof(*record) + len);
	if (!record)
		return -ENOMEM;
	if (old) {
		store->digest -= old->hash;
	} else {
		record->key = key;
		record->batch = record->batch_index = 0;
		record->prev = store->last;
		record->next = NULL;
		list_attach(store, record);
		store->count++;
		/* a walk that had just reached the end goes on with this one */
		for (cursor = store->cursors; cursor; cursor = cursor->link)
			if (!cursor->at)
				cursor->at = record;
	}
	if (old && old != record) {
		memcpy(record, old, sizeof(*record));
		list_attach(store, record);
		cursors_move(store, old, record);
		free(old);
	}
	store->slots[i] = (struct slot){ record, hash };
	record->len = (uint32_t)len;
	if (len)
		memcpy(record->body, body, len);
	record->hash = record_hash(record);
	store->digest += record->hash;
	if (out)
		*out = record;
	return 1;
}

bool ha_store_del(struct ha_store *store, struct ha_key key)
{
	uint32_t i = slot_find(store, key, key_hash(key)), hole = i, home;
	struct ha_record *record = store->slots[i].record;

	if (!record)
		return false;
	/* close the hole: move back every follower that is not at home in between */
	for (;;) {
		i = (i + 1) & store->mask;
		if (!store->slots[i].record)
			break;
		home = store->slots[i].hash & store->mask;
		if (((i - home) & store->mask) >= ((i - hole) & store->mask)) {
			store->slots[hole] = store->slots[i];
			hole = i;
		}
	}
	store->slots[hole].record = NULL;
	cursors_move(store, record, record->next);
	*(record->prev ? &record->prev->next : &store->first) = record->next;
	*(record->next ? &record->next->prev : &store->last) = record->prev;
	store->digest -= record->hash;
	store->count--;
	free(record);
	return true;
}

uint32_t ha_store_count(const struct ha_store *store)
{
	return store->count;
}

uint64_t ha_store_digest(const struct ha_store *store)
{
	return store->digest;
}

const struct ha_record *ha_store_first(const struct ha_store *store)
{
	return store->first;
}

void ha_cursor_open(struct ha_cursor *cursor, struct ha_store *store)
{
	cursor->store = store;
	cursor->at = store->first;
	cursor->link = store->cursors;
	store->cursors = cursor;
}

struct ha_record *ha_cursor_next(struct ha_cursor *cursor)
{
	struct ha_record *record = cursor->at;

	if (record)
		cursor->at = record->next;
	return record;
}

void ha_cursor_close(struct ha_cursor *cursor)
{
	struct ha_cursor **p;

	if (!cursor->store)
		return;
	for (p = &cursor->store->cursors; *p; p = &(*p)->link)
		if (*p == cursor) {
			*p = cursor->link;
			break;
		}
	memset(cursor, 0, sizeof(*cursor));
}
