// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Speaks the control protocol: a line out, "CODE LENGTH" and a body back.
 * Blocking, with a time limit: a daemon that does not answer is unreachable.
 */
#include "l2tpctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_S = 15, BODY_MAX = 256 << 20, CODE_UNASKED = 100 };

void client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static bool client_connect(struct client *client, char error[256])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = TIMEOUT_S };

	if (strlen(client->path) >= sizeof(addr.sun_path)) {
		snprintf(error, 256, "%.200s: %s", client->path, strerror(ENAMETOOLONG));
		return false;
	}
	strcpy(addr.sun_path, client->path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(client->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		snprintf(error, 256, "%.150s: %s: is l2tphad running?", client->path, strerror(errno));
		client_close(client);
		return false;
	}
	return true;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool recv_all(int fd, char *data, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, data, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool frame_read(int fd, struct client_reply *reply)
{
	char head[32];
	size_t n = 0;
	long len;
	char *end;

	do {
		if (n == sizeof(head) - 1 || !recv_all(fd, &head[n], 1))
			return false;
	} while (head[n++] != '\n');
	head[n - 1] = '\0';
	reply->code = (int)strtol(head, &end, 10);
	len = strtol(end, &end, 10);
	errno = EPROTO;
	if (*end || len < 0 || len > BODY_MAX)
		return false;
	reply->body = malloc((size_t)len + 1);
	if (!reply->body)
		return false;
	reply->body[len] = '\0';
	if (recv_all(fd, reply->body, (size_t)len))
		return true;
	free(reply->body);
	reply->body = NULL;
	return false;
}

/* The next frame, or the reply with all that was said unasked before it printed. */
static bool reply_read(int fd, struct client_reply *reply, bool one)
{
	for (;;) {
		if (!frame_read(fd, reply))
			return false;
		if (reply->code != CODE_UNASKED)
			return true;
		fputs(reply->body, stdout);
		fflush(stdout);
		free(reply->body);
		reply->body = NULL;
		if (one)
			return true;
	}
}

bool client_listen(struct client *client)
{
	struct client_reply reply = { 0 };

	struct pollfd wait = { .fd = client->fd, .events = POLLIN };

	if (client->fd < 0)
		return false;
	while (poll(&wait, 1, -1) < 0 && errno == EINTR)
		;
	if (reply_read(client->fd, &reply, true)) {
		free(reply.body);
		return true;
	}
	client_close(client);
	return false;
}

bool client_request(struct client *client, const char *verb, const char *line, struct client_reply *reply,
		    char error[256])
{
	char *text;
	int len = asprintf(&text, "%s %s\n", verb, line);
	bool fresh = false;

	memset(reply, 0, sizeof(*reply));
	if (len < 0) {
		snprintf(error, 256, "out of memory");
		return false;
	}
	for (;;) {
		if (client->fd < 0) {
			fresh = true;
			if (!client_connect(client, error))
				break;
		}
		if (send_all(client->fd, text, (size_t)len) && reply_read(client->fd, reply, false)) {
			free(text);
			return true;
		}
		snprintf(error, 256, "%.150s: no answer: %s", client->path,
			 errno == EAGAIN ? "timed out" : strerror(errno));
		client_close(client);
		/* the daemon was restarted since the last command; nothing but completion is asked twice */
		if (fresh || strcmp(verb, "complete"))
			break;
	}
	free(text);
	return false;
}

enum client_exit client_exit_status(int code)
{
	switch (code) {
	case 200:
		return CLIENT_EXIT_OK;
	case 205:
		return CLIENT_EXIT_BYE;
	case 404:
		return CLIENT_EXIT_NONE;
	case 400:
		return CLIENT_EXIT_USAGE;
	case 403:
		return CLIENT_EXIT_ROLE;
	}
	return CLIENT_EXIT_UNREACHABLE;
}
