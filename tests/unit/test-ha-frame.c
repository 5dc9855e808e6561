// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames and the record store: every octet flipped, every length cut, alone
 * and inside a pair; the store against a simple model.
 */
#include "ha/frame.h"
#include "ha/ha.pb-c.h"
#include "ha/store.h"
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static uint8_t *a_frame(size_t *len)
{
	L2tpha__Commit commit = L2TPHA__COMMIT__INIT;
	L2tpha__Record record = L2TPHA__RECORD__INIT, *records[] = { &record };
	uint8_t body[] = "what a session is made of";

	record.type = 3;
	record.a = 4711;
	record.body.data = body;
	record.body.len = sizeof(body);
	commit.n_records = 1;
	commit.records = records;
	return ha_frame_new(HA_FRAME_COMMIT, 5, 77, &commit.base, len);
}

START_TEST(frame_in_any_split)
{
	struct ha_parser parser = { 0 };
	struct ha_frame frame;
	const char *why = NULL;
	size_t len, step, i, n;
	uint8_t *data = a_frame(&len), *three = malloc(len * 3);

	ck_assert_uint_eq(ha_crc32c(0, (const uint8_t *)"123456789", 9), 0xe3069283);
	memcpy(three, data, len);
	memcpy(three + len, data, len);
	memcpy(three + 2 * len, data, len);
	for (step = 1; step <= 3 * len; step++) {
		unsigned int frames = 0;

		for (i = 0; i < 3 * len; i += n) {
			n = step < 3 * len - i ? step : 3 * len - i;
			ck_assert_int_eq(ha_parser_feed(&parser, three + i, n), 0);
			while (ha_parser_next(&parser, &frame, &why) == 1) {
				frames++;
				ck_assert_uint_eq(frame.type, HA_FRAME_COMMIT);
				ck_assert_uint_eq(frame.epoch, 5);
				ck_assert_uint_eq(frame.seq, 77);
				ck_assert_uint_eq(frame.len, len - HA_FRAME_HEADER);
			}
		}
		ck_assert_uint_eq(frames, 3);
		ck_assert_ptr_null(why);
	}
	ha_parser_reset(&parser);
	free(three);
	free(data);
}
END_TEST

START_TEST(every_flipped_bit_and_every_cut_is_seen)
{
	struct ha_parser parser = { 0 };
	struct ha_frame frame;
	const char *why;
	size_t len, i;
	uint8_t *data = a_frame(&len);
	int bit, ret;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			data[i] ^= (uint8_t)(1 << bit);
			why = NULL;
			ck_assert_int_eq(ha_parser_feed(&parser, data, len), 0);
			ret = ha_parser_next(&parser, &frame, &why);
			/* a length that grew is a frame that does not end; all else is refused, with a reason */
			ck_assert_int_ne(ret, 1);
			ck_assert(ret == 0 ? i < 4 : why != NULL);
			ha_parser_reset(&parser);
			data[i] ^= (uint8_t)(1 << bit);
		}
		ck_assert_int_eq(ha_parser_feed(&parser, data, i), 0);
		ck_assert_int_eq(ha_parser_next(&parser, &frame, &why), 0);
		ha_parser_reset(&parser);
	}
	free(data);
}
END_TEST

START_TEST(announced_length_takes_no_memory)
{
	struct ha_parser parser = { 0 };
	struct ha_frame frame;
	const char *why;
	size_t len;
	uint8_t *data = a_frame(&len);

	data[0] = 0;
	data[1] = 0x7f;	/* 8 MB less a little */
	ck_assert_int_eq(ha_parser_feed(&parser, data, len), 0);
	ck_assert_int_eq(ha_parser_next(&parser, &frame, &why), 0);
	ck_assert_uint_lt(parser.size, 8192);
	data[1] = 0x81;
	ha_parser_reset(&parser);
	ck_assert_int_eq(ha_parser_feed(&parser, data, len), 0);
	ck_assert_int_eq(ha_parser_next(&parser, &frame, &why), -EBADMSG);
	ha_parser_reset(&parser);
	free(data);
}
END_TEST

/* ---- in a pair: the octet at a place of the stream towards b is changed -------- */

struct flip {
	size_t at, seen;
	uint8_t mask;
	bool reseal;	/* with a checksum that is right again */
	bool cut;	/* the rest of the piece is lost */
	bool done;
	uint8_t type;	/* of the frame that was hit */
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void flip_tap(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	struct flip *flip = pair->tap_ctx;
	size_t at, start, n;

	if (to != &pair->b || flip->done)
		return;
	at = flip->at - flip->seen;
	flip->seen += *len;
	if (at >= *len)
		return;
	flip->done = true;
	if (flip->cut) {
		*len = at;
		return;
	}
	for (start = 0; start + (n = be32(data + start)) <= at; start += n)
		;
	flip->type = data[start + 7];
	data[at] ^= flip->mask;
	if (flip->reseal && at - start >= HA_FRAME_HEADER) {
		uint64_t epoch = (uint64_t)be32(data + start + 12) << 32 | be32(data + start + 16);

		ha_frame_reseal(data + start, n, epoch);
	}
}

/* false: the stream was shorter than that place */
static bool flipped(struct flip *flip)
{
	struct pair *pair = pair_new();
	uint64_t digest;
	uint32_t i, old;

	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 600);
	for (i = 0; i < 3; i++)
		pair_work(&pair->a, i, 20);
	pair_run(pair, 10);
	ck_assert(pair_in_sync(pair));
	/* b goes away, a goes on beyond its backlog's log: the whole handshake and a snapshot follow */
	pair->want_link = false;
	pair_kill(&pair->b, false);
	pair_cut(pair);
	for (i = 0; i < 3; i++)
		pair_work(&pair->a, 10 + i, 20);
	pair_node_start(&pair->b);
	digest = ha_digest(pair->b.ha);
	old = pair->b.n_swaps;
	pair->tap = flip_tap;
	pair->tap_ctx = flip;
	pair->lies = flip->reseal;
	pair_connect(pair);
	for (i = 0; i < 150; i++) {
		pair_run(pair, 1);
		if (i == 40)
			pair_work(&pair->a, 20, 20);
		/* nothing half applied: the old state, or a whole one */
		if (pair->b.n_swaps == old)
			ck_assert(ha_digest(pair->b.ha) == digest);
	}
	pair->tap = NULL;
	pair->want_link = true;
	pair_run(pair, flip->done ? 8000 : 1);
	if (!flip->done) {
		pair_free(pair);
		return false;
	}
	/* whatever it was, the pair came together again */
	ck_assert_msg(pair_in_sync(pair), "octet %zu (%s): %s, %s: %s", flip->at, ha_frame_type_name(flip->type),
		      ha_sync_name(pair_info(&pair->a).sync), ha_sync_name(pair_info(&pair->b).sync),
		      pair_info(&pair->b).sync_reason);
	pair_equal(pair);
	ck_assert((pair_info(&pair->a).role == HA_ROLE_ACTIVE) != (pair_info(&pair->b).role == HA_ROLE_ACTIVE));
	pair_free(pair);
	return true;
}

START_TEST(every_octet_of_the_stream_flipped)
{
	size_t at;

	for (at = 0; at < 100000; at++) {
		struct flip flip = { .at = at, .mask = (uint8_t)(1 << at % 8) };

		if (!flipped(&flip))
			break;
	}
	ck_assert_uint_gt(at, 500);
}
END_TEST

START_TEST(every_octet_flipped_with_a_right_checksum)
{
	size_t at;

	for (at = 0; at < 100000; at++) {
		struct flip flip = { .at = at, .mask = (uint8_t)(1 << at % 8), .reseal = true };

		if (!flipped(&flip))
			break;
	}
	ck_assert_uint_gt(at, 500);
}
END_TEST

START_TEST(the_stream_cut_at_every_octet)
{
	size_t at;

	for (at = 0; at < 100000; at++) {
		struct flip flip = { .at = at, .cut = true };

		if (!flipped(&flip))
			break;
	}
	ck_assert_uint_gt(at, 500);
}
END_TEST

/* ---- the store against a model -------------------------------------------------- */

START_TEST(store_does_what_a_list_would)
{
	enum { KEYS = 300 };
	static uint32_t value[KEYS];	/* 0: not there */
	struct ha_store *store = ha_store_new(), *twin = ha_store_new();
	uint32_t i, n, count = 0, rng = 7;
	const struct ha_record *record;

	for (i = 0; i < 60000; i++) {
		rng = rng * 1664525u + 1013904223u;
		n = (rng >> 8) % KEYS;
		if (rng >> 30 == 0) {
			ck_assert_int_eq(ha_store_del(store, pair_key(1, n)), value[n] != 0);
			count -= value[n] != 0;
			value[n] = 0;
		} else {
			uint8_t body[64] = { 0 };
			uint32_t v = 1 + (rng >> 20) % 7;

			memcpy(body, &v, 4);
			ck_assert_int_eq(ha_store_put(store, pair_key(1, n), body, 4 + v, NULL), value[n] != v);
			count += value[n] == 0;
			value[n] = v;
		}
		ck_assert_uint_eq(ha_store_count(store), count);
	}
	for (n = 0; n < KEYS; n++) {
		struct ha_record *found = ha_store_find(store, pair_key(1, n));

		ck_assert_int_eq(found != NULL, value[n] != 0);
		if (found)
			ck_assert_uint_eq(found->body[0], value[n]);
	}
	/* the digest does not depend on the way there */
	for (n = KEYS; n--;)
		if ((record = ha_store_find(store, pair_key(1, n))))
			ck_assert_int_eq(ha_store_put(twin, record->key, record->body, record->len, NULL), 1);
	ck_assert(ha_store_digest(store) == ha_store_digest(twin));
	for (n = 0; n < KEYS; n++)
		ha_store_del(store, pair_key(1, n));
	ck_assert_uint_eq(ha_store_count(store), 0);
	ck_assert(ha_store_digest(store) == 0);
	ha_store_free(store);
	ha_store_free(twin);
}
END_TEST

/* A walk sees every record that was there all the time, whatever happens around it. */
START_TEST(cursor_survives_every_change)
{
	enum { KEYS = 400 };
	uint32_t seed;

	for (seed = 1; seed < 40; seed++) {
		struct ha_store *store = ha_store_new();
		bool seen[KEYS] = { false }, touched[KEYS] = { false };
		struct ha_cursor cursor = { 0 };
		struct ha_record *record;
		uint32_t n, rng = seed;
		uint8_t body[100] = { 1 };

		for (n = 0; n < KEYS; n++)
			ck_assert_int_eq(ha_store_put(store, pair_key(1, n), body, 10, NULL), 1);
		ha_cursor_open(&cursor, store);
		while ((record = ha_cursor_next(&cursor))) {
			ck_assert(!seen[record->key.b] || touched[record->key.b]);
			seen[record->key.b] = true;
			for (n = 0; n < 3; n++) {
				uint32_t k;

				rng = rng * 1664525u + 1013904223u;
				k = (rng >> 8) % KEYS;
				if (rng >> 31) {
					touched[k] |= ha_store_del(store, pair_key(1, k));
				} else if (ha_store_find(store, pair_key(1, k))) {
					/* moves in memory, keeps its place */
					ha_store_put(store, pair_key(1, k), body, 11 + (rng >> 4) % 80, NULL);
				}
			}
		}
		for (n = 0; n < KEYS; n++)
			ck_assert(seen[n] || touched[n]);
		/* a walk at its end goes on with what is added */
		ck_assert_int_eq(ha_store_put(store, pair_key(2, 9), body, 1, NULL), 1);
		record = ha_cursor_next(&cursor);
		ck_assert(record && record->key.type == 2);
		ha_cursor_close(&cursor);
		ha_store_free(store);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-frame");
	TCase *tcase = tcase_create("frame");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, frame_in_any_split);
	tcase_add_test(tcase, every_flipped_bit_and_every_cut_is_seen);
	tcase_add_test(tcase, announced_length_takes_no_memory);
	tcase_add_test(tcase, every_octet_of_the_stream_flipped);
	tcase_add_test(tcase, every_octet_flipped_with_a_right_checksum);
	tcase_add_test(tcase, the_stream_cut_at_every_octet);
	tcase_add_test(tcase, store_does_what_a_list_would);
	tcase_add_test(tcase, cursor_survives_every_change);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
