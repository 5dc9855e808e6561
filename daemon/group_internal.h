/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside a redundancy group; for group*.c, client.c, access.c, joint.c, switch.c and subscriber*.c only.
 *
 *   group.c        events, the round (group_run)
 *   group_ha.c     what HA asks for: steps of a takeover, records applied
 *   group_restart.c  what a daemon before left on this box is taken over
 *   group_admit.c  the VPDN group of a new tunnel, limits
 *   group_drain.c  what is to be empty before it is switched off
 *   group_info.c   looking at it
 *   group_failures.c  what failed, in history and log
 *   group_trace.c  history of roles and takeovers, debug
 *   group_orphans.c  what the other owner of a partition did not know
 *   switch.c       a call that came in is dialled on
 *   switch_user.c  the same where only we asked who the user is
 *   access.c       subscribers from PPPoE
 *   joint.c        two sessions joined: a call that is switched
 *   group_dial.c   calls we place: the dialer's questions, busy peers
 *   client.c       dialers: sessions whose subscriber is this box
 *   group_tunnel.c one tunnel's data plane
 *   subscriber.c   one session's data plane, PPP and address
 *   subscriber_ppp.c  what its PPP engine says
 */
#ifndef L2TPHA_DAEMON_GROUP_INTERNAL_H
#define L2TPHA_DAEMON_GROUP_INTERNAL_H

#define SEQUENCE_GAP_MS 50	/* of sequenced data (AVP 39): as long is a missing packet waited for */
#define SEQUENCE_DROP_MS 1	/* the same where late ones are to be dropped; 0 would drop what follows a gap, too */

#include <uthash.h>

#include "daemon/checkpoint.h"
#include "daemon/debug.h"
#include "daemon/dial.h"
#include "daemon/group.h"
#include "daemon/pool.h"

/* How far one object has come on this box. */
enum plane {
	PLANE_NONE,
	PLANE_CREATING,
	PLANE_READY,
	PLANE_FAILED,
};

struct group_tunnel {		/* the data plane's side of a tunnel */
	uint16_t id;
	enum plane plane;
	uint32_t generation;	/* a completion of an earlier life is ignored */
	bool recorded;		/* its records are in the log */
	bool local;		/* ... of this node only */
	bool adopt;		/* the kernel may have it from the daemon before */
	uint32_t adopting;	/* sessions of it that wait to be adopted */
	struct l2tp_channel_state channel; /* as last put */
	UT_hash_handle hh;
};

enum sub_ppp {
	SUB_PPP_NONE,
	SUB_PPP_STARTED,	/* negotiating, or being injected */
	SUB_PPP_UP,
};

struct subscriber {
	uint32_t key;		/* tunnel << 16 | session */
	uint32_t generation;
	uint16_t tunnel_id, session_id;
	enum plane plane;
	enum sub_ppp ppp;
	bool ppp_standby;	/* its engine was started mute */
	bool injected;		/* started with a captured state */
	bool closing;
	bool fresh;		/* its call came up here: what the LAC told of it holds, for the first start of PPP */
	uint64_t retry_at_ms;	/* placing it failed for now: again then; 0: it did not */
	uint8_t failures;	/* in a row: slows the retries down */
	uint64_t adopt_until_ms; /* its PPP of the daemon before may come until then; 0: none is waited for */
	uint64_t ppp_since_ms;	/* its engine was started then */
	bool unrecorded;	/* its record was refused: we were giving the address up */
	bool awaiting;		/* was not in place at the takeover, is not yet */
	int session_fd, tunnel_fd;
	uint32_t address;	/* network order; taken in the pools while it is not 0 */
	char pool[64];		/* where it came from; empty: fixed or none */
	char user[PPP_NAME_MAX];
	char ifname[PPP_IFNAME_MAX];
	uint32_t other;		/* joined to the session of that key, no PPP here; 0: it is not */
	struct access *access;	/* it came by PPPoE; its tunnel ID is 0 */
	struct dial *dial;	/* it is being dialled on */
	bool ends_here;		/* no group dials it on */
	bool asks;		/* ... as far as is known: PPP here asks first who the user is */
	bool dialled;		/* of the two it is the one we placed */
	enum plane joint;	/* of the one that came in: are the channels joined? */
	uint32_t joint_generation;
	uint8_t *ppp_state;
	size_t ppp_state_len;
	uint64_t up_unix_ms;
	struct dp_session_counters counters;	/* as of the last group_counters() */
	uint16_t dialer;	/* this box is the subscriber: the number of the dialer; 0: it is the LNS */
	uint32_t own_address;	/* a dialer's, network order */
	UT_hash_handle hh;
	UT_hash_handle hh_address;	/* while address is not 0 */
};

/* An operation of the data plane under way. */
struct dp_request {
	struct group *group;	/* NULL: the group is gone */
	uint16_t tunnel_id, session_id;
	uint32_t generation;
	uint64_t at_ms;		/* asked then */
	struct dp_request *prev, *next;
};

/* Something that waits for a commit before it may leave. */
struct output {
	enum { OUTPUT_PACKET, OUTPUT_VERDICT } type;
	struct output *next;
	struct ppp_key key;	/* VERDICT; for a packet its tunnel */
	struct ppp_verdict *verdict;
	struct l2tp_endpoint local, peer;
	size_t len;
	uint8_t data[];
};

struct group {
	const struct config *config;
	const struct config_redundancy_group *rg;
	struct group_ops ops;
	struct dp *dp;
	const struct ppp_engine_ops *ppp;
	void *ppp_engine;
	struct pool_set *pools;
	bool own_pools;
	struct l2tp *l2tp;
	struct ha *ha;
	struct group_tunnel *tunnels, *tunnel_last;	/* last: asked for */
	struct subscriber *subs;
	struct subscriber *by_address;
	struct dialer *dialer;
	struct client *clients;
	uint64_t client_at_ms;	/* the next of them dials; UINT64_MAX: none does */
	struct dp_request *requests;
	struct output *out_head, **out_tail;	/* of this round, before ha_output() */
	uint32_t generation;
	uint64_t now_ms;
	int64_t unix_minus_monotonic_ms;
	bool running;		/* inside group_run() */
	bool access_ended;	/* a PPPoE session is to be ended in this round */
	bool active;		/* between ACTIVATE and PASSIVATE */
	bool speaks;		/* what is in place here is not mute */
	bool has_peer, keeps;	/* somebody is replicated to; an image is kept */
	struct ha_image_ops image;
	bool restoring, reigned, resumed;
	uint32_t adopting, adopted, not_adopted;
	uint64_t adopt_began_ms, adopt_seen_ms; /* the last of them came then */
	bool paused;		/* active, and cut off: the fence is closed */
	int probe_error;	/* of the last probe, 0 or -errno */
	uint64_t lease_at_ms;	/* next renewal; UINT64_MAX: not leased */
	uint64_t lease_until_ms;
	uint64_t lease_said_ms;	/* it runs from this heartbeat; 0: from the renewal */
	uint64_t ppp_seen_ms;	/* the last word of any of them */
	uint64_t retry_at_ms;	/* the first of the subscribers' */
	/* of the last takeover */
	uint64_t takeover_ms;
	bool walking;		/* its sessions are told one after another; this one was the last */
	uint16_t walk_tunnel, walk_session;
	bool rebuilding;	/* a standby's engine and subscribers are made from the records */
	unsigned rebuild_pass;
	struct group_resync_info resync;
	struct group_orphans orphans;
	void (*counters_done)(void *arg);	/* counters are being read for him */
	void *counters_arg;
	struct checkpoint_drain drain;	/* group_drain.c */
	enum dp_clamp clamp;		/* of the data plane, once it was told */
	bool clamp_told, clamp_some;	/* there is, or was, a template that says it: its sessions keep it */
	uint16_t id_min, id_max;	/* tunnel IDs that are given out */
	uint16_t record_id;		/* the first number in keys of what there is one of */
	struct group_failure failures[GROUP_HISTORY_MAX];	/* newest first */
	size_t failure_count;
	uint64_t failures_since_ms;
	unsigned failures_logged, failures_unlogged;	/* since then */
	/* group_trace.c */
	const struct debug *debug;
	struct group_takeover takeovers[GROUP_TAKEOVERS_MAX];	/* newest first */
	struct group_event events[GROUP_EVENTS_MAX];
	size_t event_count;
	enum ha_role traced_role;
	enum ha_sync traced_sync;
	uint64_t traced_acked;
};

static inline uint32_t sub_key(uint16_t tunnel_id, uint16_t session_id)
{
	return (uint32_t)tunnel_id << 16 | session_id;
}

static inline bool session_is_lns(const struct l2tp_session_state_rec *s)
{
	return s->call == L2TP_CALL_IN_LNS || s->call == L2TP_CALL_OUT_LNS;
}

static inline struct ppp_key ppp_key_of(const struct subscriber *sub)
{
	return (struct ppp_key){ sub->tunnel_id, sub->session_id };
}

/* ---- group.c ---- */
struct dp_request *group_request(struct group *group, uint16_t tunnel_id, uint16_t session_id, uint32_t generation);
struct group *group_request_done(struct dp_request *request);	/* frees it; NULL: the group is gone */
/* The same of a session; NULL: the group or what was asked for is gone. */
struct subscriber *sub_request_done(struct dp_request *request, struct group **group);
uint64_t group_unix_ms(const struct group *group);
/* Ends a session whose PPP or data plane failed or closed: CDN, and the subscriber goes in the next round. */
void group_close_session_by(struct group *group, uint16_t tunnel_id, uint16_t session_id,
			    const struct l2tp_result *result);
void group_close_session(struct group *group, uint16_t tunnel_id, uint16_t session_id, uint16_t result,
			 uint16_t error, const char *text);
/* -EPERM without a word: we own no longer, and what is told from here on is not ours to keep. */
int group_put(struct group *group, struct ha_key key, uint8_t *body, size_t len, int err);
bool group_hot(const struct group *group);	/* a standby keeps kernel sessions and PPP in place */
void group_queue(struct group *group, struct output *output);
void group_output_free(void *ctx, void *output);
const char *group_tunnel_params_group(struct group *group, uint16_t tunnel_id);

/* ---- group_dial.c ---- */
int group_dial_new(struct group *group);
void group_dial_free(struct group *group);
void group_dial_take_over(struct group *group);	/* we are active */
void group_dial_reset(struct group *group);	/* we are passive */
void group_dial_tick(struct group *group);
int group_busy_apply(struct group *group, const void *body, size_t len);
/* Does this redundancy group open the tunnels of the VPDN group to `peer`, and from which address? */
bool group_dials(const struct group *group, const struct config_vpdn_group *vg, const struct l2tp_endpoint *peer,
		 struct l2tp_endpoint *local);

/* ---- client.c ---- */
struct client;
void clients_free(struct group *group);
/* The configuration may have changed. */
void clients_sync(struct group *group);
void clients_take_over(struct group *group);
void clients_tick(struct group *group);
void client_ended(struct group *group, uint16_t tunnel_id, uint16_t session_id, const struct l2tp_result *result);
/* False: its dialer is no longer configured. */
bool client_ppp_params(const struct group *group, const struct subscriber *sub, struct ppp_params *p);
void client_open(struct group *group, struct subscriber *sub, const struct ppp_up *up);

/* ---- group_ha.c ---- */
void group_ha_action(struct group *group, struct ha_action *action);
/* The store is the truth: what is here and not in it goes, the rest is applied. */
void group_rebuild(struct group *group);
uint32_t group_lease_ms(const struct group *group);
void group_lease_check(struct group *group);
void group_lease_shorten(struct group *group);
void group_lease_tick(struct group *group);
void group_pause_check(struct group *group);
void group_prepare(struct group *group);	/* a standby whose peer fell silent */
void group_rebuild_some(struct group *group, unsigned records);	/* while group->rebuilding: about so many more */
void group_walk(struct group *group);	/* after a takeover, while group->walking: a few sessions more */

/* ---- group_restart.c ---- */
/* Of a node that loses the role: what is in place stays, and must not speak; what cannot be mute goes. */
void sub_mute(struct group *group, struct subscriber *sub);
bool group_keeps_in_place(const struct group *group);
/* While restoring: what the record is of may still stand. */
void adopt_begin(struct group *group, struct subscriber *sub);
void adopt_end(struct group *group, struct subscriber *sub);
/* True: leave it alone for now. */
bool adopt_waits(struct group *group, struct subscriber *sub);
bool adopt_tunnel(struct group *group, struct group_tunnel *t);
bool adopt_orphan(struct group *group, struct ppp_key key, const struct ppp_up *up);
void adopt_handed_over(struct group *group, struct ppp_key key, int session_fd, int tunnel_fd);

/* ---- group_admit.c ---- */
void group_clamp(struct group *group);	/* as configured, told to the data plane */
void group_limits(struct group *group);	/* of the configuration, told to the engine */
/* What a tunnel is given from its VPDN group (config_vpdn_group_effective()). */
void group_tunnel_params(const struct group *group, const struct config_vpdn_group *effective, struct l2tp_tunnel_params *p);
/* One call more on a tunnel of that VPDN group?  False: why not. */
bool group_admits(const struct group *group, const char *vpdn_group, char why[L2TP_TEXT_MAX]);
const char *group_refusal_type(const struct group *group, const struct l2tp_result *result);
/* of struct l2tp_ops */
bool group_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p);
bool group_admit_tunnel(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
			char why[L2TP_TEXT_MAX]);
bool group_admit_call(void *ctx, uint16_t tunnel_id, char why[L2TP_TEXT_MAX]);

/* ---- access.c ---- */
void access_place(struct group *group, struct subscriber *sub);
bool access_known(struct subscriber *sub, const struct checkpoint_joint *record);
void access_record(const struct subscriber *sub, struct checkpoint_joint *record);
void access_release(struct group *group, struct subscriber *sub);
/* It ends in the next round. */
void access_close(struct group *group, uint16_t session_id, const char *why);
bool access_reap(struct group *group);
const struct config_vtemplate *access_vtemplate(const struct group *group, const struct subscriber *sub);
void access_ppp_params(struct ppp_params *p);
int access_fd(const struct subscriber *sub);
struct switch_call;
void access_call(const struct subscriber *sub, struct switch_call *call);
void access_refused(struct group *group, struct subscriber *sub, const char *why);

/* ---- switch.c ---- */
#define SWITCH_AVPS_MAX 96	/* more than fit into what is kept of a call */
struct switch_call {		/* what is dialled, and what that points at */
	struct dial_request request;
	struct l2tp_avp avps[SWITCH_AVPS_MAX];
	struct l2tp_session_state_rec s;	/* that came in; of PPPoE: empty */
	struct l2tp_tunnel_info from;
	char calling[18];
};
/* As its LAC told of it; false: it is gone. */
bool switch_call_of(struct group *group, const struct subscriber *head, struct switch_call *call);
void switch_dial(struct group *group, struct subscriber *head, struct switch_call *call, const struct config_vpdn_group *vg);
/* The group that dials a call on; NULL: it ends here. */
const struct config_vpdn_group *switch_group(const struct config *config, const char *hostname, const char *dnis,
					     const char *user);
/* An established session that is about to get its PPP: true: it gets none here, see what becomes of it. */
bool switch_takes(struct group *group, struct subscriber *sub, const struct l2tp_session_state_rec *s);
void switch_session_down(struct group *group, const struct l2tp_action *action);
void switch_reset(struct group *group);		/* the dialer forgot what it was dialling */
/* What a peer says of one leg is said on the other; false: it is none. */
bool switch_pass(struct group *group, const struct l2tp_action *action);

/* ---- switch_user.c ---- */
/* PPP here has learnt who it is.  True: he is dialled on, the answer waits. */
bool switch_user(struct group *group, struct subscriber *sub, const struct ppp_auth *auth);
void switch_avp_add(struct switch_call *call, uint16_t vendor, uint16_t attr, const void *value, size_t len);

/* ---- joint.c ---- */
/* Of the two, the one that came in; NULL: it is not joined. */
struct subscriber *joint_head(struct group *group, const struct subscriber *sub);
/* From here on what comes in by either goes out by the other. */
void joint_make(struct group *group, struct subscriber *head, uint16_t tunnel_id, uint16_t session_id);
void joint_apply(struct group *group, const struct checkpoint_joint *record);
void joint_apply_del(struct group *group, uint16_t tunnel_id, uint16_t session_id);
bool joint_recorded(struct group *group, const struct subscriber *sub);
/* Its kernel session is there. */
void joint_place(struct group *group, struct subscriber *sub);
/* Its kernel session goes, and with it what was joined in the kernel. */
void joint_unplace(struct group *group, struct subscriber *sub);
/* A session is over: so is the other, for the same reason. */
void joint_session_down(struct group *group, const struct l2tp_action *action);
/* Parts the two, and ends the one that is not `sub`. */
void joint_hang_up(struct group *group, struct subscriber *sub, const struct l2tp_result *result);
/* The takeover has come to it: is the other one there?  False: it was not, and is not joined any more. */
bool joint_whole(struct group *group, struct subscriber *sub);

/* ---- group_drain.c ---- */
/* Takes this peer no new sessions?  `name` may be empty. */
bool group_draining(const struct group *group, const char *name, const struct l2tp_endpoint *peer);

/* ---- group_info.c ---- */
/* Logged here, too; `user` may be empty, `peer` NULL. */
void group_failure_add(struct group *group, uint16_t tunnel_id, const struct l2tp_endpoint *peer, const char *user,
		       const char *type, const char *reason);

/* ---- group_orphans.c ---- */
void group_orphans_tell(struct group *group);	/* the records of the peer are in place */

/* ---- group_trace.c ---- */
void group_trace_ha(struct group *group, const struct ha_action *action);
void group_trace_engine(struct group *group, const struct l2tp_action *action);	/* after it was counted */
void group_trace_takeover(struct group *group);	/* before the counts of the last one are forgotten */
void group_trace_link(struct group *group, bool up);
void group_trace_input(struct group *group);

/* ---- group_tunnel.c ---- */
struct group_tunnel *tunnel_get(struct group *group, uint16_t tunnel_id, bool create);
void tunnel_place(struct group *group, uint16_t tunnel_id);
void tunnel_drop(struct group *group, uint16_t tunnel_id);	/* data plane too */

/* ---- subscriber.c ---- */
struct subscriber *sub_find(struct group *group, uint16_t tunnel_id, uint16_t session_id);
struct subscriber *sub_get(struct group *group, uint16_t tunnel_id, uint16_t session_id);
/* Brings it in place as the role and the mode demand. Idempotent. */
void sub_place(struct group *group, struct subscriber *sub);
void sub_activate(struct group *group, struct subscriber *sub);
/* Kills PPP and kernel session, silently; the subscriber stays known. */
void sub_unplace(struct group *group, struct subscriber *sub);
/* Unplaces, gives the address back, forgets. The record stays: another node's, or it comes back from there. */
void sub_drop(struct group *group, struct subscriber *sub);
/* The session is over: drops the subscriber (it may be unknown) and deletes its record. */
void sub_end(struct group *group, uint16_t tunnel_id, uint16_t session_id);
void sub_put(struct group *group, struct subscriber *sub);
bool sub_is_newer(const struct subscriber *sub);	/* than its record: open, and that was not kept */
/* What it asked and was told while nobody was heard is lost: it negotiates from the start. */
void sub_negotiate_anew(struct group *group, struct subscriber *sub);
/* Takes over what PPP says of itself; false: out of memory. */
bool sub_captured(struct subscriber *sub, const struct ppp_up *up);
/* subscriber_lcp.c: tells a LAC that asked what LCP agreed on. */
void sub_tell_lcp(struct group *group, const struct subscriber *sub);
void sub_apply(struct group *group, const struct checkpoint_subscriber *record);
void sub_placed(struct group *group, struct subscriber *sub);
void sub_await_ppp(struct group *group, struct subscriber *sub, bool injected);	/* its engine was asked for something and answers */
void sub_start_ppp(struct group *group, struct subscriber *sub);
void sub_retry_all(struct group *group);
void sub_later(struct group *group, struct subscriber *sub);	/* placed again after a while, longer each time */
/* Address 0: none.  What it gets was taken in the pools before, so nobody else has it. */
void sub_set_address(struct group *group, struct subscriber *sub, uint32_t address, const char *pool);
struct subscriber *sub_by_address(struct group *group, uint32_t address);
const struct config_vtemplate *sub_vtemplate(struct group *group, const struct subscriber *sub);

#endif
