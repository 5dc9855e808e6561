// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reliable control channel of the test LAC: RFC 2661 §5.8 and appendix A
 * (slow start), with the deviations of enum lac_dev. Owned by a struct lac;
 * called by lac.c only.
 *
 * Sending: messages wait in one queue; [una, snd) is in flight, the rest has
 * not been sent yet. One timer runs for the oldest message in flight. When it
 * fires, that message alone is sent again and the window shrinks to one; an
 * ack that covers only part of what was in flight at that moment (`recover`)
 * sends the next one again at once.
 *
 * Receiving: besides the next expected Ns the channel remembers the last
 * LACC_SEEN messages as they were, and reports a peer that puts another
 * message on an Ns it has used: after a switchover that is a message lost for
 * ever, and no counter of RFC 2661 would show it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lac_chan.h"

#define LACC_SEEN 256	/* messages remembered, a power of two */
#define LACC_HELD 64	/* future messages held back at most */
#define BEFORE_MS 2000	/* what was sent with the numbers before may arrive so much later */

struct out {
	struct out *next;
	uint16_t ns, len;
	uint8_t bytes[];
};

struct seen {
	uint16_t ns, len;
	uint8_t *bytes;
};

struct lacc {
	const struct lac_config *cfg;
	const struct lacc_ops *ops;
	void *ctx;
	struct lac_counters *n;
	uint16_t peer_tid, peer_window;

	struct out *head, **tail;
	uint16_t una, snd, vs; /* oldest in flight, next unsent, next to assign */
	unsigned cwnd, ssthresh, cwnd_acks;
	uint64_t rtx_at;
	uint32_t rtx_interval_ms;
	unsigned tries;
	bool recovering, hold;
	uint16_t recover;

	uint64_t before_until; /* messages of the channel before may come */
	uint16_t vr;
	bool ack_due;
	uint64_t ack_at;
	struct seen seen[LACC_SEEN];
	struct seen held[LACC_HELD];
	uint8_t *handed;
	bool lingers;
};

static uint16_t dist(uint16_t from, uint16_t to)
{
	return (uint16_t)(to - from);
}

struct lacc *lacc_new(const struct lac_config *cfg, const struct lacc_ops *ops, void *ctx,
		      struct lac_counters *counters)
{
	struct lacc *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cfg = cfg;
	c->ops = ops;
	c->ctx = ctx;
	c->n = counters;
	c->tail = &c->head;
	c->rtx_at = c->ack_at = LAC_NEVER;
	lacc_set_peer(c, 0, 4);
	c->cwnd = 1;
	return c;
}

void lacc_free(struct lacc *c)
{
	struct out *o;
	size_t i;

	if (!c)
		return;
	while ((o = c->head)) {
		c->head = o->next;
		free(o);
	}
	for (i = 0; i < LACC_SEEN; i++)
		free(c->seen[i].bytes);
	for (i = 0; i < LACC_HELD; i++)
		free(c->held[i].bytes);
	free(c->handed);
	free(c);
}

void lacc_set_peer(struct lacc *c, uint16_t tid, uint16_t window)
{
	c->peer_tid = tid;
	c->peer_window = window;
	c->ssthresh = window;
}

uint16_t lacc_vs(const struct lacc *c)
{
	return c->snd;
}

uint16_t lacc_una(const struct lacc *c)
{
	return c->una;
}

uint16_t lacc_vr(const struct lacc *c)
{
	return c->vr;
}

unsigned lacc_backlog(const struct lacc *c)
{
	return dist(c->una, c->vs);
}

/* ---- sending ---------------------------------------------------------- */

static void transmit(struct lacc *c, struct out *o)
{
	lacw_set_seq(o->bytes, o->ns, c->vr);
	c->ack_due = false;
	c->ack_at = LAC_NEVER;
	c->n->sent++;
	c->ops->send(c->ctx, o->bytes, o->len);
}

static void arm(struct lacc *c, uint64_t now_ms)
{
	c->rtx_interval_ms = c->cfg->rtx_first_ms;
	c->tries = 0;
	c->rtx_at = c->una == c->snd ? LAC_NEVER : now_ms + c->rtx_interval_ms;
}

static unsigned send_window(const struct lacc *c)
{
	return c->cfg->dev & LAC_DEV_NO_SLOW_START ? c->peer_window : c->cwnd;
}

static void push(struct lacc *c, uint64_t now_ms)
{
	struct out *o;
	bool idle;

	if (c->hold)
		return;
	for (o = c->head; o && dist(c->una, o->ns) < dist(c->una, c->snd); o = o->next)
		;
	for (; o && dist(c->una, c->snd) < send_window(c); o = o->next) {
		idle = c->una == c->snd;
		c->snd++;
		if (idle)
			arm(c, now_ms);
		transmit(c, o);
	}
}

void lacc_start(struct lacc *c, uint64_t now_ms, uint16_t ns, uint16_t nr)
{
	c->before_until = now_ms + BEFORE_MS;
	c->una = c->snd = c->vs = ns;
	c->vr = nr;
}

void lacc_hold(struct lacc *c, uint64_t now_ms, bool hold)
{
	if (c->hold && !hold)
		c->before_until = now_ms + BEFORE_MS;	/* the peer has its new numbers now */
	c->hold = hold;
	push(c, now_ms);
}

int lacc_send(struct lacc *c, uint64_t now_ms, const uint8_t *bytes, size_t len)
{
	struct out *o = malloc(sizeof(*o) + len);

	if (!o)
		return -ENOMEM;
	o->next = NULL;
	o->ns = c->vs++;
	o->len = (uint16_t)len;
	memcpy(o->bytes, bytes, len);
	*c->tail = o;
	c->tail = &o->next;
	push(c, now_ms);
	return 0;
}

void lacc_linger(struct lacc *c)
{
	c->lingers = true;
}

void lacc_drop_unsent(struct lacc *c)
{
	struct out **at = &c->head, *o;

	while ((o = *at)) {
		if (dist(c->una, o->ns) < dist(c->una, c->snd)) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		free(o);
	}
	c->tail = at;
	c->vs = c->snd;
}

static void open_window(struct lacc *c)
{
	if (c->cwnd >= c->peer_window)
		return;
	/* slow start: one for each ack; above: one for as many acks as CWND */
	if (c->cwnd >= c->ssthresh && ++c->cwnd_acks < c->cwnd)
		return;
	c->cwnd_acks = 0;
	c->cwnd++;
}

static void resend_head(struct lacc *c)
{
	if (!c->head)
		return;
	c->n->retransmissions++;
	transmit(c, c->head);
	c->n->sent--; /* a message is counted once */
}

/* All below nr is with the peer. */
static void acked(struct lacc *c, uint64_t now_ms, uint16_t nr)
{
	struct out *o;

	while ((o = c->head) && dist(o->ns, nr) - 1u < 0x7fff) {
		c->head = o->next;
		if (!c->head)
			c->tail = &c->head;
		free(o);
	}
	c->una = nr;
	open_window(c);
	arm(c, now_ms);
	if (c->recovering && dist(c->una, c->recover) - 1u < 0x7fff)
		resend_head(c);
	else
		c->recovering = false;
	push(c, now_ms);
}

/* False: the whole message is to be dropped. */
static bool take_nr(struct lacc *c, uint64_t now_ms, uint16_t nr)
{
	char text[128];
	uint16_t d = dist(c->una, nr);

	if (d <= dist(c->una, c->snd)) {
		if (d)
			acked(c, now_ms, nr);
		return true;
	}
	if (d >= 0x8000) {
		c->n->nr_backward++;
		return true;
	}
	c->n->nr_invalid++;
	snprintf(text, sizeof(text), "Nr %u acknowledges more than was sent (next Ns %u)", nr,
		 c->snd);
	c->ops->violation(c->ctx, text);
	if (c->cfg->dev & LAC_DEV_NR_STRICT)
		return false;
	if (c->cfg->dev & LAC_DEV_NR_AS_IS && c->una != c->snd)
		acked(c, now_ms, c->snd);
	return true;
}

/* ---- receiving -------------------------------------------------------- */

static void send_zlb(struct lacc *c, uint16_t nr)
{
	struct lacw_buf b;

	lacw_zlb(&b, c->peer_tid, c->snd, nr);
	c->n->zlb_sent++;
	c->ops->send(c->ctx, b.b, b.len);
}

static void want_ack(struct lacc *c, uint64_t now_ms)
{
	if (!c->ack_due)
		c->ack_at = now_ms + c->cfg->ack_delay_ms;
	c->ack_due = true;
}

void lacc_flush(struct lacc *c, uint64_t now_ms)
{
	if (!c->ack_due || now_ms < c->ack_at)
		return;
	c->ack_due = false;
	c->ack_at = LAC_NEVER;
	send_zlb(c, c->vr);
}

/* Same message on the same Ns? Nr (octets 10, 11) may move. */
static bool same(const struct seen *s, const uint8_t *p, size_t len)
{
	return s->len == len && !memcmp(s->bytes, p, 10) &&
	       !memcmp(s->bytes + LACW_HDR, p + LACW_HDR, len - LACW_HDR);
}

static uint16_t type_of(const uint8_t *p)
{
	return (uint16_t)(p[LACW_HDR + 6] << 8 | p[LACW_HDR + 7]);
}

/* Compares with what was on this Ns before; remembers it if nothing was. */
static void remember(struct lacc *c, const struct lacw_msg *m, const uint8_t *p, size_t len)
{
	struct seen *s = &c->seen[m->ns % LACC_SEEN];
	char text[128];

	if (s->bytes && s->ns == m->ns) {
		if (same(s, p, len) || (c->lingers && m->type == LACW_SCCRP))
			return;
		if (m->type == LACW_HELLO && c->cfg->allow_hello_probe) {
			c->n->hello_probes++;
			return;
		}
		c->n->ns_reused++;
		snprintf(text, sizeof(text), "Ns %u was %s (%u octets), now it is %s (%zu octets)",
			 m->ns, s->len >= LACW_HDR + 8 ? lacw_type_name(type_of(s->bytes)) : "?",
			 s->len, lacw_type_name(m->type), len);
		c->ops->violation(c->ctx, text);
		return;
	}
	free(s->bytes);
	s->bytes = malloc(len);
	if (!s->bytes)
		return;
	memcpy(s->bytes, p, len);
	s->ns = m->ns;
	s->len = (uint16_t)len;
}

static void hold(struct lacc *c, const struct lacw_msg *m, const uint8_t *p, size_t len)
{
	struct seen *h = &c->held[m->ns % LACC_HELD];

	if (h->bytes || dist(c->vr, m->ns) >= LACC_HELD)
		return;
	h->bytes = malloc(len);
	if (!h->bytes)
		return;
	memcpy(h->bytes, p, len);
	h->ns = m->ns;
	h->len = (uint16_t)len;
}

bool lacc_next_held(struct lacc *c, const uint8_t **bytes, size_t *len)
{
	struct seen *h = &c->held[c->vr % LACC_HELD];

	free(c->handed);
	c->handed = NULL;
	if (!h->bytes || h->ns != c->vr)
		return false;
	c->handed = h->bytes;
	h->bytes = NULL;
	*bytes = c->handed;
	*len = h->len;
	c->vr++;
	return true;
}

static void beyond_window(struct lacc *c, uint16_t ns)
{
	char text[128];

	c->n->window_exceeded++;
	snprintf(text, sizeof(text), "Ns %u while %u is expected: outside the window of %u", ns,
		 c->vr, c->cfg->window);
	c->ops->violation(c->ctx, text);
}

static bool near(uint16_t a, uint16_t b)
{
	return dist(a, b) < 256 || dist(b, a) < 256;
}

enum lacc_verdict lacc_accept(struct lacc *c, uint64_t now_ms, const struct lacw_msg *m,
			      const uint8_t *bytes, size_t len)
{
	uint16_t ahead = dist(c->vr, m->ns);
	bool zlb = len == LACW_HDR;

	if ((c->hold || now_ms < c->before_until) && (!near(c->snd, m->nr) || !near(c->vr, m->ns)))
		return LACC_DROP;
	if (c->cfg->dev & LAC_DEV_NS_EXACT && ahead) {
		if (zlb) {
			c->n->zlb_ignored++;
			return LACC_DROP;
		}
	} else if (!take_nr(c, now_ms, m->nr)) {
		return LACC_DROP;
	}
	if (zlb) {
		c->n->zlb_received++;
		return LACC_ZLB;
	}
	remember(c, m, bytes, len);
	if (ahead >= 0x8000) {
		c->n->duplicates++;
		if (c->cfg->dev & LAC_DEV_DUP_NR_NEXT)
			send_zlb(c, (uint16_t)(m->ns + 1));
		else
			want_ack(c, now_ms);
		return LACC_OLD;
	}
	if (ahead) {
		c->n->out_of_order++;
		if (ahead >= c->cfg->window)
			beyond_window(c, m->ns);
		if (c->cfg->dev & LAC_DEV_OOO_QUEUE)
			hold(c, m, bytes, len);
		if (c->cfg->dev & LAC_DEV_OOO_ACK)
			want_ack(c, now_ms);
		return LACC_FUTURE;
	}
	c->n->received++;
	c->vr++;
	want_ack(c, now_ms);
	return LACC_NEW;
}

void lacc_again(struct lacc *c, uint64_t now_ms)
{
	c->rtx_at = now_ms + c->cfg->rtx_cap_ms;
	resend_head(c);
}

/* ---- time ------------------------------------------------------------- */

bool lacc_tick(struct lacc *c, uint64_t now_ms)
{
	if (now_ms >= c->rtx_at) {
		if (c->tries >= c->cfg->rtx_tries) {
			c->rtx_at = LAC_NEVER;
			return false;
		}
		c->tries++;
		c->rtx_interval_ms *= 2;
		if (c->rtx_interval_ms > c->cfg->rtx_cap_ms)
			c->rtx_interval_ms = c->cfg->rtx_cap_ms;
		c->rtx_at = now_ms + c->rtx_interval_ms;
		c->ssthresh = c->cwnd > 3 ? c->cwnd / 2 : 1;
		c->cwnd = 1;
		c->cwnd_acks = 0;
		c->recovering = true;
		c->recover = c->snd;
		resend_head(c);
	}
	lacc_flush(c, now_ms);
	return true;
}

uint64_t lacc_deadline_ms(const struct lacc *c)
{
	return c->rtx_at < c->ack_at ? c->rtx_at : c->ack_at;
}
