// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interface of the test LAC (tests/lac/lac.h) with our own engine in LAC
 * role behind it: the simulator linked with this instead of tests/lac/ lets our
 * LAC talk to our LNS pair, through loss, faults and switchovers.
 *
 * One engine is one control connection.  Endpoints do not matter here: what
 * arrives is for this LAC, from the one peer it has.  Of the deviations that
 * tests/lac/ can play none is; RFC 4951 is not said.  Counters are those that
 * the simulator looks at.
 */
#include "tests/lac/lac.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/engine.h"

#define FRAME_MAX 2000
#define AVPS_MAX 16
#define DEFAULT_TX_BPS 100000000u

struct lac_call {
	struct lac_call *next;
	struct lac *lac;
	void *ctx;
	uint16_t sid, peer_sid;
	uint32_t serial;
	bool up;
};

struct lac {
	struct lac_config config;
	struct l2tp *l2tp;
	uint16_t tid;		/* of the tunnel in use; 0: none yet */
	struct lac_call *calls;
	struct lac_counters counters;
	uint64_t now_ms;
	bool draining, shutting;
};

static const struct l2tp_endpoint here = { 4, { 198, 51, 100, 1 }, 1701 }, there = { 4, { 192, 0, 2, 1 }, 1701 };

static struct l2tp_tunnel *tunnel_of(const struct lac *l)
{
	struct l2tp_tunnel *tunnel = l->tid ? l2tp_tunnel_find(l->l2tp, l->tid) : NULL;

	return tunnel && tunnel->state != L2TP_TUNNEL_CLOSING ? tunnel : NULL;
}

/* ---- what the engine wants ---------------------------------------------- */

static bool select_group(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	(void)ctx;
	(void)info;
	(void)params;
	return false;
}

static void fill_random(void *ctx, void *buf, size_t len)
{
	struct lac *l = ctx;
	uint8_t *octet = buf;

	while (len--)
		*octet++ = (uint8_t)(l->config.random(l->config.random_ctx) >> 24);
}

static struct lac_call **place_of(struct lac *l, uint16_t sid)
{
	struct lac_call **place = &l->calls;

	while (*place && (*place)->sid != sid)
		place = &(*place)->next;
	return place;
}

static struct lac_reason reason_of(const struct lac *l, const struct l2tp_action *action)
{
	struct lac_reason reason = { LAC_CAUSE_PROTOCOL, action->result.result, action->result.error, action->result.text };

	if (action->type == L2TP_ACTION_SESSION_DOWN && !tunnel_of(l))
		reason.cause = LAC_CAUSE_TUNNEL;
	else if (action->by_peer)
		reason.cause = LAC_CAUSE_PEER;
	else if (action->result.no_answer || action->result.result == CDN_TIMEOUT)
		reason.cause = LAC_CAUSE_TIMEOUT;
	else if (l->shutting)
		reason.cause = LAC_CAUSE_LOCAL;
	return reason;
}

static void call_up(struct lac *l, const struct l2tp_action *action)
{
	struct lac_call *call = *place_of(l, action->session_id);
	struct l2tp_session *session = l2tp_session_find(l->l2tp, action->tunnel_id, action->session_id);

	if (!call || !session)
		return;
	call->peer_sid = session->peer_id;
	call->up = true;
	l->counters.calls_up++;
	if (l->config.ops->call_up)
		l->config.ops->call_up(l->config.ctx, call);
}

static void call_down(struct lac *l, const struct l2tp_action *action)
{
	struct lac_call **place = place_of(l, action->session_id), *call = *place;
	struct lac_reason reason = reason_of(l, action);

	if (!call)
		return;
	l->counters.calls_down++;
	if (l->config.ops->call_down)
		l->config.ops->call_down(l->config.ctx, call, &reason);
	place = place_of(l, action->session_id);	/* others may have been placed meanwhile */
	*place = call->next;
	free(call);
}

static void act(struct lac *l, const struct l2tp_action *action)
{
	struct lac_reason reason;

	switch (action->type) {
	case L2TP_ACTION_SEND:
		l->counters.sent += action->len > MESSAGE_HEADER;
		l->counters.zlb_sent += action->len == MESSAGE_HEADER;
		l->config.ops->send(l->config.ctx, action->data, action->len);
		break;
	case L2TP_ACTION_TUNNEL_UP:
		l->counters.tunnels_up++;
		if (l->config.ops->tunnel_up)
			l->config.ops->tunnel_up(l->config.ctx);
		break;
	case L2TP_ACTION_TUNNEL_DOWN:
		l->counters.tunnels_down++;
		reason = reason_of(l, action);
		if (l->config.ops->tunnel_down)
			l->config.ops->tunnel_down(l->config.ctx, &reason);
		break;
	case L2TP_ACTION_SESSION_UP:
		call_up(l, action);
		break;
	case L2TP_ACTION_SESSION_DOWN:
		call_down(l, action);
		break;
	case L2TP_ACTION_CALL_REFUSED:
		/* Its reply and our CDN may cross.  But nobody asks a LAC for anything here. */
		if (l->config.ops->violation && action->result.error != ERROR_SESSION_ID)
			l->config.ops->violation(l->config.ctx, action->result.text);
		break;
	case L2TP_ACTION_RESYNC_DONE:
	case L2TP_ACTION_CALL_REQUEST:
	case L2TP_ACTION_WEN:
	case L2TP_ACTION_SLI:
	case L2TP_ACTION_SPEED:
		break;
	}
}

/* A callback may ask for more: that is done when it has returned. */
static void drain(struct lac *l)
{
	struct l2tp_action action;
	struct l2tp_dirty dirty;

	if (l->draining)
		return;
	l->draining = true;
	do
		while (l2tp_dirty_next(l->l2tp, &dirty))
			;
	while (l2tp_action_next(l->l2tp, &action) && (act(l, &action), true));
	l->draining = false;
}

/* ---- life --------------------------------------------------------------- */

void lac_config_init(struct lac_config *config)
{
	*config = (struct lac_config){
		.hostname = "lac",
		.window = 4,
		.rtx_first_ms = 1000,
		.rtx_cap_ms = 8000,
		.rtx_tries = 5,
		.hello_ms = 60000,
		.call_setup_ms = 60000,
		.linger_ms = L2TP_LINGER_MS,
	};
}

void lac_config_peer(struct lac_config *config, enum lac_peer peer)
{
	(void)config;
	(void)peer;
}

const char *lac_peer_name(enum lac_peer peer)
{
	(void)peer;
	return "our own";
}

struct lac *lac_new(const struct lac_config *config)
{
	struct l2tp_config engine = { .id_min = 1, .id_max = 65535, .vendor_name = "l2tpha", .firmware = 1 };
	struct lac *l = calloc(1, sizeof(*l));
	struct l2tp_ops ops = { .ctx = l, .select_group = select_group, .random = fill_random };

	if (!l)
		return NULL;
	l->config = *config;
	l->l2tp = l2tp_new(&engine, &ops);
	if (!l->l2tp) {
		free(l);
		return NULL;
	}
	l2tp_activate(l->l2tp, 0);
	return l;
}

void lac_free(struct lac *l)
{
	struct lac_call *call;

	if (!l)
		return;
	while ((call = l->calls)) {
		l->calls = call->next;
		free(call);
	}
	l2tp_free(l->l2tp);
	free(l);
}

/* ---- input -------------------------------------------------------------- */

void lac_data_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len)
{
	size_t at = len && bytes[0] & 0x40 ? 4 : 2, skip = at + 4;
	struct lac_call *call;

	l->now_ms = now_ms;
	if (len < skip || (bytes[1] & 0xf) != 2) {
		l->counters.malformed++;
		return;
	}
	if (bytes[0] & 0x08)
		skip += 4;
	if (bytes[0] & 0x02)
		skip += len >= skip + 2 ? 2u + avp_get_u16(bytes + skip) : 2;
	if (len < skip) {
		l->counters.malformed++;
		return;
	}
	if (avp_get_u16(bytes + at) != l->tid) {
		l->counters.unknown_tunnel++;
		return;
	}
	call = *place_of(l, avp_get_u16(bytes + at + 2));
	if (!call || !call->up) {
		l->counters.data_closed++;
		return;
	}
	l->counters.data_received++;
	if (l->config.ops->data)
		l->config.ops->data(l->config.ctx, call, bytes + skip, len - skip);
}

void lac_input(struct lac *l, uint64_t now_ms, const uint8_t *bytes, size_t len)
{
	l->now_ms = now_ms;
	if (len && !(bytes[0] & 0x80)) {
		lac_data_input(l, now_ms, bytes, len);
		return;
	}
	l->counters.received++;
	if (len >= 20 && avp_get_u16(bytes + 18) == MESSAGE_HELLO && avp_get_u16(bytes + 4) == l->tid)
		l->counters.hello_received++;
	l2tp_input(l->l2tp, now_ms, &here, &there, bytes, len);
	drain(l);
}

void lac_tick(struct lac *l, uint64_t now_ms)
{
	l->now_ms = now_ms;
	l2tp_tick(l->l2tp, now_ms);
	drain(l);
}

uint64_t lac_deadline_ms(const struct lac *l)
{
	return l2tp_deadline_ms(l->l2tp);
}

/* ---- what the user does ------------------------------------------------- */

static int open_tunnel(struct lac *l, uint64_t now_ms)
{
	const struct lac_config *config = &l->config;
	struct l2tp_tunnel_params params = {
		.group = "sim",
		.receive_window = config->window,
		.hello_s = (uint16_t)(config->hello_ms / 1000),
		.retransmit_retries = (uint8_t)config->rtx_tries,
		.retransmit_min_s = (uint8_t)(config->rtx_first_ms / 1000),
		.retransmit_max_s = (uint8_t)(config->rtx_cap_ms / 1000),
		.setup_timeout_s = (uint16_t)(config->call_setup_ms / 1000),
		.authenticate = config->secret,
	};

	if (tunnel_of(l))
		return 0;
	strncpy(params.local_name, config->hostname, sizeof(params.local_name) - 1);
	if (config->secret)
		strncpy(params.secret, config->secret, sizeof(params.secret) - 1);
	return l2tp_tunnel_open(l->l2tp, now_ms, &here, &there, &params, &l->tid);
}

int lac_open(struct lac *l, uint64_t now_ms)
{
	int error = open_tunnel(l, now_ms);

	drain(l);
	return error;
}

/* As they stand in an ICCN. */
static size_t avps_of(const uint8_t *data, size_t len, struct l2tp_avp *avps)
{
	size_t count = 0, octets;

	for (; len >= 6; data += octets, len -= octets) {
		octets = (size_t)(data[0] & 3) << 8 | data[1];
		if (octets < 6 || octets > len || count == AVPS_MAX)
			abort();
		avps[count++] = (struct l2tp_avp){ .vendor = (uint16_t)(data[2] << 8 | data[3]),
						   .attr = (uint16_t)(data[4] << 8 | data[5]),
						   .value = data + 6, .len = octets - 6 };
	}
	return count;
}

struct lac_call *lac_call(struct lac *l, uint64_t now_ms, const struct lac_call_params *params, void *call_ctx)
{
	struct l2tp_avp avps[AVPS_MAX];
	struct l2tp_call_params call = {
		.called = params && params->called ? params->called : "5551234",
		.calling = params && params->calling ? params->calling : "5556789",
		.bearer_type = 1,
		.tx_speed = params && params->tx_bps ? params->tx_bps : DEFAULT_TX_BPS,
		.rx_speed = params ? params->rx_bps : 0,
		.avps = avps,
		.avp_count = params ? avps_of(params->iccn_extra, params->iccn_extra_len, avps) : 0,
	};
	struct lac_call *c, **end = &l->calls;
	struct l2tp_session *session;
	uint16_t sid;

	l->now_ms = now_ms;
	if (open_tunnel(l, now_ms) || l2tp_call_open(tunnel_of(l), now_ms, L2TP_CALL_IN_LAC, &call, &sid))
		return NULL;
	c = calloc(1, sizeof(*c));
	session = l2tp_session_find(l->l2tp, l->tid, sid);
	if (!c || !session)
		abort();
	*c = (struct lac_call){ .lac = l, .ctx = call_ctx, .sid = sid, .serial = session->call_serial };
	while (*end)
		end = &(*end)->next;
	*end = c;
	drain(l);
	return c;
}

void lac_hangup(struct lac_call *call, uint64_t now_ms, uint16_t result)
{
	struct l2tp_result why = { .result = result };
	struct lac *l = call->lac;
	struct l2tp_session *session = l2tp_session_find(l->l2tp, l->tid, call->sid);

	l->now_ms = now_ms;
	l->shutting = true;
	if (session)
		l2tp_session_close(session, now_ms, &why);
	drain(l);
	l->shutting = false;
}

void lac_shutdown(struct lac *l, uint64_t now_ms, uint16_t result)
{
	struct l2tp_result why = { .result = result };
	struct l2tp_tunnel *tunnel = tunnel_of(l);

	l->now_ms = now_ms;
	l->shutting = true;
	if (tunnel)
		l2tp_tunnel_close(tunnel, now_ms, &why);
	drain(l);
	l->shutting = false;
}

int lac_hello_now(struct lac *l, uint64_t now_ms)
{
	if (!lac_is_up(l))
		return -ENOTCONN;
	tunnel_hello(tunnel_of(l), now_ms);
	tunnel_schedule(tunnel_of(l));
	drain(l);
	return 0;
}

int lac_recover(struct lac *l, uint64_t now_ms)
{
	(void)l;
	(void)now_ms;
	return -ENOTCONN;
}

bool lac_recovering(const struct lac *l)
{
	(void)l;
	return false;
}

uint16_t lac_recovery_tid(const struct lac *l)
{
	(void)l;
	return 0;
}

int lac_data_send(struct lac_call *call, const uint8_t *frame, size_t len)
{
	uint8_t packet[FRAME_MAX + 6] = { 0x00, 0x02 };
	struct l2tp_tunnel *tunnel = tunnel_of(call->lac);

	if (!call->up || !tunnel)
		return -ENOTCONN;
	if (len > FRAME_MAX)
		return -EMSGSIZE;
	avp_set_u16(packet + 2, tunnel->peer_id);
	avp_set_u16(packet + 4, call->peer_sid);
	memcpy(packet + 6, frame, len);
	call->lac->counters.data_sent++;
	call->lac->config.ops->send(call->lac->config.ctx, packet, len + 6);
	return 0;
}

/* ---- looking at it ------------------------------------------------------ */

const struct lac_counters *lac_counters(const struct lac *l)
{
	return &l->counters;
}

bool lac_is_up(const struct lac *l)
{
	const struct l2tp_tunnel *tunnel = tunnel_of(l);

	return tunnel && tunnel->state == L2TP_TUNNEL_ESTABLISHED;
}

bool lac_is_idle(const struct lac *l)
{
	return !l2tp_tunnel_next(l->l2tp, 0);
}

uint16_t lac_tid(const struct lac *l)
{
	return l->tid;
}

uint16_t lac_peer_tid(const struct lac *l)
{
	const struct l2tp_tunnel *tunnel = tunnel_of(l);

	return tunnel ? tunnel->peer_id : 0;
}

unsigned lac_backlog(const struct lac *l)
{
	const struct l2tp_tunnel *tunnel = tunnel_of(l);

	return tunnel ? (uint16_t)(tunnel->channel.vs - tunnel->channel.una) : 0;
}

uint16_t lac_call_sid(const struct lac_call *call)
{
	return call->sid;
}

uint16_t lac_call_peer_sid(const struct lac_call *call)
{
	return call->peer_sid;
}

uint32_t lac_call_serial(const struct lac_call *call)
{
	return call->serial;
}

void *lac_call_ctx(const struct lac_call *call)
{
	return call->ctx;
}
