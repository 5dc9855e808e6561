// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a takeover does to sequenced data.  A session is new in this kernel; the
 * peer goes on where it is.  Measured: how many of its packets are lost, by the
 * kernel alone and with what netlink/seq.c does about it; and what becomes of
 * ours, which begin with 0, at a peer of the same kind.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/lab/dp-driver.h"

#define PACKETS 40
#define PORT 30800

/* A tunnel to the peer, by IPv4 or IPv6. */
struct line {
	struct dp_tunnel tunnel;
	const char *to;		/* our address */
	int fd;			/* the peer's socket */
};

static void send_frame(const struct line *l, uint16_t sid, uint16_t ns)
{
	uint16_t tid = l->tunnel.local_id;
	const uint8_t packet[] = { 0x08, 2, (uint8_t)(tid >> 8), (uint8_t)tid, (uint8_t)(sid >> 8), (uint8_t)sid,
				   (uint8_t)(ns >> 8), (uint8_t)ns, 0, 0,
				   0xff, 3, 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4 };	/* an LCP Echo-Request */

	peer_send_to(l->fd, l->to, packet, sizeof(packet));
}

/* Echo-Requests that arrived; what else did is not of the peer. */
static unsigned frames(int channel)
{
	uint8_t frame[1600];
	unsigned n = 0;
	ssize_t len;

	while ((len = read(channel, frame, sizeof(frame))) > 0)
		n += len > 2 && frame[0] == 0xc0 && frame[1] == 0x21 && frame[2] == 9;
	return n;
}

static struct dp_session session_conf(const struct line *l, uint16_t sid, bool watched)
{
	const struct dp_tunnel *t = &l->tunnel;

	/* what bears numbers is looked at whether they are wanted or not; only who wants them is helped */
	return (struct dp_session){ .tunnel_id = t->local_id, .local_id = sid, .peer_tunnel_id = t->peer_id,
				    .peer_id = (uint16_t)(sid + 2000), .local = t->local, .peer = t->peer, .send_seq = true,
				    .recv_seq = watched, .lns_mode = true, .recv_timeout_ms = 50 };
}

/* A packet each 10 ms from number `first` on: how many of PACKETS were lost. */
static unsigned lost(struct driver *d, const struct line *l, int channel, uint16_t sid, uint16_t first)
{
	unsigned got = 0;
	int i;

	for (i = 0; i < PACKETS; i++) {
		send_frame(l, sid, (uint16_t)(first + i));
		run_for(d, 10);
		got += frames(channel);
	}
	run_for(d, 200);
	/* the last ones may still wait for a gap before them to be given up */
	send_frame(l, sid, (uint16_t)(first + PACKETS));
	run_for(d, 20);
	got += frames(channel);
	return got > PACKETS ? 0 : PACKETS + 1 - got;
}

static int session(struct driver *d, const struct line *l, uint16_t sid, bool watched)
{
	struct dp_session s = session_conf(l, sid, watched);

	must(d, d->dp->ops->session_create(d->dp, &s, on_session, d), "session_create");
	settle(d);
	return attach(d->sessions[d->session_count - 1].fd);
}

static void no_session(struct driver *d, const struct line *l, uint16_t sid, int channel)
{
	close(channel);
	must(d, d->dp->ops->session_delete(d->dp, l->tunnel.local_id, sid, on_done, d), "session_delete");
	settle(d);
}

static void from_the_peer(struct driver *d, const struct line *l, const uint16_t *first, size_t count)
{
	unsigned alone, helped;
	size_t i;

	for (i = 0; i < count; i++) {
		uint16_t sid = (uint16_t)(1 + 2 * i);
		int channel = session(d, l, sid, false);

		alone = lost(d, l, channel, sid, first[i]);
		no_session(d, l, sid, channel);
		channel = session(d, l, ++sid, true);
		helped = lost(d, l, channel, sid, first[i]);
		no_session(d, l, sid, channel);
		check(helped <= (first[i] < 32767 ? 0 : 8), "a peer that is at %u: %u of %d packets lost by the kernel alone, %u with help%s",
		      first[i], alone, PACKETS + 1, helped, l->tunnel.peer.family == 6 ? ", by IPv6" : "");
	}
}

/* At a peer that has had our numbers up to `last`: how many of ours are lost that begin with 0 again. */
static void from_us(struct driver *d, const struct line *l)
{
	static const uint16_t last[] = { 10, 30, 1000, 40000, 60000 };
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		uint16_t sid = (uint16_t)(101 + i), begin = (uint16_t)(last[i] < 32767 ? last[i] : 32766);
		int channel = session(d, l, sid, false);

		send_frame(l, sid, begin);
		if (begin != last[i]) {
			/* a gap, given up when the next one comes later */
			send_frame(l, sid, (uint16_t)(last[i] - 1));
			run_for(d, 100);
			send_frame(l, sid, last[i]);
		}
		run_for(d, 50);
		frames(channel);
		n = lost(d, l, channel, sid, 0);
		/* as the manual says; what is better than that should be said there */
		check(last[i] > PACKETS ? last[i] < 32768 ? n == PACKETS + 1 : n && n <= 2 : n == last[i] + 1u,
		      "a peer whose last of ours was number %u: of the next %d, from 0 on, %u lost", last[i], PACKETS + 1, n);
		no_session(d, l, sid, channel);
	}
}

static void line_begin(struct driver *d, struct line *l)
{
	must(d, d->dp->ops->tunnel_create(d->dp, &l->tunnel, on_done, d), "tunnel_create");
	settle(d);
}

static void line_end(struct driver *d, struct line *l)
{
	must(d, d->dp->ops->tunnel_delete(d->dp, l->tunnel.local_id, on_done, d), "tunnel_delete");
	settle(d);
	close(l->fd);
}

void sequenced(struct driver *d)
{
	static const uint16_t first[] = { 0, 1, 1000, 32000, 32760, 32767, 32770, 33000, 50000, 65000, 65530, 65535 };
	static const uint16_t first6[] = { 0, 32000, 32770, 50000 };
	struct line l = { tunnel_conf(d, 800, PORT), "10.9.0.100", peer_socket(d, PORT) };
	struct line l6 = { { .local_id = 801, .peer_id = 1801, .local = d->vips[1].addr, .peer = ep("fd09::2", PORT) },
			   "fd09::100", peer_socket_at(d, "fd09::2", PORT) };

	lease(d, 60000);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	line_begin(d, &l);
	from_the_peer(d, &l, first, sizeof(first) / sizeof(first[0]));
	from_us(d, &l);
	line_end(d, &l);
	line_begin(d, &l6);
	from_the_peer(d, &l6, first6, sizeof(first6) / sizeof(first6[0]));
	line_end(d, &l6);
}
