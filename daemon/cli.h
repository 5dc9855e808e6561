/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the command line: one for each client of the control socket.
 * It knows how much its user may do and in which mode a line is read.
 *
 *	Router>			looking only (a shell begins here)
 *	Router#			everything; the password, if there is one, stands between
 *	Router(config)#		lines are the configuration's, tried on a copy
 *
 * A line that leaves a configuration which fits together is in force at once.
 * One that does not (a group that is not finished) waits in the copy, and
 * `end` is refused until it fits or `abort` throws it away.  One session at a
 * time configures.  Pure: files are behind the two functions of the context.
 */
#ifndef L2TPHA_DAEMON_CLI_H
#define L2TPHA_DAEMON_CLI_H

#include "daemon/show.h"

struct cli;

enum cli_level { CLI_USER, CLI_PRIVILEGED, CLI_CONFIG };

/* `trusted`: needs no password (the superuser). Not a shell: begins privileged if it may be. NULL: no memory. */
struct cli *cli_new(struct show_context *ctx, bool trusted);
void cli_free(struct cli *cli);
/* A person types: begins where IOS begins. */
void cli_shell(struct cli *cli);
/* *body as of show_exec(). */
enum show_code cli_exec(struct cli *cli, const char *line, char **body);
/* The answer to SHOW_PASSWORD. */
enum show_code cli_password(struct cli *cli, const char *text, char **body);
char *cli_complete(const struct cli *cli, const char *line);
/* "lns-a(config-vpdn)# " */
char *cli_prompt(const struct cli *cli);
enum cli_level cli_level(const struct cli *cli);
bool cli_trusted(const struct cli *cli);
/* Hears debug lines. */
bool cli_monitor(const struct cli *cli);
void cli_monitor_set(struct cli *cli, bool on);

/* ---- between cli.c and cli_config.c ---- */
struct cli_config;
struct cli_config *cli_config_new(struct show_context *ctx);
void cli_config_free(struct cli_config *config);
/* *leave: the mode is over. */
enum show_code cli_config_line(struct cli_config *config, struct show_context *ctx, const char *line, char **body, bool *leave);
const char *cli_config_prompt(const struct cli_config *config);
char *cli_config_complete(const struct cli_config *config, const char *line);
/*
 * Puts `next` in force and frees it, or refuses it: -EPERM, and `why` says
 * which change.  *notes (may be NULL) is told what changes leave as it is.
 */
enum cli_apply {
	CLI_APPLY_ALL = 1,	/* *notes is told all changes */
	CLI_APPLY_DRY = 2,	/* nothing is put in force */
};
int cli_config_apply(struct show_context *ctx, struct config *next, unsigned how, char **notes, char why[256]);

#endif
