/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual addresses of the null data plane: declared, present, leased.
 *
 * Owns: the table of addresses.  Called by null.c and, through dp_ops, by
 * whoever holds the data plane.
 */
#include "netlink/null_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vip *dp_null_vip(const struct dp_null *n, const struct l2tp_endpoint *addr)
{
	size_t len = addr->family == 6 ? 16 : 4;
	size_t i;

	for (i = 0; i < n->vip_count; i++) {
		const struct l2tp_endpoint *a = &n->vips[i].conf.addr;

		if (a->family == addr->family && !memcmp(a->addr, addr->addr, len))
			return &n->vips[i];
	}
	return NULL;
}

static struct vip *vip_get(struct dp_null *n, const struct dp_vip *conf)
{
	struct vip *v = dp_null_vip(n, &conf->addr);

	if (v)
		return v;
	n->vips = dp_null_must(realloc(n->vips, (n->vip_count + 1) * sizeof(*n->vips)));
	v = &n->vips[n->vip_count++];
	*v = (struct vip){ .conf = *conf, .open = true };	/* undeclared: not fenced */
	return v;
}

void dp_null_vips_tell(struct dp_null *n, bool changed)
{
	size_t i;

	for (i = 0; i < n->vip_count; i++) {
		bool open = vip_open(&n->vips[i], n->now_ms);

		if (n->vips[i].open != open)
			changed = true;
		n->vips[i].open = open;
	}
	if (changed && n->config.vip_changed)
		n->config.vip_changed(n->config.ctx);
}

int dp_null_do_vips(struct dp_null *n, const struct op *op)
{
	bool changed = false;
	size_t i;

	for (i = 0; i < op->vip_count; i++) {
		struct vip *v = vip_get(n, &op->vips[i]);
		bool present = v->present;

		switch (op->kind) {
		case OP_LEASE:
			v->for_ever = op->for_ever;
			v->leased_until_ms = op->lease_until_ms;
			break;
		case OP_FENCE:
			v->for_ever = false;
			v->leased_until_ms = 0;
			break;
		case OP_VIP_ADD:
			v->present = true;
			break;
		case OP_VIP_DEL:
			v->present = false;
			break;
		case OP_TUNNEL_CREATE: case OP_TUNNEL_DELETE: case OP_SESSION_CREATE: case OP_SESSION_DELETE:
		case OP_FLUSH: case OP_COUNTERS: case OP_VIP_PROBE: case OP_TUNNEL_ADOPT: case OP_SESSION_ADOPT:
		case OP_JOIN: case OP_SEPARATE:
			break;
		}
		changed |= v->present != present;
	}
	dp_null_vips_tell(n, changed);
	return 0;
}

int dp_null_do_probe(struct dp_null *n, const struct op *op)
{
	int result = 0;
	size_t i;

	for (i = 0; n->config.probe && i < op->vip_count; i++) {
		int r = n->config.probe(n->config.ctx, &op->vips[i]);

		if (r > 0)
			return 1;
		if (r < 0)
			result = r;
	}
	return result;
}

int dp_null_vip_declare(struct dp *dp, const struct dp_vip *vips, size_t count)
{
	struct dp_null *n = null_of(dp);
	int e = dp_null_fault(n, "vip_declare");
	size_t i;

	if (e)
		return e;
	for (i = 0; !n->declared && i < n->vip_count; i++)
		n->vips[i].declared = false;
	n->declared = true;
	for (i = 0; i < count; i++) {
		struct vip *v = vip_get(n, &vips[i]);

		if (v->declared)
			continue;
		/* as in the kernel, what is new starts closed */
		*v = (struct vip){ .conf = vips[i], .declared = true, .present = v->present, .open = v->open };
	}
	dp_null_vips_tell(n, false);
	return 0;
}

int dp_null_vip_resume(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	struct dp_null *n = null_of(dp);
	int e = dp_null_fault(n, "vip_resume");
	size_t i;

	if (e)
		return e;
	for (i = 0; i < count; i++) {
		const struct vip *v = dp_null_vip(n, &vips[i].addr);

		if (!v || !v->declared || !vip_open(v, n->now_ms))
			return -ENOENT;
	}
	for (i = 0; i < count; i++) {
		struct vip *v = dp_null_vip(n, &vips[i].addr);

		v->for_ever = !lease_ms;
		v->leased_until_ms = n->now_ms + lease_ms;
	}
	n->declared = true;
	return 0;
}
