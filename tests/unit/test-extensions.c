// SPDX-License-Identifier: GPL-2.0-or-later
/* What later RFCs added to calls, as far as it is known here, and what is not. */
#include "tests/unit/two_calls.h"

#include "tests/unit/check_main.h"

/* RFC 3437 2.3: what LCP agreed on, and said again after a renegotiation. */
START_TEST(lcp_of_the_lns)
{
	struct l2tp_lcp lcp = { 0xffffffff, 0xa0000, (const uint8_t *)"\1\4\5\324", (const uint8_t *)"", 4, 0 };
	struct l2tp_session_state_rec rec;
	const uint8_t *value;
	size_t len, i, count;
	struct l2tp_avp avp;

	up(_i);
	ck_assert_int_eq(l2tp_session_send_lcp(session_at(A), two.now, &lcp), -EINVAL);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(l2tp_session_send_lcp(session_at(B), two.now, &lcp), 0);
		two_run(100);
		ck_assert_uint_eq(A->count[L2TP_ACTION_SLI], i + 1);
		ck_assert_uint_eq(A->last[L2TP_ACTION_SLI].numbers[1], 0xa0000);
		value = l2tp_session_avp(session_at(A), 0, AVP_LNS_LAST_TX_LCP_CONFREQ, &len);
		ck_assert_ptr_nonnull(value);
		ck_assert_uint_eq(len, lcp.sent_len);
		ck_assert_mem_eq(value, lcp.sent, len);
		value = l2tp_session_avp(session_at(A), 0, AVP_LNS_LAST_RX_LCP_CONFREQ, &len);
		ck_assert_ptr_nonnull(value);
		ck_assert_uint_eq(len, 0);
		lcp.sent = (const uint8_t *)"\1\4\5\300\7\2";
		lcp.sent_len = 6;
	}
	for (i = count = 0; l2tp_session_avp_next(session_at(A), &i, &avp);)
		count += !avp.vendor && (avp.attr == 51 || avp.attr == 52);
	ck_assert_uint_eq(count, 2);
	l2tp_session_export(session_at(A), &rec);	/* a standby has them, too */
	ck_assert_uint_gt(rec.attrs_len, 2 * AVP_HEADER);
}
END_TEST

/* AVPs of RFC 3301, 3308, 3573 and later in every message that may have them: nobody minds. */
START_TEST(extensions_are_overlooked)
{
	static const uint16_t attrs[] = { 40, 41, 42, 43, 44, 45, 47, 48, 53, 54, 55, 56, 57, 80, 93 };
	static const uint16_t types[] = { MESSAGE_SCCRQ, MESSAGE_SCCRP, MESSAGE_SCCCN, MESSAGE_ICRQ, MESSAGE_ICRP, MESSAGE_ICCN,
					  MESSAGE_OCRQ, MESSAGE_OCRP, MESSAGE_OCCN, MESSAGE_SLI, MESSAGE_HELLO };
	static struct message message;
	static uint8_t room[L2TP_MSG_MAX];
	struct avp_builder builder;
	uint8_t buf[L2TP_MSG_MAX];
	size_t i, j;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		message_begin(&builder, buf, sizeof(buf), (enum message_type)types[i], 1, 0);
		for (j = 0; j < sizeof(attrs) / sizeof(attrs[0]); j++)
			avp_put_raw(&builder, j % 2 ? AVP_FLAG_H : 0, 0, attrs[j], "\0\56\0\0", j % 5);
		ck_assert_int_eq(message_parse(buf + MESSAGE_HEADER, builder.len - MESSAGE_HEADER, "", room, &message), 0);
		ck_assert_uint_eq(message.ignored, sizeof(attrs) / sizeof(attrs[0]));
		ck_assert(!message.fault || strstr(message.fault_text, " without AVP "));	/* of its own it has none */
	}
}
END_TEST

/* RFC 3573, 3817, 4045: their messages are acknowledged, and that is all. */
START_TEST(messages_of_extensions_are_overlooked)
{
	static const uint8_t types[] = { 17, 18, 19, 23, 24, 25, 26, 27 };
	struct l2tp_tunnel_info info;
	uint8_t buf[64];
	struct avp_builder builder;
	size_t i;

	up(_i);
	for (i = 0; i < sizeof(types); i++) {
		l2tp_tunnel_info(l2tp_tunnel_find(B->l2tp, l2tp_tunnel_next(B->l2tp, 0)), &info);
		message_begin(&builder, buf, sizeof(buf), (enum message_type)types[i], info.s.local_id, 0);
		buf[MESSAGE_HEADER] &= 0x7f;
		avp_put_raw(&builder, 0, 0, 54, "\200\1", 2);
		message_end(&builder);
		message_set_ns(buf, info.channel.vr);
		message_set_nr(buf, info.channel.vs);
		l2tp_input(B->l2tp, two.now, &B->addr, &A->addr, buf, builder.len);
		l2tp_tunnel_info(l2tp_tunnel_find(B->l2tp, info.s.local_id), &info);
		ck_assert_int_eq(info.s.state, L2TP_TUNNEL_ESTABLISHED);
	}
	ck_assert_uint_eq(B->count[L2TP_ACTION_SESSION_DOWN], 0);
	ck_assert_ptr_nonnull(session_at(B));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("extensions");
	TCase *tcase = tcase_create("extensions");

	tcase_add_checked_fixture(tcase, setup, two_stop);
	tcase_add_loop_test(tcase, lcp_of_the_lns, 0, 2);
	tcase_add_loop_test(tcase, messages_of_extensions_are_overlooked, 0, 2);
	tcase_add_test(tcase, extensions_are_overlooked);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
