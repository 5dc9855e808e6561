// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a takeover whose records are behind, or are not what they were called:
 * which of the peer's numbers are believed, and when.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_pair.h"

static uint16_t established(void)
{
	lac_connect(&lac);
	return lac_call(&lac, 300);
}

static void from_behind(void)
{
	mirror();
	b.now = a.now + 500;
	lac.box = &b;
	l2tp_take_over(b.l2tp, b.now, L2TP_KNOWLEDGE_BEHIND);
	box_drain(&b);
}

static void hello_at(uint16_t ahead, uint64_t after_ms)
{
	box_at(&b, b.now + after_ms);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, (uint16_t)(lac.ns + ahead), lac.nr);
}

static uint16_t vr_of_tunnel(void)
{
	struct l2tp_channel_state channel;

	l2tp_channel_export(l2tp_tunnel_find(b.l2tp, lac.peer_id), &channel);
	return channel.vr;
}

/* A peer with a timer for each message, whose first one is lost oftener: it counts for as long as it may back off. */
START_TEST(a_later_message_proves_nothing_at_once)
{
	uint16_t sid = established();

	from_behind();
	hello_at(2, 200);
	hello_at(2, 1000);
	hello_at(2, 2000);
	ck_assert_uint_eq(vr_of_tunnel(), lac.ns);
	box_at(&b, b.now + 4000);
	lac_put_end(&lac, MESSAGE_CDN, 300, sid, 3, "");
	lac_raw(&lac, lac.ns, lac.nr);
	hello_at(1, 10);
	ck_assert_ptr_null(l2tp_session_find(b.l2tp, lac.peer_id, sid));
	ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 3));
}
END_TEST

/* What the box before had read never comes again; what it had not is not lost by waiting. */
START_TEST(the_lowest_of_a_whole_back_off_is_believed)
{
	established();
	from_behind();
	hello_at(3, 200);
	hello_at(2, 10);
	hello_at(2, 1000);
	box_at(&b, b.now + 9000);
	ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 4));
	ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
}
END_TEST

/* It was sent before the failure, and acknowledged: nobody sends it again. */
START_TEST(a_message_that_comes_once_holds_up_nobody)
{
	established();
	from_behind();
	box_at(&b, b.now + 2000);
	lac.ns += 3;
	lac_zlb(&lac);
	lac.ns -= 3;
	hello_at(2, 10);
	box_at(&b, b.now + 18000);
	ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 3));
	ck_assert_uint_eq(box_count(&b, L2TP_ACTION_TUNNEL_DOWN), 0);
}
END_TEST

/* Records that were called exact: the owner before was still learning, or another one served the peer. */
START_TEST(what_stays_ahead_is_followed)
{
	established();
	mirror();
	b.now = a.now + 500;
	lac.box = &b;
	l2tp_activate(b.l2tp, b.now);
	box_drain(&b);
	lac.nr++;		/* the HELLO */
	lac.ns += 3;
	lac_zlb(&lac);
	ck_assert(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0)->action.resync_ok);
	lac.ns -= 3;
	if (_i == 1) {			/* nothing but that word */
		box_at(&b, b.now + 32000);
		ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 3));
	} else if (_i == 2) {		/* a message that is said again and again */
		hello_at(3, 100);
		hello_at(3, 1000);
		hello_at(3, 18000);
		ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 4));
	} else {			/* they are exact, and the way was lossy */
		hello_at(2, 1000);
		hello_at(2, 4000);
		hello_at(0, 4000);
		hello_at(2, 1000);
		box_at(&b, b.now + 40000);
		ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(lac.ns + 1));
	}
}
END_TEST

static uint16_t vs_of_tunnel(void)
{
	struct l2tp_channel_state channel;

	l2tp_channel_export(l2tp_tunnel_find(b.l2tp, lac.peer_id), &channel);
	return channel.vs;
}

/*
 * The owner before said five messages more, and of the next few only the first was lost: the peer
 * keeps those. Ours closes the gap, and what the peer expects then is further on.
 */
START_TEST(what_the_peer_kept_of_the_owner_before_is_passed_over)
{
	uint16_t gap, vr;

	established();
	from_behind();
	gap = lac.nr = (uint16_t)(lac.nr + 5);
	hello_at(0, 200);
	lac.ns++;
	box_at(&b, b.now);
	ck_assert_ptr_nonnull(box_action(&b, L2TP_ACTION_RESYNC_DONE, 0));
	ck_assert_uint_eq(vs_of_tunnel(), gap);
	/* two answers: one at a time */
	vr = vr_of_tunnel();
	lac_put_icrq(&lac, 301);
	lac_end(&lac);
	lac_put_icrq(&lac, 302);
	lac_end(&lac);
	ck_assert_uint_eq(vs_of_tunnel(), (uint16_t)(gap + 2));
	box_at(&b, b.now + 10);
	if (_i) {	/* more than its window holds: nobody kept so many */
		lac.nr = (uint16_t)(gap + 100);
		hello_at(0, 10);
		ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(vr + 2));
		return;
	}
	lac.nr = (uint16_t)(gap + 3);
	hello_at(0, 10);
	lac.ns++;
	ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(vr + 3));
	ck_assert_uint_eq(vs_of_tunnel(), (uint16_t)(gap + 4));	/* the second answer, behind what was kept */
	lac.nr = (uint16_t)(gap + 4);
	hello_at(0, 10);
	ck_assert_uint_eq(vr_of_tunnel(), (uint16_t)(vr + 4));
	ck_assert_uint_eq(vs_of_tunnel(), (uint16_t)(gap + 4));
}
END_TEST

static bool is_behind(const struct box *box)
{
	struct l2tp_channel_state channel;

	l2tp_channel_export(l2tp_tunnel_find(box->l2tp, lac.peer_id), &channel);
	return channel.behind;
}

/* The owner was lost while it learnt: its records are exact, the numbers in them are not. */
START_TEST(what_is_being_learnt_is_said_in_the_record)
{
	struct l2tp_tunnel_info info;

	established();
	mirror();
	ck_assert(!is_behind(&a) && !is_behind(&b));
	l2tp_passivate(a.l2tp);		/* b goes on from old records, a becomes its standby */
	l2tp_forget_all(a.l2tp);
	b.now = a.now + 500;
	lac.box = &b;
	l2tp_take_over(b.l2tp, b.now, L2TP_KNOWLEDGE_BEHIND);
	box_drain(&b);
	ck_assert(is_behind(&b));
	ck_assert(box_noted(&b, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	if (_i) {
		hello_at(0, 1500);	/* both directions are settled by that */
		ck_assert(!is_behind(&b));
	}
	/* whoever gets these records does not call them exact, unless it was learnt */
	struct l2tp_tunnel_state_rec tunnel;
	struct l2tp_channel_state channel;

	l2tp_tunnel_export(l2tp_tunnel_find(b.l2tp, lac.peer_id), &tunnel);
	l2tp_channel_export(l2tp_tunnel_find(b.l2tp, lac.peer_id), &channel);
	ck_assert_int_eq(l2tp_tunnel_import(a.l2tp, &tunnel), 0);
	ck_assert_int_eq(l2tp_channel_import(a.l2tp, lac.peer_id, &channel), 0);
	ck_assert_int_eq(is_behind(&a), !_i);
	a.now = b.now + 500;
	l2tp_activate(a.l2tp, a.now);
	l2tp_tunnel_info(l2tp_tunnel_find(a.l2tp, lac.peer_id), &info);
	ck_assert_int_eq(info.resync_state, _i ? L2TP_RESYNC_PROBE : L2TP_RESYNC_LISTEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resync-heard");
	TCase *tcase = tcase_create("resync-heard");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_later_message_proves_nothing_at_once);
	tcase_add_test(tcase, the_lowest_of_a_whole_back_off_is_believed);
	tcase_add_test(tcase, a_message_that_comes_once_holds_up_nobody);
	tcase_add_loop_test(tcase, what_stays_ahead_is_followed, 0, 3);
	tcase_add_loop_test(tcase, what_is_being_learnt_is_said_in_the_record, 0, 2);
	tcase_add_loop_test(tcase, what_the_peer_kept_of_the_owner_before_is_passed_over, 0, 2);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
