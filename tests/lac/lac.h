/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_H
#define TESTS_LAC_H

/*
 * A LAC for tests: one `struct lac` is one control connection with its
 * calls. Pure: bytes and time in, callbacks out. It shares no code with the
 * l2tp/ room, so that a misreading of the RFC in one shows against the other.
 *
 * Callbacks may call any lac_*() function on the same object except
 * lac_free(); send() may call none (deliver what it sends later). A call
 * handle is dead once call_down() has returned for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lac;
struct lac_call;

#define LAC_NEVER UINT64_MAX

/* Deviations of real peers from the plain reading of RFC 2661. */
enum lac_dev {
	/* xl2tpd: Nr counts only in a message (or ZLB) with the expected Ns */
	LAC_DEV_NS_EXACT = 1 << 0,
	/* xl2tpd: an Nr beyond what was sent acknowledges all that was sent */
	LAC_DEV_NR_AS_IS = 1 << 1,
	/* OpenL2TP: a duplicate is answered with Nr = its Ns + 1 */
	LAC_DEV_DUP_NR_NEXT = 1 << 2,
	/* accel-ppp, go-l2tp: a message with Nr > last sent + 1 is dropped */
	LAC_DEV_NR_STRICT = 1 << 3,
	/* messages from the future are held back, not discarded */
	LAC_DEV_OOO_QUEUE = 1 << 4,
	/* accel-ppp: a message from the future is answered by a ZLB */
	LAC_DEV_OOO_ACK = 1 << 5,
	/* no slow start: the window is full at once */
	LAC_DEV_NO_SLOW_START = 1 << 6,
	/* every AVP that may be hidden is (needs a secret) */
	LAC_DEV_HIDE = 1 << 7,
	/* asks for sequencing of data (AVP 39) */
	LAC_DEV_SEQ_REQUIRED = 1 << 8,
};

enum lac_peer {
	LAC_PEER_RFC, /* RFC 2661 to the letter, holds future messages */
	LAC_PEER_XL2TPD,
	LAC_PEER_OPENL2TP,
	LAC_PEER_ACCEL,
	LAC_PEER_GO_L2TP,
	LAC_PEER_BNGBLASTER,
	LAC_PEER_L2TPNS,
};
#define LAC_PEERS 7

enum lac_cause {
	LAC_CAUSE_LOCAL,    /* lac_shutdown(), lac_hangup() */
	LAC_CAUSE_PEER,     /* StopCCN, CDN: result, error, text are the peer's */
	LAC_CAUSE_TIMEOUT,  /* retransmissions used up, or call not set up in time */
	LAC_CAUSE_AUTH,     /* the peer's challenge response is wrong or absent */
	LAC_CAUSE_PROTOCOL, /* the peer's message was not acceptable */
	LAC_CAUSE_TUNNEL,   /* a call: its tunnel went down */
};

struct lac_reason {
	enum lac_cause cause;
	uint16_t result; /* sent or received with StopCCN or CDN, else 0 */
	uint16_t error;
	const char *text; /* never NULL */
};

struct lac_ops {
	void (*send)(void *ctx, const uint8_t *bytes, size_t len);
	/* all below may be NULL */
	void (*tunnel_up)(void *ctx);
	void (*tunnel_down)(void *ctx, const struct lac_reason *reason);
	void (*call_up)(void *ctx, struct lac_call *call);
	void (*call_down)(void *ctx, struct lac_call *call, const struct lac_reason *reason);
	void (*data)(void *ctx, struct lac_call *call, const uint8_t *frame, size_t len);
	/* the peer did what no correct peer does; text is one line */
	void (*violation)(void *ctx, const char *text);
};

/* Copied; all pointers in it must stay valid as long as the lac lives. */
struct lac_config {
	const struct lac_ops *ops;
	void *ctx;
	uint32_t (*random)(void *ctx);
	void *random_ctx;
	const char *hostname;
	uint16_t tid;		/* own tunnel ID, 0 = by random for each tunnel */
	uint8_t tid_lane;	/* of two that share a box: 1 takes the even ones, 2 the odd ones, 0 any */
	const char *secret;	/* NULL: no tunnel authentication */
	uint16_t window;	/* advertised receive window */
	uint32_t rtx_first_ms;	/* first retransmission, doubled each time … */
	uint32_t rtx_cap_ms;	/* … up to this */
	unsigned rtx_tries;	/* retransmissions before the tunnel is dead */
	uint32_t hello_ms;	/* silence before a HELLO, 0 = never */
	uint32_t call_setup_ms;	/* ICRQ without ICRP for so long: CDN 10 */
	uint32_t linger_ms;	/* a closed tunnel still answers for so long */
	uint32_t ack_delay_ms;	/* wait for something to carry the ack, 0 = no */
	unsigned dev;		/* enum lac_dev, or-ed */
	bool failover;		/* RFC 4951: says AVP 76 with C, recovers and lets recover */
	uint32_t recovery_ms;	/* what AVP 76 asks the peer to wait */
	bool no_suggestion;	/* lets recover without suggesting numbers (AVP 78) */
	/* the peer may put a HELLO on an Ns it has used before (a peer that
	 * lost its exact state and probes for it) */
	bool allow_hello_probe;
};

/* What one call says of itself; NULL or 0 = a default. */
struct lac_call_params {
	const char *called, *calling;
	uint32_t tx_bps, rx_bps;
	/* ready-made AVPs appended to ICRQ and ICCN as they are */
	const uint8_t *icrq_extra, *iccn_extra;
	size_t icrq_extra_len, iccn_extra_len;
};

struct lac_counters {
	uint64_t sent, received;	/* control messages, ZLBs not counted */
	uint64_t zlb_sent, zlb_received;
	uint64_t retransmissions;
	uint64_t duplicates;		/* Ns already received */
	uint64_t out_of_order;		/* Ns from the future */
	uint64_t zlb_ignored;		/* LAC_DEV_NS_EXACT at work */
	uint64_t nr_invalid;		/* Nr beyond what was sent */
	uint64_t nr_backward;		/* Nr below one already seen */
	uint64_t window_exceeded;	/* Ns beyond the window advertised */
	uint64_t ns_reused;		/* same Ns, another message: VIOLATION */
	uint64_t hello_probes;		/* HELLO on an old Ns where allowed */
	uint64_t malformed;		/* not decodable or against RFC 2661 */
	uint64_t pedantic;		/* wrong M bit, AVP not of this message … */
	uint64_t unexpected;		/* message the state machine has no place for */
	uint64_t stopccn_received, cdn_received, hello_received;
	uint64_t stopccn_sent, cdn_sent, hello_sent;
	uint64_t unknown_tunnel;	/* datagram for a tunnel ID not ours */
	uint64_t unknown_session;	/* control message for no session of ours */
	uint64_t data_sent, data_received;
	uint64_t data_unknown;		/* data for a session that never was */
	uint64_t data_closed;		/* data for a session closed before */
	uint64_t violations;
	uint64_t tunnels_up, tunnels_down, calls_up, calls_down;
	uint64_t recovered;		/* by the peer's recovery tunnel, or by ours */
	uint64_t recoveries_refused;	/* of the peer's */
	uint64_t queries_sent, queries_received; /* sessions in FSQs */
	uint64_t cleared_by_answer;	/* sessions the peer did not have any more */
};

/* Fills in the defaults of RFC 2661; ops, ctx and random are the caller's. */
void lac_config_init(struct lac_config *config);
/* Sets the deviations and the retransmission habit of a known peer. */
void lac_config_peer(struct lac_config *config, enum lac_peer peer);
const char *lac_peer_name(enum lac_peer peer);

struct lac *lac_new(const struct lac_config *config);
/* Frees it and its calls without a word to anybody (a LAC that lost power). */
void lac_free(struct lac *l);

/* Any datagram from the peer, control or data. */
void lac_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len);
/* The same for a data message (T=0) the caller has told apart already. */
void lac_data_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len);
/* Runs what is due; call it at lac_deadline_ms() or later, or at any time. */
void lac_tick(struct lac *l, uint64_t now_ms);
/* When lac_tick() has to be called next; LAC_NEVER: no timer runs. */
uint64_t lac_deadline_ms(const struct lac *l);

/* Opens the tunnel; no-op if it is open or opening. -ENOMEM. */
int lac_open(struct lac *l, uint64_t now_ms);
/* Places a call, opening the tunnel if need be. The handle belongs to l.
 * NULL: out of memory or out of session IDs. params may be NULL and is
 * copied. */
struct lac_call *lac_call(struct lac *l, uint64_t now_ms,
			  const struct lac_call_params *params, void *call_ctx);
/* Ends a call by CDN; call_down() runs before this returns. */
void lac_hangup(struct lac_call *call, uint64_t now_ms, uint16_t result);
/* Ends the tunnel by StopCCN; all calls and tunnel_down() run before this
 * returns; the object may be opened again at once. */
void lac_shutdown(struct lac *l, uint64_t now_ms, uint16_t result);
/* Queues a HELLO now; -ENOTCONN if the tunnel is not up. */
int lac_hello_now(struct lac *l, uint64_t now_ms);

/* The LAC has failed and lost its numbers, but not its tunnel and its calls:
 * opens a recovery tunnel (RFC 4951 3.2). -ENOTCONN: not up, or failover was
 * not agreed on. */
int lac_recover(struct lac *l, uint64_t now_ms);
bool lac_recovering(const struct lac *l);
uint16_t lac_recovery_tid(const struct lac *l);	/* of its recovery tunnel; 0: none */
/* Forgets a call as a LAC does that lost its record; nobody is told. */
void lac_forget_call(struct lac_call *call);

/* One PPP frame (starting at address/control or protocol) to the peer.
 * -ENOTCONN if the call is not up, -EMSGSIZE above 2000 octets. */
int lac_data_send(struct lac_call *call, const uint8_t *frame, size_t len);

const struct lac_counters *lac_counters(const struct lac *l);
bool lac_is_up(const struct lac *l);
bool lac_is_idle(const struct lac *l); /* no tunnel, nothing lingers */
const char *lac_state_name(const struct lac *l);
uint16_t lac_tid(const struct lac *l);
uint16_t lac_peer_tid(const struct lac *l);
/* Control channel: next Ns to send, oldest unacknowledged, next expected. */
uint16_t lac_vs(const struct lac *l);
uint16_t lac_una(const struct lac *l);
uint16_t lac_vr(const struct lac *l);
/* Messages not acknowledged yet, sent or waiting. */
unsigned lac_backlog(const struct lac *l);

unsigned lac_n_calls(const struct lac *l);
/* In the order they were placed; fn may hang up the call it is given. */
void lac_each_call(struct lac *l, void (*fn)(void *ctx, struct lac_call *call), void *fn_ctx);
struct lac_call *lac_find_call(const struct lac *l, uint16_t sid);
bool lac_call_is_up(const struct lac_call *call);
uint16_t lac_call_sid(const struct lac_call *call);
uint16_t lac_call_peer_sid(const struct lac_call *call);
uint32_t lac_call_serial(const struct lac_call *call);
void *lac_call_ctx(const struct lac_call *call);
struct lac *lac_call_lac(const struct lac_call *call);

#endif
