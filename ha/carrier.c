// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An owner that is cut off: no HA link, and no carrier towards the peers of its
 * tunnels.  Its successor, if there is one, can tell it nothing, and the first
 * thing it would hear when its cables are back may be too late.
 *
 * Owns: roles.carrier_lost and roles.paused.  A paused owner stays what it is,
 * with all it has in place, but its fence is closed.  It opens again when the
 * address was asked for on a network that has carrier and nobody answered, or
 * when the HA link is back and the other one does not reign either.  Called by
 * roles.c at every thought, and by whoever watches the interfaces.
 */
#include "ha/core.h"

static void go_on(struct ha *ha, const char *why)
{
	ha->roles.paused = false;
	ha_set_sync(ha, HA_SYNC_SOLO, "%s", why);
	ha_note(ha, "speaks again: %s", why);
}

void ha_carrier_think(struct ha *ha)
{
	struct ha_roles *roles = &ha->roles;
	bool reigns;

	if (ha->role != HA_ROLE_ACTIVE) {
		roles->paused = false;
		return;
	}
	if (!roles->paused && roles->carrier_lost && !ha->link_up && ha->config.peer_configured) {
		roles->paused = true;
		roles->claimed_alone = roles->probe_out = false;
		ha_set_sync(ha, HA_SYNC_SOLO, "cut off: mute until it is known that nobody took over");
		ha_warn(ha, "cut off: no HA link and no carrier; mute until it is known that nobody took over");
	}
	if (!roles->paused || !ha->peer.ready)
		return;
	reigns = ha->peer.role == HA_ROLE_ACTIVE || ha->peer.role == HA_ROLE_CLAIMING;
	if (!reigns)
		go_on(ha, "the HA link is back, the other one did not take over");
}

/* Of a probe that began when there was carrier, and found nobody. */
void ha_carrier_silent(struct ha *ha)
{
	if (ha->roles.paused && !ha->roles.carrier_lost)
		go_on(ha, "nobody took the address over meanwhile");
}

void ha_carrier(struct ha *ha, uint64_t now_ms, bool present)
{
	struct ha_roles *roles = &ha->roles;

	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (present == !roles->carrier_lost)
		return;
	roles->carrier_lost = !present;
	ha_note(ha, present ? "the interfaces of the address have carrier again" : "the interfaces of the address have no carrier");
	/* what a probe that is under way will find is not about the network as it is now: another, when it has ended */
	if (roles->probe_out)
		roles->probe_void_ms = ha->now_ms + HA_PROBE_MS;
	roles->probe_ms = roles->probe_void_ms > ha->now_ms ? roles->probe_void_ms : ha->now_ms;
	roles->probe_out = false;
	/* an owner that went through the same looks first */
	if (present && !ha_reigning(ha) && roles->lapsed_ms < ha->now_ms + HA_RETRY_MS)
		roles->lapsed_ms = ha->now_ms + HA_RETRY_MS;
	ha_roles_think(ha);
}

bool ha_paused(const struct ha *ha)
{
	return ha->roles.paused;
}
