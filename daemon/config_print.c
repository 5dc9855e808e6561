// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a struct config back to text: the running configuration as IOS lists
 * it.  A row of the table prints itself from its own syntax line, so what is
 * printed parses.  The same listing, of shared rows only, feeds the digest.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/grammar_config.h"

struct config_printer {
	FILE *out;
	unsigned flags;
	unsigned indent;
	uint64_t given;		/* rows to print even if they say the default */
	char name[2 * CONFIG_PATH_MAX + 3];
	char secret[2 * CONFIG_SECRET_MAX + 3];
};

void config_print_line(struct config_printer *out, const char *fmt, ...)
{
	va_list ap;

	fprintf(out->out, "%*s", (int)out->indent, "");
	va_start(ap, fmt);
	vfprintf(out->out, fmt, ap);
	va_end(ap);
	fputc('\n', out->out);
}

bool config_printing_all(const struct config_printer *out)
{
	return out->flags & CONFIG_PRINT_ALL;
}

bool config_printing_shared(const struct config_printer *out)
{
	return out->flags & CONFIG_PRINT_SHARED;
}

static const char *quoted(const char *text, char *buf)
{
	char *p = buf;

	if (*text && *text != '"' && !strpbrk(text, " \t"))
		return text;
	*p++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*p++ = '\\';
		*p++ = *text;
	}
	*p++ = '"';
	*p = '\0';
	return buf;
}

const char *config_print_name(struct config_printer *out, const char *name)
{
	return quoted(name, out->name);
}

const char *config_print_secret(struct config_printer *out, const char *secret)
{
	return out->flags & CONFIG_PRINT_SECRETS ? quoted(secret, out->secret) : "<hidden>";
}

/* The keywords of a syntax line: up to its first argument or optional part, without `~`. */
static void keywords(const char *syntax, char *buf, size_t size)
{
	size_t n = strcspn(syntax, "~[{ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	while (n && syntax[n - 1] == ' ')
		n--;
	snprintf(buf, size, "%.*s", (int)n, syntax);
}

/* Without the commas and brackets they are told to peers with. */
static void print_addresses(struct config_printer *out, const char *words, const char *field)
{
	char text[L2TP_TEXT_MAX];
	size_t len = 0;

	for (; *field && len < sizeof(text) - 1; field++)
		if (!strchr(",[]", *field))
			text[len++] = *field;
	text[len] = '\0';
	config_print_line(out, "%s %s", words, text);
}

static void print_setting(struct config_printer *out, const struct config_command *c, const void *object)
{
	const char *field = (const char *)object + c->offset;
	uint64_t number = config_setting_number(c, object);
	bool all = config_printing_all(out), given = out->given & config_setting_bit(c);
	char addr[INET6_ADDRSTRLEN], words[64];
	uint32_t ipv4 = (uint32_t)number;

	keywords(c->g.syntax, words, sizeof(words));
	switch (c->kind) {
	case SETTING_FLAG:
		if (all || given || number != c->def)
			config_print_line(out, "%s%s", number ? "" : "no ", words);
		return;
	case SETTING_U8:
	case SETTING_U16:
	case SETTING_U32:
		if (c->choices && !number) {
			if (all || given || c->def)
				config_print_line(out, "%s %s", words, c->choices[0]);
		} else if (number != c->def || given || (all && number))
			config_print_line(out, "%s %llu", words, (unsigned long long)number);
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_IPV4:
		if (number)
			config_print_line(out, "%s %s", words, inet_ntop(AF_INET, &ipv4, addr, sizeof(addr)));
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_ENDPOINT:
		if (((const struct l2tp_endpoint *)(const void *)field)->family)
			config_print_line(out, "%s %s", words,
					  endpoint_format((const struct l2tp_endpoint *)(const void *)field, false,
							  (char[ENDPOINT_TEXT_MAX]){ 0 }));
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_STRING:
		if (*field)
			config_print_line(out, "%s %s", words,
					  strstr(c->g.syntax, "DESCRIPTION") ? field : config_print_name(out, field));
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_ADDRESSES:
		if (*field)
			print_addresses(out, words, field);
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_SECRET:
		if (*field)
			config_print_line(out, "%s 0 %s", words, config_print_secret(out, field));
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_CHOICE:
		if (*c->choices[number] && (all || given || number != c->def))
			config_print_line(out, "%s %s", words, c->choices[number]);
		else if (all)
			config_print_line(out, "no %s", words);
		return;
	case SETTING_CUSTOM:
		return;
	}
}

static void print_mode(struct config_printer *out, enum config_mode mode, const void *object)
{
	for (size_t i = 0; i < config_grammar.count; i++) {
		const struct config_command *c = (const struct config_command *)config_grammar.commands + i;

		if (!(c->g.modes & mode) || c->alias || (c->node_local && config_printing_shared(out)))
			continue;
		if (c->print)
			c->print(out, c, object);
		else
			print_setting(out, c, object);
	}
}

/*
 * A default that a group states over its template is printed; under `all` the
 * group is listed as it works, with what its template gives it.
 */
static void print_vpdn_group(struct config_printer *out, const struct config *config,
			     const struct config_vpdn_group *group)
{
	struct config_vpdn_group merged;

	config_vpdn_group_merged(config, group, &merged);
	if (config_printing_all(out))
		group = &merged;
	config_print_line(out, "vpdn-group %s", config_print_name(out, group->name));
	out->indent = 1;
	if (group->accept_dialin) {
		config_print_line(out, "accept-dialin");
		out->indent = 2;
		print_mode(out, CONFIG_MODE_ACCEPT, group);
		out->indent = 1;
	}
	if (group->request_dialin) {
		config_print_line(out, "request-dialin");
		out->indent = 2;
		print_mode(out, CONFIG_MODE_REQUEST, group);
		out->indent = 1;
	}
	if (config_vpdn_template_of(config, group))
		out->given = group->set;
	print_mode(out, CONFIG_MODE_VPDN, group);
	out->given = 0;
	out->indent = 0;
	config_print_line(out, "!");
}

static void print_vpdn_template(struct config_printer *out, const struct config_vpdn_group *template)
{
	config_print_line(out, "vpdn-template%s%s", template->name[0] ? " " : "",
			  template->name[0] ? config_print_name(out, template->name) : "");
	out->indent = 1;
	out->given = template->set;
	print_mode(out, CONFIG_MODE_VPDN_TEMPLATE, template);
	out->given = 0;
	out->indent = 0;
	config_print_line(out, "!");
}

static void print_all(struct config_printer *out, const struct config *config)
{
	print_mode(out, CONFIG_MODE_GLOBAL, config);
	config_print_line(out, "!");
	for (const struct config_vtemplate *vt = config->vtemplates; vt; vt = vt->next) {
		config_print_line(out, "interface virtual-template %u", vt->number);
		out->indent = 1;
		print_mode(out, CONFIG_MODE_TEMPLATE, vt);
		out->indent = 0;
		config_print_line(out, "!");
	}
	for (const struct config_vpdn_group *template = config->vpdn_templates; template; template = template->next)
		print_vpdn_template(out, template);
	for (const struct config_vpdn_group *group = config->vpdn_groups; group; group = group->next)
		print_vpdn_group(out, config, group);
	for (const struct config_dialer *dialer = config->dialers; dialer; dialer = dialer->next) {
		config_print_line(out, "interface dialer %u", dialer->number);
		out->indent = 1;
		print_mode(out, CONFIG_MODE_DIALER, dialer);
		out->indent = 0;
		config_print_line(out, "!");
	}
	for (const struct config_bba *bba = config->bbas; bba; bba = bba->next) {
		config_print_line(out, "bba-group pppoe %s", config_print_name(out, bba->name));
		out->indent = 1;
		print_mode(out, CONFIG_MODE_BBA, bba);
		out->indent = 0;
		config_print_line(out, "!");
	}
	if (!config->redundancy_groups && config->mode_sso && !config_printing_all(out))
		return;
	config_print_line(out, "redundancy");
	out->indent = 1;
	print_mode(out, CONFIG_MODE_REDUNDANCY, config);
	for (const struct config_redundancy_group *group = config->redundancy_groups; group; group = group->next) {
		config_print_line(out, "group %s", config_print_name(out, group->name));
		out->indent = 2;
		print_mode(out, CONFIG_MODE_GROUP, group);
		out->indent = 1;
		config_print_line(out, "!");
	}
	out->indent = 0;
	config_print_line(out, "!");
}

char *config_print(const struct config *config, unsigned flags)
{
	struct config_printer out = { .flags = flags };
	char *text = NULL;
	size_t size;

	out.out = open_memstream(&text, &size);
	if (!out.out)
		return NULL;
	print_all(&out, config);
	if (fclose(out.out)) {
		free(text);
		return NULL;
	}
	return text;
}
