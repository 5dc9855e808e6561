/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses for subscribers: `ip local pool` and the fixed addresses of
 * users.  Pure.  One set per box; addresses are in network order.
 *
 * The address given next is the one that has been free longest, so that a
 * subscriber's old packets rarely meet a new owner.  Everything is O(1).
 */
#ifndef L2TPHA_DAEMON_POOL_H
#define L2TPHA_DAEMON_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct pool_set;

/* Of the pools and fixed addresses of the configuration. NULL: no memory. */
struct pool_set *pool_set_new(const struct config *config);
void pool_set_free(struct pool_set *set);
/*
 * The pools and fixed addresses become those of the configuration; what is
 * taken stays taken.  -ENOMEM: nothing changed.
 */
int pool_set_reload(struct pool_set *set, const struct config *config);

/*
 * An address for a user: the fixed one if the configuration names one,
 * else from the pool.  `pool` may be empty when the user has a fixed one.
 * -ENOENT: no such pool; -ENOSPC: exhausted; -EADDRINUSE: the fixed one is taken.
 */
int pool_alloc(struct pool_set *set, const char *pool, const char *user, uint32_t *addr);
/* Takes a given address (a replicated lease), in a pool or not. -EADDRINUSE, -ENOMEM. */
int pool_take(struct pool_set *set, uint32_t addr);
/* Gives it back; -ENOENT: it was not taken. */
int pool_release(struct pool_set *set, uint32_t addr);
bool pool_taken(const struct pool_set *set, uint32_t addr);

struct pool_info {
	const char *name;		/* of the configuration; lives as long as the set */
	uint32_t first, last;		/* host order */
	uint32_t size, used, reserved;	/* reserved: fixed addresses of users inside it, taken or not */
	uint32_t used_max;
	uint64_t exhausted;		/* times there was none left */
};
/* The i-th pool in the order of the configuration; false: there is none. */
bool pool_info(const struct pool_set *set, size_t i, struct pool_info *info);
/* Taken addresses outside all pools. */
uint32_t pool_outside(const struct pool_set *set);

#endif
