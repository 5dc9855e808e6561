/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAC_WIRE_H
#define TESTS_LAC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LACW_HDR 12
#define LACW_MAX 1500	/* longest control message this LAC builds */
#define LACW_ATTRS 44	/* RFC 2661 ends at 39; behind it 76..79 of RFC 4951 */
#define LACW_FSS_MAX 256	/* session states of one message that are looked at */

enum lacw_type {
	LACW_ZLB = 0,
	LACW_SCCRQ = 1,
	LACW_SCCRP = 2,
	LACW_SCCCN = 3,
	LACW_STOPCCN = 4,
	LACW_HELLO = 6,
	LACW_OCRQ = 7,
	LACW_OCRP = 8,
	LACW_OCCN = 9,
	LACW_ICRQ = 10,
	LACW_ICRP = 11,
	LACW_ICCN = 12,
	LACW_CDN = 14,
	LACW_WEN = 15,
	LACW_SLI = 16,
	LACW_FSQ = 21,
	LACW_FSR = 22,
};

enum lacw_attr {
	LACW_MESSAGE_TYPE = 0,
	LACW_RESULT_CODE = 1,
	LACW_PROTOCOL_VERSION = 2,
	LACW_FRAMING_CAP = 3,
	LACW_BEARER_CAP = 4,
	LACW_TIE_BREAKER = 5,
	LACW_FIRMWARE = 6,
	LACW_HOST_NAME = 7,
	LACW_VENDOR_NAME = 8,
	LACW_TUNNEL_ID = 9,
	LACW_WINDOW = 10,
	LACW_CHALLENGE = 11,
	LACW_Q931 = 12,
	LACW_RESPONSE = 13,
	LACW_SESSION_ID = 14,
	LACW_CALL_SERIAL = 15,
	LACW_BEARER_TYPE = 18,
	LACW_FRAMING_TYPE = 19,
	LACW_CALLED = 21,
	LACW_CALLING = 22,
	LACW_TX_SPEED = 24,
	LACW_RANDOM_VECTOR = 36,
	LACW_RX_SPEED = 38,
	LACW_SEQ_REQUIRED = 39,
	/* places in avp[]; lacw_attr_number() has the number on the wire */
	LACW_FAILOVER_CAP = 40,
	LACW_TUNNEL_RECOVERY = 41,
	LACW_SUGGESTED_SEQ = 42,
	LACW_SESSION_STATE = 43,
};

enum lacw_verdict {
	LACW_OK,
	LACW_BAD_HEADER,	/* discard the datagram, it acks nothing */
	LACW_BAD_BODY,		/* header good, message to be refused */
	LACW_UNKNOWN_M_AVP,	/* unrecognised AVP with M=1 */
	LACW_UNKNOWN_M_TYPE,	/* unrecognised message type with M=1 */
};

/* A decoded message; value pointers go into the datagram or into clear[]. */
struct lacw_msg {
	uint16_t tid, sid, ns, nr;
	uint16_t type; /* LACW_ZLB: header only */
	bool known;    /* the type is one of RFC 2661 */
	bool pedantic; /* acceptable, but a correct sender would not */
	const char *why; /* for every verdict but LACW_OK, and for pedantic */
	uint16_t why_attr;
	struct {
		const uint8_t *p; /* NULL: absent; else value, hidden ones in clear */
		uint16_t len;
	} avp[LACW_ATTRS];
	/* all Failover Session States: session of the sender, of the receiver */
	struct {
		uint16_t sid, remote;
	} fss[LACW_FSS_MAX];
	unsigned n_fss;
	uint8_t clear[1024];
	size_t clear_len;
};
uint16_t lacw_attr_number(enum lacw_attr a);

/* Decodes a control message (T=1). secret NULL: hidden AVPs are unrecognised. */
enum lacw_verdict lacw_decode(struct lacw_msg *m, const uint8_t *p, size_t len,
			      const char *secret);
static inline bool lacw_has(const struct lacw_msg *m, enum lacw_attr a)
{
	return m->avp[a].p != NULL;
}
uint16_t lacw_u16(const struct lacw_msg *m, enum lacw_attr a); /* 0 if absent */
uint32_t lacw_u32(const struct lacw_msg *m, enum lacw_attr a);
const char *lacw_type_name(uint16_t type);

/* A message being built; fail is sticky and checked once at the end. */
struct lacw_buf {
	uint8_t b[LACW_MAX];
	size_t len;
	bool fail;
	const char *hide;	/* secret to hide AVPs with, or NULL */
	uint8_t rv[16];		/* random vector in force when hide is set */
};

/* Starts a message; ns and nr stay 0 until lacw_set_seq(). */
void lacw_begin(struct lacw_buf *b, uint16_t tid, uint16_t sid, enum lacw_type type);
void lacw_zlb(struct lacw_buf *b, uint16_t tid, uint16_t ns, uint16_t nr);
/* From here on, AVPs that may be hidden are. */
void lacw_hide(struct lacw_buf *b, const char *secret, const uint8_t rv[16]);
void lacw_put(struct lacw_buf *b, enum lacw_attr a, const void *value, size_t len);
void lacw_put_u16(struct lacw_buf *b, enum lacw_attr a, uint16_t v);
void lacw_put_u32(struct lacw_buf *b, enum lacw_attr a, uint32_t v);
void lacw_put_str(struct lacw_buf *b, enum lacw_attr a, const char *s);
void lacw_put_result(struct lacw_buf *b, uint16_t result, uint16_t error, const char *text);
void lacw_put_raw(struct lacw_buf *b, const uint8_t *avps, size_t len);
/* Sets the length field; false if the message did not fit. */
bool lacw_end(struct lacw_buf *b);
void lacw_set_seq(uint8_t *msg, uint16_t ns, uint16_t nr);

/* RFC 2661 §5.1.1: MD5(id, secret, challenge). */
void lacw_response(uint8_t out[16], uint8_t id, const char *secret,
		   const uint8_t *challenge, size_t len);

/* Header of a data message; false if malformed. */
struct lacw_data {
	uint16_t tid, sid, ns;
	bool has_seq;
	const uint8_t *payload;
	size_t len;
};
bool lacw_data_decode(struct lacw_data *d, const uint8_t *p, size_t len);

#endif
