// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 4951 in the test LAC, both ways: it lets its peer recover a tunnel, and
 * it recovers one itself (lac_recover()). Part of the object of lac.c.
 *
 * The recovery tunnel has its own channel `rec` and its own little machine
 * (enum rstate). What it is for happens in reset(): the channel of the tunnel
 * is replaced by a new one with the agreed numbers. Whatever the peer does
 * that the RFC does not allow is a violation, as everywhere in this LAC.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lac_int.h"

#define STALE_MS 2000	/* what was said before its answer may arrive so much later */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* ---- at setup --------------------------------------------------------- */

void lac_failover_put(struct lac *l, struct lacw_buf *b)
{
	uint8_t v[6] = { 0, 1 };

	l->failover_agreed = false;
	l->peer_recovery_ms = 0;
	l->patience_until = LAC_NEVER;
	if (!l->cfg.failover)
		return;
	set16(v + 2, (uint16_t)(l->cfg.recovery_ms >> 16));
	set16(v + 4, (uint16_t)l->cfg.recovery_ms);
	lacw_put(b, LACW_FAILOVER_CAP, v, sizeof(v));
}

void lac_failover_take(struct lac *l, const struct lacw_msg *m)
{
	const uint8_t *v = m->avp[LACW_FAILOVER_CAP].p;

	if (!v)
		return;
	if (v[0] || v[1] & 0xfc)
		lac_violation(l, "reserved bit in Failover Capability");
	if (lacw_has(m, LACW_SUGGESTED_SEQ))
		lac_violation(l, "Suggested Control Sequence in an ordinary SCCRP");
	l->failover_agreed = l->cfg.failover && v[1] & 1;
	l->peer_recovery_ms = v[1] & 1 ? (uint32_t)get16(v + 2) << 16 | get16(v + 4) : 0;
}

static bool asking(const struct lac *l)
{
	return l->rstate == R_ASKED || l->rstate == R_SCCCN;
}

/* ---- the recovery tunnel ---------------------------------------------- */

static void rec_free(struct lac *l)
{
	lacc_free(l->rec);
	l->rec = NULL;
	l->rstate = R_NONE;
	l->rec_until = LAC_NEVER;
}

void lac_failover_end(struct lac *l)
{
	if (l->rstate != R_OVER)
		rec_free(l);
	l->numbers_lost = false;
	l->patience_until = LAC_NEVER;
}

static bool rec_new(struct lac *l)
{
	rec_free(l);
	l->rec = lac_channel(l);
	do {
		lac_random(l, (uint8_t *)&l->rec_tid, sizeof(l->rec_tid));
		l->rec_tid = lac_lane_tid(l, l->rec_tid);
	} while (!l->rec_tid || l->rec_tid == l->tid || (l->ghost && l->rec_tid == l->ghost_tid));
	l->rec_until = l->now_ms + (uint64_t)(l->cfg.rtx_tries + 1) * l->cfg.rtx_cap_ms;
	return l->rec;
}

static void rec_send(struct lac *l, struct lacw_buf *b)
{
	if (lacw_end(b))
		lacc_send(l->rec, l->now_ms, b->b, b->len);
}

static void rec_stop(struct lac *l, uint16_t result, uint16_t error)
{
	struct lacw_buf b;

	lacw_begin(&b, l->rec_peer_tid, 0, LACW_STOPCCN);
	lacw_put_u16(&b, LACW_TUNNEL_ID, l->rec_tid);
	lacw_put_result(&b, result, error, NULL);
	rec_send(l, &b);
	l->rstate = R_OVER;
	l->rec_until = l->now_ms + l->cfg.linger_ms;
}

static void put_identity(struct lac *l, struct lacw_buf *b)
{
	lacw_put(b, LACW_PROTOCOL_VERSION, "\x01\x00", 2);
	lacw_put_u32(b, LACW_FRAMING_CAP, 3);
	lacw_put_str(b, LACW_HOST_NAME, l->cfg.hostname);
	lacw_put_u16(b, LACW_TUNNEL_ID, l->rec_tid);
	lacw_put_u16(b, LACW_WINDOW, l->cfg.window);
	if (l->cfg.secret) {
		lac_random(l, l->rec_challenge, sizeof(l->rec_challenge));
		lacw_put(b, LACW_CHALLENGE, l->rec_challenge, sizeof(l->rec_challenge));
	}
}

static void put_response(struct lac *l, struct lacw_buf *b, const struct lacw_msg *m, enum lacw_type carrier)
{
	uint8_t response[16];

	if (!lacw_has(m, LACW_CHALLENGE) || !l->cfg.secret)
		return;
	lacw_response(response, (uint8_t)carrier, l->cfg.secret, m->avp[LACW_CHALLENGE].p,
		      m->avp[LACW_CHALLENGE].len);
	lacw_put(b, LACW_RESPONSE, response, sizeof(response));
}

static bool response_right(struct lac *l, const struct lacw_msg *m, enum lacw_type carrier)
{
	uint8_t want[16];

	if (!l->cfg.secret)
		return true;
	lacw_response(want, (uint8_t)carrier, l->cfg.secret, l->rec_challenge, sizeof(l->rec_challenge));
	return lacw_has(m, LACW_RESPONSE) && !memcmp(want, m->avp[LACW_RESPONSE].p, sizeof(want));
}

/* ---- the reset, and the sessions -------------------------------------- */

static void fss_put(struct lacw_buf *b, uint16_t sid, uint16_t remote)
{
	uint8_t v[10] = { 0 };

	set16(v + 4, sid);
	set16(v + 8, remote);
	lacw_put(b, LACW_SESSION_STATE, v, sizeof(v));
}

static void query_all(struct lac *l)
{
	struct lacw_buf b;
	struct lac_call *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &l->calls, all) {
		if (c->state != C_ESTABLISHED)
			continue;
		if (!n++)
			lac_begin(l, &b, 0, LACW_FSQ);
		fss_put(&b, c->sid, c->peer_sid);
		l->n.queries_sent++;
		if (n == 50) {
			lac_finish(l, &b);
			n = 0;
		}
	}
	if (n)
		lac_finish(l, &b);
}

static void reset(struct lac *l)
{
	struct lacc *chan = lac_channel(l);

	if (!chan)
		return;
	lacc_set_peer(chan, l->peer_tid, 4);
	lacc_start(chan, l->now_ms, l->rec_ns, l->rec_nr);
	lacc_free(l->chan);
	l->chan = chan;
	l->numbers_lost = false;
	l->patience_until = LAC_NEVER;
	lac_calls_lost(l);
}

void lac_failover_message(struct lac *l, const struct lacw_msg *m)
{
	struct lac_call *c;
	struct lacw_buf b;
	unsigned i;
	bool ours;

	if (!l->failover_agreed) {
		lac_violation(l, "FSQ or FSR though failover was not agreed on");
		return;
	}
	if (m->type == LACW_FSQ)
		lac_begin(l, &b, 0, LACW_FSR);
	for (i = 0; i < m->n_fss; i++) {
		c = lac_find_call(l, m->fss[i].remote);
		ours = c && c->state == C_ESTABLISHED && c->peer_sid == m->fss[i].sid;
		if (m->type == LACW_FSQ) {
			l->n.queries_received++;
			fss_put(&b, ours ? c->sid : 0, m->fss[i].sid);
		} else if (c && !m->fss[i].sid) {
			l->n.cleared_by_answer++;
			lac_call_lost(c, "the peer does not have it");
		}
	}
	if (m->type == LACW_FSQ)
		lac_finish(l, &b);
}

/* ---- the peer recovers ------------------------------------------------ */

/* Once for each request, and forgotten: another recovery may be under way. */
static void refuse(struct lac *l, const struct lacw_msg *m)
{
	struct lacw_buf b;

	l->n.recoveries_refused++;
	lacw_begin(&b, lacw_u16(m, LACW_TUNNEL_ID), 0, LACW_STOPCCN);
	lacw_put_u16(&b, LACW_TUNNEL_ID, (uint16_t)(l->tid ^ 1));
	lacw_put_result(&b, 2, 3, NULL);
	if (!lacw_end(&b))
		return;
	lacw_set_seq(b.b, 0, 1);
	l->cfg.ops->send(l->cfg.ctx, b.b, b.len);
}

static void on_request(struct lac *l, const struct lacw_msg *m, const uint8_t *bytes, size_t len)
{
	const uint8_t *v = m->avp[LACW_TUNNEL_RECOVERY].p;
	uint8_t scs[6] = { 0 };
	struct lacw_buf b;
	bool known = l->state == T_ESTABLISHED && get16(v + 4) == l->peer_tid && get16(v + 8) == l->tid;

	if (lacw_has(m, LACW_FAILOVER_CAP))
		lac_violation(l, "Failover Capability on a recovery tunnel");
	if (!lacw_has(m, LACW_TIE_BREAKER))
		lac_violation(l, "recovery tunnel without a Tie Breaker");
	if (lacw_u16(m, LACW_TUNNEL_ID) == l->peer_tid)
		lac_violation(l, "recovery tunnel with the ID of the old tunnel");
	if (l->rec && l->rstate != R_ASKED && lacw_u16(m, LACW_TUNNEL_ID) == l->rec_peer_tid) {
		lacc_accept(l->rec, l->now_ms, m, bytes, len);	/* the same again */
		lacc_flush(l->rec, l->now_ms);
		return;
	}
	if (l->rstate == R_ASKED && known && lacw_has(m, LACW_TIE_BREAKER) &&
	    memcmp(l->rec_tie, m->avp[LACW_TIE_BREAKER].p, sizeof(l->rec_tie)) < 0)
		return;		/* both failed, the lower tie is ours */
	if (l->rstate == R_SCCCN && lacw_has(m, LACW_TIE_BREAKER) && l->now_ms < l->rec_answered + STALE_MS &&
	    memcmp(l->rec_tie, m->avp[LACW_TIE_BREAKER].p, sizeof(l->rec_tie)) < 0)
		return;		/* the peer gave that one up when it answered ours, or it says it again */
	if (!known || !l->failover_agreed) {
		refuse(l, m);
		return;
	}
	if (!rec_new(l))
		return;
	l->rec_peer_tid = lacw_u16(m, LACW_TUNNEL_ID);
	lacc_set_peer(l->rec, l->rec_peer_tid, lacw_has(m, LACW_WINDOW) ? lacw_u16(m, LACW_WINDOW) : 4);
	lacc_accept(l->rec, l->now_ms, m, bytes, len);
	l->rstate = R_ANSWERED;
	l->rec_ns = l->rec_nr = 0;
	lacw_begin(&b, l->rec_peer_tid, 0, LACW_SCCRP);
	put_identity(l, &b);
	put_response(l, &b, m, LACW_SCCRP);
	if (!l->cfg.no_suggestion) {
		lac_random(l, (uint8_t *)&l->rec_ns, 2);
		lac_random(l, (uint8_t *)&l->rec_nr, 2);
		set16(scs + 2, l->rec_nr);
		set16(scs + 4, l->rec_ns);
		lacw_put(&b, LACW_SUGGESTED_SEQ, scs, sizeof(scs));
	}
	rec_send(l, &b);
}

static void on_connected(struct lac *l, const struct lacw_msg *m)
{
	if (!response_right(l, m, LACW_SCCCN)) {
		lac_violation(l, "challenge response on the recovery tunnel is wrong");
		rec_stop(l, 4, 0);
		return;
	}
	l->rstate = R_OVER;
	l->rec_until = l->now_ms + l->cfg.linger_ms;
	l->n.recovered++;
	reset(l);
	query_all(l);
}

/* ---- we recover ------------------------------------------------------- */

bool lac_recovering(const struct lac *l)
{
	return asking(l) || l->numbers_lost;
}

uint16_t lac_recovery_tid(const struct lac *l)
{
	return l->rec ? l->rec_tid : 0;
}

int lac_recover(struct lac *l, uint64_t now_ms)
{
	uint8_t v[10] = { 0 };
	struct lacw_buf b;

	l->now_ms = now_ms;
	if (l->state != T_ESTABLISHED || !l->failover_agreed)
		return -ENOTCONN;
	if (!rec_new(l))
		return -ENOMEM;
	l->rstate = R_ASKED;
	l->rec_peer_tid = 0;
	l->rec_ns = l->rec_nr = 0;
	reset(l);	/* what was queued is lost */
	l->numbers_lost = true;
	lacc_hold(l->chan, now_ms, true);
	lac_random(l, l->rec_tie, sizeof(l->rec_tie));
	lacw_begin(&b, 0, 0, LACW_SCCRQ);
	put_identity(l, &b);
	lacw_put(&b, LACW_TIE_BREAKER, l->rec_tie, sizeof(l->rec_tie));
	set16(v + 4, l->tid);
	set16(v + 8, l->peer_tid);
	lacw_put(&b, LACW_TUNNEL_RECOVERY, v, sizeof(v));
	rec_send(l, &b);
	return 0;
}

static void on_answer(struct lac *l, const struct lacw_msg *m)
{
	const uint8_t *v = m->avp[LACW_SUGGESTED_SEQ].p;
	struct lacw_buf b;

	if (lacw_has(m, LACW_FAILOVER_CAP))
		lac_violation(l, "Failover Capability on a recovery tunnel");
	if (!response_right(l, m, LACW_SCCRP)) {
		lac_violation(l, "challenge response on the recovery tunnel is wrong");
		rec_stop(l, 4, 0);
		return;
	}
	l->rec_peer_tid = lacw_u16(m, LACW_TUNNEL_ID);
	lacc_set_peer(l->rec, l->rec_peer_tid, lacw_has(m, LACW_WINDOW) ? lacw_u16(m, LACW_WINDOW) : 4);
	if (v) {
		l->rec_ns = get16(v + 2);
		l->rec_nr = get16(v + 4);
	}
	reset(l);
	lacc_hold(l->chan, l->now_ms, true);
	l->rstate = R_SCCCN;
	l->rec_answered = l->now_ms;
	lacw_begin(&b, l->rec_peer_tid, 0, LACW_SCCCN);
	put_response(l, &b, m, LACW_SCCCN);
	rec_send(l, &b);
}

static void on_confirmed(struct lac *l)
{
	l->n.recovered++;
	lacc_hold(l->chan, l->now_ms, false);
	query_all(l);
	rec_stop(l, 1, 0);
}

static void on_rec_message(struct lac *l, const struct lacw_msg *m)
{
	const struct lac_reason why = { LAC_CAUSE_PEER, 0, 0, "the peer refused the recovery" };

	switch (m->type) {
	case LACW_SCCRP:
		if (l->rstate == R_ASKED)
			on_answer(l, m);
		break;
	case LACW_SCCCN:
		if (l->rstate == R_ANSWERED)
			on_connected(l, m);
		break;
	case LACW_STOPCCN:
		if (!l->rec_peer_tid)
			lacc_set_peer(l->rec, lacw_u16(m, LACW_TUNNEL_ID), 4);
		if (asking(l)) {
			l->rstate = R_OVER;
			l->rec_until = l->now_ms + l->cfg.linger_ms;
			lac_lost(l, &why);
			break;
		}
		l->rstate = R_OVER;
		l->rec_until = l->now_ms + l->cfg.linger_ms;
		break;
	case LACW_HELLO:
		break;
	default:	/* numbers from the wire: no others belong here */
		lac_violation(l, "message that does not belong on a recovery tunnel");
		break;
	}
}

bool lac_failover_input(struct lac *l, const struct lacw_msg *m, enum lacw_verdict v,
			const uint8_t *bytes, size_t len)
{
	struct lacc *rec = l->rec;

	if (!m->tid && m->type == LACW_SCCRQ && v == LACW_OK && lacw_has(m, LACW_TUNNEL_RECOVERY)) {
		if (m->pedantic)
			lac_violation(l, m->why);
		on_request(l, m, bytes, len);
		return true;
	}
	if (!rec || m->tid != l->rec_tid)
		return l->numbers_lost && m->tid == l->tid;
	if (v != LACW_OK || m->pedantic)
		lac_violation(l, m->why);
	if (lacc_accept(rec, l->now_ms, m, bytes, len) == LACC_NEW && v == LACW_OK)
		on_rec_message(l, m);
	if (l->rec == rec && l->rstate == R_SCCCN && !lacc_backlog(rec))
		on_confirmed(l);
	if (l->rec)
		lacc_flush(l->rec, l->now_ms);
	if (l->chan)
		lacc_flush(l->chan, l->now_ms);
	return true;
}

void lac_failover_tick(struct lac *l)
{
	const struct lac_reason why = { LAC_CAUSE_TIMEOUT, 0, 0, "nobody let the tunnel be recovered" };
	bool was = asking(l);

	if (!l->rec || (l->now_ms < l->rec_until && lacc_tick(l->rec, l->now_ms)))
		return;
	rec_free(l);
	if (was)
		lac_lost(l, &why);
	else if (l->numbers_lost)	/* the tie was lost to somebody who never came back */
		lac_recover(l, l->now_ms);
}

uint64_t lac_failover_deadline(const struct lac *l)
{
	uint64_t at = l->patience_until, t;

	if (!l->rec)
		return at;
	t = lacc_deadline_ms(l->rec);
	if (t < at)
		at = t;
	return l->rec_until < at ? l->rec_until : at;
}
