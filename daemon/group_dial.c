// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The dialer (dial.h) of a redundancy group: what it asks the group, the
 * record of the peers that are busy, and its life with the group's roles.
 *
 * One record has all busy peers: there are as many as a configuration names.
 * It tells wall clock time, which is what two nodes have in common; who takes
 * over does not ask a peer again that asked for a minute's peace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define NO_SESSION_S 15	/* a tunnel that we opened and that has no session */

/* ---- what the dialer asks ------------------------------------------------ */

static bool owns_first(const struct group *group, uint8_t family, struct l2tp_endpoint *local)
{
	for (const struct config_redundancy_group *g = group->config->redundancy_groups; g; g = g->next)
		for (size_t i = 0; i < g->vip_count; i++)
			if (g->vips[i].addr.family == family) {
				*local = g->vips[i].addr;
				return g == group->rg;
			}
	return false;
}

bool group_dials(const struct group *group, const struct config_vpdn_group *vg, const struct l2tp_endpoint *peer,
		 struct l2tp_endpoint *local)
{
	bool ours;

	*local = vg->source_ip;
	ours = vg->source_ip.family ? group_owns_address(group, &vg->source_ip) : owns_first(group, peer->family, local);
	local->port = L2TP_PORT;
	return ours && local->family == peer->family;
}

/* Who called here is dialled for from here: our own first address, if the group says no other. */
static bool dial_local(void *ctx, const struct config_vpdn_group *vg, const struct l2tp_endpoint *peer,
		       struct l2tp_endpoint *local)
{
	const struct group *group = ctx;

	for (size_t i = 0; !vg->source_ip.family && group->rg && i < group->rg->vip_count; i++)
		if (group->rg->vips[i].addr.family == peer->family) {
			*local = group->rg->vips[i].addr;
			local->port = L2TP_PORT;
			return true;
		}
	return group_dials(group, vg, peer, local);
}

static void dial_params(void *ctx, const struct config_vpdn_group *vg, struct l2tp_tunnel_params *p)
{
	struct group *group = ctx;
	struct config_vpdn_group e;

	config_vpdn_group_effective(group->config, vg, &e);
	group_tunnel_params(group, &e, p);
	p->refuse_dialin = !vg->accept_dialin;
	if (!config_vpdn_group_says(&e, offsetof(struct config_vpdn_group, no_session_s)))
		p->no_session_s = NO_SESSION_S;
}

static bool dial_admits(void *ctx, const char *vpdn_group, char why[L2TP_TEXT_MAX])
{
	return group_admits(ctx, vpdn_group, why);
}

static bool dial_drained(void *ctx, const struct l2tp_endpoint *peer)
{
	return group_draining(ctx, "", peer);
}

/* With virtual addresses nothing else is answered on, and those are refused when they are read. */
static bool dial_own(void *ctx, const struct l2tp_endpoint *peer)
{
	const struct group *group = ctx;

	return !group->rg && group->ops.own_address && group->ops.own_address(group->ops.ctx, peer);
}

static void dial_random(void *ctx, void *buf, size_t len)
{
	struct group *group = ctx;

	group->ops.random(group->ops.ctx, buf, len);
}

static void dial_refused(void *ctx, const struct dial_failure *why, const char *user)
{
	group_failure_add(ctx, why->tunnel_id, &why->peer, user, why->type, why->reason);
}

/* ---- busy peers ---------------------------------------------------------- */

static uint64_t to_unix(const struct group *group, uint64_t ms)
{
	return (uint64_t)((int64_t)ms + group->unix_minus_monotonic_ms);
}

static void dial_busy(void *ctx)
{
	struct group *group = ctx;
	struct ha_key key = { CHECKPOINT_BUSY, group->record_id, 0, 1 };
	struct checkpoint_busy r = { 0 };
	struct dial_busy busy;
	uint8_t *body = NULL;
	size_t at = 0, len = 0;
	int rc;

	if (!group->active)
		return;
	while (r.count < CHECKPOINT_BUSY_PEERS && dialer_busy_next(group->dialer, group->now_ms, &at, &busy)) {
		busy.since_ms = to_unix(group, busy.since_ms);
		busy.until_ms = to_unix(group, busy.until_ms);
		r.peers[r.count++] = busy;
	}
	if (!r.count) {
		ha_del(group->ha, key);
		return;
	}
	rc = checkpoint_encode_busy(&r, &body, &len);
	group_put(group, key, body, len, rc);
}

int group_busy_apply(struct group *group, const void *body, size_t len)
{
	struct checkpoint_busy r;
	int rc = checkpoint_decode_busy(body, len, &r);

	if (!rc)
		dialer_busy_clear(group->dialer, NULL);
	for (size_t i = 0; !rc && i < r.count; i++) {
		r.peers[i].since_ms = (uint64_t)((int64_t)r.peers[i].since_ms - group->unix_minus_monotonic_ms);
		r.peers[i].until_ms = (uint64_t)((int64_t)r.peers[i].until_ms - group->unix_minus_monotonic_ms);
		/* clocks that differ must not keep a peer out for longer than it was meant to be */
		if (r.peers[i].since_ms > group->now_ms) {
			r.peers[i].until_ms -= r.peers[i].since_ms - group->now_ms;
			r.peers[i].since_ms = group->now_ms;
		}
		dialer_busy_set(group->dialer, &r.peers[i]);
	}
	return rc;
}

bool group_busy_next(const struct group *group, uint64_t now_ms, size_t *at, struct dial_busy *out)
{
	return dialer_busy_next(group->dialer, now_ms, at, out);
}

int group_busy_clear(struct group *group, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	size_t count;

	if (!group->active)
		return -EPERM;
	group->now_ms = now_ms;
	count = dialer_busy_clear(group->dialer, peer);
	dial_busy(group);
	clients_sync(group);	/* who waits may succeed now */
	group_run(group, now_ms);
	return count ? 0 : -ENOENT;
}

/* ---- life --------------------------------------------------------------- */

int group_dial_new(struct group *group)
{
	const struct dialer_ops ops = { .ctx = group, .local = dial_local, .params = dial_params, .admits = dial_admits,
					.drained = dial_drained, .own = dial_own, .random = dial_random, .busy = dial_busy,
					.refused = dial_refused };

	group->client_at_ms = UINT64_MAX;
	group->dialer = dialer_new(group->config, group->l2tp, &ops);
	return group->dialer ? 0 : -ENOMEM;
}

void group_dial_free(struct group *group)
{
	clients_free(group);
	dialer_free(group->dialer);
}

/* The subscribers are as the records say. */
void group_dial_take_over(struct group *group)
{
	dialer_take_over(group->dialer);
	switch_reset(group);
	clients_take_over(group);
}

void group_dial_reset(struct group *group)
{
	dialer_reset(group->dialer);
	switch_reset(group);
	clients_free(group);
}

void group_dial_tick(struct group *group)
{
	if (!group->active)
		return;
	dialer_tick(group->dialer, group->now_ms);
	clients_tick(group);
}
