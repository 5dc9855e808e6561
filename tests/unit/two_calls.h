/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls between two engines: A is LAC, B is LNS, with a tunnel that A opened. */
#ifndef L2TPHA_TESTS_UNIT_TWO_CALLS_H
#define L2TPHA_TESTS_UNIT_TWO_CALLS_H

#include "tests/unit/two_ends.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static UNUSED_OK uint16_t tid;		/* the tunnel at A */

static const uint8_t confreq[] = { 1, 4, 5, 212, 5, 6, 1, 2, 3, 4 };
static const struct l2tp_avp further[] = {
	{ 0, AVP_INITIAL_RX_LCP_CONFREQ, confreq, 4 },
	{ 0, AVP_LAST_TX_LCP_CONFREQ, confreq, sizeof(confreq) },
	{ 0, AVP_LAST_RX_LCP_CONFREQ, confreq + 4, 6 },
	{ 0, AVP_PROXY_AUTHEN_TYPE, "\0\2", 2 },
	{ 0, AVP_PROXY_AUTHEN_NAME, "user@example.com", 16 },
	{ 0, AVP_PROXY_AUTHEN_CHALLENGE, "0123456789abcdef", 16 },
	{ 0, AVP_PROXY_AUTHEN_ID, "\0\7", 2 },
	{ 0, AVP_PROXY_AUTHEN_RESPONSE, "fedcba9876543210", 16 },
	{ 0, AVP_PRIVATE_GROUP_ID, "blue", 4 },
	{ 0, AVP_LCP_WANT_OPTIONS, "\1\4\5\xdc", 4 },
	{ 0, AVP_LCP_ALLOW_OPTIONS, "\1\4\5\xdc", 4 },
	{ L2TP_VENDOR_ACCESS_LINE, 1, "slot 3 port 7", 13 },
	{ L2TP_VENDOR_ACCESS_LINE, 2, "remote", 6 },
	{ L2TP_VENDOR_ACCESS_LINE, 129, "\0\0\0\0\0\1\2\3", 8 },
	{ L2TP_VENDOR_ACCESS_LINE, 145, "\4\0\0\0", 4 },
};

static const struct l2tp_call_params in_params = {
	.bearer_type = 1, .framing_type = 1, .tx_speed = 100000000, .rx_speed = 40000000, .physical_channel = 12,
	.called = "5551234", .calling = "5556789", .sub_address = "77", .csu_enabled = true,
	.sequencing_required = true, .avps = further, .avp_count = sizeof(further) / sizeof(further[0]),
};
static const struct l2tp_call_params out_params = {
	.bearer_type = 2, .framing_type = 2, .minimum_bps = 9600, .maximum_bps = 33600, .called = "5551234",
	.sub_address = "9",
};

static UNUSED_OK struct l2tp_tunnel *tunnel_at(struct two_end *end)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(end->l2tp, l2tp_tunnel_next(end->l2tp, 0));

	ck_assert_ptr_nonnull(tunnel);
	return tunnel;
}

static UNUSED_OK struct l2tp_session *session_at(struct two_end *end)
{
	uint16_t id = l2tp_tunnel_next(end->l2tp, 0);

	return id ? l2tp_session_find(end->l2tp, id, l2tp_session_next(end->l2tp, id, 0)) : NULL;
}

static UNUSED_OK struct l2tp_session_state_rec rec_at(struct two_end *end)
{
	struct l2tp_session *session = session_at(end);
	struct l2tp_session_state_rec rec;

	ck_assert_ptr_nonnull(session);
	l2tp_session_export(session, &rec);
	return rec;
}

static UNUSED_OK uint16_t call(struct two_end *end, enum l2tp_call kind, const struct l2tp_call_params *params)
{
	uint16_t id;

	ck_assert_int_eq(l2tp_call_open(tunnel_at(end), two.now, kind, params, &id), 0);
	ck_assert_uint_ne(id, 0);
	return id;
}

static UNUSED_OK void setup(void)
{
	two_setup();
	A->params.bearer = 3;
	A->params.accept_dialout = true;
	A->params.refuse_dialin = true;
	tid = two_up();
}

static UNUSED_OK void answer(const struct l2tp_call_params *params)
{
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REQUEST], 1);
	ck_assert_int_eq(l2tp_call_answer(session_at(A), two.now, params), 0);
}

static UNUSED_OK void up(bool dialled)
{
	struct l2tp_call_params params = { .tx_speed = 64000 };

	if (dialled) {
		call(B, L2TP_CALL_OUT_LNS, &out_params);
		two_run(100);
		answer(&params);
	} else {
		call(A, L2TP_CALL_IN_LAC, &in_params);
	}
	two_run(100);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_UP], 1);
}

#endif
