// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A data plane for l2tphad-null, the daemon as it is on a box without L2TP in
 * its kernel: the sockets are those of the real one (netlink/udp.c), one for
 * each tunnel besides the listener; everything else is netlink/null.c.
 * Stands in for netlink/kernel.c at the link.
 *
 * L2TPHA_NULL=deaf in the environment is the standby's side of it: no socket,
 * and somebody answers for its addresses.  Both nodes of a pair then run on one
 * box, where the address would be of both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "daemon/io_node.h"
#include "netlink/kernel.h"
#include "netlink/null.h"
#include "netlink/udp.h"

struct plane {
	struct dp_ops ops;		/* first: dp->ops points here */
	const struct dp_ops *null;
	struct ev_loop *loop;
	struct udp *udp;		/* NULL: deaf */
	struct udp_sock *socks[65536];	/* by tunnel ID */
	uint16_t sending;		/* which tunnel's packet null.c was given */
	struct dp *dp;
	ev_check check;
	ev_idle idle;			/* while something is to be completed: no sleep */
};

static struct plane *plane_of(const struct dp *dp)
{
	return (struct plane *)dp->ops;
}

static int on_operation(void *ctx, const char *operation)
{
	struct plane *plane = ctx;

	(void)operation;
	ev_idle_start(plane->loop, &plane->idle);
	return 0;
}

static int on_probe(void *ctx, const struct dp_vip *vip)
{
	(void)vip;
	return !((struct plane *)ctx)->udp;
}

static void on_transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const uint8_t *data, size_t len)
{
	struct plane *plane = ctx;

	if (plane->socks[plane->sending])
		udp_sock_send(plane->socks[plane->sending], data, len);
	else if (plane->udp)
		udp_listener_send(plane->udp, local, peer, data, len);
}

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
	struct plane *plane = w->data;

	(void)loop, (void)revents;
	dp_null_run(plane->dp, io_now_ms());
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
	struct plane *plane = w->data;

	(void)revents;
	if (!dp_null_pending(plane->dp))
		ev_idle_stop(loop, w);
}

/* ---- what differs from null.c --------------------------------------------- */

static int plane_listen(struct dp *dp, const struct l2tp_endpoint *local)
{
	struct plane *plane = plane_of(dp);

	return plane->udp ? udp_listen(plane->udp, local) : 0;
}

static int plane_send(struct dp *dp, uint16_t tunnel_id, const struct l2tp_endpoint *local,
		      const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct plane *plane = plane_of(dp);

	plane->sending = tunnel_id;
	return plane->null->send(dp, tunnel_id, local, peer, data, len);
}

static int plane_tunnel_create(struct dp *dp, const struct dp_tunnel *tunnel, dp_done_fn done, void *arg)
{
	struct plane *plane = plane_of(dp);
	struct udp_sock **sock = &plane->socks[tunnel->local_id];

	if (plane->udp && !*sock)
		*sock = udp_connect(plane->udp, tunnel);
	return plane->null->tunnel_create(dp, tunnel, done, arg);
}

static int plane_tunnel_delete(struct dp *dp, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	struct plane *plane = plane_of(dp);

	if (plane->socks[tunnel_id])
		udp_close(plane->socks[tunnel_id]);
	plane->socks[tunnel_id] = NULL;
	return plane->null->tunnel_delete(dp, tunnel_id, done, arg);
}

static void plane_free(struct dp *dp)
{
	struct plane *plane = plane_of(dp);

	ev_check_stop(plane->loop, &plane->check);
	ev_idle_stop(plane->loop, &plane->idle);
	udp_free(plane->udp);
	plane->null->free(dp);
	free(plane);
}

static void plane_leave(struct dp *dp, uint32_t hold_ms)
{
	(void)hold_ms;
	plane_free(dp);
}

struct dp *dp_kernel_new(struct ev_loop *loop, const struct dp_events *events, char why[256])
{
	const char *how = getenv("L2TPHA_NULL");
	struct plane *plane = calloc(1, sizeof(*plane));
	struct dp_null_config config = { .transmit = on_transmit, .probe = on_probe, .fault = on_operation, .ctx = plane };

	if (!plane)
		goto fail;
	plane->loop = loop;
	plane->dp = dp_null_new(&config, events);
	if (!how || strcmp(how, "deaf") != 0)
		plane->udp = udp_new(loop, events);
	if (!plane->dp)
		goto fail;
	plane->null = plane->dp->ops;
	plane->ops = *plane->null;
	plane->ops.listen = plane_listen;
	plane->ops.send = plane_send;
	plane->ops.tunnel_create = plane_tunnel_create;
	plane->ops.tunnel_delete = plane_tunnel_delete;
	plane->ops.free = plane_free;
	plane->ops.leave = plane_leave;
	plane->dp->ops = &plane->ops;
	ev_check_init(&plane->check, on_check);
	plane->check.data = plane;
	ev_check_start(loop, &plane->check);
	ev_idle_init(&plane->idle, on_idle);
	plane->idle.data = plane;
	ev_idle_start(loop, &plane->idle);
	dp_null_set_time(plane->dp, io_now_ms());
	return plane->dp;
fail:
	snprintf(why, 256, "out of memory");
	free(plane);
	return NULL;
}

/* No socket outlives it. */
void dp_kernel_offer(struct dp *dp, const char *name, int fd)
{
	(void)dp, (void)name, (void)fd;
}

void dp_kernel_keeper(struct dp *dp, const struct dp_keeper *keeper)
{
	(void)dp, (void)keeper;
}
