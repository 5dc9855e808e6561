/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stories of tunnels whose numbers are not simply taken over: by recovery
 * tunnels (RFC 4951) after a failure of ours or of the LAC, and by asking the
 * peer after a standby with old records was forced to serve.
 */
#include "tests/sim/sim.h"

#include <stdio.h>

static void run_recovery(struct sim *sim)
{
	sim->failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	story_random(sim, story_fault);
}

/* LACs fail as often as we do: sometimes both, at once or one after the other. */
static void fault_of_either(struct sim *sim)
{
	struct peer *peer = &sim->peers[rng_below(sim, (uint32_t)sim->peer_count)];

	if (rng_pm(sim, 500)) {
		/* a tunnel that we may not know to be established is not recovered */
		if (!lac_backlog(peer->lac) && !lac_recover(peer->lac, sim_ms(sim)))
			sim_trace(sim, "lac %d has lost its numbers", peer->index);
		if (rng_pm(sim, 600))
			return;
		sim_run_for(sim, rng_below(sim, 3000) * MS);
	}
	if (!sim->failed)
		story_fault(sim);
}

static void run_recovery_of_either(struct sim *sim)
{
	sim->failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	story_random(sim, fault_of_either);
}

/* The standby hears nothing any more, the active goes on alone and dies; the operator forces the standby. */
static void run_forced_stale(struct sim *sim)
{
	char reason[HA_REASON_MAX];
	struct node *active, *standby;
	unsigned was_up = 0, is_up = 0;
	int i;

	story_peers(sim, 3, false);
	story_boot(sim);
	for (i = 0; i < sim->peer_count; i++)
		peer_call(&sim->peers[i]);
	sim_run_for(sim, 4 * SEC);
	active = story_active(sim, "before the link is cut");
	standby = story_standby(sim);
	if (!active || !standby) {
		if (!sim->failed)
			sim_fail(sim, "liveness: no standby before the link is cut");
		return;
	}
	wire_cut(sim);
	for (i = (int)rng_below(sim, 40); i && !sim->failed; i--) {
		struct peer *peer = &sim->peers[rng_below(sim, (uint32_t)sim->peer_count)];

		if (peer->up && rng_pm(sim, 700))
			lac_hello_now(peer->lac, sim_ms(sim));
		sim_run_for(sim, rng_below(sim, 900) * MS);
	}
	for (i = 0; i < sim->peer_count; i++)
		was_up += lac_is_up(sim->peers[i].lac);
	if (sim->failed)
		return;
	node_power_loss(active);
	sim_run_for(sim, (500 + rng_below(sim, 3000)) * MS);
	if (group_promote(standby->group, sim_ms(sim), true, reason))
		sim_fail(sim, "liveness: a forced standby does not serve: %s", reason);
	node_settle(standby);
	sim_run_for(sim, 35 * SEC);
	for (i = 0; i < sim->peer_count; i++)
		is_up += lac_is_up(sim->peers[i].lac);
	if (!sim->failed && is_up < was_up)
		sim_fail(sim, "liveness: %u of %u tunnels were found again", is_up, was_up);
	wire_heal(sim, true);
	node_boot(active);
	story_settle(sim);
}

const struct scenario recovery_scenarios[] = {
	{ "recovery", run_recovery, STORY_FEW },
	{ "recovery-of-either", run_recovery_of_either, STORY_FEW },
	{ "forced-stale", run_forced_stale, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
