/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines and one LAC: what the active (a) names is copied into the
 * passive one (b), as the daemon's records would.
 */
#ifndef L2TPHA_TESTS_UNIT_L2TP_PAIR_H
#define L2TPHA_TESTS_UNIT_L2TP_PAIR_H

#include "tests/unit/l2tp_peer.h"

static struct box a, b;
static struct lac lac;

static UNUSED_OK void setup(void)
{
	box_init(&a);
	box_init(&b);
	b.random = 99;
	a.keep_dirty = true;
	lac_init(&lac, &a, 77);
	l2tp_activate(a.l2tp, a.now);
}

static UNUSED_OK void teardown(void)
{
	box_done(&a);
	box_done(&b);
}

/* ---- the stream between them -------------------------------------------- */

static UNUSED_OK void copy_tunnel(uint16_t id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(a.l2tp, id);
	struct l2tp_tunnel_state_rec rec;

	if (tunnel) {
		l2tp_tunnel_export(tunnel, &rec);
		if (rec.state != L2TP_TUNNEL_CLOSING) {
			ck_assert_int_eq(l2tp_tunnel_import(b.l2tp, &rec), 0);
			return;
		}
	}
	l2tp_tunnel_forget(b.l2tp, id);
}

static UNUSED_OK void copy(const struct l2tp_dirty *dirty)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(a.l2tp, dirty->tunnel_id);
	struct l2tp_session *session;
	struct l2tp_channel_state channel;
	struct l2tp_session_state_rec rec;
	const uint8_t *data;
	size_t len;

	switch (dirty->type) {
	case L2TP_DIRTY_TUNNEL:
		copy_tunnel(dirty->tunnel_id);
		return;
	case L2TP_DIRTY_CHANNEL:
		if (!tunnel || !l2tp_tunnel_find(b.l2tp, dirty->tunnel_id))
			return;		/* went in a later drain */
		l2tp_channel_export(tunnel, &channel);
		ck_assert_int_eq(l2tp_channel_import(b.l2tp, dirty->tunnel_id, &channel), 0);
		return;
	case L2TP_DIRTY_MESSAGE:
		data = tunnel ? l2tp_message(tunnel, dirty->ns, &len) : NULL;
		if (!data)
			return;		/* was acknowledged in a later drain */
		ck_assert_int_eq(l2tp_message_import(b.l2tp, dirty->tunnel_id, dirty->ns, data, len), 0);
		return;
	case L2TP_DIRTY_MESSAGE_ACKED:
		return;		/* una says it */
	case L2TP_DIRTY_SESSION:
		session = l2tp_session_find(a.l2tp, dirty->tunnel_id, dirty->session_id);
		if (!session) {
			l2tp_session_forget(b.l2tp, dirty->tunnel_id, dirty->session_id);
			return;
		}
		l2tp_session_export(session, &rec);
		ck_assert_int_eq(l2tp_session_import(b.l2tp, &rec), 0);
		return;
	}
}

static UNUSED_OK void mirror(void)
{
	size_t i;

	for (i = 0; i < a.dirty_count; i++)
		copy(&a.dirty[i]);
	a.dirty_count = 0;
}

#endif
