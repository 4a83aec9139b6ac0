// The few calls by which Linux is told to encrypt. What goes wrong here leaves a socket as it was.
#include "io/kernel_tls.h"
#include "base/invariant.h"
#include "io/epoll_inside.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static size_t keys_size(const void *keys)
{
    static const struct {
        uint16_t cipher;
        size_t size;
    } known[] = {
        {TLS_CIPHER_AES_GCM_128, sizeof(struct tls12_crypto_info_aes_gcm_128)},
        {TLS_CIPHER_AES_GCM_256, sizeof(struct tls12_crypto_info_aes_gcm_256)},
        {TLS_CIPHER_CHACHA20_POLY1305, sizeof(struct tls12_crypto_info_chacha20_poly1305)},
    };
    const struct tls_crypto_info *info = keys;
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].cipher == info->cipher_type)
            return known[i].size;
    return 0;
}

static bool set_keys(int descriptor, const void *keys)
{
    size_t size = keys_size(keys);
    return size > 0 && setsockopt(descriptor, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0
        && setsockopt(descriptor, SOL_TLS, TLS_TX, keys, (socklen_t)size) == 0;
}

// Only a connection can have keys. Nobody needs to accept it.
static bool probe_connection(int listener, int descriptor)
{
    static const struct tls12_crypto_info_aes_gcm_128 keys = {
        .info = {.version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128}};
    struct address address = {.v4 = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}}};
    socklen_t size = sizeof(address.v4);
    return bind(listener, &address.any, size) == 0 && listen(listener, 1) == 0
        && getsockname(listener, &address.any, &size) == 0
        && connect(descriptor, &address.any, size) == 0 && set_keys(descriptor, &keys);
}

bool kernel_tls_probe(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool works = listener >= 0 && descriptor >= 0 && probe_connection(listener, descriptor);
    if (descriptor >= 0)
        close(descriptor);
    if (listener >= 0)
        close(listener);
    return works;
}

bool kernel_tls_start(struct io_socket *socket, const void *keys)
{
    invariant(io_is_open(socket) && socket->writer == NULL && !socket->ending);
    return socket->handle == NULL && set_keys(socket->descriptor, keys);
}

enum error kernel_tls_send_record(struct io_socket *socket, uint8_t type, const void *bytes,
    size_t size)
{
    invariant(io_is_open(socket) && socket->writer == NULL);
    char control[CMSG_SPACE(sizeof(type))] __attribute__((aligned(sizeof(size_t)))) = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
        .msg_controllen = CMSG_LEN(sizeof(type))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_TLS, .cmsg_type = TLS_SET_RECORD_TYPE,
        .cmsg_len = CMSG_LEN(sizeof(type))};
    memcpy(CMSG_DATA(header), &type, sizeof(type));
    if (!socket->writable)
        return ERROR_LIMIT;
    ssize_t sent = sendmsg(socket->descriptor, &message, MSG_NOSIGNAL);
    if (sent == (ssize_t)size)
        return ERROR_NONE;
    if (sent >= 0)
        return ERROR_RESET; // the rest would be a record of its own, which is not the same
    if (errno != EAGAIN)
        return error_from_errno(errno);
    if (!epoll_socket_has_gone(socket))
        socket->writable = false;
    return ERROR_LIMIT;
}

enum error kernel_tls_await_room(struct task *task, struct io_socket *socket, uint64_t idle_ms)
{
    struct pollfd look = {.fd = socket->descriptor, .events = POLLOUT};
    if (socket->writable && poll(&look, 1, 0) == 0)
        socket->writable = false;
    if (socket->writable)
        return ERROR_NONE;
    return epoll_await_writable(task, socket, deadline_after_ms(socket->loop, idle_ms));
}
