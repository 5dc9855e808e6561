/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_LAC_PEER_H
#define TESTS_UNIT_LAC_PEER_H

/* A scripted peer for the tests of the test LAC: it says what the test says,
 * keeps all that the LAC sends, and fails the test if that is not what is
 * expected next. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lac/lac.h"
#include "tests/lac/lac_wire.h"

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

static inline void on_send(void *ctx, const uint8_t *b, size_t len)
{
	struct peer *p = ctx;

	ck_assert_uint_lt(p->n_out, OUT);
	memcpy(p->out[p->n_out].b, b, len);
	p->out[p->n_out++].len = len;
}

static inline void on_up(void *ctx)
{
	((struct peer *)ctx)->ups++;
}

static inline void on_down(void *ctx, const struct lac_reason *why)
{
	struct peer *p = ctx;

	p->downs++;
	p->down = *why;
}

static inline void on_call_up(void *ctx, struct lac_call *call)
{
	(void)call;
	((struct peer *)ctx)->call_ups++;
}

static inline void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *why)
{
	struct peer *p = ctx;

	(void)call;
	p->call_downs++;
	p->call_down = *why;
}

static inline void on_data(void *ctx, struct lac_call *call, const uint8_t *frame, size_t len)
{
	struct peer *p = ctx;

	(void)call;
	p->n_data++;
	p->data_len = len;
	memcpy(p->data, frame, len < sizeof(p->data) ? len : sizeof(p->data));
}

static inline void on_violation(void *ctx, const char *text)
{
	struct peer *p = ctx;

	p->violations++;
	snprintf(p->violation, sizeof(p->violation), "%s", text);
}

static const struct lac_ops peer_ops = {
	.send = on_send,
	.tunnel_up = on_up,
	.tunnel_down = on_down,
	.call_up = on_call_up,
	.call_down = on_call_down,
	.data = on_data,
	.violation = on_violation,
};

static inline uint32_t on_random(void *ctx)
{
	struct peer *p = ctx;

	p->rng = p->rng * 1664525 + 1013904223;
	return p->rng;
}

static inline struct peer *peer_new(struct lac_config *cfg)
{
	struct peer *p = calloc(1, sizeof(*p));

	ck_assert_ptr_nonnull(p);
	p->rng = 1;
	p->now_ms = 1000;
	cfg->ops = &peer_ops;
	cfg->ctx = p;
	cfg->random = on_random;
	cfg->random_ctx = p;
	p->l = lac_new(cfg);
	ck_assert_ptr_nonnull(p->l);
	return p;
}

static inline void peer_free(struct peer *p)
{
	lac_free(p->l);
	free(p);
}

/* The next message the LAC has sent; fails if there is none. */
static inline void expect(struct peer *p, uint16_t type, struct lacw_msg *m)
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

static inline void expect_silence(const struct peer *p)
{
	ck_assert_uint_eq(p->read, p->n_out);
}

static inline void deliver(struct peer *p, const uint8_t *b, size_t len)
{
	lac_input(p->l, p->now_ms, b, len);
}

static inline void send_with(struct peer *p, struct lacw_buf *b, uint16_t ns, uint16_t nr)
{
	ck_assert(lacw_end(b));
	lacw_set_seq(b->b, ns, nr);
	deliver(p, b->b, b->len);
}

static inline void send_next(struct peer *p, struct lacw_buf *b)
{
	send_with(p, b, p->ns++, p->nr);
}

static inline void send_zlb(struct peer *p, uint16_t ns, uint16_t nr)
{
	struct lacw_buf b;

	lacw_zlb(&b, lac_tid(p->l), ns, nr);
	deliver(p, b.b, b.len);
}

static inline void send_ack(struct peer *p)
{
	send_zlb(p, p->ns, p->nr);
}

static inline void build_sccrp(struct peer *p, struct lacw_buf *b, uint16_t window)
{
	lacw_begin(b, lac_tid(p->l), 0, LACW_SCCRP);
	lacw_put(b, LACW_PROTOCOL_VERSION, "\x01\x00", 2);
	lacw_put_u32(b, LACW_FRAMING_CAP, 3);
	lacw_put_str(b, LACW_HOST_NAME, "lns");
	lacw_put_u16(b, LACW_TUNNEL_ID, PEER_TID);
	if (window)
		lacw_put_u16(b, LACW_WINDOW, window);
}

static inline void establish(struct peer *p, uint16_t window)
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

static inline void send_icrp(struct peer *p, uint16_t sid, uint16_t peer_sid)
{
	struct lacw_buf b;

	lacw_begin(&b, lac_tid(p->l), sid, LACW_ICRP);
	lacw_put_u16(&b, LACW_SESSION_ID, peer_sid);
	send_next(p, &b);
}

static inline struct lac_call *call_up(struct peer *p, uint16_t peer_sid)
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

static inline void hello(struct peer *p, struct lacw_buf *b)
{
	lacw_begin(b, lac_tid(p->l), 0, LACW_HELLO);
}

static inline void run_to(struct peer *p, uint64_t ms)
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
static inline struct peer *up_with(unsigned dev)
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

static inline void reach(struct peer *p)
{
	ck_assert_msg(!p->violations, "%s", p->violation);
}

#endif
