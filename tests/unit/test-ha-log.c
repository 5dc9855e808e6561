// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HA core as a pair: the replicated log, output commit, snapshots.  The
 * invariants are checked by the pair itself.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

START_TEST(outputs_wait_for_the_standby_in_order)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	uint32_t i;

	pair->latency_ms = 3;
	for (i = 0; i < 5; i++)
		pair_work(a, i, 100);
	/* nothing put: still behind those that wait */
	pair_output_bare(a);
	pair_drain(a);
	ck_assert_uint_eq(a->n_released, 0);
	ck_assert_uint_eq(pair_info(a).waiting_output, 6);
	pair_run(pair, 5);
	ck_assert_uint_eq(a->n_released, 0);
	pair_run(pair, 3);
	ck_assert_uint_eq(a->n_released, 6);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(a->released[i], i + 1);
	pair_output_bare(a);	/* nothing waits: goes at once */
	pair_drain(a);
	ck_assert_uint_eq(a->n_released, 7);
	ck_assert_uint_eq(pair_info(a).late_commits, 0);
	ck_assert_uint_eq(pair->b.n_puts, 5);
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

START_TEST(output_of_an_open_batch_waits_for_its_commit)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair_put(a, 1, 50);
	pair_output(a, 1);
	pair_drain(a);
	ck_assert_uint_eq(a->n_released, 0);
	pair_put(a, 1, 60);	/* same key again: one record in the commit */
	ck_assert_int_eq(ha_put(a->ha, pair_key(3, 2), "x", 1), 0);
	ck_assert_int_eq(ha_del(a->ha, pair_key(3, 2)), 0);
	ha_commit(a->ha, pair->now_ms);
	pair_drain(a);
	pair_run(pair, 4);
	ck_assert_uint_eq(a->n_released, 1);
	ck_assert_uint_eq(pair->b.n_puts, 1);
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

START_TEST(output_waits_for_a_commit_made_before_it)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair_put(a, 1, 50);
	ha_commit(a->ha, pair->now_ms);
	pair_output(a, 1);
	pair_drain(a);
	ck_assert_uint_eq(a->n_released, 0);
	pair_run(pair, 4);
	ck_assert_uint_eq(a->n_released, 1);
	pair_free(pair);
}
END_TEST

START_TEST(changes_never_committed_cost_a_snapshot)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 50);
	pair_run(pair, 5);
	pair_put(&pair->a, 2, 50);	/* in its store, in nobody's log */
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, true, reason), 0);
	pair->lies = true;		/* forced: the old one hears of it a moment later */
	pair_drain(&pair->b);
	pair_run(pair, 500);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(&pair->a).records, 1);
	ck_assert_uint_eq(pair_info(&pair->a).refused, 0);
	ck_assert_uint_eq(pair_info(&pair->b).snapshots, 2);	/* its own first one, and this */
	pair_free(pair);
}
END_TEST

START_TEST(equal_bytes_cost_nothing)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	uint64_t seq;

	ck_assert_int_eq(ha_put(a->ha, pair_key(1, 1), "same", 4), 0);
	ha_commit(a->ha, pair->now_ms);
	pair_drain(a);
	pair_run(pair, 5);
	seq = pair_info(a).seq;
	ck_assert_int_eq(ha_put(a->ha, pair_key(1, 1), "same", 4), 0);
	ha_commit(a->ha, pair->now_ms);
	ck_assert_uint_eq(pair_info(a).seq, seq);
	ck_assert_int_eq(ha_put(pair->b.ha, pair_key(1, 1), "no", 2), -EPERM);
	pair_free(pair);
}
END_TEST

START_TEST(late_commit_degrades_and_recovers)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair->stalled = true;
	pair_work(a, 1, 100);
	pair_run(pair, 19);
	ck_assert_uint_eq(a->n_released, 0);
	pair_run(pair, 2);
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_DEGRADED);
	ck_assert_uint_eq(pair_info(a).late_commits, 1);
	/* the standby does not know yet: see test-ha-doubt.c */
	ck_assert(pair_info(a).doubt);
	pair_work(a, 2, 100);
	ck_assert_uint_eq(a->n_released, 0);
	pair_run(pair, 200);
	pair->stalled = false;
	pair_run(pair, 5);
	ck_assert_uint_eq(a->n_released, 2);
	ck_assert(!pair_info(a).doubt);
	pair_run(pair, 300);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* We were not running for a while: every confirmation came in time, and is read one by one afterwards. */
START_TEST(confirmations_that_waited_for_us_are_not_late)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair_work(a, 1, 100);
	pair_run(pair, 1);
	pair_work(a, 2, 100);
	a->frozen = true;
	pair_run(pair, 50);
	a->frozen = false;
	pair_run(pair, 1);
	ck_assert_uint_eq(a->n_released, 2);
	ck_assert_uint_eq(pair_info(a).late_commits, 0);
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_IN_SYNC);
	pair_free(pair);
}
END_TEST

START_TEST(slow_standby_is_dropped_to_a_snapshot)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	uint64_t before = pair->b.bytes_to;
	uint32_t i, snapshots = pair_info(a).snapshots;

	a->config.dead_ms = 0;
	pair->stalled = true;
	for (i = 0; i < 400; i++) {
		pair_work(a, i % 50, 60000);
		if (i % 10 == 0)
			pair_run(pair, 1);
	}
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_DEGRADED);
	/* 24 MB of changes, but what was queued is bounded */
	ck_assert_uint_lt(pair->b.bytes_to - before, 5u << 20);
	pair_run(pair, 250);	/* a heartbeat or two behind what is queued */
	pair->stalled = false;
	pair_run(pair, 3000);
	ck_assert_uint_eq(a->n_released, 400);
	ck_assert(pair_in_sync(pair));
	ck_assert_uint_eq(pair_info(a).snapshots, snapshots + 1);
	/* and it does not blame the active for what it was too slow for */
	ck_assert_uint_eq(pair_info(&pair->b).refused, 0);
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

START_TEST(snapshot_while_work_goes_on)
{
	struct pair *pair = pair_new();
	struct node *a = &pair->a;
	uint32_t i;

	pair_node_start(a);
	a->config.snapshot_chunk = 0;
	pair_run(pair, 6000);
	ck_assert_int_eq(pair_info(a).role, HA_ROLE_ACTIVE);
	for (i = 0; i < 5000; i++)
		pair_work(a, i, 400);
	pair_node_start(&pair->b);
	pair_connect(pair);
	for (i = 0; i < 400; i++) {
		pair_work(a, i * 7 % 6000, 300 + i);
		ck_assert_int_eq(ha_del(a->ha, pair_key(3, i * 13 % 5000)), 0);
		ha_commit(a->ha, pair->now_ms);
		pair_run(pair, 1);
		if (!pair->b.n_swaps)
			ck_assert_uint_eq(pair_info(&pair->b).records, 0);	/* all or nothing */
	}
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair->b.n_swaps, 1);
	pair_free(pair);
}
END_TEST

START_TEST(link_flap_continues_the_log)
{
	struct pair *pair = pair_up();
	uint32_t i, snapshots = pair_info(&pair->a).snapshots;

	for (i = 0; i < 50; i++)
		pair_work(&pair->a, i, 100);
	pair_run(pair, 20);
	pair->want_link = false;
	pair_cut(pair);
	ck_assert_int_eq(pair_info(&pair->a).sync, HA_SYNC_SOLO);
	ck_assert_int_eq(pair_info(&pair->b).sync, HA_SYNC_STALE);
	for (i = 0; i < 50; i++)
		pair_work(&pair->a, 100 + i, 100);
	ck_assert_uint_eq(pair->a.n_released, 100);
	pair_run(pair, 100);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(&pair->a).snapshots, snapshots);
	ck_assert_uint_eq(pair->b.n_puts, 100);
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-log");
	TCase *tcase = tcase_create("pair");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, outputs_wait_for_the_standby_in_order);
	tcase_add_test(tcase, output_of_an_open_batch_waits_for_its_commit);
	tcase_add_test(tcase, output_waits_for_a_commit_made_before_it);
	tcase_add_test(tcase, changes_never_committed_cost_a_snapshot);
	tcase_add_test(tcase, equal_bytes_cost_nothing);
	tcase_add_test(tcase, late_commit_degrades_and_recovers);
	tcase_add_test(tcase, confirmations_that_waited_for_us_are_not_late);
	tcase_add_test(tcase, slow_standby_is_dropped_to_a_snapshot);
	tcase_add_test(tcase, snapshot_while_work_goes_on);
	tcase_add_test(tcase, link_flap_continues_the_log);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
