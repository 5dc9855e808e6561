/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Agreeing with the peer on Ns and Nr after a takeover (facts 10).
 *
 * Exact records (the rule, DESIGN 4.1): there is nothing to discover.  Each
 * tunnel says one thing, the head of its queue or a HELLO, and the first
 * agreeing answer ends it.  Those with a queue go first, because their peers
 * may be counting retransmissions already; all are spread a little so that
 * thousands of tunnels do not burst into one socket buffer.
 *
 * Unless it comes late, or acknowledges what we never said: then somebody else may
 * have served the peer meanwhile (a partition without a fence), and the records are
 * taken to be behind after all.
 *
 * Records that may be behind (the stream was down; somebody forced a stale
 * standby): the numbers of the records are low bounds, and nothing here ever
 * guesses higher than what the peer itself has said, because an Ns ahead of
 * the peer's is a gap that never closes, and an Nr ahead of it acknowledges
 * what nobody has processed.
 *
 *   LISTEN    a second of silence of ours.  The Nr of a message of the peer is
 *             what it expects.  (Of a ZLB only if it is beyond all we know:
 *             OpenL2TP answers a duplicate with a number it makes up, but a low
 *             one.)  A message at or below our vr settles the other direction;
 *             one above it has to come twice, with none lower for as long as
 *             the longest back-off: most peers retransmit the lowest first, but
 *             some (xl2tpd) have a timer for each message.
 *   DISCOVER  the known queue, then as many HELLOs as there may be messages we
 *             do not know of.  Those on used numbers are duplicates to the peer
 *             and harmless, the others advance; whatever is queued later comes
 *             behind them.  The Ns of a ZLB is the end of what the peer sent:
 *             taken when nothing was retransmitted for two back-offs.
 *
 * The peer may have kept messages that came ahead of one that was lost with their
 * owner: the next one of ours closes that gap, and it expects a number beyond all we
 * have said. So for as many numbers as its window had we go one at a time, and what
 * it has used up is passed over.
 *
 * Whoever takes over while this goes on has to know: it is in the record of the channel
 * (tunnel->behind), so exact records of uncertain numbers are not called exact.
 *
 * After 31 s a peer that was in the middle of something has given up as well.
 * RECOVER is in failover.c.  resync_event() is the only place that changes the
 * state; tunnel.c and receive.c call in here.
 */
#include "l2tp/engine.h"

#include <stdlib.h>
#include <string.h>

#define PROBES_PER_BATCH 1000
#define PROBE_BATCH_MS 100
#define DOUBT_MS 4000		/* an answer that took longer: who has served the peer until then? */
#define LISTEN_MS 1000
#define BACK_OFF_MS 8500	/* more than the longest one of a peer */
#define SETTLE_MS (2 * BACK_OFF_MS)	/* one of them may be lost */
#define LIMIT_MS 31000
#define REPEAT_MS 500		/* sooner it is the network that sends twice, not the peer */
#define UNCERTAIN_MAX 64	/* HELLOs at most, how far one packet alone is believed, and how long we go one at a time */

const char *l2tp_resync_state_name(enum l2tp_resync_state state)
{
	switch (state) {
	case L2TP_RESYNC_NONE: return "none";
	case L2TP_RESYNC_PROBE: return "probe";
	case L2TP_RESYNC_LISTEN: return "listening";
	case L2TP_RESYNC_DISCOVER: return "discovering";
	case L2TP_RESYNC_RECOVER: return "recovery tunnel";
	case L2TP_RESYNC_RESET: return "recovery tunnel";
	case L2TP_RESYNC_CLEAR: return "clearing";
	case L2TP_RESYNC_DONE: return "done";
	case L2TP_RESYNC_FAILED: return "failed";
	}
	return "unknown";
}

const char *l2tp_resync_how_name(enum l2tp_resync_how how)
{
	switch (how) {
	case L2TP_RESYNC_BY_NONE: return "none";
	case L2TP_RESYNC_BY_ACK: return "acknowledgement";
	case L2TP_RESYNC_BY_PEER: return "heard from the peer";
	case L2TP_RESYNC_BY_HELLO: return "hello";
	case L2TP_RESYNC_BY_PROTOCOL: return "failover protocol";
	}
	return "unknown";
}

/* `b` is at or after `a`. */
static bool reached(uint16_t a, uint16_t b)
{
	return (uint16_t)(b - a) < 0x8000;
}

/* ---- states ------------------------------------------------------------- */

static void begin(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct resync *resync = &tunnel->resync;

	*resync = (struct resync){
		.state = resync->state,
		.start_ms = now_ms,
		.end_ms = now_ms,
		.listen_ms = CHANNEL_NEVER,
		.settle_ms = CHANNEL_NEVER,
		.limit_ms = CHANNEL_NEVER,
		.base = tunnel->channel.vs,
	};
	tunnel->channel.lockstep = false;
	tunnel->l2tp->counters.resync++;
}

static void begin_held(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	begin(tunnel, now_ms);
	tunnel->channel.hold = true;
}

static void begin_listening(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	begin_held(tunnel, now_ms);
	tunnel->resync.listen_ms = now_ms + LISTEN_MS;
	tunnel->resync.limit_ms = now_ms + LIMIT_MS;
}

static void discover(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	uint32_t count = tunnel->peer_window > tunnel->params.receive_window ? tunnel->peer_window :
									     tunnel->params.receive_window;

	tunnel->resync.listen_ms = CHANNEL_NEVER;
	if (count > UNCERTAIN_MAX)
		count = UNCERTAIN_MAX;
	while (count--)
		tunnel_hello(tunnel, now_ms);
	tunnel->resync.hello_end = tunnel->channel.vs;
	tunnel->channel.hold = false;
	tunnel_transmit(tunnel, now_ms);
}

static void end(struct l2tp_tunnel *tunnel, uint64_t now_ms, bool ok)
{
	struct l2tp *l2tp = tunnel->l2tp;

	tunnel->resync.end_ms = now_ms;
	tunnel->channel.hold = false;
	l2tp->counters.resync--;
	*(ok ? &l2tp->counters.resync_ok : &l2tp->counters.resync_failed) += 1;
	engine_action(l2tp, &(struct queued_action){
		.type = L2TP_ACTION_RESYNC_DONE, .tunnel_id = tunnel->local_id, .resync_ok = ok,
		.extra = engine_extra(tunnel, NULL) });
}

/* HELLOs that were not needed are not sent, unless something waits behind them. */
static void spare_hellos(struct l2tp_tunnel *tunnel)
{
	struct channel *channel = &tunnel->channel;
	uint16_t ns, vs = channel->vs;

	if (vs != tunnel->resync.hello_end || channel->top == vs)
		return;
	ns = channel->top;
	channel_drop_unsent(channel);
	for (; ns != vs; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE_ACKED, ns);
	note_channel(tunnel);
}

static void agreed(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	tunnel->resync.how = L2TP_RESYNC_BY_ACK;
	end(tunnel, now_ms, true);
}

static void learnt(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	if (tunnel->resync.how == L2TP_RESYNC_BY_NONE)
		tunnel->resync.how = L2TP_RESYNC_BY_PEER;
	spare_hellos(tunnel);
	end(tunnel, now_ms, true);
	tunnel_transmit(tunnel, now_ms);
}

static void renewed(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	(void)now_ms;
	tunnel->resync.listen_ms = CHANNEL_NEVER;
}

/* They were exact when the stream broke; who has spoken since? */
static void doubted(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	tunnel->l2tp->counters.resync--;
	begin_listening(tunnel, now_ms);
}

static void recovered(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	tunnel->resync.how = L2TP_RESYNC_BY_PROTOCOL;
	end(tunnel, now_ms, true);
}

static void lost(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	end(tunnel, now_ms, false);
}

struct resync_transition {
	void (*handler)(struct l2tp_tunnel *tunnel, uint64_t now_ms);
	enum l2tp_resync_state next;
};

#define TAKEN_OVER							\
		[RESYNC_EVENT_EXACT]	 = { begin,	      L2TP_RESYNC_PROBE },	\
		[RESYNC_EVENT_BEHIND]	 = { begin_listening, L2TP_RESYNC_LISTEN },	\
		[RESYNC_EVENT_PROTOCOL]	 = { begin_held,      L2TP_RESYNC_RECOVER },	\
		[RESYNC_EVENT_FORBIDDEN] = { begin_held,      L2TP_RESYNC_CLEAR }

static const struct resync_transition table[L2TP_RESYNC_FAILED + 1][RESYNC_EVENTS] = {
	[L2TP_RESYNC_NONE]	= { TAKEN_OVER },
	[L2TP_RESYNC_DONE]	= { TAKEN_OVER },
	[L2TP_RESYNC_FAILED]	= { TAKEN_OVER },
	[L2TP_RESYNC_PROBE] = {
		[RESYNC_EVENT_AGREED]	 = { agreed,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_DOUBTED]	 = { doubted,	L2TP_RESYNC_LISTEN },
		[RESYNC_EVENT_RECOVERED] = { recovered,	L2TP_RESYNC_DONE },	/* by the peer */
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
	[L2TP_RESYNC_LISTEN] = {
		[RESYNC_EVENT_LEARNT]	 = { learnt,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_SILENCE]	 = { discover,	L2TP_RESYNC_DISCOVER },
		[RESYNC_EVENT_RECOVERED] = { recovered,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
	[L2TP_RESYNC_DISCOVER] = {
		[RESYNC_EVENT_LEARNT]	 = { learnt,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_RECOVERED] = { recovered,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
	[L2TP_RESYNC_RECOVER] = {
		[RESYNC_EVENT_RESET]	 = { renewed,	L2TP_RESYNC_RESET },
		[RESYNC_EVENT_RECOVERED] = { recovered,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
	[L2TP_RESYNC_RESET] = {
		[RESYNC_EVENT_RECOVERED] = { recovered,	L2TP_RESYNC_DONE },
		[RESYNC_EVENT_UNCONFIRMED] = { renewed,	L2TP_RESYNC_RECOVER },
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
	[L2TP_RESYNC_CLEAR] = {
		[RESYNC_EVENT_LOST]	 = { lost,	L2TP_RESYNC_FAILED },
	},
};

static bool learning(const struct l2tp_tunnel *tunnel)
{
	return tunnel->resync.state == L2TP_RESYNC_LISTEN || tunnel->resync.state == L2TP_RESYNC_DISCOVER;
}

void resync_event(struct l2tp_tunnel *tunnel, enum resync_event event, uint64_t now_ms)
{
	const struct resync_transition *row = &table[tunnel->resync.state][event];

	if (!row->handler)
		return;
	tunnel->resync.state = row->next;
	if (tunnel->behind != learning(tunnel)) {
		tunnel->behind = !tunnel->behind;
		note_channel(tunnel);
	}
	row->handler(tunnel, now_ms);
}

bool resync_running(const struct l2tp_tunnel *tunnel)
{
	switch (tunnel->resync.state) {
	case L2TP_RESYNC_NONE:
	case L2TP_RESYNC_DONE:
	case L2TP_RESYNC_FAILED:
		return false;
	case L2TP_RESYNC_PROBE:
	case L2TP_RESYNC_LISTEN:
	case L2TP_RESYNC_DISCOVER:
	case L2TP_RESYNC_RECOVER:
	case L2TP_RESYNC_RESET:
	case L2TP_RESYNC_CLEAR:
		return true;
	}
	return false;
}

/*
 * Records that were called exact: so they are, but for those of an owner that was learning
 * itself when it failed, or lost its peer to another one for a while.  It shows in an Ns
 * that stays ahead; the first one that is not ends the watch.
 */
static bool watching(const struct l2tp_tunnel *tunnel)
{
	return (tunnel->resync.state == L2TP_RESYNC_PROBE || tunnel->resync.state == L2TP_RESYNC_DONE) &&
	       !tunnel->resync.vr_known;
}

static bool recovering(const struct l2tp_tunnel *tunnel)
{
	return tunnel->resync.state == L2TP_RESYNC_RECOVER || tunnel->resync.state == L2TP_RESYNC_RESET;
}

/* ---- learning ----------------------------------------------------------- */

/*
 * The peer expects `nr`, which is more than we know of: what we do not know
 * was said and received.  Messages from `first` on were never said, they move up.
 */
static void jump(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t nr, uint16_t first)
{
	struct channel *channel = &tunnel->channel;
	uint16_t ns, new_ns, count = (uint16_t)(channel->vs - first), i;
	struct channel_message **kept = NULL;

	if (count) {
		kept = calloc(count, sizeof(struct channel_message *));
		if (!kept)
			abort();	/* see engine.c */
	}
	for (i = 0; i < count; i++) {
		const struct channel_message *message = channel_find(channel, (uint16_t)(first + i));

		kept[i] = malloc(sizeof(*message) + message->len);
		if (!kept[i])
			abort();
		memcpy(kept[i], message, sizeof(*message) + message->len);
	}
	for (ns = channel->una; ns != channel->vs; ns++)
		note_message(tunnel, L2TP_DIRTY_MESSAGE_ACKED, ns);
	channel_skip(channel, nr);
	for (i = 0; i < count; i++) {
		if (channel_queue(channel, kept[i]->data, kept[i]->len, &new_ns))
			tunnel->overflow = true;
		else
			note_message(tunnel, L2TP_DIRTY_MESSAGE, new_ns);
		free(kept[i]);
	}
	free(kept);
	tunnel->resync.hello_end = nr;
	note_channel(tunnel);
	tunnel_transmit(tunnel, now_ms);
}

static void vs_is_known(struct l2tp_tunnel *tunnel)
{
	tunnel->resync.vs_known = true;
	tunnel->resync.early_left = tunnel->peer_window < UNCERTAIN_MAX ? tunnel->peer_window : UNCERTAIN_MAX;
	tunnel->channel.lockstep = true;
}

/* What the peer expects after a message that was alone on its way. */
static void watch_early(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t nr)
{
	struct resync *resync = &tunnel->resync;
	struct channel *channel = &tunnel->channel;
	uint16_t beyond = (uint16_t)(nr - channel->una);

	if (!resync->early_left || !beyond || beyond >= 0x8000 || channel->una == channel->top)
		return;
	if (beyond > (uint16_t)(channel->top - channel->una) + resync->early_left)
		return;
	resync->early_left -= beyond < resync->early_left ? beyond : resync->early_left;
	channel->lockstep = resync->early_left;
	if (!reached(nr, channel->top))
		jump(tunnel, now_ms, nr, channel->top);
}

/* False: an Nr that is not believed (yet). */
static bool learn_vs(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t nr, bool zlb)
{
	struct resync *resync = &tunnel->resync;
	struct channel *channel = &tunnel->channel;
	uint16_t seen = (uint16_t)(channel->top - channel->una), beyond = (uint16_t)(nr - channel->una), first;

	if (resync->vs_known || !reached(channel->una, nr))
		return true;
	if (beyond <= seen) {
		if (!zlb && reached(resync->base, nr))
			vs_is_known(tunnel);
		return true;
	}
	if ((uint16_t)(nr - channel->top) > UNCERTAIN_MAX && (!resync->beyond || resync->beyond_nr != nr)) {
		resync->beyond = true;
		resync->beyond_nr = nr;
		return false;
	}
	first = resync->state == L2TP_RESYNC_DISCOVER && reached(channel->top, resync->hello_end) ? resync->hello_end :
												   channel->vs;
	vs_is_known(tunnel);
	jump(tunnel, now_ms, nr, first);
	return true;
}

static uint64_t heard_deadline(const struct l2tp_tunnel *tunnel)
{
	const struct resync *resync = &tunnel->resync;

	if (!resync->heard_again || resync->vr_known)
		return CHANNEL_NEVER;
	return resync->heard_ms + (watching(tunnel) ? SETTLE_MS : BACK_OFF_MS);
}

static uint64_t settle_deadline(const struct l2tp_tunnel *tunnel)
{
	const struct resync *resync = &tunnel->resync;

	if (resync->settle_ms == CHANNEL_NEVER || resync->vr_known)
		return CHANNEL_NEVER;
	return resync->settle_ms + (watching(tunnel) ? LIMIT_MS - SETTLE_MS : 0);
}

/* The lowest that the peer goes on sending: whoever has a timer for each message would have sent a lower one by now. */
static void settle_heard(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct resync *resync = &tunnel->resync;

	if (now_ms < heard_deadline(tunnel))
		return;
	resync->vr_known = true;
	tunnel->channel.vr = resync->heard_ns;
	note_channel(tunnel);
}

static void learn_vr(struct l2tp_tunnel *tunnel, uint64_t now_ms, uint16_t ns, bool zlb)
{
	struct resync *resync = &tunnel->resync;
	struct channel *channel = &tunnel->channel;
	uint16_t ahead = (uint16_t)(ns - channel->vr);

	if (resync->vr_known)
		return;
	if (zlb) {
		if (!ahead) {
			resync->vr_known = true;
		} else if (ahead < 0x8000 && (!resync->zlb || resync->zlb_ns != ns)) {
			resync->zlb = true;
			resync->zlb_ns = ns;
			resync->settle_ms = now_ms + SETTLE_MS;
		}
		return;
	}
	if (!ahead || ahead >= 0x8000) {
		resync->vr_known = true;	/* una' is no higher: what follows will be sent again */
		return;
	}
	if (resync->heard && resync->heard_ns == ns) {
		if (now_ms >= resync->heard_ms + REPEAT_MS)
			resync->heard_again = true;
		settle_heard(tunnel, now_ms);
		return;
	}
	if (!resync->heard || ahead < (uint16_t)(resync->heard_ns - channel->vr)) {
		resync->heard_ns = ns;
		resync->heard_ms = now_ms;
		resync->heard_again = false;
	}
	resync->heard = true;
	if (resync->zlb)
		resync->settle_ms = now_ms + SETTLE_MS;	/* it will come again before that, or it was an old one */
}

static bool doubtful(const struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header)
{
	const struct channel *channel = &tunnel->channel;

	return now_ms >= tunnel->resync.start_ms + DOUBT_MS ||
	       (reached(channel->vs, header->nr) && header->nr != channel->vs);
}

bool resync_packet(struct l2tp_tunnel *tunnel, uint64_t now_ms, const struct message_header *header)
{
	bool zlb = !header->body_len;

	if (tunnel->resync.state == L2TP_RESYNC_RECOVER || tunnel->resync.state == L2TP_RESYNC_CLEAR)
		return false;		/* RFC 4951 3.2.1: silently discarded until the reset */
	/* Nothing was said with the new numbers yet: who knows them has reset as well, all else is old. */
	if (tunnel->resync.state == L2TP_RESYNC_RESET)
		return header->nr == tunnel->channel.vs &&
		       (uint16_t)(header->ns - tunnel->channel.vr) < tunnel->channel.window;
	if (tunnel->resync.state == L2TP_RESYNC_PROBE && doubtful(tunnel, now_ms, header))
		resync_event(tunnel, RESYNC_EVENT_DOUBTED, now_ms);
	watch_early(tunnel, now_ms, header->nr);
	if (watching(tunnel))
		learn_vr(tunnel, now_ms, header->ns, zlb);
	if (!learning(tunnel))
		return true;
	if (!learn_vs(tunnel, now_ms, header->nr, zlb))
		return false;
	learn_vr(tunnel, now_ms, header->ns, zlb);
	return true;
}

void resync_settle(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct resync *resync = &tunnel->resync;

	if (resync->state == L2TP_RESYNC_DISCOVER && !resync->vs_known &&
	    reached(resync->hello_end, tunnel->channel.una)) {
		vs_is_known(tunnel);
		resync->how = L2TP_RESYNC_BY_HELLO;
	}
	if (learning(tunnel) && resync->vs_known && resync->vr_known)
		resync_event(tunnel, RESYNC_EVENT_LEARNT, now_ms);
}

void resync_before_send(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	resync_event(tunnel, RESYNC_EVENT_SILENCE, now_ms);
}

/* ---- time --------------------------------------------------------------- */

uint64_t resync_deadline(const struct l2tp_tunnel *tunnel)
{
	const struct resync *resync = &tunnel->resync;
	uint64_t first = CHANNEL_NEVER;

	if (learning(tunnel)) {
		first = resync->limit_ms < resync->listen_ms ? resync->limit_ms : resync->listen_ms;
	} else if (recovering(tunnel)) {
		first = resync->listen_ms;	/* the next try */
	}
	if (!learning(tunnel) && !watching(tunnel))
		return first;
	if (settle_deadline(tunnel) < first)
		first = settle_deadline(tunnel);
	return heard_deadline(tunnel) < first ? heard_deadline(tunnel) : first;
}

bool resync_timer(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct resync *resync = &tunnel->resync;

	if (recovering(tunnel) && now_ms >= resync->listen_ms)
		failover_retry(tunnel, now_ms);
	if (!learning(tunnel) && !watching(tunnel))
		return true;
	if (now_ms >= settle_deadline(tunnel)) {
		resync->settle_ms = CHANNEL_NEVER;
		resync->vr_known = true;
		tunnel->channel.vr = resync->zlb_ns;
		note_channel(tunnel);
		resync_settle(tunnel, now_ms);
	}
	if (now_ms >= heard_deadline(tunnel)) {
		settle_heard(tunnel, now_ms);
		tunnel_deliver_early(tunnel, now_ms);	/* what was heard */
		resync_settle(tunnel, now_ms);
	}
	if (learning(tunnel) && now_ms >= resync->limit_ms)
		return false;
	if (learning(tunnel) && now_ms >= resync->listen_ms)
		resync_event(tunnel, RESYNC_EVENT_SILENCE, now_ms);
	return true;
}

/* ---- the first packets -------------------------------------------------- */

/* Whether there was anything left to ask. */
static bool probe(struct l2tp_tunnel *tunnel, uint64_t now_ms)
{
	struct l2tp_result result;

	if (!tunnel)
		return false;
	switch (tunnel->resync.state) {
	case L2TP_RESYNC_NONE:
	case L2TP_RESYNC_LISTEN:
	case L2TP_RESYNC_DISCOVER:
	case L2TP_RESYNC_RESET:
	case L2TP_RESYNC_DONE:
	case L2TP_RESYNC_FAILED:
		return false;
	case L2TP_RESYNC_PROBE:
		if (tunnel->channel.una == tunnel->channel.vs)
			tunnel_hello(tunnel, now_ms);
		else
			tunnel_transmit(tunnel, now_ms);
		tunnel_schedule(tunnel);
		return true;
	case L2TP_RESYNC_RECOVER:
		failover_recover(tunnel, now_ms);
		return true;
	case L2TP_RESYNC_CLEAR:
		message_result(&result, STOPCCN_GENERAL, 0, tunnel->params.failover == L2TP_FAILOVER_DISABLE ?
			       "resynchronisation is disabled for this tunnel" :
			       "the peer lacks the failover protocol");
		tunnel->channel.hold = false;
		l2tp_tunnel_close(tunnel, now_ms, &result);
		return true;
	}
	return false;
}

void resync_probes(struct l2tp *l2tp, uint64_t now_ms)
{
	uint32_t budget;
	uint16_t id;

	while (l2tp->resync_due.count && l2tp->resync_next_ms <= now_ms) {
		budget = PROBES_PER_BATCH;
		while (budget && ring_pop(&l2tp->resync_due, &id))
			if (probe(l2tp->tunnels[id], now_ms))
				budget--;
		l2tp->resync_next_ms = now_ms + PROBE_BATCH_MS;
	}
}
