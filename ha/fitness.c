// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether this node may be made active by somebody outside: keepalived, a
 * cluster manager, an operator.  They see machines and networks and know
 * nothing of what is in our store; this is what they have to be told (a
 * track_file, a promotion score) and what ha_promote() refuses by.
 *
 * Looks only; changes nothing.  The question is always the same: may somebody
 * hold what is not here?  While the peer is connected it says so itself.  When
 * it is not, roles.c probes the address: an owner that answers there lives on
 * without us, and what he does since is not here.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <stdio.h>

const char *ha_fitness_name(enum ha_fitness fitness)
{
	switch (fitness) {
	case HA_FITNESS_UNKNOWN: return "unknown";
	case HA_FITNESS_STALE: return "stale";
	case HA_FITNESS_CATCHING_UP: return "catching-up";
	case HA_FITNESS_BLANK: return "blank";
	case HA_FITNESS_READY: return "ready";
	}
	return "unknown";
}

/* Has this life of the daemon ever held what a group was doing? */
static bool has_history(const struct ha *ha)
{
	return ha->follow.ever || ha->log.epoch;
}

static enum ha_fitness beside_owner(const struct ha *ha, char reason[HA_REASON_MAX])
{
	const struct ha_follow *follow = &ha->follow;

	if (follow->complete && !ha->roles.may_miss && ha->roles.persist_failed && !ha->peer.unwritten) {
		snprintf(reason, HA_REASON_MAX, "holds everything of %.60s, but cannot write the epoch", ha->peer.node);
		return HA_FITNESS_CATCHING_UP;
	}
	if (follow->complete && !ha->roles.may_miss) {
		snprintf(reason, HA_REASON_MAX, "holds everything of %.60s", ha->peer.node);
		return HA_FITNESS_READY;
	}
	snprintf(reason, HA_REASON_MAX, "%.100s",
		 ha->roles.may_miss ? ha->roles.may_miss_why : "synchronisation was not finished");
	if (follow->complete || follow->continuing || follow->shadow)
		return HA_FITNESS_CATCHING_UP;
	return HA_FITNESS_STALE;
}

static enum ha_fitness beside_standby(const struct ha *ha, char reason[HA_REASON_MAX])
{
	const struct ha_peer *peer = &ha->peer;

	if (ha->log.epoch < peer->log_epoch || (ha->log.epoch == peer->log_epoch && ha->log.seq < peer->seq)) {
		snprintf(reason, HA_REASON_MAX, "%.40s holds a newer log (%" PRIu64 "/%" PRIu64 ", here %" PRIu64 "/%" PRIu64 ")",
			 peer->node, peer->log_epoch, peer->seq, ha->log.epoch, ha->log.seq);
		return HA_FITNESS_STALE;
	}
	if (ha_persist_leaves(ha)) {
		snprintf(reason, HA_REASON_MAX, "cannot write the epoch; %.60s holds no less", peer->node);
		return HA_FITNESS_CATCHING_UP;
	}
	if (has_history(ha)) {
		/* whatever somebody held who is gone: of the two there are, nobody holds more */
		snprintf(reason, HA_REASON_MAX, "holds no less than %.60s", peer->node);
		return HA_FITNESS_READY;
	}
	snprintf(reason, HA_REASON_MAX, "neither this node nor %.60s has served yet", peer->node);
	return HA_FITNESS_BLANK;
}

static enum ha_fitness without_peer(const struct ha *ha, char reason[HA_REASON_MAX])
{
	const struct ha_roles *roles = &ha->roles;

	if (roles->may_miss) {
		snprintf(reason, HA_REASON_MAX, "%.100s", roles->may_miss_why);
		return HA_FITNESS_STALE;
	}
	if (roles->vip == HA_VIP_ANSWERS) {
		snprintf(reason, HA_REASON_MAX, "the stream is down and somebody answers for the address");
		return HA_FITNESS_STALE;
	}
	if (roles->lapsed_ms && (ha->now_ms < roles->lapsed_ms || roles->vip == HA_VIP_UNKNOWN)) {
		snprintf(reason, HA_REASON_MAX, "stood still; has not looked around yet");
		return HA_FITNESS_UNKNOWN;
	}
	if (has_history(ha)) {
		snprintf(reason, HA_REASON_MAX, "held everything when the stream broke");
		return HA_FITNESS_READY;
	}
	if (ha->now_ms - roles->start_ms < ha_watch_startup_ms(ha) || roles->vip != HA_VIP_SILENT) {
		snprintf(reason, HA_REASON_MAX, "started%s", ha->config.epoch ? " with nothing; waits for the peer, which may hold what was before" :
			 "; waits for the peer");
		return HA_FITNESS_UNKNOWN;
	}
	snprintf(reason, HA_REASON_MAX, "started without a peer, and nobody has the address");
	return HA_FITNESS_BLANK;
}

enum ha_fitness ha_fitness(const struct ha *ha, char reason[HA_REASON_MAX])
{
	if (ha_reigning(ha)) {
		snprintf(reason, HA_REASON_MAX, "active");
		return HA_FITNESS_READY;
	}
	if (!ha->config.peer_configured) {
		snprintf(reason, HA_REASON_MAX, "no peer configured");
		return HA_FITNESS_READY;
	}
	if (!ha->peer.ready)
		return without_peer(ha, reason);
	if (ha->peer.role == HA_ROLE_ACTIVE || ha->peer.role == HA_ROLE_CLAIMING)
		return beside_owner(ha, reason);
	return beside_standby(ha, reason);
}

bool ha_ownerless(const struct ha *ha)
{
	if (ha->role != HA_ROLE_STANDBY)
		return false;
	if (ha->peer.ready)
		return ha->peer.role == HA_ROLE_STANDBY || ha->peer.role == HA_ROLE_INIT;
	return ha->roles.vip == HA_VIP_SILENT;
}
