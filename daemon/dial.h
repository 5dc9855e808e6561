/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dialled calls: what a LAC does until a call of its own is established.
 *
 * An origin (a dialer, a switched session, a PPPoE subscriber) says what is
 * dialled and by whom; the rest is done here: the request-dialin group is
 * found, its peers are ordered (priority, limit, load, who is busy), a tunnel
 * is used again or opened, the call is placed, and goes to the next peer where
 * L2TP Extended Failover says so.  The origin hears once: connected, or failed.
 *
 * One dialer serves one redundancy group and its engine.  Pure: it acts on the
 * engine, and hears of it through dialer_action().
 */
#ifndef L2TPHA_DAEMON_DIAL_H
#define L2TPHA_DAEMON_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config.h"
#include "l2tp/l2tp.h"

struct dialer;
struct dial;

struct dial_failure {
	struct l2tp_result result;	/* of the last peer that was asked, as it said it; result 0: none, or no answer */
	bool call;			/* the result is of a CDN, not of a StopCCN */
	bool by_peer;			/* a peer refused; false: none was left to ask, or it is our doing */
	bool loop;			/* it would come back to who called, or to us */
	struct l2tp_endpoint peer;	/* the last that was asked; family 0: none */
	uint16_t tunnel_id;
	const char *type;		/* for the failure history, e.g. "No available tunnel" */
	char reason[160];
};

/*
 * What a dial becomes.  Neither is called from inside dial_start(); the dial is
 * gone before.  A new one is not started from inside failed().
 */
struct dial_events {
	/* Established: the call is the owner's from now on, its end is told by the engine alone. */
	void (*connected)(void *ctx, uint32_t tag, uint16_t tunnel_id, uint16_t session_id);
	void (*failed)(void *ctx, uint32_t tag, const struct dial_failure *why);
};

struct dial_request {
	const struct dial_events *events;	/* outlives the dial */
	void *ctx;
	uint32_t tag;
	/* how the group is found: by its name, or by what is dialled: DNIS first, then the user's domain */
	const char *group, *user, *dnis;
	/* Of a call that came by a tunnel: its peer and what that calls itself.  It is not dialled back there. */
	struct l2tp_endpoint from;
	const char *from_name;
	struct l2tp_call_params call;		/* copied, with its texts and AVPs */
};

struct dialer_ops {
	void *ctx;
	/* Our address of tunnels of the group to `peer`, its port set; false: another redundancy group dials for it. */
	bool (*local)(void *ctx, const struct config_vpdn_group *group, const struct l2tp_endpoint *peer,
		      struct l2tp_endpoint *local);
	/* What tunnels of the group are opened with: `group` is as it is configured, not yet with its template. */
	void (*params)(void *ctx, const struct config_vpdn_group *group, struct l2tp_tunnel_params *params);
	/* False: no more calls of the group for now (limits, soft shut). */
	bool (*admits)(void *ctx, const char *group, char why[L2TP_TEXT_MAX]);
	void (*random)(void *ctx, void *buf, size_t len);
	/* True: the operator wants no more calls at that peer.  May be NULL. */
	bool (*drained)(void *ctx, const struct l2tp_endpoint *peer);
	/* True: the address is this box's own, it would answer itself.  May be NULL. */
	bool (*own)(void *ctx, const struct l2tp_endpoint *peer);
	/* Who is busy has changed: to be recorded.  May be NULL. */
	void (*busy)(void *ctx);
	/* A peer refused, another one may still take the call: for the history.  May be NULL. */
	void (*refused)(void *ctx, const struct dial_failure *why, const char *user);
};

struct dialer *dialer_new(const struct config *config, struct l2tp *l2tp, const struct dialer_ops *ops);
void dialer_free(struct dialer *dialer);	/* nobody is told */

/*
 * NULL: it failed at once, *why says why (nobody is told again).  The engine
 * has to be active.
 */
struct dial *dial_start(struct dialer *dialer, uint64_t now_ms, const struct dial_request *request,
			struct dial_failure *why);
/* The origin is gone: the call is ended as far as it has come, and nobody is told. */
void dial_cancel(struct dial *dial, uint64_t now_ms, const struct l2tp_result *result);

/* Every action of the engine.  True: it is of a call that is being dialled, and nobody else's business. */
bool dialer_action(struct dialer *dialer, uint64_t now_ms, const struct l2tp_action *action);
void dialer_tick(struct dialer *dialer, uint64_t now_ms);
uint64_t dialer_deadline_ms(const struct dialer *dialer);	/* UINT64_MAX: none */

/* The engine has taken over: its tunnels are used again.  What was being dialled is gone. */
void dialer_take_over(struct dialer *dialer);
/* The engine is passive: all dials and tunnels are forgotten, silently; who is busy is kept. */
void dialer_reset(struct dialer *dialer);

/* ---- peers that refused (the dead-cache) ---- */
struct dial_busy {
	struct l2tp_endpoint peer;
	uint64_t since_ms, until_ms;	/* monotonic */
	char why[128];
};
/* *at starts as 0; false: no more. */
bool dialer_busy_next(const struct dialer *dialer, uint64_t now_ms, size_t *at, struct dial_busy *out);
/* NULL: all of them. Returns how many there were; ops.busy() is not called. */
size_t dialer_busy_clear(struct dialer *dialer, const struct l2tp_endpoint *peer);
/* From a record. */
void dialer_busy_set(struct dialer *dialer, const struct dial_busy *busy);

/* Where a call would go: NULL: no group of request-dialin has it. */
const struct config_vpdn_group *dial_group_hostname(const struct config *config, const char *hostname);
const struct config_vpdn_group *dial_group(const struct config *config, const char *user, const char *dnis);
/* Does any group dial by the domain of a user? */
bool dial_group_domains(const struct config *config);
/* Calls of the group at the peer: established, in setup, or waiting for a tunnel to it. */
uint32_t dialer_load(const struct dialer *dialer, const char *group, const struct l2tp_endpoint *peer);

#endif
