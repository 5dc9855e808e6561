// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec of the test LAC against byte vectors: what it writes, what it
 * refuses, what it takes but notes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lac/lac_wire.h"
#include "tests/unit/check_main.h"

static const uint8_t rv[16] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
				0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f };

static void has_bytes(const struct lacw_buf *b, size_t at, const char *hex)
{
	unsigned v;
	size_t i;

	ck_assert_uint_eq(b->len - at, strlen(hex) / 2);
	for (i = 0; i < strlen(hex) / 2; i++) {
		ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		ck_assert_msg(b->b[at + i] == v, "octet %zu is %02x, not %02x", i, b->b[at + i], v);
	}
}

START_TEST(codec_vectors)
{
	struct lacw_buf b;

	lacw_zlb(&b, 5, 2, 4);
	has_bytes(&b, 0, "c802000c0005000000020004");
	lacw_begin(&b, 5, 0, LACW_HELLO);
	ck_assert(lacw_end(&b));
	lacw_set_seq(b.b, 2, 4);
	has_bytes(&b, 0, "c802001400050000000200048008000000000006");
	lacw_begin(&b, 5, 0, LACW_STOPCCN);
	lacw_put_result(&b, 2, 7, NULL);
	has_bytes(&b, 20, "800a0000000100020007");
	lacw_begin(&b, 5, 0, LACW_STOPCCN);
	lacw_put_result(&b, 2, 9, "192.0.2.1, 192.0.2.2");
	has_bytes(&b, 20, "801e00000001000200093139322e302e322e312c203139322e302e322e32");
	lacw_begin(&b, 5, 0, LACW_CDN);
	lacw_put_result(&b, 3, 0, NULL);
	has_bytes(&b, 20, "8008000000010003");
}
END_TEST

START_TEST(codec_hiding)
{
	struct lacw_buf b;
	struct lacw_msg m;

	lacw_begin(&b, 5, 0, LACW_STOPCCN);
	lacw_hide(&b, "secret", rv);
	lacw_put_u16(&b, LACW_TUNNEL_ID, 0x1234);
	has_bytes(&b, 20, "801600000024101112131415161718191a1b1c1d1e1fc00a00000009bb5335ed");
	lacw_put_result(&b, 1, 0, NULL);
	ck_assert(lacw_end(&b));
	ck_assert_int_eq(lacw_decode(&m, b.b, b.len, "secret"), LACW_OK);
	ck_assert(!m.pedantic);
	ck_assert_uint_eq(lacw_u16(&m, LACW_TUNNEL_ID), 0x1234);
	ck_assert_int_eq(lacw_decode(&m, b.b, b.len, NULL), LACW_UNKNOWN_M_AVP);
	ck_assert_uint_eq(m.why_attr, LACW_TUNNEL_ID);

	lacw_begin(&b, 5, 1, LACW_ICCN);
	lacw_hide(&b, "secret", rv);
	lacw_put(&b, 30, "user@example.com", 16);
	has_bytes(&b, 42, "40180000001ef3b5489a2a02c623895586a17256e5d9a868");
	lacw_put_u32(&b, LACW_TX_SPEED, 64000);
	lacw_put_u32(&b, LACW_FRAMING_TYPE, 1);
	ck_assert(lacw_end(&b));
	ck_assert_int_eq(lacw_decode(&m, b.b, b.len, "secret"), LACW_OK);
	ck_assert_uint_eq(m.avp[30].len, 16);
	ck_assert_mem_eq(m.avp[30].p, "user@example.com", 16);
	ck_assert_uint_eq(lacw_u32(&m, LACW_TX_SPEED), 64000);
}
END_TEST

START_TEST(codec_authentication)
{
	static const uint8_t challenge[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const uint8_t sccrp[16] = { 0xdd, 0x41, 0x86, 0xe2, 0x19, 0x6f, 0x00, 0x12,
					   0x4a, 0x9d, 0x58, 0x8f, 0x02, 0x70, 0x12, 0x59 };
	static const uint8_t scccn[16] = { 0x8f, 0x3c, 0x2f, 0xa6, 0xfc, 0xfe, 0xa7, 0x22,
					   0x15, 0xae, 0x83, 0xea, 0x89, 0xec, 0x2b, 0x77 };
	uint8_t out[16];

	lacw_response(out, 2, "secret", challenge, sizeof(challenge));
	ck_assert_mem_eq(out, sccrp, 16);
	lacw_response(out, 3, "secret", challenge, sizeof(challenge));
	ck_assert_mem_eq(out, scccn, 16);
}
END_TEST

static const struct judged {
	const char *hex;
	enum lacw_verdict verdict;
	bool pedantic;
} judged[] = {
	{ "c802000c0005000000020004", LACW_OK, false },
	{ "c802000c00050000000200", LACW_BAD_HEADER, false },	     /* short */
	{ "c802000d0005000000020004", LACW_BAD_HEADER, false },	     /* length too long */
	{ "c802000b0005000000020004", LACW_BAD_HEADER, false },	     /* length too short */
	{ "c803000c0005000000020004", LACW_BAD_HEADER, false },	     /* version 3 */
	{ "8802000c0005000000020004", LACW_BAD_HEADER, false },	     /* no L */
	{ "c002000c0005000000020004", LACW_BAD_HEADER, false },	     /* no S */
	{ "ca02000c0005000000020004", LACW_BAD_HEADER, false },	     /* O */
	{ "c902000c0005000000020004", LACW_BAD_HEADER, false },	     /* P */
	{ "d802000c0005000000020004", LACW_OK, true },		     /* reserved bit */
	{ "c802001400050000000200048008000000000006", LACW_OK, false }, /* HELLO */
	{ "c802001400050001000200048008000000000006", LACW_BAD_BODY, false }, /* with session */
	{ "c802001400050000000200040008000000000006", LACW_OK, true },  /* M=0 */
	{ "c802001400050000000200048008000000000063", LACW_UNKNOWN_M_TYPE, false },
	{ "c802001400050000000200040008000000000063", LACW_OK, false },
	{ "c802001400050000000200048007000000000006", LACW_BAD_BODY, false }, /* AVP short */
	{ "c802001400050000000200048009000000000006", LACW_BAD_BODY, false }, /* AVP long */
	{ "c802001400050000000200048008000000010006", LACW_BAD_BODY, false }, /* no type */
	{ "c80200140005000000020004800800000000000e", LACW_BAD_BODY, false }, /* CDN, bare */
	/* HELLO with an AVP 76 of RFC 4951 that is too long, with an unknown one, M=0 and M=1, and with one of vendor 9 */
	{ "c80200220005000000020004800800000000000600"
	  "0e0000004c0000000000000000", LACW_OK, true },
	{ "c80200220005000000020004800800000000000600"
	  "0e0000004b0000000000000000", LACW_OK, false },
	{ "c80200220005000000020004800800000000000680"
	  "0e0000004b0000000000000000", LACW_UNKNOWN_M_AVP, false },
	{ "c80200220005000000020004800800000000000600"
	  "0e000900010000000000000000", LACW_OK, false },
	/* HELLO with a window: not of this message */
	{ "c802001c000500000002000480080000000000068008"
	  "0000000a0004", LACW_OK, true },
	/* HELLO with a window of 0 */
	{ "c802001c000500000002000480080000000000068008"
	  "0000000a0000", LACW_BAD_BODY, false },
};

START_TEST(codec_judgement)
{
	const struct judged *j = &judged[_i];
	struct lacw_msg m;
	uint8_t b[128];
	size_t i, len = strlen(j->hex) / 2;
	unsigned v;

	for (i = 0; i < len; i++) {
		ck_assert_int_eq(sscanf(j->hex + 2 * i, "%2x", &v), 1);
		b[i] = (uint8_t)v;
	}
	ck_assert_msg(lacw_decode(&m, b, len, NULL) == j->verdict, "%s", j->hex);
	ck_assert_msg(m.pedantic == j->pedantic, "%s", j->hex);
}
END_TEST

START_TEST(codec_never_reads_beyond)
{
	uint8_t *b;
	uint32_t x = 7;
	struct lacw_msg m;
	struct lacw_data d;
	int round;
	size_t i, len;

	for (round = 0; round < 20000; round++) {
		len = 12 + round % 60;
		b = malloc(len); /* exact, so that a sanitizer sees one octet more */
		ck_assert_ptr_nonnull(b);
		for (i = 0; i < len; i++) {
			x = x * 1664525 + 1013904223;
			b[i] = (uint8_t)(x >> 24);
		}
		lacw_data_decode(&d, b, len);
		if (d.payload)
			ck_assert(d.payload + d.len <= b + len);
		memcpy(b, "\xc8\x02\x00", 3);
		b[3] = (uint8_t)len;
		if (len >= 20 && round % 3)
			memcpy(b + 12, "\x80\x08\0\0\0\0\0", 7);
		if (len >= 28 && round % 2)
			memcpy(b + 20, "\xc0\x08\0\0\0\x09", 6);
		lacw_decode(&m, b, len, round & 4 ? "secret" : NULL);
		free(b);
	}
}
END_TEST

START_TEST(codec_data)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool good, seq;
		size_t payload;
	} v[] = {
		{ "\x00\x02\x00\x05\x00\x06" "abc", 9, true, false, 3 },
		{ "\x40\x02\x00\x0b\x00\x05\x00\x06" "abc", 11, true, false, 3 },
		{ "\x40\x02\x00\x0a\x00\x05\x00\x06" "abc", 11, true, false, 2 },
		{ "\x40\x02\x00\x0c\x00\x05\x00\x06" "abc", 11, false, false, 0 },
		{ "\x08\x02\x00\x05\x00\x06\x00\x07\x00\x00" "abc", 13, true, true, 3 },
		{ "\x02\x02\x00\x05\x00\x06\x00\x02" "xxabc", 13, true, false, 3 },
		{ "\x02\x02\x00\x05\x00\x06\x00\x09" "xxabc", 13, false, false, 0 },
		{ "\x00\x03\x00\x05\x00\x06" "abc", 9, false, false, 0 },
		{ "\x00\x02\x00\x05\x00", 5, false, false, 0 },
	};
	struct lacw_data d;
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(*v); i++) {
		ck_assert_msg(lacw_data_decode(&d, (const uint8_t *)v[i].bytes, v[i].len) == v[i].good,
			      "%zu", i);
		if (!v[i].good)
			continue;
		ck_assert_uint_eq(d.tid, 5);
		ck_assert_uint_eq(d.sid, 6);
		ck_assert_uint_eq(d.len, v[i].payload);
		ck_assert_int_eq(d.has_seq, v[i].seq);
		if (d.has_seq)
			ck_assert_uint_eq(d.ns, 7);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lac-wire");
	TCase *t = tcase_create("codec");

	tcase_add_test(t, codec_vectors);
	tcase_add_test(t, codec_hiding);
	tcase_add_test(t, codec_authentication);
	tcase_add_loop_test(t, codec_judgement, 0, sizeof(judged) / sizeof(*judged));
	tcase_add_test(t, codec_never_reads_beyond);
	tcase_add_test(t, codec_data);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(suite());
}
