// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bed of a trial: the active in the caller's process, its LACs and its
 * standby in one each; between them real UDP and the real HA link on loopback.
 *
 * Orders go to the other two as single octets over a socket pair.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"
#include "tests/bench/control.h"

#define LIMIT_US 120000000u

enum order {
	ORDER_START = 's',	/* standby: comes to life */
	ORDER_BEGIN = 'b',	/* standby, LACs: what is reported counts from now on */
	ORDER_OPEN = 'o',	/* LACs: their tunnels; they answer when all are up */
	ORDER_CALL = 'c',	/* LACs: the calls, as fast as they can */
	ORDER_MORE = 'm',	/* LACs: so many more in each, at the rate given */
	ORDER_REPORT = 'e',
};

struct bed {
	struct bed_options o;
	int sockets[CONTROL_TUNNELS_MAX];
	pid_t standby_pid, lacs_pid;
	int standby_fd, lacs_fd;
	struct node *node;
	uint64_t since_us;
};

uint16_t control_free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || getsockname(fd, (struct sockaddr *)&addr, &len))
		bench_die("no port on loopback");
	close(fd);
	return ntohs(addr.sin_port);
}

/* The name is for top and perf. */
pid_t control_child(const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		bench_die("cannot fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
	}
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char read_order(int fd)
{
	char what;

	if (read(fd, &what, 1) != 1)
		_exit(1);
	return what;
}

static void order(int fd, enum order what)
{
	char octet = (char)what;

	if (write(fd, &octet, 1) != 1)
		bench_die("a process of the trial is gone");
}

/* ---- the standby's process ------------------------------------------------ */

static void standby_main(const struct node_options *options, int fd)
{
	struct pollfd extra = { .fd = fd, .events = POLLIN };
	struct standby_report report;
	struct node *node;
	uint64_t cpu0 = 0;
	long rss0 = 0;

	while (read_order(fd) != ORDER_START)
		;
	node = node_new(options);
	for (;;) {
		node_turn(node, &extra);
		if (!extra.revents)
			continue;
		if (read_order(fd) == ORDER_BEGIN) {
			rss0 = bench_rss_kib();
			cpu0 = bench_cpu_us();
			node_longest_ms(node);
			continue;
		}
		report = (struct standby_report){ .cpu_us = bench_cpu_us() - cpu0, .rss_kib = bench_rss_kib() - rss0,
						  .longest_ms = node_longest_ms(node), .ppp_up = node_ppp_up(node), .records = node_ha(node).records,
						  .sync = node_ha(node).sync };
		if (write(fd, &report, sizeof(report)) != sizeof(report))
			_exit(1);
	}
}

static void standby_fork(struct bed *bed, struct node_options options)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		bench_die("no socket pair");
	options.kind = NODE_STANDBY;
	bed->standby_pid = control_child("bench-standby");
	if (!bed->standby_pid) {
		close(fds[0]);
		standby_main(&options, fds[1]);
		_exit(1);
	}
	close(fds[1]);
	bed->standby_fd = fds[0];
}

/* ---- the LACs' process ------------------------------------------------------ */

static void lacs_main(const struct bed_options *o, const int *sockets, int fd)
{
	struct lacs_options lo = { .tunnels = o->tunnels, .calls = o->sessions, .window = o->window, .sockets = sockets };
	struct lacs *lacs = lacs_new(&lo);
	struct pollfd extra = { .fd = fd, .events = POLLIN };
	struct lacs_report report;
	bool told = false;
	uint64_t cpu0 = 0, before = 0;

	for (;;) {
		lacs_turn(lacs, &extra);
		if (!told && lacs_open_done(lacs)) {
			told = true;
			if (write(fd, "", 1) != 1)
				_exit(1);
		}
		if (!extra.revents)
			continue;
		switch ((enum order)read_order(fd)) {
		case ORDER_START:
			break;
		case ORDER_BEGIN:
			cpu0 = bench_cpu_us();
			before = lacs_retransmissions(lacs);
			lacs_forget_times(lacs);
			break;
		case ORDER_OPEN:
			lacs_open(lacs);
			break;
		case ORDER_CALL:
			lacs_call(lacs);
			break;
		case ORDER_MORE:
			lacs_more(lacs, o->more, o->more_per_s);
			break;
		case ORDER_REPORT:
			report = (struct lacs_report){ .cpu_us = bench_cpu_us() - cpu0, .down = lacs_down(lacs),
						       .retransmissions = lacs_retransmissions(lacs) - before };
			lacs_times(lacs, &report.setup_p50_ms, &report.setup_p99_ms, &report.setup_max_ms);
			if (write(fd, &report, sizeof(report)) != sizeof(report))
				_exit(1);
			break;
		}
	}
}

/* A pair of UDP sockets on loopback, each connected to the other. */
static void udp_pair(int *one, int *other)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, b = a;
	socklen_t len = sizeof(a);
	int size = 1 << 20;

	*one = socket(AF_INET, SOCK_DGRAM, 0);
	*other = socket(AF_INET, SOCK_DGRAM, 0);
	if (*one < 0 || *other < 0 || bind(*one, (struct sockaddr *)&a, len) || bind(*other, (struct sockaddr *)&b, len) ||
	    getsockname(*one, (struct sockaddr *)&a, &len) || getsockname(*other, (struct sockaddr *)&b, &len) ||
	    connect(*one, (struct sockaddr *)&b, len) || connect(*other, (struct sockaddr *)&a, len))
		bench_die("no UDP on loopback");
	setsockopt(*one, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(*other, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void lacs_fork(struct bed *bed)
{
	int theirs[CONTROL_TUNNELS_MAX], fds[2];

	for (unsigned i = 0; i < bed->o.tunnels; i++)
		udp_pair(&bed->sockets[i], &theirs[i]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		bench_die("no socket pair");
	bed->lacs_pid = control_child("bench-lacs");
	if (!bed->lacs_pid) {
		lacs_main(&bed->o, theirs, fds[1]);
		_exit(1);
	}
	for (unsigned i = 0; i < bed->o.tunnels; i++)
		close(theirs[i]);
	close(fds[1]);
	bed->lacs_fd = fds[0];
}

/* ---- the active: this process --------------------------------------------------- */

struct node *bed_node(struct bed *bed)
{
	return bed->node;
}

void bed_turn(struct bed *bed, const char *what)
{
	node_turn(bed->node, NULL);
	if (bench_now_us() - bed->since_us > LIMIT_US)
		bench_die(what);
}

void bed_rest(struct bed *bed, unsigned ms)
{
	for (uint64_t since = bench_now_us(); bench_now_us() - since < ms * 1000u;)
		bed_turn(bed, "the trial does not come to rest");
}

void bed_standby(struct bed *bed)
{
	order(bed->standby_fd, ORDER_START);
}

void bed_in_sync(struct bed *bed)
{
	while (node_ha(bed->node).sync != HA_SYNC_IN_SYNC)
		bed_turn(bed, "the pair does not come into sync");
}

struct bed *bed_new(const struct bed_options *o)
{
	struct node_options no = { .kind = o->ha ? NODE_ACTIVE : NODE_ALONE, .ppp = o->ppp, .warm = o->warm,
				   .resync = o->resync, .port = o->ha ? control_free_port() : 0 };
	struct bed *bed = calloc(1, sizeof(*bed));

	if (!bed)
		bench_die("out of memory");
	bed->o = *o;
	bed->since_us = bench_now_us();
	if (o->ha)
		standby_fork(bed, no);
	lacs_fork(bed);
	no.sockets = bed->sockets;
	no.tunnels = o->tunnels;
	bed->node = node_new(&no);
	if (o->ha && !o->standby_later)
		bed_standby(bed);
	while (node_ha(bed->node).role != HA_ROLE_ACTIVE)
		bed_turn(bed, "the active does not become so");
	if (o->ha && !o->standby_later)
		bed_in_sync(bed);
	bed_begin(bed);
	return bed;
}

void bed_begin(struct bed *bed)
{
	if (bed->o.ha)
		order(bed->standby_fd, ORDER_BEGIN);
	order(bed->lacs_fd, ORDER_BEGIN);
}

void bed_tunnels(struct bed *bed)
{
	char done;

	order(bed->lacs_fd, ORDER_OPEN);
	while (recv(bed->lacs_fd, &done, 1, MSG_DONTWAIT) != 1)
		bed_turn(bed, "the tunnels do not come up");
	bed_rest(bed, 200);	/* their last messages are confirmed and acknowledged, too */
}

void bed_call(struct bed *bed)
{
	order(bed->lacs_fd, ORDER_CALL);
}

void bed_more(struct bed *bed)
{
	order(bed->lacs_fd, ORDER_MORE);
}

void bed_established(struct bed *bed, uint32_t total)
{
	while (node_established(bed->node) < total || (bed->o.ppp && node_ppp_up(bed->node) < total))
		bed_turn(bed, "the sessions do not come up");
}

void bed_lacs_report(struct bed *bed, struct lacs_report *report)
{
	order(bed->lacs_fd, ORDER_REPORT);
	if (read(bed->lacs_fd, report, sizeof(*report)) != sizeof(*report) || report->down)
		bench_die("a LAC lost a call or a tunnel");
}

void bed_end(struct bed *bed, struct standby_report *standby, struct lacs_report *lacs)
{
	bed_lacs_report(bed, lacs);
	end_child(bed->lacs_pid);
	if (!bed->o.ha)
		return;
	order(bed->standby_fd, ORDER_REPORT);
	if (read(bed->standby_fd, standby, sizeof(*standby)) != sizeof(*standby))
		bench_die("the standby does not report");
	end_child(bed->standby_pid);
}
