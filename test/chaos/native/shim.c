/*
 * Preloaded into a node: the wall clock jumps and syncs are slow or fail, as a control file says.
 * Layout, three int64: offset of the wall clock in ms; delay of a sync in ms; errno of a sync (0: none).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *control;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CHAOS_CONTROL");
  int fd = path ? open(path, O_RDONLY) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, 24, PROT_READ, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) control = page;
  close(fd);
}

static int64_t offset_ms(void) { return control ? control[0] : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, at);
  if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
    int64_t ns = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + offset_ms() * 1000000;
    at->tv_sec = ns / 1000000000;
    at->tv_nsec = ns % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval *at, void *zone) {
  static int (*real)(struct timeval *, void *);
  if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
  int result = real(at, zone);
  if (result == 0 && at) {
    int64_t us = (int64_t)at->tv_sec * 1000000 + at->tv_usec + offset_ms() * 1000;
    at->tv_sec = us / 1000000;
    at->tv_usec = us % 1000000;
  }
  return result;
}

static int slow(void) {
  int64_t delay = control ? control[1] : 0;
  if (delay > 0) usleep(delay * 1000);
  int64_t error = control ? control[2] : 0;
  if (error == 0) return 0;
  errno = (int)error;
  return -1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  return slow() < 0 ? -1 : real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  return slow() < 0 ? -1 : real(fd);
}
