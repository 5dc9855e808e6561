/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scripted peer that speaks RFC 4951: its capability, its recovery tunnel.
 * For the tests of l2tp/failover*.c only.
 */
#ifndef L2TPHA_TESTS_FAILOVER_PEER_H
#define L2TPHA_TESTS_FAILOVER_PEER_H

#include "tests/unit/l2tp_pair.h"

#define ABSENT 0xffff

static struct lac rec;	/* the recovery tunnel as the peer sees it */

static inline void put_capability(uint16_t bits, uint32_t recovery_ms)
{
	uint8_t value[6] = { (uint8_t)(bits >> 8), (uint8_t)bits, (uint8_t)(recovery_ms >> 24),
			     (uint8_t)(recovery_ms >> 16), (uint8_t)(recovery_ms >> 8), (uint8_t)recovery_ms };

	if (bits != ABSENT)
		avp_put(&lac.out, AVP_FAILOVER_CAPABILITY, value, sizeof(value));
}

/* A tunnel whose SCCRQ carries this AVP 76. */
static inline void connect_with(uint16_t bits, uint32_t recovery_ms)
{
	struct seen *seen;

	lac_put_sccrq(&lac);
	put_capability(bits, recovery_ms);
	lac_end(&lac);
	seen = box_sent(lac.box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	lac.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	lac.nr = 1;
	lac_begin(&lac, MESSAGE_SCCCN, 0);
	lac_end(&lac);
	ck_assert_uint_eq(box_count(lac.box, L2TP_ACTION_TUNNEL_UP), 1);
}

static inline void agreed(void)
{
	a.params.failover = b.params.failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	a.params.recovery_ms = b.params.recovery_ms = 900000;
	connect_with(1, 20000);
}

static inline void take_over(enum l2tp_knowledge knowledge)
{
	mirror();
	b.now = a.now + 500;
	lac.box = &b;
	rec.box = &b;
	l2tp_take_over(b.l2tp, b.now, knowledge);
	box_drain(&b);
}

/* ---- the peer recovers -------------------------------------------------- */

static const uint8_t low_tie[8] = { 0, 0, 0, 0, 0, 0, 0, 1 };

static uint16_t rec_id = 501;

static inline void put_recovery(uint16_t recover, uint16_t remote, const uint8_t *tie)
{
	uint8_t value[10] = { 0, 0, 0, 0, (uint8_t)(recover >> 8), (uint8_t)recover, 0, 0, (uint8_t)(remote >> 8),
			      (uint8_t)remote };

	lac_init(&rec, lac.box, rec_id);
	lac_put_sccrq(&rec);
	if (tie)
		avp_put(&rec.out, AVP_TIE_BREAKER, tie, 8);
	avp_put(&rec.out, AVP_TUNNEL_RECOVERY, value, sizeof(value));
}

/* The peer has lost its numbers and gets the suggested ones; returns them as its own. */
static inline void peer_recovers(void)
{
	const struct seen *seen;
	const uint8_t *value;

	box_forget_seen(lac.box);
	put_recovery(lac.id, lac.peer_id, low_tie);
	lac_end(&rec);
	seen = box_sent(lac.box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	ck_assert_uint_eq(seen->header.tunnel_id, rec.id);
	ck_assert(!message_has(&seen->message, AVP_FAILOVER_CAPABILITY));
	ck_assert(!message_has(&seen->message, AVP_TUNNEL_RECOVERY));
	ck_assert(message_has(&seen->message, AVP_SUGGESTED_CONTROL_SEQUENCE));
	rec.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	ck_assert_uint_ne(rec.peer_id, lac.peer_id);
	rec.nr = 1;
	value = seen->message.avp[AVP_SUGGESTED_CONTROL_SEQUENCE].data;
	lac.ns = avp_get_u16(value + 2);
	lac.nr = avp_get_u16(value + 4);
	box_forget_seen(lac.box);
	lac_begin(&rec, MESSAGE_SCCCN, 0);
	lac_end(&rec);
}

/* ---- we recover --------------------------------------------------------- */

/* Answers the SCCRQ of the box, whose Ns and Nr come from the arguments when `suggest`. */
static inline void answer_recovery(bool suggest, uint16_t ns, uint16_t nr)
{
	uint8_t scs[6] = { 0, 0, (uint8_t)(ns >> 8), (uint8_t)ns, (uint8_t)(nr >> 8), (uint8_t)nr };
	const struct seen *seen = box_sent(&b, MESSAGE_SCCRQ, 0);

	ck_assert_ptr_nonnull(seen);
	lac_init(&rec, &b, 601);
	rec.nr = 1;
	rec.peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	lac_begin(&rec, MESSAGE_SCCRP, 0);
	avp_put_u16(&rec.out, AVP_PROTOCOL_VERSION, 0x0100);
	avp_put_u32(&rec.out, AVP_FRAMING_CAPABILITIES, 3);
	avp_put_text(&rec.out, AVP_HOST_NAME, "lac");
	avp_put_u16(&rec.out, AVP_ASSIGNED_TUNNEL_ID, rec.id);
	if (suggest)
		avp_put(&rec.out, AVP_SUGGESTED_CONTROL_SEQUENCE, scs, sizeof(scs));
	box_forget_seen(&b);
	lac_end(&rec);
}

static inline void put_fss(uint16_t id, uint16_t remote)
{
	uint8_t value[10] = { 0, 0, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0, 0, (uint8_t)(remote >> 8), (uint8_t)remote };

	avp_put(&lac.out, AVP_FAILOVER_SESSION_STATE, value, sizeof(value));
}

#endif
