/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records on the wire: what ha.proto says of Record, Commit and SnapChunk,
 * written and read in place, and the means for bodies that are as frequent
 * (daemon/checkpoint.c).  Everything else goes through protobuf-c.
 */
#ifndef L2TPHA_HA_WIRE_H
#define L2TPHA_HA_WIRE_H

#include "ha/ha.h"

/* A Record as it stands in a payload; numbers are as sent, not yet judged. */
struct ha_wire_record {
	uint64_t type, a, b, c, flags;
	const uint8_t *body;
	size_t len;
};

/* Octets of a Record as element of a repeated field whose number is below 16. */
size_t ha_wire_record_size(struct ha_key key, uint32_t flags, size_t len);
uint8_t *ha_wire_put_record(uint8_t *p, unsigned int field, struct ha_key key, uint32_t flags, const void *body,
			    size_t len);
#define HA_WIRE_SCALAR_MAX 12
/* Scalars; 0 and false are not written. */
uint8_t *ha_wire_put_varint(uint8_t *p, unsigned int field, uint64_t value);	/* field below 2048: one octet more */
uint8_t *ha_wire_put_fixed64(uint8_t *p, unsigned int field, uint64_t value);	/* field below 16 */
/* At most HA_WIRE_SCALAR_MAX octets and those of data; none are not written. */
uint8_t *ha_wire_put_octets(uint8_t *p, unsigned int field, const void *data, size_t len);

struct ha_wire {
	const uint8_t *p, *end;
};
struct ha_wire_field {
	unsigned int number;
	bool octets;			/* data, len; else value */
	uint64_t value;
	const uint8_t *data;
	size_t len;
};
/* 1: the next field; 0: the end; -EBADMSG */
int ha_wire_next(struct ha_wire *wire, struct ha_wire_field *field);
/* 0 or -EBADMSG; unknown fields are passed over */
int ha_wire_get_record(const struct ha_wire_field *field, struct ha_wire_record *record);

#endif
