// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The wire format of the test LAC: RFC 2661 §3.1 (header), §4 (AVPs, hiding)
 * and §5.1.1 (tunnel authentication). Called by lac.c and by unit tests only.
 *
 * It is a judge as well as a decoder. What a receiver has to refuse gives a
 * verdict; what a receiver has to live with but a correct sender would not
 * have sent (a wrong M bit, an AVP that is not of this message) sets
 * `pedantic`. Both name the reason. Every AVP is checked against the two
 * tables below; there is one bounds check, in the loop of lacw_decode().
 */
#include <string.h>

#include <nettle/md5.h>

#include "lac_wire.h"

#define A(n) (UINT64_C(1) << (n))

struct avp_spec {
	const char *name;
	uint16_t min, max;	/* octets of value */
	bool m;			/* the value the M bit must have */
	bool hide;		/* may be hidden */
	bool nonzero;		/* u16 that must not be 0 */
};

#define MAXV 1017

static const struct avp_spec avp_specs[LACW_ATTRS] = {
	[0] = { "Message Type", 2, 2, true, false, false },
	[1] = { "Result Code", 2, MAXV, true, false, true },
	[2] = { "Protocol Version", 2, 2, true, false, false },
	[3] = { "Framing Capabilities", 4, 4, true, true, false },
	[4] = { "Bearer Capabilities", 4, 4, true, true, false },
	[5] = { "Tie Breaker", 8, 8, false, false, false },
	[6] = { "Firmware Revision", 2, 2, false, true, false },
	[7] = { "Host Name", 1, MAXV, true, false, false },
	[8] = { "Vendor Name", 0, MAXV, false, true, false },
	[9] = { "Assigned Tunnel ID", 2, 2, true, true, true },
	[10] = { "Receive Window Size", 2, 2, true, false, true },
	[11] = { "Challenge", 1, MAXV, true, true, false },
	[12] = { "Q.931 Cause Code", 3, MAXV, true, false, false },
	[13] = { "Challenge Response", 16, 16, true, true, false },
	[14] = { "Assigned Session ID", 2, 2, true, true, true },
	[15] = { "Call Serial Number", 4, 4, true, true, false },
	[16] = { "Minimum BPS", 4, 4, true, true, false },
	[17] = { "Maximum BPS", 4, 4, true, true, false },
	[18] = { "Bearer Type", 4, 4, true, true, false },
	[19] = { "Framing Type", 4, 4, true, true, false },
	[21] = { "Called Number", 0, MAXV, true, true, false },
	[22] = { "Calling Number", 0, MAXV, true, true, false },
	[23] = { "Sub-Address", 0, MAXV, true, true, false },
	[24] = { "Tx Connect Speed", 4, 4, true, true, false },
	[25] = { "Physical Channel ID", 4, 4, false, true, false },
	[26] = { "Initial Received LCP CONFREQ", 0, MAXV, false, true, false },
	[27] = { "Last Sent LCP CONFREQ", 0, MAXV, false, true, false },
	[28] = { "Last Received LCP CONFREQ", 0, MAXV, false, true, false },
	[29] = { "Proxy Authen Type", 2, 2, false, true, false },
	[30] = { "Proxy Authen Name", 0, MAXV, false, true, false },
	[31] = { "Proxy Authen Challenge", 1, MAXV, false, true, false },
	[32] = { "Proxy Authen ID", 2, 2, false, true, false },
	[33] = { "Proxy Authen Response", 0, MAXV, false, true, false },
	[34] = { "Call Errors", 26, 26, true, true, false },
	[35] = { "ACCM", 10, 10, true, true, false },
	[36] = { "Random Vector", 1, MAXV, true, false, false },
	[37] = { "Private Group ID", 0, MAXV, false, true, false },
	[38] = { "Rx Connect Speed", 4, 4, false, true, false },
	[39] = { "Sequencing Required", 0, 0, true, false, false },
	[LACW_FAILOVER_CAP] = { "Failover Capability", 6, 6, false, true, true },
	[LACW_TUNNEL_RECOVERY] = { "Tunnel Recovery", 10, 10, true, false, false },
	[LACW_SUGGESTED_SEQ] = { "Suggested Control Sequence", 6, 6, false, true, false },
	[LACW_SESSION_STATE] = { "Failover Session State", 10, 10, true, true, false },
};

struct msg_spec {
	const char *name;
	uint64_t must, may;
	bool session; /* belongs to a session (header Session ID may be != 0) */
	bool optional; /* M bit of its Message Type is 0 */
};

static const struct msg_spec msg_specs[] = {
	[LACW_SCCRQ] = { "SCCRQ", A(0) | A(2) | A(7) | A(3) | A(9),
			 A(4) | A(10) | A(11) | A(5) | A(6) | A(8) | A(LACW_FAILOVER_CAP) |
				 A(LACW_TUNNEL_RECOVERY), false, false },
	[LACW_SCCRP] = { "SCCRP", A(0) | A(2) | A(3) | A(7) | A(9),
			 A(4) | A(6) | A(8) | A(10) | A(11) | A(13) | A(LACW_FAILOVER_CAP) |
				 A(LACW_SUGGESTED_SEQ), false, false },
	[LACW_SCCCN] = { "SCCCN", A(0), A(13), false, false },
	[LACW_STOPCCN] = { "StopCCN", A(0) | A(9) | A(1), 0, false, false },
	[LACW_HELLO] = { "HELLO", A(0), 0, false, false },
	[LACW_OCRQ] = { "OCRQ", A(0) | A(14) | A(15) | A(16) | A(17) | A(18) | A(19) | A(21),
			A(23), true, false },
	[LACW_OCRP] = { "OCRP", A(0) | A(14), A(25), true, false },
	[LACW_OCCN] = { "OCCN", A(0) | A(24) | A(19), A(38) | A(39), true, false },
	[LACW_ICRQ] = { "ICRQ", A(0) | A(14) | A(15),
			A(18) | A(25) | A(22) | A(21) | A(23), true, false },
	[LACW_ICRP] = { "ICRP", A(0) | A(14), 0, true, false },
	[LACW_ICCN] = { "ICCN", A(0) | A(24) | A(19),
			A(26) | A(27) | A(28) | A(29) | A(30) | A(31) | A(32) | A(33) |
				A(37) | A(38) | A(39), true, false },
	[LACW_CDN] = { "CDN", A(0) | A(1) | A(14), A(12), true, false },
	[LACW_WEN] = { "WEN", A(0) | A(34), 0, true, false },
	[LACW_SLI] = { "SLI", A(0) | A(35), 0, true, false },
	[LACW_FSQ] = { "FSQ", A(0) | A(LACW_SESSION_STATE), 0, false, true },
	[LACW_FSR] = { "FSR", A(0) | A(LACW_SESSION_STATE), 0, false, true },
};
#define N_MSGS (sizeof(msg_specs) / sizeof(*msg_specs))

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

#define FIRST_4951 76	/* AVPs 40 to 75 are not for us */

uint16_t lacw_attr_number(enum lacw_attr a)
{
	return (uint16_t)(a < LACW_FAILOVER_CAP ? a : a - LACW_FAILOVER_CAP + FIRST_4951);
}

/* Where in avp[] an attribute number belongs; LACW_ATTRS: nowhere. */
static uint16_t place_of(uint16_t number)
{
	if (number >= FIRST_4951)
		number = (uint16_t)(number - FIRST_4951 + LACW_FAILOVER_CAP);
	else if (number >= LACW_FAILOVER_CAP)
		number = LACW_ATTRS;
	return number < LACW_ATTRS ? number : LACW_ATTRS;
}

const char *lacw_type_name(uint16_t type)
{
	if (type == LACW_ZLB)
		return "ZLB";
	if (type < N_MSGS && msg_specs[type].name)
		return msg_specs[type].name;
	return "unknown message";
}

uint16_t lacw_u16(const struct lacw_msg *m, enum lacw_attr a)
{
	return m->avp[a].p && m->avp[a].len >= 2 ? get16(m->avp[a].p) : 0;
}

uint32_t lacw_u32(const struct lacw_msg *m, enum lacw_attr a)
{
	const uint8_t *p = m->avp[a].p;

	if (!p || m->avp[a].len < 4)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- hiding, RFC 2661 §4.3 ------------------------------------------- */

static void md5_three(uint8_t out[16], const void *a, size_t alen, const char *secret,
		      const void *c, size_t clen)
{
	struct md5_ctx md5;

	md5_init(&md5);
	if (alen)
		md5_update(&md5, alen, a);
	md5_update(&md5, strlen(secret), (const uint8_t *)secret);
	md5_update(&md5, clen, c);
	md5_digest(&md5, 16, out);
}

void lacw_response(uint8_t out[16], uint8_t id, const char *secret,
		   const uint8_t *challenge, size_t len)
{
	md5_three(out, &id, 1, secret, challenge, len);
}

/* XORs in place; `cipher` tells which side of the XOR feeds the next block. */
static void hide_xor(uint8_t *p, size_t len, uint16_t attr, const char *secret,
		     const uint8_t *rv, size_t rv_len, bool decrypt)
{
	uint8_t pad[16], prev[16], a[2];
	size_t i, n;

	set16(a, attr);
	md5_three(pad, a, 2, secret, rv, rv_len);
	while (len) {
		n = len < 16 ? len : 16;
		if (decrypt)
			memcpy(prev, p, n);
		for (i = 0; i < n; i++)
			p[i] ^= pad[i];
		if (!decrypt)
			memcpy(prev, p, n);
		p += n;
		len -= n;
		if (len)
			md5_three(pad, NULL, 0, secret, prev, 16);
	}
}

/* Value of a hidden AVP into m->clear; false: does not decode. */
static bool unhide(struct lacw_msg *m, uint16_t attr, const uint8_t **value, size_t *len,
		   const char *secret)
{
	uint8_t *out = m->clear + m->clear_len;
	size_t real;

	if (!m->avp[LACW_RANDOM_VECTOR].p || *len < 2 ||
	    *len > sizeof(m->clear) - m->clear_len)
		return false;
	memcpy(out, *value, *len);
	hide_xor(out, *len, attr, secret, m->avp[LACW_RANDOM_VECTOR].p,
		 m->avp[LACW_RANDOM_VECTOR].len, true);
	real = get16(out);
	if (real > *len - 2)
		return false;
	m->clear_len += *len;
	*value = out + 2;
	*len = real;
	return true;
}

/* ---- decoding --------------------------------------------------------- */

static enum lacw_verdict refuse(struct lacw_msg *m, enum lacw_verdict v, uint16_t attr,
				const char *why)
{
	m->why = why;
	m->why_attr = attr;
	return v;
}

static void pedantic(struct lacw_msg *m, uint16_t attr, const char *why)
{
	if (m->pedantic)
		return;
	m->pedantic = true;
	m->why = why;
	m->why_attr = attr;
}

/* Ns and Nr are in m even if the verdict is about the body. */
static enum lacw_verdict decode_header(struct lacw_msg *m, const uint8_t *p, size_t len)
{
	uint16_t flags;

	if (len < LACW_HDR)
		return refuse(m, LACW_BAD_HEADER, 0, "shorter than a control header");
	flags = get16(p);
	if ((flags & 0x000f) != 2)
		return refuse(m, LACW_BAD_HEADER, 0, "version is not 2");
	if ((flags & 0xcb00) != 0xc800)
		return refuse(m, LACW_BAD_HEADER, 0, "control header without L or S, or with O or P");
	if (get16(p + 2) != len)
		return refuse(m, LACW_BAD_HEADER, 0, "length field is not the datagram length");
	if (flags & 0x34f0)
		pedantic(m, 0, "reserved header bit set");
	m->tid = get16(p + 4);
	m->sid = get16(p + 6);
	m->ns = get16(p + 8);
	m->nr = get16(p + 10);
	return LACW_OK;
}

static enum lacw_verdict decode_avp(struct lacw_msg *m, uint16_t bits, uint16_t vendor,
				    uint16_t number, const uint8_t *v, size_t len,
				    const char *secret)
{
	const struct avp_spec *s;
	uint16_t attr = place_of(number);
	bool must = bits & 0x8000, hidden = bits & 0x4000;

	if (bits & 0x3c00)
		pedantic(m, attr, "reserved AVP bit set");
	if (vendor || attr >= LACW_ATTRS || !avp_specs[attr].name || bits & 0x3c00 ||
	    (hidden && !secret)) {
		if (must)
			return refuse(m, LACW_UNKNOWN_M_AVP, attr, "unrecognised AVP with M=1");
		return LACW_OK;
	}
	s = &avp_specs[attr];
	if (hidden && !s->hide)
		return refuse(m, LACW_BAD_BODY, attr, "hidden AVP that must not be");
	if (hidden && !unhide(m, number, &v, &len, secret))
		return refuse(m, LACW_BAD_BODY, attr, "hidden AVP does not decode");
	if (len < s->min || len > s->max) {
		if (must)
			return refuse(m, LACW_BAD_BODY, attr, "AVP length");
		pedantic(m, attr, "AVP length");
		return LACW_OK;
	}
	if (s->nonzero && !get16(v))
		return refuse(m, LACW_BAD_BODY, attr, "AVP value 0");
	/* the M bit of a Message Type AVP is judged by the type */
	if (must != s->m && attr != LACW_MESSAGE_TYPE)
		pedantic(m, attr, "M bit");
	if (attr == LACW_SESSION_STATE && m->n_fss < LACW_FSS_MAX) {
		m->fss[m->n_fss].sid = get16(v + 4);
		m->fss[m->n_fss++].remote = get16(v + 8);
	}
	if (m->avp[attr].p && attr != LACW_RANDOM_VECTOR && attr != LACW_SESSION_STATE) {
		pedantic(m, attr, "AVP twice");
		return LACW_OK;
	}
	m->avp[attr].p = v;
	m->avp[attr].len = (uint16_t)len;
	return LACW_OK;
}

static enum lacw_verdict check_message(struct lacw_msg *m)
{
	const struct msg_spec *s;
	uint16_t a;

	if (m->type >= N_MSGS || !msg_specs[m->type].name)
		return LACW_OK;
	s = &msg_specs[m->type];
	m->known = true;
	if (!s->session && m->sid)
		return refuse(m, LACW_BAD_BODY, 0, "session ID in a tunnel message");
	for (a = 0; a < LACW_ATTRS; a++) {
		if (s->must & A(a) && !m->avp[a].p)
			return refuse(m, LACW_BAD_BODY, a, "mandatory AVP missing");
		if (m->avp[a].p && !((s->must | s->may | A(LACW_RANDOM_VECTOR)) & A(a)))
			pedantic(m, a, "AVP not of this message");
	}
	if (m->avp[LACW_RESULT_CODE].len == 3)
		return refuse(m, LACW_BAD_BODY, LACW_RESULT_CODE, "AVP length");
	return LACW_OK;
}

enum lacw_verdict lacw_decode(struct lacw_msg *m, const uint8_t *p, size_t len,
			      const char *secret)
{
	enum lacw_verdict v, worst = LACW_OK;
	uint16_t bits, attr, n;
	size_t off = LACW_HDR;

	memset(m, 0, offsetof(struct lacw_msg, clear));
	m->clear_len = 0;
	v = decode_header(m, p, len);
	if (v != LACW_OK)
		return v;
	if (len == LACW_HDR)
		return LACW_OK;
	while (off < len) {
		if (len - off < 6)
			return refuse(m, LACW_BAD_BODY, 0, "AVP header cut off");
		bits = get16(p + off);
		n = bits & 0x3ff;
		attr = get16(p + off + 4);
		if (n < 6 || n > len - off)
			return refuse(m, LACW_BAD_BODY, attr, "AVP longer than the message");
		if (off == LACW_HDR) {
			if (get16(p + off + 2) || attr || n != 8)
				return refuse(m, LACW_BAD_BODY, attr, "first AVP is not a Message Type");
			m->type = get16(p + off + 6);
			if (!m->type)
				return refuse(m, LACW_BAD_BODY, 0, "message type 0");
			if (m->type >= N_MSGS || !msg_specs[m->type].name) {
				if (bits & 0x8000)
					return refuse(m, LACW_UNKNOWN_M_TYPE, 0, "unknown message type with M=1");
			} else if (!(bits & 0x8000) != msg_specs[m->type].optional) {
				pedantic(m, 0, "M bit");
			}
		}
		v = decode_avp(m, bits, get16(p + off + 2), attr, p + off + 6, n - 6u, secret);
		if (worst == LACW_OK)
			worst = v;
		off += n;
	}
	v = check_message(m);
	return worst != LACW_OK ? worst : v;
}

bool lacw_data_decode(struct lacw_data *d, const uint8_t *p, size_t len)
{
	uint16_t flags;
	size_t off = 2, n;

	memset(d, 0, sizeof(*d));
	if (len < 6)
		return false;
	flags = get16(p);
	if (flags & 0x8000 || (flags & 0xf) != 2)
		return false;
	if (flags & 0x4000) {
		n = get16(p + off);
		if (n > len)
			return false;
		len = n; /* octets behind the message are padding */
		off += 2;
	}
	if (len < off + 4)
		return false;
	d->tid = get16(p + off);
	d->sid = get16(p + off + 2);
	off += 4;
	if (flags & 0x0800) {
		if (len < off + 4)
			return false;
		d->has_seq = true;
		d->ns = get16(p + off);
		off += 4;
	}
	if (flags & 0x0200) {
		if (len < off + 2)
			return false;
		off += 2u + get16(p + off);
	}
	if (len < off)
		return false;
	d->payload = p + off;
	d->len = len - off;
	return true;
}

/* ---- building --------------------------------------------------------- */

static uint8_t *grow(struct lacw_buf *b, size_t n)
{
	uint8_t *p = b->b + b->len;

	if (b->fail || n > sizeof(b->b) - b->len) {
		b->fail = true;
		return NULL;
	}
	b->len += n;
	return p;
}

void lacw_begin(struct lacw_buf *b, uint16_t tid, uint16_t sid, enum lacw_type type)
{
	uint8_t *p;

	b->len = 0;
	b->fail = false;
	b->hide = NULL;
	p = grow(b, LACW_HDR);
	memset(p, 0, LACW_HDR);
	set16(p, 0xc802);
	set16(p + 4, tid);
	set16(p + 6, sid);
	lacw_put_u16(b, LACW_MESSAGE_TYPE, (uint16_t)type);
	if (msg_specs[type].optional)
		p[LACW_HDR] &= 0x7f;
}

void lacw_zlb(struct lacw_buf *b, uint16_t tid, uint16_t ns, uint16_t nr)
{
	b->fail = false;
	b->hide = NULL;
	b->len = LACW_HDR;
	memset(b->b, 0, LACW_HDR);
	set16(b->b, 0xc802);
	set16(b->b + 2, LACW_HDR);
	set16(b->b + 4, tid);
	lacw_set_seq(b->b, ns, nr);
}

void lacw_hide(struct lacw_buf *b, const char *secret, const uint8_t rv[16])
{
	memcpy(b->rv, rv, sizeof(b->rv));
	lacw_put(b, LACW_RANDOM_VECTOR, rv, sizeof(b->rv));
	b->hide = secret;
}

void lacw_put(struct lacw_buf *b, enum lacw_attr a, const void *value, size_t len)
{
	const struct avp_spec *s = &avp_specs[a];
	bool hide = b->hide && s->hide;
	size_t body = len + (hide ? 2u : 0u);
	uint8_t *p;

	if (body > MAXV) {
		b->fail = true;
		return;
	}
	p = grow(b, 6 + body);
	if (!p)
		return;
	set16(p, (uint16_t)((s->m ? 0x8000 : 0) | (hide ? 0x4000 : 0) | (6 + body)));
	set16(p + 2, 0);
	set16(p + 4, lacw_attr_number(a));
	if (hide)
		set16(p + 6, (uint16_t)len);
	if (len)
		memcpy(p + 6 + (body - len), value, len);
	if (hide)
		hide_xor(p + 6, body, lacw_attr_number(a), b->hide, b->rv, sizeof(b->rv), false);
}

void lacw_put_u16(struct lacw_buf *b, enum lacw_attr a, uint16_t v)
{
	uint8_t p[2];

	set16(p, v);
	lacw_put(b, a, p, sizeof(p));
}

void lacw_put_u32(struct lacw_buf *b, enum lacw_attr a, uint32_t v)
{
	uint8_t p[4];

	set16(p, (uint16_t)(v >> 16));
	set16(p + 2, (uint16_t)v);
	lacw_put(b, a, p, sizeof(p));
}

void lacw_put_str(struct lacw_buf *b, enum lacw_attr a, const char *s)
{
	lacw_put(b, a, s, strlen(s));
}

void lacw_put_result(struct lacw_buf *b, uint16_t result, uint16_t error, const char *text)
{
	uint8_t v[4 + 128];
	size_t n = text ? strnlen(text, 128) : 0;

	set16(v, result);
	set16(v + 2, error);
	if (n)
		memcpy(v + 4, text, n);
	lacw_put(b, LACW_RESULT_CODE, v, error || n ? 4 + n : 2);
}

void lacw_put_raw(struct lacw_buf *b, const uint8_t *avps, size_t len)
{
	uint8_t *p;

	if (!len)
		return;
	p = grow(b, len);
	if (p)
		memcpy(p, avps, len);
}

bool lacw_end(struct lacw_buf *b)
{
	if (b->fail)
		return false;
	set16(b->b + 2, (uint16_t)b->len);
	return true;
}

void lacw_set_seq(uint8_t *msg, uint16_t ns, uint16_t nr)
{
	set16(msg + 8, ns);
	set16(msg + 10, nr);
}
