/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2TP by generic netlink.
 *
 * Owns: two netlink sockets, one for operations and one for dumps (the kernel
 * does one dump per socket, and a dump must not delay an operation).  Called
 * by the kernel back end only.
 *
 * The kernel answers requests of one socket in the order they were sent, so
 * operations on one tunnel complete in order.
 */
#include "netlink/genl.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/genetlink.h>
#include <linux/l2tp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "netlink/nlq.h"
#include "netlink/udp.h"

/* with the kernel at a time: their answers fit the receive buffer many times over */
#define IN_FLIGHT 128

struct genl {
	struct nlq *ops, *dumps;
	int family;
};
struct dump {
	genl_tunnel_fn each_tunnel;
	dp_counters_fn each_session;
	dp_done_fn done;
	void *arg;
};

static struct nl_msg *command(int family, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, cmd, L2TP_GENL_VERSION)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* ---- operations ------------------------------------------------------ */

int genl_tunnel_create(struct genl *g, const struct dp_tunnel *t, int fd, dp_done_fn done, void *arg)
{
	struct nl_msg *msg = command(g->family, L2TP_CMD_TUNNEL_CREATE, NLM_F_EXCL);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, L2TP_ATTR_CONN_ID, t->local_id) < 0 ||
	    nla_put_u32(msg, L2TP_ATTR_PEER_CONN_ID, t->peer_id) < 0 ||
	    nla_put_u8(msg, L2TP_ATTR_PROTO_VERSION, 2) < 0 ||
	    nla_put_u16(msg, L2TP_ATTR_ENCAP_TYPE, L2TP_ENCAPTYPE_UDP) < 0 ||
	    nla_put_u32(msg, L2TP_ATTR_FD, (uint32_t)fd) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlq_request(g->ops, msg, NULL, done, arg);
}

int genl_tunnel_delete(struct genl *g, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	struct nl_msg *msg = command(g->family, L2TP_CMD_TUNNEL_DELETE, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, L2TP_ATTR_CONN_ID, tunnel_id) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlq_request(g->ops, msg, NULL, done, arg);
}

int genl_tunnel_exists(struct genl *g, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	struct nl_msg *msg = command(g->family, L2TP_CMD_TUNNEL_GET, 0);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, L2TP_ATTR_CONN_ID, tunnel_id) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlq_request(g->ops, msg, NULL, done, arg);
}

int genl_session_create(struct genl *g, const struct dp_session *s, dp_done_fn done, void *arg)
{
	struct nl_msg *msg = command(g->family, L2TP_CMD_SESSION_CREATE, NLM_F_EXCL);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, L2TP_ATTR_CONN_ID, s->tunnel_id) < 0 ||
	    nla_put_u32(msg, L2TP_ATTR_SESSION_ID, s->local_id) < 0 ||
	    nla_put_u32(msg, L2TP_ATTR_PEER_SESSION_ID, s->peer_id) < 0 ||
	    nla_put_u16(msg, L2TP_ATTR_PW_TYPE, L2TP_PWTYPE_PPP) < 0 ||
	    nla_put_u8(msg, L2TP_ATTR_SEND_SEQ, s->send_seq) < 0 ||
	    nla_put_u8(msg, L2TP_ATTR_RECV_SEQ, s->recv_seq) < 0 ||
	    nla_put_u8(msg, L2TP_ATTR_LNS_MODE, s->lns_mode) < 0 ||
	    (s->recv_timeout_ms && nla_put_u64(msg, L2TP_ATTR_RECV_TIMEOUT, s->recv_timeout_ms) < 0)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlq_request(g->ops, msg, NULL, done, arg);
}

static struct nl_msg *session_command(int family, uint8_t cmd, uint16_t tunnel_id, uint16_t session_id)
{
	struct nl_msg *msg = command(family, cmd, 0);

	if (!msg)
		return NULL;
	if (nla_put_u32(msg, L2TP_ATTR_CONN_ID, tunnel_id) < 0 ||
	    nla_put_u32(msg, L2TP_ATTR_SESSION_ID, session_id) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int genl_session_modify(struct genl *g, const struct dp_session *s, uint32_t recv_timeout_ms, dp_done_fn done, void *arg)
{
	struct nl_msg *msg = session_command(g->family, L2TP_CMD_SESSION_MODIFY, s->tunnel_id, s->local_id);

	if (!msg)
		return -ENOMEM;
	if (nla_put_u64(msg, L2TP_ATTR_RECV_TIMEOUT, recv_timeout_ms) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlq_request(g->ops, msg, NULL, done, arg);
}

int genl_session_exists(struct genl *g, uint16_t tunnel_id, uint16_t session_id, dp_done_fn done, void *arg)
{
	return nlq_request(g->ops, session_command(g->family, L2TP_CMD_SESSION_GET, tunnel_id, session_id),
			   NULL, done, arg);
}

int genl_session_delete_blocking(int family, uint16_t tunnel_id, uint16_t session_id)
{
	struct nl_msg *msg = session_command(family, L2TP_CMD_SESSION_DELETE, tunnel_id, session_id);
	struct nl_sock *sock = msg ? nl_socket_alloc() : NULL;
	int e;

	if (!sock || genl_connect(sock) < 0) {
		nl_socket_free(sock);
		nlmsg_free(msg);
		return -ENOMEM;
	}
	e = nl_send_sync(sock, msg);	/* frees msg */
	nl_socket_free(sock);
	if (e == -NLE_OBJ_NOTFOUND || e == -NLE_NODEV)
		return -ENODEV;
	return e < 0 ? -EIO : 0;
}

/* ---- dumps ----------------------------------------------------------- */

static void on_dump_done(void *arg, int error)
{
	struct dump *d = arg;

	if (d->done)
		d->done(d->arg, error);
	free(d);
}

static bool get_addr(struct l2tp_endpoint *ep, struct nlattr *v4, struct nlattr *v6)
{
	if (v4 && nla_len(v4) == 4) {
		ep->family = 4;
		memcpy(ep->addr, nla_data(v4), 4);
		return true;
	}
	if (v6 && nla_len(v6) == 16) {
		ep->family = 6;
		memcpy(ep->addr, nla_data(v6), 16);
		return true;
	}
	return false;
}

static void on_tunnel(void *arg, const struct nlmsghdr *nlh)
{
	struct nlattr *a[L2TP_ATTR_MAX + 1];
	struct genl_tunnel t = { 0 };
	struct dump *d = arg;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, L2TP_ATTR_MAX, NULL) < 0 || !a[L2TP_ATTR_CONN_ID])
		return;
	t.id = nla_get_u32(a[L2TP_ATTR_CONN_ID]);
	if (a[L2TP_ATTR_PROTO_VERSION])
		t.version = nla_get_u8(a[L2TP_ATTR_PROTO_VERSION]);
	if (a[L2TP_ATTR_ENCAP_TYPE] && nla_get_u16(a[L2TP_ATTR_ENCAP_TYPE]) == L2TP_ENCAPTYPE_UDP &&
	    get_addr(&t.local, a[L2TP_ATTR_IP_SADDR], a[L2TP_ATTR_IP6_SADDR]) && a[L2TP_ATTR_UDP_SPORT])
		t.local.port = nla_get_u16(a[L2TP_ATTR_UDP_SPORT]);
	d->each_tunnel(d->arg, &t);
}

static uint64_t get_stat(struct nlattr *a)
{
	return a ? nla_get_u64(a) : 0;
}

static void on_session(void *arg, const struct nlmsghdr *nlh)
{
	struct nlattr *a[L2TP_ATTR_MAX + 1], *s[L2TP_ATTR_STATS_MAX + 1];
	struct dp_session_counters c;
	struct dump *d = arg;
	uint32_t tunnel_id;

	if (genlmsg_parse((struct nlmsghdr *)nlh, 0, a, L2TP_ATTR_MAX, NULL) < 0 || !a[L2TP_ATTR_CONN_ID] ||
	    !a[L2TP_ATTR_SESSION_ID] || !a[L2TP_ATTR_STATS] ||
	    nla_parse_nested(s, L2TP_ATTR_STATS_MAX, a[L2TP_ATTR_STATS], NULL) < 0)
		return;
	tunnel_id = nla_get_u32(a[L2TP_ATTR_CONN_ID]);
	if (tunnel_id > UINT16_MAX)
		return;		/* L2TPv3, not ours */
	c = (struct dp_session_counters){
		.rx_packets = get_stat(s[L2TP_ATTR_RX_PACKETS]),
		.rx_bytes = get_stat(s[L2TP_ATTR_RX_BYTES]),
		.rx_errors = get_stat(s[L2TP_ATTR_RX_ERRORS]),
		.tx_packets = get_stat(s[L2TP_ATTR_TX_PACKETS]),
		.tx_bytes = get_stat(s[L2TP_ATTR_TX_BYTES]),
		.tx_errors = get_stat(s[L2TP_ATTR_TX_ERRORS]),
	};
	d->each_session(d->arg, (uint16_t)tunnel_id, (uint16_t)nla_get_u32(a[L2TP_ATTR_SESSION_ID]), &c);
}

static int dump_start(struct genl *g, uint8_t cmd, nlq_msg_fn on_msg, struct dump dump)
{
	struct dump *d = malloc(sizeof(*d));
	int e;

	if (!d)
		return -ENOMEM;
	*d = dump;
	e = nlq_request(g->dumps, command(g->family, cmd, NLM_F_DUMP), on_msg, on_dump_done, d);
	if (e)
		free(d);
	return e;
}

int genl_tunnels(struct genl *g, genl_tunnel_fn each, dp_done_fn done, void *arg)
{
	return dump_start(g, L2TP_CMD_TUNNEL_GET, on_tunnel,
			  (struct dump){ .each_tunnel = each, .done = done, .arg = arg });
}

int genl_sessions(struct genl *g, dp_counters_fn each, dp_done_fn done, void *arg)
{
	return dump_start(g, L2TP_CMD_SESSION_GET, on_session,
			  (struct dump){ .each_session = each, .done = done, .arg = arg });
}

/* ---- life ------------------------------------------------------------ */

static int resolve_family(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	int family = -1;

	if (sock && genl_connect(sock) >= 0)
		family = genl_ctrl_resolve(sock, L2TP_GENL_NAME);	/* the kernel loads l2tp_netlink */
	nl_socket_free(sock);
	return family;
}

struct genl *genl_new(struct ev_loop *loop, char why[256])
{
	struct genl *g = calloc(1, sizeof(*g));

	if (!g) {
		snprintf(why, 256, "out of memory");
		return NULL;
	}
	g->family = resolve_family();
	if (g->family < 0) {
		snprintf(why, 256, "this kernel has no L2TP netlink interface: modprobe l2tp_netlink"
			 " (comes with l2tp_ppp in the distribution's kernel package)");
		goto fail;
	}
	g->ops = nlq_new(loop, NETLINK_GENERIC, IN_FLIGHT, "l2tp");
	g->dumps = nlq_new(loop, NETLINK_GENERIC, 1, "l2tp dump");
	if (g->ops && g->dumps)
		return g;
	snprintf(why, 256, "cannot open generic netlink: %s", strerror(errno));
fail:
	genl_free(g);
	return NULL;
}

void genl_free(struct genl *g)
{
	if (!g)
		return;
	nlq_free(g->ops);
	nlq_free(g->dumps);
	free(g);
}

int genl_family(const struct genl *g)
{
	return g->family;
}
