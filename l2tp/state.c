/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State out and in (facts 10.5), roles, and looking at it.
 *
 * Export copies a live object, import makes the same object in a passive
 * engine.  The numbers of a channel, its messages and the tunnel come as
 * separate records in any order within one commit, so an import checks what it
 * can alone, and l2tp_activate() makes the whole consistent: messages outside
 * [una, vs) are dropped, and a number whose message is missing becomes a HELLO
 * (the peer may have had it: a duplicate; or waits for it: something without
 * content, never a gap).
 */
#include "l2tp/engine.h"

#include <errno.h>
#include <string.h>

/* ---- out ---------------------------------------------------------------- */

struct l2tp_tunnel *l2tp_tunnel_find(struct l2tp *l2tp, uint16_t local_id)
{
	return l2tp->tunnels[local_id];
}

struct l2tp_session *l2tp_session_find(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t session_id)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[tunnel_id];

	return tunnel ? session_index_find(tunnel, session_id) : NULL;
}

void l2tp_tunnel_export(const struct l2tp_tunnel *tunnel, struct l2tp_tunnel_state_rec *state)
{
	memset(state, 0, sizeof(*state));
	state->local_id = tunnel->local_id;
	state->peer_id = tunnel->peer_id;
	state->local = tunnel->local;
	state->peer = tunnel->peer;
	state->state = tunnel->state;
	state->initiator = tunnel->initiator;
	state->params = tunnel->params;
	memcpy(state->peer_name, tunnel->peer_name, sizeof(state->peer_name));
	memcpy(state->peer_vendor, tunnel->peer_vendor, sizeof(state->peer_vendor));
	state->peer_firmware = tunnel->peer_firmware;
	state->peer_window = tunnel->peer_window;
	state->peer_framing = tunnel->peer_framing;
	state->peer_bearer = tunnel->peer_bearer;
	state->established_unix_ms = tunnel->established_unix_ms;
	state->failover_sent = tunnel->failover_sent;
	state->failover_received = tunnel->failover_received;
	state->peer_recovery_ms = tunnel->peer_recovery_ms;
	state->draining = tunnel->draining;
	state->challenged = tunnel->challenged;
	memcpy(state->challenge, tunnel->challenge, sizeof(state->challenge));
}

void l2tp_channel_export(const struct l2tp_tunnel *tunnel, struct l2tp_channel_state *state)
{
	memset(state, 0, sizeof(*state));
	state->vs = tunnel->channel.vs;
	state->una = tunnel->channel.una;
	state->vr = tunnel->channel.vr;
	state->behind = tunnel->behind;
}

void l2tp_session_export(const struct l2tp_session *session, struct l2tp_session_state_rec *state)
{
	const char *texts[3];

	memset(state, 0, sizeof(*state));
	session_get_texts(session, texts);
	state->local_id = session->local_id;
	state->peer_id = session->peer_id;
	state->tunnel_id = session->tunnel->local_id;
	state->state = (enum l2tp_session_state)session->state;
	state->call_serial = session->call_serial;
	state->bearer_type = session->bearer_type;
	state->framing_type = session->framing_type;
	state->tx_speed = session->tx_speed;
	state->rx_speed = session->rx_speed;
	state->physical_channel = session->physical_channel;
	strncpy(state->called, texts[0], sizeof(state->called) - 1);
	strncpy(state->calling, texts[1], sizeof(state->calling) - 1);
	strncpy(state->sub_address, texts[2], sizeof(state->sub_address) - 1);
	state->sequencing_required = session->sequencing_required;
	state->csu_enabled = session->csu_enabled;
	state->call = (enum l2tp_call)session->call;
	state->attrs_len = session->attrs_len;
	if (session->attrs_len)
		memcpy(state->attrs, session->attrs, session->attrs_len);
	state->unprotected = (enum l2tp_unprotected)session->unprotected;
	state->established_unix_ms = session->established_unix_ms;
}

bool l2tp_tunnel_recorded(const struct l2tp_tunnel *tunnel)
{
	switch (tunnel->state) {
	case L2TP_TUNNEL_IDLE:
	case L2TP_TUNNEL_WAIT_CTL_REPLY:
		return !tunnel->initiator;	/* tunnel_open.c says why */
	case L2TP_TUNNEL_WAIT_CTL_CONN:
	case L2TP_TUNNEL_ESTABLISHED:
		return true;
	case L2TP_TUNNEL_CLOSING:
		break;
	}
	return false;
}

bool l2tp_session_recorded(const struct l2tp_session *session)
{
	return session->state == L2TP_SESSION_WAIT_CONNECT || session->state == L2TP_SESSION_ESTABLISHED;
}

const uint8_t *l2tp_message(const struct l2tp_tunnel *tunnel, uint16_t ns, size_t *len)
{
	const struct channel_message *message = channel_find(&tunnel->channel, ns);

	if (!message || tunnel->state == L2TP_TUNNEL_CLOSING)
		return NULL;
	*len = message->len;
	return message->data;
}

/* ---- in ----------------------------------------------------------------- */

static bool terminated(const char *text, size_t size)
{
	return memchr(text, 0, size);
}

static bool endpoint_set(const struct l2tp_endpoint *endpoint)
{
	return (endpoint->family == 4 || endpoint->family == 6) && endpoint->port;
}

static bool tunnel_valid(const struct l2tp_tunnel_state_rec *state)
{
	const struct l2tp_tunnel_params *params = &state->params;

	return state->local_id && state->peer_id && endpoint_set(&state->local) && endpoint_set(&state->peer) &&
	       (state->state == L2TP_TUNNEL_WAIT_CTL_CONN || state->state == L2TP_TUNNEL_ESTABLISHED) &&
	       terminated(params->group, sizeof(params->group)) &&
	       terminated(params->local_name, sizeof(params->local_name)) &&
	       terminated(params->secret, sizeof(params->secret)) &&
	       terminated(params->busy_peers, sizeof(params->busy_peers)) &&
	       terminated(state->peer_name, sizeof(state->peer_name)) &&
	       terminated(state->peer_vendor, sizeof(state->peer_vendor));
}

int l2tp_tunnel_import(struct l2tp *l2tp, const struct l2tp_tunnel_state_rec *state)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[state->local_id];

	if (l2tp->active || !tunnel_valid(state))
		return -EINVAL;
	if (tunnel && (tunnel->peer_id != state->peer_id || !endpoint_equal(&tunnel->peer, &state->peer) ||
		       !endpoint_equal(&tunnel->local, &state->local))) {
		tunnel_free(tunnel);	/* the ID was used again: another tunnel */
		tunnel = NULL;
	}
	if (tunnel) {
		tunnel_apply(tunnel, state);
		return 0;
	}
	return tunnel_new(l2tp, 0, state) ? 0 : -ENOMEM;
}

int l2tp_channel_import(struct l2tp *l2tp, uint16_t tunnel_id, const struct l2tp_channel_state *state)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[tunnel_id];
	int rc;

	if (l2tp->active || !tunnel)
		return -EINVAL;
	rc = channel_import(&tunnel->channel, state->vs, state->una, state->vr);
	if (!rc)
		tunnel->behind = state->behind;
	return rc;
}

int l2tp_message_import(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t ns, const uint8_t *data, size_t len)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[tunnel_id];
	struct message_header header;

	if (l2tp->active || !tunnel || len > L2TP_MSG_MAX ||
	    message_header_parse(data, len, &header) != MESSAGE_KIND_CONTROL || !header.body_len ||
	    header.body_len + MESSAGE_HEADER != len || header.ns != ns)
		return -EINVAL;
	return channel_import_message(&tunnel->channel, ns, data, len);
}

static int session_apply(struct l2tp_session *session, const struct l2tp_session_state_rec *state)
{
	if (session_set_texts(session, state->called, state->calling, state->sub_address) ||
	    session_set_attrs(session, state->attrs, state->attrs_len))
		return -ENOMEM;
	session->call = (uint8_t)state->call;
	session->peer_id = state->peer_id;
	session->call_serial = state->call_serial;
	session->bearer_type = state->bearer_type;
	session->framing_type = state->framing_type;
	session->tx_speed = state->tx_speed;
	session->rx_speed = state->rx_speed;
	session->physical_channel = state->physical_channel;
	session->sequencing_required = state->sequencing_required;
	session->csu_enabled = state->csu_enabled;
	session->established_unix_ms = state->established_unix_ms;
	return 0;
}

/* A state in which a call of this kind is recorded. */
static bool session_state_valid(const struct l2tp_session_state_rec *state)
{
	switch (state->call) {
	case L2TP_CALL_IN_LNS:
	case L2TP_CALL_OUT_LNS:
		return state->state == L2TP_SESSION_WAIT_CONNECT || state->state == L2TP_SESSION_ESTABLISHED;
	case L2TP_CALL_IN_LAC:
	case L2TP_CALL_OUT_LAC:
		return state->state == L2TP_SESSION_ESTABLISHED;
	}
	return false;
}

int l2tp_session_import(struct l2tp *l2tp, const struct l2tp_session_state_rec *state)
{
	struct l2tp_tunnel *tunnel = l2tp->tunnels[state->tunnel_id];
	struct l2tp_session *session;

	if (l2tp->active || !tunnel || !state->local_id || !state->peer_id ||
	    !session_state_valid(state) || state->attrs_len > sizeof(state->attrs) ||
	    !session_attrs_valid(state->attrs, state->attrs_len) ||
	    !terminated(state->called, sizeof(state->called)) ||
	    !terminated(state->calling, sizeof(state->calling)) ||
	    !terminated(state->sub_address, sizeof(state->sub_address)))
		return -EINVAL;
	session = session_index_find(tunnel, state->local_id);
	if (session) {
		if (session_apply(session, state))
			return -ENOMEM;
		session_place(session, state->state);
		return 0;
	}
	session = session_new(tunnel);
	if (!session)
		return -ENOMEM;
	if (session_apply(session, state)) {
		session_free(session);
		return -ENOMEM;
	}
	session->local_id = state->local_id;
	session_place(session, state->state);
	return 0;
}

void l2tp_tunnel_forget(struct l2tp *l2tp, uint16_t tunnel_id)
{
	if (l2tp->tunnels[tunnel_id])
		tunnel_free(l2tp->tunnels[tunnel_id]);
}

void l2tp_session_forget(struct l2tp *l2tp, uint16_t tunnel_id, uint16_t session_id)
{
	struct l2tp_session *session = l2tp_session_find(l2tp, tunnel_id, session_id);

	if (session)
		session_free(session);
}

static void notes_clear(struct l2tp *l2tp)
{
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(l2tp, &dirty))
		;
}

void l2tp_forget_all(struct l2tp *l2tp)
{
	uint32_t id;

	for (id = 1; id < l2tp->id_end; id++)
		l2tp_tunnel_forget(l2tp, (uint16_t)id);
	notes_clear(l2tp);
	engine_actions_clear(l2tp);
	ring_clear(&l2tp->resync_due);
}

/* ---- role --------------------------------------------------------------- */

/* Every number of [una, vs) has a message after this; false: no memory. */
static bool fill_holes(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct avp_builder builder;
	uint16_t ns;
	size_t len;

	while (channel_hole(&tunnel->channel, &ns)) {
		message_begin(&builder, l2tp->build, sizeof(l2tp->build), MESSAGE_HELLO, tunnel->peer_id, 0);
		len = message_end(&builder);
		if (channel_import_message(&tunnel->channel, ns, l2tp->build, len))
			return false;
		note_message(tunnel, L2TP_DIRTY_MESSAGE, ns);
	}
	return true;
}

/* We asked for it, and the SCCCN may not have arrived: to the peer it is no tunnel that can be recovered. */
static bool half_established(const struct l2tp_tunnel *tunnel)
{
	return tunnel->initiator && tunnel->channel.una <= 1 && tunnel->channel.una != tunnel->channel.vs;
}

/* What the method of the tunnel makes of a takeover. */
static enum resync_event takeover_event(const struct l2tp_tunnel *tunnel, enum l2tp_knowledge knowledge)
{
	bool silent = half_established(tunnel);

	switch (tunnel->params.failover) {
	case L2TP_FAILOVER_DISABLE:
		return RESYNC_EVENT_FORBIDDEN;
	case L2TP_FAILOVER_PROTOCOL:
		if (silent && knowledge == L2TP_KNOWLEDGE_EXACT)
			break;
		return failover_agreed(tunnel) ? RESYNC_EVENT_PROTOCOL : RESYNC_EVENT_FORBIDDEN;
	case L2TP_FAILOVER_PROTOCOL_SILENT:
		if (failover_agreed(tunnel) && !silent)
			return RESYNC_EVENT_PROTOCOL;
		break;
	case L2TP_FAILOVER_UNSET:
	case L2TP_FAILOVER_SILENT:
		break;
	}
	return knowledge == L2TP_KNOWLEDGE_EXACT && !tunnel->behind ? RESYNC_EVENT_EXACT : RESYNC_EVENT_BEHIND;
}

static void restart(struct l2tp_tunnel *tunnel, uint64_t now_ms, enum l2tp_knowledge knowledge)
{
	struct l2tp_session *session;
	uint16_t ns;

	channel_restart(&tunnel->channel);
	tunnel->since_ms = tunnel->last_rx_ms = now_ms;
	if (tunnel->state != L2TP_TUNNEL_ESTABLISHED) {
		/* Half-open: nothing to keep when its answer is not here word for word. */
		if (channel_hole(&tunnel->channel, &ns)) {
			tunnel_free(tunnel);
			return;
		}
		tunnel_start_setup(tunnel, now_ms);
		tunnel_transmit(tunnel, now_ms);
		tunnel_schedule(tunnel);
		return;
	}
	place_remember(tunnel->l2tp, now_ms, &tunnel->peer);
	if (!fill_holes(tunnel)) {
		tunnel_free(tunnel);
		return;
	}
	resync_event(tunnel, takeover_event(tunnel, knowledge), now_ms);
	if (tunnel->session_established != tunnel->session_count)	/* seldom: a takeover reads no other sessions */
		for (session = session_index_after(tunnel, 0); session;
		     session = session_index_after(tunnel, session->local_id))
			if (session->state != L2TP_SESSION_ESTABLISHED)
				session_start_setup(session, now_ms);
	tunnel_schedule(tunnel);
}

static void queue_probes(struct l2tp *l2tp, bool with_queue)
{
	struct l2tp_tunnel *tunnel;
	uint32_t id;

	for (id = 1; id < l2tp->id_end; id++) {
		tunnel = l2tp->tunnels[id];
		if (tunnel && resync_running(tunnel) && (tunnel->channel.una != tunnel->channel.vs) == with_queue)
			*(uint16_t *)ring_push(&l2tp->resync_due) = (uint16_t)id;
	}
}

void l2tp_activate(struct l2tp *l2tp, uint64_t now_ms)
{
	l2tp_take_over(l2tp, now_ms, L2TP_KNOWLEDGE_EXACT);
}

void l2tp_set_epoch(struct l2tp *l2tp, uint64_t epoch)
{
	l2tp->epoch = epoch;
}

void l2tp_take_over(struct l2tp *l2tp, uint64_t now_ms, enum l2tp_knowledge knowledge)
{
	uint32_t id;

	if (l2tp->active)
		return;
	l2tp->active = true;
	for (id = 1; id < l2tp->id_end; id++)
		if (l2tp->tunnels[id])
			restart(l2tp->tunnels[id], now_ms, knowledge);
	queue_probes(l2tp, true);
	queue_probes(l2tp, false);
	l2tp->resync_next_ms = now_ms;
	resync_probes(l2tp, now_ms);
}

static void rest(struct l2tp_tunnel *tunnel)
{
	struct l2tp_session *session;
	uint16_t id = 0;

	if (!l2tp_tunnel_recorded(tunnel) || tunnel->recovery.old_id) {
		tunnel_free(tunnel);
		return;
	}
	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		if (!l2tp_session_recorded(session))
			session_free(session);
	}
	if (resync_running(tunnel))
		tunnel->l2tp->counters.resync--;
	tunnel->resync.state = L2TP_RESYNC_NONE;
	tunnel->recovery.by_id = tunnel->recovery.answered_id = 0;
	tunnel->recovery.asked = 0;
	tunnel->patience_ms = CHANNEL_NEVER;
	tunnel->channel.hold = false;
	tunnel->ack_due = tunnel->overflow = false;
	tunnel->channel.deadline_ms = CHANNEL_NEVER;
	tunnel_stop_setup(tunnel);
	while (tunnel->half_open_first)
		session_stop_setup(tunnel->half_open_first);
	timer_stop(&tunnel->l2tp->timers, &tunnel->timer);
}

void l2tp_passivate(struct l2tp *l2tp)
{
	uint32_t id;

	if (!l2tp->active)
		return;
	l2tp->active = false;
	notes_clear(l2tp);
	engine_actions_clear(l2tp);
	ring_clear(&l2tp->resync_due);
	for (id = 1; id < l2tp->id_end; id++)
		if (l2tp->tunnels[id])
			rest(l2tp->tunnels[id]);
}

bool l2tp_active(const struct l2tp *l2tp)
{
	return l2tp->active;
}

void l2tp_set_wall_offset(struct l2tp *l2tp, int64_t unix_minus_monotonic_ms)
{
	l2tp->wall_offset_ms = unix_minus_monotonic_ms;
}

uint64_t l2tp_deadline_ms(const struct l2tp *l2tp)
{
	const struct timer *first = timer_first(&l2tp->timers);
	uint64_t when_ms = first ? first->deadline_ms : CHANNEL_NEVER;

	if (!l2tp->active)
		return CHANNEL_NEVER;
	if (l2tp->resync_due.count && l2tp->resync_next_ms < when_ms)
		when_ms = l2tp->resync_next_ms;
	return when_ms;
}

/* ---- looking ------------------------------------------------------------ */

void l2tp_tunnel_info(const struct l2tp_tunnel *tunnel, struct l2tp_tunnel_info *info)
{
	const struct channel *channel = &tunnel->channel;

	memset(info, 0, sizeof(*info));
	l2tp_tunnel_export(tunnel, &info->s);
	l2tp_channel_export(tunnel, &info->channel);
	info->sessions = tunnel->session_count;
	info->resync = resync_running(tunnel);
	info->resync_state = tunnel->resync.state;
	info->resync_how = tunnel->resync.how;
	info->resync_ms = (uint32_t)(tunnel->resync.end_ms - tunnel->resync.start_ms);
	info->unsent = (uint16_t)(channel->vs - channel->top);
	info->unacked = (uint16_t)(channel->top - channel->una);
	info->max_unacked = channel->max_unacked;
	info->cwnd = channel->cwnd;
	info->retransmits = channel->retransmits;
	info->zlb_sent = tunnel->zlb_sent;
	info->duplicates = channel->duplicates;
	info->out_of_order = channel->out_of_order;
	info->rx_packets = tunnel->rx_packets;
	info->tx_packets = tunnel->tx_packets;
	info->rx_bytes = tunnel->rx_bytes;
	info->tx_bytes = tunnel->tx_bytes;
	info->since_ms = tunnel->since_ms;
}

uint16_t l2tp_tunnel_next(const struct l2tp *l2tp, uint16_t after)
{
	uint32_t id;

	for (id = after + 1u; id < l2tp->id_end; id++)
		if (l2tp->tunnels[id] && !l2tp->tunnels[id]->recovery.old_id)
			return (uint16_t)id;
	return 0;
}

uint16_t l2tp_session_next(const struct l2tp *l2tp, uint16_t tunnel_id, uint16_t after)
{
	const struct l2tp_tunnel *tunnel = l2tp->tunnels[tunnel_id];
	const struct l2tp_session *session = tunnel ? session_index_after(tunnel, after) : NULL;

	return session ? session->local_id : 0;
}
