// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The show commands on a real pair: two groups with their engines and HA, a
 * LAC, the null data plane; only PPP is a model (it opens at once).  What is
 * compared is the text of Cisco's guides, line by line, on both nodes.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pool.h"
#include "daemon/show.h"
#include "netlink/null.h"
#include "tests/lac/lac.h"
#include "tests/unit/check_main.h"

#define ENDS 16

struct node {
	struct config *config;
	struct dp *dp;
	struct group *group;
	struct show_context show;
	uint8_t wire[1 << 20];		/* the stream towards the peer */
	size_t wire_len;
	struct { struct ppp_key key; bool standby, adopted; } ends[ENDS];
	size_t end_count, end_told;
};

static struct node *nodes[2];
static struct lac *lac;
static bool linked;
static uint64_t now, seed;
static struct { uint8_t data[1500]; size_t len; bool to_lac; } net[256];
static size_t net_count;

static uint64_t clock_now(void)
{
	return now;
}

static uint64_t clock_unix(void)
{
	return now + 1700000000000;
}

static uint32_t next_random(void *ctx)
{
	(void)ctx;
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

static void group_random(void *ctx, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)next_random(ctx);
}

/* ---- the wires ---------------------------------------------------------- */

static void net_put(bool to_lac, const uint8_t *data, size_t len)
{
	ck_assert_uint_lt(net_count, sizeof(net) / sizeof(net[0]));
	memcpy(net[net_count].data, data, len);
	net[net_count].len = len;
	net[net_count++].to_lac = to_lac;
}

static void lac_send(void *ctx, const uint8_t *data, size_t len)
{
	(void)ctx;
	net_put(false, data, len);
}

static void dp_transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const uint8_t *data, size_t len)
{
	(void)ctx;
	(void)local;
	(void)peer;
	net_put(true, data, len);
}

static void link_send(void *ctx, const uint8_t *data, size_t len)
{
	struct node *node = ctx;

	ck_assert_uint_le(node->wire_len + len, sizeof(node->wire));
	memcpy(node->wire + node->wire_len, data, len);
	node->wire_len += len;
}

static void link_reset(void *ctx, const char *why)
{
	(void)ctx;
	ck_abort_msg("link reset: %s", why);
}

static int persist_epoch(void *ctx, uint64_t epoch)
{
	(void)ctx;
	(void)epoch;
	return 0;
}

static int silence(void *ctx, const struct dp_vip *vip)
{
	(void)ctx;
	(void)vip;
	return 0;
}

static void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	group_packet(((struct node *)ctx)->group, now, local, peer, data, len);
}

static void on_batch_end(void *ctx)
{
	group_run(((struct node *)ctx)->group, now);
}

/* ---- PPP that opens at once --------------------------------------------- */

static int ppp_start(void *engine, const struct ppp_params *p)
{
	struct node *node = engine;

	ck_assert_uint_lt(node->end_count, ENDS);
	node->ends[node->end_count].key = p->key;
	node->ends[node->end_count++].standby = p->state != NULL;
	return 0;
}

static void ppp_ignore(void *engine, struct ppp_key key)
{
	(void)engine;
	(void)key;
}

static void ppp_auth_reply(void *engine, struct ppp_key key, const struct ppp_verdict *verdict)
{
	struct node *node = engine;
	struct ppp_up up = { .auth = PPP_AUTH_PAP, .state = (const uint8_t *)"captured", .state_len = 8, .mru = 1460 };

	ck_assert_msg(verdict->ok, "%s", verdict->message);
	up.peer_addr = verdict->peer_addr;
	snprintf(up.user, sizeof(up.user), "alice");
	snprintf(up.ifname, sizeof(up.ifname), "l2tp%u", key.session_id);
	group_ppp_events()->up(node->group, key, &up);
}

static const struct ppp_engine_ops ppp_ops = {
	.start = ppp_start, .activate = ppp_ignore, .kill = ppp_ignore, .terminate = ppp_ignore,
	.auth_reply = ppp_auth_reply,
};

static void ppp_run(struct node *node)
{
	while (node->end_told < node->end_count) {
		struct ppp_auth auth = { .kind = PPP_AUTH_PAP, .user = "alice", .password = "secret" };
		size_t i = node->end_told++;

		if (node->ends[i].standby)
			group_ppp_events()->injected(node->group, node->ends[i].key, 0);
		else
			group_ppp_events()->auth_request(node->group, node->ends[i].key, &auth);
	}
}

/* ---- the world ---------------------------------------------------------- */

static struct node *node_new(const char *name, const char *local, const char *peer)
{
	static const char format[] =
		"hostname %s\nvpdn enable\nusername alice password 0 secret\nip local pool P 10.64.0.2 10.64.0.99\n"
		"interface virtual-template 1\n ip address 10.64.0.1\n peer default ip address pool P\n"
		" ppp authentication chap pap\nvpdn-group G\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"
		" no l2tp tunnel authentication\nredundancy\n group one\n"
		"  virtual-address 192.0.2.1/24 interface eth0\n  local address %s\n  peer address %s\n"
		"  pre-shared-key 0 00112233445566778899aabbccddeeff\n";
	struct node *node = calloc(1, sizeof(*node));
	struct dp_null_config null = { .transmit = dp_transmit, .probe = silence, .ctx = node };
	struct dp_events events = { .ctx = node, .packet = on_packet, .batch_end = on_batch_end };
	struct group_ops ops = { .ctx = node, .random = group_random, .link_send = link_send, .link_reset = link_reset,
				 .persist_epoch = persist_epoch };
	struct group_config gc = { .id_min = 1, .id_max = 65535, .unix_minus_monotonic_ms = 1700000000000 };
	char text[1024], error[256];

	snprintf(text, sizeof(text), format, name, local, peer);
	node->config = config_parse(name, text, error);
	ck_assert_msg(node->config != NULL, "%s", error);
	ck_assert_msg(!config_check(node->config, error), "%s", error);
	gc.config = node->config;
	gc.rg = node->config->redundancy_groups;
	node->dp = dp_null_new(&null, &events);
	node->group = group_new(&gc, &ops, node->dp, &ppp_ops, node, now);
	ck_assert_msg(!group_start(node->group, now, error), "%s", error);
	node->show = (struct show_context){ .groups = &node->group, .group_count = 1, .config = node->config,
					    .now_ms = clock_now, .unix_ms = clock_unix };
	return node;
}

static void node_free(struct node *node)
{
	group_free(node->group);
	/* the group's requests come home before the kernel goes */
	while (dp_null_pending(node->dp))
		dp_null_run(node->dp, UINT64_MAX);
	node->dp->ops->free(node->dp);
	config_free(node->config);
	free(node);
}

static void net_run(void)
{
	struct l2tp_endpoint vip = { .port = 1701 }, peer = { .port = 1701 };

	endpoint_parse(&vip, "192.0.2.1");
	endpoint_parse(&peer, "192.0.2.99");
	for (size_t i = 0; i < net_count; i++) {
		if (net[i].to_lac) {
			lac_input(lac, now, net[i].data, net[i].len);
			continue;
		}
		for (int n = 0; n < 2; n++)
			if (nodes[n] && dp_null_has_vip(nodes[n]->dp, &vip))
				dp_null_receive(nodes[n]->dp, &vip, &peer, net[i].data, net[i].len);
	}
	net_count = 0;
}

/* `ms` milliseconds of everything. */
static void run(unsigned ms)
{
	for (; ms; ms--) {
		now++;
		net_run();
		lac_tick(lac, now);
		for (int n = 0; n < 2; n++) {
			struct node *node = nodes[n], *peer = nodes[!n];

			if (!node)
				continue;
			dp_null_run(node->dp, now);
			dp_null_batch_end(node->dp);
			ppp_run(node);
			group_tick(node->group, now);
			if (linked && node->wire_len && peer) {
				static uint8_t copy[sizeof(node->wire)];
				size_t len = node->wire_len;

				memcpy(copy, node->wire, len);
				node->wire_len = 0;
				group_link_input(peer->group, now, copy, len);
			}
		}
	}
}

static void link_pair(void)
{
	linked = true;
	group_link_up(nodes[0]->group, now);
	group_link_up(nodes[1]->group, now);
}

static void setup(void)
{
	static const struct lac_ops ops = { .send = lac_send };
	struct lac_config lc;

	now = 1000;
	seed = 1;
	linked = false;
	net_count = 0;
	lac_config_init(&lc);
	lc.ops = &ops;
	lc.random = next_random;
	lc.hostname = "LAC-1";
	lc.tid = 26355;
	lac = lac_new(&lc);
	nodes[0] = node_new("lns-a", "10.9.9.1", "10.9.9.2");
	run(4000);	/* alone: active after the startup time */
}

static void teardown(void)
{
	for (int n = 0; n < 2; n++)
		if (nodes[n])
			node_free(nodes[n]);
	nodes[0] = nodes[1] = NULL;
	lac_free(lac);
}

static void pair_up(unsigned calls)
{
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	run(300);
	for (unsigned i = 0; i < calls; i++)
		lac_call(lac, now, NULL, NULL);
	run(3000);
}

/* ---- reading ------------------------------------------------------------ */

static char *show(int n, const char *line, enum show_code expected)
{
	char *body = NULL;
	enum show_code code = show_exec(&nodes[n]->show, line, &body);

	ck_assert_ptr_nonnull(body);
	ck_assert_msg(code == expected, "%s: %d: %s", line, (int)code, body);
	return body;
}

static json_t *show_json(int n, const char *line)
{
	char *body = show(n, line, SHOW_OK);
	json_t *tree = json_loads(body, 0, NULL);

	ck_assert_msg(tree != NULL, "%s", body);
	ck_assert_int_eq(json_integer_value(json_object_get(tree, "schema_version")), 1);
	free(body);
	return tree;
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" in\n%s", part, text);
}

static void ids(uint16_t *tunnel, uint16_t *session)
{
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);

	*tunnel = l2tp_tunnel_next(l2tp, 0);
	*session = l2tp_session_next(l2tp, *tunnel, 0);
	ck_assert(*tunnel && *session);
}

/* ---- tests -------------------------------------------------------------- */

START_TEST(standby_not_up)
{
	char *text = show(0, "show l2tp redundancy", SHOW_OK);

	ck_assert_str_eq(text, "L2TP HA support: Silent Failover\n"
			       "L2TP HA Status:\n"
			       "  Checkpoint Messaging on: FALSE\n"
			       "  Standby RP is up: FALSE\n"
			       "  Recv'd Message Count: 0\n"
			       "  Redundancy group one: active, epoch 1, solo\n"
			       "\n"
			       "No HA CC of Session data to display until Standby RP is up.\n");
	free(text);
	text = show(0, "show vpdn redundancy all", SHOW_OK);
	has_not(text, "Check Point Status");
	free(text);
}
END_TEST

START_TEST(pair_in_sync)
{
	char *text, part[512];
	uint16_t t, s;

	pair_up(2);
	ids(&t, &s);
	text = show(0, "show l2tp redundancy", SHOW_OK);
	has(text, "L2TP HA support: Silent Failover\nL2TP HA Status:\n"
		  "  Checkpoint Messaging on: TRUE\n  Standby RP is up: TRUE\n  Recv'd Message Count: ");
	has_not(text, "Count: 0\n");
	has(text, "  L2TP Tunnels: 1/1/1/0 (total/HA-enabled/HA-est/resync)\n"
		  "  L2TP Sessions: 2/2/2 (total/HA-enabled/HA-est)\n"
		  "  L2TP Resynced Tunnels: 0/0 (success/fail)\n"
		  "  Resync duration 0.00 secs (complete)\n");
	free(text);

	/* the standby: what is replicated, and nothing of totals or resync */
	text = show(1, "show l2tp redundancy", SHOW_OK);
	has(text, "  Checkpoint Messaging on: TRUE\n  Standby RP is up: TRUE\n");
	has(text, "  L2TP Tunnels: 1/1 (HA-enabled/HA-est)\n  L2TP Sessions: 2/2 (HA-enabled/HA-est)\n");
	has_not(text, "total");
	has_not(text, "Resync");
	free(text);

	for (int n = 0; n < 2; n++) {
		text = show(n, "sh l2tp redundancy all", SHOW_OK);
		snprintf(part, sizeof(part),
			 "L2TP HA CC Check Point Status:\n"
			 "State LocID RemID Remote Name       Class/Group       Num. Sessions\n"
			 "est   %-6u26355 LAC-1             G                 2\n"
			 "L2TP HA Session Status:\n"
			 "LocID      RemID      TunID      Waiting for      Waiting for\n"
			 "                                 VPDN app?        L2TP proto?\n", t);
		has(text, part);
		has(text, "No               No\n");
		has_not(text, "Yes");
		free(text);

		text = show(n, "show l2tp redundancy detail", SHOW_OK);
		snprintf(part, sizeof(part), "Local ID                     : %u\n"
			 "Remote ID                    : 26355\n"
			 "Control Channel state        : established\n"
			 "Remote name                  : LAC-1\n"
			 "Class Name                   : G\n"
			 "Number of sessions           : 2\n"
			 "Logical CC ID                : %u\n"
			 "Local UDP port               : 1701\n"
			 "Remote UDP port              : 1701\n", t, t);
		has(text, part);
		snprintf(part, sizeof(part), "Current Ns                   : %u\nCurrent Nr                   : %u\n"
			 "Check pointed Ns/Nr values available on Standby RP\n", lac_vr(lac), lac_vs(lac));
		has(text, part);
		free(text);

		snprintf(part, sizeof(part), "show vpdn redundancy detail id %u %u", t, s);
		text = show(n, part, SHOW_OK);
		snprintf(part, sizeof(part), "Local CC ID                  : %u\nLocal UDP port               : 1701\n"
			 "Remote UDP port              : 1701\nWaiting for VPDN application : No\n"
			 "Waiting for L2TP protocol    : No\n\n", t);
		has(text, part);
		ck_assert_ptr_null(strstr(strstr(text, "Local session ID") + 1, "Local session ID"));
		free(text);

		snprintf(part, sizeof(part), "show l2tp redundancy id %u", t);
		text = show(n, part, SHOW_OK);
		ck_assert(!strncmp(text, "L2TP HA Session Status:\n", 24));
		free(text);
		free(show(n, "show l2tp redundancy id 65535", SHOW_NONE));
	}
}
END_TEST

START_TEST(plug_pulled)
{
	json_t *tree, *group, *p;
	char *text;

	pair_up(3);
	for (int n = 0; n < 2; n++) {
		tree = show_json(n, "show redundancy json");
		group = json_array_get(json_object_get(tree, "groups"), 0);
		p = json_object_get(group, "plug_pulled");
		ck_assert(json_is_true(json_object_get(group, "in_sync")));
		ck_assert_int_eq(json_integer_value(json_object_get(p, "sessions")), 3);
		ck_assert_int_eq(json_integer_value(json_object_get(p, "survive")), 3);
		ck_assert_int_eq(json_integer_value(json_object_get(p, "in_place")), 3);
		ck_assert(json_is_true(json_object_get(json_object_get(group, "peer"), "config_equal")));
		json_decref(tree);
	}
	text = show(0, "show redundancy", SHOW_OK);
	has(text, "Redundancy group one: active for ");
	has(text, "  Virtual address 192.0.2.1/24 on eth0\n");
	has(text, "  Peer lns-b at 10.9.9.2:1702: standby, version ");
	has(text, "configuration equal\n");
	has(text, "  If the plug were pulled now: 3 of 3 sessions survive\n");
	free(text);
	text = show(1, "show redundancy", SHOW_OK);
	has(text, "  If the active's plug were pulled now: 3 of 3 known sessions survive, 3 in place here\n");
	free(text);

	/* the standby is gone: nothing survives, and it says why */
	linked = false;
	node_free(nodes[1]);
	nodes[1] = NULL;
	group_link_down(nodes[0]->group, now);
	run(10);
	text = show(0, "show redundancy", SHOW_OK);
	has(text, "  If the plug were pulled now: 0 of 3 sessions survive\n    not protected: 3, no standby\n");
	free(text);
}
END_TEST

START_TEST(after_a_takeover)
{
	char *text;

	pair_up(2);
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	run(5000);
	text = show(1, "show l2tp redundancy all", SHOW_OK);
	has(text, "  L2TP Tunnels: 1/1/1/0 (total/HA-enabled/HA-est/resync)\n"
		  "  L2TP Sessions: 2/2/2 (total/HA-enabled/HA-est)\n"
		  "  L2TP Resynced Tunnels: 1/0 (success/fail)\n");
	has(text, " secs (complete)\n");
	has(text, "est   ");
	has_not(text, "No HA CC");
	free(text);
	text = show(1, "show redundancy", SHOW_OK);
	has(text, "Redundancy group one: active for ");
	has(text, "  Switchovers, newest first:\n");
	has(text, "  unplanned  silent ");
	free(text);
}
END_TEST

START_TEST(refused_by_role)
{
	char *text, line[64];
	uint16_t t, s;

	text = show(0, "redundancy switchover dry-run", SHOW_ROLE);	/* to whom? */
	has(text, "one: refused: ");
	free(text);
	pair_up(1);
	ids(&t, &s);
	text = show(0, "redundancy switchover dry-run", SHOW_OK);
	free(text);
	snprintf(line, sizeof(line), "clear l2tp tunnel %u", t);
	free(show(1, line, SHOW_ROLE));
	free(show(0, "clear l2tp tunnel 65535", SHOW_NONE));
	free(show(0, "redundancy promote group other", SHOW_NONE));
	free(show(0, "redundancy promote now", SHOW_USAGE));
	free(show(0, line, SHOW_OK));
	run(2000);
	text = show(0, "show l2tp tunnel", SHOW_OK);
	has_not(text, "est    192.0.2.99");
	free(text);
}
END_TEST

START_TEST(switchover_by_command)
{
	char *text;

	pair_up(2);
	free(show(0, "redundancy switchover", SHOW_OK));
	run(3000);
	text = show(1, "show redundancy", SHOW_OK);
	has(text, "one: active");
	has(text, "  planned  silent ");
	has(text, "2 of 2 sessions survive\n");
	free(text);
	text = show(0, "show redundancy", SHOW_OK);
	has(text, "one: standby");
	free(text);
}
END_TEST

START_TEST(tables)
{
	char *text, part[256];
	uint16_t t, s;

	text = show(0, "show vpdn tunnel", SHOW_OK);
	ck_assert_str_eq(text, "%No active L2TP tunnels\n");
	free(text);
	pair_up(2);
	ids(&t, &s);
	text = show(0, "show l2tp tunnel", SHOW_OK);
	has(text, "L2TP Tunnel Information Total tunnels 1 sessions 2\n");
	snprintf(part, sizeof(part), "%-10u 26355      LAC-1           est    192.0.2.99      2     G\n", t);
	has(text, part);
	free(text);
	text = show(0, "show vpdn tunnel detail", SHOW_OK);
	snprintf(part, sizeof(part), "Tunnel id %u is up, remote id is 26355, 2 active sessions\n  Remotely initiated tunnel\n"
		 "  Tunnel state is established, time since change 00:00:0", t);
	has(text, part);
	has(text, "  Remote tunnel name is LAC-1\n    Internet Address 192.0.2.99, port 1701\n"
		  "  Local tunnel name is lns-a\n    Internet Address 192.0.2.1, port 1701\n  VPDN group for tunnel is G\n");
	has(text, "  Local RWS 8, Remote RWS ");	/* S40: the smaller of window and resync */
	free(text);
	text = show(0, "show l2tp session", SHOW_OK);
	has(text, " alice, ");
	has(text, "10.64.0.2  est, up  00:00:0");
	free(text);
	text = show(0, "show vpdn session username alice", SHOW_OK);
	has(text, "  Session username is alice\n");
	free(text);
	free(show(0, "show vpdn session username bob", SHOW_NONE));
	text = show(0, "show vpdn history failure", SHOW_OK);
	has(text, "Table size: 50\nNumber of entries in table: 0\n");
	free(text);
}
END_TEST

START_TEST(pools)
{
	struct pool_set *set = pool_set_new(nodes[0]->config);
	uint32_t addr;
	char *text;

	free(show(0, "show ip local pool", SHOW_NONE));
	ck_assert_int_eq(pool_alloc(set, "P", "alice", &addr), 0);
	nodes[0]->show.pools = set;
	text = show(0, "show ip local pool", SHOW_OK);
	has(text, "P                10.64.0.2       10.64.0.99           97       1       1        0         0\n");
	free(text);
	pool_set_free(set);
}
END_TEST

START_TEST(running_config)
{
	char *text = show(0, "show running-config", SHOW_OK), *all = show(0, "show run all", SHOW_OK);

	has(text, "hostname lns-a\nvpdn enable\nusername alice password 0 <hidden>\n");
	has(text, "  virtual-address 192.0.2.1/24 interface eth0\n");
	has_not(text, "sso enable");
	has_not(text, "00112233");
	has(all, "\nl2tp sso enable\n");
	has_not(all, "00112233");
	free(text);
	free(all);
}
END_TEST

/* The manual names every keyword of every command. */
START_TEST(help)
{
	json_t *tree = show_json(0, "help json"), *command;
	FILE *file = fopen("man/l2tpctl.1", "re");
	char page[16384] = "", syntax[256], *rest, *word;
	size_t i;

	ck_assert_msg(file != NULL, "run it at the top of the source tree");
	ck_assert_uint_gt(fread(page, 1, sizeof(page) - 1, file), 1000);
	fclose(file);
	ck_assert_uint_gt(json_array_size(json_object_get(tree, "commands")), 10);
	json_array_foreach(json_object_get(tree, "commands"), i, command) {
		snprintf(syntax, sizeof(syntax), "%s", json_string_value(json_object_get(command, "syntax")));
		for (rest = syntax; (word = strsep(&rest, " []{}|"));)
			if (*word && !(*word >= 'A' && *word <= 'Z'))
				ck_assert_msg(strstr(page, word) != NULL, "%s: not in l2tpctl(1)", word);
	}
	json_decref(tree);
}
END_TEST

/* Every show in both forms: no path of a template is missing in its tree. */
START_TEST(every_command_renders)
{
	static const char *const lines[] = {
		"show l2tp redundancy", "show l2tp redundancy all", "show l2tp redundancy detail", "show redundancy",
		"show l2tp tunnel", "show l2tp tunnel all", "show l2tp session", "show l2tp session all",
		"show l2tp counters", "show vpdn history failure", "show running-config", "show running-config all",
		"show version",
	};
	char line[64];

	pair_up(1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (int n = 0; n < 2; n++) {
			char *text = show(n, lines[i], SHOW_OK);

			has_not(text, "{");
			free(text);
			snprintf(line, sizeof(line), "%s json", lines[i]);
			json_decref(show_json(n, line));
		}
}
END_TEST

START_TEST(hostile_names)
{
	json_t *value = view_string("a\nb\033[2J\xff");

	ck_assert_str_eq(json_string_value(value), "a.b.[2J?");
	json_decref(value);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show");
	TCase *tc = tcase_create("show");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, standby_not_up);
	tcase_add_test(tc, pair_in_sync);
	tcase_add_test(tc, plug_pulled);
	tcase_add_test(tc, after_a_takeover);
	tcase_add_test(tc, refused_by_role);
	tcase_add_test(tc, switchover_by_command);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, help);
	tcase_add_test(tc, pools);
	tcase_add_test(tc, running_config);
	tcase_add_test(tc, every_command_renders);
	tcase_add_test(tc, hostile_names);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
