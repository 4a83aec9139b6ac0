// Encryption of what is sent, by the kernel (Documentation/networking/tls.rst of Linux): once a
// socket has its keys, what io_send is given goes out as TLS records of content. Of sockets of the
// epoll world; all others decline.
#pragma once

#include "io/io.h"

// Does this kernel do it, here and now? Asks it, on a connection to ourselves. Root's asking loads
// the module.
bool kernel_tls_probe(void);
// What was sent before must have left: what is sent from here on is encrypted. keys: one of
// struct tls12_crypto_info_* (<linux/tls.h>). False: the socket is as it was.
bool kernel_tls_start(struct io_socket *socket, const void *keys) MUST_CHECK;
// A record of another type than content, behind what was sent so far: all of it, or LIMIT when it
// cannot go without waiting. Not while a task sends.
enum error kernel_tls_send_record(struct io_socket *socket, uint8_t type, const void *bytes,
    size_t size) MUST_CHECK;
// Waits until TCP has room again. A record that the kernel took but TCP had no room for is lost
// when the socket is ended or closed; after this it goes at the latest with the next record.
enum error kernel_tls_await_room(struct task *task, struct io_socket *socket,
    uint64_t idle_ms) MUST_CHECK;
