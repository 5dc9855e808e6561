// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests without end from addresses that are not theirs who send them: what
 * they cost in memory, what is sent to those addresses, that a tunnel which is
 * there notices nothing and a peer who wants one gets it within a second.
 */
#include <malloc.h>

#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_fixture.h"

#define REQUESTS 1000000
#define PER_MS 100		/* 100,000 a second */

/* An engine with the limits it has without a word of configuration. */
static void setup_default(void)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops ops = { .ctx = &box, .select_group = box_select, .random = box_random };

	setup();
	l2tp_free(box.l2tp);
	box.l2tp = l2tp_new(&config, &ops);
	l2tp_activate(box.l2tp, box.now);
}

static struct lac spoofed(uint32_t number)
{
	struct lac other;

	lac_init(&other, &box, (uint16_t)(number * 7919 + 1));
	if (!other.id)
		other.id = 1;
	other.addr = (struct l2tp_endpoint){ 4, { (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number, 9 },
					     (uint16_t)(1024 + number % 60000) };
	return other;
}

enum kind { PROPER, OF_NO_GROUP, MALFORMED, FROM_ONE };

static void request(enum kind kind, uint32_t number)
{
	struct lac other = spoofed(kind == FROM_ONE ? 1 : number);

	if (kind == FROM_ONE) {
		other.id = (uint16_t)(number % 65535 + 1);
		other.addr.port = (uint16_t)(1024 + number / 65535);	/* no request twice */
	}
	if (kind == MALFORMED)
		lac_begin(&other, MESSAGE_SCCRQ, 0);
	else
		lac_put_sccrq(&other);
	lac_raw(&other, 0, 0);
}

/* The tunnel of the fixture asks for a sign of life, and has it in the same wake-up. */
static void expect_life(void)
{
	box_forget_seen(&box);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	ck_assert_ptr_nonnull(box_sent(&box, 0, 0));
	ck_assert_uint_eq(box_sent(&box, 0, 0)->header.nr, lac.ns);
	ck_assert_uint_eq(box_sent(&box, 0, 0)->header.tunnel_id, lac.id);
}

START_TEST(flood)
{
	long before, most = 0, used;
	size_t sent = 0, octets = 0, stops = 0, i;
	struct l2tp_counters counters;
	uint32_t n, requests = _i == PROPER ? REQUESTS : REQUESTS / 5;

	lac_connect(&lac);
	box.refuse = _i == OF_NO_GROUP;
	before = (long)mallinfo2().uordblks;
	for (n = 0; n < requests; n++) {
		request((enum kind)_i, n);
		if (n % PER_MS)
			continue;
		box_at(&box, box.now + 1);
		sent += box_count(&box, L2TP_ACTION_SEND);
		stops += box_sent_count(&box, MESSAGE_STOPCCN);
		for (i = 0; i < box.seen_count; i++)
			octets += box.seen[i].action.len;
		if (n % 10000 == 0)
			expect_life();
		box_forget_seen(&box);
		used = (long)mallinfo2().uordblks - before;
		most = used > most ? used : most;
	}
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 1);
	ck_assert_uint_le(counters.tunnels, 1 + 500);
	ck_assert_int_lt(most, 4l << 20);
	ck_assert_uint_gt(counters.rx_refused, requests / 2);
	/* little of it goes back, in packets and in octets */
	ck_assert_uint_le(sent, requests / 50);
	ck_assert_uint_le(octets, (size_t)requests * 60 / 25);
	ck_assert_uint_le(stops, 1000 + requests / PER_MS);
	if (_i == PROPER || _i == FROM_ONE)
		ck_assert_uint_eq(stops, 0);
	if (_i == FROM_ONE)
		ck_assert_uint_le(counters.tunnels, 1 + 50);
	/* When it is over everything is as before, for others and for the memory. */
	box.refuse = false;
	box_at(&box, box.now + 10000);
	box_forget_seen(&box);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 1);
	ck_assert_int_lt((long)mallinfo2().uordblks - before, 1l << 20);
	expect_life();
	box_forget_seen(&box);
	lac_init(&lac, &box, 4711);
	lac_connect(&lac);
	lac_call(&lac, 1);
}
END_TEST

/* Who is refused asks again in a second, and is told then. */
START_TEST(refusals_are_told_to_everybody_in_time)
{
	struct lac one;
	uint32_t n, told = 0, asked;

	box.refuse = true;
	for (asked = 0; asked < 4; asked++) {
		for (n = told; n < 3000; n++) {
			one = spoofed(n);
			lac_put_sccrq(&one);
			lac_raw(&one, 0, 0);
		}
		box_drain(&box);
		told += (uint32_t)box_sent_count(&box, MESSAGE_STOPCCN);
		box_forget_seen(&box);
		box_at(&box, box.now + 1000);
	}
	ck_assert_uint_eq(told, 3000);
}
END_TEST

/* A request that is given up in silence; one whose sender is there is told so. */
START_TEST(nobody_answered)
{
	struct l2tp_counters counters;

	lac_put_sccrq(&lac);
	lac_end(&lac);
	box_at(&box, box.now + 10000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 0);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
	ck_assert_uint_eq(l2tp_deadline_ms(box.l2tp), UINT64_MAX);
}
END_TEST

/* All places are taken by forged requests, 100 more in each millisecond. */
static void flood_for(enum kind kind, unsigned ms)
{
	static uint32_t number = 5000;
	unsigned i;

	while (ms--) {
		for (i = 0; i < PER_MS; i++)
			request(kind, number++);
		box_at(&box, box.now + 1);
		box_forget_seen(&box);
	}
}

static bool lac_asks(struct lac *l)
{
	const struct seen *seen;

	lac_put_sccrq(l);
	lac_raw(l, 0, 0);
	box_drain(&box);
	seen = box_sent(&box, MESSAGE_SCCRP, 0);
	l->ns = 1;
	l->nr = 1;
	l->peer_id = seen ? message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID) : 0;
	box_forget_seen(&box);
	return seen;
}

static void lac_gets_it(struct lac *l)
{
	lac_begin(l, MESSAGE_SCCCN, 0);
	lac_end(l);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_UP), 1);
	box_forget_seen(&box);
}

/* Who repeats his request, as a peer does and a forger does not, is let in at the first repetition. */
START_TEST(who_asks_again_gets_in)
{
	flood_for(PROPER, 20);
	ck_assert(!lac_asks(&lac));
	flood_for(PROPER, 1000);
	ck_assert(lac_asks(&lac));
	flood_for(PROPER, 300);
	lac_gets_it(&lac);
}
END_TEST

/* The same from the address of the LAC itself: its limit is full of requests in its name. */
START_TEST(who_is_impersonated_gets_in)
{
	struct lac real = spoofed(1);

	real.id = 7;
	real.addr.port = 1701;
	flood_for(FROM_ONE, 20);
	ck_assert(!lac_asks(&real));
	flood_for(FROM_ONE, 1000);
	ck_assert(lac_asks(&real));
	flood_for(FROM_ONE, 300);
	lac_gets_it(&real);
}
END_TEST

/* Who had a tunnel lately gets in at once, whatever became of it. */
START_TEST(who_was_here_gets_in)
{
	lac_connect(&lac);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, STOPCCN_GENERAL, "");
	lac_end(&lac);
	box_at(&box, box.now + 3600 * 1000);
	flood_for(PROPER, 20);
	lac_init(&lac, &box, 78);
	ck_assert(lac_asks(&lac));
	flood_for(PROPER, 300);
	lac_gets_it(&lac);
}
END_TEST

/* A peer that has shown that it hears us is not replaced by anybody. */
START_TEST(who_answers_stays)
{
	struct lac late = spoofed(3);
	unsigned i;

	ck_assert(lac_asks(&lac));
	lac_zlb(&lac);
	flood_for(PROPER, 20);
	late.id = 9;
	for (i = 0; i < 3; i++) {
		lac_asks(&late);
		flood_for(PROPER, 1000);
	}
	lac_gets_it(&lac);
}
END_TEST

/* Forgers that repeat everything: one of a rank has a second for his answer. */
START_TEST(who_asks_again_has_his_second)
{
	uint32_t n, round;

	for (round = 0; round < 2; round++) {
		for (n = 0; n < 3000; n++)
			request(PROPER, n);
		box_at(&box, box.now + 100);
		box_forget_seen(&box);
	}
	ck_assert(!lac_asks(&lac));
	ck_assert(!lac_asks(&lac));
	box_at(&box, box.now + 1000);
	box_forget_seen(&box);
	ck_assert(lac_asks(&lac));
	for (n = 0; n < 3000; n++)
		request(PROPER, n);
	lac_gets_it(&lac);
}
END_TEST

/* A stranger has less time as soon as half of the places are taken. */
START_TEST(strangers_have_less_time)
{
	struct l2tp_counters counters;
	uint32_t n;

	for (n = 0; n < 400; n++)
		request(PROPER, n);
	box_at(&box, box.now + 3000);
	box_forget_seen(&box);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 250);
	box_at(&box, box.now + 7000);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 0);
}
END_TEST

/* An IPv6 network of one customer is one peer. */
START_TEST(one_network_is_one_peer)
{
	struct l2tp_counters counters;
	struct lac other;
	uint32_t n;

	for (n = 0; n < 200; n++) {
		other = spoofed(n);
		other.addr.family = 6;
		memcpy(other.addr.addr, (uint8_t[16]){ 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, (uint8_t)n }, 16);
		lac_put_sccrq(&other);
		lac_raw(&other, 0, 0);
	}
	box_at(&box, box.now + 1);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels, 50);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flood");
	TCase *tcase = tcase_create("flood");

	tcase_add_checked_fixture(tcase, setup_default, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, flood, PROPER, FROM_ONE + 1);
	tcase_add_test(tcase, refusals_are_told_to_everybody_in_time);
	tcase_add_test(tcase, nobody_answered);
	tcase_add_test(tcase, who_asks_again_gets_in);
	tcase_add_test(tcase, who_is_impersonated_gets_in);
	tcase_add_test(tcase, who_was_here_gets_in);
	tcase_add_test(tcase, who_answers_stays);
	tcase_add_test(tcase, who_asks_again_has_his_second);
	tcase_add_test(tcase, strangers_have_less_time);
	tcase_add_test(tcase, one_network_is_one_peer);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
