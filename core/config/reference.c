// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "config/config.h"
#include "config/setting_impl.h"

static const char introduction[] =
    "<!-- Made from core/config/settings.def: change it there. -->\n"
    "# Configuration\n"
    "\n"
    "One Lua file that returns one table. `wavegate check` reads it as the server would and "
    "names\n"
    "everything that is wrong, each with file and line. The smallest useful one:\n"
    "\n"
    "```lua\n"
    "return {\n"
    "  instances = {\n"
    "    [\"a.example.com\"] = {\n"
    "      upstream = \"http://127.0.0.1:9001\",\n"
    "      certificate = \"tls/a.pem\",\n"
    "      private_key = \"tls/a.key\",\n"
    "      signing_key = \"keys/a.key\",        -- wavegate keygen --out keys/a.key\n"
    "      policy = \"policies/main.lua\",\n"
    "      federation = { allowed_peers = { \"peer.example.com\" } },\n"
    "    },\n"
    "  },\n"
    "}\n"
    "```\n"
    "\n"
    "## How values are written\n"
    "\n"
    "- **Paths** are taken from the folder of the configuration file; `~` is not expanded. "
    "Files that\n"
    "  are named must exist and be readable.\n"
    "- **Durations** are numbers of seconds, or texts: `\"250ms\"`, `\"30s\"`, `\"5m\"`, "
    "`\"1h\"`, `\"7d\"`.\n"
    "- **Sizes** are numbers of bytes, or texts: `\"256KiB\"`, `\"1MiB\"` (powers of 1024), "
    "`\"64 KB\"`\n"
    "  (powers of 1000).\n"
    "- **Times** are seconds since 1970, or texts in UTC: `\"2026-01-31\"`, "
    "`\"2026-01-31T12:00:00Z\"`.\n"
    "- **Addresses** are `ip:port`, an IPv6 address in brackets: `[::1]:8443`. Port 0 in a "
    "`listen` list\n"
    "  takes a free one.\n"
    "\n"
    "## What the file may do\n"
    "\n"
    "It is a program without a way out: `string`, `table`, `math`, `utf8`, `pairs` and the "
    "like, but no\n"
    "files, processes or `require`. Ten million instructions and 64 MiB are its bounds.\n"
    "`env(\"NAME\", default)` gives an environment variable; without a default, one that is "
    "not set is an\n"
    "error.\n";

/* "64MiB", or as it would be written in Lua. */
static void write_default(const struct wg_setting *setting, struct wg_buf *out)
{
    struct wg_str rest = wg_str(setting->standard);

    switch (setting->kind) {
    case KIND_LISTEN:
    case KIND_PEERS:
    case KIND_FOLDERS:
    case KIND_CIDRS:
    case KIND_RESOLVE:
    case KIND_SPANS:
        wg_buf_addf(out, "`{");
        while (rest.at && rest.len) {
            struct wg_str item = wg_str_split(&rest, ' ');

            wg_buf_addf(out, " \"%.*s\"%s", WG_STR_F(item), rest.at ? "," : " ");
        }
        wg_buf_addf(out, "}`");
        return;
    case KIND_INTEGER:
    case KIND_TIME:
    case KIND_BOOLEAN:
        wg_buf_addf(out, "`%s`", setting->standard);
        return;
    default:
        if (rest.len)
            wg_buf_addf(out, "`\"%s\"`", setting->standard);
        else
            wg_buf_addf(out, "none");
    }
}

static void write_range(const struct wg_setting *setting, struct wg_buf *out)
{
    void (*write)(int64_t value, struct wg_buf * out) = NULL;

    if (setting->kind == KIND_DURATION)
        write = wg_duration_write;
    else if (setting->kind == KIND_SIZE)
        write = wg_size_write;
    if (write) {
        wg_buf_addf(out, ", ");
        write(setting->least, out);
        wg_buf_addf(out, " to ");
        write(setting->most, out);
    } else if (setting->kind == KIND_INTEGER || setting->kind == KIND_WORKERS) {
        wg_buf_addf(out, ", %" PRId64 " to %" PRId64, setting->least, setting->most);
    }
}

static void write_kind(const struct wg_setting *setting, struct wg_buf *out)
{
    static const char *const words[] = {
#define X(name, words) words,
        WG_SETTING_KINDS(X)
#undef X
    };
    struct wg_str rest = wg_str(setting->detail);

    wg_buf_addf(out, "%s", words[setting->kind]);
    write_range(setting, out);
    while (setting->kind == KIND_CHOICE && rest.at) {
        struct wg_str name = wg_str_split(&rest, ' ');

        wg_buf_addf(out, " `\"%.*s\"`%s", WG_STR_F(name), rest.at ? "," : "");
    }
}

static void write_settings(const struct wg_setting *settings, struct wg_buf *out)
{
    wg_buf_addf(out, "\n| setting | value | default | meaning |\n|---|---|---|---|\n");
    for (; settings->path; settings++) {
        wg_buf_addf(out, "| `%s` | ", settings->path);
        write_kind(settings, out);
        wg_buf_addf(out, " | ");
        if (settings->standard)
            write_default(settings, out);
        else
            wg_buf_addf(out, "required");
        wg_buf_addf(out, " | %s |\n", settings->help);
    }
}

void wg_config_reference(struct wg_buf *out)
{
    wg_buf_addf(out, "%s", introduction);
    wg_buf_addf(
        out, "\n## Settings\n\n`peers.resolve` is the field `resolve` of the table `peers`.\n");
    write_settings(wg_settings_top, out);
    wg_buf_addf(out, "\n## Settings of an instance\n\nEach stands in "
                     "`instances[\"server name\"]`.\n");
    write_settings(wg_settings_instance, out);
}
