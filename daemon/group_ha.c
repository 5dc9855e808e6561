// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What HA asks of a group.  Steps of a takeover or a demotion come one at a
 * time in the order ha/roles.c decided; each is answered with ha_step_done().
 * Records come whole and in order; on a standby they are mirrored into the
 * passive engine at once, so that a takeover has nothing to read.
 *
 * The lease keeps the fence open only while this process lives: if the daemon
 * is killed or frozen, the kernel closes the fence by itself (safety S1).  It
 * runs from the last heartbeat the peer was sent, never from the renewal: the
 * peer counts from what it heard, and one that froze right after a renewal
 * would still be open when its peer takes over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define WALK_SLICE 32		/* sessions of a wake-up: well below a millisecond */
#define REBUILD_PASSES 4

/* ---- the lease ---------------------------------------------------------- */

uint32_t group_hold_ms(const struct config_redundancy_group *rg)
{
	uint32_t ms = HA_ALONE_DEADS * rg->dead_ms;

	if (!rg->peer.family)
		return 0;
	return ms > rg->lease_ms ? ms : rg->lease_ms;
}

/*
 * What is left of it; 0: without a peer nobody else could own the address, no lease to lose.  Without a link no peer
 * counts on it: who is there would find the address answering, unless this whole machine stands still.  It is long
 * then, for a restart of this daemon, which nobody could stand in for; once the peer must have counted itself stale.
 */
uint32_t group_lease_ms(const struct group *group)
{
	uint64_t said_ms = ha_said_ms(group->ha), end_ms;

	if (!group->rg->peer.family || !ha_may_be_relieved(group->ha))
		return group_hold_ms(group->rg);
	if (!said_ms)
		return group->rg->lease_ms;
	end_ms = said_ms + group->rg->lease_ms;
	return end_ms > group->now_ms ? (uint32_t)(end_ms - group->now_ms) : 1;
}

static void lease_renewed(void *arg, int error)
{
	struct dp_request *req = arg;
	uint64_t until_ms = req->at_ms;
	struct group *group = group_request_done(req);

	if (group && error)
		log_warnx("redundancy group %s: the lease was not renewed: %s", group->rg->name, strerror(-error));
	else if (group)
		group->lease_until_ms = until_ms;	/* they complete in order: that is how it is in the kernel */
}

/* Before the round: a node that stood still says nothing of what it found waiting. */
void group_lease_check(struct group *group)
{
	if (group->lease_at_ms == UINT64_MAX || group->now_ms < group->lease_until_ms)
		return;
	/* the kernel has closed the fence meanwhile; opening it again is not ours to decide */
	group->lease_at_ms = UINT64_MAX;
	ha_lapsed(group->ha, group->now_ms);
}

/* After the round: the heartbeat it runs from is with the kernel by then, whatever becomes of us. */
void group_lease_tick(struct group *group)
{
	uint64_t said_ms = ha_said_ms(group->ha);
	struct dp_request *req;
	int rc;

	if (group->lease_at_ms == UINT64_MAX)
		return;
	if (group->now_ms < group->lease_at_ms && (!said_ms || said_ms == group->lease_said_ms))
		return;
	group->lease_at_ms = group->now_ms + group->rg->lease_ms / 4;
	group->lease_said_ms = said_ms;
	req = group_request(group, 0, 0, 0);
	if (!req)
		return;
	req->at_ms = group->now_ms + group_lease_ms(group);
	if (group->lease_until_ms > req->at_ms)
		group->lease_until_ms = req->at_ms;	/* a shorter one counts from now */
	rc = group->dp->ops->lease(group->dp, group->rg->vips, group->rg->vip_count, group_lease_ms(group), lease_renewed,
				   req);
	if (rc)
		lease_renewed(req, rc);
}

/* Before the peer hears of us: from then on it may count. */
void group_lease_shorten(struct group *group)
{
	struct dp_request *req;
	int rc;

	if (group->lease_at_ms == UINT64_MAX || group->lease_until_ms <= group->now_ms + group->rg->lease_ms)
		return;
	req = group_request(group, 0, 0, 0);
	if (!req)
		return;
	group->lease_until_ms = req->at_ms = group->now_ms + group->rg->lease_ms;
	rc = group->dp->ops->lease(group->dp, group->rg->vips, group->rg->vip_count, group->rg->lease_ms, lease_renewed, req);
	if (rc)
		lease_renewed(req, rc);
}

static void paused(void *arg, int error)
{
	struct group *group = group_request_done(arg);

	if (!group || !error)
		return;
	log_warnx("redundancy group %s: the fence was not closed: %s", group->rg->name, strerror(-error));
	group->paused = false;	/* again */
}

/* Mute for as long as an owner does not know whether it still is one. */
void group_pause_check(struct group *group)
{
	struct dp_request *req;
	int rc;

	if (ha_paused(group->ha) == group->paused)
		return;
	group->paused = !group->paused;
	if (!group->paused) {
		group->lease_at_ms = group->now_ms;	/* the tick renews it */
		group->lease_until_ms = group->now_ms + group_lease_ms(group);
		return;
	}
	group->lease_at_ms = UINT64_MAX;
	req = group_request(group, 0, 0, 0);
	rc = req ? group->dp->ops->fence(group->dp, group->rg->vips, group->rg->vip_count, paused, req) : -ENOMEM;
	if (rc && req)
		paused(req, rc);
}

void group_carrier(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
	if (group->rg)
		ha_carrier(group->ha, now_ms, group->dp->ops->has_carrier(group->dp, group->rg->vips, group->rg->vip_count));
}

/* ---- steps -------------------------------------------------------------- */

static void step_done(void *arg, int error)
{
	struct group *group = group_request_done(arg);

	if (group)
		ha_step_done(group->ha, group->now_ms, error);
}

typedef int (*vip_op)(struct dp *, const struct dp_vip *, size_t, dp_done_fn, void *);

static void vip_step(struct group *group, vip_op op)
{
	struct dp_request *req;
	int rc;

	if (!group->rg) {
		ha_step_done(group->ha, group->now_ms, 0);
		return;
	}
	req = group_request(group, 0, 0, 0);
	if (!req) {
		ha_step_done(group->ha, group->now_ms, -ENOMEM);
		return;
	}
	rc = op(group->dp, group->rg->vips, group->rg->vip_count, step_done, req);
	if (rc) {
		group_request_done(req);
		ha_step_done(group->ha, group->now_ms, rc);
	}
}

static int vip_unfence(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	struct dp_request *req = arg;

	return dp->ops->lease(dp, vips, count, group_lease_ms(req->group), done, arg);
}

/* What cannot be told leaves things as they are: a mute node stays mute, an owner serves on unless it is cut off. */
static void probe_told(struct group *group, int result)
{
	struct ha_info info;

	if (result < 0 && result != group->probe_error)
		log_warnx("redundancy group %s: cannot probe the virtual address: %s", group->rg->name, strerror(-result));
	group->probe_error = result < 0 ? result : 0;
	if (result < 0 && ha_paused(group->ha))
		return;		/* asked again when there is no answer */
	if (!result)
		group_prepare(group);	/* it takes a while until that has been so for long enough */
	ha_info(group->ha, &info);
	ha_probe_result(group->ha, group->now_ms, result == DP_PROBE_ASKED ? HA_PROBE_ASKED :
			result > 0 || (result < 0 && info.role != HA_ROLE_ACTIVE) ? HA_PROBE_ANSWERS : HA_PROBE_SILENT);
}

static void probe_done(void *arg, int result)
{
	struct group *group = group_request_done(arg);

	if (group)
		probe_told(group, result);
}

/* A warm standby that may have to take over: what can be had before that is known costs nobody time. */
void group_prepare(struct group *group)
{
	uint32_t count = HASH_COUNT(group->subs);

	if (!group->active && !group_hot(group) && count && group->ppp->prepare)
		group->ppp->prepare(group->ppp_engine, count);
}

static void probe(struct group *group)
{
	struct dp_request *req;
	int rc = -ENOMEM;

	if (!group->rg) {
		ha_probe_result(group->ha, group->now_ms, HA_PROBE_SILENT);
		return;
	}
	req = group_request(group, 0, 0, 0);
	if (req)
		rc = group->dp->ops->vip_probe(group->dp, group->rg->vips, group->rg->vip_count, 300, probe_done, req);
	if (rc && req)
		group_request_done(req);
	if (rc)
		probe_told(group, rc);
}

static void rebuild_start(struct group *group);
static void rebuild_finish(struct group *group);

/*
 * Owner from here on.  What a takeover has to do before anybody is served does
 * not grow with the number of sessions: the fence is open, tunnels probe, hot
 * sessions forward.  The rest is told to one session after another, a few in
 * each wake-up, between what else there is to do (group_walk()).
 */
static void activate(struct group *group, bool behind)
{
	struct subscriber *sub, *stmp;
	struct l2tp_counters before;
	struct ha_info info;

	if (group->active) {
		/*
		 * A handover that nobody took: between the flush and here the engine went on, and
		 * what it did was neither recorded nor sent.  The store is what everybody knows.
		 * What is only between PPP here and its client stands as well.
		 */
		l2tp_passivate(group->l2tp);
		HASH_ITER(hh, group->subs, sub, stmp)
			sub_negotiate_anew(group, sub);
		rebuild_start(group);
	}
	rebuild_finish(group);
	group->active = group->speaks = true;
	group_trace_takeover(group);
	group->takeover_ms = group->now_ms;
	l2tp_counters(group->l2tp, &before);
	group->resync = (struct group_resync_info){ .running = before.tunnels_established,
						    .complete = !before.tunnels_established };
	if (behind)
		log_warnx("redundancy group %s: records may be old: numbers of the tunnels are learnt from their peers",
			  group_name(group));
	ha_info(group->ha, &info);
	l2tp_set_epoch(group->l2tp, info.epoch);
	l2tp_take_over(group->l2tp, group->now_ms, behind ? L2TP_KNOWLEDGE_BEHIND : L2TP_KNOWLEDGE_EXACT);
	for (uint16_t id = 0; (id = l2tp_tunnel_next(group->l2tp, id)) != 0;)
		tunnel_place(group, id);
	group->walking = before.sessions != 0;
	group->walk_tunnel = l2tp_tunnel_next(group->l2tp, 0);
	group->walk_session = 0;
	group_dial_take_over(group);
	if (group->ops.access_announce)
		group->ops.access_announce(group->ops.ctx);
	ha_step_done(group->ha, group->now_ms, 0);
}

/* One session after a takeover: its PPP is told that it may speak, what is not in place is put there. */
static void walk_session(struct group *group, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *sub = sub_find(group, tunnel_id, session_id);
	struct l2tp_session_state_rec s;

	if (!sub) {
		/* established, but no address was promised yet: no record made it a subscriber */
		l2tp_session_export(l2tp_session_find(group->l2tp, tunnel_id, session_id), &s);
		if (s.state == L2TP_SESSION_ESTABLISHED)
			sub = sub_get(group, tunnel_id, session_id);
	}
	if (sub)
		sub_activate(group, sub);
}

void group_walk(struct group *group)
{
	for (unsigned n = 0; group->walking && n < WALK_SLICE; n++) {
		group->walk_session = l2tp_session_next(group->l2tp, group->walk_tunnel, group->walk_session);
		if (group->walk_session) {
			walk_session(group, group->walk_tunnel, group->walk_session);
			continue;
		}
		group->walk_tunnel = l2tp_tunnel_next(group->l2tp, group->walk_tunnel);
		group->walking = group->walk_tunnel != 0;
	}
}

/* ---- records ------------------------------------------------------------ */

static int apply_record(struct group *group, struct ha_key key, const void *body, size_t len)
{
	struct l2tp_tunnel_state_rec tunnel;
	struct l2tp_channel_state channel;
	struct l2tp_session_state_rec session;
	struct checkpoint_subscriber sub;
	struct checkpoint_joint joint;
	struct subscriber *known;
	struct group_tunnel *t;
	uint8_t data[L2TP_MSG_MAX];
	size_t data_len;
	int rc;

	switch ((enum checkpoint_type)key.type) {
	case CHECKPOINT_TUNNEL:
		rc = checkpoint_decode_tunnel(body, len, &tunnel);
		if (!rc)
			rc = l2tp_tunnel_import(group->l2tp, &tunnel);
		t = rc ? NULL : tunnel_get(group, key.a, true);
		if (t) {
			t->recorded = true;
			t->local = !tunnel.params.ha && group->has_peer;
			t->adopt = t->adopt || group->restoring;
		}
		if (!rc)
			tunnel_place(group, key.a);
		return rc;
	case CHECKPOINT_CHANNEL:
		rc = checkpoint_decode_channel(body, len, &channel);
		if (!rc)
			rc = l2tp_channel_import(group->l2tp, key.a, &channel);
		return rc;
	case CHECKPOINT_MESSAGE:
		rc = checkpoint_decode_message(body, len, data, &data_len);
		if (!rc)
			rc = l2tp_message_import(group->l2tp, key.a, key.b, data, data_len);
		return rc;
	case CHECKPOINT_SESSION:
		rc = checkpoint_decode_session(body, len, &session);
		if (!rc)
			rc = l2tp_session_import(group->l2tp, &session);
		known = rc ? NULL : sub_find(group, key.a, key.b);
		if (known)
			sub_place(group, known);
		return rc;
	case CHECKPOINT_SUBSCRIBER:
		rc = checkpoint_decode_subscriber(body, len, &sub);
		if (!rc) {
			sub_apply(group, &sub);
			free((void *)(uintptr_t)sub.ppp_state);
		}
		return rc;
	case CHECKPOINT_JOINT:
		rc = checkpoint_decode_joint(body, len, &joint);
		if (!rc)
			joint_apply(group, &joint);
		return rc;
	case CHECKPOINT_DRAIN:
		group->record_id = key.a;	/* the node that made it may give out other IDs */
		return checkpoint_decode_drain(body, len, &group->drain);
	case CHECKPOINT_BUSY:
		group->record_id = key.a;
		return group_busy_apply(group, body, len);
	}
	return 0;	/* of a newer release: held for it */
}

static void apply(struct group *group, struct ha_key key, const void *body, size_t len)
{
	int rc = apply_record(group, key, body, len);

	if (rc)
		log_warnx("redundancy group %s: record %u/%u/%u cannot be used: %s", group_name(group), key.type, key.a,
			  key.b, strerror(-rc));
}

static void apply_del(struct group *group, struct ha_key key)
{
	struct subscriber *sub;

	switch ((enum checkpoint_type)key.type) {
	case CHECKPOINT_TUNNEL:
		tunnel_drop(group, key.a);
		l2tp_tunnel_forget(group->l2tp, key.a);
		break;
	case CHECKPOINT_CHANNEL:
	case CHECKPOINT_MESSAGE:
		break;		/* the channel's una already said so */
	case CHECKPOINT_SESSION:
		l2tp_session_forget(group->l2tp, key.a, key.b);
		break;
	case CHECKPOINT_SUBSCRIBER:
		sub = sub_find(group, key.a, key.b);
		if (sub)
			sub_drop(group, sub);
		break;
	case CHECKPOINT_JOINT:
		joint_apply_del(group, key.a, key.b);
		break;
	case CHECKPOINT_DRAIN:
		group->drain = (struct checkpoint_drain){ 0 };
		break;
	case CHECKPOINT_BUSY:
		dialer_busy_clear(group->dialer, NULL);
		break;
	}
}

/* Objects before what belongs to them: when a record of a pass is applied, those of the passes before are. */
static unsigned pass_of(uint8_t type)
{
	switch ((enum checkpoint_type)type) {
	case CHECKPOINT_TUNNEL:
	case CHECKPOINT_DRAIN:
	case CHECKPOINT_BUSY:
		return 0;
	case CHECKPOINT_CHANNEL:
	case CHECKPOINT_MESSAGE:
		return 1;
	case CHECKPOINT_SESSION:
	case CHECKPOINT_SUBSCRIBER:
		return 2;
	case CHECKPOINT_JOINT:
		break;
	}
	return REBUILD_PASSES - 1;
}

/*
 * The store is the truth: what is here and not in it goes; the rest is applied
 * (unchanged objects stay in place), a few records in each wake-up: a standby
 * that is given sixty thousand sessions still confirms what comes meanwhile.
 */
static void rebuild_start(struct group *group)
{
	struct subscriber *sub, *stmp;
	struct group_tunnel *t, *ttmp;
	size_t len;

	HASH_ITER(hh, group->subs, sub, stmp)
		if (!(sub->access && group->active) && !ha_get(group->ha, (struct ha_key){ CHECKPOINT_SUBSCRIBER, sub->tunnel_id, sub->session_id, 0 }, &len) &&
		    !joint_recorded(group, sub) &&
		    !(group->active && sub_is_newer(sub) &&
		      ha_get(group->ha, (struct ha_key){ CHECKPOINT_SESSION, sub->tunnel_id, sub->session_id, 0 }, &len)))
			sub_drop(group, sub);
	HASH_ITER(hh, group->tunnels, t, ttmp) {
		const void *body = ha_get(group->ha, (struct ha_key){ CHECKPOINT_TUNNEL, t->id, 0, 0 }, &len);
		struct l2tp_tunnel *live = l2tp_tunnel_find(group->l2tp, t->id);
		struct l2tp_tunnel_state_rec now, then;

		/* the same number may be another tunnel by now */
		if (body && live && !checkpoint_decode_tunnel(body, len, &then)) {
			l2tp_tunnel_export(live, &now);
			if (then.state == L2TP_TUNNEL_ESTABLISHED && now.peer_id == then.peer_id && endpoint_equal(&now.peer, &then.peer) &&
			    endpoint_equal(&now.local, &then.local))
				continue;
		}
		HASH_ITER(hh, group->subs, sub, stmp)
			if (sub->tunnel_id == t->id)
				sub_unplace(group, sub);
		tunnel_drop(group, t->id);
	}
	l2tp_forget_all(group->l2tp);
	group->drain = (struct checkpoint_drain){ 0 };
	dialer_busy_clear(group->dialer, NULL);
	group->rebuilding = true;
	group->rebuild_pass = 0;
	ha_walk_start(group->ha);
}

void group_rebuild_some(struct group *group, unsigned records)
{
	const void *body;
	struct ha_key key;
	size_t len;

	/* to pass one over costs little beside applying it */
	for (uint64_t left = (uint64_t)records * 8; group->rebuilding && left; left--) {
		if (!ha_walk_next(group->ha, &key, &body, &len)) {
			group->rebuilding = ++group->rebuild_pass < REBUILD_PASSES;
			ha_walk_start(group->ha);
		} else if (pass_of(key.type) == group->rebuild_pass) {
			apply(group, key, body, len);
			left -= left < 8 ? left - 1 : 7;
		}
	}
}

/* Whoever takes over needs all of it now. */
static void rebuild_finish(struct group *group)
{
	group_rebuild_some(group, UINT32_MAX);
}

void group_rebuild(struct group *group)
{
	rebuild_start(group);
	rebuild_finish(group);
}

static void passivate(struct group *group)
{
	struct subscriber *sub, *stmp;
	struct group_tunnel *t, *ttmp;

	group->active = group->walking = false;
	group->lease_at_ms = UINT64_MAX;
	l2tp_passivate(group->l2tp);
	group_dial_reset(group);
	/* a standby that was restarted keeps what it has in place: it is mute */
	if (group->speaks) {
		HASH_ITER(hh, group->subs, sub, stmp)
			sub_mute(group, sub);
		HASH_ITER(hh, group->tunnels, t, ttmp) {
			t->channel = (struct l2tp_channel_state){ 0 };
			if (!group_keeps_in_place(group))
				tunnel_drop(group, t->id);
		}
	}
	group->speaks = false;
	rebuild_start(group);
	ha_step_done(group->ha, group->now_ms, 0);
}

/* ---- dispatch ----------------------------------------------------------- */

void group_ha_action(struct group *group, struct ha_action *a)
{
	int rc;

	group_trace_ha(group, a);
	switch (a->type) {
	case HA_ACTION_LINK_SEND:
		group->ops.link_send(group->ops.ctx, a->data, a->len);
		break;
	case HA_ACTION_LINK_RESET:
		group->ops.link_reset(group->ops.ctx, a->text);
		break;
	case HA_ACTION_RELEASE:
		break;		/* group.c */
	case HA_ACTION_APPLY_PUT:
		/* what the walk has yet to come to, it meets as it is by then */
		if (!group->rebuilding || pass_of(a->key.type) <= group->rebuild_pass)
			apply(group, a->key, a->data, a->len);
		break;
	case HA_ACTION_APPLY_DEL:
		apply_del(group, a->key);
		break;
	case HA_ACTION_APPLY_SWAP:
		group_orphans_tell(group);
		rebuild_start(group);
		break;
	case HA_ACTION_EPOCH:
		rc = group->ops.persist_epoch(group->ops.ctx, a->epoch);
		ha_step_done(group->ha, group->now_ms, rc);
		break;
	case HA_ACTION_UNFENCE:
		if (group->rg && group_lease_ms(group)) {
			group->lease_at_ms = group->now_ms + group->rg->lease_ms / 4;
			group->lease_until_ms = group->now_ms + group_lease_ms(group);
		}
		vip_step(group, vip_unfence);
		break;
	case HA_ACTION_VIP_ADD:
		vip_step(group, group->dp->ops->vip_add);
		break;
	case HA_ACTION_ACTIVATE:
		activate(group, a->behind);
		break;
	case HA_ACTION_FENCE:
		group->paused = false;
		group->lease_at_ms = UINT64_MAX;
		vip_step(group, group->dp->ops->fence);
		break;
	case HA_ACTION_VIP_DEL:
		vip_step(group, group->dp->ops->vip_del);
		break;
	case HA_ACTION_PASSIVATE:
		passivate(group);
		break;
	case HA_ACTION_PROBE_VIP:
		probe(group);
		break;
	case HA_ACTION_ROLE:
		if (group->ops.role_changed)
			group->ops.role_changed(group->ops.ctx, a->role, a->text);
		break;
	case HA_ACTION_SYNC:
		break;		/* told by ha/, shown by show */
	}
}
