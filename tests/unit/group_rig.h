/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of groups with everything around them: engines, HA and the stream
 * between, the null data plane, one LAC, pools.  Only PPP is a model; it asks
 * who may, opens with what it is given, and keeps the rules of daemon/ppp.h.
 * Time is virtual: run() lets it pass.
 */
#ifndef L2TPHA_TESTS_UNIT_GROUP_RIG_H
#define L2TPHA_TESTS_UNIT_GROUP_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group.h"
#include "daemon/pool.h"
#include "netlink/null.h"
#include "tests/lac/lac.h"

#define ENDS 64

enum end_state {
	END_NONE,
	END_STARTED,
	END_INJECTING,
	END_ASKED,
	END_ALLOWED,
	END_REFUSED,
	END_UP,
	END_ENDING,
};

struct end {			/* one PPP */
	enum end_state state;
	struct ppp_key key;
	const char *user;
	uint32_t ifgroup;
	uint32_t address;
	uint64_t at_ms;			/* it goes on then */
	bool mute;
	struct ppp_proxy proxy;
	struct ppp_down why;		/* what is told when it ends */
};

struct node {
	struct config *config;
	struct dp *dp;
	struct pool_set *pools;
	struct group *group;
	uint8_t wire[1 << 20];		/* the stream towards the peer */
	size_t wire_len;
	struct end ends[ENDS];
	const char *failing;		/* this operation of the data plane fails, */
	int failures;			/* so many times */
	int start_error;		/* what starting PPP returns */
	int persist_error;		/* what writing the epoch returns */
	bool deaf_standby;		/* what is put in place does not take */
	bool deaf_mute;			/* an engine of a release that does not know the order */
	unsigned starts;		/* of PPP, so far */
	uint32_t prepared;		/* sessions the engine was told may come */
};

static struct node *nodes[2];
static struct lac *lac;
static bool linked;
static uint64_t now, seed;
static uint16_t rig_first_id, rig_last_id;	/* of tunnels that the next node gives out */
static unsigned net_reach;	/* nodes that the access network reaches, a bit each */
static void (*net_peer)(const uint8_t *data, size_t len);	/* who is there instead of the LAC; NULL: it is */
static const char *user = "alice", *password = "secret";	/* of who calls next */
static struct { uint8_t data[1500]; size_t len; bool to_lac; } net[256];
static size_t net_count;

static inline uint32_t next_random(void *ctx)
{
	(void)ctx;
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

static inline void group_random(void *ctx, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)next_random(ctx);
}

/* ---- the wires ---------------------------------------------------------- */

static inline void net_put(bool to_lac, const uint8_t *data, size_t len)
{
	ck_assert_uint_lt(net_count, sizeof(net) / sizeof(net[0]));
	memcpy(net[net_count].data, data, len);
	net[net_count].len = len;
	net[net_count++].to_lac = to_lac;
}

static inline void lac_send(void *ctx, const uint8_t *data, size_t len)
{
	(void)ctx;
	net_put(false, data, len);
}

static inline void dp_transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			       const uint8_t *data, size_t len)
{
	(void)local;
	(void)peer;
	for (int n = 0; n < 2; n++)
		if (nodes[n] == ctx && !(net_reach & 1u << n))
			return;
	net_put(true, data, len);
}

static inline void link_send(void *ctx, const uint8_t *data, size_t len)
{
	struct node *node = ctx;

	ck_assert_uint_le(node->wire_len + len, sizeof(node->wire));
	memcpy(node->wire + node->wire_len, data, len);
	node->wire_len += len;
}

static inline void link_reset(void *ctx, const char *why)
{
	(void)ctx;
	ck_abort_msg("link reset: %s", why);
}

static inline int persist_epoch(void *ctx, uint64_t epoch)
{
	(void)epoch;
	return ((struct node *)ctx)->persist_error;
}

static bool net_answers;	/* somebody answers for the virtual address */

static inline int silence(void *ctx, const struct dp_vip *vip)
{
	(void)ctx;
	(void)vip;
	return net_answers;
}

static inline int dp_fault(void *ctx, const char *operation)
{
	struct node *node = ctx;

	if (!node->failing || strcmp(operation, node->failing) || !node->failures)
		return 0;
	node->failures--;
	return -ENOMEM;
}

static inline void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			     const uint8_t *data, size_t len)
{
	group_packet(((struct node *)ctx)->group, now, local, peer, data, len);
}

/* ---- PPP ---------------------------------------------------------------- */

static inline struct end *end_find(struct node *node, struct ppp_key key)
{
	for (size_t i = 0; i < ENDS; i++) {
		struct end *end = &node->ends[i];

		if (end->state && end->key.tunnel_id == key.tunnel_id && end->key.session_id == key.session_id)
			return end;
	}
	return NULL;
}

static inline int ppp_start(void *engine, const struct ppp_params *p)
{
	struct node *node = engine;
	size_t i = 0;

	ck_assert(dp_null_has_session(node->dp, p->key.tunnel_id, p->key.session_id));
	ck_assert_ptr_null(end_find(node, p->key));
	if (node->start_error)
		return node->start_error;
	while (i < ENDS && node->ends[i].state)
		i++;
	ck_assert_uint_lt(i, ENDS);
	node->starts++;
	node->ends[i] = (struct end){ .state = p->state ? END_INJECTING : p->client ? END_ALLOWED : END_STARTED, .key = p->key, .user = user, .ifgroup = p->ifgroup,
				      .at_ms = now + 3, .mute = p->standby, .proxy = p->proxy };
	return 0;
}

static inline void ppp_activate(void *engine, struct ppp_key key)
{
	struct end *end = end_find(engine, key);

	if (end)
		end->mute = false;
}

static inline void ppp_mute(void *engine, struct ppp_key key)
{
	struct end *end = end_find(engine, key);

	if (!end || ((struct node *)engine)->deaf_mute)
		return;
	end->mute = true;
	end->state = END_INJECTING;
	end->at_ms = now + 3;
}

static inline void ppp_kill(void *engine, struct ppp_key key)
{
	struct end *end = end_find(engine, key);

	if (end)
		end->state = END_NONE;
}

static inline void ppp_terminate(void *engine, struct ppp_key key)
{
	struct end *end = end_find(engine, key);

	if (end)
		end->state = END_ENDING;
}

static inline void ppp_auth_reply(void *engine, struct ppp_key key, const struct ppp_verdict *verdict)
{
	struct end *end = end_find(engine, key);

	if (!end)
		return;
	end->state = verdict->ok ? END_ALLOWED : END_REFUSED;
	end->address = verdict->peer_addr;
}

static inline void ppp_prepare(void *engine, uint32_t count)
{
	((struct node *)engine)->prepared = count;
}

static const struct ppp_engine_ops ppp_ops = {
	.start = ppp_start, .activate = ppp_activate, .mute = ppp_mute, .kill = ppp_kill, .terminate = ppp_terminate,
	.auth_reply = ppp_auth_reply, .prepare = ppp_prepare,
};

static inline void ppp_end(struct node *node, struct end *end, enum ppp_down_reason reason)
{
	struct ppp_down down = end->why;

	down.reason = reason;
	down.status = -1;
	end->state = END_NONE;
	group_ppp_events()->down(node->group, end->key, &down);
}

static inline void ppp_ask(struct node *node, struct end *end)
{
	struct ppp_auth auth = { .kind = PPP_AUTH_PAP };

	end->state = END_ASKED;
	snprintf(auth.user, sizeof(auth.user), "%s", end->user);
	snprintf(auth.password, sizeof(auth.password), "%s", password);
	if (end->proxy.auth.kind != PPP_AUTH_NONE)
		auth = end->proxy.auth;
	group_ppp_events()->auth_request(node->group, end->key, &auth);
}

static inline void ppp_open(struct node *node, struct end *end)
{
	struct ppp_up up = { .auth = PPP_AUTH_PAP, .state = (const uint8_t *)"captured", .state_len = 8, .mru = 1460,
			     .local_addr = htonl(0x0a400001), .peer_addr = end->address };

	end->state = END_UP;
	snprintf(up.user, sizeof(up.user), "%s", end->proxy.auth.user[0] ? end->proxy.auth.user : end->user);
	snprintf(up.ifname, sizeof(up.ifname), "l2tp%u", end->key.session_id);
	group_ppp_events()->up(node->group, end->key, &up);
}

static inline void ppp_run(struct node *node)
{
	for (size_t i = 0; i < ENDS; i++) {
		struct end *end = &node->ends[i];

		if (now < end->at_ms)
			continue;
		switch (end->state) {
		case END_NONE:
		case END_ASKED:
		case END_UP:
			break;
		case END_STARTED:
			ppp_ask(node, end);
			break;
		case END_INJECTING:
			if (node->deaf_standby) {
				ppp_end(node, end, PPP_DOWN_ENGINE);
				break;
			}
			end->state = END_UP;
			group_ppp_events()->injected(node->group, end->key, 0);
			break;
		case END_ALLOWED:
			ppp_open(node, end);
			break;
		case END_REFUSED:
			ppp_end(node, end, PPP_DOWN_AUTH);
			break;
		case END_ENDING:
			ppp_end(node, end, PPP_DOWN_LOCAL);
			break;
		}
	}
}

static inline size_t ppp_count(const struct node *node)
{
	size_t n = 0;

	for (size_t i = 0; i < ENDS; i++)
		n += node->ends[i].state != END_NONE;
	return n;
}

/* ---- the world ---------------------------------------------------------- */

static inline struct node *node_new(const char *name, const char *local, const char *peer)
{
	static const char format[] =
		"hostname %s\nvpdn enable\nusername alice password 0 secret\n"
#ifdef RIG_CONFIG
		RIG_CONFIG
#endif
		"ip local pool P 10.64.0.2 10.64.0.99\n"
		"interface virtual-template 1\n ip address 10.64.0.1\n peer default ip address pool P\n"
		" ppp authentication chap pap\nvpdn-group G\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"
		" no l2tp tunnel authentication\nredundancy\n group one\n"
		"  virtual-address 192.0.2.1/24 interface eth0\n  local address %s\n  peer address %s\n"
		"  pre-shared-key 0 00112233445566778899aabbccddeeff\n";
	struct node *node = calloc(1, sizeof(*node));
	struct dp_null_config null = { .transmit = dp_transmit, .probe = silence, .fault = dp_fault, .ctx = node };
	struct dp_events events = { .ctx = node, .packet = on_packet };
	struct group_ops ops = { .ctx = node, .random = group_random, .link_send = link_send, .link_reset = link_reset,
				 .persist_epoch = persist_epoch };
	struct group_config gc = { .id_min = rig_first_id, .id_max = rig_last_id, .unix_minus_monotonic_ms = 1700000000000 };
	char text[2048], error[256];

	snprintf(text, sizeof(text), format, name, local, peer);
	node->config = config_parse(name, text, error);
	ck_assert_msg(node->config != NULL, "%s", error);
	ck_assert_msg(!config_check(node->config, error), "%s", error);
	node->pools = pool_set_new(node->config);
	gc.config = node->config;
	gc.pools = node->pools;
	gc.rg = node->config->redundancy_groups;
	node->dp = dp_null_new(&null, &events);
	node->group = group_new(&gc, &ops, node->dp, &ppp_ops, node, now);
	ck_assert_msg(!group_start(node->group, now, error), "%s", error);
	return node;
}

static inline void node_free(struct node *node)
{
	group_free(node->group);
	/* the group's requests come home before the kernel goes */
	while (dp_null_pending(node->dp))
		dp_null_run(node->dp, UINT64_MAX);
	node->dp->ops->free(node->dp);
	pool_set_free(node->pools);
	config_free(node->config);
	free(node);
}

static inline void net_run(void)
{
	struct l2tp_endpoint vip = { .port = 1701 }, peer = { .port = 1701 };

	endpoint_parse(&vip, "192.0.2.1");
	endpoint_parse(&peer, "192.0.2.99");
	for (size_t i = 0; i < net_count; i++) {
		if (net[i].to_lac && net_peer) {
			net_peer(net[i].data, net[i].len);
			continue;
		}
		if (net[i].to_lac) {
			lac_input(lac, now, net[i].data, net[i].len);
			continue;
		}
		for (int n = 0; n < 2; n++)
			if (nodes[n] && net_reach & 1u << n && dp_null_has_vip(nodes[n]->dp, &vip))
				dp_null_receive(nodes[n]->dp, &vip, &peer, net[i].data, net[i].len);
	}
	net_count = 0;
}

/* One wake-up: whatever has come is fed, then comes one round, as in io_node.c. */
static inline void node_run(struct node *node, struct node *peer)
{
	static uint8_t copy[sizeof(node->wire)];
	size_t len = linked && peer ? peer->wire_len : 0;

	group_now(node->group, now);
	if (len) {
		memcpy(copy, peer->wire, len);
		peer->wire_len = 0;
		group_link_input(node->group, now, copy, len);
	}
	dp_null_run(node->dp, now);
	ppp_run(node);
	group_tick(node->group, now);
}

/* `ms` milliseconds of everything. */
static inline void run(unsigned ms)
{
	for (; ms; ms--) {
		now++;
		net_run();
		lac_tick(lac, now);
		for (int n = 0; n < 2; n++)
			if (nodes[n])
				node_run(nodes[n], nodes[!n]);
	}
}

static inline void link_pair(void)
{
	linked = true;
	nodes[0]->wire_len = nodes[1]->wire_len = 0;
	group_link_up(nodes[0]->group, now);
	group_link_up(nodes[1]->group, now);
}

static inline void setup(void)
{
	static const struct lac_ops ops = { .send = lac_send };
	struct lac_config lc;

	now = 1000;
	seed = 1;
	linked = false;
	net_count = 0;
	net_reach = ~0u;
	net_answers = false;
	rig_first_id = 1;
	rig_last_id = UINT16_MAX;
	user = "alice";
	password = "secret";
	lac_config_init(&lc);
	lc.ops = &ops;
	lc.random = next_random;
	lc.hostname = "LAC-1";
	lc.tid = 26355;
#ifdef RIG_LAC_DEV
	lc.dev = RIG_LAC_DEV;
#endif
	lac = lac_new(&lc);
	nodes[0] = node_new("lns-a", "10.9.9.1", "10.9.9.2");
	run(6000);	/* alone: active after the startup time */
}

static inline void teardown(void)
{
	for (int n = 0; n < 2; n++)
		if (nodes[n])
			node_free(nodes[n]);
	nodes[0] = nodes[1] = NULL;
	lac_free(lac);
}

/* The standby comes, then so many calls. */
static inline void pair_up(unsigned calls)
{
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	run(300);
	for (unsigned i = 0; i < calls; i++)
		lac_call(lac, now, NULL, NULL);
	run(3000);
}

/* The plug of the first one is pulled. */
static inline void take_over(void)
{
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	run(5000);
}

#endif
