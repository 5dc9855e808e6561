/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tunnel's state machine: its table is in tunnel.c, what the messages of setup do in tunnel_open.c. */
#ifndef L2TPHA_L2TP_TUNNEL_H
#define L2TPHA_L2TP_TUNNEL_H

#include "l2tp/engine.h"

enum tunnel_event {
	TUNNEL_EVENT_OPEN,	/* we want it */
	TUNNEL_EVENT_SCCRQ,
	TUNNEL_EVENT_SCCRP,
	TUNNEL_EVENT_SCCCN,
	TUNNEL_EVENT_STOPCCN,
	TUNNEL_EVENT_HELLO,
	TUNNEL_EVENT_BAD,	/* an invalid or unrecoverably malformed message; in->result says how */
	TUNNEL_EVENT_TIE,	/* the peer's request came first, or counts for more */
	TUNNEL_EVENT_CLOSE,	/* we want it closed with in->result */
	TUNNEL_EVENT_CLEAR,	/* it goes without a word; in->result says why */
	TUNNEL_EVENT_TIMEOUT,	/* half-open for too long */
	TUNNEL_EVENT_DEAD,	/* the peer does not answer */
	TUNNEL_EVENT_LINGERED,
	TUNNEL_EVENTS,
};

struct tunnel_input {
	uint64_t now_ms;
	const struct message *message;	/* NULL: not caused by one */
	struct l2tp_result result;
	bool by_peer;
};
/* After a transition to IDLE the tunnel does not exist any more: only TIE, DEAD, CLEAR and LINGERED lead there. */
void tunnel_event(struct l2tp_tunnel *tunnel, enum tunnel_event event, struct tunnel_input *in);

/* Handlers; false: in->result says why the tunnel is closed. */
bool tunnel_send_sccrq(struct l2tp_tunnel *tunnel, struct tunnel_input *in);
bool tunnel_take_sccrp(struct l2tp_tunnel *tunnel, struct tunnel_input *in);
bool tunnel_take_sccrq(struct l2tp_tunnel *tunnel, struct tunnel_input *in);
bool tunnel_take_scccn(struct l2tp_tunnel *tunnel, struct tunnel_input *in);

#endif
