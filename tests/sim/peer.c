/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LACs: tests/lac/ on the simulated network, with what this LAC and its
 * clients know written down (struct peer, struct call), because that is the
 * truth the pair is measured against.  Every reason a tunnel or a call ends
 * for is judged here: a switchover is never one (S2).
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <string.h>

static struct call *call_of(struct sim *sim, struct lac_call *lc)
{
	struct call *call = lac_call_ctx(lc);

	return call >= sim->calls && call < sim->calls + SIM_CALLS ? call : NULL;
}

static uint32_t peer_random(void *ctx)
{
	return (uint32_t)rng_next(ctx);
}

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct peer *peer = ctx;
	uint16_t tid = lac_tid(peer->lac);
	unsigned n = sizeof(peer->seen_tids) / sizeof(peer->seen_tids[0]);

	if (!peer->seen_tids_len || peer->seen_tids[(peer->seen_tids_len - 1) % n] != tid)
		peer->seen_tids[peer->seen_tids_len++ % n] = tid;
	net_from_peer(peer, data, len);
}

static void on_tunnel_up(void *ctx)
{
	struct peer *peer = ctx;

	peer->up = true;
	sim_trace(peer->sim, "lac %d: tunnel %u/%u up", peer->index, lac_tid(peer->lac), lac_peer_tid(peer->lac));
	/*
	 * A pair that forgot everything gave the number out a second time, by chance: what the LAC still repeats of
	 * the tunnel before is taken for this one's.  Nobody can tell them apart, the LAC's addresses are the same.
	 */
	if (peer->sim->now_us < peer->excused_until_us && lac_peer_tid(peer->lac) == peer->at_risk_peer_tid)
		peer->at_risk = true;
}

static const char *cause_name(enum lac_cause cause)
{
	switch (cause) {
	case LAC_CAUSE_LOCAL:	 return "local";
	case LAC_CAUSE_PEER:	 return "peer";
	case LAC_CAUSE_TIMEOUT:	 return "timeout";
	case LAC_CAUSE_AUTH:	 return "auth";
	case LAC_CAUSE_PROTOCOL: return "protocol";
	case LAC_CAUSE_TUNNEL:	 return "tunnel";
	}
	return "?";
}

static void on_tunnel_down(void *ctx, const struct lac_reason *r)
{
	struct peer *peer = ctx;
	bool was_up = peer->up;

	sim_trace(peer->sim, "lac %d: tunnel down, %s %u/%u %s", peer->index, cause_name(r->cause), r->result,
		  r->error, r->text);
	peer->up = false;
	if (r->cause == LAC_CAUSE_LOCAL || peer->at_risk || peer->sim->now_us < peer->excused_until_us) {
		if (peer->at_risk) {
			peer->excused_until_us = peer->sim->now_us + 90 * SEC;
			peer->at_risk_peer_tid = lac_peer_tid(peer->lac);
		}
		peer->at_risk = false;
		return;
	}
	if (was_up)
		sim_fail(peer->sim, "S2: tunnel of lac %d ends by %s, result %u error %u \"%s\"", peer->index,
			 cause_name(r->cause), r->result, r->error, r->text);
	else if (r->cause != LAC_CAUSE_TIMEOUT)
		sim_fail(peer->sim, "tunnel of lac %d is refused by %s, result %u error %u \"%s\"", peer->index,
			 cause_name(r->cause), r->result, r->error, r->text);
}

static void on_call_up(void *ctx, struct lac_call *lc)
{
	struct peer *peer = ctx;
	struct call *call = call_of(peer->sim, lc);

	call->up = true;
	call->lac_tid = lac_tid(peer->lac);
	call->lac_sid = lac_call_sid(lc);
	call->lns_tid = lac_peer_tid(peer->lac);
	call->lns_sid = lac_call_peer_sid(lc);
	sim_trace(peer->sim, "call %d of lac %d: up, session %u/%u", call->index, peer->index, lac_call_sid(lc),
		  lac_call_peer_sid(lc));
}

static void on_call_down(void *ctx, struct lac_call *lc, const struct lac_reason *r)
{
	struct peer *peer = ctx;
	struct call *call = call_of(peer->sim, lc);
	bool was_ppp = call && call->ppp == CALL_PPP_UP;

	if (!call)
		return;		/* of no interest: it was to be refused */
	sim_trace(peer->sim, "call %d of lac %d: down, %s %u/%u %s", call->index, peer->index, cause_name(r->cause),
		  r->result, r->error, r->text);
	call->lc = NULL;
	call->ppp = CALL_PPP_DOWN;
	if (r->cause == LAC_CAUSE_LOCAL) {
		call->hung_up = true;
		return;
	}
	/* the tunnel's own end was judged already */
	if (r->cause == LAC_CAUSE_TUNNEL || call->doomed || call->at_risk)
		return;
	if (was_ppp && !call->ppp_at_risk)
		sim_fail(peer->sim, "S2: call %d of lac %d ends by %s, result %u error %u \"%s\"", call->index,
			 peer->index, cause_name(r->cause), r->result, r->error, r->text);
}

static void on_data(void *ctx, struct lac_call *lc, const uint8_t *data, size_t len)
{
	struct peer *peer = ctx;

	client_input(peer->sim, call_of(peer->sim, lc), data, len);
}

static void on_violation(void *ctx, const char *text)
{
	struct peer *peer = ctx;

	/* owners of a partition that is over and has not told them yet: what the one repeats, the other has used up */
	bool repeated = strstr(text, ", now it is ") && node_is_owner(&peer->sim->nodes[0]) &&
			node_is_owner(&peer->sim->nodes[1]);

	if (peer->at_risk || repeated || peer->sim->now_us < peer->excused_until_us) {
		sim_trace(peer->sim, "lac %d (excused): %s", peer->index, text);
		return;
	}
	sim_fail(peer->sim, "lac %d: %s", peer->index, text);
}

static const struct lac_ops ops = {
	.send = on_send, .tunnel_up = on_tunnel_up, .tunnel_down = on_tunnel_down, .call_up = on_call_up,
	.call_down = on_call_down, .data = on_data, .violation = on_violation,
};

void peer_new(struct sim *sim, int index, enum lac_peer flavour, const char *secret, bool shared_port)
{
	struct peer *peer = &sim->peers[index];

	peer->sim = sim;
	peer->index = index;
	snprintf(peer->hostname, sizeof(peer->hostname), "lac%d", index);
	/* two control connections to a LAC; on one port or on two */
	peer->addr = (struct l2tp_endpoint){ .family = 4, .addr = { 10, 1, 0, (uint8_t)(1 + index / 2) },
					     .port = (uint16_t)(shared_port ? 1701 : 20000 + index) };
	lac_config_init(&peer->config);
	lac_config_peer(&peer->config, flavour);
	peer->config.ops = &ops;
	peer->config.ctx = peer;
	peer->config.random = peer_random;
	peer->config.random_ctx = sim;
	peer->config.hostname = peer->hostname;
	peer->config.secret = secret;
	peer->config.tid_lane = (uint8_t)(1 + index % 2);
	/* loss must not outlast patience: that would be a finding about chance */
	peer->config.rtx_first_ms = 1000;
	peer->config.rtx_cap_ms = 4000;
	peer->config.rtx_tries = 14;
	peer->config.hello_ms = 8000;
	peer->config.call_setup_ms = 60000;
	peer->config.allow_hello_probe = sim->net.parts;
	if (sim->failover != L2TP_FAILOVER_UNSET) {
		peer->config.failover = rng_pm(sim, 800);
		peer->config.recovery_ms = 60000;
	}
	peer->lac = lac_new(&peer->config);
	if (index >= sim->peer_count)
		sim->peer_count = index + 1;
}

void peer_free(struct peer *peer)
{
	if (peer->lac)
		lac_free(peer->lac);
	peer->lac = NULL;
}

/* A request to recover a tunnel names it: the last of its AVPs is a Tunnel Recovery. */
static uint16_t recovered_tid(const uint8_t *data, size_t len)
{
	static const uint8_t avp[] = { 0x80, 0x10, 0, 0, 0, 77 };
	size_t i;

	for (i = 12; i + 16 <= len; i++)
		if (!memcmp(data + i, avp, sizeof(avp)))
			return (uint16_t)(data[i + 14] << 8 | data[i + 15]);
	return 0;
}

struct peer *peer_by_addr(struct sim *sim, const struct l2tp_endpoint *addr, const uint8_t *data, size_t len)
{
	uint16_t tid = 0;
	int i, any = -1;
	unsigned k;

	if (len >= 6)
		tid = data[0] & 0x40 ? (uint16_t)(data[4] << 8 | data[5]) : (uint16_t)(data[2] << 8 | data[3]);
	if (!tid && len > 20)
		tid = recovered_tid(data, len);
	for (i = 0; i < sim->peer_count; i++) {
		struct peer *peer = &sim->peers[i];

		if (!endpoint_equal(&peer->addr, addr))
			continue;
		any = i;
		if (tid && lac_recovery_tid(peer->lac) == tid)
			return peer;
		for (k = 0; k < peer->seen_tids_len && k < sizeof(peer->seen_tids) / sizeof(peer->seen_tids[0]); k++)
			if (peer->seen_tids[k] == tid)
				return peer;
	}
	return any < 0 ? NULL : &sim->peers[any];
}

void peer_input(struct peer *peer, const uint8_t *data, size_t len)
{
	lac_input(peer->lac, sim_ms(peer->sim), data, len);
	if (peer->shutdown_waits)
		peer_shutdown(peer);
}

void peer_tick(struct peer *peer)
{
	lac_tick(peer->lac, sim_ms(peer->sim));
}

static int free_user(const struct sim *sim)
{
	int u, i;

	for (u = 0; u < SIM_USERS; u++) {
		for (i = 0; i < sim->call_count; i++)
			if (sim->calls[i].user == u && sim->calls[i].lc)
				break;
		if (i == sim->call_count)
			return u;
	}
	return -1;
}

struct call *peer_call(struct peer *peer)
{
	struct sim *sim = peer->sim;
	int user = free_user(sim);
	struct lac_call_params params = { 0 };
	struct proxy_avps avps;
	struct call *call;

	if (sim->call_count == SIM_CALLS || user < 0)
		return NULL;
	call = &sim->calls[sim->call_count];
	*call = (struct call){ .used = true, .index = sim->call_count, .peer = peer->index, .user = user };
	call->at_risk = peer->at_risk || sim->now_us < peer->excused_until_us;
	sim->call_count++;
	sim_trace(sim, "call %d of lac %d is placed, user%d", call->index, peer->index, user);
	if (sim->proxy) {
		call->magic = ++sim->magics;
		call->ppp = CALL_PPP_AUTH;
		proxy_avps(sim, call, &avps);
		params.iccn_extra = avps.data;
		params.iccn_extra_len = avps.len;
	}
	call->lc = lac_call(peer->lac, sim_ms(sim), &params, call);
	if (!call->lc)
		return NULL;
	call->lac_tid = lac_tid(peer->lac);
	call->lac_sid = lac_call_sid(call->lc);
	call->serial = lac_call_serial(call->lc);
	return call;
}

void peer_hangup(struct sim *sim, struct call *call)
{
	if (!call->lc)
		return;
	sim_trace(sim, "call %d is hung up", call->index);
	lac_hangup(call->lc, sim_ms(sim), 3);
}

void peer_shutdown(struct peer *peer)
{
	/* nothing it says would be heard now: as soon as it is over */
	peer->shutdown_waits = lac_recovering(peer->lac);
	if (peer->shutdown_waits)
		return;
	sim_trace(peer->sim, "lac %d shuts its tunnel down", peer->index);
	lac_shutdown(peer->lac, sim_ms(peer->sim), 6);
}

void peer_restart(struct peer *peer)
{
	struct sim *sim = peer->sim;
	int i;

	sim_trace(sim, "lac %d restarts", peer->index);
	reach_lac(sim, peer->lac, peer->config.dev);
	lac_free(peer->lac);
	for (i = 0; i < sim->call_count; i++)
		if (sim->calls[i].peer == peer->index && sim->calls[i].lc) {
			sim->calls[i].lc = NULL;
			sim->calls[i].ppp = CALL_PPP_DOWN;
			sim->calls[i].lost = true;
		}
	if (peer->up || peer->at_risk) {	/* its old tunnel lingers at the other end until that finds out */
		peer->excused_until_us = sim->now_us + 90 * SEC;
		peer->at_risk_peer_tid = 0;	/* and nothing of it at this one */
	}
	peer->up = peer->at_risk = peer->shutdown_waits = false;
	peer->lac = lac_new(&peer->config);
}

const char *msg_name(const uint8_t *data, size_t len, char buf[64])
{
	static const char *const names[17] = {
		[1] = "SCCRQ", [2] = "SCCRP", [3] = "SCCCN", [4] = "StopCCN", [6] = "HELLO", [10] = "ICRQ",
		[11] = "ICRP", [12] = "ICCN", [14] = "CDN", [15] = "WEN", [16] = "SLI",
	};
	unsigned type;

	if (len < 12) {
		snprintf(buf, 64, "%zu octets", len);
		return buf;
	}
	type = len >= 20 ? (unsigned)(data[18] << 8 | data[19]) : 0;
	snprintf(buf, 64, "%s tid %u sid %u Ns %u Nr %u",
		 len < 20 ? "ZLB" : type < 17 && names[type] ? names[type] : "message", data[4] << 8 | data[5],
		 data[6] << 8 | data[7], data[8] << 8 | data[9], data[10] << 8 | data[11]);
	return buf;
}
