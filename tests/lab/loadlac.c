// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loadlac: a LAC that is many LACs and many subscribers, for the lab. It runs
 * tunnels and sessions on the test LAC and the PPP client of tests/lac/ over
 * real UDP sockets, PPP in user space, and measures what a subscriber would
 * notice: the longest silence, a renegotiation, another address, a lost call.
 *
 * This file: options, the loop, the end. loadlac_session.c owns tunnels and
 * sessions, _link.c the sockets, _probe.c what flows through the sessions,
 * _core.c the host behind the LNS, _ctl.c the control socket, _report.c the
 * summary, _timer.c time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "loadlac.h"

static const char usage[] =
	"usage: loadlac --lns ADDR [options]\n"
	"       loadlac core [options]          the host behind the LNS, see core --help\n"
	"       loadlac ctl SOCKET COMMAND      command a running loadlac\n"
	"\n"
	"tunnels and calls\n"
	"  --lns ADDR[:PORT]     the LNS (port 1701), IPv4, or IPv6 ([ADDR]:PORT)\n"
	"  --local ADDR          first source address (chosen by the kernel)\n"
	"  --addresses N         source addresses ADDR … ADDR+N-1, in turn (1)\n"
	"  --source-port P       source port of the first tunnel on each address, then\n"
	"                        P+1 …; 0 = any (0)\n"
	"  --tunnels N           tunnels (1)\n"
	"  --sessions M          sessions in each tunnel (1)\n"
	"  --rate R              calls a second, 0 = no limit (0)\n"
	"  --concurrency N       calls being set up at once (50)\n"
	"  --no-call             wait for the command `call`\n"
	"  --redial              call again when a session is lost\n"
	"  --hostname FMT        Host Name, %d = tunnel (lac%d)\n"
	"  --secret S            tunnel secret (none)\n"
	"  --secret-every K      only every K-th tunnel has the secret (1)\n"
	"  --secret-hostname FMT Host Name of the tunnels that have the secret (the same)\n"
	"  --hide                hide every AVP that may be, where there is a secret\n"
	"  --peer NAME           habits of rfc2661, xl2tpd, openl2tp, accel-ppp or\n"
	"                        go-l2tp on the control channel (rfc2661)\n"
	"  --window N            receive window (16)\n"
	"  --tries N             retransmissions before a tunnel is dead (the peer's habit)\n"
	"  --hello S             HELLO after S seconds of silence, 0 = never (60)\n"
	"  --control-only        no PPP: a session is ready when ICCN is sent\n"
	"\n"
	"subscribers\n"
	"  --user FMT            user, %d = session (sub%d)\n"
	"  --password FMT        password, %d = session (pw%d)\n"
	"  --auth WHAT           any, pap, chap, or mix: even sessions insist on CHAP,\n"
	"                        odd ones on PAP (any)\n"
	"  --restart MS          restart timer of LCP, IPCP and PAP (3000)\n"
	"  --passive             LCP begins with the first frame of the LNS, or when the\n"
	"                        restart timer has run out\n"
	"  --echo S              own LCP echo every S seconds, 0 = never (0)\n"
	"\n"
	"traffic, in every session that is up\n"
	"  --traffic KIND        none, icmp (echo requests to the core host), or udp (a\n"
	"                        stream each way with `loadlac core`) (none)\n"
	"  --core ADDR[:PORT]    the core host (UDP port 7001)\n"
	"  --interval MS         spacing (50)\n"
	"\n"
	"running\n"
	"  --control SOCKET      unix socket for commands; runs until `quit`\n"
	"  --hold S              without --control: stay S seconds after setup (0)\n"
	"  --duration S          end after S seconds whatever happens (none)\n"
	"  --abrupt              end without StopCCN\n"
	"  --json FILE           summary to FILE instead of stdout\n"
	"  --full                summary lists every session\n"
	"  --seed N              random seed (by the kernel)\n"
	"  --verbose             events on stderr\n"
	"  --help                this text\n"
	"\n"
	"commands: call [N], hangup N|all|session I, shutdown [TUNNEL], stats [full],\n"
	"reset (gaps), drop on|off (cut the link), traffic on|off, hello, echo,\n"
	"wait up|down N [SECONDS], quit [now]\n"
	"\n"
	"exit status: 0 nothing failed, was lost, renegotiated or violated the RFC;\n"
	"1 something did (see the summary); 2 usage or system error\n";

enum opt {
	O_LNS = 256, O_LOCAL, O_ADDRESSES, O_SOURCE_PORT, O_TUNNELS, O_SESSIONS, O_RATE,
	O_CONCURRENCY, O_NO_CALL, O_REDIAL, O_HOSTNAME, O_SECRET, O_SECRET_EVERY, O_SECRET_HOSTNAME, O_HIDE, O_PEER,
	O_WINDOW, O_TRIES, O_HELLO, O_CONTROL_ONLY, O_USER, O_PASSWORD, O_AUTH, O_ECHO, O_PASSIVE,
	O_RESTART,
	O_TRAFFIC, O_CORE, O_INTERVAL, O_CONTROL, O_HOLD, O_DURATION, O_ABRUPT, O_JSON, O_FULL,
	O_SEED, O_VERBOSE, O_HELP,
};

static const struct option longs[] = {
	{ "lns", required_argument, NULL, O_LNS },
	{ "local", required_argument, NULL, O_LOCAL },
	{ "addresses", required_argument, NULL, O_ADDRESSES },
	{ "source-port", required_argument, NULL, O_SOURCE_PORT },
	{ "tunnels", required_argument, NULL, O_TUNNELS },
	{ "sessions", required_argument, NULL, O_SESSIONS },
	{ "rate", required_argument, NULL, O_RATE },
	{ "concurrency", required_argument, NULL, O_CONCURRENCY },
	{ "no-call", no_argument, NULL, O_NO_CALL },
	{ "redial", no_argument, NULL, O_REDIAL },
	{ "hostname", required_argument, NULL, O_HOSTNAME },
	{ "secret", required_argument, NULL, O_SECRET },
	{ "secret-every", required_argument, NULL, O_SECRET_EVERY },
	{ "secret-hostname", required_argument, NULL, O_SECRET_HOSTNAME },
	{ "hide", no_argument, NULL, O_HIDE },
	{ "peer", required_argument, NULL, O_PEER },
	{ "window", required_argument, NULL, O_WINDOW },
	{ "tries", required_argument, NULL, O_TRIES },
	{ "hello", required_argument, NULL, O_HELLO },
	{ "control-only", no_argument, NULL, O_CONTROL_ONLY },
	{ "user", required_argument, NULL, O_USER },
	{ "password", required_argument, NULL, O_PASSWORD },
	{ "auth", required_argument, NULL, O_AUTH },
	{ "echo", required_argument, NULL, O_ECHO },
	{ "passive", no_argument, NULL, O_PASSIVE },
	{ "restart", required_argument, NULL, O_RESTART },
	{ "traffic", required_argument, NULL, O_TRAFFIC },
	{ "core", required_argument, NULL, O_CORE },
	{ "interval", required_argument, NULL, O_INTERVAL },
	{ "control", required_argument, NULL, O_CONTROL },
	{ "hold", required_argument, NULL, O_HOLD },
	{ "duration", required_argument, NULL, O_DURATION },
	{ "abrupt", no_argument, NULL, O_ABRUPT },
	{ "json", required_argument, NULL, O_JSON },
	{ "full", no_argument, NULL, O_FULL },
	{ "seed", required_argument, NULL, O_SEED },
	{ "verbose", no_argument, NULL, O_VERBOSE },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

static void fail(const char *what, const char *arg)
{
	fprintf(stderr, "loadlac: %s: %s (see --help)\n", what, arg);
	exit(2);
}

static unsigned number(const char *name, const char *arg, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || v < min || v > max)
		fail(name, arg);
	return (unsigned)v;
}

static double real(const char *name, const char *arg)
{
	char *end;
	double v = strtod(arg, &end);

	if (*end || end == arg || v < 0)
		fail(name, arg);
	return v;
}

/* A, A:PORT, an IPv6 address, or that one in brackets and :PORT. */
static void address(const char *name, char *arg, union ll_addr *addr, uint16_t *port)
{
	char *colon = strchr(arg, ':');
	bool v6 = arg[0] == '[' || (colon && strchr(colon + 1, ':'));

	if (arg[0] == '[') {
		colon = strchr(arg++, ']');
		if (!colon)
			fail(name, arg);
		*colon++ = '\0';
	} else if (v6) {
		colon = NULL;
	}
	if (colon && *colon == ':') {
		*colon = '\0';
		if (!port)
			fail(name, arg);
		*port = (uint16_t)number(name, colon + 1, 1, 65535);
	}
	addr->sa.sa_family = v6 ? AF_INET6 : AF_INET;
	if (inet_pton(addr->sa.sa_family, arg, v6 ? (void *)&addr->in6.sin6_addr : (void *)&addr->in.sin_addr) != 1)
		fail(name, arg);
}

/* Inside of PPP: IPv4. */
static void core_address(const char *name, char *arg, struct in_addr *addr, uint16_t *port)
{
	union ll_addr a = { 0 };

	address(name, arg, &a, port);
	if (a.sa.sa_family != AF_INET)
		fail(name, arg);
	*addr = a.in.sin_addr;
}

static unsigned choice(const char *name, const char *arg, const char *const *words)
{
	unsigned i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], arg))
			return i;
	fail(name, arg);
	return 0;
}

static enum lac_peer peer_by_name(const char *arg)
{
	int i;

	for (i = 0; i < LAC_PEERS; i++)
		if (!strcmp(lac_peer_name((enum lac_peer)i), arg))
			return (enum lac_peer)i;
	fail("--peer", arg);
	return LAC_PEER_RFC;
}

static void one_option(struct ll_options *o, int c, char *arg)
{
	static const char *const auths[] = { "any", "pap", "chap", "mix", NULL };
	static const unsigned auth_bits[] = { PPPC_AUTH_ANY, PPPC_AUTH_PAP, PPPC_AUTH_CHAP, 0 };
	static const char *const kinds[] = { "none", "icmp", "udp", NULL };

	switch ((enum opt)c) {
	case O_LNS: address("--lns", arg, &o->lns, &o->lns_port); break;
	case O_LOCAL: address("--local", arg, &o->local, NULL); break;
	case O_ADDRESSES: o->addresses = number("--addresses", arg, 1, 65535); break;
	case O_SOURCE_PORT: o->source_port = (uint16_t)number("--source-port", arg, 0, 65535); break;
	case O_TUNNELS: o->tunnels = number("--tunnels", arg, 1, 10000); break;
	case O_SESSIONS: o->sessions = number("--sessions", arg, 1, 60000); break;
	case O_RATE: o->rate = real("--rate", arg); break;
	case O_CONCURRENCY: o->concurrency = number("--concurrency", arg, 1, 1000000); break;
	case O_NO_CALL: o->no_call = true; break;
	case O_REDIAL: o->redial = true; break;
	case O_HOSTNAME: o->hostname = arg; break;
	case O_SECRET: o->secret = arg; break;
	case O_SECRET_EVERY: o->secret_every = number("--secret-every", arg, 1, 10000); break;
	case O_SECRET_HOSTNAME: o->secret_hostname = arg; break;
	case O_HIDE: o->hide = true; break;
	case O_PEER: o->peer = peer_by_name(arg); break;
	case O_WINDOW: o->window = number("--window", arg, 1, 32767); break;
	case O_TRIES: o->tries = number("--tries", arg, 1, 1000); break;
	case O_HELLO: o->hello_s = number("--hello", arg, 0, 100000); break;
	case O_CONTROL_ONLY: o->control_only = true; break;
	case O_USER: o->user = arg; break;
	case O_PASSWORD: o->password = arg; break;
	case O_AUTH: o->auth = auth_bits[choice("--auth", arg, auths)]; break;
	case O_ECHO: o->echo_s = number("--echo", arg, 0, 100000); break;
	case O_PASSIVE: o->passive = true; break;
	case O_RESTART: o->restart_ms = number("--restart", arg, 1, 60000); break;
	case O_TRAFFIC: o->traffic = (enum ll_traffic)choice("--traffic", arg, kinds); break;
	case O_CORE: core_address("--core", arg, &o->core, &o->core_port); break;
	case O_INTERVAL: o->interval_ms = number("--interval", arg, 1, 60000); break;
	case O_CONTROL: o->control = arg; break;
	case O_HOLD: o->hold_s = real("--hold", arg); break;
	case O_DURATION: o->duration_s = real("--duration", arg); break;
	case O_ABRUPT: o->abrupt = true; break;
	case O_JSON: o->json = arg; break;
	case O_FULL: o->full = true; break;
	case O_SEED: o->seed = number("--seed", arg, 1, UINT32_MAX); break;
	case O_VERBOSE: o->verbose = true; break;
	case O_HELP:
		fputs(usage, stdout);
		exit(0);
	}
}

static void options(struct ll_options *o, int argc, char **argv)
{
	int c;

	*o = (struct ll_options){
		.lns_port = 1701, .core_port = 7001, .addresses = 1, .tunnels = 1, .sessions = 1,
		.concurrency = 50, .window = 16, .hello_s = 60, .hostname = "lac%d",
		.secret_every = 1, .user = "sub%d", .password = "pw%d", .auth = PPPC_AUTH_ANY,
		.interval_ms = 50, .restart_ms = 3000,
	};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c < O_LNS) {
			fputs(usage, stderr);
			exit(2);
		}
		one_option(o, c, optarg);
	}
	if (optind < argc)
		fail("unexpected argument", argv[optind]);
	if (!o->lns.sa.sa_family)
		fail("missing", "--lns");
	if (o->traffic != LL_TRAFFIC_NONE && !o->core.s_addr)
		fail("missing", "--core");
	if (o->control_only && o->traffic != LL_TRAFFIC_NONE)
		fail("--traffic", "needs PPP, not --control-only");
	if (!o->seed && getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = 1;
	if (!o->seed)
		o->seed = 1;
}

/* ---- the loop ------------------------------------------------------------------- */

static int wait_ms(struct ll *ll, uint64_t limit_us)
{
	uint64_t at = ll_heap_next(&ll->heap), now = ll_now_us();

	if (limit_us < at)
		at = limit_us;
	if (at <= now)
		return 0;
	return at - now > 1000000 ? 1000 : (int)((at - now + 999) / 1000);
}

static bool is_tunnel(const struct ll *ll, const void *p)
{
	return (uintptr_t)p >= (uintptr_t)ll->tunnels &&
	       (uintptr_t)p < (uintptr_t)(ll->tunnels + ll->opt.tunnels);
}

/* One turn: timers, then what has arrived. */
static void turn(struct ll *ll, int signal_fd, uint64_t limit_us)
{
	struct epoll_event ev[64];
	struct signalfd_siginfo info;
	int i, n;

	ll->now_us = ll_now_us();
	ll_heap_run(&ll->heap, ll->now_us);
	ll_link_flush(ll);
	n = epoll_wait(ll->epoll_fd, ev, 64, wait_ms(ll, limit_us));
	for (i = 0; i < n; i++) {
		ll->now_us = ll_now_us();
		if (ev[i].data.ptr == ll) {
			if (read(signal_fd, &info, sizeof(info)) > 0)
				ll->quit = true;
		} else if (is_tunnel(ll, ev[i].data.ptr)) {
			ll_link_read(ev[i].data.ptr);
		} else if (ll_server_owns(ll, ev[i].data.ptr)) {
			ll_server_event(ll, ev[i].data.ptr);
		}
	}
	ll_server_poll(ll);
	ll_link_flush(ll);
}

/* Nothing is being set up any more. */
static bool settled(const struct ll *ll)
{
	return !ll->n_state[LL_WAITING] && !ll->n_state[LL_CALLING] &&
	       (ll->opt.control_only || !ll->n_state[LL_L2TP]);
}

static void run(struct ll *ll, int signal_fd)
{
	const struct ll_options *o = &ll->opt;
	uint64_t end_us = o->duration_s > 0 ? ll->start_us + (uint64_t)(o->duration_s * 1e6) : LL_NEVER;
	uint64_t hold_us = LL_NEVER;

	while (!ll->quit && ll->now_us < end_us && ll->now_us < hold_us) {
		turn(ll, signal_fd, end_us < hold_us ? end_us : hold_us);
		if (!o->control && hold_us == LL_NEVER && settled(ll))
			hold_us = ll->now_us + (uint64_t)(o->hold_s * 1e6);
	}
}

/* StopCCN on every tunnel, and time for it to be acknowledged. */
static void leave(struct ll *ll, int signal_fd)
{
	uint64_t end_us = ll->now_us + 3000000;
	unsigned i, open;

	for (i = 0; i < ll->opt.tunnels; i++)
		ll_shutdown_tunnel(&ll->tunnels[i], 6);
	do {
		turn(ll, signal_fd, end_us);
		for (i = open = 0; i < ll->opt.tunnels; i++)
			open += lac_backlog(ll->tunnels[i].lac) != 0;
	} while (open && ll->now_us < end_us);
}

static int signals(struct ll *ll)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = ll };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd >= 0)
		epoll_ctl(ll->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	return fd;
}

static int summary(struct ll *ll)
{
	FILE *f = ll->opt.json ? fopen(ll->opt.json, "w") : stdout;
	bool good = ll_verdict(ll);

	if (!f) {
		fprintf(stderr, "loadlac: %s: %s\n", ll->opt.json, strerror(errno));
		return 2;
	}
	ll_report(ll, f, ll->opt.full);
	if (fflush(f) || (f != stdout && fclose(f)))
		return 2;
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct ll *ll;
	int signal_fd, err, status;

	if (argc > 1 && !strcmp(argv[1], "core"))
		return ll_core(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "ctl"))
		return ll_client(argc - 1, argv + 1);
	ll = calloc(1, sizeof(*ll));
	if (!ll)
		return 2;
	options(&ll->opt, argc, argv);
	ll->rng = ll->opt.seed;
	ll->start_us = ll->now_us = ll_now_us();
	ll->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signal_fd = signals(ll);
	err = ll_link_init(ll);
	if (!err)
		err = ll_sessions_init(ll);
	if (!err && ll->opt.control)
		err = ll_server_open(ll, ll->opt.control);
	if (err || ll->epoll_fd < 0 || signal_fd < 0) {
		fprintf(stderr, "loadlac: %s\n", strerror(err ? -err : errno));
		return 2;
	}
	if (!ll->opt.no_call)
		ll_call(ll, ll->n_sessions);
	run(ll, signal_fd);
	status = summary(ll);
	if (!ll->opt.abrupt)
		leave(ll, signal_fd);
	ll_server_close(ll);
	ll_sessions_free(ll);
	ll_heap_free(&ll->heap);
	ll_link_free(ll);
	free(ll);
	return status;
}
