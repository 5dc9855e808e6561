/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attribute value pairs (RFC 2661 4): definitions, iterator, builder, hiding. */
#ifndef L2TPHA_L2TP_AVP_H
#define L2TPHA_L2TP_AVP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AVP_HEADER 6
#define AVP_MAX 1023
#define AVP_FLAG_M 0x8000
#define AVP_FLAG_H 0x4000
#define AVP_FLAG_RESERVED 0x3c00
#define AVP_AUTH_LEN 16		/* MD5: challenge responses, our challenges */

/* Vendor 0.  The names are those of RFC 2661 and of the RFCs that added them. */
enum avp_attr {
	AVP_MESSAGE_TYPE = 0,
	AVP_RESULT_CODE = 1,
	AVP_PROTOCOL_VERSION = 2,
	AVP_FRAMING_CAPABILITIES = 3,
	AVP_BEARER_CAPABILITIES = 4,
	AVP_TIE_BREAKER = 5,
	AVP_FIRMWARE_REVISION = 6,
	AVP_HOST_NAME = 7,
	AVP_VENDOR_NAME = 8,
	AVP_ASSIGNED_TUNNEL_ID = 9,
	AVP_RECEIVE_WINDOW_SIZE = 10,
	AVP_CHALLENGE = 11,
	AVP_Q931_CAUSE = 12,
	AVP_CHALLENGE_RESPONSE = 13,
	AVP_ASSIGNED_SESSION_ID = 14,
	AVP_CALL_SERIAL_NUMBER = 15,
	AVP_MINIMUM_BPS = 16,
	AVP_MAXIMUM_BPS = 17,
	AVP_BEARER_TYPE = 18,
	AVP_FRAMING_TYPE = 19,
	AVP_CALLED_NUMBER = 21,
	AVP_CALLING_NUMBER = 22,
	AVP_SUB_ADDRESS = 23,
	AVP_TX_CONNECT_SPEED = 24,
	AVP_PHYSICAL_CHANNEL_ID = 25,
	AVP_INITIAL_RX_LCP_CONFREQ = 26,
	AVP_LAST_TX_LCP_CONFREQ = 27,
	AVP_LAST_RX_LCP_CONFREQ = 28,
	AVP_PROXY_AUTHEN_TYPE = 29,
	AVP_PROXY_AUTHEN_NAME = 30,
	AVP_PROXY_AUTHEN_CHALLENGE = 31,
	AVP_PROXY_AUTHEN_ID = 32,
	AVP_PROXY_AUTHEN_RESPONSE = 33,
	AVP_CALL_ERRORS = 34,
	AVP_ACCM = 35,
	AVP_RANDOM_VECTOR = 36,
	AVP_PRIVATE_GROUP_ID = 37,
	AVP_RX_CONNECT_SPEED = 38,
	AVP_SEQUENCING_REQUIRED = 39,
	AVP_PPP_DISCONNECT_CAUSE = 46,
	AVP_LCP_WANT_OPTIONS = 49,	/* RFC 3437 */
	AVP_LCP_ALLOW_OPTIONS = 50,
	AVP_LNS_LAST_TX_LCP_CONFREQ = 51,
	AVP_LNS_LAST_RX_LCP_CONFREQ = 52,
	AVP_FAILOVER_CAPABILITY = 76,	/* RFC 4951 */
	AVP_TUNNEL_RECOVERY = 77,
	AVP_SUGGESTED_CONTROL_SEQUENCE = 78,
	AVP_FAILOVER_SESSION_STATE = 79,
	AVP_CONNECT_SPEED_UPDATE = 97,	/* RFC 5515 */
	AVP_CONNECT_SPEED_UPDATE_ENABLE = 98,
	AVP_ATTRS = 99,		/* one past the last we know */
};

struct avp_def {
	const char *name;	/* NULL: not recognised */
	uint16_t min, max;	/* length of the value */
	bool mandatory;		/* M bit we send */
	bool hideable;
	bool nonzero;		/* a value of all zero bits is out of range */
};
/* NULL: not recognised. */
const struct avp_def *avp_def(uint16_t attr);
/* The same of the access line AVPs (RFC 5515). */
#define AVP_VENDOR_ADSL_FORUM 3561
#define AVP_LINES_MAX 32	/* of one message that are kept */
const struct avp_def *avp_line_def(uint16_t attr);

/* ---- reading ------------------------------------------------------------ */

struct avp {
	bool mandatory, hidden, reserved;
	uint16_t vendor, attr;
	const uint8_t *value;
	size_t len;
};
struct avp_iter {
	const uint8_t *pos;
	size_t left;
};
enum avp_step {
	AVP_STEP_AVP,		/* *avp is filled */
	AVP_STEP_END,
	AVP_STEP_BAD,		/* what is left is no AVP; avp->mandatory is its M bit (true when unreadable) */
};
void avp_iter_init(struct avp_iter *iter, const uint8_t *data, size_t len);
enum avp_step avp_iter_next(struct avp_iter *iter, struct avp *avp);

uint16_t avp_get_u16(const uint8_t *value);
uint32_t avp_get_u32(const uint8_t *value);
void avp_set_u16(uint8_t *value, uint16_t number);

/* ---- writing ------------------------------------------------------------ */

/* Appends into a caller's buffer; the first AVP that does not fit sets `overflow` and nothing more is written. */
struct avp_builder {
	uint8_t *buf;
	size_t cap, len;
	bool overflow;
	const char *secret;		/* NULL: nothing is hidden */
	uint8_t vector[AVP_AUTH_LEN];
};
void avp_builder_init(struct avp_builder *builder, uint8_t *buf, size_t cap);
/* Puts a Random Vector; what may be hidden is from here on, and what has no fixed length does not show it. */
void avp_builder_hide(struct avp_builder *builder, const char *secret, const uint8_t vector[AVP_AUTH_LEN]);
/* The M bit comes from the definition; hidden if the builder hides and the AVP may be. */
void avp_put(struct avp_builder *builder, uint16_t attr, const void *value, size_t len);
void avp_put_line(struct avp_builder *builder, uint16_t attr, const void *value, size_t len);
void avp_put_u16(struct avp_builder *builder, uint16_t attr, uint16_t number);
void avp_put_u32(struct avp_builder *builder, uint16_t attr, uint32_t number);
void avp_put_text(struct avp_builder *builder, uint16_t attr, const char *text);
/* Any header bits, any vendor: for what has no definition. */
void avp_put_raw(struct avp_builder *builder, uint16_t flags, uint16_t vendor, uint16_t attr, const void *value,
		 size_t len);
/* The Random Vector AVP must have been put before, with `vector` in it. */
void avp_put_hidden(struct avp_builder *builder, uint16_t attr, const void *value, size_t len, const char *secret,
		    const uint8_t *vector, size_t vector_len, size_t padding);

/* ---- secrets (RFC 2661 4.3, 5.1.1) -------------------------------------- */

/* Decodes a hidden value into `out` (at least `len` octets). -EBADMSG: its inner length is wrong (or the secret is). */
int avp_unhide(uint16_t attr, const uint8_t *value, size_t len, const char *secret, const uint8_t *vector,
	       size_t vector_len, uint8_t *out, size_t *out_len);
/* `id`: message type of the message that carries the response. */
void avp_challenge_response(uint8_t id, const char *secret, const uint8_t *challenge, size_t len,
			    uint8_t response[AVP_AUTH_LEN]);
/* Does not stop at the first difference. */
bool avp_auth_equal(const uint8_t a[AVP_AUTH_LEN], const uint8_t b[AVP_AUTH_LEN]);

#endif
