/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that come before the session they belong to.
 *
 * A LAC's client speaks as soon as the LAC has sent ICCN: its first LCP
 * Configure-Request is in our socket before there is a session in the kernel.
 * Dropped, it would come again after the client's restart timer, which is
 * three seconds (RFC 1661 section 4.6) of every call.  So the last LCP frame of
 * a session that may begin any moment is kept for that moment.
 *
 * The table has a fixed size: each session has two places where its frame may
 * be, and throws out the older one if both are taken, which costs that client
 * the three seconds.  Nobody can make the table grow.
 *
 * Pure; called by daemon/io_pppd.c.
 */
#include "pppd-plugin/proto_early.h"

#include <errno.h>
#include <string.h>

#define HEADER_T	0x8000
#define HEADER_L	0x4000
#define HEADER_S	0x0800
#define HEADER_O	0x0200
#define HEADER_VERSION	0x000f

static uint16_t get_u16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

int early_parse(const uint8_t *packet, size_t len, struct ppp_key *key,
		const uint8_t **frame)
{
	size_t at = 2, end = len, fixed;
	uint16_t flags;

	if (len < 2)
		return -EBADMSG;
	flags = get_u16(packet);
	if (flags & HEADER_T || (flags & HEADER_VERSION) != 2)
		return -EBADMSG;
	fixed = at + (flags & HEADER_L ? 2 : 0) + 4
		+ (flags & HEADER_S ? 4 : 0) + (flags & HEADER_O ? 2 : 0);
	if (len < fixed)
		return -EBADMSG;
	if (flags & HEADER_L) {
		end = get_u16(packet + at);
		at += 2;
	}
	key->tunnel_id = get_u16(packet + at);
	key->session_id = get_u16(packet + at + 2);
	at += 4;
	if (flags & HEADER_S)
		at += 4;
	if (flags & HEADER_O)
		at += 2 + get_u16(packet + at);
	if (end > len || at + 2 > end || !key->session_id)
		return -EBADMSG;
	if (packet[at] == 0xff && packet[at + 1] == 0x03)
		at += 2;
	*frame = packet + at;
	return end - at;
}

bool early_wanted(const uint8_t *frame, size_t len)
{
	return len >= 6 && len <= PPP_EARLY_MAX
		&& frame[0] == 0xc0 && frame[1] == 0x21;
}

static bool holds(const struct early_frame *f, struct ppp_key key)
{
	return f->key.tunnel_id == key.tunnel_id
		&& f->key.session_id == key.session_id;
}

/* The two places of a session. */
static struct early_frame *places(struct early_table *t, struct ppp_key key)
{
	/* both IDs are random: any mix will do */
	return t->sets[(key.tunnel_id * 31u + key.session_id) % EARLY_SETS];
}

void early_put(struct early_table *t, struct ppp_key key, const uint8_t *frame,
	       size_t len, uint64_t now_ms)
{
	struct early_frame *f = places(t, key), *second = f + 1;

	if (!early_wanted(frame, len))
		return;
	if (holds(second, key))
		f = second;
	else if (f->key.session_id && !holds(f, key)
		 && (!second->key.session_id || second->at_ms <= f->at_ms))
		f = second;
	f->key = key;
	f->at_ms = now_ms;
	f->len = len;
	memcpy(f->bytes, frame, len);
}

const struct early_frame *early_take(struct early_table *t, struct ppp_key key,
				     uint64_t now_ms)
{
	struct early_frame *f = places(t, key);

	if (!holds(f, key))
		f++;
	if (!key.session_id || !holds(f, key))
		return NULL;
	f->key.session_id = 0;
	return now_ms - f->at_ms > EARLY_KEEP_MS ? NULL : f;
}
