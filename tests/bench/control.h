/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of bench-control: an LNS node without a kernel (control-node.c)
 * and the LACs that call it (control-lacs.c).
 */
#ifndef TESTS_BENCH_CONTROL_H
#define TESTS_BENCH_CONTROL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/group.h"
#include "tests/lac/lac.h"

#define CONTROL_TUNNELS_MAX 200
#define CONTROL_PACKET_MAX 1500
#define CONTROL_BATCH 64

/* ---- an LNS: the group of l2tphad, null data plane, real HA link ---------- */

enum node_kind { NODE_ALONE, NODE_ACTIVE, NODE_STANDBY };

struct node_options {
	enum node_kind kind;
	bool warm;
	unsigned resync;	/* receive window of HA tunnels; 0: the default */
	bool ppp;		/* sessions open PPP at once; else its engine never reports */
	uint16_t port;		/* of the HA link */
	const char *more;	/* lines of configuration for its VPDN group, or NULL */
	const int *sockets;	/* UDP, one of each tunnel, connected to its LAC */
	unsigned tunnels;
	/* instead of sockets: where packets to a LAC go, and the node does not sleep */
	void (*transmit)(void *ctx, unsigned lac, const uint8_t *data, size_t len);
	void *ctx;
};

struct node;
struct node *node_new(const struct node_options *options);
void node_free(struct node *node);	/* as a power loss: nobody is told */
/* A packet from a LAC; node_turn() runs it. */
void node_packet(struct node *node, unsigned lac, const uint8_t *data, size_t len);
/*
 * One wake-up, as daemon/io_node.c does it: waits for packets, the link,
 * `extra` (or NULL) or a timer; all that came is then run as one batch.
 */
void node_turn(struct node *node, struct pollfd *extra);
struct ha_info node_ha(const struct node *node);
uint32_t node_established(const struct node *node);
uint64_t node_packets_sent(const struct node *node);
/* Most work (processor time) in one wake-up since the last call, ms: what comes meanwhile waits as long. */
double node_longest_ms(struct node *node);
uint32_t node_ppp_up(const struct node *node);
uint32_t node_ppp_activated(const struct node *node);	/* mute ones that were told to speak */
const struct group *node_group(const struct node *node);
/* Who answers on the virtual address: without a word the active of the pair does. */
void node_address_free(struct node *node);
/* Confirmation times of commits, ms, since the last call; valid until the next. */
double *node_lags(struct node *node, size_t *count);

/* ---- the LACs -------------------------------------------------------------- */

struct lacs_options {
	unsigned tunnels, calls, window;	/* calls of each tunnel; at once in setup, and receive window */
	unsigned open_window;			/* tunnels in setup at once; 0: all */
	const int *sockets;			/* UDP, one of each tunnel, connected to the LNS */
};

struct lacs;
struct lacs *lacs_new(const struct lacs_options *options);
void lacs_free(struct lacs *lacs);
void lacs_open(struct lacs *lacs);
bool lacs_open_done(const struct lacs *lacs);
/* Calls are placed from now on. */
void lacs_call(struct lacs *lacs);
/* Waits for packets, `extra` (or NULL) or a timer, and handles them. */
void lacs_turn(struct lacs *lacs, struct pollfd *extra);
/* So many more in each, so many a second of all, evenly. */
void lacs_more(struct lacs *lacs, unsigned each, unsigned per_s);
/* So many more in each, so many in setup at a time of all, each LAC in its turn. */
void lacs_more_at_once(struct lacs *lacs, unsigned each, unsigned at_once);
/* From ICRQ to ICRP, of the calls since they were last forgotten. */
void lacs_times(struct lacs *lacs, double *p50_ms, double *p99_ms, double *max_ms);
void lacs_forget_times(struct lacs *lacs);
uint64_t lacs_calls_up(const struct lacs *lacs);
unsigned lacs_down(const struct lacs *lacs);		/* calls and tunnels that ended: none should */
uint64_t lacs_retransmissions(const struct lacs *lacs);

/* ---- a pair and its LACs, each a process (control-bed.c) ------------------- */

struct bed_options {
	bool ha, ppp, warm;
	bool standby_later;	/* it comes to life at bed_standby() */
	unsigned tunnels, sessions, window, resync;
	unsigned more, more_per_s;	/* bed_more() */
};
struct standby_report {
	uint64_t cpu_us;
	long rss_kib;		/* growth since bed_begin() */
	double longest_ms;	/* wake-up */
	uint32_t ppp_up, records;
	enum ha_sync sync;
};
struct lacs_report {
	uint64_t cpu_us, retransmissions;
	unsigned down;
	double setup_p50_ms, setup_p99_ms, setup_max_ms;	/* ICRQ -> ICRP */
};

struct bed;
/* A pair in sync (or one box alone), and LACs that have not said anything yet. */
struct bed *bed_new(const struct bed_options *options);
struct node *bed_node(struct bed *bed);		/* the active */
void bed_turn(struct bed *bed, const char *what);	/* `what` is wrong if the trial takes too long */
void bed_rest(struct bed *bed, unsigned ms);
void bed_standby(struct bed *bed);
void bed_in_sync(struct bed *bed);
void bed_begin(struct bed *bed);		/* what is reported counts from now on */
void bed_tunnels(struct bed *bed);
void bed_call(struct bed *bed);
void bed_more(struct bed *bed);
void bed_established(struct bed *bed, uint32_t total);
void bed_lacs_report(struct bed *bed, struct lacs_report *report);
void bed_end(struct bed *bed, struct standby_report *standby, struct lacs_report *lacs);
uint16_t control_free_port(void);
pid_t control_child(const char *name);

/* ---- UDP, in batches as netlink/udp.c reads ------------------------------- */

/* Delivers up to CONTROL_BATCH waiting packets; the number. */
typedef void (*control_packet_fn)(void *ctx, unsigned tunnel, const uint8_t *data, size_t len);
int control_receive(int fd, unsigned tunnel, control_packet_fn deliver, void *ctx);

#endif
