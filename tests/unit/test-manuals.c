// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The manuals against the program: every keyword of the grammar is in them and
 * they have none that it lacks, their examples are configurations that fit
 * together, the messages they explain are said, and every field of JSON is
 * named.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/config.h"
#include "daemon/grammar_config.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

#define PAGE_MAX 131072
#define WORDS 40
#define WORD_MAX 64

struct words {
	char word[WORDS][WORD_MAX];
	size_t count;
};

static char page[PAGE_MAX];

static void page_read(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t n;

	ck_assert_msg(file != NULL, "%s: run it at the top of the source tree", path);
	n = fread(page, 1, sizeof(page) - 1, file);
	ck_assert_uint_lt(n, sizeof(page) - 1);
	page[n] = '\0';
	fclose(file);
}

static bool of_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Somewhere in the page, as a word of its own. */
static bool page_has(const char *word)
{
	size_t len = strlen(word);

	for (const char *at = page; (at = strstr(at, word)); at++)
		if ((at == page || !of_word(at[-1])) && !of_word(at[len]))
			return true;
	return false;
}

static void words_add(struct words *w, const char *text, size_t len)
{
	ck_assert_uint_lt(w->count, WORDS);
	snprintf(w->word[w->count++], WORD_MAX, "%.*s", (int)len, text);
}

static bool words_have(const struct words *w, const char *word)
{
	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->word[i], word))
			return true;
	return false;
}

static bool words_within(const struct words *some, const struct words *all)
{
	for (size_t i = 0; i < some->count; i++)
		if (!words_have(all, some->word[i]))
			return false;
	return true;
}

/* Of a line of syntax, the keywords. */
static struct words syntax_words(const char *syntax)
{
	struct words w = { .count = 0 };

	while (*syntax) {
		size_t len = 0;

		while (of_word(syntax[len]))
			len++;
		if (len && !isupper((unsigned char)*syntax))
			words_add(&w, syntax, len);
		syntax += len ? len : 1;
	}
	return w;
}

/* Of a line that begins an entry of the manual, the keywords: what stands behind Ic and Cm. */
static struct words item_words(const char *line, size_t line_len)
{
	struct words w = { .count = 0 };
	const char *end = line + line_len;
	bool literal = false;

	while (line < end) {
		size_t len = 0;

		while (line + len < end && line[len] != ' ')
			len++;
		if (len == 2 && (!strncmp(line, "Ic", 2) || !strncmp(line, "Cm", 2)))
			literal = true;
		else if (isupper((unsigned char)*line))
			literal = false;
		else if (literal && isalnum((unsigned char)*line))
			words_add(&w, line, len);
		line += len + (line + len < end);
	}
	return w;
}

/* The next entry for a command; false: there is none. */
static bool item_next(const char **at, struct words *w)
{
	static const char begin[] = "\n.It Ic ";
	const char *found = strstr(*at, begin);
	size_t len;

	if (!found)
		return false;
	found += 5;
	len = strcspn(found, "\n");
	*w = item_words(found, len);
	*at = found + len;
	return true;
}

static void joined(const struct words *w, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		n += (size_t)snprintf(out + n, size - n, "%s ", w->word[i]);
}

/* ---- l2tpha.conf(5) ------------------------------------------------------- */

START_TEST(keywords_of_the_configuration)
{
	const char *at = page;
	struct words item;
	unsigned items = 0;
	char text[1024];

	page_read("man/l2tpha.conf.5");
	for (size_t i = 0; i < config_grammar.count; i++) {
		const struct grammar_command *c = (const void *)((const char *)config_grammar.commands + i * config_grammar.stride);
		struct words w = syntax_words(c->syntax);

		for (size_t k = 0; k < w.count; k++)
			ck_assert_msg(page_has(w.word[k]), "%s: '%s' is not in l2tpha.conf(5)", c->syntax, w.word[k]);
	}
	while (item_next(&at, &item)) {
		bool known = false;

		for (size_t i = 0; i < config_grammar.count && !known; i++) {
			const struct grammar_command *c = (const void *)((const char *)config_grammar.commands +
									 i * config_grammar.stride);
			struct words w = syntax_words(c->syntax);

			known = item.count && !strcmp(item.word[0], w.word[0]) && words_within(&item, &w);
		}
		joined(&item, text, sizeof(text));
		ck_assert_msg(known, "l2tpha.conf(5) has a command that is none: %s", text);
		items++;
	}
	ck_assert_uint_gt(items, 80);
}
END_TEST

/* Whole files, each of them. */
START_TEST(examples_fit_together)
{
	static const char begin[] = "\n.Bd -literal -offset indent\n", end[] = "\n.Ed";
	const char *at;
	unsigned examples = 0;

	page_read("man/l2tpha.conf.5");
	at = strstr(page, "\n.Sh EXAMPLES\n");
	ck_assert_ptr_nonnull(at);
	while ((at = strstr(at, begin))) {
		char *stop = strstr(at, end), error[256] = "";
		struct config *config;

		ck_assert_ptr_nonnull(stop);
		stop[1] = '\0';
		config = config_parse("example", at + strlen(begin), error);
		ck_assert_msg(config && !config_check(config, error), "example %u: %s", examples, error);
		config_free(config);
		stop[1] = '.';
		at = stop;
		examples++;
	}
	ck_assert_uint_ge(examples, 4);
}
END_TEST

/* ---- l2tphad(8) ----------------------------------------------------------- */

static bool source_has(const char *text)
{
	glob_t files;
	bool found = false;

	ck_assert_int_eq(glob("{daemon,ha,l2tp,netlink}/*.c", GLOB_BRACE, NULL, &files), 0);
	ck_assert_uint_gt(files.gl_pathc, 50);
	for (size_t i = 0; i < files.gl_pathc && !found; i++) {
		page_read(files.gl_pathv[i]);
		found = strstr(page, text) != NULL;
	}
	globfree(&files);
	return found;
}

/* Nobody is told to look for a message that the daemon does not say. */
START_TEST(messages_are_the_daemons)
{
	static const char begin[] = "\n.It Dq ";
	char *messages, *at;
	unsigned count = 0;

	page_read("man/l2tphad.8");
	messages = at = strdup(page);
	while ((at = strstr(at, begin))) {
		char text[128];

		at += strlen(begin);
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\n"), at);
		ck_assert_msg(!strcmp(text, strerror(ECONNREFUSED)) || source_has(text), "nothing says '%s'", text);
		count++;
	}
	free(messages);
	ck_assert_uint_gt(count, 10);
}
END_TEST

/* ---- l2tpctl(1) ----------------------------------------------------------- */

static struct show_context context;

static uint64_t clock_now(void)
{
	return now;
}

static json_t *shown(const char *line)
{
	char *text = NULL;
	json_t *tree;

	context.json = true;
	show_exec(&context, line, &text);
	ck_assert_msg(text != NULL, "%s", line);
	tree = json_loads(text, 0, NULL);
	ck_assert_msg(tree != NULL, "%s: no JSON: %s", line, text);
	free(text);
	return tree;
}

static void rig_up(void)
{
	setup();
	context = (struct show_context){ .groups = &nodes[0]->group, .group_count = 1, .config = nodes[0]->config,
					 .pools = nodes[0]->pools, .now_ms = clock_now, .unix_ms = clock_now };
	pair_up(2);
	page_read("man/l2tpctl.1");
}

START_TEST(keywords_of_the_commands)
{
	json_t *tree = shown("help"), *commands = json_object_get(tree, "commands"), *command;
	const char *at = page;
	struct words item;
	unsigned items = 0;
	char text[1024];
	size_t i;

	json_array_foreach(commands, i, command) {
		const char *syntax = json_string_value(json_object_get(command, "syntax"));
		struct words w = syntax_words(syntax);

		for (size_t k = 0; k < w.count; k++)
			ck_assert_msg(page_has(w.word[k]), "%s: '%s' is not in l2tpctl(1)", syntax, w.word[k]);
	}
	while (item_next(&at, &item)) {
		bool known = false;

		json_array_foreach(commands, i, command) {
			struct words w = syntax_words(json_string_value(json_object_get(command, "syntax")));

			known = known || (item.count && words_have(&w, item.word[0]) && words_within(&item, &w));
		}
		joined(&item, text, sizeof(text));
		ck_assert_msg(known, "l2tpctl(1) has a command that is none: %s", text);
		items++;
	}
	ck_assert_uint_gt(items, 40);
	json_decref(tree);
}
END_TEST

static void fields_named(const json_t *value, const char *line)
{
	const char *key;
	json_t *one;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)value, key, one) {
		ck_assert_msg(page_has(key), "%s: the field %s is not in l2tpctl(1)", line, key);
		if (strcmp(key, "access_line"))		/* RFC 5515 names what is in it */
			fields_named(one, line);
	}
	json_array_foreach((json_t *)(uintptr_t)value, i, one)
		fields_named(one, line);
}

START_TEST(fields_of_json)
{
	static const char *const lines[] = {
		"show l2tp redundancy", "show l2tp redundancy detail", "show redundancy", "show redundancy fitness",
		"show redundancy states", "show redundancy clients", "show redundancy counters", "show redundancy history",
		"show redundancy switchover history", "vpdn drain peer LAC-1", "show vpdn tunnel", "show vpdn session",
		"show l2tp", "show l2tp destination profile", "show aaa domain-map", "show l2tp counters",
		"show pppoe session", "show vpdn multihop", "show vpdn history failure", "show ip local pool",
		"show running-config", "show version", "show debugging", "show vpdn drain", "show vpdn dead-cache",
		"show dialer", "help", "bogus", "redundancy switchover dry-run",
	};

	password = "wrong";		/* something that failed */
	lac_call(lac, now, NULL, NULL);
	run(2000);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		json_t *tree = shown(lines[i]);

		fields_named(tree, lines[i]);
		json_decref(tree);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manuals");
	TCase *tc = tcase_create("configuration");

	tcase_add_test(tc, keywords_of_the_configuration);
	tcase_add_test(tc, examples_fit_together);
	tcase_add_test(tc, messages_are_the_daemons);
	suite_add_tcase(suite, tc);
	tc = tcase_create("commands");
	tcase_add_checked_fixture(tc, rig_up, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keywords_of_the_commands);
	tcase_add_test(tc, fields_of_json);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
