/* control.c - the limit: one epoll loop that answers every request with one pre-rendered write.
 * build: gcc -O2 -Wall -o control control.c
 * usage: control PORT RESPONSE_FILE      (the file holds the whole HTTP response)
 * Requests must fit 64 KB and carry a Content-Length; nothing of them is understood but where they end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct { int fd; size_t have, sent; int writing; char in[65536]; } conn;

static char *response;
static size_t size;

/* Length of the first whole request in the buffer, 0 when it is not whole yet. */
static size_t request_length(conn *c) {
  char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = (size_t)(end - c->in) + 4, body = 0;
  *end = 0;
  char *field = strcasestr(c->in, "\r\ncontent-length:");
  *end = '\r';
  if (field && field < end) body = strtoul(field + 17, NULL, 10);
  return head + body <= c->have ? head + body : 0;
}

static void answer(int epoll, conn *c) {
  for (;;) {
    if (!c->writing) {
      size_t length = request_length(c);
      if (!length) return;
      memmove(c->in, c->in + length, c->have - length);
      c->have -= length;
      c->writing = 1;
      c->sent = 0;
    }
    while (c->sent < size) {
      ssize_t wrote = send(c->fd, response + c->sent, size - c->sent, MSG_NOSIGNAL);
      if (wrote < 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
        return;
      }
      c->sent += (size_t)wrote;
    }
    c->writing = 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "usage: control PORT RESPONSE_FILE\n"), 2;
  FILE *file = fopen(argv[2], "rb");
  if (!file) return perror(argv[2]), 1;
  fseek(file, 0, SEEK_END);
  size = (size_t)ftell(file);
  rewind(file);
  response = malloc(size);
  if (fread(response, 1, size, file) != size) return 1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) return perror("listen"), 1;
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      conn *c = events[i].data.ptr;
      if (!c) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c = calloc(1, sizeof *c);
        c->fd = fd;
        struct epoll_event added = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &added);
        continue;
      }
      if (events[i].events & EPOLLIN) {
        ssize_t got = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
        if (got <= 0) { close(c->fd); free(c); continue; }
        c->have += (size_t)got;
      }
      answer(epoll, c);
    }
  }
}
