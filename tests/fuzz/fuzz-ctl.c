// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any octets on the control socket, in pieces of any size: the protocol of
 * daemon/io_ctl.h over a real socket.  What comes back is replies and nothing
 * else, "CODE LENGTH\n" and so many octets; the socket serves the next client,
 * and what is configured in the end fits together.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/debug.h"
#include "daemon/io_ctl.h"
#include "daemon/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REPLIES_MAX (4u << 20)

static const char start[] = "hostname lns\nvpdn enable\nip local pool P 10.0.0.2 10.0.0.99\nusername u password p\n"
			    "interface virtual-template 1\n ip address 10.0.0.1\n peer default ip address pool P\n"
			    "vpdn-group G\n accept-dialin\n  protocol l2tp\n  virtual-template 1\n"
			    " l2tp tunnel password s\n";

static void must(bool condition)
{
	if (!condition)
		abort();
}

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

static struct config *load(const char *path, char error[256])
{
	return config_parse(path, start, error);
}

static void no_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void turns(struct ev_loop *loop, int n)
{
	while (n--)
		ev_run(loop, EVRUN_NOWAIT);
}

/* What there is to read is read; false: the other end has closed. */
static bool drain(int fd, char *replies, size_t *len)
{
	ssize_t n;

	while ((n = recv(fd, replies + *len, REPLIES_MAX - *len, MSG_DONTWAIT)) > 0)
		*len += (size_t)n;
	must(*len < REPLIES_MAX);
	return n < 0 && errno == EAGAIN;
}

/* `closed`: nothing more will come, the last one is whole. */
static void check_replies(const char *replies, size_t len, bool closed)
{
	size_t at = 0;

	while (at < len) {
		const char *end = memchr(replies + at, '\n', len - at);
		unsigned code, octets;

		if (!end) {
			must(!closed);
			return;
		}
		must(isdigit((unsigned char)replies[at]) && sscanf(replies + at, "%u %u\n", &code, &octets) == 2);
		must(code >= 100 && code < 1000);
		at = (size_t)(end - replies) + 1 + octets;
		must(at <= len || !closed);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64], *replies;
	static struct ev_loop *loop;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct debug debug = { 0 };
	struct show_context context = { .now_ms = now, .path = "start", .load = load, .save = save, .debug = &debug };
	char error[256] = "";
	struct io_ctl *ctl;
	bool open = true, closed;
	size_t len = 0;
	int fd;

	if (!loop) {
		loop = ev_loop_new(EVFLAG_AUTO);
		replies = malloc(REPLIES_MAX);
		snprintf(path, sizeof(path), "/tmp/l2tpha-fuzz-ctl.%d", (int)getpid());
		log_set_sink(no_log, NULL, LOG_LEVEL_INFO);
	}
	context.config = load("start", error);
	must(context.config && replies);
	ctl = io_ctl_new(loop, path, &context);
	context.apart = false;	/* a fuzzer is one process */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	must(ctl && fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	turns(loop, 2);
	while (open && size) {
		size_t piece = data[0] % 64 + 1u;

		data++;
		size--;
		piece = piece < size ? piece : size;
		if (piece && send(fd, data, piece, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			open = false;
		data += piece;
		size -= piece;
		turns(loop, 2);
		open = drain(fd, replies, &len) && open;
	}
	turns(loop, 4);
	closed = !drain(fd, replies, &len);
	check_replies(replies, len, closed);
	close(fd);
	turns(loop, 2);
	must(!config_check(context.config, error));
	io_ctl_free(ctl);
	config_free(context.config);
	unlink(path);
	return 0;
}
