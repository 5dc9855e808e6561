/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2tpha.so: pppd as the PPP engine of l2tphad.
 *
 * This file is the plugin's skeleton: the channel, pppd's hooks, the options
 * of one session, and why a session ended (RFC 3145).  zygote.c makes the
 * processes, link.c talks to the daemon, state.c captures and injects,
 * auth.c passes authentication on, early.c reads what came before LCP was up,
 * echo.c watches the peer.
 */
#include "pppd-plugin/plugin.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct session self = { .session_fd = -1, .tunnel_fd = -1, .link_fd = -1 };

/* pppd looks for it by name. */
char pppd_version[] = PLUGIN_VERSION_TEXT;
void plugin_init(void);

/* Before anything is put on the wire. */
void session_setup(void)
{
	const struct ppp_params *p = &self.params;
	lcp_options *want = &lcp_wantoptions[0];
	uint16_t mru = p->mru ? p->mru : 1460;

	strlcpy(req_ifname, p->ifname, MAXIFNAMELEN);
	LOG_NAME("l2tp %u/%u", p->key.tunnel_id, p->key.session_id);
	if (p->local_name[0])
		strlcpy(our_name, p->local_name, MAXNAMELEN);
	want->neg_mru = 1;
	want->mru = mru;
	want->neg_asyncmap = 0;
	want->neg_pcompression = 0;
	want->neg_accompression = 0;
	want->neg_upap = p->auth_pap && !p->client;
	want->neg_chap = p->auth_chap && !p->client;
	want->chap_mdtype = want->neg_chap ? MDTYPE_MD5 : MDTYPE_NONE;
	lcp_allowoptions[0].mru = p->mtu ? p->mtu : mru;
	auth_required = want->neg_upap || want->neg_chap;
	if (p->client)
		auth_as_client();
	ipcp_wantoptions[0].ouraddr = p->local_addr;
	ipcp_wantoptions[0].neg_vj = 0;
	ipcp_allowoptions[0].neg_vj = 0;
	self.muted = p->standby;
}

void session_activate(void)
{
	self.muted = 0;
	if (phase == PHASE_RUNNING)
		echo_start();
}

/* The other node has the role: only what is open and quiet can stay. */
void session_mute(void)
{
	self.muted = 1;
	if (phase != PHASE_RUNNING || !self.captured
	    || lcp_fsm[0].state != OPENED || ipcp_fsm[0].state != OPENED)
		session_vanish();
	echo_stop();
	link_note(PROTO_INJECTED, 0);
}

void session_terminate(void)
{
	self.local_terminated = 1;
	if (self.muted)
		session_vanish();
	if (phase == PHASE_DEAD || phase == PHASE_TERMINATE)
		return;
	exit_code = EXIT_USER_REQUEST;
	lcp_close(0, "Administrative disconnect");
}

/* No packet, no script, no farewell: the kernel cleans up. */
void session_vanish(void)
{
	_exit(0);
}

static void inject_now(void *arg)
{
	(void)arg;
	state_inject();
}

static void proxy_now(void *arg)
{
	(void)arg;
	proxy_begin();
	early_begin();
}

static void early_now(void *arg)
{
	(void)arg;
	early_begin();
}

static void finish_now(void *arg)
{
	(void)arg;
	if (phase != PHASE_DEAD)
		link_terminated(0);
}

/* What is being closed ends without waiting for an answer of the peer. */
void session_finish(void)
{
	TIMEOUT_US(finish_now, NULL, 0);
}

/* Whatever makes pppd end a standby session, it must not say so to the peer. */
static void mute_leave(void)
{
	if (self.muted)
		session_vanish();
}

static void phase_changed(void *ctx, int now)
{
	(void)ctx;
	if (self.link == LINK_NONE)
		return;
	if (now == PHASE_TERMINATE)
		mute_leave();
	/* afterwards pppd reads from the closed link and calls it a hang-up */
	if (now == PHASE_DISCONNECT && !self.have_status) {
		self.have_status = 1;
		self.final_status = exit_code;
	}
	if (now == PHASE_ESTABLISH && !self.captured) {
		unit_begins();
		sifnpmode(0, PPP_IPV6, NPMODE_DROP);
		if (self.params.state_len) {
			lcp_fsm[0].flags |= OPT_SILENT;
			TIMEOUT_US(inject_now, NULL, 0);
		} else if (self.params.proxy.lcp && !self.proxied) {
			lcp_fsm[0].flags |= OPT_SILENT;
			TIMEOUT_US(proxy_now, NULL, 0);
		} else {
			TIMEOUT_US(early_now, NULL, 0);
		}
	}
	if (now == PHASE_NETWORK && !self.injecting) {
		self.reached_network = 1;
		if (!auth_required && !self.params.client && self.proxied != 2 && !auth_ask_address()) {
			self.no_address = 1;
			lcp_close(0, "No address");
		}
	}
	link_poll_early();
}

/* Of a Configure-Request; one that is too long to be kept is not. */
static void keep_options(uint8_t out[PPP_CONFREQ_MAX], size_t *out_len, const unsigned char *p, int len)
{
	int n = p[6] << 8 | p[7];	/* address, control, protocol; code, id, length */

	*out_len = 0;
	if (n < 4 || n > len - 4 || n - 4 > PPP_CONFREQ_MAX)
		return;
	memcpy(out, p + 8, n - 4);
	*out_len = n - 4;
}

void session_sent(unsigned char *p, int len)
{
	if (len >= 8 && p[2] == PPP_LCP >> 8 && p[3] == (PPP_LCP & 0xff) && p[4] == CONFREQ)
		keep_options(self.lcp.sent, &self.lcp.sent_len, p, len);
}

void session_received(unsigned char *p, int len)
{
	if (len >= 8 && p[2] == PPP_PAP >> 8 && p[3] == (PPP_PAP & 0xff))
		self.pap_id = p[5];
	/* address, control, protocol, code */
	if (len < 8 || p[2] != PPP_LCP >> 8 || p[3] != (PPP_LCP & 0xff))
		return;
	self.saw_lcp = 1;
	if (p[4] == CONFREQ) {
		if (!self.lcp.first_received_len)
			keep_options(self.lcp.first_received, &self.lcp.first_received_len, p, len);
		keep_options(self.lcp.received, &self.lcp.received_len, p, len);
	}
	if (p[4] == ECHOREP && len >= 12) {
		uint32_t magic_be;

		memcpy(&magic_be, p + 8, 4);
		if (ntohl(magic_be) != lcp_gotoptions[0].magicnumber
		    || !lcp_gotoptions[0].neg_magicnumber)
			echo_reply_seen();
	}
	if (p[4] == TERMREQ && lcp_fsm[0].state == OPENED) {
		self.peer_terminated = 1;	/* and has its answer */
		session_finish();
	}
}

static void set_cause(struct ppp_down *d, enum ppp_down_reason reason,
		      uint16_t cause, uint16_t protocol, uint8_t direction,
		      const char *text)
{
	d->reason = reason;
	d->cause = cause;
	d->protocol = protocol;
	d->direction = direction;
	strlcpy(d->message, text, sizeof(d->message));
}

/* RFC 3145 section 3. */
static void explain(struct ppp_down *d, int exit_status)
{
	if (self.local_terminated) {
		set_cause(d, PPP_DOWN_LOCAL, 1, 0, 0,
			  "administrative disconnect");
		return;
	}
	if (self.peer_terminated) {
		set_cause(d, PPP_DOWN_PEER, 3, 0, 1, "terminated by peer");
		return;
	}
	if (self.no_address) {
		set_cause(d, PPP_DOWN_NEGOTIATION, 20, PPP_IPCP, 2,
			  "no address for the peer");
		return;
	}
	switch (exit_status) {
	case EXIT_PEER_AUTH_FAILED:
		if (self.auth_protocol)
			set_cause(d, PPP_DOWN_AUTH, 16, self.auth_protocol, 1,
				  "authentication failed");
		else if (lcp_gotoptions[0].neg_chap || lcp_gotoptions[0].neg_upap)
			set_cause(d, PPP_DOWN_AUTH, 13,
				  lcp_gotoptions[0].neg_chap ? PPP_CHAP : PPP_PAP, 0,
				  "authentication timed out");
		else
			set_cause(d, PPP_DOWN_AUTH, 15,
				  self.params.auth_chap ? PPP_CHAP : PPP_PAP, 1,
				  "peer refused to authenticate");
		return;
	case EXIT_AUTH_TOPEER_FAILED:
		set_cause(d, PPP_DOWN_AUTH, 16,
			  self.params.auth_chap ? PPP_CHAP : PPP_PAP, 2,
			  "the peer refused our name or password");
		return;
	case EXIT_NEGOTIATION_FAILED:
		if (self.reached_network)
			set_cause(d, PPP_DOWN_NEGOTIATION, 19, PPP_IPCP, 0,
				  "no agreement on addresses");
		else if (self.saw_lcp)
			set_cause(d, PPP_DOWN_NEGOTIATION, 5, PPP_LCP, 0,
				  "LCP negotiation timed out");
		else
			set_cause(d, PPP_DOWN_NEGOTIATION, 6, PPP_LCP, 0,
				  "no LCP packet received");
		return;
	case EXIT_PEER_DEAD:
		set_cause(d, PPP_DOWN_ECHO, 8, PPP_LCP, 0,
			  "echo requests not answered");
		return;
	case EXIT_LOOPBACK:
		set_cause(d, PPP_DOWN_LOOPBACK, 7, PPP_LCP, 0, "loop detected");
		return;
	case EXIT_HANGUP:
		set_cause(d, PPP_DOWN_LOWER, 0, 0, 0, "kernel session ended");
		return;
	case EXIT_USER_REQUEST:
		set_cause(d, PPP_DOWN_LOCAL, 1, 0, 0, "pppd was told to stop");
		return;
	case EXIT_OK:
		set_cause(d, PPP_DOWN_NEGOTIATION, 18, PPP_IPCP, 0,
			  "network protocol closed");
		return;
	default:
		set_cause(d, PPP_DOWN_ENGINE, 0, 0, 0, "pppd failed");
		return;
	}
}

static void exiting(void *ctx, int exit_status)
{
	struct ppp_down d = { 0 };
	uint8_t buf[512];

	(void)ctx;
	if (self.link != LINK_OPEN)
		return;
	d.status = self.have_status ? self.final_status : exit_status;
	explain(&d, d.status);
	link_send(buf, proto_encode_down(buf, sizeof(buf), &d));
}

static void closed(void)
{
	if (self.session_fd >= 0)
		close(self.session_fd);
	self.session_fd = -1;
}

struct channel zygote_channel = {
	.options = zygote_options,
	.connect = zygote_connect,
	.disconnect = closed,
	.establish_ppp = unit_establish,
	.disestablish_ppp = generic_disestablish_ppp,
};

void plugin_init(void)
{
	add_options(zygote_options);
	auth_init();
	ip_up_hook = state_capture_and_send;
	ip_down_hook = mute_leave;
	snoop_recv_hook = session_received;
	snoop_send_hook = session_sent;
	NOTIFY_PHASE(phase_changed);
	NOTIFY_EXIT(exiting);
	the_channel = &zygote_channel;
}
