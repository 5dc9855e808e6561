/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_CHAN_H
#define TESTS_LAC_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lac.h"
#include "lac_wire.h"

struct lacc;

enum lacc_verdict {
	LACC_NEW,    /* the message expected next: process it */
	LACC_ZLB,    /* acks only */
	LACC_OLD,    /* a duplicate; it will be acknowledged */
	LACC_FUTURE, /* held back or discarded */
	LACC_DROP,   /* not to be looked at */
};

struct lacc_ops {
	void (*send)(void *ctx, const uint8_t *bytes, size_t len);
	void (*violation)(void *ctx, const char *text);
};

/* cfg, ops and counters stay the caller's and must outlive the channel. */
struct lacc *lacc_new(const struct lac_config *cfg, const struct lacc_ops *ops, void *ctx,
		      struct lac_counters *counters);
void lacc_free(struct lacc *c);
/* Of a channel that was not used yet: where its numbers start. What comes
 * with quite other ones for half a minute is of the channel before. */
void lacc_start(struct lacc *c, uint64_t now_ms, uint16_t ns, uint16_t nr);
/* While held, messages wait and nothing is sent. */
void lacc_hold(struct lacc *c, uint64_t now_ms, bool hold);
/* After lacc_tick() said that retransmissions are used up: once more. */
void lacc_again(struct lacc *c, uint64_t now_ms);

/* The peer's tunnel ID, for ZLBs, and its receive window. */
void lacc_set_peer(struct lacc *c, uint16_t tid, uint16_t window);
/* Takes Ns and Nr of a received message. */
enum lacc_verdict lacc_accept(struct lacc *c, uint64_t now_ms, const struct lacw_msg *m,
			      const uint8_t *bytes, size_t len);
/* After LACC_NEW: the next held message now in order, or false. bytes stay
 * valid until the next call. */
bool lacc_next_held(struct lacc *c, const uint8_t **bytes, size_t *len);
/* Queues a finished message (Ns and Nr are filled in here); -ENOMEM. */
int lacc_send(struct lacc *c, uint64_t now_ms, const uint8_t *bytes, size_t len);
/* End of an input: acknowledge what nothing else has acknowledged. */
void lacc_flush(struct lacc *c, uint64_t now_ms);
/* Runs the timers; false: retransmissions are used up. */
bool lacc_tick(struct lacc *c, uint64_t now_ms);
uint64_t lacc_deadline_ms(const struct lacc *c);
/* Forgets what was never sent; what is in flight goes on (StopCCN). */
void lacc_drop_unsent(struct lacc *c);
void lacc_linger(struct lacc *c);	/* the tunnel is closed; an SCCRQ that comes late begins another one there */

uint16_t lacc_vs(const struct lacc *c);  /* next Ns, as a ZLB carries it */
uint16_t lacc_una(const struct lacc *c);
uint16_t lacc_vr(const struct lacc *c);
unsigned lacc_backlog(const struct lacc *c);

#endif
