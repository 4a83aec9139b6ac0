// Names, files and what is wrong with them; creation without memory leaves nothing behind.
#include "fixture.h"

#include <openssl/ocsp.h>

static void write_file(struct slice path, const char *content)
{
    FILE *out = fopen(path.data, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
}

struct list_of_names {
    char text[256];
};

static bool take(void *context, struct slice name)
{
    struct list_of_names *list = context;
    size_t size = strlen(list->text);
    snprintf(list->text + size, sizeof(list->text) - size, "%.*s ", SLICE_ARGS(name));
    return true;
}

static void expect_names(struct fixture *fixture, const char *file, const char *names,
    const char *expected)
{
    struct list_of_names list = {""};
    struct tls_complaint complaint;
    struct tls_files files;
    struct tls_certificate certificate;
    struct tls_certificate_settings settings = fixture_certificate(fixture, file, names, false);
    assert_true(tls_files_read(&settings, &files, &complaint));
    assert_true(tls_certificate_parse(&settings, &files, NULL, &certificate, &complaint));
    tls_certificate_names(certificate.leaf, take, &list);
    assert_string_equal(list.text, expected);
    tls_certificate_free(&certificate);
    tls_files_free(&files);
}

static void test_names_of_certificates(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1);
    expect_names(&fixture, "a", "DNS:Example.ORG,DNS:*.example.org,IP:127.0.0.1",
        "example.org *.example.org ");
    expect_names(&fixture, "common-name", NULL, "common-name ");
    expect_names(&fixture, "b", "IP:127.0.0.1", ""); // the common name counts no more then
    fixture_close(&fixture);
}

static void expect_complaint(const struct tls_certificate_settings *settings, enum tls_part part,
    const char *expected)
{
    struct tls_complaint complaints[TLS_COMPLAINTS_MAX];
    size_t count = tls_certificate_review(settings, 2000000000, complaints);
    assert_int_equal(count, 1);
    assert_int_equal(complaints[0].part, part);
    if (strstr(complaints[0].text, expected) == NULL)
        fail_msg("%s", complaints[0].text);
}

static void test_complaints(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, 1);
    struct tls_certificate_settings good = fixture_certificate(&fixture, "a", "DNS:a", false);
    struct tls_certificate_settings other = fixture_certificate(&fixture, "b", "DNS:b", true);
    struct tls_certificate_settings mixed = {good.certificate, other.key, SLICE_EMPTY};
    struct slice large = fixture_path(&fixture, "large"), junk = fixture_path(&fixture, "junk");
    expect_complaint(&mixed, TLS_PART_KEY, "is not the key of the certificate in");
    write_file(junk, "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n");
    expect_complaint(&(struct tls_certificate_settings){junk, good.key, SLICE_EMPTY},
        TLS_PART_CERTIFICATE, "holds no certificate");
    FILE *out = fopen(large.data, "w");
    assert_non_null(out);
    assert_int_equal(ftruncate(fileno(out), TLS_FILE_MAX + 1), 0);
    fclose(out);
    expect_complaint(&(struct tls_certificate_settings){large, good.key, SLICE_EMPTY},
        TLS_PART_CERTIFICATE, "is larger than 1 MB");
    // Expired in 2033, and two things are wrong at once.
    struct tls_complaint both[TLS_COMPLAINTS_MAX];
    struct tls_certificate_settings stapled = {good.certificate, good.key, junk};
    assert_int_equal(tls_certificate_review(&stapled, 2000000000, both), 2);
    assert_true(both[0].is_warning && strstr(both[0].text, "expired on 20") != NULL);
    assert_true(!both[1].is_warning && both[1].part == TLS_PART_OCSP);
    assert_int_equal(tls_certificate_review(&good, 1000, both), 1);
    assert_true(both[0].is_warning && strstr(both[0].text, "is not valid before 20") != NULL);
    fixture_close(&fixture);
}

// A response about the certificate, without nextUpdate if next is 0. Returns its size.
static size_t make_response(const struct tls_certificate *certificate, time_t this, time_t next,
    unsigned char **ret_bytes)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, certificate->leaf, certificate->leaf);
    ASN1_GENERALIZEDTIME *from = ASN1_GENERALIZEDTIME_set(NULL, this);
    ASN1_GENERALIZEDTIME *until = next == 0 ? NULL : ASN1_GENERALIZEDTIME_set(NULL, next);
    assert_non_null(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from,
        until));
    assert_int_equal(OCSP_basic_sign(basic, certificate->leaf, certificate->key, EVP_sha256(),
                         NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    *ret_bytes = NULL;
    int size = i2d_OCSP_RESPONSE(response, ret_bytes);
    assert_true(size > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return (size_t)size;
}

static void test_how_long_a_response_is_stapled(void **state)
{
    (void)state;
    static const struct {
        time_t this, next;
        int64_t until;
    } cases[] = {
        {1000000000, 1000600000, 1000600000},
        {1000000000, 999999999, 999999999},
        {1000000000, 0, 1000000000 + 12 * 3600}, // newer information is there all the time
    };
    struct fixture fixture;
    struct tls_complaint complaint;
    struct tls_files files;
    struct tls_certificate certificate;
    fixture_open(&fixture, 1);
    struct tls_certificate_settings settings = fixture_certificate(&fixture, "a", "DNS:a", false);
    assert_true(tls_files_read(&settings, &files, &complaint));
    assert_true(tls_certificate_parse(&settings, &files, NULL, &certificate, &complaint));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned char *bytes;
        int64_t until = 0;
        size_t size = make_response(&certificate, cases[i].this, cases[i].next, &bytes);
        assert_true(tls_ocsp_parse(SLICE("a"), slice_of((char *)bytes, size), &until, &complaint));
        assert_int_equal(until, cases[i].until);
        assert_true(tls_ocsp_is_about(slice_of((char *)bytes, size), certificate.leaf));
        OPENSSL_free(bytes);
    }
    tls_certificate_free(&certificate);
    tls_files_free(&files);
    fixture_close(&fixture);
}

static void test_creation_without_memory(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_complaint complaint;
    fixture_open(&fixture, 2);
    struct tls_certificate_settings certificates[] = {
        fixture_certificate(&fixture, "a", "DNS:a,DNS:*.a", false),
        fixture_certificate(&fixture, "b", "DNS:a,DNS:c", true)};
    struct tls_settings settings = fixture_settings(certificates, 2);
    struct tls_client_settings client = {.verify = true, .ca = certificates[0].certificate,
        .certificate = certificates[1].certificate, .key = certificates[1].key};
    bool whole = false;
    for (uint64_t i = 1; !whole; i++) {
        uint64_t before = memory_failures();
        memory_fail_after(i);
        enum error error =
            tls_server_create(fixture.tls, &settings, false, &fixture.server, &complaint);
        memory_fail_after(0);
        whole = memory_failures() == before;
        assert_int_equal(error == ERROR_NONE, whole);
    }
    tls_server_release(fixture.server);
    fixture.server = NULL;
    whole = false;
    for (uint64_t i = 1; !whole; i++) {
        uint64_t before = memory_failures();
        memory_fail_after(i);
        enum error error = tls_client_create(fixture.tls, &client, &fixture.client, &complaint);
        memory_fail_after(0);
        whole = memory_failures() == before;
        assert_int_equal(error == ERROR_NONE, whole);
    }
    for (uint64_t i = 1; i <= 4; i++) {
        memory_fail_after(i);
        struct tls *tls = tls_create(2);
        memory_fail_after(0);
        tls_destroy(tls);
    }
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_certificates),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_how_long_a_response_is_stapled),
        cmocka_unit_test(test_creation_without_memory),
    };
    return cmocka_run_group_tests_name("tls.certificate", tests, NULL, NULL);
}
