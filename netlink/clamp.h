/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef L2TPHA_NETLINK_CLAMP_H
#define L2TPHA_NETLINK_CLAMP_H

#include <stdbool.h>

/* TCP of subscribers is told what fits into their links; or is not. 0, or -errno (logged). */
int clamp_mss(bool on);

#endif
