/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fence: nftables rules that drop what has a virtual address as source
 * (IPv4, IPv6, ARP) unless the address is in a set of leased ones, whose
 * elements time out in the kernel.
 */
#ifndef L2TPHA_NETLINK_FENCE_H
#define L2TPHA_NETLINK_FENCE_H

#include "netlink/dataplane.h"

struct ev_loop;
struct fence;

/* NULL with one line in `why`. Installs nothing yet. */
struct fence *fence_new(struct ev_loop *loop, char why[256]);
/* Closes all addresses; the rules stay. */
void fence_free(struct fence *f);
/* Closes nothing: what is open stays open for hold_ms from now (0: as long as it is). */
void fence_leave(struct fence *f, uint32_t hold_ms);
/*
 * Instead of the first fence_declare: the rules of an earlier daemon, in which these addresses have been open ever
 * since, are ours from now on, and the addresses open for lease_ms (0 = for ever).  Else -ENOENT, nothing changed.
 */
int fence_resume(struct fence *f, const struct dp_vip *vips, size_t count, uint32_t lease_ms);
/*
 * The first call replaces, in one transaction, the rules an earlier daemon
 * left; all addresses are closed. With no address it removes them (a kernel
 * that cannot have any is then no error). Later calls add addresses, closed.
 * 0 or -errno, logged.
 */
int fence_declare(struct fence *f, const struct dp_vip *vips, size_t count);
/* What leaves by these interfaces is fenced, also if they were made after the addresses were declared. */
void fence_interfaces(struct fence *f, const struct dp_vip *vips, size_t count);
/* Was fence_declare called? */
bool fence_installed(const struct fence *f);
/* lease_ms 0 = for ever. One transaction for all addresses. */
int fence_lease(struct fence *f, const struct dp_vip *vips, size_t count, uint32_t lease_ms, dp_done_fn done, void *arg);
int fence_close(struct fence *f, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
/*
 * May we speak for addr, by the clock that goes on while a machine sleeps?
 * For packets the rules do not see (AF_PACKET). True if addr is no VIP.
 */
bool fence_is_open(const struct fence *f, const struct l2tp_endpoint *addr);
bool fence_declared(const struct fence *f, const struct l2tp_endpoint *addr);
size_t fence_declared_count(const struct fence *f);

#endif
