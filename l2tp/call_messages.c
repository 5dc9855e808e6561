/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the messages of calls say and do (RFC 2661 5.2, 6.6-6.14; RFC 3145, 5515),
 * for both kinds of call and both sides.  The tables of call.c decide when.
 *
 * Numbers and names everybody looks at are fields of the session; further AVPs
 * (proxy LCP and authentication, access line) are kept as they came, attrs.c.
 */
#include "l2tp/call.h"

#include <errno.h>
#include <string.h>

static bool assigns_id(enum message_type type)
{
	return type != MESSAGE_ICCN && type != MESSAGE_OCCN && type != MESSAGE_WEN && type != MESSAGE_SLI;
}

void call_begin(struct l2tp_session *session, struct avp_builder *builder, enum message_type type)
{
	tunnel_begin(session->tunnel, builder, type, session->peer_id);
	if (assigns_id(type))
		avp_put_u16(builder, AVP_ASSIGNED_SESSION_ID, session->local_id);
}

int call_supported(const struct l2tp_session *session)
{
	const struct l2tp_tunnel *tunnel = session->tunnel;

	/* Some say 0 and mean nothing by it. */
	if (tunnel->peer_framing && !(tunnel->peer_framing & session->framing_type))
		return -EOPNOTSUPP;
	if (session->call == L2TP_CALL_OUT_LNS && !(tunnel->peer_bearer & session->bearer_type))
		return -EOPNOTSUPP;
	return 0;
}

static bool supported(const struct l2tp_session *session, struct session_input *in)
{
	if (!call_supported(session))
		return true;
	message_result(&in->result, CDN_NO_FACILITIES_EVER, 0, "the peer has no bearer or framing of that type");
	return false;
}

/* ---- asked by the peer -------------------------------------------------- */

/* We are full: in the words the configuration chose, so that a LAC looks elsewhere. */
static bool busy(struct l2tp_session *session, struct session_input *in, const char *what, uint32_t limit)
{
	message_busy(&in->result, true, &session->tunnel->params, "%s %u of group %s reached", what, limit,
		     session->tunnel->params.group);
	return false;
}

static bool admitted(struct l2tp_session *session, struct session_input *in)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	struct l2tp *l2tp = tunnel->l2tp;
	struct l2tp_session *taken = failover_collision(tunnel, session->peer_id);
	char why[L2TP_TEXT_MAX] = "";

	if (taken) {		/* RFC 4951 3.3: the CDN names it, and it goes */
		session->local_id = taken->local_id;
		message_result(&in->result, 0, 0, "the peer uses its session ID %u anew", session->peer_id);
		session_set_state(taken, L2TP_SESSION_IDLE, in->now_ms, &in->result, true);
		message_result(&in->result, CDN_ERROR, ERROR_SESSION_ID, "that session was established here");
		return false;
	}
	if (resync_running(tunnel)) {
		message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "Tunnel in HA resync (611)");
		return false;
	}
	if (tunnel->draining) {
		message_busy(&in->result, true, &tunnel->params, "soft shut: the tunnel is drained");
		return false;
	}
	if (tunnel->params.session_limit && tunnel->session_count >= tunnel->params.session_limit)
		return busy(session, in, "session limit", tunnel->params.session_limit);
	if (l2tp->config.max_calls_setup && l2tp->calls_setup >= l2tp->config.max_calls_setup)
		return busy(session, in, "limit of calls in setup", l2tp->config.max_calls_setup);
	if (l2tp->config.max_calls_setup_per_peer &&
	    *registry_calls_setup(l2tp, &tunnel->peer) >= l2tp->config.max_calls_setup_per_peer)
		return busy(session, in, "limit of calls in setup of a peer", l2tp->config.max_calls_setup_per_peer);
	if (l2tp->ops.admit_call && !l2tp->ops.admit_call(l2tp->ops.ctx, tunnel->local_id, why)) {
		message_busy(&in->result, true, &tunnel->params, "%s", why);
		return false;
	}
	return true;
}

/* What ICRQ and OCRQ have in common; gives the session its ID. */
static bool read_request(struct l2tp_session *session, struct session_input *in)
{
	const struct message *message = in->message;
	char called[L2TP_NAME_MAX], calling[L2TP_NAME_MAX], sub_address[L2TP_NAME_MAX];

	message_text(message, AVP_CALLED_NUMBER, called, sizeof(called));
	message_text(message, AVP_CALLING_NUMBER, calling, sizeof(calling));
	message_text(message, AVP_SUB_ADDRESS, sub_address, sizeof(sub_address));
	session->local_id = session_new_id(session->tunnel);
	if (!session->local_id || session_set_texts(session, called, calling, sub_address) ||
	    session_keep_attrs(session, message)) {
		message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "out of session IDs or memory");
		return false;
	}
	session->call_serial = message_u32(message, AVP_CALL_SERIAL_NUMBER);
	session->bearer_type = message_u32(message, AVP_BEARER_TYPE);
	return true;
}

bool call_take_icrq(struct l2tp_session *session, struct session_input *in)
{
	struct avp_builder builder;

	if (session->tunnel->params.refuse_dialin) {
		message_result(&in->result, CDN_NO_FACILITIES_EVER, 0, "no incoming calls here");
		return false;
	}
	if (!admitted(session, in) || !read_request(session, in))
		return false;
	session->physical_channel = message_u32(in->message, AVP_PHYSICAL_CHANNEL_ID);
	session->csu_enabled = in->message->csu_enabled;
	note_session(session);		/* before the message that belongs to it */
	call_begin(session, &builder, MESSAGE_ICRP);
	tunnel_send(session->tunnel, in->now_ms, &builder);
	return true;
}

bool call_take_ocrq(struct l2tp_session *session, struct session_input *in)
{
	struct avp_builder builder;

	if (!session->tunnel->params.accept_dialout) {
		message_result(&in->result, CDN_NO_FACILITIES_EVER, 0, "no outgoing calls here");
		return false;
	}
	if (!admitted(session, in) || !read_request(session, in))
		return false;
	session->framing_type = message_u32(in->message, AVP_FRAMING_TYPE);
	call_begin(session, &builder, MESSAGE_OCRP);
	tunnel_send(session->tunnel, in->now_ms, &builder);
	return true;
}

bool call_take_connected(struct l2tp_session *session, struct session_input *in)
{
	const struct message *message = in->message;

	session->tx_speed = message_u32(message, AVP_TX_CONNECT_SPEED);
	session->rx_speed = message_has(message, AVP_RX_CONNECT_SPEED) ?
			    message_u32(message, AVP_RX_CONNECT_SPEED) : session->tx_speed;
	session->framing_type = message_u32(message, AVP_FRAMING_TYPE);
	session->sequencing_required = message_has(message, AVP_SEQUENCING_REQUIRED);
	if (!session_keep_attrs(session, message))
		return true;
	message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "out of memory");
	return false;
}

/* ---- asked by us -------------------------------------------------------- */

static void put_texts(const struct l2tp_session *session, struct avp_builder *builder)
{
	static const enum avp_attr attrs[3] = { AVP_CALLED_NUMBER, AVP_CALLING_NUMBER, AVP_SUB_ADDRESS };
	const char *texts[3];
	int i;

	session_get_texts(session, texts);
	for (i = 0; i < 3; i++)
		if (texts[i][0])
			avp_put_text(builder, attrs[i], texts[i]);
}

/* Sends it; a message that grew too large ends the call, not the tunnel. */
static bool send(struct l2tp_session *session, struct session_input *in, struct avp_builder *builder)
{
	if (builder->overflow) {
		message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "the AVPs of the call do not fit into one message");
		return false;
	}
	tunnel_send(session->tunnel, in->now_ms, builder);
	return true;
}

bool call_send_icrq(struct l2tp_session *session, struct session_input *in)
{
	struct avp_builder builder;

	if (!supported(session, in))
		return false;
	call_begin(session, &builder, MESSAGE_ICRQ);
	avp_put_u32(&builder, AVP_CALL_SERIAL_NUMBER, session->call_serial);
	if (session->bearer_type)
		avp_put_u32(&builder, AVP_BEARER_TYPE, session->bearer_type);
	if (session->physical_channel)
		avp_put_u32(&builder, AVP_PHYSICAL_CHANNEL_ID, session->physical_channel);
	put_texts(session, &builder);
	if (session->csu_enabled)
		avp_put(&builder, AVP_CONNECT_SPEED_UPDATE_ENABLE, NULL, 0);
	session_put_attrs(session, &builder, MESSAGE_ICRQ);
	return send(session, in, &builder);
}

bool call_send_ocrq(struct l2tp_session *session, struct session_input *in)
{
	struct avp_builder builder;

	if (!supported(session, in))
		return false;
	call_begin(session, &builder, MESSAGE_OCRQ);
	avp_put_u32(&builder, AVP_CALL_SERIAL_NUMBER, session->call_serial);
	avp_put_u32(&builder, AVP_BEARER_TYPE, session->bearer_type);
	avp_put_u32(&builder, AVP_FRAMING_TYPE, session->framing_type);
	put_texts(session, &builder);
	session_put_attrs(session, &builder, MESSAGE_OCRQ);
	return send(session, in, &builder);
}

/* ICCN or OCCN */
static bool send_connected(struct l2tp_session *session, struct session_input *in, enum message_type type)
{
	struct avp_builder builder;

	call_begin(session, &builder, type);
	avp_put_u32(&builder, AVP_TX_CONNECT_SPEED, session->tx_speed);
	avp_put_u32(&builder, AVP_FRAMING_TYPE, session->framing_type);
	if (session->rx_speed != session->tx_speed)
		avp_put_u32(&builder, AVP_RX_CONNECT_SPEED, session->rx_speed);
	if (session->sequencing_required)
		avp_put(&builder, AVP_SEQUENCING_REQUIRED, NULL, 0);
	session_put_attrs(session, &builder, type);
	return send(session, in, &builder);
}

bool call_take_icrp(struct l2tp_session *session, struct session_input *in)
{
	session->peer_id = message_u16(in->message, AVP_ASSIGNED_SESSION_ID);
	return send_connected(session, in, MESSAGE_ICCN);
}

bool call_take_ocrp(struct l2tp_session *session, struct session_input *in)
{
	session->peer_id = message_u16(in->message, AVP_ASSIGNED_SESSION_ID);
	session->physical_channel = message_u32(in->message, AVP_PHYSICAL_CHANNEL_ID);
	return true;
}

bool call_send_occn(struct l2tp_session *session, struct session_input *in)
{
	return send_connected(session, in, MESSAGE_OCCN);
}

/* ---- while it is up ----------------------------------------------------- */

static void tell_value(struct l2tp_session *session, enum l2tp_action_type type, const uint8_t *value, size_t count)
{
	uint32_t numbers[6];
	size_t i;

	for (i = 0; i < count; i++)
		numbers[i] = avp_get_u32(value + 2 + 4 * i);	/* after the reserved field */
	session_tell(session, type, numbers, count);
}

bool call_take_wen(struct l2tp_session *session, struct session_input *in)
{
	tell_value(session, L2TP_ACTION_WEN, in->message->avp[AVP_CALL_ERRORS].data, 6);
	return true;
}

bool call_take_sli(struct l2tp_session *session, struct session_input *in)
{
	if (!session_keep_attrs(session, in->message))
		note_session(session);
	tell_value(session, L2TP_ACTION_SLI, in->message->avp[AVP_ACCM].data, 2);
	return true;
}
