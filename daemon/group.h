/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A redundancy group: a virtual address, the tunnels on it, their subscribers,
 * and the HA that carries them.  The pure heart of the daemon: it wires the
 * L2TP engine, the HA core, the data plane and the PPP engine, and is the
 * same code in l2tphad and in the simulator.
 *
 * One way round (DESIGN 1): packet -> l2tp/ -> actions -> ha/ holds back what
 * must be committed first -> data plane and the wire.  Events, completions of
 * the data plane and what PPP reports only feed; group_run() does the round,
 * once a wake-up, so that all that came in it costs one commit, and nothing
 * that an event's receiver holds is freed under it.
 *
 * A daemon without redundancy has one group without a peer.
 */
#ifndef L2TPHA_DAEMON_GROUP_H
#define L2TPHA_DAEMON_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/ppp.h"
#include "ha/ha.h"
#include "l2tp/l2tp.h"
#include "netlink/dataplane.h"

struct group;
struct pool_set;

struct group_access {			/* a PPPoE session that discovery opened */
	uint16_t session_id;		/* unique on the box */
	char bba[64];			/* its bba-group */
	char ifname[16];
	uint8_t mac[6];			/* the subscriber's */
	char circuit[64], remote[64];	/* what the access node says of his line */
	int fd;				/* connected pppox socket; the group's once it was taken */
};

struct group_ops {
	void *ctx;
	void (*random)(void *ctx, void *buf, size_t len);
	void (*link_send)(void *ctx, const uint8_t *data, size_t len);
	void (*link_reset)(void *ctx, const char *why);
	/* write the epoch where a restart finds it; 0 or -errno */
	int (*persist_epoch)(void *ctx, uint64_t epoch);
	void (*role_changed)(void *ctx, enum ha_role role, const char *why);	/* notify, metrics; may be NULL */
	/* A PPPoE session is over: its client is to be told why; NULL: he is not, another node goes on.  May be NULL. */
	void (*access_end)(void *ctx, uint16_t session_id, const char *why);
	/* The socket of a session that another node opened; -errno: -EALREADY, the one before is not closed yet. */
	int (*access_socket)(void *ctx, const struct group_access *access);
	/* Is it an address of this box?  May be NULL. */
	bool (*own_address)(void *ctx, const struct l2tp_endpoint *address);
	/* We serve from now on: the subscribers' frames are to come here. */
	void (*access_announce)(void *ctx);
};

struct group_config {
	const struct config *config;			/* outlives the group */
	const struct config_redundancy_group *rg;	/* NULL: no redundancy */
	struct pool_set *pools;				/* shared by the groups of a box; NULL: its own, from config */
	uint16_t id_min, id_max;			/* tunnel IDs that are given out */
	const struct ha_id_range *not_ours;		/* outlive the group: IDs of the other groups of the box */
	size_t not_ours_count;
	uint64_t epoch;					/* persisted */
	int64_t unix_minus_monotonic_ms;
	const struct ha_image_ops *image;		/* copied; NULL: nothing outlives the process */
	uint8_t boot_id[16];
};

/*
 * dp and the PPP engine are shared by the groups of a box and outlive them.
 * Start: declares VIPs (fenced), listens, then HA decides.
 */
struct group *group_new(const struct group_config *config, const struct group_ops *ops, struct dp *dp,
			const struct ppp_engine_ops *ppp, void *ppp_engine, uint64_t now_ms);
int group_start(struct group *group, uint64_t now_ms, char why[256]);
/*
 * Between new and start: the records of a daemon that died here, from its image; what it left in the kernel and as PPP
 * is waited for and taken over.  0, or -errno and why: then the group starts empty.
 */
int group_restore(struct group *group, uint8_t *image, size_t size, char why[HA_REASON_MAX]);
/* For how long what is open stays open while no daemon runs and no peer is there; 0: for ever. */
uint32_t group_hold_ms(const struct config_redundancy_group *rg);
/* After restore, for all groups of a box before the first is started: an address that never closed stays ours. */
void group_resume(struct group *group, uint64_t now_ms);
/* Something of it is still waited for: dp flush would end it. */
bool group_adopting(const struct group *group);
void group_free(struct group *group);	/* silent: emits nothing */

/* ---- events (shell or simulator): they feed, group_run() follows ---- */
void group_packet(struct group *group, uint64_t now_ms, const struct l2tp_endpoint *local,
		  const struct l2tp_endpoint *peer, const uint8_t *data, size_t len);
/* Commits what was fed and runs everything to rest. The last thing before sleeping; cheap when idle. */
void group_run(struct group *group, uint64_t now_ms);
void group_link_up(struct group *group, uint64_t now_ms);
void group_link_down(struct group *group, uint64_t now_ms);
/* The interfaces of the addresses may have lost their carrier, or have it back. */
void group_carrier(struct group *group, uint64_t now_ms);
void group_link_input(struct group *group, uint64_t now_ms, const uint8_t *data, size_t len);
void group_tick(struct group *group, uint64_t now_ms);	/* timers; runs */
uint64_t group_deadline_ms(const struct group *group);
/* The time of the wake-up, before completions and PPP events of the data plane and the engine are run. */
void group_now(struct group *group, uint64_t now_ms);
/* the PPP engine's events for keys of this group; arguments as in daemon/ppp.h */
const struct ppp_events *group_ppp_events(void);	/* ctx = struct group * */
/* What config_replace() put into the configuration holds from now on. */
void group_config_changed(struct group *group, uint64_t now_ms);
bool group_has_tunnel(const struct group *group, uint16_t tunnel_id);
bool group_owns_address(const struct group *group, const struct l2tp_endpoint *local);

/* ---- PPPoE subscribers ---- */
bool group_active(const struct group *group);	/* else nobody is served here */
bool group_answers(const struct group *group, uint64_t now_ms);	/* discovery; no lease, no answer */
/* 0, or -errno: the fd is still the caller's. */
int group_access_open(struct group *group, uint64_t now_ms, const struct group_access *access);
void group_access_closed(struct group *group, uint64_t now_ms, uint16_t session_id);	/* by its client */
bool group_has_access(struct group *group, uint16_t session_id);
bool group_access_next(const struct group *group, uint16_t after, struct group_access *out);	/* in order of IDs; 0 starts */

/* ---- administration: feeds and runs ---- */
int group_promote(struct group *group, uint64_t now_ms, bool force, char reason[HA_REASON_MAX]);
int group_demote(struct group *group, uint64_t now_ms, char reason[HA_REASON_MAX]);
int group_switchover(struct group *group, uint64_t now_ms, bool dry_run, char reason[HA_REASON_MAX]);
/* -ENOENT; the peer gets StopCCN / CDN (administrative). */
int group_clear_tunnel(struct group *group, uint64_t now_ms, uint16_t tunnel_id);
int group_clear_session(struct group *group, uint64_t now_ms, uint16_t tunnel_id, uint16_t session_id);

/*
 * No new sessions, and what is up stays: on a tunnel, of a peer (its host name
 * or its address), of everybody; or again.  It is replicated.  -ENOENT: no such
 * tunnel, or it was not drained; -EPERM: not active; -ENOSPC: too many peers.
 */
int group_drain_tunnel(struct group *group, uint64_t now_ms, uint16_t tunnel_id, bool drain);
int group_drain_peer(struct group *group, uint64_t now_ms, const char *peer, bool drain);
int group_drain_all(struct group *group, uint64_t now_ms, bool drain);
/* The peer at `index` of those drained, "" for everybody if that is, NULL: no more; with what it still has. */
const char *group_drained(const struct group *group, size_t index, uint32_t *tunnels, uint32_t *sessions);

/* ---- looking at it ---- */
enum subscriber_state {
	SUBSCRIBER_KERNEL,	/* L2TP established, data plane being made */
	SUBSCRIBER_PPP,		/* PPP negotiating */
	SUBSCRIBER_UP,
	SUBSCRIBER_STANDBY,	/* on a standby: in place and mute (hot) or known (warm) */
	SUBSCRIBER_CLOSING,
};
const char *subscriber_state_name(enum subscriber_state state);
struct subscriber_info {
	uint16_t tunnel_id, session_id;
	enum subscriber_state state;
	char user[64];
	char ifname[16];
	uint32_t address;		/* network order, 0 = none yet */
	uint16_t to_tunnel_id, to_session_id; /* switched: the other leg; 0: it ends here */
	bool has_ppp;			/* PPP state captured, or there is none to be: protected once committed */
	bool in_place;			/* kernel session and PPP unit exist on this box */
	uint64_t up_unix_ms;
	struct dp_session_counters counters;	/* of this box, since its kernel session was made; as last read */
};
/*
 * Reads the counters of the sessions from the data plane; done(arg) is called once, never from inside, or -errno is
 * returned and it is never called.  One at a time (-EBUSY).  With done NULL: nobody waits any more.
 */
int group_counters(struct group *group, void (*done)(void *arg), void *arg);
bool group_subscriber(const struct group *group, uint16_t tunnel_id, uint16_t session_id, struct subscriber_info *info);

struct group_resync_info {	/* of the last takeover */
	uint32_t ok, failed, running;
	uint32_t duration_ms;		/* takeover -> last tunnel resynced */
	bool complete;
	uint32_t in_place_ms;		/* takeover -> last session forwarding (0 extra when hot) */
};
struct group_orphans {			/* of the last partition that this node lost; at 0: none */
	uint64_t at_unix_ms;
	uint32_t tunnels, sessions;
};
struct group_failure {		/* show vpdn history failure */
	uint64_t at_unix_ms;		/* the last time */
	uint32_t repeats;
	uint16_t tunnel_id;
	char peer_name[64], user[64];
	struct l2tp_endpoint peer;
	char type[48];			/* facts 8.7 strings, e.g. "Tunnel in HA resync" */
	char reason[128];
};
#define GROUP_HISTORY_MAX 50

struct group_dialer_info {		/* interface dialer N, where it is this group that dials */
	uint16_t number;
	const char *state;
	char ifname[16];
	uint16_t tunnel_id, session_id;	/* connected */
	uint32_t address;		/* network order; 0: none yet */
	uint64_t up_unix_ms;
	uint64_t next_ms;		/* idle: it dials again in so long; 0: it does not */
	char why[160];			/* the last call failed or ended */
};

struct group_takeover {			/* beside what ha_info() tells of the switchover of that epoch */
	uint64_t epoch, at_unix_ms;
	char from[64];			/* the node that was active as far as this one knows */
	struct group_resync_info resync;
};
#define GROUP_TAKEOVERS_MAX 16

enum group_event_type { GROUP_EVENT_ROLE, GROUP_EVENT_SYNC, GROUP_EVENT_LINK };
struct group_event {			/* show redundancy history */
	enum group_event_type type;
	uint64_t at_unix_ms, epoch;
	char from[16], to[16];
	char why[HA_REASON_MAX];
};
#define GROUP_EVENTS_MAX 64

const char *group_name(const struct group *group);
/* On the active node; false: there are no more. */
bool group_dialer_info(const struct group *group, size_t index, struct group_dialer_info *out);
/* Would the dialer's call stand under that configuration? */
bool group_dialer_stays(const struct group *group, const struct config *next, uint16_t number);
/* Peers that calls are not placed at: as dialer_busy_next(); NULL clears all. -EPERM: not active, -ENOENT. */
struct dial_busy;
bool group_busy_next(const struct group *group, uint64_t now_ms, size_t *at, struct dial_busy *out);
int group_busy_clear(struct group *group, uint64_t now_ms, const struct l2tp_endpoint *peer);
const struct config_redundancy_group *group_redundancy(const struct group *group);
/* IDs that new tunnels get, and how many older ones have another. */
struct group_ids {
	uint16_t first, last;
	uint32_t beyond;
};
void group_ids(const struct group *group, struct group_ids *ids);
struct l2tp *group_l2tp(const struct group *group);
struct ha *group_ha(const struct group *group);
void group_orphans(const struct group *group, struct group_orphans *orphans);
void group_resync_info(const struct group *group, struct group_resync_info *info);
/* Standby: what the records say (a hot standby's engine holds the same). Newest first; returns the count. */
bool group_takeover_info(const struct group *group, uint64_t epoch, struct group_takeover *out);
size_t group_events(const struct group *group, struct group_event *out, size_t max);	/* newest first */
struct debug;
void group_debug_set(struct group *group, const struct debug *debug);	/* outlives the group; NULL: none */
size_t group_failures(const struct group *group, struct group_failure *out, size_t max);

#endif
