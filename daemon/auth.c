// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Local users: PAP (RFC 1334) compares, CHAP-MD5 (RFC 1994) computes
 * MD5(id | secret | challenge).  The secret never leaves the daemon: the PPP
 * engine gets a verdict.  The peer is told the same sentence whatever failed.
 */
#include "daemon/auth.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

static bool pap_ok(const struct config_user *user, const struct ppp_auth *auth)
{
	size_t n = strlen(user->password);

	return n == strlen(auth->password) && memeql_sec(user->password, auth->password, n);
}

static bool chap_ok(const struct config_user *user, const struct ppp_auth *auth)
{
	struct md5_ctx ctx;
	uint8_t digest[MD5_DIGEST_SIZE];

	if (auth->response_len != sizeof(digest))
		return false;
	md5_init(&ctx);
	md5_update(&ctx, 1, &auth->chap_id);
	md5_update(&ctx, strlen(user->password), (const uint8_t *)user->password);
	md5_update(&ctx, auth->challenge_len, auth->challenge);
	md5_digest(&ctx, sizeof(digest), digest);
	return memeql_sec(digest, auth->response, sizeof(digest));
}

const struct config_user *auth_check(const struct config *config, const struct ppp_auth *auth, char why[PPP_MESSAGE_MAX])
{
	const struct config_user *user = config_user_find(config, auth->user);
	bool ok = false;

	if (!user) {
		snprintf(why, PPP_MESSAGE_MAX, "unknown user");
		return NULL;
	}
	switch (auth->kind) {
	case PPP_AUTH_NONE:
		ok = false;
		break;
	case PPP_AUTH_PAP:
		ok = pap_ok(user, auth);
		break;
	case PPP_AUTH_CHAP_MD5:
		ok = chap_ok(user, auth);
		break;
	}
	if (!ok)
		snprintf(why, PPP_MESSAGE_MAX, auth->kind == PPP_AUTH_CHAP_MD5 ? "wrong CHAP response" : "wrong password");
	return ok ? user : NULL;
}
