/* server.h - what the servers in C do alike: read what they say, listen on 127.0.0.1, watch what they have taken in. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* A whole file; the process ends where it cannot be read. */
static char *contents(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) exit((perror(path), 1));
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *data = malloc(*size);
  if (fread(data, 1, *size, file) != *size) exit((perror(path), 1));
  fclose(file);
  return data;
}

static void watch(int epoll, int fd, void *data) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A listening socket, which is watched with no data; the process ends where there can be none. */
static int listening(int epoll, int port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) exit((perror("listen"), 1));
  watch(epoll, listener, NULL);
  return listener;
}

/* A connection that has come, or -1. */
static int taken_in(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}
