/* A crowd: N readers and some writers on one server, in one thread, and nothing that could make it the bottleneck.
 *
 * It knows WebSocket frames and nothing of the servers: what each connection says first, and what it waits for, comes
 * from a file that `loadtest.bench.crowd` writes. A post is a template with holes for a number of eight digits, or of
 * eight signs behind MARK; a delivery is a frame with MARK and that number in it. What is checked: each reader receives each post exactly once, and all
 * readers in the same order (the order of the first who saw it; a server with a log may order posts of different
 * writers as it likes, but only one way). Frames without MARK are counted as `other`.
 *
 * Usage: crowd PORT FILE SERVER_PIDS OTHER_PIDS (commas between; "-" for none). It prints one JSON line when everybody
 * is in, then one for each line of standard input:  keep IN_FLIGHT SECONDS   or   rate POSTS_PER_S SECONDS.
 * It polls without sleeping while a round runs: a sleeping reader would make every send(2) of the server pay for
 * waking it, the more the faster the server is. Between rounds it sleeps.
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
#include <time.h>
#include <unistd.h>

enum { POSTS_MAX = 1 << 21, HOLES_MAX = 8, PIDS_MAX = 16, US_MAX = 8000000, OPENING_MAX = 64, DIGITS = 8 };
static const char MARK[] = "#!#";
static const char SIGNS[] = "!?.,:;~^*+"; /* for 0 to 9 behind MARK, as in loadtest/signs.py: digits would be words */
static const double OPEN_WITHIN_S = 240, DRAIN_WITHIN_S = 30, WARM_UP_S = 0.15;

struct member {
    int fd, writer, upgraded, open;
    uint32_t received, mark_at;
    const uint8_t *script; /* steps left */
    int steps;
    const uint8_t *awaited;
    size_t awaited_size, kept_size;
    char *kept;
};

static struct member *members;
static int member_count, writer_count, open_count, next_writer, poller;
static int first_writer;
static uint8_t post_opcode;
static const uint8_t *post;
static size_t post_size;
static uint32_t holes[HOLES_MAX], hole_count;

static uint32_t published, completed, ordered, *order, *heard;
static uint64_t *said_ns;
static uint8_t *seen, sign_value[256];
static uint64_t deliveries, received_bytes, reads, others, wrong, lost;
static uint32_t *latency_us;
static uint64_t latency_count, latency_max_us;
static clockid_t clocks[2][PIDS_MAX];
static int clock_count[2];
static char buffer[1 << 20];
static char complaint[200];

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static double cpu_s(int group) {
    double sum = 0;
    for (int at = 0; at < clock_count[group]; at++) {
        struct timespec used;
        if (!clock_gettime(clocks[group][at], &used)) sum += used.tv_sec + used.tv_nsec / 1e9;
    }
    return sum;
}

static void fail(const char *what) {
    fprintf(stderr, "crowd: %s (%s); %d of %d open; %s\n", what, strerror(errno), open_count, member_count, complaint);
    exit(1);
}

static void send_whole(int fd, const void *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, 1000);
        } else if (sent < 0) {
            fail("send");
        } else {
            data = (const char *)data + sent, size -= sent;
        }
    }
}

static void send_frame(int fd, uint8_t opcode, const uint8_t *payload, size_t size) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    static uint8_t frame[70000];
    size_t head = 2;
    frame[0] = 0x80 | opcode;
    if (size < 126) {
        frame[1] = 0x80 | size;
    } else {
        frame[1] = 0x80 | 126, frame[2] = size >> 8, frame[3] = size, head = 4;
    }
    memcpy(frame + head, mask, 4);
    head += 4;
    for (size_t at = 0; at < size; at++) frame[head + at] = payload[at] ^ mask[at & 3];
    send_whole(fd, frame, head + size);
}

static uint32_t get32(const uint8_t **at) {
    uint32_t value;
    memcpy(&value, *at, 4);
    *at += 4;
    return value;
}

/* The next thing this member says, or that it is in. A step: opcode (0: raw bytes), size, bytes, size, awaited. */
static void step(struct member *member) {
    while (member->steps) {
        member->steps--;
        uint8_t opcode = *member->script++;
        uint32_t size = get32(&member->script);
        const uint8_t *said = member->script;
        member->script += size;
        if (size && !opcode) send_whole(member->fd, said, size);
        if (size && opcode) send_frame(member->fd, opcode, said, size);
        member->awaited_size = get32(&member->script);
        member->awaited = member->script;
        member->script += member->awaited_size;
        if (member->awaited_size) return;
    }
    if (!member->open) {
        member->open = 1;
        open_count++;
    }
}

static void heard_frame(struct member *member, int opcode, const char *payload, size_t size, uint64_t at_ns) {
    if (opcode == 9) {
        send_frame(member->fd, 10, (const uint8_t *)payload, size);
        return;
    }
    if (opcode == 8) {
        lost++;
        snprintf(complaint, sizeof complaint, "closed with: %.*s", (int)(size < 150 ? size : 150), payload);
        return;
    }
    if (member->awaited_size) {
        if (memmem(payload, size, member->awaited, member->awaited_size)) {
            member->awaited_size = 0;
            step(member);
        } else if (memmem(payload, size, "error", 5)) {
            snprintf(complaint, sizeof complaint, "%.*s", (int)(size < 150 ? size : 150), payload);
        }
        return;
    }
    if (member->writer) {
        if (memmem(payload, size, "\xa5" "error", 6) && !*complaint)
            snprintf(complaint, sizeof complaint, "%.*s", (int)(size < 150 ? size : 150), payload);
        return;
    }
    size_t mark = member->mark_at;
    if (mark + 3 + DIGITS > size || memcmp(payload + mark, MARK, 3)) {
        const char *found = memmem(payload, size, MARK, 3);
        if (!found || found + 3 + DIGITS > payload + size) {
            others++;
            return;
        }
        mark = member->mark_at = found - payload;
    }
    uint32_t number = 0;
    for (int at = 0; at < DIGITS; at++) number = number * 10 + sign_value[(uint8_t)payload[mark + 3 + at]];
    uint32_t place = member->received++;
    if (number >= published || place > ordered) {
        wrong++;
        return;
    }
    if (place == ordered) {
        wrong += seen[number];
        seen[number] = 1;
        order[ordered++] = number;
    }
    wrong += order[place] != number;
    deliveries++;
    if (++heard[number] == (uint32_t)(first_writer)) completed++;
    uint64_t late_us = (at_ns - said_ns[number]) / 1000;
    if (late_us > latency_max_us) latency_max_us = late_us;
    latency_us[late_us < US_MAX ? late_us : US_MAX - 1]++;
    latency_count++;
}

static void hear(struct member *member) {
    size_t have = member->kept_size;
    if (have) memcpy(buffer, member->kept, have);
    ssize_t got = recv(member->fd, buffer + have, sizeof buffer - have, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        lost++;
        if (!*complaint) snprintf(complaint, sizeof complaint, "a socket was closed");
        epoll_ctl(poller, EPOLL_CTL_DEL, member->fd, 0);
        close(member->fd);
        member->fd = -1;
        return;
    }
    uint64_t at_ns = now_ns();
    reads++;
    received_bytes += got;
    have += got;
    size_t at = 0;
    if (!member->upgraded) {
        char *end = memmem(buffer, have, "\r\n\r\n", 4);
        if (end) {
            if (memcmp(buffer + 9, "101", 3)) {
                snprintf(complaint, sizeof complaint, "%.*s", (int)(have < 150 ? have : 150), buffer);
                fail("the handshake was refused");
            }
            at = end + 4 - buffer;
            member->upgraded = 1;
            member->awaited_size = 0;
            step(member);
        }
    }
    while (member->upgraded && have - at >= 2) {
        const uint8_t *frame = (const uint8_t *)buffer + at;
        size_t size = frame[1] & 0x7f, head = 2;
        if (size == 126) {
            if (have - at < 4) break;
            size = frame[2] << 8 | frame[3], head = 4;
        } else if (size == 127) {
            if (have - at < 10) break;
            size = 0, head = 10;
            for (int byte = 2; byte < 10; byte++) size = size << 8 | frame[byte];
        }
        if (have - at < head + size) break;
        heard_frame(member, frame[0] & 0x0f, buffer + at + head, size, at_ns);
        at += head + size;
    }
    member->kept_size = have - at;
    if (member->kept_size) {
        member->kept = realloc(member->kept, member->kept_size);
        memcpy(member->kept, buffer + at, member->kept_size);
    }
}

static int look(int wait_ms) {
    static struct epoll_event events[1024];
    int ready = epoll_wait(poller, events, 1024, wait_ms);
    for (int at = 0; at < ready; at++) {
        struct member *member = &members[events[at].data.u32];
        if (member->fd < 0) continue;
        if (!member->upgraded && (events[at].events & EPOLLOUT)) {
            struct epoll_event wish = {.events = EPOLLIN, .data.u32 = events[at].data.u32};
            epoll_ctl(poller, EPOLL_CTL_MOD, member->fd, &wish);
            step(member); /* step 0: the handshake, which awaits its own end */
        } else {
            hear(member);
        }
    }
    return ready;
}

static void say(uint64_t intended_ns) {
    static uint8_t text[70000];
    char digits[DIGITS + 1], signs[DIGITS];
    if (published >= POSTS_MAX) fail("too many posts");
    snprintf(digits, sizeof digits, "%08u", published);
    for (int at = 0; at < DIGITS; at++) signs[at] = SIGNS[digits[at] - '0'];
    memcpy(text, post, post_size);
    for (uint32_t hole = 0; hole < hole_count; hole++) {
        int marked = holes[hole] >= 3 && !memcmp(text + holes[hole] - 3, MARK, 3);
        memcpy(text + holes[hole], marked ? signs : digits, DIGITS);
    }
    said_ns[published++] = intended_ns;
    send_frame(members[first_writer + next_writer].fd, post_opcode, text, post_size);
    next_writer = (next_writer + 1) % writer_count;
}

static uint64_t percentile_us(double share) {
    uint64_t wanted = latency_count * share, sum = 0;
    for (int us = 0; us < US_MAX; us++)
        if ((sum += latency_us[us]) > wanted) return us;
    return US_MAX;
}

/* One round: `seconds` of posting, then until everything said was heard. Returns 0 when something was not. */
static int play(int keep, double wish, double seconds) {
    uint64_t begun = now_ns(), end = begun + seconds * 1e9, next = begun, gap = keep ? 0 : 1e9 / wish;
    for (;;) {
        uint64_t now = now_ns();
        if (now >= end) break;
        if (keep) {
            while (published - completed < (uint32_t)wish) say(now_ns());
        } else {
            while (next <= now) say(next), next += gap;
        }
        look(0);
        if (lost || wrong) return 0;
    }
    uint64_t until = now_ns() + DRAIN_WITHIN_S * 1e9;
    while (completed < published) {
        look(0);
        if (lost || wrong || now_ns() > until) return 0;
    }
    return 1;
}

static void tell_round(int keep, double wish, double seconds) {
    int whole = play(keep, wish, WARM_UP_S);
    memset(latency_us, 0, sizeof(uint32_t) * US_MAX);
    latency_count = latency_max_us = 0;
    uint64_t deliveries_before = deliveries, bytes_before = received_bytes, reads_before = reads, begun = now_ns();
    uint64_t others_before = others;
    uint32_t published_before = published;
    double server_before = cpu_s(0), other_before = cpu_s(1);
    whole = whole && play(keep, wish, seconds);
    double server = cpu_s(0) - server_before, other = cpu_s(1) - other_before, took = (now_ns() - begun) / 1e9;
    printf("{\"whole\": %s, \"posts\": %u, \"deliveries\": %llu, \"seconds\": %.6f, \"server_cpu_s\": %.6f, "
           "\"other_cpu_s\": %.6f, \"bytes\": %llu, \"reads\": %llu, \"other_frames\": %llu, \"p50_us\": %llu, "
           "\"p99_us\": %llu, \"max_us\": %llu, \"wrong\": %llu, \"lost\": %llu, \"unheard\": %u, \"complaint\": \"",
           whole ? "true" : "false", published - published_before, (unsigned long long)(deliveries - deliveries_before),
           took, server, other, (unsigned long long)(received_bytes - bytes_before),
           (unsigned long long)(reads - reads_before), (unsigned long long)(others - others_before),
           (unsigned long long)percentile_us(.5), (unsigned long long)percentile_us(.99),
           (unsigned long long)latency_max_us, (unsigned long long)wrong, (unsigned long long)lost,
           published - completed);
    for (const char *c = complaint; *c; c++) putchar(*c >= ' ' && *c < 127 && *c != '"' && *c != '\\' ? *c : '.');
    printf("\"}\n");
    fflush(stdout);
}

static void read_clocks(int group, char *pids) {
    for (char *pid = strtok(pids, ","); pid && *pid != '-'; pid = strtok(0, ","))
        if (clock_count[group] < PIDS_MAX && !clock_getcpuclockid(atoi(pid), &clocks[group][clock_count[group]]))
            clock_count[group]++;
}

/* FILE: readers, writers (u32 each); opcode (u8), size (u32), the post; holes (u32) and their offsets (u32 each);
 * then for each connection, readers first, the number of its steps (u32) and the steps. Little-endian. */
static void read_plan(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *plan = malloc(size);
    if (fread(plan, 1, size, file) != (size_t)size) fail("read");
    fclose(file);
    const uint8_t *at = plan;
    first_writer = get32(&at);
    writer_count = get32(&at);
    member_count = first_writer + writer_count;
    post_opcode = *at++;
    post_size = get32(&at);
    post = at;
    at += post_size;
    hole_count = get32(&at);
    for (uint32_t hole = 0; hole < hole_count; hole++) holes[hole] = get32(&at);
    members = calloc(member_count, sizeof *members);
    for (int number = 0; number < member_count; number++) {
        struct member *member = &members[number];
        member->fd = -1;
        member->writer = number >= first_writer;
        member->steps = get32(&at);
        member->script = at;
        for (int left = member->steps; left; left--) {
            at++;
            for (int part = 0; part < 2; part++) {
                uint32_t bytes = get32(&at);
                at += bytes;
            }
        }
    }
}

static void open_all(int port) {
    uint64_t begun = now_ns();
    for (int started = 0; open_count < member_count;) {
        while (started < member_count && started - open_count < OPENING_MAX) {
            struct member *member = &members[started];
            int on = 1;
            member->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (member->fd < 0) fail("socket");
            setsockopt(member->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(port)};
            there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            if (connect(member->fd, (void *)&there, sizeof there) && errno != EINPROGRESS) fail("connect");
            struct epoll_event wish = {.events = EPOLLOUT, .data.u32 = started++};
            epoll_ctl(poller, EPOLL_CTL_ADD, member->fd, &wish);
        }
        look(5);
        if (lost) fail("a member was lost while joining");
        if (now_ns() - begun > OPEN_WITHIN_S * 1e9) fail("joining took too long");
    }
    printf("{\"members\": %d, \"seconds\": %.3f, \"server_cpu_s\": %.6f}\n", member_count, (now_ns() - begun) / 1e9,
           cpu_s(0));
    fflush(stdout);
}

int main(int count, char **words) {
    if (count != 5) return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    read_plan(words[2]);
    read_clocks(0, words[3]);
    read_clocks(1, words[4]);
    order = calloc(POSTS_MAX, sizeof *order);
    heard = calloc(POSTS_MAX, sizeof *heard);
    said_ns = calloc(POSTS_MAX, sizeof *said_ns);
    seen = calloc(POSTS_MAX, 1);
    latency_us = calloc(US_MAX, sizeof *latency_us);
    memset(sign_value, 255, sizeof sign_value); /* no sign: a number that nobody said */
    for (int digit = 0; SIGNS[digit]; digit++) sign_value[(uint8_t)SIGNS[digit]] = digit;
    poller = epoll_create1(0);
    open_all(atoi(words[1]));
    char line[200], verb[16];
    double wish, seconds;
    for (;;) {
        struct pollfd both[2] = {{.fd = 0, .events = POLLIN}, {.fd = poller, .events = POLLIN}};
        poll(both, 2, -1);
        if (both[1].revents) look(0);
        if (!both[0].revents) continue;
        if (!fgets(line, sizeof line, stdin)) return 0;
        if (sscanf(line, "%15s %lf %lf", verb, &wish, &seconds) != 3) fail("what?");
        tell_round(!strcmp(verb, "keep"), wish, seconds);
    }
}
