// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dialer of a pair: it dials an LNS (our engine, in its other role), its
 * session is a subscriber with PPP in the client's role, and whatever node is
 * lost at whatever moment, there is one call in the end and not two.
 */
#define RIG_CONFIG									\
	"vpdn-group UP\n request-dialin\n  protocol l2tp\n initiate-to ip 192.0.2.99\n"	\
	" no l2tp tunnel authentication\n"						\
	"interface dialer 7\n dialer vpdn-group UP\n interface-name uplink\n"		\
	" ppp chap hostname alice\n ppp chap password 0 secret\n"

#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

#include "daemon/cli.h"
#include "daemon/config_change.h"
#include "daemon/dial.h"
#include "daemon/show.h"
#include "l2tp/message.h"
#include "tests/unit/config_lines.h"

static struct {
	struct l2tp *l2tp;
	bool full;
	unsigned sccrq, up, down;
	uint16_t tunnel, session;	/* the last call */
} lns;

static bool lns_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p)
{
	(void)ctx;
	(void)info;
	*p = (struct l2tp_tunnel_params){ .group = "lns", .local_name = "lns", .receive_window = 8, .hello_s = 60,
					  .retransmit_retries = 8, .retransmit_min_s = 1, .retransmit_max_s = 8,
					  .setup_timeout_s = 20 };
	return true;
}

static bool lns_admit(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
		      char why[L2TP_TEXT_MAX])
{
	(void)ctx;
	(void)info;
	(void)params;
	snprintf(why, L2TP_TEXT_MAX, "full");
	return !lns.full;
}

static void lns_drain(void)
{
	struct l2tp_action a;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(lns.l2tp, &dirty))
		;
	while (l2tp_action_next(lns.l2tp, &a)) {
		if (a.type == L2TP_ACTION_SEND)
			net_put(false, a.data, a.len);
		lns.up += a.type == L2TP_ACTION_SESSION_UP;
		lns.down += a.type == L2TP_ACTION_SESSION_DOWN && a.was_established;
		if (a.type == L2TP_ACTION_SESSION_UP) {
			lns.tunnel = a.tunnel_id;
			lns.session = a.session_id;
		}
	}
}

static void lns_input(const uint8_t *data, size_t len)
{
	struct l2tp_endpoint vip = { .port = 1701 }, own = { .port = 1701 };

	endpoint_parse(&vip, "192.0.2.1");
	endpoint_parse(&own, "192.0.2.99");
	lns.sccrq += len > MESSAGE_HEADER && avp_get_u16(data + 18) == MESSAGE_SCCRQ;
	l2tp_input(lns.l2tp, now, &own, &vip, data, len);
}

/* rig's run(), with the LNS in it */
static void go(unsigned ms)
{
	for (; ms; ms--) {
		run(1);
		l2tp_tick(lns.l2tp, now);
		lns_drain();
	}
}

static uint32_t lns_calls(void)
{
	struct l2tp_counters c;

	l2tp_counters(lns.l2tp, &c);
	return c.sessions_established;
}

static struct group_dialer_info dialer_of(int n)
{
	struct group_dialer_info info = { .state = "none" };

	group_dialer_info(nodes[n]->group, 0, &info);
	return info;
}

static void start(void)
{
	struct l2tp_config lc = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops lo = { .select_group = lns_select, .random = group_random, .admit_tunnel = lns_admit };

	memset(&lns, 0, sizeof(lns));
	lns.l2tp = l2tp_new(&lc, &lo);
	l2tp_activate(lns.l2tp, now);
	net_peer = lns_input;
	setup();
}

static void stop(void)
{
	teardown();
	l2tp_free(lns.l2tp);
}

static void pair(void)
{
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	go(300);
}

/* The plug of the first is pulled; five seconds. */
static void pull(void)
{
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	go(5000);
}

static void expect_up(int n, unsigned calls_ever)
{
	struct group_dialer_info info = dialer_of(n);
	struct subscriber_info sub;

	ck_assert_str_eq(info.state, "up");
	ck_assert_str_eq(info.ifname, "uplink");
	ck_assert_uint_eq(info.address, htonl(0x0a400001));
	ck_assert(group_subscriber(nodes[n]->group, info.tunnel_id, info.session_id, &sub));
	ck_assert_str_eq(sub.user, "alice");
	ck_assert_uint_eq(ppp_count(nodes[n]), 1);
	ck_assert_uint_eq(lns_calls(), 1);
	ck_assert_uint_eq(lns.up, calls_ever);
}

START_TEST(dials_by_itself)
{
	go(1000);
	expect_up(0, 1);
	pair();
	go(1000);
	ck_assert_uint_eq(ppp_count(nodes[1]), 1);	/* in place, mute */
	ck_assert_uint_eq(ha_digest(group_ha(nodes[0]->group)), ha_digest(group_ha(nodes[1]->group)));
	ck_assert_str_eq(dialer_of(1).state, "none");
}
END_TEST

START_TEST(dials_again)
{
	struct l2tp_result r = { .result = 3, .text = "go away" };

	go(1000);
	l2tp_session_close(l2tp_session_find(lns.l2tp, lns.tunnel, lns.session), now, &r);
	lns_drain();
	go(1000);
	ck_assert_str_eq(dialer_of(0).state, "idle");
	ck_assert_str_eq(dialer_of(0).why, "go away");
	ck_assert_uint_eq(ppp_count(nodes[0]), 0);
	go(10000);
	expect_up(0, 2);
	ck_assert_uint_eq(lns.sccrq, 1);	/* by the tunnel that stands */
}
END_TEST

/* 1, 2, 4, 5 and 5 seconds between attempts, then no more; a change of the configuration begins anew. */
START_TEST(redials_seldom_and_gives_up)
{
	static const uint64_t waits_ms[] = { 1000, 2000, 4000, 5000, 5000 };
	struct config_dialer *d = nodes[0]->config->dialers;
	struct l2tp_result r = { .result = 1 };
	uint64_t wait_ms = 0, was_ms;
	unsigned attempts = 0;

	go(1000);
	d->redial_s = 1;
	d->redial_max_s = 5;
	d->max_redial = 5;
	lns.full = true;
	l2tp_tunnel_close(l2tp_tunnel_find(lns.l2tp, lns.tunnel), now, &r);
	lns_drain();
	for (unsigned ms = 0; ms < 60000; ms++) {
		go(1);
		was_ms = wait_ms;
		wait_ms = dialer_of(0).next_ms;
		if (wait_ms <= was_ms)
			continue;
		ck_assert_uint_lt(attempts, 5);
		ck_assert_uint_eq(wait_ms, waits_ms[attempts]);
		attempts++;
	}
	ck_assert_uint_eq(attempts, 5);
	ck_assert_str_eq(dialer_of(0).state, "idle");
	lns.full = false;
	group_busy_clear(nodes[0]->group, now, NULL);
	group_config_changed(nodes[0]->group, now);
	go(1500);
	ck_assert_str_eq(dialer_of(0).state, "up");
	/* a call that was up is no failure: the interval again */
	ppp_end(nodes[0], &nodes[0]->ends[0], PPP_DOWN_ECHO);
	go(2500);
	ck_assert_str_eq(dialer_of(0).state, "up");
}
END_TEST

START_TEST(ppp_ends)
{
	go(1000);
	ppp_end(nodes[0], &nodes[0]->ends[0], PPP_DOWN_ECHO);
	go(1000);
	ck_assert_uint_eq(lns_calls(), 0);
	go(11000);
	expect_up(0, 2);
}
END_TEST

START_TEST(survives_a_takeover)
{
	pair();
	go(2000);
	expect_up(0, 1);
	pull();
	expect_up(1, 1);
	ck_assert_uint_eq(lns.down, 0);
	go(130000);	/* hellos pass */
	expect_up(1, 1);
}
END_TEST

/* The node is lost so many milliseconds after it began to dial. */
START_TEST(lost_while_it_dials)
{
	struct l2tp_result r = { .result = 3 };
	bool first = _i % 2;

	pair();
	go(2000);
	l2tp_session_close(l2tp_session_find(lns.l2tp, lns.tunnel, lns.session), now, &r);
	lns_drain();
	if (first) {	/* without the tunnel, too */
		go(100);
		l2tp_tunnel_close(l2tp_tunnel_find(lns.l2tp, lns.tunnel), now, &r);
		lns_drain();
	}
	while (strcmp(dialer_of(0).state, "dialling"))
		go(1);
	go((unsigned)_i / 2);
	pull();
	go(60000);
	ck_assert_str_eq(dialer_of(1).state, "up");
	ck_assert_uint_eq(lns_calls(), 1);
	ck_assert_uint_eq(ppp_count(nodes[1]), 1);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), 1);
	go(60000);
	ck_assert_uint_eq(lns_calls(), 1);
}
END_TEST

START_TEST(shut_down)
{
	struct config *next;

	go(1000);
	next = config_clone(nodes[0]->config);
	next->dialers->shutdown = true;
	config_replace(nodes[0]->config, next);
	group_config_changed(nodes[0]->group, now);
	go(1000);
	ck_assert_uint_eq(lns_calls(), 0);
	ck_assert_uint_eq(ppp_count(nodes[0]), 0);
	go(20000);
	ck_assert_uint_eq(lns.up, 1);
	ck_assert_uint_eq(dp_null_tunnels(nodes[0]->dp), 0);	/* 15 s without a session */
}
END_TEST

/* Who takes over knows who is busy, for as long as it was. */
START_TEST(busy_after_a_takeover)
{
	struct dial_busy busy;
	size_t at = 0;

	pair();
	go(1000);
	lns.full = true;
	l2tp_tunnel_close(l2tp_tunnel_find(lns.l2tp, lns.tunnel), now, &(struct l2tp_result){ .result = 6 });
	lns_drain();
	go(11000);
	ck_assert_uint_eq(lns.sccrq, 2);
	ck_assert(group_busy_next(nodes[1]->group, now, &at, &busy));
	ck_assert_str_eq(busy.why, "StopCCN, result 2 error 4: full");
	lns.full = false;
	pull();
	go(40000);
	ck_assert_uint_eq(lns.sccrq, 2);
	go(30000);
	ck_assert_uint_eq(lns.sccrq, 3);
	expect_up(1, 2);
	at = 0;
	ck_assert(!group_busy_next(nodes[1]->group, now, &at, &busy));
	ck_assert_int_eq(group_busy_clear(nodes[1]->group, now, NULL), -ENOENT);
}
END_TEST

static uint64_t show_now(void)
{
	return now;
}

static void expect_shown_at(int node, const char *command, enum show_code code, const char *text)
{
	struct show_context ctx = { .groups = &nodes[node]->group, .group_count = 1, .config = nodes[node]->config,
				    .now_ms = show_now, .unix_ms = show_now };
	char *body = NULL;

	ck_assert_int_eq(show_exec(&ctx, command, &body), code);
	ck_assert_msg(strstr(body, text) != NULL, "%s: %s", command, body);
	free(body);
}

static void expect_shown(const char *command, enum show_code code, const char *text)
{
	expect_shown_at(0, command, code, text);
}

/* Each form of the command, on the active one; who takes over has forgotten it, too. */
START_TEST(busy_no_longer)
{
	static const char *const forms[] = { "all", "ip-address 192.0.2.99", "group UP" };
	char command[64];

	snprintf(command, sizeof(command), "clear vpdn dead-cache %s", forms[_i]);
	pair();
	go(1000);
	lns.full = true;
	l2tp_tunnel_close(l2tp_tunnel_find(lns.l2tp, lns.tunnel), now, &(struct l2tp_result){ .result = 6 });
	lns_drain();
	go(11000);
	expect_shown_at(1, "show vpdn dead-cache", SHOW_OK, "192.0.2.99");
	expect_shown_at(1, command, SHOW_ROLE, "this node is not active");
	expect_shown(command, SHOW_OK, "cleared");
	expect_shown_at(0, "show vpdn dead-cache", SHOW_OK, "%No peer is busy");
	lns.full = false;
	go(100);
	expect_up(0, 2);	/* the dialer does not wait for its time */
	expect_shown_at(1, "show vpdn dead-cache", SHOW_OK, "%No peer is busy");
	pull();
	go(5000);
	expect_up(1, 2);
}
END_TEST

START_TEST(shown)
{
	struct l2tp_result r = { .result = 3, .text = "go away" };

	go(1000);
	expect_shown("show dialer", SHOW_OK, "Dialer 7 (uplink) is up, 10.64.0.1, ");
	expect_shown("show dialer interface dialer 8", SHOW_NONE, "No dialer of that number");
	expect_shown("show vpdn tunnel all", SHOW_OK, "Locally initiated tunnel");
	expect_shown("show vpdn session all", SHOW_OK, "incoming, LAC");
	expect_shown("show vpdn session json", SHOW_OK, "\"role\": \"LAC\"");
	expect_shown("show vpdn dead-cache", SHOW_OK, "%No peer is busy");
	expect_shown("show aaa domain-map", SHOW_OK, "  192.0.2.99      priority 1, limit none");
	expect_shown("show running-config", SHOW_OK, " ppp chap password 0 <hidden>\n");
	lns.full = true;
	l2tp_tunnel_close(l2tp_tunnel_find(lns.l2tp, lns.tunnel), now, &r);
	lns_drain();
	go(500);
	expect_shown("show dialer", SHOW_OK, "Dialer 7 (uplink) is idle, dials in 9");
	expect_shown("show dialer", SHOW_OK, "  Last failure: go away");
	go(10000);
	expect_shown("show vpdn dead-cache", SHOW_OK, "192.0.2.99");
	expect_shown("show vpdn history failure", SHOW_OK, "StopCCN, result 2 error 4: full");
	expect_shown("clear vpdn dead-cache group G", SHOW_NONE, "No such peer is busy");
	expect_shown("clear vpdn dead-cache group nobody", SHOW_NONE, "No VPDN group of that name");
	expect_shown("clear vpdn dead-cache ip-address 192.0.2.98", SHOW_NONE, "No such peer is busy");
	lns.full = false;
	expect_shown("clear vpdn dead-cache group UP", SHOW_OK, "cleared");
	go(1000);
	expect_up(0, 2);	/* the dialer does not wait for its time */
	pair();
	expect_shown("clear vpdn dead-cache all", SHOW_NONE, "No such peer is busy");
}
END_TEST

/* A dialer that is shut down has no state of its own, nor that of another one. */
START_TEST(shut_down_is_shown)
{
	struct config *next = config_clone(nodes[0]->config);

	next->dialers->next = calloc(1, sizeof(*next->dialers));
	ck_assert_ptr_nonnull(next->dialers->next);
	next->dialers->next->number = 9;
	next->dialers->next->shutdown = true;
	snprintf(next->dialers->next->vpdn_group, sizeof(next->dialers->next->vpdn_group), "UP");
	config_replace(nodes[0]->config, next);
	group_config_changed(nodes[0]->group, now);
	go(1000);
	expect_shown("show dialer interface dialer 7", SHOW_OK, "Dialer 7 (uplink) is up, 10.64.0.1, ");
	expect_shown("show dialer interface dialer 9", SHOW_OK, "Dialer 9 (dialer9) is shut down");
}
END_TEST

/* ---- what a configuration disturbs, it says ------------------------------ */

static const char *replacement;

static struct config *replacement_load(const char *path, char error[256])
{
	struct config *config = config_parse(path, replacement, error);

	if (config && config_check(config, error)) {
		config_free(config);
		config = NULL;
	}
	return config;
}

/* Another configuration: sections and lines are left out, others are said besides. */
static char *mutated(const char *text, uint64_t *random)
{
	static const unsigned modes[] = { CONFIG_MODE_GLOBAL, CONFIG_MODE_TEMPLATE, CONFIG_MODE_VPDN, CONFIG_MODE_DIALER,
					  CONFIG_MODE_VPDN_TEMPLATE };
	static const char *const into[] = { "", "interface virtual-template 1\n", "vpdn-group ", "interface dialer 7\n",
					    "vpdn-template\n" };
	struct lines l = { .seed = *random };
	bool gone = false;
	char *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n") + 1;
		bool section = *p != ' ';

		if (section)
			gone = !lines_random(&l, 12) && strncmp(p, "redundancy", 10);
		if (!gone && (section || lines_random(&l, 30) || strstr(text, "redundancy") < p))
			fprintf(f, "%.*s", (int)len, p);
		p += len;
	}
	for (unsigned n = lines_random(&l, 4); n; n--) {
		unsigned m = lines_random(&l, 5);
		const struct config_command *row;

		do
			row = lines_row(lines_random(&l, (unsigned)config_grammar.count));
		while (!(row->g.modes & modes[m]) || row->why_not || !strncmp(row->g.syntax, "e", 1));
		fprintf(f, "%s%s%s\n", into[m], m == 2 ? lines_random(&l, 2) ? "UP\n" : "G\n" : "",
			lines_make(&l, row, lines_random(&l, 3) ? NULL : "no"));
	}
	fputs("end\n", f);
	fclose(f);
	*random = l.seed;
	return out;
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

struct said {			/* of an answer */
	unsigned tunnels, sessions, hang_ups;
	bool undisturbed;
};

static struct said said_in(const char *text)
{
	struct said s = { .hang_ups = count_of(text, "and hangs up\n"), .undisturbed = strstr(text, "No tunnel and no session is disturbed") };
	unsigned tunnels, sessions;

	for (const char *p = text; (p = strstr(p, "%vpdn-group ")); p++)
		if (sscanf(p, "%%vpdn-group %*[^:]: %u tunnels with %u sessions are closed", &tunnels, &sessions) == 2) {
			s.tunnels += tunnels;
			s.sessions += sessions;
		}
	return s;
}

/* The LNS calls us, too: a tunnel each way. */
static void called_by_the_lns(void)
{
	struct l2tp_sccrq_info nothing = { 0 };
	struct l2tp_tunnel_params p;
	struct l2tp_endpoint own = { .port = 1701 }, vip = { .port = 1701 };
	struct l2tp_call_params call = { .framing_type = 1 };
	uint16_t tunnel, session;

	endpoint_parse(&own, "192.0.2.99");
	endpoint_parse(&vip, "192.0.2.1");
	lns_select(NULL, &nothing, &p);
	ck_assert_int_eq(l2tp_tunnel_open(lns.l2tp, now, &own, &vip, &p, &tunnel), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(lns.l2tp, tunnel), now, L2TP_CALL_IN_LAC, &call, &session), 0);
	lns_drain();
}

static void everything(struct l2tp_counters *counters, char **config)
{
	l2tp_counters(group_l2tp(nodes[0]->group), counters);
	*config = config_print(nodes[0]->config, CONFIG_PRINT_SECRETS);
}

START_TEST(what_is_disturbed_is_said)
{
	struct show_context ctx = { .groups = &nodes[0]->group, .group_count = 1, .config = nodes[0]->config,
				    .pools = nodes[0]->pools, .now_ms = show_now, .unix_ms = show_now, .load = replacement_load };
	struct cli *cli = cli_new(&ctx, true);
	struct l2tp_counters before, dry, after;
	uint64_t random = (uint64_t)_i * 1000003 + 17;
	char *was, *is, *text, *body = NULL;
	unsigned gone_tunnels = 0, gone_sessions = 0, n = 0;
	struct { uint16_t tunnel, session; } had[8];
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	enum show_code code;
	struct said first, second;

	go(1000);
	called_by_the_lns();
	go(1000);
	everything(&before, &was);
	ck_assert_uint_eq(before.tunnels_established, 2);
	ck_assert_uint_eq(before.sessions_established, 3);
	for (uint16_t t = 0; (t = l2tp_tunnel_next(l2tp, t));)
		for (uint16_t s = 0; (s = l2tp_session_next(l2tp, t, s)); n++) {
			had[n].tunnel = t;
			had[n].session = s;
		}
	replacement = text = mutated(was, &random);
	code = cli_exec(cli, "configure replace /new.conf --dry-run", &body);
	first = said_in(body);
	go(1000);
	everything(&dry, &is);
	ck_assert_msg(!strcmp(was, is) && dry.sessions_established == 3 && dry.tunnels_established == 2,
		      "the dry run was not dry:\n%s", body);
	free(is);
	free(body);
	body = NULL;
	ck_assert_int_eq(cli_exec(cli, "configure replace /new.conf", &body), code);
	second = said_in(body);
	ck_assert_mem_eq(&first, &second, sizeof(first));
	go(3000);
	everything(&after, &is);
	for (unsigned i = 0; i < n; i++) {
		struct l2tp_session *s = l2tp_session_find(l2tp, had[i].tunnel, had[i].session);
		struct end *end = end_find(nodes[0], (struct ppp_key){ had[i].tunnel, had[i].session });

		gone_sessions += !s || !end || end->state != END_UP;
	}
	for (uint16_t t = 0, last = 0; t < n; t++) {
		struct l2tp_tunnel *tunnel = had[t].tunnel == last ? NULL : l2tp_tunnel_find(l2tp, had[t].tunnel);
		struct l2tp_tunnel_info info;

		if (had[t].tunnel == last)
			continue;
		last = had[t].tunnel;
		if (tunnel)
			l2tp_tunnel_info(tunnel, &info);
		gone_tunnels += !tunnel || info.s.state != L2TP_TUNNEL_ESTABLISHED;
	}
	if (code != SHOW_OK) {
		ck_assert_msg(!strcmp(was, is), "refused, and taken: %s", body);
		ck_assert_uint_eq(gone_sessions + gone_tunnels, 0);
	}
	ck_assert_msg(gone_tunnels == first.tunnels, "%u tunnels are gone, it said:\n%s\nof\n%s", gone_tunnels, body, text);
	/* a dialer in a tunnel that is closed is in both numbers */
	ck_assert_msg(gone_sessions == first.sessions + (first.tunnels ? 0 : first.hang_ups) ||
		      (first.tunnels && gone_sessions == first.sessions + first.hang_ups),
		      "%u sessions are gone, it said:\n%s\nof\n%s", gone_sessions, body, text);
	ck_assert_msg(code != SHOW_OK || first.undisturbed == !(gone_tunnels + gone_sessions) || strstr(body, "Nothing to change"),
		      "it said:\n%s\nof\n%s", body, text);
	free(body);
	free(was);
	free(is);
	free(text);
	cli_free(cli);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, dials_by_itself);
	tcase_add_test(tc, dials_again);
	tcase_add_test(tc, redials_seldom_and_gives_up);
	tcase_add_test(tc, ppp_ends);
	tcase_add_test(tc, survives_a_takeover);
	tcase_add_loop_test(tc, lost_while_it_dials, 0, 40);
	tcase_add_test(tc, shut_down);
	tcase_add_test(tc, busy_after_a_takeover);
	tcase_add_loop_test(tc, busy_no_longer, 0, 3);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, shut_down_is_shown);
	tcase_add_loop_test(tc, what_is_disturbed_is_said, 0, 120);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
