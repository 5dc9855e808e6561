/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_INT_H
#define TESTS_LAC_INT_H

/* What lac.c (tunnel) and lac_call.c (calls) share; nobody else's. */

#include <sys/queue.h>

#include "lac.h"
#include "lac_chan.h"
#include "lac_wire.h"

#define LAC_HASH 256
#define LAC_CLOSED 512	/* session IDs remembered after their end */
#define LAC_MAX_FRAME 2000

enum tstate { T_IDLE, T_WAIT_REPLY, T_ESTABLISHED, T_CLOSING, T_CLOSED };

enum tevent {
	TE_OPEN,
	TE_SCCRP,
	TE_STOPCCN,
	TE_HELLO,
	TE_CLOSE,	/* local */
	TE_DEAD,	/* no answer any more */
	TE_REFUSE,	/* the peer's message ends the tunnel */
	TE_LINGER_END,
};

enum cstate { C_NEW, C_WAIT_TUNNEL, C_WAIT_REPLY, C_ESTABLISHED, C_GONE };

enum cevent {
	CE_RING,
	CE_TUNNEL_UP,
	CE_ICRP,
	CE_CDN,
	CE_SLI,
	CE_HANGUP,	/* local */
	CE_TIMEOUT,
	CE_REFUSE,	/* the peer's message ends the call */
	CE_TUNNEL_DOWN,
	CE_LOST,	/* gone without a message: cleared at a failover */
};

/* The recovery tunnel (RFC 4951): there is one at a time. */
enum rstate {
	R_NONE,
	R_ASKED,	/* we recover: SCCRQ sent */
	R_SCCCN,	/* we recover: SCCCN sent */
	R_ANSWERED,	/* the peer recovers: SCCRP sent */
	R_OVER,		/* lingers */
};

struct lac_call {
	TAILQ_ENTRY(lac_call) all, waiting;
	struct lac_call *next_sid, *next_peer;
	struct lac *l;
	void *ctx;
	enum cstate state;
	uint16_t sid, peer_sid;
	uint32_t serial;
	bool on_waiting, seq;
	uint16_t data_ns;
	uint64_t deadline_ms;
	char called[32], calling[32];
	uint32_t tx_bps, rx_bps;
	uint8_t *extra; /* ICRQ's, then ICCN's */
	size_t icrq_extra, iccn_extra;
};

TAILQ_HEAD(lac_calls, lac_call);

struct lac {
	struct lac_config cfg;
	struct lac_counters n;
	enum tstate state;
	struct lacc *chan, *fresh;
	uint16_t tid, peer_tid;
	uint64_t now_ms, hello_at, linger_until;
	uint8_t challenge[16], peer_response[16];
	bool must_respond;

	bool failover_agreed;
	uint32_t peer_recovery_ms;
	uint64_t patience_until;	/* LAC_NEVER: the peer answers */
	enum rstate rstate;
	struct lacc *rec;
	uint16_t rec_tid, rec_peer_tid;
	bool numbers_lost;		/* of the tunnel: nothing on it is understood */
	uint16_t rec_ns, rec_nr;	/* ours, once recovered */
	uint64_t rec_until, rec_answered;
	uint8_t rec_tie[8], rec_challenge[16];

	struct lacc *ghost;
	uint16_t ghost_tid;
	uint64_t ghost_until;

	struct lac_calls calls, waiting;
	unsigned n_calls;
	struct lac_call *by_sid[LAC_HASH], *by_peer[LAC_HASH];
	uint16_t last_sid;
	uint32_t last_serial;
	uint16_t closed[LAC_CLOSED];
	unsigned n_closed;
};

/* lac.c */
void lac_violation(struct lac *l, const char *text);
void lac_unexpected(struct lac *l, const struct lacw_msg *m);
/* Starts a message to the peer, and hands the finished one to the channel. */
void lac_begin(struct lac *l, struct lacw_buf *b, uint16_t sid, enum lacw_type type);
int lac_finish(struct lac *l, struct lacw_buf *b);
/* Result, error and text of a StopCCN or CDN; the text goes into the buffer. */
struct lac_reason lac_peer_reason(const struct lacw_msg *m, char *text, size_t size);

void lac_lost(struct lac *l, const struct lac_reason *why);
struct lacc *lac_channel(struct lac *l);
uint16_t lac_lane_tid(const struct lac *l, uint16_t tid);
void lac_random(struct lac *l, uint8_t *p, size_t n);

/* lac_failover.c */
void lac_failover_put(struct lac *l, struct lacw_buf *b);   /* AVP 76 of SCCRQ */
void lac_failover_take(struct lac *l, const struct lacw_msg *m); /* of SCCRP */
/* A control message that may belong to the recovery tunnel; false: it does not. */
bool lac_failover_input(struct lac *l, const struct lacw_msg *m, enum lacw_verdict v,
			const uint8_t *bytes, size_t len);
void lac_failover_message(struct lac *l, const struct lacw_msg *m); /* FSQ, FSR */
void lac_failover_tick(struct lac *l);
uint64_t lac_failover_deadline(const struct lac *l);
void lac_failover_end(struct lac *l);	/* the tunnel it would recover is gone */

/* lac_call.c */
void lac_calls_lost(struct lac *l);	/* those not established, RFC 4951 3.3 step I */
void lac_call_lost(struct lac_call *c, const char *text);
void lac_calls_up(struct lac *l);   /* the tunnel is open: place those waiting */
void lac_calls_down(struct lac *l, const char *text);
void lac_calls_tick(struct lac *l); /* ends those not answered in time */
bool lac_call_refuse(struct lac *l, uint16_t sid, const struct lac_reason *why);
void lac_call_message(struct lac *l, const struct lacw_msg *m);
void lac_call_data(struct lac *l, const struct lacw_data *d);
void lac_call_free(struct lac_call *c);

#endif
