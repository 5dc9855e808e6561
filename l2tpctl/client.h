/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket seen from the client (the protocol: daemon/io_ctl.h).
 */
#ifndef L2TPHA_L2TPCTL_CLIENT_H
#define L2TPHA_L2TPCTL_CLIENT_H

#include <stdbool.h>

enum client_exit {		/* l2tpctl(1), EXIT STATUS */
	CLIENT_EXIT_BYE = -1,	/* not a status: the session is over, all is well */
	CLIENT_EXIT_OK = 0,
	CLIENT_EXIT_NONE = 1,
	CLIENT_EXIT_USAGE = 2,
	CLIENT_EXIT_UNREACHABLE = 3,
	CLIENT_EXIT_ROLE = 4,
};

struct client {
	const char *path;
	int fd;			/* -1: not connected */
};

struct client_reply {
	int code;
	char *body;		/* NUL-terminated; free it */
};

/*
 * One request, connecting if need be.  `verb` is one of daemon/io_ctl.h.
 * False: the daemon cannot be reached; `error` says why.
 */
bool client_request(struct client *client, const char *verb, const char *line, struct client_reply *reply,
		    char error[256]);
void client_close(struct client *client);
/* Prints what the daemon said without being asked (terminal monitor). False: it is gone. */
bool client_listen(struct client *client);
enum client_exit client_exit_status(int code);

/* The interactive shell, until end of file or `exit` (shell.c). */
int shell_run(struct client *client, bool json);
/* What may follow, of the answer to `complete`: a word and its help a line. Takes `list` apart. */
void list_print(char *list);
/* Runs one line and prints its reply, asking for a password if the daemon does. */
int line_run(struct client *client, const char *line, bool json);

#endif
