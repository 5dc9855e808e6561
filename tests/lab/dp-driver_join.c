// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two sessions joined: what comes in by one leaves by the other, a socket that
 * another process holds keeps the joint, and the end of either ends it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lab/dp-driver.h"

#define FRAMES 30

struct leg {
	uint16_t tid, sid;
	int peer;	/* the LAC or LNS at its far end */
};

static void send_frame(const struct leg *leg, uint16_t protocol, uint8_t mark)
{
	const uint8_t packet[] = { 0, 2, (uint8_t)(leg->tid >> 8), (uint8_t)leg->tid, (uint8_t)(leg->sid >> 8),
				   (uint8_t)leg->sid, 0xff, 3, (uint8_t)(protocol >> 8), (uint8_t)protocol, 9, mark,
				   0, 8, 1, 2, 3, 4 };

	peer_send(leg->peer, packet, sizeof(packet));
}

/* Data packets with this mark that arrived at the far end, whole and for its session. */
static unsigned got(const struct leg *leg, uint16_t protocol, uint8_t mark)
{
	uint8_t p[2048];
	unsigned n = 0;
	ssize_t len;

	while ((len = recv(leg->peer, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		const uint8_t *f = p + 6;

		if (len != 18 || p[0] & 0x80 || (p[2] << 8 | p[3]) != leg->tid + 1000 || (p[4] << 8 | p[5]) != leg->sid + 2000)
			continue;
		n += f[0] == 0xff && f[1] == 3 && f[2] == protocol >> 8 && f[3] == (protocol & 0xff) && f[5] == mark;
	}
	return n;
}

static unsigned pass(struct driver *d, const struct leg *from, const struct leg *to, uint8_t mark)
{
	unsigned n = 0;
	int i;

	got(to, 0x21, mark);
	for (i = 0; i < FRAMES; i++) {
		send_frame(from, 0x21, mark);
		run_for(d, 3);
		n += got(to, 0x21, mark);
	}
	run_for(d, 30);
	return n + got(to, 0x21, mark);
}

static void make(struct driver *d, struct leg *leg)
{
	struct dp_tunnel conf = tunnel_conf(d, leg->tid, (uint16_t)(30000 + leg->tid));

	leg->peer = peer_socket(d, (uint16_t)(30000 + leg->tid));
	must(d, d->dp->ops->tunnel_create(d->dp, &conf, on_done, d), "tunnel_create");
	ask_session(d, &conf, leg->sid);
	settle(d);
}

static void remove_leg(struct driver *d, const struct leg *leg)
{
	must(d, d->dp->ops->tunnel_delete(d->dp, leg->tid, on_done, d), "tunnel_delete");
	settle(d);
	close(leg->peer);
}

void joined(struct driver *d)
{
	struct leg a = { 900, 7, -1 }, b = { 901, 9, -1 };
	const struct dp_end ea = { 900, 7, -1 }, eb = { 901, 9, -1 }, nobody = { 901, 10, -1 };
	int before, held;
	double took;

	lease(d, 60000);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	d->session_count = 0;
	make(d, &a);
	make(d, &b);
	check(d->dp->ops->join(d->dp, &ea, &nobody, on_done, d) == -ENODEV, "no joint with a session that is not there");

	send_frame(&a, 0xc021, 1);	/* waits in the socket */
	run_for(d, 30);
	before = attach(d->sessions[1].fd);
	send_frame(&b, 0xc021, 2);	/* waits in the channel */
	run_for(d, 30);
	close(before);
	d->errors = 0;
	d->busiest_ms = 0;
	must(d, d->dp->ops->join(d->dp, &ea, &eb, on_done, d), "join");
	took = settle(d);
	run_for(d, 30);
	check(!d->errors, "two sessions are joined (%.0f ms, loop busy at most %.1f ms)", took, d->busiest_ms);
	check(got(&b, 0xc021, 1) == 1, "a frame from before the joint, in the socket, goes over");
	check(got(&a, 0xc021, 2) == 1, "a frame from before the joint, in the channel, goes over");
	check(pass(d, &a, &b, 3) == FRAMES, "%d frames pass one way", FRAMES);
	check(pass(d, &b, &a, 4) == FRAMES, "%d frames pass the other", FRAMES);
	must(d, d->dp->ops->join(d->dp, &eb, &ea, on_done, d), "join");
	settle(d);
	check(!d->errors && pass(d, &a, &b, 5) == FRAMES, "asked for again it is as it was");

	must(d, d->dp->ops->separate(d->dp, &ea, on_done, d), "separate");
	settle(d);
	check(!d->errors && !pass(d, &a, &b, 6) && !pass(d, &b, &a, 7), "separated: nothing passes");
	must(d, d->dp->ops->join(d->dp, &ea, &eb, on_done, d), "join");
	settle(d);
	got(&b, 0x21, 6);
	check(!d->errors && pass(d, &b, &a, 8) == FRAMES, "joined again");

	held = dup(d->sessions[0].fd);
	must(d, d->dp->ops->session_delete(d->dp, b.tid, b.sid, on_done, d), "session_delete");
	settle(d);
	check(!d->errors && !pass(d, &a, &b, 9), "one end is deleted: nothing passes, the other stands");
	close(held);
	remove_leg(d, &a);
	remove_leg(d, &b);
}
