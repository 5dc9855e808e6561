/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar as data.  A command is one line of syntax as a manual prints it:
 *
 *	"username USER ~ password [0] SECRET [address ADDRESS4]"
 *
 *	word		a keyword; any unique prefix of it is accepted
 *	UPPER		an argument, described by name in a table of arguments
 *	{a|b}		one of them
 *	[a|b]		one of them or nothing
 *	~		the command has a `no` and a `default` form, which may end here
 *
 * The same table serves the configuration file, the exec commands, completion
 * and `?`.  Pure functions over constant tables; nothing is allocated.
 */
#ifndef L2TPHA_DAEMON_GRAMMAR_H
#define L2TPHA_DAEMON_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l2tp/endpoint.h"

#define GRAMMAR_LINE_MAX 1024
#define GRAMMAR_TOKENS_MAX 32
#define GRAMMAR_ERROR_MAX 256

enum grammar_type {
	GRAMMAR_NUMBER,		/* min..max is the value; elsewhere the length */
	GRAMMAR_NAME,		/* printable, no blanks unless quoted */
	GRAMMAR_TEXT,		/* the rest of the line */
	GRAMMAR_SECRET,		/* a name that is not shown */
	GRAMMAR_HEX,		/* min..max octets */
	GRAMMAR_PATH,		/* absolute */
	GRAMMAR_IPV4,
	GRAMMAR_ADDRESS,	/* IPv4 or IPv6 */
	GRAMMAR_PREFIX,		/* ADDRESS/LEN; without /LEN the host alone */
};

struct grammar_arg {
	const char *name;	/* as in the syntax */
	enum grammar_type type;
	uint64_t min, max;
	const char *help;
};

struct grammar_word {		/* what `?` says about a keyword */
	const char *word, *help;
};

struct grammar_command {
	unsigned modes;		/* bits; a command is seen in these */
	const char *syntax;
	const char *help;
};

/* Commands are the first member of the owner's own struct: `stride` apart. */
struct grammar {
	const void *commands;
	size_t stride, count;
	const struct grammar_arg *args;
	size_t arg_count;
	const struct grammar_word *words;
	size_t word_count;
};

enum grammar_form { GRAMMAR_SET, GRAMMAR_NO, GRAMMAR_DEFAULT };

struct grammar_item {		/* one token of the line, understood */
	const struct grammar_arg *arg;	/* NULL: a keyword */
	const char *word;		/* keyword in full, `word_len` octets */
	size_t word_len;
	const char *text;		/* as typed */
	uint64_t number;
	struct l2tp_endpoint address;
	uint8_t prefix_len;
};

struct grammar_match {
	const struct grammar_command *command;
	enum grammar_form form;
	struct grammar_item items[GRAMMAR_TOKENS_MAX];
	size_t item_count;
	size_t depth;			/* refused: tokens that were understood */
	char buffer[GRAMMAR_LINE_MAX];	/* holds the texts */
};

/*
 * 0; -ENODATA: a blank line or a comment; -EINVAL: `error` says
 * "refused 'token': expected ...".
 */
int grammar_match(const struct grammar *grammar, unsigned mode, const char *line, struct grammar_match *match,
		  char error[GRAMMAR_ERROR_MAX]);

/* The argument of that name, NULL if it was not given. */
const struct grammar_item *grammar_arg_get(const struct grammar_match *match, const char *name);
bool grammar_has(const struct grammar_match *match, const char *word);
/* Octets of a GRAMMAR_HEX text; returns their number. */
size_t grammar_hex(const char *text, uint8_t *out, size_t size);

/*
 * What may follow `line` (its last word is taken as unfinished unless a blank
 * follows).  `text` is a keyword, "<argument>" or "<cr>".  Each is named once.
 */
typedef void (*grammar_expect_fn)(void *ctx, const char *text, const char *help);
void grammar_expect(const struct grammar *grammar, unsigned mode, const char *line, grammar_expect_fn fn, void *ctx);

#endif
