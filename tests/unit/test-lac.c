// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test LAC against byte vectors and a scripted peer: its judgements are
 * what the simulator and the lab rely on, so every one of them is provoked
 * here. The PPP client has test-lac-ppp.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lac/lac.h"
#include "tests/lac/lac_wire.h"

/* ---- the scripted peer --------------------------------------------------- */

#define OUT 2048
#define PEER_TID 77

struct peer {
	struct lac *l;
	uint64_t now_ms;
	uint16_t ns, nr; /* the peer's next Ns, next expected Ns */
	struct {
		uint8_t b[1600];
		size_t len;
	} out[OUT];
	unsigned n_out, read;
	unsigned ups, downs, call_ups, call_downs, violations, n_data;
	struct lac_reason down, call_down;
	char violation[256];
	uint8_t data[64];
	size_t data_len;
	uint32_t rng;
};

static void on_send(void *ctx, const uint8_t *b, size_t len)
{
	struct peer *p = ctx;

	ck_assert_uint_lt(p->n_out, OUT);
	memcpy(p->out[p->n_out].b, b, len);
	p->out[p->n_out++].len = len;
}

static void on_up(void *ctx)
{
	((struct peer *)ctx)->ups++;
}

static void on_down(void *ctx, const struct lac_reason *why)
{
	struct peer *p = ctx;

	p->downs++;
	p->down = *why;
}

static void on_call_up(void *ctx, struct lac_call *call)
{
	(void)call;
	((struct peer *)ctx)->call_ups++;
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *why)
{
	struct peer *p = ctx;

	(void)call;
	p->call_downs++;
	p->call_down = *why;
}

static void on_data(void *ctx, struct lac_call *call, const uint8_t *frame, size_t len)
{
	struct peer *p = ctx;

	(void)call;
	p->n_data++;
	p->data_len = len;
	memcpy(p->data, frame, len < sizeof(p->data) ? len : sizeof(p->data));
}

static void on_violation(void *ctx, const char *text)
{
	struct peer *p = ctx;

	p->violations++;
	snprintf(p->violation, sizeof(p->violation), "%s", text);
}

static const struct lac_ops ops = {
	.send = on_send,
	.tunnel_up = on_up,
	.tunnel_down = on_down,
	.call_up = on_call_up,
	.call_down = on_call_down,
	.data = on_data,
	.violation = on_violation,
};

static uint32_t on_random(void *ctx)
{
	struct peer *p = ctx;

	p->rng = p->rng * 1664525 + 1013904223;
	return p->rng;
}

static struct peer *peer_new(struct lac_config *cfg)
{
	struct peer *p = calloc(1, sizeof(*p));

	ck_assert_ptr_nonnull(p);
	p->rng = 1;
	p->now_ms = 1000;
	cfg->ops = &ops;
	cfg->ctx = p;
	cfg->random = on_random;
	cfg->random_ctx = p;
	p->l = lac_new(cfg);
	ck_assert_ptr_nonnull(p->l);
	return p;
}

static void peer_free(struct peer *p)
{
	lac_free(p->l);
	free(p);
}

/* The next message the LAC has sent; fails if there is none. */
static void expect(struct peer *p, uint16_t type, struct lacw_msg *m)
{
	struct lacw_msg own;

	m = m ? m : &own;
	ck_assert_msg(p->read < p->n_out, "no %s came", lacw_type_name(type));
	ck_assert_int_eq(lacw_decode(m, p->out[p->read].b, p->out[p->read].len, NULL), LACW_OK);
	ck_assert_msg(!m->pedantic, "%s: %s (%u)", lacw_type_name(m->type), m->why, m->why_attr);
	ck_assert_str_eq(lacw_type_name(m->type), lacw_type_name(type));
	if (type != LACW_ZLB && m->ns == p->nr)
		p->nr++;
	p->read++;
}

static void expect_silence(const struct peer *p)
{
	ck_assert_uint_eq(p->read, p->n_out);
}

static void deliver(struct peer *p, const uint8_t *b, size_t len)
{
	lac_input(p->l, p->now_ms, b, len);
}

static void send_with(struct peer *p, struct lacw_buf *b, uint16_t ns, uint16_t nr)
{
	ck_assert(lacw_end(b));
	lacw_set_seq(b->b, ns, nr);
	deliver(p, b->b, b->len);
}

static void send_next(struct peer *p, struct lacw_buf *b)
{
	send_with(p, b, p->ns++, p->nr);
}

static void send_zlb(struct peer *p, uint16_t ns, uint16_t nr)
{
	struct lacw_buf b;

	lacw_zlb(&b, lac_tid(p->l), ns, nr);
	deliver(p, b.b, b.len);
}

static void send_ack(struct peer *p)
{
	send_zlb(p, p->ns, p->nr);
}

static void build_sccrp(struct peer *p, struct lacw_buf *b, uint16_t window)
{
	lacw_begin(b, lac_tid(p->l), 0, LACW_SCCRP);
	lacw_put(b, LACW_PROTOCOL_VERSION, "\x01\x00", 2);
	lacw_put_u32(b, LACW_FRAMING_CAP, 3);
	lacw_put_str(b, LACW_HOST_NAME, "lns");
	lacw_put_u16(b, LACW_TUNNEL_ID, PEER_TID);
	if (window)
		lacw_put_u16(b, LACW_WINDOW, window);
}

static void establish(struct peer *p, uint16_t window)
{
	struct lacw_buf b;

	ck_assert_int_eq(lac_open(p->l, p->now_ms), 0);
	expect(p, LACW_SCCRQ, NULL);
	build_sccrp(p, &b, window);
	send_next(p, &b);
	expect(p, LACW_SCCCN, NULL);
	send_ack(p);
	ck_assert(lac_is_up(p->l));
	ck_assert_uint_eq(p->ups, 1);
}

static void send_icrp(struct peer *p, uint16_t sid, uint16_t peer_sid)
{
	struct lacw_buf b;

	lacw_begin(&b, lac_tid(p->l), sid, LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, peer_sid);
	send_next(p, &b);
}

static struct lac_call *call_up(struct peer *p, uint16_t peer_sid)
{
	struct lac_call *c = lac_call(p->l, p->now_ms, NULL, NULL);
	struct lacw_msg m;

	ck_assert_ptr_nonnull(c);
	expect(p, LACW_ICRQ, &m);
	send_icrp(p, lacw_u16(&m, LACW_SESSION_ID), peer_sid);
	expect(p, LACW_ICCN, &m);
	ck_assert_uint_eq(m.sid, peer_sid);
	send_ack(p);
	ck_assert(lac_call_is_up(c));
	return c;
}

static void hello(struct peer *p, struct lacw_buf *b)
{
	lacw_begin(b, lac_tid(p->l), 0, LACW_HELLO);
}

static void run_to(struct peer *p, uint64_t ms)
{
	uint64_t at;

	while ((at = lac_deadline_ms(p->l)) <= ms) {
		p->now_ms = at > p->now_ms ? at : p->now_ms;
		lac_tick(p->l, p->now_ms);
	}
	p->now_ms = ms;
}

static const struct lac_counters *n(const struct peer *p)
{
	return lac_counters(p->l);
}

/* A peer and its LAC, tunnel up with a peer window of 16, no slow start. */
static struct peer *up_with(unsigned dev)
{
	struct lac_config cfg;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.dev = dev | LAC_DEV_NO_SLOW_START;
	cfg.window = 8;
	p = peer_new(&cfg);
	establish(p, 16);
	return p;
}

static void reach(struct peer *p)
{
	ck_assert_msg(!p->violations, "%s", p->violation);
}

/* ---- codec ------------------------------------------------------------------ */

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
	/* HELLO with an AVP 76 of RFC 4951, M=0 and M=1, and with one of vendor 9 */
	{ "c80200220005000000020004800800000000000600"
	  "0e0000004c0000000000000000", LACW_OK, false },
	{ "c80200220005000000020004800800000000000680"
	  "0e0000004c0000000000000000", LACW_UNKNOWN_M_AVP, false },
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

/* ---- tunnel ------------------------------------------------------------------ */

START_TEST(tunnel_opens)
{
	struct lac_config cfg;
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.hostname = "lac1";
	p = peer_new(&cfg);
	ck_assert_int_eq(lac_open(p->l, p->now_ms), 0);
	expect(p, LACW_SCCRQ, &m);
	ck_assert_uint_eq(m.tid, 0);
	ck_assert_uint_eq(m.ns, 0);
	ck_assert_uint_eq(lacw_u16(&m, LACW_TUNNEL_ID), lac_tid(p->l));
	ck_assert_uint_eq(lacw_u16(&m, LACW_WINDOW), 4);
	ck_assert_mem_eq(m.avp[LACW_HOST_NAME].p, "lac1", 4);
	ck_assert(!lacw_has(&m, LACW_CHALLENGE));
	build_sccrp(p, &b, 0);
	send_next(p, &b);
	expect(p, LACW_SCCCN, &m);
	ck_assert_uint_eq(m.tid, PEER_TID);
	ck_assert_uint_eq(m.ns, 1);
	ck_assert_uint_eq(m.nr, 1);
	expect_silence(p);
	ck_assert_uint_eq(p->ups, 1);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_gives_up_on_schedule)
{
	static const uint64_t at_ms[] = { 1000, 3000, 7000, 15000, 23000 };
	struct lac_config cfg;
	struct lacw_msg m;
	struct peer *p;
	size_t i;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	p->now_ms = 0;
	lac_open(p->l, 0);
	expect(p, LACW_SCCRQ, NULL);
	for (i = 0; i < 5; i++) {
		run_to(p, at_ms[i] - 1);
		expect_silence(p);
		run_to(p, at_ms[i]);
		expect(p, LACW_SCCRQ, &m);
		ck_assert_uint_eq(m.ns, 0);
	}
	run_to(p, 30999);
	ck_assert_uint_eq(p->downs, 0);
	run_to(p, 31000);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_TIMEOUT);
	ck_assert_uint_eq(n(p)->retransmissions, 5);
	ck_assert(lac_is_idle(p->l));
	ck_assert(lac_deadline_ms(p->l) == LAC_NEVER);
	expect_silence(p);
	peer_free(p);
}
END_TEST

static struct peer *challenged(struct lacw_msg *sccrq)
{
	struct lac_config cfg;
	struct peer *p;

	lac_config_init(&cfg);
	cfg.secret = "geheim";
	p = peer_new(&cfg);
	lac_open(p->l, p->now_ms);
	expect(p, LACW_SCCRQ, sccrq);
	ck_assert(lacw_has(sccrq, LACW_CHALLENGE));
	return p;
}

START_TEST(tunnel_authenticates)
{
	uint8_t answer[16];
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p = challenged(&m);

	build_sccrp(p, &b, 4);
	lacw_response(answer, 2, "geheim", m.avp[LACW_CHALLENGE].p, m.avp[LACW_CHALLENGE].len);
	lacw_put(&b, LACW_RESPONSE, answer, 16);
	lacw_put(&b, LACW_CHALLENGE, "abc", 3);
	send_next(p, &b);
	expect(p, LACW_SCCCN, &m);
	lacw_response(answer, 3, "geheim", (const uint8_t *)"abc", 3);
	ck_assert_mem_eq(m.avp[LACW_RESPONSE].p, answer, 16);
	ck_assert(lac_is_up(p->l));
	peer_free(p);
}
END_TEST

/* 0: wrong response, 1: none, 2: a challenge where the LAC has no secret */
START_TEST(tunnel_refuses_wrong_secret)
{
	struct lac_config cfg;
	uint8_t answer[16];
	struct lacw_msg m;
	struct lacw_buf b;
	struct peer *p;

	if (_i < 2) {
		p = challenged(&m);
	} else {
		lac_config_init(&cfg);
		p = peer_new(&cfg);
		lac_open(p->l, p->now_ms);
		expect(p, LACW_SCCRQ, &m);
	}
	build_sccrp(p, &b, 4);
	if (_i == 0) {
		lacw_response(answer, 2, "falsch", m.avp[LACW_CHALLENGE].p,
			      m.avp[LACW_CHALLENGE].len);
		lacw_put(&b, LACW_RESPONSE, answer, 16);
	}
	if (_i == 2)
		lacw_put(&b, LACW_CHALLENGE, "abc", 3);
	send_next(p, &b);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 4);
	ck_assert_uint_eq(p->ups, 0);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_AUTH);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_stopped_by_peer)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	struct lacw_buf b;

	call_up(p, 9);
	lacw_begin(&b, lac_tid(p->l), 0, LACW_STOPCCN);
	lacw_put_u16(&b, LACW_TUNNEL_ID, PEER_TID);
	lacw_put_result(&b, 2, 7, "192.0.2.9");
	send_next(p, &b);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, p->ns);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_TUNNEL);
	ck_assert_uint_eq(p->downs, 1);
	ck_assert_uint_eq(p->down.result, 2);
	ck_assert_uint_eq(p->down.error, 7);
	ck_assert_uint_eq(lac_n_calls(p->l), 0);
	/* our ack was lost: it is given again, for 31 s */
	run_to(p, p->now_ms + 30000);
	deliver(p, b.b, b.len);
	expect(p, LACW_ZLB, NULL);
	run_to(p, p->now_ms + 1001);
	ck_assert(lac_is_idle(p->l));
	deliver(p, b.b, b.len);
	expect_silence(p);
	ck_assert_uint_eq(n(p)->unknown_tunnel, 1);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(tunnel_reopens_while_the_old_one_lingers)
{
	struct peer *p = up_with(0);
	uint16_t old = lac_tid(p->l);
	struct lacw_msg m;
	struct lacw_buf b;

	lac_shutdown(p->l, p->now_ms, 6);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 6);
	ck_assert_int_eq(p->down.cause, LAC_CAUSE_LOCAL);
	p->nr = 0;
	lac_open(p->l, p->now_ms);
	expect(p, LACW_SCCRQ, &m);
	ck_assert_uint_ne(lac_tid(p->l), old);
	/* the old StopCCN is not acknowledged: it comes again under its own Ns */
	run_to(p, p->now_ms + 1000);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(m.tid, PEER_TID);
	ck_assert_uint_eq(m.ns, 2);
	expect(p, LACW_SCCRQ, &m);
	/* a message of the peer on the old tunnel is acknowledged there */
	lacw_begin(&b, old, 0, LACW_HELLO);
	send_with(p, &b, 1, 3);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, 2);
	expect_silence(p);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(hello_after_silence)
{
	struct peer *p = up_with(0);
	uint64_t t0 = p->now_ms;
	struct lacw_buf b;

	run_to(p, t0 + 59999);
	expect_silence(p);
	hello(p, &b); /* something heard: the clock starts anew */
	send_next(p, &b);
	expect(p, LACW_ZLB, NULL);
	run_to(p, t0 + 59999 + 59999);
	expect_silence(p);
	run_to(p, t0 + 59999 + 60000);
	expect(p, LACW_HELLO, NULL);
	send_ack(p);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	peer_free(p);
}
END_TEST

/* ---- channel ------------------------------------------------------------------- */

START_TEST(channel_slow_start)
{
	static const unsigned burst[] = { 1, 2, 4, 8, 8 };
	struct lac_config cfg;
	struct lacw_buf b;
	struct peer *p;
	unsigned i, round, before;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	lac_open(p->l, p->now_ms);
	for (i = 0; i < 40; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_SCCRQ, NULL);
	build_sccrp(p, &b, 8);
	send_next(p, &b);
	expect(p, LACW_SCCCN, NULL);
	/* SCCRP acknowledged SCCRQ: window is 2, one ICRQ goes with SCCCN */
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	for (round = 1; round < 5; round++) {
		before = p->n_out;
		/* one ack for each message, as the RFC counts */
		while (lac_una(p->l) != p->nr)
			send_zlb(p, p->ns, (uint16_t)(lac_una(p->l) + 1));
		while (p->read < p->n_out)
			expect(p, LACW_ICRQ, NULL);
		ck_assert_uint_le(p->n_out - before, 8);
		ck_assert_uint_ge(p->n_out - before, burst[round]);
	}
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_respects_window)
{
	struct peer *p;
	struct lac_config cfg;
	struct lacw_msg m;
	unsigned i;

	lac_config_init(&cfg);
	cfg.dev |= LAC_DEV_NO_SLOW_START;
	p = peer_new(&cfg);
	establish(p, 3);
	for (i = 0; i < 10; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	for (i = 0; i < 3; i++)
		expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	ck_assert_uint_eq(lac_backlog(p->l), 10);
	send_zlb(p, p->ns, (uint16_t)(p->nr + 1)); /* queued, but never sent */
	ck_assert_uint_eq(n(p)->nr_invalid, 1);
	ck_assert_uint_eq(lac_backlog(p->l), 10);
	send_zlb(p, p->ns, (uint16_t)(p->nr - 1)); /* two of three */
	expect(p, LACW_ICRQ, NULL);
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	/* what was never sent is forgotten, StopCCN follows what was */
	lac_shutdown(p->l, p->now_ms, 6);
	expect_silence(p);
	ck_assert_uint_eq(p->call_downs, 10);
	send_ack(p);
	expect(p, LACW_STOPCCN, &m);
	ck_assert_uint_eq(m.ns, 7);
	peer_free(p);
}
END_TEST

/* RFC 2661 appendix A after a loss: ssthresh is half, then one by one. */
START_TEST(channel_avoids_congestion)
{
	static const unsigned flight[] = { 2, 2, 3, 3, 3, 4 };
	struct lac_config cfg;
	struct peer *p;
	unsigned i;

	lac_config_init(&cfg);
	p = peer_new(&cfg);
	establish(p, 8); /* two acks: CWND 3 */
	for (i = 0; i < 30; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	for (i = 0; i < 3; i++)
		expect(p, LACW_ICRQ, NULL);
	send_zlb(p, p->ns, (uint16_t)(p->nr - 2)); /* CWND 4 */
	expect(p, LACW_ICRQ, NULL);
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	run_to(p, p->now_ms + 1000); /* CWND 1, SSTHRESH 2 */
	expect(p, LACW_ICRQ, NULL);
	expect_silence(p);
	send_ack(p); /* all four at once: CWND 2 */
	for (i = 0; i < 6; i++) {
		ck_assert_uint_eq((uint16_t)(lac_vs(p->l) - lac_una(p->l)), flight[i]);
		send_zlb(p, p->ns, (uint16_t)(lac_una(p->l) + 1));
	}
	peer_free(p);
}
END_TEST

START_TEST(channel_recovers_a_lost_burst)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	unsigned i;

	for (i = 0; i < 4; i++)
		lac_call(p->l, p->now_ms, NULL, NULL);
	p->read = p->n_out; /* all four lost */
	run_to(p, p->now_ms + 1000);
	for (i = 0; i < 4; i++) {
		expect(p, LACW_ICRQ, &m);
		ck_assert_uint_eq(m.ns, 2 + i);
		expect_silence(p);
		send_ack(p); /* the next one follows the ack at once */
	}
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	ck_assert_uint_eq(n(p)->retransmissions, 4);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_zlb_carries_next_ns)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;
	struct lacw_buf b;

	hello(p, &b);
	send_next(p, &b);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.ns, 2);
	ck_assert_uint_eq(m.nr, 2);
	/* also while a message is on its way: next to be sent, not oldest */
	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	hello(p, &b);
	send_with(p, &b, p->ns++, (uint16_t)(p->nr - 1));
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.ns, 3);
	/* a ZLB of the peer takes no place and wants no answer */
	send_zlb(p, p->ns, p->nr);
	expect_silence(p);
	ck_assert_uint_eq(lac_vr(p->l), 3);
	peer_free(p);
}
END_TEST

/* 0: RFC, 1: OpenL2TP */
START_TEST(channel_duplicates)
{
	struct peer *p = up_with(_i ? LAC_DEV_DUP_NR_NEXT : 0);
	struct lacw_msg m;
	struct lacw_buf b;
	unsigned i;

	for (i = 0; i < 3; i++) {
		hello(p, &b);
		send_next(p, &b);
		expect(p, LACW_ZLB, NULL);
	}
	hello(p, &b);
	send_with(p, &b, 1, p->nr);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, _i ? 2 : 4);
	expect_silence(p);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	ck_assert_uint_eq(n(p)->hello_received, 3);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(channel_old_is_32768_wide)
{
	struct peer *p = up_with(0);
	struct lacw_buf b;

	/* expected is 1: 32769 is the oldest of the old, 32768 the last future */
	hello(p, &b);
	send_with(p, &b, 32769, p->nr);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	expect(p, LACW_ZLB, NULL);
	hello(p, &b);
	send_with(p, &b, 32768, p->nr);
	ck_assert_uint_eq(n(p)->out_of_order, 1);
	ck_assert_uint_eq(n(p)->window_exceeded, 1);
	expect_silence(p);
	peer_free(p);
}
END_TEST

/* 0: discard, 1: hold, 2: discard and ack */
START_TEST(channel_out_of_order)
{
	static const unsigned dev[] = { 0, LAC_DEV_OOO_QUEUE, LAC_DEV_OOO_ACK };
	struct peer *p = up_with(dev[_i]);
	struct lacw_msg m;
	struct lacw_buf b;

	hello(p, &b);
	send_with(p, &b, 2, p->nr);
	hello(p, &b);
	send_with(p, &b, 3, p->nr);
	if (_i == 2) {
		expect(p, LACW_ZLB, &m);
		ck_assert_uint_eq(m.nr, 1);
		expect(p, LACW_ZLB, NULL);
	}
	expect_silence(p);
	ck_assert_uint_eq(n(p)->out_of_order, 2);
	hello(p, &b);
	send_with(p, &b, 1, p->nr);
	expect(p, LACW_ZLB, &m);
	ck_assert_uint_eq(m.nr, _i == 1 ? 4 : 2);
	ck_assert_uint_eq(n(p)->hello_received, _i == 1 ? 3 : 1);
	reach(p);
	peer_free(p);
}
END_TEST

/* Nr beyond what was sent: 0 RFC, 1 strict, 2 xl2tpd */
START_TEST(channel_nr_too_high)
{
	static const unsigned dev[] = { 0, LAC_DEV_NR_STRICT, LAC_DEV_NR_AS_IS };
	struct peer *p = up_with(dev[_i]);
	struct lacw_buf b;

	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	hello(p, &b);
	send_with(p, &b, 1, (uint16_t)(p->nr + 1));
	ck_assert_uint_eq(n(p)->nr_invalid, 1);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_uint_eq(n(p)->hello_received, _i == 1 ? 0 : 1);
	ck_assert_uint_eq(lac_backlog(p->l), _i == 2 ? 0 : 1);
	/* an old Nr is no fault */
	send_zlb(p, lac_vr(p->l), 0);
	ck_assert_uint_eq(n(p)->nr_backward, 1);
	ck_assert_uint_eq(p->violations, 1);
	peer_free(p);
}
END_TEST

START_TEST(channel_xl2tpd_wants_the_exact_ns)
{
	struct peer *p = up_with(LAC_DEV_NS_EXACT);

	lac_hello_now(p->l, p->now_ms);
	expect(p, LACW_HELLO, NULL);
	send_zlb(p, (uint16_t)(p->ns - 1), p->nr);
	send_zlb(p, (uint16_t)(p->ns + 1), p->nr);
	ck_assert_uint_eq(n(p)->zlb_ignored, 2);
	ck_assert_uint_eq(lac_backlog(p->l), 1);
	send_zlb(p, p->ns, p->nr);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	peer_free(p);
}
END_TEST

/* 0: as it is, 1: the peer may probe with a HELLO */
START_TEST(channel_reports_reuse_of_ns)
{
	struct lac_config cfg;
	struct lac_call *c;
	struct lacw_buf b;
	struct peer *p;
	uint16_t ns;

	lac_config_init(&cfg);
	cfg.allow_hello_probe = _i;
	p = peer_new(&cfg);
	establish(p, 4);
	ns = p->ns;
	c = call_up(p, 9); /* ICRP on Ns ns */
	/* the ICRP again, only Nr has moved: a retransmission */
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_with(p, &b, ns, p->nr);
	expect(p, LACW_ZLB, NULL);
	ck_assert_uint_eq(n(p)->duplicates, 1);
	reach(p);
	/* another session ID on that Ns: the LNS has forgotten what it said */
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, 10);
	send_with(p, &b, ns, p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, 1);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_ptr_nonnull(strstr(p->violation, "Ns 1 was ICRP"));
	/* a HELLO there */
	hello(p, &b);
	send_with(p, &b, ns, p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, _i ? 1 : 2);
	ck_assert_uint_eq(n(p)->hello_probes, _i);
	ck_assert_uint_eq(lac_call_peer_sid(c), 9);
	/* a future message that was thrown away counts as said */
	hello(p, &b);
	send_with(p, &b, (uint16_t)(ns + 2), p->nr);
	lacw_begin(&b, lac_tid(p->l), lac_call_sid(c), LACW_CDN);
	lacw_put_result(&b, 3, 0, NULL);
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_with(p, &b, (uint16_t)(ns + 2), p->nr);
	ck_assert_uint_eq(n(p)->ns_reused, _i ? 2 : 3);
	peer_free(p);
}
END_TEST

START_TEST(channel_survives_the_wrap)
{
	struct peer *p = up_with(0);
	struct lacw_buf b;
	unsigned i;

	for (i = 0; i < 70000; i++) {
		p->n_out = p->read = 0;
		ck_assert_int_eq(lac_hello_now(p->l, p->now_ms), 0);
		expect(p, LACW_HELLO, NULL);
		hello(p, &b);
		send_next(p, &b);
		expect(p, LACW_ZLB, NULL);
	}
	ck_assert_uint_eq(n(p)->hello_received, 70000);
	ck_assert_uint_eq(lac_vr(p->l), (uint16_t)70001);
	ck_assert_uint_eq(lac_backlog(p->l), 0);
	ck_assert_uint_eq(n(p)->retransmissions + n(p)->duplicates + n(p)->out_of_order, 0);
	reach(p);
	peer_free(p);
}
END_TEST

/* ---- calls --------------------------------------------------------------------- */

START_TEST(call_goes_up_and_is_hung_up)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint16_t sid = lac_call_sid(c);
	struct lacw_msg m;

	ck_assert_uint_eq(p->call_ups, 1);
	ck_assert_uint_eq(lac_call_peer_sid(c), 9);
	ck_assert_ptr_eq(lac_find_call(p->l, sid), c);
	lac_hangup(c, p->now_ms, 3);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(m.sid, 9);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 3);
	ck_assert_uint_eq(lacw_u16(&m, LACW_SESSION_ID), sid);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_LOCAL);
	ck_assert_ptr_null(lac_find_call(p->l, sid));
	ck_assert(lac_is_up(p->l));
	reach(p);
	peer_free(p);
}
END_TEST

/* 0: refused before ICRP, header session ID ours; 1: established;
 * 2: established, header session ID 0 */
START_TEST(call_ended_by_peer)
{
	struct peer *p = up_with(0);
	struct lac_call *c;
	struct lacw_msg m;
	struct lacw_buf b;

	if (_i == 0) {
		c = lac_call(p->l, p->now_ms, NULL, NULL);
		expect(p, LACW_ICRQ, &m);
	} else {
		c = call_up(p, 9);
	}
	lacw_begin(&b, lac_tid(p->l), _i == 2 ? 0 : lac_call_sid(c), LACW_CDN);
	lacw_put_result(&b, 2, 6, "Tunnel in HA resync");
	lacw_put_u16(&b, LACW_SESSION_ID, 9);
	send_next(p, &b);
	expect(p, LACW_ZLB, NULL);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_PEER);
	ck_assert_uint_eq(p->call_down.result, 2);
	ck_assert_uint_eq(p->call_down.error, 6);
	ck_assert_uint_eq(n(p)->cdn_received, 1);
	ck_assert_uint_eq(lac_n_calls(p->l), 0);
	reach(p);
	peer_free(p);
}
END_TEST

START_TEST(call_times_out)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;

	lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_ICRQ, NULL);
	send_ack(p);
	run_to(p, p->now_ms + 59999);
	ck_assert_uint_eq(p->call_downs, 0);
	run_to(p, p->now_ms + 1);
	while (p->n_out - p->read > 1) /* the HELLO of that moment */
		expect(p, LACW_HELLO, NULL);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 10);
	ck_assert_int_eq(p->call_down.cause, LAC_CAUSE_TIMEOUT);
	peer_free(p);
}
END_TEST

START_TEST(call_with_crossing_messages)
{
	struct peer *p = up_with(0);
	struct lac_call *c = lac_call(p->l, p->now_ms, NULL, NULL);
	struct lacw_msg m;
	uint16_t sid;

	expect(p, LACW_ICRQ, &m);
	sid = lacw_u16(&m, LACW_SESSION_ID);
	lac_hangup(c, p->now_ms, 1);
	expect(p, LACW_CDN, &m);
	ck_assert_uint_eq(m.sid, 0);
	send_icrp(p, sid, 9); /* crossed our CDN: no fault */
	reach(p);
	ck_assert_uint_eq(n(p)->unknown_session, 0);
	send_icrp(p, (uint16_t)(sid + 100), 10); /* never was: a fault */
	ck_assert_uint_eq(n(p)->unknown_session, 1);
	ck_assert_uint_eq(p->violations, 1);
	peer_free(p);
}
END_TEST

START_TEST(call_reports_a_session_id_given_twice)
{
	struct peer *p = up_with(0);
	struct lacw_msg m;

	call_up(p, 9);
	lac_call(p->l, p->now_ms, NULL, NULL);
	expect(p, LACW_ICRQ, &m);
	send_icrp(p, lacw_u16(&m, LACW_SESSION_ID), 9);
	ck_assert_uint_eq(p->violations, 1);
	expect(p, LACW_CDN, NULL);
	ck_assert_uint_eq(lac_n_calls(p->l), 1);
	peer_free(p);
}
END_TEST

/* 0: unknown AVP with M=1 ends the session, 1: in a tunnel message the tunnel,
 * 2: unknown message type with M=1 ends the tunnel, 3: ICRP in established */
START_TEST(faults_are_answered)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint8_t avp[] = { 0x80, 6, 0, 0, 0, 99 };
	struct lacw_msg m;
	struct lacw_buf b;

	lacw_begin(&b, lac_tid(p->l), _i == 0 || _i == 3 ? lac_call_sid(c) : 0,
		   _i == 0 || _i == 3 ? LACW_ICRP : LACW_HELLO);
	if (_i == 0 || _i == 3)
		lacw_put_u16(&b, LACW_SESSION_ID, 9);
	if (_i < 2)
		lacw_put_raw(&b, avp, sizeof(avp));
	if (_i == 2)
		b.b[LACW_HDR + 7] = 99;
	send_next(p, &b);
	expect(p, _i == 0 || _i == 3 ? LACW_CDN : LACW_STOPCCN, &m);
	ck_assert_uint_eq(lacw_u16(&m, LACW_RESULT_CODE), 2);
	ck_assert_uint_eq(m.avp[LACW_RESULT_CODE].p[3], _i == 3 ? 3 : 8);
	ck_assert_uint_eq(p->violations, 1);
	ck_assert_uint_eq(p->call_downs, 1);
	ck_assert_int_eq(lac_is_up(p->l), _i == 0 || _i == 3);
	peer_free(p);
}
END_TEST

START_TEST(data_goes_to_its_call)
{
	struct peer *p = up_with(0);
	struct lac_call *c = call_up(p, 9);
	uint16_t tid = lac_tid(p->l), sid = lac_call_sid(c);
	uint8_t d[] = { 0, 2, tid >> 8, (uint8_t)tid, sid >> 8, (uint8_t)sid, 0xff, 3, 0xc0, 0x21 };
	uint8_t s[] = { 8, 2, tid >> 8, (uint8_t)tid, sid >> 8, (uint8_t)sid, 0, 0, 0, 0, 0x21 };
	const uint8_t frame[] = { 0xff, 3, 0, 0x21 };

	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(p->n_data, 1);
	ck_assert_uint_eq(p->data_len, 4);
	ck_assert_mem_eq(p->data, "\xff\x03\xc0\x21", 4);
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_uint_eq(p->out[p->n_out - 1].len, 10);
	ck_assert_mem_eq(p->out[p->n_out - 1].b, "\x00\x02\x00\x4d\x00\x09\xff\x03\x00\x21", 10);
	/* the LNS turns sequencing on: the LAC has to follow */
	deliver(p, s, sizeof(s));
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_int_eq(lac_data_send(c, frame, sizeof(frame)), 0);
	ck_assert_mem_eq(p->out[p->n_out - 1].b, "\x08\x02\x00\x4d\x00\x09\x00\x01\x00\x00\xff", 11);
	d[4] ^= 1; /* never was */
	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(n(p)->data_unknown, 1);
	d[4] ^= 1;
	lac_hangup(c, p->now_ms, 3);
	deliver(p, d, sizeof(d));
	ck_assert_uint_eq(n(p)->data_closed, 1);
	ck_assert_uint_eq(p->n_data, 2);
	reach(p);
	peer_free(p);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lac");
	TCase *t = tcase_create("codec");

	tcase_add_test(t, codec_vectors);
	tcase_add_test(t, codec_hiding);
	tcase_add_test(t, codec_authentication);
	tcase_add_loop_test(t, codec_judgement, 0, sizeof(judged) / sizeof(*judged));
	tcase_add_test(t, codec_never_reads_beyond);
	tcase_add_test(t, codec_data);
	suite_add_tcase(s, t);
	t = tcase_create("tunnel");
	tcase_add_test(t, tunnel_opens);
	tcase_add_test(t, tunnel_gives_up_on_schedule);
	tcase_add_test(t, tunnel_authenticates);
	tcase_add_loop_test(t, tunnel_refuses_wrong_secret, 0, 3);
	tcase_add_test(t, tunnel_stopped_by_peer);
	tcase_add_test(t, tunnel_reopens_while_the_old_one_lingers);
	tcase_add_test(t, hello_after_silence);
	suite_add_tcase(s, t);
	t = tcase_create("channel");
	tcase_add_test(t, channel_slow_start);
	tcase_add_test(t, channel_respects_window);
	tcase_add_test(t, channel_avoids_congestion);
	tcase_add_test(t, channel_recovers_a_lost_burst);
	tcase_add_test(t, channel_zlb_carries_next_ns);
	tcase_add_loop_test(t, channel_duplicates, 0, 2);
	tcase_add_test(t, channel_old_is_32768_wide);
	tcase_add_loop_test(t, channel_out_of_order, 0, 3);
	tcase_add_loop_test(t, channel_nr_too_high, 0, 3);
	tcase_add_test(t, channel_xl2tpd_wants_the_exact_ns);
	tcase_add_loop_test(t, channel_reports_reuse_of_ns, 0, 2);
	tcase_add_test(t, channel_survives_the_wrap);
	suite_add_tcase(s, t);
	t = tcase_create("calls");
	tcase_add_test(t, call_goes_up_and_is_hung_up);
	tcase_add_loop_test(t, call_ended_by_peer, 0, 3);
	tcase_add_test(t, call_times_out);
	tcase_add_test(t, call_with_crossing_messages);
	tcase_add_test(t, call_reports_a_session_id_given_twice);
	tcase_add_loop_test(t, faults_are_answered, 0, 4);
	tcase_add_test(t, data_goes_to_its_call);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
