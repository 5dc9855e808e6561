// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peers of a dialer: the tunnels calls go by, how much they carry,
 * and who refused and is left alone (the dead-cache).  Tunnels are looked up
 * by group and address at every call, so what a call costs does not grow with
 * the number of tunnels.
 */
#include "daemon/dial_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ------------------------------------------------------- */

static void address_key(uint8_t key[17], const struct l2tp_endpoint *peer)
{
	memset(key, 0, 17);
	key[0] = peer->family;
	memcpy(key + 1, peer->addr, peer->family == 6 ? 16 : 4);
}

static struct busy *busy_find(const struct dialer *dialer, const struct l2tp_endpoint *peer)
{
	struct busy *busy;
	uint8_t key[17];

	address_key(key, peer);
	HASH_FIND(hh, dialer->busy, key, sizeof(key), busy);
	return busy;
}

bool dial_is_busy(const struct dialer *dialer, uint64_t now_ms, const struct l2tp_endpoint *peer)
{
	const struct busy *busy = busy_find(dialer, peer);

	return busy && now_ms < busy->b.until_ms;
}

struct dial_tunnel *dial_tunnel_find(const struct dialer *dialer, uint16_t id)
{
	struct dial_tunnel *t;

	HASH_FIND(hh, dialer->tunnels, &id, sizeof(id), t);
	return t;
}

static void look_at(struct dialer *dialer, uint64_t at_ms)
{
	if (dialer->deadline_ms > at_ms)
		dialer->deadline_ms = at_ms;
}

void dial_group_effective(const struct dialer *dialer, const char *name, struct config_vpdn_group *out)
{
	const struct config_vpdn_group *group = config_vpdn_group_find(dialer->config, name);

	memset(out, 0, sizeof(*out));
	if (group)
		config_vpdn_group_effective(dialer->config, group, out);
}

/* ---- who is busy -------------------------------------------------------- */

static void tell_busy(struct dialer *dialer)
{
	if (dialer->ops.busy)
		dialer->ops.busy(dialer->ops.ctx);
}

static void busy_drop(struct dialer *dialer, struct busy *busy)
{
	HASH_DEL(dialer->busy, busy);
	free(busy);
}

void dialer_busy_set(struct dialer *dialer, const struct dial_busy *b)
{
	struct busy *busy = busy_find(dialer, &b->peer);

	if (!busy) {
		busy = calloc(1, sizeof(*busy));
		if (!busy)
			return;		/* it is asked once more, and says so again */
		address_key(busy->address, &b->peer);
		HASH_ADD(hh, dialer->busy, address, sizeof(busy->address), busy);
	}
	busy->b = *b;
	look_at(dialer, b->until_ms);
}

void dial_make_busy(struct dialer *dialer, uint64_t now_ms, const struct l2tp_endpoint *peer, const char *group,
		      const char *why)
{
	struct config_vpdn_group e;
	struct dial_busy b = { .peer = *peer, .since_ms = now_ms };

	dial_group_effective(dialer, group, &e);
	b.until_ms = now_ms + (e.busy_s ? e.busy_s : 60) * UINT64_C(1000);
	snprintf(b.why, sizeof(b.why), "%s", why);
	dialer_busy_set(dialer, &b);
	tell_busy(dialer);
}

bool dialer_busy_next(const struct dialer *dialer, uint64_t now_ms, size_t *at, struct dial_busy *out)
{
	size_t n = 0;

	for (const struct busy *busy = dialer->busy; busy; busy = busy->hh.next)
		if (busy->b.until_ms > now_ms && n++ == *at) {
			*out = busy->b;
			++*at;
			return true;
		}
	return false;
}

size_t dialer_busy_clear(struct dialer *dialer, const struct l2tp_endpoint *peer)
{
	struct busy *busy, *tmp;
	size_t count = 0;

	HASH_ITER(hh, dialer->busy, busy, tmp) {
		if (peer && !endpoint_addr_equal(&busy->b.peer, peer))
			continue;
		busy_drop(dialer, busy);
		count++;
	}
	return count;
}

/* ---- time --------------------------------------------------------------- */

void dialer_tick(struct dialer *dialer, uint64_t now_ms)
{
	struct busy *busy, *btmp;
	bool changed = false;

	if (now_ms < dialer->deadline_ms)
		return;
	dialer->deadline_ms = UINT64_MAX;
	HASH_ITER(hh, dialer->busy, busy, btmp) {
		if (now_ms < busy->b.until_ms) {
			look_at(dialer, busy->b.until_ms);
			continue;
		}
		busy_drop(dialer, busy);
		changed = true;
	}
	if (changed)
		tell_busy(dialer);
}

uint64_t dialer_deadline_ms(const struct dialer *dialer)
{
	return dialer->deadline_ms;
}

/* ---- tunnels ------------------------------------------------------------- */

static uint32_t tunnel_load(const struct dialer *dialer, const struct dial_tunnel *t)
{
	const struct l2tp_tunnel *tunnel = l2tp_tunnel_find(dialer->l2tp, t->id);
	struct l2tp_tunnel_info info;

	if (!tunnel)
		return t->waiting_count;
	l2tp_tunnel_info(tunnel, &info);
	return info.sessions + t->waiting_count;
}

static struct dial_tunnel *tunnels_to(const struct dialer *dialer, const char *group, const struct l2tp_endpoint *peer)
{
	struct target_key key = { 0 };
	struct target *target;

	snprintf(key.group, sizeof(key.group), "%s", group);
	address_key(key.address, peer);
	HASH_FIND(hh, dialer->targets, &key, sizeof(key), target);
	return target ? target->tunnels : NULL;
}

struct dial_tunnel *dial_tunnel_add(struct dialer *dialer, uint16_t id, const char *group, const struct l2tp_endpoint *peer)
{
	struct dial_tunnel *t = calloc(1, sizeof(*t)), *first = tunnels_to(dialer, group, peer);
	struct target *target = first ? first->target : calloc(1, sizeof(*target));

	if (!t || !target) {
		free(t);
		if (!first)
			free(target);
		return NULL;
	}
	if (!first) {
		snprintf(target->key.group, sizeof(target->key.group), "%s", group);
		address_key(target->key.address, peer);
		HASH_ADD(hh, dialer->targets, key, sizeof(target->key), target);
	}
	t->id = id;
	t->target = target;
	t->next = first;
	if (first)
		first->prev = t;
	target->tunnels = t;
	HASH_ADD(hh, dialer->tunnels, id, sizeof(t->id), t);
	return t;
}

void dial_tunnel_remove(struct dialer *dialer, struct dial_tunnel *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		t->target->tunnels = t->next;
	if (t->next)
		t->next->prev = t->prev;
	if (!t->target->tunnels) {
		HASH_DEL(dialer->targets, t->target);
		free(t->target);
	}
	HASH_DEL(dialer->tunnels, t);
}

uint32_t dialer_load(const struct dialer *dialer, const char *group, const struct l2tp_endpoint *peer)
{
	uint32_t load = 0;

	for (const struct dial_tunnel *t = tunnels_to(dialer, group, peer); t; t = t->next)
		load += tunnel_load(dialer, t);
	return load;
}

enum tunnel_use dial_tunnel_to(const struct dialer *dialer, const char *group, const struct l2tp_endpoint *peer,
				 struct dial_tunnel **out)
{
	enum tunnel_use best = USE_NONE, use;
	struct l2tp_tunnel_info info;

	*out = NULL;
	for (struct dial_tunnel *t = tunnels_to(dialer, group, peer); t; t = t->next) {
		const struct l2tp_tunnel *tunnel = l2tp_tunnel_find(dialer->l2tp, t->id);

		if (!tunnel)
			continue;
		l2tp_tunnel_info(tunnel, &info);
		if (info.s.state == L2TP_TUNNEL_CLOSING || info.s.draining)
			continue;
		if (info.s.params.session_limit && info.sessions + t->waiting_count >= info.s.params.session_limit)
			continue;
		use = info.s.state != L2TP_TUNNEL_ESTABLISHED ? USE_SETUP : info.resync ? USE_RESYNC : USE_READY;
		if (use > best) {
			best = use;
			*out = t;
		}
	}
	return best;
}
