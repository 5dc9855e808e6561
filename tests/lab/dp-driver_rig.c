// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every property of dp-driver stands on: the loop and how long it was
 * busy, the data plane under test, and the other end of the wire.  The peer is
 * this process too: it enters the peer's namespace to open a socket there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/ppp-ioctl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "netlink/kernel.h"
#include "tests/lab/dp-driver.h"

static unsigned failures;

unsigned check_failures(void)
{
	return failures;
}

double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

void die(const char *what)
{
	fprintf(stderr, "dp-driver: %s: %s\n", what, strerror(errno));
	exit(2);
}

void check(bool ok, const char *fmt, ...)
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

void run_for(struct driver *d, double ms)
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
double settle(struct driver *d)
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

void on_done(void *arg, int error)
{
	struct driver *d = arg;

	d->pending--;
	ev_idle_start(d->loop, &d->wake);
	d->last_error = error;
	if (error)
		d->errors++;
}

void must(struct driver *d, int e, const char *what)
{
	if (e) {
		errno = -e;
		die(what);
	}
	d->pending++;
}

void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
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

void on_batch_end(void *ctx)
{
	((struct driver *)ctx)->batches++;
}

/* ---- the peer -------------------------------------------------------- */

void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		die("setns");
}

struct l2tp_endpoint ep(const char *text, uint16_t port)
{
	struct l2tp_endpoint e = { .port = port };

	if (endpoint_parse(&e, text))
		die(text);
	return e;
}

static socklen_t sockaddr(struct sockaddr_storage *ss, const char *addr, uint16_t port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (strchr(addr, ':')) {
		*sin6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		inet_pton(AF_INET6, addr, &sin6->sin6_addr);
		return sizeof(*sin6);
	}
	*sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	inet_pton(AF_INET, addr, &sin->sin_addr);
	return sizeof(*sin);
}

int peer_socket_at(const struct driver *d, const char *addr, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr(&ss, addr, port);
	int fd, one = 1;

	enter(d->peer_ns);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, len) < 0)
		die("socket of the peer");
	enter(d->own_ns);
	return fd;
}

int peer_socket(const struct driver *d, uint16_t port)
{
	return peer_socket_at(d, "10.9.0.2", port);
}

void peer_send_to(int fd, const char *addr, const void *data, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = sockaddr(&ss, addr, 1701);

	sendto(fd, data, len, 0, (struct sockaddr *)&ss, ss_len);
}

void peer_send(int fd, const void *data, size_t len)
{
	peer_send_to(fd, "10.9.0.100", data, len);
}

void open_sniffer(struct driver *d)
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
unsigned heard(struct driver *d)
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
void peer_asks_arp(struct driver *d)
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

void on_session(void *arg, int error, int session_fd, int tunnel_fd)
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

struct dp_tunnel tunnel_conf(const struct driver *d, uint16_t tid, uint16_t peer_port)
{
	return (struct dp_tunnel){ .local_id = tid, .peer_id = (uint16_t)(tid + 1000), .local = d->vips[0].addr,
				   .peer = ep("10.9.0.2", peer_port) };
}

void ask_session(struct driver *d, const struct dp_tunnel *t, uint16_t sid)
{
	struct dp_session s = { .tunnel_id = t->local_id, .local_id = sid, .peer_tunnel_id = t->peer_id,
				.peer_id = (uint16_t)(sid + 2000), .local = t->local, .peer = t->peer, .lns_mode = true };

	must(d, d->dp->ops->session_create(d->dp, &s, on_session, d), "session_create");
}

/* A PPP channel on the session, to send frames through as pppd would. */
int attach(int session_fd)
{
	int chan, fd;

	if (ioctl(session_fd, PPPIOCGCHAN, &chan) < 0)
		die("PPPIOCGCHAN");
	fd = open("/dev/ppp", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, PPPIOCATTCHAN, &chan) < 0)
		die("/dev/ppp");
	return fd;
}

void ppp_send(int channel)
{
	static const uint8_t frame[] = { 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4 };	/* an LCP Echo-Request */

	/* mute is not an error, so the result says nothing */
	if (write(channel, frame, sizeof(frame)) < 0 && errno != EAGAIN && errno != EPERM && errno != ENOBUFS)
		log_debug("ppp: %s", strerror(errno));
}

void say_hello(struct driver *d, uint16_t tid, uint16_t peer_port)
{
	static const uint8_t zlb[12] = { 0xc8, 2, 0, 12 };
	struct l2tp_endpoint peer = ep("10.9.0.2", peer_port);

	d->dp->ops->send(d->dp, tid, &d->vips[0].addr, &peer, zlb, sizeof(zlb));
}

void lease(struct driver *d, uint32_t ms)
{
	must(d, d->dp->ops->lease(d->dp, d->vips, 2, ms, on_done, d), "lease");
}

void fence(struct driver *d)
{
	must(d, d->dp->ops->fence(d->dp, d->vips, 2, on_done, d), "fence");
}

void setup(struct driver *d, bool declare, bool listen)
{
	struct dp_events events = { .ctx = d, .packet = on_packet, .batch_end = on_batch_end };
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

int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
