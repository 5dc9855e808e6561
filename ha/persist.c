// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The epoch on disk.  What this node claims is handed out to be written before
 * it owns anything, what it learns of the peer as soon as nothing else is under
 * way.  Called by roles.c and planned.c.
 *
 * A disk that takes no epoch is said to do so, and tried again all the time.
 * Sessions come before the disk: a node that cannot write takes over when nobody
 * else holds as much; while another one does, it leaves it to that one.  What is
 * lost then is the memory of one epoch over a power loss of this node; it
 * learns it again from the peer.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <string.h>

#define AGAIN_MS 5000u

void ha_persist_done(struct ha *ha, uint64_t epoch, int error)
{
	struct ha_roles *roles = &ha->roles;

	if (error) {
		if (!roles->persist_failed)
			ha_warn(ha, "epoch %" PRIu64 " cannot be written: %s; this node takes over only if no other can", epoch,
				strerror(-error));
		roles->persist_ms = ha->now_ms + AGAIN_MS;
	} else if (roles->persist_failed) {
		ha_note(ha, "epoch %" PRIu64 " is on disk, as it should be", epoch);
		if (roles->handicap_ms < ha->now_ms)
			roles->handicap_ms = ha->now_ms;	/* the peer, asked to claim instead, may have done so */
	}
	if (roles->persist_failed == (error != 0))
		return;
	roles->persist_failed = error != 0;
	ha_send_heartbeat(ha);		/* the peer may be asked to do what we should not */
}

/* Nothing is lost if this one claims instead of us. */
bool ha_persist_leaves(const struct ha *ha)
{
	const struct ha_peer *peer = &ha->peer;

	if (!ha->roles.persist_failed || !peer->ready || peer->unwritten)
		return false;
	if (peer->role == HA_ROLE_DEMOTING)
		return true;
	return peer->role == HA_ROLE_STANDBY && peer->log_epoch == ha->log.epoch && peer->seq >= ha->log.seq;
}

static bool idle(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;

	return !roles->adopt_serial && !roles->step_serial && ha->role != HA_ROLE_CLAIMING && ha->role != HA_ROLE_DEMOTING;
}

void ha_persist_think(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	struct ha_action_node *node;

	if (roles->adopt_epoch <= roles->persist_max && !roles->persist_failed)
		roles->adopt_epoch = 0;
	if (roles->persist_failed && ha->now_ms >= roles->persist_ms && idle(ha))
		roles->adopt_epoch = ha->epoch;
	if (!roles->adopt_epoch || roles->adopt_serial || roles->step_serial || ha->role == HA_ROLE_CLAIMING)
		return;
	node = ha_action_new(ha, HA_ACTION_EPOCH, false);
	node->action.epoch = roles->adopt_epoch > roles->persist_max ? roles->adopt_epoch : roles->persist_max;
	node->serial = roles->adopt_serial = ++roles->next_serial;
	roles->adopt_epoch = 0;
	roles->persist_ms = ha->now_ms + AGAIN_MS;
}

uint64_t ha_persist_deadline(const struct ha *ha)
{
	return ha->roles.persist_failed && idle(ha) ? ha->roles.persist_ms : HA_NEVER;
}
