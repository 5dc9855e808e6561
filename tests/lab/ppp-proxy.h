/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For ppp-driver.c: a LAC that opens LCP with Debian's pppd, and takes what it
 * says to prove who it is, on the raw socket of a kernel session; then the PPP
 * engine gets the session with what was agreed (proxy LCP and authentication).
 * The subscriber must not hear of LCP again, and must have its answer.
 */
#ifndef TESTS_LAB_PPP_PROXY_H
#define TESTS_LAB_PPP_PROXY_H

#include "tests/lab/ppp-core.h"

#include <poll.h>

#define OUR_MAGIC	0x11223344

static void raw_say(int fd, uint16_t protocol, uint8_t code, uint8_t id, const void *data, size_t len)
{
	uint8_t frame[256] = { protocol >> 8, protocol & 0xff, code, id, 0, 4 + len };

	memcpy(frame + 6, data, len);
	if (send(fd, frame, 6 + len, 0) < 0)
		fail("raw frame: %s", strerror(errno));
}

/* The next frame of the protocol from its code field on; 0: none within a second. */
static size_t raw_hear(int fd, uint16_t protocol, uint8_t *packet, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint8_t frame[1600];
	ssize_t n;

	while (poll(&pfd, 1, 1000) > 0) {
		n = recv(fd, frame, sizeof(frame), MSG_DONTWAIT);
		if (n < 6 || (frame[0] << 8 | frame[1]) != protocol || (size_t)n - 2 > size)
			continue;
		memcpy(packet, frame + 2, n - 2);
		return n - 2;
	}
	return 0;
}

static void his_options(const uint8_t *p, size_t len, struct lcp_side *his)
{
	*his = (struct lcp_side){ .mru = 1500, .asyncmap = 0xffffffff };
	for (; len >= 2 && p[1] >= 2 && p[1] <= len; len -= p[1], p += p[1])
		switch (p[0]) {
		case 1:
			his->flags |= LCP_MRU;
			his->mru = p[2] << 8 | p[3];
			break;
		case 2:
			his->flags |= LCP_ASYNCMAP;
			his->asyncmap = (uint32_t)p[2] << 24 | p[3] << 16 | p[4] << 8 | p[5];
			break;
		case 5:
			his->flags |= LCP_MAGIC;
			his->magic = (uint32_t)p[2] << 24 | p[3] << 16 | p[4] << 8 | p[5];
			break;
		case 7:
			his->flags |= LCP_PCOMP;
			break;
		case 8:
			his->flags |= LCP_ACCOMP;
			break;
		default:
			fail("the subscriber asks for LCP option %u", p[0]);
		}
}

static void lac_lcp(int fd, bool pap, struct ppp_proxy *proxy)
{
	uint8_t request[32] = { 1, 4, 0x05, 0xd4, 5, 6, 0x11, 0x22, 0x33, 0x44, 3, pap ? 4 : 5, 0xc2, 0x23, 5 };
	size_t len = pap ? 14 : 15, n;
	bool acked = false, heard = false, silence = true;
	uint8_t packet[1600];
	int tries = 0;

	if (pap) {
		request[12] = 0xc0;
		request[13] = 0x23;
	}
	while (!acked || !heard) {
		if (tries++ == 20)
			fail("no LCP between subscriber and LAC");
		if (!acked && silence)		/* once more, and an open one would begin anew */
			raw_say(fd, 0xc021, 1, 1, request, len);
		n = raw_hear(fd, 0xc021, packet, sizeof(packet));
		silence = !n;
		if (n < 4)
			continue;
		if (packet[0] == 1) {
			his_options(packet + 4, n - 4, &proxy->his);
			raw_say(fd, 0xc021, 2, packet[1], packet + 4, n - 4);
			heard = true;
		} else if (packet[0] == 2) {
			acked = true;
		} else {
			fail("LCP code %u from the subscriber", packet[0]);
		}
	}
	proxy->lcp = true;
	proxy->got = (struct lcp_side){ LCP_MRU | LCP_MAGIC | (pap ? LCP_PAP : LCP_CHAP), 1492, 0xffffffff, OUR_MAGIC };
}

static void lac_chap(int fd, struct ppp_auth *auth)
{
	uint8_t challenge[20] = { 16, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
				  'l', 'a', 'c' };
	uint8_t packet[1600];
	size_t n;

	do {
		raw_say(fd, 0xc223, 1, 77, challenge, sizeof(challenge));
		n = raw_hear(fd, 0xc223, packet, sizeof(packet));
	} while (n < 21 || packet[0] != 2 || packet[1] != 77);
	auth->kind = PPP_AUTH_CHAP_MD5;
	auth->chap_id = 77;
	auth->challenge_len = auth->response_len = 16;
	memcpy(auth->challenge, challenge + 1, 16);
	memcpy(auth->response, packet + 5, 16);
	memcpy(auth->user, packet + 21, n - 21);
}

static void lac_pap(int fd, struct ppp_auth *auth)
{
	uint8_t packet[1600];
	size_t n, user;

	do
		n = raw_hear(fd, 0xc023, packet, sizeof(packet));
	while (n < 6 || packet[0] != 1);
	user = packet[4];
	auth->kind = PPP_AUTH_PAP;
	auth->chap_id = packet[1];
	memcpy(auth->user, packet + 5, user);
	memcpy(auth->password, packet + 6 + user, packet[5 + user]);
}

/* It agreed to prove who it is, and says no more: pppd asks ten times, every three seconds. */
static int silent_story(void)
{
	struct ppp_params p;
	int fd_lac, raw;
	pid_t peer;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 7);
	raw = session_open(&lns, 7);
	core_start(false);
	peer = subscriber(fd_lac, USER, SECRET);
	p = params(7, raw, "chap");
	lac_lcp(raw, false, &p.proxy);
	kill(peer, SIGSTOP);
	start(&p);
	await(&core.downs, 1, 60, "down");
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
	if (core.why.reason != PPP_DOWN_AUTH || core.why.cause != 13 || core.why.protocol != 0xc223 ||
	    core.why.direction != 0 || core.ups)
		fail("reason %d, cause %u of %04x, direction %u", core.why.reason, core.why.cause, core.why.protocol,
		     core.why.direction);
	printf("OK proxy silent\n");
	return 0;
}

/* `what`: chap, pap; lcp: without the subscriber's word; wrong: its word is not true. */
static int proxy_story(const char *what)
{
	bool pap = !strcmp(what, "pap"), wrong = !strcmp(what, "wrong"), alone = !strcmp(what, "lcp");
	int fd_lac, fd_lns, raw;
	struct ppp_params p;
	struct wire w;
	pid_t peer;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 7);
	fd_lns = raw = session_open(&lns, 7);
	core_start(false);
	peer = subscriber(fd_lac, USER, wrong ? "through the looking-glass" : SECRET);
	p = params(7, fd_lns, pap ? "pap" : "chap");
	p.echo_interval_s = 1;
	p.echo_failures = 3;
	lac_lcp(raw, pap, &p.proxy);
	if (pap)
		lac_pap(raw, &p.proxy.auth);
	else if (!alone)
		lac_chap(raw, &p.proxy.auth);
	wire_open(&w);
	start(&p);
	if (wrong) {
		await(&core.downs, 1, 20, "down");
		if (core.why.reason != PPP_DOWN_AUTH || core.why.cause != 16 || core.why.protocol != 0xc223 || core.ups)
			fail("cause");
		wire_close(&w, "refused");
		if (!w.auth || !w.terminate)
			fail("the subscriber was not told");
		waitpid(peer, NULL, 0);
		printf("OK proxy wrong\n");
		return 0;
	}
	await(&core.ups, 1, 20, "up");
	if (strcmp(core.last.user, USER) || core.last.peer_addr != core.peer_addr || core.last.local_magic != OUR_MAGIC
	    || core.last.peer_magic != p.proxy.his.magic || core.last.mru != 1492)
		fail("captured state is not what was agreed");
	if (core.auths != 1)
		fail("%u questions about the subscriber", core.auths);
	run_for(1);
	ping("with LCP of another box");
	run_for(3);
	wire_close(&w, "from the handover on");
	if (w.lcp || w.terminate)
		fail("LCP was negotiated again");
	if (alone ? w.auth < 3 : w.auth != 1)
		fail("%u packets of authentication", w.auth);
	if (w.echo < 4)
		fail("LCP echo is not answered (%u)", w.echo);

	/* what was captured of it serves a standby as any other */
	io_pppd_ops.kill(core.engine, p.key);
	gone(p.ifname, 5);
	session_close(&lns, 7, fd_lns);
	fd_lns = session_open(&lns, 7);
	p = params(7, fd_lns, pap ? "pap" : "chap");
	p.standby = true;
	p.state = core.state;
	p.state_len = core.state_len;
	wire_open(&w);
	start(&p);
	await(&core.injected, 1, 20, "injected");
	if (core.inject_err)
		fail("injected: %s", strerror(-core.inject_err));
	io_pppd_ops.activate(core.engine, p.key);
	ping("after a takeover");
	if (wire_close(&w, "the takeover"))
		fail("something was negotiated");
	io_pppd_ops.terminate(core.engine, p.key);
	await(&core.downs, 1, 10, "down");
	waitpid(peer, NULL, 0);
	printf("OK proxy %s\n", what);
	return 0;
}

#endif
