// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Format of the image (ha/image.h).  Owns nothing: the memory is the caller's.
 * Called by keep.c, tests and the fuzzer.
 *
 * There is one bounds check on input, in entry_at(), and no guessing: whatever
 * counts must be whole and end in a mark, or nothing of it is used.  A state
 * that is almost right would acknowledge what it does not know.
 */
#include "ha/image.h"

#include "ha/frame.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "L2TPHAIM"
#define OFF_VERSION 8		/* 2 */
#define OFF_HEADER 10		/* 2: octets of the header, entries follow */
#define OFF_BOOT 16		/* 16 */
#define OFF_NODE 32
#define OFF_GROUP (OFF_NODE + HA_NAME_MAX)
#define OFF_CRC (OFF_GROUP + HA_NAME_MAX)
#define OFF_WORD 176		/* 8, outside the checksum */
#define HEADER 192

#define ENTRY_HEADER 16
#define ENTRY_PUT 1
#define ENTRY_DEL 2
#define ENTRY_MARK 3
#define ENTRY_LOCAL 0x80
#define BODY_MAX (64u << 10)
#define MARK_LEN 73

struct entry {
	uint8_t kind;
	bool local;
	struct ha_key key;
	const uint8_t *body;
	uint32_t len;
};

static void put_be(uint8_t *p, unsigned int octets, uint64_t value)
{
	while (octets--) {
		p[octets] = (uint8_t)value;
		value >>= 8;
	}
}

static uint64_t get_be(const uint8_t *p, unsigned int octets)
{
	uint64_t value = 0;

	while (octets--)
		value = value << 8 | *p++;
	return value;
}

/* ---- the word --------------------------------------------------------------- */

static uint64_t word_of(uint64_t at)
{
	uint8_t be[8];

	put_be(be, 8, at);
	return at | (uint64_t)(ha_crc32c(0, be, sizeof(be)) & 0xffff) << 48;
}

static void word_store(uint8_t *base, uint64_t word)
{
	/* what lies before it is in memory before it: by the compiler here, by one processor anyway */
	__atomic_store_n((uint64_t *)(void *)(base + OFF_WORD), word, __ATOMIC_RELEASE);
}

static uint64_t word_load(const uint8_t *base)
{
	uint64_t word;

	memcpy(&word, base + OFF_WORD, sizeof(word));
	return word;
}

/* ---- out -------------------------------------------------------------------- */

static uint32_t header_crc(const uint8_t *base)
{
	return ha_crc32c(0, base, OFF_CRC);
}

int ha_image_format(struct ha_image *image, uint8_t *base, size_t size, const struct ha_image_owner *owner)
{
	if (size < HA_IMAGE_MIN)
		return -ENOSPC;
	memset(base, 0, HEADER);
	memcpy(base, MAGIC, 8);
	put_be(base + OFF_VERSION, 2, HA_IMAGE_VERSION);
	put_be(base + OFF_HEADER, 2, HEADER);
	memcpy(base + OFF_BOOT, owner->boot_id, sizeof(owner->boot_id));
	memcpy(base + OFF_NODE, owner->node, strnlen(owner->node, HA_NAME_MAX));
	memcpy(base + OFF_GROUP, owner->group, strnlen(owner->group, HA_NAME_MAX));
	put_be(base + OFF_CRC, 4, header_crc(base));
	*image = (struct ha_image){ .base = base, .size = size, .at = HEADER };
	return 0;
}

static uint32_t entry_crc(const uint8_t *p, size_t len)
{
	return ha_crc32c(ha_crc32c(0, p, ENTRY_HEADER - 4), p + ENTRY_HEADER, len);
}

static int append(struct ha_image *image, uint8_t kind, struct ha_key key, const void *body, size_t len)
{
	uint8_t *p = image->base + image->at;

	if (len > BODY_MAX || image->size - image->at < ENTRY_HEADER + len)
		return -ENOSPC;
	put_be(p, 4, len);
	p[4] = kind;
	p[5] = key.type;
	put_be(p + 6, 2, key.a);
	put_be(p + 8, 2, key.b);
	put_be(p + 10, 2, key.c);
	if (len)
		memcpy(p + ENTRY_HEADER, body, len);
	put_be(p + 12, 4, entry_crc(p, len));
	image->at += ENTRY_HEADER + len;
	image->entries++;
	return 0;
}

int ha_image_record(struct ha_image *image, struct ha_key key, bool local, const void *body, size_t len)
{
	uint8_t kind = (body ? ENTRY_PUT : ENTRY_DEL) | (local ? ENTRY_LOCAL : 0);

	return append(image, kind, key, body, body ? len : 0);
}

int ha_image_mark(struct ha_image *image, const struct ha_image_mark *mark)
{
	uint8_t body[MARK_LEN];
	int rc;

	put_be(body, 8, mark->epoch);
	put_be(body + 8, 8, mark->log_id);
	put_be(body + 16, 8, mark->log_epoch);
	put_be(body + 24, 8, mark->seq);
	put_be(body + 32, 8, mark->prev_id);
	put_be(body + 40, 8, mark->prev_end);
	put_be(body + 48, 4, mark->count);
	put_be(body + 52, 4, mark->local_count);
	body[56] = (uint8_t)(mark->reigning | mark->alone << 1);
	memcpy(body + 57, mark->config_digest, sizeof(mark->config_digest));
	rc = append(image, ENTRY_MARK, (struct ha_key){ 0 }, body, sizeof(body));
	if (!rc)
		word_store(image->base, word_of(image->at));
	return rc;
}

void ha_image_void(struct ha_image *image)
{
	if (image->base)
		word_store(image->base, 0);
}

/* ---- in --------------------------------------------------------------------- */

static int __attribute__((format(printf, 3, 4)))
refuse(char why[HA_REASON_MAX], int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, HA_REASON_MAX, fmt, ap);
	va_end(ap);
	return error;
}

static bool name_is(const uint8_t *field, const char *name)
{
	size_t len = strnlen(name, HA_NAME_MAX);

	return !memcmp(field, name, len) && (len == HA_NAME_MAX || !field[len]);
}

static int check_header(const uint8_t *base, size_t size, const struct ha_image_owner *owner, size_t *header,
			size_t *end, char why[HA_REASON_MAX])
{
	uint64_t word, version;

	if (size < HEADER || memcmp(base, MAGIC, 8))
		return refuse(why, -EBADMSG, "it is not an image of a daemon");
	version = get_be(base + OFF_VERSION, 2);
	if (version > HA_IMAGE_VERSION)
		return refuse(why, -EPROTO, "its format is version %u, this software knows up to %u",
			      (unsigned int)version, HA_IMAGE_VERSION);
	if (get_be(base + OFF_CRC, 4) != header_crc(base))
		return refuse(why, -EBADMSG, "its header is damaged");
	if (memcmp(base + OFF_BOOT, owner->boot_id, sizeof(owner->boot_id)))
		return refuse(why, -ESTALE, "it is of another boot of this machine");
	if (!name_is(base + OFF_NODE, owner->node) || !name_is(base + OFF_GROUP, owner->group))
		return refuse(why, -EXDEV, "it is of node \"%.40s\", group \"%.40s\"", base + OFF_NODE, base + OFF_GROUP);
	*header = get_be(base + OFF_HEADER, 2);
	word = word_load(base);
	*end = word & 0xffffffffffff;
	if (!word)
		return refuse(why, -ENODATA, "it was given up, or never finished");
	if (word != word_of(*end) || *header < HEADER || *end <= *header)
		return refuse(why, -EBADMSG, "its length is damaged");
	if (*end > size)
		return refuse(why, -EBADMSG, "it is cut short: %zu of %zu octets", size, *end);
	return 0;
}

static bool entry_at(const uint8_t *base, size_t at, size_t end, struct entry *e)
{
	const uint8_t *p = base + at;

	if (end - at < ENTRY_HEADER)
		return false;
	e->len = (uint32_t)get_be(p, 4);
	if (e->len > BODY_MAX || end - at - ENTRY_HEADER < e->len || get_be(p + 12, 4) != entry_crc(p, e->len))
		return false;
	e->kind = p[4] & ~ENTRY_LOCAL;
	e->local = p[4] & ENTRY_LOCAL;
	e->key = (struct ha_key){ p[5], (uint16_t)get_be(p + 6, 2), (uint16_t)get_be(p + 8, 2),
				  (uint16_t)get_be(p + 10, 2) };
	e->body = p + ENTRY_HEADER;
	if (e->kind == ENTRY_MARK)
		return e->len >= MARK_LEN;	/* a later version may say more */
	return (e->kind == ENTRY_PUT || (e->kind == ENTRY_DEL && !e->len)) && e->key.type;
}

static void read_mark(const uint8_t *body, struct ha_image_mark *mark)
{
	*mark = (struct ha_image_mark){
		.epoch = get_be(body, 8),
		.log_id = get_be(body + 8, 8),
		.log_epoch = get_be(body + 16, 8),
		.seq = get_be(body + 24, 8),
		.prev_id = get_be(body + 32, 8),
		.prev_end = get_be(body + 40, 8),
		.count = (uint32_t)get_be(body + 48, 4),
		.local_count = (uint32_t)get_be(body + 52, 4),
		.reigning = body[56] & 1,
		.alone = body[56] & 2,
	};
	memcpy(mark->config_digest, body + 57, sizeof(mark->config_digest));
}

int ha_image_load(const uint8_t *base, size_t size, const struct ha_image_owner *owner, ha_image_fn each, void *ctx,
		  struct ha_image_mark *mark, size_t *end, char why[HA_REASON_MAX])
{
	struct entry e = { .kind = 0 };
	size_t at = 0;
	int rc = check_header(base, size, owner, &at, end, why);

	if (rc)
		return rc;
	while (at < *end) {
		if (!entry_at(base, at, *end, &e))
			return refuse(why, -EBADMSG, "it is damaged at octet %zu of %zu", at, *end);
		at += ENTRY_HEADER + e.len;
		if (e.kind == ENTRY_MARK)
			read_mark(e.body, mark);
		else if (!each(ctx, e.key, e.local, e.kind == ENTRY_PUT ? e.body : NULL, e.len))
			return refuse(why, -ENOMEM, "out of memory");
	}
	if (e.kind != ENTRY_MARK)
		return refuse(why, -EBADMSG, "it does not end where a state ends");
	return 0;
}
