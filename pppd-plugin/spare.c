/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that were forked before there is a session for them.
 *
 * To fork a pppd and to let it fault in what it writes to costs more than half
 * of what a session costs in all; the kernel's own part is the smaller one.  A
 * daemon that sees a takeover coming says how many sessions there may be, and
 * gets that work done while it still waits for the last word on its peer.
 * Each spare hangs on a socket of its own and becomes the session of the START
 * that arrives there.  Those nobody asked for end after a while, and all of
 * them with the zygote: the other end of their socket is closed then.
 *
 * Called by zygote.c only.
 */
#include "pppd-plugin/plugin.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SPARES_MAX	1024
#define KEPT_MS		15000

#ifndef MADV_POPULATE_READ		/* Linux 5.14 */
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

struct spare {
	pid_t pid;
	int fd;
};

static struct {
	struct spare *list;
	size_t count, wanted;
	int64_t until_ms;
} spares;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void spares_want(unsigned int count)
{
	if (!spares.list)
		spares.list = calloc(SPARES_MAX, sizeof(*spares.list));
	if (!spares.list)
		return;
	spares.wanted = count < SPARES_MAX ? count : SPARES_MAX;
	spares.until_ms = now_ms() + KEPT_MS;
}

int spares_timeout_ms(void)
{
	int64_t left = spares.until_ms - now_ms();

	if (spares.count < spares.wanted)
		return 0;
	if (!spares.count)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* In a child: the other ends are the zygote's. */
void spares_forget(void)
{
	while (spares.count)
		close(spares.list[--spares.count].fd);
	free(spares.list);
	spares.list = NULL;
	spares.wanted = 0;
}

static void drop(size_t i)
{
	close(spares.list[i].fd);
	spares.list[i] = spares.list[--spares.count];
}

void spares_reaped(pid_t pid)
{
	size_t i;

	for (i = 0; i < spares.count; i++)
		if (spares.list[i].pid == pid) {
			drop(i);
			return;
		}
}

/* The new process gets its socket, everybody else -1. */
int spares_tend(void)
{
	int sv[2];
	pid_t pid;

	if (now_ms() >= spares.until_ms) {
		spares.wanted = 0;
		while (spares.count)
			drop(spares.count - 1);
		return -1;
	}
	if (spares.count >= spares.wanted)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		spares.wanted = 0;
		return -1;
	}
	pid = fork();
	if (!pid) {
		close(sv[0]);
		return sv[1];
	}
	close(sv[1]);
	if (pid < 0) {
		close(sv[0]);
		spares.wanted = 0;	/* these have to do */
		return -1;
	}
	spares.list[spares.count++] = (struct spare){ pid, sv[0] };
	return -1;
}

pid_t spares_give(const uint8_t *buf, size_t len, const int *fds, size_t n_fds)
{
	pid_t pid;
	int err;

	/* what is used up is not made again: there is work to do now */
	spares.wanted = 0;
	while (spares.count) {
		pid = spares.list[0].pid;
		err = proto_send(spares.list[0].fd, buf, len, fds, n_fds);
		drop(0);
		if (err >= 0)
			return pid;
	}
	return 0;
}

static void populate(const char *line, const char *perms, const char *path)
{
	static const char *const used[] = { "/pppd", "/l2tpha.so", "/libc.so", "/ld-linux", "[heap]", "[stack]" };
	unsigned long from = strtoul(line, NULL, 16);
	const char *dash = strchr(line, '-');
	unsigned long to = dash ? strtoul(dash + 1, NULL, 16) : 0;
	size_t i;

	if (perms[0] != 'r' || to <= from)
		return;
	/* without a name: what belongs to the file before it, or came from malloc */
	for (i = 0; *path && i < sizeof(used) / sizeof(used[0]); i++)
		if (strstr(path, used[i]))
			break;
	if (i < sizeof(used) / sizeof(used[0]))
		madvise((void *)from, to - from, perms[1] == 'w' ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

/* What a session will touch, it touches now.  An older kernel leaves it for later. */
void spare_warm_up(void)
{
	char line[512], perms[8], path[400];
	FILE *f = fopen("/proc/self/maps", "re");

	while (f && fgets(line, sizeof(line), f)) {
		path[0] = 0;
		if (sscanf(line, "%*s %7s %*s %*s %*s %399s", perms, path) >= 1)
			populate(line, perms, path);
	}
	if (f)
		fclose(f);
}
