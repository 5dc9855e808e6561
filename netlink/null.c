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
#include "netlink/null.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum op_kind {
	OP_TUNNEL_CREATE, OP_TUNNEL_DELETE, OP_SESSION_CREATE, OP_SESSION_DELETE, OP_FLUSH, OP_COUNTERS,
	OP_LEASE, OP_FENCE, OP_VIP_ADD, OP_VIP_DEL, OP_VIP_PROBE, OP_TUNNEL_ADOPT, OP_SESSION_ADOPT,
};
static const char *const op_names[] = {
	[OP_TUNNEL_CREATE] = "tunnel_create", [OP_TUNNEL_DELETE] = "tunnel_delete",
	[OP_SESSION_CREATE] = "session_create", [OP_SESSION_DELETE] = "session_delete",
	[OP_FLUSH] = "flush", [OP_COUNTERS] = "counters",
	[OP_LEASE] = "lease", [OP_FENCE] = "fence",
	[OP_TUNNEL_ADOPT] = "tunnel_adopt", [OP_SESSION_ADOPT] = "session_adopt",
	[OP_VIP_ADD] = "vip_add", [OP_VIP_DEL] = "vip_del", [OP_VIP_PROBE] = "vip_probe",
};

struct op {
	enum op_kind kind;
	int error;		/* from fault injection */
	uint16_t tunnel_id, session_id;
	uint64_t lease_until_ms;	/* counted from the call, as the kernel that is asked at once does */
	bool for_ever;
	struct dp_vip *vips;	/* owned */
	size_t vip_count;
	union {
		dp_done_fn done;
		dp_session_fn session_done;
	};
	dp_counters_fn each;
	void *arg;
};

struct session {
	uint32_t key;		/* tunnel ID << 16 | session ID */
	bool leftover;		/* of a daemon that was killed */
	struct session *next, **pprev;	/* of its tunnel */
	UT_hash_handle hh;
};
struct tunnel {
	uint16_t id;
	bool leftover;		/* of a daemon that was killed */
	struct session *sessions;
	UT_hash_handle hh;
};
struct vip {
	struct dp_vip conf;
	bool declared, present;
	bool open;		/* leased, as last told to vip_changed */
	bool for_ever;
	uint64_t leased_until_ms;
};
struct dp_null {
	struct dp dp;		/* first */
	struct dp_null_config config;
	struct dp_events events;
	uint64_t now_ms;
	struct tunnel *tunnels;
	struct session *sessions;
	struct vip *vips;
	size_t vip_count;
	bool declared;		/* by this daemon */
	bool unplugged;
	struct op *queue;	/* ring, size a power of two */
	size_t queue_size, queue_head, queue_len;
	struct dp_null_stats stats;
};

static struct dp_null *null_of(struct dp *dp)
{
	return (struct dp_null *)dp;
}

static const struct dp_null *null_of_const(const struct dp *dp)
{
	return (const struct dp_null *)dp;
}

/* uthash and the tables of a test tool have no way to report it */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- objects --------------------------------------------------------- */

static struct tunnel *tunnel_find(const struct dp_null *n, uint16_t id)
{
	struct tunnel *t;

	HASH_FIND(hh, n->tunnels, &id, sizeof(id), t);
	return t;
}

static struct session *session_find(const struct dp_null *n, uint16_t tunnel_id, uint16_t session_id)
{
	uint32_t key = (uint32_t)tunnel_id << 16 | session_id;
	struct session *s;

	HASH_FIND(hh, n->sessions, &key, sizeof(key), s);
	return s;
}

static void session_free(struct dp_null *n, struct session *s)
{
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

	t = tunnel_find(n, op->tunnel_id);
	if (t && t->leftover)
		tunnel_free(n, t);	/* for the next try */
	if (t)
		return -EEXIST;
	t = must(calloc(1, sizeof(*t)));
	t->id = op->tunnel_id;
	HASH_ADD(hh, n->tunnels, id, sizeof(t->id), t);
	return 0;
}

static int do_tunnel_delete(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = tunnel_find(n, op->tunnel_id);

	if (!t)
		return -ENOENT;
	tunnel_free(n, t);
	return 0;
}

static int do_session_create(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = tunnel_find(n, op->tunnel_id);
	struct session *s;

	if (!t)
		return -ENODEV;
	s = session_find(n, op->tunnel_id, op->session_id);
	if (s && s->leftover)
		session_free(n, s);
	if (s)
		return -EEXIST;
	s = must(calloc(1, sizeof(*s)));
	s->key = (uint32_t)op->tunnel_id << 16 | op->session_id;
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
	struct session *s = session_find(n, op->tunnel_id, op->session_id);

	if (!s)
		return -ENOENT;
	session_free(n, s);
	return 0;
}

static int do_tunnel_adopt(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = tunnel_find(n, op->tunnel_id);

	if (!t || !t->leftover)
		return -ENOENT;
	t->leftover = false;
	return 0;
}

static int do_session_adopt(struct dp_null *n, const struct op *op)
{
	struct tunnel *t = tunnel_find(n, op->tunnel_id);
	struct session *s = session_find(n, op->tunnel_id, op->session_id);

	if (!t || t->leftover || !s || !s->leftover)
		return -ENOENT;
	s->leftover = false;
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
	static const struct dp_session_counters none;
	uint32_t *keys;
	size_t count = 0, i;
	struct session *s;

	/* `each` may do anything: iterate over a copy */
	keys = must(malloc((HASH_COUNT(n->sessions) + 1) * sizeof(*keys)));
	for (s = n->sessions; s; s = s->hh.next)
		keys[count++] = s->key;
	for (i = 0; i < count; i++)
		op->each(op->arg, (uint16_t)(keys[i] >> 16), (uint16_t)keys[i], &none);
	free(keys);
	return 0;
}

/* ---- addresses and leases -------------------------------------------- */

static struct vip *vip_find(const struct dp_null *n, const struct l2tp_endpoint *addr)
{
	size_t len = addr->family == 6 ? 16 : 4;
	size_t i;

	for (i = 0; i < n->vip_count; i++) {
		const struct l2tp_endpoint *a = &n->vips[i].conf.addr;

		if (a->family == addr->family && !memcmp(a->addr, addr->addr, len))
			return &n->vips[i];
	}
	return NULL;
}

static struct vip *vip_get(struct dp_null *n, const struct dp_vip *conf)
{
	struct vip *v = vip_find(n, &conf->addr);

	if (v)
		return v;
	n->vips = must(realloc(n->vips, (n->vip_count + 1) * sizeof(*n->vips)));
	v = &n->vips[n->vip_count++];
	*v = (struct vip){ .conf = *conf, .open = true };	/* undeclared: not fenced */
	return v;
}

static bool vip_open(const struct vip *v, uint64_t now_ms)
{
	return !v->declared || v->for_ever || now_ms < v->leased_until_ms;
}

static void vips_tell(struct dp_null *n, bool changed)
{
	size_t i;

	for (i = 0; i < n->vip_count; i++) {
		bool open = vip_open(&n->vips[i], n->now_ms);

		if (n->vips[i].open != open)
			changed = true;
		n->vips[i].open = open;
	}
	if (changed && n->config.vip_changed)
		n->config.vip_changed(n->config.ctx);
}

static int do_vips(struct dp_null *n, const struct op *op)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < op->vip_count; i++) {
		struct vip *v = vip_get(n, &op->vips[i]);
		bool present = v->present;

		switch (op->kind) {
		case OP_LEASE:
			v->for_ever = op->for_ever;
			v->leased_until_ms = op->lease_until_ms;
			break;
		case OP_FENCE:
			v->for_ever = false;
			v->leased_until_ms = 0;
			break;
		case OP_VIP_ADD:
			v->present = true;
			break;
		case OP_VIP_DEL:
			v->present = false;
			break;
		case OP_TUNNEL_CREATE: case OP_TUNNEL_DELETE: case OP_SESSION_CREATE: case OP_SESSION_DELETE:
		case OP_FLUSH: case OP_COUNTERS: case OP_VIP_PROBE: case OP_TUNNEL_ADOPT: case OP_SESSION_ADOPT:
			break;
		}
		changed |= v->present != present;
	}
	vips_tell(n, changed);
	return 0;
}

static int do_probe(struct dp_null *n, const struct op *op)
{
	int result = 0;
	size_t i;

	for (i = 0; n->config.probe && i < op->vip_count; i++) {
		int r = n->config.probe(n->config.ctx, &op->vips[i]);

		if (r > 0)
			return 1;
		if (r < 0)
			result = r;
	}
	return result;
}

/* ---- the queue ------------------------------------------------------- */

static int fault(const struct dp_null *n, const char *operation)
{
	int e = n->config.fault ? n->config.fault(n->config.ctx, operation) : 0;

	return e > 0 ? -e : e;
}

static int enqueue(struct dp_null *n, struct op op)
{
	op.error = fault(n, op_names[op.kind]);
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
	case OP_FLUSH:		return do_flush(n);
	case OP_COUNTERS:	return do_counters(n, op);
	case OP_LEASE:
	case OP_FENCE:
	case OP_VIP_ADD:
	case OP_VIP_DEL:	return do_vips(n, op);
	case OP_VIP_PROBE:	return do_probe(n, op);
	}
	return -EINVAL;
}

void dp_null_set_time(struct dp *dp, uint64_t now_ms)
{
	struct dp_null *n = null_of(dp);

	if (now_ms <= n->now_ms)
		return;
	n->now_ms = now_ms;
	vips_tell(n, false);
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
	return fault(null_of(dp), "listen");
}

static int null_send(struct dp *dp, uint16_t tunnel_id, const struct l2tp_endpoint *local,
		     const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct dp_null *n = null_of(dp);
	int e = fault(n, "send");

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
						 .done = done, .arg = arg });
}

static int null_tunnel_delete(struct dp *dp, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_TUNNEL_DELETE, .tunnel_id = tunnel_id,
						 .done = done, .arg = arg });
}

static int null_session_create(struct dp *dp, const struct dp_session *s, dp_session_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_SESSION_CREATE, .tunnel_id = s->tunnel_id,
						 .session_id = s->local_id, .session_done = done, .arg = arg });
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

static int null_flush(struct dp *dp, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_FLUSH, .done = done, .arg = arg });
}

static int null_counters(struct dp *dp, dp_counters_fn each, dp_done_fn done, void *arg)
{
	return enqueue(null_of(dp), (struct op){ .kind = OP_COUNTERS, .each = each, .done = done, .arg = arg });
}

static int null_vip_declare(struct dp *dp, const struct dp_vip *vips, size_t count)
{
	struct dp_null *n = null_of(dp);
	int e = fault(n, "vip_declare");
	size_t i;

	if (e)
		return e;
	for (i = 0; !n->declared && i < n->vip_count; i++)
		n->vips[i].declared = false;
	n->declared = true;
	for (i = 0; i < count; i++) {
		struct vip *v = vip_get(n, &vips[i]);

		if (v->declared)
			continue;
		/* as in the kernel, what is new starts closed */
		*v = (struct vip){ .conf = vips[i], .declared = true, .present = v->present, .open = v->open };
	}
	vips_tell(n, false);
	return 0;
}

static int null_vip_resume(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	struct dp_null *n = null_of(dp);
	int e = fault(n, "vip_resume");
	size_t i;

	if (e)
		return e;
	for (i = 0; i < count; i++) {
		const struct vip *v = vip_find(n, &vips[i].addr);

		if (!v || !v->declared || !vip_open(v, n->now_ms))
			return -ENOENT;
	}
	for (i = 0; i < count; i++) {
		struct vip *v = vip_find(n, &vips[i].addr);

		v->for_ever = !lease_ms;
		v->leased_until_ms = n->now_ms + lease_ms;
	}
	n->declared = true;
	return 0;
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
	.flush = null_flush,
	.counters = null_counters,
	.vip_declare = null_vip_declare,
	.vip_resume = null_vip_resume,
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

/* ---- inspection ------------------------------------------------------ */

size_t dp_null_tunnels(const struct dp *dp)
{
	return HASH_COUNT(null_of_const(dp)->tunnels);
}

size_t dp_null_sessions(const struct dp *dp)
{
	return HASH_COUNT(null_of_const(dp)->sessions);
}

bool dp_null_has_tunnel(const struct dp *dp, uint16_t tunnel_id)
{
	return tunnel_find(null_of_const(dp), tunnel_id);
}

bool dp_null_has_session(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id)
{
	return session_find(null_of_const(dp), tunnel_id, session_id);
}

bool dp_null_has_vip(const struct dp *dp, const struct l2tp_endpoint *addr)
{
	const struct vip *v = vip_find(null_of_const(dp), addr);

	return v && v->present;
}

bool dp_null_leased(const struct dp *dp, const struct l2tp_endpoint *addr, uint64_t now_ms)
{
	const struct vip *v = vip_find(null_of_const(dp), addr);

	return !v || vip_open(v, now_ms);
}

struct dp_null_stats dp_null_get_stats(const struct dp *dp)
{
	return null_of_const(dp)->stats;
}
