// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takeover with records that are behind what the peer has seen, against every
 * kind of LAC that facts 10.3 describes: how many messages were lost in which
 * direction, and what the LAC was about to do.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/engine_lac.h"

/* How far behind the records are: messages of ours, of the LAC. */
static const struct gap {
	unsigned ours, theirs;
} gaps[] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 2, 3 }, { 6, 6 }, { 12, 0 }, { 0, 20 } };
#define GAPS (sizeof(gaps) / sizeof(gaps[0]))

static void start(enum lac_peer peer)
{
	lac_config_peer(&rig.config, peer);
	rig.config.allow_hello_probe = true;
	rig.config.hello_ms = 0;
	rig.config.window = 16;
	rig_start();
	rig_call();
	rig_run(2000);
	ck_assert(lac_is_up(rig.lac));
}

/* Messages that no record tells of: HELLOs, each acknowledged. */
static void go_on_unseen(const struct gap *gap)
{
	unsigned i;

	rig.mirror = false;
	for (i = 0; i < gap->theirs; i++) {
		lac_hello_now(rig.lac, rig.now);
		rig_run(200);
	}
	for (i = 0; i < gap->ours; i++)
		rig_run(60000);		/* our keepalive */
}

static void check_alive(void)
{
	struct l2tp_tunnel_info info;
	struct lac_call *call;

	info = rig_info();
	ck_assert(!info.resync);
	ck_assert_uint_eq(info.channel.una, lac_vr(rig.lac));
	ck_assert_uint_eq(info.channel.vr, lac_una(rig.lac));
	ck_assert_uint_eq(rig.resync_ok, 1);
	ck_assert_uint_eq(rig.resync_failed, 0);
	ck_assert_uint_eq(info.sessions, lac_n_calls(rig.lac));
	/* both directions work, and nothing was lost on the way */
	call = rig_call();
	lac_hangup(call, rig.now, 3);
	rig_run(2000);
	ck_assert_uint_eq(rig_info().sessions, lac_n_calls(rig.lac));
	ck_assert_uint_eq(lac_counters(rig.lac)->ns_reused, 0);
	ck_assert_uint_eq(lac_counters(rig.lac)->nr_invalid, 0);
	ck_assert_uint_eq(lac_counters(rig.lac)->window_exceeded, 0);
	ck_assert_msg(!rig.violations, "%s", rig.violation);
	ck_assert_uint_eq(rig.tunnel_downs + rig.tunnels_down, 0);
}

/* An idle LAC, records behind by so much: HELLOs find the numbers. */
START_TEST(idle_peer)
{
	const struct gap *gap = &gaps[_i % GAPS];
	struct l2tp_tunnel_info info;
	unsigned before;

	start((enum lac_peer)(_i / GAPS));
	go_on_unseen(gap);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 1500);
	ck_assert_uint_eq(rig.sent, 0);			/* it listens first */
	ck_assert_int_eq(rig_info().resync_state, L2TP_RESYNC_LISTEN);
	rig_run(999);
	ck_assert_uint_eq(rig.sent, 0);
	before = rig.sent_type[6];
	rig_run(29000);
	ck_assert_uint_gt(rig.sent_type[6], before);
	ck_assert_uint_le(rig.sent_before_ack, 1);
	info = rig_info();
	ck_assert_uint_le(info.resync_ms, 31000);
	check_alive();
}
END_TEST

/* The LAC has something to say: its retransmissions tell both numbers, nothing is probed. */
START_TEST(busy_peer)
{
	const struct gap *gap = &gaps[_i % GAPS];

	start((enum lac_peer)(_i / GAPS));
	go_on_unseen(gap);
	rig.cut_to_us = true;
	lac_hello_now(rig.lac, rig.now);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 900);
	rig_run(28000);
	ck_assert_uint_le(rig_info().resync_ms, 31000);
	check_alive();
}
END_TEST

START_TEST(both_directions_under_way)
{
	const struct gap *gap = &gaps[_i % GAPS];
	unsigned i;

	start((enum lac_peer)(_i / GAPS));
	go_on_unseen(gap);
	/* our last one reached the LAC, its acknowledgement and four messages did not reach us */
	rig.cut_to_us = true;
	for (i = 0; i < 4; i++)
		lac_hello_now(rig.lac, rig.now);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 2500);
	rig_run(28000);
	check_alive();
}
END_TEST

/* A packet that the network doubles is not repeated by the peer: what came before it is still to come. */
START_TEST(doubled_by_the_network)
{
	struct lac_call *call;

	start(LAC_PEER_RFC);
	call = rig_call();
	rig_run(2000);
	rig.cut_to_us = true;
	lac_hangup(call, rig.now, 3);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 50);
	rig.double_to_us = true;
	lac_hello_now(rig.lac, rig.now);	/* this one arrives first */
	rig_run(28000);
	rig.double_to_us = false;
	check_alive();
}
END_TEST

/* Exact records need no listening: one message, one acknowledgement, whatever the peer. */
START_TEST(exact)
{
	start((enum lac_peer)_i);
	rig_take_over(L2TP_KNOWLEDGE_EXACT, 1500);
	ck_assert_uint_eq(rig.sent, 1);
	rig_run(200);		/* some delay their acknowledgements */
	ck_assert_uint_le(rig_info().resync_ms, 100);
	ck_assert_int_eq(rig_info().resync_how, L2TP_RESYNC_BY_ACK);
	rig.config.allow_hello_probe = false;
	check_alive();
}
END_TEST

START_TEST(a_call_during_it_is_refused)
{
	start(LAC_PEER_RFC);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 1500);
	lac_call(rig.lac, rig.now, NULL, NULL);
	rig_run(3000);
	ck_assert_uint_eq(rig.refused, 1);
	ck_assert_uint_eq(rig.calls_down, 1);
	ck_assert_int_eq(rig_info().resync_how, L2TP_RESYNC_BY_PEER);
	check_alive();
}
END_TEST

/* A CDN that has to go while nothing is known waits behind the HELLOs and is not swallowed. */
START_TEST(what_we_have_to_say_comes_last)
{
	const struct l2tp_result result = { .result = 3 };
	struct gap gap = gaps[_i % GAPS];
	uint16_t sid;

	if (gap.ours > 6)
		gap.ours = 6;
	start((enum lac_peer)(_i / GAPS));
	go_on_unseen(&gap);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 1500);
	sid = l2tp_session_next(rig.active, lac_peer_tid(rig.lac), 0);
	l2tp_session_close(l2tp_session_find(rig.active, lac_peer_tid(rig.lac), sid), rig.now, &result);
	rig_run(29000);
	ck_assert_uint_eq(lac_n_calls(rig.lac), 0);
	ck_assert_uint_eq(rig.calls_down, 1);
	check_alive();
}
END_TEST

START_TEST(a_dead_peer_is_given_up_in_time)
{
	start(LAC_PEER_RFC);
	rig.cut_to_lac = true;
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 1500);
	rig_run(31000);
	ck_assert_uint_eq(rig.resync_failed, 1);
	ck_assert_uint_eq(rig.tunnels_down, 1);
	ck_assert_uint_eq(rig.sent_type[4], 0);
}
END_TEST

/* An Nr far beyond what one could have missed is believed when it comes twice. */
START_TEST(far_behind)
{
	struct gap gap = { 0, 0 };
	unsigned i;

	start(LAC_PEER_RFC);
	go_on_unseen(&gap);
	for (i = 0; i < 100; i++) {
		struct lac_call *call = rig_call();

		lac_hangup(call, rig.now, 3);
		rig_run(10);
	}
	rig.calls_up = 1;
	rig.cut_to_us = true;
	lac_hello_now(rig.lac, rig.now);
	rig_take_over(L2TP_KNOWLEDGE_BEHIND, 900);
	rig_run(29000);
	check_alive();
}
END_TEST

/* ---- what it costs ------------------------------------------------------ */

/* Messages of the LAC that nobody acknowledged when the active died; 20 ms there and back. */
static uint32_t resync_ms(unsigned outstanding, uint16_t window, enum l2tp_knowledge knowledge)
{
	uint32_t ms;
	unsigned i;

	rig_teardown();
	rig_setup();
	rig.params.receive_window = window;
	rig.rtt_ms = 20;
	rig.config.dev |= LAC_DEV_NO_SLOW_START;
	rig.config.window = 16;
	rig.config.hello_ms = 0;
	rig.config.rtx_tries = 10;
	rig.config.allow_hello_probe = true;
	rig_start();
	ck_assert_int_eq(lac_open(rig.lac, rig.now), 0);
	rig_run(3000);
	ck_assert(lac_is_up(rig.lac));
	rig.cut_to_us = true;
	for (i = 0; i < outstanding; i++)
		lac_hello_now(rig.lac, rig.now);
	rig_take_over(knowledge, 1100);
	rig_run(30000);
	ck_assert_uint_eq(rig.resync_ok, 1);
	ms = rig_info().resync_ms;
	ck_assert_uint_eq(lac_backlog(rig.lac), 0);	/* and all of them were taken, once */
	ck_assert_uint_eq(rig_info().channel.vr, lac_vs(rig.lac));
	printf("%u outstanding, window %u, %s: %u ms\n", outstanding, window,
	       knowledge == L2TP_KNOWLEDGE_EXACT ? "exact" : "behind", ms);
	return ms;
}

START_TEST(resync_time_versus_outstanding)
{
	static const unsigned outstanding[] = { 0, 4, 100, 250 };

	/* exact: one way there and back, whatever is outstanding */
	ck_assert_uint_le(resync_ms(outstanding[_i], 250, L2TP_KNOWLEDGE_EXACT), 20);
	/* else the next retransmission tells, or HELLOs do */
	ck_assert_uint_le(resync_ms(outstanding[_i], 250, L2TP_KNOWLEDGE_BEHIND), 3000);
}
END_TEST

START_TEST(resync_time_versus_window)
{
	uint32_t small = resync_ms(0, 4, L2TP_KNOWLEDGE_BEHIND), large = resync_ms(0, 250, L2TP_KNOWLEDGE_BEHIND);

	ck_assert_uint_eq(resync_ms(0, 4, L2TP_KNOWLEDGE_EXACT), resync_ms(0, 250, L2TP_KNOWLEDGE_EXACT));
	ck_assert_uint_lt(small, large);	/* as many HELLOs as may have been missed */
}
END_TEST

/* Time until 250 calls placed at once are up. */
static uint64_t setup_ms(uint16_t window)
{
	uint64_t from;
	int i;

	rig_teardown();
	rig_setup();
	rig.params.receive_window = window;
	rig.rtt_ms = 20;
	rig.config.dev |= LAC_DEV_NO_SLOW_START;
	rig.config.window = 250;
	rig_start();
	ck_assert_int_eq(lac_open(rig.lac, rig.now), 0);
	rig_run(1000);
	from = rig.now;
	for (i = 0; i < 250; i++)
		lac_call(rig.lac, rig.now, NULL, NULL);
	while (rig.calls_up < 250 && rig.now < from + 100000)
		rig_run(10);
	ck_assert_uint_eq(rig.calls_up, 250);
	printf("window %u: 250 calls in %u ms\n", window, (unsigned)(rig.now - from));
	return rig.now - from;
}

START_TEST(setup_rate_versus_window)
{
	ck_assert_uint_gt(setup_ms(4), 4 * setup_ms(250));
}
END_TEST

/*
 * Exact records, and an answer that comes late: somebody else may have served the peer until then, so
 * that the one acknowledgement proves nothing.
 */
START_TEST(an_answer_that_comes_late)
{
	bool late = _i;

	start(LAC_PEER_RFC);
	rig.cut_to_lac = true;
	rig_take_over(L2TP_KNOWLEDGE_EXACT, 100);
	rig_run(late ? 4500 : 2000);
	rig.cut_to_lac = false;
	rig_run(28000);
	if (late)
		ck_assert_int_ne(rig_info().resync_how, L2TP_RESYNC_BY_ACK);
	else
		ck_assert_int_eq(rig_info().resync_how, L2TP_RESYNC_BY_ACK);
	check_alive();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("behind");
	TCase *tcase = tcase_create("behind");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_loop_test(tcase, idle_peer, 0, LAC_PEERS * (int)GAPS);
	tcase_add_loop_test(tcase, busy_peer, 0, LAC_PEERS * (int)GAPS);
	tcase_add_loop_test(tcase, both_directions_under_way, 0, LAC_PEERS * (int)GAPS);
	tcase_add_test(tcase, doubled_by_the_network);
	tcase_add_loop_test(tcase, exact, 0, LAC_PEERS);
	tcase_add_test(tcase, a_call_during_it_is_refused);
	tcase_add_loop_test(tcase, what_we_have_to_say_comes_last, 0, LAC_PEERS * (int)GAPS);
	tcase_add_test(tcase, a_dead_peer_is_given_up_in_time);
	tcase_add_test(tcase, far_behind);
	tcase_add_loop_test(tcase, an_answer_that_comes_late, 0, 2);
	tcase_add_loop_test(tcase, resync_time_versus_outstanding, 0, 4);
	tcase_add_test(tcase, resync_time_versus_window);
	tcase_add_test(tcase, setup_rate_versus_window);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
