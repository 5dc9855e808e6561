/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrier: rtnetlink tells that an Ethernet interface came, went or changed;
 * what it is like now is asked then.
 *
 * Owns: an rtnetlink socket of the group RTNLGRP_LINK.  Made by the kernel back
 * end; the probes ask, too.
 *
 * The subscribers' interfaces come and go on the same socket and are passed
 * over.  When messages were lost (ENOBUFS) anything may have changed.
 */
#include "netlink/carrier.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

struct carrier {
	struct ev_loop *loop;
	ev_io io;
	int fd;
	carrier_fn changed;
	void *ctx;
};

bool carrier_at(const char *ifname)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	if (fd < 0)
		return true;	/* cannot tell, for a reason that is not the network's */
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	up = !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP && ifr.ifr_flags & IFF_RUNNING;
	close(fd);
	return up;
}

bool carrier_any(const struct dp_vip *vips, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (carrier_at(vips[i].ifname))
			return true;
	return !count;
}

/* Is there news of an Ethernet interface among it? */
static bool concerns(const void *buf, size_t len)
{
	const struct nlmsghdr *nlh;

	for (nlh = buf; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len)) {
		const struct ifinfomsg *ifi = NLMSG_DATA(nlh);

		if ((nlh->nlmsg_type == RTM_NEWLINK || nlh->nlmsg_type == RTM_DELLINK) &&
		    nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(*ifi)) && ifi->ifi_type == ARPHRD_ETHER)
			return true;
	}
	return false;
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	struct carrier *c = w->data;
	bool news = false;
	ssize_t n;

	(void)loop, (void)revents;
	while ((n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS))
		news = n < 0 || concerns(buf, (size_t)n) || news;
	if (news)
		c->changed(c->ctx);
}

struct carrier *carrier_new(struct ev_loop *loop, carrier_fn changed, void *ctx)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->changed = changed;
	c->ctx = ctx;
	c->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&nl, sizeof(nl)) < 0) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return NULL;
	}
	ev_io_init(&c->io, on_readable, c->fd, EV_READ);
	c->io.data = c;
	ev_io_start(loop, &c->io);
	return c;
}

void carrier_free(struct carrier *c)
{
	if (!c)
		return;
	ev_io_stop(c->loop, &c->io);
	close(c->fd);
	free(c);
}
