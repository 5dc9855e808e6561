// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec alone.  The first octet says what is known of the secret, the rest
 * is the body of a message: whatever it is, message_parse() reads inside of it,
 * and what it found can be written again, plain and hidden, and is found once
 * more, the same.
 */
#include <stdlib.h>
#include <string.h>

#include "l2tp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message first, second;
static uint8_t room_a[65536], room_b[65536], out[65536 + 64];

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Every octet that was found can be read: a sanitizer watches. */
static unsigned sum(const struct message *message)
{
	unsigned total = 0;
	size_t i, j;

	for (i = 0; i < AVP_ATTRS; i++)
		for (j = 0; message_has(message, (enum avp_attr)i) && j < message->avp[i].len; j++)
			total += message->avp[i].data[j];
	for (i = 0; i < message->line_count; i++)
		for (j = 0; j < message->line[i].slice.len; j++)
			total += message->line[i].slice.data[j];
	for (i = 0; message->item_count && i < message->item_count * avp_def(message->def->item)->max; i++)
		total += message->items[i];
	return total;
}

static void same(const struct message_slice *a, const struct message_slice *b)
{
	must(a->len == b->len && !memcmp(a->data, b->data, a->len));
}

/* What was found, written by our own encoder. */
static void again(bool hide)
{
	static const uint8_t vector[AVP_AUTH_LEN] = { 3, 1, 4 };
	struct avp_builder builder;
	size_t i;

	message_begin(&builder, out, sizeof(out), (enum message_type)first.type, 1, 2);
	if (hide)
		avp_builder_hide(&builder, "secret", vector);
	for (i = 1; i < AVP_ATTRS; i++)
		if (message_has(&first, (enum avp_attr)i) && first.avp[i].len + 2 <= AVP_MAX - AVP_HEADER)
			avp_put(&builder, (uint16_t)i, first.avp[i].data, first.avp[i].len);
	for (i = 0; i < first.line_count; i++)
		avp_put_line(&builder, first.line[i].attr, first.line[i].slice.data, first.line[i].slice.len);
	must(message_end(&builder) == builder.len);
	must(!message_parse(out + MESSAGE_HEADER, builder.len - MESSAGE_HEADER, "secret", room_b, &second));
	must(second.type == first.type && !second.ignored);
	for (i = 1; i < AVP_ATTRS; i++)
		if (message_has(&first, (enum avp_attr)i) && first.avp[i].len + 2 <= AVP_MAX - AVP_HEADER) {
			must(message_has(&second, (enum avp_attr)i));
			same(&first.avp[i], &second.avp[i]);
		}
	must(second.line_count == first.line_count);
	for (i = 0; i < first.line_count; i++) {
		must(second.line[i].attr == first.line[i].attr);
		same(&first.line[i].slice, &second.line[i].slice);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const secrets[] = { NULL, "", "secret", "another" };
	struct l2tp_result result;
	struct message_header header;
	char text[L2TP_TEXT_MAX];
	volatile unsigned total;
	uint8_t *body;

	if (!size)
		return 0;
	body = malloc(size);
	if (!body)
		return 0;
	memcpy(body, data, size);
	if (message_header_parse(body, size, &header) == MESSAGE_KIND_CONTROL)
		must(header.body + header.body_len <= body + size);
	if (!message_parse(body + 1, size - 1, secrets[data[0] & 3], room_a, &first) && first.def) {
		total = sum(&first);
		(void)total;
		must(!first.fault == !first.fault_text[0]);
		message_get_result(&first, &result);
		message_text(&first, AVP_HOST_NAME, text, sizeof(text));
		must(strlen(text) < sizeof(text));
		if (!first.def->optional) {
			again(false);
			again(true);
		}
	}
	free(body);
	return 0;
}
