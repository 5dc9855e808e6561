// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * configure replace: a file becomes the configuration in use, whole or not at
 * all.  What is up stays, save what the new configuration has no place for:
 * tunnels of VPDN groups that are gone, or that no longer go in the tunnel's
 * direction, and calls of dialers that are gone or shut down.  Those are named
 * and counted first, then closed; with `dry-run` nothing else happens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/log.h"

struct victim {			/* what is closed of one VPDN group, for one reason */
	char group[CONFIG_NAME_MAX];
	const char *why;
	uint32_t tunnels, sessions;
};

struct target {
	struct group *group;
	uint16_t tunnel_id;
};

struct closing {
	struct target *tunnels;
	struct victim *victims;
	size_t count, victim_count;
};

/* NULL: it has a place. */
static const char *no_place(const struct config *next, const struct l2tp_tunnel_info *tunnel)
{
	const struct config_vpdn_group *vg = config_vpdn_group_find(next, tunnel->s.params.group);

	if (!vg)
		return "the group is removed";
	if (tunnel->s.initiator && !vg->request_dialin)
		return "no request-dialin any more";
	if (!tunnel->s.initiator && !vg->accept_dialin)
		return "no accept-dialin any more";
	return NULL;
}

static void closing_free(struct closing *c)
{
	free(c->tunnels);
	free(c->victims);
}

/* Room for one more in an array that doubles when its count is a power of two. */
static void *grown(void *array, size_t count, size_t size)
{
	return count & (count - 1) ? array : realloc(array, (count ? 2 * count : 1) * size);
}

static struct victim *victim_of(struct closing *c, const char *group, const char *why)
{
	struct victim *v;

	for (v = c->victims; v && v < c->victims + c->victim_count; v++)
		if (v->why == why && !strcmp(v->group, group))
			return v;
	v = grown(c->victims, c->victim_count, sizeof(*v));
	if (!v)
		return NULL;
	c->victims = v;
	v += c->victim_count++;
	*v = (struct victim){ .why = why };
	snprintf(v->group, sizeof(v->group), "%s", group);
	return v;
}

static bool closing_add(struct closing *c, struct group *group, const struct l2tp_tunnel_info *tunnel, const char *why)
{
	struct victim *v = victim_of(c, tunnel->s.params.group, why);
	struct target *targets = v ? grown(c->tunnels, c->count, sizeof(*targets)) : NULL;

	if (!targets)
		return false;
	c->tunnels = targets;
	c->tunnels[c->count++] = (struct target){ group, tunnel->s.local_id };
	v->tunnels++;
	v->sessions += tunnel->sessions;
	return true;
}

/* Only where this node is active: a standby hears of it from the other one. */
static bool closing_find(const struct show_context *ctx, const struct config *next, struct closing *c)
{
	struct l2tp_tunnel_info info;
	const char *why;

	for (size_t i = 0; i < ctx->group_count; i++) {
		struct l2tp *l2tp = group_l2tp(ctx->groups[i]);

		for (uint16_t id = 0; l2tp_active(l2tp) && (id = l2tp_tunnel_next(l2tp, id));) {
			l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &info);
			why = info.s.state == L2TP_TUNNEL_CLOSING ? NULL : no_place(next, &info);
			if (why && !closing_add(c, ctx->groups[i], &info, why))
				return false;
		}
	}
	return true;
}

static json_t *closing_json(const struct closing *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->victim_count; i++) {
		const struct victim *v = &c->victims[i];
		json_t *j = json_pack("{s:I, s:I, s:s}", "tunnels", (json_int_t)v->tunnels, "sessions",
				      (json_int_t)v->sessions, "why", v->why);

		show_put(j, "group", view_string(v->group));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *refused(struct show *show, enum show_code code, const char *prefix, const char *why)
{
	show->code = code;
	snprintf(show->note, sizeof(show->note), "%%%s%.*s", prefix, (int)sizeof(show->note) - 32, why);
	return NULL;
}

/* Those that dial or have a call, and would hang up. */
static json_t *hang_ups_json(const struct show_context *ctx, const struct config *next)
{
	struct group_dialer_info info;
	json_t *list = json_array();

	for (size_t i = 0; i < ctx->group_count; i++)
		for (size_t k = 0; l2tp_active(group_l2tp(ctx->groups[i])) && group_dialer_info(ctx->groups[i], k, &info); k++)
			if (strcmp(info.state, "idle") && !group_dialer_stays(ctx->groups[i], next, info.number))
				json_array_append_new(list, json_pack("{s:i, s:s}", "dialer", info.number, "state", info.state));
	return list;
}

static const struct view note_line[] = { { VIEW_LINE, "{.}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view closing_line[] = {
	{ VIEW_LINE, "%vpdn-group {group}: {tunnels} tunnels with {sessions} sessions are closed: {why}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view nothing_line[] = { { VIEW_LINE, "%Nothing to change", NULL }, { VIEW_END, NULL, NULL } };
static const struct view hang_up_line[] = {
	{ VIEW_LINE, "%interface dialer {dialer}: it is {state} and hangs up", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view undisturbed_line[] = {
	{ VIEW_LINE, "%No tunnel and no session is disturbed", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view changed_part[] = {
	{ VIEW_EACH, "lines", note_line },
	{ VIEW_EACH, "closed", closing_line },
	{ VIEW_EACH, "hang_ups", hang_up_line },
	{ VIEW_UNLESS, "disturbs", undisturbed_line },
	{ VIEW_END, NULL, NULL },
};
static const struct view dry_line[] = { { VIEW_LINE, "%Dry run: nothing was done", NULL }, { VIEW_END, NULL, NULL } };
static const struct view replace_view[] = {
	{ VIEW_IF, "changed", changed_part },
	{ VIEW_UNLESS, "changed", nothing_line },
	{ VIEW_IF, "dry_run", dry_line },
	{ VIEW_END, NULL, NULL },
};

json_t *show_replace(struct show *show)
{
	const struct grammar_item *file = grammar_arg_get(show->match, "FILE");
	bool dry = grammar_has(show->match, "dry-run") || grammar_has(show->match, "--dry-run");
	struct show_context *ctx = show->ctx;
	char *notes = NULL, error[256] = "";
	struct closing closing = { 0 };
	struct config *next;
	json_t *tree, *hang_ups;

	if (ctx->configuring)
		return refused(show, SHOW_ROLE, "Refused: ", "a session is configuring");
	if (!ctx->load)
		return refused(show, SHOW_ROLE, "Refused: ", "this daemon has no file");
	next = ctx->load(file->text, error);
	if (!next)
		return refused(show, SHOW_FAILED, "", error);
	if (!closing_find(ctx, next, &closing)) {
		closing_free(&closing);
		config_free(next);
		return refused(show, SHOW_FAILED, "", "out of memory");
	}
	hang_ups = hang_ups_json(ctx, next);
	if (cli_config_apply(ctx, next, CLI_APPLY_ALL | (dry ? CLI_APPLY_DRY : 0), &notes, error)) {
		closing_free(&closing);
		json_decref(hang_ups);
		free(notes);
		return refused(show, SHOW_ROLE, "Refused: ", error);
	}
	for (size_t i = 0; !dry && i < closing.count; i++)
		group_clear_tunnel(closing.tunnels[i].group, ctx->now_ms(), closing.tunnels[i].tunnel_id);
	if (!dry)
		log_info("configuration replaced by %s, %zu tunnels closed", file->text, closing.count);
	tree = show_lines(show, notes ? notes : "");
	show_put(tree, "changed", json_boolean(notes && *notes));
	show_put(tree, "closed", closing_json(&closing));
	show_put(tree, "disturbs", json_boolean(closing.victim_count || json_array_size(hang_ups)));
	show_put(tree, "hang_ups", hang_ups);
	show_put(tree, "dry_run", json_boolean(dry));
	show->view = replace_view;
	closing_free(&closing);
	free(notes);
	return tree;
}
