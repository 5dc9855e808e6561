/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of new calls: LACs that have negotiated LCP and asked who it is
 * before they call (proxy AVPs), and an operator who wants no more of them
 * (drain, soft shut).  An order holds whoever serves, until it is taken back,
 * and what is up notices neither the order nor the switchover.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

/* ---- proxy LCP and authentication ---- */

static void put(struct proxy_avps *out, uint16_t attr, const void *value, size_t len)
{
	uint8_t *p = out->data + out->len;

	p[0] = 0;
	p[1] = (uint8_t)(6 + len);
	p[2] = p[3] = 0;
	p[4] = (uint8_t)(attr >> 8);
	p[5] = (uint8_t)attr;
	memcpy(p + 6, value, len);
	out->len += 6 + len;
}

static void put_magic(uint8_t *p, uint32_t magic)
{
	int i;

	p[0] = 5;
	p[1] = 6;
	for (i = 0; i < 4; i++)
		p[2 + i] = (uint8_t)(magic >> (24 - 8 * i));
}

void proxy_avps(struct sim *sim, const struct call *call, struct proxy_avps *out)
{
	uint8_t sent[10] = { 3, 4, 0xc0, 0x23 }, received[6];
	char text[32];

	put_magic(sent + 4, call->magic);
	put_magic(received, ~call->magic);
	out->len = 0;
	put(out, 27, sent, sizeof(sent));
	put(out, 28, received, sizeof(received));
	if (rng_pm(sim, 200))
		return;		/* who it is we have to ask */
	put(out, 29, "\0\3", 2);
	put(out, 30, text, (size_t)snprintf(text, sizeof(text), "user%d", call->user));
	put(out, 32, "\0\1", 2);
	put(out, 33, text, (size_t)snprintf(text, sizeof(text), "secret%d", call->user));
}

static void run_proxy_calm(struct sim *sim)
{
	sim->proxy = true;
	story_calls(sim);
	if (!sim->failed && sim->proxied != 3)
		sim_fail(sim, "liveness: of 3 calls %llu go on where their LAC stood", (unsigned long long)sim->proxied);
	if (!sim->failed)
		story_settle(sim);
}

static void run_proxy(struct sim *sim)
{
	sim->proxy = true;
	story_random(sim, story_fault);
}

/* ---- drain and soft shut ---- */

enum order { ORDER_TUNNEL, ORDER_PEER, ORDER_ALL, ORDER_SOFTSHUT };

static void give(struct sim *sim, enum order order, bool on)
{
	struct node *active = story_active(sim, "to be given an order");
	int rc = 0, i;

	if (!active)
		return;
	sim_trace(sim, "order %d %s", (int)order, on ? "given" : "taken back");
	switch (order) {
	case ORDER_TUNNEL:
		rc = group_drain_tunnel(active->group, sim_ms(sim), lac_peer_tid(sim->peers[0].lac), on);
		break;
	case ORDER_PEER:
		rc = group_drain_peer(active->group, sim_ms(sim), "lac0", on);
		break;
	case ORDER_ALL:
		rc = group_drain_all(active->group, sim_ms(sim), on);
		break;
	case ORDER_SOFTSHUT:
		for (i = 0; i < SIM_NODES; i++) {
			sim->nodes[i].config->softshut = on;
			if (sim->nodes[i].group)
				group_config_changed(sim->nodes[i].group, sim_ms(sim));
			node_settle(&sim->nodes[i]);
		}
		break;
	}
	node_settle(active);
	if (rc)
		sim_fail(sim, "liveness: order %d is refused: %d", (int)order, rc);
}

static void somebody_else_serves(struct sim *sim)
{
	struct node *active = story_active(sim, "under an order");

	if (!active)
		return;
	if (rng_pm(sim, 350)) {
		if (story_switch(sim, active) && !sim->failed)
			sim_fail(sim, "liveness: a switchover is refused");
	} else if (rng_pm(sim, 500)) {
		story_power_cycle(sim, active, story_between(sim, 300, 3000));
	} else {
		node_kill_in_place(active);
		sim_run_for(sim, story_between(sim, 1, 600));
		node_boot(active);
	}
	sim_run_for(sim, 7 * SEC);
}

static void expect_call(struct sim *sim, int peer, bool comes_up, enum order order)
{
	struct call *call = sim->failed ? NULL : peer_call(&sim->peers[peer]);

	sim_run_for(sim, 4 * SEC);
	if (call && !sim->failed && (call->lc && call->ppp == CALL_PPP_UP) != comes_up)
		sim_fail(sim, "a call of lac %d %s, order %d", peer, comes_up ? "does not come up" : "comes up", (int)order);
}

static void run_drain(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		enum order order = (enum order)rng_below(sim, 4);

		give(sim, order, true);
		if (rng_pm(sim, 500))
			sim_run_for(sim, story_between(sim, 1, 500));
		sim_run_for(sim, 30 * MS);	/* confirmed, or said to be not */
		if (!sim->failed)
			somebody_else_serves(sim);
		expect_call(sim, 0, false, order);
		expect_call(sim, 1, order == ORDER_TUNNEL || order == ORDER_PEER, order);
		if (!sim->failed && rng_pm(sim, 500))
			somebody_else_serves(sim);
		if (sim->failed)
			break;
		give(sim, order, false);
		sim_run_for(sim, 30 * MS);
		if (!sim->failed && rng_pm(sim, 500))
			somebody_else_serves(sim);
		expect_call(sim, 0, true, order);
	}
	if (!sim->failed)
		story_settle(sim);
}

const struct scenario admit_scenarios[] = {
	{ "proxy-calm", run_proxy_calm, STORY_ONCE },
	{ "proxy", run_proxy, STORY_FEW },
	{ "drain", run_drain, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
