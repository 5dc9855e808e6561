// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels, sessions, counters, failures, pools, and what clears them: the
 * commands that are not about redundancy, in the layout of IOS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pool.h"
#include "daemon/show.h"

/* ---- tunnels ------------------------------------------------------------ */

json_t *show_resync_json(const struct l2tp_tunnel_info *t)
{
	return json_pack("{s:s, s:b, s:b, s:s, s:s, s:I}", "failover_resync", config_failover_name(t->s.params.failover),
			 "peer_failover", t->s.failover_received != 0, "resynced", t->resync_state != L2TP_RESYNC_NONE,
			 "resync_state", l2tp_resync_state_name(t->resync_state), "resync_how",
			 l2tp_resync_how_name(t->resync_how), "resync_ms", (json_int_t)t->resync_ms);
}

static json_t *tunnel_json(const struct show *show, const struct l2tp_tunnel_info *t, bool active)
{
	uint64_t now = show->ctx->now_ms();
	bool up = t->s.state == L2TP_TUNNEL_ESTABLISHED;
	char local[ENDPOINT_TEXT_MAX], peer[ENDPOINT_TEXT_MAX];
	json_t *j = json_pack("{s:i, s:i, s:s, s:b, s:b, s:b, s:b, s:I, s:i, s:s, s:i, s:s, s:i}",
			      "local_id", t->s.local_id, "remote_id", t->s.peer_id,
			      "state", l2tp_tunnel_state_name(t->s.state), "up", up, "initiator", t->s.initiator,
			      "ha", t->s.params.ha, "resync", t->resync,
			      "since_ms", (json_int_t)(active && now > t->since_ms ? now - t->since_ms : 0),
			      "sessions", t->sessions,
			      "local_address", endpoint_format(&t->s.local, false, local), "local_port", t->s.local.port,
			      "remote_address", endpoint_format(&t->s.peer, false, peer), "remote_port", t->s.peer.port);

	show_put(j, "state_short", json_string(t->resync ? "resync" : up && t->s.draining ? "drain" : up ? "est" : l2tp_tunnel_state_name(t->s.state)));
	show_put(j, "role", json_string(t->s.initiator ? "initiator" : "responder"));
	show_put(j, "draining", json_boolean(t->s.draining));
	show_put(j, "remote_name", view_string(t->s.peer_name));
	show_put(j, "local_name", view_string(t->s.params.local_name));
	show_put(j, "remote_vendor", view_string(t->s.peer_vendor));
	show_put(j, "group", view_string(t->s.params.group));
	json_object_set_new(j, "counters", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			    "packets_sent", (json_int_t)t->tx_packets, "packets_received", (json_int_t)t->rx_packets,
			    "bytes_sent", (json_int_t)t->tx_bytes, "bytes_received", (json_int_t)t->rx_bytes,
			    "retransmits", (json_int_t)t->retransmits, "zlb_sent", (json_int_t)t->zlb_sent,
			    "duplicates", (json_int_t)t->duplicates, "out_of_order", (json_int_t)t->out_of_order));
	json_object_set_new(j, "channel", json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}",
			    "ns", t->channel.vs, "nr", t->channel.vr, "unacknowledged", t->channel.una,
			    "local_rws", t->s.params.receive_window, "remote_rws", t->s.peer_window, "cwnd", t->cwnd,
			    "unsent", t->unsent, "unacked", t->unacked, "max_unacked", t->max_unacked,
			    "retransmit_min_s", t->s.params.retransmit_min_s,
			    "retransmit_max_s", t->s.params.retransmit_max_s,
			    "retransmit_retries", t->s.params.retransmit_retries));
	json_object_set_new(j, "hello_s", json_integer(t->s.params.hello_s));
	show_merge(j, show_resync_json(t));
	json_object_set_new(j, "authenticated", json_boolean(t->s.params.authenticate));
	return j;
}

static const struct view tunnel_rows[] = {
	{ VIEW_HEAD, "LocTunID   RemTunID   Remote Name     State  Remote Address  Sessn L2TP Class/", NULL },
	{ VIEW_HEAD, "                                                             Count VPDN Group", NULL },
	{ VIEW_LINE, "{local_id:-10} {remote_id:-10} {remote_name:-15} {state_short:-6} {remote_address:-15} {sessions:-5} {group}",
	  NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view tunnel_table_some[] = {
	{ VIEW_LINE, "L2TP Tunnel Information Total tunnels {total_tunnels} sessions {total_sessions}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_TABLE, "tunnels", tunnel_rows },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_tunnels[] = { { VIEW_LINE, "%No active L2TP tunnels", NULL }, { VIEW_END, NULL, NULL } };
static const struct view tunnel_table[] = {
	{ VIEW_IF, "tunnels", tunnel_table_some },
	{ VIEW_UNLESS, "tunnels", no_tunnels },
	{ VIEW_END, NULL, NULL },
};
static const struct view resync_line[] = {
	{ VIEW_LINE, "  Last resync: {resync_state} ({resync_how}), {resync_ms} ms", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view draining_line[] = {
	{ VIEW_LINE, "  Tunnel is drained: no new sessions", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view tunnel_block[] = {
	{ VIEW_LINE, "Tunnel id {local_id} is {up?up:down}, remote id is {remote_id}, {sessions} active sessions", NULL },
	{ VIEW_LINE, "  {initiator?Locally:Remotely} initiated tunnel", NULL },
	{ VIEW_LINE, "  Tunnel state is {state}{resync?, in HA resync:}, time since change {since_ms!hms}", NULL },
	{ VIEW_LINE, "  Tunnel transport is UDP (17)", NULL },
	{ VIEW_LINE, "  Remote tunnel name is {remote_name}", NULL },
	{ VIEW_LINE, "    Internet Address {remote_address}, port {remote_port}", NULL },
	{ VIEW_LINE, "  Local tunnel name is {local_name}", NULL },
	{ VIEW_LINE, "    Internet Address {local_address}, port {local_port}", NULL },
	{ VIEW_LINE, "  VPDN group for tunnel is {group}", NULL },
	{ VIEW_LINE, "  L2TP HA is {ha?enabled:disabled}", NULL },
	{ VIEW_LINE, "  Failover resync method is {failover_resync}, peer {peer_failover?takes:does not take} part in RFC 4951", NULL },
	{ VIEW_IF, "draining", draining_line },
	{ VIEW_IF, "resynced", resync_line },
	{ VIEW_LINE, "  Counters, control messages:", NULL },
	{ VIEW_LINE, "    {counters.packets_sent} packets sent, {counters.packets_received} received", NULL },
	{ VIEW_LINE, "    {counters.bytes_sent} bytes sent, {counters.bytes_received} received", NULL },
	{ VIEW_LINE, "  Control Ns {channel.ns}, Nr {channel.nr}", NULL },
	{ VIEW_LINE, "  Local RWS {channel.local_rws}, Remote RWS {channel.remote_rws}", NULL },
	{ VIEW_LINE, "  In Use Remote RWS {channel.cwnd}", NULL },
	{ VIEW_LINE, "  Control channel Congestion Control is enabled", NULL },
	{ VIEW_LINE, "  Retransmission time {channel.retransmit_min_s}, max {channel.retransmit_max_s} seconds, "
		     "{channel.retransmit_retries} retries", NULL },
	{ VIEW_LINE, "  Hello interval {hello_s} seconds", NULL },
	{ VIEW_LINE, "  Unsent queuesize {channel.unsent}", NULL },
	{ VIEW_LINE, "  Resend queuesize {channel.unacked}, max {channel.max_unacked}", NULL },
	{ VIEW_LINE, "  Total resends {counters.retransmits}, ZLB ACKs sent {counters.zlb_sent}", NULL },
	{ VIEW_LINE, "  Total duplicates {counters.duplicates}", NULL },
	{ VIEW_LINE, "  Total out-of-order reorder pkts {counters.out_of_order}", NULL },
	{ VIEW_LINE, "  Control message authentication is disabled", NULL },
	{ VIEW_LINE, "  Tunnel authentication is {authenticated?enabled:disabled}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view tunnel_blocks[] = {
	{ VIEW_EACH, "tunnels", tunnel_block },
	{ VIEW_UNLESS, "tunnels", no_tunnels },
	{ VIEW_END, NULL, NULL },
};

static void totals(struct show *show, json_t *tree)
{
	uint32_t tunnels = 0, sessions = 0;
	struct l2tp_counters c;

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		l2tp_counters(group_l2tp(show->ctx->groups[i]), &c);
		tunnels += c.tunnels;
		sessions += c.sessions;
	}
	json_object_set_new(tree, "total_tunnels", json_integer(tunnels));
	json_object_set_new(tree, "total_sessions", json_integer(sessions));
}

json_t *show_tunnels(struct show *show)
{
	bool all = grammar_has(show->match, "all") || grammar_has(show->match, "detail");
	json_t *tree = json_object(), *list = json_array();
	uint16_t only = show_id(show, "TUNNEL");
	struct l2tp_tunnel_info t;

	totals(show, tree);
	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct l2tp *l2tp = group_l2tp(show->ctx->groups[i]);

		for (uint16_t id = 0; (id = l2tp_tunnel_next(l2tp, id));) {
			if (only && id != only)
				continue;
			l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &t);
			json_array_append_new(list, tunnel_json(show, &t, l2tp_active(l2tp)));
		}
	}
	if (only && !json_array_size(list))
		show_none(show, "tunnel of that ID");
	json_object_set_new(tree, "tunnels", list);
	show->view = all || only ? tunnel_blocks : tunnel_table;
	return tree;
}

/* ---- sessions ----------------------------------------------------------- */

struct session_list {
	struct show *show;
	json_t *list;
	const char *user;	/* only of this one; NULL: all */
};

/* Of the kernel: sent to the peer, received from it. */
static json_t *counters_json(const struct dp_session_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "tx_packets", (json_int_t)c->tx_packets,
			 "tx_bytes", (json_int_t)c->tx_bytes, "tx_errors", (json_int_t)c->tx_errors,
			 "rx_packets", (json_int_t)c->rx_packets, "rx_bytes", (json_int_t)c->rx_bytes,
			 "rx_errors", (json_int_t)c->rx_errors);
}

static void session_add(void *arg, struct group *group, const struct l2tp_tunnel_info *t,
			const struct l2tp_session_state_rec *s)
{
	struct session_list *l = arg;
	struct subscriber_info sub = { 0 };
	bool known = group_subscriber(group, s->tunnel_id, s->local_id, &sub);
	bool up = s->state == L2TP_SESSION_ESTABLISHED;
	char addr[ENDPOINT_TEXT_MAX], ip[INET_ADDRSTRLEN] = "";
	json_t *j;

	if (l->user && (!known || strcmp(sub.user, l->user)))
		return;
	if (sub.address)
		inet_ntop(AF_INET, &sub.address, ip, sizeof(ip));
	j = json_pack("{s:i, s:i, s:i, s:i, s:s, s:b, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:s, s:b}",
		      "local_id", s->local_id, "remote_id", s->peer_id, "tunnel_id", s->tunnel_id,
		      "remote_tunnel_id", t->s.peer_id, "state", l2tp_session_state_name(s->state), "up", up,
		      "state_short", up ? "est" : l2tp_session_state_name(s->state),
		      "subscriber", known ? subscriber_state_name(sub.state) : "none",
		      "ha", t->s.params.ha, "ppp_captured", sub.has_ppp, "in_place", sub.in_place,
		      "since_ms", (json_int_t)show_age_ms(l->show, s->established_unix_ms),
		      "call_serial", (json_int_t)s->call_serial,
		      "remote_address", endpoint_format(&t->s.peer, false, addr), "sequencing", s->sequencing_required);
	show_put(j, "role", json_string(s->call == L2TP_CALL_IN_LNS || s->call == L2TP_CALL_OUT_LNS ? "LNS" : "LAC"));
	show_put(j, "call", json_string(l2tp_call_name(s->call)));
	show_put(j, "remote_name", view_string(t->s.peer_name));
	show_put(j, "username", view_string(sub.user));
	show_put(j, "interface", view_string(sub.ifname));
	show_put(j, "address", json_string(ip));
	show_put(j, "calling", view_string(s->calling));
	show_put(j, "called", view_string(s->called));
	if (known && sub.in_place)
		json_object_set_new(j, "counters", counters_json(&sub.counters));
	json_object_set_new(j, "switched_tunnel_id", json_integer(sub.to_tunnel_id));
	json_object_set_new(j, "switched_session_id", json_integer(sub.to_session_id));
	json_object_set_new(j, "tx_speed", json_integer(s->tx_speed));
	json_object_set_new(j, "rx_speed", json_integer(s->rx_speed));
	json_object_set_new(j, "speed_updates", json_boolean(s->csu_enabled));
	json_object_set_new(j, "access_line", show_line_json(l2tp_session_find(group_l2tp(group), s->tunnel_id, s->local_id)));
	json_array_append_new(l->list, j);
}

static const struct view session_rows[] = {
	{ VIEW_HEAD, "LocID      RemID      TunID      Username         Interface        Address         State  PPP      Last Chg",
	  NULL },
	{ VIEW_LINE, "{local_id:-10} {remote_id:-10} {tunnel_id:-10} {username:-16} {interface:-16} {address:-15} "
		     "{state_short:-6} {subscriber:-8} {since_ms!hms}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_table_some[] = {
	{ VIEW_LINE, "L2TP Session Information Total tunnels {total_tunnels} sessions {total_sessions}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_TABLE, "sessions", session_rows },
	{ VIEW_END, NULL, NULL },
};
static const struct view no_sessions[] = { { VIEW_LINE, "%No active L2TP sessions", NULL }, { VIEW_END, NULL, NULL } };
static const struct view session_table[] = {
	{ VIEW_IF, "sessions", session_table_some },
	{ VIEW_UNLESS, "sessions", no_sessions },
	{ VIEW_END, NULL, NULL },
};
static const struct view calling_line[] = {
	{ VIEW_LINE, "  Calling number is {calling}, called number is {called}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view counter_lines[] = {
	{ VIEW_LINE, "  {counters.tx_packets} packets sent, {counters.rx_packets} received", NULL },
	{ VIEW_LINE, "  {counters.tx_bytes} bytes sent, {counters.rx_bytes} received", NULL },
	{ VIEW_LINE, "  {counters.tx_errors} errors sending, {counters.rx_errors} receiving", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view switched_line[] = {
	{ VIEW_LINE, "  Switched to session {switched_session_id}, tunnel id {switched_tunnel_id}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view speed_line[] = {
	{ VIEW_LINE, "  Connect speed is {tx_speed} bit/s, {rx_speed} bit/s from the subscriber{speed_updates?, updated by the LAC:}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_block[] = {
	{ VIEW_LINE, "Session id {local_id} is {up?up:down}, tunnel id {tunnel_id}", NULL },
	{ VIEW_LINE, "  Call serial number is {call_serial}, {call}", NULL },
	{ VIEW_LINE, "  Remote tunnel name is {remote_name}", NULL },
	{ VIEW_LINE, "    Internet address is {remote_address}", NULL },
	{ VIEW_LINE, "  Session state is {state}, time since change {since_ms!hms}", NULL },
	{ VIEW_LINE, "  Session username is {username}", NULL },
	{ VIEW_LINE, "  Interface {interface}, address {address}, subscriber {subscriber}", NULL },
	{ VIEW_LINE, "  Remote session id is {remote_id}, remote tunnel id {remote_tunnel_id}", NULL },
	{ VIEW_IF, "calling", calling_line },
	{ VIEW_IF, "tx_speed", speed_line },
	{ VIEW_USE, NULL, show_line_view },
	{ VIEW_IF, "switched_session_id", switched_line },
	{ VIEW_IF, "counters", counter_lines },
	{ VIEW_LINE, "  Sequencing is {sequencing?on:off}", NULL },
	{ VIEW_LINE, "  PPP state is {ppp_captured?captured:not captured}, {in_place?in place:not in place} on this node", NULL },
	{ VIEW_LINE, "  Unique ID is {local_id}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view session_blocks[] = {
	{ VIEW_EACH, "sessions", session_block },
	{ VIEW_UNLESS, "sessions", no_sessions },
	{ VIEW_END, NULL, NULL },
};

static bool in_blocks(const struct grammar_match *match)
{
	return grammar_has(match, "all") || grammar_has(match, "detail") || grammar_arg_get(match, "SESSION") ||
	       grammar_arg_get(match, "USER");
}

/* The table has none. */
bool show_sessions_counters(const struct grammar_match *match, bool json)
{
	return in_blocks(match) || json;
}

json_t *show_sessions(struct show *show)
{
	const struct grammar_item *user = grammar_arg_get(show->match, "USER");
	struct session_list l = { .show = show, .user = user ? user->text : NULL };
	uint16_t tunnel = show_id(show, "TUNNEL"), session = show_id(show, "SESSION");
	json_t *tree = json_object();

	l.list = json_array();
	totals(show, tree);
	for (size_t i = 0; i < show->ctx->group_count; i++)
		show_each_session(show->ctx->groups[i], tunnel, session, session_add, &l);
	if ((tunnel || user) && !json_array_size(l.list))
		show_none(show, user ? "session of that user" : "session of that ID");
	json_object_set_new(tree, "sessions", l.list);
	show->view = in_blocks(show->match) ? session_blocks : session_table;
	return tree;
}

/* ---- show vpdn multihop --------------------------------------------------- */

static const struct view multihop_rows[] = {
	{ VIEW_HEAD, "LocID      TunID      From             LocID      TunID      To               Username, State, Since", NULL },
	{ VIEW_LINE, "{session_id:-10} {tunnel_id:-10} {remote_name:-16} {to_session_id:-10} {to_tunnel_id:-10} {to_name:-16} "
		     "{username}, {state}  {since_ms!hms}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view multihop_some[] = { { VIEW_TABLE, "switched", multihop_rows }, { VIEW_END, NULL, NULL } };
static const struct view no_multihop[] = { { VIEW_LINE, "%No switched sessions", NULL }, { VIEW_END, NULL, NULL } };
static const struct view multihop_view[] = {
	{ VIEW_IF, "switched", multihop_some },
	{ VIEW_UNLESS, "switched", no_multihop },
	{ VIEW_END, NULL, NULL },
};

static void multihop_add(void *arg, struct group *group, const struct l2tp_tunnel_info *t,
			 const struct l2tp_session_state_rec *s)
{
	struct session_list *l = arg;
	struct subscriber_info sub;
	struct l2tp_tunnel *to;
	struct l2tp_tunnel_info to_info = { 0 };
	json_t *j;

	/* each once: from the side it came in */
	if (s->call != L2TP_CALL_IN_LNS || !group_subscriber(group, s->tunnel_id, s->local_id, &sub) || !sub.to_session_id)
		return;
	to = l2tp_tunnel_find(group_l2tp(group), sub.to_tunnel_id);
	if (to)
		l2tp_tunnel_info(to, &to_info);
	j = json_pack("{s:i, s:i, s:i, s:i, s:s, s:I}", "session_id", s->local_id, "tunnel_id", s->tunnel_id,
		      "to_session_id", sub.to_session_id, "to_tunnel_id", sub.to_tunnel_id,
		      "state", subscriber_state_name(sub.state),
		      "since_ms", (json_int_t)show_age_ms(l->show, sub.up_unix_ms));
	show_put(j, "username", view_string(sub.user));
	show_put(j, "remote_name", view_string(t->s.peer_name));
	show_put(j, "to_name", view_string(to_info.s.peer_name));
	json_array_append_new(l->list, j);
}

json_t *show_multihop(struct show *show)
{
	struct session_list l = { .show = show, .list = json_array() };
	json_t *tree = json_object();

	for (size_t i = 0; i < show->ctx->group_count; i++)
		show_each_session(show->ctx->groups[i], 0, 0, multihop_add, &l);
	json_object_set_new(tree, "switched", l.list);
	show->view = multihop_view;
	return tree;
}

/* ---- counters ----------------------------------------------------------- */

static const struct view counters_row[] = {
	{ VIEW_LINE, "Group {group}:", NULL },
	{ VIEW_LINE, "  Packets received {l2tp.packets_received}, sent {l2tp.packets_sent}", NULL },
	{ VIEW_LINE, "  Discarded: malformed {l2tp.malformed}, unknown tunnel {l2tp.unknown_tunnel}, "
		     "refused {l2tp.refused}, while standby {l2tp.while_standby}", NULL },
	{ VIEW_LINE, "  Data packets seen here {l2tp.data}", NULL },
	{ VIEW_LINE, "  Resyncs {l2tp.resync_ok} good, {l2tp.resync_failed} failed", NULL },
	{ VIEW_LINE, "  Stream: frames sent {stream.frames_sent}, received {stream.frames_received}; "
		     "records sent {stream.records_sent}, received {stream.records_received}", NULL },
	{ VIEW_LINE, "  Stream: acks sent {stream.acks_sent}, received {stream.acks_received}; "
		     "octets sent {stream.bytes_sent}, received {stream.bytes_received}", NULL },
	{ VIEW_LINE, "  Stream: late commits {stream.late_commits}, bad frames {stream.bad_frames}, "
		     "refused {stream.refused}, snapshots {stream.snapshots}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view counters_view[] = { { VIEW_EACH, "groups", counters_row }, { VIEW_END, NULL, NULL } };

json_t *show_counters(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();

	for (size_t i = 0; i < show->ctx->group_count; i++) {
		struct l2tp_counters c;
		struct ha_info ha;
		json_t *j = json_object();

		l2tp_counters(group_l2tp(show->ctx->groups[i]), &c);
		ha_info(group_ha(show->ctx->groups[i]), &ha);
		show_put(j, "group", view_string(group_name(show->ctx->groups[i])));
		json_object_set_new(j, "l2tp", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				    "packets_received", (json_int_t)c.rx_packets, "packets_sent", (json_int_t)c.tx_packets,
				    "malformed", (json_int_t)c.rx_malformed, "unknown_tunnel",
				    (json_int_t)c.rx_unknown_tunnel, "data", (json_int_t)c.rx_data, "refused",
				    (json_int_t)c.rx_refused, "while_standby", (json_int_t)c.rx_passive, "resync_ok",
				    (json_int_t)c.resync_ok, "resync_failed", (json_int_t)c.resync_failed));
		json_object_set_new(j, "stream", json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				    "frames_sent", (json_int_t)ha.frames_sent, "frames_received",
				    (json_int_t)ha.frames_received, "records_sent", (json_int_t)ha.records_sent,
				    "records_received", (json_int_t)ha.records_received, "acks_sent",
				    (json_int_t)ha.acks_sent, "acks_received", (json_int_t)ha.acks_received, "bytes_sent",
				    (json_int_t)ha.bytes_sent, "bytes_received", (json_int_t)ha.bytes_received,
				    "late_commits", (json_int_t)ha.late_commits, "bad_frames", (json_int_t)ha.bad_frames,
				    "refused", (json_int_t)ha.refused, "snapshots", (json_int_t)ha.snapshots));
		json_array_append_new(list, j);
	}
	json_object_set_new(tree, "groups", list);
	show->view = counters_view;
	return tree;
}

/* ---- show vpdn history failure ------------------------------------------ */

static const struct view failure_block[] = {
	{ VIEW_LINE, "User: {user}, MID = {tunnel_id}", NULL },
	{ VIEW_LINE, "NAS: {peer_name}, IP address = {address}, CLID = {tunnel_id}", NULL },
	{ VIEW_LINE, "Log time: {at_unix_ms!time}, Error repeat count: {repeats}", NULL },
	{ VIEW_LINE, "Failure type: {type}", NULL },
	{ VIEW_LINE, "Failure reason: {reason}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view history_view[] = {
	{ VIEW_LINE, "Table size: {table_size}", NULL },
	{ VIEW_LINE, "Number of entries in table: {entries}", NULL },
	{ VIEW_LINE, "", NULL },
	{ VIEW_EACH, "failures", failure_block },
	{ VIEW_END, NULL, NULL },
};

json_t *show_history(struct show *show)
{
	struct group_failure *failures = calloc(GROUP_HISTORY_MAX, sizeof(*failures));
	json_t *tree = json_object(), *list = json_array();

	for (size_t i = 0; failures && i < show->ctx->group_count; i++) {
		size_t n = group_failures(show->ctx->groups[i], failures, show->ctx->config->history_size);

		for (size_t k = 0; k < n; k++) {
			const struct group_failure *f = &failures[k];
			char addr[ENDPOINT_TEXT_MAX];
			json_t *j = json_pack("{s:I, s:i, s:i, s:s}", "at_unix_ms", (json_int_t)f->at_unix_ms, "tunnel_id",
					      f->tunnel_id, "repeats", f->repeats, "address", endpoint_format(&f->peer, false, addr));

			show_put(j, "user", view_string(f->user));
			show_put(j, "peer_name", view_string(f->peer_name));
			show_put(j, "type", view_string(f->type));
			show_put(j, "reason", view_string(f->reason));
			json_array_append_new(list, j);
		}
	}
	free(failures);
	json_object_set_new(tree, "table_size", json_integer(show->ctx->config->history_size));
	json_object_set_new(tree, "entries", json_integer((json_int_t)json_array_size(list)));
	json_object_set_new(tree, "failures", list);
	show->view = history_view;
	return tree;
}

/* ---- pools, configuration, version -------------------------------------- */

static const struct view pool_rows[] = {
	{ VIEW_HEAD, "Pool             Begin           End                Free  In use    Most Reserved Exhausted", NULL },
	{ VIEW_LINE, "{name:-16} {first:-15} {last:-15} {free:7} {used:7} {used_max:7} {reserved:8} {exhausted:9}", NULL },
	{ VIEW_END, NULL, NULL },
};
static const struct view pools_view[] = {
	{ VIEW_TABLE, "pools", pool_rows },
	{ VIEW_LINE, "{outside} addresses in use that are in no pool", NULL },
	{ VIEW_END, NULL, NULL },
};

json_t *show_pools(struct show *show)
{
	json_t *tree = json_object(), *list = json_array();
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];
	struct pool_info info;

	if (!show->ctx->pools) {
		json_decref(list);
		show_none(show, "address pools");
		return tree;
	}
	for (size_t i = 0; pool_info(show->ctx->pools, i, &info); i++) {
		json_t *j;

		info.first = htonl(info.first);
		info.last = htonl(info.last);
		j = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			      "first", inet_ntop(AF_INET, &info.first, first, sizeof(first)),
			      "last", inet_ntop(AF_INET, &info.last, last, sizeof(last)), "size", (json_int_t)info.size,
			      "used", (json_int_t)info.used, "used_max", (json_int_t)info.used_max,
			      "reserved", (json_int_t)info.reserved, "exhausted", (json_int_t)info.exhausted,
			      "free", (json_int_t)(info.size > info.used ? info.size - info.used : 0));
		show_put(j, "name", view_string(info.name));
		json_array_append_new(list, j);
	}
	json_object_set_new(tree, "pools", list);
	json_object_set_new(tree, "outside", json_integer(pool_outside(show->ctx->pools)));
	show->view = pools_view;
	return tree;
}

static const struct view config_line[] = { { VIEW_LINE, "{.}", NULL }, { VIEW_END, NULL, NULL } };
static const struct view config_view[] = { { VIEW_EACH, "lines", config_line }, { VIEW_END, NULL, NULL } };

json_t *show_lines(struct show *show, const char *text)
{
	json_t *tree = json_object(), *list = json_array();
	char line[GRAMMAR_LINE_MAX];

	while (*text) {
		size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line) - 1), text);
		if (len)
			json_array_append_new(list, view_string(line));
		text += len + (text[len] == '\n');
	}
	json_object_set_new(tree, "lines", list);
	show->view = config_view;
	return tree;
}

json_t *show_config_tree(struct show *show, const struct config *config, bool all)
{
	char *text = config_print(config, all ? CONFIG_PRINT_ALL : 0);
	json_t *tree = show_lines(show, text ? text : "");

	free(text);
	return tree;
}

json_t *show_running_config(struct show *show)
{
	return show_config_tree(show, show->ctx->config, grammar_has(show->match, "all"));
}

static const struct view version_view[] = {
	{ VIEW_LINE, "l2tphad {version} on {hostname}", NULL },
	{ VIEW_LINE, "Uptime is {uptime_ms!hms}", NULL },
	{ VIEW_LINE, "Configuration digest is {config_digest}", NULL },
	{ VIEW_END, NULL, NULL },
};

json_t *show_version(struct show *show)
{
	uint64_t now = show->ctx->now_ms();
	char hex[33] = "";
	uint8_t digest[16];
	json_t *tree = json_object();

	config_digest(show->ctx->config, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	json_object_set_new(tree, "version", json_string(L2TPHA_VERSION));
	show_put(tree, "hostname", view_string(show->ctx->config->hostname));
	json_object_set_new(tree, "uptime_ms", json_integer((json_int_t)(now - show->ctx->started_ms)));
	json_object_set_new(tree, "config_digest", json_string(hex));
	show->view = version_view;
	return tree;
}

/* ---- clear -------------------------------------------------------------- */

static json_t *cleared(struct show *show, int err, const char *what)
{
	if (err == -ENOENT) {
		show_none(show, what);
		return NULL;
	}
	if (err) {
		show->code = SHOW_ROLE;
		snprintf(show->note, sizeof(show->note), "%%Refused: %s",
			 err == -EPERM ? "this node is not active" : strerror(-err));
		return NULL;
	}
	return show_sentence(show, "closing");
}

json_t *show_clear_tunnel(struct show *show)
{
	int err = -ENOENT;

	for (size_t i = 0; i < show->ctx->group_count && err == -ENOENT; i++)
		err = group_clear_tunnel(show->ctx->groups[i], show->ctx->now_ms(), show_id(show, "TUNNEL"));
	return cleared(show, err, "tunnel of that ID");
}

json_t *show_clear_session(struct show *show)
{
	int err = -ENOENT;

	for (size_t i = 0; i < show->ctx->group_count && err == -ENOENT; i++)
		err = group_clear_session(show->ctx->groups[i], show->ctx->now_ms(), show_id(show, "TUNNEL"),
					  show_id(show, "SESSION"));
	return cleared(show, err, "session of that ID");
}
