// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The LACs of bench-control: tests/lac/, one control connection and one UDP
 * socket each, that keep a number of calls in setup until all are placed.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "tests/bench/bench.h"
#include "tests/bench/control.h"

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
	struct one one[CONTROL_TUNNELS_MAX];
	struct pollfd fds[CONTROL_TUNNELS_MAX + 1];
	unsigned tunnels_up, down;
	uint64_t now_ms;
	uint32_t random;
};

static uint32_t lacs_random(void *ctx)
{
	struct lacs *lacs = ctx;

	lacs->random ^= lacs->random << 13;
	lacs->random ^= lacs->random >> 17;
	lacs->random ^= lacs->random << 5;
	return lacs->random;
}

static void place(struct one *one)
{
	struct lacs *lacs = one->lacs;

	while (one->calling && one->placed < lacs->options.calls && one->placed - one->up < lacs->options.window) {
		if (!lac_call(one->lac, lacs->now_ms, NULL, NULL))
			bench_die("a LAC cannot place a call");
		one->placed++;
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

	(void)call;
	one->up++;
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

	if (!lacs || options->tunnels > CONTROL_TUNNELS_MAX)
		bench_die("no LACs");
	lacs->options = *options;
	lacs->random = 0x2661;
	for (unsigned i = 0; i < options->tunnels; i++) {
		struct one *one = &lacs->one[i];

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
	free(lacs);
}

void lacs_open(struct lacs *lacs)
{
	lacs->now_ms = bench_now_us() / 1000;
	for (unsigned i = 0; i < lacs->options.tunnels; i++)
		if (lac_open(lacs->one[i].lac, lacs->now_ms))
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

static void deliver(void *ctx, unsigned tunnel, const uint8_t *data, size_t len)
{
	struct lacs *lacs = ctx;

	lac_input(lacs->one[tunnel].lac, lacs->now_ms, data, len);
}

void lacs_turn(struct lacs *lacs, struct pollfd *extra)
{
	uint64_t now = bench_now_us() / 1000, due = UINT64_MAX;
	unsigned n = lacs->options.tunnels;

	for (unsigned i = 0; i < n; i++) {
		uint64_t d = lac_deadline_ms(lacs->one[i].lac);

		due = d < due ? d : due;
		lacs->fds[i] = (struct pollfd){ .fd = lacs->options.sockets[i], .events = POLLIN };
	}
	lacs->fds[n] = *extra;
	poll(lacs->fds, n + 1, due <= now ? 0 : due - now > 1000 ? 1000 : (int)(due - now));
	*extra = lacs->fds[n];
	lacs->now_ms = bench_now_us() / 1000;
	for (unsigned i = 0; i < n; i++) {
		while (lacs->fds[i].revents && control_receive(lacs->fds[i].fd, i, deliver, lacs) == CONTROL_BATCH)
			;
		if (lac_deadline_ms(lacs->one[i].lac) <= lacs->now_ms)
			lac_tick(lacs->one[i].lac, lacs->now_ms);
	}
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
