/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does anybody on the link answer for an address? */
#ifndef L2TPHA_NETLINK_PROBE_H
#define L2TPHA_NETLINK_PROBE_H

#include "netlink/dataplane.h"

struct ev_loop;
struct probe;
struct probes;
struct worker;

struct probes *probes_new(struct ev_loop *loop, struct worker *worker);
void probes_free(struct probes *p);
/* As dp_ops.vip_probe. */
int probes_start(struct probes *p, const struct dp_vip *vips, size_t count, uint32_t timeout_ms, dp_done_fn done,
		 void *arg);

#endif
