/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_PPP_FSM_H
#define TESTS_LAC_PPP_FSM_H

/* The option negotiation automaton of RFC 1661 §4, used by ppp.c for LCP and
 * IPCP. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FSM_MAX 512 /* octets of options looked at or sent */

enum fsm_state {
	FSM_INITIAL,
	FSM_STARTING,
	FSM_CLOSED,
	FSM_STOPPED,
	FSM_CLOSING,
	FSM_STOPPING,
	FSM_REQ_SENT,
	FSM_ACK_RCVD,
	FSM_ACK_SENT,
	FSM_OPENED,
};

enum fsm_event {
	FSM_UP,
	FSM_DOWN,
	FSM_OPEN,
	FSM_CLOSE,
	FSM_TO_PLUS,	/* timeout with restarts left */
	FSM_TO_MINUS,	/* timeout, restarts used up */
	FSM_RCR_PLUS,
	FSM_RCR_MINUS,
	FSM_RCA,
	FSM_RCN,
	FSM_RTR,
	FSM_RTA,
	FSM_RUC,
	FSM_RXJ_MINUS,	/* a code or the protocol we need is rejected */
};

enum fsm_code {
	FSM_CONF_REQ = 1,
	FSM_CONF_ACK = 2,
	FSM_CONF_NAK = 3,
	FSM_CONF_REJ = 4,
	FSM_TERM_REQ = 5,
	FSM_TERM_ACK = 6,
	FSM_CODE_REJ = 7,
};

struct fsm;

struct fsm_ops {
	void (*send)(void *ctx, struct fsm *f, uint8_t code, uint8_t id, const uint8_t *p,
		     size_t len);
	/* Own options; returns their length (at most FSM_MAX). */
	size_t (*request)(void *ctx, uint8_t *p);
	/* Judges the peer's options; the options of the answer go to out, its
	 * code is returned. */
	enum fsm_code (*judge)(void *ctx, const uint8_t *p, size_t len, uint8_t *out,
			       size_t *out_len);
	/* The peer's view of our options. */
	void (*refused)(void *ctx, enum fsm_code code, const uint8_t *p, size_t len);
	void (*opened)(void *ctx);   /* This-Layer-Up */
	void (*closed)(void *ctx);   /* This-Layer-Down */
	void (*finished)(void *ctx); /* This-Layer-Finished */
};

struct fsm_limits {
	uint32_t restart_ms;
	unsigned max_configure, max_terminate;
};

/* Filled by fsm_init(); only fsm_*() writes to it. */
struct fsm {
	const struct fsm_ops *ops;
	void *ctx;
	struct fsm_limits limits;
	enum fsm_state state;
	uint8_t id;		/* of our last request */
	unsigned restarts;
	uint64_t now_ms, timer_at, opened_at;
	uint8_t sent[FSM_MAX];	/* our last Configure-Request */
	size_t sent_len;
	uint8_t agreed[FSM_MAX]; /* the peer's last acknowledged request */
	size_t agreed_len;
	uint8_t agreed_id;
	bool has_agreed;
	/* the answer to the packet in hand */
	uint8_t in_id, answer_code, answer[FSM_MAX];
	size_t answer_len;
	const uint8_t *in;
	size_t in_len;
	/* what a test asserts */
	uint64_t renegotiations, repeats, terminates, malformed;
};

void fsm_init(struct fsm *f, const struct fsm_ops *ops, void *ctx,
	      const struct fsm_limits *limits);
/* Lower layer up or down, administrative open or close. */
void fsm_event(struct fsm *f, uint64_t now_ms, enum fsm_event event);
/* A packet with a code of enum fsm_code or an unknown one (code, id, length…). */
void fsm_input(struct fsm *f, uint64_t now_ms, const uint8_t *p, size_t len);
void fsm_tick(struct fsm *f, uint64_t now_ms);

#endif
