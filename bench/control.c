/* control.c - the limit: one epoll loop that answers every request with one pre-rendered write.
 * build: gcc -O2 -Wall -o control control.c
 * usage: control PORT RESPONSE_FILE      (the file holds the whole HTTP response)
 * Requests must fit 64 KB and carry a Content-Length; nothing of them is understood but where they end.
 */
#define _GNU_SOURCE
#include "server.h"
#include <string.h>
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
  response = contents(argv[2], &size);
  int epoll = epoll_create1(0), listener = listening(epoll, atoi(argv[1]));
  struct epoll_event events[256];
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      conn *c = events[i].data.ptr;
      if (!c) {
        int fd = taken_in(listener);
        if (fd < 0) continue;
        c = calloc(1, sizeof *c);
        c->fd = fd;
        watch(epoll, fd, c);
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
