// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interactive shell on libedit: the daemon says the prompt, TAB completes,
 * `?` says what may follow.  All ask the daemon, whose grammar is the only one.
 */
#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "l2tpctl/client.h"

struct shell {
	struct client *client;
	bool json;
	char prompt[80];
	History *history;
};

static struct shell *shell_of(EditLine *el)
{
	void *data = NULL;

	el_get(el, EL_CLIENTDATA, &data);
	return data;
}

static char *prompt(EditLine *el)
{
	return shell_of(el)->prompt;
}

/* What may follow the line up to the cursor; NULL after having said why not. */
static char *ask(EditLine *el)
{
	const LineInfo *info = el_line(el);
	struct client_reply reply;
	char line[1024], error[256];

	snprintf(line, sizeof(line), "%.*s", (int)(info->cursor - info->buffer), info->buffer);
	if (client_request(shell_of(el)->client, "complete", line, &reply, error))
		return reply.body;
	printf("\n%s\n", error);
	return NULL;
}

void list_print(char *list)
{
	char *line;

	while ((line = strsep(&list, "\n"))) {
		char *help = strchr(line, '\t');

		if (!help)
			continue;
		*help++ = '\0';
		printf("  %-18s %s\n", line, help);
	}
}

static unsigned char on_help(EditLine *el, int ch)
{
	char *list = ask(el);

	(void)ch;
	putchar('\n');
	if (list)
		list_print(list);
	free(list);
	return CC_REDISPLAY;
}

/* The word under the cursor grows by what all candidates have in common. */
static unsigned char on_complete(EditLine *el, int ch)
{
	const LineInfo *info = el_line(el);
	const char *start = info->cursor;
	char *list = ask(el), *copy, *rest, *line, common[128] = "";
	size_t typed, count = 0;

	(void)ch;
	if (!list)
		return CC_REDISPLAY;
	while (start > info->buffer && !isspace((unsigned char)start[-1]))
		start--;
	typed = (size_t)(info->cursor - start);
	copy = rest = strdup(list);
	while (rest && (line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, "\t");

		if (!n || *line == '<')
			continue;
		if (!count++)
			snprintf(common, sizeof(common), "%.*s", (int)n, line);
		for (size_t i = 0; common[i]; i++)
			if (i >= n || common[i] != line[i])
				common[i] = '\0';
	}
	free(copy);
	if (strlen(common) > typed || count == 1) {
		el_insertstr(el, common + (strlen(common) < typed ? strlen(common) : typed));
		if (count == 1)
			el_insertstr(el, " ");
		free(list);
		return CC_REFRESH;
	}
	putchar('\n');
	list_print(list);
	free(list);
	return CC_REDISPLAY;
}

/* The daemon decides what leaves; if it is gone, these do. */
static bool leaving(const char *line)
{
	return !strcmp(line, "exit") || !strcmp(line, "quit") || !strcmp(line, "logout");
}

/* `verb` is shell, which begins a session as a person's, or prompt. */
static void prompt_set(struct shell *shell, const char *verb)
{
	struct client_reply reply;
	char error[256];

	snprintf(shell->prompt, sizeof(shell->prompt), "l2tpctl> ");
	if (!client_request(shell->client, verb, "", &reply, error))
		return;
	snprintf(shell->prompt, sizeof(shell->prompt), "%s", reply.body);
	free(reply.body);
}

/* Waits for a key; what the daemon says in the meantime is printed. */
static int get_char(EditLine *el, wchar_t *c)
{
	struct shell *shell = shell_of(el);
	bool said = false;

	for (;;) {
		struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN },
					{ .fd = shell->client->fd, .events = POLLIN } };
		unsigned char byte;
		ssize_t n;

		if (poll(fds, 2, -1) < 0) {
			if (errno != EINTR)
				return -1;
			continue;
		}
		if (fds[1].revents) {
			if (!said)
				putchar('\n');
			said = true;
			client_listen(shell->client);
			continue;
		}
		if (!fds[0].revents)
			continue;
		if (said)
			el_set(el, EL_REFRESH);
		n = read(STDIN_FILENO, &byte, 1);
		*c = byte;
		return (int)n;
	}
}

static char *trimmed(char *line)
{
	size_t len;

	while (isspace((unsigned char)*line))
		line++;
	len = strlen(line);
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

/* Commands from a file or a pipe: the first that fails ends it. */
static int batch_run(struct shell *shell)
{
	char *buf = NULL;
	size_t size = 0;
	int status = CLIENT_EXIT_OK;

	while (status == CLIENT_EXIT_OK && getline(&buf, &size, stdin) >= 0) {
		char *line = trimmed(buf);

		if (*line)
			status = line_run(shell->client, line, shell->json);
	}
	free(buf);
	return status == CLIENT_EXIT_BYE ? CLIENT_EXIT_OK : status;
}

static int interactive_run(struct shell *shell)
{
	EditLine *el = el_init("l2tpctl", stdin, stdout, stderr);
	const char *typed;
	HistEvent event;
	int count, status = CLIENT_EXIT_OK;
	bool over = false;

	if (!el)
		return CLIENT_EXIT_USAGE;
	shell->history = history_init();
	if (shell->history) {
		history(shell->history, &event, H_SETSIZE, 200);
		el_set(el, EL_HIST, history, shell->history);
	}
	el_set(el, EL_CLIENTDATA, shell);
	el_set(el, EL_PROMPT, prompt);
	el_set(el, EL_EDITOR, "emacs");
	el_set(el, EL_SIGNAL, 1);
	el_set(el, EL_ADDFN, "ctl-complete", "complete the word", on_complete);
	el_set(el, EL_ADDFN, "ctl-help", "what may follow", on_help);
	el_set(el, EL_BIND, "\t", "ctl-complete", NULL);
	el_set(el, EL_BIND, "?", "ctl-help", NULL);
	el_set(el, EL_GETCFN, get_char);
	prompt_set(shell, "shell");
	while ((typed = el_gets(el, &count)) && count > 0) {
		char *copy = strdup(typed), *line;

		if (!copy)
			break;
		line = trimmed(copy);
		if (*line) {
			if (shell->history)
				history(shell->history, &event, H_ENTER, line);
			status = line_run(shell->client, line, shell->json);
			over = status == CLIENT_EXIT_BYE || (status == CLIENT_EXIT_UNREACHABLE && leaving(line));
			if (!over)
				prompt_set(shell, status == CLIENT_EXIT_UNREACHABLE ? "shell" : "prompt");
		}
		free(copy);
		if (over)
			break;
	}
	if (!typed)
		putchar('\n');
	if (shell->history)
		history_end(shell->history);
	el_end(el);
	return CLIENT_EXIT_OK;
}

int shell_run(struct client *client, bool json)
{
	struct shell shell = { .client = client, .json = json };

	return isatty(STDIN_FILENO) ? interactive_run(&shell) : batch_run(&shell);
}
