/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon and the plugin say to each other.
 *
 * One message is one datagram of a SOCK_SEQPACKET socket: an eight octet
 * header (magic, version, type, length) and TLVs (type, length, value), all
 * in network order.  A receiver skips TLVs it does not know, and takes any
 * version whose number it has heard of: a plugin one release older or newer
 * than the daemon goes on talking to it after an upgrade.
 *
 * Two kinds of sockets:
 *   zygote  daemon <-> zygote pppd: START (with descriptors), KILL, PREPARE;
 *           READY, EXITED
 *   link    daemon <-> one session's pppd: the rest
 */
#ifndef PPPD_PLUGIN_PROTO_H
#define PPPD_PLUGIN_PROTO_H

#include "daemon/ppp.h"

#define PROTO_VERSION		1
#define PROTO_HEADER		8
#define PROTO_MSG_MAX		4096
#define PROTO_FDS_MAX		3

enum proto_type {
	/* daemon -> zygote */
	PROTO_START = 1,	/* fds: link, session, tunnel (if any) */
	/* zygote -> daemon */
	PROTO_READY,
	PROTO_EXITED,		/* a session's process has ended */
	/* daemon -> session */
	PROTO_VERDICT,
	PROTO_ACTIVATE,
	PROTO_TERMINATE,
	PROTO_KILL,		/* also to the zygote */
	PROTO_ADOPT,		/* after HELLO: stay, and hand over your fds */
	/* session -> daemon */
	PROTO_AUTH,
	PROTO_UP,
	PROTO_CHANGED,
	PROTO_INJECTED,
	PROTO_DOWN,
	PROTO_HELLO,		/* first on a new connection, as UP */
	PROTO_FDS,		/* fds: session, tunnel (if any) */
	/* daemon -> session */
	PROTO_EARLY,		/* a frame that came before the session did */
	/* daemon -> zygote */
	PROTO_PREPARE,		/* so many sessions may come soon (status) */
	/* daemon -> session */
	PROTO_MUTE,		/* standby from here on; INJECTED is the answer */
	PROTO_TYPE_END
};

enum proto_tlv {
	TLV_TUNNEL_ID = 1,
	TLV_SESSION_ID,
	TLV_IFNAME,
	TLV_AUTH_PAP,
	TLV_AUTH_CHAP,
	TLV_LOCAL_NAME,
	TLV_MRU,
	TLV_MTU,
	TLV_LOCAL_ADDR,
	TLV_PEER_ADDR,
	TLV_ECHO_INTERVAL_S,
	TLV_ECHO_FAILURES,
	TLV_STANDBY,
	TLV_STATE,
	TLV_AUTH_KIND,
	TLV_USER,
	TLV_PASSWORD,
	TLV_CHAP_ID,
	TLV_CHALLENGE,
	TLV_RESPONSE,
	TLV_OK,
	TLV_DNS1,
	TLV_DNS2,
	TLV_MESSAGE,
	TLV_PEER_MRU,
	TLV_LOCAL_MAGIC,
	TLV_PEER_MAGIC,
	TLV_REASON,
	TLV_CAUSE,
	TLV_PROTOCOL,
	TLV_DIRECTION,
	TLV_STATUS,
	TLV_INSTANCE,
	TLV_FRAME,
	TLV_CLIENT,
	TLV_PROXY_LCP,
	TLV_PROXY_MRU,
	TLV_PROXY_USER,
	TLV_PROXY_PASSWORD,
	TLV_LCP_FIRST_RECEIVED = 100,
	TLV_LCP_SENT,
	TLV_LCP_RECEIVED,
	TLV_IFGROUP,
	/* inside a captured state */
	TLV_STATE_VERSION = 128,
	TLV_GOT_FLAGS,
	TLV_GOT_ASYNCMAP,
	TLV_HIS_FLAGS,
	TLV_HIS_ASYNCMAP,
	TLV_LCP_ID,
	TLV_IPCP_ID,
	TLV_IPCP_FLAGS,
};

/*
 * A key and a number: EXITED (wait status), INJECTED (errno), plain orders.
 * An instance is one start: keys come back, instances do not.
 */
struct proto_note {
	struct ppp_key key;
	uint32_t instance;
	int32_t status;
};

/* A frame from its protocol field on; the pointer points into the message. */
struct proto_frame {
	const uint8_t *bytes;
	size_t bytes_len;
};

/* Bits of ppp_state.ipcp_flags */
enum { IPCP_GOT_ADDR = 1, IPCP_HIS_ADDR = 2 };

#define PPP_STATE_VERSION	1

/* Everything a pppd needs to go on where another one stopped. */
struct ppp_state {
	uint8_t version;
	struct lcp_side got, his;	/* what we got; what the peer got */
	uint8_t lcp_id, ipcp_id;
	uint32_t ipcp_flags;
	uint32_t local_addr, peer_addr, dns[2];
	uint8_t auth_kind;
	char user[PPP_NAME_MAX];
};

struct proto_writer {
	uint8_t *buf;
	size_t size, len;
	int overflow;
};

struct proto_iter {
	const uint8_t *pos, *end;
};

struct proto_item {
	uint16_t type;
	uint16_t len;
	const uint8_t *value;
};

/* Opens a received datagram: the message type, or -EBADMSG, -EPROTO. */
int proto_open(struct proto_iter *it, const uint8_t *buf, size_t len);
/* The next TLV: 1; 0 at the end; -EBADMSG when it leaves the message. */
int proto_next(struct proto_iter *it, struct proto_item *item);

void proto_begin(struct proto_writer *w, uint8_t *buf, size_t size,
		 enum proto_type type);
void proto_put(struct proto_writer *w, uint16_t type, const void *value,
	       size_t len);
/* Length of the finished message, or -EMSGSIZE. */
int proto_end(struct proto_writer *w);

/*
 * Whole messages.  Encoders return the length or -EMSGSIZE; decoders take an
 * iterator from proto_open(), 0 or -EBADMSG, and leave absent fields zero.
 * Pointers in decoded structures point into the message.
 */
int proto_encode_start(uint8_t *buf, size_t size, const struct ppp_params *p,
		       uint32_t instance);
int proto_decode_start(struct proto_iter *it, struct ppp_params *p,
		       uint32_t *instance);
int proto_encode_auth(uint8_t *buf, size_t size, const struct ppp_auth *a);
int proto_decode_auth(struct proto_iter *it, struct ppp_auth *a);
int proto_encode_verdict(uint8_t *buf, size_t size, const struct ppp_verdict *v);
int proto_decode_verdict(struct proto_iter *it, struct ppp_verdict *v);
int proto_encode_up(uint8_t *buf, size_t size, enum proto_type type,
		    struct ppp_key key, const struct ppp_up *up);
int proto_decode_up(struct proto_iter *it, struct ppp_key *key,
		    struct ppp_up *up);
int proto_encode_down(uint8_t *buf, size_t size, const struct ppp_down *d);
int proto_decode_down(struct proto_iter *it, struct ppp_down *d);
int proto_encode_note(uint8_t *buf, size_t size, enum proto_type type,
		      const struct proto_note *n);
int proto_decode_note(struct proto_iter *it, struct proto_note *n);
int proto_encode_early(uint8_t *buf, size_t size, const struct proto_frame *f);
/* -EBADMSG also when there is no whole protocol field in it. */
int proto_decode_early(struct proto_iter *it, struct proto_frame *f);

/* A captured state is TLVs without a header. -EPROTO: version not known. */
int proto_encode_state(uint8_t *buf, size_t size, const struct ppp_state *s);
int proto_decode_state(const uint8_t *buf, size_t len, struct ppp_state *s);

/* Until the daemon is looked for again, after so many times. */
uint32_t proto_retry_us(unsigned int tries, uint32_t random);

/* Datagrams with descriptors.  -EAGAIN, other -errno, or the length. */
int proto_send(int sock, const uint8_t *buf, size_t len, const int *fds,
	       size_t n_fds);
/* 0 is the end of the connection; *n_fds descriptors belong to the caller. */
int proto_recv(int sock, uint8_t *buf, size_t size, int *fds, size_t *n_fds);

#endif
