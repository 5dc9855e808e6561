// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer: the HA core as an authenticated peer that has lost its mind sees
 * it.  The first octet picks who we are (standby in sync, or active in sync),
 * and whether the rest is the raw stream or a list of frames
 *   type, flags, epoch step, seq step (signed), length (2), payload
 * that get a right header and checksum.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -Ibuild \
 *     tests/fuzz/fuzz-ha.c ha/{frame,store,log,commit,follow,roles,ha}.c \
 *     build/ha/ha.pb-c.c daemon/log.c -lprotobuf-c
 */
#include "daemon/log.h"
#include "ha/frame.h"
#include "ha/ha.h"
#include "ha/ha.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct side {
	struct ha *ha;
	struct side *other;
	bool fenced;
};

static void fuzz_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static void fuzz_free(void *ctx, void *output)
{
	(void)ctx;
	free(output);
}

static void drain(struct side *side, uint64_t now_ms)
{
	struct ha_action action;
	struct ha_info info;

	while (ha_action_next(side->ha, &action)) {
		switch (action.type) {
		case HA_ACTION_LINK_SEND:
			if (side->other)
				ha_link_input(side->other->ha, now_ms, action.data, action.len);
			break;
		case HA_ACTION_RELEASE:
			ha_info(side->ha, &info);
			if (side->fenced || !info.owner)
				abort();
			free(action.output);
			break;
		case HA_ACTION_FENCE:
			side->fenced = true;
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_UNFENCE:
			side->fenced = false;
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_EPOCH:
		case HA_ACTION_VIP_ADD:
		case HA_ACTION_ACTIVATE:
		case HA_ACTION_VIP_DEL:
		case HA_ACTION_PASSIVATE:
			ha_step_done(side->ha, now_ms, 0);
			break;
		case HA_ACTION_PROBE_VIP:
		case HA_ACTION_LINK_RESET:
		case HA_ACTION_APPLY_PUT:
		case HA_ACTION_APPLY_DEL:
		case HA_ACTION_APPLY_SWAP:
		case HA_ACTION_ROLE:
		case HA_ACTION_SYNC:
			break;
		}
	}
}

static void work(struct side *side, uint64_t now_ms, uint16_t n)
{
	ha_put(side->ha, (struct ha_key){ 1, n, 0, 0 }, &n, sizeof(n));
	ha_output(side->ha, malloc(1));
	ha_commit(side->ha, now_ms);
	drain(side, now_ms);
}

static void quiet(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

/* Frames of the fuzzer's choice, with a header that is right. */
static void feed_frames(struct side *side, uint64_t *now_ms, const uint8_t *data, size_t size)
{
	struct ha_info info;

	while (size >= 6) {
		size_t len = (size_t)data[4] << 8 | data[5], out;
		const uint8_t *in = data;
		uint64_t seq;
		uint8_t *frame;

		data += 6;
		size -= 6;
		if (len > size)
			len = size;
		ha_info(side->ha, &info);
		seq = info.seq + (uint64_t)(int64_t)(int8_t)in[3];
		frame = ha_frame_new(in[0] % 16, 0, seq, NULL, &out);
		frame = realloc(frame, out + len);
		memcpy(frame + out, data, len);
		frame[2] = (uint8_t)((out + len) >> 8);
		frame[3] = (uint8_t)(out + len);
		frame[9] = in[1];
		ha_frame_reseal(frame, out + len, info.epoch + in[2] % 3);
		ha_link_input(side->ha, *now_ms, frame, out + len);
		drain(side, *now_ms);
		free(frame);
		data += len;
		size -= len;
		*now_ms += in[1] % 64;
		ha_tick(side->ha, *now_ms);
		drain(side, *now_ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_config config = { .node = "a", .group = "g", .peer_configured = true, .detector = true };
	struct side a = { .fenced = true }, b = { .fenced = true }, *us;
	struct ha_ops ops = { .random = fuzz_random, .output_free = fuzz_free };
	uint64_t now_ms = 1000;
	uint16_t n;

	if (size < 1)
		return 0;
	log_set_sink(quiet, NULL, LOG_LEVEL_ERROR);
	a.ha = ha_new(&config, &ops, now_ms);
	strcpy(config.node, "b");
	b.ha = ha_new(&config, &ops, now_ms);
	a.other = &b;
	b.other = &a;
	ha_link_up(a.ha, now_ms);
	ha_link_up(b.ha, now_ms);
	for (n = 0; n < 20; n++) {
		now_ms += 60;
		ha_tick(a.ha, now_ms);
		drain(&a, now_ms);
		ha_tick(b.ha, now_ms);
		drain(&b, now_ms);
		if (n > 12)
			work(&a, now_ms, n);
	}
	us = data[0] & 1 ? &a : &b;
	us->other = NULL;
	if (data[0] & 2) {
		ha_link_input(us->ha, now_ms, data + 1, size - 1);
		drain(us, now_ms);
	} else {
		feed_frames(us, &now_ms, data + 1, size - 1);
	}
	for (n = 0; n < 10; n++) {
		now_ms += 130;
		ha_tick(us->ha, now_ms);
		drain(us, now_ms);
		work(us, now_ms, n);
	}
	ha_free(a.ha);
	ha_free(b.ha);
	return 0;
}
