/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the kernel back end, for kernel*.c only.
 *
 *   kernel.c           tunnels, sessions, packets; its life
 *   kernel_address.c   virtual addresses, leases
 *   kernel_join.c      two PPP channels become one way
 */
#ifndef L2TPHA_NETLINK_KERNEL_INTERNAL_H
#define L2TPHA_NETLINK_KERNEL_INTERNAL_H

#include "netlink/dataplane.h"
#include "netlink/keeper.h"

struct ev_loop;
struct session;
struct tunnel;

struct dp_kernel {
	struct dp dp;		/* first */
	struct ev_loop *loop;
	struct dp_events events;	/* the user's */
	struct udp *udp;
	struct genl *genl;
	struct worker *worker;
	struct fence *fence;
	struct vips *vips;
	struct probes *probes;
	struct carrier *carrier;
	struct seqs *seqs;
	struct flush *flush;	/* under way */
	struct tunnel *tunnels[65536];
	struct session *sessions;
	struct keeper keeper;
};

static inline struct dp_kernel *kernel_of(struct dp *dp)
{
	return (struct dp_kernel *)dp;
}

/* ---- kernel.c ---- */
/* Its socket, while the session is in use; -ENODEV. */
int dp_kernel_session_fd(const struct dp_kernel *k, uint16_t tunnel_id, uint16_t session_id);

/* ---- kernel_join.c ---- */
int dp_kernel_join(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg);
int dp_kernel_separate(struct dp *dp, const struct dp_end *end, dp_done_fn done, void *arg);

/* ---- kernel_address.c ---- */
int dp_kernel_vip_declare(struct dp *dp, const struct dp_vip *vips, size_t count);
int dp_kernel_vip_resume(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms);
int dp_kernel_lease(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms, dp_done_fn done,
		    void *arg);
int dp_kernel_fence(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
int dp_kernel_vip_add(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
int dp_kernel_vip_del(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
int dp_kernel_vip_probe(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t timeout_ms,
			dp_done_fn done, void *arg);
int dp_kernel_clamp_mss(struct dp *dp, enum dp_clamp whose);
bool dp_kernel_has_carrier(struct dp *dp, const struct dp_vip *vips, size_t count);

#endif
