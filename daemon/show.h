/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exec commands: one line in, one reply out.  A show builds one JSON tree
 * (show_*.c); its text is made from that tree by a template (view.h).  Pure:
 * the clock is injected.
 */
#ifndef L2TPHA_DAEMON_SHOW_H
#define L2TPHA_DAEMON_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/grammar.h"
#include "daemon/group.h"
#include "daemon/view.h"

#define SHOW_SCHEMA_VERSION 1
#define SHOW_MODE_USER 1u		/* looking only */
#define SHOW_MODE_PRIVILEGED 2u

struct cli;
struct debug;

struct show_context {
	struct group **groups;
	size_t group_count;
	struct config *config;		/* running; `configure terminal` changes it */
	uint64_t (*now_ms)(void);	/* monotonic */
	uint64_t (*unix_ms)(void);	/* wall clock; NULL: io_ctl_new() fills it in */
	uint64_t started_ms;		/* 0: io_ctl_new() fills it in */
	struct pool_set *pools;		/* NULL: `show ip local pool` says so */
	/* the configuration's file; NULL: there is none */
	const char *path;
	struct config *(*load)(const char *path, char error[256]);
	int (*save)(const char *path, const char *text, char error[256]);
	struct cli *configuring;	/* one at a time */
	struct debug *debug;		/* NULL: none */
	bool can_wait;			/* a command may answer SHOW_WAIT, and is then run again, once counters are read */
	bool json;			/* every answer is an object, the refusal of a line, too */
	bool apart;			/* one may answer SHOW_APART, and is then run again in another process */
};

/* Also the reply codes of the control protocol. */
enum show_code {
	SHOW_WAIT = 0,		/* nobody sees it: see can_wait */
	SHOW_APART = 1,		/* nor this: it would take as long as there are sessions */
	SHOW_OK = 200,
	SHOW_BYE = 205,		/* the session is over */
	SHOW_USAGE = 400,	/* the line was refused */
	SHOW_PASSWORD = 401,	/* the body is what to ask */
	SHOW_ROLE = 403,	/* refused by role or state */
	SHOW_NONE = 404,	/* nothing matched */
	SHOW_FAILED = 500,
};

/* Runs a line. *body is the caller's to free; never NULL unless memory ran out. */
enum show_code show_exec(struct show_context *ctx, const char *line, char **body);

/* The same of a session (cli.h), which says what is allowed. */
enum show_code show_exec_in(struct show_context *ctx, struct cli *cli, const char *line, char **body);
/* It is a command, whoever may run it. */
bool show_knows(const char *line);
char *show_complete_in(const struct cli *cli, const char *line);

/* A text that is no command's, as the answer to a line: what was refused, or a remark. Takes `text`. */
char *show_text(const struct show_context *ctx, enum show_code code, char *text);

/* What may follow `line`: one "word<TAB>help" a line (grammar_expect()). The caller frees it. */
char *show_complete(const char *line);

/* ---- between show.c and show_*.c ---- */
struct show {
	struct show_context *ctx;
	struct cli *cli;		/* NULL: none, everything is allowed */
	const struct grammar_match *match;
	enum show_code code;
	const struct view *view;	/* set by the builder */
	char note[256];			/* with a code other than SHOW_OK: what to say */
};
typedef json_t *(*show_fn)(struct show *show);

json_t *show_l2tp_redundancy(struct show *show);
json_t *show_redundancy(struct show *show);
json_t *show_fitness(struct show *show);
json_t *show_tunnels(struct show *show);
json_t *show_sessions(struct show *show);
bool show_sessions_counters(const struct grammar_match *match, bool json);
json_t *show_pppoe(struct show *show);
json_t *show_multihop(struct show *show);
json_t *show_history(struct show *show);
json_t *show_running_config(struct show *show);
json_t *show_version(struct show *show);
json_t *show_pools(struct show *show);
json_t *show_counters(struct show *show);
json_t *show_promote(struct show *show);
json_t *show_demote(struct show *show);
json_t *show_switchover(struct show *show);
/* show_line.c: the access line, an empty object if nothing is known of it; how it is printed */
json_t *show_line_json(const struct l2tp_session *session);
extern const struct view show_line_view[];
/* show_drain.c */
json_t *show_drain(struct show *show);
json_t *show_drained(struct show *show);
json_t *show_clear_tunnel(struct show *show);
json_t *show_clear_session(struct show *show);
/* The method of a tunnel, and how its last resync went. */
json_t *show_resync_json(const struct l2tp_tunnel_info *tunnel);
/* show_states.c */
json_t *show_redundancy_part(struct show *show);
json_t *show_switchovers_json(const struct show *show, struct group *group);
/* show_dial.c */
json_t *show_dialers(struct show *show);
json_t *show_dead_cache(struct show *show);
json_t *show_clear_dead_cache(struct show *show);
/* show_profile.c */
json_t *show_l2tp(struct show *show);
json_t *show_profiles(struct show *show);
json_t *show_domain_map(struct show *show);
/* show_debug.c */
json_t *show_debug(struct show *show);
json_t *show_undebug(struct show *show);
json_t *show_debugging(struct show *show);
json_t *show_monitor(struct show *show);
/* cli.c */
json_t *show_enable(struct show *show);
json_t *show_disable(struct show *show);
json_t *show_exit(struct show *show);
json_t *show_end(struct show *show);
json_t *show_configure(struct show *show);
json_t *show_write(struct show *show);
json_t *show_reload(struct show *show);
json_t *show_startup_config(struct show *show);
/* cli_replace.c */
json_t *show_replace(struct show *show);

/* A tree of the lines of a text; of a configuration. */
json_t *show_lines(struct show *show, const char *text);
json_t *show_config_tree(struct show *show, const struct config *config, bool all);
/* A tree of nothing, for commands that succeed silently. */
json_t *show_nothing(struct show *show);

/* `group GROUP` was not given, or is this one. */
bool show_selected(const struct show *show, const struct group *group);
/* Argument as a number; 0 if it was not given. */
uint16_t show_id(const struct show *show, const char *arg);
/* "LABEL" of `id T [S]` filters: nothing of that ID here. */
void show_none(struct show *show, const char *what);
/* A tree of one text, for commands that only answer in a sentence. */
json_t *show_sentence(struct show *show, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Moves `value` (may be NULL) into `object`. */
void show_put(json_t *object, const char *key, json_t *value);
/* Moves the fields of `more` into `object`. */
void show_merge(json_t *object, json_t *more);
uint64_t show_age_ms(const struct show *show, uint64_t unix_ms);

/* Each session of a group in ID order. */
typedef void (*show_session_fn)(void *arg, struct group *group, const struct l2tp_tunnel_info *tunnel,
				const struct l2tp_session_state_rec *session);
void show_each_session(struct group *group, uint16_t tunnel_id, uint16_t session_id, show_session_fn fn, void *arg);

#endif
