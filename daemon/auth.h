/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Authentication of subscribers by the local user list.  Pure. */
#ifndef L2TPHA_DAEMON_AUTH_H
#define L2TPHA_DAEMON_AUTH_H

#include "daemon/config.h"
#include "daemon/ppp.h"

/* The user if the proof holds, else NULL with `why` for the log and the failure history. */
const struct config_user *auth_check(const struct config *config, const struct ppp_auth *auth, char why[PPP_MESSAGE_MAX]);

#endif
