// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the configuration commands do that set more than one field or enter a
 * mode: called by the rows of the table (grammar_config.c) alone.
 */
#include "daemon/grammar_commands.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small helpers ------------------------------------------------------ */

static const char *text_of(const struct grammar_match *m, const char *arg)
{
	const struct grammar_item *item = grammar_arg_get(m, arg);

	return item ? item->text : "";
}

static uint64_t number_of(const struct grammar_match *m, const char *arg, uint64_t otherwise)
{
	const struct grammar_item *item = grammar_arg_get(m, arg);

	return item ? item->number : otherwise;
}

static uint32_t ipv4_of(const struct grammar_match *m, const char *arg)
{
	const struct grammar_item *item = grammar_arg_get(m, arg);
	uint32_t addr = 0;

	if (item)
		memcpy(&addr, item->address.addr, sizeof(addr));
	return addr;
}

static const char *ipv4_text(uint32_t addr, char buf[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &addr, buf, INET_ADDRSTRLEN);
}

/* All object lists begin with `next` and are kept in the order of the file. */
#define LIST_FIND(list, field, value) \
	while (*(list) && strcmp((*(list))->field, value)) \
		(list) = &(*(list))->next

static int no_memory(struct config_parser *p)
{
	snprintf(p->error, GRAMMAR_ERROR_MAX, "out of memory");
	return -ENOMEM;
}

/* ---- username, ip local pool -------------------------------------------- */

int command_set_username(struct config_parser *p, const struct grammar_match *m)
{
	struct config_user *user;

	if (m->form != GRAMMAR_SET)
		return config_user_remove(p->config, text_of(m, "USER")) ? no_memory(p) : 0;
	user = config_user_make(p->config, text_of(m, "USER"));
	if (!user)
		return no_memory(p);
	snprintf(user->password, sizeof(user->password), "%s", text_of(m, "SECRET"));
	user->address = ipv4_of(m, "ADDRESS4");
	return 0;
}

void command_print_usernames(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config *config = object;
	char addr[INET_ADDRSTRLEN];

	(void)command;
	for (const struct config_user *u = config->users; u; u = u->next)
		config_print_line(out, "username %s password 0 %s%s%s", config_print_name(out, u->name),
				  config_print_secret(out, u->password), u->address ? " address " : "",
				  u->address ? ipv4_text(u->address, addr) : "");
}

int command_set_pool(struct config_parser *p, const struct grammar_match *m)
{
	struct config_pool **at = &p->config->pools, *pool;
	uint32_t first = ntohl(ipv4_of(m, "FIRST")), last = ntohl(ipv4_of(m, "LAST"));

	LIST_FIND(at, name, text_of(m, "POOL"));
	pool = *at;
	if (m->form != GRAMMAR_SET) {
		if (pool) {
			*at = pool->next;
			free(pool);
		}
		return 0;
	}
	if (!grammar_arg_get(m, "LAST"))
		last = first;
	if (last < first || last - first >= CONFIG_POOL_MAX) {
		snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected an address from %s on, at most %u addresses",
			 text_of(m, "LAST"), text_of(m, "FIRST"), CONFIG_POOL_MAX);
		return -EINVAL;
	}
	if (!pool) {
		pool = *at = calloc(1, sizeof(*pool));
		if (!pool)
			return no_memory(p);
	}
	snprintf(pool->name, sizeof(pool->name), "%s", text_of(m, "POOL"));
	pool->first = first;
	pool->last = last;
	return 0;
}

void command_print_pools(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config *config = object;
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];

	(void)command;
	for (const struct config_pool *pool = config->pools; pool; pool = pool->next)
		config_print_line(out, "ip local pool %s %s %s", config_print_name(out, pool->name),
				  ipv4_text(htonl(pool->first), first), ipv4_text(htonl(pool->last), last));
}

/* ---- commands that enter a mode ----------------------------------------- */

int command_enter_template(struct config_parser *p, const struct grammar_match *m)
{
	uint16_t number = (uint16_t)number_of(m, "TEMPLATE", 0);
	struct config_vtemplate **at = &p->config->vtemplates, *vt;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	vt = *at;
	if (m->form != GRAMMAR_SET) {
		if (vt) {
			*at = vt->next;
			free(vt);
		}
		return 0;
	}
	if (!vt) {
		vt = *at = calloc(1, sizeof(*vt));
		if (!vt)
			return no_memory(p);
		config_defaults(CONFIG_MODE_TEMPLATE, vt);
		vt->number = number;
	}
	p->vtemplate = vt;
	p->mode = CONFIG_MODE_TEMPLATE;
	return 0;
}

static int vpdn_enter(struct config_parser *p, const struct grammar_match *m, struct config_vpdn_group **at,
		      const char *name, enum config_mode mode)
{
	struct config_vpdn_group *group;

	LIST_FIND(at, name, name);
	group = *at;
	if (m->form != GRAMMAR_SET) {
		if (group) {
			*at = group->next;
			explicit_bzero(group, sizeof(*group));
			free(group);
		}
		return 0;
	}
	if (!group) {
		group = *at = calloc(1, sizeof(*group));
		if (!group)
			return no_memory(p);
		config_defaults(CONFIG_MODE_VPDN, group);
		config_defaults(CONFIG_MODE_ACCEPT, group);
		config_defaults(CONFIG_MODE_REQUEST, group);
		snprintf(group->name, sizeof(group->name), "%s", name);
	}
	p->vpdn = group;
	p->mode = mode;
	return 0;
}

int command_enter_vpdn_group(struct config_parser *p, const struct grammar_match *m)
{
	return vpdn_enter(p, m, &p->config->vpdn_groups, text_of(m, "VPDN"), CONFIG_MODE_VPDN);
}

int command_enter_vpdn_template(struct config_parser *p, const struct grammar_match *m)
{
	return vpdn_enter(p, m, &p->config->vpdn_templates, text_of(m, "VPDN-TEMPLATE"), CONFIG_MODE_VPDN_TEMPLATE);
}

int command_enter_accept_dialin(struct config_parser *p, const struct grammar_match *m)
{
	if (m->form != GRAMMAR_SET) {
		p->vpdn->accept_dialin = false;
		config_defaults(CONFIG_MODE_ACCEPT, p->vpdn);
		return 0;
	}
	p->vpdn->accept_dialin = true;
	p->mode = CONFIG_MODE_ACCEPT;
	return 0;
}

int command_enter_redundancy(struct config_parser *p, const struct grammar_match *m)
{
	if (m->form == GRAMMAR_SET) {
		p->mode = CONFIG_MODE_REDUNDANCY;
		return 0;
	}
	for (struct config_redundancy_group *g; (g = p->config->redundancy_groups);) {
		p->config->redundancy_groups = g->next;
		free(g);
	}
	return 0;
}

int command_enter_group(struct config_parser *p, const struct grammar_match *m)
{
	struct config_redundancy_group **at = &p->config->redundancy_groups, *group;

	LIST_FIND(at, name, text_of(m, "GROUP"));
	group = *at;
	if (m->form != GRAMMAR_SET) {
		if (group) {
			*at = group->next;
			free(group);
		}
		return 0;
	}
	if (!group) {
		group = *at = calloc(1, sizeof(*group));
		if (!group)
			return no_memory(p);
		config_defaults(CONFIG_MODE_GROUP, group);
		snprintf(group->name, sizeof(group->name), "%s", text_of(m, "GROUP"));
	}
	p->group = group;
	p->mode = CONFIG_MODE_GROUP;
	return 0;
}

int command_leave(struct config_parser *p, const struct grammar_match *m)
{
	(void)m;
	switch (p->mode) {
	case CONFIG_MODE_ACCEPT:
	case CONFIG_MODE_REQUEST:
		p->mode = CONFIG_MODE_VPDN;
		break;
	case CONFIG_MODE_GROUP:
		p->mode = CONFIG_MODE_REDUNDANCY;
		break;
	case CONFIG_MODE_GLOBAL:
	case CONFIG_MODE_TEMPLATE:
	case CONFIG_MODE_VPDN:
	case CONFIG_MODE_VPDN_TEMPLATE:
	case CONFIG_MODE_DIALER:
	case CONFIG_MODE_BBA:
	case CONFIG_MODE_REDUNDANCY:
		p->mode = CONFIG_MODE_GLOBAL;
		break;
	}
	return 0;
}

int command_leave_all(struct config_parser *p, const struct grammar_match *m)
{
	(void)m;
	p->mode = CONFIG_MODE_GLOBAL;
	return 0;
}

/* ---- interface virtual-template ----------------------------------------- */

int command_set_authentication(struct config_parser *p, const struct grammar_match *m)
{
	p->vtemplate->auth_chap = m->form == GRAMMAR_SET && grammar_has(m, "chap");
	p->vtemplate->auth_pap = m->form == GRAMMAR_SET && grammar_has(m, "pap");
	return 0;
}

void command_print_authentication(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vtemplate *vt = object;

	(void)command;
	if (vt->auth_chap || vt->auth_pap)
		config_print_line(out, "ppp authentication%s%s", vt->auth_chap ? " chap" : "", vt->auth_pap ? " pap" : "");
	else if (config_printing_all(out))
		config_print_line(out, "no ppp authentication");
}

int command_set_dns(struct config_parser *p, const struct grammar_match *m)
{
	p->vtemplate->dns[0] = m->form == GRAMMAR_SET ? ipv4_of(m, "DNS1") : 0;
	p->vtemplate->dns[1] = m->form == GRAMMAR_SET ? ipv4_of(m, "DNS2") : 0;
	return 0;
}

void command_print_dns(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vtemplate *vt = object;
	char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];

	(void)command;
	if (vt->dns[0])
		config_print_line(out, "ppp ipcp dns %s%s%s", ipv4_text(vt->dns[0], a), vt->dns[1] ? " " : "",
				  vt->dns[1] ? ipv4_text(vt->dns[1], b) : "");
	else if (config_printing_all(out))
		config_print_line(out, "no ppp ipcp dns");
}

static void keepalive_set(const struct grammar_match *m, uint16_t *seconds, uint8_t *retries)
{
	bool set = m->form == GRAMMAR_SET;

	*seconds = m->form == GRAMMAR_NO ? 0 : set ? (uint16_t)number_of(m, "KEEPALIVE", KEEPALIVE_S) : KEEPALIVE_S;
	*retries = set ? (uint8_t)number_of(m, "KEEPALIVE-RETRIES", KEEPALIVE_RETRIES) : KEEPALIVE_RETRIES;
}

static void keepalive_print(struct config_printer *out, unsigned seconds, unsigned retries)
{
	if (!seconds)
		config_print_line(out, "no keepalive");
	else if (retries != KEEPALIVE_RETRIES || config_printing_all(out))
		config_print_line(out, "keepalive %u %u", seconds, retries);
	else if (seconds != KEEPALIVE_S)
		config_print_line(out, "keepalive %u", seconds);
}

int command_set_keepalive(struct config_parser *p, const struct grammar_match *m)
{
	if (p->mode == CONFIG_MODE_DIALER)
		keepalive_set(m, &p->dialer->keepalive_s, &p->dialer->keepalive_retries);
	else
		keepalive_set(m, &p->vtemplate->keepalive_s, &p->vtemplate->keepalive_retries);
	return 0;
}

void command_print_keepalive(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vtemplate *vt = object;

	(void)command;
	keepalive_print(out, vt->keepalive_s, vt->keepalive_retries);
}

void command_print_dialer_keepalive(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_dialer *dialer = object;

	(void)command;
	keepalive_print(out, dialer->keepalive_s, dialer->keepalive_retries);
}

/* ---- redundancy group --------------------------------------------------- */

int command_set_vip(struct config_parser *p, const struct grammar_match *m)
{
	struct config_redundancy_group *g = p->group;
	const struct grammar_item *item = grammar_arg_get(m, "VIRTUAL");
	size_t i = 0;

	while (i < g->vip_count && !endpoint_addr_equal(&g->vips[i].addr, &item->address))
		i++;
	if (m->form != GRAMMAR_SET) {
		if (i < g->vip_count)
			memmove(&g->vips[i], &g->vips[i + 1], (--g->vip_count - i) * sizeof(g->vips[0]));
		return 0;
	}
	if (i == CONFIG_VIPS_MAX) {
		snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected at most %d virtual addresses in a group",
			 item->text, CONFIG_VIPS_MAX);
		return -EINVAL;
	}
	memset(&g->vips[i], 0, sizeof(g->vips[i]));
	g->vips[i].addr = item->address;
	g->vips[i].prefix_len = item->prefix_len;
	snprintf(g->vips[i].ifname, sizeof(g->vips[i].ifname), "%s", text_of(m, "INTERFACE"));
	if (i == g->vip_count)
		g->vip_count++;
	return 0;
}

void command_print_vips(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;
	char addr[ENDPOINT_TEXT_MAX];

	(void)command;
	for (size_t i = 0; i < g->vip_count; i++) {
		endpoint_format(&g->vips[i].addr, false, addr);
		if (config_printing_shared(out))
			config_print_line(out, "virtual-address %s/%u", addr, g->vips[i].prefix_len);
		else
			config_print_line(out, "virtual-address %s/%u interface %s", addr, g->vips[i].prefix_len,
					  g->vips[i].ifname);
	}
}

static void endpoint_set(struct l2tp_endpoint *ep, const struct grammar_match *m, const char *arg)
{
	const struct grammar_item *item = grammar_arg_get(m, arg);

	memset(ep, 0, sizeof(*ep));
	if (m->form == GRAMMAR_SET && item)
		*ep = item->address;
	ep->port = (uint16_t)number_of(m, "PORT", HA_PORT);
}

int command_set_local(struct config_parser *p, const struct grammar_match *m)
{
	endpoint_set(&p->group->local, m, "HA-LOCAL");
	return 0;
}

int command_set_peer(struct config_parser *p, const struct grammar_match *m)
{
	endpoint_set(&p->group->peer, m, "HA-PEER");
	return 0;
}

static void print_ha_endpoint(struct config_printer *out, const char *what, const struct l2tp_endpoint *ep)
{
	char addr[ENDPOINT_TEXT_MAX];

	if (!ep->family)
		return;
	endpoint_format(ep, false, addr);
	if (ep->port != HA_PORT || config_printing_all(out))
		config_print_line(out, "%s address %s port %u", what, addr, ep->port);
	else
		config_print_line(out, "%s address %s", what, addr);
}

void command_print_local(struct config_printer *out, const struct config_command *command, const void *object)
{
	(void)command;
	print_ha_endpoint(out, "local", &((const struct config_redundancy_group *)object)->local);
}

void command_print_peer(struct config_printer *out, const struct config_command *command, const void *object)
{
	(void)command;
	print_ha_endpoint(out, "peer", &((const struct config_redundancy_group *)object)->peer);
}

int command_set_key(struct config_parser *p, const struct grammar_match *m)
{
	struct config_redundancy_group *g = p->group;
	const struct grammar_item *hex = grammar_arg_get(m, "KEY");

	memset(g->key, 0, sizeof(g->key));
	g->key_len = 0;
	g->key_file[0] = '\0';
	if (m->form != GRAMMAR_SET)
		return 0;
	if (hex)
		g->key_len = grammar_hex(hex->text, g->key, sizeof(g->key));
	else
		snprintf(g->key_file, sizeof(g->key_file), "%s", text_of(m, "KEY-FILE"));
	return 0;
}

void command_print_key(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;
	char hex[2 * sizeof(g->key) + 1] = "";

	(void)command;
	if (g->key_file[0]) {
		config_print_line(out, "pre-shared-key file %s", config_print_name(out, g->key_file));
		return;
	}
	if (!g->key_len)
		return;
	for (size_t i = 0; i < g->key_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", g->key[i]);
	config_print_line(out, "pre-shared-key 0 %s", config_print_secret(out, hex));
}

int command_set_standby(struct config_parser *p, const struct grammar_match *m)
{
	p->group->hot = m->form != GRAMMAR_SET || grammar_has(m, "hot");
	return 0;
}

/* `no detector` is a choice of its own: nobody decides but the operator. */
int command_set_detector(struct config_parser *p, const struct grammar_match *m)
{
	unsigned choice = CONFIG_DETECTOR_NONE;

	if (m->form == GRAMMAR_DEFAULT)
		choice = CONFIG_DETECTOR_BUILTIN;
	else if (m->form == GRAMMAR_SET)
		config_choice_of(m, config_detector_names, &choice);
	p->group->detector = (enum config_detector)choice;
	return 0;
}

void command_print_standby(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (!g->hot || config_printing_all(out))
		config_print_line(out, "standby %s", g->hot ? "hot" : "warm");
}

int command_set_timers(struct config_parser *p, const struct grammar_match *m)
{
	p->group->heartbeat_ms = m->form == GRAMMAR_SET ? (uint32_t)number_of(m, "HEARTBEAT", 0) : HEARTBEAT_MS;
	p->group->dead_ms = m->form == GRAMMAR_SET ? (uint32_t)number_of(m, "DEAD", 0) : DEAD_MS;
	return 0;
}

void command_print_timers(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (g->heartbeat_ms != HEARTBEAT_MS || g->dead_ms != DEAD_MS || config_printing_all(out))
		config_print_line(out, "timers heartbeat %u dead %u", g->heartbeat_ms, g->dead_ms);
}

/* A box that took it would not do it. */
int command_refuse(struct config_parser *p, const struct grammar_match *m)
{
	const struct config_command *row = (const struct config_command *)(const void *)m->command;

	if (m->form != GRAMMAR_SET)
		return 0;
	snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%.*s': %s", (int)strcspn(row->g.syntax, "~") - 1, row->g.syntax,
		 row->why_not);
	return -EINVAL;
}

int command_set_tunnel_ids(struct config_parser *p, const struct grammar_match *m)
{
	uint64_t first = m->form == GRAMMAR_SET ? number_of(m, "FIRST-ID", 0) : 0;
	uint64_t last = m->form == GRAMMAR_SET ? number_of(m, "LAST-ID", 0) : 0;

	if (last < first) {
		snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected a number from %u on", text_of(m, "LAST-ID"),
			 (unsigned int)first);
		return -EINVAL;
	}
	p->group->tunnel_first = (uint16_t)first;
	p->group->tunnel_last = (uint16_t)last;
	return 0;
}

void command_print_tunnel_ids(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (g->tunnel_first)
		config_print_line(out, "tunnel-ids %u %u", g->tunnel_first, g->tunnel_last);
}
