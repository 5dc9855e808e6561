// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * l2tpctl(1): a client of the control socket and nothing else.  It knows no
 * command; what is a command, and what completes one, the daemon says.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "l2tpctl/client.h"
#include "l2tpctl/filter.h"

#define SOCKET_PATH "/run/l2tpha/l2tphad.sock"

static void usage(FILE *to)
{
	fprintf(to, "usage: l2tpctl [-jV] [-s socket] [command ...]\n"
		    "       l2tpctl [-s socket] complete LINE\n"
		    "  -s socket  of the daemon (" SOCKET_PATH ")\n"
		    "  -j         every answer is JSON\n"
		    "  -V         version\n"
		    "Without a command: a shell; `?` lists what may follow.\n");
}

/* Without an echo on a terminal; from a pipe it is the next line. Free it. */
static char *password_read(const char *prompt)
{
	bool terminal = isatty(STDIN_FILENO);
	struct termios was, quiet;
	char *text = NULL;
	size_t size = 0;

	if (terminal && !tcgetattr(STDIN_FILENO, &was)) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fputs(prompt, stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	if (getline(&text, &size, stdin) < 0) {
		free(text);
		text = NULL;
	}
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputc('\n', stderr);
	}
	if (text)
		text[strcspn(text, "\r\n")] = '\0';
	return text;
}

/* Code 401 until the daemon is content or gives up. */
static bool password_answer(struct client *client, struct client_reply *reply, char error[256])
{
	while (reply->code == 401) {
		char *text = password_read(reply->body);
		bool sent;

		free(reply->body);
		reply->body = NULL;
		if (!text) {
			snprintf(error, 256, "no password was given");
			return false;
		}
		sent = client_request(client, "password", text, reply, error);
		explicit_bzero(text, strlen(text));
		free(text);
		if (!sent)
			return false;
	}
	return true;
}

int line_run(struct client *client, const char *line, bool json)
{
	struct filter filter = { FILTER_NONE };
	struct client_reply reply;
	char error[256] = "out of memory", *request;
	const char *verb;
	FILE *out;
	int status;

	if (strpbrk(line, "\r\n")) {
		fprintf(stderr, "l2tpctl: a command is one line\n");
		return CLIENT_EXIT_USAGE;
	}
	request = strdup(line);
	if (!request || !filter_take(request, &filter, error)) {
		fprintf(stderr, "%s\n", error);
		free(request);
		return CLIENT_EXIT_USAGE;
	}
	verb = json || filter.op == FILTER_JSON ? "json" : "exec";
	if (!client_request(client, verb, request, &reply, error) || !password_answer(client, &reply, error)) {
		fprintf(stderr, "l2tpctl: %s\n", error);
		free(request);
		filter_free(&filter);
		return CLIENT_EXIT_UNREACHABLE;
	}
	free(request);
	status = (int)client_exit_status(reply.code);
	out = status == CLIENT_EXIT_OK || status == CLIENT_EXIT_BYE || reply.body[0] == '{' ? stdout : stderr;
	if (out == stdout)
		filter_print(&filter, reply.body, out);
	else
		fputs(reply.body, out);
	fflush(out);
	free(reply.body);
	filter_free(&filter);
	return status;
}

/* `show ?`, as a command: what may follow, with its help. */
static int help(struct client *client, char *line)
{
	struct client_reply reply;
	char error[256];

	line[strlen(line) - 1] = '\0';
	if (!client_request(client, "complete", line, &reply, error)) {
		fprintf(stderr, "l2tpctl: %s\n", error);
		return CLIENT_EXIT_UNREACHABLE;
	}
	list_print(reply.body);
	free(reply.body);
	return CLIENT_EXIT_OK;
}

static bool asks_for_help(const char *line)
{
	size_t len = strlen(line);

	return len && line[len - 1] == '?' && (len == 1 || line[len - 2] == ' ');
}

/* Words that may follow, one a line: for the shell's own completion. */
static int complete(struct client *client, const char *line)
{
	struct client_reply reply;
	char error[256], *rest, *word;

	if (!client_request(client, "complete", line, &reply, error))
		return CLIENT_EXIT_UNREACHABLE;
	rest = reply.body;
	while ((word = strsep(&rest, "\n"))) {
		word[strcspn(word, "\t")] = '\0';
		if (*word && *word != '<')
			puts(word);
	}
	free(reply.body);
	return CLIENT_EXIT_OK;
}

/* A word as the grammar reads it: quoted if the caller's shell had to. */
static void put_word(FILE *out, const char *word)
{
	if (*word && *word != '"' && !strpbrk(word, " \t")) {
		fputs(word, out);
		return;
	}
	fputc('"', out);
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			fputc('\\', out);
		fputc(*word, out);
	}
	fputc('"', out);
}

static char *joined(char **words, int count, bool quote)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (int i = 0; i < count; i++) {
		if (i)
			fputc(' ', out);
		if (quote && count > 1)
			put_word(out, words[i]);
		else
			fputs(words[i], out);
	}
	return fclose(out) ? NULL : text;
}

/* A file named from where the caller stands: the daemon stands elsewhere. */
static char *absolute(const char *path)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0), *full = NULL;

	if (*path == '/')
		return strdup(path);
	if (here && asprintf(&full, "%s/%s", here, path) < 0)
		full = NULL;
	free(here);
	return full;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct client client = { .path = SOCKET_PATH, .fd = -1 };
	bool json = false, completing;
	char *line;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "+s:jVh", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			client.path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'V':
			puts("l2tpctl " L2TPHA_VERSION);
			return CLIENT_EXIT_OK;
		case 'h':
			usage(stdout);
			return CLIENT_EXIT_OK;
		default:
			usage(stderr);
			return CLIENT_EXIT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (!argc) {
		status = shell_run(&client, json);
		client_close(&client);
		return status;
	}
	completing = !strcmp(argv[0], "complete");
	if (argc > 2 && !completing && !strncmp(argv[0], "conf", 4) && !strncmp(argv[1], "rep", 3))
		argv[2] = absolute(argv[2]);
	line = argc > 2 && !argv[2] ? NULL : joined(argv + completing, argc - completing, !completing);
	if (!line) {
		fprintf(stderr, "l2tpctl: out of memory\n");
		return CLIENT_EXIT_USAGE;
	}
	if (completing)
		status = complete(&client, line);
	else
		status = asks_for_help(line) ? help(&client, line) : line_run(&client, line, json);
	while (!completing && status == CLIENT_EXIT_OK && !strncmp(line, "terminal mon", 12) && client_listen(&client))
		;
	free(line);
	client_close(&client);
	return status == CLIENT_EXIT_BYE ? CLIENT_EXIT_OK : status;
}
