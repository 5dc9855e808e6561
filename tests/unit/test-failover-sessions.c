// SPDX-License-Identifier: GPL-2.0-or-later
/* RFC 4951 against a scripted peer: FSQ and FSR, and which sessions are left. */
#include "tests/unit/check_main.h"
#include "tests/unit/failover_peer.h"

static bool has_fss(const struct seen *seen, uint16_t id, uint16_t remote)
{
	size_t i;

	for (i = 0; i < seen->message.item_count; i++)
		if (avp_get_u16(seen->data + 12 + 8 + 16 * i + 6 + 4) == id &&
		    avp_get_u16(seen->data + 12 + 8 + 16 * i + 6 + 8) == remote)
			return true;
	return false;
}

/* Recovered by the peer, its FSQ answered for: the given number of calls, 300.. */
static void recovered_calls(uint16_t *sid, uint16_t count)
{
	uint16_t i;

	agreed();
	for (i = 0; i < count; i++)
		sid[i] = lac_call(&lac, (uint16_t)(300 + i));
	peer_recovers();
	lac.nr++;
}

START_TEST(a_lost_cdn_is_repaired)
{
	uint16_t sid[2];

	recovered_calls(sid, 2);
	box_forget_seen(&a);
	/* the peer has 300 only; then it asks about one that is not here */
	lac_begin(&lac, MESSAGE_FSR, 0);
	put_fss(300, sid[0]);
	put_fss(0, sid[1]);
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert_uint_eq(box_action(&a, L2TP_ACTION_SESSION_DOWN, 0)->action.session_id, sid[1]);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_CDN), 0);
	lac_begin(&lac, MESSAGE_FSQ, 0);
	put_fss(300, sid[0]);
	put_fss(777, (uint16_t)(sid[0] + 1));
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_FSR), 1);
	ck_assert(has_fss(box_sent(&a, MESSAGE_FSR, 0), sid[0], 300));
	ck_assert(has_fss(box_sent(&a, MESSAGE_FSR, 0), 0, 777));
}
END_TEST

/* An answer ends a session only where it was asked about, and only once. */
START_TEST(an_answer_to_no_question)
{
	uint16_t sid;

	recovered_calls(&sid, 1);
	lac_begin(&lac, MESSAGE_FSR, 0);
	put_fss(300, sid);
	lac_end(&lac);
	lac_begin(&lac, MESSAGE_FSR, 0);
	put_fss(0, sid);
	lac_end(&lac);
	ck_assert_ptr_nonnull(l2tp_session_find(a.l2tp, lac.peer_id, sid));
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_SESSION_DOWN), 0);
}
END_TEST

/* RFC 4951 appendix C: we have (B,C), the peer (A,B) and (C,D). */
START_TEST(mispaired_sessions_are_not_cleared_on_a_query)
{
	uint16_t sid;

	recovered_calls(&sid, 1);
	lac_begin(&lac, MESSAGE_FSR, 0);
	put_fss(300, sid);
	lac_end(&lac);
	box_forget_seen(&a);
	lac_begin(&lac, MESSAGE_FSQ, 0);
	put_fss(299, sid);		/* (A,B): B is here, but paired with C = 300 */
	lac_end(&lac);
	ck_assert(has_fss(box_sent(&a, MESSAGE_FSR, 0), 0, 299));
	ck_assert_ptr_nonnull(l2tp_session_find(a.l2tp, lac.peer_id, sid));
	lac.nr++;
	lac_zlb(&lac);
	ck_assert(has_fss(box_sent(&a, MESSAGE_FSQ, 0), sid, 300));
	lac.nr++;
	lac_begin(&lac, MESSAGE_FSR, 0);
	put_fss(0, sid);
	lac_end(&lac);
	ck_assert_ptr_null(l2tp_session_find(a.l2tp, lac.peer_id, sid));
	ck_assert_uint_eq(box_sent_count(&a, MESSAGE_CDN), 0);
}
END_TEST

START_TEST(a_reused_id_gets_a_cdn)
{
	struct l2tp_result got;
	struct seen *seen;
	uint16_t sid;

	recovered_calls(&sid, 1);
	if (_i) {		/* synchronised: an ordinary call */
		lac_begin(&lac, MESSAGE_FSR, 0);
		put_fss(300, sid);
		lac_end(&lac);
	}
	box_forget_seen(&a);
	lac_put_icrq(&lac, 300);
	lac_end(&lac);
	seen = box_sent(&a, MESSAGE_CDN, 0);
	if (_i) {
		ck_assert_ptr_null(seen);
		return;
	}
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(message_u16(&seen->message, AVP_ASSIGNED_SESSION_ID), sid);
	ck_assert_uint_eq(seen->header.session_id, 300);
	message_get_result(&seen->message, &got);
	ck_assert_uint_eq(got.result, 2);
	ck_assert_uint_eq(got.error, 5);
	ck_assert_ptr_null(l2tp_session_find(a.l2tp, lac.peer_id, sid));
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_SESSION_DOWN), 1);
}
END_TEST

/* 200 sessions: three queries, answered by one long response; and the other way round. */
START_TEST(many_sessions)
{
	static uint16_t sid[200];
	static uint8_t big[8192];
	size_t i, asked = 0, answered = 0, n;
	struct seen *seen;

	recovered_calls(sid, 200);
	box_forget_seen(&a);
	for (i = 0; i < 3; i++) {
		lac_zlb(&lac);
		lac.nr++;
	}
	/* the first query was out with the recovery */
	for (n = 0; (seen = box_sent(&a, MESSAGE_FSQ, n)); n++) {
		ck_assert_uint_le(seen->message.item_count, 80);
		asked += seen->message.item_count;
	}
	ck_assert_uint_eq(asked, 120);
	lac.nr--;
	message_begin(&lac.out, big, sizeof(big), MESSAGE_FSR, lac.peer_id, 0);
	for (i = 0; i < 200; i++)
		put_fss(i % 2 ? (uint16_t)(300 + i) : 0, sid[i]);
	n = message_end(&lac.out);
	message_set_ns(big, lac.ns++);
	message_set_nr(big, lac.nr);
	l2tp_input(a.l2tp, a.now, &a.local, &lac.addr, big, n);
	box_drain(&a);
	ck_assert_uint_eq(box_count(&a, L2TP_ACTION_SESSION_DOWN), 100);

	box_forget_seen(&a);
	message_begin(&lac.out, big, sizeof(big), MESSAGE_FSQ, lac.peer_id, 0);
	for (i = 0; i < 200; i++)
		put_fss((uint16_t)(300 + i), sid[i]);
	n = message_end(&lac.out);
	message_set_ns(big, lac.ns++);
	message_set_nr(big, lac.nr);
	l2tp_input(a.l2tp, a.now, &a.local, &lac.addr, big, n);
	box_drain(&a);
	for (i = 0; i < 3; i++) {
		lac.nr++;
		lac_zlb(&lac);
	}
	for (n = 0; (seen = box_sent(&a, MESSAGE_FSR, n)); n++)
		answered += seen->message.item_count;
	ck_assert_uint_eq(answered, 200);
}
END_TEST

/* Without the capability an FSQ is what it always was: acknowledged and ignored. */

int main(void)
{
	Suite *suite = suite_create("failover-sessions");
	TCase *tcase = tcase_create("failover-sessions");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_lost_cdn_is_repaired);
	tcase_add_test(tcase, an_answer_to_no_question);
	tcase_add_test(tcase, mispaired_sessions_are_not_cleared_on_a_query);
	tcase_add_loop_test(tcase, a_reused_id_gets_a_cdn, 0, 2);
	tcase_add_test(tcase, many_sessions);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
