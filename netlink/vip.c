/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual addresses by rtnetlink; gratuitous ARP (RFC 5227 section 3) and
 * unsolicited neighbour advertisements (RFC 4861 section 7.2.6).
 *
 * Owns: its rtnetlink socket, a packet and an ICMPv6 socket to announce with,
 * the repetitions under way.  Called by the kernel back end.
 *
 * Prefix: if the interface has an address of its own in the same network, the
 * VIP is added as a host address (/32, /128).  Then it can never become the
 * primary address of that network, whose deletion would take the node's own
 * address along, and no connected route is touched.  Otherwise the VIP brings
 * its network and the connected route is its own.
 *
 * Announcements leave by AF_PACKET, where the fence does not see them, so
 * each one asks first whether the lease still holds: a process that was
 * frozen must not claim the address when it wakes up.
 */
#include "netlink/vip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "daemon/log.h"
#include "netlink/fence.h"
#include "netlink/nlq.h"

/* seconds after the address was added; the first is sent at once */
static const double announce_at_s[] = { 0, 0.1, 0.4, 1.0, 3.0 };
#define ANNOUNCEMENTS (sizeof(announce_at_s) / sizeof(announce_at_s[0]))

struct announce {
	struct vips *v;
	struct announce *next, **pprev;
	struct dp_vip vip;
	unsigned sent;
	ev_timer timer;
};
struct vips {
	struct ev_loop *loop;
	const struct fence *fence;
	struct nlq *nl;
	int packet_fd, icmp6_fd;	/* icmp6_fd -1: no IPv6 here */
	struct announce *announcing;
	struct op *ops, **ops_tail;	/* the first is under way, the others wait */
};
/* One vips_add or vips_del: as many jobs as addresses. */
struct op {
	struct vips *v;
	struct op *next;
	bool add;
	unsigned left;		/* jobs under way */
	int error;		/* the first */
	dp_done_fn done;
	void *arg;
	size_t count;
	struct dp_vip vips[];
};
struct job {
	struct op *op;
	struct dp_vip vip;
	unsigned ifindex;
	bool covered;		/* the interface has another address in the same network */
	bool retried;
};

/* ---- announcing ------------------------------------------------------ */

static void send_arp(struct vips *v, const struct dp_vip *vip, unsigned ifindex)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = (int)ifindex, .sll_halen = ETH_ALEN };
	struct ether_arp arp = {
		.ea_hdr = { htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST) },
	};
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", vip->ifname);
	if (ioctl(v->packet_fd, SIOCGIFHWADDR, &ifr) < 0 || ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return;		/* nobody there to tell (loopback, point to point) */
	memcpy(arp.arp_sha, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(arp.arp_spa, vip->addr.addr, 4);
	memcpy(arp.arp_tpa, vip->addr.addr, 4);
	memset(to.sll_addr, 0xff, ETH_ALEN);
	if (sendto(v->packet_fd, &arp, sizeof(arp), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("vip: gratuitous ARP on %s: %s", vip->ifname, strerror(errno));
}

/* A neighbour advertisement without the router flag would make hosts forget us as their router. */
static bool is_router6(const char *ifname)
{
	char path[64], c = '0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", ifname);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = '0';
	close(fd);
	return c != '0';
}

static void send_na(struct vips *v, const struct dp_vip *vip, unsigned ifindex)
{
	struct {
		struct nd_neighbor_advert na;
		struct nd_opt_hdr opt;
		uint8_t mac[ETH_ALEN];
	} pkt = { 0 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = ifindex };
	struct in6_pktinfo info = { .ipi6_ifindex = ifindex };
	union {
		struct cmsghdr hdr;
		uint8_t buf[CMSG_SPACE(sizeof(info))];
	} control = { 0 };
	struct iovec iov = { &pkt, sizeof(pkt) };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control.buf, .msg_controllen = sizeof(control.buf) };
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", vip->ifname);
	if (v->icmp6_fd < 0 || ioctl(v->packet_fd, SIOCGIFHWADDR, &ifr) < 0 ||
	    ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return;
	pkt.na.nd_na_type = ND_NEIGHBOR_ADVERT;
	pkt.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE | (is_router6(vip->ifname) ? ND_NA_FLAG_ROUTER : 0);
	memcpy(&pkt.na.nd_na_target, vip->addr.addr, 16);
	pkt.opt.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	pkt.opt.nd_opt_len = 1;
	memcpy(pkt.mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	memcpy(&info.ipi6_addr, vip->addr.addr, 16);
	control.hdr = (struct cmsghdr){ CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO };
	memcpy(CMSG_DATA(&control.hdr), &info, sizeof(info));
	if (sendmsg(v->icmp6_fd, &msg, MSG_DONTWAIT) < 0)
		log_debug("vip: neighbour advertisement on %s: %s", vip->ifname, strerror(errno));
}

static void announce_free(struct announce *a)
{
	ev_timer_stop(a->v->loop, &a->timer);
	*a->pprev = a->next;
	if (a->next)
		a->next->pprev = a->pprev;
	free(a);
}

/* Sends one; frees `a` after the last. */
static void announce_step(struct announce *a)
{
	unsigned ifindex = if_nametoindex(a->vip.ifname);

	if (!ifindex || !fence_is_open(a->v->fence, &a->vip.addr)) {
		announce_free(a);
		return;
	}
	if (a->vip.addr.family == 6)
		send_na(a->v, &a->vip, ifindex);
	else
		send_arp(a->v, &a->vip, ifindex);
	if (++a->sent == ANNOUNCEMENTS) {
		announce_free(a);
		return;
	}
	ev_timer_set(&a->timer, announce_at_s[a->sent] - announce_at_s[a->sent - 1], 0.);
	ev_timer_start(a->v->loop, &a->timer);
}

static void on_announce(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	announce_step(w->data);
}

static void hush(struct vips *v, const struct l2tp_endpoint *addr)
{
	struct announce *a, *next;

	for (a = v->announcing; a; a = next) {
		next = a->next;
		if (endpoint_addr_equal(&a->vip.addr, addr))
			announce_free(a);
	}
}

static void announce(struct vips *v, const struct dp_vip *vip)
{
	struct announce *a;

	hush(v, &vip->addr);
	a = calloc(1, sizeof(*a));
	if (!a) {
		log_errorx("vip: out of memory, not announced");
		return;
	}
	a->v = v;
	a->vip = *vip;
	a->next = v->announcing;
	if (a->next)
		a->next->pprev = &a->next;
	a->pprev = &v->announcing;
	v->announcing = a;
	ev_init(&a->timer, on_announce);
	a->timer.data = a;
	announce_step(a);
}

void vips_hush(struct vips *v, const struct dp_vip *vips, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		hush(v, &vips[i].addr);
}

/* ---- rtnetlink ------------------------------------------------------- */

static unsigned addr_bits(const struct dp_vip *vip)
{
	return vip->addr.family == 6 ? 128 : 32;
}

static bool same_network(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) & (uint8_t)(0xff << (8 - rest)));
}

static struct nl_msg *addr_msg(const struct job *j, uint16_t type, uint16_t flags, unsigned prefix_len)
{
	struct ifaddrmsg ifa = {
		.ifa_family = j->vip.addr.family == 6 ? AF_INET6 : AF_INET,
		.ifa_prefixlen = (uint8_t)prefix_len,
		.ifa_flags = type == RTM_NEWADDR && j->vip.addr.family == 6 ? IFA_F_NODAD : 0,
		.ifa_index = j->ifindex,
	};
	struct ifa_cacheinfo life = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO) < 0)
		goto fail;
	if (type == RTM_GETADDR)
		return msg;
	if (nla_put(msg, IFA_LOCAL, (int)addr_bits(&j->vip) / 8, j->vip.addr.addr) < 0)
		goto fail;
	/* deprecated from the start: not to be the source of what this node sends on its own account */
	if (type == RTM_NEWADDR && j->vip.addr.family == 6 && nla_put(msg, IFA_CACHEINFO, sizeof(life), &life) < 0)
		goto fail;
	/* without it, the kernel deletes an IPv4 address whatever its prefix */
	if (type == RTM_NEWADDR && nla_put(msg, IFA_ADDRESS, (int)addr_bits(&j->vip) / 8, j->vip.addr.addr) < 0)
		goto fail;
	return msg;
fail:
	nlmsg_free(msg);
	return NULL;
}

static void op_end(struct op *op);

static void job_end(struct job *j, int error)
{
	struct op *op = j->op;
	char text[ENDPOINT_TEXT_MAX];

	if (error) {
		log_warnx("vip: %s on %s: %s", endpoint_format(&j->vip.addr, false, text), j->vip.ifname,
			  strerror(-error));
		if (!op->error)
			op->error = error;
	}
	free(j);
	if (!--op->left)
		op_end(op);
}

static void on_added(void *arg, int error)
{
	struct job *j = arg;

	if (error == -EEXIST)
		error = 0;
	if (!error)
		announce(j->op->v, &j->vip);
	job_end(j, error);
}

static void on_address(void *arg, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);
	struct job *j = arg;
	struct l2tp_endpoint ep = { .family = j->vip.addr.family };
	struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != j->ifindex)
		return;
	attr = nlmsg_find_attr((struct nlmsghdr *)nlh, sizeof(*ifa), IFA_LOCAL);
	if (!attr)
		attr = nlmsg_find_attr((struct nlmsghdr *)nlh, sizeof(*ifa), IFA_ADDRESS);
	if (!attr || nla_len(attr) != (int)addr_bits(&j->vip) / 8)
		return;
	memcpy(ep.addr, nla_data(attr), (size_t)nla_len(attr));
	if (ifa->ifa_prefixlen < addr_bits(&j->vip) && !endpoint_addr_equal(&ep, &j->vip.addr) &&
	    !fence_declared(j->op->v->fence, &ep) && same_network(ep.addr, j->vip.addr.addr, ifa->ifa_prefixlen))
		j->covered = true;
}

static void on_addresses(void *arg, int error)
{
	struct job *j = arg;
	unsigned len = j->covered || !j->vip.prefix_len ? addr_bits(&j->vip) : j->vip.prefix_len;

	if (!error)
		error = nlq_request(j->op->v->nl, addr_msg(j, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, len),
				    NULL, on_added, j);
	if (error)
		job_end(j, error);
}

static void on_deleted(void *arg, int error)
{
	struct job *j = arg;

	/* IPv6 wants the exact prefix: that of a host first, then the configured one */
	if (error == -EADDRNOTAVAIL && j->vip.addr.family == 6 && !j->retried) {
		j->retried = true;
		error = nlq_request(j->op->v->nl, addr_msg(j, RTM_DELADDR, 0, j->vip.prefix_len), NULL, on_deleted, j);
		if (!error)
			return;
	}
	job_end(j, error == -EADDRNOTAVAIL || error == -ENODEV ? 0 : error);
}

static void on_failed_start(void *arg, int error)
{
	(void)error;
	job_end(arg, -ENODEV);
}

/* 0: its end will be told by op_end. */
static int op_start(struct op *op)
{
	size_t i;

	for (i = 0; i < op->count; i++) {
		struct job *j = calloc(1, sizeof(*j));
		nlq_done_fn next = on_deleted;
		struct nl_msg *msg;

		if (!j)
			break;
		j->op = op;
		j->vip = op->vips[i];
		j->ifindex = if_nametoindex(j->vip.ifname);
		if (op->add)
			next = j->ifindex ? on_addresses : on_failed_start;
		/* without the interface, any request the kernel answers will do: no callback from inside the call */
		if (next == on_addresses)
			msg = addr_msg(j, RTM_GETADDR, NLM_F_DUMP, 0);
		else
			msg = addr_msg(j, RTM_DELADDR, 0, addr_bits(&j->vip));
		if (nlq_request(op->v->nl, msg, on_address, next, j)) {
			free(j);
			break;
		}
		op->left++;
	}
	if (!op->add)	/* an add before us in the queue may have begun to announce */
		vips_hush(op->v, op->vips, op->count);
	if (op->left < op->count)
		op->error = -ENOMEM;
	return op->left ? 0 : -ENOMEM;
}

static void op_unlink(struct op *op)
{
	struct vips *v = op->v;

	v->ops = op->next;
	if (!v->ops)
		v->ops_tail = &v->ops;
}

static void op_end(struct op *op)
{
	struct vips *v = op->v;

	op_unlink(op);
	/* the next first: `done` may ask for more */
	while (v->ops && op_start(v->ops)) {
		struct op *failed = v->ops;

		op_unlink(failed);
		if (failed->done)
			failed->done(failed->arg, -ENOMEM);
		free(failed);
	}
	if (op->done)
		op->done(op->arg, op->error);
	free(op);
}

/* In order: the address is there after add, delete, add, whatever each of them takes. */
static int start(struct vips *v, const struct dp_vip *vips, size_t count, bool add, dp_done_fn done, void *arg)
{
	struct op *op;

	if (!count)
		return -EINVAL;
	op = calloc(1, sizeof(*op) + count * sizeof(*vips));
	if (!op)
		return -ENOMEM;
	op->v = v;
	op->add = add;
	op->done = done;
	op->arg = arg;
	op->count = count;
	memcpy(op->vips, vips, count * sizeof(*vips));
	if (!v->ops && op_start(op)) {
		free(op);
		return -ENOMEM;
	}
	*v->ops_tail = op;
	v->ops_tail = &op->next;
	return 0;
}

int vips_add(struct vips *v, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	return start(v, vips, count, true, done, arg);
}

int vips_del(struct vips *v, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	vips_hush(v, vips, count);
	return start(v, vips, count, false, done, arg);
}

/* ---- life ------------------------------------------------------------ */

static int open_icmp6(void)
{
	struct icmp6_filter none;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	int hops = 255;

	if (fd < 0)
		return -1;
	ICMP6_FILTER_SETBLOCKALL(&none);
	setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &none, sizeof(none));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
	return fd;
}

struct vips *vips_new(struct ev_loop *loop, const struct fence *fence, char why[256])
{
	struct vips *v = calloc(1, sizeof(*v));

	if (!v) {
		snprintf(why, 256, "out of memory");
		return NULL;
	}
	v->loop = loop;
	v->fence = fence;
	v->ops_tail = &v->ops;
	v->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	v->icmp6_fd = open_icmp6();
	/* one request at a time: dumps, and the order of add and delete */
	v->nl = v->packet_fd < 0 ? NULL : nlq_new(loop, NETLINK_ROUTE, 1, "route");
	if (v->nl)
		return v;
	snprintf(why, 256, "cannot open %s to announce addresses: %s",
		 v->packet_fd < 0 ? "a packet socket (module af_packet)" : "rtnetlink", strerror(errno));
	vips_free(v);
	return NULL;
}

void vips_free(struct vips *v)
{
	struct op *op;

	if (!v)
		return;
	while (v->announcing)
		announce_free(v->announcing);
	nlq_free(v->nl);
	while ((op = v->ops)) {
		op_unlink(op);
		free(op);
	}
	if (v->packet_fd >= 0)
		close(v->packet_fd);
	if (v->icmp6_fd >= 0)
		close(v->icmp6_fd);
	free(v);
}
