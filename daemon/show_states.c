// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `show redundancy` in the parts an IOS operator asks for: states, clients,
 * counters, history, switchover history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/checkpoint.h"
#include "daemon/show.h"

/* ---- states ------------------------------------------------------------- */

/* The number and the word IOS has for it. */
static const char *ios_state(enum ha_role role, enum ha_sync sync, bool hot)
{
	switch (role) {
	case HA_ROLE_INIT:
		return "1 -DISABLED";
	case HA_ROLE_STANDBY:
		if (sync != HA_SYNC_IN_SYNC)
			return sync == HA_SYNC_SYNCING ? "7 -STANDBY BULK" : "4 -STANDBY COLD";
		return hot ? "8 -STANDBY HOT" : "5 -STANDBY WARM";
	case HA_ROLE_CLAIMING:
		return "12 -ACTIVE PRECONFIG";
	case HA_ROLE_ACTIVE:
		return "13 -ACTIVE";
	case HA_ROLE_DEMOTING:
		return "2 -INITIALIZATION";
	}
	return "?";
}

static json_t *states_json(const struct show *show, struct group *group)
{
	const struct config_redundancy_group *rg = group_redundancy(group);
	bool hot = rg && rg->hot, peer = rg && rg->peer.family;
	const char *configured = show->ctx->config->mode_sso ? "sso" : "none";
	char reason[HA_REASON_MAX];
	struct ha_info ha;
	json_t *j;

	ha_info(group_ha(group), &ha);
	j = json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:b, s:i, s:s}",
		      "my_state", ios_state(ha.role, ha.sync, hot),
		      "peer_state", ha.peer_ready ? ios_state(ha.peer_role, ha.sync, hot) : "1 -DISABLED",
		      "duplex", ha.peer_ready, "mode_configured", configured,
		      "mode_operational", peer && show->ctx->config->mode_sso && ha.peer_ready ? "sso" : "none",
		      "sync", ha_sync_name(ha.sync), "communications", ha.link_up, "clients", 4,
		      "standby_mode", !rg ? "none" : hot ? "hot" : "warm");
	json_object_set_new(j, "detector", json_string(rg ? config_detector_name(rg->detector) : "none"));
	json_object_set_new(j, "switchover_possible",
			    json_boolean(!ha_switchover(group_ha(group), show->ctx->now_ms(), true, reason)));
	show_put(j, "group", view_string(group_name(group)));
	return j;
}

static const struct view states_group[] = {
	{ VIEW_LINE, "Redundancy group {group}", NULL },
	{ VIEW_LINE, "       my state = {my_state}", NULL },
	{ VIEW_LINE, "     peer state = {peer_state}", NULL },
	{ VIEW_LINE, "           Mode = {duplex?Duplex:Simplex}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_LINE, "Redundancy Mode (Operational) = {mode_operational}", NULL },
	{ VIEW_LINE, "Redundancy Mode (Configured)  = {mode_configured}", NULL },
	{ VIEW_LINE, "Redundancy State              = {sync}", NULL },
	{ VIEW_LINE, "     Standby = {standby_mode}", NULL },
	{ VIEW_LINE, "    Detector = {detector}", NULL },
	{ VIEW_LINE, " Manual Swact = {switchover_possible?enabled:disabled}", NULL },
	{ VIEW_LINE, " Communications = {communications?Up:Down}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_LINE, "   client count = {clients}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view states_view[] = { { VIEW_EACH, "groups", states_group }, { VIEW_END, NULL, NULL } };

/* ---- clients ------------------------------------------------------------ */

enum { CLIENT_L2TP, CLIENT_PPP, CLIENT_VPDN, CLIENT_AAA, CLIENTS };

struct client_count {
	uint32_t records[CLIENTS];
	uint64_t octets[CLIENTS];
};

/* Who a record belongs to. A subscriber's is of PPP once its state is in it, and always of whoever gave the address. */
static bool count_record(void *ctx, struct ha_key key, const void *body, size_t len)
{
	struct client_count *c = ctx;
	struct checkpoint_subscriber sub;
	unsigned client = CLIENT_L2TP;

	switch ((enum checkpoint_type)key.type) {
	case CHECKPOINT_TUNNEL:
	case CHECKPOINT_CHANNEL:
	case CHECKPOINT_MESSAGE:
		break;
	case CHECKPOINT_SESSION:
	case CHECKPOINT_JOINT:
	case CHECKPOINT_DRAIN:
	case CHECKPOINT_BUSY:
		client = CLIENT_VPDN;
		break;
	case CHECKPOINT_SUBSCRIBER:
		client = CLIENT_AAA;
		if (checkpoint_decode_subscriber(body, len, &sub))
			break;
		c->records[CLIENT_PPP] += sub.ppp_state_len != 0;
		c->octets[CLIENT_PPP] += sub.ppp_state_len;
		len -= sub.ppp_state_len < len ? sub.ppp_state_len : len;
		free((void *)(uintptr_t)sub.ppp_state);
		break;
	}
	c->records[client]++;
	c->octets[client] += len;
	return true;
}

static json_t *clients_json(const struct show *show, struct group *group)
{
	static const struct { const char *name, *what; } clients[CLIENTS] = {
		[CLIENT_L2TP] = { "l2tp", "tunnels, control channels, unacknowledged messages" },
		[CLIENT_PPP] = { "ppp", "negotiated state of links" },
		[CLIENT_VPDN] = { "vpdn", "sessions" },
		[CLIENT_AAA] = { "aaa", "users and their addresses" },
	};
	struct client_count count = { 0 };
	json_t *j = json_object(), *list = json_array();

	(void)show;
	ha_visit(group_ha(group), 0, count_record, &count);
	for (int i = 0; i < CLIENTS; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:I, s:I}", "id", i + 1, "client", clients[i].name,
				      "what", clients[i].what, "records", (json_int_t)count.records[i], "octets",
				      (json_int_t)count.octets[i]));
	show_put(j, "group", view_string(group_name(group)));
	json_object_set_new(j, "clients", list);
	return j;
}

static const struct view client_row[] = {
	{ VIEW_LINE, " clientID = {id:-3} client = {client:-5} {records:8} records {octets:10} octets  {what}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view clients_group[] = {
	{ VIEW_LINE, "Redundancy group {group}", NULL },
	{ VIEW_EACH, "clients", client_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view clients_view[] = { { VIEW_EACH, "groups", clients_group }, { VIEW_END, NULL, NULL } };

/* ---- counters ----------------------------------------------------------- */

static json_t *counters_json(const struct show *show, struct group *group)
{
	struct ha_info ha;
	json_t *j;

	(void)show;
	ha_info(group_ha(group), &ha);
	j = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames_sent", (json_int_t)ha.frames_sent,
		      "frames_received", (json_int_t)ha.frames_received, "records_sent", (json_int_t)ha.records_sent,
		      "records_received", (json_int_t)ha.records_received, "acks_sent", (json_int_t)ha.acks_sent,
		      "acks_received", (json_int_t)ha.acks_received, "bytes_sent", (json_int_t)ha.bytes_sent,
		      "bytes_received", (json_int_t)ha.bytes_received);
	show_merge(j, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "late_commits",
		      (json_int_t)ha.late_commits, "bad_frames", (json_int_t)ha.bad_frames, "refused",
		      (json_int_t)ha.refused, "snapshots", (json_int_t)ha.snapshots, "waiting_output",
		      (json_int_t)ha.waiting_output, "lag_ms", (json_int_t)ha.lag_ms_last, "lag_max_ms",
		      (json_int_t)ha.lag_ms_max, "not_confirmed", (json_int_t)(ha.seq - ha.acked_seq)));
	show_put(j, "group", view_string(group_name(group)));
	return j;
}

static const struct view counters_group[] = {
	{ VIEW_LINE, "Redundancy group {group}", NULL },
	{ VIEW_LINE, "  frames: {frames_sent} sent, {frames_received} received; octets: {bytes_sent} sent, "
		     "{bytes_received} received", NULL },
	{ VIEW_LINE, "  records: {records_sent} sent, {records_received} received; confirmations: {acks_sent} sent, "
		     "{acks_received} received", NULL },
	{ VIEW_LINE, "  not confirmed {not_confirmed}, output waiting {waiting_output}, lag {lag_ms} ms, longest "
		     "{lag_max_ms} ms", NULL },
	{ VIEW_LINE, "  late commits {late_commits}, snapshots {snapshots}, bad frames {bad_frames}, refused {refused}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view counters_view[] = { { VIEW_EACH, "groups", counters_group }, { VIEW_END, NULL, NULL } };

/* ---- history ------------------------------------------------------------ */

static json_t *history_json(const struct show *show, struct group *group)
{
	static const char *const kinds[] = { [GROUP_EVENT_ROLE] = "role", [GROUP_EVENT_SYNC] = "sync",
					     [GROUP_EVENT_LINK] = "stream" };
	struct group_event *events = calloc(GROUP_EVENTS_MAX, sizeof(*events));
	size_t n = events ? group_events(group, events, GROUP_EVENTS_MAX) : 0;
	json_t *j = json_object(), *list = json_array();

	(void)show;
	for (size_t i = 0; i < n; i++) {
		json_t *e = json_pack("{s:I, s:I, s:s, s:s, s:s}", "at_unix_ms", (json_int_t)events[i].at_unix_ms, "epoch",
				      (json_int_t)events[i].epoch, "kind", kinds[events[i].type], "from", events[i].from,
				      "to", events[i].to);

		show_put(e, "reason", view_string(events[i].why));
		json_array_append_new(list, e);
	}
	free(events);
	show_put(j, "group", view_string(group_name(group)));
	json_object_set_new(j, "events", list);
	return j;
}

static const struct view event_why[] = { { VIEW_PART, ": {reason}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view event_row[] = {
	{ VIEW_PART, "  {at_unix_ms!time}  epoch {epoch}  {kind:-6} {from} -> {to}", NULL },
	{ VIEW_IF, "reason", event_why },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view history_group[] = {
	{ VIEW_LINE, "Redundancy group {group}, newest first:", NULL },
	{ VIEW_EACH, "events", event_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view history_view[] = { { VIEW_EACH, "groups", history_group }, { VIEW_END, NULL, NULL } };

/* ---- switchover history ------------------------------------------------- */

json_t *show_switchovers_json(const struct show *show, struct group *group)
{
	json_t *list = json_array();
	uint64_t now = show->ctx->now_ms();
	struct ha_info ha;

	ha_info(group_ha(group), &ha);
	for (uint32_t i = 0; i < ha.history_len && i < sizeof(ha.history) / sizeof(ha.history[0]); i++) {
		const struct ha_switchover_record *r = &ha.history[i];
		uint64_t ago = now > r->at_ms ? now - r->at_ms : 0;
		struct group_takeover t = { 0 };
		json_t *j = json_pack("{s:I, s:I, s:b, s:i, s:i, s:i}", "ago_ms", (json_int_t)ago, "epoch",
				      (json_int_t)r->epoch, "planned", r->planned, "silent_ms", r->silent_ms,
				      "detect_ms", r->detect_ms, "promote_ms", r->promote_ms);

		group_takeover_info(group, r->epoch, &t);
		show_merge(j, json_pack("{s:i, s:i, s:i, s:i, s:b}", "forwarding_ms", t.resync.in_place_ms,
				      "resync_ms", t.resync.duration_ms, "resync_good", t.resync.ok, "resync_failed",
				      t.resync.failed, "resync_complete", !t.resync.running));
		if (show->ctx->unix_ms)
			json_object_set_new(j, "at_unix_ms", json_integer((json_int_t)(show->ctx->unix_ms() - ago)));
		else
			json_object_set_new(j, "at_unix_ms", json_integer((json_int_t)t.at_unix_ms));
		show_put(j, "from", view_string(t.from[0] ? t.from : "nobody"));
		show_put(j, "to", view_string(show->ctx->config->hostname));
		show_put(j, "cause", view_string(r->cause));
		json_object_set_new(j, "index", json_integer((json_int_t)(ha.history_len - i)));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *switchovers_group(const struct show *show, struct group *group)
{
	json_t *j = json_object();

	show_put(j, "group", view_string(group_name(group)));
	json_object_set_new(j, "history", show_switchovers_json(show, group));
	return j;
}

static const struct view switchover_row[] = {
	{ VIEW_LINE, "{index:5}  {from:-16} {to:-16} {at_unix_ms!time}  epoch {epoch}  {cause}", NULL },
	{ VIEW_LINE, "       {planned?planned:unplanned}; silent {silent_ms} ms, detected {detect_ms} ms, active "
		     "{promote_ms} ms, last session forwarding {forwarding_ms} ms, resync {resync_ms} ms "
		     "({resync_good} good, {resync_failed} failed{resync_complete?:, under way})", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view switchovers_group_view[] = {
	{ VIEW_LINE, "Redundancy group {group}", NULL },
	{ VIEW_LINE, "Index  Previous active  Current active   Switchover time", NULL },
	{ VIEW_EACH, "history", switchover_row },
	{ VIEW_END, NULL, NULL },
};
static const struct view switchovers_view[] = { { VIEW_EACH, "groups", switchovers_group_view }, { VIEW_END, NULL, NULL } };

/* ---- the command -------------------------------------------------------- */

json_t *show_redundancy_part(struct show *show)
{
	static const struct {
		const char *word;
		json_t *(*fn)(const struct show *show, struct group *group);
		const struct view *view;
	} parts[] = {
		{ "states", states_json, states_view },
		{ "clients", clients_json, clients_view },
		{ "counters", counters_json, counters_view },
		{ "switchover", switchovers_group, switchovers_view },
		{ "history", history_json, history_view },
	};
	json_t *tree = json_object(), *list = json_array();
	size_t part = 0;

	while (!grammar_has(show->match, parts[part].word))
		part++;
	for (size_t i = 0; i < show->ctx->group_count; i++)
		if (show_selected(show, show->ctx->groups[i]))
			json_array_append_new(list, parts[part].fn(show, show->ctx->groups[i]));
	if (!json_array_size(list))
		show_none(show, "redundancy group of that name");
	json_object_set_new(tree, "groups", list);
	show->view = parts[part].view;
	return tree;
}
