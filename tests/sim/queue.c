/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time and chance of the simulator: xoshiro256** numbers from the seed, a heap
 * of events ordered by (time, order of making), the main loop, the trace that
 * is printed when an invariant breaks.  Everything else calls it; it calls
 * events, the timers of nodes and LACs, and check_step() after each.
 */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void rng_seed(struct sim *sim, uint64_t seed)
{
	int i;

	for (i = 0; i < 4; i++)
		sim->rng[i] = splitmix(&seed);
}

uint64_t rng_next(struct sim *sim)
{
	uint64_t *s = sim->rng;
	uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint32_t rng_below(struct sim *sim, uint32_t n)
{
	return n ? (uint32_t)((rng_next(sim) >> 32) * n >> 32) : 0;
}

bool rng_pm(struct sim *sim, unsigned per_mille)
{
	return per_mille && rng_below(sim, 1000) < per_mille;
}

void rng_fill_node(void *node, void *buf, size_t len)
{
	rng_fill(((struct node *)node)->sim, buf, len);
}

void rng_fill(void *sim, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len) {
		uint64_t r = rng_next(sim);
		size_t n = len < sizeof(r) ? len : sizeof(r);

		memcpy(p, &r, n);
		p += n;
		len -= n;
	}
}

/* ---- the heap ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void sim_push(struct sim *sim, struct sim_event *ev)
{
	size_t i = sim->heap_len++;

	if (sim->heap_len > sim->heap_cap) {
		sim->heap_cap = sim->heap_cap ? sim->heap_cap * 2 : 256;
		sim->heap = realloc(sim->heap, sim->heap_cap * sizeof(*sim->heap));
		if (!sim->heap)
			abort();
	}
	ev->order = sim->order++;
	while (i && before(ev, sim->heap[(i - 1) / 2])) {
		sim->heap[i] = sim->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->heap[i] = ev;
}

static struct sim_event *heap_pop(struct sim *sim)
{
	struct sim_event *top = sim->heap[0], *last = sim->heap[--sim->heap_len];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < sim->heap_len) {
		if (child + 1 < sim->heap_len && before(sim->heap[child + 1], sim->heap[child]))
			child++;
		if (before(last, sim->heap[child]))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return top;
}

struct sim_event *sim_at(struct sim *sim, uint64_t at_us, sim_event_fn fn, int who, uint64_t token)
{
	struct sim_event *ev = calloc(1, sizeof(*ev));

	if (!ev)
		abort();
	ev->at_us = at_us < sim->now_us ? sim->now_us : at_us;
	ev->fn = fn;
	ev->who = who;
	ev->token = token;
	sim_push(sim, ev);
	return ev;
}

void sim_event_data(struct sim_event *ev, const uint8_t *data, size_t len)
{
	ev->data = malloc(len ? len : 1);
	if (!ev->data)
		abort();
	memcpy(ev->data, data, len);
	ev->len = len;
}

void sim_event_free(struct sim_event *ev)
{
	free(ev->data);
	free(ev);
}

/* ---- the trace ---- */

void sim_trace(struct sim *sim, const char *fmt, ...)
{
	char *line = sim->trace[sim->trace_next];
	va_list ap;
	int n;

	n = snprintf(line, TRACE_LEN, "%10.6f #%llu ", (double)sim->now_us / 1e6, (unsigned long long)sim->steps);
	va_start(ap, fmt);
	vsnprintf(line + n, TRACE_LEN - (size_t)n, fmt, ap);
	va_end(ap);
	if (sim->verbose)
		fprintf(stderr, "%s\n", line);
	sim->trace_next = (sim->trace_next + 1) % TRACE_LINES;
	if (sim->trace_count < TRACE_LINES)
		sim->trace_count++;
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(ap, fmt);
	vsnprintf(sim->why, sizeof(sim->why), fmt, ap);
	va_end(ap);
	sim_trace(sim, "VIOLATION %s", sim->why);
}

/* ---- the loop ---- */

void sim_step(struct sim *sim)
{
	int active;

	if (++sim->steps != sim->crash_at)
		return;
	active = sim_active(sim);
	if (active < 0)
		return;
	if (sim->crash_kind == CRASH_STANDBY)
		active = !active;
	if (!sim->nodes[active].running)
		return;
	/* from inside one of its callbacks: what it does from here on never happened */
	sim_trace(sim, "step %llu: hit node %d", (unsigned long long)sim->steps, active);
	if (sim->crash_kind == CRASH_SWITCHOVER || sim->crash_kind == CRASH_REFUSED) {
		sim->wire.misfit = sim->crash_kind == CRASH_REFUSED;
		sim->nodes[active].switch_pending = true;
		return;
	}
	if (sim->crash_in_place)
		node_spare(&sim->nodes[active]);
	else
		check_before_loss(sim, &sim->nodes[active], false);
	sim->nodes[active].dying = true;
	sim->nodes[active].dying_kill = sim->crash_kind == CRASH_KILL;
	node_image_freeze(&sim->nodes[active]);
}

/* What was ordered from inside a callback happens here, outside of every node. */
static void run_pending(struct sim *sim)
{
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		struct node *node = &sim->nodes[i];
		char reason[HA_REASON_MAX];

		if (node->dying) {
			if (node->dying_kill)
				node_kill(node);
			else
				node_power_loss(node);
		}
		if (node->switch_pending) {
			node->switch_pending = false;
			if (node_alive(node) && node_is_owner(node)) {
				int e = group_switchover(node->group, sim_ms(sim), false, reason);

				sim_trace(sim, "switchover: %d %s", e, e ? reason : "");
				node_settle(node);
			}
		}
	}
}

static uint64_t next_time(struct sim *sim)
{
	uint64_t t = sim->heap_len ? sim->heap[0]->at_us : SIM_NEVER;
	int i;

	for (i = 0; i < SIM_NODES; i++) {
		uint64_t d = node_deadline_us(&sim->nodes[i]);

		t = d < t ? d : t;
	}
	for (i = 0; i < sim->peer_count; i++) {
		uint64_t d = lac_deadline_ms(sim->peers[i].lac);

		if (d != LAC_NEVER && d * MS < t)
			t = d * MS;
	}
	for (i = 0; i < SIM_FARS; i++) {
		uint64_t d = sim->fars[i] ? far_deadline_us(sim->fars[i]) : SIM_NEVER;

		t = d < t ? d : t;
	}
	return t;
}

static void run_timers(struct sim *sim)
{
	int i;

	for (i = 0; i < SIM_NODES && !sim->failed; i++)
		if (node_deadline_us(&sim->nodes[i]) <= sim->now_us) {
			node_tick(&sim->nodes[i]);
			run_pending(sim);
			check_step(sim);
		}
	for (i = 0; i < sim->peer_count && !sim->failed; i++) {
		uint64_t d = lac_deadline_ms(sim->peers[i].lac);

		if (d != LAC_NEVER && d <= sim_ms(sim)) {
			peer_tick(&sim->peers[i]);
			check_step(sim);
		}
	}
	for (i = 0; i < SIM_FARS && !sim->failed; i++)
		if (sim->fars[i] && far_deadline_us(sim->fars[i]) <= sim->now_us) {
			far_tick(sim->fars[i]);
			check_step(sim);
		}
}

void sim_run_until(struct sim *sim, uint64_t until_us)
{
	while (!sim->failed) {
		uint64_t t = next_time(sim);

		if (t > until_us)
			break;
		if (t > sim->now_us)
			sim->now_us = t;
		if (sim->heap_len && sim->heap[0]->at_us <= sim->now_us) {
			struct sim_event *ev = heap_pop(sim);
			sim_event_fn fn = ev->fn;

			sim_step(sim);
			run_pending(sim);
			fn(sim, ev);
			run_pending(sim);
			check_step(sim);
		} else {
			run_timers(sim);
		}
	}
	if (until_us > sim->now_us && !sim->failed)
		sim->now_us = until_us;
}

void sim_run_for(struct sim *sim, uint64_t us)
{
	sim_run_until(sim, sim->now_us + us);
}
