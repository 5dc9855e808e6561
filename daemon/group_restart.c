// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Restart in place: a daemon starts where one died on the same box.  The
 * records come back from the image (ha/keep.c) into the passive engine; what
 * of them still stands (kernel tunnels, kernel sessions, PPP) is taken over
 * as it is, not made again.
 *
 * A session is adopted when its PPP engine reports and hands over the sockets;
 * with the first of them comes the socket of the tunnel, unless it was kept for
 * us elsewhere.  What has not come by its time is made anew from its record;
 * what nobody has a record of is sent away, and swept out of the kernel when
 * the last one has come or its time is up.  All come at once, and a busy box
 * hears them one after the other: so long as they come, nobody is given up.
 *
 * The other way round, a node that loses the role keeps what is in place too:
 * to end hundreds of PPP interfaces holds up whoever is at work in the same
 * kernel, and to make them again leaves nobody to take over meanwhile.
 *
 * Called by group.c and subscriber.c; everything here ends in theirs.
 */
#include <errno.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define ADOPT_MS 5000		/* PPP was open: its engine comes back, and nothing is lost until then; from the last one that came */
#define ADOPT_LONGEST_MS 60000	/* but not for ever */
#define ADOPT_JOINED_MS 20	/* how often it is looked whether the tunnel is there, whose sessions were kept */
#define ADOPT_SETUP_MS 600	/* PPP was not: it ended with the daemon, or was open and nobody knew yet */

/* ---- waiting ------------------------------------------------------------- */

void adopt_begin(struct group *group, struct subscriber *sub)
{
	struct group_tunnel *t = tunnel_get(group, sub->tunnel_id, false);

	if (!group->restoring || !t || sub->adopt_until_ms || !(group->speaks || group_hot(group)))
		return;
	sub->adopt_until_ms = group->now_ms + (sub->ppp_state || sub->other ? ADOPT_MS : ADOPT_SETUP_MS);
	if (!group->adopting++)
		group->adopt_began_ms = group->adopt_seen_ms = group->now_ms;
	t->adopting++;
	sub->retry_at_ms = sub->adopt_until_ms;
	if (group->retry_at_ms > sub->retry_at_ms)
		group->retry_at_ms = sub->retry_at_ms;
}

void adopt_end(struct group *group, struct subscriber *sub)
{
	struct group_tunnel *t = tunnel_get(group, sub->tunnel_id, false);

	if (!sub->adopt_until_ms)
		return;
	sub->adopt_until_ms = sub->retry_at_ms = 0;
	if (!--group->adopting)
		log_info("%u sessions of the daemon before go on, %u are made anew", group->adopted, group->not_adopted);
	if (t && t->adopting)
		t->adopting--;
}

/* Until when it is waited for. */
static uint64_t adopt_deadline(const struct group *group, const struct subscriber *sub)
{
	uint64_t until_ms = group->adopt_seen_ms + ADOPT_MS, longest_ms = group->adopt_began_ms + ADOPT_LONGEST_MS;

	if (!sub->ppp_state || until_ms < sub->adopt_until_ms)
		return sub->adopt_until_ms;
	return until_ms < longest_ms ? until_ms : longest_ms;
}

static void session_adopted(void *arg, int error, int session_fd, int tunnel_fd);

/* Of a joined session no PPP process brings the socket: it was kept, or it is gone.  True: we shall hear. */
static bool adopt_joined(struct group *group, struct subscriber *sub)
{
	struct group_tunnel *t = tunnel_get(group, sub->tunnel_id, false);
	struct l2tp_session *session = l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id);
	struct l2tp_session_state_rec s;
	struct l2tp_tunnel_info info;
	struct dp_session ds;
	struct dp_request *req;

	if (!t || !session || t->adopt || t->plane != PLANE_READY || sub->plane != PLANE_NONE)
		return sub->plane == PLANE_CREATING;
	l2tp_session_export(session, &s);
	l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, sub->tunnel_id), &info);
	ds = (struct dp_session){ .tunnel_id = s.tunnel_id, .local_id = s.local_id, .peer_tunnel_id = info.s.peer_id,
				  .peer_id = s.peer_id, .local = info.s.local, .peer = info.s.peer,
				  .send_seq = s.sequencing_required, .recv_seq = s.sequencing_required,
				  .lns_mode = !sub->dialled };
	sub->generation = ++group->generation;
	req = group_request(group, sub->tunnel_id, sub->session_id, sub->generation);
	if (!req)
		return false;
	sub->plane = PLANE_CREATING;
	if (!group->dp->ops->session_adopt(group->dp, &ds, -1, session_adopted, req))
		return true;
	group_request_done(req);
	sub->plane = PLANE_NONE;
	sub->adopt_until_ms = group->now_ms;	/* nobody kept it */
	return false;
}

bool adopt_waits(struct group *group, struct subscriber *sub)
{
	if (!sub->adopt_until_ms)
		return false;
	if (sub->other && adopt_joined(group, sub))
		return true;
	if (group->now_ms < adopt_deadline(group, sub)) {
		sub->retry_at_ms = sub->other ? group->now_ms + ADOPT_JOINED_MS : adopt_deadline(group, sub);
		if (group->retry_at_ms > sub->retry_at_ms)
			group->retry_at_ms = sub->retry_at_ms;
		return true;
	}
	group->not_adopted++;
	log_line(sub->ppp_state && group->active ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "session %u/%u: its PPP did not come back in time; %s",
		 sub->tunnel_id, sub->session_id, sub->ppp_state ? "it is put in place again" : "it starts anew");
	sub_unplace(group, sub);	/* ends the adoption */
	return false;
}

bool group_adopting(const struct group *group)
{
	return group->adopting != 0;
}

/* ---- tunnels ------------------------------------------------------------- */

static void tunnel_adopted(void *arg, int error)
{
	struct dp_request *req = arg;
	uint16_t id = req->tunnel_id;
	uint32_t generation = req->generation;
	struct group *group = group_request_done(req);
	struct group_tunnel *t = group ? tunnel_get(group, id, false) : NULL;

	if (!t || t->generation != generation)
		return;
	t->plane = error ? PLANE_NONE : PLANE_READY;
	if (error)
		log_info("tunnel %u: its kernel tunnel is gone; it is made anew", id);
	t->adopt = false;
	tunnel_place(group, id);
}

/* -ENOENT: not without an fd. */
static int tunnel_adopt(struct group *group, struct group_tunnel *t, int fd)
{
	struct l2tp_tunnel *live = l2tp_tunnel_find(group->l2tp, t->id);
	struct l2tp_tunnel_info info;
	struct dp_request *req;
	int rc;

	l2tp_tunnel_info(live, &info);
	t->generation = ++group->generation;
	req = group_request(group, t->id, 0, t->generation);
	if (!req)
		return -ENOMEM;
	t->plane = PLANE_CREATING;
	rc = group->dp->ops->tunnel_adopt(group->dp,
					  &(struct dp_tunnel){ .local_id = t->id, .peer_id = info.s.peer_id,
							       .local = info.s.local, .peer = info.s.peer },
					  fd, tunnel_adopted, req);
	if (rc) {
		group_request_done(req);
		t->plane = PLANE_NONE;
	}
	return rc;
}

bool adopt_tunnel(struct group *group, struct group_tunnel *t)
{
	if (!t->adopt)
		return false;
	if (group->restoring || !tunnel_adopt(group, t, -1))
		return true;
	if (t->adopting)
		return true;	/* one of its sessions brings the socket */
	t->adopt = false;
	return false;
}

/* ---- sessions ------------------------------------------------------------ */

static void session_adopted(void *arg, int error, int session_fd, int tunnel_fd)
{
	struct group *group;
	struct subscriber *sub = sub_request_done(arg, &group);

	if (!sub)
		return;
	if (error) {
		log_info("session %u/%u: its kernel session is gone; it is made anew", sub->tunnel_id, sub->session_id);
		sub->plane = PLANE_NONE;
		group->not_adopted++;
		sub_unplace(group, sub);
		sub_place(group, sub);
		return;
	}
	sub->plane = PLANE_READY;
	sub->session_fd = session_fd;
	sub->tunnel_fd = tunnel_fd;
	group->adopted++;
	group->adopt_seen_ms = group->now_ms;
	adopt_end(group, sub);
	if (sub->other) {
		joint_place(group, sub);
	} else if (group->active) {
		if (sub->ppp_standby)
			group->ppp->activate(group->ppp_engine, ppp_key_of(sub));
		sub->ppp_standby = false;
		sub_put(group, sub);
		sub_placed(group, sub);
	}
}

/* The records are read a few in each wake-up; whoever comes back needs his now. */
static void adopt_records(struct group *group)
{
	if (group->rebuilding)
		group_rebuild_some(group, UINT32_MAX);
}

bool adopt_orphan(struct group *group, struct ppp_key key, const struct ppp_up *up)
{
	struct subscriber *sub;

	adopt_records(group);
	sub = sub_find(group, key.tunnel_id, key.session_id);
	if (!sub || !sub->adopt_until_ms || group->now_ms >= adopt_deadline(group, sub) || sub->ppp != SUB_PPP_NONE)
		return false;
	if (up->peer_addr != sub->address || strcmp(up->ifname, sub->ifname) != 0 || !up->state_len ||
	    (sub->user[0] && up->user[0] && strcmp(up->user, sub->user) != 0)) {
		log_warnx("session %u/%u: a PPP session of the daemon before is of user '%s' on %s, the record is of '%s' on %s",
			  key.tunnel_id, key.session_id, up->user, up->ifname, sub->user, sub->ifname);
		return false;
	}
	if (!sub_captured(sub, up))
		return false;
	group->adopt_seen_ms = group->now_ms;
	sub->ppp_standby = !group->speaks;
	return true;
}

void adopt_handed_over(struct group *group, struct ppp_key key, int session_fd, int tunnel_fd)
{
	struct subscriber *sub;
	struct l2tp_session *session;
	struct group_tunnel *t;
	struct l2tp_tunnel_info info = { 0 };
	struct l2tp_session_state_rec s = { 0 };
	struct dp_session ds;
	struct dp_request *req = NULL;

	adopt_records(group);
	sub = sub_find(group, key.tunnel_id, key.session_id);
	session = l2tp_session_find(group->l2tp, key.tunnel_id, key.session_id);
	t = tunnel_get(group, key.tunnel_id, false);
	if (session) {
		l2tp_session_export(session, &s);
		l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, key.tunnel_id), &info);
	}
	if (t && session && t->adopt && t->plane == PLANE_NONE)
		tunnel_adopt(group, t, tunnel_fd);
	else
		group->dp->ops->tunnel_adopt(group->dp, &(struct dp_tunnel){ .local_id = key.tunnel_id }, tunnel_fd,
					     NULL, NULL);	/* closes it */
	ds = (struct dp_session){ .tunnel_id = key.tunnel_id, .local_id = key.session_id,
				  .peer_tunnel_id = info.s.peer_id, .peer_id = s.peer_id, .local = info.s.local,
				  .peer = info.s.peer, .send_seq = s.sequencing_required,
				  .recv_seq = s.sequencing_required, .lns_mode = session_is_lns(&s) };
	if (sub && sub->adopt_until_ms && session && sub->plane == PLANE_NONE) {
		sub->generation = ++group->generation;
		req = group_request(group, key.tunnel_id, key.session_id, sub->generation);
	}
	if (!req) {
		ds.local_id = 0;
		group->dp->ops->session_adopt(group->dp, &ds, session_fd, NULL, NULL);	/* closes it */
		return;
	}
	sub->plane = PLANE_CREATING;
	if (group->dp->ops->session_adopt(group->dp, &ds, session_fd, session_adopted, req)) {
		group_request_done(req);
		sub->plane = PLANE_NONE;
		group->not_adopted++;
		sub_unplace(group, sub);
		sub_place(group, sub);
	}
}

/* ---- the role goes, the daemon stays ------------------------------------- */

bool group_keeps_in_place(const struct group *group)
{
	return group_hot(group) && group->ppp->mute;
}

/*
 * As if it had been put in place for a standby: the engine says when it is mute, and one that does not (of a release
 * that cannot) is ended and made anew as one that hangs.  The numbers of sequenced data are those of the one that
 * serves from here on, so these are made anew at once.
 */
void sub_mute(struct group *group, struct subscriber *sub)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id);
	struct l2tp_session_state_rec s = { 0 };

	if (session)
		l2tp_session_export(session, &s);
	if (!group_keeps_in_place(group) || !session || s.sequencing_required || sub->closing || sub->adopt_until_ms ||
	    sub->plane != PLANE_READY || sub->ppp != SUB_PPP_UP || !sub->ppp_state) {
		sub_drop(group, sub);
		return;
	}
	group->ppp->mute(group->ppp_engine, ppp_key_of(sub));
	sub_await_ppp(group, sub, true);
	sub->ppp_standby = true;
	sub->awaiting = sub->unrecorded = false;	/* what differs from its record goes when that is applied */
	sub->failures = 0;
}

/* ---- start --------------------------------------------------------------- */

int group_restore(struct group *group, uint8_t *image, size_t size, char why[HA_REASON_MAX])
{
	struct group_tunnel *t, *tmp;
	bool reigned = false;
	int rc = ha_restore(group->ha, image, size, &reigned, why);

	if (rc)
		return rc;
	group->speaks = group->reigned = reigned;
	group->restoring = true;
	group_rebuild(group);
	group->restoring = false;
	HASH_ITER(hh, group->tunnels, t, tmp)
		tunnel_place(group, t->id);
	return 0;
}

void group_resume(struct group *group, uint64_t now_ms)
{
	uint32_t lease_ms = group->rg ? group_hold_ms(group->rg) : 0;

	group->now_ms = now_ms;
	if (!group->rg || !group->reigned || group->resumed ||
	    group->dp->ops->vip_resume(group->dp, group->rg->vips, group->rg->vip_count, lease_ms))
		return;
	/* the fence never closed, so nobody else has the address: go on, and claim what we have */
	log_info("redundancy group %s: the address stayed open while no daemon ran", group->rg->name);
	group->resumed = true;
	if (lease_ms) {
		group->lease_at_ms = group->now_ms + group->rg->lease_ms / 4;
		group->lease_until_ms = group->now_ms + lease_ms;
	}
	ha_resume(group->ha, group->now_ms);
}
