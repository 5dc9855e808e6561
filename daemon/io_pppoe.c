// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One packet socket for each interface with PPPoE subscribers: discovery in and
 * out (pppoe.c), and a kernel PPPoE socket for each session that is opened.
 * Only the active node answers: a client takes the first that does.
 */
#include "daemon/io_pppoe.h"

#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>
#include <linux/if_pppox.h>

#include "daemon/io_node.h"
#include "daemon/log.h"
#include "daemon/pppoe.h"

#define FRAMES_A_TURN 64	/* a flood does not hold up the rest */

struct port {
	struct io_pppoe *owner;
	ev_io io;
	int fd;
	int ifindex;
	char ifname[16];
	char bba[64];
};
struct io_pppoe {
	struct ev_loop *loop;
	struct group *group;
	struct pppoe *pppoe;
	struct port *ports;
	size_t count;
};

/* ---- what discovery asks for ------------------------------------------------ */

static void on_send(void *ctx, size_t port, const uint8_t to[PPPOE_MAC], const uint8_t *frame, size_t len)
{
	const struct io_pppoe *p = ctx;
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_PPP_DISC),
				    .sll_ifindex = p->ports[port].ifindex, .sll_halen = PPPOE_MAC };

	memcpy(addr.sll_addr, to, PPPOE_MAC);
	sendto(p->ports[port].fd, frame, len, 0, (struct sockaddr *)&addr, sizeof(addr));	/* lost is asked for again */
}

static void on_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	while (getrandom(buf, len, 0) != (ssize_t)len)
		;
}

static int session_socket(const struct port *port, uint16_t session_id, const uint8_t mac[PPPOE_MAC])
{
	struct sockaddr_pppox to = { .sa_family = AF_PPPOX, .sa_protocol = PX_PROTO_OE };
	int fd = socket(AF_PPPOX, SOCK_STREAM | SOCK_CLOEXEC, PX_PROTO_OE), e;

	if (fd < 0)
		return -errno;
	to.sa_addr.pppoe.sid = htons(session_id);
	memcpy(to.sa_addr.pppoe.remote, mac, PPPOE_MAC);
	memcpy(to.sa_addr.pppoe.dev, port->ifname, sizeof(port->ifname));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

static bool on_opened(void *ctx, const struct pppoe_open *open)
{
	struct io_pppoe *p = ctx;
	const struct port *port = &p->ports[open->port];
	struct group_access access = { .session_id = open->session_id };
	int rc;

	access.fd = session_socket(port, open->session_id, open->mac);
	if (access.fd < 0) {
		log_warnx("PPPoE session %u on %s: %s", open->session_id, port->ifname, strerror(-access.fd));
		return false;
	}
	memcpy(access.mac, open->mac, sizeof(access.mac));
	snprintf(access.bba, sizeof(access.bba), "%s", port->bba);
	memcpy(access.ifname, port->ifname, sizeof(access.ifname));
	snprintf(access.circuit, sizeof(access.circuit), "%s", open->circuit);
	snprintf(access.remote, sizeof(access.remote), "%s", open->remote);
	rc = group_access_open(p->group, io_now_ms(), &access);
	if (rc)
		close(access.fd);
	return !rc;
}

static void on_closed(void *ctx, uint16_t session_id)
{
	struct io_pppoe *p = ctx;

	group_access_closed(p->group, io_now_ms(), session_id);
}

void io_pppoe_end(struct io_pppoe *p, uint16_t session_id, const char *why)
{
	if (p && why)
		pppoe_close(p->pppoe, session_id, why);
	else if (p)
		pppoe_forget(p->pppoe, session_id);
}

int io_pppoe_socket(struct io_pppoe *p, const struct group_access *access)
{
	for (size_t i = 0; p && i < p->count; i++) {
		if (strcmp(p->ports[i].bba, access->bba) != 0)
			continue;
		if (!pppoe_known(p->pppoe, i, access->session_id, access->mac))
			return -ENOMEM;
		return session_socket(&p->ports[i], access->session_id, access->mac);
	}
	return -ENODEV;
}

void io_pppoe_announce(struct io_pppoe *p)
{
	for (size_t i = 0; p && i < p->count; i++)
		pppoe_announce(p->pppoe, i);
}

/* ---- frames in -------------------------------------------------------------- */

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct port *port = w->data;
	struct io_pppoe *p = port->owner;
	uint8_t frame[2048];

	(void)loop, (void)revents;
	for (unsigned n = 0; n < FRAMES_A_TURN; n++) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(port->fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &from_len);

		if (len < 0)
			return;
		if (from.sll_halen != PPPOE_MAC || from.sll_pkttype == PACKET_OUTGOING || !group_answers(p->group, io_now_ms()))
			continue;
		pppoe_input(p->pppoe, (size_t)(port - p->ports), from.sll_addr, from.sll_pkttype == PACKET_HOST, frame, (size_t)len);
	}
}

static int port_open(struct io_pppoe *p, struct port *port, const struct config_bba *bba, char why[256])
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_PPP_DISC) };

	port->owner = p;
	snprintf(port->bba, sizeof(port->bba), "%s", bba->name);
	snprintf(port->ifname, sizeof(port->ifname), "%s", bba->ifname);
	port->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	addr.sll_ifindex = port->ifindex = (int)if_nametoindex(port->ifname);
	if (port->fd < 0 || !port->ifindex || bind(port->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		snprintf(why, 256, "bba-group pppoe %s: interface %s: %s", bba->name, port->ifname, strerror(errno));
		return -errno;
	}
	ev_io_init(&port->io, on_readable, port->fd, EV_READ);
	port->io.data = port;
	ev_io_start(p->loop, &port->io);
	return 0;
}

/* ---- life ------------------------------------------------------------------- */

static int ports_open(struct io_pppoe *p, const struct config *config, size_t index, size_t groups, char why[256])
{
	static const struct pppoe_ops ops = { .send = on_send, .random = on_random, .opened = on_opened, .closed = on_closed };
	struct pppoe_ops mine = ops;
	struct pppoe_port *offers = calloc(p->count, sizeof(*offers));
	const struct config_bba *bba = config->bbas;
	int rc = offers ? 0 : -ENOMEM;

	for (size_t i = 0; i < p->count; i++)
		p->ports[i].fd = -1;
	for (size_t i = 0; !rc && i < p->count; i++, bba = bba->next) {
		while (bba && config_bba_redundancy(config, bba) != index)
			bba = bba->next;
		if (!bba)
			break;
		snprintf(offers[i].ac_name, sizeof(offers[i].ac_name), "%s", bba->ac_name[0] ? bba->ac_name : config->hostname);
		snprintf(offers[i].service, sizeof(offers[i].service), "%s", bba->service);
		offers[i].max_sessions = bba->max_sessions;
		offers[i].max_per_mac = bba->max_per_mac;
		rc = port_open(p, &p->ports[i], bba, why);
	}
	mine.ctx = p;
	mine.id_first = (uint16_t)(index * 65534 / groups + 1);
	mine.id_last = (uint16_t)((index + 1) * 65534 / groups);
	if (!rc)
		p->pppoe = pppoe_new(&mine, offers, p->count);
	free(offers);
	return rc ? rc : p->pppoe ? 0 : -ENOMEM;
}

struct io_pppoe *io_pppoe_new(struct ev_loop *loop, const struct config *config, struct group *group, size_t index, size_t count,
			      char why[256])
{
	struct io_pppoe *p;
	size_t ports = 0;

	why[0] = '\0';
	for (const struct config_bba *bba = config->bbas; bba; bba = bba->next)
		ports += config_bba_redundancy(config, bba) == index;
	if (!ports)
		return NULL;
	snprintf(why, 256, "out of memory");
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->loop = loop;
	p->group = group;
	p->count = ports;
	p->ports = calloc(p->count, sizeof(*p->ports));
	if (!p->ports || ports_open(p, config, index, count, why)) {
		io_pppoe_free(p);
		return NULL;
	}
	return p;
}

void io_pppoe_free(struct io_pppoe *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->ports && i < p->count; i++) {
		if (p->ports[i].fd < 0)
			continue;
		ev_io_stop(p->loop, &p->ports[i].io);
		close(p->ports[i].fd);
	}
	pppoe_free(p->pppoe);
	free(p->ports);
	free(p);
}
