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
	struct sockaddr_in from[BATCH];
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

int ll_link_open(struct ll_tunnel *t)
{
	const struct ll_options *o = &t->ll->opt;
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = t };
	int size = 4 << 20, one = 1;

	t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return -errno;
	setsockopt(t->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (setsockopt(t->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (o->local.s_addr)
		sa.sin_addr.s_addr = htonl(ntohl(o->local.s_addr) + t->index % o->addresses);
	if (o->source_port)
		sa.sin_port = htons((uint16_t)(o->source_port + t->index / o->addresses));
	if (bind(t->fd, (struct sockaddr *)&sa, sizeof(sa)) ||
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
	struct sockaddr_in *to;
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
	to->sin_family = AF_INET;
	to->sin_addr = ll->opt.lns;
	to->sin_port = htons(ll->opt.lns_port);
	memcpy(out->bytes[i], bytes, len);
	out->iov[i].iov_base = out->bytes[i];
	out->iov[i].iov_len = len;
	memset(&out->msg[i], 0, sizeof(out->msg[i]));
	out->msg[i].msg_hdr.msg_name = to;
	out->msg[i].msg_hdr.msg_namelen = sizeof(*to);
	out->msg[i].msg_hdr.msg_iov = &out->iov[i];
	out->msg[i].msg_hdr.msg_iovlen = 1;
	ll->tx++;
}

static void take(struct ll_tunnel *t, const struct sockaddr_in *from, const uint8_t *bytes,
		 size_t len)
{
	struct ll *ll = t->ll;
	char text[128], addr[INET_ADDRSTRLEN];

	if (ll->link_cut) {
		ll->rx_cut++;
		return;
	}
	if (from->sin_addr.s_addr != ll->opt.lns.s_addr ||
	    from->sin_port != htons(ll->opt.lns_port)) {
		ll->foreign++;
		inet_ntop(AF_INET, &from->sin_addr, addr, sizeof(addr));
		snprintf(text, sizeof(text), "datagram from %s:%u, which was not called", addr,
			 ntohs(from->sin_port));
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
