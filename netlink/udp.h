/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets: listeners, and one bound and connected socket per tunnel.
 * IP_TRANSPARENT on all: the local address need not exist yet (hot standby).
 */
#ifndef L2TPHA_NETLINK_UDP_H
#define L2TPHA_NETLINK_UDP_H

#include <sys/socket.h>

#include "netlink/dataplane.h"

#define L2TP_PORT 1701

struct ev_loop;
struct udp;
struct udp_sock;

socklen_t udp_sockaddr(struct sockaddr_storage *ss, const struct l2tp_endpoint *ep, uint16_t port);
bool udp_endpoint(struct l2tp_endpoint *ep, const struct sockaddr_storage *ss);

/* NULL with errno set. */
struct udp *udp_new(struct ev_loop *loop, const struct dp_events *events);
/* Whether two tunnels with the same addresses and ports need sockets on two ports; udp_new() asks the kernel's release. */
void udp_set_apart(struct udp *u, bool apart);
/* Closes what is left. */
void udp_free(struct udp *u);
/* family 0: every address of both families. 0 or -errno. */
int udp_listen(struct udp *u, const struct l2tp_endpoint *local);
int udp_listener_send(struct udp *u, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len);
/* The tunnel's socket, owned by u until udp_close. NULL with errno set. */
struct udp_sock *udp_connect(struct udp *u, const struct dp_tunnel *tunnel);
/* The socket of a tunnel that an earlier process made; taken over, also on failure. NULL with errno set. */
struct udp_sock *udp_adopt(struct udp *u, const struct dp_tunnel *tunnel, int fd);
/* A listener an earlier process made, for udp_listen to find; taken over. */
void udp_offer_listener(struct udp *u, int fd);
/* What becomes a listener from now on is told. */
typedef void (*udp_listener_fn)(void *ctx, int fd);
void udp_on_listener(struct udp *u, udp_listener_fn fn, void *ctx);
int udp_fd(const struct udp_sock *s);
int udp_sock_send(struct udp_sock *s, const uint8_t *data, size_t len);
/* What it has received is delivered first. Not from inside an operation of dp_ops. */
void udp_close(struct udp_sock *s);
/* Closed as it is: for a socket nobody has been told of. */
void udp_drop(struct udp_sock *s);

#endif
