/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PPP as a model, both ends.  The LNS end implements the seam daemon/ppp.h as
 * pppd with the plugin does: it negotiates, asks who may, gets an address,
 * captures, is put in place mute, is activated, outlives its daemon.  The
 * client end is what sits behind the LAC and must never notice a switchover.
 *
 * Frames are one letter and two words instead of RFC 1661 options:
 *   C magic       let us open          c magic user   agreed, this is who I am
 *   A magic addr  this is your address a magic addr   taken
 *   E magic       echo                 e magic        its answer
 *   T magic       the link ends        t magic        agreed
 * A client says C, the LNS answers c magic addr, and the client o: it is open.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_LEN 9
#define RETRY_US (1000 * MS)
#define TRIES 12

enum sess_state { SESS_STARTING, SESS_OPENING, SESS_AUTH, SESS_ADDRESS, SESS_OPEN, SESS_ENDING, SESS_HANGING };

struct sess {
	struct sess *next;
	uint64_t uid;
	struct ppp_key key;
	enum sess_state state;
	bool mute, orphan, handing_over, inherited;
	bool client;		/* it asks, and gets the address */
	char ifname[PPP_IFNAME_MAX];
	uint32_t local_addr, addr, magic;
	int user;
	unsigned tries;
	uint16_t peer_tid, peer_sid;
	struct l2tp_endpoint local, peer;
};

struct captured {		/* the opaque state: what the other node puts in place */
	uint32_t mark, magic, addr;
	int32_t user;
	char ifname[PPP_IFNAME_MAX];
};
#define CAPTURED_MARK 0x50505331

struct ppp_model {
	struct node *node;
	struct sess *list;
	uint64_t next_uid;
};

enum note { NOTE_AUTH, NOTE_UP, NOTE_INJECTED, NOTE_DOWN, NOTE_ORPHAN, NOTE_HANDED_OVER };

static struct sess *by_uid(struct ppp_model *model, uint64_t uid)
{
	struct sess *s;

	for (s = model ? model->list : NULL; s && s->uid != uid; s = s->next)
		;
	return s;
}

static struct sess *by_key(const struct ppp_model *model, struct ppp_key key)
{
	struct sess *s;

	for (s = model->list; s; s = s->next)
		if (s->key.tunnel_id == key.tunnel_id && s->key.session_id == key.session_id)
			return s;
	return NULL;
}

static void sess_free(struct ppp_model *model, struct sess *s)
{
	struct sess **p = &model->list;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	free(s);
}

/* ---- frames out ---- */

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void frame(uint8_t out[FRAME_LEN], char type, uint32_t a, uint32_t b)
{
	out[0] = (uint8_t)type;
	put32(out + 1, a);
	put32(out + 5, b);
}

/* Through the kernel session, its fence and its tunnel. */
static void sess_send(struct ppp_model *model, struct sess *s, char type, uint32_t b)
{
	struct node *node = model->node;
	uint8_t out[6 + FRAME_LEN] = { 0x00, 0x02 };

	if (!s->key.tunnel_id) {
		frame(out + 6, type, s->magic, b);
		ether_from_ppp(node, s->key.session_id, out + 6, FRAME_LEN);
		return;
	}
	dp_null_set_time(node->dp, sim_ms(node->sim));
	if (!dp_null_has_session(node->dp, s->key.tunnel_id, s->key.session_id) || !node_speaks(node))
		return;
	if (s->mute) {
		sim_fail(node->sim, "S1: mute PPP %u/%u of node %d speaks", s->key.tunnel_id, s->key.session_id,
			 node->index);
		return;
	}
	out[2] = (uint8_t)(s->peer_tid >> 8);
	out[3] = (uint8_t)s->peer_tid;
	out[4] = (uint8_t)(s->peer_sid >> 8);
	out[5] = (uint8_t)s->peer_sid;
	frame(out + 6, type, s->magic, b);
	net_from_node(node, &s->local, &s->peer, out, sizeof(out));
}

/* ---- events to the group ---- */

static void ev_note(struct sim *sim, struct sim_event *ev);

static void note_in(struct ppp_model *model, struct sess *s, enum note what, unsigned arg, uint64_t delay_us)
{
	struct node *node = model->node;
	struct sim_event *ev = sim_at(node->sim, node->sim->now_us + delay_us, ev_note, node->index, s->uid);

	ev->arg = (uint64_t)what << 32 | arg;
	ev->len = node->boot;
}

static void note(struct ppp_model *model, struct sess *s, enum note what, unsigned arg)
{
	note_in(model, s, what, arg, 50 + rng_below(model->node->sim, 1500));
}

static void fill_up(const struct sess *s, struct ppp_up *up, struct captured *c)
{
	memset(up, 0, sizeof(*up));
	memset(c, 0, sizeof(*c));
	c->mark = CAPTURED_MARK;
	c->magic = s->magic;
	c->addr = s->addr;
	c->user = s->user;
	memcpy(c->ifname, s->ifname, sizeof(c->ifname));
	snprintf(up->user, sizeof(up->user), "user%d", s->user);
	up->auth = PPP_AUTH_PAP;
	memcpy(up->ifname, s->ifname, sizeof(up->ifname));
	up->local_addr = s->client ? s->addr : s->local_addr;
	up->peer_addr = s->client ? 0 : s->addr;
	up->mru = up->peer_mru = 1460;
	up->local_magic = s->magic;
	up->peer_magic = ~s->magic;
	up->state = (const uint8_t *)c;
	up->state_len = sizeof(*c);
}

static void confreq(const struct sess *s, struct ppp_confreq *lcp)
{
	static const uint8_t magic[] = { 5, 6 };

	memcpy(lcp->sent, magic, 2);
	put32(lcp->sent + 2, s->magic);
	lcp->sent_len = 6;
	memcpy(lcp->received, magic, 2);
	put32(lcp->received + 2, ~s->magic);
	lcp->received_len = 6;
}

static void ev_note(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];
	struct sess *s = by_uid(node->ppp, ev->token);
	const struct ppp_events *e = group_ppp_events();
	uint64_t now_ms = sim_ms(sim);
	struct captured captured;
	struct ppp_up up;
	struct ppp_key key;

	if (!s || ev->len != node->boot || !node->running) {
		sim_event_free(ev);
		return;
	}
	if (node_defer(node, ev))
		return;
	sim->acting = node->index;
	dp_null_set_time(node->dp, now_ms);
	group_now(node->group, now_ms);
	key = s->key;
	switch ((enum note)(ev->arg >> 32)) {
	case NOTE_AUTH: {
		struct ppp_auth auth = { .kind = PPP_AUTH_PAP };

		snprintf(auth.user, sizeof(auth.user), "user%d%s", s->user, sim->asking || !s->key.tunnel_id ? "@isp" : "");
		if (sim->asking || !s->key.tunnel_id)
			confreq(s, &auth.lcp);
		snprintf(auth.password, sizeof(auth.password), "secret%d", s->user);
		e->auth_request(node->group, key, &auth);
		break;
	}
	case NOTE_UP:
		fill_up(s, &up, &captured);
		e->up(node->group, key, &up);
		break;
	case NOTE_INJECTED:
		e->injected(node->group, key, -(int)(ev->arg & 0xffff));
		break;
	case NOTE_DOWN: {
		struct ppp_down down = { .reason = (enum ppp_down_reason)(ev->arg & 0xffff), .status = -1 };

		sess_free(node->ppp, s);
		e->down(node->group, key, &down);
		break;
	}
	case NOTE_ORPHAN:
		if (!s->orphan)
			break;		/* of a daemon that died before it heard */
		fill_up(s, &up, &captured);
		if (e->orphan && e->orphan(node->group, key, &up)) {
			s->orphan = false;
			s->handing_over = s->inherited = true;
			note_in(node->ppp, s, NOTE_HANDED_OVER, 0,
				50 + rng_below(sim, 1500) + (sim->orphan_pace_us ? rng_below(sim, 3000) * MS : 0));
		} else {
			sim->sent_away++;
			sess_free(node->ppp, s);
		}
		break;
	case NOTE_HANDED_OVER:
		if (!s->handing_over)
			break;		/* to a daemon that died meanwhile */
		s->handing_over = false;
		if (e->adopted)
			e->adopted(node->group, key, -1, -1);
		break;
	}
	sim_event_free(ev);
	node_fed(node);
}

static void sess_down(struct ppp_model *model, struct sess *s, enum ppp_down_reason why)
{
	s->state = SESS_ENDING;
	note(model, s, NOTE_DOWN, why);
}

/* ---- the engine's own timers ---- */

static void ev_timer(struct sim *sim, struct sim_event *ev)
{
	struct node *node = &sim->nodes[ev->who];
	struct sess *s = by_uid(node->ppp, ev->token);

	if (!s || ev->len != node->boot)
		goto out;
	switch (s->state) {
	case SESS_STARTING:
		s->state = SESS_OPENING;
		/* fall through */
	case SESS_OPENING:
		if (s->tries++ >= TRIES) {
			sess_down(node->ppp, s, PPP_DOWN_NEGOTIATION);
			goto out;
		}
		sess_send(node->ppp, s, 'C', 0);
		break;
	case SESS_ADDRESS:
		if (s->tries++ >= TRIES) {
			sess_down(node->ppp, s, PPP_DOWN_NEGOTIATION);
			goto out;
		}
		sess_send(node->ppp, s, 'A', s->addr);
		break;
	case SESS_AUTH:
		break;
	case SESS_OPEN:
	case SESS_HANGING:
		goto out;
	case SESS_ENDING:
		sess_down(node->ppp, s, PPP_DOWN_LOCAL);
		goto out;
	}
	if (sim->failed)
		goto out;
	ev->at_us = sim->now_us + RETRY_US;
	sim_push(sim, ev);
	return;
out:
	sim_event_free(ev);
}

static void timer(struct ppp_model *model, const struct sess *s, uint64_t delay_us)
{
	struct sim *sim = model->node->sim;
	struct sim_event *ev = sim_at(sim, sim->now_us + delay_us, ev_timer, model->node->index, s->uid);

	ev->len = model->node->boot;
}

/* ---- ops ---- */

static int op_start(void *engine, const struct ppp_params *p)
{
	struct ppp_model *model = engine;
	struct node *node = model->node;
	struct l2tp_session_state_rec rec;
	struct l2tp_tunnel_info info;
	struct l2tp_session *l2tp_session;
	struct sess *s;

	if (node->dying)
		return 0;
	if (by_key(model, p->key))
		return -EEXIST;
	if (p->standby && !p->state)
		return -EINVAL;
	l2tp_session = l2tp_session_find(group_l2tp(node->group), p->key.tunnel_id, p->key.session_id);
	if (!l2tp_session && p->key.tunnel_id) {
		sim_fail(node->sim, "node %d starts PPP for no session %u/%u", node->index, p->key.tunnel_id,
			 p->key.session_id);
		return -ENOENT;
	}
	if (p->key.tunnel_id && !dp_null_has_session(node->dp, p->key.tunnel_id, p->key.session_id))
		sim_fail(node->sim, "node %d starts PPP without the kernel session %u/%u", node->index,
			 p->key.tunnel_id, p->key.session_id);
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->uid = node->boot << 32 | ++model->next_uid;
	s->key = p->key;
	s->mute = p->standby;
	s->local_addr = p->local_addr;
	s->client = p->client;
	memcpy(s->ifname, p->ifname, sizeof(s->ifname));
	if (l2tp_session) {
		l2tp_session_export(l2tp_session, &rec);
		l2tp_tunnel_info(l2tp_tunnel_find(group_l2tp(node->group), p->key.tunnel_id), &info);
		s->peer_sid = rec.peer_id;
		s->peer_tid = info.s.peer_id;
		s->local = info.s.local;
		s->peer = info.s.peer;
	}
	s->next = model->list;
	model->list = s;
	if (node->ppp_hangs) {
		node->ppp_hangs--;
		s->state = SESS_HANGING;
		sim_trace(node->sim, "node %d: the PPP engine of %u/%u hangs", node->index, p->key.tunnel_id, p->key.session_id);
		return 0;
	}
	if (p->state) {
		struct captured c;

		memcpy(&c, p->state, p->state_len < sizeof(c) ? p->state_len : sizeof(c));
		if (p->state_len != sizeof(c) || c.mark != CAPTURED_MARK ||
		    strncmp(c.ifname, p->ifname, sizeof(c.ifname))) {
			sim_fail(node->sim, "S6: node %d is given a PPP state that nobody captured", node->index);
			return -EINVAL;
		}
		s->magic = c.magic;
		s->addr = c.addr;
		s->user = c.user;
		s->state = SESS_OPEN;
		note(model, s, NOTE_INJECTED, 0);
		return 0;
	}
	if (p->proxy.lcp) {
		node->sim->proxied++;
		s->magic = p->proxy.got.magic;
		if (p->proxy.auth.kind == PPP_AUTH_PAP) {
			s->user = atoi(p->proxy.auth.user + 4);
			s->state = SESS_AUTH;
			note(model, s, NOTE_AUTH, 0);
			return 0;
		}
	}
	s->state = SESS_STARTING;
	if (!p->proxy.lcp)
		s->magic = ++node->sim->magics;
	timer(model, s, 500 + rng_below(node->sim, 20000));
	return 0;
}

static void op_activate(void *engine, struct ppp_key key)
{
	struct sess *s = by_key(engine, key);

	if (s)
		s->mute = false;
}

static void op_mute(void *engine, struct ppp_key key)
{
	struct ppp_model *model = engine;
	struct sess *s = by_key(engine, key);

	if (!s || model->node->dying)
		return;
	s->mute = true;
	if (s->state == SESS_OPEN)
		note(model, s, NOTE_INJECTED, 0);
	else if (s->state != SESS_ENDING)
		sess_down(model, s, PPP_DOWN_ENGINE);
}

static void op_kill(void *engine, struct ppp_key key)
{
	struct ppp_model *model = engine;
	struct sess *s;

	if (model->node->dying)
		return;
	s = by_key(engine, key);
	if (!s)
		return;
	if (s->inherited)
		model->node->sim->sent_away++;
	sess_free(engine, s);
}

static void op_terminate(void *engine, struct ppp_key key)
{
	struct ppp_model *model = engine;
	struct sess *s = by_key(engine, key);

	if (!s || s->state == SESS_ENDING || model->node->dying)
		return;
	s->state = SESS_ENDING;
	sess_send(model, s, 'T', 0);
	timer(model, s, 2000 * MS);
}

static void op_auth_reply(void *engine, struct ppp_key key, const struct ppp_verdict *verdict)
{
	struct ppp_model *model = engine;
	struct sess *s = by_key(engine, key);

	if (!s || s->state != SESS_AUTH || model->node->dying)
		return;
	if (!verdict->ok || !verdict->peer_addr) {
		sim_trace(model->node->sim, "PPP %u/%u refused: %s", key.tunnel_id, key.session_id, verdict->message);
		sess_send(model, s, 'T', 0);
		sess_down(model, s, PPP_DOWN_AUTH);
		return;
	}
	s->addr = verdict->peer_addr;
	s->state = SESS_ADDRESS;
	s->tries = 0;
	sess_send(model, s, 'A', s->addr);
	timer(model, s, RETRY_US);
}

const struct ppp_engine_ops *ppp_model_ops(void)
{
	static const struct ppp_engine_ops ops = {
		.start = op_start, .activate = op_activate, .mute = op_mute, .kill = op_kill, .terminate = op_terminate,
		.auth_reply = op_auth_reply,
	};

	return &ops;
}

/* ---- frames in (LNS end) ---- */

void ppp_model_input(struct ppp_model *model, uint16_t tunnel_id, uint16_t session_id, const uint8_t *data, size_t len)
{
	struct sess *s = by_key(model, (struct ppp_key){ tunnel_id, session_id });
	uint32_t a, b;

	if (!s || len != FRAME_LEN || s->state == SESS_STARTING || s->mute)
		return;
	a = get32(data + 1);
	b = get32(data + 5);
	switch (data[0]) {
	case 'c':
		if (s->client && s->state == SESS_OPENING && a == s->magic) {
			s->addr = b;
			s->state = SESS_OPEN;
			sess_send(model, s, 'o', 0);
			note(model, s, NOTE_UP, 0);
			break;
		}
		if (!s->client && s->state == SESS_OPENING && a == s->magic) {
			s->state = SESS_AUTH;
			s->user = (int)b;
			note(model, s, NOTE_AUTH, 0);
		}
		break;
	case 'a':
		if (s->state == SESS_ADDRESS && a == s->magic && b == s->addr) {
			s->state = SESS_OPEN;
			note(model, s, NOTE_UP, 0);
		}
		break;
	case 'E':
		if (s->state == SESS_OPEN)
			sess_send(model, s, 'e', s->addr);
		break;
	case 'T':
		if (s->state != SESS_ENDING) {
			sess_send(model, s, 't', 0);
			sess_down(model, s, PPP_DOWN_PEER);
		}
		break;
	case 't':
		if (s->state == SESS_ENDING)
			sess_down(model, s, PPP_DOWN_LOCAL);
		break;
	}
}

/* ---- life of the model ---- */

struct ppp_model *ppp_model_new(struct node *node)
{
	struct ppp_model *model = calloc(1, sizeof(*model));

	if (!model)
		abort();
	model->node = node;
	return model;
}

void ppp_model_free(struct ppp_model *model)
{
	while (model && model->list)
		sess_free(model, model->list);
	free(model);
}

void ppp_model_orphan(struct ppp_model *model)
{
	struct sess *s, *next;

	for (s = model->list; s; s = next) {
		next = s->next;
		s->orphan = true;
		s->handing_over = false;
		if (s->state != SESS_OPEN)
			sess_free(model, s);
	}
}

void ppp_model_adopt(struct ppp_model *model)
{
	struct sim *sim = model->node->sim;
	uint64_t delay_us = 50;
	struct sess *s;

	for (s = model->list; s; s = s->next)
		if (s->orphan)
			note_in(model, s, NOTE_ORPHAN, 0, (delay_us += sim->orphan_pace_us) + rng_below(sim, 1500));
}

bool ppp_model_end(struct ppp_model *model, struct ppp_key key, enum ppp_down_reason why)
{
	struct sess *s = by_key(model, key);

	if (!s || s->state == SESS_ENDING)
		return false;
	if (s->orphan)
		sess_free(model, s);	/* nobody is there to be told */
	else
		sess_down(model, s, why);
	return true;
}

bool ppp_model_die(struct ppp_model *model, struct ppp_key key)
{
	return ppp_model_end(model, key, PPP_DOWN_ENGINE);
}

size_t ppp_model_hanging(const struct ppp_model *model)
{
	const struct sess *s;
	size_t n = 0;

	for (s = model->list; s; s = s->next)
		n += s->state == SESS_HANGING;
	return n;
}

size_t ppp_model_count(const struct ppp_model *model)
{
	const struct sess *s;
	size_t n = 0;

	for (s = model->list; s; s = s->next)
		n++;
	return n;
}

bool ppp_model_has(const struct ppp_model *model, uint16_t tunnel_id, uint16_t session_id, bool *open, uint32_t *addr)
{
	const struct sess *s = by_key(model, (struct ppp_key){ tunnel_id, session_id });

	if (!s)
		return false;
	*open = s->state == SESS_OPEN;
	*addr = s->addr;
	return true;
}

const char *ppp_model_duplicate(const struct ppp_model *model, char buf[128])
{
	const struct sess *a, *b;

	for (a = model->list; a; a = a->next)
		for (b = a->next; b; b = b->next) {
			if (a->state == SESS_ENDING || b->state == SESS_ENDING)
				continue;
			if (!strncmp(a->ifname, b->ifname, sizeof(a->ifname))) {
				snprintf(buf, 128, "interface %s twice", a->ifname);
				return buf;
			}
			if (a->addr && a->addr == b->addr) {
				snprintf(buf, 128, "address %08x twice (%s %s)", get32((const uint8_t *)&a->addr),
					 a->ifname, b->ifname);
				return buf;
			}
		}
	return NULL;
}

const char *ppp_model_differs(const struct ppp_model *model, const struct ppp_model *other, char buf[128])
{
	const struct sess *a, *b;

	for (a = model->list; a; a = a->next) {
		b = by_key(other, a->key);
		if (b && b->addr == a->addr && b->magic == a->magic && !strncmp(b->ifname, a->ifname, sizeof(a->ifname)))
			continue;
		snprintf(buf, 128, "%u/%u is %08x on %.15s here, %08x on %.15s there", a->key.tunnel_id, a->key.session_id,
			 a->addr, a->ifname, b ? b->addr : 0, b ? b->ifname : "nothing");
		return buf;
	}
	return NULL;
}

/* ---- the client behind the LAC ---- */

static void client_send(struct call *call, char type, uint32_t a, uint32_t b)
{
	uint8_t out[FRAME_LEN];

	frame(out, type, a, b);
	if (call->lc)
		lac_data_send(call->lc, out, sizeof(out));
}

void client_input(struct sim *sim, struct call *call, const uint8_t *data, size_t len)
{
	uint32_t a, b;

	if (len != FRAME_LEN) {
		sim_fail(sim, "call %d gets a frame of %zu octets", call->index, len);
		return;
	}
	a = get32(data + 1);
	b = get32(data + 5);
	switch (data[0]) {
	case 'C':
		if (call->ppp != CALL_PPP_DOWN && a == call->magic) {
			client_send(call, 'c', a, (uint32_t)call->user);
			break;
		}
		if (a < call->magic)
			break;		/* a late frame of the engine before */
		if (call->ppp == CALL_PPP_UP && !call->ppp_at_risk && !call->at_risk && !call->doomed) {
			sim_fail(sim, "S2: PPP of call %d is negotiated again", call->index);
			return;
		}
		call->magic = a;
		call->ppp_at_risk = false;	/* the one that serves now knows of it */
		call->ppp = CALL_PPP_AUTH;
		client_send(call, 'c', a, (uint32_t)call->user);
		break;
	case 'A':
		if (call->ppp == CALL_PPP_DOWN || a != call->magic)
			break;
		if (call->ppp == CALL_PPP_UP && b != call->addr) {
			sim_fail(sim, "S2: the address of call %d changes while its link is open", call->index);
			return;
		}
		if (call->ppp != CALL_PPP_UP) {
			call->ppp = CALL_PPP_UP;
			call->ppp_up_us = sim->now_us;
			call->addr = b;
			sim_trace(sim, "call %d: PPP up, address %08x", call->index, b);
			sim->stats.calls_up++;
		}
		client_send(call, 'a', a, b);
		break;
	case 'e':
		if (call->ppp == CALL_PPP_UP && !call->at_risk && !call->ppp_at_risk &&
		    (a != call->magic || b != call->addr))
			sim_fail(sim, "S2: echo answer of call %d comes from another link (%08x, not %08x)",
				 call->index, b, call->addr);
		call->echo_ok++;
		break;
	case 'T':
		client_send(call, 't', a, 0);
		if (call->ppp == CALL_PPP_UP && !call->doomed && !call->at_risk && !call->ppp_at_risk && !call->hung_up)
			sim_fail(sim, "S2: PPP of call %d is terminated", call->index);
		call->ppp = CALL_PPP_DOWN;
		break;
	case 't':
		call->ppp = CALL_PPP_DOWN;
		break;
	}
}

void client_echo(struct sim *sim, struct call *call)
{
	(void)sim;
	if (call->ppp == CALL_PPP_UP && call->lc)
		client_send(call, 'E', call->magic, 0);
}
