/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Linux back end of dataplane.h. */
#ifndef L2TPHA_NETLINK_KERNEL_H
#define L2TPHA_NETLINK_KERNEL_H

#include "netlink/dataplane.h"

struct ev_loop;

/*
 * Loads l2tp_ppp, opens the sockets, installs the fence (closed).
 * NULL: `why` says in one line what is missing (e.g. a kernel without L2TP)
 * and what to do about it.
 */
struct dp *dp_kernel_new(struct ev_loop *loop, const struct dp_events *events, char why[256]);

/*
 * A keeper of sockets that outlive this process (systemd's fd store).  Before anything else is asked of dp: what it
 * gives back is offered, the fds are taken over; then it is told of every socket worth keeping.
 */
struct dp_keeper {
	void *ctx;
	void (*keep)(void *ctx, const char *name, int fd);	/* dups what it keeps */
	void (*drop)(void *ctx, const char *name);
};
#define DP_KEEPER_TUNNEL "tunnel-"	/* and our tunnel ID; listeners are DP_KEEPER_LISTENER */
#define DP_KEEPER_LISTENER "listener"
void dp_kernel_offer(struct dp *dp, const char *name, int fd);
void dp_kernel_keeper(struct dp *dp, const struct dp_keeper *keeper);

#endif
