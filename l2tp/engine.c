/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's door: packets in, actions and notes out (l2tp.h).
 *
 * A packet crosses: l2tp_input() (header, which tunnel) -> tunnel_receive()
 * (numbers, order) -> a state table (tunnel.c, session.c) -> queued actions.
 * An SCCRQ for a new tunnel goes to accept.c.
 *
 * Actions wait in order.  A SEND waits as a number; its octets are made when it
 * is drained, so it carries the Nr of that moment and a message acknowledged
 * meanwhile is not sent at all.  What is still owed an acknowledgement when
 * the queue is empty gets a ZLB then.
 *
 * Notes name what changed, once per drain (a flag in the object says that its
 * note is waiting).  Draining actions never makes a note.
 *
 * An engine that cannot remember what it owes (no memory for a queue) stops the
 * process: the standby has everything, a half-remembered order would be a lie.
 */
#include "l2tp/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HALF_OPEN 500
#define DEFAULT_HALF_OPEN_PER_PEER 50

const char *l2tp_tunnel_state_name(enum l2tp_tunnel_state state)
{
	switch (state) {
	case L2TP_TUNNEL_IDLE: return "idle";
	case L2TP_TUNNEL_WAIT_CTL_REPLY: return "wait-ctl-reply";
	case L2TP_TUNNEL_WAIT_CTL_CONN: return "wait-ctl-conn";
	case L2TP_TUNNEL_ESTABLISHED: return "established";
	case L2TP_TUNNEL_CLOSING: return "closing";
	}
	return "unknown";
}

const char *l2tp_session_state_name(enum l2tp_session_state state)
{
	switch (state) {
	case L2TP_SESSION_IDLE: return "idle";
	case L2TP_SESSION_WAIT_REPLY: return "wait-reply";
	case L2TP_SESSION_WAIT_CONNECT: return "wait-connect";
	case L2TP_SESSION_ESTABLISHED: return "established";
	case L2TP_SESSION_WAIT_TUNNEL: return "wait-tunnel";
	case L2TP_SESSION_WAIT_CS_ANSWER: return "wait-cs-answer";
	}
	return "unknown";
}

const char *l2tp_call_name(enum l2tp_call call)
{
	switch (call) {
	case L2TP_CALL_IN_LNS: return "incoming, LNS";
	case L2TP_CALL_IN_LAC: return "incoming, LAC";
	case L2TP_CALL_OUT_LAC: return "outgoing, LAC";
	case L2TP_CALL_OUT_LNS: return "outgoing, LNS";
	}
	return "unknown";
}

/* ---- queues ------------------------------------------------------------- */

void *ring_push(struct ring *ring)
{
	size_t i, cap = ring->cap ? ring->cap * 2 : 16;	/* a power of two */
	uint8_t *items, *item;

	if (ring->count == ring->cap) {
		items = malloc(cap * ring->size);
		if (!items)
			abort();
		for (i = 0; i < ring->count; i++)
			memcpy(items + i * ring->size,
			       ring->items + ((ring->head + i) & (ring->cap - 1)) * ring->size, ring->size);
		free(ring->items);
		ring->items = items;
		ring->head = 0;
		ring->cap = cap;
	}
	item = ring->items + ((ring->head + ring->count++) & (ring->cap - 1)) * ring->size;
	return memset(item, 0, ring->size);
}

bool ring_pop(struct ring *ring, void *item)
{
	if (!ring->count)
		return false;
	memcpy(item, ring->items + ring->head * ring->size, ring->size);
	ring->head = (ring->head + 1) & (ring->cap - 1);
	ring->count--;
	return true;
}

void ring_clear(struct ring *ring)
{
	free(ring->items);
	*ring = (struct ring){ .size = ring->size };
}

/* ---- actions ------------------------------------------------------------ */

void engine_action(struct l2tp *l2tp, const struct queued_action *action)
{
	memcpy(ring_push(&l2tp->actions), action, sizeof(*action));
}

static struct action_extra *extra_new(const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
				      const struct l2tp_result *result, size_t len)
{
	struct action_extra *extra = calloc(1, sizeof(*extra) + len);

	if (!extra)
		abort();
	extra->local = *local;
	extra->peer = *peer;
	if (result)
		extra->result = *result;
	extra->len = len;
	return extra;
}

struct action_extra *engine_extra(const struct l2tp_tunnel *tunnel, const struct l2tp_result *result)
{
	return extra_new(&tunnel->local, &tunnel->peer, result, 0);
}

/* A StopCCN that belongs to no tunnel, from the one that the peer takes for `id`. */
static void send_stop(struct l2tp *l2tp, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      uint16_t id, uint16_t peer_id, uint16_t ns, uint16_t nr, const struct l2tp_result *result)
{
	struct queued_action action = { .type = L2TP_ACTION_SEND };
	struct avp_builder builder;
	size_t len;

	message_begin(&builder, l2tp->build, sizeof(l2tp->build), MESSAGE_STOPCCN, peer_id, 0);
	avp_put_u16(&builder, AVP_ASSIGNED_TUNNEL_ID, id);
	message_put_result(&builder, result);
	len = message_end(&builder);
	message_set_ns(l2tp->build, ns);
	message_set_nr(l2tp->build, nr);
	action.extra = extra_new(local, peer, NULL, len);
	memcpy(action.extra->data, l2tp->build, len);
	engine_action(l2tp, &action);
}

void engine_refuse(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		   const struct l2tp_endpoint *peer, uint16_t peer_id, uint16_t nr, const struct l2tp_result *result)
{
	struct queued_action action = { .type = L2TP_ACTION_CALL_REFUSED };
	uint16_t id;

	l2tp->counters.rx_refused++;
	if (!registry_may_refuse(l2tp, now_ms, peer))
		return;
	action.extra = extra_new(local, peer, result, 0);
	engine_action(l2tp, &action);
	id = registry_new_id(l2tp);
	if (id)
		registry_return_id(l2tp, id);
	send_stop(l2tp, local, peer, id ? id : l2tp->config.id_max, peer_id, 0, nr, result);
}

static void fill_packet(struct l2tp_tunnel *tunnel, struct l2tp_action *action, const uint8_t *data, size_t len)
{
	action->type = L2TP_ACTION_SEND;
	action->tunnel_id = tunnel->local_id;
	action->local = tunnel->local;
	action->peer = tunnel->peer;
	action->data = data;
	action->len = len;
	tunnel->ack_due = false;
	tunnel->tx_packets++;
	tunnel->tx_bytes += len;
	tunnel->l2tp->counters.tx_packets++;
}

/* False: the message was acknowledged, or its tunnel went, while the SEND waited. */
static bool emit_message(struct l2tp *l2tp, const struct queued_action *queued, struct l2tp_action *action)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[queued->tunnel_id];
	const struct channel_message *message = tunnel ? channel_find(&tunnel->channel, queued->ns) : NULL;

	if (!message)
		return false;
	memcpy(l2tp->emit, message->data, message->len);
	message_set_nr(l2tp->emit, tunnel->channel.vr);
	fill_packet(tunnel, action, l2tp->emit, message->len);
	return true;
}

static bool emit_zlb(struct l2tp *l2tp, struct l2tp_action *action)
{
	struct l2tp_tunnel *tunnel;
	size_t len;
	uint16_t id;

	while (ring_pop(&l2tp->ack_due, &id)) {
		tunnel = l2tp->tunnels[id];
		if (!tunnel || !tunnel->ack_due)
			continue;
		len = message_zlb(l2tp->emit, tunnel->peer_id, channel_zlb_ns(&tunnel->channel), tunnel->channel.vr);
		fill_packet(tunnel, action, l2tp->emit, len);
		tunnel->zlb_sent++;
		return true;
	}
	return false;
}

static void emit_extra(struct l2tp *l2tp, const struct queued_action *queued, struct l2tp_action *action)
{
	const struct action_extra *extra = queued->extra;

	action->local = extra->local;
	action->peer = extra->peer;
	action->result = extra->result;
	memcpy(action->numbers, extra->numbers, sizeof(action->numbers));
	if (extra->len) {
		memcpy(l2tp->emit, extra->data, extra->len);
		action->data = l2tp->emit;
		action->len = extra->len;
		l2tp->counters.tx_packets++;
	}
}

bool l2tp_action_next(struct l2tp *l2tp, struct l2tp_action *action)
{
	struct queued_action queued;

	while (ring_pop(&l2tp->actions, &queued)) {
		*action = (struct l2tp_action){
			.type = queued.type,
			.tunnel_id = queued.tunnel_id,
			.session_id = queued.session_id,
			.by_peer = queued.by_peer,
			.was_established = queued.was_established,
			.resync_ok = queued.resync_ok,
		};
		if (queued.extra) {
			emit_extra(l2tp, &queued, action);
			free(queued.extra);
			return true;
		}
		if (queued.type != L2TP_ACTION_SEND || emit_message(l2tp, &queued, action))
			return true;
	}
	*action = (struct l2tp_action){ .type = L2TP_ACTION_SEND };
	return emit_zlb(l2tp, action);
}

void engine_actions_clear(struct l2tp *l2tp)
{
	struct queued_action queued;

	while (ring_pop(&l2tp->actions, &queued))
		free(queued.extra);
	ring_clear(&l2tp->ack_due);
}

/* ---- notes -------------------------------------------------------------- */

void engine_note(struct l2tp *l2tp, const struct l2tp_dirty *dirty)
{
	memcpy(ring_push(&l2tp->dirty), dirty, sizeof(*dirty));
}

static bool noted(const struct l2tp_tunnel *tunnel)
{
	return tunnel->params.ha && l2tp_tunnel_recorded(tunnel);
}

void note_tunnel(struct l2tp_tunnel *tunnel)
{
	if (!noted(tunnel) || tunnel->dirty)
		return;
	tunnel->dirty = true;
	engine_note(tunnel->l2tp, &(struct l2tp_dirty){ L2TP_DIRTY_TUNNEL, tunnel->local_id, 0, 0 });
}

void note_channel(struct l2tp_tunnel *tunnel)
{
	if (!noted(tunnel) || tunnel->channel_dirty)
		return;
	tunnel->channel_dirty = true;
	engine_note(tunnel->l2tp, &(struct l2tp_dirty){ L2TP_DIRTY_CHANNEL, tunnel->local_id, 0, 0 });
}

void note_message(struct l2tp_tunnel *tunnel, enum l2tp_dirty_type type, uint16_t ns)
{
	if (noted(tunnel))
		engine_note(tunnel->l2tp, &(struct l2tp_dirty){ type, tunnel->local_id, 0, ns });
}

void note_session(struct l2tp_session *session)
{
	struct l2tp_tunnel *tunnel = session->tunnel;

	if (!noted(tunnel) || session->dirty)
		return;
	session->dirty = true;
	engine_note(tunnel->l2tp,
		    &(struct l2tp_dirty){ L2TP_DIRTY_SESSION, tunnel->local_id, session->local_id, 0 });
}

/* Takes the waiting flag off the object; false: the note says nothing any more. */
static bool note_due(struct l2tp *l2tp, const struct l2tp_dirty *dirty)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[dirty->tunnel_id];
	struct l2tp_session *session;
	bool live = tunnel && tunnel->state != L2TP_TUNNEL_CLOSING;

	switch (dirty->type) {
	case L2TP_DIRTY_TUNNEL:
		if (tunnel)
			tunnel->dirty = false;
		return true;
	case L2TP_DIRTY_CHANNEL:
		if (tunnel)
			tunnel->channel_dirty = false;
		return live;
	case L2TP_DIRTY_MESSAGE:
		return live && channel_find(&tunnel->channel, dirty->ns);
	case L2TP_DIRTY_MESSAGE_ACKED:
		return true;
	case L2TP_DIRTY_SESSION:
		session = tunnel ? session_index_find(tunnel, dirty->session_id) : NULL;
		if (session)
			session->dirty = false;
		return true;
	}
	return false;
}

bool l2tp_dirty_next(struct l2tp *l2tp, struct l2tp_dirty *dirty)
{
	while (ring_pop(&l2tp->dirty, dirty))
		if (note_due(l2tp, dirty))
			return true;
	return false;
}

/* ---- input -------------------------------------------------------------- */

/* Header Tunnel ID 0: the peer does not know ours yet. */
static void input_unassigned(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
			     const struct l2tp_endpoint *peer, const struct message_header *header, size_t octets)
{
	struct message *message = &l2tp->message;
	struct l2tp_tunnel *tunnel;

	if (!header->body_len) {
		l2tp->counters.rx_unknown_tunnel++;
		return;
	}
	if (message_parse(header->body, header->body_len, NULL, l2tp->room, message)) {
		l2tp->counters.rx_malformed++;
		return;
	}
	if (message->type == MESSAGE_SCCRQ && !header->ns) {
		accept_sccrq(l2tp, now_ms, local, peer, header, octets);
		return;
	}
	if (message->type == MESSAGE_STOPCCN) {
		tunnel = registry_by_peer(l2tp, peer, message_u16(message, AVP_ASSIGNED_TUNNEL_ID));
		if (tunnel) {
			tunnel_receive(tunnel, now_ms, header, octets);
			return;
		}
	}
	l2tp->counters.rx_unknown_tunnel++;
}

/*
 * For a tunnel that is not here.  The answer to a request that was given up
 * meanwhile is taken back (7.2.1), so that the peer does not wait for its end;
 * nothing else gets an answer.
 */
static void input_stray(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const struct message_header *header)
{
	struct message *message = &l2tp->message;
	struct l2tp_result result;

	l2tp->counters.rx_unknown_tunnel++;
	if (header->ns || header->nr != 1 || !header->body_len ||
	    message_parse(header->body, header->body_len, NULL, l2tp->room, message) ||
	    message->type != MESSAGE_SCCRP || !message_has(message, AVP_ASSIGNED_TUNNEL_ID) ||
	    !registry_may_refuse(l2tp, now_ms, peer))
		return;
	message_result(&result, STOPCCN_FSM, 0, "SCCRP for a tunnel that is not here");
	send_stop(l2tp, local, peer, header->tunnel_id, message_u16(message, AVP_ASSIGNED_TUNNEL_ID), header->nr, 1, &result);
}

void l2tp_input(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct message_header header;
	struct l2tp_tunnel *tunnel;

	l2tp->counters.rx_packets++;
	if (!l2tp->active) {
		l2tp->counters.rx_passive++;
		return;
	}
	switch (message_header_parse(data, len, &header)) {
	case MESSAGE_KIND_MALFORMED:
		l2tp->counters.rx_malformed++;
		return;
	case MESSAGE_KIND_DATA:
		l2tp->counters.rx_data++;
		return;
	case MESSAGE_KIND_CONTROL:
		break;
	}
	if (!header.tunnel_id) {
		input_unassigned(l2tp, now_ms, local, peer, &header, len);
		return;
	}
	tunnel = l2tp->tunnels[header.tunnel_id];
	if (!tunnel) {
		input_stray(l2tp, now_ms, local, peer, &header);
		return;
	}
	if ((!endpoint_equal(&tunnel->peer, peer) || !endpoint_equal(&tunnel->local, local)) &&
	    !tunnel_from_elsewhere(tunnel, now_ms, local, peer, &header)) {
		l2tp->counters.rx_unknown_tunnel++;
		return;
	}
	tunnel_receive(tunnel, now_ms, &header, len);
}

/* ---- life --------------------------------------------------------------- */

void l2tp_set_limits(struct l2tp *l2tp, const struct l2tp_config *limits)
{
	struct l2tp_config *config = &l2tp->config;

	config->max_tunnels = limits->max_tunnels;
	config->max_half_open = limits->max_half_open ? limits->max_half_open : DEFAULT_HALF_OPEN;
	config->max_half_open_per_peer = limits->max_half_open_per_peer ? limits->max_half_open_per_peer :
					 DEFAULT_HALF_OPEN_PER_PEER;
	config->max_calls_setup = limits->max_calls_setup;
	config->max_calls_setup_per_peer = limits->max_calls_setup_per_peer;
}

struct l2tp *l2tp_new(const struct l2tp_config *config, const struct l2tp_ops *ops)
{
	struct l2tp *l2tp = calloc(1, sizeof(*l2tp));

	if (!l2tp)
		return NULL;
	l2tp->config = *config;
	l2tp->ops = *ops;
	if (!l2tp->config.id_min)
		l2tp->config.id_min = 1;
	if (l2tp->config.id_max < l2tp->config.id_min)
		l2tp->config.id_max = UINT16_MAX;
	l2tp_set_limits(l2tp, config);
	if (config->vendor_name)
		strncpy(l2tp->vendor_name, config->vendor_name, sizeof(l2tp->vendor_name) - 1);
	l2tp->config.vendor_name = l2tp->vendor_name;
	l2tp->actions.size = sizeof(struct queued_action);
	l2tp->dirty.size = sizeof(struct l2tp_dirty);
	l2tp->free_ids.size = l2tp->ack_due.size = l2tp->resync_due.size = sizeof(uint16_t);
	l2tp->ops.random(l2tp->ops.ctx, &l2tp->hash_key, sizeof(l2tp->hash_key));
	l2tp->tunnels = calloc(L2TP_TUNNEL_IDS, sizeof(struct l2tp_tunnel *));
	if (!l2tp->tunnels) {
		free(l2tp);
		return NULL;
	}
	return l2tp;
}

void l2tp_free(struct l2tp *l2tp)
{
	if (!l2tp)
		return;
	l2tp_forget_all(l2tp);
	ring_clear(&l2tp->actions);
	ring_clear(&l2tp->dirty);
	ring_clear(&l2tp->free_ids);
	ring_clear(&l2tp->resync_due);
	timer_heap_free(&l2tp->timers);
	usage_clear(l2tp);
	free(l2tp->asked);
	free(l2tp->by_peer);
	free(l2tp->tunnels);
	free(l2tp);
}

void l2tp_counters(const struct l2tp *l2tp, struct l2tp_counters *counters)
{
	*counters = l2tp->counters;
}
