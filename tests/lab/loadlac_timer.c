// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timers of the load generator: a binary heap of timers that live in their
 * owners. One for each tunnel (control channel), two for each session (PPP,
 * probes); called by every other file of loadlac.
 */
#include <stdlib.h>
#include <time.h>

#include "loadlac.h"

uint64_t ll_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void ll_timer_init(struct ll_timer *t, void (*fn)(void *arg, uint64_t now_us), void *arg)
{
	t->at_us = LL_NEVER;
	t->pos = -1;
	t->fn = fn;
	t->arg = arg;
}

static void place(struct ll_heap *h, int pos, struct ll_timer *t)
{
	h->v[pos] = t;
	t->pos = pos;
}

static void sift(struct ll_heap *h, int pos, struct ll_timer *t)
{
	int child;

	while (pos && h->v[(pos - 1) / 2]->at_us > t->at_us) {
		place(h, pos, h->v[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	while ((child = 2 * pos + 1) < h->n) {
		if (child + 1 < h->n && h->v[child + 1]->at_us < h->v[child]->at_us)
			child++;
		if (h->v[child]->at_us >= t->at_us)
			break;
		place(h, pos, h->v[child]);
		pos = child;
	}
	place(h, pos, t);
}

static void remove_timer(struct ll_heap *h, struct ll_timer *t)
{
	struct ll_timer *last = h->v[--h->n];
	int pos = t->pos;

	t->pos = -1;
	if (last != t)
		sift(h, pos, last);
}

void ll_timer_set(struct ll_heap *h, struct ll_timer *t, uint64_t at_us)
{
	if (t->pos >= 0 && t->at_us == at_us)
		return;
	t->at_us = at_us;
	if (at_us == LL_NEVER) {
		if (t->pos >= 0)
			remove_timer(h, t);
		return;
	}
	if (t->pos < 0) {
		if (h->n == h->size) {
			h->size = h->size ? 2 * h->size : 256;
			h->v = realloc(h->v, (size_t)h->size * sizeof(*h->v));
			if (!h->v)
				abort();
		}
		t->pos = h->n++;
	}
	sift(h, t->pos, t);
}

uint64_t ll_heap_next(const struct ll_heap *h)
{
	return h->n ? h->v[0]->at_us : LL_NEVER;
}

void ll_heap_run(struct ll_heap *h, uint64_t now_us)
{
	struct ll_timer *t;

	while (h->n && h->v[0]->at_us <= now_us) {
		t = h->v[0];
		ll_timer_set(h, t, LL_NEVER);
		t->fn(t->arg, now_us);
	}
}

void ll_heap_free(struct ll_heap *h)
{
	free(h->v);
}
