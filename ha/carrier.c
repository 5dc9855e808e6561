// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An owner that is cut off: nothing is heard on the HA link, and there is no
 * carrier towards the peers of its tunnels.  Its successor, if there is one, can tell it nothing, and the first
 * thing it would hear when its cables are back may be too late.
 *
 * Owns: roles.carrier_lost and roles.paused.  A paused owner stays what it is,
 * with all it has in place, but its fence is closed.  It opens again when the
 * address was asked for on a network that has carrier and nobody answered, or
 * when the other one is heard again and does not reign either.  Called by
 * roles.c at every thought, and by whoever watches the interfaces.
 */
#include "ha/core.h"

/*
 * A peer that hears nothing claims when `dead_ms` have passed since the last heartbeat of ours, and that was up to one
 * heartbeat before everything was cut; what we last heard of it may have come with the cut.  Half a heartbeat to spare.
 */
static uint64_t fresh_until_ms(const struct ha *ha)
{
	return ha->last_rx_ms + ha->config.dead_ms - ha->config.heartbeat_ms - ha->config.heartbeat_ms / 2;
}

static bool fresh(const struct ha *ha)
{
	return ha->link_up && ha->peer.ready && ha->now_ms < fresh_until_ms(ha);
}

static void go_on(struct ha *ha, const char *why)
{
	ha->roles.paused = false;
	if (!ha->peer.ready)
		ha_set_sync(ha, HA_SYNC_SOLO, "%s", why);
	ha_note(ha, "speaks again: %s", why);
}

void ha_carrier_think(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;

	if (ha->role != HA_ROLE_ACTIVE) {
		roles->paused = false;
		return;
	}
	if (!roles->paused && roles->carrier_lost && ha->config.peer_configured && !fresh(ha)) {
		roles->paused = true;
		roles->claimed_alone = false;
		ha_watch_anew(ha, roles->probe_ms);
		if (!ha->peer.ready)
			ha_set_sync(ha, HA_SYNC_SOLO, "cut off: mute until it is known that nobody took over");
		ha_warn(ha, "cut off: no carrier, and nothing heard on the HA link; mute until it is known that nobody took over");
	}
	if (roles->paused && fresh(ha) && ha->peer.role != HA_ROLE_ACTIVE && ha->peer.role != HA_ROLE_CLAIMING)
		go_on(ha, "the other one is heard, and did not take over");
}

uint64_t ha_carrier_deadline(const struct ha *ha)
{
	const struct ha_roles *roles = &ha->roles;

	return ha->role == HA_ROLE_ACTIVE && roles->carrier_lost && !roles->paused && ha->link_up ? fresh_until_ms(ha) : HA_NEVER;
}

/* Of a probe that began when there was carrier, and found nobody. */
void ha_carrier_silent(struct ha *ha)
{
	if (ha->roles.paused && !ha->roles.carrier_lost)
		go_on(ha, "nobody took the address over meanwhile");
}

/*
 * When an owner that was cut off looks: late enough that a standby which would claim, the address being silent, has done
 * so by then.  It probes once each heartbeat.  If both of them looked at once, both would find nobody.
 */
static uint64_t look_ms(const struct ha *ha)
{
	uint64_t from_ms = ha->last_rx_ms + ha->config.dead_ms;

	if (from_ms < ha->now_ms)
		from_ms = ha->now_ms;
	return from_ms + ha->config.lease_ms + 2 * (uint64_t)ha->config.heartbeat_ms + HA_PROBE_MS;
}

void ha_carrier(struct ha *ha, uint64_t now_ms, bool present)
{
	struct ha_roles *roles = &ha->roles;
	uint64_t wait_ms;

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (present == !roles->carrier_lost)
		return;
	roles->carrier_lost = !present;
	ha_note(ha, present ? "the interfaces of the address have carrier again" : "the interfaces of the address have no carrier");
	/* what a probe that is under way will find is not about the network as it is now */
	ha_watch_anew(ha, roles->paused ? look_ms(ha) : ha->now_ms);
	/* but of two that went through the same, the owner looks first */
	wait_ms = look_ms(ha) + HA_PROBE_MS + HA_RETRY_MS;
	if (present && !ha_reigning(ha) && roles->lapsed_ms < wait_ms)
		roles->lapsed_ms = wait_ms;
	ha_roles_think(ha);
}

bool ha_paused(const struct ha *ha)
{
	return ha->roles.paused;
}
