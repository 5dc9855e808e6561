/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One packet of the peer on a tunnel's channel (RFC 2661 5.8): its Nr is
 * taken, its message is delivered in order, kept until its turn, or
 * acknowledged again.  While numbers are being agreed on after a takeover
 * resync.c sees it first.
 *
 * Called by engine.c, which found the tunnel and checked the endpoints; calls
 * tunnel_dispatch() for each message whose turn has come.
 */
#include "l2tp/engine.h"

#include <stdlib.h>

static void ack_due(struct l2tp_tunnel *tunnel)
{
	if (tunnel->ack_due)
		return;
	tunnel->ack_due = true;
	*(uint16_t *)ring_push(&tunnel->l2tp->ack_due) = tunnel->local_id;
}

/* The next message in order.  In CLOSING too: there the table has no answer to anything. */
static void deliver(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header)
{
	tunnel->channel.vr++;
	note_channel(tunnel);
	ack_due(tunnel);
	tunnel_dispatch(tunnel, now_ms, header);
}

void tunnel_deliver_early(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct channel_early *early;
	struct message_header header;
	const uint8_t *data;
	size_t len;

	while ((early = channel_take(&tunnel->channel))) {
		data = channel_early_data(early, &len);
		message_header_parse(data, len, &header);
		deliver(tunnel, now_ms, &header);
		free(early);
	}
}

static bool take_ack(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t nr, int *acked)
{
	uint16_t ns = tunnel->channel.una;

	*acked = channel_ack(&tunnel->channel, nr, now_ms);
	if (*acked < 0)
		return false;
	if (!*acked)
		return true;
	tunnel->patience_ms = CHANNEL_NEVER;	/* it is alive */
	for (; ns != tunnel->channel.una; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE_ACKED, ns);
	note_channel(tunnel);
	return true;
}

void tunnel_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header, size_t octets)
{
	struct channel *channel = &tunnel->channel;
	bool zlb = !header->body_len;
	enum channel_order order;
	int acked;

	if (!resync_packet(tunnel, now_ms, header))
		return;
	order = channel_order(channel, header->ns);
	if (!take_ack(tunnel, now_ms, header->nr, &acked)) {
		tunnel->l2tp->counters.rx_malformed++;
		return;
	}
	tunnel->rx_packets++;
	tunnel->rx_bytes += octets;
	tunnel->last_rx_ms = now_ms;
	/* An answer to our probe, or agreement on both numbers before there was one. */
	if (acked || (channel->una == channel->vs && header->nr == channel->vs &&
		      (zlb || order != CHANNEL_ORDER_FUTURE)))
		resync_event(tunnel, RESYNC_EVENT_AGREED, now_ms);
	if (!zlb) {
		switch (order) {
		case CHANNEL_ORDER_NEXT:
			deliver(tunnel, now_ms, header);
			/* New input in order: its numbers are ours. */
			resync_event(tunnel, RESYNC_EVENT_AGREED, now_ms);
			tunnel_deliver_early(tunnel, now_ms);
			break;
		case CHANNEL_ORDER_DUPLICATE:
			channel->duplicates++;
			ack_due(tunnel);
			break;
		case CHANNEL_ORDER_FUTURE:
			channel_keep(channel, header->ns, header->body - MESSAGE_HEADER,
				     MESSAGE_HEADER + header->body_len);
			break;
		}
	}
	resync_settle(tunnel, now_ms);
	if (tunnel->recovery.old_id)
		failover_confirmed(tunnel, now_ms);
	tunnel_transmit(tunnel, now_ms);
	tunnel_schedule(tunnel);
}
