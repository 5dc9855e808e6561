/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer harness of the L2TP engine.  The input is a script: each step is
 * an operation octet and what it needs.  Packets are raw, or correct ones in
 * header and numbers with a raw body, so that the fuzzer gets past the channel
 * into AVPs and state machines; between them time passes, calls are closed and
 * a second engine takes over from exported state.  What comes out must be
 * well-formed, and the books must balance at the end.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. \
 *         tests/fuzz/fuzz-l2tp.c l2tp/[a-z]*.c -lnettle -o fuzz-l2tp
 */
#include <stdlib.h>
#include <string.h>

#include "l2tp/l2tp.h"
#include "l2tp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

struct world {
	struct l2tp *active, *standby;
	uint64_t now;
	uint32_t random;
	uint16_t tunnel, session;	/* last ones the engine named */
	uint16_t ns, nr;		/* what a correct peer would use */
};

static const struct l2tp_endpoint here = { 4, { 192, 0, 2, 1 }, 1701 }, there = { 4, { 192, 0, 2, 2 }, 1701 };

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static void must(bool condition)
{
	if (!condition)
		abort();
}

static bool select_group(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	(void)ctx;
	memset(params, 0, sizeof(*params));
	strcpy(params->group, "fuzz");
	strcpy(params->secret, info->peer_name[0] == 's' ? "secret" : "");
	params->authenticate = info->peer_name[0] == 's' && info->peer_name[1] == 'a';
	params->receive_window = 4;
	params->hello_s = 60;
	params->retransmit_retries = 3;
	params->ha = info->peer_name[0] != 'n';
	params->session_limit = 20;
	params->failover = L2TP_FAILOVER_PROTOCOL_SILENT;
	params->recovery_ms = 20000;
	params->accept_dialout = info->peer_name[0] == 'l';	/* "lac" */
	params->hide = params->hide_setup = params->authenticate;
	return info->peer_name[0] != 'x';
}

static void weak_random(void *ctx, void *buf, size_t len)
{
	struct world *world = ctx;
	uint8_t *octet = buf;

	while (len--) {
		world->random = world->random * 1664525 + 1013904223;
		*octet++ = (uint8_t)(world->random >> 24);
	}
}

static struct l2tp *engine_new(struct world *world)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 40, .max_half_open = 10, .max_half_open_per_peer = 10 };
	struct l2tp_ops ops = { .ctx = world, .select_group = select_group, .random = weak_random };
	struct l2tp *l2tp = l2tp_new(&config, &ops);

	must(l2tp);
	return l2tp;
}

/* ---- the stream to the standby ------------------------------------------ */

static void copy(struct world *world, const struct l2tp_dirty *dirty)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(world->active, dirty->tunnel_id);
	struct l2tp_session *session;
	struct l2tp_tunnel_state_rec tunnel_rec;
	struct l2tp_session_state_rec session_rec;
	struct l2tp_channel_state channel;
	const uint8_t *message;
	size_t len;

	switch (dirty->type) {
	case L2TP_DIRTY_TUNNEL:
		/* the ID may already be that of a request of ours, which nobody else is told of */
		if (tunnel && l2tp_tunnel_recorded(tunnel)) {
			l2tp_tunnel_export(tunnel, &tunnel_rec);
			must(!l2tp_tunnel_import(world->standby, &tunnel_rec));
			return;
		}
		l2tp_tunnel_forget(world->standby, dirty->tunnel_id);
		return;
	case L2TP_DIRTY_CHANNEL:
		must(tunnel);
		if (!l2tp_tunnel_recorded(tunnel))
			return;
		l2tp_channel_export(tunnel, &channel);
		must(!l2tp_channel_import(world->standby, dirty->tunnel_id, &channel));
		return;
	case L2TP_DIRTY_MESSAGE:
		must(tunnel);
		if (!l2tp_tunnel_recorded(tunnel))
			return;
		message = l2tp_message(tunnel, dirty->ns, &len);
		must(message);
		must(!l2tp_message_import(world->standby, dirty->tunnel_id, dirty->ns, message, len));
		return;
	case L2TP_DIRTY_MESSAGE_ACKED:
		return;
	case L2TP_DIRTY_SESSION:
		session = l2tp_session_find(world->active, dirty->tunnel_id, dirty->session_id);
		if (session && !l2tp_session_recorded(session))
			return;
		if (session) {
			l2tp_session_export(session, &session_rec);
			must(!l2tp_session_import(world->standby, &session_rec));
		} else {
			l2tp_session_forget(world->standby, dirty->tunnel_id, dirty->session_id);
		}
		return;
	}
}

static void drain(struct world *world)
{
	struct message_header header;
	struct l2tp_action action;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(world->active, &dirty))
		copy(world, &dirty);
	while (l2tp_action_next(world->active, &action)) {
		if (action.type == L2TP_ACTION_SESSION_UP || action.type == L2TP_ACTION_CALL_REQUEST)
			world->session = action.session_id;
		if (action.type != L2TP_ACTION_SEND)
			continue;
		must(message_header_parse(action.data, action.len, &header) == MESSAGE_KIND_CONTROL);
		must(header.body_len + MESSAGE_HEADER == action.len);
		if (action.tunnel_id) {
			world->tunnel = action.tunnel_id;
			world->ns = header.nr;
			world->nr = (uint16_t)(header.ns + (header.body_len ? 1 : 0));
		}
	}
	must(!l2tp_dirty_next(world->active, &dirty));
}

/* Everything the active has, for a standby that has nothing. */
static void snapshot(struct world *world)
{
	struct l2tp_dirty dirty = { 0 };
	struct l2tp_tunnel_info info;

	while ((dirty.tunnel_id = l2tp_tunnel_next(world->active, dirty.tunnel_id))) {
		l2tp_tunnel_info(l2tp_tunnel_find(world->active, dirty.tunnel_id), &info);
		if (!info.s.params.ha || !l2tp_tunnel_recorded(l2tp_tunnel_find(world->active, dirty.tunnel_id)))
			continue;
		dirty.type = L2TP_DIRTY_TUNNEL;
		copy(world, &dirty);
		dirty.type = L2TP_DIRTY_CHANNEL;
		copy(world, &dirty);
		dirty.type = L2TP_DIRTY_MESSAGE;
		for (dirty.ns = info.channel.una; dirty.ns != info.channel.vs; dirty.ns++)
			copy(world, &dirty);
		dirty.type = L2TP_DIRTY_SESSION;
		dirty.session_id = 0;
		while ((dirty.session_id = l2tp_session_next(world->active, dirty.tunnel_id, dirty.session_id)))
			copy(world, &dirty);
	}
}

static void switch_over(struct world *world, bool behind)
{
	struct l2tp *old = world->active;

	drain(world);
	world->active = world->standby;
	world->standby = old;
	l2tp_passivate(old);
	l2tp_forget_all(old);
	l2tp_take_over(world->active, world->now, behind ? L2TP_KNOWLEDGE_BEHIND : L2TP_KNOWLEDGE_EXACT);
	snapshot(world);
}

/* ---- steps -------------------------------------------------------------- */

static size_t fill(struct input *in, uint8_t *buf, size_t cap)
{
	size_t i, len = take(in);

	if (len > cap)
		len = cap;
	for (i = 0; i < len; i++)
		buf[i] = take(in);
	return len;
}

static void packet(struct world *world, const uint8_t *data, size_t len)
{
	uint8_t *copied = malloc(len ? len : 1);	/* its own allocation: overruns are seen */

	must(copied);
	memcpy(copied, data, len);
	l2tp_input(world->active, world->now, &here, &there, copied, len);
	free(copied);
}

/* RFC 4951: the capability, a tunnel to be recovered, or a session to be compared. */
static void put_failover(struct world *world, struct input *in, struct avp_builder *builder, uint16_t type)
{
	uint8_t value[10] = { 0 }, op = take(in);

	if (type == MESSAGE_FSQ || type == MESSAGE_FSR) {
		avp_set_u16(value + 4, (uint16_t)(take(in) + 1));
		avp_set_u16(value + 8, world->session);
		avp_put(builder, AVP_FAILOVER_SESSION_STATE, value, sizeof(value));
	} else if (op & 1) {
		avp_set_u16(value, op >> 1 & 3);
		avp_set_u16(value + 4, op);
		avp_put(builder, AVP_FAILOVER_CAPABILITY, value, 6);
	} else if (op & 2) {
		avp_put(builder, AVP_TIE_BREAKER, "\x40\0\0\0\0\0\0\0", 8);
		avp_set_u16(value + 4, (uint16_t)(take(in) + 1));
		avp_set_u16(value + 8, world->tunnel);
		avp_put(builder, AVP_TUNNEL_RECOVERY, value, sizeof(value));
	} else if (op & 4) {
		avp_set_u16(value + 2, op);
		avp_put(builder, AVP_SUGGESTED_CONTROL_SEQUENCE, value, 6);
	}
}

static void numbered(struct world *world, struct input *in)
{
	uint8_t buf[600], op = take(in);
	struct avp_builder builder;
	uint16_t type = op & 0x1f;

	message_begin(&builder, buf, sizeof(buf), (enum message_type)type, type == MESSAGE_SCCRQ ? 0 : world->tunnel,
		      op & 0x20 ? world->session : 0);
	if (op & 0x40) {	/* what every request needs, so that the rest is reached */
		avp_put_u16(&builder, AVP_PROTOCOL_VERSION, 0x0100);
		avp_put_u32(&builder, AVP_FRAMING_CAPABILITIES, 3);
		avp_put_text(&builder, AVP_HOST_NAME, "lac");
		avp_put_u16(&builder, AVP_ASSIGNED_TUNNEL_ID, (uint16_t)(take(in) + 1));
		avp_put_u16(&builder, AVP_ASSIGNED_SESSION_ID, (uint16_t)(take(in) + 1));
		avp_put_u32(&builder, AVP_CALL_SERIAL_NUMBER, 1);
		avp_put_u32(&builder, AVP_TX_CONNECT_SPEED, 1);
		avp_put_u32(&builder, AVP_FRAMING_TYPE, 1);
		avp_put_u16(&builder, AVP_RESULT_CODE, 1);
		put_failover(world, in, &builder, type);
	}
	builder.len += fill(in, buf + builder.len, sizeof(buf) - builder.len);
	message_end(&builder);
	message_set_ns(buf, type == MESSAGE_SCCRQ ? 0 : world->ns);
	message_set_nr(buf, type == MESSAGE_SCCRQ ? 0 : (uint16_t)(world->nr - (op >> 7)));
	packet(world, buf, builder.len);
	world->ns++;
}

/* What a LAC, or an LNS that dials out, asks its own engine for. */
static void open_ours(struct world *world, struct input *in)
{
	static const struct l2tp_avp further = { 0, 30, "user", 4 };
	struct l2tp_tunnel_params params = { .group = "ours", .receive_window = 4, .hello_s = 60, .retransmit_retries = 3,
					     .ha = true, .accept_dialout = true, .bearer = 3 };
	struct l2tp_call_params call = { .bearer_type = 1, .called = "1", .csu_enabled = true, .tx_speed = 1 };
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(world->active, world->tunnel);
	struct l2tp_session *session = l2tp_session_find(world->active, world->tunnel, world->session);
	const uint32_t errors[6] = { 1, 2, 3, 4, 5, 6 };
	uint8_t op = take(in);
	uint16_t id = 0;

	params.tie_break = op & 8;
	params.peer_change = (enum l2tp_peer_change)(op >> 4 & 3);
	if (op & 0x80)
		strcpy(params.secret, "secret");
	params.authenticate = params.hide = params.hide_setup = op & 0x80;
	if (op & 0x40) {
		call.avps = &further;
		call.avp_count = 1;
	}
	switch (op & 7) {
	case 0:
		if (!l2tp_tunnel_open(world->active, world->now, &here, &there, &params, &id))
			world->tunnel = id;
		break;
	case 1:
		if (tunnel && !l2tp_call_open(tunnel, world->now, L2TP_CALL_IN_LAC, &call, &id))
			world->session = id;
		break;
	case 2:
		call.avp_count = 0;
		if (tunnel && !l2tp_call_open(tunnel, world->now, L2TP_CALL_OUT_LNS, &call, &id))
			world->session = id;
		break;
	case 3:
		call.avp_count = 0;
		if (session)
			l2tp_call_answer(session, world->now, &call);
		break;
	case 4:
		if (session)
			l2tp_session_send_accm(session, world->now, 1, 2);
		break;
	case 5:
		if (session)
			l2tp_session_send_errors(session, world->now, errors);
		break;
	case 6:
		if (session)
			l2tp_session_send_speed(session, world->now, op, 1);
		break;
	case 7:
		if (tunnel)
			l2tp_tunnel_query_speeds(tunnel, world->now);
		break;
	}
}

static void step(struct world *world, struct input *in)
{
	struct l2tp_result result = { .result = 3 };
	struct l2tp_session *session;
	struct l2tp_tunnel *tunnel;
	uint8_t buf[600], op;
	uint64_t when;

	switch (take(in) & 7) {
	case 0:
		packet(world, buf, fill(in, buf, sizeof(buf)));
		break;
	case 1:
	case 2:
		numbered(world, in);
		break;
	case 3:
		message_zlb(buf, world->tunnel, world->ns, world->nr);
		packet(world, buf, MESSAGE_HEADER);
		break;
	case 4:
		when = l2tp_deadline_ms(world->active);
		world->now = when != UINT64_MAX && when > world->now ? when : world->now + take(in) * 100u;
		l2tp_tick(world->active, world->now);
		break;
	case 5:
		drain(world);
		break;
	case 6:
		session = l2tp_session_find(world->active, world->tunnel, world->session);
		tunnel = l2tp_tunnel_find(world->active, world->tunnel);
		op = take(in);
		if (op & 4) {
			open_ours(world, in);
		} else if (op & 1) {
			if (session)
				l2tp_session_close(session, world->now, &result);
		} else if (tunnel) {
			l2tp_tunnel_close(tunnel, world->now, &result);
		}
		break;
	case 7:
		switch_over(world, take(in) & 1);
		break;
	}
}

static void audit(const struct l2tp *l2tp)
{
	struct l2tp_counters counters;
	uint32_t tunnels = 0, sessions = 0;
	struct l2tp_tunnel_info info;
	uint16_t tunnel, session;

	for (tunnel = 0; (tunnel = l2tp_tunnel_next(l2tp, tunnel));) {
		l2tp_tunnel_info(l2tp_tunnel_find((struct l2tp *)l2tp, tunnel), &info);
		tunnels += info.s.state != L2TP_TUNNEL_CLOSING;
		must(info.s.state != L2TP_TUNNEL_CLOSING || !info.sessions);
		for (session = 0; (session = l2tp_session_next(l2tp, tunnel, session));)
			sessions++;
	}
	l2tp_counters(l2tp, &counters);
	must(counters.tunnels == tunnels);
	must(counters.sessions == sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { .now = 1000, .random = 1 };
	struct input in = { data, size };
	int i;

	world.active = engine_new(&world);
	world.standby = engine_new(&world);
	l2tp_activate(world.active, world.now);
	while (in.left)
		step(&world, &in);
	drain(&world);
	audit(world.active);
	audit(world.standby);
	/* left alone, everything half-open, closing or unanswered comes to its end */
	for (i = 0; i < 2000 && l2tp_deadline_ms(world.active) != UINT64_MAX; i++) {
		if (l2tp_deadline_ms(world.active) > world.now)
			world.now = l2tp_deadline_ms(world.active);
		l2tp_tick(world.active, world.now);
		drain(&world);
	}
	must(i < 2000);
	must(!l2tp_tunnel_next(world.active, 0));
	l2tp_free(world.active);
	l2tp_free(world.standby);
	return 0;
}
