// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PPPoE discovery: who is answered what, that nothing is kept of a client that
 * has not shown that it hears us, and that a session is closed by its own
 * client alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pppoe.h"
#include "tests/unit/check_main.h"

static const uint8_t alice[6] = { 2, 0, 0, 0, 0, 1 }, bob[6] = { 2, 0, 0, 0, 0, 2 };
static struct pppoe *pppoe;
static struct { uint8_t to[6], frame[PPPOE_FRAME_MAX]; size_t len, port; } out;
static unsigned sent, opens, closes;
static struct pppoe_open opened;
static uint16_t closed;
static bool refuse;

static void on_send(void *ctx, size_t port, const uint8_t to[6], const uint8_t *frame, size_t len)
{
	(void)ctx;
	sent++;
	out.port = port;
	out.len = len;
	memcpy(out.to, to, 6);
	memcpy(out.frame, frame, len);
}

static void on_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static bool on_opened(void *ctx, const struct pppoe_open *o)
{
	(void)ctx;
	opens++;
	opened = *o;
	return !refuse;
}

static void on_closed(void *ctx, uint16_t id)
{
	(void)ctx;
	closes++;
	closed = id;
}

static void setup(void)
{
	static const struct pppoe_ops ops = { .send = on_send, .random = on_random, .opened = on_opened, .closed = on_closed };
	struct pppoe_port ports[2] = { { .ac_name = "lac", .max_per_mac = 2, .max_sessions = 3 }, { .ac_name = "lac", .service = "isp" } };

	sent = opens = closes = 0;
	refuse = false;
	pppoe = pppoe_new(&ops, ports, 2);
}

static void teardown(void)
{
	pppoe_free(pppoe);
}

/* ---- frames: tags are written as "tag:text" ------------------------------- */

static uint8_t frame[PPPOE_FRAME_MAX];
static size_t frame_len;

static void begin(uint8_t code, uint16_t id)
{
	const uint8_t header[] = { 0x11, code, (uint8_t)(id >> 8), (uint8_t)id, 0, 0 };

	memcpy(frame, header, 6);
	frame_len = 6;
}

static void tag(uint16_t type, const void *value, size_t len)
{
	const uint8_t header[] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(frame + frame_len, header, 4);
	memcpy(frame + frame_len + 4, value, len);
	frame_len += 4 + len;
	frame[4] = (uint8_t)((frame_len - 6) >> 8);
	frame[5] = (uint8_t)(frame_len - 6);
}

static void in(size_t port, const uint8_t from[6], bool ours)
{
	pppoe_input(pppoe, port, from, ours, frame, frame_len);
}

static const uint8_t *answer(uint16_t type, size_t *len)
{
	for (size_t at = 6; at + 4 <= out.len; at += 4 + (size_t)(out.frame[at + 2] << 8 | out.frame[at + 3]))
		if ((out.frame[at] << 8 | out.frame[at + 1]) == type) {
			*len = (size_t)(out.frame[at + 2] << 8 | out.frame[at + 3]);
			return out.frame + at + 4;
		}
	return NULL;
}

static uint16_t answer_id(void)
{
	return (uint16_t)(out.frame[2] << 8 | out.frame[3]);
}

/* From PADI to PADS; returns the session. */
static uint16_t dial(size_t port, const uint8_t from[6], const char *service, const char *uniq)
{
	uint8_t cookie[64];
	size_t len;

	begin(0x09, 0);
	tag(0x0101, service, strlen(service));
	tag(0x0103, uniq, strlen(uniq));
	in(port, from, false);
	ck_assert_uint_eq(out.frame[1], 0x07);
	ck_assert(answer(0x0104, &len) && len <= sizeof(cookie));
	memcpy(cookie, answer(0x0104, &len), len);
	begin(0x19, 0);
	tag(0x0101, service, strlen(service));
	tag(0x0103, uniq, strlen(uniq));
	tag(0x0104, cookie, len);
	in(port, from, true);
	ck_assert_uint_eq(out.frame[1], 0x65);
	return answer_id();
}

START_TEST(offered_and_taken)
{
	size_t len;
	uint16_t id;

	begin(0x09, 0);
	tag(0x0101, "", 0);
	tag(0x0103, "mine", 4);
	tag(0x0110, "relay", 5);
	in(0, alice, false);
	ck_assert_uint_eq(sent, 1);
	ck_assert_mem_eq(out.to, alice, 6);
	ck_assert_mem_eq(answer(0x0102, &len), "lac", 3);
	ck_assert_mem_eq(answer(0x0103, &len), "mine", 4);
	ck_assert_mem_eq(answer(0x0110, &len), "relay", 5);
	ck_assert_uint_eq(answer_id(), 0);
	ck_assert_uint_eq(opens, 0);

	id = dial(0, alice, "any", "x");
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_eq(opens, 1);
	ck_assert_uint_eq(opened.session_id, id);
	ck_assert_mem_eq(opened.mac, alice, 6);
	ck_assert_str_eq(opened.service, "any");
	ck_assert_uint_eq(pppoe_sessions(pppoe), 1);
}
END_TEST

START_TEST(a_lost_pads_is_repeated)
{
	uint16_t id = dial(0, alice, "", "x");

	in(0, alice, true);	/* the PADR again */
	ck_assert_uint_eq(answer_id(), id);
	ck_assert_uint_eq(opens, 1);
	ck_assert_uint_ne(dial(0, alice, "", "y"), id);
	ck_assert_uint_eq(opens, 2);
}
END_TEST

/* What is not for us, or not worth an answer. */
START_TEST(silence)
{
	static const uint8_t group_address[6] = { 3, 0, 0, 0, 0, 1 };

	begin(0x09, 0);			/* no Service-Name */
	in(0, alice, false);
	begin(0x09, 0);			/* of a multicast address */
	tag(0x0101, "", 0);
	in(0, group_address, false);
	begin(0x09, 0);			/* another concentrator is wanted */
	tag(0x0101, "", 0);
	tag(0x0102, "other", 5);
	in(0, alice, false);
	begin(0x09, 0);			/* a service of others */
	tag(0x0101, "video", 5);
	in(1, alice, false);
	begin(0x09, 7);			/* with a session */
	tag(0x0101, "", 0);
	in(0, alice, false);
	begin(0x09, 0);			/* a tag that leaves the frame */
	tag(0x0101, "", 0);
	frame[9] = 200;
	in(0, alice, false);
	begin(0x09, 0);			/* a length that leaves it */
	tag(0x0101, "", 0);
	frame[5] = 200;
	in(0, alice, false);
	for (size_t len = 0; len < 6; len++)
		pppoe_input(pppoe, 0, alice, false, frame, len);
	begin(0x19, 0);			/* without a cookie, and with a wrong one */
	tag(0x0101, "", 0);
	in(0, alice, true);
	tag(0x0104, "0123456789abcdef", 16);
	in(0, alice, true);
	ck_assert_uint_eq(sent, 0);
	ck_assert_uint_eq(opens, 0);
}
END_TEST

START_TEST(a_cookie_is_good_for_one_address)
{
	uint8_t copy[PPPOE_FRAME_MAX];
	size_t len = 0;

	dial(0, alice, "", "x");
	memcpy(copy, frame, frame_len);
	len = frame_len;
	sent = 0;
	pppoe_input(pppoe, 0, bob, true, copy, len);
	pppoe_input(pppoe, 1, alice, true, copy, len);
	ck_assert_uint_eq(sent, 0);
}
END_TEST

START_TEST(services)
{
	size_t len;

	ck_assert_uint_ne(dial(1, alice, "isp", "x"), 0);
	ck_assert_uint_ne(dial(1, bob, "", "y"), 0);
	ck_assert_ptr_null(answer(0x0201, &len));
	frame[9] = 3;	/* the PADR of "" becomes one of another service */
	begin(0x09, 0);
	tag(0x0101, "", 0);
	in(1, alice, false);
	ck_assert_ptr_nonnull(answer(0x0104, &len));
	memcpy(frame + 900, answer(0x0104, &len), len);
	begin(0x19, 0);
	tag(0x0101, "video", 5);
	tag(0x0104, frame + 900, len);
	in(1, alice, true);
	ck_assert_uint_eq(answer_id(), 0);
	ck_assert_ptr_nonnull(answer(0x0201, &len));
}
END_TEST

START_TEST(limits)
{
	size_t len;

	ck_assert_uint_ne(dial(0, alice, "", "1"), 0);
	ck_assert_uint_ne(dial(0, alice, "", "2"), 0);
	ck_assert_uint_eq(dial(0, alice, "", "3"), 0);
	ck_assert_ptr_nonnull(answer(0x0202, &len));
	ck_assert_uint_ne(dial(0, bob, "", "1"), 0);
	ck_assert_uint_eq(dial(0, bob, "", "2"), 0);
	ck_assert_uint_eq(pppoe_sessions(pppoe), 3);
	refuse = true;
	ck_assert_uint_eq(dial(1, bob, "", "2"), 0);
	ck_assert_uint_eq(pppoe_sessions(pppoe), 3);
}
END_TEST

START_TEST(the_end)
{
	uint16_t id = dial(0, alice, "", "x"), other = dial(0, bob, "", "x");
	size_t len;

	begin(0xa7, id);
	in(0, bob, true);	/* not his */
	in(1, alice, true);	/* not there */
	in(0, alice, false);	/* not to us */
	ck_assert_uint_eq(closes, 0);
	in(0, alice, true);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(closed, id);
	in(0, alice, true);
	ck_assert_uint_eq(closes, 1);
	sent = 0;
	pppoe_close(pppoe, id, "gone");
	ck_assert_uint_eq(sent, 0);
	pppoe_close(pppoe, other, "closed by the LNS");
	ck_assert_uint_eq(sent, 1);
	ck_assert_uint_eq(out.frame[1], 0xa7);
	ck_assert_uint_eq(answer_id(), other);
	ck_assert_mem_eq(out.to, bob, 6);
	ck_assert_mem_eq(answer(0x0203, &len), "closed by the LNS", 17);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(pppoe_sessions(pppoe), 0);
}
END_TEST

/* Of another node: it is not given out again, and its client may close it. */
START_TEST(taken_over)
{
	uint16_t id = dial(0, alice, "", "x"), next;

	ck_assert(pppoe_known(pppoe, 0, (uint16_t)(id + 1), bob));
	next = dial(0, bob, "", "y");
	ck_assert(next && next != id && next != id + 1);
	begin(0xa7, (uint16_t)(id + 1));
	in(0, alice, true);
	ck_assert_uint_eq(closes, 0);
	in(0, bob, true);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(closed, id + 1);
	sent = 0;
	pppoe_forget(pppoe, id);
	ck_assert_uint_eq(sent, 0);
	ck_assert_uint_eq(pppoe_sessions(pppoe), 1);
	pppoe_announce(pppoe, 1);
	ck_assert_uint_eq(sent, 1);
	ck_assert_uint_eq(out.port, 1);
	ck_assert_uint_eq(out.to[0], 0xff);
	ck_assert_uint_eq(answer_id(), 0);
}
END_TEST

/* Several on a box give out IDs of their own, the last of them as well. */
START_TEST(a_share_of_the_ids)
{
	const struct pppoe_ops ops = { .send = on_send, .random = on_random, .opened = on_opened, .closed = on_closed,
				       .id_first = 65533, .id_last = 65534 };
	struct pppoe_port port = { .ac_name = "lac" };
	uint16_t one, two;

	pppoe_free(pppoe);
	pppoe = pppoe_new(&ops, &port, 1);
	one = dial(0, alice, "", "x");
	two = dial(0, alice, "", "y");
	ck_assert(one != two && one >= 65533 && one <= 65534 && two >= 65533 && two <= 65534);
	ck_assert_uint_eq(dial(0, alice, "", "z"), 0);
	pppoe_close(pppoe, one, "");
	ck_assert_uint_eq(dial(0, alice, "", "z"), one);
}
END_TEST

START_TEST(what_the_access_node_says)
{
	static const uint8_t vendor[] = { 0, 0, 13, 233, 1, 5, 'e', 't', 'h', ' ', '1', 2, 3, 'c', 'p', 'e', 129, 4, 0, 0, 0, 1 };
	size_t len;

	dial(0, alice, "", "x");
	ck_assert_str_eq(opened.circuit, "");
	begin(0x09, 0);
	tag(0x0101, "", 0);
	in(0, alice, false);
	memcpy(frame + 900, answer(0x0104, &len), 16);
	begin(0x19, 0);
	tag(0x0101, "", 0);
	tag(0x0105, vendor, sizeof(vendor));
	tag(0x0104, frame + 900, 16);
	in(0, alice, true);
	ck_assert_str_eq(opened.circuit, "eth 1");
	ck_assert_str_eq(opened.remote, "cpe");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pppoe");
	TCase *tc = tcase_create("pppoe");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offered_and_taken);
	tcase_add_test(tc, a_lost_pads_is_repeated);
	tcase_add_test(tc, silence);
	tcase_add_test(tc, a_cookie_is_good_for_one_address);
	tcase_add_test(tc, services);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, taken_over);
	tcase_add_test(tc, a_share_of_the_ids);
	tcase_add_test(tc, what_the_access_node_says);
	suite_add_tcase(s, tc);
	return check_main(s);
}
