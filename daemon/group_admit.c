// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may come in: the VPDN group of a tunnel that a peer asks for, what the
 * tunnel is given from it, and the limits on tunnels and calls.
 *
 * Limits are looked up at every request, so a changed one holds at once; what
 * is up is never touched.  They are those of this redundancy group, wherever
 * it is active.  At a limit the peer is told so in the words that the tunnel's
 * VPDN group chose (`limit-code`), so that a LAC turns to another LNS.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

/* ---- tunnels in setup --------------------------------------------------- */

#define PRECEDENCE_SHIFT 5
#define ECN_MASK 3u

static struct l2tp_transport transport_of(const struct config_vpdn_group *vg)
{
	unsigned tos = vg->tos;

	if (vg->precedence)
		tos = (tos & ((1u << PRECEDENCE_SHIFT) - 1)) | (vg->precedence - 1) << PRECEDENCE_SHIFT;
	return (struct l2tp_transport){ .tos = (uint8_t)(tos & ~ECN_MASK), .no_checksum = !vg->checksum,
					.drop_late = vg->drop_late };
}

void group_tunnel_params(const struct group *group, const struct config_vpdn_group *vg, struct l2tp_tunnel_params *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->group, sizeof(p->group), "%s", vg->name);
	snprintf(p->local_name, sizeof(p->local_name), "%s", vg->local_name[0] ? vg->local_name : group->config->hostname);
	snprintf(p->secret, sizeof(p->secret), "%s", vg->tunnel_password);
	p->authenticate = vg->tunnel_auth && vg->tunnel_password[0];
	p->ha = group->rg && group->config->mode_sso && group->config->l2tp_sso && vg->sso;
	/* what is not said of the window does not bound `resync`, which may be meant to make it larger */
	p->receive_window = vg->receive_window;
	if (p->ha && (vg->resync < vg->receive_window ||
		      !config_vpdn_group_says(vg, offsetof(struct config_vpdn_group, receive_window))))
		p->receive_window = vg->resync;
	p->hello_s = vg->hello_s;
	p->retransmit_retries = vg->retransmit_retries;
	p->retransmit_min_s = vg->retransmit_min_s;
	p->retransmit_max_s = vg->retransmit_max_s;
	p->setup_timeout_s = vg->setup_timeout_s;
	p->no_session_s = vg->no_session_s;
	p->hide = vg->hide && vg->tunnel_password[0];
	p->hide_setup = vg->hide_setup;
	p->busy = (enum l2tp_busy)(vg->limit_code - CONFIG_LIMIT_RESOURCES);
	snprintf(p->busy_peers, sizeof(p->busy_peers), "%s", vg->limit_redirect);
	p->framing_without = vg->framing;
	p->bearer = vg->bearer;
	p->transport = transport_of(vg);
	p->tie_break = vg->tie_break;
	p->peer_change = vg->address_change;
	p->initial_retries = vg->initial_retries;
	p->initial_min_s = vg->initial_min_s;
	p->initial_max_s = vg->initial_max_s;
	p->failover = vg->failover;
	/* an older standby would keep sequence numbers, but not what RFC 4951 promised the peer */
	if (p->ha && (p->failover == L2TP_FAILOVER_PROTOCOL || p->failover == L2TP_FAILOVER_PROTOCOL_SILENT) &&
	    !ha_feature(group->ha, HA_FEATURE_FAILOVER))
		p->failover = L2TP_FAILOVER_SILENT;
	p->recovery_ms = group->config->failover_recovery_ms;
}

bool group_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p)
{
	struct group *group = ctx;
	const struct config_vpdn_group *vg, *fallback = NULL, *found = NULL;
	struct config_vpdn_group effective;

	if (!group->config->vpdn_enable)
		return false;
	for (vg = group->config->vpdn_groups; vg && !found; vg = vg->next) {
		if (!vg->accept_dialin || !vg->protocol_l2tp ||
		    (vg->source_ip.family && !endpoint_addr_equal(&vg->source_ip, &info->local)))
			continue;
		if (vg->terminate_from[0] && !strcmp(vg->terminate_from, info->peer_name))
			found = vg;
		else if (!vg->terminate_from[0] && !fallback)
			fallback = vg;
	}
	vg = found ? found : fallback;
	if (!vg) {
		return false;	/* the engine says so: L2TP_ACTION_CALL_REFUSED */
	}
	config_vpdn_group_effective(group->config, vg, &effective);
	group_tunnel_params(group, &effective, p);
	return true;
}

/* ---- limits ------------------------------------------------------------- */

void group_limits(struct group *group)
{
	const struct config *config = group->config;
	const struct l2tp_config limits = {
		.max_half_open = config->max_tunnels_starting,
		.max_half_open_per_peer = config->max_tunnels_starting_peer,
		.max_calls_setup = config->max_starting,
		.max_calls_setup_per_peer = config->max_starting_peer,
	};

	l2tp_set_limits(group->l2tp, &limits);
}

/* It is the box's: several groups say the same. */
void group_clamp(struct group *group)
{
	enum dp_clamp whose;

	for (const struct config_vtemplate *vt = group->config->vtemplates; vt; vt = vt->next)
		group->clamp_some |= vt->adjust_mss;
	for (const struct config_dialer *d = group->config->dialers; d; d = d->next)
		group->clamp_some |= d->adjust_mss;
	whose = group->config->adjust_mss ? DP_CLAMP_SUBSCRIBERS : group->clamp_some ? DP_CLAMP_GROUP : DP_CLAMP_NONE;
	if (!group->dp->ops->clamp_mss || (group->clamp_told && group->clamp == whose))
		return;
	group->dp->ops->clamp_mss(group->dp, whose);
	group->clamp = whose;
	group->clamp_told = true;
}

bool group_admit_tunnel(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
			char why[L2TP_TEXT_MAX])
{
	struct group *group = ctx;

	(void)params;
	if (group->config->softshut)
		snprintf(why, L2TP_TEXT_MAX, "soft shut: no new tunnels");
	else if (group_draining(group, info->peer_name, &info->peer))
		snprintf(why, L2TP_TEXT_MAX, "soft shut: no new tunnels of this peer");
	else
		return true;
	return false;
}

bool group_admits(const struct group *group, const char *vpdn_group, char why[L2TP_TEXT_MAX])
{
	const struct config_vpdn_group *vg = config_vpdn_group_find(group->config, vpdn_group);
	uint32_t limit = group->config->session_limit, tunnels, sessions;
	struct l2tp_counters counters;

	if (group->config->softshut) {
		snprintf(why, L2TP_TEXT_MAX, "soft shut: no new sessions");
		return false;
	}
	l2tp_counters(group->l2tp, &counters);
	if (limit && counters.sessions >= limit) {
		snprintf(why, L2TP_TEXT_MAX, "session limit %u reached", limit);
		return false;
	}
	if (!vg || !vg->session_limit)
		return true;
	l2tp_group_usage(group->l2tp, vpdn_group, &tunnels, &sessions);
	if (sessions < vg->session_limit)
		return true;
	snprintf(why, L2TP_TEXT_MAX, "session limit %u of group %s reached", vg->session_limit, vpdn_group);
	return false;
}

bool group_admit_call(void *ctx, uint16_t tunnel_id, char why[L2TP_TEXT_MAX])
{
	struct group *group = ctx;
	struct l2tp_tunnel_info info;

	l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, tunnel_id), &info);
	if (group_draining(group, info.s.peer_name, &info.s.peer)) {
		snprintf(why, L2TP_TEXT_MAX, "soft shut: no new sessions of this peer");
		return false;
	}
	return group_admits(group, group_tunnel_params_group(group, tunnel_id), why);
}

/* As the failure history names them. */
const char *group_refusal_type(const struct group *group, const struct l2tp_result *result)
{
	if (strstr(result->text, "HA resync"))
		return "Tunnel in HA resync";
	if (!strncmp(result->text, "no VPDN group", 13))
		return group->config->vpdn_enable ? "Authorization failed" : "No vpdn enable";
	if (strstr(result->text, "challenge") || strstr(result->text, "secret"))
		return "Tunnel authentication failed";
	if (!strncmp(result->text, "soft shut", 9))
		return "Soft shut";
	if (!strncmp(result->text, "session limit", 13))
		return "Session limit exceeded";
	if (strstr(result->text, "limit"))
		return "No resources available";
	return "Administrative";
}
