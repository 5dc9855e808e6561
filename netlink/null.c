/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane that is not there: tables instead of a kernel.
 *
 * Owns: tunnels and sessions by ID, declared addresses with their leases, a
 * queue of operations.  Called by: the simulator, unit tests, benchmarks that
 * measure the control plane alone.  Pure: time comes in by dp_null_run() and
 * dp_null_set_time(), packets leave by config.transmit.
 *
 * Every asynchronous operation is a queue entry; it takes effect when
 * dp_null_run() reaches it.  Entries made by a completion wait for the next
 * run, so a caller can be stopped between any two of them.
 */
#include "netlink/null_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[OP_TUNNEL_CREATE] = "tunnel_create", [OP_TUNNEL_DELETE] = "tunnel_delete",
	[OP_SESSION_CREATE] = "session_create", [OP_SESSION_DELETE] = "session_delete",
	[OP_FLUSH] = "flush", [OP_COUNTERS] = "counters",
	[OP_LEASE] = "lease", [OP_FENCE] = "fence",
	[OP_TUNNEL_ADOPT] = "tunnel_adopt", [OP_SESSION_ADOPT] = "session_adopt",
	[OP_JOIN] = "join", [OP_SEPARATE] = "separate",
	[OP_VIP_ADD] = "vip_add", [OP_VIP_DEL] = "vip_del", [OP_VIP_PROBE] = "vip_probe",
};

/* uthash and the tables of a test tool have no way to report it */
void *dp_null_must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- objects --------------------------------------------------------- */

struct tunnel *dp_null_tunnel(const struct dp_null *n, uint16_t id)
{
	struct tunnel *t;

	HASH_FIND(hh, n->tunnels, &id, sizeof(id), t);
	return t;
}

struct session *dp_null_session(const struct dp_null *n, uint16_t tunnel_id, uint16_t session_id)
{
	uint32_t key = (uint32_t)tunnel_id << 16 | session_id;
	struct session *s;

	HASH_FIND(hh, n->sessions, &key, sizeof(key), s);
	return s;
}

static void session_part(struct dp_null *n, struct session *s)
{
	struct session *other = dp_null_session(n, (uint16_t)(s->joined_to >> 16), (uint16_t)s->joined_to);

	if (s->joined && other)
		other->joined = false;
	s->joined = false;
}

static void session_free(struct dp_null *n, struct session *s)
{
	session_part(n, s);
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	HASH_DEL(n->sessions, s);	/* NOLINT(clang-analyzer-core.NullDereference): uthash's own list */
	free(s);
}

static void tunnel_free(struct dp_null *n, struct tunnel *t)
{
	while (t->sessions)
		session_free(n, t->sessions);
	HASH_DEL(n->tunnels, t);
	free(t);
}

static int do_tunnel_create(struct dp_null *n, const struct op *op)
{
	struct tunnel *t;

	t = dp_null_tunnel(n, op->tunnel_id);
	if (t && t->leftover)
		tunnel_free(n, t);	/* for the next try */
	if (t)
		return -EEXIST;
	t = dp_null_must(calloc(1, sizeof(*t)));
	t->id = op->tunnel_id;
	t->conf = op->tunnel;
	HASH_ADD(hh, n->tunnels, id, sizeof(t->id), t);
	return 0;
}

static int do_tunnel_delete(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = dp_null_tunnel(n, op->tunnel_id);

	if (!t)
		return -ENOENT;
	tunnel_free(n, t);
	return 0;
}

static int do_session_create(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = dp_null_tunnel(n, op->tunnel_id);
	struct session *s;

	if (!t)
		return -ENODEV;
	s = dp_null_session(n, op->tunnel_id, op->session_id);
	if (s && s->leftover)
		session_free(n, s);
	if (s)
		return -EEXIST;
	s = dp_null_must(calloc(1, sizeof(*s)));
	s->key = (uint32_t)op->tunnel_id << 16 | op->session_id;
	s->conf = op->conf;
	s->next = t->sessions;
	if (s->next)
		s->next->pprev = &s->next;
	s->pprev = &t->sessions;
	t->sessions = s;
	HASH_ADD(hh, n->sessions, key, sizeof(s->key), s);
	return 0;
}

static int do_session_delete(struct dp_null *n, const struct op *op)
{
	struct session *s = dp_null_session(n, op->tunnel_id, op->session_id);

	if (!s)
		return -ENOENT;
	session_free(n, s);
	return 0;
}

static int do_tunnel_adopt(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = dp_null_tunnel(n, op->tunnel_id);

	if (!t || !t->leftover)
		return -ENOENT;
	t->leftover = false;
	return 0;
}

static int do_session_adopt(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = dp_null_tunnel(n, op->tunnel_id);
	struct session *s = dp_null_session(n, op->tunnel_id, op->session_id);

	if (!t || t->leftover || !s || !s->leftover)
		return -ENOENT;
	s->leftover = false;
	return 0;
}

/* Somebody else's socket has no entry here; to a session of ours it is key 0. */
static int do_join(struct dp_null *n, const struct op *op)
{
	struct session *a = dp_null_session(n, op->tunnel_id, op->session_id);
	struct session *b = dp_null_session(n, op->other.tunnel_id, op->other.session_id);
	uint32_t a_key = a ? a->key : 0, b_key = b ? b->key : 0;

	if ((op->tunnel_id && !a) || (op->other.tunnel_id && !b) || (!a && !b) || a == b)
		return -ENODEV;
	if ((a && a->joined && a->joined_to != b_key) || (b && b->joined && b->joined_to != a_key))
		return -EBUSY;
	if (a) {
		a->joined = true;
		a->joined_to = b_key;
	}
	if (b) {
		b->joined = true;
		b->joined_to = a_key;
	}
	return 0;
}

static int do_separate(struct dp_null *n, const struct op *op)
{
	struct session *s = dp_null_session(n, op->tunnel_id, op->session_id);

	if (!s)
		return op->tunnel_id ? -ENODEV : 0;
	session_part(n, s);
	return 0;
}

static int do_flush(struct dp_null *n)
{
	struct session *s, *next;
	struct tunnel *t, *tmp;

	HASH_ITER(hh, n->tunnels, t, tmp)
		if (t->leftover)
			tunnel_free(n, t);
	HASH_ITER(hh, n->sessions, s, next)
		if (s->leftover)
			session_free(n, s);
	return 0;
}

static int do_counters(struct dp_null *n, const struct op *op)
{
	uint32_t *keys;
	size_t count = 0, i;
	struct session *s;

	/* `each` may do anything: iterate over a copy */
	keys = dp_null_must(malloc((HASH_COUNT(n->sessions) + 1) * sizeof(*keys)));
	for (s = n->sessions; s; s = s->hh.next)
		keys[count++] = s->key;
	for (i = 0; i < count; i++) {
		s = dp_null_session(n, (uint16_t)(keys[i] >> 16), (uint16_t)keys[i]);
		if (s)
			op->each(op->arg, (uint16_t)(keys[i] >> 16), (uint16_t)keys[i], &s->counters);
	}
	free(keys);
	return 0;
}

void dp_null_count(struct dp *dp, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *counters)
{
	struct session *s = dp_null_session(null_of(dp), tunnel_id, session_id);

	if (s)
		s->counters = *counters;
}

/* ---- the queue ------------------------------------------------------- */

int dp_null_fault(const struct dp_null *n, const char *operation)
{
	int e = n->config.fault ? n->config.fault(n->config.ctx, operation) : 0;

	return e > 0 ? -e : e;
}

static int enqueue(struct dp_null *n, struct op op)
{
	op.error = dp_null_fault(n, op_names[op.kind]);
	if (n->queue_len == n->queue_size) {
		size_t size = n->queue_size ? n->queue_size * 2 : 64;
		struct op *q = malloc(size * sizeof(*q));
		size_t i;

		if (!q) {
			free(op.vips);
			return -ENOMEM;
		}
		for (i = 0; i < n->queue_len; i++)
			q[i] = n->queue[(n->queue_head + i) & (n->queue_size - 1)];
		free(n->queue);
		n->queue = q;
		n->queue_size = size;
		n->queue_head = 0;
	}
	n->queue[(n->queue_head + n->queue_len++) & (n->queue_size - 1)] = op;
	return 0;
}

static struct op dequeue(struct dp_null *n)
{
	struct op op = n->queue[n->queue_head];

	n->queue_head = (n->queue_head + 1) & (n->queue_size - 1);
	n->queue_len--;
	return op;
}

static int enqueue_vips(struct dp *dp, enum op_kind kind, const struct dp_vip *vips, size_t count,
			uint32_t lease_ms, dp_done_fn done, void *arg)
{
	struct op op = { .kind = kind, .vip_count = count, .for_ever = !lease_ms,
			 .lease_until_ms = null_of(dp)->now_ms + lease_ms, .done = done, .arg = arg };

	op.vips = malloc((count + 1) * sizeof(*vips));
	if (!op.vips)
		return -ENOMEM;
	if (count)
		memcpy(op.vips, vips, count * sizeof(*vips));
	return enqueue(null_of(dp), op);
}

static int op_apply(struct dp_null *n, const struct op *op)
{
	if (op->error)
		return op->error;
	switch (op->kind) {
	case OP_TUNNEL_CREATE:	return do_tunnel_create(n, op);
	case OP_TUNNEL_DELETE:	return do_tunnel_delete(n, op);
	case OP_SESSION_CREATE:	return do_session_create(n, op);
	case OP_SESSION_DELETE:	return do_session_delete(n, op);
	case OP_TUNNEL_ADOPT:	return do_tunnel_adopt(n, op);
	case OP_SESSION_ADOPT:	return do_session_adopt(n, op);
	case OP_JOIN:		return do_join(n, op);
	case OP_SEPARATE:	return do_separate(n, op);
	case OP_FLUSH:		return do_flush(n);
	case OP_COUNTERS:	return do_counters(n, op);
	case OP_LEASE:
	case OP_FENCE:
	case OP_VIP_ADD:
	case OP_VIP_DEL:	return dp_null_do_vips(n, op);
	case OP_VIP_PROBE:	return dp_null_do_probe(n, op);
	}
	return -EINVAL;
}

void dp_null_set_time(struct dp *dp, uint64_t now_ms)
{
	struct dp_null *n = null_of(dp);

	if (now_ms <= n->now_ms)
		return;
	n->now_ms = now_ms;
	dp_null_vips_tell(n, false);
}

size_t dp_null_run(struct dp *dp, uint64_t now_ms)
{
	struct dp_null *n = null_of(dp);
	size_t count = n->queue_len;
	size_t ran;

	dp_null_set_time(dp, now_ms);
	/* an orphaning from inside a callback empties the queue */
	for (ran = 0; ran < count && n->queue_len; ran++) {
		struct op op = dequeue(n);
		int error = op_apply(n, &op);

		if (op.kind == OP_SESSION_CREATE || op.kind == OP_SESSION_ADOPT)
			op.session_done(op.arg, error, -1, -1);
		else if (op.done)
			op.done(op.arg, error);
		free(op.vips);
	}
	return ran;
}

bool dp_null_pending(const struct dp *dp)
{
	return null_of_const(dp)->queue_len > 0;
}

static void queue_drop(struct dp_null *n)
{
	while (n->queue_len)
		free(dequeue(n).vips);
}

/* ---- struct dp_ops --------------------------------------------------- */

static void null_free(struct dp *dp)
{
	struct dp_null *n = null_of(dp);
	struct tunnel *t, *tmp;

	HASH_ITER(hh, n->tunnels, t, tmp)
		tunnel_free(n, t);
	queue_drop(n);
	free(n->queue);
	free(n->vips);
	free(n);
}

/* Nothing outlives this kernel. */
static void null_leave(struct dp *dp, uint32_t hold_ms)
{
	(void)hold_ms;
	null_free(dp);
}

static int null_listen(struct dp *dp, const struct l2tp_endpoint *local)
{
	(void)local;
	return dp_null_fault(null_of(dp), "listen");
}

static int null_send(struct dp *dp, uint16_t tunnel_id, const struct l2tp_endpoint *local,
		     const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct dp_null *n = null_of(dp);
	int e = dp_null_fault(n, "send");

	(void)tunnel_id;
	if (e)
		return e;
	if (!dp_null_leased(dp, local, n->now_ms)) {
		n->stats.muted++;
		return 0;
	}
	n->stats.sent++;
	n->stats.sent_bytes += len;
	if (n->config.transmit)
		n->config.transmit(n->config.ctx, local, peer, data, len);
	return 0;
}

static int null_tunnel_create(struct dp *dp, const struct dp_tunnel *tunnel, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_TUNNEL_CREATE, .tunnel_id = tunnel->local_id,
						 .tunnel = *tunnel, .done = done, .arg = arg });
}

static int null_tunnel_delete(struct dp *dp, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_TUNNEL_DELETE, .tunnel_id = tunnel_id,
						 .done = done, .arg = arg });
}

static int null_session_create(struct dp *dp, const struct dp_session *s, dp_session_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_SESSION_CREATE, .tunnel_id = s->tunnel_id,
						 .session_id = s->local_id, .conf = *s, .session_done = done,
						 .arg = arg });
}

static int null_session_delete(struct dp *dp, uint16_t tunnel_id, uint16_t session_id, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_SESSION_DELETE, .tunnel_id = tunnel_id,
						 .session_id = session_id, .done = done, .arg = arg });
}

static int null_tunnel_adopt(struct dp *dp, const struct dp_tunnel *tunnel, int fd, dp_done_fn done, void *arg)
{
	(void)fd;
	if (!done)
		return -EINVAL;		/* only to close the fd */
	return enqueue(null_of(dp), (struct op){ .kind = OP_TUNNEL_ADOPT, .tunnel_id = tunnel->local_id,
						 .done = done, .arg = arg });
}

static int null_session_adopt(struct dp *dp, const struct dp_session *s, int fd, dp_session_fn done, void *arg)
{
	(void)fd;
	if (!s->local_id)
		return -EINVAL;
	return enqueue(null_of(dp), (struct op){ .kind = OP_SESSION_ADOPT, .tunnel_id = s->tunnel_id,
						 .session_id = s->local_id, .session_done = done, .arg = arg });
}

static int null_join(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_JOIN, .tunnel_id = a->tunnel_id, .session_id = a->session_id,
						 .other = *b, .done = done, .arg = arg });
}

static int null_separate(struct dp *dp, const struct dp_end *end, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_SEPARATE, .tunnel_id = end->tunnel_id,
						 .session_id = end->session_id, .done = done, .arg = arg });
}

static int null_flush(struct dp *dp, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_FLUSH, .done = done, .arg = arg });
}

static int null_counters(struct dp *dp, dp_counters_fn each, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_COUNTERS, .each = each, .done = done, .arg = arg });
}

static int null_lease(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms,
		      dp_done_fn done, void *arg)
{
	return enqueue_vips(dp, OP_LEASE, vips, count, lease_ms, done, arg);
}

static int null_fence(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	return enqueue_vips(dp, OP_FENCE, vips, count, 0, done, arg);
}

static int null_vip_add(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	return enqueue_vips(dp, OP_VIP_ADD, vips, count, 0, done, arg);
}

static int null_vip_del(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	return enqueue_vips(dp, OP_VIP_DEL, vips, count, 0, done, arg);
}

static int null_vip_probe(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t timeout_ms,
			  dp_done_fn done, void *arg)
{
	(void)timeout_ms;
	return enqueue_vips(dp, OP_VIP_PROBE, vips, count, 0, done, arg);
}

static bool null_has_carrier(struct dp *dp, const struct dp_vip *vips, size_t count)
{
	(void)vips, (void)count;
	return !null_of(dp)->unplugged;
}

static const struct dp_ops null_ops = {
	.free = null_free,
	.leave = null_leave,
	.listen = null_listen,
	.send = null_send,
	.tunnel_create = null_tunnel_create,
	.tunnel_delete = null_tunnel_delete,
	.session_create = null_session_create,
	.session_delete = null_session_delete,
	.tunnel_adopt = null_tunnel_adopt,
	.session_adopt = null_session_adopt,
	.join = null_join,
	.separate = null_separate,
	.flush = null_flush,
	.counters = null_counters,
	.vip_declare = dp_null_vip_declare,
	.vip_resume = dp_null_vip_resume,
	.lease = null_lease,
	.fence = null_fence,
	.vip_add = null_vip_add,
	.vip_del = null_vip_del,
	.vip_probe = null_vip_probe,
	.has_carrier = null_has_carrier,
};

struct dp *dp_null_new(const struct dp_null_config *config, const struct dp_events *events)
{
	struct dp_null *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->dp.ops = &null_ops;
	if (config)
		n->config = *config;
	if (events)
		n->events = *events;
	return &n->dp;
}

void dp_null_receive(struct dp *dp, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		     const uint8_t *data, size_t len)
{
	struct dp_null *n = null_of(dp);

	if (n->events.packet)
		n->events.packet(n->events.ctx, local, peer, data, len);
}

void dp_null_batch_end(struct dp *dp)
{
	struct dp_null *n = null_of(dp);

	if (n->events.batch_end)
		n->events.batch_end(n->events.ctx);
}

void dp_null_plug(struct dp *dp, bool in)
{
	struct dp_null *n = null_of(dp);

	n->unplugged = !in;
	if (n->events.carrier)
		n->events.carrier(n->events.ctx);
}

void dp_null_orphan(struct dp *dp, const struct dp_events *events)
{
	struct dp_null *n = null_of(dp);
	struct session *s;
	struct tunnel *t;

	queue_drop(n);
	n->declared = false;
	n->events = events ? *events : (struct dp_events){ 0 };
	for (t = n->tunnels; t; t = t->hh.next)
		t->leftover = true;
	for (s = n->sessions; s; s = s->hh.next)
		s->leftover = true;
}
