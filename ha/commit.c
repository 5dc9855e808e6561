// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Output commit and the sending side of replication (DESIGN 4.1).
 *
 * Every output waits in one queue, in call order, with the sequence number of
 * the commit it depends on; the standby's acknowledgement of that number lets
 * it go.  `protecting` says whether outputs wait at all.
 *
 *   SOLO      nobody follows; outputs go at once
 *   SYNCING   a snapshot or the backlog is on its way; outputs go at once
 *   (barrier) the last octet of either (of a snapshot: confirmed, for to put it
 *             in place may take the standby longer than an output may wait),
 *             and a commit that carries the digest of the whole store, was
 *             sent; from here on outputs wait, so that nothing unprotected
 *             lies behind the moment of ...
 *   IN_SYNC   the barrier was confirmed by a standby whose store is complete
 *   DEGRADED  a confirmation was late.  Everything held is let go.  The stream
 *             is reliable and ordered, so late is not lost: when the standby
 *             answers again a new barrier (which compares digests) leads back
 *             to IN_SYNC; attempts back off, because each one delays outputs.
 *   (doubt)   Until the standby knows, it would take over as one that holds
 *             everything.  So what it does not hold waits on, while the state
 *             already says what is: until it confirms a commit that was sent
 *             behind the word of it, or closes its end (a dead one takes
 *             nothing over), or for as long as its detector may take to find
 *             the address silent: dead_ms and HA_DOUBT_MS after the last word
 *             of ours that it can have heard.  From then on it has seen the
 *             address answer, and knows that its numbers are old.
 *             Only a standby too slow for the window, for which we stopped
 *             queueing, needs a snapshot.
 *
 * A snapshot is chunks of the live store between begin and end, at most
 * HA_SNAP_WINDOW of them unconfirmed, with live commits in between: they never
 * wait for more than what is already in the socket.  A record that changes
 * after its chunk comes again as a commit; one that changes before comes
 * newer than the snapshot's sequence number, which does no harm.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- held outputs --------------------------------------------------------- */

static void release(struct ha *ha, void *output)
{
	ha_action_new(ha, HA_ACTION_RELEASE, false)->action.output = output;
}

/* Lets go what depends on nothing newer than seq. */
static void release_to(struct ha *ha, uint64_t seq)
{
	struct ha_commit *commit = &ha->commit;
	struct ha_held *held;

	while ((held = commit->held_first) && held->seq && held->seq <= seq) {
		commit->held_first = held->next;
		if (!held->next)
			commit->held_last = NULL;
		commit->held--;
		release(ha, held->output);
		free(held);
	}
}

/* What an open batch holds back stays until the batch is closed. */
static void release_all(struct ha *ha)
{
	release_to(ha, UINT64_MAX);
}

void ha_output(struct ha *ha, void *output)
{
	struct ha_commit *commit = &ha->commit;
	struct ha_held *held;
	bool open = ha->log.batch_len != 0;

	if (!ha_owner(ha)) {
		ha->ops.output_free(ha->ops.ctx, output);
		return;
	}
	if (!commit->held_first && !open &&
	    (!commit->protecting || (commit->acked_seq >= ha->log.seq && !commit->flush_seq))) {
		release(ha, output);
		return;
	}
	held = malloc(sizeof(*held));
	if (!held) {
		/* better one lost packet (it is sent again) than one sent too early */
		ha->ops.output_free(ha->ops.ctx, output);
		return;
	}
	held->next = NULL;
	held->output = output;
	held->seq = open ? 0 : ha->log.seq;
	if (!open && commit->flush_seq)
		held->seq = UINT64_MAX - 1;
	*(commit->held_last ? &commit->held_last->next : &commit->held_first) = held;
	commit->held_last = held;
	commit->held++;
}

void ha_commit_batch_closed(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;
	struct ha_held *held;

	for (held = commit->held_first; held; held = held->next)
		if (!held->seq)
			held->seq = commit->flush_seq ? UINT64_MAX - 1 : ha->log.seq;
	if (!commit->protecting)
		release_all(ha);
}

void ha_commit_drop(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;
	struct ha_held *held;

	while ((held = commit->held_first)) {
		commit->held_first = held->next;
		ha->ops.output_free(ha->ops.ctx, held->output);
		free(held);
	}
	commit->held_last = NULL;
	commit->held = 0;
	if (ha->log.batch_len) {
		ha_keep_batch(ha);
		/* changes that no log entry describes: only a snapshot can mend this store */
		ha->log.batch_len = 0;
		ha->log.batch_no++;
		ha->log.id = 0;
	}
}

/* ---- what is in flight ---------------------------------------------------- */

static void inflight_clear(struct ha_commit *commit)
{
	commit->inflight_len = 0;
	commit->inflight_octets = 0;
}

static bool inflight_push(struct ha *ha, uint64_t seq, size_t octets)
{
	struct ha_commit *commit = &ha->commit;

	if (commit->inflight_len == commit->inflight_size) {
		uint32_t size = commit->inflight_size ? commit->inflight_size * 2 : 64, i;
		struct ha_inflight *ring = malloc(size * sizeof(*ring));

		if (!ring)
			return false;
		for (i = 0; i < commit->inflight_len; i++)
			ring[i] = commit->inflight[(commit->inflight_head + i) % commit->inflight_size];
		free(commit->inflight);
		commit->inflight = ring;
		commit->inflight_size = size;
		commit->inflight_head = 0;
	}
	commit->inflight[(commit->inflight_head + commit->inflight_len) % commit->inflight_size] =
		(struct ha_inflight){ seq, ha->now_ms, octets };
	commit->inflight_len++;
	commit->inflight_octets += octets;
	return true;
}

static void snap_abort(struct ha *ha)
{
	if (ha->commit.snapping)
		ha_cursor_close(&ha->commit.cursor);
	ha->commit.snapping = false;
}

static void flush_cancel(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;
	struct ha_held *held;

	if (!commit->flush_seq)
		return;
	commit->flush_seq = 0;
	for (held = commit->held_first; held; held = held->next)
		if (held->seq == UINT64_MAX - 1)
			held->seq = ha->log.seq;
	ha_roles_flushed(ha, false, "standby did not confirm in time");
}

static void unprotect(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;

	commit->protecting = commit->believed = false;
	commit->barrier_seq = commit->doubt_ms = commit->doubt_seq = 0;
	release_all(ha);
	flush_cancel(ha);
}

/* Not protected any more, which the standby has to know before anything shows it. */
static void doubt(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;

	if (commit->doubt_ms)
		return;		/* whatever it heard since, it heard that first */
	if (!commit->protecting || !commit->believed) {
		unprotect(ha);
		return;
	}
	commit->doubt_ms = ha->now_ms + ha->config.dead_ms + HA_DOUBT_MS;
	commit->doubt_seq = commit->barrier_seq = 0;
	flush_cancel(ha);
}

/* The stream is ordered: who confirms what was sent behind the word of it has heard it. */
static void doubt_told(struct ha *ha)
{
	doubt(ha);
	if (!ha->commit.doubt_ms)
		return;
	ha_log_commit(ha, true);
	ha_commit_batch_closed(ha);
	ha->commit.doubt_seq = ha->commit.feeding ? ha->log.seq : 0;
}

void ha_commit_sent(struct ha *ha, uint64_t seq, const uint8_t *frame, size_t len)
{
	struct ha_commit *commit = &ha->commit;

	if (!commit->feeding)
		return;
	if ((commit->inflight_len && commit->inflight_octets + len > HA_WINDOW_OCTETS) ||
	    !inflight_push(ha, seq, len)) {
		ha_set_sync(ha, HA_SYNC_DEGRADED, "standby slow: %zu octets not confirmed, it will get a snapshot",
			    commit->inflight_octets);
		snap_abort(ha);
		commit->feeding = false;
		commit->want_snapshot = true;
		doubt(ha);
		return;
	}
	ha_send_raw(ha, frame, len);
}

/* ---- barrier and snapshot ------------------------------------------------- */

static void barrier(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;

	commit->protecting = true;
	ha_log_commit(ha, true);
	if (commit->feeding) {
		commit->barrier_seq = ha->log.seq;
		ha_commit_batch_closed(ha);
	}
}

static void snap_begin(struct ha *ha, const char *why)
{
	L2tpha__SnapBegin begin = L2TPHA__SNAP_BEGIN__INIT;
	struct ha_commit *commit = &ha->commit;

	snap_abort(ha);
	inflight_clear(commit);
	commit->feeding = true;
	commit->want_snapshot = commit->settling = false;
	commit->snapping = true;
	commit->snap++;
	commit->chunk_sent = commit->chunk_acked = 0;
	commit->acked_seq = ha->log.seq;
	ha_cursor_open(&commit->cursor, ha->store);
	begin.snap = commit->snap;
	begin.log_id = ha->log.id;
	begin.log_epoch = ha->log.epoch;
	begin.seq = ha->log.seq;
	begin.reason = (char *)why;
	ha->stats.snapshots++;
	ha_note(ha, "sending a snapshot of %" PRIu32 " records to %s: %s",
		 ha_store_count(ha->store), ha->peer.node, why);
	ha_send(ha, HA_FRAME_SNAP_BEGIN, ha->log.seq, &begin.base);
	ha_set_sync(ha, HA_SYNC_SYNCING, "snapshot: %s", why);
}

/* One chunk; false at the end of the store. */
static bool snap_chunk(struct ha *ha)
{
	L2tpha__SnapChunk chunk = L2TPHA__SNAP_CHUNK__INIT;
	enum { CHUNK_RECORDS = 1024 };
	static const size_t overhead = 32;
	struct ha_commit *commit = &ha->commit;
	L2tpha__Record *pbs, **pointers;
	size_t octets = 0, n = 0;
	struct ha_record *record;

	if (!commit->cursor.at)
		return false;
	pbs = malloc(CHUNK_RECORDS * sizeof(*pbs));
	pointers = malloc(CHUNK_RECORDS * sizeof(*pointers));
	if (!pbs || !pointers) {
		free(pbs);
		free(pointers);
		ha_link_fail(ha, "out of memory for a snapshot");
		return false;
	}
	while (n < CHUNK_RECORDS && octets < ha->config.snapshot_chunk &&
	       (record = ha_cursor_next(&commit->cursor))) {
		L2tpha__Record *pb = &pbs[n];

		l2tpha__record__init(pb);
		pb->type = record->key.type;
		pb->a = record->key.a;
		pb->b = record->key.b;
		pb->c = record->key.c;
		pb->flags = record->key.type < HA_TYPE_SKIPPABLE ? HA_RECORD_MUST_UNDERSTAND : 0;
		pb->body.data = record->body;
		pb->body.len = record->len;
		octets += record->len + overhead;
		pointers[n++] = pb;
	}
	chunk.snap = commit->snap;
	chunk.chunk = ++commit->chunk_sent;
	chunk.n_records = n;
	chunk.records = pointers;
	ha->stats.records_sent += n;
	ha_send(ha, HA_FRAME_SNAP_CHUNK, ha->log.seq, &chunk.base);
	free(pbs);
	free(pointers);
	return true;
}

static void snap_pump(struct ha *ha)
{
	L2tpha__SnapEnd end = L2TPHA__SNAP_END__INIT;
	struct ha_commit *commit = &ha->commit;

	/* what is put but not committed is in the store but not in the stream: wait */
	if (!commit->snapping || ha->log.batch_len)
		return;
	while (commit->chunk_sent - commit->chunk_acked < HA_SNAP_WINDOW)
		if (!snap_chunk(ha))
			break;
	if (!commit->snapping || commit->cursor.at || commit->chunk_sent != commit->chunk_acked)
		return;
	snap_abort(ha);
	end.snap = commit->snap;
	end.seq = ha->log.seq;
	end.count = ha_store_count(ha->store);
	end.digest = ha_store_digest(ha->store);
	ha_send(ha, HA_FRAME_SNAP_END, ha->log.seq, &end.base);
	commit->settling = true;
}

static void send_backlog(struct ha *ha, uint64_t from)
{
	L2tpha__Continue msg = L2TPHA__CONTINUE__INIT;
	struct ha_commit *commit = &ha->commit;
	const struct ha_backlog_entry *entry;
	uint64_t seq;

	snap_abort(ha);
	inflight_clear(commit);
	commit->feeding = true;
	commit->want_snapshot = commit->settling = false;
	commit->acked_seq = from;
	msg.log_id = ha->log.id;
	msg.log_epoch = ha->log.epoch;
	msg.seq = from;
	ha_send(ha, HA_FRAME_CONTINUE, from, &msg.base);
	for (seq = from + 1; commit->feeding && (entry = ha_log_entry(ha, seq)); seq++) {
		ha_frame_reseal(entry->frame, entry->len, ha->epoch);
		ha_commit_sent(ha, seq, entry->frame, entry->len);
	}
	ha_set_sync(ha, HA_SYNC_SYNCING, "continuing from %" PRIu64, from);
	if (commit->feeding)
		barrier(ha);
}

void ha_commit_request(struct ha *ha, const L2tpha__SyncRequest *request)
{
	const char *why = "asked for";
	char text[HA_REASON_MAX];

	if (ha->role != HA_ROLE_ACTIVE)
		return;		/* it asks again */
	ha_commit(ha, ha->now_ms);
	/* not in sync from here on: let go, then start over */
	ha->commit.backoff_ms = 0;
	ha->commit.feeding = false;
	if (ha->commit.protecting)
		ha_set_sync(ha, HA_SYNC_SYNCING, "standby asked to be synchronised: %s", request->reason);
	unprotect(ha);
	if (request->full)
		why = request->reason;
	else if (ha_log_covers(ha, request->log_id, request->seq, &why)) {
		ha_note(ha, "%s continues from %" PRIu64 " of our %" PRIu64,
			 ha->peer.node, request->seq, ha->log.seq);
		send_backlog(ha, request->seq);
		return;
	}
	ha_copy(text, sizeof(text), why);
	snap_begin(ha, text);
	snap_pump(ha);
}

/* After a late commit: nothing unconfirmed is old, so a new barrier has a chance. */
static bool answers_promptly(const struct ha *ha)
{
	const struct ha_commit *commit = &ha->commit;

	return !commit->inflight_len ||
	       ha->now_ms - commit->inflight[commit->inflight_head].sent_ms < ha->config.commit_timeout_ms / 2;
}

static void barrier_if_due(struct ha *ha)
{
	const struct ha_commit *commit = &ha->commit;

	if (commit->feeding && !commit->snapping && !commit->settling && !commit->protecting &&
	    answers_promptly(ha) && ha->now_ms >= commit->retry_ms)
		barrier(ha);
}

void ha_commit_ack(struct ha *ha, const L2tpha__Ack *ack)
{
	struct ha_commit *commit = &ha->commit;
	uint64_t lag;

	if (ha->role != HA_ROLE_ACTIVE || ack->seq > ha->log.seq)
		return;
	if (ack->snap == commit->snap && commit->snapping && ack->chunk <= commit->chunk_sent) {
		commit->chunk_acked = ack->chunk;
		if (commit->doubt_ms)
			unprotect(ha);		/* it knows that it is given everything anew */
	}
	while (commit->inflight_len && commit->inflight[commit->inflight_head].seq <= ack->seq) {
		struct ha_inflight *sent = &commit->inflight[commit->inflight_head];

		lag = ha->now_ms - sent->sent_ms;
		ha->stats.lag_ms_last = lag > UINT32_MAX ? UINT32_MAX : (uint32_t)lag;
		if (ha->stats.lag_ms_last > ha->stats.lag_ms_max)
			ha->stats.lag_ms_max = ha->stats.lag_ms_last;
		commit->inflight_octets -= sent->octets;
		commit->inflight_head = (commit->inflight_head + 1) % commit->inflight_size;
		commit->inflight_len--;
	}
	if (commit->want_snapshot && !commit->inflight_len) {
		snap_begin(ha, "standby was too slow for the live stream");
		snap_pump(ha);
		return;
	}
	if (!commit->feeding)
		return;
	if (ack->complete && ack->seq > commit->acked_seq) {
		commit->acked_seq = ack->seq;
		if (commit->protecting)
			release_to(ha, commit->flush_seq && commit->flush_seq < ack->seq ? commit->flush_seq : ack->seq);
	}
	if (commit->doubt_seq && ack->seq >= commit->doubt_seq)
		unprotect(ha);
	if (ack->complete && commit->barrier_seq && ack->seq >= commit->barrier_seq) {
		commit->barrier_seq = 0;
		commit->backoff_ms = 0;
		commit->believed = true;
		ha_set_sync(ha, HA_SYNC_IN_SYNC, "%s holds everything", ha->peer.node);
	}
	if (commit->flush_seq && commit->acked_seq >= commit->flush_seq)
		ha_roles_flushed(ha, true, NULL);
	if (ack->complete)
		commit->settling = false;
	snap_pump(ha);
	/* who is late is for the tick to say: more confirmations may lie unread behind this one */
	if (ha->role == HA_ROLE_ACTIVE)
		barrier_if_due(ha);
}

void ha_commit(struct ha *ha, uint64_t now_ms)
{
	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (ha->role != HA_ROLE_ACTIVE && ha->role != HA_ROLE_CLAIMING)
		return;
	ha_log_commit(ha, false);
	ha_commit_batch_closed(ha);
	snap_pump(ha);
}

void ha_commit_flush(struct ha *ha)
{
	ha_commit(ha, ha->now_ms);
	ha->commit.flush_seq = ha->log.seq;
	if (ha->commit.acked_seq >= ha->log.seq)
		ha_roles_flushed(ha, true, NULL);
}

static void feed_nobody(struct ha *ha, const char *why)
{
	struct ha_commit *commit = &ha->commit;

	commit->doubt_seq = 0;
	snap_abort(ha);
	inflight_clear(commit);
	commit->feeding = commit->want_snapshot = commit->settling = false;
	commit->backoff_ms = 0;
	if (ha->role == HA_ROLE_ACTIVE || ha->role == HA_ROLE_CLAIMING)
		ha_set_sync(ha, HA_SYNC_SOLO, "%s", why);
}

void ha_commit_stop(struct ha *ha, const char *why)
{
	feed_nobody(ha, why);
	unprotect(ha);
}

void ha_commit_lost(struct ha *ha, const char *why)
{
	feed_nobody(ha, why);
	doubt(ha);
}

void ha_commit_resume(struct ha *ha)
{
	if (ha->commit.was_alone)
		return;
	ha->commit.protecting = ha->commit.believed = ha->config.peer_configured;
	doubt(ha);
}

static bool commit_late(const struct ha *ha)
{
	const struct ha_commit *commit = &ha->commit;

	return commit->protecting && !commit->doubt_ms && commit->inflight_len &&
	       ha->now_ms - commit->inflight[commit->inflight_head].sent_ms >= ha->config.commit_timeout_ms;
}

void ha_commit_tick(struct ha *ha)
{
	struct ha_commit *commit = &ha->commit;

	if (ha->role != HA_ROLE_ACTIVE)
		return;
	if (commit_late(ha)) {
		ha->stats.late_commits++;
		commit->backoff_ms = commit->backoff_ms ? commit->backoff_ms * 2 : HA_BARRIER_BACKOFF_MS;
		if (commit->backoff_ms > HA_BARRIER_BACKOFF_MAX_MS)
			commit->backoff_ms = HA_BARRIER_BACKOFF_MAX_MS;
		commit->retry_ms = ha->now_ms + commit->backoff_ms;
		ha_set_sync(ha, HA_SYNC_DEGRADED, "commit %" PRIu64 " not confirmed by %s within %" PRIu32 " ms",
			    commit->inflight[commit->inflight_head].seq, ha->peer.node,
			    ha->config.commit_timeout_ms);
		doubt_told(ha);
	}
	if (commit->doubt_ms && ha->now_ms >= commit->doubt_ms)
		unprotect(ha);
	if (commit->feeding && commit->inflight_len &&
	    ha->now_ms - commit->inflight[commit->inflight_head].sent_ms >= HA_CONFIRM_MS) {
		/* it is alive, or the link would be down, but will not confirm this any more */
		snap_begin(ha, "standby does not confirm");
		snap_pump(ha);
	}
	barrier_if_due(ha);
}

uint64_t ha_commit_deadline(const struct ha *ha)
{
	const struct ha_commit *commit = &ha->commit;

	if (ha->role != HA_ROLE_ACTIVE)
		return HA_NEVER;
	if (commit->doubt_ms || !commit->feeding)
		return commit->doubt_ms ? commit->doubt_ms : HA_NEVER;
	if (commit->protecting && commit->inflight_len)
		return commit->inflight[commit->inflight_head].sent_ms + ha->config.commit_timeout_ms;
	if (!commit->protecting && !commit->snapping && !commit->settling && !commit->inflight_len)
		return commit->retry_ms;
	return HA_NEVER;
}

void ha_commit_free(struct ha *ha)
{
	snap_abort(ha);
	ha_commit_drop(ha);
	free(ha->commit.inflight);
}
