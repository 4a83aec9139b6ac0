// Ticket keys rotate with the clock they are given, and old ones are forgotten.
#include "tls/tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PERIOD ((uint64_t)1000)

static struct tls_ticket_key current(struct tls_tickets *tickets, uint64_t now)
{
    struct tls_ticket_key key;
    assert_true(tls_tickets_current(tickets, now, PERIOD, &key));
    return key;
}

static bool found(struct tls_tickets *tickets, const struct tls_ticket_key *key, uint64_t now,
    bool *ret_renew)
{
    struct tls_ticket_key same;
    if (!tls_tickets_find(tickets, key->name, now, PERIOD, &same, ret_renew))
        return false;
    assert_memory_equal(same.cipher, key->cipher, sizeof(same.cipher));
    assert_memory_equal(same.mac, key->mac, sizeof(same.mac));
    return true;
}

static void test_a_key_serves_a_period_and_opens_for_another(void **state)
{
    (void)state;
    struct tls_tickets tickets;
    bool renew;
    tls_tickets_init(&tickets);
    struct tls_ticket_key first = current(&tickets, 0); // the clock may begin there
    struct tls_ticket_key same = current(&tickets, 999);
    assert_memory_equal(first.name, same.name, sizeof(first.name));
    assert_true(found(&tickets, &first, 999, &renew) && !renew);
    // Nobody made a ticket for a while: the old key is too old to seal, not to open.
    assert_true(found(&tickets, &first, 1500, &renew) && renew);
    struct tls_ticket_key second = current(&tickets, 1500);
    assert_memory_not_equal(first.name, second.name, sizeof(first.name));
    assert_memory_not_equal(first.cipher, second.cipher, sizeof(first.cipher));
    assert_true(found(&tickets, &first, 1999, &renew) && renew);
    assert_true(found(&tickets, &second, 1999, &renew) && !renew);
    assert_false(found(&tickets, &first, 2001, &renew));
    struct tls_ticket_key third = current(&tickets, 2500);
    assert_false(found(&tickets, &first, 2500, &renew));
    assert_true(found(&tickets, &second, 2500, &renew) && renew);
    assert_true(found(&tickets, &third, 2500, &renew) && !renew);
    tls_tickets_destroy(&tickets);
}

static void test_unknown_names_are_not_found(void **state)
{
    (void)state;
    struct tls_tickets tickets;
    struct tls_ticket_key none = {.name = {0}};
    bool renew;
    tls_tickets_init(&tickets);
    assert_false(found(&tickets, &none, 5, &renew)); // not even the name of no key
    struct tls_ticket_key key = current(&tickets, 10);
    key.name[15] ^= 1;
    assert_false(found(&tickets, &key, 10, &renew));
    tls_tickets_destroy(&tickets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_serves_a_period_and_opens_for_another),
        cmocka_unit_test(test_unknown_names_are_not_found),
    };
    return cmocka_run_group_tests_name("tls.tickets", tests, NULL, NULL);
}
