/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines of ours and the test LAC, which shares no code with them.  The
 * active one's records reach the other while `mirror` is on; a crash is when
 * the LAC talks to the other.  The wire is a queue that a test can cut.
 */
#ifndef L2TPHA_TESTS_UNIT_ENGINE_LAC_H
#define L2TPHA_TESTS_UNIT_ENGINE_LAC_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/l2tp.h"
#include "tests/lac/lac.h"

#define UNUSED_OK __attribute__((unused))
#define WIRE_MAX 4096

struct parcel {
	uint64_t due;
	uint8_t data[1600];
	size_t len;
};

static struct rig {
	struct l2tp *active, *standby;
	struct lac *lac;
	struct lac_config config;
	struct l2tp_tunnel_params params;
	uint64_t now;
	uint32_t random;
	bool mirror;			/* records reach the standby */
	bool cut_to_lac, cut_to_us;	/* what is sent is lost */
	bool double_to_us;		/* it arrives twice */
	uint32_t rtt_ms;		/* all of it on the way from the LAC */
	struct parcel wire[WIRE_MAX];	/* LAC -> us */
	size_t first, count;
	unsigned sent, sent_unacked, sent_before_ack;	/* ours since the takeover; until the first packet of the LAC */
	bool acked;
	unsigned sent_type[32];
	unsigned resync_ok, resync_failed, sessions_up, sessions_down, tunnels_down, refused;
	char violation[256];
	unsigned violations, calls_up, calls_down, tunnel_downs;
} rig;

static const struct l2tp_endpoint rig_local = { 4, { 192, 0, 2, 1 }, 1701 };
static const struct l2tp_endpoint rig_peer = { 4, { 198, 51, 100, 7 }, 1701 };

static UNUSED_OK uint32_t rig_word(void *ctx)
{
	(void)ctx;
	rig.random = rig.random * 1664525 + 1013904223;
	return rig.random;
}

static UNUSED_OK void rig_random(void *ctx, void *buf, size_t len)
{
	uint8_t *octet = buf;

	while (len--)
		*octet++ = (uint8_t)(rig_word(ctx) >> 24);
}

static UNUSED_OK bool rig_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	(void)ctx;
	(void)info;
	*params = rig.params;
	return true;
}

static UNUSED_OK void rig_lac_send(void *ctx, const uint8_t *bytes, size_t len)
{
	unsigned copies = rig.double_to_us ? 2 : 1;

	(void)ctx;
	while (!rig.cut_to_us && copies--) {
		struct parcel *parcel = &rig.wire[(rig.first + rig.count) % WIRE_MAX];

		ck_assert_uint_lt(rig.count, WIRE_MAX);
		memcpy(parcel->data, bytes, len);
		parcel->len = len;
		parcel->due = rig.now + rig.rtt_ms;
		rig.count++;
	}
}

static UNUSED_OK void rig_violation(void *ctx, const char *text)
{
	(void)ctx;
	rig.violations++;
	snprintf(rig.violation, sizeof(rig.violation), "%s", text);
}

static UNUSED_OK void rig_call_up(void *ctx, struct lac_call *call)
{
	(void)ctx;
	(void)call;
	rig.calls_up++;
}

static UNUSED_OK void rig_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	(void)ctx;
	(void)call;
	(void)reason;
	rig.calls_down++;
}

static UNUSED_OK void rig_tunnel_down(void *ctx, const struct lac_reason *reason)
{
	(void)ctx;
	(void)reason;
	rig.tunnel_downs++;
}

static const struct lac_ops rig_ops = {
	.send = rig_lac_send, .violation = rig_violation, .call_up = rig_call_up, .call_down = rig_call_down,
	.tunnel_down = rig_tunnel_down,
};

static UNUSED_OK struct l2tp *rig_engine(void)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 60000, .vendor_name = "l2tpha", .firmware = 1 };
	struct l2tp_ops ops = { .ctx = &rig, .select_group = rig_select, .random = rig_random };
	struct l2tp *l2tp = l2tp_new(&config, &ops);

	ck_assert_ptr_nonnull(l2tp);
	return l2tp;
}

static UNUSED_OK void rig_copy(const struct l2tp_dirty *dirty)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(rig.active, dirty->tunnel_id);
	struct l2tp_tunnel_state_rec tunnel_rec;
	struct l2tp_session_state_rec session_rec;
	struct l2tp_session *session;
	struct l2tp_channel_state channel;
	const uint8_t *data;
	size_t len;

	switch (dirty->type) {
	case L2TP_DIRTY_TUNNEL:
		if (tunnel) {
			l2tp_tunnel_export(tunnel, &tunnel_rec);
			if (tunnel_rec.state != L2TP_TUNNEL_CLOSING) {
				ck_assert_int_eq(l2tp_tunnel_import(rig.standby, &tunnel_rec), 0);
				return;
			}
		}
		l2tp_tunnel_forget(rig.standby, dirty->tunnel_id);
		return;
	case L2TP_DIRTY_CHANNEL:
		if (!tunnel)
			return;
		l2tp_channel_export(tunnel, &channel);
		ck_assert_int_eq(l2tp_channel_import(rig.standby, dirty->tunnel_id, &channel), 0);
		return;
	case L2TP_DIRTY_MESSAGE:
		data = tunnel ? l2tp_message(tunnel, dirty->ns, &len) : NULL;
		if (data)
			ck_assert_int_eq(l2tp_message_import(rig.standby, dirty->tunnel_id, dirty->ns, data, len), 0);
		return;
	case L2TP_DIRTY_MESSAGE_ACKED:
		return;
	case L2TP_DIRTY_SESSION:
		session = l2tp_session_find(rig.active, dirty->tunnel_id, dirty->session_id);
		if (!session) {
			l2tp_session_forget(rig.standby, dirty->tunnel_id, dirty->session_id);
			return;
		}
		l2tp_session_export(session, &session_rec);
		ck_assert_int_eq(l2tp_session_import(rig.standby, &session_rec), 0);
		return;
	}
}

static UNUSED_OK void rig_send(const struct l2tp_action *action)
{
	uint16_t type = action->len > 12 ? (uint16_t)(action->data[18] << 8 | action->data[19]) : 0;

	rig.sent++;
	rig.sent_type[type & 31]++;
	if (!rig.acked && type)
		rig.sent_before_ack++;
	if (!rig.cut_to_lac)
		lac_input(rig.lac, rig.now, action->data, action->len);
}

static UNUSED_OK void rig_act(const struct l2tp_action *action)
{
	switch (action->type) {
	case L2TP_ACTION_SEND: rig_send(action); break;
	case L2TP_ACTION_TUNNEL_UP: break;
	case L2TP_ACTION_TUNNEL_DOWN: rig.tunnels_down++; break;
	case L2TP_ACTION_SESSION_UP: rig.sessions_up++; break;
	case L2TP_ACTION_SESSION_DOWN: rig.sessions_down++; break;
	case L2TP_ACTION_RESYNC_DONE: *(action->resync_ok ? &rig.resync_ok : &rig.resync_failed) += 1; break;
	case L2TP_ACTION_CALL_REFUSED: rig.refused++; break;
	case L2TP_ACTION_CALL_REQUEST:
	case L2TP_ACTION_WEN:
	case L2TP_ACTION_SLI:
	case L2TP_ACTION_SPEED: break;
	}
}

static UNUSED_OK void rig_drain(void)
{
	struct l2tp_action action;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(rig.active, &dirty))
		if (rig.mirror)
			rig_copy(&dirty);
	while (l2tp_action_next(rig.active, &action))
		rig_act(&action);
}

/* All that is on the wire arrives, and what it causes. */
static UNUSED_OK void rig_settle(void)
{
	struct parcel parcel;

	rig_drain();
	while (rig.count && rig.wire[rig.first].due <= rig.now) {
		parcel = rig.wire[rig.first];
		rig.first = (rig.first + 1) % WIRE_MAX;
		rig.count--;
		rig.acked = true;
		l2tp_input(rig.active, rig.now, &rig_local, &rig_peer, parcel.data, parcel.len);
		rig_drain();
	}
}

static UNUSED_OK void rig_until(uint64_t when)
{
	uint64_t next;

	for (;;) {
		rig_settle();
		next = l2tp_deadline_ms(rig.active);
		if (lac_deadline_ms(rig.lac) < next)
			next = lac_deadline_ms(rig.lac);
		if (rig.count && rig.wire[rig.first].due < next)
			next = rig.wire[rig.first].due;
		if (next > when)
			break;
		if (next > rig.now)
			rig.now = next;
		l2tp_tick(rig.active, rig.now);
		rig_drain();
		lac_tick(rig.lac, rig.now);
	}
	rig.now = when;
}

static UNUSED_OK void rig_run(uint64_t ms)
{
	rig_until(rig.now + ms);
}

/* The LAC as it is configured in rig.config; call before anything else. */
static UNUSED_OK void rig_start(void)
{
	rig.lac = lac_new(&rig.config);
	ck_assert_ptr_nonnull(rig.lac);
	l2tp_activate(rig.active, rig.now);
}

static UNUSED_OK void rig_setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.random = 7;
	rig.now = 1000000;
	rig.mirror = true;
	strcpy(rig.params.group, "test");
	strcpy(rig.params.local_name, "lns");
	rig.params.receive_window = 8;
	rig.params.hello_s = 60;
	rig.params.retransmit_retries = 5;
	rig.params.retransmit_min_s = 1;
	rig.params.retransmit_max_s = 8;
	rig.params.setup_timeout_s = 10;
	rig.params.recovery_ms = 900000;
	rig.params.ha = true;
	rig.active = rig_engine();
	rig.standby = rig_engine();
	lac_config_init(&rig.config);
	rig.config.ops = &rig_ops;
	rig.config.random = rig_word;
}

static UNUSED_OK void rig_teardown(void)
{
	l2tp_free(rig.active);
	l2tp_free(rig.standby);
	lac_free(rig.lac);
}

/* The active dies, `ms` later the standby takes its place. */
static UNUSED_OK void rig_take_over(enum l2tp_knowledge knowledge, uint64_t ms)
{
	struct l2tp *dead = rig.active;

	l2tp_forget_all(dead);	/* nothing it had queued is sent */
	l2tp_passivate(dead);
	rig.cut_to_us = true;	/* nobody listens */
	rig.first = rig.count = 0;
	rig.active = rig.standby;
	rig.standby = dead;
	rig.mirror = false;
	rig_until(rig.now + ms);
	rig.cut_to_us = rig.acked = false;
	rig.sent = rig.sent_before_ack = 0;
	memset(rig.sent_type, 0, sizeof(rig.sent_type));
	l2tp_take_over(rig.active, rig.now, knowledge);
	rig_settle();
}

static UNUSED_OK struct l2tp_tunnel_info rig_info(void)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(rig.active, lac_peer_tid(rig.lac));
	struct l2tp_tunnel_info info;

	ck_assert_ptr_nonnull(tunnel);
	l2tp_tunnel_info(tunnel, &info);
	return info;
}

static UNUSED_OK struct lac_call *rig_call(void)
{
	unsigned before = rig.calls_up;
	struct lac_call *call = lac_call(rig.lac, rig.now, NULL, NULL);

	ck_assert_ptr_nonnull(call);
	rig_settle();
	ck_assert_uint_eq(rig.calls_up, before + 1);
	return call;
}

#endif
