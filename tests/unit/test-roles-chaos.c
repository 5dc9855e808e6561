// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two pairs of engines that are LAC and LNS to each other at the same time, a
 * bad wire between them, and takeovers on both sides at any moment: tunnels and
 * calls of both kinds are asked for by either, answered, and closed at random.
 *
 * Of every sixteen runs eight recover their tunnels by RFC 4951, on both sides.
 *
 * Always: nothing established ends but by somebody's order.  In the end, when
 * all is quiet: both sides have the same tunnels and the same calls, each in
 * the role that fits the other's, and nothing is left in setup.
 */
#include "tests/unit/two_ends.h"

#include "tests/unit/check_main.h"

#define IDS 65536
#define UPS_MAX 1024

/* One side: what is active is two.end[i].l2tp. */
static struct side {
	struct l2tp *standby;
	bool tunnel_closed[IDS];		/* somebody ordered it, here or there */
	uint16_t session_closed[4096][2];	/* (tunnel, session) */
	size_t closed_count;
	uint16_t session_up[UPS_MAX][4];	/* (tunnel, session) here and there */
	size_t up_count;
	unsigned ups, downs, epoch;
} sides[2];

static int index_of(const struct two_end *end)
{
	return end == B;
}

static struct l2tp *engine(struct two_end *end)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops ops = { .ctx = end, .select_group = two_select, .random = two_random };
	struct l2tp *l2tp = l2tp_new(&config, &ops);

	ck_assert_ptr_nonnull(l2tp);
	return l2tp;
}

/* ---- records ------------------------------------------------------------ */

static void copy_tunnel(struct l2tp *from, struct l2tp *to, uint16_t id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(from, id);
	struct l2tp_tunnel_state_rec rec;

	if (!tunnel || !l2tp_tunnel_recorded(tunnel)) {
		l2tp_tunnel_forget(to, id);
		return;
	}
	l2tp_tunnel_export(tunnel, &rec);
	ck_assert_int_eq(l2tp_tunnel_import(to, &rec), 0);
}

static void copy_channel(struct l2tp *from, struct l2tp *to, uint16_t id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(from, id);
	struct l2tp_channel_state channel;

	if (!tunnel || !l2tp_tunnel_recorded(tunnel))
		return;
	l2tp_channel_export(tunnel, &channel);
	ck_assert_int_eq(l2tp_channel_import(to, id, &channel), 0);
}

static void copy_message(struct l2tp *from, struct l2tp *to, uint16_t id, uint16_t ns)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(from, id);
	const uint8_t *data;
	size_t len;

	data = tunnel ? l2tp_message(tunnel, ns, &len) : NULL;
	if (data)
		ck_assert_int_eq(l2tp_message_import(to, id, ns, data, len), 0);
}

static void copy_session(struct l2tp *from, struct l2tp *to, uint16_t tunnel, uint16_t id)
{
	struct l2tp_session *session = l2tp_session_find(from, tunnel, id);
	struct l2tp_session_state_rec rec;

	if (!session) {
		l2tp_session_forget(to, tunnel, id);
		return;
	}
	if (!l2tp_session_recorded(session))
		return;
	l2tp_session_export(session, &rec);
	ck_assert_int_eq(l2tp_session_import(to, &rec), 0);
}

static void mirror(struct two_end *end)
{
	struct l2tp *to = sides[index_of(end)].standby;
	const struct l2tp_dirty *dirty;
	size_t i;

	for (i = 0; i < end->dirty_count; i++) {
		dirty = &end->dirty[i];
		switch (dirty->type) {
		case L2TP_DIRTY_TUNNEL: copy_tunnel(end->l2tp, to, dirty->tunnel_id); break;
		case L2TP_DIRTY_CHANNEL: copy_channel(end->l2tp, to, dirty->tunnel_id); break;
		case L2TP_DIRTY_MESSAGE: copy_message(end->l2tp, to, dirty->tunnel_id, dirty->ns); break;
		case L2TP_DIRTY_MESSAGE_ACKED: break;
		case L2TP_DIRTY_SESSION: copy_session(end->l2tp, to, dirty->tunnel_id, dirty->session_id); break;
		}
	}
	end->dirty_count = 0;
}

static void snapshot(struct l2tp *from, struct l2tp *to)
{
	struct l2tp_tunnel_info info;
	uint16_t id, ns, session;

	for (id = 0; (id = l2tp_tunnel_next(from, id));) {
		if (!l2tp_tunnel_recorded(l2tp_tunnel_find(from, id)))
			continue;
		l2tp_tunnel_info(l2tp_tunnel_find(from, id), &info);
		copy_tunnel(from, to, id);
		copy_channel(from, to, id);
		for (ns = info.channel.una; ns != info.channel.vs; ns++)
			copy_message(from, to, id, ns);
		for (session = 0; (session = l2tp_session_next(from, id, session));)
			copy_session(from, to, id, session);
	}
}

/* The active dies with all it had not sent; its standby goes on and gets a new one. */
static void take_over(struct two_end *end)
{
	struct side *side = &sides[index_of(end)];

	two_drain(end);		/* what it did say was recorded first */
	l2tp_free(end->l2tp);
	end->l2tp = side->standby;
	side->standby = engine(end);
	l2tp_set_epoch(end->l2tp, ++side->epoch);
	l2tp_take_over(end->l2tp, two.now, two_word() & 1 ? L2TP_KNOWLEDGE_EXACT : L2TP_KNOWLEDGE_BEHIND);
	snapshot(end->l2tp, side->standby);
}

/* ---- orders ------------------------------------------------------------- */

static uint16_t random_tunnel(struct two_end *end, bool established)
{
	struct l2tp_tunnel_info info;
	uint16_t id, chosen = 0;
	unsigned count = 0;

	for (id = 0; (id = l2tp_tunnel_next(end->l2tp, id));) {
		info = two_info(end, id);
		if (info.s.state == L2TP_TUNNEL_CLOSING || (established && info.s.state != L2TP_TUNNEL_ESTABLISHED))
			continue;
		if (two_word() % ++count == 0)
			chosen = id;
	}
	return chosen;
}

static uint16_t random_session(struct two_end *end, uint16_t tunnel)
{
	uint16_t id, chosen = 0;
	unsigned count = 0;

	for (id = 0; (id = l2tp_session_next(end->l2tp, tunnel, id));)
		if (two_word() % ++count == 0)
			chosen = id;
	return chosen;
}

static void mark_session(int i, uint16_t tunnel, uint16_t session)
{
	ck_assert_uint_lt(sides[i].closed_count, 4096);
	sides[i].session_closed[sides[i].closed_count][0] = tunnel;
	sides[i].session_closed[sides[i].closed_count++][1] = session;
}

static void close_session(struct two_end *end)
{
	uint16_t tunnel = random_tunnel(end, true), id = tunnel ? random_session(end, tunnel) : 0;
	struct l2tp_result result = { .result = 3 };
	struct l2tp_session_state_rec rec;

	if (!id)
		return;
	l2tp_session_export(l2tp_session_find(end->l2tp, tunnel, id), &rec);
	mark_session(index_of(end), tunnel, id);
	mark_session(!index_of(end), two_info(end, tunnel).s.peer_id, rec.peer_id);
	l2tp_session_close(l2tp_session_find(end->l2tp, tunnel, id), two.now, &result);
}

static void close_tunnel(struct two_end *end)
{
	struct l2tp_result result = { .result = 1 };
	uint16_t id = random_tunnel(end, true);

	if (!id)
		return;
	sides[index_of(end)].tunnel_closed[id] = true;
	sides[!index_of(end)].tunnel_closed[two_info(end, id).s.peer_id] = true;
	l2tp_tunnel_close(l2tp_tunnel_find(end->l2tp, id), two.now, &result);
}

static void place_call(struct two_end *end)
{
	static const struct l2tp_avp further[] = { { 0, AVP_PROXY_AUTHEN_NAME, "user", 4 } };
	bool dial = two_word() & 1;
	struct l2tp_call_params params = { .bearer_type = 1, .called = "1", .tx_speed = two_word(),
					   .avps = dial ? NULL : further, .avp_count = dial ? 0 : 1 };
	uint16_t tunnel = random_tunnel(end, false), id;
	int error;

	if (!tunnel)
		return;
	error = l2tp_call_open(l2tp_tunnel_find(end->l2tp, tunnel), two.now, dial ? L2TP_CALL_OUT_LNS : L2TP_CALL_IN_LAC,
			       &params, &id);
	ck_assert(!error || error == -EAGAIN);
}

/* Whoever is dialled for the other side answers, sooner or later, or not. */
static void answer_calls(struct two_end *end, unsigned per_cent)
{
	struct l2tp_call_params params = { .tx_speed = two_word() };
	uint16_t tunnel, id;

	for (tunnel = 0; (tunnel = l2tp_tunnel_next(end->l2tp, tunnel));)
		for (id = 0; (id = l2tp_session_next(end->l2tp, tunnel, id));)
			if (two_word() % 100 < per_cent)
				l2tp_call_answer(l2tp_session_find(end->l2tp, tunnel, id), two.now, &params);
}

/* ---- what must hold ----------------------------------------------------- */

static bool session_was_closed(int i, uint16_t tunnel, uint16_t session)
{
	size_t n;

	if (sides[i].tunnel_closed[tunnel])
		return true;
	for (n = 0; n < sides[i].closed_count; n++)
		if (sides[i].session_closed[n][0] == tunnel && sides[i].session_closed[n][1] == session)
			return true;
	return false;
}

/*
 * To a LAC a call is established when it has said so; the LNS may not have
 * heard of it yet: its box took over, or its patience ended before that.
 */
static bool never_was_at_the_lns(const struct l2tp_action *action)
{
	return action->by_peer && (action->result.result == CDN_TIMEOUT ||
				   (action->result.error == ERROR_SESSION_ID &&
				    !strcmp(action->result.text, "OCRP for a call that is not here")));
}

/* What this end calls established, with the names of the other end. */
static void note_up(struct two_end *end, uint16_t tunnel, uint16_t id)
{
	struct l2tp_session *session = l2tp_session_find(end->l2tp, tunnel, id);
	struct side *side = &sides[index_of(end)];
	struct l2tp_session_state_rec rec;
	uint16_t *up = side->session_up[side->up_count++];

	ck_assert_uint_lt(side->up_count, UPS_MAX);
	if (!session)		/* gone meanwhile */
		return;
	l2tp_session_export(session, &rec);
	up[0] = tunnel;
	up[1] = id;
	up[2] = two_info(end, tunnel).s.peer_id;
	up[3] = rec.peer_id;
}

/* RFC 4951 3.3: the same, when its ICCN or OCCN was forgotten with the queue at the recovery of the tunnel. */
static bool never_came_up_there(const struct two_end *end, const struct l2tp_action *action)
{
	const struct side *ours = &sides[index_of(end)], *theirs = &sides[!index_of(end)];
	size_t i, k;

	if (action->result.result || strcmp(action->result.text, "the peer does not have this session any more") != 0)
		return false;
	for (i = ours->up_count; i--;)
		if (ours->session_up[i][0] == action->tunnel_id && ours->session_up[i][1] == action->session_id)
			break;
	ck_assert_uint_lt(i, ours->up_count);
	for (k = 0; k < theirs->up_count; k++)
		if (theirs->session_up[k][0] == ours->session_up[i][2] && theirs->session_up[k][1] == ours->session_up[i][3])
			return false;
	return true;
}

/* Called for each action before it is taken from the engine's last[]. */
static void judge(struct two_end *end, const struct l2tp_action *action)
{
	struct side *side = &sides[index_of(end)];

	if (action->type == L2TP_ACTION_SESSION_UP) {
		note_up(end, action->tunnel_id, action->session_id);
		side->ups++;
	}
	if (action->type == L2TP_ACTION_TUNNEL_DOWN && action->was_established)
		ck_assert_msg(side->tunnel_closed[action->tunnel_id], "tunnel %u of %d ends: %s", action->tunnel_id,
			      index_of(end), action->result.text);
	if (action->type == L2TP_ACTION_SESSION_DOWN && (never_was_at_the_lns(action) || never_came_up_there(end, action)))
		return;
	if (action->type == L2TP_ACTION_SESSION_DOWN && action->was_established) {
		side->downs++;
		ck_assert_msg(session_was_closed(index_of(end), action->tunnel_id, action->session_id),
			      "session %u/%u of %d ends: %u/%u %s", action->tunnel_id, action->session_id, index_of(end),
			      action->result.result, action->result.error, action->result.text);
	}
}

static void both_have_the_same(struct two_end *end)
{
	static const enum l2tp_call fits[] = { [L2TP_CALL_IN_LNS] = L2TP_CALL_IN_LAC, [L2TP_CALL_IN_LAC] = L2TP_CALL_IN_LNS,
					       [L2TP_CALL_OUT_LAC] = L2TP_CALL_OUT_LNS,
					       [L2TP_CALL_OUT_LNS] = L2TP_CALL_OUT_LAC };
	struct two_end *other = end == A ? B : A;
	struct l2tp_session_state_rec ours, theirs;
	struct l2tp_session *session;
	struct l2tp_tunnel_info info;
	uint16_t tunnel, id, peer;

	for (tunnel = 0; (tunnel = l2tp_tunnel_next(end->l2tp, tunnel));) {
		info = two_info(end, tunnel);
		ck_assert_int_eq(info.s.state, L2TP_TUNNEL_ESTABLISHED);
		ck_assert(!info.resync);
		peer = info.s.peer_id;
		ck_assert_uint_eq(two_info(other, peer).s.peer_id, tunnel);
		ck_assert_int_ne(two_info(other, peer).s.initiator, info.s.initiator);
		for (id = 0; (id = l2tp_session_next(end->l2tp, tunnel, id));) {
			l2tp_session_export(l2tp_session_find(end->l2tp, tunnel, id), &ours);
			ck_assert_int_eq(ours.state, L2TP_SESSION_ESTABLISHED);
			session = l2tp_session_find(other->l2tp, peer, ours.peer_id);
			ck_assert_ptr_nonnull(session);
			l2tp_session_export(session, &theirs);
			ck_assert_uint_eq(theirs.peer_id, id);
			ck_assert_int_eq(theirs.call, fits[ours.call]);
			ck_assert_uint_eq(theirs.call_serial, ours.call_serial);
			ck_assert_uint_eq(theirs.tx_speed, ours.tx_speed);
			ck_assert_uint_eq(theirs.attrs_len, ours.attrs_len);
			ck_assert_mem_eq(theirs.attrs, ours.attrs, ours.attrs_len);
		}
	}
}

/* The standby of a side has what its active has. */
static void standby_is_the_same(struct two_end *end)
{
	struct l2tp_counters active, standby;

	two_drain(end);
	l2tp_counters(end->l2tp, &active);
	l2tp_counters(sides[index_of(end)].standby, &standby);
	ck_assert_uint_eq(active.tunnels_established, standby.tunnels_established);
	ck_assert_uint_eq(active.sessions_established, standby.sessions_established);
}

/* ---- the run ------------------------------------------------------------ */

static void order(bool with_takeovers)
{
	struct two_end *end = two_word() & 1 ? A : B;
	uint32_t what = two_word() % 100;

	if (what < 8)
		two_open(end);
	else if (what < 55)
		place_call(end);
	else if (what < 75)
		answer_calls(end, 60);
	else if (what < 88)
		close_session(end);
	else if (what < 90)
		close_tunnel(end);
	else if (with_takeovers && what < 96)
		take_over(end);
}

START_TEST(chaos)
{
	int i;

	two_start((uint32_t)_i + 1);
	memset(sides, 0, sizeof(sides));
	for (i = 0; i < 2; i++) {
		two.end[i].params.accept_dialout = true;
		two.end[i].params.bearer = 3;
		two.end[i].params.retransmit_retries = 30;
		two.end[i].params.setup_timeout_s = 20;
		strcpy(two.end[i].params.secret, "tunnel");
		two.end[i].params.authenticate = _i & 1;
		two.end[i].params.hide = _i & 2;
		two.end[i].params.tie_break = _i & 4;
		two.end[i].params.failover = _i & 8 ? L2TP_FAILOVER_PROTOCOL_SILENT : L2TP_FAILOVER_SILENT;
		two.end[i].params.recovery_ms = 60000;
		two.end[i].judge = judge;
		two.end[i].record = mirror;
		sides[i].standby = engine(&two.end[i]);
	}
	two.loss = 10;
	two.twice = 10;
	two.late = 30;
	for (i = 0; i < 150; i++) {
		order(true);
		two_run(two_word() % 400);
	}
	two.loss = two.twice = two.late = 0;
	for (i = 0; i < 40; i++) {
		answer_calls(A, 100);
		answer_calls(B, 100);
		two_run(10000);
	}
	both_have_the_same(A);
	both_have_the_same(B);
	standby_is_the_same(A);
	standby_is_the_same(B);
	ck_assert_uint_gt(sides[0].ups + sides[1].ups, 2);
	ck_assert_uint_gt(sides[0].downs + sides[1].downs, 0);
	for (i = 0; i < 2; i++)
		l2tp_free(sides[i].standby);
	two_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("roles-chaos");
	TCase *tcase = tcase_create("roles-chaos");

	tcase_add_loop_test(tcase, chaos, 0, 160);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
