/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that sleep for an RCU grace period (15-20 ms), off the loop
 * and side by side.
 */
#ifndef L2TPHA_NETLINK_WORKER_H
#define L2TPHA_NETLINK_WORKER_H

struct ev_loop;
struct worker;

/* `run` executes in a thread and may touch only what `arg` owns; its result goes to `done`, in the loop. */
typedef int (*worker_run_fn)(void *arg);
typedef void (*worker_done_fn)(void *arg, int result);

struct worker *worker_new(struct ev_loop *loop);
/* Waits for the jobs to run; their `done` is not called. */
void worker_free(struct worker *w);
/* 0 or -errno. done may be NULL. */
int worker_submit(struct worker *w, worker_run_fn run, worker_done_fn done, void *arg);
/* close(fd) in a thread; in place if there is no memory for a job. */
void worker_close(struct worker *w, int fd);

#endif
