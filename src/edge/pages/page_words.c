// What a failure is called and whose fault it is: one table of sentences, used by all three forms.
// Times and values are page_values.c's job.
#include "edge/pages/page_parts.h"

static struct page_words mistake(const char *title, const char *explanation)
{
    return (struct page_words){
        .cause = "request", .title = title, .explanation = explanation, .is_mistake = true};
}

static struct page_words words_for_mistake(unsigned status)
{
    switch (status) {
    case 400:
        return mistake("could not read this request",
            "What arrived here is not a valid request. Reload the page; if it stays like this, an "
            "extension of your browser or a proxy on the way may be changing what you send.");
    case 404:
        return mistake("has no such page",
            "Nothing is kept under this address. Check it for a typing mistake.");
    case 405:
        return mistake(
            "does not allow this here", "The page exists, but not for this kind of request.");
    case 408:
        return mistake("did not get the whole request",
            "Your request took too long to arrive. That happens on slow or interrupted "
            "connections: try again.");
    case 413:
        return mistake(
            "does not take uploads this large", "What you sent is larger than this site accepts.");
    case 414:
        return mistake("was asked with too long an address",
            "The address of the page is longer than this site accepts. Try the site's first page.");
    case 417:
        return mistake("cannot do what was expected",
            "The request asks for something that is not offered here.");
    case 421:
        return mistake("is not served here", "This server does not know a site of that name. Check "
                                             "the address for a typing mistake.");
    case 429: return mistake("got too many requests from you", "Wait a little, then try again.");
    case 431:
        return mistake("got too large a request", "The cookies that this site left in your browser "
                                                  "have probably grown too large. Deleting "
                                                  "the cookies of this site usually helps.");
    case 501:
    case 505:
        return mistake("does not support this kind of request",
            "What arrived here is not a kind of request that is served. An up-to-date browser "
            "sends "
            "none like it.");
    }
    return mistake("refused this request", "It cannot be answered the way it was sent.");
}

bool page_blames_site(const struct page_facts *facts)
{
    return page_words_for(facts).site != NULL && !facts->maintenance;
}

struct page_words page_words_for(const struct page_facts *facts)
{
    if (facts->status < 500 || facts->status == 501 || facts->status == 505)
        return words_for_mistake(facts->status);
    if (facts->maintenance)
        return (struct page_words){.cause = "maintenance",
            .title = "is in maintenance",
            .explanation =
                "Your connection is fine. The people who run this site have stopped it to "
                "work on it, so there is nothing for you to restart or repair.",
            .edge = "working",
            .site = "in maintenance"};
    if (facts->overloaded)
        return (struct page_words){.cause = "edge_busy",
            .title = "is very busy right now",
            .explanation =
                "Your connection is fine. More visitors are here at this moment than can be "
                "answered, so some have to wait a little.",
            .edge = "too busy"};
    if (facts->status == 500)
        return (struct page_words){.cause = "edge_error",
            .title = "could not be asked",
            .explanation =
                "Your connection is fine. Something failed here, between you and the site, "
                "so there is nothing for you to restart or repair.",
            .edge = "failing"};
    if (facts->down_since_ms == 0 && facts->status == 504)
        return (struct page_words){.cause = "origin_slow",
            .title = "takes too long to answer",
            .explanation =
                "Your connection is fine. The site's server was asked for this page and did "
                "not answer in time, so there is nothing for you to restart or repair.",
            .edge = "working",
            .site = "too slow"};
    if (facts->down_since_ms == 0 && facts->status == 502)
        return (struct page_words){.cause = "origin_error",
            .title = "gave no usable answer",
            .explanation =
                "Your connection is fine. The site's server was asked for this page and its "
                "answer failed, so there is nothing for you to restart or repair.",
            .edge = "working",
            .site = "failing"};
    return (struct page_words){.cause = "origin_down",
        .title = "is not answering right now",
        .explanation =
            "Your connection is fine. The site's own server is not answering, so there is "
            "nothing for you to restart or repair.",
        .edge = "working",
        .site = "not answering"};
}
