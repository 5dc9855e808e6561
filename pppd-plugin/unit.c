/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PPP unit of a session, made with its final name.
 *
 * pppd makes "ppp7" and renames it.  The kernel waits a full RCU grace period
 * in a rename, with the RTNL lock held: every session of the box would wait in
 * line behind it.  A unit made by rtnetlink (Linux 4.6 and later) is born with
 * the name it keeps.  pppd 2.5 does that by itself.
 *
 * generic_establish_ppp() leaves the unit to its caller when multilink is on;
 * that is how we get the channel from pppd and add the unit ourselves.
 *
 * Until the channel has its unit, the kernel leaves everything that arrives to
 * the reader of the channel.  Where PPP is put in place while the subscriber
 * goes on sending, that is IP, and pppd would reject the protocol: to a peer
 * which takes RFC 1661 section 5.7 by its word, the end of its IP.
 */
#include "pppd-plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ppp-ioctl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME_WAIT_US	20000000

#define CHANNEL_QUEUE	64	/* more than the kernel keeps for a channel */

/* What came before PPP was put in place; the peer repeats what matters. */
static void forget_queued(int channel)
{
	uint8_t frame[2048];
	int n = 0;

	while (n++ < CHANNEL_QUEUE && read(channel, frame, sizeof(frame)) > 0)
		;
}

struct link_request {
	struct nlmsghdr nh;
	union {
		struct ifinfomsg ifi;
		struct ifaddrmsg ifa;
		char attrs[160];
	};
};

static struct rtattr *attr(struct link_request *r, unsigned short type,
			   const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)r
					     + NLMSG_ALIGN(r->nh.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	r->nh.nlmsg_len = NLMSG_ALIGN(r->nh.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void attr_end(struct link_request *r, struct rtattr *nest)
{
	nest->rta_len = (char *)r + r->nh.nlmsg_len - (char *)nest;
}

static int request(const struct link_request *r)
{
	struct {
		struct nlmsghdr nh;
		struct nlmsgerr err;
		char rest[512];
	} answer;
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (sock < 0)
		return -errno;
	n = send(sock, r, r->nh.nlmsg_len, 0);
	if (n >= 0)
		n = recv(sock, &answer, sizeof(answer), 0);
	if (n < 0)
		n = -errno;
	else if (n < (ssize_t)NLMSG_LENGTH(sizeof(answer.err))
		 || answer.nh.nlmsg_type != NLMSG_ERROR)
		n = -EPROTO;
	else
		n = answer.err.error;
	close(sock);
	return n;
}

/*
 * pppd gives an interface first its own address, then the peer's: the address
 * is put there, taken away and put there again, each time with a route and
 * with word to everybody who listens.  What it finds in place it leaves alone.
 */
void unit_address(const char *name, uint32_t local, uint32_t peer)
{
	struct link_request r = {
		.nh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifaddrmsg)),
			.nlmsg_type = RTM_NEWADDR,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE
				| NLM_F_EXCL,
		},
		.ifa = {
			.ifa_family = AF_INET,
			.ifa_prefixlen = 32,
			.ifa_index = if_nametoindex(name),
		},
	};

	if (!r.ifa.ifa_index || !local || !peer)
		return;
	attr(&r, IFA_LOCAL, &local, sizeof(local));
	attr(&r, IFA_ADDRESS, &peer, sizeof(peer));
	request(&r);
}

#ifdef PPPD_VERSION

static void set_group(const char *name, uint32_t group)
{
	struct link_request r = {
		.nh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = RTM_SETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		},
		.ifi = { .ifi_index = if_nametoindex(name) },
	};

	attr(&r, IFLA_GROUP, &group, sizeof(group));
	if (r.ifi.ifi_index)
		request(&r);
}

int unit_establish(int fd)
{
	int channel;

	early_collect();
	channel = ppp_generic_establish(fd);
	if (channel >= 0 && self.params.ifgroup)
		set_group(ifname, self.params.ifgroup);
	if (channel >= 0 && self.params.state_len)
		forget_queued(channel);
	return channel;
}

void unit_begins(void)
{
	remove_pidfiles();
}

#else

extern int ppp_dev_fd;		/* pppd's, in sys-linux.c */

static int make_unit(int dev_fd, const char *name)
{
	struct link_request r = {
		.nh = {
			.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			.nlmsg_type = RTM_NEWLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE
				| NLM_F_EXCL,
		},
	};
	struct rtattr *info, *data;
	uint32_t mtu = lcp_allowoptions[0].mru;		/* pppd corrects it */

	attr(&r, IFLA_IFNAME, name, strlen(name) + 1);
	attr(&r, IFLA_MTU, &mtu, sizeof(mtu));
	if (self.params.ifgroup)
		attr(&r, IFLA_GROUP, &self.params.ifgroup, sizeof(self.params.ifgroup));
	info = attr(&r, IFLA_LINKINFO, NULL, 0);
	attr(&r, IFLA_INFO_KIND, "ppp", 3);
	data = attr(&r, IFLA_INFO_DATA, NULL, 0);
	attr(&r, IFLA_PPP_DEV_FD, &dev_fd, sizeof(dev_fd));
	attr_end(&r, data);
	attr_end(&r, info);
	return request(&r);
}

/*
 * EEXIST: an earlier session of this name, just killed, is still leaving.
 * (Asking for the name first would be wrong: the kernel runs modprobe for a
 * name that it does not know.)  EBUSY: the driver only tries its lock here.
 */
static int make_unit_patiently(int dev_fd, const char *name)
{
	unsigned int waited_us = 0, step_us;
	int err;

	for (;;) {
		err = make_unit(dev_fd, name);
		if (err != -EEXIST && err != -EBUSY)
			return err;
		if (waited_us > NAME_WAIT_US)
			return err;
		step_us = err == -EBUSY ? 1000 : 20000;
		usleep(step_us);
		waited_us += step_us;
	}
}

/*
 * A channel whose last pppd was killed is still tied to that one's unit, as
 * long as its pppox socket lives: untie it.
 */
static int connect_channel(int channel, int unit)
{
	if (!ioctl(channel, PPPIOCCONNECT, &unit))
		return 0;
	if (errno != EINVAL || ioctl(channel, PPPIOCDISCONN) < 0)
		return -1;
	return ioctl(channel, PPPIOCCONNECT, &unit);
}

/*
 * When pppd comes back with a unit it writes a file with its process ID, which
 * nobody wants and which was removed at once: a tenth of all that a session
 * costs.  So it comes back without, and finds the unit a moment later, when
 * LCP begins.
 */
static int unit_number = -1;

void unit_begins(void)
{
	ifunit = unit_number;
}

int unit_establish(int fd)
{
	int channel, err;

	early_collect();
	multilink = 1;
	channel = generic_establish_ppp(fd);
	multilink = 0;
	if (channel < 0)
		return -1;
	ppp_dev_fd = open("/dev/ppp", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (ppp_dev_fd < 0) {
		error("Couldn't open /dev/ppp: %m");
		goto fail;
	}
	err = make_unit_patiently(ppp_dev_fd, req_ifname);
	if (err) {
		error("Couldn't create interface %s: %s", req_ifname,
		      strerror(-err));
		goto fail_unit;
	}
	if (ioctl(ppp_dev_fd, PPPIOCGUNIT, &ifunit) < 0
	    || connect_channel(channel, ifunit) < 0) {
		error("Couldn't attach to %s: %m", req_ifname);
		goto fail_unit;
	}
	add_fd(ppp_dev_fd);
	if (self.params.state_len)
		forget_queued(channel);
	strlcpy(ifname, req_ifname, MAXIFNAMELEN);
	unit_number = ifunit;
	ifunit = -1;
	return channel;

fail_unit:
	close(ppp_dev_fd);
	ppp_dev_fd = -1;
fail:
	ifunit = -1;
	close(channel);
	return -1;
}

#endif
