// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels between two engines of ours, each in both roles: setup with and
 * without a secret, hidden AVPs, tie breakers, the ends of a setup, and every cell of RFC 2661 7.2.1.
 */
#include "tests/unit/two_ends.h"

#include "tests/unit/check_main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static void use_secret(const char *a, const char *b)
{
	strcpy(A->params.secret, a);
	strcpy(B->params.secret, b);
}

/* ---- setup -------------------------------------------------------------- */

START_TEST(opened)
{
	uint16_t id = two_open(A);
	struct l2tp_tunnel_info info;

	ck_assert_int_eq(two_info(A, id).s.state, L2TP_TUNNEL_WAIT_CTL_REPLY);
	two_run(1000);
	info = two_info(A, id);
	ck_assert_int_eq(info.s.state, L2TP_TUNNEL_ESTABLISHED);
	ck_assert(info.s.initiator);
	ck_assert_str_eq(info.s.peer_name, "lns");
	ck_assert_str_eq(info.s.peer_vendor, "l2tpha");
	ck_assert_uint_eq(info.s.peer_firmware, 1);
	ck_assert_uint_eq(info.s.peer_window, 8);
	ck_assert_uint_eq(info.s.peer_framing, 3);
	ck_assert_uint_eq(A->sent[MESSAGE_SCCRQ], 1);
	ck_assert_uint_eq(B->sent[MESSAGE_SCCRP], 1);
	ck_assert_uint_eq(A->sent[MESSAGE_SCCCN], 1);
	info = two_info(B, info.s.peer_id);
	ck_assert(!info.s.initiator);
	ck_assert_uint_eq(info.s.peer_id, id);
	/* Hellos from here on, no more. */
	two_run(600000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	ck_assert_uint_gt(A->sent[MESSAGE_HELLO] + B->sent[MESSAGE_HELLO], 8);
}
END_TEST

START_TEST(over_ipv6)
{
	ck_assert_int_eq(endpoint_parse(&A->addr, "2001:db8::7"), 0);
	ck_assert_int_eq(endpoint_parse(&B->addr, "2001:db8:1::1"), 0);
	A->params.authenticate = B->params.authenticate = true;
	use_secret("tunnel", "tunnel");
	ck_assert_uint_eq(two_info(A, two_up()).s.peer.family, 6);
}
END_TEST

START_TEST(open_is_refused_here)
{
	struct l2tp_endpoint none = { 0 }, six = { 6, { 0x20 }, 1701 };
	uint16_t id = 1;

	ck_assert_int_eq(l2tp_tunnel_open(A->l2tp, two.now, &none, &B->addr, &A->params, &id), -EINVAL);
	ck_assert_int_eq(l2tp_tunnel_open(A->l2tp, two.now, &A->addr, &six, &A->params, &id), -EINVAL);
	A->params.authenticate = true;
	ck_assert_int_eq(l2tp_tunnel_open(A->l2tp, two.now, &A->addr, &B->addr, &A->params, &id), -EINVAL);
	A->params.authenticate = false;
	l2tp_passivate(A->l2tp);
	ck_assert_int_eq(l2tp_tunnel_open(A->l2tp, two.now, &A->addr, &B->addr, &A->params, &id), -EINVAL);
	ck_assert_uint_eq(id, 0);
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SEND], 0);
}
END_TEST

/* Who challenges, and do both know the secret? */
static const struct { bool a, b, same; const char *reason; } auths[] = {
	{ false, false, true, "" },
	{ true, false, true, "" },
	{ false, true, true, "" },
	{ true, true, true, "" },
	{ true, false, false, "challenge response does not match" },
	{ false, true, false, "challenge response does not match" },
	{ true, true, false, "challenge response does not match" },
};

START_TEST(authentication)
{
	A->params.authenticate = auths[_i].a;
	B->params.authenticate = auths[_i].b;
	use_secret("tunnel", auths[_i].same ? "tunnel" : "another");
	two_open(A);
	two_run(60000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], auths[_i].same || !auths[_i].a);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], auths[_i].same);
	if (auths[_i].same)
		return;
	ck_assert_str_eq(A->last[L2TP_ACTION_TUNNEL_DOWN].result.text, auths[_i].reason);
	ck_assert_str_eq(B->last[L2TP_ACTION_TUNNEL_DOWN].result.text, auths[_i].reason);
	ck_assert_uint_eq(A->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_NOT_AUTHORISED);
	/* and both have forgotten it */
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
	ck_assert_uint_eq(l2tp_tunnel_next(B->l2tp, 0), 0);
}
END_TEST

START_TEST(no_secret_at_the_other_end)
{
	A->params.authenticate = true;
	use_secret("tunnel", "");
	two_open(A);
	two_run(1000);
	ck_assert_uint_eq(A->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_NOT_AUTHORISED);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
	ck_assert(!A->last[L2TP_ACTION_TUNNEL_DOWN].was_established);
}
END_TEST

START_TEST(hidden_both_ways)
{
	const struct message *message;

	A->params.authenticate = B->params.authenticate = true;
	A->params.hide = B->params.hide = true;
	A->params.hide_setup = B->params.hide_setup = true;
	use_secret("tunnel", "tunnel");
	two_up();
	message = two_kept(A, MESSAGE_SCCRQ, NULL);
	ck_assert(message->hidden_left);
	ck_assert(!message_has(message, AVP_CHALLENGE));
	ck_assert(!message_has(message, AVP_ASSIGNED_TUNNEL_ID));
	ck_assert(message_has(message, AVP_HOST_NAME));
	message = two_kept(A, MESSAGE_SCCRQ, "tunnel");
	ck_assert(message_has(message, AVP_CHALLENGE));
	ck_assert_uint_eq(message->fault, 0);
	ck_assert(two_kept(B, MESSAGE_SCCRP, NULL)->hidden_left);
	ck_assert(two_kept(A, MESSAGE_SCCCN, NULL)->hidden_left);
	ck_assert(!message_has(two_kept(A, MESSAGE_SCCCN, NULL), AVP_CHALLENGE_RESPONSE));
}
END_TEST

/* Some peers look their secret up only when they are challenged: the tunnel is set up in the clear. */
START_TEST(hidden_from_the_first_call_on)
{
	struct l2tp_call_params call = { .called = "0123", .bearer_type = 1, .framing_type = 1 };
	uint16_t tunnel, session;

	A->params.authenticate = B->params.authenticate = true;
	A->params.hide = B->params.hide = true;
	use_secret("tunnel", "tunnel");
	two_up();
	ck_assert(!two_kept(A, MESSAGE_SCCRQ, NULL)->hidden_left);
	ck_assert(!two_kept(B, MESSAGE_SCCRP, NULL)->hidden_left);
	ck_assert(!two_kept(A, MESSAGE_SCCCN, NULL)->hidden_left);
	tunnel = l2tp_tunnel_next(A->l2tp, 0);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, tunnel), two.now, L2TP_CALL_IN_LAC, &call, &session), 0);
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert(two_kept(A, MESSAGE_ICRQ, NULL)->hidden_left);
	ck_assert(two_kept(B, MESSAGE_ICRP, NULL)->hidden_left);
}
END_TEST

START_TEST(hidden_with_another_secret)
{
	A->params.hide = B->params.hide = true;
	A->params.hide_setup = B->params.hide_setup = true;
	use_secret("tunnel", "another");
	two_open(A);
	two_run(60000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP] + B->count[L2TP_ACTION_TUNNEL_UP], 0);
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
	ck_assert_uint_eq(l2tp_tunnel_next(B->l2tp, 0), 0);
}
END_TEST

/* The builder's octets are those of the facts: Message Type, Random Vector, AVP 30 and AVP 9. */
START_TEST(hidden_octets)
{
	static const uint8_t name[] = { 0x40, 0x18, 0, 0, 0, 0x1e, 0xf3, 0xb5, 0x48, 0x9a, 0x2a, 0x02, 0xc6, 0x23, 0x89,
					0x55, 0x86, 0xa1, 0x72, 0x56, 0xe5, 0xd9, 0xa8, 0x68 };
	static const uint8_t id[] = { 0xc0, 0x0a, 0, 0, 0, 0x09, 0xbb, 0x53, 0x35, 0xed };
	uint8_t vector[AVP_AUTH_LEN], buf[256];
	struct avp_builder builder;
	size_t i, len;

	for (i = 0; i < sizeof(vector); i++)
		vector[i] = (uint8_t)(0x10 + i);
	message_begin(&builder, buf, sizeof(buf), MESSAGE_ICCN, 1, 1);
	avp_builder_hide(&builder, "secret", vector);
	len = builder.len;
	avp_put_hidden(&builder, AVP_PROXY_AUTHEN_NAME, "user@example.com", 16, "secret", vector, sizeof(vector), 0);
	avp_put_u16(&builder, AVP_ASSIGNED_TUNNEL_ID, 0x1234);
	ck_assert_mem_eq(buf + len, name, sizeof(name));
	ck_assert_mem_eq(buf + len + sizeof(name), id, sizeof(id));
	/* what must not be hidden is not */
	len = builder.len;
	avp_put_text(&builder, AVP_HOST_NAME, "lac");
	ck_assert_uint_eq(buf[len], 0x80);
}
END_TEST

START_TEST(bad_wire)
{
	int i;

	two_stop();
	two_start((uint32_t)_i + 1);
	two.loss = 25;
	two.twice = 25;
	two.late = 50;
	A->params.retransmit_retries = B->params.retransmit_retries = 15;
	A->params.authenticate = B->params.authenticate = true;
	A->params.hide = _i & 1;
	B->params.hide = _i & 2;
	use_secret("tunnel", "tunnel");
	for (i = 0; i < 10; i++)
		two_open(A);
	two_run(60000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 10);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 10);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* ---- ends of a setup ---------------------------------------------------- */

START_TEST(no_answer)
{
	A->params.initial_retries = 2;
	A->params.initial_min_s = 1;
	A->params.initial_max_s = 2;
	two.cut = true;
	two_open(A);
	two_run(5100);
	ck_assert_uint_eq(A->sent[MESSAGE_SCCRQ], 3);	/* 0, 1, 3 s; given up at 5 s */
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].result.no_answer);
	ck_assert(!A->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
	ck_assert_uint_eq(A->dirty_count, 0);
}
END_TEST

START_TEST(the_patience_of_setup_ends_with_it)
{
	A->params.initial_retries = 1;
	A->params.initial_max_s = 1;
	two_up();
	two.cut = true;
	two_run(60000 + 28000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	ck_assert_uint_eq(A->sent[MESSAGE_HELLO], 6);	/* 0, 1, 3, 7, 15 and 23 s */
	two_run(10000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].result.no_answer);
}
END_TEST

START_TEST(setup_times_out)
{
	A->params.setup_timeout_s = 3;
	two.cut = true;
	two_open(A);
	two_run(3100);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].result.no_answer);
	/* Should the request have arrived, or still do, it is taken back. */
	two.cut = false;
	two_run(20000);
	ck_assert_uint_eq(A->sent[MESSAGE_STOPCCN], 1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP] + B->count[L2TP_ACTION_TUNNEL_UP], 0);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(B->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
}
END_TEST

/* The answer to a request that was given up is taken back; nothing else that is lost gets an answer. */
START_TEST(an_answer_that_comes_too_late)
{
	struct avp_builder builder;
	uint8_t buf[512];
	uint16_t id;

	A->params.initial_retries = 1;
	A->params.initial_max_s = 1;
	id = two_open(A);
	two_drain(A);
	two.cut = true;
	two_run(2500);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
	two.cut = false;
	two_run(2000);
	ck_assert_uint_eq(A->sent[MESSAGE_STOPCCN], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(B->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
	ck_assert_uint_eq(B->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_FSM);
	ck_assert_uint_eq(message_u16(two_kept(A, MESSAGE_STOPCCN, NULL), AVP_ASSIGNED_TUNNEL_ID), id);
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REFUSED], 0);
	message_begin(&builder, buf, sizeof(buf), MESSAGE_SCCCN, 4711, 0);
	l2tp_input(A->l2tp, two.now, &A->addr, &B->addr, buf, message_end(&builder));
	message_begin(&builder, buf, sizeof(buf), MESSAGE_HELLO, 4711, 0);
	l2tp_input(A->l2tp, two.now, &A->addr, &B->addr, buf, message_end(&builder));
	two_run(60000);
	ck_assert_uint_eq(A->sent[MESSAGE_STOPCCN], 1);
}
END_TEST

START_TEST(refused)
{
	B->refuse = true;
	two_open(A);
	two_run(60000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
	ck_assert(!A->last[L2TP_ACTION_TUNNEL_DOWN].result.no_answer);
	ck_assert_uint_eq(A->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_NOT_AUTHORISED);
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
	ck_assert_uint_eq(A->dirty_count, 0);
}
END_TEST

/* ---- tie breakers ------------------------------------------------------- */

static const struct { bool a, b; unsigned up; } ties[] = {
	{ true, true, 1 }, { true, false, 2 }, { false, true, 2 }, { false, false, 2 },
};

START_TEST(requests_that_cross)
{
	unsigned lost;

	A->params.tie_break = ties[_i].a;
	B->params.tie_break = ties[_i].b;
	two_open(A);
	two_open(B);
	two_run(20000);
	lost = A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN];
	if (ties[_i].a && ties[_i].b) {
		/* the loser's is gone without a word, it takes the winner's */
		ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 1);
		ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 1);
		ck_assert_uint_eq(lost, 1);
	} else if (ties[_i].a || ties[_i].b) {
		ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 1);
		ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 1);
		ck_assert_uint_eq((ties[_i].a ? B : A)->count[L2TP_ACTION_TUNNEL_DOWN], 1);
		ck_assert_uint_eq(lost, 1);
	} else {
		ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 2);
		ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 2);
		ck_assert_uint_eq(lost, 0);
	}
	ck_assert_uint_eq(A->sent[MESSAGE_STOPCCN] + B->sent[MESSAGE_STOPCCN], 0);
}
END_TEST

START_TEST(equal_tie_breakers)
{
	struct l2tp_endpoint local = B->addr, peer = A->addr;
	uint8_t sccrq[L2TP_MSG_MAX];
	size_t len;

	/* B's request carries what A's own does: what A sent comes back with B's name on it. */
	A->params.tie_break = true;
	two.cut = true;
	two_open(A);
	two_drain(A);
	len = A->kept_len[MESSAGE_SCCRQ];
	memcpy(sccrq, A->kept[MESSAGE_SCCRQ], len);
	l2tp_input(A->l2tp, two.now, &peer, &local, sccrq, len);
	two_drain(A);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert_uint_eq(A->sent[MESSAGE_SCCRP] + A->sent[MESSAGE_STOPCCN], 0);
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), 0);
}
END_TEST

START_TEST(a_request_of_a_stranger_breaks_no_tie)
{
	A->params.tie_break = true;
	A->refuse = true;
	B->params.tie_break = true;
	two_open(A);
	two_open(B);
	two_run(20000);
	/* A's group takes nobody: whoever would have won, B's request is refused and A's goes through. */
	ck_assert_uint_ge(A->count[L2TP_ACTION_TUNNEL_UP] + B->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* It is the two ends of one tunnel that break a tie, not whoever asks meanwhile. */
START_TEST(a_request_of_another_peer_breaks_no_tie)
{
	struct l2tp_endpoint from = B->addr;
	uint8_t sccrq[L2TP_MSG_MAX];
	size_t len;

	two.cut = true;
	B->params.tie_break = true;
	two_open(B);
	two_drain(B);
	len = B->kept_len[MESSAGE_SCCRQ];
	memcpy(sccrq, B->kept[MESSAGE_SCCRQ], len);
	two_open(A);		/* without one: it would lose against B */
	two_drain(A);
	from.addr[3] ^= 0x40;
	l2tp_input(A->l2tp, two.now, &A->addr, &from, sccrq, len);
	two_drain(A);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	ck_assert_uint_eq(A->sent[MESSAGE_SCCRP], 1);
	l2tp_input(A->l2tp, two.now, &A->addr, &B->addr, sccrq, len);
	two_drain(A);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_TUNNEL_DOWN].result.lost_tie);
}
END_TEST

START_TEST(ties_on_a_bad_wire)
{
	struct l2tp_counters counters;
	int i;

	two_stop();
	two_start((uint32_t)_i + 1);
	two.loss = 20;
	two.twice = 20;
	two.late = 50;
	A->params.tie_break = B->params.tie_break = true;
	A->params.retransmit_retries = B->params.retransmit_retries = 15;
	A->params.setup_timeout_s = B->params.setup_timeout_s = 30;
	two_open(A);
	two_open(B);
	two_run(200000);
	/* One is up; both when the requests did not cross.  What a late copy opened has timed out. */
	ck_assert_uint_ge(A->count[L2TP_ACTION_TUNNEL_UP], 1);
	ck_assert_uint_le(A->count[L2TP_ACTION_TUNNEL_UP], 2);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], B->count[L2TP_ACTION_TUNNEL_UP]);
	for (i = 0; i < 2; i++) {
		l2tp_counters(two.end[i].l2tp, &counters);
		ck_assert_uint_eq(counters.tunnels, A->count[L2TP_ACTION_TUNNEL_UP]);
		ck_assert_uint_eq(counters.tunnels_established, counters.tunnels);
	}
}
END_TEST

/* ---- RFC 2661 7.2.1, cell by cell --------------------------------------- */

enum answer { NOTHING, STOP, UP, GONE };	/* what the message does to the tunnel */

static const struct {
	enum l2tp_tunnel_state state;
	enum message_type message;
	enum answer answer;
} cells[] = {
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_SCCRP, UP },
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_SCCRQ, STOP },
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_SCCCN, STOP },
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_STOPCCN, GONE },
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_HELLO, STOP },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_SCCCN, UP },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_SCCRP, STOP },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_SCCRQ, STOP },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_STOPCCN, GONE },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_HELLO, STOP },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_SCCRQ, STOP },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_SCCRP, STOP },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_SCCCN, STOP },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_STOPCCN, GONE },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_HELLO, NOTHING },
};

static void put_message(struct avp_builder *builder, enum message_type type)
{
	switch (type) {
	case MESSAGE_SCCRQ:
	case MESSAGE_SCCRP:
		avp_put_u16(builder, AVP_PROTOCOL_VERSION, 0x0100);
		avp_put_u32(builder, AVP_FRAMING_CAPABILITIES, 3);
		avp_put_text(builder, AVP_HOST_NAME, "peer");
		avp_put_u16(builder, AVP_ASSIGNED_TUNNEL_ID, 4711);
		break;
	case MESSAGE_STOPCCN:
		avp_put_u16(builder, AVP_ASSIGNED_TUNNEL_ID, 4711);
		message_put_result(builder, &(struct l2tp_result){ .result = STOPCCN_SHUTDOWN });
		break;
	default:
		break;
	}
}

/* A tunnel of `end` in that state, the other end is not to be heard any more. */
static uint16_t tunnel_in(struct two_end **end, enum l2tp_tunnel_state state)
{
	uint16_t id;

	if (state == L2TP_TUNNEL_ESTABLISHED) {
		id = two_up();
		two.cut = true;
		*end = A;
		return id;
	}
	id = two_open(A);
	two_drain(A);
	two.cut = true;
	*end = A;
	if (state == L2TP_TUNNEL_WAIT_CTL_CONN) {
		two_run(2);
		*end = B;
		id = l2tp_tunnel_next(B->l2tp, 0);
	}
	ck_assert_int_eq(two_info(*end, id).s.state, state);
	return id;
}

START_TEST(control_connection_states)
{
	enum message_type type = cells[_i].message;
	struct avp_builder builder;
	struct two_end *end;
	uint8_t buf[512];
	unsigned ups;
	uint16_t id = tunnel_in(&end, cells[_i].state);

	ups = end->count[L2TP_ACTION_TUNNEL_UP];
	message_begin(&builder, buf, sizeof(buf), type, id, 0);
	put_message(&builder, type);
	two_forge(end, id, &builder);
	switch (cells[_i].answer) {
	case NOTHING:
		ck_assert_int_eq(two_info(end, id).s.state, cells[_i].state);
		break;
	case UP:
		ck_assert_int_eq(two_info(end, id).s.state, L2TP_TUNNEL_ESTABLISHED);
		ck_assert_uint_eq(end->count[L2TP_ACTION_TUNNEL_UP], ups + 1);
		break;
	case STOP:
		ck_assert_uint_eq(end->sent[MESSAGE_STOPCCN], 1);
		ck_assert_uint_eq(end->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_FSM);
		break;
	case GONE:
		ck_assert_uint_eq(end->sent[MESSAGE_STOPCCN], 0);
		ck_assert(end->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
		break;
	}
	if (cells[_i].answer == STOP || cells[_i].answer == GONE) {
		ck_assert_int_eq(two_info(end, id).s.state, L2TP_TUNNEL_CLOSING);
		ck_assert_uint_eq(end->count[L2TP_ACTION_TUNNEL_DOWN], 1);
		two_run(29000);
		ck_assert_ptr_nonnull(l2tp_tunnel_find(end->l2tp, id));
		two_run(10000);
		ck_assert_ptr_null(l2tp_tunnel_find(end->l2tp, id));
	} else {
		ck_assert_uint_eq(end->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	}
}
END_TEST

/* Local close, and an AVP nobody knows that must be known: the same answer in every state. */
START_TEST(closed_in_every_state)
{
	static const enum l2tp_tunnel_state states[] = {
		L2TP_TUNNEL_WAIT_CTL_REPLY, L2TP_TUNNEL_WAIT_CTL_CONN, L2TP_TUNNEL_ESTABLISHED,
	};
	struct l2tp_result result = { .result = STOPCCN_SHUTDOWN };
	struct two_end *end;
	uint16_t id = tunnel_in(&end, states[_i]);

	l2tp_tunnel_close(l2tp_tunnel_find(end->l2tp, id), two.now, &result);
	two_drain(end);
	two.cut = false;
	two_run(20000);
	ck_assert_uint_ge(end->sent[MESSAGE_STOPCCN], 1);
	ck_assert_uint_eq(end->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_SHUTDOWN);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_DOWN], 1);
	ck_assert(!end->last[L2TP_ACTION_TUNNEL_DOWN].by_peer);
}
END_TEST

static const struct { enum l2tp_tunnel_state state; enum message_type message; } unknowns[] = {
	{ L2TP_TUNNEL_WAIT_CTL_REPLY, MESSAGE_SCCRP },
	{ L2TP_TUNNEL_WAIT_CTL_CONN, MESSAGE_SCCCN },
	{ L2TP_TUNNEL_ESTABLISHED, MESSAGE_HELLO },
};

START_TEST(unknown_avp)
{
	bool mandatory = _i & 1;
	enum l2tp_tunnel_state state = unknowns[_i / 2].state;
	enum message_type type = unknowns[_i / 2].message;
	struct avp_builder builder;
	struct two_end *end;
	uint8_t buf[512];
	uint16_t id = tunnel_in(&end, state);

	message_begin(&builder, buf, sizeof(buf), type, id, 0);
	put_message(&builder, type);
	avp_put_raw(&builder, mandatory ? AVP_FLAG_M : 0, 4242, 7, "x", 1);
	two_forge(end, id, &builder);
	if (mandatory) {
		ck_assert_uint_eq(end->last[L2TP_ACTION_TUNNEL_DOWN].result.result, STOPCCN_ERROR);
		ck_assert_uint_eq(end->last[L2TP_ACTION_TUNNEL_DOWN].result.error, ERROR_UNKNOWN_AVP);
		ck_assert_ptr_nonnull(strstr(end->last[L2TP_ACTION_TUNNEL_DOWN].result.text, "AVP 7 of vendor 4242"));
	} else {
		ck_assert_int_eq(two_info(end, id).s.state, L2TP_TUNNEL_ESTABLISHED);
	}
}
END_TEST

/* ---- a standby ---------------------------------------------------------- */

START_TEST(nothing_is_recorded_before_the_answer)
{
	uint16_t id;
	size_t i;

	id = two_open(A);
	two.cut = true;
	two_drain(A);
	ck_assert_uint_eq(A->dirty_count, 0);
	two.cut = false;
	two_run(5000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 1);
	ck_assert_uint_ge(A->dirty_count, 3);
	ck_assert_int_eq(A->dirty[0].type, L2TP_DIRTY_TUNNEL);
	for (i = 0; i < A->dirty_count; i++)
		ck_assert_uint_eq(A->dirty[i].tunnel_id, id);
}
END_TEST

START_TEST(a_standby_goes_on_with_a_tunnel_we_opened)
{
	struct l2tp_tunnel_state_rec rec;
	struct l2tp_channel_state channel;
	struct l2tp *dead = A->l2tp;
	struct l2tp_config config = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops ops = { .ctx = A, .select_group = two_select, .random = two_random };
	const uint8_t *message;
	uint16_t id = two_open(A);
	size_t len;

	/* SCCCN was queued, and lost with the box */
	two_run(2);
	two.cut = true;
	two_run(1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 1);
	A->l2tp = l2tp_new(&config, &ops);
	l2tp_tunnel_export(l2tp_tunnel_find(dead, id), &rec);
	ck_assert(rec.initiator);
	l2tp_channel_export(l2tp_tunnel_find(dead, id), &channel);
	message = l2tp_message(l2tp_tunnel_find(dead, id), 1, &len);
	ck_assert_ptr_nonnull(message);
	ck_assert_int_eq(l2tp_tunnel_import(A->l2tp, &rec), 0);
	ck_assert_int_eq(l2tp_channel_import(A->l2tp, id, &channel), 0);
	ck_assert_int_eq(l2tp_message_import(A->l2tp, id, 1, message, len), 0);
	l2tp_free(dead);
	two.cut = false;
	l2tp_activate(A->l2tp, two.now);
	two_run(20000);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 1);
	ck_assert(A->last[L2TP_ACTION_RESYNC_DONE].resync_ok);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("both-roles");
	TCase *tcase = tcase_create("both-roles");

	tcase_add_checked_fixture(tcase, two_setup, two_stop);
	tcase_add_test(tcase, opened);
	tcase_add_test(tcase, over_ipv6);
	tcase_add_test(tcase, open_is_refused_here);
	tcase_add_loop_test(tcase, authentication, 0, COUNT(auths));
	tcase_add_test(tcase, no_secret_at_the_other_end);
	tcase_add_test(tcase, hidden_both_ways);
	tcase_add_test(tcase, hidden_from_the_first_call_on);
	tcase_add_test(tcase, hidden_with_another_secret);
	tcase_add_test(tcase, hidden_octets);
	tcase_add_loop_test(tcase, bad_wire, 0, 40);
	tcase_add_test(tcase, no_answer);
	tcase_add_test(tcase, the_patience_of_setup_ends_with_it);
	tcase_add_test(tcase, setup_times_out);
	tcase_add_test(tcase, an_answer_that_comes_too_late);
	tcase_add_test(tcase, refused);
	tcase_add_loop_test(tcase, requests_that_cross, 0, COUNT(ties));
	tcase_add_test(tcase, equal_tie_breakers);
	tcase_add_test(tcase, a_request_of_a_stranger_breaks_no_tie);
	tcase_add_test(tcase, a_request_of_another_peer_breaks_no_tie);
	tcase_add_loop_test(tcase, ties_on_a_bad_wire, 0, 40);
	tcase_add_loop_test(tcase, control_connection_states, 0, COUNT(cells));
	tcase_add_loop_test(tcase, closed_in_every_state, 0, 3);
	tcase_add_loop_test(tcase, unknown_avp, 0, 2 * COUNT(unknowns));
	tcase_add_test(tcase, nothing_is_recorded_before_the_answer);
	tcase_add_test(tcase, a_standby_goes_on_with_a_tunnel_we_opened);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
