/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control messages (RFC 2661 3.1, 3.2, 4.1, 6, 7.1).
 *
 * Parsing is driven by two tables: the AVP definitions (length, hiding, range)
 * and the message types below (what must be there).  It looks at every AVP
 * even after a fault, because the answer to a faulty ICRQ needs the Assigned
 * Session ID that may follow.  Faults are judged by the M bit: with M the first
 * one is kept for the state machine, which ends the call or the tunnel with
 * it; without M the AVP counts as not received.
 *
 * Called by engine.c, tunnel.c and session.c; keeps nothing.
 */
#include "l2tp/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADER_T 0x8000
#define HEADER_L 0x4000
#define HEADER_S 0x0800
#define HEADER_O 0x0200
#define HEADER_VERSION 0x000f
#define HEADER_CONTROL (HEADER_T | HEADER_L | HEADER_S | 2)

#define BIT(attr) (UINT64_C(1) << (attr))

static const struct message_def defs[MESSAGE_TYPES] = {
	[MESSAGE_SCCRQ] = { "SCCRQ", false, false, 0,
		BIT(AVP_PROTOCOL_VERSION) | BIT(AVP_HOST_NAME) | BIT(AVP_FRAMING_CAPABILITIES) |
		BIT(AVP_ASSIGNED_TUNNEL_ID) },
	[MESSAGE_SCCRP] = { "SCCRP", false, false, 0,
		BIT(AVP_PROTOCOL_VERSION) | BIT(AVP_HOST_NAME) | BIT(AVP_FRAMING_CAPABILITIES) |
		BIT(AVP_ASSIGNED_TUNNEL_ID) },
	[MESSAGE_SCCCN] = { "SCCCN", false, false, 0, 0 },
	[MESSAGE_STOPCCN] = { "StopCCN", false, false, 0, BIT(AVP_ASSIGNED_TUNNEL_ID) | BIT(AVP_RESULT_CODE) },
	[MESSAGE_HELLO] = { "HELLO", false, false, 0, 0 },
	[MESSAGE_OCRQ] = { "OCRQ", true, false, 0,
		BIT(AVP_ASSIGNED_SESSION_ID) | BIT(AVP_CALL_SERIAL_NUMBER) | BIT(AVP_MINIMUM_BPS) |
		BIT(AVP_MAXIMUM_BPS) | BIT(AVP_BEARER_TYPE) | BIT(AVP_FRAMING_TYPE) | BIT(AVP_CALLED_NUMBER) },
	[MESSAGE_OCRP] = { "OCRP", true, false, 0, BIT(AVP_ASSIGNED_SESSION_ID) },
	[MESSAGE_OCCN] = { "OCCN", true, false, 0, BIT(AVP_TX_CONNECT_SPEED) | BIT(AVP_FRAMING_TYPE) },
	[MESSAGE_ICRQ] = { "ICRQ", true, false, 0, BIT(AVP_ASSIGNED_SESSION_ID) | BIT(AVP_CALL_SERIAL_NUMBER) },
	[MESSAGE_ICRP] = { "ICRP", true, false, 0, BIT(AVP_ASSIGNED_SESSION_ID) },
	[MESSAGE_ICCN] = { "ICCN", true, false, 0, BIT(AVP_TX_CONNECT_SPEED) | BIT(AVP_FRAMING_TYPE) },
	[MESSAGE_CDN] = { "CDN", true, false, 0, BIT(AVP_RESULT_CODE) | BIT(AVP_ASSIGNED_SESSION_ID) },
	[MESSAGE_WEN] = { "WEN", true, false, 0, BIT(AVP_CALL_ERRORS) },
	[MESSAGE_SLI] = { "SLI", true, false, 0, BIT(AVP_ACCM) },
	[MESSAGE_FSQ] = { "FSQ", false, true, AVP_FAILOVER_SESSION_STATE, 0 },
	[MESSAGE_FSR] = { "FSR", false, true, AVP_FAILOVER_SESSION_STATE, 0 },
	[MESSAGE_CSUN] = { "CSUN", false, true, AVP_CONNECT_SPEED_UPDATE, 0 },
	[MESSAGE_CSURQ] = { "CSURQ", false, true, AVP_CONNECT_SPEED_UPDATE, 0 },
};

const struct message_def *message_def(uint16_t type)
{
	return type < MESSAGE_TYPES && defs[type].name ? &defs[type] : NULL;
}

const char *message_name(uint16_t type)
{
	const struct message_def *def = message_def(type);

	return def ? def->name : "unknown message";
}

/* ---- reading ------------------------------------------------------------ */

enum message_kind message_header_parse(const uint8_t *data, size_t len, struct message_header *header)
{
	uint16_t flags;
	size_t length;

	if (len < 2)
		return MESSAGE_KIND_MALFORMED;
	flags = avp_get_u16(data);
	if ((flags & HEADER_VERSION) != 2)
		return MESSAGE_KIND_MALFORMED;
	if (!(flags & HEADER_T))
		return MESSAGE_KIND_DATA;
	if (len < MESSAGE_HEADER || !(flags & HEADER_L) || !(flags & HEADER_S) || flags & HEADER_O)
		return MESSAGE_KIND_MALFORMED;
	length = avp_get_u16(data + 2);
	if (length < MESSAGE_HEADER || length > len)
		return MESSAGE_KIND_MALFORMED;
	header->tunnel_id = avp_get_u16(data + 4);
	header->session_id = avp_get_u16(data + 6);
	header->ns = avp_get_u16(data + 8);
	header->nr = avp_get_u16(data + 10);
	header->body = data + MESSAGE_HEADER;
	header->body_len = length - MESSAGE_HEADER;
	return MESSAGE_KIND_CONTROL;
}

static const struct avp_def *def_of(const struct avp *avp)
{
	if (!avp->vendor)
		return avp_def(avp->attr);
	return avp->vendor == AVP_VENDOR_ADSL_FORUM ? avp_line_def(avp->attr) : NULL;
}

static void keep_line(struct message *message, const struct avp *avp)
{
	size_t i;

	for (i = 0; i < message->line_count && message->line[i].attr != avp->attr; i++)
		;
	if (i < message->line_count || i == AVP_LINES_MAX) {
		message->ignored++;
		return;
	}
	message->line[i].attr = avp->attr;
	message->line[i].slice = (struct message_slice){ avp->value, avp->len };
	message->line_count++;
}

static void fault(struct message *message, bool mandatory, uint16_t error, const char *what, const struct avp *avp)
{
	const struct avp_def *def = def_of(avp);

	if (!mandatory) {
		message->ignored++;
		return;
	}
	if (message->fault)
		return;
	message->fault = error;
	snprintf(message->fault_text, sizeof(message->fault_text), "%s: AVP %u of vendor %u%s%s%s", what, avp->attr,
		 avp->vendor, def ? " (" : "", def ? def->name : "", def ? ")" : "");
}

static bool all_zero(const uint8_t *data, size_t len)
{
	while (len--)
		if (*data++)
			return false;
	return true;
}

/* What is wrong with a recognised AVP: an error code, 0 = nothing. */
static uint16_t check_value(const struct avp *avp, const struct avp_def *def, const char **what)
{
	if (avp->len < def->min || avp->len > def->max || (!avp->vendor && avp->attr == AVP_RESULT_CODE && avp->len == 3)) {
		*what = "wrong length";
		return ERROR_LENGTH;
	}
	if (def->nonzero && all_zero(avp->value, avp->len)) {
		*what = "value out of range";
		return ERROR_RANGE;
	}
	return 0;
}

static void check_required(struct message *message)
{
	uint64_t missing = message->def->required & ~message->present[0];
	uint16_t attr;

	if (!missing || message->fault)
		return;
	attr = (uint16_t)__builtin_ctzll(missing);
	message->fault = ERROR_OTHER;
	snprintf(message->fault_text, sizeof(message->fault_text), "%s without AVP %u (%s)", message->def->name, attr,
		 avp_def(attr)->name);
}

int message_parse(const uint8_t *body, size_t len, const char *secret, uint8_t *room, struct message *message)
{
	struct message_slice vector = { NULL, 0 };
	const struct avp_def *def;
	const char *what = "";
	struct avp_iter iter;
	enum avp_step step;
	struct avp avp;
	uint16_t error;

	memset(message->present, 0, sizeof(message->present));
	message->items = room;
	message->item_count = 0;
	message->line_count = 0;
	message->csu_enabled = message->hidden_left = false;
	message->fault = 0;
	message->fault_text[0] = 0;
	message->ignored = 0;

	avp_iter_init(&iter, body, len);
	step = avp_iter_next(&iter, &avp);
	if (step != AVP_STEP_AVP || avp.vendor || avp.attr != AVP_MESSAGE_TYPE || avp.len != 2 || avp.hidden ||
	    avp.reserved)
		return -EBADMSG;
	message->type = avp_get_u16(avp.value);
	message->type_mandatory = avp.mandatory;
	message->def = message_def(message->type);
	if (!message->def)
		return 0;

	while ((step = avp_iter_next(&iter, &avp)) == AVP_STEP_AVP) {
		def = avp.reserved ? NULL : def_of(&avp);
		if (!def) {
			fault(message, avp.mandatory, ERROR_UNKNOWN_AVP, "not recognised", &avp);
			continue;
		}
		if (message->def->optional &&
		    (avp.vendor || (avp.attr != AVP_RANDOM_VECTOR && avp.attr != message->def->item))) {
			message->ignored++;	/* RFC 4951 4, RFC 5515 4: nothing else belongs here */
			continue;
		}
		if (avp.hidden) {
			if (!def->hideable) {
				fault(message, avp.mandatory, ERROR_RANGE, "must not be hidden", &avp);
				continue;
			}
			if (!secret) {
				message->hidden_left = true;
				continue;
			}
			if (!*secret) {
				fault(message, avp.mandatory, ERROR_OTHER, "hidden, but we have no secret", &avp);
				continue;
			}
			if (!vector.data) {
				fault(message, avp.mandatory, ERROR_OTHER, "hidden without a Random Vector", &avp);
				continue;
			}
			if (avp_unhide(avp.attr, avp.value, avp.len, secret, vector.data, vector.len, room,
				       &avp.len)) {
				fault(message, avp.mandatory, ERROR_LENGTH, "cannot be revealed", &avp);
				continue;
			}
			avp.value = room;
		}
		error = check_value(&avp, def, &what);
		if (error) {
			fault(message, avp.mandatory, error, what, &avp);
			continue;
		}
		if (!avp.vendor && avp.attr == AVP_RANDOM_VECTOR) {
			vector = (struct message_slice){ avp.value, avp.len };
			continue;
		}
		if (message->def->optional) {
			if (!avp.hidden)	/* else it is there already */
				memcpy(room, avp.value, def->max);
			room += def->max;	/* its only length */
			message->item_count++;
			continue;
		}
		room += avp.hidden ? avp.len : 0;
		if (!avp.vendor && avp.attr == AVP_CONNECT_SPEED_UPDATE_ENABLE) {
			message->csu_enabled = true;
			continue;
		}
		if (avp.vendor) {
			keep_line(message, &avp);
			continue;
		}
		if (message_has(message, avp.attr)) {
			message->ignored++;
			continue;
		}
		message->present[avp.attr / 64] |= BIT(avp.attr % 64);
		message->avp[avp.attr] = (struct message_slice){ avp.value, avp.len };
	}
	if (step == AVP_STEP_BAD) {
		if (!avp.mandatory) {
			message->ignored++;
		} else if (!message->fault) {
			message->fault = ERROR_LENGTH;
			snprintf(message->fault_text, sizeof(message->fault_text), "AVP with an impossible length");
		}
	}
	if (!message->hidden_left)
		check_required(message);
	return 0;
}

uint16_t message_u16(const struct message *message, enum avp_attr attr)
{
	return message_has(message, attr) ? avp_get_u16(message->avp[attr].data) : 0;
}

uint32_t message_u32(const struct message *message, enum avp_attr attr)
{
	return message_has(message, attr) ? avp_get_u32(message->avp[attr].data) : 0;
}

void message_printable(char *out, size_t size, const uint8_t *data, size_t len)
{
	size_t i;

	if (len > size - 1)
		len = size - 1;
	for (i = 0; i < len; i++)
		out[i] = (char)(data[i] < 0x20 || data[i] == 0x7f ? '?' : data[i]);
	out[len] = 0;
}

void message_text(const struct message *message, enum avp_attr attr, char *out, size_t size)
{
	const struct message_slice *slice = &message->avp[attr];

	if (message_has(message, attr))
		message_printable(out, size, slice->data, slice->len);
	else
		out[0] = 0;
}

/* ---- building ----------------------------------------------------------- */

static void put_header(uint8_t *buf, size_t length, uint16_t tunnel_id, uint16_t session_id, uint16_t ns, uint16_t nr)
{
	avp_set_u16(buf, HEADER_CONTROL);
	avp_set_u16(buf + 2, (uint16_t)length);
	avp_set_u16(buf + 4, tunnel_id);
	avp_set_u16(buf + 6, session_id);
	avp_set_u16(buf + 8, ns);
	avp_set_u16(buf + 10, nr);
}

void message_begin(struct avp_builder *builder, uint8_t *buf, size_t cap, enum message_type type, uint16_t tunnel_id,
		   uint16_t session_id)
{
	const struct message_def *def = message_def(type);
	uint8_t value[2];

	avp_builder_init(builder, buf, cap);
	put_header(buf, 0, tunnel_id, session_id, 0, 0);
	builder->len = MESSAGE_HEADER;
	avp_set_u16(value, type);
	avp_put_raw(builder, def && def->optional ? 0 : AVP_FLAG_M, 0, AVP_MESSAGE_TYPE, value, sizeof(value));
}

size_t message_end(struct avp_builder *builder)
{
	if (builder->overflow)
		return 0;
	avp_set_u16(builder->buf + 2, (uint16_t)builder->len);
	return builder->len;
}

void message_set_ns(uint8_t *message, uint16_t ns)
{
	avp_set_u16(message + 8, ns);
}

void message_set_nr(uint8_t *message, uint16_t nr)
{
	avp_set_u16(message + 10, nr);
}

size_t message_zlb(uint8_t *buf, uint16_t tunnel_id, uint16_t ns, uint16_t nr)
{
	put_header(buf, MESSAGE_HEADER, tunnel_id, 0, ns, nr);
	return MESSAGE_HEADER;
}
