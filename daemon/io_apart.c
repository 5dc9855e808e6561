// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process of io_apart.h.  It owns nothing: every descriptor but one is
 * closed before it begins, it is the first to go when memory is short, and it
 * ends when the daemon does.  That all was done it says
 * with one octet in a pipe; the end of the pipe without it means that it died.
 * libev collects its exit status.  For io_ctl.c alone.
 */
#include "daemon/io_apart.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PIPE_FD = 3 };

struct io_apart {
	struct ev_loop *loop;
	ev_io io;
	io_apart_done_fn done;
	void *ctx;
};

static void first_to_go(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "1000", 4);
	close(fd);
}

static void __attribute__((noreturn)) work(int pipe_fd, int fd, io_apart_fn fn, void *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	/* out of the way of the numbers that are given below */
	pipe_fd = fcntl(pipe_fd, F_DUPFD, IO_APART_FD + 1);
	fd = fcntl(fd, F_DUPFD, IO_APART_FD + 1);
	if (dup2(pipe_fd, PIPE_FD) < 0 || dup2(fd, IO_APART_FD) < 0 || close_range(IO_APART_FD + 1, ~0U, 0))
		_exit(1);
	first_to_go();
	if (!fn(ctx) || write(PIPE_FD, "", 1) != 1)
		_exit(1);
	_exit(0);
}

static void on_pipe(struct ev_loop *loop, ev_io *io, int events)
{
	struct io_apart *apart = io->data;
	char octet;
	ssize_t n = read(io->fd, &octet, 1);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	apart->done(apart->ctx, n == 1);
}

struct io_apart *io_apart_new(struct ev_loop *loop, int fd, io_apart_fn fn, io_apart_done_fn done, void *ctx)
{
	struct io_apart *apart = calloc(1, sizeof(*apart));
	int ends[2], err;
	pid_t pid;

	if (!apart)
		return NULL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		err = errno;
		free(apart);
		errno = err;
		return NULL;
	}
	pid = fork();
	if (!pid)
		work(ends[1], fd, fn, ctx);
	err = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		free(apart);
		errno = err;
		return NULL;
	}
	apart->loop = loop;
	apart->done = done;
	apart->ctx = ctx;
	ev_io_init(&apart->io, on_pipe, ends[0], EV_READ);
	apart->io.data = apart;
	ev_io_start(loop, &apart->io);
	return apart;
}

void io_apart_free(struct io_apart *apart)
{
	if (!apart)
		return;
	ev_io_stop(apart->loop, &apart->io);
	close(apart->io.fd);
	free(apart);
}
