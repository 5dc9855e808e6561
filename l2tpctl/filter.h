/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `show ... | include TEXT`: which lines of an answer are printed.
 */
#ifndef L2TPHA_L2TPCTL_FILTER_H
#define L2TPHA_L2TPCTL_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

enum filter_op { FILTER_NONE, FILTER_INCLUDE, FILTER_EXCLUDE, FILTER_BEGIN, FILTER_COUNT, FILTER_JSON };

struct filter {
	enum filter_op op;
	regex_t regex;
};

/* Takes the filter off a line of show or help, if it has one. False: `error` says what is wrong with it. */
bool filter_take(char *line, struct filter *filter, char error[256]);
void filter_print(const struct filter *filter, const char *text, FILE *out);
void filter_free(struct filter *filter);

#endif
