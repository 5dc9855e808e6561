/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do interfaces have carrier, and being told when that may have changed. */
#ifndef L2TPHA_NETLINK_CARRIER_H
#define L2TPHA_NETLINK_CARRIER_H

#include <stdbool.h>
#include <stddef.h>

#include "netlink/dataplane.h"

struct ev_loop;
struct carrier;

typedef void (*carrier_fn)(void *ctx);

/* NULL with errno set. `changed` may be called for nothing; once for all that happened until then. */
struct carrier *carrier_new(struct ev_loop *loop, carrier_fn changed, void *ctx);
void carrier_free(struct carrier *c);

/* false also if there is no such interface */
bool carrier_at(const char *ifname);
/* At one of their interfaces at least; true for none. */
bool carrier_any(const struct dp_vip *vips, size_t count);

#endif
