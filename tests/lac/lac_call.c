// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The incoming calls of the test LAC: RFC 2661 §7.4.1 (a LAC's side), their
 * IDs, and the demultiplexing of session messages and of data. Part of the
 * object of lac.c, which calls it; its own public functions are in lac.h.
 *
 * The IDs of the last LAC_CLOSED calls are remembered: a message that crossed
 * our CDN is no fault of the peer, a message for a session that never was is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_int.h"

static struct lac_call *find_sid(const struct lac *l, uint16_t sid)
{
	struct lac_call *c = l->by_sid[sid % LAC_HASH];

	while (c && c->sid != sid)
		c = c->next_sid;
	return c;
}

static struct lac_call *find_peer_sid(const struct lac *l, uint16_t sid)
{
	struct lac_call *c = l->by_peer[sid % LAC_HASH];

	while (c && c->peer_sid != sid)
		c = c->next_peer;
	return c;
}

static void unlink_peer(struct lac_call *c)
{
	struct lac_call **at = &c->l->by_peer[c->peer_sid % LAC_HASH];

	while (*at && *at != c)
		at = &(*at)->next_peer;
	if (*at)
		*at = c->next_peer;
}

static void stop_waiting(struct lac_call *c)
{
	if (c->on_waiting)
		TAILQ_REMOVE(&c->l->waiting, c, waiting);
	c->on_waiting = false;
}

void lac_call_free(struct lac_call *c)
{
	free(c->extra);
	free(c);
}

/* Takes the call out of every table; only call_event() may do this. */
static void call_unlink(struct lac_call *c)
{
	struct lac *l = c->l;
	struct lac_call **at = &l->by_sid[c->sid % LAC_HASH];

	while (*at != c)
		at = &(*at)->next_sid;
	*at = c->next_sid;
	unlink_peer(c);
	stop_waiting(c);
	TAILQ_REMOVE(&l->calls, c, all);
	l->n_calls--;
	l->closed[l->n_closed++ % LAC_CLOSED] = c->sid;
}

static bool was_closed(const struct lac *l, uint16_t sid)
{
	unsigned i, n = l->n_closed < LAC_CLOSED ? l->n_closed : LAC_CLOSED;

	for (i = 0; i < n; i++)
		if (l->closed[i] == sid)
			return true;
	return false;
}

static void send_icrq(struct lac_call *c, const struct lac_reason *why)
{
	struct lac *l = c->l;
	struct lacw_buf b;

	(void)why;
	lac_begin(l, &b, 0, LACW_ICRQ);
	lacw_put_u16(&b, LACW_SESSION_ID, c->sid);
	lacw_put_u32(&b, LACW_CALL_SERIAL, c->serial);
	lacw_put_u32(&b, LACW_BEARER_TYPE, 1);
	lacw_put_str(&b, LACW_CALLED, c->called);
	lacw_put_str(&b, LACW_CALLING, c->calling);
	lacw_put_raw(&b, c->extra, c->icrq_extra);
	lac_finish(l, &b);
	c->deadline_ms = l->now_ms + l->cfg.call_setup_ms;
	TAILQ_INSERT_TAIL(&l->waiting, c, waiting);
	c->on_waiting = true;
}

static void send_iccn(struct lac_call *c, const struct lac_reason *why)
{
	struct lac *l = c->l;
	struct lacw_buf b;

	(void)why;
	stop_waiting(c);
	lac_begin(l, &b, c->peer_sid, LACW_ICCN);
	lacw_put_u32(&b, LACW_TX_SPEED, c->tx_bps);
	lacw_put_u32(&b, LACW_FRAMING_TYPE, 1);
	if (c->rx_bps)
		lacw_put_u32(&b, LACW_RX_SPEED, c->rx_bps);
	if (l->cfg.dev & LAC_DEV_SEQ_REQUIRED)
		lacw_put(&b, LACW_SEQ_REQUIRED, NULL, 0);
	if (c->iccn_extra)
		lacw_put_raw(&b, c->extra + c->icrq_extra, c->iccn_extra);
	lac_finish(l, &b);
	c->seq = l->cfg.dev & LAC_DEV_SEQ_REQUIRED;
	l->n.calls_up++;
	if (l->cfg.ops->call_up)
		l->cfg.ops->call_up(l->cfg.ctx, c);
}

static void call_over(struct lac_call *c, const struct lac_reason *why)
{
	struct lac *l = c->l;

	call_unlink(c);
	l->n.calls_down++;
	if (l->cfg.ops->call_down)
		l->cfg.ops->call_down(l->cfg.ctx, c, why);
	lac_call_free(c);
}

static void send_cdn(struct lac_call *c, const struct lac_reason *why)
{
	struct lac *l = c->l;
	struct lacw_buf b;

	lac_begin(l, &b, c->peer_sid, LACW_CDN);
	lacw_put_result(&b, why->result, why->error, why->error ? why->text : NULL);
	lacw_put_u16(&b, LACW_SESSION_ID, c->sid);
	lac_finish(l, &b);
	l->n.cdn_sent++;
	call_over(c, why);
}

static const struct crule {
	enum cstate state;
	enum cevent event;
	enum cstate next;
	void (*act)(struct lac_call *c, const struct lac_reason *why);
} crules[] = {
	{ C_NEW, CE_RING, C_WAIT_TUNNEL, NULL },
	{ C_WAIT_TUNNEL, CE_TUNNEL_UP, C_WAIT_REPLY, send_icrq },
	{ C_WAIT_TUNNEL, CE_HANGUP, C_GONE, call_over },
	{ C_WAIT_TUNNEL, CE_TUNNEL_DOWN, C_GONE, call_over },
	{ C_WAIT_REPLY, CE_ICRP, C_ESTABLISHED, send_iccn },
	{ C_WAIT_REPLY, CE_CDN, C_GONE, call_over },
	{ C_WAIT_REPLY, CE_HANGUP, C_GONE, send_cdn },
	{ C_WAIT_REPLY, CE_TIMEOUT, C_GONE, send_cdn },
	{ C_WAIT_REPLY, CE_REFUSE, C_GONE, send_cdn },
	{ C_WAIT_REPLY, CE_TUNNEL_DOWN, C_GONE, call_over },
	{ C_ESTABLISHED, CE_CDN, C_GONE, call_over },
	{ C_ESTABLISHED, CE_SLI, C_ESTABLISHED, NULL },
	{ C_ESTABLISHED, CE_HANGUP, C_GONE, send_cdn },
	{ C_ESTABLISHED, CE_REFUSE, C_GONE, send_cdn },
	{ C_ESTABLISHED, CE_TUNNEL_DOWN, C_GONE, call_over },
	{ C_WAIT_REPLY, CE_LOST, C_GONE, call_over },
	{ C_ESTABLISHED, CE_LOST, C_GONE, call_over },
};

/* The only place where a call changes state. False: no such row. */
static bool call_event(struct lac_call *c, enum cevent event, const struct lac_reason *why)
{
	size_t i;

	for (i = 0; i < sizeof(crules) / sizeof(*crules); i++) {
		if (crules[i].state != c->state || crules[i].event != event)
			continue;
		c->state = crules[i].next;
		if (crules[i].act)
			crules[i].act(c, why);
		return true;
	}
	return false;
}

void lac_calls_down(struct lac *l, const char *text)
{
	const struct lac_reason why = { LAC_CAUSE_TUNNEL, 0, 0, text };
	struct lac_call *c;
	unsigned n = l->n_calls; /* calls placed by the callbacks come behind */

	while (n-- && (c = TAILQ_FIRST(&l->calls)))
		call_event(c, CE_TUNNEL_DOWN, &why);
}

void lac_call_lost(struct lac_call *c, const char *text)
{
	const struct lac_reason why = { LAC_CAUSE_PEER, 0, 0, text };

	call_event(c, CE_LOST, &why);
}

void lac_calls_lost(struct lac *l)
{
	struct lac_call *c;

	while ((c = TAILQ_FIRST(&l->waiting)))
		lac_call_lost(c, "not established at the failover");
}

void lac_forget_call(struct lac_call *call)
{
	lac_call_lost(call, "forgotten");
}

void lac_calls_up(struct lac *l)
{
	struct lac_call *c, *next;

	for (c = TAILQ_FIRST(&l->calls); c && l->state == T_ESTABLISHED; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->state == C_WAIT_TUNNEL)
			call_event(c, CE_TUNNEL_UP, NULL);
	}
}

void lac_calls_tick(struct lac *l)
{
	const struct lac_reason why = { LAC_CAUSE_TIMEOUT, 10, 0, "not established in time" };
	struct lac_call *c;

	while ((c = TAILQ_FIRST(&l->waiting)) && l->now_ms >= c->deadline_ms)
		call_event(c, CE_TIMEOUT, &why);
}

bool lac_call_refuse(struct lac *l, uint16_t sid, const struct lac_reason *why)
{
	struct lac_call *c = sid ? find_sid(l, sid) : NULL;

	return c && call_event(c, CE_REFUSE, why);
}

/* ---- messages --------------------------------------------------------- */

static void on_icrp(struct lac *l, struct lac_call *c, const struct lacw_msg *m)
{
	struct lac_reason why = { LAC_CAUSE_PROTOCOL, 2, 3, "ICRP out of place" };
	struct lac_call *other;
	uint16_t peer_sid = lacw_u16(m, LACW_SESSION_ID);

	if (c->state == C_WAIT_REPLY) {
		other = find_peer_sid(l, peer_sid);
		if (other) {
			lac_violation(l, "ICRP assigns a session ID that another call has");
			why.text = "session ID in use";
			call_event(c, CE_REFUSE, &why);
			return;
		}
		c->peer_sid = peer_sid;
		c->next_peer = l->by_peer[peer_sid % LAC_HASH];
		l->by_peer[peer_sid % LAC_HASH] = c;
	}
	if (!call_event(c, CE_ICRP, NULL)) {
		lac_unexpected(l, m);
		call_event(c, CE_REFUSE, &why);
	}
}

static void on_cdn(struct lac *l, struct lac_call *c, const struct lacw_msg *m)
{
	char text[128];
	const struct lac_reason why = lac_peer_reason(m, text, sizeof(text));

	if (c->peer_sid && lacw_u16(m, LACW_SESSION_ID) != c->peer_sid)
		lac_violation(l, "CDN names another session ID than the one assigned");
	if (!call_event(c, CE_CDN, &why))
		lac_unexpected(l, m);
}

void lac_call_message(struct lac *l, const struct lacw_msg *m)
{
	struct lac_call *c = find_sid(l, m->sid);
	char text[96];

	if (m->type == LACW_CDN) {
		l->n.cdn_received++;
		if (!m->sid)
			c = find_peer_sid(l, lacw_u16(m, LACW_SESSION_ID));
	}
	if (!c && m->type != LACW_ICRP && m->type != LACW_CDN && m->type != LACW_SLI) {
		lac_unexpected(l, m);
		return;
	}
	if (!c) {
		if (was_closed(l, m->sid)) /* crossed our CDN */
			return;
		l->n.unknown_session++;
		snprintf(text, sizeof(text), "%s for session %u which never was",
			 lacw_type_name(m->type), m->sid);
		lac_violation(l, text);
		return;
	}
	switch (m->type) {
	case LACW_ICRP:
		on_icrp(l, c, m);
		break;
	case LACW_CDN:
		on_cdn(l, c, m);
		break;
	case LACW_SLI:
		if (!call_event(c, CE_SLI, NULL))
			lac_unexpected(l, m);
		break;
	default: /* numbers from the wire: the rest is not for a LAC */
		lac_unexpected(l, m);
		break;
	}
}

void lac_call_data(struct lac *l, const struct lacw_data *d)
{
	struct lac_call *c = find_sid(l, d->sid);

	if (!c || c->state != C_ESTABLISHED) {
		if (c || was_closed(l, d->sid))
			l->n.data_closed++;
		else
			l->n.data_unknown++;
		return;
	}
	if (!(l->cfg.dev & LAC_DEV_SEQ_REQUIRED))
		c->seq = d->has_seq;
	l->n.data_received++;
	if (l->cfg.ops->data)
		l->cfg.ops->data(l->cfg.ctx, c, d->payload, d->len);
}

int lac_data_send(struct lac_call *call, const uint8_t *frame, size_t len)
{
	uint8_t b[LAC_MAX_FRAME + 10] = { 0x00, 0x02 };
	struct lac *l = call->l;
	size_t off = 6;

	if (call->state != C_ESTABLISHED)
		return -ENOTCONN;
	if (len > LAC_MAX_FRAME)
		return -EMSGSIZE;
	b[2] = (uint8_t)(l->peer_tid >> 8);
	b[3] = (uint8_t)l->peer_tid;
	b[4] = (uint8_t)(call->peer_sid >> 8);
	b[5] = (uint8_t)call->peer_sid;
	if (call->seq) {
		b[0] |= 0x08;
		b[6] = (uint8_t)(call->data_ns >> 8);
		b[7] = (uint8_t)call->data_ns++;
		off = 10;
	}
	memcpy(b + off, frame, len);
	l->n.data_sent++;
	l->cfg.ops->send(l->cfg.ctx, b, off + len);
	return 0;
}

/* ---- what the user does ------------------------------------------------ */

static bool copy_params(struct lac_call *c, const struct lac_call_params *params)
{
	static const struct lac_call_params none;
	const struct lac_call_params *p = params ? params : &none;

	snprintf(c->called, sizeof(c->called), "%s", p->called ? p->called : "l2tp");
	snprintf(c->calling, sizeof(c->calling), "%s", p->calling ? p->calling : "test");
	c->tx_bps = p->tx_bps ? p->tx_bps : 100000000;
	c->rx_bps = p->rx_bps;
	c->icrq_extra = p->icrq_extra_len;
	c->iccn_extra = p->iccn_extra_len;
	if (!c->icrq_extra && !c->iccn_extra)
		return true;
	c->extra = malloc(c->icrq_extra + c->iccn_extra);
	if (!c->extra)
		return false;
	if (c->icrq_extra)
		memcpy(c->extra, p->icrq_extra, c->icrq_extra);
	if (c->iccn_extra)
		memcpy(c->extra + c->icrq_extra, p->iccn_extra, c->iccn_extra);
	return true;
}

struct lac_call *lac_call(struct lac *l, uint64_t now_ms, const struct lac_call_params *params,
			  void *call_ctx)
{
	struct lac_call *c;

	if (l->n_calls >= 60000 || lac_open(l, now_ms))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c || !copy_params(c, params)) {
		free(c);
		return NULL;
	}
	c->l = l;
	c->ctx = call_ctx;
	do {
		c->sid = ++l->last_sid;
	} while (!c->sid || find_sid(l, c->sid));
	c->serial = ++l->last_serial;
	c->next_sid = l->by_sid[c->sid % LAC_HASH];
	l->by_sid[c->sid % LAC_HASH] = c;
	TAILQ_INSERT_TAIL(&l->calls, c, all);
	l->n_calls++;
	call_event(c, CE_RING, NULL);
	if (l->state == T_ESTABLISHED)
		call_event(c, CE_TUNNEL_UP, NULL);
	return c;
}

void lac_hangup(struct lac_call *call, uint64_t now_ms, uint16_t result)
{
	const struct lac_reason why = { LAC_CAUSE_LOCAL, result, 0, "hung up" };

	call->l->now_ms = now_ms;
	call_event(call, CE_HANGUP, &why);
}

void lac_each_call(struct lac *l, void (*fn)(void *ctx, struct lac_call *call), void *fn_ctx)
{
	struct lac_call *c, *next;

	for (c = TAILQ_FIRST(&l->calls); c; c = next) {
		next = TAILQ_NEXT(c, all);
		fn(fn_ctx, c);
	}
}

struct lac_call *lac_find_call(const struct lac *l, uint16_t sid)
{
	return find_sid(l, sid);
}

unsigned lac_n_calls(const struct lac *l)
{
	return l->n_calls;
}

bool lac_call_is_up(const struct lac_call *call)
{
	return call->state == C_ESTABLISHED;
}

uint16_t lac_call_sid(const struct lac_call *call)
{
	return call->sid;
}

uint16_t lac_call_peer_sid(const struct lac_call *call)
{
	return call->peer_sid;
}

uint32_t lac_call_serial(const struct lac_call *call)
{
	return call->serial;
}

void *lac_call_ctx(const struct lac_call *call)
{
	return call->ctx;
}

struct lac *lac_call_lac(const struct lac_call *call)
{
	return call->l;
}
