// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test PPP client: LCP (RFC 1661), PAP (RFC 1334), CHAP with MD5
 * (RFC 1994), IPCP (RFC 1332). Owns the two automata of ppp_fsm.c and the
 * authentication between them. Used by the simulator and the load generator;
 * see ppp.h.
 *
 * It is made to notice what a subscriber must not: everything that renegotiates
 * or terminates a link that was up, another address than before, and an echo
 * that carries another magic number than the one negotiated.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/md5.h>

#include "ppp.h"
#include "ppp_fsm.h"

#define PROTO_IP 0x0021
#define PROTO_IPCP 0x8021
#define PROTO_LCP 0xc021
#define PROTO_PAP 0xc023
#define PROTO_CHAP 0xc223

#define MAX_PACKET 1996
#define CHAP_PATIENCE_MS 60000

enum lcp_code { LCP_PROTO_REJ = 8, LCP_ECHO_REQ = 9, LCP_ECHO_REP = 10, LCP_DISCARD = 11 };

enum phase { PHASE_DEAD, PHASE_ESTABLISH, PHASE_AUTH, PHASE_NETWORK, PHASE_UP, PHASE_TERMINATE };

struct pppc {
	struct pppc_config cfg;
	struct pppc_counters n;
	enum phase phase;
	struct fsm lcp, ipcp;
	uint64_t now_ms;
	const char *reason; /* why the link is going down */
	bool down_told;

	bool ask_mru, ask_magic;
	uint16_t mru, peer_mru;
	uint32_t magic, peer_magic;
	unsigned peer_auth; /* enum pppc_auth the peer wants */

	uint64_t auth_at, echo_at;
	unsigned auth_tries, echo_pending;
	uint8_t pap_id, echo_id, reject_id;

	uint32_t ask_addr, addr, peer_addr, addr_before;
};

static const char *const phase_names[] = { "dead", "establish", "authenticate", "network", "up",
					   "terminate" };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void send_frame(struct pppc *p, uint16_t proto, const uint8_t *head, size_t head_len,
		       const uint8_t *body, size_t len)
{
	uint8_t b[4 + 4 + MAX_PACKET] = { 0xff, 0x03, (uint8_t)(proto >> 8), (uint8_t)proto };

	if (head_len + len > sizeof(b) - 4)
		return;
	if (head_len)
		memcpy(b + 4, head, head_len);
	if (len)
		memcpy(b + 4 + head_len, body, len);
	p->n.frames_out++;
	p->cfg.ops->send(p->cfg.ctx, b, 4 + head_len + len);
}

static void send_packet(struct pppc *p, uint16_t proto, uint8_t code, uint8_t id,
			const uint8_t *body, size_t len)
{
	const uint8_t head[4] = { code, id, (uint8_t)((len + 4) >> 8), (uint8_t)(len + 4) };

	send_frame(p, proto, head, sizeof(head), body, len);
}

static void fsm_send(void *ctx, struct fsm *f, uint8_t code, uint8_t id, const uint8_t *body,
		     size_t len)
{
	struct pppc *p = ctx;

	send_packet(p, f == &p->lcp ? PROTO_LCP : PROTO_IPCP, code, id, body, len);
}

/* ---- phases ------------------------------------------------------------ */

/* The only place where the phase changes. */
static void set_phase(struct pppc *p, enum phase phase)
{
	enum phase before = p->phase;

	if (phase == before)
		return;
	p->phase = phase;
	p->auth_at = PPPC_NEVER;
	if (phase == PHASE_DEAD || phase == PHASE_TERMINATE || phase == PHASE_ESTABLISH)
		p->echo_at = PPPC_NEVER;
	if (phase == PHASE_UP) {
		p->n.ups++;
		p->down_told = false;
		if (p->addr_before && p->addr_before != p->addr)
			p->n.address_changes++;
		p->addr_before = p->addr;
		if (p->cfg.ops->up)
			p->cfg.ops->up(p->cfg.ctx, p->addr, p->peer_addr);
		return;
	}
	/* down is told once: when a link that was up is not any more, or when
	 * one that never came up is given up */
	if (before == PHASE_UP || (phase == PHASE_DEAD && !p->down_told)) {
		p->n.downs++;
		p->down_told = true;
		if (p->cfg.ops->down)
			p->cfg.ops->down(p->cfg.ctx, p->reason);
	}
}

static void give_up(struct pppc *p, const char *reason)
{
	p->reason = reason;
	if (p->phase == PHASE_UP)
		set_phase(p, PHASE_TERMINATE);
	fsm_event(&p->lcp, p->now_ms, FSM_CLOSE);
}

static void start_network(struct pppc *p)
{
	set_phase(p, PHASE_NETWORK);
	fsm_event(&p->ipcp, p->now_ms, FSM_OPEN);
	fsm_event(&p->ipcp, p->now_ms, FSM_UP);
}

/* ---- LCP ---------------------------------------------------------------- */

static size_t lcp_request(void *ctx, uint8_t *b)
{
	struct pppc *p = ctx;
	size_t n = 0;

	if (p->ask_mru) {
		b[n] = 1;
		b[n + 1] = 4;
		b[n + 2] = (uint8_t)(p->mru >> 8);
		b[n + 3] = (uint8_t)p->mru;
		n += 4;
	}
	if (p->ask_magic) {
		b[n] = 5;
		b[n + 1] = 6;
		set32(b + n + 2, p->magic);
		n += 6;
	}
	return n;
}

/* Steps through options; false at the end. *bad: a length is wrong. */
static bool next_option(const uint8_t **o, const uint8_t *end, const uint8_t **next, bool *bad)
{
	*o = *next;
	if (*o >= end)
		return false;
	if (end - *o < 2 || (*o)[1] < 2 || (*o)[1] > end - *o) {
		*bad = true;
		return false;
	}
	*next = *o + (*o)[1];
	return true;
}

/* The authentication option as the client would have it, 0 octets: none. */
static size_t auth_wanted(const struct pppc *p, uint8_t *out)
{
	if (p->cfg.auth & PPPC_AUTH_CHAP) {
		memcpy(out, "\x03\x05\xc2\x23\x05", 5);
		return 5;
	}
	if (p->cfg.auth & PPPC_AUTH_PAP) {
		memcpy(out, "\x03\x04\xc0\x23", 4);
		return 4;
	}
	return 0;
}

static unsigned auth_of(const uint8_t *o)
{
	if (o[1] == 4 && o[2] == 0xc0 && o[3] == 0x23)
		return PPPC_AUTH_PAP;
	if (o[1] == 5 && o[2] == 0xc2 && o[3] == 0x23 && o[4] == 5)
		return PPPC_AUTH_CHAP;
	return 0;
}

enum taste { TASTE_ACK, TASTE_NAK, TASTE_REJ };

static enum taste lcp_taste(struct pppc *p, const uint8_t *o, uint8_t *nak, size_t *nak_len)
{
	unsigned auth;

	*nak_len = 0;
	switch (o[0]) {
	case 1: /* MRU */
		if (o[1] != 4)
			return TASTE_REJ;
		p->peer_mru = (uint16_t)(o[2] << 8 | o[3]);
		return TASTE_ACK;
	case 2: /* ACCM: of no meaning here */
		return o[1] == 6 ? TASTE_ACK : TASTE_REJ;
	case 3:
		auth = auth_of(o);
		if (auth & p->cfg.auth) {
			p->peer_auth = auth;
			return TASTE_ACK;
		}
		*nak_len = auth_wanted(p, nak);
		return *nak_len ? TASTE_NAK : TASTE_REJ;
	case 5:
		if (o[1] != 6)
			return TASTE_REJ;
		p->peer_magic = get32(o + 2);
		if (p->peer_magic && p->peer_magic != p->magic)
			return TASTE_ACK;
		memcpy(nak, o, 2);
		set32(nak + 2, p->cfg.random(p->cfg.random_ctx) | 1);
		*nak_len = 6;
		return TASTE_NAK;
	case 7: /* PFC, ACFC: allows us to compress, we do not */
	case 8:
		return o[1] == 2 ? TASTE_ACK : TASTE_REJ;
	default: /* numbers from the wire */
		return TASTE_REJ;
	}
}

static enum taste ipcp_taste(struct pppc *p, const uint8_t *o, uint8_t *nak, size_t *nak_len)
{
	(void)nak;
	*nak_len = 0;
	if (o[0] != 3 || o[1] != 6)
		return TASTE_REJ;
	p->peer_addr = get32(o + 2);
	return p->peer_addr ? TASTE_ACK : TASTE_REJ;
}

/* Rejects go first: while there is one, naks and acks are held back. */
static enum fsm_code judge(struct pppc *p, const uint8_t *in, size_t len, uint8_t *out,
			   size_t *out_len,
			   enum taste (*taste)(struct pppc *, const uint8_t *, uint8_t *, size_t *))
{
	const uint8_t *o, *next = in;
	enum fsm_code code = FSM_CONF_ACK;
	uint8_t nak[FSM_MAX];
	bool bad = false;
	size_t n;

	*out_len = 0;
	while (next_option(&o, in + len, &next, &bad)) {
		switch (taste(p, o, nak, &n)) {
		case TASTE_ACK:
			break;
		case TASTE_NAK:
			if (code == FSM_CONF_REJ || *out_len + n > FSM_MAX)
				break;
			code = FSM_CONF_NAK;
			memcpy(out + *out_len, nak, n);
			*out_len += n;
			break;
		case TASTE_REJ:
			if (code == FSM_CONF_NAK)
				*out_len = 0;
			code = FSM_CONF_REJ;
			memcpy(out + *out_len, o, o[1]);
			*out_len += o[1];
			break;
		}
	}
	if (bad) { /* refuse what cannot be read */
		p->n.malformed++;
		memcpy(out, in, len);
		*out_len = len;
		return FSM_CONF_REJ;
	}
	return code;
}

static enum fsm_code lcp_judge(void *ctx, const uint8_t *in, size_t len, uint8_t *out,
			       size_t *out_len)
{
	struct pppc *p = ctx;

	p->peer_auth = PPPC_AUTH_NONE;
	p->peer_mru = 1500;
	p->peer_magic = 0;
	return judge(p, in, len, out, out_len, lcp_taste);
}

static void lcp_refused(void *ctx, enum fsm_code code, const uint8_t *in, size_t len)
{
	struct pppc *p = ctx;
	const uint8_t *o, *next = in;
	bool bad = false;

	while (next_option(&o, in + len, &next, &bad)) {
		if (o[0] == 1 && (code == FSM_CONF_REJ || o[1] != 4))
			p->ask_mru = false;
		else if (o[0] == 1)
			p->mru = (uint16_t)(o[2] << 8 | o[3]);
		else if (o[0] == 5 && code == FSM_CONF_REJ)
			p->ask_magic = false;
		else if (o[0] == 5)
			p->magic = p->cfg.random(p->cfg.random_ctx) | 1;
	}
	if (!p->ask_magic)
		p->magic = 0;
}

static void pap_send(struct pppc *p)
{
	uint8_t b[2 + 255 + 255];
	size_t u = strnlen(p->cfg.user, 255), w = strnlen(p->cfg.password, 255);

	b[0] = (uint8_t)u;
	memcpy(b + 1, p->cfg.user, u);
	b[1 + u] = (uint8_t)w;
	memcpy(b + 2 + u, p->cfg.password, w);
	p->auth_tries++;
	p->auth_at = p->now_ms + p->cfg.restart_ms;
	send_packet(p, PROTO_PAP, 1, ++p->pap_id, b, 2 + u + w);
}

static void lcp_opened(void *ctx)
{
	struct pppc *p = ctx;

	p->echo_pending = 0;
	if (p->cfg.echo_ms)
		p->echo_at = p->now_ms + p->cfg.echo_ms;
	if (!(p->peer_auth & p->cfg.auth)) {
		give_up(p, "peer asks for no authentication");
		return;
	}
	if (p->peer_auth == PPPC_AUTH_NONE) {
		start_network(p);
		return;
	}
	set_phase(p, PHASE_AUTH);
	p->auth_tries = 0;
	if (p->peer_auth == PPPC_AUTH_PAP)
		pap_send(p);
	else
		p->auth_at = p->now_ms + CHAP_PATIENCE_MS;
}

static void lcp_closed(void *ctx)
{
	struct pppc *p = ctx;

	if (p->phase == PHASE_UP)
		p->reason = p->lcp.state == FSM_STOPPING ? "LCP terminated by peer" :
			    p->lcp.state == FSM_CLOSING	 ? p->reason :
			    p->lcp.state == FSM_STARTING ? p->reason :
							   "LCP renegotiated";
	set_phase(p, p->lcp.state >= FSM_REQ_SENT ? PHASE_ESTABLISH : PHASE_TERMINATE);
	/* Down, then Close: IPCP ends in Initial without a packet */
	fsm_event(&p->ipcp, p->now_ms, FSM_DOWN);
	fsm_event(&p->ipcp, p->now_ms, FSM_CLOSE);
}

static void lcp_finished(void *ctx)
{
	struct pppc *p = ctx;

	if (p->phase == PHASE_ESTABLISH)
		p->reason = "LCP was not answered or not agreed on";
	set_phase(p, PHASE_DEAD);
}

static const struct fsm_ops lcp_ops = {
	.send = fsm_send,
	.request = lcp_request,
	.judge = lcp_judge,
	.refused = lcp_refused,
	.opened = lcp_opened,
	.closed = lcp_closed,
	.finished = lcp_finished,
};

/* ---- IPCP --------------------------------------------------------------- */

static size_t ipcp_request(void *ctx, uint8_t *b)
{
	struct pppc *p = ctx;

	b[0] = 3;
	b[1] = 6;
	set32(b + 2, p->ask_addr);
	return 6;
}

static enum fsm_code ipcp_judge(void *ctx, const uint8_t *in, size_t len, uint8_t *out,
				size_t *out_len)
{
	struct pppc *p = ctx;

	p->peer_addr = 0;
	return judge(p, in, len, out, out_len, ipcp_taste);
}

static void ipcp_refused(void *ctx, enum fsm_code code, const uint8_t *in, size_t len)
{
	struct pppc *p = ctx;
	const uint8_t *o, *next = in;
	bool bad = false;

	while (next_option(&o, in + len, &next, &bad))
		if (o[0] == 3 && o[1] == 6 && code == FSM_CONF_NAK)
			p->ask_addr = get32(o + 2);
}

static void ipcp_opened(void *ctx)
{
	struct pppc *p = ctx;

	p->addr = p->ask_addr;
	if (!p->addr) {
		give_up(p, "peer gave no address");
		return;
	}
	set_phase(p, PHASE_UP);
}

static void ipcp_closed(void *ctx)
{
	struct pppc *p = ctx;

	if (p->phase != PHASE_UP)
		return;
	p->reason = p->ipcp.state == FSM_STOPPING ? "IPCP terminated by peer" : "IPCP renegotiated";
	set_phase(p, PHASE_NETWORK);
}

static void ipcp_finished(void *ctx)
{
	struct pppc *p = ctx;

	if (p->phase == PHASE_NETWORK)
		give_up(p, "IPCP was not answered or not agreed on");
}

static const struct fsm_ops ipcp_ops = {
	.send = fsm_send,
	.request = ipcp_request,
	.judge = ipcp_judge,
	.refused = ipcp_refused,
	.opened = ipcp_opened,
	.closed = ipcp_closed,
	.finished = ipcp_finished,
};

/* ---- authentication ------------------------------------------------------ */

static void auth_result(struct pppc *p, bool good)
{
	if (p->phase != PHASE_AUTH)
		return;
	if (good)
		start_network(p);
	else
		give_up(p, "authentication failed");
}

static void on_pap(struct pppc *p, const uint8_t *b, size_t len)
{
	if (len < 4 || p->peer_auth != PPPC_AUTH_PAP || b[1] != p->pap_id)
		return;
	if (b[0] == 2 || b[0] == 3)
		auth_result(p, b[0] == 2);
}

static void on_challenge(struct pppc *p, const uint8_t *b, size_t len)
{
	uint8_t out[1 + 16 + 255] = { 16 };
	size_t u = strnlen(p->cfg.user, 255);
	struct md5_ctx md5;

	if (len < 5 || b[4] > len - 5) {
		p->n.malformed++;
		return;
	}
	if (p->phase >= PHASE_NETWORK)
		p->n.reauths++;
	md5_init(&md5);
	md5_update(&md5, 1, b + 1);
	md5_update(&md5, strlen(p->cfg.password), (const uint8_t *)p->cfg.password);
	md5_update(&md5, b[4], b + 5);
	md5_digest(&md5, 16, out + 1);
	memcpy(out + 17, p->cfg.user, u);
	send_packet(p, PROTO_CHAP, 2, b[1], out, 17 + u);
}

static void on_chap(struct pppc *p, const uint8_t *b, size_t len)
{
	if (len < 4 || p->peer_auth != PPPC_AUTH_CHAP)
		return;
	if (b[0] == 1)
		on_challenge(p, b, len);
	else if (b[0] == 3)
		auth_result(p, true);
	else if (b[0] == 4 && p->phase == PHASE_AUTH)
		auth_result(p, false);
	else if (b[0] == 4)
		give_up(p, "authentication failed");
}

/* ---- input --------------------------------------------------------------- */

static void protocol_reject(struct pppc *p, const uint8_t *b, size_t len)
{
	if (len > 1400)
		len = 1400;
	p->n.protocol_rejects_sent++;
	send_packet(p, PROTO_LCP, LCP_PROTO_REJ, ++p->reject_id, b, len);
}

static void on_lcp(struct pppc *p, const uint8_t *b, size_t len)
{
	uint8_t echo[1500];
	size_t n;

	if (len < 4 || b[0] < LCP_PROTO_REJ || b[0] > LCP_DISCARD) {
		fsm_input(&p->lcp, p->now_ms, b, len);
		return;
	}
	n = (size_t)(b[2] << 8 | b[3]);
	if (n > len || n > sizeof(echo) || n < (b[0] == LCP_PROTO_REJ ? 6 : 8)) {
		p->n.malformed++;
		return;
	}
	if (p->lcp.state != FSM_OPENED)
		return;
	if (b[0] == LCP_PROTO_REJ) {
		p->n.protocol_rejects_received++;
		if (b[4] == (PROTO_IPCP >> 8) && b[5] == (PROTO_IPCP & 0xff))
			fsm_event(&p->ipcp, p->now_ms, FSM_RXJ_MINUS);
		return;
	}
	if (b[0] != LCP_DISCARD && get32(b + 4) != p->peer_magic)
		p->n.bad_magic++;
	if (b[0] == LCP_ECHO_REP) {
		p->n.echo_replies++;
		p->echo_pending = 0;
	}
	if (b[0] != LCP_ECHO_REQ)
		return;
	p->n.echo_requests++;
	memcpy(echo, b + 4, n - 4);
	set32(echo, p->magic);
	send_packet(p, PROTO_LCP, LCP_ECHO_REP, b[1], echo, n - 4);
}

static void on_ipcp(struct pppc *p, const uint8_t *b, size_t len)
{
	/* a peer that negotiates IPCP has accepted us, its Success got lost */
	if (p->phase == PHASE_AUTH && p->peer_auth == PPPC_AUTH_CHAP && len && b[0] == FSM_CONF_REQ)
		auth_result(p, true);
	if (p->phase >= PHASE_NETWORK)
		fsm_input(&p->ipcp, p->now_ms, b, len);
}

void pppc_input(struct pppc *p, uint64_t now_ms, const uint8_t *frame, size_t len)
{
	uint16_t proto;
	size_t off = 0;

	p->now_ms = now_ms;
	p->n.frames_in++;
	if (len >= 2 && frame[0] == 0xff && frame[1] == 0x03)
		off = 2;
	if (len < off + 1 || (!(frame[off] & 1) && len < off + 2)) {
		p->n.malformed++;
		return;
	}
	/* a compressed protocol field is taken though never agreed on */
	if (frame[off] & 1) {
		proto = frame[off];
		off++;
	} else {
		proto = (uint16_t)(frame[off] << 8 | frame[off + 1]);
		off += 2;
	}
	switch (proto) {
	case PROTO_IP:
		if (p->phase != PHASE_UP)
			return;
		p->n.ip_in++;
		if (p->cfg.ops->ip)
			p->cfg.ops->ip(p->cfg.ctx, frame + off, len - off);
		break;
	case PROTO_LCP:
		on_lcp(p, frame + off, len - off);
		break;
	case PROTO_PAP:
		on_pap(p, frame + off, len - off);
		break;
	case PROTO_CHAP:
		on_chap(p, frame + off, len - off);
		break;
	case PROTO_IPCP:
		on_ipcp(p, frame + off, len - off);
		break;
	default: /* numbers from the wire */
		if (p->lcp.state == FSM_OPENED && off >= 2)
			protocol_reject(p, frame + off - 2, len - off + 2);
		break;
	}
}

/* ---- what the user does -------------------------------------------------- */

void pppc_config_init(struct pppc_config *config)
{
	*config = (struct pppc_config){
		.user = "user",
		.password = "password",
		.auth = PPPC_AUTH_ANY,
		.restart_ms = 3000,
		.max_configure = 10,
		.max_terminate = 2,
		.echo_fail = 4,
	};
}

struct pppc *pppc_new(const struct pppc_config *config)
{
	struct pppc *p = calloc(1, sizeof(*p));
	struct fsm_limits limits;

	if (!p)
		return NULL;
	p->cfg = *config;
	p->auth_at = p->echo_at = PPPC_NEVER;
	p->reason = "";
	limits.restart_ms = config->restart_ms;
	limits.max_configure = config->max_configure;
	limits.max_terminate = config->max_terminate;
	fsm_init(&p->lcp, &lcp_ops, p, &limits);
	fsm_init(&p->ipcp, &ipcp_ops, p, &limits);
	return p;
}

void pppc_free(struct pppc *p)
{
	free(p);
}

void pppc_start(struct pppc *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
	p->ask_mru = p->cfg.mru != 0;
	p->mru = p->cfg.mru;
	p->peer_mru = 1500;
	p->ask_magic = true;
	p->magic = p->cfg.random(p->cfg.random_ctx) | 1;
	p->ask_addr = p->cfg.addr;
	fsm_event(&p->lcp, now_ms, FSM_DOWN); /* from wherever it stopped … */
	fsm_event(&p->lcp, now_ms, FSM_CLOSE); /* … back to Initial */
	p->reason = "";
	p->down_told = false;
	p->addr_before = 0;
	set_phase(p, PHASE_ESTABLISH);
	fsm_event(&p->lcp, now_ms, FSM_OPEN);
	fsm_event(&p->lcp, now_ms, FSM_UP);
}

void pppc_lower_down(struct pppc *p, const char *reason)
{
	p->reason = reason;
	fsm_event(&p->lcp, p->now_ms, FSM_DOWN);
	fsm_event(&p->lcp, p->now_ms, FSM_CLOSE);
	set_phase(p, PHASE_DEAD);
}

void pppc_close(struct pppc *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
	give_up(p, "closed by the client");
}

void pppc_tick(struct pppc *p, uint64_t now_ms)
{
	p->now_ms = now_ms;
	fsm_tick(&p->lcp, now_ms);
	fsm_tick(&p->ipcp, now_ms);
	if (now_ms >= p->auth_at) {
		if (p->peer_auth != PPPC_AUTH_PAP || p->auth_tries >= p->cfg.max_configure)
			give_up(p, "authentication was not answered");
		else
			pap_send(p);
	}
	if (now_ms >= p->echo_at) {
		if (p->echo_pending >= p->cfg.echo_fail)
			give_up(p, "no answer to LCP echoes");
		else
			pppc_echo_now(p);
		if (p->echo_at != PPPC_NEVER)
			p->echo_at = now_ms + p->cfg.echo_ms;
	}
}

uint64_t pppc_deadline_ms(const struct pppc *p)
{
	uint64_t at = p->lcp.timer_at;

	if (p->ipcp.timer_at < at)
		at = p->ipcp.timer_at;
	if (p->auth_at < at)
		at = p->auth_at;
	return p->echo_at < at ? p->echo_at : at;
}

int pppc_send_ip(struct pppc *p, const uint8_t *packet, size_t len)
{
	if (p->phase != PHASE_UP)
		return -ENOTCONN;
	if (len > p->peer_mru || len > MAX_PACKET)
		return -EMSGSIZE;
	p->n.ip_out++;
	send_frame(p, PROTO_IP, NULL, 0, packet, len);
	return 0;
}

int pppc_echo_now(struct pppc *p)
{
	uint8_t b[4];

	if (p->lcp.state != FSM_OPENED)
		return -ENOTCONN;
	p->n.echo_sent++;
	p->echo_pending++;
	set32(b, p->magic);
	send_packet(p, PROTO_LCP, LCP_ECHO_REQ, ++p->echo_id, b, sizeof(b));
	return 0;
}

bool pppc_is_up(const struct pppc *p)
{
	return p->phase == PHASE_UP;
}

uint32_t pppc_addr(const struct pppc *p)
{
	return p->addr;
}

uint32_t pppc_peer_addr(const struct pppc *p)
{
	return p->peer_addr;
}

uint32_t pppc_magic(const struct pppc *p)
{
	return p->magic;
}

uint32_t pppc_peer_magic(const struct pppc *p)
{
	return p->peer_magic;
}

const char *pppc_phase_name(const struct pppc *p)
{
	return phase_names[p->phase];
}

const struct pppc_counters *pppc_counters(struct pppc *p)
{
	struct pppc_counters *n = &p->n;

	n->lcp_renegotiations = p->lcp.renegotiations;
	n->ipcp_renegotiations = p->ipcp.renegotiations;
	n->confreq_repeats = p->lcp.repeats + p->ipcp.repeats;
	n->terminates = p->lcp.terminates + p->ipcp.terminates;
	return n;
}
