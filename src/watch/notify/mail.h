// One mail as bytes: RFC 5322, in the two forms of multipart/alternative (RFC 2046 section 5.1.4),
// all of it ASCII in lines of at most 76 characters but for long links in fields. Pure.
//
// No value can add a field or end the head: addresses are held to mail_address.h, ids and URLs to
// visible ASCII, and everything else is encoded (RFC 2047, RFC 2045 section 6.7) after controls
// were taken out.
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "base/text.h"

struct mail {
    struct slice from, from_name;  // an address; who that is, may be empty
    struct slice to;               // an address
    struct slice subject;
    struct slice text, html;       // UTF-8; lines end in \n
    struct slice id;               // of Message-ID, without what follows the "@"
    struct slice list;             // of List-Id, a domain name; empty: it is no list's
    struct slice unsubscribe;      // https:// or http:// URL; empty: there is none
    int64_t at_ms;                 // wall clock
};

// From memory_alloc, the caller's. INVALID: an address, id or URL is none. MEMORY.
enum error mail_write(const struct mail *mail, char **ret_bytes, size_t *ret_size) MUST_CHECK;
