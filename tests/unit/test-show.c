// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The show commands on a real pair: two groups with their engines and HA, a
 * LAC, the null data plane; only PPP is a model (it opens at once).  What is
 * compared is the text of Cisco's guides, line by line, on both nodes.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/show.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static uint64_t clock_now(void)
{
	return now;
}

static uint64_t clock_unix(void)
{
	return now + 1700000000000;
}

static struct pool_set *shown_pools;

/* ---- reading ------------------------------------------------------------ */

static char *show(int n, const char *line, enum show_code expected)
{
	struct show_context context = { .groups = &nodes[n]->group, .group_count = 1, .config = nodes[n]->config,
					.pools = shown_pools, .now_ms = clock_now, .unix_ms = clock_unix };
	char *body = NULL;
	enum show_code code = show_exec(&context, line, &body);

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

/* Columns hold what is longer than they are, head and rows alike; what is empty is a dash. */
START_TEST(columns_widen)
{
	static const struct view rows[] = {
		{ VIEW_HEAD, "Name   Count Address    Rest", NULL },
		{ VIEW_HEAD, "             of peer", NULL },
		{ VIEW_LINE, "{name:-6} {count:5} {address:-10} {rest}, {up?up:down}", NULL },
		{ VIEW_END, NULL, NULL },
	};
	static const struct view table[] = { { VIEW_TABLE, "list", rows }, { VIEW_END, NULL, NULL } };
	json_t *none = json_pack("{s:[]}", "list"), *one = json_pack("{s:[{s:s,s:i,s:s,s:s,s:b}]}", "list", "name", "lac-1",
				 "count", 7, "address", "", "rest", "", "up", 1);
	json_t *two = json_pack("{s:[{s:s,s:i,s:s,s:s,s:b},{s:s,s:i,s:s,s:s,s:b}]}", "list",
				"name", "z\303\274rich", "count", 1234567, "address", "10.0.0.1", "rest", "a", "up", 1,
				"name", "lac-of-the-west", "count", 1, "address", "2001:db8::abcd:1", "rest", "b", "up", 0);
	char *text = view_render(table, none);

	ck_assert_str_eq(text, "Name   Count Address    Rest\n             of peer\n");
	free(text);
	text = view_render(table, one);
	ck_assert_str_eq(text, "Name   Count Address    Rest\n             of peer\nlac-1      7 -          , up\n");
	free(text);
	text = view_render(table, two);
	ck_assert_str_eq(text, "Name              Count Address          Rest\n"
			       "                        of peer\n"
			       "z\303\274rich          1234567 10.0.0.1         a, up\n"
			       "lac-of-the-west       1 2001:db8::abcd:1 b, down\n");
	free(text);
	json_decref(none);
	json_decref(one);
	json_decref(two);
}
END_TEST

static void wake(void *arg)
{
	++*(unsigned *)arg;
}

/* Each session's own, as the data plane counts on this box; what waits is told to come again. */
START_TEST(session_counters)
{
	struct show_context waiting = { .groups = &nodes[0]->group, .group_count = 1, .now_ms = clock_now, .can_wait = true };
	const struct dp_session_counters counted = { .rx_packets = 5, .rx_bytes = 600, .rx_errors = 1, .tx_packets = 7,
						     .tx_bytes = 800, .tx_errors = 2 };
	char *text, line[64];
	unsigned woken = 0;
	json_t *tree, *list;
	uint16_t t, s;

	pair_up(2);
	ids(&t, &s);
	ck_assert_int_eq(show_exec(&waiting, "show l2tp session json", &text), SHOW_WAIT);
	free(text);
	ck_assert_int_eq(show_exec(&waiting, "show l2tp session", &text), SHOW_OK);	/* needs none */
	free(text);
	dp_null_count(nodes[0]->dp, t, s, &counted);
	ck_assert_int_eq(group_counters(nodes[0]->group, wake, &woken), 0);
	ck_assert_int_eq(group_counters(nodes[0]->group, wake, &woken), -EBUSY);
	run(5);
	ck_assert_uint_eq(woken, 1);
	snprintf(line, sizeof(line), "show l2tp session id %u %u", t, s);
	text = show(0, line, SHOW_OK);
	has(text, "\n  7 packets sent, 5 received\n  800 bytes sent, 600 received\n  2 errors sending, 1 receiving\n");
	free(text);
	tree = show_json(0, "show l2tp session json");
	list = json_object_get(tree, "sessions");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json_array_get(list, 0), "counters"), "rx_bytes")), 600);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json_array_get(list, 1), "counters"), "rx_bytes")), 0);
	json_decref(tree);

	/* nobody waits any more */
	ck_assert_int_eq(group_counters(nodes[0]->group, wake, &woken), 0);
	group_counters(nodes[0]->group, NULL, NULL);
	run(5);
	ck_assert_uint_eq(woken, 1);
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
	has(text, "  Common: protocol 1, features keep-unknown, ");
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
	take_over();
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
	has(text, "  Local RWS 16, Remote RWS ");	/* S40: the smaller of window and resync */
	free(text);
	text = show(0, "show l2tp session", SHOW_OK);
	has(text, "\nLocID      RemID      TunID      Username         Interface        Address         State  PPP      Last Chg\n");
	has(text, " alice            l2tp");
	has(text, " 10.64.0.2       est    up       00:00:0");
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
	shown_pools = set;
	text = show(0, "show ip local pool", SHOW_OK);
	has(text, "P                10.64.0.2       10.64.0.99           97       1       1        0         0\n");
	free(text);
	shown_pools = NULL;
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
	char page[32768] = "", syntax[256], *rest, *word;
	size_t i;

	ck_assert_msg(file != NULL, "run it at the top of the source tree");
	ck_assert_uint_gt(fread(page, 1, sizeof(page) - 1, file), 1000);
	fclose(file);
	ck_assert_uint_gt(json_array_size(json_object_get(tree, "commands")), 10);
	json_array_foreach(json_object_get(tree, "commands"), i, command) {
		snprintf(syntax, sizeof(syntax), "%s", json_string_value(json_object_get(command, "syntax")));
		for (rest = syntax; (word = strsep(&rest, " ~[]{}|"));)
			if (*word && !(*word >= 'A' && *word <= 'Z'))
				ck_assert_msg(strstr(page, word) != NULL, "%s: not in l2tpctl(1)", word);
	}
	json_decref(tree);
}
END_TEST

/* RFC 5515: who sits at the end of which line, on both nodes; what cannot be read is left out. */
START_TEST(access_line)
{
	static const uint8_t line[] = {
		0x00, 6 + 5, 0x0d, 0xe9, 0, 1, 'd', 's', 'l', 0x1b, '1',
		0x00, 6 + 4, 0x0d, 0xe9, 0, 2, 'u', 's', 'e', 'r',
		0x00, 6 + 8, 0x0d, 0xe9, 0, 129, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40,
		0x00, 6 + 8, 0x0d, 0xe9, 0, 130, 0, 0, 0, 2, 0x54, 0x0b, 0xe4, 0x00,
		0x00, 6 + 4, 0x0d, 0xe9, 0, 140, 0, 0, 0, 7,
		0x00, 6 + 3, 0x0d, 0xe9, 0, 144, 1, 2, 0,
		0x00, 6 + 4, 0x0d, 0xe9, 0, 145, 5, 0, 0, 0,
		0x00, 6, 0, 0, 0, 98,
	};
	struct lac_call_params params = { .icrq_extra = line, .icrq_extra_len = sizeof(line), .tx_bps = 9000000 };
	json_t *tree, *j;
	char *text;

	pair_up(0);
	lac_call(lac, now, &params, NULL);
	run(3000);
	for (int n = 0; n < 2; n++) {
		tree = show_json(n, "show l2tp session json");
		j = json_object_get(json_array_get(json_object_get(tree, "sessions"), 0), "access_line");
		ck_assert_str_eq(json_string_value(json_object_get(j, "circuit_id")), "dsl.1");
		ck_assert_str_eq(json_string_value(json_object_get(j, "type")), "VDSL2");
		ck_assert_int_eq(json_integer_value(json_object_get(j, "actual_down_bps")), 10000000000);
		ck_assert_int_eq(json_integer_value(json_object_get(j, "actual_interleave_up_ms")), 7);
		ck_assert_ptr_null(json_object_get(j, "attainable_up_bps"));
		json_decref(tree);
		text = show(n, "show l2tp session all", SHOW_OK);
		has(text, "  Access line:\n    Circuit dsl.1\n    Remote user\n    Type VDSL2\n"
			  "    Actual rate up 1000000 bit/s\n    Actual rate down 10000000000 bit/s\n    Encapsulation 1/2/0\n");
		has(text, "  Connect speed is 9000000 bit/s, ");
		has(text, ", updated by the LAC\n");
		free(text);
	}
	/* a call whose LAC says nothing of its line */
	lac_call(lac, now, NULL, NULL);
	run(3000);
	tree = show_json(0, "show l2tp session json");
	ck_assert_uint_eq(json_array_size(json_object_get(tree, "sessions")), 2);
	json_decref(tree);
}
END_TEST

/* What the operator emptied is shown with what is left of it. */
START_TEST(drain)
{
	char *text, line[64];
	uint16_t id;

	pair_up(2);
	id = l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0);
	text = show(0, "show vpdn drain", SHOW_OK);
	ck_assert_str_eq(text, "%Nothing is drained\n");
	free(text);
	free(show(1, "vpdn drain all", SHOW_ROLE));
	free(show(0, "no vpdn drain all", SHOW_NONE));
	free(show(0, "vpdn drain tunnel 9", SHOW_NONE));
	snprintf(line, sizeof(line), "vpdn drain tunnel %u", id);
	free(show(0, line, SHOW_OK));
	free(show(0, "vpdn drain peer LAC-1", SHOW_OK));
	free(show(0, "vpdn drain all", SHOW_OK));
	run(100);
	for (int n = 0; n < 2; n++) {
		text = show(n, "show vpdn drain", SHOW_OK);
		has(text, "LAC-1: 1 tunnels with 2 sessions left\n");
		has(text, "Everything: 1 tunnels with 2 sessions left\n");
		has(text, " to LAC-1: 2 sessions left\n");
		free(text);
		text = show(n, "show l2tp tunnel all", SHOW_OK);
		has(text, "  Tunnel is drained: no new sessions\n");
		free(text);
	}
	free(show(0, "no vpdn drain all", SHOW_OK));
	free(show(0, "no vpdn drain peer LAC-1", SHOW_OK));
	snprintf(line, sizeof(line), "no vpdn drain tunnel %u", id);
	free(show(0, line, SHOW_OK));
	text = show(0, "show vpdn drain", SHOW_OK);
	ck_assert_str_eq(text, "%Nothing is drained\n");
	free(text);
}
END_TEST

/* Every show in both forms: no path of a template is missing in its tree. */
START_TEST(every_command_renders)
{
	static const char *const lines[] = {
		"show l2tp redundancy", "show l2tp redundancy all", "show l2tp redundancy detail", "show redundancy",
		"show l2tp tunnel", "show l2tp tunnel all", "show l2tp session", "show l2tp session all",
		"show l2tp counters", "show vpdn history failure", "show running-config", "show running-config all",
		"show version", "show l2tp", "show l2tp destination profile", "show aaa domain-map", "show debugging",
		"show redundancy states", "show redundancy clients", "show redundancy counters", "show redundancy history",
		"show redundancy switchover history", "show l2tp redundancy detail classic", "show vpdn drain", "help",
	};
	char line[64];

	pair_up(1);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (int n = 0; n < 2; n++) {
			char *text = show(n, lines[i], SHOW_OK);

			has_not(text, "{?}");
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
	tcase_add_test(tc, columns_widen);
	tcase_add_test(tc, session_counters);
	tcase_add_test(tc, plug_pulled);
	tcase_add_test(tc, after_a_takeover);
	tcase_add_test(tc, refused_by_role);
	tcase_add_test(tc, switchover_by_command);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, help);
	tcase_add_test(tc, pools);
	tcase_add_test(tc, running_config);
	tcase_add_test(tc, access_line);
	tcase_add_test(tc, drain);
	tcase_add_test(tc, every_command_renders);
	tcase_add_test(tc, hostile_names);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
