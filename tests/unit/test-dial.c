// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls are placed, and placed elsewhere: priority, limits and load of the
 * peers, L2TP Extended Failover with exactly its codes, the time a peer is left
 * alone. Counted is what is on the wire.
 */
#include "daemon/dial_internal.h"
#include "tests/unit/check_main.h"
#include "tests/unit/dial_rig.h"

#define TWO " initiate-to ip 192.0.2.1\n initiate-to ip 192.0.2.2 priority 2\n"
#define THREE " initiate-to ip 192.0.2.1\n initiate-to ip 192.0.2.2\n initiate-to ip 192.0.2.3\n"

static size_t busy_peers(void)
{
	struct dial_busy busy;
	size_t at = 0;

	while (dialer_busy_next(rig.dialer, rig.now, &at, &busy))
		;
	return at;
}

START_TEST(one_peer)
{
	rig_start(" initiate-to ip 192.0.2.1\n");
	dial(0);
	dial(1);
	ck_assert(!rig.calls[0].over);
	run(100);
	ck_assert_int_eq(where(0), 0);
	ck_assert_int_eq(where(1), 0);
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);	/* the second one waited for the same tunnel */
	ck_assert_uint_eq(rig.lns[0].icrq, 2);
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 2);
	rig_stop();
}
END_TEST

START_TEST(who_dials)
{
	struct dial_request request = { .events = &rig_events, .user = "bob@elsewhere.example" };
	struct dial_failure why;

	rig_start(TWO);
	ck_assert_ptr_eq(dial_group(rig.config, "a@b@isp.example", NULL), rig.config->vpdn_groups);
	ck_assert_ptr_eq(dial_group(rig.config, "bob", "5551234"), rig.config->vpdn_groups);
	ck_assert_ptr_null(dial_group(rig.config, "isp.example", "555"));
	ck_assert_ptr_null(dial_start(rig.dialer, rig.now, &request, &why));
	ck_assert_str_eq(why.reason, "no vpdn-group dials for it");
	rig.shut = true;
	dial(0);
	ck_assert_str_eq(rig.calls[0].why.reason, "soft shut");
	rig_stop();
}
END_TEST

/* A call that came by a tunnel; `own` is what this box has. */
static bool is_own(void *ctx, const struct l2tp_endpoint *peer)
{
	(void)ctx;
	return endpoint_addr_equal(peer, &rig.lns[2].addr);
}

static void dial_from(uint32_t tag, const char *address, const char *name)
{
	struct dial_request request = { .events = &rig_events, .tag = tag, .user = "alice@isp.example", .from_name = name };
	struct dial_failure why;

	ck_assert_int_eq(endpoint_parse(&request.from, address), 0);
	rig.calls[tag] = (struct outcome){ 0 };
	rig.dials[tag] = dial_start(rig.dialer, rig.now, &request, &why);
	if (!rig.dials[tag])
		rig.calls[tag] = (struct outcome){ .over = true, .why = why };
	rig_drain();
	run(100);
}

START_TEST(not_back_where_it_came_from)
{
	rig_start(THREE);
	rig.dialer->ops.own = is_own;
	snprintf(rig.lns[1].params.local_name, sizeof(rig.lns[1].params.local_name), "switch-2");
	dial_from(0, "192.0.2.1", "lac");
	ck_assert_int_eq(where(0), 1);		/* the one peer that is neither who called nor we */
	dial_from(1, "192.0.2.1", "switch-2");	/* known to be he by now, whatever the address */
	ck_assert(rig.calls[1].over && !rig.calls[1].up && rig.calls[1].why.loop);
	ck_assert_uint_eq(rig.lns[1].icrq, 1);
	dial_from(2, "192.0.2.2", "lac");
	ck_assert_int_eq(where(2), 0);
	dial_from(3, "192.0.2.1", "");		/* nothing is said of names */
	ck_assert_int_eq(where(3), 1);
	ck_assert_uint_eq(rig.lns[2].sccrq, 0);
	ck_assert_uint_eq(busy_peers(), 0);
	rig_stop();
}
END_TEST

/* By its name only the tunnel that is opened for the call tells. */
START_TEST(a_loop_seen_late)
{
	rig_start(_i ? TWO : " initiate-to ip 192.0.2.1\n");
	snprintf(rig.lns[0].params.local_name, sizeof(rig.lns[0].params.local_name), "switch-2");
	dial_from(0, "192.0.2.77", "switch-2");
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	ck_assert_uint_eq(rig.lns[0].icrq, 0);
	ck_assert(rig.calls[0].over);
	ck_assert_int_eq(where(0), _i ? 1 : -1);
	ck_assert(rig.calls[0].why.loop == !_i);
	if (!_i)
		ck_assert_ptr_nonnull(strstr(rig.calls[0].why.reason, "loop"));
	rig_stop();
}
END_TEST

/* A tunnel of the peer's that the dialling group took carries its calls; one of another group does not. */
START_TEST(by_a_tunnel_of_the_peer)
{
	static const char *const groups[] = { "G", "other", "answers" };

	rig_start(" initiate-to ip 192.0.2.1\nvpdn-group answers\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"
		  " no l2tp tunnel authentication\ninterface virtual-template 1\n ip address 10.0.0.1\n");
	lns_opens(&rig.lns[0], groups[_i]);
	run(100);
	dial(0);
	run(100);
	ck_assert_int_eq(where(0), 0);
	ck_assert_uint_eq(rig.lns[0].sccrq, _i == 0 ? 0 : 1);
	ck_assert_uint_eq(dialer_load(rig.dialer, "G", &rig.lns[0].addr), 1);
	hang_up(0);
	ck_assert_uint_eq(dialer_load(rig.dialer, "G", &rig.lns[0].addr), 0);
	if (_i == 0) {
		dialer_take_over(rig.dialer);
		dial(1);
		run(100);
		ck_assert_int_eq(where(1), 0);
		ck_assert_uint_eq(rig.lns[0].sccrq, 0);
		/* it goes, and the next call opens one of ours */
		l2tp_tunnel_close(l2tp_tunnel_find(rig.l2tp, rig.calls[1].tunnel_id), rig.now, &(struct l2tp_result){ .result = 1 });
		run(100);
		dial(2);
		run(100);
		ck_assert_int_eq(where(2), 0);
		ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	}
	rig_stop();
}
END_TEST

START_TEST(the_first_is_silent)
{
	rig_start(TWO);
	rig.lns[0].silent = true;
	dial(0);
	run(6000);
	ck_assert(!rig.calls[0].over);
	run(6000);
	ck_assert_int_eq(where(0), 1);
	ck_assert_uint_eq(rig.lns[0].sccrq, 3);	/* and two retransmissions */
	ck_assert_uint_eq(busy_peers(), 1);
	ck_assert_uint_eq(rig.history, 1);
	rig_stop();
}
END_TEST

/* It acknowledges, and there is nobody to answer: no less silent for who waits. */
START_TEST(the_first_only_acknowledges)
{
	rig_start(TWO);
	rig.lns[0].silent = rig.lns[0].acks_only = true;
	dial(0);
	run(25000);
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	ck_assert_int_eq(where(0), 1);
	ck_assert_uint_eq(busy_peers(), 1);
	rig_stop();
}
END_TEST

START_TEST(nobody_answers)
{
	rig_start(TWO);
	rig.lns[0].silent = rig.lns[1].silent = true;
	dial(0);
	run(30000);
	ck_assert(rig.calls[0].over && !rig.calls[0].up);
	ck_assert_str_eq(rig.calls[0].why.reason, "no answer");
	ck_assert(rig.calls[0].why.result.no_answer);
	dial(1);
	ck_assert_str_eq(rig.calls[1].why.reason, "no peer is left: the others are busy");
	rig_stop();
}
END_TEST

/* Table 1 of the feature's paper, and what stands beside it. */
static const struct {
	struct l2tp_result result;
	bool stopccn, cdn;		/* another peer is asked */
} codes[] = {
	{ { .result = 2, .error = 4 }, true, true },
	{ { .result = 2, .error = 7 }, true, true },
	{ { .result = 2, .error = 9 }, true, true },
	{ { .result = 2, .error = 6, .vendor = 9 }, true, true },
	{ { .result = 2, .error = 6, .vendor = 2636 }, false, false },
	{ { .result = 2, .error = 6, .text = "session limit" }, false, false },
	{ { .result = 4 }, false, true },	/* of a StopCCN: not authorised */
	{ { .result = 1 }, false, false },
	{ { .result = 2, .error = 1 }, false, false },
	{ { .result = 2, .error = 2 }, false, false },
	{ { .result = 2, .error = 3 }, false, false },
	{ { .result = 2, .error = 5 }, false, false },
	{ { .result = 2, .error = 8 }, false, false },
	{ { .result = 2, .error = 10 }, false, false },
	{ { .result = 3 }, false, false },
	{ { .result = 5 }, false, false },
	{ { .result = 6 }, false, false },
	{ { .result = 7 }, false, false },
	{ { .result = 8 }, false, false },
	{ { .result = 10 }, false, false },
};
#define CODES (sizeof(codes) / sizeof(codes[0]))

static void expect_refused(const struct l2tp_result *said, bool another)
{
	if (another) {
		ck_assert_int_eq(where(0), 1);
		ck_assert_uint_eq(busy_peers(), 1);
		return;
	}
	ck_assert(rig.calls[0].over && !rig.calls[0].up);
	ck_assert(rig.calls[0].why.by_peer);
	ck_assert_uint_eq(rig.calls[0].why.result.result, said->result);
	ck_assert_uint_eq(rig.calls[0].why.result.error, said->error);
	ck_assert_uint_eq(rig.lns[1].sccrq, 0);
	ck_assert_uint_eq(busy_peers(), 0);
}

START_TEST(stopccn)
{
	rig_start(TWO);
	rig.lns[0].to_sccrq = &codes[_i].result;
	dial(0);
	run(100);
	expect_refused(&codes[_i].result, codes[_i].stopccn);
	rig_stop();
}
END_TEST

START_TEST(cdn)
{
	rig_start(TWO);
	rig.lns[0].to_icrq = &codes[_i].result;
	dial(0);
	run(100);
	expect_refused(&codes[_i].result, codes[_i].cdn);
	rig_stop();
}
END_TEST

START_TEST(one_peer_that_is_full)
{
	rig_start(" initiate-to ip 192.0.2.1\n");
	rig.lns[0].full = true;
	dial(0);
	run(100);
	ck_assert(rig.calls[0].over && !rig.calls[0].up);
	ck_assert_str_eq(rig.calls[0].why.reason, "StopCCN, result 2 error 4: full");
	rig_stop();
}
END_TEST

/* Codes of ours say nothing of the peer: the same words, and nobody is busy or asked instead. */
START_TEST(ended_by_ourselves)
{
	static const struct l2tp_result ours = { .result = 2, .error = 4, .text = "here" };

	rig_start(TWO);
	dial(0);
	l2tp_tunnel_close(l2tp_tunnel_find(rig.l2tp, l2tp_tunnel_next(rig.l2tp, 0)), rig.now, &ours);
	run(100);
	ck_assert(rig.calls[0].over && !rig.calls[0].up);
	ck_assert(!rig.calls[0].why.by_peer);
	ck_assert_uint_eq(busy_peers(), 0);
	ck_assert_uint_eq(rig.lns[1].sccrq, 0);
	rig_stop();
}
END_TEST

/* The first is busy for a minute, and asked when that is over. */
START_TEST(left_alone_for_a_minute)
{
	struct dial_busy busy;
	size_t at = 0;

	rig_start(TWO);
	rig.lns[0].full = true;
	dial(0);
	run(100);
	ck_assert_int_eq(where(0), 1);
	ck_assert(dialer_busy_next(rig.dialer, rig.now, &at, &busy));
	ck_assert_uint_eq(busy.until_ms - busy.since_ms, BUSY_MS);
	ck_assert_str_eq(busy.why, "StopCCN, result 2 error 4: full");
	rig.lns[0].full = false;
	for (uint32_t i = 1; i < 59; i++) {
		dial(i);
		run(1000);
		ck_assert_int_eq(where(i), 1);
	}
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	run(2000);
	ck_assert_uint_eq(busy_peers(), 0);
	dial(60);
	run(100);
	ck_assert_int_eq(where(60), 0);
	rig_stop();
}
END_TEST

START_TEST(the_time_is_configured_and_can_be_cut_short)
{
	struct l2tp_endpoint other = { 0 };

	rig_start(TWO " l2tp tunnel busy timeout 5\n");
	rig.lns[0].full = true;
	dial(0);
	run(6000);
	dial(1);
	run(100);
	ck_assert_uint_eq(rig.lns[0].sccrq, 2);
	endpoint_parse(&other, "192.0.2.2");
	ck_assert_uint_eq(dialer_busy_clear(rig.dialer, &other), 0);
	ck_assert_uint_eq(dialer_busy_clear(rig.dialer, NULL), 1);
	dial(2);
	run(100);
	ck_assert_uint_eq(rig.lns[0].sccrq, 3);
	rig_stop();
}
END_TEST

/* Its calls stay, and so do those of a peer whose tunnel is used again. */
START_TEST(a_tunnel_that_stands_is_used)
{
	rig_start(TWO);
	rig.lns[0].limit = 2;
	for (uint32_t i = 0; i < 5; i++) {
		dial(i);
		run(100);
	}
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 2);
	ck_assert_uint_eq(lns_calls(&rig.lns[1]), 3);
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	ck_assert_uint_eq(rig.lns[1].sccrq, 1);
	ck_assert_uint_eq(rig.lns[0].icrq, 3);
	run(30000);
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 2);
	rig_stop();
}
END_TEST

START_TEST(load_is_shared)
{
	rig_start(" initiate-to ip 192.0.2.1 limit 10\n initiate-to ip 192.0.2.2 limit 20\n backup ip 192.0.2.3\n");
	/* those that still wait for a tunnel count: so many are not shared like that by chance */
	for (uint32_t i = 0; i < 27; i++)
		dial(i);
	run(100);
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 9);
	ck_assert_uint_eq(lns_calls(&rig.lns[1]), 18);
	for (uint32_t i = 27; i < 35; i++)
		dial(i);
	run(100);
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 10);
	ck_assert_uint_eq(lns_calls(&rig.lns[1]), 20);
	ck_assert_uint_eq(lns_calls(&rig.lns[2]), 5);
	ck_assert_uint_eq(rig.history, 0);
	hang_up(0);
	dial(40);
	run(100);
	ck_assert_int_ne(where(40), 2);
	rig_stop();
}
END_TEST

/* The operator drains a peer: no call goes there, and that is no fault of the peer's. */
START_TEST(drained_peers_get_no_call)
{
	rig_start(TWO);
	rig.drained = &rig.lns[0];
	dial(0);
	run(100);
	ck_assert_int_eq(where(0), 1);
	ck_assert_uint_eq(rig.lns[0].sccrq, 0);
	ck_assert_uint_eq(busy_peers(), 0);
	rig.drained = &rig.lns[1];
	dial(1);
	run(100);
	ck_assert_int_eq(where(1), 0);
	rig_stop();
}
END_TEST

/* The operator drains a tunnel: the next call opens another one to the same peer. */
START_TEST(a_drained_tunnel_gets_no_call)
{
	uint16_t first;

	rig_start(TWO);
	dial(0);
	run(100);
	first = rig.calls[0].tunnel_id;
	l2tp_tunnel_drain(l2tp_tunnel_find(rig.l2tp, first), true);
	dial(1);
	run(100);
	ck_assert_int_eq(where(1), 0);
	ck_assert_uint_ne(rig.calls[1].tunnel_id, first);
	ck_assert_uint_eq(rig.history, 0);
	rig_stop();
}
END_TEST

/* A tunnel may have a limit of its own; calls that wait for it count, too. */
START_TEST(a_full_tunnel_gets_no_call)
{
	struct l2tp_counters counters;

	rig_start(" initiate-to ip 192.0.2.1\n");
	rig.tunnel_limit = 2;
	for (uint32_t i = 0; i < 5; i++)
		dial(i);
	run(100);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_int_eq(where(i), 0);
	ck_assert_uint_eq(rig.lns[0].sccrq, 3);
	l2tp_counters(rig.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 3);
	rig_stop();
}
END_TEST

/* Of the addresses that are said, those count that are ours to ask. */
START_TEST(directed)
{
	/* the second: RFC 3193 section 4, of a tunnel */
	static const struct l2tp_result said[] = { { .result = 2, .error = 9, .text = "203.0.113.9, 192.0.2.3" },
						   { .result = 2, .error = 7, .text = "192.0.2.3" } };

	rig_start(TWO " initiate-to ip 192.0.2.3 priority 7\n");
	*(_i ? &rig.lns[0].to_sccrq : &rig.lns[0].to_icrq) = &said[_i];
	dial(0);
	run(100);
	ck_assert_int_eq(where(0), 2);
	ck_assert_uint_eq(rig.lns[1].sccrq, 0);
	rig_stop();
}
END_TEST

/*
 * Three LNS with room for 100 calls between them, which the LAC does not know:
 * they say so.  None gets more than it takes, and who said so is left alone.
 */
START_TEST(a_hundred_calls)
{
	static const uint32_t limits[PEERS] = { 20, 30, 50 };

	rig_start(THREE);
	for (size_t i = 0; i < PEERS; i++) {
		rig.lns[i].limit = limits[i];
		rig.lns[i].params.busy = (enum l2tp_busy)i;
	}
	for (uint32_t i = 0; i < 100; i++) {
		dial(i);
		run(1 + i % 40);
		for (size_t k = 0; k < PEERS; k++)
			ck_assert_uint_le(lns_calls(&rig.lns[k]), limits[k]);
	}
	run(1000);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_ge(where(i), 0);
	for (size_t k = 0; k < PEERS; k++)
		ck_assert_uint_eq(lns_calls(&rig.lns[k]), limits[k]);
	ck_assert_uint_eq(rig.early, 0);
	dial(100);
	run(100);
	ck_assert(rig.calls[100].over && !rig.calls[100].up);
	ck_assert_uint_eq(rig.early, 0);
	rig_stop();
}
END_TEST

START_TEST(calls_avoid_a_tunnel_in_resync)
{
	rig_start(TWO);
	dial(0);
	run(100);
	ck_assert_int_eq(where(0), 0);
	l2tp_passivate(rig.l2tp);
	dialer_reset(rig.dialer);
	rig.lns[0].silent = true;	/* the resync lasts */
	l2tp_activate(rig.l2tp, rig.now);
	dialer_take_over(rig.dialer);
	dial(1);
	run(100);
	ck_assert_int_eq(where(1), 1);
	/* with nobody else they wait for it */
	rig.lns[1].full = true;
	rig.lns[1].limit = 1;
	dial(2);
	dial(3);
	run(100);
	ck_assert(!rig.calls[2].over && !rig.calls[3].over);
	rig.lns[0].silent = false;
	run(9000);
	ck_assert_int_eq(where(2), 0);
	ck_assert_int_eq(where(3), 0);
	ck_assert_uint_eq(rig.lns[0].sccrq, 1);
	rig_stop();
}
END_TEST

/*
 * Requests of both ends cross and theirs goes first: the calls are placed all the
 * same, at the same peer; in its tunnel if that is of the group that dials.
 */
START_TEST(a_lost_tie_costs_no_call)
{
	struct l2tp_tunnel_params params;
	struct l2tp_counters counters;
	uint16_t id;

	rig_start(TWO);
	rig.takes = _i ? "other" : NULL;
	rig_params(NULL, rig.config->vpdn_groups, &params);
	params.tie_break = true;	/* ours has none: theirs wins */
	ck_assert_int_eq(l2tp_tunnel_open(rig.lns[0].l2tp, rig.now, &rig.lns[0].addr, &rig.addr, &params, &id), 0);
	lns_drain(&rig.lns[0]);
	dial(0);
	dial(1);
	run(100);
	ck_assert_int_eq(where(0), 0);
	ck_assert_int_eq(where(1), 0);
	ck_assert_uint_eq(rig.lns[0].sccrq, _i ? 2 : 1);
	ck_assert_uint_eq(rig.lns[1].sccrq, 0);
	ck_assert_uint_eq(rig.history, 0);
	ck_assert_uint_eq(busy_peers(), 0);
	l2tp_counters(rig.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, _i ? 2 : 1);
	rig_stop();
}
END_TEST

START_TEST(given_up)
{
	const struct l2tp_result result = { .result = 3 };

	rig_start(TWO);
	dial(0);
	dial_cancel(rig.dials[0], rig.now, &result);
	run(100);
	ck_assert(!rig.calls[0].over);
	ck_assert_uint_eq(rig.lns[0].icrq, 0);
	dial(1);	/* the tunnel is up: the call is on the way at once */
	dial_cancel(rig.dials[1], rig.now, &result);
	run(100);
	ck_assert(!rig.calls[1].over);
	ck_assert_uint_eq(lns_calls(&rig.lns[0]), 0);
	rig_stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dial");
	TCase *tc = tcase_create("dial");

	tcase_add_test(tc, one_peer);
	tcase_add_test(tc, who_dials);
	tcase_add_test(tc, not_back_where_it_came_from);
	tcase_add_loop_test(tc, a_loop_seen_late, 0, 2);
	tcase_add_loop_test(tc, by_a_tunnel_of_the_peer, 0, 3);
	tcase_add_test(tc, the_first_is_silent);
	tcase_add_test(tc, the_first_only_acknowledges);
	tcase_add_test(tc, nobody_answers);
	tcase_add_loop_test(tc, stopccn, 0, CODES);
	tcase_add_loop_test(tc, cdn, 0, CODES);
	tcase_add_test(tc, one_peer_that_is_full);
	tcase_add_test(tc, ended_by_ourselves);
	tcase_add_test(tc, left_alone_for_a_minute);
	tcase_add_test(tc, the_time_is_configured_and_can_be_cut_short);
	tcase_add_test(tc, a_tunnel_that_stands_is_used);
	tcase_add_test(tc, load_is_shared);
	tcase_add_loop_test(tc, directed, 0, 2);
	tcase_add_test(tc, drained_peers_get_no_call);
	tcase_add_test(tc, a_drained_tunnel_gets_no_call);
	tcase_add_test(tc, a_full_tunnel_gets_no_call);
	tcase_add_test(tc, a_hundred_calls);
	tcase_add_test(tc, calls_avoid_a_tunnel_in_resync);
	tcase_add_loop_test(tc, a_lost_tie_costs_no_call, 0, 2);
	tcase_add_test(tc, given_up);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
