// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/config_argument.h"
#include "config/config.h"
#include "http/client.h"
#include "wire/json.h"
#include "wire/name.h"

enum {
    ANSWER_LIMIT_BYTES = 64 * 1024 * 1024,
    TIMEOUT_MS = 10 * 60 * 1000, /* a backfill takes its time */
    FILE_LIMIT_BYTES = 1024,
    PATH_LIMIT = 4096,
};

struct cli_client {
    const char *verb, *server;
    char address[256]; /* "127.0.0.1:8490" */
    char authorization[256];
    int64_t timeout_ms;
    bool is_silent;
    char complaint[512]; /* the last one */
    json_t *answer;      /* of the request under way */
};

static void complain(struct cli_client *client, const char *format, ...) WG_PRINTF(2, 3);
static void complain(struct cli_client *client, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->complaint, sizeof client->complaint, format, arguments);
    va_end(arguments);
    if (!client->is_silent)
        fprintf(stderr, "wavegate %s: %s\n", client->verb, client->complaint);
}

static enum wg_code read_file(const struct wg_config *config, const char *name, char *to,
                              size_t size, struct wg_err *err)
{
    char path[PATH_LIMIT];
    struct wg_buf text;
    struct wg_str line;
    enum wg_code code;

    snprintf(path, sizeof path, "%s/%s", config->data, name);
    wg_buf_init(&text, FILE_LIMIT_BYTES);
    code = wg_file_read(path, &text, err);
    if (code == WG_OK) {
        line = wg_buf_str(&text);
        line.len = wg_str_find(line, '\n');
        snprintf(to, size, "%.*s", WG_STR_F(line));
        sodium_memzero(text.at, text.capacity);
    }
    wg_buf_done(&text);
    return code;
}

static enum wg_code find_gateway(struct cli_client *client, const struct wg_config *config,
                                 struct wg_err *err)
{
    char token[128] = "";
    struct wg_err why;

    if (read_file(config, "admin.address", client->address, sizeof client->address, &why) !=
        WG_OK)
        return wg_fail(err, WG_NOT_FOUND,
                       "no gateway runs with %s (%s): start it with `wavegate serve`, or name "
                       "another configuration with --config",
                       config->file, why.text);
    if (!client->address[0])
        return wg_fail(err, WG_CONFIG, "%s: admin.listen is empty: that door is closed",
                       config->file);
    if (read_file(config, "admin.token", token, sizeof token, &why) != WG_OK)
        return wg_fail(err, WG_NOT_PERMITTED,
                       "%s: run this as the user the gateway runs as, or as root", why.text);
    snprintf(client->authorization, sizeof client->authorization, "Bearer %s", token);
    sodium_memzero(token, sizeof token);
    return WG_OK;
}

static struct cli_client *open_client(struct cli_client *client, const char *file,
                                      struct wg_err *err)
{
    struct wg_config *config = NULL;

    if (wg_config_load(file, &config, NULL, NULL, err) == WG_OK &&
        find_gateway(client, config, err) == WG_OK) {
        wg_config_free(config);
        return client;
    }
    wg_config_free(config);
    complain(client, "%s", err->text);
    return cli_client_close(client);
}

struct cli_client *cli_client_open(const struct cli_arguments *arguments)
{
    struct cli_client *client = wg_new(struct cli_client);
    struct wg_err err;

    client->verb = arguments->verb->name;
    client->server = cli_argument(arguments, "--server");
    client->timeout_ms = TIMEOUT_MS;
    return open_client(client, cli_config_argument(arguments), &err);
}

struct cli_client *cli_client_open_silent(const char *file, int64_t timeout_ms,
                                          struct wg_err *err)
{
    struct cli_client *client = wg_new(struct cli_client);

    client->timeout_ms = timeout_ms;
    client->is_silent = true;
    return open_client(client, file ? file : cli_config_file(), err);
}

struct cli_client *cli_client_close(struct cli_client *client)
{
    sodium_memzero(client->authorization, sizeof client->authorization);
    wg_free(client);
    return NULL;
}

const char *cli_client_complaint(const struct cli_client *client)
{
    return client->complaint;
}

const char *cli_client_address(const struct cli_client *client)
{
    return client->address;
}

/* What the gateway says of a refusal is the whole message; a list of answers is none of ours.
 */
static void read_answer(struct cli_client *client, const struct wg_http_response *response)
{
    json_t *json = NULL;
    json_t *error;

    /* Not the strict reader, whose numbers are all doubles: what was a whole number is shown as
     * one. */
    json = json_loadb(response->body.at ? response->body.at : "", response->body.len,
                      JSON_DECODE_ANY, NULL);
    if (response->status >= 200 && response->status < 300 && json) {
        client->answer = json;
        return;
    }
    error = json_object_get(json, "error");
    if (json_is_object(error))
        complain(client, "%s (%s)", cli_text(error, "message"), cli_text(error, "code"));
    else
        complain(client, "the gateway answered %d", response->status);
    json_decref(json);
}

struct asking {
    struct cli_client *client;
    struct wg_loop *loop;
    struct wg_http_client *http;
};

static void on_closed(void *owner)
{
    struct asking *asking = owner;

    wg_loop_stop(asking->loop);
}

static void on_answer(void *owner, const struct wg_http_response *response,
                      const struct wg_err *err)
{
    struct asking *asking = owner;

    if (response)
        read_answer(asking->client, response);
    else
        complain(asking->client, "the gateway at %s does not answer (%s): has it stopped?",
                 asking->client->address, err->text);
    wg_http_client_close(asking->http, on_closed, asking);
}

static void begin(struct asking *asking, const char *method, const char *target,
                  struct wg_str body)
{
    struct cli_client *client = asking->client;
    struct wg_header headers[] = {
        {WG_STR("host"), wg_str(client->address)},
        {WG_STR("authorization"), wg_str(client->authorization)},
        {WG_STR("content-type"), WG_STR("application/json")},
    };
    struct wg_http_request request = {
        .origin = {.is_trusted = true},
        .method = wg_str(method),
        .target = wg_str(target),
        .headers = headers,
        .header_count = body.len ? 3 : 2,
        .body = body,
        .answer_limit_bytes = ANSWER_LIMIT_BYTES,
        .timeout_ms = client->timeout_ms,
    };

    wg_server_name_split(wg_str(client->address), 80, &request.origin.host,
                         &request.origin.port);
    (void)wg_http_fetch(asking->http, &request, on_answer, asking);
}

/* A loop for each request: nothing else is to be waited for. */
static enum wg_code ask(struct cli_client *client, const char *method, const char *target,
                        struct wg_str body, struct wg_err *err)
{
    struct asking asking = {.client = client};
    struct wg_dialer_options options = {0};
    struct wg_http_client_options pool = {0};
    struct wg_dialer *dialer;

    if (wg_loop_new(wg_clock_system(), &asking.loop, err) != WG_OK)
        return err->code;
    dialer = wg_dialer_new(asking.loop, &options);
    asking.http = wg_http_client_new(asking.loop, dialer, &pool);
    begin(&asking, method, target, body);
    wg_loop_run(asking.loop);
    wg_dialer_free(dialer);
    wg_loop_free(asking.loop);
    return WG_OK;
}

json_t *cli_client_ask(struct cli_client *client, const char *method, const char *target,
                       const json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct wg_buf whole;
    struct wg_err err;

    wg_buf_init(&whole, FILE_LIMIT_BYTES * 16);
    wg_buf_addf(&whole, "%s", target);
    if (client->server)
        cli_add_parameter(&whole, "server_name", client->server);
    client->answer = NULL;
    if (wg_buf_status(&whole, &err) != WG_OK ||
        ask(client, method, whole.at, wg_str(text), &err) != WG_OK)
        complain(client, "%s", err.text);
    wg_buf_done(&whole);
    free(text);
    return client->answer;
}
