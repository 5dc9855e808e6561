// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `loadlac core`: the host behind the LNS. It takes the up streams of all
 * sessions, and sends each session a down stream of its own, at its own pace,
 * which is no echo: what is lost in one direction does not show in the other.
 * Each down probe carries what was seen of the up stream.
 *
 * A session is known by its inner address; one that says goodbye, or of which
 * nothing was heard for --forget seconds, gets nothing any more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadlac.h"

#define SUBS_HASH 4096
#define BATCH 64

struct subscriber {
	struct subscriber *next;
	struct core *core;
	struct in_addr addr;
	uint32_t session, round, seq;
	struct ll_gap up;
	struct ll_timer timer;
};

struct core {
	int fd;
	uint16_t port;
	uint64_t interval_us, forget_us;
	struct ll_heap heap;
	struct subscriber *subs[SUBS_HASH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in from[BATCH];
	uint8_t bytes[BATCH][256];
};

static struct subscriber **slot(struct core *k, struct in_addr addr)
{
	struct subscriber **at = &k->subs[ntohl(addr.s_addr) % SUBS_HASH];

	while (*at && (*at)->addr.s_addr != addr.s_addr)
		at = &(*at)->next;
	return at;
}

static void forget(struct core *k, struct subscriber **at)
{
	struct subscriber *s = *at;

	*at = s->next;
	ll_timer_set(&k->heap, &s->timer, LL_NEVER);
	free(s);
}

static void send_down(void *arg, uint64_t now_us)
{
	struct subscriber *s = arg;
	struct core *k = s->core;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = s->addr,
				  .sin_port = htons(k->port) };
	struct ll_probe p = { .magic = LL_PROBE_MAGIC, .session = s->session, .round = s->round,
			      .sent_us = now_us };
	uint8_t b[LL_PROBE_LEN];

	if (now_us - s->up.last_us > k->forget_us) {
		forget(k, slot(k, s->addr));
		return;
	}
	p.seq = ++s->seq;
	p.up_received = (uint32_t)s->up.received;
	p.up_lost = (uint32_t)s->up.lost;
	p.up_gap_us = (uint32_t)ll_gap_max(&s->up, now_us);
	ll_probe_put(b, &p);
	/* no route, no buffer: lost like on a wire */
	sendto(k->fd, b, sizeof(b), 0, (struct sockaddr *)&to, sizeof(to));
	ll_timer_set(&k->heap, &s->timer, now_us + k->interval_us);
}

static void take_up(struct core *k, uint64_t now_us, struct in_addr addr, const uint8_t *b,
		    size_t len)
{
	struct subscriber **at = slot(k, addr), *s = *at;
	struct ll_probe p;

	if (!ll_probe_get(&p, b, len))
		return;
	if (p.magic == LL_PROBE_BYE) {
		if (s)
			forget(k, at);
		return;
	}
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return;
		s->core = k;
		s->addr = addr;
		ll_timer_init(&s->timer, send_down, s);
		*at = s;
		/* spread the streams over the interval */
		ll_timer_set(&k->heap, &s->timer,
			     now_us + ntohl(addr.s_addr) % 64 * k->interval_us / 64);
	}
	if (s->session != p.session || s->round != p.round)
		memset(&s->up, 0, sizeof(s->up));
	s->session = p.session;
	s->round = p.round;
	ll_gap_hit(&s->up, now_us, p.seq);
}

static void read_up(struct core *k)
{
	uint64_t now_us;
	int i, n;

	do {
		for (i = 0; i < BATCH; i++) {
			k->iov[i].iov_base = k->bytes[i];
			k->iov[i].iov_len = sizeof(k->bytes[i]);
			memset(&k->msg[i], 0, sizeof(k->msg[i]));
			k->msg[i].msg_hdr.msg_name = &k->from[i];
			k->msg[i].msg_hdr.msg_namelen = sizeof(k->from[i]);
			k->msg[i].msg_hdr.msg_iov = &k->iov[i];
			k->msg[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(k->fd, k->msg, BATCH, MSG_DONTWAIT, NULL);
		now_us = ll_now_us();
		for (i = 0; i < n; i++)
			take_up(k, now_us, k->from[i].sin_addr, k->bytes[i], k->msg[i].msg_len);
	} while (n == BATCH);
}

static int core_open(struct core *k, struct in_addr addr)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = addr,
				  .sin_port = htons(k->port) };
	int size = 8 << 20;

	k->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0)
		return -errno;
	if (setsockopt(k->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(k->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return bind(k->fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
}

static void core_loop(struct core *k)
{
	struct pollfd pfd = { .fd = k->fd, .events = POLLIN };
	struct timespec ts;
	uint64_t now_us, at_us;

	for (;;) {
		ll_heap_run(&k->heap, ll_now_us());
		at_us = ll_heap_next(&k->heap);
		now_us = ll_now_us();
		ts.tv_sec = 1;
		ts.tv_nsec = 0;
		if (at_us <= now_us) {
			ts.tv_sec = 0;
		} else if (at_us - now_us < 1000000) {
			ts.tv_sec = 0;
			ts.tv_nsec = (long)(at_us - now_us) * 1000;
		}
		if (ppoll(&pfd, 1, &ts, NULL) > 0)
			read_up(k);
	}
}

static const char usage[] =
	"usage: loadlac core [options]\n"
	"The host behind the LNS for `loadlac --traffic udp`: takes the up streams and\n"
	"sends every session a down stream. Runs until it is killed.\n"
	"  --address A     address to bind (any)\n"
	"  --port P        UDP port (7001)\n"
	"  --interval MS   spacing of the down stream (50)\n"
	"  --forget S      stop sending after so long without an up probe (120)\n"
	"  --help          this text\n";

int ll_core(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "interval", required_argument, NULL, 'i' },
		{ "forget", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct in_addr addr = { .s_addr = INADDR_ANY };
	struct core *k = calloc(1, sizeof(*k));
	int c, err;

	if (!k)
		return 2;
	k->port = 7001;
	k->interval_us = 50000;
	k->forget_us = 120000000;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'a':
			if (inet_pton(AF_INET, optarg, &addr) != 1) {
				fprintf(stderr, "loadlac: not an IPv4 address: %s\n", optarg);
				return 2;
			}
			break;
		case 'p':
			k->port = (uint16_t)atoi(optarg);
			break;
		case 'i':
			k->interval_us = strtoull(optarg, NULL, 10) * 1000;
			break;
		case 'f':
			k->forget_us = strtoull(optarg, NULL, 10) * 1000000;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (!k->interval_us || !k->port) {
		fputs("loadlac: --interval and --port must be above 0\n", stderr);
		return 2;
	}
	err = core_open(k, addr);
	if (err) {
		fprintf(stderr, "loadlac: core socket: %s\n", strerror(-err));
		return 2;
	}
	core_loop(k);
	return 0;
}
