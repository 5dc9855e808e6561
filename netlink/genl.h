/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's L2TP family of generic netlink: its commands, typed. */
#ifndef L2TPHA_NETLINK_GENL_H
#define L2TPHA_NETLINK_GENL_H

#include "netlink/dataplane.h"

struct ev_loop;
struct genl;

struct genl_tunnel {
	uint32_t id;
	uint8_t version;
	struct l2tp_endpoint local;	/* family 0: not over UDP */
};
typedef void (*genl_tunnel_fn)(void *arg, const struct genl_tunnel *tunnel);

/* NULL with one line in `why`. */
struct genl *genl_new(struct ev_loop *loop, char why[256]);
void genl_free(struct genl *g);
int genl_tunnel_create(struct genl *g, const struct dp_tunnel *t, int fd, dp_done_fn done, void *arg);
/* The kernel acknowledges at once and takes the sessions down one after the other later. */
int genl_tunnel_delete(struct genl *g, uint16_t tunnel_id, dp_done_fn done, void *arg);
/* done(-ENODEV): it does not exist. */
int genl_tunnel_exists(struct genl *g, uint16_t tunnel_id, dp_done_fn done, void *arg);
int genl_session_create(struct genl *g, const struct dp_session *s, dp_done_fn done, void *arg);
/* After how long it gives a gap in sequenced data up. */
int genl_session_modify(struct genl *g, const struct dp_session *s, uint32_t recv_timeout_ms, dp_done_fn done, void *arg);
/* done(-ENODEV): it does not exist. */
int genl_session_exists(struct genl *g, uint16_t tunnel_id, uint16_t session_id, dp_done_fn done, void *arg);
int genl_tunnels(struct genl *g, genl_tunnel_fn each, dp_done_fn done, void *arg);
int genl_sessions(struct genl *g, dp_counters_fn each, dp_done_fn done, void *arg);
/* Blocks for a grace period, holding the lock of all generic netlink: for a worker thread. */
int genl_session_delete_blocking(int family, uint16_t tunnel_id, uint16_t session_id);
int genl_family(const struct genl *g);

#endif
