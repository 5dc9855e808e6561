// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pools: an array of entries each, the free ones in a list by index, head
 * = free longest.  Fixed addresses of users inside a pool are kept out of the
 * list.  Addresses outside all pools that are taken stand in a hash table.
 */
#include "daemon/pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* running out of memory refuses the one address, it does not end the daemon */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(obj) (obj)->lost = true
#include <uthash.h>

#include "daemon/config.h"

#define NIL UINT32_MAX

struct entry {
	uint32_t prev, next;	/* of the free list */
	bool used, reserved;
};

struct pool {
	char name[CONFIG_NAME_MAX];
	uint32_t first, count;	/* host order */
	struct entry *entries;
	uint32_t head, tail;
	uint32_t used, reserved, used_max;
	uint64_t exhausted;
};

struct fixed {			/* a user's own address */
	char user[CONFIG_NAME_MAX];
	uint32_t addr;
	bool lost;
	UT_hash_handle hh;
};

struct outside {		/* taken, in no pool */
	uint32_t addr;
	bool lost;
	UT_hash_handle hh;
};

struct pool_set {
	struct pool *pools;
	size_t count;
	struct fixed *fixed;
	struct outside *outside;
};

static struct entry *entry_find(const struct pool_set *set, uint32_t addr, struct pool **pool)
{
	uint32_t host = ntohl(addr);

	for (size_t i = 0; i < set->count; i++) {
		struct pool *p = &set->pools[i];

		if (host >= p->first && host - p->first < p->count) {
			*pool = p;
			return &p->entries[host - p->first];
		}
	}
	return NULL;
}

static void list_append(struct pool *p, uint32_t i)
{
	struct entry *e = &p->entries[i];

	e->next = NIL;
	e->prev = p->tail;
	if (p->tail == NIL)
		p->head = i;
	else
		p->entries[p->tail].next = i;
	p->tail = i;
}

static void list_remove(struct pool *p, uint32_t i)
{
	struct entry *e = &p->entries[i];

	if (e->prev == NIL)
		p->head = e->next;
	else
		p->entries[e->prev].next = e->next;
	if (e->next == NIL)
		p->tail = e->prev;
	else
		p->entries[e->next].prev = e->prev;
}

static int pool_init(struct pool *p, const struct config_pool *config)
{
	memcpy(p->name, config->name, sizeof(p->name));
	p->first = config->first;
	p->count = config->last - config->first + 1;
	p->head = p->tail = NIL;
	p->entries = calloc(p->count, sizeof(*p->entries));
	if (!p->entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->count; i++)
		list_append(p, i);
	return 0;
}

static int fixed_add(struct pool_set *set, const struct config_user *user)
{
	struct fixed *fixed = calloc(1, sizeof(*fixed));
	struct pool *pool;
	struct entry *e;

	if (!fixed)
		return -ENOMEM;
	memcpy(fixed->user, user->name, sizeof(fixed->user));
	fixed->addr = user->address;
	HASH_ADD_STR(set->fixed, user, fixed);
	if (fixed->lost) {
		free(fixed);
		return -ENOMEM;
	}
	e = entry_find(set, user->address, &pool);
	if (e && !e->reserved) {
		e->reserved = true;
		pool->reserved++;
		list_remove(pool, (uint32_t)(e - pool->entries));
	}
	return 0;
}

struct pool_set *pool_set_new(const struct config *config)
{
	struct pool_set *set = calloc(1, sizeof(*set));
	size_t count = 0;

	if (!set)
		return NULL;
	for (const struct config_pool *p = config->pools; p; p = p->next)
		count++;
	set->pools = calloc(count ? count : 1, sizeof(*set->pools));
	if (!set->pools)
		goto fail;
	for (const struct config_pool *p = config->pools; p; p = p->next)
		if (pool_init(&set->pools[set->count++], p))
			goto fail;
	for (const struct config_user *user = config->users; user; user = user->next)
		if (user->address && fixed_add(set, user))
			goto fail;
	return set;
fail:
	pool_set_free(set);
	return NULL;
}

void pool_set_free(struct pool_set *set)
{
	struct fixed *fixed, *fixed_next;
	struct outside *outside, *outside_next;

	if (!set)
		return;
	HASH_ITER(hh, set->fixed, fixed, fixed_next) {
		HASH_DEL(set->fixed, fixed);
		free(fixed);
	}
	HASH_ITER(hh, set->outside, outside, outside_next) {
		HASH_DEL(set->outside, outside);
		free(outside);
	}
	for (size_t i = 0; i < set->count; i++)
		free(set->pools[i].entries);
	free(set->pools);
	free(set);
}

static void entry_take(struct pool *p, struct entry *e)
{
	if (!e->reserved)
		list_remove(p, (uint32_t)(e - p->entries));
	e->used = true;
	if (++p->used > p->used_max)
		p->used_max = p->used;
}

int pool_take(struct pool_set *set, uint32_t addr)
{
	struct outside *outside;
	struct pool *pool;
	struct entry *e = entry_find(set, addr, &pool);

	if (e) {
		if (e->used)
			return -EADDRINUSE;
		entry_take(pool, e);
		return 0;
	}
	HASH_FIND(hh, set->outside, &addr, sizeof(addr), outside);
	if (outside)
		return -EADDRINUSE;
	outside = calloc(1, sizeof(*outside));
	if (!outside)
		return -ENOMEM;
	outside->addr = addr;
	HASH_ADD(hh, set->outside, addr, sizeof(addr), outside);
	if (outside->lost) {
		free(outside);
		return -ENOMEM;
	}
	return 0;
}

int pool_alloc(struct pool_set *set, const char *name, const char *user, uint32_t *addr)
{
	struct fixed *fixed;
	int err;

	HASH_FIND_STR(set->fixed, user, fixed);
	if (fixed) {
		err = pool_take(set, fixed->addr);
		if (!err)
			*addr = fixed->addr;
		return err;
	}
	for (size_t i = 0; i < set->count; i++) {
		struct pool *p = &set->pools[i];

		if (strcmp(p->name, name))
			continue;
		if (p->head == NIL) {
			p->exhausted++;
			return -ENOSPC;
		}
		*addr = htonl(p->first + p->head);
		entry_take(p, &p->entries[p->head]);
		return 0;
	}
	return -ENOENT;
}

int pool_release(struct pool_set *set, uint32_t addr)
{
	struct outside *outside;
	struct pool *pool;
	struct entry *e = entry_find(set, addr, &pool);

	if (e) {
		if (!e->used)
			return -ENOENT;
		e->used = false;
		pool->used--;
		if (!e->reserved)
			list_append(pool, (uint32_t)(e - pool->entries));
		return 0;
	}
	HASH_FIND(hh, set->outside, &addr, sizeof(addr), outside);
	if (!outside)
		return -ENOENT;
	HASH_DEL(set->outside, outside);
	free(outside);
	return 0;
}

bool pool_taken(const struct pool_set *set, uint32_t addr)
{
	struct outside *outside;
	struct pool *pool;
	struct entry *e = entry_find(set, addr, &pool);

	if (e)
		return e->used;
	HASH_FIND(hh, set->outside, &addr, sizeof(addr), outside);
	return outside;
}

bool pool_info(const struct pool_set *set, size_t i, struct pool_info *info)
{
	const struct pool *p;

	if (i >= set->count)
		return false;
	p = &set->pools[i];
	*info = (struct pool_info){
		.name = p->name, .first = p->first, .last = p->first + p->count - 1, .size = p->count,
		.used = p->used, .reserved = p->reserved, .used_max = p->used_max, .exhausted = p->exhausted,
	};
	return true;
}

uint32_t pool_outside(const struct pool_set *set)
{
	return HASH_COUNT(set->outside);
}

/* ---- another configuration ---------------------------------------------- */

/* What the pool was before, its history and its order included, as far as it is the same. */
static void pool_inherit(struct pool *p, const struct pool_set *old)
{
	for (size_t i = 0; i < old->count; i++) {
		const struct pool *was = &old->pools[i];

		if (strcmp(was->name, p->name))
			continue;
		p->exhausted = was->exhausted;
		if (was->used_max > p->used_max)
			p->used_max = was->used_max;
		if (was->first != p->first || was->count != p->count)
			return;
		for (uint32_t k = was->head; k != NIL; k = was->entries[k].next)
			if (!p->entries[k].used && !p->entries[k].reserved) {
				list_remove(p, k);
				list_append(p, k);
			}
		return;
	}
}

int pool_set_reload(struct pool_set *set, const struct config *config)
{
	struct pool_set *next = pool_set_new(config), old;
	struct outside *outside, *outside_next;
	int err = next ? 0 : -ENOMEM;

	for (size_t i = 0; i < set->count && !err; i++)
		for (uint32_t k = 0; k < set->pools[i].count && !err; k++)
			if (set->pools[i].entries[k].used)
				err = pool_take(next, htonl(set->pools[i].first + k));
	if (!err)
		HASH_ITER(hh, set->outside, outside, outside_next)
			err = err ? err : pool_take(next, outside->addr);
	if (err) {
		pool_set_free(next);
		return err;
	}
	for (size_t i = 0; i < next->count; i++)
		pool_inherit(&next->pools[i], set);
	old = *set;
	*set = *next;
	*next = old;
	pool_set_free(next);
	return 0;
}
