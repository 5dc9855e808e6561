/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The speed of a line changes while its call is up: CSUN and CSURQ of RFC 5515.
 *
 * Both name calls by the ID of who receives them, many in one message.  Only
 * calls whose ICRQ had Connect Speed Update Enable are spoken of; a CSURQ about
 * others, or about calls that are not here, gets no answer for them.
 *
 * Called by tunnel.c for the messages and by failover.c after a recovery: an
 * update may have been acknowledged by the box that failed.
 */
#include "l2tp/batch.h"
#include "l2tp/engine.h"

#include <errno.h>

#define PER_MESSAGE 70		/* 1300 octets: batch.h */

static void put_u32(uint8_t *value, uint32_t number)
{
	avp_set_u16(value, (uint16_t)(number >> 16));
	avp_set_u16(value + 2, (uint16_t)number);
}

static void batch_put(struct batch *batch, const struct l2tp_session *session, uint32_t tx_speed, uint32_t rx_speed)
{
	uint8_t value[MESSAGE_CSU_LEN] = { 0 };

	avp_set_u16(value + 2, session->peer_id);
	put_u32(value + 4, tx_speed);
	put_u32(value + 8, rx_speed);
	batch_add(batch, AVP_CONNECT_SPEED_UPDATE, value, sizeof(value), PER_MESSAGE);
}

static bool spoken_of(const struct l2tp_session *session, bool as_lac)
{
	return session && session->csu_enabled && session->state == L2TP_SESSION_ESTABLISHED &&
	       session_is_lac(session) == as_lac;
}

static void take_speed(struct l2tp_session *session, const uint8_t *value)
{
	const uint32_t speeds[2] = { avp_get_u32(value + 4), avp_get_u32(value + 8) };

	if (speeds[0] == session->tx_speed && speeds[1] == session->rx_speed)
		return;
	session->tx_speed = speeds[0];
	session->rx_speed = speeds[1];
	note_session(session);
	session_tell(session, L2TP_ACTION_SPEED, speeds, 2);
}

void speed_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message *message)
{
	struct batch batch = { .tunnel = tunnel, .now_ms = now_ms, .type = MESSAGE_CSUN };
	bool asked = message->type == MESSAGE_CSURQ;
	const uint8_t *value = message->items;
	struct l2tp_session *session;
	size_t i;

	for (i = 0; i < message->item_count; i++, value += MESSAGE_CSU_LEN) {
		session = session_index_find(tunnel, avp_get_u16(value + 2));
		if (!spoken_of(session, asked))
			continue;
		if (asked)
			batch_put(&batch, session, session->tx_speed, session->rx_speed);
		else
			take_speed(session, value);
	}
	batch_send(&batch);
}

int l2tp_session_send_speed(struct l2tp_session *session, uint64_t now_ms, uint32_t tx_speed, uint32_t rx_speed)
{
	struct batch batch = { .tunnel = session->tunnel, .now_ms = now_ms, .type = MESSAGE_CSUN };

	if (!session->tunnel->l2tp->active || !spoken_of(session, true))
		return -EINVAL;
	session->tx_speed = tx_speed;
	session->rx_speed = rx_speed;
	note_session(session);
	batch_put(&batch, session, tx_speed, rx_speed);
	batch_send(&batch);
	tunnel_schedule(session->tunnel);
	return 0;
}

void l2tp_tunnel_query_speeds(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct batch batch = { .tunnel = tunnel, .now_ms = now_ms, .type = MESSAGE_CSURQ };
	struct l2tp_session *session;
	uint16_t id = 0;

	if (!tunnel->l2tp->active || tunnel->state != L2TP_TUNNEL_ESTABLISHED)
		return;
	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		if (spoken_of(session, false))
			batch_put(&batch, session, 0, 0);
	}
	batch_send(&batch);
	tunnel_schedule(tunnel);
}
