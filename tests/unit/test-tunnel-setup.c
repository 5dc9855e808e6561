// SPDX-License-Identifier: GPL-2.0-or-later
/* How a control connection begins: who is let in, on which terms, and how often. */
#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_fixture.h"

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

START_TEST(wrong_secret)
{
	struct seen *down;

	scccn("secreT");
	lac_expect_stop(&lac, 4, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_UP), 0);
	down = box_action(&box, L2TP_ACTION_TUNNEL_DOWN, 0);
	ck_assert_ptr_nonnull(down);
	ck_assert(!down->action.was_established);
}
END_TEST

START_TEST(no_response)
{
	scccn(NULL);
	lac_expect_stop(&lac, 4, 0);
}
END_TEST

START_TEST(challenge_without_a_secret_here)
{
	lac_put_sccrq(&lac);
	avp_put(&lac.out, AVP_CHALLENGE, "x", 1);
	lac_end(&lac);
	lac_expect_stop(&lac, 4, 0);
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
	lac_expect_stop(&lac, 4, 0);
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

/* Result 4 of a StopCCN is "not authorised": who is full for the moment says otherwise of a tunnel. */
START_TEST(full_for_the_moment)
{
	const struct l2tp_config limits = { .max_tunnels = 1 };

	lac_connect(&lac);
	l2tp_set_limits(box.l2tp, &limits);
	box.params.busy = L2TP_BUSY_TEMPORARY;
	lac_init(&lac, &box, 78);
	lac_put_sccrq(&lac);
	lac_end(&lac);
	lac_expect_stop(&lac, 2, 4);
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
		lac_expect_stop(&lac, cases[i].result, cases[i].error);
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

/* The tunnel has come up, or was closed before the peer heard of it: it asked for that one. */
START_TEST(late_copies_of_a_request)
{
	static const struct l2tp_result close = { .result = 1 };
	uint16_t id;

	lac_connect(&lac);
	id = lac.peer_id;
	lac.peer_id = 0;
	lac_put_sccrq(&lac);
	box_at(&box, box.now + 500);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 0);
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), id);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, id), 0);

	lac_init(&lac, &box, 78);
	lac_put_sccrq(&lac);
	lac_raw(&lac, 0, 0);
	id = l2tp_tunnel_next(box.l2tp, 0) == id ? l2tp_tunnel_next(box.l2tp, id) : l2tp_tunnel_next(box.l2tp, 0);
	l2tp_tunnel_close(l2tp_tunnel_find(box.l2tp, id), box.now, &close);
	box_at(&box, box.now + 4000);
	box_forget_seen(&box);
	lac_raw(&lac, 0, 0);
	box_drain(&box);
	ck_assert_uint_eq(box_sent_count(&box, MESSAGE_SCCRP), 0);
	ck_assert_uint_eq(box_sent_count(&box, 0), 1);
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

/* A tunnel that the peer had and closed; the number we had for it. */
static uint16_t connect_and_stop(void)
{
	uint16_t id;

	lac_connect(&lac);
	id = lac.peer_id;
	lac_put_end(&lac, MESSAGE_STOPCCN, lac.id, 0, 1, "");
	lac_end(&lac);
	box_forget_seen(&box);
	return id;
}

START_TEST(closed_tunnel_does_not_swallow_a_new_request)
{
	uint16_t old = connect_and_stop();

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
	uint16_t old = connect_and_stop();

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
	lac_expect_stop(&lac, 1, 0);
	ck_assert_uint_eq(box_count(&box, L2TP_ACTION_TUNNEL_DOWN), 1);
}
END_TEST

START_TEST(half_open_limits)
{
	struct l2tp_config config = { .id_min = 100, .id_max = 199, .max_half_open = 5, .max_half_open_per_peer = 3 };
	struct l2tp_ops ops = { .ctx = &box, .select_group = box_select, .random = box_random };
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
	struct l2tp_ops ops = { .ctx = &box, .select_group = box_select, .random = box_random };
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

int main(void)
{
	Suite *suite = suite_create("tunnel-setup");
	TCase *tcase = tcase_create("setup");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, both_sides_authenticate);
	tcase_add_test(tcase, wrong_secret);
	tcase_add_test(tcase, no_response);
	tcase_add_test(tcase, challenge_without_a_secret_here);
	tcase_add_test(tcase, hidden_request);
	tcase_add_test(tcase, refused_by_the_group);
	tcase_add_test(tcase, full_for_the_moment);
	tcase_add_test(tcase, malformed_requests);
	tcase_add_test(tcase, later_rfcs_are_ignored);
	tcase_add_test(tcase, repeated_request_is_one_tunnel);
	tcase_add_test(tcase, late_copies_of_a_request);
	tcase_add_test(tcase, same_number_from_another_port_is_another_tunnel);
	tcase_add_test(tcase, closed_tunnel_does_not_swallow_a_new_request);
	tcase_add_test(tcase, copy_of_a_request_opens_nothing);
	tcase_add_test(tcase, peer_that_lost_its_state_starts_anew);
	tcase_add_test(tcase, half_open_times_out);
	tcase_add_test(tcase, half_open_limits);
	tcase_add_test(tcase, ids_rest_before_they_come_back);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
