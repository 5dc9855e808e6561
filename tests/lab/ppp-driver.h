/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For ppp-driver.c: both ends of a kernel L2TP tunnel in two namespaces,
 * Debian's pppd as subscriber, and a counter of what PPP says on the veth.
 */
#ifndef TESTS_LAB_PPP_DRIVER_H
#define TESTS_LAB_PPP_DRIVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_pppox.h>
#include <linux/l2tp.h>
#include <linux/ppp_defs.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNDIR		"/run/l2tpha-driver"
#define TUNNEL_LNS	4711
#define TUNNEL_LAC	4712
#define LNS_IP		"192.0.2.1"
#define LAC_IP		"192.0.2.2"
#define USER		"alice"
#define SECRET		"wonderland"

/* ---- one end of the kernel's data path ------------------------------ */

struct side {
	const char *ip, *peer_ip;
	uint16_t tunnel, peer_tunnel, peer_port;	/* port 0: 1701 */
	int netns;
	struct nl_sock *nl;
	int family;
	int udp;
};

static struct side lns = { LNS_IP, LAC_IP, TUNNEL_LNS, TUNNEL_LAC, 0, -1, NULL, 0, -1 };
static struct side lac = { LAC_IP, LNS_IP, TUNNEL_LAC, TUNNEL_LNS, 0, -1, NULL, 0, -1 };

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("FAIL: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail("%s", cmd);
}

static void enter(const struct side *s)
{
	if (setns(s->netns, CLONE_NEWNET) < 0)
		fail("setns: %s", strerror(errno));
}

static void new_netns(struct side *s)
{
	if (unshare(CLONE_NEWNET) < 0)
		fail("unshare: %s", strerror(errno));
	s->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	shell("ip link set lo up");
}

static void command(struct side *s, struct nl_msg *msg)
{
	int err, tries = 0;

	/* the kernel deletes tunnels and sessions behind the caller's back */
	do {
		nlmsg_hdr(msg)->nlmsg_seq = NL_AUTO_SEQ;
		err = nl_send_auto(s->nl, msg);
		if (err >= 0)
			err = nl_wait_for_ack(s->nl);
	} while (err == -NLE_EXIST && tries++ < 200 && !usleep(20000));
	nlmsg_free(msg);
	/* a session is gone with its last pppox socket, a tunnel with its last UDP one */
	if (err < 0 && err != -NLE_NODEV && err != -NLE_OBJ_NOTFOUND)
		fail("l2tp netlink: %s", nl_geterror(err));
}

static struct nl_msg *message(struct side *s, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, s->family, 0,
		    NLM_F_REQUEST | NLM_F_ACK, cmd, L2TP_GENL_VERSION);
	nla_put_u32(msg, L2TP_ATTR_CONN_ID, s->tunnel);
	return msg;
}

static struct sockaddr_in address(const char *ip)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(1701) };

	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

static void tunnel_open(struct side *s)
{
	struct sockaddr_in us = address(s->ip), peer = address(s->peer_ip);
	struct nl_msg *msg;
	int one = 1;

	enter(s);
	if (s->peer_port)
		peer.sin_port = htons(s->peer_port);
	if (!s->nl) {
		s->nl = nl_socket_alloc();
		if (genl_connect(s->nl) < 0)
			fail("genl_connect");
		s->family = genl_ctrl_resolve(s->nl, L2TP_GENL_NAME);
	}
	if (s->family < 0)
		fail("this kernel has no l2tp netlink");
	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(s->udp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s->udp, (struct sockaddr *)&us, sizeof(us)) < 0
	    || connect(s->udp, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		fail("udp %s: %s", s->ip, strerror(errno));
	msg = message(s, L2TP_CMD_TUNNEL_CREATE);
	nla_put_u32(msg, L2TP_ATTR_PEER_CONN_ID, s->peer_tunnel);
	nla_put_u8(msg, L2TP_ATTR_PROTO_VERSION, 2);
	nla_put_u16(msg, L2TP_ATTR_ENCAP_TYPE, L2TP_ENCAPTYPE_UDP);
	nla_put_u32(msg, L2TP_ATTR_FD, s->udp);
	command(s, msg);
}

static void tunnel_close(struct side *s)
{
	command(s, message(s, L2TP_CMD_TUNNEL_DELETE));
	close(s->udp);
	nl_socket_free(s->nl);
	s->nl = NULL;
}

/* The connected pppox socket; session IDs are equal at both ends. */
static int session_open(struct side *s, uint16_t session)
{
	struct sockaddr_pppol2tp sa = { .sa_family = AF_PPPOX,
					.sa_protocol = PX_PROTO_OL2TP };
	struct nl_msg *msg = message(s, L2TP_CMD_SESSION_CREATE);
	int fd;

	nla_put_u32(msg, L2TP_ATTR_SESSION_ID, session);
	nla_put_u32(msg, L2TP_ATTR_PEER_SESSION_ID, session);
	nla_put_u32(msg, L2TP_ATTR_PEER_CONN_ID, s->peer_tunnel);
	nla_put_u16(msg, L2TP_ATTR_PW_TYPE, L2TP_PWTYPE_PPP);
	command(s, msg);
	enter(s);
	fd = socket(AF_PPPOX, SOCK_DGRAM | SOCK_CLOEXEC, PX_PROTO_OL2TP);
	sa.pppol2tp.fd = s->udp;
	sa.pppol2tp.addr = address(s->peer_ip);
	sa.pppol2tp.s_tunnel = s->tunnel;
	sa.pppol2tp.d_tunnel = s->peer_tunnel;
	sa.pppol2tp.s_session = session;
	sa.pppol2tp.d_session = session;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail("pppox connect: %s", strerror(errno));
	return fd;
}

static void session_close(struct side *s, uint16_t session, int fd)
{
	struct nl_msg *msg = message(s, L2TP_CMD_SESSION_DELETE);

	close(fd);
	nla_put_u32(msg, L2TP_ATTR_SESSION_ID, session);
	command(s, msg);
}

static void network_up(void)
{
	new_netns(&lac);
	new_netns(&lns);
	enter(&lns);
	shell("ip link add v-lns type veth peer name v-lac");
	shell("ip link set v-lac netns /proc/%d/fd/%d", getpid(), lac.netns);
	shell("ip addr add %s/24 dev v-lns && ip link set v-lns up", lns.ip);
	enter(&lac);
	shell("ip addr add %s/24 dev v-lac && ip link set v-lac up", lac.ip);
	enter(&lns);
}

/* Debian's pppd as the subscriber. */
static pid_t subscriber(int fd, const char *user, const char *secret)
{
	char number[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	enter(&lac);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fd);
	execl("/usr/sbin/pppd", "pppd", "plugin", "pppol2tp.so", "pppol2tp",
	      number, "nodetach", "noauth", "nodefaultroute", "noipv6", "noccp",
	      "ipparam", "lab", "user", user, "password", secret, "debug",
	      "lcp-echo-interval", "0", "usepeerdns",
	      "logfile", RUNDIR "/subscriber.log", NULL);
	_exit(127);
}

/* A subscriber that goes on sending, whoever listens; ends with us or by a signal. */
static pid_t talker(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr = address("10.9.0.1").sin_addr };
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(&lac);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (;;) {
		sendto(fd, "hello", 5, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
		usleep(5000);	/* the one that watches the wire has to keep up */
	}
}

/* ---- what PPP says on the wire -------------------------------------- */

struct wire {
	int fd;
	unsigned int config, echo, terminate, auth, data, lcp;	/* lcp: those of config */
};

static void wire_open(struct wire *w)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL) };

	enter(&lns);
	memset(w, 0, sizeof(*w));
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       htons(ETH_P_ALL));
	sll.sll_ifindex = if_nametoindex("v-lns");
	if (bind(w->fd, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		fail("packet socket: %s", strerror(errno));
}

static void count_ppp(struct wire *w, const uint8_t *p, ssize_t len)
{
	uint16_t protocol;

	if (len > 4 && p[0] == 0xff && p[1] == 3) {
		p += 2;
		len -= 2;
	}
	if (len < 3)
		return;
	protocol = p[0] & 1 ? p[0] : p[0] << 8 | p[1];
	switch (protocol) {
	case 0xc021:
		if (p[2] == 9 || p[2] == 10)
			w->echo++;
		else if (p[2] == 5 || p[2] == 6)
			w->terminate++;
		else
			w->lcp++, w->config++;
		return;
	case 0xc023:
	case 0xc223:
		w->auth++;
		return;
	case 0x0021:
		w->data++;
		return;
	default:
		w->config++;
		return;
	}
}

static void wire_read(struct wire *w)
{
	uint8_t b[2048];
	ssize_t n;

	while ((n = recv(w->fd, b, sizeof(b), 0)) > 0) {
		struct iphdr *ip = (struct iphdr *)b;
		size_t at = ip->ihl * 4 + sizeof(struct udphdr);
		uint16_t flags;

		if (n < 40 || ip->version != 4 || ip->protocol != IPPROTO_UDP)
			continue;
		flags = b[at] << 8 | b[at + 1];
		if (flags & 0x8000)
			continue;
		at += 6 + (flags & 0x4000 ? 2 : 0) + (flags & 0x0800 ? 4 : 0)
			+ (flags & 0x0200 ? 2 : 0);
		if (n > (ssize_t)at)
			count_ppp(w, b + at, n - at);
	}
}

static unsigned int wire_close(struct wire *w, const char *when)
{
	wire_read(w);
	close(w->fd);
	printf("wire, %s: %u negotiation, %u authentication, %u terminate, %u echo, %u data\n",
	       when, w->config, w->auth, w->terminate, w->echo, w->data);
	return w->config + w->auth + w->terminate;
}

#endif
