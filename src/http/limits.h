// The settings of this room: how large a message's parts may be.
#pragma once

#include "base/setting.h"
#include "http/http1.h"

// Section `http`: struct http1_limits.
extern const struct setting_section http_settings;
