// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a newer release put into a record and this one does not understand.
 * While a record is only held it stays as it came, octet by octet.  When this
 * node owns the object and writes the record anew (group_put()), the fields it
 * does not know are carried over from the body it held, at every level of
 * nesting, so that they are there when the newer release is back.
 *
 * They may be older than the rest of the record by then; a newer release that
 * adds a field has to live with that, as it has to with a missing one.
 *
 * The held body is looked through on every put: tags only, nothing is copied.
 * Two nodes of one release never get further than that.
 */
#include "daemon/checkpoint.h"

#include <errno.h>
#include <stdlib.h>

#include "ha/state.pb-c.h"

static const ProtobufCMessageDescriptor *descriptor_of(uint8_t type)
{
	switch ((enum checkpoint_type)type) {
	case CHECKPOINT_TUNNEL:
		return &l2tpha__tunnel__descriptor;
	case CHECKPOINT_CHANNEL:
		return &l2tpha__channel__descriptor;
	case CHECKPOINT_MESSAGE:
		return &l2tpha__message__descriptor;
	case CHECKPOINT_SESSION:
		return &l2tpha__session__descriptor;
	case CHECKPOINT_SUBSCRIBER:
		return &l2tpha__subscriber__descriptor;
	case CHECKPOINT_JOINT:
		return &l2tpha__joint__descriptor;
	case CHECKPOINT_DRAIN:
		return &l2tpha__drain__descriptor;
	case CHECKPOINT_BUSY:
		return &l2tpha__busy__descriptor;
	}
	return NULL;
}

static bool varint(const uint8_t **p, const uint8_t *end, uint64_t *value)
{
	unsigned int shift;

	*value = 0;
	for (shift = 0; *p < end && shift < 64; shift += 7) {
		uint8_t octet = *(*p)++;

		*value |= (uint64_t)(octet & 0x7f) << shift;
		if (!(octet & 0x80))
			return true;
	}
	return false;
}

/* Numbers of a message begin at one and leave nothing out, as long as nothing was taken back. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *descriptor, uint64_t number)
{
	if (number - 1 < descriptor->n_fields && descriptor->fields[number - 1].id == number)
		return &descriptor->fields[number - 1];
	return number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(descriptor, (unsigned int)number) : NULL;
}

/* A body that is not well formed has nothing worth keeping: its decoder refused it, too. */
static bool has_unknown(const ProtobufCMessageDescriptor *descriptor, const uint8_t *p, const uint8_t *end)
{
	const ProtobufCFieldDescriptor *field;
	uint64_t tag, value;

	while (p < end) {
		if (!varint(&p, end, &tag))
			return false;
		field = field_of(descriptor, tag >> 3);
		if (!field)
			return true;
		switch (tag & 7) {
		case 0:
			if (!varint(&p, end, &value))
				return false;
			continue;
		case 1:
			value = 8;
			break;
		case 2:
			if (!varint(&p, end, &value))
				return false;
			break;
		case 5:
			value = 4;
			break;
		default:
			return false;
		}
		if (value > (uint64_t)(end - p))
			return false;
		if ((tag & 7) == 2 && field->type == PROTOBUF_C_TYPE_MESSAGE && has_unknown(field->descriptor, p, p + value))
			return true;
		p += value;
	}
	return false;
}

static ProtobufCMessage *submessage(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field)
{
	return *(ProtobufCMessage *const *)((const char *)msg + field->offset);
}

static void take_unknown(ProtobufCMessage *to, ProtobufCMessage *from)
{
	unsigned int i;

	/* what we encoded ourselves has none */
	to->unknown_fields = from->unknown_fields;
	to->n_unknown_fields = from->n_unknown_fields;
	from->unknown_fields = NULL;
	from->n_unknown_fields = 0;
	for (i = 0; i < to->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &to->descriptor->fields[i];

		if (field->type == PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED &&
		    submessage(to, field) && submessage(from, field))
			take_unknown(submessage(to, field), submessage(from, field));
	}
}

int checkpoint_keep_unknown(uint8_t type, const void *held, size_t held_len, uint8_t **body, size_t *len)
{
	const ProtobufCMessageDescriptor *descriptor = descriptor_of(type);
	ProtobufCMessage *from, *to;
	int ret = -ENOMEM;
	uint8_t *merged;
	size_t n;

	if (!descriptor || !held_len || !has_unknown(descriptor, held, (const uint8_t *)held + held_len))
		return 0;
	from = protobuf_c_message_unpack(descriptor, NULL, held_len, held);
	to = protobuf_c_message_unpack(descriptor, NULL, *len, *body);
	if (!from || !to)
		goto out;
	take_unknown(to, from);
	n = protobuf_c_message_get_packed_size(to);
	merged = malloc(n);
	if (!merged)
		goto out;
	*len = protobuf_c_message_pack(to, merged);
	free(*body);
	*body = merged;
	ret = 0;
out:
	if (from)
		protobuf_c_message_free_unpacked(from, NULL);
	if (to)
		protobuf_c_message_free_unpacked(to, NULL);
	return ret;
}
