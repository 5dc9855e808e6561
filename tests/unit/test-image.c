// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The image of a node's records: whatever is done to its octets, what comes
 * back is a state that was, whole, or a refusal.  And the HA core that writes
 * it: killed after any of its writes it comes back with the state before or
 * after, through areas that fill up and are replaced.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "ha/image.h"
#include "tests/unit/check_main.h"

#define AREA 65536

static const struct ha_image_owner me = { .node = "lns-a", .group = "one", .boot_id = { 1, 2, 3 } };
static uint8_t area[AREA];

/* ---- what was loaded ---- */

struct seen {
	unsigned puts, dels, locals;
	uint32_t sum;
};

static bool see(void *ctx, struct ha_key key, bool local, const void *body, size_t len)
{
	struct seen *seen = ctx;

	seen->locals += local;
	if (!body) {
		seen->dels++;
		return true;
	}
	seen->puts++;
	seen->sum = seen->sum * 31 + key.a + key.b;
	for (size_t i = 0; i < len; i++)
		seen->sum = seen->sum * 31 + ((const uint8_t *)body)[i];
	return true;
}

static int load(const uint8_t *base, size_t size, struct seen *seen, struct ha_image_mark *mark, char why[HA_REASON_MAX])
{
	size_t end;

	*seen = (struct seen){ 0 };
	why[0] = '\0';
	return ha_image_load(base, size, &me, see, seen, mark, &end, why);
}

static void write_records(struct ha_image *image, unsigned from, unsigned n)
{
	char body[64];

	for (unsigned i = from; i < from + n; i++) {
		int len = snprintf(body, sizeof(body), "record %u of all", i);

		ck_assert_int_eq(ha_image_record(image, (struct ha_key){ 1, (uint16_t)i, 7, 0 }, i % 3 == 0, body,
						 (size_t)len), 0);
	}
}

static struct ha_image two_states(size_t *first_end)
{
	struct ha_image_mark mark = { .epoch = 7, .seq = 3, .log_id = 99, .count = 5, .reigning = true };
	struct ha_image image;

	memset(area, 0, sizeof(area));
	ck_assert_int_eq(ha_image_format(&image, area, sizeof(area), &me), 0);
	write_records(&image, 0, 5);
	ck_assert_int_eq(ha_image_mark(&image, &mark), 0);
	*first_end = image.at;
	write_records(&image, 5, 4);
	ck_assert_int_eq(ha_image_record(&image, (struct ha_key){ 1, 2, 7, 0 }, false, NULL, 0), 0);
	mark.seq = 4;
	mark.count = 8;
	ck_assert_int_eq(ha_image_mark(&image, &mark), 0);
	return image;
}

/* ---- the format ---- */

START_TEST(comes_back_as_it_was)
{
	char why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct seen seen;
	size_t first;

	two_states(&first);
	ck_assert_int_eq(load(area, sizeof(area), &seen, &mark, why), 0);
	ck_assert_uint_eq(seen.puts, 9);
	ck_assert_uint_eq(seen.dels, 1);
	ck_assert_uint_eq(seen.locals, 3);
	ck_assert_uint_eq(mark.epoch, 7);
	ck_assert_uint_eq(mark.seq, 4);
	ck_assert_uint_eq(mark.log_id, 99);
	ck_assert(mark.reigning);
}
END_TEST

/* Killed in the middle of writing: only a prefix of the second state's octets got there, the word did not. */
START_TEST(torn_anywhere_it_is_the_state_before)
{
	static uint8_t torn[AREA];
	char why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct ha_image image, old;
	struct seen seen;
	size_t first, k;
	uint64_t word;

	image = two_states(&first);
	for (k = first; k <= image.at; k++) {
		memcpy(torn, area, sizeof(torn));
		memset(torn + k, k % 2 ? 0xff : 0, sizeof(torn) - k);
		/* the word as it was after the first state */
		memcpy(&word, area + 176, 8);
		(void)ha_image_format(&old, torn, sizeof(torn), &me);
		write_records(&old, 0, 5);
		ck_assert_int_eq(ha_image_mark(&old, &(struct ha_image_mark){ .epoch = 7, .seq = 3, .log_id = 99, .count = 5,
									     .reigning = true }), 0);
		ck_assert_uint_eq(old.at, first);
		ck_assert_int_eq(load(torn, sizeof(torn), &seen, &mark, why), 0);
		ck_assert_uint_eq(mark.seq, 3);
		ck_assert_uint_eq(seen.puts, 5);
		memcpy(torn + 176, &word, 8);
		if (!memcmp(torn, area, image.at))	/* the last octets are zeroes anyway */
			ck_assert_int_eq(load(torn, sizeof(torn), &seen, &mark, why), 0);
		else
			ck_assert_int_ne(load(torn, sizeof(torn), &seen, &mark, why), 0);
	}
}
END_TEST

START_TEST(cut_at_each_length_it_is_refused)
{
	char why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct ha_image image;
	struct seen seen;
	size_t first, k;

	image = two_states(&first);
	for (k = 0; k < image.at; k++) {
		uint8_t *copy = malloc(k ? k : 1);	/* a read behind it would be seen */

		memcpy(copy, area, k);
		ck_assert_int_ne(load(copy, k, &seen, &mark, why), 0);
		ck_assert_str_ne(why, "");
		free(copy);
	}
	ck_assert_int_eq(load(area, image.at, &seen, &mark, why), 0);
}
END_TEST

START_TEST(with_any_bit_flipped_it_is_refused)
{
	char why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct ha_image image;
	struct seen seen;
	size_t first, k;

	image = two_states(&first);
	for (k = 0; k < image.at * 8; k++) {
		size_t octet = k / 8;
		int rc;

		area[octet] ^= (uint8_t)(1 << k % 8);
		rc = load(area, sizeof(area), &seen, &mark, why);
		/* what nobody reads may be anything: the gap between the checksum and the word, and behind it */
		if (!(octet >= 164 && octet < 176) && octet != 184 && !(octet > 184 && octet < 192))
			ck_assert_msg(rc != 0, "bit %zu of octet %zu", k % 8, octet);
		area[octet] ^= (uint8_t)(1 << k % 8);
	}
	area[image.at + 3] ^= 1;	/* does not count yet */
	ck_assert_int_eq(load(area, sizeof(area), &seen, &mark, why), 0);
}
END_TEST

static void refused(const char *pattern, int error)
{
	char why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct seen seen;

	ck_assert_int_eq(load(area, sizeof(area), &seen, &mark, why), error);
	ck_assert_msg(strstr(why, pattern) != NULL, "%s", why);
}

START_TEST(of_somebody_else_it_is_refused)
{
	struct ha_image_owner other = me;
	struct ha_image image;

	snprintf(other.node, sizeof(other.node), "lns-b");
	ck_assert_int_eq(ha_image_format(&image, area, sizeof(area), &other), 0);
	refused("is of node \"lns-b\"", -EXDEV);
	other = me;
	snprintf(other.group, sizeof(other.group), "one1");
	ck_assert_int_eq(ha_image_format(&image, area, sizeof(area), &other), 0);
	refused("group \"one1\"", -EXDEV);
	other = me;
	other.boot_id[15] = 1;
	ck_assert_int_eq(ha_image_format(&image, area, sizeof(area), &other), 0);
	refused("another boot", -ESTALE);
	ck_assert_int_eq(ha_image_format(&image, area, sizeof(area), &me), 0);
	refused("never finished", -ENODATA);
	area[9] = HA_IMAGE_VERSION + 1;
	refused("knows up to", -EPROTO);
	memset(area, 0, sizeof(area));
	refused("not an image", -EBADMSG);
}
END_TEST

START_TEST(given_up_it_is_refused)
{
	struct ha_image image;
	size_t first;

	image = two_states(&first);
	ha_image_void(&image);
	refused("given up", -ENODATA);
}
END_TEST

START_TEST(full_it_says_so_and_stays_good)
{
	char why[HA_REASON_MAX], body[1000] = "";
	struct ha_image_mark mark = { .seq = 1 };
	struct ha_image image;
	struct seen seen;
	unsigned n = 0;

	memset(area, 0, sizeof(area));
	ck_assert_int_eq(ha_image_format(&image, area, 8192, &me), 0);
	ck_assert_int_eq(ha_image_mark(&image, &mark), 0);
	while (!ha_image_record(&image, (struct ha_key){ 1, (uint16_t)n, 0, 0 }, false, body, sizeof(body)))
		n++;
	ck_assert_uint_eq(n, 7);
	ck_assert_int_eq(load(area, 8192, &seen, &mark, why), 0);
	ck_assert_uint_eq(seen.puts, 0);
	ck_assert_int_eq(ha_image_format(&image, area, HA_IMAGE_MIN - 1, &me), -ENOSPC);
}
END_TEST

/* ---- the core that writes it ---- */

struct shell {
	uint8_t *now, *next;
	size_t now_size, next_size;
	unsigned swaps, begins, fail_begin;
};

static uint8_t *shell_begin(void *ctx, size_t size, size_t *got)
{
	struct shell *s = ctx;

	s->begins++;
	if (s->fail_begin)
		return NULL;
	free(s->next);
	s->next = calloc(1, size);
	s->next_size = *got = size;
	return s->next;
}

static int shell_swap(void *ctx)
{
	struct shell *s = ctx;

	free(s->now);
	s->now = s->next;
	s->now_size = s->next_size;
	s->next = NULL;
	s->swaps++;
	return 0;
}

static void core_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static void core_free(void *ctx, void *output)
{
	(void)ctx;
	(void)output;
}

static const struct ha_record_type *core_types;	/* one that the next core knows; NULL: it takes any */

static uint16_t core_last;	/* what is above is of another group of the box of core(); 0: nothing */
static struct ha_id_range core_others;

static struct ha *core(struct shell *shell, struct ha_image_ops *ops)
{
	struct ha_config config = { .node = "lns-a", .group = "one", .boot_id = { 1, 2, 3 } };
	struct ha_ops ho = { .random = core_random, .output_free = core_free, .image = ops };

	config.record_types = core_types;
	core_others.first = (uint16_t)(core_last + 1);
	core_others.last = UINT16_MAX;
	config.not_ours = &core_others;
	config.not_ours_count = core_last != 0;
	config.record_type_count = core_types ? 1 : 0;
	*ops = (struct ha_image_ops){ .ctx = shell, .begin = shell_begin, .swap = shell_swap };
	return ha_new(&config, &ho, 1000);
}

/* Steps are done as they come; returns how many outputs were let go. */
static unsigned drain(struct ha *ha)
{
	struct ha_action a;
	unsigned released = 0;

	while (ha_action_next(ha, &a)) {
		released += a.type == HA_ACTION_RELEASE;
		if (a.type >= HA_ACTION_EPOCH && a.type <= HA_ACTION_PASSIVATE)
			ha_step_done(ha, 1000, 0);
	}
	return released;
}

static uint64_t digest_of(const struct shell *shell, bool *reigned)
{
	uint8_t *copy = malloc(shell->now_size);
	struct ha_image_ops ops;
	struct shell other = { 0 };
	struct ha *ha = core(&other, &ops);
	char why[HA_REASON_MAX];
	uint64_t digest;

	memcpy(copy, shell->now, shell->now_size);
	ck_assert_msg(!ha_restore(ha, copy, shell->now_size, reigned, why), "%s", why);
	digest = ha_digest(ha);
	ha_free(ha);
	free(copy);
	free(other.now);
	return digest;
}

START_TEST(every_commit_is_there_before_its_output)
{
	struct shell shell = { 0 };
	struct ha_image_ops ops;
	struct ha *ha = core(&shell, &ops);
	bool reigned;
	int token;

	ha_tick(ha, 1000);
	drain(ha);
	for (unsigned i = 0; i < 200; i++) {
		char body[3000];

		memset(body, (int)i, sizeof(body));
		ha_put(ha, (struct ha_key){ 1, (uint16_t)(i % 50), 0, 0 }, body, sizeof(body) - i);
		ha_output(ha, &token);
		/* not committed: not there, not let go */
		ck_assert(!i || digest_of(&shell, &reigned) != ha_digest(ha));
		ck_assert_uint_eq(drain(ha), 0);
		ha_commit(ha, 1000);
		ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(ha));
		ck_assert_uint_eq(drain(ha), 1);
		ck_assert(reigned);
		if (i % 7 == 0) {
			ha_del(ha, (struct ha_key){ 1, (uint16_t)(i % 50), 0, 0 });
			ha_commit(ha, 1000);
			ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(ha));
		}
	}
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

START_TEST(areas_fill_up_and_are_replaced)
{
	struct shell shell = { 0 };
	struct ha_image_ops ops;
	struct ha *ha = core(&shell, &ops);
	char body[4000];
	bool reigned;

	ha_tick(ha, 1000);
	drain(ha);
	for (unsigned i = 0; i < 20000; i++) {
		memset(body, (int)i, sizeof(body));
		ha_put(ha, (struct ha_key){ 1, (uint16_t)(i % 700), 0, 0 }, body, 200 + i % 3000);
		if (i % 5 == 0)
			ha_commit(ha, 1000);
		if (i % 997 == 0) {
			ha_commit(ha, 1000);
			ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(ha));
		}
	}
	ha_commit(ha, 1000);
	ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(ha));
	ck_assert_uint_gt(shell.swaps, 5);
	ck_assert_uint_lt(shell.now_size, 32u << 20);	/* 1.2 MB of records */
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

/* Ten thousand in one commit do not fit what was made for none. */
START_TEST(a_commit_larger_than_the_area)
{
	struct shell shell = { 0 };
	struct ha_image_ops ops;
	struct ha *ha = core(&shell, &ops);
	char body[500] = "";
	bool reigned;

	ha_tick(ha, 1000);
	drain(ha);
	for (unsigned i = 0; i < 10000; i++)
		ha_put(ha, (struct ha_key){ 1, (uint16_t)i, 0, 0 }, body, sizeof(body));
	ha_commit(ha, 1000);
	ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(ha));
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

/* An image that cannot be kept up must not come back later as if it were current. */
START_TEST(without_memory_the_old_one_is_void)
{
	struct shell shell = { 0 };
	struct ha_image_ops ops;
	struct ha *ha = core(&shell, &ops);
	char body[4000] = "", why[HA_REASON_MAX];
	struct ha_image_mark mark;
	struct seen seen;

	ha_tick(ha, 1000);
	drain(ha);
	shell.fail_begin = 1;
	for (unsigned i = 0; i < 2000; i++) {
		ha_put(ha, (struct ha_key){ 1, (uint16_t)i, 0, 0 }, body, sizeof(body));
		ha_commit(ha, 1000);
	}
	ck_assert_int_eq(load(shell.now, shell.now_size, &seen, &mark, why), -ENODATA);
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

START_TEST(goes_on_in_the_area_it_found)
{
	struct shell shell = { 0 };
	struct ha_image_ops ops, ops2;
	struct ha *ha = core(&shell, &ops), *next;
	struct ha_info info;
	char why[HA_REASON_MAX];
	bool reigned = false;
	size_t len;

	ha_tick(ha, 1000);
	drain(ha);
	ha_put(ha, (struct ha_key){ 1, 1, 0, 0 }, "one", 3);
	ha_put_local(ha, (struct ha_key){ 1, 2, 0, 0 }, "two", 3);
	ha_commit(ha, 1000);
	ha_info(ha, &info);
	ha_free(ha);
	next = core(&shell, &ops2);
	ck_assert_int_eq(ha_restore(next, shell.now, shell.now_size, &reigned, why), 0);
	ck_assert(reigned);
	ck_assert_ptr_nonnull(ha_get(next, (struct ha_key){ 1, 1, 0, 0 }, &len));
	ck_assert_ptr_nonnull(ha_get(next, (struct ha_key){ 1, 2, 0, 0 }, &len));
	ha_tick(next, 1000);
	drain(next);
	ha_put(next, (struct ha_key){ 1, 3, 0, 0 }, "three", 5);
	ha_commit(next, 1000);
	ck_assert_uint_eq(digest_of(&shell, &reigned), ha_digest(next));
	uint64_t before = info.epoch;

	ha_info(next, &info);
	ck_assert_uint_gt(info.epoch, before);
	ck_assert_uint_eq(shell.swaps, 1);
	ha_free(next);
	free(shell.now);
	free(shell.next);
}
END_TEST

/* What a newer release left behind: what may be skipped is kept, what must be understood is not started from. */
START_TEST(of_a_newer_release)
{
	static const struct ha_record_type known[] = { { 1, 1, 1, "one" } };
	struct shell shell = { 0 };
	struct ha_image_ops ops, ops2;
	struct ha *ha = core(&shell, &ops), *next;
	struct ha_info info;
	char why[HA_REASON_MAX];
	bool reigned = false;
	size_t len;

	ha_tick(ha, 1000);
	drain(ha);
	ha_put(ha, (struct ha_key){ 1, 1, 0, 0 }, "one", 3);
	ha_put(ha, (struct ha_key){ 200, 1, 0, 0 }, "extra", 5);
	ha_commit(ha, 1000);
	core_types = known;
	next = core(&shell, &ops2);
	ck_assert_msg(!ha_restore(next, shell.now, shell.now_size, &reigned, why), "%s", why);
	ck_assert_ptr_nonnull(ha_get(next, (struct ha_key){ 200, 1, 0, 0 }, &len));
	/* it goes with its object */
	ha_tick(next, 1000);
	drain(next);
	ha_del_foreign(next, 1, 0);
	ck_assert_ptr_null(ha_get(next, (struct ha_key){ 200, 1, 0, 0 }, &len));
	ha_free(next);
	ha_put(ha, (struct ha_key){ 9, 1, 0, 0 }, "must", 4);
	ha_commit(ha, 1000);
	next = core(&shell, &ops2);
	ck_assert_int_eq(ha_restore(next, shell.now, shell.now_size, &reigned, why), -EPROTONOSUPPORT);
	ck_assert_str_eq(why, "it is of a newer release: records of type 9 must be understood");
	ha_info(next, &info);
	ck_assert_uint_eq(info.records, 0);
	core_types = NULL;
	ha_free(next);
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

static void no_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

/* The configuration has another number of groups now: this one has other tunnels. */
START_TEST(of_another_number_of_groups)
{
	static const struct ha_record_type known[] = { { 1, 1, 1, "one" } };
	struct shell shell = { 0 };
	struct ha_image_ops ops, ops2;
	struct ha *ha = core(&shell, &ops), *next;
	struct ha_info info;
	char why[HA_REASON_MAX];
	bool reigned = false;

	ha_tick(ha, 1000);
	drain(ha);
	ha_put(ha, (struct ha_key){ 1, 100, 0, 0 }, "low", 3);
	ha_put(ha, (struct ha_key){ 1, 40000, 0, 0 }, "high", 4);
	ha_commit(ha, 1000);
	core_types = known;
	core_last = 32767;
	next = core(&shell, &ops2);
	ck_assert_int_eq(ha_restore(next, shell.now, shell.now_size, &reigned, why), -ERANGE);
	ck_assert_str_eq(why, "tunnel 40000 is among 32768 to 65535 of another group here: the groups changed or differ, see tunnel-ids");
	ha_info(next, &info);
	ck_assert_uint_eq(info.records, 0);
	ha_free(next);
	/* gone before: nothing of it is in the way */
	ha_del(ha, (struct ha_key){ 1, 40000, 0, 0 });
	ha_commit(ha, 1000);
	next = core(&shell, &ops2);
	ck_assert_msg(!ha_restore(next, shell.now, shell.now_size, &reigned, why), "%s", why);
	core_types = NULL;
	core_last = 0;
	ha_free(next);
	ha_free(ha);
	free(shell.now);
	free(shell.next);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *format = tcase_create("format"), *kept = tcase_create("core");

	log_set_sink(no_log, NULL, LOG_LEVEL_ERROR);

	tcase_add_test(format, comes_back_as_it_was);
	tcase_add_test(format, torn_anywhere_it_is_the_state_before);
	tcase_add_test(format, cut_at_each_length_it_is_refused);
	tcase_add_test(format, with_any_bit_flipped_it_is_refused);
	tcase_add_test(format, of_somebody_else_it_is_refused);
	tcase_add_test(format, given_up_it_is_refused);
	tcase_add_test(format, full_it_says_so_and_stays_good);
	suite_add_tcase(suite, format);
	tcase_add_test(kept, every_commit_is_there_before_its_output);
	tcase_add_test(kept, areas_fill_up_and_are_replaced);
	tcase_add_test(kept, a_commit_larger_than_the_area);
	tcase_add_test(kept, without_memory_the_old_one_is_void);
	tcase_add_test(kept, goes_on_in_the_area_it_found);
	tcase_add_test(kept, of_a_newer_release);
	tcase_add_test(kept, of_another_number_of_groups);
	tcase_set_timeout(kept, 60);
	suite_add_tcase(suite, kept);
	return check_main(suite);
}
