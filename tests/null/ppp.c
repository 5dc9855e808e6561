// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PPP engine for l2tphad-null that takes every session and says nothing of
 * any: only the control plane works.  Stands in for daemon/io_pppd.c at the link.
 */
#include <stdlib.h>

#include "daemon/io_pppd.h"

struct io_pppd {
	size_t sessions;
};

static int engine_start(void *engine, const struct ppp_params *params)
{
	(void)params;
	((struct io_pppd *)engine)->sessions++;
	return 0;
}

static void engine_activate(void *engine, struct ppp_key key)
{
	(void)engine, (void)key;
}

static void engine_end(void *engine, struct ppp_key key)
{
	(void)key;
	((struct io_pppd *)engine)->sessions--;
}

static void engine_reply(void *engine, struct ppp_key key, const struct ppp_verdict *verdict)
{
	(void)engine, (void)key, (void)verdict;
}

const struct ppp_engine_ops io_pppd_ops = {
	.start = engine_start, .activate = engine_activate, .kill = engine_end, .terminate = engine_end,
	.auth_reply = engine_reply,
};

struct io_pppd *io_pppd_new(struct ev_loop *loop, const struct io_pppd_config *config, const struct ppp_events *events,
			    void *ctx)
{
	(void)loop, (void)config, (void)events, (void)ctx;
	return calloc(1, sizeof(struct io_pppd));
}

void io_pppd_free(struct io_pppd *p)
{
	free(p);
}

void io_pppd_early(struct io_pppd *p, const uint8_t *packet, size_t len)
{
	(void)p, (void)packet, (void)len;
}

size_t io_pppd_sessions(const struct io_pppd *p)
{
	return p->sessions;
}
