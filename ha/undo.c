// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a batch of the active has changed in the store of the standby, until
 * its last frame has said what the store has to be then.  If it is not that,
 * or the rest never comes, the batch is taken back: a batch is applied whole
 * or not at all.  Called by follow.c only, and only for the live store; a
 * shadow is thrown away instead.
 *
 * Bodies that were replaced or deleted are copied one behind the other into
 * one block, which is kept for the next batch.
 */
#include "ha/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_OCTETS (1u << 20)		/* a block beyond this is given back */

static bool room(void **p, size_t *size, size_t want, size_t least)
{
	size_t more = *size ? *size : least;
	void *grown;

	if (want <= *size)
		return true;
	while (more < want)
		more *= 2;
	grown = realloc(*p, more);
	if (!grown)
		return false;
	*p = grown;
	*size = more;
	return true;
}

int ha_undo_note(struct ha_undo *undo, const struct ha_record *old, struct ha_key key, uint32_t index)
{
	size_t octets = undo->size * sizeof(*undo->items);
	void *items = undo->items;

	if (!room(&items, &octets, (undo->count + 1) * sizeof(*undo->items), 64 * sizeof(*undo->items)))
		return -ENOMEM;
	undo->items = items;
	undo->size = octets / sizeof(*undo->items);
	items = undo->data;
	if (old && !room(&items, &undo->data_size, undo->data_len + old->len, 4096))
		return -ENOMEM;
	undo->data = items;
	undo->items[undo->count] = (struct ha_undo_item){ key, index, old ? undo->data_len : SIZE_MAX, old ? old->len : 0 };
	if (old && old->len) {
		memcpy(undo->data + undo->data_len, old->body, old->len);
		undo->data_len += old->len;
	}
	undo->count++;
	return 0;
}

void ha_undo_forget(struct ha_undo *undo)
{
	undo->count = 0;
	undo->data_len = 0;
	if (undo->data_size > KEEP_OCTETS)
		ha_undo_free(undo);
}

void ha_undo_back(struct ha *ha, struct ha_undo *undo)
{
	while (undo->count) {
		const struct ha_undo_item *item = &undo->items[--undo->count];
		bool del = item->at == SIZE_MAX;

		if (del)
			ha_store_del(ha->store, item->key);
		else if (ha_store_put(ha->store, item->key, item->len ? undo->data + item->at : NULL, item->len,
				      NULL) < 0)
			ha->log.id = 0;	/* out of memory: nobody may go on from this */
		ha_keep_record(ha, item->key, del);
	}
	ha_undo_forget(undo);
}

void ha_undo_free(struct ha_undo *undo)
{
	free(undo->items);
	free(undo->data);
	memset(undo, 0, sizeof(*undo));
}
