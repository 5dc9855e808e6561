/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pppd 2.5: what its installed headers renamed or no longer show.  The symbols
 * are still there (pppd is linked with its symbols exported), only their
 * declarations have become private.
 */
#ifndef PPPD_PLUGIN_PLUGIN25_H
#define PPPD_PLUGIN_PLUGIN25_H

#include <pppd/chap.h>
#include <pppd/options.h>
#include <pppd/upap.h>

#include <linux/ppp_defs.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct option option_t;

#define TIMEOUT_US(fn, arg, us)	ppp_timeout(fn, arg, 0, us)
#define TIMEOUT_S(fn, arg, s)	ppp_timeout(fn, arg, s, 0)
#define UNTIMEOUT_FN(fn, arg)	ppp_untimeout(fn, arg)
#define NOTIFY_PHASE(fn)	ppp_add_notify(NF_PHASE_CHANGE, fn, NULL)
#define NOTIFY_EXIT(fn)		ppp_add_notify(NF_EXIT, fn, NULL)
#define PLUGIN_VERSION_TEXT	PPPD_VERSION
#define add_options		ppp_add_options
#define int_option		ppp_int_option
#define generic_disestablish_ppp ppp_generic_disestablish
#define exit_code		code
#define LOG_NAME(...)		((void)0)	/* only shown in its log */
#define MAXIFNAMELEN		IFNAMSIZ
#define MAXPATHLEN		4096

#ifndef PPP_PAP
#define PPP_PAP		0xc023
#define PPP_CHAP	0xc223
#define PPP_LCP		0xc021
#define PPP_IPCP	0x8021
#define PPP_IPV6	0x57
#endif
#ifndef PPP_MRU
#define PPP_MRU		1500
#endif
#define PUTLONG(l, cp) \
	(*(cp)++ = (l) >> 24, *(cp)++ = (l) >> 16, *(cp)++ = (l) >> 8, \
	 *(cp)++ = (l))

extern ppp_phase_t phase;
extern volatile int code;
extern int got_sigterm, ifunit;
extern char ifname[], req_ifname[], our_name[], peer_authname[];
extern char user[];
extern bool auth_required;

void output(int unit, unsigned char *p, int len);
void link_terminated(int unit);
void remove_pidfiles(void);
int sifnpmode(int unit, int protocol, enum NPmode mode);
void die(int exit_status);
#if !defined(__GLIBC__) || __GLIBC__ < 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 38)
size_t strlcpy(char *dst, const char *src, size_t size);
#endif

#endif
