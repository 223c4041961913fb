# SPDX-License-Identifier: Apache-2.0
"""Every symptom of docs/troubleshooting.md: the situation is built, the doctor names cause and remedy."""
import datetime
import socket
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from doctor_kit import NAME, examine, put_flag
from harness import poll
from scaiwave.certs import Authority
from scaiwave.keys import SecretKey
from scaiwave.serving import tls_context


def test_a_healthy_neighbour_passes_every_check(street):
    assert street.receive().status == 200
    report = street.examine()
    assert report.status == 0, report
    assert report.ids("ok") == list(report.rows), report
    done = street.gateway.run("doctor", NAME)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "All is well."
    assert "✗" not in done.stdout and "–" not in done.stdout


def test_an_examination_changes_nothing(street):
    street.examine()
    assert street.peer.attempts == [] and street.peer.taken == []
    known = street.gateway.run("peers", "--json").stdout
    assert known == "", known


# ---- handshakes refused ----

def test_they_do_not_know_us(street):
    street.peer.unknown = "a.example.test is not admitted here"
    report = street.examine()
    assert report.failed == ["peer.knows_us"], report
    assert "SW_FED_PEER_UNKNOWN: a.example.test is not admitted here" in report.seen("peer.knows_us")
    assert "admit a.example.test (allowed_peers)" in report.remedy("peer.knows_us")


def test_their_deny_list_has_us(street):
    street.peer.unknown = "a.example.test is in denied_peers"
    report = street.examine()
    assert report.failed == ["peer.knows_us"], report
    assert "deny list" in report.remedy("peer.knows_us")
    assert "take a.example.test out of denied_peers" in report.remedy("peer.knows_us")


def test_we_do_not_admit_them(make_street):
    street = make_street(allowed_peers=[])
    assert street.receive().code == "SW_FED_PEER_UNKNOWN"
    report = street.examine()
    assert report.failed == ["peer.inbound", "peer.outbound"], report
    for check in report.failed:
        assert "SW_FED_PEER_UNKNOWN" in report.seen(check)
        assert "standard.lua:" in report.seen(check)
        assert "add it to allowed_peers" in report.remedy(check)
        hook = report.rows[check]["details"]["hook"]
        assert (hook["verdict"], hook["policy"]) == ("deny", "standard")
        assert [step["answer"] for step in hook["asked"]] == ["deny"]


def test_our_deny_list_has_them(make_street):
    street = make_street(denied_peers=["*.example.test"])
    report = street.examine()
    assert report.failed == ["peer.inbound", "peer.outbound"], report
    assert "take it out of denied_peers" in report.remedy("peer.inbound")


def test_a_policy_of_our_own_refuses_them_one_way(make_street):
    street = make_street(policy="""local wavegate = require "wavegate"
wavegate.on("peer", function(peer, ctx)
  if ctx.direction == "outbound" then return wavegate.deny { reason = "they may talk, we may not" } end
end)
wavegate.use("standard")
""")
    report = street.examine()
    assert report.failed == ["peer.outbound"], report
    assert "they may talk, we may not" in report.seen("peer.outbound")
    assert "policies/main.lua:3" in report.seen("peer.outbound")
    assert "policies/main.lua:3" in report.remedy("peer.outbound")


def test_they_rotated_their_key_without_an_overlap(street):
    assert street.receive().status == 200
    old = street.peer.rotate()
    report = street.examine()
    assert report.failed == ["peer.key"], report
    assert old.kid in report.seen("peer.key") and street.peer.key.kid in report.seen("peer.key")
    assert "fetch the new one" in report.seen("peer.key")
    assert f"wavegate peers refresh {NAME}" in report.remedy("peer.key")
    assert street.gateway.run("peers", "refresh", NAME).returncode == 0
    assert street.examine().failed == []


def test_they_rotate_with_an_overlap(street):
    assert street.receive().status == 200
    old = street.peer.rotate()
    street.peer.descriptor["keys"] = [
        {"kid": key.kid, "public_key": key.public.text, "valid_from": 0, "valid_until": 4102444800}
        for key in (street.peer.key, old)]
    report = street.examine()
    assert report.failed == [], report
    assert "still publish " + old.kid in report.seen("peer.key")


def test_our_policy_refuses_their_new_key(make_street):
    street = make_street(policy="""local wavegate = require "wavegate"
wavegate.use("standard")
wavegate.on("key", function(change)
  if change.old_key_id then return wavegate.deny { reason = "keys do not change here" } end
end)
""")
    assert street.receive().status == 200
    old = street.peer.rotate()
    report = street.examine()
    assert report.failed == ["peer.key"], report
    assert old.kid in report.seen("peer.key") and street.peer.key.kid in report.seen("peer.key")
    assert "keys do not change here" in report.seen("peer.key")
    assert "main.lua:4" in report.seen("peer.key")
    assert "not over federation" in report.remedy("peer.key")


def test_an_operator_has_pinned_another_key(street):
    assert street.receive().status == 200
    assert street.gateway.run("peers", "pin", NAME).returncode == 0
    old = street.peer.rotate()
    report = street.examine()
    assert report.failed == ["peer.key"], report
    assert f"has pinned {old.kid}" in report.seen("peer.key")
    assert f"wavegate peers pin {NAME} --key {street.peer.key.kid}" in report.remedy("peer.key")


def test_they_sign_with_a_key_that_they_do_not_publish(street):
    assert street.receive().status == 200
    street.peer.key = SecretKey()
    refused = street.receive()
    assert refused.code == "SW_FED_SIGNATURE_MISMATCH", refused
    report = street.examine()
    assert report.failed == ["peer.lately"], report
    assert street.peer.key.kid in report.seen("peer.lately")
    assert "not proven to be them" in report.seen("peer.lately")
    assert "'their key'" in report.remedy("peer.lately")


def test_they_hold_an_old_key_of_ours(street):
    street.peer.trusted.clear()
    street.peer.trust("a.example.test", SecretKey().public)
    report = street.examine()
    assert report.failed == ["peer.knows_us"], report
    ours = street.world.keys["a.example.test"].kid
    assert "SW_FED_SIGNATURE_MISMATCH" in report.seen("peer.knows_us")
    assert f"another key of ours than {ours}" in report.remedy("peer.knows_us")


@pytest.mark.parametrize("offset_s, way", [(61, "61 s ahead of"), (-65, "65 s behind")])
def test_their_clock_is_more_than_a_minute_off(street, offset_s, way):
    street.peer.clock_offset_s = offset_s
    report = street.examine()
    assert report.failed == ["peer.clock", "peer.knows_us"], report
    assert f"their clock is {way} ours" in report.seen("peer.clock")
    assert "timedatectl" in report.remedy("peer.clock")
    assert "'clocks'" in report.remedy("peer.knows_us")


def test_a_clock_that_is_a_little_off_is_told(street):
    street.peer.clock_offset_s = 30
    report = street.examine()
    assert report.failed == [], report
    assert "30 s ahead of ours" in report.seen("peer.clock")
    assert "NTP" in report.remedy("peer.clock")


def test_no_common_protocol_version(street):
    street.peer.descriptor["protocol_versions"] = ["v7", "v8"]
    report = street.examine()
    assert report.failed == ["peer.versions"], report
    assert "they speak v7, v8, we speak v1" in report.seen("peer.versions")
    assert "upgraded" in report.remedy("peer.versions")
    assert report.rows["peer.knows_us"]["result"] == "skipped"


# ---- TLS ----

def certificate(subject, key, issuer, issuer_key, is_authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    made = (x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
            .sign(issuer_key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM)


class Chain:
    """A root that the gateway trusts, an intermediate authority, and the neighbour's certificate."""

    def __init__(self, street):
        root, link, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.street = street
        self.link = certificate("The missing link", link, "The root", root, True)
        self.leaf = certificate(NAME, leaf, "The missing link", link, False)
        self.key = street.world.write("tls/leaf.key", leaf.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode())
        with open(street.world.authority.file, "ab") as anchors:
            anchors.write(certificate("The root", root, "The root", root, True))
        self.serve(self.leaf)

    def serve(self, *chain):
        file = self.street.world.write("tls/chain.pem", b"".join(chain).decode())
        self.street.peer.stop()
        self.street.peer._tls = tls_context(file, self.key)
        self.street.peer.start()


def test_their_chain_is_broken(make_street):
    chains = []
    street = make_street(resolve=lambda street: chains.append(Chain(street)) or {})
    report = street.examine()
    assert report.failed == ["peer.tls"], report
    assert "leads to no trust anchor; its issuer is CN=The missing link" in report.seen("peer.tls")
    assert "intermediate certificates included" in report.remedy("peer.tls")
    for check in ("peer.descriptor", "peer.clock", "peer.key", "peer.knows_us", "peer.send"):
        assert report.rows[check]["result"] == "skipped"
        assert "not tried" in report.seen(check)
    chains[0].serve(chains[0].leaf, chains[0].link)  # what the remedy asks for
    assert street.examine().failed == []


def test_their_authority_is_not_ours(make_street, tmp_path):
    street = make_street(certificate={"issuer": Authority(tmp_path / "other", "Another CA")})
    report = street.examine()
    assert report.failed == ["peer.tls"], report
    assert "its issuer is CN=Another CA" in report.seen("peer.tls")
    assert "peers.trust_anchors" in report.remedy("peer.tls")


@pytest.mark.parametrize("certificate, seen, remedy", [
    ({"days": -1, "start_days": -9}, "certificate expired on ", "renew"),
    ({"days": 9, "start_days": 3}, "not valid before ", "clocks of both sides"),
    ({"dns": ["www.example.test"]}, f"certificate is for www.example.test, not {NAME}",
     "names this server"),
])
def test_their_certificate_is_not_good(make_street, certificate, seen, remedy):
    report = make_street(certificate=certificate).examine()
    assert report.failed == ["peer.tls"], report
    assert seen in report.seen("peer.tls")
    assert remedy in report.remedy("peer.tls")


def test_something_else_than_tls_listens_there(make_street):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            for _ in range(2):  # the check of TCP, then that of TLS
                connection, _ = listener.accept()
                with connection:
                    if connection.recv(1):
                        connection.sendall(b"220 mail.example.test ESMTP\r\n")
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        report = make_street(resolve=lambda _: {NAME: f"127.0.0.1:{port}"}).examine()
        thread.join(10)
    assert report.failed == ["peer.tls"], report
    assert "not TLS" in report.seen("peer.tls")
    assert "their proxy" in report.remedy("peer.tls")


# ---- total silence ----

def test_their_server_is_down(street):
    street.peer.stop()
    report = street.examine()
    assert report.failed == ["peer.tcp"], report
    assert "connection refused" in report.seen("peer.tcp")
    assert "whether their server runs" in report.remedy("peer.tcp")


def test_their_name_leads_to_an_address_that_the_guard_refuses(make_street):
    report = make_street(resolve=lambda _: {NAME: "10.1.2.3:443"}).examine()
    assert report.failed == ["peer.addresses"], report
    assert "10.1.2.3:443 (refused by our guard)" in report.seen("peer.addresses")
    assert "peers.allow_addresses" in report.remedy("peer.addresses")


def test_their_name_does_not_resolve(street):
    report = examine(street.gateway, "nobody.invalid")
    assert report.failed[0] == "peer.addresses", report
    assert "getent ahosts nobody.invalid" in report.remedy("peer.addresses")


def test_what_is_no_server_name_is_said_first(street):
    report = examine(street.gateway, "https://peer.example.test/")
    assert report.failed == ["peer.name"], report
    assert len(report.ids("skipped")) == len(report.rows) - 1


@pytest.mark.parametrize("status, remedy", [(404, "publishes no descriptor"),
                                            (403, "readable by everybody"),
                                            (302, "redirects are not followed"),
                                            (502, "down or broken")])
def test_their_descriptor_is_not_there(street, status, remedy):
    street.peer.status = status
    report = street.examine()
    assert report.failed == ["peer.descriptor"], report
    assert f"answered {status}" in report.seen("peer.descriptor")
    assert remedy in report.remedy("peer.descriptor")


def test_their_descriptor_is_that_of_another(street):
    street.peer.descriptor["server_name"] = "other.example.test"
    report = street.examine()
    assert report.failed == ["peer.descriptor"], report
    assert "other.example.test" in report.seen("peer.descriptor")


def test_their_send_is_gone(street):
    street.peer.has_send = False
    report = street.examine()
    assert report.failed == ["peer.send"], report
    assert "is gone: they answered 404" in report.seen("peer.send")
    assert "nothing we send arrives" in report.remedy("peer.send")


def test_another_server_answers_under_our_name(make_street):
    def resolve(street):
        impostor = street.world.peer("a.example.test")
        return {"a.example.test": impostor.address}
    street = make_street(resolve=resolve)
    report = street.examine()
    assert report.failed == ["peer.sees_us"], report
    impostor = street.world.peers["a.example.test"]
    assert impostor.key.kid in report.seen("peer.sees_us")
    assert street.world.keys["a.example.test"].kid in report.seen("peer.sees_us")
    assert "another gateway" in report.remedy("peer.sees_us")


# ---- what we send does not arrive ----

def test_the_queue_for_them_is_stuck(street):
    street.peer.set_mode("refuse", status=503)
    out = street.gateway.client()
    assert out.send(out.event(), NAME).status == 202
    street.peer.wait_for_attempts(6)
    report = street.examine()
    assert report.failed == ["peer.queue"], report
    assert "1 waiting" in report.seen("peer.queue")
    assert "the last attempt: answered 503" in report.seen("peer.queue")
    assert f"wavegate queue retry --peer {NAME}" in report.remedy("peer.queue")
    assert report.rows["peer.queue"]["details"]["circuit_open"]
    street.peer.set_mode("accept")
    assert street.gateway.run("queue", "retry", "--peer", NAME).returncode == 0
    street.peer.wait_for_taken(1)
    poll(lambda: street.examine().failed == [], what="a healthy neighbour")


def test_the_queue_for_them_is_suspended(street):
    assert street.gateway.run("queue", "suspend", "--peer", NAME, "--reason",
                              "they move house").returncode == 0
    report = street.examine()
    assert report.failed == ["peer.queue"], report
    assert "they move house" in report.seen("peer.queue")
    assert f"wavegate queue resume --peer {NAME}" in report.remedy("peer.queue")


def test_the_room_is_federated_on_their_side_only(street):
    event = street.peer.event("room-42")
    put_flag(street.gateway, "room-42", False)
    assert street.receive(event).code == "SW_ROOM_FORBIDDEN"
    poll(lambda: street.examine().failed == ["peer.lately", "peer.rooms"] or
         street.examine().failed == ["peer.rooms"], what="the row of the audit")
    report = street.examine()
    assert "room-42 is not federated on our side" in report.seen("peer.rooms")
    assert "/v1/admin/rooms/room-42/federate" in report.remedy("peer.rooms")


def test_the_room_is_federated_on_our_side_only(street):
    put_flag(street.gateway, "room-42", True)
    street.peer.set_mode("refuse", status=403, code="SW_ROOM_FORBIDDEN")
    out = street.gateway.client()
    assert out.send(out.event("room-42"), NAME).status == 202
    street.peer.wait_for_attempts(1)
    poll(lambda: "peer.dead" in street.examine().failed, what="the dead letter")
    report = street.examine()
    assert report.failed == ["peer.rooms", "peer.dead"], report
    assert "room-42 is not federated on their side" in report.seen("peer.rooms")
    assert "ask them to federate that room" in report.remedy("peer.rooms")
    assert "SW_ROOM_FORBIDDEN" in report.seen("peer.dead")
    assert f"wavegate queue requeue --peer {NAME}" in report.remedy("peer.dead")


def test_a_room_that_is_named_is_examined_on_both_sides(street):
    street.peer.members["room-42"] = ["@carol:peer.example.test"]
    street.peer.history.append(street.peer.event("room-42"))
    report = street.examine(room="room-42")
    assert report.status == 0, report
    assert [row for row in report.rows if row.startswith("room.")] == [
        "room.here", "room.there", "room.history"]
    assert "open both ways, its flag is not set" in report.seen("room.here")


def test_a_named_room_is_closed_here(street):
    street.peer.members["room-42"] = []
    street.peer.history.append(street.peer.event("room-42"))
    put_flag(street.gateway, "room-42", False)
    report = street.examine(room="room-42")
    assert report.failed == ["room.here"], report
    assert "their events of it are refused, its flag is false" in report.seen("room.here")
    assert "/v1/admin/rooms/room-42/federate" in report.remedy("room.here")


def test_a_named_room_is_closed_there(street):
    street.peer.closed.add("room-42")
    report = street.examine(room="room-42")
    assert report.failed == ["room.there"], report
    assert "SW_ROOM_FORBIDDEN" in report.seen("room.there")
    assert "not federated on their side" in report.remedy("room.there")
    assert report.rows["room.history"]["result"] == "skipped"


def test_they_know_no_room_of_that_name(street):
    report = street.examine(room="room-42")
    assert report.failed == ["room.there"], report
    assert "is the id right" in report.remedy("room.there")


# ---- empty backfills ----

def test_their_backfill_limit_is_0(street):
    street.peer.members["room-42"] = ["@carol:peer.example.test"]
    report = street.examine(room="room-42")
    assert report.failed == ["room.history"], report
    assert "max_backfill_events_per_request is 0" in report.remedy("room.history")


def test_our_backfill_limit_is_0(make_street):
    street = make_street(max_backfill_events_per_request=0)
    report = street.examine()
    assert report.failed == ["peer.history"], report
    assert "the limit is 0" in report.seen("peer.history")
    assert "standard.lua:" in report.seen("peer.history")
    assert "raise max_backfill_events_per_request" in report.remedy("peer.history")


def test_all_history_is_hidden(make_street):
    report = make_street(hide_history_before="2100-01-01").examine()
    assert report.failed == ["peer.history"], report
    assert "all before 2100-01-01 is hidden" in report.seen("peer.history")
    assert "hide_history_before" in report.remedy("peer.history")
