/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the dialer; for dial.c (calls) and dial_peers.c (tunnels, who is busy) only.
 */
#ifndef L2TPHA_DAEMON_DIAL_INTERNAL_H
#define L2TPHA_DAEMON_DIAL_INTERNAL_H

#include <uthash.h>

#include "daemon/dial.h"

struct target_key {
	char group[CONFIG_NAME_MAX];
	uint8_t address[17];		/* family and address */
};

struct target {			/* a peer of a group: it is asked of at every call */
	struct target_key key;
	struct dial_tunnel *tunnels;	/* a list; it has one at least */
	UT_hash_handle hh;
};

struct dial_tunnel {		/* one that calls of a group go by: we opened it, or the peer did */
	uint16_t id;
	struct target *target;
	struct dial_tunnel *prev, *next;	/* of the target */
	struct dial *waiting;		/* a list: dials that wait for it */
	uint32_t waiting_count;
	UT_hash_handle hh;
};

struct busy {
	uint8_t address[17];		/* family and address */
	struct dial_busy b;
	UT_hash_handle hh;
};

struct dial {
	struct dialer *dialer;
	struct dial_request request;
	char group[CONFIG_NAME_MAX], user[CONFIG_NAME_MAX * 4];
	char called[L2TP_NAME_MAX], calling[L2TP_NAME_MAX], sub_address[L2TP_NAME_MAX];
	char from_name[L2TP_NAME_MAX];
	struct l2tp_avp *avps;
	uint32_t asked;			/* bit i: the group's peer i has been asked, or cannot be */
	uint32_t tied;			/* bit i: a request for a tunnel to it lost a tie */
	struct l2tp_endpoint directed[CONFIG_DIAL_PEERS_MAX];
	size_t directed_count;
	struct dial_failure last;
	struct dial_tunnel *at;		/* it waits there; NULL: its call is on the way */
	uint32_t key;			/* of the call */
	struct dial *prev, *next;	/* at the tunnel */
	UT_hash_handle hh;		/* while the call is on the way */
};

struct dialer {
	const struct config *config;
	struct l2tp *l2tp;
	struct dialer_ops ops;
	struct dial_tunnel *tunnels;
	struct target *targets;
	struct dial *calls;		/* on the way, by tunnel and session */
	struct busy *busy;
	uint64_t deadline_ms;		/* of busy peers; may be early */
};

/* ---- dial_peers.c ---- */
/* As it is in force; all zero: there is none. */
void dial_group_effective(const struct dialer *dialer, const char *name, struct config_vpdn_group *out);
bool dial_is_busy(const struct dialer *dialer, uint64_t now_ms, const struct l2tp_endpoint *peer);
/* For as long as the group says. */
void dial_make_busy(struct dialer *dialer, uint64_t now_ms, const struct l2tp_endpoint *peer, const char *group,
		    const char *why);
struct dial_tunnel *dial_tunnel_find(const struct dialer *dialer, uint16_t id);
/* NULL: no memory. */
struct dial_tunnel *dial_tunnel_add(struct dialer *dialer, uint16_t id, const char *group, const struct l2tp_endpoint *peer);
/* It is found no more; the caller frees it. */
void dial_tunnel_remove(struct dialer *dialer, struct dial_tunnel *t);
enum tunnel_use { USE_NONE, USE_RESYNC, USE_SETUP, USE_READY };
/* The best tunnel there is to the peer. */
enum tunnel_use dial_tunnel_to(const struct dialer *dialer, const char *group, const struct l2tp_endpoint *peer,
			       struct dial_tunnel **out);

#endif
