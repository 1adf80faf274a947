/* SPDX-License-Identifier: MIT */
/* seam.h - included before everything else where the library is compiled for
 * the checker: what it asks of libc and of the kernel goes to the checker.  Its
 * own accesses to memory reach the checker by the compiler (hooks.c).  So what
 * is checked is the library as it stands, line by line.
 *
 * The headers come first, so that they declare the real ones.
 */
#ifndef MODEL_SEAM_H
#define MODEL_SEAM_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void *model_calloc(size_t count, size_t size);
int model_posix_memalign(void **block, size_t alignment, size_t size);
void model_free(void *block);
void *model_mmap(void *address, size_t size, int protection, int flags, int fd,
	off_t offset);
int model_munmap(void *block, size_t size);
void *model_memcpy(void *to, const void *from, size_t size);
void *model_memset(void *to, int byte, size_t size);
long model_syscall(long number, ...);
int model_eventfd(unsigned count, int flags);
int model_close(int fd);
int model_clock_gettime(clockid_t clock, struct timespec *now);
int model_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int model_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how);
int model_mutex_destroy(pthread_mutex_t *mutex);
int model_mutex_lock(pthread_mutex_t *mutex);
int model_mutex_unlock(pthread_mutex_t *mutex);
int model_cond_init(pthread_cond_t *cond, const pthread_condattr_t *how);
int model_cond_destroy(pthread_cond_t *cond);
int model_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int model_cond_broadcast(pthread_cond_t *cond);
void *model_thread_pointer(void);
void model_abort(void) __attribute__((noreturn));

#ifndef MODEL_CHECKER
#define calloc model_calloc
#define posix_memalign model_posix_memalign
#define free model_free
#define mmap model_mmap
#define munmap model_munmap
#define memcpy model_memcpy
#define memset model_memset
#define syscall model_syscall
#define eventfd model_eventfd
#define close model_close
#define clock_gettime model_clock_gettime
#define sched_getaffinity model_sched_getaffinity
#define sched_yield() ((void)0) /* the look after it is where others come on */
#define pthread_mutex_init model_mutex_init
#define pthread_mutex_destroy model_mutex_destroy
#define pthread_mutex_lock model_mutex_lock
#define pthread_mutex_unlock model_mutex_unlock
#define pthread_cond_init model_cond_init
#define pthread_cond_destroy model_cond_destroy
#define pthread_cond_wait model_cond_wait
#define pthread_cond_broadcast model_cond_broadcast
#define __builtin_thread_pointer() model_thread_pointer()
#define abort model_abort
#endif

#endif
