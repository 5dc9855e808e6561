// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plugin protocol: what goes in comes out, what is unknown is skipped,
 * and no octet string makes a decoder read past its end (run under ASan, every
 * message lies at the very end of its own allocation).
 */
#include "pppd-plugin/proto.h"
#include "pppd-plugin/proto_early.h"
#include "tests/unit/check_main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t blob[] = { 1, 2, 3, 4, 5 };

static struct ppp_params sample_params(void)
{
	struct ppp_params p = {
		.key = { 4711, 65535 }, .session_fd = 5, .tunnel_fd = 6,
		.ifname = "l2tp4711.65535", .auth_chap = true,
		.local_name = "lns", .mru = 1460, .mtu = 1400, .ifgroup = 1701,
		.local_addr = 0x0100090a, .echo_interval_s = 30,
		.echo_failures = 5, .standby = true,
		.proxy = {
			.lcp = true,
			.got = { LCP_MRU | LCP_CHAP | LCP_MAGIC, 1492, 0xffffffff, 0x11223344 },
			.his = { LCP_ASYNCMAP | LCP_PCOMP, 1440, 0, 0x55667788 },
			.auth = {
				.kind = PPP_AUTH_CHAP_MD5, .user = "alice", .password = "p", .chap_id = 255,
				.challenge = "challenge", .challenge_len = 9, .response = "0123456789abcdef", .response_len = 16,
			},
		},
		.state = blob, .state_len = sizeof(blob),
	};

	return p;
}

static struct ppp_state sample_state(void)
{
	struct ppp_state s = {
		.version = PPP_STATE_VERSION,
		.got = { LCP_MRU | LCP_MAGIC | LCP_CHAP, 1460, 0, 0xdeadbeef },
		.his = { LCP_MAGIC | LCP_ASYNCMAP, 1500, 0xffffffff, 1 },
		.lcp_id = 255, .ipcp_id = 7,
		.ipcp_flags = IPCP_GOT_ADDR | IPCP_HIS_ADDR,
		.local_addr = 0x0100090a, .peer_addr = 0x0200090a,
		.dns = { 0x08080808, 0 }, .auth_kind = PPP_AUTH_CHAP_MD5,
		.user = "alice@example.net",
	};

	return s;
}

START_TEST(start_round_trip)
{
	struct ppp_params in = sample_params(), out;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	uint32_t instance;
	int len = proto_encode_start(buf, sizeof(buf), &in, 0x80000001);

	ck_assert_int_gt(len, PROTO_HEADER);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_START);
	ck_assert_int_eq(proto_decode_start(&it, &out, &instance), 0);
	ck_assert_uint_eq(instance, 0x80000001);
	ck_assert_uint_eq(out.key.tunnel_id, 4711);
	ck_assert_uint_eq(out.key.session_id, 65535);
	ck_assert_str_eq(out.ifname, in.ifname);
	ck_assert_str_eq(out.local_name, "lns");
	ck_assert(out.auth_chap && !out.auth_pap && out.standby);
	ck_assert_uint_eq(out.mru, 1460);
	ck_assert_uint_eq(out.mtu, 1400);
	ck_assert_uint_eq(out.ifgroup, 1701);
	ck_assert_uint_eq(out.local_addr, in.local_addr);
	ck_assert_uint_eq(out.echo_interval_s, 30);
	ck_assert_uint_eq(out.echo_failures, 5);
	ck_assert_uint_eq(out.state_len, sizeof(blob));
	ck_assert_mem_eq(out.state, blob, sizeof(blob));
	ck_assert(out.proxy.lcp);
	ck_assert_mem_eq(&out.proxy.got, &in.proxy.got, sizeof(in.proxy.got));
	ck_assert_mem_eq(&out.proxy.his, &in.proxy.his, sizeof(in.proxy.his));
	ck_assert_mem_eq(&out.proxy.auth, &in.proxy.auth, sizeof(in.proxy.auth));
	/* descriptors never travel as numbers */
	ck_assert_int_eq(out.session_fd, -1);
	ck_assert_int_eq(out.tunnel_fd, -1);
}
END_TEST

START_TEST(start_refuses_bad_names)
{
	static const char *names[] = { "", "../etc", "a/b" };
	struct ppp_params in = sample_params(), out;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	uint32_t instance;
	int len;

	memset(in.ifname, 0, sizeof(in.ifname));
	strcpy(in.ifname, names[_i]);
	len = proto_encode_start(buf, sizeof(buf), &in, 1);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_START);
	ck_assert_int_eq(proto_decode_start(&it, &out, &instance), -EBADMSG);
}
END_TEST

START_TEST(auth_round_trip)
{
	struct ppp_auth in = { .kind = PPP_AUTH_CHAP_MD5, .user = "bob",
			       .chap_id = 200, .challenge_len = 64,
			       .response_len = 16 }, out;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	int len;

	memset(in.challenge, 0, 64);
	memset(in.response, 0xa5, 16);
	memcpy(in.lcp.sent, "\1\4\5\264", 4);
	in.lcp.sent_len = 4;
	len = proto_encode_auth(buf, sizeof(buf), &in);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_AUTH);
	ck_assert_int_eq(proto_decode_auth(&it, &out), 0);
	ck_assert_int_eq(out.kind, PPP_AUTH_CHAP_MD5);
	ck_assert_str_eq(out.user, "bob");
	ck_assert_uint_eq(out.lcp.sent_len, 4);
	ck_assert_mem_eq(out.lcp.sent, in.lcp.sent, 4);
	ck_assert_uint_eq(out.lcp.received_len + out.lcp.first_received_len, 0);
	ck_assert_uint_eq(out.chap_id, 200);
	ck_assert_uint_eq(out.challenge_len, 64);
	ck_assert_mem_eq(out.challenge, in.challenge, 64);
	ck_assert_uint_eq(out.response_len, 16);
	ck_assert_mem_eq(out.response, in.response, 16);
}
END_TEST

START_TEST(up_down_note_verdict_round_trip)
{
	struct ppp_up up = { .user = "carol", .auth = PPP_AUTH_PAP,
			     .ifname = "l2tp1.2", .local_addr = 1,
			     .peer_addr = 2, .dns = { 3, 4 }, .mru = 1460,
			     .peer_mru = 1500, .local_magic = 0xffffffff,
			     .peer_magic = 5, .state = blob,
			     .state_len = sizeof(blob) }, up2;
	struct ppp_down d = { .reason = PPP_DOWN_ECHO, .cause = 8,
			      .protocol = 0xc021, .direction = 2, .status = -1,
			      .message = "gone" }, d2;
	struct proto_note n = { { 1, 2 }, 77, -ENOENT }, n2;
	struct ppp_verdict v = { .ok = true, .peer_addr = 9, .dns = { 1, 2 },
				 .message = "hello" }, v2;
	struct ppp_key key;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	int len;

	len = proto_encode_up(buf, sizeof(buf), PROTO_HELLO,
			      (struct ppp_key){ 1, 2 }, &up);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_HELLO);
	ck_assert_int_eq(proto_decode_up(&it, &key, &up2), 0);
	ck_assert_uint_eq(key.tunnel_id, 1);
	ck_assert_uint_eq(key.session_id, 2);
	ck_assert_str_eq(up2.user, "carol");
	ck_assert_uint_eq(up2.local_magic, 0xffffffff);
	ck_assert_uint_eq(up2.dns[1], 4);
	ck_assert_mem_eq(up2.state, blob, sizeof(blob));

	len = proto_encode_down(buf, sizeof(buf), &d);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_DOWN);
	ck_assert_int_eq(proto_decode_down(&it, &d2), 0);
	ck_assert_int_eq(d2.reason, PPP_DOWN_ECHO);
	ck_assert_int_eq(d2.status, -1);
	ck_assert_uint_eq(d2.protocol, 0xc021);
	ck_assert_str_eq(d2.message, "gone");

	len = proto_encode_note(buf, sizeof(buf), PROTO_INJECTED, &n);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_INJECTED);
	ck_assert_int_eq(proto_decode_note(&it, &n2), 0);
	ck_assert_uint_eq(n2.instance, 77);
	ck_assert_int_eq(n2.status, -ENOENT);

	len = proto_encode_verdict(buf, sizeof(buf), &v);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_VERDICT);
	ck_assert_int_eq(proto_decode_verdict(&it, &v2), 0);
	ck_assert(v2.ok);
	ck_assert_uint_eq(v2.peer_addr, 9);
	ck_assert_str_eq(v2.message, "hello");
}
END_TEST

START_TEST(state_round_trip)
{
	struct ppp_state in = sample_state(), out;
	uint8_t buf[PPP_STATE_MAX];
	int len = proto_encode_state(buf, sizeof(buf), &in);

	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(proto_decode_state(buf, len, &out), 0);
	ck_assert_uint_eq(out.got.magic, 0xdeadbeef);
	ck_assert_uint_eq(out.his.asyncmap, 0xffffffff);
	ck_assert_uint_eq(out.his.magic, 1);
	ck_assert_uint_eq(out.got.flags, in.got.flags);
	ck_assert_uint_eq(out.lcp_id, 255);
	ck_assert_uint_eq(out.peer_addr, in.peer_addr);
	ck_assert_str_eq(out.user, in.user);
}
END_TEST

START_TEST(state_refusals)
{
	struct ppp_state s = sample_state(), out;
	uint8_t buf[PPP_STATE_MAX];
	int len;

	s.version = PPP_STATE_VERSION + 1;	/* the next release: taken */
	len = proto_encode_state(buf, sizeof(buf), &s);
	ck_assert_int_eq(proto_decode_state(buf, len, &out), 0);
	s.version = PPP_STATE_VERSION + 2;
	len = proto_encode_state(buf, sizeof(buf), &s);
	ck_assert_int_eq(proto_decode_state(buf, len, &out), -EPROTO);
	ck_assert_int_eq(proto_decode_state(buf, 0, &out), -EPROTO);
	s = sample_state();
	s.peer_addr = 0;
	len = proto_encode_state(buf, sizeof(buf), &s);
	ck_assert_int_eq(proto_decode_state(buf, len, &out), -EBADMSG);
}
END_TEST

START_TEST(unknown_is_skipped)
{
	struct proto_note n = { { 1, 2 }, 3, 4 }, out;
	uint8_t buf[256];
	struct proto_writer w;
	struct proto_iter it;
	int len = proto_encode_note(buf, sizeof(buf), PROTO_KILL, &n);

	/* a TLV and a version from the future */
	w = (struct proto_writer){ .buf = buf, .size = sizeof(buf), .len = len };
	proto_put(&w, 0x7ffe, "future", 6);
	len = proto_end(&w);
	buf[2] = PROTO_VERSION + 1;
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_KILL);
	ck_assert_int_eq(proto_decode_note(&it, &out), 0);
	ck_assert_uint_eq(out.instance, 3);
	buf[2] = PROTO_VERSION + 2;
	ck_assert_int_eq(proto_open(&it, buf, len), -EPROTO);
	buf[2] = 0;
	ck_assert_int_eq(proto_open(&it, buf, len), -EPROTO);
}
END_TEST

START_TEST(wrong_sizes)
{
	uint8_t buf[512], text[PPP_NAME_MAX];
	struct proto_writer w;
	struct proto_iter it;
	struct ppp_verdict v;
	struct ppp_auth a;
	int len;

	proto_begin(&w, buf, sizeof(buf), PROTO_VERDICT);
	proto_put(&w, TLV_PEER_ADDR, "\1\2\3", 3);
	len = proto_end(&w);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_VERDICT);
	ck_assert_int_eq(proto_decode_verdict(&it, &v), -EBADMSG);

	/* an embedded NUL would make two texts out of one */
	proto_begin(&w, buf, sizeof(buf), PROTO_AUTH);
	proto_put(&w, TLV_USER, "al\0ce", 5);
	len = proto_end(&w);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_AUTH);
	ck_assert_int_eq(proto_decode_auth(&it, &a), -EBADMSG);

	/* text of exactly the array has no room for its NUL */
	proto_begin(&w, buf, sizeof(buf), PROTO_AUTH);
	memset(text, 'x', sizeof(text));
	proto_put(&w, TLV_USER, text, sizeof(text));
	len = proto_end(&w);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_AUTH);
	ck_assert_int_eq(proto_decode_auth(&it, &a), -EBADMSG);
	proto_begin(&w, buf, sizeof(buf), PROTO_AUTH);
	proto_put(&w, TLV_CHALLENGE, text, PPP_CHALLENGE_MAX + 1);
	len = proto_end(&w);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_AUTH);
	ck_assert_int_eq(proto_decode_auth(&it, &a), -EBADMSG);

	/* a number too big for its field */
	proto_begin(&w, buf, sizeof(buf), PROTO_AUTH);
	proto_put(&w, TLV_CHAP_ID, "\0\0\1\0", 4);
	len = proto_end(&w);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_AUTH);
	ck_assert_int_eq(proto_decode_auth(&it, &a), -EBADMSG);
}
END_TEST

START_TEST(writer_never_overflows)
{
	struct ppp_params p = sample_params();
	uint8_t whole[PROTO_MSG_MAX];
	int full = proto_encode_start(whole, sizeof(whole), &p, 1), size;

	for (size = 0; size < full; size++) {
		uint8_t *small = malloc(size ? size : 1);

		ck_assert_int_eq(proto_encode_start(small, size, &p, 1),
				 -EMSGSIZE);
		free(small);
	}
}
END_TEST

/* Every truncation and 200000 mutations, each at the end of an allocation. */
static void decode_anything(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct proto_iter it;
	struct ppp_params p;
	struct ppp_auth a;
	struct ppp_verdict v;
	struct ppp_up up;
	struct ppp_down d;
	struct ppp_state s;
	struct proto_note n;
	struct proto_frame f;
	struct ppp_key key;
	uint32_t instance;

	memcpy(copy, bytes, len);
	proto_decode_state(copy, len, &s);
	if (proto_open(&it, copy, len) >= 0) {
		struct proto_iter again = it;

		if (!proto_decode_start(&again, &p, &instance) && p.state)
			ck_assert(p.state >= copy
				  && p.state + p.state_len <= copy + len);
		again = it;
		proto_decode_auth(&again, &a);
		again = it;
		proto_decode_verdict(&again, &v);
		again = it;
		if (!proto_decode_up(&again, &key, &up) && up.state)
			ck_assert(up.state >= copy
				  && up.state + up.state_len <= copy + len);
		again = it;
		proto_decode_down(&again, &d);
		again = it;
		proto_decode_note(&again, &n);
		again = it;
		if (!proto_decode_early(&again, &f))
			ck_assert(f.bytes >= copy
				  && f.bytes + f.bytes_len <= copy + len);
	}
	free(copy);
}

START_TEST(garbage)
{
	struct ppp_params p = sample_params();
	uint8_t buf[PROTO_MSG_MAX], bad[PROTO_MSG_MAX];
	int len = proto_encode_start(buf, sizeof(buf), &p, 1), i, k;
	uint64_t x = 88172645463325252ull;
	struct proto_iter it;

	for (i = 0; i < len; i++) {
		ck_assert_int_lt(proto_open(&it, buf, i), 0);
		memcpy(bad, buf, len);
		bad[4] = i >> 8;	/* a header that matches the cut */
		bad[5] = i;
		decode_anything(bad, i);
	}
	for (i = 0; i < 200000; i++) {
		memcpy(bad, buf, len);
		for (k = 0; k < 1 + i % 4; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bad[6 + x % (len - 6)] = x >> 32;
		}
		decode_anything(bad, len);
	}
}
END_TEST

/* LCP Configure-Request with a magic number, behind its protocol field. */
#define LCP_FRAME	0xc0, 0x21, 1, 1, 0, 10, 5, 6, 1, 2, 3, 4

static const uint8_t lcp_frame[] = { LCP_FRAME };

START_TEST(early_round_trip)
{
	struct proto_frame in = { lcp_frame, sizeof(lcp_frame) }, out;
	uint8_t big[PROTO_MSG_MAX] = { 0xc0, 0x21 }, buf[PROTO_MSG_MAX];
	struct proto_iter it;
	int len = proto_encode_early(buf, sizeof(buf), &in);

	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_EARLY);
	ck_assert_int_eq(proto_decode_early(&it, &out), 0);
	ck_assert_uint_eq(out.bytes_len, sizeof(lcp_frame));
	ck_assert_mem_eq(out.bytes, lcp_frame, sizeof(lcp_frame));

	in.bytes_len = 1;
	len = proto_encode_early(buf, sizeof(buf), &in);
	ck_assert_int_eq(proto_open(&it, buf, len), PROTO_EARLY);
	ck_assert_int_eq(proto_decode_early(&it, &out), -EBADMSG);
	in = (struct proto_frame){ big, sizeof(big) };
	ck_assert_int_eq(proto_encode_early(buf, sizeof(buf), &in), -EMSGSIZE);
}
END_TEST

/* Every set of optional fields a data header may have; IDs 0x1234, 0x0102. */
static const struct {
	uint8_t bytes[64];
	size_t len;
} data_packets[] = {
	{ { 0x00, 2, 0x12, 0x34, 1, 2, LCP_FRAME }, 18 },
	{ { 0x00, 2, 0x12, 0x34, 1, 2, 0xff, 3, LCP_FRAME }, 20 },
	{ { 0x40, 2, 0, 20, 0x12, 0x34, 1, 2, LCP_FRAME, 9, 9 }, 22 },
	{ { 0x08, 2, 0x12, 0x34, 1, 2, 0, 7, 0, 8, LCP_FRAME }, 22 },
	{ { 0x02, 2, 0x12, 0x34, 1, 2, 0, 0, LCP_FRAME }, 20 },
	{ { 0x4a, 2, 0, 29, 0x12, 0x34, 1, 2, 0, 7, 0, 8, 0, 3, 9, 9, 9,
	    LCP_FRAME }, 29 },
};

START_TEST(early_header)
{
	const uint8_t *frame, *packet = data_packets[_i].bytes;
	size_t len = data_packets[_i].len, cut;
	struct ppp_key key;
	int n = early_parse(packet, len, &key, &frame);

	ck_assert_int_eq(n, sizeof(lcp_frame));
	ck_assert_mem_eq(frame, lcp_frame, n);
	ck_assert_uint_eq(key.tunnel_id, 0x1234);
	ck_assert_uint_eq(key.session_id, 0x0102);
	ck_assert(early_wanted(frame, n));
	for (cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, packet, cut);
		n = early_parse(copy, cut, &key, &frame);
		if (n >= 0)
			ck_assert(frame >= copy && frame + n <= copy + cut);
		free(copy);
	}
}
END_TEST

START_TEST(early_header_refusals)
{
	static const uint8_t control[] = { 0xc8, 2, 0, 12, 1, 1, 0, 0, 0, 0, 0, 0 };
	static const uint8_t version3[] = { 0, 3, 1, 1, 2, 2, LCP_FRAME };
	static const uint8_t no_session[] = { 0, 2, 1, 1, 0, 0, LCP_FRAME };
	static const uint8_t long_offset[] = { 2, 2, 1, 1, 2, 2, 0xff, 0xff, LCP_FRAME };
	static const uint8_t long_length[] = { 0x40, 2, 0, 99, 1, 1, 2, 2, LCP_FRAME };
	static const uint8_t ip[] = { 0x00, 0x21, 0x45, 0, 0, 20 };
	const uint8_t *frame;
	struct ppp_key key;

	ck_assert_int_lt(early_parse(control, sizeof(control), &key, &frame), 0);
	ck_assert_int_lt(early_parse(version3, sizeof(version3), &key, &frame), 0);
	ck_assert_int_lt(early_parse(no_session, sizeof(no_session), &key, &frame), 0);
	ck_assert_int_lt(early_parse(long_offset, sizeof(long_offset), &key, &frame), 0);
	ck_assert_int_lt(early_parse(long_length, sizeof(long_length), &key, &frame), 0);
	ck_assert(!early_wanted(ip, sizeof(ip)));
	ck_assert(!early_wanted(lcp_frame, 5));
	ck_assert(!early_wanted(lcp_frame, PPP_EARLY_MAX + 1));
}
END_TEST

START_TEST(early_table_keeps_the_newest)
{
	struct early_table *t = calloc(1, sizeof(*t));
	struct ppp_key a = { 7, 8 }, b = { 7, 9 }, none = { 0, 0 };
	uint8_t second[sizeof(lcp_frame)];
	const struct early_frame *f;
	unsigned int i, found = 0;

	memcpy(second, lcp_frame, sizeof(second));
	second[3] = 2;
	ck_assert_ptr_null(early_take(t, a, 1000));
	ck_assert_ptr_null(early_take(t, none, 0));	/* a free place is no frame */
	early_put(t, a, lcp_frame, sizeof(lcp_frame), 1000);
	early_put(t, a, second, sizeof(second), 1001);
	early_put(t, b, lcp_frame, sizeof(lcp_frame), 1001);
	f = early_take(t, a, 1500);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->len, sizeof(second));
	ck_assert_mem_eq(f->bytes, second, sizeof(second));
	ck_assert_ptr_null(early_take(t, a, 1500));	/* given once */
	ck_assert_ptr_null(early_take(t, b, 1002 + EARLY_KEEP_MS));

	/* two sessions with the same places: both are kept, in either order */
	a.tunnel_id = b.tunnel_id = 9;
	b.session_id = a.session_id + EARLY_SETS;
	early_put(t, a, lcp_frame, sizeof(lcp_frame), 1);
	early_put(t, b, second, sizeof(second), 2);
	early_put(t, a, second, sizeof(second), 3);
	early_put(t, b, lcp_frame, sizeof(lcp_frame), 4);
	ck_assert_mem_eq(early_take(t, a, 5)->bytes, second, sizeof(second));
	ck_assert_mem_eq(early_take(t, b, 5)->bytes, lcp_frame, sizeof(lcp_frame));
	/* a third one throws the older out */
	early_put(t, a, lcp_frame, sizeof(lcp_frame), 1);
	early_put(t, b, lcp_frame, sizeof(lcp_frame), 2);
	a.session_id += 2 * EARLY_SETS;
	early_put(t, a, lcp_frame, sizeof(lcp_frame), 3);
	ck_assert_ptr_nonnull(early_take(t, a, 5));
	ck_assert_ptr_nonnull(early_take(t, b, 5));
	a.session_id -= 2 * EARLY_SETS;
	ck_assert_ptr_null(early_take(t, a, 5));

	/* more sessions than places: some are lost, none is mixed up */
	for (i = 1; i <= 8 * EARLY_SETS; i++) {
		second[11] = i;
		early_put(t, (struct ppp_key){ 1, i }, second, sizeof(second), 1);
	}
	for (i = 1; i <= 8 * EARLY_SETS; i++) {
		f = early_take(t, (struct ppp_key){ 1, i }, 1);
		if (!f)
			continue;
		ck_assert_uint_eq(f->bytes[11], i & 0xff);
		found++;
	}
	ck_assert_uint_ge(found, EARLY_SETS);
	ck_assert_uint_le(found, 2 * EARLY_SETS);
	free(t);
}
END_TEST

START_TEST(descriptors)
{
	uint8_t buf[64], out[64];
	int sv[2], pipefd[2], fds[PROTO_FDS_MAX], len, err;
	struct proto_note n = { { 1, 2 }, 3, 4 };
	size_t n_fds;
	char c;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	ck_assert_int_eq(pipe(pipefd), 0);
	len = proto_encode_note(buf, sizeof(buf), PROTO_FDS, &n);
	ck_assert_int_eq(proto_send(sv[0], buf, len, &pipefd[1], 1), len);
	ck_assert_int_eq(proto_recv(sv[1], out, sizeof(out), fds, &n_fds), len);
	ck_assert_uint_eq(n_fds, 1);
	ck_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(write(fds[0], "x", 1), 1);
	ck_assert_int_eq(read(pipefd[0], &c, 1), 1);
	close(fds[0]);

	/* nobody asked for it: it is closed, not leaked */
	ck_assert_int_eq(proto_send(sv[0], buf, len, &pipefd[1], 1), len);
	close(pipefd[1]);
	ck_assert_int_eq(proto_recv(sv[1], out, sizeof(out), NULL, NULL), len);
	ck_assert_int_eq(read(pipefd[0], &c, 1), 0);

	/* a datagram that does not fit is refused, not cut */
	ck_assert_int_eq(proto_send(sv[0], buf, len, NULL, 0), len);
	err = proto_recv(sv[1], out, len - 1, fds, &n_fds);
	ck_assert_int_eq(err, -EBADMSG);
	ck_assert_uint_eq(n_fds, 0);

	close(sv[0]);
	ck_assert_int_eq(proto_recv(sv[1], out, sizeof(out), fds, &n_fds), 0);
	ck_assert_int_eq(proto_send(sv[1], buf, len, NULL, 0), -EPIPE);
	close(sv[1]);
	close(pipefd[0]);
}
END_TEST

/* A daemon that is back soon is found at once, one that is away for long costs little, and not all come together. */
START_TEST(the_daemon_is_looked_for)
{
	uint64_t earliest_us = 0, latest_us = 0;
	unsigned int tries = 0;

	for (; earliest_us < 60000000; tries++) {
		uint32_t low = proto_retry_us(tries, 0), high = low;

		for (uint32_t r = 0; r < 4000000; r += 9973) {
			uint32_t us = proto_retry_us(tries, r);

			low = us < low ? us : low;
			high = us > high ? us : high;
		}
		ck_assert_uint_gt(high, low + low / 2);
		ck_assert_uint_le(high, 2000000);	/* half of what the daemon waits for, at most */
		if (latest_us < 1000000)
			ck_assert_uint_le(high, 250000);
		earliest_us += low;
		latest_us += high;
	}
	ck_assert_uint_lt(tries, 80);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pppproto");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, start_round_trip);
	tcase_add_loop_test(tc, start_refuses_bad_names, 0, 3);
	tcase_add_test(tc, auth_round_trip);
	tcase_add_test(tc, up_down_note_verdict_round_trip);
	tcase_add_test(tc, state_round_trip);
	tcase_add_test(tc, state_refusals);
	tcase_add_test(tc, unknown_is_skipped);
	tcase_add_test(tc, wrong_sizes);
	tcase_add_test(tc, writer_never_overflows);
	tcase_add_test(tc, garbage);
	tcase_add_test(tc, early_round_trip);
	tcase_add_loop_test(tc, early_header, 0,
			    sizeof(data_packets) / sizeof(data_packets[0]));
	tcase_add_test(tc, early_header_refusals);
	tcase_add_test(tc, early_table_keeps_the_newest);
	tcase_add_test(tc, descriptors);
	tcase_add_test(tc, the_daemon_is_looked_for);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
