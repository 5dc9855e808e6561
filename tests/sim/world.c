/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world: its configuration and its making and unmaking.  Scenarios change
 * what they want different before they boot the nodes.
 */
#include "tests/sim/sim.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void add_vpdn_group(struct config *config, const char *name, const char *from, const char *secret)
{
	struct config_vpdn_group *g = need(sizeof(*g));

	snprintf(g->name, sizeof(g->name), "%s", name);
	snprintf(g->terminate_from, sizeof(g->terminate_from), "%s", from);
	snprintf(g->tunnel_password, sizeof(g->tunnel_password), "%s", secret);
	snprintf(g->local_name, sizeof(g->local_name), "lns");
	g->accept_dialin = g->protocol_l2tp = g->sso = true;
	g->vtemplate = 1;
	g->tunnel_auth = secret[0];
	g->hello_s = 6;
	g->receive_window = 20;
	g->resync = 8;
	g->retransmit_retries = 14;
	g->retransmit_min_s = 1;
	g->retransmit_max_s = 4;
	g->setup_timeout_s = 60;
	g->next = config->vpdn_groups;
	config->vpdn_groups = g;
}

/* All calls go on to the LNSes behind the pair. */
static void add_switch(const struct sim *sim, struct config *config)
{
	struct config_vpdn_group *g;
	int i;

	add_vpdn_group(config, "onward", "", "");
	g = config->vpdn_groups;
	g->accept_dialin = false;
	g->request_dialin = g->request_l2tp = true;
	g->no_session_s = 15;
	g->busy_s = 60;
	g->initial_retries = 14;
	g->initial_min_s = 1;
	g->initial_max_s = 4;
	for (i = 0; i < (sim->asking ? 1 : sim->switching ? SIM_PEERS : 0); i++)
		snprintf(g->hostnames[i], sizeof(g->hostnames[i]), "lac%d", i);
	if (sim->asking || sim->subscribers)
		snprintf(g->domains[0], sizeof(g->domains[0]), "isp");
	for (i = 0; i < SIM_FARS; i++) {
		g->peers[i].address = (struct l2tp_endpoint){ .family = 4, .addr = { 10, 2, 0, (uint8_t)(1 + i) } };
		g->peers[i].priority = 1;
	}
	config->multihop = sim->switching;
}

static void add_access(struct config *config)
{
	struct config_bba *bba = need(sizeof(*bba));

	snprintf(bba->name, sizeof(bba->name), "access");
	snprintf(bba->ifname, sizeof(bba->ifname), "sub0");
	bba->vtemplate = 1;
	config->bbas = bba;
}

struct config *world_config(const struct sim *sim, int node)
{
	struct config *config = config_new();
	struct config_redundancy_group *rg = need(sizeof(*rg));
	struct config_vtemplate *vt = need(sizeof(*vt));
	struct config_pool *pool = need(sizeof(*pool));
	int i;

	if (!config)
		abort();
	snprintf(config->hostname, sizeof(config->hostname), "lns-%c", 'a' + node);
	config->failover = sim->failover;
	config->failover_recovery_ms = 60000;
	config->vpdn_enable = config->l2tp_sso = config->mode_sso = true;
	for (i = 0; i < SIM_USERS; i++) {
		struct config_user *user = need(sizeof(*user));

		snprintf(user->name, sizeof(user->name), "user%d", i);
		snprintf(user->password, sizeof(user->password), "secret%d", i);
		user->next = config->users;
		config->users = user;
	}
	snprintf(pool->name, sizeof(pool->name), "pool");
	pool->first = 0x0a640001;
	pool->last = 0x0a640040;
	config->pools = pool;
	vt->number = 1;
	vt->local_address = htonl(0x0a640101);
	snprintf(vt->pool, sizeof(vt->pool), "pool");
	vt->auth_pap = true;
	vt->mtu = 1460;
	config->vtemplates = vt;
	add_vpdn_group(config, "default", "", "");
	add_vpdn_group(config, "one", "lac1", "first secret");
	add_vpdn_group(config, "three", "lac3", "third secret");
	if (sim->switching || sim->subscribers)
		add_switch(sim, config);
	if (sim->subscribers)
		add_access(config);
	lns_config(sim, config);

	snprintf(rg->name, sizeof(rg->name), "pair");
	rg->vips[0].addr = sim->vip;
	rg->vips[0].prefix_len = 24;
	snprintf(rg->vips[0].ifname, sizeof(rg->vips[0].ifname), "lac");
	rg->vip_count = 1;
	endpoint_parse(&rg->local, node ? "10.9.0.2" : "10.9.0.1");
	endpoint_parse(&rg->peer, node ? "10.9.0.1" : "10.9.0.2");
	rg->local.port = rg->peer.port = 1702;
	rg->key_len = 32;
	rg->hot = sim->hot;
	rg->detector = CONFIG_DETECTOR_BUILTIN;
	rg->priority = node ? 90 : 100;
	rg->heartbeat_ms = 200;
	rg->dead_ms = 1000;
	rg->lease_ms = 1000;
	rg->commit_timeout_ms = 20;
	rg->startup_ms = 3000;
	config->redundancy_groups = rg;
	return config;
}

struct sim *sim_new(uint64_t seed, bool hot, bool verbose)
{
	struct sim *sim = need(sizeof(*sim));
	int i;

	sim->seed = seed;
	sim->hot = hot;
	sim->verbose = verbose;
	sim->crash_at = sim->net.special_at = SIM_NEVER;
	sim->last_active = sim->net.owner = sim->unprotected = -1;
	sim->now_us = 1000 * SEC;
	rng_seed(sim, seed);
	endpoint_parse(&sim->vip, "10.1.0.254");
	sim->vip.family = 4;
	sim->net.delay_us = 1500;
	sim->net.garp_us = 4000;
	sim->wire.latency_us = 200;
	for (i = 0; i < SIM_NODES; i++) {
		sim->nodes[i].sim = sim;
		sim->nodes[i].index = i;
	}
	net_start(sim);
	return sim;
}

void sim_free(struct sim *sim)
{
	size_t k;
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];

		node->dying = true;
		if (node->group) {
			group_free(node->group);
			ether_daemon_off(node);
		}
		ppp_model_free(node->ppp);
		while (node->dp && dp_null_pending(node->dp))
			dp_null_run(node->dp, sim_ms(sim));
		if (node->dp)
			node->dp->ops->free(node->dp);
		node_image_free(node);
		config_free(node->config);
		for (k = 0; k < node->deferred_len; k++)
			sim_event_free(node->deferred[k]);
		free(node->deferred);
		for (k = 0; k < sim->wire.held_len[i]; k++)
			sim_event_free(sim->wire.held[i][k]);
		free(sim->wire.held[i]);
	}
	for (i = 0; i < sim->peer_count; i++)
		peer_free(&sim->peers[i]);
	for (i = 0; i < SIM_FARS; i++)
		far_free(sim->fars[i]);
	lns_world_free(sim);
	pppoe_world_free(sim);
	for (k = 0; k < sim->heap_len; k++)
		sim_event_free(sim->heap[k]);
	free(sim->heap);
	free(sim);
}
