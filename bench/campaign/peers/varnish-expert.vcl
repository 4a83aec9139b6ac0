# Varnish for a site that is to stay up.
vcl 4.1;
import std;
import xkey; # from varnish-modules: a purge that is soft
@many@ import directors;
@many@ probe health {
@many@   .url = "/health"; # the page that the site has for it
@many@   .interval = 500ms; .timeout = 500ms; # the defaults (5 s, 2 s) notice a death after 15 s
@many@   .window = 4; .threshold = 2; # out after three misses, back after two hits
@many@   .initial = 4; # healthy until proven otherwise: the default starts sick, and answers 503 until the first probe
@many@ }
# 2 s to connect (default 3.5 s). First byte: one backend is worth waiting for, with several the next is asked.
@one@ backend origin@number@ { .host = "@origin_host@"; .port = "@origin_port@"; .connect_timeout = 2s; .first_byte_timeout = 30s; .between_bytes_timeout = 5s; }
@many@ backend origin@number@ { .host = "@origin_host@"; .port = "@origin_port@"; .connect_timeout = 2s; .first_byte_timeout = 3s; .between_bytes_timeout = 3s; .probe = health; }
# The same without a probe, for when the probe says that all are sick: then it is the probe that is wrong, or nothing is lost.
@many@ backend open@number@ { .host = "@origin_host@"; .port = "@origin_port@"; .connect_timeout = 2s; .first_byte_timeout = 3s; .between_bytes_timeout = 3s; }
# With one backend there is no probe: a sick sole backend would not even be asked.
sub vcl_init {
@many@   new site = directors.round_robin();
@many@   new unprobed = directors.round_robin();
@many@   site.add_backend(origin@number@); unprobed.add_backend(open@number@);
}
sub vcl_recv {
@many@   set req.backend_hint = site.backend();
@many@   if (!std.healthy(site.backend())) { set req.backend_hint = unprobed.backend(); }
  if (req.method == "PURGE") { # from the campaign alone; elsewhere with an ACL
    set req.http.purged = xkey.softpurge("site"); # what is purged can still be sent when the origin fails
    return (synth(200));
  }
  if (req.method == "POST") {
    std.cache_req_body(256KB); # so that it can be sent again when a kept connection was just closing
  }
}
sub vcl_backend_fetch {
@many@   if (bereq.retries > 0) { set bereq.backend = site.backend(); } # the next in turn
@many@   if (bereq.retries > 0 && !std.healthy(site.backend())) { set bereq.backend = unprobed.backend(); } # as above
}
sub vcl_backend_response {
  if (beresp.status >= 500) {
    if (bereq.is_bgfetch) { return (abandon); } # an error never replaces a copy
@many@     if (bereq.retries < 2 && (bereq.method == "GET" || bereq.method == "HEAD")) { return (retry); } # another backend
    set beresp.ttl = 1s; # shared by all who wait for it, and no longer
    set beresp.grace = 0s; # an error is not sent twice
    return (deliver);
  }
  set beresp.grace = 30d; # a copy that expired is sent at once and fetched anew behind, for as long as we have it
  set beresp.keep = 0s; # grace covers it
  set beresp.http.xkey = "site"; # one tag for all, to purge by
  if (std.integer(beresp.http.Content-Length, 0) < 4194304) {
    set beresp.do_stream = false; # fetched whole before it is sent, so that a cut body is retried and not passed on
  }
}
sub vcl_backend_error {
  if (bereq.is_bgfetch) { return (abandon); } # as above
  if (bereq.retries < 3 && (bereq.method == "GET" || bereq.method == "HEAD")) { return (retry); } # a cut body, a closed connection
}
sub vcl_deliver { unset resp.http.xkey; } # nobody's business
