/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sessions do both ends still have?  FSQ and FSR of RFC 4951 3.3.
 *
 * A query names pairs (session of the sender, session of the receiver), the
 * response repeats each with 0 for a session that does not exist as such.  A
 * session that the peer does not know is cleared without a CDN; one that the
 * peer believes paired otherwise is never cleared on that word, but marked
 * stale and asked about (appendix C).  While queries are out, a call request
 * that reuses the ID of an established session ends that session.
 *
 * Called by failover.c after a reset, by tunnel.c for the messages and by
 * session.c; owns the `queried` and `stale` marks.  A tunnel that did not agree
 * on failover never gets here: RFC 2661 peers acknowledge and ignore an FSQ.
 */
#include "l2tp/batch.h"
#include "l2tp/engine.h"

#include <string.h>

#define FSS_PER_MESSAGE 80	/* 1300 octets: batch.h */

static void batch_put(struct batch *batch, uint16_t id, uint16_t remote_id)
{
	uint8_t value[MESSAGE_FSS_LEN] = { 0 };

	avp_set_u16(value + 4, id);
	avp_set_u16(value + 8, remote_id);
	batch_add(batch, AVP_FAILOVER_SESSION_STATE, value, sizeof(value), FSS_PER_MESSAGE);
}

/* ---- asking ------------------------------------------------------------- */

static void query(struct batch *batch, struct l2tp_session *session)
{
	if (session->state != L2TP_SESSION_ESTABLISHED)
		return;
	if (!session->queried)
		session->tunnel->queries++;
	session->queried = true;
	session->stale = false;
	batch_put(batch, session->local_id, session->peer_id);
}

void failover_query_all(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct batch batch = { .tunnel = tunnel, .now_ms = now_ms, .type = MESSAGE_FSQ };
	struct l2tp_session *session;
	uint16_t id = 0;

	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		query(&batch, session);
	}
	batch_send(&batch);
}

static void query_stale(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct batch batch = { .tunnel = tunnel, .now_ms = now_ms, .type = MESSAGE_FSQ };
	struct l2tp_session *session;
	uint16_t id = 0;

	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		if (session->stale)
			query(&batch, session);
	}
	batch_send(&batch);
}

void failover_answered(struct l2tp_session *session)
{
	if (session->queried)
		session->tunnel->queries--;
	session->queried = false;
}

static void clear(struct l2tp_session *session, uint64_t now_ms)
{
	struct l2tp_result result;

	message_result(&result, 0, 0, "the peer does not have this session any more");
	session_set_state(session, L2TP_SESSION_IDLE, now_ms, &result, true);
}

/* ---- answering ---------------------------------------------------------- */

static void answer(struct batch *batch, uint16_t their_id, uint16_t our_id)
{
	struct l2tp_session *session = session_index_find(batch->tunnel, our_id);

	if (session && session->peer_id == their_id && session->state == L2TP_SESSION_ESTABLISHED) {
		batch_put(batch, our_id, their_id);
		return;
	}
	if (session && session->peer_id != their_id)
		session->stale = true;
	batch_put(batch, 0, their_id);
}

static void take_answer(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t their_id, uint16_t our_id)
{
	struct l2tp_session *session = session_index_find(tunnel, our_id);

	/* Not asked, or asked about a session that went and whose ID is used anew. */
	if (!session || !session->queried)
		return;
	failover_answered(session);
	if (!their_id)
		clear(session, now_ms);
}

void failover_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message *message)
{
	struct batch batch = { .tunnel = tunnel, .now_ms = now_ms, .type = MESSAGE_FSR };
	const uint8_t *value = message->items;
	size_t i;

	if (!failover_agreed(tunnel) || tunnel->recovery.old_id)
		return;
	for (i = 0; i < message->item_count; i++, value += MESSAGE_FSS_LEN) {
		if (message->type == MESSAGE_FSQ)
			answer(&batch, avp_get_u16(value + 4), avp_get_u16(value + 8));
		else
			take_answer(tunnel, now_ms, avp_get_u16(value + 4), avp_get_u16(value + 8));
	}
	batch_send(&batch);
	if (message->type == MESSAGE_FSQ)
		query_stale(tunnel, now_ms);
}

struct l2tp_session *failover_collision(const struct l2tp_tunnel *tunnel, uint16_t peer_id)
{
	struct l2tp_session *session;
	uint16_t id = 0;

	if (!tunnel->queries)
		return NULL;
	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		if (session->state == L2TP_SESSION_ESTABLISHED && session->peer_id == peer_id)
			return session;
	}
	return NULL;
}
