/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reliable delivery of control messages (RFC 2661 5.8, appendices A and B).
 *
 * Pure arithmetic on 16-bit numbers plus a queue of encoded messages; it never
 * builds a packet.  The tunnel asks channel_transmit() what may leave and
 * writes the current Nr at that moment, so a message keeps its bytes from its
 * first transmission to its last, on whichever box.
 *
 * `top` remembers how far the peer can have seen, apart from `nxt`, the cursor
 * of the current pass: after a timeout (or a takeover) nxt goes back to una
 * while an acknowledgement up to top stays believable.  A ZLB carries top:
 * peers that look at the Ns of a ZLB expect exactly the number they wait for.
 *
 * The ring is indexed by the low bits of Ns, so finding a message is O(1) and
 * an idle tunnel owns little queue memory: a large ring goes when it is empty.
 *
 * Owned by a tunnel (tunnel.c); tested alone.
 */
#include "l2tp/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/message.h"

#define RING_FIRST 8
#define RING_KEPT 64		/* a larger ring is given back when it is empty */

struct channel_early {
	struct channel_early *next;
	uint16_t ns;
	size_t len;
	uint8_t data[];
};

/* How far `to` is ahead of `from`, modulo 65536. */
static uint16_t ahead(uint16_t from, uint16_t to)
{
	return (uint16_t)(to - from);
}

void channel_init(struct channel *channel, const struct channel_params *params)
{
	memset(channel, 0, sizeof(*channel));
	channel->window = params->window ? params->window : 1;
	channel->retries_max = params->retries;
	channel->rto_min_ms = params->rto_min_ms;
	channel->rto_max_ms = params->rto_max_ms;
	channel->rto_ms = params->rto_min_ms;
	channel->deadline_ms = CHANNEL_NEVER;
	channel->cwnd = 1;
	channel_set_peer_window(channel, params->peer_window);
}

static void early_drop(struct channel *channel)
{
	struct channel_early *early;

	while ((early = channel->early)) {
		channel->early = early->next;
		free(early);
	}
	channel->early_count = 0;
}

void channel_free(struct channel *channel)
{
	uint32_t i;

	for (i = 0; i < channel->ring_size; i++)
		free(channel->ring[i]);
	free(channel->ring);
	channel->ring = NULL;
	channel->ring_size = 0;
	early_drop(channel);
}

void channel_set_patience(struct channel *channel, uint8_t retries, uint32_t rto_min_ms, uint32_t rto_max_ms)
{
	channel->retries_max = retries;
	channel->rto_min_ms = channel->rto_ms = rto_min_ms;
	channel->rto_max_ms = rto_max_ms < rto_min_ms ? rto_min_ms : rto_max_ms;
}

void channel_set_peer_window(struct channel *channel, uint16_t window)
{
	if (!window)
		window = CHANNEL_DEFAULT_WINDOW;
	if (window > CHANNEL_QUEUE_MAX)
		window = CHANNEL_QUEUE_MAX;
	channel->peer_window = window;
	channel->ssthresh = window;
	if (channel->cwnd > window)
		channel->cwnd = window;
}

/* ---- sending ------------------------------------------------------------ */

static struct channel_message **slot(const struct channel *channel, uint16_t ns)
{
	return &channel->ring[ns & (channel->ring_size - 1)];
}

static int ring_grow(struct channel *channel)
{
	uint32_t i, size = channel->ring_size ? channel->ring_size * 2 : RING_FIRST;
	struct channel_message **ring = calloc(size, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	for (i = 0; i < channel->ring_size; i++)
		if (channel->ring[i])
			ring[channel->ring[i]->ns & (size - 1)] = channel->ring[i];
	free(channel->ring);
	channel->ring = ring;
	channel->ring_size = size;
	return 0;
}

const struct channel_message *channel_find(const struct channel *channel, uint16_t ns)
{
	const struct channel_message *message;

	if (!channel->ring_size)
		return NULL;
	message = *slot(channel, ns);
	return message && message->ns == ns ? message : NULL;
}

/* Puts a message into the ring, growing it until its slot is free or its own. */
static int store(struct channel *channel, uint16_t ns, const uint8_t *data, size_t len)
{
	struct channel_message *message, **place;
	int error;

	while (!channel->ring_size || ((message = *slot(channel, ns)) && message->ns != ns)) {
		error = ring_grow(channel);
		if (error)
			return error;
	}
	message = malloc(sizeof(*message) + len);
	if (!message)
		return -ENOMEM;
	message->ns = ns;
	message->len = (uint16_t)len;
	memcpy(message->data, data, len);
	message_set_ns(message->data, ns);
	message_set_nr(message->data, 0);
	place = slot(channel, ns);
	free(*place);
	*place = message;
	return 0;
}

static void discard(struct channel *channel, uint16_t ns)
{
	struct channel_message **place;

	if (!channel_find(channel, ns))
		return;
	place = slot(channel, ns);
	free(*place);
	*place = NULL;
}

int channel_queue(struct channel *channel, const uint8_t *data, size_t len, uint16_t *ns)
{
	int error;

	if (ahead(channel->una, channel->vs) >= CHANNEL_QUEUE_MAX)
		return -ENOBUFS;
	error = store(channel, channel->vs, data, len);
	if (error)
		return error;
	*ns = channel->vs++;
	if (ahead(channel->una, channel->vs) > channel->max_unacked)
		channel->max_unacked = ahead(channel->una, channel->vs);
	return 0;
}

const struct channel_message *channel_transmit(struct channel *channel, uint64_t now_ms)
{
	const struct channel_message *message;
	uint16_t in_flight = ahead(channel->una, channel->nxt);

	if (channel->hold || channel->nxt == channel->vs ||
	    in_flight >= (channel->lockstep ? 1 : channel->cwnd))	/* which never exceeds the peer's window */
		return NULL;
	message = channel_find(channel, channel->nxt);
	if (!message)
		return NULL;
	if (channel->nxt == channel->top)
		channel->top++;
	channel->nxt++;
	if (channel->deadline_ms == CHANNEL_NEVER)
		channel->deadline_ms = now_ms + channel->rto_ms;
	return message;
}

uint16_t channel_zlb_ns(const struct channel *channel)
{
	return channel->top;
}

static void fall_back(struct channel *channel)
{
	channel->retransmits++;
	channel->rto_ms = channel->rto_ms * 2 > channel->rto_max_ms ? channel->rto_max_ms : channel->rto_ms * 2;
	channel->ssthresh = channel->cwnd > 2 ? channel->cwnd / 2 : 1;
	channel->cwnd = 1;
	channel->cwnd_part = 0;
	channel->nxt = channel->una;
}

void channel_again(struct channel *channel)
{
	channel->deadline_ms = CHANNEL_NEVER;
	fall_back(channel);
}

enum channel_timeout channel_timeout(struct channel *channel, uint64_t now_ms)
{
	if (now_ms < channel->deadline_ms)
		return CHANNEL_TIMEOUT_NONE;
	channel->deadline_ms = CHANNEL_NEVER;
	if (channel->una == channel->vs)
		return CHANNEL_TIMEOUT_NONE;
	if (channel->tries >= channel->retries_max)
		return CHANNEL_TIMEOUT_DEAD;
	channel->tries++;
	fall_back(channel);
	return CHANNEL_TIMEOUT_RETRANSMIT;
}

static void drop_from(struct channel *channel, uint16_t first)
{
	uint16_t ns;

	for (ns = first; ns != channel->vs; ns++)
		discard(channel, ns);
}

void channel_drop_unsent(struct channel *channel)
{
	drop_from(channel, channel->top);
	channel->vs = channel->top;
}

void channel_drop_all(struct channel *channel)
{
	drop_from(channel, channel->una);
	channel->vs = channel->una = channel->nxt = channel->top;
	channel->deadline_ms = CHANNEL_NEVER;
}

/* ---- receiving ---------------------------------------------------------- */

/* Appendix A: one per acknowledged message up to SSTHRESH, one per window above. */
static void window_open(struct channel *channel)
{
	if (channel->cwnd >= channel->peer_window)
		return;
	if (channel->cwnd < channel->ssthresh) {
		channel->cwnd++;
	} else if (++channel->cwnd_part >= channel->cwnd) {
		channel->cwnd++;
		channel->cwnd_part = 0;
	}
}

int channel_ack(struct channel *channel, uint16_t nr, uint64_t now_ms)
{
	uint16_t acked = ahead(channel->una, nr), seen = ahead(channel->una, channel->top);
	uint16_t i;

	if (acked > seen)
		return (int16_t)ahead(channel->una, nr) < 0 ? 0 : -ERANGE;
	if (!acked)
		return 0;
	for (i = 0; i < acked; i++) {
		discard(channel, channel->una);
		if (channel->nxt == channel->una)
			channel->nxt++;
		channel->una++;
		window_open(channel);
	}
	channel->tries = 0;
	channel->rto_ms = channel->rto_min_ms;
	channel->deadline_ms = channel->una == channel->nxt ? CHANNEL_NEVER : now_ms + channel->rto_ms;
	if (channel->una == channel->vs && channel->ring_size > RING_KEPT) {
		free(channel->ring);
		channel->ring = NULL;
		channel->ring_size = 0;
	}
	return acked;
}

enum channel_order channel_order(const struct channel *channel, uint16_t ns)
{
	uint16_t distance = ahead(channel->vr, ns);

	if (!distance)
		return CHANNEL_ORDER_NEXT;
	/* "the last received number and the preceding 32767 values" */
	return distance >= 0x8000 ? CHANNEL_ORDER_DUPLICATE : CHANNEL_ORDER_FUTURE;
}

void channel_keep(struct channel *channel, uint16_t ns, const uint8_t *data, size_t len)
{
	struct channel_early *early, **place = &channel->early;
	uint16_t distance = ahead(channel->vr, ns);

	channel->out_of_order++;
	if (distance >= channel->window || channel->early_count >= channel->window)
		return;
	while (*place && ahead(channel->vr, (*place)->ns) < distance)
		place = &(*place)->next;
	if (*place && (*place)->ns == ns)
		return;
	early = malloc(sizeof(*early) + len);
	if (!early)
		return;
	early->ns = ns;
	early->len = len;
	memcpy(early->data, data, len);
	early->next = *place;
	*place = early;
	channel->early_count++;
}

struct channel_early *channel_take(struct channel *channel)
{
	struct channel_early *early;

	while ((early = channel->early)) {
		if (channel_order(channel, early->ns) == CHANNEL_ORDER_FUTURE)
			return NULL;
		channel->early = early->next;
		channel->early_count--;
		if (early->ns == channel->vr)
			return early;
		free(early);
	}
	return NULL;
}

const uint8_t *channel_early_data(const struct channel_early *early, size_t *len)
{
	*len = early->len;
	return early->data;
}

/* ---- taking over -------------------------------------------------------- */

int channel_import(struct channel *channel, uint16_t vs, uint16_t una, uint16_t vr)
{
	uint32_t i;

	if (ahead(una, vs) > CHANNEL_QUEUE_MAX)
		return -EINVAL;
	channel->vs = channel->top = vs;
	channel->una = channel->nxt = una;
	channel->vr = vr;
	/* A message may be imported before the numbers that include it: only the past goes. */
	for (i = 0; i < channel->ring_size; i++)
		if (channel->ring[i] && ahead(una, channel->ring[i]->ns) >= 0x8000) {
			free(channel->ring[i]);
			channel->ring[i] = NULL;
		}
	return 0;
}

int channel_import_message(struct channel *channel, uint16_t ns, const uint8_t *data, size_t len)
{
	uint16_t distance = ahead(channel->una, ns);

	if (distance >= 0x8000)		/* acknowledged meanwhile */
		return 0;
	return distance > CHANNEL_QUEUE_MAX ? -EINVAL : store(channel, ns, data, len);
}

bool channel_hole(const struct channel *channel, uint16_t *ns)
{
	uint16_t i;

	for (i = channel->una; i != channel->vs; i++)
		if (!channel_find(channel, i)) {
			*ns = i;
			return true;
		}
	return false;
}

void channel_skip(struct channel *channel, uint16_t nr)
{
	drop_from(channel, channel->una);
	channel->vs = channel->una = channel->nxt = channel->top = nr;
	channel->tries = 0;
	channel->rto_ms = channel->rto_min_ms;
	channel->deadline_ms = CHANNEL_NEVER;
}

void channel_reset(struct channel *channel, uint16_t vs, uint16_t vr)
{
	drop_from(channel, channel->una);
	channel->vs = channel->una = vs;
	channel->vr = vr;
	channel_restart(channel);
}

void channel_restart(struct channel *channel)
{
	uint32_t i;

	for (i = 0; i < channel->ring_size; i++)
		if (channel->ring[i] &&
		    ahead(channel->una, channel->ring[i]->ns) >= ahead(channel->una, channel->vs)) {
			free(channel->ring[i]);
			channel->ring[i] = NULL;
		}
	early_drop(channel);
	channel->nxt = channel->una;
	channel->top = channel->vs;
	channel->cwnd = 1;
	channel->cwnd_part = 0;
	channel->ssthresh = channel->peer_window;
	channel->tries = 0;
	channel->rto_ms = channel->rto_min_ms;
	channel->deadline_ms = CHANNEL_NEVER;
}
