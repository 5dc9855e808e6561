// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration commands of a LAC: what calls a VPDN group places and to
 * which peers, and dialers, the calls this box makes for itself.  Called by
 * the rows of the table (grammar_config.c) alone, but for config_check_dial(),
 * which config_check() calls.
 */
#include "daemon/grammar_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKUP_PRIORITY 2	/* the others have 1 unless they say so */

static const char *text_of(const struct grammar_match *m, const char *arg)
{
	const struct grammar_item *item = grammar_arg_get(m, arg);

	return item ? item->text : "";
}

/* ---- a VPDN group as LAC ------------------------------------------------ */

int command_enter_request_dialin(struct config_parser *p, const struct grammar_match *m)
{
	p->vpdn->request_dialin = m->form == GRAMMAR_SET;
	if (m->form == GRAMMAR_SET) {
		p->mode = CONFIG_MODE_REQUEST;
		return 0;
	}
	config_defaults(CONFIG_MODE_REQUEST, p->vpdn);
	memset(p->vpdn->domains, 0, sizeof(p->vpdn->domains));
	memset(p->vpdn->dnis, 0, sizeof(p->vpdn->dnis));
	memset(p->vpdn->hostnames, 0, sizeof(p->vpdn->hostnames));
	return 0;
}

/* Names are kept in the order of the file, without gaps. */
static int name_set(struct config_parser *p, const struct grammar_match *m, char names[][CONFIG_NAME_MAX], const char *name)
{
	size_t i = 0;

	while (i < CONFIG_DIAL_NAMES_MAX && names[i][0] && strcmp(names[i], name))
		i++;
	if (m->form != GRAMMAR_SET) {
		if (i == CONFIG_DIAL_NAMES_MAX || !names[i][0])
			return 0;
		memmove(names[i], names[i + 1], (CONFIG_DIAL_NAMES_MAX - 1 - i) * CONFIG_NAME_MAX);
		memset(names[CONFIG_DIAL_NAMES_MAX - 1], 0, CONFIG_NAME_MAX);
		return 0;
	}
	if (i == CONFIG_DIAL_NAMES_MAX) {
		snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected at most %d of them in a group", name,
			 CONFIG_DIAL_NAMES_MAX);
		return -EINVAL;
	}
	snprintf(names[i], CONFIG_NAME_MAX, "%s", name);
	return 0;
}

int command_set_dial_name(struct config_parser *p, const struct grammar_match *m)
{
	if (grammar_arg_get(m, "DNIS"))
		return name_set(p, m, p->vpdn->dnis, text_of(m, "DNIS"));
	if (grammar_arg_get(m, "PEERNAME"))
		return name_set(p, m, p->vpdn->hostnames, text_of(m, "PEERNAME"));
	return name_set(p, m, p->vpdn->domains, text_of(m, "DOMAIN"));
}

void command_print_dial_names(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vpdn_group *group = object;
	const char (*names)[CONFIG_NAME_MAX] = group->domains;
	const char *word = "domain";

	if (!strncmp(command->g.syntax, "dnis", 4)) {
		names = group->dnis;
		word = "dnis";
	} else if (!strncmp(command->g.syntax, "multihop", 8)) {
		names = group->hostnames;
		word = "multihop-hostname";
	}
	for (size_t i = 0; i < CONFIG_DIAL_NAMES_MAX; i++)
		if (names[i][0])
			config_print_line(out, "%s %s", word, config_print_name(out, names[i]));
}

/* ---- PPPoE ---------------------------------------------------------------- */

int command_enter_bba(struct config_parser *p, const struct grammar_match *m)
{
	const char *name = text_of(m, "BBA");
	struct config_bba **at = &p->config->bbas, *bba;

	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	bba = *at;
	if (m->form != GRAMMAR_SET) {
		if (bba) {
			*at = bba->next;
			free(bba);
		}
		return 0;
	}
	if (!bba) {
		bba = *at = calloc(1, sizeof(*bba));
		if (!bba) {
			snprintf(p->error, GRAMMAR_ERROR_MAX, "out of memory");
			return -ENOMEM;
		}
		config_defaults(CONFIG_MODE_BBA, bba);
		snprintf(bba->name, sizeof(bba->name), "%s", name);
	}
	p->bba = bba;
	p->mode = CONFIG_MODE_BBA;
	return 0;
}

/* ---- the tunnel switch ---------------------------------------------------- */

static const char *const search_names[] = {
	[CONFIG_SEARCH_NONE] = "", [CONFIG_SEARCH_HOSTNAME] = "multihop-hostname", [CONFIG_SEARCH_DNIS] = "dnis",
	[CONFIG_SEARCH_DOMAIN] = "domain",
};
static const enum config_search search_default[CONFIG_SEARCH_MAX] = {
	CONFIG_SEARCH_HOSTNAME, CONFIG_SEARCH_DNIS, CONFIG_SEARCH_DOMAIN,
};

void config_search_default(struct config *config)
{
	memcpy(config->search_order, search_default, sizeof(search_default));
}

int command_set_search_order(struct config_parser *p, const struct grammar_match *m)
{
	enum config_search order[CONFIG_SEARCH_MAX] = { CONFIG_SEARCH_NONE };
	size_t n = 0;

	if (m->form != GRAMMAR_SET) {
		config_search_default(p->config);
		return 0;
	}
	/* after "vpdn search-order" */
	for (size_t i = 2; i < m->item_count && n < CONFIG_SEARCH_MAX; i++)
		for (unsigned s = CONFIG_SEARCH_HOSTNAME; s <= CONFIG_SEARCH_DOMAIN; s++) {
			if (m->items[i].word_len != strlen(search_names[s]) ||
			    strncmp(m->items[i].word, search_names[s], m->items[i].word_len))
				continue;
			for (size_t k = 0; k < n; k++)
				if (order[k] == s) {
					snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected each of them once",
						 search_names[s]);
					return -EINVAL;
				}
			order[n++] = (enum config_search)s;
		}
	memcpy(p->config->search_order, order, sizeof(order));
	return 0;
}

void command_print_search_order(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config *config = object;
	const enum config_search *o = config->search_order;

	(void)command;
	if (!config_printing_all(out) && !memcmp(o, search_default, sizeof(search_default)))
		return;
	config_print_line(out, "vpdn search-order %s%s%s%s%s", search_names[o[0]], o[1] ? " " : "", search_names[o[1]],
			  o[2] ? " " : "", search_names[o[2]]);
}

int command_set_dial_peer(struct config_parser *p, const struct grammar_match *m)
{
	const struct grammar_item *to = grammar_arg_get(m, "TO"), *limit = grammar_arg_get(m, "TO-LIMIT"),
				  *priority = grammar_arg_get(m, "TO-PRIORITY");
	struct config_dial_peer *peers = p->vpdn->peers;
	size_t i = 0;

	while (i < CONFIG_DIAL_PEERS_MAX && peers[i].address.family && !endpoint_addr_equal(&peers[i].address, &to->address))
		i++;
	if (m->form != GRAMMAR_SET) {
		if (i == CONFIG_DIAL_PEERS_MAX || !peers[i].address.family)
			return 0;
		memmove(&peers[i], &peers[i + 1], (CONFIG_DIAL_PEERS_MAX - 1 - i) * sizeof(peers[0]));
		memset(&peers[CONFIG_DIAL_PEERS_MAX - 1], 0, sizeof(peers[0]));
		return 0;
	}
	if (i == CONFIG_DIAL_PEERS_MAX) {
		snprintf(p->error, GRAMMAR_ERROR_MAX, "refused '%s': expected at most %d peers in a group", to->text,
			 CONFIG_DIAL_PEERS_MAX);
		return -EINVAL;
	}
	peers[i] = (struct config_dial_peer){ .address = to->address, .limit = limit ? (uint32_t)limit->number : 0,
					      .priority = grammar_has(m, "backup") ? BACKUP_PRIORITY : 1 };
	if (priority)
		peers[i].priority = (uint16_t)priority->number;
	return 0;
}

void command_print_dial_peers(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_vpdn_group *group = object;

	(void)command;
	for (size_t i = 0; i < CONFIG_DIAL_PEERS_MAX && group->peers[i].address.family; i++) {
		const struct config_dial_peer *peer = &group->peers[i];
		char addr[ENDPOINT_TEXT_MAX], limit[32] = "", priority[32] = "";

		if (peer->limit)
			snprintf(limit, sizeof(limit), " limit %u", peer->limit);
		if (peer->priority != 1 || config_printing_all(out))
			snprintf(priority, sizeof(priority), " priority %u", peer->priority);
		config_print_line(out, "initiate-to ip %s%s%s", endpoint_format(&peer->address, false, addr), limit, priority);
	}
}

/* ---- dialers ------------------------------------------------------------ */

int command_enter_dialer(struct config_parser *p, const struct grammar_match *m)
{
	uint16_t number = (uint16_t)grammar_arg_get(m, "DIALER")->number;
	struct config_dialer **at = &p->config->dialers, *dialer;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	dialer = *at;
	if (m->form != GRAMMAR_SET) {
		if (dialer) {
			*at = dialer->next;
			explicit_bzero(dialer, sizeof(*dialer));
			free(dialer);
		}
		return 0;
	}
	if (!dialer) {
		dialer = *at = calloc(1, sizeof(*dialer));
		if (!dialer) {
			snprintf(p->error, GRAMMAR_ERROR_MAX, "out of memory");
			return -ENOMEM;
		}
		config_defaults(CONFIG_MODE_DIALER, dialer);
		dialer->number = number;
	}
	p->dialer = dialer;
	p->mode = CONFIG_MODE_DIALER;
	return 0;
}

int command_set_pap(struct config_parser *p, const struct grammar_match *m)
{
	bool set = m->form == GRAMMAR_SET;

	explicit_bzero(p->dialer->pap_password, sizeof(p->dialer->pap_password));
	snprintf(p->dialer->pap_user, sizeof(p->dialer->pap_user), "%s", set ? text_of(m, "USER") : "");
	snprintf(p->dialer->pap_password, sizeof(p->dialer->pap_password), "%s", set ? text_of(m, "SECRET") : "");
	return 0;
}

void command_print_pap(struct config_printer *out, const struct config_command *command, const void *object)
{
	const struct config_dialer *dialer = object;

	(void)command;
	if (dialer->pap_user[0])
		config_print_line(out, "ppp pap sent-username %s password 0 %s", config_print_name(out, dialer->pap_user),
				  config_print_secret(out, dialer->pap_password));
	else if (config_printing_all(out))
		config_print_line(out, "no ppp pap sent-username");
}

/* ---- checks ------------------------------------------------------------- */

static bool has_own_address(const struct config *config, uint8_t family)
{
	for (const struct config_redundancy_group *g = config->redundancy_groups; g; g = g->next)
		for (size_t i = 0; i < g->vip_count; i++)
			if (g->vips[i].addr.family == family)
				return true;
	return false;
}

/* An address this box, or the other of its pair, has by what is configured; NULL: it is none. */
static const char *own_address(const struct config *config, const struct l2tp_endpoint *to)
{
	for (const struct config_redundancy_group *g = config->redundancy_groups; g; g = g->next) {
		for (size_t i = 0; i < g->vip_count; i++)
			if (endpoint_addr_equal(&g->vips[i].addr, to))
				return "virtual-address";
		if (g->local.family && endpoint_addr_equal(&g->local, to))
			return "local address";
		if (g->peer.family && endpoint_addr_equal(&g->peer, to))
			return "peer address";
	}
	for (const struct config_vpdn_group *g = config->vpdn_groups; g; g = g->next)
		if (g->source_ip.family && endpoint_addr_equal(&g->source_ip, to))
			return "source-ip";
	return NULL;
}

static int check_request(const struct config *config, const struct config_vpdn_group *group, char error[256])
{
	char addr[ENDPOINT_TEXT_MAX];

	if (!group->request_l2tp)
		return config_wrong(error, "vpdn-group %s: request-dialin: protocol l2tp is missing", group->name);
	if (!group->peers[0].address.family)
		return config_wrong(error, "vpdn-group %s: request-dialin: initiate-to is missing", group->name);
	for (size_t i = 0; i < CONFIG_DIAL_PEERS_MAX && group->peers[i].address.family; i++) {
		const struct l2tp_endpoint *to = &group->peers[i].address;

		endpoint_format(to, false, addr);
		if (own_address(config, to))
			return config_wrong(error, "vpdn-group %s: initiate-to ip %s: it is the %s of this box, the call would come back: "
				     "expected another box", group->name, addr, own_address(config, to));
		if (group->source_ip.family && group->source_ip.family != to->family)
			return config_wrong(error, "vpdn-group %s: initiate-to ip %s: source-ip is of the other family", group->name, addr);
		if (!group->source_ip.family && !has_own_address(config, to->family))
			return config_wrong(error, "vpdn-group %s: initiate-to ip %s: source-ip is missing, and there is no "
				     "virtual-address of its family", group->name, addr);
	}
	return 0;
}

static int check_dialer(const struct config *config, const struct config_dialer *dialer, char error[256])
{
	const struct config_vpdn_group *group = config_vpdn_group_find(config, dialer->vpdn_group);

	if (!dialer->vpdn_group[0])
		return config_wrong(error, "interface dialer %u: dialer vpdn-group is missing", dialer->number);
	if (!group)
		return config_wrong(error, "interface dialer %u: there is no vpdn-group %s", dialer->number, dialer->vpdn_group);
	if (!group->request_dialin)
		return config_wrong(error, "interface dialer %u: vpdn-group %s has no request-dialin", dialer->number,
			     dialer->vpdn_group);
	if (!dialer->chap_user[0] != !dialer->chap_password[0])
		return config_wrong(error, "interface dialer %u: ppp chap %s is missing", dialer->number,
			     dialer->chap_user[0] ? "password" : "hostname");
	if (dialer->chap_user[0] && dialer->pap_user[0] &&
	    (strcmp(dialer->chap_user, dialer->pap_user) || strcmp(dialer->chap_password, dialer->pap_password)))
		return config_wrong(error, "interface dialer %u: ppp pap sent-username: expected the name and password of ppp chap",
			     dialer->number);
	for (const struct config_dialer *other = dialer->next; other; other = other->next)
		if (dialer->ifname[0] && !strcmp(dialer->ifname, other->ifname))
			return config_wrong(error, "interface dialer %u and %u have the same interface-name", dialer->number,
				     other->number);
	return 0;
}

static int check_bba(const struct config *config, const struct config_bba *bba, char error[256])
{
	if (!bba->ifname[0])
		return config_wrong(error, "bba-group pppoe %s: interface is missing", bba->name);
	if (!bba->vtemplate)
		return config_wrong(error, "bba-group pppoe %s: virtual-template is missing", bba->name);
	if (!config_vtemplate_find(config, bba->vtemplate))
		return config_wrong(error, "bba-group pppoe %s: there is no interface virtual-template %u", bba->name, bba->vtemplate);
	if (bba->redundancy[0]) {
		const struct config_redundancy_group *g = config->redundancy_groups;

		while (g && strcmp(g->name, bba->redundancy))
			g = g->next;
		if (!g)
			return config_wrong(error, "bba-group pppoe %s: there is no redundancy group %s", bba->name, bba->redundancy);
	}
	for (const struct config_bba *other = bba->next; other; other = other->next)
		if (!strcmp(bba->ifname, other->ifname))
			return config_wrong(error, "bba-group pppoe %s and %s have the same interface", bba->name, other->name);
	return 0;
}

int config_check_dial(const struct config *config, char error[256])
{
	int err = 0;

	for (const struct config_bba *bba = config->bbas; bba && !err; bba = bba->next)
		err = check_bba(config, bba, error);

	for (const struct config_vpdn_group *group = config->vpdn_groups; group && !err; group = group->next)
		if (group->request_dialin)
			err = check_request(config, group, error);
	for (const struct config_dialer *dialer = config->dialers; dialer && !err; dialer = dialer->next)
		err = check_dialer(config, dialer, error);
	return err;
}
