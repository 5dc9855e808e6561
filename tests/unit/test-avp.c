// SPDX-License-Identifier: GPL-2.0-or-later
/* The codec: byte vectors, hiding, authentication, what the tables refuse. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "l2tp/avp.h"
#include "l2tp/message.h"
#include "tests/unit/check_main.h"

static const uint8_t vector[16] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
				    0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f };
static uint8_t buf[L2TP_MSG_MAX], room[L2TP_MSG_MAX];
static struct avp_builder out;
static struct message msg;

static void begin(enum message_type type)
{
	message_begin(&out, buf, sizeof(buf), type, 5, 0);
}

static int parse(const char *secret)
{
	size_t len = message_end(&out);

	ck_assert_uint_gt(len, 0);
	return message_parse(buf + MESSAGE_HEADER, len - MESSAGE_HEADER, secret, room, &msg);
}

START_TEST(zlb_and_hello_octets)
{
	static const uint8_t zlb[] = { 0xc8, 0x02, 0x00, 0x0c, 0x00, 0x05, 0, 0, 0, 2, 0, 4 };
	static const uint8_t hello[] = { 0xc8, 0x02, 0x00, 0x14, 0x00, 0x05, 0, 0, 0, 2, 0, 4,
					 0x80, 0x08, 0, 0, 0, 0, 0, 6 };
	struct message_header header;

	ck_assert_uint_eq(message_zlb(buf, 5, 2, 4), sizeof(zlb));
	ck_assert_mem_eq(buf, zlb, sizeof(zlb));
	begin(MESSAGE_HELLO);
	ck_assert_uint_eq(message_end(&out), sizeof(hello));
	message_set_ns(buf, 2);
	message_set_nr(buf, 4);
	ck_assert_mem_eq(buf, hello, sizeof(hello));
	ck_assert_int_eq(message_header_parse(hello, sizeof(hello), &header), MESSAGE_KIND_CONTROL);
	ck_assert_uint_eq(header.tunnel_id, 5);
	ck_assert_uint_eq(header.ns, 2);
	ck_assert_uint_eq(header.nr, 4);
	ck_assert_uint_eq(header.body_len, 8);
}
END_TEST

START_TEST(header_judgement)
{
	static const struct {
		uint8_t octets[14];
		size_t len;
		enum message_kind kind;
		const char *what;
	} cases[] = {
		{ { 0xc8 }, 1, MESSAGE_KIND_MALFORMED, "one octet" },
		{ { 0xc8, 2, 0, 12, 0, 5, 0, 0, 0, 2, 0 }, 11, MESSAGE_KIND_MALFORMED, "short" },
		{ { 0xc8, 2, 0, 11, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "length below header" },
		{ { 0xc8, 2, 0, 13, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "length beyond packet" },
		{ { 0xc8, 3, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "L2TPv3" },
		{ { 0xc8, 1, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "L2F" },
		{ { 0x88, 2, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "control without L" },
		{ { 0xc0, 2, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "control without S" },
		{ { 0xca, 2, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_MALFORMED, "control with O" },
		{ { 0x00, 2, 0, 5, 0, 1 }, 6, MESSAGE_KIND_DATA, "data" },
		{ { 0xc8, 2, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4, 9, 9 }, 14, MESSAGE_KIND_CONTROL, "trailing octets" },
		{ { 0xfc, 0xf2, 0, 12, 0, 5, 0, 0, 0, 2, 0, 4 }, 12, MESSAGE_KIND_CONTROL, "reserved bits" },
	};
	struct message_header header;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(message_header_parse(cases[i].octets, cases[i].len, &header) == cases[i].kind, "%s",
			      cases[i].what);
	ck_assert_uint_eq(header.body_len, 0);
}
END_TEST

START_TEST(hiding_vectors)
{
	static const uint8_t name[] = { 0x40, 0x18, 0, 0, 0, 0x1e, 0xf3, 0xb5, 0x48, 0x9a, 0x2a, 0x02, 0xc6, 0x23,
					0x89, 0x55, 0x86, 0xa1, 0x72, 0x56, 0xe5, 0xd9, 0xa8, 0x68 };
	static const uint8_t tunnel[] = { 0xc0, 0x0a, 0, 0, 0, 9, 0xbb, 0x53, 0x35, 0xed };
	static const uint8_t id[] = { 0x12, 0x34 };
	uint8_t plain[64];
	size_t len;

	avp_builder_init(&out, buf, sizeof(buf));
	avp_put_hidden(&out, AVP_PROXY_AUTHEN_NAME, "user@example.com", 16, "secret", vector, sizeof(vector), 0);
	ck_assert_uint_eq(out.len, sizeof(name));
	ck_assert_mem_eq(buf, name, sizeof(name));
	ck_assert_int_eq(avp_unhide(AVP_PROXY_AUTHEN_NAME, name + 6, sizeof(name) - 6, "secret", vector,
				    sizeof(vector), plain, &len), 0);
	ck_assert_uint_eq(len, 16);
	ck_assert_mem_eq(plain, "user@example.com", 16);

	avp_builder_init(&out, buf, sizeof(buf));
	avp_put_hidden(&out, AVP_ASSIGNED_TUNNEL_ID, id, 2, "secret", vector, sizeof(vector), 0);
	ck_assert_uint_eq(out.len, sizeof(tunnel));
	ck_assert_mem_eq(buf, tunnel, sizeof(tunnel));
	ck_assert_int_eq(avp_unhide(AVP_ASSIGNED_TUNNEL_ID, tunnel + 6, 4, "secret", vector, sizeof(vector), plain,
				    &len), 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_mem_eq(plain, id, 2);
	/* the wrong secret gives an inner length that does not fit */
	ck_assert_int_eq(avp_unhide(AVP_ASSIGNED_TUNNEL_ID, tunnel + 6, 4, "wrong", vector, sizeof(vector), plain,
				    &len), -EBADMSG);
	ck_assert_int_eq(avp_unhide(AVP_ASSIGNED_TUNNEL_ID, tunnel + 6, 1, "secret", vector, sizeof(vector), plain,
				    &len), -EBADMSG);
}
END_TEST

START_TEST(hiding_any_length)
{
	uint8_t value[100], plain[128];
	size_t len, got, padding;

	for (len = 0; len < sizeof(value); len++)
		value[len] = (uint8_t)(len * 7);
	for (len = 0; len <= sizeof(value); len++)
		for (padding = 0; padding < 20; padding += 7) {
			avp_builder_init(&out, buf, sizeof(buf));
			avp_put_hidden(&out, AVP_PROXY_AUTHEN_RESPONSE, value, len, "s", vector, 16, padding);
			ck_assert_int_eq(avp_unhide(AVP_PROXY_AUTHEN_RESPONSE, buf + 6, out.len - 6, "s", vector, 16,
						    plain, &got), 0);
			ck_assert_uint_eq(got, len);
			ck_assert_mem_eq(plain, value, len);
		}
}
END_TEST

/* What is hidden does not show how long it is, as far as it could have any length. */
START_TEST(short_values_are_padded)
{
	static const uint8_t seed[16] = { 7 };
	uint8_t data[512], plain[512], last[16] = { 0 };
	struct avp_builder builder;
	struct avp_iter iter;
	struct avp avp;
	size_t len, got;

	for (len = 0; len <= 40; len++) {
		avp_builder_init(&builder, data, sizeof(data));
		avp_builder_hide(&builder, "secret", seed);
		avp_put(&builder, AVP_PROXY_AUTHEN_RESPONSE, "0123456789012345678901234567890123456789", len);
		avp_put_u32(&builder, AVP_TX_CONNECT_SPEED, 1);
		avp_iter_init(&iter, data, builder.len);
		ck_assert_int_eq(avp_iter_next(&iter, &avp), AVP_STEP_AVP);
		ck_assert_int_eq(avp_iter_next(&iter, &avp), AVP_STEP_AVP);
		ck_assert(avp.hidden);
		ck_assert_uint_eq(avp.len, (2 + len + 15) / 16 * 16);
		ck_assert_int_eq(avp_unhide(avp.attr, avp.value, avp.len, "secret", seed, sizeof(seed), plain, &got), 0);
		ck_assert_uint_eq(got, len);
		ck_assert_mem_eq(plain, "0123456789012345678901234567890123456789", len);
		if (avp.len == 16 && len < 14) {	/* the padding is no sign of itself */
			ck_assert(memcmp(last, avp.value, sizeof(last)) != 0);
			ck_assert_uint_ne(plain[len] | plain[13], 0);
			memcpy(last, avp.value, sizeof(last));
		}
		ck_assert_int_eq(avp_iter_next(&iter, &avp), AVP_STEP_AVP);
		ck_assert_uint_eq(avp.len, 6);		/* four octets, as everybody knows */
	}
}
END_TEST

START_TEST(authentication_vectors)
{
	static const uint8_t challenge[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t sccrp[16] = { 0xdd, 0x41, 0x86, 0xe2, 0x19, 0x6f, 0x00, 0x12,
					   0x4a, 0x9d, 0x58, 0x8f, 0x02, 0x70, 0x12, 0x59 };
	static const uint8_t scccn[16] = { 0x8f, 0x3c, 0x2f, 0xa6, 0xfc, 0xfe, 0xa7, 0x22,
					   0x15, 0xae, 0x83, 0xea, 0x89, 0xec, 0x2b, 0x77 };
	uint8_t response[16];

	avp_challenge_response(2, "secret", challenge, sizeof(challenge), response);
	ck_assert_mem_eq(response, sccrp, 16);
	avp_challenge_response(3, "secret", challenge, sizeof(challenge), response);
	ck_assert_mem_eq(response, scccn, 16);
	ck_assert(avp_auth_equal(response, scccn));
	ck_assert(!avp_auth_equal(response, sccrp));
}
END_TEST

START_TEST(result_octets)
{
	static const uint8_t bare[] = { 0x80, 0x0a, 0, 0, 0, 1, 0, 2, 0, 7 };
	struct l2tp_result result = { .result = 2, .error = 7 }, got;

	avp_builder_init(&out, buf, sizeof(buf));
	message_put_result(&out, &result);
	ck_assert_uint_eq(out.len, sizeof(bare));
	ck_assert_mem_eq(buf, bare, sizeof(bare));

	strcpy(result.text, "try 192.0.2.1");
	begin(MESSAGE_STOPCCN);
	avp_put_u16(&out, AVP_ASSIGNED_TUNNEL_ID, 1);
	message_put_result(&out, &result);
	ck_assert_int_eq(parse(""), 0);
	message_get_result(&msg, &got);
	ck_assert_uint_eq(got.result, 2);
	ck_assert_uint_eq(got.error, 7);
	ck_assert_str_eq(got.text, "try 192.0.2.1");
}
END_TEST

START_TEST(builder_does_not_overflow)
{
	uint8_t small[20];

	memset(small, 0xee, sizeof(small));
	avp_builder_init(&out, small, 15);
	avp_put_u16(&out, AVP_ASSIGNED_TUNNEL_ID, 1);
	avp_put_u16(&out, AVP_RECEIVE_WINDOW_SIZE, 1);
	ck_assert(out.overflow);
	ck_assert_uint_eq(out.len, 8);
	ck_assert_uint_eq(small[8], 0xee);
	ck_assert_uint_eq(message_end(&out), 0);
}
END_TEST

/* A CDN with one more AVP, as raw octets; what the parser thinks of it. */
static void cdn_with(const uint8_t *octets, size_t len)
{
	begin(MESSAGE_CDN);
	avp_put_u16(&out, AVP_RESULT_CODE, 3);
	avp_put_u16(&out, AVP_ASSIGNED_SESSION_ID, 1);
	memcpy(buf + out.len, octets, len);
	out.len += len;
	ck_assert_int_eq(parse(""), 0);
}

START_TEST(bad_avps)
{
	static const struct {
		uint8_t octets[16];
		size_t len;
		uint16_t fault;
		uint32_t ignored;
		const char *what;
	} cases[] = {
		{ { 0x80, 6, 0, 0, 0, 200 }, 6, ERROR_UNKNOWN_AVP, 0, "unknown, M" },
		{ { 0x00, 6, 0, 0, 0, 200 }, 6, 0, 1, "unknown" },
		{ { 0x80, 6, 0, 9, 0, 1 }, 6, ERROR_UNKNOWN_AVP, 0, "foreign vendor, M" },
		{ { 0x00, 6, 0, 9, 0, 1 }, 6, 0, 1, "foreign vendor" },
		{ { 0x84, 8, 0, 0, 0, 10, 0, 4 }, 8, ERROR_UNKNOWN_AVP, 0, "reserved bit, M" },
		{ { 0x04, 8, 0, 0, 0, 10, 0, 4 }, 8, 0, 1, "reserved bit" },
		{ { 0x80, 9, 0, 0, 0, 10, 0, 4, 0 }, 9, ERROR_LENGTH, 0, "window of three octets, M" },
		{ { 0x00, 8, 0, 0, 0, 38, 0, 1 }, 8, 0, 1, "RFC 2661 7.1: Rx speed of two octets" },
		{ { 0x80, 8, 0, 0, 0, 10, 0, 0 }, 8, ERROR_RANGE, 0, "window 0" },
		{ { 0x80, 5, 0, 0, 0, 10 }, 6, ERROR_LENGTH, 0, "length below 6, M" },
		{ { 0x00, 5, 0, 0, 0, 10 }, 6, 0, 1, "length below 6" },
		{ { 0x80, 30, 0, 0, 0, 10 }, 6, ERROR_LENGTH, 0, "length beyond the message, M" },
		{ { 0x00, 30, 0, 0, 0, 10 }, 6, 0, 1, "length beyond the message" },
		{ { 0x00, 6, 0 }, 3, ERROR_LENGTH, 0, "cut header" },
		{ { 0xc0, 10, 0, 0, 0, 7, 0, 0, 0, 0 }, 10, ERROR_RANGE, 0, "hidden Host Name" },
		{ { 0xc0, 10, 0, 0, 0, 9, 0, 0, 0, 0 }, 10, ERROR_OTHER, 0, "hidden without a secret, M" },
		{ { 0x40, 10, 0, 0, 0, 8, 0, 0, 0, 0 }, 10, 0, 1, "hidden without a secret" },
		{ { 0x80, 8, 0, 0, 0, 14, 0, 2 }, 8, 0, 1, "twice: the first counts" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cdn_with(cases[i].octets, cases[i].len);
		ck_assert_msg(msg.fault == cases[i].fault && msg.ignored == cases[i].ignored, "%s: fault %u ignored %u",
			      cases[i].what, msg.fault, msg.ignored);
		ck_assert_msg(!msg.fault == !msg.fault_text[0], "%s: text", cases[i].what);
		ck_assert_uint_eq(message_u16(&msg, AVP_ASSIGNED_SESSION_ID), 1);
	}
}
END_TEST

START_TEST(hidden_needs_a_random_vector_before)
{
	static const uint8_t id[] = { 0, 9 };

	begin(MESSAGE_ICRP);
	avp_put_hidden(&out, AVP_ASSIGNED_SESSION_ID, id, 2, "secret", vector, 16, 3);
	avp_put(&out, AVP_RANDOM_VECTOR, vector, 16);
	ck_assert_int_eq(parse("secret"), 0);
	ck_assert_uint_eq(msg.fault, ERROR_OTHER);

	begin(MESSAGE_ICRP);
	avp_put(&out, AVP_RANDOM_VECTOR, vector, 16);
	avp_put_hidden(&out, AVP_ASSIGNED_SESSION_ID, id, 2, "secret", vector, 16, 3);
	ck_assert_int_eq(parse("secret"), 0);
	ck_assert_uint_eq(msg.fault, 0);
	ck_assert_uint_eq(message_u16(&msg, AVP_ASSIGNED_SESSION_ID), 9);
	/* not known yet: left closed, no judgement on what is missing */
	ck_assert_int_eq(parse(NULL), 0);
	ck_assert(msg.hidden_left);
	ck_assert_uint_eq(msg.fault, 0);
	/* wrong secret: refused by its inner length or its value, never accepted as 9 */
	ck_assert_int_eq(parse("wrong"), 0);
	ck_assert(msg.fault || message_u16(&msg, AVP_ASSIGNED_SESSION_ID) != 9);
}
END_TEST

START_TEST(closest_random_vector_counts)
{
	uint8_t other[16] = { 1 };
	static const uint8_t id[] = { 0, 9 };

	begin(MESSAGE_ICRQ);
	avp_put(&out, AVP_RANDOM_VECTOR, other, 16);
	avp_put_hidden(&out, AVP_CALLED_NUMBER, "123", 3, "secret", other, 16, 0);
	avp_put(&out, AVP_RANDOM_VECTOR, vector, 16);
	avp_put_hidden(&out, AVP_ASSIGNED_SESSION_ID, id, 2, "secret", vector, 16, 0);
	avp_put_u32(&out, AVP_CALL_SERIAL_NUMBER, 1);
	ck_assert_int_eq(parse("secret"), 0);
	ck_assert_uint_eq(msg.fault, 0);
	ck_assert_uint_eq(message_u16(&msg, AVP_ASSIGNED_SESSION_ID), 9);
	ck_assert_uint_eq(msg.avp[AVP_CALLED_NUMBER].len, 3);
	ck_assert_mem_eq(msg.avp[AVP_CALLED_NUMBER].data, "123", 3);
}
END_TEST

START_TEST(required_avps)
{
	uint16_t type, attr;
	const struct message_def *def;

	for (type = 0; type < MESSAGE_TYPES; type++) {
		def = message_def(type);
		if (!def)
			continue;
		begin((enum message_type)type);
		ck_assert_int_eq(parse(""), 0);
		ck_assert_msg(!msg.fault == !def->required, "%s", def->name);
		for (attr = 0; attr < 64; attr++)
			ck_assert_msg(!(def->required >> attr & 1) || avp_def(attr), "%s requires %u", def->name, attr);
	}
}
END_TEST

START_TEST(message_type_comes_first)
{
	static const uint8_t vendor[] = { 0x80, 8, 0, 9, 0, 0, 0, 6 }, hidden[] = { 0xc0, 8, 0, 0, 0, 0, 0, 6 },
			     longer[] = { 0x80, 9, 0, 0, 0, 0, 0, 6, 0 }, other[] = { 0x80, 8, 0, 0, 0, 9, 0, 6 },
			     unknown[] = { 0x00, 8, 0, 0, 0, 0, 0, 99 };

	ck_assert_int_eq(message_parse(vendor, 8, "", room, &msg), -EBADMSG);
	ck_assert_int_eq(message_parse(hidden, 8, "", room, &msg), -EBADMSG);
	ck_assert_int_eq(message_parse(longer, 9, "", room, &msg), -EBADMSG);
	ck_assert_int_eq(message_parse(other, 8, "", room, &msg), -EBADMSG);
	ck_assert_int_eq(message_parse(other, 3, "", room, &msg), -EBADMSG);
	ck_assert_int_eq(message_parse(unknown, 8, "", room, &msg), 0);
	ck_assert_ptr_null(msg.def);
	ck_assert(!msg.type_mandatory);
}
END_TEST

START_TEST(texts_are_printable_and_cut)
{
	char text[8];

	begin(MESSAGE_ICRQ);
	avp_put_u16(&out, AVP_ASSIGNED_SESSION_ID, 1);
	avp_put_u32(&out, AVP_CALL_SERIAL_NUMBER, 1);
	avp_put(&out, AVP_CALLING_NUMBER, "a\n\0b\x7f" "cdefgh", 11);
	ck_assert_int_eq(parse(""), 0);
	message_text(&msg, AVP_CALLING_NUMBER, text, sizeof(text));
	ck_assert_str_eq(text, "a??b?cd");
	message_text(&msg, AVP_SUB_ADDRESS, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("avp");
	TCase *tcase = tcase_create("avp");

	tcase_add_test(tcase, zlb_and_hello_octets);
	tcase_add_test(tcase, header_judgement);
	tcase_add_test(tcase, hiding_vectors);
	tcase_add_test(tcase, hiding_any_length);
	tcase_add_test(tcase, short_values_are_padded);
	tcase_add_test(tcase, authentication_vectors);
	tcase_add_test(tcase, result_octets);
	tcase_add_test(tcase, builder_does_not_overflow);
	tcase_add_test(tcase, bad_avps);
	tcase_add_test(tcase, hidden_needs_a_random_vector_before);
	tcase_add_test(tcase, closest_random_vector_counts);
	tcase_add_test(tcase, required_avps);
	tcase_add_test(tcase, message_type_comes_first);
	tcase_add_test(tcase, texts_are_printable_and_cut);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
