// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration of a running daemon: a copy to try changes on, what they
 * would disturb, and putting them in force.
 *
 * A change is put in force by exchanging what the running struct config holds
 * (config_replace()), between two wake-ups: whoever looks into it finds the
 * new objects from then on, and nobody may have kept a pointer to an old one.
 * Redundancy groups are the exception: they are kept as they are, and a
 * change of them is refused, because addresses, keys and timers of a pair
 * that runs cannot be exchanged under it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_change.h"
#include "daemon/grammar_config.h"

/* ---- copies ------------------------------------------------------------- */

/* All objects of `size` octets begin with `next`. False: no memory; *to is what was made until then. */
static bool list_copy(void *to, const void *from, size_t size)
{
	void *end = NULL;

	memcpy(to, &end, sizeof(end));
	while (from) {
		void *copy = malloc(size);

		if (!copy)
			return false;
		memcpy(copy, from, size);
		memcpy(copy, &end, sizeof(end));
		memcpy(to, &copy, sizeof(copy));
		to = copy;
		memcpy(&from, from, sizeof(end));
	}
	return true;
}

struct config *config_clone(const struct config *config)
{
	struct config *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *config;
	copy->users = NULL;
	copy->pools = NULL;
	copy->vtemplates = NULL;
	copy->vpdn_groups = copy->vpdn_templates = NULL;
	copy->dialers = NULL;
	copy->bbas = NULL;
	copy->redundancy_groups = NULL;
	copy->user_index = NULL;
	if (!list_copy(&copy->pools, config->pools, sizeof(*copy->pools)) ||
	    !list_copy(&copy->vtemplates, config->vtemplates, sizeof(*copy->vtemplates)) ||
	    !list_copy(&copy->vpdn_groups, config->vpdn_groups, sizeof(*copy->vpdn_groups)) ||
	    !list_copy(&copy->vpdn_templates, config->vpdn_templates, sizeof(*copy->vpdn_templates)) ||
	    !list_copy(&copy->dialers, config->dialers, sizeof(*copy->dialers)) ||
	    !list_copy(&copy->bbas, config->bbas, sizeof(*copy->bbas)) ||
	    !list_copy(&copy->redundancy_groups, config->redundancy_groups, sizeof(*copy->redundancy_groups)))
		goto fail;
	if (config_users_share(copy, config))
		goto fail;
	return copy;
fail:
	config_free(copy);
	return NULL;
}

void config_replace(struct config *running, struct config *next)
{
	struct config old = *running;

	*running = *next;
	running->redundancy_groups = old.redundancy_groups;
	old.redundancy_groups = next->redundancy_groups;
	*next = old;
	config_free(next);
}

/* ---- differences -------------------------------------------------------- */

struct section {		/* a line at the margin and the indented ones below it */
	const char *text;
	size_t len, head;	/* octets; of the first line */
};

struct sections {
	char *text;
	struct section *list;
	size_t count;
};

static int by_head(const void *a, const void *b)
{
	const struct section *x = a, *y = b;
	size_t n = x->head < y->head ? x->head : y->head;
	int order = memcmp(x->text, y->text, n);

	return order ? order : x->head < y->head ? -1 : x->head > y->head;
}

/* Of the configuration without its users, who are many and compared by themselves. */
static bool sections_make(const struct config *config, struct sections *s)
{
	struct config some = *config;
	size_t lines = 0;

	some.users = NULL;
	s->text = config_print(&some, CONFIG_PRINT_SECRETS);
	if (!s->text)
		return false;
	for (const char *p = s->text; *p; p++)
		lines += *p == '\n';
	s->list = calloc(lines + 1, sizeof(*s->list));
	if (!s->list)
		return false;
	for (const char *p = s->text; *p;) {
		struct section *one = &s->list[s->count];
		size_t len = strcspn(p, "\n");

		*one = (struct section){ .text = p, .head = len };
		while (p[len] == '\n' && p[len + 1] == ' ')
			len += 1 + strcspn(p + len + 1, "\n");
		one->len = len;
		s->count += *p != '!';
		p += len + (p[len] == '\n');
	}
	qsort(s->list, s->count, sizeof(*s->list), by_head);
	return true;
}

static void sections_free(struct sections *s)
{
	if (s->text)
		explicit_bzero(s->text, strlen(s->text));
	free(s->text);
	free(s->list);
}

struct sink {
	struct config_change *out;
	size_t max, count;
};

/* What is told of a change: never a secret. */
static const struct {
	const char *prefix;
	size_t words;		/* so many of the line are shown; 0: all */
	enum config_effect effect;
} kinds[] = {
	{ "redundancy", 0, CONFIG_EFFECT_RESTART },
	{ "hostname ", 0, CONFIG_EFFECT_AT_ONCE },
	{ "no l2tp sso ", 0, CONFIG_EFFECT_NEW_TUNNELS },
	{ "l2tp ", 0, CONFIG_EFFECT_NEW_TUNNELS },
	{ "vpdn enable", 0, CONFIG_EFFECT_NEW_TUNNELS },
	{ "vpdn limit-", 0, CONFIG_EFFECT_NEW_TUNNELS },
	{ "vpdn-", 0, CONFIG_EFFECT_NEW_TUNNELS },
	{ "ip tcp ", 0, CONFIG_EFFECT_AT_ONCE },
	{ "enable ", 2, CONFIG_EFFECT_AT_ONCE },
	{ "bba-group ", 0, CONFIG_EFFECT_RESTART },
	{ "interface dialer ", 0, CONFIG_EFFECT_NEW_CALLS },
	{ "", 0, CONFIG_EFFECT_NEW_SESSIONS },
};

static void change_add(struct sink *sink, const struct section *s, enum config_how how)
{
	struct config_change *c;
	size_t kind = 0, words = 0, len = 0;

	if (sink->count++ >= sink->max)
		return;
	c = &sink->out[sink->count - 1];
	while (strncmp(s->text, kinds[kind].prefix, strlen(kinds[kind].prefix)))
		kind++;
	while (len < s->head && !(s->text[len] == ' ' && ++words == kinds[kind].words))
		len++;
	snprintf(c->what, sizeof(c->what), "%.*s", (int)len, s->text);
	c->how = how;
	c->effect = kinds[kind].effect;
}

static void users_compare(const struct config *old, const struct config *next, struct sink *sink)
{
	uint32_t added = 0, removed = 0, changed = 0;

	if (old->user_index && old->user_index == next->user_index)
		return;
	for (const struct config_user *u = next->users; u; u = u->next) {
		const struct config_user *was = config_user_find(old, u->name);

		added += !was;
		changed += was && (strcmp(was->password, u->password) || was->address != u->address);
	}
	for (const struct config_user *u = old->users; u; u = u->next)
		removed += !config_user_find(next, u->name);
	if (!added && !removed && !changed)
		return;
	if (sink->count++ >= sink->max)
		return;
	sink->out[sink->count - 1] = (struct config_change){ .how = CONFIG_CHANGED, .effect = CONFIG_EFFECT_NEW_SESSIONS };
	snprintf(sink->out[sink->count - 1].what, sizeof(sink->out->what), "username: %u added, %u removed, %u changed",
		 added, removed, changed);
}

int config_diff(const struct config *old, const struct config *next, struct config_change *out, size_t max)
{
	struct sections a = { 0 }, b = { 0 };
	struct sink sink = { .out = out, .max = max };
	size_t i = 0, j = 0;
	int count = -1;

	if (!sections_make(old, &a) || !sections_make(next, &b))
		goto done;
	while (i < a.count || j < b.count) {
		int order = i == a.count ? 1 : j == b.count ? -1 : by_head(&a.list[i], &b.list[j]);

		if (order < 0)
			change_add(&sink, &a.list[i++], CONFIG_REMOVED);
		else if (order > 0)
			change_add(&sink, &b.list[j++], CONFIG_ADDED);
		else if (a.list[i].len != b.list[j].len || memcmp(a.list[i].text, b.list[j].text, a.list[i].len))
			change_add(&sink, &b.list[j], CONFIG_CHANGED), i++, j++;
		else
			i++, j++;
	}
	users_compare(old, next, &sink);
	count = (int)sink.count;
done:
	sections_free(&a);
	sections_free(&b);
	return count;
}

const char *config_how_name(enum config_how how)
{
	switch (how) {
	case CONFIG_ADDED:
		return "added";
	case CONFIG_REMOVED:
		return "removed";
	case CONFIG_CHANGED:
		return "changed";
	}
	return "?";
}

const char *config_effect_text(enum config_effect effect)
{
	switch (effect) {
	case CONFIG_EFFECT_AT_ONCE:
		return "holds at once";
	case CONFIG_EFFECT_NEW_SESSIONS:
		return "holds for new sessions";
	case CONFIG_EFFECT_NEW_TUNNELS:
		return "holds for new tunnels";
	case CONFIG_EFFECT_NEW_CALLS:
		return "holds when it dials again; one that is removed or shut down hangs up";
	case CONFIG_EFFECT_RESTART:
		return "needs a restart of the daemon";
	}
	return "?";
}
