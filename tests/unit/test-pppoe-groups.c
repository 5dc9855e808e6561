// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PPPoE subscribers of the second redundancy group of a box: which group has
 * them, and that their calls leave from the address of that group.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "netlink/null.h"
#include "tests/unit/check_main.h"

static const char config_text[] =
	"hostname lac\nvpdn enable\ninterface virtual-template 1\n ip address 10.64.0.1\n"
	"vpdn-group up\n request-dialin\n  protocol l2tp\n  domain isp.example\n initiate-to ip 192.0.2.11\n"
	" initiate-to ip 2001:db8::11 priority 2\n no l2tp tunnel authentication\n"
	"bba-group pppoe FIRST\n interface eth1\n virtual-template 1\n"
	"bba-group pppoe SECOND\n interface eth2\n virtual-template 1\n redundancy group two\n"
	"redundancy\n group one\n  virtual-address 192.0.2.1/24 interface eth0\n"
	" group two\n  virtual-address 192.0.2.2/24 interface eth0\n  virtual-address 2001:db8::2/64 interface eth0\n";

static struct l2tp_endpoint from, to;

static void transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer, const uint8_t *data,
		     size_t len)
{
	(void)ctx, (void)data, (void)len;
	from = *local;
	to = *peer;
}

static int silence(void *ctx, const struct dp_vip *vip)
{
	(void)ctx, (void)vip;
	return 0;
}

static void some_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 7, len);
}

static int persist(void *ctx, uint64_t epoch)
{
	(void)ctx, (void)epoch;
	return 0;
}

static int start(void *engine, const struct ppp_params *p)
{
	(void)engine, (void)p;
	return 0;
}

static void no_key(void *engine, struct ppp_key key)
{
	(void)engine, (void)key;
}

static void reply(void *engine, struct ppp_key key, const struct ppp_verdict *v)
{
	(void)engine, (void)key, (void)v;
}

static struct config *read_config(void)
{
	char error[256];
	struct config *config = config_parse("test", config_text, error);

	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_msg(!config_check(config, error), "%s", error);
	return config;
}

START_TEST(whose_they_are)
{
	struct config *config = read_config();
	char *printed = config_print(config, 0);

	ck_assert_uint_eq(config_bba_redundancy(config, config_bba_find(config, "FIRST")), 0);
	ck_assert_uint_eq(config_bba_redundancy(config, config_bba_find(config, "SECOND")), 1);
	ck_assert_ptr_nonnull(strstr(printed, " redundancy group two\n"));
	free(printed);
	config_free(config);
}
END_TEST

START_TEST(their_calls_leave_from_its_address)
{
	static const struct ppp_engine_ops ppp_ops = { .start = start, .activate = no_key, .kill = no_key, .terminate = no_key,
						       .auth_reply = reply };
	const struct group_ops ops = { .random = some_random, .persist_epoch = persist };
	const struct dp_null_config null = { .transmit = transmit, .probe = silence };
	const struct dp_events events = { 0 };
	struct group_access access = { .session_id = 40000, .bba = "SECOND", .ifname = "eth2", .fd = -1 };
	struct ppp_auth auth = { .kind = PPP_AUTH_PAP, .user = "a@isp.example", .password = "pw" };
	struct config *config = read_config();
	struct group_config gc = { .config = config, .rg = config->redundancy_groups->next, .id_min = 30000, .id_max = 60000 };
	struct dp *dp = dp_null_new(&null, &events);
	struct l2tp_endpoint own;
	struct group *group;
	uint64_t now = 1000;
	char why[256];

	from.family = 0;
	group = group_new(&gc, &ops, dp, &ppp_ops, NULL, now);
	ck_assert_msg(!group_start(group, now, why), "%s", why);
	for (; !group_active(group) && now < 60000; now++) {
		group_now(group, now);
		dp_null_run(dp, now);
		group_tick(group, now);
	}
	ck_assert(group_active(group));
	ck_assert(!group_has_access(group, 40000));
	ck_assert_int_eq(group_access_open(group, now, &access), 0);
	ck_assert(group_has_access(group, 40000));
	group_ppp_events()->auth_request(group, (struct ppp_key){ 0, 40000 }, &auth);
	for (uint64_t end = now + 100; now < end; now++) {
		group_now(group, now);
		dp_null_run(dp, now);
		group_tick(group, now);
	}
	ck_assert_int_eq(endpoint_parse(&own, "192.0.2.2"), 0);
	ck_assert(from.family && endpoint_addr_equal(&from, &own));
	ck_assert_int_eq(endpoint_parse(&own, "192.0.2.11"), 0);
	ck_assert(endpoint_addr_equal(&to, &own));
	group_free(group);
	while (dp_null_pending(dp))
		dp_null_run(dp, UINT64_MAX);
	dp->ops->free(dp);
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pppoe-groups");
	TCase *tc = tcase_create("pppoe-groups");

	tcase_add_test(tc, whose_they_are);
	tcase_add_test(tc, their_calls_leave_from_its_address);
	suite_add_tcase(s, tc);
	return check_main(s);
}
