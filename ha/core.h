/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of struct ha, for the files of this room only.
 *
 *   ha.c      the public face: frames in, actions out, time
 *   hello.c   the handshake: versions, features, who is refused
 *   log.c     the open batch, sequence numbers, the backlog of recent commits
 *   commit.c  the sending side: output commit, snapshots
 *   follow.c  the receiving side: apply, shadow store, acknowledge
 *   persist.c the epoch on disk, and a disk that does not take it
 *   undo.c    a batch that turned out wrong is taken back
 *   roles.c   who owns the VIP: the role table, epoch, election, detector
 *   keep.c    the image of it all that a restart on this node comes back from
 *   planned.c changes of role that were asked for
 *   watch.c   does somebody answer for the address, and since when not
 *   conflict.c two owners have met: who stays
 *   fitness.c whether somebody outside may make this node active
 */
#ifndef L2TPHA_HA_CORE_H
#define L2TPHA_HA_CORE_H

#include "daemon/log.h"
#include "ha/frame.h"
#include "ha/ha.h"
#include "ha/ha.pb-c.h"
#include "ha/image.h"
#include "ha/store.h"

#define HA_PROTO_MIN 1
#define HA_PROTO_MAX 1

#define HA_BODY_MAX (64u << 10)		/* one record */
#define HA_COMMIT_OCTETS (4u << 20)	/* a batch beyond this is sent as several commits */
#define HA_COMMIT_RECORDS 16384u
#define HA_WINDOW_OCTETS (4u << 20)	/* unconfirmed commits before the standby is given up as slow */
#define HA_BACKLOG_OCTETS (1u << 20)
#define HA_BACKLOG_FRAMES 4096u
#define HA_SNAP_WINDOW 2u		/* chunks in flight */
#define HA_BARRIER_BACKOFF_MS 100u	/* after a late commit; doubles */
#define HA_BARRIER_BACKOFF_MAX_MS 5000u
#define HA_REQUEST_RETRY_MS 1000u
#define HA_DOUBT_MS 500u		/* from the peer's suspicion to the end of its probe, and some slack */
#define HA_CONFIRM_MS 5000u		/* a commit without confirmation on a live link: start over */
#define HA_REQUEST_BACKOFF_MS 250u	/* after a refused snapshot; doubles */
#define HA_REQUEST_BACKOFF_MAX_MS 8000u
#define HA_CONDEMNED_MS 100u		/* for a peer to read why it is refused */
#define HA_HANDOVER_MS 2000u
#define HA_YIELD_MS 8000u		/* to a peer that holds more and failed at a step */
#define HA_PROBE_MS 400u		/* more than a probe takes */
#define HA_RETRY_MS 1000u		/* after a takeover step failed */
#define HA_STALE_FACTOR 10u		/* x dead_ms: an active that lives on without us makes us stale */
#define HA_SPARE_ACTIONS 256u
#define HA_NEVER UINT64_MAX

#define HA_RECORD_DELETE 1u
#define HA_RECORD_MUST_UNDERSTAND 2u
#define HA_TYPE_SKIPPABLE 128u		/* record types from here on may be skipped by who does not know them */

struct ha_action_node {
	struct ha_action_node *next;
	struct ha_action action;
	uint8_t *data;			/* owned */
	size_t size;
	uint64_t serial;		/* of a step: its completion is expected from when it is handed out */
};

struct ha_peer {
	bool ready;			/* handshake done */
	char node[HA_NAME_MAX], version[32];
	uint8_t config_digest[16];
	bool config_equal;
	uint32_t proto_min, proto_max, proto;	/* proto: what both speak */
	uint64_t features;		/* bits of enum ha_feature, and such as we do not know */
	uint8_t unknown_types[UINT8_MAX / 8 + 1]; /* of those we know, it does not: a bit each */
	uint32_t priority;
	enum ha_role role;
	enum ha_sync sync;
	char sync_reason[HA_REASON_MAX];
	uint64_t epoch, seq, log_id, log_epoch;
	uint32_t records;
	uint64_t hello_seq;		/* the peer's seq in its Hello of this connection */
	bool eligible;
	bool unwritten;			/* its epoch is not on its disk */
	bool closes;			/* it said so; an end of the stream without a word is the end of the process */
	uint64_t owned;			/* the epoch it claimed and reigns by; 0: none */
};

struct ha_batch_item {
	struct ha_key key;
	bool del, local;
	const struct ha_record *record;	/* of a put; NULL: deleted since */
};
struct ha_backlog_entry {
	uint8_t *frame;
	size_t len;
	uint64_t seq;
};
struct ha_log {
	uint64_t id, epoch, seq;
	uint64_t prev_id, prev_end;	/* the log this one goes on from, and where */
	struct ha_batch_item *batch;
	uint32_t batch_len, batch_size, batch_no;
	struct ha_backlog_entry *backlog; /* ring of HA_BACKLOG_FRAMES */
	uint32_t backlog_head, backlog_len;
	size_t backlog_octets;
};

struct ha_held {
	struct ha_held *next;
	void *output;
	uint64_t seq;			/* leaves when this is confirmed; 0: batch still open */
};
struct ha_inflight {
	uint64_t seq, sent_ms;
	size_t octets;
};
struct ha_commit {
	bool feeding;			/* the peer gets our commits */
	bool protecting;		/* outputs wait for it */
	bool was_alone;			/* the daemon before had told nobody so */
	bool believed;			/* the peer was told that it holds everything, and not yet otherwise */
	uint64_t doubt_ms;		/* it may believe so until then, and what it misses waits; 0: no doubt */
	uint64_t doubt_seq;		/* or until it confirms this; 0: only time helps */
	uint64_t acked_seq;
	uint64_t barrier_seq;		/* confirmed: in sync; 0: none out */
	uint64_t retry_ms, backoff_ms;	/* next barrier after a late commit */
	bool want_snapshot;		/* as soon as nothing is in flight */
	struct ha_held *held_first, *held_last;
	uint32_t held;
	struct ha_inflight *inflight;	/* ring */
	uint32_t inflight_head, inflight_len, inflight_size;
	size_t inflight_octets;
	uint64_t flush_seq;		/* switchover: go when this is confirmed, release nothing newer; 0: none */
	bool settling;			/* a snapshot was sent, the standby has not said that it holds it */
	bool snapping;
	struct ha_cursor cursor;
	uint32_t snap, chunk_sent, chunk_acked;
};

struct ha_undo_item {
	struct ha_key key;
	uint32_t index;			/* of the record in its frame */
	size_t at, len;			/* the body before; at SIZE_MAX: there was none */
};
struct ha_undo {
	struct ha_undo_item *items;
	uint8_t *data;
	size_t count, size, data_len, data_size;
};

struct ha_follow {
	bool complete;			/* store == the active's log at log.seq */
	bool continuing;		/* backlog is arriving */
	bool ever;			/* has had a complete store of a peer in this life */
	bool mirror_stale;		/* the caller's mirror needs a rebuild at the next chance */
	struct ha_undo undo;		/* of the batch whose last frame has not come yet */
	bool partial;			/* there is one */
	uint64_t partial_seq;		/* log.seq before it */
	struct ha_store *shadow;
	struct ha_store *left;		/* ours, of before it, when we had lost to another owner */
	uint32_t snap, chunk;
	uint64_t shadow_seq, shadow_log_id, shadow_log_epoch;
	bool ack_due;
	bool full;			/* a continuation was found wrong: only a snapshot will do */
	char why[HA_REASON_MAX];	/* of the next request */
	uint64_t request_ms;		/* when to ask (again) */
	uint32_t backoff_ms;		/* of asking again after a refusal */
	uint64_t since_ms;		/* the stream broke */
};

enum ha_vip {
	HA_VIP_UNKNOWN,
	HA_VIP_SILENT,
	HA_VIP_ANSWERS,
};
struct ha_keep {			/* the image, keep.c */
	struct ha_image now, next;	/* in use; being filled from the store */
	struct ha_cursor cursor;
	bool moving, copying_local;
	bool behind;			/* `now` holds an earlier state and is not written any more */
	bool full, failed;
	size_t marked_at;
};

struct ha_roles {
	const uint8_t *steps;
	uint32_t step;
	uint64_t step_serial;		/* completion we wait for; 0: none */
	uint64_t next_serial;
	uint64_t outstanding[32];	/* serials the caller still owes, in order */
	uint32_t outstanding_len;
	uint64_t step_retry_ms;		/* fence failed: again at */
	uint64_t claim_epoch, claim_skip;
	bool claimed_alone;		/* without a link, and none since */
	bool open;			/* claiming, and both the fence and the address are ours */
	bool resume;			/* restarted in place, the right to speak never lapsed */
	bool held;			/* an operator demoted us: no claim of our own */
	bool behind;			/* of the claim: may_miss or unsure */
	bool parted;			/* lost to another owner, whose records have not come yet */
	bool unsure;			/* whoever was active may have lived on without us: our numbers are low bounds */
	bool may_miss;			/* somebody may hold newer records than we */
	char may_miss_why[HA_REASON_MAX];
	uint64_t handicap_ms;		/* no claim before; a peer may */
	uint64_t lapsed_ms;		/* no claim on suspicion before; in an election our log still counts */
	uint64_t suspicion_ms;		/* 0: none */
	bool suspicion_told;
	bool carrier_lost;		/* towards the peers of the tunnels */
	bool paused;			/* owner, but cut off: carrier.c */
	bool probe_out;
	bool look;			/* promoted, if the probe that is due finds nobody */
	bool probe_void;		/* what it finds is of no interest any more */
	enum ha_vip vip;		/* what the last probes found */
	uint64_t probe_ms;		/* next probe */
	uint64_t probe_lost_ms;		/* the one that is out is given up */
	uint64_t asked_ms;		/* the last one began */
	uint64_t quiet_ms;		/* the first of those that nobody has answered since began; 0: there is none */
	uint64_t handover_ms;		/* give up waiting for the peer to take over; 0: not waiting */
	bool handover_probe;
	bool handover_lost;		/* and the stream with it */
	uint64_t promote_ms;		/* asked the active to hand over; claim anyway at; 0: no */
	uint64_t yield_ms;		/* claim over the head of a peer that holds more; 0: no such peer */
	uint64_t overruled;		/* epoch of another owner that was told so */
	uint64_t adopt_epoch;		/* learned, to be persisted; 0: none */
	uint64_t adopt_serial;
	uint64_t persist_max;		/* highest epoch ever handed out to be persisted */
	bool persist_failed;		/* the last of them is not written */
	uint64_t persist_ms;		/* ... and is tried again */
	uint64_t start_ms, since_ms;
	uint64_t claim_ms;
	bool planned;
	bool switching;			/* flush before a planned switchover */
	bool switch_go;			/* flushed: fence at the next tick */
	char cause[HA_REASON_MAX];
	uint32_t silent_ms;
	struct ha_switchover_record history[16];
	uint32_t history_len;
};

struct ha {
	struct ha_config config;
	struct ha_ops ops;
	uint64_t now_ms;
	uint64_t ran_ms;		/* last tick or sign of the link: see advance() */
	enum ha_role role;
	enum ha_sync sync;
	char sync_reason[HA_REASON_MAX];
	uint64_t epoch;			/* highest seen */

	bool link_up;
	uint64_t lost_ms;		/* the stream broke then; 0: there was none yet */
	struct ha_parser parser;
	uint64_t last_rx_ms, heartbeat_ms;
	uint64_t said_ms;		/* the last heartbeat sent */
	uint64_t condemned_ms;		/* the stream is of no use and is closed then; 0: no */
	uint64_t hello_seq;		/* ours, in the Hello of this connection */
	struct ha_peer peer;
	uint64_t common_features;	/* with the peer connected last */
	bool peer_seen;			/* there was one; common_features is of it */
	bool incompatible;		/* the peer seen last cannot be worked with */
	char refusal[HA_REASON_MAX];	/* of the peer seen last, either way; "": none */
	uint64_t refusal_log_ms;

	struct ha_action_node *first, *last, *current;
	struct ha_action_node *spare;	/* freed ones, for the next */
	uint32_t spare_len;

	struct ha_store *store;
	struct ha_cursor walk;		/* ha_walk_next() */
	uint8_t foreign[UINT8_MAX / 8 + 1];	/* types that came and that we do not know: a bit each */
	struct ha_store *local;		/* not replicated */
	struct ha_keep keep;
	struct ha_log log;
	struct ha_commit commit;
	struct ha_follow follow;
	struct ha_roles roles;

	struct {
		uint64_t frames_sent, frames_received, records_sent, records_received, acks_sent,
			 acks_received, bytes_sent, bytes_received, late_commits, bad_frames, refused,
			 snapshots;
		uint32_t lag_ms_last, lag_ms_max;
	} stats;
};

/* ha.c */
/* A line of the log that says which group it is about. */
void ha_log_line(const struct ha *ha, enum log_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define ha_error(ha, ...) ha_log_line(ha, LOG_LEVEL_ERROR, __VA_ARGS__)
#define ha_warn(ha, ...) ha_log_line(ha, LOG_LEVEL_WARN, __VA_ARGS__)
#define ha_note(ha, ...) ha_log_line(ha, LOG_LEVEL_INFO, __VA_ARGS__)
#define ha_trace(ha, ...) ha_log_line(ha, LOG_LEVEL_DEBUG, __VA_ARGS__)

struct ha_action_node *ha_action_new(struct ha *ha, enum ha_action_type type, bool front);
void ha_action_data(struct ha *ha, const void *data, size_t len);	/* of the action queued last */
void ha_drop_actions(struct ha *ha, bool (*match)(const struct ha_action_node *node));
void ha_send(struct ha *ha, uint8_t type, uint64_t seq, const ProtobufCMessage *msg);
void ha_send_raw(struct ha *ha, const uint8_t *frame, size_t len);
void ha_send_heartbeat(struct ha *ha);
void ha_send_refuse(struct ha *ha, unsigned int what, const char *reason);
/* The peer counts as gone, but may still read why before the stream is closed. */
void ha_link_condemn(struct ha *ha, const char *why);
void ha_link_fail(struct ha *ha, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ha_set_sync(struct ha *ha, enum ha_sync sync, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ha_beat_fill(const struct ha *ha, L2tpha__Heartbeat *beat);
bool ha_owner(const struct ha *ha);
void ha_copy(char *to, size_t size, const char *from);
uint64_t ha_random(struct ha *ha);

/* hello.c */
void ha_hello_send(struct ha *ha);
void ha_hello_receive(struct ha *ha, const L2tpha__Hello *hello);
bool ha_peer_state(struct ha *ha, const L2tpha__Heartbeat *beat);	/* into ha->peer; false: out of range */
void ha_refusal(struct ha *ha, const char *why);	/* kept for show, logged unless it was just now */
/* A record of this type has come up here: a peer that must understand it and cannot is given up. */
void ha_hello_type_used(struct ha *ha, uint8_t type);
/* false: why it cannot be one of this group on this node */
bool ha_hello_key_fits(const struct ha *ha, struct ha_key key, char why[HA_REASON_MAX]);
/* A record of this type was taken over from another node or daemon; false: it is not known and must be. */
bool ha_hello_type_seen(struct ha *ha, uint8_t type);
const struct ha_record_type *ha_record_type(const struct ha *ha, uint32_t type);	/* NULL: not known here */

/* log.c */
int ha_log_init(struct ha *ha);
void ha_log_free(struct ha *ha);
void ha_log_start(struct ha *ha, uint64_t epoch);	/* we own the log from here */
void ha_log_commit(struct ha *ha, bool barrier);	/* frames of the open batch */
void ha_log_clear_backlog(struct ha *ha);
void ha_log_append(struct ha *ha, uint64_t seq, const uint8_t *frame, size_t len);
/* Can a follower at (log id, seq) go on from our backlog?  Else *why. */
bool ha_log_covers(const struct ha *ha, uint64_t id, uint64_t seq, const char **why);
const struct ha_backlog_entry *ha_log_entry(const struct ha *ha, uint64_t seq);

/* commit.c */
void ha_commit_sent(struct ha *ha, uint64_t seq, const uint8_t *frame, size_t len);
void ha_commit_batch_closed(struct ha *ha);
void ha_commit_request(struct ha *ha, const L2tpha__SyncRequest *request);
void ha_commit_ack(struct ha *ha, const L2tpha__Ack *ack);
void ha_commit_stop(struct ha *ha, const char *why);	/* peer gone: release all, SOLO */
void ha_commit_resume(struct ha *ha);			/* the daemon before may have told the standby that it holds everything */
void ha_commit_lost(struct ha *ha, const char *why);	/* not heard any more, it may live: SOLO, but see DOUBT */
void ha_commit_drop(struct ha *ha);			/* not the owner any more: free what waits */
void ha_commit_tick(struct ha *ha);
uint64_t ha_commit_deadline(const struct ha *ha);
void ha_commit_free(struct ha *ha);
void ha_commit_flush(struct ha *ha);			/* planned switchover: ask to confirm all */

/* follow.c */
void ha_follow_frame(struct ha *ha, const struct ha_frame *frame);
void ha_follow_heartbeat(struct ha *ha, const L2tpha__Heartbeat *beat);
void ha_follow_stop(struct ha *ha, const char *why);	/* stream broke, or we are the owner now */
void ha_follow_start(struct ha *ha);			/* became standby */
void ha_follow_flush_ack(struct ha *ha);
void ha_follow_tick(struct ha *ha);
uint64_t ha_follow_deadline(const struct ha *ha);

/* conflict.c */
void ha_advance(struct ha *ha, uint64_t now_ms);	/* before anything else that comes in */
void ha_conflict(struct ha *ha);			/* the peer and we reign */
void ha_conflict_higher(struct ha *ha, uint64_t epoch, char why[HA_REASON_MAX]);	/* why we lose */

/* fitness.c */
enum ha_fitness ha_fitness(const struct ha *ha, char reason[HA_REASON_MAX]);
bool ha_ownerless(const struct ha *ha);

/* persist.c */
void ha_persist_done(struct ha *ha, uint64_t epoch, int error);
bool ha_persist_leaves(const struct ha *ha);		/* the epoch cannot be written here, and the peer can do as well */
void ha_persist_think(struct ha *ha);
uint64_t ha_persist_deadline(const struct ha *ha);

/* keep.c */
void ha_keep_batch(struct ha *ha);			/* the open batch, before anything of it leaves */
void ha_keep_record(struct ha *ha, struct ha_key key, bool del);	/* of the peer; a mark follows */
void ha_keep_mark(struct ha *ha);			/* what was written is one state */
void ha_keep_swapped(struct ha *ha);			/* the store is another one */
void ha_keep_forget_local(struct ha *ha);		/* passivated: what the peer never knew is gone */
void ha_keep_tick(struct ha *ha);
uint64_t ha_keep_deadline(const struct ha *ha);
void ha_keep_free(struct ha *ha);

/* undo.c */
/* key is about to change in the live store; -ENOMEM: then it must not.  index is for the caller. */
int ha_undo_note(struct ha_undo *undo, const struct ha_record *old, struct ha_key key, uint32_t index);
void ha_undo_back(struct ha *ha, struct ha_undo *undo);	/* the live store is what it was */
void ha_undo_forget(struct ha_undo *undo);		/* the changes stay */
void ha_undo_free(struct ha_undo *undo);

/* roles.c */
enum role_event {
	ROLE_EVENT_CLAIM,	/* take the VIP */
	ROLE_EVENT_FOLLOW,	/* somebody else has it, or should */
	ROLE_EVENT_LOSE,	/* give it up at once */
	ROLE_EVENT_HANDOVER,	/* give it up in order; the peer knows */
	ROLE_EVENT_DONE,	/* last step done */
	ROLE_EVENT_FAILED,	/* a step failed */
};
bool ha_reigning(const struct ha *ha);			/* claiming or active */
void ha_roles_step_next(struct ha *ha);			/* the step under way is over */
int ha_role_fire(struct ha *ha, enum role_event event, const char *why);
void ha_roles_init(struct ha *ha);
void ha_roles_think(struct ha *ha);
/* watch.c */
void ha_watch_anew(struct ha *ha, uint64_t probe_ms);	/* what was found counts no longer; asks then */
void ha_watch_heard(struct ha *ha);			/* the peer is alive */
void ha_watch_look(struct ha *ha);			/* once more, and then claim */
void ha_suspicion_clear(struct ha *ha);
void ha_watch_probe(struct ha *ha);			/* if it is time */
uint64_t ha_watch_due_ms(const struct ha *ha);
uint64_t ha_watch_startup_ms(const struct ha *ha);	/* how long a node that was started waits for its peer */
bool ha_watch_suspects(struct ha *ha);
bool ha_watch_early(const struct ha *ha);
uint64_t ha_watch_deadline(const struct ha *ha);
bool ha_watch_guards(const struct ha *ha);
/* carrier.c */
void ha_carrier_think(struct ha *ha);
void ha_carrier_silent(struct ha *ha);
uint64_t ha_carrier_deadline(const struct ha *ha);
void ha_roles_tick(struct ha *ha);
void ha_roles_peer(struct ha *ha);			/* new state of the peer is in ha->peer */
void ha_roles_epoch(struct ha *ha, uint64_t epoch);	/* seen on a frame */
void ha_roles_handover(struct ha *ha, const L2tpha__Handover *handover);
void ha_roles_refused(struct ha *ha, unsigned int what, const char *reason);
void ha_roles_flushed(struct ha *ha, bool ok, const char *why);
void ha_roles_link_down(struct ha *ha);
void ha_roles_handed_out(struct ha *ha, const struct ha_action_node *step);	/* the caller has it now */
bool ha_roles_eligible(const struct ha *ha);
uint64_t ha_roles_owned(const struct ha *ha);
uint64_t ha_roles_deadline(const struct ha *ha);

#endif
