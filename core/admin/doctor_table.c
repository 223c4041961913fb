// SPDX-License-Identifier: Apache-2.0
#include "admin/doctor_impl.h"

/* In the order they are made: what others rest on comes first. */
const struct doctor_check doctor_checks[] = {
    {"peer.name", "server name", DOCTOR_OF_PEER, NULL, doctor_peer_name},
    {"peer.addresses", "addresses", DOCTOR_OF_PEER, "peer.name", doctor_peer_addresses},
    {"peer.tcp", "TCP connection", DOCTOR_OF_PEER, "peer.addresses", doctor_peer_tcp},
    {"peer.tls", "TLS", DOCTOR_OF_PEER, "peer.tcp", doctor_peer_tls},
    {"peer.descriptor", "descriptor", DOCTOR_OF_PEER, "peer.tls", doctor_peer_descriptor},
    {"peer.versions", "protocol versions", DOCTOR_OF_PEER, "peer.descriptor",
     doctor_peer_versions},
    {"peer.clock", "clocks", DOCTOR_OF_PEER, "peer.descriptor", doctor_peer_clock},
    {"peer.key", "their key", DOCTOR_OF_PEER, "peer.descriptor", doctor_peer_key},
    {"peer.lately", "recent traffic", DOCTOR_OF_PEER, "peer.name", doctor_peer_lately},
    {"peer.inbound", "we admit them", DOCTOR_OF_PEER, "peer.name", doctor_peer_inbound},
    {"peer.outbound", "we may send to them", DOCTOR_OF_PEER, "peer.name", doctor_peer_outbound},
    {"peer.history", "history for them", DOCTOR_OF_PEER, "peer.name", doctor_peer_history},
    {"peer.knows_us", "they know us", DOCTOR_OF_PEER, "peer.versions", doctor_peer_knows_us},
    {"peer.send", "their /send", DOCTOR_OF_PEER, "peer.versions", doctor_peer_send},
    {"peer.sees_us", "they can see us", DOCTOR_OF_PEER, "peer.name", doctor_peer_sees_us},
    {"peer.rooms", "rooms we share", DOCTOR_OF_PEER, "peer.name", doctor_peer_rooms},
    {"peer.queue", "queue for them", DOCTOR_OF_PEER, "peer.name", doctor_peer_queue},
    {"peer.dead", "dead letters", DOCTOR_OF_PEER, "peer.name", doctor_peer_dead},

    {"room.here", "the room here", DOCTOR_OF_ROOM, NULL, doctor_room_here},
    {"room.there", "the room there", DOCTOR_OF_ROOM, "peer.knows_us", doctor_room_there},
    {"room.history", "its history there", DOCTOR_OF_ROOM, "room.there", doctor_room_history},

    {"self.store", "store", DOCTOR_OF_SELF, NULL, doctor_self_store},
    {"self.disk", "disk and bounds", DOCTOR_OF_SELF, NULL, doctor_self_disk},
    {"self.audit", "audit", DOCTOR_OF_SELF, "self.store", doctor_self_audit},
    {"self.certificates", "certificates", DOCTOR_OF_SELF, NULL, doctor_self_certificates},
    {"self.keys", "signing keys", DOCTOR_OF_SELF, NULL, doctor_self_keys},
    {"self.policies", "policies", DOCTOR_OF_SELF, NULL, doctor_self_policies},
    {"self.lists", "lists", DOCTOR_OF_SELF, NULL, doctor_self_lists},
    {"self.instances", "instances", DOCTOR_OF_SELF, NULL, doctor_self_instances},
    {"self.clock", "clock", DOCTOR_OF_SELF, NULL, doctor_self_clock},
    {"self.descriptor", "our own descriptor", DOCTOR_OF_SELF, NULL, doctor_self_descriptor},
    {"self.queue", "queue", DOCTOR_OF_SELF, "self.store", doctor_self_queue},
    {"self.limits", "workers and files", DOCTOR_OF_SELF, NULL, doctor_self_limits},
};
const size_t doctor_check_count = WG_COUNT(doctor_checks);
_Static_assert(WG_COUNT(doctor_checks) <= DOCTOR_CHECKS_MAX, "a row for each check");
