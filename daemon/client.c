// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dialers: calls this box makes for itself, `interface dialer N`.
 *
 * A client is one dialer of the configuration in the redundancy group that
 * owns the address its tunnels come from.  It dials (dial.h), and when the
 * call is up the session becomes a subscriber like any other (subscriber.c)
 * whose PPP is a client's: it proves who we are and takes the address it is
 * given.  When that ends it dials again, redial_s later.
 *
 * The subscriber's record names the dialer and is put with the established
 * session: whoever takes over goes on with it, and a dialer without such a
 * session dials anew.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

#define CDN_ADMINISTRATIVE 3
#define NO_SESSION_S 15	/* a tunnel that we opened and that has no session */

enum client_state {
	CLIENT_IDLE,		/* dials at at_ms */
	CLIENT_DIALLING,
	CLIENT_CONNECTED,	/* it has a session */
};

struct client {
	struct client *next;
	struct group *group;
	uint16_t number;
	enum client_state state;
	struct dial *dial;		/* DIALLING */
	uint16_t tunnel_id, session_id;	/* CONNECTED */
	uint64_t at_ms;			/* IDLE; UINT64_MAX: not by itself */
	char why[160];			/* of the last failure or end */
};

static const char *client_name(const struct group *group, uint16_t number, char buf[PPP_IFNAME_MAX])
{
	const struct config_dialer *d = config_dialer_find(group->config, number);

	if (d && d->ifname[0])
		snprintf(buf, PPP_IFNAME_MAX, "%s", d->ifname);
	else
		snprintf(buf, PPP_IFNAME_MAX, "dialer%u", number);
	return buf;
}

static void client_at(struct client *client, uint64_t at_ms)
{
	client->at_ms = at_ms;
	if (client->group->client_at_ms > at_ms)
		client->group->client_at_ms = at_ms;
}

static struct client *client_find(const struct group *group, uint16_t number)
{
	struct client *client = group->clients;

	while (client && client->number != number)
		client = client->next;
	return client;
}

/* ---- the dialer's questions --------------------------------------------- */

static bool owns_first(const struct group *group, uint8_t family, struct l2tp_endpoint *local)
{
	for (const struct config_redundancy_group *g = group->config->redundancy_groups; g; g = g->next)
		for (size_t i = 0; i < g->vip_count; i++)
			if (g->vips[i].addr.family == family) {
				*local = g->vips[i].addr;
				return g == group->rg;
			}
	return false;
}

static bool dial_local(void *ctx, const struct config_vpdn_group *vg, const struct l2tp_endpoint *peer,
		       struct l2tp_endpoint *local)
{
	const struct group *group = ctx;
	bool ours;

	*local = vg->source_ip;
	ours = vg->source_ip.family ? group_owns_address(group, &vg->source_ip) : owns_first(group, peer->family, local);
	local->port = L2TP_PORT;
	return ours && local->family == peer->family;
}

static void dial_params(void *ctx, const struct config_vpdn_group *vg, struct l2tp_tunnel_params *p)
{
	struct group *group = ctx;
	struct config_vpdn_group e;

	config_vpdn_group_effective(group->config, vg, &e);
	group_tunnel_params(group, &e, p);
	p->refuse_dialin = !vg->accept_dialin;
	if (!config_vpdn_group_says(&e, offsetof(struct config_vpdn_group, no_session_s)))
		p->no_session_s = NO_SESSION_S;
}

static bool dial_admits(void *ctx, const char *vpdn_group, char why[L2TP_TEXT_MAX])
{
	return group_admits(ctx, vpdn_group, why);
}

static void dial_random(void *ctx, void *buf, size_t len)
{
	struct group *group = ctx;

	group->ops.random(group->ops.ctx, buf, len);
}

static void dial_refused(void *ctx, const struct dial_failure *why, const char *user)
{
	char addr[ENDPOINT_TEXT_MAX];

	log_info("call of '%s' to %s: %s", user, endpoint_format(&why->peer, false, addr), why->reason);
	group_failure_add(ctx, why->tunnel_id, &why->peer, user, why->type, why->reason);
}

/* ---- dialling ----------------------------------------------------------- */

static void client_idle(struct client *client, const char *why)
{
	struct group *group = client->group;
	const struct config_dialer *d = config_dialer_find(group->config, client->number);

	client->state = CLIENT_IDLE;
	client->dial = NULL;
	snprintf(client->why, sizeof(client->why), "%s", why);
	client_at(client, d && d->persistent ? group->now_ms + d->redial_s * UINT64_C(1000) : UINT64_MAX);
}

static void on_connected(void *ctx, uint32_t tag, uint16_t tunnel_id, uint16_t session_id)
{
	struct group *group = ctx;
	struct client *client = client_find(group, (uint16_t)tag);
	const struct config_dialer *d = config_dialer_find(group->config, (uint16_t)tag);
	struct subscriber *sub = sub_get(group, tunnel_id, session_id);

	if (!client || !d || !sub) {
		if (client)
			client_idle(client, "out of memory");
		group_close_session(group, tunnel_id, session_id, 2, 4, "out of memory");
		return;
	}
	client->state = CLIENT_CONNECTED;
	client->dial = NULL;
	client->tunnel_id = tunnel_id;
	client->session_id = session_id;
	sub->dialer = client->number;
	client_name(group, client->number, sub->ifname);
	snprintf(sub->user, sizeof(sub->user), "%s", d->chap_user[0] ? d->chap_user : d->pap_user);
	sub_put(group, sub);	/* with the established session: whose it is */
	sub_place(group, sub);
}

static void on_failed(void *ctx, uint32_t tag, const struct dial_failure *why)
{
	struct group *group = ctx;
	struct client *client = client_find(group, (uint16_t)tag);

	if (!client)
		return;
	log_info("dialer %u: not connected: %s", client->number, why->reason);
	client_idle(client, why->reason);
}

static void client_dial(struct client *client)
{
	static const struct dial_events events = { .connected = on_connected, .failed = on_failed };
	struct group *group = client->group;
	const struct config_dialer *d = config_dialer_find(group->config, client->number);
	struct dial_request request = {
		.events = &events, .ctx = group, .tag = client->number, .call = { .framing_type = 1 },
	};
	struct dial_failure why;

	client->at_ms = UINT64_MAX;
	if (!d || !group->config->vpdn_enable)
		return;
	request.group = d->vpdn_group;
	request.user = d->chap_user[0] ? d->chap_user : d->pap_user;
	client->dial = dial_start(group->dialer, group->now_ms, &request, &why);
	if (client->dial) {
		client->state = CLIENT_DIALLING;
		return;
	}
	log_info("dialer %u: not connected: %s", client->number, why.reason);
	client_idle(client, why.reason);
}

/* As far as it has come. */
static void client_hang_up(struct client *client, const char *why)
{
	struct l2tp_result r = { .result = CDN_ADMINISTRATIVE };

	snprintf(r.text, sizeof(r.text), "%s", why);
	switch (client->state) {
	case CLIENT_IDLE:
		break;
	case CLIENT_DIALLING:
		dial_cancel(client->dial, client->group->now_ms, &r);
		break;
	case CLIENT_CONNECTED:
		group_close_session(client->group, client->tunnel_id, client->session_id, r.result, 0, why);
		break;
	}
}

void client_ended(struct group *group, uint16_t tunnel_id, uint16_t session_id, const struct l2tp_result *result)
{
	for (struct client *client = group->clients; client; client = client->next)
		if (client->state == CLIENT_CONNECTED && client->tunnel_id == tunnel_id && client->session_id == session_id) {
			log_info("dialer %u: disconnected: %s", client->number,
				 result->text[0] ? result->text : "the session ended");
			client_idle(client, result->text[0] ? result->text : "the session ended");
			return;
		}
}

void clients_tick(struct group *group)
{
	if (!group->active)
		return;
	dialer_tick(group->dialer, group->now_ms);
	if (group->now_ms < group->client_at_ms)
		return;
	group->client_at_ms = UINT64_MAX;
	for (struct client *client = group->clients; client; client = client->next) {
		if (client->state != CLIENT_IDLE)
			continue;
		if (client->at_ms <= group->now_ms)
			client_dial(client);
		else
			client_at(client, client->at_ms);
	}
}

/* ---- PPP ---------------------------------------------------------------- */

bool client_ppp_params(const struct group *group, const struct subscriber *sub, struct ppp_params *p)
{
	const struct config_dialer *d = config_dialer_find(group->config, sub->dialer);

	if (!d)
		return false;
	p->client = true;
	p->auth_chap = d->chap_user[0] != '\0';
	p->auth_pap = d->pap_user[0] != '\0';
	snprintf(p->user, sizeof(p->user), "%s", p->auth_chap ? d->chap_user : d->pap_user);
	snprintf(p->password, sizeof(p->password), "%s", p->auth_chap ? d->chap_password : d->pap_password);
	p->mru = p->mtu = d->mtu;
	p->echo_interval_s = d->keepalive_s;
	p->echo_failures = d->keepalive_retries;
	return true;
}

void client_open(struct group *group, struct subscriber *sub, const struct ppp_up *up)
{
	char own[INET_ADDRSTRLEN] = "", peer[INET_ADDRSTRLEN] = "";

	(void)group;
	sub->own_address = up->local_addr;
	inet_ntop(AF_INET, &up->local_addr, own, sizeof(own));
	inet_ntop(AF_INET, &up->peer_addr, peer, sizeof(peer));
	log_info("dialer %u: connected, %s is %s, the peer %s", sub->dialer, up->ifname, own, peer);
}

/* ---- life --------------------------------------------------------------- */

/* Is it this group that dials for it? */
static bool client_is_ours(const struct group *group, const struct config_dialer *d)
{
	const struct config_vpdn_group *vg = config_vpdn_group_find(group->config, d->vpdn_group);
	struct l2tp_endpoint local;

	return vg && !d->shutdown && dial_local((void *)(uintptr_t)group, vg, &vg->peers[0].address, &local);
}

void clients_sync(struct group *group)
{
	struct client **at = &group->clients, *client;
	const struct config_dialer *d;

	if (!group->active)
		return;
	while ((client = *at)) {
		d = config_dialer_find(group->config, client->number);
		if (d && client_is_ours(group, d)) {
			at = &client->next;
			continue;
		}
		client_hang_up(client, "the dialer was shut down");
		*at = client->next;
		free(client);
	}
	for (d = group->config->dialers; d; d = d->next) {
		client = client_find(group, d->number);
		if (!client && client_is_ours(group, d)) {
			client = *at = calloc(1, sizeof(*client));
			if (!client)
				return;
			client->group = group;
			client->number = d->number;
			at = &client->next;
			client_at(client, group->now_ms);
		} else if (client && client->state == CLIENT_IDLE) {
			client_at(client, group->now_ms);	/* it may succeed now */
		}
	}
}

void clients_take_over(struct group *group)
{
	clients_reset(group);
	dialer_take_over(group->dialer);
	clients_sync(group);
	for (struct subscriber *sub = group->subs; sub; sub = sub->hh.next) {
		struct client *client = sub->dialer ? client_find(group, sub->dialer) : NULL;

		if (client) {
			client->state = CLIENT_CONNECTED;
			client->tunnel_id = sub->tunnel_id;
			client->session_id = sub->session_id;
		} else if (sub->dialer) {
			group_close_session(group, sub->tunnel_id, sub->session_id, CDN_ADMINISTRATIVE, 0,
					    "the dialer was shut down");
		}
	}
}

void clients_reset(struct group *group)
{
	struct client *client;

	dialer_reset(group->dialer);
	while ((client = group->clients)) {
		group->clients = client->next;
		free(client);
	}
	group->client_at_ms = UINT64_MAX;
}

int clients_new(struct group *group)
{
	const struct dialer_ops ops = { .ctx = group, .local = dial_local, .params = dial_params, .admits = dial_admits, .random = dial_random,
					.refused = dial_refused };

	group->client_at_ms = UINT64_MAX;
	group->dialer = dialer_new(group->config, group->l2tp, &ops);
	return group->dialer ? 0 : -ENOMEM;
}

void clients_free(struct group *group)
{
	if (group->dialer)
		clients_reset(group);
	dialer_free(group->dialer);
}
