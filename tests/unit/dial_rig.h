/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dialer with its engine, and LNS engines behind addresses 192.0.2.1 on: the
 * wire takes a millisecond, and what the LAC asks of whom is counted there, as
 * a capture would tell it.
 */
#ifndef L2TPHA_TESTS_UNIT_DIAL_RIG_H
#define L2TPHA_TESTS_UNIT_DIAL_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dial.h"
#include "l2tp/message.h"

#define PEERS 3
#define CALLS 128
#define PARCELS 4096
#define BUSY_MS 60000

struct parcel {
	uint64_t due;
	struct l2tp_endpoint from, to;
	size_t len;
	uint8_t data[L2TP_MSG_MAX];
};

struct lns {
	struct l2tp *l2tp;
	struct l2tp_endpoint addr;
	struct l2tp_tunnel_params params;
	uint32_t limit;			/* calls */
	bool full;			/* takes no tunnel */
	bool silent;			/* hears nothing */
	bool acks_only;			/* and yet acknowledges requests for tunnels */
	const struct l2tp_result *to_sccrq, *to_icrq; /* answers so, whatever it is */
	unsigned sccrq, icrq;		/* it was asked */
	uint64_t refused_ms;		/* it said that it is full, or said nothing; 0: not lately */
	uint64_t asked_ms;		/* last */
};

struct outcome {
	bool over, up;
	uint16_t tunnel_id, session_id;
	struct dial_failure why;
};

static struct {
	uint64_t now;
	uint32_t random;
	struct config *config;
	struct l2tp *l2tp;
	struct dialer *dialer;
	struct l2tp_endpoint addr;
	struct lns lns[PEERS];
	struct parcel *wire[PARCELS];
	size_t wire_len;
	struct outcome calls[CALLS];
	struct dial *dials[CALLS];
	bool shut;
	const char *takes;		/* tunnels of peers, for that group; NULL: for the one that dials */
	unsigned history;		/* refusals told */
	unsigned early;			/* a busy peer was asked */
	uint32_t tunnel_limit;		/* of each tunnel that the LAC opens */
	const struct lns *drained;	/* the operator wants no calls there */
} rig;

static inline void rig_random(void *ctx, void *buf, size_t len)
{
	uint8_t *octet = buf;

	(void)ctx;
	while (len--) {
		rig.random = rig.random * 1664525 + 1013904223;
		*octet++ = (uint8_t)(rig.random >> 16);
	}
}

static inline struct lns *lns_at(const struct l2tp_endpoint *addr)
{
	for (size_t i = 0; i < PEERS; i++)
		if (endpoint_addr_equal(&rig.lns[i].addr, addr))
			return &rig.lns[i];
	return NULL;
}

static inline void put(const struct l2tp_endpoint *from, const struct l2tp_endpoint *to, const uint8_t *data, size_t len)
{
	struct parcel *parcel = calloc(1, sizeof(*parcel));

	ck_assert_uint_lt(rig.wire_len, PARCELS);
	*parcel = (struct parcel){ .due = rig.now + 1, .from = *from, .to = *to, .len = len };
	memcpy(parcel->data, data, len);
	rig.wire[rig.wire_len++] = parcel;
}

/* ---- the LNS ------------------------------------------------------------ */

static inline bool lns_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	(void)info;
	*params = ((struct lns *)ctx)->params;
	return true;
}

static inline bool lns_admit_tunnel(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
				    char why[L2TP_TEXT_MAX])
{
	(void)info;
	(void)params;
	snprintf(why, L2TP_TEXT_MAX, "full");
	return !((struct lns *)ctx)->full;
}

static inline uint32_t lns_calls(const struct lns *lns)
{
	struct l2tp_counters counters;

	l2tp_counters(lns->l2tp, &counters);
	return counters.sessions;
}

static inline bool lns_admit_call(void *ctx, uint16_t tunnel_id, char why[L2TP_TEXT_MAX])
{
	struct lns *lns = ctx;

	(void)tunnel_id;
	snprintf(why, L2TP_TEXT_MAX, "full");
	return !lns->limit || lns_calls(lns) < lns->limit;
}

/* The answer to one message, in the numbers that the LAC awaits. */
static inline void forge(struct lns *lns, uint16_t tunnel_id, uint16_t session_id, enum message_type type,
			 const struct l2tp_result *result)
{
	struct l2tp_tunnel_info info;
	struct avp_builder builder;
	uint8_t buf[L2TP_MSG_MAX];
	size_t len;

	l2tp_tunnel_info(l2tp_tunnel_find(rig.l2tp, tunnel_id), &info);
	message_begin(&builder, buf, sizeof(buf), type, tunnel_id, session_id);
	avp_put_u16(&builder, type == MESSAGE_CDN ? AVP_ASSIGNED_SESSION_ID : AVP_ASSIGNED_TUNNEL_ID, 77);
	if (result->vendor) {
		uint8_t value[] = { 0, 2, 0, 6, 0, 0, (uint8_t)(result->vendor >> 8), (uint8_t)result->vendor, 0, 1 };

		avp_put(&builder, AVP_RESULT_CODE, value, sizeof(value));
	} else {
		message_put_result(&builder, result);
	}
	len = message_end(&builder);
	message_set_ns(buf, info.channel.vr);
	message_set_nr(buf, info.channel.vs);
	put(&lns->addr, &rig.addr, buf, len);
}

/* With a ZLB, the request for a tunnel that is in the parcel. */
static inline void acknowledge(struct lns *lns, const struct parcel *parcel)
{
	static struct message message;
	static uint8_t room[65536];
	uint8_t zlb[MESSAGE_HEADER];

	ck_assert_int_eq(message_parse(parcel->data + MESSAGE_HEADER, parcel->len - MESSAGE_HEADER, NULL, room, &message), 0);
	message_zlb(zlb, message_u16(&message, AVP_ASSIGNED_TUNNEL_ID), 0, 1);
	put(&lns->addr, &rig.addr, zlb, sizeof(zlb));
}

/* As a capture at the LNS sees it. True: the engine there does not hear of it. */
static inline bool lns_sees(struct lns *lns, const struct parcel *parcel)
{
	static struct message message;
	static uint8_t room[65536];
	uint16_t type, id;

	if (parcel->len <= MESSAGE_HEADER)
		return lns->silent;
	type = avp_get_u16(parcel->data + 18);
	if (type == MESSAGE_SCCRQ || type == MESSAGE_ICRQ) {
		lns->sccrq += type == MESSAGE_SCCRQ;
		lns->icrq += type == MESSAGE_ICRQ;
		lns->asked_ms = rig.now;
		/* what was under way when the refusal came is not meant */
		if (lns->refused_ms && rig.now > lns->refused_ms + 2 && rig.now < lns->refused_ms + BUSY_MS)
			rig.early++;
	}
	if (lns->silent) {
		if (lns->acks_only && type == MESSAGE_SCCRQ)
			acknowledge(lns, parcel);
		return true;
	}
	if ((type != MESSAGE_SCCRQ || !lns->to_sccrq) && (type != MESSAGE_ICRQ || !lns->to_icrq))
		return false;
	ck_assert_int_eq(message_parse(parcel->data + MESSAGE_HEADER, parcel->len - MESSAGE_HEADER, NULL, room, &message), 0);
	if (type == MESSAGE_SCCRQ) {
		forge(lns, message.avp[AVP_ASSIGNED_TUNNEL_ID].data[0] << 8 | message.avp[AVP_ASSIGNED_TUNNEL_ID].data[1], 0,
		      MESSAGE_STOPCCN, lns->to_sccrq);
		return true;
	}
	id = l2tp_tunnel_next(rig.l2tp, 0);	/* such tests have one tunnel to it */
	for (struct l2tp_tunnel_info info; id; id = l2tp_tunnel_next(rig.l2tp, id)) {
		l2tp_tunnel_info(l2tp_tunnel_find(rig.l2tp, id), &info);
		if (endpoint_addr_equal(&info.s.peer, &lns->addr))
			forge(lns, id, message.avp[AVP_ASSIGNED_SESSION_ID].data[0] << 8 |
				   message.avp[AVP_ASSIGNED_SESSION_ID].data[1], MESSAGE_CDN, lns->to_icrq);
	}
	return true;
}

static inline void lns_drain(struct lns *lns)
{
	struct l2tp_action action;
	struct l2tp_dirty dirty;
	uint16_t type;

	while (l2tp_dirty_next(lns->l2tp, &dirty))
		;
	while (l2tp_action_next(lns->l2tp, &action)) {
		if (action.type != L2TP_ACTION_SEND)
			continue;
		type = action.len > MESSAGE_HEADER ? avp_get_u16(action.data + 18) : 0;
		if (type == MESSAGE_CDN || type == MESSAGE_STOPCCN)
			lns->refused_ms = rig.now;
		put(&action.local, &action.peer, action.data, action.len);
	}
}

/* ---- the LAC ------------------------------------------------------------ */

static inline bool rig_local(void *ctx, const struct config_vpdn_group *group, const struct l2tp_endpoint *peer,
			     struct l2tp_endpoint *local)
{
	(void)ctx;
	(void)group;
	(void)peer;
	*local = rig.addr;
	return true;
}

static inline void rig_params(void *ctx, const struct config_vpdn_group *group, struct l2tp_tunnel_params *params)
{
	(void)ctx;
	memset(params, 0, sizeof(*params));
	snprintf(params->group, sizeof(params->group), "%s", group->name);
	params->receive_window = 8;
	params->hello_s = 60;
	params->retransmit_retries = 5;
	params->retransmit_min_s = 1;
	params->retransmit_max_s = 8;
	params->initial_retries = 2;
	params->setup_timeout_s = 20;
	params->session_limit = rig.tunnel_limit;
	params->ha = true;
}

/* The LNS opens a tunnel to us, and it is of that group. */
static inline void lns_opens(struct lns *lns, const char *group)
{
	uint16_t id;

	rig.takes = group;
	ck_assert_int_eq(l2tp_tunnel_open(lns->l2tp, rig.now, &lns->addr, &rig.addr, &lns->params, &id), 0);
}

static inline bool rig_admits(void *ctx, const char *group, char why[L2TP_TEXT_MAX])
{
	(void)ctx;
	(void)group;
	snprintf(why, L2TP_TEXT_MAX, "soft shut");
	return !rig.shut;
}

/* The LAC takes tunnels, too. */
static inline bool rig_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	(void)info;
	rig_params(ctx, rig.config->vpdn_groups, params);
	if (rig.takes)
		snprintf(params->group, sizeof(params->group), "%s", rig.takes);
	return true;
}

static inline bool rig_drained(void *ctx, const struct l2tp_endpoint *peer)
{
	(void)ctx;
	return rig.drained && endpoint_addr_equal(&rig.drained->addr, peer);
}

static inline void rig_refused(void *ctx, const struct dial_failure *why, const char *user)
{
	(void)ctx;
	(void)user;
	ck_assert(why->reason[0] && why->type);
	rig.history++;
}

static inline void on_connected(void *ctx, uint32_t tag, uint16_t tunnel_id, uint16_t session_id)
{
	(void)ctx;
	ck_assert(!rig.calls[tag].over);
	rig.calls[tag] = (struct outcome){ .over = true, .up = true, .tunnel_id = tunnel_id, .session_id = session_id };
	rig.dials[tag] = NULL;
}

static inline void on_failed(void *ctx, uint32_t tag, const struct dial_failure *why)
{
	(void)ctx;
	ck_assert(!rig.calls[tag].over);
	rig.calls[tag] = (struct outcome){ .over = true, .why = *why };
	rig.dials[tag] = NULL;
}

static const struct dial_events rig_events = { .connected = on_connected, .failed = on_failed };

static inline void rig_drain(void)
{
	struct l2tp_action action;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(rig.l2tp, &dirty))
		;
	while (l2tp_action_next(rig.l2tp, &action)) {
		dialer_action(rig.dialer, rig.now, &action);
		if (action.type == L2TP_ACTION_SEND)
			put(&rig.addr, &action.peer, action.data, action.len);
	}
}

/* ---- time --------------------------------------------------------------- */

static inline void deliver(const struct parcel *parcel)
{
	struct lns *lns = lns_at(&parcel->to);

	if (!lns)
		l2tp_input(rig.l2tp, rig.now, &parcel->to, &parcel->from, parcel->data, parcel->len);
	else if (!lns_sees(lns, parcel))
		l2tp_input(lns->l2tp, rig.now, &parcel->to, &parcel->from, parcel->data, parcel->len);
}

static inline void run(uint64_t ms)
{
	for (; ms; ms--) {
		size_t due = 0;

		rig.now++;
		while (due < rig.wire_len && rig.wire[due]->due <= rig.now) {
			struct parcel *parcel = rig.wire[due++];

			deliver(parcel);
			free(parcel);
		}
		memmove(rig.wire, rig.wire + due, (rig.wire_len - due) * sizeof(rig.wire[0]));
		rig.wire_len -= due;
		l2tp_tick(rig.l2tp, rig.now);
		dialer_tick(rig.dialer, rig.now);
		rig_drain();
		for (size_t i = 0; i < PEERS; i++) {
			l2tp_tick(rig.lns[i].l2tp, rig.now);
			lns_drain(&rig.lns[i]);
		}
	}
}

static inline void dial(uint32_t tag)
{
	struct dial_request request = { .events = &rig_events, .tag = tag, .user = "alice@isp.example" };
	struct dial_failure why;

	ck_assert_uint_lt(tag, CALLS);
	rig.calls[tag] = (struct outcome){ 0 };
	rig.dials[tag] = dial_start(rig.dialer, rig.now, &request, &why);
	if (!rig.dials[tag])
		rig.calls[tag] = (struct outcome){ .over = true, .why = why };
	rig_drain();
}

/* The LNS that has the call; -1: it is not up. */
static inline int where(uint32_t tag)
{
	struct l2tp_tunnel *tunnel;
	struct l2tp_tunnel_info info;

	if (!rig.calls[tag].up)
		return -1;
	tunnel = l2tp_tunnel_find(rig.l2tp, rig.calls[tag].tunnel_id);
	ck_assert_ptr_nonnull(tunnel);
	ck_assert_ptr_nonnull(l2tp_session_find(rig.l2tp, rig.calls[tag].tunnel_id, rig.calls[tag].session_id));
	l2tp_tunnel_info(tunnel, &info);
	return (int)(lns_at(&info.s.peer) - rig.lns);
}

static inline void hang_up(uint32_t tag)
{
	const struct l2tp_result result = { .result = 3 };

	l2tp_session_close(l2tp_session_find(rig.l2tp, rig.calls[tag].tunnel_id, rig.calls[tag].session_id), rig.now, &result);
	rig_drain();
	run(10);
}

/* `lines` are those of the group, besides who it dials for. */
static inline void rig_start(const char *lines)
{
	struct l2tp_config lc = { .id_min = 1, .id_max = 65535 };
	struct l2tp_ops lo = { .random = rig_random, .select_group = rig_select };
	struct dialer_ops ops = { .local = rig_local, .params = rig_params, .admits = rig_admits, .random = rig_random,
				  .drained = rig_drained, .refused = rig_refused };
	char text[1024], error[256];

	memset(&rig, 0, sizeof(rig));
	rig.now = 1000000;
	rig.random = 7;
	snprintf(text, sizeof(text), "vpdn enable\nvpdn-group G\n request-dialin\n  protocol l2tp\n  domain isp.example\n"
		 "  dnis 5551234\n no l2tp tunnel authentication\n source-ip 198.51.100.7\n%s", lines);
	rig.config = config_parse("test", text, error);
	ck_assert_msg(rig.config && !config_check(rig.config, error), "%s", error);
	endpoint_parse(&rig.addr, "198.51.100.7");
	rig.addr.port = L2TP_PORT;
	rig.l2tp = l2tp_new(&lc, &lo);
	l2tp_activate(rig.l2tp, rig.now);
	rig.dialer = dialer_new(rig.config, rig.l2tp, &ops);
	for (size_t i = 0; i < PEERS; i++) {
		struct lns *lns = &rig.lns[i];
		struct l2tp_ops o = { .ctx = lns, .select_group = lns_select, .random = rig_random,
				      .admit_tunnel = lns_admit_tunnel, .admit_call = lns_admit_call };

		lns->addr = (struct l2tp_endpoint){ 4, { 192, 0, 2, (uint8_t)(1 + i) }, L2TP_PORT };
		rig_params(NULL, rig.config->vpdn_groups, &lns->params);
		lns->l2tp = l2tp_new(&lc, &o);
		l2tp_activate(lns->l2tp, rig.now);
	}
}

static inline void rig_stop(void)
{
	dialer_free(rig.dialer);
	l2tp_free(rig.l2tp);
	for (size_t i = 0; i < PEERS; i++)
		l2tp_free(rig.lns[i].l2tp);
	while (rig.wire_len)
		free(rig.wire[--rig.wire_len]);
	config_free(rig.config);
}

#endif
