// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any text as a configuration: it is refused with one line, or what it means
 * prints to a text that means the same, and a copy of it differs in nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/config_change.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned flags = CONFIG_PRINT_SECRETS | CONFIG_PRINT_ALL;
	char error[256] = "", *text = malloc(size + 1), *one, *two;
	struct config *config, *again;
	uint8_t digest[16];

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	config = config_parse("fuzz", text, error);
	free(text);
	if (!config) {
		if (!error[0] || strchr(error, '\n'))
			abort();
		return 0;
	}
	config_check(config, error);
	again = config_clone(config);
	if (!again || config_diff(config, again, NULL, 0))
		abort();
	config_replace(again, config);
	config = again;
	config_digest(config, digest);
	one = config_print(config, flags);
	again = config_parse("again", one, error);
	if (!again)
		abort();
	two = config_print(again, flags);
	if (strcmp(one, two))
		abort();
	free(one);
	free(two);
	config_free(config);
	config_free(again);
	return 0;
}
