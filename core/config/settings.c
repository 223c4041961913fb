// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"
#include "config/config.h"
#include "config/setting_impl.h"

#define REQUIRED NULL

const struct wg_setting wg_settings_top[] = {
#define SETTING(path, kind, member, standard, least, most, detail, help)             \
    {path,   KIND_##kind, offsetof(struct wg_config, member), standard, least, most, \
     detail, help},
#define INSTANCE(...)
#include "config/settings.def"
#undef SETTING
#undef INSTANCE
    {0}};

const struct wg_setting wg_settings_instance[] = {
#define SETTING(...)
#define INSTANCE(path, kind, member, standard, least, most, detail, help)                     \
    {path,   KIND_##kind, offsetof(struct wg_config_instance, member), standard, least, most, \
     detail, help},
#include "config/settings.def"
#undef SETTING
#undef INSTANCE
    {0}};

static int64_t standard_value(const struct wg_setting *setting)
{
    int64_t value = 0;
    uint64_t whole = 0;

    if (setting->kind == KIND_DURATION)
        (void)wg_duration_parse(wg_str(setting->standard), &value);
    else if (setting->kind == KIND_SIZE)
        (void)wg_size_parse(wg_str(setting->standard), &value);
    else if (wg_str_to_uint(wg_str(setting->standard), INT64_MAX, &whole))
        value = (int64_t)whole;
    return value;
}

struct wg_config_budget wg_config_budget_standard(void)
{
    struct wg_config config = {0};

    for (const struct wg_setting *setting = wg_settings_top; setting->path; setting++)
        if (wg_str_starts(wg_str(setting->path), WG_STR("policy.")))
            *(int64_t *)(void *)((char *)&config + setting->offset) = standard_value(setting);
    return config.budget;
}

/* The component of path that follows section, or absent when path is not below it. */
static struct wg_str name_below(struct wg_str path, struct wg_str section)
{
    struct wg_str rest = path;

    if (section.len) {
        if (!wg_str_starts(path, section) || path.len == section.len ||
            path.at[section.len] != '.')
            return (struct wg_str){NULL, 0};
        rest = wg_str_of(path.at + section.len + 1, path.len - section.len - 1);
    }
    return wg_str_split(&rest, '.');
}

void wg_setting_names(const struct wg_setting *settings, struct wg_str section,
                      struct wg_str ret_names[WG_SETTING_NAMES], size_t *ret_count)
{
    size_t count = 0;

    for (; settings->path && count < WG_SETTING_NAMES; settings++) {
        struct wg_str name = name_below(wg_str(settings->path), section);

        /* The rows of a section stand together. */
        if (name.at && (count == 0 || !wg_str_equal(ret_names[count - 1], name)))
            ret_names[count++] = name;
    }
    *ret_count = count;
}

enum wg_setting_at wg_setting_find(const struct wg_setting *settings, struct wg_str path)
{
    for (; settings->path; settings++) {
        if (wg_str_is(path, settings->path))
            return AT_SETTING;
        if (name_below(wg_str(settings->path), path).at)
            return AT_SECTION;
    }
    return AT_NOTHING;
}
