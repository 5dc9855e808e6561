/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record store: key -> body, in insertion order, with cursors that
 * survive any change and a digest that does not depend on order.
 */
#ifndef L2TPHA_HA_STORE_H
#define L2TPHA_HA_STORE_H

#include "ha/ha.h"

struct ha_record {
	struct ha_record *prev, *next;	/* insertion order; an update keeps the place */
	struct ha_key key;
	uint32_t len;
	uint32_t batch, batch_index;	/* the open batch that already names it (log.c) */
	uint64_t hash;			/* of key and body, what it adds to the digest */
	uint8_t body[];
};
struct ha_store;
struct ha_cursor {
	struct ha_store *store;
	struct ha_cursor *link;
	struct ha_record *at;		/* the next one to hand out */
};

struct ha_store *ha_store_new(void);	/* NULL: out of memory */
void ha_store_free(struct ha_store *store);	/* its cursors go dead */
struct ha_record *ha_store_find(const struct ha_store *store, struct ha_key key);
/* 1: new or changed; 0: equal bytes were there; -ENOMEM.  *out is the record. */
int ha_store_put(struct ha_store *store, struct ha_key key, const void *body, size_t len,
		 struct ha_record **out);
bool ha_store_del(struct ha_store *store, struct ha_key key);	/* false: was not there */
uint32_t ha_store_count(const struct ha_store *store);
uint64_t ha_store_digest(const struct ha_store *store);
const struct ha_record *ha_store_first(const struct ha_store *store);

void ha_cursor_open(struct ha_cursor *cursor, struct ha_store *store);
/* NULL at the end.  A record added later is still visited: it goes to the tail. */
struct ha_record *ha_cursor_next(struct ha_cursor *cursor);
void ha_cursor_close(struct ha_cursor *cursor);

#endif
