// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sockets of the load generator: one UDP socket for each tunnel, with a
 * source address or port of its own. Reads and writes many datagrams by one
 * system call. Called by loadlac.c (read, flush) and loadlac_session.c (send).
 *
 * The sockets are not connected: an answer from another address than the one
 * called is counted, not hidden.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadlac.h"

#define BATCH 64
#define DATAGRAM 2048

struct batch {
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	union ll_addr from[BATCH];
	uint8_t bytes[BATCH][DATAGRAM];
	unsigned n;
	int fd;
};

struct ll_link {
	struct batch out, in;
};

int ll_link_init(struct ll *ll)
{
	ll->link = calloc(1, sizeof(*ll->link));
	return ll->link ? 0 : -ENOMEM;
}

void ll_link_free(struct ll *ll)
{
	free(ll->link);
}

static socklen_t addr_len(const union ll_addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

/* The port is at the same place in both. */
static void addr_set_port(union ll_addr *a, unsigned port)
{
	a->in.sin_port = htons((uint16_t)port);
}

/* The nth address from there on. */
static void addr_add(union ll_addr *a, uint32_t n)
{
	uint32_t last;
	void *at = a->sa.sa_family == AF_INET6 ? (void *)&a->in6.sin6_addr.s6_addr[12] : (void *)&a->in.sin_addr;

	memcpy(&last, at, sizeof(last));
	last = htonl(ntohl(last) + n);
	memcpy(at, &last, sizeof(last));
}

static bool addr_same(const union ll_addr *a, const union ll_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr));
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

int ll_link_open(struct ll_tunnel *t)
{
	const struct ll_options *o = &t->ll->opt;
	union ll_addr sa = o->local;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = t };
	int size = 4 << 20, one = 1;

	t->fd = socket(o->lns.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return -errno;
	setsockopt(t->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (setsockopt(t->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (sa.sa.sa_family)
		addr_add(&sa, t->index % o->addresses);
	else
		sa.sa.sa_family = o->lns.sa.sa_family;
	if (o->source_port)
		addr_set_port(&sa, o->source_port + t->index / o->addresses);
	if (bind(t->fd, &sa.sa, addr_len(&sa)) ||
	    epoll_ctl(t->ll->epoll_fd, EPOLL_CTL_ADD, t->fd, &ev))
		return -errno;
	return 0;
}

void ll_link_flush(struct ll *ll)
{
	struct batch *out = &ll->link->out;
	unsigned done = 0;
	int n;

	while (done < out->n) {
		n = sendmmsg(out->fd, out->msg + done, out->n - done, 0);
		if (n > 0) {
			done += (unsigned)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		ll->tx_errors++; /* unreachable, queue full: lost like on a wire */
		done++;
	}
	out->n = 0;
}

void ll_link_send(struct ll_tunnel *t, const uint8_t *bytes, size_t len)
{
	struct ll *ll = t->ll;
	struct batch *out = &ll->link->out;
	union ll_addr *to;
	unsigned i;

	if (ll->link_cut || len > DATAGRAM) {
		ll->tx_cut++;
		return;
	}
	if (out->n == BATCH || (out->n && out->fd != t->fd))
		ll_link_flush(ll);
	i = out->n++;
	out->fd = t->fd;
	to = &out->from[i];
	*to = ll->opt.lns;
	addr_set_port(to, ll->opt.lns_port);
	memcpy(out->bytes[i], bytes, len);
	out->iov[i].iov_base = out->bytes[i];
	out->iov[i].iov_len = len;
	memset(&out->msg[i], 0, sizeof(out->msg[i]));
	out->msg[i].msg_hdr.msg_name = to;
	out->msg[i].msg_hdr.msg_namelen = addr_len(to);
	out->msg[i].msg_hdr.msg_iov = &out->iov[i];
	out->msg[i].msg_hdr.msg_iovlen = 1;
	ll->tx++;
}

static void take(struct ll_tunnel *t, const union ll_addr *from, const uint8_t *bytes,
		 size_t len)
{
	struct ll *ll = t->ll;
	char text[128], addr[INET6_ADDRSTRLEN];

	if (ll->link_cut) {
		ll->rx_cut++;
		return;
	}
	if (!addr_same(from, &ll->opt.lns) || from->in.sin_port != htons(ll->opt.lns_port)) {
		ll->foreign++;
		inet_ntop(from->sa.sa_family,
			  from->sa.sa_family == AF_INET6 ? (const void *)&from->in6.sin6_addr : (const void *)&from->in.sin_addr,
			  addr, sizeof(addr));
		snprintf(text, sizeof(text), "datagram from %s:%u, which was not called", addr,
			 ntohs(from->in.sin_port));
		ll_text_add(&ll->violations, text);
		return;
	}
	ll->rx++;
	ll_tunnel_input(t, bytes, len);
}

void ll_link_read(struct ll_tunnel *t)
{
	struct batch *in = &t->ll->link->in;
	unsigned i, rounds = 4; /* then the others have their turn */
	int n;

	do {
		for (i = 0; i < BATCH; i++) {
			in->iov[i].iov_base = in->bytes[i];
			in->iov[i].iov_len = DATAGRAM;
			memset(&in->msg[i], 0, sizeof(in->msg[i]));
			in->msg[i].msg_hdr.msg_name = &in->from[i];
			in->msg[i].msg_hdr.msg_namelen = sizeof(in->from[i]);
			in->msg[i].msg_hdr.msg_iov = &in->iov[i];
			in->msg[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(t->fd, in->msg, BATCH, MSG_DONTWAIT, NULL);
		for (i = 0; n > 0 && i < (unsigned)n; i++)
			take(t, &in->from[i], in->bytes[i], in->msg[i].msg_len);
	} while (n == BATCH && --rounds);
	ll_tunnel_rearm(t);
}
