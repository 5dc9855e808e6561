// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The public face of the room: struct ha, frames in, actions out, time.  Pure; the daemon and the simulator call it, nobody else.
 *
 * The stream: both ends send HELLO when the link is up; the peer is `ready`
 * when its HELLO is acceptable.  Heartbeats go both ways and carry the whole
 * visible state (role, sync, epoch, seq), at once when it changes.  Every
 * frame carries the sender's epoch in its header, and that is looked at before
 * anything else.  Whatever is wrong with a stream ends in ha_link_fail(): one
 * reason, link reset, and the peer counts as gone from that instant.
 */
#include "ha/core.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ha_sync_name(enum ha_sync sync)
{
	switch (sync) {
	case HA_SYNC_SOLO: return "solo";
	case HA_SYNC_SYNCING: return "syncing";
	case HA_SYNC_IN_SYNC: return "in-sync";
	case HA_SYNC_DEGRADED: return "degraded";
	case HA_SYNC_STALE: return "stale";
	}
	return "unknown";
}

void ha_copy(char *to, size_t size, const char *from)
{
	if (to != from)
		snprintf(to, size, "%s", from ? from : "");
}

void ha_log_line(const struct ha *ha, enum log_level level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (level > log_level_max())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(level, "redundancy group %s: %s", ha->config.group, text);
}

uint64_t ha_random(struct ha *ha)
{
	uint64_t value = 0;

	while (!value)
		ha->ops.random(ha->ops.ctx, &value, sizeof(value));
	return value;
}

static void default_u32(uint32_t *value, uint32_t fallback)
{
	if (!*value)
		*value = fallback;
}

struct ha *ha_new(const struct ha_config *config, const struct ha_ops *ops, uint64_t now_ms)
{
	struct ha *ha = calloc(1, sizeof(*ha));

	if (!ha)
		return NULL;
	ha->config = *config;
	ha->ops = *ops;
	ha->now_ms = ha->ran_ms = ha->last_rx_ms = now_ms;
	ha->epoch = config->epoch;
	default_u32(&ha->config.commit_timeout_ms, 20);
	default_u32(&ha->config.heartbeat_ms, 200);
	default_u32(&ha->config.dead_ms, 1000);
	default_u32(&ha->config.lease_ms, ha->config.dead_ms);
	default_u32(&ha->config.startup_ms, 3000);
	default_u32(&ha->config.snapshot_chunk, 65536);
	ha->store = ha_store_new();
	ha->local = ha_store_new();
	if (!ha->store || !ha->local || ha_log_init(ha)) {
		ha_store_free(ha->local);
		ha_store_free(ha->store);
		free(ha);
		return NULL;
	}
	ha_copy(ha->sync_reason, sizeof(ha->sync_reason), "starting");
	ha_roles_init(ha);
	return ha;
}

static void node_free(struct ha *ha, struct ha_action_node *node)
{
	if (!node)
		return;
	if (node->action.type == HA_ACTION_RELEASE && node->action.output)
		ha->ops.output_free(ha->ops.ctx, node->action.output);
	free(node->data);
	if (ha->spare_len == HA_SPARE_ACTIONS) {
		free(node);
		return;
	}
	/* there is one for every packet that leaves: not each of them a piece of new memory */
	node->next = ha->spare;
	ha->spare = node;
	ha->spare_len++;
}

static bool any(const struct ha_action_node *node)
{
	(void)node;
	return true;
}

void ha_free(struct ha *ha)
{
	struct ha_action_node *node;

	if (!ha)
		return;
	ha_keep_free(ha);	/* what follows is no event */
	ha_drop_actions(ha, any);
	if (ha->current)
		ha->current->action.output = NULL;	/* handed out: the caller's */
	node_free(ha, ha->current);
	ha_commit_free(ha);
	ha_log_free(ha);
	ha_store_free(ha->follow.shadow);
	ha_left_forget(ha);
	ha_undo_free(&ha->follow.undo);
	ha_store_free(ha->store);
	ha_store_free(ha->local);
	ha_parser_reset(&ha->parser);
	while ((node = ha->spare)) {
		ha->spare = node->next;
		free(node);
	}
	free(ha);
}

/* ---- actions ---------------------------------------------------------------- */

struct ha_action_node *ha_action_new(struct ha *ha, enum ha_action_type type, bool front)
{
	struct ha_action_node *node = ha->spare;

	if (node) {
		ha->spare = node->next;
		ha->spare_len--;
		memset(node, 0, sizeof(*node));
	} else {
		node = calloc(1, sizeof(*node));
	}
	if (!node) {
		ha_error(ha, "out of memory");
		abort();	/* a lost action is a lost rule; a dead node is what the peer is for */
	}
	node->action.type = type;
	if (front) {
		node->next = ha->first;
		ha->first = node;
		if (!ha->last)
			ha->last = node;
		return node;
	}
	*(ha->last ? &ha->last->next : &ha->first) = node;
	ha->last = node;
	return node;
}

void ha_action_data(struct ha *ha, const void *data, size_t len)
{
	struct ha_action_node *node = ha->last;

	if (node->action.len + len > node->size) {
		size_t size = node->size ? node->size * 2 : len;
		uint8_t *grown;

		if (size < node->action.len + len)
			size = node->action.len + len;
		grown = realloc(node->data, size);
		if (!grown) {
			ha_error(ha, "out of memory");
			abort();
		}
		node->data = grown;
		node->size = size;
	}
	if (len)
		memcpy(node->data + node->action.len, data, len);
	node->action.data = node->data;
	node->action.len += len;
}

void ha_drop_actions(struct ha *ha, bool (*match)(const struct ha_action_node *node))
{
	struct ha_action_node **p = &ha->first, *node;

	ha->last = NULL;
	while ((node = *p)) {
		if (match(node)) {
			*p = node->next;
			node_free(ha, node);
			continue;
		}
		ha->last = node;
		p = &node->next;
	}
}

bool ha_action_next(struct ha *ha, struct ha_action *action)
{
	struct ha_action_node *node = ha->first;

	if (ha->current) {
		ha->current->action.output = NULL;
		node_free(ha, ha->current);
	}
	ha->current = node;
	if (!node)
		return false;
	ha->first = node->next;
	if (!ha->first)
		ha->last = NULL;
	node->next = NULL;
	if (node->serial)
		ha_roles_handed_out(ha, node);
	*action = node->action;
	return true;
}

void ha_send_raw(struct ha *ha, const uint8_t *frame, size_t len)
{
	if (!ha->link_up)
		return;
	/* what is sent in one go leaves in one write */
	if (!ha->last || ha->last->action.type != HA_ACTION_LINK_SEND)
		ha_action_new(ha, HA_ACTION_LINK_SEND, false);
	ha_action_data(ha, frame, len);
	ha->stats.frames_sent++;
	ha->stats.bytes_sent += len;
}

void ha_send(struct ha *ha, uint8_t type, uint64_t seq, const ProtobufCMessage *msg)
{
	uint8_t *frame;
	size_t len;

	if (!ha->link_up)
		return;
	frame = ha_frame_new(type, ha->epoch, seq, msg, &len);
	if (!frame) {
		ha_link_fail(ha, "cannot build a %s frame", ha_frame_type_name(type));
		return;
	}
	ha_send_raw(ha, frame, len);
	free(frame);
}

void ha_beat_fill(const struct ha *ha, L2tpha__Heartbeat *beat)
{
	l2tpha__heartbeat__init(beat);
	beat->role = ha->role;
	beat->sync = ha->sync;
	beat->sync_reason = (char *)ha->sync_reason;
	beat->epoch = ha->epoch;
	beat->seq = ha->log.seq;
	beat->log_id = ha->log.id;
	beat->log_epoch = ha->log.epoch;
	beat->records = ha_store_count(ha->store);
	beat->digest = ha_store_digest(ha->store);
	beat->digest_valid = !ha->log.batch_len;
	beat->eligible = ha_roles_eligible(ha);
	beat->owned = ha_roles_owned(ha);
	beat->epoch_unwritten = ha->roles.persist_failed;
	beat->config_digest.data = (uint8_t *)(uintptr_t)ha->config.config_digest;
	beat->config_digest.len = sizeof(ha->config.config_digest);
}

void ha_send_heartbeat(struct ha *ha)
{
	L2tpha__Heartbeat beat;

	ha_beat_fill(ha, &beat);
	ha->heartbeat_ms = ha->now_ms + ha->config.heartbeat_ms;
	ha->said_ms = ha->now_ms;
	ha_send(ha, HA_FRAME_HEARTBEAT, ha->log.seq, &beat.base);
}

uint64_t ha_said_ms(const struct ha *ha)
{
	return ha->link_up ? ha->said_ms : 0;
}

bool ha_may_be_relieved(const struct ha *ha)
{
	return ha->link_up || (ha->lost_ms && ha->now_ms - ha->lost_ms <= (HA_STALE_FACTOR + 1ull) * ha->config.dead_ms);
}

void ha_send_refuse(struct ha *ha, unsigned int what, const char *reason)
{
	L2tpha__Refuse refuse = L2TPHA__REFUSE__INIT;

	refuse.what = what;
	refuse.reason = (char *)reason;
	ha->stats.refused++;
	ha_send(ha, HA_FRAME_REFUSE, ha->log.seq, &refuse.base);
}

void ha_set_sync(struct ha *ha, enum ha_sync sync, const char *fmt, ...)
{
	struct ha_action_node *node;
	char text[HA_REASON_MAX];
	enum ha_sync old = ha->sync;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ha_copy(ha->sync_reason, sizeof(ha->sync_reason), text);
	if (sync == old)
		return;
	ha->sync = sync;
	ha_log_line(ha, sync == HA_SYNC_DEGRADED || sync == HA_SYNC_STALE ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		    "%s -> %s: %s", ha_sync_name(old), ha_sync_name(sync), text);
	node = ha_action_new(ha, HA_ACTION_SYNC, false);
	node->action.sync = sync;
	ha_copy(node->action.text, sizeof(node->action.text), text);
	ha_send_heartbeat(ha);
}

/* ---- link ------------------------------------------------------------------- */

/*
 * A process that stood still longer than its peer waits for it (SIGSTOP, a
 * paused machine) finds in the stream what was true when it stopped: an old
 * HANDOVER would make it a second owner.  It starts over instead; and so does a
 * claim, for the peer may have made the same one meanwhile.
 */
void ha_advance(struct ha *ha, uint64_t now_ms)
{
	uint64_t still = now_ms > ha->ran_ms ? now_ms - ha->ran_ms : 0;

	ha->ran_ms += still;
	if (now_ms > ha->now_ms)
		ha->now_ms = now_ms;
	if (still < ha->config.dead_ms)
		return;
	ha->last_rx_ms = ha->now_ms;	/* we were silent, not the peer */
	ha_watch_heard(ha);
	if (ha->role == HA_ROLE_STANDBY)
		ha->roles.unsure = true;	/* what it may have told us since is in a stream that is not read */
	if (ha->link_up)
		ha_link_fail(ha, "stood still for %" PRIu64 " ms", still);
	if (ha->role == HA_ROLE_CLAIMING)
		ha_lapsed(ha, ha->now_ms);
}

static bool is_of_link(const struct ha_action_node *node)
{
	return node->action.type == HA_ACTION_LINK_SEND || node->action.type == HA_ACTION_LINK_RESET;
}

/* ended: by its end of the stream, so what it was is over */
static void peer_gone(struct ha *ha, const char *why, bool ended)
{
	ha->link_up = false;
	ha->lost_ms = ha->now_ms;
	ha_parser_reset(&ha->parser);
	ha->peer.ready = false;
	if (ended && !ha->commit.doubt_ms)
		ha_commit_stop(ha, why);
	else
		ha_commit_lost(ha, why);
	ha_follow_stop(ha, why);
	ha_roles_link_down(ha);
}

static void link_reset(struct ha *ha, const char *why)
{
	struct ha_action_node *node = ha_action_new(ha, HA_ACTION_LINK_RESET, false);

	ha_copy(node->action.text, sizeof(node->action.text), why);
}

void ha_link_condemn(struct ha *ha, const char *why)
{
	ha->condemned_ms = ha->now_ms + HA_CONDEMNED_MS;
	peer_gone(ha, why, false);
}

/* Without a word the end of the stream is the end of the process: the active would wait for nobody. */
static void say_closing(struct ha *ha, const char *why)
{
	L2tpha__Refuse refuse = L2TPHA__REFUSE__INIT;

	refuse.what = HA_FRAME_HEARTBEAT;
	refuse.reason = (char *)(uintptr_t)why;
	ha_send(ha, HA_FRAME_REFUSE, ha->log.seq, &refuse.base);
}

void ha_link_fail(struct ha *ha, const char *fmt, ...)
{
	char why[HA_REASON_MAX];
	va_list ap;

	if (!ha->link_up)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	ha_warn(ha, "link closed: %s", why);
	if (ha->peer.ready && ha->role == HA_ROLE_STANDBY)
		say_closing(ha, why);
	link_reset(ha, why);
	peer_gone(ha, why, false);
}

void ha_link_up(struct ha *ha, uint64_t now_ms)
{
	ha_advance(ha, now_ms);
	if (ha->link_up)
		peer_gone(ha, "link replaced", false);
	ha_drop_actions(ha, is_of_link);	/* meant for the stream before this one */
	ha->link_up = true;
	ha->condemned_ms = 0;
	ha->last_rx_ms = ha->now_ms;
	if (ha->role == HA_ROLE_STANDBY)
		ha->roles.unsure = true;	/* it lives, and may serve and be lost before it feeds us: follow.c */
	memset(&ha->peer, 0, sizeof(ha->peer));
	ha->said_ms = ha->now_ms;
	ha->heartbeat_ms = ha->now_ms + ha->config.heartbeat_ms;
	ha_hello_send(ha);
}

void ha_link_down(struct ha *ha, uint64_t now_ms)
{
	ha_advance(ha, now_ms);
	ha->condemned_ms = 0;
	if (!ha->link_up)
		return;
	peer_gone(ha, "link down", !ha->peer.closes);
	ha_drop_actions(ha, is_of_link);
}

/* The peer has looked at our HELLO and closes. */
static void on_refuse(struct ha *ha, const L2tpha__Refuse *refuse)
{
	char text[HA_REASON_MAX];

	ha->peer.closes |= refuse->what == HA_FRAME_HEARTBEAT;
	if (refuse->what != HA_FRAME_HELLO)
		return;
	snprintf(text, sizeof(text), "refused by the peer: %.100s", refuse->reason);
	ha->incompatible |= refuse->incompatible;
	if (!ha->refusal[0])
		ha_refusal(ha, text);
}

static void on_frame(struct ha *ha, const struct ha_frame *frame)
{
	L2tpha__SwitchRequest *request;
	L2tpha__SyncRequest *sync;
	L2tpha__Handover *handover;
	L2tpha__Heartbeat *beat;
	L2tpha__Refuse *refuse;
	L2tpha__Hello *hello;
	char reason[HA_REASON_MAX];
	L2tpha__Ack *ack;
	bool ok = true;

	if (frame->type != HA_FRAME_HELLO && frame->type != HA_FRAME_REFUSE && !ha->peer.ready) {
		ha->stats.bad_frames++;
		ha_link_fail(ha, "%s frame before hello", ha_frame_type_name(frame->type));
		return;
	}
	if (ha->peer.ready)
		ha_roles_epoch(ha, frame->epoch);
	switch (frame->type) {
	case HA_FRAME_HELLO:
		hello = l2tpha__hello__unpack(NULL, frame->len, frame->payload);
		if ((ok = hello))
			ha_hello_receive(ha, hello);
		l2tpha__hello__free_unpacked(hello, NULL);
		break;
	case HA_FRAME_HEARTBEAT:
		beat = l2tpha__heartbeat__unpack(NULL, frame->len, frame->payload);
		if ((ok = beat && ha_peer_state(ha, beat))) {
			ha_roles_epoch(ha, beat->epoch);
			ha_roles_peer(ha);
			ha_follow_heartbeat(ha, beat);
		}
		l2tpha__heartbeat__free_unpacked(beat, NULL);
		break;
	case HA_FRAME_ACK:
		ack = l2tpha__ack__unpack(NULL, frame->len, frame->payload);
		ha->stats.acks_received++;
		if ((ok = ack))
			ha_commit_ack(ha, ack);
		l2tpha__ack__free_unpacked(ack, NULL);
		break;
	case HA_FRAME_SYNC_REQUEST:
		sync = l2tpha__sync_request__unpack(NULL, frame->len, frame->payload);
		if ((ok = sync))
			ha_commit_request(ha, sync);
		l2tpha__sync_request__free_unpacked(sync, NULL);
		break;
	case HA_FRAME_COMMIT:
	case HA_FRAME_CONTINUE:
	case HA_FRAME_SNAP_BEGIN:
	case HA_FRAME_SNAP_CHUNK:
	case HA_FRAME_SNAP_END:
		ha_follow_frame(ha, frame);
		break;
	case HA_FRAME_HANDOVER:
		handover = l2tpha__handover__unpack(NULL, frame->len, frame->payload);
		if ((ok = handover) && frame->epoch == ha->epoch)
			ha_roles_handover(ha, handover);
		l2tpha__handover__free_unpacked(handover, NULL);
		break;
	case HA_FRAME_SWITCH_REQUEST:
		request = l2tpha__switch_request__unpack(NULL, frame->len, frame->payload);
		if ((ok = request)) {
			ha_note(ha, "%s asks to take over: %s", ha->peer.node, request->reason);
			if (ha->role != HA_ROLE_ACTIVE)
				ha_send_refuse(ha, frame->type, "not active");
			else if (ha_switchover(ha, ha->now_ms, false, reason))
				ha_send_refuse(ha, frame->type, reason);
		}
		l2tpha__switch_request__free_unpacked(request, NULL);
		break;
	case HA_FRAME_REFUSE:
		refuse = l2tpha__refuse__unpack(NULL, frame->len, frame->payload);
		if ((ok = refuse)) {
			on_refuse(ha, refuse);
			ha_roles_refused(ha, refuse->what, refuse->reason);
		}
		l2tpha__refuse__free_unpacked(refuse, NULL);
		break;
	default:	/* of a newer version */
		if (!(frame->flags & HA_FRAME_FLAG_OPTIONAL))
			ha_link_fail(ha, "frame type %u is not known", frame->type);
		break;
	}
	if (!ok) {
		ha->stats.bad_frames++;
		ha_link_fail(ha, "%s frame does not decode", ha_frame_type_name(frame->type));
	}
}

void ha_link_input(struct ha *ha, uint64_t now_ms, const uint8_t *data, size_t len)
{
	struct ha_frame frame;
	const char *why = "";
	int ret = 0;

	ha_advance(ha, now_ms);
	if (!ha->link_up)
		return;
	ha->stats.bytes_received += len;
	if (ha_parser_feed(&ha->parser, data, len)) {
		ha_link_fail(ha, "out of memory");
		return;
	}
	while (ha->link_up && (ret = ha_parser_next(&ha->parser, &frame, &why)) > 0) {
		ha->stats.frames_received++;
		ha->last_rx_ms = ha->now_ms;
		ha_watch_heard(ha);
		on_frame(ha, &frame);
	}
	if (!ha->link_up)
		return;
	if (ret < 0) {
		ha->stats.bad_frames++;
		ha_link_fail(ha, "%s", why);
		return;
	}
	/* one acknowledgement for everything that came in one piece */
	ha_follow_flush_ack(ha);
}

/* ---- time ------------------------------------------------------------------- */

void ha_tick(struct ha *ha, uint64_t now_ms)
{
	ha_advance(ha, now_ms);
	if (ha->link_up && ha->now_ms - ha->last_rx_ms >= ha->config.dead_ms)
		ha_link_fail(ha, "peer silent for %" PRIu64 " ms", ha->now_ms - ha->last_rx_ms);
	if (ha->condemned_ms && ha->now_ms >= ha->condemned_ms) {
		ha->condemned_ms = 0;
		link_reset(ha, ha->refusal);
	}
	ha_roles_tick(ha);
	if (ha->log.batch_len)
		ha_commit(ha, ha->now_ms);
	ha_commit_tick(ha);
	ha_follow_tick(ha);
	ha_keep_tick(ha);
	if (ha->link_up && ha->now_ms >= ha->heartbeat_ms)
		ha_send_heartbeat(ha);
}

static void sooner(uint64_t *at, uint64_t other)
{
	if (other < *at)
		*at = other;
}

uint64_t ha_deadline_ms(const struct ha *ha)
{
	uint64_t at = ha_roles_deadline(ha);

	sooner(&at, ha_commit_deadline(ha));
	sooner(&at, ha_follow_deadline(ha));
	sooner(&at, ha_keep_deadline(ha));
	sooner(&at, ha_persist_deadline(ha));
	if (ha->link_up) {
		sooner(&at, ha->heartbeat_ms);
		sooner(&at, ha->last_rx_ms + ha->config.dead_ms);
	}
	if (ha->log.batch_len)
		sooner(&at, ha->now_ms);
	if (ha->condemned_ms)
		sooner(&at, ha->condemned_ms);
	if (ha->config.peer_configured)
		sooner(&at, ha->ran_ms + ha->config.dead_ms / 2);	/* sleep is no standstill: ha_advance() */
	return at;
}

/* ---- looking ---------------------------------------------------------------- */

const void *ha_get(const struct ha *ha, struct ha_key key, size_t *len)
{
	const struct ha_record *record = ha_store_find(ha->store, key);

	if (!record)
		record = ha_store_find(ha->local, key);
	if (!record)
		return NULL;
	if (len)
		*len = record->len;
	return record->body;
}

static bool visit_store(const struct ha_store *store, uint8_t type, ha_visit_fn visit, void *ctx)
{
	const struct ha_record *record, *next;

	for (record = ha_store_first(store); record; record = next) {
		next = record->next;
		if ((!type || record->key.type == type) &&
		    !visit(ctx, record->key, record->body, record->len))
			return false;
	}
	return true;
}

void ha_visit(const struct ha *ha, uint8_t type, ha_visit_fn visit, void *ctx)
{
	if (visit_store(ha->store, type, visit, ctx))
		visit_store(ha->local, type, visit, ctx);
}

bool ha_left(const struct ha *ha)
{
	return ha->follow.left != NULL;
}

void ha_left_visit(const struct ha *ha, ha_visit_fn visit, void *ctx)
{
	if (ha->follow.left)
		visit_store(ha->follow.left, 0, visit, ctx);
}

void ha_left_forget(struct ha *ha)
{
	ha_store_free(ha->follow.left);
	ha->follow.left = NULL;
}

void ha_walk_start(struct ha *ha)
{
	ha_cursor_close(&ha->walk);
	ha_cursor_open(&ha->walk, ha->store);
}

bool ha_walk_next(struct ha *ha, struct ha_key *key, const void **body, size_t *len)
{
	const struct ha_record *record = ha_cursor_next(&ha->walk);

	if (!record) {
		ha_cursor_close(&ha->walk);
		return false;
	}
	*key = record->key;
	*body = record->body;
	*len = record->len;
	return true;
}

uint64_t ha_digest(const struct ha *ha)
{
	return ha_store_digest(ha->store);
}

void ha_info(const struct ha *ha, struct ha_info *info)
{
	const struct ha_peer *peer = &ha->peer;

	memset(info, 0, sizeof(*info));
	info->role = ha->role;
	info->sync = ha->sync;
	ha_copy(info->sync_reason, sizeof(info->sync_reason), ha->sync_reason);
	info->epoch = ha->epoch;
	info->seq = ha->log.seq;
	info->acked_seq = ha->role == HA_ROLE_ACTIVE ? ha->commit.acked_seq : ha->log.seq;
	info->link_up = ha->link_up;
	info->peer_ready = peer->ready;
	ha_copy(info->peer_node, sizeof(info->peer_node), peer->node);
	ha_copy(info->peer_version, sizeof(info->peer_version), peer->version);
	info->peer_role = peer->role;
	info->proto = peer->ready ? peer->proto : 0;
	info->peer_proto_min = peer->proto_min;
	info->peer_proto_max = peer->proto_max;
	info->peer_features = peer->features;
	info->features = ha->common_features;
	info->incompatible = ha->incompatible;
	ha_copy(info->refusal, sizeof(info->refusal), ha->refusal);
	info->peer_config_equal = peer->config_equal;
	info->owner = ha_owner(ha);
	info->records = ha_store_count(ha->store);
	info->frames_sent = ha->stats.frames_sent;
	info->frames_received = ha->stats.frames_received;
	info->records_sent = ha->stats.records_sent;
	info->records_received = ha->stats.records_received;
	info->acks_sent = ha->stats.acks_sent;
	info->acks_received = ha->stats.acks_received;
	info->bytes_sent = ha->stats.bytes_sent;
	info->bytes_received = ha->stats.bytes_received;
	info->late_commits = ha->stats.late_commits;
	info->bad_frames = ha->stats.bad_frames;
	info->refused = ha->stats.refused;
	info->snapshots = ha->stats.snapshots;
	info->waiting_output = ha->commit.held;
	info->epoch_unwritten = ha->roles.persist_failed;
	info->behind = ha->roles.behind;
	info->doubt = ha->commit.doubt_ms != 0;
	info->lag_ms_last = ha->stats.lag_ms_last;
	info->lag_ms_max = ha->stats.lag_ms_max;
	info->fitness = ha_fitness(ha, info->fitness_reason);
	info->promoting = ha->roles.look || ha->roles.promote_ms;
	info->ownerless = ha_ownerless(ha);
	info->since_ms = ha->roles.since_ms;
	info->history_len = ha->roles.history_len;
	memcpy(info->history, ha->roles.history, sizeof(info->history));
}
