// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration as an object: making, freeing, finding in it, checking
 * that its parts fit together, and the digest by which two nodes see that
 * they would serve a subscriber alike.
 */
#include "daemon/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "daemon/grammar_config.h"

struct config *config_new(void)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config_defaults(CONFIG_MODE_GLOBAL, config);
	config_search_default(config);
	config_defaults(CONFIG_MODE_REDUNDANCY, config);
	return config;
}

#define LIST_FREE(list) \
	while (list) { \
		void *next_ = (list)->next; \
		explicit_bzero(list, sizeof(*(list))); /* secrets */ \
		free(list); \
		(list) = next_; \
	}

/* ---- users: a list in the order of the file, and an index by name -------- */

#define USER_BUCKETS 65536u

/* Shared by copies of a configuration until one of them changes its users. */
struct config_user_index {
	unsigned refs;
	struct config_user *head, **tail;	/* where the next one is appended */
	struct config_user *buckets[USER_BUCKETS];
};

static struct config_user **user_bucket(const struct config *config, const char *name)
{
	uint32_t hash = 2166136261u;	/* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return &config->user_index->buckets[hash % USER_BUCKETS];
}

const struct config_user *config_user_find(const struct config *config, const char *name)
{
	const struct config_user *user;

	if (config->user_index)
		for (user = *user_bucket(config, name); user && strcmp(user->name, name);)
			user = user->bucket_next;
	else
		for (user = config->users; user && strcmp(user->name, name);)
			user = user->next;
	return user;
}

static int index_new(struct config *config)
{
	config->user_index = calloc(1, sizeof(*config->user_index));
	if (!config->user_index)
		return -ENOMEM;
	config->user_index->refs = 1;
	config->user_index->tail = &config->user_index->head;
	config->users = NULL;
	return 0;
}

static struct config_user *user_append(struct config *config, const char *name)
{
	struct config_user_index *index = config->user_index;
	struct config_user **bucket = user_bucket(config, name), *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	snprintf(user->name, sizeof(user->name), "%s", name);
	user->bucket_next = *bucket;
	*bucket = user;
	*index->tail = user;
	index->tail = &user->next;
	config->users = index->head;
	return user;
}

static void index_put(struct config_user_index *index)
{
	if (--index->refs)
		return;
	LIST_FREE(index->head);
	free(index);
}

/* Users of its own, which are those of `from`. */
static int users_copy(struct config *config, const struct config_user *from)
{
	if (index_new(config))
		return -ENOMEM;
	for (; from; from = from->next) {
		struct config_user *user = user_append(config, from->name);

		if (!user)
			return -ENOMEM;
		memcpy(user->password, from->password, sizeof(user->password));
		user->address = from->address;
	}
	return 0;
}

int config_users_share(struct config *config, const struct config *from)
{
	if (!from->user_index)
		return users_copy(config, from->users);
	config->user_index = from->user_index;
	config->user_index->refs++;
	config->users = from->users;
	return 0;
}

/* Before a change: nobody else sees it. */
static int users_own(struct config *config)
{
	struct config_user_index *shared = config->user_index;
	int err;

	if (!shared)
		return index_new(config);
	if (shared->refs == 1)
		return 0;
	err = users_copy(config, shared->head);
	if (!err) {
		index_put(shared);
		return 0;
	}
	if (config->user_index)
		index_put(config->user_index);
	config->user_index = shared;
	config->users = shared->head;
	return err;
}

struct config_user *config_user_make(struct config *config, const char *name)
{
	struct config_user *user;

	if (users_own(config))
		return NULL;
	for (user = *user_bucket(config, name); user; user = user->bucket_next)
		if (!strcmp(user->name, name))
			return user;
	return user_append(config, name);
}

int config_user_remove(struct config *config, const char *name)
{
	struct config_user **at, *user;

	if (!config->user_index || !config_user_find(config, name))
		return 0;
	if (users_own(config))
		return -ENOMEM;
	for (at = user_bucket(config, name); *at && strcmp((*at)->name, name);)
		at = &(*at)->bucket_next;
	user = *at;
	if (!user)
		return 0;
	*at = user->bucket_next;
	for (at = &config->user_index->head; *at != user;)
		at = &(*at)->next;
	*at = user->next;
	if (config->user_index->tail == &user->next)
		config->user_index->tail = at;
	config->users = config->user_index->head;
	explicit_bzero(user, sizeof(*user));
	free(user);
	return 0;
}

const struct config_pool *config_pool_find(const struct config *config, const char *name)
{
	const struct config_pool *pool = config->pools;

	while (pool && strcmp(pool->name, name))
		pool = pool->next;
	return pool;
}

const struct config_vtemplate *config_vtemplate_find(const struct config *config, uint16_t number)
{
	const struct config_vtemplate *vt = config->vtemplates;

	while (vt && vt->number != number)
		vt = vt->next;
	return vt;
}

const struct config_bba *config_bba_find(const struct config *config, const char *name)
{
	const struct config_bba *bba = config->bbas;

	while (bba && strcmp(bba->name, name))
		bba = bba->next;
	return bba;
}

size_t config_bba_redundancy(const struct config *config, const struct config_bba *bba)
{
	const struct config_redundancy_group *g = config->redundancy_groups;
	size_t at = 0;

	while (bba->redundancy[0] && g && strcmp(g->name, bba->redundancy)) {
		g = g->next;
		at++;
	}
	return g ? at : 0;
}

const struct config_dialer *config_dialer_find(const struct config *config, uint16_t number)
{
	const struct config_dialer *dialer = config->dialers;

	while (dialer && dialer->number != number)
		dialer = dialer->next;
	return dialer;
}

const struct config_vpdn_group *config_vpdn_group_find(const struct config *config, const char *name)
{
	const struct config_vpdn_group *group = config->vpdn_groups;

	while (group && strcmp(group->name, name))
		group = group->next;
	return group;
}

const struct config_vpdn_group *config_vpdn_template_find(const struct config *config, const char *name)
{
	const struct config_vpdn_group *template = config->vpdn_templates;

	while (template && strcmp(template->name, name))
		template = template->next;
	return template;
}

const struct config_vpdn_group *config_vpdn_template_of(const struct config *config, const struct config_vpdn_group *group)
{
	return config_vpdn_template_find(config, group->source_template);
}

void config_vpdn_group_merged(const struct config *config, const struct config_vpdn_group *group,
			      struct config_vpdn_group *out)
{
	const struct config_vpdn_group *template = config_vpdn_template_of(config, group);

	*out = *group;
	if (template)
		config_vpdn_group_inherit(template, out);
}

void config_vpdn_group_effective(const struct config *config, const struct config_vpdn_group *group,
				 struct config_vpdn_group *out)
{
	config_vpdn_group_merged(config, group, out);
	if (out->failover == L2TP_FAILOVER_UNSET)
		out->failover = config->failover;
	if (out->limit_code == CONFIG_LIMIT_UNSET)
		out->limit_code = config->limit_code;
	if (!out->limit_redirect[0])
		memcpy(out->limit_redirect, config->limit_redirect, sizeof(out->limit_redirect));
}

const char *config_failover_name(enum l2tp_failover failover)
{
	return config_failover_names[failover];
}

const char *config_detector_name(enum config_detector detector)
{
	return config_detector_names[detector];
}

void config_free(struct config *config)
{
	if (!config)
		return;
	if (config->user_index)
		index_put(config->user_index);
	else
		LIST_FREE(config->users);
	LIST_FREE(config->pools);
	LIST_FREE(config->vtemplates);
	LIST_FREE(config->vpdn_groups);
	LIST_FREE(config->vpdn_templates);
	LIST_FREE(config->dialers);
	LIST_FREE(config->bbas);
	LIST_FREE(config->redundancy_groups);
	explicit_bzero(config, sizeof(*config));
	free(config);
}

/* ---- checks ------------------------------------------------------------- */

int config_wrong(char error[256], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, 256, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool pool_has(const struct config_pool *pool, uint32_t addr)
{
	return addr && ntohl(addr) >= pool->first && ntohl(addr) <= pool->last;
}

static int check_pools(const struct config *config, char error[256])
{
	for (const struct config_pool *a = config->pools; a; a = a->next)
		for (const struct config_pool *b = a->next; b; b = b->next)
			if (a->first <= b->last && b->first <= a->last)
				return config_wrong(error, "ip local pool %s and %s have addresses in common", a->name, b->name);
	return 0;
}

static int check_template(const struct config *config, const struct config_vtemplate *vt, char error[256])
{
	if (!vt->local_address)
		return config_wrong(error, "interface virtual-template %u: ip address is missing", vt->number);
	if (vt->pool[0] && !config_pool_find(config, vt->pool))
		return config_wrong(error, "interface virtual-template %u: there is no ip local pool %s", vt->number, vt->pool);
	for (const struct config_pool *pool = config->pools; pool; pool = pool->next)
		if (pool_has(pool, vt->local_address))
			return config_wrong(error, "interface virtual-template %u: ip address is also in ip local pool %s",
				     vt->number, pool->name);
	for (const struct config_user *user = config->users; user; user = user->next)
		if (user->address == vt->local_address)
			return config_wrong(error, "username %s: address is that of virtual-template %u", user->name, vt->number);
	return 0;
}

static int check_vpdn_group(const struct config *config, const struct config_vpdn_group *group, char error[256])
{
	struct config_vpdn_group e;

	if (group->source_template[0] && !config_vpdn_template_of(config, group))
		return config_wrong(error, "vpdn-group %s: there is no vpdn-template %s", group->name, group->source_template);
	config_vpdn_group_effective(config, group, &e);
	if (group->accept_dialin && !group->protocol_l2tp)
		return config_wrong(error, "vpdn-group %s: accept-dialin: protocol l2tp is missing", group->name);
	if (group->accept_dialin && !group->vtemplate)
		return config_wrong(error, "vpdn-group %s: accept-dialin: virtual-template is missing", group->name);
	if (group->vtemplate && !config_vtemplate_find(config, group->vtemplate))
		return config_wrong(error, "vpdn-group %s: there is no interface virtual-template %u", group->name,
			     group->vtemplate);
	if ((group->accept_dialin || group->request_dialin) && e.tunnel_auth && !e.tunnel_password[0])
		return config_wrong(error, "vpdn-group %s: l2tp tunnel password is missing (or no l2tp tunnel authentication)",
			     group->name);
	if (e.retransmit_min_s > e.retransmit_max_s)
		return config_wrong(error, "vpdn-group %s: l2tp tunnel retransmit timeout: min %u is more than max %u",
			     group->name, e.retransmit_min_s, e.retransmit_max_s);
	if (e.initial_min_s > e.initial_max_s)
		return config_wrong(error, "vpdn-group %s: l2tp tunnel retransmit initial timeout: min %u is more than max %u",
			     group->name, e.initial_min_s, e.initial_max_s);
	if (e.hide && !e.tunnel_password[0])
		return config_wrong(error, "vpdn-group %s: l2tp hidden: l2tp tunnel password is missing", group->name);
	if (e.limit_code == CONFIG_LIMIT_DIRECTED && !e.limit_redirect[0])
		return config_wrong(error, "vpdn-group %s: limit-code directed: limit-redirect is missing", group->name);
	for (const struct config_vpdn_group *other = group->next; other; other = other->next)
		if (group->accept_dialin && other->accept_dialin &&
		    !strcmp(group->terminate_from, other->terminate_from) &&
		    (!group->source_ip.family || !other->source_ip.family ||
		     endpoint_addr_equal(&group->source_ip, &other->source_ip)))
			return config_wrong(error, "vpdn-group %s and %s are for the same peers%s%s", group->name, other->name,
				     group->terminate_from[0] ? ": terminate-from hostname " : " (both without terminate-from)",
				     group->terminate_from);
	return 0;
}

static int check_redundancy_group(const struct config_redundancy_group *g, char error[256])
{
	if (!g->vip_count)
		return config_wrong(error, "redundancy group %s: virtual-address is missing", g->name);
	for (const struct config_redundancy_group *o = g; o; o = o->next)
		for (size_t i = 0; i < g->vip_count; i++)
			for (size_t j = o == g ? i + 1 : 0; j < o->vip_count; j++)
				if (endpoint_addr_equal(&g->vips[i].addr, &o->vips[j].addr))
					return config_wrong(error, "redundancy group %s and %s have a virtual-address in common",
						     g->name, o->name);
	if (g->detector == CONFIG_DETECTOR_KEEPALIVED && !g->keepalived_fifo[0])
		return config_wrong(error, "redundancy group %s: detector keepalived: keepalived fifo is missing", g->name);
	if (g->detector == CONFIG_DETECTOR_BUILTIN && g->keepalived_fifo[0])
		return config_wrong(error, "redundancy group %s: keepalived fifo: expected detector keepalived, two cannot decide",
			     g->name);
	if (!g->peer.family && !g->local.family)
		return 0;	/* virtual addresses of a box without a peer */
	if (!g->peer.family)
		return config_wrong(error, "redundancy group %s: peer address is missing", g->name);
	if (!g->local.family)
		return config_wrong(error, "redundancy group %s: local address is missing", g->name);
	if (g->local.family != g->peer.family)
		return config_wrong(error, "redundancy group %s: local and peer address are not of one family", g->name);
	if (endpoint_equal(&g->local, &g->peer))
		return config_wrong(error, "redundancy group %s: local and peer address are the same", g->name);
	if (!g->key_len && !g->key_file[0])
		return config_wrong(error, "redundancy group %s: pre-shared-key is missing", g->name);
	if (g->dead_ms < 3 * g->heartbeat_ms)
		return config_wrong(error, "redundancy group %s: timers: dead %u is less than three heartbeats of %u", g->name,
			     g->dead_ms, g->heartbeat_ms);
	if (g->lease_ms > g->dead_ms)
		return config_wrong(error, "redundancy group %s: timers: lease %u is more than dead %u: both nodes could speak",
			     g->name, g->lease_ms, g->dead_ms);
	for (const struct config_redundancy_group *o = g->next; o; o = o->next) {
		if (!o->tunnel_first != !g->tunnel_first)
			return config_wrong(error, "redundancy group %s: tunnel-ids is missing, %s has it",
				     g->tunnel_first ? o->name : g->name, g->tunnel_first ? g->name : o->name);
		if (g->tunnel_first && g->tunnel_first <= o->tunnel_last && o->tunnel_first <= g->tunnel_last)
			return config_wrong(error, "redundancy group %s and %s have tunnel-ids in common", g->name, o->name);
	}
	for (const struct config_redundancy_group *o = g->next; o; o = o->next)
		if (o->local.family && endpoint_equal(&g->local, &o->local))
			return config_wrong(error, "redundancy group %s and %s have the same local address and port", g->name, o->name);
	return 0;
}

int config_check(const struct config *config, char error[256])
{
	int err = check_pools(config, error);

	for (const struct config_vtemplate *vt = config->vtemplates; vt && !err; vt = vt->next)
		err = check_template(config, vt, error);
	for (const struct config_vpdn_group *group = config->vpdn_groups; group && !err; group = group->next)
		err = check_vpdn_group(config, group, error);
	if (!err)
		err = config_check_dial(config, error);
	for (const struct config_redundancy_group *g = config->redundancy_groups; g && !err; g = g->next)
		err = check_redundancy_group(g, error);
	return err;
}

void config_tunnel_ids(const struct config *config, size_t index, uint16_t *first, uint16_t *last)
{
	const struct config_redundancy_group *g = config->redundancy_groups;
	size_t count = 0;

	for (const struct config_redundancy_group *o = g; o; o = o->next)
		count++;
	for (size_t i = 0; g && i < index; i++)
		g = g->next;
	count = count ? count : 1;
	*first = g && g->tunnel_first ? g->tunnel_first : (uint16_t)(index * 65535 / count + 1);
	*last = g && g->tunnel_first ? g->tunnel_last : (uint16_t)((index + 1) * 65535 / count);
}

/* ---- digest ------------------------------------------------------------- */

/*
 * The sum of the digests of the sections: the order of sections does not
 * matter, that of lines within one does not either as the table gives it.
 * Defaults are left out: a release that knows more commands than the other's
 * has the same digest as long as nobody uses them.
 */
void config_digest(const struct config *config, uint8_t digest[16])
{
	char *text = config_print(config, CONFIG_PRINT_SHARED | CONFIG_PRINT_SECRETS);
	char *p = text;

	memset(digest, 0, 16);
	if (!text)
		return;
	while (*p) {
		uint8_t one[16];
		struct sha256_ctx sha;
		size_t len = strcspn(p, "\n");
		const char *section = p;

		/* a section is a line at the margin and the indented ones below it */
		while (p[len] == '\n' && p[len + 1] == ' ')
			len += 1 + strcspn(p + len + 1, "\n");
		sha256_init(&sha);
		sha256_update(&sha, len, (const uint8_t *)section);
		sha256_digest(&sha, sizeof(one), one);
		for (int i = 15, carry = 0; i >= 0; i--) {
			carry += digest[i] + one[i];
			digest[i] = (uint8_t)carry;
			carry >>= 8;
		}
		p += len + (p[len] == '\n');
	}
	explicit_bzero(text, strlen(text));
	free(text);
}
