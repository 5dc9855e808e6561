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

#endif
