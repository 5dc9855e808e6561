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

/* `spec`: the inside of the braces, without its path. */
static void put_value(FILE *out, const json_t *value, const char *spec, const char *end)
{
	const char *text = "{?}", *colon;
	char buf[64];
	int width = 0;

	if (*spec == ':')
		width = (int)strtol(spec + 1, (char **)&spec, 10);
	if (!value) {
		fprintf(out, "%*s", width, text);
		return;
	}
	if (*spec == '?') {
		colon = memchr(spec, ':', (size_t)(end - spec));
		if (!colon)
			colon = end;
		if (truth(value))
			fprintf(out, "%*.*s", width, (int)(colon - spec - 1), spec + 1);
		else
			fprintf(out, "%*.*s", width, colon < end ? (int)(end - colon - 1) : 0, colon + (colon < end));
		return;
	}
	switch (json_typeof(value)) {
	case JSON_STRING:
		text = json_string_value(value);
		break;
	case JSON_INTEGER:
		format_number(buf, sizeof(buf), json_integer_value(value), spec + 1, *spec == '!' ? (size_t)(end - spec - 1) : 0);
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
	fprintf(out, "%*s", width, text);
}

static void put_line(FILE *out, const char *text, const struct scope *scope)
{
	const char *open, *close;
	size_t len;

	while ((open = strchr(text, '{')) && (close = strchr(open, '}'))) {
		fwrite(text, 1, (size_t)(open - text), out);
		open++;
		len = strcspn(open, ":?!}");
		put_value(out, scope_get(scope, open, len), open + len, close);
		text = close + 1;
	}
	fputs(text, out);
}

static void render(FILE *out, const struct view *view, const struct scope *scope)
{
	for (; view->op != VIEW_END; view++) {
		const json_t *value = NULL;
		size_t i;
		const json_t *element;

		if (view->op == VIEW_IF || view->op == VIEW_UNLESS || view->op == VIEW_EACH)
			value = scope_get(scope, view->text, strlen(view->text));
		switch (view->op) {
		case VIEW_LINE:
			put_line(out, view->text, scope);
			fputc('\n', out);
			break;
		case VIEW_PART:
			put_line(out, view->text, scope);
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
