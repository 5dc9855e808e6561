// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Properties of virtual addresses: mute without a lease whatever is sent, heard
 * at once with one, mute again when it ends; addresses, announcements, probes;
 * no open moment when another daemon takes the rules over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netlink/probe.h"
#include "netlink/worker.h"
#include "tests/lab/dp-driver.h"

/* Data, control and ARP for 200 ms: how much of it the peer got. */
static unsigned say_everything(struct driver *d, int channel, int channel6)
{
	for (unsigned i = 0; i < 20; i++) {
		ppp_send(channel);
		ppp_send(channel6);
		say_hello(d, 1, 30001);
		say_hello(d, 0, 40000);
		peer_asks_arp(d);
		run_for(d, 10);
	}
	return heard(d);
}

void mute_then_heard(struct driver *d, int channel, int channel6)
{
	double start;
	unsigned n, i;

	heard(d);
	n = say_everything(d, channel, channel6);
	check(!n, "standby is mute: data, control and ARP for 200 ms (%u packets)", n);

	/* the address without the lease: still mute, ARP and neighbour discovery too */
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	n = say_everything(d, channel, channel6);
	check(!n, "the address alone does not break the silence (%u packets)", n);
	must(d, d->dp->ops->vip_del(d->dp, d->vips, 2, on_done, d), "vip_del");
	settle(d);

	/* takeover: lease, then address */
	d->errors = 0;
	start = now_ms();
	lease(d, 2000);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	check(!d->errors, "lease and address in %.2f ms", now_ms() - start);
	do {
		ppp_send(channel);
		run_for(d, 1);
		n = heard(d);
	} while (!n && now_ms() - start < 2000);
	check(n, "data flows at once: first packet at the peer after %.1f ms", now_ms() - start);
	run_for(d, 100);
	heard(d);
	for (i = 0; i < 10; i++) {
		ppp_send(channel6);
		run_for(d, 5);
	}
	check(heard(d) >= 10, "and over IPv6");
}

void leases(struct driver *d, int channel)
{
	double start, total = 0, worst = 0, first = -1, last = -1;
	unsigned n, i, silent_after = 0;

	/* renewals, traffic going on */
	d->errors = 0;
	d->busiest_ms = 0;
	lease(d, 1000);
	settle(d);
	run_for(d, 20);
	heard(d);
	for (i = 0; i < 200; i++) {
		double took;

		lease(d, 1000);
		ppp_send(channel);
		took = settle(d);
		total += took;
		if (took > worst)
			worst = took;
		ppp_send(channel);
	}
	run_for(d, 50);
	n = heard(d);
	check(!d->errors && n >= 400, "200 renewals under traffic, nothing dropped (%u of 400 packets)", n);
	check(total / 200 < 20, "a renewal takes %.2f ms on average, %.1f ms at worst (loop busy at most %.1f ms)",
	      total / 200, worst, d->busiest_ms);

	/* another group's address, later */
	{
		struct dp_vip other = { .addr = ep("10.9.0.101", 0), .prefix_len = 24, .ifname = "e0" };
		int e = d->dp->ops->vip_declare(d->dp, &other, 1);

		heard(d);
		ppp_send(channel);
		run_for(d, 20);
		check(!e && heard(d) && !shell("nft list set inet l2tpha virtual4 | grep -q 10.9.0.101 && "
					       "nft list set arp l2tpha virtual4 | grep -q 10.9.0.101"),
		      "declaring another address leaves the leases alone");
	}

	/* not renewed */
	run_for(d, 1100);
	lease(d, 400);
	settle(d);
	heard(d);
	start = now_ms();
	while (now_ms() - start < 1500) {
		ppp_send(channel);
		peer_asks_arp(d);
		say_hello(d, 1, 30001);
		run_for(d, 5);
		if (heard(d)) {
			last = now_ms() - start;
			if (first < 0)
				first = last;
		} else if (now_ms() - start > 500) {
			silent_after++;
		}
	}
	check(first >= 0 && last > 300 && last < 450,
	      "a lease of 400 ms that is not renewed: the last packet, ARP included, at %.0f ms", last);
	check(silent_after > 50, "and silence after that");

	/* closed by hand */
	lease(d, 5000);
	settle(d);
	ppp_send(channel);
	run_for(d, 20);
	n = heard(d);
	start = now_ms();
	fence(d);
	settle(d);
	start = now_ms() - start;
	run_for(d, 20);
	heard(d);
	for (i = 0; i < 50; i++) {
		ppp_send(channel);
		peer_asks_arp(d);
		run_for(d, 2);
	}
	check(n && !heard(d), "fence: mute in %.2f ms, with five seconds of lease left", start);
	fence(d);
	settle(d);
	check(!d->last_error, "closing what is closed is no error");
	check(d->dp->ops->lease(d->dp, &(struct dp_vip){ .addr = ep("10.9.0.77", 0) }, 1, 100, on_done, d) ==
	      -EADDRNOTAVAIL, "no lease for an address that was not declared");
}

/*
 * A packet waits for the address of its neighbour, who turns up when the fence is closed, or is open still:
 * what the peer heard.
 */
static unsigned found_late(struct driver *d, int channel, bool close_before)
{
	unsigned n;

	lease(d, 5000);
	settle(d);
	ppp_send(channel);
	run_for(d, 50);
	if (close_before) {
		fence(d);
		settle(d);
	}
	heard(d);
	enter(d->peer_ns);
	shell("ip addr add 10.9.0.66/24 dev e0 && ping -q -c 1 -W 1 -I 10.9.0.66 10.9.0.1 >/dev/null");
	enter(d->own_ns);
	run_for(d, 50);
	n = heard(d);
	enter(d->peer_ns);
	shell("ip addr del 10.9.0.66/24 dev e0");
	enter(d->own_ns);
	shell("ip neigh flush to 10.9.0.66 dev e0");
	return n;
}

void queued(struct driver *d)
{
	struct dp_tunnel t = { .local_id = 600, .peer_id = 1600, .local = d->vips[0].addr, .peer = ep("10.9.0.66", 30600) };
	unsigned open, closed;
	int channel;

	must(d, d->dp->ops->tunnel_create(d->dp, &t, on_done, d), "tunnel_create");
	ask_session(d, &t, 1);
	settle(d);
	channel = attach(d->sessions[--d->session_count].fd);
	open = found_late(d, channel, false);
	closed = found_late(d, channel, true);
	check(open && !closed, "what waited for its neighbour when the fence was closed stays behind it (%u, open %u)", closed,
	      open);
	/* an interface that was not there when the addresses were declared */
	shell("ip link add dq0 type dummy");
	must(d, d->dp->ops->vip_add(d->dp, &(struct dp_vip){ .addr = d->vips[0].addr, .prefix_len = 32, .ifname = "dq0" }, 1,
	     on_done, d), "vip_add");
	settle(d);
	check(!shell("nft list table netdev l2tpha | grep -q '\"dq0\"'"), "an interface that was made later is fenced, too");
	shell("ip link del dq0");
	lease(d, 1000);
	settle(d);
	check(!d->last_error, "and one that is gone hinders nobody");
	fence(d);
	close(channel);
	must(d, d->dp->ops->tunnel_delete(d->dp, 600, on_done, d), "tunnel_delete");
	settle(d);
}

void addresses(struct driver *d)
{
	lease(d, 0);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	check(!d->last_error, "adding an address that is there is no error");
	check(!shell("ip -o addr show dev e0 | grep -q '10.9.0.100/32 ' && "
		     "ip -o addr show dev e0 | grep 'fd09::100/128 ' | grep -q deprecated"),
	      "beside an address of the same network it is a host address");
	must(d, d->dp->ops->vip_del(d->dp, d->vips, 2, on_done, d), "vip_del");
	settle(d);
	check(!shell("! ip -o addr show dev e0 | grep -qE '10.9.0.100|fd09::100' && "
		     "ip -o addr show dev e0 | grep -q 10.9.0.1/24 && ip route | grep -q 10.9.0.0/24"),
	      "and goes without a trace");
	must(d, d->dp->ops->vip_del(d->dp, d->vips, 2, on_done, d), "vip_del");
	settle(d);
	check(!d->last_error, "removing it twice is no error");
	heard(d);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	must(d, d->dp->ops->vip_del(d->dp, d->vips, 2, on_done, d), "vip_del");
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	check(!shell("ip -o addr show dev e0 | grep -q 10.9.0.100"), "delete and add without waiting keep their order");
	heard(d);
	run_for(d, 1500);
	{
		unsigned n = heard(d);

		check(n >= 6 && n < 20, "announcements are repeated, paced (%u in 1.5 s)", n);
	}
	must(d, d->dp->ops->vip_add(d->dp, &(struct dp_vip){ .addr = ep("10.9.0.77", 0), .ifname = "nosuch" }, 1,
	     on_done, d), "vip_add");
	settle(d);
	check(d->last_error == -ENODEV, "an interface that does not exist is an error");
}

static int probe(struct driver *d, const struct dp_vip *vip)
{
	must(d, d->dp->ops->vip_probe(d->dp, vip, 1, 300, on_done, d), "vip_probe");
	settle(d);
	return d->last_error;
}

static void asked(void *arg, int result)
{
	(void)arg, (void)result;
	_exit(0);
}

/* Another machine asks for the address at the same time; or somebody there only wants to send to it. */
static pid_t another_asks(struct driver *d, const struct dp_vip *vip, bool probes)
{
	char text[ENDPOINT_TEXT_MAX];
	pid_t pid = fork();
	struct ev_loop *loop;

	if (pid)
		return pid;
	enter(d->peer_ns);
	if (!probes) {
		execlp("ping", "ping", "-c1", "-W1", endpoint_format(&vip->addr, false, text), (char *)NULL);
		_exit(1);
	}
	loop = ev_loop_new(0);
	if (probes_start(probes_new(loop, worker_new(loop)), vip, 1, 300, asked, NULL))
		_exit(1);
	ev_run(loop, 0);
	_exit(1);
}

static int probe_with(struct driver *d, const struct dp_vip *vip, bool probes)
{
	pid_t pid = another_asks(d, vip, probes);
	int r = probe(d, vip);

	waitpid(pid, NULL, 0);
	return r;
}

void probes(struct driver *d)
{
	struct dp_vip own = { .addr = ep("10.9.0.1", 0), .ifname = "e0" };
	struct dp_vip peer4 = { .addr = ep("10.9.0.2", 0), .ifname = "e0" };
	struct dp_vip peer6 = { .addr = ep("fd09::2", 0), .ifname = "e0" };
	struct dp_vip none4 = { .addr = ep("10.9.0.55", 0), .ifname = "e0" };
	struct dp_vip none6 = { .addr = ep("fd09::55", 0), .ifname = "e0" };
	struct dp_vip both[2] = { none4, peer4 };
	double start;
	int r;

	d->busiest_ms = 0;
	start = now_ms();
	r = probe(d, &peer4);
	check(r == 1, "probe: somebody answers (%.1f ms)", now_ms() - start);
	check(probe(d, &peer6) == 1, "probe: somebody answers, IPv6");
	start = now_ms();
	r = probe(d, &none4);
	check(r == 0, "probe: nobody answers (%.0f ms)", now_ms() - start);
	check(probe(d, &none6) == 0, "probe: nobody answers, IPv6");
	check(probe(d, &own) == 0, "probe: we do not answer ourselves");
	must(d, d->dp->ops->vip_probe(d->dp, both, 2, 300, on_done, d), "vip_probe");
	settle(d);
	check(d->last_error == 1, "probe: one answer of two is an answer");
	check(probe_with(d, &none4, true) == DP_PROBE_ASKED, "probe: somebody else probes, too");
	check(probe_with(d, &none6, true) == DP_PROBE_ASKED, "probe: somebody else probes, too, IPv6");
	check(probe_with(d, &none4, false) == DP_PROBE_SILENT, "probe: somebody only wants to send there");
	check(probe_with(d, &none6, false) == DP_PROBE_SILENT, "probe: somebody only wants to send there, IPv6");
	shell("ip link add dn0 type dummy");
	{
		struct dp_vip down = { .addr = ep("10.9.1.1", 0), .ifname = "dn0" };

		r = probe(d, &down);
		check(r < 0, "probe: cannot tell on an interface that is down (%s)", strerror(-r));
	}
	shell("ip link del dn0");
	printf("      longest busy turn of the loop: %.1f ms\n", d->busiest_ms);
}

/* The process does not run for a while: what it meant to announce is not said when it wakes up. */
void frozen(struct driver *d)
{
	struct timespec nap = { 0, 600 * 1000000 };
	unsigned before, after;

	must(d, d->dp->ops->vip_del(d->dp, d->vips, 2, on_done, d), "vip_del");
	lease(d, 300);
	settle(d);
	heard(d);
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	run_for(d, 5);
	before = heard(d);
	nanosleep(&nap, NULL);
	run_for(d, 1000);
	after = heard(d);
	check(before >= 2 && !after, "thawed after its lease: announces nothing any more (%u before, %u after)", before,
	      after);
	/* or a while before what it asks for is sent: a lease runs from when it was asked for */
	lease(d, 300);
	nanosleep(&nap, NULL);
	settle(d);
	check(d->last_error == -ETIME && !shell("! nft list table inet l2tpha | grep -q expires"),
	      "thawed after its lease: does not ask for it any more (%s)", strerror(-d->last_error));
	lease(d, 5000);
	nap.tv_nsec = 100 * 1000000;
	nanosleep(&nap, NULL);
	settle(d);
	check(!d->last_error, "a standstill shorter than the lease: it is asked for again");
	fence(d);
	settle(d);
}

/* Another daemon takes the rules over, again and again: no moment in which the fence is open. */
void replaced(struct driver *d, int channel)
{
	unsigned i, n;
	int status = 0;
	pid_t child;

	fence(d);
	settle(d);
	heard(d);
	child = fork();
	if (!child) {
		char self[256] = "", command[512];

		if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
			_exit(1);
		snprintf(command, sizeof(command), "for i in 1 2 3 4 5; do %s fences || exit 1; done", self);
		_exit(shell(command));
	}
	for (i = 0; !waitpid(child, &status, WNOHANG); i++)
		ppp_send(channel);
	run_for(d, 20);
	n = heard(d);
	check(!status && i > 100 && !n, "rules replaced five times under %u packets: %u got out", i, n);
}
