/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that takes as long as there are sessions, done by a process of its own
 * on a copy of everything as it is now: the daemon goes on meanwhile.
 */
#ifndef L2TPHA_DAEMON_IO_APART_H
#define L2TPHA_DAEMON_IO_APART_H

#include <stdbool.h>

struct ev_loop;
struct io_apart;

enum { IO_APART_FD = 4 };

/* In the other process; IO_APART_FD, a copy of `fd`, is all it has of ours. True: all was done. */
typedef bool (*io_apart_fn)(void *ctx);
/* Here, once it is gone. */
typedef void (*io_apart_done_fn)(void *ctx, bool all);

/* NULL: errno, and nothing runs. */
struct io_apart *io_apart_new(struct ev_loop *loop, int fd, io_apart_fn fn, io_apart_done_fn done, void *ctx);
/* `done` is not called, if it was not; the process comes to its end. From `done`, too. */
void io_apart_free(struct io_apart *apart);

#endif
