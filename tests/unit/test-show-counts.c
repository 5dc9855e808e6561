// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every number and every Yes of `show l2tp redundancy` and `show redundancy`
 * where no two of them are equal: four tunnels, one of them not replicated,
 * one in setup; sessions in setup, without PPP, of a group without sso; a
 * takeover after which one peer of three is gone.
 *
 * The LACs share an address; each has its own tunnel ID, by which what the
 * LNS sends finds it.
 */
#define RIG_CONFIG										\
	"vpdn-group N\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"			\
	" terminate-from hostname PLAIN\n no l2tp tunnel authentication\n no sso enable\n"	\
	"vpdn-group W\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"			\
	" terminate-from hostname LAC-2\n no l2tp tunnel authentication\n l2tp tunnel resync 250\n"	\
	"vpdn-group X\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"			\
	" terminate-from hostname LAC-3\n no l2tp tunnel authentication\n l2tp tunnel resync 250\n"	\
	" l2tp tunnel receive-window 30\n"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/show.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

#define PEERS 5
#define MSG_SCCCN 3
#define MSG_ICCN 12

/* 0 is the one of the rig, LAC-1 */
static const char *const names[PEERS] = { "LAC-1", "LAC-2", "LAC-3", "PLAIN", "LAC-5" };
static const uint16_t tids[PEERS] = { 26355, 11111, 22222, 33333, 44444 };
static struct peer {
	struct lac *lac;
	uint16_t withheld;	/* a message of this type never leaves it */
	bool dead;
} peers[PEERS];

static uint64_t clock_now(void)
{
	return now;
}

static uint64_t clock_unix(void)
{
	return now + 1700000000000;
}

static void peer_send(void *ctx, const uint8_t *data, size_t len)
{
	const struct peer *peer = ctx;

	if (peer->dead || (len >= 20 && peer->withheld && (data[18] << 8 | data[19]) == peer->withheld))
		return;
	net_put(false, data, len);
}

static void to_peer(const uint8_t *data, size_t len)
{
	uint16_t tid = (uint16_t)(data[4] << 8 | data[5]);

	for (int i = 0; i < PEERS; i++)
		if (tids[i] == tid && peers[i].lac && !peers[i].dead)
			lac_input(peers[i].lac, now, data, len);
}

static void rig_up(void)
{
	static const struct lac_ops ops = { .send = peer_send };
	struct lac_config lc;

	setup();
	memset(peers, 0, sizeof(peers));
	peers[0].lac = lac;
	net_peer = to_peer;
	for (int i = 1; i < PEERS; i++) {
		lac_config_init(&lc);
		lc.ops = &ops;
		lc.ctx = &peers[i];
		lc.random = next_random;
		lc.hostname = names[i];
		lc.tid = tids[i];
		peers[i].lac = lac_new(&lc);
	}
}

static void rig_down(void)
{
	for (int i = 1; i < PEERS; i++)
		lac_free(peers[i].lac);
	net_peer = NULL;
	teardown();
}

static void pass(unsigned ms)
{
	for (; ms; ms--) {
		for (int i = 1; i < PEERS; i++)
			if (!peers[i].dead)
				lac_tick(peers[i].lac, now + 1);
		run(1);
	}
}

static void call(int peer, unsigned ms)
{
	lac_call(peers[peer].lac, now, NULL, NULL);
	pass(ms);
}

static char *show(int n, const char *line)
{
	struct show_context context = { .groups = &nodes[n]->group, .group_count = 1, .config = nodes[n]->config,
					.now_ms = clock_now, .unix_ms = clock_unix };
	char *body = NULL;
	enum show_code code = show_exec(&context, line, &body);

	ck_assert_msg(code == SHOW_OK || code == SHOW_ROLE, "%s: %s", line, body);
	return body;
}

static void shows(int n, const char *line, const char *part)
{
	char *text = show(n, line);

	ck_assert_msg(strstr(text, part) != NULL, "%s: no \"%s\" in\n%s", line, part, text);
	free(text);
}

static void shows_not(int n, const char *line, const char *part)
{
	char *text = show(n, line);

	ck_assert_msg(strstr(text, part) == NULL, "%s: \"%s\" in\n%s", line, part, text);
	free(text);
}

/* Rows of a table or blocks of a list: how often it is there. */
static void shows_times(int n, const char *line, const char *part, unsigned times)
{
	char *text = show(n, line);
	unsigned found = 0;

	for (const char *p = text; (p = strstr(p, part)); p++)
		found++;
	ck_assert_msg(found == times, "%s: \"%s\" %u times, not %u, in\n%s", line, part, found, times, text);
	free(text);
}

static uint16_t tunnel_of(int n, int peer)
{
	struct l2tp *l2tp = group_l2tp(nodes[n]->group);
	struct l2tp_tunnel_info info;

	for (uint16_t id = 0; (id = l2tp_tunnel_next(l2tp, id));) {
		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &info);
		if (info.s.peer_id == tids[peer])
			return id;
	}
	ck_abort_msg("no tunnel of %s", names[peer]);
}

/* Two sessions with LAC-1, one with LAC-2, one each with LAC-3 and PLAIN. */
static void all_up(void)
{
	pair_up(2);
	call(1, 500);
	call(2, 500);
	call(3, 2000);
}

/* S79, S80, S92..S94, S84, S85, S90, S91 and what would be lost */
START_TEST(no_two_alike)
{
	char line[96], part[128];
	uint16_t t;

	all_up();
	peers[1].withheld = MSG_ICCN;
	call(1, 300);				/* in setup */
	peers[4].withheld = MSG_SCCCN;
	lac_open(peers[4].lac, now);		/* the tunnel is */
	pass(300);
	shows(0, "show l2tp redundancy", "  L2TP Tunnels: 5/4/3/0 (total/HA-enabled/HA-est/resync)\n"
					 "  L2TP Sessions: 6/5/4 (total/HA-enabled/HA-est)\n");
	shows(0, "show l2tp redundancy classic", "  L2TP Active Tunnels: 5/4/0 (total/HA-enabled/resync)\n"
						 "  L2TP Active Sessions: 6/5 (total/HA-enabled)\n");
	shows(1, "show l2tp redundancy", "/3 (HA-enabled/HA-est)\n");
	shows(1, "show l2tp redundancy", "/4 (HA-enabled/HA-est)\n");
	for (int n = 0; n < 2; n++) {
		shows_not(n, "show l2tp redundancy all", "PLAIN");
		shows_not(n, "show l2tp redundancy detail", "PLAIN");
		shows(n, "show l2tp redundancy all", "LAC-2");
	}
	shows_times(0, "show l2tp redundancy detail", "Local session ID ", 5);
	t = tunnel_of(0, 1);
	for (int vpdn = 0; vpdn < 2; vpdn++) {
		snprintf(line, sizeof(line), "show %s redundancy detail id %u", vpdn ? "vpdn" : "l2tp", t);
		snprintf(part, sizeof(part), "Local CC ID                  : %u\n", t);
		shows_times(0, line, part, 2);
		shows_times(0, line, "Local session ID ", 2);
		shows_times(0, line, "Waiting for VPDN application : Yes\nWaiting for L2TP protocol    : Yes\n", 1);
		shows_times(0, line, "Waiting for VPDN application : No\nWaiting for L2TP protocol    : No\n", 1);
	}
	snprintf(line, sizeof(line), "show l2tp redundancy id %u", t);
	snprintf(part, sizeof(part), " %u ", t);
	shows_times(0, line, part, 2);
	shows_times(0, line, "Yes              Yes\n", 1);
	shows_times(0, line, "No               No\n", 1);

	shows(0, "show redundancy", "  If the plug were pulled now: 4 of 6 sessions survive\n"
				    "    not protected: 1, in setup\n"
				    "    not protected: 1, sso is not enabled\n");
	shows(1, "show redundancy", " known sessions survive, 4 in place here\n");
	shows(0, "redundancy switchover dry-run", "; 4 of 6 sessions go on: not 1 in setup, not 1 without sso\n");
	shows(1, "redundancy switchover dry-run", " hands over; no record is lost; 4 of 5 sessions go on: not 1 in setup\n");
}
END_TEST

/* A tunnel without a session is no mistake of the operator's; one that is not replicated has nothing to show. */
START_TEST(no_session)
{
	struct show_context context = { .groups = &nodes[0]->group, .group_count = 1, .config = nodes[0]->config,
					.now_ms = clock_now, .unix_ms = clock_unix };
	char line[64], *body;

	all_up();
	lac_open(peers[4].lac, now);
	pass(300);
	for (int n = 0; n < 2; n++) {
		snprintf(line, sizeof(line), "show l2tp redundancy id %u", tunnel_of(n, 4));
		shows(n, line, "L2TP HA Session Status:\nLocID ");
		shows_not(n, line, "No  ");
		snprintf(line, sizeof(line), "show vpdn redundancy detail id %u", tunnel_of(n, 4));
		shows_times(n, line, "Local session ID", 0);
	}
	snprintf(line, sizeof(line), "show l2tp redundancy id %u", tunnel_of(0, 3));
	ck_assert_int_eq(show_exec(&context, line, &body), SHOW_NONE);
	ck_assert_str_eq(body, "%No HA tunnel of that ID\n");
	free(body);
	snprintf(line, sizeof(line), "show l2tp redundancy id %u 1", tunnel_of(0, 4));
	ck_assert_int_eq(show_exec(&context, line, &body), SHOW_NONE);
	ck_assert_str_eq(body, "%No HA session of that ID\n");
	free(body);
}
END_TEST

/* PPP that has not come up: the L2TP leg goes on, PPP begins anew. */
START_TEST(without_ppp)
{
	pair_up(1);
	call(1, 1);
	for (int ms = 0; ms < 300; ms++) {
		for (size_t i = 0; i < ENDS; i++)
			if (nodes[0]->ends[i].state != END_NONE && nodes[0]->ends[i].state != END_UP)
				nodes[0]->ends[i].at_ms = UINT64_MAX;
		pass(1);
	}
	shows(0, "show l2tp redundancy", "  L2TP Sessions: 2/2/2 (");
	shows_times(0, "show l2tp redundancy detail", "Waiting for VPDN application : Yes\nWaiting for L2TP protocol    : No\n", 1);
	shows(0, "show redundancy", "  If the plug were pulled now: 1 of 2 sessions survive\n"
				    "    not protected: 1, PPP not complete: would negotiate again\n");
	shows(0, "redundancy switchover dry-run", "; 1 of 2 sessions go on: not 1 whose PPP would negotiate again\n");
}
END_TEST

/* A standby that is there and does not follow is not what protects. */
START_TEST(stream_breaks)
{
	all_up();
	shows(0, "show redundancy", "  If the plug were pulled now: 4 of 5 sessions survive\n");
	linked = false;				/* octets vanish, the connection stands */
	call(0, 500);
	shows(0, "show redundancy", "  If the plug were pulled now: 0 of 6 sessions survive\n"
				    "    not protected: 4, standby not in sync (degraded: ");
	shows_not(0, "show l2tp redundancy detail", "Check pointed");
	shows(0, "redundancy switchover dry-run", "one: refused: not in sync (degraded: ");
}
END_TEST

/* S82, S83, S88, S96: two peers answer, one is gone */
START_TEST(two_good_one_dead)
{
	struct group_resync_info resync;
	char part[96];

	all_up();
	peers[1].dead = true;
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	for (unsigned ms = 0; ms < 5000 && !group_active(nodes[1]->group); ms++)
		pass(1);
	pass(1000);
	shows(1, "show l2tp redundancy", "  L2TP Tunnels: 3/3/3/1 (total/HA-enabled/HA-est/resync)\n"
					 "  L2TP Sessions: 4/4/4 (total/HA-enabled/HA-est)\n"
					 "  L2TP Resynced Tunnels: 2/0 (success/fail)\n"
					 "  Resync duration 1.0");
	shows(1, "show l2tp redundancy", " secs (in progress)\n");
	shows(1, "show l2tp redundancy classic", "  L2TP Active Tunnels: 3/3/1 (total/HA-enabled/resync)\n");
	shows_not(1, "show l2tp redundancy detail", "Check pointed");	/* nobody is there to hold them */
	pass(120000);
	shows(1, "show l2tp redundancy", "  L2TP Tunnels: 2/2/2/0 (total/HA-enabled/HA-est/resync)\n"
					 "  L2TP Sessions: 3/3/3 (total/HA-enabled/HA-est)\n"
					 "  L2TP Resynced Tunnels: 2/1 (success/fail)\n");
	group_resync_info(nodes[1]->group, &resync);
	ck_assert_uint_ge(resync.duration_ms, 20000);
	ck_assert_uint_le(resync.duration_ms, 120000);
	snprintf(part, sizeof(part), "  Resync duration %u.%02u secs (complete)\n", resync.duration_ms / 1000,
		 resync.duration_ms % 1000 / 10);
	shows(1, "show l2tp redundancy", part);
}
END_TEST

/* S40..S42: the window of a replicated tunnel is what `resync` says, larger or smaller; what was said of the window bounds it. */
START_TEST(window)
{
	char line[64];

	all_up();
	for (int i = 0; i < 4; i++) {
		static const char *const windows[4] = { "  Local RWS 16, ", "  Local RWS 250, ", "  Local RWS 30, ",
							    "  Local RWS 20, " };

		snprintf(line, sizeof(line), "show vpdn tunnel detail id %u", tunnel_of(0, i));
		shows(0, line, windows[i]);
	}
}
END_TEST

/* A node that is connected is not a standby yet, and a stream that has not begun protects nothing. */
START_TEST(connected_is_not_standby)
{
	unsigned seen = 0;
	struct ha_info ha;

	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	for (int ms = 0; ms < 300; ms++) {
		pass(1);
		ha_info(group_ha(nodes[0]->group), &ha);
		if (!ha.peer_ready || ha.peer_role == HA_ROLE_STANDBY)
			continue;
		seen++;
		shows(0, "show l2tp redundancy", "  Checkpoint Messaging on: FALSE\n  Standby RP is up: FALSE\n");
	}
	ck_assert_uint_gt(seen, 0);
	shows(0, "show l2tp redundancy", "  Checkpoint Messaging on: TRUE\n  Standby RP is up: TRUE\n");
}
END_TEST

/* May it be made active?  What is refused says how to go on, and force goes on. */
START_TEST(promoted_by_force)
{
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	pass(10);
	shows(0, "show redundancy fitness", "one active ready 1000 active\n");
	shows(1, "show redundancy fitness", "one init unknown -INFINITY started; waits for the peer\n");
	shows(1, "show redundancy fitness json", "\"score\": \"-INFINITY\"");
	shows(1, "redundancy promote", "one: refused: started; waits for the peer; promote with force to go on\n");
	pass(100);
	ck_assert(!group_active(nodes[1]->group));
	shows(1, "redundancy promote force", "one: claiming (forced)\n");
	pass(100);
	ck_assert(group_active(nodes[1]->group));
}
END_TEST

/* The disk does not take the epoch; the stream is refused: both are said. */
START_TEST(trouble)
{
	pair_up(1);
	shows_not(1, "show redundancy", "CANNOT BE WRITTEN");
	shows_not(0, "show redundancy", "Refused");
	nodes[1]->persist_error = -ENOSPC;
	take_over();
	shows(1, "show redundancy", "  The epoch CANNOT BE WRITTEN to disk: this node takes over only if no other can\n");
	nodes[1]->persist_error = 0;
	pass(6000);
	shows_not(1, "show redundancy", "CANNOT BE WRITTEN");
	ha_link_trouble(group_ha(nodes[1]->group), "the other node has another key");
	shows(1, "show redundancy", "  Refused: no stream with the peer: the other node has another key\n");
}
END_TEST

/* A partition: who goes mute says what only he knew of, tunnels and sessions. */
START_TEST(orphans)
{
	all_up();
	linked = false;
	group_link_down(nodes[0]->group, now);
	group_link_down(nodes[1]->group, now);
	net_reach = 1;
	pass(3000);
	ck_assert(group_active(nodes[0]->group) && group_active(nodes[1]->group));
	call(4, 500);				/* a tunnel */
	call(4, 500);
	call(0, 500);				/* on a tunnel that both know */
	net_reach = ~0u;
	link_pair();
	pass(3000);
	ck_assert(!group_active(nodes[0]->group) && group_active(nodes[1]->group));
	shows(0, "show redundancy", "  Lost in the last partition: 1 tunnels, 3 sessions that only this node knew of\n");
	shows(0, "show vpdn history failure", "Failure type: Lost in a partition\n");
	shows(0, "show vpdn history failure", " to LAC-5: only this node knew of it\n");
	shows_not(1, "show redundancy", "Lost in");
}
END_TEST

/* Each takeover keeps what became of its tunnels. */
START_TEST(takeovers_are_told_apart)
{
	json_t *tree, *list;
	char *text;

	pair_up(1);
	for (int i = 0; i < 3; i++) {
		shows(i & 1, "redundancy switchover", " records; none is lost\n");
		pass(4000);
		ck_assert(group_active(nodes[!(i & 1)]->group));
		if (!i)
			call(1, 2000);
	}
	text = show(1, "show redundancy switchover history json");
	tree = json_loads(text, 0, NULL);
	list = json_object_get(json_array_get(json_object_get(tree, "groups"), 0), "history");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "resync_good")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 1), "resync_good")), 1);
	ck_assert(json_is_true(json_object_get(json_array_get(list, 1), "planned")));
	json_decref(tree);
	free(text);
}
END_TEST

/* tunnel-ids is about new tunnels: a range that is made smaller, to have some for another group, loses nothing. */
START_TEST(smaller_range)
{
	rig_last_id = 9;
	all_up();
	shows_not(0, "show redundancy", "Tunnel IDs");
	shows(1, "show redundancy", "  Tunnel IDs 1 to 9; 3 older tunnels have others until they close\n");
	shows(0, "redundancy switchover", " records; none is lost\n");
	pass(3000);
	shows(1, "show l2tp redundancy", "  L2TP Sessions: 4/4/4 (");
	call(4, 1000);
	ck_assert_uint_le(tunnel_of(1, 4), 9);
	lac_shutdown(peers[1].lac, now, 6);
	pass(1000);
	shows(1, "show redundancy", "; 2 older tunnels have others until they close\n");
}
END_TEST

/* An order that one node took is taken back on the other one, whatever tunnels that one gives out. */
START_TEST(undrained_on_the_other_node)
{
	rig_first_id = 1000;
	rig_last_id = 2000;
	pair_up(1);
	free(show(0, "vpdn drain all"));
	shows(0, "redundancy switchover", " records; none is lost\n");
	pass(3000);
	shows(1, "show vpdn drain", "Everything: ");
	free(show(1, "no vpdn drain all"));
	shows_not(1, "show vpdn drain", "Everything: ");
	shows(1, "redundancy switchover", " records; none is lost\n");
	pass(3000);
	ck_assert(group_active(nodes[0]->group));
	shows_not(0, "show vpdn drain", "Everything: ");
	call(1, 1000);
	tunnel_of(0, 1);
}
END_TEST

/* What is configured of RFC 4951 reaches tunnels, and only those that come afterwards. */
START_TEST(recovery_of_new_tunnels)
{
	struct config *c = nodes[0]->config;
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	struct l2tp_tunnel_info info;

	pair_up(1);
	c->failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	c->failover_recovery_ms = 5000;
	call(1, 1000);
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tunnel_of(0, 0)), &info);
	ck_assert_int_eq(info.s.params.failover, L2TP_FAILOVER_SILENT);
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tunnel_of(0, 1)), &info);
	ck_assert_int_eq(info.s.params.failover, L2TP_FAILOVER_PROTOCOL_SILENT);
	ck_assert_uint_eq(info.s.params.recovery_ms, 5000);
	/* the group's own word, disable, is another thing than none */
	for (struct config_vpdn_group *vg = c->vpdn_groups; vg; vg = vg->next)
		if (!strcmp(vg->name, "X"))
			vg->failover = L2TP_FAILOVER_DISABLE;
	call(2, 1000);
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, tunnel_of(0, 2)), &info);
	ck_assert_int_eq(info.s.params.failover, L2TP_FAILOVER_DISABLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show-counts");
	TCase *tc = tcase_create("show-counts");

	tcase_add_checked_fixture(tc, rig_up, rig_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_two_alike);
	tcase_add_test(tc, no_session);
	tcase_add_test(tc, without_ppp);
	tcase_add_test(tc, stream_breaks);
	tcase_add_test(tc, two_good_one_dead);
	tcase_add_test(tc, window);
	tcase_add_test(tc, connected_is_not_standby);
	tcase_add_test(tc, promoted_by_force);
	tcase_add_test(tc, trouble);
	tcase_add_test(tc, orphans);
	tcase_add_test(tc, takeovers_are_told_apart);
	tcase_add_test(tc, smaller_range);
	tcase_add_test(tc, undrained_on_the_other_node);
	tcase_add_test(tc, recovery_of_new_tunnels);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
