/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Silence at the address: since when, for how long, and who goes first.  ha/watch.c */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static const enum ha_role active = HA_ROLE_ACTIVE, standby = HA_ROLE_STANDBY;

/* ms until the node is active */
static unsigned until_active(struct pair *pair, const struct node *node, unsigned most)
{
	unsigned ms;

	for (ms = 0; pair_info(node).role != active; ms++) {
		ck_assert_uint_lt(ms, most);
		pair_run(pair, 1);
	}
	return ms;
}

/* The questions begin before the peer counts as dead: no time is lost when its machine is. */
START_TEST(a_lost_machine_is_replaced_soon)
{
	for (unsigned phase = 0; phase < 200; phase += 13) {
		struct pair *pair = pair_up();

		pair_run(pair, phase);
		pair_kill(&pair->a, false);
		ck_assert_uint_le(until_active(pair, &pair->b, 2000), 1400);
		pair_free(pair);
	}
}
END_TEST

/* Nothing is heard, the machine lives for a while and stops: it may go on with its lease. */
START_TEST(a_machine_that_stands_still_keeps_its_lease)
{
	for (unsigned lives = 0; lives < 3000; lives += 170) {
		struct pair *pair = pair_up();
		unsigned ms;

		pair->stalled = true;
		pair->want_link = false;
		pair_run(pair, lives);
		ck_assert_int_eq(pair_info(&pair->b).role, standby);
		pair->a.frozen = true;
		pair->a.vip = false;		/* nobody answers */
		pair->lies = true;		/* it knows no leases */
		ms = until_active(pair, &pair->b, 3000);
		if (lives >= 300)
			ck_assert_uint_ge(ms, 1000);
		ck_assert_uint_le(ms, 1900);
		pair_free(pair);
	}
}
END_TEST

/* It went on before its lease had ended: it answers, and all begins anew. */
START_TEST(a_machine_that_goes_on_in_time_is_left_alone)
{
	struct pair *pair = pair_up();

	pair->stalled = true;
	pair->want_link = false;
	pair_run(pair, 1500);
	for (unsigned i = 0; i < 8; i++) {
		pair->a.vip = false;
		pair_run(pair, 990);
		pair->a.vip = true;
		pair_run(pair, 400);
		ck_assert_int_eq(pair_info(&pair->b).role, standby);
	}
	pair_free(pair);
}
END_TEST

/* Both are started at once, and have no link: each hears the other one ask. */
START_TEST(of_two_that_ask_one_waits)
{
	for (unsigned apart = 0; apart < 700; apart += 23) {
		struct pair *pair = pair_new();

		pair_node_start(apart % 2 ? &pair->b : &pair->a);
		pair_run(pair, apart);
		pair_node_start(apart % 2 ? &pair->a : &pair->b);
		pair_run(pair, 9000);
		ck_assert_int_ne(pair_info(&pair->a).role == active, pair_info(&pair->b).role == active);
		pair_free(pair);
	}
}
END_TEST

/* It comes back with nothing, and its link later: the stale standby has the sessions, and is elected. */
START_TEST(who_comes_back_with_nothing_waits_for_its_peer)
{
	struct pair *pair = pair_up();

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	pair->want_link = false;
	pair_cut(pair);
	pair_run(pair, 13000);			/* stale by now: it takes nothing over by itself */
	pair_kill(&pair->a, false);
	pair_run(pair, 3000);
	pair_node_start(&pair->a);
	pair_run(pair, 20000);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_INIT);
	ck_assert_int_eq(pair_info(&pair->a).fitness, HA_FITNESS_UNKNOWN);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	pair->want_link = true;
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert_uint_eq(pair_info(&pair->a).records, 1);
	pair_free(pair);
}
END_TEST

/* ... but not for good. */
START_TEST(who_waits_for_nobody_serves_in_the_end)
{
	struct pair *pair = pair_up();

	pair_kill(&pair->b, false);
	pair_kill(&pair->a, false);
	pair_node_start(&pair->a);
	pair_run(pair, 29500);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_INIT);
	until_active(pair, &pair->a, 1500);
	pair_free(pair);
}
END_TEST

/* Somebody took the address after the last probe: a promotion asks again. */
START_TEST(a_promotion_looks_once_more)
{
	char reason[HA_REASON_MAX];
	struct pair *pair = pair_new();

	pair->a.config.detector = pair->b.config.detector = false;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert_int_eq(ha_promote(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 1000);
	pair_kill(&pair->a, false);
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->b).fitness, HA_FITNESS_READY);
	pair->a.vip = true;
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->b);
	pair_run(pair, 1500);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), -EPERM);
	pair->a.vip = false;
	pair_run(pair, 1800);
	/* a word to the contrary comes in time */
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->b);
	ck_assert(pair_info(&pair->b).promoting);
	ck_assert_int_eq(ha_demote(pair->b.ha, pair->now_ms, reason), 0);
	pair_run(pair, 1500);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->b);
	until_active(pair, &pair->b, 700);
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-watch");
	TCase *tcase = tcase_create("watch");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_lost_machine_is_replaced_soon);
	tcase_add_test(tcase, a_machine_that_stands_still_keeps_its_lease);
	tcase_add_test(tcase, a_machine_that_goes_on_in_time_is_left_alone);
	tcase_add_test(tcase, of_two_that_ask_one_waits);
	tcase_add_test(tcase, who_comes_back_with_nothing_waits_for_its_peer);
	tcase_add_test(tcase, who_waits_for_nobody_serves_in_the_end);
	tcase_add_test(tcase, a_promotion_looks_once_more);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
