/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PPPoE discovery (RFC 2516), the access concentrator's side.  Pure: frames in,
 * frames out.  It gives out session IDs, unique on the box, and says who opened
 * and closed a session; what becomes of it is its owner's business.
 *
 * A frame is what follows the Ethernet header of type 0x8863.
 */
#ifndef L2TPHA_DAEMON_PPPOE_H
#define L2TPHA_DAEMON_PPPOE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PPPOE_MAC 6
#define PPPOE_TEXT_MAX 64
#define PPPOE_FRAME_MAX 1484	/* RFC 2516 5.1 for a PADI; nobody needs more for the others */

struct pppoe;

struct pppoe_open {			/* a session that somebody asks for */
	uint16_t session_id;
	size_t port;
	uint8_t mac[PPPOE_MAC];
	char service[PPPOE_TEXT_MAX];
	char circuit[PPPOE_TEXT_MAX], remote[PPPOE_TEXT_MAX];	/* what the access node says of the line (TR-101); empty: nothing */
};

/* What a port offers. */
struct pppoe_port {
	char ac_name[PPPOE_TEXT_MAX];
	char service[PPPOE_TEXT_MAX];	/* empty: any that is asked for */
	uint32_t max_sessions, max_per_mac;	/* 0: no limit */
};

struct pppoe_ops {
	void *ctx;
	uint16_t id_first, id_last;	/* session IDs it gives out; 0, 0: all there are */
	void (*send)(void *ctx, size_t port, const uint8_t to[PPPOE_MAC], const uint8_t *frame, size_t len);
	void (*random)(void *ctx, void *buf, size_t len);
	/* False: not now; the client is told so. */
	bool (*opened)(void *ctx, const struct pppoe_open *open);
	/* By a PADT of the client. */
	void (*closed)(void *ctx, uint16_t session_id);
};

/* `ports` is copied. */
struct pppoe *pppoe_new(const struct pppoe_ops *ops, const struct pppoe_port *ports, size_t count);
void pppoe_free(struct pppoe *pppoe);	/* silent */

/* Ours: the frame was sent to the port's own address; else it was a broadcast. */
void pppoe_input(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], bool ours, const uint8_t *frame, size_t len);
/* A session that another concentrator of the same address opened: it is ours as well. */
bool pppoe_known(struct pppoe *pppoe, size_t port, uint16_t session_id, const uint8_t mac[PPPOE_MAC]);
void pppoe_forget(struct pppoe *pppoe, uint16_t session_id);	/* silent */
/* Says to everybody that the address is here: switches learn it. */
void pppoe_announce(struct pppoe *pppoe, size_t port);
/* The session is over: the client gets a PADT that says why. */
void pppoe_close(struct pppoe *pppoe, uint16_t session_id, const char *why);
size_t pppoe_sessions(const struct pppoe *pppoe);

#endif
