/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authentication of the peer: pppd speaks PAP and CHAP, the daemon decides.
 *
 * No secret is ever on this side.  What the peer said goes to the daemon as it
 * is; the answer carries the peer's address and name servers as well, so one
 * exchange is all that a session's setup needs.  Without authentication the
 * same question is asked when the network phase begins.
 *
 * A client is the other way round: it demands nothing, and answers the peer's
 * PAP or CHAP with the name and password it was started with.
 */
#include "pppd-plugin/plugin.h"

#include <string.h>

/* Longer than a call is dialled to several peers in turn; a daemon that dies is known at once. */
#define VERDICT_TIMEOUT_MS	120000

static char failure_text[PPP_MESSAGE_MAX];

int auth_ask(const struct ppp_auth *a)
{
	uint8_t buf[PROTO_MSG_MAX];

	self.have_verdict = 0;
	memset(&self.verdict, 0, sizeof(self.verdict));
	link_send(buf, proto_encode_auth(buf, sizeof(buf), a));
	explicit_bzero(buf, sizeof(buf));
	if (link_await_verdict(VERDICT_TIMEOUT_MS) < 0) {
		warn("l2tpha: no answer from l2tphad about %q", a->user);
		self.verdict.ok = 0;
	}
	if (!self.verdict.ok)
		return 0;
	self.auth = a->kind;
	ipcp_wantoptions[0].ouraddr = self.params.local_addr;
	ipcp_wantoptions[0].hisaddr = self.verdict.peer_addr;
	ipcp_wantoptions[0].accept_local = 0;
	ipcp_wantoptions[0].accept_remote = 0;
	ipcp_allowoptions[0].dnsaddr[0] = self.verdict.dns[0];
	ipcp_allowoptions[0].dnsaddr[1] = self.verdict.dns[1];
	return 1;
}

static int pap(char *name, char *password, char **msg, struct wordlist **addrs,
	       struct wordlist **opts)
{
	struct ppp_auth a = { .kind = PPP_AUTH_PAP, .chap_id = self.pap_id };
	int ok;

	(void)addrs;
	(void)opts;
	strlcpy(a.user, name, sizeof(a.user));
	strlcpy(a.password, password, sizeof(a.password));
	a.lcp = self.lcp;
	ok = auth_ask(&a);
	explicit_bzero(&a, sizeof(a));
	if (!ok)
		self.auth_protocol = PPP_PAP;
	strlcpy(failure_text, self.verdict.message, sizeof(failure_text));
	*msg = failure_text;
	return ok;
}

static int chap(char *name, char *ourname, int id,
		struct chap_digest_type *digest,
		unsigned char *challenge,
		unsigned char *response, char *message, int space)
{
	struct ppp_auth a = { .kind = PPP_AUTH_CHAP_MD5, .chap_id = id };
	int ok;

	(void)ourname;
	if (digest->code != CHAP_MD5 || challenge[0] > sizeof(a.challenge)
	    || response[0] > sizeof(a.response))
		return 0;
	a.lcp = self.lcp;
	strlcpy(a.user, name, sizeof(a.user));
	a.challenge_len = challenge[0];
	memcpy(a.challenge, challenge + 1, challenge[0]);
	a.response_len = response[0];
	memcpy(a.response, response + 1, response[0]);
	ok = auth_ask(&a);
	if (!ok)
		self.auth_protocol = PPP_CHAP;
	if (space > 0)
		strlcpy(message, self.verdict.message, space);
	return ok;
}

/* Also asked of a client, whether it could answer. */
static int have_secrets(void)
{
	return !self.params.client || self.params.auth_pap;
}

static int have_chap_secrets(void)
{
	return !self.params.client || self.params.auth_chap;
}

/* password NULL: is there one? -1: not ours to say. */
static int pap_password(char *name, char *password)
{
	if (!self.params.client)
		return -1;
	if (!self.params.auth_pap)
		return 0;
	strlcpy(name, self.params.user, MAXNAMELEN);
	if (password)
		strlcpy(password, self.params.password, MAXSECRETLEN);
	return 1;
}

static int chap_password(char *name, char *password)
{
	(void)name;
	if (!self.params.client || !self.params.auth_chap)
		return -1;
	strlcpy(password, self.params.password, MAXSECRETLEN);
	return 0;
}

extern bool refuse_eap;		/* pppd's, in auth.c */

void auth_as_client(void)
{
	strlcpy(user, self.params.user, MAXNAMELEN);
	refuse_eap = 1;
	lcp_allowoptions[0].chap_mdtype = MDTYPE_MD5;
	ipcp_wantoptions[0].ouraddr = 0;
	ipcp_wantoptions[0].hisaddr = 0;
	ipcp_wantoptions[0].accept_local = 1;
	ipcp_wantoptions[0].accept_remote = 1;
}

/* IPCP asks again when the peer insists on an address. */
static int address_allowed(u_int32_t addr)
{
	if (self.params.client)
		return 1;	/* it has the address that the LNS says it has */
	return addr == ipcp_wantoptions[0].hisaddr && addr != 0;
}

/*
 * IPCP begins.  pppd decided about our own address when it parsed its options,
 * before there was one; this is the place to put it in.
 */
static void choose_address(u_int32_t *peer)
{
	(void)peer;
	ipcp_gotoptions[0].ouraddr = self.params.local_addr;
	ipcp_gotoptions[0].old_addrs = 0;
}

int auth_ask_address(void)
{
	struct ppp_auth a = { .kind = PPP_AUTH_NONE };

	return auth_ask(&a);
}

void auth_init(void)
{
	pap_check_hook = have_secrets;
	chap_check_hook = have_chap_secrets;
	pap_passwd_hook = pap_password;
	chap_passwd_hook = chap_password;
	pap_auth_hook = pap;
	chap_verify_hook = chap;
	allowed_address_hook = address_allowed;
	ip_choose_hook = choose_address;
}
