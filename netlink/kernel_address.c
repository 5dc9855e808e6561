/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel back end's part of struct dp_ops that is about virtual addresses:
 * who does the work is in fence.c, vip.c, probe.c and carrier.c.  Owns nothing;
 * reached through kernel_ops only.
 */
#include "netlink/carrier.h"
#include "netlink/fence.h"
#include "netlink/clamp.h"
#include "netlink/kernel_internal.h"
#include "netlink/probe.h"
#include "netlink/vip.h"

int dp_kernel_vip_declare(struct dp *dp, const struct dp_vip *vips, size_t count)
{
	return fence_declare(kernel_of(dp)->fence, vips, count);
}

int dp_kernel_vip_resume(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	return fence_resume(kernel_of(dp)->fence, vips, count, lease_ms);
}

int dp_kernel_lease(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms, dp_done_fn done,
			void *arg)
{
	return fence_lease(kernel_of(dp)->fence, vips, count, lease_ms, done, arg);
}

int dp_kernel_fence(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	vips_hush(kernel_of(dp)->vips, vips, count);
	return fence_close(kernel_of(dp)->fence, vips, count, done, arg);
}

int dp_kernel_vip_add(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	fence_interfaces(kernel_of(dp)->fence, vips, count);
	return vips_add(kernel_of(dp)->vips, vips, count, done, arg);
}

int dp_kernel_vip_del(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	return vips_del(kernel_of(dp)->vips, vips, count, done, arg);
}

int dp_kernel_vip_probe(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t timeout_ms,
			    dp_done_fn done, void *arg)
{
	return probes_start(kernel_of(dp)->probes, vips, count, timeout_ms, done, arg);
}

bool dp_kernel_has_carrier(struct dp *dp, const struct dp_vip *vips, size_t count)
{
	(void)dp;
	return carrier_any(vips, count);
}

int dp_kernel_clamp_mss(struct dp *dp, enum dp_clamp whose)
{
	(void)dp;
	return clamp_mss(whose);
}
