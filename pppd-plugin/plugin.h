/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the plugin: pppd's headers (which must come before <stdbool.h>,
 * they have a bool of their own) and the one object of a session's process.
 */
#ifndef PPPD_PLUGIN_PLUGIN_H
#define PPPD_PLUGIN_PLUGIN_H

#include <pppd/pppd.h>
#include <pppd/fsm.h>
#include <pppd/lcp.h>
#include <pppd/ipcp.h>
#include <pppd/ccp.h>
#include <pppd/magic.h>
#ifndef PPPD_VERSION		/* 2.4 */
#include <pppd/chap-new.h>
#define TIMEOUT_US(fn, arg, us)	timeout(fn, arg, 0, us)
#define TIMEOUT_S(fn, arg, s)	timeout(fn, arg, s, 0)
#define UNTIMEOUT_FN(fn, arg)	untimeout(fn, arg)
#define NOTIFY_PHASE(fn)	add_notifier(&phasechange, fn, NULL)
#define NOTIFY_EXIT(fn)		add_notifier(&exitnotify, fn, NULL)
#define PLUGIN_VERSION_TEXT	VERSION
#define exit_code		status
#define LOG_NAME(...)		snprintf(ppp_devnam, MAXPATHLEN, __VA_ARGS__)
#else
#include "pppd-plugin/plugin25.h"
#endif

#include "pppd-plugin/proto.h"

enum session_link {
	LINK_NONE,		/* this process is the zygote */
	LINK_OPEN,
	LINK_LOST,		/* the daemon is gone: keep forwarding, look for it */
};

/* One per process: pppd's hooks carry no context. */
struct session {
	struct ppp_params params;
	uint32_t instance;
	uint8_t state_bytes[PPP_STATE_MAX];	/* where params.state points */
	int session_fd, tunnel_fd;

	enum session_link link;
	int link_fd;
	unsigned int reconnects;	/* tried since it was lost */
	int polling;			/* the timer for the early phases runs */
	const char *daemon_path;

	uint8_t early[PPP_EARLY_MAX];	/* a frame from its protocol field on */
	int early_len, early_begun;

	struct ppp_confreq lcp;		/* what an LNS behind us is told */
	uint8_t pap_id;			/* of the last request */
	struct ppp_verdict verdict;
	int have_verdict;
	enum ppp_auth_kind auth;
	int proxied;			/* LCP was put in place; 2: the peer is known, too */
	int captured;			/* an `up` was sent */
	int injecting;

	int muted;			/* standby: no echo until activated */
	int echo_running;
	unsigned int echo_pending;
	uint8_t echo_id;

	/* what the disconnect cause is made of */
	int saw_lcp, reached_network, peer_terminated, local_terminated;
	int no_address, have_status, final_status;
	uint16_t auth_protocol;		/* last one that failed */
};

extern struct session self;

/* zygote.c: the channel's connect; returns the pppox socket in the child. */
extern struct channel zygote_channel;
extern option_t zygote_options[];
int zygote_connect(void);

/* spare.c: processes that wait for a session */
void spares_want(unsigned int count);	/* of now; kept for some seconds */
int spares_timeout_ms(void);		/* until spares_tend() has something to do; -1: nothing */
int spares_tend(void);			/* the new process gets its socket, everybody else -1 */
void spares_reaped(pid_t pid);
void spares_forget(void);		/* in a child */
/* Hands a START to one of them: its process, or 0 when there is none. */
pid_t spares_give(const uint8_t *buf, size_t len, const int *fds, size_t n_fds);
void spare_warm_up(void);

/* unit.c: the channel's establish_ppp */
int unit_establish(int fd);
void unit_begins(void);		/* with PHASE_ESTABLISH, before LCP */
void unit_address(const char *name, uint32_t local, uint32_t peer);

/* link.c */
void link_start(int fd);
void link_send(const uint8_t *buf, int len);
void link_drain(void);
void link_poll_early(void);
/* Waits for the daemon's answer; 0, or -errno when there will be none. */
int link_await_verdict(unsigned int timeout_ms);
void link_note(enum proto_type type, int32_t status);

/* early.c: LCP frames from before there was an LCP to read them. */
void early_collect(void);
void early_begin(void);
void early_arrived(const uint8_t *frame, size_t len);

/* state.c */
void state_capture_and_send(void);
void state_fill_up(struct ppp_up *up, uint8_t *buf, size_t size);
void state_inject(void);
void state_write_side(lcp_options *o, const struct lcp_side *side);

/* proxy.c: LCP that another box has negotiated. */
void proxy_begin(void);

/* auth.c */
void auth_init(void);
void auth_as_client(void);
int auth_ask_address(void);
int auth_ask(const struct ppp_auth *a);	/* self.verdict; false: refused */

/* echo.c */
void echo_start(void);
void echo_stop(void);
void echo_reply_seen(void);

/* l2tpha.c */
void session_setup(void);
void session_activate(void);
void session_mute(void);
void session_terminate(void);
void session_finish(void);
void session_received(unsigned char *p, int len);
void session_sent(unsigned char *p, int len);
void session_vanish(void) __attribute__((noreturn));

#endif
