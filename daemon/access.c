// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Subscribers from PPPoE: sessions that come in by Ethernet and not by a tunnel.
 * Their tunnel ID is 0, their session ID that of PPPoE.
 *
 * Who they are and whether they are dialled on: switch_user.c.
 *
 * The record of the joint has what another node needs to go on: session ID and
 * address of the subscriber.  A hot standby has the socket, joined, on an
 * interface of the same address that nobody sends to until it announces itself.
 * Before the call is up there is no record: that session ends with its node.
 *
 * Called by subscriber*.c, switch.c and joint.c; io_pppoe.c opens and closes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define MTU 1492			/* RFC 2516 7 */
#define LINE_SPEED 1000000000		/* nobody knows better */
#define CDN_CARRIER_LOST 1

struct access {
	struct group_access g;
	char why[128];
	bool ending;		/* in this round */
};

/* ---- coming and going ------------------------------------------------------ */

bool group_active(const struct group *group)
{
	return group->active;
}

/* Discovery is behind no fence: who stood still for longer than its lease answers nothing before it has looked. */
bool group_answers(const struct group *group, uint64_t now_ms)
{
	struct ha_info info;

	if (!group->active || (group->lease_at_ms != UINT64_MAX && now_ms >= group->lease_until_ms))
		return false;
	ha_info(group->ha, &info);
	return info.owner;
}

int group_access_open(struct group *group, uint64_t now_ms, const struct group_access *g)
{
	struct subscriber *sub;
	struct access *access;

	group->now_ms = now_ms;
	if (!group->active || !g->session_id)
		return -EAGAIN;
	if (sub_find(group, 0, g->session_id))
		return -EEXIST;
	access = calloc(1, sizeof(*access));
	sub = access ? sub_get(group, 0, g->session_id) : NULL;
	if (!sub) {
		free(access);
		return -ENOMEM;
	}
	access->g = *g;
	sub->access = access;
	sub->session_fd = g->fd;
	sub->plane = PLANE_READY;
	snprintf(sub->ifname, sizeof(sub->ifname), "pppoe%u", g->session_id);
	log_info("PPPoE session %u opened on %s", g->session_id, g->ifname);
	access_place(group, sub);
	return 0;
}

/* Of a record: the other node opened it. */
bool access_known(struct subscriber *sub, const struct checkpoint_joint *r)
{
	struct access *access = sub->access;

	if (!access) {
		access = sub->access = calloc(1, sizeof(*access));
		if (!access)
			return false;
		access->g.session_id = r->session_id;
		access->g.fd = -1;
	}
	snprintf(access->g.bba, sizeof(access->g.bba), "%s", r->bba);
	memcpy(access->g.mac, r->mac, sizeof(access->g.mac));
	snprintf(access->g.circuit, sizeof(access->g.circuit), "%s", r->circuit);
	snprintf(access->g.remote, sizeof(access->g.remote), "%s", r->remote);
	return true;
}

void access_record(const struct subscriber *sub, struct checkpoint_joint *r)
{
	const struct group_access *g = &sub->access->g;

	r->access = true;
	snprintf(r->bba, sizeof(r->bba), "%s", g->bba);
	memcpy(r->mac, g->mac, sizeof(r->mac));
	snprintf(r->circuit, sizeof(r->circuit), "%s", g->circuit);
	snprintf(r->remote, sizeof(r->remote), "%s", g->remote);
}

/* The one before it may still be closing, in a thread. */
static void socket_again(struct group *group, struct subscriber *sub)
{
	struct access *access = sub->access;

	access->g.fd = group->ops.access_socket ? group->ops.access_socket(group->ops.ctx, &access->g) : -ENOTSUP;
	if (access->g.fd < 0) {
		log_line(sub->failures ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "PPPoE session %u: no socket yet: %s",
			 sub->session_id, strerror(-access->g.fd));
		access->g.fd = -1;
		sub_later(group, sub);
		return;
	}
	sub->session_fd = access->g.fd;
	sub->plane = PLANE_READY;
}

void access_place(struct group *group, struct subscriber *sub)
{
	if (sub->other && sub->plane == PLANE_NONE && (group->active || group_hot(group)))
		socket_again(group, sub);
	if (sub->other && sub->plane == PLANE_READY)
		joint_place(group, sub);
	if (group->active && !sub->other && !sub->dial && !sub->access->ending && sub->ppp == SUB_PPP_NONE)
		sub_start_ppp(group, sub);
}

/* Its socket goes, and the client is told. */
void access_release(struct group *group, struct subscriber *sub)
{
	struct access *access = sub->access;

	sub->access = NULL;
	sub->session_fd = -1;
	sub->plane = PLANE_NONE;
	/* closed in a thread: a channel waits for a grace period */
	if (access->g.fd >= 0)
		group->dp->ops->session_adopt(group->dp, &(struct dp_session){ 0 }, access->g.fd, NULL, NULL);
	if (group->ops.access_end)
		group->ops.access_end(group->ops.ctx, access->g.session_id, group_answers(group, group->now_ms) ? access->why : NULL);
	free(access);
}

void access_close(struct group *group, uint16_t session_id, const char *why)
{
	struct subscriber *sub = sub_find(group, 0, session_id);

	if (!sub || !sub->access || sub->access->ending)
		return;
	sub->access->ending = true;
	snprintf(sub->access->why, sizeof(sub->access->why), "%.120s", why);
	group->access_ended = true;
}

bool access_reap(struct group *group)
{
	struct subscriber *sub, *tmp;

	if (!group->access_ended)
		return false;
	group->access_ended = false;
	HASH_ITER(hh, group->subs, sub, tmp) {
		struct l2tp_result r = { .result = CDN_CARRIER_LOST };

		if (!sub->access || !sub->access->ending)
			continue;
		log_info("PPPoE session %u ends: %s", sub->session_id, sub->access->why);
		snprintf(r.text, sizeof(r.text), "%s", sub->access->why);
		if (sub->dial)
			dial_cancel(sub->dial, group->now_ms, &r);
		sub->dial = NULL;
		joint_hang_up(group, sub, &r);
		sub_drop(group, sub);
	}
	return true;
}

void group_access_closed(struct group *group, uint64_t now_ms, uint16_t session_id)
{
	group->now_ms = now_ms;
	access_close(group, session_id, "the subscriber closed it");
}

bool group_has_access(struct group *group, uint16_t session_id)
{
	return sub_find(group, 0, session_id) != NULL;
}

bool group_access_next(const struct group *group, uint16_t after, struct group_access *out)
{
	const struct subscriber *next = NULL;

	for (const struct subscriber *sub = group->subs; sub; sub = sub->hh.next)
		if (sub->access && sub->session_id > after && (!next || sub->session_id < next->session_id))
			next = sub;
	if (next)
		*out = next->access->g;
	return next != NULL;
}

const struct config_vtemplate *access_vtemplate(const struct group *group, const struct subscriber *sub)
{
	const struct config_bba *bba = config_bba_find(group->config, sub->access->g.bba);

	return bba ? config_vtemplate_find(group->config, bba->vtemplate) : NULL;
}

void access_ppp_params(struct ppp_params *p)
{
	p->mru = p->mru && p->mru < MTU ? p->mru : MTU;
	p->mtu = p->mtu && p->mtu < MTU ? p->mtu : MTU;
}

int access_fd(const struct subscriber *sub)
{
	return sub->access ? sub->access->g.fd : -1;
}

/* ---- dialling -------------------------------------------------------------- */

void access_call(const struct subscriber *sub, struct switch_call *call)
{
	const struct group_access *g = &sub->access->g;

	snprintf(call->calling, sizeof(call->calling), "%02x:%02x:%02x:%02x:%02x:%02x", g->mac[0], g->mac[1], g->mac[2], g->mac[3],
		 g->mac[4], g->mac[5]);
	call->request.call = (struct l2tp_call_params){ .framing_type = 1, .tx_speed = LINE_SPEED, .calling = call->calling };
	if (strlen(g->circuit) > 1)
		switch_avp_add(call, L2TP_VENDOR_ACCESS_LINE, 1, g->circuit, strlen(g->circuit));
	if (strlen(g->remote) > 1)
		switch_avp_add(call, L2TP_VENDOR_ACCESS_LINE, 2, g->remote, strlen(g->remote));
}

/* The subscriber hears it as the answer to his name and password; his PPP ends, and the session with it. */
void access_refused(struct group *group, struct subscriber *sub, const char *why)
{
	struct ppp_verdict *v = calloc(1, sizeof(*v));
	struct output *out = calloc(1, sizeof(*out));

	log_info("PPPoE session %u: user '%s' is not connected: %s", sub->session_id, sub->user, why);
	if (!v || !out || sub->ppp == SUB_PPP_NONE) {
		free(v);
		free(out);
		access_close(group, sub->session_id, why);
		return;
	}
	snprintf(v->message, sizeof(v->message), "No connection");
	out->type = OUTPUT_VERDICT;
	out->key = ppp_key_of(sub);
	out->verdict = v;
	group_queue(group, out);
}
