/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PPPoE subscribers of the pair, which dials an LNS for each of them: discovery
 * as RFC 2516 has it, then PPP as in ppp.c, with the pair first and, once it is
 * who it says, with the LNS, without beginning anew where that takes over what
 * was negotiated (proxy LCP and authentication).
 *
 * A subscriber whose call was up and recorded must not notice whatever becomes
 * of the node he came in by: same session, same LNS, same address.  One who
 * finds nobody there any more (echoes) begins anew.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pppoe.h"

#define CLIENTS_MAX 12
#define FRAME_LEN 9
#define RETRY_US (1000 * MS)
#define DISCOVERY_TRIES 4
#define PPP_PATIENCE_US (30 * SEC)	/* without a word, until it is open */
#define ECHO_US (3 * SEC)
#define ECHO_FAILURES 10	/* one in five echoes is lost on four lossy ways, and three takeovers may come in half a minute */

enum client_state { CLIENT_OFF, CLIENT_IDLE, CLIENT_PADI, CLIENT_PADR, CLIENT_SESSION };

struct client {
	int index;
	enum client_state state;
	bool wanted;
	uint32_t uniq;			/* grows with each that it asks for */
	uint8_t cookie[16];
	uint16_t session_id;
	unsigned tries;
	uint64_t timer;			/* the one that counts */
	enum call_ppp ppp;
	uint32_t magic, addr;
	uint64_t heard_us;
	unsigned unanswered, echo_ok;
	bool at_risk;			/* nobody but the node that goes knows of it */
};
struct pppoe_world {
	struct client clients[CLIENTS_MAX];
	int count;
	uint64_t given_up;
	/*
	 * In the records of somebody when nobody covered the one who was lost: it may be over at both ends, and whoever
	 * goes on with those records is never told, for L2TP asks nobody whether a session is still there.
	 */
	bool may_linger[65536];
	bool in_image[SIM_NODES][65536];	/* of a daemon that was killed */
};


void pppoe_client_mac(int client, uint8_t mac[PPPOE_MAC])
{
	memcpy(mac, (uint8_t[PPPOE_MAC]){ 2, 0, 0, 0, 1, (uint8_t)client }, PPPOE_MAC);
}

int pppoe_client_by_mac(const struct sim *sim, const uint8_t mac[PPPOE_MAC])
{
	return mac[0] == 2 && mac[4] == 1 && mac[5] < sim->subscribers->count ? mac[5] : -1;
}

/* ---- discovery, as who asks ---- */

static void put(uint8_t *frame, size_t *len, uint16_t tag, const void *value, size_t n)
{
	frame[*len] = (uint8_t)(tag >> 8);
	frame[*len + 1] = (uint8_t)tag;
	frame[*len + 2] = 0;
	frame[*len + 3] = (uint8_t)n;
	memcpy(frame + *len + 4, value, n);
	*len += 4 + n;
	frame[5] = (uint8_t)(*len - 6);
}

static void discover(struct sim *sim, const struct client *c, uint8_t code)
{
	uint8_t frame[128] = { 0x11, code };
	size_t len = 6;

	if (code == 0xa7) {
		frame[2] = (uint8_t)(c->session_id >> 8);
		frame[3] = (uint8_t)c->session_id;
	} else {
		put(frame, &len, 0x0101, "", 0);
		put(frame, &len, 0x0103, &c->uniq, sizeof(c->uniq));
	}
	if (code == 0x19)
		put(frame, &len, 0x0104, c->cookie, sizeof(c->cookie));
	ether_from_client(sim, c->index, code == 0x09, 0, frame, len);
}

static const uint8_t *tag_of(const uint8_t *frame, size_t len, uint16_t tag, size_t *n)
{
	size_t at = 6;

	while (at + 4 <= len) {
		*n = (size_t)(frame[at + 2] << 8 | frame[at + 3]);
		if (at + 4 + *n > len)
			break;
		if ((uint16_t)(frame[at] << 8 | frame[at + 1]) == tag)
			return frame + at + 4;
		at += 4 + *n;
	}
	return NULL;
}

/* ---- its life ---- */

static void ev_timer(struct sim *sim, struct sim_event *ev);

static void timer(struct sim *sim, struct client *c, uint64_t delay_us)
{
	sim_at(sim, sim->now_us + delay_us, ev_timer, c->index, ++c->timer);
}

static void begin(struct sim *sim, struct client *c)
{
	sim_trace(sim, "subscriber %d asks for a session", c->index);
	c->state = CLIENT_PADI;
	c->uniq++;
	c->tries = 0;
	c->session_id = 0;
	c->ppp = CALL_PPP_DOWN;
	c->unanswered = 0;
	c->at_risk = false;
	discover(sim, c, 0x09);
	timer(sim, c, RETRY_US);
}

/* It tries again in a while. */
static void idle(struct sim *sim, struct client *c)
{
	c->state = c->wanted ? CLIENT_IDLE : CLIENT_OFF;
	c->ppp = CALL_PPP_DOWN;
	timer(sim, c, SEC + rng_below(sim, 2000000));
}

static void lost(struct sim *sim, struct client *c, const char *why)
{
	sim_trace(sim, "subscriber %d, session %u: %s%s", c->index, c->session_id, why, c->at_risk ? " (at risk)" : "");
	if (c->ppp == CALL_PPP_UP && !c->at_risk)
		sim_fail(sim, "S2: subscriber %d, session %u: %s", c->index, c->session_id, why);
	sim->subscribers->given_up++;
	idle(sim, c);
}

static void hang_up(struct sim *sim, struct client *c)
{
	if (c->state == CLIENT_SESSION) {
		sim_trace(sim, "subscriber %d ends session %u", c->index, c->session_id);
		discover(sim, c, 0xa7);
	}
	c->wanted = false;
	c->state = CLIENT_OFF;
	c->ppp = CALL_PPP_DOWN;
	c->timer++;
}

static void say(struct sim *sim, const struct client *c, char type, uint32_t b)
{
	uint8_t out[FRAME_LEN] = { (uint8_t)type };
	int i;

	for (i = 0; i < 4; i++) {
		out[1 + i] = (uint8_t)(c->magic >> (24 - 8 * i));
		out[5 + i] = (uint8_t)(b >> (24 - 8 * i));
	}
	ether_from_client(sim, c->index, false, c->session_id, out, sizeof(out));
}

static void session_timer(struct sim *sim, struct client *c)
{
	if (c->ppp != CALL_PPP_UP) {
		if (sim->now_us > c->heard_us + PPP_PATIENCE_US) {
			discover(sim, c, 0xa7);
			lost(sim, c, "PPP does not open");
			return;
		}
		timer(sim, c, RETRY_US);
		return;
	}
	if (++c->unanswered > ECHO_FAILURES) {
		discover(sim, c, 0xa7);
		lost(sim, c, "nobody answers its echoes");
		return;
	}
	say(sim, c, 'E', 0);
	timer(sim, c, ECHO_US);
}

static void ev_timer(struct sim *sim, struct sim_event *ev)
{
	struct client *c = &sim->subscribers->clients[ev->who];
	bool counts = ev->token == c->timer;

	sim_event_free(ev);
	if (!counts)
		return;
	switch (c->state) {
	case CLIENT_OFF:
		break;
	case CLIENT_IDLE:
		begin(sim, c);
		break;
	case CLIENT_PADI:
	case CLIENT_PADR:
		if (c->tries++ >= DISCOVERY_TRIES) {
			begin(sim, c);
			break;
		}
		discover(sim, c, c->state == CLIENT_PADI ? 0x09 : 0x19);
		timer(sim, c, RETRY_US);
		break;
	case CLIENT_SESSION:
		session_timer(sim, c);
		break;
	}
}

/* ---- what it hears ---- */

static void discovery_input(struct sim *sim, struct client *c, const uint8_t *frame, size_t len)
{
	uint16_t id = (uint16_t)(frame[2] << 8 | frame[3]);
	const uint8_t *cookie, *uniq;
	size_t n, uniq_len = 0;

	uniq = tag_of(frame, len, 0x0103, &uniq_len);
	if (frame[1] != 0xa7 && (!uniq || uniq_len != sizeof(c->uniq) || memcmp(uniq, &c->uniq, sizeof(c->uniq))))
		return;		/* it asked for that before */
	switch (frame[1]) {
	case 0x07:
		cookie = tag_of(frame, len, 0x0104, &n);
		if (c->state != CLIENT_PADI || !cookie || n != sizeof(c->cookie))
			break;
		memcpy(c->cookie, cookie, n);
		c->state = CLIENT_PADR;
		c->tries = 0;
		discover(sim, c, 0x19);
		timer(sim, c, RETRY_US);
		break;
	case 0x65:
		if (c->state != CLIENT_PADR)
			break;
		if (!id) {
			idle(sim, c);
			break;
		}
		c->state = CLIENT_SESSION;
		c->session_id = id;
		c->heard_us = sim->now_us;
		sim_trace(sim, "subscriber %d has session %u", c->index, id);
		timer(sim, c, RETRY_US);
		break;
	case 0xa7:
		if (c->state == CLIENT_SESSION && id == c->session_id)
			lost(sim, c, "the concentrator ends it");
		break;
	}
}

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void ppp_input(struct sim *sim, struct client *c, const uint8_t *data, size_t len)
{
	uint32_t a, b;

	if (len != FRAME_LEN)
		return;
	a = word(data + 1);
	b = word(data + 5);
	c->heard_us = sim->now_us;
	switch (data[0]) {
	case 'C':
		if (c->ppp != CALL_PPP_DOWN && a < c->magic)
			break;		/* a late one */
		if (c->ppp == CALL_PPP_UP && a != c->magic && !c->at_risk) {
			sim_fail(sim, "S2: PPP of subscriber %d is negotiated again", c->index);
			break;
		}
		c->magic = a;
		c->ppp = CALL_PPP_AUTH;
		say(sim, c, 'c', (uint32_t)c->index);
		break;
	case 'A':
		if (c->ppp == CALL_PPP_DOWN || a != c->magic)
			break;
		if (c->ppp == CALL_PPP_UP && b != c->addr) {
			sim_fail(sim, "S2: the address of subscriber %d changes while its link is open", c->index);
			break;
		}
		if (c->ppp != CALL_PPP_UP) {
			sim_trace(sim, "subscriber %d: PPP up, address %08x", c->index, b);
			sim->stats.calls_up++;
			c->unanswered = 0;
			timer(sim, c, ECHO_US);
		}
		c->ppp = CALL_PPP_UP;
		c->addr = b;
		say(sim, c, 'a', b);
		break;
	case 'e':
		if (c->ppp == CALL_PPP_UP && !c->at_risk && (a != c->magic || b != c->addr))
			sim_fail(sim, "S2: subscriber %d is answered by another link (%08x, not %08x)", c->index, b, c->addr);
		c->unanswered = 0;
		c->echo_ok++;
		break;
	case 'T':
		say(sim, c, 't', 0);
		if (c->ppp == CALL_PPP_UP && !c->at_risk)
			sim_fail(sim, "S2: PPP of subscriber %d is terminated", c->index);
		c->ppp = CALL_PPP_DOWN;
		break;
	}
}

void pppoe_client_input(struct sim *sim, int client, uint16_t session_id, const uint8_t *data, size_t len)
{
	struct client *c = &sim->subscribers->clients[client];

	if (!session_id)
		discovery_input(sim, c, data, len);
	else if (c->state == CLIENT_SESSION && session_id == c->session_id)
		ppp_input(sim, c, data, len);
}

/* ---- loss is judged by foresight ---- */

static bool knows(const struct node *node, const struct client *c)
{
	struct subscriber_info info;

	return node && node->group && group_subscriber(node->group, 0, c->session_id, &info) && info.to_tunnel_id &&
	       l2tp_session_find(group_l2tp(node->group), info.to_tunnel_id, info.to_session_id);
}

static void note_sessions(const struct group *group, bool ids[65536])
{
	struct group_access access;

	for (access.session_id = 0; group && group_access_next(group, access.session_id, &access);)
		ids[access.session_id] = true;
}

static void note_lingering(struct sim *sim)
{
	struct pppoe_world *world = sim->subscribers;
	int i, id;

	for (i = 0; i < SIM_NODES; i++) {
		note_sessions(sim->nodes[i].group, world->may_linger);
		for (id = 0; id < 65536; id++)
			world->may_linger[id] |= world->in_image[i][id];
	}
}

void pppoe_image(struct node *node, bool kept)
{
	bool *ids = node->sim->subscribers ? node->sim->subscribers->in_image[node->index] : NULL;

	if (ids)
		memset(ids, 0, sizeof(node->sim->subscribers->in_image[0]));
	if (ids && kept)
		note_sessions(node->group, ids);
}

/* Who goes on then, if it is anybody. */
void pppoe_before_loss(struct sim *sim, const struct node *next)
{
	int i;

	if (sim->subscribers && !next)
		note_lingering(sim);

	for (i = 0; sim->subscribers && i < sim->subscribers->count; i++) {
		struct client *c = &sim->subscribers->clients[i];

		if (c->state == CLIENT_SESSION && !knows(next, c))
			c->at_risk = true;
	}
}

/* ---- the end ---- */

static size_t up(const struct sim *sim)
{
	size_t n = 0;
	int i;

	for (i = 0; i < sim->subscribers->count; i++)
		n += sim->subscribers->clients[i].ppp == CALL_PPP_UP;
	return n;
}

/* A session that one end has forgotten is found out by echoes, at the other. */
void pppoe_settle(struct sim *sim)
{
	if (sim->subscribers && !sim->failed)
		sim_run_for(sim, 150 * SEC);
}

static void all_answer(struct sim *sim, const struct node *active)
{
	int i;

	for (i = 0; i < sim->subscribers->count; i++)
		sim->subscribers->clients[i].timer++;
	sim_run_for(sim, 200 * MS);	/* what was asked before is answered */
	for (i = 0; i < sim->subscribers->count; i++) {
		struct client *c = &sim->subscribers->clients[i];

		c->echo_ok = 0;
		if (c->ppp == CALL_PPP_UP)
			say(sim, c, 'E', 0);
	}
	sim_run_for(sim, 500 * MS);
	for (i = 0; i < sim->subscribers->count && !sim->failed; i++) {
		struct client *c = &sim->subscribers->clients[i];

		if (c->wanted && (c->state != CLIENT_SESSION || c->ppp != CALL_PPP_UP))
			sim_fail(sim, "liveness: subscriber %d is not connected at the end", i);
		else if (c->wanted && c->echo_ok != 1)
			sim_fail(sim, "liveness: subscriber %d gets %u answers to one echo at the end", i, c->echo_ok);
		else if (c->wanted && !knows(active, c))
			sim_fail(sim, "liveness: node %d does not know subscriber %d at the end", active->index, i);
	}
}

static bool is_a_clients(const struct sim *sim, uint16_t session_id)
{
	int i;

	for (i = 0; i < sim->subscribers->count; i++)
		if (sim->subscribers->clients[i].state == CLIENT_SESSION && sim->subscribers->clients[i].session_id == session_id)
			return true;
	return false;
}

/* As the operator does with what nobody has any more. */
static void clear_lingering(struct sim *sim)
{
	struct node *active = story_active(sim, "to clear what lingers");
	struct group_access access;
	struct subscriber_info info;

	for (access.session_id = 0; active && group_access_next(active->group, access.session_id, &access);) {
		if (!sim->subscribers->may_linger[access.session_id] || is_a_clients(sim, access.session_id))
			continue;
		sim_trace(sim, "session %u lingers, and is cleared", access.session_id);
		if (!group_subscriber(active->group, 0, access.session_id, &info) ||
		    group_clear_session(active->group, sim_ms(sim), info.to_tunnel_id, info.to_session_id))
			sim_fail(sim, "PPPoE session %u cannot be cleared", access.session_id);
		node_settle(active);
	}
	sim_run_for(sim, 5 * SEC);
}

static void in_place(struct sim *sim, size_t sessions)
{
	int a = sim_active(sim), i;
	struct group_access access;
	size_t shown = 0;

	for (access.session_id = 0; group_access_next(sim->nodes[a].group, access.session_id, &access);) {
		sim_trace(sim, "node %d shows session %u", a, access.session_id);
		shown++;
	}
	if (shown != sessions)
		sim_fail(sim, "leak: %zu subscribers, node %d shows %zu sessions", sessions, a, shown);
	for (i = 0; i < SIM_NODES && !sim->failed; i++) {
		size_t expected = i == a || sim->hot ? sessions : 0;

		if (ether_sockets(&sim->nodes[i]) != expected || ether_sessions(&sim->nodes[i]) != expected)
			sim_fail(sim, "leak: node %d has %zu sockets and %zu sessions of PPPoE, expected are %zu", i,
				 ether_sockets(&sim->nodes[i]), ether_sessions(&sim->nodes[i]), expected);
	}
}

void pppoe_check_end(struct sim *sim)
{
	int a = sim_active(sim), i;
	size_t n;

	if (!sim->subscribers || sim->failed)
		return;
	if (a < 0) {
		sim_fail(sim, "liveness: no active node at the end");
		return;
	}
	clear_lingering(sim);
	all_answer(sim, &sim->nodes[a]);
	n = up(sim);
	if (!sim->failed)
		in_place(sim, n);
	if (!sim->failed && far_open(sim->fars[0]) + far_open(sim->fars[1]) != n)
		sim_fail(sim, "leak: %zu subscribers are connected, %zu links are open at the LNSes", n,
			 far_open(sim->fars[0]) + far_open(sim->fars[1]));
	for (i = 0; i < sim->subscribers->count; i++)
		hang_up(sim, &sim->subscribers->clients[i]);
	sim_run_for(sim, 5 * SEC);
	if (!sim->failed)
		in_place(sim, 0);
	sim_run_for(sim, 60 * SEC);
}

/* ---- the stories ---- */

static void start(struct sim *sim)
{
	int i;

	sim->subscribers = calloc(1, sizeof(*sim->subscribers));
	if (!sim->subscribers)
		abort();
	ether_new(sim);
	sim->subscribers->count = 3 + (int)rng_below(sim, CLIENTS_MAX - 3);
	for (i = 0; i < SIM_FARS; i++)
		far_new(sim, i);
	story_boot(sim);
	for (i = 0; i < sim->subscribers->count; i++) {
		struct client *c = &sim->subscribers->clients[i];

		c->index = i;
		c->wanted = true;
		idle(sim, c);
	}
	sim_run_for(sim, 6 * SEC);
}

void pppoe_world_free(struct sim *sim)
{
	free(sim->subscribers);
	ether_free(sim);
}

static void all_up(struct sim *sim)
{
	if (!sim->failed && up(sim) != (size_t)sim->subscribers->count)
		sim_fail(sim, "liveness: %zu of %d subscribers are connected", up(sim), sim->subscribers->count);
}

/* Nothing that was up has begun anew. */
static void nobody_lost(struct sim *sim)
{
	if (!sim->failed && sim->subscribers->given_up)
		sim_fail(sim, "S2: %llu sessions were given up", (unsigned long long)sim->subscribers->given_up);
}

static void run_calm(struct sim *sim)
{
	start(sim);
	all_up(sim);
	nobody_lost(sim);
	if (!sim->failed)
		story_settle(sim);
}

static void run_power(struct sim *sim)
{
	start(sim);
	all_up(sim);
	story_power_losses(sim, 4);
	nobody_lost(sim);
	if (!sim->failed)
		story_settle(sim);
}

static void run_restarts(struct sim *sim)
{
	int round;

	start(sim);
	all_up(sim);
	for (round = 0; round < 8 && !sim->failed; round++) {
		struct node *active = story_active(sim, "before a restart");

		if (!active)
			break;
		node_kill_in_place(active);
		sim_run_for(sim, rng_below(sim, 600) * MS);
		node_boot(active);
		sim_run_for(sim, 3 * SEC);
		if (!sim->failed && sim_active(sim) != active->index)
			sim_fail(sim, "liveness: node %d was restarted in place, node %d is active", active->index, sim_active(sim));
	}
	nobody_lost(sim);
	if (!sim->failed)
		story_settle(sim);
}

static void event(struct sim *sim)
{
	struct client *c = &sim->subscribers->clients[rng_below(sim, (uint32_t)sim->subscribers->count)];

	if (!c->wanted) {
		c->wanted = true;
		begin(sim, c);
	} else if (rng_pm(sim, 600)) {
		hang_up(sim, c);
	} else {
		/* it loses power and comes back, and the session that it had is nobody's */
		sim_trace(sim, "subscriber %d loses power", c->index);
		idle(sim, c);
	}
}

static void run_random(struct sim *sim)
{
	uint64_t end;
	int i;

	sim->net.loss_pm = rng_pm(sim, 300) ? 0 : rng_below(sim, 60);
	sim->net.dup_pm = rng_below(sim, 60);
	sim->net.reorder_pm = rng_below(sim, 80);
	sim->net.jitter_us = rng_below(sim, 4000);
	start(sim);
	end = sim->now_us + (20 + rng_below(sim, 40)) * SEC;
	while (!sim->failed && sim->now_us < end) {
		sim_run_for(sim, rng_below(sim, rng_pm(sim, 400) ? 40000 : 2000000));
		if (sim->failed)
			break;
		if (rng_pm(sim, 250))
			story_fault(sim);
		else if (rng_pm(sim, 300))
			event(sim);
	}
	for (i = 0; i < sim->subscribers->count && !sim->failed; i++)
		if (!sim->subscribers->clients[i].wanted && rng_pm(sim, 500)) {
			sim->subscribers->clients[i].wanted = true;
			begin(sim, &sim->subscribers->clients[i]);
		}
	if (!sim->failed)
		story_settle(sim);
}

const struct scenario pppoe_scenarios[] = {
	{ "pppoe-calm", run_calm, STORY_ONCE },
	{ "pppoe-power", run_power, STORY_FEW },
	{ "pppoe-restart", run_restarts, STORY_FEW },
	{ "pppoe-random", run_random, STORY_ODD },
	{ NULL, NULL, STORY_FEW },
};
