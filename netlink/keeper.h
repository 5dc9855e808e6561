/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that outlive the process: what was offered by whoever kept them, and who is told of new ones. */
#ifndef L2TPHA_NETLINK_KEEPER_H
#define L2TPHA_NETLINK_KEEPER_H

#include "netlink/kernel.h"

struct keeper {
	struct dp_keeper to;
	int *offered;		/* sockets of tunnels by our ID, -1: none; NULL: no offer was made */
};

/* Takes the fd over. */
void keeper_offer(struct keeper *keeper, const char *name, int fd);
/* The caller's from now on; -1: there is none. */
int keeper_take(struct keeper *keeper, uint16_t tunnel_id);
/* fd -1: it need not be kept any more. */
void keeper_tunnel(const struct keeper *keeper, uint16_t tunnel_id, int fd);
/* What was offered and not taken belongs to nothing any more; drop: nor need it be kept. */
void keeper_end(struct keeper *keeper, bool drop);

#endif
