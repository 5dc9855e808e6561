/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket that makes a kernel L2TP session a PPP channel. */
#ifndef L2TPHA_NETLINK_PPPOX_H
#define L2TPHA_NETLINK_PPPOX_H

#include "netlink/dataplane.h"

/* Connected to the session, which exists; tunnel_fd is the tunnel's UDP socket. fd or -errno. */
int pppox_open(const struct dp_session *s, int tunnel_fd);
/* Is fd the socket of this session? */
bool pppox_is(int fd, const struct dp_session *s);
/* Is there PPP over L2TP in this kernel? Tries to load it. 0 or -errno. */
int pppox_available(void);

#endif
