// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The matcher of grammar.h: walks the syntax lines of all commands of a mode
 * side by side, one token at a time.  A place is an offset in a syntax line;
 * what may come next at a place is found by expand(), which follows brackets.
 *
 * At each token an exact keyword wins over an argument, and an argument over
 * an abbreviated keyword; two keywords with the same prefix are an error.
 * When nothing matches, the same expansion says what was expected.
 */
#include "daemon/grammar.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACES_MAX 128		/* alternatives alive at one token */
#define DELIMITERS " ~[]{}|"

struct token {
	const char *text;
	size_t offset;		/* in the line, for GRAMMAR_TEXT */
	bool quoted;
};

struct element {		/* what may come next: a keyword, an argument, or the end */
	const char *start;	/* *start == 0: end of the command */
	size_t len;
};

struct place {
	const struct grammar_command *command;
	const char *at;
	struct element via;	/* the element that led here */
	int parent;		/* index of the place one token earlier */
};

typedef void (*element_fn)(void *ctx, struct element element);

/* ---- reading a syntax line ---------------------------------------------- */

/* From inside a bracket: behind its closing one, or at its next `|` if wanted. */
static const char *bracket_end(const char *p, bool stop_at_bar)
{
	for (int depth = 0; *p; p++) {
		if (*p == '[' || *p == '{')
			depth++;
		else if ((*p == ']' || *p == '}') && depth-- == 0)
			return stop_at_bar ? p : p + 1;
		else if (*p == '|' && !depth && stop_at_bar)
			return p;
	}
	return p;
}

static void expand(const char *p, enum grammar_form form, element_fn fn, void *ctx)
{
	for (;;) {
		switch (*p) {
		case ' ':
		case ']':
		case '}':
			p++;
			continue;
		case '|':	/* an alternative ended: the others are not ours */
			p = bracket_end(p + 1, false);
			continue;
		case '~':
			if (form != GRAMMAR_SET)
				fn(ctx, (struct element){ "", 0 });
			p++;
			continue;
		case '[':
		case '{': {
			bool optional = *p == '[';
			const char *inside = p + 1;

			for (const char *alt = inside;; alt++) {
				expand(alt, form, fn, ctx);
				alt = bracket_end(alt, true);
				if (*alt != '|')
					break;
			}
			if (!optional)
				return;
			p = bracket_end(inside, false);
			continue;
		}
		case '\0':
			fn(ctx, (struct element){ p, 0 });
			return;
		}
		fn(ctx, (struct element){ p, strcspn(p, DELIMITERS) });
		return;
	}
}

static bool is_arg(struct element e)
{
	return isupper((unsigned char)*e.start);
}

static const struct grammar_arg *arg_find(const struct grammar *g, struct element e)
{
	for (size_t i = 0; i < g->arg_count; i++)
		if (strlen(g->args[i].name) == e.len && !memcmp(g->args[i].name, e.start, e.len))
			return &g->args[i];
	return NULL;
}

static const struct grammar_command *command_at(const struct grammar *g, size_t i)
{
	return (const struct grammar_command *)((const char *)g->commands + i * g->stride);
}

/* ---- reading an argument ------------------------------------------------ */

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*out = n;
	return n >= min && n <= max;
}

static bool parse_prefix(const char *text, struct grammar_item *item)
{
	const char *slash = strchr(text, '/');
	char addr[64];
	uint64_t len;
	size_t n = slash ? (size_t)(slash - text) : strlen(text);

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (endpoint_parse(&item->address, addr))
		return false;
	len = item->address.family == 6 ? 128 : 32;
	if (slash && !parse_number(slash + 1, 0, len, &len))
		return false;
	item->prefix_len = (uint8_t)len;
	return true;
}

static bool parse_arg(const struct grammar_arg *arg, const char *text, struct grammar_item *item)
{
	size_t len = strlen(text);

	switch (arg->type) {
	case GRAMMAR_NUMBER:
		return parse_number(text, arg->min, arg->max, &item->number);
	case GRAMMAR_SECRET:
		if (!strcmp(text, "<hidden>"))
			return false;	/* what a masked listing prints */
		/* fall through */
	case GRAMMAR_NAME:
	case GRAMMAR_TEXT:
		return len >= arg->min && len <= arg->max && printable(text);
	case GRAMMAR_HEX:
		return len % 2 == 0 && len / 2 >= arg->min && len / 2 <= arg->max &&
		       strspn(text, "0123456789abcdefABCDEF") == len;
	case GRAMMAR_PATH:
		return *text == '/' && len <= arg->max && printable(text);
	case GRAMMAR_IPV4:
		return !endpoint_parse(&item->address, text) && item->address.family == 4;
	case GRAMMAR_ADDRESS:
		return !endpoint_parse(&item->address, text);
	case GRAMMAR_PREFIX:
		return parse_prefix(text, item);
	}
	return false;
}

static void arg_describe(const struct grammar_arg *arg, char *buf, size_t size)
{
	switch (arg->type) {
	case GRAMMAR_NUMBER:
		snprintf(buf, size, "<%llu-%llu> %s", (unsigned long long)arg->min, (unsigned long long)arg->max,
			 arg->help);
		return;
	case GRAMMAR_NAME:
	case GRAMMAR_SECRET:
	case GRAMMAR_TEXT:
		snprintf(buf, size, "<%s, %llu-%llu characters>", arg->help, (unsigned long long)arg->min,
			 (unsigned long long)arg->max);
		return;
	case GRAMMAR_HEX:
		snprintf(buf, size, "<%s, %llu-%llu octets in hexadecimal>", arg->help, (unsigned long long)arg->min,
			 (unsigned long long)arg->max);
		return;
	case GRAMMAR_PATH:
		snprintf(buf, size, "</PATH> %s", arg->help);
		return;
	case GRAMMAR_IPV4:
		snprintf(buf, size, "<A.B.C.D> %s", arg->help);
		return;
	case GRAMMAR_ADDRESS:
		snprintf(buf, size, "<A.B.C.D or X:X::X> %s", arg->help);
		return;
	case GRAMMAR_PREFIX:
		snprintf(buf, size, "<ADDRESS/LEN> %s", arg->help);
		return;
	}
}

/* ---- tokens ------------------------------------------------------------- */

/* Splits in place. Returns the count or -EINVAL with an error. */
static int tokenize(char *line, struct token tokens[GRAMMAR_TOKENS_MAX], char error[GRAMMAR_ERROR_MAX])
{
	char *p = line;
	int n = 0;

	for (;;) {
		char *out;

		p += strspn(p, " \t\r\n");
		if (!*p)
			return n;
		if (n == GRAMMAR_TOKENS_MAX) {
			snprintf(error, GRAMMAR_ERROR_MAX, "refused: more than %d words", GRAMMAR_TOKENS_MAX);
			return -EINVAL;
		}
		tokens[n] = (struct token){ .text = p, .offset = (size_t)(p - line), .quoted = *p == '"' };
		if (*p != '"') {
			p += strcspn(p, " \t\r\n");
		} else {
			out = p;
			p++;
			while (*p && *p != '"') {
				if (*p == '\\' && p[1])
					p++;
				*out++ = *p++;
			}
			if (!*p) {
				snprintf(error, GRAMMAR_ERROR_MAX, "refused: a quotation mark is missing");
				return -EINVAL;
			}
			*out = '\0';
			p++;
			if (*p && !strchr(" \t\r\n", *p)) {
				snprintf(error, GRAMMAR_ERROR_MAX, "refused: a blank is missing after a quotation mark");
				return -EINVAL;
			}
		}
		n++;
		if (*p)
			*p++ = '\0';
	}
}

/* ---- stepping ----------------------------------------------------------- */

struct frontier {
	struct place places[PLACES_MAX];
	size_t count;
};

struct step {			/* one token against all places of a frontier */
	const struct grammar *g;
	const struct token *token;	/* NULL: only look for ends */
	const char *rest;		/* the raw rest of the line, for GRAMMAR_TEXT */
	struct frontier *next;
	const struct place *from;
	int from_index;
	int rank;			/* what matched so far: 0 nothing, 1 prefix, 2 argument, 3 exact */
	bool ambiguous;
	const struct grammar_command *ended;	/* a command may end at this frontier */
	int ended_index;
};

static int token_rank(struct step *s, struct element e)
{
	const char *text = s->token->text;

	if (is_arg(e)) {
		const struct grammar_arg *arg = arg_find(s->g, e);
		struct grammar_item item;

		if (!arg)
			return 0;
		if (arg->type == GRAMMAR_TEXT)
			text = s->rest;
		return parse_arg(arg, text, &item) ? 2 : 0;
	}
	if (s->token->quoted || strlen(text) > e.len || strncasecmp(text, e.start, strlen(text)))
		return 0;
	return strlen(text) == e.len ? 3 : 1;
}

static void step_element(void *ctx, struct element e)
{
	struct step *s = ctx;
	const struct place *first;
	int rank;

	if (!*e.start) {
		if (!s->ended) {
			s->ended = s->from->command;
			s->ended_index = s->from_index;
		}
		return;
	}
	if (!s->token)
		return;
	rank = token_rank(s, e);
	if (!rank || rank < s->rank)
		return;
	if (rank > s->rank) {
		s->rank = rank;
		s->next->count = 0;
		s->ambiguous = false;
	}
	first = &s->next->places[0];
	if (rank == 1 && s->next->count &&
	    (first->via.len != e.len || memcmp(first->via.start, e.start, e.len)))
		s->ambiguous = true;
	if (s->next->count < PLACES_MAX)
		s->next->places[s->next->count++] = (struct place){
			.command = s->from->command, .at = e.start + e.len, .via = e, .parent = s->from_index,
		};
}

static void step_run(struct step *s, const struct frontier *frontier, enum grammar_form form)
{
	s->rank = 0;
	s->ambiguous = false;
	s->ended = NULL;
	if (s->next)
		s->next->count = 0;
	for (size_t i = 0; i < frontier->count; i++) {
		s->from = &frontier->places[i];
		s->from_index = (int)i;
		expand(s->from->at, form, step_element, s);
	}
}

static void frontier_start(const struct grammar *g, unsigned mode, enum grammar_form form, struct frontier *f)
{
	f->count = 0;
	for (size_t i = 0; i < g->count && f->count < PLACES_MAX; i++) {
		const struct grammar_command *c = command_at(g, i);

		if (!(c->modes & mode) || (form != GRAMMAR_SET && !strchr(c->syntax, '~')))
			continue;
		f->places[f->count++] = (struct place){ .command = c, .at = c->syntax, .parent = -1 };
	}
}

/* ---- what was expected -------------------------------------------------- */

struct expect {
	const struct grammar *g;
	const char *prefix;		/* only keywords that begin with it */
	bool with_args;
	struct element seen[PLACES_MAX];
	size_t seen_count;
	const struct place *from;
	grammar_expect_fn fn;
	void *ctx;
};

static const char *word_help(const struct grammar *g, struct element e)
{
	for (size_t i = 0; i < g->word_count; i++)
		if (strlen(g->words[i].word) == e.len && !memcmp(g->words[i].word, e.start, e.len))
			return g->words[i].help;
	return "";
}

static void expect_element(void *ctx, struct element e)
{
	struct expect *x = ctx;
	const struct grammar_arg *arg;
	char text[192];

	for (size_t i = 0; i < x->seen_count; i++)
		if (x->seen[i].len == e.len && !memcmp(x->seen[i].start, e.start, e.len))
			return;
	if (x->seen_count < PLACES_MAX)
		x->seen[x->seen_count++] = e;
	if (!*e.start) {
		if (!*x->prefix)
			x->fn(x->ctx, "<cr>", x->from->command->help);
		return;
	}
	if (is_arg(e)) {
		arg = arg_find(x->g, e);
		if (!arg || !x->with_args)
			return;
		arg_describe(arg, text, sizeof(text));
		x->fn(x->ctx, text, arg->help);
		return;
	}
	if (strlen(x->prefix) > e.len || strncasecmp(x->prefix, e.start, strlen(x->prefix)))
		return;
	snprintf(text, sizeof(text), "%.*s", (int)e.len, e.start);
	x->fn(x->ctx, text, word_help(x->g, e));
}

static void expect_run(struct expect *x, const struct frontier *f, enum grammar_form form)
{
	for (size_t i = 0; i < f->count; i++) {
		x->from = &f->places[i];
		expand(x->from->at, form, expect_element, x);
	}
}

struct sentence {
	char *buf;
	size_t len, count;
};

static void sentence_add(void *ctx, const char *text, const char *help)
{
	struct sentence *s = ctx;
	size_t room = GRAMMAR_ERROR_MAX - s->len;
	int n;

	(void)help;
	if (!strcmp(text, "<cr>"))
		text = "end of line";
	n = snprintf(s->buf + s->len, room, "%s%s", s->count ? ", " : "", text);
	if (n > 0 && (size_t)n < room - 5)
		s->len += (size_t)n;
	else
		snprintf(s->buf + s->len, room, "%s", s->len && s->buf[s->len - 1] != '.' ? ", ..." : "");
	s->count++;
}

static void refuse(const struct grammar *g, const struct frontier *f, enum grammar_form form, const struct token *token,
		   char error[GRAMMAR_ERROR_MAX])
{
	struct expect x = { .g = g, .prefix = "", .with_args = true, .fn = sentence_add };
	char list[GRAMMAR_ERROR_MAX] = "";
	struct sentence s = { .buf = list };
	char shown[33] = "";

	x.ctx = &s;
	expect_run(&x, f, form);
	if (token) {
		snprintf(shown, sizeof(shown), "%s", token->text);
		for (char *p = shown; *p; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				*p = '.';
		snprintf(error, GRAMMAR_ERROR_MAX, "refused '%s': expected %s%.190s", shown,
			 s.count > 1 ? "one of " : "", s.count ? list : "nothing");
	} else {
		snprintf(error, GRAMMAR_ERROR_MAX, "incomplete: expected %s%.200s", s.count > 1 ? "one of " : "", list);
	}
}

static void refuse_ambiguous(const struct frontier *f, const struct token *token, char error[GRAMMAR_ERROR_MAX])
{
	int n = snprintf(error, GRAMMAR_ERROR_MAX, "refused '%.32s': ambiguous, could be", token->text);
	const struct element *last = NULL;

	for (size_t i = 0; i < f->count && n > 0 && n < GRAMMAR_ERROR_MAX; i++) {
		const struct element *e = &f->places[i].via;

		if (last && last->len == e->len && !memcmp(last->start, e->start, e->len))
			continue;
		n += snprintf(error + n, (size_t)(GRAMMAR_ERROR_MAX - n), "%s %.*s", last ? "," : "", (int)e->len,
			      e->start);
		last = e;
	}
}

/* ---- the whole line ----------------------------------------------------- */

static enum grammar_form form_of(const struct token *token)
{
	if (!token->quoted && !strcasecmp(token->text, "no"))
		return GRAMMAR_NO;
	if (!token->quoted && !strcasecmp(token->text, "default"))
		return GRAMMAR_DEFAULT;
	return GRAMMAR_SET;
}

static bool has_forms(const struct grammar *g, unsigned mode)
{
	for (size_t i = 0; i < g->count; i++)
		if ((command_at(g, i)->modes & mode) && strchr(command_at(g, i)->syntax, '~'))
			return true;
	return false;
}

static void item_fill(const struct grammar *g, const struct place *place, const char *text, const char *rest,
		      struct grammar_item *item)
{
	memset(item, 0, sizeof(*item));
	item->text = text;
	if (!is_arg(place->via)) {
		item->word = place->via.start;
		item->word_len = place->via.len;
		return;
	}
	item->arg = arg_find(g, place->via);
	if (item->arg->type == GRAMMAR_TEXT)
		item->text = rest;
	parse_arg(item->arg, item->text, item);
}

static bool is_text(const struct grammar *g, const struct place *place)
{
	const struct grammar_arg *arg = is_arg(place->via) ? arg_find(g, place->via) : NULL;

	return arg && arg->type == GRAMMAR_TEXT;
}

struct walk {
	struct token tokens[GRAMMAR_TOKENS_MAX];
	char buffer[GRAMMAR_LINE_MAX];		/* the line in tokens */
	char raw[GRAMMAR_LINE_MAX];		/* the line as typed, trimmed at its end */
	struct frontier at[GRAMMAR_TOKENS_MAX + 1];
};

/* Steps over tokens [first, last); returns the number understood; stops at GRAMMAR_TEXT (*text_end). */
static int walk_run(const struct grammar *g, struct walk *w, int first, int last, enum grammar_form form,
		    bool *ambiguous, bool *text_end)
{
	int i = first;

	*ambiguous = *text_end = false;
	for (; i < last; i++) {
		struct step s = {
			.g = g, .token = &w->tokens[i], .rest = w->raw + w->tokens[i].offset, .next = &w->at[i + 1],
		};

		step_run(&s, &w->at[i], form);
		if (!w->at[i + 1].count)
			return i;
		if (s.ambiguous) {
			*ambiguous = true;
			return i;
		}
		if (is_text(g, &w->at[i + 1].places[0])) {
			*text_end = true;
			return i + 1;
		}
	}
	return i;
}

int grammar_match(const struct grammar *g, unsigned mode, const char *line, struct grammar_match *match,
		  char error[GRAMMAR_ERROR_MAX])
{
	struct walk *w;
	struct step end = { .g = g };
	bool ambiguous, text_end;
	int count, first, done, err = -EINVAL;
	size_t len = strlen(line);

	memset(match, 0, offsetof(struct grammar_match, buffer));
	while (len && strchr(" \t\r\n", line[len - 1]))
		len--;
	if (len >= GRAMMAR_LINE_MAX) {
		snprintf(error, GRAMMAR_ERROR_MAX, "refused: line longer than %d characters", GRAMMAR_LINE_MAX - 1);
		return -EINVAL;
	}
	w = malloc(sizeof(*w));
	if (!w) {
		snprintf(error, GRAMMAR_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	memcpy(w->raw, line, len);
	w->raw[len] = '\0';
	memcpy(match->buffer, w->raw, len + 1);
	memcpy(w->buffer, w->raw, len + 1);
	first = (int)strspn(w->raw, " \t\r\n");
	if (!w->raw[first] || w->raw[first] == '!' || w->raw[first] == '#') {
		err = -ENODATA;
		goto out;
	}
	count = tokenize(w->buffer, w->tokens, error);
	if (count < 0)
		goto out;
	first = 0;
	if (has_forms(g, mode))
		match->form = form_of(&w->tokens[0]);
	if (match->form != GRAMMAR_SET)
		first = 1;
	frontier_start(g, mode, match->form, &w->at[first]);
	done = walk_run(g, w, first, count, match->form, &ambiguous, &text_end);
	match->depth = (size_t)done;
	if (ambiguous) {
		refuse_ambiguous(&w->at[done + 1], &w->tokens[done], error);
		goto out;
	}
	if (done < count && !text_end) {
		refuse(g, &w->at[done], match->form, &w->tokens[done], error);
		goto out;
	}
	step_run(&end, &w->at[done], match->form);
	if (!end.ended) {
		refuse(g, &w->at[done], match->form, NULL, error);
		goto out;
	}
	match->command = end.ended;
	match->item_count = (size_t)(done - first);
	memcpy(match->buffer, w->buffer, sizeof(match->buffer));
	for (int i = done, at = end.ended_index; i > first; i--) {
		const struct place *place = &w->at[i].places[at];
		struct token *token = &w->tokens[i - 1];
		char *text = match->buffer + (token->text - w->buffer);

		if (is_text(g, place))
			memcpy(text, w->raw + token->offset, len + 1 - token->offset);
		item_fill(g, place, text, text, &match->items[i - 1 - first]);
		at = place->parent;
	}
	err = 0;
out:
	free(w);
	return err;
}

const struct grammar_item *grammar_arg_get(const struct grammar_match *match, const char *name)
{
	for (size_t i = 0; i < match->item_count; i++)
		if (match->items[i].arg && !strcmp(match->items[i].arg->name, name))
			return &match->items[i];
	return NULL;
}

bool grammar_has(const struct grammar_match *match, const char *word)
{
	for (size_t i = 0; i < match->item_count; i++)
		if (!match->items[i].arg && match->items[i].word_len == strlen(word) &&
		    !memcmp(match->items[i].word, word, match->items[i].word_len))
			return true;
	return false;
}

size_t grammar_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;

	for (; text[0] && text[1] && n < size; text += 2) {
		char two[3] = { text[0], text[1], '\0' };

		out[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

void grammar_expect(const struct grammar *g, unsigned mode, const char *line, grammar_expect_fn fn, void *ctx)
{
	struct expect x = { .g = g, .with_args = true, .fn = fn, .ctx = ctx };
	enum grammar_form form = GRAMMAR_SET;
	char error[GRAMMAR_ERROR_MAX];
	size_t len = strlen(line);
	bool ambiguous, text_end, open;
	struct walk *w;
	int count, first = 0, last;

	if (len >= GRAMMAR_LINE_MAX)
		return;
	w = malloc(sizeof(*w));
	if (!w)
		return;
	memcpy(w->raw, line, len + 1);
	memcpy(w->buffer, line, len + 1);
	count = tokenize(w->buffer, w->tokens, error);
	if (count < 0)
		goto out;
	open = count > 0 && !strchr(" \t\r\n", line[len - 1]);	/* the last word is unfinished */
	last = open ? count - 1 : count;
	x.prefix = open ? w->tokens[count - 1].text : "";
	if (last > 0 && has_forms(g, mode))
		form = form_of(&w->tokens[0]);
	if (form != GRAMMAR_SET)
		first = 1;
	frontier_start(g, mode, form, &w->at[first]);
	if (walk_run(g, w, first, last, form, &ambiguous, &text_end) < last || ambiguous || text_end)
		goto out;
	expect_run(&x, &w->at[last], form);
out:
	free(w);
}
