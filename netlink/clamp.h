/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef L2TPHA_NETLINK_CLAMP_H
#define L2TPHA_NETLINK_CLAMP_H

#include "netlink/dataplane.h"

/* TCP of these is told what fits into their links. 0, or -errno (logged). */
int clamp_mss(enum dp_clamp whose);

#endif
