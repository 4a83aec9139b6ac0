// Proxy variables as curl understands them, and the hosts file.
#include "base/error.h"
#include "doctor/hosts.h"
#include "doctor/proxy_variable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "step_fixture.h"

static struct check check;
static char path[64];

static int begin(void **state)
{
    (void)state;
    fixture_begin(&check, 1000);
    fixture_file(path, sizeof(path));
    check.options.hosts_file = path;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&check);
    unlink(path);
    return 0;
}

static void write_hosts(struct slice text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.data, 1, text.size, file), text.size);
    assert_int_equal(fclose(file), 0);
}

static struct environment_facts look_at(const char *host, bool is_secure,
    const char *const *environment)
{
    struct facts facts = {.target = {.host = slice_from_string(host), .port = 443,
        .is_secure = is_secure}};
    check.options.environment = (char *const *)(uintptr_t)environment; // as environ is
    step_environment(&check, &facts);
    return facts.environment;
}

#define WITH(...) ((const char *[]){__VA_ARGS__, NULL})

static void assert_proxy(struct environment_facts facts, const char *variable, const char *proxy)
{
    assert_true(slice_equal(facts.proxy_variable, slice_from_string(variable)));
    assert_true(slice_equal(facts.proxy, slice_from_string(proxy)));
}

static void test_the_variable_that_holds(void **state)
{
    (void)state;
    assert_proxy(look_at("a.test", true, NULL), NULL, NULL);
    assert_proxy(look_at("a.test", true, WITH("HOME=/")), NULL, NULL);
    assert_proxy(look_at("a.test", true, WITH("https_proxy=p:1", "HTTPS_PROXY=q:1")),
        "https_proxy", "p:1");
    assert_proxy(look_at("a.test", true, WITH("HTTPS_PROXY=q:1")), "HTTPS_PROXY", "q:1");
    assert_proxy(look_at("a.test", true, WITH("all_proxy=r:1")), "all_proxy", "r:1");
    assert_proxy(look_at("a.test", false, WITH("ALL_PROXY=s:1")), "ALL_PROXY", "s:1");
    assert_proxy(look_at("a.test", false, WITH("http_proxy=t:1", "all_proxy=r:1")), "http_proxy",
        "t:1");
    assert_proxy(look_at("a.test", true, WITH("http_proxy=t:1")), NULL, NULL);
    assert_proxy(look_at("a.test", false, WITH("HTTP_PROXY=evil:1")), NULL, NULL);
    assert_proxy(look_at("a.test", true, WITH("https_proxy=", "all_proxy=r:1")), "all_proxy",
        "r:1");
    assert_proxy(look_at("a.test", true, WITH("https_proxyx=p:1", "https_proxy")), NULL, NULL);
}

static bool is_excepted(const char *list, const char *host)
{
    char variable[256];
    snprintf(variable, sizeof(variable), "no_proxy=%s", list);
    return look_at(host, true, WITH("https_proxy=p:1", variable)).proxy.data == NULL;
}

static void test_exceptions(void **state)
{
    (void)state;
    assert_true(is_excepted("*", "a.test"));
    assert_true(is_excepted("a.test", "a.test"));
    assert_true(is_excepted("A.TEST", "a.test"));
    assert_true(is_excepted(".a.test", "a.test"));
    assert_true(is_excepted("a.test.", "www.a.test"));
    assert_true(is_excepted("b.test, test", "www.a.test"));
    assert_true(is_excepted("b.test a.test", "a.test"));
    assert_false(is_excepted("", "a.test"));
    assert_false(is_excepted("nota.test", "a.test"));
    assert_false(is_excepted("a.test", "nota.test"));
    assert_false(is_excepted("www.a.test", "a.test"));
    assert_false(is_excepted(",. ,,", "a.test"));
    assert_false(look_at("a.test", true, WITH("https_proxy=p:1", "no_proxy=b.test",
        "NO_PROXY=a.test")).proxy.data == NULL); // the first that is set
    assert_null(look_at("a.test", true, WITH("https_proxy=p:1", "NO_PROXY=a.test")).proxy.data);
}

static void test_exceptions_by_address(void **state)
{
    (void)state;
    assert_true(is_excepted("192.0.2.1", "192.0.2.1"));
    assert_true(is_excepted("192.0.2.77/24", "192.0.2.1"));
    assert_true(is_excepted("10.0.0.0/8,2001:db8::/32", "2001:db8::1"));
    assert_true(is_excepted("[::1]", "::1"));
    assert_true(is_excepted("0.0.0.0/0", "192.0.2.1"));
    assert_false(is_excepted("192.0.3.0/24", "192.0.2.1"));
    assert_false(is_excepted("192.0.2.0/33", "192.0.2.1"));
    assert_false(is_excepted("192.0.2.0/x", "192.0.2.1"));
    assert_false(is_excepted("2.1", "192.0.2.1")); // an address has no domains
    assert_false(is_excepted("::/0", "192.0.2.1"));
}

static void test_secrets_are_cut_out(void **state)
{
    (void)state;
    const char *urls[][2] = {
        {"https_proxy=http://me:secret@p:1/", "http://p:1/"},
        {"https_proxy=me:secret@p:1", "p:1"},
        {"https_proxy=http://me:se@c/ret@p:1", "http://p:1"},
        {"https_proxy=socks5h://p:1", "socks5h://p:1"},
        {"https_proxy=me:secret://@p:1", "p:1"},
        {"https_proxy=@", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        assert_proxy(look_at("a.test", true, WITH(urls[i][0])), "https_proxy", urls[i][1]);
}

static struct environment_facts look_in(const char *hosts, const char *host)
{
    write_hosts(slice_from_string(hosts));
    return look_at(host, true, NULL);
}

static void assert_address(const struct environment_facts *facts, const char *text)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text written = text_in(buffer, sizeof(buffer));
    address_format(&written, &facts->hosts_address);
    assert_true(slice_equal(text_slice(&written), slice_from_string(text)));
}

static void test_the_hosts_file(void **state)
{
    (void)state;
    const char *hosts = "# comment\n\n127.0.0.1\tlocalhost\n"
        "192.0.2.1 b.test\tA.test  # moved\n2001:db8::1 a.test six.test\nnonsense c.test\n"
        "fe80::1%eth0 d.test\n192.0.2.9 last.test";
    struct environment_facts facts = look_in(hosts, "a.test");
    assert_true(slice_equal(facts.hosts_line, SLICE("192.0.2.1 b.test\tA.test")));
    assert_address(&facts, "192.0.2.1:443");
    facts = look_in(hosts, "six.test");
    assert_address(&facts, "[2001:db8::1]:443");
    facts = look_in(hosts, "last.test");
    assert_address(&facts, "192.0.2.9:443");
    assert_null(look_in(hosts, "moved").hosts_line.data);
    assert_null(look_in(hosts, "c.test").hosts_line.data);
    assert_null(look_in(hosts, "test").hosts_line.data);
    assert_null(look_in("", "a.test").hosts_line.data);
    check.options.family = AF_INET6;
    facts = look_in(hosts, "a.test");
    assert_address(&facts, "[2001:db8::1]:443");
    check.options.family = 0;
}

static void test_odd_hosts_files(void **state)
{
    (void)state;
    static char large[3 * HOSTS_LINE_MAX];
    memset(large, ' ', sizeof(large));
    memcpy(large, "192.0.2.1", 9);
    memcpy(large + HOSTS_LINE_MAX + 10, "192.0.2.2 a.test", 16);
    memcpy(large + 2 * HOSTS_LINE_MAX + 7, "\n192.0.2.3 a.test\0 x", 20);
    write_hosts(slice_of(large, sizeof(large)));
    struct environment_facts facts = look_at("a.test", true, NULL);
    assert_address(&facts, "192.0.2.3:443"); // the line's rest is no line
    check.options.hosts_file = "/nowhere/hosts";
    assert_null(look_at("a.test", true, NULL).hosts_line.data);
    check.options.hosts_file = "/dev/zero"; // no file, and endless
    assert_null(look_at("a.test", true, NULL).hosts_line.data);
    check.options.hosts_file = path;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); // nobody writes
    assert_null(look_at("a.test", true, NULL).hosts_line.data);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_variable_that_holds),
        cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_exceptions_by_address),
        cmocka_unit_test(test_secrets_are_cut_out),
        cmocka_unit_test(test_the_hosts_file),
        cmocka_unit_test(test_odd_hosts_files),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
