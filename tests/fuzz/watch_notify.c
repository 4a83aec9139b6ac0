// What strangers hand in to be told by mail: an address, a token, words that end up in a mail. An
// address that is taken goes into a command of SMTP as it is; a token that nobody sealed opens
// nothing; no words add a line to a mail's head; what comes back from JSON is what went in.
#include "base/invariant.h"
#include "base/memory.h"
#include "watch/notify/digest.h"
#include "watch/notify/mail.h"
#include "watch/notify/mail_address.h"
#include "watch/notify/notify_settings.h"
#include "watch/notify/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct slice address)
{
    if (!mail_address_is_valid(address))
        return;
    invariant(address.size <= MAIL_ADDRESS_MAX && mail_address_domain(address).size > 0);
    for (size_t i = 0; i < address.size; i++)
        invariant(address.data[i] > ' ' && address.data[i] < 0x7f && address.data[i] != '<'
            && address.data[i] != '>' && address.data[i] != ',' && address.data[i] != '"');
}

static void check_seal(struct slice input)
{
    static const uint8_t secret[32] = "fuzz";
    static char sealed[SEAL_TEXT_MAX], words[SEAL_WORDS_MAX];
    struct seal seal;
    size_t size = 0;
    struct text text = text_in(sealed, sizeof(sealed));
    invariant(seal_init(&seal, secret) == ERROR_NONE);
    invariant(seal_open(&seal, input, words, &size) != ERROR_NONE);
    if (input.size > SEAL_WORDS_MAX)
        return;
    invariant(seal_close(&seal, input, &text) == ERROR_NONE);
    invariant(seal_open(&seal, text_slice(&text), words, &size) == ERROR_NONE);
    invariant(slice_equal(slice_of(words, size), input));
}

static void check_mail(struct slice input)
{
    struct slice rest = input, subject = slice_cut(&rest, '\xff');
    struct mail mail = {.from = SLICE("a@b.test"), .from_name = subject, .to = SLICE("c@d.test"),
        .subject = subject, .text = rest, .html = rest, .id = SLICE("id")};
    char *bytes;
    size_t size;
    unsigned fields = 0;
    invariant(mail_write(&mail, &bytes, &size) == ERROR_NONE);
    struct slice left = slice_of(bytes, size);
    for (bool is_head = true; left.data != NULL;) {
        struct slice line = slice_cut(&left, '\n');
        invariant(line.size == 0 || line.data[line.size - 1] == '\r' || left.data == NULL);
        invariant(line.size <= 79 && !slice_contains(line, '\0'));
        is_head = is_head && line.size > 1;
        fields += is_head && line.data[0] != ' ';
    }
    invariant(fields == 10); // Date to Content-Type
    memory_free(bytes);
}

static void check_digest(struct slice input)
{
    static struct digest digest;
    const struct digest_item *item;
    uint64_t replaced;
    struct notice notice = {.id = input, .title = input, .text = input, .at_ms = 1,
        .components = &input, .component_ids = &input, .component_count = 1};
    digest_init(&digest, 1);
    invariant(digest_add(&digest, &notice, 1, &replaced, &item) == DIGEST_TAKEN);
    json_t *json = digest_item_to_json(item), *again;
    invariant(json != NULL && digest_add_json(&digest, json, 2) == ERROR_NONE);
    invariant(digest.item_count == 1);
    again = digest_item_to_json(LIST_ENTRY(digest.items.next, struct digest_item, link));
    invariant(json_equal(json, again));
    json_decref(json);
    json_decref(again);
    digest_free(&digest);
    json = json_loadb(input.data, input.size, 0, NULL);
    digest_message_free(digest_message_from_json(json));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(size == 0 ? "" : (const char *)data, size);
    struct mail_server server;
    check_address(input);
    check_seal(input);
    check_mail(input);
    check_digest(input);
    if (mail_server_parse(input, &server))
        invariant(server.port != 0 && server.host.size > 0);
    (void)webhook_url_port(input);
    return 0;
}
