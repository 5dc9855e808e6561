/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap of deadlines. */
#ifndef L2TPHA_L2TP_TIMER_H
#define L2TPHA_L2TP_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timer {
	uint64_t deadline_ms;
	size_t place;		/* 0: not in the heap */
};
struct timer_heap {
	struct timer **items;	/* from 1 */
	size_t count, cap;
};
void timer_heap_free(struct timer_heap *heap);
/* Starts or moves it. -ENOMEM */
int timer_set(struct timer_heap *heap, struct timer *timer, uint64_t deadline_ms);
void timer_stop(struct timer_heap *heap, struct timer *timer);
/* The earliest one, NULL = none. */
struct timer *timer_first(const struct timer_heap *heap);

#endif
