// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a VPDN group says of the packets of its tunnels: type of service, UDP
 * checksum, late data.  It is in both boxes' data planes, still there after a
 * takeover, and a change holds for new tunnels and not for those that stand,
 * on neither box.  What of it a peer is told is in our SCCRP.
 */
#define RIG_CONFIG								\
	"vpdn-template\n ip tos 187\n ip precedence flash\n no l2tp ip udp checksum\n l2tp drop out-of-order\n"	\
	" l2tp tunnel framing capabilities asynchronous\n l2tp tunnel bearer capabilities all\n"
#define RIG_LAC_DEV LAC_DEV_SEQ_REQUIRED

#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

/* Links of a template that says so are of the group the data plane looks for: on both boxes. */
START_TEST(segments_of_a_template)
{
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	for (int n = 0; n < 2; n++)
		nodes[n]->config->vtemplates->adjust_mss = _i;
	link_pair();
	run(300);
	lac_call(lac, now, NULL, NULL);
	run(3000);
	for (int n = 0; n < 2; n++) {
		ck_assert_int_eq(nodes[n]->ends[0].state, END_UP);
		ck_assert_uint_eq(nodes[n]->ends[0].ifgroup, _i ? DP_CLAMP_IFGROUP : 0);
	}
}
END_TEST

static uint8_t sccrp[1500];
static size_t sccrp_len;

static void ids(int n, uint16_t *tunnel, uint16_t *session)
{
	*tunnel = l2tp_tunnel_next(group_l2tp(nodes[n]->group), 0);
	*session = l2tp_session_next(group_l2tp(nodes[n]->group), *tunnel, 0);
	ck_assert(*tunnel && *session);
}

static void expect(int n, uint8_t tos, bool no_checksum, uint32_t gap_ms)
{
	const struct dp_tunnel *t;
	const struct dp_session *s;
	uint16_t tunnel, session;

	ids(n, &tunnel, &session);
	t = dp_null_tunnel_conf(nodes[n]->dp, tunnel);
	s = dp_null_session_conf(nodes[n]->dp, tunnel, session);
	ck_assert(t && s);
	ck_assert_uint_eq(t->tos, tos);
	ck_assert(t->no_checksum == no_checksum);
	ck_assert(s->recv_seq);
	ck_assert_uint_eq(s->recv_timeout_ms, gap_ms);
}

/* The precedence (3) stands over the first bits of 187, and what is for ECN is not set. */
START_TEST(both_boxes_have_it_and_keep_it)
{
	pair_up(1);
	expect(0, 0x78, true, 1);
	expect(1, 0x78, true, 1);
	take_over();
	expect(1, 0x78, true, 1);
}
END_TEST

static void say(int n, const char *lines)
{
	struct config_vpdn_group *t = nodes[n]->config->vpdn_templates;
	char error[256] = "";
	struct config *c = config_parse("t", lines, error);

	ck_assert_msg(c != NULL, "%s", error);
	t->tos = c->vpdn_templates->tos;
	t->precedence = c->vpdn_templates->precedence;
	t->checksum = c->vpdn_templates->checksum;
	t->drop_late = c->vpdn_templates->drop_late;
	config_free(c);
}

START_TEST(a_change_holds_for_new_tunnels)
{
	uint16_t tunnel, session;

	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	run(300);
	lac_call(lac, now, NULL, NULL);
	run(3000);
	for (int n = 0; n < 2; n++)
		say(n, "vpdn-template\n ip tos 40\n");
	lac_call(lac, now, NULL, NULL);
	run(3000);
	for (int n = 0; n < 2; n++) {
		ids(n, &tunnel, &session);
		session = l2tp_session_next(group_l2tp(nodes[n]->group), tunnel, session);
		ck_assert_uint_ne(session, 0);
		ck_assert_uint_eq(dp_null_session_conf(nodes[n]->dp, tunnel, session)->recv_timeout_ms, 1);
		expect(n, 0x78, true, 1);
	}
	/* a standby that comes later makes them as they were made, not as it would now */
	linked = false;
	group_link_down(nodes[0]->group, now);
	node_free(nodes[1]);
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	say(1, "vpdn-template\n ip tos 40\n");
	link_pair();
	run(3000);
	expect(1, 0x78, true, 1);
	lac_shutdown(lac, now, 1);
	run(35000);
	lac_call(lac, now, NULL, NULL);
	run(3000);
	for (int n = 0; n < 2; n++)
		expect(n, 40, false, 50);
}
END_TEST

static void hear(const uint8_t *data, size_t len)
{
	if (len > 20 && data[18] == 0 && data[19] == 2 && !sccrp_len) {
		memcpy(sccrp, data, len);
		sccrp_len = len;
	}
	lac_input(lac, now, data, len);
}

START_TEST(the_peer_is_told_what_we_have)
{
	static const uint8_t framing[] = { 0x80, 10, 0, 0, 0, 3, 0, 0, 0, 2 }, bearer[] = { 0x80, 10, 0, 0, 0, 4, 0, 0, 0, 3 };

	sccrp_len = 0;
	net_peer = hear;
	lac_call(lac, now, NULL, NULL);
	run(1000);
	net_peer = NULL;
	ck_assert_uint_gt(sccrp_len, 0);
	ck_assert_ptr_nonnull(memmem(sccrp, sccrp_len, framing, sizeof(framing)));
	ck_assert_ptr_nonnull(memmem(sccrp, sccrp_len, bearer, sizeof(bearer)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transport");
	TCase *tc = tcase_create("transport");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, both_boxes_have_it_and_keep_it);
	tcase_add_test(tc, a_change_holds_for_new_tunnels);
	tcase_add_loop_test(tc, segments_of_a_template, 0, 2);
	tcase_add_test(tc, the_peer_is_told_what_we_have);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
