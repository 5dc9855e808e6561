// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Draining: a tunnel, a peer or the whole group takes no new tunnels and
 * sessions, so that it is empty some day and can be switched off with nobody
 * noticing.  What is up stays.
 *
 * Unlike `vpdn softshut`, which is configuration, this is an order of the
 * operator: one record of the group (a tunnel's is in its own record), so it
 * holds after a switchover and a restart, and is taken back by the operator.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"

static bool is_peer(const char *entry, const char *name, const struct l2tp_endpoint *peer)
{
	struct l2tp_endpoint address = { 0 };

	if (!strcmp(entry, name))
		return true;
	return !endpoint_parse(&address, entry) && endpoint_addr_equal(&address, peer);
}

bool group_draining(const struct group *group, const char *name, const struct l2tp_endpoint *peer)
{
	for (size_t i = 0; i < group->drain.count; i++)
		if (is_peer(group->drain.peers[i], name, peer))
			return true;
	return group->drain.all;
}

static int drain_put(struct group *group, uint64_t now_ms)
{
	struct ha_key key = { CHECKPOINT_DRAIN, group->record_id, 0, 0 };
	uint8_t *body = NULL;
	size_t len = 0;
	int rc;

	group->now_ms = now_ms;
	if (group->drain.all || group->drain.count) {
		rc = checkpoint_encode_drain(&group->drain, &body, &len);
		rc = group_put(group, key, body, len, rc);
	} else {
		rc = 0;
		ha_del(group->ha, key);
	}
	group_run(group, now_ms);
	return rc;
}

int group_drain_tunnel(struct group *group, uint64_t now_ms, uint16_t tunnel_id, bool drain)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, tunnel_id);

	if (!tunnel)
		return -ENOENT;
	if (!group->active)
		return -EPERM;
	l2tp_tunnel_drain(tunnel, drain);
	group_run(group, now_ms);
	return 0;
}

int group_drain_peer(struct group *group, uint64_t now_ms, const char *peer, bool drain)
{
	struct checkpoint_drain *d = &group->drain;
	size_t i = 0;

	if (!group->active)
		return -EPERM;
	while (i < d->count && strcmp(d->peers[i], peer))
		i++;
	if (!drain && i == d->count)
		return -ENOENT;
	if (drain && i == CHECKPOINT_DRAIN_PEERS)
		return -ENOSPC;
	if (!drain) {
		d->count--;
		memmove(d->peers[i], d->peers[i + 1], (d->count - i) * sizeof(d->peers[0]));
	} else if (i == d->count) {
		snprintf(d->peers[d->count++], sizeof(d->peers[0]), "%.*s", (int)sizeof(d->peers[0]) - 1, peer);
	}
	return drain_put(group, now_ms);
}

int group_drain_all(struct group *group, uint64_t now_ms, bool drain)
{
	if (!group->active)
		return -EPERM;
	if (!drain && !group->drain.all)
		return -ENOENT;
	group->drain.all = drain;
	return drain_put(group, now_ms);
}

const char *group_drained(const struct group *group, size_t index, uint32_t *tunnels, uint32_t *sessions)
{
	const struct checkpoint_drain *d = &group->drain;
	const char *entry = index < d->count ? d->peers[index] : "";
	struct l2tp_tunnel_info info;

	if (index >= d->count + d->all)
		return NULL;
	*tunnels = *sessions = 0;
	for (uint16_t id = 0; (id = l2tp_tunnel_next(group->l2tp, id));) {
		l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, id), &info);
		if (info.s.state == L2TP_TUNNEL_CLOSING || (*entry && !is_peer(entry, info.s.peer_name, &info.s.peer)))
			continue;
		++*tunnels;
		*sessions += info.sessions;
	}
	return entry;
}
