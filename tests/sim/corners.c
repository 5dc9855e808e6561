/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corners: what needs two faults at once, or a fault where nobody looks.  Like
 * faults.c one story for each; what may never happen is in check.c.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

/* ---- F05: the HA link dies, and soon after it the active, which went on alone and could tell nobody ---- */

static void run_degraded_unheard(struct sim *sim)
{
	struct node *active;
	int round;

	story_calls(sim);
	for (round = 0; round < 6 && !sim->failed; round++) {
		active = story_active(sim, "before the link is cut");
		if (!active)
			break;
		if (rng_pm(sim, 500))
			peer_restart(&sim->peers[round % 2]);
		if (rng_pm(sim, 500))
			wire_cut(sim);
		else
			wire_mute(sim, active->index);
		peer_call(&sim->peers[round % 2]);
		peer_call(&sim->peers[!(round % 2)]);
		sim_run_for(sim, story_between(sim, 1, 2500));
		story_power_cycle(sim, active, story_between(sim, 2500, 4000));
		wire_heal(sim, rng_pm(sim, 500));
		sim_run_for(sim, 6 * SEC);
	}
	story_settle(sim);
}

/* ---- F16: the disk does not take the epoch ---- */

/* Who cannot write the epoch takes over when the other one is gone, and leaves it to him while he is not. */
static void run_disk_full(struct sim *sim)
{
	int round, lost = 0;

	story_calls(sim);
	for (round = 0; round < 8 && !sim->failed; round++) {
		struct node *active = story_active(sim, "while no epoch can be written"), *standby = story_standby(sim);
		struct ha_info info;

		if (!active)
			break;
		standby->disk_fails = true;
		active->disk_fails = rng_pm(sim, 400);
		peer_call(&sim->peers[round % 2]);
		if (rng_pm(sim, 500)) {
			story_switch(sim, active);
			sim_run_for(sim, 7 * SEC);
			if (sim->failed)
				break;
			ha_info(group_ha(standby->group), &info);
			if (!active->disk_fails && sim_active(sim) != active->index)
				sim_fail(sim, "S7: a node that cannot write its epoch takes over from one that can");
			else if (sim_active(sim) == standby->index && !info.epoch_unwritten)
				sim_fail(sim, "S7: node %d does not say that its epoch is not on disk", standby->index);
		} else {
			lost++;
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
			sim_run_for(sim, 7 * SEC);
		}
		sim->nodes[0].disk_fails = sim->nodes[1].disk_fails = false;
		sim_run_for(sim, 7 * SEC);
		if (sim->failed || sim_active(sim) < 0)
			continue;
		ha_info(group_ha(sim->nodes[sim_active(sim)].group), &info);
		if (info.epoch_unwritten)
			sim_fail(sim, "S7: the epoch is not written though the disk takes it again");
	}
	if (!sim->failed && sim->switchovers < (uint64_t)lost)
		sim_fail(sim, "liveness: with a full disk only %llu of %d takeovers happened",
			 (unsigned long long)sim->switchovers, lost);
	story_settle(sim);
}

/* ---- F19: a planned switchover is refused; the active serves on, and calls in setup come up ---- */

static void run_handover_refused(struct sim *sim)
{
	int round;

	sim->wire.latency_us = 8000;
	story_calls(sim);
	for (round = 0; round < 12 && !sim->failed; round++) {
		struct node *active = story_active(sim, "after a refused handover");

		if (!active)
			break;
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, 10 * MS + story_between(sim, 1, 60));
		sim->wire.misfit = true;
		if (story_switch(sim, active))
			sim->wire.misfit = false;
		sim_run_for(sim, story_between(sim, 800, 4000));
		if (!sim->failed && sim->wire.misfit)
			sim_fail(sim, "the active hands over without a word");
	}
	story_nothing_moved(sim, "a handover that was refused");
	story_settle(sim);
}

/* ---- S33, S37: no control packet gets through for so long, whichever path it would take ---- */

static void outage(struct sim *sim, uint64_t us)
{
	sim_trace(sim, "access network: nothing gets through for %llu s", (unsigned long long)(us / SEC));
	sim->net.loss_pm = 1000;
	sim_run_for(sim, us);
	sim->net.loss_pm = 0;
}

static void run_outage(struct sim *sim)
{
	static const unsigned outages_s[] = { 10, 20 };
	struct call *calls[2];
	uint16_t before[2];
	unsigned round;
	int i;

	story_calls(sim);
	for (round = 0; round < 2 && !sim->failed; round++) {
		for (i = 0; i < 2; i++) {
			before[i] = lac_peer_tid(sim->peers[i].lac);
			peer_call(&sim->peers[i]);	/* something is under way */
			lac_hello_now(sim->peers[i].lac, sim_ms(sim));
		}
		outage(sim, outages_s[round] * SEC);
		sim_run_for(sim, 12 * SEC);
		for (i = 0; i < 2 && !sim->failed; i++)
			if (!lac_is_up(sim->peers[i].lac) || lac_peer_tid(sim->peers[i].lac) != before[i])
				sim_fail(sim, "liveness: tunnel %u did not outlive %u s without a packet", before[i],
					 outages_s[round]);
	}
	story_nothing_moved(sim, "a path that was lost");
	if (sim->failed)
		return;
	/* longer than anybody repeats: given up at both ends, and made anew without a trace of the old one */
	for (i = 0; i < 2; i++) {
		lac_hello_now(sim->peers[i].lac, sim_ms(sim));
		sim->peers[i].at_risk = true;
	}
	for (i = 0; i < sim->call_count; i++)
		sim->calls[i].at_risk = sim->calls[i].ppp_at_risk = true;
	outage(sim, 40 * SEC);
	sim_run_for(sim, 15 * SEC);
	for (i = 0; i < 2; i++)
		calls[i] = peer_call(&sim->peers[i]);
	sim_run_for(sim, 12 * SEC);
	for (i = 0; i < 2 && !sim->failed; i++)
		if (!calls[i] || calls[i]->ppp != CALL_PPP_UP)
			sim_fail(sim, "liveness: lac %d has no service after an outage of 40 s", i);
	story_settle(sim);
}

/* ---- F24: a pppd that never attaches and never dies ---- */

static void run_pppd_hangs(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 4 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before a pppd hangs"), *standby;
		size_t there;

		if (!active)
			break;
		standby = &sim->nodes[!active->index];
		standby->ppp_hangs = 1 + rng_below(sim, 2);
		if (rng_pm(sim, 500))
			story_kill_ppp(sim, standby);
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, story_between(sim, 100, 12000));
		/* as it hangs, or after it was replaced */
		story_power_cycle(sim, active, story_between(sim, 300, 3000));
		sim_run_for(sim, 25 * SEC);
		standby->ppp_hangs = 0;
		there = standby->ppp && standby->group ? ppp_model_hanging(standby->ppp) : 0;
		if (!sim->failed && there)
			sim_fail(sim, "liveness: %zu PPP engines of node %d hang for good", there, standby->index);
	}
	story_settle(sim);
}

const struct scenario corner_scenarios[] = {
	{ "degraded-unheard", run_degraded_unheard, STORY_FEW },
	{ "disk-full", run_disk_full, STORY_FEW },
	{ "handover-refused", run_handover_refused, STORY_FEW },
	{ "outage", run_outage, STORY_FEW },
	{ "pppd-hangs", run_pppd_hangs, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
