// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records on the wire, by hand.  Owns nothing; log.c and commit.c write with
 * it, follow.c reads.
 *
 * A commit of ten calls has sixty records.  Through descriptors each of them
 * is measured, packed, unpacked into two blocks of memory and freed again;
 * that was a quarter of what replication cost the active, and half of what it
 * cost the standby.  The octets are the same (a unit test compares them with
 * protobuf-c's), so either side may be of a release that does it otherwise.
 */
#include "ha/wire.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

enum wire_type {
	WIRE_TYPE_VARINT = 0,
	WIRE_TYPE_FIXED64 = 1,
	WIRE_TYPE_OCTETS = 2,
	WIRE_TYPE_FIXED32 = 5,
};
enum record_field {
	RECORD_FIELD_TYPE = 1,
	RECORD_FIELD_A,
	RECORD_FIELD_B,
	RECORD_FIELD_C,
	RECORD_FIELD_FLAGS,
	RECORD_FIELD_BODY,
};

/* ---- out -------------------------------------------------------------------- */

static size_t varint_size(uint64_t value)
{
	size_t n = 1;

	while (value >>= 7)
		n++;
	return n;
}

static uint8_t *put_raw(uint8_t *p, uint64_t value)
{
	while (value >= 0x80) {
		*p++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*p++ = (uint8_t)value;
	return p;
}

static size_t scalar_size(uint64_t value)
{
	return value ? 1 + varint_size(value) : 0;
}

uint8_t *ha_wire_put_varint(uint8_t *p, unsigned int field, uint64_t value)
{
	if (!value)
		return p;
	p = put_raw(p, (uint64_t)field << 3 | WIRE_TYPE_VARINT);
	return put_raw(p, value);
}

uint8_t *ha_wire_put_octets(uint8_t *p, unsigned int field, const void *data, size_t len)
{
	if (!len)
		return p;
	p = put_raw(p, (uint64_t)field << 3 | WIRE_TYPE_OCTETS);
	p = put_raw(p, len);
	memcpy(p, data, len);
	return p + len;
}

uint8_t *ha_wire_put_fixed64(uint8_t *p, unsigned int field, uint64_t value)
{
	uint64_t le = htole64(value);

	if (!value)
		return p;
	*p++ = (uint8_t)(field << 3 | WIRE_TYPE_FIXED64);
	memcpy(p, &le, sizeof(le));
	return p + sizeof(le);
}

static size_t inner_size(struct ha_key key, uint32_t flags, size_t len)
{
	return scalar_size(key.type) + scalar_size(key.a) + scalar_size(key.b) + scalar_size(key.c) +
	       scalar_size(flags) + (len ? 1 + varint_size(len) + len : 0);
}

size_t ha_wire_record_size(struct ha_key key, uint32_t flags, size_t len)
{
	size_t inner = inner_size(key, flags, len);

	return 1 + varint_size(inner) + inner;
}

uint8_t *ha_wire_put_record(uint8_t *p, unsigned int field, struct ha_key key, uint32_t flags, const void *body,
			    size_t len)
{
	*p++ = (uint8_t)(field << 3 | WIRE_TYPE_OCTETS);
	p = put_raw(p, inner_size(key, flags, len));
	p = ha_wire_put_varint(p, RECORD_FIELD_TYPE, key.type);
	p = ha_wire_put_varint(p, RECORD_FIELD_A, key.a);
	p = ha_wire_put_varint(p, RECORD_FIELD_B, key.b);
	p = ha_wire_put_varint(p, RECORD_FIELD_C, key.c);
	p = ha_wire_put_varint(p, RECORD_FIELD_FLAGS, flags);
	if (!len)
		return p;
	*p++ = RECORD_FIELD_BODY << 3 | WIRE_TYPE_OCTETS;
	p = put_raw(p, len);
	memcpy(p, body, len);
	return p + len;
}

/* ---- in --------------------------------------------------------------------- */

static bool get_raw(struct ha_wire *wire, uint64_t *value)
{
	unsigned int shift;

	*value = 0;
	for (shift = 0; shift < 64 && wire->p < wire->end; shift += 7) {
		uint8_t octet = *wire->p++;

		*value |= (uint64_t)(octet & 0x7f) << shift;
		if (!(octet & 0x80))
			return true;
	}
	return false;
}

static bool get_fixed(struct ha_wire *wire, size_t octets, uint64_t *value)
{
	uint64_t le = 0;

	if ((size_t)(wire->end - wire->p) < octets)
		return false;
	memcpy(&le, wire->p, octets);
	wire->p += octets;
	*value = le64toh(le);
	return true;
}

int ha_wire_next(struct ha_wire *wire, struct ha_wire_field *field)
{
	uint64_t tag, len;
	bool ok = false;

	if (wire->p == wire->end)
		return 0;
	if (!get_raw(wire, &tag) || !(tag >> 3) || tag >> 3 > UINT32_MAX >> 3)
		return -EBADMSG;
	*field = (struct ha_wire_field){ .number = (unsigned int)(tag >> 3) };
	switch (tag & 7) {
	case WIRE_TYPE_VARINT:
		ok = get_raw(wire, &field->value);
		break;
	case WIRE_TYPE_FIXED64:
		ok = get_fixed(wire, 8, &field->value);
		break;
	case WIRE_TYPE_FIXED32:
		ok = get_fixed(wire, 4, &field->value);
		break;
	case WIRE_TYPE_OCTETS:
		ok = get_raw(wire, &len) && len <= (uint64_t)(wire->end - wire->p);
		if (!ok)
			break;
		field->octets = true;
		field->data = wire->p;
		field->len = (size_t)len;
		wire->p += len;
		break;
	}
	return ok ? 1 : -EBADMSG;
}

int ha_wire_get_record(const struct ha_wire_field *field, struct ha_wire_record *record)
{
	struct ha_wire_field inner;
	struct ha_wire wire;
	int ret;

	*record = (struct ha_wire_record){ .body = field->data };
	if (!field->octets)
		return -EBADMSG;
	wire = (struct ha_wire){ field->data, field->data + field->len };
	while ((ret = ha_wire_next(&wire, &inner)) > 0) {
		if (inner.number <= RECORD_FIELD_BODY && inner.octets != (inner.number == RECORD_FIELD_BODY))
			return -EBADMSG;
		switch (inner.number) {
		case RECORD_FIELD_TYPE:
			record->type = inner.value;
			break;
		case RECORD_FIELD_A:
			record->a = inner.value;
			break;
		case RECORD_FIELD_B:
			record->b = inner.value;
			break;
		case RECORD_FIELD_C:
			record->c = inner.value;
			break;
		case RECORD_FIELD_FLAGS:
			record->flags = inner.value;
			break;
		case RECORD_FIELD_BODY:
			record->body = inner.data;
			record->len = inner.len;
			break;
		}
	}
	return ret;
}
