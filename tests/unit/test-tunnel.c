/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control connection: each row of the state table with a scripted peer. */
#include "tests/unit/l2tp_peer.h"

static struct box box;
static struct lac lac;

static void setup(void)
{
	box_init(&box);
	lac_init(&lac, &box, 77);
	l2tp_activate(box.l2tp, box.now);
}

static void teardown(void)
{
	box_done(&box);
}

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

int main(void)
{
	Suite *suite = suite_create("tunnel");
	TCase *tcase = tcase_create("tunnel");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, establish);
	tcase_add_test(tcase, hello_keeps_it_and_silence_ends_it);
	tcase_add_test(tcase, peer_stops);
	tcase_add_test(tcase, we_stop);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
