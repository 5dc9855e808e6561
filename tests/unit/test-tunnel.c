/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control connection: each row of the state table with a scripted peer. */
#include "tests/unit/l2tp_peer.h"

static struct box box;
static struct lac lac;

static void setup(void)
{
	box_init(&box);
	lac_init(&lac, &box, 77);
	l2tp_activate(box.l2tp, box.now);
}

static void teardown(void)
{
	box_done(&box);
}

START_TEST(establish)
{
	struct l2tp_tunnel_info info;
	struct l2tp_counters counters;
	struct seen *seen;

	lac_put_sccrq(&lac);
	lac_end(&lac);
	seen = box_sent(&box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.tunnel_id, 77);
	ck_assert_uint_eq(seen->header.ns, 0);
	ck_assert_uint_eq(seen->header.nr, 1);
	ck_assert_uint_eq(message_u16(&seen->message, AVP_RECEIVE_WINDOW_SIZE), 8);
	ck_assert(!message_has(&seen->message, AVP_CHALLENGE));
	ck_assert_uint_eq(box.seen_count, 1);	/* the SCCRP is the acknowledgement */
	lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE, lac.peer_id, 0, 0));
	ck_assert_int_eq(box.dirty[0].type, L2TP_DIRTY_TUNNEL);

	box_forget_seen(&box);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	lac_end(&lac);
	ck_assert_int_eq(box.seen[0].action.type, L2TP_ACTION_TUNNEL_UP);
	ck_assert_uint_eq(box.seen[0].action.tunnel_id, lac.peer_id);
	seen = box_sent(&box, 0, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.ns, 1);
	ck_assert_uint_eq(seen->header.nr, 2);
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE_ACKED, lac.peer_id, 0, 0));

	l2tp_tunnel_info(l2tp_tunnel_find(box.l2tp, lac.peer_id), &info);
	ck_assert_int_eq(info.s.state, L2TP_TUNNEL_ESTABLISHED);
	ck_assert_str_eq(info.s.peer_name, "lac");
	ck_assert_uint_eq(info.s.peer_window, 16);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 1);
	ck_assert_uint_eq(counters.ha_tunnels_established, 1);
}
END_TEST

START_TEST(hello_keeps_it_and_silence_ends_it)
{
	struct seen *seen;

	lac_connect(&lac);
	box_at(&box, box.now + 59999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 0);
	box_at(&box, box.now + 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 1);
	ck_assert(box_noted(&box, L2TP_DIRTY_MESSAGE, lac.peer_id, 0, 1));
	lac.nr = 2;
	lac_zlb(&lac);
	box_forget_seen(&box);
	/* 60 s later again; then 1+2+4+8+8 s of retransmissions and 8 s of waiting */
	box_at(&box, box.now + 60000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 1);
	box_at(&box, box.now + 30999);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 0);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_HELLO), 6);
	box_at(&box, box.now + 1);
	seen = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert(seen->action.was_established);
	ck_assert(!seen->action.by_peer);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert_uint_eq(l2tp_deadline_ms(box.l2tp), UINT64_MAX);
}
END_TEST

START_TEST(peer_stops)
{
	struct seen *down;
	uint16_t session;

	lac_connect(&lac);
	session = lac_call(&lac, 9);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 6, "maintenance");
	lac_end(&lac);
	down = box_action(&box, L2TP_ACTION_SESSION_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert_uint_eq(down->action.session_id, session);
	ck_assert(down->action.by_peer && down->action.was_established);
	ck_assert_ptr_eq(down, &box.seen[0]);
	down = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert_uint_eq(down->action.result.result, 6);
	ck_assert_str_eq(down->action.result.text, "maintenance");
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	ck_assert(box_noted(&box, L2TP_DIRTY_SESSION, lac.peer_id, session, 0));
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, lac.peer_id, 0, 0));
	ck_assert(!box_noted(&box, L2TP_DIRTY_CHANNEL, lac.peer_id, 0, 0));
	/* It lost our acknowledgement: for 31 s it gets another. */
	box_at(&box, box.now + 30999);
	box_forget_seen(&box);
	lac.ns--;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 6, "maintenance");
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
	ck_assert_uint_eq(box.dirty_count, 0);
	box_at(&box, box.now + 1);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
}
END_TEST

START_TEST(we_stop)
{
	struct l2tp_result result = { .result = 6, .text = "shutdown" };
	struct seen *stop;

	lac_connect(&lac);
	lac_call(&lac, 9);
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, lac.peer_id), box.now, &result);
	box_drain(&box);
	stop = box_sent(&box, MESSAGE_STOPCCN, 0);
	ck_assert_ptr_nonnull(stop);
	ck_assert_uint_eq(message_u16(&stop->message, AVP_ASSIGNED_TUNNEL_ID), lac.peer_id);
	ck_assert_uint_eq(message_u16(&stop->message, AVP_RESULT_CODE), 6);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_SESSION_DOWN), 1);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_CDN), 0);
	/* lost: repeated */
	box_at(&box, box.now + 1000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 2);
	lac.nr = stop->header.ns + 1;
	lac_zlb(&lac);
	box_at(&box, box.now + 29999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 2);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(box.l2tp, lac.peer_id));
	box_at(&box, box.now + 1);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, lac.peer_id));
}
END_TEST

START_TEST(stop_does_not_wait_behind_what_never_left)
{
	struct l2tp_result result = { .result = 1 };
	struct seen *stop;
	uint16_t i;

	lac_connect(&lac);
	for (i = 0; i < 6; i++) {
		lac_put_icrq(&lac, (uint16_t)(i + 1));
		lac_raw(&lac, lac.ns++, lac.nr);
	}
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);	/* slow start: Ns 1 and 2 */
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, lac.peer_id), box.now, &result);
	box_drain(&box);
	lac.nr = 3;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);
	stop = box_sent(&box, MESSAGE_STOPCCN, 0);
	ck_assert_ptr_nonnull(stop);
	ck_assert_uint_eq(stop->header.ns, 3);
	/* what comes now is acknowledged and means nothing */
	box_forget_seen(&box);
	lac_put_icrq(&lac, 50);
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.body_len, 0);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
}
END_TEST

/* ---- authentication ----------------------------------------------------- */

static void use_secret(void)
{
	strcpy(box.params.secret, "secret");
	box.params.authenticate = true;
}

static struct seen *sccrp_with_challenge(void)
{
	static const uint8_t challenge[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct seen *seen;

	use_secret();
	lac_put_sccrq(&lac);
	avp_put(&lac.out, AVP_CHALLENGE, challenge, sizeof(challenge));
	lac_end(&lac);
	seen = box_sent(&box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	return seen;
}

static void scccn(const char *secret)
{
	struct seen *seen = sccrp_with_challenge();
	uint8_t response[16];

	ck_assert_uint_eq(seen->message.avp[AVP_CHALLENGE].len, 16);
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	if (secret) {
		avp_challenge_response(MESSAGE_SCCCN, secret, seen->message.avp[AVP_CHALLENGE].data, 16, response);
		avp_put(&lac.out, AVP_CHALLENGE_RESPONSE, response, sizeof(response));
	}
	lac_end(&lac);
}

START_TEST(both_sides_authenticate)
{
	static const uint8_t response[] = { 0xdd, 0x41, 0x86, 0xe2, 0x19, 0x6f, 0x00, 0x12,
					    0x4a, 0x9d, 0x58, 0x8f, 0x02, 0x70, 0x12, 0x59 };
	struct l2tp_tunnel_state_rec rec;
	struct seen *seen;

	scccn("secret");
	l2tp_tunnel_export(l2tp_tunnel_find(box.l2tp, lac.peer_id), &rec);
	ck_assert(!rec.challenged);	/* it has done its work */
	seen = box_sent(&box, MESSAGE_SCCRP, 0);
	ck_assert_mem_eq(seen->message.avp[AVP_CHALLENGE_RESPONSE].data, response, 16);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_UP), 1);
}
END_TEST

static void expect_stop(uint16_t result, uint16_t error)
{
	struct seen *stop = box_sent(&box, MESSAGE_STOPCCN, 0);
	struct l2tp_result got;

	ck_assert_ptr_nonnull(stop);
	message_get_result(&stop->message, &got);
	ck_assert_uint_eq(got.result, result);
	ck_assert_uint_eq(got.error, error);
	ck_assert_uint_ne(message_u16(&stop->message, AVP_ASSIGNED_TUNNEL_ID), 0);
	ck_assert_uint_eq(stop->header.tunnel_id, lac.id);
}

START_TEST(wrong_secret)
{
	struct seen *down;

	scccn("secreT");
	expect_stop(4, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_UP), 0);
	down = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert(!down->action.was_established);
}
END_TEST

START_TEST(no_response)
{
	scccn(NULL);
	expect_stop(4, 0);
}
END_TEST

START_TEST(challenge_without_a_secret_here)
{
	lac_put_sccrq(&lac);
	avp_put(&lac.out, AVP_CHALLENGE, "x", 1);
	lac_end(&lac);
	expect_stop(4, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_CALL_REFUSED), 1);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
}
END_TEST

START_TEST(hidden_request)
{
	static const uint8_t vector[16] = { 42 };
	uint8_t id[2] = { 0, 77 }, caps[4] = { 0, 0, 0, 3 };
	struct avp_builder *out;

	use_secret();
	box.params.authenticate = false;
	out = lac_begin(&lac, MESSAGE_SCCRQ, 0);
	avp_put(out, AVP_RANDOM_VECTOR, vector, 16);
	avp_put_u16(out, AVP_PROTOCOL_VERSION, 0x0100);
	avp_put_text(out, AVP_HOST_NAME, "lac");
	avp_put_hidden(out, AVP_ASSIGNED_TUNNEL_ID, id, 2, "secret", vector, 16, 6);
	avp_put_hidden(out, AVP_FRAMING_CAPABILITIES, caps, 4, "secret", vector, 16, 0);
	avp_put_hidden(out, AVP_VENDOR_NAME, "acme", 4, "secret", vector, 16, 0);
	lac_raw(&lac, 0, 0);
	lac_raw(&lac, 0, 0);		/* repeated: recognised although its ID is hidden */
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 1);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_SCCRP, 0)->header.tunnel_id, 77);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
}
END_TEST

/* ---- requests ----------------------------------------------------------- */

START_TEST(refused_by_the_group)
{
	struct seen *refused;

	box.refuse = true;
	lac_put_sccrq(&lac);
	lac_end(&lac);
	expect_stop(4, 0);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_STOPCCN, 0)->header.nr, 1);
	refused = box_action(&box, L2TP_ACTION_CALL_REFUSED, 0);
	ck_assert_ptr_nonnull(refused);
	ck_assert_uint_eq(refused->action.peer.port, 1701);
	ck_assert_str_eq(refused->action.result.text, "no VPDN group accepts \"lac\"");
	/* nothing stays behind */
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
	ck_assert_uint_eq(box.dirty_count, 0);
	ck_assert_uint_eq(l2tp_deadline_ms(box.l2tp), UINT64_MAX);
}
END_TEST

START_TEST(malformed_requests)
{
	static const struct {
		uint16_t without, result, error;
		uint16_t version;
	} cases[] = {
		{ AVP_HOST_NAME, 2, 6, 0x0100 },
		{ AVP_FRAMING_CAPABILITIES, 2, 6, 0x0100 },
		{ AVP_PROTOCOL_VERSION, 2, 6, 0x0100 },
		{ 0, 5, 1, 0x0200 },
	};
	struct avp_builder *out;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		box_forget_seen(&box);
		out = lac_begin(&lac, MESSAGE_SCCRQ, 0);
		if (cases[i].without != AVP_PROTOCOL_VERSION)
			avp_put_u16(out, AVP_PROTOCOL_VERSION, cases[i].version);
		if (cases[i].without != AVP_HOST_NAME)
			avp_put_text(out, AVP_HOST_NAME, "lac");
		if (cases[i].without != AVP_FRAMING_CAPABILITIES)
			avp_put_u32(out, AVP_FRAMING_CAPABILITIES, 1);
		avp_put_u16(out, AVP_ASSIGNED_TUNNEL_ID, lac.id);
		lac_raw(&lac, 0, 0);
		box_drain(&box);
		expect_stop(cases[i].result, cases[i].error);
	}
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
	/* not even a number to answer to */
	box_forget_seen(&box);
	lac_begin(&lac, MESSAGE_SCCRQ, 0);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_STOPCCN, 0)->header.tunnel_id, 0);
}
END_TEST

START_TEST(later_rfcs_are_ignored)
{
	static const uint8_t failover[6] = { 0, 3 };

	lac_put_sccrq(&lac);
	avp_put_raw(&lac.out, 0, 0, 76, failover, 6);
	avp_put_raw(&lac.out, 0, 0, 47, failover, 2);
	avp_put_raw(&lac.out, 0, 9, 10, failover, 2);
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 1);
}
END_TEST

START_TEST(repeated_request_is_one_tunnel)
{
	lac_put_sccrq(&lac);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	box_forget_seen(&box);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.body_len, 0);
	ck_assert_uint_eq(box.seen[0].header.tunnel_id, 77);
	ck_assert_uint_eq(box.seen[0].header.ns, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, 1);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, l2tp_tunnel_next(box.l2tp, 0)), 0);
	/* the SCCRP goes again by its own timer */
	box_at(&box, box.now + 1000);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 1);
}
END_TEST

START_TEST(same_number_from_another_port_is_another_tunnel)
{
	lac_put_sccrq(&lac);
	lac_raw(&lac, 0, 0);
	lac.addr.port = 40000;
	lac_raw(&lac, 0, 0);
	lac.addr.addr[3]++;
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 3);
}
END_TEST

START_TEST(closed_tunnel_does_not_swallow_a_new_request)
{
	uint16_t old;

	lac_connect(&lac);
	old = lac.peer_id;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_end(&lac);
	box_forget_seen(&box);
	/* same address and port, at once */
	lac_init(&lac, &box, 78);
	lac_connect(&lac);
	ck_assert_ptr_nonnull(l2tp_tunnel_find(box.l2tp, old));
	/* and with the number of the closed one, but another request */
	lac_init(&lac, &box, 77);
	lac_put_sccrq(&lac);
	avp_put_text(&lac.out, AVP_VENDOR_NAME, "restarted");
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 1);
}
END_TEST

START_TEST(copy_of_a_request_opens_nothing)
{
	uint16_t old;

	lac_connect(&lac);
	old = lac.peer_id;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_end(&lac);
	box_forget_seen(&box);
	/* octet for octet the old one: a copy that came late... */
	lac_init(&lac, &box, 77);
	lac_put_sccrq(&lac);
	lac_raw(&lac, 0, 0);
	box_at(&box, box.now + 1000);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	/* ... or a peer without a memory, which asks again after 1, 3, 7 s */
	box_at(&box, box.now + 2000);
	lac_connect(&lac);
	ck_assert_uint_ne(lac.peer_id, old);
	ck_assert_ptr_null(l2tp_tunnel_find(box.l2tp, old));
	lac_call(&lac, 1);
}
END_TEST

START_TEST(peer_that_lost_its_state_starts_anew)
{
	uint16_t old;
	struct seen *down;

	lac_connect(&lac);
	old = lac.peer_id;
	box_at(&box, box.now + 3000);
	lac_init(&lac, &box, 77);
	lac_put_sccrq(&lac);
	lac_end(&lac);
	/* until the new one is real the old one stays: a forged request does no harm */
	ck_assert_ptr_nonnull(l2tp_tunnel_find(box.l2tp, old));
	lac.peer_id = message_u16(&box_sent(&box, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	ck_assert_uint_ne(lac.peer_id, old);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	lac_end(&lac);
	down = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert_uint_eq(down->action.tunnel_id, old);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_UP), 1);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	ck_assert(box_noted(&box, L2TP_DIRTY_TUNNEL, old, 0, 0));
}
END_TEST

START_TEST(half_open_times_out)
{
	lac_put_sccrq(&lac);
	lac_end(&lac);
	lac.peer_id = message_u16(&box_sent(&box, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_zlb(&lac);
	box_at(&box, box.now + 9999);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	box_at(&box, box.now + 1);
	expect_stop(1, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
}
END_TEST

START_TEST(half_open_limits)
{
	struct l2tp_config config = { .id_min = 100, .id_max = 199, .max_half_open = 5, .max_half_open_per_peer = 3 };
	struct l2tp_ops ops = { &box, box_select, box_random };
	struct l2tp_counters counters;
	uint16_t id;

	l2tp_free(box.l2tp);
	box.l2tp = l2tp_new(&config, &ops);
	l2tp_activate(box.l2tp, box.now);
	for (id = 1; id <= 10; id++) {
		lac_init(&lac, &box, id);
		lac_put_sccrq(&lac);
		lac_end(&lac);
	}
	ck_assert_uint_eq(box.seen_count, 3);
	for (id = 1; id <= 10; id++) {
		lac_init(&lac, &box, id);
		lac.addr.addr[2]++;
		lac_put_sccrq(&lac);
		lac_end(&lac);
	}
	ck_assert_uint_eq(box.seen_count, 5);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_refused, 15);
	/* they time out, and others get their turn */
	box_at(&box, box.now + 10000);
	box_forget_seen(&box);
	lac_init(&lac, &box, 500);
	lac_connect(&lac);
	ck_assert_uint_ge(lac.peer_id, 100);
	ck_assert_uint_le(lac.peer_id, 199);
}
END_TEST

START_TEST(ids_rest_before_they_come_back)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 50 };
	struct l2tp_ops ops = { &box, box_select, box_random };
	struct l2tp_result result = { .result = 1 };
	bool used[51] = { false };
	uint16_t id;
	int i, ascending = 0;

	l2tp_free(box.l2tp);
	box.l2tp = l2tp_new(&config, &ops);
	l2tp_activate(box.l2tp, box.now);
	for (id = 0, i = 0; i < 50; i++) {
		lac_init(&lac, &box, (uint16_t)(1000 + i));
		lac_connect(&lac);
		ck_assert_msg(!used[lac.peer_id], "%u again after %d", lac.peer_id, i);
		used[lac.peer_id] = true;
		ascending += lac.peer_id == id + 1;
		id = lac.peer_id;
		l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, id), box.now, &result);
		lac.nr = 2;
		lac_zlb(&lac);
		box_forget_seen(&box);
	}
	ck_assert_int_lt(ascending, 10);
	/* all closing: the oldest gives way */
	lac_init(&lac, &box, 2000);
	lac_connect(&lac);
}
END_TEST

/* ---- what is out of place ----------------------------------------------- */

START_TEST(improper_sequence)
{
	static const enum message_type types[] = { MESSAGE_SCCRP, MESSAGE_SCCCN };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		lac_init(&lac, &box, (uint16_t)(77 + i));
		lac_connect(&lac);
		lac_begin(&lac, types[i], 0);
		if (types[i] == MESSAGE_SCCRP) {
			avp_put_u16(&lac.out, AVP_PROTOCOL_VERSION, 0x0100);
			avp_put_u32(&lac.out, AVP_FRAMING_CAPABILITIES, 3);
			avp_put_text(&lac.out, AVP_HOST_NAME, "lac");
			avp_put_u16(&lac.out, AVP_ASSIGNED_TUNNEL_ID, lac.id);
		}
		lac_end(&lac);
		expect_stop(7, 0);
		box_forget_seen(&box);
	}
	/* a call before the tunnel is there */
	lac_init(&lac, &box, 90);
	lac_put_sccrq(&lac);
	lac_end(&lac);
	lac.peer_id = message_u16(&box_sent(&box, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_put_icrq(&lac, 1);
	lac_end(&lac);
	expect_stop(7, 0);
}
END_TEST

START_TEST(unknown_messages)
{
	lac_connect(&lac);
	/* FSQ of RFC 4951 has M = 0: acknowledged, ignored */
	message_begin(&lac.out, lac.buf, sizeof(lac.buf), (enum message_type)21, lac.peer_id, 0);
	lac.buf[MESSAGE_HEADER] &= 0x7f;
	lac_end(&lac);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, lac.ns);
	message_begin(&lac.out, lac.buf, sizeof(lac.buf), (enum message_type)21, lac.peer_id, 0);
	lac_end(&lac);
	expect_stop(2, 8);
}
END_TEST

START_TEST(unknown_mandatory_avp_ends_the_tunnel)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	avp_put_raw(&lac.out, 0, 0, 99, "", 0);
	lac_end(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_STOPCCN), 0);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	avp_put_raw(&lac.out, AVP_FLAG_M, 0, 99, "", 0);
	lac_end(&lac);
	expect_stop(2, 8);
}
END_TEST

START_TEST(message_without_a_type_ends_the_tunnel)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac.buf[MESSAGE_HEADER + 5] = 9;
	lac_end(&lac);
	expect_stop(2, 6);
}
END_TEST

START_TEST(stop_before_our_number_was_known)
{
	lac_put_sccrq(&lac);
	lac_end(&lac);
	box_forget_seen(&box);
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_end(&lac);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	box_at(&box, box.now + 31000);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 0);
}
END_TEST

/* ---- the channel in the tunnel ------------------------------------------ */

START_TEST(duplicates_are_acknowledged_once_a_batch)
{
	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, 2, 1);
	lac_raw(&lac, 2, 1);
	lac_raw(&lac, 2, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 1);
	ck_assert_uint_eq(box.seen[0].header.nr, 3);
	lac_raw(&lac, 2, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 2);
	ck_assert_uint_eq(box.seen[1].header.nr, 3);
	lac_raw(&lac, 0, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 3);
}
END_TEST

START_TEST(out_of_order_is_put_right)
{
	struct l2tp_tunnel_info info;
	uint16_t i;

	lac_connect(&lac);
	for (i = 0; i < 4; i++) {
		lac_put_icrq(&lac, (uint16_t)(10 + i));
		lac_raw(&lac, (uint16_t)(2 + (i ^ 3)), 1);	/* 5 4 3 2 */
		if (i < 3) {
			box_drain(&box);
			ck_assert_uint_eq(box.seen_count, 0);
		}
	}
	box_drain(&box);
	/* order of the numbers, not of arrival */
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 2);	/* slow start */
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.session_id, 13);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 1)->header.session_id, 12);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.nr, 6);
	l2tp_tunnel_info(l2tp_tunnel_find(box.l2tp, lac.peer_id), &info);
	ck_assert_uint_eq(info.out_of_order, 3);
	ck_assert_uint_eq(info.unsent, 2);
	ck_assert_uint_eq(info.sessions, 4);
	lac.ns = 6;
	lac.nr = 2;
	lac_zlb(&lac);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 4);
	ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 3)->header.session_id, 10);
}
END_TEST

START_TEST(every_send_carries_the_current_nr)
{
	struct seen *first, *again;

	lac_connect(&lac);
	lac_put_icrq(&lac, 10);
	lac_end(&lac);
	first = box_sent(&box, MESSAGE_ICRP, 0);
	ck_assert_uint_eq(first->header.nr, 3);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_end(&lac);
	box_at(&box, box.now + 1000);
	first = box_sent(&box, MESSAGE_ICRP, 0);
	again = box_sent(&box, MESSAGE_ICRP, 1);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(again->header.nr, 4);
	/* only Nr differs */
	ck_assert_uint_eq(first->action.len, again->action.len);
	again->data[11] = first->data[11];
	ck_assert_mem_eq(first->data, again->data, first->action.len);
}
END_TEST

START_TEST(acknowledged_before_it_was_drained_is_not_sent)
{
	lac_connect(&lac);
	lac_put_icrq(&lac, 10);
	lac_end(&lac);
	box_forget_seen(&box);
	box.now += 1000;
	l2tp_tick(box.l2tp, box.now);	/* wants the ICRP again */
	lac.nr = 2;
	lac_zlb(&lac);
	ck_assert_uint_eq(box.seen_count, 0);
}
END_TEST

START_TEST(impossible_nr_is_dropped)
{
	struct l2tp_counters counters;

	lac_connect(&lac);
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, lac.ns, 2);	/* we sent only 0 */
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_malformed, 1);
	lac_raw(&lac, lac.ns, 1);
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 1);
}
END_TEST

START_TEST(wrap_of_both_numbers)
{
	uint32_t i;

	lac_connect(&lac);
	for (i = 0; i < 65600; i++) {
		lac_put_icrq(&lac, 10);
		lac_end(&lac);
		ck_assert_uint_eq(box_sent_count(&box, MESSAGE_ICRP), 1);
		ck_assert_uint_eq(box_sent(&box, MESSAGE_ICRP, 0)->header.ns, lac.nr);
		lac.nr++;
		lac_put_end(&lac, MESSAGE_CDN, 10,
			    message_u16(&box_sent(&box, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID), 3, "");
		lac_end(&lac);
		ck_assert_uint_eq(box_sent_count(&box, 0), 1);
		ck_assert_uint_eq(box_sent(&box, 0, 0)->header.nr, lac.ns);
		box_forget_seen(&box);
	}
}
END_TEST

START_TEST(only_the_peer_is_heard)
{
	struct l2tp_counters counters;

	lac_connect(&lac);
	lac.addr.port++;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_raw(&lac, 2, 1);
	lac.addr.port--;
	box.local.addr[3]++;
	lac_raw(&lac, 2, 1);
	box.local.addr[3]--;
	lac.peer_id++;
	lac_begin(&lac, MESSAGE_HELLO, 0);
	lac_raw(&lac, 2, 1);
	lac.peer_id--;
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.rx_unknown_tunnel, 3);
	ck_assert_uint_eq(counters.tunnels_established, 1);
}
END_TEST

START_TEST(garbage_does_nothing)
{
	uint8_t data[64];
	struct l2tp_counters counters;
	uint32_t i;

	lac_connect(&lac);
	for (i = 0; i < 20000; i++) {
		box_random(&box, data, sizeof(data));
		l2tp_input(box.l2tp, box.now, &box.local, &lac.addr, data, data[0] % sizeof(data));
	}
	box_drain(&box);
	ck_assert_uint_eq(box.seen_count, 0);
	l2tp_counters(box.l2tp, &counters);
	ck_assert_uint_eq(counters.tunnels_established, 1);
	ck_assert_uint_eq(counters.rx_packets, 20002);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tunnel");
	TCase *tcase = tcase_create("tunnel");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, establish);
	tcase_add_test(tcase, hello_keeps_it_and_silence_ends_it);
	tcase_add_test(tcase, peer_stops);
	tcase_add_test(tcase, we_stop);
	tcase_add_test(tcase, stop_does_not_wait_behind_what_never_left);
	tcase_add_test(tcase, both_sides_authenticate);
	tcase_add_test(tcase, wrong_secret);
	tcase_add_test(tcase, no_response);
	tcase_add_test(tcase, challenge_without_a_secret_here);
	tcase_add_test(tcase, hidden_request);
	tcase_add_test(tcase, refused_by_the_group);
	tcase_add_test(tcase, malformed_requests);
	tcase_add_test(tcase, later_rfcs_are_ignored);
	tcase_add_test(tcase, repeated_request_is_one_tunnel);
	tcase_add_test(tcase, same_number_from_another_port_is_another_tunnel);
	tcase_add_test(tcase, closed_tunnel_does_not_swallow_a_new_request);
	tcase_add_test(tcase, copy_of_a_request_opens_nothing);
	tcase_add_test(tcase, peer_that_lost_its_state_starts_anew);
	tcase_add_test(tcase, half_open_times_out);
	tcase_add_test(tcase, half_open_limits);
	tcase_add_test(tcase, ids_rest_before_they_come_back);
	tcase_add_test(tcase, improper_sequence);
	tcase_add_test(tcase, unknown_messages);
	tcase_add_test(tcase, unknown_mandatory_avp_ends_the_tunnel);
	tcase_add_test(tcase, message_without_a_type_ends_the_tunnel);
	tcase_add_test(tcase, stop_before_our_number_was_known);
	tcase_add_test(tcase, duplicates_are_acknowledged_once_a_batch);
	tcase_add_test(tcase, out_of_order_is_put_right);
	tcase_add_test(tcase, every_send_carries_the_current_nr);
	tcase_add_test(tcase, acknowledged_before_it_was_drained_is_not_sent);
	tcase_add_test(tcase, impossible_nr_is_dropped);
	tcase_add_test(tcase, wrap_of_both_numbers);
	tcase_add_test(tcase, only_the_peer_is_heard);
	tcase_add_test(tcase, garbage_does_nothing);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
