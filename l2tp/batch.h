/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that carry one AVP for each of many sessions (FSQ, FSR: RFC 4951; CSUN,
 * CSURQ: RFC 5515): as many as fit into 1300 octets, which pass everywhere
 * unfragmented, then the next message.  The owner sends the last one.
 */
#ifndef L2TPHA_L2TP_BATCH_H
#define L2TPHA_L2TP_BATCH_H

#include "l2tp/engine.h"

struct batch {
	struct l2tp_tunnel *tunnel;
	uint64_t now_ms;
	enum message_type type;
	uint32_t count;
	struct avp_builder builder;
	uint8_t buf[L2TP_MSG_MAX];
};

/* What is in it, if anything is. */
static inline void batch_send(struct batch *batch)
{
	if (batch->count)
		tunnel_send(batch->tunnel, batch->now_ms, &batch->builder);
	batch->count = 0;
}

static inline void batch_add(struct batch *batch, enum avp_attr attr, const uint8_t *value, size_t len,
			     uint32_t per_message)
{
	if (!batch->count)
		message_begin(&batch->builder, batch->buf, sizeof(batch->buf), batch->type, batch->tunnel->peer_id, 0);
	avp_put(&batch->builder, attr, value, len);
	if (++batch->count == per_message)
		batch_send(batch);
}

#endif
