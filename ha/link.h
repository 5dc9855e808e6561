/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HA link: one TLS 1.3 stream with a pre-shared key between two nodes.
 * The only file of ha/ that does I/O; driven by the shell's event loop:
 * it tells which fd to watch for what, and takes readiness and time.
 *
 * The node whose name sorts lower dials, the other one listens.  No plaintext
 * mode, no certificate, no session tickets / 0-RTT (replay safe).
 *
 * Callbacks may call send() and reset(); they must not free the link.
 */
#ifndef L2TPHA_HA_LINK_H
#define L2TPHA_HA_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ha_link;

struct ha_link_config {
	char node[64], group[64];
	bool dial;			/* we connect; else we accept */
	struct sockaddr_storage local, peer; /* with port; default port 1702 */
	uint8_t key[64];
	size_t key_len;			/* >= 16 */
	uint32_t connect_timeout_ms;	/* TCP + TLS handshake; default 2000 */
	uint32_t retry_ms;		/* between dials; default 200; doubles while links do not last */
};
struct ha_link_ops {
	void *ctx;
	void (*up)(void *ctx);
	void (*down)(void *ctx, const char *why);	/* once per up; also refused handshakes are only logged */
	void (*input)(void *ctx, const uint8_t *data, size_t len);
	/* the peer answers, but there will be no link with it (key, group, name); may be NULL */
	void (*trouble)(void *ctx, const char *why);
	/* watch fd for events (bit 0 read, bit 1 write); events 0 = stop watching (before the fd is closed) */
	void (*watch)(void *ctx, int fd, int events);
};
struct ha_link *ha_link_new(const struct ha_link_config *config, const struct ha_link_ops *ops);
void ha_link_free(struct ha_link *link);
int ha_link_start(struct ha_link *link, uint64_t now_ms);	/* -errno: cannot listen */
void ha_link_ready(struct ha_link *link, int fd, int events, uint64_t now_ms);
/* Reads what lies there, if anything: before somebody is called late because his answer was not read. */
void ha_link_read(struct ha_link *link, uint64_t now_ms);
void ha_link_tick(struct ha_link *link, uint64_t now_ms);
uint64_t ha_link_deadline_ms(const struct ha_link *link);
/* Queues and writes what fits; -ENOTCONN when down, -ENOBUFS past 64 MiB unsent (then reset). */
int ha_link_send(struct ha_link *link, const uint8_t *data, size_t len);
/* Closes the live connection and calls down(why); a dialler tries again after retry_ms. */
void ha_link_reset(struct ha_link *link, const char *why);
size_t ha_link_queued(const struct ha_link *link);

#endif
