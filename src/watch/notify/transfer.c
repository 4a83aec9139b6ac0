// Options of curl, and reading its results.
#include "watch/notify/transfer.h"
#include "base/memory.h"
#include "doctor/printable.h"
#include "tls/hmac.h"

#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 5000L
#define FIELD_MAX 256

// --- What curl calls ---

static size_t give(char *buffer, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t given = MINIMUM(size * count, transfer->size - transfer->sent);
    if (given > 0)
        memcpy(buffer, transfer->bytes + transfer->sent, given);
    transfer->sent += given;
    return given;
}

// What a webhook answers is nobody's business; that it ends is.
static size_t ignore(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    (void)data;
    transfer->answered += size * count;
    return transfer->answered > TRANSFER_ANSWER_MAX ? 0 : size * count;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *transfer = context;
    struct address address = {0};
    (void)purpose;
    if (to->family != AF_INET && to->family != AF_INET6)
        return CURL_SOCKET_BAD;
    memcpy(&address, &to->addr, to->family == AF_INET ? sizeof(address.v4) : sizeof(address.v6));
    if (!guard_may_reach(transfer->guard, &address)) {
        transfer->is_refused = true;
        transfer->refused = address;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static curl_socket_t open_mail_socket(void *context, curlsocktype purpose,
    struct curl_sockaddr *to)
{
    struct mail_sockets *sockets = context;
    curl_socket_t opened = CURL_SOCKET_BAD;
    (void)purpose;
    lock_acquire(&sockets->lock);
    for (size_t i = 0; i < ARRAY_SIZE(sockets->open) && !sockets->are_shut; i++) {
        if (sockets->open[i] >= 0)
            continue;
        opened = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
        sockets->open[i] = opened;
        break;
    }
    lock_release(&sockets->lock);
    return opened;
}

static int close_mail_socket(void *context, curl_socket_t closed)
{
    struct mail_sockets *sockets = context;
    lock_acquire(&sockets->lock);
    for (size_t i = 0; i < ARRAY_SIZE(sockets->open); i++) {
        if (sockets->open[i] == closed)
            sockets->open[i] = -1;
    }
    int result = close(closed);
    lock_release(&sockets->lock);
    return result;
}

void mail_sockets_init(struct mail_sockets *sockets)
{
    *sockets = (struct mail_sockets){0};
    lock_init(&sockets->lock);
    for (size_t i = 0; i < ARRAY_SIZE(sockets->open); i++)
        sockets->open[i] = -1;
}

void mail_sockets_destroy(struct mail_sockets *sockets)
{
    lock_destroy(&sockets->lock);
}

void mail_sockets_shut(struct mail_sockets *sockets)
{
    lock_acquire(&sockets->lock);
    sockets->are_shut = true;
    for (size_t i = 0; i < ARRAY_SIZE(sockets->open); i++) {
        if (sockets->open[i] >= 0)
            (void)shutdown(sockets->open[i], SHUT_RDWR);
    }
    lock_release(&sockets->lock);
}

// Which of our commands is answered by what comes next: only that tells a recipient who is not
// there from a server that wants none of our mail.
static int follow_commands(CURL *easy, curl_infotype type, char *data, size_t size, void *context)
{
    struct transfer *transfer = context;
    struct slice line = slice_of(data, size);
    (void)easy;
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    if (slice_starts_with(line, SLICE("MAIL ")))
        transfer->stage = TRANSFER_SENDER;
    else if (slice_starts_with(line, SLICE("RCPT ")))
        transfer->stage = TRANSFER_RECIPIENT;
    else if (slice_starts_with(line, SLICE("DATA")))
        transfer->stage = TRANSFER_CONTENT;
    return 0;
}

// --- Making one ---

static struct transfer *transfer_create(struct delivery *delivery, char *bytes, size_t size)
{
    struct transfer *transfer = memory_zero_alloc(sizeof(*transfer));
    CURL *easy = transfer == NULL ? NULL : curl_easy_init();
    if (easy == NULL) {
        memory_free(transfer);
        memory_free(bytes);
        return NULL;
    }
    *transfer = (struct transfer){.delivery = delivery, .easy = easy, .bytes = bytes,
        .size = size};
    list_init(&transfer->link);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->complaint);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // not that of the environment
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    return transfer;
}

static bool add_line(struct curl_slist **lines, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*lines, line);
    if (longer == NULL)
        return false;
    *lines = longer;
    return true;
}

void transfer_free(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    list_remove(&transfer->link);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->fields);
    memory_free(transfer->bytes);
    memory_free(transfer);
}

struct transfer *transfer_mail(const struct mail_way *way, struct delivery *delivery, char *bytes,
    size_t size, struct mail_sockets *sockets)
{
    struct transfer *transfer = transfer_create(delivery, bytes, size);
    if (transfer == NULL || !add_line(&transfer->fields, delivery->to.data)) {
        transfer_free(transfer);
        return NULL;
    }
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_URL, way->url.data);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
        way->requires_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
    if (!way->requires_tls) {
        // Nobody vouches for a relay that need not speak TLS at all.
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (way->user.size > 0) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, way->user.data);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, way->password.data);
    }
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_mail_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_mail_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, way->from.data);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, transfer->fields);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRANSFER_MAIL_MS);
    curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, follow_commands);
    curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L); // for that function
    return transfer;
}

enum error transfer_sign(struct text *text, struct slice key, int64_t now_s, struct slice body)
{
    char buffer[24];
    uint8_t signature[HMAC_SIZE];
    struct text time = text_in(buffer, sizeof(buffer));
    text_append_u64(&time, (uint64_t)now_s);
    const struct slice parts[] = {text_slice(&time), SLICE("."), body};
    enum error error = hmac_sign(key, parts, ARRAY_SIZE(parts), signature);
    if (error != ERROR_NONE)
        return error;
    text_append(text, SLICE("t="));
    text_append(text, parts[0]);
    text_append(text, SLICE(",v1="));
    text_append_hex_bytes(text, signature, sizeof(signature));
    return ERROR_NONE;
}

static bool set_fields(struct transfer *transfer, const struct webhook_way *way, struct slice id,
    int64_t now_s)
{
    char buffer[FIELD_MAX];
    struct text line = text_in(buffer, sizeof(buffer) - 1);
    text_format(&line, "Afloat-Delivery: %.*s", SLICE_ARGS(id));
    buffer[line.size] = '\0';
    if (line.full || !add_line(&transfer->fields, buffer)
        || !add_line(&transfer->fields, "Content-Type: application/json")
        || !add_line(&transfer->fields, "Expect:"))
        return false;
    if (way->key.size == 0)
        return true;
    line.size = 0;
    text_append(&line, SLICE("Afloat-Signature: "));
    if (transfer_sign(&line, way->key, now_s, slice_of(transfer->bytes, transfer->size))
            != ERROR_NONE
        || line.full)
        return false;
    buffer[line.size] = '\0';
    return add_line(&transfer->fields, buffer);
}

struct transfer *transfer_webhook(const struct webhook_way *way, struct delivery *delivery,
    char *bytes, size_t size, struct slice id, int64_t now_s)
{
    struct transfer *transfer = transfer_create(delivery, bytes, size);
    if (transfer == NULL || !set_fields(transfer, way, id, now_s)) {
        transfer_free(transfer);
        return NULL;
    }
    CURL *easy = transfer->easy;
    transfer->guard = &way->guard;
    curl_easy_setopt(easy, CURLOPT_URL, way->url.data);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "afloat-status/" AFLOAT_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->bytes);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRANSFER_WEBHOOK_MS);
    return transfer;
}

// --- What its end means ---

static const char *complaint_of(const struct transfer *transfer, CURLcode code)
{
    return transfer->complaint[0] != '\0' ? transfer->complaint : curl_easy_strerror(code);
}

static enum delivery_outcome judge_mail(const struct transfer *transfer, CURLcode code, long status)
{
    if (code == CURLE_OK)
        return DELIVERY_SENT;
    // Nobody was let in, or the line broke: what is sent plays no part in that.
    if (transfer->stage == TRANSFER_SESSION || status < 400 || status == 421
        || (transfer->stage == TRANSFER_SENDER && (status == 530 || status == 535)))
        return DELIVERY_UNREACHED;
    if (status < 500)
        return DELIVERY_LATER;
    return transfer->stage == TRANSFER_RECIPIENT ? DELIVERY_BOUNCED : DELIVERY_REFUSED;
}

static enum delivery_outcome judge_webhook(CURLcode code, long status)
{
    if (status == 410)
        return DELIVERY_GONE;
    if (status >= 200 && status < 300)
        return DELIVERY_SENT; // however its answer ended
    if (code != CURLE_OK && status < 300)
        return DELIVERY_UNREACHED;
    if (status == 408 || status == 429 || status >= 500)
        return DELIVERY_LATER;
    return DELIVERY_REFUSED;
}

static void explain(const struct transfer *transfer, CURLcode code, long status,
    struct transfer_end *end)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text address = text_in(buffer, sizeof(buffer));
    struct text why = text_in(end->why, sizeof(end->why) - 1);
    if (transfer->is_refused) {
        address_format_host(&address, &transfer->refused);
        text_format(&why, "%.*s is not for everybody to reach; name it in notify.allow if that is "
            "meant", (int)address.size, address.data);
    } else if (status > 0) {
        text_format(&why, "it answered %ld", status);
    } else {
        printable_append(&why, slice_from_string(complaint_of(transfer, code)),
            sizeof(end->why) - 8, true);
    }
    end->why[why.size] = '\0';
}

void transfer_judge(struct transfer *transfer, CURLcode code, struct transfer_end *ret_end)
{
    long status = 0;
    curl_off_t wait_s = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret_end = (struct transfer_end){0};
    if (transfer->delivery->kind == RECIPIENT_WEBHOOK) {
        ret_end->outcome = judge_webhook(code, status);
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &wait_s);
        ret_end->wait_ms = wait_s > 0 ? (uint64_t)MINIMUM(wait_s, 86400) * 1000 : 0;
    } else {
        ret_end->outcome = judge_mail(transfer, code, status);
    }
    explain(transfer, code, status, ret_end);
}
