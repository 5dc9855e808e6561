// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between two engines of ours: a peer that answers from another address or port
 * (RFC 2661 8.1), as far as the policy lets it, and strangers, who are not heard.
 */
#include "tests/unit/two_ends.h"

#include "tests/unit/check_main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	enum l2tp_peer_change policy;
	bool other_addr;
	unsigned up;
} moves[] = {
	{ L2TP_PEER_CHANGE_PORT, false, 1 },
	{ L2TP_PEER_CHANGE_PORT, true, 0 },
	{ L2TP_PEER_CHANGE_ACCEPT, false, 1 },
	{ L2TP_PEER_CHANGE_ACCEPT, true, 1 },
	{ L2TP_PEER_CHANGE_REJECT, false, 0 },
	{ L2TP_PEER_CHANGE_REJECT, true, 0 },
};

static bool peer_is(struct two_end *end, uint16_t id, const struct l2tp_endpoint *where)
{
	struct l2tp_tunnel_info info = two_info(end, id);

	return endpoint_equal(&info.s.peer, where);
}

START_TEST(responder_answers_from_elsewhere)
{
	uint16_t id;

	A->params.peer_change = moves[_i].policy;
	B->answers_as = B->addr;
	B->answers_as.port = 40000;
	if (moves[_i].other_addr)
		B->answers_as.addr[3] = 99;
	B->reached_at = B->answers_as;
	id = two_open(A);
	two_run(500);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], moves[_i].up);
	if (!moves[_i].up) {
		ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], moves[_i].policy == L2TP_PEER_CHANGE_REJECT);
		return;
	}
	ck_assert(peer_is(A, id, &B->reached_at));
	ck_assert(endpoint_equal(&A->last[L2TP_ACTION_SEND].peer, &B->reached_at));
	/* From now on it stays: somebody else is not heard. */
	B->answers_as.port = 40001;
	two_run(80000);
	ck_assert_uint_eq(two_info(A, id).s.peer.port, 40000);
}
END_TEST

/*
 * Once a tunnel is up nobody else closes it, answers in it or moves it, whatever
 * he knows of its numbers: another port, another address, to either end.
 */
START_TEST(a_stranger_is_not_heard)
{
	static const enum message_type said[] = { MESSAGE_STOPCCN, MESSAGE_SCCRP, MESSAGE_HELLO };
	struct l2tp_tunnel_info info;
	struct avp_builder builder;
	struct l2tp_endpoint from;
	uint8_t buf[L2TP_MSG_MAX];
	unsigned down;
	size_t len;

	A->params.peer_change = (enum l2tp_peer_change)_i;
	two_up();
	two_run(2000);
	for (unsigned n = 0; n < 8 * sizeof(said) / sizeof(said[0]); n++) {
		struct two_end *end = n & 1 ? A : B;
		uint16_t id = l2tp_tunnel_next(end->l2tp, 0);

		info = two_info(end, id);
		from = info.s.peer;
		if (n & 2)
			from.port++;
		else
			from.addr[3] ^= 0x20;
		message_begin(&builder, buf, sizeof(buf), said[n >> 3], id, 0);
		avp_put_u16(&builder, AVP_PROTOCOL_VERSION, 0x0100);
		avp_put_u32(&builder, AVP_FRAMING_CAPABILITIES, 3);
		avp_put_text(&builder, AVP_HOST_NAME, "stranger");
		avp_put_u16(&builder, AVP_ASSIGNED_TUNNEL_ID, info.s.peer_id);
		message_put_result(&builder, &(struct l2tp_result){ .result = 1 });
		len = message_end(&builder);
		message_set_ns(buf, n & 4 ? info.channel.vr : 0);
		message_set_nr(buf, info.channel.vs);
		l2tp_input(end->l2tp, two.now, &info.s.local, &from, buf, len);
		two_run(200);
		ck_assert(peer_is(end, id, &info.s.peer));
		ck_assert_uint_eq(two_info(end, id).channel.vr, info.channel.vr);
	}
	down = A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN];
	ck_assert_uint_eq(down + A->sent[MESSAGE_STOPCCN] + B->sent[MESSAGE_STOPCCN], 0);
}
END_TEST

START_TEST(an_answer_from_elsewhere_is_heard_where_it_is_ignored)
{
	uint16_t id;

	A->params.peer_change = L2TP_PEER_CHANGE_IGNORE;
	B->answers_as = B->addr;
	B->answers_as.port = 40000;
	id = two_up();
	ck_assert(peer_is(A, id, &B->addr));
	two_run(600000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	ck_assert(endpoint_equal(&A->last[L2TP_ACTION_SEND].peer, &B->addr));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elsewhere");
	TCase *tcase = tcase_create("elsewhere");

	tcase_add_checked_fixture(tcase, two_setup, two_stop);
	tcase_add_loop_test(tcase, responder_answers_from_elsewhere, 0, COUNT(moves));
	tcase_add_loop_test(tcase, a_stranger_is_not_heard, 0, L2TP_PEER_CHANGE_REJECT + 1);
	tcase_add_test(tcase, an_answer_from_elsewhere_is_heard_where_it_is_ignored);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
