// Certificate files, keys and OCSP responses of any content: read or complained about, never worse.
// The first byte says which part the rest is.
#include "base/invariant.h"
#include "base/memory.h"
#include "tls/certificate.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(void *context, struct slice name)
{
    size_t *bytes = context;
    invariant(name.size > 0);
    *bytes += name.size;
    return *bytes < 100000;
}

static void expect_complaint(const struct tls_complaint *complaint)
{
    invariant(complaint->text[0] == '"' && strlen(complaint->text) < sizeof(complaint->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tls_certificate_settings settings = {SLICE("c"), SLICE("k"), SLICE("o")};
    struct tls_complaint complaint;
    struct tls_certificate certificate;
    int64_t until;
    size_t bytes = 0;
    if (size == 0)
        return 0;
    struct slice content = slice_of((const char *)data + 1, size - 1);
    if (data[0] == 'o') {
        X509 *leaf = X509_new();
        if (!tls_ocsp_parse(settings.ocsp, content, &until, &complaint))
            expect_complaint(&complaint);
        else if (leaf != NULL)
            bytes += tls_ocsp_is_about(content, leaf);
        X509_free(leaf);
        return 0;
    }
    struct tls_files files = {.certificate = content, .key = content};
    if (tls_certificate_parse(&settings, &files, NULL, &certificate, &complaint)) {
        tls_certificate_names(certificate.leaf, take, &bytes);
        tls_certificate_free(&certificate);
    } else {
        expect_complaint(&complaint);
    }
    return 0;
}
