// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From text to a struct config: finds each line's command (a line that its
 * mode does not know is tried in the modes around it, as IOS does) and sets
 * the field its table row names.  Pure; files are read in io_config.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/grammar_config.h"

static void number_set(const struct config_command *c, void *object, uint64_t number)
{
	char *field = (char *)object + c->offset;

	switch (c->kind) {
	case SETTING_FLAG:
		*(bool *)(void *)field = number != 0;
		return;
	case SETTING_U8:
		*(uint8_t *)(void *)field = (uint8_t)number;
		return;
	case SETTING_U16:
		*(uint16_t *)(void *)field = (uint16_t)number;
		return;
	case SETTING_U32:
	case SETTING_IPV4:
		*(uint32_t *)(void *)field = (uint32_t)number;
		return;
	case SETTING_CHOICE:
		*(unsigned *)(void *)field = (unsigned)number;
		return;
	case SETTING_STRING:
	case SETTING_SECRET:
	case SETTING_ENDPOINT:
	case SETTING_ADDRESSES:
	case SETTING_CUSTOM:
		return;
	}
}

uint64_t config_setting_number(const struct config_command *c, const void *object)
{
	const char *field = (const char *)object + c->offset;

	switch (c->kind) {
	case SETTING_FLAG:
		return *(const bool *)(const void *)field;
	case SETTING_U8:
		return *(const uint8_t *)(const void *)field;
	case SETTING_U16:
		return *(const uint16_t *)(const void *)field;
	case SETTING_U32:
	case SETTING_IPV4:
		return *(const uint32_t *)(const void *)field;
	case SETTING_CHOICE:
		return *(const unsigned *)(const void *)field;
	case SETTING_STRING:
	case SETTING_SECRET:
	case SETTING_ENDPOINT:
	case SETTING_ADDRESSES:
	case SETTING_CUSTOM:
		return 0;
	}
	return 0;
}

void config_setting_reset(const struct config_command *c, void *object)
{
	if (c->kind == SETTING_STRING || c->kind == SETTING_SECRET || c->kind == SETTING_ENDPOINT ||
	    c->kind == SETTING_ADDRESSES)
		memset((char *)object + c->offset, 0, c->size);
	else
		number_set(c, object, c->def);
}

bool config_choice_of(const struct grammar_match *match, const char *const *names, unsigned *choice)
{
	for (unsigned i = 0; names[i]; i++)
		if (*names[i] && grammar_has(match, names[i])) {
			*choice = i;
			return true;
		}
	return false;
}

/* As the error message of a "try another (directed)" has them: RFC 3931 5.4.2. */
static void addresses_set(char *field, size_t size, const struct grammar_match *m)
{
	char text[ENDPOINT_TEXT_MAX];
	size_t len = 0;

	memset(field, 0, size);
	for (size_t i = 0; i < m->item_count && len < size; i++) {
		const struct l2tp_endpoint *address = &m->items[i].address;
		bool six = address->family == 6;

		if (!address->family)
			continue;
		len += (size_t)snprintf(field + len, size - len, "%s%s%s%s", len ? ", " : "", six ? "[" : "",
					endpoint_format(address, false, text), six ? "]" : "");
	}
}

static void setting_set(const struct config_command *c, void *object, const struct grammar_match *m)
{
	/* of a setting the argument stands last; a `no` form without it is done below */
	const struct grammar_item *item = &m->items[m->item_count ? m->item_count - 1 : 0];
	char *field = (char *)object + c->offset;
	unsigned choice = 0;
	uint32_t addr;

	if (m->form == GRAMMAR_DEFAULT || (m->form == GRAMMAR_NO && c->kind != SETTING_FLAG)) {
		config_setting_reset(c, object);
		return;
	}
	switch (c->kind) {
	case SETTING_FLAG:
		number_set(c, object, m->form == GRAMMAR_SET);
		return;
	case SETTING_U8:
	case SETTING_U16:
	case SETTING_U32:
		number_set(c, object, item->number);
		return;
	case SETTING_IPV4:
		memcpy(&addr, item->address.addr, sizeof(addr));
		number_set(c, object, addr);
		return;
	case SETTING_ENDPOINT:
		*(struct l2tp_endpoint *)(void *)field = item->address;
		return;
	case SETTING_STRING:
	case SETTING_SECRET:
		memset(field, 0, c->size);
		snprintf(field, c->size, "%s", item->text);
		return;
	case SETTING_ADDRESSES:
		addresses_set(field, c->size, m);
		return;
	case SETTING_CHOICE:
		config_choice_of(m, c->choices, &choice);
		number_set(c, object, choice);
		return;
	case SETTING_CUSTOM:
		return;
	}
}

enum config_mode config_mode_parent(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_MODE_ACCEPT:
	case CONFIG_MODE_REQUEST:
		return CONFIG_MODE_VPDN;
	case CONFIG_MODE_GROUP:
		return CONFIG_MODE_REDUNDANCY;
	case CONFIG_MODE_GLOBAL:
	case CONFIG_MODE_TEMPLATE:
	case CONFIG_MODE_VPDN:
	case CONFIG_MODE_VPDN_TEMPLATE:
	case CONFIG_MODE_DIALER:
	case CONFIG_MODE_BBA:
	case CONFIG_MODE_REDUNDANCY:
		return CONFIG_MODE_GLOBAL;
	}
	return CONFIG_MODE_GLOBAL;
}

int config_line_parse(struct config_parser *p, const char *line, struct grammar_match *m)
{
	char error[GRAMMAR_ERROR_MAX];
	const struct config_command *c;
	enum config_mode mode = p->mode;
	size_t deepest = 0;
	uint64_t bit;
	int err;

	for (;; mode = config_mode_parent(mode)) {
		err = grammar_match(&config_grammar, mode, line, m, error);
		if (err == -ENODATA)
			return 0;	/* m->command stays NULL */
		if (!err)
			break;
		/* the message of the mode that understood most; of equals the inner one */
		if (!p->error[0] || m->depth > deepest) {
			memcpy(p->error, error, sizeof(error));
			deepest = m->depth;
		}
		if (mode == CONFIG_MODE_GLOBAL)
			return err;
	}
	p->error[0] = '\0';
	p->mode = mode;
	c = (const struct config_command *)(const void *)m->command;
	if (c->set)
		return c->set(p, m);
	setting_set(c, config_mode_object(p), m);
	bit = config_setting_bit(c);
	if (!bit)
		return 0;
	if (m->form == GRAMMAR_SET || (m->form == GRAMMAR_NO && c->kind == SETTING_FLAG))
		p->vpdn->set |= bit;
	else
		p->vpdn->set &= ~bit;
	return 0;
}

struct config *config_parse(const char *filename, const char *text, char error[256])
{
	char line[GRAMMAR_LINE_MAX + 1], why[GRAMMAR_ERROR_MAX] = "";
	struct config_parser p = { .config = config_new(), .mode = CONFIG_MODE_GLOBAL, .error = why };
	struct grammar_match *m = malloc(sizeof(*m));
	unsigned number = 0;

	if (!p.config || !m) {
		snprintf(error, 256, "%s: out of memory", filename);
		goto fail;
	}
	while (*text) {
		size_t len = strcspn(text, "\n");

		number++;
		snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line)), text);
		if (config_line_parse(&p, line, m)) {
			/* of a long path its end is what tells files apart */
			size_t long_by = strlen(filename) > 80 ? strlen(filename) - 80 : 0;

			snprintf(error, 256, "%.80s:%u: %.160s", filename + long_by, number, why);
			goto fail;
		}
		text += len + (text[len] == '\n');
	}
	free(m);
	return p.config;
fail:
	free(m);
	config_free(p.config);
	return NULL;
}
