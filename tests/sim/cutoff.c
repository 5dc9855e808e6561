/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The active loses all its cables, and gets them back: one by one, in any
 * order.  From the moment the other one owns the address it may say nothing;
 * where nobody took over, it goes on.
 */
#include "tests/sim/sim.h"

static uint64_t between(struct sim *sim, uint32_t from_ms, uint32_t to_ms)
{
	return (from_ms + rng_below(sim, to_ms - from_ms)) * MS;
}

/* Whether what its kernel lets out would be heard is another question: it must let nothing out. */
static void watch(struct sim *sim, const struct node *cut, uint64_t us)
{
	const struct node *other = &sim->nodes[!cut->index];
	uint64_t end_us = sim->now_us + us;

	while (!sim->failed && sim->now_us < end_us) {
		sim_run_for(sim, MS);
		if (sim->failed || !other->running || other->role != HA_ROLE_ACTIVE || !node_speaks(other))
			continue;
		if (dp_null_leased(cut->dp, &sim->vip, sim_ms(sim)))
			sim_fail(sim, "S1: node %d was cut off, and its fence is open beside its successor", cut->index);
	}
}

static void cut_off(struct sim *sim, uint64_t us)
{
	struct node *active = story_active(sim, "before it is cut off");
	uint32_t order = rng_below(sim, 3);
	uint64_t apart_us = between(sim, 0, 4000);

	if (!active)
		return;
	check_before_loss(sim, active, false);
	wire_cut(sim);
	node_plug(active, false);
	watch(sim, active, us);
	if (order != 1)
		node_plug(active, true);
	if (order == 1)
		wire_heal(sim, true);
	if (order)
		watch(sim, active, apart_us);
	if (order == 1)
		node_plug(active, true);
	else
		wire_heal(sim, true);
	watch(sim, active, 6 * SEC);
}

static void run_cut_off(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 3 && !sim->failed; round++) {
		cut_off(sim, between(sim, 20, 12000));
		sim_run_for(sim, 8 * SEC);
		story_active(sim, "after it was cut off");
	}
	story_settle(sim);
}

/* Nobody is there to take over. */
static void run_cut_off_alone(struct sim *sim)
{
	struct node *active;
	int round;

	story_calls(sim);
	active = story_active(sim, "before its standby goes");
	if (!active)
		return;
	node_power_loss(&sim->nodes[!active->index]);
	sim_run_for(sim, between(sim, 100, 6000));
	for (round = 0; round < 4 && !sim->failed; round++) {
		node_plug(active, false);
		sim_run_for(sim, between(sim, 1, 9000));
		node_plug(active, true);
		sim_run_for(sim, between(sim, 2500, 6000));
		if (!sim->failed && (sim_active(sim) != active->index || !node_speaks(active)))
			sim_fail(sim, "liveness: node %d does not go on when its cables are back", active->index);
	}
	if (!sim->failed && sim->switchovers)
		sim_fail(sim, "liveness: it took over from itself");
	node_boot(&sim->nodes[!active->index]);
	story_settle(sim);
}

const struct scenario cutoff_scenarios[] = {
	{ "cut-off", run_cut_off, STORY_FEW },
	{ "cut-off-alone", run_cut_off_alone, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
