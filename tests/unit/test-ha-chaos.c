// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pair under random trouble, seeded: cuts, stalls, slow links, power loss,
 * freezes, failing and slow steps, operators.  During it the invariants of the
 * pair hold; after it the pair comes together by itself.
 *
 *   test-ha-chaos [seed]     one seed, with log
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static uint32_t rng_next(uint64_t *rng, uint32_t below)
{
	*rng = *rng * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*rng >> 33) % below;
}

static void work(struct pair *pair, uint64_t *rng)
{
	struct node *nodes[] = { &pair->a, &pair->b };
	uint32_t i, n;

	for (i = 0; i < 2; i++) {
		if (!nodes[i]->alive || nodes[i]->frozen || !pair_info(nodes[i]).owner)
			continue;
		nodes[i]->n_released = 0;
		for (n = rng_next(rng, 4); n; n--) {
			uint32_t key = rng_next(rng, 200);

			pair_put(nodes[i], key, 10 + rng_next(rng, 2000));
			pair_output(nodes[i], key);
			if (rng_next(rng, 3) == 0)
				pair_put(nodes[i], 200 + rng_next(rng, 200), 10 + rng_next(rng, 2000));
			if (rng_next(rng, 3) == 0)
				ha_del(nodes[i]->ha, pair_key(3, 200 + rng_next(rng, 200)));
			if (rng_next(rng, 2))
				ha_commit(nodes[i]->ha, pair->now_ms);
			pair_output_bare(nodes[i]);
		}
		ha_commit(nodes[i]->ha, pair->now_ms);
		pair_drain(nodes[i]);
	}
}

static void trouble(struct pair *pair, uint64_t *rng, bool operators)
{
	struct node *node = rng_next(rng, 2) ? &pair->a : &pair->b;
	char reason[HA_REASON_MAX];

	switch (rng_next(rng, operators ? 14 : 9)) {
	case 0:
		pair->want_link = false;
		pair_cut(pair);
		break;
	case 1:
		pair->want_link = true;
		break;
	case 2:
		pair->stalled = !pair->stalled;
		break;
	case 3:
		pair->latency_ms = rng_next(rng, 3) ? 1 + rng_next(rng, 9) : 5 + rng_next(rng, 60);
		break;
	case 4:
		if (node->alive) {
			pair_kill(node, rng_next(rng, 2));
			/* half of the time the other end is told */
			if (rng_next(rng, 2))
				pair_cut(pair);
		}
		break;
	case 5:
	case 6:
		if (!node->alive) {
			if (pair->link)
				pair_cut(pair);
			pair_node_start(node);
		}
		break;
	case 7:
		/* two that start at once, without a link, and slowly: only an operator's fence helps */
		if (operators)
			node->step_delay_ms = rng_next(rng, 3) ? 0 : rng_next(rng, 300);
		break;
	case 8: {
		enum ha_action_type step = HA_ACTION_EPOCH + rng_next(rng, 7);

		/* a fence that does not close is the same: nobody else can know */
		if (step != HA_ACTION_FENCE || operators)
			node->step_error[step] = rng_next(rng, 3) ? 0 : -EIO;
		break;
	}
	case 9:
		node->frozen = !node->frozen && rng_next(rng, 2);
		break;
	case 10:
		if (node->alive && !node->frozen)
			ha_switchover(node->ha, pair->now_ms, rng_next(rng, 2), reason);
		break;
	case 11:
		if (node->alive && !node->frozen)
			ha_promote(node->ha, pair->now_ms, rng_next(rng, 2), reason);
		break;
	case 12:
		if (node->alive && !node->frozen)
			ha_demote(node->ha, pair->now_ms, reason);
		break;
	case 13:
		pair->split = rng_next(rng, 4) == 0;
		break;
	}
	if (node->alive && !node->frozen)
		pair_drain(node);
}

static void heal(struct pair *pair)
{
	struct node *nodes[] = { &pair->a, &pair->b };
	char reason[HA_REASON_MAX];
	uint32_t i;

	pair->want_link = true;
	pair->stalled = pair->split = false;
	pair->latency_ms = 1;
	for (i = 0; i < 2; i++) {
		nodes[i]->frozen = false;
		nodes[i]->step_delay_ms = 0;
		memset(nodes[i]->step_error, 0, sizeof(nodes[i]->step_error));
		if (!nodes[i]->alive) {
			if (pair->link)
				pair_cut(pair);
			pair_node_start(nodes[i]);
		}
	}
	pair_run(pair, 15000);
	/* both told to stay mute: that is what operators get */
	if (pair_info(&pair->a).role != HA_ROLE_ACTIVE && pair_info(&pair->b).role != HA_ROLE_ACTIVE) {
		ck_assert(pair->lies);
		ha_promote(pair->a.ha, pair->now_ms, true, reason);
		pair_drain(&pair->a);
		pair_run(pair, 3000);
	}
}

static uint64_t switchovers;

static void chaos(uint64_t seed, bool operators)
{
	struct pair *pair = pair_new();
	uint64_t rng = seed * 7919 + 1;
	uint32_t i;

	pair->rng = seed;
	pair->lies = operators;
	pair->want_link = true;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair_run(pair, 500);
	for (i = 0; i < 150; i++) {
		work(pair, &rng);
		if (rng_next(&rng, 3) == 0)
			trouble(pair, &rng, operators);
		pair_run(pair, rng_next(&rng, 4) ? rng_next(&rng, 40) : rng_next(&rng, 1500));
	}
	heal(pair);
	ck_assert_msg((pair_info(&pair->a).role == HA_ROLE_ACTIVE) != (pair_info(&pair->b).role == HA_ROLE_ACTIVE),
		      "seed %" PRIu64 "%s: %s and %s", seed, operators ? " (operators)" : "",
		      ha_role_name(pair_info(&pair->a).role), ha_role_name(pair_info(&pair->b).role));
	ck_assert(pair->a.fenced != pair->b.fenced);
	ck_assert_msg(pair_in_sync(pair), "seed %" PRIu64 ": %s (%s) and %s (%s)", seed,
		      ha_sync_name(pair_info(&pair->a).sync), pair_info(&pair->a).sync_reason,
		      ha_sync_name(pair_info(&pair->b).sync), pair_info(&pair->b).sync_reason);
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(&pair->a).epoch, pair_info(&pair->b).epoch);
	ck_assert_uint_eq(pair_info(&pair->a).waiting_output, 0);
	switchovers += pair_info(&pair->a).epoch;
	pair_free(pair);
}

static uint64_t first = 1, last = 300;

START_TEST(trouble_without_operators)
{
	uint64_t seed;

	for (seed = first; seed <= last; seed++) {
		if (first == last || getenv("SEEDS"))
			fprintf(stderr, "seed %" PRIu64 "\n", seed);
		chaos(seed, false);
	}
	/* trouble was had */
	if (last > first)
		ck_assert_uint_gt(switchovers, (last - first + 1) * 2);
}
END_TEST

START_TEST(trouble_with_operators)
{
	uint64_t seed;

	for (seed = first; seed <= last; seed++) {
		if (first == last || getenv("SEEDS"))
			fprintf(stderr, "seed %" PRIu64 " with operators\n", seed);
		chaos(seed, true);
	}
	if (last > first)
		ck_assert_uint_gt(switchovers, (last - first + 1) * 2);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("ha-chaos");
	TCase *tcase = tcase_create("chaos");

	if (argc > 1)
		first = last = strtoull(argv[1], NULL, 0);
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, trouble_without_operators);
	tcase_add_test(tcase, trouble_with_operators);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
