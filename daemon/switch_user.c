// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A call that is dialled on by the name of its user, where only our own asking
 * told us the name: a subscriber from PPPoE, or a call whose LAC sent no proxy
 * authentication.  pppd negotiates LCP and asks who it is, as on any session.
 * If a request-dialin group dials for the user the answer waits: the call is
 * dialled with what was negotiated and said (proxy LCP and authentication, RFC
 * 2661 4.4.5), and when the LNS has taken it the two are joined and pppd is
 * ended without a word; the LNS goes on where it stood.  A user nobody dials
 * for is served here.
 *
 * Nothing of it is recorded before the call is up: who takes over before
 * negotiates with the subscriber from the start.
 *
 * Called by subscriber_ppp.c, when PPP asks whether somebody may.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"

enum {
	AVP_FIRST_RECEIVED = 26,
	AVP_LAST_SENT = 27,
	AVP_LAST_RECEIVED = 28,
	AVP_AUTHEN_TYPE = 29,
	AVP_AUTHEN_NAME = 30,
	AVP_AUTHEN_CHALLENGE = 31,
	AVP_AUTHEN_ID = 32,
	AVP_AUTHEN_RESPONSE = 33,
};
enum { AUTHEN_CHAP = 2, AUTHEN_PAP = 3 };

void switch_avp_add(struct switch_call *call, uint16_t vendor, uint16_t attr, const void *value, size_t len)
{
	if (len && call->request.call.avp_count < SWITCH_AVPS_MAX)
		call->avps[call->request.call.avp_count++] = (struct l2tp_avp){ vendor, attr, value, len };
}

/* What the LAC said of it in our place is not true any more. */
static void forget(struct switch_call *call, uint16_t first, uint16_t last)
{
	struct l2tp_call_params *p = &call->request.call;
	size_t kept = 0;

	for (size_t i = 0; i < p->avp_count; i++)
		if (call->avps[i].vendor || call->avps[i].attr < first || call->avps[i].attr > last)
			call->avps[kept++] = call->avps[i];
	p->avp_count = kept;
}

static void add_proxy(struct switch_call *call, const struct ppp_auth *auth, const uint8_t type[2], const uint8_t id[2])
{
	/* with LCP that its LAC had negotiated we did not negotiate: then that stands */
	if (auth->lcp.sent_len || auth->lcp.received_len) {
		forget(call, AVP_FIRST_RECEIVED, AVP_LAST_RECEIVED);
		switch_avp_add(call, 0, AVP_FIRST_RECEIVED, auth->lcp.first_received, auth->lcp.first_received_len);
		switch_avp_add(call, 0, AVP_LAST_SENT, auth->lcp.sent, auth->lcp.sent_len);
		switch_avp_add(call, 0, AVP_LAST_RECEIVED, auth->lcp.received, auth->lcp.received_len);
	}
	forget(call, AVP_AUTHEN_TYPE, AVP_AUTHEN_RESPONSE);
	switch_avp_add(call, 0, AVP_AUTHEN_TYPE, type, 2);
	switch_avp_add(call, 0, AVP_AUTHEN_NAME, auth->user, strlen(auth->user));
	if (auth->kind == PPP_AUTH_CHAP_MD5)
		switch_avp_add(call, 0, AVP_AUTHEN_CHALLENGE, auth->challenge, auth->challenge_len);
	switch_avp_add(call, 0, AVP_AUTHEN_ID, id, 2);
	if (auth->kind == PPP_AUTH_CHAP_MD5)
		switch_avp_add(call, 0, AVP_AUTHEN_RESPONSE, auth->response, auth->response_len);
	else
		switch_avp_add(call, 0, AVP_AUTHEN_RESPONSE, auth->password, strlen(auth->password));
}

bool switch_user(struct group *group, struct subscriber *sub, const struct ppp_auth *auth)
{
	const uint8_t type[2] = { 0, auth->kind == PPP_AUTH_PAP ? AUTHEN_PAP : AUTHEN_CHAP }, id[2] = { 0, auth->chap_id };
	const struct config_vpdn_group *vg;
	struct switch_call call;

	if ((!sub->access && !sub->asks) || auth->kind == PPP_AUTH_NONE)
		return false;
	if (sub->dial)
		return true;		/* said again while it is dialled */
	memset(&call, 0, sizeof(call));
	if (sub->access)
		access_call(sub, &call);
	else if (!switch_call_of(group, sub, &call))
		return true;		/* it ends in this round */
	vg = switch_group(group->config, call.from.s.peer_name, call.s.called, auth->user);
	if (!vg)
		return false;
	snprintf(sub->user, sizeof(sub->user), "%s", auth->user);
	add_proxy(&call, auth, type, id);
	switch_dial(group, sub, &call, vg);
	return true;
}
