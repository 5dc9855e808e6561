/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One node: machine, kernel (netlink/null.c), pppds (ppp.c) and the daemon
 * (daemon/group.c), each with a life of its own.  Power loss takes all of
 * them, kill -9 the daemon only, a freeze stops the daemon while its kernel
 * goes on (leases end).  Scenarios call this; it calls the group.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void enter(struct node *node)
{
	node->sim->acting = node->index;
	dp_null_set_time(node->dp, sim_ms(node->sim));
}

/* ---- what the group and the kernel call ---- */

static void op_random(void *ctx, void *buf, size_t len)
{
	rng_fill_node(ctx, buf, len);
}

static void op_link_send(void *ctx, const uint8_t *data, size_t len)
{
	struct node *node = ctx;

	if (node->dying)
		return;
	sim_step(node->sim);
	if (!node->dying)
		wire_send(node, data, len);
}

static void op_link_reset(void *ctx, const char *why)
{
	struct node *node = ctx;

	if (!node->dying)
		wire_reset(node, why);
}

static int op_persist_epoch(void *ctx, uint64_t epoch)
{
	struct node *node = ctx;

	if (node->dying)
		return -EIO;
	sim_step(node->sim);
	if (node->dying)
		return -EIO;
	if (node->disk_fails) {
		node->disk_failed = true;
		return -ENOSPC;
	}
	if (epoch < node->disk_epoch)
		sim_fail(node->sim, "S7: node %d persists epoch %llu after %llu", node->index,
			 (unsigned long long)epoch, (unsigned long long)node->disk_epoch);
	node->disk_epoch = epoch;
	return 0;
}

static void op_role_changed(void *ctx, enum ha_role role, const char *why)
{
	struct node *node = ctx;

	if (node->dying)
		return;
	/* who goes mute because two owners have met: what that may cost was written down when they parted */
	if (role == HA_ROLE_DEMOTING && node->role == HA_ROLE_ACTIVE &&
	    (node->sim->now_us >= node->sim->split_until_us || !node_is_owner(&node->sim->nodes[!node->index])))
		check_before_loss(node->sim, node, true);
	node->role = role;
	sim_trace(node->sim, "node %d role %s: %s", node->index, ha_role_name(role), why);
	if (role == HA_ROLE_ACTIVE) {
		check_takeover(node);
		if (node->sim->last_active >= 0 && node->sim->last_active != node->index)
			node->sim->switchovers++;
		node->sim->last_active = node->index;
	}
}

static void dp_transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const uint8_t *data, size_t len)
{
	struct node *node = ctx;

	if (node->dying)
		return;
	sim_step(node->sim);
	if (!node->dying)
		net_from_node(node, local, peer, data, len);
}

static void dp_vip_changed(void *ctx)
{
	net_vip_changed(ctx);
}

int node_fault(struct node *node, const char *operation)
{
	if (node->dying)
		return -EIO;	/* the dead ask for nothing */
	if (!strcmp(operation, "send")) {
		/* what the fence would swallow must not even be tried by a node that is not the owner */
		if (node->group && !node_is_owner(node))
			sim_fail(node->sim, "S1: node %d sends and is not the owner (role %s)", node->index,
				 ha_role_name(node->role));
		return 0;
	}
	if ((!strcmp(operation, "session_create") || !strcmp(operation, "tunnel_create")) &&
	    rng_pm(node->sim, node->dp_fault_pct * 10)) {
		sim_trace(node->sim, "node %d: %s fails", node->index, operation);
		return -ENOMEM;
	}
	/* the back end itself sees to it that what has to go goes; one that cannot listen does not start */
	if (!strstr(operation, "_delete") && strcmp(operation, "listen") && strcmp(operation, "vip_declare") &&
	    strcmp(operation, "flush") && rng_pm(node->sim, node->dp_fault_any_pct * 10)) {
		sim_trace(node->sim, "node %d: %s fails", node->index, operation);
		return -ENOBUFS;
	}
	return 0;
}

static int dp_fault(void *ctx, const char *operation)
{
	return node_fault(ctx, operation);
}

static void dp_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	struct node *node = ctx;

	if (node->group)
		group_packet(node->group, sim_ms(node->sim), local, peer, data, len);
}

static void dp_carrier(void *ctx)
{
	struct node *node = ctx;

	if (node->group)
		group_carrier(node->group, sim_ms(node->sim));
}

static struct dp_events dp_events_of(struct node *node)
{
	return (struct dp_events){ .ctx = node, .packet = dp_packet, .carrier = dp_carrier };
}

/* ---- wake-ups ---- */

static void round_now(struct node *node)
{
	if (node->group && !node->dying)
		group_run(node->group, sim_ms(node->sim));
	node_settle(node);
}

static void ev_run(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (ev->token != node->incarnation) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	sim_event_free(ev);
	node->run_scheduled = false;
	enter(node);
	round_now(node);
}

/*
 * The daemon's round comes once a wake-up, after all that was ready.  How much that is, is
 * anybody's guess: this alone, or what else comes within 300 us.
 */
void node_fed(struct node *node)
{
	struct sim *sim = node->sim;

	if (node->dying || node->run_scheduled)
		return;
	if (rng_pm(sim, 300)) {
		round_now(node);
		return;
	}
	node->run_scheduled = true;
	sim_at(sim, sim->now_us + rng_below(sim, 300), ev_run, node->index, node->incarnation);
}

/* ---- completions ---- */

static void ev_dp(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];

	if (ev->token != node->incarnation) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	sim_event_free(ev);
	node->dp_scheduled = false;
	enter(node);
	if (node->group)
		group_now(node->group, sim_ms(sim));
	dp_null_run(node->dp, sim_ms(sim));
	node_fed(node);
}

void node_settle(struct node *node)
{
	struct sim *sim = node->sim;
	unsigned delay_us;

	if (node->dying || !node->group)
		return;
	if (!node->flushed && !group_adopting(node->group)) {
		/* as l2tphad does: what an earlier daemon left in the kernel, and nobody wants, goes */
		node->flushed = true;
		node->dp->ops->flush(node->dp, NULL, NULL);
	}
	if (dp_null_pending(node->dp) && !node->dp_scheduled) {
		/* netlink takes microseconds, and sometimes a grace period */
		delay_us = rng_pm(sim, 50) ? 15000 + rng_below(sim, 10000) : 20 + rng_below(sim, 600);
		node->dp_scheduled = true;
		sim_at(sim, sim->now_us + delay_us, ev_dp, node->index, node->incarnation);
	}
}

void node_plug(struct node *node, bool in)
{
	sim_trace(node->sim, "node %d: access network %s", node->index, in ? "plugged in" : "unplugged");
	node->access_cut = !in;
	if (!node->dp)
		return;
	enter(node);
	dp_null_plug(node->dp, in);
	node_fed(node);
}

/* ---- life ---- */

bool node_alive(const struct node *node)
{
	return node->running && !node->frozen && !node->dying;
}

struct group *node_group(const struct node *node)
{
	return node->running ? node->group : NULL;
}

bool node_is_owner(const struct node *node)
{
	struct ha_info info;

	if (!node->group)
		return false;
	ha_info(group_ha(node->group), &info);
	return info.owner;
}

enum ha_sync node_sync(const struct node *node)
{
	struct ha_info info;

	ha_info(group_ha(node->group), &info);
	return info.sync;
}

bool node_speaks(const struct node *node)
{
	return node->powered && dp_null_has_vip(node->dp, &node->sim->vip) &&
	       dp_null_leased(node->dp, &node->sim->vip, sim_ms(node->sim));
}

int sim_active(const struct sim *sim)
{
	int i;

	for (i = 0; i < SIM_NODES; i++)
		if (sim->nodes[i].running && sim->nodes[i].role == HA_ROLE_ACTIVE && node_is_owner(&sim->nodes[i]))
			return i;
	return -1;
}

void node_boot(struct node *node)
{
	struct sim *sim = node->sim;
	struct dp_events events = dp_events_of(node);
	struct dp_null_config dpc = {
		.transmit = dp_transmit, .vip_changed = dp_vip_changed, .fault = dp_fault, .ctx = node,
	};
	struct group_ops ops = {
		.ctx = node, .random = op_random, .link_send = op_link_send, .link_reset = op_link_reset,
		.persist_epoch = op_persist_epoch, .role_changed = op_role_changed,
	};
	struct group_config gc = { .id_min = 1, .id_max = sim->id_max ? sim->id_max : 4000, .unix_minus_monotonic_ms = 1700000000000LL };
	struct ha_image_ops image;
	char why[256] = "";

	if (node->running)
		return;
	node->incarnation++;
	if (!node->powered) {
		node->powered = true;
		node->boot++;
		node->dp = dp_null_new(&dpc, &events);
		node_probes_init(node);
		ether_machine_on(node);
		node->ppp = ppp_model_new(node);
	}
	node->dp_scheduled = false;
	node->run_scheduled = false;
	node->frozen = false;
	node->role = HA_ROLE_INIT;
	node->seen_epoch = node->disk_epoch;
	if (!node->config)
		node->config = world_config(sim, node->index);
	gc.config = node->config;
	gc.rg = node->config->redundancy_groups;
	gc.epoch = node->disk_epoch;
	gc.unix_minus_monotonic_ms += node->wall_ms;
	gc.image = node_image_ops(node, &image);
	gc.boot_id[0] = (uint8_t)node->boot;
	enter(node);
	sim_trace(sim, "node %d boots, epoch %llu", node->index, (unsigned long long)node->disk_epoch);
	ether_ops(node, &ops);
	ether_daemon_on(node);
	node->group = group_new(&gc, &ops, node->dp, ppp_model_ops(), node->ppp, sim_ms(sim));
	node->running = true;
	node->flushed = false;
	if (node->group)
		node_image_restore(node);
	if (!node->group || group_start(node->group, sim_ms(sim), why)) {
		sim_fail(sim, "node %d does not start: %s", node->index, why);
		return;
	}
	ppp_model_adopt(node->ppp);
	node_settle(node);
	wire_poke(sim);
}

static void drop_deferred(struct node *node)
{
	size_t i;

	for (i = 0; i < node->deferred_len; i++)
		sim_event_free(node->deferred[i]);
	node->deferred_len = 0;
}

static void daemon_gone(struct node *node)
{
	struct group *group = node->group;

	node->running = false;
	node->group = NULL;
	node->frozen = false;
	node->incarnation++;
	node->role = HA_ROLE_INIT;
	node->dying = true;	/* nothing it does while it is freed happens */
	group_free(group);
	ether_daemon_off(node);
	node_probes_end(node);
	/* what was handed to the kernel is done by the kernel */
	while (dp_null_pending(node->dp))
		dp_null_run(node->dp, sim_ms(node->sim));
	node->dying = false;
	node->switch_pending = false;
	drop_deferred(node);
}

void node_power_loss(struct node *node)
{
	if (!node->powered)
		return;
	if (!node->dying)
		check_before_loss(node->sim, node, false);
	sim_trace(node->sim, "node %d loses power", node->index);
	node->sim->stats.crashes++;
	if (node->running)
		daemon_gone(node);
	node->dying = false;
	wire_node_gone(node, true);
	node_image_free(node);
	pppoe_image(node, false);
	node->powered = false;
	ether_machine_off(node);
	ppp_model_free(node->ppp);
	node->ppp = NULL;
	node->dp->ops->free(node->dp);
	node->dp = NULL;
}

void node_kill(struct node *node)
{
	struct dp_events events = dp_events_of(node);

	if (!node->running)
		return;
	if (!node->dying && !node->in_place)
		check_before_loss(node->sim, node, false);
	if (!node->dying)
		node_image_freeze(node);
	pppoe_image(node, true);
	sim_trace(node->sim, "node %d: daemon killed", node->index);
	node->sim->stats.kills++;
	daemon_gone(node);
	wire_node_gone(node, false);
	dp_null_orphan(node->dp, &events);
	ppp_model_orphan(node->ppp);
}

/* ---- freeze ---- */

bool node_defer(struct node *node, struct sim_event *ev)
{
	if (!node->frozen)
		return false;
	if (node->deferred_len == node->deferred_cap) {
		node->deferred_cap = node->deferred_cap ? node->deferred_cap * 2 : 64;
		node->deferred = realloc(node->deferred, node->deferred_cap * sizeof(*node->deferred));
		if (!node->deferred)
			abort();
	}
	node->deferred[node->deferred_len++] = ev;
	return true;
}

void node_freeze(struct node *node)
{
	if (!node_alive(node))
		return;
	check_before_loss(node->sim, node, false);
	sim_trace(node->sim, "node %d frozen", node->index);
	node->sim->stats.freezes++;
	node->frozen = true;
}

void node_thaw(struct node *node)
{
	size_t i;

	if (!node->frozen)
		return;
	sim_trace(node->sim, "node %d thawed, %zu events waited", node->index, node->deferred_len);
	node->frozen = false;
	node->sync_lie_us = 0;	/* it could not notice while it stood still */
	/* the order of descriptors after a long poll is anybody's guess: sometimes timers come first */
	if (rng_pm(node->sim, 500)) {
		enter(node);
		group_tick(node->group, sim_ms(node->sim));
		node_settle(node);
	}
	for (i = 0; i < node->deferred_len; i++) {
		node->deferred[i]->at_us = node->sim->now_us;
		sim_push(node->sim, node->deferred[i]);
	}
	node->deferred_len = 0;
	wire_poke(node->sim);
}

/* ---- timers ---- */

#define BUSY_WAKE_UP_US 500	/* one that leaves work for the next */

uint64_t node_deadline_us(const struct node *node)
{
	uint64_t d, busy_us = node->last_tick_us + BUSY_WAKE_UP_US;

	if (!node->running || node->frozen || node->dying)
		return SIM_NEVER;
	d = group_deadline_ms(node->group);
	if (d == UINT64_MAX)
		return SIM_NEVER;
	if (d * MS > node->sim->now_us)
		return d * MS;
	return node->same_time_ticks && busy_us > node->sim->now_us ? busy_us : node->sim->now_us;
}

void node_tick(struct node *node)
{
	struct sim *sim = node->sim;

	if (node->last_tick_us / 1000 != sim_ms(sim))
		node->same_time_ticks = 0;
	node->last_tick_us = sim->now_us;
	if (++node->same_time_ticks > 500) {
		sim_fail(sim, "node %d: deadline %llu ms does not move on at %llu ms", node->index,
			 (unsigned long long)group_deadline_ms(node->group), (unsigned long long)sim_ms(sim));
		return;
	}
	sim_step(sim);
	if (node->dying)
		return;
	enter(node);
	group_tick(node->group, sim_ms(sim));
	node_settle(node);
}
