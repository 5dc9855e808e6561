// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration of a LAC: what is read is what is printed, the `no` forms,
 * what is refused and with which words.
 */
#include "tests/unit/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/dial.h"

#define GROUP "vpdn-group UP\n request-dialin\n  protocol l2tp\n"
#define DIALER "interface dialer 7\n dialer vpdn-group UP\n"
#define REDUNDANCY "redundancy\n group one\n  virtual-address 192.0.2.1/24 interface eth0\n" \
	"  virtual-address 2001:db8::1/64 interface eth0\n  local address 10.9.9.1\n  peer address 10.9.9.2\n" \
	"  pre-shared-key 0 00112233445566778899aabbccddeeff\n"
#define SOURCE " source-ip 192.0.2.1\n no l2tp tunnel authentication\n"

static struct config *read_config(const char *text, char error[256])
{
	struct config *config = config_parse("test", text, error);

	if (config && config_check(config, error)) {
		config_free(config);
		return NULL;
	}
	return config;
}

START_TEST(read_and_printed)
{
	static const char text[] =
		GROUP "  domain isp.example\n  domain \"two words\"\n  dnis 5551234\n"
		" initiate-to ip 192.0.2.10 limit 40\n loadsharing ip 192.0.2.11\n backup ip 192.0.2.12 limit 5 priority 9\n"
		" backup ip 192.0.2.13\n source-ip 192.0.2.1\n l2tp tunnel password 0 s\n l2tp tunnel busy timeout 30\n"
		" l2tp sequencing\n"
		DIALER " no dialer persistent\n dialer redial interval 33\n dialer redial max-interval 600\n dialer max-redial 7\n interface-name up0\n ppp chap hostname me\n"
		" ppp chap password 0 secret\n ppp pap sent-username me password 0 secret\n mtu 1400\n keepalive 10 3\n shutdown\n";
	char error[256], *printed, *again;
	struct config *c = read_config(text, error), *other;
	const struct config_vpdn_group *g;

	ck_assert_msg(c != NULL, "%s", error);
	g = c->vpdn_groups;
	ck_assert(g->request_dialin && g->request_l2tp && !g->accept_dialin);
	ck_assert_uint_eq(g->peers[0].limit, 40);
	ck_assert_uint_eq(g->peers[1].priority, 1);
	ck_assert_uint_eq(g->peers[2].priority, 9);
	ck_assert_uint_eq(g->peers[3].priority, 2);
	ck_assert_uint_eq(g->busy_s, 30);
	ck_assert(g->sequencing);
	ck_assert_ptr_eq(dial_group(c, "x@two words", NULL), g);
	ck_assert_ptr_eq(config_dialer_find(c, 7), c->dialers);
	ck_assert(c->dialers->shutdown && !c->dialers->persistent);
	ck_assert_uint_eq(c->dialers->keepalive_retries, 3);
	ck_assert_uint_eq(c->dialers->redial_max_s, 600);
	ck_assert_uint_eq(c->dialers->max_redial, 7);
	printed = config_print(c, CONFIG_PRINT_SECRETS | (_i ? CONFIG_PRINT_ALL : 0));
	other = read_config(printed, error);
	ck_assert_msg(other != NULL, "%s: %s", error, printed);
	again = config_print(other, CONFIG_PRINT_SECRETS | (_i ? CONFIG_PRINT_ALL : 0));
	ck_assert_str_eq(printed, again);
	ck_assert_ptr_nonnull(strstr(printed, " initiate-to ip 192.0.2.13 priority 2\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  domain \"two words\"\n"));
	free(printed);
	free(again);
	config_free(other);
	other = read_config(text, error);
	printed = config_print(other, 0);
	ck_assert_ptr_null(strstr(printed, "secret\n"));
	ck_assert_ptr_nonnull(strstr(printed, " ppp chap password 0 <hidden>\n"));
	free(printed);
	config_free(other);
	config_free(c);
}
END_TEST

START_TEST(taken_back)
{
	char error[256], *printed;
	struct config *c = read_config(
		GROUP "  domain a\n  domain b\n  dnis 5\n  no domain a\n  no dnis 5\n  no dnis 6\n"
		" initiate-to ip 192.0.2.10\n initiate-to ip 192.0.2.11 limit 3\n no initiate-to ip 192.0.2.10\n" SOURCE
		" l2tp tunnel busy timeout 5\n no l2tp tunnel busy timeout\n l2tp sequencing\n no l2tp sequencing\n"
		"vpdn-group OFF\n request-dialin\n  protocol l2tp\n  domain x\n no request-dialin\n"
		DIALER " ppp pap sent-username a password 0 b\n no ppp pap sent-username\n no keepalive\n mtu 1400\n default mtu\n"
		"interface dialer 8\n dialer vpdn-group UP\nno interface dialer 8\n", error);

	ck_assert_msg(c != NULL, "%s", error);
	ck_assert_str_eq(c->vpdn_groups->domains[0], "b");
	ck_assert_str_eq(c->vpdn_groups->domains[1], "");
	ck_assert_str_eq(c->vpdn_groups->dnis[0], "");
	ck_assert_uint_eq(c->vpdn_groups->peers[0].limit, 3);
	ck_assert_uint_eq(c->vpdn_groups->peers[1].address.family, 0);
	ck_assert_uint_eq(c->vpdn_groups->busy_s, 60);
	ck_assert(!c->vpdn_groups->sequencing);
	ck_assert(!c->vpdn_groups->next->request_dialin);
	ck_assert_ptr_null(c->dialers->next);
	ck_assert_uint_eq(c->dialers->keepalive_s, 0);
	ck_assert_uint_eq(c->dialers->mtu, 1460);
	printed = config_print(c, 0);
	ck_assert_ptr_null(strstr(printed, "busy"));
	ck_assert_ptr_null(strstr(printed, "mtu"));
	ck_assert_ptr_nonnull(strstr(printed, " no keepalive\n"));
	free(printed);
	config_free(c);
}
END_TEST

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "vpdn-group UP\n request-dialin\n exit\n initiate-to ip 192.0.2.9\n" SOURCE, "protocol l2tp is missing" },
	{ GROUP SOURCE, "initiate-to is missing" },
	{ GROUP " initiate-to ip 192.0.2.9\n no l2tp tunnel authentication\n", "source-ip is missing" },
	{ GROUP " initiate-to ip 2001:db8::9\n" SOURCE, "source-ip is of the other family" },
	{ GROUP " initiate-to ip 192.0.2.1\n" SOURCE, "initiate-to ip 192.0.2.1: it is the source-ip of this box" },
	{ GROUP " initiate-to ip 192.0.2.9\n" SOURCE "vpdn-group IN\n source-ip 192.0.2.9\n", "the source-ip of this box" },
	{ GROUP " initiate-to ip 192.0.2.9\n initiate-to ip 2001:db8::1\n no l2tp tunnel authentication\n" REDUNDANCY,
	  "initiate-to ip 2001:db8::1: it is the virtual-address of this box" },
	{ GROUP " initiate-to ip 10.9.9.1\n no l2tp tunnel authentication\n" REDUNDANCY, "the local address of this box" },
	{ GROUP " initiate-to ip 10.9.9.2\n no l2tp tunnel authentication\n" REDUNDANCY, "the peer address of this box" },
	{ GROUP " initiate-to ip 192.0.2.9\n source-ip 192.0.2.1\n", "l2tp tunnel password is missing" },
	{ GROUP " initiate-to ip 192.0.2.9 limit 0\n", "refused '0'" },
	{ GROUP " initiate-to ip 192.0.2.9 priority 32768\n", "refused '32768'" },
	{ GROUP " l2tp tunnel busy timeout 65536\n", "refused '65536'" },
	{ "interface dialer 1\n", "dialer vpdn-group is missing" },
	{ DIALER, "there is no vpdn-group UP" },
	{ "vpdn-group UP\n" DIALER, "vpdn-group UP has no request-dialin" },
	{ GROUP " initiate-to ip 192.0.2.9\n" SOURCE DIALER " ppp chap hostname me\n", "ppp chap password is missing" },
	{ GROUP " initiate-to ip 192.0.2.9\n" SOURCE DIALER " ppp chap hostname me\n ppp chap password 0 a\n"
	  " ppp pap sent-username me password 0 b\n", "expected the name and password of ppp chap" },
	{ GROUP " initiate-to ip 192.0.2.9\n" SOURCE DIALER " interface-name x\ninterface dialer 8\n dialer vpdn-group UP\n"
	  " interface-name x\n", "have the same interface-name" },
	{ "interface virtual-template 1\n ip address 10.0.0.1\nbba-group pppoe A\n interface e1\n virtual-template 1\n"
	  " redundancy group two\n" REDUNDANCY, "bba-group pppoe A: there is no redundancy group two" },
	{ DIALER " interface-name a23456789012345a\n", "refused 'a23456789012345a'" },
};

START_TEST(refused)
{
	char error[256] = "";
	struct config *c = read_config(wrong[_i].text, error);

	ck_assert_ptr_null(c);
	ck_assert_msg(strstr(error, wrong[_i].error) != NULL, "%s", error);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dial-config");
	TCase *tc = tcase_create("dial-config");

	tcase_add_loop_test(tc, read_and_printed, 0, 2);
	tcase_add_test(tc, taken_back);
	tcase_add_loop_test(tc, refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
