// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What tunnels are given when they are set up: `show l2tp` (the global part),
 * `show l2tp destination profile` (VPDN groups, what their templates add),
 * `show aaa domain-map`.
 */
#include <string.h>

#include "daemon/show.h"

/* ---- show l2tp ---------------------------------------------------------- */

static const struct view l2tp_view[] = {
	{ VIEW_LINE, "L2TP administrative state is {enabled?enabled:disabled}", NULL },
	{ VIEW_LINE, "L2TP stateful switchover is {sso?enabled:disabled}", NULL },
	{ VIEW_LINE, "Failover resync method is {failover_resync}", NULL },
	{ VIEW_LINE, "Failover recovery time is {recovery_ms} ms", NULL },
	{ VIEW_LINE, "Tunnels {tunnels}, established {tunnels_established}, in resync {resync}", NULL },
	{ VIEW_LINE, "Sessions {sessions}, established {sessions_established}", NULL },
	{ VIEW_END, NULL, NULL },
};

json_t *show_l2tp(struct show *show)
{
	const struct config *c = show->ctx->config;
	struct l2tp_counters all = { 0 }, one;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		l2tp_counters(group_l2tp(show->ctx->groups[i]), &one);
		all.tunnels += one.tunnels;
		all.tunnels_established += one.tunnels_established;
		all.sessions += one.sessions;
		all.sessions_established += one.sessions_established;
		all.resync += one.resync;
	}
	show->view = l2tp_view;
	return json_pack("{s:b, s:b, s:s, s:I, s:i, s:i, s:i, s:i, s:i}", "enabled", c->vpdn_enable, "sso", c->l2tp_sso,
			 "failover_resync", config_failover_name(c->failover), "recovery_ms",
			 (json_int_t)c->failover_recovery_ms, "tunnels", all.tunnels, "tunnels_established",
			 all.tunnels_established, "resync", all.resync, "sessions", all.sessions, "sessions_established",
			 all.sessions_established);
}

/* ---- show l2tp destination profile -------------------------------------- */

static json_t *profile_json(const struct config *config, const struct config_vpdn_group *group)
{
	const struct config_vpdn_group *template = config_vpdn_template_of(config, group);
	const char *from = "global";
	struct config_vpdn_group e;
	json_t *j;

	config_vpdn_group_effective(config, group, &e);
	if (group->failover != L2TP_FAILOVER_UNSET)
		from = "profile";
	else if (template && template->failover != L2TP_FAILOVER_UNSET)
		from = "template";
	j = json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:i, s:i}", "failover_resync", config_failover_name(e.failover),
		      "failover_resync_from", from, "sso", e.sso, "hello_s", e.hello_s, "receive_window", e.receive_window,
		      "resync", e.resync, "retransmit_retries", e.retransmit_retries, "retransmit_min_s",
		      e.retransmit_min_s, "retransmit_max_s", e.retransmit_max_s);
	show_put(j, "profile", view_string(group->name));
	show_put(j, "remote_host", view_string(group->terminate_from[0] ? group->terminate_from : "any"));
	show_put(j, "local_host", view_string(group->local_name[0] ? group->local_name : config->hostname));
	show_put(j, "template", view_string(template && template->name[0] ? template->name : template ? "(unnamed)" : "none"));
	return j;
}

static const struct view profile_row[] = {
	{ VIEW_LINE, "Profile {profile}", NULL },
	{ VIEW_LINE, "  Remote host {remote_host}, local host {local_host}, template {template}", NULL },
	{ VIEW_LINE, "  Failover resync method is {failover_resync} ({failover_resync_from})", NULL },
	{ VIEW_LINE, "  Stateful switchover is {sso?enabled:disabled}, resync {resync}, receive window {receive_window}", NULL },
	{ VIEW_LINE, "  Hello {hello_s} s, retransmit retries {retransmit_retries}, timeout min {retransmit_min_s} "
		     "max {retransmit_max_s} s", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view profiles_view[] = { { VIEW_EACH, "profiles", profile_row }, { VIEW_END, NULL, NULL } };

json_t *show_profiles(struct show *show)
{
	const struct grammar_item *only = grammar_arg_get(show->match, "PROFILE");
	json_t *tree = json_object(), *list = json_array();

	for (const struct config_vpdn_group *g = show->ctx->config->vpdn_groups; g; g = g->next)
		if (!only || !strcmp(only->text, g->name))
			json_array_append_new(list, profile_json(show->ctx->config, g));
	if (!json_array_size(list))
		show_none(show, "destination profile (vpdn-group)");
	json_object_set_new(tree, "profiles", list);
	show->view = profiles_view;
	return tree;
}

/* ---- show aaa domain-map ------------------------------------------------ */

static const struct view map_peers[] = {
	{ VIEW_LINE, "  {address:-15} priority {priority}, limit {limit_text}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view map_name[] = { { VIEW_PART, " {name}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view map_domains[] = {
	{ VIEW_PART, ", domains:", NULL },
	{ VIEW_EACH, "domains", map_name },
	{ VIEW_END, NULL, NULL },
};
static const struct view map_dnis[] = {
	{ VIEW_PART, ", dnis:", NULL },
	{ VIEW_EACH, "dnis", map_name },
	{ VIEW_END, NULL, NULL },
};
static const struct view map_hostnames[] = {
	{ VIEW_PART, ", multihop-hostnames:", NULL },
	{ VIEW_EACH, "hostnames", map_name },
	{ VIEW_END, NULL, NULL },
};
static const struct view map_block[] = {
	{ VIEW_PART, "VPDN group {group}", NULL },
	{ VIEW_IF, "domains", map_domains },
	{ VIEW_IF, "dnis", map_dnis },
	{ VIEW_IF, "hostnames", map_hostnames },
	{ VIEW_LINE, "", NULL },
	{ VIEW_TABLE, "peers", map_peers },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_map[] = {
	{ VIEW_LINE, "No domain maps: this node accepts tunnels and starts none", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view domain_map_view[] = {
	{ VIEW_EACH, "domain_maps", map_block },
	{ VIEW_UNLESS, "domain_maps", no_map },
	{ VIEW_LINE, "Failover resync method of tunnels is {failover_resync} (global)", NULL },
	{ VIEW_END, NULL, NULL },
};

static json_t *names_json(const char names[][CONFIG_NAME_MAX])
{
	json_t *list = json_array();

	for (size_t i = 0; i < CONFIG_DIAL_NAMES_MAX && names[i][0]; i++) {
		json_t *j = json_object();

		show_put(j, "name", view_string(names[i]));
		json_array_append_new(list, j);
	}
	return list;
}

/* A limit of 0 is none, which the text says. */
static json_t *peer_json(const struct config_dial_peer *peer)
{
	char addr[ENDPOINT_TEXT_MAX], limit[16] = "none";

	if (peer->limit)
		snprintf(limit, sizeof(limit), "%u", peer->limit);
	return json_pack("{s:s, s:i, s:I, s:s}", "address", endpoint_format(&peer->address, false, addr), "priority",
			 peer->priority, "limit", (json_int_t)peer->limit, "limit_text", limit);
}

static json_t *map_json(const struct config_vpdn_group *g)
{
	json_t *j = json_object(), *peers = json_array();

	for (size_t i = 0; i < CONFIG_DIAL_PEERS_MAX && g->peers[i].address.family; i++)
		json_array_append_new(peers, peer_json(&g->peers[i]));
	show_put(j, "group", view_string(g->name));
	show_put(j, "domains", names_json(g->domains));
	show_put(j, "dnis", names_json(g->dnis));
	show_put(j, "hostnames", names_json(g->hostnames));
	show_put(j, "peers", peers);
	return j;
}

json_t *show_domain_map(struct show *show)
{
	json_t *list = json_array();

	for (const struct config_vpdn_group *g = show->ctx->config->vpdn_groups; g; g = g->next)
		if (g->request_dialin)
			json_array_append_new(list, map_json(g));
	show->view = domain_map_view;
	return json_pack("{s:o, s:s}", "domain_maps", list, "failover_resync",
			 config_failover_name(show->ctx->config->failover));
}
