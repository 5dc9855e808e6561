/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The L2TPv2 protocol engine (RFC 2661), pure: bytes and time in, actions out.
 *
 * One engine serves one redundancy group.  The caller
 *   - feeds l2tp_input() / l2tp_tick() with the current monotonic time,
 *   - drains l2tp_dirty_next() and checkpoints what it names,
 *   - drains l2tp_action_next() until it returns false (which makes nothing
 *     dirty: acknowledgements that no message carried leave here as ZLBs).
 * It is LNS, LAC or both: tunnels are accepted (select_group()) and opened
 * (l2tp_tunnel_open()), calls of both kinds are taken and placed
 * (l2tp_call_open()) on any of them, as far as the parameters of the tunnel
 * allow.  What is ours and in setup has no record; everything else has one.
 *
 * Nothing here allocates sockets, reads a clock or knows that a standby
 * exists; a standby holds an engine that is passive (see l2tp_activate()).
 *
 * Times are monotonic milliseconds, IDs and ports host order.
 */
#ifndef L2TPHA_L2TP_L2TP_H
#define L2TPHA_L2TP_L2TP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l2tp/endpoint.h"

#define L2TP_PORT 1701
#define L2TP_NAME_MAX 64	/* host, vendor and group names kept, including the NUL */
#define L2TP_TEXT_MAX 256	/* error message text kept, including the NUL */
#define L2TP_MSG_MAX 1460	/* largest control message we build */
#define L2TP_ATTRS_MAX 2048	/* further AVPs of a call that are kept */

struct l2tp;
struct l2tp_tunnel;
struct l2tp_session;

/* RFC 2661 5.7, 7.2: names as printed by show commands. */
enum l2tp_tunnel_state {
	L2TP_TUNNEL_IDLE,
	L2TP_TUNNEL_WAIT_CTL_REPLY,	/* we sent SCCRQ */
	L2TP_TUNNEL_WAIT_CTL_CONN,	/* we sent SCCRP */
	L2TP_TUNNEL_ESTABLISHED,
	L2TP_TUNNEL_CLOSING,		/* StopCCN sent or received, kept 31 s to ack */
};
enum l2tp_session_state {
	L2TP_SESSION_IDLE,
	L2TP_SESSION_WAIT_REPLY,
	L2TP_SESSION_WAIT_CONNECT,	/* ICRP sent */
	L2TP_SESSION_ESTABLISHED,
	L2TP_SESSION_WAIT_TUNNEL,	/* ours; its tunnel is not open yet */
	L2TP_SESSION_WAIT_CS_ANSWER,	/* we dial for the peer */
};
/* What kind of call, and on which side of it are we?  The first is what records of old mean. */
enum l2tp_call {
	L2TP_CALL_IN_LNS,	/* incoming, ICRQ received */
	L2TP_CALL_IN_LAC,	/* incoming, ICRQ sent */
	L2TP_CALL_OUT_LAC,	/* outgoing, OCRQ received: we dial */
	L2TP_CALL_OUT_LNS,	/* outgoing, OCRQ sent: the peer dials */
};
const char *l2tp_call_name(enum l2tp_call call);
const char *l2tp_tunnel_state_name(enum l2tp_tunnel_state state);
const char *l2tp_session_state_name(enum l2tp_session_state state);

/* Why a session of a replicated tunnel is lost with the box that has it. */
enum l2tp_unprotected {
	L2TP_UNPROTECTED_NOT,
	L2TP_UNPROTECTED_DIALOUT,
	L2TP_UNPROTECTED_MULTILINK,	/* a link of a bundle */
	L2TP_UNPROTECTED_RELAY,		/* PPPoE relayed (RFC 3817) */
};
const char *l2tp_unprotected_name(enum l2tp_unprotected why);

/* Where the resynchronisation of a tunnel stands since the last takeover. */
enum l2tp_resync_state {
	L2TP_RESYNC_NONE,		/* there was no takeover */
	L2TP_RESYNC_PROBE,		/* exact numbers: one message is out, its acknowledgement is awaited */
	L2TP_RESYNC_LISTEN,		/* numbers may be behind: what does the peer say? */
	L2TP_RESYNC_DISCOVER,		/* numbers may be behind: HELLOs are out */
	L2TP_RESYNC_RECOVER,		/* RFC 4951: by a recovery tunnel */
	L2TP_RESYNC_RESET,		/* RFC 4951: our numbers are new, the peer has not confirmed yet */
	L2TP_RESYNC_CLEAR,		/* its method allows none: about to be cleared */
	L2TP_RESYNC_DONE,
	L2TP_RESYNC_FAILED,
};
/* What ended it. */
enum l2tp_resync_how {
	L2TP_RESYNC_BY_NONE,
	L2TP_RESYNC_BY_ACK,		/* the peer agreed with exact numbers */
	L2TP_RESYNC_BY_PEER,		/* the peer's own packets told them */
	L2TP_RESYNC_BY_HELLO,		/* HELLOs bridged the uncertainty */
	L2TP_RESYNC_BY_PROTOCOL,	/* RFC 4951 */
};
const char *l2tp_resync_state_name(enum l2tp_resync_state state);
const char *l2tp_resync_how_name(enum l2tp_resync_how how);

/* What PPP saw, RFC 3145: in a CDN. */
struct l2tp_ppp_cause {
	bool present;
	uint16_t code, protocol;
	uint8_t direction;	/* 0 global, 1 at the peer of who says it, 2 at itself */
	char text[L2TP_NAME_MAX];
};

/*
 * Result and error codes: RFC 2661 4.4.2; text may be empty.  What a DOWN action
 * says of one session can be given to l2tp_session_close() of another as it is:
 * causes are carried through.
 */
struct l2tp_result {
	uint16_t result;	/* 0 = none (e.g. retransmissions exhausted, administrative) */
	uint16_t error;
	char text[L2TP_TEXT_MAX];
	bool no_answer;		/* DOWN: the peer said nothing for too long; result is 0 or our own words */
	bool lost_tie;		/* DOWN of a request: the peer's own came first, or both go; it may be asked again */
	uint32_t vendor;	/* error 6: the vendor its text begins with, 0: none; 9 Cisco (session limit) */
	uint16_t q931_cause;	/* CDN: AVP 12, 0: none */
	uint8_t q931_message;
	struct l2tp_ppp_cause ppp;
};
/* Do these codes tell a LAC to try another LNS (Extended Failover)?  `call`: they came in a CDN. */
bool l2tp_result_try_another(const struct l2tp_result *result, bool call);
/* Where to, if they say: the addresses of a "try another (directed)"; ports are 1701. Returns how many. */
size_t l2tp_result_addresses(const struct l2tp_result *result, struct l2tp_endpoint *out, size_t max);

/* How a LAC is told that we are full, besides StopCCN or CDN with result 2 and ... */
enum l2tp_busy {
	L2TP_BUSY_RESOURCES,	/* ... error 4 */
	L2TP_BUSY_TRY_ANOTHER,	/* ... error 7 */
	L2TP_BUSY_DIRECTED,	/* ... error 9 and a list of addresses */
	L2TP_BUSY_TEMPORARY,	/* CDN 4; for a tunnel as RESOURCES */
};

/*
 * What becomes of a tunnel of ours whose responder answers from another UDP
 * port or address than we asked (RFC 2661 8.1 allows another port).  Once
 * established, neither changes any more, and nobody else is heard.
 */
enum l2tp_peer_change {
	L2TP_PEER_CHANGE_PORT,		/* another port is taken for the tunnel, another address is not heard */
	L2TP_PEER_CHANGE_ACCEPT,	/* both are */
	L2TP_PEER_CHANGE_IGNORE,	/* the answer is heard, we go on sending to where we asked */
	L2TP_PEER_CHANGE_REJECT,	/* the tunnel is closed with a StopCCN */
};

/*
 * How a tunnel is resynchronised after a failover of ours: the four methods
 * of JunosE, and "not said" where a wider scope decides (the engine takes it
 * for silent).  Fixed when the tunnel is set up.
 */
enum l2tp_failover {
	L2TP_FAILOVER_UNSET,
	L2TP_FAILOVER_DISABLE,		/* no resynchronisation: such tunnels are cleared */
	L2TP_FAILOVER_PROTOCOL,		/* RFC 4951; a peer without it loses the tunnel */
	L2TP_FAILOVER_PROTOCOL_SILENT,	/* RFC 4951, silently where the peer lacks it */
	L2TP_FAILOVER_SILENT,		/* silently; the peer sees no new AVP */
};

/* ---- configuration ------------------------------------------------------ */

/* Of the packets of a tunnel and its sessions; for the caller, who makes the data plane. */
struct l2tp_transport {
	uint8_t tos;		/* type of service or traffic class; the two bits of ECN are 0 */
	bool no_checksum;	/* no UDP checksum, and over IPv6 none is asked of the peer */
	bool drop_late;		/* numbered data that was overtaken is not waited for */
};

/*
 * What a tunnel is given when it is set up: from the VPDN group that the
 * caller's select_group() picked.  Copied into the tunnel.
 */
struct l2tp_tunnel_params {
	char group[L2TP_NAME_MAX];	/* VPDN group name */
	char local_name[L2TP_NAME_MAX];	/* Host Name AVP we send */
	char secret[L2TP_NAME_MAX];	/* empty: none */
	bool authenticate;		/* challenge the peer (needs secret) */
	uint16_t receive_window;	/* AVP 10 we send; 1..; already reduced for HA tunnels */
	uint16_t hello_s;		/* 0 = off; default 60 */
	uint8_t retransmit_retries;	/* default 10 (facts 8.4), RFC recommends 5 */
	uint8_t retransmit_min_s;	/* first timeout, default 1 */
	uint8_t retransmit_max_s;	/* cap, default 8 */
	uint16_t setup_timeout_s;	/* half-open tunnel or session, default 10 */
	bool ha;			/* "sso enable": replicated */
	uint32_t session_limit;		/* of this tunnel; 0 = none */
	uint32_t no_session_s;		/* an established tunnel without a session is closed after; 0 = never */
	enum l2tp_failover failover;
	uint32_t recovery_ms;		/* AVP 76: how long the peer shall wait for our recovery */
	bool hide;			/* AVPs of calls that may be hidden are (RFC 2661 4.3; needs secret) */
	bool hide_setup;		/* those of the tunnel's setup, too: xl2tpd does not know the secret by then */
	uint32_t bearer;		/* AVP 4 we send, 1 digital, 2 analog; 0: none, we place no calls */
	bool accept_dialout;		/* OCRQ is taken: the caller dials, see L2TP_ACTION_CALL_REQUEST */
	bool refuse_dialin;		/* ICRQ is not */
	enum l2tp_busy busy;		/* what is said at a limit */
	char busy_peers[L2TP_TEXT_MAX];	/* L2TP_BUSY_DIRECTED: "192.0.2.1, [2001:db8::1]" */
	uint32_t framing_without;	/* AVP 3 we send leaves out: 1 synchronous, 2 asynchronous */
	struct l2tp_transport transport;

	/* Of tunnels we open; nothing of this is replicated. */
	bool tie_break;			/* one tunnel with this peer is enough: of two requests that cross one stays */
	enum l2tp_peer_change peer_change;
	uint8_t initial_retries, initial_min_s, initial_max_s; /* retransmission of the SCCRQ; 0: as the others */
};

struct l2tp_sccrq_info {		/* what select_group() may look at */
	struct l2tp_endpoint local, peer;
	const char *peer_name;
	const char *vendor_name;
};

struct l2tp_ops {
	void *ctx;
	/* fills *params; false = refuse with StopCCN 4 (not authorised) */
	bool (*select_group)(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params);
	/* unpredictable octets (IDs, challenges): RFC 2661 9.1 */
	void (*random)(void *ctx, void *buf, size_t len);
	/*
	 * Limits of the caller; both may be NULL.  False: `why` is told to the peer in
	 * the words of the tunnel's `busy`.  Not asked when a peer recovers a tunnel.
	 */
	bool (*admit_tunnel)(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
			     char why[L2TP_TEXT_MAX]);
	bool (*admit_call)(void *ctx, uint16_t tunnel_id, char why[L2TP_TEXT_MAX]);
};

struct l2tp_config {
	uint16_t id_min, id_max;	/* tunnel IDs of this engine: unique per box, so groups have ranges */
	uint32_t max_tunnels;		/* 0 = as many as IDs */
	uint32_t max_half_open;		/* tunnels in setup, all peers; 0: the default 500 */
	uint32_t max_half_open_per_peer;/* 0: the default 50 */
	uint32_t max_calls_setup;	/* calls in setup that peers asked for, all of them; 0 = no limit */
	uint32_t max_calls_setup_per_peer; /* 0 = no limit */
	const char *vendor_name;	/* AVP 8; NULL: none */
	uint16_t firmware;		/* AVP 6 */
};

struct l2tp *l2tp_new(const struct l2tp_config *config, const struct l2tp_ops *ops);
void l2tp_free(struct l2tp *l2tp);
/* The max_ fields of `limits` hold from now on; nothing that is up is touched. */
void l2tp_set_limits(struct l2tp *l2tp, const struct l2tp_config *limits);

/* ---- input -------------------------------------------------------------- */

/*
 * One UDP payload that arrived at `local` from `peer`.  Data messages (T=0)
 * are counted and ignored.  Malformed headers are discarded (RFC 2661 7.1).
 * A passive engine counts and ignores everything.
 */
void l2tp_input(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		const struct l2tp_endpoint *peer, const uint8_t *data, size_t len);
void l2tp_tick(struct l2tp *l2tp, uint64_t now_ms);
/* Next time l2tp_tick() has work; UINT64_MAX = none. */
uint64_t l2tp_deadline_ms(const struct l2tp *l2tp);

/*
 * Asks `peer` for a tunnel.  What comes of it is an action: TUNNEL_UP, or
 * TUNNEL_DOWN that was not established, with what the peer's StopCCN said or
 * no_answer.  When the peer's own request wins a tie it is TUNNEL_DOWN by the
 * peer with result 0, and another tunnel comes up.  *tunnel_id is our ID.
 * -EINVAL: passive, an endpoint is not complete, or authentication without a
 * secret; -ENOSPC: no tunnel more; -ENOMEM.
 */
int l2tp_tunnel_open(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		     const struct l2tp_endpoint *peer, const struct l2tp_tunnel_params *params, uint16_t *tunnel_id);

/* The data plane for a tunnel/session that an action asked for failed: CDN / StopCCN with this code. */
void l2tp_session_close(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_result *result);
void l2tp_tunnel_close(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_result *result);

/* No new calls on it, of either side; or again. */
void l2tp_tunnel_drain(struct l2tp_tunnel *tunnel, bool drain);

/* ---- calls --------------------------------------------------------------- */

/* An attribute as it is on the wire, plain. */
struct l2tp_avp {
	uint16_t vendor, attr;
	const void *value;
	size_t len;
};
#define L2TP_VENDOR_ACCESS_LINE 3561	/* RFC 5515 */
/* Of vendor 0, RFC 3437: what a LAC asks of LCP, and what came of it. */
enum { L2TP_AVP_LCP_WANT = 49, L2TP_AVP_LCP_ALLOW, L2TP_AVP_LNS_SENT, L2TP_AVP_LNS_RECEIVED };

struct l2tp_call_params {
	uint32_t call_serial;		/* 0: the engine counts */
	uint32_t bearer_type;		/* 1 digital, 2 analog; an outgoing call needs one */
	uint32_t framing_type;		/* 1 synchronous, 2 asynchronous; 0 is 1 */
	uint32_t tx_speed, rx_speed;	/* bit/s as the LAC sees it; rx 0: the same */
	uint32_t physical_channel;	/* 0: none */
	uint32_t minimum_bps, maximum_bps; /* outgoing */
	const char *called, *calling, *sub_address; /* NULL: none */
	bool sequencing_required;
	bool csu_enabled;		/* AVP 98 */
	/* Proxy LCP and authentication 26-33, private group 37, LCP options 49 and 50; access line AVPs of vendor 3561. */
	const struct l2tp_avp *avps;
	size_t avp_count;
};
/*
 * A call of ours: IN_LAC (somebody is here for the peer) or OUT_LNS (the peer
 * shall dial).  Waits for the tunnel if that is still in setup.  What comes of
 * it is SESSION_UP, or SESSION_DOWN that was not established with what the
 * peer's CDN said.  -EINVAL: passive, or params that such a call cannot have;
 * -ENOTCONN: the tunnel is closing; -EAGAIN: it is in resync; -ENOSPC: its
 * session limit, or no ID, or it is drained; -EOPNOTSUPP: the peer has no such bearer or framing.
 */
int l2tp_call_open(struct l2tp_tunnel *tunnel, uint64_t now_ms, enum l2tp_call call,
		   const struct l2tp_call_params *params, uint16_t *session_id);
/* OUT_LAC: who was dialled has answered; speeds, framing and further AVPs count.  Otherwise l2tp_session_close(). */
int l2tp_call_answer(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_call_params *params);
/* As LNS: the character maps that LCP agreed on (SLI). */
int l2tp_session_send_accm(struct l2tp_session *session, uint64_t now_ms, uint32_t send, uint32_t receive);
/*
 * The same, with what LCP agreed on: the options of the last Configure-Requests
 * sent and received (RFC 3437 2.3; NULL: not said).  A LAC that named options in
 * AVP 49 or 50 is told so.
 */
struct l2tp_lcp {
	uint32_t send_accm, receive_accm;	/* 0xffffffff: the default */
	const uint8_t *sent, *received;
	size_t sent_len, received_len;
};
int l2tp_session_send_lcp(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_lcp *lcp);
/*
 * As LAC: errors since the call is up (WEN): CRC, framing, hardware overrun,
 * buffer overrun, timeout, alignment.  -EAGAIN: less than 60 s after the last.
 */
int l2tp_session_send_errors(struct l2tp_session *session, uint64_t now_ms, const uint32_t errors[6]);
/*
 * RFC 5515.  As LAC: the line of the call has other speeds now (CSUN); -EINVAL:
 * it was set up without csu_enabled.  As LNS: what are they, of all calls whose
 * LAC would say (CSURQ)?  Done by the engine itself after an RFC 4951 recovery.
 */
int l2tp_session_send_speed(struct l2tp_session *session, uint64_t now_ms, uint32_t tx_speed, uint32_t rx_speed);
void l2tp_tunnel_query_speeds(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* One further AVP of the call, ours or the peer's; NULL: it was not there. Valid until the session changes. */
const uint8_t *l2tp_session_avp(const struct l2tp_session *session, uint16_t vendor, uint16_t attr, size_t *len);
/* All of them: *at starts as 0; false: no more. */
bool l2tp_session_avp_next(const struct l2tp_session *session, size_t *at, struct l2tp_avp *avp);

/* From here on no standby hears of it; what it was told is taken back. */
void l2tp_session_unprotect(struct l2tp_session *session, enum l2tp_unprotected why);

/* ---- actions ------------------------------------------------------------ */

enum l2tp_action_type {
	L2TP_ACTION_SEND,		/* a control packet; order matters */
	L2TP_ACTION_TUNNEL_UP,		/* established: needs its data plane */
	L2TP_ACTION_TUNNEL_DOWN,	/* left established (or setup failed): drop data plane; sessions went first */
	L2TP_ACTION_SESSION_UP,		/* established: needs data plane and PPP */
	L2TP_ACTION_SESSION_DOWN,
	L2TP_ACTION_RESYNC_DONE,	/* this tunnel's resync ended: `resync_ok` */
	L2TP_ACTION_CALL_REFUSED,	/* for the failure history; session is NULL, see result/text */
	L2TP_ACTION_CALL_REQUEST,	/* the peer wants us to dial: l2tp_call_answer() or l2tp_session_close() */
	L2TP_ACTION_WEN,		/* from the LAC, `numbers`: as in l2tp_session_send_errors() */
	L2TP_ACTION_SLI,		/* from the LNS, `numbers`: send and receive ACCM; AVPs 51, 52 of the call */
	L2TP_ACTION_SPEED,		/* the LAC told new speeds (RFC 5515): the session has them, `numbers` too: tx, rx */
};
struct l2tp_action {
	enum l2tp_action_type type;
	uint16_t tunnel_id;		/* our ID; 0 for a reply that belongs to no tunnel */
	uint16_t session_id;		/* our ID */
	struct l2tp_endpoint local, peer; /* SEND */
	const uint8_t *data;		/* SEND; valid until the next l2tp_action_next() */
	size_t len;
	struct l2tp_result result;	/* DOWN, REFUSED */
	bool by_peer;			/* DOWN: the peer closed it */
	bool was_established;		/* DOWN */
	bool resync_ok;
	uint32_t numbers[6];		/* WEN, SLI */
};
bool l2tp_action_next(struct l2tp *l2tp, struct l2tp_action *action);

/* ---- state to checkpoint (facts 10.5) ----------------------------------- */
/*
 * Whole objects.  Export copies the live object out; import makes the same
 * object in a passive engine (replacing one with the same key).  The channel
 * is apart from the tunnel because it changes with every message; queued
 * messages are apart from the channel because each is written once.
 */
struct l2tp_tunnel_state_rec {
	uint16_t local_id, peer_id;
	struct l2tp_endpoint local, peer;
	enum l2tp_tunnel_state state;
	bool initiator;
	struct l2tp_tunnel_params params;
	char peer_name[L2TP_NAME_MAX], peer_vendor[L2TP_NAME_MAX];
	uint16_t peer_firmware, peer_window;
	uint32_t peer_framing, peer_bearer;
	uint64_t established_unix_ms;	/* wall clock given by the caller through l2tp_set_wall_offset() */
	uint16_t failover_sent, failover_received; /* bits of AVP 76 (RFC 4951 5.1); 0: there was none */
	uint32_t peer_recovery_ms;
	bool draining;			/* no new calls */
	bool challenged;		/* half-open only: we wait for the answer to this */
	uint8_t challenge[16];
};
struct l2tp_channel_state {
	uint16_t vs;		/* next Ns to assign (queued but unsent messages have theirs already) */
	uint16_t una;		/* oldest unacknowledged */
	uint16_t vr;		/* next Ns expected: the Nr we send */
	bool behind;		/* the peer may have seen more: they are being learnt, l2tp/resync.c */
};
struct l2tp_session_state_rec {
	uint16_t local_id, peer_id, tunnel_id;
	enum l2tp_session_state state;
	uint32_t call_serial, bearer_type, framing_type, tx_speed, rx_speed, physical_channel;
	char called[L2TP_NAME_MAX], calling[L2TP_NAME_MAX], sub_address[L2TP_NAME_MAX];
	bool sequencing_required;	/* AVP 39 */
	bool csu_enabled;		/* AVP 98 seen (RFC 5515) */
	enum l2tp_call call;
	uint16_t attrs_len;		/* further AVPs: attrs.c */
	uint8_t attrs[L2TP_ATTRS_MAX];
	enum l2tp_unprotected unprotected; /* not NOT: no standby may have a record of it */
	uint64_t established_unix_ms;
};

enum l2tp_dirty_type {
	L2TP_DIRTY_TUNNEL,	/* tunnel_id changed; gone if l2tp_tunnel_find() no longer knows it (or it is closing) */
	L2TP_DIRTY_CHANNEL,	/* vs, una or vr of tunnel_id changed */
	L2TP_DIRTY_MESSAGE,	/* message `ns` of tunnel_id was queued; fetch with l2tp_message() */
	L2TP_DIRTY_MESSAGE_ACKED, /* message `ns` left the queue */
	L2TP_DIRTY_SESSION,
};
struct l2tp_dirty {
	enum l2tp_dirty_type type;
	uint16_t tunnel_id, session_id, ns;
};
/*
 * Each object is named once per drain; order: creation before use.  Only
 * tunnels with params.ha and what belongs to them are named.  A tunnel that
 * goes names its sessions and queued messages (as acked) first, its channel never.
 */
bool l2tp_dirty_next(struct l2tp *l2tp, struct l2tp_dirty *dirty);

/* Also finds closing ones (and l2tp_tunnel_next() names them): look at the state before checkpointing. */
struct l2tp_tunnel *l2tp_tunnel_find(struct l2tp *l2tp, uint16_t local_id);
struct l2tp_session *l2tp_session_find(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t session_id);
void l2tp_tunnel_export(const struct l2tp_tunnel *tunnel, struct l2tp_tunnel_state_rec *state);
void l2tp_channel_export(const struct l2tp_tunnel *tunnel, struct l2tp_channel_state *state);
void l2tp_session_export(const struct l2tp_session *session, struct l2tp_session_state_rec *state);
/* The whole encoded message (header included; its Nr is rewritten when sent). NULL if not queued. */
const uint8_t *l2tp_message(const struct l2tp_tunnel *tunnel, uint16_t ns, size_t *len);

/*
 * Is there to be a record of it?  Not of a tunnel of ours before the peer's
 * answer, nor of a call before both IDs are known and while we dial for the
 * peer; those end with the box.  (Whether a standby gets it, params.ha says.)
 */
bool l2tp_tunnel_recorded(const struct l2tp_tunnel *tunnel);
bool l2tp_session_recorded(const struct l2tp_session *session);

/* Import into a passive engine. -EINVAL: inconsistent (nothing changed), -ENOMEM. */
int l2tp_tunnel_import(struct l2tp *l2tp, const struct l2tp_tunnel_state_rec *state);
int l2tp_channel_import(struct l2tp *l2tp, uint16_t tunnel_id, const struct l2tp_channel_state *state);
int l2tp_message_import(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t ns, const uint8_t *data, size_t len);
int l2tp_session_import(struct l2tp *l2tp, const struct l2tp_session_state_rec *state);
/* Forget without a packet or an action (standby: the record was deleted; demotion: everything). */
void l2tp_tunnel_forget(struct l2tp *l2tp, uint16_t tunnel_id);
void l2tp_session_forget(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t session_id);
void l2tp_forget_all(struct l2tp *l2tp);

/* ---- role --------------------------------------------------------------- */
/*
 * An engine starts passive: it emits nothing and its timers stand still.
 * l2tp_activate(): every tunnel enters resync: it retransmits its queue head,
 * or a HELLO when the queue is empty, and is resynced by the first packet of
 * the peer that is acceptable (an ack, or new input).  An ICRQ in that time is
 * answered with CDN 2/4 "Tunnel in HA resync (611)".  Queue heads go first,
 * HELLOs after them, 1000 in 100 ms.  Half-open tunnels and sessions that were
 * imported are kept and go on; soft state restarts conservatively (CWND 1,
 * tries 0).
 */
void l2tp_activate(struct l2tp *l2tp, uint64_t now_ms);
/*
 * The same with records that may be older than what the peers have seen (BEHIND):
 * numbers are then learnt before anything new is said, l2tp/resync.c.
 */
enum l2tp_knowledge {
	L2TP_KNOWLEDGE_EXACT,
	L2TP_KNOWLEDGE_BEHIND,
};
/* Before a takeover: which owner of the tunnels this is, so that it chooses other IDs than those before it. */
void l2tp_set_epoch(struct l2tp *l2tp, uint64_t epoch);
void l2tp_take_over(struct l2tp *l2tp, uint64_t now_ms, enum l2tp_knowledge knowledge);
void l2tp_passivate(struct l2tp *l2tp);
bool l2tp_active(const struct l2tp *l2tp);
void l2tp_set_wall_offset(struct l2tp *l2tp, int64_t unix_minus_monotonic_ms);

/* ---- looking at it (show commands) -------------------------------------- */
struct l2tp_tunnel_info {
	struct l2tp_tunnel_state_rec s;
	struct l2tp_channel_state channel;
	uint32_t sessions;		/* all of the tunnel */
	bool resync;			/* in resync now */
	enum l2tp_resync_state resync_state;
	enum l2tp_resync_how resync_how;
	uint32_t resync_ms;		/* how long it took; 0 while it runs */
	uint32_t unsent, unacked, max_unacked;
	uint16_t cwnd;
	uint64_t retransmits, zlb_sent, duplicates, out_of_order, rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t since_ms;		/* monotonic time of the last state change */
};
void l2tp_tunnel_info(const struct l2tp_tunnel *tunnel, struct l2tp_tunnel_info *info);
/* Iteration in ID order: 0 starts; returns the next ID greater than `after`, 0 = no more. */
uint16_t l2tp_tunnel_next(const struct l2tp *l2tp, uint16_t after);
uint16_t l2tp_session_next(const struct l2tp *l2tp, uint16_t tunnel_id, uint16_t after);

struct l2tp_counters {
	uint32_t tunnels, tunnels_established, sessions, sessions_established;
	uint32_t ha_tunnels, ha_tunnels_established, ha_sessions, ha_sessions_established, resync;
	uint32_t unprotected_sessions;	/* of replicated tunnels */
	uint64_t rx_packets, tx_packets, rx_malformed, rx_unknown_tunnel, rx_data, rx_refused, rx_passive;
	uint64_t resync_ok, resync_failed;
};
void l2tp_counters(const struct l2tp *l2tp, struct l2tp_counters *counters);
/* Sessions, and tunnels that do not close, of the VPDN group (l2tp_tunnel_params.group). */
void l2tp_group_usage(const struct l2tp *l2tp, const char *group, uint32_t *tunnels, uint32_t *sessions);

#endif
