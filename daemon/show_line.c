// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The access line of a subscriber as its LAC told it (RFC 5515): who sits at
 * the end of it and how fast it is; for `show l2tp session`.
 *
 * Text comes from outside and is shown as such; numbers that have another
 * length than they should have are left out.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/show.h"

enum line_kind {
	LINE_TEXT,
	LINE_SPEED,		/* u64, bit/s */
	LINE_DELAY,		/* u32, ms */
	LINE_ENCAPSULATION,	/* three octets: data link, encapsulation 1 and 2 */
	LINE_TYPE,
	LINE_FLAG,		/* u32 */
};

static const struct { uint16_t attr; enum line_kind kind; const char *name; } fields[] = {
	{ 1, LINE_TEXT, "circuit_id" },
	{ 2, LINE_TEXT, "remote_id" },
	{ 129, LINE_SPEED, "actual_up_bps" },
	{ 130, LINE_SPEED, "actual_down_bps" },
	{ 131, LINE_SPEED, "minimum_up_bps" },
	{ 132, LINE_SPEED, "minimum_down_bps" },
	{ 133, LINE_SPEED, "attainable_up_bps" },
	{ 134, LINE_SPEED, "attainable_down_bps" },
	{ 135, LINE_SPEED, "maximum_up_bps" },
	{ 136, LINE_SPEED, "maximum_down_bps" },
	{ 137, LINE_SPEED, "minimum_up_low_power_bps" },
	{ 138, LINE_SPEED, "minimum_down_low_power_bps" },
	{ 139, LINE_DELAY, "maximum_interleave_up_ms" },
	{ 140, LINE_DELAY, "actual_interleave_up_ms" },
	{ 141, LINE_DELAY, "maximum_interleave_down_ms" },
	{ 142, LINE_DELAY, "actual_interleave_down_ms" },
	{ 144, LINE_ENCAPSULATION, "encapsulation" },
	{ 145, LINE_TYPE, "type" },
	{ 254, LINE_FLAG, "interworking" },
};

static const char *const line_types[] = { "", "ADSL1", "ADSL2", "ADSL2+", "VDSL1", "VDSL2", "SDSL", "unknown" };

static uint64_t number(const uint8_t *p, size_t len)
{
	uint64_t n = 0;

	while (len--)
		n = n << 8 | *p++;
	return n;
}

static json_t *field_json(enum line_kind kind, const uint8_t *p, size_t len)
{
	char text[64];

	switch (kind) {
	case LINE_TEXT:
		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), (const char *)p);
		return view_string(text);
	case LINE_SPEED:
		return len == 8 ? json_integer((json_int_t)number(p, 8)) : NULL;
	case LINE_DELAY:
		return len == 4 ? json_integer((json_int_t)number(p, 4)) : NULL;
	case LINE_FLAG:
		return len == 4 ? json_boolean(number(p, 4) == 1) : NULL;
	case LINE_ENCAPSULATION:
		if (len != 3)
			return NULL;
		snprintf(text, sizeof(text), "%u/%u/%u", p[0], p[1], p[2]);
		return json_string(text);
	case LINE_TYPE:
		return len == 4 && p[0] && p[0] < sizeof(line_types) / sizeof(line_types[0]) ? json_string(line_types[p[0]]) :
		       NULL;
	}
	return NULL;
}

json_t *show_line_json(const struct l2tp_session *session)
{
	json_t *line = json_object(), *value;
	const uint8_t *p;
	size_t len;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		p = session ? l2tp_session_avp(session, L2TP_VENDOR_ACCESS_LINE, fields[i].attr, &len) : NULL;
		value = p ? field_json(fields[i].kind, p, len) : NULL;
		if (value)
			json_object_set_new(line, fields[i].name, value);
	}
	return line;
}

#define ONE(name, words) \
	static const struct view line_##name[] = { \
		{ VIEW_LINE, "    " words, NULL }, { VIEW_END, NULL, NULL } \
	}

ONE(circuit_id, "Circuit {access_line.circuit_id}");
ONE(remote_id, "Remote {access_line.remote_id}");
ONE(type, "Type {access_line.type}");
ONE(actual_up_bps, "Actual rate up {access_line.actual_up_bps} bit/s");
ONE(actual_down_bps, "Actual rate down {access_line.actual_down_bps} bit/s");
ONE(attainable_up_bps, "Attainable rate up {access_line.attainable_up_bps} bit/s");
ONE(attainable_down_bps, "Attainable rate down {access_line.attainable_down_bps} bit/s");
ONE(encapsulation, "Encapsulation {access_line.encapsulation}");

static const struct view line_fields[] = {
	{ VIEW_LINE, "  Access line:", NULL },
	{ VIEW_IF, "access_line.circuit_id", line_circuit_id },
	{ VIEW_IF, "access_line.remote_id", line_remote_id },
	{ VIEW_IF, "access_line.type", line_type },
	{ VIEW_IF, "access_line.actual_up_bps", line_actual_up_bps },
	{ VIEW_IF, "access_line.actual_down_bps", line_actual_down_bps },
	{ VIEW_IF, "access_line.attainable_up_bps", line_attainable_up_bps },
	{ VIEW_IF, "access_line.attainable_down_bps", line_attainable_down_bps },
	{ VIEW_IF, "access_line.encapsulation", line_encapsulation },
	{ VIEW_END, NULL, NULL },
};
const struct view show_line_view[] = {
	{ VIEW_IF, "access_line", line_fields },
	{ VIEW_END, NULL, NULL },
};
