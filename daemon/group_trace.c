// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a group has been through: the history of its roles and takeovers, and
 * the lines of `debug`.  Called where the group meets the HA core and the
 * L2TP engine (group.c, group_ha.c); changes nothing but its own rings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "ha/frame.h"

#define TELL(class, ...) \
	do { \
		if (debug_on(group->debug, class)) \
			debug_line(group->debug, class, __VA_ARGS__); \
	} while (0)

void group_debug_set(struct group *group, const struct debug *debug)
{
	group->debug = debug;
}

/* ---- history ------------------------------------------------------------ */

/* What it goes on with: the log, and each tunnel's place in its channel. */
static void inherited(struct group *group, const struct ha_info *ha)
{
	struct l2tp_tunnel_info t;

	TELL(DEBUG_CF, "%s: goes on with %u records, sequence %" PRIu64, group_name(group), ha->records, ha->seq);
	if (!debug_on(group->debug, DEBUG_DETAIL))
		return;
	for (uint16_t id = 0; (id = l2tp_tunnel_next(group->l2tp, id));) {
		l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, id), &t);
		TELL(DEBUG_DETAIL, "%s: tunnel %u: Ns %u, Nr %u, %u messages unacknowledged, %u sessions", group_name(group), id,
		     t.channel.vs, t.channel.vr, t.unacked + t.unsent, t.sessions);
	}
}

/* A takeover begins: what is known of the one before is kept under its epoch. */
void group_trace_takeover(struct group *group)
{
	struct group_takeover *t = group->takeovers;
	struct l2tp_counters c;
	struct ha_info ha;

	ha_info(group->ha, &ha);
	l2tp_counters(group->l2tp, &c);
	t[0].resync = group->resync;
	memmove(t + 1, t, (GROUP_TAKEOVERS_MAX - 1) * sizeof(*t));
	t[0] = (struct group_takeover){ .epoch = ha.epoch, .at_unix_ms = group_unix_ms(group) };
	/* the first epoch of all follows nobody's */
	snprintf(t[0].from, sizeof(t[0].from), "%s", ha.epoch > 1 ? ha.peer_node : "");
	TELL(DEBUG_RESYNC, "%s: epoch %" PRIu64 ": %u tunnels, %u sessions to go on with", group_name(group), ha.epoch,
	     c.tunnels, c.sessions);
	inherited(group, &ha);
}

bool group_takeover_info(const struct group *group, uint64_t epoch, struct group_takeover *out)
{
	for (size_t i = 0; i < GROUP_TAKEOVERS_MAX; i++) {
		if (!group->takeovers[i].epoch || group->takeovers[i].epoch != epoch)
			continue;
		*out = group->takeovers[i];
		if (!i)
			out->resync = group->resync;
		return true;
	}
	return false;
}

static void event_add(struct group *group, enum group_event_type type, const char *from, const char *to, const char *why)
{
	struct group_event *e = &group->events[group->event_count++ % GROUP_EVENTS_MAX];
	struct ha_info ha;

	ha_info(group->ha, &ha);
	*e = (struct group_event){ .type = type, .at_unix_ms = group_unix_ms(group), .epoch = ha.epoch };
	snprintf(e->from, sizeof(e->from), "%s", from);
	snprintf(e->to, sizeof(e->to), "%s", to);
	snprintf(e->why, sizeof(e->why), "%s", why);
}

size_t group_events(const struct group *group, struct group_event *out, size_t max)
{
	size_t n = group->event_count < GROUP_EVENTS_MAX ? group->event_count : GROUP_EVENTS_MAX;

	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		out[i] = group->events[(group->event_count - 1 - i) % GROUP_EVENTS_MAX];
	return n;
}

/* ---- what HA asks for --------------------------------------------------- */

static uint64_t be64(const uint8_t *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static void frame_sent(struct group *group, const uint8_t *data, size_t len)
{
	enum debug_class class = DEBUG_CF;

	if (len < HA_FRAME_HEADER)
		return;
	if (data[7] == HA_FRAME_HEARTBEAT)
		class = DEBUG_DETAIL;
	else if (data[7] == HA_FRAME_REFUSE)
		class = DEBUG_ERROR;
	TELL(class, "%s: sent %s, epoch %" PRIu64 ", sequence %" PRIu64 ", %zu octets", group_name(group),
	     ha_frame_type_name(data[7]), be64(data + 12), be64(data + 20), len);
}

static const char *record_name(uint8_t type)
{
	switch (type) {
	case CHECKPOINT_TUNNEL:
		return "tunnel";
	case CHECKPOINT_CHANNEL:
		return "channel";
	case CHECKPOINT_MESSAGE:
		return "message";
	case CHECKPOINT_SESSION:
		return "session";
	case CHECKPOINT_SUBSCRIBER:
		return "subscriber";
	}
	return "record";
}

static void record(struct group *group, const char *what, const struct ha_action *a)
{
	TELL(DEBUG_DETAIL, "%s: %s %s %u/%u, %zu octets", group_name(group), what, record_name(a->key.type), a->key.a,
	     a->key.b, a->len);
}

static void step(struct group *group, const char *what)
{
	TELL(DEBUG_RF, "%s: %s", group_name(group), what);
}

static void role(struct group *group, const struct ha_action *a)
{
	const char *from = ha_role_name(group->traced_role), *to = ha_role_name(a->role);

	event_add(group, GROUP_EVENT_ROLE, from, to, a->text);
	TELL(DEBUG_FSM, "%s: %s -> %s: %s", group_name(group), from, to, a->text);
	group->traced_role = a->role;
}

static void sync_state(struct group *group, const struct ha_action *a)
{
	const char *from = ha_sync_name(group->traced_sync), *to = ha_sync_name(a->sync);

	event_add(group, GROUP_EVENT_SYNC, from, to, a->text);
	TELL(DEBUG_EVENT, "%s: %s -> %s: %s", group_name(group), from, to, a->text);
	if (a->sync == HA_SYNC_DEGRADED || a->sync == HA_SYNC_STALE)
		TELL(DEBUG_ERROR, "%s: not protected: %s: %s", group_name(group), to, a->text);
	group->traced_sync = a->sync;
}

void group_trace_ha(struct group *group, const struct ha_action *a)
{
	switch (a->type) {
	case HA_ACTION_LINK_SEND:
		if (debug_on(group->debug, DEBUG_CF) || debug_on(group->debug, DEBUG_DETAIL) ||
		    debug_on(group->debug, DEBUG_ERROR))
			frame_sent(group, a->data, a->len);
		break;
	case HA_ACTION_LINK_RESET:
		TELL(DEBUG_ERROR, "%s: the stream is reset: %s", group_name(group), a->text);
		break;
	case HA_ACTION_RELEASE:
		break;
	case HA_ACTION_APPLY_PUT:
		record(group, "stored", a);
		break;
	case HA_ACTION_APPLY_DEL:
		record(group, "deleted", a);
		break;
	case HA_ACTION_APPLY_SWAP:
		TELL(DEBUG_CF, "%s: a snapshot is in place", group_name(group));
		break;
	case HA_ACTION_EPOCH:
		TELL(DEBUG_RF, "%s: epoch %" PRIu64 " is claimed or seen", group_name(group), a->epoch);
		break;
	case HA_ACTION_UNFENCE:
		step(group, "the fence opens");
		break;
	case HA_ACTION_VIP_ADD:
		step(group, "the virtual addresses come here");
		break;
	case HA_ACTION_ACTIVATE:
		step(group, "tunnels and sessions become active");
		break;
	case HA_ACTION_FENCE:
		step(group, "the fence closes");
		break;
	case HA_ACTION_VIP_DEL:
		step(group, "the virtual addresses go");
		break;
	case HA_ACTION_PASSIVATE:
		step(group, "tunnels and sessions become passive");
		break;
	case HA_ACTION_PROBE_VIP:
		step(group, "does anybody answer for the virtual addresses?");
		break;
	case HA_ACTION_ROLE:
		role(group, a);
		break;
	case HA_ACTION_SYNC:
		sync_state(group, a);
		break;
	}
}

void group_trace_link(struct group *group, bool up)
{
	event_add(group, GROUP_EVENT_LINK, up ? "down" : "up", up ? "up" : "down", "");
	TELL(DEBUG_EVENT, "%s: the stream is %s", group_name(group), up ? "up" : "down");
	if (!up)
		TELL(DEBUG_ERROR, "%s: the stream to the peer broke", group_name(group));
}

/* What the peer confirmed with its last octets. */
void group_trace_input(struct group *group)
{
	struct ha_info ha;

	if (!debug_on(group->debug, DEBUG_CF))
		return;
	ha_info(group->ha, &ha);
	if (ha.acked_seq != group->traced_acked)
		TELL(DEBUG_CF, "%s: confirmed up to sequence %" PRIu64, group_name(group), ha.acked_seq);
	group->traced_acked = ha.acked_seq;
}

/* ---- what the engine says ----------------------------------------------- */

void group_trace_engine(struct group *group, const struct l2tp_action *a)
{
	switch (a->type) {
	case L2TP_ACTION_RESYNC_DONE:
		TELL(DEBUG_RESYNC, "%s: tunnel %u: resync %s, %u to go", group_name(group), a->tunnel_id,
		     a->resync_ok ? "good" : "failed", group->resync.running);
		if (!a->resync_ok)
			TELL(DEBUG_ERROR, "%s: tunnel %u could not be resynchronised", group_name(group), a->tunnel_id);
		if (!group->resync.running)
			TELL(DEBUG_RESYNC, "%s: complete: %u good, %u failed, %u ms", group_name(group), group->resync.ok,
			     group->resync.failed, group->resync.duration_ms);
		break;
	case L2TP_ACTION_CALL_REFUSED:
		TELL(DEBUG_ERROR, "%s: tunnel %u: call refused: %s", group_name(group), a->tunnel_id, a->result.text);
		break;
	case L2TP_ACTION_SEND:
	case L2TP_ACTION_TUNNEL_UP:
	case L2TP_ACTION_TUNNEL_DOWN:
	case L2TP_ACTION_SESSION_UP:
	case L2TP_ACTION_SESSION_DOWN:
	case L2TP_ACTION_CALL_REQUEST:
	case L2TP_ACTION_WEN:
	case L2TP_ACTION_SLI:
	case L2TP_ACTION_SPEED:
		break;
	}
}
