// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tunnel switch: which calls go on and where, that everything the LAC said
 * of them goes on too, and that each side hears why the other ended.  A LAC and
 * two LNSes are engines of our own; the daemon's group is between them, on the
 * null data plane.  Switchovers are the simulator's (tests/sim/switch.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "netlink/null.h"
#include "tests/unit/check_main.h"

#define ENDS 3			/* the LAC, two LNSes */

static const char config_text[] =
	"hostname switch\nvpdn enable\nvpdn multihop\nip local pool P 10.64.0.2 10.64.0.99\n"
	"interface virtual-template 1\n ip address 10.64.0.1\n peer default ip address pool P\n"
	"vpdn-group in\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n no l2tp tunnel authentication\n"
	"vpdn-group by-domain\n request-dialin\n  protocol l2tp\n  domain isp.example\n initiate-to ip 192.0.2.11\n"
	" source-ip 192.0.2.1\n no l2tp tunnel authentication\n"
	"vpdn-group by-number\n request-dialin\n  protocol l2tp\n  dnis 5551234\n initiate-to ip 192.0.2.12\n"
	" source-ip 192.0.2.1\n no l2tp tunnel authentication\n"
	"bba-group pppoe ACCESS\n interface eth7\n virtual-template 1\n"
	"vpdn-group by-peer\n request-dialin\n  protocol l2tp\n  multihop-hostname lac-9\n initiate-to ip 192.0.2.12\n"
	" source-ip 192.0.2.1\n no l2tp tunnel authentication\n";

static struct end {
	struct l2tp *l2tp;
	struct l2tp_endpoint addr;
	uint16_t tid, sid;		/* of the last call that came up */
	bool up;
	struct l2tp_result result;	/* of the last that went down */
	unsigned downs;
	uint32_t numbers[6];		/* WEN, SLI, CSUN */
	bool refuse;			/* calls */
} ends[ENDS];
static struct config *config;
static struct dp *dp;
static struct group *group;
static uint64_t now;
static unsigned ppp_starts, ppp_kills, verdicts, access_ends;
static struct ppp_verdict verdict;
static struct { uint8_t data[1500]; size_t len; struct l2tp_endpoint from, to; } net[64];
static size_t net_count;

static void put(const struct l2tp_endpoint *from, const struct l2tp_endpoint *to, const uint8_t *data, size_t len)
{
	ck_assert_uint_lt(net_count, 64);
	memcpy(net[net_count].data, data, len);
	net[net_count].len = len;
	net[net_count].from = *from;
	net[net_count++].to = *to;
}

static void transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer, const uint8_t *data,
		     size_t len)
{
	(void)ctx;
	put(local, peer, data, len);
}

static void pseudo_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)rand();
}

static int persist(void *ctx, uint64_t epoch)
{
	(void)ctx, (void)epoch;
	return 0;
}

static bool select_any(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p)
{
	const struct end *end = ctx;

	(void)info;
	*p = (struct l2tp_tunnel_params){ .receive_window = 16, .retransmit_retries = 5, .retransmit_min_s = 1,
					  .retransmit_max_s = 4, .setup_timeout_s = 10, .refuse_dialin = end->refuse };
	snprintf(p->local_name, sizeof(p->local_name), "end");
	return true;
}

static int start(void *engine, const struct ppp_params *p)
{
	(void)engine, (void)p;
	ppp_starts++;
	return 0;
}
static void no_key(void *engine, struct ppp_key key)
{
	(void)engine, (void)key;
}
static void kill_ppp(void *engine, struct ppp_key key)
{
	(void)engine, (void)key;
	ppp_kills++;
}
static void reply(void *engine, struct ppp_key key, const struct ppp_verdict *v)
{
	(void)engine, (void)key;
	verdicts++;
	verdict = *v;
}
static const struct ppp_engine_ops ppp_ops = { .start = start, .activate = no_key, .kill = kill_ppp, .terminate = no_key,
					       .auth_reply = reply };

static void access_end(void *ctx, uint16_t session_id, const char *why)
{
	(void)ctx, (void)why;
	ck_assert_uint_eq(session_id, 77);
	access_ends++;
}

static bool own_address(void *ctx, const struct l2tp_endpoint *address)
{
	(void)ctx;
	return address->addr[3] == 1;
}

static void end_run(struct end *end)
{
	struct l2tp_dirty dirty;
	struct l2tp_action a;

	l2tp_tick(end->l2tp, now);
	while (l2tp_dirty_next(end->l2tp, &dirty))
		;
	while (l2tp_action_next(end->l2tp, &a)) {
		if (a.type == L2TP_ACTION_SEND)
			put(&end->addr, &a.peer, a.data, a.len);
		if (a.type == L2TP_ACTION_SESSION_UP) {
			end->up = true;
			end->tid = a.tunnel_id;
			end->sid = a.session_id;
		}
		if (a.type == L2TP_ACTION_SESSION_DOWN) {
			end->up = false;
			end->result = a.result;
			end->downs++;
		}
		if (a.type == L2TP_ACTION_WEN || a.type == L2TP_ACTION_SLI || a.type == L2TP_ACTION_SPEED)
			memcpy(end->numbers, a.numbers, sizeof(end->numbers));
	}
}

static void deliver(void)
{
	size_t count = net_count;
	static typeof(net[0]) copy[64];

	memcpy(copy, net, count * sizeof(net[0]));
	net_count = 0;
	for (size_t i = 0; i < count; i++) {
		int e = 0;

		while (e < ENDS && !endpoint_addr_equal(&ends[e].addr, &copy[i].to))
			e++;
		if (e < ENDS)
			l2tp_input(ends[e].l2tp, now, &ends[e].addr, &copy[i].from, copy[i].data, copy[i].len);
		else if (copy[i].to.addr[3] == 1)
			group_packet(group, now, &copy[i].to, &copy[i].from, copy[i].data, copy[i].len);
	}
}

static void run(unsigned ms)
{
	for (; ms; ms--) {
		now++;
		deliver();
		for (int e = 0; e < ENDS; e++)
			end_run(&ends[e]);
		group_now(group, now);
		dp_null_run(dp, now);
		group_tick(group, now);
	}
}

static void setup(void)
{
	static const char *const addresses[ENDS] = { "192.0.2.10", "192.0.2.11", "192.0.2.12" };
	struct dp_null_config null = { .transmit = transmit };
	struct dp_events events = { 0 };
	struct group_ops ops = { .random = pseudo_random, .persist_epoch = persist, .access_end = access_end,
				 .own_address = own_address };
	struct group_config gc = { .id_min = 1, .id_max = 65535, .unix_minus_monotonic_ms = 1700000000000 };
	struct l2tp_config lc = { .id_min = 1, .id_max = 65535, .max_half_open = 10, .max_half_open_per_peer = 10 };
	char error[256];

	now = 1000;
	net_count = ppp_starts = ppp_kills = verdicts = access_ends = 0;
	memset(ends, 0, sizeof(ends));
	config = config_parse("test", config_text, error);
	ck_assert_msg(config != NULL, "%s", error);
	ck_assert_msg(!config_check(config, error), "%s", error);
	for (int e = 0; e < ENDS; e++) {
		struct l2tp_ops lo = { .ctx = &ends[e], .select_group = select_any, .random = pseudo_random };

		ck_assert(endpoint_parse(&ends[e].addr, addresses[e]) == 0);
		ends[e].addr.port = L2TP_PORT;
		ends[e].l2tp = l2tp_new(&lc, &lo);
		l2tp_activate(ends[e].l2tp, now);
	}
	dp = dp_null_new(&null, &events);
	gc.config = config;
	group = group_new(&gc, &ops, dp, &ppp_ops, NULL, now);
	ck_assert_msg(!group_start(group, now, error), "%s", error);
	run(100);
}

static void teardown(void)
{
	group_free(group);
	while (dp_null_pending(dp))
		dp_null_run(dp, UINT64_MAX);
	dp->ops->free(dp);
	for (int e = 0; e < ENDS; e++)
		l2tp_free(ends[e].l2tp);
	config_free(config);
}

/* A call of that number, with what is said of it besides. */
static void call_with(const char *lac, const char *number, const struct l2tp_avp *avps, size_t count)
{
	struct l2tp_call_params p = { .call_serial = 4711, .framing_type = 1, .tx_speed = 100000000, .rx_speed = 40000000,
				      .called = number, .calling = "5550000", .csu_enabled = true, .avps = avps,
				      .avp_count = count };
	struct l2tp_tunnel_params tp;
	struct l2tp_endpoint to = { .port = L2TP_PORT };
	uint16_t tid, sid;

	endpoint_parse(&to, "192.0.2.1");
	to.port = L2TP_PORT;
	select_any(&ends[0], NULL, &tp);
	snprintf(tp.local_name, sizeof(tp.local_name), "%s", lac);
	ck_assert_int_eq(l2tp_tunnel_open(ends[0].l2tp, now, &ends[0].addr, &to, &tp, &tid), 0);
	ck_assert_int_eq(l2tp_call_open(l2tp_tunnel_find(ends[0].l2tp, tid), now, L2TP_CALL_IN_LAC, &p, &sid), 0);
	run(200);
}

/* With all a LAC can say of a user. */
static void call(const char *lac, const char *number, const char *user)
{
	static const uint8_t lcp[] = { 1, 4, 5, 180 }, type[] = { 0, 2 }, id[] = { 0, 7 }, up[] = { 0, 0, 0, 0, 0, 0x98, 0x96, 0x80 };
	const struct l2tp_avp avps[] = {
		{ 0, 26, lcp, 4 }, { 0, 27, lcp, 4 }, { 0, 28, lcp, 4 }, { 0, 29, type, 2 }, { 0, 30, user, strlen(user) },
		{ 0, 31, "challenge", 9 }, { 0, 32, id, 2 }, { 0, 33, "response", 8 },
		{ L2TP_VENDOR_ACCESS_LINE, 1, "circuit-7", 9 }, { L2TP_VENDOR_ACCESS_LINE, 129, up, 8 },
	};

	call_with(lac, number, avps, sizeof(avps) / sizeof(avps[0]));
}

static struct l2tp_session *session_of(const struct end *end)
{
	return l2tp_session_find(end->l2tp, end->tid, end->sid);
}

/* Both legs are the only ones there are, and joined. */
static void expect_joined(void)
{
	struct subscriber *sub = group->subs;
	uint16_t t, s;

	ck_assert_uint_eq(HASH_COUNT(group->subs), 2);
	ck_assert_uint_eq(dp_null_sessions(dp), 2);
	ck_assert_uint_eq(ppp_starts, 0);
	ck_assert(sub->other && dp_null_joined(dp, sub->tunnel_id, sub->session_id, &t, &s));
	ck_assert_uint_eq(sub_key(t, s), sub->other);
}

static void expect_gone(void)
{
	ck_assert_ptr_null(group->subs);
	ck_assert_uint_eq(dp_null_sessions(dp), 0);
}

/* ---- where to ------------------------------------------------------------- */

START_TEST(search_order)
{
	static const struct { const char *order, *host, *dnis, *user, *group; } rows[] = {
		{ "", "lac-9", "5551234", "a@isp.example", "by-peer" },
		{ "", "lac-1", "5551234", "a@isp.example", "by-number" },
		{ "", "lac-1", "5550000", "a@isp.example", "by-domain" },
		{ "", "lac-1", "5550000", "a@b@isp.example", "by-domain" },
		{ "", "lac-1", "5550000", "a@other.example", NULL },
		{ "", "lac-1", "", "isp.example", NULL },
		{ "vpdn search-order domain dnis multihop-hostname\n", "lac-9", "5551234", "a@isp.example", "by-domain" },
		{ "vpdn search-order domain dnis multihop-hostname\n", "lac-9", "5551234", "a", "by-number" },
		{ "vpdn search-order dnis\n", "lac-9", "1", "a@isp.example", NULL },
	};
	char text[4096], error[256];
	const struct config_vpdn_group *vg;
	struct config *c;

	snprintf(text, sizeof(text), "%s%s", config_text, rows[_i].order);
	c = config_parse("test", text, error);
	ck_assert_msg(c != NULL, "%s", error);
	vg = switch_group(c, rows[_i].host, rows[_i].dnis, rows[_i].user);
	ck_assert_str_eq(vg ? vg->name : "none", rows[_i].group ? rows[_i].group : "none");
	config_free(c);
}
END_TEST

START_TEST(search_order_is_kept)
{
	char error[256], *printed;
	struct config *c = config_parse("test", "vpdn search-order domain multihop-hostname\nvpdn multihop\n", error);

	ck_assert_msg(c != NULL, "%s", error);
	printed = config_print(c, 0);
	ck_assert_ptr_nonnull(strstr(printed, "vpdn search-order domain multihop-hostname\n"));
	ck_assert_ptr_nonnull(strstr(printed, "vpdn multihop\n"));
	free(printed);
	config_free(c);
	c = config_parse("test", "vpdn search-order domain domain\n", error);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(error, "each of them once"));
}
END_TEST

START_TEST(what_nobody_dials_for_ends_here)
{
	call("lac-1", "5550000", "a@other.example");
	ck_assert(ends[0].up && !ends[1].up && !ends[2].up);
	ck_assert_uint_eq(ppp_starts, 1);
}
END_TEST

START_TEST(without_multihop_all_end_here)
{
	config->multihop = false;
	call("lac-1", "5551234", "a@isp.example");
	ck_assert(ends[0].up && !ends[1].up && !ends[2].up);
	ck_assert_uint_eq(ppp_starts, 1);
}
END_TEST

/* ---- what goes along ------------------------------------------------------ */

START_TEST(attributes_go_on)
{
	struct l2tp_session_state_rec a, b;

	call("lac-1", "", "a@isp.example");
	ck_assert(ends[0].up && ends[1].up);
	expect_joined();
	l2tp_session_export(session_of(&ends[0]), &a);
	l2tp_session_export(session_of(&ends[1]), &b);
	ck_assert_uint_eq(b.call_serial, 4711);
	ck_assert_str_eq(b.calling, "5550000");
	ck_assert_uint_eq(b.tx_speed, a.tx_speed);
	ck_assert_uint_eq(b.rx_speed, a.rx_speed);
	ck_assert_uint_eq(b.framing_type, a.framing_type);
	ck_assert(b.csu_enabled);
	for (unsigned attr = 26; attr <= 33; attr++) {
		size_t alen, blen;
		const uint8_t *x = l2tp_session_avp(session_of(&ends[0]), 0, (uint16_t)attr, &alen);
		const uint8_t *y = l2tp_session_avp(session_of(&ends[1]), 0, (uint16_t)attr, &blen);

		ck_assert(x && y && alen == blen && !memcmp(x, y, alen));
	}
	for (unsigned attr = 1; attr <= 129; attr += 128) {
		size_t alen, blen;
		const uint8_t *x = l2tp_session_avp(session_of(&ends[0]), L2TP_VENDOR_ACCESS_LINE, (uint16_t)attr, &alen);
		const uint8_t *y = l2tp_session_avp(session_of(&ends[1]), L2TP_VENDOR_ACCESS_LINE, (uint16_t)attr, &blen);

		ck_assert(x && y && alen == blen && !memcmp(x, y, alen));
	}
}
END_TEST

START_TEST(messages_of_a_call_go_on)
{
	static const uint32_t errors[6] = { 1, 2, 3, 4, 5, 6 };

	call("lac-1", "5551234", "a");
	ck_assert(ends[0].up && ends[2].up);
	ck_assert_int_eq(l2tp_session_send_errors(session_of(&ends[0]), now, errors), 0);
	run(50);
	ck_assert_mem_eq(ends[2].numbers, errors, sizeof(errors));
	ck_assert_int_eq(l2tp_session_send_accm(session_of(&ends[2]), now, 0xa0000, 0xff), 0);
	run(50);
	ck_assert_uint_eq(ends[0].numbers[0], 0xa0000);
	ck_assert_uint_eq(ends[0].numbers[1], 0xff);
	ck_assert_int_eq(l2tp_session_send_speed(session_of(&ends[0]), now, 50000000, 10000000), 0);
	run(50);
	ck_assert_uint_eq(ends[2].numbers[0], 50000000);
	ck_assert_uint_eq(ends[2].numbers[1], 10000000);
}
END_TEST

/* ---- how it ends ---------------------------------------------------------- */

/* Either side hangs up: the other is told the same. */
START_TEST(causes_go_through)
{
	struct l2tp_result r = { .result = 3, .error = 0, .text = "enough", .q931_cause = 16,
				 .ppp = { .present = true, .code = 3, .protocol = 0xc021, .direction = 1, .text = "bye" } };
	struct end *from = &ends[_i ? 1 : 0], *to = &ends[_i ? 0 : 1];

	call("lac-1", "", "a@isp.example");
	expect_joined();
	l2tp_session_close(session_of(from), now, &r);
	run(100);
	ck_assert_uint_eq(to->downs, 1);
	ck_assert_uint_eq(to->result.result, 3);
	ck_assert_str_eq(to->result.text, "enough");
	ck_assert_uint_eq(to->result.q931_cause, 16);
	ck_assert(to->result.ppp.present && to->result.ppp.code == 3 && to->result.ppp.protocol == 0xc021 &&
		  to->result.ppp.direction == 1);
	ck_assert_str_eq(to->result.ppp.text, "bye");
	expect_gone();
}
END_TEST

/* Result codes of a tunnel mean nothing to a call. */
START_TEST(a_tunnel_that_ends)
{
	struct l2tp_result r = { .result = 6, .text = "shutting down" };
	struct end *from = &ends[_i ? 1 : 0], *to = &ends[_i ? 0 : 1];

	call("lac-1", "", "a@isp.example");
	l2tp_tunnel_close(l2tp_tunnel_find(from->l2tp, from->tid), now, &r);
	run(100);
	ck_assert_uint_eq(to->downs, 1);
	ck_assert_uint_eq(to->result.result, 1);	/* carrier lost */
	ck_assert_ptr_nonnull(strstr(to->result.text, "shutting down"));
	expect_gone();
}
END_TEST

START_TEST(a_refusal_is_the_answer)
{
	ends[1].refuse = true;
	call("lac-1", "", "a@isp.example");
	run(500);
	ck_assert(!ends[0].up && !ends[1].up);
	ck_assert_uint_eq(ends[0].downs, 1);
	ck_assert_uint_ne(ends[0].result.result, 0);
	expect_gone();
}
END_TEST

/* To who placed it, by his address or by what he calls himself; to ourselves. */
START_TEST(a_loop_is_refused)
{
	struct group_failure f;

	if (_i != 1)
		ck_assert_int_eq(endpoint_parse(&config->vpdn_groups->next->peers[0].address, _i ? "192.0.2.1" : "192.0.2.10"), 0);
	call(_i == 1 ? "end" : "lac-1", "", "a@isp.example");
	ck_assert_uint_eq(ends[0].downs, 1);
	ck_assert_uint_eq(ends[0].result.result, 26);
	ck_assert_ptr_nonnull(strstr(ends[0].result.text, "loop"));
	ck_assert_uint_eq(group_failures(group, &f, 1), 1);
	ck_assert_str_eq(f.type, "Loop detected");
	ck_assert(!ends[1].up);
	expect_gone();
}
END_TEST

START_TEST(hung_up_while_it_is_dialled)
{
	struct l2tp_result r = { .result = 3 };

	ends[1].addr.addr[3] = 99;	/* nobody answers */
	call("lac-1", "", "a@isp.example");
	ck_assert(ends[0].up);
	ck_assert_uint_eq(dp_null_sessions(dp), 0);	/* nothing is made before it is known where to */
	l2tp_session_close(session_of(&ends[0]), now, &r);
	run(100);
	expect_gone();
	run(60000);
	expect_gone();
}
END_TEST

START_TEST(nobody_answers)
{
	ends[1].addr.addr[3] = 99;
	call("lac-1", "", "a@isp.example");
	run(60000);
	ck_assert_uint_eq(ends[0].downs, 1);
	ck_assert_uint_eq(ends[0].result.result, 4);	/* not now: a LAC may try another */
	expect_gone();
}
END_TEST

/* ---- a user whom only we ask ------------------------------------------------ */

static void says(const char *user, bool lcp, bool chap)
{
	struct subscriber *sub = group->subs;
	struct ppp_auth auth = { .kind = chap ? PPP_AUTH_CHAP_MD5 : PPP_AUTH_PAP, .chap_id = 9 };

	while (sub && sub->dialled)
		sub = sub->hh.next;
	ck_assert_ptr_nonnull(sub);
	snprintf(auth.user, sizeof(auth.user), "%s", user);
	if (chap) {
		memcpy(auth.challenge, "challenge", auth.challenge_len = 9);
		memcpy(auth.response, "response", auth.response_len = 8);
	} else {
		snprintf(auth.password, sizeof(auth.password), "pw");
	}
	if (lcp) {
		memcpy(auth.lcp.first_received, "\1\4\5\306", auth.lcp.first_received_len = 4);
		memcpy(auth.lcp.sent, "\1\4\5\264", auth.lcp.sent_len = 4);
		memcpy(auth.lcp.received, "\1\4\5\304", auth.lcp.received_len = 4);
	}
	group_ppp_events()->auth_request(group, ppp_key_of(sub), &auth);
	run(200);
}

static void expect_avp(uint16_t attr, const void *value, size_t len)
{
	size_t got_len;
	const uint8_t *got = l2tp_session_avp(session_of(&ends[1]), 0, attr, &got_len);

	ck_assert_msg((got != NULL) == (value != NULL), "AVP %u", attr);
	if (value)
		ck_assert_msg(got_len == len && !memcmp(got, value, len), "AVP %u", attr);
}

/* His LAC says nothing of him: LCP and the name are exchanged here once, and go on; PPP here ends without a word. */
START_TEST(asked_here_then_switched)
{
	static const struct l2tp_avp line[] = { { L2TP_VENDOR_ACCESS_LINE, 1, "circuit-7", 9 } };
	struct l2tp_session_state_rec s;
	uint16_t t, sid;
	size_t len;

	call_with("lac-1", "5550000", line, 1);
	ck_assert(ends[0].up && !ends[1].up);
	ck_assert_uint_eq(ppp_starts, 1);
	says("a@isp.example", true, _i);
	ck_assert(ends[0].up && ends[1].up);
	ck_assert_uint_eq(verdicts, 0);		/* the LNS answers him */
	ck_assert_uint_eq(ppp_kills, 1);
	ck_assert_uint_eq(HASH_COUNT(group->subs), 2);
	ck_assert_uint_eq(dp_null_sessions(dp), 2);
	ck_assert(group->subs->other && group->subs->ppp == SUB_PPP_NONE);
	ck_assert(dp_null_joined(dp, group->subs->tunnel_id, group->subs->session_id, &t, &sid));
	ck_assert_uint_eq(sub_key(t, sid), group->subs->other);
	l2tp_session_export(session_of(&ends[1]), &s);
	ck_assert_uint_eq(s.call_serial, 4711);
	ck_assert_str_eq(s.calling, "5550000");
	ck_assert_uint_eq(s.tx_speed, 100000000);
	expect_avp(26, "\1\4\5\306", 4);
	expect_avp(27, "\1\4\5\264", 4);
	expect_avp(28, "\1\4\5\304", 4);
	expect_avp(29, _i ? "\0\2" : "\0\3", 2);
	expect_avp(30, "a@isp.example", 13);
	expect_avp(31, _i ? "challenge" : NULL, 9);
	expect_avp(32, "\0\11", 2);
	expect_avp(33, _i ? "response" : "pw", _i ? 8 : 2);
	ck_assert_ptr_nonnull(l2tp_session_avp(session_of(&ends[1]), L2TP_VENDOR_ACCESS_LINE, 1, &len));
	l2tp_session_close(session_of(&ends[0]), now, &(struct l2tp_result){ .result = 1, .text = "hung up" });
	run(100);
	ck_assert_uint_eq(ends[1].downs, 1);
	ck_assert_str_eq(ends[1].result.text, "hung up");
	expect_gone();
}
END_TEST

/* What his LAC has negotiated stands, what it said of another name does not come along. */
START_TEST(lcp_of_the_lac_goes_on)
{
	static const struct l2tp_avp avps[] = { { 0, 26, "\1\4\5\1", 4 }, { 0, 27, "\1\4\5\2", 4 }, { 0, 28, "\1\4\5\3", 4 },
						{ 0, 29, "\0\4", 2 } };

	call_with("lac-1", "", avps, 4);
	says("a@isp.example", false, false);
	ck_assert(ends[1].up);
	expect_avp(26, "\1\4\5\1", 4);
	expect_avp(27, "\1\4\5\2", 4);
	expect_avp(28, "\1\4\5\3", 4);
	expect_avp(29, "\0\3", 2);
	expect_avp(33, "pw", 2);
}
END_TEST

/* Nobody dials for him, or his name is not looked at: it is we who say who he is. */
START_TEST(asked_here_and_served_here)
{
	if (_i) {
		config->search_order[0] = CONFIG_SEARCH_HOSTNAME;
		config->search_order[1] = CONFIG_SEARCH_DNIS;
		config->search_order[2] = CONFIG_SEARCH_NONE;
	}
	call_with("lac-1", "", NULL, 0);
	says(_i ? "a@isp.example" : "a@other.example", true, false);
	ck_assert_uint_eq(ppp_starts, 1);
	ck_assert_uint_eq(verdicts, 1);
	ck_assert(!verdict.ok);
	ck_assert(!ends[1].up && !ends[2].up);
}
END_TEST

/* The domain comes first, and nobody has his: then the number is looked at. */
START_TEST(the_number_after_the_name)
{
	config->search_order[0] = CONFIG_SEARCH_DOMAIN;
	config->search_order[1] = CONFIG_SEARCH_DNIS;
	call_with("lac-1", "5551234", NULL, 0);
	ck_assert_uint_eq(ppp_starts, 1);
	says("a@other.example", true, false);
	ck_assert(ends[2].up);
	ck_assert_uint_eq(verdicts, 0);
}
END_TEST

START_TEST(asked_here_and_refused_there)
{
	ends[1].refuse = true;
	call_with("lac-1", "", NULL, 0);
	says("a@isp.example", true, false);
	run(500);
	ck_assert_uint_eq(ends[0].downs, 1);
	ck_assert_uint_ne(ends[0].result.result, 0);
	ck_assert_uint_eq(ppp_kills, 1);
	expect_gone();
}
END_TEST

START_TEST(hung_up_while_he_is_dialled)
{
	ends[1].addr.addr[3] = 99;
	call_with("lac-1", "", NULL, 0);
	says("a@isp.example", true, false);
	says("a@isp.example", true, false);	/* he says it again; it is dialled once */
	ck_assert_uint_eq(verdicts, 0);
	ck_assert_uint_eq(ppp_kills, 0);
	l2tp_session_close(session_of(&ends[0]), now, &(struct l2tp_result){ .result = 3 });
	run(60000);
	ck_assert_uint_eq(ppp_kills, 1);
	expect_gone();
}
END_TEST

/* ---- PPPoE ----------------------------------------------------------------- */

static void subscriber_comes(const char *user)
{
	struct group_access access = { .session_id = 77, .bba = "ACCESS", .ifname = "eth7", .mac = { 2, 0, 0, 0, 0, 9 },
				       .circuit = "eth 1/1/04/22", .fd = -1 };
	struct ppp_auth auth = { .kind = PPP_AUTH_PAP, .password = "pw" };

	ck_assert_int_eq(group_access_open(group, now, &access), 0);
	ck_assert_int_eq(group_access_open(group, now, &access), -EEXIST);
	ck_assert_uint_eq(ppp_starts, 1);
	snprintf(auth.user, sizeof(auth.user), "%s", user);
	memcpy(auth.lcp.sent, "\1\4\5\264", 4);
	memcpy(auth.lcp.received, "\1\4\5\304", 4);
	auth.lcp.sent_len = auth.lcp.received_len = 4;
	group_ppp_events()->auth_request(group, (struct ppp_key){ 0, 77 }, &auth);
	run(200);
}

static void expect_no_access(void)
{
	struct group_access access;

	ck_assert(!group_access_next(group, 0, &access));
	ck_assert_uint_eq(access_ends, 1);
	expect_gone();
}

/* LCP and who he is go along; the kernel joins his socket with the call, and PPP here is ended without a word. */
START_TEST(pppoe_is_dialled_on)
{
	struct l2tp_session_state_rec s;
	const uint8_t *value;
	uint16_t t, sid;
	size_t len;

	subscriber_comes("a@isp.example");
	ck_assert(ends[1].up);
	ck_assert_uint_eq(verdicts, 0);		/* the LNS answers him */
	ck_assert_uint_eq(ppp_kills, 1);
	ck_assert_uint_eq(dp_null_sessions(dp), 1);
	l2tp_session_export(session_of(&ends[1]), &s);
	ck_assert(dp_null_joined(dp, l2tp_tunnel_next(group->l2tp, 0), s.peer_id, &t, &sid) && !t && !sid);
	ck_assert_str_eq(s.calling, "02:00:00:00:00:09");
	value = l2tp_session_avp(session_of(&ends[1]), 0, 27, &len);
	ck_assert(value && len == 4 && !memcmp(value, "\1\4\5\264", 4));
	value = l2tp_session_avp(session_of(&ends[1]), 0, 29, &len);
	ck_assert(value && len == 2 && value[1] == 3);
	value = l2tp_session_avp(session_of(&ends[1]), 0, 30, &len);
	ck_assert(value && len == 13 && !memcmp(value, "a@isp.example", 13));
	value = l2tp_session_avp(session_of(&ends[1]), 0, 33, &len);
	ck_assert(value && len == 2 && !memcmp(value, "pw", 2));
	value = l2tp_session_avp(session_of(&ends[1]), L2TP_VENDOR_ACCESS_LINE, 1, &len);
	ck_assert(value && len == 13 && !memcmp(value, "eth 1/1/04/22", 13));
}
END_TEST

START_TEST(pppoe_closed_by_the_subscriber)
{
	subscriber_comes("a@isp.example");
	group_access_closed(group, now, 77);
	run(100);
	ck_assert_uint_eq(ends[1].downs, 1);
	ck_assert_uint_eq(ends[1].result.result, 1);
	expect_no_access();
}
END_TEST

START_TEST(pppoe_closed_by_the_lns)
{
	struct l2tp_result r = { .result = 3, .text = "enough" };

	subscriber_comes("a@isp.example");
	l2tp_session_close(session_of(&ends[1]), now, &r);
	run(100);
	expect_no_access();
}
END_TEST

START_TEST(pppoe_that_nobody_takes)
{
	struct ppp_down down = { .reason = PPP_DOWN_AUTH, .status = -1 };

	ends[1].addr.addr[3] = 99;
	subscriber_comes("a@isp.example");
	run(60000);
	ck_assert_uint_eq(verdicts, 1);
	ck_assert(!verdict.ok);
	ck_assert_uint_eq(access_ends, 0);	/* he hears why, then his PPP ends */
	group_ppp_events()->down(group, (struct ppp_key){ 0, 77 }, &down);
	run(10);
	expect_no_access();
}
END_TEST

START_TEST(pppoe_ends_while_it_is_dialled)
{
	ends[1].addr.addr[3] = 99;
	subscriber_comes("a@isp.example");
	group_access_closed(group, now, 77);
	run(60000);
	ck_assert_uint_eq(verdicts, 0);
	expect_no_access();
}
END_TEST

/* Nobody dials for him: it is we who say who he is. */
START_TEST(pppoe_served_here)
{
	subscriber_comes("stranger");
	ck_assert_uint_eq(verdicts, 1);
	ck_assert(!verdict.ok);
	ck_assert(!ends[1].up && !ends[2].up);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("switch");
	TCase *tc = tcase_create("switch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, search_order, 0, 9);
	tcase_add_test(tc, search_order_is_kept);
	tcase_add_test(tc, what_nobody_dials_for_ends_here);
	tcase_add_test(tc, without_multihop_all_end_here);
	tcase_add_test(tc, attributes_go_on);
	tcase_add_test(tc, messages_of_a_call_go_on);
	tcase_add_loop_test(tc, causes_go_through, 0, 2);
	tcase_add_loop_test(tc, a_tunnel_that_ends, 0, 2);
	tcase_add_test(tc, a_refusal_is_the_answer);
	tcase_add_loop_test(tc, a_loop_is_refused, 0, 3);
	tcase_add_test(tc, hung_up_while_it_is_dialled);
	tcase_add_test(tc, nobody_answers);
	tcase_add_loop_test(tc, asked_here_then_switched, 0, 2);
	tcase_add_test(tc, lcp_of_the_lac_goes_on);
	tcase_add_loop_test(tc, asked_here_and_served_here, 0, 2);
	tcase_add_test(tc, the_number_after_the_name);
	tcase_add_test(tc, asked_here_and_refused_there);
	tcase_add_test(tc, hung_up_while_he_is_dialled);
	tcase_add_test(tc, pppoe_is_dialled_on);
	tcase_add_test(tc, pppoe_closed_by_the_subscriber);
	tcase_add_test(tc, pppoe_closed_by_the_lns);
	tcase_add_test(tc, pppoe_that_nobody_takes);
	tcase_add_test(tc, pppoe_ends_while_it_is_dialled);
	tcase_add_test(tc, pppoe_served_here);
	suite_add_tcase(s, tc);
	return check_main(s);
}
