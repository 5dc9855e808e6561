/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An Ethernet with PPPoE subscribers on one side and both nodes on the other,
 * which have one address there: the switch in between sends it where it was
 * last heard from, and everywhere while it has not been heard.
 *
 * Of a node: discovery is the real one (daemon/pppoe.c) behind what io_pppoe.c
 * does with frames; its sockets are the kernel's, which pass frames to the
 * session they are joined to, whoever lives, and are gone with the daemon.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pppoe.h"

struct eth_socket {
	struct eth_socket *next;
	int fd;
	uint16_t session_id;
	uint8_t mac[PPPOE_MAC];
	bool closing;			/* it waits for a grace period */
	uint16_t to_tunnel, to_session;	/* joined, or asked to be */
};
struct eth_port {			/* of a node */
	struct pppoe *pppoe;
	struct eth_socket *sockets;
	int (*join)(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg);
	int (*session_adopt)(struct dp *dp, const struct dp_session *session, int fd, dp_session_fn done, void *arg);
};
struct ether {
	struct sim *sim;
	int owner;			/* where the address of the concentrator was last heard; -1: nowhere */
	int last_fd;
	struct eth_port ports[SIM_NODES];
};

static struct eth_port *port_of(const struct node *node)
{
	return &node->sim->ether->ports[node->index];
}

static bool reached(const struct node *node)
{
	return node->powered && !node->access_cut;
}

static uint64_t transit(struct sim *sim)
{
	return sim->now_us + 100 + rng_below(sim, sim->net.jitter_us + 300);
}

/* ---- out of a node ---- */

static void ev_to_client(struct sim *sim, struct sim_event *ev)
{
	pppoe_client_input(sim, ev->who, (uint16_t)ev->arg, ev->data, ev->len);
	sim_event_free(ev);
}

/* session_id 0: discovery. */
static void emit(struct node *node, const uint8_t mac[PPPOE_MAC], uint16_t session_id, const uint8_t *data, size_t len)
{
	struct sim *sim = node->sim;
	int client = pppoe_client_by_mac(sim, mac);
	struct sim_event *ev;

	if (!reached(node))
		return;
	if (sim->ether->owner != node->index)
		sim_trace(sim, "the concentrator's address is at node %d", node->index);
	sim->ether->owner = node->index;
	if (client < 0 || rng_pm(sim, sim->net.loss_pm))
		return;
	ev = sim_at(sim, transit(sim), ev_to_client, client, 0);
	ev->arg = session_id;
	sim_event_data(ev, data, len);
}

static void on_send(void *ctx, size_t port, const uint8_t to[PPPOE_MAC], const uint8_t *frame, size_t len)
{
	struct node *node = ctx;

	(void)port;
	if (node->dying)
		return;
	sim_step(node->sim);
	if (node->dying)
		return;
	dp_null_set_time(node->dp, sim_ms(node->sim));
	if (!node_speaks(node))
		sim_fail(node->sim, "S1: node %d answers PPPoE discovery (code %02x) without the address or its lease",
			 node->index, frame[1]);
	emit(node, to, 0, frame, len);
}

static struct eth_socket *socket_find(const struct node *node, uint16_t session_id, const uint8_t mac[PPPOE_MAC])
{
	struct eth_socket *s = port_of(node)->sockets;

	while (s && (s->session_id != session_id || memcmp(s->mac, mac, PPPOE_MAC)))
		s = s->next;
	return s;
}

void ether_from_ppp(struct node *node, uint16_t session_id, const uint8_t *frame, size_t len)
{
	const struct eth_socket *s;

	for (s = port_of(node)->sockets; s; s = s->next)
		if (s->session_id == session_id && !s->closing)
			emit(node, s->mac, session_id, frame, len);
}

void ether_from_session(struct node *node, uint16_t tid, uint16_t sid, const uint8_t *frame, size_t len)
{
	const struct eth_socket *s;

	for (s = port_of(node)->sockets; s; s = s->next)
		if (s->to_tunnel == tid && s->to_session == sid && !s->closing)
			emit(node, s->mac, s->session_id, frame, len);
}

/* ---- sockets ---- */

static int socket_new(struct node *node, uint16_t session_id, const uint8_t mac[PPPOE_MAC])
{
	struct eth_port *port = port_of(node);
	struct eth_socket *s;

	if (socket_find(node, session_id, mac))
		return -EALREADY;
	if (rng_pm(node->sim, node->dp_fault_pct * 10))
		return -ENOMEM;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->fd = ++node->sim->ether->last_fd;
	s->session_id = session_id;
	memcpy(s->mac, mac, PPPOE_MAC);
	s->next = port->sockets;
	port->sockets = s;
	return s->fd;
}

static void socket_free(struct eth_port *port, struct eth_socket *s)
{
	struct eth_socket **at = &port->sockets;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free(s);
}

static struct eth_socket *socket_of_fd(const struct eth_port *port, int fd)
{
	struct eth_socket *s = port->sockets;

	while (s && s->fd != fd)
		s = s->next;
	return s;
}

static void ev_closed(struct sim *sim, struct sim_event *ev)
{
	struct eth_port *port = &sim->ether->ports[ev->who];
	struct eth_socket *s = socket_of_fd(port, (int)ev->arg);

	if (s)
		socket_free(port, s);
	sim_event_free(ev);
}

static void socket_close(struct node *node, int fd)
{
	struct eth_socket *s = socket_of_fd(port_of(node), fd);

	if (!s || s->closing)
		return;
	s->closing = true;
	sim_at(node->sim, node->sim->now_us + 5 * MS + rng_below(node->sim, 30000), ev_closed, node->index, 0)->arg = (uint64_t)fd;
}

static struct node *node_of(struct dp *dp)
{
	return (struct node *)(void *)((char *)(uintptr_t)dp->ops - offsetof(struct node, dp_ops));
}

static int op_join(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg)
{
	struct eth_port *port = port_of(node_of(dp));
	struct eth_socket *s = a->tunnel_id ? NULL : socket_of_fd(port, a->fd);

	if (!a->tunnel_id && (!s || s->closing)) {
		sim_fail(node_of(dp)->sim, "node %d joins session %u/%u to socket %d, which is not open", node_of(dp)->index,
			 b->tunnel_id, b->session_id, a->fd);
		return -EBADF;
	}
	if (s) {
		s->to_tunnel = b->tunnel_id;
		s->to_session = b->session_id;
	}
	return port->join(dp, a, b, done, arg);
}

/* Without a session it is but closed. */
static int op_session_adopt(struct dp *dp, const struct dp_session *session, int fd, dp_session_fn done, void *arg)
{
	if (!session->local_id)
		socket_close(node_of(dp), fd);
	return port_of(node_of(dp))->session_adopt(dp, session, fd, done, arg);
}

/* ---- into a node ---- */

static void into_kernel(struct node *node, uint16_t session_id, const uint8_t mac[PPPOE_MAC], const uint8_t *data, size_t len)
{
	const struct eth_socket *s = socket_find(node, session_id, mac);
	uint16_t tid, sid;

	if (!s || s->closing)
		return;
	if (s->to_tunnel && dp_null_joined(node->dp, s->to_tunnel, s->to_session, &tid, &sid) && !tid)
		net_bridged(node, s->to_tunnel, s->to_session, data, len);
	else
		ppp_model_input(node->ppp, 0, session_id, data, len);
}

static void ev_to_node(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];
	uint8_t mac[PPPOE_MAC];

	if (!reached(node))
		goto out;
	pppoe_client_mac((int)ev->token, mac);
	dp_null_set_time(node->dp, sim_ms(sim));
	if (ev->arg & 0xffff) {
		into_kernel(node, (uint16_t)ev->arg, mac, ev->data, ev->len);
		goto out;
	}
	if (!node->running)
		goto out;
	if (node_defer(node, ev))
		return;
	sim->acting = node->index;
	if (group_answers(node->group, sim_ms(sim)))
		pppoe_input(port_of(node)->pppoe, 0, mac, ev->arg >> 16, ev->data, ev->len);
	node_fed(node);
out:
	sim_event_free(ev);
}

void ether_from_client(struct sim *sim, int client, bool broadcast, uint16_t session_id, const uint8_t *data, size_t len)
{
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		struct sim_event *ev;

		if ((!broadcast && sim->ether->owner >= 0 && sim->ether->owner != i) || rng_pm(sim, sim->net.loss_pm))
			continue;
		ev = sim_at(sim, transit(sim), ev_to_node, i, (uint64_t)client);
		ev->arg = session_id | (uint64_t)!broadcast << 16;
		sim_event_data(ev, data, len);
	}
}

/* ---- what the group asks for (io_pppoe.c) ---- */

static bool on_opened(void *ctx, const struct pppoe_open *open)
{
	struct node *node = ctx;
	struct group_access access = { .session_id = open->session_id, .bba = "access", .ifname = "sub0" };
	int rc;

	if (node->dying)
		return false;
	access.fd = socket_new(node, open->session_id, open->mac);
	if (access.fd < 0)
		return false;
	memcpy(access.mac, open->mac, sizeof(access.mac));
	snprintf(access.circuit, sizeof(access.circuit), "%s", open->circuit);
	snprintf(access.remote, sizeof(access.remote), "%s", open->remote);
	rc = group_access_open(node->group, sim_ms(node->sim), &access);
	if (rc)
		socket_free(port_of(node), socket_of_fd(port_of(node), access.fd));
	return !rc;
}

static void on_closed(void *ctx, uint16_t session_id)
{
	struct node *node = ctx;

	group_access_closed(node->group, sim_ms(node->sim), session_id);
}

static void op_access_end(void *ctx, uint16_t session_id, const char *why)
{
	struct node *node = ctx;

	if (node->dying)
		return;
	if (why)
		pppoe_close(port_of(node)->pppoe, session_id, why);
	else
		pppoe_forget(port_of(node)->pppoe, session_id);
}

static int op_access_socket(void *ctx, const struct group_access *access)
{
	struct node *node = ctx;

	if (node->dying)
		return -EIO;
	if (strcmp(access->bba, "access"))
		return -ENODEV;
	if (!pppoe_known(port_of(node)->pppoe, 0, access->session_id, access->mac))
		return -ENOMEM;
	return socket_new(node, access->session_id, access->mac);
}

static void op_access_announce(void *ctx)
{
	struct node *node = ctx;

	if (!node->dying)
		pppoe_announce(port_of(node)->pppoe, 0);
}

/* ---- life ---- */

void ether_ops(struct node *node, struct group_ops *ops)
{
	if (!node->sim->ether)
		return;
	ops->access_end = op_access_end;
	ops->access_socket = op_access_socket;
	ops->access_announce = op_access_announce;
}

void ether_machine_on(struct node *node)
{
	struct eth_port *port = node->sim->ether ? port_of(node) : NULL;

	if (!port)
		return;
	port->join = node->dp_ops.join;
	port->session_adopt = node->dp_ops.session_adopt;
	node->dp_ops.join = op_join;
	node->dp_ops.session_adopt = op_session_adopt;
}

void ether_daemon_on(struct node *node)
{
	const struct pppoe_ops ops = { .ctx = node, .send = on_send, .random = rng_fill_node, .opened = on_opened, .closed = on_closed };
	const struct pppoe_port offer = { .ac_name = "pair" };

	if (node->sim->ether)
		port_of(node)->pppoe = pppoe_new(&ops, &offer, 1);
}

/* Its sockets were open nowhere else. */
void ether_daemon_off(struct node *node)
{
	struct eth_port *port = node->sim->ether ? port_of(node) : NULL;

	if (!port)
		return;
	pppoe_free(port->pppoe);
	port->pppoe = NULL;
	while (port->sockets)
		socket_free(port, port->sockets);
}

/* Its port of the switch goes down; half of them are on another switch, that does not notice. */
void ether_machine_off(struct node *node)
{
	struct ether *ether = node->sim->ether;

	if (ether && ether->owner == node->index && rng_pm(node->sim, 500))
		ether->owner = -1;
}

size_t ether_sessions(const struct node *node)
{
	return pppoe_sessions(port_of(node)->pppoe);
}

size_t ether_sockets(const struct node *node)
{
	const struct eth_socket *s;
	size_t n = 0;

	for (s = port_of(node)->sockets; s; s = s->next)
		n += !s->closing;
	return n;
}

void ether_new(struct sim *sim)
{
	sim->ether = calloc(1, sizeof(*sim->ether));
	if (!sim->ether)
		abort();
	sim->ether->sim = sim;
	sim->ether->owner = -1;
}

void ether_free(struct sim *sim)
{
	free(sim->ether);
	sim->ether = NULL;
}
