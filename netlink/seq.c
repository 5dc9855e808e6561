/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data sequence numbers after a takeover (RFC 2661 section 5.4).
 *
 * Owns: the sessions that wait for their first packet, the packet sockets that
 * see it.  Called by the kernel back end.
 *
 * A new session takes the number of the first packet that comes, but only if it
 * is one of 0 to 32766: what is further ahead counts as old, and is dropped
 * until the peer's numbers have wrapped.  No interface sets what it expects; a
 * packet does.  So when the first one of the peer is seen to be outside, packets
 * are sent to our own socket as if the peer had sent them: one to the edge of
 * the window, and from there six in a row, which is what this kernel wants to
 * see before it believes in a gap.  It does so only without a time after which
 * gaps are given up, so that is taken away meanwhile.  The packets carry LCP
 * Discard-Requests, which every PPP drops; all but two of them go no further
 * than the session.
 *
 * The other direction has no such remedy: what we send begins with 0, and a
 * peer of the same kind is deaf until it has reached where we were.
 */
#include "netlink/seq.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>
#include <uthash.h>

#include "daemon/log.h"
#include "netlink/genl.h"
#include "netlink/seqnum.h"
#include "netlink/udp.h"
#include "netlink/worker.h"

#define SNAP 128

enum watch_state {
	WATCH_WAITING,
	WATCH_MOVING,
};
struct watch {
	uint32_t key;		/* tunnel, session */
	enum watch_state state;
	struct dp_session conf;
	uint16_t peer;
	struct seqs *q;
	UT_hash_handle hh;
};
struct tap {
	struct seqs *q;
	int fd;			/* -1: nobody waits for anything */
	ev_io io;
};
struct seqs {
	struct ev_loop *loop;
	struct genl *genl;
	struct worker *worker;
	struct watch *watches;
	struct tap taps[2];	/* IPv4, IPv6 */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* ---- as the peer would ----------------------------------------------- */

static int as_peer(const struct watch *w)
{
	struct sockaddr_storage local, peer;
	socklen_t len = udp_sockaddr(&peer, &w->conf.peer, w->conf.peer.port);
	int one = 1, v6 = w->conf.peer.family == 6, fd, probe;

	udp_sockaddr(&local, &w->conf.local, 0);
	/* only to ourselves: the address must be here */
	probe = socket(local.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	if (bind(probe, (struct sockaddr *)&local, len) < 0) {
		close(probe);
		return -EADDRNOTAVAIL;
	}
	close(probe);
	udp_sockaddr(&local, &w->conf.local, L2TP_PORT);
	fd = socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&peer, len) < 0 || connect(fd, (struct sockaddr *)&local, len) < 0) {
		int e = -errno;

		close(fd);
		return e;
	}
	return fd;
}

static void move(const struct watch *w)
{
	uint16_t steps[SEQ_STEPS], t = w->conf.tunnel_id, s = w->conf.local_id;
	size_t n = seq_steps(w->peer, steps), i;
	int fd = as_peer(w);

	for (i = 0; fd >= 0 && i < n; i++) {
		const uint8_t packet[] = { 0x08, 2, (uint8_t)(t >> 8), (uint8_t)t, (uint8_t)(s >> 8), (uint8_t)s,
					   (uint8_t)(steps[i] >> 8), (uint8_t)steps[i], 0, 0,
					   0xff, 3, 0xc0, 0x21, 11, (uint8_t)i, 0, 8, 0, 0, 0, 0 };

		if (send(fd, packet, sizeof(packet), 0) < 0)
			break;
	}
	if (fd < 0 || i < n)
		log_warnx("session %u/%u: its peer's data is at number %u, where this kernel takes none, and cannot be helped: %s",
			  t, s, w->peer, strerror(fd < 0 ? -fd : errno));
	else
		log_info("session %u/%u: sequenced data goes on from number %u", t, s, w->peer);
	if (fd >= 0)
		close(fd);
}

/* ---- watching -------------------------------------------------------- */

static struct watch *find(struct seqs *q, uint16_t tunnel_id, uint16_t session_id)
{
	uint32_t key = (uint32_t)tunnel_id << 16 | session_id;
	struct watch *w;

	HASH_FIND(hh, q->watches, &key, sizeof(key), w);
	return w;
}

static void tap_close(struct tap *t)
{
	if (t->fd < 0)
		return;
	ev_io_stop(t->q->loop, &t->io);
	worker_close(t->q->worker, t->fd);	/* it waits for a grace period */
	t->fd = -1;
}

static void forget(struct watch *w)
{
	struct seqs *q = w->q;

	HASH_DEL(q->watches, w);
	free(w);
	if (q->watches)
		return;
	tap_close(&q->taps[0]);
	tap_close(&q->taps[1]);
}

static void on_moved(void *arg, int error)
{
	struct watch *w = arg;

	if (!error)
		move(w);
	else
		log_warnx("session %u/%u: what it does with gaps cannot be changed: %s", w->conf.tunnel_id, w->conf.local_id,
			  strerror(-error));
	genl_session_modify(w->q->genl, &w->conf, w->conf.recv_timeout_ms, NULL, NULL);
	forget(w);
}

/* The first packet of a session. */
static void seen(struct watch *w, uint16_t number)
{
	uint16_t steps[SEQ_STEPS];

	if (w->state != WATCH_WAITING)
		return;
	w->state = WATCH_MOVING;
	w->peer = number;
	if (!seq_steps(number, steps) || genl_session_modify(w->q->genl, &w->conf, 0, on_moved, w))
		forget(w);
}

static void packet(struct seqs *q, const uint8_t *data, size_t len, bool v6)
{
	size_t header = v6 ? 48 : (size_t)(data[0] & 15) * 4 + 8;
	uint16_t tunnel_id, session_id;
	struct watch *w;
	int number;

	if (len < header)
		return;
	number = seq_of(data + header, len - header, &tunnel_id, &session_id);
	w = number < 0 ? NULL : find(q, tunnel_id, session_id);
	if (w && !memcmp(data + (v6 ? 8 : 12), w->conf.peer.addr, v6 ? 16 : 4) &&
	    get16(data + header - 8) == w->conf.peer.port)
		seen(w, (uint16_t)number);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct tap *t = io->data;
	struct seqs *q = t->q;
	struct sockaddr_ll from = { 0 };
	uint8_t data[SNAP];

	(void)loop, (void)revents;
	for (unsigned n = 0; n < 64 && t->fd >= 0; n++) {
		socklen_t fromlen = sizeof(from);
		ssize_t len = recvfrom(t->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &fromlen);

		if (len <= 0)
			return;
		if (from.sll_pkttype == PACKET_HOST)
			packet(q, data, (size_t)len, t == &q->taps[1]);
	}
}

static void tap_open(struct tap *t, bool v6)
{
	/* UDP to our port, not a later fragment; an L2TPv2 data header with the S bit */
	struct sock_filter v4_code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 9),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 7, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, L2TP_PORT, 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 8),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x880f),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0802, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6_code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, L2TP_PORT, 0, 4),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 48),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x880f),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0802, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog v4_filter = { sizeof(v4_code) / sizeof(v4_code[0]), v4_code };
	struct sock_fprog v6_filter = { sizeof(v6_code) / sizeof(v6_code[0]), v6_code };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP) };

	if (t->fd >= 0)
		return;
	t->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0 ||
	    setsockopt(t->fd, SOL_SOCKET, SO_ATTACH_FILTER, v6 ? &v6_filter : &v4_filter, sizeof(v4_filter)) < 0 ||
	    bind(t->fd, (struct sockaddr *)&ll, sizeof(ll)) < 0) {
		log_warnx("sequenced data cannot be watched: %s", strerror(errno));
		if (t->fd >= 0)
			close(t->fd);
		t->fd = -1;
		return;
	}
	ev_io_init(&t->io, on_readable, t->fd, EV_READ);
	t->io.data = t;
	ev_io_start(t->q->loop, &t->io);
}

void seqs_watch(struct seqs *q, const struct dp_session *session)
{
	struct watch *w = find(q, session->tunnel_id, session->local_id);

	if (w || !(w = calloc(1, sizeof(*w))))
		return;
	w->q = q;
	w->conf = *session;
	w->key = (uint32_t)session->tunnel_id << 16 | session->local_id;
	HASH_ADD(hh, q->watches, key, sizeof(w->key), w);
	tap_open(&q->taps[session->peer.family == 6], session->peer.family == 6);
}

void seqs_forget(struct seqs *q, uint16_t tunnel_id, uint16_t session_id)
{
	struct watch *w = find(q, tunnel_id, session_id);

	if (w && w->state == WATCH_WAITING)
		forget(w);
}

/* ---- life ------------------------------------------------------------ */

struct seqs *seqs_new(struct ev_loop *loop, struct genl *genl, struct worker *worker)
{
	struct seqs *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->loop = loop;
	q->genl = genl;
	q->worker = worker;
	q->taps[0] = q->taps[1] = (struct tap){ .q = q, .fd = -1 };
	return q;
}

void seqs_free(struct seqs *q)
{
	struct watch *w, *tmp;

	if (!q)
		return;
	HASH_ITER(hh, q->watches, w, tmp)
		forget(w);
	free(q);
}
