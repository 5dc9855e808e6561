/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plugin protocol, bytes only: shared by the daemon and the plugin.
 *
 * Messages are tables of fields (which TLV, where in the structure, how
 * encoded), so that both directions and both sides read the same line.  The
 * only place that compares a length with the end of a buffer is proto_next();
 * the writer has its mirror in proto_put().
 */
#include "pppd-plugin/proto.h"

#include <errno.h>
#include <string.h>

#define RETRY_US	200000	/* at first; a daemon that waits for us waits for seconds */
#define RETRY_TRIES	8	/* then half as often, */
#define RETRY_SLOWEST	3	/* and at last an eighth */
#define MAGIC0	'l'
#define MAGIC1	'P'

enum field_kind {
	FIELD_INT,		/* unsigned, 1, 2 or 4 octets in the structure */
	FIELD_BOOL,
	FIELD_ADDR,		/* four octets, network order already */
	FIELD_TEXT,		/* NUL-terminated in the structure */
	FIELD_BYTES,		/* octets, length in a size_t elsewhere */
	FIELD_REF,		/* as BYTES, but the structure has a pointer */
};

struct field {
	uint16_t tlv;
	enum field_kind kind;
	uint16_t offset;
	uint16_t size;
	uint16_t len_offset;
};

#define INT(t, s, m)	{ t, FIELD_INT, offsetof(s, m), sizeof(((s *)0)->m), 0 }
#define BOOL(t, s, m)	{ t, FIELD_BOOL, offsetof(s, m), sizeof(bool), 0 }
#define ADDR(t, s, m)	{ t, FIELD_ADDR, offsetof(s, m), 4, 0 }
#define TEXT(t, s, m)	{ t, FIELD_TEXT, offsetof(s, m), sizeof(((s *)0)->m), 0 }
#define BYTES(t, s, m)	{ t, FIELD_BYTES, offsetof(s, m), \
			  sizeof(((s *)0)->m), offsetof(s, m##_len) }
#define REF(t, s, m)	{ t, FIELD_REF, offsetof(s, m), PPP_STATE_MAX, \
			  offsetof(s, m##_len) }
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

struct start {
	struct ppp_params params;
	uint32_t instance;
};

static const struct field start_fields[] = {
	INT(TLV_TUNNEL_ID, struct start, params.key.tunnel_id),
	INT(TLV_SESSION_ID, struct start, params.key.session_id),
	TEXT(TLV_IFNAME, struct start, params.ifname),
	BOOL(TLV_AUTH_PAP, struct start, params.auth_pap),
	BOOL(TLV_AUTH_CHAP, struct start, params.auth_chap),
	TEXT(TLV_LOCAL_NAME, struct start, params.local_name),
	INT(TLV_MRU, struct start, params.mru),
	INT(TLV_MTU, struct start, params.mtu),
	INT(TLV_IFGROUP, struct start, params.ifgroup),
	ADDR(TLV_LOCAL_ADDR, struct start, params.local_addr),
	INT(TLV_ECHO_INTERVAL_S, struct start, params.echo_interval_s),
	INT(TLV_ECHO_FAILURES, struct start, params.echo_failures),
	BOOL(TLV_PROXY_LCP, struct start, params.proxy.lcp),
	INT(TLV_GOT_FLAGS, struct start, params.proxy.got.flags),
	INT(TLV_PROXY_MRU, struct start, params.proxy.got.mru),
	INT(TLV_GOT_ASYNCMAP, struct start, params.proxy.got.asyncmap),
	INT(TLV_LOCAL_MAGIC, struct start, params.proxy.got.magic),
	INT(TLV_HIS_FLAGS, struct start, params.proxy.his.flags),
	INT(TLV_PEER_MRU, struct start, params.proxy.his.mru),
	INT(TLV_HIS_ASYNCMAP, struct start, params.proxy.his.asyncmap),
	INT(TLV_PEER_MAGIC, struct start, params.proxy.his.magic),
	INT(TLV_AUTH_KIND, struct start, params.proxy.auth.kind),
	TEXT(TLV_PROXY_USER, struct start, params.proxy.auth.user),
	TEXT(TLV_PROXY_PASSWORD, struct start, params.proxy.auth.password),
	INT(TLV_CHAP_ID, struct start, params.proxy.auth.chap_id),
	BYTES(TLV_CHALLENGE, struct start, params.proxy.auth.challenge),
	BYTES(TLV_RESPONSE, struct start, params.proxy.auth.response),
	BOOL(TLV_STANDBY, struct start, params.standby),
	REF(TLV_STATE, struct start, params.state),
	INT(TLV_INSTANCE, struct start, instance),
	BOOL(TLV_CLIENT, struct start, params.client),
	TEXT(TLV_USER, struct start, params.user),
	TEXT(TLV_PASSWORD, struct start, params.password),
};

static const struct field auth_fields[] = {
	INT(TLV_AUTH_KIND, struct ppp_auth, kind),
	TEXT(TLV_USER, struct ppp_auth, user),
	TEXT(TLV_PASSWORD, struct ppp_auth, password),
	INT(TLV_CHAP_ID, struct ppp_auth, chap_id),
	BYTES(TLV_CHALLENGE, struct ppp_auth, challenge),
	BYTES(TLV_RESPONSE, struct ppp_auth, response),
	BYTES(TLV_LCP_FIRST_RECEIVED, struct ppp_auth, lcp.first_received),
	BYTES(TLV_LCP_SENT, struct ppp_auth, lcp.sent),
	BYTES(TLV_LCP_RECEIVED, struct ppp_auth, lcp.received),
};

static const struct field verdict_fields[] = {
	BOOL(TLV_OK, struct ppp_verdict, ok),
	ADDR(TLV_PEER_ADDR, struct ppp_verdict, peer_addr),
	ADDR(TLV_DNS1, struct ppp_verdict, dns[0]),
	ADDR(TLV_DNS2, struct ppp_verdict, dns[1]),
	TEXT(TLV_MESSAGE, struct ppp_verdict, message),
};

static const struct field key_fields[] = {
	INT(TLV_TUNNEL_ID, struct ppp_key, tunnel_id),
	INT(TLV_SESSION_ID, struct ppp_key, session_id),
};

static const struct field up_fields[] = {
	TEXT(TLV_USER, struct ppp_up, user),
	INT(TLV_AUTH_KIND, struct ppp_up, auth),
	TEXT(TLV_IFNAME, struct ppp_up, ifname),
	ADDR(TLV_LOCAL_ADDR, struct ppp_up, local_addr),
	ADDR(TLV_PEER_ADDR, struct ppp_up, peer_addr),
	ADDR(TLV_DNS1, struct ppp_up, dns[0]),
	ADDR(TLV_DNS2, struct ppp_up, dns[1]),
	INT(TLV_MRU, struct ppp_up, mru),
	INT(TLV_PEER_MRU, struct ppp_up, peer_mru),
	INT(TLV_LOCAL_MAGIC, struct ppp_up, local_magic),
	INT(TLV_PEER_MAGIC, struct ppp_up, peer_magic),
	REF(TLV_STATE, struct ppp_up, state),
};

static const struct field down_fields[] = {
	INT(TLV_REASON, struct ppp_down, reason),
	INT(TLV_CAUSE, struct ppp_down, cause),
	INT(TLV_PROTOCOL, struct ppp_down, protocol),
	INT(TLV_DIRECTION, struct ppp_down, direction),
	INT(TLV_STATUS, struct ppp_down, status),
	TEXT(TLV_MESSAGE, struct ppp_down, message),
};

static const struct field note_fields[] = {
	INT(TLV_TUNNEL_ID, struct proto_note, key.tunnel_id),
	INT(TLV_SESSION_ID, struct proto_note, key.session_id),
	INT(TLV_INSTANCE, struct proto_note, instance),
	INT(TLV_STATUS, struct proto_note, status),
};

static const struct field early_fields[] = {
	REF(TLV_FRAME, struct proto_frame, bytes),
};

static const struct field state_fields[] = {
	INT(TLV_STATE_VERSION, struct ppp_state, version),
	INT(TLV_GOT_FLAGS, struct ppp_state, got.flags),
	INT(TLV_MRU, struct ppp_state, got.mru),
	INT(TLV_GOT_ASYNCMAP, struct ppp_state, got.asyncmap),
	INT(TLV_LOCAL_MAGIC, struct ppp_state, got.magic),
	INT(TLV_HIS_FLAGS, struct ppp_state, his.flags),
	INT(TLV_PEER_MRU, struct ppp_state, his.mru),
	INT(TLV_HIS_ASYNCMAP, struct ppp_state, his.asyncmap),
	INT(TLV_PEER_MAGIC, struct ppp_state, his.magic),
	INT(TLV_LCP_ID, struct ppp_state, lcp_id),
	INT(TLV_IPCP_ID, struct ppp_state, ipcp_id),
	INT(TLV_IPCP_FLAGS, struct ppp_state, ipcp_flags),
	ADDR(TLV_LOCAL_ADDR, struct ppp_state, local_addr),
	ADDR(TLV_PEER_ADDR, struct ppp_state, peer_addr),
	ADDR(TLV_DNS1, struct ppp_state, dns[0]),
	ADDR(TLV_DNS2, struct ppp_state, dns[1]),
	INT(TLV_AUTH_KIND, struct ppp_state, auth_kind),
	TEXT(TLV_USER, struct ppp_state, user),
};

int proto_next(struct proto_iter *it, struct proto_item *item)
{
	size_t left = it->end - it->pos;

	if (!left)
		return 0;
	if (left < 4)
		return -EBADMSG;
	item->type = it->pos[0] << 8 | it->pos[1];
	item->len = it->pos[2] << 8 | it->pos[3];
	item->value = it->pos + 4;
	if (item->len > left - 4)
		return -EBADMSG;
	it->pos += 4 + item->len;
	return 1;
}

int proto_open(struct proto_iter *it, const uint8_t *buf, size_t len)
{
	if (len < PROTO_HEADER || buf[0] != MAGIC0 || buf[1] != MAGIC1)
		return -EBADMSG;
	if (!buf[2] || buf[2] > PROTO_VERSION + 1)
		return -EPROTO;
	if ((size_t)(buf[4] << 8 | buf[5]) != len)
		return -EBADMSG;
	it->pos = buf + PROTO_HEADER;
	it->end = buf + len;
	return buf[3];
}

void proto_begin(struct proto_writer *w, uint8_t *buf, size_t size,
		 enum proto_type type)
{
	*w = (struct proto_writer){ .buf = buf, .size = size };
	if (size < PROTO_HEADER) {
		w->overflow = 1;
		return;
	}
	memset(buf, 0, PROTO_HEADER);
	buf[0] = MAGIC0;
	buf[1] = MAGIC1;
	buf[2] = PROTO_VERSION;
	buf[3] = type;
	w->len = PROTO_HEADER;
}

void proto_put(struct proto_writer *w, uint16_t type, const void *value,
	       size_t len)
{
	uint8_t *p = w->buf + w->len;

	if (w->overflow || len > UINT16_MAX || w->size - w->len < len + 4) {
		w->overflow = 1;
		return;
	}
	p[0] = type >> 8;
	p[1] = type;
	p[2] = len >> 8;
	p[3] = len;
	if (len)
		memcpy(p + 4, value, len);
	w->len += 4 + len;
}

int proto_end(struct proto_writer *w)
{
	if (w->overflow || w->len > UINT16_MAX)
		return -EMSGSIZE;
	w->buf[4] = w->len >> 8;
	w->buf[5] = w->len;
	return w->len;
}

static uint32_t int_get(const void *p, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	default:
		return *(const uint32_t *)p;
	}
}

static void int_set(void *p, size_t size, uint32_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)p = v;
		break;
	case 2:
		*(uint16_t *)p = v;
		break;
	default:
		*(uint32_t *)p = v;
		break;
	}
}

static void put_field(struct proto_writer *w, const struct field *f,
		      const void *object)
{
	const uint8_t *p = (const uint8_t *)object + f->offset;
	size_t len = f->len_offset
		? *(const size_t *)((const uint8_t *)object + f->len_offset) : 0;
	uint32_t v;
	uint8_t be[4];

	switch (f->kind) {
	case FIELD_INT:
	case FIELD_BOOL:
		v = f->kind == FIELD_BOOL ? *(const bool *)p
					  : int_get(p, f->size);
		be[0] = v >> 24;
		be[1] = v >> 16;
		be[2] = v >> 8;
		be[3] = v;
		proto_put(w, f->tlv, be, 4);
		return;
	case FIELD_ADDR:
		proto_put(w, f->tlv, p, 4);
		return;
	case FIELD_TEXT:
		proto_put(w, f->tlv, p, strnlen((const char *)p, f->size - 1));
		return;
	case FIELD_REF:
		p = *(const uint8_t *const *)(const void *)p;
		/* fall through */
	case FIELD_BYTES:
		if (len > f->size)
			w->overflow = 1;
		else if (len)
			proto_put(w, f->tlv, p, len);
		return;
	}
}

static int get_field(const struct field *f, const struct proto_item *item,
		     void *object)
{
	uint8_t *p = (uint8_t *)object + f->offset;
	const uint8_t *v = item->value;
	uint32_t n;

	switch (f->kind) {
	case FIELD_INT:
	case FIELD_BOOL:
		if (item->len != 4)
			return -EBADMSG;
		n = (uint32_t)v[0] << 24 | v[1] << 16 | v[2] << 8 | v[3];
		if (f->size < 4 && n >> (8 * f->size))
			return -EBADMSG;
		if (f->kind == FIELD_BOOL)
			*(bool *)p = n;
		else
			int_set(p, f->size, n);
		return 0;
	case FIELD_ADDR:
		if (item->len != 4)
			return -EBADMSG;
		memcpy(p, v, 4);
		return 0;
	case FIELD_TEXT:
		if (item->len >= f->size || memchr(v, 0, item->len))
			return -EBADMSG;
		memcpy(p, v, item->len);
		p[item->len] = 0;
		return 0;
	case FIELD_BYTES:
	case FIELD_REF:
		if (item->len > f->size)
			return -EBADMSG;
		if (f->kind == FIELD_BYTES)
			memcpy(p, v, item->len);
		else
			memcpy(p, &v, sizeof(v));
		*(size_t *)((uint8_t *)object + f->len_offset) = item->len;
		return 0;
	}
	return -EBADMSG;
}

static void put_fields(struct proto_writer *w, const struct field *f,
		       size_t n, const void *object)
{
	for (; n; n--, f++)
		put_field(w, f, object);
}

static int get_item(const struct field *f, size_t n,
		    const struct proto_item *item, void *object)
{
	for (; n; n--, f++)
		if (f->tlv == item->type)
			return get_field(f, item, object);
	return 0;
}

static int encode(uint8_t *buf, size_t size, enum proto_type type,
		  const struct field *f, size_t n, const void *object)
{
	struct proto_writer w;

	proto_begin(&w, buf, size, type);
	put_fields(&w, f, n, object);
	return proto_end(&w);
}

static int decode(struct proto_iter *it, const struct field *f, size_t n,
		  void *object)
{
	struct proto_item item;
	int err;

	while ((err = proto_next(it, &item)) > 0) {
		err = get_item(f, n, &item, object);
		if (err)
			return err;
	}
	return err;
}

#define ENCODE(type, name, object) \
	encode(buf, size, type, name##_fields, COUNT(name##_fields), object)
#define DECODE(name, object) \
	(memset(object, 0, sizeof(*(object))), \
	 decode(it, name##_fields, COUNT(name##_fields), object))

int proto_encode_start(uint8_t *buf, size_t size, const struct ppp_params *p,
		       uint32_t instance)
{
	struct start s = { .params = *p, .instance = instance };

	return ENCODE(PROTO_START, start, &s);
}

int proto_decode_start(struct proto_iter *it, struct ppp_params *p,
		       uint32_t *instance)
{
	struct start s;
	int err = DECODE(start, &s);

	*p = s.params;
	*instance = s.instance;
	p->session_fd = -1;
	p->tunnel_fd = -1;
	if (!err && (!p->ifname[0] || strchr(p->ifname, '/')))
		return -EBADMSG;
	return err;
}

int proto_encode_auth(uint8_t *buf, size_t size, const struct ppp_auth *a)
{
	return ENCODE(PROTO_AUTH, auth, a);
}

int proto_decode_auth(struct proto_iter *it, struct ppp_auth *a)
{
	int err = DECODE(auth, a);

	return err ? err : a->kind > PPP_AUTH_CHAP_MD5 ? -EBADMSG : 0;
}

int proto_encode_verdict(uint8_t *buf, size_t size, const struct ppp_verdict *v)
{
	return ENCODE(PROTO_VERDICT, verdict, v);
}

int proto_decode_verdict(struct proto_iter *it, struct ppp_verdict *v)
{
	return DECODE(verdict, v);
}

int proto_encode_up(uint8_t *buf, size_t size, enum proto_type type,
		    struct ppp_key key, const struct ppp_up *up)
{
	struct proto_writer w;

	proto_begin(&w, buf, size, type);
	put_fields(&w, key_fields, COUNT(key_fields), &key);
	put_fields(&w, up_fields, COUNT(up_fields), up);
	return proto_end(&w);
}

int proto_decode_up(struct proto_iter *it, struct ppp_key *key,
		    struct ppp_up *up)
{
	struct proto_item item;
	int err;

	memset(key, 0, sizeof(*key));
	memset(up, 0, sizeof(*up));
	while ((err = proto_next(it, &item)) > 0) {
		err = get_item(key_fields, COUNT(key_fields), &item, key);
		if (!err)
			err = get_item(up_fields, COUNT(up_fields), &item, up);
		if (err)
			return err;
	}
	return err ? err : up->auth > PPP_AUTH_CHAP_MD5 ? -EBADMSG : 0;
}

int proto_encode_down(uint8_t *buf, size_t size, const struct ppp_down *d)
{
	return ENCODE(PROTO_DOWN, down, d);
}

int proto_decode_down(struct proto_iter *it, struct ppp_down *d)
{
	int err = DECODE(down, d);

	return err ? err : d->reason > PPP_DOWN_LOWER ? -EBADMSG : 0;
}

int proto_encode_note(uint8_t *buf, size_t size, enum proto_type type,
		      const struct proto_note *n)
{
	return ENCODE(type, note, n);
}

int proto_decode_note(struct proto_iter *it, struct proto_note *n)
{
	return DECODE(note, n);
}

int proto_encode_early(uint8_t *buf, size_t size, const struct proto_frame *f)
{
	return ENCODE(PROTO_EARLY, early, f);
}

int proto_decode_early(struct proto_iter *it, struct proto_frame *f)
{
	int err = DECODE(early, f);

	return err ? err : f->bytes_len < 2 ? -EBADMSG : 0;
}

int proto_encode_state(uint8_t *buf, size_t size, const struct ppp_state *s)
{
	struct proto_writer w = { .buf = buf, .size = size };

	put_fields(&w, state_fields, COUNT(state_fields), s);
	return w.overflow ? -EMSGSIZE : (int)w.len;
}

int proto_decode_state(const uint8_t *buf, size_t len, struct ppp_state *s)
{
	struct proto_iter iter = { .pos = buf, .end = buf + len };
	struct proto_iter *it = &iter;
	int err = DECODE(state, s);

	if (err)
		return err;
	if (!s->version || s->version > PPP_STATE_VERSION + 1)
		return -EPROTO;
	if (!s->local_addr || !s->peer_addr || s->auth_kind > PPP_AUTH_CHAP_MD5)
		return -EBADMSG;
	return 0;
}

/*
 * All sessions of a box look for it, and thousands of processes that wake up
 * five times a second are a load by themselves: it is either back soon, or
 * somebody is at work on it.  Not all at the same moment, either.
 */
uint32_t proto_retry_us(unsigned int tries, uint32_t random)
{
	unsigned int slower = tries / RETRY_TRIES;
	uint32_t us = RETRY_US << (slower < RETRY_SLOWEST ? slower : RETRY_SLOWEST);

	return us - us / 4 + random % (us / 2);
}
