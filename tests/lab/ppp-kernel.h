/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For ppp-driver.c: what sessions cost the kernel and nobody else.  Tunnels,
 * sessions and their sockets are made as the daemon makes them, one after the
 * other; channel, unit, address and "up" by one process for each session, side
 * by side, with the fewest calls that do it.  The processes stand ready before
 * the clock starts: to make processes is not to make sessions.
 */
#ifndef TESTS_LAB_PPP_KERNEL_H
#define TESTS_LAB_PPP_KERNEL_H

#include "pppd-plugin/proto.h"
#include "tests/lab/ppp-driver.h"

#include <linux/if_link.h>
#include <linux/ppp-ioctl.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

struct kernel_worker {
	int sock;
	pid_t pid;
};

static void kernel_request(int sock, const struct nlmsghdr *nh)
{
	struct {
		struct nlmsghdr nh;
		struct nlmsgerr err;
		char rest[512];
	} answer;

	do {
		if (send(sock, nh, nh->nlmsg_len, 0) < 0 || recv(sock, &answer, sizeof(answer), 0) < 0)
			fail("rtnetlink: %s", strerror(errno));
	} while (answer.err.error == -EBUSY && !usleep(1000));
	if (answer.err.error)
		fail("rtnetlink: %s", strerror(-answer.err.error));
}

struct kernel_message {
	struct nlmsghdr nh;
	union {
		struct ifinfomsg ifi;
		struct ifaddrmsg ifa;
		char room[256];
	};
};

static struct rtattr *kernel_attr(struct kernel_message *m, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->nh.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->nh.nlmsg_len = NLMSG_ALIGN(m->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void kernel_unit(int sock, int dev_fd, const char *name)
{
	struct kernel_message m = { .nh = { NLMSG_LENGTH(sizeof(m.ifi)), RTM_NEWLINK,
					    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0, 0 } };
	struct rtattr *info, *data;

	kernel_attr(&m, IFLA_IFNAME, name, strlen(name) + 1);
	info = kernel_attr(&m, IFLA_LINKINFO, NULL, 0);
	kernel_attr(&m, IFLA_INFO_KIND, "ppp", 3);
	data = kernel_attr(&m, IFLA_INFO_DATA, NULL, 0);
	kernel_attr(&m, IFLA_PPP_DEV_FD, &dev_fd, sizeof(dev_fd));
	data->rta_len = (char *)&m + m.nh.nlmsg_len - (char *)data;
	info->rta_len = (char *)&m + m.nh.nlmsg_len - (char *)info;
	kernel_request(sock, &m.nh);
}

static void kernel_address(int sock, int ifindex, uint32_t local, uint32_t peer)
{
	struct kernel_message m = { .nh = { NLMSG_LENGTH(sizeof(m.ifa)), RTM_NEWADDR,
					    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0, 0 },
				    .ifa = { .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = ifindex } };

	kernel_attr(&m, IFA_LOCAL, &local, sizeof(local));
	kernel_attr(&m, IFA_ADDRESS, &peer, sizeof(peer));
	kernel_request(sock, &m.nh);
}

static void kernel_call(const char *what, int rc)
{
	if (rc < 0)
		fail("%s: %s", what, strerror(errno));
}

/* One session from its pppox socket on; what pppd and the plugin ask of the kernel, no more. */
static void kernel_session(int fd, unsigned int i)
{
	int index, channel, dev, unit, sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct npioctl np = { PPP_IP, NPMODE_PASS };
	struct ifreq ifr = { .ifr_mtu = 1460 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "bare%u", i);
	kernel_call("GCHAN", ioctl(fd, PPPIOCGCHAN, &index));
	channel = open("/dev/ppp", O_RDWR | O_CLOEXEC);
	kernel_call("ATTCHAN", ioctl(channel, PPPIOCATTCHAN, &index));
	dev = open("/dev/ppp", O_RDWR | O_CLOEXEC);
	kernel_unit(sock, dev, ifr.ifr_name);
	kernel_call("GUNIT", ioctl(dev, PPPIOCGUNIT, &unit));
	kernel_call("CONNECT", ioctl(channel, PPPIOCCONNECT, &unit));
	kernel_call("MTU", ioctl(fd, SIOCSIFMTU, &ifr));
	kernel_call("index", ioctl(fd, SIOCGIFINDEX, &ifr));
	kernel_address(sock, ifr.ifr_ifindex, inet_addr("10.9.0.1"), htonl(0x0a0a0000 + i + 1));
	ifr.ifr_flags = IFF_UP | IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	kernel_call("up", ioctl(fd, SIOCSIFFLAGS, &ifr));
	kernel_call("NPMODE", ioctl(dev, PPPIOCSNPMODE, &np));
}

static void __attribute__((noreturn)) kernel_work(int sock, unsigned int i)
{
	int fds[PROTO_FDS_MAX];
	size_t n_fds;
	uint8_t c;

	if (proto_recv(sock, &c, 1, fds, &n_fds) != 1 || n_fds != 1)
		_exit(0);
	kernel_session(fds[0], i);
	if (write(sock, "u", 1) != 1)
		_exit(1);
	if (read(sock, &c, 1) < 0)	/* until it is over */
		_exit(1);
	_exit(0);
}

/* N sessions in T tunnels; the tunnels differ by the peer's port. */
static int kernel_rate(unsigned int n, unsigned int tunnels)
{
	struct kernel_worker *workers = calloc(n, sizeof(*workers));
	struct timespec from, to;
	unsigned int i;
	char c;

	enter(&lns);
	for (i = 0; i < n; i++) {
		int sv[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0)
			fail("socketpair: %s", strerror(errno));
		fflush(stdout);
		workers[i].pid = fork();
		if (!workers[i].pid) {
			close(sv[0]);
			kernel_work(sv[1], i);
		}
		close(sv[1]);
		fcntl(sv[0], F_SETFD, FD_CLOEXEC);
		workers[i].sock = sv[0];
	}
	usleep(500000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++) {
		int fd;

		if (i % ((n + tunnels - 1) / tunnels) == 0) {
			lns.tunnel = TUNNEL_LNS + i;
			lns.peer_port = 1701 + i;
			tunnel_open(&lns);
		}
		fd = session_open(&lns, 100 + i);
		proto_send(workers[i].sock, (const uint8_t *)"s", 1, &fd, 1);
	}
	for (i = 0; i < n; i++)
		if (read(workers[i].sock, &c, 1) != 1)
			fail("session %u", i);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("kernel alone: %u sessions in %u tunnels, all in place in %.4f s\n", n, tunnels,
	       to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9);
	for (i = 0; i < n; i++)
		kill(workers[i].pid, SIGKILL);
	for (i = 0; i < n; i++)
		waitpid(workers[i].pid, NULL, 0);
	free(workers);
	return 0;
}

#endif
