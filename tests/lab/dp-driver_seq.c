// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a takeover does to sequenced data.  A session is new in this kernel and
 * expects number 0; the peer goes on where it is.  Measured: how many of its
 * packets are lost, with and without a time after which a gap is given up.
 * Numbers from 32767 on are outside the kernel's window: nothing arrives until
 * they have wrapped, and no interface sets what a session expects.
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

static unsigned frames(int channel)
{
	uint8_t frame[1600];
	unsigned n = 0;

	while (read(channel, frame, sizeof(frame)) > 0)
		n++;
	return n;
}

/* A packet each 10 ms from number `first` on: how many of PACKETS were lost. */
static unsigned lost(struct driver *d, int fd, uint16_t sid, uint32_t recv_timeout_ms, uint16_t first)
{
	struct dp_tunnel t = tunnel_conf(d, 800, PORT);
	struct dp_session s = { .tunnel_id = 800, .local_id = sid, .peer_tunnel_id = t.peer_id,
				.peer_id = (uint16_t)(sid + 2000), .local = t.local, .peer = t.peer, .send_seq = true,
				.recv_seq = true, .lns_mode = true, .recv_timeout_ms = recv_timeout_ms };
	unsigned got = 0;
	int channel, i;

	must(d, d->dp->ops->session_create(d->dp, &s, on_session, d), "session_create");
	settle(d);
	channel = attach(d->sessions[d->session_count - 1].fd);
	for (i = 0; i < PACKETS; i++) {
		send_frame(fd, 800, sid, (uint16_t)(first + i));
		run_for(d, 10);
		got += frames(channel);
	}
	run_for(d, 200);
	got += frames(channel);
	close(channel);
	must(d, d->dp->ops->session_delete(d->dp, 800, sid, on_done, d), "session_delete");
	settle(d);
	return PACKETS - got;
}

void sequenced(struct driver *d)
{
	static const uint16_t first[] = { 0, 1, 1000, 32000, 33000, 65000 };
	struct dp_tunnel t = tunnel_conf(d, 800, PORT);
	int fd = peer_socket(d, PORT);
	unsigned without, with;
	size_t i;

	lease(d, 60000);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	must(d, d->dp->ops->tunnel_create(d->dp, &t, on_done, d), "tunnel_create");
	settle(d);
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		without = lost(d, fd, (uint16_t)(1 + 2 * i), 0, first[i]);
		with = lost(d, fd, (uint16_t)(2 + 2 * i), 50, first[i]);
		/* from 65000 on the numbers do not wrap within the test */
		check(first[i] < 32767 ? with <= 10 : with == PACKETS,
		      "sequenced from %u on: %u of %d packets lost, %u when gaps are given up after 50 ms", first[i],
		      without, PACKETS, with);
	}
	must(d, d->dp->ops->tunnel_delete(d->dp, 800, on_done, d), "tunnel_delete");
	settle(d);
	close(fd);
}
