// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 4951 when one failure is not the last: the box that was to answer is gone,
 * our predecessor had answered the peer already, requests come late.  Whatever
 * the RFC leaves open there, nobody may lose the tunnel for it.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/failover_peer.h"

#define AGAIN_MS 9100		/* by then who got nowhere has asked again */

static const uint8_t high_tie[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static uint16_t asked_id(const struct seen *seen)
{
	ck_assert_ptr_nonnull(seen);
	return message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
}

/* The last SCCRQ that was said. */
static const struct seen *last_request(void)
{
	unsigned n = box_sent_count(&b, MESSAGE_SCCRQ);

	return n ? box_sent(&b, MESSAGE_SCCRQ, n - 1) : NULL;
}

static void recovered(void)
{
	ck_assert_ptr_nonnull(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0));
	ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_FSQ), 1);
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 0);
}

/* The peer waits for the rest of what our predecessor began, and hears no tie breaker above its own. */
START_TEST(each_request_has_a_lower_tie)
{
	static const uint8_t zero[8];
	uint16_t id;
	size_t asked;

	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	id = asked_id(last_request());
	for (asked = 1; asked < 3; asked++) {
		box_at(&b, b.now + AGAIN_MS);
		ck_assert_uint_ne(asked_id(last_request()), id);
		ck_assert_ptr_null(l2tp_tunnel_find(b.l2tp, id));
		ck_assert_mem_eq(last_request()->message.avp[AVP_TIE_BREAKER].data, zero, asked);
		id = asked_id(last_request());
	}
	box_forget_seen(&b);
	box_at(&b, b.now + 4000);	/* the last one is said until the end */
	answer_recovery(true, 500, 900);
	rec.nr = 2;
	lac_zlb(&rec);
	recovered();
}
END_TEST

START_TEST(acknowledged_and_never_answered)
{
	uint16_t id;

	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	id = asked_id(last_request());
	lac_init(&rec, &b, 601);
	rec.peer_id = id;
	rec.nr = 1;
	lac_zlb(&rec);
	box_forget_seen(&b);
	box_at(&b, b.now + AGAIN_MS);
	ck_assert_uint_ne(asked_id(last_request()), id);
	answer_recovery(true, 500, 900);
	rec.nr = 2;
	lac_zlb(&rec);
	recovered();
}
END_TEST

START_TEST(answered_and_never_confirmed)
{
	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	answer_recovery(true, 500, 900);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCCN), 1);
	box_forget_seen(&b);
	box_at(&b, b.now + AGAIN_MS);
	ck_assert_ptr_nonnull(last_request());
	answer_recovery(true, 700, 1100);
	rec.nr = 2;
	lac_zlb(&rec);
	recovered();
	ck_assert_uint_eq(box_sent(&b, MESSAGE_FSQ, 0)->header.ns, 700);
}
END_TEST

/* It lost the tie, and was answered by the peer before it arrived. */
START_TEST(a_late_request_ends_nothing)
{
	struct lac ours;

	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	answer_recovery(true, 500, 900);
	ours = rec;
	put_recovery(lac.id, lac.peer_id, high_tie);
	box_forget_seen(&b);
	lac_end(&rec);
	ck_assert_uint_eq(box_sent_count(&b, MESSAGE_SCCRP), 1);
	ours.nr = 2;
	lac_zlb(&ours);
	recovered();
	ck_assert_uint_eq(box_sent(&b, MESSAGE_FSQ, 0)->header.ns, 500);
	box_at(&b, b.now + 12000);	/* theirs comes to nothing */
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

/* The same request, but of a peer that failed again after it had answered ours. */
START_TEST(a_later_failure_of_the_peer_counts)
{
	const uint8_t *value;
	uint16_t ours;

	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	ours = asked_id(last_request());
	answer_recovery(true, 500, 900);
	put_recovery(lac.id, lac.peer_id, high_tie);
	box_forget_seen(&b);
	lac_end(&rec);
	rec.peer_id = message_u16(&box_sent(&b, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	value = box_sent(&b, MESSAGE_SCCRP, 0)->message.avp[AVP_SUGGESTED_CONTROL_SEQUENCE].data;
	lac.nr = avp_get_u16(value + 4);
	rec.nr = 1;
	lac_begin(&rec, MESSAGE_SCCCN, 0);
	lac_end(&rec);
	recovered();
	ck_assert_uint_eq(box_sent(&b, MESSAGE_FSQ, 0)->header.ns, lac.nr);
	ck_assert_ptr_null(l2tp_tunnel_find(b.l2tp, ours));
}
END_TEST

/* The tie was lost to a box that is gone; the next one lets us recover.  The first one's SCCCN comes after that. */
START_TEST(our_answer_ends_what_was_asked_before)
{
	struct l2tp_tunnel_info info;
	struct lac old;

	agreed();
	lac_call(&lac, 300);
	take_over(L2TP_KNOWLEDGE_EXACT);
	put_recovery(lac.id, lac.peer_id, low_tie);
	box_forget_seen(&b);
	lac_end(&rec);
	rec.peer_id = message_u16(&box_sent(&b, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	rec.nr = 1;
	old = rec;
	box_at(&b, b.now + AGAIN_MS);
	answer_recovery(true, 500, 900);
	lac_begin(&old, MESSAGE_SCCCN, 0);
	lac_end(&old);
	l2tp_tunnel_info(l2tp_tunnel_find(b.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.channel.vs, 500);
	ck_assert_uint_eq(info.channel.vr, 900);
	rec.nr = 2;
	lac_zlb(&rec);
	recovered();
}
END_TEST

/* The peer still knows the recovery tunnel of the owner before, which we never heard of. */
START_TEST(owners_choose_other_ids)
{
	agreed();
	lac_call(&lac, 300);
	l2tp_set_epoch(b.l2tp, (uint64_t)_i);
	take_over(L2TP_KNOWLEDGE_EXACT);
	ck_assert_uint_eq(asked_id(last_request()) % 4, (unsigned)_i % 4);
	answer_recovery(true, 500, 900);
	rec.nr = 2;
	lac_zlb(&rec);
	put_recovery(lac.id, lac.peer_id, high_tie);
	box_forget_seen(&b);
	lac_end(&rec);
	ck_assert_uint_eq(message_u16(&box_sent(&b, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID) % 4, (unsigned)_i % 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("failover-again");
	TCase *tcase = tcase_create("failover-again");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_request_has_a_lower_tie);
	tcase_add_test(tcase, acknowledged_and_never_answered);
	tcase_add_test(tcase, answered_and_never_confirmed);
	tcase_add_test(tcase, a_late_request_ends_nothing);
	tcase_add_test(tcase, a_later_failure_of_the_peer_counts);
	tcase_add_test(tcase, our_answer_ends_what_was_asked_before);
	tcase_add_loop_test(tcase, owners_choose_other_ids, 1, 6);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
