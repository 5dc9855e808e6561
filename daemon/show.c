// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exec commands as a table, and what all of them share: find the command,
 * build its tree, print it as JSON or through its template.
 */
#include "daemon/cli.h"
#include "daemon/show.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct exec_command {
	struct grammar_command g;
	show_fn build;
	bool grows;		/* looks at all sessions: see show_context.apart */
	bool (*counters)(const struct grammar_match *match, bool json);	/* needs them: see show_context.can_wait */
};

#define ROW(m, s, h) .g = { .modes = (m), .syntax = (s), .help = (h) }
#define LOOK(s, h, fn) { ROW(SHOW_MODE_USER | SHOW_MODE_PRIVILEGED, s, h), .build = (fn) }
#define LOOK_ALL(s, h, fn) { ROW(SHOW_MODE_USER | SHOW_MODE_PRIVILEGED, s, h), .build = (fn), .grows = true }
#define DO(s, h, fn) { ROW(SHOW_MODE_PRIVILEGED, s, h), .build = (fn) }

static json_t *show_help(struct show *show);

static const struct exec_command commands[] = {
	LOOK_ALL("show {l2tp|vpdn} redundancy [all|detail] [classic] [json]", "what a switchover keeps", show_l2tp_redundancy),
	LOOK_ALL("show {l2tp|vpdn} redundancy [detail] id TUNNEL [SESSION] [json]", "of one tunnel or session", show_l2tp_redundancy),
	LOOK_ALL("show redundancy [group GROUP] [json]", "role, peer, protection, history", show_redundancy),
	LOOK("show redundancy fitness [group GROUP] [json]", "may this node be made active?", show_fitness),
	LOOK_ALL("show redundancy {states|clients|counters|history|switchover history} [group GROUP] [json]",
	     "the same, a part of it", show_redundancy_part),
	LOOK_ALL("show {l2tp|vpdn} tunnel [all|detail] [id TUNNEL] [json]", "tunnels", show_tunnels),
	{ ROW(SHOW_MODE_USER | SHOW_MODE_PRIVILEGED,
	      "show {l2tp|vpdn} session [all|detail] [id TUNNEL [SESSION]|username USER] [json]", "sessions"),
	  .build = show_sessions, .grows = true, .counters = show_sessions_counters },
	LOOK("show l2tp [json]", "what holds for all tunnels", show_l2tp),
	LOOK("show l2tp destination profile [PROFILE] [json]", "what new tunnels of a VPDN group are given", show_profiles),
	LOOK("show aaa domain-map [json]", "of tunnels that this node starts", show_domain_map),
	LOOK("show l2tp counters [json]", "of the protocol and the stream", show_counters),
	LOOK_ALL("show pppoe session [json]", "subscribers from PPPoE", show_pppoe),
	LOOK_ALL("show vpdn multihop [json]", "calls that are switched", show_multihop),
	LOOK("show vpdn history failure [json]", "calls and tunnels that failed", show_history),
	LOOK_ALL("show ip local pool [json]", "addresses of subscribers", show_pools),
	DO("show running-config [all] [json]", "the configuration in use", show_running_config),
	LOOK("show version [json]", "of the daemon", show_version),
	DO("show startup-config [json]", "the configuration in the file", show_startup_config),
	DO("configure terminal", "change the configuration in use", show_configure),
	DO("configure replace FILE [dry-run|--dry-run] [json]", "a file becomes the configuration in use", show_replace),
	DO("write [memory]", "the configuration in use into the file", show_write),
	DO("copy running-config startup-config", "the same", show_write),
	DO("copy startup-config running-config", "what the file says is put in force", show_reload),
	LOOK("enable", "begin the privileged mode", show_enable),
	DO("disable", "end it", show_disable),
	LOOK("exit", "leave", show_exit),
	LOOK("quit", "leave", show_exit),
	LOOK("logout", "leave", show_exit),
	DO("end", "nothing to end here", show_end),
	DO("debug {l2tp|vpdn} redundancy {cf|detail|error|event|fsm|resync|rf} ~", "tell of these events", show_debug),
	DO("debug all ~", "tell of all events", show_debug),
	DO("undebug {l2tp|vpdn} redundancy {cf|detail|error|event|fsm|resync|rf}", "no longer", show_undebug),
	DO("undebug all", "tell of no event", show_undebug),
	LOOK("show debugging [json]", "what is told of", show_debugging),
	DO("terminal [no] monitor", "here too", show_monitor),
	DO("redundancy promote [force] [group GROUP] [json]", "make this node active", show_promote),
	DO("redundancy demote [group GROUP] [json]", "make this node standby", show_demote),
	DO("redundancy switchover [dry-run] [group GROUP] [json]", "hand over to the standby", show_switchover),
	DO("clear {l2tp|vpdn} tunnel [id] TUNNEL [json]", "close a tunnel", show_clear_tunnel),
	DO("clear {l2tp|vpdn} session [id] TUNNEL SESSION [json]", "close a session", show_clear_session),
	DO("vpdn drain {all|peer PEER|tunnel TUNNEL} ~ [json]", "no new sessions, what is up stays", show_drain),
	LOOK("show vpdn dead-cache [json]", "peers that refused and are left alone", show_dead_cache),
	DO("clear vpdn dead-cache {all|ip-address ADDRESS|group VPDN} [json]", "ask them again", show_clear_dead_cache),
	LOOK("show dialer [interface dialer DIALER] [json]", "calls of this box", show_dialers),
	LOOK("show vpdn drain [json]", "what takes no new sessions", show_drained),
	LOOK("help [json]", "this list", show_help),
};

static const struct grammar_arg args[] = {
	{ "TUNNEL", GRAMMAR_NUMBER, 1, 65535, "local tunnel ID" },
	{ "SESSION", GRAMMAR_NUMBER, 1, 65535, "local session ID" },
	{ "PROFILE", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "VPDN group" },
	{ "FILE", GRAMMAR_PATH, 1, CONFIG_PATH_MAX - 1, "of a configuration" },
	{ "PEER", GRAMMAR_NAME, 1, L2TP_NAME_MAX - 1, "host name or address" },
	{ "ADDRESS", GRAMMAR_ADDRESS, 0, 0, "of the peer" },
	{ "VPDN", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "VPDN group whose peers they are" },
	{ "DIALER", GRAMMAR_NUMBER, 1, 65535, "interface number" },
	{ "GROUP", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "redundancy group" },
	{ "USER", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "user name" },
};

static const struct grammar_word words[] = {
	{ "show", "look at something" },
	{ "clear", "close tunnels and sessions" },
	{ "redundancy", "the other node" },
	{ "fitness", "may it be made active?" },
	{ "promote", "make this node active" },
	{ "demote", "make this node standby" },
	{ "switchover", "hand over to the standby" },
	{ "l2tp", "tunnels and sessions" },
	{ "vpdn", "the same, by its other name" },
	{ "tunnel", "tunnels" },
	{ "session", "sessions" },
	{ "counters", "of the protocol and the stream" },
	{ "pppoe", "subscribers from PPPoE" },
	{ "multihop", "calls that are switched" },
	{ "history", "what happened" },
	{ "failure", "calls and tunnels that failed" },
	{ "running-config", "the configuration in use" },
	{ "version", "of the daemon" },
	{ "ip", "addresses" },
	{ "local", "given out here" },
	{ "pool", "addresses of subscribers" },
	{ "all", "everything, defaults too" },
	{ "detail", "every field" },
	{ "id", "only this one" },
	{ "username", "only of this subscriber" },
	{ "group", "only this redundancy group" },
	{ "force", "although there are doubts" },
	{ "dry-run", "only say what would happen" },
	{ "json", "for programs" },
	{ "drain", "no new sessions" },
	{ "dead-cache", "peers that refused and are left alone" },
	{ "ip-address", "one of them" },
	{ "dialer", "calls of this box" },
	{ "interface", "of a dialer" },
	{ "peer", "another host" },
	{ "help", "all commands" },
	{ "destination", "what new tunnels are given" },
	{ "profile", "a VPDN group" },
	{ "aaa", "authentication and authorisation" },
	{ "domain-map", "of tunnels that this node starts" },
	{ "classic", "counts as in older releases" },
	{ "states", "roles, modes, the stream" },
	{ "clients", "who has something replicated" },
	{ "debug", "tell of events as they happen" },
	{ "undebug", "no longer" },
	{ "debugging", "what is told of" },
	{ "monitor", "debug lines in this session" },
	{ "no", "no longer" },
	{ "cf", "commits, snapshots, confirmations" },
	{ "error", "what went wrong" },
	{ "event", "the stream and its sync state" },
	{ "fsm", "changes of role" },
	{ "resync", "tunnels after a takeover" },
	{ "rf", "steps of a change of role" },
	{ "configure", "change the configuration in use" },
	{ "replace", "by a file" },
	{ "--dry-run", "only say what would happen" },
	{ "terminal", "of this session" },
	{ "write", "the configuration into its file" },
	{ "copy", "a configuration to another" },
	{ "startup-config", "the configuration in the file" },
	{ "enable", "begin the privileged mode" },
	{ "disable", "end the privileged mode" },
	{ "memory", "into its file" },
	{ "end", "leave configuring" },
	{ "exit", "leave" },
	{ "quit", "leave" },
	{ "logout", "leave" },
};

static const struct grammar exec_grammar = {
	.commands = commands, .stride = sizeof(commands[0]), .count = sizeof(commands) / sizeof(commands[0]),
	.args = args, .arg_count = sizeof(args) / sizeof(args[0]),
	.words = words, .word_count = sizeof(words) / sizeof(words[0]),
};

static const struct view sentence_view[] = { { VIEW_LINE, "{message}", NULL }, { VIEW_END, NULL, NULL } };

static const struct view help_row[] = {
	{ VIEW_LINE, "{syntax}", NULL },
	{ VIEW_LINE, "        {help}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view help_view[] = { { VIEW_EACH, "commands", help_row }, { VIEW_END, NULL, NULL } };

static json_t *show_help(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();
	char syntax[256];

	for (size_t i = 0; i < exec_grammar.count; i++) {
		const char *form = strstr(commands[i].g.syntax, " ~");	/* has a `no` form */

		snprintf(syntax, sizeof(syntax), "%s%.*s%s", form ? "[no] " : "",
			 form ? (int)(form - commands[i].g.syntax) : 0, commands[i].g.syntax,
			 form ? form + 2 : commands[i].g.syntax);
		json_array_append_new(list, json_pack("{s:s, s:s}", "syntax", syntax, "help", commands[i].g.help));
	}
	json_object_set_new(tree, "commands", list);
	show->view = help_view;
	return tree;
}

bool show_selected(const struct show *show, const struct group *group)
{
	const struct grammar_item *item = grammar_arg_get(show->match, "GROUP");

	return !item || !strcmp(item->text, group_name(group));
}

uint16_t show_id(const struct show *show, const char *arg)
{
	const struct grammar_item *item = grammar_arg_get(show->match, arg);

	return item ? (uint16_t)item->number : 0;
}

void show_none(struct show *show, const char *what)
{
	show->code = SHOW_NONE;
	snprintf(show->note, sizeof(show->note), "%%No %s", what);
}

void show_put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

void show_merge(json_t *object, json_t *more)
{
	json_object_update(object, more);
	json_decref(more);
}

json_t *show_sentence(struct show *show, const char *fmt, ...)
{
	json_t *tree = json_object();
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show_put(tree, "message", view_string(text));
	show->view = sentence_view;
	return tree;
}

json_t *show_nothing(struct show *show)
{
	static const struct view nothing[] = { { VIEW_END, NULL, NULL } };

	show->view = nothing;
	return json_object();
}

uint64_t show_age_ms(const struct show *show, uint64_t unix_ms)
{
	uint64_t now = show->ctx->unix_ms ? show->ctx->unix_ms() : 0;

	return unix_ms && now > unix_ms ? now - unix_ms : 0;
}

void show_each_session(struct group *group, uint16_t tunnel_id, uint16_t session_id, show_session_fn fn, void *arg)
{
	struct l2tp *l2tp = group_l2tp(group);
	struct l2tp_session_state_rec session;
	struct l2tp_tunnel_info tunnel;

	for (uint16_t t = 0; (t = l2tp_tunnel_next(l2tp, t));) {
		if (tunnel_id && t != tunnel_id)
			continue;
		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, t), &tunnel);
		for (uint16_t s = 0; (s = l2tp_session_next(l2tp, t, s));) {
			if (session_id && s != session_id)
				continue;
			l2tp_session_export(l2tp_session_find(l2tp, t, s), &session);
			fn(arg, group, &tunnel, &session);
		}
	}
}

static char *as_json(enum show_code code, const char *note, json_t *tree)
{
	json_t *out = json_pack("{s:i, s:i}", "schema_version", SHOW_SCHEMA_VERSION, "code", code);
	char *dump, *text = NULL;

	if (code != SHOW_OK && *note)
		show_put(out, "error", view_string(note));
	if (tree)
		json_object_update(out, tree);
	dump = json_dumps(out, JSON_INDENT(2));
	json_decref(out);
	if (dump && asprintf(&text, "%s\n", dump) < 0)
		text = NULL;
	free(dump);
	return text;
}

static char *as_line(const char *text)
{
	char *line;

	return asprintf(&line, "%s\n", text) < 0 ? NULL : line;
}

char *show_text(const struct show_context *ctx, enum show_code code, char *text)
{
	size_t len = text ? strlen(text) : 0;
	char *json;
	json_t *tree;

	if (!ctx->json || !text)
		return text;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	tree = json_object();
	if (code == SHOW_OK && *text)
		show_put(tree, "message", json_string(text));
	json = as_json(code, text, tree);
	json_decref(tree);
	free(text);
	return json;
}

static unsigned mode_of(const struct cli *cli)
{
	return cli && cli_level(cli) == CLI_USER ? SHOW_MODE_USER : SHOW_MODE_PRIVILEGED;
}

bool show_knows(const char *line)
{
	struct grammar_match *match = malloc(sizeof(*match));
	char error[GRAMMAR_ERROR_MAX];
	bool known = match && !grammar_match(&exec_grammar, SHOW_MODE_PRIVILEGED, line, match, error);

	free(match);
	return known;
}

/* Refused in the mode it was typed in: would another have understood it? */
static enum show_code not_understood(const char *line, unsigned mode, struct grammar_match *match, char note[GRAMMAR_ERROR_MAX])
{
	char other[GRAMMAR_ERROR_MAX];

	if (mode == SHOW_MODE_PRIVILEGED || grammar_match(&exec_grammar, SHOW_MODE_PRIVILEGED, line, match, other))
		return SHOW_USAGE;
	snprintf(note, GRAMMAR_ERROR_MAX, "%%Refused: needs the privileged mode: enable");
	return SHOW_ROLE;
}

enum show_code show_exec_in(struct show_context *ctx, struct cli *cli, const char *line, char **body)
{
	struct grammar_match *match = malloc(sizeof(*match));
	struct show show = { .ctx = ctx, .cli = cli, .match = match, .code = SHOW_OK };
	const struct exec_command *command;
	json_t *tree;
	bool json;
	int err;

	*body = NULL;
	if (!match)
		return SHOW_FAILED;
	err = grammar_match(&exec_grammar, mode_of(cli), line, match, show.note);
	if (err) {
		show.code = err == -ENODATA ? SHOW_OK : not_understood(line, mode_of(cli), match, show.note);
		*body = show_text(ctx, show.code, err == -ENODATA ? strdup("") : as_line(show.note));
		free(match);
		return show.code;
	}
	command = (const struct exec_command *)(const void *)match->command;
	json = ctx->json || grammar_has(match, "json");
	if (ctx->can_wait && command->counters && command->counters(match, json))
		show.code = SHOW_WAIT;
	else if (ctx->apart && command->grows)
		show.code = SHOW_APART;
	tree = show.code == SHOW_OK ? command->build(&show) : NULL;
	if (show.code == SHOW_PASSWORD || show.code == SHOW_WAIT || show.code == SHOW_APART)
		*body = strdup(show.note);
	else if (json)
		*body = as_json(show.code, show.note, tree);
	else if (show.code != SHOW_OK && show.note[0])
		*body = as_line(show.note);
	else if (tree)
		*body = view_render(show.view, tree);
	json_decref(tree);
	free(match);
	return *body ? show.code : SHOW_FAILED;
}

enum show_code show_exec(struct show_context *ctx, const char *line, char **body)
{
	return show_exec_in(ctx, NULL, line, body);
}

static void complete_line(void *ctx, const char *text, const char *help)
{
	fprintf(ctx, "%s\t%s\n", text, help);
}

char *show_complete_in(const struct cli *cli, const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	grammar_expect(&exec_grammar, mode_of(cli), line, complete_line, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

char *show_complete(const char *line)
{
	return show_complete_in(NULL, line);
}
