/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: the state machines of RFC 2661 7.4.1, 7.4.2, 7.5.1 and 7.5.2.
 *
 * There is one table for each side of each kind of call, in the shape of
 * tunnel.c: a cell without a handler changes nothing, a handler that returns
 * false has filled in->result and the call ends with a CDN that says so.  What
 * the RFC calls "clean up" without a CDN is a handler that returns true into
 * IDLE.  Beyond the RFC's tables a message of the other kind of call (an OCRP
 * for an incoming one) is as improper as one out of sequence.
 *
 * A message with a fault that is not to be overlooked ends the call it is for,
 * whatever the message: RFC 2661 4.1, 7.1.
 *
 * A message for a call that is not here runs through the IDLE row of a session
 * that nobody can find; if it stays in IDLE it is freed here, having cost the
 * standby nothing.
 */
#include "l2tp/call.h"

/* ---- handlers without a message of their own ------------------------------ */

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

/* Out of sequence too, but the RFC has no CDN for it. */
static bool improper_clean_up(struct l2tp_session *session, struct session_input *in)
{
	improper(session, in);
	return true;
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
	in->result.no_answer = session->state == L2TP_SESSION_WAIT_REPLY;
	return false;
}

static bool no_tunnel_in_time(struct l2tp_session *session, struct session_input *in)
{
	timed_out(session, in);
	return true;
}

static bool nothing(struct l2tp_session *session, struct session_input *in)
{
	(void)session;
	(void)in;
	return true;
}

/* ---- the tables --------------------------------------------------------- */

struct session_transition {
	bool (*handler)(struct l2tp_session *session, struct session_input *in);
	enum l2tp_session_state next;	/* when the handler returns true */
};

#define STATES (L2TP_SESSION_WAIT_CS_ANSWER + 1)

/* Every message of setup is out of sequence; what differs is set after it. */
#define ALL_IMPROPER \
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_ICCN]	= { improper,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE }
#define ENDS \
		[SESSION_EVENT_CDN]	= { peer_closes,	L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_CLOSE]	= { refuse,		L2TP_SESSION_IDLE }
#define WAIT_TUNNEL_ENDS \
		[SESSION_EVENT_CLOSE]	= { nothing,		L2TP_SESSION_IDLE }, \
		[SESSION_EVENT_TIMEOUT]	= { no_tunnel_in_time,	L2TP_SESSION_IDLE }

/* 7.4.2 */
static const struct session_transition in_lns[STATES][SESSION_EVENTS] = {
	[L2TP_SESSION_IDLE] = {
		[SESSION_EVENT_ICRQ]	= { call_take_icrq,	L2TP_SESSION_WAIT_CONNECT },
		[SESSION_EVENT_ICRP]	= { unknown_call,	L2TP_SESSION_IDLE },
	},
	[L2TP_SESSION_WAIT_CONNECT] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICCN]	= { call_take_connected, L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
		ENDS,
	},
	[L2TP_SESSION_ESTABLISHED] = {
		[SESSION_EVENT_WEN]	= { call_take_wen,	L2TP_SESSION_ESTABLISHED },
		ALL_IMPROPER, ENDS,
	},
};

/* 7.4.1 */
static const struct session_transition in_lac[STATES][SESSION_EVENTS] = {
	[L2TP_SESSION_IDLE] = {
		[SESSION_EVENT_OPEN]	= { nothing,		L2TP_SESSION_WAIT_TUNNEL },
	},
	[L2TP_SESSION_WAIT_TUNNEL] = {
		[SESSION_EVENT_TUNNEL]	= { call_send_icrq,	L2TP_SESSION_WAIT_REPLY },
		WAIT_TUNNEL_ENDS,
	},
	[L2TP_SESSION_WAIT_REPLY] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { call_take_icrp,	L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_ICCN]	= { improper_clean_up,	L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
		ENDS,
	},
	[L2TP_SESSION_ESTABLISHED] = {
		[SESSION_EVENT_SLI]	= { call_take_sli,	L2TP_SESSION_ESTABLISHED },
		ALL_IMPROPER, ENDS,
	},
};

/* 7.5.1 */
static const struct session_transition out_lac[STATES][SESSION_EVENTS] = {
	[L2TP_SESSION_IDLE] = {
		[SESSION_EVENT_OCRQ]	= { call_take_ocrq,	L2TP_SESSION_WAIT_CS_ANSWER },
		[SESSION_EVENT_OCRP]	= { unknown_call,	L2TP_SESSION_IDLE },
	},
	[L2TP_SESSION_WAIT_CS_ANSWER] = {
		[SESSION_EVENT_ANSWER]	= { call_send_occn,	L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
		ALL_IMPROPER, ENDS,
	},
	[L2TP_SESSION_ESTABLISHED] = {
		[SESSION_EVENT_SLI]	= { call_take_sli,	L2TP_SESSION_ESTABLISHED },
		ALL_IMPROPER, ENDS,
	},
};

/* 7.5.2 */
static const struct session_transition out_lns[STATES][SESSION_EVENTS] = {
	[L2TP_SESSION_IDLE] = {
		[SESSION_EVENT_OPEN]	= { nothing,		L2TP_SESSION_WAIT_TUNNEL },
	},
	[L2TP_SESSION_WAIT_TUNNEL] = {
		[SESSION_EVENT_TUNNEL]	= { call_send_ocrq,	L2TP_SESSION_WAIT_REPLY },
		WAIT_TUNNEL_ENDS,
	},
	[L2TP_SESSION_WAIT_REPLY] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { call_take_ocrp,	L2TP_SESSION_WAIT_CONNECT },
		[SESSION_EVENT_OCCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
		ENDS,
	},
	[L2TP_SESSION_WAIT_CONNECT] = {
		[SESSION_EVENT_ICRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_ICCN]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRQ]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCRP]	= { improper,		L2TP_SESSION_IDLE },
		[SESSION_EVENT_OCCN]	= { call_take_connected, L2TP_SESSION_ESTABLISHED },
		[SESSION_EVENT_TIMEOUT]	= { timed_out,		L2TP_SESSION_IDLE },
		ENDS,
	},
	[L2TP_SESSION_ESTABLISHED] = {
		[SESSION_EVENT_WEN]	= { call_take_wen,	L2TP_SESSION_ESTABLISHED },
		ALL_IMPROPER, ENDS,
	},
};

static const struct session_transition *row_of(const struct l2tp_session *session, enum session_event event)
{
	switch ((enum l2tp_call)session->call) {
	case L2TP_CALL_IN_LNS: return &in_lns[session->state][event];
	case L2TP_CALL_IN_LAC: return &in_lac[session->state][event];
	case L2TP_CALL_OUT_LAC: return &out_lac[session->state][event];
	case L2TP_CALL_OUT_LNS: return &out_lns[session->state][event];
	}
	return NULL;
}

/* ---- events ------------------------------------------------------------- */

/* CDN with the result.  A session that never was (IDLE) is only reported; the caller frees it. */
static void disconnect(struct l2tp_session *session, struct session_input *in)
{
	struct l2tp_tunnel *tunnel = session->tunnel;
	struct avp_builder builder;

	if (session->state == L2TP_SESSION_WAIT_TUNNEL) {	/* the peer never heard of it */
		session_set_state(session, L2TP_SESSION_IDLE, in->now_ms, &in->result, in->by_peer);
		return;
	}
	if (!session->local_id)
		session->local_id = session_new_id(tunnel);	/* an AVP must name one, nobody uses it */
	call_begin(session, &builder, MESSAGE_CDN);
	if (session->state == L2TP_SESSION_IDLE)
		session_announce(session, L2TP_ACTION_CALL_REFUSED, &in->result, false);
	else
		session_set_state(session, L2TP_SESSION_IDLE, in->now_ms, &in->result, in->by_peer);
	if (!in->result.result)
		in->result.result = CDN_ADMINISTRATIVE;	/* 0 is reserved on the wire */
	message_put_result(&builder, &in->result);
	message_put_causes(&builder, &in->result);
	tunnel_send(tunnel, in->now_ms, &builder);
}

bool session_event(struct l2tp_session *session, enum session_event event, struct session_input *in)
{
	const struct session_transition *row = row_of(session, event);
	bool fault = in->message && in->message->fault && event != SESSION_EVENT_CDN;

	if (!row || (!row->handler && (!fault || session->state == L2TP_SESSION_IDLE)))
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

/* A peer that gives a call up before it saw our reply names it by its own ID. */
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
	uint16_t peer_id = message_u16(message, AVP_ASSIGNED_SESSION_ID);
	enum session_event event = event_of(message->type);
	struct l2tp_session *session = session_id ? session_index_find(tunnel, session_id) : NULL;

	if (!session_id && peer_id && event == SESSION_EVENT_CDN)
		session = half_open_by_peer_id(tunnel, peer_id);
	if (session) {
		session_event(session, event, &in);
		return;
	}
	session = session_new(tunnel);
	if (!session)
		return;
	session->peer_id = peer_id;
	session->call = event == SESSION_EVENT_OCRQ || event == SESSION_EVENT_OCRP ? L2TP_CALL_OUT_LAC :
										    L2TP_CALL_IN_LNS;
	if (!session_event(session, event, &in))
		session_free(session);
}

void session_tunnel_open(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct session_input in = { .now_ms = now_ms };
	struct l2tp_session *session;
	uint16_t id = 0;

	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		session_event(session, SESSION_EVENT_TUNNEL, &in);
		in.result = (struct l2tp_result){ 0 };
	}
}

void session_timers(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct session_input in = { .now_ms = now_ms };

	while (tunnel->half_open_first && tunnel->half_open_first->setup_deadline_ms <= now_ms)
		session_event(tunnel->half_open_first, SESSION_EVENT_TIMEOUT, &in);
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
