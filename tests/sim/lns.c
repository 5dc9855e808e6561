/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair as LAC: it has dialers, and in front of it are LNS that may be full,
 * hang up, or close a tunnel.  They are our engine in its other role, with a
 * model of PPP that knows one magic number and one address for a call.
 *
 * What they know is the measure: a call whose PPP is open survives whatever
 * the pair goes through unless the standby could not know of it; nobody asks
 * an LNS again that has just said it is full; in the end each dialer has one
 * call, and not two.
 */
#include "tests/sim/sim.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dial.h"
#include "l2tp/message.h"

#define LNS 3
#define DIALERS 6
#define LNS_CALLS 64
#define FRAME_LEN 9
#define HEADER_LEN 6
#define BUSY_S 20
#define TICK_US (50 * MS)

struct lns_call {
	bool used;
	uint16_t tid, sid;		/* here */
	uint16_t pair_tid, pair_sid;
	bool open, at_risk;
	uint32_t magic, addr;
	unsigned echoes;
};

struct lns {
	struct lns_world *world;
	int index;
	struct l2tp *l2tp;
	struct l2tp_endpoint addr;
	unsigned dev;
	uint32_t limit;
	bool full;
	uint64_t refused_us;		/* it said so then, and whoever is active knows it; 0: it does not */
	struct lns_call calls[LNS_CALLS];
};

struct lns_world {
	struct sim *sim;
	struct lns lns[LNS];
	int dialers;
	uint32_t next_addr;
	uint64_t excused_until_us;	/* a tunnel whose numbers were lost ends by retransmissions, at either end */
	bool ties;		/* requests of both ends cross */
};

/* ---- frames: as in ppp.c ---- */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void say(struct lns *lns, const struct lns_call *call, char type, uint32_t b)
{
	uint8_t out[HEADER_LEN + FRAME_LEN] = { 0x00, 0x02, (uint8_t)(call->pair_tid >> 8), (uint8_t)call->pair_tid,
						(uint8_t)(call->pair_sid >> 8), (uint8_t)call->pair_sid, (uint8_t)type };

	put32(out + HEADER_LEN + 1, call->magic);
	put32(out + HEADER_LEN + 5, b);
	net_to_pair(lns->world->sim, &lns->addr, out, sizeof(out), "lns");
}

/* ---- the engine of an LNS ---- */

static bool lns_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p)
{
	(void)ctx;
	(void)info;
	/* loss must not outlast patience */
	*p = (struct l2tp_tunnel_params){ .group = "lns", .local_name = "lns", .receive_window = 16, .hello_s = 8,
					  .retransmit_retries = 14, .retransmit_min_s = 1, .retransmit_max_s = 4,
					  .setup_timeout_s = 60 };
	return true;
}

static bool lns_admit_tunnel(void *ctx, const struct l2tp_sccrq_info *info, const struct l2tp_tunnel_params *params,
			     char why[L2TP_TEXT_MAX])
{
	struct lns *lns = ctx;

	(void)info;
	(void)params;
	snprintf(why, L2TP_TEXT_MAX, "full");
	if (lns->full && !lns->refused_us)
		lns->refused_us = lns->world->sim->now_us;
	return !lns->full;
}

static bool lns_admit_call(void *ctx, uint16_t tunnel_id, char why[L2TP_TEXT_MAX])
{
	struct lns *lns = ctx;
	struct l2tp_counters counters;
	bool room;

	(void)tunnel_id;
	l2tp_counters(lns->l2tp, &counters);
	snprintf(why, L2TP_TEXT_MAX, "limit");
	room = !lns->full && counters.sessions < lns->limit;
	if (!room && !lns->refused_us)
		lns->refused_us = lns->world->sim->now_us;
	return room;
}

static void lns_random(void *ctx, void *buf, size_t len)
{
	rng_fill(((struct lns *)ctx)->world->sim, buf, len);
}

static struct lns_call *call_find(struct lns *lns, uint16_t tid, uint16_t sid)
{
	for (int i = 0; i < LNS_CALLS; i++)
		if (lns->calls[i].used && lns->calls[i].tid == tid && lns->calls[i].sid == sid)
			return &lns->calls[i];
	return NULL;
}

static void call_up(struct lns *lns, uint16_t tid, uint16_t sid)
{
	struct l2tp_session *session = l2tp_session_find(lns->l2tp, tid, sid);
	struct sim *sim = lns->world->sim;
	struct l2tp_session_state_rec rec;
	struct l2tp_tunnel_info info;
	int i = 0;

	if (!session)
		return;		/* and down again within the same packet */
	while (i < LNS_CALLS && lns->calls[i].used)
		i++;
	if (i == LNS_CALLS) {
		sim_fail(sim, "lns %d has more calls than there are dialers", lns->index);
		return;
	}
	l2tp_session_export(session, &rec);
	l2tp_tunnel_info(l2tp_tunnel_find(lns->l2tp, tid), &info);
	lns->calls[i] = (struct lns_call){ .used = true, .tid = tid, .sid = sid, .pair_tid = info.s.peer_id,
					   .pair_sid = rec.peer_id, .addr = ++lns->world->next_addr };
	sim_trace(sim, "lns %d: call %u/%u is up", lns->index, info.s.peer_id, rec.peer_id);
	sim->stats.calls_up++;
}

static void call_down(struct lns *lns, const struct l2tp_action *a)
{
	struct lns_call *call = call_find(lns, a->tunnel_id, a->session_id);

	if (!call)
		return;
	sim_trace(lns->world->sim, "lns %d: call %u/%u is down: %u %u %s", lns->index, call->pair_tid, call->pair_sid,
		  a->result.result, a->result.error, a->result.text);
	if (call->open && !call->at_risk && (a->by_peer || a->result.no_answer))
		sim_fail(lns->world->sim, "S2: call %u/%u of lns %d ended: %s", call->pair_tid, call->pair_sid, lns->index,
			 a->result.text);
	call->used = false;
}

static void lns_run(struct lns *lns)
{
	struct sim *sim = lns->world->sim;
	struct l2tp_action a;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(lns->l2tp, &dirty))
		;
	while (!sim->failed && l2tp_action_next(lns->l2tp, &a)) {
		switch (a.type) {
		case L2TP_ACTION_SEND:
			net_to_pair(sim, &a.local, a.data, a.len, "lns");
			break;
		case L2TP_ACTION_SESSION_UP:
			call_up(lns, a.tunnel_id, a.session_id);
			break;
		case L2TP_ACTION_SESSION_DOWN:
			call_down(lns, &a);
			break;
		case L2TP_ACTION_TUNNEL_UP:
		case L2TP_ACTION_TUNNEL_DOWN:
		case L2TP_ACTION_RESYNC_DONE:
		case L2TP_ACTION_CALL_REFUSED:
		case L2TP_ACTION_CALL_REQUEST:
		case L2TP_ACTION_WEN:
		case L2TP_ACTION_SLI:
		case L2TP_ACTION_SPEED:
			break;
		}
	}
}

static void ev_tick(struct sim *sim, struct sim_event *ev)
{
	struct lns *lns = &sim->dialled->lns[ev->who];

	if (lns->refused_us && sim->now_us > lns->refused_us + BUSY_S * SEC)
		lns->refused_us = 0;
	l2tp_tick(lns->l2tp, sim_ms(sim));
	lns_run(lns);
	ev->at_us = sim->now_us + TICK_US;
	sim_push(sim, ev);
}

/* ---- what comes from the pair ---- */

static void ppp_input(struct lns *lns, const uint8_t *data, size_t len)
{
	struct sim *sim = lns->world->sim;
	struct lns_call *call = call_find(lns, avp_get_u16(data + 2), avp_get_u16(data + 4));
	uint32_t magic;

	if (!call || len != HEADER_LEN + FRAME_LEN)
		return;
	magic = get32(data + HEADER_LEN + 1);
	switch (data[HEADER_LEN]) {
	case 'C':
		if (magic < call->magic)
			break;		/* a late one of the engine before */
		if (call->open && magic != call->magic && !call->at_risk)
			sim_fail(sim, "S2: PPP of call %u/%u of lns %d is negotiated again", call->pair_tid, call->pair_sid,
				 lns->index);
		if (call->magic && magic != call->magic)
			call->at_risk = false;	/* another engine: what was lost is made good */
		call->magic = magic;
		call->open = false;
		say(lns, call, 'c', call->addr);
		break;
	case 'o':
		call->open = magic == call->magic;
		break;
	case 'e':
		/* a loss that no standby covered: an engine that negotiated again in between is lost, the one before goes on */
		call->echoes += magic == call->magic || (call->at_risk && magic < call->magic);
		break;
	}
}

/* A capture in front of it. */
static void look(struct lns *lns, const uint8_t *data, size_t len)
{
	uint16_t type = len > MESSAGE_HEADER ? avp_get_u16(data + 18) : 0;
	struct sim *sim = lns->world->sim;

	if (type != MESSAGE_SCCRQ && type != MESSAGE_ICRQ)
		return;
	/* the refusal and what was under way when it came may have been lost, and are repeated: that is not meant */
	if (lns->refused_us && sim->now_us > lns->refused_us + 12 * SEC && sim->now_us < lns->refused_us + (BUSY_S - 1) * SEC)
		sim_fail(sim, "lns %d is asked %llu ms after it said that it is full", lns->index,
			 (unsigned long long)((sim->now_us - lns->refused_us) / MS));
}

bool lns_input(struct sim *sim, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer, const uint8_t *data,
	       size_t len)
{
	for (int i = 0; sim->dialled && i < LNS; i++) {
		struct lns *lns = &sim->dialled->lns[i];

		if (!endpoint_addr_equal(&lns->addr, peer))
			continue;
		if (len > HEADER_LEN && !(data[0] & 0x80)) {
			ppp_input(lns, data, len);
			return true;
		}
		look(lns, data, len);
		if (deviates(sim, lns->dev, lns->l2tp, &lns->addr, data, len))
			return true;
		l2tp_input(lns->l2tp, sim_ms(sim), peer, local, data, len);
		lns_run(lns);
		return true;
	}
	return false;
}

/* ---- loss is judged by foresight ---- */

static bool knows_busy(const struct sim *sim, struct group *group, const struct l2tp_endpoint *addr)
{
	struct dial_busy busy;

	for (size_t at = 0; group_busy_next(group, sim_ms(sim), &at, &busy);)
		if (endpoint_addr_equal(&busy.peer, addr))
			return true;
	return false;
}

/* `standby` NULL: nobody is there who knows anything. */
void lns_before_loss(struct sim *sim, struct node *standby)
{
	if (sim->dialled && !standby)
		sim->dialled->excused_until_us = sim->now_us + 150 * SEC;
	for (int i = 0; sim->dialled && i < LNS; i++) {
		struct lns *lns = &sim->dialled->lns[i];

		if (!standby || !knows_busy(sim, standby->group, &lns->addr))
			lns->refused_us = 0;
		for (int k = 0; k < LNS_CALLS; k++) {
			struct lns_call *call = &lns->calls[k];
			struct subscriber_info info;

			if (call->used && (!standby ||
					   !l2tp_session_find(group_l2tp(standby->group), call->pair_tid, call->pair_sid) ||
					   !group_subscriber(standby->group, call->pair_tid, call->pair_sid, &info) ||
					   !info.has_ppp))
				call->at_risk = true;
		}
	}
}

/* ---- the end ---- */

static struct lns_call *call_of(struct lns_world *world, const struct group_dialer_info *info, struct lns **out)
{
	for (int i = 0; i < LNS; i++)
		for (int k = 0; k < LNS_CALLS; k++) {
			struct lns_call *call = &world->lns[i].calls[k];

			if (call->used && call->pair_tid == info->tunnel_id && call->pair_sid == info->session_id) {
				*out = &world->lns[i];
				return call;
			}
		}
	return NULL;
}

static void shut_down(struct sim *sim, struct node *node)
{
	for (struct config_dialer *d = node->config->dialers; d; d = d->next)
		d->shutdown = true;
	if (node->group)
		group_config_changed(node->group, sim_ms(sim));
	node_settle(node);
}

/*
 * After a loss that was not covered both ends may hold what the other one has not.  A tunnel ends by its
 * retransmissions; a call is found out by LCP echo, which the model has not.
 */
void lns_settle(struct sim *sim)
{
	struct group_dialer_info info;
	int a = sim_active(sim);
	struct lns *lns;

	if (!sim->dialled || sim->failed || a < 0 || !sim->dialled->excused_until_us)
		return;
	if (sim->now_us < sim->dialled->excused_until_us)
		sim_run_until(sim, sim->dialled->excused_until_us);
	for (size_t n = 0; !sim->failed && group_dialer_info(sim->nodes[a].group, n, &info); n++)
		if (info.session_id && !call_of(sim->dialled, &info, &lns))
			ppp_model_end(sim->nodes[a].ppp, (struct ppp_key){ info.tunnel_id, info.session_id }, PPP_DOWN_ECHO);
	sim_run_for(sim, 150 * SEC);
}

void lns_check_end(struct sim *sim)
{
	struct lns_world *world = sim->dialled;
	struct group_dialer_info info;
	struct lns_call *calls[DIALERS];
	int a = sim_active(sim), n = 0;

	if (!world || sim->failed || a < 0)
		return;
	for (; group_dialer_info(sim->nodes[a].group, (size_t)n, &info); n++) {
		struct lns *lns = NULL;

		calls[n] = call_of(world, &info, &lns);
		if (strcmp(info.state, "up") || !calls[n]) {
			sim_fail(sim, "liveness: dialer %u is %s at the end (%s)", info.number, info.state, info.why);
			return;
		}
		calls[n]->echoes = 0;
		say(lns, calls[n], 'E', 0);
	}
	if (n != world->dialers)
		sim_fail(sim, "liveness: node %d has %d dialers of %d", a, n, world->dialers);
	sim_run_for(sim, 500 * MS);
	for (int k = 0; k < n && !sim->failed; k++)
		if (calls[k]->echoes != 1)
			sim_fail(sim, "liveness: the call of dialer %d answers %u times at the end", k + 1, calls[k]->echoes);
	lns_before_loss(sim, NULL);	/* now they end */
	for (int i = 0; i < SIM_NODES; i++)
		shut_down(sim, &sim->nodes[i]);
	sim_run_for(sim, 30 * SEC);
}

/* ---- making ---- */

void lns_config(const struct sim *sim, struct config *config)
{
	struct config_vpdn_group *g;

	if (!sim->dialled)
		return;
	g = calloc(1, sizeof(*g));
	if (!g)
		abort();
	*g = *config->vpdn_groups;
	g->next = config->vpdn_groups;
	snprintf(g->name, sizeof(g->name), "up");
	g->accept_dialin = g->tunnel_auth = false;
	g->tunnel_password[0] = g->terminate_from[0] = '\0';
	g->request_dialin = g->request_l2tp = true;
	g->busy_s = BUSY_S;
	g->initial_retries = 6;
	g->tie_break = sim->dialled->ties;
	for (int i = 0; i < LNS; i++) {
		g->peers[i].address = sim->dialled->lns[i].addr;
		g->peers[i].priority = i == LNS - 1 ? 2 : 1;
	}
	config->vpdn_groups = g;
	for (int i = 0; i < sim->dialled->dialers; i++) {
		struct config_dialer *d = calloc(1, sizeof(*d));

		if (!d)
			abort();
		d->number = (uint16_t)(i + 1);
		snprintf(d->vpdn_group, sizeof(d->vpdn_group), "up");
		snprintf(d->chap_user, sizeof(d->chap_user), "us");
		d->persistent = true;
		d->redial_s = 1;
		d->next = config->dialers;
		config->dialers = d;
	}
}

static void lns_world_new(struct sim *sim)
{
	struct lns_world *world = calloc(1, sizeof(*world));
	struct l2tp_config lc = { .id_min = 1, .id_max = 65535 };

	if (!world)
		abort();
	sim->dialled = world;
	world->sim = sim;
	world->next_addr = 0x0ac80000;
	world->dialers = 2 + (int)rng_below(sim, DIALERS - 1);
	for (int i = 0; i < LNS; i++) {
		struct lns *lns = &world->lns[i];
		struct l2tp_ops ops = { .ctx = lns, .select_group = lns_select, .random = lns_random,
					.admit_tunnel = lns_admit_tunnel, .admit_call = lns_admit_call };

		lns->world = world;
		lns->index = i;
		lns->addr = (struct l2tp_endpoint){ 4, { 10, 2, 0, (uint8_t)(1 + i) }, L2TP_PORT };
		lns->limit = 3 + rng_below(sim, 4);
		if (sim->strangers)
			lns->dev = deviation(sim);
		lns->l2tp = l2tp_new(&lc, &ops);
		l2tp_activate(lns->l2tp, sim_ms(sim));
		sim_at(sim, sim->now_us + TICK_US, ev_tick, i, 0);
	}
}

void lns_world_free(struct sim *sim)
{
	for (int i = 0; sim->dialled && i < LNS; i++)
		l2tp_free(sim->dialled->lns[i].l2tp);
	free(sim->dialled);
}

/* ---- the stories ---- */

static void lns_event(struct sim *sim)
{
	static const struct l2tp_result go = { .result = 3, .text = "go away" };
	struct lns *lns = &sim->dialled->lns[rng_below(sim, LNS)];
	struct lns_call *call = &lns->calls[rng_below(sim, 4)];
	uint16_t tid = l2tp_tunnel_next(lns->l2tp, 0);

	switch (rng_below(sim, 4)) {
	case 0:
	case 1:
		if (!call->used)
			break;
		sim_trace(sim, "lns %d hangs up %u/%u", lns->index, call->pair_tid, call->pair_sid);
		l2tp_session_close(l2tp_session_find(lns->l2tp, call->tid, call->sid), sim_ms(sim), &go);
		break;
	case 2:
		if (!tid)
			break;
		sim_trace(sim, "lns %d closes its tunnel %u", lns->index, tid);
		l2tp_tunnel_close(l2tp_tunnel_find(lns->l2tp, tid), sim_ms(sim), &go);
		break;
	case 3:
		/* the last of them always has room */
		lns->full = !lns->full && lns->index != LNS - 1;
		sim_trace(sim, "lns %d is %s", lns->index, lns->full ? "full" : "not full");
		break;
	}
	lns_run(lns);
}

static void end_of_lns_events(struct sim *sim)
{
	for (int i = 0; i < LNS; i++) {
		sim->dialled->lns[i].full = false;
		sim->dialled->lns[i].limit = LNS_CALLS;
	}
}

static void run_dial(struct sim *sim)
{
	uint64_t end;

	sim->net.loss_pm = rng_pm(sim, 300) ? 0 : rng_below(sim, 80);
	sim->net.dup_pm = rng_below(sim, 60);
	sim->net.reorder_pm = rng_below(sim, 80);
	sim->net.jitter_us = rng_below(sim, 4000);
	lns_world_new(sim);
	story_boot(sim);
	end = sim->now_us + (20 + rng_below(sim, 40)) * SEC;
	while (!sim->failed && sim->now_us < end) {
		sim_run_for(sim, rng_below(sim, rng_pm(sim, 400) ? 40000 : 2000000));
		if (sim->failed)
			break;
		if (sim->strangers)
			reach_windows(sim, REACH_LNS_WINDOW_FULL);
		if (rng_pm(sim, 250))
			story_fault(sim);
		else if (rng_pm(sim, 300))
			lns_event(sim);
	}
	end_of_lns_events(sim);
	if (!sim->failed)
		story_settle(sim);
}

static void run_dial_strangers(struct sim *sim)
{
	sim->strangers = true;
	run_dial(sim);
}

/* The active is lost at some step of dialling. */
static void run_dial_crash(struct sim *sim)
{
	lns_world_new(sim);
	end_of_lns_events(sim);
	story_boot(sim);
	for (int i = 0; i < 4 && !sim->failed; i++) {
		struct node *active = story_active(sim, "before it is lost");
		struct lns *lns = &sim->dialled->lns[rng_below(sim, 2)];
		uint16_t tid = l2tp_tunnel_next(lns->l2tp, 0);

		if (tid && rng_pm(sim, 800)) {
			l2tp_tunnel_close(l2tp_tunnel_find(lns->l2tp, tid), sim_ms(sim), &(struct l2tp_result){ .result = 6 });
			lns_run(lns);
		}
		sim_run_for(sim, 990 * MS + rng_below(sim, 40000));
		if (active && !sim->failed)
			node_power_loss(active);
		sim_run_for(sim, 4 * SEC);
		if (active)
			node_boot(active);
		sim_run_for(sim, 6 * SEC);
	}
	if (!sim->failed)
		story_settle(sim);
}

/* The LNS asks, too: of two requests that cross one goes on, whichever, and the calls go over what there is then. */
static void lns_asks(struct lns *lns)
{
	struct sim *sim = lns->world->sim;
	struct l2tp_tunnel_params params;
	struct l2tp_endpoint pair = sim->vip;
	uint16_t id;

	lns_select(lns, NULL, &params);
	params.tie_break = true;
	pair.port = L2TP_PORT;
	sim_trace(sim, "lns %d asks for a tunnel", lns->index);
	l2tp_tunnel_open(lns->l2tp, sim_ms(sim), &lns->addr, &pair, &params, &id);
	lns_run(lns);
}

static void lns_close_all(struct lns *lns)
{
	static const struct l2tp_result go = { .result = 1, .text = "once more" };
	uint64_t now_ms = sim_ms(lns->world->sim);
	uint16_t tid = 0;

	while ((tid = l2tp_tunnel_next(lns->l2tp, tid)))
		l2tp_tunnel_close(l2tp_tunnel_find(lns->l2tp, tid), now_ms, &go);
	lns_run(lns);
}

static void run_dial_ties(struct sim *sim)
{
	lns_world_new(sim);
	end_of_lns_events(sim);
	sim->dialled->ties = true;
	sim->net.delay_us = 5000 + rng_below(sim, 60000);	/* so that requests do cross */
	story_boot(sim);
	for (int i = 0; i < 10 && !sim->failed; i++) {
		struct lns *lns = &sim->dialled->lns[rng_below(sim, 2)];
		struct node *active = story_active(sim, "while requests cross");

		lns_close_all(lns);
		sim_run_for(sim, 900 * MS + rng_below(sim, 300000));
		lns_asks(lns);
		sim_run_for(sim, story_between(sim, 1, 200));
		if (active && !sim->failed && rng_pm(sim, 300))
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		sim_run_for(sim, 6 * SEC);
	}
	for (int i = 0; i < LNS; i++)
		lns_close_all(&sim->dialled->lns[i]);
	if (!sim->failed)
		story_settle(sim);
}

const struct scenario dial_scenarios[] = {
	{ "dial", run_dial, STORY_FEW },
	{ "dial-strangers", run_dial_strangers, STORY_FEW },
	{ "dial-crash", run_dial_crash, STORY_FEW },
	{ "dial-ties", run_dial_ties, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
