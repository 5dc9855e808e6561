/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The null back end of dataplane.h: remembers objects, moves no packet.
 * Pure: completions wait until the owner calls dp_null_run().
 *
 * It behaves as the kernel does where that matters to a caller: an operation
 * takes effect when it completes, in the order of the calls; a tunnel or
 * session ID in use gives -EEXIST, a session without its tunnel -ENODEV,
 * deleting what is not there -ENOENT; a packet whose source is a declared
 * address without a lease is dropped and nobody is told.
 */
#ifndef L2TPHA_NETLINK_NULL_H
#define L2TPHA_NETLINK_NULL_H

#include "netlink/dataplane.h"

struct dp_null_config {
	/* control packets out (the simulator's network, a bench's peer); NULL = counted only */
	void (*transmit)(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			 const uint8_t *data, size_t len);
	/* what a vip_probe finds: 1, 0 or -errno */
	int (*probe)(void *ctx, const struct dp_vip *vip);
	/* VIPs came or went, or the fence opened or closed */
	void (*vip_changed)(void *ctx);
	/* nonzero return (-errno) = fail the next operation with it (fault injection); may be NULL.
	 * Called with the name in struct dp_ops; an asynchronous operation fails through its `done`. */
	int (*fault)(void *ctx, const char *operation);
	void *ctx;
};
struct dp_null_stats {
	uint64_t sent, sent_bytes;	/* left the box */
	uint64_t muted;			/* dropped by the fence */
};

/* Both structures are copied. ops->free drops completions that did not run. */
struct dp *dp_null_new(const struct dp_null_config *config, const struct dp_events *events);
/* The kernel's clock goes on (leases end). Call it, or dp_null_run, before any code that may send. */
void dp_null_set_time(struct dp *dp, uint64_t now_ms);
/* Run completions that are due at now_ms (each is due one step after its call). Returns how many ran. */
size_t dp_null_run(struct dp *dp, uint64_t now_ms);
bool dp_null_pending(const struct dp *dp);
/* A packet arrives from the network: events->packet. The owner calls dp_null_batch_end after a batch. */
void dp_null_receive(struct dp *dp, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		     const uint8_t *data, size_t len);
void dp_null_batch_end(struct dp *dp);
/* The cables of all interfaces of addresses: events->carrier. */
void dp_null_plug(struct dp *dp, bool in);
/*
 * The daemon was killed, its kernel lives on: pending completions are lost, tunnels and sessions are
 * leftovers until ops->flush, addresses stay, leases run out. `events` are those of the next daemon.
 */
void dp_null_orphan(struct dp *dp, const struct dp_events *events);

/* So much has passed a session, from now on. */
void dp_null_count(struct dp *dp, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *counters);
/* What the "kernel" holds, for invariants. */
size_t dp_null_tunnels(const struct dp *dp);
size_t dp_null_sessions(const struct dp *dp);
bool dp_null_has_tunnel(const struct dp *dp, uint16_t tunnel_id);
bool dp_null_has_session(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id);
/* To which one it is joined (0, 0: to a socket that is no session of ours); false: to none. */
bool dp_null_joined(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id, uint16_t *to_tunnel,
		    uint16_t *to_session);
/* As they were created; NULL: there is none. */
const struct dp_tunnel *dp_null_tunnel_conf(const struct dp *dp, uint16_t tunnel_id);
const struct dp_session *dp_null_session_conf(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id);
bool dp_null_has_vip(const struct dp *dp, const struct l2tp_endpoint *addr);
/* May a packet with this source leave at now_ms? True for an address nobody declared. */
bool dp_null_leased(const struct dp *dp, const struct l2tp_endpoint *addr, uint64_t now_ms);
struct dp_null_stats dp_null_get_stats(const struct dp *dp);

#endif
