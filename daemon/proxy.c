// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proxy LCP and proxy authentication of an ICCN (RFC 2661 4.4.5, AVPs 26-33):
 * what a LAC has negotiated with the subscriber, read and judged.
 *
 * "Last Sent" is what the LAC asked for in our place and the subscriber agreed
 * to: it binds the subscriber, and must ask of it what our template does.
 * "Last Received" is what the subscriber asked for and the LAC agreed to: it
 * binds us.  Options that we could not keep to (multilink, callback, quality
 * reports) make both unusable; then LCP is negotiated anew, or the call ends.
 *
 * Pure: what the peer sent is only looked at within its bounds.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/proxy.h"

enum {
	AVP_LAST_SENT = 27,
	AVP_LAST_RECEIVED = 28,
	AVP_AUTH_TYPE = 29,
	AVP_AUTH_NAME = 30,
	AVP_AUTH_CHALLENGE = 31,
	AVP_AUTH_ID = 32,
	AVP_AUTH_RESPONSE = 33,
};
enum { AUTH_TYPE_CHAP = 2, AUTH_TYPE_PAP = 3 };
enum {
	OPTION_MRU = 1,
	OPTION_ASYNCMAP = 2,
	OPTION_AUTH = 3,
	OPTION_MAGIC = 5,
	OPTION_PCOMP = 7,
	OPTION_ACCOMP = 8,
	OPTION_ENDPOINT = 19,	/* who it is, without consequences */
};
enum { PROTOCOL_PAP = 0xc023, PROTOCOL_CHAP = 0xc223, CHAP_IS_MD5 = 5 };
enum { MRU_DEFAULT = 1500, MRU_MIN = 128, MRU_MAX = 1500 };

static uint32_t number(const uint8_t *p, size_t len)
{
	uint32_t n = 0;

	while (len--)
		n = n << 8 | *p++;
	return n;
}

static bool auth_option(const uint8_t *p, size_t len, struct lcp_side *side)
{
	if (len == 2 && number(p, 2) == PROTOCOL_PAP)
		side->flags |= LCP_PAP;
	else if (len == 3 && number(p, 2) == PROTOCOL_CHAP && p[2] == CHAP_IS_MD5)
		side->flags |= LCP_CHAP;
	else
		return false;
	return true;
}

/* One option without its header; false: we cannot keep to it. */
static bool take_option(uint8_t type, const uint8_t *p, size_t len, struct lcp_side *side)
{
	switch (type) {
	case OPTION_MRU:
		side->flags |= LCP_MRU;
		side->mru = (uint16_t)number(p, len == 2 ? 2 : 0);
		return len == 2;
	case OPTION_ASYNCMAP:
		side->flags |= LCP_ASYNCMAP;
		side->asyncmap = number(p, len == 4 ? 4 : 0);
		return len == 4;
	case OPTION_AUTH:
		return auth_option(p, len, side);
	case OPTION_MAGIC:
		side->flags |= LCP_MAGIC;
		side->magic = number(p, len == 4 ? 4 : 0);
		return len == 4;
	case OPTION_PCOMP:
		side->flags |= LCP_PCOMP;
		return !len;
	case OPTION_ACCOMP:
		side->flags |= LCP_ACCOMP;
		return !len;
	case OPTION_ENDPOINT:
		return true;
	}
	return false;
}

static bool read_options(const char *what, const uint8_t *p, size_t len, struct lcp_side *side,
			 char why[PPP_MESSAGE_MAX])
{
	*side = (struct lcp_side){ .mru = MRU_DEFAULT, .asyncmap = 0xffffffff };
	while (len) {
		if (len < 2 || p[1] < 2 || p[1] > len) {
			snprintf(why, PPP_MESSAGE_MAX, "its LCP options, %s, cannot be read", what);
			return false;
		}
		if (!take_option(p[0], p + 2, p[1] - 2u, side)) {
			snprintf(why, PPP_MESSAGE_MAX, "its LCP options, %s: option %u", what, p[0]);
			return false;
		}
		len -= p[1];
		p += p[1];
	}
	if (side->mru < MRU_MIN) {
		snprintf(why, PPP_MESSAGE_MAX, "its LCP options, %s: MRU %u", what, side->mru);
		return false;
	}
	return true;
}

static bool auth_fits(const struct config_vtemplate *vt, const struct ppp_proxy *proxy, char why[PPP_MESSAGE_MAX])
{
	uint32_t auth = proxy->got.flags & (LCP_PAP | LCP_CHAP);
	bool fits = auth == LCP_CHAP ? vt->auth_chap : auth == LCP_PAP ? vt->auth_pap : !vt->auth_chap && !vt->auth_pap;

	if (!fits || auth == (LCP_PAP | LCP_CHAP)) {
		snprintf(why, PPP_MESSAGE_MAX, "it agreed on %s, our template asks for %s%s",
			 auth == LCP_CHAP ? "CHAP" : auth == LCP_PAP ? "PAP" : "no authentication",
			 vt->auth_chap ? "CHAP" : vt->auth_pap ? "PAP" : "none", vt->auth_chap && vt->auth_pap ? " or PAP" : "");
		return false;
	}
	if (proxy->his.flags & (LCP_PAP | LCP_CHAP)) {
		snprintf(why, PPP_MESSAGE_MAX, "the subscriber asks us to authenticate");
		return false;
	}
	if (proxy->got.mru > MRU_MAX) {
		snprintf(why, PPP_MESSAGE_MAX, "it agreed on an MRU of %u for us", proxy->got.mru);
		return false;
	}
	return true;
}

static bool copy_text(char *out, size_t size, const uint8_t *p, size_t len)
{
	if (!p || !len || len >= size || memchr(p, 0, len))
		return false;
	memcpy(out, p, len);
	out[len] = '\0';
	return true;
}

static bool copy_bytes(uint8_t *out, size_t size, size_t *out_len, const uint8_t *p, size_t len)
{
	if (!p || !len || len > size)
		return false;
	memcpy(out, p, len);
	*out_len = len;
	return true;
}

/* What the subscriber said; of another kind, or nothing: we ask ourselves. */
static bool read_auth(const struct l2tp_session *session, struct ppp_proxy *proxy)
{
	struct ppp_auth *auth = &proxy->auth;
	size_t type_len, name_len, id_len, response_len, challenge_len;
	const uint8_t *type = l2tp_session_avp(session, 0, AVP_AUTH_TYPE, &type_len);
	const uint8_t *name = l2tp_session_avp(session, 0, AVP_AUTH_NAME, &name_len);
	const uint8_t *id = l2tp_session_avp(session, 0, AVP_AUTH_ID, &id_len);
	const uint8_t *response = l2tp_session_avp(session, 0, AVP_AUTH_RESPONSE, &response_len);
	const uint8_t *challenge = l2tp_session_avp(session, 0, AVP_AUTH_CHALLENGE, &challenge_len);
	uint32_t kind = type && type_len == 2 ? number(type, 2) : 0;
	bool ok = false;

	if (kind == AUTH_TYPE_CHAP && proxy->got.flags & LCP_CHAP) {
		auth->kind = PPP_AUTH_CHAP_MD5;
		ok = copy_bytes(auth->challenge, sizeof(auth->challenge), &auth->challenge_len, challenge, challenge_len) &&
		     copy_bytes(auth->response, sizeof(auth->response), &auth->response_len, response, response_len);
	} else if (kind == AUTH_TYPE_PAP && proxy->got.flags & LCP_PAP) {
		auth->kind = PPP_AUTH_PAP;
		ok = copy_text(auth->password, sizeof(auth->password), response, response_len);
	}
	ok = ok && id && id_len == 2 && copy_text(auth->user, sizeof(auth->user), name, name_len);
	if (ok)
		auth->chap_id = id[1];
	else
		memset(auth, 0, sizeof(*auth));
	return ok;
}

enum proxy_verdict proxy_judge(const struct l2tp_session *session, const struct config_vtemplate *vt, bool ask,
			       struct ppp_proxy *out, char why[PPP_MESSAGE_MAX])
{
	size_t sent_len, received_len;
	const uint8_t *sent = l2tp_session_avp(session, 0, AVP_LAST_SENT, &sent_len);
	const uint8_t *received = l2tp_session_avp(session, 0, AVP_LAST_RECEIVED, &received_len);
	struct ppp_proxy proxy = { .lcp = true };

	memset(out, 0, sizeof(*out));
	snprintf(why, PPP_MESSAGE_MAX, "the LAC sent no LCP options");
	if (!sent || !received)
		return PROXY_NONE;
	if (!read_options("last sent", sent, sent_len, &proxy.got, why) ||
	    !read_options("last received", received, received_len, &proxy.his, why) || !auth_fits(vt, &proxy, why))
		return PROXY_MISMATCH;
	if (!ask || !(proxy.got.flags & LCP_CHAP))
		read_auth(session, &proxy);
	*out = proxy;
	explicit_bzero(&proxy, sizeof(proxy));
	return PROXY_USE;
}
