/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failover of the control channel, RFC 4951: what both ends say about it when
 * a tunnel is set up, and the recovery tunnel, from both sides.
 *
 * A recovery tunnel is an ordinary tunnel of the engine with recovery.old_id
 * set; the old one points back with recovery.by_id (the one we asked for) and
 * recovery.answered_id (the peer did).  It has served when the old tunnel's
 * numbers are reset on our side:
 *
 *   we failed	    SCCRQ (77, tie breaker) ->  <- SCCRP (78): reset  SCCCN ->
 *		    nothing is said on the old tunnel before the SCCCN is
 *		    acknowledged: the peer would discard it.  Then StopCCN.
 *   the peer did   <- SCCRQ	SCCRP ->  <- SCCCN: reset
 *
 * What was queued is forgotten at the reset, calls that were not established
 * are cleared without a word, and the rest is compared by failover_sync.c.
 *
 * Both failed: the lower tie breaker stays recovery endpoint.  The winner may
 * fail once more, the box that was to answer too, and a peer that was answered
 * by our predecessor waits for the rest of that and hears no higher tie breaker.
 * So who gets nowhere asks again after a while, each time with a lower one.
 * A request is not to be followed before its SCCCN: it may be a late word of a
 * box that is gone while our own one is already answered.  So what both ends
 * have seen decides: the peer's SCCRP to us ends what it had asked before, its
 * SCCCN ends what we asked.
 *
 * The D bit is never sent: a Linux kernel drops every packet of a sender that
 * starts again at 0 until it has counted up to where it was, and no interface
 * sets the numbers of a session.  So sequenced sessions end with a CDN (3.2.3).
 *
 * Called by tunnel.c (AVPs, transitions), receive.c, resync.c and engine.c.
 */
#include "l2tp/engine.h"

#include <string.h>

/* So far behind the old numbers that old packets are far ahead: invalid, not duplicates to be answered. */
#define NUMBERS_APART 0x4000
#define RECOVERY_SETUP_S 31
#define ANSWER_MS 8000		/* by then an SCCRP is said four times */

/* ---- capability --------------------------------------------------------- */

static bool method_speaks(enum l2tp_failover method)
{
	return method == L2TP_FAILOVER_PROTOCOL || method == L2TP_FAILOVER_PROTOCOL_SILENT;
}

bool failover_agreed(const struct l2tp_tunnel *tunnel)
{
	return tunnel->failover_sent & tunnel->failover_received & FAILOVER_CONTROL;
}

void failover_read(const struct message *message, uint16_t *bits, uint32_t *recovery_ms)
{
	const uint8_t *value = message->avp[AVP_FAILOVER_CAPABILITY].data;

	*bits = 0;
	*recovery_ms = 0;
	if (!message_has(message, AVP_FAILOVER_CAPABILITY) || message_has(message, AVP_TUNNEL_RECOVERY))
		return;
	*bits = avp_get_u16(value) & (FAILOVER_CONTROL | FAILOVER_DATA);
	if (*bits & FAILOVER_CONTROL)
		*recovery_ms = avp_get_u32(value + 2);
}

static void put_capability(struct l2tp_tunnel *tunnel, struct avp_builder *builder)
{
	/* Who has no copy of the tunnel cannot ask for time to find it. */
	uint32_t recovery_ms = tunnel->params.ha ? tunnel->params.recovery_ms : 0;
	uint8_t value[6];

	tunnel->failover_sent = FAILOVER_CONTROL;
	avp_set_u16(value, FAILOVER_CONTROL);
	avp_set_u16(value + 2, (uint16_t)(recovery_ms >> 16));
	avp_set_u16(value + 4, (uint16_t)recovery_ms);
	avp_put(builder, AVP_FAILOVER_CAPABILITY, value, sizeof(value));
}

static void put_recovery(struct l2tp_tunnel *tunnel, struct avp_builder *builder)
{
	const struct l2tp_tunnel *old = tunnel->l2tp->tunnels[tunnel->recovery.old_id];
	uint8_t value[10] = { 0 };

	avp_put(builder, AVP_TIE_BREAKER, tunnel->recovery.tie_breaker, sizeof(tunnel->recovery.tie_breaker));
	avp_set_u16(value + 4, old->local_id);
	avp_set_u16(value + 8, old->peer_id);
	avp_put(builder, AVP_TUNNEL_RECOVERY, value, sizeof(value));
}

/* The peer's view: its Ns is our Nr. */
static void put_suggestion(const struct l2tp_tunnel *tunnel, struct avp_builder *builder)
{
	uint8_t value[6] = { 0 };

	avp_set_u16(value + 2, tunnel->recovery.vr);
	avp_set_u16(value + 4, tunnel->recovery.vs);
	avp_put(builder, AVP_SUGGESTED_CONTROL_SEQUENCE, value, sizeof(value));
}

void failover_put(struct l2tp_tunnel *tunnel, struct avp_builder *builder, enum message_type type)
{
	if (!tunnel->recovery.old_id) {
		if (method_speaks(tunnel->params.failover))
			put_capability(tunnel, builder);
	} else if (type == MESSAGE_SCCRQ) {
		put_recovery(tunnel, builder);
	} else {
		put_suggestion(tunnel, builder);
	}
}

/* ---- the peer failed ---------------------------------------------------- */

bool failover_waits(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	if (tunnel->state != L2TP_TUNNEL_ESTABLISHED || !failover_agreed(tunnel) || !tunnel->peer_recovery_ms)
		return false;
	if (tunnel->patience_ms == CHANNEL_NEVER)
		tunnel->patience_ms = now_ms + tunnel->peer_recovery_ms;
	return true;
}

static struct l2tp_tunnel *recovery_of(const struct l2tp_tunnel *old)
{
	return old->recovery.by_id ? old->l2tp->tunnels[old->recovery.by_id] : NULL;
}

/* The tunnel it is for; NULL: that has gone, perhaps another has its ID. */
static struct l2tp_tunnel *old_of(const struct l2tp_tunnel *tunnel)
{
	struct l2tp_tunnel *old = tunnel->l2tp->tunnels[tunnel->recovery.old_id];

	return old && old->state == L2TP_TUNNEL_ESTABLISHED && old->peer_id == tunnel->recovery.old_peer_id &&
	       endpoint_addr_equal(&old->peer, &tunnel->peer) ? old : NULL;
}

/* The last one that the peer asked for. */
static struct l2tp_tunnel *answered_of(const struct l2tp_tunnel *old)
{
	return old->recovery.answered_id ? old->l2tp->tunnels[old->recovery.answered_id] : NULL;
}

/* Silently: it lost the tie, or a newer one takes its place. */
static void abandon(struct l2tp_tunnel *old)
{
	struct l2tp_tunnel *tunnel = recovery_of(old);

	old->recovery.by_id = 0;
	if (tunnel)
		tunnel_free(tunnel);
}

/* The peer let us recover: what it had asked for before that it has given up. */
static void abandon_answered(struct l2tp_tunnel *old)
{
	struct l2tp_tunnel *tunnel = answered_of(old);

	old->recovery.answered_id = 0;
	if (tunnel && tunnel->state == L2TP_TUNNEL_WAIT_CTL_CONN)
		tunnel_free(tunnel);
}

static void ask_again(struct l2tp_tunnel *old, uint64_t at_ms)
{
	uint8_t spread;

	old->l2tp->ops.random(old->l2tp->ops.ctx, &spread, sizeof(spread));
	old->resync.listen_ms = at_ms + spread * 4u;
	tunnel_schedule(old);
}

/* Both ends recover the same tunnel: who stays?  False: the peer's request is dropped. */
static bool win_tie(struct l2tp_tunnel *old, uint64_t now_ms, const uint8_t *theirs)
{
	const struct l2tp_tunnel *ours = recovery_of(old);
	int order;

	if (!ours || ours->state != L2TP_TUNNEL_WAIT_CTL_REPLY)
		return true;
	order = memcmp(ours->recovery.tie_breaker, theirs, sizeof(ours->recovery.tie_breaker));
	if (order)
		return order > 0;
	abandon(old);		/* so does the peer; again with other values, at another time */
	ask_again(old, now_ms + 100);
	return false;
}

enum failover_verdict failover_judge(struct l2tp *l2tp, uint64_t now_ms, const struct message *message,
				     const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
				     struct l2tp_tunnel **old, struct l2tp_result *result)
{
	const uint8_t *value = message->avp[AVP_TUNNEL_RECOVERY].data;
	uint16_t their_id = avp_get_u16(value + 4), our_id = avp_get_u16(value + 8);
	struct l2tp_tunnel *tunnel = l2tp->tunnels[our_id];

	*old = NULL;
	if (!tunnel || tunnel->peer_id != their_id || tunnel->state != L2TP_TUNNEL_ESTABLISHED ||
	    tunnel->recovery.old_id || !endpoint_addr_equal(&tunnel->peer, peer) ||
	    !endpoint_equal(&tunnel->local, local)) {
		message_result(result, STOPCCN_ERROR, ERROR_RANGE, "no such tunnel to recover");
		return FAILOVER_REFUSE;
	}
	if (!failover_agreed(tunnel)) {
		message_result(result, STOPCCN_ERROR, ERROR_RANGE, "failover was not agreed on for this tunnel");
		return FAILOVER_REFUSE;
	}
	if (!message_has(message, AVP_TIE_BREAKER)) {
		message_result(result, STOPCCN_ERROR, ERROR_OTHER, "a recovery tunnel needs a Tie Breaker");
		return FAILOVER_REFUSE;
	}
	if (!win_tie(tunnel, now_ms, message->avp[AVP_TIE_BREAKER].data))
		return FAILOVER_IGNORE;
	*old = tunnel;
	return FAILOVER_ACCEPT;
}

void failover_suggest(struct l2tp_tunnel *tunnel, struct l2tp_tunnel *old, uint64_t now_ms)
{
	const struct l2tp_tunnel *ours = recovery_of(old);
	uint16_t random[2];

	if (ours && ours->state == L2TP_TUNNEL_WAIT_CTL_REPLY) {
		abandon(old);
		ask_again(old, now_ms + ANSWER_MS);
	}
	/* Of several requests of the peer the last one whose SCCCN comes counts: they may overtake each other. */
	tunnel->l2tp->ops.random(tunnel->l2tp->ops.ctx, random, sizeof(random));
	tunnel->recovery.old_id = old->local_id;
	tunnel->recovery.old_peer_id = old->peer_id;
	tunnel->recovery.vs = (uint16_t)(old->channel.vs - NUMBERS_APART - random[0] % 0x2000);
	tunnel->recovery.vr = (uint16_t)(old->channel.vr - NUMBERS_APART - random[1] % 0x2000);
	old->recovery.answered_id = tunnel->local_id;
	tunnel->recovery.order = ++old->recovery.order;
}

/* ---- we failed ---------------------------------------------------------- */

void failover_recover(struct l2tp_tunnel *old, uint64_t now_ms)
{
	struct l2tp *l2tp = old->l2tp;
	struct l2tp_tunnel_state_rec state = { .local = old->local, .peer = old->peer, .initiator = true,
					       .params = old->params, .peer_window = CHANNEL_DEFAULT_WINDOW };
	uint16_t spent_s = (uint16_t)((now_ms - old->resync.start_ms) / 1000);
	struct l2tp_tunnel *tunnel = NULL;
	struct l2tp_result result;

	abandon(old);
	state.params.ha = false;
	state.params.setup_timeout_s = spent_s + ANSWER_MS / 1000 < RECOVERY_SETUP_S ? RECOVERY_SETUP_S - spent_s :
										   ANSWER_MS / 1000;
	state.local_id = registry_new_id(l2tp);
	if (state.local_id)
		tunnel = tunnel_new(l2tp, now_ms, &state);
	explicit_bzero(state.params.secret, sizeof(state.params.secret));
	if (!tunnel) {
		if (state.local_id)
			registry_return_id(l2tp, state.local_id);
		message_result(&result, 0, 0, "no tunnel ID or memory for its recovery");
		tunnel_clear(old, now_ms, &result);
		return;
	}
	l2tp->ops.random(l2tp->ops.ctx, tunnel->recovery.tie_breaker, sizeof(tunnel->recovery.tie_breaker));
	memset(tunnel->recovery.tie_breaker, 0, old->recovery.asked);	/* lower, so that it wins sooner or later */
	if (old->recovery.asked + 1u < sizeof(tunnel->recovery.tie_breaker))
		old->recovery.asked++;
	tunnel->recovery.old_id = old->local_id;
	tunnel->recovery.old_peer_id = old->peer_id;
	old->recovery.by_id = tunnel->local_id;
	ask_again(old, now_ms + ANSWER_MS);
	tunnel_request(tunnel, now_ms);
}

void failover_retry(struct l2tp_tunnel *old, uint64_t now_ms)
{
	if (recovery_of(old) && now_ms + ANSWER_MS >= old->resync.start_ms + RECOVERY_SETUP_S * 1000u) {
		ask_again(old, now_ms + ANSWER_MS);	/* it has its own end */
		return;
	}
	resync_event(old, RESYNC_EVENT_UNCONFIRMED, now_ms);
	failover_recover(old, now_ms);
}

void failover_accepted(struct l2tp_tunnel *tunnel, const struct message *message)
{
	const uint8_t *value = message->avp[AVP_SUGGESTED_CONTROL_SEQUENCE].data;

	if (!tunnel->recovery.old_id || !message_has(message, AVP_SUGGESTED_CONTROL_SEQUENCE))
		return;		/* no suggestion: both start at 0 */
	tunnel->recovery.vs = avp_get_u16(value + 2);
	tunnel->recovery.vr = avp_get_u16(value + 4);
}

/* ---- the reset ---------------------------------------------------------- */

/* 3.3 Step I */
static void clear_calls_in_setup(struct l2tp_tunnel *old, uint64_t now_ms)
{
	struct l2tp_result result;

	message_result(&result, 0, 0, "not established when the tunnel was recovered");
	while (old->half_open_first)
		session_set_state(old->half_open_first, L2TP_SESSION_IDLE, now_ms, &result, false);
}

static void reset(struct l2tp_tunnel *old, const struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	uint16_t ns;

	for (ns = old->channel.una; ns != old->channel.vs; ns++)
		note_message(old, L2TP_DIRTY_MESSAGE_ACKED, ns);
	channel_reset(&old->channel, tunnel->recovery.vs, tunnel->recovery.vr);
	old->ack_due = old->overflow = false;
	old->resync.vr_known = true;
	old->patience_ms = CHANNEL_NEVER;
	old->last_rx_ms = now_ms;
	note_channel(old);
	clear_calls_in_setup(old, now_ms);
}

/* 3.2.3: neither end can go on with the numbers of the other. */
static void end_sequenced(struct l2tp_tunnel *old, uint64_t now_ms)
{
	struct l2tp_session *session;
	struct l2tp_result result;
	uint16_t id = 0;

	message_result(&result, CDN_ERROR, ERROR_OTHER, "sequenced data cannot be recovered");
	while ((session = session_index_after(old, id))) {
		id = session->local_id;
		if (session->sequencing_required)
			l2tp_session_close(session, now_ms, &result);
	}
}

void failover_established(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_tunnel *old = old_of(tunnel);

	tunnel->linger_deadline_ms = now_ms + L2TP_LINGER_MS;	/* whatever happens, it ends then */
	if (tunnel->recovery.finished || !old)
		return;
	/* The peer failed once more meanwhile, and this is an old word of the box before. */
	if (!tunnel->initiator && tunnel->recovery.order < old->recovery.done) {
		tunnel->recovery.finished = true;
		return;
	}
	if (tunnel->initiator) {
		abandon_answered(old);
	} else {
		old->recovery.done = tunnel->recovery.order;
		if (recovery_of(old) && !recovery_of(old)->recovery.finished)
			abandon(old);
	}
	reset(old, tunnel, now_ms);
	if (tunnel->initiator) {
		old->channel.hold = true;	/* until the peer has reset, too */
		resync_event(old, RESYNC_EVENT_RESET, now_ms);
		ask_again(old, now_ms + ANSWER_MS);
	} else {
		tunnel->recovery.finished = true;
		resync_event(old, RESYNC_EVENT_RECOVERED, now_ms);	/* after a lost tie */
		failover_query_all(old, now_ms);
		l2tp_tunnel_query_speeds(old, now_ms);
	}
	tunnel_schedule(old);
}

void failover_confirmed(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_tunnel *old = old_of(tunnel);
	struct l2tp_result result;

	if (tunnel->recovery.finished || !tunnel->initiator || tunnel->state != L2TP_TUNNEL_ESTABLISHED ||
	    tunnel->channel.una != tunnel->channel.vs || !old)
		return;
	tunnel->recovery.finished = true;
	resync_event(old, RESYNC_EVENT_RECOVERED, now_ms);
	end_sequenced(old, now_ms);
	failover_query_all(old, now_ms);
	l2tp_tunnel_query_speeds(old, now_ms);
	tunnel_schedule(old);
	message_result(&result, STOPCCN_GENERAL, 0, "recovery is complete");
	l2tp_tunnel_close(tunnel, now_ms, &result);
}

void failover_ended(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_tunnel *old = old_of(tunnel);
	struct l2tp_result result;

	if (old && old->recovery.answered_id == tunnel->local_id)
		old->recovery.answered_id = 0;
	if (!old || old->recovery.by_id != tunnel->local_id)
		return;
	old->recovery.by_id = 0;
	if (tunnel->recovery.finished || !tunnel->initiator)
		return;
	tunnel->recovery.finished = true;
	message_result(&result, 0, 0, "the peer did not let the tunnel be recovered");
	tunnel_clear(old, now_ms, &result);	/* 3.2.1: silently */
}

static void stop_unfinished(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_result result;

	if (!tunnel || tunnel->recovery.finished)
		return;
	tunnel->recovery.finished = true;
	message_result(&result, STOPCCN_GENERAL, 0, "the tunnel to be recovered is gone");
	l2tp_tunnel_close(tunnel, now_ms, &result);
}

void failover_old_gone(struct l2tp_tunnel *old, uint64_t now_ms)
{
	struct l2tp_tunnel *ours = recovery_of(old), *theirs = answered_of(old);

	old->recovery.by_id = old->recovery.answered_id = 0;
	stop_unfinished(ours, now_ms);
	stop_unfinished(theirs, now_ms);
}
