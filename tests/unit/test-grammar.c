// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The matcher on a small grammar of its own: optional parts, alternatives,
 * abbreviations, `no`, and what is expected where.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/grammar.h"
#include "tests/unit/check_main.h"

static const struct grammar_command commands[] = {
	{ 1, "show {l2tp|vpdn} redundancy [all] [json]", "summary" },
	{ 1, "show {l2tp|vpdn} redundancy [detail] [id TUNNEL [SESSION]] [json]", "one" },
	{ 1, "show version", "version" },
	{ 1, "show verbose", "verbose" },
	{ 2, "password ~ [0] SECRET", "secret" },
	{ 2, "key ~ {[0] KEY|file PATH}", "key" },
	{ 2, "description ~ TEXT", "remark" },
	{ 2, "net ~ NET [dev NAME]", "network" },
	{ 2, "auth ~ {chap|pap} [chap|pap]", "auth" },
	{ 4, "name NAME", "argument" },
	{ 4, "name none", "keyword" },
};
static const struct grammar_arg args[] = {
	{ "TUNNEL", GRAMMAR_NUMBER, 1, 65535, "tunnel" },
	{ "SESSION", GRAMMAR_NUMBER, 1, 65535, "session" },
	{ "SECRET", GRAMMAR_SECRET, 1, 20, "secret" },
	{ "KEY", GRAMMAR_HEX, 2, 4, "key" },
	{ "PATH", GRAMMAR_PATH, 1, 100, "file" },
	{ "TEXT", GRAMMAR_TEXT, 1, 100, "text" },
	{ "NET", GRAMMAR_PREFIX, 0, 0, "network" },
	{ "NAME", GRAMMAR_NAME, 1, 10, "name" },
};
static const struct grammar grammar = {
	.commands = commands, .stride = sizeof(commands[0]), .count = sizeof(commands) / sizeof(commands[0]),
	.args = args, .arg_count = sizeof(args) / sizeof(args[0]),
};

static struct grammar_match m;
static char error[GRAMMAR_ERROR_MAX];

static int match(unsigned mode, const char *line)
{
	error[0] = '\0';
	return grammar_match(&grammar, mode, line, &m, error);
}

static void accepts(unsigned mode, const char *line, const char *help)
{
	int err = match(mode, line);

	ck_assert_msg(!err, "%s: %s", line, error);
	ck_assert_str_eq(m.command->help, help);
}

START_TEST(optional_parts_in_both_commands)
{
	accepts(1, "show l2tp redundancy", "summary");
	accepts(1, "show vpdn redundancy all json", "summary");
	accepts(1, "show l2tp redundancy id 5", "one");
	ck_assert_uint_eq(grammar_arg_get(&m, "TUNNEL")->number, 5);
	ck_assert_ptr_null(grammar_arg_get(&m, "SESSION"));
	accepts(1, "show l2tp redundancy detail id 33003 65535 json", "one");
	ck_assert_uint_eq(grammar_arg_get(&m, "SESSION")->number, 65535);
	ck_assert(grammar_has(&m, "detail") && grammar_has(&m, "json") && !grammar_has(&m, "all"));
	ck_assert_int_eq(match(1, "show l2tp redundancy all id 5"), -EINVAL);
	ck_assert_str_eq(error, "refused 'id': expected one of json, end of line");
	ck_assert_uint_eq(m.depth, 4);
}
END_TEST

START_TEST(abbreviations)
{
	accepts(1, "sh l r d i 7", "one");
	accepts(1, "SHOW L2TP RED", "summary");
	ck_assert_int_eq(match(1, "show ver"), -EINVAL);
	ck_assert_str_eq(error, "refused 'ver': ambiguous, could be version, verbose");
	accepts(1, "show vers", "version");
	accepts(4, "name none", "keyword");	/* an exact keyword wins over an argument */
	accepts(4, "name non", "argument");	/* an argument wins over an abbreviation */
	accepts(4, "name \"none\"", "argument");/* what is quoted is no keyword */
}
END_TEST

START_TEST(arguments)
{
	uint8_t key[8];

	ck_assert_int_eq(match(1, "show l2tp redundancy id 65536"), -EINVAL);
	ck_assert_str_eq(error, "refused '65536': expected <1-65535> tunnel");
	ck_assert_int_eq(match(1, "show l2tp redundancy id 0x5"), -EINVAL);
	ck_assert_int_eq(match(1, "show l2tp redundancy id"), -EINVAL);
	ck_assert_str_eq(error, "incomplete: expected <1-65535> tunnel");
	accepts(2, "password 0 x", "secret");
	ck_assert_str_eq(grammar_arg_get(&m, "SECRET")->text, "x");
	accepts(2, "password secret", "secret");
	accepts(2, "key 0 0a0B", "key");
	ck_assert_uint_eq(grammar_hex(grammar_arg_get(&m, "KEY")->text, key, sizeof(key)), 2);
	ck_assert_uint_eq(key[1], 0x0b);
	ck_assert_int_eq(match(2, "key abc"), -EINVAL);
	ck_assert_int_eq(match(2, "key 0102030405"), -EINVAL);
	accepts(2, "key file /a/b", "key");
	accepts(2, "net 2001:db8::/32 dev eth0", "network");
	ck_assert_uint_eq(grammar_arg_get(&m, "NET")->prefix_len, 32);
	accepts(2, "net 10.0.0.1", "network");
	ck_assert_uint_eq(grammar_arg_get(&m, "NET")->prefix_len, 32);
	ck_assert_int_eq(match(2, "net 10.0.0.1/-1"), -EINVAL);
	ck_assert_int_eq(match(2, "net 10.0.0.1/"), -EINVAL);
	accepts(2, "description  two  \"words\" and ! all", "remark");
	ck_assert_str_eq(grammar_arg_get(&m, "TEXT")->text, "two  \"words\" and ! all");
}
END_TEST

START_TEST(no_and_default)
{
	accepts(2, "no password", "secret");
	ck_assert_int_eq(m.form, GRAMMAR_NO);
	accepts(2, "no password 0 x", "secret");
	accepts(2, "default net 10.0.0.0/8", "network");
	ck_assert_int_eq(m.form, GRAMMAR_DEFAULT);
	ck_assert_int_eq(match(2, "no"), -EINVAL);
	ck_assert_int_eq(match(1, "no show version"), -EINVAL);
	ck_assert_int_eq(match(4, "no name x"), -EINVAL);
}
END_TEST

START_TEST(quotes_and_comments)
{
	accepts(4, "name \"a b\"", "argument");
	ck_assert_str_eq(grammar_arg_get(&m, "NAME")->text, "a b");
	accepts(4, "name \"a\\\"\\\\\"", "argument");
	ck_assert_str_eq(grammar_arg_get(&m, "NAME")->text, "a\"\\");
	ck_assert_int_eq(match(4, "name \"\""), -EINVAL);
	ck_assert_int_eq(match(4, "name \"a\"b"), -EINVAL);
	ck_assert_int_eq(match(4, "  ! name x"), -ENODATA);
	ck_assert_int_eq(match(4, "#"), -ENODATA);
	ck_assert_int_eq(match(4, " \t "), -ENODATA);
}
END_TEST

static char expected[1024];

static void collect(void *ctx, const char *text, const char *help)
{
	(void)ctx;
	(void)help;
	snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s|", text);
}

static const char *expect(unsigned mode, const char *line)
{
	expected[0] = '\0';
	grammar_expect(&grammar, mode, line, collect, NULL);
	return expected;
}

START_TEST(completion)
{
	ck_assert_str_eq(expect(1, ""), "show|");
	ck_assert_str_eq(expect(1, "s"), "show|");
	ck_assert_str_eq(expect(1, "show"), "show|");
	ck_assert_str_eq(expect(1, "show "), "l2tp|vpdn|version|verbose|");
	ck_assert_str_eq(expect(1, "show v"), "vpdn|version|verbose|");
	ck_assert_str_eq(expect(1, "sh l r "), "all|json|<cr>|detail|id|");
	ck_assert_str_eq(expect(1, "sh l r id "), "<1-65535> tunnel|");
	ck_assert_str_eq(expect(1, "sh l r id 5 "), "<1-65535> session|json|<cr>|");
	ck_assert_str_eq(expect(1, "bogus "), "");
	ck_assert_str_eq(expect(1, "\n"), "show|");
	ck_assert_str_eq(expect(2, "no password "), "<cr>|0|<secret, 1-20 characters>|");
}
END_TEST

START_TEST(bounds)
{
	char line[GRAMMAR_LINE_MAX + 10];

	memset(line, 'a', sizeof(line));
	line[GRAMMAR_LINE_MAX] = '\0';
	ck_assert_int_eq(match(1, line), -EINVAL);
	for (size_t i = 0; i < GRAMMAR_LINE_MAX - 1; i++)
		line[i] = i % 2 ? ' ' : 'a';
	line[GRAMMAR_LINE_MAX - 1] = '\0';
	ck_assert_int_eq(match(1, line), -EINVAL);
	ck_assert_str_eq(error, "refused: more than 32 words");
	ck_assert_str_eq(expect(1, line), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grammar");
	TCase *tc = tcase_create("grammar");

	tcase_add_test(tc, optional_parts_in_both_commands);
	tcase_add_test(tc, abbreviations);
	tcase_add_test(tc, arguments);
	tcase_add_test(tc, no_and_default);
	tcase_add_test(tc, quotes_and_comments);
	tcase_add_test(tc, completion);
	tcase_add_test(tc, bounds);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
