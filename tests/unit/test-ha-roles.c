// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HA core as a pair: election, takeover, switchover, split brain.  The
 * invariants are checked by the pair itself.
 */
#include "tests/unit/check_main.h"
#include "tests/unit/ha_pair.h"

static const enum ha_role active = HA_ROLE_ACTIVE, standby = HA_ROLE_STANDBY;

START_TEST(solo_without_peer)
{
	struct pair *pair = pair_new();

	pair->a.config.peer_configured = false;
	pair_node_start(&pair->a);
	pair_run(pair, 10);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_uint_eq(pair->a.persisted, 1);
	pair_work(&pair->a, 1, 100);
	ck_assert_uint_eq(pair->a.n_released, 1);
	ck_assert_str_eq(pair->a.trace, "claiming EPOCH UNFENCE VIP_ADD ACTIVATE active");
	pair_free(pair);
}
END_TEST

START_TEST(fresh_pair_elects_one)
{
	struct pair *pair = pair_up();

	ck_assert_uint_eq(pair->a.persisted, 1);
	ck_assert_uint_eq(pair->b.persisted, 1);
	ck_assert_str_eq(pair->b.trace, "FENCE demoting VIP_DEL PASSIVATE standby EPOCH");
	pair_free(pair);
}
END_TEST

START_TEST(priority_decides_before_name)
{
	struct pair *pair = pair_new();

	pair->b.config.priority = 10;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

START_TEST(alone_it_probes_before_it_claims)
{
	struct pair *pair = pair_new();

	pair->b.vip = true;	/* somebody answers for the address */
	pair_node_start(&pair->a);
	pair_run(pair, 7900);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_INIT);
	pair->b.vip = false;
	pair_run(pair, 5000);		/* who it was may stand still, with a lease of somebody who has long been alone */
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_INIT);
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

/* What was ready to leave, but was not fetched yet, does not leave after all. */
START_TEST(going_mute_overtakes_everything_queued)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a;
	struct ha_action action;
	char reason[HA_REASON_MAX];

	pair->want_link = false;
	pair_cut(pair);
	pair_put(a, 1, 50);
	pair_output(a, 1);
	ha_commit(a->ha, pair->now_ms);	/* solo: a RELEASE is queued */
	ck_assert_int_eq(ha_demote(a->ha, pair->now_ms, reason), 0);
	ck_assert_uint_eq(a->n_freed, 1);
	ck_assert(ha_action_next(a->ha, &action));
	ck_assert_int_eq(action.type, HA_ACTION_FENCE);
	a->fenced = true;
	ha_step_done(a->ha, pair->now_ms, 0);
	pair_drain(a);
	ck_assert_uint_eq(a->n_released, 0);
	ck_assert_int_eq(pair_info(a).role, standby);
	pair_free(pair);
}
END_TEST

START_TEST(the_fence_comes_before_anything_queued)
{
	struct pair *pair = pair_up();
	struct ha_action action;
	char reason[HA_REASON_MAX];

	pair_put(&pair->a, 1, 50);
	ha_commit(pair->a.ha, pair->now_ms);	/* a LINK_SEND is queued */
	ck_assert_int_eq(ha_demote(pair->a.ha, pair->now_ms, reason), 0);
	ck_assert(ha_action_next(pair->a.ha, &action));
	ck_assert_int_eq(action.type, HA_ACTION_FENCE);
	pair_free(pair);
}
END_TEST

/* A takeover that is lost before its steps were fetched leaves none of them behind. */
START_TEST(losing_takes_back_a_step_nobody_has_seen)
{
	struct pair *pair = pair_new();
	struct ha_action action;
	char reason[HA_REASON_MAX];

	pair->a.config.peer_configured = false;
	pair_node_start(&pair->a);
	ha_tick(pair->a.ha, pair->now_ms);
	while (ha_action_next(pair->a.ha, &action) && action.type != HA_ACTION_EPOCH)
		;
	ha_step_done(pair->a.ha, pair->now_ms, 0);	/* UNFENCE is queued now */
	ck_assert_int_eq(ha_demote(pair->a.ha, pair->now_ms, reason), 0);
	ck_assert(ha_action_next(pair->a.ha, &action));
	ck_assert_int_eq(action.type, HA_ACTION_FENCE);
	while (ha_action_next(pair->a.ha, &action))
		ck_assert_int_ne(action.type, HA_ACTION_UNFENCE);
	pair_free(pair);
}
END_TEST

/* A claim that stood still does not go on where it was: the peer may have made the same one. */
START_TEST(a_claim_that_stood_still_is_given_up)
{
	struct pair *pair = pair_new();
	struct ha_action action;

	pair->a.config.peer_configured = false;
	pair_node_start(&pair->a);
	ha_tick(pair->a.ha, pair->now_ms);
	while (ha_action_next(pair->a.ha, &action) && action.type != HA_ACTION_EPOCH)
		;
	pair->now_ms += 1000;	/* as long as the peer waits */
	ha_step_done(pair->a.ha, pair->now_ms, 0);	/* on disk meanwhile */
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_DEMOTING);
	ck_assert(!pair_info(&pair->a).owner);
	while (ha_action_next(pair->a.ha, &action))
		ck_assert_int_ne(action.type, HA_ACTION_UNFENCE);
	pair_free(pair);
}
END_TEST

START_TEST(degraded_standby_does_not_promote_itself)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	pair->latency_ms = 60;		/* too slow for the commit timeout, forever */
	pair_work(&pair->a, 2, 100);
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).sync, HA_SYNC_STALE);
	pair_kill(&pair->a, false);
	pair_cut(pair);
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), -EPERM);
	ck_assert_ptr_nonnull(strstr(reason, "force"));
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, true, reason), 0);
	pair_drain(&pair->b);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(power_loss_takeover)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;
	struct ha_info info;
	uint32_t i;

	for (i = 0; i < 20; i++)
		pair_work(a, i, 100);
	pair_run(pair, 10);
	b->trace[0] = '\0';
	pair_kill(a, false);		/* the stream stays open: nobody tells us */
	pair_run(pair, 1500);
	info = pair_info(b);
	ck_assert_int_eq(info.role, active);
	ck_assert_str_eq(b->trace, "claiming EPOCH UNFENCE VIP_ADD ACTIVATE active");
	ck_assert_uint_eq(b->persisted, 2);
	ck_assert_uint_eq(info.records, 20);
	ck_assert_uint_eq(info.history_len, 1);
	ck_assert_str_eq(info.history[0].cause, "peer silent");
	ck_assert_uint_ge(info.history[0].silent_ms, 1000);
	ck_assert_uint_le(info.history[0].silent_ms, 1250);
	ck_assert_uint_le(info.history[0].detect_ms, 400);
	pair_work(b, 100, 50);
	ck_assert_uint_eq(b->n_released, 1);
	/* the lost node comes back: standby, in sync, and the other way round again */
	pair->link = false;
	pair_node_start(a);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(a).role, standby);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_kill(b, false);
	pair_run(pair, 1500);
	ck_assert_int_eq(pair_info(a).role, active);
	ck_assert_uint_eq(a->persisted, 3);
	ck_assert_uint_eq(pair_info(a).records, 21);
	pair_free(pair);
}
END_TEST

START_TEST(killed_daemon_keeps_the_address_for_a_while)
{
	struct pair *pair = pair_up();

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	pair_kill(&pair->a, true);
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);	/* it still answers */
	pair->a.vip = false;					/* the lease ran out */
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);	/* or the machine stands still */
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(active_that_lives_on_alone_makes_the_standby_stale)
{
	struct pair *pair = pair_up();

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	pair->want_link = false;
	pair_cut(pair);
	pair_run(pair, 15000);
	pair_kill(&pair->a, false);
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	pair_free(pair);
}
END_TEST

START_TEST(planned_switchover_there_and_back)
{
	struct pair *pair = pair_up();
	struct node *from = &pair->a, *to = &pair->b, *swap;
	char reason[HA_REASON_MAX];
	uint32_t i, round;

	for (round = 0; round < 6; round++) {
		struct ha_info info;

		for (i = 0; i < 30; i++)
			pair_work(from, i + round * 10, 100);
		ck_assert_int_eq(ha_switchover(from->ha, pair->now_ms, true, reason), 0);
		ck_assert_ptr_nonnull(strstr(reason, "none is lost"));
		from->trace[0] = to->trace[0] = '\0';
		/* every other time the standby is asked to take over */
		swap = round % 2 ? to : from;
		ck_assert_int_eq(ha_switchover(swap->ha, pair->now_ms, false, reason), 0);
		pair_drain(swap);
		pair_run(pair, 500);
		ck_assert_str_eq(from->trace, "FENCE demoting VIP_DEL PASSIVATE standby EPOCH");
		ck_assert_str_eq(to->trace, "claiming EPOCH UNFENCE VIP_ADD ACTIVATE active");
		ck_assert(pair_in_sync(pair));
		pair_equal(pair);
		info = pair_info(to);
		ck_assert(info.history[0].planned);
		ck_assert_str_eq(info.history[0].cause, "handover");
		/* everything that was waiting left before the fence closed */
		ck_assert_uint_eq(from->n_freed, 0);
		swap = from;
		from = to;
		to = swap;
	}
	ck_assert_uint_eq(pair->a.persisted, 7);
	/* the only snapshots were for the first synchronisation */
	ck_assert_uint_le(pair_info(&pair->a).snapshots, 1);
	pair_free(pair);
}
END_TEST

START_TEST(handover_nobody_takes_is_taken_back)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 100);
	pair_run(pair, 10);
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_run(pair, 1);
	pair_kill(&pair->b, false);	/* dies at the worst moment */
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_DEMOTING);
	pair->a.trace[0] = '\0';
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_str_eq(pair->a.trace, "claiming EPOCH UNFENCE VIP_ADD ACTIVATE active");
	ck_assert_uint_eq(pair->a.persisted, 3);
	ck_assert_uint_eq(pair_info(&pair->a).records, 1);
	pair_free(pair);
}
END_TEST

START_TEST(handover_with_a_failing_peer_is_taken_back)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair->b.step_error[HA_ACTION_EPOCH] = -ENOSPC;
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 3000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	pair_run(pair, 3000);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

START_TEST(switchover_is_refused_when_something_would_be_lost)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair->stalled = true;
	pair_work(&pair->a, 1, 100);
	pair_run(pair, 30);
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, true, reason), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(reason, "degraded"));
	pair_cut(pair);
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), -ENOTCONN);
	pair_free(pair);
}
END_TEST

START_TEST(switchover_cancels_when_the_flush_is_late)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 100);
	pair->stalled = true;
	ck_assert_int_eq(ha_switchover(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_run(pair, 30);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(pair_info(&pair->a).sync, HA_SYNC_DEGRADED);
	pair_work(&pair->a, 2, 100);
	pair->stalled = false;
	pair_run(pair, 5);
	ck_assert_uint_eq(pair->a.n_released, 2);
	pair_run(pair, 1000);
	ck_assert(pair_in_sync(pair));
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

/* What both nodes say of two owners: who stays and who goes. */
static char said[4][256];
static unsigned n_said;

static void hear(void *ctx, enum log_level level, const char *text)
{
	const char *owners = strstr(text, "two owners: ");

	(void)ctx;
	if (level == LOG_LEVEL_WARN && owners && n_said < 4)
		snprintf(said[n_said++], sizeof(said[0]), "%s", owners);
}

static void listen_to_owners(void)
{
	n_said = 0;
	log_set_sink(hear, NULL, LOG_LEVEL_WARN);
}

static void both_said(const char *text)
{
	log_set_sink(NULL, NULL, LOG_LEVEL_ERROR);
	ck_assert_uint_eq(n_said, 2);
	ck_assert_str_eq(said[0], said[1]);
	ck_assert_str_eq(said[0], text);
}

START_TEST(split_brain_heals_to_the_higher_epoch)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;
	uint32_t i;

	pair_work(a, 1, 100);
	pair_run(pair, 10);
	pair->want_link = false;
	pair->split = true;		/* b cannot see the address either */
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(a).role, active);
	ck_assert_int_eq(pair_info(b).role, active);
	for (i = 0; i < 9; i++)
		pair_work(a, 50 + i, 100);
	pair_work(b, 2, 100);
	a->trace[0] = '\0';
	listen_to_owners();
	pair->want_link = true;
	pair_run(pair, 2000);
	both_said("two owners: lns-b stays with epoch 2, lns-a with 1 goes mute");
	pair->split = false;
	ck_assert_int_eq(pair_info(b).role, active);
	ck_assert_int_eq(pair_info(a).role, standby);
	ck_assert_str_eq(a->trace, "FENCE demoting VIP_DEL PASSIVATE standby EPOCH");
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(a).records, 2);
	/* a knows more than the log it shares with b: no attempt to go on from there */
	ck_assert_uint_eq(pair_info(a).refused, 0);
	pair_free(pair);
}
END_TEST

START_TEST(split_brain_ends_without_a_link_too)
{
	struct pair *pair = pair_up();
	struct node *a = &pair->a, *b = &pair->b;

	pair_work(a, 1, 100);
	pair_run(pair, 10);
	pair->want_link = false;
	pair->split = true;
	pair_cut(pair);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(a).role, active);
	ck_assert_int_eq(pair_info(b).role, active);
	/* the access network is whole again, the HA link is not: the older owner sees the address elsewhere */
	pair->split = false;
	a->trace[0] = '\0';
	pair_run(pair, 500);
	ck_assert_str_eq(a->trace, "FENCE demoting VIP_DEL PASSIVATE standby");
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(a).role, standby);
	ck_assert_int_eq(pair_info(b).role, active);
	pair->want_link = true;
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(b).role, active);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	pair_free(pair);
}
END_TEST

START_TEST(an_owner_alone_keeps_the_address_while_nobody_else_has_it)
{
	struct pair *pair = pair_up();

	pair->want_link = false;
	pair_cut(pair);		/* b sees the address answer and stays standby */
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	pair_free(pair);
}
END_TEST

/* Both started alone: the same epoch on two owners; sequence, then name. */
static void same_epoch(uint32_t work_a, uint32_t work_b, bool a_stays)
{
	struct pair *pair = pair_new();
	uint32_t i;

	pair->split = true;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair_run(pair, 6000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert_uint_eq(pair_info(&pair->a).epoch, pair_info(&pair->b).epoch);
	for (i = 0; i < work_a; i++)
		pair_work(&pair->a, i, 50);
	for (i = 0; i < work_b; i++)
		pair_work(&pair->b, 1000 + i, 50);
	listen_to_owners();
	pair->want_link = true;
	pair_run(pair, 2000);
	both_said(a_stays ? "two owners: lns-a stays with epoch 1, lns-b with 1 goes mute" :
			    "two owners: lns-b stays with epoch 1, lns-a with 1 goes mute");
	pair->split = false;
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->a).role, a_stays ? active : standby);
	ck_assert_int_eq(pair_info(&pair->b).role, a_stays ? standby : active);
	ck_assert(pair_in_sync(pair));
	pair_equal(pair);
	ck_assert_uint_eq(pair_info(&pair->a).records, a_stays ? work_a : work_b);
	pair_free(pair);
}

START_TEST(split_brain_with_equal_epochs)
{
	same_epoch(3, 5, false);
	same_epoch(5, 3, true);
	same_epoch(4, 4, true);
}
END_TEST

START_TEST(a_higher_epoch_on_a_standby_mutes_the_active)
{
	struct pair *pair = pair_new();

	pair->a.persisted = 4;
	pair->b.persisted = 9;
	pair_node_start(&pair->a);
	pair_run(pair, 29000);		/* it has served before and comes back with nothing */
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_INIT);
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_work(&pair->a, 1, 10);
	pair_node_start(&pair->b);
	pair_connect(pair);
	pair_run(pair, 3000);
	ck_assert_uint_eq(pair_info(&pair->a).epoch, pair_info(&pair->b).epoch);
	ck_assert_uint_eq(pair_info(&pair->a).epoch, 10);
	/* it has the records, so it is the one that goes on */
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

START_TEST(demoted_by_the_operator_the_peer_takes_over)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 10);
	pair_run(pair, 5);
	ck_assert_int_eq(ha_demote(pair->a.ha, pair->now_ms, reason), 0);
	pair_drain(&pair->a);
	ck_assert(!pair_info(&pair->a).owner);
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert(pair_in_sync(pair));
	/* and is an ordinary standby afterwards */
	pair_kill(&pair->b, false);
	pair_run(pair, 1500);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(promote_asks_the_active_first)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair_work(&pair->a, 1, 10);
	pair_run(pair, 5);
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->b);
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	ck_assert_str_eq(pair_info(&pair->b).history[0].cause, "handover");
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	/* an active that hangs does not stop a promotion */
	pair->b.frozen = true;
	pair->want_link = false;
	pair->split = true;
	pair->a.config.dead_ms = 0;
	ck_assert_int_eq(ha_promote(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 2500);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair->b.frozen = false;
	pair->want_link = true;
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert(pair_in_sync(pair));
	pair_free(pair);
}
END_TEST

START_TEST(without_detector_nobody_promotes_itself)
{
	struct pair *pair = pair_new();
	char reason[HA_REASON_MAX];

	pair->a.config.detector = pair->b.config.detector = false;
	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 6000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);
	ck_assert_int_eq(ha_promote(pair->b.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->b);
	pair_run(pair, 500);
	ck_assert(pair_in_sync(pair));
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_kill(&pair->b, false);
	pair_run(pair, 5000);
	ck_assert_int_eq(pair_info(&pair->a).role, standby);
	ck_assert_int_eq(ha_promote(pair->a.ha, pair->now_ms, false, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 700);
	ck_assert_int_eq(pair_info(&pair->a).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(a_takeover_step_that_fails_goes_back_to_mute)
{
	struct pair *pair = pair_up();

	pair->b.step_error[HA_ACTION_VIP_ADD] = -EIO;
	pair->b.trace[0] = '\0';
	pair_kill(&pair->a, false);
	pair_run(pair, 1400);
	ck_assert_str_eq(pair->b.trace, "claiming EPOCH UNFENCE VIP_ADD FENCE demoting VIP_DEL PASSIVATE standby");
	ck_assert(pair->b.fenced);
	pair->b.step_error[HA_ACTION_VIP_ADD] = 0;
	pair_run(pair, 2000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(a_fence_that_fails_is_tried_until_it_closes)
{
	struct pair *pair = pair_up();
	char reason[HA_REASON_MAX];

	pair->a.step_error[HA_ACTION_FENCE] = -EIO;
	ck_assert_int_eq(ha_demote(pair->a.ha, pair->now_ms, reason), 0);
	pair_drain(&pair->a);
	pair_run(pair, 500);
	ck_assert_int_eq(pair_info(&pair->a).role, HA_ROLE_DEMOTING);
	ck_assert_int_eq(pair_info(&pair->b).role, standby);	/* waits for the fence */
	pair->a.step_error[HA_ACTION_FENCE] = 0;
	pair_run(pair, 1000);
	ck_assert_int_eq(pair_info(&pair->b).role, active);
	pair_free(pair);
}
END_TEST

START_TEST(losing_in_the_middle_of_a_slow_takeover)
{
	struct pair *pair = pair_new();
	uint32_t cut;

	/* b claims while a, with a higher epoch, comes back at every possible moment */
	for (cut = 0; cut < 60; cut++) {
		pair_free(pair);
		pair = pair_new();
		pair->split = true;
		pair->a.persisted = 50;
		pair->b.step_delay_ms = 10;
		pair_node_start(&pair->a);
		pair_node_start(&pair->b);
		pair_run(pair, 2970 + cut);
		pair_connect(pair);
		pair->want_link = true;
		pair_run(pair, 3000);
		ck_assert_msg((pair_info(&pair->a).role == active) != (pair_info(&pair->b).role == active),
			      "cut %u: %s and %s", cut, ha_role_name(pair_info(&pair->a).role),
			      ha_role_name(pair_info(&pair->b).role));
		ck_assert(pair->a.fenced != pair->b.fenced);
		ck_assert(pair_in_sync(pair));
	}
	pair_free(pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-roles");
	TCase *tcase = tcase_create("pair");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, solo_without_peer);
	tcase_add_test(tcase, fresh_pair_elects_one);
	tcase_add_test(tcase, priority_decides_before_name);
	tcase_add_test(tcase, alone_it_probes_before_it_claims);
	tcase_add_test(tcase, going_mute_overtakes_everything_queued);
	tcase_add_test(tcase, the_fence_comes_before_anything_queued);
	tcase_add_test(tcase, losing_takes_back_a_step_nobody_has_seen);
	tcase_add_test(tcase, a_claim_that_stood_still_is_given_up);
	tcase_add_test(tcase, degraded_standby_does_not_promote_itself);
	tcase_add_test(tcase, power_loss_takeover);
	tcase_add_test(tcase, killed_daemon_keeps_the_address_for_a_while);
	tcase_add_test(tcase, active_that_lives_on_alone_makes_the_standby_stale);
	tcase_add_test(tcase, planned_switchover_there_and_back);
	tcase_add_test(tcase, handover_nobody_takes_is_taken_back);
	tcase_add_test(tcase, handover_with_a_failing_peer_is_taken_back);
	tcase_add_test(tcase, switchover_is_refused_when_something_would_be_lost);
	tcase_add_test(tcase, switchover_cancels_when_the_flush_is_late);
	tcase_add_test(tcase, split_brain_heals_to_the_higher_epoch);
	tcase_add_test(tcase, split_brain_ends_without_a_link_too);
	tcase_add_test(tcase, an_owner_alone_keeps_the_address_while_nobody_else_has_it);
	tcase_add_test(tcase, split_brain_with_equal_epochs);
	tcase_add_test(tcase, a_higher_epoch_on_a_standby_mutes_the_active);
	tcase_add_test(tcase, demoted_by_the_operator_the_peer_takes_over);
	tcase_add_test(tcase, promote_asks_the_active_first);
	tcase_add_test(tcase, without_detector_nobody_promotes_itself);
	tcase_add_test(tcase, a_takeover_step_that_fails_goes_back_to_mute);
	tcase_add_test(tcase, a_fence_that_fails_is_tried_until_it_closes);
	tcase_add_test(tcase, losing_in_the_middle_of_a_slow_takeover);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
