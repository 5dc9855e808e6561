/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AF_PPPOX sockets of PPP over L2TP.
 *
 * Owns nothing.  Called by the kernel back end, after the session was made by
 * netlink.  What pppd does with the socket (PPPIOCGCHAN and on) is not done
 * here: it sleeps for a grace period.
 */
#include "netlink/pppox.h"

#include <errno.h>
#include <netinet/in.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_pppox.h>

#include "netlink/udp.h"

extern char **environ;

/* Both families have the same members, at other offsets. */
#define FILL(to)									\
	do {										\
		(to).sa_family = AF_PPPOX;						\
		(to).sa_protocol = PX_PROTO_OL2TP;					\
		(to).pppol2tp.fd = tunnel_fd;						\
		(to).pppol2tp.s_tunnel = s->tunnel_id;					\
		(to).pppol2tp.s_session = s->local_id;					\
		(to).pppol2tp.d_tunnel = s->peer_tunnel_id;				\
		(to).pppol2tp.d_session = s->peer_id;					\
		memcpy(&(to).pppol2tp.addr, &peer, sizeof((to).pppol2tp.addr));		\
	} while (0)

int pppox_open(const struct dp_session *s, int tunnel_fd)
{
	int fd = socket(AF_PPPOX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, PX_PROTO_OL2TP);
	struct sockaddr_storage peer;
	union {
		struct sockaddr sa;
		struct sockaddr_pppol2tp v4;
		struct sockaddr_pppol2tpin6 v6;
	} to;
	socklen_t len;
	int e;

	if (fd < 0)
		return -errno;
	memset(&to, 0, sizeof(to));
	udp_sockaddr(&peer, &s->peer, s->peer.port);
	if (s->peer.family == 6) {
		FILL(to.v6);
		len = sizeof(to.v6);
	} else {
		FILL(to.v4);
		len = sizeof(to.v4);
	}
	if (connect(fd, &to.sa, len) < 0) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

bool pppox_is(int fd, const struct dp_session *s)
{
	union {
		struct sockaddr sa;
		struct sockaddr_pppol2tp v4;
		struct sockaddr_pppol2tpin6 v6;
		uint8_t room[128];
	} at;
	socklen_t len = sizeof(at);

	memset(&at, 0, sizeof(at));
	if (getsockname(fd, &at.sa, &len) < 0 || at.sa.sa_family != AF_PPPOX)
		return false;
	if (s->peer.family == 6)
		return len == sizeof(at.v6) && at.v6.sa_protocol == PX_PROTO_OL2TP &&
		       at.v6.pppol2tp.s_tunnel == s->tunnel_id && at.v6.pppol2tp.s_session == s->local_id;
	return len == sizeof(at.v4) && at.v4.sa_protocol == PX_PROTO_OL2TP &&
	       at.v4.pppol2tp.s_tunnel == s->tunnel_id && at.v4.pppol2tp.s_session == s->local_id;
}

static int try_socket(void)
{
	int fd = socket(AF_PPPOX, SOCK_DGRAM | SOCK_CLOEXEC, PX_PROTO_OL2TP);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int pppox_available(void)
{
	char *argv[] = { "modprobe", "-q", "l2tp_ppp", NULL };
	int e = try_socket(), status;
	pid_t pid;

	/* the kernel has tried the module's aliases; distributions may have blacklisted these */
	if (e != -EAFNOSUPPORT && e != -EPROTONOSUPPORT)
		return e;
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return e;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return try_socket();
}
