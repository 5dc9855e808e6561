// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two sessions joined: a call that came in (the head) and the call it was
 * dialled on with.  Neither has PPP here; the kernel passes frames from one to
 * the other.  Each is a subscriber of its own, with its kernel session placed
 * and replaced as any other's; the joint is made when both are in place and
 * ends with either.
 *
 * The record is committed in the round that hears of the second leg, before
 * the ICCN that completes it leaves: a takeover finds both legs and the joint,
 * or a call that was not dialled yet.  A hot standby has it in its kernel,
 * mute as everything else; a warm one makes it at the takeover.
 *
 * A leg that ends takes the other along, with the cause it was given: result
 * code, Q.931 and PPP disconnect cause (RFC 3145) are carried through.
 *
 * Called by group*.c, switch.c and subscriber.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define CDN_CARRIER_LOST 1
#define CDN_ERROR 2
#define ERROR_RESOURCES 4

static struct subscriber *sub_of(struct group *group, uint32_t key)
{
	return sub_find(group, (uint16_t)(key >> 16), (uint16_t)key);
}

static struct subscriber *other_of(struct group *group, const struct subscriber *sub)
{
	struct subscriber *other = sub->other ? sub_of(group, sub->other) : NULL;

	return other && other->other == sub->key ? other : NULL;
}

struct subscriber *joint_head(struct group *group, const struct subscriber *sub)
{
	if (!sub->other)
		return NULL;
	return sub->dialled ? other_of(group, sub) : (struct subscriber *)(uintptr_t)sub;
}

/* The session that came in; of PPPoE, which has no tunnel, the one it goes on by. */
static struct ha_key key_of(const struct subscriber *sub)
{
	uint32_t key = sub->dialled ? sub->other : sub->key;

	if (!(key >> 16))
		key = sub->dialled ? sub->key : sub->other;
	return (struct ha_key){ CHECKPOINT_JOINT, (uint16_t)(key >> 16), (uint16_t)key, 0 };
}

bool joint_recorded(struct group *group, const struct subscriber *sub)
{
	size_t len;

	return sub->other && ha_get(group->ha, key_of(sub), &len);
}

static void put(struct group *group, const struct subscriber *head)
{
	/* what came by PPPoE is replicated if the call is that was dialled for it */
	struct group_tunnel *t = tunnel_get(group, head->access ? (uint16_t)(head->other >> 16) : head->tunnel_id, false);
	struct checkpoint_joint r = {
		.tunnel_id = head->tunnel_id,
		.session_id = head->session_id,
		.to_tunnel_id = (uint16_t)(head->other >> 16),
		.to_session_id = (uint16_t)head->other,
		.up_unix_ms = head->up_unix_ms,
	};
	uint8_t *body = NULL;
	size_t len = 0;
	int rc;

	if (!t || !t->recorded || (head->access && t->local))
		return;
	if (head->access)
		access_record(head, &r);
	snprintf(r.user, sizeof(r.user), "%s", head->user);
	rc = checkpoint_encode_joint(&r, &body, &len);
	group_put(group, key_of(head), body, len, rc);
}

/* ---- making and parting -------------------------------------------------- */

static void forget(struct subscriber *sub)
{
	sub->other = 0;
	sub->dialled = false;
	sub->joint = PLANE_NONE;
	sub->joint_generation = 0;
}

static void part(struct group *group, struct subscriber *sub)
{
	struct subscriber *other = other_of(group, sub);

	if (other)
		forget(other);
	forget(sub);
}

/* Either may have been joined to another one: records come one after the other. */
static bool tie(struct group *group, struct subscriber *head, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *tail = sub_get(group, tunnel_id, session_id);

	if (!tail || tail == head)
		return false;
	if (head->other == tail->key && tail->other == head->key && tail->dialled)
		return true;
	part(group, head);
	part(group, tail);
	head->other = tail->key;
	tail->other = head->key;
	tail->dialled = true;
	tail->ifname[0] = '\0';	/* they have none */
	if (!head->access)
		head->ifname[0] = '\0';
	return true;
}

void joint_make(struct group *group, struct subscriber *head, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *tail;

	if (!tie(group, head, tunnel_id, session_id)) {
		group_close_session(group, tunnel_id, session_id, CDN_ERROR, ERROR_RESOURCES, "out of memory");
		group_close_session(group, head->tunnel_id, head->session_id, CDN_ERROR, ERROR_RESOURCES, "out of memory");
		return;
	}
	tail = other_of(group, head);
	snprintf(tail->user, sizeof(tail->user), "%s", head->user);
	put(group, head);
	log_info("session %u/%u is switched to session %u/%u", head->tunnel_id, head->session_id, tunnel_id, session_id);
	sub_place(group, head);
	sub_place(group, tail);
}

/* What the record says it is joined to is not what it was joined to here: that leg is nobody's. */
static void drop_former(struct group *group, struct subscriber *sub, uint32_t other)
{
	struct subscriber *former = sub && sub->other != other ? other_of(group, sub) : NULL;

	if (!former)
		return;
	part(group, sub);
	if (!former->access)
		sub_drop(group, former);
}

void joint_apply(struct group *group, const struct checkpoint_joint *r)
{
	struct subscriber *head = sub_get(group, r->tunnel_id, r->session_id), *tail;

	drop_former(group, head, sub_key(r->to_tunnel_id, r->to_session_id));
	drop_former(group, sub_find(group, r->to_tunnel_id, r->to_session_id), sub_key(r->tunnel_id, r->session_id));
	if (!head || (r->access && !access_known(head, r)) || !tie(group, head, r->to_tunnel_id, r->to_session_id))
		return;
	tail = other_of(group, head);
	head->up_unix_ms = tail->up_unix_ms = r->up_unix_ms;
	snprintf(head->user, sizeof(head->user), "%s", r->user);
	snprintf(tail->user, sizeof(tail->user), "%s", r->user);
	adopt_begin(group, head);
	adopt_begin(group, tail);
	sub_place(group, head);
	sub_place(group, tail);
}

/* Of a standby.  What is left of the two is a session without PPP: not in place until it is owned. */
void joint_apply_del(struct group *group, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *head = sub_find(group, tunnel_id, session_id), *tail = head ? other_of(group, head) : NULL;

	if (!head || (head->dialled && (!tail || !tail->access)))
		return;
	if (tail)
		sub_drop(group, tail);
	sub_drop(group, head);
}

/* ---- the kernel ----------------------------------------------------------- */

/* One that stands is tried again; a call that was never through is refused. */
static void failed(struct group *group, struct subscriber *head, int error)
{
	bool refuse = group->active && !head->up_unix_ms;

	head->joint = PLANE_NONE;
	log_line(refuse ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "session %u/%u: it cannot be joined to the one it is switched to: %s",
		 head->tunnel_id, head->session_id, strerror(-error));
	if (refuse && head->access)	/* it ends with the call */
		group_close_session(group, (uint16_t)(head->other >> 16), (uint16_t)head->other, CDN_ERROR, ERROR_RESOURCES,
				    "the sessions cannot be joined");
	else if (refuse)
		group_close_session(group, head->tunnel_id, head->session_id, CDN_ERROR, ERROR_RESOURCES,
				    "the sessions cannot be joined");
	else
		sub_later(group, head);
}

/* Frames pass: whoever negotiated is not needed any more, and would only disturb. */
static void engine_ends(struct group *group, struct subscriber *head)
{
	if (head->ppp != SUB_PPP_NONE)
		group->ppp->kill(group->ppp_engine, ppp_key_of(head));
	head->ppp = SUB_PPP_NONE;
	head->retry_at_ms = 0;
}

static void joined(void *arg, int error)
{
	struct dp_request *req = arg;
	uint16_t tunnel_id = req->tunnel_id, session_id = req->session_id;
	uint32_t generation = req->generation;
	struct group *group = group_request_done(req);
	struct subscriber *head = group ? sub_find(group, tunnel_id, session_id) : NULL, *tail;

	if (!head || head->joint_generation != generation || head->joint != PLANE_CREATING)
		return;
	if (error) {
		failed(group, head, error);
		return;
	}
	head->joint = PLANE_READY;
	head->failures = 0;
	engine_ends(group, head);
	if (!group->active)
		return;
	if (!head->up_unix_ms) {
		head->up_unix_ms = group_unix_ms(group);
		tail = other_of(group, head);
		if (tail)
			tail->up_unix_ms = head->up_unix_ms;
		put(group, head);
	}
	sub_placed(group, head);
}

void joint_place(struct group *group, struct subscriber *sub)
{
	struct subscriber *head = joint_head(group, sub), *tail = head ? other_of(group, head) : NULL;
	struct dp_request *req;
	struct dp_end a, b;
	int rc;

	if (!tail || head->joint != PLANE_NONE || head->plane != PLANE_READY || tail->plane != PLANE_READY)
		return;
	head->joint_generation = ++group->generation;
	req = group_request(group, head->tunnel_id, head->session_id, head->joint_generation);
	if (!req)
		return;
	head->joint = PLANE_CREATING;
	a = (struct dp_end){ head->tunnel_id, head->session_id, access_fd(head) };
	b = (struct dp_end){ tail->tunnel_id, tail->session_id, -1 };
	rc = group->dp->ops->join(group->dp, &a, &b, joined, req);
	if (rc) {
		group_request_done(req);
		failed(group, head, rc);
	}
}

void joint_unplace(struct group *group, struct subscriber *sub)
{
	struct subscriber *head = joint_head(group, sub);

	if (!head)
		return;
	head->joint = PLANE_NONE;
	head->joint_generation = ++group->generation;
}

/* ---- the end -------------------------------------------------------------- */

/* As the peer of one leg said it; what it said of its tunnel means nothing to a call. */
static struct l2tp_result cause_of(struct group *group, const struct l2tp_action *a)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, a->tunnel_id);
	struct l2tp_result r = a->result;
	struct l2tp_tunnel_info info;

	if (tunnel)
		l2tp_tunnel_info(tunnel, &info);
	if (r.result && tunnel && info.s.state == L2TP_TUNNEL_ESTABLISHED)
		return r;
	r = (struct l2tp_result){ .result = CDN_CARRIER_LOST, .ppp = a->result.ppp };
	snprintf(r.text, sizeof(r.text), "the other leg is lost%s%.200s", a->result.text[0] ? ": " : "", a->result.text);
	return r;
}

void joint_session_down(struct group *group, const struct l2tp_action *a)
{
	struct subscriber *sub = sub_find(group, a->tunnel_id, a->session_id), *other;
	struct l2tp_session *session;
	struct l2tp_result r;

	if (!sub || !sub->other)
		return;
	other = other_of(group, sub);
	ha_del(group->ha, key_of(sub));
	if (!other) {
		part(group, sub);
		return;
	}
	r = cause_of(group, a);
	session = l2tp_session_find(group->l2tp, other->tunnel_id, other->session_id);
	if (sub->up_unix_ms)
		log_info("session %u/%u: switched, its other leg ended (result %u%s%s)", other->tunnel_id, other->session_id,
			 r.result, r.text[0] ? ": " : "", r.text);
	/* what is left of it is nobody's: it is unplaced now, its CDN goes out with this round */
	part(group, sub);
	if (other->access) {
		access_close(group, other->session_id, r.text[0] ? r.text : "the call ended");
		return;
	}
	sub_unplace(group, other);
	other->closing = true;
	if (session && group->active)
		l2tp_session_close(session, group->now_ms, &r);
}

void joint_hang_up(struct group *group, struct subscriber *sub, const struct l2tp_result *result)
{
	struct subscriber *other = other_of(group, sub);
	struct l2tp_session *session;

	if (!other)
		return;
	ha_del(group->ha, key_of(sub));
	part(group, sub);
	sub_unplace(group, other);
	other->closing = true;
	session = l2tp_session_find(group->l2tp, other->tunnel_id, other->session_id);
	if (session && group->active)
		l2tp_session_close(session, group->now_ms, result);
}

bool joint_whole(struct group *group, struct subscriber *sub)
{
	struct subscriber *other;

	if (!sub->other)
		return true;
	other = other_of(group, sub);
	if (other && (other->access || l2tp_session_find(group->l2tp, other->tunnel_id, other->session_id)))
		return true;
	/* it was of a tunnel that no standby knows */
	ha_del(group->ha, key_of(sub));
	sub_unplace(group, sub);
	part(group, sub);
	sub->up_unix_ms = 0;
	return false;
}
