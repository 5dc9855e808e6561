// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The LACs of bench-control: tests/lac/, one control connection and one UDP
 * socket each, that keep a number of calls in setup until all are placed.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/bench.h"
#include "tests/bench/control.h"

#define TIMES_MAX 262144
#define EVENTS 256
#define TICK_MS 20		/* timers of a LAC are seconds */

struct one {
	struct lacs *lacs;
	struct lac *lac;
	unsigned index;
	unsigned placed, up;
	bool calling;
	char hostname[16];
};

struct lacs {
	struct lacs_options options;
	struct one *one;
	int epoll;
	unsigned opened, tunnels_up, down;
	uint64_t calls_placed, calls_up;
	unsigned at_once;		/* lacs_more_at_once(); 0: not limited so */
	uint64_t now_ms, tick_ms;
	uint32_t random;
	unsigned per_s, next;		/* lacs_more(): whose turn it is */
	uint64_t next_us;
	double *times;			/* ms */
	size_t time_count;
};

static uint32_t lacs_random(void *ctx)
{
	struct lacs *lacs = ctx;

	lacs->random ^= lacs->random << 13;
	lacs->random ^= lacs->random >> 17;
	lacs->random ^= lacs->random << 5;
	return lacs->random;
}

static void place_one(struct one *one)
{
	/* the context of a call is the moment it was placed */
	if (!lac_call(one->lac, one->lacs->now_ms, NULL, (void *)(uintptr_t)bench_now_us()))
		bench_die("a LAC cannot place a call");
	one->placed++;
	one->lacs->calls_placed++;
}

static void place(struct one *one)
{
	struct lacs *lacs = one->lacs;

	while (one->calling && !lacs->per_s && !lacs->at_once && one->placed < lacs->options.calls &&
	       one->placed - one->up < lacs->options.window)
		place_one(one);
}

/* Those whose time has come; all LACs in turn. */
static void place_paced(struct lacs *lacs)
{
	uint64_t now = bench_now_us();

	while (lacs->per_s && lacs->next_us <= now) {
		struct one *one = &lacs->one[lacs->next++ % lacs->options.tunnels];

		if (one->placed >= lacs->options.calls) {
			lacs->per_s = 0;
			return;
		}
		place_one(one);
		lacs->next_us += 1000000 / lacs->per_s;
	}
}

static void place_at_once(struct lacs *lacs)
{
	while (lacs->at_once && lacs->calls_placed - lacs->calls_up < lacs->at_once) {
		struct one *one = &lacs->one[lacs->next++ % lacs->options.tunnels];

		if (one->placed >= lacs->options.calls) {
			lacs->at_once = 0;
			return;
		}
		place_one(one);
	}
}

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct one *one = ctx;

	/* what does not fit is lost, as on a network */
	send(one->lacs->options.sockets[one->index], data, len, MSG_DONTWAIT);
}

static void on_tunnel_up(void *ctx)
{
	((struct one *)ctx)->lacs->tunnels_up++;
}

static void on_tunnel_down(void *ctx, const struct lac_reason *reason)
{
	struct one *one = ctx;

	if (!one->lacs->down++)
		fprintf(stderr, "bench: %s: tunnel down: %s\n", one->hostname, reason->text);
}

static void on_call_up(void *ctx, struct lac_call *call)
{
	struct one *one = ctx;
	struct lacs *lacs = one->lacs;

	if (lacs->time_count < TIMES_MAX)
		lacs->times[lacs->time_count++] = (double)(bench_now_us() - (uintptr_t)lac_call_ctx(call)) / 1000;
	one->up++;
	lacs->calls_up++;
	place(one);
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	struct one *one = ctx;

	(void)call;
	if (!one->lacs->down++)
		fprintf(stderr, "bench: %s: call down: %s\n", one->hostname, reason->text);
}

static void on_violation(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "bench: %s\n", text);
}

static const struct lac_ops ops = {
	.send = on_send, .tunnel_up = on_tunnel_up, .tunnel_down = on_tunnel_down, .call_up = on_call_up,
	.call_down = on_call_down, .violation = on_violation,
};

struct lacs *lacs_new(const struct lacs_options *options)
{
	struct lacs *lacs = calloc(1, sizeof(*lacs));
	struct lac_config config;

	if (!lacs)
		bench_die("out of memory");
	lacs->times = malloc(TIMES_MAX * sizeof(*lacs->times));
	lacs->one = calloc(options->tunnels, sizeof(*lacs->one));
	lacs->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!lacs->times || !lacs->one || lacs->epoll < 0)
		bench_die("no LACs");
	lacs->options = *options;
	lacs->random = 0x2661;
	for (unsigned i = 0; i < options->tunnels; i++) {
		struct one *one = &lacs->one[i];
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

		if (epoll_ctl(lacs->epoll, EPOLL_CTL_ADD, options->sockets[i], &event))
			bench_die("no LACs");
		one->lacs = lacs;
		one->index = i;
		snprintf(one->hostname, sizeof(one->hostname), "lac%u", i);
		lac_config_init(&config);
		lac_config_peer(&config, LAC_PEER_RFC);
		config.ops = &ops;
		config.ctx = one;
		config.random = lacs_random;
		config.random_ctx = lacs;
		config.hostname = one->hostname;
		config.window = (uint16_t)options->window;
		config.tid = (uint16_t)(i + 1);
		one->lac = lac_new(&config);
		if (!one->lac)
			bench_die("no LAC");
	}
	return lacs;
}

void lacs_free(struct lacs *lacs)
{
	for (unsigned i = 0; i < lacs->options.tunnels; i++)
		lac_free(lacs->one[i].lac);
	close(lacs->epoll);
	free(lacs->one);
	free(lacs->times);
	free(lacs);
}

void lacs_open(struct lacs *lacs)
{
	unsigned at_once = lacs->options.open_window ? lacs->options.open_window : lacs->options.tunnels;

	lacs->now_ms = bench_now_us() / 1000;
	for (; lacs->opened < lacs->options.tunnels && lacs->opened - lacs->tunnels_up < at_once; lacs->opened++)
		if (lac_open(lacs->one[lacs->opened].lac, lacs->now_ms))
			bench_die("a LAC cannot open its tunnel");
}

bool lacs_open_done(const struct lacs *lacs)
{
	return lacs->tunnels_up == lacs->options.tunnels;
}

void lacs_call(struct lacs *lacs)
{
	lacs->now_ms = bench_now_us() / 1000;
	for (unsigned i = 0; i < lacs->options.tunnels; i++) {
		lacs->one[i].calling = true;
		place(&lacs->one[i]);
	}
}

void lacs_more(struct lacs *lacs, unsigned each, unsigned per_s)
{
	lacs->options.calls += each;
	lacs->per_s = per_s;
	lacs->next_us = bench_now_us();
}

void lacs_more_at_once(struct lacs *lacs, unsigned each, unsigned at_once)
{
	lacs->options.calls += each;
	lacs->at_once = at_once;
}

void lacs_times(struct lacs *lacs, double *p50_ms, double *p99_ms, double *max_ms)
{
	*p50_ms = bench_quantile(lacs->times, lacs->time_count, 0.5);
	*p99_ms = bench_quantile(lacs->times, lacs->time_count, 0.99);
	*max_ms = lacs->time_count ? lacs->times[lacs->time_count - 1] : 0;
}

void lacs_forget_times(struct lacs *lacs)
{
	lacs->time_count = 0;
}

static void deliver(void *ctx, unsigned tunnel, const uint8_t *data, size_t len)
{
	struct lacs *lacs = ctx;

	lac_input(lacs->one[tunnel].lac, lacs->now_ms, data, len);
}

static void tick(struct lacs *lacs)
{
	if (lacs->now_ms < lacs->tick_ms)
		return;
	lacs->tick_ms = lacs->now_ms + TICK_MS;
	for (unsigned i = 0; i < lacs->options.tunnels; i++)
		if (lac_deadline_ms(lacs->one[i].lac) <= lacs->now_ms)
			lac_tick(lacs->one[i].lac, lacs->now_ms);
}

void lacs_turn(struct lacs *lacs, struct pollfd *extra)
{
	uint64_t now = bench_now_us() / 1000, due = lacs->per_s ? lacs->next_us / 1000 + 1 : UINT64_MAX;
	struct pollfd fds[2] = { { .fd = lacs->epoll, .events = POLLIN }, { .fd = -1 } };
	struct epoll_event events[EVENTS];
	int n;

	due = lacs->tick_ms < due ? lacs->tick_ms : due;
	if (extra)
		fds[1] = *extra;
	poll(fds, 2, due <= now ? 0 : (int)(due - now));
	if (extra)
		*extra = fds[1];
	lacs->now_ms = bench_now_us() / 1000;
	place_paced(lacs);
	place_at_once(lacs);
	n = fds[0].revents ? epoll_wait(lacs->epoll, events, EVENTS, 0) : 0;
	for (int i = 0; i < n; i++) {
		unsigned index = events[i].data.u32;

		while (control_receive(lacs->options.sockets[index], index, deliver, lacs) == CONTROL_BATCH)
			;
		if (lac_deadline_ms(lacs->one[index].lac) <= lacs->now_ms)
			lac_tick(lacs->one[index].lac, lacs->now_ms);
	}
	place_at_once(lacs);
	if (lacs->opened && lacs->opened < lacs->options.tunnels)
		lacs_open(lacs);
	tick(lacs);
}

uint64_t lacs_calls_up(const struct lacs *lacs)
{
	return lacs->calls_up;
}

unsigned lacs_down(const struct lacs *lacs)
{
	return lacs->down;
}

uint64_t lacs_retransmissions(const struct lacs *lacs)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < lacs->options.tunnels; i++)
		n += lac_counters(lacs->one[i].lac)->retransmissions;
	return n;
}
