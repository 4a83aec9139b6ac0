// Names of failures, and the failure that an error status is.
#include "origin/failure.h"
#include "http/cache_control.h"

const char *failure_token(enum failure_kind kind)
{
    switch (kind) {
#define X(name, token, status)                                                                     \
    case FAILURE_##name:                                                                           \
        return token;
        FAILURE_MAP(X)
#undef X
    }
    return "";
}

unsigned failure_gateway_status(enum failure_kind kind)
{
    switch (kind) {
#define X(name, token, status)                                                                     \
    case FAILURE_##name:                                                                           \
        return status;
        FAILURE_MAP(X)
#undef X
    }
    return 0;
}

const char *failure_phrase(enum failure_kind kind)
{
    switch (kind) {
    case FAILURE_NONE: return "no failure";
    case FAILURE_DNS_TIMEOUT: return "name lookup timed out";
    case FAILURE_DNS_ERROR: return "name could not be resolved";
    case FAILURE_DESTINATION_UNAVAILABLE: return "host unreachable";
    case FAILURE_CONNECTION_REFUSED: return "connection refused";
    case FAILURE_CONNECTION_TIMEOUT: return "connecting timed out";
    case FAILURE_CONNECTION_TERMINATED: return "connection closed without an answer";
    case FAILURE_CONNECTION_READ_TIMEOUT: return "stopped in the middle of an answer";
    case FAILURE_CONNECTION_WRITE_TIMEOUT: return "stopped taking the request";
    case FAILURE_CONNECTION_LIMIT_REACHED: return "limit of connections reached";
    case FAILURE_OVERLOAD: return "no backend has room";
    case FAILURE_RESPONSE_INCOMPLETE: return "answer broke off";
    case FAILURE_RESPONSE_TIMEOUT: return "no answer in time";
    case FAILURE_RESPONSE_HEADER_TOO_LARGE: return "header section too large";
    case FAILURE_RESPONSE_BODY_TOO_LARGE: return "answer larger than allowed";
    case FAILURE_RESPONSE_TRANSFER_CODING: return "malformed chunks or an unknown transfer coding";
    case FAILURE_TLS_PROTOCOL_ERROR: return "no TLS that we understand";
    case FAILURE_TLS_CERTIFICATE_ERROR: return "certificate not accepted";
    case FAILURE_TLS_ALERT_RECEIVED: return "refused in the TLS handshake";
    case FAILURE_PROTOCOL_ERROR: return "malformed answer";
    case FAILURE_STATUS: return "error status";
    case FAILURE_INTERNAL: return "out of resources at the edge";
    case FAILURE_CANCELLED: return "cancelled";
    case FAILURE_REQUEST_BODY: return "request broke off";
    }
    return "";
}

enum failure_kind failure_kind_of_fault(enum http1_fault fault)
{
    switch (fault) {
    case HTTP1_FAULT_LINE_TOO_LONG:
    case HTTP1_FAULT_HEAD_TOO_LARGE:
    case HTTP1_FAULT_TOO_MANY_FIELDS:
        return FAILURE_RESPONSE_HEADER_TOO_LARGE;
    case HTTP1_FAULT_CODING:
    case HTTP1_FAULT_CHUNK:
        return FAILURE_RESPONSE_TRANSFER_CODING;
    case HTTP1_FAULT_NONE:
    case HTTP1_FAULT_SYNTAX_LINE:
    case HTTP1_FAULT_SYNTAX_FIELD:
    case HTTP1_FAULT_SYNTAX_NEWLINE:
    case HTTP1_FAULT_SYNTAX_FOLD:
    case HTTP1_FAULT_SYNTAX_CHARACTER:
    case HTTP1_FAULT_SYNTAX_TARGET:
    case HTTP1_FAULT_HOST:
    case HTTP1_FAULT_LENGTH:
    case HTTP1_FAULT_LENGTH_AND_CODING:
    case HTTP1_FAULT_CODING_SYNTAX:
    case HTTP1_FAULT_VERSION:
    case HTTP1_FAULT_TRAILER:
    case HTTP1_FAULT_EXPECT:
    case HTTP1_FAULT_STATUS:
    case HTTP1_FAULT_PSEUDO:
    case HTTP1_FAULT_CONNECTION_FIELD:
    case HTTP1_FAULT_COUNT:
        break;
    }
    return FAILURE_PROTOCOL_ERROR;
}

// Delta-seconds or a date; false if it is neither. Longer than a year means the same as a year.
static bool parse_retry_after(struct slice value, int64_t now_seconds, uint32_t *ret_seconds)
{
    const int64_t year = 365 * 24 * 3600;
    uint64_t seconds;
    int64_t date;
    bool is_number = value.size > 0;
    for (size_t i = 0; i < value.size; i++)
        is_number = is_number && value.data[i] >= '0' && value.data[i] <= '9';
    if (is_number) {
        if (!slice_parse_u64(value, (uint64_t)year, &seconds))
            seconds = (uint64_t)year;
        *ret_seconds = (uint32_t)seconds;
        return true;
    }
    if (!http_date_parse(value, now_seconds, &date))
        return false;
    if (date > now_seconds)
        *ret_seconds = (uint32_t)MINIMUM(date - now_seconds, year);
    else
        *ret_seconds = 0;
    return true;
}

void failure_from_status(const struct http_response_head *head, struct slice backend,
    int64_t now_seconds, struct failure *ret_failure)
{
    struct failure failure = {.kind = FAILURE_STATUS, .status = head->status};
    struct slice retry_after = http_fields_value(&head->fields, HTTP_NAME_RETRY_AFTER);
    bool may_decline = head->status == 503 || head->status == 429;
    if (retry_after.data != NULL
        && parse_retry_after(retry_after, now_seconds, &failure.retry_after_seconds))
        failure.declined = may_decline;
    memcpy(failure.backend, backend.data, MINIMUM(backend.size, sizeof(failure.backend) - 1));
    *ret_failure = failure;
}
