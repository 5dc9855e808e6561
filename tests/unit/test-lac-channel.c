// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test LAC's control channel (RFC 2661 §5.8, appendix A) against a
 * scripted peer, with the habits of the peers it can imitate.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/lac_peer.h"

START_TEST(channel_slow_start)
{
	static const unsigned burst[] = { 1, 2, 4, 8, 8 };
	struct lac_config cfg;
	struct lacw_buf b;
	struct peer *p;
	unsigned i, round, before;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	lac_open(p->l, p->now_ms);
	for (i = 0; i < 40; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_SCCRQ, NULL);
	build_sccrp(p, &b, 8);
	send_next(p, &b);
	expect(p, LACW_SCCCN, NULL);
	/* SCCRP acknowledged SCCRQ: window is 2, one ICRQ goes with SCCCN */
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	for (round = 1; round < 5; round++) {
		before = p->n_out;
		/* one ack for each message, as the RFC counts */
		while (lac_una(p->l) != p->nr)
			send_zlb(p, p->ns, (uint16_t)(lac_una(p->l) + 1));
		while (p->read < p->n_out)
			expect(p, LACW_ICRQ, NULL);
		ck_assert_uint_le(p->n_out - before, 8);
		ck_assert_uint_ge(p->n_out - before, burst[round]);
	}
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_respects_window)
{
	struct peer *p;
	struct lac_config cfg;
	struct lacw_msg m;
	unsigned i;

	lac_config_init(&cfg);
	cfg.dev |= LAC_DEV_NO_SLOW_START;
	p = peer_new(&cfg);
	establish(p, 3);
	for (i = 0; i < 10; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	for (i = 0; i < 3; i++)
		expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	ck_assert_uint_eq(lac_backlog(p->l), 10);
	send_zlb(p, p->ns, (uint16_t)(p->nr + 1)); /* queued, but never sent */
	ck_assert_uint_eq(n(p)->nr_invalid, 1);
	ck_assert_uint_eq(lac_backlog(p->l), 10);
	send_zlb(p, p->ns, (uint16_t)(p->nr - 1)); /* two of three */
	expect(p, LACW_ICRQ, NULL);
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	/* what was never sent is forgotten, StopCCN follows what was */
	lac_shutdown(p->l, p->now_ms, 6);
	expect_silence(p);
	ck_assert_uint_eq(p->call_downs, 10);
	send_ack(p);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(m.ns, 7);
	peer_free(p);
}
END_TEST

/* RFC 2661 appendix A after a loss: ssthresh is half, then one by one. */
START_TEST(channel_avoids_congestion)
{
	static const unsigned flight[] = { 2, 2, 3, 3, 3, 4 };
	struct lac_config cfg;
	struct peer *p;
	unsigned i;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	establish(p, 8); /* two acks: CWND 3 */
	for (i = 0; i < 30; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	for (i = 0; i < 3; i++)
		expect(p, LACW_ICRQ, NULL);
	send_zlb(p, p->ns, (uint16_t)(p->nr - 2)); /* CWND 4 */
	expect(p, LACW_ICRQ, NULL);
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	run_to(p, p->now_ms + 1000); /* CWND 1, SSTHRESH 2 */
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	send_ack(p); /* all four at once: CWND 2 */
	for (i = 0; i < 6; i++) {
		ck_assert_uint_eq((uint16_t)(lac_vs(p->l) - lac_una(p->l)), flight[i]);
		send_zlb(p, p->ns, (uint16_t)(lac_una(p->l) + 1));
	}
	peer_free(p);
}
END_TEST

START_TEST(channel_recovers_a_lost_burst)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	unsigned i;

	for (i = 0; i < 4; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	p->read = p->n_out; /* all four lost */
	run_to(p, p->now_ms + 1000);
	for (i = 0; i < 4; i++) {
		expect(p, LACW_ICRQ, &m);
		ck_assert_uint_eq(m.ns, 2 + i);
		expect_silence(p);
		send_ack(p); /* the next one follows the ack at once */
	}
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	ck_assert_uint_eq(n(p)->retransmissions, 4);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_zlb_carries_next_ns)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	struct lacw_buf b;

	hello(p, &b);
	send_next(p, &b);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.ns, 2);
	ck_assert_uint_eq(m.nr, 2);
	/* also while a message is on its way: next to be sent, not oldest */
	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	hello(p, &b);
	send_with(p, &b, p->ns++, (uint16_t)(p->nr - 1));
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.ns, 3);
	/* a ZLB of the peer takes no place and wants no answer */
	send_zlb(p, p->ns, p->nr);
	expect_silence(p);
	ck_assert_uint_eq(lac_vr(p->l), 3);
	peer_free(p);
}
END_TEST

/* 0: RFC, 1: OpenL2TP */
START_TEST(channel_duplicates)
{
	struct peer *p = up_with(_i ? LAC_DEV_DUP_NR_NEXT : 0);
	struct lacw_msg m;
	struct lacw_buf b;
	unsigned i;

	for (i = 0; i < 3; i++) {
		hello(p, &b);
		send_next(p, &b);
		expect(p, LACW_ZLB, NULL);
	}
	hello(p, &b);
	send_with(p, &b, 1, p->nr);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, _i ? 2 : 4);
	expect_silence(p);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	ck_assert_uint_eq(n(p)->hello_received, 3);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_old_is_32768_wide)
{
	struct peer *p = up_with(0);
	struct lacw_buf b;

	/* expected is 1: 32769 is the oldest of the old, 32768 the last future */
	hello(p, &b);
	send_with(p, &b, 32769, p->nr);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	expect(p, LACW_ZLB, NULL);
	hello(p, &b);
	send_with(p, &b, 32768, p->nr);
	ck_assert_uint_eq(n(p)->out_of_order, 1);
	ck_assert_uint_eq(n(p)->window_exceeded, 1);
	expect_silence(p);
	peer_free(p);
}
END_TEST

/* 0: discard, 1: hold, 2: discard and ack */
START_TEST(channel_out_of_order)
{
	static const unsigned dev[] = { 0, LAC_DEV_OOO_QUEUE, LAC_DEV_OOO_ACK };
	struct peer *p = up_with(dev[_i]);
	struct lacw_msg m;
	struct lacw_buf b;

	hello(p, &b);
	send_with(p, &b, 2, p->nr);
	hello(p, &b);
	send_with(p, &b, 3, p->nr);
	if (_i == 2) {
		expect(p, LACW_ZLB, &m);
		ck_assert_uint_eq(m.nr, 1);
		expect(p, LACW_ZLB, NULL);
	}
	expect_silence(p);
	ck_assert_uint_eq(n(p)->out_of_order, 2);
	hello(p, &b);
	send_with(p, &b, 1, p->nr);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, _i == 1 ? 4 : 2);
	ck_assert_uint_eq(n(p)->hello_received, _i == 1 ? 3 : 1);
	reach(p);
	peer_free(p);
}
END_TEST

/* Nr beyond what was sent: 0 RFC, 1 strict, 2 xl2tpd */
START_TEST(channel_nr_too_high)
{
	static const unsigned dev[] = { 0, LAC_DEV_NR_STRICT, LAC_DEV_NR_AS_IS };
	struct peer *p = up_with(dev[_i]);
	struct lacw_buf b;

	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	hello(p, &b);
	send_with(p, &b, 1, (uint16_t)(p->nr + 1));
	ck_assert_uint_eq(n(p)->nr_invalid, 1);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_uint_eq(n(p)->hello_received, _i == 1 ? 0 : 1);
	ck_assert_uint_eq(lac_backlog(p->l), _i == 2 ? 0 : 1);
	/* an old Nr is no fault */
	send_zlb(p, lac_vr(p->l), 0);
	ck_assert_uint_eq(n(p)->nr_backward, 1);
	ck_assert_uint_eq(p->violations, 1);
	peer_free(p);
}
END_TEST

START_TEST(channel_xl2tpd_wants_the_exact_ns)
{
	struct peer *p = up_with(LAC_DEV_NS_EXACT);

	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	send_zlb(p, (uint16_t)(p->ns - 1), p->nr);
	send_zlb(p, (uint16_t)(p->ns + 1), p->nr);
	ck_assert_uint_eq(n(p)->zlb_ignored, 2);
	ck_assert_uint_eq(lac_backlog(p->l), 1);
	send_zlb(p, p->ns, p->nr);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	peer_free(p);
}
END_TEST

/* 0: as it is, 1: the peer may probe with a HELLO */
START_TEST(channel_reports_reuse_of_ns)
{
	struct lac_config cfg;
	struct lac_call *c;
	struct lacw_buf b;
	struct peer *p;
	uint16_t ns;

	lac_config_init(&cfg);
	cfg.allow_hello_probe = _i;
	p = peer_new(&cfg);
	establish(p, 4);
	ns = p->ns;
	c = call_up(p, 9); /* ICRP on Ns ns */
	/* the ICRP again, only Nr has moved: a retransmission */
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_with(p, &b, ns, p->nr);
	expect(p, LACW_ZLB, NULL);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	reach(p);
	/* another session ID on that Ns: the LNS has forgotten what it said */
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, 10);
	send_with(p, &b, ns, p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, 1);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_ptr_nonnull(strstr(p->violation, "Ns 1 was ICRP"));
	/* a HELLO there */
	hello(p, &b);
	send_with(p, &b, ns, p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, _i ? 1 : 2);
	ck_assert_uint_eq(n(p)->hello_probes, _i);
	ck_assert_uint_eq(lac_call_peer_sid(c), 9);
	/* a future message that was thrown away counts as said */
	hello(p, &b);
	send_with(p, &b, (uint16_t)(ns + 2), p->nr);
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_CDN);
	lacw_put_result(&b, 3, 0, NULL);
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_with(p, &b, (uint16_t)(ns + 2), p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, _i ? 2 : 3);
	peer_free(p);
}
END_TEST

START_TEST(channel_survives_the_wrap)
{
	struct peer *p = up_with(0);
	struct lacw_buf b;
	unsigned i;

	for (i = 0; i < 70000; i++) {
		p->n_out = p->read = 0;
		ck_assert_int_eq(lac_hello_now(p->l, p->now_ms), 0);
		expect(p, LACW_HELLO, NULL);
		hello(p, &b);
		send_next(p, &b);
		expect(p, LACW_ZLB, NULL);
	}
	ck_assert_uint_eq(n(p)->hello_received, 70000);
	ck_assert_uint_eq(lac_vr(p->l), (uint16_t)70001);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	ck_assert_uint_eq(n(p)->retransmissions + n(p)->duplicates + n(p)->out_of_order, 0);
	reach(p);
	peer_free(p);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lac-channel");
	TCase *t = tcase_create("channel");

	tcase_add_test(t, channel_slow_start);
	tcase_add_test(t, channel_respects_window);
	tcase_add_test(t, channel_avoids_congestion);
	tcase_add_test(t, channel_recovers_a_lost_burst);
	tcase_add_test(t, channel_zlb_carries_next_ns);
	tcase_add_loop_test(t, channel_duplicates, 0, 2);
	tcase_add_test(t, channel_old_is_32768_wide);
	tcase_add_loop_test(t, channel_out_of_order, 0, 3);
	tcase_add_loop_test(t, channel_nr_too_high, 0, 3);
	tcase_add_test(t, channel_xl2tpd_wants_the_exact_ns);
	tcase_add_loop_test(t, channel_reports_reuse_of_ns, 0, 2);
	tcase_add_test(t, channel_survives_the_wrap);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(suite());
}
