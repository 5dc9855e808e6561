/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a unix stream socket that l2tpctl and programs talk to.
 *
 * Request, one line of at most IO_CTL_LINE_MAX octets:
 *	exec LINE		run a line: a command, or a line of the configuration
 *	json LINE		the same, and the answer is JSON whatever it is
	complete LINE		what may follow LINE: "word TAB help" lines
 *	shell			a person types (cli.h); answers the prompt
 *	prompt			what a shell shows before the next line
 *	password TEXT		the answer to code 401
 * Reply: "CODE LENGTH\n" and LENGTH octets.  Codes: enum show_code.
 * A connection is a session: it has a mode, which ends with it.
 * Any number of requests on a connection, answered in order.  What is not a
 * request is answered with one line and the connection is closed.
 */
#ifndef L2TPHA_DAEMON_IO_CTL_H
#define L2TPHA_DAEMON_IO_CTL_H

#include "daemon/show.h"

#define IO_CTL_LINE_MAX 1100

struct ev_loop;
struct io_ctl;

/* `show` must outlive it. NULL: errno. A socket that a dead daemon left is replaced, one that answers is not. */
struct io_ctl *io_ctl_new(struct ev_loop *loop, const char *path, struct show_context *show);
void io_ctl_free(struct io_ctl *ctl);

#endif
