// Addresses of people, as a form or the settings give them: what RFC 5321 section 4.1.2 calls a
// Mailbox, without quoted local parts, address literals and characters beyond ASCII, which hardly
// anybody has and which are the usual way to smuggle a command or a field in.
#pragma once

#include "base/slice.h"

#define MAIL_ADDRESS_MAX 254 // bytes (RFC 5321 section 4.5.3.1.3, less the angle brackets)

// All of the slice is one address.
bool mail_address_is_valid(struct slice address);
// Behind the "@".
struct slice mail_address_domain(struct slice address);
