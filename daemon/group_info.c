// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A group seen from outside: what show commands, metrics and tests read, and
 * what an administrator may do to it.  Reading changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

const char *subscriber_state_name(enum subscriber_state state)
{
	switch (state) {
	case SUBSCRIBER_KERNEL:
		return "kernel";
	case SUBSCRIBER_PPP:
		return "ppp";
	case SUBSCRIBER_UP:
		return "up";
	case SUBSCRIBER_STANDBY:
		return "standby";
	case SUBSCRIBER_CLOSING:
		return "closing";
	}
	return "?";
}

/* Frames pass: by PPP of ours, or over to the other leg. */
static bool passes(struct group *group, const struct subscriber *sub)
{
	const struct subscriber *head = joint_head(group, sub);

	return head ? head->joint == PLANE_READY : sub->ppp == SUB_PPP_UP;
}

static enum subscriber_state state_of(struct group *group, const struct subscriber *sub)
{
	if (sub->closing)
		return SUBSCRIBER_CLOSING;
	if (!group->active)
		return SUBSCRIBER_STANDBY;
	if (sub->plane != PLANE_READY)
		return SUBSCRIBER_KERNEL;
	if (passes(group, sub))
		return SUBSCRIBER_UP;
	return sub->other ? SUBSCRIBER_KERNEL : SUBSCRIBER_PPP;
}

bool group_subscriber(const struct group *group, uint16_t tunnel_id, uint16_t session_id, struct subscriber_info *info)
{
	struct group *g = (struct group *)(uintptr_t)group;
	const struct subscriber *sub = sub_find(g, tunnel_id, session_id);

	if (!sub)
		return false;
	*info = (struct subscriber_info){
		.tunnel_id = tunnel_id,
		.session_id = session_id,
		.state = state_of(g, sub),
		.address = sub->dialer ? sub->own_address : sub->address,
		.has_ppp = sub->ppp_state || sub->other,
		.in_place = sub->plane == PLANE_READY && passes(g, sub),
		.to_tunnel_id = (uint16_t)(sub->other >> 16),
		.to_session_id = (uint16_t)sub->other,
		.up_unix_ms = sub->up_unix_ms,
		.counters = sub->counters,
	};
	snprintf(info->user, sizeof(info->user), "%.*s", (int)sizeof(info->user) - 1, sub->user);
	snprintf(info->ifname, sizeof(info->ifname), "%s", sub->ifname);
	return true;
}

static void counters_row(void *arg, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *counters)
{
	const struct dp_request *req = arg;
	struct subscriber *sub = req->group ? sub_find(req->group, tunnel_id, session_id) : NULL;

	if (sub)
		sub->counters = *counters;
}

static void counters_read(void *arg, int error)
{
	struct group *group = group_request_done(arg);
	void (*done)(void *);

	if (!group)
		return;
	if (error)
		log_info("redundancy group %s: counters cannot be read: %s", group_name(group), strerror(-error));
	done = group->counters_done;
	group->counters_done = NULL;
	if (done)
		done(group->counters_arg);
}

int group_counters(struct group *group, void (*done)(void *arg), void *arg)
{
	struct dp_request *req;
	struct subscriber *sub;
	int rc;

	if (group->counters_done && done)
		return -EBUSY;
	group->counters_done = done;
	group->counters_arg = arg;
	if (!done)
		return 0;
	for (sub = group->subs; sub; sub = sub->hh.next)
		sub->counters = (struct dp_session_counters){ 0 };	/* what has no kernel session counts nothing */
	req = group_request(group, 0, 0, 0);
	rc = req ? group->dp->ops->counters(group->dp, counters_row, counters_read, req) : -ENOMEM;
	if (!rc)
		return 0;
	group->counters_done = NULL;
	if (req)
		group_request_done(req);
	return rc;
}

void group_ids(const struct group *group, struct group_ids *ids)
{
	struct l2tp_tunnel_info t;

	*ids = (struct group_ids){ .first = group->id_min, .last = group->id_max };
	for (uint16_t id = 0; (id = l2tp_tunnel_next(group->l2tp, id));) {
		l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, id), &t);
		ids->beyond += t.s.state != L2TP_TUNNEL_CLOSING && (id < ids->first || id > ids->last);
	}
}

void group_resync_info(const struct group *group, struct group_resync_info *info)
{
	*info = group->resync;
	if (info->running)
		info->duration_ms = (uint32_t)(group->now_ms - group->takeover_ms);
}

const char *group_name(const struct group *group)
{
	return group->rg ? group->rg->name : "none";
}

const struct config_redundancy_group *group_redundancy(const struct group *group)
{
	return group->rg;
}

struct l2tp *group_l2tp(const struct group *group)
{
	return group->l2tp;
}

struct ha *group_ha(const struct group *group)
{
	return group->ha;
}

/*
 * Users, pools, templates and VPDN groups are looked up when they are needed;
 * only the HA core was told something of the configuration when it was made.
 */
void group_config_changed(struct group *group, uint64_t now_ms)
{
	uint8_t digest[16];

	group->now_ms = now_ms;
	if (group->own_pools)
		pool_set_reload(group->pools, group->config);
	group_limits(group);
	group_clamp(group);
	config_digest(group->config, digest);
	ha_config_changed(group->ha, now_ms, digest);
	clients_sync(group);
	group_run(group, now_ms);
}

/* ---- administration ----------------------------------------------------- */

int group_promote(struct group *group, uint64_t now_ms, bool force, char reason[HA_REASON_MAX])
{
	int rc = ha_promote(group->ha, now_ms, force, reason);

	group_run(group, now_ms);
	return rc;
}

int group_demote(struct group *group, uint64_t now_ms, char reason[HA_REASON_MAX])
{
	int rc = ha_demote(group->ha, now_ms, reason);

	group_run(group, now_ms);
	return rc;
}

int group_switchover(struct group *group, uint64_t now_ms, bool dry_run, char reason[HA_REASON_MAX])
{
	int rc = ha_switchover(group->ha, now_ms, dry_run, reason);

	group_run(group, now_ms);
	return rc;
}

int group_clear_tunnel(struct group *group, uint64_t now_ms, uint16_t tunnel_id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, tunnel_id);
	struct l2tp_result r = { .result = 1, .text = "cleared by the operator" };

	if (!tunnel)
		return -ENOENT;
	if (!group->active)
		return -EPERM;
	l2tp_tunnel_close(tunnel, now_ms, &r);
	group_run(group, now_ms);
	return 0;
}

int group_clear_session(struct group *group, uint64_t now_ms, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *sub = sub_find(group, tunnel_id, session_id);

	if (!l2tp_session_find(group->l2tp, tunnel_id, session_id))
		return -ENOENT;
	if (!group->active)
		return -EPERM;
	group->now_ms = now_ms;
	if (sub && sub->ppp == SUB_PPP_UP && !sub->closing) {
		sub->closing = true;	/* LCP Terminate first, the CDN follows PPP's down */
		group->ppp->terminate(group->ppp_engine, ppp_key_of(sub));
	} else {
		group_close_session(group, tunnel_id, session_id, 3, 0, "cleared by the operator");
		group_run(group, now_ms);
	}
	return 0;
}
