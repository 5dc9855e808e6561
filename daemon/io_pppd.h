/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pppd with l2tpha.so as the PPP engine behind ppp.h. */
#ifndef DAEMON_IO_PPPD_H
#define DAEMON_IO_PPPD_H

#include "daemon/ppp.h"

struct ev_loop;
struct io_pppd;

struct io_pppd_config {
	const char *rundir;		/* ppp.sock is made here */
	const char *pppd_path;		/* NULL: /usr/sbin/pppd */
	const char *plugin_path;	/* absolute path of l2tpha.so */
	const char *log_path;		/* pppd's debug log, or NULL */
	bool exec_per_session;		/* no zygote: one exec for each start */
};

/* The engine of struct ppp_engine_ops is the struct io_pppd. */
extern const struct ppp_engine_ops io_pppd_ops;

/*
 * Starts the zygote.  NULL with errno and a logged reason.  The strings of
 * the configuration are copied; `events` must stay.
 */
struct io_pppd *io_pppd_new(struct ev_loop *loop,
			    const struct io_pppd_config *config,
			    const struct ppp_events *events, void *ctx);
/* Leaves the sessions running: they look for the next daemon. */
void io_pppd_free(struct io_pppd *p);

/*
 * An L2TP data packet that the kernel had no session for.  Its frame waits for
 * start(), or goes to the session's pppd if that has begun already.
 */
void io_pppd_early(struct io_pppd *p, const uint8_t *packet, size_t len);

/* For `show` and benchmarks. */
size_t io_pppd_sessions(const struct io_pppd *p);

#endif
