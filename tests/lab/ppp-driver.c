/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PPP engine against a real pppd over the real kernel data path, without
 * any L2TP control protocol: this program makes both tunnel ends (two network
 * namespaces, one veth), gives one to Debian's own pppd with pppol2tp.so and
 * the other to daemon/io_pppd.c, plays the core behind ppp.h, and counts what
 * PPP says on the veth.
 *
 *   ppp-driver story [none|pap|chap]  negotiate, capture, power loss, inject
 *                                     as standby, activate, traffic, terminate
 *   ppp-driver proxy [chap|pap|lcp|wrong]  a LAC has negotiated LCP
 *   ppp-driver silent                 ... and the subscriber never proves who it is
 *   ppp-driver orphan                 the daemon is killed, traffic goes on,
 *                                     the next daemon adopts the session
 *   ppp-driver peer                   the subscriber starts over (recapture),
 *                                     hangs up, falls silent; a key used again
 *   ppp-driver early                  the subscriber speaks before there is a
 *                                     session, or before its pppd is
 *   ppp-driver zygote                 the zygote is killed, twice
 *   ppp-driver refuse                 wrong secrets, refused authentication,
 *                                     garbage on ppp.sock, a broken state
 *   ppp-driver rate N [exec]          standby sessions per second, memory
 *   ppp-driver kernel N T             what N sessions in T tunnels cost the kernel alone
 *
 * L2TPHA_PLUGIN names l2tpha.so (default build/l2tpha.so here).
 */
#include "tests/lab/ppp-core.h"
#include "tests/lab/ppp-kernel.h"
#include "tests/lab/ppp-proxy.h"

#include <poll.h>

/* ---- stories --------------------------------------------------------- */

static int story(const char *auth)
{
	struct wire w;
	struct ppp_params p;
	struct ppp_up before;
	int fd_lns, fd_lac;
	pid_t peer, busy;
	double t;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 7);
	fd_lns = session_open(&lns, 7);
	core_start(false);
	peer = subscriber(fd_lac, USER, SECRET);
	p = params(7, fd_lns, auth);
	p.echo_interval_s = 1;
	p.echo_failures = 3;
	start(&p);
	t = await(&core.ups, 1, 30, "up");
	printf("negotiated with %s in %.2f s\n", auth, t);
	if (strcmp(auth, "none") && strcmp(core.last.user, USER))
		fail("user is '%s'", core.last.user);
	if (core.last.peer_addr != core.peer_addr || !core.last.local_magic
	    || !core.last.peer_magic)
		fail("captured state is not what was agreed");
	no_pidfile(core.last.ifname);
	run_for(1);
	ping("before");
	before = core.last;

	/* power loss: everything of the active disappears without a word */
	wire_open(&w);
	io_pppd_ops.kill(core.engine, p.key);
	gone(p.ifname, 5);
	session_close(&lns, 7, fd_lns);
	tunnel_close(&lns);

	/* the standby's kernel session and pppd, with the captured state */
	tunnel_open(&lns);
	fd_lns = session_open(&lns, 7);
	p = params(7, fd_lns, auth);
	p.echo_interval_s = 1;
	p.echo_failures = 3;
	p.standby = true;
	p.state = core.state;
	p.state_len = core.state_len;
	t = now_s();
	busy = talker();
	start(&p);
	await(&core.injected, 1, 20, "injected");
	printf("injected in %.3f s: %s\n", now_s() - t,
	       core.inject_err ? strerror(-core.inject_err) : "ok");
	if (core.inject_err)
		return 1;
	run_for(0.5);
	kill(busy, SIGKILL);
	waitpid(busy, NULL, 0);
	if (!interface_exists(p.ifname))
		fail("no interface %s", p.ifname);
	run_for(3);
	wire_read(&w);
	if (w.config || w.auth || w.terminate || w.echo)
		fail("the standby spoke (%u %u %u %u)", w.config, w.auth,
		     w.terminate, w.echo);
	printf("standby for 3 s: not one PPP control packet on the wire\n");
	io_pppd_ops.activate(core.engine, p.key);
	ping("after the takeover");
	run_for(2);
	wire_read(&w);
	if (w.echo < 2)
		fail("no LCP echo after activate (%u)", w.echo);
	if (wire_close(&w, "power loss to 3 s after takeover"))
		fail("something was negotiated");
	ping("4 s after the takeover");
	if (core.downs || core.ups != 1 || core.changes)
		fail("unexpected events");
	if (memcmp(&before, &core.last, sizeof(before)))
		fail("state differs");

	wire_open(&w);
	io_pppd_ops.terminate(core.engine, p.key);
	await(&core.downs, 1, 10, "down");
	if (core.why.reason != PPP_DOWN_LOCAL || core.why.cause != 1)
		fail("cause");
	if (!wire_close(&w, "orderly end"))
		fail("no LCP Terminate");
	waitpid(peer, NULL, 0);
	printf("OK story %s\n", auth);
	return 0;
}

static void daemon_until_killed(int fd_lns, int report)
{
	struct ppp_params p = params(9, fd_lns, "pap");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	core_start(false);
	start(&p);
	await(&core.ups, 1, 30, "up");
	if (write(report, "u", 1) != 1)
		exit(1);
	for (;;)
		run_for(60);
}

static int orphan(void)
{
	int fd_lns, fd_lac, pipefd[2], word;
	double t;
	pid_t peer, daemon;
	char c;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 9);
	fd_lns = session_open(&lns, 9);
	peer = subscriber(fd_lac, USER, SECRET);
	if (pipe(pipefd) < 0)
		return 1;
	fflush(stdout);
	daemon = fork();
	if (!daemon) {
		close(pipefd[0]);
		daemon_until_killed(fd_lns, pipefd[1]);
	}
	close(pipefd[1]);
	close(fd_lns);
	close(lns.udp);
	if (read(pipefd[0], &c, 1) != 1)
		fail("first daemon");
	kill(daemon, SIGKILL);
	waitpid(daemon, &word, 0);
	ping("after kill -9 of the daemon");
	core.adopt = 1;
	core_start(false);
	t = await(&core.adopted, 1, 10, "adopted session");
	printf("found by the next daemon in %.2f s, fds %d %d\n", t,
	       core.session_fd, core.tunnel_fd);
	if (core.session_fd < 0 || core.tunnel_fd < 0 || core.orphans != 1)
		fail("descriptors");
	lns.udp = core.tunnel_fd;
	ping("adopted");
	io_pppd_ops.kill(core.engine, (struct ppp_key){ TUNNEL_LNS, 9 });
	gone("l2tp4711.9", 5);
	io_pppd_free(core.engine);

	/* again, and this time nobody knows it */
	fd_lns = core.session_fd;
	core.adopt = 0;
	core.ups = 0;
	session_close(&lns, 9, fd_lns);
	fd_lns = session_open(&lns, 9);
	kill(peer, SIGKILL);
	waitpid(peer, &word, 0);
	session_close(&lac, 9, fd_lac);
	fd_lac = session_open(&lac, 9);
	peer = subscriber(fd_lac, USER, SECRET);
	if (pipe(pipefd) < 0)
		return 1;
	daemon = fork();
	if (!daemon) {
		close(pipefd[0]);
		daemon_until_killed(fd_lns, pipefd[1]);
	}
	close(pipefd[1]);
	if (read(pipefd[0], &c, 1) != 1)
		fail("third daemon");
	kill(daemon, SIGKILL);
	waitpid(daemon, &word, 0);
	{
		struct wire w;

		wire_open(&w);
		core_start(false);
		await(&core.orphans, 2, 10, "orphan");
		gone("l2tp4711.9", 5);
		run_for(1);
		if (wire_close(&w, "sent away"))
			fail("an unknown session did not leave silently");
	}
	kill(peer, SIGKILL);
	printf("OK orphan\n");
	return 0;
}

static void expect_refusal(uint16_t session, const char *auth,
			   const char *secret, enum ppp_down_reason reason,
			   unsigned int cause)
{
	unsigned int downs = core.downs;
	int fd_lac = session_open(&lac, session);
	int fd_lns = session_open(&lns, session);
	struct ppp_params p = params(session, fd_lns, auth);
	pid_t peer = subscriber(fd_lac, USER, secret);
	int word;

	start(&p);
	await(&core.downs, downs + 1, 40, "down");
	if (core.why.reason != reason || core.why.cause != cause)
		fail("%s with '%s': reason %d cause %u", auth, secret,
		     core.why.reason, core.why.cause);
	kill(peer, SIGKILL);
	waitpid(peer, &word, 0);
	session_close(&lac, session, fd_lac);
	session_close(&lns, session, fd_lns);
}

static pid_t dial_again(uint16_t session, int *fd_lac, pid_t old)
{
	int word;

	kill(old, SIGKILL);
	waitpid(old, &word, 0);
	session_close(&lac, session, *fd_lac);
	*fd_lac = session_open(&lac, session);
	return subscriber(*fd_lac, USER, SECRET);
}

static int peer_story(void)
{
	int fd_lac, fd_lns, word, i;
	uint32_t magic;
	struct ppp_params p;
	pid_t peer;
	double t;

	tunnel_open(&lac);
	tunnel_open(&lns);
	core_start(false);
	fd_lac = session_open(&lac, 30);
	fd_lns = session_open(&lns, 30);
	p = params(30, fd_lns, "chap");
	p.echo_interval_s = 1;
	p.echo_failures = 3;
	peer = subscriber(fd_lac, USER, SECRET);
	start(&p);
	await(&core.ups, 1, 30, "up");
	run_for(1);
	ping("first call");

	/* the subscriber's box restarts: LCP from the beginning on our open link */
	magic = core.last.peer_magic;
	peer = dial_again(30, &fd_lac, peer);
	await(&core.changes, 1, 30, "changed");
	if (core.last.peer_magic == magic || core.downs || core.ups != 1)
		fail("recapture");
	run_for(1);
	ping("renegotiated");

	/* the subscriber hangs up */
	t = now_s();
	kill(peer, SIGTERM);
	await(&core.downs, 1, 10, "down");
	if (core.why.reason != PPP_DOWN_PEER || core.why.cause != 3
	    || core.why.direction != 1 || now_s() - t > 2)
		fail("hang-up: reason %d after %.1f s", core.why.reason,
		     now_s() - t);
	waitpid(peer, &word, 0);
	session_close(&lac, 30, fd_lac);
	session_close(&lns, 30, fd_lns);

	/* the same key again, killed and started in one breath, five times */
	fd_lac = session_open(&lac, 30);
	fd_lns = session_open(&lns, 30);
	p.session_fd = fd_lns;
	for (i = 0; i < 5; i++) {
		start(&p);
		run_for(0.1 * i);
		io_pppd_ops.kill(core.engine, p.key);
	}
	start(&p);
	peer = subscriber(fd_lac, USER, SECRET);
	await(&core.ups, 2, 30, "up");
	if (core.downs != 1)
		fail("a killed session reported");
	run_for(1);
	ping("fifth reuse of the key");

	/* the subscriber falls silent */
	t = now_s();
	kill(peer, SIGKILL);
	waitpid(peer, &word, 0);
	session_close(&lac, 30, fd_lac);
	await(&core.downs, 2, 20, "down");
	if (core.why.reason != PPP_DOWN_ECHO || core.why.cause != 8)
		fail("silence: reason %d", core.why.reason);
	t = now_s() - t;
	printf("silence noticed in %.1f s\n", t);
	if (t > 6)
		fail("a dead peer was waited for");
	if (io_pppd_sessions(core.engine))
		fail("sessions left");
	printf("OK peer\n");
	return 0;
}

/*
 * The subscriber's first Configure-Request, which it repeats after 3 s.  It is
 * read where the daemon reads it, and waits where the kernel keeps it.
 */
static void early_call(uint16_t session, bool before_session)
{
	uint8_t packet[512];
	struct pollfd pfd = { .fd = lns.udp, .events = POLLIN };
	int fd_lac = session_open(&lac, session), fd_lns = -1, word;
	unsigned int ups = core.ups;
	struct ppp_params p;
	ssize_t n = 0;
	pid_t peer;
	double t;

	if (!before_session)
		pfd.fd = fd_lns = session_open(&lns, session);
	peer = subscriber(fd_lac, USER, SECRET);
	if (poll(&pfd, 1, 20000) != 1)
		fail("the subscriber does not speak");
	t = now_s();
	if (before_session) {
		n = recv(lns.udp, packet, sizeof(packet), MSG_DONTWAIT);
		io_pppd_early(core.engine, packet, n > 0 ? n : 0);
		fd_lns = session_open(&lns, session);
	}
	p = params(session, fd_lns, "pap");
	start(&p);
	await(&core.ups, ups + 1, 30, "up");
	t = now_s() - t;
	printf("spoke before the %s: up %.2f s later\n",
	       before_session ? "session" : "channel", t);
	if (t > 2.5)
		fail("the first Configure-Request was lost");
	run_for(0.5);
	ping("early");
	io_pppd_ops.kill(core.engine, p.key);
	gone(p.ifname, 5);
	kill(peer, SIGKILL);
	waitpid(peer, &word, 0);
	session_close(&lac, session, fd_lac);
	session_close(&lns, session, fd_lns);
}

static int early(void)
{
	tunnel_open(&lac);
	tunnel_open(&lns);
	core_start(false);
	run_for(1);
	early_call(50, true);
	early_call(51, false);
	if (core.changes || core.downs)
		fail("unexpected events");
	printf("OK early\n");
	return 0;
}

/* Of all pppds with our plugin only the zygote is a child of ours. */
static void zygote_signal(const char *signal_name)
{
	shell("kill -%s $(pgrep -P %d -f [l]2tpha-fd)", signal_name, getpid());
}

/* Starts when there is a zygote again. */
static void start_patiently(const struct ppp_params *p)
{
	double t = now_s();
	int err;

	while ((err = io_pppd_ops.start(core.engine, p)) == -ENOTCONN) {
		if (now_s() - t > 20)
			fail("no zygote after 20 s");
		run_for(0.05);
	}
	if (err)
		fail("start: %s", strerror(-err));
}

static struct ppp_state sample_state(void)
{
	struct ppp_state state = {
		.version = PPP_STATE_VERSION,
		.got = { LCP_MRU | LCP_MAGIC | LCP_PAP, 1460, 0, 0x1111 },
		.his = { LCP_MRU | LCP_MAGIC, 1460, 0, 0x2222 },
		.lcp_id = 3, .ipcp_id = 3,
		.ipcp_flags = IPCP_GOT_ADDR | IPCP_HIS_ADDR,
		.local_addr = inet_addr("10.9.0.1"),
		.auth_kind = PPP_AUTH_PAP, .user = USER,
	};

	return state;
}

static unsigned int pppds(void)
{
	FILE *f = popen("pgrep -c -x pppd", "r");
	unsigned int n = 0;

	if (!f || fscanf(f, "%u", &n) != 1)
		fail("pgrep");
	pclose(f);
	return n;
}

/* Processes that wait for sessions: used when one comes, gone when none does. */
static void prepared_story(void)
{
	unsigned int before = pppds(), injected = core.injected, i;
	struct ppp_state state = sample_state();
	uint8_t blob[PPP_STATE_MAX];
	double t = now_s();

	io_pppd_ops.prepare(core.engine, 3);
	while (pppds() != before + 3) {
		if (now_s() - t > 10)
			fail("%u processes wait for a session, not 3", pppds() - before);
		run_for(0.1);
	}
	for (i = 0; i < 4; i++) {
		struct ppp_params p = params(70 + i, session_open(&lns, 70 + i), "pap");

		state.peer_addr = htonl(0x0a0a0000 + i + 1);
		p.state_len = proto_encode_state(blob, sizeof(blob), &state);
		p.state = blob;
		p.standby = true;
		start(&p);
		await(&core.injected, injected + i + 1, 10, "injected");
		if (core.inject_err || pppds() != before + (i < 3 ? 3 : 4))
			fail("session %u: %s, %u processes", i, strerror(-core.inject_err), pppds() - before);
	}
	for (i = 0; i < 4; i++)
		io_pppd_ops.kill(core.engine, (struct ppp_key){ TUNNEL_LNS, 70 + i });
	run_for(0.5);
	io_pppd_ops.prepare(core.engine, 2);
	t = now_s();
	run_for(1);
	if (pppds() != before + 2)
		fail("%u processes wait for a session, not 2", pppds() - before);
	while (pppds() != before) {
		if (now_s() - t > 40)
			fail("nobody came, and they wait for ever");
		run_for(0.5);
	}
	printf("prepared, used, and given up after %.0f s\n", now_s() - t);
}

static int zygote_story(void)
{
	int fd_lac, fd_lns, fd2_lac, fd2_lns;
	struct ppp_params p, p2;
	pid_t peer, peer2;
	double t, killed;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 60);
	fd_lns = session_open(&lns, 60);
	fd2_lac = session_open(&lac, 61);
	fd2_lns = session_open(&lns, 61);
	core_start(false);
	run_for(1);
	peer = subscriber(fd_lac, USER, SECRET);
	p = params(60, fd_lns, "pap");
	start(&p);
	await(&core.ups, 1, 30, "up");
	run_for(0.5);
	ping("with its zygote");

	killed = now_s();
	zygote_signal("KILL");
	run_for(0.2);
	p2 = params(61, fd2_lns, "pap");
	if (io_pppd_ops.start(core.engine, &p2) != -ENOTCONN)
		fail("a start without a zygote");
	ping("without a zygote");
	if (core.downs)
		fail("a session went down with the zygote");

	start_patiently(&p2);
	printf("a zygote again within %.1f s\n", now_s() - killed);
	core.peer_addr = inet_addr("10.9.0.3");
	peer2 = subscriber(fd2_lac, USER, SECRET);
	await(&core.ups, 2, 30, "up of a new session");
	io_pppd_ops.kill(core.engine, p2.key);
	gone(p2.ifname, 5);

	/* it dies with an order in hand: the session it was for is down */
	zygote_signal("STOP");
	start(&p2);
	run_for(0.1);
	zygote_signal("KILL");
	t = await(&core.downs, 1, 5, "down of what never began");
	if (core.why.reason != PPP_DOWN_ENGINE)
		fail("reason %d", core.why.reason);
	printf("an order that died with the zygote: down after %.1f s\n", t);
	start_patiently(&p2);
	io_pppd_ops.kill(core.engine, p2.key);

	prepared_story();

	/* the first session has no parent any more: its end is noticed all the same */
	ping("two zygotes later");
	kill(peer, SIGTERM);
	await(&core.downs, 2, 5, "down");
	if (core.why.reason != PPP_DOWN_PEER)
		fail("hang-up: reason %d", core.why.reason);
	kill(peer2, SIGKILL);
	waitpid(peer, NULL, 0);
	waitpid(peer2, NULL, 0);
	printf("OK zygote\n");
	return 0;
}

static int dial_ppp_sock(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
				   .sun_path = RUNDIR "/ppp.sock" };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		fail("ppp.sock: %s", strerror(errno));
	return fd;
}

static int refuse(void)
{
	static const char *garbage[] = { "x", "lP\1\14\0\10\0\0", "GET / HTTP/1.0\r\n\r\n" };
	struct ppp_params p;
	uint8_t broken[64];
	int fd, fd_lns;
	size_t i;
	char c;

	tunnel_open(&lac);
	tunnel_open(&lns);
	core_start(false);
	expect_refusal(20, "pap", "wrong", PPP_DOWN_AUTH, 16);
	expect_refusal(21, "chap", "wrong", PPP_DOWN_AUTH, 16);

	for (i = 0; i < 3; i++) {
		fd = dial_ppp_sock();
		if (write(fd, garbage[i], i == 1 ? 8 : strlen(garbage[i])) < 0)
			fail("write");
		run_for(0.1);
		if (recv(fd, &c, 1, MSG_DONTWAIT) != 0)
			fail("garbage %zu: connection still open", i);
		close(fd);
	}

	fd_lns = session_open(&lns, 22);
	p = params(22, fd_lns, "pap");
	memset(broken, 0xa5, sizeof(broken));
	p.standby = true;
	p.state = broken;
	p.state_len = sizeof(broken);
	start(&p);
	await(&core.injected, 1, 10, "injected");
	if (!core.inject_err)
		fail("a broken state was accepted");
	gone(p.ifname, 5);
	close(fd_lns);
	printf("broken state: %s\n", strerror(-core.inject_err));

	/* a session's pppd is killed under us: one down, at once */
	{
		unsigned int downs = core.downs;
		double t;

		fd_lns = session_open(&lns, 23);
		p = params(23, fd_lns, "pap");
		start(&p);
		run_for(1.5);
		shell("kill -9 $(pgrep -n -x pppd)");
		t = await(&core.downs, downs + 1, 5, "down of a killed pppd");
		if (core.why.reason != PPP_DOWN_ENGINE || t > 0.5)
			fail("killed pppd: reason %d after %.2f s",
			     core.why.reason, t);
		printf("killed pppd noticed in %.3f s\n", t);
	}
	/* a stray SIGTERM ends a session, and the peer hears nothing of it */
	{
		unsigned int downs = core.downs, injected = core.injected;
		struct ppp_state state = sample_state();
		uint8_t blob[PPP_STATE_MAX];
		struct wire w;

		wire_open(&w);
		state.peer_addr = core.peer_addr;
		fd_lns = session_open(&lns, 24);
		p = params(24, fd_lns, "pap");
		p.state_len = proto_encode_state(blob, sizeof(blob), &state);
		p.state = blob;
		start(&p);
		await(&core.injected, injected + 1, 10, "injected");
		shell("kill -TERM $(pgrep -n -x pppd)");
		await(&core.downs, downs + 1, 5, "down after SIGTERM");
		if (wire_close(&w, "SIGTERM to a session"))
			fail("the peer was hung up on");
	}
	printf("OK refuse\n");
	return 0;
}

/* kB of this field over all pppd processes, and how many there are. */
static unsigned long pppd_memory(const char *field, unsigned int *count)
{
	FILE *f = popen("pgrep -x pppd", "r");
	char line[128], path[64];
	unsigned long kb = 0, v;
	int pid;

	*count = 0;
	while (f && fgets(line, sizeof(line), f)) {
		FILE *m;

		pid = atoi(line);
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
		m = fopen(path, "r");
		if (!m)
			continue;
		while (fgets(line, sizeof(line), m))
			if (!strncmp(line, field, strlen(field))
			    && sscanf(line + strlen(field), "%lu", &v) == 1)
				kb += v;
		fclose(m);
		(*count)++;
	}
	if (f)
		pclose(f);
	return kb;
}

static int rate(unsigned int n, bool exec_per_session)
{
	struct ppp_state state = sample_state();
	uint8_t blob[PPP_STATE_MAX];
	unsigned int i, count;
	double t0, t1, t2, opening;
	int *fds = calloc(n, sizeof(*fds));

	tunnel_open(&lns);
	core_start(exec_per_session);
	run_for(1);
	t0 = now_s();
	for (i = 0; i < n; i++)
		fds[i] = session_open(&lns, 100 + i);
	opening = now_s() - t0;
	t0 = now_s();
	for (i = 0; i < n; i++) {
		struct ppp_params p = params(100 + i, fds[i], "pap");

		state.peer_addr = htonl(0x0a0a0000 + i + 1);
		p.state_len = proto_encode_state(blob, sizeof(blob), &state);
		p.state = blob;
		p.standby = true;
		start(&p);
	}
	t1 = now_s();
	await(&core.injected, n, 60, "injected");
	t2 = now_s();
	if (core.inject_err || core.downs)
		fail("inject: %s", strerror(-core.inject_err));
	printf("%s: %u standby sessions in %.2f s = %.1f/s (requests %.3f s)\n",
	       exec_per_session ? "exec" : "zygote", n, t2 - t0, n / (t2 - t0),
	       t1 - t0);
	printf("kernel sessions opened in %.3f s, all in place in %.3f s\n", opening, opening + t2 - t0);
	printf("memory per pppd: Pss %lu kB", pppd_memory("Pss:", &count) / (count ? count : 1));
	printf(", private %lu kB (%u processes)\n",
	       (pppd_memory("Private_Dirty:", &count)
		+ pppd_memory("Private_Clean:", &count)) / (count ? count : 1),
	       count);
	t0 = now_s();
	for (i = 0; i < n; i++)
		io_pppd_ops.kill(core.engine, (struct ppp_key){ TUNNEL_LNS, 100 + i });
	gone("l2tp4711.100", 30);
	for (i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "l2tp%u.%u", TUNNEL_LNS, 100 + i);
		gone(name, 30);
	}
	printf("all killed in %.2f s\n", now_s() - t0);
	if (core.downs)
		fail("a killed session reported");
	free(fds);
	return 0;
}

int main(int argc, char **argv)
{
	static char plugin[4096];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "usage: ppp-driver story [none|pap|chap] | proxy [chap|pap|lcp|wrong] | silent | orphan | peer | early | zygote | refuse | rate N [exec] | kernel N T\n");
		return 2;
	}
	if (!getenv("L2TPHA_PLUGIN")) {
		if (!realpath("build/l2tpha.so", plugin))
			fail("build/l2tpha.so: %s", strerror(errno));
		setenv("L2TPHA_PLUGIN", plugin, 1);
	}
	shell("mkdir -p %s", RUNDIR);
	network_up();
	if (!strcmp(argv[1], "story"))
		return story(argc > 2 ? argv[2] : "pap");
	if (!strcmp(argv[1], "proxy"))
		return proxy_story(argc > 2 ? argv[2] : "chap");
	if (!strcmp(argv[1], "silent"))
		return silent_story();
	if (!strcmp(argv[1], "orphan"))
		return orphan();
	if (!strcmp(argv[1], "peer"))
		return peer_story();
	if (!strcmp(argv[1], "early"))
		return early();
	if (!strcmp(argv[1], "zygote"))
		return zygote_story();
	if (!strcmp(argv[1], "refuse"))
		return refuse();
	if (!strcmp(argv[1], "rate") && argc > 2)
		return rate(atoi(argv[2]), argc > 3 && !strcmp(argv[3], "exec"));
	if (!strcmp(argv[1], "kernel") && argc > 3)
		return kernel_rate(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
