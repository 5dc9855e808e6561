/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking the link who has a virtual address: ARP probes (RFC 5227 section
 * 2.1.1: sender address zero, so that no cache changes) and neighbour
 * solicitations (RFC 4861 section 7.2.2).
 *
 * Owns: the probes under way, each with its sockets.  Called by the kernel
 * back end before a takeover.
 *
 * The answer "somebody" comes with the first reply of another machine for any
 * of the addresses; "nobody" only after every question was asked several
 * times and the time is up.  A question that cannot even be sent (interface
 * down) makes it "cannot tell".  A reply with a hardware address of this
 * machine is our own.  A probe of another machine for one of the addresses is
 * noted: both may be about to take it.  Interfaces without carrier are left out; if none has it,
 * nothing can be told.
 */
#include "netlink/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
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

#include "daemon/log.h"
#include "netlink/carrier.h"
#include "netlink/worker.h"

#define QUESTIONS 3
#ifndef ND_OPT_NONCE
#define ND_OPT_NONCE 14
#endif

/* One address. */
struct target {
	struct probe *probe;
	struct dp_vip vip;
	unsigned ifindex;
	int fd;
	ev_io io;
};
struct probe {
	struct probes *all;
	struct probe *next, **pprev;
	unsigned asked;
	bool heard;		/* somebody else probes for one of them */
	int error;		/* of a question that could not be sent */
	double interval_s;
	ev_timer timer;
	dp_done_fn done;
	void *arg;
	size_t count;
	struct target targets[];
};
struct probes {
	struct ev_loop *loop;
	struct worker *worker;
	struct probe *list;
};

static void probe_free(struct probe *p)
{
	size_t i;

	ev_timer_stop(p->all->loop, &p->timer);
	for (i = 0; i < p->count; i++) {
		if (p->targets[i].fd < 0)
			continue;
		ev_io_stop(p->all->loop, &p->targets[i].io);
		/* closing a packet socket waits for a grace period */
		worker_close(p->all->worker, p->targets[i].fd);
	}
	*p->pprev = p->next;
	if (p->next)
		p->next->pprev = p->pprev;
	free(p);
}

static void probe_end(struct probe *p, int result)
{
	dp_done_fn done = p->done;
	void *arg = p->arg;

	probe_free(p);
	if (done)
		done(arg, result);
}

static bool is_own_mac(int fd, const uint8_t *mac)
{
	struct if_nameindex *all = if_nameindex(), *i;
	bool own = false;

	for (i = all; i && i->if_index && !own; i++) {
		struct ifreq ifr = { 0 };

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", i->if_name);
		own = !ioctl(fd, SIOCGIFHWADDR, &ifr) && ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER &&
		      !memcmp(ifr.ifr_hwaddr.sa_data, mac, ETH_ALEN);
	}
	if (all)
		if_freenameindex(all);
	return own;
}

static void log_answer(const struct target *t, const uint8_t *mac)
{
	char text[ENDPOINT_TEXT_MAX];

	log_debug("probe: %02x:%02x:%02x:%02x:%02x:%02x answers for %s on %s", mac[0], mac[1], mac[2], mac[3], mac[4],
		  mac[5], endpoint_format(&t->vip.addr, false, text), t->vip.ifname);
}

static void log_question(struct target *t, const uint8_t *mac)
{
	char text[ENDPOINT_TEXT_MAX];

	if (!t->probe->heard)
		log_debug("probe: %02x:%02x:%02x:%02x:%02x:%02x probes for %s on %s, too", mac[0], mac[1], mac[2], mac[3],
			  mac[4], mac[5], endpoint_format(&t->vip.addr, false, text), t->vip.ifname);
	t->probe->heard = true;
}

/* ---- ARP ------------------------------------------------------------- */

static int arp_open(unsigned ifindex)
{
	/* only ARP replies, and questions without a sender address, which are probes: the link may be busy */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REPLY, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPOP_REQUEST, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

static int arp_ask(const struct target *t)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = (int)t->ifindex, .sll_halen = ETH_ALEN };
	struct ether_arp arp = {
		.ea_hdr = { htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN, 4, htons(ARPOP_REQUEST) },
	};
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", t->vip.ifname);
	if (ioctl(t->fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EPFNOSUPPORT;
	memcpy(arp.arp_sha, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(arp.arp_tpa, t->vip.addr.addr, 4);
	memset(to.sll_addr, 0xff, ETH_ALEN);
	return sendto(t->fd, &arp, sizeof(arp), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static bool arp_answered(struct target *t)
{
	struct sockaddr_ll from = { 0 };
	struct ether_arp arp;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(t->fd, &arp, sizeof(arp), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) >= 0) {
		len = sizeof(from);
		if (n < (ssize_t)sizeof(arp) || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (ntohs(arp.arp_op) == ARPOP_REQUEST && !memcmp(arp.arp_tpa, t->vip.addr.addr, 4) &&
		    !is_own_mac(t->fd, arp.arp_sha))
			log_question(t, arp.arp_sha);
		if (ntohs(arp.arp_op) != ARPOP_REPLY || memcmp(arp.arp_spa, t->vip.addr.addr, 4) ||
		    is_own_mac(t->fd, arp.arp_sha))
			continue;
		log_answer(t, arp.arp_sha);
		return true;
	}
	return false;
}

/* ---- neighbour discovery --------------------------------------------- */

/* The group of the neighbour solicitations for an address. */
static struct in6_addr solicited_node(const uint8_t *addr)
{
	struct in6_addr group;

	inet_pton(AF_INET6, "ff02::1:ff00:0", &group);
	memcpy(&group.s6_addr[13], &addr[13], 3);
	return group;
}

static int nd_open(const char *ifname, unsigned ifindex, const uint8_t *addr)
{
	struct ipv6_mreq group = { .ipv6mr_multiaddr = solicited_node(addr), .ipv6mr_interface = ifindex };
	struct icmp6_filter filter;
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);
	int hops = 255, zero = 0, e;

	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_ADVERT, &filter);
	ICMP6_FILTER_SETPASS(ND_NEIGHBOR_SOLICIT, &filter);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname) + 1) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &zero, sizeof(zero)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

/*
 * A probe is told from the question of somebody who only wants to send by its nonce (RFC 3971 section 5.3.2), which
 * nobody needs to understand: a raw socket cannot send from the unspecified address.
 */
static const uint8_t probe_nonce[6] = { 'l', '2', 't', 'p', 'h', 'a' };

struct nd_question {
	struct nd_neighbor_solicit ns;
	struct nd_opt_hdr mac_opt;
	uint8_t mac[ETH_ALEN];
	struct nd_opt_hdr nonce_opt;
	uint8_t nonce[sizeof(probe_nonce)];
};

static int nd_ask(const struct target *t)
{
	struct nd_question pkt = { 0 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = t->ifindex };
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", t->vip.ifname);
	if (ioctl(t->fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	pkt.ns.nd_ns_type = ND_NEIGHBOR_SOLICIT;
	memcpy(&pkt.ns.nd_ns_target, t->vip.addr.addr, 16);
	pkt.mac_opt.nd_opt_type = ND_OPT_SOURCE_LINKADDR;
	pkt.nonce_opt.nd_opt_type = ND_OPT_NONCE;
	pkt.mac_opt.nd_opt_len = pkt.nonce_opt.nd_opt_len = 1;
	memcpy(pkt.mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(pkt.nonce, probe_nonce, sizeof(pkt.nonce));
	/* the solicited-node group of the target; the source is our link-local address */
	to.sin6_addr = solicited_node(t->vip.addr.addr);
	return sendto(t->fd, &pkt, sizeof(pkt), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static bool nd_answered(struct target *t)
{
	union {
		struct {
			struct nd_neighbor_advert na;
			struct nd_opt_hdr opt;
			uint8_t mac[ETH_ALEN];
		};
		struct nd_question ask;
	} pkt = { 0 };
	const ssize_t answer_len = sizeof(pkt.na) + sizeof(pkt.opt) + sizeof(pkt.mac);
	ssize_t n;

	while ((n = recv(t->fd, &pkt, sizeof(pkt), MSG_DONTWAIT)) >= 0) {
		bool has_mac = n >= answer_len && pkt.opt.nd_opt_type == ND_OPT_TARGET_LINKADDR;

		if (pkt.na.nd_na_type == ND_NEIGHBOR_SOLICIT) {
			if (n == (ssize_t)sizeof(pkt.ask) && !memcmp(&pkt.ask.ns.nd_ns_target, t->vip.addr.addr, 16) &&
			    pkt.ask.nonce_opt.nd_opt_type == ND_OPT_NONCE &&
			    !memcmp(pkt.ask.nonce, probe_nonce, sizeof(probe_nonce)) && !is_own_mac(t->fd, pkt.ask.mac))
				log_question(t, pkt.ask.mac);
			continue;
		}
		if (n < (ssize_t)sizeof(pkt.na) || memcmp(&pkt.na.nd_na_target, t->vip.addr.addr, 16) ||
		    (has_mac && is_own_mac(t->fd, pkt.mac)))
			continue;
		if (!has_mac)
			memset(pkt.mac, 0, sizeof(pkt.mac));
		log_answer(t, pkt.mac);
		return true;
	}
	return false;
}

/* ---- the probe ------------------------------------------------------- */

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct target *t = w->data;

	(void)loop, (void)revents;
	if (t->vip.addr.family == 6 ? nd_answered(t) : arp_answered(t))
		probe_end(t->probe, DP_PROBE_ANSWERS);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct probe *p = w->data;
	size_t i;

	(void)revents;
	if (p->asked == QUESTIONS) {
		probe_end(p, p->error ? p->error : p->heard ? DP_PROBE_ASKED : DP_PROBE_SILENT);
		return;
	}
	for (i = 0; i < p->count; i++) {
		const struct target *t = &p->targets[i];
		int e = !carrier_at(t->vip.ifname) ? -ENETDOWN : t->vip.addr.family == 6 ? nd_ask(t) : arp_ask(t);

		if (e)
			p->error = e;
	}
	p->asked++;
	ev_timer_set(&p->timer, p->interval_s, 0.);
	ev_timer_start(loop, &p->timer);
}

int probes_start(struct probes *all, const struct dp_vip *vips, size_t count, uint32_t timeout_ms, dp_done_fn done,
		 void *arg)
{
	struct probe *p;
	size_t i;
	int e;

	if (!count)
		return -EINVAL;
	p = calloc(1, sizeof(*p) + count * sizeof(p->targets[0]));
	if (!p)
		return -ENOMEM;
	p->all = all;
	p->done = done;
	p->arg = arg;
	p->interval_s = timeout_ms / 1000. / QUESTIONS;
	p->next = all->list;
	if (p->next)
		p->next->pprev = &p->next;
	p->pprev = &all->list;
	all->list = p;
	ev_timer_init(&p->timer, on_timer, 0., 0.);
	p->timer.data = p;
	for (i = 0; i < count; i++) {
		struct target *t = &p->targets[p->count];

		if (!carrier_at(vips[i].ifname) && carrier_any(vips, count))
			continue;
		t->probe = p;
		t->vip = vips[i];
		t->ifindex = if_nametoindex(vips[i].ifname);
		if (!t->ifindex)
			e = -ENODEV;
		else
			e = vips[i].addr.family == 6 ? nd_open(vips[i].ifname, t->ifindex, vips[i].addr.addr) : arp_open(t->ifindex);
		if (!t->ifindex || e < 0) {
			probe_free(p);
			return e;
		}
		t->fd = e;
		p->count++;
		ev_io_init(&t->io, on_readable, t->fd, EV_READ);
		t->io.data = t;
		ev_io_start(all->loop, &t->io);
	}
	ev_timer_start(all->loop, &p->timer);
	return 0;
}

struct probes *probes_new(struct ev_loop *loop, struct worker *worker)
{
	struct probes *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = loop;
	p->worker = worker;
	return p;
}

void probes_free(struct probes *p)
{
	if (!p)
		return;
	while (p->list)
		probe_free(p->list);
	free(p);
}
