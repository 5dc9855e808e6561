// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration commands as one table: syntax, the field they set, its
 * default.  The parser (config_parse.c), the printer (config_print.c) and
 * config_new() all work from it, so a default is written once.
 *
 * Only commands with more than one argument have functions of their own.
 */
#include "daemon/grammar_config.h"

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

static int set_username(struct config_parser *p, const struct grammar_match *m)
{
	struct config_user *user;

	if (m->form != GRAMMAR_SET) {
		config_user_remove(p->config, text_of(m, "USER"));
		return 0;
	}
	user = config_user_make(p->config, text_of(m, "USER"));
	if (!user)
		return no_memory(p);
	snprintf(user->password, sizeof(user->password), "%s", text_of(m, "SECRET"));
	user->address = ipv4_of(m, "ADDRESS4");
	return 0;
}

static void print_usernames(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config *config = object;
	char addr[INET_ADDRSTRLEN];

	(void)command;
	for (const struct config_user *u = config->users; u; u = u->next)
		config_print_line(out, "username %s password 0 %s%s%s", config_print_name(out, u->name),
				  config_print_secret(out, u->password), u->address ? " address " : "",
				  u->address ? ipv4_text(u->address, addr) : "");
}

static int set_pool(struct config_parser *p, const struct grammar_match *m)
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

static void print_pools(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config *config = object;
	char first[INET_ADDRSTRLEN], last[INET_ADDRSTRLEN];

	(void)command;
	for (const struct config_pool *pool = config->pools; pool; pool = pool->next)
		config_print_line(out, "ip local pool %s %s %s", config_print_name(out, pool->name),
				  ipv4_text(htonl(pool->first), first), ipv4_text(htonl(pool->last), last));
}

/* ---- commands that enter a mode ----------------------------------------- */

static int enter_template(struct config_parser *p, const struct grammar_match *m)
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

static int enter_vpdn_group(struct config_parser *p, const struct grammar_match *m)
{
	struct config_vpdn_group **at = &p->config->vpdn_groups, *group;

	LIST_FIND(at, name, text_of(m, "VPDN"));
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
		config_defaults(CONFIG_MODE_VPDN, group);
		config_defaults(CONFIG_MODE_ACCEPT, group);
		snprintf(group->name, sizeof(group->name), "%s", text_of(m, "VPDN"));
	}
	p->vpdn = group;
	p->mode = CONFIG_MODE_VPDN;
	return 0;
}

static int enter_accept_dialin(struct config_parser *p, const struct grammar_match *m)
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

static int enter_redundancy(struct config_parser *p, const struct grammar_match *m)
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

static int enter_group(struct config_parser *p, const struct grammar_match *m)
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

static int leave(struct config_parser *p, const struct grammar_match *m)
{
	(void)m;
	switch (p->mode) {
	case CONFIG_MODE_ACCEPT:
		p->mode = CONFIG_MODE_VPDN;
		break;
	case CONFIG_MODE_GROUP:
		p->mode = CONFIG_MODE_REDUNDANCY;
		break;
	case CONFIG_MODE_GLOBAL:
	case CONFIG_MODE_TEMPLATE:
	case CONFIG_MODE_VPDN:
	case CONFIG_MODE_REDUNDANCY:
		p->mode = CONFIG_MODE_GLOBAL;
		break;
	}
	return 0;
}

static int leave_all(struct config_parser *p, const struct grammar_match *m)
{
	(void)m;
	p->mode = CONFIG_MODE_GLOBAL;
	return 0;
}

/* ---- interface virtual-template ----------------------------------------- */

static int set_authentication(struct config_parser *p, const struct grammar_match *m)
{
	p->vtemplate->auth_chap = m->form == GRAMMAR_SET && grammar_has(m, "chap");
	p->vtemplate->auth_pap = m->form == GRAMMAR_SET && grammar_has(m, "pap");
	return 0;
}

static void print_authentication(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vtemplate *vt = object;

	(void)command;
	if (vt->auth_chap || vt->auth_pap)
		config_print_line(out, "ppp authentication%s%s", vt->auth_chap ? " chap" : "", vt->auth_pap ? " pap" : "");
	else if (config_printing_all(out))
		config_print_line(out, "no ppp authentication");
}

static int set_dns(struct config_parser *p, const struct grammar_match *m)
{
	p->vtemplate->dns[0] = m->form == GRAMMAR_SET ? ipv4_of(m, "DNS1") : 0;
	p->vtemplate->dns[1] = m->form == GRAMMAR_SET ? ipv4_of(m, "DNS2") : 0;
	return 0;
}

static void print_dns(struct config_printer *out, const struct config_command *command, const void *object)
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

enum { KEEPALIVE_S = 30, KEEPALIVE_RETRIES = 4, HA_PORT = 1702, HEARTBEAT_MS = 200, DEAD_MS = 1000 };

static int set_keepalive(struct config_parser *p, const struct grammar_match *m)
{
	p->vtemplate->keepalive_s = m->form == GRAMMAR_NO ? 0 : (uint16_t)number_of(m, "KEEPALIVE", KEEPALIVE_S);
	p->vtemplate->keepalive_retries = (uint8_t)number_of(m, "KEEPALIVE-RETRIES", KEEPALIVE_RETRIES);
	return 0;
}

static void print_keepalive(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vtemplate *vt = object;
	bool retries = vt->keepalive_retries != KEEPALIVE_RETRIES;

	(void)command;
	if (!vt->keepalive_s)
		config_print_line(out, "no keepalive");
	else if (retries || config_printing_all(out))
		config_print_line(out, "keepalive %u %u", vt->keepalive_s, vt->keepalive_retries);
	else if (vt->keepalive_s != KEEPALIVE_S)
		config_print_line(out, "keepalive %u", vt->keepalive_s);
}

/* ---- redundancy group --------------------------------------------------- */

static int set_vip(struct config_parser *p, const struct grammar_match *m)
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

static void print_vips(struct config_printer *out, const struct config_command *command, const void *object)
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

static int set_local(struct config_parser *p, const struct grammar_match *m)
{
	endpoint_set(&p->group->local, m, "HA-LOCAL");
	return 0;
}

static int set_peer(struct config_parser *p, const struct grammar_match *m)
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

static void print_local(struct config_printer *out, const struct config_command *command, const void *object)
{
	(void)command;
	print_ha_endpoint(out, "local", &((const struct config_redundancy_group *)object)->local);
}

static void print_peer(struct config_printer *out, const struct config_command *command, const void *object)
{
	(void)command;
	print_ha_endpoint(out, "peer", &((const struct config_redundancy_group *)object)->peer);
}

static int set_key(struct config_parser *p, const struct grammar_match *m)
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

static void print_key(struct config_printer *out, const struct config_command *command, const void *object)
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

static int set_standby(struct config_parser *p, const struct grammar_match *m)
{
	p->group->hot = m->form != GRAMMAR_SET || grammar_has(m, "hot");
	return 0;
}

static int set_detector(struct config_parser *p, const struct grammar_match *m)
{
	p->group->detector = m->form == GRAMMAR_DEFAULT || (m->form == GRAMMAR_SET && grammar_has(m, "builtin"));
	return 0;
}

static void print_standby(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (!g->hot || config_printing_all(out))
		config_print_line(out, "standby %s", g->hot ? "hot" : "warm");
}

static void print_detector(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (!g->detector || config_printing_all(out))
		config_print_line(out, "detector %s", g->detector ? "builtin" : "none");
}

static int set_timers(struct config_parser *p, const struct grammar_match *m)
{
	p->group->heartbeat_ms = m->form == GRAMMAR_SET ? (uint32_t)number_of(m, "HEARTBEAT", 0) : HEARTBEAT_MS;
	p->group->dead_ms = m->form == GRAMMAR_SET ? (uint32_t)number_of(m, "DEAD", 0) : DEAD_MS;
	return 0;
}

static void print_timers(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_redundancy_group *g = object;

	(void)command;
	if (g->heartbeat_ms != HEARTBEAT_MS || g->dead_ms != DEAD_MS || config_printing_all(out))
		config_print_line(out, "timers heartbeat %u dead %u", g->heartbeat_ms, g->dead_ms);
}

/* What the rows below cannot say: defaults of fields that custom commands set. */
static void defaults_template(struct config_vtemplate *vt)
{
	vt->keepalive_s = KEEPALIVE_S;
	vt->keepalive_retries = KEEPALIVE_RETRIES;
}

static void defaults_group(struct config_redundancy_group *g)
{
	g->local.port = g->peer.port = HA_PORT;
	g->hot = g->detector = true;
	g->heartbeat_ms = HEARTBEAT_MS;
	g->dead_ms = DEAD_MS;
}

/* ---- the table ---------------------------------------------------------- */

#define G CONFIG_MODE_GLOBAL
#define T CONFIG_MODE_TEMPLATE
#define V CONFIG_MODE_VPDN
#define A CONFIG_MODE_ACCEPT
#define R CONFIG_MODE_REDUNDANCY
#define RG CONFIG_MODE_GROUP

#define ROW(m, s, h) .g = { .modes = (m), .syntax = (s), .help = (h) }
#define SET(m, s, h, k, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_##k, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d) }
#define LOCAL(m, s, h, k, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_##k, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d), .node_local = true }
#define DO(m, s, h, fset, fprint) { ROW(m, s, h), .set = (fset), .print = (fprint) }
#define DO_LOCAL(m, s, h, fset, fprint) { ROW(m, s, h), .set = (fset), .print = (fprint), .node_local = true }

static const struct config_command commands[] = {
	LOCAL(G, "hostname ~ HOSTNAME", "name of this node", STRING, config, hostname, 0),
	SET(G, "vpdn enable ~", "accept tunnels", FLAG, config, vpdn_enable, 0),
	SET(G, "vpdn max-starting ~ STARTING", "sessions in setup at once", U32, config, max_starting, 0),
	SET(G, "l2tp sso enable ~", "replicate tunnels of all groups", FLAG, config, l2tp_sso, 1),
	DO(G, "username USER ~ password [0] SECRET [address ADDRESS4]", "a subscriber", set_username, print_usernames),
	DO(G, "ip local pool POOL ~ FIRST [LAST]", "addresses for subscribers", set_pool, print_pools),
	DO(G, "interface virtual-template TEMPLATE ~", "what subscriber interfaces are made from", enter_template, NULL),
	DO(G, "vpdn-group VPDN ~", "peers that are treated alike", enter_vpdn_group, NULL),
	DO(G, "redundancy ~", "the other node", enter_redundancy, NULL),

	SET(T, "ip address ~ ADDRESS4", "our address of the links", IPV4, config_vtemplate, local_address, 0),
	SET(T, "peer default ip address pool ~ POOL", "pool for the peers", STRING, config_vtemplate, pool, 0),
	DO(T, "ppp authentication ~ {chap|pap} [chap|pap]", "how subscribers prove who they are", set_authentication,
	   print_authentication),
	DO(T, "ppp ipcp dns ~ DNS1 [DNS2]", "name servers for the peers", set_dns, print_dns),
	SET(T, "mtu ~ MTU", "of the subscriber interfaces", U16, config_vtemplate, mtu, 1460),
	DO(T, "keepalive ~ [KEEPALIVE [KEEPALIVE-RETRIES]]", "LCP echo", set_keepalive, print_keepalive),

	LOCAL(V, "description ~ DESCRIPTION", "a remark", STRING, config_vpdn_group, description, 0),
	DO(V, "accept-dialin ~", "accept calls", enter_accept_dialin, NULL),
	SET(A, "protocol l2tp ~", "of the calls", FLAG, config_vpdn_group, protocol_l2tp, 0),
	SET(A, "virtual-template ~ TEMPLATE", "for the calls", U16, config_vpdn_group, vtemplate, 0),
	SET(V, "terminate-from hostname ~ PEERNAME", "peer the group is for", STRING, config_vpdn_group, terminate_from, 0),
	SET(V, "local name ~ LOCALNAME", "our name in tunnels", STRING, config_vpdn_group, local_name, 0),
	LOCAL(V, "source-ip ~ SOURCE", "our address of the tunnels", ENDPOINT, config_vpdn_group, source_ip, 0),
	SET(V, "l2tp tunnel authentication ~", "challenge the peer", FLAG, config_vpdn_group, tunnel_auth, 1),
	SET(V, "l2tp tunnel password ~ [0] TUNNEL-SECRET", "shared with the peer", SECRET, config_vpdn_group, tunnel_password, 0),
	SET(V, "l2tp tunnel hello ~ HELLO", "keepalive interval", U16, config_vpdn_group, hello_s, 60),
	SET(V, "l2tp tunnel receive-window ~ WINDOW", "messages the peer may have outstanding", U16, config_vpdn_group,
	    receive_window, 20),
	SET(V, "l2tp tunnel resync ~ RESYNC", "the same for replicated tunnels", U16, config_vpdn_group, resync, 8),
	SET(V, "l2tp tunnel retransmit retries ~ RETRIES", "before a tunnel is given up", U8, config_vpdn_group,
	    retransmit_retries, 10),
	SET(V, "l2tp tunnel retransmit timeout min ~ RETRANSMIT", "first retransmission", U8, config_vpdn_group,
	    retransmit_min_s, 1),
	SET(V, "l2tp tunnel retransmit timeout max ~ RETRANSMIT", "longest wait", U8, config_vpdn_group, retransmit_max_s, 8),
	SET(V, "l2tp tunnel timeout setup ~ SETUP", "of tunnels and sessions in setup", U16, config_vpdn_group,
	    setup_timeout_s, 10),
	SET(V, "session-limit ~ SESSIONS", "of the group", U32, config_vpdn_group, session_limit, 0),
	SET(V, "sso enable ~", "replicate the tunnels of the group", FLAG, config_vpdn_group, sso, 1),

	SET(R, "mode sso ~", "stateful switchover", FLAG, config, mode_sso, 1),
	DO(R, "group GROUP ~", "virtual addresses that move together", enter_group, NULL),
	DO(RG, "virtual-address VIRTUAL ~ interface INTERFACE", "of the tunnels", set_vip, print_vips),
	DO_LOCAL(RG, "local address ~ HA-LOCAL [port PORT]", "our end of the stream to the peer", set_local, print_local),
	DO_LOCAL(RG, "peer address ~ HA-PEER [port PORT]", "the other node", set_peer, print_peer),
	DO_LOCAL(RG, "pre-shared-key ~ {[0] KEY|file KEY-FILE}", "secret of the stream", set_key, print_key),
	DO(RG, "standby ~ {hot|warm}", "what the standby keeps in place", set_standby, print_standby),
	DO(RG, "detector ~ {builtin|none}", "who decides on a takeover", set_detector, print_detector),
	LOCAL(RG, "priority ~ PRIORITY", "who starts active: the higher", U32, config_redundancy_group, priority, 100),
	DO(RG, "timers heartbeat ~ HEARTBEAT dead DEAD", "of the stream", set_timers, print_timers),
	SET(RG, "timers lease ~ LEASE", "a node that stops is mute after", U32, config_redundancy_group, lease_ms, 1000),
	SET(RG, "timers startup ~ STARTUP", "wait for the peer before being alone", U32, config_redundancy_group,
	    startup_ms, 3000),
	SET(RG, "commit timeout ~ COMMIT", "output waits for the standby at most", U32, config_redundancy_group,
	    commit_timeout_ms, 20),

	DO(CONFIG_MODE_ANY & ~(unsigned)G, "exit", "one mode up", leave, NULL),
	DO(CONFIG_MODE_ANY, "end", "to the global mode", leave_all, NULL),
};

static const struct grammar_arg args[] = {
	{ "HOSTNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name" },
	{ "STARTING", GRAMMAR_NUMBER, 1, 65535, "sessions" },
	{ "USER", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "user name" },
	{ "SECRET", GRAMMAR_SECRET, 1, CONFIG_SECRET_MAX - 1, "password" },
	{ "ADDRESS4", GRAMMAR_IPV4, 0, 0, "address" },
	{ "POOL", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "pool name" },
	{ "FIRST", GRAMMAR_IPV4, 0, 0, "first address" },
	{ "LAST", GRAMMAR_IPV4, 0, 0, "last address" },
	{ "TEMPLATE", GRAMMAR_NUMBER, 1, 1000, "template number" },
	{ "DNS1", GRAMMAR_IPV4, 0, 0, "name server" },
	{ "DNS2", GRAMMAR_IPV4, 0, 0, "second name server" },
	{ "MTU", GRAMMAR_NUMBER, 128, 1500, "octets" },
	{ "KEEPALIVE", GRAMMAR_NUMBER, 0, 32767, "seconds" },
	{ "KEEPALIVE-RETRIES", GRAMMAR_NUMBER, 1, 255, "echoes without an answer" },
	{ "VPDN", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "group name" },
	{ "DESCRIPTION", GRAMMAR_TEXT, 1, CONFIG_TEXT_MAX - 1, "text" },
	{ "PEERNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "peer's host name" },
	{ "LOCALNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "host name" },
	{ "SOURCE", GRAMMAR_ADDRESS, 0, 0, "address" },
	{ "TUNNEL-SECRET", GRAMMAR_SECRET, 1, CONFIG_NAME_MAX - 1, "password" },
	{ "HELLO", GRAMMAR_NUMBER, 0, 1000, "seconds, 0: none" },
	{ "WINDOW", GRAMMAR_NUMBER, 1, 16384, "messages" },
	{ "RESYNC", GRAMMAR_NUMBER, 1, 1000, "messages" },
	{ "RETRIES", GRAMMAR_NUMBER, 1, 255, "retransmissions" },
	{ "RETRANSMIT", GRAMMAR_NUMBER, 1, 8, "seconds" },
	{ "SETUP", GRAMMAR_NUMBER, 1, 6000, "seconds" },
	{ "SESSIONS", GRAMMAR_NUMBER, 1, 131072, "sessions" },
	{ "GROUP", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "group name" },
	{ "VIRTUAL", GRAMMAR_PREFIX, 0, 0, "virtual address" },
	{ "INTERFACE", GRAMMAR_NAME, 1, 15, "interface name" },
	{ "HA-LOCAL", GRAMMAR_ADDRESS, 0, 0, "our address" },
	{ "HA-PEER", GRAMMAR_ADDRESS, 0, 0, "peer's address" },
	{ "PORT", GRAMMAR_NUMBER, 1, 65535, "TCP port" },
	{ "KEY", GRAMMAR_HEX, 16, 64, "key" },
	{ "KEY-FILE", GRAMMAR_PATH, 1, CONFIG_PATH_MAX - 1, "file with the key in hexadecimal" },
	{ "PRIORITY", GRAMMAR_NUMBER, 0, 65535, "the higher starts active" },
	{ "HEARTBEAT", GRAMMAR_NUMBER, 10, 60000, "milliseconds" },
	{ "DEAD", GRAMMAR_NUMBER, 30, 600000, "milliseconds" },
	{ "LEASE", GRAMMAR_NUMBER, 30, 600000, "milliseconds" },
	{ "STARTUP", GRAMMAR_NUMBER, 0, 600000, "milliseconds" },
	{ "COMMIT", GRAMMAR_NUMBER, 1, 10000, "milliseconds" },
};

const struct grammar config_grammar = {
	.commands = commands, .stride = sizeof(commands[0]), .count = sizeof(commands) / sizeof(commands[0]),
	.args = args, .arg_count = sizeof(args) / sizeof(args[0]),
};

void *config_mode_object(struct config_parser *p)
{
	switch (p->mode) {
	case CONFIG_MODE_GLOBAL:
	case CONFIG_MODE_REDUNDANCY:
		return p->config;
	case CONFIG_MODE_TEMPLATE:
		return p->vtemplate;
	case CONFIG_MODE_VPDN:
	case CONFIG_MODE_ACCEPT:
		return p->vpdn;
	case CONFIG_MODE_GROUP:
		return p->group;
	}
	return NULL;
}

void config_defaults(enum config_mode mode, void *object)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct config_command *c = &commands[i];

		if (!(c->g.modes & mode) || c->kind == SETTING_CUSTOM)
			continue;
		config_setting_reset(c, object);
	}
	if (mode == CONFIG_MODE_TEMPLATE)
		defaults_template(object);
	if (mode == CONFIG_MODE_GROUP)
		defaults_group(object);
}
