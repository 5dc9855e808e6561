// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The channel alone: two of them and a wire that does with each packet what the
 * input says: it arrives, is lost, comes twice, late, or with numbers of its
 * own.  Numbers start near their wrap.  Whatever happens, what one end queued the other
 * takes in order, each message once; and nothing is sent beyond the window.
 */
#include <stdlib.h>
#include <string.h>

#include "l2tp/channel.h"
#include "l2tp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WIRE 32

struct input {
	const uint8_t *data;
	size_t left;
};

struct parcel {
	bool used;
	int to;
	uint16_t ns, nr;
	uint32_t serial;	/* 0: a ZLB */
};

struct end {
	struct channel channel;
	uint32_t queued, taken;	/* messages of ours, of the other's */
};

struct world {
	struct end end[2];
	struct parcel wire[WIRE];
	uint64_t now;
	uint16_t window;
	bool dead;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void put(struct world *world, int to, uint16_t ns, uint16_t nr, uint32_t serial)
{
	int i;

	for (i = 0; i < WIRE && world->wire[i].used; i++)
		;
	if (i < WIRE)	/* else it is lost */
		world->wire[i] = (struct parcel){ true, to, ns, nr, serial };
}

static uint32_t serial_of(const uint8_t *data)
{
	return avp_get_u32(data + MESSAGE_HEADER);
}

static void transmit(struct world *world, int from)
{
	struct channel *channel = &world->end[from].channel;
	const struct channel_message *message;

	while ((message = channel_transmit(channel, world->now))) {
		must((uint16_t)(message->ns - channel->una) < world->window);
		put(world, !from, message->ns, channel->vr, serial_of(message->data));
	}
}

static void delivered(struct end *end, uint32_t serial)
{
	must(serial == ++end->taken);
	end->channel.vr++;
}

static void arrive(struct world *world, const struct parcel *parcel)
{
	struct end *end = &world->end[parcel->to], *other = &world->end[!parcel->to];
	uint8_t message[MESSAGE_HEADER + 4] = { 0 };
	struct channel_early *early;
	size_t len;

	if (channel_ack(&end->channel, parcel->nr, world->now) >= 0 && parcel->serial) {
		switch (channel_order(&end->channel, parcel->ns)) {
		case CHANNEL_ORDER_NEXT:
			delivered(end, parcel->serial);
			while ((early = channel_take(&end->channel))) {
				delivered(end, serial_of(channel_early_data(early, &len)));
				free(early);
			}
			break;
		case CHANNEL_ORDER_DUPLICATE:
			break;
		case CHANNEL_ORDER_FUTURE:
			avp_set_u16(message + MESSAGE_HEADER, (uint16_t)(parcel->serial >> 16));
			avp_set_u16(message + MESSAGE_HEADER + 2, (uint16_t)parcel->serial);
			channel_keep(&end->channel, parcel->ns, message, sizeof(message));
			break;
		}
		put(world, !parcel->to, channel_zlb_ns(&end->channel), end->channel.vr, 0);
	}
	must(end->taken <= other->queued);
	transmit(world, parcel->to);
}

static void queue(struct world *world, int from)
{
	struct end *end = &world->end[from];
	uint8_t message[MESSAGE_HEADER + 4] = { 0 };
	uint16_t ns;

	avp_set_u16(message + MESSAGE_HEADER, (uint16_t)((end->queued + 1) >> 16));
	avp_set_u16(message + MESSAGE_HEADER + 2, (uint16_t)(end->queued + 1));
	if (!channel_queue(&end->channel, message, sizeof(message), &ns))
		end->queued++;
	transmit(world, from);
}

static void step(struct world *world, struct input *in)
{
	uint8_t op = take(in), which = take(in);
	struct parcel *parcel = &world->wire[which % WIRE], lie;
	int side = op >> 7;

	switch (op & 7) {
	case 0:
	case 1:
		queue(world, side);
		break;
	case 2:
	case 3:
		if (parcel->used) {
			parcel->used = false;
			lie = *parcel;
			arrive(world, &lie);
		}
		break;
	case 4:		/* twice */
		if (parcel->used)
			arrive(world, parcel);
		break;
	case 5:
		parcel->used = false;
		break;
	case 6:
		world->now += which * 50u;
		if (channel_timeout(&world->end[side].channel, world->now) == CHANNEL_TIMEOUT_DEAD)
			world->dead = true;
		transmit(world, side);
		break;
	case 7:		/* a ZLB with any numbers is no harm: at most what is not sent yet is acknowledged by nobody */
		lie = (struct parcel){ true, side, (uint16_t)(which * 257), (uint16_t)(world->end[side].channel.una - which % 8), 0 };
		arrive(world, &lie);
		break;
	}
}

/* A good wire from here on: all that was queued arrives. */
static void settle(struct world *world)
{
	int i, round;

	for (round = 0; round < 20000; round++) {
		bool any = false;

		for (i = 0; i < WIRE; i++)
			if (world->wire[i].used) {
				struct parcel parcel = world->wire[i];

				world->wire[i].used = false;
				any = true;
				arrive(world, &parcel);
			}
		if (!any && world->end[0].taken == world->end[1].queued && world->end[1].taken == world->end[0].queued)
			return;
		world->now += 1000;
		for (i = 0; i < 2; i++) {
			if (channel_timeout(&world->end[i].channel, world->now) == CHANNEL_TIMEOUT_DEAD)
				channel_again(&world->end[i].channel);
			transmit(world, i);
		}
	}
	must(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world world = { .now = 1000 };
	struct channel_params params;
	int i;

	world.window = (uint16_t)(take(&in) % 16 + 1);
	params = (struct channel_params){ .peer_window = world.window, .window = world.window, .retries = 200,
					  .rto_min_ms = 1000, .rto_max_ms = 8000 };
	for (i = 0; i < 2; i++)
		channel_init(&world.end[i].channel, &params);
	for (i = 0; i < 2; i++) {
		uint16_t at = (uint16_t)(65530 + take(&in) % 12);

		must(!channel_import(&world.end[i].channel, at, at, world.end[i].channel.vr));
		world.end[!i].channel.vr = at;
	}
	while (in.left && !world.dead)
		step(&world, &in);
	settle(&world);
	for (i = 0; i < 2; i++)
		channel_free(&world.end[i].channel);
	return 0;
}
