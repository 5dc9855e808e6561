/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams of the plugin protocol on a socket, with file descriptors.  Used
 * by both sides; sockets are non-blocking or the caller means to wait.
 */
#include "pppd-plugin/proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_control {
	struct cmsghdr align;
	char space[CMSG_SPACE(PROTO_FDS_MAX * sizeof(int))];
};

int proto_send(int sock, const uint8_t *buf, size_t len, const int *fds,
	       size_t n_fds)
{
	union fd_control control = { 0 };
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (n_fds > PROTO_FDS_MAX)
		return -EINVAL;
	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

int proto_recv(int sock, uint8_t *buf, size_t size, int *fds, size_t *n_fds)
{
	union fd_control control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	size_t got = 0, i;
	int in[PROTO_FDS_MAX];
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n_fds)
		*n_fds = 0;
	if (n < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(in, CMSG_DATA(c), got * sizeof(int));
	}
	if (fds && n_fds && n > 0 && !(msg.msg_flags & MSG_TRUNC)) {
		memcpy(fds, in, got * sizeof(int));
		*n_fds = got;
	} else {
		for (i = 0; i < got; i++)
			close(in[i]);
	}
	if (msg.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	return n;
}
