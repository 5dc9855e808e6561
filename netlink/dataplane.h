/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane: kernel tunnels and sessions, their sockets, the virtual
 * addresses, the fence.  Two back ends behind this header: kernel.c (libnl,
 * libev) and null.c (tests, simulator, control-only benchmarks).
 *
 * Every operation is asynchronous: it returns 0 and later calls `done`
 * exactly once with 0 or -errno (never from inside the call), or returns
 * -errno and never calls it.  Operations on one tunnel complete in order,
 * but the deletion of a session or tunnel may complete later than what was
 * asked for after it; its ID is taken (-EEXIST) until then.  What is deleted
 * while it is being made completes with -ECANCELED.  After free() nothing
 * completes any more.
 *
 * The fence: a kernel rule that drops every packet (IPv4, IPv6, ARP) whose
 * source is a virtual address of ours, unless the address is in the set of
 * leased ones.  It is in place before the first socket is, so a node is mute
 * until dp_lease() says otherwise, and mute again when the lease runs out:
 * a daemon that is killed or frozen goes mute without doing anything.
 */
#ifndef L2TPHA_NETLINK_DATAPLANE_H
#define L2TPHA_NETLINK_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l2tp/endpoint.h"

struct dp;

struct dp_vip {
	struct l2tp_endpoint addr;	/* port unused */
	uint8_t prefix_len;
	char ifname[16];
};

struct dp_tunnel {
	uint16_t local_id, peer_id;
	struct l2tp_endpoint local, peer;
	uint8_t tos;		/* of all its packets; when it is adopted they stay as they were */
	bool no_checksum;	/* of UDP: none is sent, over IPv6 none is asked for */
};
struct dp_session {
	uint16_t tunnel_id, local_id;	/* ours */
	uint16_t peer_tunnel_id, peer_id;
	struct l2tp_endpoint local, peer;
	bool send_seq, recv_seq, lns_mode;
	/* sequenced: a gap is given up after so long.  Without (0) the kernel drops everything after a gap until
	 * six packets in a row came.  A new session takes the number of the peer's first packet, ours start at 0 */
	uint32_t recv_timeout_ms;
};
/* One end of a joint: a session of ours, or (tunnel_id 0) another connected pppox socket, which stays its owner's. */
struct dp_end {
	uint16_t tunnel_id, session_id;
	int fd;
};
struct dp_session_counters {
	uint64_t rx_packets, rx_bytes, rx_errors, tx_packets, tx_bytes, tx_errors;
};

typedef void (*dp_done_fn)(void *arg, int error);
/* session_fd: the connected pppox socket, tunnel_fd: the tunnel's UDP socket; both stay owned by the
 * data plane until the session is deleted: dup what you keep. -1 in the null back end. */
typedef void (*dp_session_fn)(void *arg, int error, int session_fd, int tunnel_fd);
typedef void (*dp_counters_fn)(void *arg, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *counters);

struct dp_events {
	void *ctx;
	/* a UDP payload of the control channel (or data for a session the kernel does not know) */
	void (*packet)(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		       const uint8_t *data, size_t len);
	/* as above, data of one of our tunnels that came from its peer; may be NULL */
	void (*early)(void *ctx, const uint8_t *data, size_t len);
	void (*batch_end)(void *ctx);	/* all packets of one wake-up were delivered */
	void (*carrier)(void *ctx);	/* what has_carrier() says may have changed; may be NULL */
};

/*
 * Back ends differ in how they are made (kernel.h, null.h), not in use.
 */
enum dp_probe_result {
	DP_PROBE_SILENT,
	DP_PROBE_ANSWERS,
	DP_PROBE_ASKED,		/* nobody answers, but somebody else probed for one of them meanwhile */
};

/* Whose TCP is told what fits into their links. */
enum dp_clamp {
	DP_CLAMP_NONE,
	DP_CLAMP_GROUP,			/* interfaces of the interface group DP_CLAMP_IFGROUP */
	DP_CLAMP_SUBSCRIBERS,		/* those, and all that are named as subscribers' are */
};
#define DP_CLAMP_IFGROUP 1701

struct dp_ops {
	/* Fences all addresses. Kernel objects live on where another process holds their sockets.
	 * Not from inside a callback. */
	void (*free)(struct dp *dp);
	/* As free(), but nothing is closed: what is open for addresses stays open for hold_ms more (0: as long
	 * as it is now), for the daemon that follows. */
	void (*leave)(struct dp *dp, uint32_t hold_ms);
	/* Listen on addr:1701 (family 0: any address). With IP_TRANSPARENT: the address may be absent. */
	int (*listen)(struct dp *dp, const struct l2tp_endpoint *local);
	/* Control packet out: from the tunnel's socket, or (tunnel_id 0) from the listener on `local`. */
	int (*send)(struct dp *dp, uint16_t tunnel_id, const struct l2tp_endpoint *local,
		    const struct l2tp_endpoint *peer, const uint8_t *data, size_t len);
	/* The UDP socket (bound, connected) and the kernel tunnel. */
	int (*tunnel_create)(struct dp *dp, const struct dp_tunnel *tunnel, dp_done_fn done, void *arg);
	/* Takes its sessions along. Silent. done may be NULL. */
	int (*tunnel_delete)(struct dp *dp, uint16_t tunnel_id, dp_done_fn done, void *arg);
	int (*session_create)(struct dp *dp, const struct dp_session *session, dp_session_fn done, void *arg);
	int (*session_delete)(struct dp *dp, uint16_t tunnel_id, uint16_t session_id, dp_done_fn done, void *arg);
	/*
	 * What an earlier daemon left in the kernel becomes ours.  The fd is taken over, also on failure; -1: one
	 * that was kept for us by somebody else (systemd), if there is.  done(0), or -ENOENT: there is no such
	 * thing, or no fd of it; then it may be asked for again with one, or created.
	 */
	int (*tunnel_adopt)(struct dp *dp, const struct dp_tunnel *tunnel, int fd, dp_done_fn done, void *arg);
	int (*session_adopt)(struct dp *dp, const struct dp_session *session, int fd, dp_session_fn done, void *arg);
	/*
	 * What comes in at one end leaves at the other, in the kernel: no PPP process has a part in it, and a PPP
	 * unit that one of them still has loses it.  What came before and nobody read goes over first.  The joint
	 * stands as long as both sockets are open anywhere, or until either end is separated; asked for again it
	 * is as it was.  -ENODEV: there is no such session; -EOPNOTSUPP: a kernel before 5.12.
	 */
	int (*join)(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg);
	/* done may be NULL.  What was not joined is separate already. */
	int (*separate)(struct dp *dp, const struct dp_end *end, dp_done_fn done, void *arg);
	/* Everything this box holds that is not ours any more (leftovers of a killed daemon): remove. */
	int (*flush)(struct dp *dp, dp_done_fn done, void *arg);
	/* One dump; one call of each per session (of anybody's v2 tunnels), then done. */
	int (*counters)(struct dp *dp, dp_counters_fn each, dp_done_fn done, void *arg);

	/* Declare addresses as virtual: from now on fenced unless leased. Before listen(). May be called again
	 * for more; the first call closes what an earlier daemon left open, with none it removes its rules. */
	int (*vip_declare)(struct dp *dp, const struct dp_vip *vips, size_t count);
	/*
	 * Instead of the first vip_declare(): the addresses are declared as an earlier daemon had them, and stay open
	 * for lease_ms (0 = for ever).  Only if not one of them has closed since; else -errno, and nothing has changed.
	 */
	int (*vip_resume)(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms);
	/* Unfence for lease_ms (0 = for ever: no HA), or renew. One kernel transaction. */
	int (*lease)(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t lease_ms, dp_done_fn done, void *arg);
	int (*fence)(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
	/* Add the address and announce it (gratuitous ARP / unsolicited NA, repeated by the back end); delete it. */
	int (*vip_add)(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
	int (*vip_del)(struct dp *dp, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg);
	/* Does anybody answer for these addresses? done(arg, DP_PROBE_...), -errno: cannot tell. */
	int (*vip_probe)(struct dp *dp, const struct dp_vip *vips, size_t count, uint32_t timeout_ms, dp_done_fn done, void *arg);
	/* Has at least one of their interfaces carrier?  (Then a probe asks on those only.) */
	bool (*has_carrier)(struct dp *dp, const struct dp_vip *vips, size_t count);
	/* Seldom; may be NULL. */
	int (*clamp_mss)(struct dp *dp, enum dp_clamp whose);
};
struct dp {
	const struct dp_ops *ops;
};

#endif
