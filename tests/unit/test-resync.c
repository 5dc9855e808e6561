// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two engines and one LAC: what the active names is copied into the passive
 * one before the active's packets count as sent (output commit), then the
 * active is gone and the other goes on.
 */
#include <errno.h>

#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_pair.h"

/* The active is gone; the LAC talks to the other one now. */
static void take_over(void)
{
	mirror();
	b.now = a.now + 500;
	lac.box = &b;
	l2tp_activate(b.l2tp, b.now);
	box_drain(&b);
}

static uint16_t established(void)
{
	lac_connect(&lac);
	return lac_call(&lac, 300);
}

static void compare(void)
{
	struct l2tp_tunnel_state_rec ta, tb;
	struct l2tp_channel_state ca, cb;
	struct l2tp_session_state_rec sa, sb;
	uint16_t tid, sid;

	for (tid = 0; (tid = l2tp_tunnel_next(a.l2tp, tid));) {
		ck_assert_ptr_nonnull(l2tp_tunnel_find(b.l2tp, tid));
		l2tp_tunnel_export(l2tp_tunnel_find(a.l2tp, tid), &ta);
		l2tp_tunnel_export(l2tp_tunnel_find(b.l2tp, tid), &tb);
		ck_assert_mem_eq(&ta, &tb, sizeof(ta));
		l2tp_channel_export(l2tp_tunnel_find(a.l2tp, tid), &ca);
		l2tp_channel_export(l2tp_tunnel_find(b.l2tp, tid), &cb);
		ck_assert_mem_eq(&ca, &cb, sizeof(ca));
		for (sid = 0; (sid = l2tp_session_next(a.l2tp, tid, sid));) {
			ck_assert_ptr_nonnull(l2tp_session_find(b.l2tp, tid, sid));
			l2tp_session_export(l2tp_session_find(a.l2tp, tid, sid), &sa);
			l2tp_session_export(l2tp_session_find(b.l2tp, tid, sid), &sb);
			ck_assert_mem_eq(&sa, &sb, sizeof(sa));
		}
	}
}

/* ---- records ------------------------------------------------------------ */

START_TEST(records_round_trip)
{
	struct l2tp_counters ca, cb;
	uint16_t i;

	established();
	for (i = 0; i < 50; i++)
		lac_call(&lac, (uint16_t)(400 + i));
	lac_put_icrq(&lac, 500);
	lac_end(&lac);
	/* a whole snapshot: everything the active has, in ID order */
	copy_tunnel(lac.peer_id);
	copy(&(struct l2tp_dirty){ L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0 });
	for (i = 0; (i = l2tp_session_next(a.l2tp, lac.peer_id, i));)
		copy(&(struct l2tp_dirty){ L2TP_DIRTY_SESSION, lac.peer_id, i, 0 });
	copy(&(struct l2tp_dirty){ L2TP_DIRTY_MESSAGE, lac.peer_id, 0, (uint16_t)(lac.nr) });
	compare();
	l2tp_counters(a.l2tp, &ca);
	l2tp_counters(b.l2tp, &cb);
	ck_assert_uint_eq(ca.sessions, 52);
	ck_assert_uint_eq(cb.sessions, ca.sessions);
	ck_assert_uint_eq(cb.sessions_established, ca.sessions_established);
	ck_assert_uint_eq(cb.ha_tunnels_established, 1);
	/* again changes nothing */
	copy_tunnel(lac.peer_id);
	l2tp_counters(b.l2tp, &cb);
	ck_assert_uint_eq(cb.tunnels, 1);
	l2tp_forget_all(b.l2tp);
	l2tp_counters(b.l2tp, &cb);
	ck_assert_uint_eq(cb.tunnels + cb.sessions + cb.tunnels_established + cb.ha_sessions, 0);
}
END_TEST

START_TEST(notes_are_enough)
{
	uint16_t id;

	lac_put_sccrq(&lac);
	lac_end(&lac);
	mirror();
	compare();
	lac.peer_id = message_u16(&box_sent(&a, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	lac_end(&lac);
	mirror();
	compare();
	lac_put_icrq(&lac, 1);
	lac_end(&lac);
	mirror();
	compare();
	id = message_u16(&box_sent(&a, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	lac.nr++;
	lac_put_iccn(&lac, id);
	lac_end(&lac);
	mirror();
	compare();
	lac_put_end(&lac, MESSAGE_CDN, 1, id, 3, "");
	lac_end(&lac);
	mirror();
	compare();
	ck_assert_ptr_null(l2tp_session_find(b.l2tp, lac.peer_id, id));
	lac_put_end(&lac, MESSAGE_STOPCCN, 77, 0, 1, "");
	lac_end(&lac);
	mirror();
	ck_assert_ptr_null(l2tp_tunnel_find(b.l2tp, lac.peer_id));
}
END_TEST

START_TEST(each_object_is_named_once)
{
	uint16_t i, j;

	lac_connect(&lac);
	a.dirty_count = 0;
	for (i = 0; i < 6; i++) {
		lac_put_icrq(&lac, (uint16_t)(i + 1));
		lac_raw(&lac, lac.ns++, lac.nr);
	}
	box_drain(&a);
	for (i = 0; i < a.dirty_count; i++)
		for (j = 0; j < i; j++)
			ck_assert(memcmp(&a.dirty[i], &a.dirty[j], sizeof(a.dirty[0])));
	ck_assert_uint_eq(a.dirty_count, 1 + 6 + 6);
}
END_TEST

START_TEST(without_sso_nothing_is_named)
{
	a.params.ha = false;
	lac_connect(&lac);
	lac_put_icrq(&lac, 1);
	lac_end(&lac);
	ck_assert_uint_eq(a.dirty_count, 0);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_ICRP), 1);
}
END_TEST

START_TEST(an_unprotected_session_is_counted_so)
{
	struct l2tp_session_state_rec rec;
	struct l2tp_counters n;
	uint16_t one, two;

	one = established();
	two = lac_call(&lac, 301);
	a.dirty_count = 0;
	l2tp_session_unprotect(l2tp_session_find(a.l2tp, lac.peer_id, one), L2TP_UNPROTECTED_MULTILINK);
	box_drain(&a);
	ck_assert(box_noted(&a, L2TP_DIRTY_SESSION, lac.peer_id, one, 0));
	ck_assert(!box_noted(&a, L2TP_DIRTY_SESSION, lac.peer_id, two, 0));
	l2tp_session_export(l2tp_session_find(a.l2tp, lac.peer_id, one), &rec);
	ck_assert_str_eq(l2tp_unprotected_name(rec.unprotected), "multilink");
	l2tp_counters(a.l2tp, &n);
	ck_assert_uint_eq(n.sessions, 2);
	ck_assert_uint_eq(n.ha_sessions, 1);
	ck_assert_uint_eq(n.ha_sessions_established, 1);
	ck_assert_uint_eq(n.unprotected_sessions, 1);
	lac_put_end(&lac, MESSAGE_CDN, 300, one, 3, "");
	lac_end(&lac);
	l2tp_counters(a.l2tp, &n);
	ck_assert_uint_eq(n.unprotected_sessions, 0);
	ck_assert_uint_eq(n.sessions, 1);
}
END_TEST

START_TEST(impossible_records)
{
	struct l2tp_tunnel_state_rec good, rec;
	struct l2tp_session_state_rec session = { .local_id = 1, .peer_id = 2, .tunnel_id = 9,
						  .state = L2TP_SESSION_ESTABLISHED };
	struct l2tp_channel_state channel = { .vs = 5, .una = 6, .vr = 1 };
	uint8_t zlb[MESSAGE_HEADER];
	uint16_t id = established();

	(void)id;
	l2tp_tunnel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &good);
	ck_assert_int_eq(l2tp_tunnel_import(a.l2tp, &good), -EINVAL);	/* active */
	rec = good;
	rec.local_id = 0;
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), -EINVAL);
	rec = good;
	rec.peer_id = 0;
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), -EINVAL);
	rec = good;
	rec.state = L2TP_TUNNEL_CLOSING;
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), -EINVAL);
	rec = good;
	rec.peer.family = 0;
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), -EINVAL);
	rec = good;
	memset(rec.params.secret, 'x', sizeof(rec.params.secret));
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), -EINVAL);
	ck_assert_uint_eq(l2tp_tunnel_next(b.l2tp, 0), 0);
	ck_assert_int_eq(l2tp_session_import(b.l2tp, &session), -EINVAL);
	ck_assert_int_eq(l2tp_channel_import(b.l2tp, good.local_id, &channel), -EINVAL);
	ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &good), 0);
	ck_assert_int_eq(l2tp_channel_import(b.l2tp, good.local_id, &channel), -EINVAL);
	message_zlb(zlb, 77, 3, 0);
	ck_assert_int_eq(l2tp_message_import(b.l2tp, good.local_id, 3, zlb, sizeof(zlb)), -EINVAL);
	session.tunnel_id = good.local_id;
	session.state = L2TP_SESSION_IDLE;
	ck_assert_int_eq(l2tp_session_import(b.l2tp, &session), -EINVAL);
	session.state = L2TP_SESSION_ESTABLISHED;
	ck_assert_int_eq(l2tp_session_import(b.l2tp, &session), 0);
}
END_TEST

/* ---- taking over -------------------------------------------------------- */

START_TEST(passive_is_mute)
{
	struct l2tp_counters counters;

	established();
	mirror();
	lac.box = &b;
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	lac_put_sccrq(&lac);
	lac_end(&lac);
	box_at(&b, b.now + 3600000);
	ck_assert_uint_eq(b.seen_count, 0);
	ck_assert_uint_eq(l2tp_deadline_ms(b.l2tp), UINT64_MAX);
	l2tp_counters(b.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_passive, 2);
	ck_assert_uint_eq(counters.tunnels_established, 1);
}
END_TEST

START_TEST(idle_tunnel_sends_a_hello_with_exact_numbers)
{
	struct l2tp_counters counters;
	struct seen *hello;
	uint16_t id = established();

	take_over();
	l2tp_counters(b.l2tp, &counters);
	ck_assert_uint_eq(counters.resync, 1);
	hello = box_sent(&b, MESSAGE_HELLO, 0);
	ck_assert_ptr_nonnull(hello);
	ck_assert_uint_eq(hello->header.ns, lac.nr);
	ck_assert_uint_eq(hello->header.nr, lac.ns);
	ck_assert_uint_eq(hello->header.tunnel_id, 77);
	/* like any message it must be held by a standby first */
	ck_assert(box_noted(&b, L2TP_DIRTY_MESSAGE, lac.peer_id, 0, lac.nr));
	ck_assert(box_noted(&b, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	lac.nr++;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
	ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	l2tp_counters(b.l2tp, &counters);
	ck_assert_uint_eq(counters.resync, 0);
	ck_assert_uint_eq(counters.resync_ok, 1);
	/* nobody was told of anything else, and life goes on */
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_UP), 0);
	lac_call(&lac, 301);
	lac_put_end(&lac, MESSAGE_CDN, 300, id, 3, "");
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_DOWN), 1);
}
END_TEST

START_TEST(queue_head_goes_again_octet_for_octet)
{
	struct seen *first, *again;

	established();
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	lac_put_icrq(&lac, 302);
	lac_end(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	take_over();
	first = box_sent(&a, MESSAGE_ICRP, 0);
	again = box_sent(&b, MESSAGE_ICRP, 0);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(again->header.nr, lac.ns);
	again->data[11] = first->data[11];
	ck_assert_uint_eq(first->action.len, again->action.len);
	ck_assert_mem_eq(first->data, again->data, first->action.len);
	ck_assert_uint_eq(b.seen_count, 1);	/* CWND 1, and no HELLO */
	/* the LAC had both */
	lac.nr += 2;
	lac_put_iccn(&lac, message_u16(&box_sent(&a, MESSAGE_ICRP, 1)->message, AVP_ASSIGNED_SESSION_ID));
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_UP), 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_ICRP), 1);
}
END_TEST

START_TEST(call_during_resync)
{
	struct seen *cdn;
	struct l2tp_result result;

	established();
	take_over();
	box_forget_seen(&b);
	lac_put_icrq(&lac, 301);
	lac_end(&lac);		/* crossed our HELLO */
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_ICRP), 0);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_CALL_REFUSED), 1);
	ck_assert_str_eq(box_action(&b, L2TP_ACTION_CALL_REFUSED, 0)->action.result.text,
			 "Tunnel in HA resync (611)");
	/* its numbers were right: that was the proof */
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
	lac.nr++;
	lac_zlb(&lac);
	cdn = box_sent(&b, MESSAGE_CDN, 0);
	ck_assert_ptr_nonnull(cdn);
	message_get_result(&cdn->message, &result);
	ck_assert_uint_eq(result.result, 2);
	ck_assert_uint_eq(result.error, 4);
	ck_assert_uint_eq(cdn->header.session_id, 301);
	lac.nr++;
	lac_call(&lac, 302);
}
END_TEST

START_TEST(resync_fails)
{
	established();
	take_over();
	box_at(&b, b.now + 30999);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_HELLO), 6);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 0);
	box_at(&b, b.now + 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
	ck_assert(!box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_STOPCCN), 0);
}
END_TEST

START_TEST(old_packets_prove_nothing)
{
	established();
	take_over();
	/* an old Nr, an old Ns: perhaps an echo of the time before */
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, 2, 1);
	box_drain(&b);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 0);
	ck_assert_uint_eq(box_sent_count(&b, 0), 1);	/* but it is acknowledged */
}
END_TEST

START_TEST(many_tunnels_are_spread)
{
	static struct lac many[2500];
	struct l2tp_counters counters;
	uint16_t i, silent = 0;

	for (i = 0; i < 2500; i++) {
		lac_init(&many[i], &a, (uint16_t)(i + 1));
		lac_connect(&many[i]);
		if (i % 100 == 99) {		/* 25 with a queue */
			lac_put_icrq(&many[i], 1);
			lac_end(&many[i]);
		}
		mirror();
		box_forget_seen(&a);
	}
	take_over();
	ck_assert_uint_eq(b.seen_count, 1000);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_ICRP), 25);
	for (i = 0; i < 25; i++)
		ck_assert_uint_eq(b.seen[i].message.type, MESSAGE_ICRP);
	box_at(&b, b.now + 99);
	ck_assert_uint_eq(b.seen_count, 1000);
	/* one that was not asked yet speaks first: done, and its call is taken */
	for (i = 0; i < 2500; i++)
		if (l2tp_tunnel_find(b.l2tp, many[i].peer_id)) {
			struct l2tp_channel_state channel;

			l2tp_channel_export(l2tp_tunnel_find(b.l2tp, many[i].peer_id), &channel);
			if (channel.vs == channel.una)
				silent = i;
		}
	many[silent].box = &b;
	lac_put_icrq(&many[silent], 5);
	lac_end(&many[silent]);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_ICRP), 26);
	box_at(&b, b.now + 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_HELLO), 975 + 1000);
	box_at(&b, b.now + 100);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_HELLO), 975 + 1000 + 499);
	l2tp_counters(b.l2tp, &counters);
	ck_assert_uint_eq(counters.resync, 2499);
}
END_TEST

START_TEST(half_open_goes_on)
{
	struct seen *sccrp;
	uint8_t response[16];

	strcpy(a.params.secret, "secret");
	a.params.authenticate = true;
	lac_put_sccrq(&lac);
	lac_end(&lac);
	sccrp = box_sent(&a, MESSAGE_SCCRP, 0);
	avp_challenge_response(3, "secret", sccrp->message.avp[AVP_CHALLENGE].data, 16, response);
	take_over();
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRP), 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_HELLO), 0);
	/* its SCCRQ again: the same tunnel */
	lac_put_sccrq(&lac);
	lac_raw(&lac, 0, 0);
	box_drain(&b);
	ck_assert_uint_eq(l2tp_tunnel_next(b.l2tp, l2tp_tunnel_next(b.l2tp, 0)), 0);
	lac.peer_id = message_u16(&sccrp->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	avp_put(&lac.out, AVP_CHALLENGE_RESPONSE, response, 16);
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_UP), 1);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_STOPCCN), 0);
}
END_TEST

START_TEST(half_open_times_out_there_too)
{
	uint16_t id;

	established();
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	id = message_u16(&box_sent(&a, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	lac.nr++;
	take_over();
	lac_zlb(&lac);
	box_at(&b, b.now + 9999);
	ck_assert_ptr_nonnull(l2tp_session_find(b.l2tp, lac.peer_id, id));
	box_at(&b, b.now + 1);
	ck_assert_ptr_null(l2tp_session_find(b.l2tp, lac.peer_id, id));
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_CDN), 1);
}
END_TEST

START_TEST(lost_message_becomes_a_hello)
{
	struct l2tp_channel_state channel;
	struct seen *hello;

	established();
	mirror();
	/* numbers came, the message did not */
	l2tp_channel_export(l2tp_tunnel_find(a.l2tp, lac.peer_id), &channel);
	channel.vs++;
	ck_assert_int_eq(l2tp_channel_import(b.l2tp, lac.peer_id, &channel), 0);
	take_over();
	hello = box_sent(&b, MESSAGE_HELLO, 0);
	ck_assert_ptr_nonnull(hello);
	ck_assert_uint_eq(hello->header.ns, lac.nr);
	lac.nr++;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_RESYNC_DONE), 1);
}
END_TEST

START_TEST(closing_is_gone_for_the_standby)
{
	struct l2tp_result result = { .result = 6 };

	established();
	l2tp_tunnel_close(l2tp_tunnel_find(a.l2tp, lac.peer_id), a.now, &result);
	box_drain(&a);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_STOPCCN), 1);
	take_over();
	ck_assert_uint_eq(l2tp_tunnel_next(b.l2tp, 0), 0);
	ck_assert_uint_eq(b.seen_count, 0);
}
END_TEST

START_TEST(demoted_forgets_what_it_wanted_to_say)
{
	struct l2tp_counters counters;

	established();
	a.dirty_count = 0;
	a.now += 61000;
	l2tp_tick(a.l2tp, a.now);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, lac.ns, lac.nr);
	l2tp_passivate(a.l2tp);
	box_drain(&a);
	ck_assert_uint_eq(a.seen_count, 0);
	ck_assert_uint_eq(a.dirty_count, 0);
	ck_assert_uint_eq(l2tp_deadline_ms(a.l2tp), UINT64_MAX);
	ck_assert(!l2tp_active(a.l2tp));
	/* and can come back with what it has */
	l2tp_activate(a.l2tp, a.now);
	box_drain(&a);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_HELLO), 1);
	ck_assert(box_sent(&a, MESSAGE_HELLO, 0)->header.nr == (uint16_t)(lac.ns + 1));
	/* or goes for good in the middle of that */
	l2tp_passivate(a.l2tp);
	l2tp_forget_all(a.l2tp);
	l2tp_counters(a.l2tp, &counters);
	ck_assert_uint_eq(counters.resync + counters.tunnels + counters.sessions, 0);
}
END_TEST

/* ---- killed at every step ----------------------------------------------- */

/*
 * A LAC that follows the rules: one message after the other, repeated until
 * it is acknowledged, takes what is in order.
 */
struct script {
	uint16_t step, session, own;	/* own: its session's ID at the LNS */
	bool waiting, stopped;
};

static void script_say(struct script *script)
{
	switch (script->step) {
	case 0:
		lac_put_sccrq(&lac);
		break;
	case 1:
		lac_begin(&lac, MESSAGE_SCCCN, 0);
		break;
	case 2:
	case 5:
		lac_put_icrq(&lac, script->session);
		break;
	case 3:
	case 6:
		lac_put_iccn(&lac, script->own);
		break;
	case 4:
		lac_begin(&lac, MESSAGE_HELLO, 0);
		break;
	case 7:
		lac_put_end(&lac, MESSAGE_CDN, script->session, script->own, 3, "");
		break;
	case 8:
		lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
		break;
	}
	lac_raw(&lac, lac.ns, lac.nr);
	script->waiting = true;
}

/* Takes what the LNS sent; true: something was not a ZLB and needs an ack. */
static bool script_hear(struct script *script, struct box *box)
{
	bool ack = false, next = false;
	struct seen *seen;
	size_t i;

	for (i = 0; i < box->seen_count; i++) {
		seen = &box->seen[i];
		if (seen->action.type != L2TP_ACTION_SEND)
			continue;
		ck_assert_int_ge((int16_t)(lac.ns + 1 - seen->header.nr), 0);
		if (script->waiting && seen->header.nr == (uint16_t)(lac.ns + 1)) {
			script->waiting = false;
			lac.ns++;
			next = true;
		}
		if (!seen->header.body_len)
			continue;
		ack = true;
		if (seen->header.ns != lac.nr)
			continue;
		lac.nr++;
		ck_assert_uint_ne(seen->message.type, MESSAGE_STOPCCN);
		ck_assert_uint_ne(seen->message.type, MESSAGE_CDN);
		if (seen->message.type == MESSAGE_SCCRP)
			lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
		if (seen->message.type == MESSAGE_ICRP)
			script->own = message_u16(&seen->message, AVP_ASSIGNED_SESSION_ID);
	}
	if (next) {
		script->step++;
		if (script->step == 5)
			script->session++;
	}
	box_forget_seen(box);
	return ack;
}

/* Up to `kill` exchanges with A; its last output arrives or not; then B to the end. */
static void run_script(int kill, bool arrives, bool acks)
{
	struct script script = { .session = 300 };
	struct l2tp_counters counters;
	struct box *box = &a;
	int i, rounds = 0;

	for (i = 0; script.step < 9; i++) {
		ck_assert_int_lt(++rounds, 60);
		if (i == kill) {
			mirror();
			if (arrives)
				script_hear(&script, &a);
			box_forget_seen(&a);
			take_over();
			box = &b;
			script_hear(&script, box);
			/* Its StopCCN was taken, the ack was lost: it times out there. */
			if (script.step == 8 && script.waiting && !l2tp_tunnel_next(b.l2tp, 0))
				break;
			continue;
		}
		script_say(&script);
		box_drain(box);
		if (box == &a)
			mirror();
		if (i + 1 == kill)
			continue;
		if (script_hear(&script, box) && acks) {
			lac_zlb(&lac);
			if (box == &a)
				mirror();
		}
		/* resync of B is over with its first word, so calls go through again */
		box_at(box, box->now + 1100);
		if (box == &a)
			mirror();
		script_hear(&script, box);
	}
	l2tp_counters(box->l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 0);
	ck_assert_uint_eq(counters.sessions, 0);
}

START_TEST(killed_at_every_step)
{
	int kill = _i / 4;

	run_script(kill, _i & 1, _i & 2);
}
END_TEST

/* A packet that the network doubled is not one that the peer sent again: what it sent before may be lost. */
START_TEST(a_doubled_packet_proves_nothing)
{
	uint16_t sid = established();
	struct l2tp_channel_state channel;

	mirror();
	b.now = a.now + 500;
	lac.box = &b;
	l2tp_take_over(b.l2tp, b.now, L2TP_KNOWLEDGE_BEHIND);
	box_drain(&b);
	/* A CDN and a HELLO are lost, the next HELLO comes twice. */
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, (uint16_t)(lac.ns + 2), lac.nr);
	box_at(&b, b.now + 10);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, (uint16_t)(lac.ns + 2), lac.nr);
	box_at(&b, b.now + 900);
	lac_put_end(&lac, MESSAGE_CDN, 300, sid, 3, "");
	lac_raw(&lac, lac.ns, lac.nr);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, (uint16_t)(lac.ns + 1), lac.nr);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, (uint16_t)(lac.ns + 2), lac.nr);
	box_at(&b, b.now + 5000);
	ck_assert_ptr_null(l2tp_session_find(b.l2tp, lac.peer_id, sid));
	l2tp_channel_export(l2tp_tunnel_find(b.l2tp, lac.peer_id), &channel);
	ck_assert_uint_eq(channel.vr, (uint16_t)(lac.ns + 3));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resync");
	TCase *tcase = tcase_create("resync");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, records_round_trip);
	tcase_add_test(tcase, notes_are_enough);
	tcase_add_test(tcase, each_object_is_named_once);
	tcase_add_test(tcase, without_sso_nothing_is_named);
	tcase_add_test(tcase, an_unprotected_session_is_counted_so);
	tcase_add_test(tcase, impossible_records);
	tcase_add_test(tcase, passive_is_mute);
	tcase_add_test(tcase, idle_tunnel_sends_a_hello_with_exact_numbers);
	tcase_add_test(tcase, queue_head_goes_again_octet_for_octet);
	tcase_add_test(tcase, call_during_resync);
	tcase_add_test(tcase, resync_fails);
	tcase_add_test(tcase, old_packets_prove_nothing);
	tcase_add_test(tcase, many_tunnels_are_spread);
	tcase_add_test(tcase, half_open_goes_on);
	tcase_add_test(tcase, half_open_times_out_there_too);
	tcase_add_test(tcase, lost_message_becomes_a_hello);
	tcase_add_test(tcase, closing_is_gone_for_the_standby);
	tcase_add_test(tcase, demoted_forgets_what_it_wanted_to_say);
	tcase_add_loop_test(tcase, killed_at_every_step, 0, 4 * 12);
	tcase_add_test(tcase, a_doubled_packet_proves_nothing);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
