/* The floor: what fan-out costs when nothing is done but send(2).
 *
 * A WebSocket server in which one client publishes (GET /pub) and all others read (GET /sub). A published frame is
 * unmasked once and then given to every reader with one send(2) each, in one loop, without looking at anything. No
 * permissions, no log, no buffers of its own. Whoever sends one frame at a time to N sockets cannot be faster on the
 * same kernel; only who joins frames can. `loadtest.bench.fanout` compiles it: cc -O2 floor.c -o floor
 *
 * Usage: floor PORT. It answers each handshake with one fixed Sec-WebSocket-Accept: its only client sends one key.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 65536, BUFFER = 1 << 18 };
enum kind { NOBODY, NEW, READER, WRITER };

static enum kind kinds[FDS_MAX];
static int readers[FDS_MAX], place[FDS_MAX], reader_count;
static uint8_t buffer[BUFFER + 16]; /* of the one writer; everybody else sends a handshake and nothing more */
static size_t held;

static const char ACCEPT[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* RFC 6455 section 1.3, its own example */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void leave(int fd) {
    if (kinds[fd] == READER) {
        int last = readers[--reader_count];
        readers[place[fd]] = last;
        place[last] = place[fd];
    }
    kinds[fd] = NOBODY;
    close(fd);
}

static void send_whole(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)size) return;
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) return; /* gone: epoll says so too */
        if (sent > 0) data += sent, size -= sent;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        poll(&wait, 1, -1);
    }
}

static void fan_out(uint8_t first, const uint8_t *payload, size_t size) {
    static uint8_t frame[BUFFER + 16];
    size_t head = 2;
    frame[0] = first;
    if (size < 126) {
        frame[1] = size;
    } else if (size < 65536) {
        frame[1] = 126, frame[2] = size >> 8, frame[3] = size, head = 4;
    } else {
        return;
    }
    memcpy(frame + head, payload, size);
    for (int at = 0; at < reader_count; at++) send_whole(readers[at], frame, head + size);
}

static void read_frames(void) {
    size_t at = 0;
    while (held - at >= 6) {
        uint8_t *frame = buffer + at;
        size_t size = frame[1] & 0x7f, head = 2;
        if (size == 126) {
            if (held - at < 8) break;
            size = frame[2] << 8 | frame[3], head = 4;
        }
        if (held - at < head + 4 + size) break;
        uint8_t *mask = frame + head, *payload = mask + 4;
        for (size_t i = 0; i < size; i++) payload[i] ^= mask[i & 3];
        if ((frame[0] & 0x0f) < 8) fan_out(frame[0], payload, size);
        at += head + 4 + size;
    }
    memmove(buffer, buffer + at, held - at);
    held -= at;
}

int main(int count, char **words) {
    if (count != 2) return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listening, (void *)&here, sizeof here) || listen(listening, 4096)) fail("listen");
    int poller = epoll_create1(0);
    struct epoll_event wish = {.events = EPOLLIN, .data.fd = listening}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listening, &wish);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int at = 0; at < ready; at++) {
            int fd = events[at].data.fd;
            if (fd == listening) {
                while ((fd = accept4(listening, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= FDS_MAX) fail("too many sockets");
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    kinds[fd] = NEW;
                    wish = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wish);
                }
            } else if (kinds[fd] == NEW) {
                char head[4096];
                ssize_t got = recv(fd, head, sizeof head - 1, 0);
                if (got <= 0) {
                    leave(fd);
                    continue;
                }
                head[got] = 0; /* a handshake on this machine comes in one piece */
                kinds[fd] = strncmp(head, "GET /pub", 8) ? READER : WRITER;
                if (kinds[fd] == READER) place[fd] = reader_count, readers[reader_count++] = fd;
                send_whole(fd, (const uint8_t *)ACCEPT, sizeof ACCEPT - 1);
            } else {
                uint8_t rest[4096];
                int writes = kinds[fd] == WRITER;
                ssize_t got = writes ? recv(fd, buffer + held, BUFFER - held, 0) : recv(fd, rest, sizeof rest, 0);
                if (got == 0 || (got < 0 && errno != EAGAIN)) {
                    leave(fd);
                } else if (writes && got > 0) {
                    held += got;
                    read_frames();
                }
            }
        }
    }
}
