// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 4951 between our engine and the test LAC, which read the RFC twice:
 * whoever fails, the other lets it recover, and both keep the same sessions.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/engine_lac.h"

static void start(void)
{
	lac_config_peer(&rig.config, LAC_PEER_RFC);
	rig.config.failover = true;
	rig.config.recovery_ms = 120000;
	rig.params.failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	rig_start();
	rig_call();
	rig_call();
	rig_call();
	rig_run(2000);
}

static void authenticated(void)
{
	rig.config.secret = "a s3cret";
	strcpy(rig.params.secret, "a s3cret");
	rig.params.authenticate = true;
}

static void check_alive(unsigned calls)
{
	struct l2tp_tunnel_info info;
	struct l2tp_session_state_rec rec;
	struct lac_call *call;
	uint16_t sid = 0;

	rig_run(70000);		/* recovery tunnels are gone, keepalives went */
	ck_assert_msg(!rig.violations, "%s", rig.violation);
	info = rig_info();
	ck_assert(!info.resync);
	ck_assert_uint_eq(info.channel.una, lac_vr(rig.lac));
	ck_assert_uint_eq(info.channel.vr, lac_una(rig.lac));
	ck_assert_uint_eq(info.sessions, calls);
	ck_assert_uint_eq(lac_n_calls(rig.lac), calls);
	while ((sid = l2tp_session_next(rig.active, info.s.local_id, sid))) {
		l2tp_session_export(l2tp_session_find(rig.active, info.s.local_id, sid), &rec);
		call = lac_find_call(rig.lac, rec.peer_id);
		ck_assert_ptr_nonnull(call);
		ck_assert_uint_eq(lac_call_peer_sid(call), sid);
	}
	call = rig_call();
	lac_hangup(call, rig.now, 3);
	rig_run(3000);
	ck_assert_uint_eq(rig_info().sessions, calls);
	ck_assert_uint_eq(rig.tunnel_downs + rig.tunnels_down, 0);
	ck_assert_msg(!rig.violations, "%s", rig.violation);
	ck_assert_uint_eq(lac_counters(rig.lac)->cdn_received, 0);
	ck_assert_uint_eq(lac_counters(rig.lac)->stopccn_received, 0);	/* of the tunnel itself */
}

START_TEST(the_lac_fails)
{
	if (_i)
		authenticated();
	start();
	/* its numbers are gone, and so is a message each way */
	rig.cut_to_us = rig.cut_to_lac = true;
	lac_hello_now(rig.lac, rig.now);
	rig_run(500);
	rig.cut_to_us = rig.cut_to_lac = false;
	ck_assert_int_eq(lac_recover(rig.lac, rig.now), 0);
	rig_settle();
	ck_assert_uint_eq(lac_counters(rig.lac)->recovered, 1);
	check_alive(3);
	ck_assert_uint_eq(lac_counters(rig.lac)->queries_sent, 3);
	ck_assert_uint_eq(lac_counters(rig.lac)->queries_received, 3);
}
END_TEST

START_TEST(we_fail)
{
	if (_i & 1)
		authenticated();
	rig.config.no_suggestion = _i & 2;
	start();
	if (_i & 4) {
		rig.mirror = false;
		rig_run(200000);	/* keepalives no record tells of */
	}
	rig_take_over(_i & 4 ? L2TP_KNOWLEDGE_BEHIND : L2TP_KNOWLEDGE_EXACT, 1200);
	ck_assert_uint_eq(rig.resync_ok, 1);
	ck_assert_int_eq(rig_info().resync_how, L2TP_RESYNC_BY_PROTOCOL);
	ck_assert_uint_eq(lac_counters(rig.lac)->recovered, 1);
	check_alive(3);
	ck_assert_uint_eq(lac_counters(rig.lac)->queries_sent, 3);
	ck_assert_uint_eq(lac_counters(rig.lac)->queries_received, 3);
}
END_TEST

/* The LAC had given up long ago, had it not been asked to wait. */
START_TEST(we_fail_for_a_minute)
{
	start();
	lac_hello_now(rig.lac, rig.now);
	rig.first = rig.count = 0;
	rig_take_over(L2TP_KNOWLEDGE_EXACT, 60000);
	check_alive(3);
}
END_TEST

START_TEST(the_lac_fails_for_a_minute)
{
	start();
	rig.cut_to_us = rig.cut_to_lac = true;
	rig_run(60000 + 60000);		/* our HELLO, its cycle, and more */
	rig.cut_to_us = rig.cut_to_lac = false;
	ck_assert_int_eq(lac_recover(rig.lac, rig.now), 0);
	check_alive(3);
}
END_TEST

START_TEST(a_lossy_recovery)
{
	start();
	rig.cut_to_lac = _i & 1;
	rig_take_over(L2TP_KNOWLEDGE_EXACT, 1200);
	rig.cut_to_us = _i & 2;
	rig_run(1500);
	rig.cut_to_lac = rig.cut_to_us = false;
	rig_run(500);
	rig.cut_to_us = _i & 4;
	rig_run(3000);
	rig.cut_to_us = false;
	check_alive(3);
}
END_TEST

/* Each end has a session the other lost: a CDN and an ICCN that never arrived. */
START_TEST(sessions_are_compared)
{
	struct lac_call *call;

	start();
	call = rig_call();
	lac_forget_call(call);
	rig.mirror = false;
	rig_call();		/* no record of ours tells of it */
	ck_assert_uint_eq(lac_n_calls(rig.lac), 4);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 1200);
	check_alive(3);
	ck_assert_uint_eq(lac_counters(rig.lac)->cleared_by_answer, 1);
	ck_assert_uint_eq(rig.sessions_down, 2);	/* the forgotten one, and that of check_alive() */
}
END_TEST

START_TEST(a_call_in_setup_vanishes_at_both_ends)
{
	start();
	rig.cut_to_us = true;
	lac_call(rig.lac, rig.now, NULL, NULL);
	rig_settle();
	if (_i) {
		rig_take_over(L2TP_KNOWLEDGE_EXACT, 1200);
	} else {
		rig_run(100);
		rig.cut_to_us = false;
		ck_assert_int_eq(lac_recover(rig.lac, rig.now), 0);
	}
	check_alive(3);
}
END_TEST

/* Whoever has the lower tie breaker stays recovery endpoint; one reset, one pair of numbers. */
START_TEST(both_fail)
{
	rig.random = (uint32_t)_i * 77 + 1;
	start();
	rig.cut_to_us = true;
	ck_assert_int_eq(lac_recover(rig.lac, rig.now), 0);
	rig_take_over(L2TP_KNOWLEDGE_EXACT, _i % 2 ? 900 : 1000);
	check_alive(3);
	ck_assert_uint_eq(rig.resync_ok, 1);
}
END_TEST

START_TEST(the_lac_lost_the_tunnel)
{
	start();
	lac_shutdown(rig.lac, rig.now, 1);
	rig.first = rig.count = 0;	/* nobody hears the StopCCN */
	rig_take_over(L2TP_KNOWLEDGE_EXACT, 100);
	ck_assert_uint_eq(rig.resync_failed, 1);
	ck_assert_uint_eq(rig.sessions_down, 3);
	ck_assert_uint_eq(rig.tunnels_down, 1);
	ck_assert_uint_eq(lac_counters(rig.lac)->recoveries_refused, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lac-failover");
	TCase *tcase = tcase_create("lac-failover");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_loop_test(tcase, the_lac_fails, 0, 2);
	tcase_add_loop_test(tcase, we_fail, 0, 8);
	tcase_add_test(tcase, we_fail_for_a_minute);
	tcase_add_test(tcase, the_lac_fails_for_a_minute);
	tcase_add_loop_test(tcase, a_lossy_recovery, 0, 8);
	tcase_add_test(tcase, sessions_are_compared);
	tcase_add_loop_test(tcase, a_call_in_setup_vanishes_at_both_ends, 0, 2);
	tcase_add_loop_test(tcase, both_fail, 0, 20);
	tcase_add_test(tcase, the_lac_lost_the_tunnel);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
