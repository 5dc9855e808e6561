// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HA link: TCP + TLS 1.3 with a pre-shared key, the only I/O of the room.
 * Owns the listening socket, at most one live connection and a few that are
 * still shaking hands.  Called by the daemon's loop: ready(), tick(), send().
 *
 * A connection counts only when its handshake is finished: the binder of the
 * pre-shared key has then proved both ends.  Until that moment it can do
 * nothing but time out, and a live connection is not touched; a second one
 * that did authenticate replaces it (the peer restarted and we have not
 * noticed yet).  Strangers cannot lock the peer out: when the waiting room is
 * full, the configured peer's address displaces the oldest other one.
 *
 * Octets to send go into one buffer and from there straight into the record
 * layer; what the kernel does not take waits for writability, and a record
 * that GnuTLS holds half written is finished before the next begins.
 */
#include "ha/link.h"

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINK_RECORD 16384
#define LINK_QUEUE_MAX (64u << 20)
#define LINK_WAITING 4
#define LINK_READ_RECORDS 64	/* per readiness, so that others get their turn */
#define LINK_LOG_MS 10000
#define LINK_BRIEF_MS 500u		/* a link that lasts less long is no link */
#define LINK_RETRY_MAX_MS 2000u
#define LINK_USER_TIMEOUT_MS 5000
#define LINK_READ 1
#define LINK_WRITE 2
#define LINK_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:-KX-ALL:+DHE-PSK:+ECDHE-PSK" \
		      ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1" \
		      ":-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305"

struct conn {
	struct ha_link *link;
	int fd, events;
	bool dialled, connecting;
	bool offered_psk;		/* got as far as a known identity */
	const char *why;		/* set by the identity check */
	gnutls_session_t tls;
	char peer[80];
	uint64_t deadline_ms, since_ms;
	bool from_peer;			/* the configured address */
	uint8_t *out;
	size_t out_start, out_end, out_size;
	size_t half;			/* octets of the record GnuTLS has not finished */
};

struct ha_link {
	struct ha_link_config config;
	struct ha_link_ops ops;
	uint64_t now_ms;
	int listen_fd;
	uint64_t accept_ms;		/* out of descriptors: listen again then; 0: listening */
	uint64_t dial_ms;
	uint32_t retry_ms;		/* after a link that was there */
	struct conn *live;
	struct conn *waiting[LINK_WAITING];
	gnutls_psk_server_credentials_t server;
	gnutls_psk_client_credentials_t client;
	gnutls_priority_t priority;
	struct {
		char reason[96];
		uint64_t until_ms;
		uint32_t skipped;
	} logged[8];
};

/* ---- log: once per reason and ten seconds ---------------------------------- */

static void link_log(struct ha_link *link, const char *peer, const char *reason)
{
	size_t i, oldest = 0;

	for (i = 0; i < sizeof(link->logged) / sizeof(link->logged[0]); i++) {
		if (!strcmp(link->logged[i].reason, reason)) {
			if (link->now_ms < link->logged[i].until_ms) {
				link->logged[i].skipped++;
				return;
			}
			oldest = i;
			break;
		}
		if (link->logged[i].until_ms < link->logged[oldest].until_ms)
			oldest = i;
	}
	if (!strcmp(link->logged[oldest].reason, reason) && link->logged[oldest].skipped)
		log_warnx("redundancy group %s: link with %s: %s (and %" PRIu32 " times before)", link->config.group, peer, reason,
			  link->logged[oldest].skipped);
	else
		log_warnx("redundancy group %s: link with %s: %s", link->config.group, peer, reason);
	snprintf(link->logged[oldest].reason, sizeof(link->logged[oldest].reason), "%s", reason);
	link->logged[oldest].until_ms = link->now_ms + LINK_LOG_MS;
	link->logged[oldest].skipped = 0;
}

/* ---- addresses --------------------------------------------------------------- */

static socklen_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void addr_text(const struct sockaddr_storage *addr, char *text, size_t size)
{
	char host[64], port[8];

	if (getnameinfo((const struct sockaddr *)addr, addr_len(addr), host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, size, "unknown");
	else
		snprintf(text, size, addr->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static bool addr_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
		       sizeof(struct in6_addr));
}

/* ---- connections ------------------------------------------------------------- */

static void conn_watch(struct conn *conn, int events)
{
	if (conn->events == events)
		return;
	conn->events = events;
	conn->link->ops.watch(conn->link->ops.ctx, conn->fd, events);
}

static void conn_free(struct conn *conn)
{
	struct ha_link *link = conn->link;
	size_t i;

	for (i = 0; i < LINK_WAITING; i++)
		if (link->waiting[i] == conn)
			link->waiting[i] = NULL;
	if (link->live == conn)
		link->live = NULL;
	conn_watch(conn, 0);
	if (conn->tls)
		gnutls_deinit(conn->tls);
	close(conn->fd);
	free(conn->out);
	free(conn);
}

/* A connection that never became the live one. */
static void conn_refuse(struct conn *conn, const char *reason)
{
	struct ha_link *link = conn->link;

	link_log(link, conn->peer, reason);
	if (conn->from_peer && !conn->connecting && !link->live && link->ops.trouble)
		link->ops.trouble(link->ops.ctx, reason);
	if (conn->dialled)
		link->dial_ms = link->now_ms + link->config.retry_ms;
	conn_free(conn);
}

static void live_down(struct ha_link *link, const char *why)
{
	struct conn *conn = link->live;

	if (!conn)
		return;
	if (conn->tls && !conn->half)
		gnutls_bye(conn->tls, GNUTLS_SHUT_WR);
	/* one that goes as soon as it has come will do so again: a peer of another release, say */
	link->retry_ms = link->now_ms - conn->since_ms < LINK_BRIEF_MS ? link->retry_ms * 2 : link->config.retry_ms;
	if (link->retry_ms > LINK_RETRY_MAX_MS)
		link->retry_ms = LINK_RETRY_MAX_MS;
	if (link->config.dial)
		link->dial_ms = link->now_ms + link->retry_ms;
	log_info("redundancy group %s: link with %s down: %s", link->config.group, conn->peer, why);
	conn_free(conn);
	link->ops.down(link->ops.ctx, why);
}

static struct conn *conn_new(struct ha_link *link, int fd, const struct sockaddr_storage *addr, bool dialled)
{
	struct conn *conn = NULL, *victim = NULL;
	int on = 1, timeout_ms = LINK_USER_TIMEOUT_MS;
	size_t i, slot = LINK_WAITING;
	bool from_peer = dialled || addr_same_host(addr, &link->config.peer);

	for (i = 0; i < LINK_WAITING; i++) {
		if (!link->waiting[i]) {
			slot = i;
			break;
		}
		if (!link->waiting[i]->from_peer && (!victim || link->waiting[i]->since_ms < victim->since_ms)) {
			victim = link->waiting[i];
			slot = i;
		}
	}
	if (slot < LINK_WAITING && link->waiting[slot]) {
		if (!from_peer)
			slot = LINK_WAITING;
		else
			conn_refuse(link->waiting[slot], "made room for the peer");
	}
	if (slot == LINK_WAITING) {
		char text[80];

		addr_text(addr, text, sizeof(text));
		link_log(link, text, "refused: too many unauthenticated connections");
		close(fd);
		return NULL;
	}
	conn = calloc(1, sizeof(*conn));
	if (!conn) {
		close(fd);
		return NULL;
	}
	conn->link = link;
	conn->fd = fd;
	conn->dialled = dialled;
	conn->from_peer = from_peer;
	conn->since_ms = link->now_ms;
	conn->deadline_ms = link->now_ms + link->config.connect_timeout_ms;
	addr_text(addr, conn->peer, sizeof(conn->peer));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	link->waiting[slot] = conn;
	return conn;
}

/* The server asks for the key of an identity: "group/node" of our group, not ourselves. */
static int identity_key(gnutls_session_t tls, const char *identity, gnutls_datum_t *key)
{
	struct conn *conn = gnutls_session_get_ptr(tls);
	const struct ha_link_config *config = &conn->link->config;
	size_t group = strlen(config->group);

	if (strncmp(identity, config->group, group) || identity[group] != '/' || !identity[group + 1]) {
		conn->why = "refused: the peer is not of our redundancy group";
		return -1;
	}
	if (!strcmp(identity + group + 1, config->node)) {
		conn->why = "refused: the peer has our own node name";
		return -1;
	}
	key->data = gnutls_malloc(config->key_len);
	if (!key->data)
		return -1;
	memcpy(key->data, config->key, config->key_len);
	key->size = (unsigned int)config->key_len;
	conn->offered_psk = true;
	return 0;
}

static bool tls_start(struct conn *conn)
{
	struct ha_link *link = conn->link;
	unsigned int flags = GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL;
	int ret;

	ret = gnutls_init(&conn->tls, flags | (conn->dialled ? GNUTLS_CLIENT : GNUTLS_SERVER));
	if (ret < 0) {
		conn->tls = NULL;
		return false;
	}
	gnutls_session_set_ptr(conn->tls, conn);
	if (gnutls_priority_set(conn->tls, link->priority) < 0)
		return false;
	if (conn->dialled)
		ret = gnutls_credentials_set(conn->tls, GNUTLS_CRD_PSK, link->client);
	else
		ret = gnutls_credentials_set(conn->tls, GNUTLS_CRD_PSK, link->server);
	gnutls_transport_set_int(conn->tls, conn->fd);
	gnutls_handshake_set_timeout(conn->tls, 0);	/* our own deadline */
	return ret >= 0;
}

static void conn_live(struct conn *conn)
{
	struct ha_link *link = conn->link;
	size_t i;

	for (i = 0; i < LINK_WAITING; i++)
		if (link->waiting[i] == conn)
			link->waiting[i] = NULL;
	if (link->live)
		live_down(link, "replaced by a newer connection of the peer");
	link->live = conn;
	link->dial_ms = UINT64_MAX;
	log_info("redundancy group %s: link with %s up", link->config.group, conn->peer);
	conn_watch(conn, LINK_READ);
	link->ops.up(link->ops.ctx);
}

static const char *handshake_reason(const struct conn *conn, int error)
{
	if (conn->why)
		return conn->why;
	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		if (conn->dialled)
			return "refused by the peer: pre-shared key, group or node name differ";
		return "the peer gave up: wrong pre-shared key";
	}
	if (conn->offered_psk && (error == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER || error == GNUTLS_E_DECRYPTION_FAILED ||
				  error == GNUTLS_E_ERROR_IN_FINISHED_PACKET))
		return "refused: wrong pre-shared key";
	if (error == GNUTLS_E_PREMATURE_TERMINATION || error == GNUTLS_E_PULL_ERROR || error == GNUTLS_E_PUSH_ERROR)
		return "closed during the TLS handshake";
	if (error == GNUTLS_E_UNEXPECTED_PACKET || error == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ||
	    error == GNUTLS_E_RECORD_OVERFLOW || error == GNUTLS_E_UNSUPPORTED_VERSION_PACKET)
		return "refused: not TLS 1.3";
	return gnutls_strerror(error);
}

static void conn_handshake(struct conn *conn)
{
	int ret;

	do
		ret = gnutls_handshake(conn->tls);
	while (ret < 0 && ret != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(ret));
	if (ret == GNUTLS_E_AGAIN) {
		conn_watch(conn, gnutls_record_get_direction(conn->tls) ? LINK_WRITE : LINK_READ);
		return;
	}
	if (ret < 0) {
		if (ret != GNUTLS_E_FATAL_ALERT_RECEIVED)
			gnutls_alert_send_appropriate(conn->tls, ret);
		conn_refuse(conn, handshake_reason(conn, ret));
		return;
	}
	if (gnutls_protocol_get_version(conn->tls) != GNUTLS_TLS1_3 ||
	    gnutls_auth_get_type(conn->tls) != GNUTLS_CRD_PSK) {
		conn_refuse(conn, "refused: no pre-shared key was used");
		return;
	}
	conn_live(conn);
}

static void conn_connected(struct conn *conn)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error) {
		conn_refuse(conn, strerror(error));
		return;
	}
	conn->connecting = false;
	if (!tls_start(conn)) {
		conn_refuse(conn, "cannot start TLS");
		return;
	}
	conn_handshake(conn);
}

/* ---- data -------------------------------------------------------------------- */

/* Writes what the kernel takes; false: the connection is gone. */
static bool live_flush(struct ha_link *link)
{
	struct conn *conn = link->live;
	ssize_t n;

	while (conn->half || conn->out_start < conn->out_end) {
		size_t want = conn->out_end - conn->out_start;

		if (want > LINK_RECORD)
			want = LINK_RECORD;
		if (conn->half)
			n = gnutls_record_send(conn->tls, NULL, 0);
		else
			n = gnutls_record_send(conn->tls, conn->out + conn->out_start, want);
		if (n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n == GNUTLS_E_AGAIN) {
			if (!conn->half)
				conn->half = want;
			break;
		}
		if (n < 0) {
			conn->half = 1;	/* no farewell on a broken stream */
			live_down(link, n == GNUTLS_E_PUSH_ERROR ? "write failed" : gnutls_strerror((int)n));
			return false;
		}
		conn->half = 0;
		conn->out_start += (size_t)n;
	}
	if (conn->out_start == conn->out_end && !conn->half) {
		conn->out_start = conn->out_end = 0;
		if (conn->out_size > (1u << 20)) {
			free(conn->out);
			conn->out = NULL;
			conn->out_size = 0;
		}
	}
	conn_watch(conn, LINK_READ | (conn->half || conn->out_start < conn->out_end ? LINK_WRITE : 0));
	return true;
}

static void live_read(struct ha_link *link)
{
	struct conn *conn = link->live;
	uint8_t buf[LINK_RECORD];
	unsigned int i;
	ssize_t n;

	for (i = 0; i < LINK_READ_RECORDS || gnutls_record_check_pending(conn->tls); i++) {
		n = gnutls_record_recv(conn->tls, buf, sizeof(buf));
		if (n == GNUTLS_E_AGAIN)
			return;
		if (n < 0 && !gnutls_error_is_fatal((int)n))
			continue;
		if (n == 0) {
			live_down(link, "closed by the peer");
			return;
		}
		if (n < 0) {
			conn->half = 1;
			live_down(link, n == GNUTLS_E_PREMATURE_TERMINATION ||
				  n == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ? "stream cut off" :
				  n == GNUTLS_E_PULL_ERROR ? "read failed" : gnutls_strerror((int)n));
			return;
		}
		link->ops.input(link->ops.ctx, buf, (size_t)n);
		if (link->live != conn)
			return;
	}
}

int ha_link_send(struct ha_link *link, const uint8_t *data, size_t len)
{
	struct conn *conn = link->live;
	size_t queued;

	if (!conn)
		return -ENOTCONN;
	queued = conn->out_end - conn->out_start;
	if (queued + len > LINK_QUEUE_MAX) {
		ha_link_reset(link, "the peer does not read");
		return -ENOBUFS;
	}
	if (conn->out_size - conn->out_end < len && conn->out_start) {
		memmove(conn->out, conn->out + conn->out_start, queued);
		conn->out_start = 0;
		conn->out_end = queued;
	}
	if (conn->out_size - conn->out_end < len) {
		size_t size = conn->out_size * 2 > queued + len ? conn->out_size * 2 : queued + len;
		uint8_t *out = realloc(conn->out, size);

		if (!out) {
			ha_link_reset(link, "out of memory");
			return -ENOBUFS;
		}
		conn->out = out;
		conn->out_size = size;
	}
	if (len)
		memcpy(conn->out + conn->out_end, data, len);
	conn->out_end += len;
	/* while the kernel is full, writability tells when to go on */
	if (conn->half)
		return 0;
	return live_flush(link) ? 0 : -ENOTCONN;
}

size_t ha_link_queued(const struct ha_link *link)
{
	return link->live ? link->live->out_end - link->live->out_start : 0;
}

void ha_link_reset(struct ha_link *link, const char *why)
{
	live_down(link, why);
}

/* ---- dial, listen ------------------------------------------------------------ */

static void dial(struct ha_link *link)
{
	struct sockaddr_storage from = link->config.local;
	struct conn *conn;
	char text[80];
	int fd;

	addr_text(&link->config.peer, text, sizeof(text));
	link->dial_ms = link->now_ms + link->config.retry_ms;
	fd = socket(link->config.peer.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		link_log(link, text, strerror(errno));
		return;
	}
	if (from.ss_family == link->config.peer.ss_family) {
		if (from.ss_family == AF_INET)
			((struct sockaddr_in *)&from)->sin_port = 0;
		else
			((struct sockaddr_in6 *)&from)->sin6_port = 0;
		if (bind(fd, (struct sockaddr *)&from, addr_len(&from))) {
			link_log(link, text, strerror(errno));
			close(fd);
			return;
		}
	}
	conn = conn_new(link, fd, &link->config.peer, true);
	if (!conn)
		return;
	link->dial_ms = UINT64_MAX;	/* again when this one has failed */
	conn->connecting = true;
	if (connect(fd, (struct sockaddr *)&link->config.peer, addr_len(&link->config.peer)) && errno != EINPROGRESS) {
		conn_refuse(conn, strerror(errno));
		return;
	}
	conn_watch(conn, LINK_WRITE);
}

static void accept_all(struct ha_link *link)
{
	struct sockaddr_storage addr;
	struct conn *conn;
	socklen_t len;
	int fd, i;

	for (i = 0; i < 16; i++) {
		len = sizeof(addr);
		memset(&addr, 0, sizeof(addr));
		fd = accept4(link->listen_fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				link_log(link, "anybody", strerror(errno));
				link->accept_ms = link->now_ms + 100;
				link->ops.watch(link->ops.ctx, link->listen_fd, 0);
			}
			return;
		}
		conn = conn_new(link, fd, &addr, false);
		if (!conn)
			continue;
		if (!tls_start(conn)) {
			conn_refuse(conn, "cannot start TLS");
			continue;
		}
		conn_watch(conn, LINK_READ);
	}
}

static int link_listen(struct ha_link *link)
{
	int on = 1, fd, ret;

	if (link->config.local.ss_family != AF_INET && link->config.local.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	fd = socket(link->config.local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&link->config.local, addr_len(&link->config.local)) || listen(fd, 8)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	link->listen_fd = fd;
	link->ops.watch(link->ops.ctx, fd, LINK_READ);
	return 0;
}

struct ha_link *ha_link_new(const struct ha_link_config *config, const struct ha_link_ops *ops)
{
	struct ha_link *link = calloc(1, sizeof(*link));
	char identity[sizeof(config->group) + sizeof(config->node) + 1];
	gnutls_datum_t key;

	if (!link)
		return NULL;
	link->config = *config;
	link->ops = *ops;
	link->listen_fd = -1;
	link->dial_ms = UINT64_MAX;
	if (!link->config.connect_timeout_ms)
		link->config.connect_timeout_ms = 2000;
	if (!link->config.retry_ms)
		link->config.retry_ms = 200;
	link->retry_ms = link->config.retry_ms;
	if (config->key_len < 16 || config->key_len > sizeof(config->key)) {
		log_errorx("redundancy group %s: the pre-shared key of the link needs 16 to %zu octets", config->group, sizeof(config->key));
		goto fail;
	}
	key.data = link->config.key;
	key.size = (unsigned int)config->key_len;
	snprintf(identity, sizeof(identity), "%s/%s", config->group, config->node);
	if (gnutls_priority_init(&link->priority, LINK_PRIORITY, NULL) < 0 ||
	    gnutls_psk_allocate_server_credentials(&link->server) < 0 ||
	    gnutls_psk_allocate_client_credentials(&link->client) < 0 ||
	    gnutls_psk_set_client_credentials(link->client, identity, &key, GNUTLS_PSK_KEY_RAW) < 0)
		goto fail;
	gnutls_psk_set_server_credentials_function(link->server, identity_key);
	return link;
fail:
	ha_link_free(link);
	return NULL;
}

int ha_link_start(struct ha_link *link, uint64_t now_ms)
{
	link->now_ms = now_ms;
	if (link->config.dial) {
		link->dial_ms = now_ms;
		ha_link_tick(link, now_ms);
		return 0;
	}
	return link_listen(link);
}

void ha_link_free(struct ha_link *link)
{
	size_t i;

	if (!link)
		return;
	for (i = 0; i < LINK_WAITING; i++)
		if (link->waiting[i])
			conn_free(link->waiting[i]);
	if (link->live) {
		if (!link->live->half)
			gnutls_bye(link->live->tls, GNUTLS_SHUT_WR);
		conn_free(link->live);
	}
	if (link->listen_fd >= 0) {
		if (!link->accept_ms)
			link->ops.watch(link->ops.ctx, link->listen_fd, 0);
		close(link->listen_fd);
	}
	if (link->client)
		gnutls_psk_free_client_credentials(link->client);
	if (link->server)
		gnutls_psk_free_server_credentials(link->server);
	if (link->priority)
		gnutls_priority_deinit(link->priority);
	gnutls_memset(link->config.key, 0, sizeof(link->config.key));
	free(link);
}

/* ---- events ------------------------------------------------------------------ */

void ha_link_ready(struct ha_link *link, int fd, int events, uint64_t now_ms)
{
	size_t i;

	link->now_ms = now_ms;
	if (fd == link->listen_fd) {
		accept_all(link);
		return;
	}
	if (link->live && link->live->fd == fd) {
		if ((events & LINK_WRITE) && !live_flush(link))
			return;
		if (events & LINK_READ)
			live_read(link);
		return;
	}
	for (i = 0; i < LINK_WAITING; i++) {
		struct conn *conn = link->waiting[i];

		if (!conn || conn->fd != fd)
			continue;
		if (conn->connecting)
			conn_connected(conn);
		else
			conn_handshake(conn);
		return;
	}
}

void ha_link_read(struct ha_link *link, uint64_t now_ms)
{
	link->now_ms = now_ms;
	if (link->live)
		live_read(link);
}

void ha_link_tick(struct ha_link *link, uint64_t now_ms)
{
	size_t i;

	link->now_ms = now_ms;
	for (i = 0; i < LINK_WAITING; i++) {
		struct conn *conn = link->waiting[i];

		if (conn && now_ms >= conn->deadline_ms)
			conn_refuse(conn, conn->connecting ? "no answer" : "TLS handshake not finished in time");
	}
	if (link->accept_ms && now_ms >= link->accept_ms) {
		link->accept_ms = 0;
		link->ops.watch(link->ops.ctx, link->listen_fd, LINK_READ);
	}
	if (!link->live && now_ms >= link->dial_ms)
		dial(link);
}

uint64_t ha_link_deadline_ms(const struct ha_link *link)
{
	uint64_t at = link->live ? UINT64_MAX : link->dial_ms;
	size_t i;

	for (i = 0; i < LINK_WAITING; i++)
		if (link->waiting[i] && link->waiting[i]->deadline_ms < at)
			at = link->waiting[i]->deadline_ms;
	if (link->accept_ms && link->accept_ms < at)
		at = link->accept_ms;
	return at;
}
