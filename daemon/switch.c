// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tunnel switch, `vpdn multihop`: a call that came in and belongs to a
 * request-dialin group is dialled on, with everything its LAC said of it
 * (numbers, speeds, proxy LCP and authentication, access line), and the two
 * sessions are joined (joint.c).
 *
 * The decision is made when the call is established, for what it is decided by
 * may come in its last message (AVP 30), and again by whoever takes over before
 * the second leg was: the session's record has all of it.  `vpdn search-order`
 * says by what: the host name of the tunnel it came by, the number it dialled,
 * the domain of its user.  A user whose LAC did not say who he is is asked here
 * first (switch_user.c).  A call that no group dials for ends here, as ever.
 *
 * Called by subscriber.c and group.c; dials by dial.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define ATTR_PROXY_AUTHEN_NAME 30
#define CDN_ERROR 2
#define CDN_ADMINISTRATIVE 3
#define CDN_NO_FACILITIES 4	/* for now: a LAC tries another */
#define CDN_LOOP 26		/* draft-ietf-l2tpext-tunnel-switching */

/* ---- by what, and to whom ------------------------------------------------ */

static void user_of(const struct l2tp_session *session, char user[PPP_NAME_MAX])
{
	size_t len;
	const uint8_t *name = l2tp_session_avp(session, 0, ATTR_PROXY_AUTHEN_NAME, &len);

	user[0] = '\0';
	if (name && len < PPP_NAME_MAX && !memchr(name, 0, len)) {
		memcpy(user, name, len);
		user[len] = '\0';
	}
}

const struct config_vpdn_group *switch_group(const struct config *config, const char *hostname, const char *dnis,
					     const char *user)
{
	const struct config_vpdn_group *found = NULL;

	for (size_t i = 0; i < CONFIG_SEARCH_MAX && !found; i++)
		switch (config->search_order[i]) {
		case CONFIG_SEARCH_NONE:
			return NULL;
		case CONFIG_SEARCH_DNIS:
			found = dial_group(config, NULL, dnis);
			break;
		case CONFIG_SEARCH_DOMAIN:
			found = dial_group(config, user, NULL);
			break;
		case CONFIG_SEARCH_HOSTNAME:
			found = dial_group_hostname(config, hostname);
			break;
		}
	return found;
}

/* Is it the user's name that decides?  Then one we do not know is asked for. */
static bool name_decides(const struct config *config, const char *hostname, const char *dnis)
{
	for (size_t i = 0; i < CONFIG_SEARCH_MAX; i++)
		switch (config->search_order[i]) {
		case CONFIG_SEARCH_NONE:
			return false;
		case CONFIG_SEARCH_DNIS:
			if (dial_group(config, NULL, dnis))
				return false;
			break;
		case CONFIG_SEARCH_DOMAIN:
			return dial_group_domains(config);
		case CONFIG_SEARCH_HOSTNAME:
			if (dial_group_hostname(config, hostname))
				return false;
			break;
		}
	return false;
}

/* ---- dialling ------------------------------------------------------------- */

static void refuse(struct group *group, struct subscriber *head, const struct dial_failure *why)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, head->tunnel_id, head->session_id);
	struct l2tp_result r = { .result = why->loop ? CDN_LOOP : CDN_NO_FACILITIES };

	if (head->access) {
		access_refused(group, head, why->reason);
		return;
	}
	/* what the last one said of the call; what was said of a tunnel, or by nobody, is ours to put into words */
	if (why->by_peer && why->result.result && (why->call || why->result.result == CDN_ERROR))
		r = why->result;
	else
		snprintf(r.text, sizeof(r.text), "%s", why->reason);
	log_info("session %u/%u: user '%s' cannot be switched: %s", head->tunnel_id, head->session_id, head->user, why->reason);
	if (why->loop)
		group_failure_add(group, head->tunnel_id, NULL, head->user, why->type, why->reason);
	head->closing = true;
	if (session && group->active)
		l2tp_session_close(session, group->now_ms, &r);
}

static void on_connected(void *ctx, uint32_t tag, uint16_t tunnel_id, uint16_t session_id)
{
	struct group *group = ctx;
	struct subscriber *head = sub_find(group, (uint16_t)(tag >> 16), (uint16_t)tag);

	if (!head) {
		group_close_session(group, tunnel_id, session_id, CDN_ADMINISTRATIVE, 0, "who called is gone");
		return;
	}
	head->dial = NULL;
	joint_make(group, head, tunnel_id, session_id);
}

static void on_failed(void *ctx, uint32_t tag, const struct dial_failure *why)
{
	struct group *group = ctx;
	struct subscriber *head = sub_find(group, (uint16_t)(tag >> 16), (uint16_t)tag);

	if (!head)
		return;
	head->dial = NULL;
	refuse(group, head, why);
}

static const struct dial_events *switch_dial_events(void)
{
	static const struct dial_events events = { .connected = on_connected, .failed = on_failed };

	return &events;
}

bool switch_call_of(struct group *group, const struct subscriber *head, struct switch_call *call)
{
	const struct l2tp_session *session = l2tp_session_find(group->l2tp, head->tunnel_id, head->session_id);
	struct l2tp_call_params *p = &call->request.call;
	const struct l2tp_session_state_rec *s = &call->s;
	size_t at = 0;

	if (!session)
		return false;
	l2tp_session_export(session, &call->s);
	l2tp_tunnel_info(l2tp_tunnel_find(group->l2tp, head->tunnel_id), &call->from);
	call->request.from = call->from.s.peer;
	call->request.from_name = call->from.s.peer_name;
	call->request.dnis = s->called;
	*p = (struct l2tp_call_params){
		.call_serial = s->call_serial, .bearer_type = s->bearer_type, .framing_type = s->framing_type,
		.tx_speed = s->tx_speed, .rx_speed = s->rx_speed, .physical_channel = s->physical_channel,
		.called = s->called[0] ? s->called : NULL, .calling = s->calling[0] ? s->calling : NULL,
		.sub_address = s->sub_address[0] ? s->sub_address : NULL,
		.sequencing_required = s->sequencing_required, .csu_enabled = s->csu_enabled,
	};
	while (p->avp_count < SWITCH_AVPS_MAX && l2tp_session_avp_next(session, &at, &call->avps[p->avp_count]))
		p->avp_count++;
	return true;
}

void switch_dial(struct group *group, struct subscriber *head, struct switch_call *call, const struct config_vpdn_group *vg)
{
	struct dial_request *r = &call->request;
	struct dial_failure why;

	r->events = switch_dial_events();
	r->ctx = group;
	r->tag = head->key;
	r->group = vg->name;
	r->user = head->user;
	r->call.avps = call->avps;
	head->dial = dial_start(group->dialer, group->now_ms, r, &why);
	if (!head->dial)
		refuse(group, head, &why);
}

/* False: it ends here, or PPP asks first. */
static bool goes_on(struct group *group, struct subscriber *sub)
{
	struct switch_call call = { 0 };
	const struct config_vpdn_group *vg;

	if (!switch_call_of(group, sub, &call))
		return false;
	user_of(l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id), sub->user);
	sub->asks = !sub->user[0] && name_decides(group->config, call.from.s.peer_name, call.s.called);
	vg = sub->asks ? NULL : switch_group(group->config, call.from.s.peer_name, call.s.called, sub->user);
	sub->ends_here = !vg;
	if (vg)
		switch_dial(group, sub, &call, vg);
	return vg != NULL;
}

bool switch_takes(struct group *group, struct subscriber *sub, const struct l2tp_session_state_rec *s)
{
	if (sub->other || sub->dialer || sub->ends_here || sub->ppp_state || sub->ppp != SUB_PPP_NONE || !group->active)
		return false;
	/* records are still being read, or the engine is about to take over: it is asked for again */
	if (!l2tp_active(group->l2tp))
		return s->call == L2TP_CALL_IN_LAC || group->config->multihop;
	if (s->call == L2TP_CALL_IN_LAC) {
		/* we placed it for somebody who is not there any more: nobody told the peer */
		group_close_session(group, sub->tunnel_id, sub->session_id, CDN_ADMINISTRATIVE, 0, "who called is gone");
		return true;
	}
	if (sub->dial)
		return true;
	return s->call == L2TP_CALL_IN_LNS && group->config->multihop && goes_on(group, sub);
}

void switch_session_down(struct group *group, const struct l2tp_action *a)
{
	struct subscriber *sub = sub_find(group, a->tunnel_id, a->session_id);

	if (!sub || !sub->dial)
		return;
	dial_cancel(sub->dial, group->now_ms, &(struct l2tp_result){ .result = CDN_ADMINISTRATIVE, .text = "who called is gone" });
	sub->dial = NULL;
}

void switch_reset(struct group *group)
{
	for (struct subscriber *sub = group->subs; sub; sub = sub->hh.next)
		sub->dial = NULL;
}

/* ---- what either end says of a call that is up ----------------------------- */

/* SLI: with what LCP agreed on, if that was said (RFC 3437). */
static void pass_lcp(const struct l2tp_session *from, struct l2tp_session *to, const struct l2tp_action *a,
		     uint64_t now_ms)
{
	struct l2tp_lcp lcp = { .send_accm = a->numbers[0], .receive_accm = a->numbers[1] };

	lcp.sent = l2tp_session_avp(from, 0, L2TP_AVP_LNS_SENT, &lcp.sent_len);
	lcp.received = l2tp_session_avp(from, 0, L2TP_AVP_LNS_RECEIVED, &lcp.received_len);
	l2tp_session_send_lcp(to, now_ms, &lcp);
}

bool switch_pass(struct group *group, const struct l2tp_action *a)
{
	struct subscriber *sub = sub_find(group, a->tunnel_id, a->session_id);
	struct l2tp_session *other = sub && sub->other ? l2tp_session_find(group->l2tp, (uint16_t)(sub->other >> 16),
									   (uint16_t)sub->other) : NULL;

	if (!other)
		return false;
	/* to an end that may not hear of it, it is not said */
	if (a->type == L2TP_ACTION_WEN)
		l2tp_session_send_errors(other, group->now_ms, a->numbers);
	else if (a->type == L2TP_ACTION_SLI)
		pass_lcp(l2tp_session_find(group->l2tp, a->tunnel_id, a->session_id), other, a, group->now_ms);
	else if (a->type == L2TP_ACTION_SPEED)
		l2tp_session_send_speed(other, group->now_ms, a->numbers[0], a->numbers[1]);
	return true;
}
