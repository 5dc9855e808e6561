// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an operator asks about redundancy beside the lines of the guides: what
 * is missing, the method, states, clients, counters, histories; and `debug`:
 * the confirmations of the guide, and that each class tells of a takeover.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/debug.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static struct debug debug;
static char heard[1 << 16];

static uint64_t clock_now(void)
{
	return now;
}

static uint64_t clock_unix(void)
{
	return now + 1700000000000;
}

static void listen_to(void *ctx, const char *line)
{
	size_t n = strlen(heard);

	(void)ctx;
	snprintf(heard + n, sizeof(heard) - n, "%s\n", line);
}

static char *show(int n, const char *line, enum show_code expected)
{
	struct show_context context = { .groups = &nodes[n]->group, .group_count = 1, .config = nodes[n]->config,
					.now_ms = clock_now, .unix_ms = clock_unix, .debug = &debug };
	char *body = NULL;
	enum show_code code = show_exec(&context, line, &body);

	ck_assert_ptr_nonnull(body);
	ck_assert_msg(code == expected, "%s: %d: %s", line, (int)code, body);
	return body;
}

static void shows(int n, const char *line, const char *part)
{
	char *text = show(n, line, SHOW_OK);

	ck_assert_msg(strstr(text, part) != NULL, "%s: no \"%s\" in\n%s", line, part, text);
	ck_assert_msg(strstr(text, "{?}") == NULL, "%s", text);
	free(text);
}

static void shows_not(int n, const char *line, const char *part)
{
	char *text = show(n, line, SHOW_OK);

	ck_assert_msg(strstr(text, part) == NULL, "%s: \"%s\" in\n%s", line, part, text);
	free(text);
}

static void rig_up(void)
{
	setup();
	memset(&debug, 0, sizeof(debug));
	debug.sink = listen_to;
	heard[0] = '\0';
}

/* S75, S168 */
START_TEST(method)
{
	static const struct { enum l2tp_failover method; const char *text; } methods[] = {
		{ L2TP_FAILOVER_SILENT, "L2TP HA support: Silent Failover\n" },
		{ L2TP_FAILOVER_DISABLE, "L2TP HA support: Disabled\n" },
		{ L2TP_FAILOVER_PROTOCOL, "L2TP HA support: Failover Protocol\n" },
		{ L2TP_FAILOVER_PROTOCOL_SILENT, "L2TP HA support: Failover Protocol, Silent Failover\n" },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		nodes[0]->config->failover = methods[i].method;
		shows(0, "show l2tp redundancy", methods[i].text);
		shows(0, "show l2tp", config_failover_name(methods[i].method));
	}
}
END_TEST

/* S7, S8, S58..S64: what must be there, and what is said where it is not */
START_TEST(what_is_missing)
{
	struct config *c = nodes[0]->config;

	pair_up(1);
	shows_not(0, "show l2tp redundancy", "No tunnel is replicated");
	c->vpdn_enable = false;
	shows(0, "show l2tp redundancy", "  No tunnel is replicated: vpdn is not enabled\n");
	c->vpdn_enable = true;
	c->l2tp_sso = false;
	shows(0, "show l2tp redundancy", "  No tunnel is replicated: no l2tp sso enable\n");
	c->l2tp_sso = true;
	c->mode_sso = false;
	shows(0, "show l2tp redundancy", "  No tunnel is replicated: redundancy: no mode sso\n");
}
END_TEST

/*
 * S7, S8, S32, S58..S64: a tunnel is replicated if everything says so, and
 * only then; what is not is absent on the standby (S94) and counted as total.
 */
static const struct {
	bool vpdn, mode_sso, global, group, l2tp;	/* what is configured */
	bool up, ha;					/* what becomes of the tunnel */
	const char *line;				/* of the running configuration; NULL: nothing about it */
} truths[] = {
	{ true, true, true, true, true, true, true, NULL },
	{ true, true, false, true, true, true, false, "\nno l2tp sso enable\n" },
	{ true, true, true, false, true, true, false, "\n no sso enable\n" },
	{ true, true, false, false, true, true, false, "\nno l2tp sso enable\n" },
	{ true, false, true, true, true, true, false, "\n no mode sso\n" },
	{ false, true, true, true, true, false, false, NULL },
	{ true, true, true, true, false, false, false, NULL },
};

START_TEST(truth_table)
{
	struct l2tp_tunnel_info info = { 0 };
	struct config *c = nodes[0]->config;
	uint16_t id;
	char *text;

	ck_assert(c->mode_sso && c->l2tp_sso && c->vpdn_groups->sso);	/* S32, S60: nothing was said */
	c->vpdn_enable = truths[_i].vpdn;
	c->mode_sso = truths[_i].mode_sso;
	c->l2tp_sso = truths[_i].global;
	c->vpdn_groups->sso = truths[_i].group;
	c->vpdn_groups->protocol_l2tp = truths[_i].l2tp;
	pair_up(1);
	id = l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0);
	if (id)
		l2tp_tunnel_info(l2tp_tunnel_find(group_l2tp(nodes[0]->group), id), &info);
	ck_assert_int_eq(info.s.state == L2TP_TUNNEL_ESTABLISHED, truths[_i].up);
	ck_assert_int_eq(info.s.params.ha, truths[_i].ha);
	ck_assert_int_eq(l2tp_tunnel_next(group_l2tp(nodes[1]->group), 0) != 0, truths[_i].ha);
	if (truths[_i].up)
		shows(0, "show l2tp redundancy", truths[_i].ha ? "  L2TP Sessions: 1/1/1 (" : "  L2TP Sessions: 1/0/0 (");
	shows(1, "show l2tp redundancy", truths[_i].ha ? "  L2TP Sessions: 1/1 (" : "  L2TP Sessions: 0/0 (");
	/* S40: the window is the smaller one for a replicated tunnel, the configured one else */
	if (truths[_i].up)
		shows(0, "show vpdn tunnel detail", truths[_i].ha ? "  Local RWS 16, " : "  Local RWS 20, ");
	text = show(0, "show running-config", SHOW_OK);
	if (truths[_i].line)
		ck_assert_msg(strstr(text, truths[_i].line) != NULL, "%s", text);
	else
		ck_assert_msg(!strstr(text, "sso"), "%s", text);	/* S62 */
	free(text);
}
END_TEST

/* S97, S165..S168 */
START_TEST(profiles)
{
	struct config *c = nodes[0]->config;

	shows(0, "show l2tp", "L2TP administrative state is enabled\n");
	shows(0, "show l2tp", "Failover resync method is silent-failover\nFailover recovery time is 900000 ms\n");
	shows(0, "show l2tp destination profile", "Profile G\n  Remote host any, local host lns-a, template none\n"
						  "  Failover resync method is silent-failover (global)\n");
	c->failover = L2TP_FAILOVER_PROTOCOL;
	shows(0, "show l2tp destination profile G", "  Failover resync method is failover-protocol (global)\n");
	shows(0, "show aaa domain-map", "Failover resync method of tunnels is failover-protocol (global)\n");
	c->vpdn_groups->failover = L2TP_FAILOVER_DISABLE;
	shows(0, "show l2tp destination profile G", "  Failover resync method is disable (profile)\n");
	free(show(0, "show l2tp destination profile other", SHOW_NONE));
}
END_TEST

/* S99: the same failure again is counted, not listed again. */
START_TEST(failures)
{
	password = "wrong";
	pair_up(3);
	shows(0, "show vpdn history failure", "Number of entries in table: 1\n");
	shows(0, "show vpdn history failure", "User: alice, MID = ");
	shows(0, "show vpdn history failure", "Error repeat count: 3\nFailure type: Authentication failed\n");
}
END_TEST

/* S25..S27: a call that comes before its tunnel is resynced is refused, in the words of the guide. */
START_TEST(call_in_resync)
{
	struct l2tp_counters c = { 0 };

	pair_up(1);
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	for (int ms = 0; ms < 3000 && (!c.resync || ms < 2500); ms++) {	/* the LAC hears nothing yet */
		now++;
		net_count = 0;
		node_run(nodes[1], NULL);
		l2tp_counters(group_l2tp(nodes[1]->group), &c);
	}
	ck_assert_uint_eq(c.resync, 1);
	net_count = 0;
	shows(1, "show l2tp redundancy", " secs (in progress)\n");
	shows(1, "show vpdn tunnel detail", "  Tunnel state is established, in HA resync, time since change ");
	lac_call(lac, now, NULL, NULL);
	run(3000);
	shows(1, "show vpdn history failure", "NAS: LAC-1, IP address = 192.0.2.99, CLID = ");
	shows(1, "show vpdn history failure", "Failure type: Tunnel in HA resync\nFailure reason: Tunnel in HA resync (611)\n");
	shows(1, "show l2tp redundancy", " secs (complete)\n");
	shows(1, "show l2tp redundancy detail", "\nResync                       : done (");
	shows(1, "show vpdn tunnel detail", "  Failover resync method is silent-failover, peer does not take part in RFC 4951\n"
					    "  Last resync: done (");
}
END_TEST

/* S73, S74, S81 */
START_TEST(both_grammars)
{
	static const char *const lines[] = { "", "all", "detail", "all classic", "detail classic", "classic" };
	char line[64];
	uint16_t t, s;

	pair_up(2);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		for (int n = 0; n < 4; n++) {
			snprintf(line, sizeof(line), "show %s redundancy %s", n & 1 ? "l2tp" : "vpdn", lines[i]);
			free(show(n / 2, line, SHOW_OK));
		}
	t = l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0);
	s = l2tp_session_next(group_l2tp(nodes[0]->group), t, 0);
	for (int n = 0; n < 4; n++) {
		snprintf(line, sizeof(line), "show l2tp redundancy %sid %u", n & 1 ? "detail " : "", t);
		free(show(n / 2, line, SHOW_OK));
		snprintf(line, sizeof(line), "show vpdn redundancy %sid %u %u", n & 1 ? "detail " : "", t, s);
		free(show(n / 2, line, SHOW_OK));
	}
	shows(0, "show l2tp redundancy classic", "  L2TP Active Tunnels: 1/1/0 (total/HA-enabled/resync)\n"
						 "  L2TP Active Sessions: 2/2 (total/HA-enabled)\n"
						 "  L2TP Resynced Tunnels: 0/0 (success/fail)\n");
	shows_not(0, "show l2tp redundancy classic", "Resync duration");
}
END_TEST

/* S92: what is enabled and established agrees on both nodes */
START_TEST(both_nodes_agree)
{
	json_t *trees[2], *groups[2];

	pair_up(3);
	for (int n = 0; n < 2; n++) {
		char *text = show(n, "show l2tp redundancy detail json", SHOW_OK);

		trees[n] = json_loads(text, 0, NULL);
		groups[n] = json_array_get(json_object_get(trees[n], "groups"), 0);
		free(text);
	}
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(groups[0], "sessions"), "ha_established")), 3);
	for (int k = 0; k < 2; k++) {
		static const char *const what[] = { "tunnels", "sessions" }, *const which[] = { "ha_enabled", "ha_established" };

		for (int w = 0; w < 2; w++)
			ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(groups[0], what[k]), which[w])),
					 json_integer_value(json_object_get(json_object_get(groups[1], what[k]), which[w])));
	}
	ck_assert(json_equal(json_object_get(groups[0], "control_channels"), json_object_get(groups[1], "control_channels")));
	ck_assert(json_equal(json_object_get(groups[0], "session_list"), json_object_get(groups[1], "session_list")));
	json_decref(trees[0]);
	json_decref(trees[1]);
}
END_TEST

START_TEST(states)
{
	pair_up(2);
	shows(0, "show redundancy states", "       my state = 13 -ACTIVE\n     peer state = 8 -STANDBY HOT\n"
					   "           Mode = Duplex\n");
	shows(0, "show redundancy states", "Redundancy Mode (Operational) = sso\nRedundancy Mode (Configured)  = sso\n");
	shows(0, "show redundancy states", " Manual Swact = enabled\n Communications = Up\n");
	shows(1, "show redundancy states group one", "       my state = 8 -STANDBY HOT\n     peer state = 13 -ACTIVE\n");
	free(show(0, "show redundancy states group other", SHOW_NONE));
	take_over();
	shows(1, "show redundancy states", "     peer state = 1 -DISABLED\n           Mode = Simplex\n");
	shows(1, "show redundancy states", " Manual Swact = disabled\n Communications = Down\n");
}
END_TEST

/* S28: every client and what it has replicated */
START_TEST(clients)
{
	pair_up(2);
	for (int n = 0; n < 2; n++) {
		shows(n, "show redundancy clients", " clientID = 1   client = l2tp         2 records");
		shows(n, "show redundancy clients", " clientID = 2   client = ppp          2 records");
		shows(n, "show redundancy clients", " clientID = 3   client = vpdn         2 records");
		shows(n, "show redundancy clients", " clientID = 4   client = aaa          2 records");
	}
	shows(0, "show redundancy counters", "  not confirmed 0, output waiting 0, ");
}
END_TEST

START_TEST(before_a_switchover)
{
	pair_up(2);
	shows(0, "redundancy switchover dry-run", "one: would work: ");
	shows(0, "redundancy switchover dry-run", "; 2 of 2 sessions go on\n");
	shows(1, "redundancy switchover dry-run", "; 2 of 2 sessions go on\n");
	nodes[0]->config->vpdn_groups->hello_s = 7;
	group_config_changed(nodes[0]->group, now);
	shows(0, "redundancy switchover dry-run", "; 2 of 2 sessions go on; configuration DIFFERS\n");
	run(1000);
	shows(0, "show redundancy states", "13 -ACTIVE");	/* it was only said */
}
END_TEST

START_TEST(histories)
{
	json_t *tree, *list, *last;
	char *text;

	pair_up(2);
	take_over();
	shows(1, "show redundancy history", "  role   standby -> claiming: ");
	shows(1, "show redundancy history", "  stream up -> down\n");
	shows(1, "show redundancy history", "  sync   in-sync -> stale: ");
	shows(1, "show redundancy switchover history", "lns-a            lns-b            20");
	shows(1, "show redundancy switchover history", "(1 good, 0 failed)");
	text = show(1, "show redundancy switchover history json", SHOW_OK);
	tree = json_loads(text, 0, NULL);
	list = json_object_get(json_array_get(json_object_get(tree, "groups"), 0), "history");
	last = json_array_get(list, 0);
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert(json_is_false(json_object_get(last, "planned")));
	ck_assert_int_gt(json_integer_value(json_object_get(last, "silent_ms")), 100);
	ck_assert_int_gt(json_integer_value(json_object_get(last, "detect_ms")), 100);	/* it looks who has the address */
	ck_assert_int_gt(json_integer_value(json_object_get(last, "promote_ms")), 0);
	ck_assert_int_lt(json_integer_value(json_object_get(last, "promote_ms")), 100);
	ck_assert_int_eq(json_integer_value(json_object_get(last, "resync_good")), 1);
	ck_assert_str_ne(json_string_value(json_object_get(last, "cause")), "");
	json_decref(tree);
	free(text);
}
END_TEST

/* S102..S109 */
START_TEST(debug_classes)
{
	static const char *const words[] = { "cf", "detail", "error", "event", "fsm", "resync", "rf" };
	static const char *const names[] = { "cf", "details", "errors", "events", "fsm", "resync", "rf" };
	const char *typed = _i ? "vpdn" : "l2tp", *said = _i ? "VPDN" : "L2TP";
	char line[96], part[96];

	pair_up(2);
	group_debug_set(nodes[1]->group, &debug);
	shows(1, "show debugging", "No debugging is on\n");
	for (int i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "debug %s redundancy %s", typed, words[i]);
		snprintf(part, sizeof(part), "%s redundancy %s debugging is on\n", said, names[i]);
		shows(1, line, part);
		shows(1, "show debugging", part);
	}
	take_over();
	for (int i = 0; i < 7; i++) {
		snprintf(part, sizeof(part), "%s redundancy %s: one: ", said, words[i]);
		ck_assert_msg(strstr(heard, part) != NULL, "no \"%s\" in\n%s", part, heard);
	}
	snprintf(part, sizeof(part), "%s redundancy error: one: not protected: stale: ", said);
	ck_assert_msg(strstr(heard, part) != NULL, "no \"%s\" in\n%s", part, heard);
	for (int i = 0; i < 7; i++) {
		snprintf(line, sizeof(line), "%s %s redundancy %s", i & 1 ? "undebug" : "no debug", typed, words[i]);
		snprintf(part, sizeof(part), "%s redundancy %s debugging is off\n", said, names[i]);
		shows(1, line, part);
	}
	shows(1, "show debugging", "No debugging is on\n");
	heard[0] = '\0';
	run(1000);
	ck_assert_str_eq(heard, "");
	shows(1, "debug all", "All possible debugging has been turned on\n");
	run(1000);
	shows(1, "undebug all", "All possible debugging has been turned off\n");
	/* half a command is refused in its no form too: it was taken for a class that is none */
	free(show(1, "no debug", SHOW_USAGE));
	free(show(1, "default debug l2tp redundancy", SHOW_USAGE));
	free(show(1, "no debug all", SHOW_OK));
}
END_TEST

/* Only what was asked for is told. */
START_TEST(one_class)
{
	pair_up(1);
	group_debug_set(nodes[1]->group, &debug);
	shows(1, "debug l2tp redundancy fsm", "on\n");
	take_over();
	ck_assert_ptr_nonnull(strstr(heard, "L2TP redundancy fsm: one: standby -> claiming: "));
	for (const char *p = heard; *p; p += strcspn(p, "\n") + 1)
		ck_assert_msg(!strncmp(p, "L2TP redundancy fsm: ", 21), "%s", p);
	group_debug_set(nodes[1]->group, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show-ha");
	TCase *tc = tcase_create("show-ha");

	tcase_add_checked_fixture(tc, rig_up, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, method);
	tcase_add_test(tc, what_is_missing);
	tcase_add_loop_test(tc, truth_table, 0, sizeof(truths) / sizeof(truths[0]));
	tcase_add_test(tc, profiles);
	tcase_add_test(tc, failures);
	tcase_add_test(tc, call_in_resync);
	tcase_add_test(tc, both_grammars);
	tcase_add_test(tc, both_nodes_agree);
	tcase_add_test(tc, states);
	tcase_add_test(tc, clients);
	tcase_add_test(tc, before_a_switchover);
	tcase_add_test(tc, histories);
	tcase_add_loop_test(tc, debug_classes, 0, 2);
	tcase_add_test(tc, one_class);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
