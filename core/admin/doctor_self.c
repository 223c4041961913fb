// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"

/* The gateway itself. */

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
               gateway->instance_count == 1 ? "" : "s");
    doctor_end(doctor, DOCTOR_OK);
}
