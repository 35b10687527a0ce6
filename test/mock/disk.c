/**
 * @file disk.c  The calls with which large bodies get to the disk, made to
 *               wait: they stand before those of the C library
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "mock/disk.h"


static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned held;
static unsigned waiting;


static void stand(unsigned call)
{
	pthread_mutex_lock(&mutex);
	++waiting;
	while (held & call)
		pthread_cond_wait(&cond, &mutex);
	--waiting;
	pthread_mutex_unlock(&mutex);
}


ssize_t pwrite(int fd, const void *p, size_t len, off_t off)
{
	stand(DISK_WRITE);

	return syscall(SYS_pwrite64, fd, p, len, off);
}


int fdatasync(int fd)
{
	stand(DISK_SYNC);

	return (int)syscall(SYS_fdatasync, fd);
}


void disk_hold(unsigned calls)
{
	pthread_mutex_lock(&mutex);
	held = calls;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}


unsigned disk_waiting(void)
{
	unsigned n;

	pthread_mutex_lock(&mutex);
	n = waiting;
	pthread_mutex_unlock(&mutex);

	return n;
}
