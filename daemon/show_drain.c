// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vpdn drain, and what is drained: group_drain.c of every group of the box.
 */
#include <errno.h>
#include <string.h>

#include "daemon/show.h"

static int drain(struct show *show, struct group *group, bool on)
{
	const struct grammar_item *peer = grammar_arg_get(show->match, "PEER");
	uint64_t now = show->ctx->now_ms();

	if (peer)
		return group_drain_peer(group, now, peer->text, on);
	if (show_id(show, "TUNNEL"))
		return group_drain_tunnel(group, now, show_id(show, "TUNNEL"), on);
	return group_drain_all(group, now, on);
}

/* Of a peer or everybody: in every group that is active here. */
json_t *show_drain(struct show *show)
{
	bool on = show->match->form == GRAMMAR_SET;
	int err = -ENOENT;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		int one = drain(show, show->ctx->groups[i], on);

		if (!one || err == -ENOENT || (err == -EPERM && one != -ENOENT))
			err = !err ? 0 : one;
	}
	if (!err)
		return show_sentence(show, on ? "draining: no new sessions, what is up stays" : "taking new sessions again");
	if (err == -ENOENT) {
		show_none(show, show_id(show, "TUNNEL") ? "tunnel of that ID" : "drain of that");
		return NULL;
	}
	show->code = SHOW_ROLE;
	snprintf(show->note, sizeof(show->note), "%%Refused: %s", err == -EPERM ? "this node is not active" :
		 err == -ENOSPC ? "too many peers are drained" : strerror(-err));
	return NULL;
}

static const struct view tunnel_line[] = {
	{ VIEW_LINE, "Tunnel {local_id} to {remote_name}: {sessions} sessions left", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view peer_line[] = {
	{ VIEW_LINE, "{what}: {tunnels} tunnels with {sessions} sessions left", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view softshut_line[] = {
	{ VIEW_LINE, "vpdn softshut: {total_tunnels} tunnels with {total_sessions} sessions left", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view nothing_line[] = { { VIEW_LINE, "%Nothing is drained", NULL }, { VIEW_END, NULL, NULL } };
static const struct view drained_view[] = {
	{ VIEW_IF, "softshut", softshut_line },
	{ VIEW_EACH, "peers", peer_line },
	{ VIEW_EACH, "tunnels", tunnel_line },
	{ VIEW_UNLESS, "any", nothing_line },
	{ VIEW_END, NULL, NULL },
};

json_t *show_drained(struct show *show)
{
	json_t *tree = json_object(), *peers = json_array(), *tunnels = json_array();
	bool softshut = show->ctx->config->softshut;
	uint32_t all_tunnels = 0, all_sessions = 0, t, s;
	struct l2tp_tunnel_info info;
	struct l2tp_counters counters;
	const char *name;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct group *group = show->ctx->groups[i];
		struct l2tp *l2tp = group_l2tp(group);

		l2tp_counters(l2tp, &counters);
		all_tunnels += counters.tunnels;
		all_sessions += counters.sessions;
		for (size_t k = 0; (name = group_drained(group, k, &t, &s)); k++) {
			json_t *j = json_pack("{s:i, s:i, s:b}", "tunnels", t, "sessions", s, "all", !*name);

			show_put(j, "what", *name ? view_string(name) : json_string("Everything"));
			show_put(j, "group", view_string(group_name(group)));
			json_array_append_new(peers, j);
		}
		for (uint16_t id = 0; (id = l2tp_tunnel_next(l2tp, id));) {
			json_t *j;

			l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &info);
			if (!info.s.draining || info.s.state == L2TP_TUNNEL_CLOSING)
				continue;
			j = json_pack("{s:i, s:i}", "local_id", id, "sessions", info.sessions);
			show_put(j, "remote_name", view_string(info.s.peer_name));
			json_array_append_new(tunnels, j);
		}
	}
	show_put(tree, "any", json_boolean(softshut || json_array_size(peers) || json_array_size(tunnels)));
	show_put(tree, "softshut", json_boolean(softshut));
	show_put(tree, "total_tunnels", json_integer(all_tunnels));
	show_put(tree, "total_sessions", json_integer(all_sessions));
	show_put(tree, "peers", peers);
	show_put(tree, "tunnels", tunnels);
	show->view = drained_view;
	return tree;
}
