/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the rare states the runs have reached, so that a story that has
 * stopped going where it is meant to is found out (--coverage), and LNSes that
 * deviate as known implementations do (facts: xl2tpd, OpenL2TP, accel-ppp,
 * l2tpns): a LAC that deviates is tests/lac/, an LNS is our engine behind
 * what is done here to packets before it sees them.
 *
 * An Nr beyond what was sent is not among them: nobody ever got one of us.
 */
#include "tests/sim/sim.h"

#include <string.h>

static const char *const names[REACH_STATES] = {
	[REACH_OUR_NS_WRAPS] = "our Ns wraps",
	[REACH_THEIR_NS_WRAPS] = "a peer's Ns wraps",
	[REACH_OUR_WINDOW_FULL] = "a LAC's window is full of us",
	[REACH_THEIR_WINDOW_FULL] = "our window is full of a LAC",
	[REACH_LNS_WINDOW_FULL] = "an LNS's window is full of us",
	[REACH_IDS_USED_UP] = "no tunnel ID is left",
	[REACH_LAC_ZLB_IGNORED] = "a LAC ignores a ZLB with another Ns (xl2tpd)",
	[REACH_LAC_WRONG_DUP] = "a LAC answers a duplicate with its Ns + 1 (OpenL2TP)",
	[REACH_LAC_OOO_HELD] = "a LAC holds what comes too early",
	[REACH_LAC_OOO_ACKED] = "a LAC answers what comes too early by a ZLB (accel-ppp)",
	[REACH_LAC_OOO_DROPPED] = "a LAC drops what comes too early",
	[REACH_LNS_ZLB_IGNORED] = "an LNS ignores a ZLB with another Ns",
	[REACH_LNS_WRONG_DUP] = "an LNS answers a duplicate with its Ns + 1",
	[REACH_LNS_OOO_ACKED] = "an LNS answers what comes too early by a ZLB",
	[REACH_LNS_OOO_DROPPED] = "an LNS drops what comes too early",
};

const char *reach_name(enum reach state)
{
	return names[state];
}

void reach(struct sim *sim, enum reach state)
{
	sim->stats.reached[state]++;
}

void reach_lac(struct sim *sim, const struct lac *lac, unsigned dev)
{
	const struct lac_counters *c = lac_counters(lac);

	if (dev & LAC_DEV_NS_EXACT && c->zlb_ignored)
		reach(sim, REACH_LAC_ZLB_IGNORED);
	if (dev & LAC_DEV_DUP_NR_NEXT && c->duplicates)
		reach(sim, REACH_LAC_WRONG_DUP);
	if (c->out_of_order)
		reach(sim, dev & LAC_DEV_OOO_QUEUE ? REACH_LAC_OOO_HELD :
			   dev & LAC_DEV_OOO_ACK ? REACH_LAC_OOO_ACKED : REACH_LAC_OOO_DROPPED);
}

void reach_windows(struct sim *sim, enum reach state)
{
	int a = sim_active(sim), i;
	struct l2tp *l2tp = a < 0 ? NULL : group_l2tp(sim->nodes[a].group);
	struct l2tp_tunnel_info info;
	uint16_t tid = 0;

	while (l2tp && (tid = l2tp_tunnel_next(l2tp, tid))) {
		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tid), &info);
		if (info.unsent)
			reach(sim, state);
	}
	for (i = 0; i < sim->peer_count; i++)
		if (lac_backlog(sim->peers[i].lac) > 8)		/* world_config() */
			reach(sim, REACH_THEIR_WINDOW_FULL);
}

/* ---- an LNS of another make ---- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void zlb(struct sim *sim, const struct l2tp_endpoint *from, const struct l2tp_tunnel_info *info, uint16_t nr)
{
	uint8_t out[12] = { 0xc8, 0x02, 0, 12 };

	put16(out + 4, info->s.peer_id);
	put16(out + 8, info->channel.vs);
	put16(out + 10, nr);
	net_to_pair(sim, from, out, sizeof(out), "deviant ->");
}

bool deviates(struct sim *sim, unsigned dev, struct l2tp *l2tp, const struct l2tp_endpoint *lns, const uint8_t *data, size_t len)
{
	struct l2tp_tunnel *tunnel = dev && len >= 12 ? l2tp_tunnel_find(l2tp, get16(data + 4)) : NULL;
	struct l2tp_tunnel_info info;
	int16_t ahead;

	if (!tunnel)
		return false;
	l2tp_tunnel_info(tunnel, &info);
	if (info.s.state != L2TP_TUNNEL_ESTABLISHED)
		return false;
	ahead = (int16_t)(get16(data + 8) - info.channel.vr);
	if (len == 12) {
		if (!(dev & LAC_DEV_NS_EXACT) || !ahead)
			return false;
		reach(sim, REACH_LNS_ZLB_IGNORED);
		return true;
	}
	if (ahead < 0 && dev & LAC_DEV_DUP_NR_NEXT) {
		reach(sim, REACH_LNS_WRONG_DUP);
		zlb(sim, lns, &info, (uint16_t)(get16(data + 8) + 1));
		return true;
	}
	if (ahead <= 0 || dev & LAC_DEV_OOO_QUEUE)
		return false;
	reach(sim, dev & LAC_DEV_OOO_ACK ? REACH_LNS_OOO_ACKED : REACH_LNS_OOO_DROPPED);
	if (dev & LAC_DEV_OOO_ACK)
		zlb(sim, lns, &info, info.channel.vr);
	return true;
}

unsigned deviation(struct sim *sim)
{
	struct lac_config config;

	lac_config_init(&config);
	lac_config_peer(&config, (enum lac_peer)rng_below(sim, LAC_PEERS));
	return config.dev | 1u << 31;	/* something, always */
}
