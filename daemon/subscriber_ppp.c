// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the PPP engine says of a subscriber (daemon/ppp.h): who he is, that his
 * link is open or closed.  Answers to it wait for their commit as packets do;
 * a session whose PPP ends is closed here.  Only PPP engines call this.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/auth.h"
#include "daemon/group_internal.h"
#include "daemon/log.h"

#define CDN_CARRIER_LOST 1
#define CDN_ERROR 2
#define CDN_ADMINISTRATIVE 3
#define ERROR_RESOURCES 4

/* A fixed address belongs to the newest session of its user: an older one is what the network lost. */
static void displace(struct group *group, const struct config_user *user)
{
	struct subscriber *other = sub_by_address(group, user->address);
	uint16_t tid, sid;

	if (!other)
		return;
	tid = other->tunnel_id;
	sid = other->session_id;
	log_info("session %u/%u: user %s comes again; the older session is cleared", tid, sid, user->name);
	group_close_session(group, tid, sid, 3, 0, "the user came again");
	/* not in the round that sends the CDN: its record goes before the new one with the address */
	sub_end(group, tid, sid);
}

static bool sub_address(struct group *group, struct subscriber *sub, const struct config_user *user,
			const struct config_vtemplate *vt, char why[PPP_MESSAGE_MAX])
{
	bool own = user && user->address;
	uint32_t address;

	if (sub->address)
		return true;
	if (own)
		displace(group, user);
	if (pool_alloc(group->pools, vt->pool, user ? user->name : "", &address)) {
		if (own)
			snprintf(why, PPP_MESSAGE_MAX, "the fixed address is in use");
		else
			snprintf(why, PPP_MESSAGE_MAX, "pool %s has no address left", vt->pool);
		return false;
	}
	sub_set_address(group, sub, address, own ? "" : vt->pool);
	return true;
}

static void on_auth_request(void *ctx, struct ppp_key key, const struct ppp_auth *auth)
{
	struct group *group = ctx;
	struct subscriber *sub = sub_find(group, key.tunnel_id, key.session_id);
	const struct config_vtemplate *vt = sub ? sub_vtemplate(group, sub) : NULL;
	const struct config_user *user = NULL;
	char why[PPP_MESSAGE_MAX] = "";
	struct ppp_verdict *v;
	struct output *out;

	if (!sub || !vt)
		return;
	if (switch_user(group, sub, auth))
		return;
	v = calloc(1, sizeof(*v));
	out = calloc(1, sizeof(*out));
	if (!v || !out) {
		free(v);
		free(out);
		return;		/* the engine's own timer ends it */
	}
	user = auth_check(group->config, auth, why);
	v->ok = user || (auth->kind == PPP_AUTH_NONE && !vt->auth_pap && !vt->auth_chap);
	if (v->ok) {
		if (strcmp(sub->user, auth->user))
			sub_set_address(group, sub, 0, "");	/* it was another user's */
		snprintf(sub->user, sizeof(sub->user), "%s", auth->user);
		v->dns[0] = vt->dns[0];
		v->dns[1] = vt->dns[1];
		v->ok = sub_address(group, sub, user, vt, why);
		v->peer_addr = sub->address;
		sub_put(group, sub);	/* promised only once the standby knows */
	}
	if (!v->ok) {
		group_failure_add(group, key.tunnel_id, NULL, auth->user, "Authentication failed", why);
		snprintf(v->message, sizeof(v->message), "Access denied");
	}
	out->type = OUTPUT_VERDICT;
	out->key = key;
	out->verdict = v;
	group_queue(group, out);
}

bool sub_captured(struct subscriber *sub, const struct ppp_up *up)
{
	uint8_t *copy = NULL;

	if (up->state_len) {
		copy = malloc(up->state_len);
		if (!copy)
			return false;
		memcpy(copy, up->state, up->state_len);
	}
	free(sub->ppp_state);
	sub->ppp_state = copy;
	sub->ppp_state_len = up->state_len;
	if (up->user[0])
		snprintf(sub->user, sizeof(sub->user), "%s", up->user);
	if (up->ifname[0])
		snprintf(sub->ifname, sizeof(sub->ifname), "%s", up->ifname);
	if (sub->ppp == SUB_PPP_STARTED)
		sub->retry_at_ms = 0;	/* it does not hang */
	sub->ppp = SUB_PPP_UP;
	return true;
}

static void sub_open(struct group *group, struct subscriber *sub, const struct ppp_up *up)
{
	if (!sub_captured(sub, up))
		return;
	if (!sub->up_unix_ms)
		sub->up_unix_ms = group_unix_ms(group);
	sub_put(group, sub);
}

static void on_up(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct group *group = ctx;
	struct subscriber *sub = sub_find(group, key.tunnel_id, key.session_id);
	char addr[INET_ADDRSTRLEN] = "";

	group->ppp_seen_ms = group->now_ms;
	if (!sub || !group->active)
		return;
	if (sub->dialer) {
		client_open(group, sub, up);
		sub_open(group, sub, up);
		sub_placed(group, sub);
		return;
	}
	inet_ntop(AF_INET, &up->peer_addr, addr, sizeof(addr));
	log_info("session %u/%u: user %s is up, %s on %s", key.tunnel_id, key.session_id, up->user, addr, up->ifname);
	sub_open(group, sub, up);
	sub_placed(group, sub);
	sub_tell_lcp(group, sub);
}

static void on_changed(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct group *group = ctx;
	struct subscriber *sub = sub_find(group, key.tunnel_id, key.session_id);

	if (!sub || !group->active)
		return;
	sub_open(group, sub, up);
	sub_tell_lcp(group, sub);
}

static void on_injected(void *ctx, struct ppp_key key, int err)
{
	struct group *group = ctx;
	struct subscriber *sub = sub_find(group, key.tunnel_id, key.session_id);

	group->ppp_seen_ms = group->now_ms;
	if (!sub || sub->ppp != SUB_PPP_STARTED)
		return;
	if (err) {
		log_warnx("session %u/%u: captured PPP state was not put in place: %s", key.tunnel_id, key.session_id,
			  strerror(-err));
		return;		/* `down` follows and decides */
	}
	sub->ppp = SUB_PPP_UP;
	sub->failures = 0;
	sub->retry_at_ms = 0;
	if (!group->active)
		return;
	if (sub->ppp_standby) {
		sub->ppp_standby = false;
		group->ppp->activate(group->ppp_engine, key);
	}
	sub_placed(group, sub);
}

static void on_down(void *ctx, struct ppp_key key, const struct ppp_down *down)
{
	struct group *group = ctx;
	struct subscriber *sub = sub_find(group, key.tunnel_id, key.session_id);
	bool was_injecting, was_copy;
	struct l2tp_result r;

	group->ppp_seen_ms = group->now_ms;
	if (!sub)
		return;
	was_injecting = sub->ppp == SUB_PPP_STARTED && sub->injected;
	/* what was put in place once can be again: it may have died before the takeover came to it */
	was_copy = sub->injected && sub->ppp_state && down->reason == PPP_DOWN_ENGINE;
	sub->ppp = SUB_PPP_NONE;
	if (!group->active || was_injecting || was_copy) {
		/* a standby's copy died, or did not take: make it anew; the subscriber lives on at the peer */
		sub_unplace(group, sub);
		if (group->active && was_injecting) {
			log_warnx("session %u/%u: PPP starts anew", key.tunnel_id, key.session_id);
			free(sub->ppp_state);
			sub->ppp_state = NULL;
			sub->ppp_state_len = 0;
		}
		sub_later(group, sub);
		return;
	}
	log_info("session %u/%u: user %s is down: %s", key.tunnel_id, key.session_id, sub->user, down->message);
	r = (struct l2tp_result){ .result = CDN_ADMINISTRATIVE };
	switch (down->reason) {
	case PPP_DOWN_PEER:
	case PPP_DOWN_ECHO:
	case PPP_DOWN_LOWER:
	case PPP_DOWN_LOOPBACK:
		r.result = CDN_CARRIER_LOST;
		break;
	case PPP_DOWN_LOCAL:
	case PPP_DOWN_AUTH:
	case PPP_DOWN_NEGOTIATION:
		break;
	case PPP_DOWN_ENGINE:
		r.result = CDN_ERROR;
		r.error = ERROR_RESOURCES;
		break;
	}
	snprintf(r.text, sizeof(r.text), "%s", down->message);
	/* RFC 3145: what PPP saw; that nothing is known of it need not be said */
	r.ppp = (struct l2tp_ppp_cause){ .present = down->cause != 0, .code = down->cause, .protocol = down->protocol,
					 .direction = down->direction };
	group_close_session_by(group, key.tunnel_id, key.session_id, &r);
}

static bool on_orphan(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	if (adopt_orphan(ctx, key, up))
		return true;
	log_info("session %u/%u: a PPP session of an earlier daemon is ended", key.tunnel_id, key.session_id);
	return false;
}

static void on_adopted(void *ctx, struct ppp_key key, int session_fd, int tunnel_fd)
{
	adopt_handed_over(ctx, key, session_fd, tunnel_fd);
}

const struct ppp_events *group_ppp_events(void)
{
	static const struct ppp_events events = {
		.auth_request = on_auth_request,
		.up = on_up,
		.changed = on_changed,
		.injected = on_injected,
		.down = on_down,
		.orphan = on_orphan,
		.adopted = on_adopted,
	};

	return &events;
}
