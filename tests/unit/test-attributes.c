// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every AVP and every message against tables of their own, written from RFC
 * 2661 4.4 and 6 (and those that added to them), not from the code: lengths,
 * M and H bits, what belongs where.  Then two engines say everything they can,
 * and each octet they sent is held against the tables.
 */
#include "tests/unit/two_ends.h"

#include "tests/unit/check_main.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define ANY 1017

static const struct { uint16_t attr, min, max; bool m, h; } attributes[] = {
	{ 0, 2, 2, true, false }, { 1, 2, ANY, true, false }, { 2, 2, 2, true, false }, { 3, 4, 4, true, true },
	{ 4, 4, 4, true, true }, { 5, 8, 8, false, false }, { 6, 2, 2, false, true }, { 7, 1, ANY, true, false },
	{ 8, 0, ANY, false, true }, { 9, 2, 2, true, true }, { 10, 2, 2, true, false }, { 11, 1, ANY, true, true },
	{ 12, 3, ANY, true, false }, { 13, 16, 16, true, true }, { 14, 2, 2, true, true }, { 15, 4, 4, true, true },
	{ 16, 4, 4, true, true }, { 17, 4, 4, true, true }, { 18, 4, 4, true, true }, { 19, 4, 4, true, true },
	{ 21, 0, ANY, true, true }, { 22, 0, ANY, true, true }, { 23, 0, ANY, true, true }, { 24, 4, 4, true, true },
	{ 25, 4, 4, false, true }, { 26, 0, ANY, false, true }, { 27, 0, ANY, false, true }, { 28, 0, ANY, false, true },
	{ 29, 2, 2, false, true }, { 30, 0, ANY, false, true }, { 31, 0, ANY, false, true }, { 32, 2, 2, false, true },
	{ 33, 0, ANY, false, true }, { 34, 26, 26, true, true }, { 35, 10, 10, true, true }, { 36, 1, ANY, true, false },
	{ 37, 0, ANY, false, true }, { 38, 4, 4, false, true }, { 39, 0, 0, true, false }, { 46, 5, ANY, false, true },
	{ 49, 0, ANY, false, true }, { 50, 0, ANY, false, true },
	{ 51, 0, ANY, false, true }, { 52, 0, ANY, false, true }, { 76, 6, 6, false, true }, { 77, 10, 10, true, false },
	{ 78, 6, 6, false, true }, { 79, 10, 10, true, true }, { 97, 12, 12, false, true }, { 98, 0, 0, false, true },
};

/* Attributes that must and may be in each message; 0 ends a list (the Message Type is everywhere). */
static const struct { uint16_t type; bool m; uint8_t must[8], may[24]; bool lines; } messages[] = {
	{ 1, true, { 2, 3, 7, 9 }, { 4, 5, 6, 8, 10, 11, 36, 76, 77 }, false },
	{ 2, true, { 2, 3, 7, 9 }, { 4, 6, 8, 10, 11, 13, 36, 76, 78 }, false },
	{ 3, true, { 0 }, { 13, 36 }, false },
	{ 4, true, { 1, 9 }, { 36 }, false },
	{ 6, true, { 0 }, { 36 }, false },
	{ 7, true, { 14, 15, 16, 17, 18, 19, 21 }, { 23, 36 }, false },
	{ 8, true, { 14 }, { 25, 36 }, false },
	{ 9, true, { 19, 24 }, { 36, 38, 39, 49, 50 }, false },
	{ 10, true, { 14, 15 }, { 18, 21, 22, 23, 25, 36, 98 }, true },
	{ 11, true, { 14 }, { 36 }, false },
	{ 12, true, { 19, 24 }, { 26, 27, 28, 29, 30, 31, 32, 33, 36, 37, 38, 39, 49, 50 }, false },
	{ 14, true, { 1, 14 }, { 12, 36, 46 }, false },
	{ 15, true, { 34 }, { 36 }, false },
	{ 16, true, { 35 }, { 36, 51, 52 }, false },
	{ 21, false, { 79 }, { 36 }, false },
	{ 22, false, { 79 }, { 36 }, false },
	{ 28, false, { 97 }, { 36 }, false },
	{ 29, false, { 97 }, { 36 }, false },
};

static bool listed(const uint8_t *list, size_t size, uint16_t attr)
{
	size_t i;

	for (i = 0; i < size && list[i]; i++)
		if (list[i] == attr)
			return true;
	return false;
}

START_TEST(definitions)
{
	const struct avp_def *def = avp_def(attributes[_i].attr);

	ck_assert_ptr_nonnull(def);
	ck_assert_uint_eq(def->min, attributes[_i].min);
	ck_assert_uint_eq(def->max, attributes[_i].max);
	ck_assert_int_eq(def->mandatory, attributes[_i].m);
	ck_assert_int_eq(def->hideable, attributes[_i].h);
}
END_TEST

START_TEST(nothing_else_is_known)
{
	int attr, i;

	for (attr = 0; attr < 300; attr++) {
		for (i = 0; i < COUNT(attributes) && attributes[i].attr != attr; i++)
			;
		ck_assert_int_eq(!!avp_def((uint16_t)attr), i < COUNT(attributes));
	}
	for (attr = 0; attr < 40; attr++) {
		for (i = 0; i < COUNT(messages) && messages[i].type != attr; i++)
			;
		ck_assert_int_eq(!!message_def((uint16_t)attr), i < COUNT(messages));
	}
}
END_TEST

static const struct message *parsed(const struct avp_builder *builder, const char *secret)
{
	static struct message message;
	static uint8_t room[65536];

	ck_assert(!builder->overflow);
	ck_assert_int_eq(message_parse(builder->buf + MESSAGE_HEADER, builder->len - MESSAGE_HEADER, secret, room,
				       &message), 0);
	return &message;
}

/* With M the message is faulty, without it the AVP was not there. */
static void judge(uint16_t attr, size_t len, uint16_t flags, uint16_t error)
{
	static const uint8_t value[ANY] = { 1 };
	struct avp_builder builder;
	uint8_t buf[1400];
	const struct message *message;
	int mandatory;

	for (mandatory = 0; mandatory < 2; mandatory++) {
		message_begin(&builder, buf, sizeof(buf), MESSAGE_HELLO, 1, 0);
		avp_put_raw(&builder, (uint16_t)(flags | (mandatory ? AVP_FLAG_M : 0)), 0, attr, value, len);
		message = parsed(&builder, "");
		ck_assert(!message_has(message, attr));
		ck_assert_uint_eq(message->fault, mandatory ? error : 0);
		ck_assert_uint_eq(message->ignored, !mandatory);
	}
}

START_TEST(faults)
{
	uint16_t attr = attributes[_i].attr;

	if (attributes[_i].min)
		judge(attr, attributes[_i].min - 1u, 0, ERROR_LENGTH);
	if (attributes[_i].max != ANY)
		judge(attr, attributes[_i].max + 1u, 0, ERROR_LENGTH);
	if (!attributes[_i].h)
		judge(attr, 16, AVP_FLAG_H, ERROR_RANGE);
	else
		judge(attr, 16, AVP_FLAG_H, ERROR_OTHER);	/* we have no secret */
	judge(attr, attributes[_i].min, 0x0400, ERROR_UNKNOWN_AVP);	/* a reserved bit */
}
END_TEST

START_TEST(missing_attributes)
{
	static const uint8_t value[32] = { 1, 0, 0, 1 };
	const struct message *message;
	struct avp_builder builder;
	uint8_t buf[1400];
	int i, left_out;

	if (!messages[_i].m)
		return;
	for (left_out = 0; left_out < 8; left_out++) {
		message_begin(&builder, buf, sizeof(buf), (enum message_type)messages[_i].type, 1, 0);
		for (i = 0; i < 8 && messages[_i].must[i]; i++)
			if (i != left_out)
				avp_put(&builder, messages[_i].must[i], value, avp_def(messages[_i].must[i])->min);
		message = parsed(&builder, "");
		ck_assert_int_eq(message->fault == ERROR_OTHER, left_out < i);
		ck_assert(message->fault == 0 || message->fault == ERROR_OTHER);
	}
}
END_TEST

/* ---- what two engines say ----------------------------------------------- */

static unsigned seen_types[32], seen_attrs[128], seen_lines;

static void hold_against_the_tables(const uint8_t *data, size_t len, bool hiding)
{
	struct avp_iter iter;
	uint8_t found[128] = { 0 };
	enum avp_step step;
	struct avp avp;
	uint16_t type;
	int row, i;

	ck_assert_uint_eq(avp_get_u16(data), 0xc802);
	ck_assert_uint_eq(avp_get_u16(data + 2), len);
	if (len == MESSAGE_HEADER)
		return;
	avp_iter_init(&iter, data + MESSAGE_HEADER, len - MESSAGE_HEADER);
	ck_assert_int_eq(avp_iter_next(&iter, &avp), AVP_STEP_AVP);
	ck_assert_uint_eq(avp.vendor, 0);
	ck_assert_uint_eq(avp.attr, 0);
	type = avp_get_u16(avp.value);
	for (row = 0; row < COUNT(messages) && messages[row].type != type; row++)
		;
	if (row == COUNT(messages)) {
		ck_abort_msg("message %u is in no table", type);
		return;
	}
	ck_assert_int_eq(avp.mandatory, messages[row].m);
	seen_types[type]++;
	while ((step = avp_iter_next(&iter, &avp)) == AVP_STEP_AVP) {
		ck_assert(!avp.reserved);
		if (avp.vendor) {
			ck_assert_uint_eq(avp.vendor, 3561);
			ck_assert(messages[row].lines);
			ck_assert(!avp.mandatory);
			ck_assert_int_eq(avp.hidden, hiding);
			seen_lines++;
			continue;
		}
		for (i = 0; i < COUNT(attributes) && attributes[i].attr != avp.attr; i++)
			;
		if (i == COUNT(attributes)) {
			ck_abort_msg("attribute %u is in no table", avp.attr);
			return;
		}
		ck_assert(listed(messages[row].must, 8, avp.attr) || listed(messages[row].may, 24, avp.attr));
		ck_assert_int_eq(avp.mandatory, attributes[i].m);
		ck_assert_int_eq(avp.hidden, hiding && attributes[i].h && type != MESSAGE_STOPCCN && messages[row].m);
		if (!avp.hidden) {
			ck_assert_uint_ge(avp.len, attributes[i].min);
			ck_assert_uint_le(avp.len, attributes[i].max);
		}
		if (messages[row].m)
			ck_assert_uint_eq(found[avp.attr], 0);	/* once */
		found[avp.attr] = 1;
		seen_attrs[avp.attr]++;
		if (avp.hidden)
			ck_assert(found[36]);
	}
	ck_assert_int_eq(step, AVP_STEP_END);
	for (i = 0; i < 8 && messages[row].must[i]; i++)
		ck_assert(found[messages[row].must[i]]);
}

static void look_at(const struct two_end *end, bool hiding)
{
	int type;

	for (type = 0; type < 32; type++)
		if (end->kept_len[type])
			hold_against_the_tables(end->kept[type], end->kept_len[type], hiding);
}

static struct l2tp_session *first_session(struct two_end *end)
{
	uint16_t tunnel = l2tp_tunnel_next(end->l2tp, 0);

	return l2tp_session_find(end->l2tp, tunnel, l2tp_session_next(end->l2tp, tunnel, 0));
}

static void say_everything(uint16_t id)
{
	static const struct l2tp_avp avps[] = {
		{ 0, 26, "\1\4\5\324", 4 }, { 0, 27, "\1\4\5\324", 4 }, { 0, 28, "\1\4\5\324", 4 }, { 0, 29, "\0\2", 2 },
		{ 0, 30, "user", 4 }, { 0, 31, "challenge", 9 }, { 0, 32, "\0\1", 2 }, { 0, 33, "response", 8 },
		{ 0, 37, "group", 5 }, { 0, 49, "", 0 }, { 0, 50, "", 0 }, { 3561, 1, "circuit", 7 },
	};
	struct l2tp_call_params in = { .bearer_type = 1, .framing_type = 1, .tx_speed = 2, .rx_speed = 1,
				       .physical_channel = 3, .called = "1", .calling = "2", .sub_address = "3",
				       .sequencing_required = true, .csu_enabled = true, .avps = avps,
				       .avp_count = sizeof(avps) / sizeof(avps[0]) };
	struct l2tp_call_params out = { .bearer_type = 1, .minimum_bps = 1, .maximum_bps = 2, .called = "1",
					.sub_address = "3" };
	struct l2tp_call_params answer = { .tx_speed = 2, .rx_speed = 1, .sequencing_required = true,
					   .avps = &avps[9], .avp_count = 2 };
	struct l2tp_result result = { .result = 3, .q931_cause = 16, .ppp = { true, 3, 0xc021, 1, "" } };
	const struct l2tp_lcp lcp = { 1, 2, (const uint8_t *)"\1\4\5\324", (const uint8_t *)"\1\4\5\320", 4, 4 };
	const uint32_t errors[6] = { 1 };
	struct l2tp_tunnel *there = l2tp_tunnel_find(B->l2tp, l2tp_tunnel_next(B->l2tp, 0));
	uint16_t session;

	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(A->l2tp, id), two.now, L2TP_CALL_IN_LAC, &in, &session), 0);
	two_run(100);
	ck_assert_int_eq(l2tp_session_send_errors(first_session(A), two.now, errors), 0);
	ck_assert_int_eq(l2tp_session_send_speed(first_session(A), two.now, 3, 4), 0);
	ck_assert_int_eq(l2tp_session_send_lcp(first_session(B), two.now, &lcp), 0);
	l2tp_tunnel_query_speeds(there, two.now);
	two_run(100);
	l2tp_session_close(first_session(A), two.now, &result);
	two_run(100);
	ck_assert_int_eq(l2tp_call_open(there, two.now, L2TP_CALL_OUT_LNS, &out, &session), 0);
	two_run(100);
	ck_assert_int_eq(l2tp_call_answer(first_session(A), two.now, &answer), 0);
	two_run(70000);
	l2tp_tunnel_close(there, two.now, &result);
	two_run(100);
}

START_TEST(what_we_send)
{
	/* Not there: what only a recovery tunnel says (77-79, FSQ, FSR). */
	static const uint8_t not_now[] = { 77, 78, 79 };
	bool hiding = _i;
	int i;

	two_start(1);
	memset(seen_types, 0, sizeof(seen_types));
	memset(seen_attrs, 0, sizeof(seen_attrs));
	seen_lines = 0;
	strcpy(A->params.secret, "tunnel");
	strcpy(B->params.secret, "tunnel");
	A->params.authenticate = B->params.authenticate = true;
	A->params.hide = B->params.hide = A->params.hide_setup = B->params.hide_setup = hiding;
	A->params.tie_break = true;
	A->params.bearer = 3;
	A->params.accept_dialout = true;
	A->params.failover = B->params.failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	say_everything(two_up());
	look_at(A, hiding);
	look_at(B, hiding);
	for (i = 0; i < COUNT(messages); i++)
		if (messages[i].type != MESSAGE_FSQ && messages[i].type != MESSAGE_FSR)
			ck_assert_uint_gt(seen_types[messages[i].type], 0);
	for (i = 1; i < COUNT(attributes); i++)
		if (!listed(not_now, sizeof(not_now), attributes[i].attr) && (hiding || attributes[i].attr != 36))
			ck_assert_uint_gt(seen_attrs[attributes[i].attr], 0);
	ck_assert_uint_gt(seen_lines, 0);
	two_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attributes");
	TCase *tcase = tcase_create("attributes");

	tcase_add_loop_test(tcase, definitions, 0, COUNT(attributes));
	tcase_add_test(tcase, nothing_else_is_known);
	tcase_add_loop_test(tcase, faults, 0, COUNT(attributes));
	tcase_add_loop_test(tcase, missing_attributes, 0, COUNT(messages));
	tcase_add_loop_test(tcase, what_we_send, 0, 2);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
