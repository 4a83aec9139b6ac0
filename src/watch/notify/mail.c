// Field by field, then the two forms.
#include "watch/notify/mail.h"
#include "base/memory.h"
#include "doctor/printable.h"
#include "watch/notify/mail_address.h"

#include <openssl/evp.h>
#include <time.h>

#define ENCODED_LINE_MAX 76  // of encoded text
#define FIELD_LINE_MAX 998   // of a link (RFC 5322 section 2.1.1)
#define WORD_MAX 39          // bytes in an encoded word: 64 with what is around, behind "Subject: "
#define VALUE_MAX 300        // bytes of a subject or a name
#define PLAIN_MAX 60         // bytes of a value that goes without encoding, and without folding
#define HEAD_MAX ((size_t)8192)

static bool is_visible_ascii(struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f)
            return false;
    }
    return value.size > 0;
}

// Nothing that ends a link in angle brackets, or an id.
static bool is_plain(struct slice value, size_t most)
{
    return is_visible_ascii(value) && value.size <= most && !slice_contains(value, '<')
        && !slice_contains(value, '>') && !slice_contains(value, ',')
        && !slice_contains(value, '\\') && !slice_contains(value, '"');
}

static bool is_id(struct slice value)
{
    return is_plain(value, 200) && !slice_contains(value, '@');
}

// --- Encodings ---

// A short value of letters, digits and a few marks needs none; in a phrase (RFC 5322 section 3.2.5)
// those with a meaning there do.
static bool needs_encoding(struct slice value, bool is_phrase)
{
    const char *marks = is_phrase ? " -_+/!*#'%~" : " -_+/!*#'%~.:,[]()&";
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        bool is_alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')
            || (byte >= 'A' && byte <= 'Z');
        if (!is_alphanumeric && (byte == '\0' || strchr(marks, byte) == NULL))
            return true;
    }
    return value.size > PLAIN_MAX;
}

// How much of it goes into one word: whole characters (RFC 2047 section 5).
static size_t word_size(struct slice value)
{
    size_t size = MINIMUM(value.size, WORD_MAX);
    while (size > 1 && size < value.size && ((unsigned char)value.data[size] & 0xC0) == 0x80)
        size--;
    return size;
}

static void append_words(struct text *text, struct slice value, bool is_phrase)
{
    char buffer[VALUE_MAX + 8], word[4 * ((WORD_MAX + 2) / 3) + 1];
    struct text harmless = text_in(buffer, sizeof(buffer));
    printable_append(&harmless, slice_trim(value), VALUE_MAX, false);
    struct slice rest = text_slice(&harmless);
    if (!needs_encoding(rest, is_phrase)) {
        text_append(text, rest);
        return;
    }
    while (rest.size > 0) {
        size_t size = word_size(rest);
        (void)EVP_EncodeBlock((unsigned char *)word, (const unsigned char *)rest.data, (int)size);
        text_format(text, "=?utf-8?B?%s?=", word);
        rest = slice_of(rest.data + size, rest.size - size);
        if (rest.size > 0)
            text_append(text, SLICE("\r\n "));
    }
}

static void append_escape(struct text *text, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escape[] = {'=', digits[byte >> 4], digits[byte & 15]};
    text_append(text, slice_of(escape, sizeof(escape)));
}

// A blank at the end of a line would be lost, a dot alone ends a mail for careless programs, and
// "From " begins one for others.
static bool is_escaped(unsigned char byte, bool is_first, bool is_last)
{
    return byte == '=' || byte > 0x7e || (byte < ' ' && byte != '\t')
        || (is_last && (byte == ' ' || byte == '\t')) || (is_first && (byte == '.' || byte == 'F'));
}

static void append_quoted_line(struct text *text, struct slice line)
{
    size_t column = 0;
    for (size_t i = 0; i < line.size; i++) {
        unsigned char byte = (unsigned char)line.data[i];
        bool is_last = i + 1 == line.size;
        if (column + (is_escaped(byte, column == 0, is_last) ? 3 : 1) > ENCODED_LINE_MAX - 1) {
            text_append(text, SLICE("=\r\n"));
            column = 0;
        }
        if (is_escaped(byte, column == 0, is_last)) {
            append_escape(text, byte);
            column += 3;
        } else {
            text_append_byte(text, (char)byte);
            column++;
        }
    }
    text_append(text, SLICE("\r\n"));
}

static void append_quoted_printable(struct text *text, struct slice value)
{
    while (value.data != NULL && value.size > 0) {
        struct slice line = slice_cut(&value, '\n');
        if (slice_ends_with(line, SLICE("\r")))
            line.size--;
        append_quoted_line(text, line);
    }
}

// --- The head ---

// RFC 5322 section 3.3
static void append_date(struct text *text, int64_t at_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
        "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL)
        return;
    text_format(text, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
        months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void append_list_fields(struct text *text, const struct mail *mail)
{
    if (mail->list.size > 0)
        text_format(text, "List-Id: <%.*s>\r\n", SLICE_ARGS(mail->list));
    if (mail->unsubscribe.size > 0)
        text_format(text, "List-Unsubscribe: <%.*s>\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            SLICE_ARGS(mail->unsubscribe));
}

static void append_head(struct text *text, const struct mail *mail)
{
    text_append(text, SLICE("Date: "));
    append_date(text, mail->at_ms);
    text_append(text, SLICE("\r\nFrom: "));
    if (mail->from_name.size > 0) {
        append_words(text, mail->from_name, true);
        text_append(text, SLICE("\r\n "));
    }
    text_format(text, "<%.*s>\r\nTo: <%.*s>\r\nSubject: ", SLICE_ARGS(mail->from),
        SLICE_ARGS(mail->to));
    append_words(text, mail->subject, false);
    struct slice domain = mail_address_domain(mail->from);
    text_format(text, "\r\nMessage-ID: <%.*s@%.*s>\r\n", SLICE_ARGS(mail->id),
        SLICE_ARGS(domain));
    append_list_fields(text, mail);
    // RFC 3834 section 5; the other two are for those who came before it.
    text_append(text, SLICE("Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n"
        "X-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n"));
}

// --- The whole ---

static void append_part(struct text *text, const struct mail *mail, const char *type,
    struct slice content)
{
    text_format(text, "--=_%.*s\r\nContent-Type: text/%s; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n", SLICE_ARGS(mail->id), type);
    append_quoted_printable(text, content);
    text_append(text, SLICE("\r\n"));
}

static bool is_whole(const struct mail *mail)
{
    return mail_address_is_valid(mail->from) && mail_address_is_valid(mail->to)
        && is_id(mail->id) && (mail->list.size == 0 || is_plain(mail->list, 255))
        && (mail->unsubscribe.size == 0
            || is_plain(mail->unsubscribe, FIELD_LINE_MAX - strlen("List-Unsubscribe: <>")));
}

// Each byte may become three, and each line three more.
static size_t room_for(struct slice content)
{
    return 3 * content.size + content.size / 4 + 512;
}

enum error mail_write(const struct mail *mail, char **ret_bytes, size_t *ret_size)
{
    if (!is_whole(mail))
        return ERROR_INVALID;
    size_t capacity = HEAD_MAX + room_for(mail->text) + room_for(mail->html);
    char *bytes = memory_alloc(capacity);
    if (bytes == NULL)
        return ERROR_MEMORY;
    struct text text = text_in(bytes, capacity);
    append_head(&text, mail);
    // "=_" is in no encoded text, so the boundary is not either (RFC 2045 section 6.7).
    text_format(&text, "Content-Type: multipart/alternative;\r\n boundary=\"=_%.*s\"\r\n\r\n",
        SLICE_ARGS(mail->id));
    append_part(&text, mail, "plain", mail->text);
    append_part(&text, mail, "html", mail->html);
    text_format(&text, "--=_%.*s--\r\n", SLICE_ARGS(mail->id));
    if (text.full) {
        memory_free(bytes);
        return ERROR_LIMIT;
    }
    *ret_bytes = bytes;
    *ret_size = text.size;
    return ERROR_NONE;
}
