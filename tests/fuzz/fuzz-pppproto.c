// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any octets as a message between daemon and plugin, or as a captured PPP
 * state: refused, or understood in a way that survives being encoded and read
 * again.  The first octet says how much room an encoder gets: too little is
 * an error, never a truncated message.  The second is a message type, and the
 * rest what follows a correct header; or 0, and the rest is all there is.
 * The same octets are also a data packet that came before its session.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pppd-plugin/proto.h"
#include "pppd-plugin/proto_early.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union message {
	struct {
		struct ppp_params params;
		uint32_t instance;
	} start;
	struct ppp_auth auth;
	struct ppp_verdict verdict;
	struct {
		struct ppp_key key;
		struct ppp_up up;
	} up;
	struct ppp_down down;
	struct proto_note note;
	struct proto_frame early;
};

static void must(int condition)
{
	if (!condition)
		abort();
}

static int decode(enum proto_type type, struct proto_iter *it, union message *m)
{
	switch (type) {
	case PROTO_START:
		return proto_decode_start(it, &m->start.params, &m->start.instance);
	case PROTO_AUTH:
		return proto_decode_auth(it, &m->auth);
	case PROTO_VERDICT:
		return proto_decode_verdict(it, &m->verdict);
	case PROTO_UP:
	case PROTO_CHANGED:
	case PROTO_HELLO:
		return proto_decode_up(it, &m->up.key, &m->up.up);
	case PROTO_DOWN:
		return proto_decode_down(it, &m->down);
	case PROTO_READY:
	case PROTO_EXITED:
	case PROTO_ACTIVATE:
	case PROTO_MUTE:
	case PROTO_TERMINATE:
	case PROTO_KILL:
	case PROTO_ADOPT:
	case PROTO_INJECTED:
	case PROTO_FDS:
		return proto_decode_note(it, &m->note);
	case PROTO_EARLY:
		return proto_decode_early(it, &m->early);
	case PROTO_TYPE_END:
		break;
	}
	return -EBADMSG;	/* a type nobody knows */
}

static int encode(enum proto_type type, uint8_t *buf, size_t size, const union message *m)
{
	switch (type) {
	case PROTO_START:
		return proto_encode_start(buf, size, &m->start.params, m->start.instance);
	case PROTO_AUTH:
		return proto_encode_auth(buf, size, &m->auth);
	case PROTO_VERDICT:
		return proto_encode_verdict(buf, size, &m->verdict);
	case PROTO_UP:
	case PROTO_CHANGED:
	case PROTO_HELLO:
		return proto_encode_up(buf, size, type, m->up.key, &m->up.up);
	case PROTO_DOWN:
		return proto_encode_down(buf, size, &m->down);
	case PROTO_READY:
	case PROTO_EXITED:
	case PROTO_ACTIVATE:
	case PROTO_MUTE:
	case PROTO_TERMINATE:
	case PROTO_KILL:
	case PROTO_ADOPT:
	case PROTO_INJECTED:
	case PROTO_FDS:
		return proto_encode_note(buf, size, type, &m->note);
	case PROTO_EARLY:
		return proto_encode_early(buf, size, &m->early);
	case PROTO_TYPE_END:
		break;
	}
	return -EBADMSG;
}

static void message(const uint8_t *data, size_t len, size_t room)
{
	uint8_t one[PROTO_MSG_MAX], two[PROTO_MSG_MAX], *tight;
	union message m, again;
	struct proto_iter it;
	int type, n, k;

	type = proto_open(&it, data, len);
	if (type < 0 || decode((enum proto_type)type, &it, &m))
		return;
	n = encode((enum proto_type)type, one, sizeof(one), &m);
	must(n >= PROTO_HEADER);
	must(proto_open(&it, one, (size_t)n) == type);
	must(!decode((enum proto_type)type, &it, &again));
	must(encode((enum proto_type)type, two, sizeof(two), &again) == n);
	must(!memcmp(one, two, (size_t)n));
	/* its own allocation: overruns are seen */
	tight = malloc(room ? room : 1);
	must(tight != NULL);
	k = encode((enum proto_type)type, tight, room, &m);
	must(k == (room < (size_t)n ? -EMSGSIZE : n));
	free(tight);
}

static void state(const uint8_t *data, size_t len, size_t room)
{
	uint8_t one[PPP_STATE_MAX], two[PPP_STATE_MAX], *tight;
	struct ppp_state s, again;
	int n, k;

	if (proto_decode_state(data, len, &s))
		return;
	must(s.version && s.local_addr && s.peer_addr);
	n = proto_encode_state(one, sizeof(one), &s);
	must(n > 0);
	must(!proto_decode_state(one, (size_t)n, &again));
	must(proto_encode_state(two, sizeof(two), &again) == n);
	must(!memcmp(one, two, (size_t)n));
	tight = malloc(room ? room : 1);
	must(tight != NULL);
	k = proto_encode_state(tight, room, &s);
	must(k == (room < (size_t)n ? -EMSGSIZE : n));
	free(tight);
}

static void early(const uint8_t *data, size_t len)
{
	static struct early_table table;
	const struct early_frame *kept;
	const uint8_t *frame;
	struct ppp_key key;
	int n = early_parse(data, len, &key, &frame);

	if (n < 0)
		return;
	must(key.session_id && frame >= data && frame + n <= data + len);
	if (!early_wanted(frame, (size_t)n))
		return;
	early_put(&table, key, frame, (size_t)n, 1);
	kept = early_take(&table, key, 2);
	must(kept && kept->len == (size_t)n && !memcmp(kept->bytes, frame, (size_t)n));
	must(!early_take(&table, key, 3));
}

static void correct_header(uint8_t *buf, size_t len, uint8_t type)
{
	struct proto_writer w;

	proto_begin(&w, buf, len, (enum proto_type)type);
	w.len = len;
	must(proto_end(&w) == (int)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room, len, head;
	uint8_t *copy;

	if (size < 2 || size > PROTO_MSG_MAX)
		return 0;
	room = (size_t)data[0] * 8;
	head = data[1] ? PROTO_HEADER : 0;
	len = size - 2 + head;
	copy = malloc(len ? len : 1);
	must(copy != NULL);
	memcpy(copy + head, data + 2, size - 2);
	if (head)
		correct_header(copy, len, data[1]);
	message(copy, len, room);
	state(copy + head, len - head, room);
	if (!head)
		early(copy, len);
	free(copy);
	return 0;
}
