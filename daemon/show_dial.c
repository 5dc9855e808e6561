// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that this box places: its dialers, and the peers that refused and are
 * left alone for a while (the dead-cache of L2TP Extended Failover).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/dial.h"
#include "daemon/show.h"

/* ---- dialers ------------------------------------------------------------ */

static const struct view up_part[] = { { VIEW_PART, ", {address}, {since_ms!hms}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view next_part[] = { { VIEW_PART, ", dials in {next_ms!secs} s", NULL }, { VIEW_END, NULL, NULL } };
static const struct view ids_line[] = {
	{ VIEW_LINE, "  Session {session_id} of tunnel {tunnel_id}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view why_line[] = { { VIEW_LINE, "  Last failure: {why}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view dialer_block[] = {
	{ VIEW_PART, "Dialer {number} ({interface}) is {state}", NULL },
	{ VIEW_IF, "address", up_part },
	{ VIEW_IF, "next_ms", next_part },
	{ VIEW_LINE, "", NULL },
	{ VIEW_LINE, "  VPDN group is {group}", NULL },
	{ VIEW_IF, "session_id", ids_line },
	{ VIEW_IF, "why", why_line },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_dialers[] = { { VIEW_LINE, "%No dialer", NULL }, { VIEW_END, NULL, NULL } };
static const struct view dialers_view[] = {
	{ VIEW_EACH, "dialers", dialer_block },
	{ VIEW_UNLESS, "dialers", no_dialers },
	{ VIEW_END, NULL, NULL },
};

/* Of the group that dials for it; "elsewhere" where none of this node does. */
static bool find(const struct show *show, uint16_t number, struct group_dialer_info *info)
{
	struct group_dialer_info one;

	for (size_t i = 0; i < show->ctx->group_count; i++)
		for (size_t k = 0; group_dialer_info(show->ctx->groups[i], k, &one); k++)
			if (one.number == number) {
				*info = one;
				return true;
			}
	return false;
}

static json_t *dialer_json(const struct show *show, const struct config_dialer *d)
{
	struct group_dialer_info info = { .state = d->shutdown ? "shut down" : "not active here" };
	char ip[INET_ADDRSTRLEN] = "";
	json_t *j;

	if (!find(show, d->number, &info) && d->ifname[0])
		snprintf(info.ifname, sizeof(info.ifname), "%s", d->ifname);
	else if (!info.ifname[0])
		snprintf(info.ifname, sizeof(info.ifname), "dialer%u", d->number);
	if (info.address)
		inet_ntop(AF_INET, &info.address, ip, sizeof(ip));
	j = json_pack("{s:i, s:s, s:s, s:i, s:i, s:I, s:I}", "number", d->number, "state", info.state, "address", ip,
		      "tunnel_id", info.tunnel_id, "session_id", info.session_id, "next_ms", (json_int_t)info.next_ms,
		      "since_ms", (json_int_t)(info.up_unix_ms ? show_age_ms(show, info.up_unix_ms) : 0));
	show_put(j, "interface", view_string(info.ifname));
	show_put(j, "group", view_string(d->vpdn_group));
	show_put(j, "why", view_string(info.why));
	return j;
}

json_t *show_dialers(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();
	uint16_t only = show_id(show, "DIALER");

	for (const struct config_dialer *d = show->ctx->config->dialers; d; d = d->next)
		if (!only || only == d->number)
			json_array_append_new(list, dialer_json(show, d));
	if (only && !json_array_size(list))
		show_none(show, "dialer of that number");
	json_object_set_new(tree, "dialers", list);
	show->view = dialers_view;
	return tree;
}

/* ---- the dead-cache ----------------------------------------------------- */

static const struct view busy_rows[] = {
	{ VIEW_HEAD, "Address         Busy for  Time left Reason", NULL },
	{ VIEW_LINE, "{address:-15} {since_ms:-9!hms} {left_ms:-9!hms} {why}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view busy_table[] = { { VIEW_TABLE, "peers", busy_rows }, { VIEW_END, NULL, NULL } };
static const struct view nobody[] = { { VIEW_LINE, "%No peer is busy", NULL }, { VIEW_END, NULL, NULL } };
static const struct view busy_view[] = {
	{ VIEW_IF, "peers", busy_table },
	{ VIEW_UNLESS, "peers", nobody },
	{ VIEW_END, NULL, NULL },
};

json_t *show_dead_cache(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();
	uint64_t now_ms = show->ctx->now_ms();
	char addr[ENDPOINT_TEXT_MAX];
	struct dial_busy busy;

	for (size_t i = 0; i < show->ctx->group_count; i++)
		for (size_t at = 0; group_busy_next(show->ctx->groups[i], now_ms, &at, &busy);) {
			json_t *j = json_pack("{s:s, s:I, s:I}", "address", endpoint_format(&busy.peer, false, addr),
					      "since_ms", (json_int_t)(now_ms > busy.since_ms ? now_ms - busy.since_ms : 0),
					      "left_ms", (json_int_t)(busy.until_ms - now_ms));

			show_put(j, "redundancy_group", view_string(group_name(show->ctx->groups[i])));
			show_put(j, "why", view_string(busy.why));
			json_array_append_new(list, j);
		}
	json_object_set_new(tree, "peers", list);
	show->view = busy_view;
	return tree;
}

/* 0 if one group did it, else what is most worth saying. */
static int clear_one(struct show *show, const struct l2tp_endpoint *peer)
{
	int err = -ENOENT;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		int one = group_busy_clear(show->ctx->groups[i], show->ctx->now_ms(), peer);

		if (!one || (one == -EPERM && err))
			err = one;
	}
	return err;
}

static int clear_group(struct show *show, const char *name, int *found)
{
	const struct config_vpdn_group *vg = config_vpdn_group_find(show->ctx->config, name);
	int err = -ENOENT;

	*found = vg != NULL;
	for (size_t i = 0; vg && i < CONFIG_DIAL_PEERS_MAX && vg->peers[i].address.family; i++) {
		int one = clear_one(show, &vg->peers[i].address);

		if (!one || (one == -EPERM && err))
			err = one;
	}
	return err;
}

json_t *show_clear_dead_cache(struct show *show)
{
	const struct grammar_item *address = grammar_arg_get(show->match, "ADDRESS"),
				  *vpdn = grammar_arg_get(show->match, "VPDN");
	int found = 1, err;

	err = vpdn ? clear_group(show, vpdn->text, &found) : clear_one(show, address ? &address->address : NULL);
	if (!err)
		return show_sentence(show, "cleared");
	if (err == -ENOENT) {
		show_none(show, found ? "such peer is busy" : "VPDN group of that name");
		return NULL;
	}
	show->code = SHOW_ROLE;
	snprintf(show->note, sizeof(show->note), "%%Refused: this node is not active");
	return NULL;
}

/* ---- PPPoE ---------------------------------------------------------------- */

static const struct view pppoe_rows[] = {
	{ VIEW_HEAD, "SID    Address           Interface  Goes on by    Username, State", NULL },
	{ VIEW_LINE, "{session_id:-6} {mac:-17} {interface:-10} {to_session_id:-6} {to_tunnel_id:-6} {username}, {state}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view pppoe_some[] = { { VIEW_TABLE, "sessions", pppoe_rows }, { VIEW_END, NULL, NULL } };
static const struct view no_pppoe[] = { { VIEW_LINE, "%No PPPoE sessions", NULL }, { VIEW_END, NULL, NULL } };
static const struct view pppoe_view[] = {
	{ VIEW_IF, "sessions", pppoe_some },
	{ VIEW_UNLESS, "sessions", no_pppoe },
	{ VIEW_END, NULL, NULL },
};

json_t *show_pppoe(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();
	struct group_access a = { 0 };

	for (size_t i = 0; i < show->ctx->group_count; i++)
		for (a.session_id = 0; group_access_next(show->ctx->groups[i], a.session_id, &a);) {
			struct subscriber_info sub = { 0 };
			char mac[18];
			json_t *j;

			group_subscriber(show->ctx->groups[i], 0, a.session_id, &sub);
			snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", a.mac[0], a.mac[1], a.mac[2], a.mac[3],
				 a.mac[4], a.mac[5]);
			j = json_pack("{s:i, s:s, s:s, s:i, s:i, s:s}", "session_id", a.session_id, "mac", mac, "interface",
				      a.ifname, "to_session_id", sub.to_session_id, "to_tunnel_id", sub.to_tunnel_id, "state",
				      subscriber_state_name(sub.state));
			show_put(j, "username", view_string(sub.user));
			show_put(j, "circuit_id", view_string(a.circuit));
			show_put(j, "remote_id", view_string(a.remote));
			json_array_append_new(list, j);
		}
	json_object_set_new(tree, "sessions", list);
	show->view = pppoe_view;
	return tree;
}
