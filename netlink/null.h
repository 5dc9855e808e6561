/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The null back end of dataplane.h: remembers objects, moves no packet.
 * Pure: completions wait until the owner calls dp_null_run().
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
	/* nonzero return = fail the next operation with it (fault injection); may be NULL */
	int (*fault)(void *ctx, const char *operation);
	void *ctx;
};
struct dp *dp_null_new(const struct dp_null_config *config, const struct dp_events *events);
/* Run completions that are due at now_ms (each is due one step after its call). Returns how many ran. */
size_t dp_null_run(struct dp *dp, uint64_t now_ms);
bool dp_null_pending(const struct dp *dp);
/* What the "kernel" holds, for invariants. */
size_t dp_null_tunnels(const struct dp *dp);
size_t dp_null_sessions(const struct dp *dp);
bool dp_null_has_session(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id);
bool dp_null_has_vip(const struct dp *dp, const struct l2tp_endpoint *addr);
bool dp_null_leased(const struct dp *dp, const struct l2tp_endpoint *addr, uint64_t now_ms);

#endif
