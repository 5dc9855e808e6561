// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls between two engines of ours: A is LAC, B is LNS, incoming and outgoing
 * ones, what they carry, how they are refused, and what a standby makes of them.
 * The state tables are in test-call-states.c.
 */
#include "tests/unit/two_calls.h"

#include "tests/unit/check_main.h"

/* ---- incoming ----------------------------------------------------------- */

static void incoming_carries_everything(void)
{
	struct l2tp_session_state_rec a, b;
	struct l2tp_avp avp;
	const uint8_t *value;
	size_t i, at = 0, len;

	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_UP], 1);
	a = rec_at(A);
	b = rec_at(B);
	ck_assert_int_eq(a.call, L2TP_CALL_IN_LAC);
	ck_assert_int_eq(b.call, L2TP_CALL_IN_LNS);
	ck_assert_uint_eq(a.peer_id, b.local_id);
	ck_assert_uint_eq(a.local_id, b.peer_id);
	ck_assert_uint_eq(a.call_serial, b.call_serial);
	ck_assert_uint_ne(a.call_serial, 0);
	ck_assert_uint_eq(b.bearer_type, 1);
	ck_assert_uint_eq(b.framing_type, 1);
	ck_assert_uint_eq(b.tx_speed, 100000000);
	ck_assert_uint_eq(b.rx_speed, 40000000);
	ck_assert_uint_eq(b.physical_channel, 12);
	ck_assert_str_eq(b.called, "5551234");
	ck_assert_str_eq(b.calling, "5556789");
	ck_assert_str_eq(b.sub_address, "77");
	ck_assert(b.csu_enabled);
	ck_assert(b.sequencing_required);
	for (i = 0; i < in_params.avp_count; i++) {
		value = l2tp_session_avp(session_at(B), further[i].vendor, further[i].attr, &len);
		ck_assert_ptr_nonnull(value);
		ck_assert_uint_eq(len, further[i].len);
		ck_assert_mem_eq(value, further[i].value, len);
	}
	for (i = 0; l2tp_session_avp_next(session_at(B), &at, &avp); i++)
		;
	ck_assert_uint_eq(i, in_params.avp_count);
	ck_assert_ptr_null(l2tp_session_avp(session_at(B), 0, AVP_MINIMUM_BPS, &len));
}

START_TEST(incoming)
{
	call(A, L2TP_CALL_IN_LAC, &in_params);
	ck_assert_int_eq(rec_at(A).state, L2TP_SESSION_WAIT_REPLY);
	incoming_carries_everything();
}
END_TEST

START_TEST(incoming_hidden)
{
	const struct message *message;

	two_stop();
	two_setup();
	strcpy(A->params.secret, "tunnel");
	strcpy(B->params.secret, "tunnel");
	A->params.hide = B->params.hide = true;
	tid = two_up();
	call(A, L2TP_CALL_IN_LAC, &in_params);
	incoming_carries_everything();
	message = two_kept(A, MESSAGE_ICRQ, NULL);
	ck_assert(message->hidden_left);
	ck_assert_uint_eq(message->line_count, 0);
	ck_assert(!message_has(message, AVP_CALLING_NUMBER));
	message = two_kept(A, MESSAGE_ICCN, NULL);
	ck_assert(!message_has(message, AVP_PROXY_AUTHEN_RESPONSE));
	ck_assert(!message_has(message, AVP_TX_CONNECT_SPEED));
	ck_assert(message_has(message, AVP_SEQUENCING_REQUIRED));	/* must not be hidden */
}
END_TEST

START_TEST(an_equal_speed_is_said_once)
{
	struct l2tp_call_params params = { .tx_speed = 64000 };

	call(A, L2TP_CALL_IN_LAC, &params);
	two_run(1000);
	ck_assert(!message_has(two_kept(A, MESSAGE_ICCN, NULL), AVP_RX_CONNECT_SPEED));
	ck_assert_uint_eq(rec_at(B).rx_speed, 64000);
	ck_assert_uint_eq(rec_at(B).framing_type, 1);
	ck_assert_uint_eq(rec_at(B).bearer_type, 0);
}
END_TEST

START_TEST(serial_numbers_only_grow)
{
	uint32_t last = 0;
	int i;

	for (i = 0; i < 20; i++) {
		call(A, L2TP_CALL_IN_LAC, &in_params);
		two_drain(A);
		ck_assert_uint_gt(message_u32(two_kept(A, MESSAGE_ICRQ, NULL), AVP_CALL_SERIAL_NUMBER), last);
		last = message_u32(two_kept(A, MESSAGE_ICRQ, NULL), AVP_CALL_SERIAL_NUMBER);
		two_run(i * 20);
	}
}
END_TEST

START_TEST(waits_for_its_tunnel)
{
	uint16_t id, session;

	id = two_open(A);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in_params, &session), 0);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in_params, &session), 0);
	two_drain(A);
	ck_assert_uint_eq(A->sent[MESSAGE_ICRQ], 0);
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 2);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_UP], 2);
}
END_TEST

START_TEST(goes_with_a_tunnel_that_does_not_come)
{
	uint16_t id, session;

	B->refuse = true;
	id = two_open(A);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in_params, &session), 0);
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert_uint_eq(A->last[L2TP_ACTION_SESSION_DOWN].session_id, session);
	ck_assert(!A->last[L2TP_ACTION_SESSION_DOWN].was_established);
	ck_assert_uint_eq(A->last[L2TP_ACTION_SESSION_DOWN].result.result, STOPCCN_NOT_AUTHORISED);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in_params, &session),
			 -ENOTCONN);
}
END_TEST

START_TEST(given_up_while_it_waits_for_its_tunnel)
{
	struct l2tp_result result = { .result = CDN_ADMINISTRATIVE };
	uint16_t id, session;

	two.cut = true;
	A->params.setup_timeout_s = 5;
	id = two_open(A);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in_params, &session), 0);
	l2tp_session_close(l2tp_session_find(A->l2tp, id, session), two.now, &result);
	two_drain(A);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert_uint_eq(A->last[L2TP_ACTION_SESSION_DOWN].result.result, CDN_ADMINISTRATIVE);
	ck_assert_uint_eq(A->sent[MESSAGE_CDN], 0);
}
END_TEST

START_TEST(no_reply)
{
	two.cut = true;
	A->params.setup_timeout_s = 5;
	call(A, L2TP_CALL_IN_LAC, &in_params);
	two_run(61000);
	ck_assert_uint_ge(A->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert(A->last[L2TP_ACTION_SESSION_DOWN].result.no_answer);
}
END_TEST

START_TEST(cannot_be_asked_for)
{
	static const struct l2tp_avp wrong[] = {
		{ 0, AVP_PROXY_AUTHEN_TYPE, "x", 1 },		/* its length */
		{ 0, AVP_HOST_NAME, "x", 1 },			/* not of a call */
		{ 0, 4242, "x", 1 },
		{ L2TP_VENDOR_ACCESS_LINE, 200, "x", 1 },
		{ 0, AVP_MINIMUM_BPS, "\0\0\0\0", 4 },		/* of the other kind of call */
	};
	struct l2tp_call_params params = in_params, none = { 0 };
	struct l2tp_counters counters;
	uint16_t id;
	int i;

	for (i = 0; i < COUNT(wrong); i++) {
		params.avps = &wrong[i];
		params.avp_count = 1;
		ck_assert_int_eq(l2tp_call_open(tunnel_at(A), two.now, L2TP_CALL_IN_LAC, &params, &id), -EINVAL);
	}
	ck_assert_int_eq(l2tp_call_open(tunnel_at(A), two.now, L2TP_CALL_IN_LNS, &in_params, &id), -EINVAL);
	ck_assert_int_eq(l2tp_call_open(tunnel_at(B), two.now, L2TP_CALL_OUT_LNS, &none, &id), -EINVAL);
	/* A said that it has digital and analog bearers, B none; nobody has a framing of its own. */
	ck_assert_int_eq(l2tp_call_open(tunnel_at(A), two.now, L2TP_CALL_OUT_LNS, &out_params, &id), -EOPNOTSUPP);
	params = in_params;
	params.framing_type = 4;
	ck_assert_int_eq(l2tp_call_open(tunnel_at(A), two.now, L2TP_CALL_IN_LAC, &params, &id), -EOPNOTSUPP);
	l2tp_counters(A->l2tp, &counters);
	ck_assert_uint_eq(counters.sessions, 0);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 0);
}
END_TEST

/* ---- outgoing ----------------------------------------------------------- */

START_TEST(outgoing)
{
	struct l2tp_call_params params = { .framing_type = 2, .tx_speed = 33600, .rx_speed = 28800,
					   .sequencing_required = true, .avps = &further[9], .avp_count = 2 };
	struct l2tp_session_state_rec a, b;
	const uint8_t *value;
	size_t len;

	call(B, L2TP_CALL_OUT_LNS, &out_params);
	two_run(100);
	a = rec_at(A);
	ck_assert_int_eq(a.call, L2TP_CALL_OUT_LAC);
	ck_assert_int_eq(a.state, L2TP_SESSION_WAIT_CS_ANSWER);
	ck_assert_str_eq(a.called, "5551234");
	ck_assert_str_eq(a.sub_address, "9");
	ck_assert_uint_eq(a.bearer_type, 2);
	ck_assert_uint_eq(a.framing_type, 2);
	value = l2tp_session_avp(session_at(A), 0, AVP_MAXIMUM_BPS, &len);
	ck_assert_ptr_nonnull(value);
	ck_assert_uint_eq(avp_get_u32(value), 33600);
	value = l2tp_session_avp(session_at(A), 0, AVP_MINIMUM_BPS, &len);
	ck_assert_uint_eq(avp_get_u32(value), 9600);
	ck_assert_int_eq(rec_at(B).state, L2TP_SESSION_WAIT_CONNECT);
	answer(&params);
	two_run(100);
	b = rec_at(B);
	ck_assert_int_eq(b.call, L2TP_CALL_OUT_LNS);
	ck_assert_int_eq(b.state, L2TP_SESSION_ESTABLISHED);
	ck_assert_uint_eq(b.tx_speed, 33600);
	ck_assert_uint_eq(b.rx_speed, 28800);
	ck_assert(b.sequencing_required);
	ck_assert_ptr_nonnull(l2tp_session_avp(session_at(B), 0, AVP_LCP_WANT_OPTIONS, &len));
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert_int_eq(l2tp_call_answer(session_at(A), two.now, &params), -EINVAL);
}
END_TEST

START_TEST(nobody_answers_what_we_dialled)
{
	struct l2tp_result busy = { .result = 8, .q931_cause = 17, .q931_message = 5 };

	call(B, L2TP_CALL_OUT_LNS, &out_params);
	two_run(100);
	l2tp_session_close(session_at(A), two.now, &busy);
	two_run(100);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert(B->last[L2TP_ACTION_SESSION_DOWN].by_peer);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SESSION_DOWN].result.result, 8);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SESSION_DOWN].result.q931_cause, 17);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SESSION_DOWN].result.q931_message, 5);
}
END_TEST

START_TEST(outgoing_is_refused_where_it_is_not_accepted)
{
	two_stop();
	two_setup();
	A->params.bearer = 3;
	tid = two_up();
	call(B, L2TP_CALL_OUT_LNS, &out_params);
	two_run(100);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SESSION_DOWN].result.result, CDN_NO_FACILITIES_EVER);
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REQUEST], 0);
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REFUSED], 1);
}
END_TEST

START_TEST(incoming_is_refused_where_it_is_not_accepted)
{
	call(B, L2TP_CALL_IN_LAC, &in_params);
	two_run(100);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SESSION_DOWN].result.result, CDN_NO_FACILITIES_EVER);
}
END_TEST

/* ---- while it is up, and how it ends --------------------------------------- */

START_TEST(errors_and_character_maps)
{
	static const uint32_t errors[6] = { 1, 2, 0x30000, 4, 5, 6 };

	up(_i);
	ck_assert_int_eq(l2tp_session_send_errors(session_at(A), two.now, errors), 0);
	ck_assert_int_eq(l2tp_session_send_errors(session_at(A), two.now, errors), -EAGAIN);
	ck_assert_int_eq(l2tp_session_send_errors(session_at(B), two.now, errors), -EINVAL);
	ck_assert_int_eq(l2tp_session_send_accm(session_at(B), two.now, 0xa0000, 0xffffffff), 0);
	ck_assert_int_eq(l2tp_session_send_accm(session_at(A), two.now, 0, 0), -EINVAL);
	two_run(100);
	ck_assert_uint_eq(B->count[L2TP_ACTION_WEN], 1);
	ck_assert_mem_eq(B->last[L2TP_ACTION_WEN].numbers, errors, sizeof(errors));
	ck_assert_uint_eq(A->count[L2TP_ACTION_SLI], 1);
	ck_assert_uint_eq(A->last[L2TP_ACTION_SLI].numbers[0], 0xa0000);
	ck_assert_uint_eq(A->last[L2TP_ACTION_SLI].numbers[1], 0xffffffff);
	two_run(60000);
	ck_assert_int_eq(l2tp_session_send_errors(session_at(A), two.now, errors), 0);
}
END_TEST

START_TEST(speeds_change)
{
	struct l2tp_call_params silent = { .tx_speed = 5 };
	const struct message *message;
	uint16_t other;

	up(false);
	other = call(A, L2TP_CALL_IN_LAC, &silent);
	two_run(100);
	ck_assert_int_eq(l2tp_session_send_speed(l2tp_session_find(A->l2tp, tid, other), two.now, 1, 2), -EINVAL);
	l2tp_session_close(l2tp_session_find(A->l2tp, tid, other), two.now, &(struct l2tp_result){ .result = 3 });
	two_run(100);
	ck_assert_int_eq(l2tp_session_send_speed(session_at(A), two.now, 70000000, 7000000), 0);
	ck_assert_int_eq(l2tp_session_send_speed(session_at(B), two.now, 1, 2), -EINVAL);
	two_run(100);
	ck_assert_uint_eq(rec_at(B).tx_speed, 70000000);
	ck_assert_uint_eq(rec_at(B).rx_speed, 7000000);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SPEED], 1);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SPEED].numbers[0], 70000000);
	ck_assert_uint_eq(B->last[L2TP_ACTION_SPEED].numbers[1], 7000000);
	message = two_kept(A, MESSAGE_CSUN, NULL);
	ck_assert(!message->type_mandatory);
	ck_assert_uint_eq(message->item_count, 1);
}
END_TEST

START_TEST(speeds_are_asked_for)
{
	struct l2tp_call_params silent = { .tx_speed = 5 };
	struct avp_builder out;
	uint8_t buf[256], value[12] = { 0, 0, 0x12, 0x34 };

	up(false);
	call(A, L2TP_CALL_IN_LAC, &silent);
	two_run(100);
	l2tp_tunnel_query_speeds(tunnel_at(A), two.now);	/* a LAC has nothing to ask */
	two_run(100);
	ck_assert_uint_eq(A->sent[MESSAGE_CSURQ], 0);
	l2tp_tunnel_query_speeds(tunnel_at(B), two.now);
	two_run(100);
	ck_assert_uint_eq(two_kept(B, MESSAGE_CSURQ, NULL)->item_count, 1);	/* not about the silent one */
	ck_assert_uint_eq(two_kept(A, MESSAGE_CSUN, NULL)->item_count, 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SPEED], 0);	/* nothing new */
	/* about a call that is not here there is no answer */
	two.cut = true;
	message_begin(&out, buf, sizeof(buf), MESSAGE_CSURQ, tid, 0);
	avp_put(&out, AVP_CONNECT_SPEED_UPDATE, value, sizeof(value));
	two_forge(A, tid, &out);
	ck_assert_uint_eq(A->sent[MESSAGE_CSUN], 1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

START_TEST(causes_are_carried)
{
	struct two_end *from = _i & 1 ? A : B, *to = _i & 1 ? B : A;
	struct l2tp_result result = { .result = 3, .error = 0, .text = "echo timeout",
				      .ppp = { true, 8, 0xc021, 1, "no echo reply" } };
	const struct l2tp_result *got = &to->last[L2TP_ACTION_SESSION_DOWN].result;

	up(_i & 2);
	l2tp_session_close(session_at(from), two.now, &result);
	two_run(100);
	ck_assert_uint_eq(to->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert(to->last[L2TP_ACTION_SESSION_DOWN].by_peer);
	ck_assert(to->last[L2TP_ACTION_SESSION_DOWN].was_established);
	ck_assert_uint_eq(got->result, 3);
	ck_assert_str_eq(got->text, "echo timeout");
	ck_assert(got->ppp.present);
	ck_assert_uint_eq(got->ppp.code, 8);
	ck_assert_uint_eq(got->ppp.protocol, 0xc021);
	ck_assert_uint_eq(got->ppp.direction, 1);
	ck_assert_str_eq(got->ppp.text, "no echo reply");
	ck_assert_ptr_null(session_at(to));
	ck_assert_ptr_null(session_at(from));
}
END_TEST

/* The octets of the facts: code 3, LCP, direction 1. */
START_TEST(cause_octets)
{
	static const uint8_t octets[] = { 0, 0x0b, 0, 0, 0, 0x2e, 0, 3, 0xc0, 0x21, 1 };
	struct l2tp_result result = { .ppp = { .present = true, .code = 3, .protocol = 0xc021, .direction = 1 } };
	struct avp_builder builder;
	uint8_t buf[64];

	avp_builder_init(&builder, buf, sizeof(buf));
	message_put_causes(&builder, &result);
	ck_assert_uint_eq(builder.len, sizeof(octets));
	ck_assert_mem_eq(buf, octets, sizeof(octets));
}
END_TEST

START_TEST(given_up_before_the_reply)
{
	struct l2tp_result result = { .result = 1 };

	/* The CDN can name the call only by our own ID. */
	call(_i ? B : A, _i ? L2TP_CALL_OUT_LNS : L2TP_CALL_IN_LAC, _i ? &out_params : &in_params);
	l2tp_session_close(session_at(_i ? B : A), two.now, &result);
	two_run(1000);
	ck_assert_ptr_null(session_at(A));
	ck_assert_ptr_null(session_at(B));
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP] + B->count[L2TP_ACTION_SESSION_UP], 0);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* ---- at a limit --------------------------------------------------------- */

static const struct {
	enum l2tp_busy busy;
	const char *peers;
	uint16_t call_result, call_error;
} busies[] = {
	{ L2TP_BUSY_RESOURCES, "", 2, 4 },
	{ L2TP_BUSY_TRY_ANOTHER, "", 2, 7 },
	{ L2TP_BUSY_DIRECTED, "192.0.2.9, [2001:db8::9]", 2, 9 },
	{ L2TP_BUSY_DIRECTED, "", 2, 7 },
	{ L2TP_BUSY_TEMPORARY, "", 4, 0 },
};

START_TEST(told_to_try_another)
{
	const struct l2tp_result *result = &A->last[L2TP_ACTION_SESSION_DOWN].result;
	struct l2tp_endpoint to[4];
	char text[ENDPOINT_TEXT_MAX];

	two_stop();
	two_setup();
	B->params.session_limit = 1;
	B->params.busy = busies[_i].busy;
	strcpy(B->params.busy_peers, busies[_i].peers);
	tid = two_up();
	call(A, L2TP_CALL_IN_LAC, &in_params);
	call(A, L2TP_CALL_IN_LAC, &in_params);
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert_uint_eq(result->result, busies[_i].call_result);
	ck_assert_uint_eq(result->error, busies[_i].call_error);
	ck_assert(l2tp_result_try_another(result, true));
	if (!busies[_i].peers[0]) {
		ck_assert_uint_eq(l2tp_result_addresses(result, to, 4), 0);
		return;
	}
	ck_assert_uint_eq(l2tp_result_addresses(result, to, 4), 2);
	ck_assert_str_eq(endpoint_format(&to[0], true, text), "192.0.2.9:1701");
	ck_assert_str_eq(endpoint_format(&to[1], true, text), "[2001:db8::9]:1701");
	ck_assert_uint_eq(l2tp_result_addresses(result, to, 1), 1);
}
END_TEST

static const struct {
	bool call;
	uint16_t result, error;
	uint32_t vendor;
	bool another;
} verdicts[] = {
	{ false, 2, 4, 0, true }, { true, 2, 4, 0, true },
	{ false, 2, 6, 9, true }, { true, 2, 6, 9, true },
	{ false, 2, 6, 0, false }, { true, 2, 6, 311, false },
	{ false, 2, 7, 0, true }, { true, 2, 7, 0, true },
	{ false, 2, 9, 0, true }, { true, 2, 9, 0, true },
	{ true, 4, 0, 0, true }, { false, 4, 0, 0, false },
	{ true, 5, 0, 0, false }, { true, 2, 5, 0, false }, { true, 3, 4, 0, false }, { true, 1, 0, 0, false },
	{ false, 1, 7, 0, false }, { false, 6, 0, 0, false }, { false, 2, 8, 0, false }, { false, 0, 0, 0, false },
};

START_TEST(which_codes_send_elsewhere)
{
	struct l2tp_result result = { .result = verdicts[_i].result, .error = verdicts[_i].error,
				      .vendor = verdicts[_i].vendor };

	ck_assert_int_eq(l2tp_result_try_another(&result, verdicts[_i].call), verdicts[_i].another);
}
END_TEST

/* 2/6 with the vendor before its text, in two octets and in four. */
START_TEST(vendor_of_an_error)
{
	static const struct { const char *text; size_t len; uint32_t vendor; } texts[] = {
		{ "\0\11slimit", 8, 9 }, { "\0\0\0\11slimit", 10, 9 }, { "slimit", 6, 0 }, { "", 0, 0 }, { "\0", 1, 0 },
		{ "\0\0\1\67", 4, 311 },
	};
	uint8_t buf[64] = { 0, 2, 0, 6 };
	struct message message = { .present = { 1 << AVP_RESULT_CODE } };
	struct l2tp_result result;

	memcpy(buf + 4, texts[_i].text, texts[_i].len);
	message.avp[AVP_RESULT_CODE] = (struct message_slice){ buf, 4 + texts[_i].len };
	message_get_result(&message, &result);
	ck_assert_uint_eq(result.vendor, texts[_i].vendor);
}
END_TEST

START_TEST(calls_in_setup_are_limited)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops ops = { .ctx = B, .select_group = two_select, .random = two_random };
	int i;

	two_stop();
	two_setup();
	l2tp_free(B->l2tp);
	*(_i ? &config.max_calls_setup : &config.max_calls_setup_per_peer) = 3;
	B->l2tp = l2tp_new(&config, &ops);
	l2tp_activate(B->l2tp, two.now);
	tid = two_up();
	/* Requests arrive, replies do not. */
	two.cut = true;
	for (i = 0; i < 5; i++) {
		uint8_t buf[256];
		struct avp_builder out;

		message_begin(&out, buf, sizeof(buf), MESSAGE_ICRQ, l2tp_tunnel_next(B->l2tp, 0), 0);
		avp_put_u16(&out, AVP_ASSIGNED_SESSION_ID, (uint16_t)(100 + i));
		avp_put_u32(&out, AVP_CALL_SERIAL_NUMBER, 1);
		two_forge(B, l2tp_tunnel_next(B->l2tp, 0), &out);
	}
	ck_assert_uint_eq(B->count[L2TP_ACTION_CALL_REFUSED], 2);
	ck_assert_uint_eq(B->last[L2TP_ACTION_CALL_REFUSED].result.error, ERROR_RESOURCES);
	/* They time out, and there is room again. */
	two_run(61000);
	for (i = 0; i < 3; i++) {
		uint8_t buf[256];
		struct avp_builder out;

		if (!l2tp_tunnel_next(B->l2tp, 0))
			return;		/* the tunnel went with its peer */
		message_begin(&out, buf, sizeof(buf), MESSAGE_ICRQ, l2tp_tunnel_next(B->l2tp, 0), 0);
		avp_put_u16(&out, AVP_ASSIGNED_SESSION_ID, (uint16_t)(200 + i));
		avp_put_u32(&out, AVP_CALL_SERIAL_NUMBER, 1);
		two_forge(B, l2tp_tunnel_next(B->l2tp, 0), &out);
	}
	ck_assert_uint_eq(B->count[L2TP_ACTION_CALL_REFUSED], 2);
}
END_TEST

/* ---- a bad wire, a standby ---------------------------------------------- */

START_TEST(bad_wire)
{
	struct l2tp_call_params params = { .tx_speed = 1 };
	uint16_t id;
	int i, rounds;

	two_stop();
	two_start((uint32_t)_i + 100);
	A->params.bearer = 3;
	A->params.accept_dialout = true;
	A->params.retransmit_retries = B->params.retransmit_retries = 20;
	tid = two_up();
	two.loss = 20;
	two.twice = 20;
	two.late = 50;
	for (i = 0; i < 12; i++)
		call(i & 1 ? B : A, i & 1 ? L2TP_CALL_OUT_LNS : L2TP_CALL_IN_LAC, i & 1 ? &out_params : &in_params);
	for (rounds = 0; rounds < 200; rounds++) {
		two_run(200);
		for (id = 0; (id = l2tp_session_next(A->l2tp, tid, id));)
			l2tp_call_answer(l2tp_session_find(A->l2tp, tid, id), two.now, &params);
	}
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_UP], 12);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_UP], 12);
	for (i = 0; i < 12; i++) {
		struct l2tp_session *session = session_at(i & 2 ? A : B);

		ck_assert_ptr_nonnull(session);
		l2tp_session_close(session, two.now, &(struct l2tp_result){ .result = 3 });
		two_run(20000);
	}
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 12);
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_DOWN], 12);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN] + B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* B dies and an engine with its records takes its place. */
static void replace_b(void)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops ops = { .ctx = B, .select_group = two_select, .random = two_random };
	struct l2tp_tunnel *tunnel = tunnel_at(B);
	struct l2tp *dead = B->l2tp, *next = l2tp_new(&config, &ops);
	struct l2tp_session_state_rec session;
	struct l2tp_tunnel_state_rec rec;
	struct l2tp_channel_state channel;
	const uint8_t *data;
	uint16_t id, ns;
	size_t len;

	l2tp_tunnel_export(tunnel, &rec);
	ck_assert_int_eq(l2tp_tunnel_import(next, &rec), 0);
	l2tp_channel_export(tunnel, &channel);
	ck_assert_int_eq(l2tp_channel_import(next, rec.local_id, &channel), 0);
	for (ns = channel.una; ns != channel.vs; ns++) {
		data = l2tp_message(tunnel, ns, &len);
		ck_assert_int_eq(l2tp_message_import(next, rec.local_id, ns, data, len), 0);
	}
	for (id = 0; (id = l2tp_session_next(dead, rec.local_id, id));) {
		l2tp_session_export(l2tp_session_find(dead, rec.local_id, id), &session);
		if (session.state == L2TP_SESSION_WAIT_CONNECT || session.state == L2TP_SESSION_ESTABLISHED)
			ck_assert_int_eq(l2tp_session_import(next, &session), 0);
		else
			ck_assert_int_eq(l2tp_session_import(next, &session), -EINVAL);
	}
	l2tp_free(dead);
	B->l2tp = next;
	l2tp_activate(next, two.now);
}

static bool noted(const struct two_end *end, uint16_t session_id)
{
	size_t i;

	for (i = 0; i < end->dirty_count; i++)
		if (end->dirty[i].type == L2TP_DIRTY_SESSION && end->dirty[i].session_id == session_id)
			return true;
	return false;
}

START_TEST(a_standby_has_the_further_avps)
{
	size_t len;

	up(false);
	replace_b();
	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 0);
	ck_assert_ptr_nonnull(l2tp_session_avp(session_at(B), 0, AVP_PROXY_AUTHEN_RESPONSE, &len));
	ck_assert_uint_eq(len, 16);
	ck_assert_ptr_nonnull(l2tp_session_avp(session_at(B), L2TP_VENDOR_ACCESS_LINE, 2, &len));
}
END_TEST

START_TEST(a_standby_goes_on_with_a_call_being_dialled)
{
	struct l2tp_call_params params = { .tx_speed = 1 };
	uint16_t id = call(B, L2TP_CALL_OUT_LNS, &out_params);

	two_drain(B);
	ck_assert(!noted(B, id));	/* its peer ID is not known yet */
	two_run(1000);
	ck_assert(noted(B, id));
	ck_assert(!noted(A, rec_at(A).local_id));
	replace_b();
	two_run(5000);
	answer(&params);
	two_run(1000);
	ck_assert_int_eq(rec_at(B).state, L2TP_SESSION_ESTABLISHED);
	ck_assert(noted(A, rec_at(A).local_id));
}
END_TEST

START_TEST(a_call_that_was_asked_for_ends_with_the_box)
{
	uint16_t id = call(B, L2TP_CALL_OUT_LNS, &out_params);

	/* OCRQ is recorded and sent, the reply comes to the standby: it does not know the call and says so. */
	two_drain(B);
	ck_assert(!noted(B, id));
	replace_b();
	two_run(5000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REQUEST], 1);
	ck_assert_uint_eq(A->count[L2TP_ACTION_SESSION_DOWN], 1);
	ck_assert_ptr_null(session_at(A));
	ck_assert_ptr_null(session_at(B));
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* Demoted in the middle of it: what has no record goes, the rest stays as it is in the records. */
START_TEST(a_passive_engine_keeps_what_is_recorded)
{
	struct l2tp_tunnel_params params = A->params;
	uint16_t id, other;

	up(true);
	two.cut = true;
	call(A, L2TP_CALL_IN_LAC, &in_params);
	ck_assert_int_eq(l2tp_tunnel_open(A->l2tp, two.now, &A->addr, &B->addr, &params, &other), 0);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, other), two.now, L2TP_CALL_IN_LAC, &in_params, &id), 0);
	two_drain(A);
	l2tp_passivate(A->l2tp);
	ck_assert_ptr_null(l2tp_tunnel_find(A->l2tp, other));
	ck_assert_uint_eq(l2tp_tunnel_next(A->l2tp, 0), tid);
	ck_assert_int_eq(rec_at(A).call, L2TP_CALL_OUT_LAC);
	ck_assert_uint_eq(l2tp_session_next(A->l2tp, tid, rec_at(A).local_id), 0);
}
END_TEST

START_TEST(no_call_during_resync)
{
	uint16_t id;

	two.cut = true;
	replace_b();
	ck_assert_int_eq(l2tp_call_open(tunnel_at(B), two.now, L2TP_CALL_OUT_LNS, &out_params, &id), -EAGAIN);
	two.cut = false;
	two_run(5000);
	ck_assert_int_eq(l2tp_call_open(tunnel_at(B), two.now, L2TP_CALL_OUT_LNS, &out_params, &id), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = tcase_create("calls");

	tcase_add_checked_fixture(tcase, setup, two_stop);
	tcase_add_test(tcase, incoming);
	tcase_add_test(tcase, incoming_hidden);
	tcase_add_test(tcase, an_equal_speed_is_said_once);
	tcase_add_test(tcase, serial_numbers_only_grow);
	tcase_add_test(tcase, waits_for_its_tunnel);
	tcase_add_test(tcase, goes_with_a_tunnel_that_does_not_come);
	tcase_add_test(tcase, given_up_while_it_waits_for_its_tunnel);
	tcase_add_test(tcase, no_reply);
	tcase_add_test(tcase, cannot_be_asked_for);
	tcase_add_test(tcase, outgoing);
	tcase_add_test(tcase, nobody_answers_what_we_dialled);
	tcase_add_test(tcase, outgoing_is_refused_where_it_is_not_accepted);
	tcase_add_test(tcase, incoming_is_refused_where_it_is_not_accepted);
	tcase_add_loop_test(tcase, errors_and_character_maps, 0, 2);
	tcase_add_test(tcase, speeds_change);
	tcase_add_test(tcase, speeds_are_asked_for);
	tcase_add_loop_test(tcase, causes_are_carried, 0, 4);
	tcase_add_test(tcase, cause_octets);
	tcase_add_loop_test(tcase, given_up_before_the_reply, 0, 2);
	tcase_add_loop_test(tcase, told_to_try_another, 0, COUNT(busies));
	tcase_add_loop_test(tcase, which_codes_send_elsewhere, 0, COUNT(verdicts));
	tcase_add_loop_test(tcase, vendor_of_an_error, 0, 6);
	tcase_add_loop_test(tcase, calls_in_setup_are_limited, 0, 2);
	tcase_add_loop_test(tcase, bad_wire, 0, 30);
	tcase_add_test(tcase, a_standby_has_the_further_avps);
	tcase_add_test(tcase, a_standby_goes_on_with_a_call_being_dialled);
	tcase_add_test(tcase, a_call_that_was_asked_for_ends_with_the_box);
	tcase_add_test(tcase, a_passive_engine_keeps_what_is_recorded);
	tcase_add_test(tcase, no_call_during_resync);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
