/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roles from outside: the built-in detector is off.  The manager is a model of
 * two keepalived: each sees its own machine and the other's announcements on
 * the access network, weighs them with what daemon/outside.c says of the
 * records, and writes one line when its state changes.  It is wrong at times:
 * it promotes both, promotes the one whose records are old, repeats itself.
 * Only force may make a group claim what it should not; nobody here uses it.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/outside.h"

struct keepalived {
	struct outside *outside;	/* in the daemon: lives as long */
	uint64_t incarnation;		/* of which */
	enum outside_word word, said;	/* its state; what the daemon heard last */
	uint64_t quiet_us;		/* since when nobody better is heard; 0: somebody is */
	int track;			/* in the file; stays when the daemon dies */
};

struct manager {
	struct sim *sim;
	struct keepalived side[SIM_NODES];
	bool stopped;
};

static bool machine_ok(const struct node *node)
{
	return node->powered && node->running && !node->access_cut;
}

static int weight(const struct manager *m, int i)
{
	return (i ? 90 : 100) + m->side[i].track;
}

/* What one of them thinks of itself now. */
static enum outside_word judge(struct manager *m, int i)
{
	struct keepalived *k = &m->side[i], *other = &m->side[!i];
	struct sim *sim = m->sim;
	struct node *node = &sim->nodes[i], *peer = &sim->nodes[!i];
	bool heard = machine_ok(peer) && other->word == OUTSIDE_WORD_MASTER && !sim->net.split;

	if (!machine_ok(node)) {
		k->quiet_us = 0;
		return OUTSIDE_WORD_FAULT;
	}
	if (heard && weight(m, !i) > weight(m, i)) {
		k->quiet_us = 0;
		return OUTSIDE_WORD_BACKUP;
	}
	if (k->word == OUTSIDE_WORD_MASTER)
		return OUTSIDE_WORD_MASTER;
	if (!k->quiet_us)
		k->quiet_us = sim->now_us;
	return sim->now_us > k->quiet_us + (i ? 1100 : 1000) * MS ? OUTSIDE_WORD_MASTER : OUTSIDE_WORD_BACKUP;
}

static void say(struct manager *m, int i)
{
	struct keepalived *k = &m->side[i];
	char line[64];
	int len;

	if (k->said == k->word)
		return;
	k->said = k->word;
	len = snprintf(line, sizeof(line), "INSTANCE \"LNS\" %s %d\n", outside_word_name(k->word), weight(m, i));
	sim_trace(m->sim, "keepalived of node %d: %s, weight %d", i, outside_word_name(k->word), weight(m, i));
	outside_input(k->outside, sim_ms(m->sim), (const uint8_t *)line, (size_t)len);
}

/* What daemon/io_outside.c does before its loop sleeps. */
static void obey(struct manager *m, int i)
{
	struct keepalived *k = &m->side[i];
	struct sim *sim = m->sim;
	struct node *node = &sim->nodes[i];
	char reason[HA_REASON_MAX] = "";
	enum outside_action action;
	struct ha_info info;
	int rc = 0;

	if (!node_alive(node))
		return;
	if (!k->outside || k->incarnation != node->incarnation) {
		outside_free(k->outside);
		k->outside = outside_new("pair", "LNS");
		if (!k->outside)
			abort();
		k->incarnation = node->incarnation;
		k->said = OUTSIDE_WORD_NONE;
	}
	say(m, i);
	ha_info(group_ha(node->group), &info);
	k->track = outside_track(info.fitness);
	action = outside_next(k->outside, sim_ms(sim), &info);
	switch (action) {
	case OUTSIDE_ACTION_NONE:
		return;
	case OUTSIDE_ACTION_PROMOTE:
		rc = group_promote(node->group, sim_ms(sim), false, reason);
		break;
	case OUTSIDE_ACTION_HANDOVER:
		rc = group_switchover(node->group, sim_ms(sim), false, reason);
		break;
	case OUTSIDE_ACTION_DEMOTE:
		/* not in sync: it is told what that costs, and does it */
		if (info.sync != HA_SYNC_IN_SYNC)
			check_before_loss(sim, node, false);
		rc = group_demote(node->group, sim_ms(sim), reason);
		break;
	}
	sim_trace(sim, "node %d is told to %s: %d %s", i, action == OUTSIDE_ACTION_PROMOTE ? "promote" :
		  action == OUTSIDE_ACTION_HANDOVER ? "hand over" : "demote", rc, reason);
	outside_result(k->outside, sim_ms(sim), action, rc, reason);
	node_settle(node);
}

static void ev_manager(struct sim *sim, struct sim_event *ev)
{
	struct manager *m = (struct manager *)(uintptr_t)ev->arg;
	int i;

	if (m->stopped) {
		sim_event_free(ev);
		return;
	}
	for (i = 0; i < SIM_NODES; i++)
		m->side[i].word = judge(m, i);
	for (i = 0; i < SIM_NODES; i++)
		obey(m, i);
	ev->at_us = sim->now_us + 50 * MS;
	sim_push(sim, ev);
}

static void manager_start(struct manager *m, struct sim *sim)
{
	int i;

	*m = (struct manager){ .sim = sim };
	for (i = 0; i < SIM_NODES; i++) {
		sim->nodes[i].config = world_config(sim, i);
		sim->nodes[i].config->redundancy_groups->detector = CONFIG_DETECTOR_KEEPALIVED;
	}
	sim_at(sim, sim->now_us + 50 * MS, ev_manager, 0, 0)->arg = (uint64_t)(uintptr_t)m;
}

static void manager_stop(struct manager *m)
{
	int i;

	m->stopped = true;
	for (i = 0; i < SIM_NODES; i++)
		outside_free(m->side[i].outside);
}

static uint64_t between(struct sim *sim, uint32_t from_ms, uint32_t to_ms)
{
	return (from_ms + rng_below(sim, to_ms - from_ms)) * MS;
}

/* An order that no manager in its right mind gives. */
static void wrong_order(struct sim *sim)
{
	char reason[HA_REASON_MAX] = "";
	int i, which = (int)rng_below(sim, 3), first = (int)rng_below(sim, SIM_NODES);

	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i ? !first : first];
		bool was_owner, stale;
		struct ha_info info;
		int rc;

		if (!node_alive(node) || (which && i))
			continue;
		ha_info(group_ha(node->group), &info);
		was_owner = info.owner;
		stale = !was_owner && info.fitness == HA_FITNESS_STALE;
		if (which == 2 && info.sync != HA_SYNC_IN_SYNC)
			check_before_loss(sim, node, false);
		rc = which < 2 ? group_promote(node->group, sim_ms(sim), false, reason) :
		     group_demote(node->group, sim_ms(sim), reason);
		sim_trace(sim, "node %d is wrongly told to %s: %d %s", node->index, which < 2 ? "promote" : "demote", rc,
			  reason);
		if (which < 2 && stale && !rc)
			sim_fail(sim, "S6: node %d is stale and is promoted without force", node->index);
		node_settle(node);
	}
}

static void ev_access_back(struct sim *sim, struct sim_event *ev)
{
	sim->nodes[ev->who].access_cut = false;
	sim_trace(sim, "access link of node %d is back", ev->who);
	sim_event_free(ev);
}

static void ev_link_back(struct sim *sim, struct sim_event *ev)
{
	wire_heal(sim, ev->arg);
	sim_event_free(ev);
}

static void one_fault(struct sim *sim, bool wrong)
{
	int a = sim_active(sim);
	struct node *active = a < 0 ? NULL : &sim->nodes[a];
	unsigned kind = rng_below(sim, wrong ? 100 : 80);

	if (!active || active->access_cut)
		return;
	if (kind < 20) {
		node_power_loss(active);
		sim_at(sim, sim->now_us + between(sim, 300, 12000), ev_boot, a, 0);
	} else if (kind < 35) {
		node_kill(active);
		sim_at(sim, sim->now_us + between(sim, 50, 6000), ev_boot, a, 0);
	} else if (kind < 50) {
		node_power_loss(&sim->nodes[!a]);
		sim_at(sim, sim->now_us + between(sim, 300, 8000), ev_boot, !a, 0);
	} else if (kind < 65 && !sim->wire.cut && sim->wire.up[0] && sim->wire.up[1]) {
		sim_trace(sim, "access link of node %d is cut", a);
		check_before_silence(sim, active);
		active->access_cut = true;
		sim_at(sim, sim->now_us + between(sim, 100, 6000), ev_access_back, a, 0);
	} else if (kind < 80 && !sim->wire.cut && !sim->nodes[!a].access_cut) {
		wire_cut(sim);
		sim_at(sim, sim->now_us + between(sim, 5, 9000), ev_link_back, 0, 0)->arg = rng_below(sim, 2);
	} else if (kind >= 80) {
		wrong_order(sim);
	}
}

static void outside_story(struct sim *sim, bool wrong)
{
	struct manager m;
	int i;

	manager_start(&m, sim);
	story_calls(sim);
	for (i = 0; i < 12 && !sim->failed; i++) {
		one_fault(sim, wrong);
		sim_run_for(sim, between(sim, 100, 4000));
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, between(sim, 100, 4000));
		if (rng_pm(sim, 300) && sim->call_count)
			peer_hangup(sim, &sim->calls[rng_below(sim, (uint32_t)sim->call_count)]);
	}
	story_settle(sim);
	manager_stop(&m);
}

static void run_outside(struct sim *sim)
{
	outside_story(sim, false);
}

static void run_outside_wrong(struct sim *sim)
{
	outside_story(sim, true);
}

const struct scenario outside_scenarios[] = {
	{ "outside", run_outside, STORY_FEW },
	{ "outside-wrong", run_outside_wrong, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
