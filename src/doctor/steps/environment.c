// What this machine itself was told about the way to the site: proxy variables, the hosts file.
#include "doctor/check.h"
#include "doctor/hosts.h"
#include "doctor/proxy_variable.h"

static void look_for_proxy(struct check *check, struct facts *facts)
{
    const struct check_options *options = check_options_of(check);
    struct slice variable, proxy;
    if (options->environment == NULL
        || !proxy_variable_find(options->environment, &facts->target, &variable, &proxy))
        return;
    proxy = proxy_variable_without_secrets(proxy, check_arena(check, STEP_ENVIRONMENT));
    if (proxy.data == NULL)
        return;
    facts->environment.proxy_variable = variable;
    facts->environment.proxy = proxy;
}

static void look_for_host(struct check *check, struct facts *facts)
{
    const struct check_options *options = check_options_of(check);
    const struct target *target = &facts->target;
    struct slice line;
    struct address address;
    const char *path = options->hosts_file != NULL ? options->hosts_file : "/etc/hosts";
    if (target->is_literal
        || hosts_find(path, target->host, target->port, options->family,
            check_arena(check, STEP_ENVIRONMENT), &line, &address) != ERROR_NONE)
        return;
    facts->environment.hosts_line = line;
    facts->environment.hosts_address = address;
}

void step_environment(struct check *check, struct facts *facts)
{
    look_for_proxy(check, facts);
    look_for_host(check, facts);
}
