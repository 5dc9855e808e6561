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

enum client_state {
	CLIENT_IDLE,		/* dials at at_ms */
	CLIENT_DIALLING,
	CLIENT_CONNECTED,	/* it has a session */
};

static const char *const client_state_names[] = {
	[CLIENT_IDLE] = "idle",
	[CLIENT_DIALLING] = "dialling",
	[CLIENT_CONNECTED] = "connected",	/* and PPP negotiates */
};

struct client {
	struct client *next;
	struct group *group;
	uint16_t number;
	enum client_state state;
	struct dial *dial;		/* DIALLING */
	uint16_t tunnel_id, session_id;	/* CONNECTED */
	uint64_t at_ms;			/* IDLE; UINT64_MAX: not by itself */
	unsigned failed;		/* attempts in a row that brought no PPP up */
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

/* ---- dialling ----------------------------------------------------------- */

/* Doubled with every attempt that failed but the first. */
static uint64_t redial_ms(const struct config_dialer *d, unsigned failed)
{
	uint64_t wait_s = d->redial_s;

	while (failed-- > 1 && wait_s < d->redial_max_s)
		wait_s = 2 * wait_s < d->redial_max_s ? 2 * wait_s : d->redial_max_s;
	return wait_s * UINT64_C(1000);
}

static void client_idle(struct client *client, const char *why)
{
	struct group *group = client->group;
	const struct config_dialer *d = config_dialer_find(group->config, client->number);

	client->state = CLIENT_IDLE;
	client->dial = NULL;
	client->failed++;
	snprintf(client->why, sizeof(client->why), "%s", why);
	if (!d || !d->persistent) {
		client_at(client, UINT64_MAX);
		return;
	}
	/* the first attempt was no redial; nor is one after a call that was up */
	if (d->max_redial && client->failed > d->max_redial) {
		log_warnx("dialer %u: given up after %u attempts: %s", client->number, client->failed, why);
		client_at(client, UINT64_MAX);
		return;
	}
	client_at(client, group->now_ms + redial_ms(d, client->failed));
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

bool group_dialer_info(const struct group *group, size_t index, struct group_dialer_info *out)
{
	const struct client *client = group->clients;
	struct subscriber *sub;

	for (; client && index; index--)
		client = client->next;
	if (!client)
		return false;
	*out = (struct group_dialer_info){ .number = client->number, .state = client_state_names[client->state],
					   .tunnel_id = client->tunnel_id, .session_id = client->session_id };
	snprintf(out->why, sizeof(out->why), "%s", client->why);
	client_name(group, client->number, out->ifname);
	if (client->state == CLIENT_IDLE && client->at_ms != UINT64_MAX)
		out->next_ms = client->at_ms > group->now_ms ? client->at_ms - group->now_ms : 0;
	sub = client->state != CLIENT_CONNECTED ? NULL :
	      sub_find((struct group *)(uintptr_t)group, client->tunnel_id, client->session_id);
	if (!sub)
		return true;
	out->address = sub->own_address;
	out->up_unix_ms = sub->up_unix_ms;
	if (sub->ppp == SUB_PPP_UP)
		out->state = "up";
	return true;
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
	p->ifgroup = d->adjust_mss ? DP_CLAMP_IFGROUP : 0;
	return true;
}

void client_open(struct group *group, struct subscriber *sub, const struct ppp_up *up)
{
	struct client *client = client_find(group, sub->dialer);
	char own[INET_ADDRSTRLEN] = "", peer[INET_ADDRSTRLEN] = "";

	if (client)
		client->failed = 0;

	sub->own_address = up->local_addr;
	inet_ntop(AF_INET, &up->local_addr, own, sizeof(own));
	inet_ntop(AF_INET, &up->peer_addr, peer, sizeof(peer));
	log_info("dialer %u: connected, %s is %s, the peer %s", sub->dialer, up->ifname, own, peer);
}

/* ---- life --------------------------------------------------------------- */

/* Is it this group that dials for it? */
static bool client_is_ours(const struct group *group, const struct config *config, const struct config_dialer *d)
{
	const struct config_vpdn_group *vg = config_vpdn_group_find(config, d->vpdn_group);
	struct l2tp_endpoint local;

	return vg && !d->shutdown && group_dials(group, vg, &vg->peers[0].address, &local);
}

bool group_dialer_stays(const struct group *group, const struct config *next, uint16_t number)
{
	const struct config_dialer *d = config_dialer_find(next, number);

	return d && client_is_ours(group, next, d);
}

void clients_sync(struct group *group)
{
	struct client **at = &group->clients, *client;
	const struct config_dialer *d;

	if (!group->active)
		return;
	while ((client = *at)) {
		if (group_dialer_stays(group, group->config, client->number)) {
			at = &client->next;
			continue;
		}
		client_hang_up(client, "the dialer was shut down");
		*at = client->next;
		free(client);
	}
	for (d = group->config->dialers; d; d = d->next) {
		client = client_find(group, d->number);
		if (!client && client_is_ours(group, group->config, d)) {
			client = *at = calloc(1, sizeof(*client));
			if (!client)
				return;
			client->group = group;
			client->number = d->number;
			at = &client->next;
			client_at(client, group->now_ms);
		} else if (client && client->state == CLIENT_IDLE) {
			client->failed = 0;
			client_at(client, group->now_ms);	/* it may succeed now */
		}
	}
}

void clients_take_over(struct group *group)
{
	clients_free(group);
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

void clients_free(struct group *group)
{
	struct client *client;

	while ((client = group->clients)) {
		group->clients = client->next;
		free(client);
	}
	group->client_at_ms = UINT64_MAX;
}
