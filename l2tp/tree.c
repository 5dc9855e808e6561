/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sessions of a tunnel, found by our ID and visited in its order.
 *
 * A treap whose priorities are a hash of the ID: the shape depends on the set
 * of sessions only, not on the order they came in (a standby gets them sorted),
 * costs two pointers a session, and needs no recursion.
 *
 * Session IDs: a counter run through a keyed permutation of 16 bits, so a peer
 * cannot tell the next one (RFC 2661 9.1) and none comes back before all others
 * had their turn: a late packet for a closed session meets nobody.
 */
#include "l2tp/engine.h"

static uint32_t priority(const struct l2tp_session *session)
{
	uint32_t x = session->local_id + 1u;

	x *= 0x9e3779b1u;
	x ^= x >> 15;
	x *= 0x85ebca77u;
	return x ^ x >> 13;
}

struct l2tp_session *session_tree_find(const struct l2tp_tunnel *tunnel, uint16_t id)
{
	struct l2tp_session *session = tunnel->sessions;

	while (session && session->local_id != id)
		session = id < session->local_id ? session->left : session->right;
	return session;
}

struct l2tp_session *session_tree_after(const struct l2tp_tunnel *tunnel, uint16_t after)
{
	struct l2tp_session *session = tunnel->sessions, *found = NULL;

	while (session) {
		if (session->local_id > after) {
			found = session;
			session = session->left;
		} else {
			session = session->right;
		}
	}
	return found;
}

void session_tree_insert(struct l2tp_tunnel *tunnel, struct l2tp_session *session)
{
	struct l2tp_session **link = &tunnel->sessions, **left = &session->left, **right = &session->right, *node;

	while (*link && priority(*link) >= priority(session))
		link = session->local_id < (*link)->local_id ? &(*link)->left : &(*link)->right;
	/* What hangs here is split around the new one. */
	node = *link;
	while (node) {
		if (node->local_id < session->local_id) {
			*left = node;
			left = &node->right;
			node = node->right;
		} else {
			*right = node;
			right = &node->left;
			node = node->left;
		}
	}
	*left = *right = NULL;
	*link = session;
	tunnel->session_count++;
}

void session_tree_remove(struct l2tp_tunnel *tunnel, struct l2tp_session *session)
{
	struct l2tp_session **link = &tunnel->sessions, *left = session->left, *right = session->right;

	while (*link != session)
		link = session->local_id < (*link)->local_id ? &(*link)->left : &(*link)->right;
	while (left && right) {
		if (priority(left) >= priority(right)) {
			*link = left;
			link = &left->right;
			left = left->right;
		} else {
			*link = right;
			link = &right->left;
			right = right->left;
		}
	}
	*link = left ? left : right;
	tunnel->session_count--;
}

/* Four Feistel rounds on two octets. */
static uint16_t permute(uint16_t number, uint64_t key)
{
	uint8_t left = (uint8_t)(number >> 8), right = (uint8_t)number, next;
	int round;

	for (round = 0; round < 4; round++, key >>= 16) {
		next = left ^ (uint8_t)(((right ^ (key & 0xff)) * (0x9e37u | (key & 0xff00)) >> 5) + (key >> 8));
		left = right;
		right = next;
	}
	return (uint16_t)(left << 8 | right);
}

uint16_t session_new_id(struct l2tp_tunnel *tunnel)
{
	uint32_t tries;
	uint16_t id;

	for (tries = 0; tries < 65536; tries++) {
		id = permute(tunnel->session_id_counter++, tunnel->session_id_key);
		if (id && !session_tree_find(tunnel, id))
			return id;
	}
	return 0;
}
