// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * After a partition: what the node that stays does not know.  The one that goes
 * mute holds its own records until those of the other one have come, and tells
 * then, once, what was only in its own.  group_ha.c calls this.
 *
 * Their peers are not told.  Only the owner may speak, and the owner has no
 * numbers for tunnels it never heard of: a StopCCN or CDN with made up ones is
 * ignored at best, and ends somebody else's tunnel where the number was given
 * out on both sides.  RFC 2661 has no answer to a packet of an unknown tunnel
 * either, so the peer finds out as it does with any LNS that is gone.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define LISTED_MAX 10		/* tunnels in the failure history; the others are counted */

static bool tunnel_goes_on(struct group *group, const struct l2tp_tunnel_state_rec *then, struct ha_key key)
{
	struct l2tp_tunnel_state_rec now;
	size_t len;
	const void *body = ha_get(group->ha, key, &len);

	return body && !checkpoint_decode_tunnel(body, len, &now) && now.peer_id == then->peer_id &&
	       endpoint_equal(&now.peer, &then->peer);
}

static bool session_goes_on(struct group *group, const struct l2tp_session_state_rec *then, struct ha_key key)
{
	struct l2tp_session_state_rec now;
	size_t len;
	const void *body = ha_get(group->ha, key, &len);

	return body && !checkpoint_decode_session(body, len, &now) && now.peer_id == then->peer_id &&
	       now.call_serial == then->call_serial;
}

static bool visit(void *ctx, struct ha_key key, const void *body, size_t len)
{
	struct group *group = ctx;
	struct group_orphans *orphans = &group->orphans;
	struct l2tp_session_state_rec session;
	struct l2tp_tunnel_state_rec tunnel;
	char why[160];

	if (key.type == CHECKPOINT_SESSION && !checkpoint_decode_session(body, len, &session) &&
	    !session_goes_on(group, &session, key))
		orphans->sessions++;
	if (key.type != CHECKPOINT_TUNNEL || checkpoint_decode_tunnel(body, len, &tunnel) ||
	    tunnel_goes_on(group, &tunnel, key))
		return true;
	if (orphans->tunnels++ < LISTED_MAX) {
		snprintf(why, sizeof(why), "tunnel %u to %.64s: only this node knew of it", key.a, tunnel.peer_name);
		group_failure_add(group, 0, &tunnel.peer, "", "Lost in a partition", why);
	}
	return true;
}

void group_orphans_tell(struct group *group)
{
	struct group_orphans *orphans = &group->orphans, before = *orphans;

	if (!ha_left(group->ha))
		return;
	*orphans = (struct group_orphans){ .at_unix_ms = group_unix_ms(group) };
	ha_left_visit(group->ha, visit, group);
	ha_left_forget(group->ha);
	if (!orphans->tunnels && !orphans->sessions) {
		*orphans = before;
		return;
	}
	log_warnx("redundancy group %s: after a partition: %u tunnels and %u sessions that only this node knew of are lost",
		  group_name(group), orphans->tunnels, orphans->sessions);
}

void group_orphans(const struct group *group, struct group_orphans *orphans)
{
	*orphans = group->orphans;
}
