// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing is left behind: however a session ends, at whatever moment, both
 * stores, both pools, both data planes and both PPP engines are as empty as
 * before it.  And what may not end a session (an error of ours on a session
 * that stands) does not.
 */
#include <arpa/inet.h>

#define RIG_CONFIG								\
	"username bob password 0 secret address 10.64.0.50\n"			\
	"username carol password 0 secret address 172.16.0.9\n"

#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static struct ha_info info_of(int n)
{
	struct ha_info info;

	ha_info(group_ha(nodes[n]->group), &info);
	return info;
}

static uint32_t pool_used(int n)
{
	struct pool_info info;

	ck_assert(pool_info(nodes[n]->pools, 0, &info));
	return info.used;
}

static uint32_t sessions(int n)
{
	struct l2tp_counters counters;

	l2tp_counters(group_l2tp(nodes[n]->group), &counters);
	return counters.sessions;
}

/* No session anywhere; `tunnels` of them stand. */
static void expect_empty(size_t tunnels)
{
	for (int n = 0; n < 2; n++) {
		if (!nodes[n])
			continue;
		ck_assert_uint_eq(sessions(n), 0);
		ck_assert_uint_eq(pool_used(n), 0);
		ck_assert_uint_eq(pool_outside(nodes[n]->pools), 0);
		ck_assert_uint_eq(ppp_count(nodes[n]), 0);
		ck_assert_uint_eq(dp_null_sessions(nodes[n]->dp), 0);
		ck_assert_uint_eq(dp_null_tunnels(nodes[n]->dp), tunnels);
		ck_assert_uint_eq(info_of(n).records, 2 * tunnels);	/* itself and its channel */
	}
	if (nodes[1])
		ck_assert_uint_eq(ha_digest(group_ha(nodes[0]->group)), ha_digest(group_ha(nodes[1]->group)));
}

static void hang_up(void *ctx, struct lac_call *call)
{
	(void)ctx;
	lac_hangup(call, now, 1);
}

/* Everything of both in place: kernel session, PPP, address, records. */
static void expect_up(unsigned calls)
{
	ck_assert_uint_eq(lac_n_calls(lac), calls);
	for (int n = 0; n < 2; n++) {
		if (!nodes[n])
			continue;
		ck_assert_uint_eq(sessions(n), calls);
		ck_assert_uint_eq(dp_null_sessions(nodes[n]->dp), calls);
		ck_assert_uint_eq(ppp_count(nodes[n]), calls);
		ck_assert_uint_eq(pool_used(n) + pool_outside(nodes[n]->pools), calls);
		ck_assert_uint_eq(info_of(n).records, 2 + 2 * calls);
	}
}

static void ids(int n, size_t nth, uint16_t *tunnel, uint16_t *session)
{
	struct l2tp *l2tp = group_l2tp(nodes[n]->group);

	*tunnel = l2tp_tunnel_next(l2tp, 0);
	for (*session = 0; (*session = l2tp_session_next(l2tp, *tunnel, *session)) && nth; nth--)
		;
	ck_assert(*tunnel && *session);
}

static uint32_t address_of(int n, struct ppp_key key)
{
	struct subscriber_info info;

	return group_subscriber(nodes[n]->group, key.tunnel_id, key.session_id, &info) ? info.address : 0;
}

/* ---- every way to go ---------------------------------------------------- */

START_TEST(calls_hung_up_by_the_peer)
{
	pair_up(5);
	expect_up(5);
	lac_each_call(lac, hang_up, NULL);
	run(200);
	expect_empty(1);
}
END_TEST

START_TEST(tunnel_closed_by_the_peer)
{
	pair_up(5);
	lac_shutdown(lac, now, 1);
	run(200);
	expect_empty(0);
	run(60000);	/* it lingers to acknowledge, then it is gone */
	expect_empty(0);
	ck_assert_uint_eq(l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0), 0);
}
END_TEST

START_TEST(peer_that_vanishes)
{
	pair_up(3);
	lac_free(lac);
	lac = NULL;
	for (unsigned s = 0; s < 200; s++) {	/* HELLO, and its retransmissions */
		net_count = 0;
		for (unsigned ms = 0; ms < 1000; ms++) {
			now++;
			net_count = 0;
			for (int n = 0; n < 2; n++)
				node_run(nodes[n], nodes[!n]);
		}
	}
	expect_empty(0);
}
END_TEST

START_TEST(cleared_by_the_operator)
{
	uint16_t t, s;

	pair_up(2);
	ids(0, 0, &t, &s);
	ck_assert_int_eq(group_clear_session(nodes[1]->group, now, t, s), -EPERM);
	ck_assert_int_eq(group_clear_session(nodes[0]->group, now, t, s), 0);
	run(200);
	expect_up(1);
	ck_assert_int_eq(group_clear_session(nodes[0]->group, now, t, s), -ENOENT);
	ck_assert_int_eq(group_clear_tunnel(nodes[0]->group, now, t), 0);
	run(200);
	expect_empty(0);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
}
END_TEST

START_TEST(wrong_password)
{
	struct group_failure failure;

	password = "wrong";
	pair_up(3);
	expect_empty(1);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
	ck_assert_uint_eq(group_failures(nodes[0]->group, &failure, 1), 1);
	ck_assert_str_eq(failure.type, "Authentication failed");
}
END_TEST

START_TEST(pool_without_an_address)
{
	uint32_t address;
	unsigned n;

	for (n = 0; !pool_alloc(nodes[0]->pools, "P", "", &address); n++)
		;
	ck_assert_uint_eq(n, 97);	/* bob's is kept for bob */
	pair_up(1);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
	ck_assert_uint_eq(pool_used(0), n);
	ck_assert_uint_eq(info_of(0).records, 2);
	ck_assert_uint_eq(dp_null_sessions(nodes[0]->dp), 0);
}
END_TEST

/* A tunnel has a second chance when its first session comes. */
static const struct {
	const char *name;
	int times;
} operations[] = { { "session_create", 1 }, { "tunnel_create", 2 } };

START_TEST(data_plane_that_fails)
{
	nodes[0]->failing = operations[_i].name;
	nodes[0]->failures = operations[_i].times;
	pair_up(1);
	ck_assert_int_eq(nodes[0]->failures, 0);
	ck_assert_uint_eq(lac_n_calls(lac), 0);	/* a new call is refused */
	ck_assert_uint_eq(pool_used(0) + ppp_count(nodes[0]), 0);
	ck_assert_uint_eq(info_of(0).records, 2);
	/* and the next one is not */
	lac_call(lac, now, NULL, NULL);
	run(1000);
	expect_up(1);
	lac_shutdown(lac, now, 1);
	run(200);
	expect_empty(0);
}
END_TEST

START_TEST(ppp_that_does_not_start)
{
	nodes[0]->start_error = -ENOMEM;
	pair_up(2);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
	expect_empty(1);
}
END_TEST

/* Hung up at every moment of its setup. */
START_TEST(hung_up_in_the_middle)
{
	pair_up(0);
	lac_call(lac, now, NULL, NULL);
	run((unsigned)_i);
	lac_each_call(lac, hang_up, NULL);
	run(500);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
	expect_empty(lac_is_up(lac));
}
END_TEST

/* The plug is pulled at every moment of a setup; then everybody hangs up. */
START_TEST(takeover_in_the_middle)
{
	pair_up(1);
	lac_call(lac, now, NULL, NULL);
	run((unsigned)_i);
	take_over();
	ck_assert_uint_ge(lac_n_calls(lac), 1);
	ck_assert_uint_eq(ppp_count(nodes[1]), sessions(1));
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), sessions(1));
	ck_assert_uint_eq(pool_used(1), sessions(1));
	lac_shutdown(lac, now, 1);
	run(500);
	ck_assert_uint_eq(info_of(1).records, 0);
	ck_assert_uint_eq(pool_used(1), 0);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp) + dp_null_tunnels(nodes[1]->dp), 0);
	ck_assert_uint_eq(ppp_count(nodes[1]), 0);
}
END_TEST

/* ---- what stands, stands ------------------------------------------------ */

/* The standby's copy does not come up, and still does not when it takes over: nobody is told. */
/* A session that is told to be unprotected is taken back from the standby, and is lost with the active. */
START_TEST(unprotected_session)
{
	struct l2tp *l2tp;
	uint16_t tid, sid;

	pair_up(2);
	ck_assert_uint_eq(sessions(1), 2);
	l2tp = group_l2tp(nodes[0]->group);
	tid = l2tp_tunnel_next(l2tp, 0);
	sid = l2tp_session_next(l2tp, tid, 0);
	l2tp_session_unprotect(l2tp_session_find(l2tp, tid, sid), L2TP_UNPROTECTED_DIALOUT);
	run(100);
	ck_assert_uint_eq(sessions(0), 2);
	ck_assert_uint_eq(sessions(1), 1);
	ck_assert_ptr_null(l2tp_session_find(group_l2tp(nodes[1]->group), tid, sid));
	ck_assert_uint_eq(ppp_count(nodes[1]), 1);
	take_over();
	run(500);
	ck_assert_uint_eq(sessions(1), 1);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), 1);
	ck_assert_uint_eq(pool_used(1), 1);
}
END_TEST

START_TEST(error_of_ours_ends_no_session)
{
	uint16_t t, s;

	pair_up(0);
	switch (_i) {
	case 0:
		nodes[1]->start_error = -ENOMEM;
		break;
	case 1:
		nodes[1]->failing = "session_create";
		nodes[1]->failures = INT32_MAX;
		break;
	case 2:
		nodes[1]->failing = "tunnel_create";
		nodes[1]->failures = INT32_MAX;
		break;
	}
	lac_call(lac, now, NULL, NULL);
	run(1000);
	ck_assert_uint_eq(ppp_count(nodes[1]), 0);
	take_over();
	ids(1, 0, &t, &s);
	ck_assert_uint_eq(lac_n_calls(lac), 1);
	ck_assert_uint_eq(sessions(1), 1);
	nodes[1]->start_error = nodes[1]->failures = 0;
	run(30000);
	ck_assert_uint_eq(lac_n_calls(lac), 1);
	ck_assert_uint_eq(ppp_count(nodes[1]), 1);
	ck_assert_uint_eq(pool_used(1), 1);
	lac_shutdown(lac, now, 1);
	run(200);
	ck_assert_uint_eq(info_of(1).records + pool_used(1) + ppp_count(nodes[1]), 0);
}
END_TEST

/* A captured state that does not take: PPP starts anew, the address stays. */
START_TEST(state_that_does_not_take)
{
	struct ppp_key key;
	uint32_t address;

	pair_up(1);
	ids(0, 0, &key.tunnel_id, &key.session_id);
	address = address_of(0, key);
	ck_assert_uint_ne(address, 0);
	ppp_end(nodes[1], end_find(nodes[1], key), PPP_DOWN_ENGINE);
	nodes[1]->deaf_standby = true;
	run(100);
	take_over();
	run(20000);
	ck_assert_uint_eq(lac_n_calls(lac), 1);
	ck_assert_uint_eq(ppp_count(nodes[1]), 1);
	ck_assert_uint_eq(address_of(1, key), address);
	ck_assert_uint_eq(pool_used(1), 1);
}
END_TEST

/* ---- fixed addresses ---------------------------------------------------- */

static const struct {
	const char *user, *address;
} fixed[] = { { "bob", "10.64.0.50" }, { "carol", "172.16.0.9" } };

START_TEST(fixed_address_user_comes_again)
{
	uint32_t address = inet_addr(fixed[_i].address);
	struct lac_call *first, *second;
	struct ppp_key key;

	user = fixed[_i].user;
	pair_up(0);
	first = lac_call(lac, now, NULL, NULL);
	run(500);
	expect_up(1);
	key = (struct ppp_key){ lac_peer_tid(lac), lac_call_peer_sid(first) };
	ck_assert_uint_eq(address_of(0, key), address);
	ck_assert_uint_eq(address_of(1, key), address);
	second = lac_call(lac, now, NULL, NULL);
	run(500);
	/* the old session is what the network lost */
	expect_up(1);
	ck_assert_ptr_eq(lac_find_call(lac, lac_call_sid(second)), second);
	ck_assert_uint_eq(address_of(0, key), 0);
	ck_assert_uint_eq(address_of(1, key), 0);
	key.session_id = lac_call_peer_sid(second);
	ck_assert_uint_eq(address_of(0, key), address);
	ck_assert_uint_eq(address_of(1, key), address);
	take_over();
	ck_assert_uint_eq(lac_n_calls(lac), 1);
	ck_assert_uint_eq(address_of(1, key), address);
	/* and again, on the other node */
	second = lac_call(lac, now, NULL, NULL);
	run(500);
	ck_assert_uint_eq(lac_n_calls(lac), 1);
	key.session_id = lac_call_peer_sid(second);
	ck_assert_uint_eq(address_of(1, key), address);
	lac_shutdown(lac, now, 1);
	run(200);
	ck_assert_uint_eq(pool_used(1) + pool_outside(nodes[1]->pools) + info_of(1).records, 0);
}
END_TEST

/* He hangs up at every moment around coming again. */
START_TEST(fixed_address_given_back_meanwhile)
{
	struct lac_call *first, *second;
	struct ppp_key key;

	user = "bob";
	pair_up(0);
	first = lac_call(lac, now, NULL, NULL);
	run(500);
	second = lac_call(lac, now, NULL, NULL);
	run((unsigned)_i);
	if (lac_n_calls(lac) == 2)
		lac_hangup(first, now, 1);
	run(500);
	expect_up(1);
	key = (struct ppp_key){ lac_peer_tid(lac), lac_call_peer_sid(second) };
	ck_assert_uint_eq(address_of(0, key), inet_addr("10.64.0.50"));
	ck_assert_uint_eq(address_of(1, key), inet_addr("10.64.0.50"));
}
END_TEST

/* The newcomer hangs up, also in the very wake-up in which he asks for the address of the older session. */
START_TEST(newcomer_gives_up)
{
	struct lac_call *second;

	user = "bob";
	pair_up(1);
	second = lac_call(lac, now, NULL, NULL);
	run((unsigned)_i);
	lac_hangup(second, now, 1);
	run(500);
	if (lac_n_calls(lac))
		expect_up(1);
	else
		expect_empty(1);
}
END_TEST

/* Somebody outside this group (another group of the box) has it. */
START_TEST(fixed_address_of_another_group)
{
	user = "carol";
	ck_assert_int_eq(pool_take(nodes[0]->pools, inet_addr("172.16.0.9")), 0);
	pair_up(1);
	ck_assert_uint_eq(lac_n_calls(lac), 0);
	ck_assert_uint_eq(pool_outside(nodes[0]->pools), 1);
	ck_assert_uint_eq(pool_release(nodes[0]->pools, inet_addr("172.16.0.9")), 0);
	expect_empty(1);
}
END_TEST

/* The same session asks again under another name. */
START_TEST(another_user_on_the_same_session)
{
	struct ppp_key key;

	user = "bob";
	pair_up(1);
	ids(0, 0, &key.tunnel_id, &key.session_id);
	ck_assert_uint_eq(address_of(0, key), inet_addr("10.64.0.50"));
	end_find(nodes[0], key)->user = "alice";
	end_find(nodes[0], key)->state = END_STARTED;
	run(200);
	expect_up(1);
	ck_assert_uint_eq(address_of(0, key), inet_addr("10.64.0.2"));
	ck_assert_uint_eq(address_of(1, key), inet_addr("10.64.0.2"));
	ck_assert(!pool_taken(nodes[0]->pools, inet_addr("10.64.0.50")));
	ck_assert(!pool_taken(nodes[1]->pools, inet_addr("10.64.0.50")));
}
END_TEST

/* ---- roles -------------------------------------------------------------- */

static void first_call(void *ctx, struct lac_call *call)
{
	uint16_t *sid = ctx;

	if (!*sid && lac_call_is_up(call))
		*sid = lac_call_sid(call);
}

static uint16_t any_call(void)
{
	uint16_t sid = 0;

	lac_each_call(lac, first_call, &sid);
	return sid;
}

static unsigned mute(const struct node *node)
{
	unsigned n = 0;

	for (size_t i = 0; i < ENDS; i++)
		n += node->ends[i].state && node->ends[i].mute;
	return n;
}

/*
 * A takeover tells its sessions one after another.  One whose PPP dies before its turn is made anew:
 * to the subscriber nothing has happened.  One whose subscriber leaves is left.
 */
START_TEST(takeover_of_many)
{
	enum { CALLS = 60 };
	struct end *end;

	pair_up(CALLS);
	ck_assert_uint_eq(mute(nodes[1]), CALLS);
	linked = false;
	node_free(nodes[0]);
	nodes[0] = NULL;
	group_link_down(nodes[1]->group, now);
	for (int ms = 0; ms < 5000 && mute(nodes[1]) == CALLS; ms++)
		run(1);
	ck_assert_int_eq(info_of(1).role, HA_ROLE_ACTIVE);
	ck_assert_uint_gt(mute(nodes[1]), 0);	/* not all in one wake-up */
	for (end = nodes[1]->ends; !end->mute; end++)
		;
	ppp_end(nodes[1], end, _i ? PPP_DOWN_PEER : PPP_DOWN_ENGINE);
	run(2000);
	expect_up(_i ? CALLS - 1 : CALLS);
	ck_assert_uint_eq(mute(nodes[1]), 0);
}
END_TEST

/*
 * A standby comes to an active with sessions: it makes its own of them a few at a time, while some go and
 * others come.  It ends with what the active has; and in sync, at whatever moment, it can take over.
 */
START_TEST(warm_standby_prepares)
{
	bool hot = _i != 0;

	nodes[0]->config->redundancy_groups->hot = hot;
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	nodes[1]->config->redundancy_groups->hot = hot;
	link_pair();
	run(300);
	for (unsigned i = 0; i < 3; i++)
		lac_call(lac, now, NULL, NULL);
	run(3000);
	ck_assert_uint_eq(ppp_count(nodes[1]), hot ? 3 : 0);
	ck_assert_uint_eq(nodes[1]->prepared, 0);
	linked = false;
	group_link_down(nodes[0]->group, now);
	group_link_down(nodes[1]->group, now);
	/* only who has nothing in place asks, and before it is known whether the peer is dead */
	ck_assert_uint_eq(nodes[0]->prepared, 0);
	ck_assert_uint_eq(nodes[1]->prepared, hot ? 0 : 3);
	ck_assert_int_eq(info_of(1).role, HA_ROLE_STANDBY);
	node_free(nodes[0]);
	nodes[0] = NULL;
	run(5000);
	ck_assert_uint_eq(ppp_count(nodes[1]), 3);
}
END_TEST

START_TEST(standby_comes_late)
{
	enum { CALLS = 50 };
	bool between = false;

	for (unsigned i = 0; i < CALLS; i++)
		lac_call(lac, now, NULL, NULL);
	run(3000);
	nodes[1] = node_new("lns-b", "10.9.9.2", "10.9.9.1");
	link_pair();
	for (int ms = 0; ms < 20 + _i; ms++) {
		if (ms % 3 == 0)
			lac_hangup(lac_find_call(lac, any_call()), now, 1);
		if (ms % 2)
			lac_call(lac, now, NULL, NULL);
		run(1);
		between |= sessions(1) && sessions(1) + 10 < sessions(0);
	}
	ck_assert(between);	/* there was something to test */
	ck_assert_int_eq(info_of(1).sync, HA_SYNC_IN_SYNC);
	if (_i % 2)
		take_over();
	else
		run(2000);
	expect_up(lac_n_calls(lac));
	ck_assert_uint_ge(lac_n_calls(lac), CALLS - 2);
	lac_shutdown(lac, now, 1);
	run(500);
	ck_assert_uint_eq(info_of(1).records, 0);
	ck_assert_uint_eq(pool_used(1), 0);
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp) + dp_null_tunnels(nodes[1]->dp), 0);
}
END_TEST

static bool open_at(const struct node *node)
{
	struct l2tp_endpoint vip = { .family = 0 };

	endpoint_parse(&vip, "192.0.2.1");
	return dp_null_leased(node->dp, &vip, now);
}

/* No HA link and no carrier: the fence is closed at once, and opens when nobody answers. */
START_TEST(cut_off_and_back)
{
	ck_assert(open_at(nodes[0]));
	dp_null_plug(nodes[0]->dp, false);
	group_carrier(nodes[0]->group, now);
	run(5);
	ck_assert(!open_at(nodes[0]));
	run(20000);
	ck_assert(!open_at(nodes[0]));
	dp_null_plug(nodes[0]->dp, true);
	group_carrier(nodes[0]->group, now);
	nodes[0]->failing = "vip_probe";	/* what cannot be told is not that nobody answers */
	nodes[0]->failures = 1;
	run(2100);
	ck_assert(!open_at(nodes[0]));
	ck_assert(!nodes[0]->failures);
	run(3000);
	ck_assert(open_at(nodes[0]));
	run(20000);
	ck_assert(open_at(nodes[0]));
	/* a fence that does not close is closed again */
	nodes[0]->failing = "fence";
	nodes[0]->failures = 3;
	dp_null_plug(nodes[0]->dp, false);
	group_carrier(nodes[0]->group, now);
	run(20);
	ck_assert(!nodes[0]->failures);
	ck_assert(!open_at(nodes[0]));
}
END_TEST

START_TEST(there_and_back)
{
	char reason[HA_REASON_MAX];

	pair_up(4);
	for (int round = 0; round < 4; round++) {
		int from = round % 2;

		ck_assert_int_eq(group_switchover(nodes[from]->group, now, false, reason), 0);
		run(3000);
		ck_assert_int_eq(info_of(!from).role, HA_ROLE_ACTIVE);
		ck_assert_int_eq(info_of(!from).sync, HA_SYNC_IN_SYNC);
		expect_up(4);
	}
	lac_shutdown(lac, now, 1);
	run(200);
	expect_empty(0);
}
END_TEST

/* What the one that hands over has in place stays there, and is mute: nothing is ended, nothing made again. */
START_TEST(the_demoted_keeps_what_is_in_place)
{
	char reason[HA_REASON_MAX];
	unsigned starts[2];

	pair_up(4);
	starts[0] = nodes[0]->starts;
	starts[1] = nodes[1]->starts;
	for (int round = 0; round < 4; round++) {
		int from = round % 2;

		ck_assert_int_eq(group_switchover(nodes[from]->group, now, false, reason), 0);
		run(3000);
		ck_assert_int_eq(info_of(!from).role, HA_ROLE_ACTIVE);
		expect_up(4);
		for (int n = 0; n < 2; n++) {
			ck_assert_uint_eq(nodes[n]->starts, starts[n]);
			for (size_t i = 0; i < 4; i++)
				ck_assert_int_eq(nodes[n]->ends[i].mute, n == from);
		}
	}
}
END_TEST

START_TEST(an_engine_that_cannot_be_mute_is_ended)
{
	char reason[HA_REASON_MAX];
	unsigned starts;

	pair_up(4);
	starts = nodes[0]->starts;
	nodes[0]->deaf_mute = true;
	ck_assert_int_eq(group_switchover(nodes[0]->group, now, false, reason), 0);
	run(15000);
	ck_assert_uint_eq(nodes[0]->starts, starts + 4);
	expect_up(4);
	for (size_t i = 0; i < 4; i++)
		ck_assert(nodes[0]->ends[i].mute && !nodes[1]->ends[i].mute);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("group");
	TCase *tc = tcase_create("group");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, calls_hung_up_by_the_peer);
	tcase_add_test(tc, tunnel_closed_by_the_peer);
	tcase_add_test(tc, peer_that_vanishes);
	tcase_add_test(tc, cleared_by_the_operator);
	tcase_add_test(tc, wrong_password);
	tcase_add_test(tc, pool_without_an_address);
	tcase_add_loop_test(tc, data_plane_that_fails, 0, 2);
	tcase_add_test(tc, ppp_that_does_not_start);
	tcase_add_loop_test(tc, hung_up_in_the_middle, 0, 20);
	tcase_add_loop_test(tc, takeover_in_the_middle, 0, 20);
	tcase_add_test(tc, unprotected_session);
	tcase_add_loop_test(tc, error_of_ours_ends_no_session, 0, 3);
	tcase_add_test(tc, state_that_does_not_take);
	tcase_add_loop_test(tc, fixed_address_user_comes_again, 0, 2);
	tcase_add_loop_test(tc, fixed_address_given_back_meanwhile, 0, 20);
	tcase_add_loop_test(tc, newcomer_gives_up, 0, 20);
	tcase_add_test(tc, fixed_address_of_another_group);
	tcase_add_test(tc, another_user_on_the_same_session);
	tcase_add_loop_test(tc, takeover_of_many, 0, 2);
	tcase_add_loop_test(tc, warm_standby_prepares, 0, 2);
	tcase_add_loop_test(tc, standby_comes_late, 0, 12);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, the_demoted_keeps_what_is_in_place);
	tcase_add_test(tc, an_engine_that_cannot_be_mute_is_ended);
	tcase_add_test(tc, cut_off_and_back);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
