// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a newer release wrote into the records of a pair comes through a node
 * of this release that took over and wrote the objects anew: fields at the top
 * and nested, types of records; and nothing of it outlives its object.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

#include "daemon/checkpoint.h"
#include "ha/state.pb-c.h"

/* Fields 1001 (bytes) and 1002 (varint), as a newer encoder would append them. */
static const uint8_t novelty[] = { 0xca, 0x3e, 5, 'n', 'o', 'v', 'e', 'l', 0xd0, 0x3e, 0x96, 0x01 };

static bool has_novelty(const uint8_t *body, size_t len)
{
	return memmem(body, len, novelty, sizeof(novelty)) != NULL;
}

static struct ha *ha_of(int n)
{
	return group_ha(nodes[n]->group);
}

static bool held(int n, struct ha_key key)
{
	size_t len;
	const void *body = ha_get(ha_of(n), key, &len);

	return body && has_novelty(body, len);
}

static void enrich(int n, struct ha_key key)
{
	size_t len;
	const void *body = ha_get(ha_of(n), key, &len);
	uint8_t *copy = malloc(len + sizeof(novelty));

	ck_assert_ptr_nonnull(body);
	memcpy(copy, body, len);
	memcpy(copy + len, novelty, sizeof(novelty));
	ck_assert_int_eq(ha_put(ha_of(n), key, copy, len + sizeof(novelty)), 0);
	free(copy);
}

static void switch_from(int n)
{
	char reason[HA_REASON_MAX] = "";

	ck_assert_msg(!group_switchover(nodes[n]->group, now, false, reason), "%s", reason);
	run(3000);
	ck_assert_uint_eq(ha_digest(ha_of(0)), ha_digest(ha_of(1)));
}

static void expect_session_decodes(int n, uint16_t t, uint16_t s)
{
	struct l2tp_session_state_rec session;
	size_t len;
	const void *body = ha_get(ha_of(n), (struct ha_key){ CHECKPOINT_SESSION, t, s, 0 }, &len);

	ck_assert_ptr_nonnull(body);
	ck_assert_int_eq(checkpoint_decode_session(body, len, &session), 0);
	ck_assert_uint_eq(session.local_id, s);
}

START_TEST(fields_and_types_come_through)
{
	struct ha_key tunnel, channel, session[2], subscriber[2], extra[2];
	struct lac_call *call;
	uint8_t before[64];
	const void *body;
	uint16_t t, s[2];
	size_t len;
	int stays;

	pair_up(1);
	call = lac_call(lac, now, NULL, NULL);
	run(3000);
	t = l2tp_tunnel_next(group_l2tp(nodes[0]->group), 0);
	tunnel = (struct ha_key){ CHECKPOINT_TUNNEL, t, 0, 0 };
	channel = (struct ha_key){ CHECKPOINT_CHANNEL, t, 0, 0 };
	/* the first node is of a newer release now */
	enrich(0, tunnel);
	enrich(0, channel);
	for (int i = 0; i < 2; i++) {
		s[i] = l2tp_session_next(group_l2tp(nodes[0]->group), t, i ? s[0] : 0);
		ck_assert(t && s[i]);
		session[i] = (struct ha_key){ CHECKPOINT_SESSION, t, s[i], 0 };
		subscriber[i] = (struct ha_key){ CHECKPOINT_SUBSCRIBER, t, s[i], 0 };
		extra[i] = (struct ha_key){ 200, t, s[i], 0 };
		enrich(0, session[i]);
		enrich(0, subscriber[i]);
		ck_assert_int_eq(ha_put(ha_of(0), extra[i], novelty, sizeof(novelty)), 0);
	}
	run(100);
	ck_assert(held(1, tunnel) && held(1, channel) && held(1, session[0]) && held(1, subscriber[0]) && held(1, extra[0]));
	switch_from(0);
	/* this release owns it: calls come and go, the channel moves on */
	body = ha_get(ha_of(1), channel, &len);
	ck_assert_uint_le(len, sizeof(before));
	memcpy(before, body, len);
	lac_call(lac, now, NULL, NULL);
	run(3000);
	body = ha_get(ha_of(1), channel, &len);
	ck_assert(memcmp(before, body, len));	/* it was written */
	lac_hangup(call, now, 1);
	run(3000);
	stays = l2tp_session_find(group_l2tp(nodes[1]->group), t, s[0]) ? 0 : 1;
	ck_assert_ptr_null(l2tp_session_find(group_l2tp(nodes[1]->group), t, s[!stays]));
	switch_from(1);
	ck_assert(held(0, tunnel) && held(0, channel) && held(0, session[stays]));
	ck_assert(held(0, subscriber[stays]) && held(0, extra[stays]));
	expect_session_decodes(0, t, s[stays]);
	/* what belonged to the call that ended went with it */
	ck_assert_ptr_null(ha_get(ha_of(0), extra[!stays], &len));
	ck_assert_ptr_null(ha_get(ha_of(1), extra[!stays], &len));
}
END_TEST

/* An encoder of today over a body of tomorrow, nested message included. */
START_TEST(nested_fields_are_carried_over)
{
	L2tpha__TunnelParams params = L2TPHA__TUNNEL_PARAMS__INIT;
	L2tpha__Endpoint local = L2TPHA__ENDPOINT__INIT, peer = L2TPHA__ENDPOINT__INIT;
	L2tpha__Tunnel now_t = L2TPHA__TUNNEL__INIT, *back;
	uint8_t address[4] = { 192, 0, 2, 1 }, old[512], *body;
	ProtobufCMessageUnknownField extra = { 2000, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, 4, NULL };
	uint8_t with_length[] = { 3, 7, 7, 7 };
	size_t old_len, len, cut;

	local.addr = peer.addr = (ProtobufCBinaryData){ 4, address };
	params.group = params.local_name = params.secret = (char *)"x";
	now_t.local_id = 1;
	now_t.local = &local;
	now_t.peer = &peer;
	now_t.params = &params;
	extra.data = with_length;
	params.base.unknown_fields = &extra;
	params.base.n_unknown_fields = 1;
	old_len = protobuf_c_message_pack(&now_t.base, old);
	params.base.unknown_fields = NULL;
	params.base.n_unknown_fields = 0;
	now_t.local_id = 2;
	len = protobuf_c_message_get_packed_size(&now_t.base);
	body = malloc(len);
	protobuf_c_message_pack(&now_t.base, body);

	ck_assert_int_eq(checkpoint_keep_unknown(CHECKPOINT_TUNNEL, old, old_len, &body, &len), 0);
	back = l2tpha__tunnel__unpack(NULL, len, body);
	ck_assert_ptr_nonnull(back);
	ck_assert_uint_eq(back->local_id, 2);
	ck_assert_uint_eq(back->base.n_unknown_fields, 0);
	ck_assert_uint_eq(back->params->base.n_unknown_fields, 1);
	ck_assert_uint_eq(back->params->base.unknown_fields[0].tag, 2000);
	ck_assert_mem_eq(back->params->base.unknown_fields[0].data, with_length, sizeof(with_length));
	l2tpha__tunnel__free_unpacked(back, NULL);
	/* a body that ends anywhere harms nobody */
	for (cut = 0; cut < old_len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		memcpy(exact, old, cut);
		checkpoint_keep_unknown(CHECKPOINT_TUNNEL, exact, cut, &body, &len);
		free(exact);
	}
	free(body);
}
END_TEST

START_TEST(nothing_is_copied_without_need)
{
	struct l2tp_channel_state channel = { .vs = 3, .una = 2, .vr = 1 };
	uint8_t *held_body, *body, *same;
	size_t held_len, len;

	ck_assert_int_eq(checkpoint_encode_channel(&channel, &held_body, &held_len), 0);
	ck_assert_int_eq(checkpoint_encode_channel(&channel, &body, &len), 0);
	same = body;
	ck_assert_int_eq(checkpoint_keep_unknown(CHECKPOINT_CHANNEL, held_body, held_len, &body, &len), 0);
	ck_assert_ptr_eq(body, same);
	ck_assert_int_eq(checkpoint_keep_unknown(200, novelty, sizeof(novelty), &body, &len), 0);
	ck_assert_ptr_eq(body, same);
	free(held_body);
	free(body);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("group-versions");
	TCase *tcase = tcase_create("versions");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, fields_and_types_come_through);
	tcase_add_test(tcase, nested_fields_are_carried_over);
	tcase_add_test(tcase, nothing_is_copied_without_need);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
