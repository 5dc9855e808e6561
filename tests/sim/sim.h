/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deterministic simulator: two nodes, their LACs and every link between
 * them in one process, on virtual time, from one seed.
 *
 * Real: daemon/group.c with everything below it, netlink/null.c, tests/lac/.
 * Models: the access network, the HA stream, PPP at both ends, faults.
 *
 * Every callback out of a node and every event is a step; a run is the same
 * sequence of steps for the same seed, so "crash at step k" names a place.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/group.h"
#include "l2tp/l2tp.h"
#include "netlink/null.h"
#include "tests/lac/lac.h"

#define SIM_NODES 2
#define NODE_PROBES 4	/* at once */
#define SIM_PEERS 8	/* control connections */
#define SIM_CALLS 160	/* ever placed in one run */
#define SIM_USERS 60
#define SIM_NEVER UINT64_MAX
#define MS 1000ULL
#define SEC 1000000ULL

struct sim;
struct ether;
struct pppoe_world;
struct sim_event;
typedef void (*sim_event_fn)(struct sim *sim, struct sim_event *ev);

struct sim_event {
	uint64_t at_us, order;
	sim_event_fn fn;
	int who;		/* node or peer or call */
	uint64_t token;		/* incarnation, connection ... of `who` when it was made */
	uint64_t arg;
	struct l2tp_endpoint local, peer;
	uint8_t *data;		/* owned */
	size_t len;
};

/* ---- one node ---- */
struct ppp_model;
struct node {
	struct sim *sim;
	int index;
	bool powered, running;		/* running: the daemon */
	bool frozen;			/* of the daemon: events wait */
	bool access_cut;		/* its leg of the access network */
	bool dying;			/* crash ordered from inside one of its own callbacks */
	bool dying_kill;		/* ... of the daemon only */
	bool in_place;			/* killed, and nothing may be lost with it */
	bool flushed;			/* leftovers in the kernel were swept */
	struct node_image {		/* what outlives the daemon: restart.c */
		uint8_t *now, *next, *frozen;
		size_t now_size, next_size, frozen_size;
	} image;
	uint64_t incarnation;		/* of the daemon */
	uint64_t boot;			/* of the machine */
	struct dp *dp;			/* the kernel */
	struct dp_ops dp_ops;		/* its own, but for the probes: probe.c */
	struct node_probe {
		dp_done_fn done;	/* NULL: none */
		void *arg;
		unsigned asked;
		bool heard, answered;
		int error;
	} probes[NODE_PROBES];
	struct ppp_model *ppp;		/* its pppds */
	struct group *group;
	struct config *config;
	uint64_t disk_epoch;
	bool dp_scheduled, run_scheduled;
	struct sim_event **deferred;	/* while frozen */
	size_t deferred_len, deferred_cap;
	unsigned ppp_hangs;		/* so many of the next PPP engines never say anything */
	unsigned dp_fault_pct;		/* of tunnels and sessions that are made */
	unsigned dp_fault_any_pct;	/* of every other operation, the fence but for */
	bool disk_fails, disk_failed;	/* the epoch cannot be written; has not been once */
	int64_t wall_ms;		/* its wall clock is wrong by this */
	char conflict[200];		/* what it logged of two owners */
	unsigned conflicts;
	uint64_t sync_lie_us;		/* since when it has called itself in sync and was not; 0: it is honest */
	uint64_t seen_epoch;		/* highest it showed */
	enum ha_role role;
	bool switch_pending;		/* ordered from inside a callback */
	uint64_t same_time_ticks, last_tick_us;
};

/* ---- a LAC's control connection and its calls ---- */
struct peer {
	struct sim *sim;
	int index;
	struct lac *lac;
	struct lac_config config;
	char hostname[32];
	struct l2tp_endpoint addr;
	uint64_t generation;		/* tunnels opened */
	bool up;
	bool at_risk;			/* what the pair knew of it may be lost: loss is no violation */
	uint64_t excused_until_us;	/* an old tunnel at risk lingers */
	uint16_t at_risk_peer_tid;	/* the pair's number of it */
	uint16_t seen_tids[64];		/* IDs it used, for shared ports */
	unsigned seen_tids_len;
	uint64_t recoveries;		/* of its LAC, as last looked at */
	uint64_t recovered_us;		/* the last one ended then */
	bool shutdown_waits;		/* for the end of one */
};
enum call_ppp { CALL_PPP_DOWN, CALL_PPP_AUTH, CALL_PPP_UP };
struct call {
	bool used;
	int index, peer;
	struct lac_call *lc;		/* NULL: gone */
	uint16_t lac_tid, lac_sid;	/* at the LAC */
	uint16_t lns_tid, lns_sid;	/* at the pair; 0: not told yet */
	uint32_t serial;
	int user;
	bool up;			/* L2TP */
	enum call_ppp ppp;
	uint32_t addr, magic;		/* network order; the LNS's magic */
	bool at_risk;			/* see struct peer */
	bool ppp_at_risk;		/* PPP may be started afresh */
	bool doomed;			/* the scenario killed its PPP: will be closed */
	bool hung_up;			/* by us; must never come back once confirmed */
	bool lost;			/* its LAC died and does not know it any more */
	bool confirmed;			/* the CDN of that was acknowledged */
	uint64_t confirmed_us;
	uint64_t compared_us;		/* its CDN was forgotten at a recovery: the pair knows by then */
	uint64_t ppp_up_us;
	unsigned echo_ok;		/* replies in the last round */
};

/* ---- an LNS behind the pair, which switches calls to it ---- */
#define SIM_FARS 2
struct far;

/* ---- links ---- */
struct access_net {
	unsigned loss_pm, dup_pm, reorder_pm;	/* per mille */
	unsigned delay_us, jitter_us;
	int owner;			/* where the switch sends the VIP; -1 nowhere */
	uint64_t garp_us;
	uint64_t control_count;		/* control packets offered */
	uint64_t special_at;		/* SIM_NEVER or the number of the one to treat */
	enum { NET_LOSE, NET_DUP, NET_SWAP } special;
	bool loses;			/* ... for so long, or with so much else, that the loser's side is lost */
	bool parts;			/* it will be split: who stays does not know all, and asks with HELLOs on used numbers */
	bool split;			/* each LAC reaches one node, and the nodes not each other */
	int loser;			/* who serves on with the lower epoch */
	int side[SIM_PEERS];		/* the one a LAC reaches, by its address */
	struct { uint8_t data[256]; size_t len; } heard[8];	/* last control packets, for who listens */
};
struct ha_wire {
	bool up[SIM_NODES];
	uint64_t conn[SIM_NODES], next_conn;
	bool cut;
	bool mute[SIM_NODES];		/* what node i sends does not arrive: one-way loss */
	unsigned loss_pm;		/* segments that TCP has to send again */
	unsigned latency_us, jitter_us;
	uint64_t slow_us[SIM_NODES];	/* extra delay of what node i sends */
	uint64_t last_at[SIM_NODES];	/* FIFO */
	bool misfit;			/* the next handover does not fit what the standby holds */
	bool corrupt[SIM_NODES];	/* flip a bit in the next octets of node i */
	uint64_t corrupted_conn;	/* connection that must break, 0 = none */
	uint64_t corrupted_us;
	struct sim_event **held[SIM_NODES];	/* sent while cut, by sender */
	size_t held_len[SIM_NODES], held_cap[SIM_NODES];
	uint64_t try_scheduled;
	uint64_t broken_us;		/* when it healed last, without its stream */
};

/* reach.c */
enum reach {
	REACH_OUR_NS_WRAPS, REACH_THEIR_NS_WRAPS, REACH_OUR_WINDOW_FULL, REACH_THEIR_WINDOW_FULL, REACH_LNS_WINDOW_FULL,
	REACH_IDS_USED_UP, REACH_LAC_ZLB_IGNORED, REACH_LAC_WRONG_DUP, REACH_LAC_OOO_HELD, REACH_LAC_OOO_ACKED,
	REACH_LAC_OOO_DROPPED, REACH_LNS_ZLB_IGNORED, REACH_LNS_WRONG_DUP, REACH_LNS_OOO_ACKED, REACH_LNS_OOO_DROPPED,
};
#define REACH_STATES (REACH_LNS_OOO_DROPPED + 1)

struct sim_stats {
	uint64_t reached[REACH_STATES];
	uint64_t runs, steps, control, checked, switchovers, calls_up, planned, crashes, kills, freezes, link_faults;
};

#define TRACE_LINES 600
#define TRACE_LEN 200

struct sim {
	uint64_t seed, rng[4];
	uint64_t now_us, order;
	struct sim_event **heap;
	size_t heap_len, heap_cap;
	struct node nodes[SIM_NODES];
	struct peer peers[SIM_PEERS];
	int peer_count;
	struct call calls[SIM_CALLS];
	int call_count;
	struct lns_world *dialled;	/* lns.c; NULL: nobody is dialled */
	struct ether *ether;		/* ether.c */
	struct pppoe_world *subscribers;	/* pppoe.c; NULL: there is no PPPoE */
	bool strangers;			/* LNSes are of other makes, reach.c */
	bool proxy;			/* LACs negotiate LCP before they call */
	uint64_t proxied;		/* PPP engines that went on where a LAC stood */
	struct access_net net;
	struct ha_wire wire;
	struct l2tp_endpoint vip;
	bool far_at_risk;		/* what the pair knew of its tunnels to them may be lost */
	bool switching;			/* the pair is a tunnel switch: */
	bool asking;			/* of most calls it has to ask who the user is first */
	struct far *fars[SIM_FARS];	/* calls go on to these; NULL: it is the LNS */
	bool hot;
	enum l2tp_failover failover;	/* of all tunnels; unset: silent, and no LAC speaks RFC 4951 */
	uint64_t steps;
	/* fault by step: when steps reaches crash_at, the active is hit */
	uint64_t crash_at;
	enum { CRASH_POWER, CRASH_KILL, CRASH_SWITCHOVER, CRASH_STANDBY, CRASH_REFUSED } crash_kind;
	bool crash_in_place;		/* it comes back at once, and nothing may be lost */
	uint64_t orphan_pace_us;	/* PPP engines of a daemon that died come back one by one, so far apart */
	uint64_t sent_away;		/* of them: refused or ended by the new daemon */
	uint64_t switchovers;
	int unprotected;		/* the node that went and had spoken without its standby; -1: none */
	uint64_t split_until_us;	/* so long two owners are nobody's fault */
	bool quiet;			/* faults are over */
	uint64_t s3_checked, ghost_checks;
	uint16_t id_max;		/* of tunnels; 0: enough */
	int last_active;
	uint32_t magics;		/* given out; they grow, so that a late frame is known for what it is */
	int acting;			/* whose log lines these are */
	bool failed;
	char why[512];
	bool verbose;
	struct sim_stats stats;
	unsigned trace_next, trace_count;
	char trace[TRACE_LINES][TRACE_LEN];
};

static inline uint64_t sim_ms(const struct sim *sim)
{
	return sim->now_us / 1000;
}

/* queue.c: seeded numbers, time, the trace */
void rng_seed(struct sim *sim, uint64_t seed);
uint64_t rng_next(struct sim *sim);
uint32_t rng_below(struct sim *sim, uint32_t n);		/* 0..n-1 */
bool rng_pm(struct sim *sim, unsigned per_mille);
void rng_fill(void *sim, void *buf, size_t len);
void rng_fill_node(void *node, void *buf, size_t len);
struct sim_event *sim_at(struct sim *sim, uint64_t at_us, sim_event_fn fn, int who, uint64_t token);
void sim_event_data(struct sim_event *ev, const uint8_t *data, size_t len);
void sim_event_free(struct sim_event *ev);
void sim_push(struct sim *sim, struct sim_event *ev);		/* again, at ev->at_us */
void sim_trace(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first failure counts. */
void sim_fail(struct sim *sim, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Runs events until the time, or until a failure. */
void sim_run_until(struct sim *sim, uint64_t until_us);
void sim_run_for(struct sim *sim, uint64_t us);
/* One step; may order the crash of `node` (it is inside one of its callbacks) or of the active. */
void sim_step(struct sim *sim);

/* world.c: making and unmaking */
struct sim *sim_new(uint64_t seed, bool hot, bool verbose);
void sim_free(struct sim *sim);
struct config *world_config(const struct sim *sim, int node);

/* node.c */
void node_boot(struct node *node);		/* power on, or start the daemon again */
void node_power_loss(struct node *node);
void node_kill(struct node *node);		/* kill -9 of the daemon */
void node_freeze(struct node *node);
void node_thaw(struct node *node);
bool node_defer(struct node *node, struct sim_event *ev);	/* true: kept for the thaw */
bool node_alive(const struct node *node);	/* daemon running and not frozen */
void node_settle(struct node *node);		/* after each call into it */
void node_fed(struct node *node);		/* something was fed to its group: a round follows */
uint64_t node_deadline_us(const struct node *node);
void node_tick(struct node *node);
struct group *node_group(const struct node *node);	/* NULL: no daemon */
bool node_is_owner(const struct node *node);
/* The kernel lets packets of the VIP out now. */
void node_plug(struct node *node, bool in);	/* its cables of the access network */
bool node_speaks(const struct node *node);
int sim_active(const struct sim *sim);		/* the owner in role active, or -1 */
enum ha_sync node_sync(const struct node *node);

int node_fault(struct node *node, const char *operation);	/* is it to fail? */

/* probe.c: does somebody have the address? */
void node_probes_init(struct node *node);
void node_probes_end(struct node *node);	/* nobody waits for them any more */

/* restart.c: the image of a node, and killing it so that nothing may be lost */
void node_image_freeze(struct node *node);	/* it dies here, whatever its code still does */
void node_image_restore(struct node *node);	/* into the new group */
const struct ha_image_ops *node_image_ops(struct node *node, struct ha_image_ops *ops);
void node_image_free(struct node *node);
void node_spare(struct node *node);		/* only PPP that opens right now may be lost with its daemon */
void node_kill_in_place(struct node *node);
void run_restart(struct sim *sim);
void run_restart_solo(struct sim *sim);
void run_restart_crowd(struct sim *sim);
void run_restart_storm(struct sim *sim);

/* net.c: access network and HA stream */
void net_from_node(struct node *node, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		   const uint8_t *data, size_t len);
void net_from_far(struct sim *sim, const struct l2tp_endpoint *far, const uint8_t *data, size_t len);
void net_from_peer(struct peer *peer, const uint8_t *data, size_t len);
void net_vip_changed(struct node *node);
void net_start(struct sim *sim);
void wire_send(struct node *node, const uint8_t *data, size_t len);
void wire_reset(struct node *node, const char *why);
void wire_node_gone(struct node *node, bool silently);	/* silently: no FIN */
void wire_cut(struct sim *sim);
void wire_mute(struct sim *sim, int from);
void net_split(struct sim *sim);
/* A split keeps, or kept until a moment ago, this LAC from this node. */
bool net_unreachable(const struct sim *sim, const struct node *node, const struct l2tp_endpoint *lac);
void net_join(struct sim *sim);
int net_side(const struct sim *sim, const struct l2tp_endpoint *lac);	/* the node it reaches in a split */
void wire_heal(struct sim *sim, bool reset);
void wire_poke(struct sim *sim);			/* try to connect soon */

/* ppp.c: the PPP engine of a node, and the clients behind the LACs */
struct ppp_model *ppp_model_new(struct node *node);
void ppp_model_free(struct ppp_model *model);
const struct ppp_engine_ops *ppp_model_ops(void);
void ppp_model_orphan(struct ppp_model *model);	/* its daemon is gone */
void ppp_model_adopt(struct ppp_model *model);	/* a new daemon hears of them */
void ppp_model_input(struct ppp_model *model, uint16_t tunnel_id, uint16_t session_id, const uint8_t *frame, size_t len);
bool ppp_model_die(struct ppp_model *model, struct ppp_key key);	/* pppd crashed */
bool ppp_model_end(struct ppp_model *model, struct ppp_key key, enum ppp_down_reason why);
size_t ppp_model_hanging(const struct ppp_model *model);
size_t ppp_model_count(const struct ppp_model *model);
bool ppp_model_has(const struct ppp_model *model, uint16_t tunnel_id, uint16_t session_id, bool *open, uint32_t *addr);
/* duplicate names or addresses of open links: text of the first, or NULL */
const char *ppp_model_duplicate(const struct ppp_model *model, char buf[128]);
/* a link of one that is not the same link of the other: text, or NULL */
const char *ppp_model_differs(const struct ppp_model *model, const struct ppp_model *other, char buf[128]);
void client_input(struct sim *sim, struct call *call, const uint8_t *frame, size_t len);
void client_echo(struct sim *sim, struct call *call);

/* peer.c */
void peer_new(struct sim *sim, int index, enum lac_peer flavour, const char *secret, bool shared_port);
void peer_free(struct peer *peer);
void peer_input(struct peer *peer, const uint8_t *data, size_t len);
void peer_tick(struct peer *peer);
struct call *peer_call(struct peer *peer);	/* NULL: no room */
void peer_hangup(struct sim *sim, struct call *call);
void peer_shutdown(struct peer *peer);
void peer_restart(struct peer *peer);		/* it loses power and knows nothing any more */
struct peer *peer_by_addr(struct sim *sim, const struct l2tp_endpoint *addr, const uint8_t *data, size_t len);
const char *msg_name(const uint8_t *data, size_t len, char buf[64]);

/* far.c */
void far_new(struct sim *sim, int index);
void far_free(struct far *far);
struct far *far_by_addr(struct sim *sim, const struct l2tp_endpoint *addr);
void far_input(struct far *far, const struct l2tp_endpoint *from, const uint8_t *data, size_t len);
void far_tick(struct far *far);
uint64_t far_deadline_us(const struct far *far);
void far_settle(struct sim *sim);	/* what only time can mend */
size_t far_open(const struct far *far);		/* links that are open */
/* lns.c: the pair as LAC */
/* False: there is no LNS of that address. */
bool lns_input(struct sim *sim, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer, const uint8_t *data,
	       size_t len);
void lns_before_loss(struct sim *sim, struct node *standby);	/* NULL: nothing is covered */
void lns_settle(struct sim *sim);		/* what only time can mend */
void lns_check_end(struct sim *sim);		/* each dialer has its call; then all are shut down */
void lns_config(const struct sim *sim, struct config *config);
void lns_world_free(struct sim *sim);
void net_bridged(struct node *node, uint16_t tid, uint16_t sid, const uint8_t *data, size_t len);
void net_to_pair(struct sim *sim, const struct l2tp_endpoint *from, const uint8_t *data, size_t len, const char *name);

/* ether.c: the Ethernet of PPPoE subscribers, and the nodes on it */
void ether_new(struct sim *sim);
void ether_free(struct sim *sim);
void ether_ops(struct node *node, struct group_ops *ops);
void ether_machine_on(struct node *node);
void ether_machine_off(struct node *node);
void ether_daemon_on(struct node *node);
void ether_daemon_off(struct node *node);
void ether_from_client(struct sim *sim, int client, bool broadcast, uint16_t session_id, const uint8_t *data, size_t len);
void ether_from_ppp(struct node *node, uint16_t session_id, const uint8_t *frame, size_t len);
void ether_from_session(struct node *node, uint16_t tid, uint16_t sid, const uint8_t *frame, size_t len);	/* joined */
size_t ether_sessions(const struct node *node);
size_t ether_sockets(const struct node *node);

/* pppoe.c: the subscribers */
void pppoe_client_mac(int client, uint8_t mac[6]);
int pppoe_client_by_mac(const struct sim *sim, const uint8_t mac[6]);		/* -1: nobody's */
void pppoe_client_input(struct sim *sim, int client, uint16_t session_id, const uint8_t *data, size_t len);
void pppoe_before_loss(struct sim *sim, const struct node *next);	/* NULL: nothing is covered */
void pppoe_image(struct node *node, bool kept);	/* of its daemon, which dies */
void pppoe_settle(struct sim *sim);
void pppoe_check_end(struct sim *sim);		/* everybody is connected; then all hang up */
void pppoe_world_free(struct sim *sim);

/* reach.c: rare states that were reached, and LNSes of another make */
const char *reach_name(enum reach state);
void reach(struct sim *sim, enum reach state);
void reach_lac(struct sim *sim, const struct lac *lac, unsigned dev);	/* what it has counted, before it is freed */
void reach_windows(struct sim *sim, enum reach state);		/* ... if something of ours waits for the peer's */
unsigned deviation(struct sim *sim);				/* of one make, by chance */
/* True: the LNS has dealt with the packet in its own way. */
bool deviates(struct sim *sim, unsigned dev, struct l2tp *l2tp, const struct l2tp_endpoint *lns, const uint8_t *data, size_t len);

/* admit.c */
struct proxy_avps {
	uint8_t data[128];
	size_t len;
};
void proxy_avps(struct sim *sim, const struct call *call, struct proxy_avps *out);

/* check.c */
void check_transmit(struct node *node, const struct l2tp_endpoint *peer, const uint8_t *data, size_t len);
void check_step(struct sim *sim);		/* after every event */
void check_before_silence(struct sim *sim, struct node *active);
void check_before_loss(struct sim *sim, struct node *lost, bool planned);	/* what may be lost with it */
void check_before_meeting(struct sim *sim);		/* the nodes hear each other again */
void check_takeover(struct node *node);		/* it is active now */
void check_before_join(struct sim *sim);		/* what the loser of a partition takes with it */
void check_end(struct sim *sim);		/* liveness, when faults are over */

/* switch.c */
void story_behind(struct sim *sim);	/* before the nodes are booted: the pair is a tunnel switch */

/* scenario.c: what stories are made of */
void story_peers(struct sim *sim, int count, bool plain);
void story_boot(struct sim *sim);		/* both nodes; one is active 5 s later */
void story_calls(struct sim *sim);		/* two plain LACs, the pair, three calls */
void story_settle(struct sim *sim);		/* all faults end; everything that should be, is */
struct node *story_active(struct sim *sim, const char *when);	/* NULL: nobody; with a time, that is a failure */
struct node *story_standby(struct sim *sim);
struct call *story_some_call(struct sim *sim, bool up);
int story_switch(struct sim *sim, struct node *node);
void story_kill_ppp(struct sim *sim, struct node *node);
void story_fault(struct sim *sim);		/* one of the classic ones, by chance */
/* A lossy world with calls coming and going, and a fault now and then. */
void story_random(struct sim *sim, void (*fault)(struct sim *sim));
void story_nothing_moved(struct sim *sim, const char *why);
void story_power_losses(struct sim *sim, int times);	/* of whoever is active; 10 s each */
void story_power_cycle(struct sim *sim, struct node *node, uint64_t off_us);
uint64_t story_between(struct sim *sim, uint32_t from_ms, uint32_t to_ms);	/* microseconds */
void ev_boot(struct sim *sim, struct sim_event *ev);

/* scenario.c */
typedef void (*scenario_fn)(struct sim *sim);
struct scenario {
	const char *name;
	scenario_fn run;
	enum { STORY_FEW, STORY_ODD, STORY_EVEN, STORY_ONCE } seeds;	/* which of --seeds run it */
};
/* faults.c, corners.c, outside.c; each ends with a nameless one */
extern const struct scenario switch_scenarios[], cutoff_scenarios[], fault_scenarios[], corner_scenarios[],
			     outside_scenarios[], recovery_scenarios[], dial_scenarios[],
			     hostile_scenarios[], pppoe_scenarios[], admit_scenarios[];
const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_next(const struct scenario *after);
/* One run. True: clean. */
bool scenario_run(const struct scenario *scenario, uint64_t seed, bool verbose, struct sim_stats *stats);

/* The log goes to this world's trace; the end of a trace and the failure on stdout; figures added up. */
void sim_attach(struct sim *sim);
void sim_report(struct sim *sim, const char *name);
void sim_count(struct sim *sim, struct sim_stats *stats);

/* sweep.c: every step, every message; `only` (sweep:PLAN:N) just that one. Returns failures; prints them. */
void sweep_list(void);		/* names of the plans, for --list */
unsigned sweep_run(const char *only, unsigned part, unsigned parts, bool verbose, struct sim_stats *stats,
		   unsigned *runs);

#endif
