/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting a tunnel up, from both sides (RFC 2661 4.4.3, 5.1, 5.1.1, 7.2, 8.1).
 *
 * The messages of setup as the table in tunnel.c calls for them, and what only
 * an initiator has to care for: l2tp_tunnel_open(), two requests that cross
 * (tie breakers), and a responder that answers from another port or address.
 *
 * A tunnel of ours is not replicated before the peer has answered: a standby
 * that took over could not go on with it, and to the peer it is one request
 * that was never finished.  With the answer the tunnel, its numbers and our
 * SCCCN become records together, before the SCCCN leaves.
 */
#include "l2tp/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAMING_SYNC_ASYNC 3
#define VERSION_1_0 0x0100
#define DEFAULT_NAME "l2tpha"

/* ---- messages ----------------------------------------------------------- */

/* The answer to our challenge in SCCCN or SCCRP. */
static bool check_response(struct l2tp_tunnel *tunnel, struct tunnel_input *in, enum message_type carrier)
{
	uint8_t expected[AVP_AUTH_LEN];

	if (!tunnel->challenged)
		return true;
	if (!message_has(in->message, AVP_CHALLENGE_RESPONSE)) {
		message_result(&in->result, STOPCCN_NOT_AUTHORISED, 0, "no challenge response");
		return false;
	}
	avp_challenge_response(carrier, tunnel->params.secret, tunnel->challenge, sizeof(tunnel->challenge),
			       expected);
	if (avp_auth_equal(expected, in->message->avp[AVP_CHALLENGE_RESPONSE].data))
		return true;
	message_result(&in->result, STOPCCN_NOT_AUTHORISED, 0, "challenge response does not match");
	return false;
}

static void put_identity(struct l2tp_tunnel *tunnel, struct avp_builder *builder)
{
	struct l2tp *l2tp = tunnel->l2tp;
	const struct l2tp_tunnel_params *params = &tunnel->params;

	avp_put_u16(builder, AVP_PROTOCOL_VERSION, VERSION_1_0);
	avp_put_u32(builder, AVP_FRAMING_CAPABILITIES, FRAMING_SYNC_ASYNC & ~params->framing_without);
	if (params->bearer)
		avp_put_u32(builder, AVP_BEARER_CAPABILITIES, params->bearer);
	avp_put_text(builder, AVP_HOST_NAME, params->local_name[0] ? params->local_name : DEFAULT_NAME);
	avp_put_u16(builder, AVP_FIRMWARE_REVISION, l2tp->config.firmware);
	if (l2tp->vendor_name[0])
		avp_put_text(builder, AVP_VENDOR_NAME, l2tp->vendor_name);
	avp_put_u16(builder, AVP_ASSIGNED_TUNNEL_ID, tunnel->local_id);
	avp_put_u16(builder, AVP_RECEIVE_WINDOW_SIZE, params->receive_window);
	if (params->authenticate) {
		l2tp->ops.random(l2tp->ops.ctx, tunnel->challenge, sizeof(tunnel->challenge));
		tunnel->challenged = true;
		avp_put(builder, AVP_CHALLENGE, tunnel->challenge, sizeof(tunnel->challenge));
	}
}

/* The answer to the peer's challenge, in `carrier`. */
static void put_response(struct l2tp_tunnel *tunnel, struct avp_builder *builder, const struct message *message,
			 enum message_type carrier)
{
	const struct message_slice *challenge = &message->avp[AVP_CHALLENGE];
	uint8_t response[AVP_AUTH_LEN];

	if (!message_has(message, AVP_CHALLENGE))
		return;
	avp_challenge_response(carrier, tunnel->params.secret, challenge->data, challenge->len, response);
	avp_put(builder, AVP_CHALLENGE_RESPONSE, response, sizeof(response));
}

bool tunnel_send_sccrq(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	const struct l2tp_tunnel_params *params = &tunnel->params;
	struct avp_builder builder;

	/* An own patience for the first message: an alternate may be waiting for its turn. */
	channel_set_patience(&tunnel->channel,
			     params->initial_retries ? params->initial_retries : params->retransmit_retries,
			     (params->initial_min_s ? params->initial_min_s : params->retransmit_min_s) * 1000u,
			     (params->initial_max_s ? params->initial_max_s : params->retransmit_max_s) * 1000u);
	tunnel_begin(tunnel, &builder, MESSAGE_SCCRQ, 0);
	put_identity(tunnel, &builder);
	if (params->tie_break && !tunnel->recovery.old_id) {
		tunnel->l2tp->ops.random(tunnel->l2tp->ops.ctx, tunnel->tie_breaker, sizeof(tunnel->tie_breaker));
		avp_put(&builder, AVP_TIE_BREAKER, tunnel->tie_breaker, sizeof(tunnel->tie_breaker));
	}
	failover_put(tunnel, &builder, MESSAGE_SCCRQ);
	tunnel_send(tunnel, in->now_ms, &builder);
	return true;
}

/* What the peer says about itself. */
static void read_identity(struct l2tp_tunnel *tunnel, const struct message *message)
{
	message_text(message, AVP_HOST_NAME, tunnel->peer_name, sizeof(tunnel->peer_name));
	message_text(message, AVP_VENDOR_NAME, tunnel->peer_vendor, sizeof(tunnel->peer_vendor));
	tunnel->peer_firmware = message_u16(message, AVP_FIRMWARE_REVISION);
	tunnel->peer_framing = message_u32(message, AVP_FRAMING_CAPABILITIES);
	tunnel->peer_bearer = message_u32(message, AVP_BEARER_CAPABILITIES);
	if (message_has(message, AVP_RECEIVE_WINDOW_SIZE))
		tunnel->peer_window = message_u16(message, AVP_RECEIVE_WINDOW_SIZE);
	if (!tunnel->recovery.old_id)
		failover_read(message, &tunnel->failover_received, &tunnel->peer_recovery_ms);
}

bool tunnel_take_sccrp(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	const struct l2tp_tunnel_params *params = &tunnel->params;
	const struct message *message = in->message;
	struct avp_builder builder;

	read_identity(tunnel, message);
	channel_set_peer_window(&tunnel->channel, tunnel->peer_window);
	if (message->avp[AVP_PROTOCOL_VERSION].data[0] != VERSION_1_0 >> 8) {
		message_result(&in->result, STOPCCN_VERSION, VERSION_1_0 >> 8, "protocol version %u",
			       message->avp[AVP_PROTOCOL_VERSION].data[0]);
		return false;
	}
	if (!check_response(tunnel, in, MESSAGE_SCCRP))
		return false;
	if (message_has(message, AVP_CHALLENGE) && !params->secret[0]) {
		message_result(&in->result, STOPCCN_NOT_AUTHORISED, 0, "no tunnel secret configured");
		return false;
	}
	failover_accepted(tunnel, message);
	channel_set_patience(&tunnel->channel, params->retransmit_retries, params->retransmit_min_s * 1000u,
			     params->retransmit_max_s * 1000u);
	tunnel_begin(tunnel, &builder, MESSAGE_SCCCN, 0);
	put_response(tunnel, &builder, message, MESSAGE_SCCCN);
	tunnel_send(tunnel, in->now_ms, &builder);
	return true;
}

bool tunnel_take_sccrq(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	struct avp_builder builder;

	note_tunnel(tunnel);	/* before the message that belongs to it */
	tunnel_begin(tunnel, &builder, MESSAGE_SCCRP, 0);
	put_identity(tunnel, &builder);
	put_response(tunnel, &builder, in->message, MESSAGE_SCCRP);
	failover_put(tunnel, &builder, MESSAGE_SCCRP);
	tunnel_send(tunnel, in->now_ms, &builder);
	return true;
}

bool tunnel_take_scccn(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	return check_response(tunnel, in, MESSAGE_SCCCN);
}

/* ---- the initiator ------------------------------------------------------ */

int l2tp_tunnel_open(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		     const struct l2tp_endpoint *peer, const struct l2tp_tunnel_params *params, uint16_t *tunnel_id)
{
	struct l2tp_tunnel_state_rec state = { .local = *local, .peer = *peer, .initiator = true, .params = *params,
					       .peer_window = CHANNEL_DEFAULT_WINDOW };
	struct l2tp_tunnel *tunnel = NULL;

	*tunnel_id = 0;
	if (!l2tp->active || !local->port || !peer->port || !local->family || local->family != peer->family ||
	    (params->authenticate && !params->secret[0]))
		return -EINVAL;
	if (l2tp->config.max_tunnels && l2tp->counters.tunnels >= l2tp->config.max_tunnels)
		return -ENOSPC;
	state.local_id = registry_new_id(l2tp);
	if (!state.local_id)
		return -ENOSPC;
	tunnel = tunnel_new(l2tp, now_ms, &state);
	explicit_bzero(state.params.secret, sizeof(state.params.secret));
	if (!tunnel) {
		registry_return_id(l2tp, state.local_id);
		return -ENOMEM;
	}
	*tunnel_id = tunnel->local_id;
	tunnel_request(tunnel, now_ms);
	return 0;
}

/* False: our request to the same peer goes on, theirs is dropped. */
static bool win_tie(struct l2tp_tunnel *ours, uint64_t now_ms, const uint8_t *theirs)
{
	struct tunnel_input in = { .now_ms = now_ms, .by_peer = true };
	int order = 1;

	if (!ours->params.tie_break && !theirs)
		return true;		/* two tunnels */
	if (!theirs)
		return false;
	if (ours->params.tie_break)
		order = memcmp(ours->tie_breaker, theirs, sizeof(ours->tie_breaker));
	if (order < 0)
		return false;
	message_result(&in.result, 0, 0, order ? "the peer's own request for a tunnel was first" :
					 "both ends asked for a tunnel with the same tie breaker");
	in.result.lost_tie = true;
	tunnel_event(ours, TUNNEL_EVENT_TIE, &in);
	return order != 0;
}

bool tunnel_tie(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_endpoint *local,
		const struct l2tp_endpoint *peer, const struct message *message)
{
	const uint8_t *theirs = message_has(message, AVP_TIE_BREAKER) ? message->avp[AVP_TIE_BREAKER].data : NULL;
	struct l2tp_tunnel *ours, *next;
	bool accept = true;

	for (ours = l2tp->requests; ours; ours = next) {
		next = ours->request_next;
		if (!ours->recovery.old_id && endpoint_addr_equal(&ours->peer, peer) &&
		    endpoint_addr_equal(&ours->local, local) && !win_tie(ours, now_ms, theirs))
			accept = false;
	}
	return accept;
}

/* ---- a responder elsewhere ---------------------------------------------- */

/* Only the answer to our request, or its refusal, may come from where we did not ask. */
static bool answers_request(struct l2tp_tunnel *tunnel, const struct message_header *header)
{
	struct message *message = &tunnel->l2tp->message;

	return tunnel->initiator && tunnel->state == L2TP_TUNNEL_WAIT_CTL_REPLY && header->body_len && !header->ns &&
	       !message_parse(header->body, header->body_len, NULL, tunnel->l2tp->room, message) &&
	       (message->type == MESSAGE_SCCRP || message->type == MESSAGE_STOPCCN);
}

static bool reject(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	struct tunnel_input in = { .now_ms = now_ms };
	char text[ENDPOINT_TEXT_MAX];

	message_result(&in.result, STOPCCN_GENERAL, 0, "answer from %s rejected", endpoint_format(peer, true, text));
	tunnel_event(tunnel, TUNNEL_EVENT_BAD, &in);
	tunnel_schedule(tunnel);
	return false;
}

bool tunnel_from_elsewhere(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_endpoint *local,
			   const struct l2tp_endpoint *peer, const struct message_header *header)
{
	if (!endpoint_equal(&tunnel->local, local))
		return false;
	/* The answer came from there, and we go on sending to where we asked. */
	if (tunnel->initiator && tunnel->params.peer_change == L2TP_PEER_CHANGE_IGNORE &&
	    tunnel->answers_from.family && endpoint_equal(&tunnel->answers_from, peer))
		return true;
	if (!answers_request(tunnel, header))
		return false;
	switch (tunnel->params.peer_change) {
	case L2TP_PEER_CHANGE_PORT:
		if (!endpoint_addr_equal(&tunnel->peer, peer))
			return false;
		registry_set_peer(tunnel->l2tp, tunnel, peer);
		return true;
	case L2TP_PEER_CHANGE_ACCEPT:
		registry_set_peer(tunnel->l2tp, tunnel, peer);
		return true;
	case L2TP_PEER_CHANGE_IGNORE:
		tunnel->answers_from = *peer;
		return true;
	case L2TP_PEER_CHANGE_REJECT:
		return reject(tunnel, now_ms, peer);
	}
	return false;
}
