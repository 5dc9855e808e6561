// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A LAC that named LCP options (RFC 3437, AVPs 49 and 50) is told which ones
 * were agreed on: SLI with the last Configure-Requests as AVPs 51 and 52.
 * What the options were is read from the state that the PPP engine captured.
 *
 * Called when a subscriber's PPP is open, and again when it changed.
 */
#include "daemon/group_internal.h"
#include "pppd-plugin/proto.h"

#define OPTIONS_MAX 64
#define ACCM_DEFAULT 0xffffffffu

/* LCP options of RFC 1661 and 1662. */
enum { OPTION_MRU = 1, OPTION_ASYNCMAP = 2, OPTION_AUTH = 3, OPTION_MAGIC = 5, OPTION_PCOMP = 7, OPTION_ACCOMP = 8 };

struct options {
	uint8_t octets[OPTIONS_MAX];
	size_t len;
};

static void put(struct options *options, uint8_t type, uint32_t number, uint8_t octets)
{
	uint8_t *to = options->octets + options->len;

	to[0] = type;
	to[1] = (uint8_t)(2 + octets);
	for (uint8_t i = 0; i < octets; i++)
		to[2 + i] = (uint8_t)(number >> 8 * (octets - 1 - i));
	options->len += to[1];
}

static void put_side(struct options *options, const struct lcp_side *side)
{
	if (side->flags & LCP_MRU)
		put(options, OPTION_MRU, side->mru, 2);
	if (side->flags & LCP_ASYNCMAP)
		put(options, OPTION_ASYNCMAP, side->asyncmap, 4);
	if (side->flags & LCP_PAP)
		put(options, OPTION_AUTH, 0xc023, 2);
	else if (side->flags & LCP_CHAP)
		put(options, OPTION_AUTH, 0xc22305, 3);	/* with MD5 */
	if (side->flags & LCP_MAGIC)
		put(options, OPTION_MAGIC, side->magic, 4);
	if (side->flags & LCP_PCOMP)
		put(options, OPTION_PCOMP, 0, 0);
	if (side->flags & LCP_ACCOMP)
		put(options, OPTION_ACCOMP, 0, 0);
}

static uint32_t accm(const struct lcp_side *side)
{
	return side->flags & LCP_ASYNCMAP ? side->asyncmap : ACCM_DEFAULT;
}

void sub_tell_lcp(struct group *group, const struct subscriber *sub)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, sub->tunnel_id, sub->session_id);
	struct options sent = { .len = 0 }, received = { .len = 0 };
	struct ppp_state state;
	struct l2tp_lcp lcp;
	size_t len;

	if (!session || !sub->ppp_state ||
	    (!l2tp_session_avp(session, 0, L2TP_AVP_LCP_WANT, &len) && !l2tp_session_avp(session, 0, L2TP_AVP_LCP_ALLOW, &len)) ||
	    proto_decode_state(sub->ppp_state, sub->ppp_state_len, &state))
		return;
	put_side(&sent, &state.got);
	put_side(&received, &state.his);
	lcp = (struct l2tp_lcp){ .send_accm = accm(&state.his), .receive_accm = accm(&state.got), .sent = sent.octets,
				 .sent_len = sent.len, .received = received.octets, .received_len = received.len };
	l2tp_session_send_lcp(session, group->now_ms, &lcp);
}
