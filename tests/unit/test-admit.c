// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who gets in: limits of calls and tunnels, soft shutdown, the words a LAC is
 * refused in, and what is up stays up.  The whole group with its standby
 * against the independent LAC.
 */
#define RIG_CONFIG \
	"vpdn-template t\n l2tp tunnel hello 33\n l2tp tunnel tie-breaker\n limit-code directed\n" \
	" limit-redirect 192.0.2.9\n" \
	"vpdn-group N\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n terminate-from hostname LAC-2\n" \
	" source vpdn-template t\n l2tp tunnel password x\n l2tp hidden\n l2tp tunnel address-change reject\n" \
	" l2tp tunnel timeout no-session 77\n" \
	"vpdn-group other-address\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n source-ip 192.0.2.200\n" \
	" terminate-from hostname LAC-77\n" \
	" no l2tp tunnel authentication\n"

#include "daemon/group_internal.h"
#include "daemon/log.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static struct { unsigned up, down, tunnels_down; uint16_t result, error; char text[256]; } heard;

static void on_call_up(void *ctx, struct lac_call *call)
{
	(void)ctx;
	(void)call;
	heard.up++;
}

static void said(const struct lac_reason *reason)
{
	heard.result = reason->result;
	heard.error = reason->error;
	snprintf(heard.text, sizeof(heard.text), "%s", reason->text);
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	(void)ctx;
	(void)call;
	heard.down++;
	said(reason);
}

static void on_tunnel_down(void *ctx, const struct lac_reason *reason)
{
	(void)ctx;
	heard.tunnels_down++;
	said(reason);
}

static void lac_named(const char *name, const char *secret)
{
	static const struct lac_ops ops = { .send = lac_send, .call_up = on_call_up, .call_down = on_call_down,
					    .tunnel_down = on_tunnel_down };
	struct lac_config lc;

	lac_free(lac);
	lac_config_init(&lc);
	lc.ops = &ops;
	lc.random = next_random;
	lc.hostname = name;
	lc.secret = secret;
	lc.tid = 26356;
	lac = lac_new(&lc);
	memset(&heard, 0, sizeof(heard));
}

static void lac_again(void)
{
	lac_named("LAC-1", NULL);
}

static void calls(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		lac_call(lac, now, NULL, NULL);
	run(2000);
}

static struct config_vpdn_group *vpdn(int n)
{
	return (struct config_vpdn_group *)(uintptr_t)config_vpdn_group_find(nodes[n]->config, "G");
}

static const char *last_failure(int n)
{
	static struct group_failure failure;

	return group_failures(nodes[n]->group, &failure, 1) ? failure.type : "none";
}

static void tunnel_info(struct l2tp_tunnel_info *info)
{
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	uint16_t id = l2tp_tunnel_next(l2tp, 0);

	ck_assert_uint_ne(id, 0);
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), info);
}

/* terminate-from picks the group, whatever it and its template say is the tunnel's. */
START_TEST(group_by_host_name)
{
	struct l2tp_tunnel_info info;

	lac_named("LAC-2", "x");
	calls(1);
	ck_assert_uint_eq(heard.up, 1);
	tunnel_info(&info);
	ck_assert_str_eq(info.s.params.group, "N");
	ck_assert(info.s.params.hide && info.s.params.authenticate && info.s.params.tie_break);
	ck_assert_uint_eq(info.s.params.hello_s, 33);
	ck_assert_uint_eq(info.s.params.no_session_s, 77);
	ck_assert_int_eq(info.s.params.peer_change, L2TP_PEER_CHANGE_REJECT);
	ck_assert_int_eq(info.s.params.busy, L2TP_BUSY_DIRECTED);
	ck_assert_str_eq(info.s.params.busy_peers, "192.0.2.9");
	ck_assert_uint_eq(info.s.params.initial_retries, 2);
}
END_TEST

/* Nobody's name: the group without terminate-from that is for the address it came to. */
START_TEST(default_group)
{
	struct l2tp_tunnel_info info;

	lac_named("LAC-77", NULL);
	calls(1);
	ck_assert_uint_eq(heard.up, 1);
	tunnel_info(&info);
	ck_assert_str_eq(info.s.params.group, "G");
	ck_assert(!info.s.params.hide);
	ck_assert_int_eq(info.s.params.busy, L2TP_BUSY_RESOURCES);
}
END_TEST

START_TEST(no_group)
{
	snprintf(vpdn(0)->terminate_from, sizeof(vpdn(0)->terminate_from), "somebody");
	lac_named("LAC-77", NULL);
	calls(1);
	ck_assert_uint_eq(heard.up, 0);
	ck_assert_uint_eq(heard.tunnels_down, 1);
	ck_assert_uint_eq(heard.result, 4);
}
END_TEST

static const struct {
	enum config_limit_code code;
	uint16_t result, error;
	const char *text;
} codes[] = {
	{ CONFIG_LIMIT_UNSET, 2, 4, "session limit 3 of group G reached" },
	{ CONFIG_LIMIT_TRY_ANOTHER, 2, 7, "session limit 3 of group G reached" },
	{ CONFIG_LIMIT_DIRECTED, 2, 9, "192.0.2.7, [2001:db8::7]" },
	{ CONFIG_LIMIT_TEMPORARY, 4, 0, "session limit 3 of group G reached" },
};

START_TEST(limit_of_a_group)
{
	vpdn(0)->session_limit = 3;
	vpdn(0)->limit_code = codes[_i].code;
	snprintf(vpdn(0)->limit_redirect, sizeof(vpdn(0)->limit_redirect), "192.0.2.7, [2001:db8::7]");
	lac_again();
	calls(5);
	ck_assert_uint_eq(heard.up, 3);
	ck_assert_uint_eq(heard.down, 2);
	ck_assert_uint_eq(heard.result, codes[_i].result);
	ck_assert_uint_eq(heard.error, codes[_i].error);
	ck_assert_str_eq(heard.text, codes[_i].text);
	if (codes[_i].code != CONFIG_LIMIT_DIRECTED)
		ck_assert_str_eq(last_failure(0), "Session limit exceeded");
	vpdn(0)->session_limit = 4;	/* holds at once, on the tunnel that is up */
	calls(2);
	ck_assert_uint_eq(heard.up, 4);
	ck_assert_uint_eq(heard.down, 3);
}
END_TEST

/* The limit spans the tunnels of the group. */
START_TEST(limit_spans_tunnels)
{
	struct lac *first;

	vpdn(0)->session_limit = 3;
	calls(2);
	first = lac;
	lac = NULL;
	lac_again();
	calls(2);
	ck_assert_uint_eq(heard.up, 1);
	ck_assert_uint_eq(heard.down, 1);
	lac_free(first);
}
END_TEST

START_TEST(limit_of_all)
{
	nodes[0]->config->session_limit = 2;
	lac_again();
	calls(3);
	ck_assert_uint_eq(heard.up, 2);
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_str_eq(heard.text, "session limit 2 reached");
}
END_TEST

/* The successor counts what it took over. */
START_TEST(limit_after_a_takeover)
{
	lac_again();
	pair_up(3);
	vpdn(1)->session_limit = 4;
	take_over();
	ck_assert_uint_eq(heard.up, 3);
	calls(2);
	ck_assert_uint_eq(heard.up, 4);
	ck_assert_uint_eq(heard.down, 1);
}
END_TEST

START_TEST(calls_in_setup)
{
	nodes[0]->config->max_starting_peer = 2;
	group_config_changed(nodes[0]->group, now);
	lac_again();
	calls(1);
	for (unsigned i = 0; i < 8; i++)	/* their ICRQs are there before the first ICCN */
		lac_call(lac, now, NULL, NULL);
	run(2000);
	ck_assert_uint_eq(heard.up + heard.down, 9);
	ck_assert_uint_ge(heard.down, 1);
	ck_assert_uint_eq(heard.result, 2);
	ck_assert_uint_eq(heard.error, 4);
	ck_assert_str_eq(last_failure(0), "No resources available");
	calls(1);
	ck_assert_uint_eq(heard.up + heard.down, 10);
}
END_TEST

/* What is up stays, new calls and new tunnels are refused, and again admitted. */
START_TEST(soft_shutdown)
{
	struct lac *first;

	lac_again();
	calls(2);
	nodes[0]->config->softshut = true;
	group_config_changed(nodes[0]->group, now);
	calls(1);
	ck_assert_uint_eq(heard.up, 2);
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_str_eq(heard.text, "soft shut: no new sessions");
	ck_assert_str_eq(last_failure(0), "Soft shut");
	ck_assert_uint_eq(dp_null_sessions(nodes[0]->dp), 2);
	first = lac;
	lac = NULL;
	lac_again();
	calls(1);
	ck_assert_uint_eq(heard.up, 0);
	ck_assert_uint_eq(heard.tunnels_down, 1);
	ck_assert_uint_eq(heard.result, 2);
	ck_assert_uint_eq(heard.error, 4);
	nodes[0]->config->softshut = false;
	group_config_changed(nodes[0]->group, now);
	run(40000);	/* what was refused lingers */
	calls(1);
	ck_assert_uint_eq(heard.up, 1);
	lac_free(first);
}
END_TEST

/* One tunnel is drained, another one of the same peer is not. */
START_TEST(drain_of_a_tunnel)
{
	uint16_t id;

	lac_again();
	pair_up(2);
	id = l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0);
	ck_assert_int_eq(group_drain_tunnel(nodes[0]->group, now, 7, true), -ENOENT);
	ck_assert_int_eq(group_drain_tunnel(nodes[1]->group, now, id, true), -EPERM);
	ck_assert_int_eq(group_drain_tunnel(nodes[0]->group, now, id, true), 0);
	calls(1);
	ck_assert_uint_eq(heard.up, 2);
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_str_eq(heard.text, "soft shut: the tunnel is drained");
	take_over();
	calls(1);
	ck_assert_uint_eq(heard.up, 2);
	ck_assert_uint_eq(heard.down, 2);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), 2);
	ck_assert_int_eq(group_drain_tunnel(nodes[1]->group, now, id, false), 0);
	calls(1);
	ck_assert_uint_eq(heard.up, 3);
}
END_TEST

static const char *const peers[] = { "LAC-1", "192.0.2.99", NULL };

/* A peer by either name, or everybody: known to the successor; taken back, it is as before. */
START_TEST(drain_of_a_peer)
{
	uint32_t tunnels, sessions;
	struct lac *first;

	lac_again();
	pair_up(2);
	ck_assert_int_eq(group_drain_peer(nodes[0]->group, now, "LAC-2", true), 0);
	calls(1);
	ck_assert_uint_eq(heard.up, 3);
	ck_assert_int_eq(group_drain_peer(nodes[0]->group, now, "LAC-2", false), 0);
	ck_assert_int_eq(group_drain_peer(nodes[0]->group, now, "LAC-2", false), -ENOENT);
	if (peers[_i])
		ck_assert_int_eq(group_drain_peer(nodes[0]->group, now, peers[_i], true), 0);
	else
		ck_assert_int_eq(group_drain_all(nodes[0]->group, now, true), 0);
	ck_assert_str_eq(group_drained(nodes[0]->group, 0, &tunnels, &sessions), peers[_i] ? peers[_i] : "");
	ck_assert_uint_eq(tunnels, 1);
	ck_assert_uint_eq(sessions, 3);
	ck_assert_ptr_null(group_drained(nodes[0]->group, 1, &tunnels, &sessions));
	calls(1);
	ck_assert_uint_eq(heard.up, 3);
	ck_assert_uint_eq(heard.down, 1);
	take_over();
	ck_assert_ptr_nonnull(group_drained(nodes[1]->group, 0, &tunnels, &sessions));
	calls(1);
	ck_assert_uint_eq(heard.up, 3);
	ck_assert_uint_eq(heard.down, 2);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), 3);
	first = lac;
	lac = NULL;
	lac_again();
	calls(1);
	ck_assert_uint_eq(heard.tunnels_down, 1);
	ck_assert_uint_eq(heard.result, 2);
	if (peers[_i])
		ck_assert_int_eq(group_drain_peer(nodes[1]->group, now, peers[_i], false), 0);
	else
		ck_assert_int_eq(group_drain_all(nodes[1]->group, now, false), 0);
	ck_assert_ptr_null(group_drained(nodes[1]->group, 0, &tunnels, &sessions));
	run(40000);
	calls(1);
	ck_assert_uint_eq(heard.up, 1);
	lac_free(first);
}
END_TEST

/* A tunnel nobody uses is closed when it was empty for so long, and not before. */
START_TEST(no_session_timeout)
{
	vpdn(0)->no_session_s = 30;
	lac_again();
	lac_open(lac, now);
	run(20000);
	ck_assert(lac_is_up(lac));
	calls(1);
	run(60000);
	ck_assert(lac_is_up(lac));
	ck_assert_uint_eq(heard.up, 1);
	group_clear_session(nodes[0]->group, now, l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0),
			    l2tp_session_next(group_l2tp(nodes[0]->group),
					      l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0), 0));
	run(28000);
	ck_assert(lac_is_up(lac));
	run(4000);
	ck_assert(!lac_is_up(lac));
	ck_assert_uint_eq(heard.result, 1);
	ck_assert_str_eq(heard.text, "no session for 30 s");
}
END_TEST

static struct { unsigned all, wanted; const char *want; } logged;

static void log_count(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	logged.all++;
	logged.wanted += logged.want && strstr(text, logged.want) != NULL;
}

/* Which peer, what it is, and why: one line, in the history as well. */
START_TEST(a_wrong_tunnel_password_is_said)
{
	logged.want = "peer 'LAC-2' 192.0.2.99: Tunnel authentication failed: ";
	logged.all = logged.wanted = 0;
	log_set_sink(log_count, NULL, LOG_LEVEL_INFO);
	lac_named("LAC-2", "not x");
	lac_call(lac, now, NULL, NULL);
	run(2000);
	ck_assert_uint_eq(heard.tunnels_down, 1);
	ck_assert_str_eq(last_failure(0), "Tunnel authentication failed");
	ck_assert_uint_eq(logged.wanted, 1);
	log_set_sink(NULL, NULL, LOG_LEVEL_INFO);
}
END_TEST

/* What others fail at is theirs to choose: so many lines a minute, then how many there were. */
START_TEST(failures_do_not_fill_the_log)
{
	struct group *group = nodes[0]->group;
	char name[16];

	logged.want = "90 more failures of tunnels and calls";
	logged.all = logged.wanted = 0;
	log_set_sink(log_count, NULL, LOG_LEVEL_INFO);
	for (unsigned i = 0; i < 1000; i++)	/* the first, second, fourth ... */
		group_failure_add(group, 0, NULL, "bob", "Authentication failed", "wrong password");
	ck_assert_uint_eq(logged.all, 10);
	for (unsigned i = 0; i < 140; i++) {
		snprintf(name, sizeof(name), "user%u", i);
		group_failure_add(group, 0, NULL, name, "Authentication failed", "wrong password");
	}
	ck_assert_uint_eq(logged.all, 60);
	run(61000);
	logged.all = 0;
	group_failure_add(group, 0, NULL, "eve", "Authentication failed", "wrong password");
	ck_assert_uint_eq(logged.wanted, 1);
	ck_assert_uint_eq(logged.all, 2);
	log_set_sink(NULL, NULL, LOG_LEVEL_INFO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admit");
	TCase *tc = tcase_create("admit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, group_by_host_name);
	tcase_add_test(tc, default_group);
	tcase_add_test(tc, no_group);
	tcase_add_loop_test(tc, limit_of_a_group, 0, sizeof(codes) / sizeof(codes[0]));
	tcase_add_test(tc, limit_spans_tunnels);
	tcase_add_test(tc, limit_of_all);
	tcase_add_test(tc, limit_after_a_takeover);
	tcase_add_test(tc, calls_in_setup);
	tcase_add_test(tc, soft_shutdown);
	tcase_add_test(tc, drain_of_a_tunnel);
	tcase_add_loop_test(tc, drain_of_a_peer, 0, 3);
	tcase_add_test(tc, no_session_timeout);
	tcase_add_test(tc, a_wrong_tunnel_password_is_said);
	tcase_add_test(tc, failures_do_not_fill_the_log);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
