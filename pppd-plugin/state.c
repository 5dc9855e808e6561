/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture and injection of an open PPP link.
 *
 * Capture reads pppd's own variables when IPCP has come up: only then are the
 * addresses final.  Injection is the reverse, and puts not one packet on the
 * wire: LCP starts silent, then both state machines are set to OPENED and
 * their `up` callbacks run.  IPCP is opened before LCP's callback, so that the
 * network phase finds it open and does not negotiate; the authentication bits
 * are hidden for the same moment, so that the peer is not challenged again, nor
 * told our password.  A client's CHAP must go on answering: pppd begins it in
 * silence, waits a minute to be challenged, and is told that it succeeded.
 * Both magic numbers are kept: the peer would take others for a loop, or for
 * another box.
 */
#include "pppd-plugin/plugin.h"

#include <errno.h>
#include <string.h>

static uint32_t flag(int set, uint32_t bit)
{
	return set ? bit : 0;
}

static void read_side(struct lcp_side *side, const lcp_options *o)
{
	side->flags = flag(o->neg_mru, LCP_MRU)
		| flag(o->neg_asyncmap, LCP_ASYNCMAP)
		| flag(o->neg_upap, LCP_PAP) | flag(o->neg_chap, LCP_CHAP)
		| flag(o->neg_magicnumber, LCP_MAGIC)
		| flag(o->neg_pcompression, LCP_PCOMP)
		| flag(o->neg_accompression, LCP_ACCOMP);
	side->mru = o->mru;
	side->asyncmap = o->asyncmap;
	side->magic = o->magicnumber;
}

void state_write_side(lcp_options *o, const struct lcp_side *side)
{
	memset(o, 0, sizeof(*o));
	o->neg_mru = !!(side->flags & LCP_MRU);
	o->neg_asyncmap = !!(side->flags & LCP_ASYNCMAP);
	o->neg_upap = !!(side->flags & LCP_PAP);
	o->neg_chap = !!(side->flags & LCP_CHAP);
	o->neg_magicnumber = !!(side->flags & LCP_MAGIC);
	o->neg_pcompression = !!(side->flags & LCP_PCOMP);
	o->neg_accompression = !!(side->flags & LCP_ACCOMP);
	o->mru = side->mru;
	o->asyncmap = side->asyncmap;
	o->magicnumber = side->magic;
	if (o->neg_chap)
		o->chap_mdtype = MDTYPE_MD5;
}

static void capture(struct ppp_state *s)
{
	const ipcp_options *got = &ipcp_gotoptions[0], *his = &ipcp_hisoptions[0];

	memset(s, 0, sizeof(*s));
	s->version = PPP_STATE_VERSION;
	read_side(&s->got, &lcp_gotoptions[0]);
	read_side(&s->his, &lcp_hisoptions[0]);
	s->lcp_id = lcp_fsm[0].id;
	s->ipcp_id = ipcp_fsm[0].id;
	s->ipcp_flags = flag(got->neg_addr, IPCP_GOT_ADDR)
		| flag(his->neg_addr, IPCP_HIS_ADDR);
	s->local_addr = got->ouraddr;
	s->peer_addr = his->hisaddr;
	s->dns[0] = ipcp_allowoptions[0].dnsaddr[0];
	s->dns[1] = ipcp_allowoptions[0].dnsaddr[1];
	s->auth_kind = self.auth;
	if (self.auth != PPP_AUTH_NONE)
		strlcpy(s->user, peer_authname, sizeof(s->user));
}

void state_fill_up(struct ppp_up *up, uint8_t *buf, size_t size)
{
	const lcp_options *got = &lcp_gotoptions[0], *his = &lcp_hisoptions[0];
	struct ppp_state s;
	int len;

	capture(&s);
	memset(up, 0, sizeof(*up));
	strlcpy(up->user, s.user, sizeof(up->user));
	strlcpy(up->ifname, ifname, sizeof(up->ifname));
	up->auth = self.auth;
	up->local_addr = s.local_addr;
	up->peer_addr = s.peer_addr;
	up->dns[0] = s.dns[0];
	up->dns[1] = s.dns[1];
	up->mru = got->neg_mru ? got->mru : PPP_MRU;
	up->peer_mru = his->neg_mru ? his->mru : PPP_MRU;
	up->local_magic = s.got.magic;
	up->peer_magic = s.his.magic;
	len = proto_encode_state(buf, size, &s);
	if (len > 0) {
		up->state = buf;
		up->state_len = len;
	}
}

void state_capture_and_send(void)
{
	uint8_t state[PPP_STATE_MAX], buf[PROTO_MSG_MAX];
	enum proto_type type = self.captured ? PROTO_CHANGED : PROTO_UP;
	struct ppp_up up;

	self.captured = 1;
	if (self.injecting)
		return;
	state_fill_up(&up, state, sizeof(state));
	link_send(buf, proto_encode_up(buf, sizeof(buf), type, self.params.key,
				       &up));
	echo_start();
}

static void refuse(int err)
{
	warn("l2tpha: state refused: %s", strerror(-err));
	link_note(PROTO_INJECTED, err);
	session_vanish();
}

static void inject_lcp(const struct ppp_state *s)
{
	lcp_options *got = &lcp_gotoptions[0], *his = &lcp_hisoptions[0];
	unsigned char success[] = { CHAP_SUCCESS, 0, 0, 4 };
	lcp_options hidden, asked;
	int required = auth_required;

	state_write_side(got, &s->got);
	state_write_side(his, &s->his);
	lcp_fsm[0].id = s->lcp_id;
	lcp_fsm[0].flags &= ~OPT_SILENT;
	lcp_fsm[0].state = OPENED;

	hidden = *got;
	got->neg_upap = 0;
	got->neg_chap = 0;
	asked = *his;
	his->neg_upap = 0;
	his->neg_chap = asked.neg_chap && self.params.client;
	auth_required = 0;
	(*lcp_fsm[0].callbacks->up)(&lcp_fsm[0]);
	if (his->neg_chap)
		(*chap_protent.input)(0, success, sizeof(success));
	got->neg_upap = hidden.neg_upap;
	got->neg_chap = hidden.neg_chap;
	his->neg_upap = asked.neg_upap;
	his->neg_chap = asked.neg_chap;
	auth_required = required;
}

static void inject_ipcp(const struct ppp_state *s)
{
	ipcp_options *want = &ipcp_wantoptions[0];
	ipcp_options *got = &ipcp_gotoptions[0], *his = &ipcp_hisoptions[0];

	want->ouraddr = s->local_addr;
	want->hisaddr = s->peer_addr;
	want->accept_local = self.params.client;
	want->accept_remote = self.params.client;
	*got = *want;
	got->neg_addr = !!(s->ipcp_flags & IPCP_GOT_ADDR);
	got->old_addrs = 0;
	memset(his, 0, sizeof(*his));
	his->neg_addr = !!(s->ipcp_flags & IPCP_HIS_ADDR);
	his->ouraddr = s->local_addr;
	his->hisaddr = s->peer_addr;
	ipcp_allowoptions[0].dnsaddr[0] = s->dns[0];
	ipcp_allowoptions[0].dnsaddr[1] = s->dns[1];
	ipcp_fsm[0].id = s->ipcp_id;
	ipcp_fsm[0].state = OPENED;
}

void state_inject(void)
{
	struct ppp_state s;
	int err;

	err = proto_decode_state(self.params.state, self.params.state_len, &s);
	if (err)
		refuse(err);
	self.injecting = 1;
	self.auth = s.auth_kind;
	strlcpy(peer_authname, s.user, MAXNAMELEN);
	inject_ipcp(&s);
	unit_address(ifname, s.local_addr, s.peer_addr);
	inject_lcp(&s);
	if (phase == PHASE_NETWORK)
		(*ipcp_fsm[0].callbacks->up)(&ipcp_fsm[0]);
	self.injecting = 0;
	if (phase != PHASE_RUNNING || !self.captured)
		refuse(-EIO);
	link_note(PROTO_INJECTED, 0);
	echo_start();
}
