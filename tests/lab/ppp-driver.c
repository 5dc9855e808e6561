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
 *   ppp-driver orphan                 the daemon is killed, traffic goes on,
 *                                     the next daemon adopts the session
 *   ppp-driver refuse                 wrong secrets, refused authentication,
 *                                     garbage on ppp.sock, a broken state
 *   ppp-driver rate N [exec]          standby sessions per second, memory
 *
 * L2TPHA_PLUGIN names l2tpha.so (default build/l2tpha.so here).
 */
#include "daemon/io_pppd.h"
#include "daemon/log.h"
#include "pppd-plugin/proto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_pppox.h>
#include <linux/l2tp.h>
#include <linux/ppp_defs.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/errno.h>
#include <nettle/md5.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNDIR		"/run/l2tpha-driver"
#define TUNNEL_LNS	4711
#define TUNNEL_LAC	4712
#define LNS_IP		"192.0.2.1"
#define LAC_IP		"192.0.2.2"
#define USER		"alice"
#define SECRET		"wonderland"

/* ---- one end of the kernel's data path ------------------------------ */

struct side {
	const char *ip, *peer_ip;
	uint16_t tunnel, peer_tunnel;
	int netns;
	struct nl_sock *nl;
	int family;
	int udp;
};

static struct side lns = { LNS_IP, LAC_IP, TUNNEL_LNS, TUNNEL_LAC, -1, NULL, 0, -1 };
static struct side lac = { LAC_IP, LNS_IP, TUNNEL_LAC, TUNNEL_LNS, -1, NULL, 0, -1 };

static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("FAIL: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

static void __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail("%s", cmd);
}

static void enter(const struct side *s)
{
	if (setns(s->netns, CLONE_NEWNET) < 0)
		fail("setns: %s", strerror(errno));
}

static void new_netns(struct side *s)
{
	if (unshare(CLONE_NEWNET) < 0)
		fail("unshare: %s", strerror(errno));
	s->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	shell("ip link set lo up");
}

static void command(struct side *s, struct nl_msg *msg)
{
	int err = nl_send_auto(s->nl, msg);

	nlmsg_free(msg);
	if (err >= 0)
		err = nl_wait_for_ack(s->nl);
	/* a session is gone with its last pppox socket, a tunnel with its last UDP one */
	if (err < 0 && err != -NLE_NODEV && err != -NLE_OBJ_NOTFOUND)
		fail("l2tp netlink: %s", nl_geterror(err));
}

static struct nl_msg *message(struct side *s, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, s->family, 0,
		    NLM_F_REQUEST | NLM_F_ACK, cmd, L2TP_GENL_VERSION);
	nla_put_u32(msg, L2TP_ATTR_CONN_ID, s->tunnel);
	return msg;
}

static struct sockaddr_in address(const char *ip)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(1701) };

	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

static void tunnel_open(struct side *s)
{
	struct sockaddr_in us = address(s->ip), peer = address(s->peer_ip);
	struct nl_msg *msg;
	int one = 1;

	enter(s);
	s->nl = nl_socket_alloc();
	if (genl_connect(s->nl) < 0)
		fail("genl_connect");
	s->family = genl_ctrl_resolve(s->nl, L2TP_GENL_NAME);
	if (s->family < 0)
		fail("this kernel has no l2tp netlink");
	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(s->udp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s->udp, (struct sockaddr *)&us, sizeof(us)) < 0
	    || connect(s->udp, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		fail("udp %s: %s", s->ip, strerror(errno));
	msg = message(s, L2TP_CMD_TUNNEL_CREATE);
	nla_put_u32(msg, L2TP_ATTR_PEER_CONN_ID, s->peer_tunnel);
	nla_put_u8(msg, L2TP_ATTR_PROTO_VERSION, 2);
	nla_put_u16(msg, L2TP_ATTR_ENCAP_TYPE, L2TP_ENCAPTYPE_UDP);
	nla_put_u32(msg, L2TP_ATTR_FD, s->udp);
	command(s, msg);
}

static void tunnel_close(struct side *s)
{
	command(s, message(s, L2TP_CMD_TUNNEL_DELETE));
	close(s->udp);
	nl_socket_free(s->nl);
}

/* The connected pppox socket; session IDs are equal at both ends. */
static int session_open(struct side *s, uint16_t session)
{
	struct sockaddr_pppol2tp sa = { .sa_family = AF_PPPOX,
					.sa_protocol = PX_PROTO_OL2TP };
	struct nl_msg *msg = message(s, L2TP_CMD_SESSION_CREATE);
	int fd;

	nla_put_u32(msg, L2TP_ATTR_SESSION_ID, session);
	nla_put_u32(msg, L2TP_ATTR_PEER_SESSION_ID, session);
	nla_put_u32(msg, L2TP_ATTR_PEER_CONN_ID, s->peer_tunnel);
	nla_put_u16(msg, L2TP_ATTR_PW_TYPE, L2TP_PWTYPE_PPP);
	command(s, msg);
	enter(s);
	fd = socket(AF_PPPOX, SOCK_DGRAM | SOCK_CLOEXEC, PX_PROTO_OL2TP);
	sa.pppol2tp.fd = s->udp;
	sa.pppol2tp.addr = address(s->peer_ip);
	sa.pppol2tp.s_tunnel = s->tunnel;
	sa.pppol2tp.d_tunnel = s->peer_tunnel;
	sa.pppol2tp.s_session = session;
	sa.pppol2tp.d_session = session;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail("pppox connect: %s", strerror(errno));
	return fd;
}

static void session_close(struct side *s, uint16_t session, int fd)
{
	struct nl_msg *msg = message(s, L2TP_CMD_SESSION_DELETE);

	close(fd);
	nla_put_u32(msg, L2TP_ATTR_SESSION_ID, session);
	command(s, msg);
}

static void network_up(void)
{
	new_netns(&lac);
	new_netns(&lns);
	enter(&lns);
	shell("ip link add v-lns type veth peer name v-lac");
	shell("ip link set v-lac netns /proc/%d/fd/%d", getpid(), lac.netns);
	shell("ip addr add %s/24 dev v-lns && ip link set v-lns up", lns.ip);
	enter(&lac);
	shell("ip addr add %s/24 dev v-lac && ip link set v-lac up", lac.ip);
	enter(&lns);
}

/* Debian's pppd as the subscriber. */
static pid_t subscriber(int fd, const char *user, const char *secret)
{
	char number[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	enter(&lac);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", fd);
	execl("/usr/sbin/pppd", "pppd", "plugin", "pppol2tp.so", "pppol2tp",
	      number, "nodetach", "noauth", "nodefaultroute", "noipv6", "noccp",
	      "ipparam", "lab", "user", user, "password", secret, "debug",
	      "lcp-echo-interval", "0", "usepeerdns",
	      "logfile", RUNDIR "/subscriber.log", NULL);
	_exit(127);
}

/* ---- what PPP says on the wire -------------------------------------- */

struct wire {
	int fd;
	unsigned int config, echo, terminate, auth, data;
};

static void wire_open(struct wire *w)
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL) };

	enter(&lns);
	memset(w, 0, sizeof(*w));
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       htons(ETH_P_ALL));
	sll.sll_ifindex = if_nametoindex("v-lns");
	if (bind(w->fd, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		fail("packet socket: %s", strerror(errno));
}

static void count_ppp(struct wire *w, const uint8_t *p, ssize_t len)
{
	uint16_t protocol;

	if (len > 4 && p[0] == 0xff && p[1] == 3) {
		p += 2;
		len -= 2;
	}
	if (len < 3)
		return;
	protocol = p[0] & 1 ? p[0] : p[0] << 8 | p[1];
	switch (protocol) {
	case 0xc021:
		if (p[2] == 9 || p[2] == 10)
			w->echo++;
		else if (p[2] == 5 || p[2] == 6)
			w->terminate++;
		else
			w->config++;
		return;
	case 0xc023:
	case 0xc223:
		w->auth++;
		return;
	case 0x0021:
		w->data++;
		return;
	default:
		w->config++;
		return;
	}
}

static void wire_read(struct wire *w)
{
	uint8_t b[2048];
	ssize_t n;

	while ((n = recv(w->fd, b, sizeof(b), 0)) > 0) {
		struct iphdr *ip = (struct iphdr *)b;
		size_t at = ip->ihl * 4 + sizeof(struct udphdr);
		uint16_t flags;

		if (n < 40 || ip->version != 4 || ip->protocol != IPPROTO_UDP)
			continue;
		flags = b[at] << 8 | b[at + 1];
		if (flags & 0x8000)
			continue;
		at += 6 + (flags & 0x4000 ? 2 : 0) + (flags & 0x0800 ? 4 : 0)
			+ (flags & 0x0200 ? 2 : 0);
		if (n > (ssize_t)at)
			count_ppp(w, b + at, n - at);
	}
}

static unsigned int wire_close(struct wire *w, const char *when)
{
	wire_read(w);
	close(w->fd);
	printf("wire, %s: %u negotiation, %u authentication, %u terminate, %u echo, %u data\n",
	       when, w->config, w->auth, w->terminate, w->echo, w->data);
	return w->config + w->auth + w->terminate;
}

/* ---- the core behind the seam --------------------------------------- */

struct core {
	struct ev_loop *loop;
	struct io_pppd *engine;
	uint8_t state[PPP_STATE_MAX];
	size_t state_len;
	struct ppp_up last;
	struct ppp_down why;
	uint32_t peer_addr;
	unsigned int ups, changes, injected, downs, auths, orphans, adopted;
	int inject_err, adopt;
	int session_fd, tunnel_fd;
};

static struct core core = { .peer_addr = 0 };

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool chap_ok(const struct ppp_auth *a)
{
	struct md5_ctx md5;
	uint8_t digest[MD5_DIGEST_SIZE];

	md5_init(&md5);
	md5_update(&md5, 1, &a->chap_id);
	md5_update(&md5, strlen(SECRET), (const uint8_t *)SECRET);
	md5_update(&md5, a->challenge_len, a->challenge);
	md5_digest(&md5, sizeof(digest), digest);
	return a->response_len == sizeof(digest)
		&& !memcmp(digest, a->response, sizeof(digest));
}

static void on_auth(void *ctx, struct ppp_key key, const struct ppp_auth *a)
{
	struct core *c = ctx;
	struct ppp_verdict v = { .peer_addr = c->peer_addr,
				 .dns = { inet_addr("198.51.100.53"), 0 } };

	c->auths++;
	switch (a->kind) {
	case PPP_AUTH_NONE:
		v.ok = true;
		break;
	case PPP_AUTH_PAP:
		v.ok = !strcmp(a->user, USER) && !strcmp(a->password, SECRET);
		break;
	case PPP_AUTH_CHAP_MD5:
		v.ok = !strcmp(a->user, USER) && chap_ok(a);
		break;
	}
	snprintf(v.message, sizeof(v.message), v.ok ? "welcome" : "no");
	io_pppd_ops.auth_reply(c->engine, key, &v);
}

static void keep(struct core *c, const struct ppp_up *up)
{
	c->last = *up;
	c->last.state = NULL;
	memcpy(c->state, up->state, up->state_len);
	c->state_len = up->state_len;
}

static void on_up(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;
	char local[16], peer[16];

	c->ups++;
	keep(c, up);
	inet_ntop(AF_INET, &up->local_addr, local, sizeof(local));
	inet_ntop(AF_INET, &up->peer_addr, peer, sizeof(peer));
	printf("up %u/%u: %s user '%s' %s -> %s mru %u/%u magic %08x/%08x, state %zu octets\n",
	       key.tunnel_id, key.session_id, up->ifname, up->user, local, peer,
	       up->mru, up->peer_mru, up->local_magic, up->peer_magic,
	       up->state_len);
}

static void on_changed(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;

	(void)key;
	c->changes++;
	keep(c, up);
}

static void on_injected(void *ctx, struct ppp_key key, int err)
{
	struct core *c = ctx;

	(void)key;
	c->injected++;
	c->inject_err = err;
}

static void on_down(void *ctx, struct ppp_key key, const struct ppp_down *d)
{
	struct core *c = ctx;

	c->downs++;
	c->why = *d;
	printf("down %u/%u: reason %d cause %u protocol %04x direction %u status %d: %s\n",
	       key.tunnel_id, key.session_id, d->reason, d->cause, d->protocol,
	       d->direction, d->status, d->message);
}

static bool on_orphan(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;

	c->orphans++;
	keep(c, up);
	printf("orphan %u/%u: %s\n", key.tunnel_id, key.session_id, up->ifname);
	return c->adopt;
}

static void on_adopted(void *ctx, struct ppp_key key, int session_fd,
		       int tunnel_fd)
{
	struct core *c = ctx;

	(void)key;
	c->adopted++;
	c->session_fd = session_fd;
	c->tunnel_fd = tunnel_fd;
}

static const struct ppp_events events = {
	.auth_request = on_auth, .up = on_up, .changed = on_changed,
	.injected = on_injected, .down = on_down, .orphan = on_orphan,
	.adopted = on_adopted,
};

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

static void run_for(double seconds)
{
	ev_timer t;

	ev_timer_init(&t, on_tick, seconds, 0.);
	ev_timer_start(core.loop, &t);
	ev_run(core.loop, 0);
	ev_timer_stop(core.loop, &t);
}

static double await(const unsigned int *counter, unsigned int want,
		    double seconds, const char *what)
{
	double start = now_s();

	while (*counter < want) {
		if (now_s() - start > seconds)
			fail("no %s after %.0f s (%u of %u)", what, seconds,
			     *counter, want);
		run_for(0.005);
	}
	return now_s() - start;
}

static void core_start(bool exec_per_session)
{
	struct io_pppd_config config = {
		.rundir = RUNDIR,
		.plugin_path = getenv("L2TPHA_PLUGIN"),
		.log_path = getenv("L2TPHA_PPPD_LOG"),
		.exec_per_session = exec_per_session,
	};

	enter(&lns);
	core.loop = ev_default_loop(0);
	core.peer_addr = inet_addr("10.9.0.2");
	core.engine = io_pppd_new(core.loop, &config, &events, &core);
	if (!core.engine)
		fail("io_pppd_new: %s", strerror(errno));
}

static struct ppp_params params(uint16_t session, int fd, const char *auth)
{
	struct ppp_params p = {
		.key = { TUNNEL_LNS, session },
		.session_fd = fd, .tunnel_fd = lns.udp,
		.auth_pap = !strcmp(auth, "pap"),
		.auth_chap = !strcmp(auth, "chap"),
		.local_name = "lns", .mru = 1460,
		.local_addr = inet_addr("10.9.0.1"),
	};

	snprintf(p.ifname, sizeof(p.ifname), "l2tp%u.%u", TUNNEL_LNS, session);
	return p;
}

static void start(const struct ppp_params *p)
{
	int err = io_pppd_ops.start(core.engine, p);

	if (err)
		fail("start: %s", strerror(-err));
}

static void ping(const char *when)
{
	double t = now_s();

	enter(&lns);
	shell("ping -q -n -c 5 -i 0.2 -W 2 -I 10.9.0.1 10.9.0.2 >/dev/null");
	printf("traffic %s: 5 of 5 echoes, %.1f s\n", when, now_s() - t);
}

/* Not if_nametoindex(): for an unknown name the kernel runs modprobe. */
static bool interface_exists(const char *name)
{
	FILE *f = fopen("/proc/thread-self/net/dev", "r");
	char line[512], *colon;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = 0;
		found = !strcmp(line + strspn(line, " "), name);
	}
	if (f)
		fclose(f);
	return found;
}

static void gone(const char *name, double seconds)
{
	double end = now_s() + seconds;

	enter(&lns);
	while (interface_exists(name)) {
		if (now_s() > end)
			fail("%s is still there", name);
		run_for(0.01);
	}
}

static void no_pidfile(const char *ifname)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/%s.pid", ifname);
	if (!access(path, F_OK))
		fail("%s was left behind", path);
}

/* ---- stories --------------------------------------------------------- */

static int story(const char *auth)
{
	struct wire w;
	struct ppp_params p;
	struct ppp_up before;
	int fd_lns, fd_lac;
	pid_t peer;
	double t;

	tunnel_open(&lac);
	tunnel_open(&lns);
	fd_lac = session_open(&lac, 7);
	fd_lns = session_open(&lns, 7);
	core_start(false);
	peer = subscriber(fd_lac, USER, SECRET);
	p = params(7, fd_lns, auth);
	p.echo_interval_s = 2;
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
	p.echo_interval_s = 2;
	p.echo_failures = 3;
	p.standby = true;
	p.state = core.state;
	p.state_len = core.state_len;
	t = now_s();
	start(&p);
	await(&core.injected, 1, 20, "injected");
	printf("injected in %.3f s: %s\n", now_s() - t,
	       core.inject_err ? strerror(-core.inject_err) : "ok");
	if (core.inject_err)
		return 1;
	if (!interface_exists(p.ifname))
		fail("no interface %s", p.ifname);
	run_for(5);
	wire_read(&w);
	if (w.config || w.auth || w.terminate || w.echo)
		fail("the standby spoke (%u %u %u %u)", w.config, w.auth,
		     w.terminate, w.echo);
	printf("standby for 5 s: not one PPP control packet on the wire\n");
	io_pppd_ops.activate(core.engine, p.key);
	ping("after the takeover");
	run_for(5);
	wire_read(&w);
	if (w.echo < 2)
		fail("no LCP echo after activate (%u)", w.echo);
	if (wire_close(&w, "power loss to 6 s after takeover"))
		fail("something was negotiated");
	ping("7 s after the takeover");
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
	struct ppp_state state = {
		.version = PPP_STATE_VERSION,
		.got = { LCP_MRU | LCP_MAGIC | LCP_PAP, 1460, 0, 0x1111 },
		.his = { LCP_MRU | LCP_MAGIC, 1460, 0, 0x2222 },
		.lcp_id = 3, .ipcp_id = 3,
		.ipcp_flags = IPCP_GOT_ADDR | IPCP_HIS_ADDR,
		.local_addr = inet_addr("10.9.0.1"),
		.auth_kind = PPP_AUTH_PAP, .user = USER,
	};
	uint8_t blob[PPP_STATE_MAX];
	unsigned int i, count;
	double t0, t1, t2;
	int *fds = calloc(n, sizeof(*fds));

	tunnel_open(&lns);
	core_start(exec_per_session);
	run_for(1);
	for (i = 0; i < n; i++)
		fds[i] = session_open(&lns, 100 + i);
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
		fprintf(stderr, "usage: ppp-driver story [none|pap|chap] | orphan | refuse | rate N [exec]\n");
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
	if (!strcmp(argv[1], "orphan"))
		return orphan();
	if (!strcmp(argv[1], "refuse"))
		return refuse();
	if (!strcmp(argv[1], "rate") && argc > 2)
		return rate(atoi(argv[2]), argc > 3 && !strcmp(argv[3], "exec"));
	return 2;
}
