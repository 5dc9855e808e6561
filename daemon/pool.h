/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address pools, pure.  Addresses are in network order.  Least recently
 * released first (S5: an address just given back is not soon another's).
 */
#ifndef L2TPHA_DAEMON_POOL_H
#define L2TPHA_DAEMON_POOL_H

#include "daemon/config.h"

struct pool_set;
struct pool_stats {
	char name[CONFIG_NAME_MAX];
	uint32_t size, used;
};

struct pool_set *pool_set_new(const struct config *config);
void pool_set_free(struct pool_set *set);
/* 0; -ENOENT: no such pool; -ENOSPC: it is empty. `user` prefers the address it last had, if free. */
int pool_alloc(struct pool_set *set, const char *pool, const char *user, uint32_t *address);
/* Reserve this very address (a replicated lease). 0; -EADDRINUSE; -ENOENT: in no pool (not an error for the caller). */
int pool_take(struct pool_set *set, uint32_t address);
void pool_release(struct pool_set *set, uint32_t address);
bool pool_stats(const struct pool_set *set, size_t index, struct pool_stats *stats);

#endif
