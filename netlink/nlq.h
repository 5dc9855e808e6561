/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asynchronous requests on one netlink socket of any family.
 *
 * The kernel does the work of a request inside sendmsg(), so the queue sends
 * only about a millisecond's worth per turn of the loop.
 */
#ifndef L2TPHA_NETLINK_NLQ_H
#define L2TPHA_NETLINK_NLQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct nl_msg;
struct nlmsghdr;
struct nlq;

typedef void (*nlq_done_fn)(void *arg, int error);
/* One message of a dump or a reply. */
typedef void (*nlq_msg_fn)(void *arg, const struct nlmsghdr *nlh);

/*
 * `protocol` is NETLINK_*. At most in_flight requests are with the kernel at
 * a time (1 for a socket that dumps: the kernel does one dump per socket).
 * NULL with errno set.
 */
struct nlq *nlq_new(struct ev_loop *loop, int protocol, unsigned in_flight, const char *name);
/* Requests that are not finished are dropped, `done` is not called. Not from inside a callback. */
void nlq_free(struct nlq *q);

/*
 * Takes over msg, also on error. Flags NLM_F_REQUEST and, unless it is a dump,
 * NLM_F_ACK are added. `done` gets 0, the kernel's -errno, -ENOBUFS (the
 * answer was lost) or -ETIMEDOUT; after the last two the outcome is unknown.
 * on_msg may be NULL.
 */
int nlq_request(struct nlq *q, struct nl_msg *msg, nlq_msg_fn on_msg, nlq_done_fn done, void *arg);
/*
 * The same for messages that are already laid out one after the other (an
 * nfnetlink batch): all of them get the request's sequence number; the first
 * answer to any of them finishes it. `data` is copied.  `fresh`: it is true now
 * only; not sent any more (-ESTALE) after NLQ_FRESH_MS, if this process stood still.
 */
#define NLQ_FRESH_MS 20
int nlq_request_raw(struct nlq *q, const void *data, size_t len, bool fresh, nlq_done_fn done, void *arg);

/* Was the outcome of a finished request lost? Then what it made may exist. */
static inline bool nlq_unknown(int error)
{
	return error == -105 /* ENOBUFS */ || error == -110 /* ETIMEDOUT */;
}

#endif
