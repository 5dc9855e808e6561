/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSS clamping: TCP connections of subscribers agree on segments that fit into
 * their links, although somewhere on the way the ICMP that would say so is
 * dropped.
 *
 * Owns the nftables table `inet l2tpha-mss` of this network namespace: one
 * rule for what is forwarded to a subscriber's interface and one for what
 * comes from there; whose, is told by the interface's name (all of them) or by
 * its group, which PPP gives it as the template says.  The kernel looks at the route there and the route back
 * and takes the smaller MTU of both ("rt mtu"), so the MTU of each link counts,
 * and no set has to follow sessions.  It stays when the daemon goes: sessions may.
 */
#include "netlink/clamp.h"

#include <errno.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "daemon/log.h"

/* Adding before deleting: it may be there or not. */
#define GONE "add table inet l2tpha-mss\ndelete table inet l2tpha-mss\n"
#define CLAMP "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu\n"

#define RULES(names)								\
	GONE									\
	"table inet l2tpha-mss {\n"						\
	"chain forward {\n"							\
	"type filter hook forward priority mangle; policy accept;\n"		\
	"iifgroup " TEXT(DP_CLAMP_IFGROUP) " " CLAMP				\
	"oifgroup " TEXT(DP_CLAMP_IFGROUP) " " CLAMP				\
	names									\
	"}\n"									\
	"}\n"
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

static const char *const rules[] = {
	[DP_CLAMP_NONE] = GONE,
	[DP_CLAMP_GROUP] = RULES(""),
	[DP_CLAMP_SUBSCRIBERS] = RULES("iifname \"lns*\" " CLAMP "oifname \"lns*\" " CLAMP),
};

int clamp_mss(enum dp_clamp whose)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *errors;
	int rc = 0;

	if (!nft)
		return -ENOMEM;
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, rules[whose])) {
		errors = nft_ctx_get_error_buffer(nft);
		log_line(whose != DP_CLAMP_NONE ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "ip tcp adjust-mss: nftables refuses: %.*s",
			 errors ? (int)strcspn(errors, "\n") : 0, errors ? errors : "");
		rc = -EOPNOTSUPP;
	}
	nft_ctx_free(nft);
	return rc;
}
