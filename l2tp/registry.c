/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which tunnels there are: by our ID (an array), and by who asked for them.
 *
 * An SCCRQ carries no ID of ours, so a repeated one is recognised by (source
 * address, port, Assigned Tunnel ID).  Several tunnels may share that key: a
 * peer that lost its state starts again with the same number while we still
 * hold, or are closing, the old tunnel.  The newest answers.
 *
 * Our IDs leave a shuffled queue at the front and come back at the end: they
 * are unpredictable and a used one rests as long as possible.
 *
 * Half-open tunnels are counted per peer address in a small table indexed by a
 * keyed hash; two addresses may share a count, which only makes the limit a
 * little tighter for both.  The same way refusals are counted, second by second:
 * an answer is longer than the shortest request, and goes to an address that
 * nobody has proved to be his.
 */
#include "l2tp/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BY_PEER_FIRST 256
#define REFUSALS_S 1000		/* answered, of all peers */
#define REFUSALS_PEER_S 20	/* of one */
#define ID_TRIES 64		/* for one of this owner's quarter */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ hash >> 29;
}

uint64_t registry_digest(const struct l2tp *l2tp, const uint8_t *data, size_t len)
{
	uint64_t hash = l2tp->hash_key ^ len;
	size_t i;

	for (i = 0; i < len; i++)
		hash = mix(hash, data[i]);
	return hash ? hash : 1;
}

static uint64_t hash_addr(const struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	uint64_t words[2] = { 0, 0 };

	memcpy(words, peer->addr, peer->family == 4 ? 4 : 16);
	return mix(mix(l2tp->hash_key ^ peer->family, words[0]), words[1]);
}

static uint32_t bucket(const struct l2tp *l2tp, const struct l2tp_endpoint *peer, uint16_t peer_id)
{
	uint64_t hash = mix(hash_addr(l2tp, peer), (uint64_t)peer->port << 16 | peer_id);

	return (uint32_t)(hash >> 20) & (l2tp->by_peer_size - 1);
}

uint64_t registry_site(const struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	uint64_t word = 0;

	memcpy(&word, peer->addr, peer->family == 4 ? 4 : 8);
	return mix(mix(l2tp->hash_key ^ peer->family, word), l2tp->hash_key);
}

uint64_t registry_request(const struct l2tp *l2tp, const struct l2tp_endpoint *peer, uint64_t digest)
{
	return mix(mix(hash_addr(l2tp, peer), peer->port), digest);
}

uint16_t *registry_half_open(struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	return &l2tp->half_open_by_addr[registry_site(l2tp, peer) >> 32 & (L2TP_PEER_BUCKETS - 1)];
}

uint32_t *registry_calls_setup(struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	return &l2tp->calls_setup_by_addr[hash_addr(l2tp, peer) >> 32 & (L2TP_PEER_BUCKETS - 1)];
}

bool registry_may_refuse(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	uint16_t *count = &l2tp->refusals_by_addr[hash_addr(l2tp, peer) >> 32 & (L2TP_PEER_BUCKETS - 1)];

	if (now_ms >= l2tp->refusals_until_ms) {
		l2tp->refusals_until_ms = now_ms + 1000;
		l2tp->refusals = 0;
		memset(l2tp->refusals_by_addr, 0, sizeof(l2tp->refusals_by_addr));
	}
	if (l2tp->refusals >= REFUSALS_S || *count >= REFUSALS_PEER_S)
		return false;
	l2tp->refusals++;
	++*count;
	return true;
}

static int by_peer_grow(struct l2tp *l2tp)
{
	uint32_t i, old_size = l2tp->by_peer_size, size = old_size ? old_size * 2 : BY_PEER_FIRST;
	struct l2tp_tunnel **old = l2tp->by_peer, **chains = calloc(size, sizeof(*chains)), **end, *tunnel;

	if (!chains)
		return -ENOMEM;
	l2tp->by_peer = chains;
	l2tp->by_peer_size = size;
	for (i = 0; i < old_size; i++)
		while ((tunnel = old[i])) {
			old[i] = tunnel->peer_next;
			end = &chains[bucket(l2tp, &tunnel->peer, tunnel->peer_id)];
			while (*end)
				end = &(*end)->peer_next;
			*end = tunnel;
			tunnel->peer_next = NULL;
		}
	free(old);
	return 0;
}

int registry_add(struct l2tp *l2tp, struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel **chain;

	if (l2tp->by_peer_count >= l2tp->by_peer_size && by_peer_grow(l2tp))
		return -ENOMEM;
	chain = &l2tp->by_peer[bucket(l2tp, &tunnel->peer, tunnel->peer_id)];
	tunnel->peer_next = *chain;
	*chain = tunnel;
	l2tp->by_peer_count++;
	l2tp->tunnels[tunnel->local_id] = tunnel;
	if (tunnel->local_id >= l2tp->id_end)
		l2tp->id_end = tunnel->local_id + 1u;
	l2tp->free_id_used[tunnel->local_id / 8] |= (uint8_t)(1 << (tunnel->local_id & 7));
	return 0;
}

/*
 * Free IDs, least recently used first: a peer that missed the end of a tunnel
 * sends to its number for half a minute, and must not meet another tunnel.
 * An ID that was used (imported) while it stood in the queue goes to the end
 * when its turn comes.
 */
static void free_id_push(struct l2tp *l2tp, uint16_t id)
{
	uint8_t bit = (uint8_t)(1 << (id & 7));

	if (l2tp->free_id_queued[id / 8] & bit)
		return;
	l2tp->free_id_queued[id / 8] |= bit;
	*(uint16_t *)ring_push(&l2tp->free_ids) = id;
}

static void free_ids_init(struct l2tp *l2tp);

static void by_peer_unlink(struct l2tp *l2tp, struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel **link = &l2tp->by_peer[bucket(l2tp, &tunnel->peer, tunnel->peer_id)];

	while (*link != tunnel)
		link = &(*link)->peer_next;
	*link = tunnel->peer_next;
}

static void by_peer_link(struct l2tp *l2tp, struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel **chain = &l2tp->by_peer[bucket(l2tp, &tunnel->peer, tunnel->peer_id)];

	tunnel->peer_next = *chain;
	*chain = tunnel;
}

void registry_set_peer_id(struct l2tp *l2tp, struct l2tp_tunnel *tunnel, uint16_t peer_id)
{
	by_peer_unlink(l2tp, tunnel);
	tunnel->peer_id = peer_id;
	by_peer_link(l2tp, tunnel);
}

void registry_set_peer(struct l2tp *l2tp, struct l2tp_tunnel *tunnel, const struct l2tp_endpoint *peer)
{
	by_peer_unlink(l2tp, tunnel);
	tunnel->peer = *peer;
	by_peer_link(l2tp, tunnel);
}

void registry_remove(struct l2tp *l2tp, struct l2tp_tunnel *tunnel)
{
	by_peer_unlink(l2tp, tunnel);
	l2tp->by_peer_count--;
	l2tp->tunnels[tunnel->local_id] = NULL;
	if (tunnel->local_id < l2tp->config.id_min || tunnel->local_id > l2tp->config.id_max)
		return;
	free_ids_init(l2tp);	/* the fresh ones come before this one */
	if (!(l2tp->free_id_queued[tunnel->local_id / 8] & (1 << (tunnel->local_id & 7))))
		l2tp->free_id_used[tunnel->local_id / 8] &= (uint8_t)~(1 << (tunnel->local_id & 7));
	free_id_push(l2tp, tunnel->local_id);
}

static bool same_peer(const struct l2tp_tunnel *tunnel, const struct l2tp_endpoint *peer, uint16_t peer_id)
{
	return tunnel->peer_id == peer_id && endpoint_equal(&tunnel->peer, peer);
}

struct l2tp_tunnel *registry_by_peer(const struct l2tp *l2tp, const struct l2tp_endpoint *peer, uint16_t peer_id)
{
	struct l2tp_tunnel *tunnel;

	if (!l2tp->by_peer_size)
		return NULL;
	tunnel = l2tp->by_peer[bucket(l2tp, peer, peer_id)];
	while (tunnel && !same_peer(tunnel, peer, peer_id))
		tunnel = tunnel->peer_next;
	return tunnel;
}

struct l2tp_tunnel *registry_older(const struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel *older = tunnel->peer_next;

	while (older && !same_peer(older, &tunnel->peer, tunnel->peer_id))
		older = older->peer_next;
	return older;
}

static void shuffle(struct l2tp *l2tp)
{
	uint32_t i, j, count = l2tp->config.id_max - l2tp->config.id_min + 1u;
	uint32_t *random = malloc(count * sizeof(*random));
	uint16_t *ids = malloc(count * sizeof(*ids)), swap;

	if (!ids || !random) {
		free(ids);
		free(random);
		return;
	}
	l2tp->ops.random(l2tp->ops.ctx, random, count * sizeof(*random));
	for (i = 0; i < count; i++)
		ids[i] = (uint16_t)(l2tp->config.id_min + i);
	for (i = count - 1; i; i--) {
		j = random[i] % (i + 1);
		swap = ids[i];
		ids[i] = ids[j];
		ids[j] = swap;
	}
	for (i = 0; i < count; i++)
		free_id_push(l2tp, ids[i]);
	free(ids);
	free(random);
}

static void free_ids_init(struct l2tp *l2tp)
{
	if (l2tp->ids_shuffled)
		return;
	l2tp->ids_shuffled = true;
	shuffle(l2tp);
}

static uint16_t free_id_pop(struct l2tp *l2tp)
{
	uint16_t id;

	while (ring_pop(&l2tp->free_ids, &id)) {
		uint8_t bit = (uint8_t)(1 << (id & 7));

		l2tp->free_id_queued[id / 8] &= (uint8_t)~bit;
		if (l2tp->tunnels[id])		/* an imported tunnel holds it */
			continue;
		if (!(l2tp->free_id_used[id / 8] & bit))
			return id;
		l2tp->free_id_used[id / 8] &= (uint8_t)~bit;
		free_id_push(l2tp, id);
	}
	return 0;
}

/*
 * Each owner of the tunnels gives out another quarter of the IDs while it can: the
 * one before may have given out some that nobody here knows of (it was alone, or
 * on the other side of a partition), and the peer still uses them.
 */
uint16_t registry_new_id(struct l2tp *l2tp)
{
	uint16_t id, tries;

	free_ids_init(l2tp);
	for (tries = 0; tries < ID_TRIES; tries++) {
		id = free_id_pop(l2tp);
		if (!id)
			break;
		if ((id & 3) == (l2tp->epoch & 3))
			return id;
		free_id_push(l2tp, id);
	}
	id = free_id_pop(l2tp);
	if (id || !l2tp->closing_first)
		return id;
	/* All in use: the tunnel that has been closing for longest gives its own up. */
	tunnel_free(l2tp->closing_first);
	return free_id_pop(l2tp);
}

void registry_return_id(struct l2tp *l2tp, uint16_t id)
{
	free_id_push(l2tp, id);
}
