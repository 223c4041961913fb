// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"

/* In the order they are made: what others rest on comes first. */
const struct doctor_check doctor_checks[] = {
    {"peer.name", "server name", DOCTOR_OF_PEER, NULL, doctor_peer_name},
    {"peer.addresses", "addresses", DOCTOR_OF_PEER, "peer.name", doctor_peer_addresses},
    {"peer.tcp", "TCP connection", DOCTOR_OF_PEER, "peer.addresses", doctor_peer_tcp},
    {"peer.tls", "TLS", DOCTOR_OF_PEER, "peer.tcp", doctor_peer_tls},

    {"self.policies", "policies", DOCTOR_OF_SELF, NULL, doctor_self_policies},
};
const size_t doctor_check_count = WG_COUNT(doctor_checks);
_Static_assert(WG_COUNT(doctor_checks) <= DOCTOR_CHECKS_MAX, "a row for each check");
