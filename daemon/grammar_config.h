/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of the configuration, shared by the parser and the printer.
 * Internal to daemon/config*.c.
 */
#ifndef L2TPHA_DAEMON_GRAMMAR_CONFIG_H
#define L2TPHA_DAEMON_GRAMMAR_CONFIG_H

#include "daemon/config.h"
#include "daemon/grammar.h"

enum config_mode {
	CONFIG_MODE_GLOBAL = 1,
	CONFIG_MODE_TEMPLATE = 2,
	CONFIG_MODE_VPDN = 4,
	CONFIG_MODE_ACCEPT = 8,		/* accept-dialin */
	CONFIG_MODE_REDUNDANCY = 16,
	CONFIG_MODE_GROUP = 32,		/* redundancy / group */
	CONFIG_MODE_VPDN_TEMPLATE = 64,	/* vpdn-template */
	CONFIG_MODE_REQUEST = 128,	/* request-dialin */
	CONFIG_MODE_DIALER = 256,	/* interface dialer */
	CONFIG_MODE_BBA = 512,		/* bba-group pppoe */
};
#define CONFIG_MODE_ANY 1023u

struct config_parser {
	struct config *config;
	enum config_mode mode;
	/* the objects the modes are about */
	struct config_vtemplate *vtemplate;
	struct config_vpdn_group *vpdn;	/* or template */
	struct config_dialer *dialer;
	struct config_bba *bba;
	struct config_redundancy_group *group;
	char *error;			/* GRAMMAR_ERROR_MAX */
};

struct config_printer;

enum setting_kind {
	SETTING_CUSTOM,			/* set() and print() do it */
	SETTING_FLAG,
	SETTING_U8,
	SETTING_U16,
	SETTING_U32,
	SETTING_STRING,			/* `size` octets */
	SETTING_SECRET,
	SETTING_IPV4,			/* uint32_t, network order */
	SETTING_ENDPOINT,		/* without a port */
	SETTING_ADDRESSES,		/* text: "A, [B]" */
	SETTING_CHOICE,			/* an enum: the index of the word in `choices` */
};

struct config_command {
	struct grammar_command g;
	enum setting_kind kind;
	size_t offset, size;		/* of the field in the mode's object */
	uint64_t def;			/* its default (flag, number) */
	const char *const *choices;	/* ends with NULL; "" is not said: unset; of a number: the word for 0 */
	bool alias;			/* another way to say a row above: not printed */
	bool node_local;		/* may differ between the two nodes */
	const char *why_not;		/* a word of other systems that is refused, and why; its `no` form is taken */
	int (*set)(struct config_parser *p, const struct grammar_match *m);
	void (*print)(struct config_printer *out, const struct config_command *command, const void *object);
};

extern const struct grammar config_grammar;

extern const char *const config_failover_names[], *const config_detector_names[], *const config_limit_names[];

/* The choice among `names` that the line makes; false: none. */
bool config_choice_of(const struct grammar_match *match, const char *const *names, unsigned *choice);
/* The row's bit in `set` of a VPDN group or template; 0: it has none. */
uint64_t config_setting_bit(const struct config_command *command);
/* Gives the group what the template says and it does not. */
void config_vpdn_group_inherit(const struct config_vpdn_group *template, struct config_vpdn_group *group);
/* What the printer lists under `all`: with what its template gives, but not the global method. */
void config_vpdn_group_merged(const struct config *config, const struct config_vpdn_group *group,
			      struct config_vpdn_group *out);
void config_search_default(struct config *config);
int config_check_dial(const struct config *config, char error[256]);
/* Says what is wrong; always -EINVAL. */
int config_wrong(char error[256], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *config_mode_object(struct config_parser *p);
uint64_t config_setting_number(const struct config_command *command, const void *object);
void config_setting_reset(const struct config_command *command, void *object);
/* Gives every field of the object of `mode` the table's default. */
void config_defaults(enum config_mode mode, void *object);

/* Finds or appends; NULL: no memory.  The list keeps the order of the file. */
struct config_user *config_user_make(struct config *config, const char *name);
int config_user_remove(struct config *config, const char *name);	/* -ENOMEM: it stays */
/* `config` has none: it gets those of `from`, shared until either changes them. -ENOMEM. */
int config_users_share(struct config *config, const struct config *from);
/*
 * One line in the parser's mode or in one around it, as a file would have it.
 * `m` is the line understood.  Refused: -errno, p->error says why.
 */
int config_line_parse(struct config_parser *p, const char *line, struct grammar_match *m);
enum config_mode config_mode_parent(enum config_mode mode);

/* ---- the printer (config_print.c), for print() of the table ---- */
void config_print_line(struct config_printer *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool config_printing_all(const struct config_printer *out);
bool config_printing_shared(const struct config_printer *out);
/* The secret or "<hidden>", quoted where it must be; valid until the next call of the same slot. */
const char *config_print_secret(struct config_printer *out, const char *secret);
const char *config_print_name(struct config_printer *out, const char *name);

#endif
