// Byte by byte; what is not named here is refused.
#include "watch/notify/mail_address.h"

#define LOCAL_MAX 64
#define LABEL_MAX 63

static bool is_alphanumeric(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
        || (byte >= '0' && byte <= '9');
}

// atext of RFC 5322 section 3.2.3
static bool is_atext(char byte)
{
    return is_alphanumeric(byte) || (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", byte) != NULL);
}

// Dot-string
static bool is_local(struct slice local)
{
    if (local.size == 0 || local.size > LOCAL_MAX || local.data[local.size - 1] == '.')
        return false;
    for (size_t i = 0; i < local.size; i++) {
        bool is_dot = local.data[i] == '.';
        if (is_dot ? i == 0 || local.data[i - 1] == '.' : !is_atext(local.data[i]))
            return false;
    }
    return true;
}

static bool is_label(struct slice label)
{
    if (label.size == 0 || label.size > LABEL_MAX || label.data[0] == '-'
        || label.data[label.size - 1] == '-')
        return false;
    for (size_t i = 0; i < label.size; i++) {
        if (!is_alphanumeric(label.data[i]) && label.data[i] != '-')
            return false;
    }
    return true;
}

// "localhost" too: a machine that mails itself is right to.
static bool is_domain(struct slice domain)
{
    if (domain.size == 0)
        return false;
    while (domain.data != NULL) {
        if (!is_label(slice_cut(&domain, '.')))
            return false;
    }
    return true;
}

bool mail_address_is_valid(struct slice address)
{
    if (address.size == 0 || address.size > MAIL_ADDRESS_MAX || !slice_contains(address, '@'))
        return false;
    struct slice domain = address, local = slice_cut(&domain, '@');
    return is_local(local) && is_domain(domain);
}

struct slice mail_address_domain(struct slice address)
{
    (void)slice_cut(&address, '@');
    return address;
}
