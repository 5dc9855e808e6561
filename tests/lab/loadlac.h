/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAB_LOADLAC_H
#define TESTS_LAB_LOADLAC_H

/* What the files of build/loadlac share; see loadlac.c for the whole. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/lac/lac.h"
#include "tests/lac/ppp.h"

#define LL_NEVER UINT64_MAX
#define LL_TEXTS 32

struct ll;

/* ---- timers (loadlac_timer.c): a binary heap, times in µs --------------- */

struct ll_timer {
	uint64_t at_us;
	int pos; /* in the heap, -1 when not armed */
	void (*fn)(void *arg, uint64_t now_us);
	void *arg;
};

struct ll_heap {
	struct ll_timer **v;
	int n, size;
};

void ll_timer_init(struct ll_timer *t, void (*fn)(void *arg, uint64_t now_us), void *arg);
/* at_us LL_NEVER disarms. Memory for the heap ends the program if absent. */
void ll_timer_set(struct ll_heap *h, struct ll_timer *t, uint64_t at_us);
uint64_t ll_heap_next(const struct ll_heap *h);
void ll_heap_run(struct ll_heap *h, uint64_t now_us);
void ll_heap_free(struct ll_heap *h);
uint64_t ll_now_us(void);

/* ---- probes: what goes through the sessions ------------------------------ */

enum ll_traffic { LL_TRAFFIC_NONE, LL_TRAFFIC_ICMP, LL_TRAFFIC_UDP };

#define LL_PROBE_MAGIC 0x4c4c5031u
#define LL_PROBE_BYE 0x4c4c5042u
#define LL_PROBE_LEN 40

/* Payload of a UDP probe, all fields big endian on the wire. Up: what the
 * session sends. Down: the core's own stream, with what it saw of the up
 * stream since `round` began. */
struct ll_probe {
	uint32_t magic, session, round, seq;
	uint64_t sent_us;
	uint32_t up_received, up_lost, up_gap_us, spare;
};

void ll_probe_put(uint8_t b[LL_PROBE_LEN], const struct ll_probe *p);
bool ll_probe_get(struct ll_probe *p, const uint8_t *b, size_t len);

struct ll_gap {
	uint64_t last_us, max_us;	/* last arrival, longest silence */
	uint64_t received, lost, reordered;
	uint32_t next_seq;
	bool started;
};

/* One arrival; a sequence number below the expected one is reordering. */
void ll_gap_hit(struct ll_gap *g, uint64_t now_us, uint32_t seq);
/* The longest silence up to now, the running one included. */
uint64_t ll_gap_max(const struct ll_gap *g, uint64_t now_us);

/* ---- tunnels and sessions ------------------------------------------------- */

union ll_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct ll_options {
	union ll_addr lns, local;	/* IPv4 or IPv6; ports apart */
	struct in_addr core;
	uint16_t lns_port, source_port, core_port;
	unsigned addresses, tunnels, sessions; /* sessions: per tunnel */
	unsigned concurrency, window, tries, hello_s;
	double rate;
	const char *hostname, *secret, *secret_hostname, *user, *password, *control, *json;
	unsigned secret_every;
	unsigned auth;	/* enum pppc_auth; 0 = mix */
	enum lac_peer peer;
	enum ll_traffic traffic;
	unsigned interval_ms, echo_s, restart_ms;
	double hold_s, duration_s;
	bool control_only, hide, no_call, redial, passive, full, verbose, abrupt;
	uint32_t seed;
};

enum ll_state { LL_DOWN, LL_WAITING, LL_CALLING, LL_L2TP, LL_UP };

struct ll_tunnel {
	struct ll *ll;
	unsigned index;
	int fd;
	struct lac *lac;
	struct ll_timer timer;
	char hostname[64];
};

struct ll_session {
	struct ll *ll;
	unsigned index;
	struct ll_tunnel *tunnel;
	enum ll_state state;
	bool hanging_up, was_up, ppp_started;
	struct lac_call *call;
	struct pppc *ppp;
	struct ll_timer ppp_timer, probe_timer;
	char user[48], password[48];
	uint64_t called_us, l2tp_us, up_us; /* of the last call */
	uint32_t addr;
	/* traffic since the last reset */
	uint32_t seq;
	uint64_t sent;
	struct ll_gap down;	/* UDP: core to here; ICMP: answers */
	uint32_t up_received, up_lost, up_gap_us; /* as the core told */
};

struct ll_text {
	char text[160];
	uint64_t count;
};

struct ll_texts {
	struct ll_text v[LL_TEXTS];
	unsigned n;
	uint64_t dropped;
};

struct ll {
	struct ll_options opt;
	struct ll_heap heap;
	uint64_t start_us, now_us;
	int epoll_fd;
	uint32_t rng;
	struct ll_tunnel *tunnels;
	struct ll_session *sessions;
	unsigned n_sessions;

	unsigned *waiting, wait_head, wait_len; /* ring of session indexes */
	struct ll_timer pace_timer;
	uint64_t next_call_us;
	unsigned n_state[5];

	/* the last batch of calls: begun when nothing was being set up */
	uint64_t first_call_us, last_up_us;
	unsigned batch_up;
	uint64_t calls, failed, lost, regained, hangups;
	struct ll_texts reasons, violations;

	bool link_cut, traffic_on, quit;
	uint32_t round;
	uint64_t tx, rx, tx_cut, rx_cut, tx_errors, foreign;
	struct ll_link *link;
	struct ll_server *server;
};

/* loadlac_session.c */
int ll_sessions_init(struct ll *ll);
void ll_sessions_free(struct ll *ll);
unsigned ll_call(struct ll *ll, unsigned n);	/* place n calls more */
unsigned ll_hangup(struct ll *ll, unsigned n);	/* end the last n placed */
bool ll_hangup_one(struct ll *ll, unsigned index);
void ll_shutdown_tunnel(struct ll_tunnel *t, uint16_t result);
void ll_traffic_reset(struct ll *ll);
void ll_tunnel_rearm(struct ll_tunnel *t);
void ll_tunnel_input(struct ll_tunnel *t, const uint8_t *bytes, size_t len);
/* Sessions that are as far as they shall get. */
unsigned ll_n_ready(const struct ll *ll);
void ll_text_add(struct ll_texts *t, const char *text);

/* loadlac_probe.c */
size_t ll_probe_packet(const struct ll_session *s, uint32_t magic, uint8_t *b, size_t size);
/* Takes a probe, and answers an ICMP echo request made to the session. */
void ll_probe_input(struct ll_session *s, uint64_t now_us, const uint8_t *ip, size_t len);

/* loadlac_link.c */
int ll_link_init(struct ll *ll);
void ll_link_free(struct ll *ll);
int ll_link_open(struct ll_tunnel *t);
void ll_link_send(struct ll_tunnel *t, const uint8_t *bytes, size_t len);
void ll_link_flush(struct ll *ll);
void ll_link_read(struct ll_tunnel *t);

/* loadlac_report.c */
void ll_report(struct ll *ll, FILE *out, bool full);
bool ll_verdict(struct ll *ll);

/* loadlac_ctl.c */
int ll_server_open(struct ll *ll, const char *path);
void ll_server_event(struct ll *ll, void *cookie);
void ll_server_poll(struct ll *ll); /* answers `wait` when it is time */
void ll_server_close(struct ll *ll);
bool ll_server_owns(const struct ll *ll, const void *cookie);
int ll_client(int argc, char **argv);

/* loadlac_core.c */
int ll_core(int argc, char **argv);

#endif
