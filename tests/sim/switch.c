/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair as a tunnel switch: LACs in front, LNSes behind, and nothing that
 * speaks PPP in between.  A call that was switched survives whatever a call
 * that ends at the pair survives, with both its legs and the joint; one that
 * was not yet is dialled again by whoever takes over.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

void story_behind(struct sim *sim)
{
	int i;

	sim->switching = true;
	for (i = 0; i < SIM_FARS; i++)
		far_new(sim, i);
}

static void run_calm(struct sim *sim)
{
	size_t open;

	story_behind(sim);
	story_calls(sim);
	open = far_open(sim->fars[0]) + far_open(sim->fars[1]);
	if (!sim->failed && open != 3)
		sim_fail(sim, "liveness: of 3 calls %zu are open at the LNSes", open);
	if (!sim->failed)
		story_settle(sim);
	open = far_open(sim->fars[0]) + far_open(sim->fars[1]);
	if (!sim->failed && open)
		sim_fail(sim, "leak: all calls have ended, %zu links are open at the LNSes", open);
}

static void run_power(struct sim *sim)
{
	story_behind(sim);
	story_calls(sim);
	story_power_losses(sim, 4);
	if (!sim->failed)
		story_settle(sim);
}

static void run_random(struct sim *sim)
{
	sim->asking = sim->asking || sim->seed % 8 == 1;
	story_behind(sim);
	story_random(sim, story_fault);
}

/* Who the user is only PPP here learns: it asks, then the call goes on and PPP ends. */
static void run_asked(struct sim *sim)
{
	sim->asking = true;
	run_power(sim);
}

static void run_asked_random(struct sim *sim)
{
	sim->asking = true;
	run_random(sim);
}

static void run_strangers(struct sim *sim)
{
	sim->strangers = true;
	run_random(sim);
}

/* The daemon dies and comes back on the same box: what is joined goes on, and its sockets come back. */
static void run_restart_in_place(struct sim *sim)
{
	story_behind(sim);
	run_restart(sim);
}

const struct scenario switch_scenarios[] = {
	{ "switch-calm", run_calm, STORY_ONCE },
	{ "switch-power", run_power, STORY_FEW },
	{ "switch-random", run_random, STORY_ODD },
	{ "switch-asked", run_asked, STORY_FEW },
	{ "switch-asked-random", run_asked_random, STORY_FEW },
	{ "switch-strangers", run_strangers, STORY_FEW },
	{ "switch-restart", run_restart_in_place, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
