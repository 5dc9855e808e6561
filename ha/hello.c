// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The handshake: who is there, and can the two of them work together?
 * Called by ha.c when the stream comes up and when the peer's HELLO is in.
 *
 * Two releases work together when their ranges overlap, in the protocol of the
 * stream and in every record type both know; the highest common version is
 * used.  A type the peer does not know is no obstacle while the store has none
 * of it, or when it may be skipped (HA_TYPE_SKIPPABLE).  A feature is used only
 * when both know it, or the other has never been seen (ha_feature()); one that is
 * required already, and which the other does not know, keeps them apart.  Both sides come to the same verdict
 * from the two HELLOs, so neither depends on being told; the REFUSE is a
 * courtesy.  A peer that is refused is as good as absent: the active goes on
 * alone, the other keeps what it has and asks for nothing.
 *
 * The first release said neither features nor versions: it knows version 1 of
 * the types 1 to 5, takes any record, and keeps what it does not understand
 * as long as it does not change the object.
 */
#include "ha/core.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_RELEASE_TYPES 5u
#define REFUSAL_LOG_MS 60000u		/* the same one again: not before */

const char *ha_feature_name(enum ha_feature feature)
{
	switch (feature) {
	case HA_FEATURE_KEEP_UNKNOWN: return "keep-unknown";
	case HA_FEATURE_FAILOVER: return "failover-protocol";
	}
	return "unknown";
}

static uint64_t our_features(void)
{
	return 1u << HA_FEATURE_KEEP_UNKNOWN | 1u << HA_FEATURE_FAILOVER;
}

bool ha_feature(const struct ha *ha, enum ha_feature feature)
{
	return !ha->config.peer_configured || !ha->peer_seen || (ha->common_features >> feature & 1);
}

static uint32_t proto_min(const struct ha *ha)
{
	return ha->config.proto_min ? ha->config.proto_min : HA_PROTO_MIN;
}

static uint32_t proto_max(const struct ha *ha)
{
	return ha->config.proto_max ? ha->config.proto_max : HA_PROTO_MAX;
}

static const char *range(uint32_t min, uint32_t max, char *text, size_t size)
{
	if (min == max)
		snprintf(text, size, "%" PRIu32, min);
	else
		snprintf(text, size, "%" PRIu32 "..%" PRIu32, min, max);
	return text;
}

const struct ha_record_type *ha_record_type(const struct ha *ha, uint32_t type)
{
	size_t i;

	for (i = 0; i < ha->config.record_type_count; i++)
		if (ha->config.record_types[i].type == type)
			return &ha->config.record_types[i];
	return NULL;
}

bool ha_hello_type_seen(struct ha *ha, uint8_t type)
{
	if (!ha->config.record_type_count || ha_record_type(ha, type))
		return true;
	ha->foreign[type / 8] |= (uint8_t)(1u << type % 8);
	return type >= HA_TYPE_SKIPPABLE;
}

bool ha_hello_key_fits(const struct ha *ha, struct ha_key key, char why[HA_REASON_MAX])
{
	const struct ha_config *config = &ha->config;
	size_t i;

	for (i = 0; i < config->not_ours_count && ha_record_type(ha, key.type); i++) {
		if (key.a < config->not_ours[i].first || key.a > config->not_ours[i].last)
			continue;
		snprintf(why, HA_REASON_MAX, "tunnel %u is among %u to %u of another group here: the groups changed or differ, see tunnel-ids",
			 key.a, config->not_ours[i].first, config->not_ours[i].last);
		return false;
	}
	return true;
}

/* ---- ours ----------------------------------------------------------------- */

void ha_hello_send(struct ha *ha)
{
	L2tpha__RecordVersion versions[UINT8_MAX], *pointers[UINT8_MAX];
	L2tpha__Hello hello = L2TPHA__HELLO__INIT;
	L2tpha__Heartbeat beat;
	size_t i;

	for (i = 0; i < ha->config.record_type_count && i < UINT8_MAX; i++) {
		l2tpha__record_version__init(&versions[i]);
		versions[i].type = ha->config.record_types[i].type;
		versions[i].min = ha->config.record_types[i].min;
		versions[i].max = ha->config.record_types[i].max;
		pointers[i] = &versions[i];
	}
	ha->hello_seq = ha->log.seq;
	ha_beat_fill(ha, &beat);
	hello.node = ha->config.node;
	hello.group = ha->config.group;
	hello.proto_min = proto_min(ha);
	hello.proto_max = proto_max(ha);
	hello.version = ha->config.version;
	hello.config_digest.data = ha->config.config_digest;
	hello.config_digest.len = sizeof(ha->config.config_digest);
	hello.features = our_features();
	hello.required = ha->config.features_required;
	hello.priority = ha->config.priority;
	hello.state = &beat;
	hello.types = pointers;
	hello.n_types = i;
	ha_send(ha, HA_FRAME_HELLO, ha->log.seq, &hello.base);
}

/* ---- the peer's ----------------------------------------------------------- */

static void config_compare(struct ha *ha)
{
	struct ha_peer *peer = &ha->peer;
	bool equal = !memcmp(peer->config_digest, ha->config.config_digest, sizeof(peer->config_digest));

	if (peer->ready && equal != peer->config_equal)
		ha_note(ha, "configuration of %s %s ours", peer->node, equal ? "is like" : "differs from");
	peer->config_equal = equal;
}

/* Of a Hello or a heartbeat; older releases say it in their Hello only. */
static void peer_config(struct ha *ha, const ProtobufCBinaryData *digest)
{
	if (digest->len != sizeof(ha->peer.config_digest))
		return;
	memcpy(ha->peer.config_digest, digest->data, digest->len);
	config_compare(ha);
}

void ha_config_changed(struct ha *ha, uint64_t now_ms, const uint8_t digest[16])
{
	if (!memcmp(ha->config.config_digest, digest, sizeof(ha->config.config_digest)))
		return;
	memcpy(ha->config.config_digest, digest, sizeof(ha->config.config_digest));
	if (!ha->peer.ready)
		return;
	ha->now_ms = now_ms > ha->now_ms ? now_ms : ha->now_ms;
	config_compare(ha);
	ha_send_heartbeat(ha);
}

bool ha_peer_state(struct ha *ha, const L2tpha__Heartbeat *beat)
{
	struct ha_peer *peer = &ha->peer;

	if (beat->role > HA_ROLE_DEMOTING || beat->sync > HA_SYNC_STALE)
		return false;
	peer->role = (enum ha_role)beat->role;
	peer->sync = (enum ha_sync)beat->sync;
	ha_copy(peer->sync_reason, sizeof(peer->sync_reason), beat->sync_reason);
	peer->epoch = beat->epoch;
	peer->seq = beat->seq;
	peer->log_id = beat->log_id;
	peer->log_epoch = beat->log_epoch;
	peer->records = beat->records;
	peer->eligible = beat->eligible;
	peer->owned = beat->owned;
	peer->unwritten = beat->epoch_unwritten;
	peer_config(ha, &beat->config_digest);
	return true;
}

/* The range of a record type that the peer works with; NULL: it does not know it. */
static const L2tpha__RecordVersion *peer_type(const L2tpha__Hello *hello, uint32_t type)
{
	static const L2tpha__RecordVersion first = { .min = 1, .max = 1 };
	size_t i;

	if (!hello->n_types)
		return type <= FIRST_RELEASE_TYPES ? &first : NULL;
	for (i = 0; i < hello->n_types; i++)
		if (hello->types[i]->type == type)
			return hello->types[i];
	return NULL;
}

static bool peer_cannot(const struct ha *ha, uint8_t type)
{
	return type < HA_TYPE_SKIPPABLE && (ha->peer.unknown_types[type / 8] >> type % 8 & 1);
}

struct foreign {
	const struct ha *ha;
	uint8_t type;
};

static bool visit_foreign(void *ctx, struct ha_key key, const void *body, size_t len)
{
	struct foreign *foreign = ctx;

	(void)body;
	(void)len;
	if (peer_cannot(foreign->ha, key.type))
		foreign->type = key.type;
	return !foreign->type;
}

/* A type that must be understood, of which there are records here, and which the peer does not know; 0: none. */
static uint8_t foreign_in_use(const struct ha *ha)
{
	struct foreign foreign = { ha, 0 };
	bool any = false;
	size_t i;

	for (i = 0; i < ha->config.record_type_count && !any; i++)
		any = peer_cannot(ha, ha->config.record_types[i].type);
	if (any)
		ha_visit(ha, 0, visit_foreign, &foreign);
	return foreign.type;
}

static void features_text(uint64_t features, char *text, size_t size)
{
	unsigned int i;
	size_t n = 0;

	text[0] = '\0';
	for (i = 0; i < 64 && n < size; i++) {
		if (!(features >> i & 1))
			continue;
		n += (size_t)snprintf(text + n, size - n, n ? ", %s" : "%s", i <= HA_FEATURE_LAST ?
				      ha_feature_name((enum ha_feature)i) : "one of a newer release");
	}
}

const char *ha_info_versions(const struct ha_info *info, char text[HA_REASON_MAX])
{
	char names[80];

	text[0] = '\0';
	if (!info->proto)
		return text;
	features_text(info->features, names, sizeof(names));
	snprintf(text, HA_REASON_MAX, "protocol %" PRIu32 ", %s%s", info->proto, names[0] ? "features " : "features of the first release",
		 names);
	return text;
}

static bool incompatible(char why[HA_REASON_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool incompatible(char why[HA_REASON_MAX], const char *fmt, ...)
{
	int n = snprintf(why, HA_REASON_MAX, "incompatible: ");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why + n, HA_REASON_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return false;
}

/* Settles on the highest common versions; false: there are none, *why is what an operator reads. */
static bool negotiate(struct ha *ha, const L2tpha__Hello *hello, char why[HA_REASON_MAX])
{
	char ours[32], theirs[32], text[64];
	struct ha_peer *peer = &ha->peer;
	uint64_t missing;
	uint8_t type;
	size_t i;

	peer->proto_min = hello->proto_min;
	peer->proto_max = hello->proto_max;
	peer->features = hello->features;
	if (hello->proto_min > proto_max(ha) || hello->proto_max < proto_min(ha))
		return incompatible(why, "peer speaks protocol %s, we speak %s",
				    range(hello->proto_min, hello->proto_max, theirs, sizeof(theirs)),
				    range(proto_min(ha), proto_max(ha), ours, sizeof(ours)));
	for (i = 0; i < ha->config.record_type_count; i++) {
		const struct ha_record_type *known = &ha->config.record_types[i];
		const L2tpha__RecordVersion *there = peer_type(hello, known->type);

		if (!there) {
			peer->unknown_types[known->type / 8] |= (uint8_t)(1u << known->type % 8);
			continue;
		}
		if (there->min > known->max || there->max < known->min)
			return incompatible(why, "peer has %s records of version %s, we of %s", known->name,
					    range(there->min, there->max, theirs, sizeof(theirs)),
					    range(known->min, known->max, ours, sizeof(ours)));
	}
	type = foreign_in_use(ha);
	if (type)
		return incompatible(why, "peer does not know %s records, which are in use here",
				    ha_record_type(ha, type)->name);
	missing = hello->required & ~our_features();
	if (missing) {
		features_text(missing, text, sizeof(text));
		return incompatible(why, "peer uses a feature that we do not know: %s", text);
	}
	missing = ha->config.features_required & ~hello->features;
	if (missing) {
		features_text(missing, text, sizeof(text));
		return incompatible(why, "peer does not know a feature that is in use here: %s", text);
	}
	peer->proto = hello->proto_max < proto_max(ha) ? hello->proto_max : proto_max(ha);
	ha->common_features = hello->features & our_features();
	ha->peer_seen = true;
	return true;
}

void ha_refusal(struct ha *ha, const char *why)
{
	bool again = !strcmp(ha->refusal, why) && ha->now_ms < ha->refusal_log_ms;

	ha_copy(ha->refusal, sizeof(ha->refusal), why);
	if (again)
		return;		/* the dialler keeps trying */
	ha->refusal_log_ms = ha->now_ms + REFUSAL_LOG_MS;
	ha_warn(ha, "%s", why);
}

void ha_link_trouble(struct ha *ha, const char *why)
{
	/* told in the log by who found it */
	if (!ha->link_up)
		snprintf(ha->refusal, sizeof(ha->refusal), "no stream with the peer: %.90s", why);
}

/* Answered with the reason; the link goes when the other end has had a moment to read both. */
static void refuse(struct ha *ha, const L2tpha__Hello *hello, const char *why)
{
	L2tpha__Refuse msg = L2TPHA__REFUSE__INIT;
	char text[HA_REASON_MAX + 48];

	snprintf(text, sizeof(text), "%.30s refused: %s", hello->node[0] ? hello->node : "peer", why);
	ha_refusal(ha, text);
	ha->stats.refused++;
	msg.what = HA_FRAME_HELLO;
	msg.reason = (char *)why;
	msg.incompatible = ha->incompatible;
	ha_send(ha, HA_FRAME_REFUSE, ha->log.seq, &msg.base);
	ha_link_condemn(ha, text);
}

void ha_hello_type_used(struct ha *ha, uint8_t type)
{
	char why[HA_REASON_MAX], text[HA_REASON_MAX + 48];

	if (!ha->peer.ready || !peer_cannot(ha, type))
		return;
	ha->incompatible = true;
	incompatible(why, "peer does not know %s records, which are in use here", ha_record_type(ha, type)->name);
	snprintf(text, sizeof(text), "%.30s refused: %s", ha->peer.node, why);
	ha_refusal(ha, text);
	ha_send_refuse(ha, HA_FRAME_HELLO, why);
	ha_link_condemn(ha, text);
}

void ha_hello_receive(struct ha *ha, const L2tpha__Hello *hello)
{
	struct ha_peer *peer = &ha->peer;
	char why[HA_REASON_MAX], names[64];

	ha->incompatible = false;
	if (peer->ready) {
		refuse(ha, hello, "second hello");
		return;
	}
	if (strcmp(hello->group, ha->config.group)) {
		snprintf(why, sizeof(why), "redundancy group is \"%.40s\" here, \"%.40s\" there",
			 ha->config.group, hello->group);
		refuse(ha, hello, why);
		return;
	}
	if (!hello->node[0] || strlen(hello->node) >= HA_NAME_MAX || !strcmp(hello->node, ha->config.node)) {
		snprintf(why, sizeof(why), "node name \"%.40s\" is not usable for a peer of \"%.40s\"",
			 hello->node, ha->config.node);
		refuse(ha, hello, why);
		return;
	}
	ha_copy(peer->node, sizeof(peer->node), hello->node);
	ha_copy(peer->version, sizeof(peer->version), hello->version);
	if (!negotiate(ha, hello, why)) {
		ha->incompatible = true;
		refuse(ha, hello, why);
		return;
	}
	if (!hello->state || !ha_peer_state(ha, hello->state)) {
		refuse(ha, hello, "hello without a usable state");
		return;
	}
	ha->refusal[0] = '\0';
	peer->priority = hello->priority;
	peer->hello_seq = hello->state->seq;
	peer_config(ha, &hello->config_digest);
	peer->ready = true;
	features_text(ha->common_features, names, sizeof(names));
	ha_note(ha, "connected to %s (version %s, protocol %" PRIu32 ", %s): %s, epoch %" PRIu64 ", %" PRIu32 " records",
		peer->node, peer->version, peer->proto, names[0] ? names : "no common features",
		ha_role_name(peer->role), peer->epoch, peer->records);
	if (strcmp(peer->version, ha->config.version))
		ha_note(ha, "mixed versions: %s has %s, we have %s", peer->node, peer->version, ha->config.version);
	if (!peer->config_equal)
		ha_warn(ha, "configuration of %s differs from ours", peer->node);
	ha_roles_epoch(ha, peer->epoch);
	ha_roles_peer(ha);
	ha_follow_heartbeat(ha, hello->state);
}
