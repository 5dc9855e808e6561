/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Systematic instead of random: one small story (two calls set up, a while of
 * steady state, one hung up, the tunnel closed), run once undisturbed to count
 * its steps and its control packets, then once for every step with the active
 * struck at that step, and once for every packet lost, doubled or overtaken.
 * Two more stories begin with a switchover and with a standby that is fed.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

struct plan {
	const char *name;
	bool hot;
	int crash;			/* CRASH_* or -1 */
	int special;			/* NET_* or -1 */
	uint64_t at;
	enum l2tp_failover failover;
	void (*story)(struct sim *sim);
};

static void story(struct sim *sim)
{
	struct call *a, *b;
	int i;

	peer_new(sim, 0, LAC_PEER_RFC, NULL, false);
	sim->peers[0].config.hello_ms = 0;
	node_boot(&sim->nodes[0]);
	node_boot(&sim->nodes[1]);
	sim_run_for(sim, 5 * SEC);
	sim->steps = 0;
	sim->net.control_count = 0;
	a = peer_call(&sim->peers[0]);
	b = peer_call(&sim->peers[0]);
	sim_run_for(sim, 3 * SEC);
	if (a)
		peer_hangup(sim, a);
	sim_run_for(sim, 500 * MS);
	if (b)
		peer_hangup(sim, b);
	peer_call(&sim->peers[0]);
	sim_run_for(sim, 500 * MS);
	peer_shutdown(&sim->peers[0]);
	sim_run_for(sim, 500 * MS);
	if (sim->failed)
		return;
	sim->stats.steps = sim->steps;
	sim->stats.control = sim->net.control_count;
	sim->crash_at = sim->net.special_at = SIM_NEVER;
	sim_run_for(sim, 3 * SEC);
	for (i = 0; i < SIM_NODES; i++)
		node_boot(&sim->nodes[i]);
	peer_call(&sim->peers[0]);
	sim_run_for(sim, 25 * SEC);
	check_end(sim);
}

/* The same with the pair as a tunnel switch. */
static void switched_story(struct sim *sim)
{
	story_behind(sim);
	story(sim);
}

/* The same for the time after a switchover: until every tunnel is resynchronised, and a little longer. */
static void resync_story(struct sim *sim)
{
	uint64_t crash_at = sim->crash_at, special_at = sim->net.special_at;
	struct node *active;
	int i;

	sim->crash_at = sim->net.special_at = SIM_NEVER;
	peer_new(sim, 0, LAC_PEER_RFC, NULL, false);
	peer_new(sim, 1, LAC_PEER_ACCEL, "first secret", false);
	node_boot(&sim->nodes[0]);
	node_boot(&sim->nodes[1]);
	sim_run_for(sim, 5 * SEC);
	peer_call(&sim->peers[0]);
	peer_call(&sim->peers[1]);
	sim_run_for(sim, 3 * SEC);
	peer_call(&sim->peers[0]);
	sim_run_for(sim, 4 * MS);
	active = story_active(sim, "before the switchover");
	if (!active)
		return;
	sim->steps = 0;
	sim->net.control_count = 0;
	sim->crash_at = crash_at;
	sim->net.special_at = special_at;
	story_switch(sim, active);
	sim_run_for(sim, 1 * SEC);
	peer_call(&sim->peers[1]);
	sim_run_for(sim, 500 * MS);
	if (sim->failed)
		return;
	sim->stats.steps = sim->steps;
	sim->stats.control = sim->net.control_count;
	sim->crash_at = sim->net.special_at = SIM_NEVER;
	sim_run_for(sim, 4 * SEC);
	for (i = 0; i < SIM_NODES; i++)
		node_boot(&sim->nodes[i]);
	sim_run_for(sim, 40 * SEC);
	check_end(sim);
}

/* The same for a standby that comes late: while it is given a snapshot, with calls coming and going. */
static void snapshot_story(struct sim *sim)
{
	uint64_t crash_at = sim->crash_at;
	struct call *a;
	int i;

	sim->crash_at = SIM_NEVER;
	peer_new(sim, 0, LAC_PEER_RFC, NULL, false);
	peer_new(sim, 1, LAC_PEER_XL2TPD, "first secret", false);
	node_boot(&sim->nodes[0]);
	sim_run_for(sim, 6 * SEC);
	a = peer_call(&sim->peers[0]);
	for (i = 0; i < 6; i++)
		peer_call(&sim->peers[i % 2]);
	sim_run_for(sim, 3 * SEC);
	sim->steps = 0;
	sim->net.control_count = 0;
	sim->crash_at = crash_at;
	node_boot(&sim->nodes[1]);
	peer_call(&sim->peers[0]);
	sim_run_for(sim, 205 * MS);
	peer_call(&sim->peers[1]);
	if (a)
		peer_hangup(sim, a);
	sim_run_for(sim, 500 * MS);
	if (sim->failed)
		return;
	sim->stats.steps = sim->steps;
	sim->stats.control = sim->net.control_count;
	sim->crash_at = SIM_NEVER;
	sim_run_for(sim, 4 * SEC);
	for (i = 0; i < SIM_NODES; i++)
		node_boot(&sim->nodes[i]);
	sim_run_for(sim, 80 * SEC);
	check_end(sim);
}

static bool run_plan(const struct plan *plan, bool verbose, struct sim_stats *stats, uint64_t *steps, uint64_t *control)
{
	struct sim *sim = sim_new(1, plan->hot, verbose);
	char name[96];
	bool ok;

	sim->failover = plan->failover;
	if (plan->crash >= 0) {
		sim->crash_at = plan->at;
		sim->crash_kind = plan->crash;
	}
	if (plan->special >= 0) {
		sim->net.special_at = plan->at;
		sim->net.special = plan->special;
	}
	sim_attach(sim);
	plan->story(sim);
	ok = !sim->failed;
	snprintf(name, sizeof(name), "sweep:%s:%llu", plan->name, (unsigned long long)plan->at);
	if (!ok)
		sim_report(sim, name);
	if (steps)
		*steps = sim->stats.steps;
	if (control)
		*control = sim->stats.control;
	sim_count(sim, stats);
	sim_free(sim);
	return ok;
}

static const struct plan plans[] = {
	{ "power-hot", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "kill-hot", true, CRASH_KILL, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "switch-hot", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "power-warm", false, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "switch-warm", false, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "lose", true, -1, NET_LOSE, 0, L2TP_FAILOVER_UNSET, story },
	{ "double", true, -1, NET_DUP, 0, L2TP_FAILOVER_UNSET, story },
	{ "swap", true, -1, NET_SWAP, 0, L2TP_FAILOVER_UNSET, story },
	{ "power-recovery", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_PROTOCOL_SILENT, story },
	{ "switch-recovery", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_PROTOCOL_SILENT, story },
	{ "power-in-resync", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, resync_story },
	{ "power-in-resync-recovery", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_PROTOCOL_SILENT, resync_story },
	{ "switch-in-resync", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, resync_story },
	{ "switch-in-resync-recovery", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_PROTOCOL_SILENT, resync_story },
	{ "lose-in-resync", true, -1, NET_LOSE, 0, L2TP_FAILOVER_UNSET, resync_story },
	{ "lose-in-resync-recovery", true, -1, NET_LOSE, 0, L2TP_FAILOVER_PROTOCOL_SILENT, resync_story },
	{ "swap-in-resync-recovery", true, -1, NET_SWAP, 0, L2TP_FAILOVER_PROTOCOL_SILENT, resync_story },
	{ "power-in-snapshot", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, snapshot_story },
	{ "kill-in-snapshot", true, CRASH_KILL, -1, 0, L2TP_FAILOVER_UNSET, snapshot_story },
	{ "switch-in-snapshot", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, snapshot_story },
	{ "standby-in-snapshot", true, CRASH_STANDBY, -1, 0, L2TP_FAILOVER_UNSET, snapshot_story },
	{ "refused-hot", true, CRASH_REFUSED, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "refused-warm", false, CRASH_REFUSED, -1, 0, L2TP_FAILOVER_UNSET, story },
	{ "refused-in-resync", true, CRASH_REFUSED, -1, 0, L2TP_FAILOVER_UNSET, resync_story },
	{ "power-switched-hot", true, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "power-switched-warm", false, CRASH_POWER, -1, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "kill-switched-hot", true, CRASH_KILL, -1, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "planned-switched-hot", true, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "planned-switched-warm", false, CRASH_SWITCHOVER, -1, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "lose-switched", true, -1, NET_LOSE, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "double-switched", true, -1, NET_DUP, 0, L2TP_FAILOVER_UNSET, switched_story },
	{ "standby-hot", true, CRASH_STANDBY, -1, 0, L2TP_FAILOVER_UNSET, story },
};

void sweep_list(void)
{
	size_t i;

	for (i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		printf("sweep:%s\n", plans[i].name);
}

unsigned sweep_run(const char *only, unsigned part, unsigned parts, bool verbose, struct sim_stats *stats,
		   unsigned *runs)
{
	unsigned i, failures = 0;

	for (i = 0; i < sizeof(plans) / sizeof(plans[0]) && failures < 5; i++) {
		struct plan base = { .name = "base", .hot = plans[i].hot, .crash = -1, .special = -1, .story = plans[i].story,
				     .failover = plans[i].failover };
		struct plan plan = plans[i];
		uint64_t steps = 0, control = 0, last;
		char name[96];
		size_t n;

		snprintf(name, sizeof(name), "sweep:%s", plan.name);
		n = strlen(name);
		if (only && (strncmp(only, name, n) || (only[n] && only[n] != ':')))
			continue;
		++*runs;
		if (!run_plan(&base, false, stats, &steps, &control))
			return failures + 1;
		last = plan.crash >= 0 ? steps : control;
		for (plan.at = plan.crash >= 0; plan.at <= last && failures < 5; plan.at++) {
			snprintf(name, sizeof(name), "sweep:%s:%llu", plan.name, (unsigned long long)plan.at);
			if (only && only[n] ? strcmp(only, name) != 0 : plan.at % parts != part)
				continue;
			++*runs;
			failures += !run_plan(&plan, verbose, stats, NULL, NULL);
		}
	}
	return failures;
}
