// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The round: what came in is turned by the engine into actions and changed
 * objects; the changed objects become records, the records one commit, and
 * only then are the packets of the round given to ha/ to be released when the
 * standby has confirmed (output commit, DESIGN 4.1).  The order of the calls
 * in round() is that rule; nothing else in the daemon sends L2TP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

/* RFC 2661 4.4.2 */
enum { STOPCCN_GENERAL = 1, STOPCCN_NOT_AUTHORISED = 4 };

#define REBUILD_SLICE 64	/* records of a wake-up: about half a millisecond */

uint64_t group_unix_ms(const struct group *group)
{
	return (uint64_t)((int64_t)group->now_ms + group->unix_minus_monotonic_ms);
}

bool group_hot(const struct group *group)
{
	return group->rg && group->rg->hot;
}

const char *group_tunnel_params_group(struct group *group, uint16_t tunnel_id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, tunnel_id);
	static const char none[] = "";
	const struct config_vpdn_group *vg;
	struct l2tp_tunnel_info info;

	if (!tunnel)
		return none;
	l2tp_tunnel_info(tunnel, &info);
	vg = config_vpdn_group_find(group->config, info.s.params.group);
	return vg ? vg->name : none;
}

/* ---- requests to the data plane ----------------------------------------- */

struct dp_request *group_request(struct group *group, uint16_t tunnel_id, uint16_t session_id, uint32_t generation)
{
	struct dp_request *req = calloc(1, sizeof(*req));

	if (!req)
		return NULL;
	*req = (struct dp_request){ .group = group, .tunnel_id = tunnel_id, .session_id = session_id,
				    .generation = generation, .at_ms = group->now_ms, .next = group->requests };
	if (req->next)
		req->next->prev = req;
	group->requests = req;
	return req;
}

struct group *group_request_done(struct dp_request *req)
{
	struct group *group = req->group;

	if (group) {
		if (req->prev)
			req->prev->next = req->next;
		else
			group->requests = req->next;
		if (req->next)
			req->next->prev = req->prev;
	}
	free(req);
	return group;
}

/* ---- outputs ------------------------------------------------------------ */

void group_output_free(void *ctx, void *output)
{
	struct output *out = output;

	(void)ctx;
	free(out->verdict);
	free(out);
}

void group_queue(struct group *group, struct output *out)
{
	out->next = NULL;
	*group->out_tail = out;
	group->out_tail = &out->next;
}

static void queue_packet(struct group *group, const struct l2tp_action *a)
{
	struct output *out = calloc(1, sizeof(*out) + a->len);

	if (!out)
		return;		/* as if lost on the wire: the channel repeats it */
	out->type = OUTPUT_PACKET;
	out->key.tunnel_id = a->tunnel_id;
	out->local = a->local;
	out->peer = a->peer;
	out->len = a->len;
	memcpy(out->data, a->data, a->len);
	group_queue(group, out);
}

static void release(struct group *group, struct output *out)
{
	struct group_tunnel *t;

	switch (out->type) {
	case OUTPUT_PACKET:
		t = tunnel_get(group, out->key.tunnel_id, false);
		group->dp->ops->send(group->dp, t && t->plane == PLANE_READY ? t->id : 0, &out->local, &out->peer,
				     out->data, out->len);
		break;
	case OUTPUT_VERDICT:
		group->ppp->auth_reply(group->ppp_engine, out->key, out->verdict);
		break;
	}
	group_output_free(NULL, out);
}

/* ---- records ------------------------------------------------------------ */

int group_put(struct group *group, struct ha_key key, uint8_t *body, size_t len, int err)
{
	const void *held;
	size_t held_len;

	held = err ? NULL : ha_get(group->ha, key, &held_len);
	if (held)
		checkpoint_keep_unknown(key.type, held, held_len, &body, &len);
	const struct group_tunnel *t = tunnel_get(group, key.a, false);

	if (!err)
		err = t && t->local ? ha_put_local(group->ha, key, body, len) : ha_put(group->ha, key, body, len);
	if (err && err != -EPERM)
		log_warnx("record %u/%u/%u is not kept: %s", key.type, key.a, key.b, strerror(-err));
	free(body);
	return err;
}

static void del(struct group *group, enum checkpoint_type type, uint16_t a, uint16_t b)
{
	ha_del(group->ha, (struct ha_key){ (uint8_t)type, a, b, 0 });
	if (type == CHECKPOINT_TUNNEL || type == CHECKPOINT_SESSION)
		ha_del_foreign(group->ha, a, b);
}

static void put_channel(struct group *group, struct l2tp_tunnel *tunnel, struct group_tunnel *t)
{
	uint8_t *body = NULL;
	size_t len = 0;
	int rc;

	l2tp_channel_export(tunnel, &t->channel);
	rc = checkpoint_encode_channel(&t->channel, &body, &len);
	group_put(group, (struct ha_key){ CHECKPOINT_CHANNEL, t->id, 0, 0 }, body, len, rc);
}

static void put_message(struct group *group, struct l2tp_tunnel *tunnel, uint16_t id, uint16_t ns)
{
	size_t data_len, len = 0;
	const uint8_t *data = l2tp_message(tunnel, ns, &data_len);
	uint8_t *body = NULL;
	int rc;

	if (!data)
		return;		/* acknowledged within the same round */
	rc = checkpoint_encode_message(data, data_len, &body, &len);
	group_put(group, (struct ha_key){ CHECKPOINT_MESSAGE, id, ns, 0 }, body, len, rc);
}

/* Every record of a tunnel but its sessions', which are deleted one by one as they go down. */
static void del_tunnel(struct group *group, struct group_tunnel *t)
{
	t->recorded = false;
	for (uint16_t ns = t->channel.una; ns != t->channel.vs; ns++)
		del(group, CHECKPOINT_MESSAGE, t->id, ns);
	del(group, CHECKPOINT_CHANNEL, t->id, 0);
	del(group, CHECKPOINT_TUNNEL, t->id, 0);
}

/*
 * What is not HA is recorded for the restart of this node only, and not at all if none is possible.
 */
static void put_tunnel(struct group *group, uint16_t id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, id);
	struct l2tp_tunnel_state_rec s = { .state = L2TP_TUNNEL_IDLE };
	struct group_tunnel *t;
	uint8_t *body = NULL;
	bool gone, first;
	size_t len = 0;
	int rc;

	if (tunnel)
		l2tp_tunnel_export(tunnel, &s);
	gone = !tunnel || !l2tp_tunnel_recorded(tunnel);
	t = tunnel_get(group, id, !gone);
	if (!t)
		return;
	if (gone) {
		if (t->recorded)
			del_tunnel(group, t);
		return;
	}
	if (!s.params.ha && !group->keeps)
		return;
	t->local = !s.params.ha && group->has_peer;
	first = !t->recorded;
	t->recorded = true;
	rc = checkpoint_encode_tunnel(&s, &body, &len);
	group_put(group, (struct ha_key){ CHECKPOINT_TUNNEL, id, 0, 0 }, body, len, rc);
	if (first)
		put_channel(group, tunnel, t);
}

static void put_session(struct group *group, uint16_t tid, uint16_t sid)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, tid, sid);
	struct group_tunnel *t = tunnel_get(group, tid, false);
	struct l2tp_session_state_rec s;
	uint8_t *body = NULL;
	size_t len = 0;
	int rc;

	if (!session) {
		del(group, CHECKPOINT_SESSION, tid, sid);
		return;
	}
	if (!t || !t->recorded || !l2tp_session_recorded(session))
		return;
	l2tp_session_export(session, &s);
	if (s.unprotected != L2TP_UNPROTECTED_NOT) {
		del(group, CHECKPOINT_SESSION, tid, sid);
		del(group, CHECKPOINT_SUBSCRIBER, tid, sid);
		return;
	}
	rc = checkpoint_encode_session(&s, &body, &len);
	group_put(group, (struct ha_key){ CHECKPOINT_SESSION, tid, sid, 0 }, body, len, rc);
}

static void drain_dirty(struct group *group)
{
	struct l2tp_dirty d;

	while (l2tp_dirty_next(group->l2tp, &d)) {
		struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, d.tunnel_id);
		struct group_tunnel *t = tunnel_get(group, d.tunnel_id, false);

		switch (d.type) {
		case L2TP_DIRTY_TUNNEL:
			put_tunnel(group, d.tunnel_id);
			break;
		case L2TP_DIRTY_CHANNEL:
			if (tunnel && t && t->recorded)
				put_channel(group, tunnel, t);
			break;
		case L2TP_DIRTY_MESSAGE:
			if (tunnel && t && t->recorded)
				put_message(group, tunnel, d.tunnel_id, d.ns);
			break;
		case L2TP_DIRTY_MESSAGE_ACKED:
			del(group, CHECKPOINT_MESSAGE, d.tunnel_id, d.ns);
			break;
		case L2TP_DIRTY_SESSION:
			put_session(group, d.tunnel_id, d.session_id);
			break;
		}
	}
}

/* ---- engine actions ----------------------------------------------------- */

static void tunnel_log(struct group *group, const struct l2tp_action *a, const char *state)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(group->l2tp, a->tunnel_id);
	struct l2tp_tunnel_info info = { 0 };
	char addr[ENDPOINT_TEXT_MAX];
	bool down = a->type == L2TP_ACTION_TUNNEL_DOWN;
	const char *why = a->result.text[0] ? a->result.text : a->by_peer ? "closed by the peer" : "closed";

	if (tunnel)
		l2tp_tunnel_info(tunnel, &info);
	log_info("tunnel %u with '%s' (%s) is %s%s%s", a->tunnel_id, info.s.peer_name, endpoint_format(&a->peer, false, addr), state,
		 down ? ": " : "", down ? why : "");
}

static void tunnel_failed(struct group *group, const struct l2tp_action *a)
{
	char why[96];

	snprintf(why, sizeof(why), "%sresult %u error %u", a->by_peer ? "StopCCN of the peer, " : "", a->result.result, a->result.error);
	group_failure_add(group, a->tunnel_id, &a->peer, "", a->result.result == STOPCCN_NOT_AUTHORISED ?
			  "Tunnel authentication failed" : group_refusal_type(group, &a->result),
			  a->result.text[0] ? a->result.text : why);
}

static void engine_action(struct group *group, const struct l2tp_action *a)
{
	struct subscriber *sub;
	struct l2tp_result r;

	if (dialer_action(group->dialer, group->now_ms, a))
		return;
	switch (a->type) {
	case L2TP_ACTION_SEND:
		queue_packet(group, a);
		break;
	case L2TP_ACTION_TUNNEL_UP:
		tunnel_place(group, a->tunnel_id);
		tunnel_log(group, a, "up");
		break;
	case L2TP_ACTION_TUNNEL_DOWN:
		if (a->was_established)
			tunnel_log(group, a, "down");
		else if (a->by_peer || a->result.result > STOPCCN_GENERAL)	/* who only fell silent need not be there */
			tunnel_failed(group, a);
		put_tunnel(group, a->tunnel_id);	/* deletes its records while it is still known here */
		tunnel_drop(group, a->tunnel_id);
		break;
	case L2TP_ACTION_SESSION_UP:
		sub = sub_get(group, a->tunnel_id, a->session_id);
		if (sub) {
			sub->fresh = true;
			sub_place(group, sub);
			break;
		}
		r = (struct l2tp_result){ .result = 2, .error = 4, .text = "out of memory" };
		if (l2tp_session_find(group->l2tp, a->tunnel_id, a->session_id))
			l2tp_session_close(l2tp_session_find(group->l2tp, a->tunnel_id, a->session_id), group->now_ms, &r);
		break;
	case L2TP_ACTION_SESSION_DOWN:
		switch_session_down(group, a);
		joint_session_down(group, a);
		sub_end(group, a->tunnel_id, a->session_id);
		client_ended(group, a->tunnel_id, a->session_id, &a->result);
		break;
	case L2TP_ACTION_RESYNC_DONE:
		if (a->resync_ok)
			group->resync.ok++;
		else
			group->resync.failed++;
		if (group->resync.running && --group->resync.running == 0) {
			group->resync.complete = true;
			group->resync.duration_ms = (uint32_t)(group->now_ms - group->takeover_ms);
			log_info("redundancy group %s: resync complete: %u tunnels good, %u lost, %u ms", group_name(group),
				 group->resync.ok, group->resync.failed, group->resync.duration_ms);
		}
		group_trace_engine(group, a);
		break;
	case L2TP_ACTION_CALL_REQUEST:	/* no tunnel of ours accepts outgoing calls */
		break;
	case L2TP_ACTION_WEN:
	case L2TP_ACTION_SLI:
	case L2TP_ACTION_SPEED:
		switch_pass(group, a);
		break;
	case L2TP_ACTION_CALL_REFUSED:
		group_failure_add(group, a->tunnel_id, &a->peer, "", group_refusal_type(group, &a->result), a->result.text);
		group_trace_engine(group, a);
		break;
	}
}

/* ---- the round ---------------------------------------------------------- */

static bool drain_actions(struct group *group)
{
	struct l2tp_action a;
	bool any = false;

	while (l2tp_action_next(group->l2tp, &a)) {
		engine_action(group, &a);
		any = true;
	}
	return any;
}

static bool round_once(struct group *group)
{
	bool any = access_reap(group) | drain_actions(group);
	struct output *out;
	struct ha_action ha;

	drain_dirty(group);
	ha_commit(group->ha, group->now_ms);
	while ((out = group->out_head)) {
		group->out_head = out->next;
		if (!group->out_head)
			group->out_tail = &group->out_head;
		ha_output(group->ha, out);
		any = true;
	}
	while (ha_action_next(group->ha, &ha)) {
		if (ha.type == HA_ACTION_RELEASE)
			release(group, ha.output);
		else
			group_ha_action(group, &ha);
		any = true;
	}
	return any;
}

void group_run(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
	if (group->running)
		return;		/* what was fed meanwhile is found: nothing is called but by a round that goes on */
	group->running = true;
	group_lease_check(group);
	while (round_once(group))
		;
	group_pause_check(group);
	group->running = false;
}

void group_now(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
}

/* ---- events ------------------------------------------------------------- */

void group_packet(struct group *group, uint64_t now_ms, const struct l2tp_endpoint *local,
		  const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	group->now_ms = now_ms;
	l2tp_input(group->l2tp, now_ms, local, peer, data, len);
}

void group_link_up(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
	group_lease_shorten(group);
	ha_link_up(group->ha, now_ms);
	group_trace_link(group, true);
}

void group_link_down(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
	ha_link_down(group->ha, now_ms);
	group_prepare(group);
	group_trace_link(group, false);
}

void group_link_input(struct group *group, uint64_t now_ms, const uint8_t *data, size_t len)
{
	group->now_ms = now_ms;
	ha_link_input(group->ha, now_ms, data, len);
	group_trace_input(group);
}

void group_tick(struct group *group, uint64_t now_ms)
{
	group->now_ms = now_ms;
	l2tp_tick(group->l2tp, now_ms);
	ha_tick(group->ha, now_ms);
	group_dial_tick(group);
	if (now_ms >= group->retry_at_ms)
		sub_retry_all(group);
	if (group->rebuilding)
		group_rebuild_some(group, REBUILD_SLICE);
	if (group->walking)
		group_walk(group);
	group_run(group, now_ms);
	group_lease_tick(group);
	group_run(group, now_ms);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t group_deadline_ms(const struct group *group)
{
	uint64_t d = min_u64(l2tp_deadline_ms(group->l2tp), ha_deadline_ms(group->ha));

	if (group->walking || group->rebuilding)
		return group->now_ms;	/* once more at the next wake-up, which is at once */
	if (group->active)
		d = min_u64(d, min_u64(group->client_at_ms, dialer_deadline_ms(group->dialer)));
	d = min_u64(d, group->retry_at_ms);
	return min_u64(d, group->lease_at_ms);
}

bool group_has_tunnel(const struct group *group, uint16_t tunnel_id)
{
	return l2tp_tunnel_find(group->l2tp, tunnel_id) != NULL;
}

bool group_owns_address(const struct group *group, const struct l2tp_endpoint *local)
{
	if (!group->rg)
		return true;
	for (size_t i = 0; i < group->rg->vip_count; i++)
		if (endpoint_addr_equal(&group->rg->vips[i].addr, local))
			return true;
	return false;
}

static void group_random(void *ctx, void *buf, size_t len)
{
	struct group *group = ctx;

	group->ops.random(group->ops.ctx, buf, len);
}

void group_close_session_by(struct group *group, uint16_t tunnel_id, uint16_t session_id,
			    const struct l2tp_result *result)
{
	struct l2tp_session *session = l2tp_session_find(group->l2tp, tunnel_id, session_id);

	if (!tunnel_id)
		access_close(group, session_id, result->text);
	if (session && group->active)
		l2tp_session_close(session, group->now_ms, result);
}

void group_close_session(struct group *group, uint16_t tunnel_id, uint16_t session_id, uint16_t result,
			 uint16_t error, const char *text)
{
	struct l2tp_result r = { .result = result, .error = error };

	snprintf(r.text, sizeof(r.text), "%s", text);
	group_close_session_by(group, tunnel_id, session_id, &r);
}

/* ---- life --------------------------------------------------------------- */

static void ha_config_of(const struct group_config *in, struct ha_config *out)
{
	*out = (struct ha_config){ .epoch = in->epoch };
	snprintf(out->node, sizeof(out->node), "%s", in->config->hostname);
	snprintf(out->group, sizeof(out->group), "%s", in->rg ? in->rg->name : "none");
	snprintf(out->version, sizeof(out->version), "%s", L2TPHA_VERSION);
	config_digest(in->config, out->config_digest);
	out->record_types = checkpoint_types;
	out->record_type_count = checkpoint_type_count;
	out->not_ours = in->not_ours;
	out->not_ours_count = in->not_ours_count;
	memcpy(out->boot_id, in->boot_id, sizeof(out->boot_id));
	if (!in->rg)
		return;
	out->peer_configured = in->rg->peer.family != 0 && in->config->mode_sso;
	out->detector = in->rg->detector == CONFIG_DETECTOR_BUILTIN;
	out->priority = in->rg->priority;
	out->commit_timeout_ms = in->rg->commit_timeout_ms;
	out->heartbeat_ms = in->rg->heartbeat_ms;
	out->dead_ms = in->rg->dead_ms;
	out->lease_ms = in->rg->lease_ms;
	out->second = memcmp(in->rg->local.addr, in->rg->peer.addr, sizeof(in->rg->local.addr)) > 0;
	out->startup_ms = in->rg->startup_ms;
}

struct group *group_new(const struct group_config *config, const struct group_ops *ops, struct dp *dp,
			const struct ppp_engine_ops *ppp, void *ppp_engine, uint64_t now_ms)
{
	struct group *group = calloc(1, sizeof(*group));
	struct l2tp_config lc = { .id_min = config->id_min, .id_max = config->id_max,
				  .vendor_name = "l2tpha", .firmware = 0x0001 };
	struct l2tp_ops lo = { .ctx = group, .select_group = group_select, .admit_tunnel = group_admit_tunnel,
			       .admit_call = group_admit_call, .random = group_random };
	struct ha_ops ho = { .ctx = group, .random = group_random, .output_free = group_output_free };
	struct ha_config hc;

	if (!group)
		return NULL;
	group->config = config->config;
	group->rg = config->rg;
	group->ops = *ops;
	group->dp = dp;
	group->ppp = ppp;
	group->ppp_engine = ppp_engine;
	group->now_ms = now_ms;
	group->unix_minus_monotonic_ms = config->unix_minus_monotonic_ms;
	group->lease_at_ms = group->retry_at_ms = UINT64_MAX;
	group->out_tail = &group->out_head;
	group->own_pools = !config->pools;
	group->id_min = group->record_id = config->id_min;
	group->id_max = config->id_max;
	group->pools = config->pools ? config->pools : pool_set_new(config->config);
	group->l2tp = l2tp_new(&lc, &lo);
	ha_config_of(config, &hc);
	group->has_peer = hc.peer_configured;
	group->keeps = config->image != NULL;
	if (config->image) {
		group->image = *config->image;
		ho.image = &group->image;
	}
	group->ha = ha_new(&hc, &ho, now_ms);
	if (!group->pools || !group->l2tp || !group->ha || group_dial_new(group)) {
		group_free(group);
		return NULL;
	}
	group_limits(group);
	l2tp_set_wall_offset(group->l2tp, config->unix_minus_monotonic_ms);
	return group;
}

int group_start(struct group *group, uint64_t now_ms, char why[256])
{
	struct l2tp_endpoint any = { .family = 0, .port = L2TP_PORT };
	char text[ENDPOINT_TEXT_MAX];
	int rc;

	group_clamp(group);
	group_resume(group, now_ms);
	if (group->rg && !group->resumed) {
		rc = group->dp->ops->vip_declare(group->dp, group->rg->vips, group->rg->vip_count);
		if (rc) {
			snprintf(why, 256, "redundancy group %s: the fence cannot be installed: %s", group->rg->name,
				 strerror(-rc));
			return rc;
		}
	}
	for (size_t i = 0; group->rg && i < group->rg->vip_count; i++) {
		struct l2tp_endpoint ep = group->rg->vips[i].addr;

		ep.port = L2TP_PORT;
		rc = group->dp->ops->listen(group->dp, &ep);
		if (rc) {
			snprintf(why, 256, "cannot listen on %s: %s", endpoint_format(&ep, true, text), strerror(-rc));
			return rc;
		}
	}
	if (!group->rg) {
		rc = group->dp->ops->listen(group->dp, &any);
		if (rc) {
			snprintf(why, 256, "cannot listen on port %u: %s", L2TP_PORT, strerror(-rc));
			return rc;
		}
	}
	group_tick(group, now_ms);
	return 0;
}

void group_free(struct group *group)
{
	struct subscriber *sub, *stmp;
	struct group_tunnel *t, *ttmp;
	struct output *out;

	if (!group)
		return;
	for (struct dp_request *req = group->requests; req; req = req->next)
		req->group = NULL;
	HASH_CLEAR(hh_address, group->by_address);
	HASH_ITER(hh, group->subs, sub, stmp) {
		HASH_DEL(group->subs, sub);
		free(sub->ppp_state);
		free(sub->access);
		free(sub);
	}
	HASH_ITER(hh, group->tunnels, t, ttmp) {
		HASH_DEL(group->tunnels, t);
		free(t);
	}
	while ((out = group->out_head)) {
		group->out_head = out->next;
		group_output_free(NULL, out);
	}
	group_dial_free(group);
	l2tp_free(group->l2tp);
	ha_free(group->ha);
	if (group->own_pools)
		pool_set_free(group->pools);
	free(group);
}
