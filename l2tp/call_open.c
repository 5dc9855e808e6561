/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls we start or answer for somebody else, and what we say about one that is
 * up: the functions of l2tp.h that become events of call.c's tables.
 *
 * Serial numbers follow the wall clock (10 ms each) and never go back here, so
 * a standby that takes over does not use one of those again.
 */
#include "l2tp/call.h"

#include <errno.h>

#define WEN_MS 60000		/* RFC 2661 6.13: no more than one in that time */
#define FRAMING_SYNC 1
#define U32(n) { (uint8_t)((n) >> 24), (uint8_t)((n) >> 16), (uint8_t)((n) >> 8), (uint8_t)(n) }

static uint32_t new_serial(struct l2tp *l2tp, uint64_t now_ms)
{
	uint32_t serial = (uint32_t)((now_ms + (uint64_t)l2tp->wall_offset_ms) / 10);

	if ((int32_t)(serial - l2tp->last_serial) <= 0)
		serial = l2tp->last_serial + 1;
	l2tp->last_serial = serial;
	return serial;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* The parameters into a session that nobody knows yet. */
static int apply(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_call_params *params)
{
	session->call_serial = params->call_serial ? params->call_serial : new_serial(session->tunnel->l2tp, now_ms);
	session->bearer_type = params->bearer_type;
	session->framing_type = params->framing_type ? params->framing_type : FRAMING_SYNC;
	session->tx_speed = params->tx_speed;
	session->rx_speed = params->rx_speed ? params->rx_speed : params->tx_speed;
	session->physical_channel = params->physical_channel;
	session->sequencing_required = params->sequencing_required;
	session->csu_enabled = params->csu_enabled;
	if (session_set_texts(session, text_of(params->called), text_of(params->calling), text_of(params->sub_address)))
		return -ENOMEM;
	if (session->call == L2TP_CALL_OUT_LNS) {
		const uint8_t bps[2][4] = { U32(params->minimum_bps), U32(params->maximum_bps) };
		const struct l2tp_avp avps[2] = { { 0, AVP_MINIMUM_BPS, bps[0], 4 }, { 0, AVP_MAXIMUM_BPS, bps[1], 4 } };
		int error = session_add_attrs(session, avps, 2);

		if (error)
			return error;
	}
	return session_add_attrs(session, params->avps, params->avp_count);
}

static int may_open(const struct l2tp_tunnel *tunnel, enum l2tp_call call, const struct l2tp_call_params *params)
{
	if (!tunnel->l2tp->active || tunnel->recovery.old_id ||
	    (call != L2TP_CALL_IN_LAC && call != L2TP_CALL_OUT_LNS) ||
	    (call == L2TP_CALL_OUT_LNS && (!params->called || !params->called[0] || !params->bearer_type)))
		return -EINVAL;
	if (tunnel->state == L2TP_TUNNEL_IDLE || tunnel->state == L2TP_TUNNEL_CLOSING)
		return -ENOTCONN;
	if (resync_running(tunnel))
		return -EAGAIN;
	if (tunnel->draining ||
	    (tunnel->params.session_limit && tunnel->session_count >= tunnel->params.session_limit))
		return -ENOSPC;
	return 0;
}

int l2tp_call_open(struct l2tp_tunnel *tunnel, uint64_t now_ms, enum l2tp_call call,
		   const struct l2tp_call_params *params, uint16_t *session_id)
{
	struct session_input in = { .now_ms = now_ms };
	struct l2tp_session *session;
	int error = may_open(tunnel, call, params);

	*session_id = 0;
	if (error)
		return error;
	session = session_new(tunnel);
	if (!session)
		return -ENOMEM;
	session->call = (uint8_t)call;
	error = apply(session, now_ms, params);
	if (!error && tunnel->state == L2TP_TUNNEL_ESTABLISHED)
		error = call_supported(session);
	if (!error) {
		session->local_id = session_new_id(tunnel);
		if (!session->local_id)
			error = -ENOSPC;
	}
	if (error) {
		session_free(session);
		return error;
	}
	*session_id = session->local_id;
	session_event(session, SESSION_EVENT_OPEN, &in);
	if (tunnel->state == L2TP_TUNNEL_ESTABLISHED)
		session_event(session, SESSION_EVENT_TUNNEL, &in);
	tunnel_schedule(tunnel);
	return 0;
}

int l2tp_call_answer(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_call_params *params)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	struct session_input in = { .now_ms = now_ms };
	int error;

	if (!tunnel->l2tp->active || session->call != L2TP_CALL_OUT_LAC || session->state != L2TP_SESSION_WAIT_CS_ANSWER)
		return -EINVAL;
	error = session_add_attrs(session, params->avps, params->avp_count);
	if (error)
		return error;
	if (params->framing_type)
		session->framing_type = params->framing_type;
	session->tx_speed = params->tx_speed;
	session->rx_speed = params->rx_speed ? params->rx_speed : params->tx_speed;
	session->sequencing_required = params->sequencing_required;
	session_event(session, SESSION_EVENT_ANSWER, &in);
	tunnel_schedule(tunnel);
	return 0;
}

/* ---- while it is up ----------------------------------------------------- */

static int send_numbers(struct l2tp_session *session, uint64_t now_ms, enum message_type type, enum avp_attr attr,
			const uint32_t *numbers, size_t count)
{
	uint8_t value[2 + 6 * 4] = { 0 };
	struct avp_builder builder;
	size_t i;

	for (i = 0; i < count; i++) {
		avp_set_u16(value + 2 + 4 * i, (uint16_t)(numbers[i] >> 16));
		avp_set_u16(value + 4 + 4 * i, (uint16_t)numbers[i]);
	}
	call_begin(session, &builder, type);
	avp_put(&builder, attr, value, 2 + 4 * count);
	tunnel_send(session->tunnel, now_ms, &builder);
	tunnel_schedule(session->tunnel);
	return 0;
}

int l2tp_session_send_lcp(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_lcp *lcp)
{
	const uint32_t maps[2] = { lcp->send_accm, lcp->receive_accm };
	uint8_t value[2 + 2 * 4] = { 0 };
	struct avp_builder builder;
	size_t i;

	if (!session->tunnel->l2tp->active || session_is_lac(session) || session->state != L2TP_SESSION_ESTABLISHED)
		return -EINVAL;
	for (i = 0; i < 2; i++) {
		avp_set_u16(value + 2 + 4 * i, (uint16_t)(maps[i] >> 16));
		avp_set_u16(value + 4 + 4 * i, (uint16_t)maps[i]);
	}
	call_begin(session, &builder, MESSAGE_SLI);
	avp_put(&builder, AVP_ACCM, value, sizeof(value));
	if (lcp->sent)
		avp_put(&builder, AVP_LNS_LAST_TX_LCP_CONFREQ, lcp->sent, lcp->sent_len);
	if (lcp->received)
		avp_put(&builder, AVP_LNS_LAST_RX_LCP_CONFREQ, lcp->received, lcp->received_len);
	if (builder.overflow)
		return -EINVAL;
	tunnel_send(session->tunnel, now_ms, &builder);
	tunnel_schedule(session->tunnel);
	return 0;
}

int l2tp_session_send_accm(struct l2tp_session *session, uint64_t now_ms, uint32_t send, uint32_t receive)
{
	const uint32_t numbers[2] = { send, receive };

	if (!session->tunnel->l2tp->active || session_is_lac(session) || session->state != L2TP_SESSION_ESTABLISHED)
		return -EINVAL;
	return send_numbers(session, now_ms, MESSAGE_SLI, AVP_ACCM, numbers, 2);
}

int l2tp_session_send_errors(struct l2tp_session *session, uint64_t now_ms, const uint32_t errors[6])
{
	if (!session->tunnel->l2tp->active || !session_is_lac(session) || session->state != L2TP_SESSION_ESTABLISHED)
		return -EINVAL;
	if (session->wen_ms && now_ms - session->wen_ms < WEN_MS)
		return -EAGAIN;
	session->wen_ms = now_ms;
	return send_numbers(session, now_ms, MESSAGE_WEN, AVP_CALL_ERRORS, errors, 6);
}
