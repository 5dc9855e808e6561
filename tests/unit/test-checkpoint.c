// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of a tunnel carries what decides how it is resynchronised, and a
 * method this version does not know becomes the one that tells peers nothing.
 * The roles and the further AVPs of calls are in the records, too, and those of
 * a release that knew neither mean what they meant.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/checkpoint.h"
#include "ha/state.pb-c.h"
#include "tests/unit/check_main.h"

static void fill(struct l2tp_tunnel_state_rec *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->local_id = 7;
	rec->peer_id = 9;
	rec->local = (struct l2tp_endpoint){ 4, { 192, 0, 2, 1 }, 1701 };
	rec->peer = (struct l2tp_endpoint){ 4, { 192, 0, 2, 2 }, 1701 };
	rec->state = L2TP_TUNNEL_ESTABLISHED;
	strcpy(rec->params.group, "g");
	rec->params.ha = true;
	rec->params.recovery_ms = 900000;
	rec->failover_sent = 1;
	rec->failover_received = 3;
	rec->peer_recovery_ms = 86400000;
}

START_TEST(method_and_capabilities)
{
	struct l2tp_tunnel_state_rec in, out;
	uint8_t *body;
	size_t len;

	fill(&in);
	in.params.failover = (enum l2tp_failover)_i;
	ck_assert_int_eq(checkpoint_encode_tunnel(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_tunnel(body, len, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
	free(body);
}
END_TEST

START_TEST(unknown_method_is_silent)
{
	struct l2tp_tunnel_state_rec in, out;
	L2tpha__Tunnel *message;
	uint8_t *body, later[512];
	size_t len;

	fill(&in);
	ck_assert_int_eq(checkpoint_encode_tunnel(&in, &body, &len), 0);
	message = l2tpha__tunnel__unpack(NULL, len, body);
	free(body);
	message->failover = 99;
	len = l2tpha__tunnel__pack(message, later);
	l2tpha__tunnel__free_unpacked(message, NULL);
	ck_assert_int_eq(checkpoint_decode_tunnel(later, len, &out), 0);
	ck_assert_int_eq(out.params.failover, L2TP_FAILOVER_SILENT);
}
END_TEST

START_TEST(both_roles)
{
	struct l2tp_tunnel_state_rec in, out;
	uint8_t *body;
	size_t len;

	fill(&in);
	in.initiator = true;
	in.params.hide = true;
	in.params.bearer = 3;
	in.params.accept_dialout = in.params.refuse_dialin = true;
	in.params.busy = L2TP_BUSY_DIRECTED;
	strcpy(in.params.busy_peers, "192.0.2.9, [2001:db8::9]");
	ck_assert_int_eq(checkpoint_encode_tunnel(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_tunnel(body, len, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
	free(body);
}
END_TEST

START_TEST(calls)
{
	struct l2tp_session_state_rec in = { .local_id = 1, .peer_id = 2, .tunnel_id = 3, .call = (enum l2tp_call)_i,
					     .state = L2TP_SESSION_ESTABLISHED, .attrs_len = 10 }, out;
	uint8_t *body;
	size_t len;

	memcpy(in.attrs, "\0\12\0\0\0\36user", 10);
	ck_assert_int_eq(checkpoint_encode_session(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_session(body, len, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
	free(body);
}
END_TEST

/* What the release before wrote: calls are those of peers, nothing further is known of them. */
START_TEST(records_of_the_release_before)
{
	L2tpha__Session m = L2TPHA__SESSION__INIT;
	struct l2tp_session_state_rec out;
	uint8_t body[64];
	size_t len;

	m.local_id = m.peer_id = m.tunnel_id = 1;
	m.state = L2TP_SESSION_WAIT_CONNECT;
	len = l2tpha__session__pack(&m, body);
	ck_assert_int_eq(checkpoint_decode_session(body, len, &out), 0);
	ck_assert_int_eq(out.call, L2TP_CALL_IN_LNS);
	ck_assert_uint_eq(out.attrs_len, 0);
	/* and states keep their numbers: it refuses what is above */
	ck_assert_int_eq(L2TP_SESSION_ESTABLISHED, 3);
	m.call = L2TP_CALL_OUT_LNS + 1;
	len = l2tpha__session__pack(&m, body);
	ck_assert_int_ne(checkpoint_decode_session(body, len, &out), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checkpoint");
	TCase *tcase = tcase_create("checkpoint");

	tcase_add_loop_test(tcase, method_and_capabilities, 0, L2TP_FAILOVER_SILENT + 1);
	tcase_add_test(tcase, unknown_method_is_silent);
	tcase_add_test(tcase, both_roles);
	tcase_add_loop_test(tcase, calls, 0, L2TP_CALL_OUT_LNS + 1);
	tcase_add_test(tcase, records_of_the_release_before);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
