/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shell around the groups of this box: event loop, data plane, PPP engine,
 * HA links, the files that outlive the process.  Everything that decides is in
 * group.h and below.
 */
#ifndef L2TPHA_DAEMON_IO_NODE_H
#define L2TPHA_DAEMON_IO_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "daemon/group.h"

struct ev_loop;
struct io_node;
struct pool_set;

struct io_node_config {
	const struct config *config;	/* outlives the node */
	const char *run_dir, *state_dir;
	const char *plugin_path;
	const char *pppd_log;		/* NULL: none */
};

/* NULL: `why` says it in one line. */
struct io_node *io_node_new(struct ev_loop *loop, const struct io_node_config *config, char why[256]);
/* For a daemon that follows soon: emits nothing, what is open stays open a while. Kernel sessions and pppds stay for the next daemon or the peer. */
void io_node_free(struct io_node *node);
struct group **io_node_groups(struct io_node *node, size_t *count);
struct pool_set *io_node_pools(struct io_node *node);
uint64_t io_now_ms(void);	/* CLOCK_BOOTTIME: counts suspend */

#endif
