// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What keepalived says and what becomes of it: the lines of the notify FIFO in
 * any pieces and with anything in between, and the orders that follow.
 */
#include "tests/unit/check_main.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/outside.h"

static unsigned int warnings;
static char last_warning[512];

static void sink(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	if (level != LOG_LEVEL_WARN)
		return;
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static struct outside *fresh(void)
{
	log_set_sink(sink, NULL, LOG_LEVEL_INFO);
	warnings = 0;
	last_warning[0] = '\0';
	return outside_new("1", "LNS");
}

static void say(struct outside *o, uint64_t now_ms, const char *text)
{
	outside_input(o, now_ms, (const uint8_t *)text, strlen(text));
}

static struct ha_info standing_by(void)
{
	return (struct ha_info){ .role = HA_ROLE_STANDBY, .sync = HA_SYNC_IN_SYNC, .peer_ready = true,
				 .peer_role = HA_ROLE_ACTIVE, .fitness = HA_FITNESS_READY };
}

static struct ha_info serving(void)
{
	return (struct ha_info){ .role = HA_ROLE_ACTIVE, .sync = HA_SYNC_IN_SYNC, .peer_ready = true, .owner = true,
				 .peer_role = HA_ROLE_STANDBY, .fitness = HA_FITNESS_READY };
}

/* ---- lines ---------------------------------------------------------------- */

START_TEST(a_line_in_any_pieces_is_one_line)
{
	static const char text[] = "INSTANCE \"LNS\" BACKUP 100\nGROUP \"LNS\" MASTER 150\n";

	for (size_t cut = 0; cut < sizeof(text); cut++)
		for (size_t more = cut; more < sizeof(text); more++) {
			struct outside *o = fresh();

			outside_input(o, 1, (const uint8_t *)text, cut);
			outside_input(o, 1, (const uint8_t *)text + cut, more - cut);
			outside_input(o, 1, (const uint8_t *)text + more, sizeof(text) - 1 - more);
			ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_MASTER);
			ck_assert_uint_eq(warnings, 0);
			outside_free(o);
		}
}
END_TEST

START_TEST(half_a_line_says_nothing)
{
	struct outside *o = fresh();

	say(o, 1, "INSTANCE \"LNS\" MASTER 150");
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_NONE);
	/* keepalived died in the middle of it: the rest is not the next one's beginning */
	outside_closed(o);
	say(o, 1, "\nINSTANCE \"LNS\" BACKUP 150\n");
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_BACKUP);
	ck_assert_uint_eq(warnings, 0);
	outside_free(o);
}
END_TEST

START_TEST(every_state_is_understood)
{
	static const struct { const char *line; enum outside_word word; } cases[] = {
		{ "INSTANCE \"LNS\" MASTER 150\n", OUTSIDE_WORD_MASTER },
		{ "INSTANCE \"LNS\" BACKUP 150\n", OUTSIDE_WORD_BACKUP },
		{ "INSTANCE \"LNS\" FAULT 150\n", OUTSIDE_WORD_FAULT },
		{ "INSTANCE \"LNS\" STOP 150\n", OUTSIDE_WORD_STOP },
		{ "INSTANCE \"LNS\" DELETED 150\n", OUTSIDE_WORD_STOP },
		{ "GROUP \"LNS\" MASTER 0\n", OUTSIDE_WORD_MASTER },
		{ "INSTANCE \"LNS\" MASTER\n", OUTSIDE_WORD_MASTER },	/* a priority that is missing does no harm */
		{ "INSTANCE \"LNS\" MASTER_RX_LOWER_PRI 150\n", OUTSIDE_WORD_NONE },
		{ "INSTANCE \"LNS\" BACKUP_PRIORITY 90\n", OUTSIDE_WORD_NONE },
		{ "INSTANCE \"LNS2\" MASTER 150\n", OUTSIDE_WORD_NONE },
		{ "INSTANCE \"LN\" MASTER 150\n", OUTSIDE_WORD_NONE },
		{ "INSTANCE \"\" MASTER 150\n", OUTSIDE_WORD_NONE },
		{ "VS [192.0.2.9]:tcp:80 UP\nRS [192.0.2.9]:tcp:80 [192.0.2.9]:tcp:80 DOWN\n", OUTSIDE_WORD_NONE },
		{ "\n\n", OUTSIDE_WORD_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outside *o = fresh();

		say(o, 1, cases[i].line);
		ck_assert_msg(outside_word(o) == cases[i].word, "%s", cases[i].line);
		ck_assert_uint_eq(warnings, 0);
		outside_free(o);
	}
}
END_TEST

START_TEST(garbage_costs_one_line_and_nothing_else)
{
	static const char *const cases[] = {
		"hello\n", "INSTANCE LNS MASTER 100\n", "INSTANCE \"LNS MASTER 100\n", "INSTANCE \"LNS\"MASTER 100\n",
		"INSTANCE \"LNS\" \n", "INSTANCE \"LNS\" KING 100\n", "INSTANCE \"LNS\" master 100\n",
		"INSTANCE \"LNS\" MASTERS 100\n", "\x1b[2J\x07\xff\n", "instance \"LNS\" MASTER 100\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outside *o = fresh();

		say(o, 1, "INSTANCE \"LNS\" BACKUP 100\n");
		say(o, 1, cases[i]);
		ck_assert_msg(warnings == 1, "%s: %u warnings", cases[i], warnings);
		ck_assert_ptr_nonnull(strstr(last_warning, "expected"));
		for (const char *p = last_warning; *p; p++)
			ck_assert(*p >= ' ' && *p <= '~');
		ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_BACKUP);
		say(o, 1, "INSTANCE \"LNS\" MASTER 100\n");
		ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_MASTER);
		outside_free(o);
	}
}
END_TEST

START_TEST(a_line_without_an_end_costs_one_line)
{
	struct outside *o = fresh();

	for (int i = 0; i < 100000; i++)
		say(o, 1, "INSTANCE \"LNS\" MASTER 100 ");
	ck_assert_uint_eq(warnings, 1);
	say(o, 1, "\n");
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_NONE);
	say(o, 1, "INSTANCE \"LNS\" MASTER 100\n");
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_MASTER);
	ck_assert_uint_eq(warnings, 1);
	outside_input(o, 1, (const uint8_t *)"INSTANCE \"LNS\" BACKUP\0 1\n", 25);
	ck_assert_uint_eq(warnings, 2);
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_MASTER);
	outside_free(o);
}
END_TEST

START_TEST(noise_never_breaks_it)
{
	struct outside *o = fresh();
	unsigned int seed = 1;
	uint8_t data[700];

	log_set_sink(NULL, NULL, LOG_LEVEL_ERROR);
	for (int round = 0; round < 3000; round++) {
		size_t len = (size_t)rand_r(&seed) % sizeof(data);

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(rand_r(&seed) % 12 ? "INSTANCE \"LNS\" MASTERBACKUP\n1 "[rand_r(&seed) % 31] : rand_r(&seed));
		outside_input(o, 1, data, len);
	}
	say(o, 1, "\nINSTANCE \"LNS\" FAULT 1\n");
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_FAULT);
	outside_free(o);
}
END_TEST

/* ---- orders --------------------------------------------------------------- */

START_TEST(nothing_said_nothing_done)
{
	struct outside *o = fresh();
	struct ha_info info = standing_by();

	info.ownerless = true;
	info.peer_role = HA_ROLE_STANDBY;
	for (uint64_t now = 0; now < 10000; now += 100)
		ck_assert_int_eq(outside_next(o, now, &info), OUTSIDE_ACTION_NONE);
	ck_assert_uint_eq(outside_deadline_ms(o), UINT64_MAX);
	outside_free(o);
}
END_TEST

START_TEST(a_master_is_asked_for_until_it_is_granted_and_then_no_more)
{
	struct outside *o = fresh();
	struct ha_info info = standing_by();

	info.fitness = HA_FITNESS_STALE;
	say(o, 1000, "INSTANCE \"LNS\" MASTER 100\n");
	for (int i = 0; i < 20; i++) {
		uint64_t now = outside_deadline_ms(o);

		ck_assert_int_eq(outside_next(o, now, &info), OUTSIDE_ACTION_PROMOTE);
		outside_result(o, now, OUTSIDE_ACTION_PROMOTE, -1, "records may be missing; promote with force to go on");
		ck_assert_int_eq(outside_next(o, now, &info), OUTSIDE_ACTION_NONE);
		ck_assert_uint_gt(outside_deadline_ms(o), now);
	}
	ck_assert_uint_eq(warnings, 1);		/* the same refusal is said once */
	ck_assert_ptr_nonnull(strstr(last_warning, "force"));
	info = serving();
	ck_assert_int_eq(outside_next(o, 9000, &info), OUTSIDE_ACTION_NONE);
	/* the peer has it now: not taken back on an old word */
	info = standing_by();
	for (uint64_t now = 10000; now < 20000; now += 100)
		ck_assert_int_eq(outside_next(o, now, &info), OUTSIDE_ACTION_NONE);
	ck_assert_uint_eq(outside_deadline_ms(o), UINT64_MAX);
	outside_free(o);
}
END_TEST

START_TEST(what_nobody_has_is_taken_again)
{
	struct outside *o = fresh();
	struct ha_info info = serving();

	say(o, 1000, "INSTANCE \"LNS\" MASTER 100\n");
	ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_NONE);
	info = standing_by();
	info.ownerless = true;
	info.peer_role = HA_ROLE_STANDBY;
	ck_assert_int_eq(outside_next(o, 2000, &info), OUTSIDE_ACTION_NONE);
	ck_assert_uint_eq(outside_deadline_ms(o), 3000);
	/* it is not, if this node does not hold what there is to hold */
	info.fitness = HA_FITNESS_STALE;
	ck_assert_int_eq(outside_next(o, 3000, &info), OUTSIDE_ACTION_NONE);
	info.fitness = HA_FITNESS_READY;
	ck_assert_int_eq(outside_next(o, 4000, &info), OUTSIDE_ACTION_NONE);
	ck_assert_int_eq(outside_next(o, 5000, &info), OUTSIDE_ACTION_PROMOTE);
	outside_free(o);
}
END_TEST

START_TEST(a_backup_hands_over_what_the_peer_holds)
{
	static const char *const lines[] = { "BACKUP", "FAULT", "STOP" };

	for (size_t i = 0; i < 3; i++) {
		struct outside *o = fresh();
		struct ha_info info = serving();
		char line[64];

		snprintf(line, sizeof(line), "INSTANCE \"LNS\" %s 100\n", lines[i]);
		say(o, 1000, line);
		ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_HANDOVER);
		outside_result(o, 1000, OUTSIDE_ACTION_HANDOVER, 0, "handing over");
		info.role = HA_ROLE_DEMOTING;
		ck_assert_int_eq(outside_next(o, 1500, &info), OUTSIDE_ACTION_NONE);
		/* nobody took it: then it is given up, as was said */
		info.role = HA_ROLE_ACTIVE;
		ck_assert_int_eq(outside_next(o, 4000, &info), OUTSIDE_ACTION_DEMOTE);
		outside_result(o, 4000, OUTSIDE_ACTION_DEMOTE, 0, "going mute");
		info.role = HA_ROLE_STANDBY;
		ck_assert_int_eq(outside_next(o, 4300, &info), OUTSIDE_ACTION_NONE);
		ck_assert_uint_eq(outside_deadline_ms(o), UINT64_MAX);
		outside_free(o);
	}
}
END_TEST

START_TEST(a_backup_without_a_standby_goes_mute_at_once)
{
	struct outside *o = fresh();
	struct ha_info info = serving();

	info.peer_ready = false;
	info.sync = HA_SYNC_SOLO;
	say(o, 1000, "INSTANCE \"LNS\" BACKUP 100\n");
	ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_DEMOTE);
	outside_free(o);

	o = fresh();	/* the handover is refused in the last moment */
	info = serving();
	say(o, 1000, "INSTANCE \"LNS\" BACKUP 100\n");
	ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_HANDOVER);
	outside_result(o, 1000, OUTSIDE_ACTION_HANDOVER, -EAGAIN, "not in sync");
	ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_DEMOTE);
	outside_free(o);
}
END_TEST

START_TEST(keepalived_that_dies_changes_no_role)
{
	struct outside *o = fresh();
	struct ha_info info = serving();

	say(o, 1000, "INSTANCE \"LNS\" MASTER 100\n");
	ck_assert_int_eq(outside_next(o, 1000, &info), OUTSIDE_ACTION_NONE);
	outside_closed(o);
	ck_assert_uint_eq(warnings, 1);
	ck_assert_int_eq(outside_word(o), OUTSIDE_WORD_NONE);
	for (uint64_t now = 1000; now < 9000; now += 100)
		ck_assert_int_eq(outside_next(o, now, &info), OUTSIDE_ACTION_NONE);
	outside_closed(o);
	ck_assert_uint_eq(warnings, 1);
	outside_free(o);
}
END_TEST

START_TEST(a_daemon_that_comes_back_knows_the_last_word)
{
	struct ha_info info = standing_by();

	for (enum outside_word word = OUTSIDE_WORD_NONE; word <= OUTSIDE_WORD_STOP; word++) {
		struct outside *o = fresh();

		ck_assert_int_eq(outside_word_parse(outside_word_name(word)), word);
		outside_remember(o, 1, word);
		ck_assert_int_eq(outside_word(o), word);
		ck_assert_int_eq(outside_next(o, 1, &info),
				 word == OUTSIDE_WORD_MASTER ? OUTSIDE_ACTION_PROMOTE : OUTSIDE_ACTION_NONE);
		outside_free(o);
	}
}
END_TEST

START_TEST(the_numbers_rank_as_the_fitness_does)
{
	for (enum ha_fitness f = HA_FITNESS_STALE; f <= HA_FITNESS_READY; f++) {
		ck_assert_int_ge(outside_track(f), outside_track(f - 1));
		ck_assert_int_ge(outside_score(f), outside_score(f - 1));
	}
	ck_assert_int_eq(outside_track(HA_FITNESS_READY), 0);
	ck_assert_int_eq(outside_score(HA_FITNESS_READY), 1000);
	ck_assert_int_eq(outside_score(HA_FITNESS_CATCHING_UP), 10);
	ck_assert_int_eq(outside_score(HA_FITNESS_STALE), INT_MIN);
	/* keepalived takes -254 for a fault: no box could be MASTER, not even the last one */
	ck_assert_int_gt(outside_track(HA_FITNESS_UNKNOWN), -254);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outside");
	TCase *t = tcase_create("outside");

	tcase_add_test(t, a_line_in_any_pieces_is_one_line);
	tcase_add_test(t, half_a_line_says_nothing);
	tcase_add_test(t, every_state_is_understood);
	tcase_add_test(t, garbage_costs_one_line_and_nothing_else);
	tcase_add_test(t, a_line_without_an_end_costs_one_line);
	tcase_add_test(t, noise_never_breaks_it);
	tcase_add_test(t, nothing_said_nothing_done);
	tcase_add_test(t, a_master_is_asked_for_until_it_is_granted_and_then_no_more);
	tcase_add_test(t, what_nobody_has_is_taken_again);
	tcase_add_test(t, a_backup_hands_over_what_the_peer_holds);
	tcase_add_test(t, a_backup_without_a_standby_goes_mute_at_once);
	tcase_add_test(t, keepalived_that_dies_changes_no_role);
	tcase_add_test(t, a_daemon_that_comes_back_knows_the_last_word);
	tcase_add_test(t, the_numbers_rank_as_the_fitness_does);
	suite_add_tcase(s, t);
	return check_main(s);
}
