/* Ends a file system as a power cut does: FS_IOC_SHUTDOWN without flushing the journal. Everything that was not synced is gone. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define FS_IOC_SHUTDOWN _IOR('X', 125, uint32_t)

int main(int count, char **arguments) {
  uint32_t without_flush = 2;
  int fd = count == 2 ? open(arguments[1], O_RDONLY) : -1;
  if (fd < 0 || ioctl(fd, FS_IOC_SHUTDOWN, &without_flush) < 0) {
    perror("cut-power");
    return 1;
  }
  return 0;
}
