// SPDX-License-Identifier: GPL-2.0-or-later
/* The control connection: each row of the state table with a scripted peer. */
#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_fixture.h"

START_TEST(establish)
{
	struct l2tp_tunnel_info info;
	struct l2tp_counters counters;
	struct seen *seen;

	lac_put_sccrq(&lac);
	lac_end(&lac);
	seen = box_sent(&box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.tunnel_id, 77);
	ck_assert_uint_eq(seen->header.ns, 0);
	ck_assert_uint_eq(seen->header.nr, 1);
	ck_assert_uint_eq(message_u16(&seen->message, AVP_RECEIVE_WINDOW_SIZE), 8);
	ck_assert(!message_has(&seen->message, AVP_CHALLENGE));
	ck_assert_uint_eq(box.seen_count, 1);	/* the SCCRP is the acknowledgement */
	lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE, lac.peer_id, 0, 0));
	ck_assert_int_eq(box.dirty[0].type, L2TP_DIRTY_TUNNEL);

	box_forget_seen(&box);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	lac_end(&lac);
	ck_assert_int_eq(box.seen[0].action.type, L2TP_ACTION_TUNNEL_UP);
	ck_assert_uint_eq(box.seen[0].action.tunnel_id, lac.peer_id);
	seen = box_sent(&box, 0, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.ns, 1);
	ck_assert_uint_eq(seen->header.nr, 2);
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE_ACKED, lac.peer_id, 0, 0));

	l2tp_tunnel_info(l2tp_tunnel_find(box.l2tp, lac.peer_id), &info);
	ck_assert_int_eq(info.s.state, L2TP_TUNNEL_ESTABLISHED);
	ck_assert_str_eq(info.s.peer_name, "lac");
	ck_assert_uint_eq(info.s.peer_window, 16);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 1);
	ck_assert_uint_eq(counters.ha_tunnels_established, 1);
}
END_TEST

START_TEST(hello_keeps_it_and_silence_ends_it)
{
	struct seen *seen;

	lac_connect(&lac);
	box_at(&box, box.now + 59999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 0);
	box_at(&box, box.now + 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 1);
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE, lac.peer_id, 0, 1));
	lac.nr = 2;
	lac_zlb(&lac);
	box_forget_seen(&box);
	/* 60 s later again; then 1+2+4+8+8 s of retransmissions and 8 s of waiting */
	box_at(&box, box.now + 60000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 1);
	box_at(&box, box.now + 30999);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 0);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 6);
	box_at(&box, box.now + 1);
	seen = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert(seen->action.was_established);
	ck_assert(!seen->action.by_peer);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert_uint_eq(l2tp_deadline_ms(box.l2tp), UINT64_MAX);
}
END_TEST

START_TEST(peer_stops)
{
	struct seen *down;
	uint16_t session;

	lac_connect(&lac);
	session = lac_call(&lac, 9);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 6, "maintenance");
	lac_end(&lac);
	down = box_action(&box, L2TP_ACTION_SESSION_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert_uint_eq(down->action.session_id, session);
	ck_assert(down->action.by_peer && down->action.was_established);
	ck_assert_ptr_eq(down, &box.seen[0]);
	down = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert_uint_eq(down->action.result.result, 6);
	ck_assert_str_eq(down->action.result.text, "maintenance");
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	ck_assert(box_noted(&box, L2TP_DIRTY_SESSION, lac.peer_id, session, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert(!box_noted(&box, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	/* It lost our acknowledgement: for 31 s it gets another. */
	box_at(&box, box.now + 30999);
	box_forget_seen(&box);
	lac.ns--;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 6, "maintenance");
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
	ck_assert_uint_eq(box.dirty_count, 0);
	box_at(&box, box.now + 1);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
}
END_TEST

START_TEST(we_stop)
{
	struct l2tp_result result = { .result = 6, .text = "shutdown" };
	struct seen *stop;

	lac_connect(&lac);
	lac_call(&lac, 9);
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, lac.peer_id), box.now, &result);
	box_drain(&box);
	stop = box_sent(&box, MESSAGE_STOPCCN, 0);
	ck_assert_ptr_nonnull(stop);
	ck_assert_uint_eq(message_u16(&stop->message, AVP_ASSIGNED_TUNNEL_ID), lac.peer_id);
	ck_assert_uint_eq(message_u16(&stop->message, AVP_RESULT_CODE), 6);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_CDN), 0);
	/* lost: repeated */
	box_at(&box, box.now + 1000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 2);
	lac.nr = stop->header.ns + 1;
	lac_zlb(&lac);
	box_at(&box, box.now + 29999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 2);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(box.l2tp, lac.peer_id));
	box_at(&box, box.now + 1);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
}
END_TEST

START_TEST(stop_does_not_wait_behind_what_never_left)
{
	struct l2tp_result result = { .result = 1 };
	struct seen *stop;
	uint16_t i;

	lac_connect(&lac);
	for (i = 0; i < 6; i++) {
		lac_put_icrq(&lac, (uint16_t)(i + 1));
		lac_raw(&lac, lac.ns++, lac.nr);
	}
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);	/* slow start: Ns 1 and 2 */
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, lac.peer_id), box.now, &result);
	box_drain(&box);
	lac.nr = 3;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);
	stop = box_sent(&box, MESSAGE_STOPCCN, 0);
	ck_assert_ptr_nonnull(stop);
	ck_assert_uint_eq(stop->header.ns, 3);
	/* what comes now is acknowledged and means nothing */
	box_forget_seen(&box);
	lac_put_icrq(&lac, 50);
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.body_len, 0);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
}
END_TEST

/* ---- what is out of place ----------------------------------------------- */

START_TEST(improper_sequence)
{
	static const enum message_type types[] = { MESSAGE_SCCRP, MESSAGE_SCCCN };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		lac_init(&lac, &box, (uint16_t)(77 + i));
		lac_connect(&lac);
		lac_begin(&lac, types[i], 0);
		if (types[i] == MESSAGE_SCCRP) {
			avp_put_u16(&lac.out, AVP_PROTOCOL_VERSION, 0x0100);
			avp_put_u32(&lac.out, AVP_FRAMING_CAPABILITIES, 3);
			avp_put_text(&lac.out, AVP_HOST_NAME, "lac");
			avp_put_u16(&lac.out, AVP_ASSIGNED_TUNNEL_ID, lac.id);
		}
		lac_end(&lac);
		lac_expect_stop(&lac, 7, 0);
		box_forget_seen(&box);
	}
	/* a call before the tunnel is there */
	lac_init(&lac, &box, 90);
	lac_put_sccrq(&lac);
	lac_end(&lac);
	lac.peer_id = message_u16(&box_sent(&box, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_put_icrq(&lac, 1);
	lac_end(&lac);
	lac_expect_stop(&lac, 7, 0);
}
END_TEST

START_TEST(unknown_messages)
{
	lac_connect(&lac);
	/* FSQ of RFC 4951 has M = 0: acknowledged, ignored */
	message_begin(&lac.out, lac.buf, sizeof(lac.buf), MESSAGE_FSQ, lac.peer_id, 0);
	ck_assert_uint_eq(lac.buf[MESSAGE_HEADER] & 0x80, 0);
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
	message_begin(&lac.out, lac.buf, sizeof(lac.buf), MESSAGE_HELLO, lac.peer_id, 0);
	lac.buf[MESSAGE_HEADER + AVP_HEADER + 1] = 23;
	lac_end(&lac);
	lac_expect_stop(&lac, 2, 8);
}
END_TEST

START_TEST(unknown_mandatory_avp_ends_the_tunnel)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	avp_put_raw(&lac.out, 0, 0, 99, "", 0);
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	avp_put_raw(&lac.out, AVP_FLAG_M, 0, 99, "", 0);
	lac_end(&lac);
	lac_expect_stop(&lac, 2, 8);
}
END_TEST

START_TEST(message_without_a_type_ends_the_tunnel)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac.buf[MESSAGE_HEADER + 5] = 9;
	lac_end(&lac);
	lac_expect_stop(&lac, 2, 6);
}
END_TEST

START_TEST(stop_before_our_number_was_known)
{
	lac_put_sccrq(&lac);
	lac_end(&lac);
	box_forget_seen(&box);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	box_at(&box, box.now + 31000);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 0);
}
END_TEST

/* ---- the channel in the tunnel ------------------------------------------ */

START_TEST(duplicates_are_acknowledged_once_a_batch)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, 2, 1);
	lac_raw(&lac, 2, 1);
	lac_raw(&lac, 2, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, 3);
	lac_raw(&lac, 2, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 2);
	ck_assert_uint_eq(box.seen[1].header.nr, 3);
	lac_raw(&lac, 0, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 3);
}
END_TEST

START_TEST(out_of_order_is_put_right)
{
	struct l2tp_tunnel_info info;
	uint16_t i;

	lac_connect(&lac);
	for (i = 0; i < 4; i++) {
		lac_put_icrq(&lac, (uint16_t)(10 + i));
		lac_raw(&lac, (uint16_t)(2 + (i ^ 3)), 1);	/* 5 4 3 2 */
		if (i < 3) {
			box_drain(&box);
			ck_assert_uint_eq(box.seen_count, 0);
		}
	}
	box_drain(&box);
	/* order of the numbers, not of arrival */
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);	/* slow start */
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.session_id, 13);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 1)->header.session_id, 12);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.nr, 6);
	l2tp_tunnel_info(l2tp_tunnel_find(box.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.out_of_order, 3);
	ck_assert_uint_eq(info.unsent, 2);
	ck_assert_uint_eq(info.sessions, 4);
	lac.ns = 6;
	lac.nr = 2;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 4);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 3)->header.session_id, 10);
}
END_TEST

START_TEST(every_send_carries_the_current_nr)
{
	struct seen *first, *again;

	lac_connect(&lac);
	lac_put_icrq(&lac, 10);
	lac_end(&lac);
	first = box_sent(&box, MESSAGE_ICRP, 0);
	ck_assert_uint_eq(first->header.nr, 3);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	box_at(&box, box.now + 1000);
	first = box_sent(&box, MESSAGE_ICRP, 0);
	again = box_sent(&box, MESSAGE_ICRP, 1);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(again->header.nr, 4);
	/* only Nr differs */
	ck_assert_uint_eq(first->action.len, again->action.len);
	again->data[11] = first->data[11];
	ck_assert_mem_eq(first->data, again->data, first->action.len);
}
END_TEST

START_TEST(acknowledged_before_it_was_drained_is_not_sent)
{
	lac_connect(&lac);
	lac_put_icrq(&lac, 10);
	lac_end(&lac);
	box_forget_seen(&box);
	box.now += 1000;
	l2tp_tick(box.l2tp, box.now);	/* wants the ICRP again */
	lac.nr = 2;
	lac_zlb(&lac);
	ck_assert_uint_eq(box.seen_count, 0);
}
END_TEST

START_TEST(impossible_nr_is_dropped)
{
	struct l2tp_counters counters;

	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, lac.ns, 2);	/* we sent only 0 */
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_malformed, 1);
	lac_raw(&lac, lac.ns, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 1);
}
END_TEST

START_TEST(wrap_of_both_numbers)
{
	uint32_t i;

	lac_connect(&lac);
	for (i = 0; i < 65600; i++) {
		lac_put_icrq(&lac, 10);
		lac_end(&lac);
		ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 1);
		ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.ns, lac.nr);
		lac.nr++;
		lac_put_end(&lac, MESSAGE_CDN, 10,
			    message_u16(&box_sent(&box, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID), 3, "");
		lac_end(&lac);
		ck_assert_uint_eq(box_sent_count(&box, 0), 1);
		ck_assert_uint_eq(box_sent(&box, 0, 0)->header.nr, lac.ns);
		box_forget_seen(&box);
	}
}
END_TEST

START_TEST(only_the_peer_is_heard)
{
	struct l2tp_counters counters;

	lac_connect(&lac);
	lac.addr.port++;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_raw(&lac, 2, 1);
	lac.addr.port--;
	box.local.addr[3]++;
	lac_raw(&lac, 2, 1);
	box.local.addr[3]--;
	lac.peer_id++;
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, 2, 1);
	lac.peer_id--;
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_unknown_tunnel, 3);
	ck_assert_uint_eq(counters.tunnels_established, 1);
}
END_TEST

START_TEST(garbage_does_nothing)
{
	uint8_t data[64];
	struct l2tp_counters counters;
	uint32_t i;

	lac_connect(&lac);
	for (i = 0; i < 20000; i++) {
		box_random(&box, data, sizeof(data));
		l2tp_input(box.l2tp, box.now, &box.local, &lac.addr, data, data[0] % sizeof(data));
	}
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 1);
	ck_assert_uint_eq(counters.rx_packets, 20002);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel");
	TCase *tcase = tcase_create("tunnel");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, establish);
	tcase_add_test(tcase, hello_keeps_it_and_silence_ends_it);
	tcase_add_test(tcase, peer_stops);
	tcase_add_test(tcase, we_stop);
	tcase_add_test(tcase, stop_does_not_wait_behind_what_never_left);
	tcase_add_test(tcase, improper_sequence);
	tcase_add_test(tcase, unknown_messages);
	tcase_add_test(tcase, unknown_mandatory_avp_ends_the_tunnel);
	tcase_add_test(tcase, message_without_a_type_ends_the_tunnel);
	tcase_add_test(tcase, stop_before_our_number_was_known);
	tcase_add_test(tcase, duplicates_are_acknowledged_once_a_batch);
	tcase_add_test(tcase, out_of_order_is_put_right);
	tcase_add_test(tcase, every_send_carries_the_current_nr);
	tcase_add_test(tcase, acknowledged_before_it_was_drained_is_not_sent);
	tcase_add_test(tcase, impossible_nr_is_dropped);
	tcase_add_test(tcase, wrap_of_both_numbers);
	tcase_add_test(tcase, only_the_peer_is_heard);
	tcase_add_test(tcase, garbage_does_nothing);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
