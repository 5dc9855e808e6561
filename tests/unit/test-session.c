// SPDX-License-Identifier: GPL-2.0-or-later
/* Incoming calls as LNS: each row of the state table, limits, IDs, many of them. */
#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_fixture.h"

static void connect_lac(void)
{
	lac_connect(&lac);
}

static void expect_cdn(uint16_t session_id, uint16_t result, uint16_t error)
{
	struct seen *cdn = box_sent(&box, MESSAGE_CDN, 0);
	struct l2tp_result got;

	ck_assert_ptr_nonnull(cdn);
	message_get_result(&cdn->message, &got);
	ck_assert_uint_eq(cdn->header.session_id, session_id);
	ck_assert_uint_eq(got.result, result);
	ck_assert_uint_eq(got.error, error);
	ck_assert_uint_ne(message_u16(&cdn->message, AVP_ASSIGNED_SESSION_ID), 0);
	/* the tunnel and its other calls go on */
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 0);
}

static uint16_t icrq(uint16_t session_id)
{
	struct seen *seen;

	lac_put_icrq(&lac, session_id);
	lac_end(&lac);
	seen = box_sent(&box, MESSAGE_ICRP, 0);
	ck_assert_ptr_nonnull(seen);
	lac.nr++;
	return message_u16(&seen->message, AVP_ASSIGNED_SESSION_ID);
}

START_TEST(call_comes_up)
{
	struct l2tp_session_state_rec rec;
	struct l2tp_counters counters;
	struct avp_builder *out;
	uint16_t id;

	l2tp_set_wall_offset(box.l2tp, 1700000000000 - (int64_t)box.now);
	out = lac_begin(&lac, MESSAGE_ICRQ, 0);
	avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 300);
	avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 0xdeadbeef);
	avp_put_u32(out, AVP_BEARER_TYPE, 1);
	avp_put_u32(out, AVP_PHYSICAL_CHANNEL_ID, 12);
	avp_put_text(out, AVP_CALLED_NUMBER, "called");
	avp_put_text(out, AVP_SUB_ADDRESS, "sub");
	avp_put_raw(out, 0, 0, AVP_CONNECT_SPEED_UPDATE_ENABLE, NULL, 0);
	avp_put_raw(out, 0, 3561, 1, "circuit", 7);
	lac_end(&lac);
	id = message_u16(&box_sent(&box, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	ck_assert_uint_eq(box.seen_count, 1);
	/* record before the message that speaks of it */
	ck_assert(box_noted(&box, L2TP_DIRTY_SESSION, lac.peer_id, id, 0));
	ck_assert_int_eq(box.dirty[0].type, L2TP_DIRTY_CHANNEL);
	ck_assert_int_eq(box.dirty[1].type, L2TP_DIRTY_SESSION);
	ck_assert_int_eq(box.dirty[2].type, L2TP_DIRTY_MESSAGE);
	ck_assert_uint_eq(box.dirty_count, 3);
	box_forget_seen(&box);
	lac.nr++;
	out = lac_begin(&lac, MESSAGE_ICCN, id);
	avp_put_u32(out, AVP_TX_CONNECT_SPEED, 1000);
	avp_put_u32(out, AVP_RX_CONNECT_SPEED, 64);
	avp_put_u32(out, AVP_FRAMING_TYPE, 2);
	avp_put(out, AVP_SEQUENCING_REQUIRED, NULL, 0);
	avp_put(out, AVP_PROXY_AUTHEN_NAME, "user", 4);
	lac_end(&lac);
	ck_assert_int_eq(box.seen[0].action.type, L2TP_ACTION_SESSION_UP);
	ck_assert_uint_eq(box.seen[0].action.session_id, id);
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	l2tp_session_export(l2tp_session_find(box.l2tp, lac.peer_id, id), &rec);
	ck_assert_uint_eq(rec.peer_id, 300);
	ck_assert_uint_eq(rec.tunnel_id, lac.peer_id);
	ck_assert_int_eq(rec.state, L2TP_SESSION_ESTABLISHED);
	ck_assert_uint_eq(rec.call_serial, 0xdeadbeef);
	ck_assert_uint_eq(rec.bearer_type, 1);
	ck_assert_uint_eq(rec.framing_type, 2);
	ck_assert_uint_eq(rec.tx_speed, 1000);
	ck_assert_uint_eq(rec.rx_speed, 64);
	ck_assert_uint_eq(rec.physical_channel, 12);
	ck_assert_str_eq(rec.called, "called");
	ck_assert_str_eq(rec.calling, "");
	ck_assert_str_eq(rec.sub_address, "sub");
	ck_assert(rec.sequencing_required && rec.csu_enabled);
	ck_assert_uint_eq(rec.established_unix_ms, 1700000000000);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.sessions, 1);
	ck_assert_uint_eq(counters.ha_sessions_established, 1);
}
END_TEST

START_TEST(peer_hangs_up)
{
	struct seen *down;
	uint16_t id = lac_call(&lac, 300);

	lac_put_end(&lac, MESSAGE_CDN, 300, id, 1, "carrier");
	lac_end(&lac);
	down = box_action(&box, L2TP_ACTION_SESSION_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert(down->action.by_peer && down->action.was_established);
	ck_assert_uint_eq(down->action.result.result, 1);
	ck_assert_str_eq(down->action.result.text, "carrier");
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_CDN), 0);
	ck_assert_ptr_null(l2tp_session_find(box.l2tp, lac.peer_id, id));
	ck_assert(box_noted(&box, L2TP_DIRTY_SESSION, lac.peer_id, id, 0));
}
END_TEST

START_TEST(we_hang_up)
{
	struct l2tp_result result = { .result = 3, .text = "cleared" };
	uint16_t id = lac_call(&lac, 300);

	l2tp_session_close(l2tp_session_find(box.l2tp, lac.peer_id, id), box.now, &result);
	box_drain(&box);
	expect_cdn(300, 3, 0);
	ck_assert_uint_eq(message_u16(&box_sent(&box, MESSAGE_CDN, 0)->message, AVP_ASSIGNED_SESSION_ID), id);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert(!box_action(&box, L2TP_ACTION_SESSION_DOWN, 0)->action.by_peer);
	box_forget_seen(&box);
	/* its CDN crossed ours, then something late: both only acknowledged */
	lac_put_end(&lac, MESSAGE_CDN, 300, id, 1, "");
	lac_end(&lac);
	lac_put_iccn(&lac, id);
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&box, 0), 2);
	ck_assert_uint_eq(box.seen_count, 2);
}
END_TEST

START_TEST(no_reason_is_not_sent_as_zero)
{
	struct l2tp_result none = { 0 };
	uint16_t id = lac_call(&lac, 300);

	l2tp_session_close(l2tp_session_find(box.l2tp, lac.peer_id, id), box.now, &none);
	box_drain(&box);
	expect_cdn(300, 3, 0);
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, lac.peer_id), box.now, &none);
	box_drain(&box);
	lac.nr++;
	lac_zlb(&lac);
	ck_assert_ptr_nonnull(box_sent(&box, MESSAGE_STOPCCN, 0));
	ck_assert_uint_eq(message_u16(&box_sent(&box, MESSAGE_STOPCCN, 0)->message, AVP_RESULT_CODE), 1);
}
END_TEST

START_TEST(caller_gives_up_before_our_number_was_known)
{
	uint16_t id = icrq(300);

	box_forget_seen(&box);
	lac_put_end(&lac, MESSAGE_CDN, 299, 0, 1, "");
	lac_end(&lac);
	ck_assert_ptr_nonnull(l2tp_session_find(box.l2tp, lac.peer_id, id));
	lac_put_end(&lac, MESSAGE_CDN, 300, 0, 1, "");
	lac_end(&lac);
	ck_assert_ptr_null(l2tp_session_find(box.l2tp, lac.peer_id, id));
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert(!box_action(&box, L2TP_ACTION_SESSION_DOWN, 0)->action.was_established);
}
END_TEST

START_TEST(half_open_times_out)
{
	icrq(300);
	lac_zlb(&lac);
	box_at(&box, box.now + 5000);
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	lac.nr++;
	lac_zlb(&lac);
	box_at(&box, box.now + 4999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_CDN), 0);
	box_at(&box, box.now + 1);
	expect_cdn(300, 10, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
	lac.nr++;
	lac_zlb(&lac);
	box_at(&box, box.now + 5000);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 2);
}
END_TEST

START_TEST(improper_sequence)
{
	static const struct {
		enum message_type type;
		bool established;
	} cases[] = {
		{ MESSAGE_ICRQ, false }, { MESSAGE_ICRP, false }, { MESSAGE_ICRQ, true }, { MESSAGE_ICRP, true },
		{ MESSAGE_ICCN, true }, { MESSAGE_OCCN, true },
	};
	struct avp_builder *out;
	uint16_t id;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		id = cases[i].established ? lac_call(&lac, 300) : icrq(300);
		box_forget_seen(&box);
		out = lac_begin(&lac, cases[i].type, id);
		avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 300);
		avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 1);
		avp_put_u32(out, AVP_TX_CONNECT_SPEED, 1);
		avp_put_u32(out, AVP_FRAMING_TYPE, 1);
		lac_end(&lac);
		expect_cdn(300, 2, 6);
		ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
		ck_assert_ptr_null(l2tp_session_find(box.l2tp, lac.peer_id, id));
		lac.nr++;
		lac_zlb(&lac);
		box_forget_seen(&box);
	}
}
END_TEST

START_TEST(malformed_request)
{
	lac_begin(&lac, MESSAGE_ICRQ, 0);
	avp_put_u16(&lac.out, AVP_ASSIGNED_SESSION_ID, 300);
	lac_end(&lac);
	expect_cdn(300, 2, 6);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_CALL_REFUSED), 1);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 0);
	lac.nr++;
	lac_zlb(&lac);
	box_forget_seen(&box);
	/* the unknown AVP comes before the ID that the answer needs */
	lac_begin(&lac, MESSAGE_ICRQ, 0);
	avp_put_raw(&lac.out, AVP_FLAG_M, 0, 99, NULL, 0);
	avp_put_u16(&lac.out, AVP_ASSIGNED_SESSION_ID, 301);
	avp_put_u32(&lac.out, AVP_CALL_SERIAL_NUMBER, 1);
	lac_end(&lac);
	expect_cdn(301, 2, 8);
	ck_assert_ptr_nonnull(strstr(box_action(&box, L2TP_ACTION_CALL_REFUSED, 0)->action.result.text, "AVP 99"));
	ck_assert_uint_eq(l2tp_session_next(box.l2tp, lac.peer_id, 0), 0);
	lac.nr++;
	lac_zlb(&lac);
	box_forget_seen(&box);
	/* no ID at all */
	lac_begin(&lac, MESSAGE_ICRQ, 0);
	avp_put_u32(&lac.out, AVP_CALL_SERIAL_NUMBER, 1);
	lac_end(&lac);
	expect_cdn(0, 2, 6);
}
END_TEST

START_TEST(malformed_connect)
{
	uint16_t id = icrq(300);

	lac_begin(&lac, MESSAGE_ICCN, id);
	avp_put_u32(&lac.out, AVP_FRAMING_TYPE, 1);
	lac_end(&lac);
	expect_cdn(300, 2, 6);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_UP), 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
}
END_TEST

START_TEST(recoverable_avp)
{
	static const uint8_t half[] = { 0, 1 };
	uint16_t id = icrq(300);
	struct l2tp_session_state_rec rec;

	/* RFC 2661 7.1: Rx Connect Speed of two octets */
	lac_put_iccn(&lac, id);
	avp_put(&lac.out, AVP_RX_CONNECT_SPEED, half, 2);
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_UP), 1);
	l2tp_session_export(l2tp_session_find(box.l2tp, lac.peer_id, id), &rec);
	ck_assert_uint_eq(rec.rx_speed, 100000000);
}
END_TEST

START_TEST(wen_and_sli)
{
	static const uint8_t errors[26], accm[10];
	uint16_t id = lac_call(&lac, 300);

	lac_begin(&lac, MESSAGE_WEN, id);
	avp_put(&lac.out, AVP_CALL_ERRORS, errors, sizeof(errors));
	lac_end(&lac);
	lac_begin(&lac, MESSAGE_SLI, id);
	avp_put(&lac.out, AVP_ACCM, accm, sizeof(accm));
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 3);	/* an SLI is for a LAC */
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_WEN), 1);
	ck_assert_uint_eq(box_sent_count(&box, 0), 2);
	ck_assert_ptr_nonnull(l2tp_session_find(box.l2tp, lac.peer_id, id));
}
END_TEST

START_TEST(outgoing_call_is_refused)
{
	struct avp_builder *out = lac_begin(&lac, MESSAGE_OCRQ, 0);

	avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 300);
	avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 1);
	avp_put_u32(out, AVP_MINIMUM_BPS, 1);
	avp_put_u32(out, AVP_MAXIMUM_BPS, 1);
	avp_put_u32(out, AVP_BEARER_TYPE, 1);
	avp_put_u32(out, AVP_FRAMING_TYPE, 1);
	avp_put_text(out, AVP_CALLED_NUMBER, "1");
	lac_end(&lac);
	expect_cdn(300, 5, 0);
}
END_TEST

START_TEST(reply_to_a_call_that_is_not_here)
{
	lac_begin(&lac, MESSAGE_ICRP, 4711);
	avp_put_u16(&lac.out, AVP_ASSIGNED_SESSION_ID, 300);
	lac_end(&lac);
	expect_cdn(300, 2, 5);
}
END_TEST

START_TEST(session_limit)
{
	uint16_t first;

	box.params.session_limit = 2;
	lac_init(&lac, &box, 78);
	lac_connect(&lac);
	first = lac_call(&lac, 1);
	lac_call(&lac, 2);
	lac_put_icrq(&lac, 3);
	lac_end(&lac);
	expect_cdn(3, 2, 4);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_CALL_REFUSED), 1);
	lac.nr++;
	lac_put_end(&lac, MESSAGE_CDN, 1, first, 3, "");
	lac_end(&lac);
	lac_call(&lac, 4);
}
END_TEST

START_TEST(hidden_call)
{
	static const uint8_t vector[16] = { 9 };
	struct l2tp_session_state_rec rec;
	uint8_t sid[2] = { 1, 44 }, serial[4] = { 0, 0, 0, 1 };
	struct avp_builder *out;
	uint16_t id;

	strcpy(box.params.secret, "secret");
	lac_init(&lac, &box, 78);
	lac_connect(&lac);
	out = lac_begin(&lac, MESSAGE_ICRQ, 0);
	avp_put(out, AVP_RANDOM_VECTOR, vector, 16);
	avp_put_hidden(out, AVP_ASSIGNED_SESSION_ID, sid, 2, "secret", vector, 16, 4);
	avp_put_hidden(out, AVP_CALL_SERIAL_NUMBER, serial, 4, "secret", vector, 16, 4);
	avp_put_hidden(out, AVP_CALLING_NUMBER, "+49 30 123456789012345", 22, "secret", vector, 16, 4);
	lac_end(&lac);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.session_id, 300);
	id = message_u16(&box_sent(&box, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	l2tp_session_export(l2tp_session_find(box.l2tp, lac.peer_id, id), &rec);
	ck_assert_str_eq(rec.calling, "+49 30 123456789012345");
}
END_TEST

START_TEST(many_calls_in_order_of_id)
{
	static bool used[65536];
	struct l2tp_counters counters;
	uint16_t id, last = 0;
	uint32_t i, n = 0, ascending = 0;

	memset(used, 0, sizeof(used));
	for (i = 1; i <= 5000; i++) {
		id = lac_call(&lac, (uint16_t)i);
		ck_assert(!used[id]);
		used[id] = true;
		ascending += id == last + 1;
		last = id;
	}
	ck_assert_uint_lt(ascending, 10);
	for (id = 0; (id = l2tp_session_next(box.l2tp, lac.peer_id, id)); n++) {
		ck_assert(used[id]);
		ck_assert(!n || id > last);
		last = id;
	}
	ck_assert_uint_eq(n, 5000);
	/* hang every second one up; the others stay findable */
	for (id = 0, i = 0; (id = l2tp_session_next(box.l2tp, lac.peer_id, id)); i++)
		if (i & 1) {
			lac_put_end(&lac, MESSAGE_CDN, 1, id, 3, "");
			lac_end(&lac);
			used[id] = false;
			box_forget_seen(&box);
		}
	for (i = 1; i < 65536; i++)
		ck_assert(!l2tp_session_find(box.l2tp, lac.peer_id, (uint16_t)i) == !used[i]);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.sessions, 2500);
}
END_TEST

/* IDs of another's making, as close together as they can be and at both ends: imported and forgotten in any order. */
START_TEST(crowded_ids)
{
	struct l2tp_session_state_rec rec = { .peer_id = 1, .tunnel_id = lac.peer_id, .state = L2TP_SESSION_ESTABLISHED };
	static bool used[65536];
	uint32_t i, turn, count = 0, seed = 7;
	uint16_t id, last;

	memset(used, 0, sizeof(used));
	l2tp_passivate(box.l2tp);
	for (turn = 0; turn < 40000; turn++) {
		seed = seed * 1103515245u + 12345;
		id = (uint16_t)(turn & 1 ? 65535 - (seed >> 16) % 900 : 1 + (seed >> 16) % 900);
		/* grows at first, shrinks in the end */
		if (used[id] && (turn > 20000 || seed >> 8 & 1)) {
			l2tp_session_forget(box.l2tp, lac.peer_id, id);
			used[id] = false;
			count--;
		} else if (!used[id] && turn < 30000) {
			rec.local_id = id;
			ck_assert_int_eq(l2tp_session_import(box.l2tp, &rec), 0);
			used[id] = true;
			count++;
		}
		if (turn % 500)
			continue;
		for (i = 0; i < 65536; i++)
			ck_assert(!l2tp_session_find(box.l2tp, lac.peer_id, (uint16_t)i) == !used[i]);
		for (i = 0, last = 0; (id = l2tp_session_next(box.l2tp, lac.peer_id, last)); i++, last = id)
			ck_assert(used[id] && id > last);
		ck_assert_uint_eq(i, count);
	}
	ck_assert_uint_lt(count, 100);
}
END_TEST

START_TEST(ids_rest_before_they_come_back)
{
	static bool used[65536];
	uint16_t id;
	uint32_t i;

	memset(used, 0, sizeof(used));
	for (i = 0; i < 60000; i++) {
		id = lac_call(&lac, 1);
		ck_assert_msg(!used[id], "%u again after %u", id, i);
		used[id] = true;
		lac_put_end(&lac, MESSAGE_CDN, 1, id, 3, "");
		lac_end(&lac);
		box_forget_seen(&box);
	}
}
END_TEST

START_TEST(peer_that_never_acknowledges)
{
	uint32_t i;

	/* requests without an end, and no answer accepted: given up, not grown for ever */
	for (i = 0; i < 31000 && l2tp_tunnel_find(box.l2tp, lac.peer_id); i++) {
		lac_put_icrq(&lac, (uint16_t)(i + 1));
		lac_end(&lac);
		l2tp_tick(box.l2tp, box.now);
		box_drain(&box);
		box_forget_seen(&box);
	}
	ck_assert_uint_lt(i, 31000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_checked_fixture(tcase, connect_lac, NULL);
	tcase_add_test(tcase, call_comes_up);
	tcase_add_test(tcase, peer_hangs_up);
	tcase_add_test(tcase, we_hang_up);
	tcase_add_test(tcase, no_reason_is_not_sent_as_zero);
	tcase_add_test(tcase, caller_gives_up_before_our_number_was_known);
	tcase_add_test(tcase, half_open_times_out);
	tcase_add_test(tcase, improper_sequence);
	tcase_add_test(tcase, malformed_request);
	tcase_add_test(tcase, malformed_connect);
	tcase_add_test(tcase, recoverable_avp);
	tcase_add_test(tcase, wen_and_sli);
	tcase_add_test(tcase, outgoing_call_is_refused);
	tcase_add_test(tcase, reply_to_a_call_that_is_not_here);
	tcase_add_test(tcase, session_limit);
	tcase_add_test(tcase, hidden_call);
	tcase_add_test(tcase, many_calls_in_order_of_id);
	tcase_add_test(tcase, crowded_ids);
	tcase_add_test(tcase, ids_rest_before_they_come_back);
	tcase_add_test(tcase, peer_that_never_acknowledges);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
