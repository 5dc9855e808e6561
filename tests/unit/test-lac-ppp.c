// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test PPP client against a scripted access server that answers as RFC
 * 1661, 1332, 1334 and 1994 say: it must come up, and must count everything a
 * subscriber would notice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/md5.h>

#include "tests/lac/ppp.h"
#include "tests/unit/check_main.h"

#define OUT 256
#define LCP 0xc021
#define PAP 0xc023
#define CHAP 0xc223
#define IPCP 0x8021

struct nas {
	struct pppc *c;
	uint64_t now_ms;
	struct {
		uint16_t proto;
		uint8_t b[1600];
		size_t len;
	} out[OUT];
	unsigned n_out, read;
	unsigned ups, downs, n_ip;
	uint32_t addr, peer_addr, rng;
	char reason[128];
	uint8_t id;
	uint32_t client_magic;
};

static void on_send(void *ctx, const uint8_t *f, size_t len)
{
	struct nas *s = ctx;

	ck_assert_uint_lt(s->n_out, OUT);
	ck_assert_uint_ge(len, 4);
	ck_assert_mem_eq(f, "\xff\x03", 2);
	s->out[s->n_out].proto = (uint16_t)(f[2] << 8 | f[3]);
	memcpy(s->out[s->n_out].b, f + 4, len - 4);
	s->out[s->n_out++].len = len - 4;
}

static void on_up(void *ctx, uint32_t addr, uint32_t peer_addr)
{
	struct nas *s = ctx;

	s->ups++;
	s->addr = addr;
	s->peer_addr = peer_addr;
}

static void on_down(void *ctx, const char *reason)
{
	struct nas *s = ctx;

	s->downs++;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static void on_ip(void *ctx, const uint8_t *p, size_t len)
{
	struct nas *s = ctx;

	(void)p;
	(void)len;
	s->n_ip++;
}

static const struct pppc_ops ops = { .send = on_send, .up = on_up, .down = on_down, .ip = on_ip };

static uint32_t on_random(void *ctx)
{
	struct nas *s = ctx;

	s->rng = s->rng * 1664525 + 1013904223;
	return s->rng;
}

static struct nas *nas_new(struct pppc_config *cfg)
{
	struct nas *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	s->rng = 5;
	s->now_ms = 1000;
	cfg->ops = &ops;
	cfg->ctx = s;
	cfg->random = on_random;
	cfg->random_ctx = s;
	cfg->user = "sub7";
	cfg->password = "pw7";
	s->c = pppc_new(cfg);
	ck_assert_ptr_nonnull(s->c);
	return s;
}

static void nas_free(struct nas *s)
{
	pppc_free(s->c);
	free(s);
}

static void send_frame(struct nas *s, uint16_t proto, uint8_t code, uint8_t id, const void *body,
		       size_t len)
{
	uint8_t f[1600] = { 0xff, 3, (uint8_t)(proto >> 8), (uint8_t)proto, code, id,
			    (uint8_t)((len + 4) >> 8), (uint8_t)(len + 4) };

	memcpy(f + 8, body, len);
	pppc_input(s->c, s->now_ms, f, len + 8);
}

/* The client's next packet, which must be this; returns its body. */
static const uint8_t *expect(struct nas *s, uint16_t proto, uint8_t code, size_t *len)
{
	const uint8_t *b;

	ck_assert_msg(s->read < s->n_out, "nothing came, %04x/%u expected", proto, code);
	ck_assert_uint_eq(s->out[s->read].proto, proto);
	b = s->out[s->read].b;
	ck_assert_uint_eq(b[0], code);
	ck_assert_uint_eq((size_t)(b[2] << 8 | b[3]), s->out[s->read].len);
	s->id = b[1];
	if (len)
		*len = s->out[s->read].len - 4;
	s->read++;
	return b + 4;
}

static void expect_silence(const struct nas *s)
{
	ck_assert_uint_eq(s->read, s->n_out);
}

static void run_to(struct nas *s, uint64_t ms)
{
	uint64_t at;

	while ((at = pppc_deadline_ms(s->c)) <= ms) {
		s->now_ms = at > s->now_ms ? at : s->now_ms;
		pppc_tick(s->c, s->now_ms);
	}
	s->now_ms = ms;
}

#define NAS_MAGIC "\x05\x06\x11\x22\x33\x44"
static const char lcp_pap[] = NAS_MAGIC "\x03\x04\xc0\x23";
static const char lcp_chap[] = NAS_MAGIC "\x03\x05\xc2\x23\x05";

/* LCP to Opened, with the NAS's options given. */
static void lcp(struct nas *s, const char *options, size_t len)
{
	const uint8_t *b;
	size_t n;

	b = expect(s, LCP, 1, &n);
	ck_assert_uint_eq(n, 6);
	ck_assert_mem_eq(b, "\x05\x06", 2);
	s->client_magic = (uint32_t)b[2] << 24 | (uint32_t)b[3] << 16 | (uint32_t)b[4] << 8 | b[5];
	send_frame(s, LCP, 2, s->id, b, n);
	send_frame(s, LCP, 1, 1, options, len);
	b = expect(s, LCP, 2, &n);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(b, options, len);
}

static void ipcp(struct nas *s, const char *give)
{
	const uint8_t *b;
	uint8_t id;
	size_t n;

	b = expect(s, IPCP, 1, &n);
	ck_assert_uint_eq(n, 6);
	ck_assert_mem_eq(b, "\x03\x06\0\0\0\0", 6);
	send_frame(s, IPCP, 3, s->id, give, 6);
	b = expect(s, IPCP, 1, &n);
	ck_assert_mem_eq(b, give, 6);
	id = s->id;
	send_frame(s, IPCP, 1, 1, "\x03\x06\x0a\x09\x00\x01", 6);
	expect(s, IPCP, 2, NULL);
	send_frame(s, IPCP, 2, id, give, 6);
}

static struct nas *pap_up(struct pppc_config *cfg)
{
	struct nas *s = nas_new(cfg);
	const uint8_t *b;
	size_t n;

	pppc_start(s->c, s->now_ms);
	lcp(s, lcp_pap, sizeof(lcp_pap) - 1);
	b = expect(s, PAP, 1, &n);
	ck_assert_uint_eq(n, 9);
	ck_assert_mem_eq(b, "\x04sub7\x03pw7", 9);
	ck_assert_uint_eq(s->ups, 0);
	send_frame(s, PAP, 2, s->id, "", 1);
	ipcp(s, "\x03\x06\x0a\x09\x00\x63");
	ck_assert(pppc_is_up(s->c));
	ck_assert_uint_eq(s->ups, 1);
	ck_assert_uint_eq(s->addr, 0x0a090063);
	ck_assert_uint_eq(s->peer_addr, 0x0a090001);
	expect_silence(s);
	return s;
}

static struct nas *up(void)
{
	struct pppc_config cfg;

	pppc_config_init(&cfg);
	return pap_up(&cfg);
}

START_TEST(pap_comes_up)
{
	struct nas *s = up();
	const uint8_t ip[] = { 0xff, 3, 0, 0x21, 0x45, 0, 0, 20 };

	pppc_input(s->c, s->now_ms, ip, sizeof(ip));
	pppc_input(s->c, s->now_ms, ip + 2, sizeof(ip) - 2); /* without address and control */
	pppc_input(s->c, s->now_ms, ip + 3, sizeof(ip) - 3); /* compressed protocol */
	ck_assert_uint_eq(s->n_ip, 3);
	ck_assert_int_eq(pppc_send_ip(s->c, ip + 4, 4), 0);
	ck_assert_uint_eq(s->out[s->n_out - 1].proto, 0x21);
	ck_assert_uint_eq(pppc_magic(s->c), s->client_magic);
	ck_assert_uint_eq(pppc_peer_magic(s->c), 0x11223344);
	ck_assert(pppc_deadline_ms(s->c) == PPPC_NEVER);
	nas_free(s);
}
END_TEST

/* 0: right, 1: refused */
START_TEST(chap)
{
	struct pppc_config cfg;
	struct nas *s;
	struct md5_ctx md5;
	uint8_t want[16];
	const uint8_t *b;
	size_t n;

	pppc_config_init(&cfg);
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	lcp(s, lcp_chap, sizeof(lcp_chap) - 1);
	expect_silence(s);
	send_frame(s, CHAP, 1, 42, "\x08" "abcdefgh" "lns", 12);
	b = expect(s, CHAP, 2, &n);
	ck_assert_uint_eq(s->id, 42);
	md5_init(&md5);
	md5_update(&md5, 1 + 3 + 8, (const uint8_t *)"\x2a" "pw7" "abcdefgh");
	md5_digest(&md5, 16, want);
	ck_assert_uint_eq(n, 21);
	ck_assert_uint_eq(b[0], 16);
	ck_assert_mem_eq(b + 1, want, 16);
	ck_assert_mem_eq(b + 17, "sub7", 4);
	if (_i) {
		send_frame(s, CHAP, 4, 42, "no", 2);
		expect(s, LCP, 5, NULL);
		send_frame(s, LCP, 6, s->id, "", 0);
		ck_assert_uint_eq(s->downs, 1);
		ck_assert_str_eq(s->reason, "authentication failed");
		ck_assert_str_eq(pppc_phase_name(s->c), "dead");
	} else {
		send_frame(s, CHAP, 3, 42, "hi", 2);
		ipcp(s, "\x03\x06\x0a\x09\x00\x07");
		ck_assert_uint_eq(s->addr, 0x0a090007);
		send_frame(s, CHAP, 1, 43, "\x04" "abcd" "lns", 8);
		expect(s, CHAP, 2, NULL);
		ck_assert_uint_eq(pppc_counters(s->c)->reauths, 1);
		ck_assert(pppc_is_up(s->c));
	}
	nas_free(s);
}
END_TEST

/* Asked for CHAP, a client that has PAP only asks for PAP. */
START_TEST(auth_is_negotiated)
{
	struct pppc_config cfg;
	struct nas *s;
	const uint8_t *b;
	size_t n;

	pppc_config_init(&cfg);
	cfg.auth = PPPC_AUTH_PAP;
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	b = expect(s, LCP, 1, &n);
	send_frame(s, LCP, 2, s->id, b, n);
	send_frame(s, LCP, 1, 1, lcp_chap, sizeof(lcp_chap) - 1);
	b = expect(s, LCP, 3, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_mem_eq(b, "\x03\x04\xc0\x23", 4);
	send_frame(s, LCP, 1, 2, lcp_pap, sizeof(lcp_pap) - 1);
	expect(s, LCP, 2, NULL);
	expect(s, PAP, 1, NULL);
	send_frame(s, PAP, 3, s->id, "", 1);
	expect(s, LCP, 5, NULL);
	nas_free(s);
}
END_TEST

START_TEST(options_are_judged)
{
	struct pppc_config cfg;
	struct nas *s;
	const uint8_t *b;
	size_t n;

	pppc_config_init(&cfg);
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	b = expect(s, LCP, 1, &n);
	/* our own magic number back at us: nak with another */
	send_frame(s, LCP, 1, 1, b, n);
	b = expect(s, LCP, 3, &n);
	ck_assert_uint_eq(n, 6);
	/* unknown options are rejected, and nothing else is said of the rest */
	send_frame(s, LCP, 1, 2, "\x01\x04\x05\xd4" "\x11\x04\x05\xd4" "\x03\x04\xc0\x99", 12);
	b = expect(s, LCP, 4, &n);
	ck_assert_uint_eq(n, 4);
	ck_assert_mem_eq(b, "\x11\x04\x05\xd4", 4);
	/* an option longer than the packet */
	send_frame(s, LCP, 1, 3, "\x05\x09\x01\x02", 4);
	expect(s, LCP, 4, NULL);
	ck_assert_uint_eq(pppc_counters(s->c)->malformed, 1);
	nas_free(s);
}
END_TEST

START_TEST(unanswered_lcp_is_given_up)
{
	struct pppc_config cfg;
	struct nas *s;
	uint8_t id;
	unsigned i;

	pppc_config_init(&cfg);
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	expect(s, LCP, 1, NULL);
	id = s->id;
	for (i = 1; i < 10; i++) {
		run_to(s, 1000 + i * 3000 - 1);
		expect_silence(s);
		run_to(s, 1000 + i * 3000);
		expect(s, LCP, 1, NULL);
		ck_assert_uint_eq(s->id, id); /* a late answer still counts */
	}
	run_to(s, 1000 + 29999);
	ck_assert_uint_eq(s->downs, 0);
	run_to(s, 1000 + 30000);
	ck_assert_uint_eq(s->downs, 1);
	expect_silence(s);
	/* and the object can be used again */
	pppc_start(s->c, s->now_ms);
	lcp(s, lcp_pap, sizeof(lcp_pap) - 1);
	expect(s, PAP, 1, NULL);
	nas_free(s);
}
END_TEST

START_TEST(pap_is_repeated)
{
	struct pppc_config cfg;
	struct nas *s;

	pppc_config_init(&cfg);
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	lcp(s, lcp_pap, sizeof(lcp_pap) - 1);
	expect(s, PAP, 1, NULL);
	run_to(s, s->now_ms + 3000);
	expect(s, PAP, 1, NULL);
	send_frame(s, PAP, 2, s->id, "", 1);
	expect(s, IPCP, 1, NULL);
	nas_free(s);
}
END_TEST

/* The new active starts LCP anew: the very thing that must not happen. */
START_TEST(lcp_renegotiation_is_counted)
{
	struct nas *s = up();

	send_frame(s, LCP, 1, 1, "\x05\x06\x55\x66\x77\x88\x03\x04\xc0\x23", 10);
	ck_assert_uint_eq(pppc_counters(s->c)->lcp_renegotiations, 1);
	ck_assert_uint_eq(s->downs, 1);
	ck_assert_str_eq(s->reason, "LCP renegotiated");
	expect(s, LCP, 1, NULL);
	ck_assert(!pppc_is_up(s->c));
	nas_free(s);
}
END_TEST

START_TEST(ipcp_renegotiation_is_counted)
{
	struct nas *s = up();
	uint8_t id;

	send_frame(s, IPCP, 1, 9, "\x03\x06\x0a\x09\x00\x01", 6);
	ck_assert_uint_eq(pppc_counters(s->c)->ipcp_renegotiations, 1);
	ck_assert_str_eq(s->reason, "IPCP renegotiated");
	expect(s, IPCP, 1, NULL);
	id = s->id;
	expect(s, IPCP, 2, NULL);
	/* another address this time */
	send_frame(s, IPCP, 3, id, "\x03\x06\x0a\x09\x00\x64", 6);
	expect(s, IPCP, 1, NULL);
	send_frame(s, IPCP, 2, s->id, "\x03\x06\x0a\x09\x00\x64", 6);
	ck_assert_uint_eq(s->ups, 2);
	ck_assert_uint_eq(pppc_counters(s->c)->address_changes, 1);
	nas_free(s);
}
END_TEST

/* Our Ack was lost, the same request comes again: no renegotiation, unless it
 * comes long after. */
START_TEST(repeated_request_is_no_renegotiation)
{
	struct nas *s = up();

	send_frame(s, LCP, 1, 1, lcp_pap, sizeof(lcp_pap) - 1);
	expect(s, LCP, 2, NULL);
	ck_assert_uint_eq(pppc_counters(s->c)->confreq_repeats, 1);
	ck_assert_uint_eq(pppc_counters(s->c)->lcp_renegotiations, 0);
	ck_assert_uint_eq(s->downs, 0);
	run_to(s, s->now_ms + 30001);
	send_frame(s, LCP, 1, 1, lcp_pap, sizeof(lcp_pap) - 1);
	ck_assert_uint_eq(pppc_counters(s->c)->lcp_renegotiations, 1);
	ck_assert_uint_eq(s->downs, 1);
	nas_free(s);
}
END_TEST

START_TEST(terminate_is_counted_and_told_once)
{
	struct nas *s = up();

	send_frame(s, LCP, 5, 7, "", 0);
	expect(s, LCP, 6, NULL);
	ck_assert_uint_eq(s->id, 7);
	ck_assert_uint_eq(pppc_counters(s->c)->terminates, 1);
	ck_assert_uint_eq(s->downs, 1);
	ck_assert_str_eq(s->reason, "LCP terminated by peer");
	run_to(s, s->now_ms + 10000);
	pppc_lower_down(s->c, "gone");
	ck_assert_uint_eq(s->downs, 1);
	expect_silence(s);
	nas_free(s);
}
END_TEST

START_TEST(echo_is_answered_and_its_magic_checked)
{
	struct nas *s = up();
	uint8_t m[4];
	const uint8_t *b;
	size_t n;

	send_frame(s, LCP, 9, 77, "\x11\x22\x33\x44" "xyz", 7);
	b = expect(s, LCP, 10, &n);
	ck_assert_uint_eq(s->id, 77);
	ck_assert_uint_eq(n, 7);
	m[0] = (uint8_t)(s->client_magic >> 24);
	m[1] = (uint8_t)(s->client_magic >> 16);
	m[2] = (uint8_t)(s->client_magic >> 8);
	m[3] = (uint8_t)s->client_magic;
	ck_assert_mem_eq(b, m, 4);
	ck_assert_mem_eq(b + 4, "xyz", 3);
	ck_assert_uint_eq(pppc_counters(s->c)->bad_magic, 0);
	send_frame(s, LCP, 9, 78, "\x11\x22\x33\x45", 4); /* a pppd that knows nothing of us */
	ck_assert_uint_eq(pppc_counters(s->c)->bad_magic, 1);
	nas_free(s);
}
END_TEST

START_TEST(own_echo_finds_a_dead_peer)
{
	struct pppc_config cfg;
	struct nas *s;
	unsigned i;

	pppc_config_init(&cfg);
	cfg.echo_ms = 10000;
	cfg.echo_fail = 3;
	s = pap_up(&cfg);
	run_to(s, s->now_ms + 10000);
	expect(s, LCP, 9, NULL);
	send_frame(s, LCP, 10, s->id, "\x11\x22\x33\x44", 4);
	ck_assert_uint_eq(pppc_counters(s->c)->echo_replies, 1);
	for (i = 0; i < 3; i++) {
		run_to(s, s->now_ms + 10000);
		expect(s, LCP, 9, NULL);
	}
	ck_assert_uint_eq(s->downs, 0);
	run_to(s, s->now_ms + 10000);
	expect(s, LCP, 5, NULL);
	ck_assert_uint_eq(s->downs, 1);
	ck_assert_str_eq(s->reason, "no answer to LCP echoes");
	nas_free(s);
}
END_TEST

START_TEST(other_protocols_are_rejected)
{
	struct nas *s = up();
	const uint8_t *b;
	size_t n;

	send_frame(s, 0x8057, 1, 1, "\x01\x0a\0\0\0\0\0\0\0\x01", 10); /* IPv6CP */
	b = expect(s, LCP, 8, &n);
	ck_assert_uint_eq(n, 2 + 4 + 10);
	ck_assert_mem_eq(b, "\x80\x57\x01\x01", 4);
	ck_assert(pppc_is_up(s->c));
	/* the peer will not have IPCP */
	send_frame(s, LCP, 8, 5, "\x80\x21\x01\x01\0\x04", 6);
	ck_assert_uint_eq(pppc_counters(s->c)->protocol_rejects_received, 1);
	ck_assert(!pppc_is_up(s->c));
	nas_free(s);
}
END_TEST

START_TEST(no_authentication_is_refused_if_so_wished)
{
	struct pppc_config cfg;
	struct nas *s;

	pppc_config_init(&cfg);
	cfg.auth = PPPC_AUTH_PAP | PPPC_AUTH_CHAP;
	s = nas_new(&cfg);
	pppc_start(s->c, s->now_ms);
	lcp(s, NAS_MAGIC, 6);
	expect(s, LCP, 5, NULL);
	send_frame(s, LCP, 6, s->id, "", 0);
	ck_assert_uint_eq(s->downs, 1);
	ck_assert_str_eq(s->reason, "peer asks for no authentication");
	nas_free(s);
}
END_TEST

START_TEST(close_terminates)
{
	struct nas *s = up();

	pppc_close(s->c, s->now_ms);
	expect(s, LCP, 5, NULL);
	ck_assert_uint_eq(s->downs, 1);
	run_to(s, s->now_ms + 3000);
	expect(s, LCP, 5, NULL); /* max_terminate 2 */
	run_to(s, s->now_ms + 3000);
	expect_silence(s);
	ck_assert_str_eq(pppc_phase_name(s->c), "dead");
	ck_assert_uint_eq(s->downs, 1);
	ck_assert_int_lt(pppc_send_ip(s->c, (const uint8_t *)"x", 1), 0);
	nas_free(s);
}
END_TEST

START_TEST(garbage_does_no_harm)
{
	struct nas *s = up();
	uint32_t x = 3;
	uint8_t *b;
	size_t len, i;
	int round;

	for (round = 0; round < 20000; round++) {
		len = (size_t)round % 40;
		b = malloc(len + 1); /* nearly exact: a sanitizer sees more */
		ck_assert_ptr_nonnull(b);
		for (i = 0; i < len; i++) {
			x = x * 1664525 + 1013904223;
			b[i] = (uint8_t)(x >> 24);
		}
		if (len > 2 && round % 4 == 0)
			memcpy(b, "\xc0\x21", 2);
		if (len > 2 && round % 4 == 1)
			memcpy(b, "\x80\x21", 2);
		if (len > 6 && round % 3) {
			b[2] %= 13;
			b[4] = 0;
			b[5] = (uint8_t)(len - 2);
		}
		pppc_input(s->c, s->now_ms, b, len);
		s->n_out = s->read = 0;
		free(b);
	}
	nas_free(s);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("lac-ppp");
	TCase *t = tcase_create("client");

	tcase_add_test(t, pap_comes_up);
	tcase_add_loop_test(t, chap, 0, 2);
	tcase_add_test(t, auth_is_negotiated);
	tcase_add_test(t, options_are_judged);
	tcase_add_test(t, unanswered_lcp_is_given_up);
	tcase_add_test(t, pap_is_repeated);
	tcase_add_test(t, lcp_renegotiation_is_counted);
	tcase_add_test(t, ipcp_renegotiation_is_counted);
	tcase_add_test(t, repeated_request_is_no_renegotiation);
	tcase_add_test(t, terminate_is_counted_and_told_once);
	tcase_add_test(t, echo_is_answered_and_its_magic_checked);
	tcase_add_test(t, own_echo_finds_a_dead_peer);
	tcase_add_test(t, other_protocols_are_rejected);
	tcase_add_test(t, no_authentication_is_refused_if_so_wished);
	tcase_add_test(t, close_terminates);
	tcase_add_test(t, garbage_does_no_harm);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(suite());
}
