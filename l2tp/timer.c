/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binary heap of deadlines: one entry per tunnel, whatever the number of
 * things the tunnel waits for.  Nothing is visited before it is due, so idle
 * tunnels cost nothing.  A tunnel whose deadline moves back does not touch the
 * heap: it is woken early once and then sets what is true by then (tunnel.c).
 *
 * Places count from 1 so that a zeroed timer is one that is not running.
 */
#include "l2tp/timer.h"

#include <errno.h>
#include <stdlib.h>

void timer_heap_free(struct timer_heap *heap)
{
	free(heap->items);
	*heap = (struct timer_heap){ 0 };
}

static void put(struct timer_heap *heap, size_t place, struct timer *timer)
{
	heap->items[place] = timer;
	timer->place = place;
}

static void settle(struct timer_heap *heap, struct timer *timer)
{
	size_t place = timer->place, child;

	while (place > 1 && heap->items[place / 2]->deadline_ms > timer->deadline_ms) {
		put(heap, place, heap->items[place / 2]);
		place /= 2;
	}
	while ((child = place * 2) <= heap->count) {
		if (child < heap->count && heap->items[child + 1]->deadline_ms < heap->items[child]->deadline_ms)
			child++;
		if (heap->items[child]->deadline_ms >= timer->deadline_ms)
			break;
		put(heap, place, heap->items[child]);
		place = child;
	}
	put(heap, place, timer);
}

int timer_set(struct timer_heap *heap, struct timer *timer, uint64_t deadline_ms)
{
	struct timer **items;
	size_t cap;

	if (!timer->place) {
		if (heap->count + 1 >= heap->cap) {
			cap = heap->cap ? heap->cap * 2 : 64;
			items = realloc(heap->items, cap * sizeof(*items));
			if (!items)
				return -ENOMEM;
			heap->items = items;
			heap->cap = cap;
		}
		put(heap, ++heap->count, timer);
	}
	timer->deadline_ms = deadline_ms;
	settle(heap, timer);
	return 0;
}

void timer_stop(struct timer_heap *heap, struct timer *timer)
{
	struct timer *last;
	size_t place = timer->place;

	if (!place)
		return;
	timer->place = 0;
	last = heap->items[heap->count--];
	if (last == timer)
		return;
	put(heap, place, last);
	settle(heap, last);
}

struct timer *timer_first(const struct timer_heap *heap)
{
	return heap->count ? heap->items[1] : NULL;
}
