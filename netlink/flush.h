/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removing what a killed daemon left in the kernel. */
#ifndef L2TPHA_NETLINK_FLUSH_H
#define L2TPHA_NETLINK_FLUSH_H

#include "netlink/dataplane.h"

struct ev_loop;
struct fence;
struct genl;

typedef bool (*flush_is_ours_fn)(void *ctx, uint32_t tunnel_id);

/* A session (of anybody's tunnel): if it is a leftover in a tunnel of ours, it is removed. */
typedef void (*flush_session_fn)(void *ctx, uint16_t tunnel_id, uint16_t session_id);

struct flush;

/*
 * *slot is the flush under way, NULL again when it ends; -EBUSY if there is one.
 * done(0): nothing of the kind is left.
 */
int flush_start(struct flush **slot, struct ev_loop *loop, struct genl *genl, const struct fence *fence,
		flush_is_ours_fn is_ours, flush_session_fn session, void *ctx, dp_done_fn done, void *arg);
/* Without a word to `done`; before the genl socket is freed. NULL is fine. */
void flush_cancel(struct flush *f);

#endif
