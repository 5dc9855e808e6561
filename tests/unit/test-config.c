// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration: text to fields, defaults, refusals with file and line,
 * the listing that parses to the same thing, the digest, the cross-checks.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/grammar_config.h"
#include "tests/unit/check_main.h"

static const char full[] =
	"! a pair\n"
	"# with both kinds of comment\n"
	"hostname lns-a\n"
	"enable secret 0 hush\n"
	"vpdn enable\n"
	"vpdn softshut\n"
	"ip tcp adjust-mss\n"
	"vpdn history failure table-size 20\n"
	"vpdn session-limit 7000\n"
	"vpdn limit-code try-another\n"
	"vpdn limit-redirect 192.0.2.8\n"
	"vpdn max-starting 400\n"
	"vpdn max-starting per-peer 40\n"
	"vpdn max-starting tunnels 300\n"
	"vpdn max-starting tunnels per-peer 30\n"
	"l2tp failover-resync disable\n"
	"l2tp failover recovery-time 30000\n"
	"username alice password 0 secret1\n"
	"username \"bob smith\" password \"two words\" address 10.9.9.9\n"
	"ip local pool P 10.0.0.10 10.0.0.99\n"
	"interface virtual-template 1\n"
	" ip address 10.0.0.1\n"
	" peer default ip address pool P\n"
	" ppp authentication chap pap\n"
	" ppp ipcp dns 10.0.0.2 10.0.0.3\n"
	" mtu 1400\n"
	" keepalive 10 3\n"
	"!\n"
	"vpdn-group 1\n"
	" description the first ! one\n"
	" accept-dialin\n"
	"  protocol l2tp\n"
	"  virtual-template 1\n"
	" terminate-from hostname lac-1\n"
	" local name lns\n"
	" source-ip 192.0.2.1\n"
	" l2tp tunnel password 0 tunnelsecret\n"
	" l2tp tunnel hello 20\n"
	" l2tp tunnel receive-window 100\n"
	" l2tp tunnel resync 250\n"
	" l2tp tunnel retransmit retries 30\n"
	" l2tp tunnel retransmit timeout min 2\n"
	" l2tp tunnel retransmit timeout max 4\n"
	" l2tp tunnel timeout setup 60\n"
	" session-limit 500\n"
	" l2tp tunnel timeout no-session 300\n"
	" l2tp tunnel retransmit initial retries 3\n"
	" l2tp tunnel retransmit initial timeout min 2\n"
	" l2tp tunnel retransmit initial timeout max 5\n"
	" l2tp tunnel address-change reject\n"
	" l2tp tunnel tie-breaker\n"
	" l2tp hidden\n"
	" l2tp hidden setup\n"
	" limit-code directed\n"
	" limit-redirect 192.0.2.7 2001:db8::7\n"
	" failover-resync failover-protocol\n"
	" source vpdn-template T\n"
	"!\n"
	"vpdn-template T\n"
	" l2tp tunnel hello 60\n"
	"redundancy\n"
	" mode sso\n"
	" group one\n"
	"  virtual-address 192.0.2.1/24 interface eth0\n"
	"  virtual-address 2001:db8::1/64 interface eth0\n"
	"  local address 10.1.1.1\n"
	"  peer address 10.1.1.2 port 1800\n"
	"  pre-shared-key 0 000102030405060708090a0b0c0d0e0f\n"
	"  standby warm\n"
	"  detector none\n"
	"  keepalived instance one\n"
	"  priority 200\n"
	"  timers heartbeat 100 dead 500\n"
	"  timers lease 400\n"
	"  timers startup 1500\n"
	"  commit timeout 30\n"
	"  tunnel-ids 100 30000\n"
	"end\n";

static struct config *parse(const char *text)
{
	char error[256] = "";
	struct config *config = config_parse("test.conf", text, error);

	ck_assert_msg(config != NULL, "%s", error);
	return config;
}

static uint32_t ip(const char *text)
{
	uint32_t addr;

	inet_pton(AF_INET, text, &addr);
	return addr;
}

START_TEST(reads_every_field)
{
	struct config *c = parse(full);
	const struct config_vtemplate *vt = config_vtemplate_find(c, 1);
	const struct config_vpdn_group *g = config_vpdn_group_find(c, "1");
	const struct config_redundancy_group *rg = c->redundancy_groups;
	char error[256] = "";

	ck_assert_str_eq(c->hostname, "lns-a");
	ck_assert(c->vpdn_enable && c->l2tp_sso && c->mode_sso);
	ck_assert_str_eq(config_user_find(c, "alice")->password, "secret1");
	ck_assert_str_eq(config_user_find(c, "bob smith")->password, "two words");
	ck_assert_uint_eq(config_user_find(c, "bob smith")->address, ip("10.9.9.9"));
	ck_assert_uint_eq(config_pool_find(c, "P")->first, 0x0a00000a);
	ck_assert_uint_eq(config_pool_find(c, "P")->last, 0x0a000063);
	ck_assert_uint_eq(vt->local_address, ip("10.0.0.1"));
	ck_assert_str_eq(vt->pool, "P");
	ck_assert(vt->auth_chap && vt->auth_pap);
	ck_assert_uint_eq(vt->dns[1], ip("10.0.0.3"));
	ck_assert_uint_eq(vt->mtu, 1400);
	ck_assert_uint_eq(vt->keepalive_s, 10);
	ck_assert_uint_eq(vt->keepalive_retries, 3);
	ck_assert(g->accept_dialin && g->protocol_l2tp && g->tunnel_auth && g->sso);
	ck_assert_uint_eq(g->vtemplate, 1);
	ck_assert_str_eq(g->description, "the first ! one");
	ck_assert_str_eq(g->terminate_from, "lac-1");
	ck_assert_str_eq(g->local_name, "lns");
	ck_assert_uint_eq(g->source_ip.family, 4);
	ck_assert_str_eq(g->tunnel_password, "tunnelsecret");
	ck_assert_uint_eq(g->hello_s, 20);
	ck_assert_uint_eq(g->receive_window, 100);
	ck_assert_uint_eq(g->resync, 250);
	ck_assert_uint_eq(g->retransmit_retries, 30);
	ck_assert_uint_eq(g->retransmit_min_s, 2);
	ck_assert_uint_eq(g->retransmit_max_s, 4);
	ck_assert_uint_eq(g->setup_timeout_s, 60);
	ck_assert_uint_eq(g->session_limit, 500);
	ck_assert_uint_eq(g->no_session_s, 300);
	ck_assert_uint_eq(g->initial_retries, 3);
	ck_assert_uint_eq(g->initial_min_s, 2);
	ck_assert_uint_eq(g->initial_max_s, 5);
	ck_assert_int_eq(g->address_change, L2TP_PEER_CHANGE_REJECT);
	ck_assert(g->tie_break && g->hide && g->hide_setup);
	ck_assert_int_eq(g->limit_code, CONFIG_LIMIT_DIRECTED);
	ck_assert_str_eq(g->limit_redirect, "192.0.2.7, [2001:db8::7]");
	ck_assert(c->softshut && c->adjust_mss);
	ck_assert_uint_eq(c->session_limit, 7000);
	ck_assert_uint_eq(c->history_size, 20);
	ck_assert_int_eq(c->limit_code, CONFIG_LIMIT_TRY_ANOTHER);
	ck_assert_str_eq(c->limit_redirect, "192.0.2.8");
	ck_assert_uint_eq(c->max_starting, 400);
	ck_assert_uint_eq(c->max_starting_peer, 40);
	ck_assert_uint_eq(c->max_tunnels_starting, 300);
	ck_assert_uint_eq(c->max_tunnels_starting_peer, 30);
	ck_assert_uint_eq(g->failover, L2TP_FAILOVER_PROTOCOL);
	ck_assert_str_eq(g->source_template, "T");
	ck_assert_uint_eq(c->failover, L2TP_FAILOVER_DISABLE);
	ck_assert_uint_eq(c->failover_recovery_ms, 30000);
	ck_assert_uint_eq(rg->vip_count, 2);
	ck_assert_uint_eq(rg->vips[1].prefix_len, 64);
	ck_assert_str_eq(rg->vips[0].ifname, "eth0");
	ck_assert_uint_eq(rg->local.port, 1702);
	ck_assert_uint_eq(rg->peer.port, 1800);
	ck_assert_uint_eq(rg->key_len, 16);
	ck_assert_uint_eq(rg->key[15], 15);
	ck_assert(rg->tunnel_first == 100 && rg->tunnel_last == 30000);
	ck_assert(!rg->hot && rg->detector == CONFIG_DETECTOR_NONE);
	ck_assert_uint_eq(rg->priority, 200);
	ck_assert_uint_eq(rg->heartbeat_ms, 100);
	ck_assert_uint_eq(rg->dead_ms, 500);
	ck_assert_uint_eq(rg->lease_ms, 400);
	ck_assert_uint_eq(rg->startup_ms, 1500);
	ck_assert_uint_eq(rg->commit_timeout_ms, 30);
	ck_assert_msg(!config_check(c, error), "%s", error);
	config_free(c);
}
END_TEST

START_TEST(defaults)
{
	struct config *c = parse("interface virtual-template 7\nvpdn-group x\nredundancy\n group r\n");
	const struct config_vpdn_group *g = c->vpdn_groups;
	const struct config_redundancy_group *r = c->redundancy_groups;

	ck_assert(!c->vpdn_enable && c->l2tp_sso && c->mode_sso);
	ck_assert_uint_eq(c->vtemplates->mtu, 1460);
	ck_assert_uint_eq(c->vtemplates->keepalive_s, 30);
	ck_assert_uint_eq(c->vtemplates->keepalive_retries, 4);
	ck_assert_uint_eq(g->hello_s, 60);
	ck_assert_uint_eq(g->receive_window, 20);
	ck_assert_uint_eq(g->resync, 16);
	ck_assert_uint_eq(g->retransmit_retries, 10);
	ck_assert_uint_eq(g->retransmit_min_s, 1);
	ck_assert_uint_eq(g->retransmit_max_s, 8);
	ck_assert_uint_eq(g->setup_timeout_s, 10);
	ck_assert(g->tunnel_auth && g->sso && !g->accept_dialin);
	ck_assert_uint_eq(g->failover, L2TP_FAILOVER_UNSET);
	ck_assert_uint_eq(c->failover, L2TP_FAILOVER_SILENT);
	ck_assert_uint_eq(c->failover_recovery_ms, 900000);
	ck_assert(r->hot && r->detector == CONFIG_DETECTOR_BUILTIN);
	ck_assert_uint_eq(r->priority, 100);
	ck_assert_uint_eq(r->heartbeat_ms, 200);
	ck_assert_uint_eq(r->dead_ms, 1000);
	ck_assert_uint_eq(r->lease_ms, 1000);
	ck_assert_uint_eq(r->commit_timeout_ms, 20);
	ck_assert_uint_eq(r->startup_ms, 3000);
	config_free(c);
}
END_TEST

START_TEST(no_and_default_forms)
{
	struct config *c = parse("no l2tp sso enable\nvpdn-group a\n no sso enable\n l2tp tunnel hello 5\n"
				 " no l2tp tunnel hello\n l2tp tunnel resync 99\n default l2tp tunnel resync 99\n"
				 " l2tp tunnel password x\n no l2tp tunnel password\n"
				 "interface virtual-template 1\n no keepalive\n"
				 "username u password p\nno username u\nvpdn-group b\nno vpdn-group b\n"
				 "vpdn enable\ndefault vpdn enable\n");

	ck_assert(!c->l2tp_sso && !c->vpdn_groups->sso && !c->vpdn_enable);
	ck_assert_uint_eq(c->vpdn_groups->hello_s, 60);
	ck_assert_uint_eq(c->vpdn_groups->resync, 16);
	ck_assert_str_eq(c->vpdn_groups->tunnel_password, "");
	ck_assert_uint_eq(c->vtemplates->keepalive_s, 0);
	ck_assert_ptr_null(c->users);
	ck_assert_ptr_null(c->vpdn_groups->next);
	config_free(c);
}
END_TEST

static const struct {
	const char *line;
	enum config_detector detector;
} detectors[] = {
	{ "", CONFIG_DETECTOR_BUILTIN },
	{ "detector builtin\n", CONFIG_DETECTOR_BUILTIN },
	{ "detector keepalived\n", CONFIG_DETECTOR_KEEPALIVED },
	{ "detector pacemaker\n", CONFIG_DETECTOR_PACEMAKER },
	{ "detector none\n", CONFIG_DETECTOR_NONE },
	{ "no detector\n", CONFIG_DETECTOR_NONE },
	{ "no detector\ndefault detector\n", CONFIG_DETECTOR_BUILTIN },
};

START_TEST(who_decides)
{
	char text[256];
	struct config *c;

	snprintf(text, sizeof(text), "redundancy\n group r\n%s", detectors[_i].line);
	c = parse(text);
	ck_assert_uint_eq(c->redundancy_groups->detector, detectors[_i].detector);
	config_free(c);
}
END_TEST

START_TEST(where_keepalived_is)
{
	struct config *c = parse("redundancy\n group r\n  detector keepalived\n  keepalived fifo /run/k.fifo\n"
				 "  keepalived instance VI_1\n  track-file /run/l2tpha/track\n");
	const struct config_redundancy_group *r = c->redundancy_groups;
	char *text = config_print(c, 0);

	ck_assert_str_eq(r->keepalived_fifo, "/run/k.fifo");
	ck_assert_str_eq(r->keepalived_instance, "VI_1");
	ck_assert_str_eq(r->track_file, "/run/l2tpha/track");
	ck_assert_str_eq(config_detector_name(r->detector), "keepalived");
	ck_assert_ptr_nonnull(strstr(text, "  detector keepalived\n  keepalived fifo /run/k.fifo\n"
					   "  keepalived instance VI_1\n  track-file /run/l2tpha/track\n"));
	free(text);
	config_free(c);
}
END_TEST

/* Unset is not disable: the group's word, the template's, the global one, the default. */
static const struct {
	const char *global, *unnamed, *named, *group;
	enum l2tp_failover want;
} failovers[] = {
	{ "", NULL, NULL, "", L2TP_FAILOVER_SILENT },
	{ "l2tp failover-resync disable\n", NULL, NULL, "", L2TP_FAILOVER_DISABLE },
	{ "l2tp failover-resync disable\nno l2tp failover-resync\n", NULL, NULL, "", L2TP_FAILOVER_SILENT },
	{ "l2tp failover-resync failover-protocol\n", NULL, NULL, "failover-resync disable\n", L2TP_FAILOVER_DISABLE },
	{ "", NULL, NULL, "failover-resync disable\n", L2TP_FAILOVER_DISABLE },
	{ "", NULL, NULL, "failover-resync disable\nno failover-resync\n", L2TP_FAILOVER_SILENT },
	{ "", NULL, NULL, "l2tp failover-resync failover-protocol\n", L2TP_FAILOVER_PROTOCOL },
	{ "l2tp failover-resync disable\n", "l2tp failover-resync failover-protocol-f\n", NULL, "",
	  L2TP_FAILOVER_PROTOCOL_SILENT },
	{ "", "failover-resync disable\n", NULL, "failover-resync silent-failover\n", L2TP_FAILOVER_SILENT },
	{ "", "failover-resync disable\n", "failover-resync failover-protocol\n", "", L2TP_FAILOVER_PROTOCOL },
	{ "l2tp failover-resync failover-protocol\n", "failover-resync disable\n", "", "", L2TP_FAILOVER_PROTOCOL },
};

START_TEST(failover_methods)
{
	struct config_vpdn_group e;
	char text[1024];
	struct config *c;

	snprintf(text, sizeof(text), "%s%s%s%s%s%svpdn-group g\n%s%s", failovers[_i].global,
		 failovers[_i].unnamed ? "vpdn-template\n" : "", failovers[_i].unnamed ? failovers[_i].unnamed : "",
		 failovers[_i].named ? "vpdn-template t\n" : "", failovers[_i].named ? failovers[_i].named : "", "",
		 failovers[_i].named ? "source vpdn-template t\n" : "", failovers[_i].group);
	c = parse(text);
	config_vpdn_group_effective(c, c->vpdn_groups, &e);
	ck_assert_msg(e.failover == failovers[_i].want, "%s\ngot %s", text, config_failover_name(e.failover));
	config_free(c);
}
END_TEST

START_TEST(templates)
{
	struct config *c = parse("vpdn-template big\n l2tp tunnel resync 250\n l2tp tunnel retransmit retries 30\n"
				 " l2tp tunnel retransmit timeout min 8\n no sso enable\n l2tp tunnel password t\n"
				 "vpdn-group a\n source vpdn-template big\n l2tp tunnel resync 16\n sso enable\n"
				 "vpdn-group b\n source vpdn-template big\n"
				 "vpdn-group c\n l2tp tunnel hello 5\n");
	struct config_vpdn_group a, b, n;
	char *text = config_print(c, 0), error[256] = "";

	config_vpdn_group_effective(c, config_vpdn_group_find(c, "a"), &a);
	config_vpdn_group_effective(c, config_vpdn_group_find(c, "b"), &b);
	config_vpdn_group_effective(c, config_vpdn_group_find(c, "c"), &n);
	ck_assert_uint_eq(a.resync, 16);		/* the default, but the group's own word */
	ck_assert(a.sso && !b.sso && n.sso);
	ck_assert_uint_eq(b.resync, 250);
	ck_assert_uint_eq(n.resync, 16);
	ck_assert_uint_eq(a.retransmit_retries, 30);
	ck_assert_uint_eq(b.retransmit_min_s, 8);
	ck_assert_str_eq(a.tunnel_password, "t");
	ck_assert_uint_eq(a.hello_s, 60);
	ck_assert_uint_eq(n.hello_s, 5);
	ck_assert_str_eq(text, "!\nvpdn-template big\n l2tp tunnel password 0 <hidden>\n l2tp tunnel resync 250\n"
			       " l2tp tunnel retransmit retries 30\n l2tp tunnel retransmit timeout min 8\n"
			       " no sso enable\n!\n"
			       "vpdn-group a\n source vpdn-template big\n l2tp tunnel resync 16\n sso enable\n!\n"
			       "vpdn-group b\n source vpdn-template big\n!\n"
			       "vpdn-group c\n l2tp tunnel hello 5\n!\n");
	ck_assert_int_eq(config_check(c, error), 0);
	free(text);
	config_free(c);
}
END_TEST

/* Group over template over global, and a default that is stated over another's word. */
START_TEST(limit_codes)
{
	struct config *c = parse("vpdn limit-code temporary\nvpdn limit-redirect 192.0.2.1\n"
				 "vpdn-template t\n limit-code directed\n l2tp tunnel timeout no-session 30\n l2tp hidden\n"
				 " l2tp tunnel password x\n"
				 "vpdn-group a\n source vpdn-template t\n limit-code resources\n limit-redirect 2001:db8::1 192.0.2.2\n"
				 " l2tp tunnel timeout no-session never\n no l2tp hidden\n"
				 "vpdn-group b\n source vpdn-template t\nvpdn-group c\n"
				 "vpdn-group d\n source vpdn-template t\n limit-code resources\n default limit-code\n"
				 " no limit-redirect\n");
	char *text = config_print(c, CONFIG_PRINT_SECRETS), *all = config_print(c, CONFIG_PRINT_SECRETS | CONFIG_PRINT_ALL);
	struct config *again = parse(text), *full_again = parse(all);
	struct config_vpdn_group a, b, n, d;

	for (int i = 0; i < 3; i++) {
		const struct config *of = i == 0 ? c : i == 1 ? again : full_again;

		config_vpdn_group_effective(of, config_vpdn_group_find(of, "a"), &a);
		config_vpdn_group_effective(of, config_vpdn_group_find(of, "b"), &b);
		config_vpdn_group_effective(of, config_vpdn_group_find(of, "c"), &n);
		config_vpdn_group_effective(of, config_vpdn_group_find(of, "d"), &d);
		ck_assert_int_eq(a.limit_code, CONFIG_LIMIT_RESOURCES);
		ck_assert_str_eq(a.limit_redirect, "[2001:db8::1], 192.0.2.2");
		ck_assert_uint_eq(a.no_session_s, 0);
		ck_assert(!a.hide && b.hide && !n.hide);
		ck_assert_int_eq(b.limit_code, CONFIG_LIMIT_DIRECTED);
		ck_assert_str_eq(b.limit_redirect, "192.0.2.1");
		ck_assert_uint_eq(b.no_session_s, 30);
		ck_assert_int_eq(n.limit_code, CONFIG_LIMIT_TEMPORARY);
		ck_assert_int_eq(d.limit_code, CONFIG_LIMIT_DIRECTED);
	}
	ck_assert_ptr_nonnull(strstr(text, " limit-redirect 2001:db8::1 192.0.2.2\n"));
	ck_assert_ptr_nonnull(strstr(text, " l2tp tunnel timeout no-session never\n"));
	ck_assert_ptr_nonnull(strstr(text, "vpdn limit-code temporary\n"));
	free(text);
	free(all);
	config_free(c);
	config_free(again);
	config_free(full_again);
}
END_TEST

START_TEST(users_by_name)
{
	struct config *c = parse("username a password 1\nusername b password 2\nusername c password 3\n"
				 "username a password 4\nno username c\nno username none\nusername d password 5\n"
				 "no username b\n");

	ck_assert_str_eq(config_user_find(c, "a")->password, "4");
	ck_assert_str_eq(config_user_find(c, "d")->password, "5");
	ck_assert_ptr_null(config_user_find(c, "b"));
	ck_assert_ptr_null(config_user_find(c, "c"));
	ck_assert_str_eq(c->users->name, "a");
	ck_assert_str_eq(c->users->next->name, "d");
	ck_assert_ptr_null(c->users->next->next);
	config_free(c);
}
END_TEST

/* IOS: a line the submode does not know belongs to the mode around it. */
START_TEST(falls_back_to_the_parent_mode)
{
	struct config *c = parse("vpdn-group a\n accept-dialin\n  protocol l2tp\n  sso enable\n no sso enable\n"
				 "username u password p\nredundancy\ngroup g\npriority 5\nmode sso\n"
				 "vpdn-group a\nexit\nhostname h\n");

	ck_assert(!c->vpdn_groups->sso && c->vpdn_groups->protocol_l2tp);
	ck_assert_ptr_nonnull(c->users);
	ck_assert_uint_eq(c->redundancy_groups->priority, 5);
	ck_assert_str_eq(c->hostname, "h");
	config_free(c);
}
END_TEST

START_TEST(abbreviations)
{
	struct config *c = parse("vpdn en\nint virt 3\n ip addr 10.0.0.1\nvpdn-g z\n l2 tun resy 4\n");

	ck_assert(c->vpdn_enable);
	ck_assert_uint_eq(c->vtemplates->number, 3);
	ck_assert_uint_eq(c->vpdn_groups->resync, 4);
	config_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} refused[] = {
	{ "\n\nbogus 1\n", "t:3: refused 'bogus': expected one of hostname, enable, vpdn, l2tp, username" },
	{ "vpdn-group g\n l2tp tunnel hello 1001\n", "t:2: refused '1001': expected <0-1000> seconds" },
	{ "vpdn-group g\n l2tp tunnel hello\n", "t:2: incomplete: expected <0-1000>" },
	{ "vpdn-group g\n l2tp tunnel resync 0\n", "t:2: refused '0': expected <1-1000>" },
	{ "vpdn-group g\n l2tp tunnel r 4\n", "t:2: refused 'r': ambiguous, could be receive-window, resync, retransmit" },
	{ "vpdn enable now\n", "t:1: refused 'now': expected end of line" },
	{ "ip local pool P 10.0.0.9 10.0.0.1\n", "t:1: refused '10.0.0.1': expected an address from 10.0.0.9 on" },
	{ "ip local pool P 10.0.0.0 11.0.0.0\n", "t:1: refused '11.0.0.0': expected an address from" },
	{ "ip local pool P 10.0.0\n", "t:1: refused '10.0.0': expected <A.B.C.D>" },
	{ "username u password 0 <hidden>\n", "t:1: refused '<hidden>': expected <password" },
	{ "no mtu\n", "t:1: refused 'mtu'" },
	{ "redundancy\n group g\n  pre-shared-key 0 0011\n", "t:3: refused '0011': expected <key, 16-64 octets" },
	{ "redundancy\n group g\n  pre-shared-key file key\n", "t:3: refused 'key': expected </PATH>" },
	{ "redundancy\n group g\n  virtual-address 1.2.3.4/33 interface e\n", "t:3: refused '1.2.3.4/33'" },
	{ "redundancy\n group g\n  standby cold\n", "t:3: refused 'cold': expected one of hot, warm" },
	{ "l2tp failover-resync loud\n", "t:1: refused 'loud': expected one of disable, failover-protocol" },
	{ "l2tp failover recovery-time 86400001\n", "t:1: refused '86400001': expected <0-86400000>" },
	{ "vpdn-group g\n failover-resync\n", "t:2: incomplete: expected one of disable" },
	{ "redundancy\n group g\n  detector carp\n", "t:3: refused 'carp': expected one of builtin, keepalived" },
	{ "redundancy\n group g\n  keepalived fifo k\n", "t:3: refused 'k': expected </PATH>" },
	{ "vpdn-template t\n session-limit 4\n", "t:2: refused 'session-limit'" },
	{ "vpdn history failure table-size 51\n", "t:1: refused '51': expected <20-50>" },
	{ "vpdn session-limit 131073\n", "t:1: refused '131073': expected <1-131072>" },
	{ "vpdn max-starting 0\n", "t:1: refused '0': expected one of <1-65535> number, per-peer, tunnels" },
	{ "vpdn limit-code busy\n", "t:1: refused 'busy': expected one of resources, try-another, directed, temporary" },
	{ "vpdn-group g\n limit-redirect lns2\n", "t:2: refused 'lns2': expected <A.B.C.D or X:X::X>" },
	{ "vpdn-group g\n l2tp tunnel timeout no-session 86401\n", "t:2: refused '86401': expected one of <1-86400> seconds" },
	{ "vpdn-group g\n l2tp tunnel address-change no\n", "t:2: refused 'no': expected one of port, accept, ignore" },
	{ "vpdn-group g\n l2tp tunnel retransmit initial timeout max 9\n", "t:2: refused '9': expected <1-8>" },
	{ "hostname \"x\n", "t:1: refused: a quotation mark is missing" },
	{ "hostname a\tb\n", "t:1: refused 'b': expected end of line" },
	{ "hostname a\001\n", "t:1: refused 'a.': expected <name" },
};

START_TEST(refuses_with_file_and_line)
{
	char error[256] = "";

	ck_assert_ptr_null(config_parse("t", refused[_i].text, error));
	ck_assert_msg(!strncmp(error, refused[_i].error, strlen(refused[_i].error)), "got: %s", error);
	ck_assert_ptr_null(strchr(error, '\n'));
}
END_TEST

START_TEST(refuses_long_lines)
{
	char error[256], text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_ptr_null(config_parse("t", text, error));
	ck_assert_str_eq(error, "t:1: refused: line longer than 1023 characters");
}
END_TEST

/* What is printed parses to what was printed, with and without the defaults. */
START_TEST(prints_what_parses)
{
	unsigned flags = CONFIG_PRINT_SECRETS | (_i ? CONFIG_PRINT_ALL : 0);
	struct config *c = parse(full), *again;
	char *one = config_print(c, flags), *two;

	again = parse(one);
	two = config_print(again, flags);
	ck_assert_str_eq(one, two);
	ck_assert_ptr_nonnull(strstr(one, "username \"bob smith\" password 0 \"two words\" address 10.9.9.9\n"));
	ck_assert_ptr_nonnull(strstr(one, " l2tp tunnel password 0 tunnelsecret\n"));
	ck_assert_ptr_nonnull(strstr(one, "  pre-shared-key 0 000102030405060708090a0b0c0d0e0f\n"));
	free(one);
	free(two);
	config_free(c);
	config_free(again);
}
END_TEST

START_TEST(hides_defaults_and_secrets)
{
	struct config *c = parse(full);
	char *text = config_print(c, 0), *all = config_print(c, CONFIG_PRINT_ALL);

	ck_assert_ptr_null(strstr(text, "sso enable"));
	ck_assert_ptr_null(strstr(text, "l2tp tunnel authentication"));
	ck_assert_ptr_nonnull(strstr(all, "\nl2tp sso enable\n"));
	ck_assert_ptr_nonnull(strstr(all, "\n sso enable\n"));
	ck_assert_ptr_nonnull(strstr(text, "username alice password 0 <hidden>\n"));
	ck_assert_ptr_null(strstr(text, "secret1"));
	ck_assert_ptr_null(strstr(all, "tunnelsecret"));
	ck_assert_ptr_null(strstr(all, "00010203"));
	free(text);
	free(all);
	config_free(c);

	c = parse("no l2tp sso enable\nvpdn-group a\n no sso enable\n");
	text = config_print(c, 0);
	ck_assert_str_eq(text, "no l2tp sso enable\n!\nvpdn-group a\n no sso enable\n!\n");
	free(text);
	config_free(c);
}
END_TEST

static void digest_of(const char *text, uint8_t digest[16])
{
	struct config *c = parse(text);

	config_digest(c, digest);
	config_free(c);
}

START_TEST(digest_is_of_what_must_be_equal)
{
	static const char a[] = "hostname a\nusername u password p\nusername v password q\n"
				"vpdn-group 1\n source-ip 10.0.0.1\nredundancy\n group g\n  priority 1\n"
				"  virtual-address 10.0.0.1/24 interface eth0\n  local address 10.1.0.1\n";
	static const char b[] = "hostname b\nusername v password q\nusername u password p\n"
				"vpdn-group 1\n source-ip 10.0.0.2\nredundancy\n group g\n  priority 2\n"
				"  virtual-address 10.0.0.1/24 interface eth9\n  local address 10.1.0.2\n";
	static const char c[] = "hostname b\nusername v password q\nusername u password r\n"
				"vpdn-group 1\n source-ip 10.0.0.2\nredundancy\n group g\n  priority 2\n"
				"  virtual-address 10.0.0.1/24 interface eth9\n  local address 10.1.0.2\n";
	uint8_t da[16], db[16], dc[16];

	digest_of(a, da);
	digest_of(b, db);
	digest_of(c, dc);
	ck_assert_mem_eq(da, db, 16);
	ck_assert_mem_ne(da, dc, 16);
	/* a default that is said is none the less the default, but not over a template */
	digest_of("l2tp failover-resync silent-failover\nvpdn-group 1\n l2tp tunnel hello 60\n", da);
	digest_of("vpdn-group 1\n", db);
	ck_assert_mem_eq(da, db, 16);
	digest_of("vpdn-template\n l2tp tunnel hello 9\nvpdn-group 1\n l2tp tunnel hello 60\n", da);
	digest_of("vpdn-template\n l2tp tunnel hello 9\nvpdn-group 1\n", db);
	ck_assert_mem_ne(da, db, 16);
}
END_TEST

#define VT "interface virtual-template 1\n ip address 10.0.0.1\n"
#define RG "redundancy\n group g\n  virtual-address 192.0.2.1/24 interface e\n  local address 10.1.1.1\n" \
	   "  peer address 10.1.1.2\n  pre-shared-key 0 000102030405060708090a0b0c0d0e0f\n"

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "interface virtual-template 1\n", "ip address is missing" },
	{ VT " peer default ip address pool P\n", "no ip local pool P" },
	{ VT "ip local pool P 10.0.0.1 10.0.0.9\n", "also in ip local pool P" },
	{ "ip local pool P 10.0.0.1 10.0.0.9\nip local pool Q 10.0.0.9 10.0.0.19\n", "addresses in common" },
	{ VT "vpdn-group g\n accept-dialin\n  virtual-template 1\n", "protocol l2tp is missing" },
	{ VT "vpdn-group g\n accept-dialin\n  protocol l2tp\n", "virtual-template is missing" },
	{ VT "vpdn-group g\n accept-dialin\n  protocol l2tp\n  virtual-template 2\n", "no interface virtual-template 2" },
	{ VT "vpdn-group g\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n", "password is missing" },
	{ "vpdn-group g\n l2tp tunnel retransmit timeout min 8\n l2tp tunnel retransmit timeout max 2\n", "min 8 is more" },
	{ "vpdn-template t\n l2tp tunnel retransmit timeout min 8\nvpdn-group g\n source vpdn-template t\n"
	  " l2tp tunnel retransmit timeout max 2\n", "min 8 is more" },
	{ "vpdn-group g\n source vpdn-template t\n", "there is no vpdn-template t" },
	{ "redundancy\n group g\n  local address 10.1.1.1\n", "virtual-address is missing" },
	{ "redundancy\n group g\n  virtual-address 192.0.2.1/24 interface e\n  local address 10.1.1.1\n", "peer address is missing" },
	{ RG "  no pre-shared-key\n", "pre-shared-key is missing" },
	{ RG "  timers lease 2000\n", "both nodes could speak" },
	{ RG "  tunnel-ids 1 100\n group h\n  virtual-address 192.0.2.9/24 interface e\n", "tunnel-ids is missing, g has it" },
	{ RG "  tunnel-ids 1 100\n group h\n  virtual-address 192.0.2.9/24 interface e\n  tunnel-ids 100 200\n",
	  "tunnel-ids in common" },
	{ RG "  detector keepalived\n", "keepalived fifo is missing" },
	{ RG "  keepalived fifo /run/f\n", "two cannot decide" },
	{ RG "  timers heartbeat 500 dead 1000\n", "less than three heartbeats" },
	{ RG " group h\n  virtual-address 192.0.2.1/24 interface e\n", "virtual-address in common" },
};

/* What both boxes compute must not depend on where the group stands in the list of one of them. */
START_TEST(tunnel_ids_of_groups)
{
	static const char two[] = RG " group h\n  virtual-address 192.0.2.9/24 interface e\n";
	uint16_t first, last;
	char error[256] = "";
	struct config *c = config_parse("f", "hostname x\n", error);

	config_tunnel_ids(c, 0, &first, &last);
	ck_assert(first == 1 && last == 65535);
	config_free(c);
	c = config_parse("f", two, error);
	ck_assert_msg(c, "%s", error);
	config_tunnel_ids(c, 0, &first, &last);
	ck_assert(first == 1 && last == 32767);
	config_tunnel_ids(c, 1, &first, &last);
	ck_assert(first == 32768 && last == 65535);
	config_free(c);
	c = config_parse("f", RG "  tunnel-ids 40000 50000\n", error);
	ck_assert_msg(c, "%s", error);
	config_tunnel_ids(c, 0, &first, &last);
	ck_assert(first == 40000 && last == 50000);
	config_free(c);
	ck_assert_ptr_null(config_parse("f", RG "  tunnel-ids 9 5\n", error));
	ck_assert_ptr_nonnull(strstr(error, "expected a number from 9 on"));
}
END_TEST

START_TEST(cross_checks)
{
	struct config *c = parse(wrong[_i].text);
	char error[256] = "";

	ck_assert_int_ne(config_check(c, error), 0);
	ck_assert_msg(strstr(error, wrong[_i].error) != NULL, "got: %s", error);
	config_free(c);
}
END_TEST

/* The manual names every command, with its default where that is a number. */
START_TEST(manual)
{
	FILE *file = fopen("man/l2tpha.conf.5", "re");
	char page[65536] = "", plain[65536], keywords[64];
	size_t n = 0;

	ck_assert_msg(file != NULL, "run it at the top of the source tree");
	ck_assert_uint_gt(fread(page, 1, sizeof(page) - 1, file), 1000);
	fclose(file);
	for (const char *p = page; *p; p++) {	/* without the macros that stand between words */
		if (!strncmp(p, "Bro Ic ", 7))
			p += 6;
		else
			plain[n++] = *p;
	}
	plain[n] = '\0';
	for (size_t i = 0; i < config_grammar.count; i++) {
		const struct config_command *c = (const struct config_command *)config_grammar.commands + i;
		const char *entry, *value;
		size_t len = strcspn(c->g.syntax, "~[{ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		while (len && c->g.syntax[len - 1] == ' ')
			len--;
		snprintf(keywords, sizeof(keywords), "Ic %.*s", (int)len, c->g.syntax);
		if (strstr(keywords, "retransmit timeout m"))
			snprintf(keywords, sizeof(keywords), "Ic l2tp tunnel retransmit timeout");
		entry = strstr(plain, keywords);
		ck_assert_msg(entry != NULL, "%s: not in l2tpha.conf(5)", keywords);
		if (c->kind == SETTING_CHOICE && *c->choices[c->def])
			snprintf(keywords, sizeof(keywords), "%s", c->choices[c->def]);
		else if (c->kind == SETTING_FLAG && strcmp(c->g.syntax, "protocol l2tp ~"))
			snprintf(keywords, sizeof(keywords), "%s", c->def ? "on" : "off");
		else if (c->def && (c->kind == SETTING_U8 || c->kind == SETTING_U16 || c->kind == SETTING_U32))
			snprintf(keywords, sizeof(keywords), "%llu", (unsigned long long)c->def);
		else
			continue;
		value = strstr(entry, "Default: ");
		ck_assert_msg(value && strstr(value, keywords) && strstr(value, keywords) < strchr(value, '\n'),
			      "%s: default %s is not what l2tpha.conf(5) says", c->g.syntax, keywords);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, reads_every_field);
	tcase_add_test(tc, tunnel_ids_of_groups);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, no_and_default_forms);
	tcase_add_loop_test(tc, who_decides, 0, sizeof(detectors) / sizeof(detectors[0]));
	tcase_add_test(tc, where_keepalived_is);
	tcase_add_loop_test(tc, failover_methods, 0, sizeof(failovers) / sizeof(failovers[0]));
	tcase_add_test(tc, templates);
	tcase_add_test(tc, limit_codes);
	tcase_add_test(tc, users_by_name);
	tcase_add_test(tc, falls_back_to_the_parent_mode);
	tcase_add_test(tc, abbreviations);
	tcase_add_loop_test(tc, refuses_with_file_and_line, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, refuses_long_lines);
	tcase_add_loop_test(tc, prints_what_parses, 0, 2);
	tcase_add_test(tc, hides_defaults_and_secrets);
	tcase_add_test(tc, digest_is_of_what_must_be_equal);
	tcase_add_test(tc, manual);
	tcase_add_loop_test(tc, cross_checks, 0, sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
