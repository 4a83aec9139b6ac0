// ICMP echoes to one address, to see whether it answers and how many are lost. By an unprivileged
// socket (icmp(7)), which the system may forbid. Does not wait: whoever uses it polls.
#pragma once

#include "io/address.h"

#define ECHOES 30
#define ECHO_SPACING_MS 4
#define ECHO_PATIENCE_MS 400        // for the first answer, after the last was sent
#define ECHO_PATIENCE_LEAST_MS 100  // for others; more for who is slow
#define ECHO_PATIENCE_MOST_MS 1000

struct echo {
    struct address address;
    int descriptor; // -1: not allowed, or no route
    unsigned sent, replies;
    uint32_t answered; // bits, by number
    uint64_t sent_ms[ECHOES], slowest_ms;
};

// Without a socket it is over at once.
void echo_open(struct echo *echo, const struct address *address);
void echo_close(struct echo *echo);
// One more, up to ECHOES. What cannot be sent counts as sent.
void echo_send(struct echo *echo, uint64_t now_ms);
void echo_receive(struct echo *echo, uint64_t now_ms); // all that have come
// When nothing more is to be waited for; 0: now. UINT64_MAX: not all are sent.
uint64_t echo_end_ms(const struct echo *echo);
