// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is written by hand is what protobuf-c writes.
 * The record of a tunnel carries what decides how it is resynchronised, and a
 * method this version does not know becomes the one that tells peers nothing.
 * The roles and the further AVPs of calls are in the records, too, and those of
 * a release that knew neither mean what they meant.
 */
#include <errno.h>
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
	in.params.hide = in.params.hide_setup = true;
	in.params.bearer = 3;
	in.params.accept_dialout = in.params.refuse_dialin = true;
	in.params.busy = L2TP_BUSY_DIRECTED;
	in.params.framing_without = 2;
	in.params.transport = (struct l2tp_transport){ .tos = 184, .no_checksum = true, .drop_late = true };
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

START_TEST(joints)
{
	struct checkpoint_joint in = { .tunnel_id = 1, .session_id = 2, .to_tunnel_id = 65535, .to_session_id = 4,
				       .up_unix_ms = 1700000000000 }, out;
	uint8_t *body;
	size_t len;

	strcpy(in.user, "alice@isp.example");
	ck_assert_int_eq(checkpoint_encode_joint(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_joint(body, len, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
	ck_assert_int_eq(checkpoint_decode_joint(body, len - 1, &out), -EBADMSG);
	free(body);
	in.tunnel_id = 0;	/* of no tunnel, and not by PPPoE */
	ck_assert_int_eq(checkpoint_encode_joint(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_joint(body, len, &out), -EBADMSG);
	free(body);
	in.access = true;
	strcpy(in.bba, "ACCESS");
	strcpy(in.circuit, "eth 1");
	memcpy(in.mac, "\2\0\0\0\0\1", 6);
	ck_assert_int_eq(checkpoint_encode_joint(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_joint(body, len, &out), 0);
	ck_assert_mem_eq(&in, &out, sizeof(in));
	free(body);
	in.to_session_id = 0;	/* joined to nothing */
	ck_assert_int_eq(checkpoint_encode_joint(&in, &body, &len), 0);
	ck_assert_int_eq(checkpoint_decode_joint(body, len, &out), -EBADMSG);
	free(body);
}
END_TEST

/* Read and written again by protobuf-c it is the same, and nothing was lost. */
#define CHECK_PACKED(name, body, len)						\
	do {									\
		void *m_ = l2tpha__##name##__unpack(NULL, len, body);		\
		uint8_t *again_ = malloc(len + 1);				\
		ck_assert_ptr_nonnull(m_);					\
		ck_assert_uint_eq(l2tpha__##name##__get_packed_size(m_), len);	\
		l2tpha__##name##__pack(m_, again_);				\
		ck_assert(!len || !memcmp(body, again_, len));			\
		l2tpha__##name##__free_unpacked(m_, NULL);			\
		free(again_);							\
	} while (0)

START_TEST(by_hand_as_by_schema)
{
	static const uint32_t numbers[] = { 0, 1, 127, 128, 300, 16383, 16384, 65535 };
	uint32_t n = numbers[_i];
	struct l2tp_session_state_rec in = { 0 }, out;
	struct l2tp_channel_state channel = { .vs = (uint16_t)n, .una = (uint16_t)(n / 2), .vr = (uint16_t)(n * 3),
					      .behind = n % 2 }, was;
	uint8_t *body, *again, data[L2TP_MSG_MAX], back[L2TP_MSG_MAX];
	size_t len, again_len, data_len = 1 + n % sizeof(data);

	in.local_id = (uint16_t)n;
	in.peer_id = (uint16_t)(n + 1);
	in.tunnel_id = (uint16_t)(n + 2);
	in.state = (enum l2tp_session_state)(n % 2 ? L2TP_SESSION_ESTABLISHED : 0);
	in.call_serial = n * 65536u;
	in.bearer_type = n % 4;
	in.framing_type = ~n;
	in.tx_speed = n * 1000;
	in.rx_speed = n / 3;
	in.physical_channel = UINT32_MAX - n * 2;
	memset(in.called, 'c', n % sizeof(in.called));
	memset(in.calling, 0xff, n / 2 % sizeof(in.calling));
	memset(in.sub_address, 's', n % 2 ? sizeof(in.sub_address) - 1 : 0);
	in.sequencing_required = n % 3 == 0;
	in.csu_enabled = n % 3 == 1;
	in.established_unix_ms = (uint64_t)n << 44;
	in.call = n % 2 ? L2TP_CALL_OUT_LNS : L2TP_CALL_IN_LNS;
	in.attrs_len = n % 3 ? 8 : 0;
	memcpy(in.attrs, "\0\10\0\0\0\36us", in.attrs_len);
	ck_assert_int_eq(checkpoint_encode_session(&in, &body, &len), 0);
	CHECK_PACKED(session, body, len);
	ck_assert_int_eq(checkpoint_decode_session(body, len, &out), 0);
	ck_assert_int_eq(checkpoint_encode_session(&out, &again, &again_len), 0);
	ck_assert_uint_eq(again_len, len);
	ck_assert(!len || !memcmp(again, body, len));
	ck_assert_uint_eq(out.peer_id, in.peer_id);
	ck_assert_uint_eq(out.physical_channel, in.physical_channel);
	ck_assert_str_eq(out.calling, in.calling);
	ck_assert_uint_eq(out.established_unix_ms, in.established_unix_ms);
	free(again);
	free(body);

	ck_assert_int_eq(checkpoint_encode_channel(&channel, &body, &len), 0);
	CHECK_PACKED(channel, body, len);
	ck_assert_int_eq(checkpoint_decode_channel(body, len, &was), 0);
	ck_assert(was.vs == channel.vs && was.una == channel.una && was.vr == channel.vr && was.behind == channel.behind);
	free(body);

	memset(data, 0xa5, sizeof(data));
	ck_assert_int_eq(checkpoint_encode_message(data, data_len, &body, &len), 0);
	CHECK_PACKED(message, body, len);
	ck_assert_int_eq(checkpoint_decode_message(body, len, back, &len), 0);
	ck_assert_uint_eq(len, data_len);
	ck_assert(!memcmp(data, back, len));
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
	tcase_add_test(tcase, joints);
	tcase_add_loop_test(tcase, calls, 0, L2TP_CALL_OUT_LNS + 1);
	tcase_add_test(tcase, records_of_the_release_before);
	tcase_add_loop_test(tcase, by_hand_as_by_schema, 0, 8);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
