/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside dp-driver, for dp-driver*.c only.
 *
 *   dp-driver.c          the commands
 *   dp-driver_planes.c   properties of tunnels and sessions
 *   dp-driver_fences.c   properties of virtual addresses
 *   dp-driver_seq.c      sequenced data
 *   dp-driver_join.c     sessions joined
 *   dp-driver_rig.c      what they stand on: loop, data plane, peer
 */
#ifndef L2TPHA_TESTS_LAB_DP_DRIVER_H
#define L2TPHA_TESTS_LAB_DP_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "netlink/dataplane.h"

#define TUNNELS 10
#define SESSIONS 20

struct session {
	uint16_t tid, sid;
	int fd, tunnel_fd;
};
struct driver {
	struct ev_loop *loop;
	struct dp *dp;
	struct dp_vip vips[2];	/* IPv4, IPv6 */
	int peer_ns, own_ns;
	int sniffer;
	struct session sessions[TUNNELS * SESSIONS + 8];
	size_t session_count;
	unsigned pending, errors;
	int last_error;
	/* what arrived from the peer */
	unsigned packets, batches, wrong_local, race_got;
	struct l2tp_endpoint last_peer, last_local;
	/* the loop's longest busy time */
	double woke_at, busiest_ms;
	ev_check check;
	ev_prepare prepare;
	ev_idle wake;		/* a completion ends the turn */
	/* counters() */
	unsigned rows;
	struct dp_session_counters wanted;
	uint16_t wanted_tid, wanted_sid;
};

/* ---- dp-driver_rig.c ---- */
double now_ms(void);
void die(const char *what) __attribute__((noreturn));
/* One line of the report. */
void check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned check_failures(void);
int shell(const char *command);	/* its exit status */

void setup(struct driver *d, bool declare, bool listen);
void run_for(struct driver *d, double ms);
/* Waits for all that is pending; returns how long it took, or -1. */
double settle(struct driver *d);
/* An operation of the data plane was asked for: `e` is what it returned, on_done its completion. */
void must(struct driver *d, int e, const char *what);
void on_done(void *arg, int error);
void on_session(void *arg, int error, int session_fd, int tunnel_fd);
void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
	       const uint8_t *data, size_t len);
void on_batch_end(void *ctx);

struct dp_tunnel tunnel_conf(const struct driver *d, uint16_t tid, uint16_t peer_port);
void ask_session(struct driver *d, const struct dp_tunnel *t, uint16_t sid);
void lease(struct driver *d, uint32_t ms);
void fence(struct driver *d);
/* A PPP channel on the session, to send frames through as pppd would. */
int attach(int session_fd);
void ppp_send(int channel);
void say_hello(struct driver *d, uint16_t tid, uint16_t peer_port);

void enter(int ns);
struct l2tp_endpoint ep(const char *text, uint16_t port);
int peer_socket(const struct driver *d, uint16_t port);
void peer_send(int fd, const void *data, size_t len);
/* The same by another address, IPv4 or IPv6. */
int peer_socket_at(const struct driver *d, const char *addr, uint16_t port);
void peer_send_to(int fd, const char *addr, const void *data, size_t len);
void peer_asks_arp(struct driver *d);
void open_sniffer(struct driver *d);
/* Packets the peer got since the last call that have a virtual address as source. */
unsigned heard(struct driver *d);

/* ---- dp-driver_planes.c ---- */
void make_tunnels(struct driver *d);
void control_packets(struct driver *d);
void bind_race(struct driver *d);
void on_row(void *arg, uint16_t tid, uint16_t sid, const struct dp_session_counters *c);
void counters(struct driver *d);
void same_four_tuple(struct driver *d);
void deleted_while_made(struct driver *d);
void removal(struct driver *d);

/* ---- dp-driver_seq.c ---- */
void sequenced(struct driver *d);

/* ---- dp-driver_join.c ---- */
void joined(struct driver *d);

/* ---- dp-driver_fences.c ---- */
void mute_then_heard(struct driver *d, int channel, int channel6);
void leases(struct driver *d, int channel);
void queued(struct driver *d);
void addresses(struct driver *d);
void probes(struct driver *d);
void frozen(struct driver *d);
void replaced(struct driver *d, int channel);

#endif
