// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two releases in one pair: what they settle on, who is refused and how both
 * sides tell it, and that records only one of them knows come through the
 * other (facts 11, S4, S5, S38, S39).
 */
#include "ha/frame.h"
#include "ha/ha.pb-c.h"
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static const struct ha_record_type older[] = { { 1, 1, 1, "tunnel" }, { 2, 1, 1, "channel" } };
static const struct ha_record_type newer[] = {
	{ 1, 1, 2, "tunnel" }, { 2, 1, 1, "channel" }, { 9, 1, 1, "novelty" }, { 200, 1, 1, "extra" },
};
static const struct ha_record_type later[] = { { 1, 3, 4, "tunnel" }, { 2, 1, 1, "channel" } };

#define TYPES(node, table)								\
	((node)->config.record_types = (table),						\
	 (node)->config.record_type_count = sizeof(table) / sizeof((table)[0]))

static void start(struct pair *pair)
{
	pair->want_link = true;
	pair_node_start(&pair->a);
	pair_run(pair, 6000);
	ck_assert_str_eq(ha_role_name(pair_info(&pair->a).role), "active");
	pair_node_start(&pair->b);
	pair_run(pair, 3000);
}

static void put(struct node *node, uint8_t type, uint16_t a, const char *text)
{
	ck_assert_int_eq(ha_put(node->ha, (struct ha_key){ type, a, 0, 0 }, text, strlen(text) + 1), 0);
	ha_commit(node->ha, node->pair->now_ms);
	pair_drain(node);
}

static const char *get(const struct node *node, uint8_t type, uint16_t a)
{
	size_t len;

	return ha_get(node->ha, (struct ha_key){ type, a, 0, 0 }, &len);
}

static void switch_to(struct node *to)
{
	char reason[HA_REASON_MAX] = "";

	ck_assert_msg(!ha_switchover(to->peer->ha, to->pair->now_ms, false, reason), "%s", reason);
	pair_drain(to->peer);
	pair_run(to->pair, 3000);
	ck_assert_str_eq(ha_role_name(pair_info(to).role), "active");
	ck_assert_msg(pair_in_sync(to->pair), "%s", pair_info(to).sync_reason);
	pair_equal(to->pair);
}

START_TEST(the_highest_common_version_is_spoken)
{
	static const struct { uint32_t a_min, a_max, b_min, b_max, common; } cases[] = {
		{ 1, 1, 1, 1, 1 }, { 1, 1, 1, 3, 1 }, { 1, 3, 1, 1, 1 }, { 1, 3, 2, 4, 3 }, { 2, 2, 1, 9, 2 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair *pair = pair_new();

		pair->a.config.proto_min = cases[i].a_min;
		pair->a.config.proto_max = cases[i].a_max;
		pair->b.config.proto_min = cases[i].b_min;
		pair->b.config.proto_max = cases[i].b_max;
		start(pair);
		ck_assert(pair_in_sync(pair));
		ck_assert_uint_eq(pair_info(&pair->a).proto, cases[i].common);
		ck_assert_uint_eq(pair_info(&pair->b).proto, cases[i].common);
		ck_assert_uint_eq(pair_info(&pair->a).peer_proto_max, cases[i].b_max);
		ck_assert(ha_feature(pair->a.ha, HA_FEATURE_KEEP_UNKNOWN));
		ck_assert_str_eq(pair_info(&pair->a).refusal, "");
		pair_free(pair);
	}
}
END_TEST

/* The active goes on alone, the other holds nothing and stays mute; both say why; a peer that fits is taken. */
static void apart(struct pair *pair, const char *at_a, const char *at_b)
{
	start(pair);
	put(&pair->a, 1, 1, "one");
	pair_output_bare(&pair->a);
	pair_run(pair, 20000);
	ck_assert_str_eq(ha_role_name(pair_info(&pair->a).role), "active");
	ck_assert_str_eq(ha_sync_name(pair_info(&pair->a).sync), "solo");
	ck_assert(!pair_info(&pair->b).owner && pair->b.fenced);
	ck_assert_uint_eq(pair_info(&pair->b).records, 0);
	ck_assert_uint_eq(pair->a.n_released, 1);
	ck_assert_uint_eq(pair_info(&pair->a).waiting_output, 0);
	ck_assert(pair_info(&pair->a).incompatible && pair_info(&pair->b).incompatible);
	ck_assert(!pair_info(&pair->a).peer_ready && !pair_info(&pair->b).peer_ready);
	ck_assert_msg(strstr(pair_info(&pair->a).refusal, at_a), "%s", pair_info(&pair->a).refusal);
	ck_assert_msg(strstr(pair_info(&pair->b).refusal, at_b), "%s", pair_info(&pair->b).refusal);
	/* of the same release, it is welcome */
	pair_kill(&pair->b, false);
	pair_cut(pair);
	pair->b.config = pair->a.config;
	strcpy(pair->b.config.node, "lns-b");
	pair_node_start(&pair->b);
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	ck_assert(!pair_info(&pair->a).incompatible && !pair_info(&pair->b).incompatible);
	ck_assert_str_eq(pair_info(&pair->a).refusal, "");
	pair_equal(pair);
	pair_free(pair);
}

START_TEST(incompatible_protocols_stay_apart)
{
	struct pair *pair = pair_new();

	pair->b.config.proto_min = 2;
	pair->b.config.proto_max = 3;
	apart(pair, "incompatible: peer speaks protocol 2..3, we speak 1", "incompatible: peer speaks protocol 1, we speak 2..3");
}
END_TEST

START_TEST(incompatible_record_versions_stay_apart)
{
	struct pair *pair = pair_new();

	TYPES(&pair->a, newer);
	TYPES(&pair->b, later);
	apart(pair, "incompatible: peer has tunnel records of version 3..4, we of 1..2",
	      "incompatible: peer has tunnel records of version 1..2, we of 3..4");
}
END_TEST

START_TEST(a_required_feature_keeps_apart)
{
	struct pair *pair = pair_new();

	pair->b.config.features_required = 1u << 30;
	apart(pair, "incompatible: peer uses a feature that we do not know: one of a newer release",
	      "incompatible: peer does not know a feature that is in use here: one of a newer release");
}
END_TEST

START_TEST(what_must_be_understood_is_refused_before_anything_is_sent)
{
	struct pair *pair = pair_new();

	TYPES(&pair->a, newer);
	TYPES(&pair->b, older);
	start(pair);
	ck_assert(pair_in_sync(pair));		/* it knows more, but there is none of it */
	put(&pair->a, 1, 1, "one");
	pair_run(pair, 100);
	ck_assert(pair_in_sync(pair));
	/* the first of that type */
	put(&pair->a, 9, 1, "must be understood");
	pair_run(pair, 5000);
	ck_assert_str_eq(ha_sync_name(pair_info(&pair->a).sync), "solo");
	ck_assert_msg(strstr(pair_info(&pair->a).refusal, "incompatible: peer does not know novelty records"), "%s",
		      pair_info(&pair->a).refusal);
	ck_assert_msg(strstr(pair_info(&pair->b).refusal, "does not know novelty records"), "%s", pair_info(&pair->b).refusal);
	ck_assert(pair_info(&pair->b).incompatible);
	/* what it had is what it has */
	ck_assert_str_eq(get(&pair->b, 1, 1), "one");
	ck_assert_uint_eq(pair_info(&pair->b).records, 1);
	ck_assert(pair->b.fenced);
	/* none left: they find together again */
	ck_assert_int_eq(ha_del(pair->a.ha, (struct ha_key){ 9, 1, 0, 0 }), 0);
	ha_commit(pair->a.ha, pair->now_ms);
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

/* An active that sends it all the same: whoever must understand and does not says so and keeps what it has. */
START_TEST(must_understand_is_refused_cleanly)
{
	struct pair *pair = pair_new();
	uint64_t digest;

	TYPES(&pair->b, older);
	start(pair);
	put(&pair->a, 1, 1, "one");
	pair_run(pair, 100);
	ck_assert(pair_in_sync(pair));
	digest = ha_digest(pair->b.ha);
	put(&pair->a, 9, 1, "must be understood");
	pair_run(pair, 3000);
	ck_assert_str_eq(ha_sync_name(pair_info(&pair->b).sync), "stale");
	ck_assert_str_eq(pair_info(&pair->b).sync_reason, "refused: record type 9 is not known to this version and must be");
	ck_assert_str_ne(ha_sync_name(pair_info(&pair->a).sync), "in-sync");
	ck_assert_uint_eq(ha_digest(pair->b.ha), digest);
	pair_free(pair);
}
END_TEST

/* The HELLO of the first release: no features, no record types. */
START_TEST(the_first_release_knows_no_features)
{
	struct pair *pair = pair_new();
	L2tpha__Heartbeat beat = L2TPHA__HEARTBEAT__INIT;
	L2tpha__Hello hello = L2TPHA__HELLO__INIT;
	uint8_t digest[16] = { 0 };
	uint8_t *frame;
	size_t len;

	TYPES(&pair->a, older);
	pair_node_start(&pair->a);
	ck_assert(ha_feature(pair->a.ha, HA_FEATURE_FAILOVER));	/* nobody seen: nothing protected either */
	pair_run(pair, 5000);
	ha_link_up(pair->a.ha, pair->now_ms);
	pair_drain(&pair->a);
	hello.node = (char *)"lns-b";
	hello.group = (char *)"g1";
	hello.version = (char *)"0.1";
	hello.proto_min = hello.proto_max = 1;
	hello.config_digest = (ProtobufCBinaryData){ sizeof(digest), digest };
	hello.state = &beat;
	frame = ha_frame_new(HA_FRAME_HELLO, 0, 0, &hello.base, &len);
	ha_link_input(pair->a.ha, pair->now_ms, frame, len);
	free(frame);
	ck_assert(pair_info(&pair->a).peer_ready);
	ck_assert_uint_eq(pair_info(&pair->a).proto, 1);
	ck_assert(!ha_feature(pair->a.ha, HA_FEATURE_FAILOVER));
	/* still so when it is away: the one that comes back may be the same */
	ha_link_down(pair->a.ha, pair->now_ms);
	ck_assert(!ha_feature(pair->a.ha, HA_FEATURE_FAILOVER));
	pair_flush(&pair->a);
	ha_free(pair->a.ha);
	free(pair);
}
END_TEST

START_TEST(an_optional_type_comes_through_the_older)
{
	struct pair *pair = pair_new();

	TYPES(&pair->a, newer);
	TYPES(&pair->b, older);
	start(pair);
	put(&pair->a, 1, 1, "one");
	put(&pair->a, 200, 1, "of the first");
	put(&pair->a, 1, 2, "two");
	put(&pair->a, 200, 2, "of the second");
	pair_run(pair, 100);
	ck_assert(pair_in_sync(pair));
	switch_to(&pair->b);
	put(&pair->b, 1, 1, "one, changed by the older");
	/* the second object ends there: nothing of it is left */
	ha_del(pair->b.ha, (struct ha_key){ 1, 2, 0, 0 });
	ha_del_foreign(pair->b.ha, 2, 0);
	ha_commit(pair->b.ha, pair->now_ms);
	pair_drain(&pair->b);
	pair_run(pair, 100);
	switch_to(&pair->a);
	ck_assert_str_eq(get(&pair->a, 1, 1), "one, changed by the older");
	ck_assert_str_eq(get(&pair->a, 200, 1), "of the first");
	ck_assert_ptr_null(get(&pair->a, 200, 2));
	ck_assert_uint_eq(pair_info(&pair->a).records, 2);
	/* and by a snapshot: the older is the one that was away */
	pair_kill(&pair->b, false);
	pair_cut(pair);
	put(&pair->a, 200, 1, "newer still");
	pair_node_start(&pair->b);
	pair_run(pair, 3000);
	switch_to(&pair->b);
	ck_assert_str_eq(get(&pair->b, 200, 1), "newer still");
	ha_del(pair->b.ha, (struct ha_key){ 1, 1, 0, 0 });
	ha_del_foreign(pair->b.ha, 1, 0);
	ck_assert_ptr_null(get(&pair->b, 200, 1));
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-versions");
	TCase *tcase = tcase_create("versions");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_highest_common_version_is_spoken);
	tcase_add_test(tcase, incompatible_protocols_stay_apart);
	tcase_add_test(tcase, incompatible_record_versions_stay_apart);
	tcase_add_test(tcase, a_required_feature_keeps_apart);
	tcase_add_test(tcase, what_must_be_understood_is_refused_before_anything_is_sent);
	tcase_add_test(tcase, must_understand_is_refused_cleanly);
	tcase_add_test(tcase, the_first_release_knows_no_features);
	tcase_add_test(tcase, an_optional_type_comes_through_the_older);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
