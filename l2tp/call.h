/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machines of calls: the tables are in call.c, what the messages do in call_messages.c. */
#ifndef L2TPHA_L2TP_CALL_H
#define L2TPHA_L2TP_CALL_H

#include "l2tp/engine.h"

enum session_event {
	SESSION_EVENT_OPEN,	/* we want it */
	SESSION_EVENT_TUNNEL,	/* its tunnel is open */
	SESSION_EVENT_ICRQ,
	SESSION_EVENT_ICRP,
	SESSION_EVENT_ICCN,
	SESSION_EVENT_OCRQ,
	SESSION_EVENT_OCRP,
	SESSION_EVENT_OCCN,
	SESSION_EVENT_ANSWER,	/* who we dialled for the peer has answered */
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

/* Whether the call lives (or may, if it was just asked for). */
bool session_event(struct l2tp_session *session, enum session_event event, struct session_input *in);

/* Starts a message about the call, its Assigned Session ID in it where it belongs. */
void call_begin(struct l2tp_session *session, struct avp_builder *builder, enum message_type type);

/* Handlers; false: in->result says why the call ends. */
bool call_send_icrq(struct l2tp_session *session, struct session_input *in);
bool call_take_icrq(struct l2tp_session *session, struct session_input *in);
bool call_take_icrp(struct l2tp_session *session, struct session_input *in);
bool call_send_ocrq(struct l2tp_session *session, struct session_input *in);
bool call_take_ocrq(struct l2tp_session *session, struct session_input *in);
bool call_take_ocrp(struct l2tp_session *session, struct session_input *in);
bool call_send_occn(struct l2tp_session *session, struct session_input *in);
bool call_take_connected(struct l2tp_session *session, struct session_input *in);	/* ICCN, OCCN */
bool call_take_wen(struct l2tp_session *session, struct session_input *in);
bool call_take_sli(struct l2tp_session *session, struct session_input *in);

/* May the peer be asked for such a call?  0 or -EOPNOTSUPP. */
int call_supported(const struct l2tp_session *session);

#endif
