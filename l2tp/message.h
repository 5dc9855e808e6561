/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control messages: header, the table of types, parsing into slices, building. */
#ifndef L2TPHA_L2TP_MESSAGE_H
#define L2TPHA_L2TP_MESSAGE_H

#include "l2tp/avp.h"
#include "l2tp/l2tp.h"

#define MESSAGE_HEADER 12

enum message_type {
	MESSAGE_SCCRQ = 1,
	MESSAGE_SCCRP = 2,
	MESSAGE_SCCCN = 3,
	MESSAGE_STOPCCN = 4,
	MESSAGE_HELLO = 6,
	MESSAGE_OCRQ = 7,
	MESSAGE_OCRP = 8,
	MESSAGE_OCCN = 9,
	MESSAGE_ICRQ = 10,
	MESSAGE_ICRP = 11,
	MESSAGE_ICCN = 12,
	MESSAGE_CDN = 14,
	MESSAGE_WEN = 15,
	MESSAGE_SLI = 16,
	MESSAGE_FSQ = 21,	/* RFC 4951 */
	MESSAGE_FSR = 22,
	MESSAGE_CSUN = 28,	/* RFC 5515 */
	MESSAGE_CSURQ = 29,
	MESSAGE_TYPES = 30,
};

struct message_def {
	const char *name;	/* NULL: not recognised */
	bool session;		/* belongs to a call: faults end the call, not the tunnel */
	bool optional;		/* M bit of its Message Type is 0: who does not know it ignores it */
	uint16_t item;		/* of an optional one: the AVP it carries, any number of times */
	uint64_t required;	/* bit per attribute */
};
const struct message_def *message_def(uint16_t type);
const char *message_name(uint16_t type);

/* Result and error codes in use (RFC 2661 4.4.2). */
enum {
	STOPCCN_GENERAL = 1,
	STOPCCN_ERROR = 2,
	STOPCCN_NOT_AUTHORISED = 4,
	STOPCCN_VERSION = 5,
	STOPCCN_SHUTDOWN = 6,
	STOPCCN_FSM = 7,
	CDN_ERROR = 2,
	CDN_ADMINISTRATIVE = 3,
	CDN_NO_FACILITIES = 4,
	CDN_NO_FACILITIES_EVER = 5,
	CDN_TIMEOUT = 10,
	ERROR_NONE = 0,
	ERROR_LENGTH = 2,
	ERROR_RANGE = 3,
	ERROR_RESOURCES = 4,
	ERROR_SESSION_ID = 5,
	ERROR_OTHER = 6,	/* "vendor-specific": the text says what */
	ERROR_TRY_ANOTHER = 7,
	ERROR_UNKNOWN_AVP = 8,
	ERROR_TRY_DIRECTED = 9,	/* RFC 3931 5.4.2: the text is a list of addresses */
};
#define VENDOR_CISCO 9
void message_result(struct l2tp_result *result, uint16_t code, uint16_t error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* We are full, in the codes that `params` chooses; `call`: for a CDN. */
void message_busy(struct l2tp_result *result, bool call, const struct l2tp_tunnel_params *params, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/* ---- reading ------------------------------------------------------------ */

struct message_header {
	uint16_t tunnel_id, session_id, ns, nr;
	const uint8_t *body;
	size_t body_len;	/* 0: ZLB */
};
enum message_kind {
	MESSAGE_KIND_CONTROL,
	MESSAGE_KIND_DATA,
	MESSAGE_KIND_MALFORMED,
};
enum message_kind message_header_parse(const uint8_t *data, size_t len, struct message_header *header);

struct message_slice {
	const uint8_t *data;
	size_t len;
};
struct message {
	uint16_t type;
	bool type_mandatory;
	const struct message_def *def;	/* NULL: a type we do not know */
	uint64_t present[2];		/* bit per attribute */
	bool csu_enabled;		/* attribute 98 is there */
	bool hidden_left;		/* hidden AVPs stayed closed: no secret given */
	struct message_slice avp[AVP_ATTRS];	/* valid where present */
	struct {
		uint16_t attr;
		struct message_slice slice;
	} line[AVP_LINES_MAX];		/* of the access line (RFC 5515), each once */
	size_t line_count;
	const uint8_t *items;		/* FSQ, FSR, CSUN, CSURQ: the values of their one AVP, one after the other */
	size_t item_count;
	/* First fault that is not to be overlooked: error code, and text; error 0 = none. */
	uint16_t fault;
	char fault_text[L2TP_TEXT_MAX];
	uint32_t ignored;		/* faults that were overlooked (M = 0) */
};
/*
 * `secret` NULL: not known yet, hidden AVPs are skipped and hidden_left is set;
 * empty: there is none, a hidden AVP is a fault.  `room` holds
 * what is decoded, at least as large as the body.  -EBADMSG: the body does not start
 * with a Message Type.  Slices point into the body or into `room`.
 */
int message_parse(const uint8_t *body, size_t len, const char *secret, uint8_t *room, struct message *message);

static inline bool message_has(const struct message *message, enum avp_attr attr)
{
	return message->present[attr / 64] >> (attr % 64) & 1;
}
#define MESSAGE_FSS_LEN 10
#define MESSAGE_CSU_LEN 12
/* The number, or 0 when the AVP is not there. */
uint16_t message_u16(const struct message *message, enum avp_attr attr);
uint32_t message_u32(const struct message *message, enum avp_attr attr);
/* A printable copy: cut to fit, control characters replaced; empty when absent. */
void message_text(const struct message *message, enum avp_attr attr, char *out, size_t size);
void message_printable(char *out, size_t size, const uint8_t *data, size_t len);
void message_get_result(const struct message *message, struct l2tp_result *result);

/* ---- building ----------------------------------------------------------- */

/* Starts a message with its header and Message Type; Ns and Nr are filled by the channel. */
void message_begin(struct avp_builder *builder, uint8_t *buf, size_t cap, enum message_type type, uint16_t tunnel_id,
		   uint16_t session_id);
/* Q.931 cause and PPP Disconnect Cause, where there are any. */
void message_put_causes(struct avp_builder *builder, const struct l2tp_result *result);
void message_put_result(struct avp_builder *builder, const struct l2tp_result *result);
/* Writes the Length; returns it, 0 when the message did not fit. */
size_t message_end(struct avp_builder *builder);
void message_set_ns(uint8_t *message, uint16_t ns);
void message_set_nr(uint8_t *message, uint16_t nr);
size_t message_zlb(uint8_t *buf, uint16_t tunnel_id, uint16_t ns, uint16_t nr);

#endif
