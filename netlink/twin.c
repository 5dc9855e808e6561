/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several tunnels between the same two addresses and ports (a LAC with two VPDN
 * groups for one LNS; a tunnel that is opened while another one is drained).
 *
 * Up to 6.10 the kernel looks for a session only in the tunnel of the socket a
 * packet came to, and of two sockets with the same four-tuple one gets all.  So
 * each further tunnel has a socket on a port that the kernel chose, and two
 * rules: what comes for port 1701 with this tunnel's ID goes there, what leaves
 * from there leaves from 1701.  The peer sees one port, as it wants to.  Rules
 * for control packets are not needed: the engine finds their tunnel by its ID,
 * whatever socket they come to.
 *
 * Owns the nftables tables `inet l2tpha-t<ID>`, one a tunnel, called by udp.c.  They
 * stay when the daemon goes, as its tunnels do.
 *
 * Connection tracking (priority -200) sees port 1701 in both directions; a
 * filter on the input hook sees the other one.  Sockets are looked up for the
 * first time right after the prerouting hook, so it cannot be done later.
 *
 * A checksum of zero means none (RFC 768) and has to stay that.
 */
#include "netlink/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <nftables/libnftables.h>

#include "daemon/log.h"
#include "netlink/dataplane.h"
#include "netlink/udp.h"

#define TABLE "l2tpha-t"

bool twin_matters(void)
{
	unsigned int major, minor;
	struct utsname name;

	return uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2 || major < 6 ||
	       (major == 6 && minor < 11);
}

char *twin_rules(const struct dp_tunnel *tunnel, uint16_t port)
{
	char local[ENDPOINT_TEXT_MAX], peer[ENDPOINT_TEXT_MAX], *text = NULL;
	const char *ip = tunnel->local.family == 6 ? "ip6" : "ip";
	unsigned id = tunnel->local_id, from = tunnel->peer.port;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int length;

	if (!out)
		return NULL;
	endpoint_format(&tunnel->local, false, local);
	endpoint_format(&tunnel->peer, false, peer);
	fprintf(out, "add table inet " TABLE "%u\ndelete table inet " TABLE "%u\ntable inet " TABLE "%u {\n", id, id, id);
	fprintf(out, "chain in {\nudp checksum 0 @th,16,16 set %u accept\nudp dport set %u\n}\n", port, port);
	fprintf(out, "chain out {\nudp checksum 0 @th,0,16 set %u accept\nudp sport set %u\n}\n", L2TP_PORT, L2TP_PORT);
	fprintf(out, "chain prerouting {\ntype filter hook prerouting priority mangle; policy accept;\n");
	/* RFC 2661 3.1: T and L are the first two bits; with a length the tunnel ID comes after it */
	for (length = 0; length < 2; length++)
		fprintf(out, "%s saddr %s %s daddr %s udp sport %u udp dport %u @th,64,2 %d @th,%d,16 %u goto in\n", ip, peer, ip,
			local, from, L2TP_PORT, length, length ? 96 : 80, id);
	fprintf(out, "}\nchain output {\ntype filter hook output priority raw; policy accept;\n");
	fprintf(out, "%s saddr %s %s daddr %s udp sport %u udp dport %u goto out\n}\n}\n", ip, local, ip, peer, port, from);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int run(const char *rules, const char *what)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *errors;
	int rc = 0;

	if (!nft)
		return -ENOMEM;
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, rules)) {
		errors = nft_ctx_get_error_buffer(nft);
		log_warnx("%s: nftables refuses: %.*s", what, errors ? (int)strcspn(errors, "\n") : 0, errors ? errors : "");
		rc = -EOPNOTSUPP;
	}
	nft_ctx_free(nft);
	return rc;
}

int twin_add(const struct dp_tunnel *tunnel, uint16_t port)
{
	char *rules = twin_rules(tunnel, port), what[40];
	int rc = -ENOMEM;

	snprintf(what, sizeof(what), "tunnel %u: its own port", tunnel->local_id);
	if (rules)
		rc = run(rules, what);
	free(rules);
	return rc;
}

void twin_remove(uint16_t tunnel_id)
{
	char rules[96];

	snprintf(rules, sizeof(rules), "add table inet " TABLE "%u\ndelete table inet " TABLE "%u\n", tunnel_id, tunnel_id);
	run(rules, "a tunnel's own port");
}

void twin_each(void (*visit)(void *ctx, uint16_t tunnel_id), void *ctx)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *at;
	unsigned id;

	if (!nft)
		return;
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (!nft_run_cmd_from_buffer(nft, "list tables inet\n"))
		for (at = nft_ctx_get_output_buffer(nft); at && (at = strstr(at, " " TABLE)); at++)
			if (sscanf(at, " " TABLE "%u", &id) == 1 && id && id <= UINT16_MAX)
				visit(ctx, (uint16_t)id);
	nft_ctx_free(nft);
}
