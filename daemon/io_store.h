/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd's file descriptor store; without systemd there is nothing in it and nothing is kept. */
#ifndef L2TPHA_DAEMON_IO_STORE_H
#define L2TPHA_DAEMON_IO_STORE_H

#include "netlink/kernel.h"

/* Offers the data plane what was kept over the restart, and keeps what it has from now on. Once, before listening. */
void io_store_start(struct dp *dp);

#endif
