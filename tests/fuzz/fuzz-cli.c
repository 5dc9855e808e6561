// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any lines typed in a session: each is answered, and what is configured in
 * the end fits together whatever was typed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/debug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now(void)
{
	return 1000;
}

static int save(const char *path, const char *text, char error[256])
{
	(void)path;
	(void)text;
	(void)error;
	return 0;
}

static struct config *start(const char *path, char error[256])
{
	static const char text[] = "hostname lns\nvpdn enable\nip local pool P 10.0.0.2 10.0.0.99\nusername u password p\n"
				   "interface virtual-template 1\n ip address 10.0.0.1\n peer default ip address pool P\n"
				   "vpdn-group G\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"
				   " l2tp tunnel password s\n";

	return config_parse(path, text, error);
}

static void line_run(struct cli *cli, const char *line)
{
	char *body = NULL, *prompt = cli_prompt(cli), *words = cli_complete(cli, line);

	if (!prompt || !words)
		abort();
	free(prompt);
	free(words);
	if (cli_exec(cli, line, &body) == SHOW_PASSWORD) {
		free(body);
		cli_password(cli, line, &body);
	}
	if (!body)
		abort();
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct debug debug = { 0 };
	struct show_context context = { .now_ms = now, .path = "start", .load = start, .save = save, .debug = &debug };
	char error[256], *text = malloc(size + 1), *rest = text, *line;
	struct cli *cli;

	context.config = start("start", error);
	cli = cli_new(&context, size & 1);
	if (!text || !context.config || !cli)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (size & 2)
		cli_shell(cli);
	else
		line_run(cli, "configure terminal");
	while ((line = strsep(&rest, "\n"))) {
		line_run(cli, line);
		if (config_check(context.config, error))
			abort();
	}
	cli_free(cli);
	config_free(context.config);
	free(text);
	return 0;
}
