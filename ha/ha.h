/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High availability of one redundancy group, pure: frames, events and time
 * in, actions out.  Owns the replicated log, the record store, output commit,
 * roles and the epoch.  Knows records only as {type, key, bytes}: what is in
 * them is the business of daemon/checkpoint.c.
 *
 * Three rules (DESIGN 4.1-4.3):
 *  - while IN_SYNC nothing given to ha_output() leaves before the peer has
 *    confirmed every record put before it;
 *  - a node emits nothing (HA_ACTION_RELEASE) unless it is the owner;
 *  - the epoch only grows, is claimed before the first packet, and whoever
 *    sees a higher one goes mute at once.
 */
#ifndef L2TPHA_HA_HA_H
#define L2TPHA_HA_HA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_NAME_MAX 64
#define HA_REASON_MAX 128
#define HA_ALONE_DEADS 5	/* x dead_ms: the lease of an owner whose peer must have counted itself stale */

struct ha;

enum ha_role {
	HA_ROLE_INIT,		/* started, nothing known yet: mute */
	HA_ROLE_STANDBY,	/* mute, follows the peer */
	HA_ROLE_CLAIMING,	/* epoch claimed, takeover steps under way */
	HA_ROLE_ACTIVE,
	HA_ROLE_DEMOTING,	/* going mute, giving up addresses */
};
enum ha_sync {			/* HA.md A.2 no 3 */
	HA_SYNC_SOLO,		/* no peer connected */
	HA_SYNC_SYNCING,	/* snapshot under way */
	HA_SYNC_IN_SYNC,
	HA_SYNC_DEGRADED,	/* active: a commit was late; output goes unprotected until resynchronised */
	HA_SYNC_STALE,		/* standby: the stream broke; state may be old */
};
/*
 * May whoever decides from outside (keepalived, Pacemaker, an operator) make this node active?
 * In the order of preference: of two nodes the one with the greater value.
 */
enum ha_fitness {
	HA_FITNESS_UNKNOWN,	/* started a moment ago, nobody was heard: not yet */
	HA_FITNESS_STALE,	/* somebody else has, or may have, what is not here: no */
	HA_FITNESS_CATCHING_UP,	/* follows the active, has not got everything yet: no */
	HA_FITNESS_BLANK,	/* there is nothing to be had from anybody: a first start */
	HA_FITNESS_READY,	/* is active, or holds everything that is known */
};
const char *ha_role_name(enum ha_role role);
const char *ha_sync_name(enum ha_sync sync);
const char *ha_fitness_name(enum ha_fitness fitness);

/*
 * What a release can do beyond the first one; the numbers are bits of the
 * handshake and are never used again for something else.  A protected object
 * may depend on a feature only while ha_feature() says that both nodes know it.
 */
enum ha_feature {
	HA_FEATURE_KEEP_UNKNOWN,	/* what a newer node put into a record survives being held here */
	HA_FEATURE_FAILOVER,		/* records hold what RFC 4951 needs */
	HA_FEATURE_LAST = HA_FEATURE_FAILOVER,
};
const char *ha_feature_name(enum ha_feature feature);

struct ha_record_type {		/* a record type this software knows, and the versions of its body */
	uint8_t type, min, max;
	const char *name;
};

struct ha_id_range {		/* tunnels: the first number of a key of a known type */
	uint16_t first, last;
};

/* Memory for the image (ha/image.h) that outlives the process; the shell's. */
struct ha_image_ops {
	void *ctx;
	/* A new area beside the one in use, at least `size` octets; *got: how many. NULL: none to be had. */
	uint8_t *(*begin)(void *ctx, size_t size, size_t *got);
	/* The new area replaces the old one, which is gone after it: in one step, for whoever starts later. */
	int (*swap)(void *ctx);
};

struct ha_config {
	char node[HA_NAME_MAX];		/* this node, unique in the group */
	char group[HA_NAME_MAX];
	char version[32];		/* software version, for the handshake and show */
	uint8_t config_digest[16];
	uint8_t boot_id[16];		/* of this machine's boot: an image of another one is refused */
	bool peer_configured;		/* false: no HA; the node is active alone */
	bool detector;			/* built-in: promote on peer silence + VIP probe; false: only who is told to */
	uint32_t priority;		/* who starts active when neither was: higher, then lower name */
	uint32_t commit_timeout_ms;	/* default 20 */
	uint32_t heartbeat_ms;		/* default 200 */
	uint32_t dead_ms;		/* default 1000 */
	uint32_t lease_ms;		/* of an owner, from its last heartbeat; default dead_ms */
	bool second;			/* of two that may both claim it waits for the other; not so on the peer */
	uint32_t startup_ms;		/* wait for the peer at start before claiming; default 3000 */
	uint64_t epoch;			/* last persisted */
	uint32_t snapshot_chunk;	/* octets of a snapshot chunk, two are in flight; default 65536 */
	const struct ha_record_type *record_types;	/* outlives the ha; none: any type is taken */
	size_t record_type_count;
	uint64_t features_required;	/* features that objects here depend on: a peer without them is refused */
	uint32_t proto_min, proto_max;	/* 0: what this software speaks */
	const struct ha_id_range *not_ours;	/* outlives the ha: IDs of tunnels of other groups of this box */
	size_t not_ours_count;
};

struct ha_ops {
	void *ctx;
	void (*random)(void *ctx, void *buf, size_t len);
	/* The caller's object freed when an output is released, dropped (mute) or the ha is freed. */
	void (*output_free)(void *ctx, void *output);
	const struct ha_image_ops *image;	/* NULL: nothing outlives the process */
};

struct ha *ha_new(const struct ha_config *config, const struct ha_ops *ops, uint64_t now_ms);
void ha_free(struct ha *ha);

/*
 * A daemon starts where one died: before any event, with the area that one left (it goes on in it).
 * 0, *reigned: it owned the address.  Or -errno with one line in `why`, and nothing has changed.
 */
int ha_restore(struct ha *ha, uint8_t *base, size_t size, bool *reigned, char why[HA_REASON_MAX]);
/* It reigned, and since then nobody else can have: claims at once, with a new epoch. */
void ha_resume(struct ha *ha, uint64_t now_ms);

/* ---- events in ---------------------------------------------------------- */
void ha_link_up(struct ha *ha, uint64_t now_ms);	/* authenticated stream is there: starts the handshake */
void ha_link_down(struct ha *ha, uint64_t now_ms);
/* There is a peer and no stream, because one of the two refuses the other: for show. */
void ha_link_trouble(struct ha *ha, const char *why);
/* Octets of the stream, any split. A malformed frame makes it ask for HA_ACTION_LINK_RESET. */
void ha_link_input(struct ha *ha, uint64_t now_ms, const uint8_t *data, size_t len);
void ha_tick(struct ha *ha, uint64_t now_ms);
uint64_t ha_deadline_ms(const struct ha *ha);
/*
 * The step an HA_ACTION_* asked for is complete (0) or failed (-errno); the table decides what follows.
 * One call per EPOCH..PASSIVATE handed out, in the order they were handed out.  FENCE may come while
 * another step is under way: it wins, an UNFENCE that completes later must not open anything.
 */
void ha_step_done(struct ha *ha, uint64_t now_ms, int error);
/* The caller found that its right to speak has lapsed (frozen longer than its lease): mute until it is sure again. */
void ha_lapsed(struct ha *ha, uint64_t now_ms);
/* What must be alike on both nodes was changed here; the peer is told. */
void ha_config_changed(struct ha *ha, uint64_t now_ms, const uint8_t digest[16]);
enum ha_probe {
	HA_PROBE_SILENT,	/* nobody */
	HA_PROBE_ANSWERS,	/* somebody, or it could not be told */
	HA_PROBE_ASKED,		/* nobody, but somebody else asked, too: both may be about to claim */
};
void ha_probe_result(struct ha *ha, uint64_t now_ms, enum ha_probe found);
/* Does the interface of the address have carrier?  (Any of them.)  Told at the start if not, and at every change. */
void ha_carrier(struct ha *ha, uint64_t now_ms, bool present);
/* An owner that must not speak for the moment: it is cut off, and cannot know whether it still is one. */
bool ha_paused(const struct ha *ha);

/* There is, or was until a moment ago, a standby that takes over from an owner that stands still. */
bool ha_may_be_relieved(const struct ha *ha);
/* The last heartbeat: the peer's patience may run from then, and so does the lease. 0: no link, it waits already. */
uint64_t ha_said_ms(const struct ha *ha);

/* Administrative (l2tpctl, keepalived, Pacemaker). -EPERM etc. with a reason that is printed. */
int ha_promote(struct ha *ha, uint64_t now_ms, bool force, char reason[HA_REASON_MAX]);
int ha_demote(struct ha *ha, uint64_t now_ms, char reason[HA_REASON_MAX]);
int ha_switchover(struct ha *ha, uint64_t now_ms, bool dry_run, char reason[HA_REASON_MAX]);

/* May objects depend on it?  Both nodes know it, or no second one was seen yet: then nothing is protected. */
bool ha_feature(const struct ha *ha, enum ha_feature feature);

/* ---- records (active) --------------------------------------------------- */
/*
 * Key: type and three numbers (tunnel, session, Ns or 0).  A put whose bytes equal
 * the stored ones costs nothing.  Records become a commit at ha_commit().
 */
struct ha_key {
	uint8_t type;		/* 1..255, daemon/checkpoint.h */
	uint16_t a, b, c;
};
int ha_put(struct ha *ha, struct ha_key key, const void *body, size_t len);
/* Of this node only: kept for its own restart, never sent to the peer.  A key is put one way or the other. */
int ha_put_local(struct ha *ha, struct ha_key key, const void *body, size_t len);
int ha_del(struct ha *ha, struct ha_key key);
/*
 * The object is gone: what a newer release recorded about it, in types we do
 * not know, goes too.  Such a type uses the key of the object it belongs to.
 */
void ha_del_foreign(struct ha *ha, uint16_t a, uint16_t b);
/* Ends the batch: one COMMIT frame for all puts and dels since the last call; nothing if there are none. */
void ha_commit(struct ha *ha, uint64_t now_ms);
/*
 * Something that must not leave before what was put before it is confirmed.
 * Call order is release order.  Takes ownership.  Also legal with nothing put
 * (then it goes at once unless earlier output waits).  A node that is not the owner frees it.
 */
void ha_output(struct ha *ha, void *output);

/* ---- records (looking) -------------------------------------------------- */
/* Body of a stored record, valid until the next event. NULL: none. */
const void *ha_get(const struct ha *ha, struct ha_key key, size_t *len);
/* Visits all records of a type (0 = all) in (type, key) insertion order. */
typedef bool (*ha_visit_fn)(void *ctx, struct ha_key key, const void *body, size_t len);
void ha_visit(const struct ha *ha, uint8_t type, ha_visit_fn visit, void *ctx);
/*
 * The same in pieces, one walk at a time: the store may change between them.  A record put meanwhile
 * is met too, a deleted one is not; a snapshot that replaces the store ends the walk.
 */
/*
 * What this node held when it lost to another owner, from when that one's records are in place until it is
 * forgotten: only this node may have known of it.
 */
bool ha_left(const struct ha *ha);
void ha_left_visit(const struct ha *ha, ha_visit_fn visit, void *ctx);
void ha_left_forget(struct ha *ha);
void ha_walk_start(struct ha *ha);
bool ha_walk_next(struct ha *ha, struct ha_key *key, const void **body, size_t *len);

/* ---- actions ------------------------------------------------------------ */
enum ha_action_type {
	HA_ACTION_LINK_SEND,	/* data, len: octets for the stream, in order */
	HA_ACTION_LINK_RESET,	/* close the stream; text: why */
	HA_ACTION_RELEASE,	/* output: may leave now; caller sends and frees it */
	HA_ACTION_APPLY_PUT,	/* standby: record stored; mirror it (hot) */
	HA_ACTION_APPLY_DEL,
	HA_ACTION_APPLY_SWAP,	/* standby: a snapshot replaced the whole store: rebuild from ha_visit() or ha_walk_start() */
	HA_ACTION_EPOCH,	/* persist `epoch` before anything that follows; then ha_step_done() */
	HA_ACTION_UNFENCE,	/* let the VIP speak; ha_step_done() */
	HA_ACTION_VIP_ADD,	/* address + gratuitous ARP/NA; ha_step_done() */
	HA_ACTION_ACTIVATE,	/* engine: answer, resync, originate; ha_step_done() */
	HA_ACTION_FENCE,	/* at once: nothing of the VIP may leave; ha_step_done() */
	HA_ACTION_VIP_DEL,	/* ha_step_done() */
	HA_ACTION_PASSIVATE,	/* engine passive, sessions dropped silently; ha_step_done() */
	HA_ACTION_PROBE_VIP,	/* ask the access network whether the VIP answers; ha_probe_result() */
	HA_ACTION_ROLE,		/* role changed: role, text = why (log, notify, metrics) */
	HA_ACTION_SYNC,		/* sync state changed: sync, text = why */
};
struct ha_action {
	enum ha_action_type type;
	const uint8_t *data;	/* LINK_SEND, APPLY_PUT body; valid until the next ha_action_next() */
	size_t len;
	void *output;		/* RELEASE: ownership passes to the caller */
	struct ha_key key;	/* APPLY_* */
	uint64_t epoch;
	bool behind;		/* ACTIVATE: the last active may have gone on without us; records are not exact */
	enum ha_role role;
	enum ha_sync sync;
	char text[HA_REASON_MAX];
};
bool ha_action_next(struct ha *ha, struct ha_action *action);

/* ---- looking at it ------------------------------------------------------ */
struct ha_switchover_record {
	uint64_t at_ms;			/* monotonic */
	uint64_t epoch;
	char cause[HA_REASON_MAX];	/* "peer silent", "operator", "handover" ... */
	bool planned;
	uint32_t silent_ms;		/* last sign of life of the peer -> suspicion */
	uint32_t detect_ms;		/* suspicion -> claim */
	uint32_t promote_ms;		/* claim -> active */
};
struct ha_info {
	enum ha_role role;
	enum ha_sync sync;
	char sync_reason[HA_REASON_MAX];
	uint64_t epoch, seq, acked_seq;
	bool link_up, peer_ready;	/* peer_ready: handshake done, compatible */
	char peer_node[HA_NAME_MAX], peer_version[32];
	enum ha_role peer_role;
	bool peer_config_equal;
	uint32_t proto;			/* spoken with the peer; 0: none connected */
	uint32_t peer_proto_min, peer_proto_max;
	uint64_t features, peer_features; /* bits of enum ha_feature: common with the peer seen last; all of it */
	bool incompatible;		/* the peer seen last is of a release that cannot work with ours */
	char refusal[HA_REASON_MAX];	/* why the peer seen last was refused, or refused us; "": it was not */
	bool owner;			/* may emit */
	uint32_t records;
	uint64_t frames_sent, frames_received, records_sent, records_received, acks_sent, acks_received,
		 bytes_sent, bytes_received, late_commits, bad_frames, refused, snapshots;
	uint32_t waiting_output;	/* outputs held for a commit now */
	bool epoch_unwritten;		/* the disk does not take the epoch; see persist.c */
	bool behind;			/* of the last takeover here: the records may have been old */
	bool doubt;			/* not in sync any more, and the standby may not know yet: outputs still wait */
	uint32_t lag_ms_last, lag_ms_max; /* put -> confirmed */
	enum ha_fitness fitness;
	char fitness_reason[HA_REASON_MAX];
	bool promoting;			/* was told to become active, and may yet */
	bool ownerless;			/* nobody has the address: the peer says so, or it is gone and the address silent */
	uint64_t since_ms;		/* of the role */
	uint32_t history_len;		/* newest first */
	struct ha_switchover_record history[16];
};
void ha_info(const struct ha *ha, struct ha_info *info);
/* What was settled on with the peer, in words: "protocol 1, features keep-unknown"; "": no peer. */
const char *ha_info_versions(const struct ha_info *info, char text[HA_REASON_MAX]);
/* Order-independent digest of the store: equal on both nodes when in sync. */
uint64_t ha_digest(const struct ha *ha);

#endif
