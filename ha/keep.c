// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this node keeps against its own death: every batch goes into the image
 * (ha/image.h) when it is closed, before a frame or an output of it leaves.
 * So what comes back after a kill -9 is what was told to anybody, no less.
 *
 * Owns the two areas, in use and to come; the memory is the shell's.  Called
 * by log.c (batches), follow.c (records of the peer) and roles.c (marks).
 *
 * Entries only ever grow.  When an area is three quarters full the store is
 * copied to a new one, a piece with every commit, while commits go to both;
 * then it replaces the old one in one step.  The same copying, without the
 * old one, puts a snapshot of the peer in place.
 */
#include "ha/core.h"

#include "daemon/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AREA_MIN (1u << 20)
#define COPY_OCTETS (128u << 10)	/* with every commit, at least */
#define COPY_FACTOR 8u			/* x what the commit itself took */
#define ENTRY_GUESS 320u

static void owner_of(const struct ha *ha, struct ha_image_owner *owner)
{
	memcpy(owner->node, ha->config.node, sizeof(owner->node));
	memcpy(owner->group, ha->config.group, sizeof(owner->group));
	memcpy(owner->boot_id, ha->config.boot_id, sizeof(owner->boot_id));
}

/* A state that is not current would come back as if it were: better none. */
static void give_up(struct ha *ha, const char *why)
{
	struct ha_keep *keep = &ha->keep;

	ha_warn(ha, "this node keeps no image of its sessions any more: %s", why);
	ha_image_void(&keep->now);
	ha_cursor_close(&keep->cursor);
	memset(keep, 0, sizeof(*keep));
	keep->failed = true;
}

static void mark_of(const struct ha *ha, struct ha_image_mark *mark)
{
	*mark = (struct ha_image_mark){
		.epoch = ha->epoch, .log_id = ha->log.id, .log_epoch = ha->log.epoch, .seq = ha->log.seq,
		.prev_id = ha->log.prev_id, .prev_end = ha->log.prev_end,
		.count = ha_store_count(ha->store), .local_count = ha_store_count(ha->local),
		.reigning = ha_reigning(ha), .alone = !ha->commit.protecting,
	};
	memcpy(mark->config_digest, ha->config.config_digest, sizeof(mark->config_digest));
}

/* ---- moving to a new area --------------------------------------------------- */

static void move_stop(struct ha_keep *keep)
{
	ha_cursor_close(&keep->cursor);
	keep->next = (struct ha_image){ .base = NULL };
	keep->moving = keep->copying_local = false;
}

static int move_start(struct ha *ha, size_t size)
{
	struct ha_keep *keep = &ha->keep;
	struct ha_image_owner owner;
	uint8_t *base;

	move_stop(keep);
	owner_of(ha, &owner);
	base = ha->ops.image->begin(ha->ops.image->ctx, size, &size);
	if (!base || ha_image_format(&keep->next, base, size, &owner)) {
		give_up(ha, "no memory for it");
		return -ENOMEM;
	}
	ha_cursor_open(&keep->cursor, ha->store);
	keep->moving = true;
	return 0;
}

/* 1: all copied; 0: more to come; -ENOSPC */
static int move_copy(struct ha *ha, size_t octets)
{
	struct ha_keep *keep = &ha->keep;
	size_t until = octets < keep->next.size ? keep->next.at + octets : SIZE_MAX;
	const struct ha_record *record;

	while (keep->next.at < until) {
		record = ha_cursor_next(&keep->cursor);
		if (!record && keep->copying_local)
			return 1;
		if (!record) {
			ha_cursor_close(&keep->cursor);
			ha_cursor_open(&keep->cursor, ha->local);
			keep->copying_local = true;
			continue;
		}
		if (ha_image_record(&keep->next, record->key, keep->copying_local, record->body, record->len))
			return -ENOSPC;
	}
	return 0;
}

static int move_end(struct ha *ha)
{
	struct ha_keep *keep = &ha->keep;
	struct ha_image_mark mark;
	int rc;

	mark_of(ha, &mark);
	rc = ha_image_mark(&keep->next, &mark);
	if (rc)
		return rc;
	if (ha->ops.image->swap(ha->ops.image->ctx)) {
		give_up(ha, "the new one cannot replace the old one");
		return 0;
	}
	keep->now = keep->next;
	keep->behind = false;
	move_stop(keep);
	return 0;
}

static size_t area_size(const struct ha *ha)
{
	const struct ha_image *now = &ha->keep.now;
	uint64_t each = now->entries > 64 ? now->at / now->entries + 32 : ENTRY_GUESS;
	uint64_t live = each * ((uint64_t)ha_store_count(ha->store) + ha_store_count(ha->local));

	return 4 * live < AREA_MIN ? AREA_MIN : (size_t)(4 * live);
}

/* All of it, now: there is none yet, or a batch that the old one cannot take. */
static void rewrite(struct ha *ha)
{
	size_t size = area_size(ha);

	for (;; size *= 2) {
		if (move_start(ha, size))
			return;
		if (move_copy(ha, SIZE_MAX) == 1 && !move_end(ha))
			return;
	}
}

static void move_on(struct ha *ha, size_t octets)
{
	int rc = move_copy(ha, octets);

	if (rc == 1)
		rc = move_end(ha);
	if (rc < 0)
		rewrite(ha);
}

/* ---- what is called --------------------------------------------------------- */

static bool wanted(const struct ha *ha)
{
	return ha->ops.image && !ha->keep.failed;
}

static void record_out(struct ha *ha, struct ha_key key, bool local, const struct ha_record *record)
{
	struct ha_keep *keep = &ha->keep;
	const void *body = record ? record->body : NULL;
	size_t len = record ? record->len : 0;

	if (keep->now.base && !keep->behind && ha_image_record(&keep->now, key, local, body, len))
		keep->full = true;
	if (keep->moving && ha_image_record(&keep->next, key, local, body, len))
		keep->full = true;
}

void ha_keep_record(struct ha *ha, struct ha_key key, bool del)
{
	if (wanted(ha))
		record_out(ha, key, false, del ? NULL : ha_store_find(ha->store, key));
}

void ha_keep_mark(struct ha *ha)
{
	struct ha_keep *keep = &ha->keep;
	struct ha_image_mark mark;
	size_t grown;

	if (!wanted(ha))
		return;
	if (keep->full || (!keep->now.base && !keep->moving)) {
		keep->full = false;
		rewrite(ha);
		return;
	}
	mark_of(ha, &mark);
	if (keep->now.base && !keep->behind && ha_image_mark(&keep->now, &mark)) {
		rewrite(ha);
		return;
	}
	grown = keep->now.at - keep->marked_at;
	keep->marked_at = keep->now.at;
	if (!keep->moving && keep->now.at > keep->now.size / 4 * 3 && move_start(ha, area_size(ha)))
		return;
	if (keep->moving)
		move_on(ha, grown * COPY_FACTOR > COPY_OCTETS ? grown * COPY_FACTOR : COPY_OCTETS);
}

void ha_keep_batch(struct ha *ha)
{
	const struct ha_log *log = &ha->log;
	uint32_t i;

	if (!wanted(ha))
		return;
	for (i = 0; i < log->batch_len; i++) {
		const struct ha_batch_item *item = &log->batch[i];
		const struct ha_record *record = item->del ? NULL :
			ha_store_find(item->local ? ha->local : ha->store, item->key);

		/* put, but deleted since, or deleted and put again: a later item has it */
		if (!item->del && (!record || record->batch != log->batch_no || record->batch_index != i))
			continue;
		record_out(ha, item->key, item->local, record);
	}
	ha_keep_mark(ha);
}

void ha_keep_forget_local(struct ha *ha)
{
	const struct ha_record *record;

	while ((record = ha_store_first(ha->local))) {
		struct ha_key key = record->key;

		ha_store_del(ha->local, key);
		if (wanted(ha))
			record_out(ha, key, true, NULL);
	}
	ha_keep_mark(ha);
}

void ha_keep_swapped(struct ha *ha)
{
	if (!wanted(ha))
		return;
	/* the old one stays what it is, an earlier state of a follower, until this is whole */
	ha->keep.behind = true;
	ha->keep.full = false;
	move_start(ha, area_size(ha));
}

void ha_keep_tick(struct ha *ha)
{
	if (wanted(ha) && ha->keep.moving && ha->keep.behind)
		move_on(ha, COPY_OCTETS);
}

uint64_t ha_keep_deadline(const struct ha *ha)
{
	return ha->keep.moving && ha->keep.behind ? ha->now_ms : HA_NEVER;
}

void ha_keep_free(struct ha *ha)
{
	ha_cursor_close(&ha->keep.cursor);
	memset(&ha->keep, 0, sizeof(ha->keep));
	ha->keep.failed = true;
}

/* ---- coming back ------------------------------------------------------------ */

struct restore {
	struct ha *ha;
	struct ha_store *store, *local;
	uint8_t strange;		/* a type that must be understood and is not */
};

static bool restore_record(void *ctx, struct ha_key key, bool local, const void *body, size_t len)
{
	struct restore *r = ctx;
	struct ha_store *store = local ? r->local : r->store;

	if (!body) {
		ha_store_del(store, key);
		return true;
	}
	if (!ha_hello_type_seen(r->ha, key.type))
		r->strange = key.type;
	return ha_store_put(store, key, body, len, NULL) >= 0;
}

static bool all_fit(const struct ha *ha, const struct ha_store *store, char why[HA_REASON_MAX])
{
	const struct ha_record *record;

	for (record = ha_store_first(store); record; record = record->next)
		if (!ha_hello_key_fits(ha, record->key, why))
			return false;
	return true;
}

int ha_restore(struct ha *ha, uint8_t *base, size_t size, bool *reigned, char why[HA_REASON_MAX])
{
	struct restore r = { .ha = ha, .store = ha_store_new(), .local = ha_store_new() };
	struct ha_image_owner owner;
	struct ha_image_mark mark = { .epoch = 0 };
	size_t end = 0;
	int rc = -ENOMEM;

	owner_of(ha, &owner);
	snprintf(why, HA_REASON_MAX, "out of memory");
	if (r.store && r.local)
		rc = ha_image_load(base, size, &owner, restore_record, &r, &mark, &end, why);
	if (!rc && (ha_store_count(r.store) != mark.count || ha_store_count(r.local) != mark.local_count)) {
		snprintf(why, HA_REASON_MAX, "its records do not add up to the state it claims");
		rc = -EBADMSG;
	}
	if (!rc && r.strange) {
		snprintf(why, HA_REASON_MAX, "it is of a newer release: records of type %u must be understood", r.strange);
		rc = -EPROTONOSUPPORT;
	}
	if (!rc && !(all_fit(ha, r.store, why) && all_fit(ha, r.local, why)))
		rc = -ERANGE;
	if (rc) {
		ha_store_free(r.store);
		ha_store_free(r.local);
		return rc;
	}
	ha_store_free(ha->store);
	ha_store_free(ha->local);
	ha->store = r.store;
	ha->local = r.local;
	ha->log.id = mark.log_id;
	ha->log.epoch = mark.log_epoch;
	ha->log.seq = mark.seq;
	ha->log.prev_id = mark.prev_id;
	ha->log.prev_end = mark.prev_end;
	if (mark.epoch > ha->epoch) {
		ha->epoch = mark.epoch;
		ha->roles.adopt_epoch = mark.epoch;
	}
	ha->keep.now = (struct ha_image){ .base = base, .size = size, .at = end };
	ha->keep.marked_at = end;
	ha->roles.unsure = true;	/* somebody may have served since; not if we resume */
	*reigned = mark.reigning;
	ha->commit.was_alone = mark.alone;
	ha_note(ha, "%" PRIu32 " records of the daemon before: epoch %" PRIu64 ", %s%s",
		 mark.count + mark.local_count, mark.epoch, mark.reigning ? "it was active" : "it was not active",
		 memcmp(mark.config_digest, ha->config.config_digest, sizeof(mark.config_digest)) ?
		 ", the configuration has changed since" : "");
	return 0;
}
