// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An owner that lost its HA link and its carrier: mute from then on, and until
 * it is known that nobody took over.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static const enum ha_role active = HA_ROLE_ACTIVE, standby = HA_ROLE_STANDBY;

static void plug(struct node *node, bool in)
{
	ha_carrier(node->ha, node->pair->now_ms, in);
	pair_drain(node);
}

static void unlink_pair(struct pair *pair)
{
	pair->want_link = false;
	pair_cut(pair);
}

/* All cables of a: nobody hears it answer for the address. */
static void cut_off(struct pair *pair)
{
	unlink_pair(pair);
	pair->a.vip = false;
	plug(&pair->a, false);
	ck_assert(ha_paused(pair->a.ha));
	pair->a.fenced = true;
	ck_assert_int_eq(pair_info(&pair->a).role, active);
}

START_TEST(mute_until_it_hears_of_its_successor)
{
	struct pair *pair = pair_up();
	int ms;

	cut_off(pair);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert(ha_paused(pair->a.ha));
	plug(&pair->a, true);
	for (ms = 0; pair_info(&pair->a).role == active; ms++) {
		ck_assert(ha_paused(pair->a.ha));
		ck_assert_int_lt(ms, 2000);
		pair_run(pair, 1);
	}
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	pair->want_link = true;
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

/* The HA link is back before the access network: the successor tells. */
START_TEST(hears_of_its_successor_by_the_link)
{
	struct pair *pair = pair_up();

	cut_off(pair);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair->want_link = true;
	for (int ms = 0; pair_info(&pair->a).role == active; ms++) {
		ck_assert(ha_paused(pair->a.ha));
		ck_assert_int_lt(ms, 1000);
		pair_run(pair, 1);
	}
	plug(&pair->a, true);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

/* Nobody was there to take over: it goes on where it was. */
START_TEST(goes_on_when_nobody_answers)
{
	struct pair *pair = pair_up();
	uint64_t epoch;

	pair->want_link = false;
	pair_kill(&pair->b, false);
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert(!ha_paused(pair->a.ha));
	epoch = pair_info(&pair->a).epoch;
	plug(&pair->a, false);
	ck_assert(ha_paused(pair->a.ha));
	pair_run(pair, 5000);
	ck_assert(ha_paused(pair->a.ha));
	plug(&pair->a, true);
	ck_assert(ha_paused(pair->a.ha));
	pair_run(pair, 2200);
	ck_assert(!ha_paused(pair->a.ha));
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_uint_eq(pair_info(&pair->a).epoch, epoch);
	pair_free(pair);
}
END_TEST

START_TEST(goes_on_when_the_other_one_did_not_take_over)
{
	struct pair *pair = pair_new();

	pair->a.config.detector = pair->b.config.detector = false;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 4000);
	ck_assert_int_eq(ha_promote(pair->a.ha, pair->now_ms, false, (char[HA_REASON_MAX]){ 0 }), 0);
	pair_drain(&pair->a);
	pair_run(pair, 1000);
	cut_off(pair);
	pair_run(pair, 3000);
	pair->a.fenced = false;		/* what the group does when it is told to go on */
	pair->want_link = true;
	pair_run(pair, 2000);
	ck_assert(!ha_paused(pair->a.ha));
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	pair_free(pair);
}
END_TEST

START_TEST(one_of_the_two_is_enough_to_go_on)
{
	struct pair *pair = pair_up();

	plug(&pair->a, false);
	pair_run(pair, 3000);
	ck_assert(!ha_paused(pair->a.ha));
	plug(&pair->a, true);
	unlink_pair(pair);
	pair_run(pair, 3000);
	ck_assert(!ha_paused(pair->a.ha));
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	plug(&pair->a, false);
	ck_assert(ha_paused(pair->a.ha));
	pair_free(pair);
}
END_TEST

/* What a probe found counts only if there was carrier all the time, and nobody stood still. */
START_TEST(a_probe_of_the_time_before_tells_nothing)
{
	struct pair *pair = pair_up();

	pair->want_link = false;
	pair_kill(&pair->b, false);
	pair_cut(pair);
	pair_run(pair, 2000);
	for (int ms = 0; !pair->a.probe_due; ms++) {
		ck_assert_int_lt(ms, 1000);
		pair_run(pair, 1);
	}
	plug(&pair->a, false);
	plug(&pair->a, true);
	pair_run(pair, 1700);		/* that one has ended by now */
	ck_assert(ha_paused(pair->a.ha));
	pair_run(pair, 500);
	ck_assert(!ha_paused(pair->a.ha));

	plug(&pair->a, false);
	plug(&pair->a, true);
	pair_run(pair, 1801);
	ck_assert(pair->a.probe_due);
	pair->a.frozen = true;
	pair_run(pair, 20000);
	pair->a.frozen = false;
	pair_run(pair, 1);
	ck_assert(ha_paused(pair->a.ha));
	pair_run(pair, 500);
	ck_assert(!ha_paused(pair->a.ha));
	pair_free(pair);
}
END_TEST

/* The cable is back just when the standby claims: it has the address by the time this one looks. */
START_TEST(a_standby_that_claims_goes_first)
{
	struct pair *pair = pair_up();

	cut_off(pair);
	while (!pair->b.probe_due)
		pair_run(pair, 1);
	plug(&pair->a, true);
	for (int ms = 0; ms < 3000; ms++) {
		pair_run(pair, 1);
		ck_assert(ha_paused(pair->a.ha) || pair_info(&pair->a).role != active);
	}
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

/* Nothing more is heard on a link that is up: mute before the other one can have given up on us. */
START_TEST(mute_before_the_other_one_claims)
{
	struct pair *pair = pair_up();
	uint64_t mute_ms = 0;

	for (uint32_t phase = 0; phase < 250; phase += 10) {
		pair_run(pair, phase);
		plug(&pair->a, false);
		pair_run(pair, 3 * 200);
		ck_assert(!ha_paused(pair->a.ha));
		pair->stalled = true;
		pair->want_link = false;	/* a handshake would be a sign of life */
		pair->a.vip = false;
		mute_ms = 0;
		for (int ms = 0; pair_info(&pair->b).role == standby; ms++) {
			ck_assert_int_lt(ms, 3000);
			pair_run(pair, 1);
			if (ha_paused(pair->a.ha)) {
				pair->a.fenced = true;
				mute_ms = mute_ms ? mute_ms : pair->now_ms;
			}
		}
		ck_assert_uint_ne(mute_ms, 0);
		ck_assert_uint_gt(pair->now_ms, mute_ms + 50);
		pair_free(pair);
		pair = pair_up();
	}
	pair_free(pair);
}
END_TEST

/* Both were cut off from the address: who had it looks first. */
START_TEST(the_other_one_waits)
{
	struct pair *pair = pair_up();
	uint32_t reigns = 0;

	cut_off(pair);
	plug(&pair->b, false);
	pair->b.probe_due = false;
	pair_run(pair, 50);
	plug(&pair->a, true);
	plug(&pair->b, true);
	while (ha_paused(pair->a.ha))
		pair_run(pair, 1);
	pair->a.fenced = false;
	pair->a.vip = true;
	for (int ms = 0; ms < 6000; ms++) {
		pair_run(pair, 1);
		reigns += pair_info(&pair->b).role != standby;
	}
	ck_assert_uint_eq(reigns, 0);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-carrier");
	TCase *tcase = tcase_create("carrier");

	tcase_add_test(tcase, mute_until_it_hears_of_its_successor);
	tcase_add_test(tcase, hears_of_its_successor_by_the_link);
	tcase_add_test(tcase, goes_on_when_nobody_answers);
	tcase_add_test(tcase, goes_on_when_the_other_one_did_not_take_over);
	tcase_add_test(tcase, one_of_the_two_is_enough_to_go_on);
	tcase_add_test(tcase, a_probe_of_the_time_before_tells_nothing);
	tcase_add_test(tcase, a_standby_that_claims_goes_first);
	tcase_add_test(tcase, mute_before_the_other_one_claims);
	tcase_add_test(tcase, the_other_one_waits);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
