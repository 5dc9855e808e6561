/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody on the access network who means no good, and too few numbers for
 * everybody.  Whatever he sends, no call and no tunnel of others ends or moves
 * by it, in the middle of a switchover neither.
 */
#include "tests/sim/sim.h"

#include <string.h>

#include "l2tp/message.h"

static struct l2tp_endpoint stranger(struct sim *sim)
{
	return (struct l2tp_endpoint){ 4, { 198, 18, (uint8_t)rng_below(sim, 256), (uint8_t)rng_below(sim, 256) },
				       (uint16_t)(1024 + rng_below(sim, 60000)) };
}

static void put_request(struct sim *sim, struct avp_builder *out, uint8_t *buf, size_t size)
{
	message_begin(out, buf, size, MESSAGE_SCCRQ, 0, 0);
	if (rng_pm(sim, 950))
		avp_put_u16(out, AVP_PROTOCOL_VERSION, rng_pm(sim, 950) ? 0x0100 : 0x0200);
	if (rng_pm(sim, 950))
		avp_put_u32(out, AVP_FRAMING_CAPABILITIES, 3);
	if (rng_pm(sim, 900))
		avp_put_text(out, AVP_HOST_NAME, rng_pm(sim, 800) ? "lac0" : "nobody");
	if (rng_pm(sim, 950))
		avp_put_u16(out, AVP_ASSIGNED_TUNNEL_ID, (uint16_t)rng_below(sim, 65536));
	if (rng_pm(sim, 100))
		avp_put_raw(out, AVP_FLAG_M, 0, 999, "", 0);
	message_end(out);
}

/* What the LACs and the pair said to each other, with octets changed. */
static size_t put_changed(struct sim *sim, uint8_t *buf)
{
	unsigned i = rng_below(sim, sizeof(sim->net.heard) / sizeof(sim->net.heard[0])), n = rng_below(sim, 4);
	size_t len = sim->net.heard[i].len;

	memcpy(buf, sim->net.heard[i].data, len);
	while (len && n--)
		buf[rng_below(sim, (uint32_t)len)] = (uint8_t)rng_below(sim, 256);
	return rng_pm(sim, 100) && len ? rng_below(sim, (uint32_t)len) : len;
}

static void attack(struct sim *sim, unsigned packets, uint64_t over_us)
{
	uint8_t buf[512];
	unsigned i;

	for (i = 0; i < packets && !sim->failed; i++) {
		struct l2tp_endpoint from = stranger(sim);
		struct avp_builder out;
		size_t len, k;

		if (rng_pm(sim, 600)) {
			put_request(sim, &out, buf, sizeof(buf));
			len = out.len;
		} else if (rng_pm(sim, 800)) {
			len = put_changed(sim, buf);
		} else {
			len = rng_below(sim, 100);
			for (k = 0; k < len; k++)
				buf[k] = (uint8_t)rng_below(sim, 256);
			if (len > 2 && rng_pm(sim, 500))
				memcpy(buf, "\310\2", 2);
		}
		net_to_pair(sim, &from, buf, len, "stranger ->");
		sim_run_for(sim, over_us / packets);
	}
}

static void run_hostile(struct sim *sim)
{
	int round;

	story_calls(sim);
	for (round = 0; round < 3 && !sim->failed; round++) {
		struct node *active = story_active(sim, "under attack");

		if (!active)
			break;
		attack(sim, 250, 2 * SEC);
		peer_call(&sim->peers[round % 2]);
		attack(sim, 80, 500 * MS);
		if (rng_pm(sim, 500))
			story_switch(sim, active);
		else
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		attack(sim, 200, 3 * SEC);
		sim_run_for(sim, 5 * SEC);
	}
	/* longer than anything lives that nobody answers for */
	sim_run_for(sim, 60 * SEC);
	story_settle(sim);
}

/* More tunnels are asked for than there are numbers: LACs that lose power, and ask anew while their old tunnels last. */
static void run_ids_used_up(struct sim *sim)
{
	struct l2tp_counters counters;
	uint64_t refused = 0;
	int round;

	sim->id_max = (uint16_t)(2 + rng_below(sim, 3));
	story_calls(sim);
	for (round = 0; round < 8 && !sim->failed; round++) {
		struct node *active = story_active(sim, "without a free tunnel ID");

		if (!active)
			break;
		peer_restart(&sim->peers[round % 2]);
		peer_call(&sim->peers[round % 2]);
		sim_run_for(sim, story_between(sim, 1, 3000));
		if (rng_pm(sim, 300))
			peer_shutdown(&sim->peers[!(round % 2)]);
		sim_run_for(sim, story_between(sim, 1, 3000));
		l2tp_counters(group_l2tp(active->group), &counters);
		refused += counters.rx_refused;
		if (rng_pm(sim, 400))
			story_switch(sim, active);
		else if (rng_pm(sim, 400))
			story_power_cycle(sim, active, story_between(sim, 300, 3000));
		sim_run_for(sim, 6 * SEC);
	}
	if (refused)
		reach(sim, REACH_IDS_USED_UP);
	if (!refused)	/* one seed in a thousand */
		sim_trace(sim, "there were numbers enough");
	/* tunnels whose LAC forgot them are found out, what is closing makes room */
	sim_run_for(sim, 100 * SEC);
	story_settle(sim);
}

const struct scenario hostile_scenarios[] = {
	{ "hostile", run_hostile, STORY_FEW },
	{ "ids-used-up", run_ids_used_up, STORY_FEW },
	{ NULL, NULL, STORY_FEW },
};
