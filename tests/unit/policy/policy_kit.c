// SPDX-License-Identifier: Apache-2.0
#include "policy_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void kit_write(struct policy_kit *kit, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", kit->folder, name);
    for (char *slash = strchr(path + strlen(kit->folder) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

void kit_init(struct policy_kit *kit)
{
    *kit = (struct policy_kit){.folder = "/tmp/wavegate-policy-XXXXXX"};
    assert_non_null(mkdtemp(kit->folder));
    snprintf(kit->policy, sizeof kit->policy, "%s/main.lua", kit->folder);
    fake_clock_init(&kit->clock);
    kit->policy_path[0] = "policies";
    kit->policy_path[1] = "lua";
    kit->instance.server_name = "chat.example.test";
    kit->instance.policy = kit->policy;
    kit->instance.federation.default_mode = WG_MODE_INVITE_ONLY;
    kit->instance.federation.max_backfill_events_per_request = 100;
    kit->config.folder = kit->folder;
    kit->config.policy_path = kit->policy_path;
    kit->config.instances = &kit->instance;
    kit->config.instance_count = 1;
    kit->config.budget =
        (struct wg_config_budget){.instructions = 1000000,
                                  .running_ms = 2000, /* sanitizers are slow, machines busy */
                                  .waiting_ms = 1000,
                                  .memory_bytes = 64 * 1024 * 1024};
    wg_arena_init(&kit->arena);
    kit->question = (struct wg_question){.direction = WG_INBOUND,
                                         .server = WG_STR("chat.example.test"),
                                         .now_s = 1000000000,
                                         .remote_address = WG_STR("192.0.2.7"),
                                         .is_authenticated = true};
    kit->question.peer.name = WG_STR("peer.example.test");
    kit->question.peer.key_id = WG_STR("abcdefgh");
    kit->question.peer.known_for_s = 3600;
    kit->question.peer.last_seen_s = -1;
    kit->question.peer.key_age_s = -1;
    kit->question.peer.events_24h = -1;
    kit->question.peer.failures_24h = 7;
    kit->question.room.id = WG_STR("room-1");
    kit->question.room.foreign_participants = 3;
    kit_event(kit, "swp.room.message", "{\"msgtype\":\"swp.text\",\"body\":\"hi\"}");
}

void kit_open_loop(struct policy_kit *kit)
{
    assert_int_equal(wg_loop_new(&kit->clock.clock, &kit->loop, &kit->err), WG_OK);
}

void kit_event(struct policy_kit *kit, const char *type, const char *content)
{
    char *text = wg_arena_format(
        &kit->arena,
        "{\"id\":\"0190f2b8-3c1e-7b2a-9d57-0c4c2b8d9e11\",\"type\":\"%s\",\"room_id\":\"room-"
        "1\","
        "\"sender_id\":\"@alice:peer.example.test\",\"origin\":\"peer.example.test\","
        "\"origin_ts\":1778939467,\"content\":%s,\"signatures\":{}}",
        type, content);

    wg_event_done(&kit->event);
    if (wg_event_parse(wg_str(text), &kit->event, &kit->err) != WG_OK)
        fail_msg("%s", kit->err.text);
    kit->question.event = &kit->event;
}

enum wg_code kit_load(struct policy_kit *kit, const char *text)
{
    enum wg_code code;

    kit_write(kit, "main.lua", text);
    code = wg_policy_engine_new(&kit->config, &kit->clock.clock, &kit->engine, &kit->err);
    if (code == WG_OK)
        kit->worker = wg_policy_worker_new(kit->engine, kit->loop);
    return code;
}

void kit_open(struct policy_kit *kit, const char *text)
{
    if (kit_load(kit, text) != WG_OK)
        fail_msg("%s", kit->err.text);
}

static void on_decided(void *owner)
{
    ((struct policy_kit *)owner)->is_decided = true;
}

void kit_ask(struct policy_kit *kit, enum wg_hook hook)
{
    struct wg_policy_generation *generation = wg_policy_pin(kit->worker, 0);

    kit->question.hook = hook;
    assert_null(wg_policy_ask(generation, &kit->question, &kit->arena, &kit->decision,
                              on_decided, kit));
    wg_policy_unpin(generation);
}

void kit_ask_waiting(struct policy_kit *kit, enum wg_hook hook)
{
    struct wg_policy_generation *generation = wg_policy_pin(kit->worker, 0);

    kit->question.hook = hook;
    kit->is_decided = false;
    if (wg_policy_ask(generation, &kit->question, &kit->arena, &kit->decision, on_decided, kit))
        for (int i = 0; i < 100000 && !kit->is_decided; i++) {
            wg_loop_turn(kit->loop);
            usleep(100);
        }
    else
        kit->is_decided = true;
    assert_true(kit->is_decided);
    wg_policy_unpin(generation);
}

void kit_reload(struct policy_kit *kit, const char *text)
{
    kit_write(kit, "main.lua", text);
    wg_policy_reload(kit->engine, "request");
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void stop_loop(void *owner)
{
    struct policy_kit *kit = owner;

    if (kit->loop)
        wg_loop_stop(kit->loop);
}

void kit_done(struct policy_kit *kit)
{
    wg_event_done(&kit->event);
    wg_arena_done(&kit->arena);
    if (kit->worker)
        wg_policy_worker_close(kit->worker, stop_loop, kit);
    if (kit->engine)
        wg_policy_unwatch(kit->engine);
    if (kit->loop) {
        if (!kit->worker)
            wg_loop_stop(kit->loop);
        wg_loop_run(kit->loop);
        wg_loop_free(kit->loop);
    }
    wg_policy_engine_free(kit->engine);
    nftw(kit->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
