// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test LAC's tunnel and calls against a scripted peer: its judgements are
 * what the simulator and the lab rely on, so every one of them is provoked.
 * Codec: test-lac-wire.c; channel: test-lac-channel.c; PPP: test-lac-ppp.c.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/lac_peer.h"

/* ---- tunnel ------------------------------------------------------------------ */

START_TEST(tunnel_opens)
{
	struct lac_config cfg;
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.hostname = "lac1";
	p = peer_new(&cfg);
	ck_assert_int_eq(lac_open(p->l, p->now_ms), 0);
	expect(p, LACW_SCCRQ, &m);
	ck_assert_uint_eq(m.tid, 0);
	ck_assert_uint_eq(m.ns, 0);
	ck_assert_uint_eq(lacw_u16(&m, LACW_TUNNEL_ID), lac_tid(p->l));
	ck_assert_uint_eq(lacw_u16(&m, LACW_WINDOW), 4);
	ck_assert_mem_eq(m.avp[LACW_HOST_NAME].p, "lac1", 4);
	ck_assert(!lacw_has(&m, LACW_CHALLENGE));
	build_sccrp(p, &b, 0);
	send_next(p, &b);
	expect(p, LACW_SCCCN, &m);
	ck_assert_uint_eq(m.tid, PEER_TID);
	ck_assert_uint_eq(m.ns, 1);
	ck_assert_uint_eq(m.nr, 1);
	expect_silence(p);
	ck_assert_uint_eq(p->ups, 1);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_gives_up_on_schedule)
{
	static const uint64_t at_ms[] = { 1000, 3000, 7000, 15000, 23000 };
	struct lac_config cfg;
	struct lacw_msg m;
	struct peer *p;
	size_t i;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	p->now_ms = 0;
	lac_open(p->l, 0);
	expect(p, LACW_SCCRQ, NULL);
	for (i = 0; i < 5; i++) {
		run_to(p, at_ms[i] - 1);
		expect_silence(p);
		run_to(p, at_ms[i]);
		expect(p, LACW_SCCRQ, &m);
		ck_assert_uint_eq(m.ns, 0);
	}
	run_to(p, 30999);
	ck_assert_uint_eq(p->downs, 0);
	run_to(p, 31000);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_TIMEOUT);
	ck_assert_uint_eq(n(p)->retransmissions, 5);
	ck_assert(lac_is_idle(p->l));
	ck_assert(lac_deadline_ms(p->l) == LAC_NEVER);
	expect_silence(p);
	peer_free(p);
}
END_TEST

static struct peer *challenged(struct lacw_msg *sccrq)
{
	struct lac_config cfg;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.secret = "geheim";
	p = peer_new(&cfg);
	lac_open(p->l, p->now_ms);
	expect(p, LACW_SCCRQ, sccrq);
	ck_assert(lacw_has(sccrq, LACW_CHALLENGE));
	return p;
}

START_TEST(tunnel_authenticates)
{
	uint8_t answer[16];
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p = challenged(&m);

	build_sccrp(p, &b, 4);
	lacw_response(answer, 2, "geheim", m.avp[LACW_CHALLENGE].p, m.avp[LACW_CHALLENGE].len);
	lacw_put(&b, LACW_RESPONSE, answer, 16);
	lacw_put(&b, LACW_CHALLENGE, "abc", 3);
	send_next(p, &b);
	expect(p, LACW_SCCCN, &m);
	lacw_response(answer, 3, "geheim", (const uint8_t *)"abc", 3);
	ck_assert_mem_eq(m.avp[LACW_RESPONSE].p, answer, 16);
	ck_assert(lac_is_up(p->l));
	peer_free(p);
}
END_TEST

/* 0: wrong response, 1: none, 2: a challenge where the LAC has no secret */
START_TEST(tunnel_refuses_wrong_secret)
{
	struct lac_config cfg;
	uint8_t answer[16];
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p;

	if (_i < 2) {
		p = challenged(&m);
	} else {
		lac_config_init(&cfg);
		p = peer_new(&cfg);
		lac_open(p->l, p->now_ms);
		expect(p, LACW_SCCRQ, &m);
	}
	build_sccrp(p, &b, 4);
	if (_i == 0) {
		lacw_response(answer, 2, "falsch", m.avp[LACW_CHALLENGE].p,
			      m.avp[LACW_CHALLENGE].len);
		lacw_put(&b, LACW_RESPONSE, answer, 16);
	}
	if (_i == 2)
		lacw_put(&b, LACW_CHALLENGE, "abc", 3);
	send_next(p, &b);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 4);
	ck_assert_uint_eq(p->ups, 0);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_AUTH);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_hides_what_may_be_hidden)
{
	struct lac_config cfg;
	struct lacw_msg m;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.secret = "geheim";
	cfg.dev |= LAC_DEV_HIDE;
	p = peer_new(&cfg);
	lac_open(p->l, p->now_ms);
	ck_assert_uint_eq(p->n_out, 1);
	ck_assert_int_eq(lacw_decode(&m, p->out[0].b, p->out[0].len, NULL), LACW_UNKNOWN_M_AVP);
	ck_assert_int_eq(lacw_decode(&m, p->out[0].b, p->out[0].len, "falsch"), LACW_BAD_BODY);
	ck_assert_int_eq(lacw_decode(&m, p->out[0].b, p->out[0].len, "geheim"), LACW_OK);
	ck_assert(!m.pedantic);
	ck_assert_uint_eq(lacw_u16(&m, LACW_TUNNEL_ID), lac_tid(p->l));
	ck_assert_uint_eq(lacw_u32(&m, LACW_FRAMING_CAP), 3);
	ck_assert_uint_eq(m.avp[LACW_CHALLENGE].len, 16);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_stopped_by_peer)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	struct lacw_buf b;

	call_up(p, 9);
	lacw_begin(&b, lac_tid(p->l), 0, LACW_STOPCCN);
	lacw_put_u16(&b, LACW_TUNNEL_ID, PEER_TID);
	lacw_put_result(&b, 2, 7, "192.0.2.9");
	send_next(p, &b);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, p->ns);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_TUNNEL);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_uint_eq(p->down.result, 2);
	ck_assert_uint_eq(p->down.error, 7);
	ck_assert_uint_eq(lac_n_calls(p->l), 0);
	/* our ack was lost: it is given again, for 31 s */
	run_to(p, p->now_ms + 30000);
	deliver(p, b.b, b.len);
	expect(p, LACW_ZLB, NULL);
	run_to(p, p->now_ms + 1001);
	ck_assert(lac_is_idle(p->l));
	deliver(p, b.b, b.len);
	expect_silence(p);
	ck_assert_uint_eq(n(p)->unknown_tunnel, 1);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_reopens_while_the_old_one_lingers)
{
	struct peer *p = up_with(0);
	uint16_t old = lac_tid(p->l);
	struct lacw_msg m;
	struct lacw_buf b;

	lac_shutdown(p->l, p->now_ms, 6);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 6);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_LOCAL);
	p->nr = 0;
	lac_open(p->l, p->now_ms);
	expect(p, LACW_SCCRQ, &m);
	ck_assert_uint_ne(lac_tid(p->l), old);
	/* the old StopCCN is not acknowledged: it comes again under its own Ns */
	run_to(p, p->now_ms + 1000);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(m.tid, PEER_TID);
	ck_assert_uint_eq(m.ns, 2);
	expect(p, LACW_SCCRQ, &m);
	/* a message of the peer on the old tunnel is acknowledged there */
	lacw_begin(&b, old, 0, LACW_HELLO);
	send_with(p, &b, 1, 3);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, 2);
	expect_silence(p);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(hello_after_silence)
{
	struct peer *p = up_with(0);
	uint64_t t0 = p->now_ms;
	struct lacw_buf b;

	run_to(p, t0 + 59999);
	expect_silence(p);
	hello(p, &b); /* something heard: the clock starts anew */
	send_next(p, &b);
	expect(p, LACW_ZLB, NULL);
	run_to(p, t0 + 59999 + 59999);
	expect_silence(p);
	run_to(p, t0 + 59999 + 60000);
	expect(p, LACW_HELLO, NULL);
	send_ack(p);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	peer_free(p);
}
END_TEST

/* ---- calls --------------------------------------------------------------------- */

START_TEST(call_goes_up_and_is_hung_up)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint16_t sid = lac_call_sid(c);
	struct lacw_msg m;

	ck_assert_uint_eq(p->call_ups, 1);
	ck_assert_uint_eq(lac_call_peer_sid(c), 9);
	ck_assert_ptr_eq(lac_find_call(p->l, sid), c);
	lac_hangup(c, p->now_ms, 3);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(m.sid, 9);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 3);
	ck_assert_uint_eq(lacw_u16(&m, LACW_SESSION_ID), sid);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_LOCAL);
	ck_assert_ptr_null(lac_find_call(p->l, sid));
	ck_assert(lac_is_up(p->l));
	reach(p);
	peer_free(p);
}
END_TEST

/* 0: refused before ICRP, header session ID ours; 1: established;
 * 2: established, header session ID 0 */
START_TEST(call_ended_by_peer)
{
	struct peer *p = up_with(0);
	struct lac_call *c;
	struct lacw_msg m;
	struct lacw_buf b;

	if (_i == 0) {
		c = lac_call(p->l, p->now_ms, NULL, NULL);
		expect(p, LACW_ICRQ, &m);
	} else {
		c = call_up(p, 9);
	}
	lacw_begin(&b, lac_tid(p->l), _i == 2 ? 0 : lac_call_sid(c), LACW_CDN);
	lacw_put_result(&b, 2, 6, "Tunnel in HA resync");
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_next(p, &b);
	expect(p, LACW_ZLB, NULL);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_PEER);
	ck_assert_uint_eq(p->call_down.result, 2);
	ck_assert_uint_eq(p->call_down.error, 6);
	ck_assert_uint_eq(n(p)->cdn_received, 1);
	ck_assert_uint_eq(lac_n_calls(p->l), 0);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(call_times_out)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;

	lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_ICRQ, NULL);
	send_ack(p);
	run_to(p, p->now_ms + 59999);
	ck_assert_uint_eq(p->call_downs, 0);
	run_to(p, p->now_ms + 1);
	while (p->n_out - p->read > 1) /* the HELLO of that moment */
		expect(p, LACW_HELLO, NULL);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 10);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_TIMEOUT);
	peer_free(p);
}
END_TEST

START_TEST(call_with_crossing_messages)
{
	struct peer *p = up_with(0);
	struct lac_call *c = lac_call(p->l, p->now_ms, NULL, NULL);
	struct lacw_msg m;
	uint16_t sid;

	expect(p, LACW_ICRQ, &m);
	sid = lacw_u16(&m, LACW_SESSION_ID);
	lac_hangup(c, p->now_ms, 1);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(m.sid, 0);
	send_icrp(p, sid, 9); /* crossed our CDN: no fault */
	reach(p);
	ck_assert_uint_eq(n(p)->unknown_session, 0);
	send_icrp(p, (uint16_t)(sid + 100), 10); /* never was: a fault */
	ck_assert_uint_eq(n(p)->unknown_session, 1);
	ck_assert_uint_eq(p->violations, 1);
	peer_free(p);
}
END_TEST

START_TEST(call_reports_a_session_id_given_twice)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;

	call_up(p, 9);
	lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_ICRQ, &m);
	send_icrp(p, lacw_u16(&m, LACW_SESSION_ID), 9);
	ck_assert_uint_eq(p->violations, 1);
	expect(p, LACW_CDN, NULL);
	ck_assert_uint_eq(lac_n_calls(p->l), 1);
	peer_free(p);
}
END_TEST

/* 0: unknown AVP with M=1 ends the session, 1: in a tunnel message the tunnel,
 * 2: unknown message type with M=1 ends the tunnel, 3: ICRP in established */
START_TEST(faults_are_answered)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint8_t avp[] = { 0x80, 6, 0, 0, 0, 99 };
	struct lacw_msg m;
	struct lacw_buf b;

	lacw_begin(&b, lac_tid(p->l), _i == 0 || _i == 3 ? lac_call_sid(c) : 0,
		   _i == 0 || _i == 3 ? LACW_ICRP : LACW_HELLO);
	if (_i == 0 || _i == 3)
		lacw_put_u16(&b, LACW_SESSION_ID, 9);
	if (_i < 2)
		lacw_put_raw(&b, avp, sizeof(avp));
	if (_i == 2)
		b.b[LACW_HDR + 7] = 99;
	send_next(p, &b);
	expect(p, _i == 0 || _i == 3 ? LACW_CDN : LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 2);
	ck_assert_uint_eq(m.avp[LACW_RESULT_CODE].p[3], _i == 3 ? 3 : 8);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(lac_is_up(p->l), _i == 0 || _i == 3);
	peer_free(p);
}
END_TEST

START_TEST(data_goes_to_its_call)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint16_t tid = lac_tid(p->l), sid = lac_call_sid(c);
	uint8_t d[] = { 0, 2, tid >> 8, (uint8_t)tid, sid >> 8, (uint8_t)sid, 0xff, 3, 0xc0, 0x21 };
	uint8_t s[] = { 8, 2, tid >> 8, (uint8_t)tid, sid >> 8, (uint8_t)sid, 0, 0, 0, 0, 0x21 };
	const uint8_t frame[] = { 0xff, 3, 0, 0x21 };

	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(p->n_data, 1);
	ck_assert_uint_eq(p->data_len, 4);
	ck_assert_mem_eq(p->data, "\xff\x03\xc0\x21", 4);
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_uint_eq(p->out[p->n_out - 1].len, 10);
	ck_assert_mem_eq(p->out[p->n_out - 1].b, "\x00\x02\x00\x4d\x00\x09\xff\x03\x00\x21", 10);
	/* the LNS turns sequencing on: the LAC has to follow */
	deliver(p, s, sizeof(s));
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_mem_eq(p->out[p->n_out - 1].b, "\x08\x02\x00\x4d\x00\x09\x00\x01\x00\x00\xff", 11);
	d[4] ^= 1; /* never was */
	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(n(p)->data_unknown, 1);
	d[4] ^= 1;
	lac_hangup(c, p->now_ms, 3);
	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(n(p)->data_closed, 1);
	ck_assert_uint_eq(p->n_data, 2);
	reach(p);
	peer_free(p);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lac");
	TCase *t = tcase_create("tunnel");

	tcase_add_test(t, tunnel_opens);
	tcase_add_test(t, tunnel_gives_up_on_schedule);
	tcase_add_test(t, tunnel_authenticates);
	tcase_add_loop_test(t, tunnel_refuses_wrong_secret, 0, 3);
	tcase_add_test(t, tunnel_hides_what_may_be_hidden);
	tcase_add_test(t, tunnel_stopped_by_peer);
	tcase_add_test(t, tunnel_reopens_while_the_old_one_lingers);
	tcase_add_test(t, hello_after_silence);
	suite_add_tcase(s, t);
	t = tcase_create("calls");
	tcase_add_test(t, call_goes_up_and_is_hung_up);
	tcase_add_loop_test(t, call_ended_by_peer, 0, 3);
	tcase_add_test(t, call_times_out);
	tcase_add_test(t, call_with_crossing_messages);
	tcase_add_test(t, call_reports_a_session_id_given_twice);
	tcase_add_loop_test(t, faults_are_answered, 0, 4);
	tcase_add_test(t, data_goes_to_its_call);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(suite());
}
