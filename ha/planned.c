// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of role that somebody asked for: the operator (or keepalived,
 * Pacemaker) by promote, demote and switchover, the peer by a handover or a
 * request for one.  Each either says in one line why not, or fires an event of
 * the role table in roles.c; nothing here changes a role itself.
 *
 * A planned switchover flushes first: what was released must be confirmed, and
 * what comes after is kept back until the table has fenced this node.
 */
#include "ha/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void reason_set(char reason[HA_REASON_MAX], const char *text)
{
	ha_copy(reason, HA_REASON_MAX, text);
}

void ha_roles_flushed(struct ha *ha, bool ok, const char *why)
{
	if (!ha->roles.switching)
		return;
	if (ok) {
		/* what was confirmed just now leaves first: go at the next tick, which is due */
		ha->roles.switch_go = true;
		return;
	}
	ha->roles.switching = ha->roles.switch_go = false;
	ha_warn(ha, "switchover cancelled: %s", why);
	ha_send_refuse(ha, HA_FRAME_SWITCH_REQUEST, why);
}

void ha_roles_tick(struct ha *ha)
{
	if (ha->roles.switch_go && ha->log.batch_len) {
		/* something was put since: dropped now, the standby would miss it */
		ha->roles.switch_go = false;
		ha_commit_flush(ha);
	}
	if (ha->roles.switch_go)
		ha_role_fire(ha, ROLE_EVENT_HANDOVER, "planned switchover");
	ha_roles_think(ha);
}

void ha_roles_handover(struct ha *ha, const L2tpha__Handover *handover)
{
	struct ha_roles *roles = &ha->roles;

	if (ha->role != HA_ROLE_STANDBY) {
		ha_send_refuse(ha, HA_FRAME_HANDOVER, "not standby");
		return;
	}
	if (!ha->follow.complete || handover->seq != ha->log.seq ||
	    handover->digest != ha_store_digest(ha->store)) {
		ha_send_refuse(ha, HA_FRAME_HANDOVER, "records are missing here");
		return;
	}
	if (ha_persist_leaves(ha)) {
		ha_send_refuse(ha, HA_FRAME_HANDOVER, "the epoch cannot be written here");
		return;
	}
	ha_suspicion_clear(ha);
	roles->silent_ms = 0;
	roles->planned = true;
	ha_role_fire(ha, ROLE_EVENT_CLAIM, "handover");
}

void ha_roles_refused(struct ha *ha, unsigned int what, const char *reason)
{
	struct ha_roles *roles = &ha->roles;
	char why[HA_REASON_MAX];

	ha_warn(ha, "%s refuses %s: %s", ha->peer.node, ha_frame_type_name(what), reason);
	if (what == HA_FRAME_SWITCH_REQUEST)
		roles->promote_ms = 0;
	if (what != HA_FRAME_HANDOVER || ha->role != HA_ROLE_DEMOTING || !roles->handover_ms)
		return;
	roles->handover_ms = 0;
	roles->claim_skip = 1;
	roles->planned = false;
	snprintf(why, sizeof(why), "handover refused: %.90s", reason);
	ha_role_fire(ha, ROLE_EVENT_CLAIM, why);
}

static void ask_for_switch(struct ha *ha, const char *why)
{
	L2tpha__SwitchRequest msg = L2TPHA__SWITCH_REQUEST__INIT;

	msg.reason = (char *)why;
	ha_send(ha, HA_FRAME_SWITCH_REQUEST, ha->log.seq, &msg.base);
}

int ha_switchover(struct ha *ha, uint64_t now_ms, bool dry_run, char reason[HA_REASON_MAX])
{
	struct ha_roles *roles = &ha->roles;

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (!ha->config.peer_configured)
		return reason_set(reason, "no peer configured"), -ENOTCONN;
	if (!ha->peer.ready)
		return reason_set(reason, "no peer connected: all sessions would be lost"), -ENOTCONN;
	if (ha->role == HA_ROLE_STANDBY && ha->peer.role == HA_ROLE_ACTIVE) {
		if (ha->sync != HA_SYNC_IN_SYNC) {
			snprintf(reason, HA_REASON_MAX, "this node is not in sync: %.90s", ha->sync_reason);
			return -EAGAIN;
		}
		snprintf(reason, HA_REASON_MAX, "%s%.40s hands over; no record is lost",
			 dry_run ? "would work: " : "asked: ", ha->peer.node);
		if (!dry_run)
			ask_for_switch(ha, "operator");
		return 0;
	}
	if (ha->role != HA_ROLE_ACTIVE) {
		snprintf(reason, HA_REASON_MAX, "this node is %s", ha_role_name(ha->role));
		return -EBUSY;
	}
	if (roles->switching)
		return reason_set(reason, "a switchover is under way"), -EBUSY;
	if (ha->sync != HA_SYNC_IN_SYNC) {
		snprintf(reason, HA_REASON_MAX, "not in sync (%s: %.80s): recent changes would be lost",
			 ha_sync_name(ha->sync), ha->sync_reason);
		return -EAGAIN;
	}
	if (ha->peer.role != HA_ROLE_STANDBY) {
		snprintf(reason, HA_REASON_MAX, "%.40s is %s, not standby", ha->peer.node, ha_role_name(ha->peer.role));
		return -EAGAIN;
	}
	if (ha->peer.unwritten && !roles->persist_failed) {
		snprintf(reason, HA_REASON_MAX, "%.40s cannot write its epoch to disk", ha->peer.node);
		return -EAGAIN;
	}
	snprintf(reason, HA_REASON_MAX, "%s%.40s takes over %" PRIu32 " records; none is lost",
		 dry_run ? "would work: " : "", ha->peer.node, ha_store_count(ha->store));
	if (dry_run)
		return 0;
	roles->switching = true;
	ha_commit_flush(ha);
	return 0;
}

int ha_promote(struct ha *ha, uint64_t now_ms, bool force, char reason[HA_REASON_MAX])
{
	struct ha_roles *roles = &ha->roles;
	enum ha_fitness fitness;
	char why[HA_REASON_MAX];

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (ha_reigning(ha)) {
		reason_set(reason, "already active");
		return 0;
	}
	if (ha->role == HA_ROLE_DEMOTING)
		return reason_set(reason, "a demotion is under way, try again"), -EBUSY;
	fitness = ha_fitness(ha, why);
	if (!force && fitness < HA_FITNESS_BLANK) {
		snprintf(reason, HA_REASON_MAX, "%.90s; promote with force to go on", why);
		return fitness == HA_FITNESS_UNKNOWN ? -EAGAIN : -EPERM;
	}
	/* a stream that broke says nothing about the owner: his machine may be gone, or only the cable */
	if (!force && ha->config.peer_configured && !ha->peer.ready && ha->roles.vip != HA_VIP_SILENT)
		return reason_set(reason, "the peer is not heard; looking whether it still has the address, try again"),
		       -EAGAIN;
	if (!force && ha->peer.ready && ha->peer.role == HA_ROLE_DEMOTING)
		return reason_set(reason, "the peer is giving the address up, try again"), -EAGAIN;
	if (!force && ha->config.peer_configured && !ha->peer.ready) {
		/* what was found is as old as it is: somebody may have taken the address since */
		ha_watch_look(ha);
		return reason_set(reason, "claiming if nobody answers for the address now"), 0;
	}
	roles->held = false;
	roles->planned = true;
	roles->silent_ms = 0;
	if (!force && ha->peer.ready && ha->role == HA_ROLE_STANDBY && ha->peer.role == HA_ROLE_ACTIVE) {
		ask_for_switch(ha, "promoted by the operator");
		roles->promote_ms = ha->now_ms + HA_HANDOVER_MS;
		snprintf(reason, HA_REASON_MAX, "%.40s was asked to hand over", ha->peer.node);
		return 0;
	}
	ha_suspicion_clear(ha);
	reason_set(reason, force ? "claiming (forced)" : "claiming");
	return ha_role_fire(ha, ROLE_EVENT_CLAIM, force ? "operator (forced)" : "operator");
}

int ha_demote(struct ha *ha, uint64_t now_ms, char reason[HA_REASON_MAX])
{
	struct ha_roles *roles = &ha->roles;
	bool safe = ha->sync == HA_SYNC_IN_SYNC;

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	roles->promote_ms = 0;
	roles->look = false;
	if (ha->role == HA_ROLE_STANDBY || ha->role == HA_ROLE_DEMOTING) {
		reason_set(reason, "already mute");
		return 0;
	}
	roles->held = true;
	ha_commit(ha, ha->now_ms);
	reason_set(reason, safe ? "going mute; the peer holds everything" :
		   "going mute; not in sync, recent changes may be lost");
	return ha_role_fire(ha, ha->role == HA_ROLE_INIT ? ROLE_EVENT_FOLLOW : ROLE_EVENT_LOSE, "operator");
}
