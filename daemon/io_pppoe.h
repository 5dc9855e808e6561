/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PPPoE discovery on the interfaces of the configuration (pppoe.h), and the kernel's PPPoE sockets. */
#ifndef L2TPHA_DAEMON_IO_PPPOE_H
#define L2TPHA_DAEMON_IO_PPPOE_H

#include <stdint.h>

#include "daemon/group.h"

struct ev_loop;
struct io_pppoe;

/*
 * For the redundancy group at `index` of `count`.  NULL and why[0] == 0: it serves nobody.  Sessions belong to the
 * group, which outlives it; their IDs are unique on the box.
 */
struct io_pppoe *io_pppoe_new(struct ev_loop *loop, const struct config *config, struct group *group, size_t index, size_t count,
			      char why[256]);
void io_pppoe_free(struct io_pppoe *pppoe);
/* The group's access_end. */
int io_pppoe_socket(struct io_pppoe *pppoe, const struct group_access *access);
void io_pppoe_announce(struct io_pppoe *pppoe);
/* why NULL: forgotten. */
void io_pppoe_end(struct io_pppoe *pppoe, uint16_t session_id, const char *why);

#endif
