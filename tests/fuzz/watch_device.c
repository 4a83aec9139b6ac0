// What a stranger sends as the cookie of a browser that an operator has used: what nobody signed is
// none, whatever it says; what was signed is good for its person until its time, and with a byte
// changed it is not.
#include "base/invariant.h"
#include "watch/operator/device.h"

#define NOW INT64_C(1764500000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t secret[32] = {1, 2, 3};
static const struct operator_person anna = {.name = SLICE("anna"),
    .password = SLICE("$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaA")};
static const struct operator_person bob = {.name = SLICE("bob"),
    .password = SLICE("$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaA")};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buffer[DEVICE_COOKIE_MAX];
    static struct text cookie;
    uint64_t key = 0, again = 0;
    invariant(!device_check(secret, &anna, slice_of((const char *)data, size), NOW, &key));
    if (cookie.size == 0) { // one for all: its nonce is drawn, and inputs must do the same again
        cookie = text_in(buffer, sizeof(buffer));
        invariant(device_write(secret, &anna, NOW, &cookie) == ERROR_NONE);
    }
    int64_t end_ms = NOW + INT64_C(1000) * DEVICE_SECONDS;
    invariant(device_check(secret, &anna, text_slice(&cookie), end_ms, &key));
    invariant(device_check(secret, &anna, text_slice(&cookie), NOW, &again) && key == again);
    invariant(!device_check(secret, &anna, text_slice(&cookie), end_ms + 1000, &key));
    invariant(!device_check(secret, &bob, text_slice(&cookie), NOW, &key));
    if (size < 2)
        return 0;
    size_t at = data[0] % cookie.size;
    char kept = buffer[at];
    buffer[at] = (char)data[1];
    bool is_same = slice_equal_nocase(slice_of(&kept, 1), slice_of(&buffer[at], 1));
    bool is_good = device_check(secret, &anna, text_slice(&cookie), NOW, &key);
    buffer[at] = kept;
    invariant(is_good == (buffer[at] == (char)data[1]) || is_same);
    return 0;
}
