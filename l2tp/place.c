/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets one of the places for tunnels in setup when all are taken.
 *
 * Whoever forges the senders of SCCRQs (RFC 2661 7.2.1) fills any number of
 * places, and L2TP has no answer that leaves nothing behind with us.  What he
 * does not have is the answers, and the patience of a peer: a forged request
 * comes once, a peer repeats his, octet by octet, after a second (5.8).  So there are
 * ranks: a stranger; one whose address had an established tunnel lately, or
 * who asked before; one for whom both is true.  A newcomer takes the place of
 * the oldest one of a lower rank whose peer has shown no sign of life since it asked, or of one of
 * his own rank that has been silent for a second; strangers take no
 * places.  When half of all places are taken strangers have three seconds
 * instead of the whole setup timeout.
 *
 * The limit of one peer works the same way among its own places, so that
 * requests in the name of a LAC do not keep that LAC out.
 *
 * What was asked is remembered only while places are short: two filters of
 * three keyed bits for a request, the older one is forgotten every 1.5 s.
 *
 * Called by accept.c, tunnel.c and state.c.
 */
#include "l2tp/engine.h"
#include "l2tp/tunnel.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_S (24 * 3600)
#define SILENT_MS 1000		/* a peer of the same rank may be replaced after that */
#define PRESSED_MS 3000		/* what a stranger has when half of the places are taken */
#define LOOKED_AT_MAX 1024
#define ASKED_MS 1500
#define ASKED_BITS (UINT32_C(1) << 22)
#define ASKED_HASHES 3

struct place_asked {
	uint64_t since_ms;	/* `bits[now]` is filled from then on */
	unsigned now;
	uint64_t bits[2][ASKED_BITS / 64];
};

/* ---- who was here, who asked -------------------------------------------- */

static struct place_known *known(struct l2tp *l2tp, uint64_t hash)
{
	return &l2tp->known[hash >> 20 & (L2TP_PEER_BUCKETS - 1)];
}

void place_remember(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	uint64_t hash = registry_site(l2tp, peer);

	*known(l2tp, hash) = (struct place_known){ (uint32_t)hash, (uint32_t)(now_ms / 1000) + KNOWN_S };
}

static bool is_known(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	uint64_t hash = registry_site(l2tp, peer);
	const struct place_known *k = known(l2tp, hash);

	return k->hash == (uint32_t)hash && now_ms / 1000 < k->until_s;
}

/* True if the same request came before; from now on it has. */
static bool asked_before(struct l2tp *l2tp, uint64_t now_ms, uint64_t request)
{
	bool current = true, before = true;
	struct place_asked *asked;
	unsigned i;

	if (!l2tp->asked) {
		l2tp->asked = calloc(1, sizeof(*l2tp->asked));
		if (!l2tp->asked)
			return false;
		l2tp->asked->since_ms = now_ms;
	}
	asked = l2tp->asked;
	for (i = 0; i < 2 && now_ms - asked->since_ms >= ASKED_MS; i++) {
		asked->since_ms += ASKED_MS;
		asked->now ^= 1;
		memset(asked->bits[asked->now], 0, sizeof(asked->bits[0]));
	}
	if (now_ms - asked->since_ms >= ASKED_MS)
		asked->since_ms = now_ms;
	for (i = 0; i < ASKED_HASHES; i++) {
		uint32_t bit = (uint32_t)(request >> i * 21) & (ASKED_BITS - 1);
		uint64_t mask = UINT64_C(1) << bit % 64;

		current = current && asked->bits[asked->now][bit / 64] & mask;
		before = before && asked->bits[!asked->now][bit / 64] & mask;
		asked->bits[asked->now][bit / 64] |= mask;
	}
	return current || before;
}

/* ---- places -------------------------------------------------------------- */

void place_take(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct place_list *list = &l2tp->places[tunnel->place_rank];

	if (tunnel->place_rank == PLACE_STRANGER && l2tp->half_open >= l2tp->config.max_half_open / 2 &&
	    tunnel->setup_deadline_ms > now_ms + PRESSED_MS)
		tunnel->setup_deadline_ms = now_ms + PRESSED_MS;
	l2tp->half_open++;
	++*registry_half_open(l2tp, &tunnel->peer);
	tunnel->place_next = NULL;
	tunnel->place_prev = list->last;
	*(list->last ? &list->last->place_next : &list->first) = tunnel;
	list->last = tunnel;
}

void place_leave(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct place_list *list = &l2tp->places[tunnel->place_rank];

	*(tunnel->place_prev ? &tunnel->place_prev->place_next : &list->first) = tunnel->place_next;
	*(tunnel->place_next ? &tunnel->place_next->place_prev : &list->last) = tunnel->place_prev;
	--*registry_half_open(l2tp, &tunnel->peer);
	if (--l2tp->half_open)
		return;
	free(l2tp->asked);
	l2tp->asked = NULL;
}

static bool peer_is_full(struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	return *registry_half_open(l2tp, peer) >= l2tp->config.max_half_open_per_peer;
}

/* Whose place a newcomer of this rank gets; NULL: nobody's. */
static struct l2tp_tunnel *who_leaves(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer,
				      enum place_rank rank)
{
	const uint16_t *of_peer = peer_is_full(l2tp, peer) ? registry_half_open(l2tp, peer) : NULL;
	unsigned looked_at = 0, r;
	struct l2tp_tunnel *t;

	if (rank == PLACE_STRANGER)
		return NULL;
	for (r = PLACE_STRANGER; r <= (unsigned)rank; r++)
		for (t = l2tp->places[r].first; t && looked_at++ < LOOKED_AT_MAX; t = t->place_next) {
			if (r == (unsigned)rank && now_ms - t->since_ms < SILENT_MS)
				break;
			if (!tunnel_never_answered(t) || (of_peer && registry_half_open(l2tp, &t->peer) != of_peer))
				continue;
			return t;
		}
	return NULL;
}

static bool is_short(struct l2tp *l2tp, const struct l2tp_endpoint *peer)
{
	return l2tp->half_open >= l2tp->config.max_half_open || peer_is_full(l2tp, peer);
}

bool place_for(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer, uint64_t request,
	       enum place_rank *rank)
{
	*rank = is_known(l2tp, now_ms, peer) ? PLACE_TRUSTED : PLACE_STRANGER;
	if (!is_short(l2tp, peer))
		return true;
	if (asked_before(l2tp, now_ms, request))
		*rank = *rank == PLACE_STRANGER ? PLACE_TRUSTED : PLACE_PROVED;
	return who_leaves(l2tp, now_ms, peer, *rank);
}

bool place_make(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer, enum place_rank rank)
{
	struct tunnel_input in = { .now_ms = now_ms };
	struct l2tp_tunnel *leaves;

	if (!is_short(l2tp, peer))
		return true;
	leaves = who_leaves(l2tp, now_ms, peer, rank);
	if (!leaves)
		return false;
	tunnel_event(leaves, TUNNEL_EVENT_DEAD, &in);
	return true;
}
