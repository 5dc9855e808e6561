// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The renderer of view.h.  Knows templates and trees, nothing of what they
 * are about.
 */
#include "daemon/view.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct scope {
	const json_t *value;
	const struct scope *outer;
};

/* `path` has `len` octets; parts are divided by dots. */
static const json_t *path_get(const json_t *value, const char *path, size_t len)
{
	char key[64];

	while (len && value) {
		size_t n = 0;

		while (n < len && path[n] != '.')
			n++;
		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		value = json_object_get(value, key);
		path += n;
		len -= n;
		if (len) {
			path++;
			len--;
		}
	}
	return value;
}

static const json_t *scope_get(const struct scope *scope, const char *path, size_t len)
{
	if (len == 1 && *path == '.')
		return scope->value;	/* the element itself */
	for (; scope; scope = scope->outer) {
		const json_t *found = path_get(scope->value, path, len);

		if (found)
			return found;
	}
	return NULL;
}

static bool truth(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_TRUE:
		return true;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) != 0;
	case JSON_STRING:
		return *json_string_value(value);
	case JSON_ARRAY:
		return json_array_size(value) != 0;
	case JSON_OBJECT:
		return json_object_size(value) != 0;
	case JSON_FALSE:
	case JSON_NULL:
		return false;
	}
	return false;
}

static void format_number(char *buf, size_t size, int64_t n, const char *format, size_t len)
{
	uint64_t u = n < 0 ? 0 : (uint64_t)n, s = u / 1000;
	time_t when = (time_t)s;
	struct tm tm;

	if (len == 4 && !memcmp(format, "secs", 4))
		snprintf(buf, size, "%" PRIu64 ".%02" PRIu64, s, u % 1000 / 10);
	else if (len == 3 && !memcmp(format, "hms", 3) && s >= 100 * 3600)
		snprintf(buf, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
	else if (len == 3 && !memcmp(format, "hms", 3))
		snprintf(buf, size, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
	else if (len == 4 && !memcmp(format, "time", 4) && gmtime_r(&when, &tm))
		strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &tm);
	else
		snprintf(buf, size, "%" PRId64, n);
}

/* What stands in braces: {path:WIDTH?yes:no} or {path:WIDTH!FORMAT}. */
struct field {
	const char *path, *spec, *end;	/* spec: what follows path and width */
	size_t path_len;
	int width;
};

/* The first one of `text`; NULL: there is none, else where it begins. */
static const char *field_find(const char *text, struct field *field)
{
	const char *open = strchr(text, '{');

	field->end = open ? strchr(open, '}') : NULL;
	if (!field->end)
		return NULL;
	field->path = open + 1;
	field->path_len = strcspn(field->path, ":?!}");
	field->spec = field->path + field->path_len;
	field->width = 0;
	if (*field->spec == ':')
		field->width = (int)strtol(field->spec + 1, (char **)&field->spec, 10);
	return open;
}

/* Of a field; in `buf` unless the tree or the template holds it. */
static const char *field_text(const struct field *field, const json_t *value, char buf[64], size_t *len)
{
	const char *spec = field->spec, *end = field->end, *text = "{?}", *colon;

	if (value && *spec == '?') {
		colon = memchr(spec, ':', (size_t)(end - spec));
		text = truth(value) ? spec + 1 : colon ? colon + 1 : end;
		*len = (size_t)((truth(value) && colon ? colon : end) - text);
		return text;
	}
	switch (value ? json_typeof(value) : JSON_OBJECT) {
	case JSON_STRING:
		text = json_string_value(value);
		break;
	case JSON_INTEGER:
		format_number(buf, 64, json_integer_value(value), spec + 1, *spec == '!' ? (size_t)(end - spec - 1) : 0);
		text = buf;
		break;
	case JSON_TRUE:
		text = "yes";
		break;
	case JSON_FALSE:
		text = "no";
		break;
	case JSON_NULL:
		text = "-";
		break;
	case JSON_REAL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	*len = strlen(text);
	return text;
}

/* Columns that a text takes: UTF-8. */
static int columns(const char *text, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static void put_spaces(FILE *out, int n)
{
	if (n > 0)
		fprintf(out, "%*s", n, "");
}

#define TABLE_COLUMNS 12

/* A table: how far each of its fields with a width is wider than that, and which of its columns that moves. */
struct table {
	int wider[TABLE_COLUMNS];
	size_t at[TABLE_COLUMNS];
};

static const char *cell_text(const struct field *field, const json_t *value, char buf[64], size_t *len)
{
	const char *text = field_text(field, value, buf, len);

	if (!*len && field->width) {
		*len = 1;
		return "-";
	}
	return text;
}

static void put_line(FILE *out, const char *text, const struct scope *scope, const struct table *table)
{
	struct field field;
	const char *open;
	char buf[64];
	size_t i = 0;

	while ((open = field_find(text, &field))) {
		const json_t *value = scope_get(scope, field.path, field.path_len);
		size_t len;
		const char *cell = table ? cell_text(&field, value, buf, &len) : field_text(&field, value, buf, &len);
		int more = table && field.width && i < TABLE_COLUMNS ? table->wider[i++] : 0;
		int space = abs(field.width) + more - columns(cell, len);

		fwrite(text, 1, (size_t)(open - text), out);
		if (field.width > 0)
			put_spaces(out, space);
		fwrite(cell, 1, len, out);
		if (field.width < 0)
			put_spaces(out, space);
		text = field.end + 1;
	}
	fputs(text, out);
}

/* Where the fields of a row stand when nothing is wider than it should be. */
static void table_places(struct table *table, const char *row)
{
	struct field field;
	const char *open;
	size_t at = 0, i = 0;

	while (i < TABLE_COLUMNS && (open = field_find(row, &field)) && field.width) {
		at += (size_t)(open - row);
		table->at[i++] = field.width < 0 ? at - (size_t)field.width : at;
		at += (size_t)abs(field.width);
		row = field.end + 1;
	}
	while (i < TABLE_COLUMNS)
		table->at[i++] = SIZE_MAX;
}

static void table_widen(struct table *table, const char *row, const struct scope *scope)
{
	struct field field;
	char buf[64];

	for (size_t i = 0, len; i < TABLE_COLUMNS && field_find(row, &field); row = field.end + 1) {
		const char *text;
		int wider;

		if (!field.width)
			continue;
		text = cell_text(&field, scope_get(scope, field.path, field.path_len), buf, &len);
		wider = columns(text, len) - abs(field.width);
		if (wider > table->wider[i])
			table->wider[i] = wider;
		i++;
	}
}

static void put_head(FILE *out, const char *text, const struct table *table)
{
	size_t at = 0, len = strlen(text);

	for (size_t i = 0; i < TABLE_COLUMNS && table->at[i] < len; i++) {
		fwrite(text + at, 1, table->at[i] - at, out);
		at = table->at[i];
		put_spaces(out, table->wider[i]);
	}
	fprintf(out, "%s\n", text + at);
}

static void render_table(FILE *out, const struct view *body, const json_t *list, const struct scope *outer)
{
	struct table table = { { 0 }, { 0 } };
	const struct view *row = body;
	const json_t *element;
	size_t i;

	while (row->op == VIEW_HEAD)
		row++;
	table_places(&table, row->text);
	json_array_foreach((json_t *)(uintptr_t)list, i, element)
		table_widen(&table, row->text, &(struct scope){ element, outer });
	for (; body < row; body++)
		put_head(out, body->text, &table);
	json_array_foreach((json_t *)(uintptr_t)list, i, element) {
		put_line(out, row->text, &(struct scope){ element, outer }, &table);
		fputc('\n', out);
	}
}

static void render(FILE *out, const struct view *view, const struct scope *scope)
{
	for (; view->op != VIEW_END; view++) {
		const json_t *value = NULL;
		size_t i;
		const json_t *element;

		if (view->op == VIEW_IF || view->op == VIEW_UNLESS || view->op == VIEW_EACH ||
		    view->op == VIEW_TABLE)
			value = scope_get(scope, view->text, strlen(view->text));
		switch (view->op) {
		case VIEW_LINE:
			put_line(out, view->text, scope, NULL);
			fputc('\n', out);
			break;
		case VIEW_PART:
			put_line(out, view->text, scope, NULL);
			break;
		case VIEW_IF:
			if (value && truth(value))
				render(out, view->body, scope);
			break;
		case VIEW_UNLESS:
			if (!value || !truth(value))
				render(out, view->body, scope);
			break;
		case VIEW_EACH:
			json_array_foreach((json_t *)(uintptr_t)value, i, element)
				render(out, view->body, &(struct scope){ element, scope });
			break;
		case VIEW_TABLE:
			render_table(out, view->body, value, scope);
			break;
		case VIEW_HEAD:		/* outside a table: a line */
			put_line(out, view->text, scope, NULL);
			fputc('\n', out);
			break;
		case VIEW_USE:
			render(out, view->body, scope);
			break;
		case VIEW_END:
			return;
		}
	}
}

char *view_render(const struct view *view, const json_t *tree)
{
	struct scope scope = { .value = tree };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	render(out, view, &scope);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

json_t *view_string(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len + 1);
	json_t *value;

	if (!copy)
		return NULL;
	for (size_t i = 0; i <= len; i++)
		copy[i] = (text[i] && ((unsigned char)text[i] < ' ' || text[i] == 0x7f)) ? '.' : text[i];
	value = json_string(copy);
	if (!value) {	/* not UTF-8 */
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)copy[i] >= 0x80)
				copy[i] = '?';
		value = json_string(copy);
	}
	free(copy);
	return value;
}
