/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framing of the HA stream: a fixed header, then a protobuf payload.
 *
 *   0 u32 length (header and payload)   4 u16 magic 'LH'   6 u8 version
 *   7 u8 type   8 u16 flags   10 u16 zero   12 u64 epoch   20 u64 seq
 *   28 u32 CRC-32C of octets 0..27 and the payload       all big endian
 */
#ifndef L2TPHA_HA_FRAME_H
#define L2TPHA_HA_FRAME_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_FRAME_HEADER 32
#define HA_FRAME_MAX (8u << 20)
#define HA_FRAME_VERSION 1

enum ha_frame_type {
	HA_FRAME_HELLO = 1,
	HA_FRAME_HEARTBEAT,
	HA_FRAME_COMMIT,
	HA_FRAME_ACK,
	HA_FRAME_SYNC_REQUEST,
	HA_FRAME_CONTINUE,
	HA_FRAME_SNAP_BEGIN,
	HA_FRAME_SNAP_CHUNK,
	HA_FRAME_SNAP_END,
	HA_FRAME_HANDOVER,
	HA_FRAME_SWITCH_REQUEST,
	HA_FRAME_REFUSE,
};
#define HA_FRAME_FLAG_OPTIONAL 0x0001	/* a receiver that does not know the type skips it */

const char *ha_frame_type_name(unsigned int type);

struct ha_frame {
	uint8_t type;
	uint16_t flags;
	uint64_t epoch, seq;
	const uint8_t *payload;	/* valid until the parser is fed or asked again */
	size_t len;
};

struct ha_parser {
	uint8_t *buf;
	size_t start, end, size;
};

/* One malloc()ed frame with msg packed into it; NULL: out of memory or longer than HA_FRAME_MAX. */
uint8_t *ha_frame_new(uint8_t type, uint64_t epoch, uint64_t seq, const ProtobufCMessage *msg, size_t *len);
/* The same with room for so many octets of payload, which the caller fills in and seals; NULL as above. */
uint8_t *ha_frame_room(uint8_t type, uint64_t seq, size_t payload);
void ha_frame_seal(uint8_t *frame, size_t len, uint64_t epoch);
/* Gives a finished frame another epoch (a backlog entry that is sent again). */
void ha_frame_reseal(uint8_t *frame, size_t len, uint64_t epoch);
uint32_t ha_crc32c(uint32_t crc, const uint8_t *data, size_t len);

void ha_parser_reset(struct ha_parser *parser);	/* frees what it holds */
int ha_parser_feed(struct ha_parser *parser, const uint8_t *data, size_t len);
/* 1: a frame; 0: more octets wanted; -EBADMSG: the stream is useless, *why says so */
int ha_parser_next(struct ha_parser *parser, struct ha_frame *frame, const char **why);

#endif
