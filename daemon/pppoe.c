// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PPPoE discovery.  Until a client has shown that it gets what is sent to it
 * (AC-Cookie, RFC 2516 appendix A) nothing is kept of it, so a flood of PADIs
 * costs nothing but the answers.  A PADR that is repeated because the PADS was
 * lost gets the same session again.
 *
 * Owns: the sessions by ID.  io_pppoe.c calls it.
 */
#include "daemon/pppoe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/hmac.h>
#include <uthash.h>

#define HEADER 6
#define VERSION_TYPE 0x11
#define COOKIE_LEN 16
#define HOST_UNIQ_MAX 64
#define VENDOR_ADSL_FORUM 3561

enum code { CODE_PADI = 0x09, CODE_PADO = 0x07, CODE_PADR = 0x19, CODE_PADS = 0x65, CODE_PADT = 0xa7 };
enum tag {
	TAG_END = 0x0000,
	TAG_SERVICE_NAME = 0x0101,
	TAG_AC_NAME = 0x0102,
	TAG_HOST_UNIQ = 0x0103,
	TAG_AC_COOKIE = 0x0104,
	TAG_VENDOR = 0x0105,
	TAG_RELAY_SESSION_ID = 0x0110,
	TAG_SERVICE_NAME_ERROR = 0x0201,
	TAG_AC_SYSTEM_ERROR = 0x0202,
	TAG_GENERIC_ERROR = 0x0203,
};

struct slice {
	const uint8_t *data;	/* NULL: the tag is not there */
	size_t len;
};
struct request {
	struct slice service, ac_name, host_uniq, cookie, relay, vendor;
};
struct session {
	uint16_t id;
	size_t port;
	uint8_t mac[PPPOE_MAC];
	uint8_t host_uniq[HOST_UNIQ_MAX];
	size_t host_uniq_len;
	UT_hash_handle hh;
};
struct pppoe {
	struct pppoe_ops ops;
	struct pppoe_port *ports;
	size_t count;
	struct session *sessions;
	uint8_t secret[16];
	uint16_t last_id;
};

/* ---- reading -------------------------------------------------------------- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* False: the frame is not well formed, or not of discovery. */
static bool parse(const uint8_t *frame, size_t len, struct request *r)
{
	const uint8_t *p = frame + HEADER, *end;

	memset(r, 0, sizeof(*r));
	if (len < HEADER || frame[0] != VERSION_TYPE || get16(frame + 4) > len - HEADER)
		return false;
	end = p + get16(frame + 4);	/* Ethernet pads */
	while (end - p >= 4) {
		struct slice value = { p + 4, get16(p + 2) };

		if (value.len > (size_t)(end - p) - 4)
			return false;
		switch (get16(p)) {
		case TAG_END:
			return true;
		case TAG_SERVICE_NAME:
			r->service = value;
			break;
		case TAG_AC_NAME:
			r->ac_name = value;
			break;
		case TAG_HOST_UNIQ:
			r->host_uniq = value;
			break;
		case TAG_AC_COOKIE:
			r->cookie = value;
			break;
		case TAG_VENDOR:
			r->vendor = value;
			break;
		case TAG_RELAY_SESSION_ID:
			r->relay = value;
			break;
		}
		p = value.data + value.len;
	}
	return p == end;
}

static bool slice_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.data, text, s.len);
}

static void text_of(char out[PPPOE_TEXT_MAX], struct slice s)
{
	size_t n = s.len < PPPOE_TEXT_MAX - 1 ? s.len : PPPOE_TEXT_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(s.data[i] >= 0x20 && s.data[i] < 0x7f ? s.data[i] : '.');
	out[n] = '\0';
}

/* TR-101 3.9.2: what an access node put in on the way. */
static void line_of(struct slice vendor, struct pppoe_open *open)
{
	const uint8_t *p = vendor.data, *end = p + vendor.len;

	if (vendor.len < 4 || ((uint32_t)get16(p) << 16 | get16(p + 2)) != VENDOR_ADSL_FORUM)
		return;
	for (p += 4; end - p >= 2 && p[1] <= end - p - 2; p += 2 + p[1]) {
		if (p[0] == 1)
			text_of(open->circuit, (struct slice){ p + 2, p[1] });
		else if (p[0] == 2)
			text_of(open->remote, (struct slice){ p + 2, p[1] });
	}
}

/* ---- writing -------------------------------------------------------------- */

struct reply {
	uint8_t frame[PPPOE_FRAME_MAX];
	size_t len;
};

static void reply_begin(struct reply *reply, enum code code, uint16_t session_id)
{
	reply->frame[0] = VERSION_TYPE;
	reply->frame[1] = (uint8_t)code;
	reply->frame[2] = (uint8_t)(session_id >> 8);
	reply->frame[3] = (uint8_t)session_id;
	reply->len = HEADER;
}

static void reply_put(struct reply *reply, enum tag tag, const void *value, size_t len)
{
	uint8_t *p = reply->frame + reply->len;

	if (len + 4 > sizeof(reply->frame) - reply->len)
		return;
	p[0] = (uint8_t)(tag >> 8);
	p[1] = (uint8_t)tag;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	if (len)
		memcpy(p + 4, value, len);
	reply->len += 4 + len;
}

static void reply_echo(struct reply *reply, enum tag tag, struct slice s)
{
	if (s.data)
		reply_put(reply, tag, s.data, s.len);
}

static void reply_send(struct pppoe *pppoe, struct reply *reply, size_t port, const uint8_t to[PPPOE_MAC])
{
	reply->frame[4] = (uint8_t)((reply->len - HEADER) >> 8);
	reply->frame[5] = (uint8_t)(reply->len - HEADER);
	pppoe->ops.send(pppoe->ops.ctx, port, to, reply->frame, reply->len);
}

/* ---- discovery ------------------------------------------------------------ */

static void cookie_of(const struct pppoe *pppoe, size_t port, const uint8_t mac[PPPOE_MAC], uint8_t cookie[COOKIE_LEN])
{
	struct hmac_md5_ctx ctx;
	uint8_t p = (uint8_t)port;

	hmac_md5_set_key(&ctx, sizeof(pppoe->secret), pppoe->secret);
	hmac_md5_update(&ctx, PPPOE_MAC, mac);
	hmac_md5_update(&ctx, 1, &p);
	hmac_md5_digest(&ctx, COOKIE_LEN, cookie);
}

static bool serves(const struct pppoe_port *port, const struct request *r)
{
	if (!r->service.data)
		return false;		/* it has to be there, RFC 2516 5.1 */
	return !r->service.len || !port->service[0] || slice_is(r->service, port->service);
}

static void on_padi(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], const struct request *r)
{
	const struct pppoe_port *p = &pppoe->ports[port];
	uint8_t cookie[COOKIE_LEN];
	struct reply reply;

	/* it looks for a service that others may have, or for another concentrator */
	if (!serves(p, r) || (r->ac_name.data && r->ac_name.len && !slice_is(r->ac_name, p->ac_name)))
		return;
	cookie_of(pppoe, port, from, cookie);
	reply_begin(&reply, CODE_PADO, 0);
	reply_put(&reply, TAG_AC_NAME, p->ac_name, strlen(p->ac_name));
	reply_put(&reply, TAG_SERVICE_NAME, r->service.data, r->service.len);
	if (!r->service.len && p->service[0])
		reply_put(&reply, TAG_SERVICE_NAME, p->service, strlen(p->service));
	reply_put(&reply, TAG_AC_COOKIE, cookie, sizeof(cookie));
	reply_echo(&reply, TAG_HOST_UNIQ, r->host_uniq);
	reply_echo(&reply, TAG_RELAY_SESSION_ID, r->relay);
	reply_send(pppoe, &reply, port, from);
}

static void confirm(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], const struct request *r, uint16_t id,
		    enum tag error, const char *why)
{
	struct reply reply;

	reply_begin(&reply, CODE_PADS, id);
	reply_echo(&reply, TAG_SERVICE_NAME, r->service);
	reply_echo(&reply, TAG_HOST_UNIQ, r->host_uniq);
	reply_echo(&reply, TAG_RELAY_SESSION_ID, r->relay);
	if (error)
		reply_put(&reply, error, why, strlen(why));
	reply_send(pppoe, &reply, port, from);
}

static struct session *find(const struct pppoe *pppoe, uint16_t id)
{
	struct session *s;

	HASH_FIND(hh, pppoe->sessions, &id, sizeof(id), s);
	return s;
}

/* The PADS was lost: the client asks again, for what it has already. */
static struct session *repeated(const struct pppoe *pppoe, size_t port, const uint8_t mac[PPPOE_MAC], const struct request *r)
{
	for (struct session *s = pppoe->sessions; s; s = s->hh.next)
		if (s->port == port && !memcmp(s->mac, mac, PPPOE_MAC) && r->host_uniq.data &&
		    s->host_uniq_len == r->host_uniq.len && !memcmp(s->host_uniq, r->host_uniq.data, r->host_uniq.len))
			return s;
	return NULL;
}

static const char *limit(const struct pppoe *pppoe, size_t port, const uint8_t mac[PPPOE_MAC])
{
	const struct pppoe_port *p = &pppoe->ports[port];
	uint32_t all = 0, own = 0;

	for (const struct session *s = pppoe->sessions; s; s = s->hh.next) {
		all += s->port == port;
		own += s->port == port && !memcmp(s->mac, mac, PPPOE_MAC);
	}
	if (p->max_sessions && all >= p->max_sessions)
		return "no session left";
	return p->max_per_mac && own >= p->max_per_mac ? "no session left for this address" : NULL;
}

/* One that was not used for long; 0: none. */
static uint16_t new_id(struct pppoe *pppoe)
{
	uint16_t first = pppoe->ops.id_first, last = pppoe->ops.id_last;

	for (unsigned n = first; n <= last; n++) {
		pppoe->last_id = pppoe->last_id < first || pppoe->last_id >= last ? first : (uint16_t)(pppoe->last_id + 1);
		if (!find(pppoe, pppoe->last_id))
			return pppoe->last_id;
	}
	return 0;
}

static void session_forget(struct pppoe *pppoe, struct session *s)
{
	HASH_DEL(pppoe->sessions, s);
	free(s);
}

static const char *open_session(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], const struct request *r,
				uint16_t *id)
{
	struct pppoe_open open = { .port = port };
	const char *why = limit(pppoe, port, from);
	struct session *s = why ? NULL : calloc(1, sizeof(*s));

	if (!s)
		return why ? why : "out of memory";
	*id = s->id = new_id(pppoe);
	s->port = port;
	memcpy(s->mac, from, PPPOE_MAC);
	if (r->host_uniq.len && r->host_uniq.len <= HOST_UNIQ_MAX) {
		memcpy(s->host_uniq, r->host_uniq.data, r->host_uniq.len);
		s->host_uniq_len = r->host_uniq.len;
	}
	HASH_ADD(hh, pppoe->sessions, id, sizeof(s->id), s);
	open.session_id = s->id;
	memcpy(open.mac, from, PPPOE_MAC);
	text_of(open.service, r->service);
	if (r->vendor.data)
		line_of(r->vendor, &open);
	if (s->id && pppoe->ops.opened(pppoe->ops.ctx, &open))
		return NULL;
	session_forget(pppoe, s);
	return "no session now";
}

static void on_padr(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], const struct request *r)
{
	uint8_t cookie[COOKIE_LEN];
	struct session *s;
	const char *why;
	uint16_t id = 0;

	cookie_of(pppoe, port, from, cookie);
	if (r->cookie.len != sizeof(cookie) || memcmp(r->cookie.data, cookie, sizeof(cookie)))
		return;		/* nobody was offered anything */
	if (!serves(&pppoe->ports[port], r)) {
		confirm(pppoe, port, from, r, 0, TAG_SERVICE_NAME_ERROR, "there is no such service");
		return;
	}
	s = repeated(pppoe, port, from, r);
	if (s) {
		confirm(pppoe, port, from, r, s->id, TAG_END, "");
		return;
	}
	why = open_session(pppoe, port, from, r, &id);
	confirm(pppoe, port, from, r, why ? 0 : id, why ? TAG_AC_SYSTEM_ERROR : TAG_END, why ? why : "");
}

void pppoe_input(struct pppoe *pppoe, size_t port, const uint8_t from[PPPOE_MAC], bool ours, const uint8_t *frame, size_t len)
{
	struct request r;
	struct session *s;
	uint16_t id;

	if (port >= pppoe->count || from[0] & 1 || !parse(frame, len, &r))
		return;
	id = get16(frame + 2);
	switch ((enum code)frame[1]) {
	case CODE_PADI:
		if (!id)
			on_padi(pppoe, port, from, &r);
		break;
	case CODE_PADR:
		if (!id && ours)
			on_padr(pppoe, port, from, &r);
		break;
	case CODE_PADT:
		s = ours ? find(pppoe, id) : NULL;
		if (!s || s->port != port || memcmp(s->mac, from, PPPOE_MAC))
			break;
		session_forget(pppoe, s);
		pppoe->ops.closed(pppoe->ops.ctx, id);
		break;
	case CODE_PADO:
	case CODE_PADS:
		break;		/* of another concentrator */
	}
}

bool pppoe_known(struct pppoe *pppoe, size_t port, uint16_t session_id, const uint8_t mac[PPPOE_MAC])
{
	struct session *s = find(pppoe, session_id);

	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return false;
		s->id = session_id;
		HASH_ADD(hh, pppoe->sessions, id, sizeof(s->id), s);
	}
	s->port = port;
	memcpy(s->mac, mac, PPPOE_MAC);
	return true;
}

void pppoe_forget(struct pppoe *pppoe, uint16_t session_id)
{
	struct session *s = find(pppoe, session_id);

	if (s)
		session_forget(pppoe, s);
}

void pppoe_announce(struct pppoe *pppoe, size_t port)
{
	static const uint8_t everybody[PPPOE_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct reply reply;

	/* no session has this number: nobody ends one for it */
	reply_begin(&reply, CODE_PADT, 0);
	reply_send(pppoe, &reply, port, everybody);
}

void pppoe_close(struct pppoe *pppoe, uint16_t session_id, const char *why)
{
	struct session *s = find(pppoe, session_id);
	struct reply reply;

	if (!s)
		return;
	reply_begin(&reply, CODE_PADT, s->id);
	if (why[0])
		reply_put(&reply, TAG_GENERIC_ERROR, why, strlen(why));
	reply_send(pppoe, &reply, s->port, s->mac);
	session_forget(pppoe, s);
}

size_t pppoe_sessions(const struct pppoe *pppoe)
{
	return HASH_COUNT(pppoe->sessions);
}

/* ---- life ----------------------------------------------------------------- */

struct pppoe *pppoe_new(const struct pppoe_ops *ops, const struct pppoe_port *ports, size_t count)
{
	struct pppoe *pppoe = calloc(1, sizeof(*pppoe));

	if (!pppoe)
		return NULL;
	pppoe->ops = *ops;
	if (!ops->id_first) {
		pppoe->ops.id_first = 1;
		pppoe->ops.id_last = 65534;
	}
	pppoe->count = count;
	pppoe->ports = calloc(count + 1, sizeof(*ports));
	if (!pppoe->ports) {
		free(pppoe);
		return NULL;
	}
	memcpy(pppoe->ports, ports, count * sizeof(*ports));
	ops->random(ops->ctx, pppoe->secret, sizeof(pppoe->secret));
	ops->random(ops->ctx, &pppoe->last_id, sizeof(pppoe->last_id));
	pppoe->last_id = (uint16_t)(pppoe->ops.id_first + pppoe->last_id % (pppoe->ops.id_last - pppoe->ops.id_first + 1));
	return pppoe;
}

void pppoe_free(struct pppoe *pppoe)
{
	struct session *s, *tmp;

	if (!pppoe)
		return;
	HASH_ITER(hh, pppoe->sessions, s, tmp)
		session_forget(pppoe, s);
	explicit_bzero(pppoe->secret, sizeof(pppoe->secret));
	free(pppoe->ports);
	free(pppoe);
}
