/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proxy LCP and proxy authentication (RFC 2661 4.4.5): another box, the LAC,
 * has negotiated LCP and may have taken what the peer said to prove who it is.
 *
 * LCP is put in place as an injected one is (state.c), without a packet.  What
 * the peer said goes to the daemon as if it had just been received here, and
 * the peer, who still waits for the answer, gets it from us.  Then the network
 * phase begins; where the peer has said nothing yet, pppd asks it.
 *
 * Should the peer begin LCP anew, pppd negotiates as ever, and asks again.
 */
#include "pppd-plugin/plugin.h"

#include <string.h>

enum { CHAP_IS_SUCCESS = 3, CHAP_IS_FAILURE = 4, PAP_IS_ACK = 2, PAP_IS_NAK = 3 };

/* The answer to the CHAP Response or the PAP Authenticate-Request that the LAC has taken. */
static void answer(const struct ppp_auth *a, int ok)
{
	unsigned char packet[9 + PPP_MESSAGE_MAX];
	int pap = a->kind == PPP_AUTH_PAP;
	uint16_t protocol = pap ? PPP_PAP : PPP_CHAP;
	size_t text = strnlen(self.verdict.message, sizeof(self.verdict.message) - 1);
	size_t len = 4 + pap + text;

	packet[0] = 0xff;
	packet[1] = 0x03;
	packet[2] = protocol >> 8;
	packet[3] = protocol & 0xff;
	packet[4] = pap ? (ok ? PAP_IS_ACK : PAP_IS_NAK) : ok ? CHAP_IS_SUCCESS : CHAP_IS_FAILURE;
	packet[5] = a->chap_id;
	packet[6] = len >> 8;
	packet[7] = len;
	if (pap)
		packet[8] = text;
	memcpy(packet + 8 + pap, self.verdict.message, text);
	output(0, packet, 4 + len);
}

void proxy_begin(void)
{
	struct ppp_proxy *proxy = &self.params.proxy;
	int known = proxy->auth.kind != PPP_AUTH_NONE, required = auth_required;
	lcp_options *got = &lcp_gotoptions[0], agreed;

	self.proxied = 1;
	state_write_side(got, &proxy->got);
	state_write_side(&lcp_hisoptions[0], &proxy->his);
	lcp_fsm[0].flags &= ~OPT_SILENT;
	lcp_fsm[0].state = OPENED;
	self.saw_lcp = 1;
	agreed = *got;
	if (known) {
		int ok = auth_ask(&proxy->auth);

		answer(&proxy->auth, ok);
		if (!ok) {
			self.auth_protocol = proxy->auth.kind == PPP_AUTH_PAP ? PPP_PAP : PPP_CHAP;
			explicit_bzero(&proxy->auth, sizeof(proxy->auth));
			exit_code = EXIT_PEER_AUTH_FAILED;
			lcp_close(0, "Authentication failed");
			return;
		}
		strlcpy(peer_authname, proxy->auth.user, MAXNAMELEN);
		notice("l2tpha: %q authenticated to the LAC", peer_authname);
		explicit_bzero(&proxy->auth, sizeof(proxy->auth));
		self.proxied = 2;
		got->neg_upap = 0;
		got->neg_chap = 0;
		auth_required = 0;
	}
	(*lcp_fsm[0].callbacks->up)(&lcp_fsm[0]);
	*got = agreed;
	auth_required = required;
	self.proxied = 1;	/* what is negotiated from here on is all ours */
}
