// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The option negotiation automaton of RFC 1661 §4.1 as its table, for the LCP
 * and IPCP of the test PPP client. Called by ppp.c only.
 *
 * One deviation, on purpose: in Opened, a Configure-Request that repeats the
 * one just acknowledged octet for octet is acknowledged again without a
 * renegotiation (our ack was lost). It counts as such a repeat only for
 * REPEAT_MS after opening; later it is a renegotiation whatever it contains.
 */
#include <string.h>

#include "ppp_fsm.h"

#define REPEAT_MS 30000

enum {
	TLU = 1 << 0,
	TLD = 1 << 1,
	TLF = 1 << 2,
	IRC = 1 << 3,	/* restart counter for requests */
	IRT = 1 << 4,	/* restart counter for terminates */
	ZRC = 1 << 5,
	SCR = 1 << 6,
	SCA = 1 << 7,	/* ack, nak or reject: what judge() said */
	STR = 1 << 8,
	STA = 1 << 9,
	SCJ = 1 << 10,
	LEGAL = 1 << 15,
};

struct cell {
	uint16_t act;
	uint8_t next;
};

#define X(next_state, actions) { (uint16_t)((actions) | LEGAL), next_state }
#define NO { 0, 0 }

/* columns: Initial Starting Closed Stopped Closing Stopping Req-Sent Ack-Rcvd
 * Ack-Sent Opened; This-Layer-Started has no use here */
static const struct cell table[][10] = {
	[FSM_UP] = { X(2, 0), X(6, IRC | SCR), NO, NO, NO, NO, NO, NO, NO, NO },
	[FSM_DOWN] = { NO, NO, X(0, 0), X(1, 0), X(0, 0), X(1, 0), X(1, 0), X(1, 0), X(1, 0),
		       X(1, TLD) },
	[FSM_OPEN] = { X(1, 0), X(1, 0), X(6, IRC | SCR), X(3, 0), X(5, 0), X(5, 0), X(6, 0),
		       X(7, 0), X(8, 0), X(9, 0) },
	[FSM_CLOSE] = { X(0, 0), X(0, TLF), X(2, 0), X(2, 0), X(4, 0), X(4, 0), X(4, IRT | STR),
			X(4, IRT | STR), X(4, IRT | STR), X(4, TLD | IRT | STR) },
	[FSM_TO_PLUS] = { NO, NO, NO, NO, X(4, STR), X(5, STR), X(6, SCR), X(6, SCR), X(8, SCR),
			  NO },
	[FSM_TO_MINUS] = { NO, NO, NO, NO, X(2, TLF), X(3, TLF), X(3, TLF), X(3, TLF), X(3, TLF),
			   NO },
	[FSM_RCR_PLUS] = { NO, NO, X(2, STA), X(8, IRC | SCR | SCA), X(4, 0), X(5, 0), X(8, SCA),
			   X(9, SCA | TLU), X(8, SCA), X(8, TLD | SCR | SCA) },
	[FSM_RCR_MINUS] = { NO, NO, X(2, STA), X(6, IRC | SCR | SCA), X(4, 0), X(5, 0), X(6, SCA),
			    X(7, SCA), X(6, SCA), X(6, TLD | SCR | SCA) },
	[FSM_RCA] = { NO, NO, X(2, STA), X(3, STA), X(4, 0), X(5, 0), X(7, IRC), X(6, SCR),
		      X(9, IRC | TLU), X(6, TLD | SCR) },
	[FSM_RCN] = { NO, NO, X(2, STA), X(3, STA), X(4, 0), X(5, 0), X(6, IRC | SCR), X(6, SCR),
		      X(8, IRC | SCR), X(6, TLD | SCR) },
	[FSM_RTR] = { NO, NO, X(2, STA), X(3, STA), X(4, STA), X(5, STA), X(6, STA), X(6, STA),
		      X(6, STA), X(5, TLD | ZRC | STA) },
	[FSM_RTA] = { NO, NO, X(2, 0), X(3, 0), X(2, TLF), X(3, TLF), X(6, 0), X(6, 0), X(8, 0),
		      X(6, TLD | SCR) },
	[FSM_RUC] = { NO, NO, X(2, SCJ), X(3, SCJ), X(4, SCJ), X(5, SCJ), X(6, SCJ), X(7, SCJ),
		      X(8, SCJ), X(9, SCJ) },
	[FSM_RXJ_MINUS] = { NO, NO, X(2, TLF), X(3, TLF), X(2, TLF), X(3, TLF), X(3, TLF),
			    X(3, TLF), X(3, TLF), X(5, TLD | IRT | STR) },
};

void fsm_init(struct fsm *f, const struct fsm_ops *ops, void *ctx,
	      const struct fsm_limits *limits)
{
	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->ctx = ctx;
	f->limits = *limits;
	f->timer_at = UINT64_MAX;
}

/* A repetition keeps the identifier: a late answer to the first one counts. */
static void send_request(struct fsm *f, bool again)
{
	if (f->restarts)
		f->restarts--;
	if (!again)
		f->id++;
	f->sent_len = f->ops->request(f->ctx, f->sent);
	f->timer_at = f->now_ms + f->limits.restart_ms;
	f->ops->send(f->ctx, f, FSM_CONF_REQ, f->id, f->sent, f->sent_len);
}

static void send_terminate(struct fsm *f)
{
	if (f->restarts)
		f->restarts--;
	f->id++;
	f->timer_at = f->now_ms + f->limits.restart_ms;
	f->ops->send(f->ctx, f, FSM_TERM_REQ, f->id, NULL, 0);
}

static void answer_request(struct fsm *f)
{
	if (f->answer_code == FSM_CONF_ACK) {
		memcpy(f->agreed, f->answer, f->answer_len);
		f->agreed_len = f->answer_len;
		f->agreed_id = f->in_id;
		f->has_agreed = true;
	}
	f->ops->send(f->ctx, f, f->answer_code, f->in_id, f->answer, f->answer_len);
}

static bool timer_runs(enum fsm_state state)
{
	return state >= FSM_CLOSING && state <= FSM_ACK_SENT;
}

/* The only place where the state changes. */
void fsm_event(struct fsm *f, uint64_t now_ms, enum fsm_event event)
{
	const struct cell *x = &table[event][f->state];
	uint16_t act = x->act;

	f->now_ms = now_ms;
	if (!(act & LEGAL))
		return;
	f->state = x->next;
	if (!timer_runs(f->state))
		f->timer_at = UINT64_MAX;
	if (act & IRC)
		f->restarts = f->limits.max_configure;
	if (act & IRT)
		f->restarts = f->limits.max_terminate;
	if (act & ZRC) {
		f->restarts = 0;
		f->timer_at = now_ms + f->limits.restart_ms;
	}
	if (act & TLD)
		f->ops->closed(f->ctx);
	if (act & SCR)
		send_request(f, event == FSM_TO_PLUS);
	if (act & SCA)
		answer_request(f);
	if (act & STR)
		send_terminate(f);
	if (act & STA)
		f->ops->send(f->ctx, f, FSM_TERM_ACK, f->in_id, NULL, 0);
	if (act & SCJ)
		f->ops->send(f->ctx, f, FSM_CODE_REJ, ++f->id, f->in, f->in_len);
	if (act & TLF)
		f->ops->finished(f->ctx);
	if (act & TLU) {
		f->opened_at = now_ms;
		f->ops->opened(f->ctx);
	}
}

static void on_request(struct fsm *f, const uint8_t *p, size_t len)
{
	if (f->state == FSM_OPENED) {
		if (f->has_agreed && f->agreed_id == f->in_id && f->agreed_len == len &&
		    !memcmp(f->agreed, p, len) && f->now_ms - f->opened_at <= REPEAT_MS) {
			f->repeats++;
			f->ops->send(f->ctx, f, FSM_CONF_ACK, f->in_id, p, len);
			return;
		}
		f->renegotiations++;
	}
	f->answer_len = 0;
	f->answer_code = f->ops->judge(f->ctx, p, len, f->answer, &f->answer_len);
	if (f->answer_code == FSM_CONF_ACK) {
		memcpy(f->answer, p, len);
		f->answer_len = len;
	}
	fsm_event(f, f->now_ms,
		  f->answer_code == FSM_CONF_ACK ? FSM_RCR_PLUS : FSM_RCR_MINUS);
}

void fsm_input(struct fsm *f, uint64_t now_ms, const uint8_t *p, size_t len)
{
	size_t body;

	f->now_ms = now_ms;
	if (len < 4 || (size_t)(p[2] << 8 | p[3]) > len || (p[2] << 8 | p[3]) < 4) {
		f->malformed++;
		return;
	}
	body = (size_t)(p[2] << 8 | p[3]) - 4;
	if (body > FSM_MAX) {
		f->malformed++;
		return;
	}
	f->in_id = p[1];
	f->in = p;
	f->in_len = body + 4;
	switch (p[0]) {
	case FSM_CONF_REQ:
		on_request(f, p + 4, body);
		break;
	case FSM_CONF_ACK:
		if (p[1] != f->id)
			break;
		if (body != f->sent_len || memcmp(p + 4, f->sent, body) != 0) {
			f->malformed++;
			break;
		}
		fsm_event(f, now_ms, FSM_RCA);
		break;
	case FSM_CONF_NAK:
	case FSM_CONF_REJ:
		if (p[1] != f->id)
			break;
		f->ops->refused(f->ctx, p[0], p + 4, body);
		fsm_event(f, now_ms, FSM_RCN);
		break;
	case FSM_TERM_REQ:
		f->terminates++;
		fsm_event(f, now_ms, FSM_RTR);
		break;
	case FSM_TERM_ACK:
		fsm_event(f, now_ms, FSM_RTA);
		break;
	case FSM_CODE_REJ:
		fsm_event(f, now_ms, FSM_RXJ_MINUS);
		break;
	default: /* numbers from the wire */
		fsm_event(f, now_ms, FSM_RUC);
		break;
	}
	f->in = NULL;
}

void fsm_tick(struct fsm *f, uint64_t now_ms)
{
	if (now_ms < f->timer_at)
		return;
	fsm_event(f, now_ms, f->restarts ? FSM_TO_PLUS : FSM_TO_MINUS);
}
