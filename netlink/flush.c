/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leftovers: kernel tunnels of a daemon that was killed, kept alive by other
 * processes that hold their sockets.
 *
 * Owns nothing but its own progress.  Called by the kernel back end.
 *
 * A leftover is an L2TPv2 tunnel over UDP from port 1701 that we do not know,
 * whose local address is a declared virtual address (any address, if none is
 * declared).  The kernel acknowledges a deletion before it has done it, so
 * the list is read again until nothing is left.  Then the sessions are read,
 * once: one in a tunnel of ours that we do not know is a leftover, too.
 */
#include "netlink/flush.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "daemon/log.h"
#include "netlink/fence.h"
#include "netlink/genl.h"
#include "netlink/udp.h"

#define AGAIN_S 0.02
#define GIVE_UP_S 30.

struct flush {
	struct flush **slot;
	struct ev_loop *loop;
	struct genl *genl;
	const struct fence *fence;
	flush_is_ours_fn is_ours;
	flush_session_fn session;
	void *ctx;
	dp_done_fn done;
	void *arg;
	ev_timer timer;
	double started;
	unsigned found;		/* in this pass */
	bool announced;
	uint8_t asked[65536 / 8];	/* deletion was requested */
};

void flush_cancel(struct flush *f)
{
	if (!f)
		return;
	ev_timer_stop(f->loop, &f->timer);
	*f->slot = NULL;
	free(f);
}

static void flush_end(struct flush *f, int error)
{
	dp_done_fn done = f->done;
	void *arg = f->arg;

	flush_cancel(f);
	if (done)
		done(arg, error);
}

static void on_tunnel(void *arg, const struct genl_tunnel *t)
{
	struct flush *f = arg;
	uint8_t *byte;

	if (t->version != 2 || !t->id || t->id > UINT16_MAX || !t->local.family || t->local.port != L2TP_PORT ||
	    f->is_ours(f->ctx, t->id))
		return;
	if (fence_declared_count(f->fence) && !fence_declared(f->fence, &t->local))
		return;
	f->found++;
	byte = &f->asked[t->id / 8];
	if (*byte & 1 << t->id % 8)
		return;
	if (!genl_tunnel_delete(f->genl, (uint16_t)t->id, NULL, NULL))
		*byte |= (uint8_t)(1 << t->id % 8);
}

static void on_session(void *arg, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *counters)
{
	struct flush *f = arg;

	(void)counters;
	f->session(f->ctx, tunnel_id, session_id);
}

static void on_sessions_read(void *arg, int error)
{
	flush_end(arg, error);
}

static void on_dumped(void *arg, int error)
{
	struct flush *f = arg;

	if (error) {
		flush_end(f, error);
		return;
	}
	if (f->found && !f->announced) {
		log_info("removing %u tunnels that an earlier daemon left in the kernel", f->found);
		f->announced = true;
	}
	if (!f->found) {
		error = genl_sessions(f->genl, on_session, on_sessions_read, f);
		if (error)
			flush_end(f, error);
		return;
	}
	if (ev_now(f->loop) - f->started > GIVE_UP_S) {
		log_warnx("%u tunnels of an earlier daemon do not go away: does a process hold their sockets?", f->found);
		flush_end(f, -ETIMEDOUT);
		return;
	}
	ev_timer_set(&f->timer, AGAIN_S, 0.);
	ev_timer_start(f->loop, &f->timer);
}

static int pass(struct flush *f)
{
	f->found = 0;
	return genl_tunnels(f->genl, on_tunnel, on_dumped, f);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct flush *f = w->data;
	int e = pass(f);

	(void)loop, (void)revents;
	if (e)
		flush_end(f, e);
}

int flush_start(struct flush **slot, struct ev_loop *loop, struct genl *genl, const struct fence *fence,
		flush_is_ours_fn is_ours, flush_session_fn session, void *ctx, dp_done_fn done, void *arg)
{
	struct flush *f;
	int e;

	if (*slot)
		return -EBUSY;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	*slot = f;
	f->slot = slot;
	f->loop = loop;
	f->genl = genl;
	f->fence = fence;
	f->is_ours = is_ours;
	f->session = session;
	f->ctx = ctx;
	f->done = done;
	f->arg = arg;
	f->started = ev_now(loop);
	ev_init(&f->timer, on_timer);
	f->timer.data = f;
	e = pass(f);
	if (e)
		flush_cancel(f);
	return e;
}
