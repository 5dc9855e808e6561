// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every row of the configuration's table, by itself: it takes what its syntax
 * says and nothing beyond the ranges, it is in `show running-config` and read
 * back from there, it has `no` and `default` forms that take it back, and what
 * a VPDN template says holds for a group until the group says something else.
 */
#include <check.h>

#include "tests/unit/check_main.h"
#include "tests/unit/config_lines.h"

#define ROUNDS 20

static struct config *parse(const char *text, char error[256])
{
	return config_parse("t", text, error);
}

static struct config *must(const char *text)
{
	char error[256] = "";
	struct config *config = parse(text, error);

	ck_assert_msg(config != NULL, "%s\n%s", text, error);
	return config;
}

static char *printed(const char *text)
{
	struct config *config = must(text);
	char *out = config_print(config, CONFIG_PRINT_SECRETS);

	config_free(config);
	return out;
}

/* Rows that are commands rather than settings. */
static bool is_move(const struct config_command *row)
{
	return !strcmp(row->g.syntax, "exit") || !strcmp(row->g.syntax, "end") || row->why_not;
}

static unsigned mode_of(const struct config_command *row)
{
	return row->g.modes & -row->g.modes;
}

START_TEST(what_is_said_is_printed_and_read_back)
{
	struct lines l = { .seed = 7 };
	char text[2 * GRAMMAR_LINE_MAX];
	const struct config_command *row;

	for (size_t i = 0; (row = lines_row(i)); i++)
		for (int round = 0; round < ROUNDS && !is_move(row); round++)
			for (unsigned mode = 1; mode < CONFIG_MODE_ANY; mode <<= 1) {
				struct config *a, *b;
				char *one, *two, *all;

				if (!(row->g.modes & mode))
					continue;
				snprintf(text, sizeof(text), "%s%s\n", lines_mode(mode), lines_make(&l, row, NULL));
				a = must(text);
				one = config_print(a, CONFIG_PRINT_SECRETS);
				two = printed(one);
				ck_assert_msg(!strcmp(one, two), "%s\nprints\n%s\nwhich prints\n%s", text, one, two);
				all = config_print(a, CONFIG_PRINT_SECRETS | CONFIG_PRINT_ALL);
				free(two);
				b = must(all);
				two = config_print(b, CONFIG_PRINT_SECRETS | CONFIG_PRINT_ALL);
				ck_assert_msg(!strcmp(all, two), "%s\nprints\n%s\nwhich prints\n%s", text, all, two);
				free(one);
				free(two);
				free(all);
				config_free(a);
				config_free(b);
			}
}
END_TEST

/* `all` names every setting, whatever its value. */
START_TEST(words_of_others_are_refused_with_the_reason)
{
	struct lines l = { .seed = 1 };
	const struct config_command *row;
	char text[GRAMMAR_LINE_MAX], error[256];
	unsigned rows = 0;

	for (size_t i = 0; (row = lines_row(i)); i++) {
		if (!row->why_not)
			continue;
		rows++;
		snprintf(text, sizeof(text), "%s%s\n", lines_mode(mode_of(row)), lines_make(&l, row, NULL));
		ck_assert_ptr_null(parse(text, error));
		ck_assert_msg(strstr(error, row->why_not) != NULL, "%s: %s", text, error);
		snprintf(text, sizeof(text), "%s%s\n", lines_mode(mode_of(row)), lines_make(&l, row, "no"));
		config_free(must(text));
	}
	ck_assert_uint_gt(rows, 3);
}
END_TEST

START_TEST(all_lists_every_setting)
{
	struct lines l = { .seed = 3 };
	const struct config_command *row;
	char text[2 * GRAMMAR_LINE_MAX], words[128];

	for (size_t i = 0; (row = lines_row(i)); i++) {
		struct config *config;
		char *all;

		if (is_move(row) || row->alias || row->kind == SETTING_CUSTOM)
			continue;
		snprintf(text, sizeof(text), "%s%s\n", lines_mode(mode_of(row)), lines_make(&l, row, "no"));
		config = must(text);
		all = config_print(config, CONFIG_PRINT_ALL);
		snprintf(words, sizeof(words), "%.*s", (int)strcspn(row->g.syntax, "~") - 1, row->g.syntax);
		ck_assert_msg(strstr(all, words) != NULL, "'%s' is not in\n%s", words, all);
		free(all);
		config_free(config);
	}
}
END_TEST

START_TEST(ranges_are_checked)
{
	struct lines l = { .seed = 11 };
	const struct config_command *row;
	char text[2 * GRAMMAR_LINE_MAX], value[32], error[256] = "";
	unsigned rows = 0;

	for (size_t i = 0; (row = lines_row(i)); i++)
		for (size_t a = 0; a < config_grammar.arg_count && !is_move(row); a++) {
			const struct grammar_arg *arg = &config_grammar.args[a];
			const uint64_t values[] = { arg->min, arg->max, arg->max + 1, arg->min - 1 };

			if (arg->type != GRAMMAR_NUMBER)
				continue;
			l.edge = arg->name;
			for (size_t v = 0; v < 4; v++) {
				struct config *config;

				if (v == 3 && !arg->min)
					continue;
				snprintf(value, sizeof(value), "%llu", (unsigned long long)values[v]);
				l.edge_value = value;
				/* an alternative is taken by chance */
				l.edge_used = false;
				for (int round = 0; round < ROUNDS && !l.edge_used; round++)
					lines_make(&l, row, NULL);
				if (!l.edge_used)
					continue;
				rows++;
				snprintf(text, sizeof(text), "%s%s\n", lines_mode(mode_of(row)), l.out);
				config = parse(text, error);
				if (v < 2)
					ck_assert_msg(config != NULL, "%s\nis refused: %s", text, error);
				else
					ck_assert_msg(!config && strstr(error, value), "%s\nis taken, or refused for another reason: %s",
						      text, error);
				config_free(config);
			}
		}
	ck_assert_uint_gt(rows, 100);
}
END_TEST

START_TEST(no_and_default_take_it_back)
{
	static const char *const forms[] = { "no", "default" };
	struct lines l = { .seed = 5 };
	const struct config_command *row;
	char text[4 * GRAMMAR_LINE_MAX], line[GRAMMAR_LINE_MAX];

	for (size_t i = 0; (row = lines_row(i)); i++)
		for (int f = 0; f < 2; f++)
			for (int round = 0; round < ROUNDS && !is_move(row); round++) {
				const char *into = lines_mode(mode_of(row));
				uint64_t seed = l.seed;
				char *without, *with;

				snprintf(line, sizeof(line), "%s", lines_make(&l, row, NULL));
				l.seed = seed;		/* the same names */
				l.in_full = round % 2 || !strncmp(row->g.syntax, "vpdn-template", 13);
				snprintf(text, sizeof(text), "%s%s\n%s%s\n", into, line, into, lines_make(&l, row, forms[f]));
				with = printed(text);
				/* what the default is, or for a flag that is on by itself: its opposite */
				snprintf(text, sizeof(text), "%s%s\n", into, f ? "" : l.out);
				without = printed(text);
				ck_assert_msg(!strcmp(with, without), "%s, then %s: is\n%s\nnot\n%s", line, l.out, with, without);
				l.in_full = false;
				free(with);
				free(without);
			}
}
END_TEST

/* As it is, and as it is after it was written down and read back. */
static void effective(const char *text, struct config_vpdn_group *out)
{
	struct config *config = must(text), *again;
	char *written = config_print(config, CONFIG_PRINT_SECRETS);
	struct config_vpdn_group after;

	config_vpdn_group_effective(config, config_vpdn_group_find(config, "G"), out);
	again = must(written);
	config_vpdn_group_effective(again, config_vpdn_group_find(again, "G"), &after);
	ck_assert_msg(!memcmp((char *)out + sizeof(out->next), (char *)&after + sizeof(after.next),
			      offsetof(struct config_vpdn_group, set) - sizeof(after.next)), "%s\nis written\n%s", text, written);
	free(written);
	config_free(config);
	config_free(again);
}

static bool same(const struct config_command *row, const struct config_vpdn_group *a, const struct config_vpdn_group *b)
{
	return !memcmp((const char *)a + row->offset, (const char *)b + row->offset, row->size);
}

/* Group over template over what is built in, for every setting that a template can say. */
START_TEST(inheritance)
{
	struct lines l = { .seed = 9 };
	const struct config_command *row;
	char text[4 * GRAMMAR_LINE_MAX], of_template[GRAMMAR_LINE_MAX], of_group[GRAMMAR_LINE_MAX];
	struct config_vpdn_group own, inherited, both, back;
	unsigned rows = 0;

	for (size_t i = 0; (row = lines_row(i)); i++) {
		if (!(row->g.modes & CONFIG_MODE_VPDN_TEMPLATE) || row->kind == SETTING_CUSTOM)
			continue;
		ck_assert_msg(row->g.modes & CONFIG_MODE_VPDN, "%s", row->g.syntax);
		rows++;
		for (int round = 0; round < ROUNDS; round++) {
			snprintf(of_template, sizeof(of_template), "%s",
				 lines_make(&l, row, row->kind == SETTING_FLAG && round % 2 ? "no" : NULL));
			l.lowest = round % 2;
			snprintf(of_group, sizeof(of_group), "%s",
				 lines_make(&l, row, row->kind == SETTING_FLAG && round % 3 ? "no" : NULL));
			l.lowest = false;
			snprintf(text, sizeof(text), "vpdn-group G\n%s\n", of_template);
			effective(text, &own);
			snprintf(text, sizeof(text), "vpdn-template T\n%s\nvpdn-group G\nsource vpdn-template T\n", of_template);
			effective(text, &inherited);
			ck_assert_msg(same(row, &own, &inherited), "%s: not inherited", of_template);
			snprintf(text, sizeof(text), "vpdn-group G\n%s\n", of_group);
			effective(text, &own);
			snprintf(text, sizeof(text), "vpdn-template T\n%s\nvpdn-group G\nsource vpdn-template T\n%s\n",
				 of_template, of_group);
			effective(text, &both);
			ck_assert_msg(same(row, &own, &both), "%s: the group's %s does not hold", of_template, of_group);
			snprintf(text, sizeof(text), "vpdn-template T\n%s\nvpdn-group G\nsource vpdn-template T\n%s\n%s\n",
				 of_template, of_group, lines_make(&l, row, "default"));
			effective(text, &back);
			ck_assert_msg(same(row, &inherited, &back), "%s: taken back in the group it is not the template's", of_group);
		}
	}
	ck_assert_uint_gt(rows, 25);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config rows");
	TCase *tc = tcase_create("config rows");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_said_is_printed_and_read_back);
	tcase_add_test(tc, words_of_others_are_refused_with_the_reason);
	tcase_add_test(tc, all_lists_every_setting);
	tcase_add_test(tc, ranges_are_checked);
	tcase_add_test(tc, no_and_default_take_it_back);
	tcase_add_test(tc, inheritance);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
