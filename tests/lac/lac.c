// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The test LAC itself: the control connection (RFC 2661 §7.2) as initiator
 * and its incoming calls (§7.4). Owns the channel, the calls and their IDs.
 * Used by the simulator and the load generator; see lac.h.
 *
 * Both state machines are tables. A message is first judged (lac_wire.c),
 * then ordered (lac_chan.c), then turned into an event; an event without a
 * row is something no correct peer causes and is reported as a violation.
 *
 * A closed tunnel lingers: it answers retransmissions of the peer and goes on
 * delivering its own StopCCN for linger_ms. If the tunnel is opened again
 * meanwhile the old channel goes on as `ghost` under its old tunnel ID.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_int.h"

static const char *const tstate_names[] = { "idle", "wait-ctl-reply", "established", "closing",
					    "closed" };

/* ---- small helpers ---------------------------------------------------- */

void lac_violation(struct lac *l, const char *text)
{
	char line[256];

	l->n.violations++;
	if (!l->cfg.ops->violation)
		return;
	snprintf(line, sizeof(line), "%s: tunnel %u/%u: %s", l->cfg.hostname, l->tid, l->peer_tid,
		 text);
	l->cfg.ops->violation(l->cfg.ctx, line);
}

static void chan_violation(void *ctx, const char *text)
{
	lac_violation(ctx, text);
}

static void chan_send(void *ctx, const uint8_t *bytes, size_t len)
{
	struct lac *l = ctx;

	l->cfg.ops->send(l->cfg.ctx, bytes, len);
}

static const struct lacc_ops chan_ops = { .send = chan_send, .violation = chan_violation };

void lac_random(struct lac *l, uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)(l->cfg.random(l->cfg.random_ctx) >> 11);
}

void lac_begin(struct lac *l, struct lacw_buf *b, uint16_t sid, enum lacw_type type)
{
	uint8_t rv[16];

	lacw_begin(b, l->peer_tid, sid, type);
	if (l->cfg.dev & LAC_DEV_HIDE && l->cfg.secret) {
		lac_random(l, rv, sizeof(rv));
		lacw_hide(b, l->cfg.secret, rv);
	}
}

int lac_finish(struct lac *l, struct lacw_buf *b)
{
	if (!lacw_end(b))
		return -EMSGSIZE;
	return lacc_send(l->chan, l->now_ms, b->b, b->len);
}

struct lacc *lac_channel(struct lac *l)
{
	return lacc_new(&l->cfg, &chan_ops, l, &l->n);
}

/* ---- the tunnel ------------------------------------------------------- */

/* Two that share a box do not choose the same. */
uint16_t lac_lane_tid(const struct lac *l, uint16_t tid)
{
	return l->cfg.tid_lane ? (uint16_t)((tid & ~1u) | (l->cfg.tid_lane - 1u)) : tid;
}

static void tunnel_start(struct lac *l, const struct lac_reason *why)
{
	struct lacw_buf b;

	(void)why;
	if (l->chan) { /* the tunnel before still lingers */
		lacc_free(l->ghost);
		l->ghost = l->chan;
		l->ghost_tid = l->tid;
		l->ghost_until = l->linger_until;
		l->chan = NULL;
	}
	l->linger_until = LAC_NEVER;
	l->peer_tid = 0;
	do {
		l->tid = l->cfg.tid ? l->cfg.tid : lac_lane_tid(l, (uint16_t)(l->cfg.random(l->cfg.random_ctx) >> 7));
	} while (!l->tid || (!l->cfg.tid && ((l->ghost && l->tid == l->ghost_tid) || l->tid == l->rec_tid)));
	l->chan = l->fresh;
	l->fresh = NULL;
	lac_begin(l, &b, 0, LACW_SCCRQ);
	lacw_put(&b, LACW_PROTOCOL_VERSION, "\x01\x00", 2);
	lacw_put_u32(&b, LACW_FRAMING_CAP, 3);
	lacw_put_u32(&b, LACW_BEARER_CAP, 3);
	lacw_put_u16(&b, LACW_FIRMWARE, 1);
	lacw_put_str(&b, LACW_HOST_NAME, l->cfg.hostname);
	lacw_put_str(&b, LACW_VENDOR_NAME, "test lac");
	lacw_put_u16(&b, LACW_TUNNEL_ID, l->tid);
	lacw_put_u16(&b, LACW_WINDOW, l->cfg.window);
	if (l->cfg.secret) {
		lac_random(l, l->challenge, sizeof(l->challenge));
		lacw_put(&b, LACW_CHALLENGE, l->challenge, sizeof(l->challenge));
	}
	lac_failover_put(l, &b);
	lac_finish(l, &b);
}

static void heard(struct lac *l)
{
	if (l->state == T_ESTABLISHED && l->cfg.hello_ms)
		l->hello_at = l->now_ms + l->cfg.hello_ms;
	else
		l->hello_at = LAC_NEVER;
}

static void tunnel_opened(struct lac *l, const struct lac_reason *why)
{
	struct lacw_buf b;

	(void)why;
	lac_begin(l, &b, 0, LACW_SCCCN);
	if (l->must_respond)
		lacw_put(&b, LACW_RESPONSE, l->peer_response, sizeof(l->peer_response));
	lac_finish(l, &b);
	heard(l);
	l->n.tunnels_up++;
	if (l->cfg.ops->tunnel_up)
		l->cfg.ops->tunnel_up(l->cfg.ctx);
	lac_calls_up(l);
}

static void tunnel_over(struct lac *l, const struct lac_reason *why)
{
	heard(l);
	lac_failover_end(l);
	lac_calls_down(l, why->text);
	l->n.tunnels_down++;
	if (l->cfg.ops->tunnel_down)
		l->cfg.ops->tunnel_down(l->cfg.ctx, why);
}

static void tunnel_stop(struct lac *l, const struct lac_reason *why)
{
	struct lacw_buf b;

	lacc_drop_unsent(l->chan);
	lac_begin(l, &b, 0, LACW_STOPCCN);
	lacw_put_u16(&b, LACW_TUNNEL_ID, l->tid);
	lacw_put_result(&b, why->result, why->error, why->error ? why->text : NULL);
	lac_finish(l, &b);
	l->n.stopccn_sent++;
	l->linger_until = l->now_ms + l->cfg.linger_ms;
	lacc_linger(l->chan);
	tunnel_over(l, why);
}

static void tunnel_stopped(struct lac *l, const struct lac_reason *why)
{
	lacc_drop_unsent(l->chan);
	l->linger_until = l->now_ms + l->cfg.linger_ms;
	lacc_linger(l->chan);
	tunnel_over(l, why);
}

static void tunnel_forget(struct lac *l, const struct lac_reason *why)
{
	(void)why;
	lacc_free(l->chan);
	l->chan = NULL;
	l->linger_until = LAC_NEVER;
}

static void tunnel_dead(struct lac *l, const struct lac_reason *why)
{
	tunnel_forget(l, why);
	tunnel_over(l, why);
}

static const struct trule {
	enum tstate state;
	enum tevent event;
	enum tstate next;
	void (*act)(struct lac *l, const struct lac_reason *why);
} trules[] = {
	{ T_IDLE, TE_OPEN, T_WAIT_REPLY, tunnel_start },
	{ T_IDLE, TE_CLOSE, T_IDLE, NULL },
	{ T_WAIT_REPLY, TE_OPEN, T_WAIT_REPLY, NULL },
	{ T_WAIT_REPLY, TE_SCCRP, T_ESTABLISHED, tunnel_opened },
	{ T_WAIT_REPLY, TE_STOPCCN, T_CLOSED, tunnel_stopped },
	{ T_WAIT_REPLY, TE_CLOSE, T_CLOSING, tunnel_stop },
	{ T_WAIT_REPLY, TE_REFUSE, T_CLOSING, tunnel_stop },
	{ T_WAIT_REPLY, TE_DEAD, T_IDLE, tunnel_dead },
	{ T_ESTABLISHED, TE_OPEN, T_ESTABLISHED, NULL },
	{ T_ESTABLISHED, TE_HELLO, T_ESTABLISHED, NULL },
	{ T_ESTABLISHED, TE_STOPCCN, T_CLOSED, tunnel_stopped },
	{ T_ESTABLISHED, TE_CLOSE, T_CLOSING, tunnel_stop },
	{ T_ESTABLISHED, TE_REFUSE, T_CLOSING, tunnel_stop },
	{ T_ESTABLISHED, TE_DEAD, T_IDLE, tunnel_dead },
	{ T_CLOSING, TE_OPEN, T_WAIT_REPLY, tunnel_start },
	{ T_CLOSING, TE_SCCRP, T_CLOSING, NULL },
	{ T_CLOSING, TE_HELLO, T_CLOSING, NULL },
	{ T_CLOSING, TE_STOPCCN, T_CLOSING, NULL },
	{ T_CLOSING, TE_CLOSE, T_CLOSING, NULL },
	{ T_CLOSING, TE_REFUSE, T_CLOSING, NULL },
	{ T_CLOSING, TE_DEAD, T_IDLE, tunnel_forget },
	{ T_CLOSING, TE_LINGER_END, T_IDLE, tunnel_forget },
	{ T_CLOSED, TE_OPEN, T_WAIT_REPLY, tunnel_start },
	{ T_CLOSED, TE_CLOSE, T_CLOSED, NULL },
	{ T_CLOSED, TE_DEAD, T_IDLE, tunnel_forget },
	{ T_CLOSED, TE_LINGER_END, T_IDLE, tunnel_forget },
};

/* The only place where the tunnel changes state. False: no such row. */
static bool tunnel_event(struct lac *l, enum tevent event, const struct lac_reason *why)
{
	size_t i;

	for (i = 0; i < sizeof(trules) / sizeof(*trules); i++) {
		if (trules[i].state != l->state || trules[i].event != event)
			continue;
		l->state = trules[i].next;
		if (trules[i].act)
			trules[i].act(l, why);
		return true;
	}
	return false;
}

/* Without a word, as if the peer had died. */
void lac_lost(struct lac *l, const struct lac_reason *why)
{
	tunnel_event(l, TE_DEAD, why);
}

/* ---- messages --------------------------------------------------------- */

static void refuse_tunnel(struct lac *l, enum lac_cause cause, uint16_t result, uint16_t error,
			  const char *text)
{
	const struct lac_reason why = { cause, result, error, text };

	tunnel_event(l, TE_REFUSE, &why);
}

void lac_unexpected(struct lac *l, const struct lacw_msg *m)
{
	char text[96];

	l->n.unexpected++;
	snprintf(text, sizeof(text), "%s (Ns %u) has no place in state %s", lacw_type_name(m->type),
		 m->ns, tstate_names[l->state]);
	lac_violation(l, text);
}

static void on_sccrp(struct lac *l, const struct lacw_msg *m)
{
	uint8_t want[16];

	if (l->state == T_WAIT_REPLY) {
		l->peer_tid = lacw_u16(m, LACW_TUNNEL_ID);
		lacc_set_peer(l->chan, l->peer_tid,
			      lacw_has(m, LACW_WINDOW) ? lacw_u16(m, LACW_WINDOW) : 4);
		if (lacw_u16(m, LACW_PROTOCOL_VERSION) >> 8 != 1) {
			refuse_tunnel(l, LAC_CAUSE_PROTOCOL, 5, 1, "protocol version");
			return;
		}
		if (l->cfg.secret) {
			lacw_response(want, LACW_SCCRP, l->cfg.secret, l->challenge,
				      sizeof(l->challenge));
			if (!lacw_has(m, LACW_RESPONSE) ||
			    memcmp(want, m->avp[LACW_RESPONSE].p, sizeof(want)) != 0) {
				refuse_tunnel(l, LAC_CAUSE_AUTH, 4, 0, "challenge response is wrong");
				return;
			}
		}
		lac_failover_take(l, m);
		l->must_respond = lacw_has(m, LACW_CHALLENGE);
		if (l->must_respond && !l->cfg.secret) {
			refuse_tunnel(l, LAC_CAUSE_AUTH, 4, 0, "challenged without having a secret");
			return;
		}
		if (l->must_respond)
			lacw_response(l->peer_response, LACW_SCCCN, l->cfg.secret,
				      m->avp[LACW_CHALLENGE].p, m->avp[LACW_CHALLENGE].len);
	}
	if (!tunnel_event(l, TE_SCCRP, NULL)) {
		lac_unexpected(l, m);
		refuse_tunnel(l, LAC_CAUSE_PROTOCOL, 7, 0, "SCCRP out of place");
	}
}

/* Result, error and text of a StopCCN or CDN. */
struct lac_reason lac_peer_reason(const struct lacw_msg *m, char *text, size_t size)
{
	struct lac_reason why = { LAC_CAUSE_PEER, lacw_u16(m, LACW_RESULT_CODE), 0, text };
	const uint8_t *p = m->avp[LACW_RESULT_CODE].p;
	size_t len = m->avp[LACW_RESULT_CODE].len;

	text[0] = '\0';
	if (len >= 4)
		why.error = (uint16_t)(p[2] << 8 | p[3]);
	if (len > 4)
		snprintf(text, size, "%.*s", (int)(len - 4), (const char *)p + 4);
	return why;
}

static void on_stopccn(struct lac *l, const struct lacw_msg *m)
{
	char text[128];
	const struct lac_reason why = lac_peer_reason(m, text, sizeof(text));

	l->n.stopccn_received++;
	if (l->peer_tid && lacw_u16(m, LACW_TUNNEL_ID) != l->peer_tid)
		lac_violation(l, "StopCCN names another tunnel ID than the one assigned");
	if (!l->peer_tid) /* so that the ack finds its way */
		lacc_set_peer(l->chan, lacw_u16(m, LACW_TUNNEL_ID), 4);
	if (!tunnel_event(l, TE_STOPCCN, &why))
		lac_unexpected(l, m);
}

static void on_malformed(struct lac *l, const struct lacw_msg *m, enum lacw_verdict v)
{
	const struct lac_reason why = { LAC_CAUSE_PROTOCOL, 2, v == LACW_BAD_BODY ? 2 : 8, m->why };
	char text[160];

	l->n.malformed++;
	snprintf(text, sizeof(text), "%s (Ns %u) is malformed: %s (attribute %u)",
		 lacw_type_name(m->type), m->ns, m->why, m->why_attr);
	lac_violation(l, text);
	if (v == LACW_UNKNOWN_M_TYPE || !lac_call_refuse(l, m->sid, &why))
		tunnel_event(l, TE_REFUSE, &why);
}

static void on_message(struct lac *l, const struct lacw_msg *m, enum lacw_verdict v)
{
	char text[160];

	if (v != LACW_OK) {
		on_malformed(l, m, v);
		return;
	}
	if (m->pedantic) {
		l->n.pedantic++;
		snprintf(text, sizeof(text), "%s (Ns %u): %s (attribute %u)",
			 lacw_type_name(m->type), m->ns, m->why, m->why_attr);
		lac_violation(l, text);
	}
	switch (m->type) {
	case LACW_SCCRP:
		on_sccrp(l, m);
		break;
	case LACW_STOPCCN:
		on_stopccn(l, m);
		break;
	case LACW_HELLO:
		l->n.hello_received++;
		if (!tunnel_event(l, TE_HELLO, NULL))
			lac_unexpected(l, m);
		break;
	case LACW_FSQ:
	case LACW_FSR:
		lac_failover_message(l, m);
		break;
	case LACW_SCCRQ:
	case LACW_SCCCN:
		lac_unexpected(l, m);
		refuse_tunnel(l, LAC_CAUSE_PROTOCOL, 7, 0, "message out of place");
		break;
	default: /* numbers from the wire: of a session, or unknown with M=0 */
		if (m->known && l->state == T_ESTABLISHED)
			lac_call_message(l, m);
		break;
	}
}

static void ghost_input(struct lac *l, const uint8_t *bytes, size_t len)
{
	struct lacw_msg m;

	if (lacw_decode(&m, bytes, len, l->cfg.secret) == LACW_BAD_HEADER)
		return;
	lacc_accept(l->ghost, l->now_ms, &m, bytes, len);
	lacc_flush(l->ghost, l->now_ms);
}

static void control_input(struct lac *l, const uint8_t *bytes, size_t len)
{
	enum lacw_verdict v;
	struct lacw_msg m;
	struct lacc *chan = l->chan;
	uint16_t una;

	v = lacw_decode(&m, bytes, len, l->cfg.secret);
	if (v == LACW_BAD_HEADER) {
		l->n.malformed++;
		lac_violation(l, m.why);
		return;
	}
	if (l->ghost && m.tid == l->ghost_tid) {
		ghost_input(l, bytes, len);
		return;
	}
	if (lac_failover_input(l, &m, v, bytes, len))
		return;
	if (!chan || m.tid != l->tid) {
		l->n.unknown_tunnel++;
		return;
	}
	heard(l);
	una = lacc_una(chan);
	if (lacc_accept(chan, l->now_ms, &m, bytes, len) == LACC_NEW) {
		do {
			on_message(l, &m, v);
			/* the callbacks may have ended or reopened the tunnel */
			if (l->chan != chan || !lacc_next_held(chan, &bytes, &len))
				break;
			v = lacw_decode(&m, bytes, len, l->cfg.secret);
		} while (true);
	}
	if (l->chan == chan && lacc_una(chan) != una)
		l->patience_until = LAC_NEVER;
	if (l->chan)
		lacc_flush(l->chan, l->now_ms);
	if (l->ghost)
		lacc_flush(l->ghost, l->now_ms);
}

void lac_data_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len)
{
	struct lacw_data d;

	l->now_ms = now_ms;
	if (!lacw_data_decode(&d, bytes, len)) {
		l->n.malformed++;
		lac_violation(l, "malformed data message");
		return;
	}
	if (d.tid != l->tid) {
		l->n.unknown_tunnel++;
		return;
	}
	heard(l);
	lac_call_data(l, &d);
}

void lac_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len)
{
	l->now_ms = now_ms;
	if (len && !(bytes[0] & 0x80))
		lac_data_input(l, now_ms, bytes, len);
	else
		control_input(l, bytes, len);
}

/* ---- time ------------------------------------------------------------- */

static void tick_ghost(struct lac *l)
{
	if (!l->ghost)
		return;
	if (l->now_ms < l->ghost_until && lacc_tick(l->ghost, l->now_ms))
		return;
	lacc_free(l->ghost);
	l->ghost = NULL;
}

void lac_tick(struct lac *l, uint64_t now_ms)
{
	const struct lac_reason dead = { LAC_CAUSE_TIMEOUT, 0, 0, "peer does not answer" };

	l->now_ms = now_ms;
	tick_ghost(l);
	if (l->chan && !lacc_tick(l->chan, now_ms)) {
		if (l->state == T_ESTABLISHED && l->failover_agreed && l->peer_recovery_ms) {
			if (l->patience_until == LAC_NEVER)
				l->patience_until = now_ms + l->peer_recovery_ms;
			lacc_again(l->chan, now_ms);
		} else {
			tunnel_event(l, TE_DEAD, &dead);
		}
	}
	if (now_ms >= l->patience_until)
		tunnel_event(l, TE_DEAD, &dead);
	lac_failover_tick(l);
	if (now_ms >= l->linger_until)
		tunnel_event(l, TE_LINGER_END, NULL);
	if (now_ms >= l->hello_at) {
		heard(l);
		if (!lacc_backlog(l->chan) && !lac_recovering(l))
			lac_hello_now(l, now_ms);
	}
	lac_calls_tick(l);
}

uint64_t lac_deadline_ms(const struct lac *l)
{
	const struct lac_call *c = TAILQ_FIRST(&l->waiting);
	uint64_t at = l->hello_at, t;

	if (l->linger_until < at)
		at = l->linger_until;
	if (c && c->deadline_ms < at)
		at = c->deadline_ms;
	t = l->chan ? lacc_deadline_ms(l->chan) : LAC_NEVER;
	if (t < at)
		at = t;
	t = lac_failover_deadline(l);
	if (t < at)
		at = t;
	if (!l->ghost)
		return at;
	t = lacc_deadline_ms(l->ghost);
	if (t < at)
		at = t;
	return l->ghost_until < at ? l->ghost_until : at;
}

/* ---- configuration ---------------------------------------------------- */

static const struct peer_habit {
	const char *name;
	unsigned dev;
	uint32_t cap_ms;
	unsigned tries;
} peer_habits[LAC_PEERS] = {
	[LAC_PEER_RFC] = { "rfc2661", LAC_DEV_OOO_QUEUE, 8000, 5 },
	[LAC_PEER_XL2TPD] = { "xl2tpd", LAC_DEV_NS_EXACT | LAC_DEV_NR_AS_IS | LAC_DEV_NO_SLOW_START,
			      16000, 5 },
	[LAC_PEER_OPENL2TP] = { "openl2tp", LAC_DEV_DUP_NR_NEXT | LAC_DEV_OOO_QUEUE, 8000, 5 },
	[LAC_PEER_ACCEL] = { "accel-ppp", LAC_DEV_NR_STRICT | LAC_DEV_OOO_QUEUE | LAC_DEV_OOO_ACK,
			     16000, 5 },
	[LAC_PEER_GO_L2TP] = { "go-l2tp", LAC_DEV_NR_STRICT | LAC_DEV_OOO_QUEUE, 8000, 5 },
	[LAC_PEER_BNGBLASTER] = { "bngblaster", LAC_DEV_NR_AS_IS, 8000, 5 },
	[LAC_PEER_L2TPNS] = { "l2tpns", LAC_DEV_NS_EXACT | LAC_DEV_NR_AS_IS | LAC_DEV_OOO_ACK, 8000, 5 },
};

const char *lac_peer_name(enum lac_peer peer)
{
	return peer_habits[peer].name;
}

void lac_config_peer(struct lac_config *config, enum lac_peer peer)
{
	const struct peer_habit *h = &peer_habits[peer];

	config->dev = h->dev;
	config->rtx_cap_ms = h->cap_ms;
	config->rtx_tries = h->tries;
	config->ack_delay_ms = peer == LAC_PEER_GO_L2TP ? 100 : 0;
}

void lac_config_init(struct lac_config *config)
{
	*config = (struct lac_config){
		.hostname = "lac",
		.window = 4,
		.rtx_first_ms = 1000,
		.rtx_cap_ms = 8000,
		.rtx_tries = 5,
		.hello_ms = 60000,
		.call_setup_ms = 60000,
		.linger_ms = 31000,
		.dev = LAC_DEV_OOO_QUEUE,
	};
}

/* ---- what the user does ------------------------------------------------ */

struct lac *lac_new(const struct lac_config *config)
{
	struct lac *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cfg = *config;
	l->hello_at = l->linger_until = l->patience_until = l->rec_until = LAC_NEVER;
	TAILQ_INIT(&l->calls);
	TAILQ_INIT(&l->waiting);
	l->last_sid = (uint16_t)(config->random(config->random_ctx) >> 9);
	l->last_serial = config->random(config->random_ctx) >> 8;
	return l;
}

void lac_free(struct lac *l)
{
	struct lac_call *c;

	if (!l)
		return;
	while ((c = TAILQ_FIRST(&l->calls))) {
		TAILQ_REMOVE(&l->calls, c, all);
		lac_call_free(c);
	}
	lacc_free(l->chan);
	lacc_free(l->rec);
	lacc_free(l->ghost);
	lacc_free(l->fresh);
	free(l);
}

int lac_open(struct lac *l, uint64_t now_ms)
{
	l->now_ms = now_ms;
	/* have the channel in hand before the state changes */
	if (!l->fresh && l->state != T_WAIT_REPLY && l->state != T_ESTABLISHED)
		l->fresh = lacc_new(&l->cfg, &chan_ops, l, &l->n);
	if (l->fresh)
		tunnel_event(l, TE_OPEN, NULL);
	return l->state == T_WAIT_REPLY || l->state == T_ESTABLISHED ? 0 : -ENOMEM;
}

void lac_shutdown(struct lac *l, uint64_t now_ms, uint16_t result)
{
	const struct lac_reason why = { LAC_CAUSE_LOCAL, result, 0, "shut down" };

	l->now_ms = now_ms;
	tunnel_event(l, TE_CLOSE, &why);
}

int lac_hello_now(struct lac *l, uint64_t now_ms)
{
	struct lacw_buf b;

	l->now_ms = now_ms;
	if (l->state != T_ESTABLISHED)
		return -ENOTCONN;
	/* nothing in a HELLO can be hidden */
	lacw_begin(&b, l->peer_tid, 0, LACW_HELLO);
	l->n.hello_sent++;
	return lac_finish(l, &b);
}


const struct lac_counters *lac_counters(const struct lac *l)
{
	return &l->n;
}

bool lac_is_up(const struct lac *l)
{
	return l->state == T_ESTABLISHED;
}

bool lac_is_idle(const struct lac *l)
{
	return l->state == T_IDLE && !l->ghost;
}

const char *lac_state_name(const struct lac *l)
{
	return tstate_names[l->state];
}

uint16_t lac_tid(const struct lac *l)
{
	return l->tid;
}

uint16_t lac_peer_tid(const struct lac *l)
{
	return l->peer_tid;
}

uint16_t lac_vs(const struct lac *l)
{
	return l->chan ? lacc_vs(l->chan) : 0;
}

uint16_t lac_una(const struct lac *l)
{
	return l->chan ? lacc_una(l->chan) : 0;
}

uint16_t lac_vr(const struct lac *l)
{
	return l->chan ? lacc_vr(l->chan) : 0;
}

unsigned lac_backlog(const struct lac *l)
{
	return l->chan ? lacc_backlog(l->chan) : 0;
}
