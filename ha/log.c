// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The replicated log: what the active writes.  Owns the open batch (which
 * keys changed since the last ha_commit()), the sequence number, the identity
 * of the log and a small backlog of recent commit frames, from which a
 * standby that was away for a moment goes on without a snapshot.
 *
 * A log is identified by a random number drawn by the node that starts
 * writing it, so (log id, seq) names one state exactly.  A node that takes
 * over goes on counting, remembers the log it came from and up to where, and
 * can still serve a peer that holds a prefix of that one.
 *
 * Records are whole objects; the batch holds keys only, and a key that is put
 * twice in one batch is sent once, with its last bytes.
 */
#include "ha/core.h"
#include "ha/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum commit_field {		/* ha.proto */
	COMMIT_FIELD_RECORDS = 1,
	COMMIT_FIELD_BARRIER,
	COMMIT_FIELD_DIGEST,
	COMMIT_FIELD_COUNT,
	COMMIT_FIELD_MORE,
};

int ha_log_init(struct ha *ha)
{
	ha->log.batch_no = 1;
	ha->log.backlog = calloc(HA_BACKLOG_FRAMES, sizeof(*ha->log.backlog));
	return ha->log.backlog ? 0 : -ENOMEM;
}

static void backlog_pop(struct ha_log *log)
{
	struct ha_backlog_entry *entry = &log->backlog[log->backlog_head];

	log->backlog_octets -= entry->len;
	free(entry->frame);
	memset(entry, 0, sizeof(*entry));
	log->backlog_head = (log->backlog_head + 1) % HA_BACKLOG_FRAMES;
	log->backlog_len--;
}

void ha_log_clear_backlog(struct ha *ha)
{
	while (ha->log.backlog_len)
		backlog_pop(&ha->log);
}

void ha_log_free(struct ha *ha)
{
	if (ha->log.backlog)
		ha_log_clear_backlog(ha);
	free(ha->log.backlog);
	free(ha->log.batch);
}

void ha_log_start(struct ha *ha, uint64_t epoch)
{
	struct ha_log *log = &ha->log;

	if (log->batch_len)
		ha_keep_batch(ha);
	log->prev_id = log->id;
	log->prev_end = log->seq;
	log->id = ha_random(ha);
	log->epoch = epoch;
	log->batch_len = 0;
	log->batch_no++;
}

void ha_log_append(struct ha *ha, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct ha_log *log = &ha->log;
	struct ha_backlog_entry *entry;
	uint8_t *copy;

	if (!ha->config.peer_configured)
		return;
	copy = len <= HA_BACKLOG_OCTETS / 4 ? malloc(len) : NULL;
	if (!copy) {
		ha_log_clear_backlog(ha);	/* a hole makes everything before it useless */
		return;
	}
	memcpy(copy, frame, len);
	while (log->backlog_len && (log->backlog_len == HA_BACKLOG_FRAMES ||
				    log->backlog_octets + len > HA_BACKLOG_OCTETS))
		backlog_pop(log);
	entry = &log->backlog[(log->backlog_head + log->backlog_len) % HA_BACKLOG_FRAMES];
	*entry = (struct ha_backlog_entry){ copy, len, seq };
	log->backlog_len++;
	log->backlog_octets += len;
}

const struct ha_backlog_entry *ha_log_entry(const struct ha *ha, uint64_t seq)
{
	const struct ha_log *log = &ha->log;
	const struct ha_backlog_entry *entry;

	if (!log->backlog_len || seq < log->backlog[log->backlog_head].seq)
		return NULL;
	seq -= log->backlog[log->backlog_head].seq;
	if (seq >= log->backlog_len)
		return NULL;
	entry = &log->backlog[(log->backlog_head + seq) % HA_BACKLOG_FRAMES];
	return entry;
}

bool ha_log_covers(const struct ha *ha, uint64_t id, uint64_t seq, const char **why)
{
	const struct ha_log *log = &ha->log;

	if (!id)
		*why = "standby is empty";
	else if (id != log->id && id != log->prev_id)
		*why = "standby holds another log";
	else if (id == log->id && seq > log->seq)
		*why = "standby is ahead of us";
	else if (id != log->id && seq > log->prev_end)
		*why = "standby holds records we never had";
	else if (seq < log->seq && !ha_log_entry(ha, seq + 1))
		*why = "backlog does not reach back that far";
	else
		return true;
	return false;
}

/* ---- the open batch ------------------------------------------------------ */

static int batch_add(struct ha *ha, struct ha_key key, const struct ha_record *record, bool local)
{
	struct ha_log *log = &ha->log;

	if (log->batch_len == log->batch_size) {
		uint32_t size = log->batch_size ? log->batch_size * 2 : 64;
		struct ha_batch_item *batch = realloc(log->batch, size * sizeof(*batch));

		if (!batch)
			return -ENOMEM;
		log->batch = batch;
		log->batch_size = size;
	}
	log->batch[log->batch_len++] = (struct ha_batch_item){ key, !record, local, record };
	return 0;
}

static int put(struct ha *ha, struct ha_key key, const void *body, size_t len, bool local)
{
	struct ha_record *record;
	int ret;

	if (!key.type || len > HA_BODY_MAX)
		return -EINVAL;
	if (ha->role != HA_ROLE_ACTIVE && ha->role != HA_ROLE_CLAIMING)
		return -EPERM;
	ret = ha_store_put(local ? ha->local : ha->store, key, body, len, &record);
	if (ret <= 0)
		return ret;
	ha_hello_type_used(ha, key.type);
	if (record->batch == ha->log.batch_no) {
		/* the batch names it already and will carry the new bytes, which may have moved */
		ha->log.batch[record->batch_index].record = record;
		return 0;
	}
	record->batch = ha->log.batch_no;
	record->batch_index = ha->log.batch_len;
	return batch_add(ha, key, record, local);
}

int ha_put(struct ha *ha, struct ha_key key, const void *body, size_t len)
{
	return put(ha, key, body, len, false);
}

int ha_put_local(struct ha *ha, struct ha_key key, const void *body, size_t len)
{
	return put(ha, key, body, len, true);
}

static bool del(struct ha *ha, struct ha_store *store, struct ha_key key)
{
	const struct ha_record *record = ha_store_find(store, key);

	if (!record)
		return false;
	if (record->batch == ha->log.batch_no)
		ha->log.batch[record->batch_index].record = NULL;
	return ha_store_del(store, key);
}

int ha_del(struct ha *ha, struct ha_key key)
{
	if (!key.type)
		return -EINVAL;
	if (ha->role != HA_ROLE_ACTIVE && ha->role != HA_ROLE_CLAIMING)
		return -EPERM;
	if (del(ha, ha->store, key))
		return batch_add(ha, key, NULL, false);
	if (del(ha, ha->local, key))
		return batch_add(ha, key, NULL, true);
	return 0;
}

void ha_del_foreign(struct ha *ha, uint16_t a, uint16_t b)
{
	unsigned int i, bit;

	for (i = 0; i < sizeof(ha->foreign); i++)
		for (bit = 0; ha->foreign[i] >> bit; bit++)
			if (ha->foreign[i] >> bit & 1)
				ha_del(ha, (struct ha_key){ (uint8_t)(i * 8 + bit), a, b, 0 });
}

static uint32_t record_flags(const struct ha_batch_item *item)
{
	return (item->del ? HA_RECORD_DELETE : 0) | (item->key.type < HA_TYPE_SKIPPABLE ? HA_RECORD_MUST_UNDERSTAND : 0);
}

/* A put that was deleted since is not sent: a later item has it. */
static bool is_sent(const struct ha_batch_item *item)
{
	return !item->local && (item->del || item->record);
}

/* One frame of items [from, to); takes the next sequence number.  Only after the last of a batch is the
 * store what the standby then must have. */
static void commit_frame(struct ha *ha, uint32_t from, uint32_t to, size_t octets, bool barrier)
{
	struct ha_log *log = &ha->log;
	bool more = to < log->batch_len;
	uint64_t seq = ++log->seq;
	uint8_t *frame, *p;
	uint32_t i, n = 0;
	size_t len;

	frame = ha_frame_room(HA_FRAME_COMMIT, seq, octets + 4 * HA_WIRE_SCALAR_MAX);
	if (!frame) {
		/* the peer cannot follow any more: it starts over from a snapshot */
		ha_log_clear_backlog(ha);
		ha_link_fail(ha, "out of memory for a commit");
		return;
	}
	p = frame + HA_FRAME_HEADER;
	for (i = from; i < to; i++) {
		const struct ha_batch_item *item = &log->batch[i];

		if (!is_sent(item))
			continue;
		p = ha_wire_put_record(p, COMMIT_FIELD_RECORDS, item->key, record_flags(item),
				       item->del ? NULL : item->record->body, item->del ? 0 : item->record->len);
		n++;
	}
	p = ha_wire_put_varint(p, COMMIT_FIELD_BARRIER, barrier);
	if (!more) {
		p = ha_wire_put_fixed64(p, COMMIT_FIELD_DIGEST, ha_store_digest(ha->store));
		p = ha_wire_put_varint(p, COMMIT_FIELD_COUNT, ha_store_count(ha->store));
	}
	p = ha_wire_put_varint(p, COMMIT_FIELD_MORE, more);
	len = (size_t)(p - frame);
	ha_frame_seal(frame, len, ha->epoch);
	ha_log_append(ha, seq, frame, len);
	if (ha->commit.feeding)
		ha->stats.records_sent += n;
	ha_commit_sent(ha, seq, frame, len);
	free(frame);
}

void ha_log_commit(struct ha *ha, bool barrier)
{
	struct ha_log *log = &ha->log;
	bool local = log->batch_len && !barrier;
	uint32_t i, from = 0;
	size_t octets = 0;

	if (!log->batch_len && !barrier)
		return;
	for (i = 0; i < log->batch_len && local; i++)
		local = log->batch[i].local;
	if (local)
		goto out;	/* the peer has nothing to do with it */
	if (!ha->config.peer_configured) {
		log->seq++;
		goto out;
	}
	for (i = 0; i < log->batch_len; i++) {
		const struct ha_batch_item *item = &log->batch[i];

		if (i - from == HA_COMMIT_RECORDS || octets > HA_COMMIT_OCTETS) {
			commit_frame(ha, from, i, octets, false);
			from = i;
			octets = 0;
		}
		if (is_sent(item))
			octets += ha_wire_record_size(item->key, record_flags(item), item->del ? 0 : item->record->len);
	}
	commit_frame(ha, from, log->batch_len, octets, barrier);
out:
	ha_keep_batch(ha);	/* frames and outputs are only queued: this comes before them */
	log->batch_len = 0;
	log->batch_no++;
}
