/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An LNS that the pair, as a tunnel switch, dials calls on to: our engine as
 * LNS and, on each session, the LNS end of the PPP of ppp.c, without a daemon
 * in between.  It never fails; what it and the clients agreed on has to survive
 * whatever becomes of the pair.
 */
#include "tests/sim/sim.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_LEN 9
#define RETRY_US (1000 * MS)
#define TRIES 30
#define SILENCE_US (60 * SEC)	/* of a subscriber who asks for echoes */

enum link_state { LINK_OPENING, LINK_ADDRESS, LINK_OPEN };

struct link {
	struct link *next;
	uint16_t tid, sid;
	enum link_state state;
	uint32_t magic, addr;
	unsigned tries;
	uint64_t at_us;		/* it says so again */
	uint64_t heard_us;
	bool proxied;		/* somebody has negotiated for us */
};
struct far {
	struct sim *sim;
	int index;
	struct l2tp_endpoint addr;
	struct l2tp *l2tp;
	unsigned dev;
	struct link *links;
	uint32_t addresses;
};

static bool accept_all(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *p)
{
	(void)ctx, (void)info;
	*p = (struct l2tp_tunnel_params){ .receive_window = 20, .hello_s = 8, .retransmit_retries = 14, .retransmit_min_s = 1,
					  .retransmit_max_s = 4, .setup_timeout_s = 60 };
	snprintf(p->group, sizeof(p->group), "far");
	snprintf(p->local_name, sizeof(p->local_name), "far");
	return true;
}

static void far_random(void *ctx, void *buf, size_t len)
{
	rng_fill(((struct far *)ctx)->sim, buf, len);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, 4);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return ntohl(v);
}

/* ---- links ---------------------------------------------------------------- */

static void say(struct far *far, const struct link *link, char type, uint32_t b)
{
	struct l2tp_session *session = l2tp_session_find(far->l2tp, link->tid, link->sid);
	uint8_t out[6 + FRAME_LEN] = { 0x00, 0x02 };
	struct l2tp_session_state_rec s;
	struct l2tp_tunnel_info t;

	if (!session)
		return;
	l2tp_session_export(session, &s);
	l2tp_tunnel_info(l2tp_tunnel_find(far->l2tp, link->tid), &t);
	out[2] = (uint8_t)(t.s.peer_id >> 8);
	out[3] = (uint8_t)t.s.peer_id;
	out[4] = (uint8_t)(s.peer_id >> 8);
	out[5] = (uint8_t)s.peer_id;
	out[6] = (uint8_t)type;
	put32(out + 7, link->magic);
	put32(out + 11, b);
	net_from_far(far->sim, &far->addr, out, sizeof(out));
}

static struct link *link_find(const struct far *far, uint16_t tid, uint16_t sid)
{
	struct link *link = far->links;

	while (link && (link->tid != tid || link->sid != sid))
		link = link->next;
	return link;
}

/*
 * What the subscriber and the one who dials for him have said to each other: our magic number.  By chance we
 * take it, or negotiate ourselves.
 */
static bool proxy(struct far *far, uint16_t tid, uint16_t sid, uint32_t *magic)
{
	struct l2tp_session *session = l2tp_session_find(far->l2tp, tid, sid);
	const uint8_t *lcp, *name, *password;
	size_t lcp_len, name_len, password_len;

	lcp = session ? l2tp_session_avp(session, 0, 27, &lcp_len) : NULL;
	name = lcp ? l2tp_session_avp(session, 0, 30, &name_len) : NULL;
	password = name ? l2tp_session_avp(session, 0, 33, &password_len) : NULL;
	if (!lcp)
		return false;
	if (!password || lcp_len != 6 || name_len < 9 || memcmp(name, "user", 4) || memcmp(name + name_len - 4, "@isp", 4) ||
	    password_len + 2 != name_len || memcmp(password, "secret", 6) || memcmp(password + 6, name + 4, name_len - 8)) {
		sim_fail(far->sim, "far %d: what was negotiated for us came in pieces", far->index);
		return false;
	}
	*magic = get32(lcp + 2);
	return rng_pm(far->sim, 600);
}

static void give_address(struct far *far, struct link *link)
{
	link->state = LINK_ADDRESS;
	link->addr = htonl(0x0a650001 + ((uint32_t)far->index << 16) + far->addresses++);
	link->tries = 0;
}

static void link_new(struct far *far, uint16_t tid, uint16_t sid)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		abort();
	link->tid = tid;
	link->sid = sid;
	link->heard_us = far->sim->now_us;
	link->proxied = proxy(far, tid, sid, &link->magic);
	if (!link->proxied)
		link->magic = ++far->sim->magics;
	else
		give_address(far, link);
	link->at_us = far->sim->now_us + 500 + rng_below(far->sim, 20000);
	link->next = far->links;
	far->links = link;
}

static void link_free(struct far *far, struct link *link)
{
	struct link **at = &far->links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	free(link);
}

static void hang_up(struct far *far, const struct link *link, const char *why)
{
	struct l2tp_session *session = l2tp_session_find(far->l2tp, link->tid, link->sid);
	struct l2tp_result r = { .result = 3 };

	snprintf(r.text, sizeof(r.text), "%s", why);
	if (session)
		l2tp_session_close(session, sim_ms(far->sim), &r);
}

/* False: it has said so often enough. */
static bool link_tick(struct far *far, struct link *link)
{
	if (link->state == LINK_OPEN) {
		link->at_us = far->sim->subscribers ? link->heard_us + SILENCE_US : SIM_NEVER;
		return link->at_us > far->sim->now_us;
	}
	if (link->tries++ >= TRIES)
		return false;
	link->at_us = far->sim->now_us + RETRY_US;
	say(far, link, link->state == LINK_OPENING ? 'C' : 'A', link->addr);
	return true;
}

static void link_input(struct far *far, struct link *link, const uint8_t *data, size_t len)
{
	uint32_t a = len == FRAME_LEN ? get32(data + 1) : 0;

	if (len != FRAME_LEN)
		return;
	link->heard_us = far->sim->now_us;
	switch (data[0]) {
	case 'c':
		if (link->state != LINK_OPENING || a != link->magic)
			break;
		give_address(far, link);
		link_tick(far, link);
		break;
	case 'a':
		if (link->state == LINK_ADDRESS && a == link->magic)
			link->state = LINK_OPEN;
		break;
	case 'E':
		if (link->state == LINK_OPEN)
			say(far, link, 'e', link->addr);
		break;
	case 'T':
		say(far, link, 't', 0);
		hang_up(far, link, "the client is gone");
		break;
	}
}

/* ---- the engine ----------------------------------------------------------- */

static void run(struct far *far)
{
	struct l2tp_dirty dirty;
	struct l2tp_action a;
	struct link *link;

	while (l2tp_dirty_next(far->l2tp, &dirty))
		;
	while (l2tp_action_next(far->l2tp, &a)) {
		link = link_find(far, a.tunnel_id, a.session_id);
		switch (a.type) {
		case L2TP_ACTION_SEND:
			net_from_far(far->sim, &far->addr, a.data, a.len);
			break;
		case L2TP_ACTION_SESSION_UP:
			sim_trace(far->sim, "far %d: session %u/%u up", far->index, a.tunnel_id, a.session_id);
			link_new(far, a.tunnel_id, a.session_id);
			break;
		case L2TP_ACTION_SESSION_DOWN:
			sim_trace(far->sim, "far %d: session %u/%u down, result %u %s", far->index, a.tunnel_id, a.session_id,
				  a.result.result, a.result.text);
			if (link)
				link_free(far, link);
			break;
		case L2TP_ACTION_TUNNEL_UP:
		case L2TP_ACTION_TUNNEL_DOWN:
			sim_trace(far->sim, "far %d: tunnel %u %s %s", far->index, a.tunnel_id,
				  a.type == L2TP_ACTION_TUNNEL_UP ? "up" : "down", a.result.text);
			break;
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

void far_input(struct far *far, const struct l2tp_endpoint *from, const uint8_t *data, size_t len)
{
	struct link *link;

	if (len >= 6 && !(data[0] & 0x80)) {
		link = link_find(far, (uint16_t)(data[2] << 8 | data[3]), (uint16_t)(data[4] << 8 | data[5]));
		if (link)
			link_input(far, link, data + 6, len - 6);
	} else if (!deviates(far->sim, far->dev, far->l2tp, &far->addr, data, len)) {
		l2tp_input(far->l2tp, sim_ms(far->sim), &far->addr, from, data, len);
	}
	run(far);
}

void far_tick(struct far *far)
{
	struct link *link, *next;

	l2tp_tick(far->l2tp, sim_ms(far->sim));
	for (link = far->links; link; link = next) {
		next = link->next;
		if (link->at_us <= far->sim->now_us && !link_tick(far, link)) {
			link->at_us = SIM_NEVER;
			hang_up(far, link, "nobody answers");
		}
	}
	run(far);
}

uint64_t far_deadline_us(const struct far *far)
{
	uint64_t ms = l2tp_deadline_ms(far->l2tp), d = ms == UINT64_MAX ? SIM_NEVER : ms * MS;
	const struct link *link;

	for (link = far->links; link; link = link->next)
		if (link->at_us < d)
			d = link->at_us;
	return d;
}

/*
 * After a loss that was not covered the numbers of a tunnel to an LNS may be lost; it ends by retransmissions, and calls
 * that were on their way there are placed again or refused.
 */
void far_settle(struct sim *sim)
{
	if (sim->far_at_risk && !sim->failed)
		sim_run_for(sim, 150 * SEC);
	sim->far_at_risk = false;
}

size_t far_open(const struct far *far)
{
	const struct link *link;
	size_t n = 0;

	for (link = far->links; link; link = link->next)
		n += link->state == LINK_OPEN;
	return n;
}

struct far *far_by_addr(struct sim *sim, const struct l2tp_endpoint *addr)
{
	int i;

	for (i = 0; i < SIM_FARS; i++)
		if (sim->fars[i] && endpoint_addr_equal(&sim->fars[i]->addr, addr))
			return sim->fars[i];
	return NULL;
}

void far_new(struct sim *sim, int index)
{
	struct far *far = calloc(1, sizeof(*far));
	struct l2tp_config config = { .id_min = 1, .id_max = 65535, .max_half_open = 500, .max_half_open_per_peer = 50 };
	struct l2tp_ops ops = { .ctx = far, .select_group = accept_all, .random = far_random };

	if (!far)
		abort();
	far->sim = sim;
	far->index = index;
	far->addr = (struct l2tp_endpoint){ .family = 4, .addr = { 10, 2, 0, (uint8_t)(1 + index) }, .port = L2TP_PORT };
	far->l2tp = l2tp_new(&config, &ops);
	if (!far->l2tp)
		abort();
	l2tp_activate(far->l2tp, sim_ms(sim));
	if (sim->strangers)
		far->dev = deviation(sim);
	sim->fars[index] = far;
}

void far_free(struct far *far)
{
	if (!far)
		return;
	while (far->links)
		link_free(far, far->links);
	l2tp_free(far->l2tp);
	free(far);
}
