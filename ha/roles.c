// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Roles and the epoch (DESIGN 4.3).  Owns who may emit.
 *
 * transitions[] is the whole machine: in a state, an event starts a list of
 * steps and leads to the next state; the steps are done by the caller, one at
 * a time, and DONE is fired after the last.  ha_role_fire() is the only function
 * that changes the role.  ha_roles_think() looks at everything known and fires
 * what is due; it is called after every event and decides nothing twice.
 *
 * Ownership begins when UNFENCE is done and ends before FENCE is asked for.
 * FENCE never waits for a step that is under way: it goes to the front of the
 * queue.  Completions are matched to actions in order, so one of an abandoned
 * step that comes late is recognised and ignored.
 *
 * Who claims when nobody owns (both linked): the newer log (epoch of its
 * writer, then sequence), then the higher epoch seen, then priority, then the
 * lower node name.  The winner waits until the other says STANDBY: only then
 * has that one fenced itself and given the address up.
 */
#include "ha/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const event_names[] = { "claim", "follow", "lose", "handover", "done", "failed" };

enum role_step {
	STEP_END,
	STEP_EPOCH,
	STEP_UNFENCE,
	STEP_VIP_ADD,
	STEP_ACTIVATE,
	STEP_FENCE,
	STEP_VIP_DEL,
	STEP_HANDOVER,		/* ours: tell the peer, wait for its epoch */
	STEP_PASSIVATE,
};
static const uint8_t steps_none[] = { STEP_END };
static const uint8_t steps_takeover[] = { STEP_EPOCH, STEP_UNFENCE, STEP_VIP_ADD, STEP_ACTIVATE, STEP_END };
static const uint8_t steps_demote[] = { STEP_FENCE, STEP_VIP_DEL, STEP_PASSIVATE, STEP_END };
static const uint8_t steps_handover[] = { STEP_FENCE, STEP_VIP_DEL, STEP_HANDOVER, STEP_PASSIVATE, STEP_END };

static const struct transition {
	enum ha_role state;
	enum role_event event;
	const uint8_t *steps;
	enum ha_role next;
} transitions[] = {
	{ HA_ROLE_INIT,     ROLE_EVENT_CLAIM,    steps_takeover, HA_ROLE_CLAIMING },
	{ HA_ROLE_INIT,     ROLE_EVENT_FOLLOW,   steps_demote,   HA_ROLE_DEMOTING },
	{ HA_ROLE_STANDBY,  ROLE_EVENT_CLAIM,    steps_takeover, HA_ROLE_CLAIMING },
	{ HA_ROLE_CLAIMING, ROLE_EVENT_DONE,     steps_none,     HA_ROLE_ACTIVE },
	{ HA_ROLE_CLAIMING, ROLE_EVENT_FAILED,   steps_demote,   HA_ROLE_DEMOTING },
	{ HA_ROLE_CLAIMING, ROLE_EVENT_LOSE,     steps_demote,   HA_ROLE_DEMOTING },
	{ HA_ROLE_ACTIVE,   ROLE_EVENT_LOSE,     steps_demote,   HA_ROLE_DEMOTING },
	{ HA_ROLE_ACTIVE,   ROLE_EVENT_HANDOVER, steps_handover, HA_ROLE_DEMOTING },
	{ HA_ROLE_DEMOTING, ROLE_EVENT_CLAIM,    steps_takeover, HA_ROLE_CLAIMING }, /* nobody took the handover */
	{ HA_ROLE_DEMOTING, ROLE_EVENT_DONE,     steps_none,     HA_ROLE_STANDBY },
};

static void step_start(struct ha *ha);

const char *ha_role_name(enum ha_role role)
{
	switch (role) {
	case HA_ROLE_INIT: return "init";
	case HA_ROLE_STANDBY: return "standby";
	case HA_ROLE_CLAIMING: return "claiming";
	case HA_ROLE_ACTIVE: return "active";
	case HA_ROLE_DEMOTING: return "demoting";
	}
	return "unknown";
}

bool ha_owner(const struct ha *ha)
{
	return ha->role == HA_ROLE_ACTIVE || (ha->role == HA_ROLE_CLAIMING && ha->roles.open);
}

bool ha_reigning(const struct ha *ha)
{
	return ha->role == HA_ROLE_ACTIVE || ha->role == HA_ROLE_CLAIMING;
}

/* 0 also while claiming, until the epoch is persisted. */
uint64_t ha_roles_owned(const struct ha *ha)
{
	return ha_reigning(ha) && ha->roles.claim_epoch == ha->epoch ? ha->epoch : 0;
}

/* What must not be handed out any more once we go mute. */
static bool is_of_owner(const struct ha_action_node *node)
{
	return node->action.type == HA_ACTION_RELEASE || node->serial;
}

static void history_add(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	struct ha_switchover_record *record = &roles->history[0];
	const uint32_t max = sizeof(roles->history) / sizeof(roles->history[0]);

	memmove(record + 1, record, (max - 1) * sizeof(*record));
	if (roles->history_len < max)
		roles->history_len++;
	memset(record, 0, sizeof(*record));
	record->at_ms = ha->now_ms;
	record->epoch = ha->epoch;
	ha_copy(record->cause, sizeof(record->cause), roles->cause);
	record->planned = roles->planned;
	record->silent_ms = roles->silent_ms;
	if (roles->suspicion_ms)
		record->detect_ms = (uint32_t)(roles->claim_ms - roles->suspicion_ms);
	record->promote_ms = (uint32_t)(ha->now_ms - roles->claim_ms);
}

/* What being in the new role begins with. */
static void role_enter(struct ha *ha, enum ha_role from, const char *why)
{
	struct ha_roles *roles = &ha->roles;

	switch (ha->role) {
	case HA_ROLE_INIT:
		break;
	case HA_ROLE_CLAIMING:
		ha_watch_anew(ha, ha->now_ms);
		ha_follow_stop(ha, why);
		roles->claimed_alone = !ha->link_up;
		roles->claim_ms = ha->now_ms;
		roles->claim_epoch = ha->epoch + 1 + roles->claim_skip;
		if (roles->claim_epoch < roles->persist_max)
			roles->claim_epoch = roles->persist_max;	/* of a claim that was given up */
		roles->claim_skip = 0;
		roles->behind = roles->may_miss || roles->unsure;
		roles->open = roles->held = roles->may_miss = roles->unsure = roles->parted = false;
		roles->promote_ms = roles->handover_ms = 0;
		roles->adopt_epoch = 0;		/* the claim persists a higher one */
		ha_copy(roles->cause, sizeof(roles->cause), why);
		ha_set_sync(ha, HA_SYNC_SOLO, "no standby follows yet");
		if (from != HA_ROLE_DEMOTING && ha->follow.mirror_stale && ha_store_count(ha->store))
			ha_action_new(ha, HA_ACTION_APPLY_SWAP, false);
		ha->follow.mirror_stale = false;
		break;
	case HA_ROLE_ACTIVE:
		history_add(ha);
		ha_suspicion_clear(ha);
		break;
	case HA_ROLE_DEMOTING:
		/* the next claim knows no more than this one did; or the peer goes on, and it takes until we follow it */
		if (from == HA_ROLE_CLAIMING && (roles->behind || ha->link_up))
			roles->unsure = true;
		roles->paused = false;
		roles->open = roles->switching = roles->switch_go = false;
		ha->commit.flush_seq = 0;
		ha_commit_stop(ha, why);
		ha_set_sync(ha, HA_SYNC_SOLO, "%s", why);
		break;
	case HA_ROLE_STANDBY:
		ha_keep_forget_local(ha);
		ha_suspicion_clear(ha);
		roles->handover_ms = 0;
		ha_follow_start(ha);
		break;
	}
}

/* The one place where the role changes. */
int ha_role_fire(struct ha *ha, enum role_event event, const char *why)
{
	struct ha_roles *roles = &ha->roles;
	const struct transition *t = NULL;
	enum ha_role from = ha->role;
	struct ha_action_node *node;
	size_t i;

	for (i = 0; i < sizeof(transitions) / sizeof(transitions[0]) && !t; i++)
		if (transitions[i].state == from && transitions[i].event == event)
			t = &transitions[i];
	if (!t) {
		ha_trace(ha, "%s does not apply while %s (%s)", event_names[event], ha_role_name(from), why);
		return -EBUSY;
	}
	if (t->steps[0] == STEP_FENCE) {
		/* mute from this instant: nothing that waits or is queued may leave */
		ha_drop_actions(ha, is_of_owner);
		if (roles->adopt_serial) {	/* dropped or not, it is persisted again */
			roles->adopt_serial = 0;
			roles->adopt_epoch = ha->epoch;
		}
		ha_commit_drop(ha);
	}
	ha->role = t->next;
	ha_keep_mark(ha);
	roles->since_ms = ha->now_ms;
	ha_note(ha, "%s -> %s: %s", ha_role_name(from), ha_role_name(ha->role), why);
	roles->steps = t->steps;
	roles->step = 0;
	roles->step_serial = 0;
	roles->step_retry_ms = 0;
	if (t->steps[0] == STEP_FENCE)
		step_start(ha);
	role_enter(ha, from, why);
	node = ha_action_new(ha, HA_ACTION_ROLE, false);
	node->action.role = ha->role;
	node->action.epoch = ha->epoch;
	ha_copy(node->action.text, sizeof(node->action.text), why);
	ha_send_heartbeat(ha);
	if (t->steps[0] != STEP_FENCE)
		step_start(ha);
	return 0;
}

/* ---- steps ----------------------------------------------------------------- */

void ha_roles_handed_out(struct ha *ha, const struct ha_action_node *step)
{
	struct ha_roles *roles = &ha->roles;
	const uint32_t max = sizeof(roles->outstanding) / sizeof(roles->outstanding[0]);

	if (roles->outstanding_len == max) {
		/* the caller owes more completions than there can be steps: the oldest never come */
		memmove(roles->outstanding, roles->outstanding + 1, (max - 1) * sizeof(roles->outstanding[0]));
		roles->outstanding_len--;
	}
	roles->outstanding[roles->outstanding_len++] = step->serial;
	if (step->action.type == HA_ACTION_EPOCH && step->action.epoch > roles->persist_max)
		roles->persist_max = step->action.epoch;
}

static void send_handover(struct ha *ha)
{
	L2tpha__Handover msg = L2TPHA__HANDOVER__INIT;

	msg.seq = ha->log.seq;
	msg.count = ha_store_count(ha->store);
	msg.digest = ha_store_digest(ha->store);
	ha_send(ha, HA_FRAME_HANDOVER, ha->log.seq, &msg.base);
	ha->roles.handover_ms = ha->now_ms + HA_HANDOVER_MS;
	ha->roles.handover_probe = false;
	ha->roles.handover_lost = !ha->link_up;
}

static void step_start(struct ha *ha)
{
	static const enum ha_action_type actions[] = {
		[STEP_EPOCH] = HA_ACTION_EPOCH, [STEP_UNFENCE] = HA_ACTION_UNFENCE,
		[STEP_VIP_ADD] = HA_ACTION_VIP_ADD, [STEP_ACTIVATE] = HA_ACTION_ACTIVATE,
		[STEP_FENCE] = HA_ACTION_FENCE, [STEP_VIP_DEL] = HA_ACTION_VIP_DEL,
		[STEP_PASSIVATE] = HA_ACTION_PASSIVATE,
	};
	struct ha_roles *roles = &ha->roles;
	uint8_t step = roles->steps[roles->step];
	struct ha_action_node *node;

	roles->step_serial = 0;
	if (step == STEP_END) {
		if (ha->role == HA_ROLE_CLAIMING)
			ha_role_fire(ha, ROLE_EVENT_DONE, roles->cause);
		else if (ha->role == HA_ROLE_DEMOTING)
			ha_role_fire(ha, ROLE_EVENT_DONE, "mute, addresses given up");
		return;
	}
	if (step == STEP_HANDOVER) {
		send_handover(ha);
		return;
	}
	node = ha_action_new(ha, actions[step], step == STEP_FENCE);
	node->action.epoch = step == STEP_EPOCH ? roles->claim_epoch : ha->epoch;
	node->action.behind = roles->behind;
	node->serial = roles->step_serial = ++roles->next_serial;
}

void ha_roles_step_next(struct ha *ha)
{
	ha->roles.step++;
	step_start(ha);
}

static void step_failed(struct ha *ha, uint8_t step, int error)
{
	struct ha_roles *roles = &ha->roles;
	char why[HA_REASON_MAX];

	snprintf(why, sizeof(why), "step %d failed: %s", step, strerror(-error));
	switch (step) {
	case STEP_EPOCH: snprintf(why, sizeof(why), "cannot persist the epoch: %s", strerror(-error)); break;
	case STEP_UNFENCE: snprintf(why, sizeof(why), "cannot open the fence: %s", strerror(-error)); break;
	case STEP_VIP_ADD: snprintf(why, sizeof(why), "cannot add the address: %s", strerror(-error)); break;
	case STEP_ACTIVATE: snprintf(why, sizeof(why), "cannot activate: %s", strerror(-error)); break;
	case STEP_FENCE: snprintf(why, sizeof(why), "cannot close the fence: %s", strerror(-error)); break;
	case STEP_VIP_DEL: snprintf(why, sizeof(why), "cannot remove the address: %s", strerror(-error)); break;
	case STEP_PASSIVATE: snprintf(why, sizeof(why), "cannot passivate: %s", strerror(-error)); break;
	}
	ha_warn(ha, "%s", why);
	if (step == STEP_FENCE) {
		roles->step_retry_ms = ha->now_ms + 100;	/* nothing goes on before this one */
		return;
	}
	if (ha->role == HA_ROLE_DEMOTING) {
		ha_roles_step_next(ha);
		return;
	}
	if (step == STEP_EPOCH && ha->peer.role == HA_ROLE_DEMOTING)
		ha_send_refuse(ha, HA_FRAME_HANDOVER, why);
	roles->handicap_ms = ha->now_ms + HA_RETRY_MS;
	ha_role_fire(ha, ROLE_EVENT_FAILED, why);
}

void ha_step_done(struct ha *ha, uint64_t now_ms, int error)
{
	struct ha_roles *roles = &ha->roles;
	uint64_t serial;
	uint8_t step;

	ha_advance(ha, now_ms);
	if (!roles->outstanding_len)
		return;
	serial = roles->outstanding[0];
	memmove(roles->outstanding, roles->outstanding + 1, --roles->outstanding_len * sizeof(roles->outstanding[0]));
	if (serial == roles->adopt_serial) {
		roles->adopt_serial = 0;
		ha_persist_done(ha, roles->persist_max, error);
		ha_roles_think(ha);
		return;
	}
	if (serial != roles->step_serial)
		return;		/* of a step that was abandoned */
	step = roles->steps[roles->step];
	roles->step_serial = 0;
	if (step == STEP_EPOCH) {
		ha_persist_done(ha, roles->claim_epoch, error);
		error = ha_persist_leaves(ha) ? error : 0;
	}
	if (error) {
		step_failed(ha, step, error);
		ha_roles_think(ha);
		return;
	}
	if (step == STEP_EPOCH) {
		ha->epoch = roles->claim_epoch;
		ha_log_start(ha, ha->epoch);
		ha_keep_mark(ha);
		ha_send_heartbeat(ha);
	} else if (step == STEP_VIP_ADD) {
		roles->open = true;	/* an answer would not come to us before */
	}
	ha_roles_step_next(ha);
	ha_roles_think(ha);
}

/* ---- the peer -------------------------------------------------------------- */

void ha_roles_epoch(struct ha *ha, uint64_t epoch)
{
	struct ha_roles *roles = &ha->roles;
	char why[HA_REASON_MAX];

	if (epoch <= ha->epoch)
		return;
	ha_conflict_higher(ha, epoch, why);
	ha->epoch = epoch;
	roles->adopt_epoch = epoch;
	roles->unsure = true;		/* whoever claimed it may serve, until he feeds us */
	if (ha_reigning(ha)) {
		roles->parted = true;
		ha_role_fire(ha, ROLE_EVENT_LOSE, why);
		roles->may_miss = true;
		ha_copy(roles->may_miss_why, sizeof(roles->may_miss_why), why);
	} else if (ha->role == HA_ROLE_DEMOTING && roles->handover_ms) {
		ha_note(ha, "%s took over: epoch %" PRIu64, ha->peer.node, epoch);
		roles->handover_ms = 0;
		ha_roles_step_next(ha);
	}
}

void ha_roles_peer(struct ha *ha)
{
	struct ha_peer *peer = &ha->peer;
	bool peer_reigns = peer->role == HA_ROLE_ACTIVE || peer->role == HA_ROLE_CLAIMING;

	if (peer_reigns && ha_reigning(ha))
		ha_conflict(ha);
	if (peer->role == HA_ROLE_ACTIVE && ha->role == HA_ROLE_STANDBY) {
		ha->roles.held = false;		/* an ordinary standby again */
		ha_suspicion_clear(ha);
	}
	if (ha->roles.suspicion_ms && !ha_reigning(ha)) {
		ha_note(ha, "%s is alive after all", peer->node);
		ha_suspicion_clear(ha);
	}
	ha_roles_think(ha);
}

bool ha_roles_eligible(const struct ha *ha)
{
	return !ha->roles.held && ha->config.detector && ha->now_ms >= ha->roles.handicap_ms && !ha_persist_leaves(ha);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* >0: we should own rather than the peer. Antisymmetric. */
static int rank(const struct ha *ha)
{
	const struct ha_peer *peer = &ha->peer;
	int r = compare_u64(ha->log.epoch, peer->log_epoch);

	if (!r)
		r = compare_u64(ha->log.seq, peer->seq);
	if (!r)
		r = compare_u64(ha->epoch, peer->epoch);
	if (!r)
		r = compare_u64(ha->config.priority, peer->priority);
	return r ? r : strcmp(peer->node, ha->config.node);
}

void ha_resume(struct ha *ha, uint64_t now_ms)
{
	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	ha->roles.resume = true;
}

void ha_lapsed(struct ha *ha, uint64_t now_ms)
{
	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (!ha_reigning(ha))
		return;
	/* meanwhile the peer may have taken over: hear it, or probe, before claiming again */
	ha->roles.lapsed_ms = ha->now_ms + HA_RETRY_MS;
	ha->roles.unsure = ha->config.peer_configured;	/* it may also have served and be gone again */
	ha_role_fire(ha, ROLE_EVENT_LOSE, "stood still longer than the lease");
}

/* ---- deciding -------------------------------------------------------------- */

static void think_demoting(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;

	if (roles->step_retry_ms && ha->now_ms >= roles->step_retry_ms) {
		roles->step_retry_ms = 0;
		step_start(ha);
	}
	if (!roles->handover_ms)
		return;
	if (roles->handover_lost && ha->peer.ready && ha->peer.role == HA_ROLE_STANDBY) {
		/* what was said on the stream before will not be heard any more */
		roles->handover_ms = 0;
		roles->claim_skip = 1;
		roles->planned = false;
		ha_role_fire(ha, ROLE_EVENT_CLAIM, "handover failed: the peer has not heard of it");
		return;
	}
	if (ha->now_ms < roles->handover_ms)
		return;
	if (!roles->handover_probe) {
		roles->handover_probe = true;
		ha_watch_anew(ha, 0);
	}
	ha_watch_probe(ha);
}

/*
 * The peer holds more than we do and cannot claim for the moment: a step of its takeover failed, it
 * tries again soon.  Rather late than with less; but not for good.
 */
static bool yields(struct ha *ha)
{
	const struct ha_peer *peer = &ha->peer;

	if (peer->eligible || ha->log.epoch > peer->log_epoch ||
	    (ha->log.epoch == peer->log_epoch && ha->log.seq >= peer->seq)) {
		ha->roles.yield_ms = 0;
		return false;
	}
	if (!ha->roles.yield_ms)
		ha->roles.yield_ms = ha->now_ms + HA_YIELD_MS;
	return ha->now_ms < ha->roles.yield_ms;
}

static void think_linked(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	struct ha_peer *peer = &ha->peer;

	if (peer->role == HA_ROLE_ACTIVE || peer->role == HA_ROLE_CLAIMING || peer->role == HA_ROLE_DEMOTING) {
		if (ha->role == HA_ROLE_INIT && peer->epoch >= ha->epoch)
			ha_role_fire(ha, ROLE_EVENT_FOLLOW, "peer is active");
		return;
	}
	if (!ha_roles_eligible(ha) || (peer->eligible && rank(ha) < 0)) {
		if (ha->role == HA_ROLE_INIT)
			ha_role_fire(ha, ROLE_EVENT_FOLLOW, roles->held ? "demoted by the operator" :
				  !ha->config.detector ? "waiting to be promoted" : "the peer should be active");
		return;
	}
	if (peer->role != HA_ROLE_STANDBY || yields(ha))
		return;
	/* who was not eligible lets the other one hear that it is again, and hears a claim made meanwhile */
	if (roles->handicap_ms && ha->now_ms < roles->handicap_ms + 2 * (uint64_t)ha->config.heartbeat_ms)
		return;
	/* what each knew of the other is from before a standstill: a few heartbeats first, then both agree */
	if (ha->now_ms < roles->lapsed_ms)
		return;
	roles->planned = !peer->eligible;
	roles->silent_ms = 0;
	ha_role_fire(ha, ROLE_EVENT_CLAIM, !peer->eligible ? "peer gave up" : "elected");
}

void ha_roles_think(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;

	ha_persist_think(ha);
	if (ha->role == HA_ROLE_DEMOTING)
		think_demoting(ha);
	ha_carrier_think(ha);
	if (ha_watch_guards(ha))
		ha_watch_probe(ha);
	if (ha->role != HA_ROLE_INIT && ha->role != HA_ROLE_STANDBY)
		return;
	if (roles->resume && ha->role == HA_ROLE_INIT) {
		roles->resume = roles->unsure = false;
		ha_commit_resume(ha);
		ha_role_fire(ha, ROLE_EVENT_CLAIM, "restarted in place");
		return;
	}
	if (!ha->config.peer_configured) {
		if (!roles->held && ha->now_ms >= roles->handicap_ms)
			ha_role_fire(ha, ROLE_EVENT_CLAIM, "no peer configured");
		return;
	}
	if (roles->promote_ms && ha->now_ms >= roles->promote_ms) {
		roles->promote_ms = 0;
		ha_role_fire(ha, ROLE_EVENT_CLAIM, "operator: the active did not hand over");
		return;
	}
	if (ha_watch_early(ha))
		ha_watch_probe(ha);
	if (ha->peer.ready) {
		think_linked(ha);
		return;
	}
	if (ha->role == HA_ROLE_INIT && !ha->config.detector &&
	    ha->now_ms - roles->start_ms >= ha->config.startup_ms) {
		ha_role_fire(ha, ROLE_EVENT_FOLLOW, "waiting to be promoted");
		return;
	}
	if (ha_watch_suspects(ha))
		ha_watch_probe(ha);
}

void ha_roles_link_down(struct ha *ha)
{
	ha->roles.claimed_alone = false;	/* they had met */
	/* A request to the active is lost with the link.  It may live on: what was asked for counts no
	 * longer, whoever asked hears so when he asks again. */
	if (ha->roles.promote_ms)
		ha_note(ha, "the link is down before %s handed over; promote again", ha->peer.node);
	ha->roles.promote_ms = 0;
	ha->roles.handover_lost = true;
	if (ha->roles.handover_ms && ha->now_ms < ha->roles.handover_ms)
		ha->roles.handover_ms = ha->now_ms;	/* nobody will say that it took over: watch.c */
	ha_roles_think(ha);
}

void ha_roles_init(struct ha *ha)
{
	ha->roles.start_ms = ha->roles.since_ms = ha->now_ms;
	ha->roles.persist_max = ha->epoch;
	ha->follow.mirror_stale = true;
}

uint64_t ha_roles_deadline(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;
	uint64_t at = HA_NEVER, due_ms;

	if (ha->role == HA_ROLE_DEMOTING) {
		if (roles->step_retry_ms)
			at = roles->step_retry_ms;
		else if (roles->handover_ms)
			at = roles->handover_probe ? ha_watch_due_ms(ha) : roles->handover_ms;
		return at;
	}
	if (ha_reigning(ha)) {
		at = ha_carrier_deadline(ha);
		if (ha_watch_guards(ha) && ha_watch_due_ms(ha) < at)
			at = ha_watch_due_ms(ha);
		return roles->switch_go ? ha->now_ms : at;
	}
	if (!ha->config.peer_configured && !roles->held)
		return roles->handicap_ms;
	if (roles->promote_ms)
		at = roles->promote_ms;
	if (ha->now_ms < roles->handicap_ms)
		return roles->handicap_ms < at ? roles->handicap_ms : at;
	if (ha->now_ms < roles->lapsed_ms && roles->lapsed_ms < at)
		at = roles->lapsed_ms;
	if (ha->role == HA_ROLE_INIT && !ha->link_up && !ha->config.detector && roles->start_ms + ha->config.startup_ms < at)
		at = roles->start_ms + ha->config.startup_ms;
	due_ms = ha_watch_deadline(ha);
	return due_ms < at ? due_ms : at;
}
