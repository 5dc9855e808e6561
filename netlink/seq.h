/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequenced data of a session that is new in this kernel while its peer's
 * numbers go on: brings the kernel near them.
 */
#ifndef L2TPHA_NETLINK_SEQ_H
#define L2TPHA_NETLINK_SEQ_H

#include "netlink/dataplane.h"

struct ev_loop;
struct genl;
struct seqs;
struct worker;

struct seqs *seqs_new(struct ev_loop *loop, struct genl *genl, struct worker *worker);
void seqs_free(struct seqs *q);
/* The session was made, and nothing has come yet.  Until the first packet of the peer it is watched. */
void seqs_watch(struct seqs *q, const struct dp_session *session);
void seqs_forget(struct seqs *q, uint16_t tunnel_id, uint16_t session_id);

#endif
