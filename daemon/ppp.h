/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam between a session and its PPP engine.
 *
 * The core (daemon/group.c) asks for PPP through ppp_engine_ops and hears
 * about it through ppp_events.  Behind the seam stands pppd with our plugin
 * (daemon/io_pppd.c) or the simulator's model; the core cannot tell which.
 *
 * Rules both sides keep:
 * - an engine never calls an event from inside an op, except `down` and
 *   `injected` from nowhere but its own loop: ops are safe to call anywhere;
 * - after start() returned 0 exactly one `down` follows, unless kill() came
 *   first: then silence (kill is immediate and final for the caller);
 * - pointers in parameters and events are valid during the call only;
 * - addresses are in network order, everything else in host order;
 * - a captured state is bytes: the core stores and ships it, never reads it.
 */
#ifndef DAEMON_PPP_H
#define DAEMON_PPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PPP_NAME_MAX		256	/* user names and passwords, with NUL */
#define PPP_IFNAME_MAX		16
#define PPP_CHALLENGE_MAX	64
#define PPP_RESPONSE_MAX	64
#define PPP_MESSAGE_MAX		128
#define PPP_STATE_MAX		1024	/* longest captured state */
#define PPP_EARLY_MAX		128	/* longest frame kept for a session to come */

/* Local IDs; unique on a box. */
struct ppp_key {
	uint16_t tunnel_id;
	uint16_t session_id;
};

enum ppp_auth_kind {
	PPP_AUTH_NONE,			/* nothing asked: only an address is wanted */
	PPP_AUTH_PAP,
	PPP_AUTH_CHAP_MD5,
};

#define PPP_CONFREQ_MAX		64	/* options of a Configure-Request that are kept */

/* Configure-Requests of LCP, their options only, as a LAC passes them on. */
struct ppp_confreq {
	uint8_t first_received[PPP_CONFREQ_MAX], sent[PPP_CONFREQ_MAX], received[PPP_CONFREQ_MAX];
	size_t first_received_len, sent_len, received_len;	/* sent, received: the last ones */
};

struct ppp_auth {
	struct ppp_confreq lcp;
	enum ppp_auth_kind kind;
	char user[PPP_NAME_MAX];
	char password[PPP_NAME_MAX];	/* PAP */
	uint8_t chap_id;		/* of PAP, too: of the request */
	uint8_t challenge[PPP_CHALLENGE_MAX];
	size_t challenge_len;
	uint8_t response[PPP_RESPONSE_MAX];
	size_t response_len;
};

/* Bits of lcp_side.flags: the option was agreed on. */
enum {
	LCP_MRU = 1, LCP_ASYNCMAP = 2, LCP_PAP = 4, LCP_CHAP = 8,
	LCP_MAGIC = 16, LCP_PCOMP = 32, LCP_ACCOMP = 64,
};

struct lcp_side {
	uint32_t flags;
	uint16_t mru;
	uint32_t asyncmap;
	uint32_t magic;
};

/*
 * LCP that another box has negotiated for us, and what the peer said to prove
 * who it is: the peer hears nothing of either again, save the answer.
 */
struct ppp_proxy {
	bool lcp;			/* there is something of it */
	struct lcp_side got, his;	/* what was agreed of our side; of the peer's */
	struct ppp_auth auth;		/* NONE: nothing yet, we ask */
};

struct ppp_params {
	struct ppp_key key;
	int session_fd;			/* connected pppox socket; the caller */
	int tunnel_fd;			/* keeps both, the engine dups (-1: none) */
	char ifname[PPP_IFNAME_MAX];	/* stable name, the same on both boxes */
	bool auth_pap;			/* offer CHAP first, PAP next; neither: */
	bool auth_chap;			/* no authentication, still auth_request */
	char local_name[64];		/* our name in CHAP challenges */
	uint16_t mru;			/* asked for; 0: 1460 */
	uint16_t mtu;			/* upper bound of the interface MTU; 0: mru */
	uint32_t ifgroup;		/* of the interface; 0: none */
	uint32_t local_addr;
	uint32_t echo_interval_s;	/* 0: no LCP echo */
	uint32_t echo_failures;		/* unanswered echoes that end the link */
	bool client;			/* we are who dials: */
	char user[PPP_NAME_MAX];	/* said when the peer asks, by PAP or CHAP */
	char password[PPP_NAME_MAX];	/* as auth_pap and auth_chap allow */
	struct ppp_proxy proxy;
	bool standby;			/* mute until activate(); needs a state */
	const uint8_t *state;		/* captured state to put in place, */
	size_t state_len;		/* or NULL, 0: negotiate from scratch */
};

struct ppp_verdict {
	bool ok;
	uint32_t peer_addr;		/* 0 with ok: no IPv4 address, link closed */
	uint32_t dns[2];		/* 0: none */
	char message[PPP_MESSAGE_MAX];	/* shown to the subscriber; may be empty */
};

/* What the world may know of an open link, and its captured state. */
struct ppp_up {
	char user[PPP_NAME_MAX];
	enum ppp_auth_kind auth;
	char ifname[PPP_IFNAME_MAX];
	uint32_t local_addr;
	uint32_t peer_addr;
	uint32_t dns[2];
	uint16_t mru;			/* what we receive */
	uint16_t peer_mru;		/* what the peer receives */
	uint32_t local_magic;
	uint32_t peer_magic;
	const uint8_t *state;
	size_t state_len;
};

enum ppp_down_reason {
	PPP_DOWN_ENGINE,		/* the engine died or could not start */
	PPP_DOWN_PEER,			/* LCP Terminate-Request from the peer */
	PPP_DOWN_LOCAL,			/* terminate() */
	PPP_DOWN_AUTH,			/* peer failed or refused to authenticate */
	PPP_DOWN_NEGOTIATION,		/* no agreement, or no answer */
	PPP_DOWN_ECHO,			/* peer stopped answering echoes */
	PPP_DOWN_LOOPBACK,
	PPP_DOWN_LOWER,			/* the kernel session went away */
};

struct ppp_down {
	enum ppp_down_reason reason;
	uint16_t cause;			/* RFC 3145 disconnect code */
	uint16_t protocol;		/* RFC 3145 control protocol number */
	uint8_t direction;		/* RFC 3145: 0 global, 1 peer, 2 local */
	int status;			/* exit status of pppd, or -1 */
	char message[PPP_MESSAGE_MAX];
};

struct ppp_engine_ops {
	/* 0 or -errno (-EEXIST: key in use; -ENOTCONN: engine not running). */
	int (*start)(void *engine, const struct ppp_params *p);
	/* A standby session may speak from now on. */
	void (*activate)(void *engine, struct ppp_key key);
	/*
	 * One that is open may not speak any more: as if it had been started for a standby, and `injected` follows as
	 * then.  May be NULL: who must be mute is ended and started again.
	 */
	void (*mute)(void *engine, struct ppp_key key);
	/* Ends it at once: not one packet, no `down`. */
	void (*kill)(void *engine, struct ppp_key key);
	/* Ends it in order, with LCP Terminate; `down` follows. */
	void (*terminate)(void *engine, struct ppp_key key);
	void (*auth_reply)(void *engine, struct ppp_key key,
			   const struct ppp_verdict *verdict);
	/* So many sessions may have to be started soon; or not.  May be NULL. */
	void (*prepare)(void *engine, uint32_t count);
};

struct ppp_events {
	/* Answer with auth_reply(), now or later. */
	void (*auth_request)(void *ctx, struct ppp_key key,
			     const struct ppp_auth *auth);
	/* The network layer is open (first time: up, then changed). */
	void (*up)(void *ctx, struct ppp_key key, const struct ppp_up *up);
	void (*changed)(void *ctx, struct ppp_key key, const struct ppp_up *up);
	/* A given state is in place (err 0; no `up` follows), or refused. */
	void (*injected)(void *ctx, struct ppp_key key, int err);
	void (*down)(void *ctx, struct ppp_key key, const struct ppp_down *down);
	/*
	 * A session that outlived an earlier daemon reports.  True: it is
	 * adopted, `adopted` follows.  False, or no callback: it ends silently.
	 */
	bool (*orphan)(void *ctx, struct ppp_key key, const struct ppp_up *up);
	/* The fds now belong to the receiver; -1 where there is none. */
	void (*adopted)(void *ctx, struct ppp_key key, int session_fd,
			int tunnel_fd);
};

#endif
