/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zygote process, for io_pppd.c only. */
#ifndef DAEMON_IO_PPPD_ZYGOTE_H
#define DAEMON_IO_PPPD_ZYGOTE_H

#include "daemon/io_pppd.h"
#include "pppd-plugin/proto.h"

struct zygote;

struct zygote_events {
	/* A session's process ended; the status as of waitpid(). */
	void (*exited)(void *ctx, const struct proto_note *note);
};

struct zygote *zygote_new(struct ev_loop *loop,
			  const struct io_pppd_config *config,
			  const char *socket_path,
			  const struct zygote_events *events, void *ctx);
void zygote_free(struct zygote *z);

/*
 * Sends a request with its descriptors, at once or when the socket has room;
 * takes the descriptors over.  -ENOTCONN while no zygote runs.
 */
int zygote_send(struct zygote *z, struct ppp_key key, const uint8_t *buf,
		size_t len, const int *fds, size_t n_fds);
/* Forgets a request that was not sent yet: true if there was one. */
bool zygote_cancel(struct zygote *z, struct ppp_key key);

#endif
