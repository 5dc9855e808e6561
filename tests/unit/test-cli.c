// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions of the command line on a real pair: levels and passwords, prompts,
 * the configuration changed line by line, what a change leaves as it is, what
 * is refused, the file.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/config_change.h"
#include "daemon/grammar_config.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static struct show_context context;
static char *saved;
static const char *startup;

static uint64_t clock_now(void)
{
	return now;
}

static struct config *file_load(const char *path, char error[256])
{
	struct config *config = config_parse(path, startup, error);

	if (config && config_check(config, error)) {
		config_free(config);
		config = NULL;
	}
	return config;
}

static int file_save(const char *path, const char *text, char error[256])
{
	(void)path;
	(void)error;
	free(saved);
	saved = strdup(text);
	return 0;
}

static void rig_up(void)
{
	setup();
	context = (struct show_context){ .groups = &nodes[0]->group, .group_count = 1, .config = nodes[0]->config,
					 .pools = nodes[0]->pools, .now_ms = clock_now, .path = "start.conf",
					 .load = file_load, .save = file_save };
}

static void rig_down(void)
{
	free(saved);
	saved = NULL;
	teardown();
}

/* What a line says; its code is `expected`. */
static char *say(struct cli *cli, const char *line, enum show_code expected)
{
	char *body = NULL;
	enum show_code code = cli_exec(cli, line, &body);

	ck_assert_ptr_nonnull(body);
	ck_assert_msg(code == expected, "%s: %d: %s", line, (int)code, body);
	return body;
}

static void quiet(struct cli *cli, const char *line)
{
	char *body = say(cli, line, SHOW_OK);

	ck_assert_msg(!*body, "%s: %s", line, body);
	free(body);
}

static void says(struct cli *cli, const char *line, enum show_code expected, const char *part)
{
	char *body = say(cli, line, expected);

	ck_assert_msg(strstr(body, part) != NULL, "%s: no \"%s\" in\n%s", line, part, body);
	free(body);
}

static void prompt_is(const struct cli *cli, const char *prompt)
{
	char *text = cli_prompt(cli);

	ck_assert_str_eq(text, prompt);
	free(text);
}

/* S65..S72 */
START_TEST(modes_and_prompts)
{
	struct cli *cli = cli_new(&context, true);

	cli_shell(cli);
	prompt_is(cli, "lns-a> ");
	quiet(cli, "enable");
	prompt_is(cli, "lns-a# ");
	says(cli, "configure terminal", SHOW_OK, "Enter configuration commands, one per line.  End with end.");
	prompt_is(cli, "lns-a(config)# ");
	quiet(cli, "vpdn enable");
	quiet(cli, "redundancy");
	prompt_is(cli, "lns-a(config-red)# ");
	quiet(cli, "mode sso");
	quiet(cli, "group one");
	prompt_is(cli, "lns-a(config-red-group)# ");
	quiet(cli, "exit");
	prompt_is(cli, "lns-a(config-red)# ");
	quiet(cli, "exit");
	prompt_is(cli, "lns-a(config)# ");
	quiet(cli, "vpdn-group G");
	prompt_is(cli, "lns-a(config-vpdn)# ");
	quiet(cli, "accept-dialin");
	prompt_is(cli, "lns-a(config-vpdn-acc-in)# ");
	quiet(cli, "vpdn-template T");
	prompt_is(cli, "lns-a(config-vpdn-templ)# ");
	quiet(cli, "interface virtual-template 1");
	prompt_is(cli, "lns-a(config-if)# ");
	says(cli, "do show version", SHOW_OK, "l2tphad ");
	prompt_is(cli, "lns-a(config-if)# ");
	says(cli, "hostname lns-new", SHOW_OK, "");
	prompt_is(cli, "lns-new(config)# ");
	quiet(cli, "end");
	prompt_is(cli, "lns-new# ");
	quiet(cli, "disable");
	prompt_is(cli, "lns-new> ");
	free(say(cli, "exit", SHOW_BYE));
	cli_free(cli);
}
END_TEST

START_TEST(looking_is_not_configuring)
{
	struct cli *cli = cli_new(&context, false);

	cli_shell(cli);
	free(say(cli, "show redundancy", SHOW_OK));
	says(cli, "configure terminal", SHOW_ROLE, "%Refused: needs the privileged mode: enable\n");
	says(cli, "show running-config", SHOW_ROLE, "enable");
	says(cli, "redundancy promote", SHOW_ROLE, "enable");
	says(cli, "bogus", SHOW_USAGE, "refused 'bogus'");
	cli_free(cli);
}
END_TEST

static void password_is(struct cli *cli, const char *text, enum show_code expected)
{
	char *body = NULL;
	enum show_code code = cli_password(cli, text, &body);

	ck_assert_msg(code == expected, "%s: %d: %s", text, (int)code, body);
	free(body);
}

START_TEST(passwords)
{
	struct cli *cli;

	snprintf(context.config->enable_password, sizeof(context.config->enable_password), "weak");
	cli = cli_new(&context, false);
	ck_assert_int_eq(cli_level(cli), CLI_USER);	/* not even without a shell */
	password_is(cli, "weak", SHOW_ROLE);		/* nobody asked */
	says(cli, "enable", SHOW_PASSWORD, "Password: ");
	password_is(cli, "wea", SHOW_PASSWORD);
	password_is(cli, "", SHOW_PASSWORD);
	password_is(cli, "weakweak", SHOW_ROLE);	/* the third */
	password_is(cli, "weak", SHOW_ROLE);
	free(say(cli, "enable", SHOW_PASSWORD));
	free(say(cli, "show version", SHOW_OK));	/* something else was typed */
	password_is(cli, "weak", SHOW_ROLE);
	free(say(cli, "enable", SHOW_PASSWORD));
	password_is(cli, "weak", SHOW_OK);
	ck_assert_int_eq(cli_level(cli), CLI_PRIVILEGED);
	cli_free(cli);

	snprintf(context.config->enable_secret, sizeof(context.config->enable_secret), "strong");
	cli = cli_new(&context, false);
	free(say(cli, "enable", SHOW_PASSWORD));
	password_is(cli, "weak", SHOW_PASSWORD);
	password_is(cli, "strong", SHOW_OK);
	cli_free(cli);

	cli = cli_new(&context, true);			/* the superuser */
	ck_assert_int_eq(cli_level(cli), CLI_PRIVILEGED);
	cli_shell(cli);
	quiet(cli, "enable");
	ck_assert_int_eq(cli_level(cli), CLI_PRIVILEGED);
	cli_free(cli);
}
END_TEST

/* A group is written line by line: nothing of it is in force before it fits together. */
START_TEST(group_takes_shape)
{
	struct cli *cli = cli_new(&context, true);

	free(say(cli, "configure terminal", SHOW_OK));
	quiet(cli, "vpdn-group NEW");
	quiet(cli, "terminate-from hostname LAC-9");
	says(cli, "accept-dialin", SHOW_OK, "%Not in force yet: vpdn-group NEW: accept-dialin: protocol l2tp is missing\n");
	says(cli, "protocol l2tp", SHOW_OK, "%Not in force yet: vpdn-group NEW: accept-dialin: virtual-template is missing\n");
	ck_assert(!config_vpdn_group_find(context.config, "NEW")->accept_dialin);
	says(cli, "end", SHOW_ROLE, "%Refused: not in force: vpdn-group NEW: accept-dialin: virtual-template is missing (abort forgets it)\n");
	says(cli, "show version", SHOW_USAGE, "refused: outside the configuration that is a command; here: do show version\n");
	says(cli, "bogus", SHOW_USAGE, "refused 'bogus': expected one of ");
	says(cli, "virtual-template 1", SHOW_OK, "password is missing");
	says(cli, "l2tp tunnel hello 1001", SHOW_USAGE, "refused '1001': expected <0-1000> seconds");
	quiet(cli, "l2tp tunnel password secret");
	ck_assert(config_vpdn_group_find(context.config, "NEW")->accept_dialin);
	quiet(cli, "no vpdn-group NEW");
	ck_assert_ptr_null(config_vpdn_group_find(context.config, "NEW"));

	says(cli, "vpdn-group NEW", SHOW_OK, "");
	says(cli, "accept-dialin", SHOW_OK, "%Not in force yet");
	quiet(cli, "abort");
	ck_assert_int_eq(cli_level(cli), CLI_PRIVILEGED);
	ck_assert(!config_vpdn_group_find(context.config, "NEW")->accept_dialin);
	cli_free(cli);
}
END_TEST

START_TEST(one_at_a_time)
{
	struct cli *a = cli_new(&context, true), *b = cli_new(&context, true);

	free(say(a, "configure terminal", SHOW_OK));
	says(b, "configure terminal", SHOW_ROLE, "another session is configuring");
	says(b, "copy startup-config running-config", SHOW_ROLE, "a session is configuring");
	cli_free(a);		/* it hung up */
	free(say(b, "configure terminal", SHOW_OK));
	quiet(b, "end");
	cli_free(b);
}
END_TEST

START_TEST(redundancy_needs_a_restart)
{
	struct cli *cli = cli_new(&context, true);

	free(say(cli, "configure terminal", SHOW_OK));
	quiet(cli, "redundancy");
	quiet(cli, "group one");
	says(cli, "standby warm", SHOW_ROLE, "needs a restart");
	says(cli, "timers heartbeat 10 dead 30", SHOW_OK, "%Not in force yet: redundancy group one: timers: lease");
	says(cli, "timers lease 30", SHOW_ROLE, "needs a restart");
	quiet(cli, "abort");
	free(say(cli, "configure terminal", SHOW_OK));
	quiet(cli, "hostname other");	/* the refused lines left nothing behind */
	quiet(cli, "end");
	ck_assert_ptr_eq(context.config->redundancy_groups, group_redundancy(nodes[0]->group));
	ck_assert(context.config->redundancy_groups->hot);
	cli_free(cli);
}
END_TEST

/* S157, S158: a change holds for new tunnels, and says what stays. */
START_TEST(new_tunnels_only)
{
	struct cli *cli = cli_new(&context, true);
	struct l2tp_tunnel_info info;
	struct l2tp *l2tp;

	pair_up(2);
	l2tp = group_l2tp(nodes[0]->group);
	free(say(cli, "configure terminal", SHOW_OK));
	free(say(cli, "vpdn-group G", SHOW_OK));
	says(cli, "l2tp tunnel hello 7", SHOW_OK, "%vpdn-group G: changed, holds for new tunnels; 1 tunnel stays as it is\n");
	quiet(cli, "l2tp tunnel hello 7");	/* nothing changed */
	says(cli, "failover-resync disable", SHOW_OK, "1 tunnel stays as it is");
	l2tp_tunnel_info(l2tp_tunnel_find(l2tp, l2tp_tunnel_next(l2tp, 0)), &info);
	ck_assert_uint_eq(info.s.params.hello_s, 60);
	ck_assert_uint_eq(info.s.params.failover, L2TP_FAILOVER_SILENT);
	ck_assert_uint_eq(config_vpdn_group_find(context.config, "G")->hello_s, 7);
	quiet(cli, "username new password p address 10.64.0.50");
	quiet(cli, "ip local pool P 10.64.0.2 10.64.0.120");
	quiet(cli, "end");
	ck_assert(pool_taken(context.pools, htonl(0x0a400002)));	/* the subscribers kept theirs */
	run(2000);
	ck_assert_uint_eq(info.sessions, 2);
	cli_free(cli);
}
END_TEST

/* The peer is told: what differs is seen on both nodes, and that it does no longer. */
START_TEST(the_peer_is_told)
{
	struct show_context other = context;
	struct cli *clis[2];

	pair_up(1);
	other.groups = &nodes[1]->group;
	other.config = nodes[1]->config;
	other.pools = nodes[1]->pools;
	clis[0] = cli_new(&context, true);
	clis[1] = cli_new(&other, true);
	for (int n = 0; n < 2; n++) {
		says(clis[n], "show redundancy", SHOW_OK, n ? "DIFFERS" : "configuration equal");
		free(say(clis[n], "configure terminal", SHOW_OK));
		quiet(clis[n], "username carol password song");
		quiet(clis[n], "hostname renamed");	/* of one node only: no difference */
		quiet(clis[n], "end");
		run(500);
		says(clis[!n], "show redundancy", SHOW_OK, n ? "configuration equal" : "DIFFERS");
	}
	cli_free(clis[0]);
	cli_free(clis[1]);
}
END_TEST

START_TEST(file)
{
	struct cli *cli = cli_new(&context, true);
	char *text = config_print(context.config, CONFIG_PRINT_SECRETS), *more;

	free(say(cli, "configure terminal", SHOW_OK));
	quiet(cli, "username bob password builder");
	says(cli, "do write memory", SHOW_OK, "Building configuration...\n[OK]\n");
	quiet(cli, "end");
	ck_assert_ptr_nonnull(strstr(saved, "username bob password 0 builder\n"));
	free(saved);
	saved = NULL;
	says(cli, "copy running-config startup-config", SHOW_OK, "[OK]");
	ck_assert_ptr_nonnull(saved);

	startup = text;		/* as it was: bob goes */
	says(cli, "copy startup-config running-config", SHOW_OK, "%username: 0 added, 1 removed, 0 changed: changed, "
	     "holds for new sessions\n");
	ck_assert_ptr_null(config_user_find(context.config, "bob"));
	says(cli, "copy startup-config running-config", SHOW_OK, "%Nothing to change\n");
	says(cli, "show startup-config", SHOW_OK, "username alice password 0 <hidden>\n");
	startup = "bogus\n";
	says(cli, "copy startup-config running-config", SHOW_FAILED, "start.conf:1: refused 'bogus'");
	ck_assert_int_gt(asprintf(&more, "%sl2tp failover-resync disable\nredundancy\n group one\n  priority 1\n", text), 0);
	startup = more;
	says(cli, "copy startup-config running-config", SHOW_ROLE, "needs a restart");
	ck_assert_int_eq(context.config->failover, L2TP_FAILOVER_SILENT);
	free(more);
	free(text);
	cli_free(cli);
}
END_TEST

/* Says what it disturbs, does that and no more; a dry run does not even that. */
START_TEST(replaced_by_a_file)
{
	struct cli *cli = cli_new(&context, true);
	char *text = config_print(context.config, CONFIG_PRINT_SECRETS), *changed, *less, *at;
	struct l2tp_counters counters;

	pair_up(3);
	startup = text;
	says(cli, "configure replace /new.conf", SHOW_OK, "%Nothing to change\n");
	says(cli, "configure replace new.conf", SHOW_USAGE, "refused 'new.conf': expected </PATH>");
	startup = "hostname lns-a\n\nvpdn softshot\n";
	says(cli, "configure replace /new.conf", SHOW_FAILED, "%/new.conf:3: refused 'softshot'");

	ck_assert_int_gt(asprintf(&changed, "%s\nvpdn softshut\nvpdn-group G\n l2tp tunnel hello 7\n", text), 0);
	startup = changed;
	says(cli, "configure replace /new.conf --dry-run", SHOW_OK,
	     "%vpdn-group G: changed, holds for new tunnels; 1 tunnel stays as it is\n"
	     "%No tunnel and no session is disturbed\n%Dry run: nothing was done\n");
	ck_assert(!context.config->softshut);
	says(cli, "configure replace /new.conf", SHOW_OK, "%No tunnel and no session is disturbed\n");
	ck_assert(context.config->softshut);
	ck_assert_uint_eq(config_vpdn_group_find(context.config, "G")->hello_s, 7);
	l2tp_counters(group_l2tp(nodes[0]->group), &counters);
	ck_assert_uint_eq(counters.sessions, 3);

	less = strdup(text);
	at = strstr(less, "vpdn-group G");
	memcpy(at, "vpdn-group H", 12);
	startup = less;
	says(cli, "configure replace /new.conf dry-run", SHOW_OK,
	     "%vpdn-group G: 1 tunnels with 3 sessions are closed: the group is removed\n%Dry run");
	run(100);
	l2tp_counters(group_l2tp(nodes[0]->group), &counters);
	ck_assert_uint_eq(counters.sessions, 3);
	says(cli, "configure replace /new.conf", SHOW_OK, "are closed: the group is removed\n");
	run(100);
	l2tp_counters(group_l2tp(nodes[0]->group), &counters);
	ck_assert_uint_eq(counters.sessions, 0);
	ck_assert(!context.config->softshut);
	free(text);
	free(changed);
	free(less);
	cli_free(cli);
}
END_TEST

START_TEST(completion)
{
	struct cli *cli = cli_new(&context, true);
	char *text;

	cli_shell(cli);
	text = cli_complete(cli, "conf");
	ck_assert_str_eq(text, "");
	free(text);
	quiet(cli, "enable");
	text = cli_complete(cli, "conf");
	ck_assert(!strncmp(text, "configure\t", 10));
	free(text);
	free(say(cli, "configure terminal", SHOW_OK));
	free(say(cli, "vpdn-group G", SHOW_OK));
	text = cli_complete(cli, "l2tp tunnel re");
	ck_assert_ptr_nonnull(strstr(text, "resync\t"));
	ck_assert_ptr_nonnull(strstr(text, "retransmit\t"));
	free(text);
	text = cli_complete(cli, "failover-resync d");
	ck_assert(!strncmp(text, "disable\t", 8));
	free(text);
	text = cli_complete(cli, "user");		/* of the mode around it */
	ck_assert(!strncmp(text, "username\t", 9));
	free(text);
	text = cli_complete(cli, "do show red");
	ck_assert(!strncmp(text, "redundancy\t", 11));
	free(text);
	cli_free(cli);
}
END_TEST

/* `?` has something to say about every keyword, wherever it stands. */
static void help_has(struct cli *cli, const char *line, unsigned depth)
{
	char *text = cli_complete(cli, line), *rest = text, *one, longer[256];

	while ((one = strsep(&rest, "\n"))) {
		char *help = strchr(one, '\t');

		if (!help)
			continue;
		*help++ = '\0';
		ck_assert_msg(*help, "%s%s: no help", line, one);
		if (*one == '<' || !depth)
			continue;
		snprintf(longer, sizeof(longer), "%s%s ", line, one);
		help_has(cli, longer, depth - 1);
	}
	free(text);
}

START_TEST(help_for_every_keyword)
{
	static const char *const modes[] = { "redundancy", "group one", "vpdn-group G", "accept-dialin", "vpdn-template T",
					     "interface virtual-template 1" };
	struct cli *cli = cli_new(&context, true);

	help_has(cli, "", 4);
	free(say(cli, "configure terminal", SHOW_OK));
	help_has(cli, "", 3);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		free(say(cli, modes[i], SHOW_OK));
		help_has(cli, "", 4);
	}
	cli_free(cli);
}
END_TEST

/* Copies share their users until one changes them. */
START_TEST(users_of_copies)
{
	struct config *one = config_clone(context.config), *two = config_clone(one);
	struct config_change change;

	ck_assert_ptr_eq(config_user_find(one, "alice"), config_user_find(two, "alice"));
	ck_assert_ptr_nonnull(config_user_make(one, "zoe"));
	ck_assert_ptr_null(config_user_find(two, "zoe"));
	ck_assert_int_eq(config_user_remove(two, "alice"), 0);
	ck_assert_int_eq(config_user_remove(two, "nobody"), 0);
	ck_assert_ptr_nonnull(config_user_find(one, "alice"));
	ck_assert_ptr_nonnull(config_user_find(context.config, "alice"));
	ck_assert_ptr_null(two->users);
	ck_assert_int_eq(config_diff(context.config, two, &change, 1), 1);
	ck_assert_str_eq(change.what, "username: 0 added, 1 removed, 0 changed");
	ck_assert_int_eq(config_diff(one, context.config, &change, 1), 1);
	config_replace(one, two);
	ck_assert_ptr_null(config_user_find(one, "alice"));
	ck_assert_ptr_nonnull(config_user_make(one, "first"));
	ck_assert_str_eq(one->users->name, "first");
	config_free(one);
	ck_assert_str_eq(context.config->users->name, "alice");
}
END_TEST

/* What is copied is the same, and a copy of a copy is. */
START_TEST(copies)
{
	struct config *one = config_clone(context.config), *two = config_clone(one);
	char *a = config_print(context.config, CONFIG_PRINT_SECRETS), *b = config_print(two, CONFIG_PRINT_SECRETS);
	struct config_change change;

	ck_assert_str_eq(a, b);
	ck_assert_int_eq(config_diff(context.config, two, &change, 1), 0);
	snprintf(two->hostname, sizeof(two->hostname), "x");
	ck_assert_int_eq(config_diff(context.config, two, &change, 1), 2);	/* one away, one new */
	free(a);
	free(b);
	config_free(one);
	config_free(two);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tc = tcase_create("cli");

	tcase_add_checked_fixture(tc, rig_up, rig_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, modes_and_prompts);
	tcase_add_test(tc, looking_is_not_configuring);
	tcase_add_test(tc, passwords);
	tcase_add_test(tc, group_takes_shape);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, redundancy_needs_a_restart);
	tcase_add_test(tc, new_tunnels_only);
	tcase_add_test(tc, the_peer_is_told);
	tcase_add_test(tc, file);
	tcase_add_test(tc, replaced_by_a_file);
	tcase_add_test(tc, completion);
	tcase_add_test(tc, help_for_every_keyword);
	tcase_add_test(tc, users_of_copies);
	tcase_add_test(tc, copies);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
