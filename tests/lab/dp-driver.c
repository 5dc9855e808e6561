// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exercises the kernel data plane on a real kernel: properties of
 * netlink/dataplane.h that no unit test can see.
 *
 *   dp-driver properties NETNS   all of them; NETNS holds the other end of the wire
 *   dp-driver anyaddress NETNS   the listener on all addresses
 *   dp-driver scale N            cost of N sessions in one tunnel; prints, fails only on errors
 *   dp-driver hold FILE          make tunnels, let a child keep their sockets, write FILE, wait to be killed
 *   dp-driver flush              remove leftovers, exit 0 when the kernel has none
 *   dp-driver missing            print why there is no data plane; exit 0 if there is none
 *   dp-driver fences             declare the address (the rules stay) and exit
 *
 * The wire (made by test-dataplane.sh): interface e0 on both sides, we are
 * 10.9.0.1 and fd09::1, the peer 10.9.0.2 and fd09::2, the virtual addresses
 * 10.9.0.100 and fd09::100.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "netlink/kernel.h"
#include "tests/lab/dp-driver.h"

static void properties(struct driver *d)
{
	struct dp_tunnel t6 = { .local_id = 500, .peer_id = 1500, .peer = ep("fd09::2", 30500) };
	int channel, channel6;

	open_sniffer(d);
	setup(d, true, true);
	make_tunnels(d);
	t6.local = d->vips[1].addr;
	must(d, d->dp->ops->tunnel_create(d->dp, &t6, on_done, d), "tunnel_create");
	ask_session(d, &t6, 1);
	settle(d);
	check(d->session_count == TUNNELS * SESSIONS + 1, "a tunnel over IPv6");
	channel = attach(d->sessions[0].fd);
	channel6 = attach(d->sessions[TUNNELS * SESSIONS].fd);
	mute_then_heard(d, channel, channel6);
	control_packets(d);
	counters(d);
	bind_race(d);
	leases(d, channel);
	queued(d);
	addresses(d);
	probes(d);
	same_four_tuple(d);
	deleted_while_made(d);
	frozen(d);
	replaced(d, channel);
	close(channel);
	close(channel6);
	removal(d);
	lease(d, 0);
	settle(d);
	d->dp->ops->free(d->dp);
	check(!shell("nft list set inet l2tpha leased4 | grep -q type && "
		     "! nft list set inet l2tpha leased4 | grep -q elements"), "ended in good order: fence closed");
}

static void open_namespaces(struct driver *d, const char *ns)
{
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	d->peer_ns = open(path, O_RDONLY | O_CLOEXEC);
	d->own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (d->peer_ns < 0 || d->own_ns < 0)
		die(path);
}

static void any_address(struct driver *d)
{
	static const struct {
		const char *own, *peer;
	} pairs[] = { { "10.9.0.1", "10.9.0.2" }, { "fd09::1", "fd09::2" } };
	struct l2tp_endpoint any = { .family = 0 };
	size_t i;

	check(!shell("nft list ruleset | grep -q l2tpha"), "an earlier daemon left its rules");
	setup(d, false, false);
	if (d->dp->ops->listen(d->dp, &any))
		die("listen");
	check(!shell("! nft list ruleset | grep -q l2tpha"), "no virtual address, no rules");
	for (i = 0; i < 2; i++) {
		uint8_t zlb[12] = { 0xc8, 2, 0, 12 }, answer[64];
		struct l2tp_endpoint own = ep(pairs[i].own, 1701);
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(1701) };
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(1701) };
		struct sockaddr *to = i ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
		socklen_t len = i ? sizeof(v6) : sizeof(v4);
		int fd;

		memcpy(&v6.sin6_addr, own.addr, 16);
		memcpy(&v4.sin_addr, own.addr, 4);
		enter(d->peer_ns);
		fd = socket(i ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		enter(d->own_ns);
		/* connected: takes no answer from another address */
		if (fd < 0 || connect(fd, to, len) < 0 || send(fd, zlb, sizeof(zlb), 0) < 0)
			die("peer");
		d->packets = 0;
		run_for(d, 50);
		check(d->packets == 1 && endpoint_equal(&d->last_local, &own), "packet for %s: its true destination",
		      pairs[i].own);
		d->dp->ops->send(d->dp, 0, &d->last_local, &d->last_peer, zlb, sizeof(zlb));
		run_for(d, 20);
		check(recv(fd, answer, sizeof(answer), 0) == 12, "the answer comes from there");
		close(fd);
	}
	d->dp->ops->free(d->dp);
}

static void scale(struct driver *d, unsigned n)
{
	struct dp_tunnel conf;
	double took;
	unsigned i;

	setup(d, true, true);
	conf = tunnel_conf(d, 1, 30001);
	must(d, d->dp->ops->tunnel_create(d->dp, &conf, on_done, d), "tunnel_create");
	settle(d);
	d->busiest_ms = 0;
	for (i = 1; i <= n; i++) {
		d->session_count = 0;
		ask_session(d, &conf, (uint16_t)i);
	}
	took = settle(d);
	check(!d->errors, "%u sessions made: %.3f ms each, loop busy at most %.1f ms", n, took / n, d->busiest_ms);
	d->busiest_ms = 0;
	d->rows = 0;
	must(d, d->dp->ops->counters(d->dp, on_row, on_done, d), "counters");
	took = settle(d);
	check(d->rows == n, "counters of %u: %.1f ms, loop busy at most %.1f ms", d->rows, took, d->busiest_ms);
	d->busiest_ms = 0;
	for (i = 1; i <= n / 2; i++)
		must(d, d->dp->ops->session_delete(d->dp, 1, (uint16_t)i, on_done, d), "session_delete");
	took = settle(d);
	check(!d->errors, "%u sessions deleted: %.3f ms each, loop busy at most %.1f ms", n / 2, took * 2 / n,
	      d->busiest_ms);
	d->busiest_ms = 0;
	must(d, d->dp->ops->tunnel_delete(d->dp, 1, on_done, d), "tunnel_delete");
	took = settle(d);
	check(!d->errors, "tunnel with %u sessions deleted: %.0f ms, loop busy at most %.1f ms", n - n / 2, took,
	      d->busiest_ms);
	d->dp->ops->free(d->dp);
}

static void hold(struct driver *d, const char *file)
{
	uint16_t t, s;
	FILE *f;

	setup(d, true, true);
	lease(d, 0);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	for (t = 1; t <= 3; t++) {
		struct dp_tunnel conf = tunnel_conf(d, t, (uint16_t)(30000 + t));

		must(d, d->dp->ops->tunnel_create(d->dp, &conf, on_done, d), "tunnel_create");
		for (s = 1; s <= 4; s++)
			ask_session(d, &conf, s);
	}
	if (settle(d) < 0 || d->errors)
		exit(2);
	if (!fork()) {	/* as a pppd: its copies of the sockets outlive us */
		f = fopen(file, "w");
		if (f)
			fprintf(f, "%d %d\n", getppid(), getpid());
		if (f)
			fclose(f);
		for (;;)
			pause();
	}
	for (;;)
		pause();
}

static void flush(struct driver *d)
{
	double took;

	setup(d, true, false);
	must(d, d->dp->ops->flush(d->dp, on_done, d), "flush");
	took = settle(d);
	check(took >= 0 && !d->last_error, "flush took %.0f ms", took);
	d->dp->ops->free(d->dp);
}

int main(int argc, char **argv)
{
	static struct driver d;
	const char *cmd = argc > 1 ? argv[1] : "";
	char why[256];

	log_set_sink(NULL, NULL, getenv("DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(cmd, "missing")) {
		struct dp_events events = { .ctx = &d, .packet = on_packet, .batch_end = on_batch_end };

		d.dp = dp_kernel_new(ev_default_loop(0), &events, why);
		puts(d.dp ? "there is one" : why);
		return d.dp ? 1 : 0;
	}
	if (!strcmp(cmd, "fences"))
		setup(&d, true, false);
	else if (!strcmp(cmd, "properties") && argc == 3)
		open_namespaces(&d, argv[2]), properties(&d);
	else if (!strcmp(cmd, "anyaddress") && argc == 3)
		open_namespaces(&d, argv[2]), any_address(&d);
	else if (!strcmp(cmd, "sequenced") && argc == 3)
		open_namespaces(&d, argv[2]), setup(&d, true, true), sequenced(&d), fence(&d), d.dp->ops->free(d.dp);
	else if (!strcmp(cmd, "joined") && argc == 3)
		open_namespaces(&d, argv[2]), setup(&d, true, true), joined(&d), fence(&d), d.dp->ops->free(d.dp);
	else if (!strcmp(cmd, "scale") && argc == 3)
		scale(&d, (unsigned)atoi(argv[2]));
	else if (!strcmp(cmd, "hold") && argc == 3)
		hold(&d, argv[2]);
	else if (!strcmp(cmd, "flush"))
		flush(&d);
	else
		return fprintf(stderr, "usage: dp-driver properties NETNS|anyaddress NETNS|sequenced NETNS|joined NETNS|scale N|hold FILE|flush|missing|fences\n"), 2;
	return check_failures() ? 1 : 0;
}
