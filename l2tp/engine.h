/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the engine share; the public face is l2tp.h. */
#ifndef L2TPHA_L2TP_ENGINE_H
#define L2TPHA_L2TP_ENGINE_H

#include "l2tp/channel.h"
#include "l2tp/endpoint.h"
#include "l2tp/l2tp.h"
#include "l2tp/message.h"
#include "l2tp/timer.h"

#define L2TP_LINGER_MS 31000		/* RFC 2661 5.7: one full retransmission cycle */
#define L2TP_TUNNEL_IDS 65536
#define L2TP_PEER_BUCKETS 4096

/* ---- objects ------------------------------------------------------------ */

struct l2tp_session {
	struct l2tp_tunnel *tunnel;
	struct l2tp_session *next, *prev;	/* half-open ones of the tunnel, oldest first */
	uint64_t setup_deadline_ms;		/* while half-open */
	uint64_t established_unix_ms;
	char *texts;				/* called, calling, sub-address: three strings; NULL: all empty */
	uint32_t call_serial, bearer_type, framing_type, tx_speed, rx_speed, physical_channel;
	uint16_t local_id, peer_id;
	uint8_t state;				/* enum l2tp_session_state */
	uint8_t unprotected;			/* enum l2tp_unprotected */
	uint8_t call;				/* enum l2tp_call */
	uint16_t attrs_len;
	uint8_t *attrs;				/* further AVPs: attrs.c */
	uint64_t wen_ms;			/* when we last told errors; 0: never */
	bool sequencing_required, csu_enabled;
	bool dirty;
	bool half_open;				/* on the tunnel's list */
	bool queried, stale;			/* RFC 4951 3.3: an FSQ about it is out; paired differently by the peer */
};

/* Sessions by local_id: index.c. */
struct session_index {
	struct l2tp_session **at;
	uint16_t *ids;				/* of each slot; 0: free */
	uint32_t homes, slots;
};

/* resync.c */
struct resync {
	enum l2tp_resync_state state;
	enum l2tp_resync_how how;
	uint64_t start_ms, end_ms;
	uint64_t listen_ms, settle_ms, limit_ms;	/* CHANNEL_NEVER when not running */
	uint16_t base;			/* vs of the records: the real one is no lower */
	uint16_t hello_end;		/* one past the HELLOs that bridge the uncertainty */
	uint16_t beyond_nr;		/* an unlikely Nr that waits for a second witness */
	uint16_t early_left;		/* so many numbers ahead the peer may hold messages of the owner before */
	uint64_t heard_ms;		/* when heard_ns came first */
	uint16_t heard_ns, zlb_ns;	/* lowest Ns the peer sent above our vr; the one of its ZLBs */
	bool beyond, heard, zlb;	/* the three above are set */
	bool heard_again;		/* heard_ns came twice: its sender goes on sending it */
	bool vs_known, vr_known;
};

/* failover.c */
struct recovery {
	uint16_t old_id, old_peer_id;	/* of a recovery tunnel: which tunnel it recovers; 0: it is an ordinary one */
	uint16_t by_id;			/* of a tunnel being recovered: the recovery tunnel that we asked for; 0: none */
	uint16_t answered_id;		/* ... the last one that the peer asked for; 0: none */
	uint16_t vs, vr;		/* of a recovery tunnel: numbers of the recovered one */
	bool finished;			/* of a recovery tunnel: it has done, or lost, its purpose */
	uint8_t asked;			/* ... how often we did since the takeover */
	uint32_t order;			/* which request of the peer it is; of a tunnel being recovered: the last one */
	uint32_t done;			/* of a tunnel that was recovered: by which request */
	uint8_t tie_breaker[8];
};

/* What a VPDN group has: usage.c.  Stays as long as the engine. */
struct usage {
	struct usage *next;
	char group[L2TP_NAME_MAX];
	uint32_t tunnels, sessions;
};

struct l2tp_tunnel {
	struct l2tp *l2tp;
	struct usage *usage;			/* of its VPDN group; NULL: no memory, it is not counted */
	uint16_t local_id, peer_id;
	struct l2tp_endpoint local, peer;
	enum l2tp_tunnel_state state;
	bool initiator;
	struct l2tp_tunnel_params params;
	char peer_name[L2TP_NAME_MAX], peer_vendor[L2TP_NAME_MAX];
	uint16_t peer_firmware, peer_window;
	uint32_t peer_framing, peer_bearer;
	uint64_t established_unix_ms;
	uint16_t failover_sent, failover_received;
	uint32_t peer_recovery_ms;
	bool draining;
	bool challenged;
	uint8_t challenge[AVP_AUTH_LEN];
	uint8_t tie_breaker[8];			/* of our SCCRQ, where params.tie_break */
	struct l2tp_endpoint answers_from;	/* L2TP_PEER_CHANGE_IGNORE: where the peer really is; unset: where we asked */

	struct channel channel;
	struct timer timer;
	uint64_t since_ms, last_rx_ms, empty_ms;	/* empty: its last session went */
	uint64_t setup_deadline_ms, linger_deadline_ms;	/* CHANNEL_NEVER when not running */
	uint64_t zlb_sent, rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t sccrq_digest;			/* tells a repeated SCCRQ from a new one */
	uint64_t patience_ms;			/* RFC 4951: the silent peer may recover until then */
	struct resync resync;
	struct recovery recovery;
	uint32_t queries;			/* sessions whose FSR is awaited */
	bool ack_due;				/* on l2tp->ack_due */
	bool overflow;				/* the send queue is full: the peer counts as dead */
	bool dirty, channel_dirty;
	bool behind;				/* its numbers are being learnt, or were when its owner was lost */

	struct session_index sessions;
	uint32_t session_count, session_established;
	struct l2tp_session *half_open_first, *half_open_last;
	uint64_t session_id_key;		/* permutes the counter into unpredictable IDs */
	uint16_t session_id_counter;

	struct l2tp_tunnel *peer_next;		/* chain in l2tp->by_peer */
	struct l2tp_tunnel *closing_next, *closing_prev;	/* oldest first */
	struct l2tp_tunnel *request_next, *request_prev;	/* while its SCCRQ is out */
	struct l2tp_tunnel *place_next, *place_prev;	/* in setup at a peer's request: place.c */
	uint8_t place_rank;			/* enum place_rank */
};

/* A growing FIFO of fixed-size elements. */
struct ring {
	uint8_t *items;
	size_t size, head, count, cap;
};

/* An action as it waits; SENDs get their octets (and Nr) when they are drained. */
struct queued_action {
	enum l2tp_action_type type;
	uint16_t tunnel_id, session_id, ns;
	bool by_peer, was_established, resync_ok;
	struct action_extra *extra;		/* NULL for most SENDs */
};
struct action_extra {
	struct l2tp_endpoint local, peer;
	struct l2tp_result result;
	uint32_t numbers[6];
	size_t len;				/* a packet that belongs to no tunnel */
	uint8_t data[];
};

/* Whom a tunnel in setup is for: place.c says what comes of it. */
enum place_rank {
	PLACE_STRANGER,
	PLACE_TRUSTED,		/* had a tunnel lately, or asked again */
	PLACE_PROVED,		/* both */
	PLACE_RANKS,
};
struct place_list {
	struct l2tp_tunnel *first, *last;
};
struct place_known {
	uint32_t hash, until_s;
};

struct l2tp {
	struct l2tp_config config;
	char vendor_name[L2TP_NAME_MAX];
	struct l2tp_ops ops;
	bool active;
	int64_t wall_offset_ms;
	uint64_t hash_key;
	uint64_t epoch;				/* which owner of the tunnels we are */

	struct l2tp_tunnel **tunnels;		/* by local ID */
	uint32_t id_end;			/* one past the highest ID ever used: where walks end */
	struct l2tp_tunnel **by_peer;		/* (address, port, assigned ID), newest first */
	uint32_t by_peer_size;			/* power of two */
	uint32_t by_peer_count;
	struct l2tp_tunnel *closing_first, *closing_last;
	struct l2tp_tunnel *requests;		/* of ours, in setup */
	uint32_t half_open;
	uint16_t half_open_by_addr[L2TP_PEER_BUCKETS];
	struct place_list places[PLACE_RANKS];	/* the half-open ones, oldest first */
	struct place_known known[L2TP_PEER_BUCKETS];
	struct place_asked *asked;		/* NULL: places are not short */
	uint32_t calls_setup, calls_setup_by_addr[L2TP_PEER_BUCKETS];	/* that peers asked for */
	uint64_t refusals_until_ms;		/* they are counted up to then */
	uint16_t refusals, refusals_by_addr[L2TP_PEER_BUCKETS];	/* answered */
	uint32_t last_serial;

	struct ring free_ids;			/* least recently used first */
	uint8_t free_id_queued[L2TP_TUNNEL_IDS / 8], free_id_used[L2TP_TUNNEL_IDS / 8];
	bool ids_shuffled;
	struct usage *usages;
	struct timer_heap timers;
	struct ring actions, dirty, ack_due, resync_due;
	uint64_t resync_next_ms;		/* when the next batch of probes goes */

	struct l2tp_counters counters;
	struct message message;			/* the one being processed */
	uint8_t room[65536];			/* hidden AVPs of that message */
	uint8_t build[L2TP_MSG_MAX];
	uint8_t attrs[L2TP_ATTRS_MAX];		/* a session's string while it is made */
	uint8_t emit[L2TP_MSG_MAX];		/* what l2tp_action_next() handed out */
};

/* ---- engine.c ----------------------------------------------------------- */

void *ring_push(struct ring *ring);		/* the new element, zeroed */
bool ring_pop(struct ring *ring, void *item);
void ring_clear(struct ring *ring);

void engine_action(struct l2tp *l2tp, const struct queued_action *action);
struct action_extra *engine_extra(const struct l2tp_tunnel *tunnel, const struct l2tp_result *result);
/*
 * A StopCCN that needs no tunnel: the request was refused before there was one.
 * So many a second and no more: who asks may have borrowed the address.
 */
void engine_refuse(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		   uint16_t peer_id, uint16_t nr, const struct l2tp_result *result);

void engine_note(struct l2tp *l2tp, const struct l2tp_dirty *dirty);
void note_tunnel(struct l2tp_tunnel *tunnel);
void note_channel(struct l2tp_tunnel *tunnel);
void note_message(struct l2tp_tunnel *tunnel, enum l2tp_dirty_type type, uint16_t ns);
void note_session(struct l2tp_session *session);
void engine_actions_clear(struct l2tp *l2tp);

/* ---- registry.c, index.c: who is where ------------------------------------ */

/* An unused ID, 0 = none left; the caller adds a tunnel with it or returns it. */
uint16_t registry_new_id(struct l2tp *l2tp);
void registry_return_id(struct l2tp *l2tp, uint16_t id);
int registry_add(struct l2tp *l2tp, struct l2tp_tunnel *tunnel);
void registry_remove(struct l2tp *l2tp, struct l2tp_tunnel *tunnel);
/* The peer has told its ID. */
void registry_set_peer_id(struct l2tp *l2tp, struct l2tp_tunnel *tunnel, uint16_t peer_id);
/* The peer answers from elsewhere. */
void registry_set_peer(struct l2tp *l2tp, struct l2tp_tunnel *tunnel, const struct l2tp_endpoint *peer);
/* The newest one with this peer and peer ID. */
struct l2tp_tunnel *registry_by_peer(const struct l2tp *l2tp, const struct l2tp_endpoint *peer, uint16_t peer_id);
/* An older one with the same peer and peer ID as `tunnel`. */
struct l2tp_tunnel *registry_older(const struct l2tp_tunnel *tunnel);
uint16_t *registry_half_open(struct l2tp *l2tp, const struct l2tp_endpoint *peer);
uint32_t *registry_calls_setup(struct l2tp *l2tp, const struct l2tp_endpoint *peer);
/* May a request of this peer be answered with a refusal?  True counts one. */
bool registry_may_refuse(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer);
uint64_t registry_digest(const struct l2tp *l2tp, const uint8_t *data, size_t len);
/* A keyed hash of where the peer is: its address, of IPv6 the first 64 bits. */
uint64_t registry_site(const struct l2tp *l2tp, const struct l2tp_endpoint *peer);
/* And of who asks for what. */
uint64_t registry_request(const struct l2tp *l2tp, const struct l2tp_endpoint *peer, uint64_t digest);

/* ---- place.c: tunnels in setup that peers asked for ------------------------ */

/* Can this request have a place?  It is given its rank, and remembered if places are short. */
bool place_for(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer, uint64_t request,
	       enum place_rank *rank);
/* Gives up the tunnel whose place it gets; false: there is none after all. */
bool place_make(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer, enum place_rank rank);
void place_take(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void place_leave(struct l2tp_tunnel *tunnel);
/* It has an established tunnel, or had one up to now. */
void place_remember(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer);
/* Nothing shows that our answers reach who asked for it. */
bool tunnel_never_answered(const struct l2tp_tunnel *tunnel);

struct l2tp_session *session_index_find(const struct l2tp_tunnel *tunnel, uint16_t id);
/* The one with the smallest ID greater than `after`. */
struct l2tp_session *session_index_after(const struct l2tp_tunnel *tunnel, uint16_t after);
void session_index_insert(struct l2tp_tunnel *tunnel, struct l2tp_session *session);
void session_index_remove(struct l2tp_tunnel *tunnel, struct l2tp_session *session);
/* An unused session ID of the tunnel, 0 = none left. */
uint16_t session_new_id(struct l2tp_tunnel *tunnel);

/* ---- usage.c -------------------------------------------------------------- */

/* The tunnel counts for its VPDN group (by 1), or no longer (by -1); its sessions do by session.c. */
void usage_tunnel(struct l2tp_tunnel *tunnel, uint32_t by);
void usage_attach(struct l2tp_tunnel *tunnel);	/* its group is known, or another one */
void usage_clear(struct l2tp *l2tp);

/* ---- accept.c, tunnel_open.c -------------------------------------------- */

/* An SCCRQ, parsed in l2tp->message. */
void accept_sccrq(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		  const struct l2tp_endpoint *peer, const struct message_header *header, size_t octets);
/* The peer asks while we do, too; false: its request is to be dropped. */
bool tunnel_tie(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		const struct l2tp_endpoint *peer, const struct message *message);
/* A packet for the tunnel from elsewhere than its peer; false: it is not heard. */
bool tunnel_from_elsewhere(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_endpoint *local,
			   const struct l2tp_endpoint *peer, const struct message_header *header);

/* ---- tunnel.c ----------------------------------------------------------- */

struct l2tp_tunnel *tunnel_new(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_tunnel_state_rec *state);
/* Frees it and its sessions without a packet, an action or a note. */
void tunnel_free(struct l2tp_tunnel *tunnel);
/* The only place that changes a state.  IDLE: the tunnel is gone when this returns. */
void tunnel_set_state(struct l2tp_tunnel *tunnel, enum l2tp_tunnel_state state, uint64_t now_ms,
		      const struct l2tp_result *result, bool by_peer);
/* receive.c: one packet of the peer whose endpoints were checked. */
void tunnel_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header, size_t octets);
/* Messages that came early and whose turn it is now. */
void tunnel_deliver_early(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* A message whose turn has come. */
void tunnel_dispatch(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header);
/* A request that passed all checks: answers it. */
void tunnel_accept(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void tunnel_timer(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* Makes sure that the timer runs no later than the tunnel's next deadline. */
void tunnel_schedule(struct l2tp_tunnel *tunnel);
/* Queues what the builder holds and transmits what the window lets out. */
void tunnel_send(struct l2tp_tunnel *tunnel, uint64_t now_ms, struct avp_builder *builder);
void tunnel_transmit(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void tunnel_hello(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* The initiator's side: asks for it. */
void tunnel_request(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* Closes it without a packet; it is gone when this returns. */
void tunnel_clear(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_result *result);
/* Half-open accounting; a tunnel that was imported joins in when the engine becomes active. */
void tunnel_start_setup(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void tunnel_stop_setup(struct l2tp_tunnel *tunnel);
/* Takes over what may change in a record; IDs and endpoints are the tunnel's identity. */
void tunnel_apply(struct l2tp_tunnel *tunnel, const struct l2tp_tunnel_state_rec *state);

/* Starts a message of this tunnel; what may be hidden is, where the tunnel's parameters say so. */
void tunnel_begin(struct l2tp_tunnel *tunnel, struct avp_builder *builder, enum message_type type,
		  uint16_t session_id);

/* ---- call.c ------------------------------------------------------------- */

/* A message for a call arrived in an established tunnel. */
void session_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t session_id, const struct message *message);
/* The tunnel is up: calls that waited for it go on. */
void session_tunnel_open(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void session_timers(struct l2tp_tunnel *tunnel, uint64_t now_ms);

/* CSUN or CSURQ: speed.c */
void speed_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message *message);

/* ---- attrs.c ------------------------------------------------------------ */

/* 0 or -ENOMEM */
int session_set_attrs(struct l2tp_session *session, const uint8_t *attrs, size_t len);
bool session_attrs_valid(const uint8_t *attrs, size_t len);
/* What the peer's message has of them. */
int session_keep_attrs(struct l2tp_session *session, const struct message *message);
/* Ours; -EINVAL: such a call has no such AVP. */
int session_add_attrs(struct l2tp_session *session, const struct l2tp_avp *avps, size_t count);
/* Those that belong into the message. */
void session_put_attrs(const struct l2tp_session *session, struct avp_builder *builder, enum message_type type);

/* ---- session.c ---------------------------------------------------------- */

/* A call that we asked for. */
bool session_ours(const struct l2tp_session *session);
bool session_is_lac(const struct l2tp_session *session);
/* WEN, SLI, SPEED: something the peer told about the call. */
void session_tell(struct l2tp_session *session, enum l2tp_action_type type, const uint32_t *numbers, size_t count);
void session_announce(struct l2tp_session *session, enum l2tp_action_type type, const struct l2tp_result *result,
		      bool by_peer);
struct l2tp_session *session_new(struct l2tp_tunnel *tunnel);
/* Frees it without a packet, an action or a note. */
void session_free(struct l2tp_session *session);
void session_set_state(struct l2tp_session *session, enum l2tp_session_state state, uint64_t now_ms,
		       const struct l2tp_result *result, bool by_peer);
void session_start_setup(struct l2tp_session *session, uint64_t now_ms);
void session_stop_setup(struct l2tp_session *session);
/* The state of a record, without an action or a note; a new session enters the index with it. */
void session_place(struct l2tp_session *session, enum l2tp_session_state state);
/* 0 or -ENOMEM */
int session_set_texts(struct l2tp_session *session, const char *called, const char *calling, const char *sub_address);
void session_get_texts(const struct l2tp_session *session, const char *texts[3]);

/* ---- resync.c ----------------------------------------------------------- */

enum resync_event {
	RESYNC_EVENT_EXACT,	/* took over with exact records */
	RESYNC_EVENT_BEHIND,	/* took over with records that may be old */
	RESYNC_EVENT_PROTOCOL,	/* took over, the method says RFC 4951 */
	RESYNC_EVENT_FORBIDDEN,	/* took over, the method says no */
	RESYNC_EVENT_DOUBTED,		/* exact records, and the peer seems to know more */
	RESYNC_EVENT_AGREED,	/* the peer confirmed exact numbers */
	RESYNC_EVENT_LEARNT,	/* both numbers are known now */
	RESYNC_EVENT_SILENCE,	/* listening is over */
	RESYNC_EVENT_RESET,	/* RFC 4951: our numbers are new, the peer's may not be */
	RESYNC_EVENT_UNCONFIRMED,	/* RFC 4951: nobody says that the peer's are new, too */
	RESYNC_EVENT_RECOVERED,	/* RFC 4951 went through */
	RESYNC_EVENT_LOST,	/* the tunnel goes, or the protocol failed */
	RESYNC_EVENTS,
};
void resync_event(struct l2tp_tunnel *tunnel, enum resync_event event, uint64_t now_ms);
bool resync_running(const struct l2tp_tunnel *tunnel);
/* What a packet tells about numbers; false: it must not be looked at any further. */
bool resync_packet(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header);
/* After its numbers were taken and its message was delivered. */
void resync_settle(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* Before anything is queued: nothing new takes a number that may have been used. */
void resync_before_send(struct l2tp_tunnel *tunnel, uint64_t now_ms);
uint64_t resync_deadline(const struct l2tp_tunnel *tunnel);
/* False: time is up, the peer counts as dead. */
bool resync_timer(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* First packets of tunnels in resync, as many as are due. */
void resync_probes(struct l2tp *l2tp, uint64_t now_ms);

/* ---- failover.c, failover_sync.c: RFC 4951 ------------------------------ */

/* Bits of AVP 76. */
#define FAILOVER_CONTROL 1
#define FAILOVER_DATA 2

/* AVP 76 of an ordinary tunnel, or what a recovery tunnel carries instead. */
void failover_put(struct l2tp_tunnel *tunnel, struct avp_builder *builder, enum message_type type);
/* The peer's AVP 76. */
void failover_read(const struct message *message, uint16_t *bits, uint32_t *recovery_ms);
/* Both ends said that they can recover a control channel. */
bool failover_agreed(const struct l2tp_tunnel *tunnel);
/* We failed: opens the recovery tunnel of this one. */
void failover_recover(struct l2tp_tunnel *old, uint64_t now_ms);
/* Nothing has come of that so far. */
void failover_retry(struct l2tp_tunnel *old, uint64_t now_ms);
/* The peer failed: is its request for a recovery tunnel acceptable?  *old is the tunnel it means. */
enum failover_verdict {
	FAILOVER_ACCEPT,
	FAILOVER_REFUSE,	/* *result says why */
	FAILOVER_IGNORE,	/* it lost the tie */
};
enum failover_verdict failover_judge(struct l2tp *l2tp, uint64_t now_ms, const struct message *message,
				     const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
				     struct l2tp_tunnel **old, struct l2tp_result *result);
void failover_suggest(struct l2tp_tunnel *tunnel, struct l2tp_tunnel *old, uint64_t now_ms);
/* SCCRP of a recovery tunnel: the numbers it suggests. */
void failover_accepted(struct l2tp_tunnel *tunnel, const struct message *message);
/* A recovery tunnel is up; was acknowledged; goes. */
void failover_established(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void failover_confirmed(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void failover_ended(struct l2tp_tunnel *tunnel, uint64_t now_ms);
/* A tunnel that may be under recovery goes. */
void failover_old_gone(struct l2tp_tunnel *old, uint64_t now_ms);
/* The peer stopped answering: is it to be waited for? */
bool failover_waits(struct l2tp_tunnel *tunnel, uint64_t now_ms);

/* Asks about all established sessions. */
void failover_query_all(struct l2tp_tunnel *tunnel, uint64_t now_ms);
void failover_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message *message);
/* Before all sessions are synchronised: the established one whose ID the peer uses anew. */
struct l2tp_session *failover_collision(const struct l2tp_tunnel *tunnel, uint16_t peer_id);
/* The session goes, or was answered for. */
void failover_answered(struct l2tp_session *session);

#endif
