/* pacer.c - the limit of a paced stream: one epoll loop that sends the next piece of every answer when it is due, and does nothing else.
 * build: gcc -O2 -Wall -o pacer pacer.c
 * usage: pacer PORT PIECES_FILE GAP_US      (the file holds the pieces of one whole HTTP response, a NUL after each)
 * A request is whatever comes in one read; piece k of its answer is due k gaps later, and what is late goes out together.
 */
#define _GNU_SOURCE
#include "server.h"
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 1024 /* of a millisecond each: a wheel, longer than any gap */
#define MOST 64    /* pieces that go out together */

typedef struct conn { int fd; long next; double begun; struct conn *behind; } conn;

static struct iovec *pieces;
static long count;
static double gap;
static conn *wheel[SLOTS];

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void read_pieces(const char *path) {
  size_t size;
  char *data = contents(path, &size);
  pieces = calloc(size + 1, sizeof *pieces);
  for (char *at = data, *end; at < data + size; at = end + 1) {
    end = memchr(at, 0, (size_t)(data + size - at));
    pieces[count].iov_base = at;
    pieces[count++].iov_len = (size_t)(end - at);
  }
}

/* Send what is due; the next piece takes its place on the wheel. */
static void say(conn *c, long slot) {
  double passed = now_ms() - c->begun;
  int due = 1;
  while (due < MOST && c->next + due < count && (double)(c->next + due) * gap <= passed) due++;
  if (writev(c->fd, &pieces[c->next], due) < 0) return;
  c->next += due;
  if (c->next == count) return;
  long when = (long)(c->begun + (double)c->next * gap) + 1;
  if (when <= slot) when = slot + 1;
  c->behind = wheel[when % SLOTS];
  wheel[when % SLOTS] = c;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: pacer PORT PIECES_FILE GAP_US\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  read_pieces(argv[2]);
  gap = atof(argv[3]) / 1000;
  int epoll = epoll_create1(0), listener = listening(epoll, atoi(argv[1]));
  struct epoll_event events[256];
  static char request[65536];
  for (long slot = (long)now_ms();;) {
    double rest = (double)slot - now_ms();
    int ready = epoll_wait(epoll, events, 256, rest > 0 ? (int)rest + 1 : 0);
    for (int i = 0; i < ready; i++) {
      conn *c = events[i].data.ptr;
      if (!c) {
        int fd = taken_in(listener);
        if (fd < 0) continue;
        c = calloc(1, sizeof *c);
        c->fd = fd;
        watch(epoll, fd, c);
      } else if (recv(c->fd, request, sizeof request, 0) <= 0) {
        close(c->fd);
        c->fd = -1; /* it may stand on the wheel: its memory stays */
      } else {
        c->begun = now_ms();
        c->next = 0;
        say(c, slot);
      }
    }
    for (long time = (long)now_ms(); slot <= time; slot++) {
      conn *c = wheel[slot % SLOTS], *behind;
      wheel[slot % SLOTS] = NULL;
      for (; c; c = behind) {
        behind = c->behind;
        say(c, slot);
      }
    }
  }
}
