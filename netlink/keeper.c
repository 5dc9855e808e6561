/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of tunnels that somebody keeps for us while no daemon runs.
 *
 * Owns: the ones offered at the start, until they are taken.  Called by the
 * kernel back end.  A socket that is kept keeps its kernel tunnel: whoever
 * ends a tunnel says so here, too.
 */
#include "netlink/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS 65536

void keeper_offer(struct keeper *keeper, const char *name, int fd)
{
	const size_t prefix = sizeof(DP_KEEPER_TUNNEL) - 1;
	unsigned long id = strncmp(name, DP_KEEPER_TUNNEL, prefix) ? 0 : strtoul(name + prefix, NULL, 10);

	if (id && id < IDS && !keeper->offered) {
		keeper->offered = malloc(IDS * sizeof(*keeper->offered));
		if (keeper->offered)
			memset(keeper->offered, -1, IDS * sizeof(*keeper->offered));
	}
	if (!id || id >= IDS || !keeper->offered || keeper->offered[id] >= 0) {
		close(fd);
		return;
	}
	keeper->offered[id] = fd;
}

int keeper_take(struct keeper *keeper, uint16_t tunnel_id)
{
	int fd = keeper->offered ? keeper->offered[tunnel_id] : -1;

	if (fd >= 0)
		keeper->offered[tunnel_id] = -1;
	return fd;
}

void keeper_tunnel(const struct keeper *keeper, uint16_t tunnel_id, int fd)
{
	char name[32];

	snprintf(name, sizeof(name), DP_KEEPER_TUNNEL "%u", tunnel_id);
	if (fd >= 0 && keeper->to.keep)
		keeper->to.keep(keeper->to.ctx, name, fd);
	if (fd < 0 && keeper->to.drop)
		keeper->to.drop(keeper->to.ctx, name);
}

void keeper_end(struct keeper *keeper, bool drop)
{
	unsigned i;

	for (i = 0; keeper->offered && i < IDS; i++) {
		if (keeper->offered[i] < 0)
			continue;
		close(keeper->offered[i]);
		if (drop)
			keeper_tunnel(keeper, (uint16_t)i, -1);
	}
	free(keeper->offered);
	keeper->offered = NULL;
}
