// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer: the HA core as an authenticated peer that has lost its mind sees
 * it.  Of the first octet bit 0 picks who we are (active or standby, in sync)
 * and bits 1 and 2 what the rest is: the raw stream; a list of frames
 *   type, flags, epoch step, seq step (signed), length (2), payload
 * that get a right header and checksum; or (bit 2) orders for an active that
 * builds commits and snapshots out of them, with digests that are right unless
 * an order says otherwise, so that the fuzzer gets past them.
 *
 * Whatever is refused changes nothing: the digest of the store is then that of
 * the last batch or snapshot that came whole (S6).
 */
#include "daemon/log.h"
#include "ha/frame.h"
#include "ha/ha.h"
#include "ha/ha.pb-c.h"
#include "ha/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct side {
	struct ha *ha;
	struct side *other;
	bool fenced;
	uint64_t whole;		/* the store's digest after the last batch or snapshot */
};

static const struct ha_record_type types[] = {
	{ 1, 1, 1, "one" }, { 2, 1, 1, "two" }, { 3, 1, 1, "three" },
};

static void fuzz_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static void fuzz_free(void *ctx, void *output)
{
	(void)ctx;
	free(output);
}

static void drain(struct side *side, uint64_t now_ms)
{
	struct ha_action action;
	struct ha_info info;

	while (ha_action_next(side->ha, &action)) {
		switch (action.type) {
		case HA_ACTION_LINK_SEND:
			if (side->other)
				ha_link_input(side->other->ha, now_ms, action.data, action.len);
			break;
		case HA_ACTION_RELEASE:
			ha_info(side->ha, &info);
			if (side->fenced || !info.owner)
				abort();
			free(action.output);
			break;
		case HA_ACTION_FENCE:
			side->fenced = true;
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_UNFENCE:
			side->fenced = false;
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_EPOCH:
		case HA_ACTION_VIP_ADD:
		case HA_ACTION_ACTIVATE:
		case HA_ACTION_VIP_DEL:
		case HA_ACTION_PASSIVATE:
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_PROBE_VIP:
		case HA_ACTION_LINK_RESET:
		case HA_ACTION_APPLY_PUT:
		case HA_ACTION_APPLY_DEL:
		case HA_ACTION_APPLY_SWAP:
		case HA_ACTION_ROLE:
		case HA_ACTION_SYNC:
			break;
		}
	}
}

static void work(struct side *side, uint64_t now_ms, uint16_t n)
{
	ha_put(side->ha, (struct ha_key){ 1, n, 0, 0 }, &n, sizeof(n));
	ha_output(side->ha, malloc(1));
	ha_commit(side->ha, now_ms);
	drain(side, now_ms);
}

static void quiet(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

/* One frame, and what it may do to the store; end: of a batch or a snapshot. */
static void feed_one(struct side *side, uint64_t now_ms, const uint8_t *frame, size_t len, bool end)
{
	struct ha_info before, after;

	ha_info(side->ha, &before);
	ha_link_input(side->ha, now_ms, frame, len);
	ha_info(side->ha, &after);
	drain(side, now_ms);
	if (after.refused != before.refused || after.bad_frames != before.bad_frames || (before.link_up && !after.link_up)) {
		if (ha_digest(side->ha) != side->whole)
			abort();
		if (after.refused != before.refused && !after.refusal[0] && !after.sync_reason[0])
			abort();
	} else if (end && (after.seq != before.seq || after.snapshots != before.snapshots)) {
		side->whole = ha_digest(side->ha);
	}
}

static bool more_follow(const uint8_t *payload, size_t len)
{
	L2tpha__Commit *commit = l2tpha__commit__unpack(NULL, len, payload);
	bool more = commit && commit->more;

	l2tpha__commit__free_unpacked(commit, NULL);
	return more;
}

/* Frames of the fuzzer's choice, with a header that is right. */
static void feed_frames(struct side *side, uint64_t *now_ms, const uint8_t *data, size_t size)
{
	struct ha_info info;

	while (size >= 6) {
		size_t len = (size_t)data[4] << 8 | data[5], out;
		const uint8_t *in = data;
		uint64_t seq;
		uint8_t *frame;

		data += 6;
		size -= 6;
		if (len > size)
			len = size;
		ha_info(side->ha, &info);
		seq = info.seq + (uint64_t)(int64_t)(int8_t)in[3];
		frame = ha_frame_new(in[0] % 16, 0, seq, NULL, &out);
		frame = realloc(frame, out + len);
		memcpy(frame + out, data, len);
		frame[2] = (uint8_t)((out + len) >> 8);
		frame[3] = (uint8_t)(out + len);
		frame[9] = in[1];
		ha_frame_reseal(frame, out + len, info.epoch + in[2] % 3);
		feed_one(side, *now_ms, frame, out + len, in[0] % 16 == HA_FRAME_SNAP_END ||
			 (in[0] % 16 == HA_FRAME_COMMIT && !more_follow(data, len)));
		free(frame);
		data += len;
		size -= len;
		*now_ms += in[1] % 64;
		ha_tick(side->ha, *now_ms);
		drain(side, *now_ms);
	}
}

/* ---- an active that follows orders ---------------------------------------------- */

enum { RECORDS_MAX = 8 };

struct active {
	struct ha_store *shadow;	/* of the snapshot under way; NULL: none */
	struct ha_store *batch;		/* of the batch under way */
	uint32_t snap, chunk;
	uint64_t snap_seq;
	L2tpha__Record records[RECORDS_MAX], *pointers[RECORDS_MAX];
	size_t n;
};

static bool visit_copy(void *ctx, struct ha_key key, const void *body, size_t len)
{
	ha_store_put(ctx, key, body, len, NULL);
	return true;
}

/* Octets: how many, then for each type and flags, number, length and content of the body. */
static size_t take_records(struct active *active, const uint8_t *data, size_t size)
{
	size_t used = 0, i;

	active->n = size ? data[used++] % RECORDS_MAX : 0;
	for (i = 0; i < active->n; i++) {
		L2tpha__Record *r = &active->records[i];
		size_t len;

		if (size - used < 3) {
			active->n = i;
			break;
		}
		l2tpha__record__init(r);
		r->type = (uint32_t[]){ 1, 2, 3, 9, 200, 0, 300, 1 }[data[used] & 7];
		r->flags = data[used] >> 3 & 3;
		r->a = data[used + 1] % 16;
		len = data[used + 2] % 32;
		used += 3;
		if (len > size - used)
			len = size - used;
		r->body.data = (uint8_t *)(uintptr_t)(data + used);
		r->body.len = len;
		used += len;
		active->pointers[i] = r;
	}
	return used;
}

static void apply(struct active *active, struct ha_store *store)
{
	size_t i;

	for (i = 0; i < active->n; i++) {
		const L2tpha__Record *r = &active->records[i];
		struct ha_key key = { (uint8_t)r->type, (uint16_t)r->a, 0, 0 };

		if (r->flags & 1)
			ha_store_del(store, key);
		else
			ha_store_put(store, key, r->body.data, r->body.len, NULL);
	}
}

static void send_one(struct side *side, uint64_t now_ms, uint8_t type, uint64_t seq, const ProtobufCMessage *msg, bool end)
{
	struct ha_info info;
	uint8_t *frame;
	size_t len;

	ha_info(side->ha, &info);
	frame = ha_frame_new(type, info.epoch, seq, msg, &len);
	feed_one(side, now_ms, frame, len, end);
	free(frame);
}

static void store_drop(struct ha_store **store)
{
	ha_store_free(*store);
	*store = NULL;
}

static size_t order_commit(struct side *side, struct active *active, uint64_t now_ms, uint8_t how, uint64_t seq,
			   const uint8_t *data, size_t size)
{
	L2tpha__Commit commit = L2TPHA__COMMIT__INIT;
	size_t used = take_records(active, data, size);
	struct ha_store *store = active->shadow;

	if (!store && !active->batch) {
		active->batch = ha_store_new();
		ha_visit(side->ha, 0, visit_copy, active->batch);
	}
	store = store ? store : active->batch;
	apply(active, store);
	commit.records = active->pointers;
	commit.n_records = active->n;
	commit.more = how >> 3 & 1;
	commit.barrier = how >> 4 & 1;
	commit.digest = ha_store_digest(store) ^ (how >> 5 & 1);
	commit.count = ha_store_count(store) + (how >> 6 & 1);
	send_one(side, now_ms, HA_FRAME_COMMIT, (active->shadow ? ++active->snap_seq : seq + 1) + (how >> 7), &commit.base,
		 !commit.more && !active->shadow);
	if (!commit.more)
		store_drop(&active->batch);
	return used;
}

static size_t order_chunk(struct side *side, struct active *active, uint64_t now_ms, uint8_t how,
			  const uint8_t *data, size_t size)
{
	L2tpha__SnapChunk chunk = L2TPHA__SNAP_CHUNK__INIT;
	size_t used = take_records(active, data, size);

	if (active->shadow)
		apply(active, active->shadow);
	chunk.snap = active->snap + (how >> 6 & 1);
	chunk.chunk = ++active->chunk + (how >> 7);
	chunk.records = active->pointers;
	chunk.n_records = active->n;
	send_one(side, now_ms, HA_FRAME_SNAP_CHUNK, 0, &chunk.base, false);
	return used;
}

static void order_begin(struct side *side, struct active *active, uint64_t now_ms, uint64_t seq)
{
	L2tpha__SnapBegin begin = L2TPHA__SNAP_BEGIN__INIT;

	store_drop(&active->batch);
	store_drop(&active->shadow);
	active->shadow = ha_store_new();
	active->chunk = 0;
	begin.snap = ++active->snap;
	begin.log_id = 0x77;
	begin.seq = active->snap_seq = seq;
	send_one(side, now_ms, HA_FRAME_SNAP_BEGIN, seq, &begin.base, false);
}

static void order_end(struct side *side, struct active *active, uint64_t now_ms, uint8_t how)
{
	L2tpha__SnapEnd end = L2TPHA__SNAP_END__INIT;

	end.snap = active->snap + (how >> 3 & 1);
	end.seq = active->snap_seq + (how >> 4 & 1);
	if (active->shadow) {
		end.digest = ha_store_digest(active->shadow) ^ (how >> 5 & 1);
		end.count = ha_store_count(active->shadow) + (how >> 6 & 1);
	}
	send_one(side, now_ms, HA_FRAME_SNAP_END, end.seq, &end.base, true);
	store_drop(&active->shadow);
}

static void order_heartbeat(struct side *side, uint64_t now_ms, uint8_t how, const struct ha_info *info)
{
	L2tpha__Heartbeat beat = L2TPHA__HEARTBEAT__INIT;

	beat.role = how & 8 ? HA_ROLE_CLAIMING : HA_ROLE_ACTIVE;
	beat.sync = how >> 4 & 3;
	beat.sync_reason = (char *)"";
	beat.epoch = beat.owned = info->epoch;
	beat.seq = info->seq;
	beat.digest = ha_digest(side->ha) ^ (how >> 6 & 1);
	beat.digest_valid = how >> 7;
	send_one(side, now_ms, HA_FRAME_HEARTBEAT, info->seq, &beat.base, false);
}

static void feed_orders(struct side *side, uint64_t *now_ms, const uint8_t *data, size_t size)
{
	L2tpha__Continue go_on = L2TPHA__CONTINUE__INIT;
	struct active active = { 0 };
	struct ha_info info;

	while (size) {
		uint8_t how = *data++;
		size_t used = 0;

		size--;
		ha_info(side->ha, &info);
		switch (how & 7) {
		case 0:
		case 1:
			used = order_commit(side, &active, *now_ms, how, info.seq, data, size);
			break;
		case 2:
			order_begin(side, &active, *now_ms, info.seq + (how >> 3));
			break;
		case 3:
			used = order_chunk(side, &active, *now_ms, how, data, size);
			break;
		case 4:
			order_end(side, &active, *now_ms, how);
			break;
		case 5:
			store_drop(&active.batch);
			store_drop(&active.shadow);
			go_on.log_id = 0x78;
			go_on.seq = info.seq + (how >> 7);
			send_one(side, *now_ms, HA_FRAME_CONTINUE, go_on.seq, &go_on.base, false);
			break;
		case 6:
			order_heartbeat(side, *now_ms, how, &info);
			break;
		case 7:
			*now_ms += how >> 3;
			ha_tick(side->ha, *now_ms);
			drain(side, *now_ms);
			break;
		}
		data += used;
		size -= used;
	}
	store_drop(&active.batch);
	store_drop(&active.shadow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_config config = { .node = "a", .group = "g", .peer_configured = true, .detector = true,
				    .record_types = types, .record_type_count = sizeof(types) / sizeof(types[0]) };
	struct side a = { .fenced = true }, b = { .fenced = true }, *us;
	struct ha_ops ops = { .random = fuzz_random, .output_free = fuzz_free };
	uint64_t now_ms = 1000;
	uint16_t n;

	if (size < 1)
		return 0;
	log_set_sink(quiet, NULL, LOG_LEVEL_ERROR);
	a.ha = ha_new(&config, &ops, now_ms);
	strcpy(config.node, "b");
	b.ha = ha_new(&config, &ops, now_ms);
	a.other = &b;
	b.other = &a;
	ha_link_up(a.ha, now_ms);
	ha_link_up(b.ha, now_ms);
	for (n = 0; n < 20; n++) {
		now_ms += 60;
		ha_tick(a.ha, now_ms);
		drain(&a, now_ms);
		ha_tick(b.ha, now_ms);
		drain(&b, now_ms);
		if (n > 12)
			work(&a, now_ms, n);
	}
	us = data[0] & 1 ? &a : &b;
	us->other = NULL;
	us->whole = ha_digest(us->ha);
	if (data[0] & 4) {
		feed_orders(us, &now_ms, data + 1, size - 1);
	} else if (data[0] & 2) {
		ha_link_input(us->ha, now_ms, data + 1, size - 1);
		drain(us, now_ms);
	} else {
		feed_frames(us, &now_ms, data + 1, size - 1);
	}
	for (n = 0; n < 10; n++) {
		now_ms += 130;
		ha_tick(us->ha, now_ms);
		drain(us, now_ms);
		work(us, now_ms, n);
	}
	ha_free(a.ha);
	ha_free(b.ha);
	return 0;
}
