// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filters of filter.h, as IOS has them: what is printed is decided here,
 * the daemon knows nothing of it.  Only show and help have one; a `|` in
 * another line belongs to that line.  Called by line_run() alone.
 */
#include "l2tpctl/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct { const char *word; enum filter_op op; } words[] = {
	{ "include", FILTER_INCLUDE }, { "exclude", FILTER_EXCLUDE }, { "begin", FILTER_BEGIN },
	{ "count", FILTER_COUNT }, { "json", FILTER_JSON },
};

/* The next word of *text is this one, or the beginning of it, `least` octets at least. */
static bool word_is(char **text, const char *word, size_t least)
{
	char *at = *text + strspn(*text, " \t");
	size_t len = strcspn(at, " \t");

	if (len < least || len > strlen(word) || strncasecmp(at, word, len))
		return false;
	*text = at + len;
	return true;
}

static bool has_filters(char *line)
{
	word_is(&line, "do", 2);
	return word_is(&line, "show", 2) || word_is(&line, "help", 1);
}

/* The rest of a line, without blanks around it and the quotes it may have. */
static char *pattern_of(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t", text[len - 1]))
		text[--len] = '\0';
	if (len > 1 && *text == '"' && text[len - 1] == '"') {
		text[len - 1] = '\0';
		text++;
	}
	return text;
}

bool filter_take(char *line, struct filter *filter, char error[256])
{
	char *bar = strchr(line, '|'), *rest = bar ? bar + 1 : NULL, *pattern, why[128];
	int err;

	filter->op = FILTER_NONE;
	if (!bar || !has_filters(line))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !filter->op; i++)
		if (word_is(&rest, words[i].word, 1))
			filter->op = words[i].op;
	pattern = pattern_of(rest);
	if (!filter->op || (*pattern != '\0') == (filter->op == FILTER_JSON)) {
		snprintf(error, 256, "refused '%.100s': expected | {include|exclude|begin|count} TEXT, or | json", bar);
		filter->op = FILTER_NONE;
		return false;
	}
	*bar = '\0';
	if (filter->op == FILTER_JSON)
		return true;
	err = regcomp(&filter->regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (!err)
		return true;
	regerror(err, &filter->regex, why, sizeof(why));
	snprintf(error, 256, "refused '%.100s': %.100s", pattern, why);
	filter->op = FILTER_NONE;
	return false;
}

void filter_print(const struct filter *filter, const char *text, FILE *out)
{
	bool begun = false;
	size_t count = 0;

	if (filter->op == FILTER_NONE || filter->op == FILTER_JSON) {
		fputs(text, out);
		return;
	}
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = strndup(text, len);
		bool matches = line && !regexec(&filter->regex, line, 0, NULL, 0);

		begun = begun || matches;
		count += matches;
		if ((filter->op == FILTER_INCLUDE && matches) || (filter->op == FILTER_EXCLUDE && !matches) ||
		    (filter->op == FILTER_BEGIN && begun))
			fprintf(out, "%s\n", line ? line : "");
		free(line);
		text += len + (text[len] == '\n');
	}
	if (filter->op == FILTER_COUNT)
		fprintf(out, "%zu\n", count);
}

void filter_free(struct filter *filter)
{
	if (filter->op != FILTER_NONE && filter->op != FILTER_JSON)
		regfree(&filter->regex);
	filter->op = FILTER_NONE;
}
