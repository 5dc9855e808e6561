// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time between going unprotected and the standby's knowing of it: nothing
 * leaves that it would miss if it took over now.  And what a node that takes
 * over says of its own records: exact, or possibly behind.
 */
#include "tests/unit/ha_pair.h"
#include "tests/unit/check_main.h"

/* The link dies, the active notices, says so to nobody, and dies as well. */
START_TEST(the_active_dies_in_the_doubt)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;
	uint32_t ms;

	pair->stalled = true;
	pair_work(a, 1, 100);
	for (ms = 0; ms < 700; ms++) {
		pair_run(pair, 1);
		ck_assert_uint_eq(a->n_released, 0);
	}
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_DEGRADED);
	pair_kill(a, false);
	pair_flush(b);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(!b->behind);
	pair_free(pair);
}
END_TEST

static void tap_deaf(struct pair *pair, struct node *to, uint8_t *data, size_t *len)
{
	(void)data;
	if (to == &pair->a)
		*len = 0;
}

/* The same for what is done after the link was given up. */
START_TEST(a_link_that_fell_silent_while_idle)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;

	pair->want_link = false;
	pair->tap = tap_deaf;		/* the active notices first */
	pair_run(pair, 300);
	pair->stalled = true;
	while (pair_info(a).link_up)
		pair_run(pair, 1);
	ck_assert_int_eq(pair_info(a).sync, HA_SYNC_SOLO);
	pair_work(a, 1, 100);
	pair_run(pair, 200);
	ck_assert_uint_eq(a->n_released, 0);
	pair_kill(a, false);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(!b->behind);
	pair_free(pair);
}
END_TEST

START_TEST(the_doubt_ends)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;
	uint32_t ms;

	pair->stalled = true;
	pair->want_link = false;
	pair_work(a, 1, 100);
	for (ms = 0; ms < 3000 && !a->n_released; ms++)
		pair_run(pair, 1);
	/* the commit timeout, the time after which a peer is dead, its probe */
	ck_assert_uint_ge(ms, 1500);
	ck_assert_uint_le(ms, 1550);
	ck_assert_uint_eq(pair_info(a).waiting_output, 0);
	pair_work(a, 2, 100);
	ck_assert_uint_eq(a->n_released, 2);
	/* it has seen the address answer: it takes over, but does not trust its numbers */
	pair_run(pair, 500);
	pair_kill(a, false);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(b->behind);
	pair_free(pair);
}
END_TEST

/* A dead one takes nothing over: its end of the stream says so at once. */
START_TEST(a_standby_that_is_killed_delays_nobody)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair->want_link = false;
	pair_kill(&pair->b, false);
	pair_work(a, 1, 100);
	pair_run(pair, 1);
	pair_cut(pair);
	ck_assert_uint_eq(a->n_released, 1);
	ck_assert(!pair_info(a).doubt);
	pair_work(a, 2, 100);
	ck_assert_uint_eq(a->n_released, 2);
	pair_free(pair);
}
END_TEST

/* Slow is not lost: each waits for its own confirmation until the standby knows, and then nobody. */
START_TEST(a_slow_standby_is_told_once)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;

	pair->latency_ms = 100;
	pair_work(a, 1, 100);
	pair_run(pair, 150);
	ck_assert_uint_eq(a->n_released, 0);
	pair_work(a, 2, 100);
	ck_assert_uint_eq(a->n_released, 0);
	pair_run(pair, 75);
	ck_assert_uint_eq(a->n_released, 2);
	ck_assert_int_ne(pair_info(&pair->b).sync, HA_SYNC_IN_SYNC);
	pair_work(a, 3, 100);
	ck_assert_uint_eq(a->n_released, 3);
	pair_free(pair);
}
END_TEST

/* A standby that was never in sync has nobody wait. */
START_TEST(no_doubt_before_it_was_in_sync)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	uint32_t i;

	pair->latency_ms = 100;
	pair_work(a, 1, 100);
	pair_run(pair, 500);
	/* attempts to be in sync again, each too slow */
	for (i = 2; i < 60; i++) {
		pair_work(a, i, 100);
		pair_run(pair, 22);
		ck_assert_uint_eq(a->n_released, i);
		ck_assert(!pair_info(a).doubt);
	}
	pair_free(pair);
}
END_TEST

START_TEST(exact_when_in_sync)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).role, HA_ROLE_ACTIVE);
	ck_assert(!pair->b.behind);
	pair_kill(&pair->b, false);
	pair_cut(pair);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_ACTIVE);
	ck_assert(!pair->a.behind);
	pair_free(pair);
}
END_TEST

/* The active went on unprotected and was heard to say so: whoever promotes by force gets low bounds. */
START_TEST(forced_and_behind)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;
	char reason[HA_REASON_MAX];

	pair->latency_ms = 100;
	pair_work(a, 1, 100);
	pair_run(pair, 300);
	ck_assert_int_ne(pair_info(b).sync, HA_SYNC_IN_SYNC);
	pair_kill(a, false);
	pair_cut(pair);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_STANDBY);
	ck_assert_int_eq(ha_promote(b->ha, pair->now_ms, true, reason), 0);
	pair_drain(b);
	pair_run(pair, 100);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(b->behind);
	pair_free(pair);
}
END_TEST

/* A standby that stood still does not know what it was told meanwhile. */
START_TEST(thawed_and_behind)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;

	pair->want_link = false;
	b->frozen = true;
	pair_run(pair, 1600);
	b->frozen = false;
	pair_kill(a, false);
	pair_run(pair, 4000);
	ck_assert_int_eq(pair_info(b).role, HA_ROLE_ACTIVE);
	ck_assert(b->behind);
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-doubt");
	TCase *tcase = tcase_create("doubt");

	tcase_add_test(tcase, the_active_dies_in_the_doubt);
	tcase_add_test(tcase, a_link_that_fell_silent_while_idle);
	tcase_add_test(tcase, the_doubt_ends);
	tcase_add_test(tcase, a_standby_that_is_killed_delays_nobody);
	tcase_add_test(tcase, a_slow_standby_is_told_once);
	tcase_add_test(tcase, no_doubt_before_it_was_in_sync);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("behind");
	tcase_add_test(tcase, exact_when_in_sync);
	tcase_add_test(tcase, forced_and_behind);
	tcase_add_test(tcase, thawed_and_behind);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
