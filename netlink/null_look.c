/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the null data plane holds, for the invariants of tests.  Owns nothing.
 */
#include "netlink/null_internal.h"

size_t dp_null_tunnels(const struct dp *dp)
{
	return HASH_COUNT(null_of_const(dp)->tunnels);
}

size_t dp_null_sessions(const struct dp *dp)
{
	return HASH_COUNT(null_of_const(dp)->sessions);
}

bool dp_null_has_tunnel(const struct dp *dp, uint16_t tunnel_id)
{
	return dp_null_tunnel(null_of_const(dp), tunnel_id);
}

bool dp_null_has_session(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id)
{
	return dp_null_session(null_of_const(dp), tunnel_id, session_id);
}

bool dp_null_joined(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id, uint16_t *to_tunnel,
		    uint16_t *to_session)
{
	const struct session *s = dp_null_session(null_of_const(dp), tunnel_id, session_id);

	if (!s || !s->joined)
		return false;
	*to_tunnel = (uint16_t)(s->joined_to >> 16);
	*to_session = (uint16_t)s->joined_to;
	return true;
}

const struct dp_tunnel *dp_null_tunnel_conf(const struct dp *dp, uint16_t tunnel_id)
{
	const struct tunnel *t = dp_null_tunnel(null_of_const(dp), tunnel_id);

	return t ? &t->conf : NULL;
}

const struct dp_session *dp_null_session_conf(const struct dp *dp, uint16_t tunnel_id, uint16_t session_id)
{
	const struct session *s = dp_null_session(null_of_const(dp), tunnel_id, session_id);

	return s ? &s->conf : NULL;
}

bool dp_null_has_vip(const struct dp *dp, const struct l2tp_endpoint *addr)
{
	const struct vip *v = dp_null_vip(null_of_const(dp), addr);

	return v && v->present;
}

bool dp_null_leased(const struct dp *dp, const struct l2tp_endpoint *addr, uint64_t now_ms)
{
	const struct vip *v = dp_null_vip(null_of_const(dp), addr);

	return !v || vip_open(v, now_ms);
}

struct dp_null_stats dp_null_get_stats(const struct dp *dp)
{
	return null_of_const(dp)->stats;
}
