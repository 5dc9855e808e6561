// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration modes of a session (cli.h): each line is tried on a copy
 * of the copy, so that a refused one leaves nothing behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cli.h"
#include "daemon/config_change.h"
#include "daemon/grammar_config.h"
#include "daemon/log.h"
#include "daemon/pool.h"

enum { CHANGES_MAX = 64 };

struct cli_config {
	struct config_parser parser;	/* on `next` */
	struct config *next;		/* what is configured: running, and what does not fit yet */
	char why[256];			/* it does not fit; empty: it is in force */
	char error[GRAMMAR_ERROR_MAX];
};

struct cli_config *cli_config_new(struct show_context *ctx)
{
	struct cli_config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->next = config_clone(ctx->config);
	if (!c->next) {
		free(c);
		return NULL;
	}
	c->parser = (struct config_parser){ .config = c->next, .mode = CONFIG_MODE_GLOBAL, .error = c->error };
	return c;
}

void cli_config_free(struct cli_config *c)
{
	if (!c)
		return;
	if (c->why[0])
		log_info("configuration: lines that were not in force are dropped: %s", c->why);
	config_free(c->next);
	free(c);
}

/* The same place in a copy. */
static struct config_parser parser_in(const struct config_parser *p, struct config *copy)
{
	struct config_parser in = *p;

	in.config = copy;
	if (p->vtemplate)
		in.vtemplate = (struct config_vtemplate *)(uintptr_t)config_vtemplate_find(copy, p->vtemplate->number);
	if (p->vpdn && p->mode == CONFIG_MODE_VPDN_TEMPLATE)
		in.vpdn = (struct config_vpdn_group *)(uintptr_t)config_vpdn_template_find(copy, p->vpdn->name);
	else if (p->vpdn)
		in.vpdn = (struct config_vpdn_group *)(uintptr_t)config_vpdn_group_find(copy, p->vpdn->name);
	if (p->dialer)
		in.dialer = (struct config_dialer *)(uintptr_t)config_dialer_find(copy, p->dialer->number);
	if (p->bba)
		in.bba = (struct config_bba *)(uintptr_t)config_bba_find(copy, p->bba->name);
	if (p->group)
		for (in.group = copy->redundancy_groups; in.group && strcmp(in.group->name, p->group->name);)
			in.group = in.group->next;
	return in;
}

/* Only the object of the mode it stands in matters, and only that is known to exist. */
static void parser_trim(struct config_parser *p)
{
	if (p->mode != CONFIG_MODE_TEMPLATE)
		p->vtemplate = NULL;
	if (p->mode != CONFIG_MODE_VPDN && p->mode != CONFIG_MODE_ACCEPT && p->mode != CONFIG_MODE_REQUEST &&
	    p->mode != CONFIG_MODE_VPDN_TEMPLATE)
		p->vpdn = NULL;
	if (p->mode != CONFIG_MODE_DIALER)
		p->dialer = NULL;
	if (p->mode != CONFIG_MODE_BBA)
		p->bba = NULL;
	if (p->mode != CONFIG_MODE_GROUP)
		p->group = NULL;
}

/* ---- in force ----------------------------------------------------------- */

/* Tunnels that were set up from the VPDN group, of all groups if the line names none. */
static uint32_t tunnels_of(const struct show_context *ctx, const char *line)
{
	const char *name = !strncmp(line, "vpdn-group ", 11) ? line + 11 : NULL;
	struct l2tp_tunnel_info info;
	uint32_t count = 0;

	for (size_t i = 0; i < ctx->group_count; i++) {
		struct l2tp *l2tp = group_l2tp(ctx->groups[i]);

		for (uint16_t id = 0; (id = l2tp_tunnel_next(l2tp, id));) {
			l2tp_tunnel_info(l2tp_tunnel_find(l2tp, id), &info);
			count += info.s.state == L2TP_TUNNEL_ESTABLISHED && (!name || !strcmp(name, info.s.params.group));
		}
	}
	return count;
}

static void note(const struct show_context *ctx, const struct config_change *c, bool all, FILE *out)
{
	uint32_t stay = c->effect == CONFIG_EFFECT_NEW_TUNNELS ? tunnels_of(ctx, c->what) : 0;

	if (all || stay)
		fprintf(out, "%%%s: %s, %s", c->what, config_how_name(c->how), config_effect_text(c->effect));
	if (stay)
		fprintf(out, stay == 1 ? "; %u tunnel stays as it is" : "; %u tunnels stay as they are", stay);
	if (all || stay)
		fputc('\n', out);
}

int cli_config_apply(struct show_context *ctx, struct config *next, unsigned how, char **notes, char why[256])
{
	struct config_change *changes = calloc(CHANGES_MAX, sizeof(*changes));
	int count = changes ? config_diff(ctx->config, next, changes, CHANGES_MAX) : -1, err = -ENOMEM;
	bool sessions = count > CHANGES_MAX;
	size_t size;
	FILE *out = NULL;

	snprintf(why, 256, "out of memory");
	if (count < 0)
		goto refuse;
	for (int i = 0; i < count && i < CHANGES_MAX; i++)
		if (changes[i].effect == CONFIG_EFFECT_RESTART) {
			snprintf(why, 256, "%s: a change of redundancy needs a restart: edit the file, then restart the daemon",
				 changes[i].what);
			err = -EPERM;
			goto refuse;
		}
	for (int i = 0; i < count && i < CHANGES_MAX; i++)
		sessions |= changes[i].effect == CONFIG_EFFECT_NEW_SESSIONS;
	if (sessions && ctx->pools && !(how & CLI_APPLY_DRY) && pool_set_reload(ctx->pools, next))
		goto refuse;
	out = notes ? open_memstream(notes, &size) : NULL;
	for (int i = 0; i < count && i < CHANGES_MAX; i++) {
		if (!(how & CLI_APPLY_DRY))
			log_info("configuration: %s: %s", changes[i].what, config_how_name(changes[i].how));
		if (out)
			note(ctx, &changes[i], how & CLI_APPLY_ALL, out);
	}
	if (out)
		fclose(out);
	free(changes);
	if (!count || (how & CLI_APPLY_DRY)) {
		config_free(next);
		return 0;
	}
	config_replace(ctx->config, next);
	for (size_t i = 0; i < ctx->group_count; i++)
		group_config_changed(ctx->groups[i], ctx->now_ms());
	return 0;
refuse:
	free(changes);
	config_free(next);
	return err;
}

/* ---- lines -------------------------------------------------------------- */

static enum show_code answer(char **body, enum show_code code, const char *prefix, const char *text)
{
	if (asprintf(body, "%s%s\n", prefix, text) < 0)
		*body = NULL;
	return *body ? code : SHOW_FAILED;
}

static enum show_code leave_mode(struct cli_config *c, char **body, bool *leave)
{
	char text[sizeof(c->why) + 32];

	snprintf(text, sizeof(text), "%s (abort forgets it)", c->why);
	if (c->why[0])
		return answer(body, SHOW_ROLE, "%Refused: not in force: ", text);
	*leave = true;
	*body = strdup("");
	return SHOW_OK;
}

static bool word_is(const char *line, const char *word)
{
	size_t n = strcspn(line, " \t\r\n");

	return n == strlen(word) && !strncasecmp(line, word, n) && !line[n + strspn(line + n, " \t\r\n")];
}

static enum show_code line_done(struct cli_config *c, struct show_context *ctx, char **body)
{
	struct config *copy;
	char why[256];

	*body = NULL;
	if (config_check(c->next, why)) {
		/* said once, not at every line of a group that is being written */
		if (!strcmp(c->why, why))
			*body = strdup("");
		memcpy(c->why, why, sizeof(c->why));
		return *body ? SHOW_OK : answer(body, SHOW_OK, "%Not in force yet: ", why);
	}
	c->why[0] = '\0';
	copy = config_clone(c->next);
	if (!copy)
		return answer(body, SHOW_FAILED, "%", "out of memory");
	if (cli_config_apply(ctx, copy, 0, body, why)) {
		free(*body);
		return answer(body, SHOW_ROLE, "%Refused: ", why);
	}
	if (!*body)
		*body = strdup("");
	return SHOW_OK;
}

enum show_code cli_config_line(struct cli_config *c, struct show_context *ctx, const char *line, char **body, bool *leave)
{
	struct config_parser before = c->parser, after;
	struct config *last = c->next, *tried;
	struct grammar_match *m;
	enum show_code code;
	int err;

	line += strspn(line, " \t");
	if (word_is(line, "end") || (before.mode == CONFIG_MODE_GLOBAL && (word_is(line, "exit") || word_is(line, "quit"))))
		return leave_mode(c, body, leave);
	if (word_is(line, "abort")) {
		c->why[0] = '\0';
		return leave_mode(c, body, leave);
	}
	tried = config_clone(last);
	m = malloc(sizeof(*m));
	if (!tried || !m) {
		config_free(tried);
		free(m);
		return answer(body, SHOW_FAILED, "%", "out of memory");
	}
	after = parser_in(&before, tried);
	c->error[0] = '\0';
	m->command = NULL;
	err = config_line_parse(&after, line, m);
	free(m);
	parser_trim(&after);
	if (err) {
		config_free(tried);
		if (show_knows(line))
			return answer(body, SHOW_USAGE, "refused: outside the configuration that is a command; here: do ", line);
		return answer(body, SHOW_USAGE, "", c->error);
	}
	c->parser = after;
	c->next = tried;
	code = line_done(c, ctx, body);
	if (code == SHOW_OK) {
		config_free(last);
		return code;
	}
	c->parser = before;
	c->next = last;
	config_free(tried);
	return code;
}

const char *cli_config_prompt(const struct cli_config *c)
{
	switch (c->parser.mode) {
	case CONFIG_MODE_GLOBAL:
		return "(config)# ";
	case CONFIG_MODE_TEMPLATE:
	case CONFIG_MODE_DIALER:
		return "(config-if)# ";
	case CONFIG_MODE_BBA:
		return "(config-bba-group)# ";
	case CONFIG_MODE_VPDN:
		return "(config-vpdn)# ";
	case CONFIG_MODE_VPDN_TEMPLATE:
		return "(config-vpdn-templ)# ";
	case CONFIG_MODE_ACCEPT:
		return "(config-vpdn-acc-in)# ";
	case CONFIG_MODE_REQUEST:
		return "(config-vpdn-req-in)# ";
	case CONFIG_MODE_REDUNDANCY:
		return "(config-red)# ";
	case CONFIG_MODE_GROUP:
		return "(config-red-group)# ";
	}
	return "(config)# ";
}

static void complete_line(void *ctx, const char *text, const char *help)
{
	fprintf(ctx, "%s\t%s\n", text, help);
}

/* What the mode itself knows; the modes around it only where it knows nothing. */
char *cli_config_complete(const struct cli_config *c, const char *line)
{
	enum config_mode mode = c->parser.mode;

	for (;; mode = config_mode_parent(mode)) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			return NULL;
		grammar_expect(&config_grammar, mode, line, complete_line, out);
		if (!line[strspn(line, " \t")])
			fputs("do\tan exec command\nabort\tforget what is not in force\n", out);
		if (fclose(out)) {
			free(text);
			return NULL;
		}
		if (*text || mode == CONFIG_MODE_GLOBAL)
			return text;
		free(text);
	}
}
