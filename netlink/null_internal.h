/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the null back end, for null*.c only.
 *
 *   null.c          tunnels, sessions, joints, the queue; its life
 *   null_address.c  virtual addresses and leases
 *   null_look.c     what the "kernel" holds
 */
#ifndef L2TPHA_NETLINK_NULL_INTERNAL_H
#define L2TPHA_NETLINK_NULL_INTERNAL_H

#include "netlink/null.h"

#include <uthash.h>

enum op_kind {
	OP_TUNNEL_CREATE, OP_TUNNEL_DELETE, OP_SESSION_CREATE, OP_SESSION_DELETE, OP_FLUSH, OP_COUNTERS,
	OP_LEASE, OP_FENCE, OP_VIP_ADD, OP_VIP_DEL, OP_VIP_PROBE, OP_TUNNEL_ADOPT, OP_SESSION_ADOPT, OP_JOIN, OP_SEPARATE,
};

struct op {
	enum op_kind kind;
	int error;		/* from fault injection */
	uint16_t tunnel_id, session_id;
	struct dp_end other;	/* JOIN */
	struct dp_session conf;	/* SESSION_CREATE */
	struct dp_tunnel tunnel;	/* TUNNEL_CREATE */
	uint64_t lease_until_ms;	/* counted from the call, as the kernel that is asked at once does */
	bool for_ever;
	struct dp_vip *vips;	/* owned */
	size_t vip_count;
	union {
		dp_done_fn done;
		dp_session_fn session_done;
	};
	dp_counters_fn each;
	void *arg;
};

struct session {
	uint32_t key;		/* tunnel ID << 16 | session ID */
	bool leftover;		/* of a daemon that was killed */
	struct dp_session conf;
	bool joined;
	struct dp_session_counters counters;
	uint32_t joined_to;	/* key; 0: a socket that is no session of ours */
	struct session *next, **pprev;	/* of its tunnel */
	UT_hash_handle hh;
};
struct tunnel {
	uint16_t id;
	bool leftover;		/* of a daemon that was killed */
	struct dp_tunnel conf;
	struct session *sessions;
	UT_hash_handle hh;
};
struct vip {
	struct dp_vip conf;
	bool declared, present;
	bool open;		/* leased, as last told to vip_changed */
	bool for_ever;
	uint64_t leased_until_ms;
};
struct dp_null {
	struct dp dp;		/* first */
	struct dp_null_config config;
	struct dp_events events;
	uint64_t now_ms;
	struct tunnel *tunnels;
	struct session *sessions;
	struct vip *vips;
	size_t vip_count;
	bool declared;		/* by this daemon */
	bool unplugged;
	struct op *queue;	/* ring, size a power of two */
	size_t queue_size, queue_head, queue_len;
	struct dp_null_stats stats;
};

static inline struct dp_null *null_of(struct dp *dp)
{
	return (struct dp_null *)dp;
}

static inline const struct dp_null *null_of_const(const struct dp *dp)
{
	return (const struct dp_null *)dp;
}

static inline bool vip_open(const struct vip *v, uint64_t now_ms)
{
	return !v->declared || v->for_ever || now_ms < v->leased_until_ms;
}

/* ---- null.c ---- */
void *dp_null_must(void *p);
struct tunnel *dp_null_tunnel(const struct dp_null *n, uint16_t id);
struct session *dp_null_session(const struct dp_null *n, uint16_t tunnel_id, uint16_t session_id);
int dp_null_fault(const struct dp_null *n, const char *operation);

/* ---- null_address.c ---- */
struct vip *dp_null_vip(const struct dp_null *n, const struct l2tp_endpoint *addr);
void dp_null_vips_tell(struct dp_null *n, bool changed);
int dp_null_do_vips(struct dp_null *n, const struct op *op);
int dp_null_do_probe(struct dp_null *n, const struct op *op);
int dp_null_vip_declare(struct dp *dp, const struct dp_vip *vips, size_t count);
int dp_null_vip_resume(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms);

#endif
