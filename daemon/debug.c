// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of the debug classes, and their lines: "L2TP redundancy fsm: ...".
 */
#include "daemon/debug.h"

#include <stdarg.h>
#include <stdio.h>

const char *debug_class_word(enum debug_class class)
{
	static const char *const words[DEBUG_CLASSES] = { "cf", "detail", "error", "event", "fsm", "resync", "rf" };

	return words[class];
}

const char *debug_class_name(enum debug_class class)
{
	static const char *const names[DEBUG_CLASSES] = { "cf", "details", "errors", "events", "fsm", "resync", "rf" };

	return names[class];
}

const char *debug_facility_name(enum debug_facility facility)
{
	return facility == DEBUG_L2TP ? "L2TP" : "VPDN";
}

void debug_line(const struct debug *debug, enum debug_class class, const char *fmt, ...)
{
	char line[512];
	bool l2tp = debug->mask[DEBUG_L2TP] & (1u << class);
	va_list ap;
	int n;

	if (!debug->sink)
		return;
	n = snprintf(line, sizeof(line), "%s redundancy %s: ", debug_facility_name(l2tp ? DEBUG_L2TP : DEBUG_VPDN),
		     debug_class_word(class));
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '.';
	debug->sink(debug->ctx, line);
}
