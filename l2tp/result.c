/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a tunnel or a call ends: Result Code (RFC 2661 4.4.2), Q.931 cause, PPP
 * Disconnect Cause (RFC 3145), both ways, and what a LAC makes of them when it
 * has another LNS to turn to (Extended Failover; error 9 is of RFC 3931 5.4.2).
 *
 * The engine only reports; who turns where is the caller's business.
 */
#include "l2tp/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void message_result(struct l2tp_result *result, uint16_t code, uint16_t error, const char *format, ...)
{
	va_list args;

	memset(result, 0, sizeof(*result));
	result->result = code;
	result->error = error;
	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
}

void message_busy(struct l2tp_result *result, bool call, const struct l2tp_tunnel_params *params, const char *format,
		  ...)
{
	va_list args;

	memset(result, 0, sizeof(*result));
	result->result = CDN_ERROR;
	result->error = ERROR_RESOURCES;
	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
	switch (params->busy) {
	case L2TP_BUSY_RESOURCES:
		break;
	case L2TP_BUSY_TRY_ANOTHER:
		result->error = ERROR_TRY_ANOTHER;
		break;
	case L2TP_BUSY_DIRECTED:
		if (params->busy_peers[0])
			message_result(result, CDN_ERROR, ERROR_TRY_DIRECTED, "%s", params->busy_peers);
		else
			result->error = ERROR_TRY_ANOTHER;
		break;
	case L2TP_BUSY_TEMPORARY:
		if (call) {
			result->result = CDN_NO_FACILITIES;
			result->error = 0;
		}
		break;
	}
}

/* ---- reading ------------------------------------------------------------ */

/* Error 6 may begin with the vendor's number in binary, of either size: its text has no zero octets. */
static uint32_t vendor_of(const uint8_t *text, size_t len)
{
	if (len >= 4 && !text[0] && !text[1])
		return avp_get_u32(text);
	return len >= 2 && !text[0] ? avp_get_u16(text) : 0;
}

static void get_ppp_cause(const struct message_slice *slice, struct l2tp_ppp_cause *cause)
{
	cause->present = true;
	cause->code = avp_get_u16(slice->data);
	cause->protocol = avp_get_u16(slice->data + 2);
	cause->direction = slice->data[4];
	message_printable(cause->text, sizeof(cause->text), slice->data + 5, slice->len - 5);
}

void message_get_result(const struct message *message, struct l2tp_result *result)
{
	const struct message_slice *slice = &message->avp[AVP_RESULT_CODE];

	memset(result, 0, sizeof(*result));
	if (message_has(message, AVP_PPP_DISCONNECT_CAUSE))
		get_ppp_cause(&message->avp[AVP_PPP_DISCONNECT_CAUSE], &result->ppp);
	if (message_has(message, AVP_Q931_CAUSE)) {
		result->q931_cause = avp_get_u16(message->avp[AVP_Q931_CAUSE].data);
		result->q931_message = message->avp[AVP_Q931_CAUSE].data[2];
	}
	if (!message_has(message, AVP_RESULT_CODE))
		return;
	result->result = avp_get_u16(slice->data);
	if (slice->len < 4)
		return;
	result->error = avp_get_u16(slice->data + 2);
	message_printable(result->text, sizeof(result->text), slice->data + 4, slice->len - 4);
	if (result->error == ERROR_OTHER)
		result->vendor = vendor_of(slice->data + 4, slice->len - 4);
}

/* ---- building ----------------------------------------------------------- */

void message_put_result(struct avp_builder *builder, const struct l2tp_result *result)
{
	uint8_t value[4 + L2TP_TEXT_MAX];
	size_t len = 2, text = strnlen(result->text, sizeof(result->text) - 1);

	avp_set_u16(value, result->result);
	if (result->error || text) {
		avp_set_u16(value + 2, result->error);
		memcpy(value + 4, result->text, text);
		len = 4 + text;
	}
	avp_put(builder, AVP_RESULT_CODE, value, len);
}

void message_put_causes(struct avp_builder *builder, const struct l2tp_result *result)
{
	uint8_t value[5 + L2TP_NAME_MAX];
	size_t text = strnlen(result->ppp.text, sizeof(result->ppp.text) - 1);

	if (result->q931_cause) {
		avp_set_u16(value, result->q931_cause);
		value[2] = result->q931_message;
		avp_put(builder, AVP_Q931_CAUSE, value, 3);
	}
	if (!result->ppp.present)
		return;
	avp_set_u16(value, result->ppp.code);
	avp_set_u16(value + 2, result->ppp.protocol);
	value[4] = result->ppp.direction;
	memcpy(value + 5, result->ppp.text, text);
	avp_put(builder, AVP_PPP_DISCONNECT_CAUSE, value, 5 + text);
}

/* ---- for a LAC ---------------------------------------------------------- */

bool l2tp_result_try_another(const struct l2tp_result *result, bool call)
{
	if (call && result->result == CDN_NO_FACILITIES)
		return true;
	if (result->result != CDN_ERROR)	/* 2 in a StopCCN, too */
		return false;
	return result->error == ERROR_RESOURCES || result->error == ERROR_TRY_ANOTHER ||
	       result->error == ERROR_TRY_DIRECTED || (result->error == ERROR_OTHER && result->vendor == VENDOR_CISCO);
}

size_t l2tp_result_addresses(const struct l2tp_result *result, struct l2tp_endpoint *out, size_t max)
{
	const char *pos = result->text, *end;
	char word[ENDPOINT_TEXT_MAX];
	size_t len, count = 0;

	if (result->result != CDN_ERROR || (result->error != ERROR_TRY_DIRECTED && result->error != ERROR_TRY_ANOTHER))
		return 0;
	for (; *pos && count < max; pos = *end ? end + 2 : end) {
		end = strstr(pos, ", ");
		if (!end)
			end = pos + strlen(pos);
		len = (size_t)(end - pos);
		if (len > 2 && pos[0] == '[' && pos[len - 1] == ']') {
			pos++;
			len -= 2;
		}
		if (len >= sizeof(word))
			continue;
		memcpy(word, pos, len);
		word[len] = 0;
		out[count].port = L2TP_PORT;
		count += !endpoint_parse(&out[count], word);
	}
	return count;
}
