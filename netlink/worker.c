/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A few threads for system calls that block.
 *
 * Owns: the threads, a queue of jobs in, a queue of results out.  Called by
 * the kernel back end: the last close() of a pppox or packet socket and the
 * deletion of an L2TP session each wait for an RCU grace period, whatever the
 * CPU.  One after the other in the loop they would cap a box at 55 deletions
 * a second and stall it meanwhile; waiting side by side they share the same
 * grace period.
 *
 * Threads start on demand and stay.  They run nothing but `run`.
 */
#include "netlink/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <ev.h>

#define THREADS_MAX 32
#define THREAD_STACK (64 * 1024)

struct job {
	struct job *next;
	worker_run_fn run;
	worker_done_fn done;
	void *arg;
	int result;
};
struct jobs {
	struct job *head, **tail;
};
struct worker {
	struct ev_loop *loop;
	ev_async wake;
	pthread_t threads[THREADS_MAX];
	unsigned thread_count;

	pthread_mutex_t lock;	/* over what follows */
	pthread_cond_t work;
	struct jobs pending, finished;
	unsigned idle, queued;
	bool stop;
};

static void jobs_init(struct jobs *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void jobs_push(struct jobs *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static struct job *jobs_pop(struct jobs *l)
{
	struct job *j = l->head;

	if (!j)
		return NULL;
	l->head = j->next;
	if (!l->head)
		l->tail = &l->head;
	return j;
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct job *j;

		while (!(j = jobs_pop(&w->pending)) && !w->stop) {
			w->idle++;
			pthread_cond_wait(&w->work, &w->lock);
			w->idle--;
		}
		if (!j)
			break;
		w->queued--;
		pthread_mutex_unlock(&w->lock);
		j->result = j->run(j->arg);
		pthread_mutex_lock(&w->lock);
		jobs_push(&w->finished, j);
		ev_async_send(w->loop, &w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void thread_start(struct worker *w)
{
	pthread_attr_t attr;
	sigset_t all, old;

	/* signals are for the loop */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	if (!pthread_create(&w->threads[w->thread_count], &attr, thread_main, w))
		w->thread_count++;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void on_wake(struct ev_loop *loop, ev_async *ev, int revents)
{
	struct worker *w = ev->data;
	struct jobs finished;
	struct job *j;

	(void)loop, (void)revents;
	pthread_mutex_lock(&w->lock);
	finished = w->finished;
	if (!finished.head)
		finished.tail = &finished.head;
	jobs_init(&w->finished);
	pthread_mutex_unlock(&w->lock);

	while ((j = jobs_pop(&finished))) {
		if (j->done)
			j->done(j->arg, j->result);
		free(j);
	}
}

struct worker *worker_new(struct ev_loop *loop)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->loop = loop;
	jobs_init(&w->pending);
	jobs_init(&w->finished);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	ev_async_init(&w->wake, on_wake);
	w->wake.data = w;
	ev_async_start(loop, &w->wake);
	return w;
}

void worker_free(struct worker *w)
{
	struct job *j;
	unsigned i;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	while ((j = jobs_pop(&w->pending))) {	/* no thread could be started */
		j->run(j->arg);
		free(j);
	}
	while ((j = jobs_pop(&w->finished)))
		free(j);
	ev_async_stop(w->loop, &w->wake);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int worker_submit(struct worker *w, worker_run_fn run, worker_done_fn done, void *arg)
{
	struct job *j = malloc(sizeof(*j));
	bool start;

	if (!j)
		return -ENOMEM;
	*j = (struct job){ .run = run, .done = done, .arg = arg };
	pthread_mutex_lock(&w->lock);
	jobs_push(&w->pending, j);
	w->queued++;
	start = w->queued > w->idle && w->thread_count < THREADS_MAX;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	if (start)
		thread_start(w);
	if (w->thread_count)
		return 0;
	/* no thread to be had: slowly, then */
	while ((j = jobs_pop(&w->pending))) {
		w->queued--;
		j->result = j->run(j->arg);
		jobs_push(&w->finished, j);
	}
	ev_async_send(w->loop, &w->wake);
	return 0;
}

static int run_close(void *arg)
{
	return close((int)(intptr_t)arg);
}

void worker_close(struct worker *w, int fd)
{
	if (fd >= 0 && worker_submit(w, run_close, NULL, (void *)(intptr_t)fd) < 0)
		close(fd);
}
