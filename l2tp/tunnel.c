/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels: the control connection state machine (RFC 2661 5.1, 5.5, 5.7, 7.2),
 * what a packet does to the channel, and the timers of a tunnel.
 *
 * The machine is the table below.  A cell without a handler means that the
 * event changes nothing in that state.  A handler that returns false has
 * filled in->result: the tunnel is then closed with StopCCN and that result.
 * tunnel_set_state() is the only place that changes a state; leaving a live
 * state there takes the sessions down, tells the data plane and the standby,
 * in this order, before anything else can be queued.
 *
 * CLOSING keeps only numbers: it acknowledges what the peer repeats and goes
 * on sending our StopCCN for one full cycle.  For everybody else it is gone.
 *
 * What the messages of setup do, in both roles, is in tunnel_open.c.
 *
 * Resynchronisation after a takeover is a property of ESTABLISHED, not a state
 * (resync.c): new calls are refused until the peer's numbers are known.
 *
 * A recovery tunnel (RFC 4951, failover.c) runs through the same machine, but
 * nobody outside l2tp/ hears of it: it has no sessions, data plane or records.
 */
#include "l2tp/tunnel.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_SETUP_S 10
#define DEFAULT_RETRIES 10
#define DEFAULT_RTO_MIN_S 1
#define DEFAULT_RTO_MAX_S 8

/* ---- life --------------------------------------------------------------- */

static void count(struct l2tp_tunnel *tunnel, uint32_t by)
{
	struct l2tp_counters *counters = &tunnel->l2tp->counters;
	bool established = tunnel->state == L2TP_TUNNEL_ESTABLISHED;

	if (tunnel->state == L2TP_TUNNEL_IDLE || tunnel->state == L2TP_TUNNEL_CLOSING || tunnel->recovery.old_id)
		return;
	counters->tunnels += by;
	usage_tunnel(tunnel, by);
	counters->tunnels_established += established ? by : 0;
	counters->ha_tunnels += tunnel->params.ha ? by : 0;
	counters->ha_tunnels_established += tunnel->params.ha && established ? by : 0;
}

void tunnel_apply(struct l2tp_tunnel *tunnel, const struct l2tp_tunnel_state_rec *state)
{
	count(tunnel, (uint32_t)-1);
	tunnel->state = state->state;
	tunnel->initiator = state->initiator;
	tunnel->params = state->params;
	usage_attach(tunnel);
	memcpy(tunnel->peer_name, state->peer_name, sizeof(tunnel->peer_name));
	memcpy(tunnel->peer_vendor, state->peer_vendor, sizeof(tunnel->peer_vendor));
	tunnel->peer_firmware = state->peer_firmware;
	tunnel->peer_window = state->peer_window;
	tunnel->peer_framing = state->peer_framing;
	tunnel->peer_bearer = state->peer_bearer;
	tunnel->established_unix_ms = state->established_unix_ms;
	tunnel->failover_sent = state->failover_sent;
	tunnel->failover_received = state->failover_received;
	tunnel->peer_recovery_ms = state->peer_recovery_ms;
	tunnel->draining = state->draining;
	tunnel->challenged = state->challenged;
	memcpy(tunnel->challenge, state->challenge, sizeof(tunnel->challenge));
	if (!tunnel->params.receive_window)
		tunnel->params.receive_window = CHANNEL_DEFAULT_WINDOW;
	if (!tunnel->params.setup_timeout_s)
		tunnel->params.setup_timeout_s = DEFAULT_SETUP_S;
	if (!tunnel->params.retransmit_retries)
		tunnel->params.retransmit_retries = DEFAULT_RETRIES;
	if (!tunnel->params.retransmit_min_s)
		tunnel->params.retransmit_min_s = DEFAULT_RTO_MIN_S;
	if (tunnel->params.retransmit_max_s < tunnel->params.retransmit_min_s)
		tunnel->params.retransmit_max_s = DEFAULT_RTO_MAX_S;
	count(tunnel, 1);
}

struct l2tp_tunnel *tunnel_new(struct l2tp *l2tp, uint64_t now_ms, const struct l2tp_tunnel_state_rec *state)
{
	struct l2tp_tunnel *tunnel = calloc(1, sizeof(*tunnel));
	const struct l2tp_tunnel_params *params;

	if (!tunnel)
		return NULL;
	tunnel->l2tp = l2tp;
	tunnel->local_id = state->local_id;
	tunnel->peer_id = state->peer_id;
	tunnel->local = state->local;
	tunnel->peer = state->peer;
	tunnel->since_ms = tunnel->last_rx_ms = now_ms;
	tunnel->setup_deadline_ms = tunnel->linger_deadline_ms = tunnel->patience_ms = CHANNEL_NEVER;
	tunnel_apply(tunnel, state);
	l2tp->ops.random(l2tp->ops.ctx, &tunnel->session_id_key, sizeof(tunnel->session_id_key));
	params = &tunnel->params;
	channel_init(&tunnel->channel, &(struct channel_params){
		.peer_window = tunnel->peer_window,
		.window = params->receive_window,
		.retries = params->retransmit_retries,
		.rto_min_ms = params->retransmit_min_s * 1000u,
		.rto_max_ms = params->retransmit_max_s * 1000u,
	});
	if (registry_add(l2tp, tunnel)) {
		count(tunnel, (uint32_t)-1);
		free(tunnel);
		return NULL;
	}
	return tunnel;
}

static void requests_link(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;

	tunnel->request_prev = NULL;
	tunnel->request_next = l2tp->requests;
	if (l2tp->requests)
		l2tp->requests->request_prev = tunnel;
	l2tp->requests = tunnel;
}

static void requests_unlink(struct l2tp_tunnel *tunnel)
{
	*(tunnel->request_prev ? &tunnel->request_prev->request_next : &tunnel->l2tp->requests) = tunnel->request_next;
	if (tunnel->request_next)
		tunnel->request_next->request_prev = tunnel->request_prev;
}

void tunnel_start_setup(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	tunnel->setup_deadline_ms = now_ms + tunnel->params.setup_timeout_s * 1000u;
	if (tunnel->initiator) {	/* the limits are for what others ask of us */
		requests_link(tunnel);
		return;
	}
	place_take(tunnel, now_ms);
}

void tunnel_stop_setup(struct l2tp_tunnel *tunnel)
{
	if (tunnel->setup_deadline_ms == CHANNEL_NEVER)
		return;
	tunnel->setup_deadline_ms = CHANNEL_NEVER;
	if (tunnel->initiator) {
		requests_unlink(tunnel);
		return;
	}
	place_leave(tunnel);
}

static void closing_link(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;

	tunnel->closing_prev = l2tp->closing_last;
	*(l2tp->closing_last ? &l2tp->closing_last->closing_next : &l2tp->closing_first) = tunnel;
	l2tp->closing_last = tunnel;
}

static void closing_unlink(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;

	*(tunnel->closing_prev ? &tunnel->closing_prev->closing_next : &l2tp->closing_first) = tunnel->closing_next;
	*(tunnel->closing_next ? &tunnel->closing_next->closing_prev : &l2tp->closing_last) = tunnel->closing_prev;
}

void tunnel_free(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct l2tp_session *session;
	uint16_t id = 0;

	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		session_free(session);
	}
	tunnel_stop_setup(tunnel);
	count(tunnel, (uint32_t)-1);
	if (resync_running(tunnel))
		l2tp->counters.resync--;
	if (tunnel->state == L2TP_TUNNEL_CLOSING)
		closing_unlink(tunnel);
	timer_stop(&l2tp->timers, &tunnel->timer);
	registry_remove(l2tp, tunnel);
	channel_free(&tunnel->channel);
	explicit_bzero(tunnel->params.secret, sizeof(tunnel->params.secret));
	free(tunnel);
}

/* ---- sending ------------------------------------------------------------ */

void tunnel_transmit(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	const struct channel_message *message;

	while ((message = channel_transmit(&tunnel->channel, now_ms)))
		engine_action(tunnel->l2tp, &(struct queued_action){
			.type = L2TP_ACTION_SEND, .tunnel_id = tunnel->local_id, .ns = message->ns });
}

void tunnel_send(struct l2tp_tunnel *tunnel, uint64_t now_ms, struct avp_builder *builder)
{
	size_t len = message_end(builder);
	uint16_t ns;

	resync_before_send(tunnel, now_ms);
	if (!len || channel_queue(&tunnel->channel, builder->buf, len, &ns)) {
		tunnel->overflow = true;	/* the next timer run gives the peer up */
		return;
	}
	note_message(tunnel, L2TP_DIRTY_MESSAGE, ns);
	note_channel(tunnel);
	tunnel_transmit(tunnel, now_ms);
}

void tunnel_begin(struct l2tp_tunnel *tunnel, struct avp_builder *builder, enum message_type type, uint16_t session_id)
{
	struct l2tp *l2tp = tunnel->l2tp;
	uint8_t vector[AVP_AUTH_LEN];

	message_begin(builder, l2tp->build, sizeof(l2tp->build), type, tunnel->peer_id, session_id);
	/* A StopCCN must be understood by a peer that has another secret, too. */
	if (!tunnel->params.hide || !tunnel->params.secret[0] || type == MESSAGE_STOPCCN ||
	    (tunnel->state != L2TP_TUNNEL_ESTABLISHED && !tunnel->params.hide_setup))
		return;
	l2tp->ops.random(l2tp->ops.ctx, vector, sizeof(vector));
	avp_builder_hide(builder, tunnel->params.secret, vector);
}

void tunnel_hello(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct avp_builder builder;
	uint8_t buf[32];	/* not l2tp->build: another message may be in there */

	message_begin(&builder, buf, sizeof(buf), MESSAGE_HELLO, tunnel->peer_id, 0);
	tunnel_send(tunnel, now_ms, &builder);
}

/* ---- states ------------------------------------------------------------- */

/* Everything that hangs on a live tunnel goes: sessions, data plane, records. */
static void take_down(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_result *result, bool by_peer)
{
	bool was_established = tunnel->state == L2TP_TUNNEL_ESTABLISHED;
	struct l2tp_session *session;
	uint16_t ns, id = 0;

	resync_event(tunnel, RESYNC_EVENT_LOST, now_ms);
	failover_old_gone(tunnel, now_ms);
	if (tunnel->recovery.old_id) {
		failover_ended(tunnel, now_ms);
		return;
	}
	while ((session = session_index_after(tunnel, id))) {
		id = session->local_id;
		session_set_state(session, L2TP_SESSION_IDLE, now_ms, result, by_peer);
	}
	for (ns = tunnel->channel.una; ns != tunnel->channel.vs; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE_ACKED, ns);
	note_tunnel(tunnel);
	engine_action(tunnel->l2tp, &(struct queued_action){
		.type = L2TP_ACTION_TUNNEL_DOWN, .tunnel_id = tunnel->local_id, .by_peer = by_peer,
		.was_established = was_established, .extra = engine_extra(tunnel, result) });
}

/* A tunnel of ours is nobody's business before it is established; from then on all of it is. */
static void note_queue(struct l2tp_tunnel *tunnel)
{
	uint16_t ns;

	for (ns = tunnel->channel.una; ns != tunnel->channel.vs; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE, ns);
	note_channel(tunnel);
}

/* The peer can only hold one tunnel under its ID: what it had before is gone there. */
static void supersede_older(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_result result;
	struct l2tp_tunnel *older;

	while ((older = registry_older(tunnel))) {
		message_result(&result, 0, 0, "the peer reused its tunnel ID %u", tunnel->peer_id);
		tunnel_set_state(older, L2TP_TUNNEL_IDLE, now_ms, &result, true);
	}
}

void tunnel_set_state(struct l2tp_tunnel *tunnel, enum l2tp_tunnel_state state, uint64_t now_ms,
		      const struct l2tp_result *result, bool by_peer)
{
	bool leaves = state == L2TP_TUNNEL_IDLE || state == L2TP_TUNNEL_CLOSING;

	if (state == L2TP_TUNNEL_ESTABLISHED || tunnel->state == L2TP_TUNNEL_ESTABLISHED)
		place_remember(tunnel->l2tp, now_ms, &tunnel->peer);
	if (leaves && tunnel->state != L2TP_TUNNEL_CLOSING)
		take_down(tunnel, now_ms, result, by_peer);
	if (state == L2TP_TUNNEL_IDLE) {
		tunnel_free(tunnel);
		return;
	}
	count(tunnel, (uint32_t)-1);
	tunnel->state = state;
	tunnel->since_ms = now_ms;
	count(tunnel, 1);
	tunnel_stop_setup(tunnel);

	switch (state) {
	case L2TP_TUNNEL_IDLE:
		break;
	case L2TP_TUNNEL_WAIT_CTL_REPLY:
	case L2TP_TUNNEL_WAIT_CTL_CONN:
		tunnel_start_setup(tunnel, now_ms);
		note_tunnel(tunnel);
		break;
	case L2TP_TUNNEL_ESTABLISHED:
		tunnel->challenged = false;
		explicit_bzero(tunnel->challenge, sizeof(tunnel->challenge));
		if (tunnel->recovery.old_id) {
			failover_established(tunnel, now_ms);
			break;
		}
		tunnel->established_unix_ms = now_ms + (uint64_t)tunnel->l2tp->wall_offset_ms;
		supersede_older(tunnel, now_ms);
		note_tunnel(tunnel);
		if (tunnel->initiator)
			note_queue(tunnel);
		engine_action(tunnel->l2tp, &(struct queued_action){
			.type = L2TP_ACTION_TUNNEL_UP, .tunnel_id = tunnel->local_id,
			.extra = engine_extra(tunnel, NULL) });
		if (tunnel->session_count)
			session_tunnel_open(tunnel, now_ms);
		break;
	case L2TP_TUNNEL_CLOSING:
		tunnel->linger_deadline_ms = now_ms + L2TP_LINGER_MS;
		closing_link(tunnel);
		break;
	}
}

/* ---- the machine -------------------------------------------------------- */

static bool peer_closes(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	uint16_t ns;

	message_get_result(in->message, &in->result);
	in->by_peer = true;
	if (!tunnel->peer_id)		/* so that the acknowledgement finds its way */
		registry_set_peer_id(tunnel->l2tp, tunnel, message_u16(in->message, AVP_ASSIGNED_TUNNEL_ID));
	/* It listens to acknowledgements only now. */
	for (ns = tunnel->channel.una; ns != tunnel->channel.vs; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE_ACKED, ns);
	channel_drop_all(&tunnel->channel);
	return true;
}

static bool improper(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	message_result(&in->result, STOPCCN_FSM, 0, "%s in state %s", message_name(in->message->type),
		       l2tp_tunnel_state_name(tunnel->state));
	return false;
}

static bool refuse(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	(void)tunnel;
	(void)in;
	return false;
}

static bool timed_out(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	message_result(&in->result, STOPCCN_GENERAL, 0, "not established in %u s", tunnel->params.setup_timeout_s);
	/* An acknowledgement is no answer: the machine behind it may hang, and another one take the call. */
	in->result.no_answer = tunnel->state == L2TP_TUNNEL_WAIT_CTL_REPLY;
	return false;
}

static bool give_up(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	message_result(&in->result, 0, 0, "no answer after %u retransmissions", tunnel->channel.tries);
	in->result.no_answer = true;
	return true;
}

/* A recovery tunnel whose purpose is fulfilled. */
static bool spent(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	(void)tunnel;
	message_result(&in->result, STOPCCN_GENERAL, 0, "recovery is complete");
	return false;
}

static bool nothing(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	(void)tunnel;
	(void)in;
	return true;
}

struct tunnel_transition {
	bool (*handler)(struct l2tp_tunnel *tunnel, struct tunnel_input *in);
	enum l2tp_tunnel_state next;	/* when the handler returns true */
};

static const struct tunnel_transition table[L2TP_TUNNEL_CLOSING + 1][TUNNEL_EVENTS] = {
	[L2TP_TUNNEL_IDLE] = {
		[TUNNEL_EVENT_OPEN]	= { tunnel_send_sccrq,	L2TP_TUNNEL_WAIT_CTL_REPLY },
		[TUNNEL_EVENT_SCCRQ]	= { tunnel_take_sccrq,	L2TP_TUNNEL_WAIT_CTL_CONN },
	},
	[L2TP_TUNNEL_WAIT_CTL_REPLY] = {
		[TUNNEL_EVENT_SCCRQ]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_SCCRP]	= { tunnel_take_sccrp,	L2TP_TUNNEL_ESTABLISHED },
		[TUNNEL_EVENT_SCCCN]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_STOPCCN]	= { peer_closes,	L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_HELLO]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_BAD]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_TIE]	= { nothing,		L2TP_TUNNEL_IDLE },
		[TUNNEL_EVENT_CLOSE]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_TIMEOUT]	= { timed_out,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_DEAD]	= { give_up,		L2TP_TUNNEL_IDLE },
	},
	[L2TP_TUNNEL_WAIT_CTL_CONN] = {
		[TUNNEL_EVENT_SCCRQ]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_SCCRP]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_SCCCN]	= { tunnel_take_scccn,	L2TP_TUNNEL_ESTABLISHED },
		[TUNNEL_EVENT_STOPCCN]	= { peer_closes,	L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_HELLO]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_BAD]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_CLOSE]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_TIMEOUT]	= { timed_out,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_DEAD]	= { give_up,		L2TP_TUNNEL_IDLE },
	},
	[L2TP_TUNNEL_ESTABLISHED] = {
		[TUNNEL_EVENT_SCCRQ]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_SCCRP]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_SCCCN]	= { improper,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_STOPCCN]	= { peer_closes,	L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_HELLO]	= { nothing,		L2TP_TUNNEL_ESTABLISHED },
		[TUNNEL_EVENT_BAD]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_CLOSE]	= { refuse,		L2TP_TUNNEL_CLOSING },
		[TUNNEL_EVENT_CLEAR]	= { nothing,		L2TP_TUNNEL_IDLE },
		[TUNNEL_EVENT_DEAD]	= { give_up,		L2TP_TUNNEL_IDLE },
		[TUNNEL_EVENT_LINGERED]	= { spent,		L2TP_TUNNEL_CLOSING },
	},
	[L2TP_TUNNEL_CLOSING] = {
		[TUNNEL_EVENT_DEAD]	= { nothing,		L2TP_TUNNEL_IDLE },
		[TUNNEL_EVENT_LINGERED]	= { nothing,		L2TP_TUNNEL_IDLE },
	},
};

/* StopCCN with the result, and closing.  What the peer never saw is not sent any more. */
static void stop(struct l2tp_tunnel *tunnel, struct tunnel_input *in)
{
	struct avp_builder builder;

	tunnel_set_state(tunnel, L2TP_TUNNEL_CLOSING, in->now_ms, &in->result, in->by_peer);
	channel_drop_unsent(&tunnel->channel);
	tunnel_begin(tunnel, &builder, MESSAGE_STOPCCN, 0);
	avp_put_u16(&builder, AVP_ASSIGNED_TUNNEL_ID, tunnel->local_id);
	if (!in->result.result)
		in->result.result = STOPCCN_GENERAL;	/* 0 is reserved on the wire */
	message_put_result(&builder, &in->result);
	tunnel_send(tunnel, in->now_ms, &builder);
}

void tunnel_event(struct l2tp_tunnel *tunnel, enum tunnel_event event, struct tunnel_input *in)
{
	const struct tunnel_transition *row = &table[tunnel->state][event];

	if (!row->handler)
		return;
	if (!row->handler(tunnel, in))
		stop(tunnel, in);
	else if (row->next != tunnel->state)
		tunnel_set_state(tunnel, row->next, in->now_ms, &in->result, in->by_peer);
}

void tunnel_accept(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct tunnel_input in = { .now_ms = now_ms, .message = &tunnel->l2tp->message };

	tunnel_event(tunnel, TUNNEL_EVENT_SCCRQ, &in);
	tunnel_schedule(tunnel);
}

void tunnel_request(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct tunnel_input in = { .now_ms = now_ms };

	tunnel_event(tunnel, TUNNEL_EVENT_OPEN, &in);
	tunnel_schedule(tunnel);
}

void tunnel_clear(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_result *result)
{
	struct tunnel_input in = { .now_ms = now_ms, .result = *result };

	tunnel_event(tunnel, TUNNEL_EVENT_CLEAR, &in);
}

void l2tp_tunnel_close(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct l2tp_result *result)
{
	struct tunnel_input in = { .now_ms = now_ms, .result = *result };

	if (!tunnel->l2tp->active)
		return;
	tunnel_event(tunnel, TUNNEL_EVENT_CLOSE, &in);
	tunnel_schedule(tunnel);
}

void l2tp_tunnel_drain(struct l2tp_tunnel *tunnel, bool drain)
{
	if (tunnel->draining == drain || tunnel->state == L2TP_TUNNEL_CLOSING)
		return;
	tunnel->draining = drain;
	note_tunnel(tunnel);
}

/* ---- messages ----------------------------------------------------------- */

static void receive_optional(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message *message)
{
	if (message->def->item == AVP_FAILOVER_SESSION_STATE)
		failover_receive(tunnel, now_ms, message);
	else
		speed_receive(tunnel, now_ms, message);
}

void tunnel_dispatch(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct message *message = &l2tp->message;
	struct tunnel_input in = { .now_ms = now_ms, .message = message };
	enum tunnel_event event = TUNNEL_EVENT_BAD;

	if (message_parse(header->body, header->body_len, tunnel->params.secret, l2tp->room, message)) {
		message_result(&in.result, STOPCCN_ERROR, ERROR_OTHER, "message without a Message Type");
		tunnel_event(tunnel, TUNNEL_EVENT_BAD, &in);
		return;
	}
	if (!message->def) {
		if (!message->type_mandatory)
			return;
		message_result(&in.result, STOPCCN_ERROR, ERROR_UNKNOWN_AVP, "unknown mandatory message type %u",
			       message->type);
		tunnel_event(tunnel, TUNNEL_EVENT_BAD, &in);
		return;
	}
	if (message->def->optional) {
		if (tunnel->state == L2TP_TUNNEL_ESTABLISHED && !message->fault)
			receive_optional(tunnel, now_ms, message);
		return;
	}
	if (message->def->session) {
		if (tunnel->state == L2TP_TUNNEL_ESTABLISHED && !tunnel->recovery.old_id) {
			session_receive(tunnel, now_ms, header->session_id, message);
			return;
		}
		improper(tunnel, &in);
		tunnel_event(tunnel, TUNNEL_EVENT_BAD, &in);
		return;
	}
	switch (message->type) {
	case MESSAGE_SCCRQ: event = TUNNEL_EVENT_SCCRQ; break;
	case MESSAGE_SCCRP: event = TUNNEL_EVENT_SCCRP; break;
	case MESSAGE_SCCCN: event = TUNNEL_EVENT_SCCCN; break;
	case MESSAGE_STOPCCN: event = TUNNEL_EVENT_STOPCCN; break;
	case MESSAGE_HELLO: event = TUNNEL_EVENT_HELLO; break;
	}
	/* The peer of a tunnel of ours has told its ID: what is said from here on is to reach it. */
	if (event == TUNNEL_EVENT_SCCRP && tunnel->state == L2TP_TUNNEL_WAIT_CTL_REPLY &&
	    message_has(message, AVP_ASSIGNED_TUNNEL_ID))
		registry_set_peer_id(l2tp, tunnel, message_u16(message, AVP_ASSIGNED_TUNNEL_ID));
	/* A StopCCN with faults still means that the peer is leaving. */
	if (message->fault && event != TUNNEL_EVENT_STOPCCN) {
		message_result(&in.result, STOPCCN_ERROR, message->fault, "%s", message->fault_text);
		event = TUNNEL_EVENT_BAD;
	}
	tunnel_event(tunnel, event, &in);
}

/* ---- timers ------------------------------------------------------------- */

static uint64_t hello_deadline(const struct l2tp_tunnel *tunnel)
{
	const struct channel *channel = &tunnel->channel;

	/* A tunnel that waits for its probe gets its HELLO from there. */
	if (tunnel->state != L2TP_TUNNEL_ESTABLISHED || !tunnel->params.hello_s || resync_running(tunnel) ||
	    channel->una != channel->vs)
		return CHANNEL_NEVER;
	return tunnel->last_rx_ms + tunnel->params.hello_s * UINT64_C(1000);
}

/* Nobody uses it: from the last session on, or since it is up, or sure of itself again. */
static uint64_t empty_deadline(const struct l2tp_tunnel *tunnel)
{
	uint64_t from_ms = tunnel->since_ms;

	if (tunnel->state != L2TP_TUNNEL_ESTABLISHED || !tunnel->params.no_session_s || tunnel->session_count ||
	    resync_running(tunnel) || tunnel->recovery.old_id)
		return CHANNEL_NEVER;
	if (from_ms < tunnel->empty_ms)
		from_ms = tunnel->empty_ms;
	if (from_ms < tunnel->resync.end_ms)
		from_ms = tunnel->resync.end_ms;
	return from_ms + tunnel->params.no_session_s * UINT64_C(1000);
}

static void empty(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct tunnel_input in = { .now_ms = now_ms };

	message_result(&in.result, STOPCCN_GENERAL, 0, "no session for %u s", tunnel->params.no_session_s);
	tunnel_event(tunnel, TUNNEL_EVENT_CLOSE, &in);
}

static uint64_t deadline(const struct l2tp_tunnel *tunnel)
{
	const uint64_t times[] = {
		tunnel->channel.deadline_ms,
		tunnel->setup_deadline_ms,
		tunnel->linger_deadline_ms,
		tunnel->patience_ms,
		resync_deadline(tunnel),
		hello_deadline(tunnel),
		empty_deadline(tunnel),
		tunnel->half_open_first ? tunnel->half_open_first->setup_deadline_ms : CHANNEL_NEVER,
	};
	uint64_t first = tunnel->overflow ? 0 : CHANNEL_NEVER;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] < first)
			first = times[i];
	return first;
}

static void timer_at(struct l2tp_tunnel *tunnel, uint64_t when_ms)
{
	if (timer_set(&tunnel->l2tp->timers, &tunnel->timer, when_ms))
		abort();	/* see engine.c: it would never be heard of again */
}

void tunnel_schedule(struct l2tp_tunnel *tunnel)
{
	uint64_t when_ms = deadline(tunnel);

	if (when_ms != CHANNEL_NEVER && (!tunnel->timer.place || when_ms < tunnel->timer.deadline_ms))
		timer_at(tunnel, when_ms);
}

/*
 * Somebody asked, once or again, and nothing shows that our answers reach him:
 * the address may be borrowed, and a StopCCN would only be more of the same.
 */
bool tunnel_never_answered(const struct l2tp_tunnel *tunnel)
{
	return tunnel->state == L2TP_TUNNEL_WAIT_CTL_CONN && !tunnel->channel.una;
}

void tunnel_timer(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct tunnel_input in = { .now_ms = now_ms };
	enum channel_timeout timeout = channel_timeout(&tunnel->channel, now_ms);

	timer_stop(&tunnel->l2tp->timers, &tunnel->timer);
	if (timeout == CHANNEL_TIMEOUT_DEAD && failover_waits(tunnel, now_ms)) {
		channel_again(&tunnel->channel);
		timeout = CHANNEL_TIMEOUT_RETRANSMIT;
	}
	if (timeout == CHANNEL_TIMEOUT_DEAD || tunnel->overflow || now_ms >= tunnel->patience_ms ||
	    !resync_timer(tunnel, now_ms)) {
		tunnel_event(tunnel, TUNNEL_EVENT_DEAD, &in);
		return;
	}
	if (now_ms >= tunnel->linger_deadline_ms) {
		tunnel_event(tunnel, TUNNEL_EVENT_LINGERED, &in);
		return;
	}
	if (timeout == CHANNEL_TIMEOUT_RETRANSMIT)
		tunnel_transmit(tunnel, now_ms);
	if (now_ms >= tunnel->setup_deadline_ms) {
		if (tunnel_never_answered(tunnel)) {
			tunnel_event(tunnel, TUNNEL_EVENT_DEAD, &in);
			return;
		}
		tunnel_event(tunnel, TUNNEL_EVENT_TIMEOUT, &in);
	}
	session_timers(tunnel, now_ms);
	if (now_ms >= empty_deadline(tunnel))
		empty(tunnel, now_ms);
	if (now_ms >= hello_deadline(tunnel))
		tunnel_hello(tunnel, now_ms);
	tunnel_schedule(tunnel);
}

void l2tp_tick(struct l2tp *l2tp, uint64_t now_ms)
{
	struct timer *timer;

	if (!l2tp->active)
		return;
	resync_probes(l2tp, now_ms);
	while ((timer = timer_first(&l2tp->timers)) && timer->deadline_ms <= now_ms)
		tunnel_timer((struct l2tp_tunnel *)((char *)timer - offsetof(struct l2tp_tunnel, timer)), now_ms);
}
