// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does somebody answer for the address?  Owns the probes (one at a time) and what is known from them: roles.vip,
 * and roles.quiet_ms, since when nobody has.  Called by roles.c at every thought.
 *
 * An owner that cannot be heard on the HA link may live: then the address answers.  It may stand still with its whole
 * machine: then nothing answers, and when it goes on its kernel lets it speak until its lease ends.  It had that lease
 * when it was asked first in vain, so it is over when the address has been silent for as long as a lease lasts, and
 * an owner that went on meanwhile answers the next question.  Nobody claims before.
 *
 * Two that may both claim hear each other ask: then one of them, always the same, lets the other one go first.
 *
 * That this costs no time when a machine is lost: the questions begin when a heartbeat is late, long before the
 * peer counts as dead, and mean nothing else until then.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <stdio.h>

/* Of a probe: how long it asks, and how long an answer to the last question may take. */
#define ASKS_MS 200u
#define ANSWER_MS 100u
#define BLANK_FACTOR 10u	/* x startup_ms: who comes back empty waits for its peer */
#define TURN_MS 700u		/* who lets another one go first: until that one has probed, claimed and answers */

static uint64_t hold_ms(const struct ha *ha)
{
	uint64_t ms = (uint64_t)HA_ALONE_DEADS * ha->config.dead_ms;

	return ms > ha->config.lease_ms ? ms : ha->config.lease_ms;
}

/* An owner that has long been alone has a long lease, and who was just started cannot know how long it has been. */
static bool may_be_alone(const struct ha *ha)
{
	if (ha->link_up)
		return false;
	return !ha->lost_ms || ha->roles.quiet_ms > ha->last_rx_ms + (uint64_t)HA_STALE_FACTOR * ha->config.dead_ms;
}

/* For so long nobody must have answered before this node claims. */
static uint64_t need_ms(const struct ha *ha)
{
	uint64_t ms = may_be_alone(ha) ? hold_ms(ha) : ha->config.lease_ms;

	/* a standby that was not told of a handover goes first */
	return ha->role == HA_ROLE_DEMOTING ? ms + TURN_MS : ms;
}

static bool quiet_enough(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;
	uint64_t until_ms = roles->quiet_ms + need_ms(ha);

	return roles->quiet_ms && roles->asked_ms + ASKS_MS >= until_ms && ha->now_ms >= until_ms + ANSWER_MS;
}

/* ---- probes ------------------------------------------------------------------ */

/* What was found, or is about to be, is not about how things are now; ask again then. */
void ha_watch_anew(struct ha *ha, uint64_t probe_ms)
{
	ha->roles.probe_void = ha->roles.probe_out;
	ha->roles.quiet_ms = 0;
	ha->roles.vip = HA_VIP_UNKNOWN;
	ha->roles.look = false;
	ha->roles.probe_ms = probe_ms;
}

void ha_watch_look(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;

	if (roles->look)
		return;
	roles->look = true;
	roles->probe_void = roles->probe_out;
	roles->probe_ms = ha->now_ms;
	ha_roles_think(ha);
}

void ha_watch_heard(struct ha *ha)
{
	if (ha->role != HA_ROLE_INIT && ha->role != HA_ROLE_STANDBY)
		return;
	ha->roles.probe_void |= ha->roles.probe_out;
	ha->roles.quiet_ms = 0;
	ha->roles.look = false;
}

void ha_suspicion_clear(struct ha *ha)
{
	ha->roles.suspicion_ms = 0;
	ha->roles.suspicion_told = false;
	ha->roles.vip = HA_VIP_UNKNOWN;
}

uint64_t ha_watch_due_ms(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;

	/* an answer that never came is asked for again */
	return roles->probe_out && roles->probe_lost_ms > roles->probe_ms ? roles->probe_lost_ms : roles->probe_ms;
}

void ha_watch_probe(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	uint64_t patience_ms = 5 * (uint64_t)ha->config.heartbeat_ms;

	if (ha->now_ms < ha_watch_due_ms(ha))
		return;
	roles->probe_out = true;
	roles->probe_void = false;
	roles->asked_ms = ha->now_ms;
	roles->probe_lost_ms = ha->now_ms + (patience_ms > 2 * HA_PROBE_MS ? patience_ms : 2 * HA_PROBE_MS);
	ha_action_new(ha, HA_ACTION_PROBE_VIP, false);
}

/* Nobody answered, for the first time or again: the last question comes when it has been so for long enough. */
static void plan_next(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	uint64_t until_ms = roles->quiet_ms + need_ms(ha), may_ms = 0, at_ms;

	if (ha->role == HA_ROLE_INIT)
		may_ms = roles->start_ms + ha_watch_startup_ms(ha);
	else if (ha->role == HA_ROLE_STANDBY)
		may_ms = ha->last_rx_ms + ha->config.dead_ms;
	if (until_ms + ANSWER_MS < may_ms)
		until_ms = may_ms - ANSWER_MS;
	at_ms = until_ms > ASKS_MS ? until_ms - ASKS_MS : 0;
	if (roles->asked_ms >= at_ms)
		return;
	if (at_ms < ha->now_ms)
		at_ms = ha->now_ms;
	if (at_ms < roles->probe_ms)
		roles->probe_ms = at_ms;
}

/* ---- who asks ---------------------------------------------------------------- */

/*
 * A first start is alone when nobody answers.  But who has served before, comes back empty and has not seen its peer
 * may be the only one that holds nothing: the link may take longer than the address, and a peer that was told to
 * stay mute (it had not heard everything) answers for nothing.
 */
uint64_t ha_watch_startup_ms(const struct ha *ha)
{
	bool blank = ha->config.epoch && !ha->lost_ms && !ha_store_count(ha->store);

	return blank ? (uint64_t)BLANK_FACTOR * ha->config.startup_ms : ha->config.startup_ms;
}

/*
 * Should the address be probed now, and taken when it is silent?  Also says, once, why it is not.  Without the
 * detector the probe claims nothing, but tells whoever decides whether an owner lives on without us: fitness.c.
 */
bool ha_watch_suspects(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	uint64_t silent;

	if (ha->config.detector && !roles->look &&
	    (roles->held || ha->now_ms < roles->handicap_ms || ha->now_ms < roles->lapsed_ms))
		return false;
	if (ha->role == HA_ROLE_INIT)
		return !ha->link_up && ha->now_ms - roles->start_ms >= ha_watch_startup_ms(ha);
	if (ha->role != HA_ROLE_STANDBY || ha->link_up)
		return false;
	/* A stream that broke may only need a new one, and an owner that cannot be heard on the access
	 * network still has its lease: its time runs from the last word of it, however it fell silent. */
	if (ha->now_ms - ha->last_rx_ms < ha->config.dead_ms)
		return false;
	if (!roles->suspicion_ms) {
		silent = ha->now_ms - ha->last_rx_ms;
		roles->suspicion_ms = ha->now_ms;
		roles->silent_ms = silent > UINT32_MAX ? UINT32_MAX : (uint32_t)silent;
		roles->probe_ms = 0;
		ha_note(ha, "nothing heard of the peer for %" PRIu32 " ms", roles->silent_ms);
	}
	if (roles->may_miss && !roles->suspicion_told && ha->config.detector) {
		roles->suspicion_told = true;
		ha_warn(ha, "will not take over by itself: records may be missing (%s)",
			  roles->may_miss_why);
	}
	return !roles->may_miss;
}

/* What is found before there is a suspicion says only since when the address has been silent. */
static bool may_have_to(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;

	if (!ha->config.peer_configured || (roles->held && ha->config.detector && !roles->look))
		return false;
	return ha->role == HA_ROLE_INIT || (ha->role == HA_ROLE_STANDBY && !roles->may_miss);
}

/* From then on it pays to know. */
static uint64_t early_ms(const struct ha *ha)
{
	uint64_t startup_ms, ms;

	if (ha->link_up)
		return ha->last_rx_ms + ha->config.heartbeat_ms + ha->config.heartbeat_ms / 4;
	if (ha->role != HA_ROLE_INIT)
		return 0;
	startup_ms = ha_watch_startup_ms(ha);
	ms = need_ms(ha) + HA_PROBE_MS;
	return ha->roles.start_ms + (startup_ms > ms ? startup_ms - ms : 0);
}

static bool follows(const struct ha *ha)
{
	return ha->peer.ready && (ha->peer.role == HA_ROLE_ACTIVE || ha->peer.role == HA_ROLE_CLAIMING);
}

bool ha_watch_early(const struct ha *ha)
{
	return may_have_to(ha) && (!ha->link_up || follows(ha)) && ha->now_ms >= early_ms(ha);
}

/* Of a node that does not reign. */
uint64_t ha_watch_deadline(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;
	uint64_t due_ms = ha_watch_due_ms(ha), dead_ms = ha->last_rx_ms + ha->config.dead_ms;

	if (!may_have_to(ha) || (ha->link_up && !follows(ha)))
		return HA_NEVER;
	if (due_ms < early_ms(ha))
		due_ms = early_ms(ha);
	if (ha->link_up)
		return due_ms;
	/* the suspicion is told in time */
	return ha->role == HA_ROLE_STANDBY && !roles->suspicion_ms && dead_ms < due_ms && dead_ms >= roles->lapsed_ms ? dead_ms : due_ms;
}

/*
 * An owner that lost its HA link keeps looking whether the address is taken
 * over, so that a partition of the access network that heals before the link
 * does leaves no second owner.  Who claimed without a link stays: it looked
 * before, and has the higher epoch.
 */
bool ha_watch_guards(const struct ha *ha)
{
	return ha->role == HA_ROLE_ACTIVE && ha->config.peer_configured && !ha->link_up && !ha->roles.claimed_alone &&
	       !(ha->roles.paused && ha->roles.carrier_lost);
}

/* ---- what was found ---------------------------------------------------------- */

/* Of a handover that nobody confirmed. */
static void found_demoting(struct ha *ha, bool vip_answers)
{
	struct ha_roles *roles = &ha->roles;

	if (!vip_answers && !quiet_enough(ha)) {
		plan_next(ha);
		return;
	}
	roles->handover_ms = 0;
	roles->unsure = true;			/* it has it, or has claimed and is gone */
	if (vip_answers) {
		/* the peer has it, we only did not hear so: what we know of it is old, and elects nobody */
		roles->lapsed_ms = ha->now_ms + HA_RETRY_MS;
		ha_roles_step_next(ha);
		return;
	}
	roles->claim_skip = 1;			/* above what the peer may still claim */
	roles->planned = false;
	ha_role_fire(ha, ROLE_EVENT_CLAIM, "handover failed: the peer did not take over");
}

static void found_guarding(struct ha *ha, bool vip_answers, bool late)
{
	struct ha_roles *roles = &ha->roles;

	if (vip_answers) {
		roles->may_miss = true;
		ha_copy(roles->may_miss_why, sizeof(roles->may_miss_why), "another node took the address over");
		roles->parted = true;
		ha_role_fire(ha, ROLE_EVENT_LOSE, "the address answers elsewhere: another node took it over, and no HA link tells");
	} else if (!late) {
		ha_carrier_silent(ha);
	}
}

static void found_answering(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;

	roles->vip = HA_VIP_ANSWERS;
	roles->unsure = true;
	if (roles->look)
		ha_note(ha, "not promoted: somebody answers for the address");
	roles->look = false;
	if (ha->role == HA_ROLE_STANDBY && !roles->may_miss &&
	    ha->now_ms - roles->suspicion_ms > (uint64_t)HA_STALE_FACTOR * ha->config.dead_ms) {
		roles->may_miss = true;
		snprintf(roles->may_miss_why, sizeof(roles->may_miss_why), "the address %s for %" PRIu64 " ms without us",
			 roles->carrier_lost ? "may have been served" : "has answered", ha->now_ms - roles->suspicion_ms);
	}
}

void ha_probe_result(struct ha *ha, uint64_t now_ms, enum ha_probe found)
{
	struct ha_roles *roles = &ha->roles;
	bool vip_answers = found == HA_PROBE_ANSWERS;
	bool late;

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (!roles->probe_out)
		return;
	roles->probe_out = false;
	if (roles->probe_void)
		return;
	/* one that stood still meanwhile has not heard who answered; of two that ask, one has to wait for the other */
	late = ha->now_ms >= roles->probe_lost_ms || (found == HA_PROBE_ASKED && ha->config.second);
	roles->probe_ms = ha->now_ms + ha->config.heartbeat_ms;
	if (found == HA_PROBE_ASKED && !ha_reigning(ha))
		roles->unsure = true;		/* it is alive, and may have the address for a moment between two probes */
	if (vip_answers || late || ha_reigning(ha))
		roles->quiet_ms = 0;
	else if (!roles->quiet_ms)
		roles->quiet_ms = roles->asked_ms;
	if (ha->role == HA_ROLE_DEMOTING && roles->handover_ms) {
		found_demoting(ha, vip_answers);
		return;
	}
	if (ha_watch_guards(ha)) {
		found_guarding(ha, vip_answers, late);
		return;
	}
	if (!vip_answers && !late)
		plan_next(ha);
	if (!ha_watch_suspects(ha))
		return;
	if (vip_answers) {
		found_answering(ha);
		return;
	}
	roles->vip = quiet_enough(ha) ? HA_VIP_SILENT : HA_VIP_UNKNOWN;
	if ((!ha->config.detector && !roles->look) || roles->vip != HA_VIP_SILENT)
		return;
	roles->planned = roles->look;
	if (roles->look) {
		roles->held = false;
		roles->silent_ms = 0;
		ha_suspicion_clear(ha);
		ha_role_fire(ha, ROLE_EVENT_CLAIM, "operator");
		return;
	}
	ha_role_fire(ha, ROLE_EVENT_CLAIM, ha->role == HA_ROLE_INIT ? "started, no peer and nobody has the address" :
		  "peer silent");
}
