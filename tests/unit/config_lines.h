/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines made from the configuration's own table: for every row what its syntax
 * allows, with values at the edges of their ranges or inside them.  For tests
 * of all rows at once; a new row is among them by itself.
 */
#ifndef L2TPHA_TESTS_UNIT_CONFIG_LINES_H
#define L2TPHA_TESTS_UNIT_CONFIG_LINES_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/grammar_config.h"

struct lines {
	uint64_t seed;
	const char *edge;	/* this argument gets `edge_value`; NULL: none */
	const char *edge_value;
	bool edge_used;
	bool lowest;		/* numbers are the lowest */
	bool in_full;		/* also the forms that may end earlier */
	char out[GRAMMAR_LINE_MAX];
};

static inline unsigned lines_random(struct lines *l, unsigned below)
{
	l->seed = l->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((l->seed >> 33) % below);
}

static inline const struct grammar_arg *lines_arg(const char *name, size_t len)
{
	for (size_t i = 0; i < config_grammar.arg_count; i++)
		if (strlen(config_grammar.args[i].name) == len && !memcmp(config_grammar.args[i].name, name, len))
			return &config_grammar.args[i];
	abort();
}

static inline void lines_add(struct lines *l, const char *text, size_t len)
{
	size_t at = strlen(l->out);

	snprintf(l->out + at, sizeof(l->out) - at, "%s%.*s", at ? " " : "", (int)len, text);
}

static inline void lines_value(struct lines *l, const struct grammar_arg *arg)
{
	char text[160] = "";
	unsigned r = lines_random(l, 200);

	if (l->edge && !strcmp(arg->name, l->edge)) {
		lines_add(l, l->edge_value, strlen(l->edge_value));
		l->edge_used = true;
		return;
	}
	switch (arg->type) {
	case GRAMMAR_NUMBER:
		if (strstr(arg->name, "T-ID"))	/* FIRST and LAST */
			snprintf(text, sizeof(text), "%llu", (unsigned long long)(*arg->name == 'F' ? arg->min : arg->max));
		else if (l->lowest)
			snprintf(text, sizeof(text), "%llu", (unsigned long long)arg->min);
		else
			snprintf(text, sizeof(text), "%llu",
				 (unsigned long long)arg->min + (unsigned long long)lines_random(l, 1u << 30) % (arg->max - arg->min + 1));
		break;
	case GRAMMAR_NAME:
	case GRAMMAR_SECRET:
		snprintf(text, sizeof(text), "n%u", r);
		break;
	case GRAMMAR_TEXT:
		snprintf(text, sizeof(text), "some text %u", r);
		break;
	case GRAMMAR_HEX:
		snprintf(text, sizeof(text), "000102030405060708090a0b0c0d%04x", r);
		break;
	case GRAMMAR_PATH:
		snprintf(text, sizeof(text), "/tmp/f%u", r);
		break;
	case GRAMMAR_IPV4:
		/* a range goes up */
		snprintf(text, sizeof(text), "10.%u.0.%u", strcmp(arg->name, "LAST") ? 1 : 2, 1 + r);
		break;
	case GRAMMAR_ADDRESS:
		snprintf(text, sizeof(text), r % 2 ? "192.0.2.%u" : "2001:db8::%u", 1 + r);
		break;
	case GRAMMAR_PREFIX:
		snprintf(text, sizeof(text), "192.0.2.%u/24", 1 + r);
		break;
	}
	lines_add(l, text, strlen(text));
}

static inline const char *lines_end(const char *p, bool at_bar)
{
	for (int depth = 0; *p; p++) {
		if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && depth-- == 0)
			return p;
		else if (*p == '|' && !depth && at_bar)
			return p;
	}
	return p;
}

/* Does the line have this keyword?  Then a second choice is not made of it. */
static inline bool lines_has(const struct lines *l, const char *word, size_t len)
{
	for (const char *p = l->out; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == len && !memcmp(p, word, len))
			return true;
	return false;
}

/* What stands between p and end. */
static inline void lines_walk(struct lines *l, const char *p, const char *end, bool negated)
{
	while (p < end) {
		size_t len = strcspn(p, " ~[]{}|");

		if (*p == '~' && negated && !l->in_full)
			return;
		if (*p == '[' || *p == '{') {
			const char *close = lines_end(p + 1, false), *alt = p + 1;
			unsigned count = 1, pick;

			for (const char *bar = lines_end(alt, true); bar < close; bar = lines_end(bar + 1, true))
				count++;
			pick = lines_random(l, count + (*p == '[' && !l->edge));
			if (pick < count) {
				while (pick--)
					alt = lines_end(alt, true) + 1;
				if (!lines_has(l, alt, (size_t)(lines_end(alt, true) - alt)))
					lines_walk(l, alt, lines_end(alt, true), negated);
			}
			p = close + 1;
		} else if (!len) {
			p++;
		} else {
			if (isupper((unsigned char)*p))
				lines_value(l, lines_arg(p, len));
			else
				lines_add(l, p, len);
			p += len;
		}
	}
}

/* One line of the row, or its `no`/`default` form; valid until the next. */
static inline const char *lines_make(struct lines *l, const struct config_command *row, const char *form)
{
	l->out[0] = '\0';
	l->edge_used = false;
	if (form)
		lines_add(l, form, strlen(form));
	lines_walk(l, row->g.syntax, row->g.syntax + strlen(row->g.syntax), form != NULL);
	return l->out;
}

/* The lines that lead into a mode. */
static inline const char *lines_mode(unsigned mode)
{
	switch ((enum config_mode)mode) {
	case CONFIG_MODE_GLOBAL:
		return "";
	case CONFIG_MODE_TEMPLATE:
		return "interface virtual-template 1\n";
	case CONFIG_MODE_VPDN:
		return "vpdn-group G\n";
	case CONFIG_MODE_ACCEPT:
		return "vpdn-group G\naccept-dialin\n";
	case CONFIG_MODE_REDUNDANCY:
		return "redundancy\n";
	case CONFIG_MODE_GROUP:
		return "redundancy\ngroup R\n";
	case CONFIG_MODE_VPDN_TEMPLATE:
		return "vpdn-template T\n";
	case CONFIG_MODE_REQUEST:
		return "vpdn-group G\nrequest-dialin\n";
	case CONFIG_MODE_DIALER:
		return "interface dialer 1\n";
	case CONFIG_MODE_BBA:
		return "bba-group pppoe B\n";
	}
	abort();
}

static inline const struct config_command *lines_row(size_t i)
{
	return i < config_grammar.count ? (const struct config_command *)config_grammar.commands + i : NULL;
}

#endif
