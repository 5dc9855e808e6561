// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record of a tunnel carries what decides how it is resynchronised, and a
 * method this version does not know becomes the one that tells peers nothing.
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

int main(void)
{
	Suite *suite = suite_create("checkpoint");
	TCase *tcase = tcase_create("checkpoint");

	tcase_add_loop_test(tcase, method_and_capabilities, 0, L2TP_FAILOVER_SILENT + 1);
	tcase_add_test(tcase, unknown_method_is_silent);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
