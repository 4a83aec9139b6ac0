// The link: what the kernel's messages come to, and that this machine's can be read.
#include "doctor/interfaces.h"
#include "doctor/netlink.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "step_fixture.h"

static struct check check;
static struct interfaces seen;

static int begin(void **state)
{
    (void)state;
    fixture_begin(&check, 60000);
    seen = (struct interfaces){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    fixture_end(&check);
    return 0;
}

struct message {
    struct nlmsghdr header;
    char rest[240];
};

static struct message message_of(uint16_t type, const void *fixed, size_t size)
{
    struct message message = {{(uint32_t)(NLMSG_HDRLEN + size), type, 0, 0, 0}, {0}};
    memcpy(message.rest, fixed, size);
    return message;
}

static void add(struct message *message, unsigned type, const void *bytes, size_t size)
{
    struct rtattr attribute = {(unsigned short)(sizeof(attribute) + size), (unsigned short)type};
    size_t at = NLMSG_ALIGN(message->header.nlmsg_len) - NLMSG_HDRLEN;
    assert_true(at + RTA_ALIGN(attribute.rta_len) <= sizeof(message->rest));
    memcpy(message->rest + at, &attribute, sizeof(attribute));
    memcpy(message->rest + at + sizeof(attribute), bytes, size);
    message->header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + at + attribute.rta_len);
}

static void link_is(int index, const char *name, unsigned flags)
{
    struct ifinfomsg about = {.ifi_index = index, .ifi_flags = flags};
    struct message message = message_of(RTM_NEWLINK, &about, sizeof(about));
    add(&message, IFLA_IFNAME, name, strlen(name) + 1);
    interfaces_take(&seen, &message.header);
}

#define UP (IFF_UP | IFF_RUNNING)

static size_t bytes_of(const char *text, uint8_t bytes[16])
{
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
    return 16;
}

static void address_is(unsigned index, const char *text, uint32_t flags)
{
    uint8_t bytes[16];
    size_t size = bytes_of(text, bytes);
    struct ifaddrmsg about = {.ifa_family = size == 4 ? AF_INET : AF_INET6, .ifa_index = index};
    struct message message = message_of(RTM_NEWADDR, &about, sizeof(about));
    add(&message, IFA_ADDRESS, bytes, size);
    add(&message, IFA_FLAGS, &flags, sizeof(flags));
    interfaces_take(&seen, &message.header);
}

static void route_is(unsigned index, const char *gateway, int family, unsigned char type)
{
    uint8_t bytes[16];
    struct rtmsg about = {.rtm_family = (unsigned char)family, .rtm_type = type};
    struct message message = message_of(RTM_NEWROUTE, &about, sizeof(about));
    add(&message, RTA_OIF, &index, sizeof(index));
    if (gateway != NULL)
        add(&message, RTA_GATEWAY, bytes, bytes_of(gateway, bytes));
    interfaces_take(&seen, &message.header);
}

static struct link_facts told(void)
{
    struct link_facts link;
    seen.v4.was_asked = seen.v6.was_asked = true;
    interfaces_tell(&seen, &check.arena, &link);
    return link;
}

static void assert_gateway(const struct link_facts *link, const char *text)
{
    char buffer[ADDRESS_TEXT_MAX];
    struct text written = text_in(buffer, sizeof(buffer));
    address_format_host(&written, &link->gateway);
    assert_true(slice_equal(text_slice(&written), slice_from_string(text)));
}

static void test_a_usual_machine(void **state)
{
    (void)state;
    link_is(1, "lo", UP | IFF_LOOPBACK);
    link_is(2, "eth0", UP);
    address_is(1, "127.0.0.1", 0);
    address_is(2, "192.168.7.10", 0);
    address_is(2, "fe80::1", 0);
    route_is(2, "192.168.7.1", AF_INET, RTN_UNICAST);
    struct link_facts link = told();
    assert_int_equal(link.interface, FACT_GOOD);
    assert_int_equal(link.address, FACT_GOOD);
    assert_int_equal(link.route_v4, FACT_GOOD);
    assert_int_equal(link.route_v6, FACT_UNKNOWN); // nobody would use it
    assert_true(link.has_v4 && !link.has_v6);
    assert_true(slice_equal(link.name, SLICE("eth0")));
    assert_gateway(&link, "192.168.7.1");
}

static void test_no_link(void **state)
{
    (void)state;
    link_is(1, "lo", UP | IFF_LOOPBACK);
    link_is(2, "eth0", IFF_UP); // no carrier
    link_is(3, "wlan0", IFF_RUNNING);
    address_is(1, "127.0.0.1", 0);
    address_is(2, "192.168.7.10", 0);
    struct link_facts link = told();
    assert_int_equal(link.interface, FACT_BAD);
    assert_int_equal(link.address, FACT_BAD);
    assert_int_equal(link.route_v4, FACT_UNKNOWN);
    assert_null(link.name.data);
}

static void test_addresses_that_reach_nowhere(void **state)
{
    (void)state;
    link_is(2, "eth0", UP);
    address_is(2, "169.254.7.7", 0);
    address_is(2, "fe80::7", 0);
    address_is(2, "2001:db8::7", IFA_F_TENTATIVE);
    address_is(2, "2001:db8::8", IFA_F_TENTATIVE | IFA_F_DADFAILED);
    struct link_facts link = told();
    assert_int_equal(link.interface, FACT_GOOD);
    assert_int_equal(link.address, FACT_BAD);
    assert_true(slice_equal(link.name, SLICE("eth0")));
    address_is(2, "fd00::7", 0); // unique local ones do
    assert_int_equal(told().address, FACT_GOOD);
    assert_int_equal(told().route_v6, FACT_BAD);
}

static void test_an_address_and_no_way_out(void **state)
{
    (void)state;
    link_is(2, "eth0", UP);
    address_is(2, "192.168.7.10", 0);
    address_is(2, "2001:db8::7", 0);
    route_is(1, NULL, AF_INET6, RTN_UNREACHABLE);
    struct link_facts link = told();
    assert_int_equal(link.route_v4, FACT_BAD);
    assert_int_equal(link.route_v6, FACT_BAD);
    assert_int_equal(link.gateway.any.sa_family, AF_UNSPEC);
}

static void test_several_interfaces(void **state)
{
    (void)state;
    link_is(2, "eth0", UP);
    link_is(3, "docker0", UP);
    address_is(2, "2001:db8::7", 0);
    address_is(3, "172.17.0.1", 0);
    route_is(2, "fe80::1", AF_INET6, RTN_UNICAST);
    struct link_facts link = told();
    assert_false(link.has_v4); // it leads nowhere
    assert_int_equal(link.route_v4, FACT_UNKNOWN);
    assert_int_equal(link.route_v6, FACT_GOOD);
    assert_gateway(&link, "fe80::1");
    assert_int_equal(link.gateway.v6.sin6_scope_id, 2);
    link_is(4, "wg0", UP | IFF_POINTOPOINT);
    address_is(4, "10.0.0.2", 0);
    route_is(4, NULL, AF_INET, RTN_UNICAST);
    link = told();
    assert_true(link.has_v4 && link.has_v6);
    assert_true(slice_equal(link.name, SLICE("wg0")));
    assert_int_equal(link.gateway.any.sa_family, AF_UNSPEC); // the link leads there itself
}

static void test_what_the_kernel_would_not_say(void **state)
{
    (void)state;
    struct rtmsg about = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
    struct message message = message_of(RTM_NEWROUTE, &about, sizeof(about));
    add(&message, RTA_OIF, "\2\0\0", 3); // too short
    interfaces_take(&seen, &message.header);
    assert_false(seen.v4.exists);
    for (uint32_t size = NLMSG_HDRLEN; size < message.header.nlmsg_len; size++) {
        struct message cut = message;
        cut.header.nlmsg_len = size;
        for (uint16_t type = RTM_NEWLINK; type <= RTM_NEWROUTE; type++) {
            cut.header.nlmsg_type = type;
            interfaces_take(&seen, &cut.header);
        }
    }
    memset(message.rest + sizeof(about), 0xFF, 2); // longer than the message
    assert_null(netlink_attribute(&message.header, sizeof(about), RTA_OIF).data);
    memset(message.rest + sizeof(about), 0, 2); // shorter than itself
    assert_null(netlink_attribute(&message.header, sizeof(about), RTA_OIF).data);
    for (unsigned i = 0; i < 2 * INTERFACES_ADDRESSES_MAX; i++) {
        link_is((int)i, "many", UP);
        address_is(i, "192.0.2.1", 0);
    }
    assert_int_equal(seen.count, INTERFACES_MAX);
    assert_int_equal(seen.address_count, INTERFACES_ADDRESSES_MAX);
    assert_int_equal(told().interface, FACT_GOOD);
}

// Whatever this machine has: it was looked at, and the facts do not contradict each other.
static void test_this_machine(void **state)
{
    (void)state;
    struct facts facts = {0};
    step_link(&check, &facts);
    const struct link_facts *link = &facts.link;
    assert_int_not_equal(link->interface, FACT_UNKNOWN);
    assert_int_not_equal(link->address, FACT_UNKNOWN);
    assert_int_equal(link->address == FACT_GOOD, link->has_v4 || link->has_v6);
    assert_int_equal(link->interface == FACT_GOOD, link->name.data != NULL);
    if (link->gateway.any.sa_family != AF_UNSPEC)
        assert_true(link->route_v4 == FACT_GOOD || link->route_v6 == FACT_GOOD);
}

static void test_a_check_that_is_over_is_not_held_up(void **state)
{
    (void)state;
    struct facts facts = {0};
    check.is_over = true;
    step_link(&check, &facts);
    assert_int_equal(facts.link.interface, FACT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_usual_machine, begin, end),
        cmocka_unit_test_setup_teardown(test_no_link, begin, end),
        cmocka_unit_test_setup_teardown(test_addresses_that_reach_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(test_an_address_and_no_way_out, begin, end),
        cmocka_unit_test_setup_teardown(test_several_interfaces, begin, end),
        cmocka_unit_test_setup_teardown(test_what_the_kernel_would_not_say, begin, end),
        cmocka_unit_test_setup_teardown(test_this_machine, begin, end),
        cmocka_unit_test_setup_teardown(test_a_check_that_is_over_is_not_held_up, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
