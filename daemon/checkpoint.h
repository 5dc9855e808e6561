/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live objects to record bodies (ha/state.proto) and back.  Pure.
 * Encoders return a malloc'd body through *body (the caller frees it) or
 * -ENOMEM; decoders return 0 or -EBADMSG and touch *out only on success.
 */
#ifndef L2TPHA_DAEMON_CHECKPOINT_H
#define L2TPHA_DAEMON_CHECKPOINT_H

#include <stdint.h>

#include "daemon/dial.h"
#include "daemon/ppp.h"
#include "ha/ha.h"
#include "l2tp/l2tp.h"

enum checkpoint_type {		/* struct ha_key.type */
	CHECKPOINT_TUNNEL = 1,	/* a = tunnel */
	CHECKPOINT_CHANNEL,	/* a = tunnel */
	CHECKPOINT_MESSAGE,	/* a = tunnel, b = Ns */
	CHECKPOINT_SESSION,	/* a = tunnel, b = session */
	CHECKPOINT_SUBSCRIBER,	/* a = tunnel, b = session */
	CHECKPOINT_JOINT,	/* a, b: the session that came in */
	CHECKPOINT_DRAIN = 8,	/* one for the group; a = its first tunnel ID */
	CHECKPOINT_BUSY = 128,	/* the same; c = 1 */
};

/* The types this software knows, and the versions of their bodies, for the handshake of ha/. */
extern const struct ha_record_type checkpoint_types[];
extern const size_t checkpoint_type_count;
bool checkpoint_knows(uint8_t type);

struct checkpoint_subscriber {
	uint16_t tunnel_id, session_id;
	char user[PPP_NAME_MAX];
	char ifname[PPP_IFNAME_MAX];
	char pool[64];
	uint32_t address;	/* network order */
	const uint8_t *ppp_state;
	size_t ppp_state_len;
	uint64_t up_unix_ms;
	uint16_t dialer;	/* this box is the subscriber; 0: it is the LNS */
	uint32_t own_address;	/* network order */
};

struct checkpoint_joint {
	bool access;		/* the head came by PPPoE: */
	char bba[64];
	uint8_t mac[6];
	char circuit[64], remote[64];
	uint16_t tunnel_id, session_id, to_tunnel_id, to_session_id;
	char user[PPP_NAME_MAX];
	uint64_t up_unix_ms;
};

#define CHECKPOINT_DRAIN_PEERS 32
struct checkpoint_drain {
	bool all;
	size_t count;
	char peers[CHECKPOINT_DRAIN_PEERS][L2TP_NAME_MAX];
};

#define CHECKPOINT_BUSY_PEERS 64
struct checkpoint_busy {
	size_t count;
	struct dial_busy peers[CHECKPOINT_BUSY_PEERS];	/* times are Unix milliseconds */
};

int checkpoint_encode_busy(const struct checkpoint_busy *in, uint8_t **body, size_t *len);
int checkpoint_decode_busy(const void *body, size_t len, struct checkpoint_busy *out);
int checkpoint_encode_drain(const struct checkpoint_drain *in, uint8_t **body, size_t *len);
int checkpoint_decode_drain(const void *body, size_t len, struct checkpoint_drain *out);
int checkpoint_encode_tunnel(const struct l2tp_tunnel_state_rec *in, uint8_t **body, size_t *len);
int checkpoint_encode_channel(const struct l2tp_channel_state *in, uint8_t **body, size_t *len);
int checkpoint_encode_message(const uint8_t *data, size_t data_len, uint8_t **body, size_t *len);
int checkpoint_encode_session(const struct l2tp_session_state_rec *in, uint8_t **body, size_t *len);
int checkpoint_encode_joint(const struct checkpoint_joint *in, uint8_t **body, size_t *len);
int checkpoint_encode_subscriber(const struct checkpoint_subscriber *in, uint8_t **body, size_t *len);

/*
 * Carries what this release does not know in the held body of a record over
 * to the new one (*body is replaced).  0, or -ENOMEM: *body is as it was.
 */
int checkpoint_keep_unknown(uint8_t type, const void *held, size_t held_len, uint8_t **body, size_t *len);

int checkpoint_decode_tunnel(const void *body, size_t len, struct l2tp_tunnel_state_rec *out);
int checkpoint_decode_channel(const void *body, size_t len, struct l2tp_channel_state *out);
int checkpoint_decode_message(const void *body, size_t len, uint8_t out[L2TP_MSG_MAX], size_t *out_len);
int checkpoint_decode_session(const void *body, size_t len, struct l2tp_session_state_rec *out);
int checkpoint_decode_joint(const void *body, size_t len, struct checkpoint_joint *out);
/* out->ppp_state is malloc'd (may be NULL); the caller frees it. */
int checkpoint_decode_subscriber(const void *body, size_t len, struct checkpoint_subscriber *out);

#endif
