/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one renderer of show commands: text from a JSON tree by a template.
 * What a show prints is what its JSON holds, because it is made from it.
 *
 * A line's text may contain {path}, {path:WIDTH} (negative: flush left),
 * {path?yes:no} for a truth value and {path!FORMAT}:
 *	secs	milliseconds as seconds with two digits
 *	hms	milliseconds as hh:mm:ss, or days and hours
 *	time	Unix milliseconds as a date, UTC
 * In a table a WIDTH is the least one: a column is as wide as its longest
 * value, and an empty value is a dash.
 * A path is looked up in the element of the nearest VIEW_EACH, then outwards.
 */
#ifndef L2TPHA_DAEMON_VIEW_H
#define L2TPHA_DAEMON_VIEW_H

#include <jansson.h>

enum view_op {
	VIEW_END,
	VIEW_LINE,		/* text: a line */
	VIEW_PART,		/* text: a piece of a line */
	VIEW_IF,		/* text: a path; body if it is true, not zero, not empty */
	VIEW_UNLESS,
	VIEW_EACH,		/* text: a path to an array; body for each element */
	VIEW_USE,		/* body, once: shares a template */
	VIEW_TABLE,		/* text: a path to an array; body: lines of VIEW_HEAD, and one VIEW_LINE for each element */
	VIEW_HEAD,		/* text: as it stands, but that it is moved with the columns below it */
};
struct view {
	enum view_op op;
	const char *text;
	const struct view *body;
};

/* The caller frees it. NULL: no memory. A path that is not in the tree prints as "{?}". */
char *view_render(const struct view *view, const json_t *tree);

/* A JSON string of text that came from outside: control characters and broken UTF-8 are replaced. */
json_t *view_string(const char *text);

#endif
