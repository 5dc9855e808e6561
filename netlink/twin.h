/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two tunnels between the same addresses and ports: the second one gets a port
 * of its own on this box, and the kernel is told to rewrite it.
 */
#ifndef L2TPHA_NETLINK_TWIN_H
#define L2TPHA_NETLINK_TWIN_H

#include <stdbool.h>
#include <stdint.h>

struct dp_tunnel;

/* Whether this kernel takes the tunnel of a data packet from the socket it arrived on: up to 6.10. */
bool twin_matters(void);
/* The peer means 1701; this tunnel's socket has `port`.  0 or -errno, said why. */
int twin_add(const struct dp_tunnel *tunnel, uint16_t port);
void twin_remove(uint16_t tunnel_id);
/* Of every tunnel there are rules for, whoever made them. */
void twin_each(void (*visit)(void *ctx, uint16_t tunnel_id), void *ctx);
/* The rules as text, to be freed; NULL: out of memory. */
char *twin_rules(const struct dp_tunnel *tunnel, uint16_t port);

#endif
