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

static void send_frame(int fd, uint16_t tid, uint16_t sid, uint16_t ns)
{
	const uint8_t packet[] = { 0x08, 2, (uint8_t)(tid >> 8), (uint8_t)tid, (uint8_t)(sid >> 8), (uint8_t)sid,
				   (uint8_t)(ns >> 8), (uint8_t)ns, 0, 0,
				   0xff, 3, 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4 };	/* an LCP Echo-Request */

	peer_send(fd, packet, sizeof(packet));
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

static struct dp_session session_conf(struct driver *d, uint16_t sid, bool watched)
{
	struct dp_tunnel t = tunnel_conf(d, 800, PORT);

	/* what bears numbers is looked at whether they are wanted or not; only who wants them is helped */
	return (struct dp_session){ .tunnel_id = 800, .local_id = sid, .peer_tunnel_id = t.peer_id,
				    .peer_id = (uint16_t)(sid + 2000), .local = t.local, .peer = t.peer, .send_seq = true,
				    .recv_seq = watched, .lns_mode = true, .recv_timeout_ms = 50 };
}

/* A packet each 10 ms from number `first` on: how many of PACKETS were lost. */
static unsigned lost(struct driver *d, int fd, int channel, uint16_t sid, uint16_t first)
{
	unsigned got = 0;
	int i;

	for (i = 0; i < PACKETS; i++) {
		send_frame(fd, 800, sid, (uint16_t)(first + i));
		run_for(d, 10);
		got += frames(channel);
	}
	run_for(d, 200);
	/* the last ones may still wait for a gap before them to be given up */
	send_frame(fd, 800, sid, (uint16_t)(first + PACKETS));
	run_for(d, 20);
	got += frames(channel);
	return got > PACKETS ? 0 : PACKETS + 1 - got;
}

static int session(struct driver *d, uint16_t sid, bool watched)
{
	struct dp_session s = session_conf(d, sid, watched);

	must(d, d->dp->ops->session_create(d->dp, &s, on_session, d), "session_create");
	settle(d);
	return attach(d->sessions[d->session_count - 1].fd);
}

static void no_session(struct driver *d, uint16_t sid, int channel)
{
	close(channel);
	must(d, d->dp->ops->session_delete(d->dp, 800, sid, on_done, d), "session_delete");
	settle(d);
}

static void from_the_peer(struct driver *d, int fd)
{
	static const uint16_t first[] = { 0, 1, 1000, 32000, 32760, 32767, 32770, 33000, 50000, 65000, 65530, 65535 };
	unsigned alone, helped;
	size_t i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		uint16_t sid = (uint16_t)(1 + 2 * i);
		int channel = session(d, sid, false);

		alone = lost(d, fd, channel, sid, first[i]);
		no_session(d, sid, channel);
		channel = session(d, ++sid, true);
		helped = lost(d, fd, channel, sid, first[i]);
		no_session(d, sid, channel);
		check(helped <= (first[i] < 32767 ? 0 : 8), "a peer that is at %u: %u of %d packets lost by the kernel alone, %u with help",
		      first[i], alone, PACKETS + 1, helped);
	}
}

/* At a peer that has had our numbers up to `last`: how many of ours are lost that begin with 0 again. */
static void from_us(struct driver *d, int fd)
{
	static const uint16_t last[] = { 10, 30, 1000, 40000, 60000 };
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		uint16_t sid = (uint16_t)(101 + i), begin = (uint16_t)(last[i] < 32767 ? last[i] : 32766);
		int channel = session(d, sid, false);

		send_frame(fd, 800, sid, begin);
		if (begin != last[i]) {
			/* a gap, given up when the next one comes later */
			send_frame(fd, 800, sid, (uint16_t)(last[i] - 1));
			run_for(d, 100);
			send_frame(fd, 800, sid, last[i]);
		}
		run_for(d, 50);
		frames(channel);
		n = lost(d, fd, channel, sid, 0);
		/* as the manual says; what is better than that should be said there */
		check(last[i] > PACKETS ? last[i] < 32768 ? n == PACKETS + 1 : n && n <= 2 : n == last[i] + 1u,
		      "a peer whose last of ours was number %u: of the next %d, from 0 on, %u lost", last[i], PACKETS + 1, n);
		no_session(d, sid, channel);
	}
}

void sequenced(struct driver *d)
{
	struct dp_tunnel t = tunnel_conf(d, 800, PORT);
	int fd = peer_socket(d, PORT);

	lease(d, 60000);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	must(d, d->dp->ops->tunnel_create(d->dp, &t, on_done, d), "tunnel_create");
	settle(d);
	from_the_peer(d, fd);
	from_us(d, fd);
	must(d, d->dp->ops->tunnel_delete(d->dp, 800, on_done, d), "tunnel_delete");
	settle(d);
	close(fd);
}
