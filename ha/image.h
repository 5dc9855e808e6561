/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: the record log in memory that outlives the process (a mapped
 * file), from which a daemon that was killed comes back.  Octets in and out;
 * whose memory it is and when what is written is for others (keep.c, the shell).
 *
 *   header   magic, version, boot, node, group, checksum; never changes
 *   word     how far the entries count, with a check of its own
 *   entries  put, delete: a record;  mark: everything before it is one state
 *
 * Entries are written behind what counts, then the word is stored in one
 * piece: a writer that dies at any octet leaves the old state or the new one.
 */
#ifndef L2TPHA_HA_IMAGE_H
#define L2TPHA_HA_IMAGE_H

#include "ha/ha.h"

#define HA_IMAGE_VERSION 1
#define HA_IMAGE_MIN 4096	/* octets of an empty one, at least */

struct ha_image_owner {		/* whose it is; another's is refused */
	char node[HA_NAME_MAX], group[HA_NAME_MAX];
	uint8_t boot_id[16];
};

struct ha_image_mark {		/* the state that a mark ends */
	uint64_t epoch, log_id, log_epoch, seq, prev_id, prev_end;
	uint32_t count, local_count;		/* records, replicated and not */
	bool reigning;				/* written by the owner of the address */
	bool alone;				/* who had told no standby that it holds everything */
	uint8_t config_digest[16];
};

struct ha_image {
	uint8_t *base;			/* NULL: none */
	size_t size, at;
	uint32_t entries;		/* written by us */
};

/* Makes it empty: zero marks, nothing to be loaded. -ENOSPC. */
int ha_image_format(struct ha_image *image, uint8_t *base, size_t size, const struct ha_image_owner *owner);
/* body NULL: the record is deleted. local: of this node only, never replicated. -ENOSPC: nothing was written. */
int ha_image_record(struct ha_image *image, struct ha_key key, bool local, const void *body, size_t len);
int ha_image_mark(struct ha_image *image, const struct ha_image_mark *mark);
/* From now on it is refused by whoever loads it. */
void ha_image_void(struct ha_image *image);

/* false: the caller cannot take it, loading ends with -ENOMEM */
typedef bool (*ha_image_fn)(void *ctx, struct ha_key key, bool local, const void *body, size_t len);
/*
 * Everything up to the last mark, in order.  0 with *mark and *end (where the next entry goes), or -errno with one
 * line in `why`; then what `each` was told is void.  Whether the result is what the mark says is for the caller.
 */
int ha_image_load(const uint8_t *base, size_t size, const struct ha_image_owner *owner, ha_image_fn each, void *ctx,
		  struct ha_image_mark *mark, size_t *end, char why[HA_REASON_MAX]);

#endif
