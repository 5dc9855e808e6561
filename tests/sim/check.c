/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guarantees of DESIGN 4.4 as code, and the reference model they are
 * measured against: what the LACs and their clients know (struct peer,
 * struct call) and what the standby's store holds at the moment a packet
 * leaves the active.
 *
 * Loss is judged by foresight: when a node goes, check_before_loss() writes
 * down what its peer could not know (at_risk, ppp_at_risk).  Everything else
 * has to survive.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/checkpoint.h"

static int16_t seq_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(a - b);
}

/* ---- S3, S4 when a control packet leaves ---- */

struct find_session {
	uint16_t tid, peer_sid;
	bool found;
};

static bool find_session(void *ctx, struct ha_key key, const void *body, size_t len)
{
	struct find_session *find = ctx;
	struct l2tp_session_state_rec rec;

	if (key.a == find->tid && !checkpoint_decode_session(body, len, &rec) && rec.peer_id == find->peer_sid)
		find->found = true;
	return !find->found;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

#define COMPARED_WITHIN (15 * SEC)	/* FSQ and FSR (RFC 4951 3.3) with some of them lost */

/* It may have lost everything and be back, within the second that its active needs to notice. */
static bool has_followed(const struct node *standby)
{
	enum ha_sync sync = node_sync(standby);

	return sync == HA_SYNC_IN_SYNC || sync == HA_SYNC_STALE;
}

/* What it lets out its standby holds, whatever it calls itself. */
static bool protects(const struct node *node)
{
	struct ha_info info;

	ha_info(group_ha(node->group), &info);
	return info.sync == HA_SYNC_IN_SYNC || info.doubt;
}

/*
 * Given out before the tunnel was recovered with quite other numbers, and held back until now: the LAC
 * drops it.  Longer than a doubt lasts nothing is held back.
 */
static bool renumbered(const struct sim *sim, const struct l2tp_endpoint *addr)
{
	int i;

	for (i = 0; sim->failover && i < sim->peer_count; i++)
		if (endpoint_equal(&sim->peers[i].addr, addr) &&
		    (lac_recovering(sim->peers[i].lac) || sim->now_us < sim->peers[i].recovered_us + 1600 * MS))
			return true;
	return false;
}

void check_transmit(struct node *node, const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct sim *sim = node->sim;
	struct node *standby = &sim->nodes[!node->index];
	uint16_t peer_tid, ns, nr, tid = 0, next = 0, type = 0;
	struct l2tp *l2tp;
	struct l2tp_tunnel_info info, found;
	struct l2tp_channel_state ch;
	uint8_t stored[L2TP_MSG_MAX];
	size_t stored_len, body_len;
	const struct ha *store;
	const void *body;

	if (len < 12 || !node->group || !standby->group || !protects(node) || node_is_owner(standby))
		return;
	if (node_sync(node) != HA_SYNC_IN_SYNC && !has_followed(standby))
		return;		/* it is back, and empty */
	/* the death of a standby may take its silence to show: what it held is gone, and said so within a second */
	if (!sim->wire.up[0] || !sim->wire.up[1] || sim->wire.conn[0] != sim->wire.conn[1])
		return;
	l2tp = group_l2tp(node->group);
	store = group_ha(standby->group);
	peer_tid = get16(data + 4);
	ns = get16(data + 8);
	nr = get16(data + 10);
	if (len >= 20)
		type = get16(data + 18);
	while ((next = l2tp_tunnel_next(l2tp, next))) {
		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, next), &found);
		if (found.s.peer_id != peer_tid || !endpoint_equal(&found.s.peer, peer))
			continue;
		tid = next;
		info = found;
		if (found.channel.vr == nr)
			break;	/* a LAC that restarted may give its number out again: not the tunnel before */
	}
	/* ours, and not answered yet: it ends with its node */
	if (!tid || !info.s.params.ha || !l2tp_tunnel_recorded(l2tp_tunnel_find(l2tp, tid)))
		return;
	sim->s3_checked++;
	body = ha_get(store, (struct ha_key){ CHECKPOINT_CHANNEL, tid, 0, 0 }, &body_len);
	if (info.s.state == L2TP_TUNNEL_CLOSING) {
		/* what was queued before the end may still leave; the end itself and its acknowledgement not */
		if ((type == 4 || nr == info.channel.vr) &&
		    (body || ha_get(store, (struct ha_key){ CHECKPOINT_TUNNEL, tid, 0, 0 }, &body_len)))
			sim_fail(sim, "S4: a packet of closing tunnel %u left, its standby still has the tunnel", tid);
		return;
	}
	if (!body || checkpoint_decode_channel(body, body_len, &ch)) {
		sim_fail(sim, "S3: a packet of tunnel %u left, its standby does not know the channel", tid);
		return;
	}
	if (renumbered(sim, peer))
		return;
	if (seq_diff(ch.vr, nr) < 0) {
		sim_fail(sim, "S3: tunnel %u acknowledged %u, its standby expects %u", tid, nr, ch.vr);
		return;
	}
	if (len < 20) {
		if (seq_diff(ch.vs, ns) < 0)
			sim_fail(sim, "S3: a ZLB of tunnel %u left with Ns %u, its standby would use %u", tid, ns, ch.vs);
		return;
	}
	if (seq_diff(ch.vs, ns) <= 0) {
		sim_fail(sim, "S3: message Ns %u of tunnel %u left, its standby would use Ns %u again", ns, tid, ch.vs);
		return;
	}
	if (seq_diff(ns, ch.una) >= 0) {
		body = ha_get(store, (struct ha_key){ CHECKPOINT_MESSAGE, tid, ns, 0 }, &body_len);
		if (!body || checkpoint_decode_message(body, body_len, stored, &stored_len) || stored_len != len ||
		    memcmp(stored, data, 10) || memcmp(stored + 12, data + 12, len - 12)) {
			sim_fail(sim, "S3: message Ns %u of tunnel %u left, its standby holds %s", ns, tid,
				 body ? "other bytes" : "nothing");
			return;
		}
	}
	if (type == 14) {
		struct find_session find = { tid, get16(data + 6), false };

		ha_visit(store, CHECKPOINT_SESSION, find_session, &find);
		if (find.found)
			sim_fail(sim, "S4: a CDN of tunnel %u left, its standby still has the session", tid);
	}
}

/* ---- what may be lost with a node ---- */

/* An access link that is cut for long: PPP that is open at one end only gives up, as it should. */
void check_before_silence(struct sim *sim, struct node *active)
{
	int i;

	for (i = 0; i < sim->call_count; i++) {
		struct call *call = &sim->calls[i];
		struct subscriber_info info = { 0 };

		if (call->lc && (!group_subscriber(active->group, lac_peer_tid(sim->peers[call->peer].lac),
						   lac_call_peer_sid(call->lc), &info) || info.state != SUBSCRIBER_UP))
			call->ppp_at_risk = true;
	}
}

/* Told that its active goes on without it, it leaves the takeover to the operator: though not a word was lost yet. */
static bool was_told(const struct node *active, const struct node *standby)
{
	struct ha_info of_active, of_standby;

	ha_info(group_ha(active->group), &of_active);
	ha_info(group_ha(standby->group), &of_standby);
	return of_active.doubt && of_standby.fitness != HA_FITNESS_READY;
}

/* Who hands over and is refused serves on: what was open stays so. */
static bool stays_open(const struct node *node, const struct peer *peer, const struct call *call)
{
	uint32_t addr;
	bool open;

	return node->sim->wire.misfit && ppp_model_has(node->ppp, lac_peer_tid(peer->lac), lac_call_peer_sid(call->lc), &open,
						       &addr) && open;
}

void check_before_loss(struct sim *sim, struct node *lost, bool planned)
{
	struct node *standby = &sim->nodes[!lost->index];
	bool covered;
	int i;

	if (!lost->group)
		return;
	if (!planned && !node_is_owner(lost)) {
		/* who would take over from an active that stands still is gone as well */
		if (!standby->frozen || !node_is_owner(standby))
			return;
		lost = standby;
		standby = &sim->nodes[!lost->index];
		covered = false;
	} else {
		covered = standby->group && !standby->frozen && !node_is_owner(standby) &&
			  (planned || (protects(lost) && has_followed(standby) && !was_told(lost, standby)));
	}
	if (!covered) {
		sim_trace(sim, "node %d was not covered (%s)", lost->index, ha_sync_name(node_sync(lost)));
		/* a stream that a third party ended looks at both ends like the death of the other one */
		if (!planned && !protects(lost) && sim->now_us >= sim->wire.broken_us + 1500 * MS &&
		    !lost->frozen &&	/* judged when it froze: it has said nothing since */
		    lost->seen_epoch >= standby->seen_epoch)	/* else its successor knew already that it has old records */
			sim->unprotected = lost->index;
		sim->far_at_risk = sim->switching;
		for (i = 0; i < sim->peer_count; i++)
			if (!lac_is_idle(sim->peers[i].lac))
				sim->peers[i].at_risk = true;
	}
	lns_before_loss(sim, covered ? standby : NULL);
	pppoe_before_loss(sim, covered ? standby : NULL);
	for (i = 0; i < sim->call_count; i++) {
		struct call *call = &sim->calls[i];
		struct subscriber_info info = { 0 };
		struct peer *peer = &sim->peers[call->peer];
		struct l2tp_session *session;

		if (!call->lc) {
			/* it ended while nobody was told */
			if (!covered && call->hung_up) {
				call->at_risk = true;
				call->confirmed = false;
			}
			continue;
		}
		if (!covered) {
			call->at_risk = call->ppp_at_risk = true;
			continue;
		}
		session = l2tp_session_find(group_l2tp(standby->group), lac_peer_tid(peer->lac),
					    lac_call_peer_sid(call->lc));
		if (!call->up || !session)
			call->at_risk = true;
		if (!session || !group_subscriber(standby->group, lac_peer_tid(peer->lac),
						  lac_call_peer_sid(call->lc), &info) || !info.has_ppp)
			call->ppp_at_risk = !stays_open(lost, peer, call);
	}
}

/* Of two owners that are about to meet, as ha/conflict.c has it. */
static int loser_of(const struct ha_info *a, const struct ha_info *b)
{
	if (a->epoch != b->epoch)
		return b->epoch < a->epoch;
	return b->seq <= a->seq;	/* the first name stays */
}

/* -1: it may be either. */
static void loses(struct sim *sim, int loser)
{
	int i;

	for (i = 0; sim->net.loses && i < sim->peer_count; i++)
		if (loser < 0 || net_side(sim, &sim->peers[i].addr) == loser)
			sim->peers[i].at_risk = true;
	for (i = 0; i < sim->call_count; i++)
		if (sim->peers[sim->calls[i].peer].at_risk) {
			sim->calls[i].at_risk = true;
			sim->calls[i].confirmed = false;
		}
}

void check_before_join(struct sim *sim)
{
	struct ha_info info[SIM_NODES] = { 0 };
	int i, loser = -1;

	for (i = 0; i < SIM_NODES; i++)
		if (sim->nodes[i].group)
			ha_info(group_ha(sim->nodes[i].group), &info[i]);
	if (sim->net.split && info[0].owner && info[1].owner)
		loser = loser_of(&info[0], &info[1]);
	else if (!sim->net.split)
		loser = sim->net.loser;
	loses(sim, loser);
}

/*
 * Two owners: only now are the figures those that decide.  Or one with the higher epoch has come back, and
 * who served without having heard of it goes mute.
 */
void check_before_meeting(struct sim *sim)
{
	struct ha_info info[SIM_NODES] = { 0 };
	int i;

	for (i = 0; i < SIM_NODES; i++)
		if (node_alive(&sim->nodes[i]))
			ha_info(group_ha(sim->nodes[i].group), &info[i]);
	if (info[0].owner && info[1].owner)
		loses(sim, loser_of(&info[0], &info[1]));
	for (i = 0; i < SIM_NODES; i++)
		if (info[i].owner && !info[!i].owner && info[!i].epoch > info[i].epoch)
			check_before_loss(sim, &sim->nodes[i], false);
}

void check_takeover(struct node *node)
{
	struct sim *sim = node->sim;
	struct ha_info info;

	ha_info(group_ha(node->group), &info);
	if (sim->unprotected == !node->index && info.records && !info.behind)
		sim_fail(sim, "S3: node %d calls its records exact, and node %d had spoken without it", node->index,
			 sim->unprotected);
	sim->unprotected = -1;
}

/* ---- after every event ---- */

static void check_epochs(struct sim *sim)
{
	struct ha_info info[SIM_NODES];
	bool has[SIM_NODES] = { false };
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];

		if (!node->group)
			continue;
		has[i] = true;
		ha_info(group_ha(node->group), &info[i]);
		if (info[i].epoch < node->seen_epoch)
			sim_fail(sim, "S7: epoch of node %d falls from %llu to %llu", i,
				 (unsigned long long)node->seen_epoch, (unsigned long long)info[i].epoch);
		node->seen_epoch = info[i].epoch;
		if (info[i].owner && info[i].epoch > node->disk_epoch && !node->disk_failed)
			sim_fail(sim, "S7: node %d owns epoch %llu, a restart would find %llu", i,
				 (unsigned long long)info[i].epoch, (unsigned long long)node->disk_epoch);
	}
	/* one that was frozen does not know yet: its lease has ended, and it looks before it speaks again */
	if (has[0] && has[1] && info[0].owner && info[1].owner && info[0].epoch == info[1].epoch &&
	    sim->now_us >= sim->split_until_us &&
	    node_speaks(&sim->nodes[0]) && node_speaks(&sim->nodes[1]))
		sim_fail(sim, "S7: both nodes own epoch %llu", (unsigned long long)info[0].epoch);
	if (node_speaks(&sim->nodes[0]) && node_speaks(&sim->nodes[1]) && !sim->nodes[0].access_cut &&
	    !sim->nodes[1].access_cut && sim->now_us >= sim->split_until_us)
		sim_fail(sim, "S1: both nodes hold the address and may speak");
}

static void check_confirmed(struct sim *sim)
{
	int i;

	for (i = 0; i < sim->call_count; i++) {
		struct call *call = &sim->calls[i];
		struct peer *peer = &sim->peers[call->peer];

		/* what was queued is forgotten at a recovery: the CDN too; the sessions are compared then */
		if (call->hung_up && !call->confirmed &&
		    (lac_recovering(peer->lac) || lac_counters(peer->lac)->recovered != peer->recoveries))
			call->compared_us = sim->now_us + COMPARED_WITHIN;
		if (call->hung_up && !call->confirmed && !call->at_risk && sim->now_us >= call->compared_us &&
		    lac_tid(peer->lac) == call->lac_tid &&
		    lac_is_up(peer->lac) && !lac_backlog(peer->lac)) {
			call->confirmed = true;
			call->confirmed_us = sim->now_us;
		}
	}
	for (i = 0; i < sim->peer_count; i++) {
		struct peer *peer = &sim->peers[i];

		if (lac_recovering(peer->lac) || lac_counters(peer->lac)->recovered != peer->recoveries)
			peer->recovered_us = sim->now_us;
		peer->recoveries = lac_counters(peer->lac)->recovered;
	}
}

static bool is_ghost(const struct sim *sim, const struct node *node, const struct call *call, uint16_t tid, uint16_t sid)
{
	struct l2tp *l2tp = group_l2tp(node->group);
	struct l2tp_session *session = l2tp_session_find(l2tp, tid, sid);
	struct l2tp_session_state_rec rec;
	struct l2tp_tunnel_info info;

	if (!session)
		return false;
	l2tp_session_export(session, &rec);
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tid), &info);
	return call->serial == rec.call_serial && call->lac_sid == rec.peer_id && call->lac_tid == info.s.peer_id &&
	       !net_unreachable(sim, node, &sim->peers[call->peer].addr);
}

/* S4 on a node that serves: none of its sessions is one that ended.  Those without a known number now and then. */
static void check_ghosts(struct sim *sim, struct node *node)
{
	struct l2tp *l2tp = group_l2tp(node->group);
	bool all = ++sim->ghost_checks % 64 == 0;
	int i;

	for (i = 0; i < sim->call_count; i++) {
		const struct call *call = &sim->calls[i];
		uint16_t tid = call->lns_tid, sid = call->lns_sid;
		bool ghost = false;

		if (!call->confirmed)
			continue;
		if (tid)
			ghost = is_ghost(sim, node, call, tid, sid);
		else if (all)
			while (!ghost && (tid = l2tp_tunnel_next(l2tp, tid)))
				for (sid = 0; !ghost && (sid = l2tp_session_next(l2tp, tid, sid));)
					ghost = is_ghost(sim, node, call, tid, sid);
		if (ghost)
			sim_fail(sim, "S4: call %d ended and was confirmed, node %d has it as %u/%u", i, node->index, tid, sid);
	}
}

static void check_clients(struct sim *sim)
{
	int i, k;

	for (i = 0; i < sim->call_count; i++) {
		const struct call *a = &sim->calls[i];

		if (!a->lc || a->ppp != CALL_PPP_UP || a->doomed || a->at_risk || a->ppp_at_risk)
			continue;
		for (k = i + 1; k < sim->call_count; k++) {
			const struct call *b = &sim->calls[k];

			if (b->lc && b->ppp == CALL_PPP_UP && !b->doomed && !b->at_risk && !b->ppp_at_risk &&
			    a->addr == b->addr)
				sim_fail(sim, "S5: calls %d and %d have the same address %08x", i, k, a->addr);
		}
	}
}

/* S3: who calls itself in sync and is not, has a second to notice. */
static void check_honesty(struct sim *sim, struct node *node)
{
	const struct ha_wire *w = &sim->wire;
	struct node *standby = &sim->nodes[!node->index];
	bool covered = w->up[0] && w->up[1] && w->conn[0] == w->conn[1] && !w->cut && !w->mute[0] && !w->mute[1] &&
		       node_alive(standby) && standby->role == HA_ROLE_STANDBY;
	uint64_t patience = 1100 * MS + w->latency_us + w->jitter_us + w->slow_us[0] + w->slow_us[1];
	uint64_t from_us = w->last_at[standby->index];	/* old words that are still under way */

	if (covered && node_alive(node) && node->role == HA_ROLE_ACTIVE && node_sync(node) == HA_SYNC_IN_SYNC)
		sim->unprotected = -1;		/* it came back, and the other one has caught up */
	if (covered || !node_alive(node) || node->role != HA_ROLE_ACTIVE || node_sync(node) != HA_SYNC_IN_SYNC)
		node->sync_lie_us = 0;
	else if (!node->sync_lie_us)
		node->sync_lie_us = sim->now_us;
	else if (sim->now_us > (from_us > node->sync_lie_us ? from_us : node->sync_lie_us) + patience)
		sim_fail(sim, "S3: node %d has called itself in sync for %llu ms, and is not", node->index,
			 (unsigned long long)((sim->now_us - node->sync_lie_us) / MS));
}

void check_step(struct sim *sim)
{
	struct ha_wire *w = &sim->wire;
	char text[128];
	int i;

	if (sim->failed)
		return;
	check_epochs(sim);
	check_confirmed(sim);
	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];
		const char *dup;

		if (node->ppp && (dup = ppp_model_duplicate(node->ppp, text)))
			sim_fail(sim, "S5: node %d: %s", i, dup);
		if (node->group && node->role == HA_ROLE_ACTIVE && node_speaks(node) && !node->frozen)
			check_ghosts(sim, node);
		check_honesty(sim, node);
	}
	check_clients(sim);
	if (w->corrupted_conn && (!w->up[0] || !w->up[1] || w->conn[0] != w->corrupted_conn ||
				  w->conn[1] != w->corrupted_conn))
		w->corrupted_conn = 0;
	if (w->corrupted_conn && !w->cut && node_alive(&sim->nodes[0]) && node_alive(&sim->nodes[1]) &&
	    sim->now_us > w->corrupted_us + 15 * SEC)
		sim_fail(sim, "S6: the stream goes on 15 s after a bit of it flipped");
}

/* ---- when faults are over ---- */

struct count {
	size_t tunnels, tunnels_up, sessions, sessions_up;
	size_t known;		/* sessions on tunnels that their LAC still has */
};

/* A LAC that began anew gave up an old tunnel whose StopCCN nobody confirmed: that one ends by its retransmissions. */
static bool lac_has(struct sim *sim, const struct l2tp_tunnel_info *info)
{
	int i;

	for (i = 0; i < sim->peer_count; i++)
		if (endpoint_equal(&sim->peers[i].addr, &info->s.peer) && sim->peers[i].lac &&
		    lac_tid(sim->peers[i].lac) == info->s.peer_id)
			return true;	/* several LACs may share an address */
	return false;
}

static struct count count_engine(struct node *node)
{
	struct l2tp *l2tp = group_l2tp(node->group);
	struct count n = { 0 };
	uint16_t tid = 0, sid;

	while ((tid = l2tp_tunnel_next(l2tp, tid))) {
		struct l2tp_tunnel_info info;

		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tid), &info);
		n.tunnels += info.s.state != L2TP_TUNNEL_CLOSING;
		n.tunnels_up += info.s.state == L2TP_TUNNEL_ESTABLISHED;
		for (sid = 0; (sid = l2tp_session_next(l2tp, tid, sid));) {
			struct l2tp_session_state_rec rec;

			l2tp_session_export(l2tp_session_find(l2tp, tid, sid), &rec);
			n.sessions++;
			n.known += lac_has(node->sim, &info);
			n.sessions_up += rec.state == L2TP_SESSION_ESTABLISHED;
		}
	}
	return n;
}

static bool any_risk(const struct sim *sim)
{
	int i;

	for (i = 0; i < sim->peer_count; i++)
		if (sim->peers[i].at_risk || sim->now_us < sim->peers[i].excused_until_us)
			return true;
	for (i = 0; i < sim->call_count; i++)
		if (sim->calls[i].at_risk && (sim->calls[i].lc || sim->calls[i].hung_up))
			return true;
	return false;
}

/* Calls go on to an LNS, and no PPP is left here. */
static bool switches(const struct sim *sim)
{
	return sim->switching || sim->subscribers;
}

static void check_pair(struct sim *sim)
{
	struct node *active, *standby;
	struct count n, m;
	int a = sim_active(sim), i;
	size_t up = 0;
	const char *dup;
	char text[128];

	if (a < 0) {
		sim_fail(sim, "liveness: no active node at the end");
		return;
	}
	active = &sim->nodes[a];
	standby = &sim->nodes[!a];
	if (!standby->group) {
		sim_fail(sim, "liveness: node %d does not run at the end", !a);
		return;
	}
	/* an old tunnel may have been given up this very moment */
	for (i = 0; i < 20 && !sim->failed && (dp_null_pending(active->dp) || dp_null_pending(standby->dp)); i++)
		sim_run_for(sim, 50 * MS);
	if (sim->failed)
		return;
	if (node_sync(active) != HA_SYNC_IN_SYNC || node_sync(standby) != HA_SYNC_IN_SYNC) {
		struct ha_info ia, is;

		ha_info(group_ha(active->group), &ia);
		ha_info(group_ha(standby->group), &is);
		sim_fail(sim, "liveness: not in sync at the end: %s (%s), %s (%s)", ha_sync_name(ia.sync),
			 ia.sync_reason, ha_sync_name(is.sync), is.sync_reason);
		return;
	}
	/* one may be under way between them */
	for (i = 0; i < 3 && !sim->failed && ha_digest(group_ha(active->group)) != ha_digest(group_ha(standby->group)); i++)
		sim_run_for(sim, 7 * MS);
	if (ha_digest(group_ha(active->group)) != ha_digest(group_ha(standby->group))) {
		sim_fail(sim, "S6: the stores differ at the end");
		return;
	}
	if (sim->far_at_risk)
		return;		/* calls may be on their way to an LNS that is not understood any more */
	n = count_engine(active);
	m = count_engine(standby);
	if (n.sessions != m.sessions || n.tunnels != m.tunnels) {
		sim_fail(sim, "liveness: engines differ at the end: %zu/%zu tunnels, %zu/%zu sessions", n.tunnels, m.tunnels,
			 n.sessions, m.sessions);
		return;
	}
	if (dp_null_sessions(active->dp) != n.sessions_up || ppp_model_count(active->ppp) != (switches(sim) ? 0 : n.sessions_up)) {
		sim_fail(sim, "leak: active node %d has %zu sessions, %zu in the kernel, %zu PPP", a, n.sessions_up,
			 dp_null_sessions(active->dp), ppp_model_count(active->ppp));
		return;
	}
	if (dp_null_sessions(standby->dp) != (sim->hot ? n.sessions_up : 0) ||
	    ppp_model_count(standby->ppp) != (sim->hot && !switches(sim) ? n.sessions_up : 0)) {
		sim_fail(sim, "leak: %s standby node %d has %zu sessions, %zu in the kernel, %zu PPP",
			 sim->hot ? "hot" : "warm", !a, m.sessions_up, dp_null_sessions(standby->dp),
			 ppp_model_count(standby->ppp));
		return;
	}
	if (sim->hot && (dup = ppp_model_differs(active->ppp, standby->ppp, text))) {
		sim_fail(sim, "S5: the nodes differ at the end: %s", dup);
		return;
	}
	/* fewer: one whose kernel object failed gets it with its first session */
	if (dp_null_tunnels(active->dp) > n.tunnels_up || dp_null_tunnels(standby->dp) > n.tunnels_up) {
		sim_fail(sim, "leak: %zu tunnels, %zu and %zu in the kernels", n.tunnels_up, dp_null_tunnels(active->dp),
			 dp_null_tunnels(standby->dp));
		return;
	}
	for (i = 0; i < sim->call_count; i++)
		up += sim->calls[i].lc != NULL;
	if (!any_risk(sim) && up != n.known)
		sim_fail(sim, "liveness: the LACs have %zu calls, node %d has %zu sessions of them", up, a, n.known);
}

static void check_calls(struct sim *sim)
{
	int i;

	for (i = 0; i < sim->call_count; i++) {
		struct call *call = &sim->calls[i];

		call->echo_ok = 0;
		client_echo(sim, call);
	}
	sim_run_for(sim, 500 * MS);
	for (i = 0; i < sim->call_count && !sim->failed; i++) {
		struct call *call = &sim->calls[i];
		struct subscriber_info info;
		int a = sim_active(sim);
		struct peer *peer = &sim->peers[call->peer];

		if (!call->lc || call->at_risk || peer->at_risk)
			continue;
		if (!call->up || call->ppp != CALL_PPP_UP) {
			sim_fail(sim, "liveness: call %d is %s at the end", i, call->up ? "up without PPP" : "not up");
			return;
		}
		if (call->echo_ok != 1) {
			sim_fail(sim, "liveness: call %d got %u answers to one echo at the end", i, call->echo_ok);
			return;
		}
		if (a < 0 || !group_subscriber(sim->nodes[a].group, lac_peer_tid(peer->lac),
					       lac_call_peer_sid(call->lc), &info) ||
		    (info.address != call->addr && !sim->switching) || info.state != SUBSCRIBER_UP) {
			sim_fail(sim, "liveness: what the active says of call %d is not so at the end", i);
			return;
		}
	}
}

static void check_channels(struct sim *sim)
{
	uint64_t hellos[SIM_PEERS] = { 0 };
	int i;

	for (i = 0; i < sim->peer_count; i++) {
		hellos[i] = lac_counters(sim->peers[i].lac)->hello_received;
		if (sim->peers[i].up)
			lac_hello_now(sim->peers[i].lac, sim_ms(sim));
	}
	sim_run_for(sim, 14 * SEC);
	for (i = 0; i < sim->peer_count && !sim->failed; i++) {
		struct peer *peer = &sim->peers[i];

		if (!peer->up || peer->at_risk)
			continue;
		if (lac_backlog(peer->lac))
			sim_fail(sim, "liveness: HELLO of lac %d is not acknowledged at the end", i);
		else if (!peer->config.hello_ms && lac_counters(peer->lac)->hello_received == hellos[i])
			sim_fail(sim, "liveness: the active sends no HELLO to lac %d", i);
	}
}

static void check_service(struct sim *sim)
{
	struct call *calls[SIM_PEERS] = { NULL };
	int i;

	for (i = 0; i < sim->peer_count; i++)
		if (!sim->peers[i].at_risk && sim->now_us >= sim->peers[i].excused_until_us)
			calls[i] = peer_call(&sim->peers[i]);
	sim_run_for(sim, 8 * SEC);
	for (i = 0; i < sim->peer_count && !sim->failed && !sim->far_at_risk; i++)
		if (calls[i] && (!calls[i]->lc || calls[i]->ppp != CALL_PPP_UP))
			sim_fail(sim, "liveness: a new call of lac %d does not come up at the end", i);
	for (i = 0; i < sim->peer_count && !sim->failed; i++)
		if (calls[i])
			peer_hangup(sim, calls[i]);
	sim_run_for(sim, 3 * SEC);
}

static void check_teardown(struct sim *sim)
{
	int i, n;

	for (i = 0; i < sim->peer_count; i++)
		peer_shutdown(&sim->peers[i]);
	/* a LAC that may recover its tunnel is waited for longer than one that may not, though it gave that tunnel up */
	sim_run_for(sim, (sim->failover ? 150 : 45) * SEC);
	if (sim->failed || any_risk(sim) || sim->far_at_risk)
		return;
	for (n = 0; n < SIM_NODES && !sim->failed; n++) {
		struct node *node = &sim->nodes[n];
		struct count c = count_engine(node);
		struct ha_info info;

		ha_info(group_ha(node->group), &info);
		if (c.sessions || c.tunnels || dp_null_sessions(node->dp) || dp_null_tunnels(node->dp) ||
		    ppp_model_count(node->ppp) || info.records)
			sim_fail(sim, "leak: with all closed node %d has %zu tunnels, %zu sessions, %zu+%zu in the kernel, "
				 "%zu PPP, %u records", n, c.tunnels, c.sessions, dp_null_tunnels(node->dp),
				 dp_null_sessions(node->dp), ppp_model_count(node->ppp), info.records);
	}
}

void check_end(struct sim *sim)
{
	if (!sim->failed)
		check_calls(sim);
	if (!sim->failed)
		check_channels(sim);
	if (!sim->failed)
		check_pair(sim);
	if (!sim->failed)
		check_service(sim);
	if (!sim->failed)
		check_pair(sim);
	if (!sim->failed)
		lns_check_end(sim);
	if (!sim->failed)
		pppoe_check_end(sim);
	if (!sim->failed)
		check_teardown(sim);
}
