// Is there a link, an address, a way out? The kernel is asked as its own programs ask it: for the
// way to an address of the internet, since the default route may stand in any table (VPNs).
#include "doctor/interfaces.h"
#include "doctor/netlink.h"

// Of a root server, a.root-servers.net: nothing is sent there, but no route to it is none at all.
static const uint8_t far_v4[4] = {198, 41, 0, 4};
static const uint8_t far_v6[16] = {0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 2, [15] = 0x30};

static void take(void *context, const struct nlmsghdr *message)
{
    interfaces_take(context, message);
}

static enum error ask_list(struct netlink *netlink, uint16_t type, struct interfaces *interfaces)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg about; // addresses have a shorter one, of which only the family counts
    } question = {{sizeof(question), type, NLM_F_DUMP, 0, 0}, {.ifi_family = AF_UNSPEC}};
    return netlink_ask(netlink, &question.header, take, interfaces);
}

static void ask_route(struct netlink *netlink, int family, struct interfaces *interfaces)
{
    bool is_v4 = family == AF_INET;
    struct interface_route *route = is_v4 ? &interfaces->v4 : &interfaces->v6;
    size_t size = is_v4 ? sizeof(far_v4) : sizeof(far_v6);
    struct {
        struct nlmsghdr header;
        struct rtmsg about;
        struct rtattr attribute;
        uint8_t address[16];
    } question = {0};
    question.header.nlmsg_len = (uint32_t)(offsetof(typeof(question), address) + size);
    question.header.nlmsg_type = RTM_GETROUTE;
    question.about.rtm_family = (unsigned char)family;
    question.about.rtm_dst_len = (unsigned char)(size * 8);
    question.attribute = (struct rtattr){(unsigned short)(sizeof(question.attribute) + size),
        RTA_DST};
    memcpy(question.address, is_v4 ? far_v4 : far_v6, size);
    enum error error = netlink_ask(netlink, &question.header, take, interfaces);
    route->was_asked = error == ERROR_NONE || error == ERROR_UNREACHABLE;
}

void step_link(struct check *check, struct facts *facts)
{
    struct arena *arena = check_arena(check, STEP_LINK);
    struct netlink netlink;
    struct interfaces *interfaces = arena_zero_alloc(arena, sizeof(*interfaces));
    if (interfaces == NULL
        || netlink_open(&netlink, check, check_deadline(check, STEP_LINK)) != ERROR_NONE)
        return;
    if (ask_list(&netlink, RTM_GETLINK, interfaces) == ERROR_NONE
        && ask_list(&netlink, RTM_GETADDR, interfaces) == ERROR_NONE) {
        ask_route(&netlink, AF_INET, interfaces);
        ask_route(&netlink, AF_INET6, interfaces);
        interfaces_tell(interfaces, arena, &facts->link);
    }
    netlink_close(&netlink);
}
