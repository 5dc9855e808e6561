/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request for a tunnel arrives (RFC 2661 5.1, 7.2; RFC 4951 3.2 for recovery
 * tunnels).  It is judged before there is a tunnel, and refused without one:
 * whoever is not allowed in leaves no state behind.
 *
 * An SCCRQ that was seen before belongs to the tunnel that it made then.  A new
 * one passes, in this order: the limits of tunnels in setup (place.c; nothing is
 * said to who is above them), the group that is to take it, what it says, and our
 * own request to the same peer if there is one (tunnel_tie()).
 *
 * Called by engine.c with the request parsed in l2tp->message.
 */
#include "l2tp/engine.h"

#define REPEAT_MS 3000			/* an established tunnel's SCCRQ may still be under way this long */
#define PROTOCOL_VERSION 1

/* The tunnel that an SCCRQ asks for again, NULL: this one is new. */
static struct l2tp_tunnel *repeated_request(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *peer,
					    uint16_t peer_id, uint64_t digest)
{
	struct l2tp_tunnel *tunnel = registry_by_peer(l2tp, peer, peer_id);

	/* Imported tunnels (digest 0) do not know what their SCCRQ looked like. */
	if (!tunnel || (tunnel->sccrq_digest && tunnel->sccrq_digest != digest))
		return NULL;
	switch (tunnel->state) {
	case L2TP_TUNNEL_IDLE:
	case L2TP_TUNNEL_WAIT_CTL_REPLY:
		return NULL;
	case L2TP_TUNNEL_WAIT_CTL_CONN:
		return tunnel;
	case L2TP_TUNNEL_ESTABLISHED:
		return now_ms - tunnel->since_ms < REPEAT_MS ? tunnel : NULL;
	case L2TP_TUNNEL_CLOSING:
		/* Refused, and the peer has not heard of it yet. */
		if (tunnel->channel.vr == 1 && tunnel->channel.una != tunnel->channel.vs)
			return tunnel;
		/* A copy that was under way.  Later, or with other octets: the peer starts anew. */
		return tunnel->sccrq_digest && now_ms - tunnel->since_ms < REPEAT_MS ? tunnel : NULL;
	}
	return NULL;
}

static void answer_repeat(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header,
			  size_t octets)
{
	/*
	 * Numbers of the closed tunnel would confuse a peer that does start anew
	 * with the same ID and octets: it gets silence, and asks again.
	 */
	if (tunnel->state == L2TP_TUNNEL_CLOSING && tunnel->channel.vr != 1)
		return;
	tunnel_receive(tunnel, now_ms, header, octets);
}

/* Reads the request into `state`; false: *result says why it is refused. */
static bool judge_request(struct l2tp *l2tp, const struct message *message, struct l2tp_tunnel_state_rec *state,
			  struct l2tp_result *result)
{
	const uint8_t *version = message->avp[AVP_PROTOCOL_VERSION].data;
	bool challenged = message_has(message, AVP_CHALLENGE);

	if (message->fault) {
		message_result(result, STOPCCN_ERROR, message->fault, "%s", message->fault_text);
		return false;
	}
	if (version[0] != PROTOCOL_VERSION) {
		message_result(result, STOPCCN_VERSION, PROTOCOL_VERSION, "protocol version %u", version[0]);
		return false;
	}
	if ((challenged || state->params.authenticate) && !state->params.secret[0]) {
		message_result(result, STOPCCN_NOT_AUTHORISED, 0, "no tunnel secret configured");
		return false;
	}
	if (l2tp->config.max_tunnels && l2tp->counters.tunnels >= l2tp->config.max_tunnels) {
		message_busy(result, false, &state->params, "tunnel limit %u reached", l2tp->config.max_tunnels);
		return false;
	}
	state->peer_id = message_u16(message, AVP_ASSIGNED_TUNNEL_ID);
	failover_read(message, &state->failover_received, &state->peer_recovery_ms);
	state->peer_framing = message_u32(message, AVP_FRAMING_CAPABILITIES);
	state->peer_bearer = message_u32(message, AVP_BEARER_CAPABILITIES);
	state->peer_firmware = message_u16(message, AVP_FIRMWARE_REVISION);
	state->peer_window = message_has(message, AVP_RECEIVE_WINDOW_SIZE) ?
			     message_u16(message, AVP_RECEIVE_WINDOW_SIZE) : CHANNEL_DEFAULT_WINDOW;
	message_text(message, AVP_VENDOR_NAME, state->peer_vendor, sizeof(state->peer_vendor));
	return true;
}

/* Has the caller room for it? */
static bool admitted(struct l2tp *l2tp, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
		     struct l2tp_result *result)
{
	char why[L2TP_TEXT_MAX] = "";

	if (!l2tp->ops.admit_tunnel || l2tp->ops.admit_tunnel(l2tp->ops.ctx, info, params, why))
		return true;
	message_busy(result, false, params, "%s", why);
	return false;
}

/* `old`: the tunnel that this one recovers; NULL: it is an ordinary one. */
static void open_tunnel(struct l2tp *l2tp, uint64_t now_ms, struct l2tp_tunnel_state_rec *state, uint64_t digest,
			enum place_rank rank, struct l2tp_tunnel *old)
{
	struct l2tp_tunnel *tunnel;
	struct l2tp_result result;

	if (!place_make(l2tp, now_ms, &state->peer, rank)) {
		l2tp->counters.rx_refused++;
		return;
	}
	state->local_id = registry_new_id(l2tp);
	tunnel = state->local_id ? tunnel_new(l2tp, now_ms, state) : NULL;
	if (!tunnel) {
		if (state->local_id)
			registry_return_id(l2tp, state->local_id);
		message_result(&result, STOPCCN_ERROR, ERROR_RESOURCES, "out of tunnel IDs or memory");
		engine_refuse(l2tp, now_ms, &state->local, &state->peer, state->peer_id, 1, &result);
		return;
	}
	tunnel->sccrq_digest = digest;
	tunnel->place_rank = (uint8_t)rank;
	tunnel->channel.vr = 1;
	if (old)
		failover_suggest(tunnel, old, now_ms);
	tunnel_accept(tunnel, now_ms);
}

/* The peer failed and wants one of its tunnels back: judged by what that tunnel was set up with. */
static void input_recovery(struct l2tp *l2tp, uint64_t now_ms, struct l2tp_tunnel_state_rec *state,
			   const struct message_header *header, uint64_t digest, enum place_rank rank)
{
	struct message *message = &l2tp->message;
	struct l2tp_tunnel *old = NULL;
	struct l2tp_result result;

	switch (failover_judge(l2tp, now_ms, message, &state->local, &state->peer, &old, &result)) {
	case FAILOVER_ACCEPT:
		state->params = old->params;
		state->params.ha = false;
		if (message->hidden_left)
			message_parse(header->body, header->body_len, state->params.secret, l2tp->room, message);
		if (judge_request(l2tp, message, state, &result)) {
			open_tunnel(l2tp, now_ms, state, digest, rank, old);
			return;
		}
		break;
	case FAILOVER_REFUSE:
		break;
	case FAILOVER_IGNORE:
		return;
	}
	engine_refuse(l2tp, now_ms, &state->local, &state->peer, message_u16(message, AVP_ASSIGNED_TUNNEL_ID), 1, &result);
}

void accept_sccrq(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
			const struct l2tp_endpoint *peer, const struct message_header *header, size_t octets)
{
	struct message *message = &l2tp->message;
	struct l2tp_tunnel_state_rec state = { .local = *local, .peer = *peer };
	uint64_t digest = registry_digest(l2tp, header->body, header->body_len);
	struct l2tp_tunnel *tunnel = NULL;
	struct l2tp_sccrq_info info;
	struct l2tp_result result;
	enum place_rank rank;
	uint16_t peer_id = message_u16(message, AVP_ASSIGNED_TUNNEL_ID);

	if (message_has(message, AVP_ASSIGNED_TUNNEL_ID))
		tunnel = repeated_request(l2tp, now_ms, peer, peer_id, digest);
	if (tunnel) {
		answer_repeat(tunnel, now_ms, header, octets);
		return;
	}
	if (!place_for(l2tp, now_ms, peer, registry_request(l2tp, peer, digest), &rank)) {
		l2tp->counters.rx_refused++;	/* silently: the peer asks again in a second */
		return;
	}
	if (message_has(message, AVP_TUNNEL_RECOVERY)) {
		input_recovery(l2tp, now_ms, &state, header, digest, rank);
		return;
	}
	message_text(message, AVP_HOST_NAME, state.peer_name, sizeof(state.peer_name));
	message_text(message, AVP_VENDOR_NAME, state.peer_vendor, sizeof(state.peer_vendor));
	info = (struct l2tp_sccrq_info){ *local, *peer, state.peer_name, state.peer_vendor };
	if (!message->fault && !l2tp->ops.select_group(l2tp->ops.ctx, &info, &state.params)) {
		message_result(&result, STOPCCN_NOT_AUTHORISED, 0, "no VPDN group accepts \"%s\"", state.peer_name);
		engine_refuse(l2tp, now_ms, local, peer, peer_id, 1, &result);
		return;
	}
	if (!message->fault && message->hidden_left) {
		/* Only the group knows the secret that opens the rest. */
		message_parse(header->body, header->body_len, state.params.secret, l2tp->room, message);
		peer_id = message_u16(message, AVP_ASSIGNED_TUNNEL_ID);
		tunnel = peer_id ? repeated_request(l2tp, now_ms, peer, peer_id, digest) : NULL;
		if (tunnel) {
			answer_repeat(tunnel, now_ms, header, octets);
			return;
		}
	}
	if (!judge_request(l2tp, message, &state, &result) || !admitted(l2tp, &info, &state.params, &result)) {
		engine_refuse(l2tp, now_ms, local, peer, peer_id, 1, &result);
		return;
	}
	if (tunnel_tie(l2tp, now_ms, local, peer, message))
		open_tunnel(l2tp, now_ms, &state, digest, rank, NULL);
}
