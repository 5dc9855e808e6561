/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP 1701: datagrams in and out (RFC 2661 section 8.1).
 *
 * Owns: the listening sockets and one socket per tunnel.  Called by the
 * kernel back end.
 *
 * Which socket a datagram arrives on says nothing about its tunnel: between
 * bind() and connect() a new tunnel socket gets what belongs to the listener,
 * and kernels up to 6.10 hand two tunnels with the same four-tuple each
 * other's packets.  So every datagram from every socket goes to the same
 * place with its true source and destination, and the engine finds the tunnel
 * by its ID (data, which the kernel takes, see twin.h).  That also settles the bind/connect race: what the socket got in
 * between waits in its queue and is read like the rest.
 *
 * Errors of the network (ICMP, no route, the fence) are not errors of the
 * sender: the control channel retransmits.
 */
#include "netlink/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/log.h"
#include "netlink/twin.h"

#define BATCH 64
#define DATAGRAM_MAX 4096	/* a control message is at most a few hundred octets; more is refused */
#define LISTENERS_MAX 32	/* kept over a restart */
#define LISTENER_BUFFER (4 * 1024 * 1024)

struct udp_sock {
	struct udp *u;
	struct udp_sock *next, **pprev;
	int fd;
	struct l2tp_endpoint local;	/* family and address 0 in a wildcard listener */
	struct l2tp_endpoint peer;	/* of a tunnel */
	uint16_t twin;			/* its ID, if it has a port of its own; 0: it has 1701 */
	ev_io io;
};
struct udp {
	struct ev_loop *loop;
	struct dp_events events;
	struct udp_sock *listeners, *tunnels;
	int offered[LISTENERS_MAX];	/* -1: none */
	bool apart;			/* tunnels are told apart by their sockets */
	uint8_t twins_before[65536 / 8];	/* tunnels that had a port of their own in the daemon before */
	udp_listener_fn on_listener;
	void *on_listener_ctx;
	ev_prepare batch;
	bool dirty;	/* delivered since the last batch_end */
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
	uint8_t control[BATCH][CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t data[BATCH][DATAGRAM_MAX];
};

socklen_t udp_sockaddr(struct sockaddr_storage *ss, const struct l2tp_endpoint *ep, uint16_t port)
{
	memset(ss, 0, sizeof(*ss));
	if (ep->family == 6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		memcpy(&sin6->sin6_addr, ep->addr, 16);
		return sizeof(*sin6);
	}
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	memcpy(&sin->sin_addr, ep->addr, 4);
	return sizeof(*sin);
}

bool udp_endpoint(struct l2tp_endpoint *ep, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;

	memset(ep, 0, sizeof(*ep));
	if (ss->ss_family == AF_INET) {
		ep->family = 4;
		ep->port = ntohs(sin->sin_port);
		memcpy(ep->addr, &sin->sin_addr, 4);
		return true;
	}
	if (ss->ss_family == AF_INET6) {
		ep->family = 6;
		ep->port = ntohs(sin6->sin6_port);
		memcpy(ep->addr, &sin6->sin6_addr, 16);
		return true;
	}
	return false;
}

/* ---- in -------------------------------------------------------------- */

static void true_local(struct l2tp_endpoint *local, struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->family = 4;
			memcpy(local->addr, &info.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			local->family = 6;
			memcpy(local->addr, &info.ipi6_addr, 16);
		}
	}
}

/* One batch. Returns the number of datagrams. */
static int read_batch(struct udp_sock *s)
{
	struct udp *u = s->u;
	int n, i;

	for (i = 0; i < BATCH; i++) {
		u->iov[i] = (struct iovec){ u->data[i], DATAGRAM_MAX };
		u->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &u->from[i], .msg_namelen = sizeof(u->from[i]),
			.msg_iov = &u->iov[i], .msg_iovlen = 1,
			.msg_control = u->control[i], .msg_controllen = sizeof(u->control[i]),
		};
	}
	n = recvmmsg(s->fd, u->msgs, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		/* ICMP errors are reported here once, then the queue goes on */
		if (errno != EAGAIN && errno != EINTR)
			log_debug("udp: receive: %s", strerror(errno));
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	for (i = 0; i < n; i++) {
		struct l2tp_endpoint local = s->local, peer;

		if (!udp_endpoint(&peer, &u->from[i]))
			continue;
		if (u->msgs[i].msg_hdr.msg_flags & MSG_TRUNC) {
			char text[ENDPOINT_TEXT_MAX];

			log_debug("udp: datagram of more than %u octets from %s dropped", DATAGRAM_MAX,
				  endpoint_format(&peer, true, text));
			continue;
		}
		local.port = L2TP_PORT;
		if (!local.family)
			true_local(&local, &u->msgs[i].msg_hdr);
		u->dirty = true;
		u->events.packet(u->events.ctx, &local, &peer, u->data[i], u->msgs[i].msg_len);
	}
	return n;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop, (void)revents;
	read_batch(w->data);	/* more than a batch waits for the next turn */
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct udp *u = w->data;

	(void)loop, (void)revents;
	if (!u->dirty || !u->events.batch_end)
		return;
	u->dirty = false;
	u->events.batch_end(u->events.ctx);
}

/* ---- out ------------------------------------------------------------- */

static int send_msg(int fd, const struct msghdr *msg)
{
	int try;

	/* a pending ICMP error is reported by the next send, which then did not happen */
	for (try = 0; try < 3; try++) {
		if (sendmsg(fd, msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != EINTR)
			break;
	}
	log_debug("udp: send: %s", strerror(errno));
	/* EPERM is the fence: we are mute, as intended */
	return errno == EPERM || errno == ECONNREFUSED ? 0 : -errno;
}

int udp_sock_send(struct udp_sock *s, const uint8_t *data, size_t len)
{
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return send_msg(s->fd, &msg);
}

static struct udp_sock *listener_for(struct udp *u, const struct l2tp_endpoint *local)
{
	struct udp_sock *s, *wildcard = NULL;

	for (s = u->listeners; s; s = s->next) {
		if (s->local.family && endpoint_addr_equal(&s->local, local))
			return s;
		/* the port of a wildcard listener's `local` holds its family */
		if (!s->local.family && s->local.port == local->family)
			wildcard = s;
	}
	return wildcard;
}

int udp_listener_send(struct udp *u, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	struct udp_sock *s = listener_for(u, local);
	struct sockaddr_storage to;
	struct iovec iov = { (void *)data, len };
	union {
		struct cmsghdr align;
		uint8_t buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = { 0 };
	struct msghdr msg = { .msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (!s)
		return -EADDRNOTAVAIL;
	msg.msg_namelen = udp_sockaddr(&to, peer, peer->port);
	if (s->local.family)
		return send_msg(s->fd, &msg);

	msg.msg_control = control.buf;
	if (local->family == 6) {
		struct in6_pktinfo info = { .ipi6_ifindex = 0 };

		memcpy(&info.ipi6_addr, local->addr, 16);
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(&msg);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	} else {
		struct in_pktinfo info = { .ipi_ifindex = 0 };

		memcpy(&info.ipi_spec_dst, local->addr, 4);
		msg.msg_controllen = CMSG_SPACE(sizeof(info));
		c = CMSG_FIRSTHDR(&msg);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	return send_msg(s->fd, &msg);
}

/* ---- sockets --------------------------------------------------------- */

/* port 0: the kernel chooses one. */
static int open_socket(const struct l2tp_endpoint *local, uint16_t port, bool pktinfo)
{
	struct sockaddr_storage ss;
	socklen_t len = udp_sockaddr(&ss, local, port);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, e;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		goto fail;
	if (local->family == 6) {
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0 ||
		    setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &one, sizeof(one)) < 0 ||
		    (pktinfo && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one)) < 0))
			goto fail;
	} else {
		if (setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)) < 0 ||
		    (pktinfo && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) < 0))
			goto fail;
	}
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		goto fail;
	return fd;
fail:
	e = -errno;
	close(fd);
	return e;
}

static struct udp_sock *sock_new(struct udp *u, struct udp_sock **list, int fd, const struct l2tp_endpoint *local)
{
	struct udp_sock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->u = u;
	s->fd = fd;
	s->local = *local;
	s->next = *list;
	if (s->next)
		s->next->pprev = &s->next;
	s->pprev = list;
	*list = s;
	ev_io_init(&s->io, on_readable, fd, EV_READ);
	s->io.data = s;
	ev_io_start(u->loop, &s->io);
	return s;
}

static void sock_free(struct udp_sock *s)
{
	ev_io_stop(s->u->loop, &s->io);
	close(s->fd);
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	free(s);
}

/* The port it is bound to; 0: it is not what it should be.  peer NULL: not connected. */
static uint16_t bound_to(int fd, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer)
{
	struct sockaddr_storage ss = { 0 };
	uint16_t port;
	struct l2tp_endpoint ep;
	socklen_t len = sizeof(ss);
	int type;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0 || !udp_endpoint(&ep, &ss) ||
	    ep.family != local->family || memcmp(ep.addr, local->addr, ep.family == 6 ? 16 : 4) != 0)
		return 0;
	port = ep.port;
	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_DGRAM)
		return 0;
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) < 0)
		return peer ? 0 : port;
	return peer && udp_endpoint(&ep, &ss) && endpoint_equal(&ep, peer) ? port : 0;
}

static int take_offered(struct udp *u, const struct l2tp_endpoint *local)
{
	size_t i;

	for (i = 0; i < LISTENERS_MAX; i++) {
		int fd = u->offered[i];

		if (fd < 0 || bound_to(fd, local, NULL) != L2TP_PORT)
			continue;
		u->offered[i] = -1;
		return fd;
	}
	return -1;
}

void udp_offer_listener(struct udp *u, int fd)
{
	size_t i;

	for (i = 0; i < LISTENERS_MAX; i++)
		if (u->offered[i] < 0) {
			u->offered[i] = fd;
			return;
		}
	close(fd);
}

void udp_on_listener(struct udp *u, udp_listener_fn fn, void *ctx)
{
	u->on_listener = fn;
	u->on_listener_ctx = ctx;
}

static int listen_one(struct udp *u, const struct l2tp_endpoint *local, bool wildcard)
{
	struct l2tp_endpoint ep = *local;
	int size = LISTENER_BUFFER;
	int fd = take_offered(u, local);
	bool kept = fd >= 0;

	if (!kept)
		fd = open_socket(local, L2TP_PORT, wildcard);

	if (fd < 0)
		return fd;
	/* every LAC's first packet comes here; FORCE needs CAP_NET_ADMIN, which IP_TRANSPARENT needed too */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (wildcard)
		ep = (struct l2tp_endpoint){ .family = 0, .port = local->family };
	if (!sock_new(u, &u->listeners, fd, &ep)) {
		close(fd);
		return -ENOMEM;
	}
	if (!kept && u->on_listener)
		u->on_listener(u->on_listener_ctx, fd);
	return 0;
}

int udp_listen(struct udp *u, const struct l2tp_endpoint *local)
{
	struct l2tp_endpoint any = { .family = 4 };
	int e;

	if (local->family)
		return listen_one(u, local, false);
	e = listen_one(u, &any, true);
	if (e)
		return e;
	any.family = 6;
	e = listen_one(u, &any, true);
	return e == -EAFNOSUPPORT ? 0 : e;	/* a host without IPv6 */
}

/* The kernel's data packets are made as the socket says, too. */
static int set_transport(int fd, const struct dp_tunnel *tunnel)
{
	bool six = tunnel->local.family == 6;
	int tos = tunnel->tos, one = 1;

	if (tos && (six ? setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos))
			: setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos))) < 0)
		return -errno;
	if (!tunnel->no_checksum)
		return 0;
	if (!six)
		return setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)) < 0 ? -errno : 0;
	if (setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &one, sizeof(one)) < 0)
		return -errno;
	return 0;
}

static bool has_twin(const struct udp *u, const struct dp_tunnel *tunnel)
{
	const struct udp_sock *s = u->tunnels;

	while (s && !(endpoint_equal(&s->peer, &tunnel->peer) && endpoint_addr_equal(&s->local, &tunnel->local)))
		s = s->next;
	return s;
}

/* -1 with errno set. */
static int connected(const struct dp_tunnel *tunnel, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = udp_sockaddr(&ss, &tunnel->peer, tunnel->peer.port);
	int fd = open_socket(&tunnel->local, port, false), e;

	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	e = set_transport(fd, tunnel);
	if (!e && connect(fd, (struct sockaddr *)&ss, len) < 0)
		e = -errno;
	if (!e)
		return fd;
	close(fd);
	errno = -e;
	return -1;
}

/* A port of its own; -1: there is none, or no rules to make it look like 1701. */
static int connected_apart(const struct dp_tunnel *tunnel)
{
	char local[ENDPOINT_TEXT_MAX], peer[ENDPOINT_TEXT_MAX];
	int fd = connected(tunnel, 0);

	if (fd >= 0 && !twin_add(tunnel, bound_to(fd, &tunnel->local, &tunnel->peer)))
		return fd;
	log_warnx("tunnel %u: another one has the same addresses and ports (%s, %s); on this kernel only the newest of "
		 "them hears data, an own source-ip helps", tunnel->local_id,
		 endpoint_format(&tunnel->local, true, local), endpoint_format(&tunnel->peer, true, peer));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool was_twin(struct udp *u, uint16_t id)
{
	bool was = u->twins_before[id / 8] & 1 << id % 8;

	u->twins_before[id / 8] &= (uint8_t)~(1 << id % 8);
	return was;
}

struct udp_sock *udp_connect(struct udp *u, const struct dp_tunnel *tunnel)
{
	int fd = u->apart && has_twin(u, tunnel) ? connected_apart(tunnel) : -1;
	bool twin = fd >= 0;
	struct udp_sock *s;

	if (was_twin(u, tunnel->local_id) && !twin)
		twin_remove(tunnel->local_id);
	if (!twin)
		fd = connected(tunnel, L2TP_PORT);
	if (fd < 0)
		return NULL;
	s = sock_new(u, &u->tunnels, fd, &tunnel->local);
	if (!s) {
		close(fd);
		if (twin)
			twin_remove(tunnel->local_id);
		errno = ENOMEM;
		return NULL;
	}
	s->peer = tunnel->peer;
	s->twin = twin ? tunnel->local_id : 0;
	return s;
}

struct udp_sock *udp_adopt(struct udp *u, const struct dp_tunnel *tunnel, int fd)
{
	uint16_t port = bound_to(fd, &tunnel->local, &tunnel->peer);
	bool twin = was_twin(u, tunnel->local_id) && port != L2TP_PORT;
	struct udp_sock *s = NULL;

	if (port != L2TP_PORT && !twin) {
		errno = EBADF;
	} else {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		s = sock_new(u, &u->tunnels, fd, &tunnel->local);
		if (!s)
			errno = ENOMEM;
	}
	if (!s) {
		close(fd);
		return NULL;
	}
	s->peer = tunnel->peer;
	s->twin = twin ? tunnel->local_id : 0;
	return s;
}

int udp_fd(const struct udp_sock *s)
{
	return s->fd;
}

void udp_close(struct udp_sock *s)
{
	struct udp *u = s->u;

	/* another tunnel's packets may be among them */
	ev_io_stop(u->loop, &s->io);
	while (read_batch(s) == BATCH)
		;
	udp_drop(s);
}

void udp_drop(struct udp_sock *s)
{
	if (s->twin)
		twin_remove(s->twin);
	sock_free(s);
}

static void on_twin(void *ctx, uint16_t tunnel_id)
{
	struct udp *u = ctx;

	u->twins_before[tunnel_id / 8] |= (uint8_t)(1 << tunnel_id % 8);
}

void udp_set_apart(struct udp *u, bool apart)
{
	u->apart = apart;
	if (apart)
		twin_each(on_twin, u);
}

struct udp *udp_new(struct ev_loop *loop, const struct dp_events *events)
{
	struct udp *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->loop = loop;
	u->events = *events;
	memset(u->offered, -1, sizeof(u->offered));
	udp_set_apart(u, twin_matters());
	ev_prepare_init(&u->batch, on_prepare);
	/* before the netlink queues, so that what a batch asks for is sent in the same turn */
	ev_set_priority(&u->batch, EV_MAXPRI);
	u->batch.data = u;
	ev_prepare_start(loop, &u->batch);
	return u;
}

void udp_free(struct udp *u)
{
	size_t i;

	if (!u)
		return;
	for (i = 0; i < LISTENERS_MAX; i++)
		if (u->offered[i] >= 0)
			close(u->offered[i]);
	while (u->listeners)
		sock_free(u->listeners);
	while (u->tunnels)
		sock_free(u->tunnels);
	ev_prepare_stop(u->loop, &u->batch);
	free(u);
}
