/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restart in place (facts 10.9): what outlives a daemon that is killed, and
 * stories in which nothing may be lost with it, with a peer or without one.
 *
 * The image is memory of the node; it is copied at the instant of death, so
 * that nothing the dead code still does reaches it.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/checkpoint.h"
#include "ha/image.h"

/* ---- the image ---- */

static uint8_t *image_begin(void *ctx, size_t size, size_t *got)
{
	struct node *node = ctx;

	free(node->image.next);
	node->image.next = calloc(1, size);
	node->image.next_size = *got = size;
	return node->image.next;
}

static int image_swap(void *ctx)
{
	struct node *node = ctx;

	free(node->image.now);
	node->image.now = node->image.next;
	node->image.now_size = node->image.next_size;
	node->image.next = NULL;
	return 0;
}

const struct ha_image_ops *node_image_ops(struct node *node, struct ha_image_ops *ops)
{
	*ops = (struct ha_image_ops){ .ctx = node, .begin = image_begin, .swap = image_swap };
	return ops;
}

void node_image_freeze(struct node *node)
{
	struct node_image *image = &node->image;

	free(image->frozen);
	image->frozen = NULL;
	if (!image->now)
		return;
	image->frozen = malloc(image->now_size);
	if (!image->frozen)
		abort();
	memcpy(image->frozen, image->now, image->now_size);
	image->frozen_size = image->now_size;
}

void node_image_restore(struct node *node)
{
	struct node_image *image = &node->image;
	char why[HA_REASON_MAX] = "";

	free(image->now);
	free(image->next);
	image->now = image->frozen;
	image->now_size = image->frozen_size;
	image->frozen = image->next = NULL;
	if (!image->now)
		return;
	if (group_restore(node->group, image->now, image->now_size, why))
		sim_fail(node->sim, "S6: node %d refuses its own image: %s", node->index, why);
}

void node_image_free(struct node *node)
{
	free(node->image.now);
	free(node->image.next);
	free(node->image.frozen);
	memset(&node->image, 0, sizeof(node->image));
}

/* ---- killed, and nothing may be lost ---- */

/* PPP that opened in this very moment, before anybody was told, may start anew. */
void node_spare(struct node *node)
{
	struct sim *sim = node->sim;
	int i;

	for (i = 0; i < sim->call_count; i++) {
		struct call *call = &sim->calls[i];
		struct subscriber_info info = { 0 };

		if (!call->lc)
			continue;
		if (!group_subscriber(node->group, lac_peer_tid(sim->peers[call->peer].lac),
				      lac_call_peer_sid(call->lc), &info) ||
		    !info.has_ppp || sim->now_us < call->ppp_up_us + 30 * MS)
			call->ppp_at_risk = true;
	}
}

void node_kill_in_place(struct node *node)
{
	if (!node->running)
		return;
	node_spare(node);
	pppoe_before_loss(node->sim, node);
	node->in_place = true;
	node_kill(node);
	node->in_place = false;
}

static void some_work(struct sim *sim)
{
	unsigned n = rng_below(sim, 4);
	struct call *call;

	while (n--) {
		peer_call(&sim->peers[rng_below(sim, (uint32_t)sim->peer_count)]);
		sim_run_for(sim, rng_below(sim, 300) * MS);
	}
	if (sim->call_count > 6 && rng_pm(sim, 500)) {
		call = &sim->calls[rng_below(sim, (uint32_t)sim->call_count)];
		if (call->lc)
			peer_hangup(sim, call);
	}
	sim_run_for(sim, rng_below(sim, 40) * MS);
}

static void quiet_end(struct sim *sim)
{
	int i;

	sim->quiet = true;
	sim->net.loss_pm = 0;
	for (i = 0; i < SIM_NODES; i++)
		node_boot(&sim->nodes[i]);
	sim_run_for(sim, 35 * SEC);
	check_end(sim);
}

static void start(struct sim *sim, bool solo)
{
	peer_new(sim, 0, LAC_PEER_RFC, NULL, false);
	peer_new(sim, 1, LAC_PEER_RFC, "first secret", false);
	sim->net.loss_pm = rng_pm(sim, 500) ? 0 : rng_below(sim, 50);
	node_boot(&sim->nodes[0]);
	if (!solo)
		node_boot(&sim->nodes[1]);
	sim_run_for(sim, 5 * SEC);
	peer_call(&sim->peers[0]);
	peer_call(&sim->peers[1]);
	sim_run_for(sim, 3 * SEC);
}

/* Who goes on where a daemon died asks for a standby's word only if that one had a standby. */
static void check_doubt(struct sim *sim, const struct node *node, bool doubt)
{
	struct ha_info info;

	sim_run_for(sim, 20 * MS);
	ha_info(group_ha(node->group), &info);
	if (!sim->failed && info.role == HA_ROLE_ACTIVE && !info.link_up && info.doubt != doubt)
		sim_fail(sim, "S1: the daemon before had %s standby, this one waits for %s", doubt ? "a" : "no",
			 info.doubt ? "its word" : "none");
}

/* Back before the peer may claim: the restarted daemon goes on, with a new epoch. */
void run_restart(struct sim *sim)
{
	unsigned round;

	start(sim, false);
	for (round = 0; round < 8 && !sim->failed; round++) {
		int a = sim_active(sim);
		uint64_t epoch;

		if (a < 0) {
			sim_fail(sim, "liveness: nobody is active before restart %u", round);
			break;
		}
		some_work(sim);
		epoch = sim->nodes[a].seen_epoch;
		node_kill_in_place(&sim->nodes[a]);
		sim_run_for(sim, rng_below(sim, 600) * MS);
		node_boot(&sim->nodes[a]);
		check_doubt(sim, &sim->nodes[a], true);
		sim_run_for(sim, 3 * SEC);
		if (sim->failed)
			break;
		if (sim_active(sim) != a)
			sim_fail(sim, "liveness: node %d was restarted in place, node %d is active", a, sim_active(sim));
		else if (sim->nodes[a].seen_epoch <= epoch)
			sim_fail(sim, "S7: node %d was restarted and goes on with epoch %llu", a,
				 (unsigned long long)epoch);
	}
	if (!sim->failed)
		quiet_end(sim);
}

/* No peer: however long it takes, within what a LAC endures. */
void run_restart_solo(struct sim *sim)
{
	struct node *node = &sim->nodes[0];
	unsigned round;

	start(sim, true);
	for (round = 0; round < 6 && !sim->failed; round++) {
		some_work(sim);
		node_kill_in_place(node);
		sim_run_for(sim, rng_below(sim, rng_pm(sim, 500) ? 700 : 8000) * MS);
		node_boot(node);
		check_doubt(sim, node, false);
		sim_run_for(sim, 8 * SEC);
		if (!sim->failed && sim_active(sim) != 0)
			sim_fail(sim, "liveness: the only node was restarted and is not active");
	}
	if (!sim->failed)
		quiet_end(sim);
}

/*
 * Many sessions whose engines all come back at once, before the new daemon has read all its records; or, on a busy box, one
 * after the other, the last one late. None of them may be given up.
 */
void run_restart_crowd(struct sim *sim)
{
	struct node *node = &sim->nodes[0];
	bool busy = rng_pm(sim, 500);
	int i, calls = busy ? 10 : 120;

	start(sim, true);
	sim->net.loss_pm = 0;
	for (i = 0; i < calls; i++) {
		peer_call(&sim->peers[i % 2]);
		sim_run_for(sim, busy ? 300 * MS : 50 * MS);
	}
	sim_run_for(sim, 3 * SEC);
	sim->orphan_pace_us = busy ? (500 + rng_below(sim, 3500)) * MS : 0;
	node_kill_in_place(node);
	sim_run_for(sim, rng_below(sim, 500) * MS);
	node_boot(node);
	sim_run_for(sim, 12 * sim->orphan_pace_us + 8 * SEC);
	if (!sim->failed && sim->sent_away)
		sim_fail(sim, "S2: %llu of the sessions that came back, %llu ms apart, were sent away",
			 (unsigned long long)sim->sent_away, (unsigned long long)(sim->orphan_pace_us / MS));
	sim->orphan_pace_us = 0;
	if (!sim->failed)
		quiet_end(sim);
}

static bool back_again(struct sim *sim)
{
	bool any = false;
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		if (!sim->nodes[i].powered || sim->nodes[i].running)
			continue;
		sim_run_for(sim, rng_below(sim, 300) * MS);
		node_boot(&sim->nodes[i]);
		any = true;
	}
	return any;
}

/*
 * Killed in the middle of anything, again and again: at a step drawn from the seed, which may be inside of a callback, and
 * back a little later. Over many seeds that is every commit point and every message of setup and teardown.
 */
void run_restart_storm(struct sim *sim)
{
	uint64_t end;

	start(sim, rng_pm(sim, 500));
	sim->crash_kind = CRASH_KILL;
	sim->crash_in_place = true;
	end = sim->now_us + 20 * SEC;
	while (!sim->failed && sim->now_us < end) {
		struct call *call = sim->call_count ? &sim->calls[rng_below(sim, (uint32_t)sim->call_count)] : NULL;

		if (back_again(sim) || sim->steps >= sim->crash_at || sim->crash_at == SIM_NEVER)
			sim->crash_at = sim->steps + 1 + rng_below(sim, 400);
		if (rng_pm(sim, 60))
			peer_call(&sim->peers[rng_below(sim, 2)]);
		if (call && call->lc && rng_pm(sim, 20))
			peer_hangup(sim, call);
		sim_run_for(sim, rng_below(sim, 60) * MS);
	}
	sim->crash_at = SIM_NEVER;
	sim->crash_in_place = false;
	if (!sim->failed)
		quiet_end(sim);
}
