// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proxy LCP and proxy authentication: what a LAC says of the subscriber in its
 * ICCN is judged, PPP is started with it, and who the subscriber is comes from
 * what the LAC was told.  The whole group against the independent LAC.
 */
#include <nettle/md5.h>

#include "daemon/proxy.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static uint8_t avps[1024];
static size_t avps_len;
static struct { unsigned up, down; uint16_t result; char text[256]; } heard;

static void on_call_up(void *ctx, struct lac_call *call)
{
	(void)ctx;
	(void)call;
	heard.up++;
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	(void)ctx;
	(void)call;
	heard.down++;
	heard.result = reason->result;
	snprintf(heard.text, sizeof(heard.text), "%s", reason->text);
}

static void rig_up(void)
{
	static const struct lac_ops ops = { .send = lac_send, .call_up = on_call_up, .call_down = on_call_down };
	struct lac_config lc;

	setup();
	lac_free(lac);
	lac_config_init(&lc);
	lc.ops = &ops;
	lc.random = next_random;
	lc.hostname = "LAC-1";
	lc.tid = 26356;
	lac = lac_new(&lc);
	avps_len = 0;
	memset(&heard, 0, sizeof(heard));
}

static void avp(uint16_t attr, const void *value, size_t len)
{
	uint8_t *p = avps + avps_len;

	ck_assert_uint_le(avps_len + 6 + len, sizeof(avps));
	p[0] = 0x00 | (uint8_t)((6 + len) >> 8);
	p[1] = (uint8_t)(6 + len);
	p[2] = p[3] = 0;
	p[4] = (uint8_t)(attr >> 8);
	p[5] = (uint8_t)attr;
	memcpy(p + 6, value, len);
	avps_len += 6 + len;
}

#define AVP(attr, ...) avp(attr, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define MRU_1492 1, 4, 0x05, 0xd4
#define MAGIC(n) 5, 6, 0xaa, 0xbb, 0xcc, n
#define CHAP_MD5 3, 5, 0xc2, 0x23, 5
#define PAP 3, 4, 0xc0, 0x23

static void authen(uint8_t type, const char *name, const uint8_t *response, size_t len)
{
	static const uint8_t challenge[16] = "0123456789abcdef";

	AVP(29, 0, type);
	avp(30, name, strlen(name));
	avp(31, challenge, sizeof(challenge));
	AVP(32, 0, 77);
	avp(33, response, len);
}

static void chap(const char *name, const char *secret)
{
	uint8_t id = 77, digest[16];
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, 1, &id);
	md5_update(&md5, strlen(secret), (const uint8_t *)secret);
	md5_update(&md5, 16, (const uint8_t *)"0123456789abcdef");
	md5_digest(&md5, sizeof(digest), digest);
	authen(2, name, digest, sizeof(digest));
}

static void call(void)
{
	struct lac_call_params params = { .iccn_extra = avps, .iccn_extra_len = avps_len };

	lac_call(lac, now, &params, NULL);
	run(2000);
}

/* The same; in how many packets these octets were. */
static unsigned call_hears(const uint8_t *octets, size_t len)
{
	struct lac_call_params params = { .iccn_extra = avps, .iccn_extra_len = avps_len };
	unsigned count = 0;

	lac_call(lac, now, &params, NULL);
	for (unsigned ms = 0; ms < 2000 && !heard.down; ms++) {
		run(1);
		for (size_t i = 0; i < net_count; i++)
			count += memmem(net[i].data, net[i].len, octets, len) != NULL;
	}
	return count;
}

static struct config_vpdn_group *vpdn(void)
{
	return nodes[0]->config->vpdn_groups;
}

/* The only subscriber's PPP as it was started. */
static const struct end *the_end(void)
{
	for (size_t i = 0; i < ENDS; i++)
		if (nodes[0]->ends[i].state)
			return &nodes[0]->ends[i];
	return NULL;
}

static void user_is(const char *name)
{
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	uint16_t tunnel = l2tp_tunnel_next(l2tp, 0);
	struct subscriber_info info;

	ck_assert(group_subscriber(nodes[0]->group, tunnel, l2tp_session_next(l2tp, tunnel, 0), &info));
	ck_assert_int_eq(info.state, SUBSCRIBER_UP);
	ck_assert_str_eq(info.user, name);
}

START_TEST(chap_is_taken)
{
	AVP(26, MRU_1492);
	AVP(27, MRU_1492, CHAP_MD5, MAGIC(1));
	AVP(28, 1, 4, 0x05, 0xa0, 2, 6, 0, 0, 0, 0, MAGIC(2), 7, 2, 8, 2, 19, 3, 0);
	chap("alice", "secret");
	user = "nobody";	/* whom PPP would hear itself */
	call();
	ck_assert_uint_eq(heard.up, 1);
	ck_assert_uint_eq(heard.down, 0);
	ck_assert(the_end()->proxy.lcp);
	ck_assert_uint_eq(the_end()->proxy.got.flags, LCP_MRU | LCP_CHAP | LCP_MAGIC);
	ck_assert_uint_eq(the_end()->proxy.got.mru, 1492);
	ck_assert_uint_eq(the_end()->proxy.got.magic, 0xaabbcc01);
	ck_assert_uint_eq(the_end()->proxy.his.flags, LCP_MRU | LCP_ASYNCMAP | LCP_MAGIC | LCP_PCOMP | LCP_ACCOMP);
	ck_assert_uint_eq(the_end()->proxy.his.mru, 1440);
	ck_assert_uint_eq(the_end()->proxy.his.asyncmap, 0);
	ck_assert_uint_eq(the_end()->proxy.his.magic, 0xaabbcc02);
	user_is("alice");
}
END_TEST

START_TEST(pap_is_taken)
{
	AVP(27, PAP);
	avp(28, "", 0);
	authen(3, "alice", (const uint8_t *)"secret", 6);
	user = "nobody";
	call();
	ck_assert_uint_eq(heard.down, 0);
	ck_assert_int_eq(the_end()->proxy.auth.kind, PPP_AUTH_PAP);
	ck_assert_uint_eq(the_end()->proxy.his.mru, 1500);
	user_is("alice");
}
END_TEST

/* The LAC's word is not enough: who the subscriber is says our table. */
START_TEST(wrong_answer_is_refused)
{
	AVP(27, CHAP_MD5);
	AVP(28, MRU_1492);
	chap("alice", _i ? "wrong" : "secret");
	if (!_i)
		avps[avps_len - 1] ^= 1;
	call();
	ck_assert_uint_eq(heard.up, 1);
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_uint_eq(heard.result, 3);
}
END_TEST

/* LCP without the answer of the subscriber, or where we ask ourselves: only LCP is put in place. */
START_TEST(lcp_alone)
{
	AVP(27, CHAP_MD5);
	AVP(28, MRU_1492);
	if (_i == 1)
		AVP(29, 0, 4);
	if (_i == 2) {
		chap("mallory", "x");
		vpdn()->local_chap = true;
	}
	call();
	ck_assert_uint_eq(heard.down, 0);
	ck_assert(the_end()->proxy.lcp);
	ck_assert_int_eq(the_end()->proxy.auth.kind, PPP_AUTH_NONE);
	user_is("alice");
}
END_TEST

static void sent_unreadable(void) { AVP(27, CHAP_MD5, 1, 4, 5); AVP(28, MRU_1492); }
static void received_unreadable(void) { AVP(27, CHAP_MD5); AVP(28, 1, 0); }
static void no_authentication(void) { AVP(27, MRU_1492); AVP(28, MRU_1492); }
static void mschap(void) { AVP(27, 3, 5, 0xc2, 0x23, 0x80); AVP(28, MRU_1492); }
static void eap(void) { AVP(27, 3, 4, 0xc2, 0x27); AVP(28, MRU_1492); }
static void multilink(void) { AVP(27, CHAP_MD5, 17, 4, 5, 0xdc); AVP(28, MRU_1492); }
static void callback(void) { AVP(27, CHAP_MD5); AVP(28, 13, 3, 6); }
static void quality(void) { AVP(27, CHAP_MD5); AVP(28, 4, 8, 0xc0, 0x25, 0, 0, 0, 1); }
static void asks_us(void) { AVP(27, CHAP_MD5); AVP(28, PAP); }
static void large_mru(void) { AVP(27, CHAP_MD5, 1, 4, 0x23, 0x28); AVP(28, MRU_1492); }
static void small_mru(void) { AVP(27, CHAP_MD5); AVP(28, 1, 4, 0, 64); }
static void only_sent(void) { AVP(27, CHAP_MD5); }
static void nothing(void) { }

static const struct { void (*put)(void); enum proxy_verdict verdict; const char *why; } bad[] = {
	{ sent_unreadable, PROXY_MISMATCH, "its LCP options, last sent, cannot be read" },
	{ received_unreadable, PROXY_MISMATCH, "its LCP options, last received, cannot be read" },
	{ no_authentication, PROXY_MISMATCH, "it agreed on no authentication, our template asks for CHAP or PAP" },
	{ mschap, PROXY_MISMATCH, "its LCP options, last sent: option 3" },
	{ eap, PROXY_MISMATCH, "its LCP options, last sent: option 3" },
	{ multilink, PROXY_MISMATCH, "its LCP options, last sent: option 17" },
	{ callback, PROXY_MISMATCH, "its LCP options, last received: option 13" },
	{ quality, PROXY_MISMATCH, "its LCP options, last received: option 4" },
	{ asks_us, PROXY_MISMATCH, "the subscriber asks us to authenticate" },
	{ large_mru, PROXY_MISMATCH, "it agreed on an MRU of 9000 for us" },
	{ small_mru, PROXY_MISMATCH, "its LCP options, last received: MRU 64" },
	{ only_sent, PROXY_NONE, "the LAC sent no LCP options" },
	{ nothing, PROXY_NONE, "the LAC sent no LCP options" },
};

/* What we could not keep to: LCP is negotiated again, and the answer of the subscriber counts for nothing. */
START_TEST(mismatch)
{
	const struct config_vtemplate *vt = config_vtemplate_find(nodes[0]->config, 1);
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	char why[PPP_MESSAGE_MAX];
	struct ppp_proxy proxy;
	uint16_t tunnel;

	bad[_i].put();
	chap("mallory", "x");
	call();
	ck_assert_uint_eq(heard.down, 0);
	ck_assert(!the_end()->proxy.lcp);
	user_is("alice");
	tunnel = l2tp_tunnel_next(l2tp, 0);
	ck_assert_int_eq(proxy_judge(l2tp_session_find(l2tp, tunnel, l2tp_session_next(l2tp, tunnel, 0)), vt, false, &proxy, why),
			 bad[_i].verdict);
	ck_assert_str_eq(why, bad[_i].why);
	ck_assert(!proxy.lcp);
}
END_TEST

START_TEST(never_renegotiated)
{
	static const uint8_t cause[] = { 0, 0, 0, 46, 0, 2, 0, 0, 0 };
	struct group_failure failure;

	vpdn()->renegotiation = CONFIG_RENEGOTIATE_NEVER;
	bad[_i].put();
	/* RFC 3145: its code 2 is for a LAC that sent nothing, and only for that */
	ck_assert_uint_eq(call_hears(cause, sizeof(cause)), bad[_i].verdict == PROXY_NONE ? 1 : 0);
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_uint_eq(heard.result, 3);
	ck_assert_ptr_nonnull(strstr(heard.text, bad[_i].why));
	ck_assert_uint_eq(group_failures(nodes[0]->group, &failure, 1), 1);
	ck_assert_str_eq(failure.type, "Call parameters");
	avps_len = 0;
	AVP(27, CHAP_MD5);
	AVP(28, MRU_1492);
	chap("alice", "secret");
	call();
	ck_assert_uint_eq(heard.down, 1);
	user_is("alice");
}
END_TEST

START_TEST(always_renegotiated)
{
	vpdn()->renegotiation = CONFIG_RENEGOTIATE_ALWAYS;
	AVP(27, CHAP_MD5);
	AVP(28, MRU_1492);
	chap("mallory", "x");
	call();
	ck_assert_uint_eq(heard.down, 0);
	ck_assert(!the_end()->proxy.lcp);
	user_is("alice");
}
END_TEST

static const struct {
	enum ppp_down_reason reason;
	uint16_t cause, protocol;
	uint8_t direction;
	uint16_t result;
} ends[] = {
	{ PPP_DOWN_PEER, 3, 0, 1, 1 },
	{ PPP_DOWN_ECHO, 8, 0xc021, 0, 1 },
	{ PPP_DOWN_LOOPBACK, 7, 0xc021, 0, 1 },
	{ PPP_DOWN_AUTH, 16, 0xc223, 1, 3 },
	{ PPP_DOWN_NEGOTIATION, 19, 0x8021, 0, 3 },
	{ PPP_DOWN_LOCAL, 1, 0, 0, 3 },
	{ PPP_DOWN_ENGINE, 0, 0, 0, 2 },	/* nothing is known: nothing is said */
};

/* RFC 3145: the CDN says what PPP saw. */
START_TEST(what_ppp_saw)
{
	const uint8_t cause[9] = { 0, 0, 0, 46, 0, (uint8_t)ends[_i].cause, (uint8_t)(ends[_i].protocol >> 8),
				   (uint8_t)ends[_i].protocol, ends[_i].direction };
	struct end *end;
	unsigned said = 0;

	call();
	end = (struct end *)(uintptr_t)the_end();
	end->why = (struct ppp_down){ .cause = ends[_i].cause, .protocol = ends[_i].protocol, .direction = ends[_i].direction };
	ppp_end(nodes[0], end, ends[_i].reason);
	for (unsigned ms = 0; ms < 100 && !heard.down; ms++) {
		run(1);
		for (size_t i = 0; i < net_count; i++)
			said += memmem(net[i].data, net[i].len, cause, sizeof(cause)) != NULL;
	}
	ck_assert_uint_eq(heard.down, 1);
	ck_assert_uint_eq(heard.result, ends[_i].result);
	ck_assert_uint_eq(said, ends[_i].cause ? 1 : 0);
}
END_TEST

/* Open, it is captured as any other and goes on at the standby; before that, the successor negotiates. */
START_TEST(taken_over)
{
	AVP(27, CHAP_MD5);
	AVP(28, MRU_1492);
	chap("alice", "secret");
	user = "nobody";
	pair_up(0);
	call();
	run(1000);
	if (_i)
		user = "alice";
	lac_call(lac, now, &(struct lac_call_params){ .iccn_extra = avps, .iccn_extra_len = avps_len }, NULL);
	if (!_i)
		run(1000);
	else
		run(4);		/* its ICCN is known to both; PPP has not come up */
	take_over();
	ck_assert_uint_eq(heard.down, 0);
	for (size_t i = 0; i < ENDS; i++)
		if (nodes[1]->ends[i].state) {
			ck_assert_int_eq(nodes[1]->ends[i].state, END_UP);
			ck_assert(!nodes[1]->ends[i].proxy.lcp);
		}
	ck_assert_uint_eq(dp_null_sessions(nodes[1]->dp), l2tp_session_next(group_l2tp(nodes[1]->group),
			  l2tp_tunnel_next(group_l2tp(nodes[1]->group), 0), 0) ? heard.up : 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proxy");
	TCase *tc = tcase_create("proxy");

	tcase_add_checked_fixture(tc, rig_up, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, chap_is_taken);
	tcase_add_test(tc, pap_is_taken);
	tcase_add_loop_test(tc, wrong_answer_is_refused, 0, 2);
	tcase_add_loop_test(tc, lcp_alone, 0, 3);
	tcase_add_loop_test(tc, mismatch, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(tc, never_renegotiated, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, always_renegotiated);
	tcase_add_loop_test(tc, what_ppp_saw, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_loop_test(tc, taken_over, 0, 2);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
