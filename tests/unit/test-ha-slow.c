// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A standby that is slow, and a link that is: what the active says of it and
 * how soon, what it queues, what its outputs wait for; and a standby that
 * comes while calls come, which nobody may promote before it holds all of them.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

enum { CHUNK = 4096 };

/* Octets on their way to a node. */
static size_t queued(const struct node *node)
{
	const struct piece *piece;
	size_t n = 0;

	for (piece = node->in_first; piece; piece = piece->next)
		n += piece->len;
	return n;
}

START_TEST(a_standby_that_stands_still_is_told_within_a_second)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	uint32_t ms, told = 0;

	pair_work(a, 1, 100);
	pair_run(pair, 5);
	pair->stalled = true;
	pair_work(a, 2, 100);
	for (ms = 1; ms <= 3000 && !told; ms++) {
		pair_run(pair, 1);
		if (pair_info(a).sync != HA_SYNC_IN_SYNC)
			told = ms;
	}
	ck_assert_uint_le(told, 1000);
	ck_assert_uint_le(told, 25);		/* in fact: the commit timeout, and a tick */
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_DEGRADED);
	ck_assert_msg(strstr(pair_info(a).sync_reason, "not confirmed by lns-b within 20 ms"), "%s", pair_info(a).sync_reason);
	/* the other end, when it hears anything again, knows that it may miss something */
	pair_run(pair, 300);
	pair_work(a, 3, 100);
	pair->stalled = false;
	pair_run(pair, 5);
	ck_assert_uint_eq(a->n_released, 3);
	ck_assert_uint_eq(pair_info(a).waiting_output, 0);
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* Once a millisecond so many octets get through; what is queued is bounded all the time. */
static void trickle(struct pair *pair, uint32_t ms, size_t octets, size_t *most)
{
	static size_t credit;
	struct piece *piece;

	while (ms--) {
		credit = pair->b.in_first ? credit + octets : 0;
		for (piece = pair->b.in_first; piece && piece->len <= credit; piece = piece->next)
			credit -= piece->len;
		/* the others wait for their turn */
		for (; piece; piece = piece->next)
			if (piece->at_ms <= pair->now_ms + 1)
				piece->at_ms = pair->now_ms + 2;
		pair_run(pair, 1);
		if (queued(&pair->b) > *most)
			*most = queued(&pair->b);
	}
}

START_TEST(a_rejoin_under_load_is_paced_and_delays_nobody)
{
	struct pair *pair = pair_new();
	struct node *a = &pair->a;
	uint32_t i, until, released;
	size_t most = 0;
	bool syncing = false;

	a->config.snapshot_chunk = CHUNK;
	pair_node_start(a);
	pair_run(pair, 6000);
	for (i = 0; i < 3000; i++)
		pair_work(a, i, 300);
	pair_run(pair, 10);
	pair_node_start(&pair->b);
	pair_connect(pair);
	/* a call every 2 ms, and a link of 1 MB/s: the snapshot alone takes a second */
	for (i = 0; i < 1000; i++) {
		released = a->n_released;
		pair_work(a, 5000 + i, 200);
		trickle(pair, 2, 1000, &most);
		for (until = 0; a->n_released == released && until < 21; until++)
			trickle(pair, 1, 1000, &most);
		ck_assert_msg(a->n_released > released, "call %u waits for more than 20 ms while %s", i,
			      ha_sync_name(pair_info(a).sync));
		/* all or nothing */
		ck_assert(!pair_info(&pair->b).records || pair_info(&pair->b).records > 3000);
		if (pair_info(a).sync == HA_SYNC_SYNCING && !pair_info(&pair->b).records) {
			char why[HA_REASON_MAX] = "";

			syncing = true;
			ck_assert_int_ne(pair_info(&pair->b).sync, HA_SYNC_IN_SYNC);
			ck_assert_int_ne(ha_promote(pair->b.ha, pair->now_ms, false, why), 0);
			ck_assert_str_ne(why, "");
			ck_assert_int_ne(ha_switchover(a->ha, pair->now_ms, true, why), 0);
		}
	}
	ck_assert(syncing);
	/* two chunks and the calls meanwhile, not the store */
	ck_assert_uint_lt(most, 64u << 10);
	pair_run(pair, 5000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

START_TEST(half_a_snapshot_is_not_promoted)
{
	struct pair *pair = pair_new();
	struct node *a = &pair->a, *b = &pair->b;
	char why[HA_REASON_MAX];
	uint64_t old;
	uint32_t i;

	a->config.snapshot_chunk = CHUNK;
	pair_node_start(a);
	pair_node_start(b);
	pair->want_link = true;
	pair_run(pair, 1000);
	for (i = 0; i < 50; i++)
		pair_work(a, i, 300);
	pair_run(pair, 100);
	ck_assert(pair_in_sync(pair));
	old = ha_digest(b->ha);
	/* away long enough for the backlog to be of no use */
	pair->want_link = false;
	pair_cut(pair);
	for (i = 0; i < 8000; i++)
		pair_work(a, 100 + i, 300);
	pair->want_link = true;
	for (i = 0; i < 2000 && pair_info(b).sync != HA_SYNC_SYNCING; i++)
		pair_run(pair, 1);
	pair_run(pair, 30);
	ck_assert_int_eq(pair_info(b).sync, HA_SYNC_SYNCING);
	ck_assert(ha_digest(b->ha) == old);
	pair->want_link = false;
	pair_kill(a, false);
	pair_cut(pair);
	/* it knows that it misses something: not by itself, and not when asked without force */
	pair_run(pair, 8000);
	ck_assert_int_ne(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(b->fenced && ha_digest(b->ha) == old);
	ck_assert_int_ne(ha_promote(b->ha, pair->now_ms, false, why), 0);
	pair_drain(b);
	/* with force it is the whole old state, not a part of the new one */
	ck_assert_msg(!ha_promote(b->ha, pair->now_ms, true, why), "%s", why);
	pair_drain(b);
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(ha_digest(b->ha) == old);
	pair_free(pair);
}
END_TEST

/* Losses on the way are delays to a stream: short and long ones, for a minute. */
START_TEST(a_bad_link_makes_no_wrong_state_and_no_flapping)
{
	struct pair *pair = pair_up();
	uint32_t i, rng = 5, changes = 0, lies = 0;
	enum ha_sync before = HA_SYNC_IN_SYNC;
	struct node *a = &pair->a;

	a->n_released = 0;
	for (i = 0; i < 3000; i++) {
		rng = rng * 1664525u + 1013904223u;
		pair->latency_ms = rng >> 28 ? 1 + (rng >> 20) % 3 : 30 + (rng >> 16) % 200;
		if (a->n_released > 15000)
			a->n_released = 0;
		pair_work(a, i % 300, 100 + i % 64);
		pair_run(pair, 20);
		/* what it says is true: in sync, nothing is older than the timeout */
		lies += pair_info(a).sync == HA_SYNC_IN_SYNC && pair_info(a).waiting_output > 2;
		changes += pair_info(a).sync != before;
		before = pair_info(a).sync;
		ck_assert_int_eq(pair_info(a).role, HA_ROLE_ACTIVE);
		ck_assert(pair->b.fenced);
	}
	ck_assert_uint_eq(lies, 0);
	ck_assert_uint_gt(pair_info(a).late_commits, 10);
	ck_assert_uint_lt(changes, 1500);	/* attempts back off */
	ck_assert_uint_eq(pair_info(a).epoch, 1);
	pair->latency_ms = 1;
	pair_run(pair, 6000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-slow");
	TCase *tcase = tcase_create("slow");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_standby_that_stands_still_is_told_within_a_second);
	tcase_add_test(tcase, a_rejoin_under_load_is_paced_and_delays_nobody);
	tcase_add_test(tcase, half_a_snapshot_is_not_promoted);
	tcase_add_test(tcase, a_bad_link_makes_no_wrong_state_and_no_flapping);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
