// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions of the command line (cli.h): levels, the password between them,
 * prompts, and the commands about the session and the configuration's file.
 * Lines of the configuration go to cli_config.c, all others to show.c.
 */
#include "daemon/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_change.h"
#include "daemon/log.h"

enum { PASSWORD_TRIES = 3 };

struct cli {
	struct show_context *ctx;
	enum cli_level level;
	bool trusted;
	unsigned tries;			/* wrong passwords in a row */
	bool monitor;
	bool asked;			/* the next thing heard is a password */
	struct cli_config *config;	/* CLI_CONFIG */
};

/* `enable secret` is stronger than `enable password`; empty: there is none. */
static const char *password_of(const struct config *config)
{
	return config->enable_secret[0] ? config->enable_secret : config->enable_password;
}

struct cli *cli_new(struct show_context *ctx, bool trusted)
{
	struct cli *cli = calloc(1, sizeof(*cli));

	if (!cli)
		return NULL;
	cli->ctx = ctx;
	cli->trusted = trusted;
	cli->level = trusted || !password_of(ctx->config)[0] ? CLI_PRIVILEGED : CLI_USER;
	return cli;
}

static void configure_leave(struct cli *cli)
{
	if (!cli->config)
		return;
	cli_config_free(cli->config);
	cli->config = NULL;
	cli->ctx->configuring = NULL;
	cli->level = CLI_PRIVILEGED;
}

void cli_free(struct cli *cli)
{
	if (!cli)
		return;
	configure_leave(cli);
	free(cli);
}

void cli_shell(struct cli *cli)
{
	configure_leave(cli);
	cli->level = CLI_USER;
}

enum cli_level cli_level(const struct cli *cli)
{
	return cli->level;
}

bool cli_trusted(const struct cli *cli)
{
	return cli->trusted;
}

bool cli_monitor(const struct cli *cli)
{
	return cli->monitor;
}

void cli_monitor_set(struct cli *cli, bool on)
{
	cli->monitor = on;
}

char *cli_prompt(const struct cli *cli)
{
	const char *mode = "> ";
	char *text;

	if (cli->level == CLI_PRIVILEGED)
		mode = "# ";
	else if (cli->level == CLI_CONFIG)
		mode = cli_config_prompt(cli->config);
	return asprintf(&text, "%s%s", cli->ctx->config->hostname, mode) < 0 ? NULL : text;
}

/* ---- lines -------------------------------------------------------------- */


enum show_code cli_exec(struct cli *cli, const char *line, char **body)
{
	enum show_code code;
	bool leave = false;

	cli->asked = false;
	if (cli->level != CLI_CONFIG)
		return show_exec_in(cli->ctx, cli, line, body);
	line += strspn(line, " \t");
	if (!strncasecmp(line, "do ", 3))
		return show_exec_in(cli->ctx, cli, line + 3, body);
	code = cli_config_line(cli->config, cli->ctx, line, body, &leave);
	if (leave)
		configure_leave(cli);
	*body = show_text(cli->ctx, code, *body);
	return code;
}

static bool equal(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned char differs = n != m;

	for (size_t i = 0; i < n && m; i++)	/* takes as long whatever is wrong */
		differs |= (unsigned char)(a[i] ^ b[i % m]);
	return !differs;
}

enum show_code cli_password(struct cli *cli, const char *text, char **body)
{
	bool asked = cli->asked;

	cli->asked = false;
	if (!asked || cli->level != CLI_USER) {
		*body = strdup("%Refused: no password was asked for\n");
		return SHOW_ROLE;
	}
	if (equal(text, password_of(cli->ctx->config))) {
		cli->tries = 0;
		cli->level = CLI_PRIVILEGED;
		*body = strdup("");
		return SHOW_OK;
	}
	log_warnx("control socket: wrong password for the privileged mode");
	if (++cli->tries % PASSWORD_TRIES) {
		cli->asked = true;
		*body = strdup("Password: ");
		return SHOW_PASSWORD;
	}
	*body = strdup("%Bad passwords\n");
	return SHOW_ROLE;
}

char *cli_complete(const struct cli *cli, const char *line)
{
	if (cli->level == CLI_CONFIG && strncasecmp(line, "do ", 3))
		return cli_config_complete(cli->config, line);
	return show_complete_in(cli, cli->level == CLI_CONFIG ? line + 3 : line);
}

/* ---- commands about the session ----------------------------------------- */

static json_t *refused(struct show *show, const char *why)
{
	show->code = SHOW_ROLE;
	snprintf(show->note, sizeof(show->note), "%%Refused: %s", why);
	return NULL;
}

json_t *show_enable(struct show *show)
{
	struct cli *cli = show->cli;

	if (!cli || cli->level != CLI_USER)
		return show_nothing(show);
	if (cli->trusted || !password_of(show->ctx->config)[0]) {
		cli->level = CLI_PRIVILEGED;
		return show_nothing(show);
	}
	cli->asked = true;
	show->code = SHOW_PASSWORD;
	snprintf(show->note, sizeof(show->note), "Password: ");
	return NULL;
}

json_t *show_disable(struct show *show)
{
	if (show->cli)
		show->cli->level = CLI_USER;
	return show_nothing(show);
}

json_t *show_exit(struct show *show)
{
	show->code = SHOW_BYE;
	return show_nothing(show);
}

json_t *show_end(struct show *show)
{
	return show_nothing(show);
}

json_t *show_configure(struct show *show)
{
	struct cli *cli = show->cli;

	if (!cli)
		return refused(show, "only in a session");
	if (cli->ctx->configuring && cli->ctx->configuring != cli)
		return refused(show, "another session is configuring");
	cli->config = cli->config ? cli->config : cli_config_new(cli->ctx);
	if (!cli->config)
		return refused(show, "out of memory");
	cli->ctx->configuring = cli;
	cli->level = CLI_CONFIG;
	return show_sentence(show, "Enter configuration commands, one per line.  End with end.");
}

/* ---- the configuration's file ------------------------------------------- */

json_t *show_write(struct show *show)
{
	char *text = config_print(show->ctx->config, CONFIG_PRINT_SECRETS), error[256] = "out of memory";
	json_t *tree = NULL;

	if (!show->ctx->save)
		refused(show, "this daemon has no file");
	else if (!text || show->ctx->save(show->ctx->path, text, error)) {
		show->code = SHOW_FAILED;
		snprintf(show->note, sizeof(show->note), "%%Not written: %.230s", error);
	} else {
		log_info("configuration written to %s", show->ctx->path);
		tree = show_lines(show, "Building configuration...\n[OK]\n");
	}
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return tree;
}

static struct config *startup_load(struct show *show)
{
	char error[256] = "";
	struct config *config;

	if (!show->ctx->load) {
		refused(show, "this daemon has no file");
		return NULL;
	}
	config = show->ctx->load(show->ctx->path, error);
	if (!config) {
		show->code = SHOW_FAILED;
		snprintf(show->note, sizeof(show->note), "%%%.250s", error);
	}
	return config;
}

json_t *show_reload(struct show *show)
{
	struct config *next;
	char *notes = NULL, why[256] = "";
	json_t *tree;

	if (show->ctx->configuring)
		return refused(show, "a session is configuring");
	next = startup_load(show);
	if (!next)
		return NULL;
	if (cli_config_apply(show->ctx, next, CLI_APPLY_ALL, &notes, why))
		return refused(show, why);
	tree = show_lines(show, notes && *notes ? notes : "%Nothing to change");
	free(notes);
	return tree;
}

json_t *show_startup_config(struct show *show)
{
	struct config *config = startup_load(show);
	json_t *tree;

	if (!config)
		return NULL;
	tree = show_config_tree(show, config, false);
	config_free(config);
	return tree;
}
