/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what the LAC negotiated with the subscriber good enough?  (proxy.c)
 */
#ifndef L2TPHA_DAEMON_PROXY_H
#define L2TPHA_DAEMON_PROXY_H

#include "daemon/config.h"
#include "daemon/ppp.h"

enum proxy_verdict {
	PROXY_NONE,		/* the LAC told nothing */
	PROXY_USE,
	PROXY_MISMATCH,		/* it is not what we ask of subscribers, or cannot be read */
};

/* `why` says what does not fit.  `ask`: who the subscriber is we ask ourselves (force-local-chap). */
enum proxy_verdict proxy_judge(const struct l2tp_session *session, const struct config_vtemplate *vt, bool ask,
			       struct ppp_proxy *out, char why[PPP_MESSAGE_MAX]);

#endif
