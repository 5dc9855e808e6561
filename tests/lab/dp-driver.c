/* SPDX-License-Identifier: GPL-2.0-or-later */
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
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/ppp-ioctl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>

#include "daemon/log.h"
#include "netlink/kernel.h"

#define TUNNELS 10
#define SESSIONS 20

struct session {
	uint16_t tid, sid;
	int fd, tunnel_fd;
};
struct driver {
	struct ev_loop *loop;
	struct dp *dp;
	struct dp_vip vips[2];	/* IPv4, IPv6 */
	int peer_ns, own_ns;
	int sniffer;
	struct session sessions[TUNNELS * SESSIONS + 8];
	size_t session_count;
	unsigned pending, errors;
	int last_error;
	/* what arrived from the peer */
	unsigned packets, batches, wrong_local, race_got;
	struct l2tp_endpoint last_peer, last_local;
	/* the loop's longest busy time */
	double woke_at, busiest_ms;
	ev_check check;
	ev_prepare prepare;
	ev_idle wake;		/* a completion ends the turn */
	/* counters() */
	unsigned rows;
	struct dp_session_counters wanted;
	uint16_t wanted_tid, wanted_sid;
};
static unsigned failures;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "dp-driver: %s: %s\n", what, strerror(errno));
	exit(2);
}

__attribute__((format(printf, 2, 3))) static void check(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf(ok ? "ok    " : "FAIL  ");
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	if (!ok)
		failures++;
}

/* ---- running the loop ------------------------------------------------ */

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
	(void)loop, (void)revents;
	((struct driver *)w->data)->woke_at = now_ms();
}

static void note_busy(struct driver *d)
{
	double busy = now_ms() - d->woke_at;

	if (d->woke_at > 0 && busy > d->busiest_ms)
		d->busiest_ms = busy;
	d->woke_at = 0;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	(void)loop, (void)revents;
	note_busy(w->data);	/* it sleeps now */
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)revents;
	ev_idle_stop(loop, w);
}

static void turn(struct driver *d)
{
	d->woke_at = now_ms();
	ev_run(d->loop, EVRUN_ONCE);
	note_busy(d);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

static void run_for(struct driver *d, double ms)
{
	double end = now_ms() + ms;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.002, 0.002);
	ev_timer_start(d->loop, &tick);
	while (now_ms() < end)
		turn(d);
	ev_timer_stop(d->loop, &tick);
}

/* Waits for all that is pending; returns how long it took, or -1. */
static double settle(struct driver *d)
{
	double start = now_ms();
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.05, 0.05);
	ev_timer_start(d->loop, &tick);
	while (d->pending && now_ms() - start < 60000)
		turn(d);
	ev_timer_stop(d->loop, &tick);
	return d->pending ? -1 : now_ms() - start;
}

static void on_done(void *arg, int error)
{
	struct driver *d = arg;

	d->pending--;
	ev_idle_start(d->loop, &d->wake);
	d->last_error = error;
	if (error)
		d->errors++;
}

static void must(struct driver *d, int e, const char *what)
{
	if (e) {
		errno = -e;
		die(what);
	}
	d->pending++;
}

static void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	struct driver *d = ctx;

	d->packets++;
	d->last_peer = *peer;
	d->last_local = *local;
	if (!endpoint_addr_equal(local, &d->vips[local->family == 6].addr) || local->port != 1701)
		d->wrong_local++;
	if (len == 16 && !memcmp(data + 12, "RACE", 4))
		d->race_got++;
}

static void on_batch_end(void *ctx)
{
	((struct driver *)ctx)->batches++;
}

/* ---- the peer -------------------------------------------------------- */

static void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		die("setns");
}

static struct l2tp_endpoint ep(const char *text, uint16_t port)
{
	struct l2tp_endpoint e = { .port = port };

	if (endpoint_parse(&e, text))
		die(text);
	return e;
}

static int peer_socket(const struct driver *d, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd, one = 1;

	enter(d->peer_ns);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, "10.9.0.2", &sin.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0)
		die("socket of the peer");
	enter(d->own_ns);
	return fd;
}

static void peer_send(int fd, const void *data, size_t len)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(1701) };

	inet_pton(AF_INET, "10.9.0.100", &sin.sin_addr);
	sendto(fd, data, len, 0, (struct sockaddr *)&sin, sizeof(sin));
}

static void open_sniffer(struct driver *d)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size = 8 << 20;

	enter(d->peer_ns);
	d->sniffer = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(d->sniffer, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	ll.sll_ifindex = (int)if_nametoindex("e0");
	if (d->sniffer < 0 || bind(d->sniffer, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die("sniffer");
	enter(d->own_ns);
}

/* Packets the peer got since the last call that have a virtual address as source. */
static unsigned heard(struct driver *d)
{
	struct sockaddr_ll from = { 0 };
	socklen_t len = sizeof(from);
	uint8_t b[2048];
	unsigned count = 0;
	ssize_t n;

	while ((n = recvfrom(d->sniffer, b, sizeof(b), 0, (struct sockaddr *)&from, &len)) >= 0) {
		bool v4 = ntohs(from.sll_protocol) == ETH_P_IP && n >= 20 && !memcmp(b + 12, d->vips[0].addr.addr, 4);
		bool arp = ntohs(from.sll_protocol) == ETH_P_ARP && n >= 28 && !memcmp(b + 14, d->vips[0].addr.addr, 4);
		bool v6 = ntohs(from.sll_protocol) == ETH_P_IPV6 && n >= 40 && !memcmp(b + 8, d->vips[1].addr.addr, 16);
		bool na = ntohs(from.sll_protocol) == ETH_P_IPV6 && n >= 64 && b[6] == IPPROTO_ICMPV6 &&
			  b[40] == ND_NEIGHBOR_ADVERT && !memcmp(b + 48, d->vips[1].addr.addr, 16);

		len = sizeof(from);
		if (from.sll_pkttype != PACKET_OUTGOING && (v4 || arp || v6 || na))
			count++;
	}
	return count;
}

/* The peer asks who has the address; an answer shows in heard(). */
static void peer_asks_arp(struct driver *d)
{
	struct ether_arp arp = { .ea_hdr = { htons(1), htons(ETH_P_IP), 6, 4, htons(1) } };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_halen = 6 };
	struct ifreq ifr = { .ifr_name = "e0" };

	enter(d->peer_ns);
	to.sll_ifindex = (int)if_nametoindex("e0");
	ioctl(d->sniffer, SIOCGIFHWADDR, &ifr);
	enter(d->own_ns);
	memset(to.sll_addr, 0xff, 6);
	memcpy(arp.arp_sha, ifr.ifr_hwaddr.sa_data, 6);
	inet_pton(AF_INET, "10.9.0.2", arp.arp_spa);
	memcpy(arp.arp_tpa, d->vips[0].addr.addr, 4);
	if (sendto(d->sniffer, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("ARP of the peer");
}

/* ---- our side -------------------------------------------------------- */

static void on_session(void *arg, int error, int session_fd, int tunnel_fd)
{
	struct driver *d = arg;

	on_done(d, error);
	if (error)
		return;
	/* completions come in the order of the calls */
	if (d->session_count >= sizeof(d->sessions) / sizeof(d->sessions[0]))
		return;
	d->sessions[d->session_count].fd = session_fd;
	d->sessions[d->session_count++].tunnel_fd = tunnel_fd;
}

static struct dp_tunnel tunnel_conf(const struct driver *d, uint16_t tid, uint16_t peer_port)
{
	return (struct dp_tunnel){ .local_id = tid, .peer_id = (uint16_t)(tid + 1000), .local = d->vips[0].addr,
				   .peer = ep("10.9.0.2", peer_port) };
}

static void ask_session(struct driver *d, const struct dp_tunnel *t, uint16_t sid)
{
	struct dp_session s = { .tunnel_id = t->local_id, .local_id = sid, .peer_tunnel_id = t->peer_id,
				.peer_id = (uint16_t)(sid + 2000), .local = t->local, .peer = t->peer, .lns_mode = true };

	must(d, d->dp->ops->session_create(d->dp, &s, on_session, d), "session_create");
}

/* A PPP channel on the session, to send frames through as pppd would. */
static int attach(int session_fd)
{
	int chan, fd;

	if (ioctl(session_fd, PPPIOCGCHAN, &chan) < 0)
		die("PPPIOCGCHAN");
	fd = open("/dev/ppp", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, PPPIOCATTCHAN, &chan) < 0)
		die("/dev/ppp");
	return fd;
}

static void ppp_send(int channel)
{
	static const uint8_t frame[] = { 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4 };	/* an LCP Echo-Request */

	/* mute is not an error, so the result says nothing */
	if (write(channel, frame, sizeof(frame)) < 0 && errno != EAGAIN && errno != EPERM && errno != ENOBUFS)
		log_debug("ppp: %s", strerror(errno));
}

static void say_hello(struct driver *d, uint16_t tid, uint16_t peer_port)
{
	static const uint8_t zlb[12] = { 0xc8, 2, 0, 12 };
	struct l2tp_endpoint peer = ep("10.9.0.2", peer_port);

	d->dp->ops->send(d->dp, tid, &d->vips[0].addr, &peer, zlb, sizeof(zlb));
}

static void lease(struct driver *d, uint32_t ms)
{
	must(d, d->dp->ops->lease(d->dp, d->vips, 2, ms, on_done, d), "lease");
}

static void fence(struct driver *d)
{
	must(d, d->dp->ops->fence(d->dp, d->vips, 2, on_done, d), "fence");
}

static void setup(struct driver *d, bool declare, bool listen)
{
	struct dp_events events = { d, on_packet, on_batch_end };
	char why[256];
	int e;

	d->loop = ev_default_loop(0);
	d->vips[0] = (struct dp_vip){ .addr = ep("10.9.0.100", 0), .prefix_len = 24, .ifname = "e0" };
	d->vips[1] = (struct dp_vip){ .addr = ep("fd09::100", 0), .prefix_len = 64, .ifname = "e0" };
	d->dp = dp_kernel_new(d->loop, &events, why);
	if (!d->dp) {
		fprintf(stderr, "dp-driver: %s\n", why);
		exit(2);
	}
	ev_check_init(&d->check, on_check);
	ev_prepare_init(&d->prepare, on_prepare);
	ev_set_priority(&d->check, EV_MAXPRI);
	ev_set_priority(&d->prepare, EV_MINPRI);	/* after what the data plane does there */
	d->check.data = d->prepare.data = d;
	ev_check_start(d->loop, &d->check);
	ev_prepare_start(d->loop, &d->prepare);
	ev_idle_init(&d->wake, on_idle);
	e = declare ? d->dp->ops->vip_declare(d->dp, d->vips, 2) : 0;
	if (e)
		exit(2);
	if (!listen)
		return;
	if (d->dp->ops->listen(d->dp, &d->vips[0].addr) || d->dp->ops->listen(d->dp, &d->vips[1].addr))
		die("listen");
}

static int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- properties ------------------------------------------------------ */

static void make_tunnels(struct driver *d)
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

static void mute_then_heard(struct driver *d, int channel, int channel6)
{
	double start;
	unsigned n, i;

	heard(d);
	for (i = 0; i < 20; i++) {
		ppp_send(channel);
		ppp_send(channel6);
		say_hello(d, 1, 30001);
		say_hello(d, 0, 40000);
		peer_asks_arp(d);
		run_for(d, 10);
	}
	n = heard(d);
	check(!n, "standby is mute: data, control and ARP for 200 ms (%u packets)", n);

	/* the address without the lease: still mute, ARP and neighbour discovery too */
	must(d, d->dp->ops->vip_add(d->dp, d->vips, 2, on_done, d), "vip_add");
	settle(d);
	for (i = 0; i < 20; i++) {
		ppp_send(channel);
		ppp_send(channel6);
		say_hello(d, 1, 30001);
		say_hello(d, 0, 40000);
		peer_asks_arp(d);
		run_for(d, 10);
	}
	n = heard(d);
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

static void control_packets(struct driver *d)
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
static void bind_race(struct driver *d)
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

static void on_row(void *arg, uint16_t tid, uint16_t sid, const struct dp_session_counters *c)
{
	struct driver *d = arg;

	d->rows++;
	if (tid == d->wanted_tid && sid == d->wanted_sid)
		d->wanted = *c;
}

static void counters(struct driver *d)
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

static void leases(struct driver *d, int channel)
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

static void addresses(struct driver *d)
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

static void probes(struct driver *d)
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
static void frozen(struct driver *d)
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
}

/* Another daemon takes the rules over, again and again: no moment in which the fence is open. */
static void replaced(struct driver *d, int channel)
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

static void same_four_tuple(struct driver *d)
{
	struct dp_tunnel a = tunnel_conf(d, 601, 30600), b = tunnel_conf(d, 602, 30600);
	uint8_t zlb[12] = { 0xc8, 2, 0, 12 };
	int fd = peer_socket(d, 30600), i;

	d->errors = d->packets = 0;
	lease(d, 5000);
	must(d, d->dp->ops->tunnel_create(d->dp, &a, on_done, d), "tunnel_create");
	must(d, d->dp->ops->tunnel_create(d->dp, &b, on_done, d), "tunnel_create");
	settle(d);
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

static void deleted_while_made(struct driver *d)
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

static void removal(struct driver *d)
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
		struct dp_events events = { &d, on_packet, on_batch_end };

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
	else if (!strcmp(cmd, "scale") && argc == 3)
		scale(&d, (unsigned)atoi(argv[2]));
	else if (!strcmp(cmd, "hold") && argc == 3)
		hold(&d, argv[2]);
	else if (!strcmp(cmd, "flush"))
		flush(&d);
	else
		return fprintf(stderr, "usage: dp-driver properties NETNS|anyaddress NETNS|scale N|hold FILE|flush|missing|fences\n"), 2;
	return failures ? 1 : 0;
}
