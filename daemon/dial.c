// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Placing calls, and placing them elsewhere: RFC 2661 as LAC, L2TP Extended
 * Failover, "try another (directed)" of RFC 3931 5.4.2, RFC 3193 section 4.
 *
 * A dial is in one of two places: it waits at a tunnel that cannot take calls
 * yet (in setup, or in resync after a takeover), or its call is on the way. A
 * tunnel that comes up takes all that wait at it, one that goes down sends
 * them on.  Whoever is asked is marked first, so every dial asks each peer at
 * most once and ends.
 *
 * Only the listed codes, and silence, send a call on; they make the peer busy
 * for all groups of the box that dial by this dialer: until then nobody asks
 * it for a tunnel or a call.  Any other refusal is the answer to the call.
 *
 * What the standby has of this: the tunnels and calls themselves, which are
 * the engine's records, and who is busy.  A dial is not recorded: before it is
 * connected there is nothing at the peer that a takeover has to go on with.
 */
#include "daemon/dial_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the group ---------------------------------------------------------- */

static bool has_name(const char names[][CONFIG_NAME_MAX], const char *name)
{
	for (size_t i = 0; i < CONFIG_DIAL_NAMES_MAX && names[i][0]; i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

const struct config_vpdn_group *dial_group_hostname(const struct config *config, const char *hostname)
{
	const struct config_vpdn_group *group;

	for (group = config->vpdn_groups; group && hostname[0]; group = group->next)
		if (group->request_dialin && has_name(group->hostnames, hostname))
			return group;
	return NULL;
}

const struct config_vpdn_group *dial_group(const struct config *config, const char *user, const char *dnis)
{
	const char *at = user ? strrchr(user, '@') : NULL;
	const struct config_vpdn_group *group;

	for (group = config->vpdn_groups; group && dnis && dnis[0]; group = group->next)
		if (group->request_dialin && has_name(group->dnis, dnis))
			return group;
	for (group = config->vpdn_groups; group && at && at[1]; group = group->next)
		if (group->request_dialin && has_name(group->domains, at + 1))
			return group;
	return NULL;
}

bool dial_group_domains(const struct config *config)
{
	const struct config_vpdn_group *group = config->vpdn_groups;

	while (group && !(group->request_dialin && group->domains[0][0]))
		group = group->next;
	return group != NULL;
}

/* ---- where to ----------------------------------------------------------- */

struct candidate {
	size_t index;			/* among the peers of the group */
	struct dial_tunnel *tunnel;	/* NULL: one is to be opened */
	bool resync, directed;
	uint16_t priority;
	uint64_t load;			/* in thousandths of the limit where there is one, else sessions */
	uint32_t dice;
};

/* Is `a` to be asked before `b`? */
static bool goes_before(const struct candidate *a, const struct candidate *b)
{
	if (a->resync != b->resync)
		return !a->resync;
	if (a->directed != b->directed)
		return a->directed;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->load != b->load)
		return a->load < b->load;
	return a->dice < b->dice;
}

static bool was_directed_to(const struct dial *dial, const struct l2tp_endpoint *peer)
{
	for (size_t i = 0; i < dial->directed_count; i++)
		if (endpoint_addr_equal(&dial->directed[i], peer))
			return true;
	return false;
}

/* Would the call come back, to who placed it or to ourselves? */
static bool is_loop(const struct dial *dial, const struct l2tp_endpoint *peer)
{
	const struct dialer *dialer = dial->dialer;

	return (dial->request.from.family && endpoint_addr_equal(&dial->request.from, peer)) ||
	       (dialer->ops.own && dialer->ops.own(dialer->ops.ctx, peer));
}

struct obstacles {			/* so many peers were not asked, by why */
	unsigned busy, full, loop;
};

/* False: nobody is left to ask. */
static bool choose(struct dial *dial, uint64_t now_ms, const struct config_vpdn_group *group, struct candidate *best,
		   struct obstacles *obstacles)
{
	struct dialer *dialer = dial->dialer;
	bool found = false;

	*obstacles = (struct obstacles){ 0 };
	for (size_t i = 0; i < CONFIG_DIAL_PEERS_MAX && group->peers[i].address.family; i++) {
		const struct config_dial_peer *peer = &group->peers[i];
		struct candidate c = { .index = i, .priority = peer->priority };
		uint32_t load = dialer_load(dialer, dial->group, &peer->address);

		if (dial->asked & 1u << i)
			continue;
		if (is_loop(dial, &peer->address)) {
			obstacles->loop++;
			continue;
		}
		if (dial_is_busy(dialer, now_ms, &peer->address)) {
			obstacles->busy++;
			continue;
		}
		if (dialer->ops.drained && dialer->ops.drained(dialer->ops.ctx, &peer->address)) {
			obstacles->full++;
			continue;
		}
		if (peer->limit && load >= peer->limit) {
			obstacles->full++;
			continue;
		}
		c.resync = dial_tunnel_to(dialer, dial->group, &peer->address, &c.tunnel) == USE_RESYNC;
		c.directed = was_directed_to(dial, &peer->address);
		c.load = peer->limit ? load * UINT64_C(1000) / peer->limit : load;
		dialer->ops.random(dialer->ops.ctx, &c.dice, sizeof(c.dice));
		if (!found || goes_before(&c, best))
			*best = c;
		found = true;
	}
	return found;
}

/* ---- a dial ------------------------------------------------------------- */

static void dial_free(struct dial *dial)
{
	free(dial->avps);
	free(dial);
}

static void wait_at(struct dial *dial, struct dial_tunnel *t)
{
	dial->at = t;
	dial->prev = NULL;
	dial->next = t->waiting;
	if (dial->next)
		dial->next->prev = dial;
	t->waiting = dial;
	t->waiting_count++;
}

static void wait_no_more(struct dial_tunnel *t, struct dial *dial)
{
	if (dial->prev)
		dial->prev->next = dial->next;
	else
		t->waiting = dial->next;
	if (dial->next)
		dial->next->prev = dial->prev;
	t->waiting_count--;
	dial->at = NULL;
	dial->prev = dial->next = NULL;
}

static void note_failure(struct dial_failure *f, const char *type, const char *reason)
{
	f->type = type;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
}

static int place_call(struct dial *dial, uint64_t now_ms, struct dial_tunnel *t)
{
	struct dialer *dialer = dial->dialer;
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(dialer->l2tp, t->id);
	struct l2tp_tunnel_info info;
	struct config_vpdn_group e;
	uint16_t session_id;
	int err;

	if (tunnel && dial->from_name[0]) {
		l2tp_tunnel_info(tunnel, &info);
		if (!strcmp(info.s.peer_name, dial->from_name))
			return -ELOOP;	/* the same host by another address */
	}
	dial_group_effective(dialer, dial->group, &e);
	dial->request.call.sequencing_required |= e.sequencing;
	err = tunnel ? l2tp_call_open(tunnel, now_ms, L2TP_CALL_IN_LAC, &dial->request.call, &session_id) : -ENOTCONN;

	if (err)
		return err;
	dial->last.tunnel_id = t->id;
	dial->key = (uint32_t)t->id << 16 | session_id;
	HASH_ADD(hh, dialer->calls, key, sizeof(dial->key), dial);
	return 0;
}

static int tunnel_open(struct dial *dial, uint64_t now_ms, const struct config_vpdn_group *group,
		       const struct l2tp_endpoint *address, struct dial_tunnel **out)
{
	const struct l2tp_result no_memory = { .result = 2, .error = 4, .text = "out of memory" };
	struct dialer *dialer = dial->dialer;
	struct l2tp_endpoint local, peer = *address;
	struct l2tp_tunnel_params params;
	uint16_t id;
	int err;

	peer.port = L2TP_PORT;
	if (!dialer->ops.local(dialer->ops.ctx, group, &peer, &local))
		return -EADDRNOTAVAIL;
	dialer->ops.params(dialer->ops.ctx, group, &params);
	err = l2tp_tunnel_open(dialer->l2tp, now_ms, &local, &peer, &params, &id);
	explicit_bzero(params.secret, sizeof(params.secret));
	if (err)
		return err;
	*out = dial_tunnel_add(dialer, id, group->name, &peer);
	if (!*out)
		l2tp_tunnel_close(l2tp_tunnel_find(dialer->l2tp, id), now_ms, &no_memory);
	return *out ? 0 : -ENOMEM;
}

/* One peer is asked. -errno: it cannot be. */
static int ask(struct dial *dial, uint64_t now_ms, const struct config_vpdn_group *group, const struct candidate *c)
{
	struct dial_tunnel *t = NULL;
	enum tunnel_use use;
	int err;

	dial->last = (struct dial_failure){ .peer = group->peers[c->index].address };
	use = dial_tunnel_to(dial->dialer, dial->group, &group->peers[c->index].address, &t);
	if (use == USE_READY) {
		dial->last.tunnel_id = t->id;
		return place_call(dial, now_ms, t);
	}
	err = t ? 0 : tunnel_open(dial, now_ms, group, &group->peers[c->index].address, &t);
	if (err)
		return err;
	dial->last.tunnel_id = t->id;
	wait_at(dial, t);
	return 0;
}

static const char *why_nobody(const struct obstacles *o)
{
	if (o->busy && o->full)
		return "no peer is left: the others are busy or at their limit";
	if (o->busy)
		return "no peer is left: the others are busy";
	return o->full ? "no peer is left: the others are at their limit" : "no peer is left";
}

/* We could not ask the peer. */
static void note_error(struct dial *dial, int err)
{
	dial->last.by_peer = false;
	dial->last.loop = err == -ELOOP;
	if (err == -ELOOP)
		note_failure(&dial->last, "Loop detected", "loop: the call would go back to the host it comes from");
	else
		note_failure(&dial->last, "No resources", strerror(-err));
}

/* Goes to the next peer. False: nobody took it, dial->last says why. */
static bool go_on(struct dial *dial, uint64_t now_ms)
{
	const struct config_vpdn_group *group = config_vpdn_group_find(dial->dialer->config, dial->group);
	char why[L2TP_TEXT_MAX] = "";
	struct obstacles obstacles;
	struct candidate c = { 0 };

	if (!group || !group->request_dialin || !dial->dialer->config->vpdn_enable) {
		note_failure(&dial->last, "Administrative", "its vpdn-group no longer dials");
		return false;
	}
	if (!dial->dialer->ops.admits(dial->dialer->ops.ctx, dial->group, why)) {
		note_failure(&dial->last, "Administrative", why);
		return false;
	}
	while (choose(dial, now_ms, group, &c, &obstacles)) {
		int err = ask(dial, now_ms, group, &c);

		dial->asked |= 1u << c.index;
		if (!err)
			return true;
		note_error(dial, err);
	}
	/* what the last one said tells more */
	if (dial->last.reason[0])
		return false;
	dial->last.loop = obstacles.loop && !obstacles.busy && !obstacles.full;
	if (dial->last.loop)
		note_failure(&dial->last, "Loop detected", "loop: the call would come back, to this box or to the host it comes from");
	else
		note_failure(&dial->last, "No available peer", why_nobody(&obstacles));
	return false;
}

static void dial_failed(struct dial *dial)
{
	struct dial_request request = dial->request;
	struct dial_failure why = dial->last;

	dial_free(dial);
	request.events->failed(request.ctx, request.tag, &why);
}

/* A peer did not take it. */
static void refused(struct dial *dial, uint64_t now_ms, const struct l2tp_result *result, bool by_peer, bool call)
{
	struct dialer *dialer = dial->dialer;
	bool another = result->no_answer || (by_peer && l2tp_result_try_another(result, call));
	char text[160];

	dial->last.result = *result;
	dial->last.call = call;
	dial->last.by_peer = by_peer;
	if (result->no_answer)
		snprintf(text, sizeof(text), "no answer");
	else
		snprintf(text, sizeof(text), "%s, result %u error %u%s%.100s", call ? "CDN" : "StopCCN", result->result,
			 result->error, result->text[0] ? ": " : "", result->text);
	note_failure(&dial->last, result->no_answer ? "Peer does not answer" : "Refused by peer", text);
	if (another) {
		dial_make_busy(dialer, now_ms, &dial->last.peer, dial->group, text);
		dial->directed_count = l2tp_result_addresses(result, dial->directed, CONFIG_DIAL_PEERS_MAX);
	}
	if (dialer->ops.refused)
		dialer->ops.refused(dialer->ops.ctx, &dial->last, dial->user);
	if (!another || !go_on(dial, now_ms))
		dial_failed(dial);
}

static int copy_call(struct dial *dial, const struct l2tp_call_params *call)
{
	size_t size = call->avp_count * sizeof(*dial->avps);
	uint8_t *octets;

	for (size_t i = 0; i < call->avp_count; i++)
		size += call->avps[i].len;
	dial->request.call = *call;
	snprintf(dial->called, sizeof(dial->called), "%s", call->called ? call->called : "");
	snprintf(dial->calling, sizeof(dial->calling), "%s", call->calling ? call->calling : "");
	snprintf(dial->sub_address, sizeof(dial->sub_address), "%s", call->sub_address ? call->sub_address : "");
	dial->request.call.called = dial->called;
	dial->request.call.calling = dial->calling;
	dial->request.call.sub_address = dial->sub_address;
	if (!call->avp_count)
		return 0;
	dial->avps = malloc(size);
	if (!dial->avps)
		return -ENOMEM;
	octets = (uint8_t *)(dial->avps + call->avp_count);
	for (size_t i = 0; i < call->avp_count; i++) {
		dial->avps[i] = call->avps[i];
		dial->avps[i].value = octets;
		if (call->avps[i].len)
			memcpy(octets, call->avps[i].value, call->avps[i].len);
		octets += call->avps[i].len;
	}
	dial->request.call.avps = dial->avps;
	return 0;
}

struct dial *dial_start(struct dialer *dialer, uint64_t now_ms, const struct dial_request *request, struct dial_failure *why)
{
	const struct config_vpdn_group *group = request->group ? config_vpdn_group_find(dialer->config, request->group) :
						dial_group(dialer->config, request->user, request->dnis);
	struct dial *dial;

	memset(why, 0, sizeof(*why));
	if (!group || !group->request_dialin) {
		note_failure(why, "Authorization failed", "no vpdn-group dials for it");
		return NULL;
	}
	dial = calloc(1, sizeof(*dial));
	if (!dial || copy_call(dial, &request->call)) {
		free(dial);
		note_failure(why, "No resources", "out of memory");
		return NULL;
	}
	dial->dialer = dialer;
	dial->request.events = request->events;
	dial->request.ctx = request->ctx;
	dial->request.tag = request->tag;
	snprintf(dial->group, sizeof(dial->group), "%s", group->name);
	dial->request.from = request->from;
	snprintf(dial->from_name, sizeof(dial->from_name), "%s", request->from_name ? request->from_name : "");
	snprintf(dial->user, sizeof(dial->user), "%s", request->user ? request->user : "");
	if (go_on(dial, now_ms))
		return dial;
	*why = dial->last;
	dial_free(dial);
	return NULL;
}

void dial_cancel(struct dial *dial, uint64_t now_ms, const struct l2tp_result *result)
{
	struct dialer *dialer = dial->dialer;
	struct l2tp_session *session;

	if (dial->at) {
		wait_no_more(dial->at, dial);
	} else {
		HASH_DEL(dialer->calls, dial);
		session = l2tp_session_find(dialer->l2tp, (uint16_t)(dial->key >> 16), (uint16_t)dial->key);
		if (session)
			l2tp_session_close(session, now_ms, result);
	}
	dial_free(dial);
}

/* ---- what the engine says ----------------------------------------------- */

/* It takes calls from now on: those that wait are placed, or go on where it cannot take them. */
static void tunnel_ready(uint64_t now_ms, struct dial_tunnel *t)
{
	struct dial *dial;
	int err;

	while ((dial = t->waiting)) {
		wait_no_more(t, dial);
		err = place_call(dial, now_ms, t);
		if (!err)
			continue;
		note_error(dial, err);
		if (!go_on(dial, now_ms))
			dial_failed(dial);
	}
}

/*
 * One that a peer opened is used as our own if it is of a group that dials as
 * well as it answers: what a tunnel is made with, its secret, name and limits,
 * is its group's, so no other group's calls have a right to it. `setup`: it
 * need not be up yet.
 */
static struct dial_tunnel *tunnel_take(struct dialer *dialer, uint16_t id, bool setup)
{
	const struct l2tp_tunnel *tunnel = l2tp_tunnel_find(dialer->l2tp, id);
	const struct config_vpdn_group *group;
	struct l2tp_tunnel_info info;

	if (!tunnel)
		return NULL;
	l2tp_tunnel_info(tunnel, &info);
	group = config_vpdn_group_find(dialer->config, info.s.params.group);
	if ((info.s.state != L2TP_TUNNEL_ESTABLISHED && !(setup && info.s.state == L2TP_TUNNEL_WAIT_CTL_CONN)) ||
	    (!info.s.initiator && !(group && group->request_dialin)))
		return NULL;
	return dial_tunnel_add(dialer, id, info.s.params.group, &info.s.peer);	/* NULL: no new call goes there */
}

/* Our request lost against the peer's own (RFC 2661 4.4.3): is its tunnel one for our calls? */
static void take_winner(struct dialer *dialer, const struct l2tp_endpoint *peer)
{
	struct l2tp_tunnel_info info;

	for (uint16_t id = 0; (id = l2tp_tunnel_next(dialer->l2tp, id)) != 0;) {
		l2tp_tunnel_info(l2tp_tunnel_find(dialer->l2tp, id), &info);
		if (!info.s.initiator && endpoint_addr_equal(&info.s.peer, peer) && !dial_tunnel_find(dialer, id))
			tunnel_take(dialer, id, true);
	}
}

/* Nobody refused the call: it waits for the peer's tunnel, or the peer is asked again, once. */
static bool asks_again(struct dial *dial, uint64_t now_ms)
{
	const struct config_vpdn_group *group = config_vpdn_group_find(dial->dialer->config, dial->group);

	for (size_t i = 0; group && i < CONFIG_DIAL_PEERS_MAX && group->peers[i].address.family; i++)
		if (endpoint_addr_equal(&group->peers[i].address, &dial->last.peer) && !(dial->tied & 1u << i)) {
			dial->tied |= 1u << i;
			dial->asked &= ~(1u << i);
		}
	note_failure(&dial->last, "Peer action", "the peer's own request for a tunnel was first");
	return go_on(dial, now_ms);
}

static void tunnel_gone(struct dialer *dialer, uint64_t now_ms, struct dial_tunnel *t, const struct l2tp_action *a)
{
	struct dial *dial;

	dial_tunnel_remove(dialer, t);
	if (a->result.lost_tie)
		take_winner(dialer, &a->peer);
	while ((dial = t->waiting)) {
		wait_no_more(t, dial);
		if (!a->result.lost_tie)
			refused(dial, now_ms, &a->result, a->by_peer, false);
		else if (!asks_again(dial, now_ms))
			dial_failed(dial);
	}
	free(t);
}

static bool session_action(struct dialer *dialer, uint64_t now_ms, const struct l2tp_action *a)
{
	uint32_t key = (uint32_t)a->tunnel_id << 16 | a->session_id;
	struct l2tp_tunnel *tunnel;
	struct l2tp_tunnel_info info;
	struct dial_request request;
	struct dial *dial;

	HASH_FIND(hh, dialer->calls, &key, sizeof(key), dial);
	if (!dial)
		return false;
	HASH_DEL(dialer->calls, dial);
	if (a->type == L2TP_ACTION_SESSION_UP) {
		request = dial->request;
		dial_free(dial);
		request.events->connected(request.ctx, request.tag, a->tunnel_id, a->session_id);
		return true;
	}
	/* did its tunnel go, the words are those of a StopCCN */
	tunnel = l2tp_tunnel_find(dialer->l2tp, a->tunnel_id);
	if (tunnel)
		l2tp_tunnel_info(tunnel, &info);
	refused(dial, now_ms, &a->result, a->by_peer, tunnel && info.s.state == L2TP_TUNNEL_ESTABLISHED);
	return true;
}

bool dialer_action(struct dialer *dialer, uint64_t now_ms, const struct l2tp_action *a)
{
	struct dial_tunnel *t = dial_tunnel_find(dialer, a->tunnel_id);

	switch (a->type) {
	case L2TP_ACTION_TUNNEL_UP:
		if (!t)
			t = tunnel_take(dialer, a->tunnel_id, false);
		if (t)
			tunnel_ready(now_ms, t);
		return false;
	case L2TP_ACTION_RESYNC_DONE:
		if (t && a->resync_ok)
			tunnel_ready(now_ms, t);
		return false;
	case L2TP_ACTION_TUNNEL_DOWN:
		if (t)
			tunnel_gone(dialer, now_ms, t, a);
		return false;
	case L2TP_ACTION_SESSION_UP:
	case L2TP_ACTION_SESSION_DOWN:
		return session_action(dialer, now_ms, a);
	case L2TP_ACTION_SEND:
	case L2TP_ACTION_CALL_REFUSED:
	case L2TP_ACTION_CALL_REQUEST:
	case L2TP_ACTION_WEN:
	case L2TP_ACTION_SLI:
	case L2TP_ACTION_SPEED:
		break;
	}
	return false;
}

/* ---- life --------------------------------------------------------------- */

struct dialer *dialer_new(const struct config *config, struct l2tp *l2tp, const struct dialer_ops *ops)
{
	struct dialer *dialer = calloc(1, sizeof(*dialer));

	if (!dialer)
		return NULL;
	dialer->config = config;
	dialer->l2tp = l2tp;
	dialer->ops = *ops;
	dialer->deadline_ms = UINT64_MAX;
	return dialer;
}

void dialer_reset(struct dialer *dialer)
{
	struct dial_tunnel *t, *ttmp;
	struct dial *dial, *dtmp;

	HASH_ITER(hh, dialer->calls, dial, dtmp) {
		HASH_DEL(dialer->calls, dial);
		dial_free(dial);
	}
	HASH_ITER(hh, dialer->tunnels, t, ttmp) {
		while ((dial = t->waiting)) {
			wait_no_more(t, dial);
			dial_free(dial);
		}
		dial_tunnel_remove(dialer, t);
		free(t);
	}
}

void dialer_free(struct dialer *dialer)
{
	struct busy *busy, *tmp;

	if (!dialer)
		return;
	dialer_reset(dialer);
	HASH_ITER(hh, dialer->busy, busy, tmp) {
		HASH_DEL(dialer->busy, busy);
		free(busy);
	}
	free(dialer);
}

void dialer_take_over(struct dialer *dialer)
{
	dialer_reset(dialer);
	for (uint16_t id = 0; (id = l2tp_tunnel_next(dialer->l2tp, id)) != 0;)
		tunnel_take(dialer, id, false);
}
