// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the HA core says of a takeover or a demotion, and what the group makes
 * of it: records that may be old are old to every tunnel; what cannot be kept
 * in place is made anew.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static struct l2tp_tunnel_info tunnel_info(int n)
{
	struct l2tp *l2tp = group_l2tp(nodes[n]->group);
	struct l2tp_tunnel_info info;

	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, l2tp_tunnel_next(l2tp, 0)), &info);
	return info;
}

/*
 * The stream breaks, the active lives on: the standby is stale.  Forced, it does not take its numbers for exact;
 * in sync to the end, it does.
 */
START_TEST(what_may_be_old_is_not_taken_for_exact)
{
	bool old = _i;
	char reason[HA_REASON_MAX];

	pair_up(2);
	net_answers = old;
	linked = false;
	group_link_down(nodes[1]->group, now);
	group_link_down(nodes[0]->group, now);
	net_reach = old ? 1 : 2;
	if (old) {
		run(3000);
		ck_assert(!group_active(nodes[1]->group));
		ck_assert_int_eq(group_promote(nodes[1]->group, now, false, reason), -EPERM);
		ck_assert_int_eq(group_promote(nodes[1]->group, now, true, reason), 0);
	}
	for (unsigned ms = 0; ms < 5000 && !group_active(nodes[1]->group); ms++)
		run(1);
	ck_assert(group_active(nodes[1]->group));
	ck_assert_int_eq(tunnel_info(1).resync_state, old ? L2TP_RESYNC_LISTEN : L2TP_RESYNC_PROBE);
	net_reach = 2;
	run(20000);
	ck_assert(!tunnel_info(1).resync);
	ck_assert_int_eq(tunnel_info(1).resync_how == L2TP_RESYNC_BY_ACK, !old);
	ck_assert_uint_eq(tunnel_info(1).sessions, 2);
}
END_TEST

/* Numbers of sequenced data are those of the one that serves: such a session does not stay in place. */
START_TEST(sequenced_sessions_are_made_anew)
{
	static const struct lac_ops ops = { .send = lac_send };
	char reason[HA_REASON_MAX];
	struct lac_config lc;
	unsigned starts;

	lac_free(lac);
	lac_config_init(&lc);
	lc.ops = &ops;
	lc.random = next_random;
	lc.hostname = "LAC-1";
	lc.tid = 26355;
	lc.dev |= _i ? LAC_DEV_SEQ_REQUIRED : 0;
	lac = lac_new(&lc);
	pair_up(2);
	starts = nodes[0]->starts;
	ck_assert_int_eq(group_switchover(nodes[0]->group, now, false, reason), 0);
	run(3000);
	ck_assert(group_active(nodes[1]->group));
	ck_assert_uint_eq(nodes[0]->starts, starts + (_i ? 2 : 0));
	for (int n = 0; n < 2; n++)
		ck_assert_uint_eq(ppp_count(nodes[n]), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("group-roles");
	TCase *tc = tcase_create("group-roles");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_may_be_old_is_not_taken_for_exact, 0, 2);
	tcase_add_loop_test(tc, sequenced_sessions_are_made_anew, 0, 2);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
