// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keepalived's words and what becomes of them: daemon/outside.h.  Called by
 * daemon/io_outside.c and by tests only.
 *
 * A line of the notify FIFO is  TYPE "NAME" STATE PRIORITY  with TYPE INSTANCE
 * or GROUP.  Lines of other names are not ours; lines that are no such thing
 * are said once each and dropped, up to the next newline.
 *
 * A MASTER is carried out once.  A node that loses the role afterwards does
 * not take it back from a peer that has it: its keepalived may be dead, or may
 * have been frozen and know nothing yet.  But when nobody has the address for
 * a while and keepalived still says MASTER here, it is taken again: after a
 * freeze keepalived does not repeat itself.
 */
#include "daemon/outside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

#define RETRY_MS 200u		/* of a wish that cannot be granted yet */
#define OWNERLESS_MS 1000u	/* nobody has it and we are MASTER */
#define HANDOVER_MS 3000u	/* the peer had its chance: demote */
#define NEVER UINT64_MAX

struct outside {
	char group[HA_NAME_MAX], instance[HA_NAME_MAX];
	char line[OUTSIDE_LINE_MAX];
	size_t len;
	bool skipping;			/* the rest of a line that is too long */
	enum outside_word word;
	bool pending;			/* the word was not carried out yet */
	uint64_t since_ms;		/* of the word */
	uint64_t retry_ms;
	bool offered;			/* the handover was tried */
	uint64_t ownerless_ms;		/* since when; 0: somebody has it */
	char told[HA_REASON_MAX];	/* the refusal that was logged last */
};

static const struct {
	const char *name;
	enum outside_word word;
	bool known_only;		/* says nothing new about the role */
} words[] = {
	{ "MASTER", OUTSIDE_WORD_MASTER, false },
	{ "BACKUP", OUTSIDE_WORD_BACKUP, false },
	{ "FAULT", OUTSIDE_WORD_FAULT, false },
	{ "STOP", OUTSIDE_WORD_STOP, false },
	{ "DELETED", OUTSIDE_WORD_STOP, false },
	{ "MASTER_RX_LOWER_PRI", OUTSIDE_WORD_NONE, true },
	{ "MASTER_PRIORITY", OUTSIDE_WORD_NONE, true },
	{ "BACKUP_PRIORITY", OUTSIDE_WORD_NONE, true },
};

const char *outside_word_name(enum outside_word word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word != OUTSIDE_WORD_NONE && words[i].word == word)
			return words[i].name;
	return "";
}

enum outside_word outside_word_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].name, name))
			return words[i].word;
	return OUTSIDE_WORD_NONE;
}

struct outside *outside_new(const char *group, const char *instance)
{
	struct outside *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	snprintf(o->group, sizeof(o->group), "%s", group);
	snprintf(o->instance, sizeof(o->instance), "%s", instance);
	return o;
}

void outside_free(struct outside *outside)
{
	free(outside);
}

enum outside_word outside_word(const struct outside *o)
{
	return o->word;
}

static void word_set(struct outside *o, uint64_t now_ms, enum outside_word word)
{
	o->word = word;
	o->pending = word != OUTSIDE_WORD_NONE;
	o->offered = false;
	o->since_ms = o->retry_ms = now_ms;
	o->told[0] = '\0';
}

void outside_remember(struct outside *o, uint64_t now_ms, enum outside_word word)
{
	if (word == OUTSIDE_WORD_NONE)
		return;
	log_info("redundancy group %s: keepalived's last word was %s", o->group, outside_word_name(word));
	word_set(o, now_ms, word);
}

void outside_closed(struct outside *o)
{
	o->len = 0;
	o->skipping = false;
	if (o->word == OUTSIDE_WORD_NONE)
		return;
	log_warnx("redundancy group %s: keepalived has gone (its last word was %s); the role stays as it is", o->group,
		  outside_word_name(o->word));
	word_set(o, 0, OUTSIDE_WORD_NONE);
}

/* ---- lines ---------------------------------------------------------------- */

static void refuse_line(const struct outside *o, const char *line, const char *why)
{
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(text) - 1 && line[i]; i++)
		text[i] = line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
	text[i] = '\0';
	log_warnx("redundancy group %s: keepalived's FIFO: refused '%s%s': %s", o->group, text, line[i] ? "..." : "", why);
}

static void on_line(struct outside *o, uint64_t now_ms, const char *line)
{
	static const char expected[] = "expected INSTANCE or GROUP, a name in quotes, a state and a priority";
	const char *name, *quote, *state;
	size_t i, len;

	if (!*line)
		return;
	if (!strncmp(line, "INSTANCE \"", 10)) {
		name = line + 10;
	} else if (!strncmp(line, "GROUP \"", 7)) {
		name = line + 7;
	} else {
		/* notify_fifo, not vrrp_notify_fifo: it tells of virtual and real servers too */
		if (strncmp(line, "VS [", 4) && strncmp(line, "RS [", 4))
			refuse_line(o, line, expected);
		return;
	}
	quote = strchr(name, '"');
	if (!quote || quote[1] != ' ' || !quote[2]) {
		refuse_line(o, line, expected);
		return;
	}
	state = quote + 2;
	len = strcspn(state, " ");
	if ((size_t)(quote - name) != strlen(o->instance) || memcmp(name, o->instance, (size_t)(quote - name)))
		return;		/* somebody else's */
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].name) == len && !memcmp(words[i].name, state, len))
			break;
	if (i == sizeof(words) / sizeof(words[0])) {
		refuse_line(o, line, "expected MASTER, BACKUP, FAULT or STOP");
		return;
	}
	if (words[i].known_only)
		return;
	log_info("redundancy group %s: keepalived says %s", o->group, words[i].name);
	word_set(o, now_ms, words[i].word);
}

void outside_input(struct outside *o, uint64_t now_ms, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			o->line[o->len] = '\0';
			if (!o->skipping && strlen(o->line) != o->len)
				refuse_line(o, o->line, "expected text, not NUL");
			else if (!o->skipping)
				on_line(o, now_ms, o->line);
			o->len = 0;
			o->skipping = false;
		} else if (o->len < sizeof(o->line) - 1) {
			o->line[o->len++] = (char)data[i];
		} else if (!o->skipping) {
			o->line[o->len] = '\0';
			refuse_line(o, o->line, "expected a shorter line");
			o->skipping = true;
		}
	}
}

/* ---- orders --------------------------------------------------------------- */

static bool reigning(const struct ha_info *info)
{
	return info->role == HA_ROLE_ACTIVE || info->role == HA_ROLE_CLAIMING;
}

static enum outside_action promote(struct outside *o, uint64_t now_ms, const struct ha_info *info)
{
	if (reigning(info)) {
		o->pending = false;
		o->ownerless_ms = 0;
		o->told[0] = '\0';
		return OUTSIDE_ACTION_NONE;
	}
	if (!o->pending) {
		if (!info->ownerless || info->fitness < HA_FITNESS_BLANK) {
			o->ownerless_ms = 0;
			return OUTSIDE_ACTION_NONE;
		}
		if (!o->ownerless_ms)
			o->ownerless_ms = now_ms;
		if (now_ms < o->ownerless_ms + OWNERLESS_MS)
			return OUTSIDE_ACTION_NONE;
		log_info("redundancy group %s: nobody has the address and keepalived still says MASTER", o->group);
		o->ownerless_ms = 0;
		o->pending = true;
		o->retry_ms = now_ms;
	}
	if (now_ms < o->retry_ms)
		return OUTSIDE_ACTION_NONE;
	o->retry_ms = now_ms + RETRY_MS;
	return info->role == HA_ROLE_DEMOTING ? OUTSIDE_ACTION_NONE : OUTSIDE_ACTION_PROMOTE;
}

static enum outside_action give_up(struct outside *o, uint64_t now_ms, const struct ha_info *info)
{
	if (info->role == HA_ROLE_STANDBY || info->role == HA_ROLE_INIT) {
		o->pending = false;
		return info->promoting ? OUTSIDE_ACTION_DEMOTE : OUTSIDE_ACTION_NONE;
	}
	if (!o->pending || now_ms < o->retry_ms)
		return OUTSIDE_ACTION_NONE;
	o->retry_ms = now_ms + RETRY_MS;
	if (!reigning(info))
		return OUTSIDE_ACTION_NONE;	/* on its way */
	if (!o->offered && info->role == HA_ROLE_ACTIVE && info->peer_ready && info->sync == HA_SYNC_IN_SYNC) {
		o->offered = true;
		o->retry_ms = now_ms + HANDOVER_MS;
		return OUTSIDE_ACTION_HANDOVER;
	}
	return OUTSIDE_ACTION_DEMOTE;
}

enum outside_action outside_next(struct outside *o, uint64_t now_ms, const struct ha_info *info)
{
	switch (o->word) {
	case OUTSIDE_WORD_NONE:
		break;
	case OUTSIDE_WORD_MASTER:
		return promote(o, now_ms, info);
	case OUTSIDE_WORD_BACKUP:
	case OUTSIDE_WORD_FAULT:
	case OUTSIDE_WORD_STOP:
		return give_up(o, now_ms, info);
	}
	return OUTSIDE_ACTION_NONE;
}

void outside_result(struct outside *o, uint64_t now_ms, enum outside_action action, int error, const char *reason)
{
	const char *what = action == OUTSIDE_ACTION_PROMOTE ? "promote" :
			   action == OUTSIDE_ACTION_HANDOVER ? "hand over" : "demote";

	if (error && action == OUTSIDE_ACTION_HANDOVER)
		o->retry_ms = now_ms;	/* at once, the other way */
	if (!strcmp(o->told, reason))
		return;
	snprintf(o->told, sizeof(o->told), "%s", reason);
	if (error)
		log_warnx("redundancy group %s: keepalived says %s, refused to %s: %s", o->group, outside_word_name(o->word),
			  what, reason);
	else
		log_info("redundancy group %s: keepalived says %s: %s", o->group, outside_word_name(o->word), reason);
}

uint64_t outside_deadline_ms(const struct outside *o)
{
	if (o->word == OUTSIDE_WORD_NONE)
		return NEVER;
	if (o->pending)
		return o->retry_ms;
	return o->ownerless_ms ? o->ownerless_ms + OWNERLESS_MS : NEVER;
}

/* ---- numbers -------------------------------------------------------------- */

int outside_track(enum ha_fitness fitness)
{
	switch (fitness) {
	case HA_FITNESS_UNKNOWN:
	case HA_FITNESS_STALE:
		return -200;
	case HA_FITNESS_CATCHING_UP:
		return -150;
	case HA_FITNESS_BLANK:
		return -50;
	case HA_FITNESS_READY:
		return 0;
	}
	return -200;
}

int outside_score(enum ha_fitness fitness)
{
	switch (fitness) {
	case HA_FITNESS_UNKNOWN:
	case HA_FITNESS_STALE:
		return INT_MIN;
	case HA_FITNESS_CATCHING_UP:
		return 10;
	case HA_FITNESS_BLANK:
		return 100;
	case HA_FITNESS_READY:
		return 1000;
	}
	return INT_MIN;
}
