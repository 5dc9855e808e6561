/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reliable control channel of one tunnel (RFC 2661 5.8, appendix A). */
#ifndef L2TPHA_L2TP_CHANNEL_H
#define L2TPHA_L2TP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL_NEVER UINT64_MAX
#define CHANNEL_QUEUE_MAX 30000	/* below half the number space, or old and new could not be told apart */
#define CHANNEL_DEFAULT_WINDOW 4

struct channel_message {
	uint16_t ns;
	uint16_t len;
	uint8_t data[];		/* header included; Ns is final, Nr is not */
};

/* A message that came before its turn. */
struct channel_early;

struct channel {
	/* Sending: una <= nxt <= top <= vs, modulo 65536. */
	uint16_t vs;		/* next Ns to assign */
	uint16_t una;		/* oldest not acknowledged */
	uint16_t nxt;		/* next to transmit; falls back to una on a timeout */
	uint16_t top;		/* one past the highest the peer may have seen */
	uint16_t peer_window, cwnd, ssthresh, cwnd_part;
	uint8_t tries, retries_max;
	uint32_t rto_ms, rto_min_ms, rto_max_ms;
	uint64_t deadline_ms;	/* retransmission; CHANNEL_NEVER: nothing in flight */
	bool hold;		/* nothing may be transmitted now */
	bool lockstep;		/* one message at a time, whatever the windows say */
	struct channel_message **ring;
	uint32_t ring_size;	/* power of two, or 0 */
	/* Receiving */
	uint16_t vr;		/* next Ns expected */
	uint16_t window, early_count;
	struct channel_early *early;	/* ascending */
	uint64_t retransmits, duplicates, out_of_order;
	uint32_t max_unacked;
};

struct channel_params {
	uint16_t peer_window, window;
	uint8_t retries;
	uint32_t rto_min_ms, rto_max_ms;
};
void channel_init(struct channel *channel, const struct channel_params *params);
void channel_free(struct channel *channel);
/* From here on. */
void channel_set_patience(struct channel *channel, uint8_t retries, uint32_t rto_min_ms, uint32_t rto_max_ms);
void channel_set_peer_window(struct channel *channel, uint16_t window);

/* ---- sending ------------------------------------------------------------ */

/* Copies a message in and gives it its Ns. -ENOBUFS: too many unacknowledged; -ENOMEM. */
int channel_queue(struct channel *channel, const uint8_t *data, size_t len, uint16_t *ns);
/* The next message the windows let out, NULL = none; call until NULL. Starts the retransmission timer. */
const struct channel_message *channel_transmit(struct channel *channel, uint64_t now_ms);
const struct channel_message *channel_find(const struct channel *channel, uint16_t ns);
/* Ns that a ZLB carries. */
uint16_t channel_zlb_ns(const struct channel *channel);
enum channel_timeout {
	CHANNEL_TIMEOUT_NONE,
	CHANNEL_TIMEOUT_RETRANSMIT,	/* channel_transmit() has the head again */
	CHANNEL_TIMEOUT_DEAD,
};
/* After DEAD: the head once more, at the longest interval. */
void channel_again(struct channel *channel);
enum channel_timeout channel_timeout(struct channel *channel, uint64_t now_ms);
/* Forgets what was never transmitted (the peer cannot have seen it), or everything. */
void channel_drop_unsent(struct channel *channel);
void channel_drop_all(struct channel *channel);

/* ---- receiving ---------------------------------------------------------- */

/* Number of messages newly acknowledged; -ERANGE: Nr is beyond what we sent, the packet is invalid. */
int channel_ack(struct channel *channel, uint16_t nr, uint64_t now_ms);
enum channel_order {
	CHANNEL_ORDER_NEXT,
	CHANNEL_ORDER_DUPLICATE,
	CHANNEL_ORDER_FUTURE,
};
enum channel_order channel_order(const struct channel *channel, uint16_t ns);
/* Keeps a future message if it is inside our window and memory allows; else it is dropped. */
void channel_keep(struct channel *channel, uint16_t ns, const uint8_t *data, size_t len);
/* A kept message whose turn has come; the caller frees it with free(). NULL: none. */
struct channel_early *channel_take(struct channel *channel);
const uint8_t *channel_early_data(const struct channel_early *early, size_t *len);

/* ---- taking over -------------------------------------------------------- */

/* Numbers from a checkpoint; messages outside [una, vs) are dropped. -EINVAL: impossible numbers. */
int channel_import(struct channel *channel, uint16_t vs, uint16_t una, uint16_t vr);
/* A queued message from a checkpoint, its number in the data. Replaces an equal number. */
int channel_import_message(struct channel *channel, uint16_t ns, const uint8_t *data, size_t len);
/* A number in [una, vs) without a message: the first one from `ns` on; false = none. */
bool channel_hole(const struct channel *channel, uint16_t *ns);
/* All that was queued is with the peer, and more: it expects `nr`. */
void channel_skip(struct channel *channel, uint16_t nr);
/* Both windows are emptied and the numbers start here. */
void channel_reset(struct channel *channel, uint16_t vs, uint16_t vr);
/* Soft state starts anew: CWND 1, no tries, what came early is forgotten. */
void channel_restart(struct channel *channel);

#endif
