// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Properties of tunnels and sessions: many at once, their control packets and
 * counters, sockets that share a four-tuple, objects deleted while they are
 * made, and a removal that does not stall the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/dp-driver.h"

void make_tunnels(struct driver *d)
{
	double start = now_ms(), took, asking;
	uint16_t t, s;

	for (t = 1; t <= TUNNELS; t++) {
		struct dp_tunnel conf = tunnel_conf(d, t, (uint16_t)(30000 + t));

		must(d, d->dp->ops->tunnel_create(d->dp, &conf, on_done, d), "tunnel_create");
		for (s = 1; s <= SESSIONS; s++) {
			struct session *rec = &d->sessions[(t - 1) * SESSIONS + s - 1];

			rec->tid = t;
			rec->sid = s;
			ask_session(d, &conf, s);
		}
	}
	asking = now_ms() - start;
	took = settle(d) + asking;
	check(took >= 0 && !d->errors && d->session_count == TUNNELS * SESSIONS,
	      "standby: %d tunnels with %d sessions each, their address absent (%.0f ms, %.2f ms a session; "
	      "asking took %.1f ms)", TUNNELS, SESSIONS, took, took / (TUNNELS * SESSIONS), asking);
	check(d->dp->ops->tunnel_create(d->dp, &(struct dp_tunnel){ .local_id = 1, .local = d->vips[0].addr,
		.peer = ep("10.9.0.2", 1701) }, on_done, d) == -EEXIST, "a tunnel ID in use is refused");
	printf("      longest busy turn of the loop: %.1f ms\n", d->busiest_ms);
	d->busiest_ms = 0;
}

void control_packets(struct driver *d)
{
	uint8_t zlb[16] = { 0xc8, 2, 0, 16 };
	int known = peer_socket(d, 30001), unknown = peer_socket(d, 40000);

	lease(d, 5000);
	settle(d);
	d->packets = d->batches = d->wrong_local = 0;
	peer_send(unknown, zlb, sizeof(zlb));
	run_for(d, 50);
	check(d->packets == 1 && d->last_peer.port == 40000, "control packet of a stranger comes by the listener");
	peer_send(known, zlb, sizeof(zlb));
	run_for(d, 50);
	check(d->packets == 2 && d->last_peer.port == 30001, "control packet of a tunnel comes by its socket");
	check(d->wrong_local == 0, "with the true local address");
	check(d->batches == 2, "one end of batch for each wake-up (%u)", d->batches);
	close(known);
	close(unknown);
}

/* New tunnel sockets while a stranger sends: between bind and connect they take his packets. */
void bind_race(struct driver *d)
{
	enum { SENT = 3000 };
	uint16_t t;
	pid_t child;

	lease(d, 20000);
	settle(d);
	d->race_got = 0;
	child = fork();
	if (!child) {
		uint8_t pkt[16] = { 0xc8, 2, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 'R', 'A', 'C', 'E' };
		int fd = peer_socket(d, 40001), i;
		struct timespec pause = { 0, 100000 };

		for (i = 0; i < SENT; i++) {
			peer_send(fd, pkt, sizeof(pkt));
			nanosleep(&pause, NULL);
		}
		_exit(0);
	}
	for (t = 0; t < 200; t++) {
		struct dp_tunnel conf = tunnel_conf(d, (uint16_t)(1000 + t), (uint16_t)(31000 + t));

		must(d, d->dp->ops->tunnel_create(d->dp, &conf, on_done, d), "tunnel_create");
		run_for(d, 2);
		must(d, d->dp->ops->tunnel_delete(d->dp, conf.local_id, on_done, d), "tunnel_delete");
	}
	settle(d);
	waitpid(child, NULL, 0);
	run_for(d, 200);
	check(d->race_got == SENT, "200 tunnels made and removed while a stranger sends: %u of %d packets arrive",
	      d->race_got, SENT);
}

void on_row(void *arg, uint16_t tid, uint16_t sid, const struct dp_session_counters *c)
{
	struct driver *d = arg;

	d->rows++;
	if (tid == d->wanted_tid && sid == d->wanted_sid)
		d->wanted = *c;
}

void counters(struct driver *d)
{
	/* data, tunnel 3, session 7: an LCP Echo-Reply */
	static const uint8_t data[] = { 0, 2, 0, 3, 0, 7, 0xff, 3, 0xc0, 0x21, 10, 1, 0, 8, 0, 0, 0, 0 };
	int fd = peer_socket(d, 30003), i, channel;
	double took;

	channel = attach(d->sessions[2 * SESSIONS + 6].fd);
	for (i = 0; i < 25; i++)
		peer_send(fd, data, sizeof(data));
	for (i = 0; i < 17; i++)
		ppp_send(channel);
	run_for(d, 100);
	d->rows = 0;
	d->wanted_tid = 3;
	d->wanted_sid = 7;
	must(d, d->dp->ops->counters(d->dp, on_row, on_done, d), "counters");
	took = settle(d);
	check(d->rows == TUNNELS * SESSIONS + 1, "counters: a row for each session (%u, %.1f ms)", d->rows, took);
	check(d->wanted.rx_packets == 25 && d->wanted.tx_packets == 17,
	      "counters: 25 packets in, 17 out (%llu, %llu)", (unsigned long long)d->wanted.rx_packets,
	      (unsigned long long)d->wanted.tx_packets);
	close(channel);
	close(fd);
}

static unsigned long long rx_of(struct driver *d, uint16_t tid, uint16_t sid)
{
	d->wanted_tid = tid;
	d->wanted_sid = sid;
	d->wanted = (struct dp_session_counters){ 0 };
	must(d, d->dp->ops->counters(d->dp, on_row, on_done, d), "counters");
	settle(d);
	return d->wanted.rx_packets;
}

void same_four_tuple(struct driver *d)
{
	/* data for session 1: with a length, and without */
	uint8_t plain[] = { 0, 2, 0x02, 0x59, 0, 1, 0xff, 3, 0xc0, 0x21, 10, 1, 0, 8, 0, 0, 0, 0 };
	uint8_t sized[] = { 0x40, 2, 0, 20, 0x02, 0x5a, 0, 1, 0xff, 3, 0xc0, 0x21, 10, 1, 0, 8, 0, 0, 0, 0 };
	struct dp_tunnel a = tunnel_conf(d, 601, 30600), b = tunnel_conf(d, 602, 30600);
	uint8_t zlb[12] = { 0xc8, 2, 0, 12 };
	int fd = peer_socket(d, 30600), i;
	unsigned long long rx_a, rx_b;

	d->errors = d->packets = 0;
	lease(d, 5000);
	must(d, d->dp->ops->tunnel_create(d->dp, &a, on_done, d), "tunnel_create");
	must(d, d->dp->ops->tunnel_create(d->dp, &b, on_done, d), "tunnel_create");
	settle(d);
	ask_session(d, &a, 1);
	ask_session(d, &b, 1);
	settle(d);
	for (i = 0; i < 14; i++) {
		plain[3] = 0x59 + i % 2;	/* 601, 602 */
		peer_send(fd, plain, sizeof(plain));
		peer_send(fd, sized, sizeof(sized));
	}
	run_for(d, 50);
	rx_a = rx_of(d, 601, 1);
	rx_b = rx_of(d, 602, 1);
	check(rx_a == 7 && rx_b == 21, "two tunnels of one four-tuple: data of each arrives (%llu of 7, %llu of 21)", rx_a, rx_b);
	d->packets = 0;
	for (i = 0; i < 10; i++)
		peer_send(fd, zlb, sizeof(zlb));
	run_for(d, 50);
	must(d, d->dp->ops->tunnel_delete(d->dp, 602, on_done, d), "tunnel_delete");
	for (i = 0; i < 10; i++)
		peer_send(fd, zlb, sizeof(zlb));
	settle(d);
	run_for(d, 50);
	check(!d->errors && d->packets == 20, "two tunnels of one four-tuple, one of them deleted: %u of 20 packets",
	      d->packets);
	must(d, d->dp->ops->tunnel_delete(d->dp, 601, on_done, d), "tunnel_delete");
	settle(d);
	close(fd);
}

void deleted_while_made(struct driver *d)
{
	struct dp_tunnel t = tunnel_conf(d, 700, 30700);

	d->errors = 0;
	must(d, d->dp->ops->tunnel_create(d->dp, &t, on_done, d), "tunnel_create");
	ask_session(d, &t, 1);
	ask_session(d, &t, 2);
	must(d, d->dp->ops->session_delete(d->dp, 700, 1, on_done, d), "session_delete");
	settle(d);
	check(d->errors == 1, "a session deleted while it is made is cancelled, its neighbour is not (%u)", d->errors);
	d->errors = 0;
	ask_session(d, &t, 3);
	must(d, d->dp->ops->tunnel_delete(d->dp, 700, on_done, d), "tunnel_delete");
	check(d->dp->ops->session_create(d->dp, &(struct dp_session){ .tunnel_id = 700, .local_id = 9 }, on_session, d)
	      == -ENODEV, "no session in a tunnel that ends");
	settle(d);
	check(d->errors == 1 && !shell("! ip l2tp show tunnel | grep -q 'Tunnel 700,'"),
	      "a tunnel deleted with a session half made");
	must(d, d->dp->ops->tunnel_create(d->dp, &t, on_done, d), "tunnel_create");
	settle(d);
	check(!d->last_error, "its ID can be used again at once");
	must(d, d->dp->ops->tunnel_delete(d->dp, 700, on_done, d), "tunnel_delete");
	settle(d);
}

void removal(struct driver *d)
{
	double start = now_ms();
	uint16_t s, t;

	d->errors = 0;
	d->busiest_ms = 0;
	for (s = 1; s <= SESSIONS; s++)
		for (t = 1; t <= 2; t++)
			must(d, d->dp->ops->session_delete(d->dp, t, s, on_done, d), "session_delete");
	settle(d);
	/* one after the other they would take 15 ms each, in the loop or out of it */
	check(!d->errors && now_ms() - start < 2 * SESSIONS * 10, "%d sessions deleted in %.0f ms (%.2f ms each)",
	      2 * SESSIONS, now_ms() - start, (now_ms() - start) / (2 * SESSIONS));
	check(d->busiest_ms < 100, "deletion does not stall the loop (%.1f ms)", d->busiest_ms);
	check(!shell("test $(ip l2tp show session | grep -c 'in tunnel') = 161"), "the kernel has the others");

	/* somebody holds the socket of a session: deleted all the same */
	{
		int held = dup(d->sessions[2 * SESSIONS].fd);

		start = now_ms();
		must(d, d->dp->ops->session_delete(d->dp, 3, 1, on_done, d), "session_delete");
		settle(d);
		check(!d->last_error && !shell("! ip l2tp show session | grep -qE 'Session 1 in tunnel 3$'"),
		      "a session whose socket another process holds (%.0f ms)", now_ms() - start);
		close(held);
	}
	start = now_ms();
	d->busiest_ms = 0;
	for (t = 1; t <= TUNNELS; t++)
		must(d, d->dp->ops->tunnel_delete(d->dp, t, on_done, d), "tunnel_delete");
	must(d, d->dp->ops->tunnel_delete(d->dp, 500, on_done, d), "tunnel_delete");
	settle(d);
	check(!d->errors, "%d tunnels with their sessions deleted in %.0f ms", TUNNELS, now_ms() - start);
	check(d->busiest_ms < 100, "without stalling the loop (%.1f ms)", d->busiest_ms);
	run_for(d, 300);
	check(!shell("test $(ip l2tp show tunnel | grep -c Tunnel) = 0"), "the kernel has none");
	check(d->dp->ops->tunnel_delete(d->dp, 1, on_done, d) == -ENOENT, "a tunnel that is gone cannot be deleted");
}
