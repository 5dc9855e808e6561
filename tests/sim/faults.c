/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fault matrix: one story for each fault a pair has to survive (rows F of
 * tests/features.tsv), and `storm`, which mixes all of them by chance as
 * `random` does with the classic ones.  A story says what its fault must not
 * do; what may never happen is in check.c, and every story ends there.
 */
#include "tests/sim/sim.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

uint64_t story_between(struct sim *sim, uint32_t from_ms, uint32_t to_ms)
{
	return (from_ms + rng_below(sim, to_ms - from_ms)) * MS;
}

static void call_each(struct sim *sim)
{
	int i;

	for (i = 0; i < sim->peer_count; i++)
		peer_call(&sim->peers[i]);
}

void story_nothing_moved(struct sim *sim, const char *why)
{
	if (!sim->failed && sim->switchovers)
		sim_fail(sim, "liveness: %s moved the service", why);
}

void story_power_cycle(struct sim *sim, struct node *node, uint64_t off_us)
{
	node_power_loss(node);
	sim_run_for(sim, off_us);
	node_boot(node);
}

/* ---- F06: the active cannot be reached by its LACs; somebody outside notices and moves it ---- */

static void run_access_lost(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before the access link is lost");

		if (!active)
			break;
		sim_trace(sim, "access link of node %d is cut", active->index);
		active->access_cut = true;
		sim_run_for(sim, story_between(sim, 200, 3000));
		if (story_switch(sim, active) && !sim->failed)
			sim_fail(sim, "liveness: a switchover away from a lost access link is refused");
		sim_run_for(sim, story_between(sim, 1000, 6000));
		active->access_cut = false;
		sim_run_for(sim, story_between(sim, 100, 3000));
	}
	if (!sim->failed && sim->switchovers < 4)
		sim_fail(sim, "liveness: only %llu of 4 lost access links moved the service",
			 (unsigned long long)sim->switchovers);
	story_settle(sim);
}

/* ---- S37: a path to the LACs fails and another one takes its place, the address stays where it is ---- */

static void run_path_lost(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		sim->net.loss_pm = 1000;
		sim_trace(sim, "access network: the path is lost");
		sim_run_for(sim, story_between(sim, 500, 9000));
		sim->net.loss_pm = 0;
		sim_run_for(sim, story_between(sim, 1000, 12000));
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, 3 * SEC);
	}
	story_nothing_moved(sim, "a path that was lost for some seconds");
	story_settle(sim);
}

/* ---- F07: full partition, nobody fences ---- */

/* LACs at the first address stay with the active, those at the second with the standby. */
static void part(struct sim *sim, struct node *active, bool loses)
{
	int i;

	check_before_loss(sim, active, false);
	for (i = 0; i < SIM_PEERS; i++)
		sim->net.side[i] = i % 2 ? active->index : !active->index;
	sim->net.loses = loses;
	sim->net.loser = active->index;
	check_before_join(sim);
	wire_cut(sim);
	net_split(sim);
}

/* link_us: how long the HA link stays away when the access network is whole again. */
static void partition(struct sim *sim, uint64_t us, uint64_t link_us, bool loses)
{
	struct node *nodes = sim->nodes, *active;
	struct group_orphans orphans;
	struct ha_info info[SIM_NODES];
	unsigned only_there = 0;
	int i, higher, before;

	sim->net.parts = true;
	story_peers(sim, 4, true);
	story_boot(sim);
	call_each(sim);
	call_each(sim);
	sim_run_for(sim, 4 * SEC);
	active = story_active(sim, "before the partition");
	if (!active)
		return;
	part(sim, active, loses);
	sim_run_for(sim, us / 2);
	before = sim->call_count;
	call_each(sim);
	/* those that only the loser knows are cleared when they meet */
	for (i = before; i < sim->call_count; i++)
		if (net_side(sim, &sim->peers[sim->calls[i].peer].addr) == active->index)
			sim->calls[i].at_risk = true;
	sim_run_for(sim, us / 2);
	if (sim->failed)
		return;
	for (i = 0; i < SIM_NODES; i++) {
		if (nodes[i].role != HA_ROLE_ACTIVE)
			sim_fail(sim, "liveness: node %d does not serve its side of the partition", i);
		ha_info(group_ha(nodes[i].group), &info[i]);
		nodes[i].conflicts = 0;
	}
	higher = info[1].epoch > info[0].epoch;
	for (i = before; i < sim->call_count; i++)
		only_there += sim->calls[i].up && net_side(sim, &sim->peers[sim->calls[i].peer].addr) != higher;
	net_join(sim);
	sim_run_for(sim, link_us);
	if (link_us >= 2 * SEC && sim_active(sim) != higher)
		sim_fail(sim, "S1: two owners beside each other for %llu ms, for want of an HA link",
			 (unsigned long long)(link_us / MS));
	wire_heal(sim, true);
	sim_run_for(sim, 4 * SEC);
	if (sim->failed)
		return;
	if (sim_active(sim) != higher || nodes[!higher].role != HA_ROLE_STANDBY)
		sim_fail(sim, "S7: after the partition node %d serves, node %d had the higher epoch", sim_active(sim), higher);
	else if (!nodes[0].conflicts != !nodes[1].conflicts || strcmp(nodes[0].conflict, nodes[1].conflict))
		sim_fail(sim, "S7: the nodes tell differently how the partition ended: \"%s\", \"%s\"", nodes[0].conflict,
			 nodes[1].conflict);
	group_orphans(nodes[!higher].group, &orphans);
	if (!sim->failed && orphans.sessions < only_there)
		sim_fail(sim, "S3: %u calls were known to the loser alone, it tells of %u", only_there, orphans.sessions);
	group_orphans(nodes[higher].group, &orphans);
	if (!sim->failed && orphans.at_unix_ms)
		sim_fail(sim, "S3: who stays after a partition tells of orphans");
	sim_run_for(sim, 40 * SEC);	/* what the loser alone knew of is given up by its LACs */
	story_settle(sim);
}

static void run_partition(struct sim *sim)
{
	partition(sim, story_between(sim, 4000, 25000), 0, false);
}

static void run_partition_no_link(struct sim *sim)
{
	partition(sim, story_between(sim, 4000, 25000), story_between(sim, 2000, 9000), false);
}

static void run_partition_long(struct sim *sim)
{
	partition(sim, story_between(sim, 30000, 120000), 0, true);
}

/* ---- F08: the HA link is bad ---- */

static void run_link_loss(struct sim *sim)
{
	int i;

	story_calls(sim);
	for (i = 0; i < 5 && !sim->failed; i++) {
		sim->wire.loss_pm = 10 + rng_below(sim, 150);
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, story_between(sim, 500, 5000));
	}
	story_nothing_moved(sim, "loss on the HA link");
	story_settle(sim);
}

static void run_link_delay(struct sim *sim)
{
	int i;

	story_calls(sim);
	sim->wire.latency_us = 200 * MS;
	sim->wire.jitter_us = 50 * MS;
	for (i = 0; i < 5 && !sim->failed; i++) {
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, story_between(sim, 500, 5000));
	}
	story_nothing_moved(sim, "a slow HA link");
	story_settle(sim);
}

static void run_link_one_way(struct sim *sim)
{
	int i;

	story_calls(sim);
	for (i = 0; i < 6 && !sim->failed; i++) {
		wire_mute(sim, i % 2);
		sim_run_for(sim, story_between(sim, 10, 6000));
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, story_between(sim, 10, 2000));
		wire_heal(sim, rng_pm(sim, 500));
		sim_run_for(sim, story_between(sim, 100, 3000));
	}
	story_nothing_moved(sim, "a HA link that is deaf on one side");
	story_settle(sim);
}

static void run_link_reset(struct sim *sim)
{
	int i;

	story_calls(sim);
	for (i = 0; i < 20 && !sim->failed; i++) {
		wire_cut(sim);
		wire_heal(sim, true);
		if (i % 4 == 0)
			peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, story_between(sim, 1, 1000));
	}
	story_nothing_moved(sim, "a HA stream that is reset");
	story_settle(sim);
}

/* ---- F10, F11: the standby ---- */

static void run_slow_standby(struct sim *sim)
{
	int i;

	story_calls(sim);
	for (i = 0; i < 5 && !sim->failed; i++) {
		struct node *standby = story_standby(sim);

		if (!standby)
			break;
		sim->wire.slow_us[standby->index] = story_between(sim, 40, 700);
		sim_trace(sim, "node %d confirms %llu ms late", standby->index,
			  (unsigned long long)sim->wire.slow_us[standby->index] / MS);
		sim_run_for(sim, 300 * MS);
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, SEC);
		if (!sim->failed && node_sync(&sim->nodes[!standby->index]) == HA_SYNC_IN_SYNC)
			sim_fail(sim, "S3: a standby %llu ms late is called in sync after a second of work",
				 (unsigned long long)sim->wire.slow_us[standby->index] / MS);
		sim_run_for(sim, story_between(sim, 100, 3000));
		sim->wire.slow_us[standby->index] = 0;
		sim_run_for(sim, story_between(sim, 100, 6000));
	}
	story_nothing_moved(sim, "a slow standby");
	story_settle(sim);
}

static void run_late_standby(struct sim *sim)
{
	int i, round;

	story_peers(sim, 3, true);
	node_boot(&sim->nodes[0]);
	sim_run_for(sim, 6 * SEC);
	if (!sim->failed && sim_active(sim) != 0)
		sim_fail(sim, "liveness: a node whose peer is absent at boot does not serve");
	for (i = 0; i < 4; i++)
		call_each(sim);
	sim_run_for(sim, 3 * SEC);
	for (round = 0; round < 4 && !sim->failed; round++) {
		node_boot(&sim->nodes[1]);
		for (i = 0; i < 12 && !sim->failed; i++) {
			sim_run_for(sim, story_between(sim, 20, 150));
			call_each(sim);
			if (rng_pm(sim, 300) && !story_switch(sim, &sim->nodes[0]) &&
			    node_sync(&sim->nodes[0]) != HA_SYNC_IN_SYNC)
				sim_fail(sim, "S6: a standby without the whole snapshot is promoted");
			if (sim->switchovers)
				break;
			if (sim->call_count)
				peer_hangup(sim, &sim->calls[rng_below(sim, (uint32_t)sim->call_count)]);
		}
		if (sim->switchovers)
			break;
		node_power_loss(&sim->nodes[1]);
		sim_run_for(sim, story_between(sim, 100, 3000));
	}
	story_settle(sim);
}

/* ---- F15: wall clocks ---- */

static void run_clock_jump(struct sim *sim)
{
	static const int64_t wrong[] = { 300000, 3600000, -3600000, 31536000000, -31536000000 };
	int round;

	sim->nodes[1].wall_ms = 300000;
	story_calls(sim);
	for (round = 0; round < 5 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before the clock jumps");

		if (!active)
			break;
		active->wall_ms = wrong[round];
		story_power_cycle(sim, active, story_between(sim, 500, 4000));
		sim_run_for(sim, 6 * SEC);
	}
	story_settle(sim);
}

/* ---- F16, F17: the machine runs out of something ---- */

static void run_kernel_fails(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 6 && !sim->failed; round++) {
		struct node *node = &sim->nodes[rng_below(sim, SIM_NODES)], *active = story_active(sim, NULL);

		node->dp_fault_any_pct = node->dp_fault_pct = 5 + rng_below(sim, 30);
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, story_between(sim, 10, 2000));
		if (active && rng_pm(sim, 500))
			story_switch(sim, active);
		sim_run_for(sim, story_between(sim, 10, 4000));
		node->dp_fault_any_pct = node->dp_fault_pct = 0;
		sim_run_for(sim, story_between(sim, 100, 6000));
	}
	story_settle(sim);
}

/* ---- F18: there and back again ---- */

static void run_double_failover(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *a = story_active(sim, "before a double failover"), *b;

		if (!a)
			break;
		b = &sim->nodes[!a->index];
		node_power_loss(a);
		sim_run_for(sim, 4 * SEC);
		peer_call(&sim->peers[0]);
		node_boot(a);
		/* before the resynchronisation, in the middle, or after it */
		sim_run_for(sim, story_between(sim, 1, round % 2 ? 600 : 6000));
		node_power_loss(b);
		sim_run_for(sim, story_between(sim, 100, 8000));
		node_boot(b);
		sim_run_for(sim, 9 * SEC);
		peer_call(&sim->peers[1]);
		sim_run_for(sim, 2 * SEC);
	}
	story_settle(sim);
}

/* ---- F21: during resync and snapshot ---- */

static void run_during_resync(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 5 && !sim->failed; round++) {
		struct node *a = story_active(sim, "before a switchover during resync"), *b;

		if (!a)
			break;
		b = &sim->nodes[!a->index];
		sim->net.loss_pm = rng_below(sim, 300);
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, story_between(sim, 0 + 1, 100));
		story_switch(sim, a);
		/* the LACs have not answered yet, or the loser is being fed */
		sim_run_for(sim, story_between(sim, 1, 300));
		if (rng_pm(sim, 500))
			story_switch(sim, b);
		else
			story_power_cycle(sim, b, story_between(sim, 300, 3000));
		sim_run_for(sim, 4 * SEC);
		sim->net.loss_pm = 0;
		sim_run_for(sim, 5 * SEC);
	}
	story_settle(sim);
}

/* ---- F22: flapping ---- */

static void run_flapping(struct sim *sim)
{
	size_t before = 0, after;
	int i;

	story_calls(sim);
	for (i = 0; i < 20 && !sim->failed; i++) {
		struct node *active = story_active(sim, "while it flaps");

		if (!active)
			break;
		if (story_switch(sim, active))
			sim_fail(sim, "liveness: switchover %d of a flapping pair is refused", i);
		sim_run_for(sim, 3 * SEC);
		if (i == 3)
			before = mallinfo2().uordblks;
	}
	after = mallinfo2().uordblks;
	if (!sim->failed && sim->switchovers != 20)
		sim_fail(sim, "liveness: %llu of 20 switchovers in a minute", (unsigned long long)sim->switchovers);
	else if (!sim->failed && after > before + 32768)
		sim_fail(sim, "leak: 16 switchovers cost %zu octets", after - before);
	story_settle(sim);
}

/* ---- F23: the LAC dies too ---- */

static void run_lac_restarts(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before the LAC restarts");
		struct peer *peer = &sim->peers[round % 2];

		if (!active)
			break;
		if (rng_pm(sim, 500)) {
			peer_restart(peer);
			sim_run_for(sim, story_between(sim, 1, 2000));
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		} else {
			node_power_loss(active);
			sim_run_for(sim, story_between(sim, 1, 3000));
			peer_restart(peer);
			peer_call(peer);
			sim_run_for(sim, story_between(sim, 1, 2000));
			node_boot(active);
		}
		peer_call(peer);
		sim_run_for(sim, 8 * SEC);
	}
	sim_run_for(sim, 90 * SEC);
	story_settle(sim);
}

/* ---- F24: one pppd dies on the node that took over ---- */

static void run_pppd_dies(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before a pppd dies");

		if (!active)
			break;
		story_switch(sim, active);
		sim_run_for(sim, story_between(sim, 1, 600));
		active = story_active(sim, NULL);
		if (active)
			story_kill_ppp(sim, active);
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, 5 * SEC);
	}
	story_settle(sim);
}

/* ---- F26: numbers at their ends ---- */

/* Both directions: each call of a LAC that is drained is a message of either. */
static void run_wrap(struct sim *sim)
{
	struct node *active;
	struct peer *peer;
	unsigned i, sent = 0;

	story_calls(sim);
	peer = &sim->peers[0];
	active = story_active(sim, "before its LAC is drained");
	if (active && group_drain_peer(active->group, sim_ms(sim), "lac0", true))
		sim_fail(sim, "liveness: a LAC cannot be drained");
	for (i = 0; i < 65600 / 4 + 40 && !sim->failed; i++) {
		unsigned k;

		for (k = 0; k < 4 && sent < 65700; k++, sent++)
			lac_call(peer->lac, sim_ms(sim), NULL, NULL);
		sim_run_for(sim, 6 * MS);
		if (sent > 65500 && i % 16 == 0) {
			active = story_active(sim, NULL);
			if (active && node_sync(active) == HA_SYNC_IN_SYNC)
				story_switch(sim, active);
			sim_run_for(sim, 1500 * MS);
		}
	}
	if (!sim->failed && !lac_is_up(peer->lac))
		sim_fail(sim, "liveness: the tunnel did not survive the wrap of its numbers");
	active = sim->failed ? NULL : story_active(sim, "after the wrap");
	if (active && group_drain_peer(active->group, sim_ms(sim), "lac0", false))
		sim_fail(sim, "liveness: the order did not survive the wrap");
	story_settle(sim);
}

static void run_window_full(struct sim *sim)
{
	int i, round;

	story_peers(sim, 2, true);
	for (i = 0; i < 2; i++)
		sim->peers[i].config.window = (uint16_t)(1 + rng_below(sim, 3));
	for (i = 0; i < 2; i++)
		peer_restart(&sim->peers[i]);
	story_boot(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *active;

		sim->net.loss_pm = rng_below(sim, 100);
		for (i = 0; i < 10; i++)
			peer_call(&sim->peers[i % 2]);
		for (i = 0; i < 16 && sim->peers[round % 2].up; i++)
			lac_hello_now(sim->peers[round % 2].lac, sim_ms(sim));
		sim_run_for(sim, story_between(sim, 1, 400));
		reach_windows(sim, REACH_OUR_WINDOW_FULL);
		active = story_active(sim, "while a window is full");
		if (active && rng_pm(sim, 500))
			story_switch(sim, active);
		else if (active)
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		sim_run_for(sim, 5 * SEC);
		sim->net.loss_pm = 0;
		sim_run_for(sim, 5 * SEC);
		for (i = 0; i < 8; i++) {
			struct call *call = story_some_call(sim, true);

			if (call)
				peer_hangup(sim, call);
		}
		sim_run_for(sim, 500 * MS);
	}
	story_settle(sim);
}

/* Fewer addresses than callers: who has one keeps it, and it is nobody else's. */
static void run_pool_empty(struct sim *sim)
{
	int i, round;

	for (i = 0; i < SIM_NODES; i++) {
		sim->nodes[i].config = world_config(sim, i);
		sim->nodes[i].config->pools->last = sim->nodes[i].config->pools->first + 3;
	}
	story_peers(sim, 2, true);
	story_boot(sim);
	for (round = 0; round < 6 && !sim->failed; round++) {
		struct node *active;

		for (i = 0; i < 4; i++)
			peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, story_between(sim, 1, 1500));
		active = story_active(sim, "while there is no address left");
		if (active && rng_pm(sim, 500))
			story_switch(sim, active);
		else if (active)
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		sim_run_for(sim, 8 * SEC);
		for (i = 0; i < sim->call_count; i++)
			if (rng_pm(sim, 500))
				peer_hangup(sim, &sim->calls[i]);
		sim_run_for(sim, story_between(sim, 100, 1500));
	}
	for (i = 0; i < sim->call_count; i++)
		peer_hangup(sim, &sim->calls[i]);
	story_settle(sim);
}

/* ---- all of them, by chance ---- */

static void ev_end(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	switch ((int)ev->arg) {
	case 0:
		sim->wire.loss_pm = 0;
		sim->wire.latency_us = 300;
		break;
	case 1:
		wire_heal(sim, rng_pm(sim, 500));
		break;
	case 2:
		node->dp_fault_any_pct = node->dp_fault_pct = 0;
		break;
	case 3:
		node->disk_fails = false;
		break;
	case 4:
		net_join(sim);
		wire_heal(sim, true);
		break;
	}
	sim_event_free(ev);
}

static void ends_in(struct sim *sim, uint64_t us, int who, int what)
{
	sim_at(sim, sim->now_us + us, ev_end, who, 0)->arg = (uint64_t)what;
}

static bool link_is_whole(const struct sim *sim)
{
	return sim->wire.up[0] && sim->wire.up[1] && !sim->wire.cut && !sim->wire.mute[0] && !sim->wire.mute[1];
}

static void storm_fault(struct sim *sim)
{
	struct node *active = story_active(sim, NULL), *standby = story_standby(sim);
	uint32_t who = rng_below(sim, SIM_NODES);
	unsigned kind = rng_below(sim, 100);

	if (kind < 50 || !active || active->access_cut || standby->access_cut || sim->net.split) {
		/* a LAC that is cut off from a node that is reached by the other: more than a pair can judge */
		if (!sim->net.split && !sim->wire.mute[0] && !sim->wire.mute[1] &&
		    sim->now_us > sim->wire.broken_us + 1500 * MS)
			story_fault(sim);
	} else if (kind < 56) {
		sim->wire.loss_pm = 10 + rng_below(sim, 290);
		ends_in(sim, story_between(sim, 100, 6000), 0, 0);
	} else if (kind < 61) {
		sim->wire.latency_us = (1 + rng_below(sim, 200)) * 1000;
		ends_in(sim, story_between(sim, 100, 6000), 0, 0);
	} else if (kind < 68 && link_is_whole(sim)) {
		wire_mute(sim, (int)who);
		ends_in(sim, story_between(sim, 5, 6000), 0, 1);
	} else if (kind < 74) {
		wire_cut(sim);
		wire_heal(sim, true);
	} else if (kind < 80) {
		sim->nodes[who].dp_fault_any_pct = 10;
		sim->nodes[who].dp_fault_pct = 20;
		ends_in(sim, story_between(sim, 50, 3000), (int)who, 2);
	} else if (kind < 86) {
		sim_trace(sim, "disk of node %u is full", who);
		sim->nodes[who].disk_fails = true;
		ends_in(sim, story_between(sim, 50, 8000), (int)who, 3);
	} else if (kind < 90) {
		sim->nodes[who].wall_ms += ((int64_t)rng_below(sim, 3) - 1) * 31536000000;
		story_power_cycle(sim, &sim->nodes[who], story_between(sim, 10, 900));
	} else if (kind < 94) {
		peer_restart(&sim->peers[rng_below(sim, (uint32_t)sim->peer_count)]);
	} else if (kind < 97 && link_is_whole(sim) && node_alive(standby)) {
		part(sim, active, true);
		ends_in(sim, story_between(sim, 10, 20000), 0, 4);
	} else {
		story_switch(sim, active);
		sim_run_for(sim, story_between(sim, 1, 400));
		story_fault(sim);
	}
}

static void run_storm(struct sim *sim)
{
	story_random(sim, storm_fault);
}

const struct scenario fault_scenarios[] = {
	{ "storm", run_storm, STORY_EVEN },
	{ "access-lost", run_access_lost, STORY_FEW },
	{ "path-lost", run_path_lost, STORY_FEW },
	{ "partition", run_partition, STORY_FEW },
	{ "partition-no-link", run_partition_no_link, STORY_FEW },
	{ "partition-long", run_partition_long, STORY_FEW },
	{ "link-loss", run_link_loss, STORY_FEW },
	{ "link-delay", run_link_delay, STORY_FEW },
	{ "link-one-way", run_link_one_way, STORY_FEW },
	{ "link-reset", run_link_reset, STORY_FEW },
	{ "slow-standby", run_slow_standby, STORY_FEW },
	{ "late-standby", run_late_standby, STORY_FEW },
	{ "clock-jump", run_clock_jump, STORY_FEW },
	{ "kernel-fails", run_kernel_fails, STORY_FEW },
	{ "double-failover", run_double_failover, STORY_FEW },
	{ "during-resync", run_during_resync, STORY_FEW },
	{ "flapping", run_flapping, STORY_FEW },
	{ "lac-restarts", run_lac_restarts, STORY_FEW },
	{ "pppd-dies", run_pppd_dies, STORY_FEW },
	{ "wrap", run_wrap, STORY_ONCE },
	{ "window-full", run_window_full, STORY_FEW },
	{ "pool-empty", run_pool_empty, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
