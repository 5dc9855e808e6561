/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the access network who has the address, as netlink/probe.c does: three
 * questions within 300 ms, an answer comes at once, silence at the end; and
 * whoever asks meanwhile, too, is heard.  Stands in the place of the null back
 * end's own vip_probe, which knows no network.  The questions are asked by the
 * daemon: one that is frozen asks none, but what it was told is there later.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <string.h>

#define QUESTIONS 3

static struct node *node_of(struct dp *dp)
{
	return (struct node *)(void *)((char *)(uintptr_t)dp->ops - offsetof(struct node, dp_ops));
}

static void end(struct node_probe *probe, int result)
{
	dp_done_fn done = probe->done;
	void *arg = probe->arg;

	memset(probe, 0, sizeof(*probe));
	done(arg, result);
}

static void told(struct node *node, struct node_probe *probe, int result)
{
	sim_trace(node->sim, "node %d: probe: %s", node->index, result < 0 ? strerror(-result) :
		  result == DP_PROBE_ANSWERS ? "somebody answers" : result == DP_PROBE_ASKED ? "silent, somebody asks" : "silent");
	node->sim->acting = node->index;
	dp_null_set_time(node->dp, sim_ms(node->sim));
	if (node->group)
		group_now(node->group, sim_ms(node->sim));
	end(probe, result);
	node_fed(node);
}

static bool ask(struct node *node)
{
	struct node *other = &node->sim->nodes[!node->index];
	int i;

	if (node->sim->net.split || other->access_cut || !other->powered)
		return false;
	for (i = 0; i < NODE_PROBES; i++)
		other->probes[i].heard |= other->probes[i].done != NULL;
	return node_speaks(other);
}

static void ev_probe(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];
	struct node_probe *probe = &node->probes[ev->arg];
	int result;

	if (ev->token != node->incarnation) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	if (probe->error || probe->asked == QUESTIONS || probe->answered) {
		result = probe->answered ? DP_PROBE_ANSWERS : probe->error ? probe->error :
			 probe->heard ? DP_PROBE_ASKED : DP_PROBE_SILENT;
		sim_event_free(ev);
		told(node, probe, result);
		return;
	}
	probe->asked++;
	if (node->access_cut)
		probe->error = -ENETDOWN;
	else
		probe->answered = ask(node);
	ev->at_us = sim->now_us + (probe->answered ? 300 : 100 * MS);
	sim_push(sim, ev);
}

static int probe_start(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t timeout_ms, dp_done_fn done,
		       void *arg)
{
	struct node *node = node_of(dp);
	int i;

	(void)vips, (void)count, (void)timeout_ms;
	for (i = 0; i < NODE_PROBES && node->probes[i].done; i++)
		;
	if (i == NODE_PROBES)
		return -ENOBUFS;
	node->probes[i] = (struct node_probe){ .done = done, .arg = arg, .error = node_fault(node, "vip_probe") };
	sim_at(node->sim, node->sim->now_us + 20 + rng_below(node->sim, 300), ev_probe, node->index, node->incarnation)->arg =
		(uint64_t)i;
	return 0;
}

void node_probes_init(struct node *node)
{
	node->dp_ops = *node->dp->ops;
	node->dp_ops.vip_probe = probe_start;
	node->dp->ops = &node->dp_ops;
}

void node_probes_end(struct node *node)
{
	int i;

	for (i = 0; i < NODE_PROBES; i++)
		if (node->probes[i].done)
			end(&node->probes[i], -ECANCELED);
}
