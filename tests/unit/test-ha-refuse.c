// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a standby in sync does with a stream that is wrong and has a right
 * checksum: changed at every octet, in batches of one frame and of several,
 * replayed, of another epoch, too new.  It is refused with a reason, and what
 * the standby holds is at every moment what the active held after some batch:
 * never a part of one (S6).
 */
#include "ha/frame.h"
#include "ha/ha.pb-c.h"
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static uint64_t states[256];
static uint32_t n_states;

static void remember(const struct node *node)
{
	ck_assert_uint_lt(n_states, 256);
	states[n_states++] = ha_digest(node->ha);
}

static bool known(uint64_t digest)
{
	uint32_t i;

	for (i = 0; i < n_states; i++)
		if (states[i] == digest)
			return true;
	return false;
}

static void change(struct node *node, uint32_t round)
{
	uint32_t i;

	for (i = 0; i < 3; i++)
		pair_put(node, round * 2 + i, 12 + (round + i) % 5);
	if (round % 2)
		ha_del(node->ha, pair_key(1, round * 2));
	ha_commit(node->ha, node->pair->now_ms);
	remember(node);
	pair_drain(node);
}

struct tap {
	size_t at, seen;
	uint8_t mask;
	bool done;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool goes_on(const uint8_t *payload, size_t len)
{
	L2tpha__Commit *commit = l2tpha__commit__unpack(NULL, len, payload);
	bool more = commit && commit->more;

	l2tpha__commit__free_unpacked(commit, NULL);
	return more;
}

/* One octet of the commits towards b, behind their headers, with a checksum that is right again. */
static void tap_commit(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	size_t start, n, at;

	for (start = 0; to == &pair->b && start < *len && !tap->done; start += n) {
		n = be32(data + start);
		if (data[start + 7] != HA_FRAME_COMMIT)
			continue;
		at = tap->at - tap->seen;
		tap->seen += n - HA_FRAME_HEADER;
		if (at >= n - HA_FRAME_HEADER)
			continue;
		tap->done = true;
		data[start + HA_FRAME_HEADER + at] ^= tap->mask;
		/* a batch that is said to go on is open, not applied in part: the tests below */
		if (goes_on(data + start + HA_FRAME_HEADER, n - HA_FRAME_HEADER))
			data[start + HA_FRAME_HEADER + at] ^= tap->mask;
		ha_frame_reseal(data + start, n, (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16));
	}
}

START_TEST(every_octet_of_every_commit)
{
	struct tap tap = { .done = true };
	size_t at, refused = 0;
	uint32_t round, ms;

	for (at = 0; tap.done; at++) {
		struct pair *pair = pair_up();

		n_states = 0;
		remember(&pair->a);
		tap = (struct tap){ .at = at, .mask = (uint8_t)(1 << at % 8) };
		pair->tap = tap_commit;
		pair->tap_ctx = &tap;
		for (round = 0; round < 4; round++) {
			change(&pair->a, round);
			for (ms = 0; ms < 4; ms++) {
				pair_run(pair, 1);
				ck_assert_msg(known(ha_digest(pair->b.ha)), "octet %zu: a part of a batch was applied", at);
			}
		}
		refused += pair_info(&pair->b).refused || pair_info(&pair->b).bad_frames;
		if (tap.done && pair_info(&pair->b).refused)
			ck_assert_str_ne(pair_info(&pair->b).refusal, "");
		for (ms = 0; ms < 3000; ms += 50) {
			pair_run(pair, 50);
			ck_assert(known(ha_digest(pair->b.ha)));
		}
		ck_assert_msg(pair_in_sync(pair), "octet %zu", at);
		pair_equal(pair);
		pair_free(pair);
	}
	ck_assert_uint_gt(at, 200);
	ck_assert_uint_gt(refused, at / 2);
}
END_TEST

static void big_batch(struct node *node)
{
	uint32_t i;

	for (i = 0; i < 20000; i++)
		pair_put(node, 1000 + i, 20);
	ha_commit(node->ha, node->pair->now_ms);
	remember(node);
	pair_drain(node);
}

/* The digest at the end of a batch of several frames is wrong: all of it is taken back. */
static void tap_last(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	L2tpha__Commit *commit;
	uint8_t *frame;
	size_t start, n, out;

	for (start = 0; to == &pair->b && start < *len && !tap->done; start += n) {
		n = be32(data + start);
		if (data[start + 7] != HA_FRAME_COMMIT)
			continue;
		commit = l2tpha__commit__unpack(NULL, n - HA_FRAME_HEADER, data + start + HA_FRAME_HEADER);
		ck_assert_ptr_nonnull(commit);
		if (commit->more) {
			tap->seen++;
		} else if (tap->seen) {
			commit->digest ^= 1;
			frame = ha_frame_new(HA_FRAME_COMMIT, 0, (uint64_t)be32(data + start + 20) << 32 | be32(data + start + 24),
					     &commit->base, &out);
			ck_assert_uint_eq(out, n);
			ha_frame_reseal(frame, out, (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16));
			memcpy(data + start, frame, n);
			free(frame);
			tap->done = true;
		}
		l2tpha__commit__free_unpacked(commit, NULL);
	}
}

START_TEST(a_batch_of_several_frames_is_taken_back_whole)
{
	struct pair *pair = pair_up();
	struct tap tap = { 0 };
	uint64_t before;

	n_states = 0;
	change(&pair->a, 1);
	pair_run(pair, 10);
	before = ha_digest(pair->b.ha);
	ck_assert(known(before));
	pair->tap = tap_last;
	pair->tap_ctx = &tap;
	big_batch(&pair->a);
	pair_run(pair, 2);
	ck_assert(tap.done && tap.seen);
	ck_assert(ha_digest(pair->b.ha) == before);
	ck_assert_msg(strstr(pair_info(&pair->b).sync_reason, "refused: at "), "%s", pair_info(&pair->b).sync_reason);
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* The stream ends within such a batch: who takes over has what was before it. */
static void tap_cut(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	size_t start, n;

	for (start = 0; to == &pair->b && start < *len; start += n) {
		n = be32(data + start);
		if (data[start + 7] == HA_FRAME_COMMIT && n > 100000) {
			tap->seen++;
			if (tap->seen == 1) {
				*len = start + n;
				tap->done = true;
			}
		}
	}
	if (tap->seen > 1)
		*len = 0;
}

START_TEST(half_a_batch_is_none)
{
	struct pair *pair = pair_up();
	struct tap tap = { 0 };
	uint64_t before;

	n_states = 0;
	change(&pair->a, 1);
	pair_run(pair, 10);
	before = ha_digest(pair->b.ha);
	pair->tap = tap_cut;
	pair->tap_ctx = &tap;
	big_batch(&pair->a);
	pair_run(pair, 2);
	ck_assert(tap.done);
	ck_assert(!known(ha_digest(pair->b.ha)));	/* it is in the middle of it */
	pair->want_link = false;
	pair_kill(&pair->a, false);
	pair->tap = NULL;
	pair_cut(pair);
	ck_assert(ha_digest(pair->b.ha) == before);
	pair_run(pair, 5000);
	ck_assert_str_eq(ha_role_name(pair_info(&pair->b).role), "active");
	ck_assert(ha_digest(pair->b.ha) == before);
	ck_assert_uint_ge(pair->b.n_swaps, 2);	/* the mirror had a part of it: rebuilt */
	pair_free(pair);
}
END_TEST

/* ---- whole frames that have no business there ------------------------------------ */

static uint8_t *commit_frame(uint64_t seq, uint64_t epoch, size_t *len)
{
	L2tpha__Commit commit = L2TPHA__COMMIT__INIT;
	L2tpha__Record record = L2TPHA__RECORD__INIT, *records[] = { &record };
	uint8_t body[] = "of somebody else";
	uint8_t *frame;

	record.type = 1;
	record.a = 77;
	record.body.data = body;
	record.body.len = sizeof(body);
	commit.n_records = 1;
	commit.records = records;
	commit.more = true;
	frame = ha_frame_new(HA_FRAME_COMMIT, 0, seq, &commit.base, len);
	ha_frame_reseal(frame, *len, epoch);
	return frame;
}

static void feed(struct node *node, uint8_t *frame)
{
	ha_link_input(node->ha, node->pair->now_ms, frame, be32(frame));
	pair_drain(node);
	free(frame);
}

/* Recovers by itself, and until then nothing changed. */
static void refused_and_well(struct pair *pair, uint64_t before, const char *what)
{
	uint32_t ms;

	ck_assert_msg(ha_digest(pair->b.ha) == before, "%s", what);
	ck_assert_msg(!pair->b.frozen && pair->b.fenced, "%s", what);
	for (ms = 0; ms < 4000; ms += 20) {
		pair_run(pair, 20);
		ck_assert_msg(ha_digest(pair->b.ha) == before, "%s", what);
	}
	ck_assert_msg(pair_in_sync(pair), "%s: %s", what, pair_info(&pair->b).sync_reason);
	ck_assert_str_eq(ha_role_name(pair_info(&pair->a).role), "active");
}

START_TEST(replayed_foreign_and_too_new)
{
	struct pair *pair = pair_up();
	uint64_t before, seq, epoch;
	uint32_t resets;
	uint8_t *frame;
	size_t len;

	n_states = 0;
	change(&pair->a, 1);
	pair_run(pair, 10);
	before = ha_digest(pair->b.ha);
	seq = pair_info(&pair->b).seq;
	epoch = pair_info(&pair->b).epoch;
	/* replayed: of a number that was */
	feed(&pair->b, commit_frame(seq, epoch, &len));
	ck_assert_msg(strstr(pair_info(&pair->b).refusal, "came after"), "%s", pair_info(&pair->b).refusal);
	refused_and_well(pair, before, "replayed");
	/* from the future: something is missing before it */
	seq = pair_info(&pair->b).seq;
	feed(&pair->b, commit_frame(seq + 2, epoch, &len));
	ck_assert(strstr(pair_info(&pair->b).refusal, "came after"));
	refused_and_well(pair, before, "a gap");
	/* of a reign that is over */
	seq = pair_info(&pair->b).seq;
	feed(&pair->b, commit_frame(seq + 1, epoch - 1, &len));
	refused_and_well(pair, before, "an old epoch");
	/* the header's version, and a type that must be understood */
	frame = commit_frame(seq + 1, epoch, &len);
	frame[6]++;
	ha_frame_reseal(frame, len, epoch);
	feed(&pair->b, frame);
	refused_and_well(pair, before, "a new frame version");
	frame = commit_frame(seq + 1, epoch, &len);
	frame[7] = 99;
	ha_frame_reseal(frame, len, epoch);
	feed(&pair->b, frame);
	refused_and_well(pair, before, "a new frame type");
	/* one that may be skipped is */
	frame = commit_frame(seq + 1, epoch, &len);
	frame[7] = 99;
	frame[9] |= HA_FRAME_FLAG_OPTIONAL;
	ha_frame_reseal(frame, len, epoch);
	resets = pair->b.n_resets;
	feed(&pair->b, frame);
	ck_assert_uint_eq(pair->b.n_resets, resets);
	refused_and_well(pair, before, "an optional frame type");
	pair_free(pair);
}
END_TEST

/* The end of the snapshot is not that of what came: number, count or digest. */
static void tap_snapshot(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	L2tpha__SnapEnd *end;
	uint8_t *frame;
	size_t start, n, out;

	for (start = 0; to == &pair->b && start < *len && !tap->done; start += n) {
		n = be32(data + start);
		if (data[start + 7] != HA_FRAME_SNAP_END)
			continue;
		end = l2tpha__snap_end__unpack(NULL, n - HA_FRAME_HEADER, data + start + HA_FRAME_HEADER);
		ck_assert_ptr_nonnull(end);
		end->digest ^= tap->at == 0;
		end->count += tap->at == 1;
		end->seq += tap->at == 2;
		end->snap += tap->at == 3;
		frame = ha_frame_new(HA_FRAME_SNAP_END, 0, (uint64_t)be32(data + start + 20) << 32 | be32(data + start + 24),
				     &end->base, &out);
		ck_assert_uint_eq(out, n);
		ha_frame_reseal(frame, out, (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16));
		memcpy(data + start, frame, n);
		free(frame);
		l2tpha__snap_end__free_unpacked(end, NULL);
		tap->done = true;
	}
}

START_TEST(a_snapshot_that_is_another_is_refused)
{
	struct pair *pair = pair_new();
	struct tap tap = { .at = (size_t)_i };
	struct ha_info info;

	pair_node_start(&pair->a);
	pair_run(pair, 6000);
	for (uint32_t i = 0; i < 10; i++)
		pair_work(&pair->a, i, 50);
	pair->tap = tap_snapshot;
	pair->tap_ctx = &tap;
	pair_node_start(&pair->b);
	pair->want_link = true;
	while (!tap.done)
		pair_run(pair, 1);
	pair_run(pair, 2);
	info = pair_info(&pair->b);
	ck_assert_uint_eq(info.records, 0);
	ck_assert_int_ne(info.sync, HA_SYNC_IN_SYNC);
	ck_assert_int_lt(info.fitness, HA_FITNESS_READY);
	ck_assert_ptr_nonnull(strstr(info.refusal, "snapshot"));
	pair_run(pair, 3000);			/* the next one is whole */
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(&pair->b).records, 10);
	pair_free(pair);
}
END_TEST

/* A heartbeat that says another digest of the same sequence number. */
static void tap_beat(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	L2tpha__Heartbeat *beat;
	uint8_t *frame;
	size_t start, n, out;

	for (start = 0; to == &pair->b && start < *len && !tap->done; start += n) {
		n = be32(data + start);
		if (data[start + 7] != HA_FRAME_HEARTBEAT)
			continue;
		beat = l2tpha__heartbeat__unpack(NULL, n - HA_FRAME_HEADER, data + start + HA_FRAME_HEADER);
		ck_assert_ptr_nonnull(beat);
		if (beat->digest_valid) {
			beat->digest ^= 1;
			frame = ha_frame_new(HA_FRAME_HEARTBEAT, 0,
					     (uint64_t)be32(data + start + 20) << 32 | be32(data + start + 24), &beat->base, &out);
			ck_assert_uint_eq(out, n);
			ha_frame_reseal(frame, out, (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16));
			memcpy(data + start, frame, n);
			free(frame);
			tap->done = true;
		}
		l2tpha__heartbeat__free_unpacked(beat, NULL);
	}
}

/* What both hold is compared all the time: a standby that drifted says so, and starts anew. */
START_TEST(drift_is_noticed)
{
	struct pair *pair = pair_up();
	struct tap tap = { 0 };
	uint64_t snapshots;

	pair_work(&pair->a, 1, 50);
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	snapshots = pair_info(&pair->a).snapshots;
	pair->tap = tap_beat;
	pair->tap_ctx = &tap;
	while (!tap.done)
		pair_run(pair, 1);
	pair_run(pair, 1000);
	ck_assert_uint_gt(pair_info(&pair->a).snapshots, snapshots);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* The word of a handover: what is handed over is not what is here. */
static void tap_handover(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct tap *tap = pair->tap_ctx;
	L2tpha__Handover *word;
	uint8_t *frame;
	size_t start, n, out;

	for (start = 0; to == &pair->b && start < *len && !tap->done; start += n) {
		n = be32(data + start);
		if (data[start + 7] != HA_FRAME_HANDOVER)
			continue;
		word = l2tpha__handover__unpack(NULL, n - HA_FRAME_HEADER, data + start + HA_FRAME_HEADER);
		ck_assert_ptr_nonnull(word);
		word->digest ^= tap->at == 0;
		word->seq += tap->at == 1;
		frame = ha_frame_new(HA_FRAME_HANDOVER, 0, (uint64_t)be32(data + start + 20) << 32 | be32(data + start + 24),
				     &word->base, &out);
		ck_assert_uint_eq(out, n);
		ha_frame_reseal(frame, out, (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16));
		memcpy(data + start, frame, n);
		free(frame);
		l2tpha__handover__free_unpacked(word, NULL);
		tap->done = true;
	}
}

START_TEST(a_handover_of_something_else_is_refused)
{
	struct pair *pair = pair_up();
	struct tap tap = { .at = (size_t)_i };
	char reason[HA_REASON_MAX];
	struct ha_info info;

	pair_work(&pair->a, 1, 50);
	pair_run(pair, 1000);
	pair->tap = tap_handover;
	pair->tap_ctx = &tap;
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 2000);
	ck_assert(tap.done);
	info = pair_info(&pair->a);
	ck_assert_int_eq(info.role, HA_ROLE_ACTIVE);		/* it took it back */
	ck_assert_str_eq(info.history[0].cause, "handover refused: records are missing here");
	ck_assert_int_eq(pair_info(&pair->b).role, HA_ROLE_STANDBY);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* A pair whose groups have other tunnels on each box: said in one line, nothing is mixed up. */
START_TEST(tunnels_of_another_division)
{
	static const struct ha_record_type types[] = { { 1, 1, 1, "one" } };
	static const struct ha_id_range others[] = { { 20, 30 }, { 10, 19 } };
	struct pair *pair = pair_new();
	struct ha_info info;

	pair->b.config.not_ours = others;
	pair->b.config.not_ours_count = 2;
	pair->a.config.record_types = pair->b.config.record_types = types;
	pair->a.config.record_type_count = pair->b.config.record_type_count = 1;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	ha_put(pair->a.ha, (struct ha_key){ 1, 9, 0, 0 }, "ours", 4);
	ha_commit(pair->a.ha, pair->now_ms);
	pair_drain(&pair->a);
	pair_run(pair, 100);
	ck_assert(pair_in_sync(pair));
	ha_put(pair->a.ha, (struct ha_key){ 1, 10, 0, 0 }, "not ours", 8);
	ha_commit(pair->a.ha, pair->now_ms);
	pair_drain(&pair->a);
	pair_run(pair, 300);
	info = pair_info(&pair->b);
	ck_assert_int_ne(info.sync, HA_SYNC_IN_SYNC);
	ck_assert_uint_eq(info.records, 1);
	ck_assert_ptr_nonnull(strstr(info.refusal, "tunnel 10 is among 10 to 19 of another group here"));
	/* it ends with the tunnel */
	ha_del(pair->a.ha, (struct ha_key){ 1, 10, 0, 0 });
	ha_commit(pair->a.ha, pair->now_ms);
	pair_drain(&pair->a);
	pair_run(pair, 9000);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-refuse");
	TCase *tcase = tcase_create("refuse");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_octet_of_every_commit);
	tcase_add_test(tcase, a_batch_of_several_frames_is_taken_back_whole);
	tcase_add_test(tcase, half_a_batch_is_none);
	tcase_add_test(tcase, replayed_foreign_and_too_new);
	tcase_add_test(tcase, tunnels_of_another_division);
	tcase_add_test(tcase, drift_is_noticed);
	tcase_add_loop_test(tcase, a_handover_of_something_else_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_snapshot_that_is_another_is_refused, 0, 4);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
