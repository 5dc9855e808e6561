/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines that talk to each other over a wire that may lose, double and
 * delay packets: both roles of the protocol against each other.  Whatever one
 * sends the other must take without a fault.  What the engines did is kept as
 * counts per end, the last of each kind whole.
 */
#ifndef L2TPHA_TESTS_UNIT_TWO_ENDS_H
#define L2TPHA_TESTS_UNIT_TWO_ENDS_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/l2tp.h"
#include "l2tp/message.h"
#include "tests/decode/capture.h"

#define UNUSED_OK __attribute__((unused))
#define TWO_WIRE 512
#define TWO_ACTIONS 16

struct two_parcel {
	uint64_t due;
	bool used;
	int to;
	struct l2tp_endpoint local, peer;	/* as the receiver sees them */
	uint8_t data[L2TP_MSG_MAX];
	size_t len;
};

struct two_end {
	struct l2tp *l2tp;
	struct l2tp_endpoint addr;
	struct l2tp_endpoint answers_as;	/* family set: what it sends leaves from here */
	struct l2tp_endpoint reached_at;	/* and what arrives here is for it, too */
	struct l2tp_tunnel_params params;
	bool refuse;
	unsigned count[TWO_ACTIONS];
	struct l2tp_action last[TWO_ACTIONS];
	unsigned sent[32];			/* packets by message type, 0: ZLB */
	uint8_t kept[32][L2TP_MSG_MAX];		/* the last of each type */
	size_t kept_len[32];
	struct l2tp_dirty dirty[4096];
	size_t dirty_count;
	void (*record)(struct two_end *end);	/* what is in dirty[], before anything is sent; may be NULL */
	void (*judge)(struct two_end *end, const struct l2tp_action *action);	/* of each action; may be NULL */
};

static struct two {
	struct two_end end[2];
	uint64_t now, step;
	uint32_t random;
	unsigned loss, twice, late;	/* per cent */
	bool cut;			/* nothing arrives */
	struct two_parcel wire[TWO_WIRE];
} two;

#define A (&two.end[0])
#define B (&two.end[1])

static UNUSED_OK uint32_t two_word(void)
{
	two.random = two.random * 1664525 + 1013904223;
	return two.random >> 8;
}

static UNUSED_OK void two_random(void *ctx, void *buf, size_t len)
{
	uint8_t *octet = buf;

	(void)ctx;
	while (len--)
		*octet++ = (uint8_t)(two_word() >> 8);
}

static UNUSED_OK bool two_select(void *ctx, const struct l2tp_sccrq_info *info, struct l2tp_tunnel_params *params)
{
	struct two_end *end = ctx;

	(void)info;
	*params = end->params;
	return !end->refuse;
}

static UNUSED_OK void two_put(struct two_end *from, const struct l2tp_action *action, uint32_t delay)
{
	struct two_end *to = from == A ? &two.end[1] : &two.end[0];
	size_t i;

	for (i = 0; i < TWO_WIRE - 1 && two.wire[i].used; i++)
		;
	ck_assert(!two.wire[i].used);
	two.wire[i].used = true;
	two.wire[i].due = two.now + delay;
	two.wire[i].to = from == A;
	two.wire[i].local = endpoint_equal(&action->peer, &to->reached_at) ? to->addr : action->peer;
	two.wire[i].peer = from->answers_as.family ? from->answers_as : action->local;
	memcpy(two.wire[i].data, action->data, action->len);
	two.wire[i].len = action->len;
}

static UNUSED_OK void two_sent(struct two_end *from, const struct l2tp_action *action)
{
	uint16_t type = action->len > MESSAGE_HEADER ? avp_get_u16(action->data + 18) : 0;

	ck_assert_uint_lt(type, 32);
	from->sent[type]++;
	memcpy(from->kept[type], action->data, action->len);
	from->kept_len[type] = action->len;
	capture_packet(&action->local, &action->peer, action->data, action->len);
	if (two.cut || two_word() % 100 < two.loss)
		return;
	if (two_word() % 100 < two.twice)
		two_put(from, action, two_word() % 300);
	two_put(from, action, two_word() % 100 < two.late ? two_word() % 500 : 1);
}

static UNUSED_OK void two_drain(struct two_end *end)
{
	struct l2tp_action action;
	struct l2tp_dirty dirty;

	while (l2tp_dirty_next(end->l2tp, &dirty)) {
		ck_assert_uint_lt(end->dirty_count, 4096);
		end->dirty[end->dirty_count++] = dirty;
	}
	if (end->record)
		end->record(end);
	while (l2tp_action_next(end->l2tp, &action)) {
		ck_assert_uint_lt(action.type, TWO_ACTIONS);
		end->count[action.type]++;
		end->last[action.type] = action;
		if (end->judge)
			end->judge(end, &action);
		if (action.type == L2TP_ACTION_SEND)
			two_sent(end, &action);
	}
}

/* The parcel that is due first, NULL: none until then. */
static UNUSED_OK struct two_parcel *two_first(uint64_t until)
{
	struct two_parcel *first = NULL;
	size_t i;

	for (i = 0; i < TWO_WIRE; i++)
		if (two.wire[i].used && two.wire[i].due <= until && (!first || two.wire[i].due < first->due))
			first = &two.wire[i];
	return first;
}

static UNUSED_OK void two_until(uint64_t until)
{
	struct two_parcel *parcel, copy;
	uint64_t next;
	int i;

	for (;;) {
		two_drain(A);
		two_drain(B);
		next = until;
		for (i = 0; i < 2; i++)
			if (l2tp_deadline_ms(two.end[i].l2tp) < next)
				next = l2tp_deadline_ms(two.end[i].l2tp);
		parcel = two_first(next);
		if (parcel) {
			two.now = parcel->due > two.now ? parcel->due : two.now;
			copy = *parcel;
			parcel->used = false;
			l2tp_input(two.end[copy.to].l2tp, two.now, &copy.local, &copy.peer, copy.data, copy.len);
			continue;
		}
		if (next == until)
			break;
		two.now = next > two.now ? next : two.now;
		l2tp_tick(A->l2tp, two.now);
		l2tp_tick(B->l2tp, two.now);
	}
	two.now = until;
}

static UNUSED_OK void two_run(uint64_t ms)
{
	two_until(two.now + ms);
}

static UNUSED_OK void two_end_init(struct two_end *end, const char *name)
{
	struct l2tp_config config = { .id_min = 1, .id_max = 65535, .vendor_name = "l2tpha", .firmware = 1 };
	struct l2tp_ops ops = { .ctx = end, .select_group = two_select, .random = two_random };

	strcpy(end->params.group, "test");
	snprintf(end->params.local_name, sizeof(end->params.local_name), "%s", name);
	end->params.receive_window = 8;
	end->params.hello_s = 60;
	end->params.retransmit_retries = 5;
	end->params.retransmit_min_s = 1;
	end->params.retransmit_max_s = 8;
	end->params.setup_timeout_s = 60;
	end->params.ha = true;
	end->l2tp = l2tp_new(&config, &ops);
	ck_assert_ptr_nonnull(end->l2tp);
	l2tp_activate(end->l2tp, two.now);
}

static UNUSED_OK void two_start(uint32_t seed)
{
	memset(&two, 0, sizeof(two));
	two.random = seed;
	two.now = 1000000;
	A->addr = (struct l2tp_endpoint){ 4, { 198, 51, 100, 7 }, 1701 };
	B->addr = (struct l2tp_endpoint){ 4, { 192, 0, 2, 1 }, 1701 };
	two_end_init(A, "lac");
	two_end_init(B, "lns");
}

static UNUSED_OK void two_setup(void)
{
	two_start(1);
}

static UNUSED_OK void two_stop(void)
{
	l2tp_free(A->l2tp);
	l2tp_free(B->l2tp);
}

/* A tunnel from `end` to the other one is asked for; its ID. */
static UNUSED_OK uint16_t two_open(struct two_end *end)
{
	const struct two_end *other = end == A ? B : A;
	uint16_t id;

	ck_assert_int_eq(l2tp_tunnel_open(end->l2tp, two.now, &end->addr, &other->addr, &end->params, &id), 0);
	ck_assert_uint_ne(id, 0);
	return id;
}

static UNUSED_OK struct l2tp_tunnel_info two_info(struct two_end *end, uint16_t id)
{
	struct l2tp_tunnel *tunnel = l2tp_tunnel_find(end->l2tp, id);
	struct l2tp_tunnel_info info;

	ck_assert_ptr_nonnull(tunnel);
	l2tp_tunnel_info(tunnel, &info);
	return info;
}

/* A tunnel from A to B is up; A's ID. */
static UNUSED_OK uint16_t two_up(void)
{
	uint16_t id = two_open(A);

	two_run(1000);
	ck_assert_uint_eq(A->count[L2TP_ACTION_TUNNEL_UP], 1);
	ck_assert_uint_eq(B->count[L2TP_ACTION_TUNNEL_UP], 1);
	return id;
}

/* The AVPs of the last message of a type that the end sent. */
static UNUSED_OK const struct message *two_kept(const struct two_end *end, enum message_type type, const char *secret)
{
	static struct message message;
	static uint8_t room[65536];

	ck_assert_uint_gt(end->kept_len[type], MESSAGE_HEADER);
	ck_assert_int_eq(message_parse(end->kept[type] + MESSAGE_HEADER, end->kept_len[type] - MESSAGE_HEADER, secret,
				       room, &message), 0);
	return &message;
}

/* `end` receives what the other one never said: from the peer of its tunnel, the next in order. */
static UNUSED_OK void two_forge(struct two_end *end, uint16_t tunnel_id, struct avp_builder *builder)
{
	struct l2tp_tunnel_info info = two_info(end, tunnel_id);
	size_t len = message_end(builder);

	ck_assert_uint_ne(len, 0);
	message_set_ns(builder->buf, info.channel.vr);
	message_set_nr(builder->buf, info.channel.vs);
	l2tp_input(end->l2tp, two.now, &info.s.local, &info.s.peer, builder->buf, len);
	two_drain(end);
}

#endif
