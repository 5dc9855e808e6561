/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stories.  `random` is the one --seeds runs: a lossy world with calls
 * coming and going and one fault after another, all drawn from the seed; the
 * others pin one fault down and are for looking at it.  Every story ends in
 * check_end(): faults over, links clean, everything that should be, is.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* ---- what scenarios are made of ---- */

void story_peers(struct sim *sim, int count, bool plain)
{
	bool shared = !plain && rng_pm(sim, 500);
	int i;

	for (i = 0; i < count; i++) {
		const char *secret = i == 1 ? "first secret" : i == 3 ? "third secret" : NULL;

		peer_new(sim, i, plain ? LAC_PEER_RFC : (enum lac_peer)rng_below(sim, LAC_PEERS), secret, shared);
	}
}

void story_boot(struct sim *sim)
{
	node_boot(&sim->nodes[0]);
	node_boot(&sim->nodes[1]);
	sim_run_for(sim, 5 * SEC);
	if (!sim->failed && sim_active(sim) < 0)
		sim_fail(sim, "liveness: nobody is active 5 s after both nodes started");
}

void story_settle(struct sim *sim)
{
	int i;

	sim->quiet = true;
	sim->net.loss_pm = sim->net.dup_pm = sim->net.reorder_pm = 0;
	sim->net.special_at = SIM_NEVER;
	sim->net.jitter_us = 0;
	sim->wire.jitter_us = 0;
	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];

		node_thaw(node);
		node->access_cut = node->disk_fails = false;
		node->dp_fault_pct = node->dp_fault_any_pct = 0;
		sim->wire.slow_us[i] = 0;
		sim->wire.corrupt[i] = false;
		if (sim->wire.latency_us > 1000)
			sim->wire.latency_us = 1000;
	}
	sim->wire.loss_pm = 0;
	net_join(sim);
	wire_heal(sim, false);
	for (i = 0; i < SIM_NODES; i++)
		node_boot(&sim->nodes[i]);
	sim_run_for(sim, 35 * SEC);
	lns_settle(sim);
	pppoe_settle(sim);
	far_settle(sim);
	check_end(sim);
}

struct node *story_active(struct sim *sim, const char *when)
{
	int a = sim_active(sim);

	if (a < 0 && when)
		sim_fail(sim, "liveness: nobody is active %s", when);
	return a < 0 ? NULL : &sim->nodes[a];
}

struct node *story_standby(struct sim *sim)
{
	int a = sim_active(sim);

	return a < 0 ? NULL : &sim->nodes[!a];
}

struct call *story_some_call(struct sim *sim, bool up)
{
	int tries, n = sim->call_count;

	for (tries = 0; n && tries < 8; tries++) {
		struct call *call = &sim->calls[rng_below(sim, (uint32_t)n)];

		if (call->lc && (!up || call->ppp == CALL_PPP_UP))
			return call;
	}
	return NULL;
}

/* ---- faults that end by themselves ---- */

void ev_boot(struct sim *sim, struct sim_event *ev)
{
	node_boot(&sim->nodes[ev->who]);
	sim_event_free(ev);
}

static void ev_thaw(struct sim *sim, struct sim_event *ev)
{
	if (ev->token == sim->nodes[ev->who].incarnation)
		node_thaw(&sim->nodes[ev->who]);
	sim_event_free(ev);
}

static void ev_heal(struct sim *sim, struct sim_event *ev)
{
	wire_heal(sim, ev->arg);
	sim_event_free(ev);
}

static void ev_access(struct sim *sim, struct sim_event *ev)
{
	sim->nodes[ev->who].access_cut = false;
	sim_trace(sim, "access link of node %d is back", ev->who);
	sim_event_free(ev);
}

static void ev_fast(struct sim *sim, struct sim_event *ev)
{
	sim->wire.slow_us[ev->who] = 0;
	sim->nodes[ev->who].dp_fault_pct = 0;
	sim_event_free(ev);
}

static uint64_t span(struct sim *sim, uint64_t from_ms, uint64_t to_ms)
{
	return sim->now_us + (from_ms + rng_below(sim, (uint32_t)(to_ms - from_ms))) * MS;
}

int story_switch(struct sim *sim, struct node *node)
{
	char reason[HA_REASON_MAX] = "";
	int e;

	if (!node_alive(node))
		return -1;	/* nobody hears the command */
	e = group_switchover(node->group, sim_ms(sim), false, reason);
	sim_trace(sim, "node %d switchover: %d %s", node->index, e, e ? reason : "");
	sim->stats.planned += !e;
	node_settle(node);
	return e;
}

void story_kill_ppp(struct sim *sim, struct node *node)
{
	struct call *call = story_some_call(sim, true);
	struct peer *peer;
	struct ppp_key key;

	if (!call || !node->ppp)
		return;
	peer = &sim->peers[call->peer];
	key = (struct ppp_key){ lac_peer_tid(peer->lac), lac_call_peer_sid(call->lc) };
	if (!ppp_model_die(node->ppp, key))
		return;
	sim_trace(sim, "node %d: PPP engine of call %d dies", node->index, call->index);
	if (node_is_owner(node))
		call->doomed = true;
}

void story_fault(struct sim *sim)
{
	struct node *active = story_active(sim, NULL), *standby = story_standby(sim);
	unsigned kind = rng_below(sim, 100);
	uint32_t w;

	/* an active that cannot be heard and then stops cannot be told from one that is gone: a partition */
	if (!active || (active->access_cut && kind < 74)) {
		return;
	} else if (kind < 14) {
		int i = active->index;

		node_power_loss(active);
		sim_at(sim, span(sim, 300, 15000), ev_boot, i, 0);
	} else if (kind < 26) {
		int i = active->index;

		node_kill(active);
		sim_at(sim, span(sim, 50, 6000), ev_boot, i, 0);
	} else if (kind < 38) {
		w = (uint32_t)standby->index;
		if (rng_pm(sim, 500))
			node_kill(standby);
		else
			node_power_loss(standby);
		sim_at(sim, span(sim, 50, 8000), ev_boot, (int)w, 0);
	} else if (kind < 56) {
		story_switch(sim, active);
	} else if (kind < 64) {
		struct node *node = rng_pm(sim, 600) ? active : standby;

		node_freeze(node);
		sim_at(sim, span(sim, 10, 5000), ev_thaw, node->index, node->incarnation);
	} else if (kind < 74) {
		if (sim->wire.cut || sim->nodes[0].access_cut || sim->nodes[1].access_cut)
			return;
		wire_cut(sim);
		sim_at(sim, span(sim, 5, 6000), ev_heal, 0, 0)->arg = rng_below(sim, 2);
	} else if (kind < 79) {
		/* with the HA stream cut too it would be a partition: another story */
		if (sim->wire.cut || sim->wire.mute[0] || sim->wire.mute[1] || !sim->wire.up[0] || !sim->wire.up[1] ||
		    sim->wire.corrupted_conn ||
		    sim->nodes[!active->index].access_cut)
			return;
		sim_trace(sim, "access link of node %d is cut", active->index);
		check_before_silence(sim, active);
		active->access_cut = true;
		sim_at(sim, span(sim, 100, 6000), ev_access, active->index, 0);
	} else if (kind < 86) {
		w = rng_below(sim, 2);
		sim->wire.slow_us[w] = (1 + rng_below(sim, 120)) * MS;
		sim_trace(sim, "wire: node %u is %llu ms slower", w, (unsigned long long)sim->wire.slow_us[w] / MS);
		sim_at(sim, span(sim, 50, 4000), ev_fast, (int)w, 0);
	} else if (kind < 90) {
		if (sim->wire.up[0] && sim->wire.up[1] && !sim->wire.cut && !sim->nodes[0].access_cut &&
		    !sim->nodes[1].access_cut)
			sim->wire.corrupt[rng_below(sim, 2)] = true;
	} else if (kind < 93) {
		story_kill_ppp(sim, active);
	} else if (kind < 96) {
		story_kill_ppp(sim, standby);
	} else {
		struct node *node = rng_pm(sim, 300) ? active : standby;

		sim_trace(sim, "node %d: kernel operations fail", node->index);
		node->dp_fault_pct = 30;
		sim_at(sim, span(sim, 50, 3000), ev_fast, node->index, 0);
	}
}

/* ---- the random story ---- */

void story_random(struct sim *sim, void (*fault)(struct sim *sim))
{
	int peers = 1 + (int)rng_below(sim, 4), i, n;
	unsigned fault_pm = 150 + rng_below(sim, 300);
	uint64_t end;

	sim->net.loss_pm = rng_pm(sim, 300) ? 0 : rng_below(sim, 80);
	sim->net.dup_pm = rng_below(sim, 60);
	sim->net.reorder_pm = rng_below(sim, 80);
	sim->net.jitter_us = rng_below(sim, 4000);
	sim->net.garp_us = 500 + rng_below(sim, 60000);
	sim->wire.latency_us = 50 + rng_below(sim, 1500);
	sim->wire.jitter_us = rng_below(sim, 1000);
	story_peers(sim, peers, false);
	for (i = 0; i < peers; i++)
		sim->peers[i].config.hello_ms = rng_pm(sim, 500) ? 0 : 5000;
	story_boot(sim);
	for (i = 0; i < peers; i++) {
		n = (int)rng_below(sim, 4);
		while (n--)
			peer_call(&sim->peers[i]);
	}
	end = sim->now_us + (20 + rng_below(sim, 40)) * SEC;
	while (!sim->failed && sim->now_us < end) {
		unsigned what = rng_below(sim, 100);
		struct peer *peer = &sim->peers[rng_below(sim, (uint32_t)peers)];
		struct call *call;

		sim_run_for(sim, rng_below(sim, rng_pm(sim, 400) ? 40000 : 2000000));
		if (sim->failed)
			break;
		if (rng_pm(sim, fault_pm)) {
			fault(sim);
			if (rng_pm(sim, 100))
				fault(sim);
		}
		if (what < 35) {
			peer_call(peer);
		} else if (what < 55) {
			call = story_some_call(sim, false);
			if (call)
				peer_hangup(sim, call);
		} else if (what < 59) {
			peer_shutdown(peer);
		} else if (what < 62 && peer->up) {
			lac_hello_now(peer->lac, sim_ms(sim));
		}
	}
	if (!sim->failed)
		story_settle(sim);
}

static void run_random(struct sim *sim)
{
	story_random(sim, story_fault);
}

/* ---- stories with one point ---- */

void story_calls(struct sim *sim)
{
	story_peers(sim, 2, true);
	story_boot(sim);
	peer_call(&sim->peers[0]);
	peer_call(&sim->peers[0]);
	peer_call(&sim->peers[1]);
	sim_run_for(sim, 4 * SEC);
}

static void run_calm(struct sim *sim)
{
	story_calls(sim);
	story_settle(sim);
}

void story_power_losses(struct sim *sim, int times)
{
	while (times-- && !sim->failed) {
		struct node *active = story_active(sim, "before the next power loss");

		if (!active)
			break;
		node_power_loss(active);
		sim_run_for(sim, 4 * SEC);
		node_boot(active);
		sim_run_for(sim, 6 * SEC);
	}
}

static void run_power_loss(struct sim *sim)
{
	story_calls(sim);
	story_power_losses(sim, 6);
	story_settle(sim);
}

static void run_planned(struct sim *sim)
{
	int a;

	story_calls(sim);
	for (a = 0; a < 10 && !sim->failed; a++) {
		struct node *active = story_active(sim, "before the next switchover");

		if (!active)
			break;
		story_switch(sim, active);
		sim_run_for(sim, (500 + rng_below(sim, 3000)) * MS);
	}
	if (!sim->failed && sim->switchovers < 8)
		sim_fail(sim, "liveness: only %llu of 10 planned switchovers happened",
			 (unsigned long long)sim->switchovers);
	story_settle(sim);
}

static void run_kill(struct sim *sim)
{
	int a;

	story_calls(sim);
	for (a = 0; a < 6 && !sim->failed; a++) {
		struct node *active = story_active(sim, "before the next kill");

		if (!active)
			break;
		node_kill(active);
		sim_run_for(sim, rng_below(sim, 4000) * MS);
		node_boot(active);
		sim_run_for(sim, 9 * SEC);
	}
	story_settle(sim);
}

static void run_freeze(struct sim *sim)
{
	int a;

	story_calls(sim);
	for (a = 0; a < 6 && !sim->failed; a++) {
		struct node *active = story_active(sim, "before the next freeze");

		if (!active)
			break;
		node_freeze(active);
		sim_run_for(sim, (300 + rng_below(sim, 5000)) * MS);
		node_thaw(active);
		sim_run_for(sim, 6 * SEC);
	}
	story_settle(sim);
}

static void run_wire(struct sim *sim)
{
	int a;

	story_calls(sim);
	for (a = 0; a < 6 && !sim->failed; a++) {
		wire_cut(sim);
		sim_run_for(sim, (5 + rng_below(sim, 5000)) * MS);
		peer_call(&sim->peers[a % 2]);
		sim_run_for(sim, rng_below(sim, 2000) * MS);
		wire_heal(sim, rng_pm(sim, 500));
		sim_run_for(sim, 4 * SEC);
		if (!sim->failed && sim->switchovers)
			sim_fail(sim, "liveness: the loss of the HA link alone moved the service");
	}
	story_settle(sim);
}

static const struct scenario scenarios[] = {
	{ "random", run_random, STORY_ODD },
	{ "calm", run_calm, STORY_FEW },
	{ "power-loss", run_power_loss, STORY_FEW },
	{ "planned", run_planned, STORY_FEW },
	{ "kill", run_kill, STORY_FEW },
	{ "freeze", run_freeze, STORY_FEW },
	{ "wire", run_wire, STORY_FEW },
	{ "restart", run_restart, STORY_FEW },
	{ "restart-solo", run_restart_solo, STORY_FEW },
	{ "restart-crowd", run_restart_crowd, STORY_FEW },
	{ "restart-storm", run_restart_storm, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
static const struct scenario *const all[] = { scenarios, fault_scenarios, corner_scenarios, cutoff_scenarios, switch_scenarios,
						 recovery_scenarios, outside_scenarios, dial_scenarios, hostile_scenarios,
						 pppoe_scenarios, admit_scenarios };

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *s = NULL;

	while ((s = scenario_next(s)))
		if (!strcmp(s->name, name))
			break;
	return s;
}

const struct scenario *scenario_next(const struct scenario *after)
{
	size_t i;

	if (!after)
		return scenarios;
	if (after[1].name)
		return after + 1;
	/* the end of a table: the next one begins */
	for (i = 0; i + 1 < sizeof(all) / sizeof(all[0]); i++) {
		const struct scenario *s = all[i];

		while (s->name && s != after)
			s++;
		if (s == after)
			return all[i + 1]->name ? all[i + 1] : NULL;
	}
	return NULL;
}

/* ---- one run ---- */

static void on_log(void *ctx, enum log_level level, const char *text)
{
	struct sim *sim = ctx;
	const char *conflict = strstr(text, "two owners: ");

	(void)level;
	if (conflict) {
		struct node *node = &sim->nodes[sim->acting];

		snprintf(node->conflict, sizeof(node->conflict), "%s", conflict);
		node->conflicts++;
	}
	sim_trace(sim, "  node %d: %s", sim->acting, text);
}

void sim_report(struct sim *sim, const char *name)
{
	unsigned i, n = sim->trace_count < 120 ? sim->trace_count : 120;

	if (!sim->verbose)
		for (i = n; i; i--)
			printf("    %s\n", sim->trace[(sim->trace_next + TRACE_LINES - i) % TRACE_LINES]);
	printf("FAIL seed %llu scenario %s at %.6f s, step %llu: %s\n", (unsigned long long)sim->seed, name,
	       (double)sim->now_us / 1e6, (unsigned long long)sim->steps, sim->why);
	fflush(stdout);
}

void sim_attach(struct sim *sim)
{
	log_set_sink(on_log, sim, LOG_LEVEL_INFO);
}

bool scenario_run(const struct scenario *scenario, uint64_t seed, bool verbose, struct sim_stats *stats)
{
	struct sim *sim = sim_new(seed, true, verbose);
	bool ok;

	sim->hot = rng_pm(sim, 700);
	sim_attach(sim);
	scenario->run(sim);
	ok = !sim->failed;
	if (!ok)
		sim_report(sim, scenario->name);
	sim_count(sim, stats);
	sim_free(sim);
	return ok;
}

void sim_count(struct sim *sim, struct sim_stats *stats)
{
	int i;

	for (i = 0; i < sim->peer_count; i++)
		reach_lac(sim, sim->peers[i].lac, sim->peers[i].config.dev);
	for (i = 0; i < REACH_STATES; i++)
		stats->reached[i] += sim->stats.reached[i];
	stats->runs++;
	stats->steps += sim->steps;
	stats->control += sim->net.control_count;
	stats->switchovers += sim->switchovers;
	stats->checked += sim->s3_checked;
	stats->calls_up += sim->stats.calls_up;
	stats->planned += sim->stats.planned;
	stats->crashes += sim->stats.crashes;
	stats->kills += sim->stats.kills;
	stats->freezes += sim->stats.freezes;
	stats->link_faults += sim->stats.link_faults;
}
