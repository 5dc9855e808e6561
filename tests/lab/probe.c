// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe: one-way streams between the subscribers and the core host of the lab,
 * and how long each was interrupted.
 *
 * One process with one clock has all the sockets: a socket belongs to the network
 * namespace it was opened in, so we visit both hosts while we open them.  Each
 * subscriber has two streams of numbered datagrams, up (bound to its PPP interface
 * and address) and down (from the core to its address), sent at a fixed spacing
 * whether or not anything arrives: an answer would hide which way was broken.
 *
 * A gap is the time between two arrivals of one stream; where it is longer than
 * the spacing, something was lost or late.  Time stamps are CLOCK_REALTIME, so
 * that scripts can relate them to their own; measuring is done on the clock that
 * does not jump.
 *
 * Signals: SIGUSR1 ends a phase (one line of JSON is appended to the report and
 * the longest gaps start anew), SIGTERM/SIGINT ends the last phase and the program.
 * With -v, stalls and recoveries are told on stdout when they happen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PROBE_MAGIC 0x6c327470u
#define PORT_UP 20000
#define PORT_DOWN 30000

enum dir {
	DIR_UP,		/* subscriber to core */
	DIR_DOWN,	/* core to subscriber */
	DIR_MAX,
};

static const char *const dir_name[DIR_MAX] = { "up", "down" };

struct packet {
	uint32_t magic;
	uint32_t sub;
	uint32_t dir;
	uint32_t pad;
	uint64_t seq;
	uint64_t sent_ns;
	uint8_t fill[32];
};

struct stream {
	uint64_t sent;		/* next number to send */
	uint64_t next;		/* next number expected */
	uint64_t received;
	uint64_t lost;		/* numbers passed over, less those that came late */
	uint64_t late;
	uint64_t send_errors;
	uint64_t last_ns;	/* arrival, 0: none yet */
	uint64_t gap_ns;	/* longest of this phase */
	uint64_t gap_end_ns;	/* when it ended, 0: still going on */
	uint64_t phase_received, phase_lost;
	bool stalled;
};

struct sub {
	const char *name;
	const char *ifname;
	struct sockaddr_in addr;
	int fd[DIR_MAX];	/* one at the subscriber, one at the core; both send and receive */
	struct stream stream[DIR_MAX];
};

struct probe {
	struct sub *subs;
	uint32_t count;
	struct sockaddr_in core;
	uint64_t interval_ns, stall_ns;
	uint64_t wall_offset_ns;
	uint64_t start_ns, phase_start_ns;
	unsigned phase;
	uint32_t stalled;
	bool verbose;
	FILE *report;
};

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static double wall_ms(const struct probe *p, uint64_t ns)
{
	return (double)(ns + p->wall_offset_ns) / 1e6;
}

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

static int udp_socket(const struct sockaddr_in *addr, uint16_t port, const char *ifname)
{
	struct sockaddr_in sa = *addr;
	int size = 1 << 20;
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (ifname && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, strlen(ifname)) < 0)
		die(ifname);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	sa.sin_port = htons(port);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	return fd;
}

static void stream_send(struct probe *p, uint32_t i, enum dir dir, uint64_t now)
{
	struct sub *sub = &p->subs[i];
	struct stream *st = &sub->stream[dir];
	struct packet pkt = {
		.magic = PROBE_MAGIC, .sub = i, .dir = dir, .seq = st->sent, .sent_ns = now,
	};
	struct sockaddr_in to = dir == DIR_UP ? p->core : sub->addr;

	to.sin_port = htons((uint16_t)((dir == DIR_UP ? PORT_UP : PORT_DOWN) + i));
	/* A refused datagram counts as sent and lost: the subscriber wanted it sent. */
	st->sent++;
	if (sendto(sub->fd[dir], &pkt, sizeof(pkt), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		st->send_errors++;
}

static void say_stalls(const struct probe *p, const char *what, const struct sub *sub, enum dir dir,
		       uint64_t at, uint64_t gap_ns)
{
	if (!p->verbose)
		return;
	printf("%.0f %s %s %s stalled=%u gap_ms=%.0f\n", wall_ms(p, at), what, sub->name, dir_name[dir],
	       p->stalled, (double)gap_ns / 1e6);
	fflush(stdout);
}

static void stream_arrival(struct probe *p, struct sub *sub, enum dir dir, uint64_t seq, uint64_t now)
{
	struct stream *st = &sub->stream[dir];
	uint64_t since, gap;

	if (seq < st->next) {
		st->late++;
		if (st->lost > 0) {
			st->lost--;
			if (st->phase_lost > 0)
				st->phase_lost--;
		}
	} else {
		st->lost += seq - st->next;
		st->phase_lost += seq - st->next;
		st->next = seq + 1;
	}
	st->received++;
	st->phase_received++;

	since = st->last_ns ? st->last_ns : p->start_ns;
	gap = now - since;
	if (gap > st->gap_ns) {
		st->gap_ns = gap;
		st->gap_end_ns = now;
	}
	st->last_ns = now;
	if (st->stalled) {
		st->stalled = false;
		p->stalled--;
		say_stalls(p, p->stalled ? "back" : "all-back", sub, dir, now, gap);
	}
}

static void stream_check_stall(struct probe *p, struct sub *sub, enum dir dir, uint64_t now)
{
	struct stream *st = &sub->stream[dir];
	uint64_t since = st->last_ns ? st->last_ns : p->start_ns;

	if (st->stalled || now - since < p->stall_ns)
		return;
	st->stalled = true;
	p->stalled++;
	say_stalls(p, "stall", sub, dir, now, now - since);
}

static void drain(struct probe *p, int fd)
{
	struct packet pkt;
	ssize_t n;

	for (;;) {
		n = recv(fd, &pkt, sizeof(pkt), 0);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0)
			continue;	/* an ICMP error of an earlier datagram */
		if ((size_t)n != sizeof(pkt) || pkt.magic != PROBE_MAGIC || pkt.sub >= p->count ||
		    pkt.dir >= DIR_MAX)
			continue;
		stream_arrival(p, &p->subs[pkt.sub], (enum dir)pkt.dir, pkt.seq, now_ns());
	}
}

static void phase_end(struct probe *p)
{
	uint64_t now = now_ns(), last_end[DIR_MAX] = { 0, 0 };
	double worst[DIR_MAX] = { 0, 0 };
	uint64_t lost[DIR_MAX] = { 0, 0 };
	unsigned dead[DIR_MAX] = { 0, 0 };
	const char *sep = "";
	uint32_t i;
	int d;

	fprintf(p->report, "{\"phase\":%u,\"start_ms\":%.3f,\"end_ms\":%.3f,\"interval_ms\":%.3f,\"subscribers\":[",
		p->phase, wall_ms(p, p->phase_start_ns), wall_ms(p, now), (double)p->interval_ns / 1e6);
	for (i = 0; i < p->count; i++) {
		struct sub *sub = &p->subs[i];

		fprintf(p->report, "%s{\"name\":\"%s\",\"address\":\"%s\"", sep, sub->name,
			inet_ntoa(sub->addr.sin_addr));
		sep = ",";
		for (d = 0; d < DIR_MAX; d++) {
			struct stream *st = &sub->stream[d];
			uint64_t open = now - (st->last_ns ? st->last_ns : p->start_ns);
			bool broken = open > p->stall_ns;

			/* A gap still open counts as long as it is so far. */
			if (open > st->gap_ns) {
				st->gap_ns = open;
				st->gap_end_ns = 0;
			}
			fprintf(p->report,
				",\"%s\":{\"sent\":%llu,\"received\":%llu,\"lost\":%llu,\"late\":%llu,"
				"\"send_errors\":%llu,\"gap_ms\":%.3f,\"gap_end_ms\":%.3f,\"flowing\":%s,"
				"\"total_received\":%llu,\"total_lost\":%llu}",
				dir_name[d], (unsigned long long)st->sent,
				(unsigned long long)st->phase_received, (unsigned long long)st->phase_lost,
				(unsigned long long)st->late, (unsigned long long)st->send_errors,
				(double)st->gap_ns / 1e6,
				st->gap_end_ns ? wall_ms(p, st->gap_end_ns) : 0.0,
				broken ? "false" : "true", (unsigned long long)st->received,
				(unsigned long long)st->lost);
			if ((double)st->gap_ns / 1e6 > worst[d])
				worst[d] = (double)st->gap_ns / 1e6;
			if (st->gap_end_ns > last_end[d])
				last_end[d] = st->gap_end_ns;
			lost[d] += st->phase_lost;
			dead[d] += broken;
			st->gap_ns = 0;
			st->gap_end_ns = 0;
			st->phase_received = 0;
			st->phase_lost = 0;
		}
		fprintf(p->report, "}");
	}
	fprintf(p->report, "]");
	for (d = 0; d < DIR_MAX; d++)
		fprintf(p->report,
			",\"%s\":{\"longest_gap_ms\":%.3f,\"last_gap_end_ms\":%.3f,\"lost\":%llu,\"not_flowing\":%u}",
			dir_name[d], worst[d], last_end[d] ? wall_ms(p, last_end[d]) : 0.0,
			(unsigned long long)lost[d], dead[d]);
	fprintf(p->report, "}\n");
	fflush(p->report);
	p->phase++;
	p->phase_start_ns = now;
}

static void tick(struct probe *p)
{
	uint64_t now = now_ns();
	uint32_t i;
	int d;

	for (i = 0; i < p->count; i++)
		for (d = 0; d < DIR_MAX; d++) {
			stream_send(p, i, (enum dir)d, now);
			stream_check_stall(p, &p->subs[i], (enum dir)d, now);
		}
}

static void run(struct probe *p)
{
	struct itimerspec it = { 0 };
	struct epoll_event ev = { .events = EPOLLIN }, events[64];
	int ep, timer, sigs, n, k, d;
	sigset_t set;
	uint32_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigs = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (sigs < 0 || timer < 0 || ep < 0)
		die("epoll");
	it.it_interval.tv_sec = (time_t)(p->interval_ns / 1000000000u);
	it.it_interval.tv_nsec = (long)(p->interval_ns % 1000000000u);
	it.it_value = it.it_interval;
	timerfd_settime(timer, 0, &it, NULL);

	ev.data.fd = sigs;
	epoll_ctl(ep, EPOLL_CTL_ADD, sigs, &ev);
	ev.data.fd = timer;
	epoll_ctl(ep, EPOLL_CTL_ADD, timer, &ev);
	for (i = 0; i < p->count; i++)
		for (d = 0; d < DIR_MAX; d++) {
			ev.data.fd = p->subs[i].fd[d];
			epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
		}

	p->start_ns = p->phase_start_ns = now_ns();
	for (;;) {
		n = epoll_wait(ep, events, 64, -1);
		for (k = 0; k < n; k++) {
			if (events[k].data.fd == timer) {
				uint64_t ticks;

				if (read(timer, &ticks, sizeof(ticks)) == sizeof(ticks))
					tick(p);
			} else if (events[k].data.fd == sigs) {
				struct signalfd_siginfo si;

				if (read(sigs, &si, sizeof(si)) != sizeof(si))
					continue;
				phase_end(p);
				if (si.ssi_signo != SIGUSR1)
					return;
			} else {
				drain(p, events[k].data.fd);
			}
		}
	}
}

static void sub_open(struct probe *p, uint32_t i, char *arg, const char *sub_ns, const char *core_ns)
{
	struct sub *sub = &p->subs[i];
	char *addr = strchr(arg, '=');

	/* The interface name serves as the subscriber's name too. */
	if (!addr) {
		fprintf(stderr, "probe: %s: expected INTERFACE=ADDRESS\n", arg);
		exit(2);
	}
	*addr++ = '\0';
	sub->name = sub->ifname = arg;
	sub->addr.sin_family = AF_INET;
	if (inet_pton(AF_INET, addr, &sub->addr.sin_addr) != 1) {
		fprintf(stderr, "probe: %s is no address\n", addr);
		exit(2);
	}
	enter_netns(sub_ns);
	sub->fd[DIR_UP] = udp_socket(&sub->addr, (uint16_t)(PORT_DOWN + i), sub->ifname);
	enter_netns(core_ns);
	sub->fd[DIR_DOWN] = udp_socket(&p->core, (uint16_t)(PORT_UP + i), NULL);
}

static void usage(void)
{
	fputs("usage: probe [-v] [-i MS] [-s STALL_MS] [-l NETNS] [-c NETNS] [-a CORE_ADDRESS] -o REPORT\n"
	      "             INTERFACE=ADDRESS...\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const char *sub_ns = "lac", *core_ns = "core", *core = "198.51.100.2", *report = NULL;
	unsigned long interval_ms = 20, stall_ms = 0;
	struct probe p = { 0 };
	uint32_t i;
	int c;

	while ((c = getopt(argc, argv, "vi:s:l:c:a:o:")) != -1) {
		switch (c) {
		case 'v': p.verbose = true; break;
		case 'i': interval_ms = strtoul(optarg, NULL, 10); break;
		case 's': stall_ms = strtoul(optarg, NULL, 10); break;
		case 'l': sub_ns = optarg; break;
		case 'c': core_ns = optarg; break;
		case 'a': core = optarg; break;
		case 'o': report = optarg; break;
		default: usage();
		}
	}
	if (optind >= argc || !report || interval_ms == 0)
		usage();

	p.interval_ns = interval_ms * 1000000u;
	p.stall_ns = (stall_ms ? stall_ms : 10 * interval_ms) * 1000000u;
	p.wall_offset_ns = clock_ns(CLOCK_REALTIME) - now_ns();
	p.core.sin_family = AF_INET;
	if (inet_pton(AF_INET, core, &p.core.sin_addr) != 1)
		usage();
	p.report = fopen(report, "we");
	if (!p.report)
		die(report);
	p.count = (uint32_t)(argc - optind);
	p.subs = calloc(p.count, sizeof(*p.subs));
	if (!p.subs)
		die("calloc");
	for (i = 0; i < p.count; i++)
		sub_open(&p, i, argv[optind + (int)i], sub_ns, core_ns);
	run(&p);
	free(p.subs);
	fclose(p.report);
	return 0;
}
