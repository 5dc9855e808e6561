/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sessions of a tunnel, found by our ID and visited in its order.
 *
 * A hash table whose hash keeps the order: the home of an ID is its leading
 * bits, a slot that is taken is passed over, and runs are kept sorted.  Our
 * IDs come from a permutation, so they are spread over the table as by a hash
 * and it is at most 3/4 full; reading it from one end to the other is reading
 * the sessions in order.  The IDs stand apart from the pointers: a search
 * reads some neighbouring 16-bit numbers and then touches one session, where a
 * tree would touch one that is not in the cache for every level.
 *
 * Behind the last home there is room for a run to go on, and one slot that is
 * always free and ends every search.
 *
 * Session IDs: a counter run through a keyed permutation of 16 bits, so a peer
 * cannot tell the next one (RFC 2661 9.1) and none comes back before all others
 * had their turn: a late packet for a closed session meets nobody.
 */
#include "l2tp/engine.h"

#include <stdlib.h>
#include <string.h>

#define HOMES_MIN 4
#define HOMES_MAX 65536		/* every ID has its own: no run is longer than one */

static uint32_t home(const struct session_index *index, uint16_t id)
{
	return (uint32_t)((uint64_t)id * index->homes >> 16);
}

static uint32_t slots_of(uint32_t homes)
{
	return homes + homes / 8 + 4;
}

/* The slot of the first ID that is not smaller, or the free one where `id` would stand. */
static uint32_t seek(const struct session_index *index, uint16_t id)
{
	uint32_t i = home(index, id);

	while (index->ids[i] && index->ids[i] < id)
		i++;
	return i;
}

/* All sessions into a table of that many homes; false: a run went over its end, or there is no memory. */
static bool resize(struct session_index *index, uint32_t homes)
{
	struct session_index next = { .homes = homes, .slots = slots_of(homes) };
	uint32_t i, to = 0;

	next.at = calloc(next.slots + 1u, sizeof(struct l2tp_session *) + sizeof(*next.ids));
	if (!next.at)
		return false;
	next.ids = (uint16_t *)(next.at + next.slots + 1);
	for (i = 0; i < index->slots; i++) {
		if (!index->ids[i])
			continue;
		if (to < home(&next, index->ids[i]))
			to = home(&next, index->ids[i]);
		if (to == next.slots) {
			free(next.at);
			return false;
		}
		next.ids[to] = index->ids[i];
		next.at[to++] = index->at[i];
	}
	free(index->at);
	*index = next;
	return true;
}

static void grow(struct session_index *index)
{
	uint32_t homes = index->homes ? index->homes : HOMES_MIN / 2;

	do {
		if (homes == HOMES_MAX)
			abort();	/* no memory: engine.c says why */
		homes *= 2;
	} while (!resize(index, homes));
}

struct l2tp_session *session_index_find(const struct l2tp_tunnel *tunnel, uint16_t id)
{
	const struct session_index *index = &tunnel->sessions;
	uint32_t i;

	if (!index->homes)
		return NULL;
	i = seek(index, id);
	return index->ids[i] == id ? index->at[i] : NULL;
}

struct l2tp_session *session_index_after(const struct l2tp_tunnel *tunnel, uint16_t after)
{
	const struct session_index *index = &tunnel->sessions;
	uint32_t i;

	if (!index->homes)
		return NULL;
	for (i = home(index, after); i < index->slots; i++)
		if (index->ids[i] > after)
			return index->at[i];
	return NULL;
}

void session_index_insert(struct l2tp_tunnel *tunnel, struct l2tp_session *session)
{
	struct session_index *index = &tunnel->sessions;
	uint32_t i, end;

	if (tunnel->session_count >= index->homes / 4 * 3 && index->homes < HOMES_MAX)
		grow(index);
	for (;;) {
		i = seek(index, session->local_id);
		for (end = i; index->ids[end]; end++)
			;
		if (end < index->slots)
			break;
		grow(index);
	}
	/* The larger ones of the run make room. */
	memmove(&index->ids[i + 1], &index->ids[i], (end - i) * sizeof(*index->ids));
	memmove(&index->at[i + 1], &index->at[i], (end - i) * sizeof(struct l2tp_session *));
	index->ids[i] = session->local_id;
	index->at[i] = session;
	tunnel->session_count++;
}

void session_index_remove(struct l2tp_tunnel *tunnel, struct l2tp_session *session)
{
	struct session_index *index = &tunnel->sessions;
	uint32_t i = seek(index, session->local_id), end;

	/* Who stands behind its home moves up. */
	for (end = i + 1; index->ids[end] && home(index, index->ids[end]) < end; end++)
		;
	memmove(&index->ids[i], &index->ids[i + 1], (end - 1 - i) * sizeof(*index->ids));
	memmove(&index->at[i], &index->at[i + 1], (end - 1 - i) * sizeof(struct l2tp_session *));
	index->ids[end - 1] = 0;
	index->at[end - 1] = NULL;
	if (--tunnel->session_count == 0) {
		free(index->at);
		*index = (struct session_index){ 0 };
	} else if (index->homes > HOMES_MIN && tunnel->session_count < index->homes / 8) {
		resize(index, index->homes / 2);	/* where it fails the larger one stays */
	}
}

/* Four Feistel rounds on two halves of seven bits. */
static uint16_t permute(uint16_t number, uint64_t key)
{
	uint8_t left = (uint8_t)(number >> 7 & 0x7f), right = (uint8_t)(number & 0x7f), next;
	int round;

	for (round = 0; round < 4; round++, key >>= 16) {
		next = (left ^ (uint8_t)(((right ^ (key & 0xff)) * (0x9e37u | (key & 0xff00)) >> 5) + (key >> 8))) & 0x7f;
		left = right;
		right = next;
	}
	return (uint16_t)(left << 7 | right);
}

/*
 * Unpredictable, and none comes back before all the others were used.  Each owner
 * begins with another quarter of them: the one before may have given out some that
 * nobody here knows of, and the peer still uses them.
 */
uint16_t session_new_id(struct l2tp_tunnel *tunnel)
{
	uint32_t tries;
	uint16_t id, n;

	for (tries = 0; tries < 65536; tries++) {
		n = tunnel->session_id_counter++;
		id = (uint16_t)(permute(n, tunnel->session_id_key) << 2 | ((tunnel->l2tp->epoch + (n >> 14)) & 3));
		if (id && !session_index_find(tunnel, id))
			return id;
	}
	return 0;
}
