/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: their life, counts and states; what the messages do is in call.c.
 *
 * session_set_state() is the only place that changes a state; IDLE means that
 * the session is gone.  A session in IDLE that nobody can find yet is one that
 * was just asked for; the first other state puts it into the tunnel's index.
 *
 * What a standby hears of: a session whose both IDs are known, from WAIT_CONNECT
 * on.  A call of ours that the peer has not accepted, and one that we are still
 * dialling, end with the box; each of their messages that may still arrive has
 * an answer in the IDLE rows of call.c, or the peer's own timer.
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
	if (tunnel->usage)
		tunnel->usage->sessions += by;
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

bool session_ours(const struct l2tp_session *session)
{
	return session->call == L2TP_CALL_IN_LAC || session->call == L2TP_CALL_OUT_LNS;
}

bool session_is_lac(const struct l2tp_session *session)
{
	return session->call == L2TP_CALL_IN_LAC || session->call == L2TP_CALL_OUT_LAC;
}

void session_start_setup(struct l2tp_session *session, uint64_t now_ms)
{
	struct l2tp_tunnel *tunnel = session->tunnel;

	if (!session_ours(session)) {	/* the limits are for what others ask of us */
		tunnel->l2tp->calls_setup++;
		++*registry_calls_setup(tunnel->l2tp, &tunnel->peer);
	}

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
	if (!session_ours(session)) {
		tunnel->l2tp->calls_setup--;
		--*registry_calls_setup(tunnel->l2tp, &tunnel->peer);
	}
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
	session_set_attrs(session, NULL, 0);
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

void session_announce(struct l2tp_session *session, enum l2tp_action_type type, const struct l2tp_result *result,
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

void session_tell(struct l2tp_session *session, enum l2tp_action_type type, const uint32_t *numbers, size_t count)
{
	struct queued_action action = { .type = type, .tunnel_id = session->tunnel->local_id,
					.session_id = session->local_id };

	action.extra = engine_extra(session->tunnel, NULL);
	memcpy(action.extra->numbers, numbers, count * sizeof(*numbers));
	engine_action(session->tunnel->l2tp, &action);
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

	if (l2tp_session_recorded(session))
		note_session(session);
	if (state == L2TP_SESSION_IDLE) {
		tunnel->empty_ms = now_ms;	/* if it was the last one */
		session_announce(session, L2TP_ACTION_SESSION_DOWN, result, by_peer);
		session_free(session);
		return;
	}
	session_place(session, state);
	session_stop_setup(session);
	if (l2tp_session_recorded(session))
		note_session(session);

	switch (state) {
	case L2TP_SESSION_IDLE:
		break;
	case L2TP_SESSION_WAIT_TUNNEL:
	case L2TP_SESSION_WAIT_REPLY:
	case L2TP_SESSION_WAIT_CONNECT:
		session_start_setup(session, now_ms);
		break;
	case L2TP_SESSION_WAIT_CS_ANSWER:
		session_start_setup(session, now_ms);
		session_announce(session, L2TP_ACTION_CALL_REQUEST, NULL, false);
		break;
	case L2TP_SESSION_ESTABLISHED:
		session->established_unix_ms = now_ms + (uint64_t)tunnel->l2tp->wall_offset_ms;
		session_announce(session, L2TP_ACTION_SESSION_UP, NULL, false);
		break;
	}
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
