// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sockets of tunnels, real ones, in a network namespace of our own: the
 * packets have the type of service and the checksum that the tunnel says,
 * over IPv4 and IPv6, and without checksums those of the peer need none.
 */
#include <check.h>
#include <errno.h>
#include <ev.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink/twin.h"
#include "netlink/udp.h"
#include "tests/unit/check_main.h"

#define PEER_PORT 11701

static struct ev_loop *loop;
static struct udp *udp;
static unsigned received;

static void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	(void)ctx, (void)local, (void)data;
	received += peer->port == PEER_PORT && len == 4;
}

/* Not as root and without user namespaces there is nothing to look at. */
static bool alone(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		fprintf(stderr, "no network namespace (%s): not looked at\n", strerror(errno));
		return false;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
	return true;
}

static int peer_socket(bool six, bool unchecked)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(PEER_PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(PEER_PORT), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval wait = { .tv_usec = 200000 };
	int fd = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	ck_assert_int_eq(bind(fd, six ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4, six ? sizeof(a6) : sizeof(a4)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	ck_assert_int_eq(setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_RECVTCLASS : IP_RECVTOS, &one, sizeof(one)), 0);
	if (unchecked)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &one, sizeof(one)), 0);
	return fd;
}

/* The type of service of the next packet; -1: none came. */
static int heard(int fd)
{
	char data[16];
	union {
		struct cmsghdr align;
		uint8_t buf[64];
	} control;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c;
	int tos = 0;

	if (recvmsg(fd, &msg, 0) < 0)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	ck_assert_ptr_nonnull(c);
	if (c->cmsg_type == IPV6_TCLASS && c->cmsg_level == IPPROTO_IPV6)
		memcpy(&tos, CMSG_DATA(c), sizeof(tos));
	else
		tos = *CMSG_DATA(c);
	return tos;
}

static struct dp_tunnel tunnel_of(bool six, uint8_t tos, bool no_checksum)
{
	struct dp_tunnel t = { .local_id = 1, .peer_id = 1, .tos = tos, .no_checksum = no_checksum };

	ck_assert(!endpoint_parse(&t.local, six ? "::1" : "127.0.0.1"));
	t.peer = t.local;
	t.local.port = L2TP_PORT;
	t.peer.port = PEER_PORT;
	return t;
}

static void setup(void)
{
	struct dp_events events = { .packet = on_packet };

	loop = ev_loop_new(EVFLAG_AUTO);
	udp = udp_new(loop, &events);
	received = 0;
}

static void teardown(void)
{
	udp_free(udp);
	ev_loop_destroy(loop);
}

START_TEST(type_of_service)
{
	bool six = _i;
	struct dp_tunnel t = tunnel_of(six, 184, false);
	struct udp_sock *s;
	int peer;

	if (!alone())
		return;
	peer = peer_socket(six, false);
	s = udp_connect(udp, &t);
	ck_assert_msg(s != NULL, "%s", strerror(errno));
	ck_assert_int_eq(udp_sock_send(s, (const uint8_t *)"data", 4), 0);
	ck_assert_int_eq(heard(peer), 184);
	close(peer);
}
END_TEST

/* Over IPv6 a receiver takes a packet without a checksum only if it was told to. */
START_TEST(without_checksum)
{
	bool told = _i & 1, no_checksum = _i & 2;
	struct dp_tunnel t = tunnel_of(true, 0, no_checksum);
	struct udp_sock *s;
	int peer, one = 1;

	if (!alone())
		return;
	peer = peer_socket(true, told);
	s = udp_connect(udp, &t);
	ck_assert_msg(s != NULL, "%s", strerror(errno));
	ck_assert_int_eq(udp_sock_send(s, (const uint8_t *)"data", 4), 0);
	ck_assert_int_eq(heard(peer), no_checksum && !told ? -1 : 0);
	/* and the other way */
	if (told)
		ck_assert_int_eq(setsockopt(peer, IPPROTO_UDP, UDP_NO_CHECK6_TX, &one, sizeof(one)), 0);
	{
		struct sockaddr_storage ss;
		socklen_t len = udp_sockaddr(&ss, &t.local, L2TP_PORT);

		ck_assert_int_eq(sendto(peer, "data", 4, 0, (struct sockaddr *)&ss, len), 4);
	}
	ev_run(loop, EVRUN_NOWAIT);
	ck_assert_uint_eq(received, !told || no_checksum);
	close(peer);
}
END_TEST

static uint16_t port_of(int fd)
{
	struct l2tp_endpoint ep;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	ck_assert(udp_endpoint(&ep, &ss));
	return ep.port;
}

/* A data packet of the peer for tunnel `id`, with a length or without: which of the sockets gets it? */
static bool reaches(int peer, const struct dp_tunnel *t, uint16_t id, bool length, const struct udp_sock *s)
{
	uint8_t data[12] = { length ? 0x40 : 0, 2 }, got[16], *at = data + 2;
	struct sockaddr_storage ss;
	socklen_t len = udp_sockaddr(&ss, &t->local, L2TP_PORT);

	if (length) {
		at[1] = sizeof(data);
		at += 2;
	}
	at[0] = (uint8_t)(id >> 8);
	at[1] = (uint8_t)id;
	ck_assert_int_eq(sendto(peer, data, sizeof(data), 0, (struct sockaddr *)&ss, len), sizeof(data));
	return recv(udp_fd(s), got, sizeof(got), MSG_DONTWAIT) == sizeof(data) && !memcmp(got, data, sizeof(data));
}

static void count(void *ctx, uint16_t tunnel_id)
{
	*(unsigned *)ctx += tunnel_id;
}

static unsigned ids_with_rules(void)
{
	unsigned sum = 0;

	twin_each(count, &sum);
	return sum;
}

/* Two tunnels between the same addresses and ports: each hears its data, and the peer sees one port. */
START_TEST(twins)
{
	bool six = _i & 1, unchecked = _i & 2;
	struct dp_tunnel first = tunnel_of(six, 0, unchecked), second = first;
	struct dp_events events = { .packet = on_packet };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct l2tp_endpoint from;
	struct udp_sock *a, *b;
	struct udp *after;
	int peer, fd, one = 1, i;
	char data[16];

	if (!alone())
		return;
	udp_set_apart(udp, true);
	second.local_id = 0x1234;
	peer = peer_socket(six, unchecked);
	if (unchecked)
		ck_assert_int_eq(six ? setsockopt(peer, IPPROTO_UDP, UDP_NO_CHECK6_TX, &one, sizeof(one)) :
				       setsockopt(peer, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one)), 0);
	a = udp_connect(udp, &first);
	b = udp_connect(udp, &second);
	ck_assert(a && b);
	ck_assert_uint_eq(port_of(udp_fd(a)), L2TP_PORT);
	ck_assert_uint_ne(port_of(udp_fd(b)), L2TP_PORT);
	ck_assert_uint_eq(ids_with_rules(), 0x1234);
	for (i = 0; i < 2; i++) {
		ck_assert(reaches(peer, &first, 1, i, a));
		ck_assert(reaches(peer, &first, 0x1234, i, b));
		ck_assert(!reaches(peer, &first, 0x1235, i, b));
		ck_assert_int_eq(recv(udp_fd(a), data, sizeof(data), MSG_DONTWAIT), 12);
	}
	ck_assert_int_eq(udp_sock_send(b, (const uint8_t *)"data", 4), 0);
	ck_assert_int_eq(recvfrom(peer, data, sizeof(data), 0, (struct sockaddr *)&ss, &len), 4);
	ck_assert(udp_endpoint(&from, &ss));
	ck_assert_uint_eq(from.port, L2TP_PORT);
	/* a daemon that is restarted in place finds it as it was */
	fd = dup(udp_fd(b));
	after = udp_new(loop, &events);
	udp_set_apart(after, true);
	udp_free(udp);
	udp = after;
	ck_assert_uint_eq(ids_with_rules(), 0x1234);
	b = udp_adopt(udp, &second, fd);
	ck_assert_msg(b != NULL, "%s", strerror(errno));
	ck_assert(reaches(peer, &first, 0x1234, true, b));
	udp_close(b);
	ck_assert_uint_eq(ids_with_rules(), 0);
	close(peer);
}
END_TEST

/* What a daemon left behind takes nothing away from a tunnel of the same number. */
START_TEST(rules_of_the_daemon_before)
{
	struct dp_tunnel first = tunnel_of(false, 0, false), second = first;
	struct dp_events events = { .packet = on_packet };
	struct udp_sock *s;
	int peer;

	if (!alone())
		return;
	udp_set_apart(udp, true);
	second.local_id = 2;
	ck_assert(udp_connect(udp, &first) && udp_connect(udp, &second));
	udp_free(udp);
	udp = udp_new(loop, &events);
	udp_set_apart(udp, true);
	peer = peer_socket(false, false);
	s = udp_connect(udp, &second);
	ck_assert(s && reaches(peer, &second, 2, false, s));
	ck_assert_uint_eq(ids_with_rules(), 0);
	close(peer);
}
END_TEST

START_TEST(without_checksum_over_ipv4)
{
	struct dp_tunnel t = tunnel_of(false, 0, true);
	struct udp_sock *s;
	socklen_t len = sizeof(int);
	int peer, off = 0;

	if (!alone())
		return;
	peer = peer_socket(false, false);
	s = udp_connect(udp, &t);
	ck_assert_msg(s != NULL, "%s", strerror(errno));
	ck_assert_int_eq(udp_sock_send(s, (const uint8_t *)"data", 4), 0);
	ck_assert_int_eq(heard(peer), 0);
	ck_assert_int_eq(getsockopt(udp_fd(s), SOL_SOCKET, SO_NO_CHECK, &off, &len), 0);
	ck_assert_int_eq(off, 1);
	close(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp");
	TCase *tc = tcase_create("udp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, type_of_service, 0, 2);
	tcase_add_loop_test(tc, without_checksum, 0, 4);
	tcase_add_test(tc, without_checksum_over_ipv4);
	tcase_add_loop_test(tc, twins, 0, 4);
	tcase_add_test(tc, rules_of_the_daemon_before);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
