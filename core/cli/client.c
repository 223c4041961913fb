// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/config_argument.h"
#include "config/config.h"
#include "http/client.h"
#include "wire/json.h"
#include "wire/name.h"

enum {
    FILE_LIMIT_BYTES = 4096,
    ANSWER_LIMIT_BYTES = 64 * 1024 * 1024,
    TIMEOUT_MS = 120 * 1000
};

struct cli_client {
    struct wg_config *config;
    struct wg_loop *loop;
    struct wg_dialer *dialer;
    struct wg_http_client *http;
    struct wg_buf address, authorization;
    json_t *answer;
    bool is_done;
};

static bool read_line(struct cli_client *client, const char *name, struct wg_buf *out)
{
    struct wg_buf path;
    struct wg_err err;
    enum wg_code code;

    wg_buf_init(&path, FILE_LIMIT_BYTES);
    wg_buf_addf(&path, "%s/%s", client->config->data, name);
    code = wg_file_read(path.at, out, &err);
    wg_buf_done(&path);
    while (out->len && (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == ' '))
        out->len--;
    if (code == WG_OK && out->len)
        return true;
    fprintf(
        stderr,
        "wavegate: no gateway has run on this data folder (%s); start one with `wavegate serve "
        "--config %s`\n",
        code == WG_OK ? "the address is empty" : err.text, client->config->file);
    return false;
}

/* The gateway writes an address a line; the first serves. */
static bool find_gateway(struct cli_client *client)
{
    struct wg_buf token;
    bool is_good;

    wg_buf_init(&client->address, FILE_LIMIT_BYTES);
    wg_buf_init(&client->authorization, FILE_LIMIT_BYTES);
    wg_buf_init(&token, FILE_LIMIT_BYTES);
    is_good = read_line(client, "admin.address", &client->address) &&
              read_line(client, "admin.token", &token);
    if (is_good) {
        client->address.len = wg_str_find(wg_buf_str(&client->address), '\n');
        wg_buf_addf(&client->authorization, "Bearer %.*s", WG_STR_F(wg_buf_str(&token)));
    }
    if (token.at)
        sodium_memzero(token.at, token.capacity);
    wg_buf_done(&token);
    return is_good;
}

struct cli_client *cli_client_open(const char *config_file)
{
    struct cli_client *client = wg_new(struct cli_client);
    struct wg_dialer_options options = {.tls = NULL};
    struct wg_err err;

    if (wg_config_load(config_file, &client->config, cli_print_problem, NULL, &err) != WG_OK ||
        !find_gateway(client))
        return cli_client_close(client);
    if (wg_loop_new(wg_clock_system(), &client->loop, &err) != WG_OK) {
        fprintf(stderr, "wavegate: %s\n", err.text);
        return cli_client_close(client);
    }
    client->dialer = wg_dialer_new(client->loop, &options);
    client->http = wg_http_client_new(client->loop, client->dialer, NULL);
    return client;
}

static void on_closed(void *owner)
{
    struct cli_client *client = owner;

    client->dialer = wg_dialer_free(client->dialer);
    wg_loop_stop(client->loop);
}

struct cli_client *cli_client_close(struct cli_client *client)
{
    if (client->http) {
        wg_http_client_close(client->http, on_closed, client);
        wg_loop_run(client->loop);
    }
    wg_loop_free(client->loop);
    if (client->authorization.at)
        sodium_memzero(client->authorization.at, client->authorization.capacity);
    wg_buf_done(&client->authorization);
    wg_buf_done(&client->address);
    wg_config_free(client->config);
    wg_free(client);
    return NULL;
}

static void print_refusal(const struct wg_http_response *response, const json_t *json)
{
    const json_t *error = json_object_get(json, "error");

    if (error)
        fprintf(stderr, "wavegate: %s: %s\n", cli_text(error, "code"),
                cli_text(error, "message"));
    else
        fprintf(stderr, "wavegate: the gateway answered %d\n", response->status);
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct cli_client *client = owner;
    json_t *json;

    client->is_done = true;
    if (!response) {
        fprintf(stderr, "wavegate: no gateway answers at %.*s: %s; is it running?\n",
                WG_STR_F(wg_buf_str(&client->address)), err->text);
        return;
    }
    /* Integers stay integers: these are for people and programs, not to be signed. */
    json = json_loadb(response->body.at ? response->body.at : "", response->body.len,
                      JSON_DECODE_ANY, NULL);
    if (response->status >= 200 && response->status < 300) {
        client->answer = json ? json : json_object();
        return;
    }
    print_refusal(response, json);
    json_decref(json);
}

json_t *cli_client_ask(struct cli_client *client, const char *method, const char *target,
                       json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct wg_header headers[] = {
        {WG_STR("host"), wg_buf_str(&client->address)},
        {WG_STR("authorization"), wg_buf_str(&client->authorization)},
        {WG_STR("content-type"), WG_STR("application/json")},
    };
    struct wg_http_request request = {
        .origin = {.is_trusted = true},
        .method = wg_str(method),
        .target = wg_str(target),
        .headers = headers,
        .header_count = WG_COUNT(headers),
        .body = wg_str(text),
        .answer_limit_bytes = ANSWER_LIMIT_BYTES,
        .timeout_ms = TIMEOUT_MS,
    };

    wg_server_name_split(wg_buf_str(&client->address), 80, &request.origin.host,
                         &request.origin.port);
    client->answer = NULL;
    client->is_done = false;
    (void)wg_http_fetch(client->http, &request, on_answer, client);
    while (!client->is_done)
        wg_loop_wait(client->loop);
    free(text);
    json_decref(body);
    return client->answer;
}

void cli_query_add(struct wg_buf *target, const char *name, const char *value)
{
    static const char kept[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    if (!value)
        return;
    wg_buf_addf(target, "%s%s=", target->at[target->len - 1] == '?' ? "" : "&", name);
    for (; *value; value++) {
        if (strchr(kept, *value))
            wg_buf_addc(target, *value);
        else
            wg_buf_addf(target, "%%%02X", (unsigned char)*value);
    }
}

const char *cli_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}
