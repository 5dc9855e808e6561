/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attribute codec (RFC 2661 4.1-4.4).
 *
 * Reading goes through one iterator; its bounds check is the only one, what it
 * returns lies inside the message.  Lengths of values are checked against the
 * definitions by message.c, so whoever reads a u32 after that need not look.
 *
 * Hiding: the plain text is {length, value, padding}, XORed with a chain of
 * MD5 digests keyed by the tunnel secret and the Random Vector.  The inner
 * length comes out of that cipher, so it is as trustworthy as a random number
 * until compared with the octets present.
 *
 * Used by message.c and by tests that speak as a peer; keeps nothing.
 */
#include "l2tp/avp.h"

#include <errno.h>
#include <string.h>

#include <nettle/md5.h>

#define ANY (AVP_MAX - AVP_HEADER)

static const struct avp_def defs[AVP_ATTRS] = {
	/*				    name			   min max  M      H      nonzero */
	[AVP_MESSAGE_TYPE]		= { "Message Type",		   2, 2,    true,  false, false },
	[AVP_RESULT_CODE]		= { "Result Code",		   2, ANY,  true,  false, false },
	[AVP_PROTOCOL_VERSION]		= { "Protocol Version",		   2, 2,    true,  false, false },
	[AVP_FRAMING_CAPABILITIES]	= { "Framing Capabilities",	   4, 4,    true,  true,  false },
	[AVP_BEARER_CAPABILITIES]	= { "Bearer Capabilities",	   4, 4,    true,  true,  false },
	[AVP_TIE_BREAKER]		= { "Tie Breaker",		   8, 8,    false, false, false },
	[AVP_FIRMWARE_REVISION]		= { "Firmware Revision",	   2, 2,    false, true,  false },
	[AVP_HOST_NAME]			= { "Host Name",		   1, ANY,  true,  false, false },
	[AVP_VENDOR_NAME]		= { "Vendor Name",		   0, ANY,  false, true,  false },
	[AVP_ASSIGNED_TUNNEL_ID]	= { "Assigned Tunnel ID",	   2, 2,    true,  true,  true },
	[AVP_RECEIVE_WINDOW_SIZE]	= { "Receive Window Size",	   2, 2,    true,  false, true },
	[AVP_CHALLENGE]			= { "Challenge",		   1, ANY,  true,  true,  false },
	[AVP_Q931_CAUSE]		= { "Q.931 Cause Code",		   3, ANY,  true,  false, false },
	[AVP_CHALLENGE_RESPONSE]	= { "Challenge Response",	   16, 16,  true,  true,  false },
	[AVP_ASSIGNED_SESSION_ID]	= { "Assigned Session ID",	   2, 2,    true,  true,  true },
	[AVP_CALL_SERIAL_NUMBER]	= { "Call Serial Number",	   4, 4,    true,  true,  false },
	[AVP_MINIMUM_BPS]		= { "Minimum BPS",		   4, 4,    true,  true,  false },
	[AVP_MAXIMUM_BPS]		= { "Maximum BPS",		   4, 4,    true,  true,  false },
	[AVP_BEARER_TYPE]		= { "Bearer Type",		   4, 4,    true,  true,  false },
	[AVP_FRAMING_TYPE]		= { "Framing Type",		   4, 4,    true,  true,  false },
	[AVP_CALLED_NUMBER]		= { "Called Number",		   0, ANY,  true,  true,  false },
	[AVP_CALLING_NUMBER]		= { "Calling Number",		   0, ANY,  true,  true,  false },
	[AVP_SUB_ADDRESS]		= { "Sub-Address",		   0, ANY,  true,  true,  false },
	[AVP_TX_CONNECT_SPEED]		= { "Tx Connect Speed",		   4, 4,    true,  true,  false },
	[AVP_PHYSICAL_CHANNEL_ID]	= { "Physical Channel ID",	   4, 4,    false, true,  false },
	[AVP_INITIAL_RX_LCP_CONFREQ]	= { "Initial Received LCP CONFREQ", 0, ANY, false, true,  false },
	[AVP_LAST_TX_LCP_CONFREQ]	= { "Last Sent LCP CONFREQ",	   0, ANY,  false, true,  false },
	[AVP_LAST_RX_LCP_CONFREQ]	= { "Last Received LCP CONFREQ",   0, ANY,  false, true,  false },
	[AVP_PROXY_AUTHEN_TYPE]		= { "Proxy Authen Type",	   2, 2,    false, true,  false },
	[AVP_PROXY_AUTHEN_NAME]		= { "Proxy Authen Name",	   0, ANY,  false, true,  false },
	[AVP_PROXY_AUTHEN_CHALLENGE]	= { "Proxy Authen Challenge",	   0, ANY,  false, true,  false },
	[AVP_PROXY_AUTHEN_ID]		= { "Proxy Authen ID",		   2, 2,    false, true,  false },
	[AVP_PROXY_AUTHEN_RESPONSE]	= { "Proxy Authen Response",	   0, ANY,  false, true,  false },
	[AVP_CALL_ERRORS]		= { "Call Errors",		   26, 26,  true,  true,  false },
	[AVP_ACCM]			= { "ACCM",			   10, 10,  true,  true,  false },
	[AVP_RANDOM_VECTOR]		= { "Random Vector",		   1, ANY,  true,  false, false },
	[AVP_PRIVATE_GROUP_ID]		= { "Private Group ID",		   0, ANY,  false, true,  false },
	[AVP_RX_CONNECT_SPEED]		= { "Rx Connect Speed",		   4, 4,    false, true,  false },
	[AVP_SEQUENCING_REQUIRED]	= { "Sequencing Required",	   0, 0,    true,  false, false },
	[AVP_PPP_DISCONNECT_CAUSE]	= { "PPP Disconnect Cause",	   5, ANY,  false, true,  false },
	[AVP_LCP_WANT_OPTIONS]		= { "LCP Want Options",		   0, ANY,  false, true,  false },
	[AVP_LCP_ALLOW_OPTIONS]		= { "LCP Allow Options",	   0, ANY,  false, true,  false },
	[AVP_LNS_LAST_TX_LCP_CONFREQ]	= { "LNS Last Sent LCP CONFREQ",  0, ANY,  false, true,  false },
	[AVP_LNS_LAST_RX_LCP_CONFREQ]	= { "LNS Last Received LCP CONFREQ", 0, ANY, false, true, false },
	[AVP_FAILOVER_CAPABILITY]	= { "Failover Capability",	   6, 6,    false, true,  false },
	[AVP_TUNNEL_RECOVERY]		= { "Tunnel Recovery",		   10, 10,  true,  false, false },
	[AVP_SUGGESTED_CONTROL_SEQUENCE] = { "Suggested Control Sequence", 6, 6,   false, true,  false },
	[AVP_FAILOVER_SESSION_STATE]	= { "Failover Session State",	   10, 10,  true,  true,  false },
	[AVP_CONNECT_SPEED_UPDATE]	= { "Connect Speed Update",	   12, 12,  false, true,  false },
	[AVP_CONNECT_SPEED_UPDATE_ENABLE] = { "Connect Speed Update Enable", 0, 0,  false, true,  false },
};

static const struct avp_def line_texts = { "Agent ID", 1, 63, false, true, false };
static const struct avp_def line_rate = { "Line Data Rate", 8, 8, false, true, false };
static const struct avp_def line_delay = { "Line Interleaving Delay", 4, 4, false, true, false };
static const struct avp_def line_encapsulation = { "Access Loop Encapsulation", 3, 3, false, true, false };
static const struct avp_def line_type = { "ANCP Access Line Type", 4, 4, false, true, false };
static const struct avp_def line_iwf = { "IWF Session", 4, 4, false, true, false };

const struct avp_def *avp_line_def(uint16_t attr)
{
	if (attr == 1 || attr == 2)
		return &line_texts;
	if (attr >= 129 && attr <= 138)
		return &line_rate;
	if (attr >= 139 && attr <= 142)
		return &line_delay;
	switch (attr) {
	case 144: return &line_encapsulation;
	case 145: return &line_type;
	case 254: return &line_iwf;
	}
	return NULL;
}

const struct avp_def *avp_def(uint16_t attr)
{
	return attr < AVP_ATTRS && defs[attr].name ? &defs[attr] : NULL;
}

uint16_t avp_get_u16(const uint8_t *value)
{
	return (uint16_t)(value[0] << 8 | value[1]);
}

uint32_t avp_get_u32(const uint8_t *value)
{
	return (uint32_t)avp_get_u16(value) << 16 | avp_get_u16(value + 2);
}

void avp_set_u16(uint8_t *value, uint16_t number)
{
	value[0] = (uint8_t)(number >> 8);
	value[1] = (uint8_t)number;
}

/* ---- reading ------------------------------------------------------------ */

void avp_iter_init(struct avp_iter *iter, const uint8_t *data, size_t len)
{
	iter->pos = data;
	iter->left = len;
}

enum avp_step avp_iter_next(struct avp_iter *iter, struct avp *avp)
{
	uint16_t word;
	size_t len;

	avp->mandatory = true;
	if (!iter->left)
		return AVP_STEP_END;
	if (iter->left < AVP_HEADER)
		return AVP_STEP_BAD;
	word = avp_get_u16(iter->pos);
	len = word & 0x3ff;
	avp->mandatory = word & AVP_FLAG_M;
	if (len < AVP_HEADER || len > iter->left)
		return AVP_STEP_BAD;
	avp->hidden = word & AVP_FLAG_H;
	avp->reserved = word & AVP_FLAG_RESERVED;
	avp->vendor = avp_get_u16(iter->pos + 2);
	avp->attr = avp_get_u16(iter->pos + 4);
	avp->value = iter->pos + AVP_HEADER;
	avp->len = len - AVP_HEADER;
	iter->pos += len;
	iter->left -= len;
	return AVP_STEP_AVP;
}

/* ---- writing ------------------------------------------------------------ */

void avp_builder_init(struct avp_builder *builder, uint8_t *buf, size_t cap)
{
	*builder = (struct avp_builder){ .buf = buf, .cap = cap };
}

/* Room for one AVP with its header written; NULL when it does not fit. */
static uint8_t *put_header(struct avp_builder *builder, uint16_t flags, uint16_t vendor, uint16_t attr, size_t len)
{
	uint8_t *pos = builder->buf + builder->len;

	if (builder->overflow || len > ANY || AVP_HEADER + len > builder->cap - builder->len) {
		builder->overflow = true;
		return NULL;
	}
	avp_set_u16(pos, (uint16_t)(flags | (AVP_HEADER + len)));
	avp_set_u16(pos + 2, vendor);
	avp_set_u16(pos + 4, attr);
	builder->len += AVP_HEADER + len;
	return pos + AVP_HEADER;
}

static uint16_t m_flag(uint16_t attr)
{
	const struct avp_def *def = avp_def(attr);

	return def && def->mandatory ? AVP_FLAG_M : 0;
}

void avp_put_raw(struct avp_builder *builder, uint16_t flags, uint16_t vendor, uint16_t attr, const void *value,
		 size_t len)
{
	uint8_t *pos = put_header(builder, flags, vendor, attr, len);

	if (pos && len)
		memcpy(pos, value, len);
}

void avp_builder_hide(struct avp_builder *builder, const char *secret, const uint8_t vector[AVP_AUTH_LEN])
{
	avp_put(builder, AVP_RANDOM_VECTOR, vector, AVP_AUTH_LEN);
	memcpy(builder->vector, vector, AVP_AUTH_LEN);
	builder->secret = secret;
}

/* So much that a value of any length fills whole digests: a short password looks like a longer one. */
static size_t padding_of(const struct avp_def *def, size_t len)
{
	size_t padding = (MD5_DIGEST_SIZE - (2 + len) % MD5_DIGEST_SIZE) % MD5_DIGEST_SIZE;

	return def->min == def->max || 2 + len + padding > ANY ? 0 : padding;
}

void avp_put(struct avp_builder *builder, uint16_t attr, const void *value, size_t len)
{
	const struct avp_def *def = avp_def(attr);

	if (builder->secret && def && def->hideable)
		avp_put_hidden(builder, attr, value, len, builder->secret, builder->vector, AVP_AUTH_LEN,
			       padding_of(def, len));
	else
		avp_put_raw(builder, m_flag(attr), 0, attr, value, len);
}

void avp_put_u16(struct avp_builder *builder, uint16_t attr, uint16_t number)
{
	uint8_t value[2];

	avp_set_u16(value, number);
	avp_put(builder, attr, value, sizeof(value));
}

void avp_put_u32(struct avp_builder *builder, uint16_t attr, uint32_t number)
{
	uint8_t value[4];

	avp_set_u16(value, (uint16_t)(number >> 16));
	avp_set_u16(value + 2, (uint16_t)number);
	avp_put(builder, attr, value, sizeof(value));
}

void avp_put_text(struct avp_builder *builder, uint16_t attr, const char *text)
{
	avp_put(builder, attr, text, strlen(text));
}

/* ---- secrets ------------------------------------------------------------ */

static void md5_string(struct md5_ctx *md5, const char *text)
{
	md5_update(md5, strlen(text), (const uint8_t *)text);
}

/* b1 = MD5(attribute, secret, random vector) */
static void first_pad(uint16_t attr, const char *secret, const uint8_t *vector, size_t vector_len,
		      uint8_t pad[MD5_DIGEST_SIZE])
{
	struct md5_ctx md5;
	uint8_t number[2];

	avp_set_u16(number, attr);
	md5_init(&md5);
	md5_update(&md5, sizeof(number), number);
	md5_string(&md5, secret);
	md5_update(&md5, vector_len, vector);
	md5_digest(&md5, MD5_DIGEST_SIZE, pad);
}

/* bi = MD5(secret, c(i-1)) */
static void next_pad(const char *secret, const uint8_t *cipher, uint8_t pad[MD5_DIGEST_SIZE])
{
	struct md5_ctx md5;

	md5_init(&md5);
	md5_string(&md5, secret);
	md5_update(&md5, MD5_DIGEST_SIZE, cipher);
	md5_digest(&md5, MD5_DIGEST_SIZE, pad);
}

/* Padding: nobody without the secret can tell it from a value. */
static void put_padding(uint8_t *pos, size_t len, uint16_t attr, const char *secret, const uint8_t *vector,
			size_t vector_len)
{
	uint8_t octets[MD5_DIGEST_SIZE];
	struct md5_ctx md5;
	uint8_t number[2];
	size_t i;

	if (!len)
		return;
	avp_set_u16(number, attr);
	md5_init(&md5);
	md5_string(&md5, secret);
	md5_update(&md5, vector_len, vector);
	md5_update(&md5, sizeof(number), number);
	md5_digest(&md5, sizeof(octets), octets);
	for (i = 0; i < len; i++)
		pos[i] = octets[i % sizeof(octets)];
}

static void put_hidden(struct avp_builder *builder, uint16_t flags, uint16_t vendor, uint16_t attr, const void *value,
		       size_t len, const char *secret, const uint8_t *vector, size_t vector_len, size_t padding)
{
	uint8_t pad[MD5_DIGEST_SIZE];
	size_t i, total = 2 + len + padding;
	uint8_t *pos = put_header(builder, flags | AVP_FLAG_H, vendor, attr, total);

	if (!pos)
		return;
	avp_set_u16(pos, (uint16_t)len);
	if (len)
		memcpy(pos + 2, value, len);
	put_padding(pos + 2 + len, padding, attr, secret, vector, vector_len);
	first_pad(attr, secret, vector, vector_len, pad);
	for (i = 0; i < total; i++) {
		if (i && i % MD5_DIGEST_SIZE == 0)
			next_pad(secret, pos + i - MD5_DIGEST_SIZE, pad);
		pos[i] ^= pad[i % MD5_DIGEST_SIZE];
	}
}

void avp_put_hidden(struct avp_builder *builder, uint16_t attr, const void *value, size_t len, const char *secret,
		    const uint8_t *vector, size_t vector_len, size_t padding)
{
	put_hidden(builder, m_flag(attr), 0, attr, value, len, secret, vector, vector_len, padding);
}

void avp_put_line(struct avp_builder *builder, uint16_t attr, const void *value, size_t len)
{
	const struct avp_def *def = avp_line_def(attr);

	if (builder->secret)
		put_hidden(builder, 0, AVP_VENDOR_ADSL_FORUM, attr, value, len, builder->secret, builder->vector,
			   AVP_AUTH_LEN, def ? padding_of(def, len) : 0);
	else
		avp_put_raw(builder, 0, AVP_VENDOR_ADSL_FORUM, attr, value, len);
}

int avp_unhide(uint16_t attr, const uint8_t *value, size_t len, const char *secret, const uint8_t *vector,
	       size_t vector_len, uint8_t *out, size_t *out_len)
{
	uint8_t pad[MD5_DIGEST_SIZE], inner[2] = { 0, 0 };
	size_t i, n;

	if (len < sizeof(inner))
		return -EBADMSG;
	first_pad(attr, secret, vector, vector_len, pad);
	for (i = 0; i < len; i++) {
		if (i && i % MD5_DIGEST_SIZE == 0)
			next_pad(secret, value + i - MD5_DIGEST_SIZE, pad);
		if (i < sizeof(inner))
			inner[i] = value[i] ^ pad[i];
		else
			out[i - sizeof(inner)] = value[i] ^ pad[i % MD5_DIGEST_SIZE];
	}
	n = avp_get_u16(inner);
	if (n > len - sizeof(inner))
		return -EBADMSG;
	*out_len = n;
	return 0;
}

void avp_challenge_response(uint8_t id, const char *secret, const uint8_t *challenge, size_t len,
			    uint8_t response[AVP_AUTH_LEN])
{
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, 1, &id);
	md5_string(&md5, secret);
	md5_update(&md5, len, challenge);
	md5_digest(&md5, AVP_AUTH_LEN, response);
}

bool avp_auth_equal(const uint8_t a[AVP_AUTH_LEN], const uint8_t b[AVP_AUTH_LEN])
{
	uint8_t diff = 0;
	size_t i;

	for (i = 0; i < AVP_AUTH_LEN; i++)
		diff |= a[i] ^ b[i];
	return !diff;
}
