// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `debug`, `undebug`, `show debugging`, `terminal monitor`: which events are
 * told (debug.h), and whether this session hears them.
 */
#include <stdio.h>

#include "daemon/cli.h"
#include "daemon/debug.h"
#include "daemon/show.h"

static json_t *no_debug(struct show *show)
{
	show->code = SHOW_ROLE;
	snprintf(show->note, sizeof(show->note), "%%Refused: this daemon has no debug facility");
	return NULL;
}

static json_t *set_class(struct show *show, bool on)
{
	enum debug_facility facility = grammar_has(show->match, "vpdn") ? DEBUG_VPDN : DEBUG_L2TP;
	unsigned class = 0;

	while (class < DEBUG_CLASSES && !grammar_has(show->match, debug_class_word((enum debug_class)class)))
		class++;
	if (on)
		show->ctx->debug->mask[facility] |= 1u << class;
	else
		show->ctx->debug->mask[facility] &= ~(1u << class);
	return show_sentence(show, "%s redundancy %s debugging is %s", debug_facility_name(facility),
			     debug_class_name((enum debug_class)class), on ? "on" : "off");
}

static json_t *set_all(struct show *show, bool on)
{
	for (unsigned f = 0; f < DEBUG_FACILITIES; f++)
		show->ctx->debug->mask[f] = on ? (1u << DEBUG_CLASSES) - 1 : 0;
	return show_sentence(show, "All possible debugging has been turned %s", on ? "on" : "off");
}

json_t *show_debug(struct show *show)
{
	bool on = show->match->form == GRAMMAR_SET;

	if (!show->ctx->debug)
		return no_debug(show);
	return grammar_has(show->match, "all") ? set_all(show, on) : set_class(show, on);
}

json_t *show_undebug(struct show *show)
{
	if (!show->ctx->debug)
		return no_debug(show);
	return grammar_has(show->match, "all") ? set_all(show, false) : set_class(show, false);
}

static const struct view class_row[] = {
	{ VIEW_LINE, "  {facility} redundancy {class} debugging is on", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view some_view[] = {
	{ VIEW_LINE, "Redundancy:", NULL },
	{ VIEW_EACH, "debugging", class_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view none_view[] = { { VIEW_LINE, "No debugging is on", NULL }, { VIEW_END, NULL, NULL } };
static const struct view debugging_view[] = {
	{ VIEW_IF, "debugging", some_view },
	{ VIEW_UNLESS, "debugging", none_view },
	{ VIEW_LINE, "Lines go to the log{monitor? and to this session:}", NULL },
	{ VIEW_END, NULL, NULL },
};

json_t *show_debugging(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();

	for (unsigned f = 0; show->ctx->debug && f < DEBUG_FACILITIES; f++)
		for (unsigned c = 0; c < DEBUG_CLASSES; c++)
			if (show->ctx->debug->mask[f] & (1u << c))
				json_array_append_new(list, json_pack("{s:s, s:s}", "facility",
						      debug_facility_name((enum debug_facility)f), "class",
						      debug_class_name((enum debug_class)c)));
	json_object_set_new(tree, "debugging", list);
	json_object_set_new(tree, "monitor", json_boolean(show->cli && cli_monitor(show->cli)));
	show->view = debugging_view;
	return tree;
}

json_t *show_monitor(struct show *show)
{
	if (!show->cli)
		return no_debug(show);
	cli_monitor_set(show->cli, !grammar_has(show->match, "no"));
	return show_nothing(show);
}
