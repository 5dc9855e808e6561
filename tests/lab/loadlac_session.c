// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels and sessions of the load generator: places calls at a pace, runs a
 * PPP client in each, keeps traffic flowing, and writes down what happens to
 * them. Owns every lac, call and pppc; called by the loop, the link and the
 * control socket.
 *
 * One function changes a session's state and keeps the counts. A session that
 * goes down without being told to is counted as lost, whatever the reason.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadlac.h"

static uint32_t random32(void *ctx)
{
	struct ll *ll = ctx;

	ll->rng ^= ll->rng << 13;
	ll->rng ^= ll->rng >> 17;
	ll->rng ^= ll->rng << 5;
	return ll->rng;
}

void ll_text_add(struct ll_texts *t, const char *text)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (!strncmp(t->v[i].text, text, sizeof(t->v[i].text) - 1)) {
			t->v[i].count++;
			return;
		}
	}
	if (t->n == LL_TEXTS) {
		t->dropped++;
		return;
	}
	snprintf(t->v[t->n].text, sizeof(t->v[0].text), "%s", text);
	t->v[t->n++].count = 1;
}

static void note(struct ll *ll, const char *text)
{
	if (ll->opt.verbose)
		fprintf(stderr, "%.3f %s\n", (double)(ll->now_us - ll->start_us) / 1e6, text);
}

static uint64_t now_ms(const struct ll *ll)
{
	return ll->now_us / 1000;
}

unsigned ll_n_ready(const struct ll *ll)
{
	return ll->n_state[ll->opt.control_only ? LL_L2TP : LL_UP];
}

/* ---- pacing ----------------------------------------------------------------- */

static void set_state(struct ll_session *s, enum ll_state state)
{
	struct ll *ll = s->ll;

	ll->n_state[s->state]--;
	s->state = state;
	ll->n_state[state]++;
}

static unsigned outstanding(const struct ll *ll)
{
	return ll->n_state[LL_CALLING] + (ll->opt.control_only ? 0 : ll->n_state[LL_L2TP]);
}

static void enqueue(struct ll_session *s)
{
	struct ll *ll = s->ll;

	if (s->state != LL_DOWN)
		return;
	set_state(s, LL_WAITING);
	ll->waiting[(ll->wait_head + ll->wait_len++) % ll->n_sessions] = s->index;
	if (ll->pace_timer.pos < 0)
		ll_timer_set(&ll->heap, &ll->pace_timer,
			     ll->next_call_us > ll->now_us ? ll->next_call_us : ll->now_us);
}

static void place(struct ll_session *s)
{
	struct ll *ll = s->ll;
	const struct lac_call_params params = { .calling = s->user, .called = "loadlac" };

	set_state(s, LL_CALLING);
	s->hanging_up = false;
	s->was_up = false;
	s->called_us = ll->now_us;
	s->l2tp_us = s->up_us = 0;
	if (!ll->first_call_us)
		ll->first_call_us = ll->now_us;
	ll->calls++;
	s->call = lac_call(s->tunnel->lac, now_ms(ll), &params, s);
	if (!s->call) {
		ll->failed++;
		ll_text_add(&ll->reasons, "no session ID or no memory for a call");
		set_state(s, LL_DOWN);
	}
	ll_tunnel_rearm(s->tunnel);
}

static void pace(void *arg, uint64_t now_us)
{
	struct ll *ll = arg;
	uint64_t step_us = ll->opt.rate > 0 ? (uint64_t)(1e6 / ll->opt.rate) : 0;
	struct ll_session *s;

	if (ll->next_call_us + 1000000 < now_us)
		ll->next_call_us = now_us; /* no burst after a pause */
	while (ll->wait_len && outstanding(ll) < ll->opt.concurrency &&
	       ll->next_call_us <= now_us) {
		s = &ll->sessions[ll->waiting[ll->wait_head]];
		ll->wait_head = (ll->wait_head + 1) % ll->n_sessions;
		ll->wait_len--;
		ll->next_call_us += step_us;
		place(s);
	}
	if (ll->wait_len && ll->next_call_us > now_us)
		ll_timer_set(&ll->heap, &ll->pace_timer, ll->next_call_us);
}

/* A place may have become free. */
static void more(struct ll *ll)
{
	if (ll->wait_len && ll->pace_timer.pos < 0)
		ll_timer_set(&ll->heap, &ll->pace_timer,
			     ll->next_call_us > ll->now_us ? ll->next_call_us : ll->now_us);
}

unsigned ll_call(struct ll *ll, unsigned n)
{
	unsigned i, placed = 0;

	if (!outstanding(ll) && !ll->wait_len) {
		ll->first_call_us = ll->last_up_us = 0;
		ll->batch_up = 0;
	}
	for (i = 0; i < ll->n_sessions && placed < n; i++) {
		if (ll->sessions[i].state != LL_DOWN)
			continue;
		enqueue(&ll->sessions[i]);
		placed++;
	}
	return placed;
}

bool ll_hangup_one(struct ll *ll, unsigned index)
{
	struct ll_session *s;
	uint8_t ip[128];
	size_t len;

	if (index >= ll->n_sessions || !ll->sessions[index].call)
		return false;
	s = &ll->sessions[index];
	if (s->state == LL_UP && ll->opt.traffic == LL_TRAFFIC_UDP) {
		len = ll_probe_packet(s, LL_PROBE_BYE, ip, sizeof(ip));
		pppc_send_ip(s->ppp, ip, len);
	}
	s->hanging_up = true;
	ll->hangups++;
	lac_hangup(s->call, now_ms(ll), 3);
	ll_tunnel_rearm(s->tunnel);
	return true;
}

unsigned ll_hangup(struct ll *ll, unsigned n)
{
	unsigned i, done = 0;

	for (i = ll->n_sessions; i-- && done < n;)
		if (!ll->sessions[i].hanging_up && ll_hangup_one(ll, i))
			done++;
	return done;
}

void ll_shutdown_tunnel(struct ll_tunnel *t, uint16_t result)
{
	struct ll *ll = t->ll;
	unsigned i;

	for (i = t->index; i < ll->n_sessions; i += ll->opt.tunnels)
		ll->sessions[i].hanging_up = true;
	lac_shutdown(t->lac, now_ms(ll), result);
	ll_tunnel_rearm(t);
}

/* ---- traffic ------------------------------------------------------------------ */

static void probe(void *arg, uint64_t now_us)
{
	struct ll_session *s = arg;
	struct ll *ll = s->ll;
	uint64_t step_us = (uint64_t)ll->opt.interval_ms * 1000, phase_us;
	uint8_t ip[128];
	size_t len;

	if (s->state != LL_UP || !ll->traffic_on)
		return;
	s->seq++;
	len = ll_probe_packet(s, LL_PROBE_MAGIC, ip, sizeof(ip));
	if (!pppc_send_ip(s->ppp, ip, len))
		s->sent++;
	/* each session keeps its own phase, so that they do not go in a burst */
	phase_us = step_us * s->index / ll->n_sessions;
	ll_timer_set(&ll->heap, &s->probe_timer,
		     now_us + step_us - (now_us + step_us - phase_us) % step_us);
}

static void start_probes(struct ll_session *s)
{
	if (s->ll->opt.traffic != LL_TRAFFIC_NONE)
		ll_timer_set(&s->ll->heap, &s->probe_timer, s->ll->now_us);
}

static void forget_gaps(struct ll_session *s)
{
	memset(&s->down, 0, sizeof(s->down));
	s->sent = 0;
	s->up_received = s->up_lost = s->up_gap_us = 0;
}

void ll_traffic_reset(struct ll *ll)
{
	unsigned i;

	ll->round++;
	for (i = 0; i < ll->n_sessions; i++) {
		forget_gaps(&ll->sessions[i]);
		if (ll->sessions[i].state == LL_UP)
			start_probes(&ll->sessions[i]);
	}
}

/* ---- PPP ------------------------------------------------------------------------ */

static void ppp_rearm(struct ll_session *s)
{
	uint64_t at = pppc_deadline_ms(s->ppp);

	ll_timer_set(&s->ll->heap, &s->ppp_timer, at == PPPC_NEVER ? LL_NEVER : at * 1000);
}

static void ppp_start(struct ll_session *s)
{
	s->ppp_started = true;
	pppc_start(s->ppp, now_ms(s->ll));
	ppp_rearm(s);
}

static void ppp_tick(void *arg, uint64_t now_us)
{
	struct ll_session *s = arg;

	if (!s->ppp_started && s->state == LL_L2TP) {
		ppp_start(s);
		return;
	}
	pppc_tick(s->ppp, now_us / 1000);
	ppp_rearm(s);
	ll_tunnel_rearm(s->tunnel);
}

static void ppp_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct ll_session *s = ctx;

	if (s->call)
		lac_data_send(s->call, frame, len);
}

static void ppp_up(void *ctx, uint32_t addr, uint32_t peer_addr)
{
	struct ll_session *s = ctx;
	struct ll *ll = s->ll;

	(void)peer_addr;
	if (s->was_up) {
		ll->regained++;
	} else {
		s->up_us = ll->now_us;
		ll->last_up_us = ll->now_us;
		ll->batch_up++;
		forget_gaps(s);
	}
	s->was_up = true;
	s->addr = addr;
	set_state(s, LL_UP);
	start_probes(s);
	more(ll);
}

static void ppp_down(void *ctx, const char *reason)
{
	struct ll_session *s = ctx;
	struct ll *ll = s->ll;
	char text[160];

	if (s->state != LL_UP && s->state != LL_L2TP)
		return;
	if (!s->hanging_up) {
		if (s->state == LL_UP)
			ll->lost++;
		else if (!s->was_up)
			ll->failed++;
		snprintf(text, sizeof(text), "PPP: %s", reason);
		ll_text_add(&ll->reasons, text);
		note(ll, text);
	}
	if (s->state == LL_UP) {
		set_state(s, LL_L2TP);
	} else if (s->call && !s->hanging_up) { /* never came up: give the call back */
		s->hanging_up = true;
		lac_hangup(s->call, now_ms(ll), 1);
		s->hanging_up = false;
		if (ll->opt.redial)
			enqueue(s);
	}
}

static void ppp_ip(void *ctx, const uint8_t *packet, size_t len)
{
	struct ll_session *s = ctx;

	ll_probe_input(s, s->ll->now_us, packet, len);
}

static const struct pppc_ops ppp_ops = {
	.send = ppp_send,
	.up = ppp_up,
	.down = ppp_down,
	.ip = ppp_ip,
};

/* ---- L2TP ----------------------------------------------------------------------- */

void ll_tunnel_rearm(struct ll_tunnel *t)
{
	uint64_t at = lac_deadline_ms(t->lac);

	ll_timer_set(&t->ll->heap, &t->timer, at == LAC_NEVER ? LL_NEVER : at * 1000);
}

static void tunnel_tick(void *arg, uint64_t now_us)
{
	struct ll_tunnel *t = arg;

	lac_tick(t->lac, now_us / 1000);
	ll_tunnel_rearm(t);
}

void ll_tunnel_input(struct ll_tunnel *t, const uint8_t *bytes, size_t len)
{
	lac_input(t->lac, now_ms(t->ll), bytes, len);
}

static void tunnel_send(void *ctx, const uint8_t *bytes, size_t len)
{
	ll_link_send(ctx, bytes, len);
}

static void tunnel_down(void *ctx, const struct lac_reason *why)
{
	static const char *const causes[] = { "shut down", "StopCCN", "no answer", "authentication",
					      "protocol",  "tunnel" };
	struct ll_tunnel *t = ctx;
	char text[160];

	snprintf(text, sizeof(text), "tunnel: %s result %u error %u %.100s", causes[why->cause],
		 why->result, why->error, why->text);
	if (why->cause != LAC_CAUSE_LOCAL)
		ll_text_add(&t->ll->reasons, text);
	note(t->ll, text);
}

static void call_up(void *ctx, struct lac_call *call)
{
	struct ll_session *s = lac_call_ctx(call);
	struct ll *ll = s->ll;

	(void)ctx;
	s->l2tp_us = ll->now_us;
	set_state(s, LL_L2TP);
	if (ll->opt.control_only) {
		ll->last_up_us = ll->now_us;
		ll->batch_up++;
		more(ll);
		return;
	}
	s->ppp_started = false;
	if (ll->opt.passive)
		ll_timer_set(&ll->heap, &s->ppp_timer,
			     ll->now_us + (uint64_t)ll->opt.restart_ms * 1000);
	else
		ppp_start(s);
}

static void call_down(void *ctx, struct lac_call *call, const struct lac_reason *why)
{
	struct ll_session *s = lac_call_ctx(call);
	struct ll *ll = s->ll;
	enum ll_state before = s->state;
	char text[160];

	(void)ctx;
	s->call = NULL;
	if (!s->hanging_up) {
		snprintf(text, sizeof(text), "call: %s result %u error %u %.100s",
			 why->cause == LAC_CAUSE_PEER ? "CDN" : "down", why->result, why->error,
			 why->text);
		ll_text_add(&ll->reasons, text);
		note(ll, text);
		if (before == LL_UP || (before == LL_L2TP && ll->opt.control_only))
			ll->lost++;
		else if (!s->was_up)
			ll->failed++;
	}
	set_state(s, LL_DOWN);
	if (!ll->opt.control_only) {
		pppc_lower_down(s->ppp, "call down");
		ppp_rearm(s);
	}
	ll_timer_set(&ll->heap, &s->probe_timer, LL_NEVER);
	if (ll->opt.redial && !s->hanging_up)
		enqueue(s);
	more(ll);
}

static void call_data(void *ctx, struct lac_call *call, const uint8_t *frame, size_t len)
{
	struct ll_session *s = lac_call_ctx(call);

	(void)ctx;
	if (s->ll->opt.control_only)
		return;
	if (!s->ppp_started)
		ppp_start(s);
	pppc_input(s->ppp, now_ms(s->ll), frame, len);
	ppp_rearm(s);
}

static void violated(void *ctx, const char *text)
{
	struct ll_tunnel *t = ctx;

	ll_text_add(&t->ll->violations, text);
	note(t->ll, text);
}

static const struct lac_ops lac_ops = {
	.send = tunnel_send,
	.tunnel_down = tunnel_down,
	.call_up = call_up,
	.call_down = call_down,
	.data = call_data,
	.violation = violated,
};

/* ---- setup ------------------------------------------------------------------------ */

/* Copies format to out, the first %d replaced by n. */
static void number(char *out, size_t size, const char *format, unsigned n)
{
	const char *at = strstr(format, "%d");

	if (at)
		snprintf(out, size, "%.*s%u%s", (int)(at - format), format, n, at + 2);
	else
		snprintf(out, size, "%s", format);
}

static int tunnel_init(struct ll *ll, struct ll_tunnel *t)
{
	const struct ll_options *o = &ll->opt;
	bool secret = o->secret && t->index % o->secret_every == 0;
	struct lac_config cfg;
	int err;

	t->ll = ll;
	ll_timer_init(&t->timer, tunnel_tick, t);
	number(t->hostname, sizeof(t->hostname),
	       secret && o->secret_hostname ? o->secret_hostname : o->hostname, t->index);
	lac_config_init(&cfg);
	lac_config_peer(&cfg, o->peer);
	cfg.ops = &lac_ops;
	cfg.ctx = t;
	cfg.random = random32;
	cfg.random_ctx = ll;
	cfg.hostname = t->hostname;
	cfg.secret = secret ? o->secret : NULL;
	if (secret && o->hide)
		cfg.dev |= LAC_DEV_HIDE;
	cfg.window = (uint16_t)o->window;
	if (o->tries)
		cfg.rtx_tries = o->tries;
	cfg.hello_ms = o->hello_s * 1000;
	t->lac = lac_new(&cfg);
	if (!t->lac)
		return -ENOMEM;
	err = ll_link_open(t);
	if (err)
		fprintf(stderr, "loadlac: socket of tunnel %u: %s\n", t->index, strerror(-err));
	return err;
}

static int session_init(struct ll *ll, struct ll_session *s, struct ll_tunnel *t)
{
	const struct ll_options *o = &ll->opt;
	struct pppc_config cfg;

	s->ll = ll;
	s->tunnel = t;
	ll_timer_init(&s->ppp_timer, ppp_tick, s);
	ll_timer_init(&s->probe_timer, probe, s);
	number(s->user, sizeof(s->user), o->user, s->index);
	number(s->password, sizeof(s->password), o->password, s->index);
	ll->n_state[LL_DOWN]++;
	if (o->control_only)
		return 0;
	pppc_config_init(&cfg);
	cfg.ops = &ppp_ops;
	cfg.ctx = s;
	cfg.random = random32;
	cfg.random_ctx = ll;
	cfg.user = s->user;
	cfg.password = s->password;
	cfg.auth = o->auth ? o->auth : s->index % 2 ? PPPC_AUTH_PAP : PPPC_AUTH_CHAP;
	cfg.echo_ms = o->echo_s * 1000;
	cfg.restart_ms = o->restart_ms;
	s->ppp = pppc_new(&cfg);
	return s->ppp ? 0 : -ENOMEM;
}

int ll_sessions_init(struct ll *ll)
{
	const unsigned tunnels = ll->opt.tunnels;
	unsigned i;
	int err;

	if (!tunnels || !ll->opt.sessions)
		return -EINVAL;
	ll->n_sessions = tunnels * ll->opt.sessions;
	ll->tunnels = calloc(tunnels, sizeof(*ll->tunnels));
	ll->sessions = calloc(ll->n_sessions, sizeof(*ll->sessions));
	ll->waiting = calloc(ll->n_sessions, sizeof(*ll->waiting));
	if (!ll->tunnels || !ll->sessions || !ll->waiting)
		return -ENOMEM;
	ll->traffic_on = true;
	ll->round = 1;
	ll_timer_init(&ll->pace_timer, pace, ll);
	for (i = 0; i < tunnels; i++) {
		ll->tunnels[i].index = i;
		err = tunnel_init(ll, &ll->tunnels[i]);
		if (err)
			return err;
	}
	for (i = 0; i < ll->n_sessions; i++) {
		ll->sessions[i].index = i;
		err = session_init(ll, &ll->sessions[i], &ll->tunnels[i % tunnels]);
		if (err)
			return err;
	}
	return 0;
}

void ll_sessions_free(struct ll *ll)
{
	unsigned i;

	for (i = 0; ll->sessions && i < ll->n_sessions; i++)
		pppc_free(ll->sessions[i].ppp);
	for (i = 0; ll->tunnels && i < ll->opt.tunnels; i++)
		lac_free(ll->tunnels[i].lac);
	free(ll->sessions);
	free(ll->tunnels);
	free(ll->waiting);
}
