// Any bytes as the answer to a question for a name's addresses, of either family.
#include "base/invariant.h"
#include "doctor/dns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const uint8_t *message, size_t size, enum dns_family family)
{
    struct dns_answer answer = {.outcome = NAME_UNREACHABLE};
    dns_read(dns_status(message, size), message, size, family, 443, &answer);
    invariant(answer.count <= FACTS_ADDRESSES_MAX);
    invariant((answer.outcome == NAME_FOUND) == (answer.count > 0));
    invariant(answer.outcome == NAME_FOUND || answer.outcome == NAME_NONE
        || answer.outcome == NAME_EMPTY || answer.outcome == NAME_FAILED);
    for (unsigned i = 0; i < answer.count; i++) {
        invariant(answer.addresses[i].any.sa_family == (family == DNS_V6 ? AF_INET6 : AF_INET));
        invariant(address_port(&answer.addresses[i]) == 443);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1); // + 1: malloc(0) may be NULL
    invariant(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    check_answer(copy, size, DNS_V6);
    check_answer(copy, size, DNS_V4);
    free(copy);
    return 0;
}
