/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual addresses: on the interface, off it, announced.
 */
#ifndef L2TPHA_NETLINK_VIP_H
#define L2TPHA_NETLINK_VIP_H

#include "netlink/dataplane.h"

struct ev_loop;
struct fence;
struct vips;

/* `fence` must outlive it. NULL with one line in `why`. */
struct vips *vips_new(struct ev_loop *loop, const struct fence *fence, char why[256]);
void vips_free(struct vips *v);
/* An address that is there already is no error; it is announced all the same. */
int vips_add(struct vips *v, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
/* An address that is not there is no error. */
int vips_del(struct vips *v, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
/* Stop announcing (the fence closes). */
void vips_hush(struct vips *v, const struct dp_vip *vips, size_t count);

#endif
