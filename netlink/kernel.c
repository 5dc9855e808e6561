/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Linux data plane: what exists of tunnels and sessions, in which order
 * things are made and unmade.
 *
 * Owns: the table of tunnels (by our ID), their sessions, and the parts that
 * do the work: udp.c, genl.c, pppox.c, fence.c, vip.c, probe.c, worker.c.
 * Called by whoever holds the struct dp.
 *
 * A tunnel is its UDP socket and the kernel object; a session the kernel
 * object and the pppox socket.  Making them is quick and in order.  Unmaking
 * a session costs an RCU grace period: its socket is closed in a thread,
 * which also removes the kernel session unless another process (pppd) holds
 * the socket.  Then we look again a few times, and only as a last resort
 * delete it by netlink, which blocks all generic netlink meanwhile.
 */
#include "netlink/kernel.h"
#include "netlink/kernel_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>
#include <uthash.h>

#include "daemon/log.h"
#include "netlink/carrier.h"
#include "netlink/fence.h"
#include "netlink/flush.h"
#include "netlink/genl.h"
#include "netlink/keeper.h"
#include "netlink/nlq.h"
#include "netlink/pppox.h"
#include "netlink/probe.h"
#include "netlink/seq.h"
#include "netlink/udp.h"
#include "netlink/vip.h"
#include "netlink/worker.h"

/* how long another process may take to let go of a session's socket, and how often we look */
#define LOOK_AGAIN_S 0.05
#define LOOKS_MAX 4

enum session_state {
	SESSION_CREATING,	/* asked the kernel */
	SESSION_UP,
	SESSION_DOOMED,		/* deleted while CREATING */
	SESSION_CLOSING,	/* a thread closes the socket */
	SESSION_LOOKING,	/* asked the kernel whether it is gone */
	SESSION_WAITING,	/* somebody else has it: look again later */
	SESSION_FORCING,	/* a thread deletes it */
};
#define TO(state) (1u << (state))
static const unsigned session_may_become[] = {
	[SESSION_CREATING] = TO(SESSION_UP) | TO(SESSION_DOOMED) | TO(SESSION_FORCING),
	[SESSION_UP] = TO(SESSION_CLOSING),
	[SESSION_DOOMED] = TO(SESSION_FORCING),
	[SESSION_CLOSING] = TO(SESSION_LOOKING) | TO(SESSION_WAITING),
	[SESSION_LOOKING] = TO(SESSION_WAITING) | TO(SESSION_FORCING),
	[SESSION_WAITING] = TO(SESSION_LOOKING),
	[SESSION_FORCING] = 0,
};

struct tunnel;
struct session {
	struct dp_kernel *k;
	struct tunnel *tunnel;
	struct session *next, **pprev;
	enum session_state state;
	struct dp_session conf;
	uint32_t key;		/* tunnel ID << 16 | session ID */
	int fd;			/* -1 unless UP, or being adopted */
	unsigned looks;
	ev_timer timer;		/* WAITING */
	dp_session_fn created;
	void *created_arg;
	dp_done_fn deleted;
	void *deleted_arg;
	UT_hash_handle hh;
};
struct tunnel {
	struct dp_kernel *k;
	struct dp_tunnel conf;
	struct udp_sock *sock;
	struct session *sessions;
	bool ending;		/* deleted by the user, or refused by the kernel */
	bool in_kernel;		/* from the request until deletion is acknowledged */
	dp_done_fn created;
	void *created_arg;
	dp_done_fn deleted;
	void *deleted_arg;
};
/* A session that nobody of ours knows. */
struct leftover {
	struct dp_kernel *k;
	uint16_t tunnel_id, session_id;
};

/* ---- tunnels --------------------------------------------------------- */

/* Ends a tunnel of which nothing is left. */
static void tunnel_settle(struct tunnel *t)
{
	dp_done_fn deleted = t->deleted;
	void *arg = t->deleted_arg;

	if (!t->ending || t->in_kernel || t->sessions)
		return;
	t->k->tunnels[t->conf.local_id] = NULL;
	keeper_tunnel(&t->k->keeper, t->conf.local_id, -1);
	udp_close(t->sock);
	free(t);
	if (deleted)
		deleted(arg, 0);
}

static void on_tunnel_deleted(void *arg, int error)
{
	struct tunnel *t = arg;

	if (error && error != -ENODEV)
		log_warnx("tunnel %u: kernel refuses to delete it: %s", t->conf.local_id, strerror(-error));
	t->in_kernel = false;
	tunnel_settle(t);
}

static void on_tunnel_created(void *arg, int error)
{
	struct tunnel *t = arg;
	dp_done_fn created = t->created;
	void *created_arg = t->created_arg;

	if (error && !t->ending) {
		t->ending = true;
		/* the answer is lost: it may be there; or it is a leftover of an earlier daemon: gone for the next try */
		if ((!nlq_unknown(error) && error != -EEXIST) || genl_tunnel_delete(t->k->genl, t->conf.local_id, on_tunnel_deleted, t))
			t->in_kernel = false;
		tunnel_settle(t);
	} else if (t->ending && !error) {
		error = -ECANCELED;
	} else if (!error) {
		keeper_tunnel(&t->k->keeper, t->conf.local_id, udp_fd(t->sock));
	}
	if (created)
		created(created_arg, error);
}

static int kernel_tunnel_adopt(struct dp *dp, const struct dp_tunnel *conf, int fd, dp_done_fn done, void *arg)
{
	struct dp_kernel *k = kernel_of(dp);
	struct tunnel *t;
	int e = -EINVAL;

	if (fd < 0)
		fd = keeper_take(&k->keeper, conf->local_id);
	if (fd < 0)
		return -ENOENT;
	t = done && !k->tunnels[conf->local_id] ? calloc(1, sizeof(*t)) : NULL;
	if (!t) {
		close(fd);
		return e;
	}
	t->k = k;
	t->conf = *conf;
	t->created = done;
	t->created_arg = arg;
	t->sock = udp_adopt(k->udp, conf, fd);
	e = t->sock ? genl_tunnel_exists(k->genl, conf->local_id, on_tunnel_created, t) : -ENOENT;
	if (e) {
		if (t->sock)
			udp_drop(t->sock);
		free(t);
		return e;
	}
	t->in_kernel = true;
	k->tunnels[conf->local_id] = t;
	return 0;
}

static int kernel_tunnel_create(struct dp *dp, const struct dp_tunnel *conf, dp_done_fn done, void *arg)
{
	struct dp_kernel *k = kernel_of(dp);
	struct tunnel *t;
	int e;

	if (!conf->local_id)
		return -EINVAL;
	if (k->tunnels[conf->local_id])
		return -EEXIST;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->k = k;
	t->conf = *conf;
	t->created = done;
	t->created_arg = arg;
	t->sock = udp_connect(k->udp, conf);
	e = t->sock ? genl_tunnel_create(k->genl, conf, udp_fd(t->sock), on_tunnel_created, t) : -errno;
	if (e) {
		if (t->sock)
			udp_drop(t->sock);
		free(t);
		return e;
	}
	t->in_kernel = true;
	k->tunnels[conf->local_id] = t;
	return 0;
}

static void session_delete(struct session *s);

static int kernel_tunnel_delete(struct dp *dp, uint16_t tunnel_id, dp_done_fn done, void *arg)
{
	struct dp_kernel *k = kernel_of(dp);
	struct tunnel *t = k->tunnels[tunnel_id];
	struct session *s;
	int e;

	if (!t || t->ending)
		return -ENOENT;
	e = genl_tunnel_delete(k->genl, tunnel_id, on_tunnel_deleted, t);
	if (e)
		return e;
	t->ending = true;
	t->deleted = done;
	t->deleted_arg = arg;
	/* side by side, while the kernel takes them down one by one */
	for (s = t->sessions; s; s = s->next)
		session_delete(s);
	return 0;
}

/* ---- sessions -------------------------------------------------------- */

static struct session *session_find(const struct dp_kernel *k, uint16_t tunnel_id, uint16_t session_id)
{
	uint32_t key = (uint32_t)tunnel_id << 16 | session_id;
	struct session *s;

	HASH_FIND(hh, k->sessions, &key, sizeof(key), s);
	return s;
}

static void session_become(struct session *s, enum session_state state)
{
	assert(session_may_become[s->state] & TO(state));
	s->state = state;
}

/* It is gone, or never was. */
static void session_end(struct session *s)
{
	struct tunnel *t = s->tunnel;
	dp_done_fn deleted = s->deleted;
	void *arg = s->deleted_arg;

	ev_timer_stop(s->k->loop, &s->timer);
	if (s->conf.recv_seq)
		seqs_forget(s->k->seqs, s->conf.tunnel_id, s->conf.local_id);
	*s->pprev = s->next;
	if (s->next)
		s->next->pprev = s->pprev;
	HASH_DEL(s->k->sessions, s);
	free(s);
	tunnel_settle(t);
	if (deleted)
		deleted(arg, 0);
}

static int run_force(void *arg)
{
	const struct session *s = arg;

	return genl_session_delete_blocking(genl_family(s->k->genl), s->conf.tunnel_id, s->conf.local_id);
}

static void on_forced(void *arg, int error)
{
	struct session *s = arg;

	if (error && error != -ENODEV)
		log_warnx("session %u/%u: kernel refuses to delete it: %s", s->conf.tunnel_id, s->conf.local_id,
			  strerror(-error));
	session_end(s);
}

static void session_force(struct session *s)
{
	session_become(s, SESSION_FORCING);
	if (worker_submit(s->k->worker, run_force, on_forced, s))
		on_forced(s, run_force(s));
}

static void session_wait(struct session *s)
{
	session_become(s, SESSION_WAITING);
	ev_timer_set(&s->timer, LOOK_AGAIN_S, 0.);
	ev_timer_start(s->k->loop, &s->timer);
}

static void on_looked(void *arg, int error)
{
	struct session *s = arg;

	if (error == -ENODEV || s->tunnel->ending)
		session_end(s);
	else if (s->looks >= LOOKS_MAX)
		session_force(s);
	else
		session_wait(s);
}

static void session_look(struct session *s)
{
	if (s->tunnel->ending) {	/* goes with its tunnel */
		session_end(s);
		return;
	}
	session_become(s, SESSION_LOOKING);
	s->looks++;
	if (genl_session_exists(s->k->genl, s->conf.tunnel_id, s->conf.local_id, on_looked, s))
		session_force(s);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	session_look(w->data);
}

static int run_close(void *arg)
{
	const struct session *s = arg;

	return close(s->fd);
}

static void on_closed(void *arg, int result)
{
	struct session *s = arg;

	(void)result;
	s->fd = -1;
	session_look(s);
}

/* Called from operations: nothing is finished before it returns. */
static void session_delete(struct session *s)
{
	switch (s->state) {
	case SESSION_CREATING:
		session_become(s, SESSION_DOOMED);
		break;
	case SESSION_UP:
		session_become(s, SESSION_CLOSING);
		if (!worker_submit(s->k->worker, run_close, on_closed, s))
			break;
		close(s->fd);
		s->fd = -1;
		session_wait(s);
		break;
	case SESSION_DOOMED:
	case SESSION_CLOSING:
	case SESSION_LOOKING:
	case SESSION_WAITING:
	case SESSION_FORCING:
		break;		/* under way */
	}
}

static void on_session_created(void *arg, int error)
{
	struct session *s = arg;
	dp_session_fn created = s->created;
	void *created_arg = s->created_arg;
	bool exists = !error || nlq_unknown(error);
	int fd = -1, tunnel_fd = -1;

	if (!error && (s->state == SESSION_DOOMED || s->tunnel->ending))
		error = -ECANCELED;
	if (!error) {
		tunnel_fd = udp_fd(s->tunnel->sock);
		fd = pppox_open(&s->conf, tunnel_fd);
		if (fd < 0)
			error = fd;
	}
	if (!error) {
		session_become(s, SESSION_UP);
		s->fd = fd;
		if (s->conf.recv_seq)
			seqs_watch(s->k->seqs, &s->conf);
	} else if ((exists || error == -EEXIST) && !s->tunnel->ending) {
		session_force(s);	/* EEXIST: a leftover of an earlier daemon */
	} else {
		session_end(s);
	}
	created(created_arg, error, error ? -1 : fd, error ? -1 : tunnel_fd);
}

static void on_session_adopted(void *arg, int error)
{
	struct session *s = arg;
	dp_session_fn created = s->created;
	void *created_arg = s->created_arg;
	bool exists = !error;
	int fd = s->fd, tunnel_fd = udp_fd(s->tunnel->sock);

	if (!error && (s->state == SESSION_DOOMED || s->tunnel->ending))
		error = -ECANCELED;
	if (!error) {
		session_become(s, SESSION_UP);
		created(created_arg, 0, fd, tunnel_fd);
		return;
	}
	s->fd = -1;
	worker_close(s->k->worker, fd);
	if (exists && !s->tunnel->ending)
		session_force(s);
	else
		session_end(s);
	created(created_arg, error, -1, -1);
}

/* fd -1: it is made; else it is there, and this is its socket. */
static int session_start(struct dp_kernel *k, const struct dp_session *conf, int fd, dp_session_fn done, void *arg)
{
	struct tunnel *t = k->tunnels[conf->tunnel_id];
	struct session *s;
	int e;

	if (!conf->local_id)
		return -EINVAL;
	if (!t || t->ending)
		return -ENODEV;
	if (session_find(k, conf->tunnel_id, conf->local_id))
		return -EEXIST;
	if (fd >= 0 && !pppox_is(fd, conf))
		return -ENOENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->k = k;
	s->tunnel = t;
	s->conf = *conf;
	s->key = (uint32_t)conf->tunnel_id << 16 | conf->local_id;
	s->fd = fd;
	s->created = done;
	s->created_arg = arg;
	ev_init(&s->timer, on_timer);
	s->timer.data = s;
	if (fd < 0)
		e = genl_session_create(k->genl, conf, on_session_created, s);
	else
		e = genl_session_exists(k->genl, conf->tunnel_id, conf->local_id, on_session_adopted, s);
	if (e) {
		free(s);
		return e;
	}
	s->next = t->sessions;
	if (s->next)
		s->next->pprev = &s->next;
	s->pprev = &t->sessions;
	t->sessions = s;
	HASH_ADD(hh, k->sessions, key, sizeof(s->key), s);
	return 0;
}

static int kernel_session_create(struct dp *dp, const struct dp_session *conf, dp_session_fn done, void *arg)
{
	return session_start(kernel_of(dp), conf, -1, done, arg);
}

static int kernel_session_adopt(struct dp *dp, const struct dp_session *conf, int fd, dp_session_fn done, void *arg)
{
	int e = fd < 0 ? -ENOENT : session_start(kernel_of(dp), conf, fd, done, arg);

	if (e && fd >= 0)
		worker_close(kernel_of(dp)->worker, fd);
	return e;
}

static int kernel_session_delete(struct dp *dp, uint16_t tunnel_id, uint16_t session_id, dp_done_fn done, void *arg)
{
	struct session *s = session_find(kernel_of(dp), tunnel_id, session_id);

	if (!s || (s->state != SESSION_CREATING && s->state != SESSION_UP))
		return -ENOENT;
	s->deleted = done;
	s->deleted_arg = arg;
	session_delete(s);
	return 0;
}

int dp_kernel_session_fd(const struct dp_kernel *k, uint16_t tunnel_id, uint16_t session_id)
{
	const struct session *s = session_find(k, tunnel_id, session_id);

	return s && s->state == SESSION_UP ? s->fd : -ENODEV;
}

static int kernel_counters(struct dp *dp, dp_counters_fn each, dp_done_fn done, void *arg)
{
	return genl_sessions(kernel_of(dp)->genl, each, done, arg);
}

/* ---- packets --------------------------------------------------------- */

/* Data that the kernel passed up, because it has no such session (yet). */
static void offer_early(struct dp_kernel *k, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const uint8_t *data, size_t len)
{
	const size_t at = data[0] & 0x40 ? 4 : 2;	/* the L bit */
	const struct tunnel *t = len >= at + 2 ? k->tunnels[data[at] << 8 | data[at + 1]] : NULL;

	if (t && !t->ending && endpoint_equal(&t->conf.peer, peer) && endpoint_addr_equal(&t->conf.local, local))
		k->events.early(k->events.ctx, data, len);
}

static void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	struct dp_kernel *k = ctx;

	if (len && !(data[0] & 0x80) && k->events.early)
		offer_early(k, local, peer, data, len);
	k->events.packet(k->events.ctx, local, peer, data, len);
}

static void on_batch_end(void *ctx)
{
	struct dp_kernel *k = ctx;

	if (k->events.batch_end)
		k->events.batch_end(k->events.ctx);
}

static int kernel_listen(struct dp *dp, const struct l2tp_endpoint *local)
{
	struct dp_kernel *k = kernel_of(dp);
	int e = 0;

	/* nothing is virtual here: then nothing may be muted by what an earlier daemon left */
	if (!fence_installed(k->fence))
		e = fence_declare(k->fence, NULL, 0);
	return e ? e : udp_listen(k->udp, local);
}

static int kernel_send(struct dp *dp, uint16_t tunnel_id, const struct l2tp_endpoint *local,
		       const struct l2tp_endpoint *peer, const uint8_t *data, size_t len)
{
	struct dp_kernel *k = kernel_of(dp);
	const struct tunnel *t = k->tunnels[tunnel_id];

	if (tunnel_id && t && endpoint_equal(&t->conf.peer, peer) &&
	    endpoint_addr_equal(&t->conf.local, local))
		return udp_sock_send(t->sock, data, len);
	return udp_listener_send(k->udp, local, peer, data, len);
}

static void on_listener(void *ctx, int fd)
{
	struct dp_kernel *k = ctx;

	if (k->keeper.to.keep)
		k->keeper.to.keep(k->keeper.to.ctx, DP_KEEPER_LISTENER, fd);
}

void dp_kernel_keeper(struct dp *dp, const struct dp_keeper *keeper)
{
	struct dp_kernel *k = kernel_of(dp);

	k->keeper.to = *keeper;
	udp_on_listener(k->udp, on_listener, k);
}

void dp_kernel_offer(struct dp *dp, const char *name, int fd)
{
	struct dp_kernel *k = kernel_of(dp);

	if (!strcmp(name, DP_KEEPER_LISTENER))
		udp_offer_listener(k->udp, fd);
	else
		keeper_offer(&k->keeper, name, fd);
}

/* ---- life ------------------------------------------------------------ */

static void on_carrier(void *ctx)
{
	struct dp_kernel *k = ctx;

	if (k->events.carrier)
		k->events.carrier(k->events.ctx);
}

static bool is_ours(void *ctx, uint32_t tunnel_id)
{
	const struct dp_kernel *k = ctx;

	return tunnel_id <= UINT16_MAX && k->tunnels[tunnel_id];
}

static int run_leftover(void *arg)
{
	const struct leftover *left = arg;

	return genl_session_delete_blocking(genl_family(left->k->genl), left->tunnel_id, left->session_id);
}

static void on_leftover_gone(void *arg, int error)
{
	struct leftover *left = arg;

	log_info("session %u/%u of an earlier daemon is removed from the kernel%s%s", left->tunnel_id, left->session_id,
		 error ? ": " : "", error ? strerror(-error) : "");
	free(left);
}

static void on_session_seen(void *ctx, uint16_t tunnel_id, uint16_t session_id)
{
	struct dp_kernel *k = ctx;
	struct leftover *left;

	if (!k->tunnels[tunnel_id] || session_find(k, tunnel_id, session_id))
		return;
	left = malloc(sizeof(*left));
	if (!left)
		return;
	*left = (struct leftover){ k, tunnel_id, session_id };
	if (worker_submit(k->worker, run_leftover, on_leftover_gone, left))
		free(left);
}

static int kernel_flush(struct dp *dp, dp_done_fn done, void *arg)
{
	struct dp_kernel *k = kernel_of(dp);

	keeper_end(&k->keeper, true);
	return flush_start(&k->flush, k->loop, k->genl, k->fence, is_ours, on_session_seen, k, done, arg);
}

/* Kernel objects live on where another process holds their sockets; nothing is sent. */
static void kernel_end(struct dp_kernel *k)
{
	struct session *s, *tmp;
	unsigned i;

	keeper_end(&k->keeper, false);

	flush_cancel(k->flush);
	vips_free(k->vips);
	probes_free(k->probes);
	HASH_ITER(hh, k->sessions, s, tmp) {
		ev_timer_stop(k->loop, &s->timer);
		if (s->fd >= 0 && s->state != SESSION_CLOSING)
			worker_close(k->worker, s->fd);
	}
	carrier_free(k->carrier);
	seqs_free(k->seqs);
	worker_free(k->worker);	/* its threads use the rest */
	genl_free(k->genl);
	HASH_ITER(hh, k->sessions, s, tmp) {
		HASH_DEL(k->sessions, s);
		free(s);
	}
	for (i = 0; i < 65536; i++)
		free(k->tunnels[i]);
	udp_free(k->udp);
	free(k);
}

static void kernel_free(struct dp *dp)
{
	struct fence *fence = kernel_of(dp)->fence;

	kernel_end(kernel_of(dp));
	fence_free(fence);
}

static void kernel_leave(struct dp *dp, uint32_t hold_ms)
{
	struct fence *fence = kernel_of(dp)->fence;

	kernel_end(kernel_of(dp));
	fence_leave(fence, hold_ms);
}

static const struct dp_ops kernel_ops = {
	.free = kernel_free,
	.leave = kernel_leave,
	.listen = kernel_listen,
	.send = kernel_send,
	.tunnel_create = kernel_tunnel_create,
	.tunnel_delete = kernel_tunnel_delete,
	.tunnel_adopt = kernel_tunnel_adopt,
	.session_adopt = kernel_session_adopt,
	.session_create = kernel_session_create,
	.session_delete = kernel_session_delete,
	.join = dp_kernel_join,
	.separate = dp_kernel_separate,
	.flush = kernel_flush,
	.counters = kernel_counters,
	.vip_declare = dp_kernel_vip_declare,
	.vip_resume = dp_kernel_vip_resume,
	.lease = dp_kernel_lease,
	.fence = dp_kernel_fence,
	.vip_add = dp_kernel_vip_add,
	.vip_del = dp_kernel_vip_del,
	.vip_probe = dp_kernel_vip_probe,
	.has_carrier = dp_kernel_has_carrier,
	.clamp_mss = dp_kernel_clamp_mss,
};

struct dp *dp_kernel_new(struct ev_loop *loop, const struct dp_events *events, char why[256])
{
	struct dp_kernel *k;
	int e = pppox_available();

	if (e) {
		snprintf(why, 256, "this kernel has no PPP over L2TP (%s): the module l2tp_ppp is missing;"
			 " try `modprobe l2tp_ppp`, or boot a kernel that has it", strerror(-e));
		return NULL;
	}
	k = calloc(1, sizeof(*k));
	if (!k)
		goto no_memory;
	k->dp.ops = &kernel_ops;
	k->loop = loop;
	k->events = *events;
	k->worker = worker_new(loop);
	k->udp = udp_new(loop, &(struct dp_events){ .ctx = k, .packet = on_packet, .batch_end = on_batch_end });
	if (!k->worker || !k->udp)
		goto no_memory;
	k->probes = probes_new(loop, k->worker);
	k->carrier = carrier_new(loop, on_carrier, k);
	if (!k->probes || !k->carrier)
		goto no_memory;
	k->genl = genl_new(loop, why);
	if (!k->genl)
		goto fail;
	k->seqs = seqs_new(loop, k->genl, k->worker);
	if (!k->seqs)
		goto no_memory;
	k->fence = fence_new(loop, why);
	if (!k->fence)
		goto fail;
	k->vips = vips_new(loop, k->fence, why);
	if (!k->vips)
		goto fail;
	return &k->dp;
no_memory:
	snprintf(why, 256, "out of memory");
fail:
	if (k)
		kernel_free(&k->dp);
	return NULL;
}
