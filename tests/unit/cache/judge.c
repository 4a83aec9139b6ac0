// What may be kept and for how long: a table by section of RFC 9111, RFC 5861 and the operator's
// contract.
#include "cache/judge.h"
#include "heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEEP 1000 // seconds; no other number in the table
#define CAP 3600  // of heuristics
#define NEGATIVE 2000
#define ERRORS 11
#define D "Date: " DATE_NOW "\n"
#define DAY 86400
#define MOST 2147483648LL
#define NOW (NOW_MS / 1000)

struct row {
    const char *section, *what;
    const char *request;  // fields
    unsigned status;
    const char *response; // fields
    const char *reason;   // "" if stored
    long long lifetime, while_revalidate, stale, age; // seconds
    const char *method;
    unsigned despite; // bits of enum judge_despite
    bool without_keep, visitors_may_not_ask, no_cookies;
};

#define WINDOWS(fresh, behind, failing)                                                            \
    .reason = "", .lifetime = fresh, .while_revalidate = behind, .stale = failing
#define KEPT(fresh) WINDOWS(fresh, 0, KEEP)
#define NEVER_STALE(fresh) WINDOWS(fresh, 0, 0)
#define CAME_STALE(fresh, old) ((old) > (fresh) ? (old) - (fresh) : 0)
#define AGED(fresh, old) WINDOWS(fresh, 0, KEEP + CAME_STALE(fresh, old)), .age = old
#define REFUSED(why) .reason = why

static const struct row rows[] = {
    // Explicit freshness and its precedence.
    {"4.2.1", "max-age", "", 200, D "Cache-Control: max-age=60", KEPT(60)},
    {"4.2.1", "s-maxage wins over max-age", "", 200, D "Cache-Control: max-age=60, s-maxage=7",
        NEVER_STALE(7)},
    {"4.2.1", "s-maxage wins, reversed", "", 200, D "Cache-Control: s-maxage=7, max-age=60",
        NEVER_STALE(7)},
    {"4.2.1", "s-maxage wins on a line of its own", "", 200,
        D "Cache-Control: max-age=60\nCache-Control: s-maxage=7", NEVER_STALE(7)},
    {"4.2.1", "long s-maxage, max-age 0, past Expires", "", 200,
        D "Cache-Control: max-age=0, s-maxage=99\nExpires: " DATE_HOUR_AGO, NEVER_STALE(99)},
    {"4.2.1", "max-age wins over Expires", "", 200,
        D "Cache-Control: max-age=60\nExpires: " DATE_IN_HOUR, KEPT(60)},
    {"4.2.1", "max-age with past Expires", "", 200,
        D "Cache-Control: max-age=60\nExpires: " DATE_HOUR_AGO, KEPT(60)},
    {"4.2.1", "max-age with invalid Expires", "", 200, D "Cache-Control: max-age=60\nExpires: 0",
        KEPT(60)},
    {"4.2.1", "max-age=0 with future Expires", "", 200,
        D "Cache-Control: max-age=0\nExpires: " DATE_IN_HOUR, KEPT(0)},
    {"4.2.1", "Expires less Date", "", 200, D "Expires: " DATE_IN_HOUR, KEPT(3600)},
    {"4.2.1", "Expires counts from Date, not from now", "", 200,
        "Date: " DATE_MINUTE_AGO "\nExpires: " DATE_IN_MINUTE, AGED(120, 60)},
    {"4.2.1", "Expires without Date counts from now", "", 200, "Expires: " DATE_IN_MINUTE,
        KEPT(60)},
    {"4.2.1", "Expires with invalid Date counts from now", "", 200,
        "Date: yesterday\nExpires: " DATE_IN_MINUTE, KEPT(60)},
    {"4.2.1", "Expires in the past", "", 200, D "Expires: " DATE_HOUR_AGO, KEPT(0)},
    {"4.2.1", "Expires now", "", 200, D "Expires: " DATE_NOW, KEPT(0)},
    {"5.3", "Expires: 0 is in the past", "", 200, D "Expires: 0", KEPT(0)},
    {"5.3", "Expires: -1 is in the past", "", 200, D "Expires: -1", KEPT(0)},
    {"5.3", "empty Expires is in the past", "", 200, D "Expires:", KEPT(0)},
    {"5.3", "Expires with spaces inside is invalid", "", 200,
        D "Expires: Thu, 18  Aug  2050 02:01:18 GMT", KEPT(0)},
    {"5.3", "two Expires are stale", "", 200,
        D "Expires: " DATE_IN_HOUR "\nExpires: " DATE_IN_MINUTE, KEPT(0)},
    {"5.3", "Expires in RFC 850 form", "", 200, D "Expires: Wednesday, 21-Oct-15 07:29:00 GMT",
        KEPT(60)},
    {"5.3", "Expires in asctime form", "", 200, D "Expires: Wed Oct 21 07:29:00 2015", KEPT(60)},
    {"5.3", "Expires far in the future is capped", "", 200,
        D "Expires: Sun, 21 Nov 2286 04:46:39 GMT", KEPT(MOST)},
    {"1.2.2", "max-age of 2^31 - 1", "", 200, D "Cache-Control: max-age=2147483647",
        KEPT(2147483647)},
    {"1.2.2", "max-age of 2^31", "", 200, D "Cache-Control: max-age=2147483648", KEPT(MOST)},
    {"1.2.2", "max-age beyond 2^31", "", 200, D "Cache-Control: max-age=99999999999", KEPT(MOST)},
    {"4.2.1", "negative max-age is stale", "", 200, D "Cache-Control: max-age=-3600", KEPT(0)},
    {"4.2.1", "malformed max-age is stale", "", 200, D "Cache-Control: max-age=1h", KEPT(0)},
    {"4.2.1", "two max-ages: the smaller", "", 200, D "Cache-Control: max-age=60, max-age=30",
        KEPT(30)},
    {"5.2", "directives in any case", "", 200, D "Cache-Control: MaX-aGe=60", KEPT(60)},
    {"5.2.3", "unknown directives are passed over", "", 200,
        D "Cache-Control: foobar, max-age=60, a=\"max-age=1\"", KEPT(60)},
    {"5.4", "Pragma in a response means nothing", "", 200,
        D "Pragma: no-cache\nCache-Control: max-age=60", KEPT(60)},

    // Age.
    {"4.2.3", "Age is added", "", 200, D "Cache-Control: max-age=60\nAge: 10", AGED(60, 10)},
    {"4.2.3", "an old Date makes it old", "", 200,
        "Date: " DATE_MINUTE_AGO "\nCache-Control: max-age=90", AGED(90, 60)},
    {"4.2.3", "the larger of Age and Date", "", 200,
        "Date: " DATE_MINUTE_AGO "\nCache-Control: max-age=90\nAge: 10", AGED(90, 60)},
    {"4.2.3", "a Date in the future is no age", "", 200,
        "Date: " DATE_IN_HOUR "\nCache-Control: max-age=60", KEPT(60)},
    {"4.2.3", "without Date no apparent age", "", 200, "Cache-Control: max-age=60", KEPT(60)},
    {"5.1", "Age beyond the lifetime", "", 200, D "Cache-Control: max-age=60\nAge: 7200",
        AGED(60, 7200)},
    {"5.1", "Age that is no number", "", 200, D "Cache-Control: max-age=60\nAge: abc", KEPT(60)},
    {"5.1", "negative Age", "", 200, D "Cache-Control: max-age=60\nAge: -7200", KEPT(60)},
    {"5.1", "Age with a fraction", "", 200, D "Cache-Control: max-age=60\nAge: 7200.0", KEPT(60)},
    {"5.1", "Age with a parameter", "", 200, D "Cache-Control: max-age=60\nAge: 7200;a=b",
        KEPT(60)},
    {"5.1", "empty Age", "", 200, D "Cache-Control: max-age=60\nAge:", KEPT(60)},
    {"5.1", "first member of a list: old", "", 200, D "Cache-Control: max-age=60\nAge: 7200, 0",
        AGED(60, 7200)},
    {"5.1", "first member of a list: new", "", 200, D "Cache-Control: max-age=60\nAge: 0, 7200",
        KEPT(60)},
    {"5.1", "first of two lines: old", "", 200, D "Cache-Control: max-age=60\nAge: 7200\nAge: 0",
        AGED(60, 7200)},
    {"5.1", "first of two lines: new", "", 200, D "Cache-Control: max-age=60\nAge: 0\nAge: 7200",
        KEPT(60)},
    {"5.1", "Age of 2^31", "", 200, D "Cache-Control: max-age=60\nAge: 2147483648", AGED(60, MOST)},
    {"5.1", "Age beyond 64 bits", "", 200,
        D "Cache-Control: max-age=60\nAge: 99999999999999999999999", AGED(60, MOST)},
    {"5.1", "Age of 2^63", "", 200, D "Cache-Control: max-age=60\nAge: 9223372036854775808",
        AGED(60, MOST)},
    {"5.1", "Age of -2^63", "", 200, D "Cache-Control: max-age=60\nAge: -9223372036854775808",
        KEPT(60)},
    {"5.1", "Age with a plus", "", 200, D "Cache-Control: max-age=60\nAge: +30", KEPT(60)},
    {"5.1", "Age in hexadecimal", "", 200, D "Cache-Control: max-age=60\nAge: 0x30", KEPT(60)},

    // Wrong clocks, and years that some of them cannot write.
    {"4.2.3", "the backend's clock was never set", "", 200,
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\nCache-Control: max-age=60", AGED(60, NOW)},
    {"4.2.3", "before the epoch", "", 200,
        "Date: Wed, 31 Dec 1969 23:59:59 GMT\nCache-Control: max-age=60", AGED(60, NOW + 1)},
    {"4.2.3", "the year 0: as old as anything can be", "", 200,
        "Date: Sat, 01 Jan 0000 00:00:00 GMT\nCache-Control: max-age=60", AGED(60, MOST)},
    {"4.2.3", "the year 9999", "", 200,
        "Date: Fri, 31 Dec 9999 23:59:59 GMT\nCache-Control: max-age=60", KEPT(60)},
    {"4.2.3", "behind, with an Age from before it", "", 200,
        "Date: " DATE_HOUR_AGO "\nCache-Control: max-age=60\nAge: 5000", AGED(60, 5000)},
    {"4.2.3", "ahead, with an Age: what the Age says", "", 200,
        "Date: " DATE_IN_HOUR "\nCache-Control: max-age=60\nAge: 20", AGED(60, 20)},
    {"4.2.1", "Expires and Date of a clock that is behind", "", 200,
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\nExpires: Thu, 01 Jan 1970 00:01:00 GMT",
        AGED(60, NOW)},
    {"4.2.1", "Expires and Date of a clock that is ahead", "", 200,
        "Date: Fri, 31 Dec 9999 23:00:00 GMT\nExpires: Fri, 31 Dec 9999 23:01:00 GMT", KEPT(60)},
    {"4.2.1", "Expires in 1969", "", 200, D "Expires: Wed, 31 Dec 1969 23:59:59 GMT", KEPT(0)},
    {"4.2.1", "Expires in the year 0", "", 200, D "Expires: Sat, 01 Jan 0000 00:00:00 GMT",
        KEPT(0)},
    {"4.2.1", "Expires after 2038", "", 200, D "Expires: Tue, 19 Jan 2038 03:14:08 GMT",
        KEPT(2147483648LL - NOW)},
    {"4.2.1", "Expires after 2106: the most there is", "", 200,
        D "Expires: Sun, 07 Feb 2106 06:28:16 GMT", KEPT(MOST)},
    {"4.2.1", "Expires in 9999", "", 200, D "Expires: Fri, 31 Dec 9999 23:59:59 GMT", KEPT(MOST)},
    {"4.2.1", "Expires in two digits, near", "", 200,
        D "Expires: Tuesday, 19-Jan-38 03:14:08 GMT", KEPT(2147483648LL - NOW)},
    {"4.2.1", "Expires in two digits, past", "", 200,
        D "Expires: Sunday, 06-Nov-94 08:49:37 GMT", KEPT(0)},
    {"4.2.2", "modified in the year 0", "", 200, D "Last-Modified: Sat, 01 Jan 0000 00:00:00 GMT",
        KEPT(CAP)},
    {"4.2.2", "modified in 9999", "", 200, D "Last-Modified: Fri, 31 Dec 9999 23:59:59 GMT",
        KEPT(0)},
    {"4.2.2", "modified after a Date that is behind", "", 200,
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\nLast-Modified: " DATE_DAY_AGO, AGED(0, NOW)},
    {"contract", "what came stale is kept as long as the rest", "", 200,
        "Date: " DATE_DAY_AGO "\nCache-Control: max-age=60",
        WINDOWS(60, 0, KEEP + DAY - 60), .age = DAY},
    {"contract", "but not beyond the origin's own window", "", 200,
        "Date: " DATE_DAY_AGO "\nCache-Control: s-maxage=60, stale-if-error=7", WINDOWS(60, 0, 7),
        .age = DAY},
    {"contract", "nor where nothing is kept", "", 200,
        "Date: " DATE_DAY_AGO "\nCache-Control: max-age=60, stale-if-error=7",
        WINDOWS(60, 0, 7), .age = DAY, .without_keep = true},

    // Heuristics.
    {"4.2.2", "a tenth of the time since Last-Modified", "", 200, D "Last-Modified: " DATE_HOUR_AGO,
        KEPT(360)},
    {"4.2.2", "at most the cap", "", 200, D "Last-Modified: " DATE_DAY_AGO, KEPT(CAP)},
    {"4.2.2", "a tenth of a second is not a second", "", 200, D "Last-Modified: " DATE_SECOND_AGO,
        KEPT(0)},
    {"4.2.2", "modified in the future", "", 200, D "Last-Modified: " DATE_IN_HOUR, KEPT(0)},
    {"4.2.2", "invalid Last-Modified", "", 200, D "Last-Modified: yesterday", KEPT(0)},
    {"4.2.2", "not where Expires is, even invalid", "", 200,
        D "Expires: 0\nLast-Modified: " DATE_DAY_AGO, KEPT(0)},
    {"4.2.2", "from Date, where it is given", "", 200,
        "Date: " DATE_MINUTE_AGO "\nLast-Modified: " DATE_HOUR_AGO, AGED(354, 60)},
    {"4.2.2", "203", "", 203, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "204", "", 204, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "300", "", 300, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "301", "", 301, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "308", "", 308, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "404", "", 404, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "405", "", 405, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "410", "", 410, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "414", "", 414, D "Last-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"4.2.2", "201 has none", "", 201, D "Last-Modified: " DATE_HOUR_AGO, REFUSED("no-freshness")},
    {"4.2.2", "202 has none", "", 202, D "Last-Modified: " DATE_HOUR_AGO, REFUSED("no-freshness")},
    {"4.2.2", "302 has none", "", 302, D "Last-Modified: " DATE_HOUR_AGO, REFUSED("no-freshness")},
    {"4.2.2", "403 has none", "", 403, D "Last-Modified: " DATE_HOUR_AGO, REFUSED("no-freshness")},
    {"5.2.2.9", "public allows them for any status", "", 201,
        D "Cache-Control: public\nLast-Modified: " DATE_HOUR_AGO, KEPT(360)},
    {"5.2.2.9", "public allows them for unknown ones", "", 299,
        D "Cache-Control: public\nLast-Modified: " DATE_HOUR_AGO, KEPT(360)},

    // What may not be stored.
    {"3", "HEAD", "", 200, D "Cache-Control: max-age=60", REFUSED("method"), .method = "HEAD"},
    {"3", "POST", "Content-Length: 0", 200, D "Cache-Control: max-age=60", REFUSED("method"),
        .method = "POST"},
    {"9110-9.3.3", "POST whose answer is that of GET", "Content-Length: 0", 200,
        D "Cache-Control: max-age=60\nContent-Location: /x", KEPT(60), .method = "POST"},
    {"9110-9.3.3", "with its whole URL", "Content-Length: 0", 200,
        D "Cache-Control: max-age=60\nContent-Location: HTTPS://Example.com/x", KEPT(60),
        .method = "POST"},
    {"9110-9.3.3", "another URL", "Content-Length: 0", 200,
        D "Cache-Control: max-age=60\nContent-Location: /x?y", REFUSED("method"),
        .method = "POST"},
    {"9110-9.3.3", "another host", "Content-Length: 0", 200,
        D "Cache-Control: max-age=60\nContent-Location: http://example.org/x", REFUSED("method"),
        .method = "POST"},
    {"9110-9.3.3", "two URLs", "Content-Length: 0", 200,
        D "Cache-Control: max-age=60\nContent-Location: /x\nContent-Location: /x",
        REFUSED("method"), .method = "POST"},
    {"9110-9.3.3", "without a lifetime", "Content-Length: 0", 200,
        D "Last-Modified: " DATE_DAY_AGO "\nContent-Location: /x", REFUSED("method"),
        .method = "POST"},
    {"9110-9.3.3", "created", "Content-Length: 0", 201,
        D "Cache-Control: max-age=60\nContent-Location: /x", REFUSED("method"), .method = "POST"},
    {"3", "PUT", "Content-Length: 0", 200, D "Cache-Control: max-age=60", REFUSED("method"),
        .method = "PUT"},
    {"3", "unknown method", "", 200, D "Cache-Control: max-age=60", REFUSED("method"),
        .method = "PROPFIND"},
    {"3", "no-store", "", 200, D "Cache-Control: no-store", REFUSED("no-store")},
    {"3", "no-store with freshness", "", 200,
        D "Cache-Control: max-age=60, No-StOrE\nExpires: " DATE_IN_HOUR, REFUSED("no-store")},
    {"3", "private", "", 200, D "Cache-Control: private, max-age=60", REFUSED("private")},
    {"5.2.2.7", "private with field names is about these fields", "", 200,
        D "Cache-Control: private=\"X-User\", max-age=60", KEPT(60)},
    {"5.2.2.7", "private with names that are none", "", 200,
        D "Cache-Control: private=\"X-User, max-age=60", REFUSED("private")},
    {"5.2.1.5", "no-store of the request, where visitors may not", "Cache-Control: no-store", 200,
        D "Cache-Control: max-age=60", KEPT(60), .visitors_may_not_ask = true},
    {"5.2.1.5", "no-store of the request", "Cache-Control: no-store", 200,
        D "Cache-Control: max-age=60", REFUSED("request-no-store")},
    {"3", "no-cache of the request does not matter", "Cache-Control: no-cache", 200,
        D "Cache-Control: max-age=60", KEPT(60)},
    {"3.3", "206", "Range: bytes=0-1", 206,
        D "Cache-Control: max-age=60\nContent-Range: bytes 0-1/2", REFUSED("partial")},
    {"3", "304", "", 304, D "Cache-Control: max-age=60", REFUSED("status")},
    {"3", "500 with max-age, never stale", "", 500, D "Cache-Control: max-age=7, stale-if-error=9",
        NEVER_STALE(7)},
    {"contract", "502 with a long max-age", "", 502, D "Cache-Control: max-age=60",
        NEVER_STALE(ERRORS)},
    {"3", "503 with Expires", "", 503, D "Expires: " DATE_IN_HOUR, NEVER_STALE(ERRORS)},
    {"3", "504 that is stale", "", 504, D "Cache-Control: max-age=0\nETag: \"a\"",
        REFUSED("status")},
    {"contract", "500 without freshness", "", 500, D "ETag: \"a\"", REFUSED("no-freshness")},
    {"3", "500 with no-cache", "", 500, D "Cache-Control: no-cache\nETag: \"a\"",
        REFUSED("no-freshness")},
    {"4.2.2", "502 has no heuristics", "", 502, D "Last-Modified: " DATE_DAY_AGO,
        REFUSED("no-freshness")},
    {"4.2.2", "501 has", "", 501, D "Last-Modified: " DATE_DAY_AGO, NEVER_STALE(ERRORS)},
    {"5.2.2.9", "unknown 599 with public has", "", 599,
        D "Cache-Control: public\nLast-Modified: " DATE_DAY_AGO, NEVER_STALE(ERRORS)},
    {"5.2.2.3", "must-understand, unknown 599", "", 599,
        D "Cache-Control: max-age=60, no-store, must-understand", REFUSED("must-understand")},
    {"6585-4", "429", "", 429, D "Cache-Control: max-age=60", REFUSED("status")},
    {"6585-6", "511", "", 511, D "Cache-Control: max-age=60", REFUSED("status")},
    {"contract", "404 with a long max-age", "", 404, D "Cache-Control: max-age=86400",
        KEPT(NEGATIVE)},
    {"contract", "404 with long heuristics", "", 404, D "Last-Modified: " DATE_DAY_AGO,
        KEPT(NEGATIVE)},
    {"3", "416 speaks of one request", "Range: bytes=9-", 416, D "Cache-Control: max-age=60",
        REFUSED("status")},
    {"3", "412 speaks of one request", "If-Match: \"a\"", 412, D "Cache-Control: max-age=60",
        REFUSED("status")},
    {"3", "401 speaks of one request", "", 401, D "Cache-Control: max-age=60", REFUSED("status")},
    {"4.1", "Vary: *", "", 200, D "Cache-Control: max-age=60\nVary: *", REFUSED("vary")},
    {"4.1", "Vary: *, Foo", "", 200, D "Cache-Control: max-age=60\nVary: *, Foo", REFUSED("vary")},
    {"4.1", "Vary: Foo, *", "", 200, D "Cache-Control: max-age=60\nVary: Foo, *", REFUSED("vary")},
    {"4.1", "Vary: , *", "", 200, D "Cache-Control: max-age=60\nVary: , *", REFUSED("vary")},
    {"4.1", "Vary: * on a second line", "", 200, D "Cache-Control: max-age=60\nVary:\nVary: *",
        REFUSED("vary")},
    {"4.1", "Vary with names", "", 200, D "Cache-Control: max-age=60\nVary: Accept-Encoding",
        KEPT(60)},
    {"7.3", "Set-Cookie and a lifetime", "", 200, D "Cache-Control: max-age=60\nSet-Cookie: a=b",
        KEPT(60)},
    {"contract", "Set-Cookie, where it is never kept", "", 200,
        D "Cache-Control: max-age=60\nSet-Cookie: a=b", REFUSED("set-cookie"), .no_cookies = true},
    {"contract", "Set-Cookie in answer to a cookie", "Cookie: a=a", 200,
        D "Cache-Control: max-age=60\nSet-Cookie: a=b", REFUSED("set-cookie")},
    {"contract", "Set-Cookie in answer to Authorization", "Authorization: x", 200,
        D "Cache-Control: public, max-age=60\nSet-Cookie: a=b", REFUSED("set-cookie")},
    {"contract", "Set-Cookie without a lifetime", "", 200, D "Set-Cookie: a=b",
        REFUSED("set-cookie")},
    {"contract", "Set-Cookie and heuristics only", "", 200,
        D "Set-Cookie: a=b\nLast-Modified: " DATE_DAY_AGO, REFUSED("set-cookie")},
    {"contract", "Set-Cookie and max-age=0", "", 200,
        D "Cache-Control: max-age=0\nSet-Cookie: a=b\nETag: \"a\"", REFUSED("set-cookie")},
    {"5.2.2.4", "Set-Cookie that no-cache names", "", 200,
        D "Cache-Control: max-age=60, no-cache=\"Set-Cookie\"\nSet-Cookie: a=b", KEPT(60),
        .no_cookies = true},

    // Statuses with explicit freshness.
    {"3", "201 with max-age", "", 201, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "302 with max-age", "", 302, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "303 with max-age", "", 303, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "307 with Expires", "", 307, D "Expires: " DATE_IN_MINUTE, KEPT(60)},
    {"3", "400 with max-age", "", 400, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "403 with s-maxage", "", 403, D "Cache-Control: s-maxage=60", NEVER_STALE(60)},
    {"3", "unknown 299 with max-age", "", 299, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "unknown 499 with max-age", "", 499, D "Cache-Control: max-age=60", KEPT(60)},
    {"3", "204 with max-age", "", 204, D "Cache-Control: max-age=60", KEPT(60)},
    {"5.2.2.3", "must-understand, known status", "", 200,
        D "Cache-Control: max-age=60, no-store, must-understand", KEPT(60)},
    {"5.2.2.3", "must-understand, unknown status", "", 299,
        D "Cache-Control: max-age=60, no-store, must-understand", REFUSED("must-understand")},
    {"5.2.2.3", "must-understand alone, unknown status", "", 499,
        D "Cache-Control: max-age=60, must-understand", REFUSED("must-understand")},

    // Authorization.
    {"3.5", "with freshness alone", "Authorization: x", 200, D "Cache-Control: max-age=60",
        REFUSED("authorization")},
    {"3.5", "with Expires alone", "Authorization: x", 200, D "Expires: " DATE_IN_HOUR,
        REFUSED("authorization")},
    {"3.5", "public", "Authorization: x", 200, D "Cache-Control: public, max-age=60", KEPT(60)},
    {"3.5", "s-maxage", "Authorization: x", 200, D "Cache-Control: s-maxage=60", NEVER_STALE(60)},
    {"3.5", "must-revalidate", "Authorization: x", 200,
        D "Cache-Control: must-revalidate, max-age=60", NEVER_STALE(60)},
    {"3.5", "proxy-revalidate does not allow it", "Authorization: x", 200,
        D "Cache-Control: proxy-revalidate, max-age=60", REFUSED("authorization")},
    {"contract", "public without any freshness", "Authorization: x", 200, D "Cache-Control: public",
        REFUSED("no-freshness")},

    // Cookies.
    {"contract", "Cookie and no freshness", "Cookie: a=b", 200, D, REFUSED("cookie")},
    {"contract", "Cookie and heuristics only", "Cookie: a=b", 200, D "Last-Modified: " DATE_DAY_AGO,
        REFUSED("cookie")},
    {"contract", "Cookie and max-age", "Cookie: a=b", 200, D "Cache-Control: max-age=60", KEPT(60)},
    {"contract", "Cookie and s-maxage", "Cookie: a=b", 200, D "Cache-Control: s-maxage=60",
        NEVER_STALE(60)},
    {"contract", "Cookie and Expires", "Cookie: a=b", 200, D "Expires: " DATE_IN_MINUTE, KEPT(60)},
    {"contract", "Cookie and max-age=0", "Cookie: a=b", 200,
        D "Cache-Control: max-age=0\nETag: \"a\"", REFUSED("cookie")},
    {"contract", "Cookie and past Expires", "Cookie: a=b", 200, D "Expires: " DATE_HOUR_AGO,
        REFUSED("cookie")},
    {"contract", "Cookie and no-cache", "Cookie: a=b", 200,
        D "Cache-Control: no-cache, max-age=60\nETag: \"a\"", REFUSED("cookie")},
    {"contract", "Cookie and public", "Cookie: a=b", 200, D "Cache-Control: public",
        REFUSED("cookie")},

    // No freshness at all: kept for when the backend fails.
    {"contract", "bare 200", "", 200, "", KEPT(0)},
    {"contract", "200 with Date and ETag", "", 200, D "ETag: \"a\"", KEPT(0)},
    {"contract", "301", "", 301, D "Location: /x", KEPT(0)},
    {"contract", "404", "", 404, D, KEPT(0)},
    {"contract", "410", "", 410, D, KEPT(0)},
    {"contract", "405 is not", "", 405, D, REFUSED("no-freshness")},
    {"contract", "302 is not", "", 302, D "Location: /x", REFUSED("no-freshness")},
    {"contract", "403 is not", "", 403, D, REFUSED("no-freshness")},
    {"contract", "without keep it is of no use", "", 200, D, REFUSED("no-freshness"),
        .without_keep = true},
    {"contract", "without keep, but with a validator", "", 200, D "ETag: \"a\"", NEVER_STALE(0),
        .without_keep = true},

    // Never stale.
    {"4.2.4", "no-cache", "", 200, D "Cache-Control: no-cache\nETag: \"a\"", NEVER_STALE(0)},
    {"4.2.4", "no-cache with max-age and Expires", "", 200,
        D "Cache-Control: max-age=60, no-cache\nExpires: " DATE_IN_HOUR "\nETag: \"a\"",
        NEVER_STALE(0)},
    {"5.2.2.4", "no-cache with field names is about these fields", "", 200,
        D "Cache-Control: no-cache=\"A\", max-age=60\nETag: \"a\"", KEPT(60)},
    {"5.2.2.4", "no-cache without a validator is of no use", "", 200,
        D "Cache-Control: no-cache, max-age=60", REFUSED("no-freshness")},
    {"4.2.4", "must-revalidate", "", 200, D "Cache-Control: max-age=60, must-revalidate",
        NEVER_STALE(60)},
    {"4.2.4", "proxy-revalidate", "", 200, D "Cache-Control: max-age=60, proxy-revalidate",
        NEVER_STALE(60)},
    {"4.2.4", "must-revalidate is not lifted by stale-if-error", "", 200,
        D "Cache-Control: max-age=60, must-revalidate, stale-if-error=7", NEVER_STALE(60)},
    {"4.2.4", "must-revalidate forbids stale-while-revalidate", "", 200,
        D "Cache-Control: max-age=60, must-revalidate, stale-while-revalidate=7", NEVER_STALE(60)},
    {"4.2.4", "no-cache forbids stale-while-revalidate", "", 200,
        D "Cache-Control: no-cache, stale-while-revalidate=7\nETag: \"a\"", NEVER_STALE(0)},
    {"4.2.4", "must-revalidate without freshness", "", 200,
        D "Cache-Control: must-revalidate\nETag: \"a\"", NEVER_STALE(0)},

    // Windows.
    {"5861-3", "stale-while-revalidate", "", 200,
        D "Cache-Control: max-age=60, stale-while-revalidate=7", WINDOWS(60, 7, KEEP)},
    {"5861-3", "longer than keep", "", 200,
        D "Cache-Control: max-age=60, stale-while-revalidate=5000", WINDOWS(60, 5000, 5000)},
    {"5861-4", "stale-if-error shorter than keep", "", 200,
        D "Cache-Control: max-age=60, stale-if-error=7", WINDOWS(60, 0, KEEP)},
    {"5861-4", "stale-if-error longer than keep", "", 200,
        D "Cache-Control: max-age=60, stale-if-error=5000", WINDOWS(60, 0, 5000)},
    {"5861-4", "s-maxage with stale-if-error: that long", "", 200,
        D "Cache-Control: s-maxage=60, stale-if-error=7", WINDOWS(60, 0, 7)},
    {"5861-3", "s-maxage with stale-while-revalidate", "", 200,
        D "Cache-Control: s-maxage=60, stale-while-revalidate=7", WINDOWS(60, 7, 7)},
    {"5861", "s-maxage with both", "", 200,
        D "Cache-Control: s-maxage=60, stale-while-revalidate=7, stale-if-error=9",
        WINDOWS(60, 7, 9)},
    {"5861-4", "stale-if-error without keep", "", 200,
        D "Cache-Control: max-age=60, stale-if-error=7", WINDOWS(60, 0, 7), .without_keep = true},

    // Targeted fields (RFC 9213).
    {"9213", "CDN-Cache-Control alone", "", 200, D "CDN-Cache-Control: max-age=60", KEPT(60)},
    {"9213", "over Cache-Control and Expires", "", 200,
        D "Cache-Control: no-store\nExpires: 0\nCDN-Cache-Control: max-age=60", KEPT(60)},
    {"9213", "Afloat-Cache-Control over both", "", 200,
        D "Cache-Control: no-store\nCDN-Cache-Control: private\n"
          "Afloat-Cache-Control: max-age=7", KEPT(7)},
    {"9213", "shorter", "", 200, D "Cache-Control: max-age=60\nCDN-Cache-Control: max-age=1",
        KEPT(1)},
    {"9213", "without a lifetime, Expires is not looked at", "", 200,
        D "Expires: " DATE_IN_HOUR "\nCDN-Cache-Control: must-revalidate\nETag: \"a\"",
        NEVER_STALE(0)},
    {"9213", "no-store", "", 200, D "Cache-Control: max-age=60\nCDN-Cache-Control: no-store",
        REFUSED("no-store")},
    {"9213", "private", "", 200, D "Cache-Control: max-age=60\nCDN-Cache-Control: private",
        REFUSED("private")},
    {"9213", "private with names: everything", "", 200,
        D "CDN-Cache-Control: max-age=60, private=\"a\"", REFUSED("private")},
    {"9213", "a false boolean", "", 200, D "CDN-Cache-Control: max-age=60, no-store=?0", KEPT(60)},
    {"9213", "broken: ignored", "", 200,
        D "Cache-Control: max-age=9\nCDN-Cache-Control: max-age=60, &&&&&", KEPT(9)},
    {"9213", "wrong type: ignored", "", 200,
        D "Cache-Control: max-age=9\nCDN-Cache-Control: max-age=\"60\"", KEPT(9)},
    {"9213", "a word with a value: ignored", "", 200,
        D "Cache-Control: max-age=9\nCDN-Cache-Control: max-age=60, must-revalidate=1", KEPT(9)},
    {"9213", "an inner list: ignored", "", 200,
        D "Cache-Control: max-age=9\nCDN-Cache-Control: max-age=(60)", KEPT(9)},
    {"9213", "empty: ignored", "", 200, D "Cache-Control: max-age=9\nCDN-Cache-Control:", KEPT(9)},
    {"9213", "capitals are no key: ignored", "", 200,
        D "Cache-Control: max-age=9\nCDN-Cache-Control: MaX-aGe=60", KEPT(9)},
    {"9213", "parameters mean nothing", "", 200, D "CDN-Cache-Control: max-age=60;max-age=9",
        KEPT(60)},
    {"9213", "two lines are one dictionary", "", 200,
        D "CDN-Cache-Control: max-age=60\nCDN-Cache-Control: must-revalidate", NEVER_STALE(60)},
    {"9213", "a broken one of ours leaves the next", "", 200,
        D "Afloat-Cache-Control: 1\nCDN-Cache-Control: max-age=60", KEPT(60)},
    {"9213", "beyond 2^31", "", 200, D "CDN-Cache-Control: max-age=99999999999", KEPT(MOST)},
    {"9213", "negative is stale", "", 200, D "CDN-Cache-Control: max-age=-1", KEPT(0)},

    // stale_despite.
    {"contract", "despite no-cache", "", 200, D "Cache-Control: no-cache", KEPT(0),
        .despite = 1 << JUDGE_NO_CACHE},
    {"contract", "despite must-revalidate", "", 200, D "Cache-Control: max-age=60, must-revalidate",
        KEPT(60), .despite = 1 << JUDGE_MUST_REVALIDATE},
    {"contract", "despite proxy-revalidate", "", 200,
        D "Cache-Control: max-age=60, proxy-revalidate", KEPT(60),
        .despite = 1 << JUDGE_PROXY_REVALIDATE},
    {"contract", "despite s-maxage", "", 200, D "Cache-Control: s-maxage=60", KEPT(60),
        .despite = 1 << JUDGE_S_MAXAGE},
    {"contract", "one lifted, another not", "", 200,
        D "Cache-Control: s-maxage=60, must-revalidate", NEVER_STALE(60),
        .despite = 1 << JUDGE_S_MAXAGE},
    {"contract", "never lifts private", "", 200, D "Cache-Control: private, max-age=60",
        REFUSED("private"), .despite = 15},
    {"contract", "never lifts no-store", "", 200, D "Cache-Control: no-store, max-age=60",
        REFUSED("no-store"), .despite = 15},
};

static void judge_row(const struct row *row, struct judgement *judgement)
{
    static struct test_request request;
    static struct test_response response;
    char line[64];
    snprintf(line, sizeof(line), "%s /x HTTP/1.1", row->method == NULL ? "GET" : row->method);
    test_parse_request(&request, line, row->request);
    test_parse_response(&response, row->status, row->response);
    struct judge_policy policy = {.keep_ms = row->without_keep ? 0 : KEEP * 1000,
        .stale_despite = row->despite,
        .heuristic_percent = 10,
        .heuristic_max_ms = CAP * 1000,
        .negative_max_ms = NEGATIVE * 1000,
        .errors_max_ms = ERRORS * 1000,
        .visitor_directives = row->visitors_may_not_ask ? 0 : UINT64_MAX,
        .set_cookie = row->no_cookies ? JUDGE_SET_COOKIE_NEVER : JUDGE_SET_COOKIE_FRESH};
    judge_response(&request.head, &response.head, &policy, NOW_MS, NOW_MS, judgement);
}

static void test_the_table(void **state)
{
    (void)state;
    assert_true(ARRAY_SIZE(rows) >= 100);
    unsigned wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct judgement judgement;
        judge_row(row, &judgement);
        const char *reason = judge_reason_text(judgement.reason);
        bool stored = judgement.store == JUDGE_STORE;
        if (strcmp(reason, row->reason) == 0 && stored == (row->reason[0] == '\0')
            && (long long)(judgement.lifetime_ms / 1000) == row->lifetime
            && (long long)(judgement.while_revalidate_ms / 1000) == row->while_revalidate
            && (long long)(judgement.stale_ms / 1000) == row->stale
            && (!stored || (long long)(judgement.initial_age_ms / 1000) == row->age))
            continue;
        wrong++;
        print_error("%s %s: reason '%s' lifetime %llu while %llu stale %llu age %llu\n",
            row->section, row->what, reason, (unsigned long long)judgement.lifetime_ms / 1000,
            (unsigned long long)judgement.while_revalidate_ms / 1000,
            (unsigned long long)judgement.stale_ms / 1000,
            (unsigned long long)judgement.initial_age_ms / 1000);
    }
    assert_int_equal(wrong, 0);
}

static void test_the_delay_of_the_answer_is_age(void **state)
{
    (void)state;
    static struct test_request request;
    static struct test_response response;
    struct judge_policy policy = {.keep_ms = 0};
    struct judgement judgement;
    test_parse_request(&request, "GET / HTTP/1.1", "");
    test_parse_response(&response, 200, D "Cache-Control: max-age=60\nAge: 5");
    judge_response(&request.head, &response.head, &policy, NOW_MS - 2500, NOW_MS, &judgement);
    assert_int_equal(judgement.initial_age_ms, 7500);
    // A clock set back between the two is no delay.
    judge_response(&request.head, &response.head, &policy, NOW_MS + 2500, NOW_MS, &judgement);
    assert_int_equal(judgement.initial_age_ms, 5000);
    // Date has no fractions, so neither has the apparent age.
    test_parse_response(&response, 200, D "Cache-Control: max-age=1");
    judge_response(&request.head, &response.head, &policy, NOW_MS + 900, NOW_MS + 900, &judgement);
    assert_int_equal(judgement.initial_age_ms, 0);
}

static void test_what_is_an_error_and_what_replaces_a_copy(void **state)
{
    (void)state;
    for (unsigned status = 200; status < 600; status++) {
        assert_int_equal(judge_is_error(status), status >= 500);
        assert_int_equal(judge_replaces(status), status < 500 && status != 429);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_the_delay_of_the_answer_is_age),
        cmocka_unit_test(test_what_is_an_error_and_what_replaces_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
