// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer: an image of records as a daemon finds it at its start.  The first
 * octet says whether the rest is the file as it is, or a list of entries
 *   kind, type, a (2), b (2), length (2), body
 * that get a right header, right checksums and a right word.  Whatever it is:
 * refused with a reason and nothing changed, or taken, and then it can be
 * claimed, added to, and taken once more with the same result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "ha/frame.h"
#include "ha/ha.h"
#include "ha/image.h"

#define AREA (1u << 20)

static const struct ha_image_owner me = { .node = "lns-a", .group = "one" };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct shell {
	uint8_t *now, *next;
	size_t now_size, next_size;
};

static void no_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void fuzz_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x5a, len);
}

static void fuzz_free(void *ctx, void *output)
{
	(void)ctx;
	(void)output;
}

static uint8_t *shell_begin(void *ctx, size_t size, size_t *got)
{
	struct shell *s = ctx;

	free(s->next);
	s->next = calloc(1, size);
	s->next_size = *got = size;
	return s->next;
}

static int shell_swap(void *ctx)
{
	struct shell *s = ctx;

	free(s->now);
	s->now = s->next;
	s->now_size = s->next_size;
	s->next = NULL;
	return 0;
}

/* Framed: the entries of the input, each sealed, and at last the word. */
static size_t build(uint8_t *area, const uint8_t *data, size_t size)
{
	struct ha_image image;

	if (ha_image_format(&image, area, AREA, &me))
		abort();
	while (size >= 8) {
		struct ha_key key = { data[1], (uint16_t)(data[2] << 8 | data[3]), (uint16_t)(data[4] << 8 | data[5]), 0 };
		size_t len = (size_t)(data[6] << 8 | data[7]);
		uint8_t kind = data[0];

		data += 8;
		size -= 8;
		len = len < size ? len : size;
		if ((kind & 0x7f) == 3) {
			struct ha_image_mark mark = { .epoch = key.a, .seq = key.b, .count = (uint32_t)len, .reigning = kind & 0x80 };

			if (ha_image_mark(&image, &mark))
				break;
			continue;	/* its "body" is the next entries */
		}
		if (ha_image_record(&image, key, kind & 0x80, kind & 1 ? data : NULL, len))
			break;
		data += len;
		size -= len;
	}
	return AREA;
}

static struct ha *core(struct shell *shell, struct ha_image_ops *ops)
{
	struct ha_config config = { .node = "lns-a", .group = "one" };
	struct ha_ops ho = { .random = fuzz_random, .output_free = fuzz_free, .image = ops };
	struct ha *ha;

	*ops = (struct ha_image_ops){ .ctx = shell, .begin = shell_begin, .swap = shell_swap };
	ha = ha_new(&config, &ho, 1000);
	if (!ha)
		abort();
	return ha;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shell shell = { 0 }, again_shell = { 0 };
	char why[HA_REASON_MAX] = "";
	struct ha_image_ops ops, again_ops;
	struct ha_action action;
	bool reigned = false;
	struct ha *ha, *again;

	if (!size || size - 1 > AREA)
		return 0;
	log_set_sink(no_log, NULL, LOG_LEVEL_ERROR);
	shell.now = calloc(1, AREA);
	shell.now_size = size - 1;
	if (data[0] & 1)
		shell.now_size = build(shell.now, data + 1, size - 1);
	else if (size - 1 <= AREA)
		memcpy(shell.now, data + 1, size - 1);
	ha = core(&shell, &ops);
	if (ha_restore(ha, shell.now, shell.now_size, &reigned, why)) {
		struct ha_info info;

		ha_info(ha, &info);
		if (!why[0] || info.records || info.epoch)
			abort();
	} else {
		ha_tick(ha, 1000);
		while (ha_action_next(ha, &action))
			if (action.type >= HA_ACTION_EPOCH && action.type <= HA_ACTION_PASSIVATE)
				ha_step_done(ha, 1000, 0);
		ha_put(ha, (struct ha_key){ 200, 1, 2, 3 }, "more", 4);
		ha_commit(ha, 1000);
		again = core(&again_shell, &again_ops);
		if (ha_restore(again, shell.now, shell.now_size, &reigned, why) || ha_digest(again) != ha_digest(ha))
			abort();
		ha_free(again);
	}
	ha_free(ha);
	free(shell.now);
	free(shell.next);
	free(again_shell.now);
	free(again_shell.next);
	return 0;
}
