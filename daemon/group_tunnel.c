// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tunnel's data plane on this box: its UDP socket and the kernel's tunnel.
 * Sessions ask for it (subscriber.c) and so does everybody who brings a tunnel
 * up or takes it over; it is made once, and goes with the tunnel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

struct group_tunnel *tunnel_get(struct group *group, uint16_t tunnel_id, bool create)
{
	struct group_tunnel *t = group->tunnel_last;

	/* records of a round come tunnel by tunnel, and each asks several times */
	if (t && t->id == tunnel_id)
		return t;
	HASH_FIND(hh, group->tunnels, &tunnel_id, sizeof(tunnel_id), t);
	if (!t && create) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return NULL;
		t->id = tunnel_id;
		HASH_ADD(hh, group->tunnels, id, sizeof(t->id), t);
	}
	if (t)
		group->tunnel_last = t;
	return t;
}

/* Its sessions fail too and decide: a new call is refused, a standing one tried again. */
static void tunnel_failed(struct group_tunnel *t, int error)
{
	t->plane = PLANE_FAILED;
	if (error == -EEXIST)
		log_debug("tunnel %u: its predecessor is still being removed", t->id);
	else
		log_warnx("tunnel %u: no data plane: %s", t->id, strerror(-error));
}

static void tunnel_created(void *arg, int error)
{
	struct dp_request *req = arg;
	uint16_t id = req->tunnel_id;
	uint32_t generation = req->generation;
	struct group *group = group_request_done(req);
	struct group_tunnel *t = group ? tunnel_get(group, id, false) : NULL;

	if (!t || t->generation != generation)
		return;
	if (error)
		tunnel_failed(t, error);
	else
		t->plane = PLANE_READY;
}

void tunnel_place(struct group *group, uint16_t tunnel_id)
{
	struct l2tp_tunnel *live = l2tp_tunnel_find(group->l2tp, tunnel_id);
	struct group_tunnel *t;
	struct l2tp_tunnel_info info;
	struct dp_request *req;
	int rc;

	if (!live || !(group->active || group_hot(group)))
		return;
	l2tp_tunnel_info(live, &info);
	if (info.s.state != L2TP_TUNNEL_ESTABLISHED)
		return;
	t = tunnel_get(group, tunnel_id, true);
	if (!t || t->plane == PLANE_READY || t->plane == PLANE_CREATING || adopt_tunnel(group, t))
		return;
	t->generation = ++group->generation;
	req = group_request(group, tunnel_id, 0, t->generation);
	if (!req)
		return;
	t->plane = PLANE_CREATING;
	rc = group->dp->ops->tunnel_create(group->dp,
					   &(struct dp_tunnel){ .local_id = tunnel_id,
								.peer_id = info.s.peer_id,
								.local = info.s.local,
								.peer = info.s.peer,
								.tos = info.s.params.transport.tos,
								.no_checksum = info.s.params.transport.no_checksum },
					   tunnel_created, req);
	if (rc) {
		group_request_done(req);
		tunnel_failed(t, rc);
	}
}

void tunnel_drop(struct group *group, uint16_t tunnel_id)
{
	struct group_tunnel *t = tunnel_get(group, tunnel_id, false);

	if (!t)
		return;
	if (t->plane != PLANE_NONE)
		group->dp->ops->tunnel_delete(group->dp, tunnel_id, NULL, NULL);
	HASH_DEL(group->tunnels, t);
	group->tunnel_last = NULL;
	free(t);
}
