// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The receiving side of replication.  Owns the shadow store and decides what
 * is missing: the standby asks (SYNC_REQUEST), the active answers with
 * CONTINUE or a snapshot, and asks again when what came does not fit.
 *
 * A snapshot and the live commits in between go into the shadow; only when
 * SNAP_END agrees in sequence, count and digest does the shadow become the
 * store, in one step.  Until then the previous store stays as it was: whole,
 * if old.  A frame that does not decode, does not follow in sequence, or holds
 * a record that must be understood and is not, changes nothing.
 *
 * Complete = our store is the active's log up to log.seq.  Whether that is
 * enough to take over is for roles.c, from what the active last said about
 * its own protection (a DEGRADED active emits what we may not have).
 */
#include "ha/core.h"
#include "ha/wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part_field {		/* ha.proto: of Commit, of SnapChunk */
	COMMIT_RECORDS = 1,
	COMMIT_BARRIER,
	COMMIT_DIGEST,
	COMMIT_COUNT,
	COMMIT_MORE,
	PART_SCALARS,
	CHUNK_SNAP = 1,
	CHUNK_CHUNK,
	CHUNK_RECORDS,
};

static void batch_take_back(struct ha *ha);

static void shadow_drop(struct ha *ha)
{
	ha_store_free(ha->follow.shadow);
	ha->follow.shadow = NULL;
}

/* What we have cannot be gone on from: say so, keep the good state, ask again. */
static void __attribute__((format(printf, 3, 4)))
resync(struct ha *ha, bool full, const char *fmt, ...)
{
	char text[HA_REASON_MAX + 64];
	struct ha_follow *follow = &ha->follow;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(follow->why, sizeof(follow->why), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "checkpoint from %.30s refused: %s", ha->peer.node, follow->why);
	ha_refusal(ha, text);
	ha->stats.refused++;
	shadow_drop(ha);
	batch_take_back(ha);
	follow->complete = follow->continuing = false;
	follow->full |= full;
	follow->request_ms = ha->now_ms;
	if (full) {
		/* a refused snapshot is not asked for again in a tight loop */
		follow->backoff_ms = follow->backoff_ms ? follow->backoff_ms * 2 : HA_REQUEST_BACKOFF_MS;
		if (follow->backoff_ms > HA_REQUEST_BACKOFF_MAX_MS)
			follow->backoff_ms = HA_REQUEST_BACKOFF_MAX_MS;
		follow->request_ms += follow->backoff_ms;
	}
	ha_set_sync(ha, HA_SYNC_STALE, "refused: %s", follow->why);
}

/* The standby's own view: complete, and the active says it waits for us. */
static void follow_sync(struct ha *ha)
{
	struct ha_follow *follow = &ha->follow;
	struct ha_roles *roles = &ha->roles;

	if (ha->role != HA_ROLE_STANDBY || !ha->peer.ready ||
	    (ha->peer.role != HA_ROLE_ACTIVE && ha->peer.role != HA_ROLE_CLAIMING))
		return;
	if (follow->complete && ha->peer.role == HA_ROLE_ACTIVE && ha->peer.sync == HA_SYNC_IN_SYNC) {
		roles->may_miss = roles->unsure = false;
		ha_set_sync(ha, HA_SYNC_IN_SYNC, "holds everything of %s", ha->peer.node);
		return;
	}
	roles->may_miss = true;
	if (follow->complete && ha->peer.sync == HA_SYNC_DEGRADED) {
		ha_copy(roles->may_miss_why, sizeof(roles->may_miss_why), "the active went on unprotected");
		ha_set_sync(ha, HA_SYNC_STALE, "active goes on unprotected: %s", ha->peer.sync_reason);
	} else if (follow->complete || follow->shadow || follow->continuing) {
		ha_copy(roles->may_miss_why, sizeof(roles->may_miss_why), "synchronisation was not finished");
		ha_set_sync(ha, HA_SYNC_SYNCING, "from %s", ha->peer.node);
	} else {
		ha_copy(roles->may_miss_why, sizeof(roles->may_miss_why), follow->ever ? "the active goes on without this node" :
			"never synchronised with the active");
		ha_set_sync(ha, follow->ever ? HA_SYNC_STALE : HA_SYNC_SYNCING, "%s%s",
			    follow->why[0] ? "refused: " : "waiting for ", follow->why[0] ? follow->why : ha->peer.node);
	}
}

static void request(struct ha *ha)
{
	L2tpha__SyncRequest msg = L2TPHA__SYNC_REQUEST__INIT;
	struct ha_follow *follow = &ha->follow;

	shadow_drop(ha);
	batch_take_back(ha);
	follow->continuing = false;
	msg.log_id = ha->log.id;
	msg.seq = ha->log.seq;
	msg.full = follow->full;
	msg.reason = follow->why[0] ? follow->why : "connected";
	follow->request_ms = ha->now_ms + HA_REQUEST_RETRY_MS;
	ha_send(ha, HA_FRAME_SYNC_REQUEST, ha->log.seq, &msg.base);
}

/* ---- records --------------------------------------------------------------- */

/* A COMMIT or a SNAP_CHUNK as read; what its records say stays in the frame. */
struct part {
	struct ha_wire_record *records;
	size_t n;
	uint64_t scalar[PART_SCALARS];	/* the other fields, by number */
};

static void part_free(struct part *part)
{
	free(part->records);
}

/* false: it does not decode (or there is no memory); nothing is to be freed then */
static bool part_read(struct part *part, const struct ha_frame *frame, unsigned int records)
{
	struct ha_wire wire = { frame->payload, frame->payload + frame->len }, again = wire;
	struct ha_wire_field f;
	int ret;

	*part = (struct part){ .n = 0 };
	while ((ret = ha_wire_next(&wire, &f)) > 0) {
		part->n += f.number == records;
		if (f.number >= PART_SCALARS || f.number == records)
			continue;
		if (f.octets)
			return false;
		part->scalar[f.number] = f.value;
	}
	part->records = ret ? NULL : malloc((part->n ? part->n : 1) * sizeof(*part->records));
	if (!part->records)
		return false;
	part->n = 0;
	while (ha_wire_next(&again, &f) > 0)
		if (f.number == records && ha_wire_get_record(&f, &part->records[part->n++])) {
			part_free(part);
			return false;
		}
	return true;
}

static bool records_valid(struct ha *ha, const struct part *part)
{
	char why[HA_REASON_MAX];
	size_t i;

	for (i = 0; i < part->n; i++) {
		const struct ha_wire_record *r = &part->records[i];

		if (!r->type || r->type > UINT8_MAX || r->a > UINT16_MAX || r->b > UINT16_MAX ||
		    r->c > UINT16_MAX || r->len > HA_BODY_MAX) {
			resync(ha, true, "record %zu is out of range", i);
			return false;
		}
		if (ha->config.record_type_count && !ha_record_type(ha, (uint8_t)r->type) &&
		    (r->flags & HA_RECORD_MUST_UNDERSTAND) && !(r->flags & HA_RECORD_DELETE)) {
			resync(ha, true, "record type %" PRIu64 " is not known to this version and must be", r->type);
			return false;
		}
		if (!(r->flags & HA_RECORD_DELETE) &&
		    !ha_hello_key_fits(ha, (struct ha_key){ .type = (uint8_t)r->type, .a = (uint16_t)r->a }, why)) {
			resync(ha, true, "%s", why);
			return false;
		}
	}
	return true;
}

/* false: out of memory; what was applied of it is for the caller to take back */
static bool records_apply(struct ha *ha, struct ha_store *store, const struct part *part)
{
	bool live = store == ha->store;
	size_t i;

	for (i = 0; i < part->n; i++) {
		const struct ha_wire_record *r = &part->records[i];
		struct ha_key key = { (uint8_t)r->type, (uint16_t)r->a, (uint16_t)r->b, (uint16_t)r->c };
		bool del = r->flags & HA_RECORD_DELETE;
		int ret;

		ha->stats.records_received++;
		if (live && ha_undo_note(&ha->follow.undo, ha_store_find(store, key), key, (uint32_t)i))
			return false;
		if (del)
			ret = ha_store_del(store, key);
		else
			ret = ha_store_put(store, key, r->body, r->len, NULL);
		if (live && !ret)
			ha->follow.undo.count--;	/* nothing changed */
		if (ret < 0)
			return false;
		ha_hello_type_seen(ha, key.type);
		if (live && ret)
			ha_keep_record(ha, key, del);
	}
	return true;
}

/* The caller mirrors what this frame changed: the undo items from `first` on. */
static void records_mirror(struct ha *ha, const struct part *part, size_t first)
{
	const struct ha_undo *undo = &ha->follow.undo;
	struct ha_action_node *node;

	for (; first < undo->count && !ha->follow.mirror_stale; first++) {
		const struct ha_wire_record *r = &part->records[undo->items[first].index];
		bool del = r->flags & HA_RECORD_DELETE;

		node = ha_action_new(ha, del ? HA_ACTION_APPLY_DEL : HA_ACTION_APPLY_PUT, false);
		node->action.key = undo->items[first].key;
		if (!del)
			ha_action_data(ha, r->body, r->len);
	}
}

/* The batch that has begun is not: the store and what it stands for are as before it. */
static void batch_take_back(struct ha *ha)
{
	struct ha_follow *follow = &ha->follow;

	if (!follow->partial)
		return;
	follow->partial = false;
	ha_undo_back(ha, &follow->undo);
	ha->log.seq = follow->partial_seq;
	ha_log_clear_backlog(ha);
	follow->mirror_stale = true;	/* frames before the last one were mirrored */
	ha_keep_mark(ha);
}

static void batch_keep(struct ha *ha)
{
	ha->follow.partial = false;
	ha_undo_forget(&ha->follow.undo);
}

/* The store is whole now; the caller rebuilds its mirror if it is not of this store. */
static void completed(struct ha *ha, bool swapped)
{
	struct ha_follow *follow = &ha->follow;

	follow->complete = follow->ever = true;
	follow->continuing = ha->roles.parted = false;
	follow->full = false;
	follow->why[0] = '\0';
	follow->backoff_ms = 0;
	ha->refusal[0] = '\0';
	if (swapped || follow->mirror_stale)
		ha_action_new(ha, HA_ACTION_APPLY_SWAP, false);
	follow->mirror_stale = false;
	follow_sync(ha);
}

static void on_commit(struct ha *ha, const struct ha_frame *frame)
{
	struct ha_follow *follow = &ha->follow;
	struct ha_store *store = follow->shadow ? follow->shadow : ha->store;
	uint64_t *seq = follow->shadow ? &follow->shadow_seq : &ha->log.seq;
	const uint64_t *commit;
	struct part part;
	size_t first;

	if (!follow->complete && !follow->continuing && !follow->shadow)
		return;		/* of before our request */
	if (!part_read(&part, frame, COMMIT_RECORDS)) {
		ha_link_fail(ha, "commit does not decode");
		return;
	}
	commit = part.scalar;
	if (frame->seq != *seq + 1) {
		resync(ha, false, "commit %" PRIu64 " came after %" PRIu64, frame->seq, *seq);
		goto out;
	}
	if (!records_valid(ha, &part))
		goto out;
	if (follow->shadow) {
		if (!records_apply(ha, store, &part)) {
			resync(ha, true, "out of memory");
			goto out;
		}
		*seq = frame->seq;
		follow->ack_due = true;
		goto out;
	}
	if (!follow->partial) {
		follow->partial = true;
		follow->partial_seq = ha->log.seq;
	}
	first = follow->undo.count;
	if (!records_apply(ha, store, &part)) {
		resync(ha, true, "out of memory");
		goto out;
	}
	if (!commit[COMMIT_MORE] && (commit[COMMIT_DIGEST] != ha_store_digest(store) || commit[COMMIT_COUNT] != ha_store_count(store))) {
		resync(ha, true, "at %" PRIu64 " we would hold %" PRIu32 " records, the active %" PRIu32 " or others",
		       frame->seq, ha_store_count(store), (uint32_t)commit[COMMIT_COUNT]);
		goto out;
	}
	*seq = frame->seq;
	follow->ack_due = true;
	records_mirror(ha, &part, first);
	/* after a takeover others can go on from here */
	ha_log_append(ha, frame->seq, frame->payload - HA_FRAME_HEADER, frame->len + HA_FRAME_HEADER);
	if (!commit[COMMIT_MORE]) {
		batch_keep(ha);
		ha_keep_mark(ha);
	}
	if (commit[COMMIT_BARRIER] && follow->continuing)
		completed(ha, false);
out:
	part_free(&part);
}

static void on_continue(struct ha *ha, const struct ha_frame *frame)
{
	L2tpha__Continue *msg = l2tpha__continue__unpack(NULL, frame->len, frame->payload);
	struct ha_follow *follow = &ha->follow;

	if (!msg) {
		ha_link_fail(ha, "continue does not decode");
		return;
	}
	shadow_drop(ha);
	batch_take_back(ha);
	follow->complete = false;
	if (msg->seq != ha->log.seq) {
		resync(ha, true, "continuation from %" PRIu64 " but we hold %" PRIu64, msg->seq, ha->log.seq);
	} else {
		ha_note(ha, "continuing the log of %s from %" PRIu64, ha->peer.node, msg->seq);
		follow->continuing = true;
		follow->request_ms = ha->now_ms + 5 * HA_REQUEST_RETRY_MS;
		ha->log.id = msg->log_id;
		ha->log.epoch = msg->log_epoch;
		ha->log.prev_id = 0;
		follow_sync(ha);
	}
	l2tpha__continue__free_unpacked(msg, NULL);
}

static void on_snap_begin(struct ha *ha, const struct ha_frame *frame)
{
	L2tpha__SnapBegin *msg = l2tpha__snap_begin__unpack(NULL, frame->len, frame->payload);
	struct ha_follow *follow = &ha->follow;

	if (!msg) {
		ha_link_fail(ha, "snapshot begin does not decode");
		return;
	}
	shadow_drop(ha);
	batch_take_back(ha);
	follow->complete = follow->continuing = false;
	follow->shadow = ha_store_new();
	if (!follow->shadow) {
		resync(ha, true, "out of memory");
		goto out;
	}
	ha_note(ha, "receiving a snapshot from %s: %s", ha->peer.node, msg->reason);
	follow->snap = msg->snap;
	follow->chunk = 0;
	follow->shadow_seq = msg->seq;
	follow->shadow_log_id = msg->log_id;
	follow->shadow_log_epoch = msg->log_epoch;
	follow->request_ms = ha->now_ms + 5 * HA_REQUEST_RETRY_MS;
	follow_sync(ha);
out:
	l2tpha__snap_begin__free_unpacked(msg, NULL);
}

static void on_snap_chunk(struct ha *ha, const struct ha_frame *frame)
{
	struct ha_follow *follow = &ha->follow;
	uint32_t snap, chunk;
	struct part part;
	size_t i;

	if (!part_read(&part, frame, CHUNK_RECORDS)) {
		ha_link_fail(ha, "snapshot chunk does not decode");
		return;
	}
	snap = (uint32_t)part.scalar[CHUNK_SNAP];
	chunk = (uint32_t)part.scalar[CHUNK_CHUNK];
	if (!follow->shadow)
		goto out;	/* of a snapshot we gave up */
	if (snap != follow->snap) {
		resync(ha, true, "chunk of snapshot %" PRIu32 " within %" PRIu32, snap, follow->snap);
		goto out;
	}
	if (chunk != follow->chunk + 1) {
		resync(ha, true, "snapshot chunk %" PRIu32 " came after %" PRIu32, chunk, follow->chunk);
		goto out;
	}
	if (!records_valid(ha, &part))
		goto out;
	for (i = 0; i < part.n; i++)
		if (part.records[i].flags & HA_RECORD_DELETE) {
			resync(ha, true, "snapshot holds a deletion");
			goto out;
		}
	if (!records_apply(ha, follow->shadow, &part)) {
		resync(ha, true, "out of memory");
		goto out;
	}
	follow->chunk = chunk;
	follow->ack_due = true;
	follow->request_ms = ha->now_ms + 5 * HA_REQUEST_RETRY_MS;
out:
	part_free(&part);
}

static void on_snap_end(struct ha *ha, const struct ha_frame *frame)
{
	L2tpha__SnapEnd *msg = l2tpha__snap_end__unpack(NULL, frame->len, frame->payload);
	struct ha_follow *follow = &ha->follow;

	if (!msg) {
		ha_link_fail(ha, "snapshot end does not decode");
		return;
	}
	if (!follow->shadow)
		goto out;
	if (msg->snap != follow->snap) {
		resync(ha, true, "end of snapshot %" PRIu32 " within %" PRIu32, msg->snap, follow->snap);
		goto out;
	}
	if (msg->seq != follow->shadow_seq || msg->count != ha_store_count(follow->shadow) ||
	    msg->digest != ha_store_digest(follow->shadow)) {
		resync(ha, true, "snapshot of %" PRIu32 " records at %" PRIu64 " arrived as %" PRIu32
		       " at %" PRIu64 "%s", msg->count, msg->seq, ha_store_count(follow->shadow),
		       follow->shadow_seq, msg->count == ha_store_count(follow->shadow) ? ", digests differ" : "");
		goto out;
	}
	ha_left_forget(ha);
	if (ha->roles.parted)
		follow->left = ha->store;
	else
		ha_store_free(ha->store);
	ha->roles.parted = false;
	ha->store = follow->shadow;
	follow->shadow = NULL;
	ha->log.seq = follow->shadow_seq;
	ha->log.id = follow->shadow_log_id;
	ha->log.epoch = follow->shadow_log_epoch;
	ha->log.prev_id = 0;
	ha_log_clear_backlog(ha);
	ha_keep_swapped(ha);
	ha->stats.snapshots++;
	follow->ack_due = true;
	ha_note(ha, "snapshot of %" PRIu32 " records from %s is in place", msg->count, ha->peer.node);
	completed(ha, true);
out:
	l2tpha__snap_end__free_unpacked(msg, NULL);
}

void ha_follow_frame(struct ha *ha, const struct ha_frame *frame)
{
	if (ha->role != HA_ROLE_STANDBY)
		return;
	if (frame->epoch < ha->epoch) {
		ha->stats.refused++;
		ha_send_heartbeat(ha);
		return;
	}
	switch (frame->type) {
	case HA_FRAME_COMMIT:
		on_commit(ha, frame);
		break;
	case HA_FRAME_CONTINUE:
		on_continue(ha, frame);
		break;
	case HA_FRAME_SNAP_BEGIN:
		on_snap_begin(ha, frame);
		break;
	case HA_FRAME_SNAP_CHUNK:
		on_snap_chunk(ha, frame);
		break;
	case HA_FRAME_SNAP_END:
		on_snap_end(ha, frame);
		break;
	}
}

/* The active gave us up as too slow: no more commits, and a snapshot when we have confirmed those we got. */
static void fed_too_slowly(struct ha *ha, uint64_t seq)
{
	ha_note(ha, "%s is at %" PRIu64 ", we are at %" PRIu64 ": fed too slowly, a snapshot follows", ha->peer.node, seq,
		ha->log.seq);
	batch_take_back(ha);
	ha->follow.complete = false;
	ha->follow.request_ms = ha->now_ms + HA_REQUEST_RETRY_MS;	/* in case it does not */
}

/* The stream is ordered: a digest of the active's store must be ours by now. */
void ha_follow_heartbeat(struct ha *ha, const L2tpha__Heartbeat *beat)
{
	struct ha_follow *follow = &ha->follow;

	if (ha->role != HA_ROLE_STANDBY)
		return;
	if (beat->role == HA_ROLE_CLAIMING) {
		/* a new reign, maybe of the node we followed before: it feeds nobody who does not ask */
		shadow_drop(ha);
		batch_take_back(ha);
		follow->complete = follow->continuing = false;
		follow->request_ms = 0;
	}
	if (follow->complete && beat->role == HA_ROLE_ACTIVE && beat->digest_valid &&
	    beat->epoch == ha->epoch &&
	    beat->sync == HA_SYNC_DEGRADED && beat->seq > ha->log.seq) {
		fed_too_slowly(ha, beat->seq);
	} else if (follow->complete && beat->role == HA_ROLE_ACTIVE && beat->digest_valid && beat->epoch == ha->epoch &&
		   (beat->seq != ha->log.seq || beat->digest != ha_store_digest(ha->store))) {
		ha->log.id = 0;
		resync(ha, true, "drift: active at %" PRIu64 ", we at %" PRIu64 "%s", (uint64_t)beat->seq,
		       ha->log.seq, beat->seq == ha->log.seq ? ", digests differ" : "");
	}
	follow_sync(ha);
	ha_follow_tick(ha);
}

void ha_follow_flush_ack(struct ha *ha)
{
	L2tpha__Ack ack = L2TPHA__ACK__INIT;
	struct ha_follow *follow = &ha->follow;

	if (!follow->ack_due)
		return;
	follow->ack_due = false;
	if (!follow->complete && !follow->continuing && !follow->shadow)
		return;
	ack.seq = follow->shadow ? follow->shadow_seq : ha->log.seq;
	ack.complete = follow->complete;
	ack.snap = follow->snap;
	ack.chunk = follow->chunk;
	ha->stats.acks_sent++;
	ha_send(ha, HA_FRAME_ACK, ack.seq, &ack.base);
}

void ha_follow_start(struct ha *ha)
{
	struct ha_follow *follow = &ha->follow;

	follow->complete = follow->continuing = false;
	follow->mirror_stale = true;
	follow->request_ms = 0;
	follow->since_ms = ha->now_ms;
	if (!ha->peer.ready)
		ha_set_sync(ha, HA_SYNC_SOLO, "no peer connected");
	follow_sync(ha);
}

void ha_follow_stop(struct ha *ha, const char *why)
{
	struct ha_follow *follow = &ha->follow;
	bool followed = follow->complete || follow->continuing || follow->shadow;

	shadow_drop(ha);
	batch_take_back(ha);
	follow->complete = follow->continuing = follow->ack_due = false;
	follow->request_ms = 0;
	follow->why[0] = '\0';
	if (ha->role != HA_ROLE_STANDBY)
		return;
	if (followed) {
		follow->since_ms = ha->now_ms;
		ha_set_sync(ha, HA_SYNC_STALE, "%s%s", why,
			    ha->roles.may_miss ? "" : "; was in sync until then");
	} else if (ha->sync != HA_SYNC_STALE) {
		ha_set_sync(ha, HA_SYNC_SOLO, "%s", why);
	}
}

static bool want_sync(const struct ha *ha)
{
	const struct ha_follow *follow = &ha->follow;

	return ha->role == HA_ROLE_STANDBY && ha->peer.ready && ha->peer.role == HA_ROLE_ACTIVE &&
	       ha->peer.epoch >= ha->epoch && !follow->complete;
}

void ha_follow_tick(struct ha *ha)
{
	if (want_sync(ha) && ha->now_ms >= ha->follow.request_ms)
		request(ha);
}

uint64_t ha_follow_deadline(const struct ha *ha)
{
	return want_sync(ha) ? ha->follow.request_ms : HA_NEVER;
}
