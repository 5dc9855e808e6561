// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 4951 against a scripted peer: what is said at setup, recovery tunnels as
 * remote and as recovery endpoint, ties, and which sessions are left.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/failover_peer.h"

/* ---- the peer recovers -------------------------------------------------- */

static const uint8_t high_tie[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

START_TEST(capability_is_said_when_the_method_has_it)
{
	static const enum l2tp_failover methods[] = { L2TP_FAILOVER_UNSET, L2TP_FAILOVER_DISABLE, L2TP_FAILOVER_SILENT,
						      L2TP_FAILOVER_PROTOCOL, L2TP_FAILOVER_PROTOCOL_SILENT };
	static const uint16_t peers[] = { ABSENT, 0, 1, 2, 3 };
	static const uint8_t ours[] = { 0x00, 0x0c, 0, 0, 0, 76, 0, 1, 0x00, 0x0d, 0xbb, 0xa0 };
	bool speaks = _i / 5 >= 3, agrees = speaks && (peers[_i % 5] == 1 || peers[_i % 5] == 3), cleared;
	struct l2tp_tunnel_info info;
	const struct seen *seen;

	a.params.failover = methods[_i / 5];
	a.params.recovery_ms = 900000;
	connect_with(peers[_i % 5], 5000);
	seen = box_sent(&a, MESSAGE_SCCRP, 0);
	ck_assert_int_eq(message_has(&seen->message, AVP_FAILOVER_CAPABILITY), speaks);
	if (speaks)
		ck_assert_mem_eq(seen->message.avp[AVP_FAILOVER_CAPABILITY].data - 6, ours, sizeof(ours));

	take_over(L2TP_KNOWLEDGE_EXACT);
	cleared = methods[_i / 5] == L2TP_FAILOVER_DISABLE ||
		  (methods[_i / 5] == L2TP_FAILOVER_PROTOCOL && !agrees);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_STOPCCN), cleared);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRQ), agrees);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_HELLO), !cleared && !agrees);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), cleared);
	if (cleared) {
		ck_assert(!box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
		return;
	}
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert(info.resync);
	ck_assert_uint_eq(info.s.params.failover, methods[_i / 5]);
}
END_TEST

START_TEST(an_unreplicated_tunnel_asks_for_no_time)
{
	static const uint8_t ours[] = { 0, 1, 0, 0, 0, 0 };

	a.params.ha = false;
	agreed();
	ck_assert_mem_eq(box_sent(&a, MESSAGE_SCCRP, 0)->message.avp[AVP_FAILOVER_CAPABILITY].data, ours, sizeof(ours));
}
END_TEST

START_TEST(peer_recovers_with_suggested_numbers)
{
	struct l2tp_tunnel_info info;
	struct l2tp_counters before, after;
	uint16_t sid, old_ns;

	agreed();
	sid = lac_call(&lac, 300);
	old_ns = lac.ns;
	l2tp_counters(a.l2tp, &before);
	peer_recovers();
	l2tp_tunnel_info(l2tp_tunnel_find(a.l2tp, lac.peer_id), &info);
	/* far from the old ones, and theirs mirrored; the FSQ about the session is out */
	ck_assert_uint_eq(info.channel.vr, lac.ns);
	ck_assert_uint_eq(info.channel.una, lac.nr);
	ck_assert_uint_gt((uint16_t)(old_ns - lac.ns), 0x3fff);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_FSQ), 1);
	ck_assert_uint_eq(box_sent(&a, MESSAGE_FSQ, 0)->header.ns, lac.nr);
	/* nothing but the engine knows of the recovery tunnel */
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_UP) + box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
	l2tp_counters(a.l2tp, &after);
	ck_assert_uint_eq(before.tunnels, after.tunnels);
	ck_assert_uint_eq(before.tunnels_established, after.tunnels_established);
	ck_assert_uint_eq(l2tp_tunnel_next(a.l2tp, 0), lac.peer_id);
	ck_assert_uint_eq(l2tp_tunnel_next(a.l2tp, lac.peer_id), 0);

	/* old packets say nothing any more */
	box_forget_seen(&a);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, old_ns, 2);
	box_drain(&a);
	ck_assert_uint_eq(a.seen_count, 0);
	/* the tunnel works */
	lac.nr++;
	lac_call(&lac, 301);
	ck_assert_ptr_nonnull(l2tp_session_find(a.l2tp, lac.peer_id, sid));
	/* the peer closes the recovery tunnel, nobody hears of it */
	lac_put_end(&rec, MESSAGE_STOPCCN, rec.id, 0, 1, "");
	lac_end(&rec);
	box_at(&a, a.now + 40000);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

START_TEST(a_spent_recovery_tunnel_is_closed)
{
	agreed();
	peer_recovers();
	lac_zlb(&lac);
	box_forget_seen(&a);
	box_at(&a, a.now + 31000);
	lac_expect_stop(&rec, 1, 0);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

START_TEST(unacceptable_recoveries)
{
	struct lac other;

	switch (_i) {
	case 0:		/* an ID nobody has */
		agreed();
		put_recovery(lac.id, (uint16_t)(lac.peer_id + 1), low_tie);
		break;
	case 1:		/* not paired */
		agreed();
		put_recovery((uint16_t)(lac.id + 1), lac.peer_id, low_tie);
		break;
	case 2:		/* the peer was not capable */
		a.params.failover = L2TP_FAILOVER_PROTOCOL_SILENT;
		connect_with(ABSENT, 0);
		put_recovery(lac.id, lac.peer_id, low_tie);
		break;
	case 3:		/* we were not */
		connect_with(1, 5000);
		put_recovery(lac.id, lac.peer_id, low_tie);
		break;
	case 4:
		agreed();
		put_recovery(lac.id, lac.peer_id, NULL);
		break;
	case 5:		/* from elsewhere */
		agreed();
		put_recovery(lac.id, lac.peer_id, low_tie);
		rec.addr.addr[3]++;
		break;
	case 6:		/* a recovery tunnel is not recovered */
		agreed();
		peer_recovers();
		other = rec;
		rec_id++;
		put_recovery(other.id, other.peer_id, low_tie);
		break;
	}
	box_forget_seen(&a);
	lac_end(&rec);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_SCCRP), 0);
	lac_expect_stop(&rec, 2, _i == 4 ? 6 : 3);
	/* the tunnel itself is not touched */
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(a.l2tp, lac.peer_id));
}
END_TEST

/* The old tunnel was authenticated: whoever cannot answer the challenge recovers nothing. */
START_TEST(recovery_is_authenticated)
{
	uint8_t response[16];
	struct seen *seen;
	struct l2tp_channel_state before, after;

	strcpy(a.params.secret, "s3cret");
	a.params.authenticate = true;
	a.params.failover = L2TP_FAILOVER_PROTOCOL;
	lac_put_sccrq(&lac);
	put_capability(1, 0);
	lac_end(&lac);
	seen = box_sent(&a, MESSAGE_SCCRP, 0);
	lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	avp_challenge_response(MESSAGE_SCCCN, "s3cret", seen->message.avp[AVP_CHALLENGE].data, 16, response);
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	avp_put(&lac.out, AVP_CHALLENGE_RESPONSE, response, sizeof(response));
	lac_end(&lac);
	l2tp_channel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &before);

	box_forget_seen(&a);
	put_recovery(lac.id, lac.peer_id, low_tie);
	lac_end(&rec);
	seen = box_sent(&a, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert(message_has(&seen->message, AVP_CHALLENGE));
	rec.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	rec.nr = 1;
	avp_challenge_response(MESSAGE_SCCCN, "s3cret", seen->message.avp[AVP_CHALLENGE].data, 16, response);
	response[0] ^= _i == 1;
	box_forget_seen(&a);
	lac_begin(&rec, MESSAGE_SCCCN, 0);
	if (_i != 2)
		avp_put(&rec.out, AVP_CHALLENGE_RESPONSE, response, sizeof(response));
	lac_end(&rec);
	l2tp_channel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &after);
	ck_assert_int_eq(before.vs == after.vs && before.vr == after.vr, _i != 0);
	if (_i)
		lac_expect_stop(&rec, 4, 0);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

START_TEST(a_second_recovery_replaces_the_first)
{
	agreed();
	put_recovery(lac.id, lac.peer_id, high_tie);
	lac_end(&rec);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_SCCRP), 2);
	rec_id++;		/* it crashed again */
	peer_recovers();
	lac_zlb(&lac);
	box_at(&a, a.now + 50000);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_STOPCCN), 1);	/* of the spent one only */
	ck_assert_uint_eq(box_sent(&a, MESSAGE_STOPCCN, 0)->header.tunnel_id, rec.id);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

/* The box that failed first had already sent its SCCCN, and it comes last. */
START_TEST(an_old_recovery_does_not_undo_a_newer_one)
{
	struct lac first;
	struct l2tp_channel_state before, after;

	agreed();
	box_forget_seen(&a);
	put_recovery(lac.id, lac.peer_id, high_tie);
	lac_end(&rec);
	rec.peer_id = message_u16(&box_sent(&a, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	rec.nr = 1;
	first = rec;
	rec_id++;
	peer_recovers();
	l2tp_channel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &before);
	lac_begin(&first, MESSAGE_SCCCN, 0);
	lac_end(&first);
	l2tp_channel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &after);
	ck_assert_mem_eq(&before, &after, sizeof(before));
	lac_zlb(&lac);
	box_at(&a, a.now + 40000);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

/* ---- patience ----------------------------------------------------------- */

/* The peer falls silent with a message of ours under way. */
static uint64_t dead_after(uint32_t limit_s)
{
	uint64_t from;

	box_forget_seen(&a);
	from = a.now + 60000;		/* the HELLO */
	box_at(&a, from);
	while (!box_count(&a, L2TP_ACTION_TUNNEL_DOWN) && a.now < from + limit_s * 1000u)
		box_at(&a, a.now + 1000);
	return a.now - from;
}

START_TEST(a_recovering_peer_is_waited_for)
{
	uint64_t cycle, patient;

	lac_connect(&lac);
	cycle = dead_after(2000);
	ck_assert_uint_eq(cycle, 1000 + 2000 + 4000 + 8000 + 8000 + 8000);
	teardown();
	setup();
	a.params.failover = L2TP_FAILOVER_PROTOCOL;
	connect_with(1, _i ? 20000 : 0);
	patient = dead_after(2000);
	ck_assert_uint_eq(patient, cycle + (_i ? 20000 : 0));
	/* silently: it would not hear a StopCCN */
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_STOPCCN), 0);
}
END_TEST

START_TEST(an_answer_ends_the_wait)
{
	agreed();
	box_forget_seen(&a);
	box_at(&a, a.now + 60000 + 35000);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
	lac.nr++;
	lac_zlb(&lac);
	box_at(&a, a.now + 20000);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

START_TEST(recovery_ends_the_wait)
{
	agreed();
	box_at(&a, a.now + 60000 + 35000);
	peer_recovers();
	box_at(&a, a.now + 50000);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 0);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(a.l2tp, lac.peer_id));
}
END_TEST

/* ---- we recover --------------------------------------------------------- */

START_TEST(we_recover)
{
	const struct seen *seen;
	struct l2tp_tunnel_info info;
	uint8_t recovery[10] = { 0 };
	uint16_t sid;

	agreed();
	sid = lac_call(&lac, 300);
	take_over(_i ? L2TP_KNOWLEDGE_BEHIND : L2TP_KNOWLEDGE_EXACT);
	seen = box_sent(&b, MESSAGE_SCCRQ, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(b.seen_count, 1);
	ck_assert_uint_eq(seen->header.tunnel_id, 0);
	ck_assert(message_has(&seen->message, AVP_TIE_BREAKER));
	ck_assert(!message_has(&seen->message, AVP_FAILOVER_CAPABILITY));
	avp_set_u16(recovery + 4, lac.peer_id);
	avp_set_u16(recovery + 8, lac.id);
	ck_assert_mem_eq(seen->message.avp[AVP_TUNNEL_RECOVERY].data, recovery, sizeof(recovery));
	ck_assert_uint_ne(message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID), lac.peer_id);

	/* the old channel is dead until then: no ack, no answer */
	box_forget_seen(&b);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	ck_assert_uint_eq(b.seen_count, 0);
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.resync_state, L2TP_RESYNC_RECOVER);

	box_at(&b, b.now + 1000);	/* the SCCRQ again */
	answer_recovery(true, 3, 100);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCCN), 1);
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.channel.vs, 3);
	ck_assert_uint_eq(info.channel.vr, 100);
	/* the peer has not reset before it got the SCCCN: nothing on the old tunnel until it says so */
	ck_assert_uint_eq(b.seen_count, 1);
	rec.nr = 2;
	lac_zlb(&rec);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_FSQ), 1);
	seen = box_sent(&b, MESSAGE_FSQ, 0);
	ck_assert_uint_eq(seen->header.ns, 3);
	ck_assert_uint_eq(seen->header.nr, 100);
	ck_assert_uint_eq(seen->message.item_count, 1);
	ck_assert_uint_eq(avp_get_u16(seen->message.items + 4), sid);
	ck_assert_uint_eq(avp_get_u16(seen->message.items + 8), 300);
	lac_expect_stop(&rec, 1, 0);
	ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.resync_how, L2TP_RESYNC_BY_PROTOCOL);
	ck_assert_uint_eq(info.resync_ms, 1000);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_DOWN), 0);
	lac.ns = 100;
	lac.nr = 4;
	lac_call(&lac, 301);
}
END_TEST

START_TEST(no_suggestion_starts_at_0)
{
	struct l2tp_tunnel_info info;

	agreed();
	take_over(L2TP_KNOWLEDGE_BEHIND);
	answer_recovery(false, 0, 0);
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.channel.vs, 0);
	ck_assert_uint_eq(info.channel.vr, 0);
}
END_TEST

/* Refused, or nobody there: the old tunnel goes without a StopCCN or a CDN. */
START_TEST(recovery_fails_silently)
{
	uint16_t sid;
	size_t i;

	agreed();
	sid = lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_BEHIND);
	if (_i) {
		const struct seen *seen = box_sent(&b, MESSAGE_SCCRQ, 0);

		lac_init(&rec, &b, 601);
		rec.nr = 1;
		rec.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
		box_forget_seen(&b);
		lac_put_end(&rec, MESSAGE_STOPCCN, 601, 0, 2, "unknown");
		lac_end(&rec);
	} else {
		box_at(&b, b.now + 32000);
	}
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert(!box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	for (i = 0; i < b.seen_count; i++)
		if (b.seen[i].action.type == L2TP_ACTION_SEND)
			ck_assert_uint_ne(b.seen[i].header.tunnel_id, lac.id);
	ck_assert_ptr_null(l2tp_session_find(b.l2tp, lac.peer_id, sid));
	box_at(&b, b.now + 100000);
	ck_assert_uint_eq(l2tp_tunnel_next(b.l2tp, 0), 0);
}
END_TEST

START_TEST(calls_in_setup_vanish)
{
	agreed();
	lac_call(&lac, 300);
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	if (_i) {		/* the peer recovers */
		peer_recovers();
	} else {
		take_over(L2TP_KNOWLEDGE_EXACT);
		answer_recovery(true, 500, 900);
		rec.nr = 2;
		lac_zlb(&rec);
	}
	ck_assert_uint_eq(box_sent_count(lac.box, MESSAGE_CDN), 0);
	ck_assert_uint_eq(box_count(lac.box, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert(!box_action(lac.box, L2TP_ACTION_SESSION_DOWN, 0)->action.was_established);
	ck_assert_uint_eq(box_sent(lac.box, MESSAGE_FSQ, 0)->message.item_count, 1);
}
END_TEST

START_TEST(sequenced_sessions_end)
{
	struct l2tp_result got;
	struct seen *seen;
	uint16_t sid;

	agreed();
	lac_call(&lac, 300);
	box_forget_seen(&a);
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	sid = message_u16(&box_sent(&a, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	lac.nr++;
	lac_put_iccn(&lac, sid);
	avp_put(&lac.out, AVP_SEQUENCING_REQUIRED, NULL, 0);
	lac_end(&lac);
	take_over(L2TP_KNOWLEDGE_EXACT);
	answer_recovery(true, 500, 900);
	rec.nr = 2;
	lac_zlb(&rec);
	lac.ns = 900;
	lac.nr = 501;
	seen = box_sent(&b, MESSAGE_CDN, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.session_id, 301);
	message_get_result(&seen->message, &got);
	ck_assert_uint_eq(got.result, 2);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_CDN), 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_DOWN), 1);
	lac_zlb(&lac);			/* slow start lets the query out now */
	ck_assert_uint_eq(box_sent(&b, MESSAGE_FSQ, 0)->message.item_count, 1);
}
END_TEST

/* ---- both failed -------------------------------------------------------- */

START_TEST(both_failed)
{
	static const uint8_t *const ties[] = { low_tie, high_tie };
	uint16_t ours;
	uint8_t equal[8];
	struct lac other;

	agreed();
	lac_call(&lac, 300);
	/* an unrelated tunnel is not touched by the tie */
	other = lac;
	lac_init(&other, &a, 78);
	other.peer_id = 0;
	box_forget_seen(&a);
	lac_connect(&other);
	take_over(L2TP_KNOWLEDGE_EXACT);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRQ), 1);
	ours = message_u16(&box_sent(&b, MESSAGE_SCCRQ, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	memcpy(equal, box_sent(&b, MESSAGE_SCCRQ, 0)->message.avp[AVP_TIE_BREAKER].data, 8);
	put_recovery(lac.id, lac.peer_id, _i == 2 ? equal : ties[_i]);
	box_forget_seen(&b);
	lac_end(&rec);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_STOPCCN), 0);
	if (_i == 0) {			/* theirs is lower: we are the remote end */
		ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRP), 1);
		rec.peer_id = message_u16(&box_sent(&b, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
		rec.nr = 1;
		ck_assert_ptr_null(l2tp_tunnel_find(b.l2tp, ours));
		lac_begin(&rec, MESSAGE_SCCCN, 0);
		lac_end(&rec);
		ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
		ck_assert_uint_eq(box_sent_count(&b, MESSAGE_FSQ), 1);
	} else if (_i == 1) {		/* ours is lower: theirs is as if it never came */
		ck_assert_uint_eq(b.seen_count, 0);
		box_at(&b, b.now + 1000);
		ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRQ), 1);
		answer_recovery(true, 9, 10);
		ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCCN), 1);
	} else {			/* both give up and try again with other values */
		ck_assert_uint_eq(b.seen_count, 0);
		ck_assert_ptr_null(l2tp_tunnel_find(b.l2tp, ours));
		box_at(&b, b.now + 1200);
		ck_assert_uint_ge(box_sent_count(&b, MESSAGE_SCCRQ), 1);
		ck_assert_mem_ne(box_sent(&b, MESSAGE_SCCRQ, 0)->message.avp[AVP_TIE_BREAKER].data, equal, 8);
	}
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 0);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(b.l2tp, other.peer_id));
}
END_TEST

START_TEST(no_capability_no_answer)
{
	connect_with(1, 5000);
	box_forget_seen(&a);
	lac_begin(&lac, MESSAGE_FSQ, 0);
	put_fss(1, 2);
	lac_end(&lac);
	ck_assert_uint_eq(a.seen_count, 1);
	ck_assert_uint_eq(box_sent_count(&a, 0), 1);
}
END_TEST

/* JunosE puts AVP 76 into a StopCCN. */
START_TEST(capability_in_a_stopccn_is_overlooked)
{
	agreed();
	box_forget_seen(&a);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	put_capability(1, 0);
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert(box_action(&a, L2TP_ACTION_TUNNEL_DOWN, 0)->action.by_peer);
}
END_TEST

START_TEST(crash_during_our_recovery)
{
	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	l2tp_passivate(b.l2tp);
	ck_assert_uint_eq(l2tp_tunnel_next(b.l2tp, lac.peer_id), 0);
	box_forget_seen(&b);
	l2tp_take_over(b.l2tp, b.now, L2TP_KNOWLEDGE_EXACT);
	box_drain(&b);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRQ), 1);
	answer_recovery(true, 3, 100);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCCN), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failover");
	TCase *tcase = tcase_create("failover");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, capability_is_said_when_the_method_has_it, 0, 25);
	tcase_add_test(tcase, an_unreplicated_tunnel_asks_for_no_time);
	tcase_add_test(tcase, peer_recovers_with_suggested_numbers);
	tcase_add_test(tcase, a_spent_recovery_tunnel_is_closed);
	tcase_add_loop_test(tcase, unacceptable_recoveries, 0, 7);
	tcase_add_loop_test(tcase, recovery_is_authenticated, 0, 3);
	tcase_add_test(tcase, a_second_recovery_replaces_the_first);
	tcase_add_test(tcase, an_old_recovery_does_not_undo_a_newer_one);
	tcase_add_loop_test(tcase, a_recovering_peer_is_waited_for, 0, 2);
	tcase_add_test(tcase, an_answer_ends_the_wait);
	tcase_add_test(tcase, recovery_ends_the_wait);
	tcase_add_loop_test(tcase, we_recover, 0, 2);
	tcase_add_test(tcase, no_suggestion_starts_at_0);
	tcase_add_loop_test(tcase, recovery_fails_silently, 0, 2);
	tcase_add_loop_test(tcase, calls_in_setup_vanish, 0, 2);
	tcase_add_test(tcase, sequenced_sessions_end);
	tcase_add_loop_test(tcase, both_failed, 0, 3);
	tcase_add_test(tcase, no_capability_no_answer);
	tcase_add_test(tcase, capability_in_a_stopccn_is_overlooked);
	tcase_add_test(tcase, crash_during_our_recovery);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
