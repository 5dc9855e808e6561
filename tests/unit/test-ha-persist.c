// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk that does not take the epoch: it is said, it is tried again, and the
 * node leaves the address to one that can write; but sessions come first.
 */
#include "tests/unit/ha_pair.h"
#include "tests/unit/check_main.h"

static void disk(struct node *node, int error)
{
	node->step_error[HA_ACTION_EPOCH] = error;
}

/* The peer claims an epoch, and this node cannot write what it learns. */
static struct pair *standby_that_cannot_write(void)
{
	struct pair *pair = pair_new();

	disk(&pair->b, -EROFS);
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_ACTIVE);
	return pair;
}

START_TEST(it_is_said_and_tried_again)
{
	struct pair *pair = standby_that_cannot_write();
	struct node *a = &pair->a, *b = &pair->b;
	char reason[HA_REASON_MAX];

	ck_assert(pair_in_sync(pair));
	ck_assert(pair_info(b).epoch_unwritten);
	ck_assert_int_eq(pair_info(b).fitness, HA_FITNESS_CATCHING_UP);
	ck_assert_ptr_nonnull(strstr(pair_info(b).fitness_reason, "cannot write the epoch"));
	ck_assert_int_eq(ha_switchover(a->ha, pair->now_ms, true, reason), -EAGAIN);
	ck_assert_str_eq(reason, "lns-b cannot write its epoch to disk");
	ck_assert_int_ne(ha_promote(b->ha, pair->now_ms, false, reason), 0);
	disk(b, 0);
	pair_run(pair, 6000);
	ck_assert(!pair_info(b).epoch_unwritten);
	ck_assert_int_eq(pair_info(b).fitness, HA_FITNESS_READY);
	ck_assert_int_eq(ha_switchover(a->ha, pair->now_ms, true, reason), 0);
	pair_free(pair);
}
END_TEST

START_TEST(sessions_come_first)
{
	struct pair *pair = standby_that_cannot_write();

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	pair_kill(&pair->a, false);
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->b).role, HA_ROLE_ACTIVE);
	ck_assert(pair_info(&pair->b).epoch_unwritten);
	pair_free(pair);
}
END_TEST

/* Found out at the handover: the active goes on at once, and the next one is refused before it begins. */
START_TEST(found_out_at_the_handover)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	char reason[HA_REASON_MAX];

	disk(&pair->b, -ENOSPC);
	ck_assert_int_eq(ha_switchover(a->ha, pair->now_ms, false, reason), 0);
	pair_run(pair, 50);
	ck_assert_int_eq(pair_info(a).role, HA_ROLE_ACTIVE);
	ck_assert(pair->b.fenced);
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	ck_assert_int_eq(ha_switchover(a->ha, pair->now_ms, false, reason), -EAGAIN);
	ck_assert_str_eq(reason, "lns-b cannot write its epoch to disk");
	pair_free(pair);
}
END_TEST

/* Nobody can: somebody has to. */
START_TEST(neither_can)
{
	struct pair *pair = pair_new();

	disk(&pair->a, -EROFS);
	disk(&pair->b, -EROFS);
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-persist");
	TCase *tcase = tcase_create("persist");

	tcase_add_test(tcase, it_is_said_and_tried_again);
	tcase_add_test(tcase, sessions_come_first);
	tcase_add_test(tcase, found_out_at_the_handover);
	tcase_add_test(tcase, neither_can);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
