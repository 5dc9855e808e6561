/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Further AVPs of a call, kept as they are: proxy LCP and authentication (RFC
 * 2661 4.4.5), private group, minimum and maximum speed of an outgoing call,
 * LCP options (RFC 3437), access line (RFC 5515).
 *
 * They are one string of AVPs in the coding of the wire, plain, without flags:
 * that is how a record carries them, too.  The table says in which message
 * each belongs; the same table serves sending and receiving, so an LNS keeps
 * what a LAC may send, and nothing else.
 *
 * A password may be among them: what is given back is cleared first.
 */
#include "l2tp/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint16_t attr;
	uint16_t messages[2];
} places[] = {
	{ AVP_MINIMUM_BPS, { MESSAGE_OCRQ, 0 } },
	{ AVP_MAXIMUM_BPS, { MESSAGE_OCRQ, 0 } },
	{ AVP_INITIAL_RX_LCP_CONFREQ, { MESSAGE_ICCN, 0 } },
	{ AVP_LAST_TX_LCP_CONFREQ, { MESSAGE_ICCN, 0 } },
	{ AVP_LAST_RX_LCP_CONFREQ, { MESSAGE_ICCN, 0 } },
	{ AVP_PROXY_AUTHEN_TYPE, { MESSAGE_ICCN, 0 } },
	{ AVP_PROXY_AUTHEN_NAME, { MESSAGE_ICCN, 0 } },
	{ AVP_PROXY_AUTHEN_CHALLENGE, { MESSAGE_ICCN, 0 } },
	{ AVP_PROXY_AUTHEN_ID, { MESSAGE_ICCN, 0 } },
	{ AVP_PROXY_AUTHEN_RESPONSE, { MESSAGE_ICCN, 0 } },
	{ AVP_PRIVATE_GROUP_ID, { MESSAGE_ICCN, 0 } },
	{ AVP_LCP_WANT_OPTIONS, { MESSAGE_ICCN, MESSAGE_OCCN } },
	{ AVP_LCP_ALLOW_OPTIONS, { MESSAGE_ICCN, MESSAGE_OCCN } },
	{ AVP_LNS_LAST_TX_LCP_CONFREQ, { MESSAGE_SLI, 0 } },
	{ AVP_LNS_LAST_RX_LCP_CONFREQ, { MESSAGE_SLI, 0 } },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static bool belongs(uint16_t vendor, uint16_t attr, enum message_type type)
{
	size_t i;

	if (vendor)
		return vendor == AVP_VENDOR_ADSL_FORUM && type == MESSAGE_ICRQ && avp_line_def(attr);
	for (i = 0; i < PLACES; i++)
		if (places[i].attr == attr)
			return places[i].messages[0] == type || places[i].messages[1] == type;
	return false;
}

/* Of a call of this kind, in any of its messages. */
static bool belongs_to_call(uint16_t vendor, uint16_t attr, enum l2tp_call call)
{
	bool incoming = call == L2TP_CALL_IN_LNS || call == L2TP_CALL_IN_LAC;

	return belongs(vendor, attr, incoming ? MESSAGE_ICRQ : MESSAGE_OCRQ) ||
	       belongs(vendor, attr, incoming ? MESSAGE_ICCN : MESSAGE_OCCN);
}

int session_set_attrs(struct l2tp_session *session, const uint8_t *attrs, size_t len)
{
	uint8_t *copy = NULL;

	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, attrs, len);
	}
	if (session->attrs)
		explicit_bzero(session->attrs, session->attrs_len);
	free(session->attrs);
	session->attrs = copy;
	session->attrs_len = (uint16_t)len;
	return 0;
}

bool session_attrs_valid(const uint8_t *attrs, size_t len)
{
	struct avp_iter iter;
	enum avp_step step;
	struct avp avp;

	avp_iter_init(&iter, attrs, len);
	do
		step = avp_iter_next(&iter, &avp);
	while (step == AVP_STEP_AVP);
	return step == AVP_STEP_END;
}

/* Said again, it counts anew. */
static void forget(struct l2tp_session *session, const struct message *message)
{
	struct l2tp *l2tp = session->tunnel->l2tp;
	struct avp_builder builder;
	struct avp_iter iter;
	struct avp avp;

	avp_builder_init(&builder, l2tp->attrs, sizeof(l2tp->attrs));
	avp_iter_init(&iter, session->attrs, session->attrs_len);
	while (avp_iter_next(&iter, &avp) == AVP_STEP_AVP)
		if (avp.vendor || !belongs(0, avp.attr, message->type) || !message_has(message, avp.attr))
			avp_put_raw(&builder, 0, avp.vendor, avp.attr, avp.value, avp.len);
	if (builder.len == session->attrs_len)
		return;
	memcpy(session->attrs, builder.buf, builder.len);	/* it only gets shorter */
	session->attrs_len = (uint16_t)builder.len;
}

/* A builder that goes on where the session's string ends. */
static void resume(const struct l2tp_session *session, struct avp_builder *builder)
{
	struct l2tp *l2tp = session->tunnel->l2tp;

	avp_builder_init(builder, l2tp->attrs, sizeof(l2tp->attrs));
	if (session->attrs_len)
		memcpy(l2tp->attrs, session->attrs, session->attrs_len);
	builder->len = session->attrs_len;
}

static int store(struct l2tp_session *session, const struct avp_builder *builder)
{
	int error = session_set_attrs(session, builder->buf, builder->len);

	explicit_bzero(builder->buf, builder->len);
	return error;
}

int session_keep_attrs(struct l2tp_session *session, const struct message *message)
{
	struct avp_builder builder;
	size_t i;

	forget(session, message);
	resume(session, &builder);
	for (i = 0; i < PLACES; i++)
		if (message_has(message, places[i].attr) && belongs(0, places[i].attr, message->type))
			avp_put_raw(&builder, 0, 0, places[i].attr, message->avp[places[i].attr].data,
				    message->avp[places[i].attr].len);
	for (i = 0; i < message->line_count && message->type == MESSAGE_ICRQ; i++)
		avp_put_raw(&builder, 0, AVP_VENDOR_ADSL_FORUM, message->line[i].attr, message->line[i].slice.data,
			    message->line[i].slice.len);
	/* What does not fit any more is not kept: no call fails for a hint. */
	if (builder.len == session->attrs_len)
		return 0;
	return store(session, &builder);
}

int session_add_attrs(struct l2tp_session *session, const struct l2tp_avp *avps, size_t count)
{
	struct avp_builder builder;
	const struct avp_def *def;
	size_t i;

	if (!count)
		return 0;
	resume(session, &builder);
	for (i = 0; i < count; i++) {
		def = avps[i].vendor ? avp_line_def(avps[i].attr) : avp_def(avps[i].attr);
		if (!def || avps[i].len < def->min || avps[i].len > def->max ||
		    !belongs_to_call(avps[i].vendor, avps[i].attr, session->call))
			return -EINVAL;
		avp_put_raw(&builder, 0, avps[i].vendor, avps[i].attr, avps[i].value, avps[i].len);
	}
	return builder.overflow ? -EINVAL : store(session, &builder);
}

void session_put_attrs(const struct l2tp_session *session, struct avp_builder *builder, enum message_type type)
{
	struct avp_iter iter;
	struct avp avp;

	avp_iter_init(&iter, session->attrs, session->attrs_len);
	while (avp_iter_next(&iter, &avp) == AVP_STEP_AVP) {
		if (!belongs(avp.vendor, avp.attr, type))
			continue;
		if (avp.vendor)
			avp_put_line(builder, avp.attr, avp.value, avp.len);
		else
			avp_put(builder, avp.attr, avp.value, avp.len);
	}
}

const uint8_t *l2tp_session_avp(const struct l2tp_session *session, uint16_t vendor, uint16_t attr, size_t *len)
{
	struct l2tp_avp avp;
	size_t at = 0;

	while (l2tp_session_avp_next(session, &at, &avp))
		if (avp.vendor == vendor && avp.attr == attr) {
			*len = avp.len;
			return avp.value;
		}
	return NULL;
}

bool l2tp_session_avp_next(const struct l2tp_session *session, size_t *at, struct l2tp_avp *avp)
{
	struct avp_iter iter;
	struct avp found;

	if (*at >= session->attrs_len)
		return false;
	avp_iter_init(&iter, session->attrs + *at, session->attrs_len - *at);
	if (avp_iter_next(&iter, &found) != AVP_STEP_AVP)
		return false;
	*at = session->attrs_len - iter.left;
	*avp = (struct l2tp_avp){ found.vendor, found.attr, found.value, found.len };
	return true;
}
