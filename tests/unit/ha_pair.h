/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two struct ha with a stream between them, in virtual milliseconds.
 *
 * The pair checks by itself, on every action: nothing is released by a node
 * that is fenced or not the owner; what is released while in sync is held by
 * the peer; the epoch never falls; two nodes are never unfenced at once unless
 * the test says `split`.
 */
#ifndef L2TPHA_TESTS_UNIT_HA_PAIR_H
#define L2TPHA_TESTS_UNIT_HA_PAIR_H

#include "daemon/log.h"
#include "ha/ha.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair;

struct output {
	uint32_t id;
	struct ha_key key;	/* what must be replicated before it leaves */
	uint32_t value;
};

struct piece {			/* octets on the way */
	struct piece *next;
	uint64_t at_ms;
	size_t len;
	uint8_t data[];
};

struct node {
	struct pair *pair;
	struct node *peer;
	const char *name;
	struct ha *ha;
	struct ha_config config;
	bool alive, fenced, vip, active, frozen;
	bool behind;			/* of its last ACTIVATE: its records are not exact */
	uint64_t persisted;
	uint64_t step_delay_ms;		/* completions come later */
	int step_error[HA_ACTION_SYNC + 1];
	struct { enum ha_action_type type; uint64_t at_ms; } pending[32];
	uint32_t n_pending, fence_voids;
	struct piece *in_first, *in_last;	/* towards this node */
	uint64_t probe_at_ms;		/* the next question, or the end */
	uint32_t probe_asked;
	bool probe_due, probe_heard;	/* heard: the other one asks, too */
	char trace[4096];		/* steps, in order */
	uint32_t released[20000];
	uint32_t n_released, n_freed, n_puts, n_dels, n_swaps, n_resets, n_degraded;
	uint32_t next_value;
	uint64_t bytes_to;		/* ever sent towards this node */
};

struct pair {
	uint64_t now_ms;
	uint32_t latency_ms;
	bool link, want_link;	/* want_link: comes back by itself (a dialler) */
	bool stalled;		/* the stream is up, nothing moves */
	bool split;		/* two owners are expected; neither sees the other's address */
	bool lies;		/* two owners may happen: what a node says of itself is not true */
	uint64_t relink_ms;
	struct node a, b;
	uint64_t rng;
	/* may change the octets on their way, or cut them (*len) */
	void (*tap)(struct pair *pair, struct node *to, uint8_t *data, size_t *len);
	void *tap_ctx;
};

static inline void pair_random(void *ctx, void *buf, size_t len)
{
	struct node *node = ctx;
	uint8_t *p = buf;

	while (len--) {
		node->pair->rng = node->pair->rng * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(node->pair->rng >> 33);
	}
}

static inline void pair_output_free(void *ctx, void *output)
{
	((struct node *)ctx)->n_freed++;
	free(output);
}

static inline struct ha_info pair_info(const struct node *node)
{
	struct ha_info info;

	ha_info(node->ha, &info);
	return info;
}

static inline void pair_push(struct node *to, uint64_t at_ms, const uint8_t *data, size_t len)
{
	struct piece *piece = malloc(sizeof(*piece) + len);

	piece->next = NULL;
	piece->at_ms = at_ms;
	piece->len = len;
	memcpy(piece->data, data, len);
	if (to->pair->tap)
		to->pair->tap(to->pair, to, piece->data, &piece->len);
	*(to->in_last ? &to->in_last->next : &to->in_first) = piece;
	to->in_last = piece;
	to->bytes_to += len;
}

static inline void pair_flush(struct node *node)
{
	struct piece *piece;

	while ((piece = node->in_first)) {
		node->in_first = piece->next;
		free(piece);
	}
	node->in_last = NULL;
}

static inline void pair_drain(struct node *node);

static inline void pair_cut(struct pair *pair)
{
	log_debug("%" PRIu64 " link cut", pair->now_ms);
	pair->link = false;
	pair_flush(&pair->a);
	pair_flush(&pair->b);
	if (pair->a.alive) {
		ha_link_down(pair->a.ha, pair->now_ms);
		pair_drain(&pair->a);
	}
	if (pair->b.alive) {
		ha_link_down(pair->b.ha, pair->now_ms);
		pair_drain(&pair->b);
	}
}

static inline void pair_connect(struct pair *pair)
{
	if (pair->link || !pair->a.alive || !pair->b.alive)
		return;
	pair->link = true;
	ha_link_up(pair->a.ha, pair->now_ms);
	ha_link_up(pair->b.ha, pair->now_ms);
	pair_drain(&pair->a);
	pair_drain(&pair->b);
}

static inline void pair_released(struct node *node, struct output *output)
{
	struct ha_info info = pair_info(node);
	const uint32_t *value;
	size_t len;

	ck_assert_msg(!node->fenced && info.owner, "%s released output %u while mute", node->name, output->id);
	if ((info.sync == HA_SYNC_IN_SYNC || info.doubt) && output->key.type && node->peer->alive) {
		value = ha_get(node->peer->ha, output->key, &len);
		ck_assert_msg(value && *value >= output->value, "output %u left before its record was replicated",
			      output->id);
	}
	ck_assert_uint_lt(node->n_released, 20000);
	node->released[node->n_released++] = output->id;
	free(output);
}

static inline void pair_trace(struct node *node, const char *what)
{
	log_debug("%" PRIu64 " %s: %s", node->pair->now_ms, node->name, what);
	if (strlen(node->trace) + strlen(what) + 2 < sizeof(node->trace)) {
		if (node->trace[0])
			strcat(node->trace, " ");
		strcat(node->trace, what);
	}
}

static inline void pair_step_complete(struct node *node, enum ha_action_type type)
{
	int error = node->step_error[type];

	if (!error) {
		if (type == HA_ACTION_FENCE)
			node->fenced = true;
		if (type == HA_ACTION_UNFENCE && !node->fence_voids)
			node->fenced = false;
		if (type == HA_ACTION_VIP_ADD)
			node->vip = true;
		if (type == HA_ACTION_ACTIVATE)
			node->active = true;
		if (type == HA_ACTION_VIP_DEL)
			node->vip = false;
		if (type == HA_ACTION_PASSIVATE)
			node->active = false;
	}
	if (!node->pair->split && !node->pair->lies)
		ck_assert_msg(node->fenced || node->peer->fenced || !node->peer->alive, "both nodes are unfenced");
	ha_step_done(node->ha, node->pair->now_ms, error);
}

static inline void pair_step(struct node *node, const struct ha_action *action)
{
	static const char *const names[] = {
		[HA_ACTION_EPOCH] = "EPOCH", [HA_ACTION_UNFENCE] = "UNFENCE", [HA_ACTION_VIP_ADD] = "VIP_ADD",
		[HA_ACTION_ACTIVATE] = "ACTIVATE", [HA_ACTION_FENCE] = "FENCE", [HA_ACTION_VIP_DEL] = "VIP_DEL",
		[HA_ACTION_PASSIVATE] = "PASSIVATE",
	};

	pair_trace(node, names[action->type]);
	if (action->type == HA_ACTION_ACTIVATE)
		node->behind = action->behind;
	if (action->type == HA_ACTION_EPOCH) {
		ck_assert_uint_ge(action->epoch, node->persisted);
		node->persisted = action->epoch;
	}
	if (action->type == HA_ACTION_FENCE && !node->step_error[HA_ACTION_FENCE]) {
		node->fenced = true;
		node->fence_voids = node->n_pending;	/* an UNFENCE under way opens nothing any more */
	}
	if (!node->step_delay_ms) {
		pair_step_complete(node, action->type);
		return;
	}
	ck_assert_uint_lt(node->n_pending, 32);
	node->pending[node->n_pending].type = action->type;
	node->pending[node->n_pending++].at_ms = node->pair->now_ms + node->step_delay_ms;
}

static inline void pair_drain(struct node *node)
{
	struct pair *pair = node->pair;
	struct ha_action action;

	while (ha_action_next(node->ha, &action)) {
		switch (action.type) {
		case HA_ACTION_LINK_SEND:
			if (pair->link && node->peer->alive)
				pair_push(node->peer, pair->now_ms + pair->latency_ms, action.data, action.len);
			break;
		case HA_ACTION_LINK_RESET:
			node->n_resets++;
			pair_cut(pair);
			break;
		case HA_ACTION_RELEASE:
			pair_released(node, action.output);
			break;
		case HA_ACTION_APPLY_PUT:
			node->n_puts++;
			break;
		case HA_ACTION_APPLY_DEL:
			node->n_dels++;
			break;
		case HA_ACTION_APPLY_SWAP:
			node->n_swaps++;
			break;
		case HA_ACTION_EPOCH:
		case HA_ACTION_UNFENCE:
		case HA_ACTION_VIP_ADD:
		case HA_ACTION_ACTIVATE:
		case HA_ACTION_FENCE:
		case HA_ACTION_VIP_DEL:
		case HA_ACTION_PASSIVATE:
			pair_step(node, &action);
			break;
		case HA_ACTION_PROBE_VIP:
			node->probe_due = true;
			node->probe_asked = 0;
			node->probe_heard = false;
			node->probe_at_ms = pair->now_ms + 1;
			break;
		case HA_ACTION_ROLE:
			pair_trace(node, ha_role_name(action.role));
			break;
		case HA_ACTION_SYNC:
			if (action.sync == HA_SYNC_DEGRADED)
				node->n_degraded++;
			break;
		}
	}
}

static inline void pair_node_run(struct node *node)
{
	struct pair *pair = node->pair;
	struct piece *piece;
	uint32_t i;

	if (!node->alive || node->frozen)
		return;
	while (!pair->stalled && (piece = node->in_first) && piece->at_ms <= pair->now_ms) {
		node->in_first = piece->next;
		if (!piece->next)
			node->in_last = NULL;
		ha_link_input(node->ha, pair->now_ms, piece->data, piece->len);
		free(piece);
		pair_drain(node);
	}
	while (node->n_pending && node->pending[0].at_ms <= pair->now_ms) {
		enum ha_action_type type = node->pending[0].type;

		node->n_pending--;
		for (i = 0; i < node->n_pending; i++)
			node->pending[i] = node->pending[i + 1];
		pair_step_complete(node, type);
		if (node->fence_voids)
			node->fence_voids--;
		pair_drain(node);
	}
	/* as netlink/probe.c: asks three times in 300 ms, an answer comes at once */
	if (node->probe_due && node->probe_at_ms <= pair->now_ms) {
		bool answers = !pair->split && node->peer->vip && node->probe_asked < 3;

		if (node->probe_asked < 3 && !pair->split)
			node->peer->probe_heard = true;
		node->probe_due = !answers && node->probe_asked++ < 3;
		node->probe_at_ms = pair->now_ms + 100;
		if (!node->probe_due)
			ha_probe_result(node->ha, pair->now_ms, answers ? HA_PROBE_ANSWERS :
					node->probe_heard ? HA_PROBE_ASKED : HA_PROBE_SILENT);
		pair_drain(node);
	}
	if (ha_deadline_ms(node->ha) <= pair->now_ms) {
		ha_tick(node->ha, pair->now_ms);
		pair_drain(node);
	}
}

static inline void pair_run(struct pair *pair, uint64_t ms)
{
	while (ms--) {
		pair->now_ms++;
		if (!pair->link && pair->want_link && pair->a.alive && pair->b.alive) {
			if (!pair->relink_ms)
				pair->relink_ms = pair->now_ms + 200;
			if (pair->now_ms >= pair->relink_ms) {
				pair->relink_ms = 0;
				pair_connect(pair);
			}
		}
		pair_node_run(&pair->a);
		pair_node_run(&pair->b);
	}
}

static inline void pair_node_start(struct node *node)
{
	struct ha_ops ops = { .ctx = node, .random = pair_random, .output_free = pair_output_free };

	node->config.epoch = node->persisted;
	node->alive = node->fenced = true;
	node->active = false;
	node->n_pending = node->fence_voids = 0;
	node->probe_due = false;
	node->ha = ha_new(&node->config, &ops, node->pair->now_ms);
	ck_assert_ptr_nonnull(node->ha);
}

/* Power loss (keeps only what was persisted). The kernel of a killed daemon: keep_vip. */
static inline void pair_kill(struct node *node, bool keep_vip)
{
	pair_trace(node, keep_vip ? "killed, address stays" : "power loss");
	node->alive = false;
	node->fenced = true;
	node->vip = keep_vip;
	pair_flush(node);
	ha_free(node->ha);
	node->ha = NULL;
}

static inline struct pair *pair_new(void)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	struct node *nodes[] = { &pair->a, &pair->b };
	unsigned int i;

	log_set_sink(NULL, NULL, getenv("V") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	pair->now_ms = 1000;
	pair->latency_ms = 1;
	pair->rng = 42;
	for (i = 0; i < 2; i++) {
		struct node *node = nodes[i];

		node->pair = pair;
		node->peer = nodes[!i];
		node->name = i ? "lns-b" : "lns-a";
		strcpy(node->config.node, node->name);
		strcpy(node->config.group, "g1");
		strcpy(node->config.version, "0.1");
		node->config.peer_configured = true;
		node->config.detector = true;
		node->config.second = i == 1;
	}
	return pair;
}

/* Both started, linked, a active and in sync. */
static inline struct pair *pair_up(void)
{
	struct pair *pair = pair_new();

	pair_node_start(&pair->a);
	pair_node_start(&pair->b);
	pair->want_link = true;
	pair_run(pair, 1000);
	ck_assert_str_eq(ha_role_name(pair_info(&pair->a).role), "active");
	ck_assert_str_eq(ha_role_name(pair_info(&pair->b).role), "standby");
	ck_assert_str_eq(ha_sync_name(pair_info(&pair->a).sync), "in-sync");
	ck_assert_str_eq(ha_sync_name(pair_info(&pair->b).sync), "in-sync");
	return pair;
}

static inline void pair_free(struct pair *pair)
{
	pair_flush(&pair->a);
	pair_flush(&pair->b);
	ha_free(pair->a.ha);
	ha_free(pair->b.ha);
	free(pair);
}

static inline struct ha_key pair_key(uint8_t type, uint32_t n)
{
	return (struct ha_key){ type, (uint16_t)(n >> 16), (uint16_t)n, 7 };
}

/* A record and something that must not leave before it. The record grows with len. */
static inline void pair_put(struct node *node, uint32_t n, size_t len)
{
	uint8_t body[65536] = { 0 };
	uint32_t value = ++node->next_value;

	memcpy(body, &value, sizeof(value));
	ck_assert_int_eq(ha_put(node->ha, pair_key(3, n), body, len < 4 ? 4 : len), 0);
}

static inline void pair_output_bare(struct node *node)
{
	ha_output(node->ha, calloc(1, sizeof(struct output)));
}

static inline void pair_output(struct node *node, uint32_t n)
{
	struct output *output = calloc(1, sizeof(*output));

	output->id = node->next_value;
	output->key = pair_key(3, n);
	output->value = node->next_value;
	ha_output(node->ha, output);
}

/* One unit of work of the active: record, commit, output. */
static inline void pair_work(struct node *node, uint32_t n, size_t len)
{
	pair_put(node, n, len);
	pair_output(node, n);
	ha_commit(node->ha, node->pair->now_ms);
	pair_drain(node);
}

static inline void pair_equal(struct pair *pair)
{
	ck_assert_uint_eq(pair_info(&pair->a).records, pair_info(&pair->b).records);
	ck_assert(ha_digest(pair->a.ha) == ha_digest(pair->b.ha));
	ck_assert_uint_eq(pair_info(&pair->a).seq, pair_info(&pair->b).seq);
}

static inline bool pair_in_sync(struct pair *pair)
{
	return pair_info(&pair->a).sync == HA_SYNC_IN_SYNC && pair_info(&pair->b).sync == HA_SYNC_IN_SYNC;
}

#endif
