/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_PPP_H
#define TESTS_LAC_PPP_H

/*
 * A PPP client for tests, one object per session: LCP, PAP or CHAP-MD5,
 * IPCP, IPv4. Pure: frames and time in, callbacks out.
 *
 * Callbacks may call any pppc_*() function except pppc_free() on the same
 * object.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pppc;

#define PPPC_NEVER UINT64_MAX

enum pppc_auth {
	PPPC_AUTH_NONE = 1 << 0,
	PPPC_AUTH_PAP = 1 << 1,
	PPPC_AUTH_CHAP = 1 << 2,
};
#define PPPC_AUTH_ANY (PPPC_AUTH_NONE | PPPC_AUTH_PAP | PPPC_AUTH_CHAP)

struct pppc_ops {
	/* a frame with address and control octets, to be put in a data message */
	void (*send)(void *ctx, const uint8_t *frame, size_t len);
	/* all below may be NULL */
	void (*up)(void *ctx, uint32_t addr, uint32_t peer_addr); /* host order */
	void (*down)(void *ctx, const char *reason);
	void (*ip)(void *ctx, const uint8_t *packet, size_t len);
};

/* All pointers must stay valid as long as the pppc lives. */
struct pppc_config {
	const struct pppc_ops *ops;
	void *ctx;
	uint32_t (*random)(void *ctx);
	void *random_ctx;
	const char *user, *password;
	unsigned auth;		/* what the client agrees to, enum pppc_auth */
	uint32_t addr;		/* address asked for, 0 = the peer's choice */
	uint16_t mru;		/* asked for, 0 = do not ask (1500) */
	uint32_t restart_ms;	/* RFC 1661 restart timer */
	unsigned max_configure;	/* requests before giving up */
	unsigned max_terminate;
	uint32_t echo_ms;	/* own LCP echo interval, 0 = none */
	unsigned echo_fail;	/* unanswered echoes that end the link */
};

struct pppc_counters {
	uint64_t lcp_renegotiations;	/* Configure-Request while LCP was open */
	uint64_t ipcp_renegotiations;	/* Configure-Request while IPCP was open */
	uint64_t confreq_repeats;	/* the request acked before, sent again */
	uint64_t terminates;		/* Terminate-Request, LCP or IPCP */
	uint64_t address_changes;	/* up with another address than before */
	uint64_t reauths;		/* CHAP challenges after the link was up */
	uint64_t echo_requests, echo_replies; /* received */
	uint64_t echo_sent;
	uint64_t bad_magic;		/* echo request or reply with a wrong magic */
	uint64_t protocol_rejects_sent, protocol_rejects_received;
	uint64_t malformed;
	uint64_t frames_in, frames_out, ip_in, ip_out;
	uint64_t ups, downs;
};

void pppc_config_init(struct pppc_config *config);
struct pppc *pppc_new(const struct pppc_config *config);
void pppc_free(struct pppc *p);

/* The link below is there: start LCP. */
void pppc_start(struct pppc *p, uint64_t now_ms);
/* The link below is gone; down() if it was up. */
void pppc_lower_down(struct pppc *p, const char *reason);
/* Ends the link by LCP Terminate-Request. */
void pppc_close(struct pppc *p, uint64_t now_ms);
void pppc_input(struct pppc *p, uint64_t now_ms, const uint8_t *frame, size_t len);
void pppc_tick(struct pppc *p, uint64_t now_ms);
uint64_t pppc_deadline_ms(const struct pppc *p);
/* -ENOTCONN if IPCP is not open, -EMSGSIZE above the peer's MRU. */
int pppc_send_ip(struct pppc *p, const uint8_t *packet, size_t len);
/* An LCP echo request now; -ENOTCONN if LCP is not open. */
int pppc_echo_now(struct pppc *p);

bool pppc_is_up(const struct pppc *p);
uint32_t pppc_addr(const struct pppc *p);
uint32_t pppc_peer_addr(const struct pppc *p);
uint32_t pppc_magic(const struct pppc *p);
uint32_t pppc_peer_magic(const struct pppc *p);
const char *pppc_phase_name(const struct pppc *p);
const struct pppc_counters *pppc_counters(struct pppc *p);

#endif
