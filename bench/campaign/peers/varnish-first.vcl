# As the tutorial has it (varnish-cache.org/docs/trunk/tutorial): a backend, and the built-in rules. Storage is the package's 256 MB.
vcl 4.1;
@many@ import directors; # the chapter on directors
backend origin@number@ { .host = "@origin_host@"; .port = "@origin_port@"; }
@many@ sub vcl_init {
@many@   new site = directors.round_robin();
@many@   site.add_backend(origin@number@); # @origin@
@many@ }
@many@ sub vcl_recv { set req.backend_hint = site.backend(); }
