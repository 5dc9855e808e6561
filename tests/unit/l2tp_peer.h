/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scripted LAC around one engine: it says exactly what a test tells it to,
 * with the numbers the test chooses, and keeps what the engine did.
 */
#ifndef L2TPHA_TESTS_UNIT_L2TP_PEER_H
#define L2TPHA_TESTS_UNIT_L2TP_PEER_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/l2tp.h"
#include "l2tp/message.h"

#define UNUSED_OK __attribute__((unused))
#define SEEN_MAX 70000

struct seen {
	struct l2tp_action action;
	uint8_t *data;
	struct message_header header;	/* of a SEND */
	struct message message;		/* of a SEND that is no ZLB */
};

struct box {
	struct l2tp *l2tp;
	uint64_t now;
	uint32_t random;
	bool refuse;
	bool keep_dirty;	/* notes outlive box_forget_seen(): somebody mirrors them */
	struct l2tp_tunnel_params params;
	struct l2tp_endpoint local;
	struct seen *seen;
	size_t seen_count, seen_cap;
	struct l2tp_dirty *dirty;
	size_t dirty_count, dirty_cap;
};

/* One tunnel as the LAC sees it. */
struct lac {
	struct box *box;
	struct l2tp_endpoint addr;
	uint16_t id, peer_id;	/* ours, the LNS's */
	uint16_t ns, nr;
	uint8_t buf[L2TP_MSG_MAX];
	struct avp_builder out;
	uint8_t room[65536];
};

static UNUSED_OK bool box_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	struct box *box = ctx;

	(void)info;
	*params = box->params;
	return !box->refuse;
}

static UNUSED_OK void box_random(void *ctx, void *buf, size_t len)
{
	struct box *box = ctx;
	uint8_t *octet = buf;

	while (len--) {
		box->random = box->random * 1664525 + 1013904223;
		*octet++ = (uint8_t)(box->random >> 24);
	}
}

static UNUSED_OK void box_init(struct box *box)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535, .vendor_name = "l2tpha", .firmware = 1,
				      .max_half_open = 100000, .max_half_open_per_peer = 60000 };
	struct l2tp_ops ops = { .ctx = box, .select_group = box_select, .random = box_random };

	memset(box, 0, sizeof(*box));
	box->now = 1000000;
	box->random = 1;
	box->local = (struct l2tp_endpoint){ 4, { 192, 0, 2, 1 }, 1701 };
	strcpy(box->params.group, "test");
	strcpy(box->params.local_name, "lns");
	box->params.receive_window = 8;
	box->params.hello_s = 60;
	box->params.retransmit_retries = 5;
	box->params.retransmit_min_s = 1;
	box->params.retransmit_max_s = 8;
	box->params.setup_timeout_s = 10;
	box->params.ha = true;
	box->l2tp = l2tp_new(&config, &ops);
	ck_assert_ptr_nonnull(box->l2tp);
}

static UNUSED_OK void box_forget_seen(struct box *box)
{
	while (box->seen_count)
		free(box->seen[--box->seen_count].data);
	if (!box->keep_dirty)
		box->dirty_count = 0;
}

static UNUSED_OK void box_done(struct box *box)
{
	box_forget_seen(box);
	free(box->seen);
	free(box->dirty);
	l2tp_free(box->l2tp);
}

/* Notes first, then actions, as the daemon does. Everything sent must be well-formed. */
static UNUSED_OK void box_drain(struct box *box)
{
	static uint8_t room[65536];
	struct l2tp_action action;
	struct l2tp_dirty dirty;
	struct seen *seen;

	while (l2tp_dirty_next(box->l2tp, &dirty)) {
		if (box->dirty_count == box->dirty_cap) {
			box->dirty_cap = box->dirty_cap * 2 + 16;
			box->dirty = realloc(box->dirty, box->dirty_cap * sizeof(*box->dirty));
		}
		box->dirty[box->dirty_count++] = dirty;
	}
	while (l2tp_action_next(box->l2tp, &action)) {
		if (box->seen_count == box->seen_cap) {
			box->seen_cap = box->seen_cap * 2 + 16;
			box->seen = realloc(box->seen, box->seen_cap * sizeof(*box->seen));
		}
		seen = &box->seen[box->seen_count++];
		seen->action = action;
		seen->data = NULL;
		if (action.type != L2TP_ACTION_SEND)
			continue;
		seen->data = malloc(action.len);
		memcpy(seen->data, action.data, action.len);
		ck_assert_int_eq(message_header_parse(seen->data, action.len, &seen->header), MESSAGE_KIND_CONTROL);
		ck_assert_uint_eq(seen->header.body_len + MESSAGE_HEADER, action.len);
		if (!seen->header.body_len)
			continue;
		ck_assert_int_eq(message_parse(seen->header.body, seen->header.body_len, NULL, room, &seen->message),
				 0);
		ck_assert_uint_eq(seen->message.fault, 0);
		ck_assert_uint_eq(seen->message.ignored, 0);
	}
	ck_assert(!l2tp_dirty_next(box->l2tp, &dirty));
}

static UNUSED_OK void box_at(struct box *box, uint64_t now)
{
	uint64_t when;

	while ((when = l2tp_deadline_ms(box->l2tp)) <= now) {
		if (when > box->now)
			box->now = when;
		l2tp_tick(box->l2tp, box->now);
		box_drain(box);
	}
	box->now = now;
	l2tp_tick(box->l2tp, now);
	box_drain(box);
}

/* The n-th (from 0) action of a type, NULL = none; and how many there are. */
static UNUSED_OK struct seen *box_action(struct box *box, enum l2tp_action_type type, size_t n)
{
	size_t i;

	for (i = 0; i < box->seen_count; i++)
		if (box->seen[i].action.type == type && !n--)
			return &box->seen[i];
	return NULL;
}

/* The n-th packet of a message type; 0 is a ZLB. */
static UNUSED_OK struct seen *box_sent(struct box *box, uint16_t type, size_t n)
{
	size_t i;
	struct seen *seen;

	for (i = 0; i < box->seen_count; i++) {
		seen = &box->seen[i];
		if (seen->action.type == L2TP_ACTION_SEND &&
		    (seen->header.body_len ? seen->message.type : 0) == type && !n--)
			return seen;
	}
	return NULL;
}

static UNUSED_OK size_t box_count(struct box *box, enum l2tp_action_type type)
{
	size_t n = 0;

	while (box_action(box, type, n))
		n++;
	return n;
}

static UNUSED_OK size_t box_sent_count(struct box *box, uint16_t type)
{
	size_t n = 0;

	while (box_sent(box, type, n))
		n++;
	return n;
}

static UNUSED_OK bool box_noted(struct box *box, enum l2tp_dirty_type type, uint16_t tunnel, uint16_t session,
				uint16_t ns)
{
	size_t i;

	for (i = 0; i < box->dirty_count; i++)
		if (box->dirty[i].type == type && box->dirty[i].tunnel_id == tunnel &&
		    box->dirty[i].session_id == session && box->dirty[i].ns == ns)
			return true;
	return false;
}

/* ---- the LAC ------------------------------------------------------------ */

static UNUSED_OK void lac_init(struct lac *lac, struct box *box, uint16_t id)
{
	memset(lac, 0, sizeof(*lac));
	lac->box = box;
	lac->addr = (struct l2tp_endpoint){ 4, { 198, 51, 100, 7 }, 1701 };
	lac->id = id;
}

static UNUSED_OK struct avp_builder *lac_begin(struct lac *lac, enum message_type type, uint16_t session_id)
{
	message_begin(&lac->out, lac->buf, sizeof(lac->buf), type, lac->peer_id, session_id);
	return &lac->out;
}

/* Sends what lac_begin() started with any numbers, without draining. */
static UNUSED_OK void lac_raw(struct lac *lac, uint16_t ns, uint16_t nr)
{
	size_t len = message_end(&lac->out);

	message_set_ns(lac->buf, ns);
	message_set_nr(lac->buf, nr);
	l2tp_input(lac->box->l2tp, lac->box->now, &lac->box->local, &lac->addr, lac->buf, len);
}

static UNUSED_OK void lac_end(struct lac *lac)
{
	lac_raw(lac, lac->ns++, lac->nr);
	box_drain(lac->box);
}

static UNUSED_OK void lac_zlb(struct lac *lac)
{
	uint8_t zlb[MESSAGE_HEADER];

	message_zlb(zlb, lac->peer_id, lac->ns, lac->nr);
	l2tp_input(lac->box->l2tp, lac->box->now, &lac->box->local, &lac->addr, zlb, sizeof(zlb));
	box_drain(lac->box);
}

static UNUSED_OK void lac_put_sccrq(struct lac *lac)
{
	struct avp_builder *out = lac_begin(lac, MESSAGE_SCCRQ, 0);

	avp_put_u16(out, AVP_PROTOCOL_VERSION, 0x0100);
	avp_put_u32(out, AVP_FRAMING_CAPABILITIES, 3);
	avp_put_text(out, AVP_HOST_NAME, "lac");
	avp_put_u16(out, AVP_ASSIGNED_TUNNEL_ID, lac->id);
	avp_put_u16(out, AVP_RECEIVE_WINDOW_SIZE, 16);
}

/* Tunnel up; what the engine did until then is forgotten. */
static UNUSED_OK void lac_connect(struct lac *lac)
{
	struct seen *seen;

	lac_put_sccrq(lac);
	lac_end(lac);
	seen = box_sent(lac->box, MESSAGE_SCCRP, 0);
	ck_assert_ptr_nonnull(seen);
	lac->peer_id = message_u16(&seen->message, AVP_ASSIGNED_TUNNEL_ID);
	lac->nr = 1;
	lac_begin(lac, MESSAGE_SCCCN, 0);
	lac_end(lac);
	ck_assert_uint_eq(box_count(lac->box, L2TP_ACTION_TUNNEL_UP), 1);
	box_forget_seen(lac->box);
}

static UNUSED_OK void lac_put_icrq(struct lac *lac, uint16_t session_id)
{
	struct avp_builder *out = lac_begin(lac, MESSAGE_ICRQ, 0);

	avp_put_u16(out, AVP_ASSIGNED_SESSION_ID, session_id);
	avp_put_u32(out, AVP_CALL_SERIAL_NUMBER, 100000u + session_id);
	avp_put_text(out, AVP_CALLED_NUMBER, "5551234");
}

static UNUSED_OK void lac_put_iccn(struct lac *lac, uint16_t peer_session_id)
{
	struct avp_builder *out = lac_begin(lac, MESSAGE_ICCN, peer_session_id);

	avp_put_u32(out, AVP_TX_CONNECT_SPEED, 100000000);
	avp_put_u32(out, AVP_FRAMING_TYPE, 1);
}

/* Session up; returns the LNS's session ID. */
static UNUSED_OK uint16_t lac_call(struct lac *lac, uint16_t session_id)
{
	struct seen *seen;
	uint16_t id;

	box_forget_seen(lac->box);
	lac_put_icrq(lac, session_id);
	lac_end(lac);
	seen = box_sent(lac->box, MESSAGE_ICRP, 0);
	ck_assert_ptr_nonnull(seen);
	id = message_u16(&seen->message, AVP_ASSIGNED_SESSION_ID);
	ck_assert_uint_eq(seen->header.session_id, session_id);
	lac->nr++;
	lac_put_iccn(lac, id);
	lac_end(lac);
	ck_assert_uint_eq(box_count(lac->box, L2TP_ACTION_SESSION_UP), 1);
	box_forget_seen(lac->box);
	return id;
}

static UNUSED_OK void lac_put_end(struct lac *lac, enum message_type type, uint16_t own_id, uint16_t peer_session_id,
				  uint16_t result, const char *text)
{
	struct avp_builder *out = lac_begin(lac, type, peer_session_id);
	struct l2tp_result code = { .result = result };

	strncpy(code.text, text, sizeof(code.text) - 1);
	avp_put_u16(out, type == MESSAGE_CDN ? AVP_ASSIGNED_SESSION_ID : AVP_ASSIGNED_TUNNEL_ID, own_id);
	message_put_result(out, &code);
}

/* The engine has ended the tunnel with these codes. */
static UNUSED_OK void lac_expect_stop(const struct lac *lac, uint16_t result, uint16_t error)
{
	struct seen *stop = box_sent(lac->box, MESSAGE_STOPCCN, 0);
	struct l2tp_result got;

	ck_assert_ptr_nonnull(stop);
	message_get_result(&stop->message, &got);
	ck_assert_uint_eq(got.result, result);
	ck_assert_uint_eq(got.error, error);
	ck_assert_uint_ne(message_u16(&stop->message, AVP_ASSIGNED_TUNNEL_ID), 0);
	ck_assert_uint_eq(stop->header.tunnel_id, lac->id);
}

#endif
