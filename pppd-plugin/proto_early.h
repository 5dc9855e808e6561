/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that come before the session they belong to. */
#ifndef PPPD_PLUGIN_PROTO_EARLY_H
#define PPPD_PLUGIN_PROTO_EARLY_H

#include "daemon/ppp.h"

#define EARLY_SETS	256
#define EARLY_KEEP_MS	2500	/* less than the peer's restart timer */

struct early_frame {
	struct ppp_key key;		/* session 0: the place is free */
	size_t len;
	uint64_t at_ms;
	uint8_t bytes[PPP_EARLY_MAX];
};

struct early_table {
	struct early_frame sets[EARLY_SETS][2];
};

/*
 * The PPP frame in an L2TP data packet (RFC 2661 section 3.1), from its
 * protocol field on: its length, or -EBADMSG.
 */
int early_parse(const uint8_t *packet, size_t len, struct ppp_key *key,
		const uint8_t **frame);
/* Worth keeping: LCP, and short enough. */
bool early_wanted(const uint8_t *frame, size_t len);

void early_put(struct early_table *t, struct ppp_key key, const uint8_t *frame,
	       size_t len, uint64_t now_ms);
/* The newest of this session, which is forgotten here; NULL: none. */
const struct early_frame *early_take(struct early_table *t, struct ppp_key key,
				     uint64_t now_ms);

#endif
