// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `show l2tp redundancy` (the lines of Cisco's guides, in their order, then
 * ours), `show redundancy` and the redundancy commands.
 *
 * On a standby only what is replicated is counted: totals would include what
 * it cannot know.  An active node that never had a standby and never took
 * over has nothing to show and says so.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "daemon/outside.h"
#include "daemon/show.h"

static bool is_standby(const struct ha_info *ha)
{
	switch (ha->role) {
	case HA_ROLE_INIT:
	case HA_ROLE_STANDBY:
	case HA_ROLE_DEMOTING:
		return true;
	case HA_ROLE_CLAIMING:
	case HA_ROLE_ACTIVE:
		return false;
	}
	return false;
}

/* The peer holds what we hold, now. */
static bool in_sync(const struct ha_info *ha)
{
	return ha->peer_ready && ha->sync == HA_SYNC_IN_SYNC;
}

/* ---- show l2tp redundancy ----------------------------------------------- */

static const char *state_short(enum l2tp_tunnel_state state)
{
	switch (state) {
	case L2TP_TUNNEL_IDLE:
		return "idle";
	case L2TP_TUNNEL_WAIT_CTL_REPLY:
		return "wt-rpl";
	case L2TP_TUNNEL_WAIT_CTL_CONN:
		return "wt-con";
	case L2TP_TUNNEL_ESTABLISHED:
		return "est";
	case L2TP_TUNNEL_CLOSING:
		return "close";
	}
	return "?";
}

static json_t *channel_json(const struct l2tp_tunnel_info *t, bool checkpointed, uint32_t sessions)
{
	json_t *j = json_pack("{s:i, s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:b}",
			      "local_id", t->s.local_id, "remote_id", t->s.peer_id,
			      "state", l2tp_tunnel_state_name(t->s.state), "state_short", state_short(t->s.state),
			      "sessions", (int)sessions, "logical_cc_id", t->s.local_id,
			      "local_port", t->s.local.port, "remote_port", t->s.peer.port,
			      "ns", t->channel.vs, "nr", t->channel.vr,
			      "checkpointed", checkpointed, "resync", t->resync);

	show_put(j, "remote_name", view_string(t->s.peer_name));
	show_put(j, "class", view_string(t->s.params.group));
	show_merge(j, show_resync_json(t));
	return j;
}

static void session_json(void *arg, struct group *group, const struct l2tp_tunnel_info *tunnel,
			 const struct l2tp_session_state_rec *s)
{
	struct subscriber_info sub;
	bool ppp;

	if (!tunnel->s.params.ha)
		return;
	ppp = group_subscriber(group, s->tunnel_id, s->local_id, &sub) && sub.has_ppp;
	json_array_append_new(arg, json_pack("{s:i, s:i, s:i, s:i, s:i, s:b, s:b}",
			      "local_id", s->local_id, "remote_id", s->peer_id, "local_cc_id", s->tunnel_id,
			      "local_port", tunnel->s.local.port, "remote_port", tunnel->s.peer.port,
			      "waiting_vpdn", !ppp, "waiting_l2tp", s->state != L2TP_SESSION_ESTABLISHED));
}

static json_t *channels(struct group *group, const struct ha_info *ha)
{
	struct l2tp *l2tp = group_l2tp(group);
	json_t *list = json_array();
	struct l2tp_tunnel_info t;

	for (uint16_t id = 0; (id = l2tp_tunnel_next(l2tp, id));) {
		l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &t);
		if (!t.s.params.ha)
			continue;
		json_array_append_new(list, channel_json(&t, in_sync(ha), t.sessions));
	}
	return list;
}

/* S75: the method that new tunnels are given where their group does not say another. */
static const char *support(const struct config *config)
{
	switch (config->failover) {
	case L2TP_FAILOVER_DISABLE:
		return "Disabled";
	case L2TP_FAILOVER_PROTOCOL:
		return "Failover Protocol";
	case L2TP_FAILOVER_PROTOCOL_SILENT:
		return "Failover Protocol, Silent Failover";
	case L2TP_FAILOVER_SILENT:
	case L2TP_FAILOVER_UNSET:
		return "Silent Failover";
	}
	return "?";
}

/* What is missing before any tunnel is replicated; empty: nothing. */
static const char *missing(const struct config *config, const struct config_redundancy_group *rg)
{
	if (!rg)
		return "no redundancy group is configured";
	if (!rg->peer.family)
		return "the redundancy group has no peer";
	if (!config->mode_sso)
		return "redundancy: no mode sso";
	if (!config->vpdn_enable)
		return "vpdn is not enabled";
	if (!config->l2tp_sso)
		return "no l2tp sso enable";
	return "";
}

static json_t *redundancy_json(const struct show *show, struct group *group)
{
	struct group_resync_info resync;
	struct l2tp_counters c;
	struct ha_info ha;
	bool standby, took_over, data;
	json_int_t messages;
	json_t *j, *list;

	ha_info(group_ha(group), &ha);
	l2tp_counters(group_l2tp(group), &c);
	group_resync_info(group, &resync);
	standby = is_standby(&ha);
	took_over = resync.ok || resync.failed || resync.running;
	data = standby || ha.peer_ready || took_over;
	messages = (json_int_t)ha.records_received + (json_int_t)ha.acks_received;
	j = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:b}", "support", support(show->ctx->config),
		      "role", ha_role_name(ha.role), "sync", ha_sync_name(ha.sync), "standby", standby,
		      "checkpointing", ha.peer_ready && (ha.sync == HA_SYNC_IN_SYNC || ha.sync == HA_SYNC_SYNCING ||
							 ha.sync == HA_SYNC_DEGRADED),
		      "standby_up", standby || (ha.peer_ready && ha.peer_role == HA_ROLE_STANDBY),
		      "messages_received", messages, "data", data);
	json_object_set_new(j, "classic", json_boolean(grammar_has(show->match, "classic")));
	json_object_set_new(j, "missing", json_string(missing(show->ctx->config, group_redundancy(group))));
	show_put(j, "group", view_string(group_name(group)));
	json_object_set_new(j, "epoch", json_integer((json_int_t)ha.epoch));
	show_put(j, "peer", view_string(ha.peer_node));
	json_object_set_new(j, "redundant", json_boolean(group_redundancy(group)));
	if (data) {
		json_object_set_new(j, "tunnels", json_pack("{s:i, s:i, s:i, s:i}", "total", c.tunnels, "ha_enabled",
				    c.ha_tunnels, "ha_established", c.ha_tunnels_established, "resync", c.resync));
		json_object_set_new(j, "sessions", json_pack("{s:i, s:i, s:i}", "total", c.sessions, "ha_enabled",
				    c.ha_sessions, "ha_established", c.ha_sessions_established));
		json_object_set_new(j, "resynced", json_pack("{s:i, s:i, s:i, s:i, s:b}", "success", resync.ok, "fail",
				    resync.failed, "duration_ms", resync.duration_ms, "in_place_ms",
				    resync.in_place_ms, "complete", !resync.running));
	}
	if (!data || !(grammar_has(show->match, "all") || grammar_has(show->match, "detail")))
		return j;
	json_object_set_new(j, "control_channels", channels(group, &ha));
	list = json_array();
	show_each_session(group, 0, 0, session_json, list);
	json_object_set_new(j, "session_list", list);
	return j;
}

static const struct view header_view[] = {
	{ VIEW_LINE, "L2TP HA support: {support}", NULL },
	{ VIEW_LINE, "L2TP HA Status:", NULL },
	{ VIEW_LINE, "  Checkpoint Messaging on: {checkpointing?TRUE:FALSE}", NULL },
	{ VIEW_LINE, "  Standby RP is up: {standby_up?TRUE:FALSE}", NULL },
	{ VIEW_LINE, "  Recv'd Message Count: {messages_received}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view active_view[] = {
	{ VIEW_LINE, "  L2TP Tunnels: {tunnels.total}/{tunnels.ha_enabled}/{tunnels.ha_established}/{tunnels.resync} "
		     "(total/HA-enabled/HA-est/resync)", NULL },
	{ VIEW_LINE, "  L2TP Sessions: {sessions.total}/{sessions.ha_enabled}/{sessions.ha_established} "
		     "(total/HA-enabled/HA-est)", NULL },
	{ VIEW_LINE, "  L2TP Resynced Tunnels: {resynced.success}/{resynced.fail} (success/fail)", NULL },
	{ VIEW_LINE, "  Resync duration {resynced.duration_ms!secs} secs ({resynced.complete?complete:in progress})", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view standby_view[] = {
	{ VIEW_LINE, "  L2TP Tunnels: {tunnels.ha_enabled}/{tunnels.ha_established} (HA-enabled/HA-est)", NULL },
	{ VIEW_LINE, "  L2TP Sessions: {sessions.ha_enabled}/{sessions.ha_established} (HA-enabled/HA-est)", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view classic_view[] = {	/* S81: the first edition of the guide */
	{ VIEW_LINE, "  L2TP Active Tunnels: {tunnels.total}/{tunnels.ha_enabled}/{tunnels.resync} "
		     "(total/HA-enabled/resync)", NULL },
	{ VIEW_LINE, "  L2TP Active Sessions: {sessions.total}/{sessions.ha_enabled} (total/HA-enabled)", NULL },
	{ VIEW_LINE, "  L2TP Resynced Tunnels: {resynced.success}/{resynced.fail} (success/fail)", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view current_view[] = {
	{ VIEW_IF, "classic", classic_view },
	{ VIEW_UNLESS, "classic", active_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view counts_view[] = {
	{ VIEW_UNLESS, "standby", current_view },
	{ VIEW_IF, "standby", standby_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_data_view[] = {
	{ VIEW_LINE, "", NULL },
	{ VIEW_LINE, "No HA CC of Session data to display until Standby RP is up.", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view group_line_view[] = {
	{ VIEW_LINE, "  Redundancy group {group}: {role}, epoch {epoch}, {sync}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view missing_view[] = {
	{ VIEW_LINE, "  No tunnel is replicated: {missing}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view summary_view[] = {
	{ VIEW_USE, NULL, header_view },
	{ VIEW_IF, "missing", missing_view },
	{ VIEW_IF, "data", counts_view },
	{ VIEW_IF, "redundant", group_line_view },
	{ VIEW_UNLESS, "data", no_data_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view channel_rows[] = {
	{ VIEW_HEAD, "State LocID RemID Remote Name       Class/Group       Num. Sessions", NULL },
	{ VIEW_LINE, "{state_short:-6}{local_id:-6}{remote_id:-6}{remote_name:-17} {class:-17} {sessions}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_row[] = {
	{ VIEW_LINE, "{local_id:-11}{remote_id:-11}{local_cc_id:-11}{waiting_vpdn:-17?Yes:No}{waiting_l2tp?Yes:No}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_table[] = {
	{ VIEW_LINE, "L2TP HA Session Status:", NULL },
	{ VIEW_LINE, "LocID      RemID      TunID      Waiting for      Waiting for", NULL },
	{ VIEW_LINE, "                                 VPDN app?        L2TP proto?", NULL },
	{ VIEW_EACH, "session_list", session_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view tables_view[] = {
	{ VIEW_LINE, "L2TP HA CC Check Point Status:", NULL },
	{ VIEW_TABLE, "control_channels", channel_rows },
	{ VIEW_USE, NULL, session_table },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_block[] = {
	{ VIEW_LINE, "Local session ID             : {local_id}", NULL },
	{ VIEW_LINE, "Remote session ID            : {remote_id}", NULL },
	{ VIEW_LINE, "Local CC ID                  : {local_cc_id}", NULL },
	{ VIEW_LINE, "Local UDP port               : {local_port}", NULL },
	{ VIEW_LINE, "Remote UDP port              : {remote_port}", NULL },
	{ VIEW_LINE, "Waiting for VPDN application : {waiting_vpdn?Yes:No}", NULL },
	{ VIEW_LINE, "Waiting for L2TP protocol    : {waiting_l2tp?Yes:No}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view checkpointed_line[] = {
	{ VIEW_LINE, "Check pointed Ns/Nr values available on Standby RP", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view resync_view[] = {
	{ VIEW_LINE, "Resync                       : {resync_state} ({resync_how}), {resync_ms} ms", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view channel_block[] = {
	{ VIEW_LINE, "Local ID                     : {local_id}", NULL },
	{ VIEW_LINE, "Remote ID                    : {remote_id}", NULL },
	{ VIEW_LINE, "Control Channel state        : {state}", NULL },
	{ VIEW_LINE, "Remote name                  : {remote_name}", NULL },
	{ VIEW_LINE, "Class Name                   : {class}", NULL },
	{ VIEW_LINE, "Number of sessions           : {sessions}", NULL },
	{ VIEW_LINE, "Logical CC ID                : {logical_cc_id}", NULL },
	{ VIEW_LINE, "Local UDP port               : {local_port}", NULL },
	{ VIEW_LINE, "Remote UDP port              : {remote_port}", NULL },
	{ VIEW_LINE, "Current Ns                   : {ns}", NULL },
	{ VIEW_LINE, "Current Nr                   : {nr}", NULL },
	{ VIEW_IF, "checkpointed", checkpointed_line },
	{ VIEW_IF, "resynced", resync_view },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view detail_view[] = {
	{ VIEW_LINE, "L2TP HA CC Check Point Status:", NULL },
	{ VIEW_EACH, "control_channels", channel_block },
	{ VIEW_EACH, "session_list", session_block },
	{ VIEW_END, NULL, NULL },
};
static const struct view group_all[] = {
	{ VIEW_USE, NULL, summary_view },
	{ VIEW_IF, "data", tables_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view group_detail[] = {
	{ VIEW_USE, NULL, summary_view },
	{ VIEW_IF, "data", detail_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view all_view[] = { { VIEW_EACH, "groups", group_all }, { VIEW_END, NULL, NULL } };
static const struct view detailed_view[] = { { VIEW_EACH, "groups", group_detail }, { VIEW_END, NULL, NULL } };
static const struct view plain_view[] = { { VIEW_EACH, "groups", summary_view }, { VIEW_END, NULL, NULL } };
static const struct view blocks_view[] = { { VIEW_EACH, "session_list", session_block }, { VIEW_END, NULL, NULL } };

static bool replicated(const struct show *show, uint16_t tunnel)
{
	struct l2tp_tunnel_info info;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct l2tp_tunnel *found = l2tp_tunnel_find(group_l2tp(show->ctx->groups[i]), tunnel);

		if (!found)
			continue;
		l2tp_tunnel_info(found, &info);
		if (info.s.params.ha)
			return true;
	}
	return false;
}

json_t *show_l2tp_redundancy(struct show *show)
{
	bool detail = grammar_has(show->match, "detail");
	uint16_t tunnel = show_id(show, "TUNNEL"), session = show_id(show, "SESSION");
	json_t *tree = json_object(), *list = json_array();

	if (tunnel) {
		for (size_t i = 0; i < show->ctx->group_count; i++)
			show_each_session(show->ctx->groups[i], tunnel, session, session_json, list);
		if (!json_array_size(list) && (session || !replicated(show, tunnel)))
			show_none(show, session ? "HA session of that ID" : "HA tunnel of that ID");
		json_object_set_new(tree, "session_list", list);
		show->view = detail ? blocks_view : session_table;
		return tree;
	}
	for (size_t i = 0; i < show->ctx->group_count; i++)
		json_array_append_new(list, redundancy_json(show, show->ctx->groups[i]));
	json_object_set_new(tree, "groups", list);
	show->view = grammar_has(show->match, "all") ? all_view : detail ? detailed_view : plain_view;
	return tree;
}

/* ---- show redundancy ---------------------------------------------------- */

/* If the plug were pulled now: the answer, and why not for the rest. */
struct protection {
	struct group *group;
	const struct ha_info *ha;
	uint32_t total, protected, in_place;
	uint32_t not_ha, setup, no_ppp, not_in_sync;
};

static void protection_session(void *arg, struct group *group, const struct l2tp_tunnel_info *tunnel,
			       const struct l2tp_session_state_rec *s)
{
	struct protection *p = arg;
	struct subscriber_info sub = { 0 };
	bool known = group_subscriber(group, s->tunnel_id, s->local_id, &sub);

	p->total++;
	if (sub.in_place)
		p->in_place++;
	if (!tunnel->s.params.ha)
		p->not_ha++;
	else if (tunnel->s.state != L2TP_TUNNEL_ESTABLISHED || s->state != L2TP_SESSION_ESTABLISHED)
		p->setup++;
	else if (!known || !sub.has_ppp)
		p->no_ppp++;
	else if (!in_sync(p->ha))
		p->not_in_sync++;
	else
		p->protected++;
}

static void exposed_add(json_t *list, uint32_t count, const char *reason)
{
	if (count)
		json_array_append_new(list, json_pack("{s:i, s:o}", "sessions", count, "reason", view_string(reason)));
}

static json_t *protection_json(const struct protection *p)
{
	json_t *list = json_array();
	char why[HA_REASON_MAX + 32];

	snprintf(why, sizeof(why), "standby not in sync (%s%s%s)", ha_sync_name(p->ha->sync), p->ha->sync_reason[0] ? ": " : "",
		 p->ha->sync_reason);
	exposed_add(list, p->not_in_sync, !p->ha->peer_ready ? "no standby" : why);
	exposed_add(list, p->setup, "in setup");
	exposed_add(list, p->no_ppp, "PPP not complete: would negotiate again");
	exposed_add(list, p->not_ha, "sso is not enabled");
	return json_pack("{s:i, s:i, s:i, s:b, s:o}", "sessions", p->total, "survive", p->protected, "in_place",
			 p->in_place, "exposed", p->protected != p->total, "not_protected", list);
}

static json_t *vips_json(const struct config_redundancy_group *rg)
{
	json_t *list = json_array();
	char addr[ENDPOINT_TEXT_MAX], text[ENDPOINT_TEXT_MAX + 8];

	for (size_t i = 0; rg && i < rg->vip_count; i++) {
		snprintf(text, sizeof(text), "%s/%u", endpoint_format(&rg->vips[i].addr, false, addr),
			 rg->vips[i].prefix_len);
		json_array_append_new(list, json_pack("{s:s, s:o}", "address", text, "interface",
						      view_string(rg->vips[i].ifname)));
	}
	return list;
}

static json_t *group_json(struct show *show, struct group *group)
{
	const struct config_redundancy_group *rg = group_redundancy(group);
	struct protection p = { .group = group };
	uint64_t now = show->ctx->now_ms();
	char addr[ENDPOINT_TEXT_MAX], versions[HA_REASON_MAX];
	struct group_orphans orphans;
	struct group_ids ids;
	struct ha_info ha;
	json_t *j, *peer;

	ha_info(group_ha(group), &ha);
	p.ha = &ha;
	show_each_session(group, 0, 0, protection_session, &p);
	j = json_pack("{s:s, s:b, s:b, s:I, s:I, s:s, s:b, s:I, s:I, s:i, s:i, s:i, s:i}", "role", ha_role_name(ha.role),
		      "owner", ha.owner, "standby", is_standby(&ha), "since_ms",
		      (json_int_t)(now > ha.since_ms ? now - ha.since_ms : 0), "epoch", (json_int_t)ha.epoch, "sync",
		      ha_sync_name(ha.sync), "in_sync", in_sync(&ha), "sequence", (json_int_t)ha.seq, "acknowledged",
		      (json_int_t)ha.acked_seq, "records", ha.records, "lag_ms", ha.lag_ms_last, "lag_max_ms",
		      ha.lag_ms_max, "waiting_output", ha.waiting_output);
	show_put(j, "group", view_string(group_name(group)));
	show_put(j, "sync_reason", view_string(ha.sync_reason));
	show_put(j, "fitness", view_string(ha_fitness_name(ha.fitness)));
	show_put(j, "fitness_reason", view_string(ha.fitness_reason));
	group_orphans(group, &orphans);
	if (orphans.at_unix_ms)
		json_object_set_new(j, "orphans", json_pack("{s:I, s:i, s:i}", "at_unix_ms", (json_int_t)orphans.at_unix_ms,
							    "tunnels", orphans.tunnels, "sessions", orphans.sessions));
	group_ids(group, &ids);
	json_object_set_new(j, "tunnel_ids", json_pack("{s:i, s:i, s:i}", "first", ids.first, "last", ids.last, "beyond",
						       ids.beyond));
	json_object_set_new(j, "epoch_unwritten", json_boolean(ha.epoch_unwritten));
	json_object_set_new(j, "late_commits", json_integer((json_int_t)ha.late_commits));
	json_object_set_new(j, "virtual_addresses", vips_json(rg));
	peer = json_pack("{s:b, s:b, s:s, s:b}", "connected", ha.link_up, "ready", ha.peer_ready, "role",
			 ha_role_name(ha.peer_role), "config_equal", ha.peer_config_equal);
	show_put(peer, "name", view_string(ha.peer_node));
	show_put(peer, "version", view_string(ha.peer_version));
	ha_info_versions(&ha, versions);
	show_put(peer, "versions", view_string(versions));
	show_put(peer, "refusal", view_string(ha.refusal));
	json_object_set_new(peer, "incompatible", json_boolean(ha.incompatible));
	json_object_set_new(peer, "configured", json_boolean(rg && rg->peer.family));
	json_object_set_new(peer, "address", json_string(rg ? endpoint_format(&rg->peer, true, addr) : ""));
	json_object_set_new(j, "peer", peer);
	json_object_set_new(j, "plug_pulled", protection_json(&p));
	json_object_set_new(j, "history", show_switchovers_json(show, group));
	return j;
}

static const struct view vip_row[] = { { VIEW_LINE, "  Virtual address {address} on {interface}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view peer_up_view[] = {
	{ VIEW_LINE, "  Peer {peer.name} at {peer.address}: {peer.role}, version {peer.version}, "
		     "configuration {peer.config_equal?equal:DIFFERS}", NULL },
	{ VIEW_LINE, "  Common: {peer.versions}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view peer_down_view[] = {
	{ VIEW_LINE, "  Peer at {peer.address}: {peer.connected?connected, not ready:not connected}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view refusal_view[] = { { VIEW_LINE, "  Refused: {peer.refusal}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view reason_part[] = { { VIEW_PART, " ({sync_reason})", NULL }, { VIEW_END, NULL, NULL } };
static const struct view peer_view[] = {
	{ VIEW_IF, "peer.ready", peer_up_view },
	{ VIEW_UNLESS, "peer.ready", peer_down_view },
	{ VIEW_IF, "peer.refusal", refusal_view },
	{ VIEW_PART, "  Stream: {sync}", NULL },
	{ VIEW_IF, "sync_reason", reason_part },
	{ VIEW_LINE, "; {records} records, lag {lag_ms} ms (longest {lag_max_ms}), {waiting_output} waiting, "
		     "{late_commits} late", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_peer_view[] = { { VIEW_LINE, "  No peer is configured", NULL }, { VIEW_END, NULL, NULL } };
static const struct view exposed_row[] = { { VIEW_LINE, "    not protected: {sessions}, {reason}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view pull_active[] = {
	{ VIEW_LINE, "  If the plug were pulled now: {plug_pulled.survive} of {plug_pulled.sessions} sessions survive", NULL },
	{ VIEW_EACH, "plug_pulled.not_protected", exposed_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view pull_standby[] = {
	{ VIEW_LINE, "  If the active's plug were pulled now: {plug_pulled.survive} of {plug_pulled.sessions} known sessions "
		     "survive, {plug_pulled.in_place} in place here", NULL },
	{ VIEW_EACH, "plug_pulled.not_protected", exposed_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view history_row[] = {
	{ VIEW_LINE, "    {ago_ms!hms} ago  epoch {epoch}  {planned?planned:unplanned}  silent {silent_ms} ms, "
		     "detected {detect_ms} ms, promoted {promote_ms} ms, resynced {resync_ms} ms: {cause}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view history_view[] = {
	{ VIEW_LINE, "  Switchovers, newest first:", NULL },
	{ VIEW_EACH, "history", history_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view unwritten_view[] = {
	{ VIEW_LINE, "  The epoch CANNOT BE WRITTEN to disk: this node takes over only if no other can", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view orphans_view[] = {
	{ VIEW_LINE, "  Lost in the last partition: {orphans.tunnels} tunnels, {orphans.sessions} sessions that only this node knew of",
	  NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view beyond_view[] = {
	{ VIEW_LINE, "  Tunnel IDs {tunnel_ids.first} to {tunnel_ids.last}; {tunnel_ids.beyond} older tunnels have others until they close",
	  NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view redundancy_group_view[] = {
	{ VIEW_LINE, "Redundancy group {group}: {role} for {since_ms!hms}, epoch {epoch}", NULL },
	{ VIEW_IF, "epoch_unwritten", unwritten_view },
	{ VIEW_IF, "orphans", orphans_view },
	{ VIEW_EACH, "virtual_addresses", vip_row },
	{ VIEW_IF, "tunnel_ids.beyond", beyond_view },
	{ VIEW_IF, "peer.configured", peer_view },
	{ VIEW_UNLESS, "peer.configured", no_peer_view },
	{ VIEW_UNLESS, "standby", pull_active },
	{ VIEW_IF, "standby", pull_standby },
	{ VIEW_IF, "history", history_view },
	{ VIEW_END, NULL, NULL },
};
static const struct view redundancy_view[] = { { VIEW_EACH, "groups", redundancy_group_view }, { VIEW_END, NULL, NULL } };

json_t *show_redundancy(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();

	for (size_t i = 0; i < show->ctx->group_count; i++)
		if (show_selected(show, show->ctx->groups[i]))
			json_array_append_new(list, group_json(show, show->ctx->groups[i]));
	if (!json_array_size(list))
		show_none(show, "redundancy group of that name");
	json_object_set_new(tree, "groups", list);
	show->view = redundancy_view;
	return tree;
}

/* ---- show redundancy fitness: for programs that decide on the role ------- */

static const struct view fitness_row[] = {
	{ VIEW_LINE, "{group} {role} {fitness} {score} {fitness_reason}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view fitness_view[] = { { VIEW_EACH, "groups", fitness_row }, { VIEW_END, NULL, NULL } };

json_t *show_fitness(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct group *group = show->ctx->groups[i];
		struct ha_info ha;
		json_t *j;
		int score;

		if (!show_selected(show, group))
			continue;
		ha_info(group_ha(group), &ha);
		score = outside_score(ha.fitness);
		j = json_pack("{s:s, s:s}", "role", ha_role_name(ha.role), "fitness", ha_fitness_name(ha.fitness));
		json_object_set_new(j, "score", score == INT_MIN ? json_string("-INFINITY") : json_integer(score));
		show_put(j, "group", view_string(group_name(group)));
		show_put(j, "fitness_reason", view_string(ha.fitness_reason));
		json_array_append_new(list, j);
	}
	if (!json_array_size(list))
		show_none(show, "redundancy group of that name");
	json_object_set_new(tree, "groups", list);
	show->view = fitness_view;
	return tree;
}

/* ---- redundancy promote, demote, switchover ------------------------------ */

#define OUTCOME_MAX (2 * HA_REASON_MAX)

typedef int (*role_fn)(struct show *show, struct group *group, char reason[OUTCOME_MAX]);

static int do_promote(struct show *show, struct group *group, char reason[OUTCOME_MAX])
{
	return group_promote(group, show->ctx->now_ms(), grammar_has(show->match, "force"), reason);
}

static int do_demote(struct show *show, struct group *group, char reason[OUTCOME_MAX])
{
	return group_demote(group, show->ctx->now_ms(), reason);
}

/* Behind what the HA core says of the steps: what it means for sessions, and for which not. */
static void would(struct group *group, char text[OUTCOME_MAX])
{
	struct protection p = { .group = group };
	const char *sep = ":";
	struct ha_info ha;
	size_t n = strlen(text);

	ha_info(group_ha(group), &ha);
	p.ha = &ha;
	show_each_session(group, 0, 0, protection_session, &p);
	n += (size_t)snprintf(text + n, OUTCOME_MAX - n, "; %u of %u sessions go on", p.protected, p.total);
	const struct { uint32_t count; const char *which; } lost[] = {
		{ p.not_in_sync, "that the other node does not hold" },
		{ p.setup, "in setup" },
		{ p.no_ppp, "whose PPP would negotiate again" },
		{ p.not_ha, "without sso" },
	};
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		if (lost[i].count && n < OUTCOME_MAX) {
			n += (size_t)snprintf(text + n, OUTCOME_MAX - n, "%s not %u %s", sep, lost[i].count, lost[i].which);
			sep = ",";
		}
	if (!ha.peer_config_equal && n < OUTCOME_MAX)
		snprintf(text + n, OUTCOME_MAX - n, "; configuration DIFFERS");
}

static int do_switchover(struct show *show, struct group *group, char reason[OUTCOME_MAX])
{
	bool dry_run = grammar_has(show->match, "dry-run");
	int err = group_switchover(group, show->ctx->now_ms(), dry_run, reason);

	if (dry_run && !err)
		would(group, reason);
	return err;
}

static const struct view refused_part[] = { { VIEW_PART, "refused: ", NULL }, { VIEW_END, NULL, NULL } };
static const struct view outcome_row[] = {
	{ VIEW_PART, "{group}: ", NULL },
	{ VIEW_IF, "refused", refused_part },
	{ VIEW_LINE, "{reason}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view outcome_view[] = { { VIEW_EACH, "groups", outcome_row }, { VIEW_END, NULL, NULL } };

static json_t *each_role(struct show *show, role_fn fn, const char *done)
{
	json_t *tree = json_object(), *list = json_array();

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct group *group = show->ctx->groups[i];
		char reason[OUTCOME_MAX] = "";
		json_t *j;
		int err;

		if (!show_selected(show, group))
			continue;
		err = fn(show, group, reason);
		if (err)
			show->code = SHOW_ROLE;
		if (!reason[0])
			snprintf(reason, sizeof(reason), "%s", err ? strerror(-err) : done);
		j = json_pack("{s:b}", "refused", err != 0);
		show_put(j, "group", view_string(group_name(group)));
		show_put(j, "reason", view_string(reason));
		json_array_append_new(list, j);
	}
	if (!json_array_size(list))
		show_none(show, "redundancy group of that name");
	json_object_set_new(tree, "groups", list);
	show->view = outcome_view;
	return tree;
}

json_t *show_promote(struct show *show)
{
	return each_role(show, do_promote, "promoting");
}

json_t *show_demote(struct show *show)
{
	return each_role(show, do_demote, "demoting");
}

json_t *show_switchover(struct show *show)
{
	return each_role(show, do_switchover, grammar_has(show->match, "dry-run") ? "would hand over" : "handing over");
}
