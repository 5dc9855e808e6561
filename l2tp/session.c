/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: the incoming call as LNS (RFC 2661 5.2.1, 5.6, 7.4.2).
 *
 * The machine is the table below, in the shape of tunnel.c: a cell without a
 * handler changes nothing, a handler that returns false has filled in->result
 * and the call ends with a CDN that says so.  session_set_state() is the only
 * place that changes a state; IDLE means that the session is gone.
 *
 * A request makes a session in IDLE that nobody can find yet; only the
 * transition to WAIT_CONNECT puts it into the tunnel's index.  One that stays
 * in IDLE was refused (or concerns a call we do not know) and is freed here,
 * having cost the standby nothing.
 */
#include "l2tp/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- life --------------------------------------------------------------- */

static void count(struct l2tp_session *session, uint32_t by)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	struct l2tp_counters *counters = &tunnel->l2tp->counters;
	bool established = session->state == L2TP_SESSION_ESTABLISHED;
	bool ha = tunnel->params.ha && !session->unprotected;

	if (session->state == L2TP_SESSION_IDLE)
		return;
	counters->sessions += by;
	counters->sessions_established += established ? by : 0;
	tunnel->session_established += established ? by : 0;
	counters->ha_sessions += ha ? by : 0;
	counters->ha_sessions_established += ha && established ? by : 0;
	counters->unprotected_sessions += tunnel->params.ha && session->unprotected ? by : 0;
}

struct l2tp_session *session_new(struct l2tp_tunnel *tunnel)
{
	struct l2tp_session *session = calloc(1, sizeof(*session));

	if (session)
		session->tunnel = tunnel;
	return session;
}

void session_start_setup(struct l2tp_session *session, uint64_t now_ms)
{
	struct l2tp_tunnel *tunnel = session->tunnel;

	session->setup_deadline_ms = now_ms + tunnel->params.setup_timeout_s * UINT64_C(1000);
	session->half_open = true;
	session->next = NULL;
	session->prev = tunnel->half_open_last;
	*(tunnel->half_open_last ? &tunnel->half_open_last->next : &tunnel->half_open_first) = session;
	tunnel->half_open_last = session;
}

void session_stop_setup(struct l2tp_session *session)
{
	struct l2tp_tunnel *tunnel = session->tunnel;

	if (!session->half_open)
		return;
	session->half_open = false;
	*(session->prev ? &session->prev->next : &tunnel->half_open_first) = session->next;
	*(session->next ? &session->next->prev : &tunnel->half_open_last) = session->prev;
}

void session_free(struct l2tp_session *session)
{
	session_stop_setup(session);
	failover_answered(session);
	count(session, (uint32_t)-1);
	if (session->state != L2TP_SESSION_IDLE)
		session_index_remove(session->tunnel, session);
	free(session->texts);
	free(session);
}

int session_set_texts(struct l2tp_session *session, const char *called, const char *calling, const char *sub_address)
{
	size_t a = strlen(called) + 1, b = strlen(calling) + 1, c = strlen(sub_address) + 1;
	char *texts = NULL;

	if (a + b + c > 3) {
		texts = malloc(a + b + c);
		if (!texts)
			return -ENOMEM;
		memcpy(texts, called, a);
		memcpy(texts + a, calling, b);
		memcpy(texts + a + b, sub_address, c);
	}
	free(session->texts);
	session->texts = texts;
	return 0;
}

void session_get_texts(const struct l2tp_session *session, const char *texts[3])
{
	const char *text = session->texts;
	int i;

	for (i = 0; i < 3; i++) {
		texts[i] = text ? text : "";
		if (text)
			text += strlen(text) + 1;
	}
}

/* ---- states ------------------------------------------------------------- */

static void announce(struct l2tp_session *session, enum l2tp_action_type type, const struct l2tp_result *result,
		     bool by_peer)
{
	engine_action(session->tunnel->l2tp, &(struct queued_action){
		.type = type,
		.tunnel_id = session->tunnel->local_id,
		.session_id = session->local_id,
		.by_peer = by_peer,
		.was_established = session->state == L2TP_SESSION_ESTABLISHED && type == L2TP_ACTION_SESSION_DOWN,
		.extra = engine_extra(session->tunnel, result),
	});
}

void session_place(struct l2tp_session *session, enum l2tp_session_state state)
{
	if (session->state == L2TP_SESSION_IDLE)
		session_index_insert(session->tunnel, session);
	count(session, (uint32_t)-1);
	session->state = (uint8_t)state;
	count(session, 1);
}

void session_set_state(struct l2tp_session *session, enum l2tp_session_state state, uint64_t now_ms,
		       const struct l2tp_result *result, bool by_peer)
{
	struct l2tp_tunnel *tunnel = session->tunnel;

	note_session(session);
	if (state == L2TP_SESSION_IDLE) {
		announce(session, L2TP_ACTION_SESSION_DOWN, result, by_peer);
		session_free(session);
		return;
	}
	session_place(session, state);
	session_stop_setup(session);

	switch (state) {
	case L2TP_SESSION_IDLE:
		break;
	case L2TP_SESSION_WAIT_REPLY:
	case L2TP_SESSION_WAIT_CONNECT:
		session_start_setup(session, now_ms);
		break;
	case L2TP_SESSION_ESTABLISHED:
		session->established_unix_ms = now_ms + (uint64_t)tunnel->l2tp->wall_offset_ms;
		announce(session, L2TP_ACTION_SESSION_UP, NULL, false);
		break;
	}
}

/* ---- the machine -------------------------------------------------------- */

enum session_event {
	SESSION_EVENT_ICRQ,
	SESSION_EVENT_ICRP,
	SESSION_EVENT_ICCN,
	SESSION_EVENT_OCRQ,
	SESSION_EVENT_OCRP,
	SESSION_EVENT_OCCN,
	SESSION_EVENT_CDN,
	SESSION_EVENT_WEN,
	SESSION_EVENT_SLI,
	SESSION_EVENT_CLOSE,	/* we want it closed with in->result */
	SESSION_EVENT_TIMEOUT,	/* half-open for too long */
	SESSION_EVENTS,
};

struct session_input {
	uint64_t now_ms;
	const struct message *message;	/* NULL: not caused by one */
	struct l2tp_result result;
	bool by_peer;
};

static void begin(struct l2tp_session *session, struct avp_builder *builder, enum message_type type)
{
	struct l2tp *l2tp = session->tunnel->l2tp;

	message_begin(builder, l2tp->build, sizeof(l2tp->build), type, session->tunnel->peer_id, session->peer_id);
	avp_put_u16(builder, AVP_ASSIGNED_SESSION_ID, session->local_id);
}

static bool answer_icrq(struct l2tp_session *session, struct session_input *in)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	const struct message *message = in->message;
	char called[L2TP_NAME_MAX], calling[L2TP_NAME_MAX], sub_address[L2TP_NAME_MAX];
	struct l2tp_session *taken = failover_collision(tunnel, session->peer_id);
	struct avp_builder builder;

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
	if (tunnel->params.session_limit && tunnel->session_count >= tunnel->params.session_limit) {
		message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "session limit %u of group %s reached",
			       tunnel->params.session_limit, tunnel->params.group);
		return false;
	}
	message_text(message, AVP_CALLED_NUMBER, called, sizeof(called));
	message_text(message, AVP_CALLING_NUMBER, calling, sizeof(calling));
	message_text(message, AVP_SUB_ADDRESS, sub_address, sizeof(sub_address));
	session->local_id = session_new_id(tunnel);
	if (!session->local_id || session_set_texts(session, called, calling, sub_address)) {
		message_result(&in->result, CDN_ERROR, ERROR_RESOURCES, "out of session IDs or memory");
		return false;
	}
	session->call_serial = message_u32(message, AVP_CALL_SERIAL_NUMBER);
	session->bearer_type = message_u32(message, AVP_BEARER_TYPE);
	session->physical_channel = message_u32(message, AVP_PHYSICAL_CHANNEL_ID);
	session->csu_enabled = message->csu_enabled;
	note_session(session);		/* before the message that belongs to it */
	begin(session, &builder, MESSAGE_ICRP);
	tunnel_send(tunnel, in->now_ms, &builder);
	return true;
}

static bool accept_iccn(struct l2tp_session *session, struct session_input *in)
{
	const struct message *message = in->message;

	session->tx_speed = message_u32(message, AVP_TX_CONNECT_SPEED);
	session->rx_speed = message_has(message, AVP_RX_CONNECT_SPEED) ?
			    message_u32(message, AVP_RX_CONNECT_SPEED) : session->tx_speed;
	session->framing_type = message_u32(message, AVP_FRAMING_TYPE);
	session->sequencing_required = message_has(message, AVP_SEQUENCING_REQUIRED);
	return true;
}

static bool refuse_outgoing(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	message_result(&in->result, CDN_NO_FACILITIES_EVER, 0, "no outgoing calls here");
	return false;
}

static bool unknown_call(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	message_result(&in->result, CDN_ERROR, ERROR_SESSION_ID, "%s for a call that is not here",
		       message_name(in->message->type));
	return false;
}

static bool improper(struct l2tp_session *session, struct session_input *in)
{
	message_result(&in->result, CDN_ERROR, ERROR_OTHER, "%s in state %s", message_name(in->message->type),
		       l2tp_session_state_name(session->state));
	return false;
}

static bool peer_closes(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	message_get_result(in->message, &in->result);
	in->by_peer = true;
	return true;
}

static bool refuse(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	(void)in;
	return false;
}

static bool timed_out(struct l2tp_session *session, struct session_input *in)
{
	message_result(&in->result, CDN_TIMEOUT, 0, "not established in %u s",
		       session->tunnel->params.setup_timeout_s);
	return false;
}

static bool nothing(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	(void)in;
	return true;
}

struct session_transition {
	bool (*handler)(struct l2tp_session *session, struct session_input *in);
	enum l2tp_session_state next;	/* when the handler returns true */
};

static const struct session_transition table[L2TP_SESSION_ESTABLISHED + 1][SESSION_EVENTS] = {
	[L2TP_SESSION_IDLE] = {
		[SESSION_EVENT_ICRQ]	= { answer_icrq,	L2TP_SESSION_WAIT_CONNECT },
		[SESSION_EVENT_ICRP]	= { unknown_call,	L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRQ]	= { refuse_outgoing,	L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { unknown_call,	L2TP_SESSION_IDLE },
	},
	[L2TP_SESSION_WAIT_CONNECT] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICCN]	= { accept_iccn,	L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_CDN]	= { peer_closes,	L2TP_SESSION_IDLE },
		[SESSION_EVENT_CLOSE]	= { refuse,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
	},
	[L2TP_SESSION_ESTABLISHED] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_CDN]	= { peer_closes,	L2TP_SESSION_IDLE },
		[SESSION_EVENT_WEN]	= { nothing,		L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_SLI]	= { nothing,		L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_CLOSE]	= { refuse,		L2TP_SESSION_IDLE },
	},
};

/* CDN with the result.  A session that never was (IDLE) is only reported; the caller frees it. */
static void disconnect(struct l2tp_session *session, struct session_input *in)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	struct avp_builder builder;

	if (!session->local_id)
		session->local_id = session_new_id(tunnel);	/* an AVP must name one, nobody uses it */
	begin(session, &builder, MESSAGE_CDN);
	if (session->state == L2TP_SESSION_IDLE)
		announce(session, L2TP_ACTION_CALL_REFUSED, &in->result, false);
	else
		session_set_state(session, L2TP_SESSION_IDLE, in->now_ms, &in->result, in->by_peer);
	if (!in->result.result)
		in->result.result = CDN_ADMINISTRATIVE;	/* 0 is reserved on the wire */
	message_put_result(&builder, &in->result);
	tunnel_send(tunnel, in->now_ms, &builder);
}

/* Whether the call lives (or may, if it was just asked for). */
static bool session_event(struct l2tp_session *session, enum session_event event, struct session_input *in)
{
	const struct session_transition *row = &table[session->state][event];
	bool fault = in->message && in->message->fault && event != SESSION_EVENT_CDN;

	if (!row->handler)
		return false;
	if (fault)
		message_result(&in->result, CDN_ERROR, in->message->fault, "%s", in->message->fault_text);
	if (fault || !row->handler(session, in)) {
		disconnect(session, in);
		return false;
	}
	if (row->next != session->state)
		session_set_state(session, row->next, in->now_ms, &in->result, in->by_peer);
	return row->next != L2TP_SESSION_IDLE;
}

static enum session_event event_of(uint16_t type)
{
	switch (type) {
	case MESSAGE_ICRQ: return SESSION_EVENT_ICRQ;
	case MESSAGE_ICRP: return SESSION_EVENT_ICRP;
	case MESSAGE_ICCN: return SESSION_EVENT_ICCN;
	case MESSAGE_OCRQ: return SESSION_EVENT_OCRQ;
	case MESSAGE_OCRP: return SESSION_EVENT_OCRP;
	case MESSAGE_OCCN: return SESSION_EVENT_OCCN;
	case MESSAGE_CDN: return SESSION_EVENT_CDN;
	case MESSAGE_WEN: return SESSION_EVENT_WEN;
	}
	return SESSION_EVENT_SLI;
}

/* A peer that gives a call up before it saw our ICRP names it by its own ID. */
static struct l2tp_session *half_open_by_peer_id(const struct l2tp_tunnel *tunnel, uint16_t peer_id)
{
	struct l2tp_session *session = tunnel->half_open_first;

	while (session && session->peer_id != peer_id)
		session = session->next;
	return session;
}

void session_receive(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t session_id, const struct message *message)
{
	struct session_input in = { .now_ms = now_ms, .message = message };
	enum session_event event = event_of(message->type);
	struct l2tp_session *session = session_id ? session_index_find(tunnel, session_id) : NULL;

	if (!session_id && event == SESSION_EVENT_CDN)
		session = half_open_by_peer_id(tunnel, message_u16(message, AVP_ASSIGNED_SESSION_ID));
	if (session) {
		session_event(session, event, &in);
		return;
	}
	session = session_new(tunnel);
	if (!session)
		return;
	session->peer_id = message_u16(message, AVP_ASSIGNED_SESSION_ID);
	if (!session_event(session, event, &in))
		session_free(session);
}

void session_timers(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct session_input in = { .now_ms = now_ms };

	while (tunnel->half_open_first && tunnel->half_open_first->setup_deadline_ms <= now_ms)
		session_event(tunnel->half_open_first, SESSION_EVENT_TIMEOUT, &in);
}

const char *l2tp_unprotected_name(enum l2tp_unprotected why)
{
	switch (why) {
	case L2TP_UNPROTECTED_NOT: return "protected";
	case L2TP_UNPROTECTED_DIALOUT: return "dial-out";
	case L2TP_UNPROTECTED_MULTILINK: return "multilink";
	case L2TP_UNPROTECTED_RELAY: return "PPPoE relay";
	}
	return "unknown";
}

void l2tp_session_unprotect(struct l2tp_session *session, enum l2tp_unprotected why)
{
	count(session, (uint32_t)-1);
	session->unprotected = (uint8_t)why;
	count(session, 1);
	note_session(session);
}

void l2tp_session_close(struct l2tp_session *session, uint64_t now_ms, const struct l2tp_result *result)
{
	struct session_input in = { .now_ms = now_ms, .result = *result };
	struct l2tp_tunnel *tunnel = session->tunnel;

	if (!tunnel->l2tp->active)
		return;
	session_event(session, SESSION_EVENT_CLOSE, &in);
	tunnel_schedule(tunnel);
}
