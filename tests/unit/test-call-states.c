// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every cell of the tables of RFC 2661 7.4.1, 7.4.2, 7.5.1 and 7.5.2, and an
 * AVP nobody knows in each message of a call.
 */
#include "tests/unit/two_calls.h"

#include "tests/unit/check_main.h"

/* ---- the tables, cell by cell ------------------------------------------- */

enum outcome { KEEPS, GOES_ON, CDN, CLEANS_UP };

struct cell {
	enum l2tp_call call;
	enum l2tp_session_state state;
	uint16_t message;		/* 0: local close */
	enum outcome outcome;
};

#define REPLY L2TP_SESSION_WAIT_REPLY
#define CONNECT L2TP_SESSION_WAIT_CONNECT
#define ANSWER L2TP_SESSION_WAIT_CS_ANSWER
#define UP L2TP_SESSION_ESTABLISHED

static const struct cell cells[] = {
	/* 7.4.1: LAC, incoming */
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_ICRP, GOES_ON },
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_ICRQ, CDN },
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_ICCN, CLEANS_UP },
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_OCRP, CDN },
	{ L2TP_CALL_IN_LAC, REPLY, 0, CDN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_ICRQ, CDN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_ICRP, CDN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_ICCN, CDN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_SLI, KEEPS },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_WEN, KEEPS },
	{ L2TP_CALL_IN_LAC, UP, 0, CDN },
	/* 7.4.2: LNS, incoming */
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_ICCN, GOES_ON },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_ICRQ, CDN },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_ICRP, CDN },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_OCCN, CDN },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_IN_LNS, CONNECT, 0, CDN },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_ICRQ, CDN },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_ICRP, CDN },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_ICCN, CDN },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_WEN, KEEPS },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_SLI, KEEPS },
	{ L2TP_CALL_IN_LNS, UP, 0, CDN },
	/* 7.5.1: LAC, outgoing */
	{ L2TP_CALL_OUT_LAC, ANSWER, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_OUT_LAC, ANSWER, MESSAGE_OCRP, CDN },
	{ L2TP_CALL_OUT_LAC, ANSWER, MESSAGE_OCCN, CDN },
	{ L2TP_CALL_OUT_LAC, ANSWER, MESSAGE_ICCN, CDN },
	{ L2TP_CALL_OUT_LAC, ANSWER, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_OUT_LAC, ANSWER, 0, CDN },
	{ L2TP_CALL_OUT_LAC, UP, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_OUT_LAC, UP, MESSAGE_OCRP, CDN },
	{ L2TP_CALL_OUT_LAC, UP, MESSAGE_OCCN, CDN },
	{ L2TP_CALL_OUT_LAC, UP, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_OUT_LAC, UP, MESSAGE_SLI, KEEPS },
	{ L2TP_CALL_OUT_LAC, UP, 0, CDN },
	/* 7.5.2: LNS, outgoing */
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_OCRP, GOES_ON },
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_OCCN, CDN },
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_ICRP, CDN },
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_OUT_LNS, REPLY, 0, CDN },
	{ L2TP_CALL_OUT_LNS, CONNECT, MESSAGE_OCCN, GOES_ON },
	{ L2TP_CALL_OUT_LNS, CONNECT, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_OUT_LNS, CONNECT, MESSAGE_OCRP, CDN },
	{ L2TP_CALL_OUT_LNS, CONNECT, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_OUT_LNS, CONNECT, 0, CDN },
	{ L2TP_CALL_OUT_LNS, UP, MESSAGE_OCRQ, CDN },
	{ L2TP_CALL_OUT_LNS, UP, MESSAGE_OCRP, CDN },
	{ L2TP_CALL_OUT_LNS, UP, MESSAGE_OCCN, CDN },
	{ L2TP_CALL_OUT_LNS, UP, MESSAGE_CDN, CLEANS_UP },
	{ L2TP_CALL_OUT_LNS, UP, MESSAGE_WEN, KEEPS },
	{ L2TP_CALL_OUT_LNS, UP, 0, CDN },
};

static void put_call_message(struct avp_builder *out, uint16_t type)
{
	static const uint8_t zero[32];

	switch (type) {
	case MESSAGE_ICRQ:
		avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 1);
		avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 777);
		break;
	case MESSAGE_OCRQ:
		avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 1);
		avp_put_u32(out, AVP_MINIMUM_BPS, 1);
		avp_put_u32(out, AVP_MAXIMUM_BPS, 1);
		avp_put_u32(out, AVP_BEARER_TYPE, 1);
		avp_put_u32(out, AVP_FRAMING_TYPE, 1);
		avp_put_text(out, AVP_CALLED_NUMBER, "1");
		avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 777);
		break;
	case MESSAGE_ICRP:
	case MESSAGE_OCRP:
		avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 777);
		break;
	case MESSAGE_ICCN:
	case MESSAGE_OCCN:
		avp_put_u32(out, AVP_TX_CONNECT_SPEED, 1);
		avp_put_u32(out, AVP_FRAMING_TYPE, 1);
		break;
	case MESSAGE_CDN:
		avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, 777);
		message_put_result(out, &(struct l2tp_result){ .result = 3 });
		break;
	case MESSAGE_WEN:
		avp_put(out, AVP_CALL_ERRORS, zero, 26);
		break;
	case MESSAGE_SLI:
		avp_put(out, AVP_ACCM, zero, 10);
		break;
	}
}

/* A call in that state on the side that the cell is about, which then hears nobody but the test. */
static struct two_end *call_in(enum l2tp_call kind, enum l2tp_session_state state)
{
	bool dialled = kind == L2TP_CALL_OUT_LAC || kind == L2TP_CALL_OUT_LNS;
	struct two_end *end = kind == L2TP_CALL_IN_LAC || kind == L2TP_CALL_OUT_LAC ? A : B;
	struct l2tp_call_params params = { .tx_speed = 1 };

	if (state == L2TP_SESSION_ESTABLISHED) {
		up(dialled);
	} else {
		call(dialled ? B : A, dialled ? L2TP_CALL_OUT_LNS : L2TP_CALL_IN_LAC, dialled ? &out_params : &params);
		if (state == L2TP_SESSION_WAIT_REPLY) {
			two.cut = true;
			two_drain(end);
			/* the request is acknowledged, not answered: what follows need not wait for it */
		} else if (kind == L2TP_CALL_IN_LNS) {
			two_run(1);
			two.cut = true;
			two_drain(B);
		} else {
			two_run(10);
		}
	}
	two.cut = true;
	ck_assert_int_eq(rec_at(end).state, state);
	ck_assert_int_eq(rec_at(end).call, kind);
	return end;
}

static unsigned cdns_queued(struct two_end *end)
{
	struct l2tp_tunnel_info info = two_info(end, l2tp_tunnel_next(end->l2tp, 0));
	struct message_header header;
	struct message message;
	static uint8_t room[65536];
	unsigned count = 0;
	const uint8_t *data;
	uint16_t ns;
	size_t len;

	for (ns = info.channel.una; ns != info.channel.vs; ns++) {
		data = l2tp_message(tunnel_at(end), ns, &len);
		ck_assert_ptr_nonnull(data);
		ck_assert_int_eq(message_header_parse(data, len, &header), MESSAGE_KIND_CONTROL);
		ck_assert_int_eq(message_parse(header.body, header.body_len, NULL, room, &message), 0);
		count += message.type == MESSAGE_CDN;
	}
	return count;
}

static void hear(struct two_end *end, uint16_t type, uint16_t session_id, uint16_t vendor, uint16_t flags)
{
	struct avp_builder out;
	uint8_t buf[512];

	message_begin(&out, buf, sizeof(buf), type, l2tp_tunnel_next(end->l2tp, 0), session_id);
	put_call_message(&out, type);
	if (vendor)
		avp_put_raw(&out, flags, vendor, 7, "x", 1);
	two_forge(end, l2tp_tunnel_next(end->l2tp, 0), &out);
}

START_TEST(call_states)
{
	const struct cell *cell = &cells[_i];
	struct l2tp_result closed = { .result = 3 };
	struct two_end *end = call_in(cell->call, cell->state);
	unsigned ups = end->count[L2TP_ACTION_SESSION_UP];

	if (cell->message)
		hear(end, cell->message, rec_at(end).local_id, 0, 0);
	else
		l2tp_session_close(session_at(end), two.now, &closed);
	two_drain(end);
	switch (cell->outcome) {
	case KEEPS:
		ck_assert_int_eq(rec_at(end).state, cell->state);
		ck_assert_uint_eq(cdns_queued(end), 0);
		break;
	case GOES_ON:
		ck_assert_int_eq(rec_at(end).state, cell->call == L2TP_CALL_OUT_LNS && cell->state == REPLY ?
				 L2TP_SESSION_WAIT_CONNECT : L2TP_SESSION_ESTABLISHED);
		ck_assert_uint_eq(end->count[L2TP_ACTION_SESSION_UP], ups + (rec_at(end).state == UP));
		break;
	case CDN:
		ck_assert_ptr_null(session_at(end));
		ck_assert_uint_eq(cdns_queued(end), 1);
		ck_assert_uint_eq(end->count[L2TP_ACTION_SESSION_DOWN], 1);
		break;
	case CLEANS_UP:
		ck_assert_ptr_null(session_at(end));
		ck_assert_uint_eq(cdns_queued(end), 0);
		ck_assert_uint_eq(end->count[L2TP_ACTION_SESSION_DOWN], 1);
		break;
	}
	ck_assert_uint_eq(end->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* Rows "idle": for a call that is not here. */
static const struct { uint16_t message; bool cdn, lives; } idles[] = {
	{ MESSAGE_ICRQ, false, true }, { MESSAGE_ICRP, true, false }, { MESSAGE_ICCN, false, false },
	{ MESSAGE_OCRQ, false, true }, { MESSAGE_OCRP, true, false }, { MESSAGE_OCCN, false, false },
	{ MESSAGE_CDN, false, false }, { MESSAGE_WEN, false, false }, { MESSAGE_SLI, false, false },
};

START_TEST(messages_for_no_call)
{
	two_stop();
	two_setup();
	A->params.accept_dialout = true;
	tid = two_up();
	two.cut = true;
	hear(A, idles[_i].message, idles[_i].lives ? 0 : 4711, 0, 0);
	ck_assert_uint_eq(cdns_queued(A), idles[_i].cdn);
	ck_assert_int_eq(!!session_at(A), idles[_i].lives);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

/* An AVP nobody knows: with M the call ends whatever the message, without it nothing happens. */
static const struct { enum l2tp_call call; enum l2tp_session_state state; uint16_t message; } unknowns[] = {
	{ L2TP_CALL_IN_LAC, REPLY, MESSAGE_ICRP },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_ICCN },
	{ L2TP_CALL_OUT_LNS, REPLY, MESSAGE_OCRP },
	{ L2TP_CALL_OUT_LNS, CONNECT, MESSAGE_OCCN },
	{ L2TP_CALL_IN_LNS, UP, MESSAGE_WEN },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_SLI },
	{ L2TP_CALL_IN_LAC, UP, MESSAGE_WEN },
	{ L2TP_CALL_IN_LNS, CONNECT, MESSAGE_WEN },
};

START_TEST(unknown_avp_ends_the_call)
{
	struct two_end *end = call_in(unknowns[_i / 2].call, unknowns[_i / 2].state);

	hear(end, unknowns[_i / 2].message, rec_at(end).local_id, 4242, _i & 1 ? AVP_FLAG_M : 0);
	ck_assert_uint_eq(end->count[L2TP_ACTION_TUNNEL_DOWN], 0);
	ck_assert_uint_eq(end->count[L2TP_ACTION_SESSION_DOWN], _i & 1);
	ck_assert_uint_eq(cdns_queued(end), _i & 1);
	if (_i & 1) {
		ck_assert_uint_eq(end->last[L2TP_ACTION_SESSION_DOWN].result.result, CDN_ERROR);
		ck_assert_uint_eq(end->last[L2TP_ACTION_SESSION_DOWN].result.error, ERROR_UNKNOWN_AVP);
	}
}
END_TEST

static const uint16_t requests[] = { MESSAGE_ICRQ, MESSAGE_OCRQ };

START_TEST(unknown_avp_refuses_the_call)
{
	two_stop();
	two_setup();
	A->params.accept_dialout = true;
	tid = two_up();
	two.cut = true;
	hear(A, requests[_i / 2], 0, 4242, _i & 1 ? AVP_FLAG_M : 0);
	ck_assert_uint_eq(A->count[L2TP_ACTION_CALL_REFUSED], _i & 1);
	ck_assert_uint_eq(cdns_queued(A), _i & 1);
	ck_assert_int_eq(!session_at(A), _i & 1);
}
END_TEST

START_TEST(unknown_avp_in_a_cdn)
{
	up(false);
	two.cut = true;
	hear(B, MESSAGE_CDN, rec_at(B).local_id, 4242, AVP_FLAG_M);
	ck_assert_ptr_null(session_at(B));
	ck_assert_uint_eq(cdns_queued(B), 0);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_DOWN], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call-states");
	TCase *tcase = tcase_create("call-states");

	tcase_add_checked_fixture(tcase, setup, two_stop);
	tcase_add_loop_test(tcase, call_states, 0, COUNT(cells));
	tcase_add_loop_test(tcase, messages_for_no_call, 0, COUNT(idles));
	tcase_add_loop_test(tcase, unknown_avp_ends_the_call, 0, 2 * COUNT(unknowns));
	tcase_add_loop_test(tcase, unknown_avp_refuses_the_call, 0, 2 * COUNT(requests));
	tcase_add_test(tcase, unknown_avp_in_a_cdn);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
