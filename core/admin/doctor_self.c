// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"
#include "federation/key_keeper.h"

/* The gateway itself: what it holds. A row is about all instances. */

enum { DAY_S = 86400, RENEW_SOON_S = 14 * DAY_S, KEY_AGE_MAX_S = 365 * DAY_S };

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- policies and lists ---- */

void doctor_self_policies(struct doctor *doctor)
{
    const struct wg_gateway *gateway = doctor->request->gateway;

    for (size_t i = 0; i < gateway->instance_count; i++) {
        const char *why = wg_policy_last_failure(gateway->policy, i);

        if (!why)
            continue;
        doctor_see(doctor,
                   "the last load for %.*s failed, the generation before it decides: %s",
                   WG_STR_F(gateway->instances[i].server_name), why);
        doctor_advise(doctor, "mend that file: it is read again as soon as it is saved; "
                              "`wavegate check` tries it first");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "those on disk decide, for %zu instance%s", gateway->instance_count,
               plural(gateway->instance_count));
    doctor_end(doctor, DOCTOR_OK);
}

struct lists {
    struct doctor *doctor;
    struct doctor_findings failing;
    size_t count;
};

static void on_list(void *owner, const struct wg_policy_list *list)
{
    struct lists *lists = owner;

    lists->count++;
    if (!list->is_failing)
        return;
    if (list->age_s < 0)
        doctor_find(&lists->failing, "%s: never fetched, so it is empty", list->where);
    else
        doctor_find(&lists->failing, "%s: the copy of %s ago is in force", list->where,
                    doctor_span(lists->doctor, list->age_s));
}

void doctor_self_lists(struct doctor *doctor)
{
    struct lists lists = {.doctor = doctor};

    wg_policy_each_list(doctor->request->gateway->policy, on_list, &lists);
    if (lists.failing.count) {
        doctor_see(doctor, "the last fetch failed of %s",
                   doctor_findings_text(doctor, &lists.failing));
        doctor_advise(doctor, "the log has the reason (policy.list_failed); fetch it by hand "
                              "from this machine with `curl`");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    doctor_see(doctor, "%zu in use, none fails to be fetched", lists.count);
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- certificates ---- */

static void judge_certificate(struct doctor *doctor, size_t index, struct doctor_findings *bad,
                              struct doctor_findings *soon)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    const char *name = gateway->config->instances[index].server_name;
    struct wg_certificate_state state;
    int64_t left_s;

    wg_certificates_read(gateway->certificates, index, &state);
    left_s = state.facts.until_s - wg_clock_wall_s(gateway->clock);
    if (left_s <= 0)
        doctor_find(bad, "%s: expired %s ago", name, doctor_span(doctor, -left_s));
    else if (!state.facts.is_for_name)
        doctor_find(bad, "%s: it is for %s", name, state.facts.names);
    else if (state.problem[0])
        doctor_find(bad, "%s: what is on the disk is not in use: %s", name, state.problem);
    else if (state.distrust[0])
        doctor_find(bad, "%s: %s", name, state.distrust);
    else if (left_s < RENEW_SOON_S)
        doctor_find(soon, "%s: ends in %s", name, doctor_span(doctor, left_s));
}

void doctor_self_certificates(struct doctor *doctor)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    struct doctor_findings bad = {0}, soon = {0};
    int64_t first_s = INT64_MAX;

    for (size_t i = 0; i < gateway->instance_count; i++) {
        int64_t until_s = atomic_load(&gateway->certificate_until_s[i]);

        judge_certificate(doctor, i, &bad, &soon);
        first_s = until_s < first_s ? until_s : first_s;
    }
    doctor_detail(doctor, "until", json_integer((json_int_t)first_s));
    if (bad.count) {
        doctor_see(doctor, "%s", doctor_findings_text(doctor, &bad));
        doctor_advise(doctor, "put a certificate for that name with its whole chain "
                              "(fullchain.pem), and its key, in the place of the files: they "
                              "are taken without a restart. One of a private CA is good when "
                              "peers trust that CA: add it to peers.trust_anchors here, too");
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (soon.count) {
        doctor_see(doctor, "%s", doctor_findings_text(doctor, &soon));
        doctor_advise(doctor, "renew now: the new files are taken without a restart");
    } else {
        doctor_see(doctor, "%zu: name, chain and key fit; the first ends in %s (%s)",
                   gateway->instance_count,
                   doctor_span(doctor, first_s - wg_clock_wall_s(gateway->clock)),
                   doctor_day(doctor, first_s));
    }
    doctor_end(doctor, DOCTOR_OK);
}

/* ---- keys ---- */

struct keys {
    struct doctor_findings bad, old, running;
    int64_t oldest_s;
};

static void judge_keys(struct doctor *doctor, size_t index, struct keys *found)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    const char *name = gateway->config->instances[index].server_name;
    int64_t now_s = wg_clock_wall_s(gateway->clock), age_s;
    const struct wg_own_key *next, *file;
    struct wg_own_keys keys;

    wg_identity_keys(gateway->instances[index].identity, &keys);
    age_s = now_s - wg_own_keys_signer(&keys, now_s)->from_s;
    next = wg_own_keys_next(&keys, now_s);
    file = wg_own_keys_find(&keys, wg_str(keys.file.kid));
    found->oldest_s = age_s > found->oldest_s ? age_s : found->oldest_s;
    if (!wg_key_keeper_is_stored(gateway->key_keeper, index))
        doctor_find(&found->bad, "%s: its keyring cannot be written", name);
    if (next)
        doctor_find(&found->running, "%s: %s signs in %s", name, next->key.kid,
                    doctor_span(doctor, next->from_s - now_s));
    else if (age_s > KEY_AGE_MAX_S)
        doctor_find(&found->old, "%s: %s has signed for %s", name,
                    wg_own_keys_signer(&keys, now_s)->key.kid, doctor_span(doctor, age_s));
    if (file)
        doctor_detail(doctor, name, json_string(wg_own_keys_signer(&keys, now_s)->key.kid));
    wg_own_keys_done(&keys);
}

void doctor_self_keys(struct doctor *doctor)
{
    const struct wg_gateway *gateway = doctor->request->gateway;
    struct keys found = {.oldest_s = 0};

    for (size_t i = 0; i < gateway->instance_count; i++)
        judge_keys(doctor, i, &found);
    if (found.bad.count) {
        doctor_see(doctor, "%s", doctor_findings_text(doctor, &found.bad));
        doctor_advise(doctor,
                      "let the user that runs wavegate write to %s/keys; the log says "
                      "what fails (federation.key.not_stored)",
                      gateway->config->data);
        doctor_end(doctor, DOCTOR_FAILED);
        return;
    }
    if (found.old.count) {
        doctor_see(doctor, "%s", doctor_findings_text(doctor, &found.old));
        doctor_advise(doctor, "keys are rotated yearly: `wavegate key rotate --server NAME`");
    } else if (found.running.count) {
        doctor_see(doctor, "a rotation runs: %s", doctor_findings_text(doctor, &found.running));
    } else {
        doctor_see(doctor, "the oldest that signs has done so for %s",
                   doctor_span(doctor, found.oldest_s));
    }
    doctor_end(doctor, DOCTOR_OK);
}
