/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The links.  The access network: one broadcast domain in which the virtual
 * address is wherever the last announcement or ARP answer came from; packets
 * are lost, doubled, delayed, overtaken.  The HA stream: octets in order, in
 * pieces of any size, cut, held, reset, corrupted.
 */
#include "tests/sim/sim.h"

#include "tests/decode/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/frame.h"

/* ---- access network ---- */

static uint64_t be(const uint8_t *p, int octets)
{
	uint64_t v = 0;

	while (octets--)
		v = v << 8 | *p++;
	return v;
}

static bool is_control(const uint8_t *data, size_t len)
{
	return len > 1 && (data[0] & 0x80);
}

static void ev_to_peer(struct sim *sim, struct sim_event *ev);

static void deliver(struct sim *sim, sim_event_fn fn, const struct l2tp_endpoint *local,
		    const struct l2tp_endpoint *peer, const uint8_t *data, size_t len, uint64_t delay_us)
{
	struct sim_event *ev = sim_at(sim, sim->now_us + delay_us, fn, 0, 0);

	ev->local = *local;
	ev->peer = *peer;
	sim_event_data(ev, data, len);
}

static void hear(struct access_net *net, const uint8_t *data, size_t len)
{
	size_t i = net->control_count % (sizeof(net->heard) / sizeof(net->heard[0]));

	net->heard[i].len = len < sizeof(net->heard[i].data) ? len : sizeof(net->heard[i].data);
	memcpy(net->heard[i].data, data, net->heard[i].len);
}

static void offer(struct sim *sim, sim_event_fn fn, const struct l2tp_endpoint *local,
		  const struct l2tp_endpoint *peer, const uint8_t *data, size_t len, const char *from)
{
	struct access_net *net = &sim->net;
	uint64_t delay = net->delay_us + rng_below(sim, net->jitter_us + 1);
	bool lose = rng_pm(sim, net->loss_pm), dup = rng_pm(sim, net->dup_pm);
	char text[64];

	if (rng_pm(sim, net->reorder_pm))
		delay += rng_below(sim, 60000);
	if (is_control(data, len)) {
		capture_packet(fn == ev_to_peer ? local : peer, fn == ev_to_peer ? peer : local, data, len);
		sim_trace(sim, "%s %s%s", from, msg_name(data, len, text), lose ? " LOST" : "");
		hear(net, data, len);
		if (len > 12 && be(data + 8, 2) == 0xffff)
			reach(sim, fn == ev_to_peer ? REACH_OUR_NS_WRAPS : REACH_THEIR_NS_WRAPS);
		if (net->control_count++ == net->special_at) {
			lose |= net->special == NET_LOSE;
			dup |= net->special == NET_DUP;
			/* the next one overtakes it */
			delay += net->special == NET_SWAP ? 45000 : 0;
		}
	}
	if (!lose)
		deliver(sim, fn, local, peer, data, len, delay);
	if (dup)
		deliver(sim, fn, local, peer, data, len, delay + rng_below(sim, 30000));
}

int net_side(const struct sim *sim, const struct l2tp_endpoint *lac)
{
	return sim->net.side[lac->addr[3] % SIM_PEERS];
}

static void ev_to_peer(struct sim *sim, struct sim_event *ev)
{
	struct far *far = far_by_addr(sim, &ev->peer);
	bool lns = lns_input(sim, &ev->local, &ev->peer, ev->data, ev->len);
	struct peer *peer = far || lns ? NULL : peer_by_addr(sim, &ev->peer, ev->data, ev->len);

	if (far)
		far_input(far, &ev->local, ev->data, ev->len);
	else if (peer)
		peer_input(peer, ev->data, ev->len);
	sim_event_free(ev);
}

/* Two sessions joined in the kernel: what comes in by the one leaves by the other, whoever lives. */
void net_bridged(struct node *node, uint16_t tid, uint16_t sid, const uint8_t *data, size_t len)
{
	const struct dp_session *to = dp_null_session_conf(node->dp, tid, sid);
	uint8_t out[64] = { 0x00, 0x02 };

	if (!to || len + 6 > sizeof(out) || !node_speaks(node))
		return;
	out[2] = (uint8_t)(to->peer_tunnel_id >> 8);
	out[3] = (uint8_t)to->peer_tunnel_id;
	out[4] = (uint8_t)(to->peer_id >> 8);
	out[5] = (uint8_t)to->peer_id;
	memcpy(out + 6, data, len);
	net_from_node(node, &to->local, &to->peer, out, len + 6);
}

static void ev_to_node(struct sim *sim, struct sim_event *ev)
{
	struct node *node;
	uint16_t tid, sid, to_tid, to_sid;

	if (!ev->arg)	/* it waits where it arrived, if it has to */
		ev->arg = (uint64_t)(sim->net.split ? net_side(sim, &ev->peer) : sim->net.owner) + 1;
	if (!ev->arg)
		goto out;
	node = &sim->nodes[ev->arg - 1];
	if (!node->powered || node->access_cut || !dp_null_has_vip(node->dp, &sim->vip))
		goto out;
	dp_null_set_time(node->dp, sim_ms(sim));
	if (!is_control(ev->data, ev->len) && ev->len >= 6) {
		tid = (uint16_t)(ev->data[2] << 8 | ev->data[3]);
		sid = (uint16_t)(ev->data[4] << 8 | ev->data[5]);
		/* the kernel and pppd, without the daemon */
		if (dp_null_joined(node->dp, tid, sid, &to_tid, &to_sid)) {
			if (to_tid)
				net_bridged(node, to_tid, to_sid, ev->data + 6, ev->len - 6);
			else
				ether_from_session(node, tid, sid, ev->data + 6, ev->len - 6);
			goto out;
		}
		if (dp_null_has_session(node->dp, tid, sid)) {
			ppp_model_input(node->ppp, tid, sid, ev->data + 6, ev->len - 6);
			goto out;
		}
	}
	if (!node->running)
		goto out;
	if (node_defer(node, ev))
		return;
	sim->acting = node->index;
	dp_null_receive(node->dp, &ev->local, &ev->peer, ev->data, ev->len);
	node_fed(node);
out:
	sim_event_free(ev);
}

void net_from_node(struct node *node, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		   const uint8_t *data, size_t len)
{
	struct sim *sim = node->sim;
	char from[32];

	if (!node_speaks(node)) {
		sim_fail(sim, "S1: node %d emits without the address or its lease", node->index);
		return;
	}
	if (is_control(data, len))
		check_transmit(node, peer, data, len);
	if (node->access_cut || (sim->net.split && net_side(sim, peer) != node->index))
		return;
	snprintf(from, sizeof(from), "node %d ->", node->index);
	offer(sim, ev_to_peer, local, peer, data, len, from);
}

void net_from_far(struct sim *sim, const struct l2tp_endpoint *far, const uint8_t *data, size_t len)
{
	struct l2tp_endpoint to = sim->vip;

	to.port = L2TP_PORT;
	offer(sim, ev_to_node, &to, far, data, len, "far ->");
}

void net_from_peer(struct peer *peer, const uint8_t *data, size_t len)
{
	struct l2tp_endpoint to = peer->sim->vip;
	char from[32];

	to.port = L2TP_PORT;
	snprintf(from, sizeof(from), "lac %d ->", peer->index);
	offer(peer->sim, ev_to_node, &to, &peer->addr, data, len, from);
}

void net_to_pair(struct sim *sim, const struct l2tp_endpoint *from, const uint8_t *data, size_t len, const char *name)
{
	struct l2tp_endpoint to = sim->vip;

	to.port = L2TP_PORT;
	offer(sim, ev_to_node, &to, from, data, len, name);
}

static void ev_garp(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (ev->token == node->boot && node_speaks(node) && !node->access_cut && sim->net.owner != node->index) {
		sim_trace(sim, "the address is at node %d", node->index);
		sim->net.owner = node->index;
	}
	sim_event_free(ev);
}

void net_vip_changed(struct node *node)
{
	if (node->powered && node->dp && node_speaks(node))
		sim_at(node->sim, node->sim->now_us + 100 + rng_below(node->sim, (uint32_t)node->sim->net.garp_us), ev_garp,
		       node->index, node->boot);
}

/* Neighbours ask again now and then: whoever may speak answers. */
static void ev_arp(struct sim *sim, struct sim_event *ev)
{
	int i, owner = sim->net.owner;

	if (owner < 0 || !node_speaks(&sim->nodes[owner]) || sim->nodes[owner].access_cut)
		for (i = 0; i < SIM_NODES; i++)
			if (node_speaks(&sim->nodes[i]) && !sim->nodes[i].access_cut)
				sim->net.owner = i;
	ev->at_us = sim->now_us + 500 * MS + rng_below(sim, 500000);
	sim_push(sim, ev);
}

void net_start(struct sim *sim)
{
	sim_at(sim, sim->now_us + 500 * MS, ev_arp, 0, 0);
}

bool net_unreachable(const struct sim *sim, const struct node *node, const struct l2tp_endpoint *lac)
{
	return sim->now_us < sim->split_until_us && net_side(sim, lac) != node->index;
}

void net_split(struct sim *sim)
{
	sim_trace(sim, "access network: split");
	sim->net.split = true;
	sim->split_until_us = SIM_NEVER;
}

void net_join(struct sim *sim)
{
	if (!sim->net.split)
		return;
	sim_trace(sim, "access network: one again");
	check_before_join(sim);
	sim->net.split = false;		/* two owners still, until they meet: ev_connect() */
}

/* ---- HA stream ---- */

static void wire_deliver_input(struct sim *sim, struct node *node, struct sim_event *ev)
{
	sim->acting = node->index;
	dp_null_set_time(node->dp, sim_ms(sim));
	group_link_input(node->group, sim_ms(sim), ev->data, ev->len);
	node_fed(node);
}

static bool wire_held(struct sim *sim, struct sim_event *ev)
{
	struct ha_wire *w = &sim->wire;
	int from = !ev->who;

	if (!w->cut && !w->mute[from])
		return false;
	if (w->held_len[from] == w->held_cap[from]) {
		w->held_cap[from] = w->held_cap[from] ? w->held_cap[from] * 2 : 64;
		w->held[from] = realloc(w->held[from], w->held_cap[from] * sizeof(*w->held[from]));
		if (!w->held[from])
			abort();
	}
	w->held[from][w->held_len[from]++] = ev;
	return true;
}

static void ev_wire(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (wire_held(sim, ev))
		return;
	if (!sim->wire.up[ev->who] || sim->wire.conn[ev->who] != ev->token || !node->running) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	wire_deliver_input(sim, node, ev);
	sim_event_free(ev);
}

static void end_down(struct sim *sim, int who)
{
	struct node *node = &sim->nodes[who];

	sim->wire.up[who] = false;
	if (node->running && !node->dying) {
		sim->acting = who;
		dp_null_set_time(node->dp, sim_ms(sim));
		group_link_down(node->group, sim_ms(sim));
		node_fed(node);
	}
	wire_poke(sim);
}

/* the other side closed */
static void ev_fin(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (wire_held(sim, ev))
		return;
	if (!sim->wire.up[ev->who] || sim->wire.conn[ev->who] != ev->token) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	sim_trace(sim, "wire: node %d sees the end", ev->who);
	end_down(sim, ev->who);
	sim_event_free(ev);
}

/* its own reset, told from the loop and not from inside its call */
static void ev_own_down(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (ev->token == node->incarnation && !node_defer(node, ev))
		end_down(sim, ev->who);
	else if (node->frozen && ev->token == node->incarnation)
		return;
	sim_event_free(ev);
}

static uint64_t wire_time(struct sim *sim, int from)
{
	struct ha_wire *w = &sim->wire;
	uint64_t at = sim->now_us + w->latency_us + rng_below(sim, w->jitter_us + 1) + w->slow_us[from];

	if (at < w->last_at[from])
		at = w->last_at[from];
	if (rng_pm(sim, w->loss_pm))	/* what comes behind waits for the lost one */
		at += 200 * MS << (rng_pm(sim, w->loss_pm) ? 1 : 0);
	w->last_at[from] = at;
	return at;
}

static void wire_write(struct node *node, const uint8_t *data, size_t len)
{
	struct sim *sim = node->sim;
	struct ha_wire *w = &sim->wire;
	int from = node->index;

	if (!w->up[from])
		return;
	while (len) {
		size_t n = rng_pm(sim, 200) ? 1 + rng_below(sim, (uint32_t)len) : len;
		struct sim_event *ev = sim_at(sim, wire_time(sim, from), ev_wire, !from, w->conn[from]);

		sim_event_data(ev, data, n);
		if (w->corrupt[from]) {
			w->corrupt[from] = false;
			ev->data[rng_below(sim, (uint32_t)n)] ^= (uint8_t)(1u << rng_below(sim, 8));
			w->corrupted_conn = w->conn[from];
			w->corrupted_us = sim->now_us;
			sim_trace(sim, "wire: a bit flips in what node %d sent", from);
		}
		data += n;
		len -= n;
	}
}

/* The active writes whole frames: the digest, last of a handover, becomes that of another store. */
static bool misfit(uint8_t *data, size_t len)
{
	size_t n;

	for (; len >= HA_FRAME_HEADER; data += n, len -= n) {
		n = be(data, 4);
		if (n < HA_FRAME_HEADER || n > len)
			break;
		if (data[7] != HA_FRAME_HANDOVER)
			continue;
		data[n - 1] ^= 1;
		ha_frame_reseal(data, n, be(data + 12, 8));
		return true;
	}
	return false;
}

void wire_send(struct node *node, const uint8_t *data, size_t len)
{
	uint8_t *copy;

	if (!node->sim->wire.misfit) {
		wire_write(node, data, len);
		return;
	}
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, data, len);
	if (misfit(copy, len))
		node->sim->wire.misfit = false;
	wire_write(node, copy, len);
	free(copy);
}

void wire_reset(struct node *node, const char *why)
{
	struct sim *sim = node->sim;
	struct ha_wire *w = &sim->wire;

	if (!w->up[node->index])
		return;
	sim_trace(sim, "wire: node %d resets: %s", node->index, why);
	w->up[node->index] = false;
	sim_at(sim, sim->now_us, ev_own_down, node->index, node->incarnation);
	sim_at(sim, wire_time(sim, node->index), ev_fin, !node->index, w->conn[node->index]);
}

void wire_node_gone(struct node *node, bool silently)
{
	struct sim *sim = node->sim;
	struct ha_wire *w = &sim->wire;
	uint64_t reach;
	size_t i;

	if (!w->up[node->index])
		return;
	w->up[node->index] = false;
	if (!silently) {
		sim_at(sim, wire_time(sim, node->index), ev_fin, !node->index, w->conn[node->index]);
		return;
	}
	/* what was still in the machine's buffers never leaves it */
	reach = sim->now_us + (w->last_at[node->index] > sim->now_us ?
			       rng_below(sim, (uint32_t)(w->last_at[node->index] - sim->now_us) + 1) : 0);
	for (i = 0; i < sim->heap_len; i++) {
		struct sim_event *ev = sim->heap[i];

		if (ev->fn == ev_wire && ev->who == !node->index && ev->at_us > reach)
			ev->token = 0;
	}
}

static void ev_connect(struct sim *sim, struct sim_event *ev)
{
	struct ha_wire *w = &sim->wire;
	int i;

	sim_event_free(ev);
	w->try_scheduled = 0;
	if (w->up[0] && w->up[1] && w->conn[0] == w->conn[1])
		return;
	for (i = 0; i < SIM_NODES; i++)
		if (!node_alive(&sim->nodes[i])) {
			if (sim->nodes[!i].running)
				wire_poke(sim);
			return;
		}
	if (w->cut || w->mute[0] || w->mute[1]) {
		wire_poke(sim);
		return;
	}
	for (i = 0; i < SIM_NODES; i++)
		if (w->up[i]) {
			sim_trace(sim, "wire: node %d's old stream is replaced", i);
			end_down(sim, i);
		}
	w->next_conn++;
	for (i = 0; i < SIM_NODES; i++) {
		w->up[i] = true;
		w->conn[i] = w->next_conn;
		w->last_at[i] = sim->now_us;
	}
	sim_trace(sim, "wire: up, stream %llu", (unsigned long long)w->next_conn);
	if (!sim->net.split && sim->split_until_us == SIM_NEVER)
		sim->split_until_us = sim->now_us + 3 * SEC;
	check_before_meeting(sim);
	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];

		if (!w->up[i] || !node_alive(node))
			continue;
		sim->acting = i;
		dp_null_set_time(node->dp, sim_ms(sim));
		group_link_up(node->group, sim_ms(sim));
		node_fed(node);
	}
}

void wire_poke(struct sim *sim)
{
	if (sim->wire.try_scheduled)
		return;
	sim->wire.try_scheduled = 1;
	sim_at(sim, sim->now_us + 200 * MS + rng_below(sim, 20000), ev_connect, 0, 0);
}

void wire_cut(struct sim *sim)
{
	sim_trace(sim, "wire: cut");
	sim->wire.cut = true;
	sim->stats.link_faults++;
}

void wire_mute(struct sim *sim, int from)
{
	sim_trace(sim, "wire: nothing of node %d arrives", from);
	sim->wire.mute[from] = true;
	sim->stats.link_faults++;
}

void wire_heal(struct sim *sim, bool reset)
{
	struct ha_wire *w = &sim->wire;
	size_t i;
	int from;

	if (!w->cut && !w->mute[0] && !w->mute[1])
		return;
	sim_trace(sim, "wire: heals%s", reset ? ", stream lost" : "");
	w->cut = w->mute[0] = w->mute[1] = false;
	w->broken_us = reset ? sim->now_us : w->broken_us;
	/* what arrives now was true when it was sent: a second from here */
	sim->nodes[0].sync_lie_us = sim->nodes[1].sync_lie_us = 0;
	for (from = 0; from < SIM_NODES; from++) {
		for (i = 0; i < w->held_len[from]; i++) {
			if (reset && w->held[from][i]->fn == ev_wire) {
				sim_event_free(w->held[from][i]);
				continue;
			}
			w->held[from][i]->at_us = sim->now_us;
			sim_push(sim, w->held[from][i]);
		}
		w->held_len[from] = 0;
	}
	for (from = 0; reset && from < SIM_NODES; from++)
		if (w->up[from])
			sim_at(sim, sim->now_us + 1000, ev_fin, from, w->conn[from]);
	wire_poke(sim);
}
