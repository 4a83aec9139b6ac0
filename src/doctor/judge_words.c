// What the rules share: what facts come to, what a verdict advises, and what is told as evidence.
#include "doctor/judge_inside.h"

#include <stdarg.h>
#include <stdio.h>

#define SENTENCE_MAX 400 // bytes

// --- What the facts come to ---

bool address_is_v6(const struct address *address)
{
    return address->any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

bool attempt_is_good(const struct facts *facts, const struct attempt_facts *attempt)
{
    return attempt->reach == REACH_GOOD &&
           (!facts->target.is_secure || attempt->secure == SECURE_GOOD);
}

bool is_reached(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (attempt_is_good(facts, &facts->attempts[i]))
            return true;
    }
    return false;
}

bool is_connected(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (facts->attempts[i].reach == REACH_GOOD)
            return true;
    }
    return false;
}

// Private (RFC 1918, RFC 4193), of the link (RFC 3927, RFC 4291) or of the machine.
static bool address_is_near(const struct address *address)
{
    if (address_is_v6(address)) {
        const struct in6_addr *host = &address->v6.sin6_addr;
        return (host->s6_addr[0] & 0xFE) == 0xFC || IN6_IS_ADDR_LINKLOCAL(host) ||
               IN6_IS_ADDR_LOOPBACK(host);
    }
    uint32_t host = ntohl(address->any.sa_family == AF_INET
            ? address->v4.sin_addr.s_addr : address->v6.sin6_addr.s6_addr32[3]);
    return host >> 24 == 127 || host >> 24 == 10 || host >> 20 == 0xAC1 || host >> 16 == 0xC0A8 ||
           host >> 16 == 0xA9FE;
}

bool is_near(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->attempt_count; i++) {
        if (!address_is_near(&facts->attempts[i].address))
            return false;
    }
    return facts->attempt_count > 0;
}

bool is_answered_by_proxy(const struct facts *facts)
{
    return facts->environment.proxy.data != NULL && is_answered(&facts->answers[PROFILE_USUAL]);
}

enum fact control_reached(const struct facts *facts)
{
    const struct control_facts *control = &facts->control;
    if (control->v4 == FACT_GOOD || control->v6 == FACT_GOOD)
        return FACT_GOOD;
    return control->v4 == FACT_BAD || control->v6 == FACT_BAD ? FACT_BAD : FACT_UNKNOWN;
}

enum fact control_secure(const struct facts *facts)
{
    const struct attempt_facts *attempts = facts->control.attempts;
    if (attempts[0].secure == SECURE_GOOD || attempts[1].secure == SECURE_GOOD)
        return FACT_GOOD;
    return attempts[0].secure == SECURE_UNKNOWN && attempts[1].secure == SECURE_UNKNOWN
               ? FACT_UNKNOWN
               : FACT_BAD;
}

static bool sees_it_well(const struct vantage_facts *vantage)
{
    return vantage->verdict == VERDICT_OK;
}

enum fact seen_elsewhere(const struct facts *facts)
{
    unsigned well = 0, bad = 0;
    for (unsigned i = 0; i < facts->vantage_count; i++) {
        const struct vantage_facts *vantage = &facts->vantages[i];
        if (!vantage->conclusive || vantage->facts == NULL || vantage->verdict == VERDICT_UNKNOWN)
            continue;
        well += sees_it_well(vantage);
        bad += !sees_it_well(vantage);
    }
    return well > bad ? FACT_GOOD : bad > well ? FACT_BAD : FACT_UNKNOWN;
}

enum verdict verdict_elsewhere(const struct facts *facts)
{
    for (unsigned i = 0; i < facts->vantage_count; i++) {
        const struct vantage_facts *vantage = &facts->vantages[i];
        if (vantage->conclusive && vantage->facts != NULL && !sees_it_well(vantage))
            return vantage->verdict;
    }
    return VERDICT_UNKNOWN;
}

// --- Conclusions ---

#define NO_RESTART " Do not restart your router, and do not clear anything: it is not you."

struct slice advice_of(enum verdict verdict)
{
    static const struct slice texts[VERDICT_COUNT] = {
        [VERDICT_OK] = SLICE("If your browser still shows an error, reload the page without its "
            "cache (Ctrl+Shift+R, on a Mac Cmd+Shift+R)."),
        [VERDICT_LOCAL_NET] = SLICE("Look at the cable, Wi-Fi and router; restarting the router "
            "may help here."),
        [VERDICT_CAPTIVE] = SLICE("Open http://neverssl.com or any page without https in your "
            "browser, log in, and try again. Restarting the router does not help."),
        [VERDICT_PROXY] = SLICE("Correct or take out the proxy in the settings of your system or "
            "shell. Do not restart your router."),
        [VERDICT_HOSTS] = SLICE("Take that line out of the hosts file. Do not restart your "
            "router."),
        [VERDICT_CLOCK] = SLICE("Set the clock, best to automatic. Do not click past the "
            "browser's warning, and do not restart your router."),
        [VERDICT_LOCAL_DNS] = SLICE("Use another server of names for now (in the network settings "
            "of your system), and tell your provider. Restarting the router helps only if the "
            "router is that server."),
        [VERDICT_LOCAL_V6] = SLICE("Switch IPv6 off for now, or tell your provider that it is "
            "broken. Restarting the router may help."),
        [VERDICT_TLS_INTERCEPT] = SLICE("Do not enter passwords in this network. At work ask who "
            "runs it; at home look for a security program that inspects encrypted traffic."),
        [VERDICT_MTU] = SLICE("Lower the MTU of your connection to 1280 (in the router or the "
            "VPN), and tell your provider. Restarting the router may help."),
        [VERDICT_ISP_PATH] = SLICE("Wait, or try another network such as your phone's; tell your "
            "provider if it lasts. Restarting the router does not help."),
        [VERDICT_CLIENT_PROTO] = SLICE("Tell the site. Until then a browser with HTTP/2 switched "
            "off gets through. Do not restart your router."),
        [VERDICT_CLIENT_STATE] = SLICE("Clear this site's cookies and data in your browser, "
            "nothing more; it is not your network. Do not restart your router."),
        [VERDICT_BLOCKED_YOU] = SLICE("Switch off a VPN if you use one, wait an hour, or write to "
            "the site with the evidence below. Restarting the router does not help."),
        [VERDICT_SITE_DNS] = SLICE("Wait: only the site's owner can mend its name." NO_RESTART),
        [VERDICT_CDN_POP] = SLICE("Wait, or try another network such as your phone's, which may "
            "be served from elsewhere." NO_RESTART),
        [VERDICT_CDN_GLOBAL] = SLICE("Wait: the CDN or the site's owner must mend it." NO_RESTART),
        [VERDICT_ORIGIN_DOWN] = SLICE("Wait: only the site's owner can mend it." NO_RESTART),
        [VERDICT_ORIGIN_SLOW] = SLICE("Wait a few minutes and do not reload again and again: that "
            "makes it slower." NO_RESTART),
        [VERDICT_ORIGIN_TLS] = SLICE("Wait, and do not click past the browser's warning: only the "
            "site's owner can mend it." NO_RESTART),
        [VERDICT_ORIGIN_OVERLOAD] = SLICE("Wait, and do not reload again and again: that makes it "
            "worse." NO_RESTART),
        [VERDICT_MAINTENANCE] = SLICE("Wait until they are done." NO_RESTART),
        [VERDICT_UNKNOWN] = SLICE("Try again in a few minutes; --explain shows what was looked at, "
            "and --from asks how the site looks from elsewhere."),
    };
    return texts[verdict];
}

static struct slice PRINTF_LIKE(2, 0)
    print(const struct view *view, const char *format, va_list arguments)
{
    char buffer[SENTENCE_MAX];
    int size = vsnprintf(buffer, sizeof(buffer), format, arguments);
    size_t length = size < 0 ? 0 : MINIMUM((size_t)size, sizeof(buffer) - 1);
    return arena_copy(view->arena, slice_of(buffer, length));
}

bool conclude(struct view *view, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    view->diagnosis->fault = print(view, format, arguments);
    va_end(arguments);
    view->diagnosis->verdict = verdict;
    view->diagnosis->advice = advice_of(verdict);
    return true;
}

void advise(struct view *view, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    view->diagnosis->advice = print(view, format, arguments);
    va_end(arguments);
}
