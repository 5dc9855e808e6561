// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may be made active from outside: fitness over the whole life of a pair
 * without the built-in detector, and what a promotion that is not forced gets
 * for an answer.  The invariants of the roles are checked by the pair itself.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static const enum ha_role active = HA_ROLE_ACTIVE, standby = HA_ROLE_STANDBY;

static struct pair *told_pair(void)
{
	struct pair *pair = pair_new();

	pair->a.config.detector = pair->b.config.detector = false;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	return pair;
}

static enum ha_fitness fit(struct node *node)
{
	struct ha_info info = pair_info(node);

	ck_assert_str_ne(info.fitness_reason, "");
	return info.fitness;
}

static int promote(struct node *node, bool force)
{
	char reason[HA_REASON_MAX] = "";
	int rc = ha_promote(node->ha, node->pair->now_ms, force, reason);

	ck_assert_str_ne(reason, "");
	if (rc == -EPERM)
		ck_assert_ptr_nonnull(strstr(reason, "force"));
	pair_drain(node);
	return rc;
}

/* a active by order, b in sync. */
static struct pair *serving_pair(void)
{
	struct pair *pair = told_pair();

	pair->want_link = true;
	pair_run(pair, 4000);
	ck_assert_int_eq(promote(&pair->a, false), 0);
	pair_run(pair, 1000);
	pair_work(&pair->a, 1, 20);
	pair_run(pair, 50);
	ck_assert(pair_in_sync(pair));
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_READY);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_READY);
	return pair;
}

START_TEST(a_first_start_is_blank_and_not_before_it_has_looked)
{
	struct pair *pair = told_pair();

	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_UNKNOWN);
	ck_assert_int_eq(promote(&pair->a, false), -EAGAIN);
	pair_run(pair, 4500);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_UNKNOWN);
	pair_run(pair, 1500);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_BLANK);
	ck_assert(pair_info(&pair->a).ownerless);
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);	/* nobody promotes itself */
	ck_assert_int_eq(promote(&pair->a, false), 0);
	pair_run(pair, 700);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

/* Booted with the stream cut while the other one serves: what it could take over is nothing. */
START_TEST(an_address_that_answers_makes_a_newcomer_stale)
{
	struct pair *pair = pair_new();

	pair->a.config.detector = false;
	pair_node_start(&pair->a);
	pair->b.vip = true;
	pair_run(pair, 6000);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_STALE);
	ck_assert(!pair_info(&pair->a).ownerless);
	ck_assert_int_eq(promote(&pair->a, false), -EPERM);
	ck_assert_int_eq(promote(&pair->a, true), 0);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(two_new_nodes_are_blank_and_either_may_begin)
{
	struct pair *pair = told_pair();

	pair->want_link = true;
	pair_run(pair, 4000);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_BLANK);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_BLANK);
	ck_assert(pair_info(&pair->b).ownerless);
	ck_assert_int_eq(promote(&pair->b, false), 0);
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

START_TEST(power_loss_leaves_the_standby_ready)
{
	struct pair *pair = serving_pair();

	pair_kill(&pair->a, false);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_READY);
	pair_run(pair, 20000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);	/* waits to be told */
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_READY);
	ck_assert(pair_info(&pair->b).ownerless);
	ck_assert_int_eq(promote(&pair->b, false), 0);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);	/* looks once more */
	pair_run(pair, 700);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	/* the one that comes back has nothing, until it has everything */
	pair_node_start(&pair->a);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_UNKNOWN);
	ck_assert_int_eq(promote(&pair->a, false), -EAGAIN);
	pair->latency_ms = 5;
	for (int ms = 0; fit(&pair->a) != HA_FITNESS_READY; ms++) {
		ck_assert_int_lt(ms, 5000);
		ck_assert_int_ne(promote(&pair->a, false), 0);
		pair_run(pair, 10);
	}
	pair_free(pair);
}
END_TEST

START_TEST(a_stream_that_is_cut_makes_the_standby_stale)
{
	struct pair *pair = serving_pair();

	pair->want_link = false;
	pair_cut(pair);
	pair_work(&pair->a, 2, 20);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_STALE);
	ck_assert_int_eq(promote(&pair->b, false), -EPERM);
	/* for good, after a while: what the active does alone is more than a takeover could mend */
	pair_run(pair, 12000);
	pair_kill(&pair->a, false);
	pair_run(pair, 5000);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_STALE);
	ck_assert_int_eq(promote(&pair->b, false), -EPERM);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(promote(&pair->b, true), 0);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(a_stream_that_is_cut_shortly_before_the_end_does_no_harm)
{
	struct pair *pair = serving_pair();

	pair->want_link = false;
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_STALE);
	pair_kill(&pair->a, false);
	pair_run(pair, 1800);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_READY);
	ck_assert_int_eq(promote(&pair->b, false), 0);
	pair_run(pair, 700);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

/* Both standby, one of them came back empty: the other is the one to promote. */
START_TEST(of_two_standbys_the_one_with_the_log_is_fit)
{
	struct pair *pair = serving_pair();
	char reason[HA_REASON_MAX];

	pair_kill(&pair->b, false);
	pair_run(pair, 1500);
	pair_work(&pair->a, 3, 20);
	ck_assert_int_eq(ha_demote(pair->a.ha, pair->now_ms, reason), 0);
	pair_drain(&pair->a);
	pair_node_start(&pair->b);
	pair_run(pair, 4000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_STALE);
	ck_assert_int_eq(promote(&pair->b, false), -EPERM);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_READY);
	ck_assert_int_eq(promote(&pair->a, false), 0);
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	ck_assert_int_eq(fit(&pair->b), HA_FITNESS_READY);
	pair_free(pair);
}
END_TEST

/* The manager has moved the role while this node stood still: it looks around before it may have it again. */
START_TEST(who_stood_still_looks_around_first)
{
	struct pair *pair = serving_pair();

	pair->want_link = false;
	pair_cut(pair);
	pair->a.frozen = true;
	pair->a.fenced = true;
	pair->a.vip = false;		/* its lease ran out: the kernel answers no more */
	pair_run(pair, 1500);
	ck_assert_int_eq(promote(&pair->b, false), 0);
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair->a.frozen = false;
	ha_lapsed(pair->a.ha, pair->now_ms);
	pair_drain(&pair->a);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_UNKNOWN);
	ck_assert_int_eq(promote(&pair->a, false), -EAGAIN);
	pair_run(pair, 3000);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_STALE);	/* b answers for the address */
	ck_assert_int_eq(promote(&pair->a, false), -EPERM);
	pair->want_link = true;
	pair_run(pair, 3000);
	ck_assert_int_eq(fit(&pair->a), HA_FITNESS_READY);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

/* A demotion here and a promotion there, in the order of a cluster manager; and the other way round. */
START_TEST(demote_then_promote_is_a_planned_switchover)
{
	struct pair *pair = serving_pair();
	struct node *from = &pair->a, *to = &pair->b;
	char reason[HA_REASON_MAX];

	for (uint32_t i = 0; i < 6; i++) {
		struct node *was = from;

		pair_work(from, 10 + i, 20);
		pair_run(pair, 20);
		if (i % 2) {
			ck_assert_int_eq(promote(to, false), 0);
			pair_run(pair, 1);
		}
		ck_assert_int_eq(ha_demote(from->ha, pair->now_ms, reason), 0);
		pair_drain(from);
		for (int ms = 0; pair_info(to).role != active; ms++) {
			ck_assert_int_lt(ms, 3000);
			pair_run(pair, 1);
			if (ms % 200 == 199)
				promote(to, false);
		}
		pair_run(pair, 1000);
		ck_assert(pair_in_sync(pair));
		from = to;
		to = was;
	}
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-fitness");
	TCase *tcase = tcase_create("fitness");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_first_start_is_blank_and_not_before_it_has_looked);
	tcase_add_test(tcase, an_address_that_answers_makes_a_newcomer_stale);
	tcase_add_test(tcase, two_new_nodes_are_blank_and_either_may_begin);
	tcase_add_test(tcase, power_loss_leaves_the_standby_ready);
	tcase_add_test(tcase, a_stream_that_is_cut_makes_the_standby_stale);
	tcase_add_test(tcase, a_stream_that_is_cut_shortly_before_the_end_does_no_harm);
	tcase_add_test(tcase, of_two_standbys_the_one_with_the_log_is_fit);
	tcase_add_test(tcase, who_stood_still_looks_around_first);
	tcase_add_test(tcase, demote_then_promote_is_a_planned_switchover);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
