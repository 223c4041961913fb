// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "cli/cli.h"
#include "cli/config_argument.h"
#include "federation/gateway.h"

/* `wavegate check`: everything that `serve` would stumble over, without opening a door. */

static enum wg_code check_certificates(const struct wg_config *config, struct wg_err *err)
{
    struct wg_tls_server *server = NULL;
    struct wg_tls_client *client = NULL;
    enum wg_code code = wg_tls_server_new(&server, err);

    for (size_t i = 0; code == WG_OK && i < config->instance_count; i++) {
        const struct wg_config_instance *instance = &config->instances[i];

        code = wg_tls_server_set(server, wg_str(instance->server_name), instance->certificate,
                                 instance->private_key, err);
        if (code != WG_OK)
            wg_while(err, "instance %s", instance->server_name);
    }
    if (code == WG_OK)
        code = wg_tls_client_new(config->trust_anchors, &client, err);
    wg_tls_server_free(server);
    wg_tls_client_free(client);
    return code;
}

int cli_check(const struct cli_arguments *arguments)
{
    struct wg_config *config = NULL;
    struct wg_gateway *gateway = NULL;
    const char *file = cli_config_argument(arguments);
    struct wg_err err;
    enum wg_code code;

    if (wg_crypto_start(&err) != WG_OK ||
        wg_config_load(file, &config, cli_print_problem, NULL, &err) != WG_OK) {
        fprintf(stderr, "wavegate check: %s is not usable; nothing was changed\n", file);
        return CLI_REFUSED;
    }
    code = wg_gateway_new(config, wg_clock_system(), &gateway, &err);
    if (code == WG_OK)
        code = check_certificates(config, &err);
    if (code == WG_OK)
        printf("%s: good: %zu instance%s, %d worker%s\n", file, config->instance_count,
               config->instance_count == 1 ? "" : "s", config->workers,
               config->workers == 1 ? "" : "s");
    else
        fprintf(stderr, "%s\n", err.text);
    wg_gateway_free(gateway);
    wg_config_free(config);
    return code == WG_OK ? CLI_GOOD : CLI_REFUSED;
}
