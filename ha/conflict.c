// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two owners have met: a partition is over, or a node that stood still came
 * back before it noticed.  Both see the same figures in the other's Hello or
 * heartbeat and come to the same answer without another word: the higher epoch
 * stays; with equal ones the longer log of before this connection, then the
 * lower node name.  Who does not stay goes mute at once and follows; what only
 * it knew is discarded.  Both log one and the same sentence.  roles.c calls this.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void text(const struct ha *ha, bool stay, uint64_t ours, char why[HA_REASON_MAX])
{
	const struct ha_peer *peer = &ha->peer;

	snprintf(why, HA_REASON_MAX, "two owners: %.19s stays with epoch %" PRIu64 ", %.19s with %" PRIu64 " goes mute",
		 stay ? ha->config.node : peer->node, stay ? ours : peer->owned,
		 stay ? peer->node : ha->config.node, stay ? peer->owned : ours);
	ha_warn(ha, "%s", why);
}

static void equal_epochs(struct ha *ha)
{
	const struct ha_peer *peer = &ha->peer;
	bool stay = ha->hello_seq != peer->hello_seq ? ha->hello_seq > peer->hello_seq :
		    strcmp(ha->config.node, peer->node) < 0;
	char why[HA_REASON_MAX];

	text(ha, stay, ha->epoch, why);
	if (!stay) {
		ha->roles.handicap_ms = ha->now_ms + HA_RETRY_MS;
		ha->roles.parted = true;
		ha_role_fire(ha, ROLE_EVENT_LOSE, why);
	} else {
		ha_send_heartbeat(ha);
	}
}

void ha_conflict_higher(struct ha *ha, uint64_t epoch, char why[HA_REASON_MAX])
{
	uint64_t ours = ha_roles_owned(ha);

	if (ours && ha->peer.owned == epoch)
		text(ha, false, ours, why);
	else
		snprintf(why, HA_REASON_MAX, "%.40s has epoch %" PRIu64 ", we %" PRIu64, ha->peer.node, epoch, ha->epoch);
}

void ha_conflict(struct ha *ha)
{
	struct ha_peer *peer = &ha->peer;
	uint64_t ours = ha_roles_owned(ha);
	char why[HA_REASON_MAX];

	if (peer->owned && peer->owned == ours) {
		equal_epochs(ha);
	} else if (peer->epoch < ha->epoch) {
		if (ours && peer->owned && ha->roles.overruled != peer->owned) {
			ha->roles.overruled = peer->owned;	/* say it once */
			text(ha, true, ours, why);
		}
		ha_send_heartbeat(ha);		/* it sees our epoch and goes mute */
	}
}
