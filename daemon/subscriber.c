// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A subscriber: what one established session needs on this box.  Kernel
 * session first, then PPP on it; both ask through the seams and are told
 * later, so every completion checks that it still means this life of the
 * object (generation).
 *
 * The same path serves a new call, a hot standby (captured PPP state put in
 * place, mute), a takeover of a warm standby, and the repair of one that
 * failed.  What differs is only: is there a captured state, and may it speak.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"
#include "daemon/proxy.h"

#define CDN_ADMINISTRATIVE 3

#define RETRY_MS 200
#define INJECT_MS 10000		/* for a captured state to be put in place; from the last word of any PPP engine */
#define INJECT_LONGEST_MS 60000
#define NEGOTIATE_MS 180000	/* longer than an engine negotiates before it gives up itself */
#define RETRIES_TOLD 4	/* by then it is no longer the predecessor that is in the way */

/* ---- subscribers -------------------------------------------------------- */

struct subscriber *sub_find(struct group *group, uint16_t tunnel_id, uint16_t session_id)
{
	uint32_t key = sub_key(tunnel_id, session_id);
	struct subscriber *sub;

	HASH_FIND(hh, group->subs, &key, sizeof(key), sub);
	return sub;
}

struct subscriber *sub_get(struct group *group, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *sub = sub_find(group, tunnel_id, session_id);

	if (sub)
		return sub;
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return NULL;
	sub->key = sub_key(tunnel_id, session_id);
	sub->tunnel_id = tunnel_id;
	sub->session_id = session_id;
	sub->session_fd = sub->tunnel_fd = -1;
	snprintf(sub->ifname, sizeof(sub->ifname), "lns%u-%u", tunnel_id, session_id);
	HASH_ADD(hh, group->subs, key, sizeof(sub->key), sub);
	return sub;
}

/* The last one of a takeover says when everybody forwarded. */
void sub_placed(struct group *group, struct subscriber *sub)
{
	if (!sub->awaiting)
		return;
	sub->awaiting = false;
	if (sub->ppp == SUB_PPP_UP || sub->joint == PLANE_READY)
		group->resync.in_place_ms = (uint32_t)(group->now_ms - group->takeover_ms);
}

static void sub_look_at(struct group *group, struct subscriber *sub, uint64_t at_ms)
{
	sub->retry_at_ms = at_ms;
	if (group->retry_at_ms > at_ms)
		group->retry_at_ms = at_ms;
}

void sub_later(struct group *group, struct subscriber *sub)
{
	sub_look_at(group, sub, group->now_ms + (RETRY_MS << (sub->failures < 6 ? sub->failures++ : 6)));
}

static uint64_t ppp_deadline(const struct group *group, const struct subscriber *sub)
{
	uint64_t since_ms = sub->ppp_since_ms, quiet_ms = group->ppp_seen_ms > since_ms ? group->ppp_seen_ms : since_ms;

	uint64_t at_ms = since_ms + NEGOTIATE_MS;

	/* thousands are put in place one after the other */
	if (sub->injected)
		at_ms = quiet_ms + INJECT_MS < since_ms + INJECT_LONGEST_MS ? quiet_ms + INJECT_MS : since_ms + INJECT_LONGEST_MS;
	return (at_ms / 1000 + 1) * 1000;	/* all of a second are looked at once */
}

void sub_await_ppp(struct group *group, struct subscriber *sub, bool injected)
{
	sub->ppp = SUB_PPP_STARTED;
	sub->injected = injected;
	sub->ppp_since_ms = group->now_ms;
	sub_look_at(group, sub, ppp_deadline(group, sub));
}

/* Its engine says nothing and does not end either: a process that hangs. */
static void ppp_waits(struct group *group, struct subscriber *sub)
{
	if (group->now_ms < ppp_deadline(group, sub)) {
		sub_look_at(group, sub, ppp_deadline(group, sub));
		return;
	}
	log_warnx("session %u/%u: its PPP process does not answer and is ended", sub->tunnel_id, sub->session_id);
	if (!sub->injected) {
		group_close_session(group, sub->tunnel_id, sub->session_id, 2, 4, "PPP does not answer");
		return;
	}
	sub_unplace(group, sub);
	sub_later(group, sub);
}

void sub_set_address(struct group *group, struct subscriber *sub, uint32_t address, const char *pool)
{
	if (sub->address) {
		HASH_DELETE(hh_address, group->by_address, sub);
		pool_release(group->pools, sub->address);
	}
	sub->address = address;
	snprintf(sub->pool, sizeof(sub->pool), "%s", address ? pool : "");
	if (address)
		HASH_ADD(hh_address, group->by_address, address, sizeof(address), sub);
}

struct subscriber *sub_by_address(struct group *group, uint32_t address)
{
	struct subscriber *sub;

	HASH_FIND(hh_address, group->by_address, &address, sizeof(address), sub);
	return sub;
}

void sub_retry_all(struct group *group)
{
	struct subscriber *sub, *tmp;

	group->retry_at_ms = UINT64_MAX;
	HASH_ITER(hh, group->subs, sub, tmp) {
		if (sub->retry_at_ms && sub->retry_at_ms <= group->now_ms) {
			sub->retry_at_ms = 0;
			if (sub->ppp == SUB_PPP_STARTED)
				ppp_waits(group, sub);
			else if (!adopt_waits(group, sub))
				sub_place(group, sub);
		}
		if (sub->retry_at_ms && sub->retry_at_ms < group->retry_at_ms)
			group->retry_at_ms = sub->retry_at_ms;
	}
}

const struct config_vtemplate *sub_vtemplate(struct group *group, const struct subscriber *sub)
{
	const struct config_vpdn_group *vg;

	if (sub->access)
		return access_vtemplate(group, sub);
	vg = config_vpdn_group_find(group->config, group_tunnel_params_group(group, sub->tunnel_id));
	return vg ? config_vtemplate_find(group->config, vg->vtemplate) : NULL;
}

/*
 * An error of ours.  A new call is refused; a session that stands (its PPP is
 * captured, or it is the peer's) is not ended for it but tried again, and told
 * of when that goes on.
 */
static void sub_failed(struct group *group, struct subscriber *sub, const char *what, int error)
{
	bool stands = sub->ppp_state || (sub->other && sub->up_unix_ms), refuse = group->active && !stands;
	enum log_level level = refuse || sub->failures == RETRIES_TOLD ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG;

	log_line(level, "session %u/%u: %s: %s", sub->tunnel_id, sub->session_id, what, strerror(-error));
	if (refuse)
		group_close_session(group, sub->tunnel_id, sub->session_id, 2, 4, what);
	else
		sub_later(group, sub);
}

static void vtemplate_params(const struct config_vtemplate *vt, struct ppp_params *p)
{
	p->auth_pap = vt->auth_pap;
	p->auth_chap = vt->auth_chap;
	p->mru = p->mtu = vt->mtu;
	p->local_addr = vt->local_address;
	p->echo_interval_s = vt->keepalive_s;
	p->echo_failures = vt->keepalive_retries;
	p->ifgroup = vt->adjust_mss ? DP_CLAMP_IFGROUP : 0;
}

/*
 * What the LAC has agreed on with the subscriber is good once, for the call it
 * came with: who takes a call over negotiates, for the subscriber may have
 * begun anew meanwhile.  False: the call is over.
 */
static bool proxy_take(struct group *group, struct subscriber *sub, const struct config_vtemplate *vt,
		       struct ppp_params *p)
{
	struct l2tp_result r = { .result = CDN_ADMINISTRATIVE, .ppp = { .code = 2 } };
	const struct config_vpdn_group *vg;
	struct config_vpdn_group effective;
	char why[PPP_MESSAGE_MAX];
	enum proxy_verdict verdict;

	vg = config_vpdn_group_find(group->config, group_tunnel_params_group(group, sub->tunnel_id));
	if (!vg || !sub->fresh || p->state || p->standby)
		return true;
	sub->fresh = false;
	config_vpdn_group_effective(group->config, vg, &effective);
	if (effective.renegotiation == CONFIG_RENEGOTIATE_ALWAYS)
		return true;
	verdict = proxy_judge(l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id), vt, effective.local_chap,
			      &p->proxy, why);
	if (verdict == PROXY_USE)
		return true;
	if (effective.renegotiation != CONFIG_RENEGOTIATE_NEVER) {
		if (verdict == PROXY_MISMATCH)
			log_info("session %u/%u: LCP is negotiated again: %s", sub->tunnel_id, sub->session_id, why);
		return true;
	}
	r.ppp.present = verdict == PROXY_NONE;	/* RFC 3145 has no code for options that do not do */
	snprintf(r.text, sizeof(r.text), "no LCP renegotiation here: %s", why);
	group_failure_add(group, sub->tunnel_id, NULL, "", "Call parameters", r.text);
	group_close_session_by(group, sub->tunnel_id, sub->session_id, &r);
	return false;
}

void sub_start_ppp(struct group *group, struct subscriber *sub)
{
	const struct config_vtemplate *vt = sub->dialer ? NULL : sub_vtemplate(group, sub);
	struct ppp_params p = {
		.key = ppp_key_of(sub),
		.session_fd = sub->session_fd,
		.tunnel_fd = sub->tunnel_fd,
		.standby = !group->active,
		.state = sub->ppp_state,
		.state_len = sub->ppp_state_len,
	};
	int rc;

	if (sub->dialer ? !client_ppp_params(group, sub, &p) : !vt) {
		sub_failed(group, sub, sub->dialer ? "its dialer is gone" : "its VPDN group has no virtual-template", -ENOENT);
		return;
	}
	if (p.standby && !p.state)
		return;
	snprintf(p.ifname, sizeof(p.ifname), "%s", sub->ifname);
	snprintf(p.local_name, sizeof(p.local_name), "%s", group->config->hostname);
	if (vt)
		vtemplate_params(vt, &p);
	if (sub->access)
		access_ppp_params(&p);
	if (vt && !proxy_take(group, sub, vt, &p))
		return;
	rc = group->ppp->start(group->ppp_engine, &p);
	explicit_bzero(p.password, sizeof(p.password));
	explicit_bzero(&p.proxy.auth, sizeof(p.proxy.auth));
	if (rc == -ENOTCONN || rc == -EAGAIN || rc == -EEXIST) {
		sub->fresh = p.proxy.lcp;
		sub_later(group, sub);
		return;
	}
	if (rc) {
		sub_failed(group, sub, "PPP does not start", rc);
		return;
	}
	sub->ppp_standby = p.standby;
	sub_await_ppp(group, sub, p.state != NULL);
}

struct subscriber *sub_request_done(struct dp_request *req, struct group **group)
{
	uint16_t tunnel_id = req->tunnel_id, session_id = req->session_id;
	uint32_t generation = req->generation;
	struct subscriber *sub;

	*group = group_request_done(req);
	sub = *group ? sub_find(*group, tunnel_id, session_id) : NULL;
	return sub && sub->generation == generation ? sub : NULL;
}

static void session_created(void *arg, int error, int session_fd, int tunnel_fd)
{
	struct group *group;
	struct subscriber *sub = sub_request_done(arg, &group);

	if (!sub)
		return;
	if (error) {
		sub->plane = PLANE_NONE;
		sub_failed(group, sub, "no data plane", error);
	} else {
		sub->plane = PLANE_READY;
		sub->session_fd = session_fd;
		sub->tunnel_fd = tunnel_fd;
		sub_place(group, sub);	/* PPP, if the session is still there */
	}
}

static uint32_t sequence_gap_ms(const struct l2tp_session_state_rec *s, const struct l2tp_tunnel_info *t)
{
	if (!s->sequencing_required)
		return 0;
	return t->s.params.transport.drop_late ? SEQUENCE_DROP_MS : SEQUENCE_GAP_MS;
}

void sub_place(struct group *group, struct subscriber *sub)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id);
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, sub->tunnel_id);
	struct l2tp_session_state_rec s;
	struct l2tp_tunnel_info t;
	struct dp_request *req;
	int rc;

	if (sub->access) {
		access_place(group, sub);
		return;
	}
	if (!session || !tunnel || sub->closing || !(group->active || group_hot(group)))
		return;
	l2tp_session_export(session, &s);
	if (s.state != L2TP_SESSION_ESTABLISHED || adopt_waits(group, sub))
		return;
	if (switch_takes(group, sub, &s))
		return;
	if (sub->plane == PLANE_READY) {
		if (sub->other)
			joint_place(group, sub);
		else if (sub->ppp == SUB_PPP_NONE)
			sub_start_ppp(group, sub);
		return;
	}
	if (sub->plane == PLANE_CREATING)
		return;
	if (!group->active && !sub->ppp_state && !sub->other)
		return;		/* nothing to put in place before PPP is open */
	tunnel_place(group, sub->tunnel_id);
	if (tunnel_get(group, sub->tunnel_id, true) && tunnel_get(group, sub->tunnel_id, true)->adopt) {
		sub_later(group, sub);	/* it is known soon whose it is */
		return;
	}
	l2tp_tunnel_info(tunnel, &t);
	sub->generation = ++group->generation;
	req = group_request(group, sub->tunnel_id, sub->session_id, sub->generation);
	if (!req)
		return;
	sub->plane = PLANE_CREATING;
	rc = group->dp->ops->session_create(group->dp,
					    &(struct dp_session){ .tunnel_id = sub->tunnel_id,
								  .local_id = sub->session_id,
								  .peer_tunnel_id = t.s.peer_id,
								  .peer_id = s.peer_id,
								  .local = t.s.local,
								  .peer = t.s.peer,
								  .send_seq = s.sequencing_required,
								  .recv_seq = s.sequencing_required,
								  .recv_timeout_ms = sequence_gap_ms(&s, &t),
								  .lns_mode = session_is_lns(&s) },
					    session_created, req);
	if (rc) {
		group_request_done(req);
		sub->plane = PLANE_NONE;
		sub_failed(group, sub, "no data plane", rc);
	}
}

void sub_activate(struct group *group, struct subscriber *sub)
{
	if (!sub->adopt_until_ms && sub->ppp != SUB_PPP_STARTED)
		sub->retry_at_ms = 0;
	sub->failures = 0;
	if (!joint_whole(group, sub)) {
		sub_place(group, sub);	/* alone: dialled again, or nobody's and sent away */
		return;
	}
	if (sub->dialled && joint_head(group, sub)->access)
		access_place(group, joint_head(group, sub));
	if (sub->ppp != SUB_PPP_UP) {
		sub->awaiting = sub->ppp_state || (sub->other && !sub->dialled && sub->joint != PLANE_READY);
		sub_place(group, sub);
		return;
	}
	if (sub->ppp_standby)
		group->ppp->activate(group->ppp_engine, ppp_key_of(sub));
	sub->ppp_standby = false;
	if (group->reigned || sub->unrecorded)
		sub_put(group, sub);	/* adopted, it may have more to say than its record */
}

void sub_unplace(struct group *group, struct subscriber *sub)
{
	adopt_end(group, sub);
	joint_unplace(group, sub);
	if (sub->ppp != SUB_PPP_NONE)
		group->ppp->kill(group->ppp_engine, ppp_key_of(sub));
	if (sub->plane != PLANE_NONE)
		group->dp->ops->session_delete(group->dp, sub->tunnel_id, sub->session_id, NULL, NULL);
	sub->ppp = SUB_PPP_NONE;
	sub->plane = PLANE_NONE;
	sub->session_fd = sub->tunnel_fd = -1;
	sub->generation = ++group->generation;
	sub->ppp_standby = sub->injected = false;
}

void sub_negotiate_anew(struct group *group, struct subscriber *sub)
{
	if (sub->ppp != SUB_PPP_STARTED || sub->injected)
		return;
	group->ppp->kill(group->ppp_engine, ppp_key_of(sub));
	sub->ppp = SUB_PPP_NONE;
}

void sub_drop(struct group *group, struct subscriber *sub)
{
	sub_placed(group, sub);
	if (sub->access)
		access_release(group, sub);
	sub_unplace(group, sub);
	sub_set_address(group, sub, 0, "");
	HASH_DEL(group->subs, sub);
	free(sub->ppp_state);
	free(sub);
}

void sub_end(struct group *group, uint16_t tunnel_id, uint16_t session_id)
{
	struct subscriber *sub = sub_find(group, tunnel_id, session_id);

	ha_del(group->ha, (struct ha_key){ CHECKPOINT_SUBSCRIBER, tunnel_id, session_id, 0 });
	if (sub)
		sub_drop(group, sub);
}

static bool unprotected(struct group *group, const struct subscriber *sub)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id);
	struct l2tp_session_state_rec s;

	if (!session)
		return false;
	l2tp_session_export(session, &s);
	return s.unprotected != L2TP_UNPROTECTED_NOT;
}

void sub_put(struct group *group, struct subscriber *sub)
{
	struct checkpoint_subscriber r = {
		.tunnel_id = sub->tunnel_id,
		.session_id = sub->session_id,
		.address = sub->address,
		.ppp_state = sub->ppp_state,
		.ppp_state_len = sub->ppp_state_len,
		.up_unix_ms = sub->up_unix_ms,
		.dialer = sub->dialer,
		.own_address = sub->own_address,
	};
	struct group_tunnel *t = tunnel_get(group, sub->tunnel_id, false);
	uint8_t *body = NULL;
	size_t len = 0;
	int rc;

	if (!t || !t->recorded || unprotected(group, sub))
		return;
	snprintf(r.user, sizeof(r.user), "%s", sub->user);
	snprintf(r.ifname, sizeof(r.ifname), "%s", sub->ifname);
	snprintf(r.pool, sizeof(r.pool), "%s", sub->pool);
	rc = checkpoint_encode_subscriber(&r, &body, &len);
	rc = group_put(group, (struct ha_key){ CHECKPOINT_SUBSCRIBER, sub->tunnel_id, sub->session_id, 0 }, body, len, rc);
	sub->unrecorded = rc == -EPERM;
}

bool sub_is_newer(const struct subscriber *sub)
{
	return sub->unrecorded && sub->ppp == SUB_PPP_UP;
}

/* A record is the truth: who had the address here until now has it no more, as his own record says or will say. */
static void apply_address(struct group *group, struct subscriber *sub, const struct checkpoint_subscriber *r)
{
	struct subscriber *other = r->address ? sub_by_address(group, r->address) : NULL;
	int rc = 0;

	if (sub->address == r->address)
		return;
	if (other)
		sub_set_address(group, other, 0, "");
	if (r->address)
		rc = pool_take(group->pools, r->address);
	if (rc)
		log_warnx("session %u/%u: its address cannot be taken here: %s", r->tunnel_id, r->session_id,
			  strerror(-rc));
	sub_set_address(group, sub, rc ? 0 : r->address, r->pool);
}

/* A record of the peer: whole, so whatever differs is made so. */
void sub_apply(struct group *group, const struct checkpoint_subscriber *r)
{
	struct subscriber *sub = sub_get(group, r->tunnel_id, r->session_id);
	bool same_state;

	/* an owner that stays reads its records again: its own open PPP is newer than they are */
	if (!sub || (group->active && sub_is_newer(sub)))
		return;
	apply_address(group, sub, r);
	snprintf(sub->user, sizeof(sub->user), "%s", r->user);
	sub->up_unix_ms = r->up_unix_ms;
	sub->dialer = r->dialer;
	sub->own_address = r->own_address;
	same_state = sub->ppp_state_len == r->ppp_state_len && !strcmp(sub->ifname, r->ifname) &&
		     (!r->ppp_state_len || !memcmp(sub->ppp_state, r->ppp_state, r->ppp_state_len));
	if (!same_state) {
		uint8_t *copy = NULL;

		if (r->ppp_state_len) {
			copy = malloc(r->ppp_state_len);
			if (!copy)
				return;
			memcpy(copy, r->ppp_state, r->ppp_state_len);
		}
		sub_unplace(group, sub);	/* what stands is another PPP session */
		free(sub->ppp_state);
		sub->ppp_state = copy;
		sub->ppp_state_len = r->ppp_state_len;
		snprintf(sub->ifname, sizeof(sub->ifname), "%s", r->ifname);
	}
	adopt_begin(group, sub);
	sub_place(group, sub);
}
