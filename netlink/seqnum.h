/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of sequenced data, pure. */
#ifndef L2TPHA_NETLINK_SEQNUM_H
#define L2TPHA_NETLINK_SEQNUM_H

#include <stddef.h>
#include <stdint.h>

/* The number in a UDP payload that is sequenced data, whose tunnel and session it is; or -1. */
int seq_of(const uint8_t *data, size_t len, uint16_t *tunnel_id, uint16_t *session_id);

#define SEQ_STEPS 7
/*
 * The numbers of packets after which a kernel that has had none expects the one
 * after `peer`, or at least takes it.  Returns how many; 0: it takes it anyway,
 * or the peer is about to wrap, and it takes what comes then.
 */
size_t seq_steps(uint16_t peer, uint16_t steps[SEQ_STEPS]);

#endif
