// What settings say together. What they had better not say is in advice.c.
#include "conf/nearest.h"
#include "main/advice.h"
#include "main/certificates.h"
#include "main/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

// --- Origins ---

// place: how the row is called, "sites[1].origin".
static void review_origin(struct setting_review *review, const struct settings *settings,
    const struct slice *origin, const char *place)
{
    const struct origin_settings *origins = settings->edge.origins.items;
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    struct nearest nearest = {*origin, SLICE_EMPTY, 0};
    if (origin->data == NULL || settings->edge.origins.count == 0)
        return; // one of them was wrong
    for (size_t i = 0; i < settings->edge.origins.count; i++) {
        if (slice_equal(origins[i].name, *origin))
            return;
        nearest_offer(&nearest, origins[i].name);
    }
    text_append_quoted(&quoted, *origin);
    if (nearest.best.data != NULL)
        text_format(&quoted, " is not among the origins; did you mean \"%.*s\"?",
            SLICE_ARGS(nearest.best));
    else
        text_format(&quoted, " is not among the origins; expected one that is, such as \"%.*s\"",
            (int)MINIMUM(origins[0].name.size, NEAREST_NAME_MAX), origins[0].name.data);
    conf_add_mistake(review, origin, "%s: %.*s", place, SLICE_ARGS(text_slice(&quoted)));
}

static void review_origins(struct setting_review *review, const struct settings *settings,
    size_t index)
{
    const struct site_settings *site = (const struct site_settings *)settings->edge.sites.items
        + index;
    const struct rule_settings *rules = site->rules.items;
    char place[64];
    snprintf(place, sizeof(place), "sites[%zu].origin", index + 1);
    review_origin(review, settings, &site->origin, place);
    for (size_t i = 0; i < site->rules.count; i++) {
        snprintf(place, sizeof(place), "sites[%zu].rules[%zu].origin", index + 1, i + 1);
        if (rules[i].origin.size > 0)
            review_origin(review, settings, &rules[i].origin, place);
    }
    snprintf(place, sizeof(place), "sites[%zu].peers.origin", index + 1);
    if (site->peers.origin.size > 0)
        review_origin(review, settings, &site->peers.origin, place);
    if (site->peers.origin.size > 0 && site->peers.secret.size == 0)
        conf_add_mistake(review, &site->peers.origin,
            "%s: siblings know each other by a secret; set peers.secret, the same on all of them",
            place);
}

// --- Hosts ---

struct claim {
    const struct slice *host;
    size_t site, item; // aliases count after the hosts
    bool is_alias;
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *left = a, *right = b;
    size_t size = MINIMUM(left->host->size, right->host->size);
    int difference = size == 0 ? 0 : strncasecmp(left->host->data, right->host->data, size);
    if (difference == 0)
        difference = (left->host->size > right->host->size)
            - (left->host->size < right->host->size);
    if (difference == 0)
        difference = (left->site > right->site) - (left->site < right->site);
    return difference != 0 ? difference : (left->item > right->item) - (left->item < right->item);
}

static size_t count_hosts(const struct settings *settings)
{
    const struct site_settings *sites = settings->edge.sites.items;
    size_t count = 0;
    for (size_t i = 0; i < settings->edge.sites.count; i++)
        count += sites[i].hosts.count + sites[i].aliases.count;
    return count;
}

static void collect_claims(const struct settings *settings, struct claim *claims)
{
    const struct site_settings *sites = settings->edge.sites.items;
    for (size_t i = 0; i < settings->edge.sites.count; i++) {
        for (size_t k = 0; k < sites[i].hosts.count; k++)
            *claims++ = (struct claim){(const struct slice *)sites[i].hosts.items + k, i, k, false};
        for (size_t k = 0; k < sites[i].aliases.count; k++)
            *claims++ = (struct claim){(const struct slice *)sites[i].aliases.items + k, i,
                sites[i].hosts.count + k, true};
    }
}

// Sorted, whoever else names a host stands behind its first.
static void review_hosts(struct setting_review *review, const struct settings *settings)
{
    size_t count = count_hosts(settings), first = 0;
    struct claim *claims = count == 0 ? NULL : conf_review_alloc(review, count * sizeof(*claims));
    if (claims == NULL)
        return;
    collect_claims(settings, claims);
    qsort(claims, count, sizeof(*claims), compare_claims);
    for (size_t i = 1; i < count; i++) {
        char buffer[256];
        struct text quoted = text_in(buffer, sizeof(buffer));
        const struct claim *claim = &claims[i];
        if (!slice_equal_nocase(claim->host[0], claims[first].host[0])) {
            first = i;
            continue;
        }
        bool is_same = claim->site == claims[first].site
            && claim->is_alias == claims[first].is_alias;
        if (is_same || !conf_is_written(review, claim->host))
            continue;
        size_t before = claim->is_alias ? ((const struct site_settings *)settings->edge.sites.items)
            [claim->site].hosts.count : 0;
        text_append_quoted(&quoted, claim->host[0]);
        conf_add_mistake(review, claim->host, "sites[%zu].%s[%zu]: %.*s belongs to sites[%zu] "
            "already; expected each host once", claim->site + 1,
            claim->is_alias ? "aliases" : "hosts", claim->item - before + 1,
            SLICE_ARGS(text_slice(&quoted)), claims[first].site + 1);
    }
}

// An alias leads to one name that can be written down.
static void review_aliases(struct setting_review *review, const struct site_settings *site,
    size_t index)
{
    const struct slice *hosts = site->hosts.items;
    if (site->aliases.count == 0)
        return;
    if (site->hosts.count == 0)
        conf_add_mistake(review, &site->aliases, "sites[%zu].aliases: lead to the first of hosts, "
            "and there is none; expected hosts", index + 1);
    else if (hosts[0].size > 0 && hosts[0].data[0] == '*')
        conf_add_mistake(review, &hosts[0], "sites[%zu].hosts[1]: \"%.*s\" is no name that aliases "
            "could lead to; expected one without * first", index + 1, SLICE_ARGS(hosts[0]));
}

// Only one site can take what no other names.
static void review_remainders(struct setting_review *review, const struct settings *settings)
{
    const struct site_settings *sites = settings->edge.sites.items, *first = NULL;
    for (size_t i = 0; i < settings->edge.sites.count; i++) {
        if (sites[i].hosts.count > 0 || sites[i].origin.data == NULL)
            continue; // or nothing is known of it
        if (first == NULL)
            first = &sites[i];
        else
            conf_add_mistake(review, &sites[i].hosts, "sites[%zu]: has no hosts, and sites[%zu] "
                "takes all others already; expected hosts", i + 1, (size_t)(first - sites) + 1);
    }
}

// A visitor who is told 202 must find out what became of it, after a restart too.
static void review_writes(struct setting_review *review, const struct settings *settings,
    size_t index)
{
    const struct site_settings *site = (const struct site_settings *)settings->edge.sites.items
        + index;
    const struct rule_settings *rules = site->rules.items;
    for (size_t i = 0; i < site->rules.count; i++) {
        const struct accept_settings *accept = &rules[i].accept_writes;
        if (accept->methods == 0 && conf_is_written(review, &accept->content))
            conf_add_mistake(review, &accept->content, "sites[%zu].rules[%zu].accept_writes: "
                "names no method, so nothing is accepted; expected methods, such as [POST]",
                index + 1, i + 1);
        if (accept->add_key && rules[i].idempotency_key != RULE_KEY_HONOURED)
            conf_add_mistake(review, &accept->add_key, "sites[%zu].rules[%zu].accept_writes: "
                "add_key is of no use; expected idempotency_key: honoured in the same rule",
                index + 1, i + 1);
        if (accept->methods == 0)
            continue;
        if (settings->edge.outbox.directory.size == 0
            && !conf_is_written(review, &settings->edge.outbox.directory))
            conf_add_mistake(review, &accept->methods, "sites[%zu].rules[%zu].accept_writes: has "
                "nowhere to write to; expected outbox.directory", index + 1, i + 1);
        if (settings->edge.prefix.size == 0)
            conf_add_mistake(review, &accept->methods, "sites[%zu].rules[%zu].accept_writes: has "
                "no page that tells what became of a write; expected a prefix", index + 1, i + 1);
        if (settings->edge.outbox.size != 0 && accept->content > settings->edge.outbox.size)
            conf_add_mistake(review, &accept->methods, "sites[%zu].rules[%zu].accept_writes: "
                "content is more than the outbox may hold; expected at most outbox.size",
                index + 1, i + 1);
    }
}

// An edge without an origin serves nobody; a vantage may, and a status page.
static void review_purpose(struct setting_review *review, const struct settings *settings)
{
    const struct setting_list *origins = &settings->edge.origins;
    bool is_read = origins->items != NULL; // else that is said already
    if (is_read && origins->count == 0 && !settings->vantage.enabled
        && !watch_has_page(&settings->status))
        conf_add_mistake(review, origins, "origins: too few items (0); expected at least 1, or a "
            "vantage or a status page that serves no site");
}

static bool is_host_of_sites(const struct settings *settings, struct slice host)
{
    const struct site_settings *sites = settings->edge.sites.items;
    for (size_t i = 0; i < settings->edge.sites.count; i++) {
        const struct setting_list *lists[] = {&sites[i].hosts, &sites[i].aliases};
        for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
            const struct slice *names = lists[k]->items;
            for (size_t l = 0; l < lists[k]->count; l++) {
                if (slice_equal_nocase(names[l], host))
                    return true;
            }
        }
    }
    return false;
}

// A host is a site's or the status page's, and the page needs some place to be at.
static void review_status(struct setting_review *review, const struct settings *settings)
{
    const struct watch_settings *status = &settings->status;
    const struct slice *hosts = status->hosts.items;
    for (size_t i = 0; i < status->hosts.count; i++) {
        if (hosts[i].data == NULL)
            continue; // it was wrong
        if (is_host_of_sites(settings, hosts[i]))
            conf_add_mistake(review, &hosts[i], "status.hosts[%zu]: \"%.*s\" is a site's; "
                "expected one that is no site's", i + 1, SLICE_ARGS(hosts[i]));
        else if (slice_equal(hosts[i], SLICE("*")) && settings->edge.origins.count > 0)
            conf_add_mistake(review, &hosts[i], "status.hosts[%zu]: \"*\" would take all hosts "
                "from the sites; expected names such as status.example.org", i + 1);
    }
    if (status->hosts.count > 0 && !watch_has_page(status)
        && !conf_is_written(review, &status->name))
        conf_add_mistake(review, &status->hosts, "status: has no name, so there is no status page; "
            "expected name, such as Example");
    if (watch_has_page(status) && status->hosts.count == 0 && settings->edge.prefix.size == 0)
        conf_add_mistake(review, &status->name, "status: the page is nowhere; expected hosts, or a "
            "prefix");
}

// Nobody could ask it.
static void review_vantage(struct setting_review *review, const struct settings *settings)
{
    if (settings->vantage.enabled && settings->edge.prefix.size == 0)
        conf_add_mistake(review, &settings->vantage.enabled, "vantage: has no path to be asked "
            "at; expected a prefix");
}

void settings_review(struct setting_review *review, const void *all)
{
    const struct settings *settings = all;
    const struct site_settings *sites = settings->edge.sites.items;
    for (size_t i = 0; i < settings->edge.sites.count; i++) {
        review_origins(review, settings, i);
        review_aliases(review, &sites[i], i);
        review_writes(review, settings, i);
    }
    review_purpose(review, settings);
    review_vantage(review, settings);
    review_status(review, settings);
    advice_review(review, settings);
    certificates_review(review, settings);
    review_hosts(review, settings);
    review_remainders(review, settings);
}
